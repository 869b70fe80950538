/* SPDX-License-Identifier: Apache-2.0 */
#include "services/dynamodb/dynamodb_keycond.h"

#define NOT_SCALAR                                                                                 \
    "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: " \
    "Key: %" VG_FMT

#define NOT_SCALAR_INDEX                                                                           \
    "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: " \
    "IndexKey: %" VG_FMT

/* One condition of the expression: a key attribute, an operator, one or two values. */
struct key_cond {
    struct vg_str name;
    enum dynamodb_op op;
    struct vg_str low, high; /* values */
    const struct dynamodb_node *node;
};

static enum dynamodb_op
turned(enum dynamodb_op op)
{
    switch (op) {
    case DYNAMODB_OP_LT:
        return DYNAMODB_OP_GT;
    case DYNAMODB_OP_LE:
        return DYNAMODB_OP_GE;
    case DYNAMODB_OP_GT:
        return DYNAMODB_OP_LT;
    case DYNAMODB_OP_GE:
        return DYNAMODB_OP_LE;
    default:
        return op;
    }
}

static bool
is_key_operator(enum dynamodb_op op)
{
    return op == DYNAMODB_OP_EQ || (op >= DYNAMODB_OP_LT && op <= DYNAMODB_OP_BETWEEN)
           || op == DYNAMODB_OP_BEGINS;
}

static struct vg_str
read_cond(struct vg_arena *arena, const struct dynamodb_node *node, struct key_cond *ret)
{
    if (!is_key_operator(node->op))
        return vg_str_fmt(arena, "Invalid operator used in KeyConditionExpression: %" VG_FMT,
                          VG_ARG(dynamodb_op_name(node)));
    const struct dynamodb_node *path = NULL;
    struct vg_str values[3];
    size_t n_values = 0;
    bool is_turned = false;
    for (size_t i = 0; i < node->n; i++) {
        const struct dynamodb_node *arg = node->args[i];
        if (arg->op == DYNAMODB_OP_VALUE) {
            values[n_values++] = arg->value;
        } else if (arg->op != DYNAMODB_OP_PATH) {
            return VG_STR("KeyConditionExpressions cannot contain nested operations");
        } else if (path) {
            return VG_STR("Invalid condition in KeyConditionExpression: Multiple attribute names "
                          "used in one condition");
        } else {
            path = arg;
            is_turned = i > 0;
        }
    }
    if (path == NULL)
        return VG_STR("Invalid condition in KeyConditionExpression: No key attribute specified");
    if (is_turned && (node->op == DYNAMODB_OP_BETWEEN || node->op == DYNAMODB_OP_BEGINS))
        return vg_str_fmt(arena,
                          "Invalid condition in KeyConditionExpression: %" VG_FMT
                          " operator must have the key attribute as its first operand",
                          VG_ARG(dynamodb_op_name(node)));
    if (path->path.n > 1)
        return vg_str_fmt(arena, NOT_SCALAR, VG_ARG(path->path.steps[0].name));
    *ret = (struct key_cond) { .name = path->path.steps[0].name,
                               .op = is_turned ? turned(node->op) : node->op,
                               .low = values[0],
                               .high = n_values > 1 ? values[1] : VG_STR_NONE,
                               .node = node };
    return VG_STR_NONE;
}

static struct vg_str
check_value(struct vg_arena *arena, const struct key_cond *c, enum dynamodb_type type)
{
    if (dynamodb_value_type(c->low) != type
        || (c->high.ptr && dynamodb_value_type(c->high) != type))
        return VG_STR("One or more parameter values were invalid: Condition parameter type does "
                      "not match schema type");
    if (dynamodb_value_body(c->low).len == 0 && c->op != DYNAMODB_OP_BEGINS)
        return vg_str_fmt(arena,
                          "One or more parameter values are not valid. The AttributeValue for a "
                          "key attribute cannot contain an empty %s value. Key: %" VG_FMT,
                          type == DYNAMODB_B ? "binary" : "string", VG_ARG(c->name));
    return VG_STR_NONE;
}

static struct dynamodb_bounds
bounds_of(const struct key_cond *c)
{
    struct dynamodb_bounds b = { .is_from_exclusive = c->op == DYNAMODB_OP_GT,
                                 .is_to_exclusive = c->op == DYNAMODB_OP_LT };
    switch (c->op) {
    case DYNAMODB_OP_BETWEEN:
        b.from = c->low;
        b.to = c->high;
        break;
    case DYNAMODB_OP_EQ:
        b.from = b.to = c->low;
        break;
    case DYNAMODB_OP_GT:
    case DYNAMODB_OP_GE:
        b.from = c->low;
        break;
    case DYNAMODB_OP_LT:
    case DYNAMODB_OP_LE:
        b.to = c->low;
        break;
    default:
        b.prefix = dynamodb_value_body(c->low);
        break;
    }
    return b;
}

static struct vg_str
missed(struct vg_arena *arena, struct vg_str name)
{
    return vg_str_fmt(arena, "Query condition missed key schema element: %" VG_FMT, VG_ARG(name));
}

/* The conditions, joined by AND at most; parentheses may nest further ANDs. */
static struct vg_str
read_conds(struct vg_arena *arena, const struct dynamodb_node *node, struct key_cond *conds,
           size_t room, size_t *n)
{
    if (node->op != DYNAMODB_OP_AND) {
        struct key_cond c;
        struct vg_str text = read_cond(arena, node, &c);
        if (text.ptr)
            return text;
        for (size_t i = 0; i < VG_MIN(*n, room); i++) {
            if (vg_str_eq(conds[i].name, c.name))
                return VG_STR("KeyConditionExpressions must only contain one condition per key");
        }
        if (*n < room)
            conds[*n] = c;
        (*n)++;
        return VG_STR_NONE;
    }
    for (size_t i = 0; i < node->n; i++) {
        struct vg_str text = read_conds(arena, node->args[i], conds, room, n);
        if (text.ptr)
            return text;
    }
    return VG_STR_NONE;
}

struct vg_str
dynamodb_key_condition(struct vg_arena *arena, const struct dynamodb_key_def *key,
                       const struct dynamodb_node *cond, struct dynamodb_key_query *ret)
{
    struct key_cond conds[2];
    size_t n = 0;
    *ret = (struct dynamodb_key_query) { .range_cond = NULL };
    struct vg_str text = read_conds(arena, cond, conds, VG_COUNT(conds), &n);
    if (text.ptr)
        return text;
    if (n > 2)
        return VG_STR("Conditions can be of length 1 or 2 only");
    size_t h = vg_str_eq(conds[0].name, key->hash) ? 0 : 1;
    if (h == n || !vg_str_eq(conds[h].name, key->hash))
        return missed(arena, key->hash);
    if (n == 2 && key->range.ptr == NULL)
        return VG_STR("Query key condition not supported");
    const struct key_cond *range = n == 2 ? &conds[1 - h] : NULL;
    if (range && !vg_str_eq(range->name, key->range))
        return missed(arena, key->range);
    if (conds[h].op != DYNAMODB_OP_EQ)
        return VG_STR("Query key condition not supported");
    text = check_value(arena, &conds[h], key->hash_type);
    if (text.ptr == NULL && range)
        text = check_value(arena, range, key->range_type);
    if (text.ptr)
        return text;
    ret->hash = conds[h].low;
    if (range) {
        ret->range = bounds_of(range);
        ret->range_cond = range->node;
    }
    return VG_STR_NONE;
}

bool
dynamodb_index_projects(const struct dynamodb_table *t, const struct dynamodb_index *ix,
                        struct vg_str name)
{
    if (ix->projection == DYNAMODB_PROJECT_ALL || vg_str_eq(name, t->key.hash)
        || (t->key.range.ptr && vg_str_eq(name, t->key.range)) || vg_str_eq(name, ix->key.hash)
        || (ix->key.range.ptr && vg_str_eq(name, ix->key.range)))
        return true;
    for (size_t i = 0; i < ix->rec->non_key.len; i++) {
        if (vg_str_eq(name, ix->rec->non_key.items[i]))
            return true;
    }
    return false;
}

/* Calls fn for every path of a condition; bounded by the depth the parser lets through. */
typedef struct vg_str(path_fn)(void *arg, const struct dynamodb_path *path);

static struct vg_str
each_path(const struct dynamodb_node *node, path_fn *fn, void *arg)
{
    if (node->op == DYNAMODB_OP_PATH)
        return fn(arg, &node->path);
    struct vg_str text = VG_STR_NONE;
    for (size_t i = 0; i < node->n && text.ptr == NULL; i++)
        text = each_path(node->args[i], fn, arg);
    return text;
}

static bool
is_key(const struct dynamodb_key_def *key, struct vg_str name)
{
    return vg_str_eq(name, key->hash) || (key->range.ptr && vg_str_eq(name, key->range));
}

/* --- key attributes are scalars -----------------------------------------------------------------
 */

struct scalar_check {
    struct vg_arena *arena;
    const struct dynamodb_table *t;
};

static struct vg_str
check_scalar(void *arg, const struct dynamodb_path *path)
{
    const struct scalar_check *c = arg;
    struct vg_str name = path->steps[0].name;
    if (path->n == 1)
        return VG_STR_NONE;
    if (is_key(&c->t->key, name))
        return vg_str_fmt(c->arena, NOT_SCALAR, VG_ARG(name));
    for (size_t i = 0; i < c->t->n_indexes; i++) {
        if (is_key(&c->t->indexes[i].key, name))
            return vg_str_fmt(c->arena, NOT_SCALAR_INDEX, VG_ARG(name));
    }
    return VG_STR_NONE;
}

struct vg_str
dynamodb_scalar_mismatch(struct vg_arena *arena, const struct dynamodb_table *t,
                         const struct dynamodb_parsed *exprs)
{
    struct scalar_check c = { arena, t };
    struct vg_str text = VG_STR_NONE;
    for (size_t i = 0; i < exprs->update.n && text.ptr == NULL; i++) {
        const struct dynamodb_action *action = &exprs->update.actions[i];
        text = check_scalar(&c, &action->path);
        if (text.ptr == NULL && action->value)
            text = each_path(action->value, check_scalar, &c);
    }
    if (text.ptr == NULL && exprs->condition)
        text = each_path(exprs->condition, check_scalar, &c);
    if (text.ptr == NULL && exprs->filter)
        text = each_path(exprs->filter, check_scalar, &c);
    for (size_t i = 0; i < exprs->projection.n && text.ptr == NULL; i++)
        text = check_scalar(&c, &exprs->projection.paths[i]);
    return text;
}

/* --- filters ------------------------------------------------------------------------------------
 */

struct filter_check {
    struct vg_arena *arena;
    const struct dynamodb_table *t;
    const struct dynamodb_index *ix;
    const char *what;              /* "Filter Expression" or "QueryFilter" */
    VG_VEC(struct vg_str) missing; /* in order of their names */
};

static struct vg_str
check_no_key(void *arg, const struct dynamodb_path *path)
{
    const struct filter_check *c = arg;
    struct vg_str name = path->steps[0].name;
    if (!is_key(c->ix ? &c->ix->key : &c->t->key, name))
        return VG_STR_NONE;
    return vg_str_fmt(c->arena,
                      "%s can only contain non-primary key attributes: Primary key attribute: "
                      "%" VG_FMT,
                      c->what, VG_ARG(name));
}

static struct vg_str
note_missing(void *arg, const struct dynamodb_path *path)
{
    struct filter_check *c = arg;
    struct vg_str name = path->steps[0].name;
    if (dynamodb_index_projects(c->t, c->ix, name))
        return VG_STR_NONE;
    size_t at = 0;
    while (at < c->missing.len && vg_str_cmp(c->missing.items[at], name) < 0)
        at++;
    if (at < c->missing.len && vg_str_eq(c->missing.items[at], name))
        return VG_STR_NONE;
    (void)VG_VEC_ADD(c->arena, &c->missing);
    memmove(&c->missing.items[at + 1], &c->missing.items[at],
            (c->missing.len - 1 - at) * sizeof(name));
    c->missing.items[at] = name;
    return VG_STR_NONE;
}

struct vg_str
dynamodb_filter_mismatch(struct vg_arena *arena, const struct dynamodb_table *t,
                         const struct dynamodb_index *ix, const char *what,
                         const struct dynamodb_node *filter)
{
    if (filter == NULL)
        return VG_STR_NONE;
    struct filter_check c = { .arena = arena, .t = t, .ix = ix, .what = what };
    struct vg_str text = each_path(filter, check_no_key, &c);
    if (text.ptr || ix == NULL)
        return text;
    (void)each_path(filter, note_missing, &c);
    if (c.missing.len == 0)
        return VG_STR_NONE;
    struct vg_buf b;
    vg_buf_init(&b, arena, 64u << 10);
    for (size_t i = 0; i < c.missing.len; i++)
        vg_buf_addf(&b, "%s%" VG_FMT, i ? ", " : "", VG_ARG(c.missing.items[i]));
    return vg_str_fmt(arena,
                      "One or more parameter values were invalid: Secondary index %" VG_FMT
                      " does not project one or more filter attributes: [%" VG_FMT "]",
                      VG_ARG(ix->rec->name), VG_ARG(vg_buf_str(&b)));
}
