/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The legacy parameters (AWS: "Legacy conditional parameters"), made into what expressions are made
 * into, so that only their rules and messages live here.
 */

#include "services/dynamodb/dynamodb_item.h"

#define INVALID "One or more parameter values were invalid: "

struct maker {
    struct vg_arena *arena;
    struct vg_str error;
};

static bool
fail(struct maker *m, struct vg_str text)
{
    m->error = text;
    return false;
}

static struct dynamodb_node *
node_of(struct maker *m, enum dynamodb_op op)
{
    struct dynamodb_node *node = VG_NEW(m->arena, struct dynamodb_node);
    node->op = op;
    return node;
}

static struct dynamodb_path
path_of(struct maker *m, struct vg_str name)
{
    struct dynamodb_step *step = VG_NEW(m->arena, struct dynamodb_step);
    step->name = name;
    return (struct dynamodb_path) { step, 1 };
}

static struct dynamodb_node *
value_of(struct maker *m, struct vg_str v)
{
    struct dynamodb_node *node = node_of(m, DYNAMODB_OP_VALUE);
    node->value = v;
    return node;
}

/* --- one comparison -----------------------------------------------------------------------------
 */

#define T(t)      (1u << (t))
#define ORDERED   (T(DYNAMODB_S) | T(DYNAMODB_N) | T(DYNAMODB_B))
#define ANY_TYPE  0xFFFFu
#define SCALARS   (ORDERED | T(DYNAMODB_BOOL) | T(DYNAMODB_NULL))
#define MANY_ARGS 100

static const struct comparison {
    enum dynamodb_comparison_operator code;
    enum dynamodb_op op;
    uint8_t min, max; /* arguments */
    unsigned types;
} comparisons[] = {
    { DYNAMODB_COMPARISON_OPERATOR_EQ, DYNAMODB_OP_EQ, 1, 1, ANY_TYPE },
    { DYNAMODB_COMPARISON_OPERATOR_NE, DYNAMODB_OP_NE, 1, 1, ANY_TYPE },
    { DYNAMODB_COMPARISON_OPERATOR_LT, DYNAMODB_OP_LT, 1, 1, ORDERED },
    { DYNAMODB_COMPARISON_OPERATOR_LE, DYNAMODB_OP_LE, 1, 1, ORDERED },
    { DYNAMODB_COMPARISON_OPERATOR_GT, DYNAMODB_OP_GT, 1, 1, ORDERED },
    { DYNAMODB_COMPARISON_OPERATOR_GE, DYNAMODB_OP_GE, 1, 1, ORDERED },
    { DYNAMODB_COMPARISON_OPERATOR_BETWEEN, DYNAMODB_OP_BETWEEN, 2, 2, ORDERED },
    { DYNAMODB_COMPARISON_OPERATOR_IN, DYNAMODB_OP_IN, 1, MANY_ARGS, SCALARS },
    { DYNAMODB_COMPARISON_OPERATOR_NOT_NULL, DYNAMODB_OP_EXISTS, 0, 0, ANY_TYPE },
    { DYNAMODB_COMPARISON_OPERATOR_NULL, DYNAMODB_OP_NOT_EXISTS, 0, 0, ANY_TYPE },
    { DYNAMODB_COMPARISON_OPERATOR_CONTAINS, DYNAMODB_OP_CONTAINS, 1, 1, SCALARS },
    { DYNAMODB_COMPARISON_OPERATOR_NOT_CONTAINS, DYNAMODB_OP_CONTAINS, 1, 1, SCALARS },
    { DYNAMODB_COMPARISON_OPERATOR_BEGINS_WITH, DYNAMODB_OP_BEGINS, 1, 1,
      T(DYNAMODB_S) | T(DYNAMODB_B) },
};

static bool
check_args(struct maker *m, const struct comparison *c, struct vg_str operator_name,
           const struct dynamodb_value *args, size_t n)
{
    if (n < c->min || n > c->max)
        return fail(m, vg_str_fmt(m->arena,
                                  INVALID "Invalid number of argument(s) for the %" VG_FMT
                                          " ComparisonOperator",
                                  VG_ARG(operator_name)));
    for (size_t i = 0; i < n; i++) {
        if (args[i].fault.ptr)
            return fail(m, args[i].fault);
        enum dynamodb_type type = dynamodb_value_type(args[i].v);
        if (!(c->types & T(type)))
            return fail(m, vg_str_fmt(m->arena,
                                      INVALID "ComparisonOperator %" VG_FMT
                                              " is not valid for %" VG_FMT " AttributeValue type",
                                      VG_ARG(operator_name), VG_ARG(dynamodb_type_name(type))));
        if (type != dynamodb_value_type(args[0].v))
            return fail(m, VG_STR(INVALID "AttributeValues inside AttributeValueList must be of "
                                          "same type"));
    }
    int order;
    if (c->op == DYNAMODB_OP_BETWEEN && dynamodb_value_cmp(args[0].v, args[1].v, &order)
        && order > 0)
        return fail(m, VG_STR("The BETWEEN condition was provided a range where the lower bound is "
                              "greater than the upper bound"));
    return true;
}

static bool
compare(struct maker *m, struct vg_str name, struct vg_enum operator_,
        const struct dynamodb_value *args, size_t n, struct dynamodb_node **ret)
{
    const struct comparison *c = NULL;
    for (size_t i = 0; i < VG_COUNT(comparisons); i++) {
        if ((int32_t)comparisons[i].code == operator_.v)
            c = &comparisons[i];
    }
    if (c == NULL || !check_args(m, c, operator_.text, args, n))
        return c ? false : fail(m, VG_STR(INVALID "ComparisonOperator is missing"));
    struct dynamodb_node *node = node_of(m, c->op);
    node->args = VG_NEW_ARRAY(m->arena, struct dynamodb_node *, n + 1);
    node->args[node->n++] = node_of(m, DYNAMODB_OP_PATH);
    node->args[0]->path = path_of(m, name);
    for (size_t i = 0; i < n; i++)
        node->args[node->n++] = value_of(m, args[i].v);
    *ret = node;
    if (operator_.v != DYNAMODB_COMPARISON_OPERATOR_NOT_CONTAINS)
        return true;
    /* An attribute that is not there neither contains nor does not. */
    struct dynamodb_node *both = node_of(m, DYNAMODB_OP_AND);
    both->args = VG_NEW_ARRAY(m->arena, struct dynamodb_node *, 2);
    both->args[0] = node_of(m, DYNAMODB_OP_EXISTS);
    both->args[0]->args = node->args;
    both->args[0]->n = 1;
    both->args[1] = node_of(m, DYNAMODB_OP_NOT);
    both->args[1]->args = VG_NEW(m->arena, struct dynamodb_node *);
    both->args[1]->args[0] = node;
    both->args[1]->n = 1;
    both->n = 2;
    *ret = both;
    return true;
}

/* --- several, joined ----------------------------------------------------------------------------
 */

static struct dynamodb_node *
joined(struct maker *m, struct dynamodb_node **all, size_t n, bool is_or)
{
    if (n == 1)
        return all[0];
    struct dynamodb_node *node = node_of(m, is_or ? DYNAMODB_OP_OR : DYNAMODB_OP_AND);
    node->args = all;
    node->n = n;
    return node;
}

/* What does not go together, in the service's words; NULL when all does. */
static const char *
expected_fault(const struct dynamodb_expected_attribute_value *e)
{
    bool has_operator = e->comparison_operator.v != 0, has_list = e->attribute_value_list.set;
    bool is_absent = e->exists.set && !e->exists.v;
    if (has_operator && e->exists.set)
        return "Exists and ComparisonOperator cannot be used together";
    if (e->value && has_list)
        return "Value and AttributeValueList cannot be used together";
    if (has_operator)
        return NULL;
    if (has_list)
        return "AttributeValueList can only be used with a ComparisonOperator";
    if (is_absent)
        return e->value ? "Value cannot be used when Exists is false" : NULL;
    if (e->value)
        return NULL;
    return e->exists.set ? "Value must be provided when Exists is true"
                         : "Value must be provided when Exists is null";
}

static bool
expected_one(struct maker *m, struct vg_str name, const struct dynamodb_expected_attribute_value *e,
             struct dynamodb_node **ret)
{
    bool has_operator = e->comparison_operator.v != 0, has_list = e->attribute_value_list.set;
    bool is_absent = e->exists.set && !e->exists.v;
    const char *why = expected_fault(e);
    if (why)
        return fail(m,
                    vg_str_fmt(m->arena, INVALID "%s for Attribute: %" VG_FMT, why, VG_ARG(name)));
    struct vg_enum op = e->comparison_operator;
    if (!has_operator)
        op = is_absent ? (struct vg_enum) { DYNAMODB_COMPARISON_OPERATOR_NULL, VG_STR("NULL") }
                       : (struct vg_enum) { DYNAMODB_COMPARISON_OPERATOR_EQ, VG_STR("EQ") };
    bool needs_none =
        op.v == DYNAMODB_COMPARISON_OPERATOR_NULL || op.v == DYNAMODB_COMPARISON_OPERATOR_NOT_NULL;
    if (has_operator && !e->value && !has_list && !needs_none)
        return fail(m, vg_str_fmt(m->arena,
                                  INVALID "Value or AttributeValueList must be used with "
                                          "ComparisonOperator: %" VG_FMT " for Attribute: %" VG_FMT,
                                  VG_ARG(op.text), VG_ARG(name)));
    return compare(m, name, op, e->value ? e->value : e->attribute_value_list.items,
                   e->value ? 1 : e->attribute_value_list.len, ret);
}

static bool
make_expected(struct maker *m, const struct dynamodb_expected_attribute_map *map, bool is_or,
              const struct dynamodb_node **ret)
{
    struct dynamodb_node **all = VG_NEW_ARRAY(m->arena, struct dynamodb_node *, map->len + 1);
    for (size_t i = 0; i < map->len; i++) {
        if (!expected_one(m, map->items[i].key, &map->items[i].value, &all[i]))
            return false;
    }
    if (map->len > 0)
        *ret = joined(m, all, map->len, is_or);
    return true;
}

static bool
make_conditions(struct maker *m, const struct dynamodb_filter_condition_map *map, bool is_or,
                const struct dynamodb_node **ret)
{
    struct dynamodb_node **all = VG_NEW_ARRAY(m->arena, struct dynamodb_node *, map->len + 1);
    for (size_t i = 0; i < map->len; i++) {
        const struct dynamodb_condition *c = &map->items[i].value;
        if (!compare(m, map->items[i].key, c->comparison_operator, c->attribute_value_list.items,
                     c->attribute_value_list.len, &all[i]))
            return false;
    }
    if (map->len > 0)
        *ret = joined(m, all, map->len, is_or);
    return true;
}

/* --- updates and projections ---------------------------------------------------------------------
 */

static bool
update_one(struct maker *m, struct vg_str name, const struct dynamodb_attribute_value_update *u,
           struct dynamodb_action *ret)
{
    *ret = (struct dynamodb_action) { .path = path_of(m, name) };
    if (u->value == NULL) {
        ret->kind = DYNAMODB_ACTION_REMOVE;
        return u->action.v == DYNAMODB_ATTRIBUTE_ACTION_DELETE
               || fail(m, VG_STR(INVALID "Only DELETE action is allowed when no attribute value is "
                                         "specified"));
    }
    if (u->value->fault.ptr)
        return fail(m, u->value->fault);
    enum dynamodb_type type = dynamodb_value_type(u->value->v);
    ret->value = value_of(m, u->value->v);
    ret->kind = DYNAMODB_ACTION_SET;
    if (u->action.v == DYNAMODB_ATTRIBUTE_ACTION_ADD) {
        ret->kind = DYNAMODB_ACTION_ADD;
        if (type != DYNAMODB_N && type != DYNAMODB_L && !dynamodb_type_is_set(type))
            return fail(m,
                        vg_str_fmt(m->arena, INVALID "ADD action is not supported for the type %s",
                                   dynamodb_long_type_name(type)));
    } else if (u->action.v == DYNAMODB_ATTRIBUTE_ACTION_DELETE) {
        ret->kind = DYNAMODB_ACTION_DELETE;
        if (!dynamodb_type_is_set(type))
            return fail(m, vg_str_fmt(m->arena,
                                      INVALID "DELETE action with value is not supported for the "
                                              "type %s",
                                      dynamodb_long_type_name(type)));
    }
    return true;
}

static bool
make_updates(struct maker *m, const struct dynamodb_attribute_updates *map,
             struct dynamodb_update_plan *ret)
{
    struct dynamodb_action *actions = VG_NEW_ARRAY(m->arena, struct dynamodb_action, map->len + 1);
    for (size_t i = 0; i < map->len; i++) {
        if (!update_one(m, map->items[i].key, &map->items[i].value, &actions[i]))
            return false;
    }
    *ret = (struct dynamodb_update_plan) { actions, map->len };
    return true;
}

static bool
make_projection(struct maker *m, const struct dynamodb_attribute_name_list *names,
                struct dynamodb_projection_paths *ret)
{
    struct dynamodb_path *paths = VG_NEW_ARRAY(m->arena, struct dynamodb_path, names->len + 1);
    for (size_t i = 0; i < names->len; i++) {
        for (size_t j = 0; j < i; j++) {
            if (vg_str_eq(names->items[i], names->items[j]))
                return fail(m, vg_str_fmt(m->arena,
                                          INVALID "Duplicate value in attribute name: %" VG_FMT,
                                          VG_ARG(names->items[i])));
        }
        paths[i] = path_of(m, names->items[i]);
    }
    *ret = (struct dynamodb_projection_paths) { paths, names->len };
    return true;
}

bool
dynamodb_legacy_parse(struct vg_arena *arena, const struct dynamodb_legacy *in,
                      struct dynamodb_parsed *ret)
{
    struct maker m = { .arena = arena };
    bool is_or = in->conditional_operator.v == DYNAMODB_CONDITIONAL_OPERATOR_OR;
    bool is_ok = (!in->expected || make_expected(&m, in->expected, is_or, &ret->condition))
                 && (!in->updates || make_updates(&m, in->updates, &ret->update))
                 && (!in->filter || make_conditions(&m, in->filter, is_or, &ret->filter))
                 && (!in->key_conditions
                     || make_conditions(&m, in->key_conditions, false, &ret->key_condition))
                 && (!in->projection || make_projection(&m, in->projection, &ret->projection));
    ret->is_legacy = in->updates != NULL;
    if (!is_ok)
        ret->x.error = m.error;
    return is_ok;
}

/* "A, B" of what is there. */
static struct vg_str
listed(struct vg_arena *arena, const char *const *names, const bool *has, size_t n)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 1000);
    for (size_t i = 0; i < n; i++) {
        if (has[i])
            vg_buf_addf(&b, "%s%s", b.len ? ", " : "", names[i]);
    }
    return vg_buf_str(&b);
}

vg_rc
dynamodb_legacy_check(struct vg_req *rq, const struct dynamodb_params *in)
{
    const struct dynamodb_legacy *l = &in->legacy;
    const char *const legacy_names[] = {
        "AttributeUpdates", "AttributesToGet",     l->filter_name,
        "Expected",         "ConditionalOperator", "KeyConditions"
    };
    const bool has_legacy[] = {
        l->updates != NULL,  l->projection != NULL,          l->filter != NULL,
        l->expected != NULL, l->conditional_operator.v != 0, l->key_conditions != NULL
    };
    const char *const expression_names[] = { "UpdateExpression", "ProjectionExpression",
                                             "FilterExpression", "ConditionExpression",
                                             "KeyConditionExpression" };
    const bool has_expression[] = { in->update.ptr != NULL, in->projection.ptr != NULL,
                                    in->filter.ptr != NULL, in->condition.ptr != NULL,
                                    in->key_condition.ptr != NULL };
    struct vg_str legacy = listed(rq->arena, legacy_names, has_legacy, VG_COUNT(has_legacy));
    struct vg_str expressions =
        listed(rq->arena, expression_names, has_expression, VG_COUNT(has_expression));
    if (legacy.len > 0 && expressions.len > 0)
        return vg_fail_validation(rq,
                                  "Can not use both expression and non-expression parameters in "
                                  "the same request: Non-expression parameters: {%" VG_FMT
                                  "} Expression parameters: {%" VG_FMT "}",
                                  VG_ARG(legacy), VG_ARG(expressions));
    if (l->conditional_operator.v == 0)
        return VG_OK;
    size_t n = l->expected ? l->expected->len : l->filter ? l->filter->len : 0;
    if (!l->expected && !l->filter)
        return vg_fail_validation(rq, "ConditionalOperator cannot be used without Filter or "
                                      "Expected");
    if (n < 2)
        return vg_fail_validation(rq, "ConditionalOperator can only be used when Filter or "
                                      "Expected has two or more elements");
    return VG_OK;
}
