/* SPDX-License-Identifier: Apache-2.0 */

/* Versions of functions: published, listed and removed, the last of them with the function. */

#include "core/env.h"
#include "sandbox/sandbox.h"
#include "services/lambda/lambda_int.h"
#include "store/kv.h"

void
lambda_retire(struct vg_req *rq, const struct lambda_rec_function *old)
{
    struct vg_str key = vg_str_fmt(rq->arena, "%" VG_FMT ":%" VG_FMT ":%" VG_FMT,
                                   VG_ARG(lambda_arn(rq, old->name, VG_STR_NONE)),
                                   VG_ARG(old->version), VG_ARG(old->revision));
    vg_sandboxes_retire(rq->env->sandboxes, key);
}

void
lambda_publish(struct vg_req *rq, struct vg_tx *tx, struct lambda_rec_function *latest,
               struct vg_str description, struct lambda_rec_function *ret)
{
    *ret = *latest;
    ret->version = vg_str_fmt(rq->arena, "%lld", (long long)latest->next_version);
    ret->statements.len = 0;
    ret->tags.len = 0;
    ret->reserved = (struct vg_opt_i64) { 0 };
    ret->revision = lambda_new_revision(rq);
    if (description.ptr)
        ret->description = description;
    latest->next_version++;
    lambda_store_put(rq, tx, latest);
    lambda_store_put(rq, tx, ret);
}

vg_rc
lambda_publish_version(struct vg_req *rq, const struct lambda_publish_version_request *in,
                       struct lambda_function_configuration *out)
{
    struct lambda_name name;
    struct lambda_rec_function latest, version = { .name = VG_STR_NONE };
    vg_rc rc = lambda_resolve_whole(rq, in->function_name, &name);
    if (rc != VG_OK)
        return rc;
    if (in->publish_to.text.len > 0)
        return lambda_bad(rq, "PublishTo is not supported by this version of Virga.");
    vg_auto_tx struct vg_tx *tx = NULL;
    rc = lambda_store_open(rq, &tx);
    if (rc == VG_OK)
        rc = lambda_store_tx_get(rq, tx, name.name, LAMBDA_LATEST, &latest);
    if (rc == VG_OK && !latest.name.ptr)
        return lambda_not_found(rq, lambda_arn(rq, name.name, VG_STR_NONE));
    if (rc == VG_OK)
        rc = lambda_check_revision(rq, in->revision_id, latest.revision);
    if (rc == VG_OK && in->code_sha256.len > 0 && !vg_str_eq(in->code_sha256, latest.code_sha256))
        return lambda_bad(rq,
                          "CodeSHA256 (%" VG_FMT
                          ") is different from current CodeSHA256 in $LATEST (%" VG_FMT
                          "). Please try again with the CodeSHA256 in $LATEST.",
                          VG_ARG(in->code_sha256), VG_ARG(latest.code_sha256));
    if (rc == VG_OK && latest.next_version > 1)
        rc = lambda_store_tx_get(rq, tx, name.name,
                                 vg_str_fmt(rq->arena, "%lld", (long long)latest.next_version - 1),
                                 &version);
    if (rc != VG_OK)
        return rc;
    /* Nothing changed since the last version: that one is the answer. */
    if (!version.name.ptr || version.modified_ms != latest.modified_ms
        || !vg_str_eq(version.code_id, latest.code_id)) {
        lambda_publish(rq, tx, &latest, in->description, &version);
        rc = vg_tx_commit(&tx, rq->err);
    } else {
        vg_tx_abort(tx);
        tx = NULL;
    }
    if (rc == VG_OK)
        lambda_config_render(rq, &version, true, out);
    return rc;
}

vg_rc
lambda_list_versions_by_function(struct vg_req *rq,
                                 const struct lambda_list_versions_by_function_request *in,
                                 struct lambda_list_versions_by_function_response *out)
{
    struct lambda_name name;
    struct lambda_rec_function latest, *versions = NULL;
    vg_rc rc = lambda_resolve_whole(rq, in->function_name, &name);
    if (rc == VG_OK)
        rc = lambda_load(rq, &name, &latest);
    if (rc != VG_OK)
        return rc;
    int64_t after = 0;
    if (in->marker.len > 0 && !vg_str_to_i64(in->marker, &after))
        return lambda_bad(rq, "Invalid value for Marker");
    uint32_t max = (uint32_t)vg_opt_or(in->max_items, LAMBDA_PAGE);
    max = VG_MIN(max, LAMBDA_PAGE);
    bool has_more = false;
    size_t n = 0, shift = in->marker.len == 0;
    rc = lambda_store_versions(rq, name.name, after, VG_MAX(max - (uint32_t)shift, 1u), &versions,
                               &n, &has_more);
    if (rc != VG_OK)
        return rc;
    out->versions.items = VG_NEW_ARRAY(rq->arena, struct lambda_function_configuration, n + 1);
    out->versions.set = true;
    if (shift)
        lambda_config_render(rq, &latest, true, &out->versions.items[out->versions.len++]);
    for (size_t i = 0; i < n; i++)
        lambda_config_render(rq, &versions[i], true, &out->versions.items[out->versions.len++]);
    if (has_more)
        out->next_marker = versions[n - 1].version;
    return VG_OK;
}

/* --- delete -------------------------------------------------------------------------------------
 */

static vg_rc VG_WAITS
delete_version(struct vg_req *rq, const struct lambda_name *name)
{
    struct lambda_rec_function fn;
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = lambda_store_open(rq, &tx);
    if (rc == VG_OK)
        rc = lambda_store_tx_get(rq, tx, name->name, name->qualifier, &fn);
    if (rc == VG_OK && !fn.name.ptr)
        return lambda_not_found(rq, lambda_arn(rq, name->name, name->qualifier));
    if (rc == VG_OK)
        rc = lambda_code_drop_unless_used(rq, tx, &fn);
    if (rc != VG_OK)
        return rc;
    lambda_store_del(rq, tx, name->name, name->qualifier);
    rc = vg_tx_commit(&tx, rq->err);
    if (rc == VG_OK)
        lambda_retire(rq, &fn);
    return rc;
}

static bool
is_first_of_code(const struct lambda_rec_function *all, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (vg_str_eq(all[j].code_id, all[i].code_id))
            return false;
    return true;
}

static vg_rc VG_WAITS
delete_all(struct vg_req *rq, struct vg_str name)
{
    struct lambda_rec_function *all;
    size_t n;
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = lambda_store_open(rq, &tx);
    if (rc == VG_OK)
        rc = lambda_store_tx_all(rq, tx, name, &all, &n);
    if (rc != VG_OK)
        return rc;
    if (n == 0)
        return lambda_not_found(rq, lambda_arn(rq, name, VG_STR_NONE));
    for (size_t i = 0; i < n; i++) {
        lambda_store_del(rq, tx, name, all[i].version);
        if (is_first_of_code(all, i))
            lambda_code_drop(rq, tx, &all[i]);
    }
    rc = vg_tx_commit(&tx, rq->err);
    if (rc == VG_OK)
        vg_sandboxes_retire(
            rq->env->sandboxes,
            vg_str_fmt(rq->arena, "%" VG_FMT ":", VG_ARG(lambda_arn(rq, name, VG_STR_NONE))));
    return rc;
}

vg_rc
lambda_delete_function(struct vg_req *rq, const struct lambda_delete_function_request *in,
                       struct lambda_delete_function_response *out)
{
    struct lambda_name name;
    vg_rc rc = lambda_resolve(rq, in->function_name, in->qualifier, &name);
    if (rc != VG_OK)
        return rc;
    out->status_code = (struct vg_opt_i64) { true, 204 };
    if (!name.qualifier.ptr)
        return delete_all(rq, name.name);
    if (vg_str_eq(name.qualifier, LAMBDA_LATEST))
        return lambda_bad(rq, "$LATEST version cannot be deleted without deleting the function.");
    return delete_version(rq, &name);
}
