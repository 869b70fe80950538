/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What requests on objects and lists of them must be allowed to do, with the keys that policies may
 * test: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
 */

#include "services/s3/s3_int.h"

/* --- lists --------------------------------------------------------------------------------------
 */

static vg_rc
add_list(struct vg_authz *az, const void *in, struct vg_str action, struct vg_str prefix,
         struct vg_str delimiter, struct vg_opt_i64 max)
{
    struct vg_req *rq = az->rq;
    struct vg_str number = max.set ? vg_str_fmt(rq->arena, "%lld", (long long)max.v) : VG_STR_NONE;
    const struct vg_ctx asked[] = { { VG_STR("s3:prefix"), prefix },
                                    { VG_STR("s3:delimiter"), delimiter },
                                    { VG_STR("s3:max-keys"), number } };
    struct vg_ctx *ctx = VG_NEW_ARRAY(rq->arena, struct vg_ctx, VG_COUNT(asked));
    size_t n = 0;
    for (size_t i = 0; i < VG_COUNT(asked); i++)
        if (asked[i].value.ptr)
            ctx[n++] = asked[i];
    vg_authz_add(az, action, vg_arn_expand(rq, "arn:{partition}:s3:::{Bucket}", in), ctx, n);
    return VG_OK;
}

vg_rc
s3_authz_list_objects(struct vg_req *rq, const struct s3_list_objects_request *in,
                      struct vg_authz *az)
{
    (void)rq;
    return add_list(az, in, VG_STR("s3:ListBucket"), in->prefix, in->delimiter, in->max_keys);
}

vg_rc
s3_authz_list_objects_v2(struct vg_req *rq, const struct s3_list_objects_v2_request *in,
                         struct vg_authz *az)
{
    (void)rq;
    return add_list(az, in, VG_STR("s3:ListBucket"), in->prefix, in->delimiter, in->max_keys);
}

vg_rc
s3_authz_list_object_versions(struct vg_req *rq, const struct s3_list_object_versions_request *in,
                              struct vg_authz *az)
{
    (void)rq;
    return add_list(az, in, VG_STR("s3:ListBucketVersions"), in->prefix, in->delimiter,
                    in->max_keys);
}

/* --- one object ---------------------------------------------------------------------------------
 */

struct vg_str
s3_object_arn(struct vg_req *rq, struct vg_str bucket, struct vg_str key)
{
    return vg_str_fmt(rq->arena, "arn:%" VG_FMT ":s3:::%" VG_FMT "/%" VG_FMT,
                      VG_ARG(rq->scope->partition), VG_ARG(bucket), VG_ARG(key));
}

/* What must be allowed of one object: one action where a version is named, another where not. */
static void
add_object(struct vg_authz *az, const struct s3_at *at, struct vg_str action,
           struct vg_str of_version)
{
    struct vg_req *rq = az->rq;
    struct vg_ctx *ctx = VG_NEW(rq->arena, struct vg_ctx);
    *ctx = (struct vg_ctx) { VG_STR("s3:VersionId"), at->version_id };
    vg_authz_add(az, at->version_id.ptr ? of_version : action,
                 s3_object_arn(rq, at->bucket, at->key), ctx, at->version_id.ptr ? 1 : 0);
}

static void
add_bypass(struct vg_authz *az, const struct s3_at *at, struct vg_opt_bool is_asked)
{
    if (vg_opt_bool_or(is_asked, false))
        add_object(az, at, VG_STR("s3:BypassGovernanceRetention"),
                   VG_STR("s3:BypassGovernanceRetention"));
}

vg_rc
s3_authz_delete_object(struct vg_req *rq, const struct s3_delete_object_request *in,
                       struct vg_authz *az)
{
    const struct s3_at at = S3_AT(in);
    (void)rq;
    add_object(az, &at, VG_STR("s3:DeleteObject"), VG_STR("s3:DeleteObjectVersion"));
    add_bypass(az, &at, in->bypass_governance_retention);
    return VG_OK;
}

/* Nothing as a whole: each key is asked for, and answered, by itself. */
vg_rc
s3_authz_delete_objects(struct vg_req *rq, const struct s3_delete_objects_request *in,
                        struct vg_authz *az)
{
    (void)rq, (void)in, (void)az;
    return VG_OK;
}
