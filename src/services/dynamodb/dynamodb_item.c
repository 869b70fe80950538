/* SPDX-License-Identifier: Apache-2.0 */

/* GetItem, PutItem, UpdateItem, DeleteItem. */

#include "services/dynamodb/dynamodb_item.h"

static vg_rc
fail_text(struct vg_req *rq, struct vg_str text)
{
    return text.ptr ? vg_fail_validation(rq, "%" VG_FMT, VG_ARG(text)) : VG_OK;
}

/* A Key parameter, against the table. */
static vg_rc
check_key(struct vg_req *rq, const struct dynamodb_table *t, struct vg_str key)
{
    vg_rc rc = fail_text(rq, dynamodb_key_mismatch(t, key));
    return rc == VG_OK ? fail_text(rq, dynamodb_key_fault(rq->arena, t, key)) : rc;
}

static vg_rc
parse(struct vg_req *rq, const struct dynamodb_params *params, struct dynamodb_parsed *ret)
{
    return dynamodb_params_parse(rq->arena, params, ret) ? VG_OK : fail_text(rq, ret->x.error);
}

vg_rc
dynamodb_get_item(struct vg_req *rq, const struct dynamodb_get_item_input *in,
                  struct dynamodb_get_item_output *out)
{
    const struct dynamodb_params params = DYNAMODB_PARAMS_OF_READ(in);
    struct dynamodb_parsed exprs;
    const struct dynamodb_table *t;
    vg_rc rc = dynamodb_params_check(rq, &params);
    if (rc == VG_OK)
        rc = fail_text(rq, dynamodb_item_fault(in->key));
    if (rc == VG_OK)
        rc = parse(rq, &params, &exprs);
    if (rc == VG_OK)
        rc = dynamodb_table_get(rq, in->table_name, &t);
    if (rc == VG_OK)
        rc = check_key(rq, t, in->key->v);
    if (rc == VG_OK && exprs.projection.n > 0)
        rc = fail_text(rq, dynamodb_scalar_mismatch(rq->arena, t, &exprs));
    if (rc != VG_OK)
        return rc;
    struct dynamodb_place at = dynamodb_store_place(rq->arena, t, in->key->v);
    struct vg_str row;
    rc = vg_kv_get(rq->sess, at.part, at.key, &row, rq->err);
    if (rc != VG_OK)
        return rc;
    struct vg_str item = dynamodb_store_item_of(row);
    if (in->return_consumed_capacity.v) {
        struct dynamodb_units units;
        dynamodb_units_init(rq->arena, t, in->table_name, &units);
        units.table = dynamodb_read_units(item.ptr ? dynamodb_item_size(item) : 0,
                                          vg_opt_bool_or(in->consistent_read, false));
        out->consumed_capacity =
            dynamodb_consumed(rq->arena, &units, in->return_consumed_capacity, 0);
    }
    if (item.ptr && exprs.projection.n > 0)
        item = dynamodb_project(rq->arena, item, &exprs.projection);
    if (item.ptr)
        out->item = dynamodb_item_out(rq->arena, item);
    return VG_OK;
}

/* What Put, Update and Delete share once their input is checked. */
struct single {
    struct vg_str table_name;
    struct vg_enum return_capacity, return_metrics, return_on_failure;
    struct dynamodb_consumed_capacity **ret_capacity;
    struct dynamodb_item_collection_metrics **ret_metrics;
};

/* Checks of the input against the table; what the store may hold of it comes later. */
static vg_rc
check_write(struct vg_req *rq, const struct dynamodb_write *w)
{
    if (w->kind != DYNAMODB_WRITE_PUT) {
        vg_rc rc = check_key(rq, w->t, w->item);
        if (rc == VG_OK && w->kind == DYNAMODB_WRITE_UPDATE)
            rc = fail_text(rq, dynamodb_update_of_key(rq->arena, w->t, &w->exprs->update));
        if (rc == VG_OK)
            rc = fail_text(rq, dynamodb_scalar_mismatch(rq->arena, w->t, w->exprs));
        return rc;
    }
    vg_rc rc = fail_text(rq, dynamodb_put_mismatch(rq->arena, w->t, w->item));
    if (rc == VG_OK)
        rc = fail_text(rq, dynamodb_key_fault(rq->arena, w->t, w->item));
    if (rc == VG_OK)
        rc = fail_text(rq, dynamodb_index_mismatch(rq->arena, w->t, w->item, false));
    if (rc == VG_OK)
        rc = fail_text(rq, dynamodb_scalar_mismatch(rq->arena, w->t, w->exprs));
    return rc;
}

static vg_rc
run_single(struct vg_req *rq, const struct single *s, struct dynamodb_write *w)
{
    struct dynamodb_units units;
    bool is_stale;
    do {
        vg_rc rc = dynamodb_table_get(rq, s->table_name, &w->t);
        if (rc == VG_OK)
            rc = check_write(rq, w);
        if (rc != VG_OK)
            return rc;
        dynamodb_units_init(rq->arena, w->t, s->table_name, &units);
        w->units = &units;
        rc = dynamodb_write_all(rq, w, 1, NULL, &is_stale);
        if (rc != VG_OK)
            return rc;
    } while (is_stale);
    if (w->outcome != DYNAMODB_DONE)
        return dynamodb_write_fail(rq, w, s->return_on_failure);
    *s->ret_capacity = dynamodb_consumed(rq->arena, &units, s->return_capacity, 0);
    return dynamodb_collection_metrics(rq, w, s->return_metrics, s->ret_metrics);
}

/* Put and Delete return the old item or nothing. */
static vg_rc
check_returns_old(struct vg_req *rq, struct vg_enum return_values)
{
    if (return_values.v > DYNAMODB_RETURN_VALUE_ALL_OLD)
        return vg_fail_validation(rq, "ReturnValues can only be ALL_OLD or NONE");
    return VG_OK;
}

vg_rc
dynamodb_put_item(struct vg_req *rq, const struct dynamodb_put_item_input *in,
                  struct dynamodb_put_item_output *out)
{
    const struct dynamodb_params params = DYNAMODB_PARAMS_OF_WRITE(in);
    struct dynamodb_parsed exprs;
    vg_rc rc = dynamodb_params_check(rq, &params);
    if (rc == VG_OK)
        rc = fail_text(rq, dynamodb_item_fault(in->item));
    if (rc == VG_OK)
        rc = check_returns_old(rq, in->return_values);
    if (rc == VG_OK && dynamodb_item_size(in->item->v) > DYNAMODB_ITEM_MAX_BYTES)
        rc = vg_fail_validation(rq, "Item size has exceeded the maximum allowed size");
    if (rc == VG_OK)
        rc = parse(rq, &params, &exprs);
    if (rc != VG_OK)
        return rc;
    const struct single s = { in->table_name,
                              in->return_consumed_capacity,
                              in->return_item_collection_metrics,
                              in->return_values_on_condition_check_failure,
                              &out->consumed_capacity,
                              &out->item_collection_metrics };
    struct dynamodb_write w = { .kind = DYNAMODB_WRITE_PUT, .item = in->item->v, .exprs = &exprs };
    rc = run_single(rq, &s, &w);
    if (rc == VG_OK && in->return_values.v == DYNAMODB_RETURN_VALUE_ALL_OLD && w.old.ptr)
        out->attributes = dynamodb_item_out(rq->arena, w.old);
    return rc;
}

vg_rc
dynamodb_delete_item(struct vg_req *rq, const struct dynamodb_delete_item_input *in,
                     struct dynamodb_delete_item_output *out)
{
    const struct dynamodb_params params = DYNAMODB_PARAMS_OF_WRITE(in);
    struct dynamodb_parsed exprs;
    vg_rc rc = dynamodb_params_check(rq, &params);
    if (rc == VG_OK)
        rc = fail_text(rq, dynamodb_item_fault(in->key));
    if (rc == VG_OK)
        rc = check_returns_old(rq, in->return_values);
    if (rc == VG_OK)
        rc = parse(rq, &params, &exprs);
    if (rc != VG_OK)
        return rc;
    const struct single s = { in->table_name,
                              in->return_consumed_capacity,
                              in->return_item_collection_metrics,
                              in->return_values_on_condition_check_failure,
                              &out->consumed_capacity,
                              &out->item_collection_metrics };
    struct dynamodb_write w = { .kind = DYNAMODB_WRITE_DELETE,
                                .item = in->key->v,
                                .exprs = &exprs };
    rc = run_single(rq, &s, &w);
    if (rc == VG_OK && in->return_values.v == DYNAMODB_RETURN_VALUE_ALL_OLD && w.old.ptr)
        out->attributes = dynamodb_item_out(rq->arena, w.old);
    return rc;
}

/* The attributes that UpdateItem answers with; NULL: none. */
static struct dynamodb_item *
updated_attributes(struct vg_req *rq, const struct dynamodb_write *w, struct vg_enum return_values)
{
    bool is_old = return_values.v == DYNAMODB_RETURN_VALUE_ALL_OLD
                  || return_values.v == DYNAMODB_RETURN_VALUE_UPDATED_OLD;
    struct vg_str item = is_old ? w->old : w->after;
    if (return_values.v <= DYNAMODB_RETURN_VALUE_NONE || item.ptr == NULL)
        return NULL;
    if (return_values.v == DYNAMODB_RETURN_VALUE_UPDATED_OLD
        || return_values.v == DYNAMODB_RETURN_VALUE_UPDATED_NEW) {
        const struct dynamodb_update_plan *u = &w->exprs->update;
        struct dynamodb_path *paths = VG_NEW_ARRAY(rq->arena, struct dynamodb_path, u->n + 1);
        for (size_t i = 0; i < u->n; i++)
            paths[i] = u->actions[i].path;
        const struct dynamodb_projection_paths updated = { paths, u->n };
        item = dynamodb_project(rq->arena, item, &updated);
        if (item.len == 0)
            return NULL;
    }
    return dynamodb_item_out(rq->arena, item);
}

vg_rc
dynamodb_update_item(struct vg_req *rq, const struct dynamodb_update_item_input *in,
                     struct dynamodb_update_item_output *out)
{
    const struct dynamodb_params params = dynamodb_params_of_update(in);
    struct dynamodb_parsed exprs;
    vg_rc rc = dynamodb_params_check(rq, &params);
    if (rc == VG_OK)
        rc = fail_text(rq, dynamodb_item_fault(in->key));
    if (rc == VG_OK)
        rc = parse(rq, &params, &exprs);
    if (rc != VG_OK)
        return rc;
    const struct single s = { in->table_name,
                              in->return_consumed_capacity,
                              in->return_item_collection_metrics,
                              in->return_values_on_condition_check_failure,
                              &out->consumed_capacity,
                              &out->item_collection_metrics };
    struct dynamodb_write w = { .kind = DYNAMODB_WRITE_UPDATE,
                                .item = in->key->v,
                                .exprs = &exprs };
    rc = run_single(rq, &s, &w);
    if (rc == VG_OK)
        out->attributes = updated_attributes(rq, &w, in->return_values);
    return rc;
}
