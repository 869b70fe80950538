/* SPDX-License-Identifier: Apache-2.0 */

/* Placeholders of a request, and what every kind of expression is made of: paths and operands. */

#include "services/dynamodb/dynamodb_expr.h"

#include "base/limits.h"
#include "services/dynamodb/dynamodb_parse_int.h"

#include <stdarg.h>

void
dynamodb_exprs_init(struct dynamodb_exprs *x, struct vg_arena *arena)
{
    *x = (struct dynamodb_exprs) { .arena = arena };
}

bool
dynamodb_exprs_names(struct dynamodb_exprs *x, const struct vg_str *keys,
                     const struct vg_str *names, size_t n)
{
    x->names = VG_NEW_ARRAY(x->arena, struct dynamodb_name_ref, n + 1);
    if (n == 0) {
        x->error = VG_STR("ExpressionAttributeNames must not be empty");
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!dynamodb_is_placeholder(keys[i], '#')) {
            x->error = vg_str_fmt(x->arena,
                                  "ExpressionAttributeNames contains invalid key: Syntax error; "
                                  "key: \"%" VG_FMT "\"",
                                  VG_ARG(keys[i]));
            return false;
        }
        if (names[i].len == 0) {
            x->error = vg_str_fmt(x->arena,
                                  "ExpressionAttributeNames contains invalid value: Empty "
                                  "attribute name for key %" VG_FMT,
                                  VG_ARG(keys[i]));
            return false;
        }
        x->names[i] = (struct dynamodb_name_ref) { keys[i], names[i], false };
    }
    x->n_names = n;
    return true;
}

bool
dynamodb_exprs_values(struct dynamodb_exprs *x, const struct dynamodb_item *values)
{
    if (values->v.len == 0) {
        x->error = VG_STR("ExpressionAttributeValues must not be empty");
        return false;
    }
    size_t n = dynamodb_item_count(values->v);
    x->values = VG_NEW_ARRAY(x->arena, struct dynamodb_value_ref, n);
    struct vg_str rest = values->v;
    struct dynamodb_attr attr;
    while (dynamodb_next_attr(&rest, &attr)) {
        if (!dynamodb_is_placeholder(attr.name, ':')) {
            x->error = vg_str_fmt(x->arena,
                                  "ExpressionAttributeValues contains invalid key: Syntax error; "
                                  "key: \"%" VG_FMT "\"",
                                  VG_ARG(attr.name));
            return false;
        }
        x->values[x->n_values++] = (struct dynamodb_value_ref) { attr.name, attr.v, false };
    }
    if (values->fault.ptr) {
        x->error = vg_str_fmt(x->arena,
                              "ExpressionAttributeValues contains invalid value: %" VG_FMT
                              " for key %" VG_FMT,
                              VG_ARG(values->fault), VG_ARG(values->fault_key));
        return false;
    }
    return true;
}

bool
dynamodb_exprs_all_used(struct dynamodb_exprs *x)
{
    struct vg_buf b;
    vg_buf_init(&b, x->arena, VG_ERR_TEXT_MAX_BYTES);
    for (size_t i = 0; i < x->n_names; i++) {
        if (!x->names[i].is_used)
            vg_buf_addf(&b, "%s%" VG_FMT, b.len ? ", " : "", VG_ARG(x->names[i].key));
    }
    const char *what = "ExpressionAttributeNames";
    if (b.len == 0) {
        what = "ExpressionAttributeValues";
        for (size_t i = 0; i < x->n_values; i++) {
            if (!x->values[i].is_used)
                vg_buf_addf(&b, "%s%" VG_FMT, b.len ? ", " : "", VG_ARG(x->values[i].key));
        }
    }
    if (b.len == 0)
        return true;
    x->error =
        vg_str_fmt(x->arena, "Value provided in %s unused in expressions: keys: {%" VG_FMT "}",
                   what, VG_ARG(vg_buf_str(&b)));
    return false;
}

/* --- the parser's tools ------------------------------------------------------------------------
 */

bool
dynamodb_parser_init(struct dynamodb_parser *p, struct dynamodb_exprs *x, const char *label,
                     struct vg_str text)
{
    *p = (struct dynamodb_parser) { .x = x, .label = label, .rank = DYNAMODB_RANK_NONE };
    if (text.len == 0) {
        x->error = vg_str_fmt(x->arena, "Invalid %s: The expression can not be empty;", label);
        return false;
    }
    if (text.len > DYNAMODB_EXPR_MAX_BYTES) {
        x->error = vg_str_fmt(x->arena,
                              "Invalid %s: Expression size has exceeded the maximum allowed size; "
                              "expression size: %zu",
                              label, text.len);
        return false;
    }
    dynamodb_lex(x->arena, text, &p->toks);
    return true;
}

bool
dynamodb_parser_done(struct dynamodb_parser *p)
{
    if (p->rank != DYNAMODB_RANK_SYNTAX && dynamodb_parser_peek(p) != DYNAMODB_TOK_EOF)
        (void)dynamodb_parser_unexpected(p);
    if (p->rank == DYNAMODB_RANK_NONE)
        return true;
    p->x->error = vg_str_fmt(p->x->arena, "Invalid %s: %" VG_FMT, p->label, VG_ARG(p->error));
    return false;
}

void
dynamodb_parser_fault(struct dynamodb_parser *p, enum dynamodb_rank rank, const char *fmt, ...)
{
    if (rank >= p->rank)
        return;
    struct vg_buf b;
    vg_buf_init(&b, p->x->arena, VG_ERR_TEXT_MAX_BYTES);
    va_list ap;
    va_start(ap, fmt);
    vg_buf_vaddf(&b, fmt, ap);
    va_end(ap);
    p->rank = rank;
    p->error = vg_buf_str(&b);
}

bool
dynamodb_parser_unexpected(struct dynamodb_parser *p)
{
    struct vg_str text = dynamodb_syntax_error(p->x->arena, &p->toks, p->toks.at);
    dynamodb_parser_fault(p, DYNAMODB_RANK_SYNTAX, "%" VG_FMT, VG_ARG(text));
    return false;
}

enum dynamodb_tok
dynamodb_parser_peek(const struct dynamodb_parser *p)
{
    return p->toks.all.items[p->toks.at].kind;
}

struct vg_str
dynamodb_parser_text(const struct dynamodb_parser *p)
{
    return dynamodb_token_text(&p->toks, p->toks.at);
}

void
dynamodb_parser_skip(struct dynamodb_parser *p)
{
    if (dynamodb_parser_peek(p) != DYNAMODB_TOK_EOF)
        p->toks.at++;
}

bool
dynamodb_parser_take(struct dynamodb_parser *p, enum dynamodb_tok tok)
{
    if (dynamodb_parser_peek(p) != tok)
        return false;
    dynamodb_parser_skip(p);
    return true;
}

bool
dynamodb_parser_expect(struct dynamodb_parser *p, enum dynamodb_tok tok)
{
    return dynamodb_parser_take(p, tok) || dynamodb_parser_unexpected(p);
}

struct dynamodb_node *
dynamodb_parser_node(struct dynamodb_parser *p, enum dynamodb_op op)
{
    struct dynamodb_node *node = VG_NEW(p->x->arena, struct dynamodb_node);
    node->op = op;
    return node;
}

void
dynamodb_parser_add_arg(struct dynamodb_parser *p, struct dynamodb_node *node,
                        struct dynamodb_node *arg)
{
    /* Room doubles at powers of two. */
    if ((node->n & (node->n - 1)) == 0) {
        size_t old = node->n * sizeof(*node->args);
        node->args =
            vg_arena_grow(p->x->arena, node->args, old, node->n ? old * 2 : sizeof(*node->args));
    }
    node->args[node->n++] = arg;
}

void
dynamodb_parser_count(struct dynamodb_parser *p)
{
    if (++p->n_operators == DYNAMODB_EXPR_MAX_OPERATORS + 1)
        dynamodb_parser_fault(p, DYNAMODB_RANK_COUNT,
                              "The expression contains too many operators; operator count: %u",
                              p->n_operators);
}

/* --- paths -------------------------------------------------------------------------------------
 */

/* The name that an identifier or #name stands for. */
static struct vg_str
step_name(struct dynamodb_parser *p)
{
    struct vg_str text = dynamodb_parser_text(p);
    if (dynamodb_parser_peek(p) == DYNAMODB_TOK_IDENT) {
        if (dynamodb_is_reserved(text))
            dynamodb_parser_fault(p, DYNAMODB_RANK_WORDS,
                                  "Attribute name is a reserved keyword; reserved keyword: "
                                  "%" VG_FMT,
                                  VG_ARG(text));
        return text;
    }
    for (size_t i = 0; i < p->x->n_names; i++) {
        if (vg_str_eq(p->x->names[i].key, text)) {
            p->x->names[i].is_used = true;
            return p->x->names[i].name;
        }
    }
    dynamodb_parser_fault(p, DYNAMODB_RANK_NAMES,
                          "An expression attribute name used in the document path is not defined; "
                          "attribute name: %" VG_FMT,
                          VG_ARG(text));
    return text;
}

static bool
step_index(struct dynamodb_parser *p, uint32_t *ret)
{
    if (dynamodb_parser_peek(p) != DYNAMODB_TOK_NUMBER)
        return dynamodb_parser_unexpected(p);
    int64_t v = 0;
    struct vg_str text = dynamodb_parser_text(p);
    if (!vg_str_to_i64(text, &v) || v > INT32_MAX) {
        dynamodb_parser_fault(p, DYNAMODB_RANK_WORDS,
                              "List index is not within the allowable range; index: [%" VG_FMT "]",
                              VG_ARG(text));
        v = 0;
    }
    *ret = (uint32_t)v;
    dynamodb_parser_skip(p);
    return dynamodb_parser_expect(p, DYNAMODB_TOK_RBRACKET);
}

bool
dynamodb_parser_path(struct dynamodb_parser *p, struct dynamodb_path *ret)
{
    VG_VEC(struct dynamodb_step) steps = { 0 };
    bool is_index = false;
    do {
        struct dynamodb_step *step = VG_VEC_ADD(p->x->arena, &steps);
        *step = (struct dynamodb_step) { .index = 0 };
        if (is_index) {
            if (!step_index(p, &step->index))
                return false;
        } else {
            enum dynamodb_tok tok = dynamodb_parser_peek(p);
            if (tok != DYNAMODB_TOK_IDENT && tok != DYNAMODB_TOK_NAME)
                return dynamodb_parser_unexpected(p);
            step->name = step_name(p);
            dynamodb_parser_skip(p);
        }
        is_index = dynamodb_parser_take(p, DYNAMODB_TOK_LBRACKET);
    } while (is_index || dynamodb_parser_take(p, DYNAMODB_TOK_DOT));
    if (steps.len > DYNAMODB_PATH_MAX_STEPS)
        dynamodb_parser_fault(p, DYNAMODB_RANK_WORDS,
                              "The document path has too many nesting levels; nesting levels: %zu",
                              steps.len);
    *ret = (struct dynamodb_path) { steps.items, steps.len };
    return true;
}

struct vg_str
dynamodb_path_text(struct vg_arena *arena, const struct dynamodb_path *path)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, VG_ERR_TEXT_MAX_BYTES);
    for (size_t i = 0; i < path->n; i++) {
        vg_buf_adds(&b, i ? VG_STR(", ") : VG_STR("["));
        if (path->steps[i].name.ptr)
            vg_buf_adds(&b, path->steps[i].name);
        else
            vg_buf_addf(&b, "[%u]", (unsigned)path->steps[i].index);
    }
    vg_buf_addc(&b, ']');
    return vg_buf_str(&b);
}

static bool
step_eq(const struct dynamodb_step *a, const struct dynamodb_step *b)
{
    bool is_name = a->name.ptr != NULL;
    if (is_name != (b->name.ptr != NULL))
        return false;
    return is_name ? vg_str_eq(a->name, b->name) : a->index == b->index;
}

bool
dynamodb_path_eq(const struct dynamodb_path *a, const struct dynamodb_path *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        if (!step_eq(&a->steps[i], &b->steps[i]))
            return false;
    }
    return true;
}

void
dynamodb_check_overlap(struct dynamodb_parser *p, const struct dynamodb_path *paths, size_t n)
{
    for (size_t j = 1; j < n; j++) {
        for (size_t i = 0; i < j; i++) {
            const struct dynamodb_path *a = &paths[i], *b = &paths[j];
            size_t same = 0, shorter = VG_MIN(a->n, b->n);
            while (same < shorter && step_eq(&a->steps[same], &b->steps[same]))
                same++;
            bool is_conflict =
                same < shorter
                && (a->steps[same].name.ptr != NULL) != (b->steps[same].name.ptr != NULL);
            if (same < shorter && !is_conflict)
                continue;
            dynamodb_parser_fault(p, DYNAMODB_RANK_PATHS,
                                  "Two document paths %s with each other; must remove or rewrite "
                                  "one of these paths; path one: %" VG_FMT ", path two: %" VG_FMT,
                                  is_conflict ? "conflict" : "overlap",
                                  VG_ARG(dynamodb_path_text(p->x->arena, a)),
                                  VG_ARG(dynamodb_path_text(p->x->arena, b)));
            return;
        }
    }
}

/* --- operands ----------------------------------------------------------------------------------
 */

bool
dynamodb_parser_value(struct dynamodb_parser *p, struct dynamodb_node **ret)
{
    if (dynamodb_parser_peek(p) != DYNAMODB_TOK_VALUE)
        return dynamodb_parser_unexpected(p);
    struct dynamodb_node *node = dynamodb_parser_node(p, DYNAMODB_OP_VALUE);
    node->text = dynamodb_parser_text(p);
    dynamodb_parser_skip(p);
    *ret = node;
    for (size_t i = 0; i < p->x->n_values; i++) {
        if (vg_str_eq(p->x->values[i].key, node->text)) {
            p->x->values[i].is_used = true;
            node->value = p->x->values[i].v;
            return true;
        }
    }
    dynamodb_parser_fault(p, DYNAMODB_RANK_VALUES,
                          "An expression attribute value used in expression is not defined; "
                          "attribute value: %" VG_FMT,
                          VG_ARG(node->text));
    return true;
}

static const struct {
    struct vg_str name;
    enum dynamodb_op op;
} functions[] = {
    { VG_STR_INIT("attribute_exists"), DYNAMODB_OP_EXISTS },
    { VG_STR_INIT("attribute_not_exists"), DYNAMODB_OP_NOT_EXISTS },
    { VG_STR_INIT("attribute_type"), DYNAMODB_OP_TYPE },
    { VG_STR_INIT("begins_with"), DYNAMODB_OP_BEGINS },
    { VG_STR_INIT("contains"), DYNAMODB_OP_CONTAINS },
    { VG_STR_INIT("size"), DYNAMODB_OP_SIZE },
    { VG_STR_INIT("if_not_exists"), DYNAMODB_OP_IF_NOT_EXISTS },
    { VG_STR_INIT("list_append"), DYNAMODB_OP_LIST_APPEND },
};

static enum dynamodb_op
function_op(struct dynamodb_parser *p, struct vg_str name)
{
    for (size_t i = 0; i < VG_COUNT(functions); i++) {
        if (!vg_str_eq(functions[i].name, name))
            continue;
        bool is_of_update = functions[i].op >= DYNAMODB_OP_IF_NOT_EXISTS;
        if (is_of_update != p->is_update)
            dynamodb_parser_fault(p, DYNAMODB_RANK_WORDS,
                                  "The function is not allowed in %s expression; function: "
                                  "%" VG_FMT,
                                  p->is_update ? "an update" : "a condition", VG_ARG(name));
        return functions[i].op;
    }
    dynamodb_parser_fault(p, DYNAMODB_RANK_WORDS, "Invalid function name; function: %" VG_FMT,
                          VG_ARG(name));
    return DYNAMODB_OP_UNKNOWN_FUNC;
}

static bool
parse_function(struct dynamodb_parser *p, struct dynamodb_node **ret)
{
    struct dynamodb_node *node = dynamodb_parser_node(p, DYNAMODB_OP_UNKNOWN_FUNC);
    node->text = dynamodb_parser_text(p);
    node->op = function_op(p, node->text);
    dynamodb_parser_count(p);
    dynamodb_parser_skip(p);
    dynamodb_parser_skip(p); /* '(', seen by the caller */
    do {
        struct dynamodb_node *arg;
        if (!dynamodb_parser_operand(p, &arg))
            return false;
        dynamodb_parser_add_arg(p, node, arg);
    } while (dynamodb_parser_take(p, DYNAMODB_TOK_COMMA));
    dynamodb_check_function(p, node);
    *ret = node;
    return dynamodb_parser_expect(p, DYNAMODB_TOK_RPAREN);
}

bool
dynamodb_parser_operand(struct dynamodb_parser *p, struct dynamodb_node **ret)
{
    if (++p->depth > DYNAMODB_EXPR_MAX_OPERATORS) {
        dynamodb_parser_fault(p, DYNAMODB_RANK_SYNTAX, "The expression is nested too deeply;");
        return false;
    }
    bool is_ok;
    const struct dynamodb_token *next = &p->toks.all.items[p->toks.at + 1];
    switch (dynamodb_parser_peek(p)) {
    case DYNAMODB_TOK_VALUE:
        is_ok = dynamodb_parser_value(p, ret);
        break;
    case DYNAMODB_TOK_IDENT:
        if (next->kind == DYNAMODB_TOK_LPAREN) {
            is_ok = parse_function(p, ret);
            break;
        }
        /* fall through */
    case DYNAMODB_TOK_NAME:
        *ret = dynamodb_parser_node(p, DYNAMODB_OP_PATH);
        is_ok = dynamodb_parser_path(p, &(*ret)->path);
        break;
    case DYNAMODB_TOK_LPAREN: {
        bool is_double = next->kind == DYNAMODB_TOK_LPAREN;
        dynamodb_parser_skip(p);
        is_ok = dynamodb_parser_operand(p, ret) && dynamodb_parser_expect(p, DYNAMODB_TOK_RPAREN);
        if (is_ok && is_double)
            dynamodb_parser_fault(p, DYNAMODB_RANK_PARENS,
                                  "The expression has redundant parentheses;");
        break;
    }
    default:
        is_ok = dynamodb_parser_unexpected(p);
    }
    p->depth--;
    return is_ok;
}
