/* SPDX-License-Identifier: Apache-2.0 */

/* What a request must be allowed to do, where one action on one resource cannot say it. */

#include "services/s3/s3_acl.h"

struct keys {
    struct vg_ctx items[8];
    size_t len;
};

static void
add_key(struct keys *keys, struct vg_str key, struct vg_str value)
{
    if (!value.ptr)
        return;
    VG_ASSERT(keys->len < VG_COUNT(keys->items));
    keys->items[keys->len++] = (struct vg_ctx) { key, value };
}

static struct keys *
acl_keys(struct vg_req *rq, const struct s3_acl_asked *asked)
{
    struct keys *keys = VG_NEW(rq->arena, struct keys);
    add_key(keys, VG_STR("s3:x-amz-acl"), asked->canned);
    add_key(keys, VG_STR("s3:x-amz-grant-full-control"), asked->full_control);
    add_key(keys, VG_STR("s3:x-amz-grant-read"), asked->read);
    add_key(keys, VG_STR("s3:x-amz-grant-read-acp"), asked->read_acp);
    add_key(keys, VG_STR("s3:x-amz-grant-write"), asked->write);
    add_key(keys, VG_STR("s3:x-amz-grant-write-acp"), asked->write_acp);
    return keys;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html: "Permissions" */
vg_rc
s3_authz_create_bucket(struct vg_req *rq, const struct s3_create_bucket_request *in,
                       struct vg_authz *az)
{
    const struct s3_create_bucket_configuration *conf = in->create_bucket_configuration;
    const struct s3_acl_asked asked = s3_acl_asked_of_create(in);
    bool is_locked = vg_opt_bool_or(in->object_lock_enabled_for_bucket, false);
    bool has_acl = (in->acl.text.ptr && in->acl.v != S3_BUCKET_CANNED_ACL_PRIVATE)
                   || s3_acl_has_grants(&asked);
    const struct {
        struct vg_str action;
        bool is_needed;
    } all[] = {
        { VG_STR("s3:CreateBucket"), true },
        { VG_STR("s3:PutBucketAcl"), has_acl },
        { VG_STR("s3:PutBucketObjectLockConfiguration"), is_locked },
        { VG_STR("s3:PutBucketVersioning"), is_locked },
        { VG_STR("s3:PutBucketOwnershipControls"), in->object_ownership.text.ptr != NULL },
        { VG_STR("s3:TagResource"), conf && conf->tags.len > 0 },
    };
    struct keys *keys = acl_keys(rq, &asked);
    add_key(keys, VG_STR("s3:x-amz-object-ownership"), in->object_ownership.text);
    if (conf)
        add_key(keys, VG_STR("s3:locationconstraint"), conf->location_constraint.text);
    struct vg_str arn = vg_arn_expand(rq, "arn:{partition}:s3:::{Bucket}", in);
    for (size_t i = 0; i < VG_COUNT(all); i++)
        if (all[i].is_needed)
            vg_authz_add(az, all[i].action, arn, keys->items, keys->len);
    return VG_OK;
}

vg_rc
s3_authz_put_bucket_acl(struct vg_req *rq, const struct s3_put_bucket_acl_request *in,
                        struct vg_authz *az)
{
    const struct s3_acl_asked asked = s3_acl_asked_of_put(in);
    struct keys *keys = acl_keys(rq, &asked);
    vg_authz_add(az, VG_STR("s3:PutBucketAcl"), vg_arn_expand(rq, rq->op->iam_resource, in),
                 keys->items, keys->len);
    return VG_OK;
}
