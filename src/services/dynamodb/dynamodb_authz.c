/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What must be allowed where one action on one resource cannot say it: indexes, batches and
 * transactions over several tables.  AWS, "Actions, resources, and condition keys for Amazon
 * DynamoDB": a transaction needs the permission of each of its actions.
 */

#include "core/authz.h"
#include "services/dynamodb/dynamodb_item.h"

static struct vg_str
table_arn(struct vg_req *rq, struct vg_str name, struct vg_str index)
{
    struct vg_str arn = name;
    if (!vg_str_starts(name, VG_STR("arn:")))
        arn =
            vg_str_fmt(rq->arena, "arn:%" VG_FMT ":dynamodb:%" VG_FMT ":%" VG_FMT ":table/%" VG_FMT,
                       VG_ARG(rq->scope->partition), VG_ARG(rq->scope->region),
                       VG_ARG(rq->scope->owner), VG_ARG(name));
    if (index.ptr)
        arn = vg_str_fmt(rq->arena, "%" VG_FMT "/index/%" VG_FMT, VG_ARG(arn), VG_ARG(index));
    return arn;
}

static void
need(struct vg_req *rq, struct vg_authz *az, struct vg_str action, struct vg_str table,
     struct vg_str index)
{
    struct vg_str arn = table_arn(rq, table, index);
    for (size_t i = 0; i < az->items.len; i++) {
        if (vg_str_eq(az->items.items[i].action, action)
            && vg_str_eq(az->items.items[i].resource, arn))
            return;
    }
    vg_authz_add(az, action, arn, NULL, 0);
}

vg_rc
dynamodb_authz_query(struct vg_req *rq, const struct dynamodb_query_input *in, struct vg_authz *az)
{
    need(rq, az, VG_STR("dynamodb:Query"), in->table_name, in->index_name);
    return VG_OK;
}

vg_rc
dynamodb_authz_scan(struct vg_req *rq, const struct dynamodb_scan_input *in, struct vg_authz *az)
{
    need(rq, az, VG_STR("dynamodb:Scan"), in->table_name, in->index_name);
    return VG_OK;
}

vg_rc
dynamodb_authz_batch_get_item(struct vg_req *rq, const struct dynamodb_batch_get_item_input *in,
                              struct vg_authz *az)
{
    for (size_t i = 0; i < in->request_items.len; i++)
        need(rq, az, VG_STR("dynamodb:BatchGetItem"), in->request_items.items[i].key, VG_STR_NONE);
    return VG_OK;
}

vg_rc
dynamodb_authz_batch_write_item(struct vg_req *rq, const struct dynamodb_batch_write_item_input *in,
                                struct vg_authz *az)
{
    for (size_t i = 0; i < in->request_items.len; i++)
        need(rq, az, VG_STR("dynamodb:BatchWriteItem"), in->request_items.items[i].key,
             VG_STR_NONE);
    return VG_OK;
}

vg_rc
dynamodb_authz_transact_get_items(struct vg_req *rq,
                                  const struct dynamodb_transact_get_items_input *in,
                                  struct vg_authz *az)
{
    for (size_t i = 0; i < in->transact_items.len; i++)
        need(rq, az, VG_STR("dynamodb:GetItem"), in->transact_items.items[i].get->table_name,
             VG_STR_NONE);
    return VG_OK;
}

vg_rc
dynamodb_authz_transact_write_items(struct vg_req *rq,
                                    const struct dynamodb_transact_write_items_input *in,
                                    struct vg_authz *az)
{
    for (size_t i = 0; i < in->transact_items.len; i++) {
        const struct dynamodb_transact_write_item *item = &in->transact_items.items[i];
        if (item->put)
            need(rq, az, VG_STR("dynamodb:PutItem"), item->put->table_name, VG_STR_NONE);
        if (item->delete)
            need(rq, az, VG_STR("dynamodb:DeleteItem"), item->delete->table_name, VG_STR_NONE);
        if (item->update)
            need(rq, az, VG_STR("dynamodb:UpdateItem"), item->update->table_name, VG_STR_NONE);
        if (item->condition_check)
            need(rq, az, VG_STR("dynamodb:ConditionCheckItem"), item->condition_check->table_name,
                 VG_STR_NONE);
    }
    return VG_OK;
}
