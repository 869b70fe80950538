/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DYNAMODB_PARSE_INT_H
#define DYNAMODB_PARSE_INT_H

/*
 * What the parsers of the expression kinds share.
 *
 * AWS checks an expression in passes: syntax, then parentheses, names, placeholders, operands.  We
 * parse once: a syntax error ends the parse, the others are kept with the rank of their pass and
 * the first one of the lowest rank is answered if there is no syntax error.
 */

#include "services/dynamodb/dynamodb_expr.h"
#include "services/dynamodb/dynamodb_lex.h"

enum dynamodb_rank {
    DYNAMODB_RANK_SYNTAX,
    DYNAMODB_RANK_PARENS,
    DYNAMODB_RANK_WORDS, /* functions, reserved words */
    DYNAMODB_RANK_NAMES,
    DYNAMODB_RANK_VALUES,
    DYNAMODB_RANK_COUNT,
    DYNAMODB_RANK_PATHS,
    DYNAMODB_RANK_OPERANDS,
    DYNAMODB_RANK_NONE,
};

struct dynamodb_parser {
    struct dynamodb_exprs *x;
    struct dynamodb_tokens toks;
    const char *label;
    bool is_update; /* which functions are known */
    enum dynamodb_rank rank;
    struct vg_str error;
    unsigned n_operators, depth;
};

/* False: the text is empty or too long; x->error is set. */
bool dynamodb_parser_init(struct dynamodb_parser *p, struct dynamodb_exprs *x, const char *label,
                          struct vg_str text);
/* At the end of the text: puts what was found wrong into x->error. */
bool dynamodb_parser_done(struct dynamodb_parser *p);

void dynamodb_parser_fault(struct dynamodb_parser *p, enum dynamodb_rank rank, const char *fmt, ...)
    VG_PRINTF(3, 4);
/* The present token should not be there: ends the parse. Always false. */
bool dynamodb_parser_unexpected(struct dynamodb_parser *p);

enum dynamodb_tok dynamodb_parser_peek(const struct dynamodb_parser *p);
struct vg_str dynamodb_parser_text(const struct dynamodb_parser *p); /* of the present token */
void dynamodb_parser_skip(struct dynamodb_parser *p);
bool dynamodb_parser_take(struct dynamodb_parser *p, enum dynamodb_tok tok); /* if it is there */
bool dynamodb_parser_expect(struct dynamodb_parser *p, enum dynamodb_tok tok);

bool dynamodb_parser_path(struct dynamodb_parser *p, struct dynamodb_path *ret);
/* A path, a value, a function, or one of these in parentheses. */
bool dynamodb_parser_operand(struct dynamodb_parser *p, struct dynamodb_node **ret);
bool dynamodb_parser_value(struct dynamodb_parser *p, struct dynamodb_node **ret);
struct dynamodb_node *dynamodb_parser_node(struct dynamodb_parser *p, enum dynamodb_op op);
void dynamodb_parser_add_arg(struct dynamodb_parser *p, struct dynamodb_node *node,
                             struct dynamodb_node *arg);
void dynamodb_parser_count(struct dynamodb_parser *p); /* one operator more */

/* Operand rules, once a node has all its arguments. */
void dynamodb_check_condition_node(struct dynamodb_parser *p, const struct dynamodb_node *node);
void dynamodb_check_function(struct dynamodb_parser *p, const struct dynamodb_node *node);
/* Paths of one expression that overlap or conflict. */
void dynamodb_check_overlap(struct dynamodb_parser *p, const struct dynamodb_path *paths, size_t n);
/* The type an operand certainly has; false: known only with the item. */
bool dynamodb_operand_type(const struct dynamodb_node *node, enum dynamodb_type *ret);

#endif
