/* SPDX-License-Identifier: Apache-2.0 */
/* Tags, reserved concurrency, account settings. */
#include "services/lambda/lambda_int.h"

static vg_rc VG_WAITS
open_latest(struct vg_req *rq, struct vg_str resource, struct lambda_name *name,
            struct vg_tx **ret_tx, struct lambda_rec_function *ret)
{
    vg_rc rc = lambda_resolve_whole(rq, resource, name);
    if (rc == VG_OK)
        rc = vg_tx_open(rq, lambda_store_part(rq->arena, rq->scope->owner, rq->scope->region),
                        ret_tx);
    if (rc == VG_OK)
        rc = lambda_store_tx_get(rq, *ret_tx, name->name, LAMBDA_LATEST, ret);
    if (rc == VG_OK && !ret->name.ptr)
        return lambda_not_found(rq, lambda_arn(rq, name->name, VG_STR_NONE));
    return rc;
}

vg_rc
lambda_tag_resource(struct vg_req *rq, const struct lambda_tag_resource_request *in)
{
    struct lambda_name name;
    struct lambda_rec_function fn;
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = open_latest(rq, in->resource, &name, &tx, &fn);
    if (rc == VG_OK)
        rc = lambda_check_tags(rq, &in->tags, &fn);
    if (rc != VG_OK)
        return rc;
    lambda_store_put(rq, tx, &fn);
    return vg_tx_commit(&tx, rq->err);
}

vg_rc
lambda_untag_resource(struct vg_req *rq, const struct lambda_untag_resource_request *in)
{
    struct lambda_name name;
    struct lambda_rec_function fn;
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = open_latest(rq, in->resource, &name, &tx, &fn);
    if (rc != VG_OK)
        return rc;
    size_t keep = 0;
    for (size_t i = 0; i < fn.tags.len; i++) {
        bool is_named = false;
        for (size_t k = 0; k < in->tag_keys.len; k++)
            is_named |= vg_str_eq(fn.tags.items[i].key, in->tag_keys.items[k]);
        if (!is_named)
            fn.tags.items[keep++] = fn.tags.items[i];
    }
    fn.tags.len = keep;
    lambda_store_put(rq, tx, &fn);
    return vg_tx_commit(&tx, rq->err);
}

vg_rc
lambda_list_tags(struct vg_req *rq, const struct lambda_list_tags_request *in,
                 struct lambda_list_tags_response *out)
{
    struct lambda_name name;
    struct lambda_rec_function fn;
    vg_rc rc = lambda_resolve_whole(rq, in->resource, &name);
    if (rc == VG_OK)
        rc = lambda_load(rq, &name, &fn);
    if (rc != VG_OK)
        return rc;
    out->tags.items = VG_NEW_ARRAY(rq->arena, struct lambda_tags__entry, fn.tags.len + 1);
    out->tags.set = true;
    for (size_t i = 0; i < fn.tags.len; i++)
        out->tags.items[out->tags.len++] =
            (struct lambda_tags__entry) { .key = fn.tags.items[i].key,
                                          .value = fn.tags.items[i].value };
    return VG_OK;
}

/* --- the account --------------------------------------------------------------------------------
 */

struct totals {
    int64_t functions, reserved;
};

/* Adds the account's functions up, `but` left out of what is reserved. */
static vg_rc
add_up(struct vg_req *rq, struct vg_str but, struct totals *ret)
{
    struct vg_str after = VG_STR_NONE;
    *ret = (struct totals) { 0 };
    for (bool has_more = true; has_more;) {
        struct lambda_rec_function *fns;
        size_t n;
        vg_rc rc = lambda_store_list(rq, after, 500, &fns, &n, &has_more);
        if (rc != VG_OK)
            return rc;
        for (size_t i = 0; i < n; i++) {
            ret->functions++;
            if (!vg_str_eq(fns[i].name, but))
                ret->reserved += vg_opt_or(fns[i].reserved, 0);
            after = fns[i].name;
        }
        has_more = has_more && n > 0;
    }
    return VG_OK;
}

vg_rc
lambda_get_account_settings(struct vg_req *rq, const struct lambda_get_account_settings_request *in,
                            struct lambda_get_account_settings_response *out)
{
    struct totals t;
    int64_t code_bytes;
    (void)in;
    vg_rc rc = add_up(rq, VG_STR_NONE, &t);
    if (rc == VG_OK)
        rc = lambda_store_code_bytes(rq, NULL, &code_bytes);
    if (rc != VG_OK)
        return rc;
    out->account_limit = VG_NEW(rq->arena, struct lambda_account_limit);
    *out->account_limit = (struct lambda_account_limit) {
        .total_code_size = { true, (int64_t)LAMBDA_LIMIT_CODE_STORAGE_BYTES },
        .code_size_unzipped = { true, LAMBDA_LIMIT_CODE_UNZIPPED_BYTES },
        .code_size_zipped = { true, LAMBDA_LIMIT_CODE_ZIPPED_BYTES },
        .concurrent_executions = { true, LAMBDA_LIMIT_CONCURRENCY },
        .unreserved_concurrent_executions = { true, LAMBDA_LIMIT_CONCURRENCY - t.reserved },
    };
    out->account_usage = VG_NEW(rq->arena, struct lambda_account_usage);
    out->account_usage->function_count = (struct vg_opt_i64) { true, t.functions };
    out->account_usage->total_code_size = (struct vg_opt_i64) { true, code_bytes };
    return VG_OK;
}

/* --- reserved concurrency -----------------------------------------------------------------------
 */

vg_rc
lambda_put_function_concurrency(struct vg_req *rq,
                                const struct lambda_put_function_concurrency_request *in,
                                struct lambda_concurrency *out)
{
    struct lambda_name name;
    struct lambda_rec_function fn;
    struct totals t;
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = open_latest(rq, in->function_name, &name, &tx, &fn);
    if (rc == VG_OK)
        rc = add_up(rq, name.name, &t);
    if (rc != VG_OK)
        return rc;
    if (LAMBDA_LIMIT_CONCURRENCY - t.reserved - in->reserved_concurrent_executions.v
        < LAMBDA_LIMIT_CONCURRENCY_UNRESERVED_MIN)
        return lambda_bad(rq,
                          "Specified ReservedConcurrentExecutions for function decreases account's "
                          "UnreservedConcurrentExecution below its minimum value of [%d].",
                          LAMBDA_LIMIT_CONCURRENCY_UNRESERVED_MIN);
    fn.reserved = in->reserved_concurrent_executions;
    out->reserved_concurrent_executions = fn.reserved;
    lambda_store_put(rq, tx, &fn);
    return vg_tx_commit(&tx, rq->err);
}

vg_rc
lambda_get_function_concurrency(struct vg_req *rq,
                                const struct lambda_get_function_concurrency_request *in,
                                struct lambda_get_function_concurrency_response *out)
{
    struct lambda_name name;
    struct lambda_rec_function fn;
    vg_rc rc = lambda_resolve_whole(rq, in->function_name, &name);
    if (rc == VG_OK)
        rc = lambda_load(rq, &name, &fn);
    if (rc == VG_OK)
        out->reserved_concurrent_executions = fn.reserved;
    return rc;
}

vg_rc
lambda_delete_function_concurrency(struct vg_req *rq,
                                   const struct lambda_delete_function_concurrency_request *in)
{
    struct lambda_name name;
    struct lambda_rec_function fn;
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = open_latest(rq, in->function_name, &name, &tx, &fn);
    if (rc != VG_OK)
        return rc;
    fn.reserved = (struct vg_opt_i64) { 0 };
    lambda_store_put(rq, tx, &fn);
    return vg_tx_commit(&tx, rq->err);
}
