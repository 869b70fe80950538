/* SPDX-License-Identifier: Apache-2.0 */

/* The three forms of filter patterns: terms, space-delimited fields, JSON; see logs_filter.h. */

#include "services/logs/logs_filter.h"
#include "codec/json.h"
#include "services/logs/logs_filter_int.h"

enum term_kind { TERM_MUST, TERM_ANY, TERM_NOT };

struct term {
    enum term_kind kind;
    struct vg_str text;
    const struct logs_regex *regex; /* or NULL: text */
};

struct cell {
    struct vg_str name; /* empty: a field without a name */
    bool is_ellipsis;
    const struct logs_cond *cond; /* NULL: any value */
};

struct logs_filter {
    enum { FILTER_TERMS = 1, FILTER_FIELDS, FILTER_JSON } kind;
    VG_VEC(struct term) terms;
    bool has_any; /* ?terms count */
    const struct logs_cond *json;
    struct cell *cells;
    size_t n_cells;
    size_t ellipsis; /* its index; n_cells: none */
};

/* --- parsing ------------------------------------------------------------------------------------
 */

/* "Terms that include characters other than alphanumeric or underscore must be in double quotes."
 */
static vg_rc
parse_bare_term(struct logs_scan *s, struct vg_str *ret)
{
    size_t from = s->at;
    bool is_plain = true;
    for (; !logs_scan_done(s) && !logs_scan_is_space(logs_scan_peek(s)); s->at++)
        is_plain = is_plain && logs_scan_is_word(logs_scan_peek(s));
    *ret = vg_str_slice(s->text, from, s->at);
    if (!is_plain)
        return vg_err_set(s->err, "Invalid character(s) in term '%" VG_FMT "'", VG_ARG(*ret));
    return ret->len > 0 ? VG_OK : logs_scan_fail(s, "a term is missing");
}

static vg_rc
parse_terms(struct logs_scan *s, struct logs_filter *f)
{
    bool has_other = false;
    f->kind = FILTER_TERMS;
    for (logs_scan_space(s); !logs_scan_done(s); logs_scan_space(s)) {
        struct term t = { .kind = TERM_MUST };
        struct logs_regex *regex = NULL;
        if (logs_scan_take(s, "-"))
            t.kind = TERM_NOT;
        else if (logs_scan_take(s, "?"))
            t.kind = TERM_ANY;
        logs_scan_space(s); /* AWS's own example writes: "ERROR" - "Exiting" */
        char c = logs_scan_peek(s);
        vg_rc rc = c == '"'   ? logs_scan_quoted(s, &t.text)
                   : c == '%' ? logs_scan_regex(s, &regex)
                              : parse_bare_term(s, &t.text);
        if (rc != VG_OK)
            return rc;
        t.regex = regex;
        f->has_any = f->has_any || t.kind == TERM_ANY;
        has_other = has_other || t.kind != TERM_ANY;
        *VG_VEC_ADD(s->arena, &f->terms) = t;
    }
    /* "If you combine ? with other filter patterns, such as include and exclude terms, the question
     * mark is ignored": those terms then decide nothing. */
    f->has_any = f->has_any && !has_other;
    return VG_OK;
}

static vg_rc
parse_cell(struct logs_scan *s, struct cell *cell)
{
    logs_scan_space(s);
    if (logs_scan_take(s, "...")) {
        cell->is_ellipsis = true;
        return VG_OK;
    }
    if (logs_scan_peek(s) == '(')
        return logs_expr_parse(s, false, &cell->cond);
    size_t from = s->at;
    while (logs_scan_is_word(logs_scan_peek(s)) || logs_scan_peek(s) == '-')
        s->at++;
    cell->name = vg_str_slice(s->text, from, s->at);
    logs_scan_space(s);
    if (cell->name.len > 0 && logs_expr_is_op_next(s))
        return logs_expr_parse_after(s, cell->name, &cell->cond);
    return VG_OK;
}

/* Recursion as deep as the expression's parentheses and operators. */
static vg_rc
bind_names(struct logs_scan *s, const struct logs_filter *f, const struct logs_cond *cond,
           size_t own_cell)
{
    if (cond->kind != LOGS_COND_TEST) {
        if (bind_names(s, f, cond->left, own_cell) != VG_OK)
            return VG_FAIL;
        return bind_names(s, f, cond->right, own_cell);
    }
    /* Parsed by us into this arena; only the parser's view of it is const. */
    struct logs_cond *test = (struct logs_cond *)(uintptr_t)cond;
    if (f->cells[own_cell].name.len == 0)
        f->cells[own_cell].name = test->field;
    for (size_t i = 0; i < f->n_cells; i++) {
        size_t at = (own_cell + i) % f->n_cells;
        if (vg_str_eq(f->cells[at].name, test->field)) {
            test->cell = at;
            return VG_OK;
        }
    }
    return vg_err_set(s->err, "Invalid filter pattern: no field is named '%" VG_FMT "'",
                      VG_ARG(test->field));
}

static vg_rc
parse_fields(struct logs_scan *s, struct logs_filter *f)
{
    f->kind = FILTER_FIELDS;
    f->cells = VG_NEW_ARRAY(s->arena, struct cell, LOGS_FILTER_MAX_CELLS);
    s->at++;
    do {
        if (f->n_cells == LOGS_FILTER_MAX_CELLS)
            return logs_scan_fail(s, "too many fields");
        if (parse_cell(s, &f->cells[f->n_cells++]) != VG_OK)
            return VG_FAIL;
        logs_scan_space(s);
    } while (logs_scan_take(s, ","));
    if (!logs_scan_take(s, "]"))
        return logs_scan_fail(s, "a bracket is not closed");
    f->ellipsis = f->n_cells;
    for (size_t i = 0; i < f->n_cells; i++) {
        if (f->cells[i].is_ellipsis && f->ellipsis != f->n_cells)
            return logs_scan_fail(s, "more than one ellipsis");
        if (f->cells[i].is_ellipsis)
            f->ellipsis = i;
        if (f->cells[i].cond != NULL && bind_names(s, f, f->cells[i].cond, i) != VG_OK)
            return VG_FAIL;
    }
    return VG_OK;
}

static vg_rc
parse_json(struct logs_scan *s, struct logs_filter *f)
{
    f->kind = FILTER_JSON;
    s->at++;
    if (logs_expr_parse(s, true, &f->json) != VG_OK)
        return VG_FAIL;
    logs_scan_space(s);
    return logs_scan_take(s, "}") ? VG_OK : logs_scan_fail(s, "a brace is not closed");
}

vg_rc
logs_filter_parse(struct vg_arena *arena, struct vg_str pattern, struct logs_filter **ret,
                  struct vg_err *err)
{
    struct logs_scan s = { .arena = arena, .text = pattern, .err = err };
    struct logs_filter *f = VG_NEW(arena, struct logs_filter);
    if (pattern.len > LOGS_FILTER_MAX_CHARS)
        return vg_err_set(err, "Invalid filter pattern: longer than %d characters",
                          LOGS_FILTER_MAX_CHARS);
    logs_scan_space(&s);
    char c = logs_scan_peek(&s);
    vg_rc rc = c == '{' ? parse_json(&s, f) : c == '[' ? parse_fields(&s, f) : parse_terms(&s, f);
    if (rc != VG_OK)
        return rc;
    logs_scan_space(&s);
    if (!logs_scan_done(&s))
        return logs_scan_fail(&s, "text follows the pattern");
    *ret = f;
    return VG_OK;
}

/* --- matching -----------------------------------------------------------------------------------
 */

static bool
has_term(const struct term *t, struct vg_str message)
{
    return t->regex ? logs_regex_match(t->regex, message)
                    : vg_str_find(message, t->text) != VG_NPOS;
}

static bool
match_terms(const struct logs_filter *f, struct vg_str message)
{
    for (size_t i = 0; i < f->terms.len; i++) {
        const struct term *t = &f->terms.items[i];
        if (t->kind == TERM_MUST && !has_term(t, message))
            return false;
        if (t->kind == TERM_NOT && has_term(t, message))
            return false;
        if (t->kind == TERM_ANY && f->has_any && has_term(t, message))
            return true;
    }
    return !f->has_any;
}

/* "The characters between a pair of square brackets or two double quotes are a single field." */
static size_t
split_fields(struct vg_str message, struct vg_str *fields, size_t max)
{
    size_t n = 0, at = 0;
    while (at < message.len) {
        char c = message.ptr[at];
        if (logs_scan_is_space(c)) {
            at++;
            continue;
        }
        if (n == max)
            return max + 1;
        char closer = c == '[' ? ']' : c == '"' ? '"' : '\0';
        struct vg_str rest = vg_str_slice(message, at + 1, message.len);
        size_t len = closer ? vg_str_find_char(rest, closer) : VG_NPOS;
        if (len != VG_NPOS) {
            fields[n++] = vg_str_slice(rest, 0, len);
            at += len + 2;
            continue;
        }
        size_t from = at;
        while (at < message.len && !logs_scan_is_space(message.ptr[at]))
            at++;
        fields[n++] = vg_str_slice(message, from, at);
    }
    return n;
}

static bool
match_fields(const struct logs_filter *f, struct vg_arena *scratch, struct vg_str message)
{
    struct vg_str *fields = VG_NEW_ARRAY(scratch, struct vg_str, LOGS_FILTER_MAX_FIELDS);
    struct vg_str *field_of = VG_NEW_ARRAY(scratch, struct vg_str, LOGS_FILTER_MAX_CELLS);
    size_t n = split_fields(message, fields, LOGS_FILTER_MAX_FIELDS);
    bool has_ellipsis = f->ellipsis < f->n_cells;
    if (n > LOGS_FILTER_MAX_FIELDS || (has_ellipsis ? n + 1 < f->n_cells : n != f->n_cells))
        return false;
    for (size_t i = 0; i < f->n_cells; i++) {
        if (i < f->ellipsis)
            field_of[i] = fields[i];
        else if (i > f->ellipsis)
            field_of[i] = fields[n - (f->n_cells - i)];
    }
    for (size_t i = 0; i < f->n_cells; i++)
        if (f->cells[i].cond != NULL && !logs_expr_match_fields(f->cells[i].cond, field_of))
            return false;
    return true;
}

static bool
match_json(const struct logs_filter *f, struct vg_arena *scratch, struct vg_str message)
{
    struct vg_json js;
    vg_json_init(&js, message, scratch);
    enum vg_json_tok tok = vg_json_next(&js);
    if ((tok != VG_JSON_OBJECT && tok != VG_JSON_ARRAY) || !vg_json_skip(&js, tok)
        || vg_json_next(&js) != VG_JSON_END)
        return false;
    return logs_expr_match_json(f->json, scratch, message);
}

bool
logs_filter_match(const struct logs_filter *filter, struct vg_arena *scratch, struct vg_str message)
{
    switch (filter->kind) {
    case FILTER_TERMS:
        return match_terms(filter, message);
    case FILTER_FIELDS:
        return match_fields(filter, scratch, message);
    case FILTER_JSON:
        return match_json(filter, scratch, message);
    }
    VG_BUG("a filter without a kind");
}
