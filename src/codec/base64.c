/* SPDX-License-Identifier: Apache-2.0 */

#include "codec/base64.h"

#include "base/arena.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct vg_str
vg_base64_encode(struct vg_arena *arena, struct vg_str bytes)
{
    size_t len = (bytes.len + 2) / 3 * 4;
    char *to = vg_arena_alloc(arena, len + 1), *p = to;
    const unsigned char *from = (const unsigned char *)bytes.ptr;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t v = (uint32_t)from[i] << 16;
        v |= left > 1 ? (uint32_t)from[i + 1] << 8 : 0;
        v |= left > 2 ? (uint32_t)from[i + 2] : 0;
        *p++ = alphabet[v >> 18];
        *p++ = alphabet[v >> 12 & 63];
        *p++ = left > 1 ? alphabet[v >> 6 & 63] : '=';
        *p++ = left > 2 ? alphabet[v & 63] : '=';
    }
    return vg_str_n(to, len);
}

/* 64: not of the alphabet. */
static uint32_t
value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool
vg_base64_decode(struct vg_arena *arena, struct vg_str text, struct vg_str *ret)
{
    if (text.len % 4 != 0)
        return false;
    size_t pad = 0;
    while (pad < 2 && pad < text.len && text.ptr[text.len - 1 - pad] == '=')
        pad++;
    unsigned char *to = vg_arena_alloc(arena, text.len / 4 * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i += 4) {
        size_t have = i + 4 == text.len ? 4 - pad : 4;
        uint32_t v = 0;
        for (size_t k = 0; k < 4; k++) {
            uint32_t bits = k < have ? value_of(text.ptr[i + k]) : 0;
            if (bits == 64)
                return false;
            v = v << 6 | bits;
        }
        to[n++] = (unsigned char)(v >> 16);
        if (have > 2)
            to[n++] = (unsigned char)(v >> 8);
        if (have > 3)
            to[n++] = (unsigned char)v;
    }
    *ret = vg_str_n(to, n);
    return true;
}
