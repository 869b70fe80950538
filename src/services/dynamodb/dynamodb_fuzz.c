/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fuzzes expressions and attribute values: the first byte chooses the kind of expression, the first
 * line is the expression, the rest the JSON of an item (its values serve as :a … too).  An update
 * that is taken must leave a well-formed item, and what is written must read back the same.
 */

#include "services/dynamodb/dynamodb_expr.h"
#include "services/dynamodb/dynamodb_value_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
read_item(struct vg_arena *arena, struct vg_str json, struct dynamodb_item *ret)
{
    struct vg_json js;
    struct vg_err err = { 0 };
    vg_json_init(&js, json, arena);
    return dynamodb_item_decode(&js, vg_json_next(&js), ret, &err) == VG_OK && !ret->fault.ptr;
}

static void
check_round_trip(struct vg_arena *arena, struct vg_str item)
{
    VG_ASSERT(dynamodb_item_is_sound(item));
    struct vg_buf b;
    struct vg_json_out w;
    struct dynamodb_item out = { .v = item }, again = { .v = VG_STR_NONE };
    vg_buf_init(&b, arena, 64u << 20);
    vg_jsonw_init(&w, &b);
    dynamodb_item_encode(&w, &out);
    VG_ASSERT(read_item(arena, vg_buf_str(&b), &again));
    VG_ASSERT(vg_str_eq(again.v, item));
}

static void
take_values(struct dynamodb_exprs *x, struct vg_str item)
{
    size_t n = dynamodb_item_count(item);
    x->values = VG_NEW_ARRAY(x->arena, struct dynamodb_value_ref, n + 1);
    struct dynamodb_attr attr;
    while (dynamodb_next_attr(&item, &attr))
        x->values[x->n_values++] =
            (struct dynamodb_value_ref) { vg_str_cat(x->arena, VG_STR(":"), attr.name), attr.v,
                                          false };
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_str json = vg_str_n(data + 1, size - 1);
    struct vg_str text = vg_str_cut(&json, '\n');
    struct dynamodb_item item = { .v = VG_STR("") };
    if (json.ptr && read_item(a, json, &item))
        check_round_trip(a, item.v);
    else
        item.v = VG_STR("");
    struct dynamodb_exprs x;
    dynamodb_exprs_init(&x, a);
    take_values(&x, item.v);
    const struct dynamodb_node *node;
    struct dynamodb_update_plan update;
    struct dynamodb_projection_paths paths;
    struct vg_str after;
    switch (data[0] % 3) {
    case 0:
        if (dynamodb_parse_condition(&x, "ConditionExpression", text, &node))
            (void)dynamodb_condition_holds(a, node, item.v);
        break;
    case 1:
        if (dynamodb_parse_update(&x, text, &update)
            && dynamodb_apply_update(&x, &update, item.v, &after))
            check_round_trip(a, after);
        break;
    default:
        if (dynamodb_parse_projection(&x, text, &paths))
            check_round_trip(a, dynamodb_project(a, item.v, &paths));
        break;
    }
    return 0;
}
