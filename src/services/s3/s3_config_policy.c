/* SPDX-License-Identifier: Apache-2.0 */

/* The policy of a bucket. */

#include "auth/store.h"
#include "core/reply.h"
#include "services/s3/s3_int.h"
#include "services/s3/s3_policy.h"

/*
 * "If you are using an identity other than the root user of the AWS account that owns the bucket,
 * the calling identity must … belong to the bucket owner's account": else MethodNotAllowed.
 */
static vg_rc
check_caller(struct vg_req *rq, const struct s3_rec_bucket *b, const char *method)
{
    const struct vg_principal *who = rq->scope->caller;
    if (!who || who->kind == VG_PRINCIPAL_SERVICE || vg_str_eq(who->account, b->account))
        return VG_OK;
    struct s3_method_not_allowed *d = VG_NEW(rq->arena, struct s3_method_not_allowed);
    d->method = vg_str_of(method);
    d->resource_type = VG_STR("BUCKETPOLICY");
    return s3_fail_method_not_allowed_detail(
        rq, d, "The specified method is not allowed against this resource.");
}

/* Users and roles of the bucket's account that a policy names must exist. */
static vg_rc
check_principals(struct vg_req *rq, const struct s3_rec_bucket *b, const struct vg_policy *policy)
{
    const struct vg_iam db = { .s = rq->sess, .account = b->account, .err = rq->err };
    struct vg_str stranger;
    vg_rc rc = vg_iam_stranger(&db, policy, &stranger);
    return rc == VG_OK && stranger.ptr ? s3_fail_malformed_policy(rq, S3_POLICY_WRONG_PRINCIPAL)
                                       : rc;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html */
vg_rc
s3_put_bucket_policy(struct vg_req *rq, const struct s3_put_bucket_policy_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    struct vg_err why = { 0 };
    struct s3_policy_text policy;
    vg_rc rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc == VG_OK)
        rc = check_caller(rq, e.bucket, "PUT");
    if (rc != VG_OK)
        return rc;
    if (s3_policy_check(rq->arena, in->policy, in->bucket, &policy, &why) != VG_OK)
        return s3_fail_malformed_policy(rq, "%" VG_FMT, VG_ARG(vg_err_text(&why)));
    rc = check_principals(rq, e.bucket, policy.compiled);
    if (rc != VG_OK)
        return rc;
    if (policy.is_public && (e.bucket->blocks & S3_BLOCK_PUBLIC_POLICY))
        return s3_denied(rq, e.bucket, VG_STR_NONE,
                         "because public policies are prevented by the BlockPublicPolicy setting "
                         "in S3 Block Public Access.");
    const struct s3_get_bucket_policy_output kept = { .policy = policy.text };
    e.bucket->policy = policy.is_public ? S3_POLICY_PUBLIC : S3_POLICY_CLOSED;
    s3_store_put_config(&e, S3_CONFIG_POLICY, &s3_shape_get_bucket_policy_output, &kept);
    s3_store_put_bucket(&e, e.bucket);
    vg_reply_status(rq, 204); /* as its page's example has it, and S3 does; the model says 200 */
    return s3_store_edit_commit(&e);
}

static vg_rc
no_policy(struct vg_req *rq, struct vg_str name)
{
    struct s3_no_such_bucket_policy *d = VG_NEW(rq->arena, struct s3_no_such_bucket_policy);
    d->bucket_name = name;
    return s3_fail_no_such_bucket_policy_detail(rq, d, "The bucket policy does not exist");
}

vg_rc
s3_policy_of(struct vg_req *rq, const struct s3_rec_bucket *b, struct vg_str *ret)
{
    void *found = NULL;
    *ret = VG_STR_NONE;
    if (b->policy == S3_POLICY_NONE)
        return VG_OK;
    vg_rc rc = s3_store_config(rq, b, S3_CONFIG_POLICY, &s3_shape_get_bucket_policy_output, &found);
    if (rc == VG_OK && found)
        *ret = ((const struct s3_get_bucket_policy_output *)found)->policy;
    return rc;
}

vg_rc
s3_get_bucket_policy(struct vg_req *rq, const struct s3_get_bucket_policy_request *in,
                     struct s3_get_bucket_policy_output *out)
{
    struct s3_rec_bucket *b;
    vg_rc rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &b);
    if (rc == VG_OK)
        rc = check_caller(rq, b, "GET");
    if (rc == VG_OK)
        rc = s3_policy_of(rq, b, &out->policy);
    return rc == VG_OK && !out->policy.ptr ? no_policy(rq, in->bucket) : rc;
}

vg_rc
s3_get_bucket_policy_status(struct vg_req *rq, const struct s3_get_bucket_policy_status_request *in,
                            struct s3_get_bucket_policy_status_output *out)
{
    struct s3_rec_bucket *b;
    vg_rc rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &b);
    if (rc != VG_OK)
        return rc;
    if (b->policy == S3_POLICY_NONE)
        return no_policy(rq, in->bucket);
    out->policy_status = VG_NEW(rq->arena, struct s3_policy_status);
    out->policy_status->is_public =
        (struct vg_opt_bool) { .set = true, .v = b->policy == S3_POLICY_PUBLIC };
    return VG_OK;
}

vg_rc
s3_delete_bucket_policy(struct vg_req *rq, const struct s3_delete_bucket_policy_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    vg_rc rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc == VG_OK)
        rc = check_caller(rq, e.bucket, "DELETE");
    if (rc != VG_OK)
        return rc;
    e.bucket->policy = S3_POLICY_NONE;
    s3_store_del_config(&e, S3_CONFIG_POLICY);
    s3_store_put_bucket(&e, e.bucket);
    return s3_store_edit_commit(&e);
}
