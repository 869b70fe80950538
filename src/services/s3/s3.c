/* SPDX-License-Identifier: Apache-2.0 */

/* The service: what policies must know of buckets and objects. */

#include "services/s3/s3_int.h"

/* The bucket of "arn:aws:s3:::bucket" and of "arn:aws:s3:::bucket/key"; absent: neither. */
static struct vg_str
bucket_of(struct vg_str arn)
{
    for (int i = 0; i < 5; i++)
        vg_str_cut(&arn, ':');
    struct vg_str bucket = vg_str_cut(&arn, '/');
    return bucket.len ? bucket : VG_STR_NONE;
}

/*
 * Owner of a bucket, or of the bucket an object is in.  Of one that there is not, our own
 * operations say so before they ask anybody's policy, as S3 does.
 */
static vg_rc
resource(struct vg_req *rq, struct vg_str arn, struct vg_resource *ret)
{
    struct s3_rec_bucket *bucket = NULL;
    struct vg_str name = bucket_of(arn);
    if (!name.ptr || rq->op == &s3_op_create_bucket)
        return VG_OK;
    vg_rc rc = s3_store_bucket(rq, name, &bucket);
    if (rc == VG_OK && !bucket && rq->op && rq->op->service == &s3_service)
        return s3_no_bucket(rq, name);
    if (rc == VG_OK && bucket)
        ret->owner = bucket->account;
    return rc;
}

const struct vg_service s3_service = {
    .name = "s3",
    .ops = s3_ops,
    .resource = resource,
};
