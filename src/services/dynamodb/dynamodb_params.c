/* SPDX-License-Identifier: Apache-2.0 */
#include "services/dynamodb/dynamodb_item.h"

struct dynamodb_params
dynamodb_params_of_update(const struct dynamodb_update_item_input *in)
{
    struct dynamodb_params p = DYNAMODB_PARAMS_OF_WRITE(in);
    p.update = in->update_expression;
    p.expressions = "UpdateExpression and ConditionExpression are null";
    p.legacy.updates = DYNAMODB_IF_SET(in->attribute_updates);
    return p;
}

/* KeyConditions and filters are two types of one form. */
static struct dynamodb_filter_condition_map *
as_filter(struct vg_arena *arena, const struct dynamodb_key_conditions *map)
{
    struct dynamodb_filter_condition_map *ret = VG_NEW(arena, struct dynamodb_filter_condition_map);
    *ret = (struct dynamodb_filter_condition_map) { .len = map->len, .set = map->set };
    ret->items = VG_NEW_ARRAY(arena, struct dynamodb_filter_condition_map__entry, map->len + 1);
    for (size_t i = 0; i < map->len; i++) {
        ret->items[i].key = map->items[i].key;
        ret->items[i].value = map->items[i].value;
    }
    return ret;
}

struct dynamodb_params
dynamodb_params_of_query(struct vg_arena *arena, const struct dynamodb_query_input *in)
{
    struct dynamodb_params p = DYNAMODB_PARAMS_OF_READ(in);
    p.key_condition = in->key_condition_expression;
    p.filter = in->filter_expression;
    p.values = in->expression_attribute_values;
    p.expressions = "FilterExpression and KeyConditionExpression are null";
    p.has_values = true;
    p.legacy.filter = DYNAMODB_IF_SET(in->query_filter);
    p.legacy.filter_name = "QueryFilter";
    p.legacy.key_conditions = in->key_conditions.set ? as_filter(arena, &in->key_conditions) : NULL;
    p.legacy.conditional_operator = in->conditional_operator;
    return p;
}

struct dynamodb_params
dynamodb_params_of_scan(const struct dynamodb_scan_input *in)
{
    struct dynamodb_params p = DYNAMODB_PARAMS_OF_READ(in);
    p.filter = in->filter_expression;
    p.values = in->expression_attribute_values;
    p.expressions = "FilterExpression is null";
    p.has_values = true;
    p.legacy.filter = DYNAMODB_IF_SET(in->scan_filter);
    p.legacy.filter_name = "ScanFilter";
    p.legacy.conditional_operator = in->conditional_operator;
    return p;
}

vg_rc
dynamodb_params_check(struct vg_req *rq, const struct dynamodb_params *in)
{
    vg_rc rc = dynamodb_legacy_check(rq, in);
    if (rc != VG_OK)
        return rc;
    if (in->update.ptr || in->condition.ptr || in->key_condition.ptr || in->filter.ptr
        || in->projection.ptr) {
        /* A projection has no values: they must belong to another expression. */
        if (in->values == NULL || !in->has_values || in->update.ptr || in->condition.ptr
            || in->key_condition.ptr || in->filter.ptr)
            return VG_OK;
    } else if (in->names && in->names->set) {
        return vg_fail_validation(rq, "ExpressionAttributeNames can only be specified when using "
                                      "expressions");
    }
    if (in->values)
        return vg_fail_validation(rq,
                                  "ExpressionAttributeValues can only be specified when using "
                                  "expressions: %s",
                                  in->expressions);
    return VG_OK;
}

static bool
take_names(struct dynamodb_exprs *x, const struct dynamodb_expression_attribute_name_map *map)
{
    if (map == NULL || !map->set)
        return true;
    struct vg_str *keys = VG_NEW_ARRAY(x->arena, struct vg_str, map->len + 1);
    struct vg_str *names = VG_NEW_ARRAY(x->arena, struct vg_str, map->len + 1);
    for (size_t i = 0; i < map->len; i++) {
        keys[i] = map->items[i].key;
        names[i] = map->items[i].value;
    }
    return dynamodb_exprs_names(x, keys, names, map->len);
}

bool
dynamodb_params_parse(struct vg_arena *arena, const struct dynamodb_params *in,
                      struct dynamodb_parsed *ret)
{
    *ret = (struct dynamodb_parsed) { .condition = NULL };
    struct dynamodb_exprs *x = &ret->x;
    dynamodb_exprs_init(x, arena);
    return take_names(x, in->names) && (!in->values || dynamodb_exprs_values(x, in->values))
           && (!in->update.ptr || dynamodb_parse_update(x, in->update, &ret->update))
           && (!in->condition.ptr
               || dynamodb_parse_condition(x, "ConditionExpression", in->condition,
                                           &ret->condition))
           && (!in->filter.ptr
               || dynamodb_parse_condition(x, "FilterExpression", in->filter, &ret->filter))
           && (!in->projection.ptr
               || dynamodb_parse_projection(x, in->projection, &ret->projection))
           && (!in->key_condition.ptr
               || dynamodb_parse_condition(x, "KeyConditionExpression", in->key_condition,
                                           &ret->key_condition))
           && dynamodb_exprs_all_used(x) && dynamodb_legacy_parse(arena, &in->legacy, ret);
}

vg_rc
dynamodb_params_read(struct vg_req *rq, const struct dynamodb_params *in,
                     struct dynamodb_parsed *ret)
{
    return dynamodb_params_parse(rq->arena, in, ret) ? VG_OK : dynamodb_refuse(rq, ret->x.error);
}
