/* SPDX-License-Identifier: Apache-2.0 */
#include "services/dynamodb/dynamodb_walk.h"

#define INVALID "One or more parameter values were invalid: "

/* --- input --------------------------------------------------------------------------------------
 */

static vg_rc
check_select(struct vg_req *rq, const struct dynamodb_walk_input *in)
{
    bool has_projection = in->params.projection.ptr != NULL || in->params.legacy.projection != NULL;
    const char *name = in->params.legacy.projection ? "AttributesToGet" : "ProjectionExpression";
    switch (in->select.v) {
    case DYNAMODB_SELECT_ALL_PROJECTED_ATTRIBUTES:
        if (has_projection)
            return vg_fail_validation(rq,
                                      "Cannot specify the %s when choosing to get "
                                      "ALL_PROJECTED_ATTRIBUTES",
                                      name);
        if (in->index_name.ptr == NULL)
            return vg_fail_validation(rq,
                                      "ALL_PROJECTED_ATTRIBUTES can be used only when %s using an "
                                      "IndexName",
                                      in->is_query ? "Querying" : "Scanning");
        return VG_OK;
    case DYNAMODB_SELECT_ALL_ATTRIBUTES:
        if (has_projection)
            return vg_fail_validation(rq,
                                      "Cannot specify the %s when choosing to get "
                                      "ALL_ATTRIBUTES",
                                      name);
        return VG_OK;
    case DYNAMODB_SELECT_COUNT:
        if (has_projection)
            return vg_fail_validation(rq,
                                      "Cannot specify the %s when choosing to get only "
                                      "the Count",
                                      name);
        return VG_OK;
    case DYNAMODB_SELECT_SPECIFIC_ATTRIBUTES:
        if (!has_projection)
            return vg_fail_validation(rq, "Must specify the AttributesToGet or "
                                          "ProjectionExpression when choosing to get "
                                          "SPECIFIC_ATTRIBUTES");
        return VG_OK;
    default:
        return VG_OK;
    }
}

/* What is asked for of an index; sets is_whole where a local one must fetch. */
static vg_rc
check_index(struct vg_req *rq, const struct dynamodb_walk_input *in, struct dynamodb_walk *w)
{
    const struct dynamodb_index *ix = w->ix;
    if (ix->rec->is_backfilling)
        return vg_fail_validation(rq,
                                  "Cannot read from backfilling global secondary index: %" VG_FMT,
                                  VG_ARG(ix->rec->name));
    if (ix->rec->is_global && w->is_consistent)
        return vg_fail_validation(rq, "Consistent reads are not supported on global secondary "
                                      "indexes");
    if (ix->projection == DYNAMODB_PROJECT_ALL)
        return VG_OK;
    if (in->select.v == DYNAMODB_SELECT_ALL_ATTRIBUTES) {
        if (ix->rec->is_global)
            return vg_fail_validation(rq,
                                      INVALID "Select type ALL_ATTRIBUTES is not supported for "
                                              "global secondary index %" VG_FMT
                                              " because its projection type is not ALL",
                                      VG_ARG(ix->rec->name));
        w->is_whole = true;
    }
    for (size_t i = 0; i < w->projection.n; i++) {
        struct vg_str name = w->projection.paths[i].steps[0].name;
        if (dynamodb_index_projects(w->t, ix, name))
            continue;
        if (ix->rec->is_global)
            return vg_fail_validation(
                rq, INVALID "Global secondary index %" VG_FMT " does not project [%" VG_FMT "]",
                VG_ARG(ix->rec->name), VG_ARG(name));
        w->is_whole = true;
    }
    return VG_OK;
}

vg_rc
dynamodb_walk_init(struct vg_req *rq, const struct dynamodb_walk_input *in,
                   struct dynamodb_parsed *exprs, struct dynamodb_walk *w)
{
    *w = (struct dynamodb_walk) { .limit = (uint64_t)vg_opt_or(in->limit, 0) };
    vg_rc rc = dynamodb_params_check(rq, &in->params);
    if (rc == VG_OK && in->start_key && in->start_key->fault.ptr)
        rc = vg_fail_validation(rq, "The provided starting key is invalid: %" VG_FMT,
                                VG_ARG(in->start_key->fault));
    if (rc == VG_OK)
        rc = check_select(rq, in);
    if (rc == VG_OK)
        rc = dynamodb_params_read(rq, &in->params, exprs);
    if (rc == VG_OK)
        rc = dynamodb_table_get(rq, in->table_name, &w->t);
    if (rc != VG_OK)
        return rc;
    w->filter = exprs->filter;
    w->projection = exprs->projection;
    w->is_consistent = vg_opt_bool_or(in->is_consistent, false);
    w->is_count = in->select.v == DYNAMODB_SELECT_COUNT;
    if (in->index_name.ptr) {
        w->ix = dynamodb_table_index(w->t, in->index_name);
        if (w->ix == NULL || w->ix->rec->is_deleting)
            return vg_fail_validation(rq, "The table does not have the specified index: %" VG_FMT,
                                      VG_ARG(in->index_name));
    }
    rc = dynamodb_refuse(rq, dynamodb_scalar_mismatch(rq->arena, w->t, exprs));
    return rc == VG_OK && w->ix ? check_index(rq, in, w) : rc;
}

/* Whether the item has the attributes of the key, of their types and not empty. */
static size_t
count_key(const struct dynamodb_key_def *key, struct vg_str item, bool *ret_is_sound)
{
    struct vg_str names[2] = { key->hash, key->range };
    enum dynamodb_type types[2] = { key->hash_type, key->range_type };
    size_t n = key->range.ptr ? 2 : 1;
    for (size_t i = 0; i < n; i++) {
        struct vg_str v = dynamodb_item_get(item, names[i]);
        if (v.ptr == NULL || dynamodb_value_type(v) != types[i] || dynamodb_value_body(v).len == 0)
            *ret_is_sound = false;
    }
    return n;
}

vg_rc
dynamodb_walk_start(struct vg_req *rq, const struct dynamodb_walk *w,
                    const struct dynamodb_item *key, struct dynamodb_place *ret)
{
    bool is_sound = true;
    size_t n = count_key(&w->t->key, key->v, &is_sound);
    if (w->ix) {
        (void)count_key(&w->ix->key, key->v, &is_sound);
        const struct dynamodb_key_def *k = &w->ix->key, *base = &w->t->key;
        struct vg_str names[2] = { k->hash, k->range };
        for (size_t i = 0; i < (k->range.ptr ? 2u : 1u); i++) {
            if (!vg_str_eq(names[i], base->hash)
                && !(base->range.ptr && vg_str_eq(names[i], base->range)))
                n++;
        }
    }
    if (dynamodb_item_count(key->v) != n)
        return vg_fail_validation(rq, "The provided starting key is invalid");
    if (!is_sound)
        return vg_fail_validation(rq, "The provided starting key is invalid: The provided key "
                                      "element does not match the schema");
    *ret = w->ix ? dynamodb_store_entry_place(rq->arena, w->t, w->ix, key->v)
                 : dynamodb_store_place(rq->arena, w->t, key->v);
    return VG_OK;
}

/* --- walking ------------------------------------------------------------------------------------
 */

static vg_rc
fetch_whole(struct vg_req *rq, struct dynamodb_walk *w, struct vg_str *item)
{
    struct dynamodb_place at = dynamodb_store_place(rq->arena, w->t, *item);
    struct vg_str row;
    vg_rc rc = vg_kv_get(rq->sess, at.part, at.key, &row, rq->err);
    if (rc != VG_OK || row.ptr == NULL)
        return rc;
    *item = dynamodb_store_item_of(row);
    w->fetch_units += dynamodb_read_units(dynamodb_item_size(*item), w->is_consistent);
    return VG_OK;
}

/* One row; sets is_full when it is one too many, or the last that fits. */
static vg_rc
take_row(struct vg_req *rq, struct dynamodb_walk *w, struct vg_str row)
{
    struct vg_str item = dynamodb_store_item_of(row);
    size_t bytes = dynamodb_item_size(item);
    if (w->n_scanned > 0 && w->bytes + bytes > DYNAMODB_LIMIT_PAGE_BYTES) {
        w->is_full = true;
        return VG_OK;
    }
    w->n_scanned++;
    w->bytes += bytes;
    w->last = item;
    if (w->n_scanned == w->limit)
        w->is_full = true;
    if (w->is_whole) {
        vg_rc rc = fetch_whole(rq, w, &item);
        if (rc != VG_OK)
            return rc;
    }
    if (w->filter && !dynamodb_condition_holds(rq->arena, w->filter, item))
        return VG_OK;
    w->n_found++;
    if (w->is_count)
        return VG_OK;
    if (w->projection.n > 0)
        item = dynamodb_project(rq->arena, item, &w->projection);
    *VG_VEC_ADD(rq->arena, &w->items) = (struct dynamodb_item) { .v = item };
    return VG_OK;
}

vg_rc
dynamodb_walk_range(struct vg_req *rq, struct dynamodb_walk *w, struct vg_str part,
                    struct vg_range range)
{
    range.is_reverse = w->is_reverse;
    range.max_bytes = DYNAMODB_LIMIT_PAGE_BYTES;
    for (bool has_more = true; has_more && !w->is_full;) {
        uint64_t left = w->limit ? w->limit - w->n_scanned : 1000;
        range.max = (uint32_t)VG_MIN(left, (uint64_t)1000);
        struct vg_page page;
        vg_rc rc = vg_kv_scan(rq->sess, part, &range, &page, rq->err);
        if (rc != VG_OK)
            return rc;
        for (size_t i = 0; i < page.len && !w->is_full; i++) {
            rc = take_row(rq, w, page.rows[i].value);
            if (rc != VG_OK)
                return rc;
        }
        has_more = page.has_more && page.len > 0;
        if (!has_more)
            break;
        struct vg_str last = page.rows[page.len - 1].key;
        if (w->is_reverse)
            range.to = last;
        else
            range.from = vg_str_cat(rq->arena, last, vg_str_n("", 1));
    }
    return VG_OK;
}

struct dynamodb_item *
dynamodb_walk_last_key(struct vg_req *rq, const struct dynamodb_walk *w)
{
    struct dynamodb_attr attrs[4];
    size_t n = 0;
    const struct dynamodb_key_def *keys[2] = { &w->t->key, w->ix ? &w->ix->key : NULL };
    for (size_t i = 0; i < 2 && keys[i]; i++) {
        attrs[n].name = keys[i]->hash;
        attrs[n++].v = dynamodb_item_get(w->last, keys[i]->hash);
        if (keys[i]->range.ptr) {
            attrs[n].name = keys[i]->range;
            attrs[n++].v = dynamodb_item_get(w->last, keys[i]->range);
        }
    }
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, 2 * w->last.len + 64);
    dynamodb_put_attrs(&b, attrs, n);
    return dynamodb_item_out(rq->arena, vg_buf_str(&b));
}

struct dynamodb_consumed_capacity *
dynamodb_walk_consumed(struct vg_req *rq, const struct dynamodb_walk_input *in,
                       const struct dynamodb_walk *w)
{
    if (!in->return_capacity.v)
        return NULL;
    struct dynamodb_units units;
    dynamodb_units_init(rq->arena, w->t, in->table_name, &units);
    double read = dynamodb_read_units(w->bytes, w->is_consistent);
    units.table = w->ix ? w->fetch_units : read;
    if (w->ix)
        units.index[w->ix - w->t->indexes] = read;
    return dynamodb_consumed(rq->arena, &units, in->return_capacity, 0);
}
