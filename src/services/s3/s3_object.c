/* SPDX-License-Identifier: Apache-2.0 */

/* What operations on objects share. */

#include "services/s3/s3_int.h"

#include "codec/time.h"
#include "core/reply.h"
#include "services/s3/s3_object_rules.h"
#include "wire/shape.h"

struct vg_opt_i64
s3_time_shown(int64_t ms)
{
    return (struct vg_opt_i64) { .set = true, .v = ms / 1000 * 1000 };
}

bool
s3_is_anonymous(const struct vg_req *rq)
{
    const struct vg_principal *who = rq->scope->caller;
    return who && who->kind == VG_PRINCIPAL_ANONYMOUS;
}

bool
s3_is_signed_by_version_4(const struct vg_req *rq)
{
    for (size_t i = 0; i < rq->n_ctx; i++)
        if (vg_str_eq(rq->ctx[i].key, VG_STR("s3:signatureversion")))
            return !vg_str_eq(rq->ctx[i].value, VG_STR("AWS"));
    return !s3_is_anonymous(rq);
}

/* As in LocalStack's snapshots of deletions in buckets without object lock. */
vg_rc
s3_check_bypass(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_opt_bool is_asked)
{
    if (!is_asked.set || bucket->has_object_lock)
        return VG_OK;
    return s3_bad_argument(rq,
                           "x-amz-bypass-governance-retention is only applicable to Object Lock "
                           "enabled buckets.",
                           "x-amz-bypass-governance-retention", VG_STR_NONE);
}

struct vg_str
s3_etag(struct vg_req *rq, const struct s3_rec_version *v)
{
    return v->etag.ptr ? vg_str_fmt(rq->arena, "\"%" VG_FMT "\"", VG_ARG(v->etag)) : VG_STR_NONE;
}

struct vg_str
s3_version_shown(const struct s3_rec_bucket *bucket, const struct s3_rec_version *v)
{
    return bucket->versioning.ptr ? v->id : VG_STR_NONE;
}

/* --- refusals -----------------------------------------------------------------------------------
 */

vg_rc
s3_no_key(struct vg_req *rq, struct vg_str key)
{
    struct s3_no_such_key *d = VG_NEW(rq->arena, struct s3_no_such_key);
    d->key = key;
    return s3_fail_no_such_key_detail(rq, d, "The specified key does not exist.");
}

vg_rc
s3_no_version(struct vg_req *rq, struct vg_str key, struct vg_str id)
{
    struct s3_no_such_version *d = VG_NEW(rq->arena, struct s3_no_such_version);
    d->key = key;
    d->version_id = id;
    return s3_fail_no_such_version_detail(rq, d, "The specified version does not exist.");
}

vg_rc
s3_failed_condition(struct vg_req *rq, const char *header)
{
    struct s3_precondition_failed *d = VG_NEW(rq->arena, struct s3_precondition_failed);
    d->condition = vg_str_of(header);
    return s3_fail_precondition_failed_detail(
        rq, d, "At least one of the pre-conditions you specified did not hold");
}

vg_rc
s3_check_key(struct vg_req *rq, struct vg_str key)
{
    enum s3_key_is is = s3_key_check(key);
    if (is == S3_KEY_FINE)
        return VG_OK;
    if (is != S3_KEY_LONG)
        return s3_fail_invalid_uri(rq, "Couldn't parse the specified URI.");
    struct s3_key_too_long_error *d = VG_NEW(rq->arena, struct s3_key_too_long_error);
    d->size = vg_str_fmt(rq->arena, "%zu", key.len);
    d->max_size_allowed = vg_str_fmt(rq->arena, "%d", S3_LIMIT_KEY_BYTES);
    return s3_fail_key_too_long_error_detail(rq, d, "Your key is too long");
}

vg_rc
s3_check_version_id(struct vg_req *rq, struct vg_str id)
{
    return !id.ptr || s3_is_version_id(id)
               ? VG_OK
               : s3_bad_argument(rq, "Invalid version id specified", "versionId", id);
}

/* --- what a request names -----------------------------------------------------------------------
 */

/*
 * What a marker answers: that it is none to read, and to all that names it or would change it, that
 * it can only be deleted.  https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
 */
static vg_rc
check_found(struct vg_req *rq, const struct s3_at *at, const struct s3_rec_version *v, bool is_read)
{
    if (!v)
        return at->version_id.ptr ? s3_no_version(rq, at->key, at->version_id)
                                  : s3_no_key(rq, at->key);
    if (!v->is_marker)
        return VG_OK;
    vg_reply_header(rq, VG_STR("x-amz-delete-marker"), VG_STR("true"));
    vg_reply_header(rq, VG_STR("x-amz-version-id"), v->id);
    if (!at->version_id.ptr && is_read)
        return s3_no_key(rq, at->key);
    vg_reply_header(rq, VG_STR("Allow"), VG_STR("DELETE"));
    if (is_read) /* "returns a 405 … error and the Last-Modified: timestamp response header" */
        vg_reply_header(rq, VG_STR("Last-Modified"),
                        vg_time_http(rq->arena, s3_time_shown(v->modified_ms).v));
    struct s3_method_not_allowed *d = VG_NEW(rq->arena, struct s3_method_not_allowed);
    d->method = rq->op->http->method;
    d->resource_type = VG_STR("DeleteMarker");
    return s3_fail_method_not_allowed_detail(
        rq, d, "The specified method is not allowed against this resource.");
}

static vg_rc
check_names(struct vg_req *rq, const struct s3_at *at)
{
    vg_rc rc = s3_check_key(rq, at->key);
    return rc == VG_OK ? s3_check_version_id(rq, at->version_id) : rc;
}

vg_rc
s3_need_version(struct vg_req *rq, const struct s3_at *at, struct s3_rec_bucket **ret_bucket,
                struct s3_rec_version **ret)
{
    vg_rc rc = s3_need_bucket(rq, at->bucket, at->expected_owner, ret_bucket);
    if (rc == VG_OK)
        rc = check_names(rq, at);
    if (rc == VG_OK)
        rc = s3_store_version(rq, *ret_bucket, at->key, at->version_id, ret);
    return rc == VG_OK ? check_found(rq, at, *ret, true) : rc;
}

vg_rc
s3_edit_object(struct vg_req *rq, const struct s3_at *at, struct s3_object_edit *ret)
{
    struct s3_rec_bucket *bucket;
    vg_rc rc = s3_need_bucket(rq, at->bucket, at->expected_owner, &bucket);
    if (rc == VG_OK)
        rc = check_names(rq, at);
    if (rc == VG_OK)
        rc = s3_store_edit_object(rq, bucket, at->key, ret);
    return rc == VG_OK && !ret->bucket ? s3_no_bucket(rq, at->bucket) : rc;
}

vg_rc
s3_edit_version(struct vg_req *rq, const struct s3_at *at, struct s3_object_edit *ret,
                struct s3_rec_version **ret_version)
{
    vg_rc rc = s3_edit_object(rq, at, ret);
    if (rc != VG_OK)
        return rc;
    *ret_version = ret->latest;
    if (at->version_id.ptr)
        rc = s3_store_edit_version(ret, at->version_id, ret_version);
    return rc == VG_OK ? check_found(rq, at, *ret_version, false) : rc;
}
