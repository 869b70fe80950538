/* SPDX-License-Identifier: Apache-2.0 */

/* TableDescription of a table: what five operations answer with. */

#include "services/dynamodb/dynamodb_int.h"

static struct dynamodb_key_schema
describe_key(struct vg_arena *arena, const struct dynamodb_key_def *key)
{
    struct dynamodb_key_schema schema = { .len = key->range.ptr ? 2 : 1 };
    schema.items = VG_NEW_ARRAY(arena, struct dynamodb_key_schema_element, 2);
    schema.items[0].attribute_name = key->hash;
    schema.items[0].key_type = VG_ENUM(DYNAMODB_KEY_TYPE_HASH);
    schema.items[1].attribute_name = key->range;
    schema.items[1].key_type = VG_ENUM(DYNAMODB_KEY_TYPE_RANGE);
    return schema;
}

static struct dynamodb_projection *
describe_projection(struct vg_arena *arena, const struct dynamodb_index *ix)
{
    struct dynamodb_projection *p = VG_NEW(arena, struct dynamodb_projection);
    p->projection_type.text = ix->rec->projection;
    p->non_key_attributes.items = ix->rec->non_key.items;
    p->non_key_attributes.len = ix->rec->non_key.len;
    return p;
}

static struct dynamodb_provisioned_throughput_description *
describe_throughput(struct vg_arena *arena, int64_t read, int64_t write)
{
    struct dynamodb_provisioned_throughput_description *d =
        VG_NEW(arena, struct dynamodb_provisioned_throughput_description);
    d->number_of_decreases_today = (struct vg_opt_i64) { true, 0 };
    d->read_capacity_units = (struct vg_opt_i64) { true, read };
    d->write_capacity_units = (struct vg_opt_i64) { true, write };
    return d;
}

static struct vg_str
index_arn(struct vg_arena *arena, const struct dynamodb_table *t, const struct dynamodb_index *ix)
{
    return vg_str_fmt(arena, "%" VG_FMT "/index/%" VG_FMT, VG_ARG(t->arn), VG_ARG(ix->rec->name));
}

static vg_rc
describe_lsi(struct vg_req *rq, const struct dynamodb_table *t, const struct dynamodb_index *ix,
             struct dynamodb_local_secondary_index_description *d)
{
    d->index_name = ix->rec->name;
    d->key_schema = describe_key(rq->arena, &ix->key);
    d->projection = describe_projection(rq->arena, ix);
    d->index_arn = index_arn(rq->arena, t, ix);
    d->item_count.set = d->index_size_bytes.set = true;
    return dynamodb_store_counted(rq, t, ix, &d->item_count.v, &d->index_size_bytes.v);
}

static vg_rc
describe_gsi(struct vg_req *rq, const struct dynamodb_table *t, const struct dynamodb_index *ix,
             enum dynamodb_table_status status,
             struct dynamodb_global_secondary_index_description *d)
{
    d->index_name = ix->rec->name;
    d->key_schema = describe_key(rq->arena, &ix->key);
    d->projection = describe_projection(rq->arena, ix);
    d->index_arn = index_arn(rq->arena, t, ix);
    d->index_status = VG_ENUM(status == DYNAMODB_TABLE_STATUS_CREATING || ix->rec->is_backfilling
                                  ? DYNAMODB_INDEX_STATUS_CREATING
                              : ix->rec->is_deleting ? DYNAMODB_INDEX_STATUS_DELETING
                                                     : DYNAMODB_INDEX_STATUS_ACTIVE);
    if (ix->rec->is_backfilling)
        d->backfilling = (struct vg_opt_bool) { true, true };
    d->provisioned_throughput =
        describe_throughput(rq->arena, ix->rec->read_units, ix->rec->write_units);
    d->item_count.set = d->index_size_bytes.set = true;
    return dynamodb_store_counted(rq, t, ix, &d->item_count.v, &d->index_size_bytes.v);
}

static vg_rc
describe_indexes(struct vg_req *rq, const struct dynamodb_table *t,
                 enum dynamodb_table_status status, struct dynamodb_table_description *d)
{
    d->local_secondary_indexes.items = VG_NEW_ARRAY(
        rq->arena, struct dynamodb_local_secondary_index_description, t->n_indexes + 1);
    d->global_secondary_indexes.items = VG_NEW_ARRAY(
        rq->arena, struct dynamodb_global_secondary_index_description, t->n_indexes + 1);
    for (size_t i = 0; i < t->n_indexes; i++) {
        const struct dynamodb_index *ix = &t->indexes[i];
        vg_rc rc =
            ix->rec->is_global
                ? describe_gsi(
                    rq, t, ix, status,
                    &d->global_secondary_indexes.items[d->global_secondary_indexes.len++])
                : describe_lsi(rq, t, ix,
                               &d->local_secondary_indexes.items[d->local_secondary_indexes.len++]);
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

static void
describe_billing(struct vg_req *rq, const struct dynamodb_rec_table *rec,
                 struct dynamodb_table_description *d)
{
    d->provisioned_throughput = describe_throughput(rq->arena, rec->read_units, rec->write_units);
    d->provisioned_throughput->number_of_decreases_today.v = rec->decreases_today;
    if (rec->increased_ms)
        d->provisioned_throughput->last_increase_date_time_ms =
            (struct vg_opt_i64) { true, rec->increased_ms };
    if (rec->decreased_ms)
        d->provisioned_throughput->last_decrease_date_time_ms =
            (struct vg_opt_i64) { true, rec->decreased_ms };
    if (rec->is_on_demand || rec->on_demand_since_ms) {
        d->billing_mode_summary = VG_NEW(rq->arena, struct dynamodb_billing_mode_summary);
        d->billing_mode_summary->billing_mode =
            VG_ENUM(rec->is_on_demand ? DYNAMODB_BILLING_MODE_PAY_PER_REQUEST
                                      : DYNAMODB_BILLING_MODE_PROVISIONED);
        d->billing_mode_summary->last_update_to_pay_per_request_date_time_ms =
            (struct vg_opt_i64) { true, rec->on_demand_since_ms };
    }
    if (rec->max_read_units.set || rec->max_write_units.set) {
        d->on_demand_throughput = VG_NEW(rq->arena, struct dynamodb_on_demand_throughput);
        d->on_demand_throughput->max_read_request_units = rec->max_read_units;
        d->on_demand_throughput->max_write_request_units = rec->max_write_units;
    }
    if (rec->has_class) {
        d->table_class_summary = VG_NEW(rq->arena, struct dynamodb_table_class_summary);
        d->table_class_summary->table_class.text = rec->table_class;
    }
}

vg_rc
dynamodb_describe(struct vg_req *rq, const struct dynamodb_table *t,
                  enum dynamodb_table_status status, struct dynamodb_table_description **ret)
{
    struct dynamodb_table_description *d = VG_NEW(rq->arena, struct dynamodb_table_description);
    d->attribute_definitions.items =
        VG_NEW_ARRAY(rq->arena, struct dynamodb_attribute_definition, t->rec.attrs.len);
    d->attribute_definitions.len = t->rec.attrs.len;
    for (size_t i = 0; i < t->rec.attrs.len; i++) {
        d->attribute_definitions.items[i].attribute_name = t->rec.attrs.items[i].name;
        d->attribute_definitions.items[i].attribute_type.text = t->rec.attrs.items[i].type;
    }
    d->table_name = t->rec.name;
    d->key_schema = describe_key(rq->arena, &t->key);
    for (size_t i = 0; i < t->n_indexes && status == DYNAMODB_TABLE_STATUS_ACTIVE; i++) {
        if (t->rec.indexes.items[i].is_backfilling)
            status = DYNAMODB_TABLE_STATUS_UPDATING;
    }
    d->table_status = VG_ENUM(status);
    d->creation_date_time_ms = (struct vg_opt_i64) { true, t->rec.created_ms };
    d->table_arn = t->arn;
    d->table_id = t->rec.id;
    d->deletion_protection_enabled = (struct vg_opt_bool) { true, t->rec.is_protected };
    describe_billing(rq, &t->rec, d);
    d->item_count.set = d->table_size_bytes.set = true;
    vg_rc rc = dynamodb_store_counted(rq, t, NULL, &d->item_count.v, &d->table_size_bytes.v);
    if (rc == VG_OK)
        rc = describe_indexes(rq, t, status, d);
    if (rc == VG_OK)
        *ret = d;
    return rc;
}
