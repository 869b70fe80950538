/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Deletes: of a version, or of a key, which versioning turns into a delete marker.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html
 */

#include "services/s3/s3_int.h"

#include "core/env.h"
#include "services/s3/s3_log_note.h"
#include "services/s3/s3_notify.h"
#include "services/s3/s3_object_rules.h"

/* One of the keys that are to be deleted. */
struct victim {
    struct vg_str key, version_id, if_match;
    bool has_size_or_time; /* conditions that are for directory buckets only */
    bool may_bypass;
};

/* What became of it. */
struct fate {
    bool is_marker; /* one was made, or deleted */
    struct vg_str version_id;
    int64_t bytes; /* of the version that is gone; -1: there was none, or a marker */
};

static vg_rc
not_implemented(struct vg_req *rq, const char *header)
{
    struct s3_not_implemented *d = VG_NEW(rq->arena, struct s3_not_implemented);
    d->header = vg_str_of(header);
    return s3_fail_not_implemented_detail(
        rq, d, "A header you provided implies functionality that is not implemented");
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html: only of what is
 * current. */
static vg_rc
check_condition(struct s3_object_edit *e, const struct victim *k)
{
    const struct s3_rec_version *v = e->latest;
    if (k->has_size_or_time)
        return not_implemented(e->rq, "x-amz-if-match-size");
    if (!k->if_match.ptr)
        return VG_OK;
    if (k->version_id.ptr)
        return not_implemented(e->rq, "If-Match");
    if (!v)
        return s3_no_key(e->rq, k->key);
    return v->is_marker || !s3_etag_matches(k->if_match, v->etag)
               ? s3_failed_condition(e->rq, "If-Match")
               : VG_OK;
}

static vg_rc
remove_version(struct s3_object_edit *e, const struct s3_rec_version *v, struct fate *ret)
{
    vg_rc rc = s3_store_del_version(e, v);
    ret->bytes = v->is_marker ? -1 : v->size;
    return rc == VG_OK ? s3_notify(e, S3_REMOVED, v) : rc;
}

static vg_rc
delete_version(struct s3_object_edit *e, const struct victim *k, struct fate *ret)
{
    struct s3_rec_version *v;
    *ret = (struct fate) { .version_id = k->version_id, .bytes = -1 };
    vg_rc rc = s3_store_edit_version(e, k->version_id, &v);
    if (rc != VG_OK || !v)
        return rc; /* what is not there is as good as deleted */
    if (s3_is_locked(e->rq, v, k->may_bypass))
        return s3_fail_access_denied(e->rq, S3_LOCKED);
    ret->is_marker = v->is_marker;
    return remove_version(e, v, ret);
}

static vg_rc
add_marker(struct s3_object_edit *e, struct fate *ret)
{
    struct s3_rec_version *v = VG_NEW(e->rq->arena, struct s3_rec_version);
    v->is_marker = true;
    v->modified_ms = vg_now_ms(e->rq->env);
    v->owner = e->bucket->account;
    vg_rc rc = s3_store_add_version(e, v, VG_STR_NONE);
    *ret = (struct fate) { .is_marker = true, .version_id = v->id, .bytes = -1 };
    return rc == VG_OK ? s3_notify(e, S3_REMOVED_BY_MARKER, v) : rc;
}

/* In the edit's transaction; on failure nothing of this key is done. */
static vg_rc
delete_key(struct s3_object_edit *e, const struct victim *k, struct fate *ret)
{
    *ret = (struct fate) { .bytes = -1 };
    vg_rc rc = check_condition(e, k);
    if (rc != VG_OK)
        return rc;
    if (k->version_id.ptr)
        return delete_version(e, k, ret);
    if (e->bucket->versioning.ptr)
        return add_marker(e, ret);
    return e->latest ? remove_version(e, e->latest, ret) : VG_OK;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html */
vg_rc
s3_delete_object(struct vg_req *rq, const struct s3_delete_object_request *in,
                 struct s3_delete_object_output *out)
{
    s3_auto_object struct s3_object_edit e = { 0 };
    const struct s3_at at = S3_AT(in);
    const struct victim k = {
        .key = in->key,
        .version_id = in->version_id,
        .if_match = in->if_match,
        .has_size_or_time = in->if_match_size.set || in->if_match_last_modified_time_ms.set,
        .may_bypass = vg_opt_bool_or(in->bypass_governance_retention, false),
    };
    struct fate fate;
    vg_rc rc = s3_edit_object(rq, &at, &e);
    if (rc == VG_OK)
        rc = s3_check_bypass(rq, e.bucket, in->bypass_governance_retention);
    if (rc == VG_OK)
        rc = delete_key(&e, &k, &fate);
    if (rc != VG_OK)
        return rc;
    s3_log_size(rq, fate.bytes);
    out->version_id = fate.version_id;
    if (fate.is_marker)
        out->delete_marker = (struct vg_opt_bool) { true, true };
    return s3_store_object_commit(&e);
}

/* --- DeleteObjects ------------------------------------------------------------------------------
 */

struct item {
    struct victim k;
    struct vg_str denial; /* absent: it is allowed */
};

/* Before the transaction: asking may wait. */
static vg_rc VG_WAITS
ask(struct vg_req *rq, struct vg_str bucket, bool is_bypass, struct item *it)
{
    struct vg_str arn = s3_object_arn(rq, bucket, it->k.key);
    bool is_version = it->k.version_id.ptr != NULL;
    const struct vg_ctx version = { VG_STR("s3:VersionId"), it->k.version_id };
    const struct vg_ctx match = { VG_STR("s3:if-match"), it->k.if_match };
    struct vg_ctx ctx[2];
    size_t n = 0;
    if (is_version)
        ctx[n++] = version;
    if (it->k.if_match.ptr)
        ctx[n++] = match;
    vg_rc rc =
        vg_denial(rq, is_version ? VG_STR("s3:DeleteObjectVersion") : VG_STR("s3:DeleteObject"),
                  arn, ctx, n, &it->denial);
    if (rc == VG_OK && !it->denial.ptr && s3_tells_etag(it->k.if_match))
        rc = vg_denial(rq, VG_STR("s3:GetObject"), arn, NULL, 0, &it->denial);
    if (rc == VG_OK && !it->denial.ptr && is_bypass && is_version)
        rc = vg_allowed(rq, VG_STR("s3:BypassGovernanceRetention"), arn, ctx, n, &it->k.may_bypass);
    return rc;
}

static vg_rc VG_WAITS
read_items(struct vg_req *rq, const struct s3_delete_objects_request *in, struct item **ret)
{
    const struct s3_object_identifier_list *asked = &in->delete->objects;
    bool is_bypass = vg_opt_bool_or(in->bypass_governance_retention, false);
    struct item *items = VG_NEW_ARRAY(rq->arena, struct item, asked->len);
    for (size_t i = 0; i < asked->len; i++) {
        const struct s3_object_identifier *o = &asked->items[i];
        items[i].k =
            (struct victim) { .key = o->key,
                              .version_id = o->version_id.len ? o->version_id : VG_STR_NONE,
                              .if_match = o->e_tag,
                              .has_size_or_time = o->size.set || o->last_modified_time_ms.set };
        vg_rc rc = ask(rq, in->bucket, is_bypass, &items[i]);
        if (rc != VG_OK)
            return rc;
    }
    *ret = items;
    return VG_OK;
}

static vg_rc
delete_item(struct s3_object_edit *e, const struct item *it, struct fate *ret)
{
    if (it->denial.ptr)
        return s3_fail_access_denied(e->rq, "%" VG_FMT, VG_ARG(it->denial));
    vg_rc rc = s3_check_key(e->rq, it->k.key);
    if (rc == VG_OK)
        rc = s3_check_version_id(e->rq, it->k.version_id);
    if (rc == VG_OK)
        rc = s3_store_edit_key(e, it->k.key);
    return rc == VG_OK ? delete_key(e, &it->k, ret) : rc;
}

static struct s3_deleted_object
deleted(const struct victim *k, const struct fate *fate)
{
    return (struct s3_deleted_object) {
        .key = k->key,
        .version_id = k->version_id,
        .delete_marker = { fate->is_marker, fate->is_marker },
        .delete_marker_version_id = fate->is_marker ? fate->version_id : VG_STR_NONE,
    };
}

/* All of them in one transaction; what a refusal says is the item's, a failure is everybody's. */
static vg_rc
delete_items(struct s3_object_edit *e, const struct item *items, size_t n, bool is_quiet,
             struct s3_delete_objects_output *out)
{
    struct vg_req *rq = e->rq;
    out->deleted.items = VG_NEW_ARRAY(rq->arena, struct s3_deleted_object, n);
    out->errors.items = VG_NEW_ARRAY(rq->arena, struct s3_error, n);
    for (size_t i = 0; i < n; i++) {
        struct fate fate = { .bytes = -1 };
        vg_rc rc = delete_item(e, &items[i], &fate);
        if (rc != VG_OK && !rq->err->def)
            return rc;
        s3_log_batched(rq, items[i].k.key, items[i].k.version_id, fate.bytes,
                       rc == VG_OK ? NULL : rq->err);
        if (rc != VG_OK) {
            out->errors.items[out->errors.len++] = (struct s3_error) {
                .key = items[i].k.key,
                .version_id = items[i].k.version_id,
                .code = rq->err->def->code,
                .message = vg_str_dup(rq->arena, vg_err_text(rq->err)),
            };
            vg_err_clear(rq->err);
        } else if (!is_quiet) {
            out->deleted.items[out->deleted.len++] = deleted(&items[i].k, &fate);
        }
    }
    return VG_OK;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
vg_rc
s3_delete_objects(struct vg_req *rq, const struct s3_delete_objects_request *in,
                  struct s3_delete_objects_output *out)
{
    s3_auto_object struct s3_object_edit e = { 0 };
    struct s3_rec_bucket *bucket;
    struct item *items;
    vg_rc rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &bucket);
    if (rc != VG_OK)
        return rc;
    size_t n = in->delete ? in->delete->objects.len : 0;
    if (n == 0 || n > S3_LIMIT_PAGE_KEYS)
        return s3_malformed_xml(rq);
    for (size_t i = 0; i < n; i++)
        if (in->delete->objects.items[i].key.len == 0)
            return s3_malformed_xml(rq);
    rc = s3_check_bypass(rq, bucket, in->bypass_governance_retention);
    if (rc == VG_OK)
        rc = read_items(rq, in, &items);
    if (rc == VG_OK)
        rc = s3_store_edit_object(rq, bucket, items[0].k.key, &e);
    if (rc != VG_OK)
        return rc;
    if (!e.bucket)
        return s3_no_bucket(rq, in->bucket);
    rc = delete_items(&e, items, n, vg_opt_bool_or(in->delete->quiet, false), out);
    return rc == VG_OK ? s3_store_object_commit(&e) : rc;
}
