/* SPDX-License-Identifier: Apache-2.0 */
#include "services/dynamodb/dynamodb_lex.h"

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
    return is_letter(c) || is_digit(c) || c == '_';
}

static enum dynamodb_tok
keyword(struct vg_str word)
{
    static const struct {
        struct vg_str word;
        enum dynamodb_tok tok;
    } keywords[] = {
        { VG_STR_INIT("AND"), DYNAMODB_TOK_AND },         { VG_STR_INIT("OR"), DYNAMODB_TOK_OR },
        { VG_STR_INIT("NOT"), DYNAMODB_TOK_NOT },         { VG_STR_INIT("IN"), DYNAMODB_TOK_IN },
        { VG_STR_INIT("BETWEEN"), DYNAMODB_TOK_BETWEEN }, { VG_STR_INIT("SET"), DYNAMODB_TOK_SET },
        { VG_STR_INIT("REMOVE"), DYNAMODB_TOK_REMOVE },   { VG_STR_INIT("ADD"), DYNAMODB_TOK_ADD },
        { VG_STR_INIT("DELETE"), DYNAMODB_TOK_DELETE },
    };
    for (size_t i = 0; i < VG_COUNT(keywords); i++) {
        if (vg_str_eq_nocase(word, keywords[i].word))
            return keywords[i].tok;
    }
    return DYNAMODB_TOK_IDENT;
}

static size_t
run_of_words(struct vg_str s, size_t i)
{
    while (i < s.len && is_word(s.ptr[i]))
        i++;
    return i;
}

/* Bytes of the character at `i`, so that a message shows it whole. */
static size_t
char_len(struct vg_str s, size_t i)
{
    size_t n = 1;
    if ((unsigned char)s.ptr[i] >= 0xC0)
        while (i + n < s.len && ((unsigned char)s.ptr[i + n] & 0xC0) == 0x80)
            n++;
    return n;
}

static enum dynamodb_tok
symbol(char c)
{
    static const char symbols[] = "()[].,+-=<>";
    static const enum dynamodb_tok toks[] = {
        DYNAMODB_TOK_LPAREN, DYNAMODB_TOK_RPAREN, DYNAMODB_TOK_LBRACKET, DYNAMODB_TOK_RBRACKET,
        DYNAMODB_TOK_DOT,    DYNAMODB_TOK_COMMA,  DYNAMODB_TOK_PLUS,     DYNAMODB_TOK_MINUS,
        DYNAMODB_TOK_EQ,     DYNAMODB_TOK_LT,     DYNAMODB_TOK_GT
    };
    const char *at = c ? strchr(symbols, c) : NULL;
    return at ? toks[at - symbols] : DYNAMODB_TOK_BAD;
}

/* The token that begins at `i`. */
static struct dynamodb_token
next_token(struct vg_str s, size_t i)
{
    char c = s.ptr[i];
    size_t end = i + 1;
    enum dynamodb_tok kind = symbol(c);
    char after = end < s.len ? s.ptr[end] : '\0';
    if (is_letter(c)) {
        end = run_of_words(s, i);
        kind = keyword(vg_str_slice(s, i, end));
    } else if (c == '#' || c == ':') {
        end = run_of_words(s, end);
        kind = end == i + 1 ? DYNAMODB_TOK_BAD : c == '#' ? DYNAMODB_TOK_NAME : DYNAMODB_TOK_VALUE;
    } else if (is_digit(c)) {
        while (c != '0' && end < s.len && is_digit(s.ptr[end]))
            end++;
        kind = DYNAMODB_TOK_NUMBER;
    } else if ((c == '<' && (after == '>' || after == '=')) || (c == '>' && after == '=')) {
        end++;
        kind = c == '>' ? DYNAMODB_TOK_GE : after == '>' ? DYNAMODB_TOK_NE : DYNAMODB_TOK_LE;
    } else if (kind == DYNAMODB_TOK_BAD) {
        end = i + char_len(s, i);
    }
    return (struct dynamodb_token) { kind, (uint32_t)i, (uint32_t)end };
}

void
dynamodb_lex(struct vg_arena *arena, struct vg_str text, struct dynamodb_tokens *ret)
{
    *ret = (struct dynamodb_tokens) { .text = text };
    size_t i = 0;
    while (i < text.len) {
        char c = text.ptr[i];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
            i++;
            continue;
        }
        struct dynamodb_token tok = next_token(text, i);
        *VG_VEC_ADD(arena, &ret->all) = tok;
        i = tok.end;
    }
    *VG_VEC_ADD(arena, &ret->all) =
        (struct dynamodb_token) { DYNAMODB_TOK_EOF, (uint32_t)text.len, (uint32_t)text.len };
}

struct vg_str
dynamodb_token_text(const struct dynamodb_tokens *toks, size_t i)
{
    const struct dynamodb_token *t = &toks->all.items[i];
    return t->kind == DYNAMODB_TOK_EOF ? VG_STR("<EOF>")
                                       : vg_str_slice(toks->text, t->start, t->end);
}

struct vg_str
dynamodb_syntax_error(struct vg_arena *arena, const struct dynamodb_tokens *toks, size_t i)
{
    const struct dynamodb_token *all = toks->all.items;
    bool is_end = all[i].kind == DYNAMODB_TOK_EOF;
    size_t from = i > 0 ? all[i - 1].start : 0;
    size_t to = is_end ? all[i].end : i + 2 < toks->all.len ? all[i + 1].end : all[i].end;
    struct vg_str token = dynamodb_token_text(toks, i);
    struct vg_str near = vg_str_slice(toks->text, from, to);
    return vg_str_fmt(arena, "Syntax error; token: \"%" VG_FMT "\", near: \"%" VG_FMT "\"",
                      VG_ARG(token), VG_ARG(near));
}

bool
dynamodb_is_placeholder(struct vg_str s, char sign)
{
    return s.len > 1 && s.ptr[0] == sign && run_of_words(s, 1) == s.len;
}
