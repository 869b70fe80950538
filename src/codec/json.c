/* SPDX-License-Identifier: Apache-2.0 */
/* The pull parser. The writer is json_write.c. */
#include "codec/json.h"

#include "base/arena.h"
#include "base/limits.h"

enum state {
    S_VALUE,       /* a value must come                        */
    S_FIRST_VALUE, /* just after '[': a value or ']'           */
    S_FIRST_KEY,   /* just after '{': a key or '}'             */
    S_AFTER,       /* after a value inside a container         */
    S_DONE,        /* after the outermost value                */
    S_ERROR,
};

_Static_assert(VG_JSON_DEPTH_MAX <= 128, "is_object has one bit a level");

void
vg_json_init(struct vg_json *js, struct vg_str text, struct vg_arena *arena)
{
    const char *p = text.ptr ? text.ptr : "";
    *js = (struct vg_json) { .start = p, .p = p, .end = p + text.len, .token = p, .arena = arena };
    js->state = S_VALUE;
}

static enum vg_json_tok
fail(struct vg_json *js, const char *why)
{
    js->why = why;
    js->state = S_ERROR;
    return js->last = VG_JSON_ERROR;
}

static enum vg_json_tok
give(struct vg_json *js, enum vg_json_tok tok)
{
    return js->last = tok;
}

static void
skip_space(struct vg_json *js)
{
    while (js->p < js->end && (*js->p == ' ' || *js->p == '\n' || *js->p == '\r' || *js->p == '\t'))
        js->p++;
}

static bool
in_object(const struct vg_json *js)
{
    uint32_t level = js->depth - 1;
    return js->depth > 0 && (js->is_object[level / 64] >> (level % 64) & 1);
}

static enum vg_json_tok
open_container(struct vg_json *js, bool is_object)
{
    if (js->depth == VG_JSON_DEPTH_MAX)
        return fail(js, "nested too deep");
    uint64_t bit = (uint64_t)1 << (js->depth % 64);
    if (is_object)
        js->is_object[js->depth / 64] |= bit;
    else
        js->is_object[js->depth / 64] &= ~bit;
    js->depth++;
    js->p++;
    js->state = is_object ? S_FIRST_KEY : S_FIRST_VALUE;
    return give(js, is_object ? VG_JSON_OBJECT : VG_JSON_ARRAY);
}

static enum vg_json_tok
close_container(struct vg_json *js, bool is_object)
{
    js->p++;
    js->depth--;
    js->state = js->depth ? S_AFTER : S_DONE;
    return give(js, is_object ? VG_JSON_OBJECT_END : VG_JSON_ARRAY_END);
}

static enum vg_json_tok
after_scalar(struct vg_json *js, enum vg_json_tok tok)
{
    js->state = js->depth ? S_AFTER : S_DONE;
    return give(js, tok);
}

static int
hex4(const char *p)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

static char *
put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    } else {
        *to++ = (char)(0xF0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3F));
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    }
    return to;
}

/* One \uXXXX, or a surrogate pair of two, at *p (on the 'u'); false when malformed. */
static bool
unescape_u(const char **p, const char *end, char **to)
{
    if (end - *p < 5)
        return false;
    int c = hex4(*p + 1);
    *p += 5;
    if (c < 0 || (c >= 0xDC00 && c <= 0xDFFF))
        return false;
    if (c < 0xD800 || c > 0xDBFF) {
        *to = put_utf8(*to, (uint32_t)c);
        return true;
    }
    if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return false;
    int low = hex4(*p + 2);
    *p += 6;
    if (low < 0xDC00 || low > 0xDFFF)
        return false;
    *to = put_utf8(*to, 0x10000u + (((uint32_t)c & 0x3FF) << 10) + ((uint32_t)low & 0x3FF));
    return true;
}

static bool
unescape(struct vg_json *js, const char *p, const char *end)
{
    char *out = vg_arena_alloc(js->arena, (size_t)(end - p) + 1), *to = out;
    while (p < end) {
        if (*p != '\\') {
            *to++ = *p++;
            continue;
        }
        if (*++p == 'u') { /* the scan made sure that a byte follows */
            if (!unescape_u(&p, end, &to))
                return false;
            continue;
        }
        static const char from[] = "\"\\/bfnrt", is[] = "\"\\/\b\f\n\r\t";
        const char *at = *p ? strchr(from, *p) : NULL;
        if (at == NULL)
            return false;
        *to++ = is[at - from];
        p++;
    }
    js->text = vg_str_n(out, (size_t)(to - out));
    return true;
}

/* The first of '"', '\\' and the control characters at or after p; notes bytes beyond ASCII. */
static const char *
scan_plain(const char *p, const char *end, bool *has_high)
{
    static const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t high = 0;
    while (end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
        /* a byte is zero, or below 0x20, where its top bit borrows (false alarms only after one) */
        uint64_t hit =
            ((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((w - ones * 0x20) & ~w);
        if (hit & tops)
            break;
        high |= w & tops;
        p += 8;
    }
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
        high |= (unsigned char)*p++ & 0x80u;
    *has_high = *has_high || high != 0;
    return p;
}

/* With p on the opening quote: the text, and p behind the closing one. */
static bool
take_string(struct vg_json *js)
{
    const char *from = ++js->p, *p = from;
    bool has_high = false, has_escape = false;
    for (;;) {
        p = scan_plain(p, js->end, &has_high);
        if (p == js->end || (*p == '\\' && p + 1 == js->end)) {
            fail(js, "unterminated string");
            return false;
        }
        if (*p == '"')
            break;
        if (*p != '\\') {
            fail(js, "control character in string");
            return false;
        }
        has_escape = true;
        p += 2;
        /* the byte behind the backslash was passed over: unescape() refuses what may not be there
         */
    }
    js->text = vg_str_n(from, (size_t)(p - from));
    js->p = p + 1;
    if (has_high && !vg_str_is_utf8(js->text)) {
        fail(js, "not UTF-8");
        return false;
    }
    if (has_escape && !unescape(js, from, p)) {
        fail(js, "bad escape in string");
        return false;
    }
    return true;
}

static bool
take_digits(const char **p, const char *end)
{
    const char *from = *p;
    while (*p < end && **p >= '0' && **p <= '9')
        (*p)++;
    return *p > from;
}

/* The end of the number that begins at p, or NULL (RFC 8259, section 6). */
static const char *
number_end(const char *p, const char *end)
{
    if (p < end && *p == '-')
        p++;
    if (p < end && *p == '0')
        p++;
    else if (!take_digits(&p, end))
        return NULL;
    if (p < end && *p == '.') {
        p++;
        if (!take_digits(&p, end))
            return NULL;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if (!take_digits(&p, end))
            return NULL;
    }
    return p;
}

static enum vg_json_tok
take_number(struct vg_json *js)
{
    const char *from = js->p, *p = number_end(js->p, js->end);
    if (p == NULL)
        return fail(js, *from == '-' || (*from >= '0' && *from <= '9') ? "malformed number"
                                                                       : "unexpected character");
    js->text = vg_str_n(from, (size_t)(p - from));
    js->p = p;
    return after_scalar(js, VG_JSON_NUMBER);
}

static enum vg_json_tok
take_word(struct vg_json *js, struct vg_str word, enum vg_json_tok tok)
{
    struct vg_str rest = vg_str_n(js->p, (size_t)(js->end - js->p));
    if (!vg_str_starts(rest, word))
        return fail(js, "unexpected character");
    js->p += word.len;
    return after_scalar(js, tok);
}

static enum vg_json_tok
take_value(struct vg_json *js)
{
    if (js->p == js->end)
        return fail(js, "unexpected end of input");
    js->token = js->p;
    switch (*js->p) {
    case '{':
        return open_container(js, true);
    case '[':
        return open_container(js, false);
    case '"':
        return take_string(js) ? after_scalar(js, VG_JSON_STRING) : VG_JSON_ERROR;
    case 't':
        return take_word(js, VG_STR("true"), VG_JSON_TRUE);
    case 'f':
        return take_word(js, VG_STR("false"), VG_JSON_FALSE);
    case 'n':
        return take_word(js, VG_STR("null"), VG_JSON_NULL);
    default:
        return take_number(js);
    }
}

static enum vg_json_tok
take_key(struct vg_json *js)
{
    if (js->p == js->end || *js->p != '"')
        return fail(js, "a member's name must come here");
    js->token = js->p;
    if (!take_string(js))
        return VG_JSON_ERROR;
    skip_space(js);
    if (js->p == js->end || *js->p != ':')
        return fail(js, "':' must follow a member's name");
    js->p++;
    js->state = S_VALUE;
    return give(js, VG_JSON_KEY);
}

/* After a value inside a container: ',' and the next, or the container's end. */
static enum vg_json_tok
take_after(struct vg_json *js)
{
    bool is_object = in_object(js);
    if (js->p == js->end)
        return fail(js, "unexpected end of input");
    js->token = js->p;
    if (*js->p == (is_object ? '}' : ']'))
        return close_container(js, is_object);
    if (*js->p != ',')
        return fail(js, "',' or an end must follow a value");
    js->p++;
    skip_space(js);
    return is_object ? take_key(js) : take_value(js);
}

enum vg_json_tok
vg_json_next(struct vg_json *js)
{
    if (js->state == S_ERROR)
        return VG_JSON_ERROR;
    skip_space(js);
    bool is_at_end = js->p == js->end;
    switch ((enum state)js->state) {
    case S_VALUE:
        return take_value(js);
    case S_FIRST_VALUE:
        js->token = js->p;
        return !is_at_end && *js->p == ']' ? close_container(js, false) : take_value(js);
    case S_FIRST_KEY:
        js->token = js->p;
        return !is_at_end && *js->p == '}' ? close_container(js, true) : take_key(js);
    case S_AFTER:
        return take_after(js);
    case S_DONE:
        return is_at_end ? give(js, VG_JSON_END) : fail(js, "something follows the value");
    case S_ERROR:
        break;
    }
    return VG_JSON_ERROR;
}

bool
vg_json_skip(struct vg_json *js, enum vg_json_tok tok)
{
    if (tok == VG_JSON_KEY)
        tok = vg_json_next(js);
    if (tok != VG_JSON_OBJECT && tok != VG_JSON_ARRAY)
        return tok != VG_JSON_ERROR && tok != VG_JSON_END;
    uint32_t outside = js->depth - 1;
    while (js->depth > outside)
        if (vg_json_next(js) == VG_JSON_ERROR)
            return false;
    return true;
}

bool
vg_json_raw(struct vg_json *js, enum vg_json_tok tok, struct vg_str *ret)
{
    if (tok == VG_JSON_KEY)
        tok = vg_json_next(js);
    const char *from = js->token;
    if (!vg_json_skip(js, tok))
        return false;
    *ret = vg_str_n(from, (size_t)(js->p - from));
    return true;
}

size_t
vg_json_offset(const struct vg_json *js)
{
    return (size_t)(js->p - js->start);
}
