/* SPDX-License-Identifier: Apache-2.0 */

/* Scanning of filter patterns, and regular expressions within the limits AWS documents. */

#define PCRE2_CODE_UNIT_WIDTH 8

#include "services/logs/logs_filter_int.h"

#include "base/buf.h"

#include <pcre2.h>

/* Enough for any pattern AWS accepts on a 256 KB line; stops what explodes. */
#define REGEX_MATCH_MAX 1000000u
#define REGEX_DEPTH_MAX 10000u
#define REGEX_HEAP_KIB  4096u

struct logs_regex {
    pcre2_code *code;
};

bool
logs_scan_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool
logs_scan_is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool
logs_scan_done(const struct logs_scan *s)
{
    return s->at >= s->text.len;
}

char
logs_scan_peek(const struct logs_scan *s)
{
    return logs_scan_done(s) ? '\0' : s->text.ptr[s->at];
}

void
logs_scan_space(struct logs_scan *s)
{
    while (!logs_scan_done(s) && logs_scan_is_space(s->text.ptr[s->at]))
        s->at++;
}

bool
logs_scan_take(struct logs_scan *s, const char *literal)
{
    struct vg_str want = vg_str_of(literal);
    if (!vg_str_starts(vg_str_slice(s->text, s->at, s->text.len), want))
        return false;
    s->at += want.len;
    return true;
}

vg_rc
logs_scan_fail(struct logs_scan *s, const char *what)
{
    return vg_err_set(s->err, "Invalid filter pattern: %s at position %zu", what, s->at);
}

vg_rc
logs_scan_quoted(struct logs_scan *s, struct vg_str *ret)
{
    struct vg_buf buf;
    vg_buf_init(&buf, s->arena, s->text.len + 1);
    s->at++;
    for (; !logs_scan_done(s); s->at++) {
        char c = s->text.ptr[s->at];
        if (c == '"') {
            s->at++;
            *ret = vg_buf_str(&buf);
            return VG_OK;
        }
        bool is_escape = c == '\\' && s->at + 1 < s->text.len
                         && (s->text.ptr[s->at + 1] == '"' || s->text.ptr[s->at + 1] == '\\');
        if (is_escape)
            c = s->text.ptr[++s->at];
        vg_buf_addc(&buf, c);
    }
    return logs_scan_fail(s, "a quoted term is not closed");
}

/* "Filter patterns with regex can only include the following": letters, digits, :_#=@/;,- and the
 * operators ^ $ ? [ ] { } | \ * + .  White space has to be written \s. */
static bool
is_regex_char(char c)
{
    return logs_scan_is_word(c) || (c != '\0' && strchr(":#=@/;,-^$?[]{}|\\*+.", c) != NULL);
}

static void
free_code(void *arg)
{
    pcre2_code_free(arg);
}

static vg_rc
compile(struct logs_scan *s, struct vg_str source, struct logs_regex **ret)
{
    int code = 0;
    PCRE2_SIZE where = 0;
    struct logs_regex *re = VG_NEW(s->arena, struct logs_regex);
    re->code = pcre2_compile((PCRE2_SPTR)source.ptr, source.len,
                             PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NO_AUTO_CAPTURE, &code,
                             &where, NULL);
    if (re->code == NULL)
        return logs_scan_fail(s, "the regular expression is not valid");
    vg_arena_defer(s->arena, free_code, re->code);
    *ret = re;
    return VG_OK;
}

vg_rc
logs_scan_regex(struct logs_scan *s, struct logs_regex **ret)
{
    size_t from = ++s->at;
    bool is_escaped = false;
    for (; !logs_scan_done(s); s->at++) {
        char c = s->text.ptr[s->at];
        if (c == '%' && !is_escaped)
            break;
        /* An escape may make a literal of any printable character; nothing else widens the set. */
        bool is_literal = is_escaped && c > ' ' && c < 0x7f;
        if (!is_regex_char(c) && !is_literal)
            return logs_scan_fail(s, "a character that regular expressions may not hold");
        is_escaped = c == '\\' && !is_escaped;
    }
    if (logs_scan_done(s))
        return logs_scan_fail(s, "a regular expression is not closed");
    struct vg_str source = vg_str_slice(s->text, from, s->at++);
    if (source.len == 0)
        return logs_scan_fail(s, "the regular expression is empty");
    if (++s->n_regex > LOGS_FILTER_MAX_REGEX)
        return logs_scan_fail(s, "more than 2 regular expressions");
    return compile(s, source, ret);
}

bool
logs_regex_match(const struct logs_regex *re, struct vg_str text)
{
    pcre2_match_context *ctx = pcre2_match_context_create(NULL);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    int rc = PCRE2_ERROR_NOMEMORY;
    if (ctx != NULL && data != NULL) {
        (void)pcre2_set_match_limit(ctx, REGEX_MATCH_MAX);
        (void)pcre2_set_depth_limit(ctx, REGEX_DEPTH_MAX);
        (void)pcre2_set_heap_limit(ctx, REGEX_HEAP_KIB);
        rc = pcre2_match(re->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, 0, 0, data,
                         ctx);
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(ctx);
    return rc >= 0;
}
