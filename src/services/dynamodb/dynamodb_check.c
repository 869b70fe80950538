/* SPDX-License-Identifier: Apache-2.0 */

/* What operators and functions take: checked when an expression is parsed, before any item is read.
 */

#include "services/dynamodb/dynamodb_parse_int.h"
#include "services/dynamodb/dynamodb_value_json.h"

static const char *const op_names[] = {
    [DYNAMODB_OP_EQ] = "=",    [DYNAMODB_OP_NE] = "<>",
    [DYNAMODB_OP_LT] = "<",    [DYNAMODB_OP_LE] = "<=",
    [DYNAMODB_OP_GT] = ">",    [DYNAMODB_OP_GE] = ">=",
    [DYNAMODB_OP_IN] = "IN",   [DYNAMODB_OP_BETWEEN] = "BETWEEN",
    [DYNAMODB_OP_NOT] = "NOT", [DYNAMODB_OP_AND] = "AND",
    [DYNAMODB_OP_OR] = "OR",   [DYNAMODB_OP_PLUS] = "+",
    [DYNAMODB_OP_MINUS] = "-",
};

struct vg_str
dynamodb_op_name(const struct dynamodb_node *node)
{
    if (node->text.ptr)
        return node->text;
    return vg_str_of(op_names[node->op]);
}

bool
dynamodb_operand_type(const struct dynamodb_node *node, enum dynamodb_type *ret)
{
    switch (node->op) {
    case DYNAMODB_OP_VALUE:
        if (node->value.ptr == NULL)
            return false;
        *ret = dynamodb_value_type(node->value);
        return true;
    case DYNAMODB_OP_SIZE:
        *ret = DYNAMODB_N;
        return true;
    case DYNAMODB_OP_LIST_APPEND:
        *ret = DYNAMODB_L;
        return true;
    case DYNAMODB_OP_PLUS:
    case DYNAMODB_OP_MINUS:
        *ret = DYNAMODB_N;
        return true;
    default:
        return false;
    }
}

#define TYPES(t)    (1u << (t))
#define ORDERED     (TYPES(DYNAMODB_S) | TYPES(DYNAMODB_N) | TYPES(DYNAMODB_B))
#define WITH_PREFIX (TYPES(DYNAMODB_S) | TYPES(DYNAMODB_B))
#define ALL_SETS    (TYPES(DYNAMODB_SS) | TYPES(DYNAMODB_NS) | TYPES(DYNAMODB_BS))
#define WITH_SIZE   (WITH_PREFIX | ALL_SETS | TYPES(DYNAMODB_L) | TYPES(DYNAMODB_M))

/* Faults an operand that certainly is of another type. */
static void
check_type(struct dynamodb_parser *p, const struct dynamodb_node *node,
           const struct dynamodb_node *arg, unsigned types)
{
    enum dynamodb_type type;
    if (!dynamodb_operand_type(arg, &type) || (types & TYPES(type)))
        return;
    dynamodb_parser_fault(p, DYNAMODB_RANK_OPERANDS,
                          "Incorrect operand type for operator or function; operator or function: "
                          "%" VG_FMT ", operand type: %" VG_FMT,
                          VG_ARG(dynamodb_op_name(node)), VG_ARG(dynamodb_type_name(type)));
}

/* A condition's function (or an update's value) as an operand must have a value. */
static void
check_has_value(struct dynamodb_parser *p, const struct dynamodb_node *arg)
{
    if (arg->op >= DYNAMODB_OP_EXISTS && arg->op <= DYNAMODB_OP_CONTAINS)
        dynamodb_parser_fault(p, DYNAMODB_RANK_OPERANDS,
                              "The function is not allowed to be used this way in an expression; "
                              "function: %" VG_FMT,
                              VG_ARG(arg->text));
}

/* The first operand, a path, may not come again. */
static void
check_distinct(struct dynamodb_parser *p, const struct dynamodb_node *node)
{
    const struct dynamodb_node *first = node->args[0];
    for (size_t i = 1; i < node->n; i++) {
        if (first->op != DYNAMODB_OP_PATH || node->args[i]->op != DYNAMODB_OP_PATH
            || !dynamodb_path_eq(&first->path, &node->args[i]->path))
            continue;
        dynamodb_parser_fault(
            p, DYNAMODB_RANK_OPERANDS,
            "The first operand must be distinct from the remaining operands for "
            "this operator or function; operator: %" VG_FMT ", first operand: %" VG_FMT,
            VG_ARG(dynamodb_op_name(node)), VG_ARG(dynamodb_path_text(p->x->arena, &first->path)));
        return;
    }
}

static bool
is_path_first(enum dynamodb_op op)
{
    return op == DYNAMODB_OP_EXISTS || op == DYNAMODB_OP_NOT_EXISTS
           || op == DYNAMODB_OP_IF_NOT_EXISTS;
}

/* The second operand of attribute_type names a type. */
static void
check_type_name(struct dynamodb_parser *p, const struct dynamodb_node *node)
{
    const struct dynamodb_node *arg = node->args[1];
    if (arg->op != DYNAMODB_OP_VALUE) {
        dynamodb_parser_fault(p, DYNAMODB_RANK_OPERANDS,
                              "Incorrect operand type for operator or function; operator or "
                              "function: %" VG_FMT ", operand type: %s",
                              VG_ARG(node->text), "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}");
        return;
    }
    check_type(p, node, arg, TYPES(DYNAMODB_S));
    enum dynamodb_type type;
    if (arg->value.ptr == NULL || dynamodb_value_type(arg->value) != DYNAMODB_S)
        return;
    struct vg_str name = dynamodb_value_body(arg->value);
    if (!dynamodb_type_of_name(name, &type))
        dynamodb_parser_fault(p, DYNAMODB_RANK_OPERANDS,
                              "Invalid attribute type name found; type: %" VG_FMT
                              ", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
                              VG_ARG(name));
}

void
dynamodb_check_function(struct dynamodb_parser *p, const struct dynamodb_node *node)
{
    if (node->op == DYNAMODB_OP_UNKNOWN_FUNC)
        return;
    bool is_unary = node->op == DYNAMODB_OP_EXISTS || node->op == DYNAMODB_OP_NOT_EXISTS
                    || node->op == DYNAMODB_OP_SIZE;
    if (node->n != (is_unary ? 1 : 2)) {
        dynamodb_parser_fault(p, DYNAMODB_RANK_OPERANDS,
                              "Incorrect number of operands for operator or function; operator or "
                              "function: %" VG_FMT ", number of operands: %zu",
                              VG_ARG(node->text), node->n);
        return;
    }
    if (is_path_first(node->op) && node->args[0]->op != DYNAMODB_OP_PATH) {
        dynamodb_parser_fault(p, DYNAMODB_RANK_OPERANDS,
                              "Operator or function requires a document path; operator or "
                              "function: %" VG_FMT,
                              VG_ARG(node->text));
        return;
    }
    for (size_t i = 0; i < node->n; i++)
        check_has_value(p, node->args[i]);
    switch (node->op) {
    case DYNAMODB_OP_SIZE:
        check_type(p, node, node->args[0], WITH_SIZE);
        break;
    case DYNAMODB_OP_BEGINS:
        check_type(p, node, node->args[0], WITH_PREFIX);
        check_type(p, node, node->args[1], WITH_PREFIX);
        check_distinct(p, node);
        break;
    case DYNAMODB_OP_CONTAINS:
    case DYNAMODB_OP_IF_NOT_EXISTS:
        check_distinct(p, node);
        break;
    case DYNAMODB_OP_TYPE:
        check_type_name(p, node);
        break;
    case DYNAMODB_OP_LIST_APPEND:
        check_type(p, node, node->args[0], TYPES(DYNAMODB_L));
        check_type(p, node, node->args[1], TYPES(DYNAMODB_L));
        break;
    default:
        break;
    }
}

/* "AttributeValue: {N:1}" as it stands in the messages on BETWEEN. */
static struct vg_str
bound_text(struct vg_arena *arena, struct vg_str v)
{
    struct vg_buf json, b;
    struct vg_json_out w;
    vg_buf_init(&json, arena, 64u << 10);
    vg_jsonw_init(&w, &json);
    dynamodb_value_write(&w, v);
    vg_buf_init(&b, arena, 64u << 10);
    struct vg_str text = vg_buf_str(&json);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '"')
            vg_buf_addc(&b, text.ptr[i]);
    }
    return vg_str_fmt(arena, "AttributeValue: %" VG_FMT, VG_ARG(vg_buf_str(&b)));
}

/* The bounds of BETWEEN, where both are given as values. */
static void
check_bounds(struct dynamodb_parser *p, const struct dynamodb_node *node)
{
    struct vg_str low = node->args[1]->value, high = node->args[2]->value;
    if (low.ptr == NULL || high.ptr == NULL)
        return;
    bool is_same = dynamodb_value_type(low) == dynamodb_value_type(high);
    int c = 0;
    if (is_same && (!dynamodb_value_cmp(low, high, &c) || c <= 0))
        return;
    const char *rule = is_same ? "upper bound to be greater than or equal to lower bound"
                               : "same data type for lower and upper bounds";
    dynamodb_parser_fault(p, DYNAMODB_RANK_OPERANDS,
                          "The BETWEEN operator requires %s; lower bound operand: %" VG_FMT
                          ", upper bound operand: %" VG_FMT,
                          rule, VG_ARG(bound_text(p->x->arena, low)),
                          VG_ARG(bound_text(p->x->arena, high)));
}

void
dynamodb_check_condition_node(struct dynamodb_parser *p, const struct dynamodb_node *node)
{
    for (size_t i = 0; i < node->n; i++)
        check_has_value(p, node->args[i]);
    if (node->op == DYNAMODB_OP_IN && node->n - 1 > DYNAMODB_EXPR_MAX_IN)
        dynamodb_parser_fault(p, DYNAMODB_RANK_OPERANDS,
                              "The IN operator is provided with too many operands; number of "
                              "operands: %zu",
                              node->n - 1);
    if ((node->op >= DYNAMODB_OP_LT && node->op <= DYNAMODB_OP_GE)
        || node->op == DYNAMODB_OP_BETWEEN) {
        for (size_t i = 0; i < node->n; i++)
            check_type(p, node, node->args[i], ORDERED);
    }
    check_distinct(p, node);
    if (node->op == DYNAMODB_OP_BETWEEN)
        check_bounds(p, node);
}
