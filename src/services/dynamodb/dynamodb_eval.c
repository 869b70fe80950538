/* SPDX-License-Identifier: Apache-2.0 */

/* Conditions on an item, and projections of it. */

#include "services/dynamodb/dynamodb_expr.h"
#include "services/dynamodb/dynamodb_number.h"

struct vg_str
dynamodb_path_get(struct vg_str item, const struct dynamodb_path *path)
{
    struct vg_str v = dynamodb_item_get(item, path->steps[0].name);
    for (size_t i = 1; i < path->n && v.ptr; i++) {
        const struct dynamodb_step *step = &path->steps[i];
        enum dynamodb_type type = dynamodb_value_type(v);
        if (step->name.ptr)
            v = type == DYNAMODB_M ? dynamodb_item_get(dynamodb_value_body(v), step->name)
                                   : VG_STR_NONE;
        else
            v = type == DYNAMODB_L ? dynamodb_list_at(dynamodb_value_body(v), step->index)
                                   : VG_STR_NONE;
    }
    return v;
}

/* AWS, size(path): bytes of a binary, characters of a string, elements of the rest. */
static struct vg_str
value_of_size(struct vg_arena *arena, struct vg_str v)
{
    if (v.ptr == NULL)
        return v;
    enum dynamodb_type type = dynamodb_value_type(v);
    if (type == DYNAMODB_S)
        return dynamodb_value_number_u64(arena, vg_str_utf16_len(dynamodb_value_body(v)));
    if (type == DYNAMODB_B)
        return dynamodb_value_number_u64(arena, dynamodb_value_body(v).len);
    if (type >= DYNAMODB_L)
        return dynamodb_value_number_u64(arena, dynamodb_value_count(v));
    return VG_STR_NONE;
}

/* An operand's value; absent where the item has none. */
static struct vg_str
operand(struct vg_arena *arena, const struct dynamodb_node *node, struct vg_str item)
{
    switch (node->op) {
    case DYNAMODB_OP_VALUE:
        return node->value;
    case DYNAMODB_OP_PATH:
        return dynamodb_path_get(item, &node->path);
    case DYNAMODB_OP_SIZE:
        return value_of_size(arena, operand(arena, node->args[0], item));
    default:
        return VG_STR_NONE;
    }
}

static bool
compare(enum dynamodb_op op, struct vg_str a, struct vg_str b)
{
    if (op == DYNAMODB_OP_EQ)
        return a.ptr && b.ptr && dynamodb_value_eq(a, b);
    if (op == DYNAMODB_OP_NE)
        return !(a.ptr && b.ptr && dynamodb_value_eq(a, b));
    int c;
    if (a.ptr == NULL || b.ptr == NULL || !dynamodb_value_cmp(a, b, &c))
        return false;
    switch (op) {
    case DYNAMODB_OP_LT:
        return c < 0;
    case DYNAMODB_OP_LE:
        return c <= 0;
    case DYNAMODB_OP_GT:
        return c > 0;
    case DYNAMODB_OP_GE:
        return c >= 0;
    default:
        VG_BUG("not a comparator");
    }
}

/* contains(): a part of a string or binary, a member of a set, an element of a list. */
static bool
value_contains(struct vg_str v, struct vg_str part)
{
    if (v.ptr == NULL || part.ptr == NULL)
        return false;
    enum dynamodb_type type = dynamodb_value_type(v), of = dynamodb_value_type(part);
    struct vg_str rest = dynamodb_value_body(v), one;
    if (type == DYNAMODB_S || type == DYNAMODB_B)
        return of == type && vg_str_find(rest, dynamodb_value_body(part)) != VG_NPOS;
    if (dynamodb_type_is_set(type))
        return (int)of == (int)type - DYNAMODB_SS + DYNAMODB_S
               && dynamodb_set_has(rest, dynamodb_value_body(part));
    if (type != DYNAMODB_L)
        return false;
    while (dynamodb_next_value(&rest, &one)) {
        if (dynamodb_value_eq(one, part))
            return true;
    }
    return false;
}

static bool
function_holds(struct vg_arena *arena, const struct dynamodb_node *node, struct vg_str item)
{
    struct vg_str a = operand(arena, node->args[0], item);
    if (node->op == DYNAMODB_OP_EXISTS || node->op == DYNAMODB_OP_NOT_EXISTS)
        return (a.ptr != NULL) == (node->op == DYNAMODB_OP_EXISTS);
    struct vg_str b = operand(arena, node->args[1], item);
    if (a.ptr == NULL || b.ptr == NULL)
        return false;
    switch (node->op) {
    case DYNAMODB_OP_TYPE:
        return vg_str_eq(dynamodb_type_name(dynamodb_value_type(a)), dynamodb_value_body(b));
    case DYNAMODB_OP_BEGINS:
        return dynamodb_value_type(a) == dynamodb_value_type(b)
               && (dynamodb_value_type(a) == DYNAMODB_S || dynamodb_value_type(a) == DYNAMODB_B)
               && vg_str_starts(dynamodb_value_body(a), dynamodb_value_body(b));
    case DYNAMODB_OP_CONTAINS:
        return value_contains(a, b);
    default:
        VG_BUG("not a condition");
    }
}

static bool
between(struct vg_arena *arena, const struct dynamodb_node *node, struct vg_str item)
{
    struct vg_str v = operand(arena, node->args[0], item);
    return compare(DYNAMODB_OP_GE, v, operand(arena, node->args[1], item))
           && compare(DYNAMODB_OP_LE, v, operand(arena, node->args[2], item));
}

bool
dynamodb_condition_holds(struct vg_arena *arena, const struct dynamodb_node *cond,
                         struct vg_str item)
{
    switch (cond->op) {
    case DYNAMODB_OP_AND:
    case DYNAMODB_OP_OR:
        for (size_t i = 0; i < cond->n; i++) {
            bool holds = dynamodb_condition_holds(arena, cond->args[i], item);
            if (holds == (cond->op == DYNAMODB_OP_OR))
                return holds;
        }
        return cond->op == DYNAMODB_OP_AND;
    case DYNAMODB_OP_NOT:
        return !dynamodb_condition_holds(arena, cond->args[0], item);
    case DYNAMODB_OP_BETWEEN:
        return between(arena, cond, item);
    case DYNAMODB_OP_IN:
        for (size_t i = 1; i < cond->n; i++) {
            if (compare(DYNAMODB_OP_EQ, operand(arena, cond->args[0], item),
                        operand(arena, cond->args[i], item)))
                return true;
        }
        return false;
    case DYNAMODB_OP_EQ:
    case DYNAMODB_OP_NE:
    case DYNAMODB_OP_LT:
    case DYNAMODB_OP_LE:
    case DYNAMODB_OP_GT:
    case DYNAMODB_OP_GE:
        return compare(cond->op, operand(arena, cond->args[0], item),
                       operand(arena, cond->args[1], item));
    default:
        return function_holds(arena, cond, item);
    }
}

/* --- projections --------------------------------------------------------------------------------
 */

/* A value cut down to what the paths name below it; `depth` steps of each are taken. */
static void project_value(struct vg_buf *b, struct vg_str v,
                          const struct dynamodb_path *const *paths, size_t n, size_t depth);

/* Paths whose step at `depth` is this name (or this index). */
static size_t
matching(const struct dynamodb_path *const *paths, size_t n, size_t depth, struct vg_str name,
         size_t index, const struct dynamodb_path **ret)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        const struct dynamodb_step *step = &paths[i]->steps[depth];
        bool is_name = step->name.ptr != NULL;
        if (is_name == (name.ptr != NULL)
            && (is_name ? vg_str_eq(step->name, name) : step->index == index))
            ret[found++] = paths[i];
    }
    return found;
}

/* Whether any of the paths leads to a value below `v`. */
static bool
leads_anywhere(struct vg_str v, const struct dynamodb_path *const *paths, size_t n, size_t depth)
{
    for (size_t i = 0; i < n; i++) {
        struct vg_str at = v;
        for (size_t j = depth; j < paths[i]->n && at.ptr; j++) {
            const struct dynamodb_step *step = &paths[i]->steps[j];
            enum dynamodb_type type = dynamodb_value_type(at);
            if (step->name.ptr && type == DYNAMODB_M)
                at = dynamodb_item_get(dynamodb_value_body(at), step->name);
            else if (!step->name.ptr && type == DYNAMODB_L)
                at = dynamodb_list_at(dynamodb_value_body(at), step->index);
            else
                at = VG_STR_NONE;
        }
        if (at.ptr)
            return true;
    }
    return false;
}

static void
project_attrs(struct vg_buf *b, struct vg_str attrs, const struct dynamodb_path *const *paths,
              size_t n, size_t depth)
{
    struct dynamodb_attr attr;
    const struct dynamodb_path **sub = VG_NEW_ARRAY(b->arena, const struct dynamodb_path *, n);
    while (dynamodb_next_attr(&attrs, &attr)) {
        size_t found = matching(paths, n, depth, attr.name, 0, sub);
        if (found == 0 || !leads_anywhere(attr.v, sub, found, depth + 1))
            continue;
        dynamodb_put_len(b, attr.name.len);
        vg_buf_adds(b, attr.name);
        project_value(b, attr.v, sub, found, depth + 1);
    }
}

static void
project_value(struct vg_buf *b, struct vg_str v, const struct dynamodb_path *const *paths, size_t n,
              size_t depth)
{
    if (paths[0]->n == depth) { /* paths do not overlap: it is the only one */
        vg_buf_adds(b, v);
        return;
    }
    enum dynamodb_type type = dynamodb_value_type(v);
    struct vg_str rest = dynamodb_value_body(v), one;
    size_t mark = dynamodb_put_begin(b, type);
    if (type == DYNAMODB_M) {
        project_attrs(b, rest, paths, n, depth);
    } else {
        const struct dynamodb_path **sub = VG_NEW_ARRAY(b->arena, const struct dynamodb_path *, n);
        for (size_t i = 0; dynamodb_next_value(&rest, &one); i++) {
            size_t found = matching(paths, n, depth, VG_STR_NONE, i, sub);
            if (found > 0 && leads_anywhere(one, sub, found, depth + 1))
                project_value(b, one, sub, found, depth + 1);
        }
    }
    dynamodb_put_end(b, mark);
}

struct vg_str
dynamodb_project(struct vg_arena *arena, struct vg_str item,
                 const struct dynamodb_projection_paths *paths)
{
    const struct dynamodb_path **all = VG_NEW_ARRAY(arena, const struct dynamodb_path *, paths->n);
    for (size_t i = 0; i < paths->n; i++)
        all[i] = &paths->paths[i];
    struct vg_buf b;
    vg_buf_init(&b, arena, item.len + 64);
    project_attrs(&b, item, all, paths->n, 0);
    return vg_buf_str(&b);
}
