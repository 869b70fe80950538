/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Deletes: of a version, or of a key, which versioning turns into a delete marker.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html
 */

#include "services/s3/s3_int.h"

#include "core/env.h"
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
delete_version(struct s3_object_edit *e, const struct victim *k, struct fate *ret)
{
    struct s3_rec_version *v;
    *ret = (struct fate) { .version_id = k->version_id };
    vg_rc rc = s3_store_edit_version(e, k->version_id, &v);
    if (rc != VG_OK || !v)
        return rc; /* what is not there is as good as deleted */
    if (s3_is_locked(e->rq, v, k->may_bypass))
        return s3_fail_access_denied(e->rq,
                                     "Access Denied because object protected by object lock.");
    ret->is_marker = v->is_marker;
    return s3_store_del_version(e, v);
}

static vg_rc
add_marker(struct s3_object_edit *e, struct fate *ret)
{
    struct s3_rec_version *v = VG_NEW(e->rq->arena, struct s3_rec_version);
    v->is_marker = true;
    v->modified_ms = vg_now_ms(e->rq->env);
    v->owner = e->bucket->account;
    vg_rc rc = s3_store_add_version(e, v, VG_STR_NONE);
    *ret = (struct fate) { .is_marker = true, .version_id = v->id };
    return rc;
}

/* In the edit's transaction; on failure nothing of this key is done. */
static vg_rc
delete_key(struct s3_object_edit *e, const struct victim *k, struct fate *ret)
{
    *ret = (struct fate) { .version_id = VG_STR_NONE };
    vg_rc rc = check_condition(e, k);
    if (rc != VG_OK)
        return rc;
    if (k->version_id.ptr)
        return delete_version(e, k, ret);
    if (e->bucket->versioning.ptr)
        return add_marker(e, ret);
    return e->latest ? s3_store_del_version(e, e->latest) : VG_OK;
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
        rc = delete_key(&e, &k, &fate);
    if (rc != VG_OK)
        return rc;
    out->version_id = fate.version_id;
    if (fate.is_marker)
        out->delete_marker = (struct vg_opt_bool) { true, true };
    return s3_store_object_commit(&e);
}
