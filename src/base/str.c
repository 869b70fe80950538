/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool
vg_str_eq_nocase(struct vg_str a, struct vg_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

int
vg_str_cmp(struct vg_str a, struct vg_str b)
{
    size_t n = VG_MIN(a.len, b.len);
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    if (c != 0)
        return c;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool
vg_str_starts(struct vg_str s, struct vg_str prefix)
{
    return s.len >= prefix.len && vg_str_eq(vg_str_slice(s, 0, prefix.len), prefix);
}

bool
vg_str_starts_nocase(struct vg_str s, struct vg_str prefix)
{
    return s.len >= prefix.len && vg_str_eq_nocase(vg_str_slice(s, 0, prefix.len), prefix);
}

bool
vg_str_ends(struct vg_str s, struct vg_str suffix)
{
    return s.len >= suffix.len && vg_str_eq(vg_str_slice(s, s.len - suffix.len, s.len), suffix);
}

size_t
vg_str_find(struct vg_str s, struct vg_str needle)
{
    if (needle.len == 0)
        return 0;
    if (s.len < needle.len)
        return VG_NPOS;
    const char *hit = memmem(s.ptr, s.len, needle.ptr, needle.len);
    return hit ? (size_t)(hit - s.ptr) : VG_NPOS;
}

size_t
vg_str_find_char(struct vg_str s, char c)
{
    const char *hit = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return hit ? (size_t)(hit - s.ptr) : VG_NPOS;
}

size_t
vg_str_rfind_char(struct vg_str s, char c)
{
    const char *hit = s.len ? memrchr(s.ptr, c, s.len) : NULL;
    return hit ? (size_t)(hit - s.ptr) : VG_NPOS;
}

struct vg_str
vg_str_trim(struct vg_str s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

struct vg_str
vg_str_cut(struct vg_str *rest, char sep)
{
    struct vg_str s = *rest;
    size_t at = vg_str_find_char(s, sep);
    if (at == VG_NPOS) {
        *rest = VG_STR_NONE;
        return s;
    }
    *rest = vg_str_slice(s, at + 1, s.len);
    return vg_str_slice(s, 0, at);
}

bool
vg_str_to_u64(struct vg_str s, uint64_t *ret)
{
    uint64_t v = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        if (__builtin_mul_overflow(v, (uint64_t)10, &v)
            || __builtin_add_overflow(v, (uint64_t)(s.ptr[i] - '0'), &v))
            return false;
    }
    *ret = v;
    return true;
}

bool
vg_str_to_i64(struct vg_str s, int64_t *ret)
{
    bool is_negative = s.len > 0 && s.ptr[0] == '-';
    uint64_t v;
    if (!vg_str_to_u64(is_negative ? vg_str_slice(s, 1, s.len) : s, &v))
        return false;
    if (v > (uint64_t)INT64_MAX + (is_negative ? 1 : 0))
        return false;
    *ret = is_negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

/* Whether `tails` bytes that continue a sequence follow the first. */
static bool
has_tails(const unsigned char *p, size_t n, size_t tails)
{
    if (n <= tails)
        return false;
    for (size_t i = 1; i <= tails; i++)
        if ((p[i] & 0xC0) != 0x80)
            return false;
    return true;
}

/* Length of the well-formed UTF-8 sequence at p, 0 when there is none (Unicode 15, table 3-7). */
static size_t
utf8_seq(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF)
        return has_tails(p, n, 1) ? 2 : 0;
    if ((p[0] & 0xF0) == 0xE0) {
        if (!has_tails(p, n, 2))
            return 0;
        bool is_overlong = p[0] == 0xE0 && p[1] < 0xA0;
        bool is_surrogate = p[0] == 0xED && p[1] > 0x9F;
        return is_overlong || is_surrogate ? 0 : 3;
    }
    if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        if (!has_tails(p, n, 3))
            return 0;
        bool is_overlong = p[0] == 0xF0 && p[1] < 0x90;
        bool is_beyond = p[0] == 0xF4 && p[1] > 0x8F;
        return is_overlong || is_beyond ? 0 : 4;
    }
    return 0;
}

/* How many bytes from `i` on are ASCII, by whole words. */
static size_t
ascii_words(struct vg_str s, size_t i)
{
    uint64_t word;
    size_t from = i;
    for (; s.len - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, s.ptr + i, sizeof(word));
        if (word & 0x8080808080808080u)
            break;
    }
    return i - from;
}

bool
vg_str_is_utf8(struct vg_str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    for (size_t i = ascii_words(s, 0); i < s.len; i += ascii_words(s, i)) {
        size_t n = utf8_seq(p + i, s.len - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

size_t
vg_str_utf8_len(struct vg_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return n;
}

size_t
vg_str_utf16_len(struct vg_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        n += (c & 0xC0) != 0x80;
        n += c >= 0xF0; /* beyond the BMP: a surrogate pair */
    }
    return n;
}

uint64_t
vg_str_hash(struct vg_str s)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 0x100000001b3u;
    h ^= h >> 33; /* murmur3's finalizer: FNV's low bits are weak */
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53u;
    return h ^ (h >> 33);
}

bool
vg_str_eq_secret(struct vg_str a, struct vg_str b)
{
    if (a.len != b.len)
        return false;
    volatile unsigned char diff = 0;
    for (size_t i = 0; i < a.len; i++)
        diff |= (unsigned char)(a.ptr[i] ^ b.ptr[i]);
    return diff == 0;
}

struct vg_str
vg_str_dup(struct vg_arena *arena, struct vg_str s)
{
    if (s.ptr == NULL)
        return s;
    return vg_str_n(vg_str_cstr(arena, s), s.len);
}

const char *
vg_str_cstr(struct vg_arena *arena, struct vg_str s)
{
    char *p = vg_arena_alloc(arena, s.len + 1); /* zeroed: ends in NUL */
    if (s.len)
        memcpy(p, s.ptr, s.len);
    return p;
}

struct vg_str
vg_str_vfmt(struct vg_arena *arena, size_t max_bytes, const char *fmt, va_list ap)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, max_bytes);
    vg_buf_vaddf(&b, fmt, ap);
    return vg_buf_str(&b);
}

struct vg_str
vg_str_fmt(struct vg_arena *arena, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct vg_str text = vg_str_vfmt(arena, VG_FMT_MAX_BYTES, fmt, ap);
    va_end(ap);
    return text;
}

struct vg_str
vg_str_cat(struct vg_arena *arena, struct vg_str a, struct vg_str b)
{
    char *p = vg_arena_alloc(arena, a.len + b.len + 1);
    if (a.len)
        memcpy(p, a.ptr, a.len);
    if (b.len)
        memcpy(p + a.len, b.ptr, b.len);
    return vg_str_n(p, a.len + b.len);
}

struct vg_str
vg_str_lower(struct vg_arena *arena, struct vg_str s)
{
    if (s.ptr == NULL)
        return s;
    char *p = vg_arena_alloc(arena, s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        p[i] = lower(s.ptr[i]);
    return vg_str_n(p, s.len);
}
