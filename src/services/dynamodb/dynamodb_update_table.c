/* SPDX-License-Identifier: Apache-2.0 */

/* UpdateTable: one change at a time, as AWS has it. */

#include "services/dynamodb/dynamodb_schema.h"

#define INVALID "One or more parameter values were invalid: "

static vg_rc
refuse_unbuilt(struct vg_req *rq, const struct dynamodb_update_table_input *in)
{
    const char *what = NULL;
    if (in->stream_specification)
        what = "StreamSpecification";
    else if (in->sse_specification)
        what = "SSESpecification";
    else if (in->replica_updates.set)
        what = "ReplicaUpdates";
    else if (in->multi_region_consistency.v || in->global_table_witness_updates.set
             || in->global_table_settings_replication_mode.v)
        what = "MultiRegionConsistency";
    else if (in->warm_throughput)
        what = "WarmThroughput";
    else if (in->vector_index_updates.set)
        what = "VectorIndexUpdates";
    else if (in->disassociation_protection_enabled.set)
        what = "DisassociationProtectionEnabled";
    if (what)
        return vg_fail_validation(rq, INVALID "%s is not supported yet", what);
    if (!in->billing_mode.v && !in->provisioned_throughput && !in->table_class.v
        && !in->global_secondary_index_updates.set && !in->deletion_protection_enabled.set
        && !in->on_demand_throughput)
        return vg_fail_validation(rq, "At least one of ProvisionedThroughput, BillingMode, "
                                      "UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
                                      "SSESpecification or ReplicaUpdates is required");
    return VG_OK;
}

static vg_rc
update_throughput(struct vg_req *rq, const struct dynamodb_update_table_input *in,
                  struct dynamodb_rec_table *rec)
{
    bool was_on_demand = rec->is_on_demand;
    if (in->billing_mode.v)
        rec->is_on_demand = in->billing_mode.v == DYNAMODB_BILLING_MODE_PAY_PER_REQUEST;
    if (in->on_demand_throughput) {
        if (!rec->is_on_demand)
            return vg_fail_validation(rq, INVALID "OnDemandThroughput can only be specified when "
                                                  "BillingMode is PAY_PER_REQUEST");
        rec->max_read_units = in->on_demand_throughput->max_read_request_units;
        rec->max_write_units = in->on_demand_throughput->max_write_request_units;
    }
    if (rec->is_on_demand && !was_on_demand) {
        rec->on_demand_since_ms = vg_now_ms(rq->env);
        rec->read_units = rec->write_units = 0;
        for (size_t i = 0; i < rec->indexes.len; i++)
            rec->indexes.items[i].read_units = rec->indexes.items[i].write_units = 0;
    }
    if (!in->provisioned_throughput && rec->is_on_demand == was_on_demand)
        return VG_OK;
    int64_t read = 0, write = 0;
    vg_rc rc = dynamodb_schema_throughput(rq, in->provisioned_throughput, rec->is_on_demand,
                                          VG_STR_NONE, &read, &write);
    if (rc != VG_OK || rec->is_on_demand)
        return rc;
    if (!was_on_demand && read == rec->read_units && write == rec->write_units)
        return vg_fail_validation(
            rq,
            "The provisioned throughput for the table will not change. The requested value equals "
            "the current value. Current ReadCapacityUnits provisioned for the table: %lld. "
            "Requested ReadCapacityUnits: %lld. Current WriteCapacityUnits provisioned for the "
            "table: %lld. Requested WriteCapacityUnits: %lld. Refer to the Amazon DynamoDB "
            "Developer Guide for current limits and how to request higher limits.",
            (long long)rec->read_units, (long long)read, (long long)rec->write_units,
            (long long)write);
    int64_t now_ms = vg_now_ms(rq->env);
    if (read > rec->read_units || write > rec->write_units)
        rec->increased_ms = now_ms;
    if (read < rec->read_units || write < rec->write_units) {
        bool is_today = rec->decreased_ms / 86400000 == now_ms / 86400000;
        rec->decreases_today = is_today ? rec->decreases_today + 1 : 1;
        rec->decreased_ms = now_ms;
    }
    rec->read_units = read;
    rec->write_units = write;
    return VG_OK;
}

static struct dynamodb_rec_index *
find_gsi(struct dynamodb_rec_table *rec, struct vg_str name)
{
    for (size_t i = 0; i < rec->indexes.len; i++) {
        if (rec->indexes.items[i].is_global && vg_str_eq(rec->indexes.items[i].name, name))
            return &rec->indexes.items[i];
    }
    return NULL;
}

/* What the indexes' changes leave to be done. */
struct changes {
    struct vg_str created; /* absent: none */
    uint32_t deleted_id;   /* 0: none      */
    size_t n;              /* of both      */
};

static vg_rc
create_gsi(struct vg_req *rq, const struct dynamodb_create_global_secondary_index_action *c,
           struct dynamodb_rec_table *rec, struct changes *ch)
{
    const struct dynamodb_global_secondary_index gsi = {
        .index_name = c->index_name,
        .key_schema = c->key_schema,
        .projection = c->projection,
        .provisioned_throughput = c->provisioned_throughput,
        .on_demand_throughput = c->on_demand_throughput,
        .warm_throughput = c->warm_throughput,
    };
    if (find_gsi(rec, c->index_name))
        return vg_fail_validation(rq, "Attempting to create an index which already exists");
    vg_rc rc = dynamodb_schema_gsi(rq, &gsi, rec);
    if (rc != VG_OK)
        return rc;
    rec->indexes.items[rec->indexes.len - 1].is_backfilling = true;
    ch->created = c->index_name;
    ch->n++;
    return VG_OK;
}

static vg_rc
update_gsi(struct vg_req *rq, const struct dynamodb_global_secondary_index_update *u,
           struct dynamodb_rec_table *rec, struct changes *ch)
{
    if ((u->create != NULL) + (u->update != NULL) + (u->delete != NULL) != 1)
        return vg_fail_validation(rq, INVALID "One of GlobalSecondaryIndexUpdate.Update, "
                                              "GlobalSecondaryIndexUpdate.Create, "
                                              "GlobalSecondaryIndexUpdate.Delete must not be null");
    if (u->create)
        return create_gsi(rq, u->create, rec, ch);
    struct vg_str name = u->update ? u->update->index_name : u->delete->index_name;
    struct dynamodb_rec_index *ix = find_gsi(rec, name);
    if (ix == NULL)
        return dynamodb_fail_resource_not_found_exception(rq, "Requested resource not found");
    if (u->update) {
        if (u->update->on_demand_throughput || u->update->warm_throughput)
            return vg_fail_validation(rq, INVALID "OnDemandThroughput and WarmThroughput of an "
                                                  "index are not supported");
        return dynamodb_schema_throughput(rq, u->update->provisioned_throughput, rec->is_on_demand,
                                          name, &ix->read_units, &ix->write_units);
    }
    ch->deleted_id = ix->id;
    ch->n++;
    size_t i = (size_t)(ix - rec->indexes.items);
    memmove(ix, ix + 1, (rec->indexes.len - i - 1) * sizeof(*ix));
    rec->indexes.len--;
    return VG_OK;
}

/* Definitions that no key uses any more go with the index that used them. */
static void
drop_unused_attrs(struct dynamodb_rec_table *rec)
{
    size_t n = 0;
    for (size_t i = 0; i < rec->attrs.len; i++) {
        struct vg_str name = rec->attrs.items[i].name;
        bool is_used =
            vg_str_eq(name, rec->hash) || (rec->range.ptr && vg_str_eq(name, rec->range));
        for (size_t j = 0; j < rec->indexes.len; j++) {
            const struct dynamodb_rec_index *ix = &rec->indexes.items[j];
            is_used = is_used || vg_str_eq(name, ix->hash)
                      || (ix->range.ptr && vg_str_eq(name, ix->range));
        }
        if (is_used)
            rec->attrs.items[n++] = rec->attrs.items[i];
    }
    rec->attrs.len = n;
}

static vg_rc
plan_update(struct vg_req *rq, const struct dynamodb_update_table_input *in,
            struct dynamodb_rec_table *rec, struct changes *ch)
{
    vg_rc rc = dynamodb_schema_attrs(rq, &in->attribute_definitions, rec);
    if (rc == VG_OK)
        rc = update_throughput(rq, in, rec);
    for (size_t i = 0; rc == VG_OK && i < in->global_secondary_index_updates.len; i++)
        rc = update_gsi(rq, &in->global_secondary_index_updates.items[i], rec, ch);
    if (rc != VG_OK)
        return rc;
    if (ch->n > 1)
        return dynamodb_fail_limit_exceeded_exception(
            rq, "Subscriber limit exceeded: Only 1 online index can be created or deleted "
                "simultaneously per table");
    if (ch->deleted_id)
        drop_unused_attrs(rec);
    rc = dynamodb_schema_all_used(rq, rec);
    if (in->deletion_protection_enabled.set)
        rec->is_protected = in->deletion_protection_enabled.v;
    if (in->table_class.v) {
        rec->has_class = true;
        rec->table_class = in->table_class.text;
    }
    return rc;
}

vg_rc
dynamodb_update_table(struct vg_req *rq, const struct dynamodb_update_table_input *in,
                      struct dynamodb_update_table_output *out)
{
    struct dynamodb_table_name name;
    const struct dynamodb_table *t;
    vg_rc rc = refuse_unbuilt(rq, in);
    if (rc == VG_OK)
        rc = dynamodb_table_named(rq, in->table_name, &name, &t);
    if (rc != VG_OK)
        return rc;
    struct vg_str part = dynamodb_store_tables_part(rq->arena, name.account, name.region);
    vg_auto_tx struct vg_tx *tx = NULL;
    struct dynamodb_rec_table rec;
    rc = vg_tx_open(rq, part, &tx);
    if (rc == VG_OK)
        rc = dynamodb_table_now(rq, &name, &rec);
    struct changes ch = { .n = 0 };
    if (rc == VG_OK)
        rc = plan_update(rq, in, &rec, &ch);
    if (rc == VG_OK && ch.created.ptr)
        rc = dynamodb_plan_backfill(rq, tx, part, &rec, ch.created);
    if (rc == VG_OK && ch.deleted_id)
        rc = dynamodb_plan_drop(rq, tx, part, &rec, &ch.deleted_id, 1);
    if (rc != VG_OK)
        return rc;
    dynamodb_store_put_table(tx, rq->arena, part, &rec);
    rc = vg_tx_commit(&tx, rq->err);
    if (rc != VG_OK)
        return rc;
    dynamodb_table_changed(rq, &name);
    rc = dynamodb_table_find(rq, &name, NULL, &t);
    if (rc != VG_OK)
        return rc;
    return dynamodb_describe(rq, t, DYNAMODB_TABLE_STATUS_UPDATING, &out->table_description);
}
