/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The configuration of a bucket's lifecycle, and what answers tell of it.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
 */

#include "services/s3/s3_lifecycle.h"

#include "codec/time.h"
#include "codec/uri.h"
#include "core/env.h"
#include "wire/shape.h"

vg_rc
s3_lifecycle_of(struct vg_req *rq, const struct s3_rec_bucket *bucket,
                struct s3_get_bucket_lifecycle_configuration_output **ret)
{
    void *found = NULL;
    vg_rc rc = bucket->has_lifecycle
                   ? s3_store_config(rq, bucket, S3_CONFIG_LIFECYCLE, &S3_LIFECYCLE_SHAPE, &found)
                   : VG_OK;
    *ret = found;
    return rc;
}

/* --- the configuration --------------------------------------------------------------------------
 */

static vg_rc
read_minimum(struct vg_req *rq, const struct vg_enum *said, struct vg_enum *ret)
{
    *ret = said->v > 0
               ? *said
               : VG_ENUM(S3_TRANSITION_DEFAULT_MINIMUM_OBJECT_SIZE_ALL_STORAGE_CLASSES_128_K);
    return said->v >= 0 ? VG_OK
                        : s3_fail_invalid_request(
                            rq, "Invalid TransitionDefaultMinimumObjectSize found: %" VG_FMT,
                            VG_ARG(said->text));
}

/* A copy: rules without an ID get one. */
static vg_rc
read_rules(struct vg_req *rq, const struct s3_bucket_lifecycle_configuration *conf,
           struct s3_lifecycle_rules *ret)
{
    if (!conf || conf->rules.len == 0)
        return s3_malformed_xml(rq);
    *ret = conf->rules;
    ret->items = VG_NEW_ARRAY(rq->arena, struct s3_lifecycle_rule, ret->len);
    memcpy(ret->items, conf->rules.items, ret->len * sizeof(*ret->items));
    return s3_lifecycle_check(rq, ret);
}

vg_rc
s3_put_bucket_lifecycle_configuration(
    struct vg_req *rq, const struct s3_put_bucket_lifecycle_configuration_request *in,
    struct s3_put_bucket_lifecycle_configuration_output *out)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    struct s3_get_bucket_lifecycle_configuration_output conf = { .rules = { .len = 0 } };
    vg_rc rc = read_rules(rq, in->lifecycle_configuration, &conf.rules);
    if (rc == VG_OK)
        rc = read_minimum(rq, &in->transition_default_minimum_object_size,
                          &conf.transition_default_minimum_object_size);
    if (rc == VG_OK)
        rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc == VG_OK)
        rc = s3_store_start_lifecycle(&e);
    if (rc != VG_OK)
        return rc;
    e.bucket->has_lifecycle = true;
    s3_store_put_config(&e, S3_CONFIG_LIFECYCLE, &S3_LIFECYCLE_SHAPE, &conf);
    s3_store_put_bucket(&e, e.bucket);
    out->transition_default_minimum_object_size = conf.transition_default_minimum_object_size;
    return s3_store_edit_commit(&e);
}

vg_rc
s3_get_bucket_lifecycle_configuration(
    struct vg_req *rq, const struct s3_get_bucket_lifecycle_configuration_request *in,
    struct s3_get_bucket_lifecycle_configuration_output *out)
{
    struct s3_get_bucket_lifecycle_configuration_output *conf = NULL;
    struct s3_rec_bucket *bucket;
    vg_rc rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &bucket);
    if (rc == VG_OK)
        rc = s3_lifecycle_of(rq, bucket, &conf);
    if (rc != VG_OK)
        return rc;
    if (conf) {
        *out = *conf;
        return VG_OK;
    }
    struct s3_no_such_lifecycle_configuration *d =
        VG_NEW(rq->arena, struct s3_no_such_lifecycle_configuration);
    d->bucket_name = in->bucket;
    return s3_fail_no_such_lifecycle_configuration_detail(
        rq, d, "The lifecycle configuration does not exist");
}

vg_rc
s3_delete_bucket_lifecycle(struct vg_req *rq, const struct s3_delete_bucket_lifecycle_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    vg_rc rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc == VG_OK)
        rc = s3_store_stop_lifecycle(&e);
    if (rc != VG_OK)
        return rc;
    e.bucket->has_lifecycle = false;
    s3_store_del_config(&e, S3_CONFIG_LIFECYCLE);
    s3_store_put_bucket(&e, e.bucket);
    return s3_store_edit_commit(&e);
}

/* --- headers of answers -------------------------------------------------------------------------
 */

/*
 * Documented as URL-encoded, but every recorded answer has spaces as they are: what a header cannot
 * carry, or would end the text, is encoded.
 */
static struct vg_str
header_id(struct vg_arena *arena, struct vg_str id)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 4096);
    for (size_t i = 0; i < id.len; i++) {
        unsigned char c = (unsigned char)id.ptr[i];
        if (c < ' ' || c > '~' || c == '"' || c == '%')
            vg_buf_addf(&b, "%%%02X", c);
        else
            vg_buf_addc(&b, (char)c);
    }
    return vg_buf_str(&b);
}

vg_rc
s3_lifecycle_expiration(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                        const struct s3_rec_version *v, struct vg_str *ret)
{
    struct s3_get_bucket_lifecycle_configuration_output *conf;
    struct s3_lifecycle_date date;
    struct vg_buf b;
    *ret = VG_STR_NONE;
    vg_rc rc = s3_lifecycle_of(rq, bucket, &conf);
    if (rc != VG_OK || !conf || !s3_lifecycle_expiry(conf, key, v, &date))
        return rc;
    vg_buf_init(&b, rq->arena, 4096);
    vg_buf_adds(&b, VG_STR("expiry-date=\""));
    vg_time_add_http(&b, date.ms);
    vg_buf_addf(&b, "\", rule-id=\"%" VG_FMT "\"", VG_ARG(header_id(rq->arena, date.rule)));
    *ret = vg_buf_str(&b);
    return VG_OK;
}

vg_rc
s3_lifecycle_abortion(struct vg_req *rq, const struct s3_rec_bucket *bucket,
                      const struct s3_rec_upload *upload, struct vg_opt_i64 *ret_ms,
                      struct vg_str *ret_rule)
{
    struct s3_get_bucket_lifecycle_configuration_output *conf;
    struct s3_lifecycle_date date;
    vg_rc rc = s3_lifecycle_of(rq, bucket, &conf);
    if (rc != VG_OK || !conf || !s3_lifecycle_abort(conf, upload->key, upload->initiated_ms, &date))
        return rc;
    *ret_ms = (struct vg_opt_i64) { true, date.ms };
    *ret_rule = header_id(rq->arena, date.rule);
    return VG_OK;
}
