/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Configurations whose effect is not built: they are refused, for what is accepted must act.  What
 * switches such a feature off, or asks for what is so anyway, is answered as AWS does.
 */

#include "services/s3/s3_int.h"

/* A change of something that is off: nothing to do but to find the bucket. */
static vg_rc
check_bucket(struct vg_req *rq, struct vg_str name, struct vg_str expected_owner)
{
    struct s3_rec_bucket *b;
    return s3_need_bucket(rq, name, expected_owner, &b);
}

static vg_rc
refuse(struct vg_req *rq, struct vg_str name, struct vg_str expected_owner, bool is_given,
       const char *feature)
{
    vg_rc rc = check_bucket(rq, name, expected_owner);
    return rc == VG_OK && is_given ? s3_not_built(rq, feature) : rc;
}

/* --- replication, acceleration ------------------------------------------------------------------
 */

vg_rc
s3_put_bucket_replication(struct vg_req *rq, const struct s3_put_bucket_replication_request *in)
{
    if (!in->replication_configuration)
        return s3_malformed_xml(rq);
    return refuse(rq, in->bucket, in->expected_bucket_owner, true, "Replication");
}

vg_rc
s3_get_bucket_replication(struct vg_req *rq, const struct s3_get_bucket_replication_request *in,
                          struct s3_get_bucket_replication_output *out)
{
    (void)out;
    vg_rc rc = check_bucket(rq, in->bucket, in->expected_bucket_owner);
    if (rc != VG_OK)
        return rc;
    struct s3_replication_configuration_not_found_error *d =
        VG_NEW(rq->arena, struct s3_replication_configuration_not_found_error);
    d->bucket_name = in->bucket;
    return s3_fail_replication_configuration_not_found_error_detail(
        rq, d, "The replication configuration was not found");
}

vg_rc
s3_delete_bucket_replication(struct vg_req *rq,
                             const struct s3_delete_bucket_replication_request *in)
{
    return check_bucket(rq, in->bucket, in->expected_bucket_owner);
}

vg_rc
s3_put_bucket_accelerate_configuration(
    struct vg_req *rq, const struct s3_put_bucket_accelerate_configuration_request *in)
{
    const struct s3_accelerate_configuration *conf = in->accelerate_configuration;
    if (!conf || conf->status.v <= 0)
        return s3_malformed_xml(rq);
    return refuse(rq, in->bucket, in->expected_bucket_owner, true, "Transfer acceleration");
}

vg_rc
s3_get_bucket_accelerate_configuration(
    struct vg_req *rq, const struct s3_get_bucket_accelerate_configuration_request *in,
    struct s3_get_bucket_accelerate_configuration_output *out)
{
    (void)out;
    return check_bucket(rq, in->bucket, in->expected_bucket_owner);
}

/* --- tags as attributes of policies -------------------------------------------------------------
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/buckets-tagging-enable-abac.html
 */

vg_rc
s3_put_bucket_abac(struct vg_req *rq, const struct s3_put_bucket_abac_request *in)
{
    if (!in->abac_status || in->abac_status->status.v <= 0)
        return s3_malformed_xml(rq);
    return refuse(rq, in->bucket, in->expected_bucket_owner,
                  in->abac_status->status.v == S3_BUCKET_ABAC_STATUS_ENABLED,
                  "Attribute-based access control of buckets");
}

vg_rc
s3_get_bucket_abac(struct vg_req *rq, const struct s3_get_bucket_abac_request *in,
                   struct s3_get_bucket_abac_output *out)
{
    out->abac_status = VG_NEW(rq->arena, struct s3_abac_status);
    out->abac_status->status = VG_ENUM(S3_BUCKET_ABAC_STATUS_DISABLED);
    return check_bucket(rq, in->bucket, in->expected_bucket_owner);
}
