/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOGS_FILTER_INT_H
#define LOGS_FILTER_INT_H

/* Shared by the files of the filter-pattern language; see logs_filter.h. */

#include "services/logs/logs_filter.h"

struct logs_regex;

/* Nesting of parentheses in an expression. */
#define LOGS_FILTER_MAX_DEPTH 32
/* Steps of a property selector, fields of a space-delimited pattern and of a log event. */
#define LOGS_FILTER_MAX_STEPS  32
#define LOGS_FILTER_MAX_CELLS  64
#define LOGS_FILTER_MAX_FIELDS 512

struct logs_scan {
    struct vg_arena *arena;
    struct vg_str text;
    size_t at;
    size_t n_regex;
    uint32_t depth;
    struct vg_err *err;
};

/* --- logs_filter_text.c: scanning and comparing text --------------------------------------------
 */

bool logs_scan_is_space(char c);
bool logs_scan_is_word(char c); /* letters, digits, underscore */
void logs_scan_space(struct logs_scan *s);
bool logs_scan_done(const struct logs_scan *s);
char logs_scan_peek(const struct logs_scan *s); /* NUL at the end */
bool logs_scan_take(struct logs_scan *s, const char *literal);
vg_rc logs_scan_fail(struct logs_scan *s, const char *what);
/* "…" with \" and \\ inside; the opening quote is next. */
vg_rc logs_scan_quoted(struct logs_scan *s, struct vg_str *ret) VG_MUST_USE;
/* %…%, compiled; the opening percent sign is next. */
vg_rc logs_scan_regex(struct logs_scan *s, struct logs_regex **ret) VG_MUST_USE;
bool logs_regex_match(const struct logs_regex *re, struct vg_str text);

/* --- logs_filter_expr.c: conditions, for JSON and for fields ------------------------------------
 */

enum logs_cond_op {
    LOGS_OP_EQ = 1,
    LOGS_OP_NE,
    LOGS_OP_LT,
    LOGS_OP_LE,
    LOGS_OP_GT,
    LOGS_OP_GE,
    LOGS_OP_IS_NULL,
    LOGS_OP_IS_TRUE,
    LOGS_OP_IS_FALSE,
    LOGS_OP_NOT_EXISTS,
};

/* What a property or field is compared with. */
struct logs_operand {
    struct vg_str text; /* without the wildcards at its ends */
    bool is_open_front; /* *text */
    bool is_open_back;  /* text* */
    bool is_number;
    double number;
    struct logs_regex *regex; /* or NULL */
};

struct logs_step {
    struct vg_str name; /* absent: an array index */
    uint32_t index;
};

struct logs_cond {
    enum { LOGS_COND_TEST = 1, LOGS_COND_AND, LOGS_COND_OR } kind;
    const struct logs_cond *left, *right; /* of AND, OR */
    enum logs_cond_op op;
    struct logs_operand operand;
    const struct logs_step *steps; /* JSON: the selector   */
    size_t n_steps;
    struct vg_str field; /* fields: the name */
    size_t cell;         /* fields: its cell, set when all names are known */
};

/* Reads an expression whose left sides are selectors (`is_json`) or field names. */
vg_rc logs_expr_parse(struct logs_scan *s, bool is_json, const struct logs_cond **ret) VG_MUST_USE;
/* As above, the first test's left side already read. */
vg_rc logs_expr_parse_after(struct logs_scan *s, struct vg_str field, const struct logs_cond **ret)
    VG_MUST_USE;
bool logs_expr_is_op_next(const struct logs_scan *s);

/* `message` is one well-formed JSON value. */
bool logs_expr_match_json(const struct logs_cond *cond, struct vg_arena *scratch,
                          struct vg_str message);
/* `field_of[cell]` is the text of each cell. */
bool logs_expr_match_fields(const struct logs_cond *cond, const struct vg_str *field_of);

#endif
