/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every write of items, alone, in a batch or in a transaction: condition, change, index entries,
 * counters, in one transaction of the store that holds the turn of each item's slot.
 */

#include "services/dynamodb/dynamodb_item.h"

#define WRITES_MAX 100 /* of TransactWriteItems */

static void
fault(struct dynamodb_write *w, enum dynamodb_outcome outcome, struct vg_str message)
{
    w->outcome = outcome;
    w->message = message;
}

/* The item as it will be; faults what cannot be. */
static void
plan_after(struct vg_req *rq, struct dynamodb_write *w)
{
    switch (w->kind) {
    case DYNAMODB_WRITE_CHECK:
        w->after = w->old;
        return;
    case DYNAMODB_WRITE_DELETE:
        w->after = VG_STR_NONE;
        return;
    case DYNAMODB_WRITE_PUT:
        w->after = w->item;
        return;
    case DYNAMODB_WRITE_UPDATE:
        break;
    }
    struct dynamodb_exprs *x = &w->exprs->x;
    if (!dynamodb_apply_update(x, &w->exprs->update, w->old.ptr ? w->old : w->item, &w->after)) {
        bool is_type = vg_str_starts(x->error, VG_STR("An operand in the update"));
        fault(w, DYNAMODB_INVALID,
              is_type && w->exprs->is_legacy ? VG_STR("Type mismatch for attribute to update")
                                             : x->error);
        return;
    }
    struct vg_str text = dynamodb_index_mismatch(rq->arena, w->t, w->after, true);
    if (text.ptr)
        fault(w, DYNAMODB_INVALID, text);
    else if (dynamodb_item_size(w->after) > DYNAMODB_ITEM_MAX_BYTES)
        fault(w, DYNAMODB_INVALID,
              VG_STR("Item size to update has exceeded the maximum allowed size"));
}

/*
 * While an index is being filled it may not have yet what it is to have of an item.  Entries are
 * counted as they are put, so what is not there does not count: whoever holds the item's turn
 * looks.
 */
static vg_rc
is_entry_there(struct vg_req *rq, const struct dynamodb_place *at, bool *ret)
{
    struct vg_str row;
    vg_rc rc = vg_kv_get(rq->sess, at->part, at->key, &row, rq->err);
    *ret = rc == VG_OK && row.ptr != NULL;
    return rc;
}

/* What an index holds of an item; all zero: nothing. */
struct held {
    struct vg_str entry;
    struct dynamodb_place at;
    int64_t bytes, n;
};

static struct held
held_of(struct vg_req *rq, const struct dynamodb_write *w, const struct dynamodb_index *ix,
        struct vg_str entry)
{
    if (entry.ptr == NULL)
        return (struct held) { .n = 0 };
    return (struct held) { .entry = entry,
                           .at = dynamodb_store_entry_place(rq->arena, w->t, ix, entry),
                           .bytes = (int64_t)dynamodb_item_size(entry),
                           .n = 1 };
}

/* Puts, replaces or removes the item's entry. */
static vg_rc
write_entry(struct vg_req *rq, struct vg_tx *tx, const struct dynamodb_write *w,
            const struct dynamodb_index *ix, double *units, int64_t *ret_bytes)
{
    struct vg_str old = dynamodb_index_entry(rq->arena, w->t, ix, w->old);
    struct vg_str new = dynamodb_index_entry(rq->arena, w->t, ix, w->after);
    *units = 0;
    *ret_bytes = 0;
    if ((!old.ptr && !new.ptr) || (old.ptr && new.ptr &&vg_str_eq(old, new)))
        return VG_OK;
    struct held had = held_of(rq, w, ix, old), has = held_of(rq, w, ix, new);
    if (had.n && ix->rec->is_backfilling) {
        bool is_there;
        vg_rc rc = is_entry_there(rq, &had.at, &is_there);
        if (rc != VG_OK)
            return rc;
        if (!is_there)
            had = (struct held) { .n = 0 };
    }
    bool is_same = had.n && has.n && vg_str_eq(had.at.key, has.at.key);
    if (had.n && !is_same) {
        vg_tx_del(tx, had.at.part, had.at.key);
        *units += dynamodb_write_units((size_t)had.bytes);
    }
    if (has.n) {
        dynamodb_store_put_item(tx, rq->arena, &has.at, has.entry);
        *units +=
            dynamodb_write_units((size_t)(is_same ? VG_MAX(had.bytes, has.bytes) : has.bytes));
    }
    *ret_bytes = has.bytes - had.bytes;
    dynamodb_store_count(rq, tx, w->t, ix, has.n - had.n, *ret_bytes);
    return VG_OK;
}

vg_rc
dynamodb_fill_entry(struct vg_req *rq, struct vg_tx *tx, const struct dynamodb_table *t,
                    const struct dynamodb_index *ix, struct vg_str item)
{
    struct vg_str entry = dynamodb_index_entry(rq->arena, t, ix, item);
    if (entry.ptr == NULL)
        return VG_OK;
    struct dynamodb_place at = dynamodb_store_entry_place(rq->arena, t, ix, entry);
    bool is_there;
    vg_rc rc = is_entry_there(rq, &at, &is_there);
    if (rc != VG_OK || is_there)
        return rc;
    dynamodb_store_put_item(tx, rq->arena, &at, entry);
    dynamodb_store_count(rq, tx, t, ix, 1, (int64_t)dynamodb_item_size(entry));
    return VG_OK;
}

static vg_rc
apply(struct vg_req *rq, struct vg_tx *tx, struct dynamodb_write *w)
{
    int64_t old_bytes = w->old.ptr ? (int64_t)dynamodb_item_size(w->old) : 0;
    int64_t new_bytes = w->after.ptr ? (int64_t)dynamodb_item_size(w->after) : 0;
    double factor = w->is_transactional ? 2 : 1;
    w->units->table += factor * dynamodb_write_units((size_t)VG_MAX(old_bytes, new_bytes));
    if (w->kind == DYNAMODB_WRITE_CHECK)
        return VG_OK;
    if (w->after.ptr)
        dynamodb_store_put_item(tx, rq->arena, &w->place, w->after);
    else if (w->old.ptr)
        vg_tx_del(tx, w->place.part, w->place.key);
    dynamodb_store_count(rq, tx, w->t, NULL, (w->after.ptr ? 1 : 0) - (w->old.ptr ? 1 : 0),
                         new_bytes - old_bytes);
    w->collection_delta = new_bytes - old_bytes;
    for (size_t i = 0; i < w->t->n_indexes; i++) {
        const struct dynamodb_index *ix = &w->t->indexes[i];
        if (ix->rec->is_deleting)
            continue;
        double units;
        int64_t bytes;
        vg_rc rc = write_entry(rq, tx, w, ix, &units, &bytes);
        if (rc != VG_OK)
            return rc;
        w->units->index[i] += factor * units;
        if (!ix->rec->is_global)
            w->collection_delta += bytes;
    }
    if (w->t->has_lsi && w->collection_delta != 0)
        dynamodb_store_grow_collection(tx, rq->arena, w->t, w->item, w->collection_delta);
    return VG_OK;
}

/* Reads the item and decides. */
static vg_rc
decide(struct vg_req *rq, struct vg_tx *tx, struct dynamodb_write *w)
{
    struct vg_str row;
    vg_rc rc = vg_tx_get(tx, w->place.part, w->place.key, &row, rq->err);
    if (rc != VG_OK)
        return rc;
    w->old = dynamodb_store_item_of(row);
    w->outcome = DYNAMODB_DONE;
    if (w->refusal.ptr) {
        fault(w, DYNAMODB_INVALID, w->refusal);
        return VG_OK;
    }
    if (w->exprs && w->exprs->condition
        && !dynamodb_condition_holds(rq->arena, w->exprs->condition,
                                     w->old.ptr ? w->old : VG_STR(""))) {
        fault(w, DYNAMODB_CONDITION_FAILED, VG_STR("The conditional request failed"));
        return VG_OK;
    }
    plan_after(rq, w);
    if (w->outcome != DYNAMODB_DONE || !w->t->has_lsi || w->kind == DYNAMODB_WRITE_DELETE)
        return VG_OK;
    uint64_t bytes;
    rc = dynamodb_store_collection(rq, w->t, w->item, &bytes);
    if (rc == VG_OK && bytes >= DYNAMODB_COLLECTION_MAX)
        fault(w, DYNAMODB_TOO_LARGE, VG_STR("Item collection size limit of 10GB exceeded"));
    return rc;
}

/* Decides on all; *ret_done: all may be applied. */
static vg_rc
decide_all(struct vg_req *rq, struct vg_tx *tx, struct dynamodb_write *writes, size_t n,
           struct dynamodb_token *token, bool *ret_stale, bool *ret_done)
{
    *ret_stale = *ret_done = false;
    for (size_t i = 0; i < n; i++)
        *ret_stale = *ret_stale || atomic_load(&writes[i].t->is_stale);
    if (*ret_stale)
        return VG_OK;
    if (token) {
        vg_rc rc = dynamodb_store_find_token(rq, tx, token);
        if (rc != VG_OK || token->found != DYNAMODB_TOKEN_NEW)
            return rc;
    }
    bool is_done = true;
    for (size_t i = 0; i < n; i++) {
        vg_rc rc = decide(rq, tx, &writes[i]);
        if (rc != VG_OK)
            return rc;
        is_done = is_done && writes[i].outcome == DYNAMODB_DONE;
    }
    *ret_done = is_done;
    return VG_OK;
}

vg_rc
dynamodb_write_all(struct vg_req *rq, struct dynamodb_write *writes, size_t n,
                   struct dynamodb_token *token, bool *ret_stale)
{
    struct vg_str parts[WRITES_MAX + 1] = { VG_STR_NONE };
    VG_ASSERT(n > 0 && n <= WRITES_MAX);
    size_t n_parts = 0;
    for (size_t i = 0; i < n; i++) {
        writes[i].place = dynamodb_store_place(rq->arena, writes[i].t, writes[i].item);
        parts[n_parts++] = writes[i].place.part;
    }
    if (token) {
        dynamodb_store_token_part(rq, token);
        parts[n_parts++] = token->part;
    }
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = vg_tx_open_n(rq, parts, n_parts, &tx);
    if (rc != VG_OK)
        return rc;
    bool is_done;
    rc = decide_all(rq, tx, writes, n, token, ret_stale, &is_done);
    if (rc != VG_OK || !is_done)
        return rc;
    for (size_t i = 0; rc == VG_OK && i < n; i++)
        rc = apply(rq, tx, &writes[i]);
    if (rc == VG_OK && token)
        rc = dynamodb_store_keep_token(rq, tx, token);
    if (rc != VG_OK)
        return rc;
    return vg_tx_commit(&tx, rq->err);
}

vg_rc
dynamodb_collection_metrics(struct vg_req *rq, const struct dynamodb_write *w, struct vg_enum asked,
                            struct dynamodb_item_collection_metrics **ret)
{
    *ret = NULL;
    if (asked.v != DYNAMODB_RETURN_ITEM_COLLECTION_METRICS_SIZE || !w->t->has_lsi)
        return VG_OK;
    uint64_t bytes;
    vg_rc rc = dynamodb_store_collection(rq, w->t, w->item, &bytes);
    if (rc != VG_OK)
        return rc;
    struct dynamodb_item_collection_metrics *m =
        VG_NEW(rq->arena, struct dynamodb_item_collection_metrics);
    const struct dynamodb_key_def hash_only = { .hash = w->t->key.hash,
                                                .hash_type = w->t->key.hash_type };
    m->item_collection_key =
        dynamodb_item_out(rq->arena, dynamodb_key_of(rq->arena, &hash_only, w->item));
    /* AWS: "an estimate, a lower and an upper bound in gigabytes" */
    double *range = VG_NEW_ARRAY(rq->arena, double, 2);
    range[0] = (double)(bytes >> 30);
    range[1] = range[0] + 1;
    m->size_estimate_range_gb.items = range;
    m->size_estimate_range_gb.len = 2;
    *ret = m;
    return VG_OK;
}

vg_rc
dynamodb_write_fail(struct vg_req *rq, const struct dynamodb_write *w, struct vg_enum return_values)
{
    switch (w->outcome) {
    case DYNAMODB_CONDITION_FAILED: {
        struct dynamodb_conditional_check_failed_exception *detail =
            VG_NEW(rq->arena, struct dynamodb_conditional_check_failed_exception);
        if (return_values.v == DYNAMODB_RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_ALL_OLD
            && w->old.ptr)
            detail->item = dynamodb_item_out(rq->arena, w->old);
        return dynamodb_fail_conditional_check_failed_exception_detail(rq, detail, "%" VG_FMT,
                                                                       VG_ARG(w->message));
    }
    case DYNAMODB_INVALID:
        return vg_fail_validation(rq, "%" VG_FMT, VG_ARG(w->message));
    case DYNAMODB_TOO_LARGE:
        return dynamodb_fail_item_collection_size_limit_exceeded_exception(rq, "%" VG_FMT,
                                                                           VG_ARG(w->message));
    case DYNAMODB_DONE:
        break;
    }
    VG_BUG("nothing failed");
}
