/* SPDX-License-Identifier: Apache-2.0 */

/* What operations on objects share. */

#include "services/s3/s3_int.h"

struct vg_str
s3_etag(struct vg_req *rq, const struct s3_rec_version *v)
{
    return v->etag.ptr ? vg_str_fmt(rq->arena, "\"%" VG_FMT "\"", VG_ARG(v->etag)) : VG_STR_NONE;
}
