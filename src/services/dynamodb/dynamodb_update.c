/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Update expressions applied to an item.
 *
 * All operands are read from the item as it was; then the results are written: SET, ADD and DELETE
 * in order of their paths (elements past a list's end are appended in order of their indexes), then
 * REMOVE from the highest index down, so that indexes mean the list as it was.
 */

#include "services/dynamodb/dynamodb_expr.h"
#include "services/dynamodb/dynamodb_number.h"
#include "services/dynamodb/dynamodb_value_json.h"

#include <stdlib.h>

/* What is to stand at a path; absent: nothing. */
struct write {
    const struct dynamodb_path *path;
    struct vg_str v;
    bool is_skipped; /* nothing to do */
};

static bool
fail(struct dynamodb_exprs *x, struct vg_str text)
{
    x->error = text;
    return false;
}

static bool
fail_type(struct dynamodb_exprs *x)
{
    return fail(x, VG_STR("An operand in the update expression has an incorrect data type"));
}

/* --- operands ----------------------------------------------------------------------------------
 */

static bool
add_numbers(struct dynamodb_exprs *x, struct vg_str a, struct vg_str b, bool is_minus,
            struct vg_str *ret)
{
    if (dynamodb_value_type(a) != DYNAMODB_N || dynamodb_value_type(b) != DYNAMODB_N)
        return fail_type(x);
    struct dynamodb_number na, nb, sum;
    bool is_sound = dynamodb_number_unpack(dynamodb_value_body(a), &na)
                    && dynamodb_number_unpack(dynamodb_value_body(b), &nb);
    VG_ASSERT(is_sound);
    enum dynamodb_number_fault fault = dynamodb_number_add(&na, &nb, is_minus, &sum);
    if (fault != DYNAMODB_NUMBER_OK)
        return fail(x, dynamodb_number_fault_text(x->arena, fault, VG_STR("")));
    uint8_t packed[DYNAMODB_NUMBER_MAX_BYTES];
    size_t n = dynamodb_number_pack(&sum, packed);
    struct vg_buf buf;
    vg_buf_init(&buf, x->arena, sizeof(packed) + 2);
    dynamodb_put_scalar(&buf, DYNAMODB_N, vg_str_n(packed, n));
    *ret = vg_buf_str(&buf);
    return true;
}

static bool
append_lists(struct dynamodb_exprs *x, struct vg_str a, struct vg_str b, struct vg_str *ret)
{
    if (dynamodb_value_type(a) != DYNAMODB_L || dynamodb_value_type(b) != DYNAMODB_L)
        return fail_type(x);
    struct vg_buf buf;
    vg_buf_init(&buf, x->arena, a.len + b.len);
    size_t mark = dynamodb_put_begin(&buf, DYNAMODB_L);
    vg_buf_adds(&buf, dynamodb_value_body(a));
    vg_buf_adds(&buf, dynamodb_value_body(b));
    dynamodb_put_end(&buf, mark);
    *ret = vg_buf_str(&buf);
    return true;
}

/* The value of an operand of SET. Bounded: functions nest as deep as the parser lets them. */
static bool
set_value(struct dynamodb_exprs *x, const struct dynamodb_node *node, struct vg_str item,
          struct vg_str *ret)
{
    struct vg_str a, b;
    switch (node->op) {
    case DYNAMODB_OP_VALUE:
        *ret = node->value;
        return true;
    case DYNAMODB_OP_PATH:
        *ret = dynamodb_path_get(item, &node->path);
        if (ret->ptr == NULL)
            return fail(x, VG_STR("The provided expression refers to an attribute that does not "
                                  "exist in the item"));
        return true;
    case DYNAMODB_OP_IF_NOT_EXISTS:
        *ret = dynamodb_path_get(item, &node->args[0]->path);
        return ret->ptr != NULL || set_value(x, node->args[1], item, ret);
    case DYNAMODB_OP_LIST_APPEND:
        return set_value(x, node->args[0], item, &a) && set_value(x, node->args[1], item, &b)
               && append_lists(x, a, b, ret);
    case DYNAMODB_OP_PLUS:
    case DYNAMODB_OP_MINUS:
        return set_value(x, node->args[0], item, &a) && set_value(x, node->args[1], item, &b)
               && add_numbers(x, a, b, node->op == DYNAMODB_OP_MINUS, ret);
    default:
        VG_BUG("not an operand of SET");
    }
}

/* Union (or difference) of two sets of one type; absent when nothing is left. */
static struct vg_str
combine_sets(struct vg_arena *arena, struct vg_str a, struct vg_str b, bool is_minus)
{
    VG_VEC(struct vg_str) members = { 0 };
    struct vg_str body_a = dynamodb_value_body(a), body_b = dynamodb_value_body(b), rest, one;
    for (rest = body_a; dynamodb_next_member(&rest, &one);) {
        if (!is_minus || !dynamodb_set_has(body_b, one))
            *VG_VEC_ADD(arena, &members) = one;
    }
    for (rest = body_b; !is_minus && dynamodb_next_member(&rest, &one);) {
        if (!dynamodb_set_has(body_a, one))
            *VG_VEC_ADD(arena, &members) = one;
    }
    if (members.len == 0)
        return VG_STR_NONE;
    struct vg_buf buf;
    vg_buf_init(&buf, arena, a.len + b.len);
    dynamodb_put_set(&buf, dynamodb_value_type(a), members.items, members.len);
    return vg_buf_str(&buf);
}

static bool
add_value(struct dynamodb_exprs *x, struct vg_str had, struct vg_str v, struct vg_str *ret)
{
    *ret = v;
    if (had.ptr == NULL)
        return true;
    if (dynamodb_value_type(v) == DYNAMODB_N)
        return add_numbers(x, had, v, false, ret);
    if (dynamodb_value_type(had) != dynamodb_value_type(v))
        return fail_type(x);
    if (dynamodb_value_type(v) == DYNAMODB_L) /* only by the legacy AttributeUpdates */
        return append_lists(x, had, v, ret);
    *ret = combine_sets(x->arena, had, v, false);
    return true;
}

/* Whether there is something to hang the path's last step on. */
static bool
has_parent(struct vg_str item, const struct dynamodb_path *path)
{
    if (path->n == 1)
        return true;
    struct dynamodb_path above = { path->steps, path->n - 1 };
    struct vg_str parent = dynamodb_path_get(item, &above);
    return parent.ptr
           && dynamodb_value_type(parent)
                  == (path->steps[path->n - 1].name.ptr ? DYNAMODB_M : DYNAMODB_L);
}

static bool
plan_write(struct dynamodb_exprs *x, const struct dynamodb_action *action, struct vg_str item,
           struct write *ret)
{
    *ret = (struct write) { .path = &action->path };
    if (action->kind == DYNAMODB_ACTION_SET && !set_value(x, action->value, item, &ret->v))
        return false;
    struct vg_str had = dynamodb_path_get(item, &action->path);
    switch (action->kind) {
    case DYNAMODB_ACTION_SET:
        return true;
    case DYNAMODB_ACTION_REMOVE:
        ret->is_skipped = had.ptr == NULL;
        return true;
    case DYNAMODB_ACTION_ADD:
        return add_value(x, had, action->value->value, &ret->v);
    case DYNAMODB_ACTION_DELETE:
        ret->is_skipped = had.ptr == NULL;
        if (had.ptr == NULL)
            return true;
        if (dynamodb_value_type(had) != dynamodb_value_type(action->value->value))
            return fail_type(x);
        ret->v = combine_sets(x->arena, had, action->value->value, true);
        return true;
    }
    VG_BUG("no such action");
}

/* --- writing ------------------------------------------------------------------------------------
 */

static void edit_attrs(struct vg_buf *b, struct vg_str attrs, const struct write *w, size_t depth);

/* The value with the write done below it; bounded by the path's length. */
static void
edit_value(struct vg_buf *b, struct vg_str v, const struct write *w, size_t depth)
{
    enum dynamodb_type type = dynamodb_value_type(v);
    size_t mark = dynamodb_put_begin(b, type);
    struct vg_str rest = dynamodb_value_body(v), one;
    if (type == DYNAMODB_M) {
        edit_attrs(b, rest, w, depth);
        dynamodb_put_end(b, mark);
        return;
    }
    size_t index = w->path->steps[depth].index, i = 0;
    bool is_last = depth + 1 == w->path->n;
    for (; dynamodb_next_value(&rest, &one); i++) {
        if (i != index)
            vg_buf_adds(b, one);
        else if (!is_last)
            edit_value(b, one, w, depth + 1);
        else
            vg_buf_adds(b, w->v);
    }
    if (index >= i && is_last)
        vg_buf_adds(b, w->v);
    dynamodb_put_end(b, mark);
}

static void
edit_attrs(struct vg_buf *b, struct vg_str attrs, const struct write *w, size_t depth)
{
    struct vg_str name = w->path->steps[depth].name;
    bool is_last = depth + 1 == w->path->n, is_done = false;
    struct dynamodb_attr attr;
    while (dynamodb_next_attr(&attrs, &attr)) {
        int c = is_done ? 1 : vg_str_cmp(attr.name, name);
        if (c >= 0 && !is_done && is_last) {
            if (w->v.ptr)
                dynamodb_put_attr(b, name, w->v);
            is_done = true;
            if (c == 0)
                continue;
        }
        if (c == 0 && !is_last) {
            dynamodb_put_len(b, name.len);
            vg_buf_adds(b, name);
            edit_value(b, attr.v, w, depth + 1);
            continue;
        }
        dynamodb_put_attr(b, attr.name, attr.v);
    }
    if (!is_done && is_last && w->v.ptr)
        dynamodb_put_attr(b, name, w->v);
}

static int
cmp_write(const void *a, const void *b)
{
    const struct write *x = a, *y = b;
    bool x_removes = x->v.ptr == NULL, y_removes = y->v.ptr == NULL;
    if (x_removes != y_removes)
        return x_removes ? 1 : -1;
    int c = 0;
    for (size_t i = 0; c == 0 && i < x->path->n && i < y->path->n; i++) {
        const struct dynamodb_step *s = &x->path->steps[i], *t = &y->path->steps[i];
        c = vg_str_cmp(s->name, t->name);
        if (c == 0)
            c = (s->index > t->index) - (s->index < t->index);
    }
    return x_removes ? -c : c;
}

bool
dynamodb_apply_update(struct dynamodb_exprs *x, const struct dynamodb_update_plan *update,
                      struct vg_str item, struct vg_str *ret)
{
    struct write *writes = VG_NEW_ARRAY(x->arena, struct write, update->n);
    for (size_t i = 0; i < update->n; i++) {
        if (!has_parent(item, &update->actions[i].path))
            return fail(x, VG_STR("The document path provided in the update expression is invalid "
                                  "for update"));
    }
    for (size_t i = 0; i < update->n; i++) {
        if (!plan_write(x, &update->actions[i], item, &writes[i]))
            return false;
    }
    if (update->n > 1)
        qsort(writes, update->n, sizeof(*writes), cmp_write);
    for (size_t i = 0; i < update->n; i++) {
        if (writes[i].is_skipped)
            continue;
        struct vg_buf b;
        const struct dynamodb_path *path = writes[i].path;
        vg_buf_init(&b, x->arena,
                    item.len + writes[i].v.len + path->steps[path->n - 1].name.len + 64);
        edit_attrs(&b, item, &writes[i], 0);
        VG_ASSERT(!b.over);
        item = vg_buf_str(&b);
    }
    struct vg_str rest = item;
    struct dynamodb_attr attr;
    while (dynamodb_next_attr(&rest, &attr)) {
        if (dynamodb_value_depth(attr.v) > DYNAMODB_DEPTH_MAX)
            return fail(x, VG_STR("Nesting Levels have exceeded supported limits: Attributes in "
                                  "the item have nested levels beyond supported limit"));
    }
    *ret = item;
    return true;
}
