/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DYNAMODB_LEX_H
#define DYNAMODB_LEX_H

/* The tokens of every kind of expression. Keywords are of any case. Pure; any thread. */

#include "base/arena.h"
#include "base/str.h"

enum dynamodb_tok {
    DYNAMODB_TOK_EOF,
    DYNAMODB_TOK_BAD,    /* a character of no token, or '#' and ':' without a name */
    DYNAMODB_TOK_IDENT,  /* a letter, then letters, digits, '_' */
    DYNAMODB_TOK_NAME,   /* #name  */
    DYNAMODB_TOK_VALUE,  /* :value */
    DYNAMODB_TOK_NUMBER, /* 0, or digits that do not begin with 0 */
    DYNAMODB_TOK_LPAREN,
    DYNAMODB_TOK_RPAREN,
    DYNAMODB_TOK_LBRACKET,
    DYNAMODB_TOK_RBRACKET,
    DYNAMODB_TOK_DOT,
    DYNAMODB_TOK_COMMA,
    DYNAMODB_TOK_PLUS,
    DYNAMODB_TOK_MINUS,
    DYNAMODB_TOK_EQ,
    DYNAMODB_TOK_NE,
    DYNAMODB_TOK_LT,
    DYNAMODB_TOK_LE,
    DYNAMODB_TOK_GT,
    DYNAMODB_TOK_GE,
    DYNAMODB_TOK_AND,
    DYNAMODB_TOK_OR,
    DYNAMODB_TOK_NOT,
    DYNAMODB_TOK_BETWEEN,
    DYNAMODB_TOK_IN,
    DYNAMODB_TOK_SET,
    DYNAMODB_TOK_REMOVE,
    DYNAMODB_TOK_ADD,
    DYNAMODB_TOK_DELETE,
};

struct dynamodb_token {
    enum dynamodb_tok kind;
    uint32_t start, end; /* of the text */
};

struct dynamodb_tokens {
    struct vg_str text;
    VG_VEC(struct dynamodb_token) all; /* the last is EOF */
    size_t at;
};

void dynamodb_lex(struct vg_arena *arena, struct vg_str text, struct dynamodb_tokens *ret);
struct vg_str dynamodb_token_text(const struct dynamodb_tokens *toks, size_t i);
/* AWS's "Syntax error; token: …, near: …" for token `i`: near is it with its neighbours. */
struct vg_str dynamodb_syntax_error(struct vg_arena *arena, const struct dynamodb_tokens *toks,
                                    size_t i);

/* "#name" or ":value": the sign, then letters, digits, '_'. */
bool dynamodb_is_placeholder(struct vg_str s, char sign);
/* AWS, "Reserved words in DynamoDB"; any case. */
bool dynamodb_is_reserved(struct vg_str word);

#endif
