/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who pays for requests:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html
 */

#include "services/s3/s3_int.h"

#include "core/reply.h"
#include "wire/shape.h"

vg_rc
s3_put_bucket_request_payment(struct vg_req *rq,
                              const struct s3_put_bucket_request_payment_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    const struct s3_request_payment_configuration *conf = in->request_payment_configuration;
    if (!conf || conf->payer.v <= 0)
        return s3_malformed_xml(rq);
    vg_rc rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc != VG_OK)
        return rc;
    e.bucket->is_requester_pays = conf->payer.v == S3_PAYER_REQUESTER;
    s3_store_put_bucket(&e, e.bucket);
    return s3_store_edit_commit(&e);
}

vg_rc
s3_get_bucket_request_payment(struct vg_req *rq,
                              const struct s3_get_bucket_request_payment_request *in,
                              struct s3_get_bucket_request_payment_output *out)
{
    struct s3_rec_bucket *b;
    vg_rc rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &b);
    if (rc == VG_OK)
        out->payer = VG_ENUM(b->is_requester_pays ? S3_PAYER_REQUESTER : S3_PAYER_BUCKET_OWNER);
    return rc;
}

/* x-amz-request-payer of the request; NULL: its operation has none. */
static const struct vg_enum *
payer_of(const struct vg_req *rq)
{
    const struct vg_shape *shape = rq->op->in;
    for (size_t i = 0; shape && rq->in && i < shape->n_members; i++)
        if (vg_str_eq(shape->members[i].name, VG_STR("RequestPayer")))
            return (const void *)((const char *)rq->in + shape->members[i].offset);
    return NULL;
}

/* A copy may come here for each of its buckets. */
static void
say_charged(struct vg_req *rq)
{
    const struct vg_str name = VG_STR("x-amz-request-charged");
    for (size_t i = 0; rq->reply && i < rq->reply->headers.len; i++)
        if (vg_str_eq(rq->reply->headers.items[i].name, name))
            return;
    vg_reply_header(rq, name, VG_STR("requester"));
}

/* "If you don't include this parameter, … the request fails (403)", and so do anonymous ones. */
vg_rc
s3_check_payer(struct vg_req *rq, const struct s3_rec_bucket *bucket)
{
    const struct vg_principal *who = rq->scope->caller;
    const struct vg_enum *payer = bucket->is_requester_pays ? payer_of(rq) : NULL;
    if (!payer || !who || who->kind == VG_PRINCIPAL_SERVICE
        || vg_str_eq(who->account, bucket->account))
        return VG_OK;
    if (s3_is_anonymous(rq) || payer->v != S3_REQUEST_PAYER_REQUESTER)
        return s3_fail_access_denied(rq, "Access Denied");
    say_charged(rq);
    return VG_OK;
}
