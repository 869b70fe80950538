/* SPDX-License-Identifier: Apache-2.0 */

/* CreateTable, DescribeTable, ListTables, DeleteTable. */

#include "crypto/random.h"
#include "services/dynamodb/dynamodb_schema.h"

#define INVALID "One or more parameter values were invalid: "

/* What AWS offers and this build does not: refused, never taken silently. */
static vg_rc
refuse_unbuilt(struct vg_req *rq, const struct dynamodb_create_table_input *in)
{
    const char *what = NULL;
    if (in->stream_specification && in->stream_specification->stream_enabled.v)
        what = "StreamSpecification";
    else if (in->sse_specification
             && (in->sse_specification->enabled.v || in->sse_specification->kms_master_key_id.ptr))
        what = "SSESpecification with a key of KMS";
    else if (in->warm_throughput)
        what = "WarmThroughput";
    else if (in->resource_policy.ptr)
        what = "ResourcePolicy";
    else if (in->global_table_source_arn.ptr || in->global_table_settings_replication_mode.v)
        what = "GlobalTableSourceArn";
    else if (in->vector_indexes.len > 0)
        what = "VectorIndexes";
    return what ? vg_fail_validation(rq, INVALID "%s is not supported yet", what) : VG_OK;
}

/* The record that CreateTable asks for. */
static vg_rc
plan_table(struct vg_req *rq, const struct dynamodb_create_table_input *in,
           struct dynamodb_rec_table *rec)
{
    rec->is_on_demand = in->billing_mode.v == DYNAMODB_BILLING_MODE_PAY_PER_REQUEST;
    vg_rc rc = dynamodb_schema_throughput(rq, in->provisioned_throughput, rec->is_on_demand,
                                          VG_STR_NONE, &rec->read_units, &rec->write_units);
    if (rc == VG_OK)
        rc = dynamodb_schema_attrs(rq, &in->attribute_definitions, rec);
    if (rc == VG_OK)
        rc = dynamodb_schema_key(rq, &in->key_schema, rec);
    if (rc == VG_OK)
        rc = dynamodb_schema_lsis(rq, &in->local_secondary_indexes, rec);
    if (rc == VG_OK && in->global_secondary_indexes.set && in->global_secondary_indexes.len == 0)
        rc = vg_fail_validation(rq, INVALID "List of GlobalSecondaryIndexes is empty");
    for (size_t i = 0; rc == VG_OK && i < in->global_secondary_indexes.len; i++)
        rc = dynamodb_schema_gsi(rq, &in->global_secondary_indexes.items[i], rec);
    if (rc == VG_OK)
        rc = dynamodb_schema_all_used(rq, rec);
    if (rc == VG_OK)
        rc = dynamodb_schema_tags(rq, &in->tags, rec);
    if (rc != VG_OK)
        return rc;
    if (in->on_demand_throughput && !rec->is_on_demand)
        return vg_fail_validation(rq, INVALID "OnDemandThroughput can only be specified when "
                                              "BillingMode is PAY_PER_REQUEST");
    if (in->on_demand_throughput) {
        rec->max_read_units = in->on_demand_throughput->max_read_request_units;
        rec->max_write_units = in->on_demand_throughput->max_write_request_units;
    }
    rec->created_ms = vg_now_ms(rq->env);
    rec->on_demand_since_ms = rec->is_on_demand ? rec->created_ms : 0;
    rec->is_protected = vg_opt_bool_or(in->deletion_protection_enabled, false);
    rec->has_class = in->table_class.v != 0;
    rec->table_class = in->table_class.text;
    rec->id = vg_random_uuid(rq->env->random, rq->arena);
    return VG_OK;
}

vg_rc
dynamodb_create_table(struct vg_req *rq, const struct dynamodb_create_table_input *in,
                      struct dynamodb_create_table_output *out)
{
    struct dynamodb_table_name name;
    struct dynamodb_rec_table rec = { 0 };
    vg_rc rc = dynamodb_table_name(rq, in->table_name, &name);
    if (rc == VG_OK)
        rc = refuse_unbuilt(rq, in);
    if (rc == VG_OK)
        rc = plan_table(rq, in, &rec);
    if (rc != VG_OK)
        return rc;
    rec.name = name.name;

    struct vg_str part = dynamodb_store_tables_part(rq->arena, name.account, name.region);
    vg_auto_tx struct vg_tx *tx = NULL;
    rc = vg_tx_open(rq, part, &tx);
    if (rc != VG_OK)
        return rc;
    struct vg_str had;
    rc = dynamodb_store_read_table(rq, &name, &had, rq->err);
    if (rc != VG_OK)
        return rc;
    if (had.ptr)
        return dynamodb_fail_resource_in_use_exception(rq, "Table already exists: %" VG_FMT,
                                                       VG_ARG(name.name));
    dynamodb_store_put_table(tx, rq->arena, part, &rec);
    rc = vg_tx_commit(&tx, rq->err);
    if (rc != VG_OK)
        return rc;
    dynamodb_table_changed(rq, &name);

    const struct dynamodb_table *t;
    rc = dynamodb_table_find(rq, &name, NULL, &t);
    if (rc != VG_OK)
        return rc;
    return dynamodb_describe(rq, t, DYNAMODB_TABLE_STATUS_CREATING, &out->table_description);
}

vg_rc
dynamodb_describe_table(struct vg_req *rq, const struct dynamodb_describe_table_input *in,
                        struct dynamodb_describe_table_output *out)
{
    struct dynamodb_table_name name;
    const struct dynamodb_table *t;
    vg_rc rc = dynamodb_table_named(rq, in->table_name, &name, &t);
    if (rc != VG_OK)
        return rc;
    return dynamodb_describe(rq, t, DYNAMODB_TABLE_STATUS_ACTIVE, &out->table);
}

vg_rc
dynamodb_list_tables(struct vg_req *rq, const struct dynamodb_list_tables_input *in,
                     struct dynamodb_list_tables_output *out)
{
    struct vg_str part = dynamodb_store_tables_part(rq->arena, rq->scope->owner, rq->scope->region);
    struct vg_page page;
    struct vg_str *names;
    vg_rc rc = dynamodb_store_list_tables(rq, part, in->exclusive_start_table_name,
                                          (uint32_t)vg_opt_or(in->limit, 100), &page, &names);
    if (rc != VG_OK)
        return rc;
    out->table_names.items = names;
    out->table_names.len = page.len;
    out->table_names.set = true;
    if (page.has_more)
        out->last_evaluated_table_name = names[page.len - 1];
    return VG_OK;
}

vg_rc
dynamodb_delete_table(struct vg_req *rq, const struct dynamodb_delete_table_input *in,
                      struct dynamodb_delete_table_output *out)
{
    struct dynamodb_table_name name;
    const struct dynamodb_table *t;
    vg_rc rc = dynamodb_table_named(rq, in->table_name, &name, &t);
    if (rc != VG_OK)
        return rc;
    struct vg_str part = dynamodb_store_tables_part(rq->arena, name.account, name.region);
    vg_auto_tx struct vg_tx *tx = NULL;
    rc = vg_tx_open(rq, part, &tx);
    if (rc == VG_OK)
        rc = dynamodb_table_named(rq, in->table_name, &name,
                                  &t); /* as it is now that we have the turn */
    if (rc != VG_OK)
        return rc;
    if (t->rec.is_protected)
        return vg_fail_validation(rq, "Resource cannot be deleted as it is currently protected "
                                      "against deletion. Disable deletion protection first.");
    rc = dynamodb_describe(rq, t, DYNAMODB_TABLE_STATUS_DELETING, &out->table_description);
    if (rc != VG_OK)
        return rc;
    dynamodb_store_del_table(tx, rq->arena, part, name.name);
    uint32_t *ids =
        VG_NEW_ARRAY(rq->arena, uint32_t, t->n_indexes + 1); /* the first is the table */
    for (size_t i = 0; i < t->n_indexes; i++)
        ids[i + 1] = t->indexes[i].rec->id;
    rc = dynamodb_plan_drop(rq, tx, part, &t->rec, ids, t->n_indexes + 1);
    if (rc == VG_OK)
        rc = vg_tx_commit(&tx, rq->err);
    if (rc == VG_OK)
        dynamodb_table_changed(rq, &name);
    return rc;
}
