/* SPDX-License-Identifier: Apache-2.0 */

/* What a request must be allowed to do, where one action on one resource cannot say it. */

#include "services/s3/s3_int.h"

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html: "Permissions" */
vg_rc
s3_authz_create_bucket(struct vg_req *rq, const struct s3_create_bucket_request *in,
                       struct vg_authz *az)
{
    const struct s3_create_bucket_configuration *conf = in->create_bucket_configuration;
    bool is_locked = vg_opt_bool_or(in->object_lock_enabled_for_bucket, false);
    bool has_acl = (in->acl.text.ptr && in->acl.v != S3_BUCKET_CANNED_ACL_PRIVATE)
                   || in->grant_full_control.ptr || in->grant_read.ptr || in->grant_read_acp.ptr
                   || in->grant_write.ptr || in->grant_write_acp.ptr;
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
    struct vg_str arn = vg_arn_expand(rq, "arn:{partition}:s3:::{Bucket}", in);
    for (size_t i = 0; i < VG_COUNT(all); i++)
        if (all[i].is_needed)
            vg_authz_add(az, all[i].action, arn, NULL, 0);
    return VG_OK;
}
