/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Conditions of filter patterns: { ($.a = 1) && $.b[0].c != "x*" } and [w1, w2 = 4* || w2 > 500].
 *
 * A test whose property is missing, or points to an object or array, is false whatever its
 * operator ("the filter will not be applied"), but for NOT EXISTS.
 */

#include "codec/json.h"
#include "services/logs/logs_filter_int.h"

#include <stdlib.h>

/* --- parsing ------------------------------------------------------------------------------------
 */

static bool
skip_one_of(struct vg_str s, size_t *at, char a, char b)
{
    if (*at >= s.len || (s.ptr[*at] != a && s.ptr[*at] != b))
        return false;
    ++*at;
    return true;
}

/* How many there were. */
static size_t
skip_digits(struct vg_str s, size_t *at)
{
    size_t from = *at;
    while (*at < s.len && s.ptr[*at] >= '0' && s.ptr[*at] <= '9')
        ++*at;
    return *at - from;
}

/* [+-] digits [. digits] [e [+-] digits]: all of it. */
static bool
number_of(struct vg_str s, double *ret)
{
    char text[64];
    if (s.len == 0 || s.len >= sizeof(text))
        return false;
    size_t i = 0;
    skip_one_of(s, &i, '+', '-');
    size_t digits = skip_digits(s, &i);
    if (skip_one_of(s, &i, '.', '.'))
        digits += skip_digits(s, &i);
    if (digits == 0)
        return false;
    if (skip_one_of(s, &i, 'e', 'E')) {
        skip_one_of(s, &i, '+', '-');
        if (skip_digits(s, &i) == 0)
            return false;
    }
    if (i != s.len)
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    *ret = strtod(text, NULL);
    return true;
}

/* "Ev*ent will only match the actual string Ev*ent": wildcards stand at the ends. */
static void
set_operand(struct logs_operand *o, struct vg_str text)
{
    if (text.len > 0 && text.ptr[0] == '*') {
        o->is_open_front = true;
        text = vg_str_slice(text, 1, text.len);
    }
    if (text.len > 0 && text.ptr[text.len - 1] == '*') {
        o->is_open_back = true;
        text.len--;
    }
    o->text = text;
}

static bool
ends_operand(char c)
{
    return logs_scan_is_space(c) || c == '\0' || strchr("()&|,]}", c) != NULL;
}

static vg_rc
parse_operand(struct logs_scan *s, struct logs_cond *test)
{
    struct logs_operand *o = &test->operand;
    logs_scan_space(s);
    char c = logs_scan_peek(s);
    bool is_order = test->op >= LOGS_OP_LT && test->op <= LOGS_OP_GE;
    if (c == '%' && !is_order)
        return logs_scan_regex(s, &o->regex);
    if (c == '"' && !is_order) {
        struct vg_str text;
        if (logs_scan_quoted(s, &text) != VG_OK)
            return VG_FAIL;
        set_operand(o, text);
        return VG_OK;
    }
    size_t from = s->at;
    while (!ends_operand(logs_scan_peek(s)))
        s->at++;
    struct vg_str text = vg_str_slice(s->text, from, s->at);
    if (text.len == 0)
        return logs_scan_fail(s, "a value is missing");
    o->is_number = number_of(text, &o->number);
    if (is_order && !o->is_number)
        return logs_scan_fail(s, "<, <=, > and >= need a number");
    for (size_t i = 0; i < text.len; i++)
        if (!logs_scan_is_word(text.ptr[i]) && strchr("*.+-:/", text.ptr[i]) == NULL)
            return logs_scan_fail(s, "a value with other than letters and digits needs quotes");
    set_operand(o, text);
    return VG_OK;
}

static vg_rc
parse_op(struct logs_scan *s, bool is_json, struct logs_cond *test)
{
    static const struct {
        const char *text;
        enum logs_cond_op op;
    } table[] = {
        { "!=", LOGS_OP_NE }, { "<=", LOGS_OP_LE }, { ">=", LOGS_OP_GE },
        { "=", LOGS_OP_EQ },  { "<", LOGS_OP_LT },  { ">", LOGS_OP_GT },
    };
    logs_scan_space(s);
    for (size_t i = 0; i < VG_COUNT(table); i++) {
        if (logs_scan_take(s, table[i].text)) {
            test->op = table[i].op;
            return parse_operand(s, test);
        }
    }
    if (is_json && logs_scan_take(s, "NOT")) {
        logs_scan_space(s);
        test->op = LOGS_OP_NOT_EXISTS;
        return logs_scan_take(s, "EXISTS") ? VG_OK : logs_scan_fail(s, "EXISTS must follow NOT");
    }
    if (is_json && logs_scan_take(s, "IS")) {
        logs_scan_space(s);
        test->op = logs_scan_take(s, "NULL")    ? LOGS_OP_IS_NULL
                   : logs_scan_take(s, "TRUE")  ? LOGS_OP_IS_TRUE
                   : logs_scan_take(s, "FALSE") ? LOGS_OP_IS_FALSE
                                                : 0;
        return test->op ? VG_OK : logs_scan_fail(s, "NULL, TRUE or FALSE must follow IS");
    }
    return logs_scan_fail(s, "an operator is missing");
}

static vg_rc
parse_index(struct logs_scan *s, struct logs_step *step)
{
    size_t from = s->at;
    while (logs_scan_peek(s) >= '0' && logs_scan_peek(s) <= '9')
        s->at++;
    uint64_t v = 0;
    if (!vg_str_to_u64(vg_str_slice(s->text, from, s->at), &v) || v > UINT32_MAX
        || !logs_scan_take(s, "]"))
        return logs_scan_fail(s, "an array index must be [NUMBER]");
    step->index = (uint32_t)v;
    return VG_OK;
}

/* $.name[0].other-name */
static vg_rc
parse_selector(struct logs_scan *s, struct logs_cond *test)
{
    struct logs_step *steps = VG_NEW_ARRAY(s->arena, struct logs_step, LOGS_FILTER_MAX_STEPS);
    size_t n = 0;
    if (!logs_scan_take(s, "$"))
        return logs_scan_fail(s, "a property selector begins with $");
    for (;;) {
        bool is_name = logs_scan_take(s, ".");
        if (!is_name && !logs_scan_take(s, "["))
            break;
        if (n == LOGS_FILTER_MAX_STEPS)
            return logs_scan_fail(s, "the property selector is too long");
        if (!is_name) {
            if (n == 0)
                return logs_scan_fail(s, "an array index must follow a property");
            if (parse_index(s, &steps[n++]) != VG_OK)
                return VG_FAIL;
            continue;
        }
        size_t from = s->at;
        while (logs_scan_is_word(logs_scan_peek(s)) || logs_scan_peek(s) == '-')
            s->at++;
        steps[n].name = vg_str_slice(s->text, from, s->at);
        if (steps[n++].name.len == 0)
            return logs_scan_fail(s, "a property name is missing");
    }
    if (n == 0)
        return logs_scan_fail(s, "a property name is missing");
    test->steps = steps;
    test->n_steps = n;
    return VG_OK;
}

static struct vg_str
take_name(struct logs_scan *s)
{
    logs_scan_space(s);
    size_t from = s->at;
    while (logs_scan_is_word(logs_scan_peek(s)) || logs_scan_peek(s) == '-')
        s->at++;
    return vg_str_slice(s->text, from, s->at);
}

static vg_rc
parse_test(struct logs_scan *s, bool is_json, struct vg_str field, const struct logs_cond **ret)
{
    struct logs_cond *test = VG_NEW(s->arena, struct logs_cond);
    test->kind = LOGS_COND_TEST;
    if (is_json) {
        if (parse_selector(s, test) != VG_OK)
            return VG_FAIL;
    } else {
        test->field = field.ptr ? field : take_name(s);
        if (test->field.len == 0)
            return logs_scan_fail(s, "a field name is missing");
    }
    if (parse_op(s, is_json, test) != VG_OK)
        return VG_FAIL;
    *ret = test;
    return VG_OK;
}

static vg_rc
parse_unary(struct logs_scan *s, bool is_json, struct vg_str field, const struct logs_cond **ret)
{
    logs_scan_space(s);
    if (field.ptr != NULL || !logs_scan_take(s, "("))
        return parse_test(s, is_json, field, ret);
    if (++s->depth > LOGS_FILTER_MAX_DEPTH)
        return logs_scan_fail(s, "parentheses are nested too deeply");
    if (logs_expr_parse(s, is_json, ret) != VG_OK)
        return VG_FAIL;
    s->depth--;
    logs_scan_space(s);
    return logs_scan_take(s, ")") ? VG_OK : logs_scan_fail(s, "a parenthesis is not closed");
}

static const struct logs_cond *
join(struct logs_scan *s, bool is_and, const struct logs_cond *left, const struct logs_cond *right)
{
    struct logs_cond *node = VG_NEW(s->arena, struct logs_cond);
    node->kind = is_and ? LOGS_COND_AND : LOGS_COND_OR;
    node->left = left;
    node->right = right;
    return node;
}

static vg_rc
parse_and(struct logs_scan *s, bool is_json, struct vg_str field, const struct logs_cond **ret)
{
    const struct logs_cond *left = NULL, *right = NULL;
    if (parse_unary(s, is_json, field, &left) != VG_OK)
        return VG_FAIL;
    for (;;) {
        logs_scan_space(s);
        if (!logs_scan_take(s, "&&"))
            break;
        if (parse_unary(s, is_json, VG_STR_NONE, &right) != VG_OK)
            return VG_FAIL;
        left = join(s, true, left, right);
    }
    *ret = left;
    return VG_OK;
}

static vg_rc
parse_or(struct logs_scan *s, bool is_json, struct vg_str field, const struct logs_cond **ret)
{
    const struct logs_cond *left = NULL, *right = NULL;
    if (parse_and(s, is_json, field, &left) != VG_OK)
        return VG_FAIL;
    for (;;) {
        logs_scan_space(s);
        if (!logs_scan_take(s, "||"))
            break;
        if (parse_and(s, is_json, VG_STR_NONE, &right) != VG_OK)
            return VG_FAIL;
        left = join(s, false, left, right);
    }
    *ret = left;
    return VG_OK;
}

vg_rc
logs_expr_parse(struct logs_scan *s, bool is_json, const struct logs_cond **ret)
{
    return parse_or(s, is_json, VG_STR_NONE, ret);
}

vg_rc
logs_expr_parse_after(struct logs_scan *s, struct vg_str field, const struct logs_cond **ret)
{
    return parse_or(s, false, field, ret);
}

bool
logs_expr_is_op_next(const struct logs_scan *s)
{
    char c = logs_scan_peek(s);
    return c == '=' || c == '!' || c == '<' || c == '>';
}

/* --- matching -----------------------------------------------------------------------------------
 */

static bool
text_equals(const struct logs_operand *o, struct vg_str text)
{
    if (o->regex != NULL)
        return logs_regex_match(o->regex, text);
    if (o->is_open_front && o->is_open_back)
        return vg_str_find(text, o->text) != VG_NPOS;
    if (o->is_open_front)
        return vg_str_ends(text, o->text);
    if (o->is_open_back)
        return vg_str_starts(text, o->text);
    return vg_str_eq(text, o->text);
}

/* `can_be_number`: the value is a JSON number or a field of a line. */
static bool
value_passes(const struct logs_cond *test, struct vg_str text, bool can_be_number)
{
    const struct logs_operand *o = &test->operand;
    double v = 0;
    bool is_numeric = o->is_number && can_be_number && number_of(text, &v);
    switch (test->op) {
    case LOGS_OP_EQ:
        return is_numeric ? v == o->number : text_equals(o, text);
    case LOGS_OP_NE:
        return is_numeric ? v != o->number : !text_equals(o, text);
    case LOGS_OP_LT:
        return is_numeric && v < o->number;
    case LOGS_OP_LE:
        return is_numeric && v <= o->number;
    case LOGS_OP_GT:
        return is_numeric && v > o->number;
    case LOGS_OP_GE:
        return is_numeric && v >= o->number;
    default:
        return false;
    }
}

/* The token at the selector's end; VG_JSON_END when there is none. */
static enum vg_json_tok
find_value(const struct logs_cond *test, struct vg_json *js)
{
    enum vg_json_tok tok = vg_json_next(js);
    for (size_t i = 0; i < test->n_steps; i++) {
        const struct logs_step *step = &test->steps[i];
        bool is_found = false;
        if (tok != (step->name.ptr ? VG_JSON_OBJECT : VG_JSON_ARRAY))
            return VG_JSON_END;
        for (uint32_t nth = 0; !is_found; nth++) {
            tok = vg_json_next(js);
            if (tok == VG_JSON_OBJECT_END || tok == VG_JSON_ARRAY_END || tok == VG_JSON_ERROR)
                return VG_JSON_END;
            if (step->name.ptr != NULL) {
                is_found = vg_str_eq(js->text, step->name);
                tok = vg_json_next(js);
            } else {
                is_found = nth == step->index;
            }
            if (!is_found && !vg_json_skip(js, tok))
                return VG_JSON_END;
        }
    }
    return tok;
}

static bool
test_json(const struct logs_cond *test, struct vg_arena *scratch, struct vg_str message)
{
    struct vg_json js;
    vg_json_init(&js, message, scratch);
    enum vg_json_tok tok = find_value(test, &js);
    switch (test->op) {
    case LOGS_OP_NOT_EXISTS:
        return tok == VG_JSON_END;
    case LOGS_OP_IS_NULL:
        return tok == VG_JSON_NULL;
    case LOGS_OP_IS_TRUE:
        return tok == VG_JSON_TRUE;
    case LOGS_OP_IS_FALSE:
        return tok == VG_JSON_FALSE;
    default:
        break;
    }
    switch (tok) {
    case VG_JSON_STRING:
        return value_passes(test, js.text, false);
    case VG_JSON_NUMBER:
        return value_passes(test, js.text, true);
    case VG_JSON_TRUE:
        return value_passes(test, VG_STR("true"), false);
    case VG_JSON_FALSE:
        return value_passes(test, VG_STR("false"), false);
    default:
        return false;
    }
}

/* A message and its fields, whichever the expression is about. */
struct subject {
    struct vg_arena *scratch;
    struct vg_str message;
    const struct vg_str *field_of; /* NULL: JSON */
};

/* Recursion: no deeper than the pattern has operators and parentheses (LOGS_FILTER_MAX_CHARS). */
static bool
passes(const struct logs_cond *cond, const struct subject *of)
{
    switch (cond->kind) {
    case LOGS_COND_AND:
        return passes(cond->left, of) && passes(cond->right, of);
    case LOGS_COND_OR:
        return passes(cond->left, of) || passes(cond->right, of);
    case LOGS_COND_TEST:
        break;
    }
    return of->field_of ? value_passes(cond, of->field_of[cond->cell], true)
                        : test_json(cond, of->scratch, of->message);
}

bool
logs_expr_match_json(const struct logs_cond *cond, struct vg_arena *scratch, struct vg_str message)
{
    const struct subject of = { .scratch = scratch, .message = message };
    return passes(cond, &of);
}

bool
logs_expr_match_fields(const struct logs_cond *cond, const struct vg_str *field_of)
{
    const struct subject of = { .field_of = field_of };
    return passes(cond, &of);
}
