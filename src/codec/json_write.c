/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer, and numbers as text. */
#include "codec/json.h"

#include "base/arena.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void
vg_jsonw_init(struct vg_json_out *w, struct vg_buf *buf)
{
    *w = (struct vg_json_out) { .buf = buf };
}

static void
comma(struct vg_json_out *w)
{
    if (w->need_comma)
        vg_buf_addc(w->buf, ',');
    w->need_comma = true;
}

static void
open_container(struct vg_json_out *w, char c)
{
    comma(w);
    vg_buf_addc(w->buf, c);
    w->need_comma = false;
}

static void
close_container(struct vg_json_out *w, char c)
{
    vg_buf_addc(w->buf, c);
    w->need_comma = true;
}

void
vg_jsonw_object(struct vg_json_out *w)
{
    open_container(w, '{');
}

void
vg_jsonw_object_end(struct vg_json_out *w)
{
    close_container(w, '}');
}

void
vg_jsonw_array(struct vg_json_out *w)
{
    open_container(w, '[');
}

void
vg_jsonw_array_end(struct vg_json_out *w)
{
    close_container(w, ']');
}

static void
add_escape(struct vg_buf *b, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *at = c ? strchr(from, c) : NULL;
    if (at) {
        vg_buf_addc(b, '\\');
        vg_buf_addc(b, to[at - from]);
    } else {
        vg_buf_addf(b, "\\u%04x", c);
    }
}

/* Length of the well-formed sequence at the front of s, or 0. */
static size_t
utf8_front(struct vg_str s)
{
    for (size_t n = 1; n <= 4 && n <= s.len; n++)
        if (vg_str_is_utf8(vg_str_slice(s, 0, n)))
            return n;
    return 0;
}

/* How many bytes at the front need no escape; eight at a time while none does. */
static size_t
plain_front(const char *p, size_t n, bool is_utf8)
{
    static const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        uint64_t w;
        memcpy(&w, p + i, 8);
        uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
        uint64_t hit =
            ((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((w - ones * 0x20) & ~w);
        if ((hit & tops) || (!is_utf8 && (w & tops)))
            break;
    }
    for (; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c < 0x20 || c == '"' || c == '\\' || (c >= 0x80 && !is_utf8))
            break;
    }
    return i;
}

static void
add_quoted(struct vg_buf *b, struct vg_str s)
{
    bool is_utf8 = vg_str_is_utf8(s);
    vg_buf_addc(b, '"');
    while (s.len > 0) {
        size_t n = plain_front(s.ptr, s.len, is_utf8);
        vg_buf_add(b, s.ptr, n);
        s = vg_str_slice(s, n, s.len);
        if (s.len == 0)
            break;
        unsigned char c = (unsigned char)s.ptr[0];
        n = 1;
        if (c < 0x80) {
            add_escape(b, c);
        } else if ((n = utf8_front(s)) > 0) {
            vg_buf_add(b, s.ptr, n);
        } else {
            vg_buf_adds(b, VG_STR("\xEF\xBF\xBD"));
            n = 1;
        }
        s = vg_str_slice(s, n, s.len);
    }
    vg_buf_addc(b, '"');
}

void
vg_jsonw_key(struct vg_json_out *w, struct vg_str key)
{
    comma(w);
    add_quoted(w->buf, key);
    vg_buf_addc(w->buf, ':');
    w->need_comma = false;
}

void
vg_jsonw_str(struct vg_json_out *w, struct vg_str s)
{
    comma(w);
    add_quoted(w->buf, s);
}

void
vg_jsonw_i64(struct vg_json_out *w, int64_t v)
{
    comma(w);
    vg_buf_add_i64(w->buf, v);
}

size_t
vg_f64_text(double v, char to[VG_F64_TEXT_MAX])
{
    if (isnan(v) || isinf(v))
        return (size_t)snprintf(to, VG_F64_TEXT_MAX, "%s",
                                isnan(v) ? "NaN"
                                : v > 0  ? "Infinity"
                                         : "-Infinity");
    /* %g drops trailing zeros, so 15 digits find every shorter text but those of subnormals. */
    int digits = fpclassify(v) == FP_SUBNORMAL ? 1 : 15;
    int n = 0;
    for (; digits <= 17; digits++) {
        n = snprintf(to, VG_F64_TEXT_MAX, "%.*g", digits, v);
        if (digits == 17 || strtod(to, NULL) == v)
            break;
    }
    return (size_t)n;
}

bool
vg_f64_parse(struct vg_str s, double *ret)
{
    char small[64];
    if (s.len == 0 || (s.ptr[0] != '-' && (s.ptr[0] < '0' || s.ptr[0] > '9')))
        return false;
    for (size_t i = 0; i < s.len; i++) /* strtod takes hexadecimal, "inf" and more */
        if (s.ptr[i] == '\0' || strchr("0123456789+-.eE", s.ptr[i]) == NULL)
            return false;
    char *text = s.len < sizeof(small) ? small : vg_xalloc(s.len + 1);
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    char *end;
    double v = strtod(text, &end);
    bool is_whole = end == text + s.len;
    if (text != small)
        free(text);
    if (is_whole)
        *ret = v;
    return is_whole;
}

void
vg_jsonw_f64(struct vg_json_out *w, double v)
{
    char text[VG_F64_TEXT_MAX];
    size_t n = vg_f64_text(v, text);
    comma(w);
    if (isfinite(v))
        vg_buf_add(w->buf, text, n);
    else
        add_quoted(w->buf, vg_str_n(text, n));
}

void
vg_jsonw_bool(struct vg_json_out *w, bool v)
{
    comma(w);
    vg_buf_adds(w->buf, v ? VG_STR("true") : VG_STR("false"));
}

void
vg_jsonw_null(struct vg_json_out *w)
{
    comma(w);
    vg_buf_adds(w->buf, VG_STR("null"));
}

void
vg_jsonw_raw(struct vg_json_out *w, struct vg_str json)
{
    comma(w);
    vg_buf_adds(w->buf, json);
}

void
vg_jsonw_kv(struct vg_json_out *w, struct vg_str key, struct vg_str value)
{
    vg_jsonw_key(w, key);
    vg_jsonw_str(w, value);
}

void
vg_jsonw_kv_i64(struct vg_json_out *w, struct vg_str key, int64_t value)
{
    vg_jsonw_key(w, key);
    vg_jsonw_i64(w, value);
}
