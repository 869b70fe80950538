/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_WEBSITE_H
#define S3_WEBSITE_H

/*
 * Static websites: what requests to a bucket's website endpoint lead to.  Pure rules; strings given
 * out are the arena's or parts of what was given in.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html
 */

#include "services/s3/s3_int.h"

struct vg_http_req;

/* "{bucket}.s3-website.{region}.…" and "{bucket}.s3-website-{region}.…"; absent: no such host. */
struct vg_str s3_website_bucket(struct vg_str host);

/* What a redirect begins with where nothing else is said, and what it is of. */
struct s3_website_asked {
    struct vg_str scheme, host;
    struct vg_str key;   /* decoded, without the leading slash */
    struct vg_str query; /* absent: none */
};
/* The first rule of the key that holds for a status (0: whatever it will be); NULL: none. */
const struct s3_routing_rule *s3_website_rule(const struct s3_website_configuration *conf,
                                              struct vg_str key, int status);
/* Where it leads to, and with which status. */
struct vg_str s3_website_follow(struct vg_arena *arena, const struct s3_routing_rule *rule,
                                const struct s3_website_asked *asked, int *ret_status);
struct vg_str s3_website_follow_all(struct vg_arena *arena,
                                    const struct s3_redirect_all_requests_to *to,
                                    const struct s3_website_asked *asked);

/* NoSuchWebsiteConfiguration */
vg_rc s3_no_website(struct vg_req *rq, struct vg_str bucket);

/* --- s3_website_plane.c: the endpoint ----------------------------------------------------------
 */

bool s3_website_match(const struct vg_env *env, struct vg_str host, struct vg_str path);
void s3_website_serve(struct vg_req *rq, struct vg_http_req *http) VG_WAITS;

#endif
