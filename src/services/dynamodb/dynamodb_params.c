/* SPDX-License-Identifier: Apache-2.0 */
#include "services/dynamodb/dynamodb_item.h"

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
