/* SPDX-License-Identifier: Apache-2.0 */

/* GetItem, PutItem, UpdateItem, DeleteItem. */

#include "services/dynamodb/dynamodb_item.h"

/* A Key parameter, against the table. */
static vg_rc
check_key(struct vg_req *rq, const struct dynamodb_table *t, struct vg_str key)
{
    vg_rc rc = dynamodb_refuse(rq, dynamodb_key_mismatch(t, key));
    return rc == VG_OK ? dynamodb_refuse(rq, dynamodb_key_fault(rq->arena, t, key)) : rc;
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
        rc = dynamodb_refuse(rq, dynamodb_item_fault(in->key));
    if (rc == VG_OK)
        rc = dynamodb_params_read(rq, &params, &exprs);
    if (rc == VG_OK)
        rc = dynamodb_table_get(rq, in->table_name, &t);
    if (rc == VG_OK)
        rc = check_key(rq, t, in->key->v);
    if (rc == VG_OK && exprs.projection.n > 0)
        rc = dynamodb_refuse(rq, dynamodb_scalar_mismatch(rq->arena, t, &exprs));
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

/* What Put, Update and Delete ask and answer; their members have the same names. */
struct single {
    enum dynamodb_write_kind kind;
    struct vg_str table_name;
    const struct dynamodb_item *item; /* or key */
    struct vg_enum return_values, return_capacity, return_metrics, return_on_failure;
    struct dynamodb_item **ret_attributes;
    struct dynamodb_consumed_capacity **ret_capacity;
    struct dynamodb_item_collection_metrics **ret_metrics;
};

#define SINGLE_OF(in, out, kind_, item_)                                                           \
    ((struct single) {                                                                             \
        .kind = (kind_),                                                                           \
        .table_name = (in)->table_name,                                                            \
        .item = (in)->item_,                                                                       \
        .return_values = (in)->return_values,                                                      \
        .return_capacity = (in)->return_consumed_capacity,                                         \
        .return_metrics = (in)->return_item_collection_metrics,                                    \
        .return_on_failure = (in)->return_values_on_condition_check_failure,                       \
        .ret_attributes = &(out)->attributes,                                                      \
        .ret_capacity = &(out)->consumed_capacity,                                                 \
        .ret_metrics = &(out)->item_collection_metrics,                                            \
    })

/* Checks of the input alone. */
static vg_rc
read_single(struct vg_req *rq, const struct single *s, const struct dynamodb_params *params,
            struct dynamodb_parsed *ret)
{
    vg_rc rc = dynamodb_params_check(rq, params);
    if (rc == VG_OK)
        rc = dynamodb_refuse(rq, dynamodb_item_fault(s->item));
    if (rc != VG_OK)
        return rc;
    if (s->kind != DYNAMODB_WRITE_UPDATE && s->return_values.v > DYNAMODB_RETURN_VALUE_ALL_OLD)
        return vg_fail_validation(rq, "ReturnValues can only be ALL_OLD or NONE");
    if (s->kind == DYNAMODB_WRITE_PUT && dynamodb_item_size(s->item->v) > DYNAMODB_ITEM_MAX_BYTES)
        return vg_fail_validation(rq, "Item size has exceeded the maximum allowed size");
    return dynamodb_params_read(rq, params, ret);
}

/* Checks of the input against the table; what the store may hold of it comes later. */
static vg_rc
check_write(struct vg_req *rq, const struct dynamodb_write *w)
{
    if (w->kind != DYNAMODB_WRITE_PUT) {
        vg_rc rc = check_key(rq, w->t, w->item);
        if (rc == VG_OK && w->kind == DYNAMODB_WRITE_UPDATE)
            rc = dynamodb_refuse(rq, dynamodb_update_of_key(rq->arena, w->t, &w->exprs->update));
        if (rc == VG_OK)
            rc = dynamodb_refuse(rq, dynamodb_scalar_mismatch(rq->arena, w->t, w->exprs));
        return rc;
    }
    vg_rc rc = dynamodb_refuse(rq, dynamodb_put_mismatch(rq->arena, w->t, w->item));
    if (rc == VG_OK)
        rc = dynamodb_refuse(rq, dynamodb_key_fault(rq->arena, w->t, w->item));
    if (rc == VG_OK)
        rc = dynamodb_refuse(rq, dynamodb_index_mismatch(rq->arena, w->t, w->item, false));
    if (rc == VG_OK)
        rc = dynamodb_refuse(rq, dynamodb_scalar_mismatch(rq->arena, w->t, w->exprs));
    return rc;
}

/* The attributes to answer with; NULL: none. */
static struct dynamodb_item *
attributes_of(struct vg_req *rq, const struct dynamodb_write *w, struct vg_enum return_values)
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

static vg_rc
run_single(struct vg_req *rq, const struct single *s, const struct dynamodb_params *params)
{
    struct dynamodb_parsed exprs;
    struct dynamodb_units units;
    bool is_stale;
    vg_rc rc = read_single(rq, s, params, &exprs);
    if (rc != VG_OK)
        return rc;
    struct dynamodb_write w = {
        .kind = s->kind, .item = s->item->v, .exprs = &exprs, .units = &units
    };
    do {
        rc = dynamodb_table_get(rq, s->table_name, &w.t);
        if (rc == VG_OK)
            rc = check_write(rq, &w);
        if (rc != VG_OK)
            return rc;
        dynamodb_units_init(rq->arena, w.t, s->table_name, &units);
        rc = dynamodb_write_all(rq, &w, 1, NULL, &is_stale);
        if (rc != VG_OK)
            return rc;
    } while (is_stale);
    if (w.outcome != DYNAMODB_DONE)
        return dynamodb_write_fail(rq, &w, s->return_on_failure);
    *s->ret_attributes = attributes_of(rq, &w, s->return_values);
    *s->ret_capacity = dynamodb_consumed(rq->arena, &units, s->return_capacity, 0);
    return dynamodb_collection_metrics(rq, &w, s->return_metrics, s->ret_metrics);
}

vg_rc
dynamodb_put_item(struct vg_req *rq, const struct dynamodb_put_item_input *in,
                  struct dynamodb_put_item_output *out)
{
    const struct dynamodb_params params = DYNAMODB_PARAMS_OF_WRITE(in);
    return run_single(rq, &SINGLE_OF(in, out, DYNAMODB_WRITE_PUT, item), &params);
}

vg_rc
dynamodb_delete_item(struct vg_req *rq, const struct dynamodb_delete_item_input *in,
                     struct dynamodb_delete_item_output *out)
{
    const struct dynamodb_params params = DYNAMODB_PARAMS_OF_WRITE(in);
    return run_single(rq, &SINGLE_OF(in, out, DYNAMODB_WRITE_DELETE, key), &params);
}

vg_rc
dynamodb_update_item(struct vg_req *rq, const struct dynamodb_update_item_input *in,
                     struct dynamodb_update_item_output *out)
{
    const struct dynamodb_params params = dynamodb_params_of_update(in);
    return run_single(rq, &SINGLE_OF(in, out, DYNAMODB_WRITE_UPDATE, key), &params);
}
