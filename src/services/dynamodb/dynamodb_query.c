/* SPDX-License-Identifier: Apache-2.0 */

/* Query and Scan. */

#include "services/dynamodb/dynamodb_walk.h"

/* Of requests and answers that have members of the same names. */
#define WALK_OF(in)                                                                                \
    .table_name = (in)->table_name, .index_name = (in)->index_name, .select = (in)->select,        \
    .return_capacity = (in)->return_consumed_capacity, .limit = (in)->limit,                       \
    .is_consistent = (in)->consistent_read, .start_key = (in)->exclusive_start_key
#define ANSWER(rq, out, wi, w)                                                                     \
    do {                                                                                           \
        if (!(w)->is_count) {                                                                      \
            (out)->items.items = (w)->items.items;                                                 \
            (out)->items.len = (w)->items.len;                                                     \
            (out)->items.set = true;                                                               \
        }                                                                                          \
        (out)->count = (struct vg_opt_i64) { true, (int64_t)(w)->n_found };                        \
        (out)->scanned_count = (struct vg_opt_i64) { true, (int64_t)(w)->n_scanned };              \
        (out)->consumed_capacity = dynamodb_walk_consumed((rq), (wi), (w));                        \
        if ((w)->is_full)                                                                          \
            (out)->last_evaluated_key = dynamodb_walk_last_key((rq), (w));                         \
    } while (0)

/* --- Query --------------------------------------------------------------------------------------
 */

/* Narrows the range to what lies beyond the starting key. */
static vg_rc
start_query(struct vg_req *rq, const struct dynamodb_walk *w, const struct dynamodb_item *key,
            const struct dynamodb_key_query *query, struct vg_range *range)
{
    struct dynamodb_place at;
    vg_rc rc = dynamodb_walk_start(rq, w, key, &at);
    if (rc != VG_OK)
        return rc;
    const struct dynamodb_key_def *def = w->ix ? &w->ix->key : &w->t->key;
    if (!dynamodb_value_eq(dynamodb_item_get(key->v, def->hash), query->hash))
        return vg_fail_validation(rq, "The provided starting key is outside query boundaries based "
                                      "on provided conditions");
    if (query->range_cond && !dynamodb_condition_holds(rq->arena, query->range_cond, key->v))
        return vg_fail_validation(rq, "The provided starting key does not match the range key "
                                      "predicate");
    if (w->is_reverse)
        range->to = at.key;
    else
        range->from = vg_str_cat(rq->arena, at.key, vg_str_n("", 1));
    return VG_OK;
}

vg_rc
dynamodb_query(struct vg_req *rq, const struct dynamodb_query_input *in,
               struct dynamodb_query_output *out)
{
    const struct dynamodb_walk_input wi = {
        .is_query = true,
        WALK_OF(in),
        .params = dynamodb_params_of_query(rq->arena, in),
    };
    struct dynamodb_parsed exprs;
    struct dynamodb_walk w;
    vg_rc rc = VG_OK;
    if (in->key_condition_expression.ptr == NULL && !in->key_conditions.set)
        rc = vg_fail_validation(rq, "Either the KeyConditions or KeyConditionExpression parameter "
                                    "must be specified in the request.");
    else if (in->key_conditions.set && in->key_conditions.len == 0)
        rc = vg_fail_validation(rq, "Conditions must be at least length 1");
    if (rc == VG_OK)
        rc = dynamodb_walk_init(rq, &wi, &exprs, &w);
    if (rc != VG_OK)
        return rc;
    w.is_reverse = !vg_opt_bool_or(in->scan_index_forward, true);

    struct dynamodb_key_query query;
    struct vg_str text = dynamodb_key_condition(rq->arena, w.ix ? &w.ix->key : &w.t->key,
                                                exprs.key_condition, &query);
    if (in->key_conditions.set && vg_str_starts(text, VG_STR("Invalid operator")))
        text = VG_STR("Attempted conditional constraint is not an indexable operation");
    if (text.ptr == NULL)
        text = dynamodb_filter_mismatch(rq->arena, w.t, w.ix,
                                        in->query_filter.set ? "QueryFilter" : "Filter Expression",
                                        w.filter);
    rc = dynamodb_refuse(rq, text);
    if (rc != VG_OK)
        return rc;
    struct vg_range range;
    struct vg_str part =
        dynamodb_store_query_range(rq->arena, w.t, w.ix, query.hash, &query.range, &range);
    if (in->exclusive_start_key)
        rc = start_query(rq, &w, in->exclusive_start_key, &query, &range);
    if (rc == VG_OK)
        rc = dynamodb_walk_range(rq, &w, part, range);
    if (rc != VG_OK)
        return rc;
    ANSWER(rq, out, &wi, &w);
    return VG_OK;
}

/* --- Scan ---------------------------------------------------------------------------------------
 */

/* The hashes of a segment: an equal part of all. */
static vg_rc
segment_range(struct vg_req *rq, const struct dynamodb_scan_input *in, uint32_t *ret_from,
              uint32_t *ret_to)
{
    *ret_from = 0;
    *ret_to = UINT32_MAX;
    if (!in->segment.set && !in->total_segments.set)
        return VG_OK;
    if (!in->total_segments.set)
        return vg_fail_validation(rq, "The TotalSegments parameter is required but was not present "
                                      "in the request when Segment parameter is present");
    if (!in->segment.set)
        return vg_fail_validation(rq, "The Segment parameter is required but was not present in "
                                      "the request when parameter TotalSegments is present");
    if (in->segment.v >= in->total_segments.v)
        return vg_fail_validation(rq,
                                  "The Segment parameter is zero-based and must be less than "
                                  "parameter TotalSegments: Segment: %lld is not less than "
                                  "TotalSegments: %lld",
                                  (long long)in->segment.v, (long long)in->total_segments.v);
    uint64_t all = (uint64_t)UINT32_MAX + 1, n = (uint64_t)in->total_segments.v;
    uint64_t s = (uint64_t)in->segment.v;
    *ret_from = (uint32_t)(all * s / n);
    *ret_to = (uint32_t)(all * (s + 1) / n - 1);
    return VG_OK;
}

/* All slots from `from` to `to`, the first of them beyond the starting key. */
static vg_rc
scan_slots(struct vg_req *rq, struct dynamodb_walk *w, uint32_t from, uint32_t to,
           struct vg_str start)
{
    const struct vg_str *parts = w->ix ? w->ix->parts : w->t->parts;
    for (uint32_t slot = dynamodb_slot(from); slot <= dynamodb_slot(to) && !w->is_full; slot++) {
        struct vg_range range;
        dynamodb_store_scan_range(rq->arena, from, to, &range);
        if (start.ptr && slot == dynamodb_slot(from))
            range.from = vg_str_cat(rq->arena, start, vg_str_n("", 1));
        vg_rc rc = dynamodb_walk_range(rq, w, parts[slot], range);
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

vg_rc
dynamodb_scan(struct vg_req *rq, const struct dynamodb_scan_input *in,
              struct dynamodb_scan_output *out)
{
    const struct dynamodb_walk_input wi = {
        WALK_OF(in),
        .params = dynamodb_params_of_scan(in),
    };
    struct dynamodb_parsed exprs;
    struct dynamodb_walk w;
    uint32_t from, to;
    vg_rc rc = segment_range(rq, in, &from, &to);
    if (rc == VG_OK)
        rc = dynamodb_walk_init(rq, &wi, &exprs, &w);
    if (rc != VG_OK)
        return rc;
    struct dynamodb_place start = { .hash = 0 };
    if (in->exclusive_start_key) {
        rc = dynamodb_walk_start(rq, &w, in->exclusive_start_key, &start);
        if (rc != VG_OK)
            return rc;
        if (start.hash < from || start.hash > to)
            return vg_fail_validation(rq,
                                      "The provided starting key is invalid: Invalid "
                                      "ExclusiveStartKey. Please use ExclusiveStartKey with "
                                      "correct Segment. TotalSegments: %lld Segment: %lld",
                                      (long long)in->total_segments.v, (long long)in->segment.v);
        from = start.hash;
    }
    rc = scan_slots(rq, &w, from, to, start.key);
    if (rc != VG_OK)
        return rc;
    ANSWER(rq, out, &wi, &w);
    return VG_OK;
}
