/* SPDX-License-Identifier: Apache-2.0 */

#include "codec/uri.h"

#include "base/arena.h"

static bool
is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'
           || c == '.' || c == '_' || c == '~';
}

/* -1: not a hexadecimal digit. */
static int
digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
is_escape(struct vg_str s, size_t at)
{
    return s.len - at > 2 && s.ptr[at] == '%' && digit_of(s.ptr[at + 1]) >= 0
           && digit_of(s.ptr[at + 2]) >= 0;
}

struct vg_str
vg_uri_encode(struct vg_arena *arena, struct vg_str bytes, bool keep_slash)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t n_plain = 0;
    for (size_t i = 0; i < bytes.len; i++)
        n_plain += is_unreserved(bytes.ptr[i]) || (keep_slash && bytes.ptr[i] == '/');
    if (n_plain == bytes.len)
        return bytes;
    char *to = vg_arena_alloc(arena, n_plain + 3 * (bytes.len - n_plain)), *p = to;
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        if (is_unreserved((char)c) || (keep_slash && c == '/')) {
            *p++ = (char)c;
            continue;
        }
        *p++ = '%';
        *p++ = hex[c >> 4];
        *p++ = hex[c & 15];
    }
    return vg_str_n(to, (size_t)(p - to));
}

struct vg_str
vg_uri_decode(struct vg_arena *arena, struct vg_str text, bool plus_is_space)
{
    bool is_plain = vg_str_find_char(text, '%') == VG_NPOS;
    if (is_plain && (!plus_is_space || vg_str_find_char(text, '+') == VG_NPOS))
        return text;
    char *to = vg_arena_alloc(arena, text.len), *p = to;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_escape(text, i)) {
            *p++ = (char)(digit_of(text.ptr[i + 1]) << 4 | digit_of(text.ptr[i + 2]));
            i += 2;
        } else {
            *p++ = plus_is_space && c == '+' ? ' ' : c;
        }
    }
    return vg_str_n(to, (size_t)(p - to));
}

bool
vg_uri_is_wellformed(struct vg_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '%' && !is_escape(text, i))
            return false;
    return true;
}
