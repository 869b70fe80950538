/* SPDX-License-Identifier: Apache-2.0 */

/* Conditions, by recursive descent: OR, AND, NOT, then comparisons of operands. */

#include "services/dynamodb/dynamodb_parse_int.h"

static bool parse_or(struct dynamodb_parser *p, struct dynamodb_node **ret, bool *ret_is_paren);

static bool
is_condition(const struct dynamodb_node *node)
{
    return node->op >= DYNAMODB_OP_EQ && node->op <= DYNAMODB_OP_OR;
}

/* A path or value where a condition must be: the token after it is what is wrong. */
static bool
require_condition(struct dynamodb_parser *p, const struct dynamodb_node *node)
{
    if (node->op == DYNAMODB_OP_PATH || node->op == DYNAMODB_OP_VALUE)
        return dynamodb_parser_unexpected(p);
    if (node->op >= DYNAMODB_OP_SIZE && node->op <= DYNAMODB_OP_LIST_APPEND)
        dynamodb_parser_fault(p, DYNAMODB_RANK_OPERANDS,
                              "The function is not allowed to be used this way in an expression; "
                              "function: %" VG_FMT,
                              VG_ARG(node->text));
    return true;
}

static bool
parse_arg(struct dynamodb_parser *p, struct dynamodb_node *node)
{
    struct dynamodb_node *arg;
    if (!dynamodb_parser_operand(p, &arg))
        return false;
    dynamodb_parser_add_arg(p, node, arg);
    return true;
}

/* What follows an operand: a comparator, BETWEEN, IN, or nothing of these. */
static bool
parse_rest(struct dynamodb_parser *p, struct dynamodb_node *left, struct dynamodb_node **ret)
{
    enum dynamodb_tok tok = dynamodb_parser_peek(p);
    *ret = left;
    if (!(tok >= DYNAMODB_TOK_EQ && tok <= DYNAMODB_TOK_GE) && tok != DYNAMODB_TOK_BETWEEN
        && tok != DYNAMODB_TOK_IN)
        return true;
    static const enum dynamodb_op comparators[] = {
        DYNAMODB_OP_EQ, DYNAMODB_OP_NE, DYNAMODB_OP_LT,
        DYNAMODB_OP_LE, DYNAMODB_OP_GT, DYNAMODB_OP_GE
    };
    struct dynamodb_node *node =
        dynamodb_parser_node(p, tok == DYNAMODB_TOK_BETWEEN ? DYNAMODB_OP_BETWEEN
                                : tok == DYNAMODB_TOK_IN    ? DYNAMODB_OP_IN
                                                            : comparators[tok - DYNAMODB_TOK_EQ]);
    dynamodb_parser_count(p);
    dynamodb_parser_skip(p);
    dynamodb_parser_add_arg(p, node, left);
    bool is_ok;
    if (tok == DYNAMODB_TOK_BETWEEN) {
        is_ok =
            parse_arg(p, node) && dynamodb_parser_expect(p, DYNAMODB_TOK_AND) && parse_arg(p, node);
    } else if (tok == DYNAMODB_TOK_IN) {
        is_ok = dynamodb_parser_expect(p, DYNAMODB_TOK_LPAREN);
        do {
            is_ok = is_ok && parse_arg(p, node);
        } while (is_ok && dynamodb_parser_take(p, DYNAMODB_TOK_COMMA));
        is_ok = is_ok && dynamodb_parser_expect(p, DYNAMODB_TOK_RPAREN);
    } else {
        is_ok = parse_arg(p, node);
    }
    if (!is_ok)
        return false;
    dynamodb_check_condition_node(p, node);
    *ret = node;
    return true;
}

static bool
parse_comparison(struct dynamodb_parser *p, struct dynamodb_node **ret, bool *ret_is_paren)
{
    struct dynamodb_node *left;
    bool is_paren = dynamodb_parser_peek(p) == DYNAMODB_TOK_LPAREN;
    if (is_paren) {
        if (++p->depth > DYNAMODB_EXPR_MAX_OPERATORS) {
            dynamodb_parser_fault(p, DYNAMODB_RANK_SYNTAX,
                                  "The expression has redundant parentheses;");
            return false;
        }
        bool is_double;
        dynamodb_parser_skip(p);
        if (!parse_or(p, &left, &is_double) || !dynamodb_parser_expect(p, DYNAMODB_TOK_RPAREN))
            return false;
        p->depth--;
        if (is_double)
            dynamodb_parser_fault(p, DYNAMODB_RANK_PARENS,
                                  "The expression has redundant parentheses;");
    } else if (!dynamodb_parser_operand(p, &left)) {
        return false;
    }
    if (is_paren && is_condition(left))
        *ret = left;
    else if (!parse_rest(p, left, ret))
        return false;
    *ret_is_paren = is_paren && *ret == left;
    return true;
}

/* Comparisons under NOT, joined by AND; a lone operand is given back as it is. */
static bool
parse_and(struct dynamodb_parser *p, struct dynamodb_node **ret, bool *ret_is_paren)
{
    struct dynamodb_node *all = NULL;
    for (;;) {
        bool is_not = false, has_not = false;
        while (dynamodb_parser_take(p, DYNAMODB_TOK_NOT)) {
            dynamodb_parser_count(p);
            is_not = !is_not;
            has_not = true;
        }
        struct dynamodb_node *one;
        if (!parse_comparison(p, &one, ret_is_paren))
            return false;
        bool has_more = dynamodb_parser_peek(p) == DYNAMODB_TOK_AND;
        if ((has_not || has_more || all) && !require_condition(p, one))
            return false;
        if (is_not) {
            struct dynamodb_node *node = dynamodb_parser_node(p, DYNAMODB_OP_NOT);
            dynamodb_parser_add_arg(p, node, one);
            one = node;
        }
        if (has_more && all == NULL)
            all = dynamodb_parser_node(p, DYNAMODB_OP_AND);
        if (all)
            dynamodb_parser_add_arg(p, all, one);
        *ret_is_paren = *ret_is_paren && !all && !has_not;
        if (!has_more) {
            *ret = all ? all : one;
            return true;
        }
        dynamodb_parser_count(p);
        dynamodb_parser_skip(p);
    }
}

static bool
parse_or(struct dynamodb_parser *p, struct dynamodb_node **ret, bool *ret_is_paren)
{
    struct dynamodb_node *all = NULL;
    for (;;) {
        struct dynamodb_node *one;
        if (!parse_and(p, &one, ret_is_paren))
            return false;
        bool has_more = dynamodb_parser_peek(p) == DYNAMODB_TOK_OR;
        if ((has_more || all) && !require_condition(p, one))
            return false;
        if (has_more && all == NULL)
            all = dynamodb_parser_node(p, DYNAMODB_OP_OR);
        if (all)
            dynamodb_parser_add_arg(p, all, one);
        *ret_is_paren = *ret_is_paren && !all;
        if (!has_more) {
            *ret = all ? all : one;
            return true;
        }
        dynamodb_parser_count(p);
        dynamodb_parser_skip(p);
    }
}

bool
dynamodb_parse_condition(struct dynamodb_exprs *x, const char *label, struct vg_str text,
                         const struct dynamodb_node **ret)
{
    struct dynamodb_parser p;
    if (!dynamodb_parser_init(&p, x, label, text))
        return false;
    struct dynamodb_node *node = NULL;
    bool is_paren;
    if (parse_or(&p, &node, &is_paren))
        (void)require_condition(&p, node);
    *ret = node;
    return dynamodb_parser_done(&p);
}

bool
dynamodb_parse_projection(struct dynamodb_exprs *x, struct vg_str text,
                          struct dynamodb_projection_paths *ret)
{
    struct dynamodb_parser p;
    if (!dynamodb_parser_init(&p, x, "ProjectionExpression", text))
        return false;
    VG_VEC(struct dynamodb_path) paths = { 0 };
    bool is_ok;
    do {
        is_ok = dynamodb_parser_path(&p, VG_VEC_ADD(x->arena, &paths));
    } while (is_ok && dynamodb_parser_take(&p, DYNAMODB_TOK_COMMA));
    if (is_ok)
        dynamodb_check_overlap(&p, paths.items, paths.len);
    *ret = (struct dynamodb_projection_paths) { paths.items, paths.len };
    return dynamodb_parser_done(&p);
}
