/* SPDX-License-Identifier: Apache-2.0 */

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html */

#include "core/env.h"
#include "services/s3/s3_acl.h"
#include "services/s3/s3_log.h"

#define GRANTS_MAX 100

static vg_rc
check_grants(struct vg_req *rq, const struct s3_target_grants *grants)
{
    if (grants->len > GRANTS_MAX)
        return s3_malformed_xml(rq);
    for (size_t i = 0; i < grants->len; i++) {
        const struct s3_grantee *to = grants->items[i].grantee;
        if (!to || s3_log_permission(grants->items[i].permission.text) == 0
            || (!to->id.ptr && !to->uri.ptr && !to->email_address.ptr))
            return s3_malformed_xml(rq);
        vg_rc rc = s3_acl_check_grantee(rq, to->id, to->uri, to->email_address);
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

static vg_rc
check(struct vg_req *rq, const struct s3_logging_enabled *conf)
{
    const struct s3_target_object_key_format *format = conf->target_object_key_format;
    if (!conf->target_bucket.ptr || !conf->target_prefix.ptr)
        return s3_malformed_xml(rq);
    if (format && (format->simple_prefix != NULL) == (format->partitioned_prefix != NULL))
        return s3_malformed_xml(rq);
    if (format && format->partitioned_prefix
        && format->partitioned_prefix->partition_date_source.v < 0)
        return s3_malformed_xml(rq);
    return check_grants(rq, &conf->target_grants);
}

/*
 * S3 was seen to ask for permission where lists of grants count.  Where they do not, it takes the
 * configuration before there is a policy: Terraform's and others' set both at the same time.
 */
static vg_rc VG_WAITS
check_target(struct vg_req *rq, const struct s3_rec_bucket *bucket,
             const struct s3_logging_enabled *conf)
{
    const struct s3_log_source from = s3_log_source_of(bucket);
    struct s3_rec_bucket *target;
    int64_t now_ms = vg_now_ms(rq->env);
    struct vg_str key = s3_log_key(rq->arena, conf, &from, now_ms, now_ms, 0);
    vg_rc rc = s3_check_key(rq, key);
    if (rc == VG_OK)
        rc = s3_log_find_target(rq, &from, conf, &target);
    return rc == VG_OK && s3_has_lists(target) ? s3_log_check_permission(rq, &from, target, key)
                                               : rc;
}

vg_rc
s3_put_bucket_logging(struct vg_req *rq, const struct s3_put_bucket_logging_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    struct s3_rec_bucket *bucket;
    if (!in->bucket_logging_status)
        return s3_malformed_xml(rq);
    const struct s3_logging_enabled *conf = in->bucket_logging_status->logging_enabled;
    vg_rc rc = conf ? check(rq, conf) : VG_OK;
    if (rc == VG_OK)
        rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &bucket);
    if (rc == VG_OK && conf)
        rc = check_target(rq, bucket, conf);
    if (rc == VG_OK)
        rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc != VG_OK)
        return rc;
    e.bucket->is_logged = conf != NULL;
    if (conf)
        s3_store_put_config(&e, S3_CONFIG_LOGGING, &s3_shape_logging_enabled, conf);
    else
        s3_store_del_config(&e, S3_CONFIG_LOGGING);
    s3_store_put_bucket(&e, e.bucket);
    return s3_store_edit_commit(&e);
}

vg_rc
s3_get_bucket_logging(struct vg_req *rq, const struct s3_get_bucket_logging_request *in,
                      struct s3_get_bucket_logging_output *out)
{
    void *found;
    vg_rc rc = s3_need_config(rq, in->bucket, in->expected_bucket_owner, S3_CONFIG_LOGGING,
                              &s3_shape_logging_enabled, &found);
    if (rc == VG_OK)
        out->logging_enabled = found;
    return rc;
}
