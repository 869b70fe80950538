/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Object lock: retention on the virtual clock, and legal holds.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
 */

#include "services/s3/s3_notify.h"

#include "codec/time.h"
#include "core/env.h"

static bool
is_retained(struct vg_req *rq, const struct s3_rec_version *v, bool may_bypass)
{
    bool is_bypassed = may_bypass && vg_str_eq(v->lock_mode, VG_STR("GOVERNANCE"));
    return v->lock_mode.ptr && v->lock_until_ms.v > vg_now_ms(rq->env) && !is_bypassed;
}

bool
s3_is_locked(struct vg_req *rq, const struct s3_rec_version *v, bool may_bypass)
{
    return v->has_legal_hold || is_retained(rq, v, may_bypass);
}

/* --- what the operations share ------------------------------------------------------------------
 */

static vg_rc
check_bucket(struct vg_req *rq, const struct s3_rec_bucket *bucket)
{
    return bucket->has_object_lock
               ? VG_OK
               : s3_fail_invalid_request(rq, "Bucket is missing Object Lock Configuration");
}

/* The version to be changed, in a bucket with object lock. */
static vg_rc VG_WAITS
edit(struct vg_req *rq, const struct s3_at *at, struct s3_object_edit *e,
     struct s3_rec_version **ret)
{
    vg_rc rc = s3_edit_version(rq, at, e, ret);
    return rc == VG_OK ? check_bucket(rq, e->bucket) : rc;
}

static vg_rc
need(struct vg_req *rq, const struct s3_at *at, struct s3_rec_version **ret)
{
    struct s3_rec_bucket *bucket;
    vg_rc rc = s3_need_version(rq, at, &bucket, ret);
    return rc == VG_OK ? check_bucket(rq, bucket) : rc;
}

static vg_rc
not_configured(struct vg_req *rq, struct vg_str key)
{
    struct s3_no_such_object_lock_configuration *d =
        VG_NEW(rq->arena, struct s3_no_such_object_lock_configuration);
    d->key = key;
    return s3_fail_no_such_object_lock_configuration_detail(
        rq, d, "The specified object does not have a ObjectLock configuration");
}

/* --- retention ----------------------------------------------------------------------------------
 */

/* An empty one takes the retention away. */
static vg_rc
check_retention(struct vg_req *rq, const struct s3_object_lock_retention *to)
{
    if (!to)
        return s3_malformed_xml(rq);
    if (to->event_hold.text.ptr || to->event_hold_duration)
        return s3_not_built(rq, "An event hold");
    bool has_mode = to->mode.text.ptr != NULL, has_date = to->retain_until_date_ms.set;
    if (has_mode != has_date || (has_mode && to->mode.v <= 0))
        return s3_malformed_xml(rq);
    if (has_date && to->retain_until_date_ms.v <= vg_now_ms(rq->env))
        return s3_bad_argument(rq, "The retain until date must be in the future!",
                               "RetainUntilDate",
                               vg_time_iso(rq->arena, to->retain_until_date_ms.v));
    return VG_OK;
}

/*
 * "After you apply … you can extend the retention period"; all else is for who may bypass, and of
 * compliance for nobody.
 */
static bool
is_weaker(const struct s3_rec_version *v, const struct s3_object_lock_retention *to)
{
    if (!to->mode.text.ptr || to->retain_until_date_ms.v < v->lock_until_ms.v)
        return true;
    return vg_str_eq(v->lock_mode, VG_STR("COMPLIANCE"))
           && to->mode.v != S3_OBJECT_LOCK_RETENTION_MODE_COMPLIANCE;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html */
vg_rc
s3_put_object_retention(struct vg_req *rq, const struct s3_put_object_retention_request *in,
                        struct s3_put_object_retention_output *out)
{
    (void)out;
    s3_auto_object struct s3_object_edit e = { 0 };
    const struct s3_at at = S3_AT(in);
    const struct s3_object_lock_retention *to = in->retention;
    struct s3_rec_version *v;
    vg_rc rc = check_retention(rq, to);
    if (rc == VG_OK)
        rc = edit(rq, &at, &e, &v);
    if (rc != VG_OK)
        return rc;
    if (is_retained(rq, v, vg_opt_bool_or(in->bypass_governance_retention, false))
        && is_weaker(v, to))
        return s3_fail_access_denied(rq, S3_LOCKED);
    v->lock_mode = to->mode.text;
    v->lock_until_ms = to->retain_until_date_ms;
    s3_store_put_version(&e, v);
    rc = s3_notify(&e, S3_RETENTION_PUT, v);
    return rc == VG_OK ? s3_store_object_commit(&e) : rc;
}

vg_rc
s3_get_object_retention(struct vg_req *rq, const struct s3_get_object_retention_request *in,
                        struct s3_get_object_retention_output *out)
{
    const struct s3_at at = S3_AT(in);
    struct s3_rec_version *v;
    vg_rc rc = need(rq, &at, &v);
    if (rc != VG_OK)
        return rc;
    if (!v->lock_mode.ptr)
        return not_configured(rq, in->key);
    out->retention = VG_NEW(rq->arena, struct s3_object_lock_retention);
    out->retention->mode.text = v->lock_mode;
    out->retention->retain_until_date_ms = v->lock_until_ms;
    return VG_OK;
}

/* --- legal hold ---------------------------------------------------------------------------------
 */

vg_rc
s3_put_object_legal_hold(struct vg_req *rq, const struct s3_put_object_legal_hold_request *in,
                         struct s3_put_object_legal_hold_output *out)
{
    (void)out;
    s3_auto_object struct s3_object_edit e = { 0 };
    const struct s3_at at = S3_AT(in);
    struct s3_rec_version *v;
    if (!in->legal_hold || in->legal_hold->status.v <= 0)
        return s3_malformed_xml(rq);
    vg_rc rc = edit(rq, &at, &e, &v);
    if (rc != VG_OK)
        return rc;
    v->has_legal_hold = in->legal_hold->status.v == S3_OBJECT_LOCK_LEGAL_HOLD_STATUS_ON;
    v->was_hold_set = true;
    s3_store_put_version(&e, v);
    return s3_store_object_commit(&e);
}

vg_rc
s3_get_object_legal_hold(struct vg_req *rq, const struct s3_get_object_legal_hold_request *in,
                         struct s3_get_object_legal_hold_output *out)
{
    const struct s3_at at = S3_AT(in);
    struct s3_rec_version *v;
    vg_rc rc = need(rq, &at, &v);
    if (rc != VG_OK)
        return rc;
    if (!v->was_hold_set && !v->has_legal_hold)
        return not_configured(rq, in->key);
    out->legal_hold = VG_NEW(rq->arena, struct s3_object_lock_legal_hold);
    out->legal_hold->status = v->has_legal_hold ? VG_ENUM(S3_OBJECT_LOCK_LEGAL_HOLD_STATUS_ON)
                                                : VG_ENUM(S3_OBJECT_LOCK_LEGAL_HOLD_STATUS_OFF);
    return VG_OK;
}
