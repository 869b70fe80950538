/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DYNAMODB_EXPR_H
#define DYNAMODB_EXPR_H

/*
 * Expressions: conditions, updates, projections, key conditions, as one request gives them.
 *
 * A struct dynamodb_exprs holds what the expressions of one request share: the placeholders, and
 * which of them were used.  Everything that can be wrong with an expression is found when it is
 * parsed; functions return false then and leave AWS's message in x->error.  Parsed forms live in
 * the arena and are immutable.  Pure (no store, no request), not thread-safe.
 *
 * AWS: "Expressions in DynamoDB" in the developer guide; quotas: 4 KB, 300 operators, 100 operands
 * of IN.
 */

#include "base/arena.h"
#include "services/dynamodb/dynamodb_value.h"

#define DYNAMODB_EXPR_MAX_BYTES     4096
#define DYNAMODB_EXPR_MAX_OPERATORS 300
#define DYNAMODB_EXPR_MAX_IN        100
#define DYNAMODB_PATH_MAX_STEPS     32

enum dynamodb_op {
    DYNAMODB_OP_PATH = 1,
    DYNAMODB_OP_VALUE,
    /* functions: attribute_exists … list_append */
    DYNAMODB_OP_EXISTS,
    DYNAMODB_OP_NOT_EXISTS,
    DYNAMODB_OP_TYPE,
    DYNAMODB_OP_BEGINS,
    DYNAMODB_OP_CONTAINS,
    DYNAMODB_OP_SIZE,
    DYNAMODB_OP_IF_NOT_EXISTS,
    DYNAMODB_OP_LIST_APPEND,
    DYNAMODB_OP_UNKNOWN_FUNC,
    /* conditions */
    DYNAMODB_OP_EQ,
    DYNAMODB_OP_NE,
    DYNAMODB_OP_LT,
    DYNAMODB_OP_LE,
    DYNAMODB_OP_GT,
    DYNAMODB_OP_GE,
    DYNAMODB_OP_BETWEEN,
    DYNAMODB_OP_IN,
    DYNAMODB_OP_NOT,
    DYNAMODB_OP_AND,
    DYNAMODB_OP_OR,
    /* operands of SET */
    DYNAMODB_OP_PLUS,
    DYNAMODB_OP_MINUS,
};

/* One step of a document path: a name, or (name absent) an index. */
struct dynamodb_step {
    struct vg_str name;
    uint32_t index;
};

struct dynamodb_path {
    const struct dynamodb_step *steps; /* the first is a name */
    size_t n;
};

struct dynamodb_node {
    enum dynamodb_op op;
    struct dynamodb_node **args;
    size_t n;
    struct dynamodb_path path; /* PATH  */
    struct vg_str value;       /* VALUE */
    struct vg_str text;        /* a function's name, a placeholder */
};

/* --- the request's placeholders ----------------------------------------------------------------
 */

struct dynamodb_name_ref {
    struct vg_str key, name;
    bool is_used;
};

struct dynamodb_value_ref {
    struct vg_str key, v;
    bool is_used;
};

struct dynamodb_exprs {
    struct vg_arena *arena;
    struct dynamodb_name_ref *names;
    size_t n_names;
    struct dynamodb_value_ref *values;
    size_t n_values;
    struct vg_str error; /* AWS's message, once a function returned false */
};

void dynamodb_exprs_init(struct dynamodb_exprs *x, struct vg_arena *arena);
/* `keys` and `names` side by side. Checks the form of each. */
bool dynamodb_exprs_names(struct dynamodb_exprs *x, const struct vg_str *keys,
                          const struct vg_str *names, size_t n);
bool dynamodb_exprs_values(struct dynamodb_exprs *x, const struct dynamodb_item *values);
/* After all expressions were parsed: no placeholder may be left over. */
bool dynamodb_exprs_all_used(struct dynamodb_exprs *x);

/* --- parsing -----------------------------------------------------------------------------------
 */

/* `label` is the parameter's name: "ConditionExpression", "FilterExpression" … */
bool dynamodb_parse_condition(struct dynamodb_exprs *x, const char *label, struct vg_str text,
                              const struct dynamodb_node **ret);

struct dynamodb_projection_paths {
    const struct dynamodb_path *paths;
    size_t n;
};
bool dynamodb_parse_projection(struct dynamodb_exprs *x, struct vg_str text,
                               struct dynamodb_projection_paths *ret);

enum dynamodb_action_kind {
    DYNAMODB_ACTION_SET,
    DYNAMODB_ACTION_REMOVE,
    DYNAMODB_ACTION_ADD,
    DYNAMODB_ACTION_DELETE,
};

struct dynamodb_action {
    enum dynamodb_action_kind kind;
    struct dynamodb_path path;
    const struct dynamodb_node *value; /* NULL for REMOVE */
};

struct dynamodb_update_plan {
    const struct dynamodb_action *actions;
    size_t n;
};
bool dynamodb_parse_update(struct dynamodb_exprs *x, struct vg_str text,
                           struct dynamodb_update_plan *ret);

/* "[a, [0], b]" */
struct vg_str dynamodb_path_text(struct vg_arena *arena, const struct dynamodb_path *path);
bool dynamodb_path_eq(const struct dynamodb_path *a, const struct dynamodb_path *b);
/* "STRING", "NUMBER_SET" …: types as the messages on ADD and DELETE name them. */
const char *dynamodb_long_type_name(enum dynamodb_type type);
/* The name of an operator or function in messages: "=", "BETWEEN", "size". */
struct vg_str dynamodb_op_name(const struct dynamodb_node *node);

/* --- evaluating --------------------------------------------------------------------------------
 */

/* The value at the path; absent when there is none. */
struct vg_str dynamodb_path_get(struct vg_str item, const struct dynamodb_path *path);
/* Whether the item (empty: no item) meets the condition. */
bool dynamodb_condition_holds(struct vg_arena *arena, const struct dynamodb_node *cond,
                              struct vg_str item);
/* The parts of the item that the paths name. */
struct vg_str dynamodb_project(struct vg_arena *arena, struct vg_str item,
                               const struct dynamodb_projection_paths *paths);
/*
 * The item after the update; `item` empty when there is none yet (then with its key attributes in
 * it).  False with x->error: a ValidationException that depends on the item.
 */
bool dynamodb_apply_update(struct dynamodb_exprs *x, const struct dynamodb_update_plan *update,
                           struct vg_str item, struct vg_str *ret);

#endif
