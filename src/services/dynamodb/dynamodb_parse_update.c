/* SPDX-License-Identifier: Apache-2.0 */

/* Update expressions: sections SET, REMOVE, ADD, DELETE, each at most once, in any order. */

#include "services/dynamodb/dynamodb_parse_int.h"

struct section {
    enum dynamodb_tok tok;
    enum dynamodb_action_kind kind;
    const char *name;
};

static const struct section sections[] = {
    { DYNAMODB_TOK_SET, DYNAMODB_ACTION_SET, "SET" },
    { DYNAMODB_TOK_REMOVE, DYNAMODB_ACTION_REMOVE, "REMOVE" },
    { DYNAMODB_TOK_ADD, DYNAMODB_ACTION_ADD, "ADD" },
    { DYNAMODB_TOK_DELETE, DYNAMODB_ACTION_DELETE, "DELETE" },
};

const char *
dynamodb_long_type_name(enum dynamodb_type type)
{
    static const char *const names[] = {
        [DYNAMODB_S] = "STRING",      [DYNAMODB_N] = "NUMBER",      [DYNAMODB_B] = "BINARY",
        [DYNAMODB_BOOL] = "BOOLEAN",  [DYNAMODB_NULL] = "NULL",     [DYNAMODB_L] = "LIST",
        [DYNAMODB_M] = "MAP",         [DYNAMODB_SS] = "STRING_SET", [DYNAMODB_NS] = "NUMBER_SET",
        [DYNAMODB_BS] = "BINARY_SET",
    };
    return names[type];
}

static void
check_sum_operand(struct dynamodb_parser *p, const struct dynamodb_node *sum,
                  const struct dynamodb_node *arg)
{
    enum dynamodb_type type;
    if (dynamodb_operand_type(arg, &type) && type != DYNAMODB_N)
        dynamodb_parser_fault(p, DYNAMODB_RANK_OPERANDS,
                              "Incorrect operand type for operator or function; operator or "
                              "function: %" VG_FMT ", operand type: %" VG_FMT,
                              VG_ARG(dynamodb_op_name(sum)), VG_ARG(dynamodb_type_name(type)));
}

/* What stands right of '=': an operand, or a sum or difference of two; perhaps in parentheses. */
static bool
parse_set_value(struct dynamodb_parser *p, struct dynamodb_node **ret)
{
    unsigned n_parens = 0;
    while (dynamodb_parser_take(p, DYNAMODB_TOK_LPAREN))
        n_parens++;
    if (n_parens > 1)
        dynamodb_parser_fault(p, DYNAMODB_RANK_PARENS, "The expression has redundant parentheses;");
    struct dynamodb_node *left;
    if (!dynamodb_parser_operand(p, &left))
        return false;
    *ret = left;
    /* "(a) + b": the parenthesis was the operand's own */
    if (n_parens > 0 && dynamodb_parser_take(p, DYNAMODB_TOK_RPAREN))
        n_parens--;
    enum dynamodb_tok tok = dynamodb_parser_peek(p);
    if (tok == DYNAMODB_TOK_PLUS || tok == DYNAMODB_TOK_MINUS) {
        struct dynamodb_node *sum = dynamodb_parser_node(
            p, tok == DYNAMODB_TOK_PLUS ? DYNAMODB_OP_PLUS : DYNAMODB_OP_MINUS);
        dynamodb_parser_count(p);
        dynamodb_parser_skip(p);
        struct dynamodb_node *right;
        if (!dynamodb_parser_operand(p, &right))
            return false;
        dynamodb_parser_add_arg(p, sum, left);
        dynamodb_parser_add_arg(p, sum, right);
        check_sum_operand(p, sum, left);
        check_sum_operand(p, sum, right);
        *ret = sum;
    }
    for (; n_parens > 0; n_parens--) {
        if (!dynamodb_parser_expect(p, DYNAMODB_TOK_RPAREN))
            return false;
    }
    return true;
}

/* The value of ADD or DELETE, a placeholder of the right type. */
static bool
parse_amount(struct dynamodb_parser *p, const struct section *section, struct dynamodb_node **ret)
{
    if (!dynamodb_parser_value(p, ret))
        return false;
    enum dynamodb_type type;
    if (!dynamodb_operand_type(*ret, &type) || dynamodb_type_is_set(type)
        || (type == DYNAMODB_N && section->kind == DYNAMODB_ACTION_ADD))
        return true;
    dynamodb_parser_fault(p, DYNAMODB_RANK_OPERANDS,
                          "Incorrect operand type for operator or function; operator: %s, operand "
                          "type: %s, typeSet: ALLOWED_FOR_%s_OPERAND",
                          section->name, dynamodb_long_type_name(type), section->name);
    return true;
}

static bool
parse_action(struct dynamodb_parser *p, const struct section *section,
             struct dynamodb_action *action)
{
    action->kind = section->kind;
    if (!dynamodb_parser_path(p, &action->path))
        return false;
    struct dynamodb_node *value = NULL;
    bool is_ok = true;
    dynamodb_parser_count(p);
    if (section->kind == DYNAMODB_ACTION_SET)
        is_ok = dynamodb_parser_expect(p, DYNAMODB_TOK_EQ) && parse_set_value(p, &value);
    else if (section->kind != DYNAMODB_ACTION_REMOVE)
        is_ok = parse_amount(p, section, &value);
    action->value = value;
    return is_ok;
}

static const struct section *
find_section(enum dynamodb_tok tok)
{
    for (size_t i = 0; i < VG_COUNT(sections); i++) {
        if (sections[i].tok == tok)
            return &sections[i];
    }
    return NULL;
}

bool
dynamodb_parse_update(struct dynamodb_exprs *x, struct vg_str text,
                      struct dynamodb_update_plan *ret)
{
    struct dynamodb_parser p;
    if (!dynamodb_parser_init(&p, x, "UpdateExpression", text))
        return false;
    p.is_update = true;
    VG_VEC(struct dynamodb_action) actions = { 0 };
    bool has_section[VG_COUNT(sections)] = { false };
    bool is_ok = true;
    do {
        const struct section *section = find_section(dynamodb_parser_peek(&p));
        if (section == NULL) {
            is_ok = dynamodb_parser_unexpected(&p);
            break;
        }
        if (has_section[section->kind])
            dynamodb_parser_fault(&p, DYNAMODB_RANK_PARENS,
                                  "The \"%s\" section can only be used once in an update "
                                  "expression;",
                                  section->name);
        has_section[section->kind] = true;
        dynamodb_parser_skip(&p);
        do {
            struct dynamodb_action action = { .value = NULL };
            is_ok = parse_action(&p, section, &action);
            *VG_VEC_ADD(x->arena, &actions) = action;
        } while (is_ok && dynamodb_parser_take(&p, DYNAMODB_TOK_COMMA));
    } while (is_ok && dynamodb_parser_peek(&p) != DYNAMODB_TOK_EOF
             && find_section(dynamodb_parser_peek(&p)));
    if (is_ok) {
        struct dynamodb_path *paths = VG_NEW_ARRAY(x->arena, struct dynamodb_path, actions.len);
        for (size_t i = 0; i < actions.len; i++)
            paths[i] = actions.items[i].path;
        dynamodb_check_overlap(&p, paths, actions.len);
    }
    *ret = (struct dynamodb_update_plan) { actions.items, actions.len };
    return dynamodb_parser_done(&p);
}
