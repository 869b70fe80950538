/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_CORS_H
#define S3_CORS_H

/*
 * Which rule of a bucket lets a page of another origin send a request: pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
 */

#include "base/arena.h"
#include "services/s3/model.h"

/* What a browser says of a request, or asks before it (a preflight). */
struct s3_cors_asked {
    struct vg_str origin, method;
    struct vg_str headers; /* Access-Control-Request-Headers: "a, b"; absent: none */
};

/* The first rule that matches; NULL: none does. */
const struct s3_cors_rule *s3_cors_match(struct vg_arena *arena,
                                         const struct s3_cors_configuration *conf,
                                         const struct s3_cors_asked *asked);
bool s3_cors_is_any_origin(const struct s3_cors_rule *rule); /* one of its origins is "*" */
/* "A,b" as answers have it: "a, b". */
struct vg_str s3_cors_headers_text(struct vg_arena *arena, struct vg_str headers);
bool s3_cors_is_method(struct vg_str method); /* one that rules may name */

#endif
