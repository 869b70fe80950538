/* SPDX-License-Identifier: Apache-2.0 */

/*
 * TransactWriteItems and TransactGetItems.
 *
 * Two kinds of refusal: what is wrong with the request itself is a ValidationException; what is
 * wrong with one item (its condition, its types, what its update finds) cancels the transaction
 * with a reason in that item's position.
 */

#include "crypto/hash.h"
#include "services/dynamodb/dynamodb_item.h"
#include "wire/wire.h"

/* "Transaction cancelled … [None, ConditionalCheckFailed]" and the reasons. */
static vg_rc
cancelled(struct vg_req *rq, struct dynamodb_cancellation_reason *reasons, size_t n)
{
    struct dynamodb_transaction_canceled_exception *detail =
        VG_NEW(rq->arena, struct dynamodb_transaction_canceled_exception);
    detail->cancellation_reasons.items = reasons;
    detail->cancellation_reasons.len = n;
    detail->cancellation_reasons.set = true;
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, 64u << 10);
    for (size_t i = 0; i < n; i++) {
        if (reasons[i].code.ptr == NULL)
            reasons[i].code = VG_STR("None");
        vg_buf_addf(&b, "%s%" VG_FMT, i ? ", " : "", VG_ARG(reasons[i].code));
    }
    return dynamodb_fail_transaction_canceled_exception_detail(
        rq, detail,
        "Transaction cancelled, please refer cancellation reasons for specific reasons [%" VG_FMT
        "]",
        VG_ARG(vg_buf_str(&b)));
}

/* A key that its table cannot have: told of the first only, before duplicates and conditions. */
struct bad_key {
    struct vg_str reason; /* absent: all are sound */
    size_t at;
};

static void
note_bad_key(struct bad_key *bad, struct vg_str reason, size_t at)
{
    if (reason.ptr && bad->reason.ptr == NULL)
        *bad = (struct bad_key) { reason, at };
}

static vg_rc
cancelled_by_key(struct vg_req *rq, const struct bad_key *bad, size_t n)
{
    struct dynamodb_cancellation_reason *reasons =
        VG_NEW_ARRAY(rq->arena, struct dynamodb_cancellation_reason, n);
    reasons[bad->at].code = VG_STR("ValidationError");
    reasons[bad->at].message = bad->reason;
    return cancelled(rq, reasons, n);
}

/* --- TransactWriteItems -------------------------------------------------------------------------
 */

/* One action, whichever of the four it is. */
struct action {
    enum dynamodb_write_kind kind;
    struct vg_str table_name;
    const struct dynamodb_item *item; /* or key */
    struct vg_enum return_on_failure;
    struct dynamodb_params params;
    struct dynamodb_parsed exprs;
};

#define ACTION_OF(from, kind_, item_)                                                              \
    (struct action)                                                                                \
    {                                                                                              \
        .kind = (kind_), .table_name = (from)->table_name, .item = (from)->item_,                  \
        .return_on_failure = (from)->return_values_on_condition_check_failure,                     \
        .params = DYNAMODB_PARAMS_OF_CONDITION(from),                                              \
    }

static vg_rc
read_action(struct vg_req *rq, const struct dynamodb_transact_write_item *in, struct action *ret)
{
    int n = (in->condition_check != NULL) + (in->put != NULL) + (in->delete != NULL)
            + (in->update != NULL);
    if (n == 0)
        return vg_fail_validation(rq, "Invalid Request: TransactWriteRequest should contain Delete "
                                      "or Put or Update request");
    if (n > 1)
        return vg_fail_validation(rq, "TransactItems can only contain one of Check, Put, Update or "
                                      "Delete");
    if (in->put) {
        *ret = ACTION_OF(in->put, DYNAMODB_WRITE_PUT, item);
    } else if (in->delete) {
        *ret = ACTION_OF(in->delete, DYNAMODB_WRITE_DELETE, key);
    } else if (in->update) {
        *ret = ACTION_OF(in->update, DYNAMODB_WRITE_UPDATE, key);
        ret->params.update = in->update->update_expression;
        ret->params.expressions = "UpdateExpression and ConditionExpression are null";
    } else {
        *ret = ACTION_OF(in->condition_check, DYNAMODB_WRITE_CHECK, key);
    }
    vg_rc rc = dynamodb_params_check(rq, &ret->params);
    if (rc == VG_OK)
        rc = dynamodb_refuse(rq, dynamodb_item_fault(ret->item));
    if (rc == VG_OK)
        rc = dynamodb_params_read(rq, &ret->params, &ret->exprs);
    if (rc == VG_OK && ret->kind == DYNAMODB_WRITE_PUT
        && dynamodb_item_size(ret->item->v) > DYNAMODB_ITEM_MAX_BYTES)
        rc = vg_fail_validation(rq, "Item size has exceeded the maximum allowed size");
    return rc;
}

/* Top-level faults fail; `key_reason` is of the item's position. */
static vg_rc
plan_action(struct vg_req *rq, struct action *a, struct dynamodb_write *w,
            struct vg_str *key_reason)
{
    *w = (struct dynamodb_write) {
        .kind = a->kind, .item = a->item->v, .exprs = &a->exprs, .is_transactional = true
    };
    *key_reason = VG_STR_NONE;
    vg_rc rc = dynamodb_table_get(rq, a->table_name, &w->t);
    if (rc != VG_OK)
        return rc;
    bool is_put = a->kind == DYNAMODB_WRITE_PUT;
    *key_reason = is_put ? dynamodb_put_mismatch(rq->arena, w->t, w->item)
                         : dynamodb_key_mismatch(w->t, w->item);
    if (key_reason->ptr)
        return VG_OK;
    rc = dynamodb_refuse(rq, dynamodb_key_empty(rq->arena, w->t, w->item));
    if (rc != VG_OK)
        return rc;
    *key_reason = dynamodb_key_too_long(w->t, w->item);
    if (is_put)
        w->refusal = dynamodb_index_mismatch(rq->arena, w->t, w->item, false);
    if (a->kind == DYNAMODB_WRITE_UPDATE)
        w->refusal = dynamodb_update_of_key(rq->arena, w->t, &a->exprs.update);
    return VG_OK;
}

struct transaction {
    struct action *actions;
    struct dynamodb_write *writes;
    struct dynamodb_cancellation_reason *reasons;
    struct dynamodb_units *units;
    size_t n, n_units;
};

static vg_rc
plan_all(struct vg_req *rq, struct transaction *tr)
{
    struct dynamodb_place *places = VG_NEW_ARRAY(rq->arena, struct dynamodb_place, tr->n);
    size_t n_places = 0, bytes = 0;
    struct bad_key bad = { .at = 0 };
    tr->n_units = 0;
    for (size_t i = 0; i < tr->n; i++) {
        struct vg_str key_reason;
        struct dynamodb_write *w = &tr->writes[i];
        vg_rc rc = plan_action(rq, &tr->actions[i], w, &key_reason);
        if (rc != VG_OK)
            return rc;
        note_bad_key(&bad, key_reason, i);
        if (bad.reason.ptr)
            continue;
        tr->reasons[i] = (struct dynamodb_cancellation_reason) { .item = NULL };
        w->units =
            dynamodb_units_of(rq->arena, tr->units, &tr->n_units, w->t, tr->actions[i].table_name);
        places[n_places++] = dynamodb_store_place(rq->arena, w->t, w->item);
        bytes += dynamodb_item_size(w->item);
    }
    if (bad.reason.ptr)
        return cancelled_by_key(rq, &bad, tr->n);
    if (dynamodb_has_duplicates(places, n_places))
        return vg_fail_validation(rq, "Transaction request cannot include multiple operations on "
                                      "one item");
    if (bytes > DYNAMODB_LIMIT_TRANSACT_BYTES)
        return vg_fail_validation(rq, "Collection size limit exceeded: the transaction's items are "
                                      "over 4 MB together");
    vg_rc rc = VG_OK;
    for (size_t i = 0; rc == VG_OK && i < tr->n; i++)
        rc = dynamodb_refuse(
            rq, dynamodb_scalar_mismatch(rq->arena, tr->writes[i].t, &tr->actions[i].exprs));
    return rc;
}

/* After a run in which not all went well. */
static vg_rc
cancel(struct vg_req *rq, struct transaction *tr)
{
    for (size_t i = 0; i < tr->n; i++) {
        const struct dynamodb_write *w = &tr->writes[i];
        struct dynamodb_cancellation_reason *r = &tr->reasons[i];
        if (w->outcome == DYNAMODB_DONE)
            continue;
        r->message = w->message;
        r->code = w->outcome == DYNAMODB_CONDITION_FAILED ? VG_STR("ConditionalCheckFailed")
                  : w->outcome == DYNAMODB_TOO_LARGE ? VG_STR("ItemCollectionSizeLimitExceeded")
                                                     : VG_STR("ValidationError");
        if (w->outcome == DYNAMODB_CONDITION_FAILED && w->old.ptr
            && tr->actions[i].return_on_failure.v
                   == DYNAMODB_RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_ALL_OLD)
            r->item = dynamodb_item_out(rq->arena, w->old);
    }
    return cancelled(rq, tr->reasons, tr->n);
}

static void
init_token(struct vg_req *rq, const struct dynamodb_transact_write_items_input *in,
           struct dynamodb_token *token)
{
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, 64u << 20);
    vg_wire_to_json(rq->op->in, in, &b);
    *token = (struct dynamodb_token) { .token = in->client_request_token };
    vg_sha256(vg_buf_str(&b), token->digest);
}

/* What a repeated request answers: it reads what it once wrote. */
static void
replayed_units(struct transaction *tr)
{
    for (size_t i = 0; i < tr->n; i++)
        tr->writes[i].units->table +=
            2 * dynamodb_read_units(dynamodb_item_size(tr->writes[i].item), true);
}

vg_rc
dynamodb_transact_write_items(struct vg_req *rq,
                              const struct dynamodb_transact_write_items_input *in,
                              struct dynamodb_transact_write_items_output *out)
{
    struct transaction tr = { .n = in->transact_items.len };
    tr.actions = VG_NEW_ARRAY(rq->arena, struct action, tr.n);
    tr.writes = VG_NEW_ARRAY(rq->arena, struct dynamodb_write, tr.n);
    tr.reasons = VG_NEW_ARRAY(rq->arena, struct dynamodb_cancellation_reason, tr.n);
    tr.units = VG_NEW_ARRAY(rq->arena, struct dynamodb_units, tr.n);
    for (size_t i = 0; i < tr.n; i++) {
        vg_rc rc = read_action(rq, &in->transact_items.items[i], &tr.actions[i]);
        if (rc != VG_OK)
            return rc;
    }
    struct dynamodb_token token;
    bool has_token = in->client_request_token.len > 0, is_stale;
    if (has_token)
        init_token(rq, in, &token);
    do {
        vg_rc rc = plan_all(rq, &tr);
        if (rc == VG_OK)
            rc = dynamodb_write_all(rq, tr.writes, tr.n, has_token ? &token : NULL, &is_stale);
        if (rc != VG_OK)
            return rc;
    } while (is_stale);
    char kind = 'w';
    if (has_token && token.found == DYNAMODB_TOKEN_OTHER)
        return dynamodb_fail_idempotent_parameter_mismatch_exception(
            rq, "Request was made with a token that was already used with other parameters");
    if (has_token && token.found == DYNAMODB_TOKEN_SAME) {
        replayed_units(&tr);
        kind = 'r';
    }
    for (size_t i = 0; i < tr.n; i++) {
        if (tr.writes[i].outcome != DYNAMODB_DONE)
            return cancel(rq, &tr);
    }
    out->consumed_capacity =
        dynamodb_consumed_all(rq->arena, tr.units, tr.n_units, in->return_consumed_capacity, kind);
    return dynamodb_metrics_all(rq, tr.writes, tr.n, in->return_item_collection_metrics,
                                &out->item_collection_metrics);
}

/* --- TransactGetItems ---------------------------------------------------------------------------
 */

struct fetch {
    const struct dynamodb_get *in;
    const struct dynamodb_table *t;
    struct dynamodb_parsed exprs;
    struct dynamodb_units *units;
};

static vg_rc
read_fetch(struct vg_req *rq, const struct dynamodb_get *in, struct fetch *f)
{
    f->in = in;
    const struct dynamodb_params params = { .projection = in->projection_expression,
                                            .names = &in->expression_attribute_names };
    vg_rc rc = dynamodb_params_check(rq, &params);
    if (rc == VG_OK)
        rc = dynamodb_refuse(rq, dynamodb_item_fault(in->key));
    if (rc == VG_OK)
        rc = dynamodb_params_read(rq, &params, &f->exprs);
    if (rc == VG_OK)
        rc = dynamodb_table_get(rq, in->table_name, &f->t);
    if (rc == VG_OK)
        rc = dynamodb_refuse(rq, dynamodb_scalar_mismatch(rq->arena, f->t, &f->exprs));
    return rc;
}

/* Reads all from one snapshot. */
static vg_rc
fetch_all(struct vg_req *rq, struct fetch *fetches, const struct dynamodb_place *places, size_t n,
          struct dynamodb_item_response *ret)
{
    vg_auto_snap struct vg_snap *snap = NULL;
    vg_rc rc = vg_snap_open(rq->sess, &snap, rq->err);
    for (size_t i = 0; rc == VG_OK && i < n; i++) {
        struct vg_str row;
        rc = vg_snap_get(snap, places[i].part, places[i].key, &row, rq->err);
        if (rc != VG_OK)
            break;
        struct vg_str item = dynamodb_store_item_of(row);
        fetches[i].units->table +=
            2 * dynamodb_read_units(item.ptr ? dynamodb_item_size(item) : 0, true);
        if (item.ptr && fetches[i].exprs.projection.n > 0)
            item = dynamodb_project(rq->arena, item, &fetches[i].exprs.projection);
        if (item.ptr)
            ret[i].item = dynamodb_item_out(rq->arena, item);
    }
    return rc;
}

vg_rc
dynamodb_transact_get_items(struct vg_req *rq, const struct dynamodb_transact_get_items_input *in,
                            struct dynamodb_transact_get_items_output *out)
{
    size_t n = in->transact_items.len, n_units = 0, n_places = 0;
    struct fetch *fetches = VG_NEW_ARRAY(rq->arena, struct fetch, n);
    struct dynamodb_place *places = VG_NEW_ARRAY(rq->arena, struct dynamodb_place, n);
    struct dynamodb_units *units = VG_NEW_ARRAY(rq->arena, struct dynamodb_units, n);
    struct bad_key bad = { .at = 0 };
    for (size_t i = 0; i < n; i++) {
        const struct dynamodb_get *get = in->transact_items.items[i].get;
        vg_rc rc = read_fetch(rq, get, &fetches[i]);
        if (rc != VG_OK)
            return rc;
        struct vg_str mismatch = dynamodb_key_mismatch(fetches[i].t, get->key->v);
        if (mismatch.ptr == NULL) {
            rc = dynamodb_refuse(rq, dynamodb_key_empty(rq->arena, fetches[i].t, get->key->v));
            if (rc != VG_OK)
                return rc;
            mismatch = dynamodb_key_too_long(fetches[i].t, get->key->v);
        }
        note_bad_key(&bad, mismatch, i);
        if (bad.reason.ptr)
            continue;
        fetches[i].units =
            dynamodb_units_of(rq->arena, units, &n_units, fetches[i].t, get->table_name);
        places[n_places++] = dynamodb_store_place(rq->arena, fetches[i].t, get->key->v);
    }
    if (bad.reason.ptr)
        return cancelled_by_key(rq, &bad, n);
    if (dynamodb_has_duplicates(places, n_places))
        return vg_fail_validation(rq, "Transaction request cannot include multiple operations on "
                                      "one item");
    out->responses.items = VG_NEW_ARRAY(rq->arena, struct dynamodb_item_response, n);
    out->responses.len = n;
    out->responses.set = true;
    vg_rc rc = fetch_all(rq, fetches, places, n, out->responses.items);
    if (rc == VG_OK)
        out->consumed_capacity =
            dynamodb_consumed_all(rq->arena, units, n_units, in->return_consumed_capacity, 'r');
    return rc;
}
