/* SPDX-License-Identifier: Apache-2.0 */
#include "services/s3/s3_http.h"

#include "codec/uri.h"
#include "core/reply.h"
#include "services/s3/s3_int.h"

struct s3_place
s3_place_of(struct vg_arena *arena, struct vg_str path)
{
    struct vg_str rest = vg_str_starts(path, VG_STR("/")) ? vg_str_slice(path, 1, path.len) : path;
    struct vg_str bucket = vg_str_cut(&rest, '/');
    return (struct s3_place) { .bucket = vg_uri_decode(arena, bucket, false),
                               .key = rest.ptr ? vg_uri_decode(arena, rest, false) : VG_STR("") };
}

/*
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, "MethodNotAllowed"; what is
 * allowed at a place, RFC 9110 asks to say.
 */
static vg_rc
not_allowed(struct vg_req *rq, const struct vg_head *head)
{
    const struct s3_place at = s3_place_of(rq->arena, head->path);
    struct s3_method_not_allowed *d = VG_NEW(rq->arena, struct s3_method_not_allowed);
    d->method = head->method;
    d->resource_type = at.key.len      ? S3_TYPE_OBJECT
                       : at.bucket.len ? S3_TYPE_BUCKET
                                       : S3_TYPE_SERVICE;
    vg_reply_header(rq, VG_STR("Allow"),
                    at.bucket.len ? VG_STR("HEAD, DELETE, POST, GET, PUT") : VG_STR("GET"));
    return s3_fail_method_not_allowed_detail(
        rq, d, "The specified method is not allowed against this resource.");
}

vg_rc
s3_other(struct vg_req *rq, const struct vg_head *head)
{
    if (vg_str_eq(head->method, VG_STR("OPTIONS")))
        return s3_preflight(rq, head);
    return not_allowed(rq, head);
}
