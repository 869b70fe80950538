/* SPDX-License-Identifier: Apache-2.0 */
#include "services/s3/s3_object_rules.h"

#include "base/buf.h"
#include "crypto/random.h"

/* --- lists --------------------------------------------------------------------------------------
 */

struct vg_str
s3_common_prefix(struct vg_str key, struct vg_str prefix, struct vg_str delimiter)
{
    if (delimiter.len == 0 || !vg_str_starts(key, prefix))
        return VG_STR_NONE;
    size_t at = vg_str_find(vg_str_slice(key, prefix.len, key.len), delimiter);
    return at == VG_NPOS ? VG_STR_NONE : vg_str_slice(key, 0, prefix.len + at + delimiter.len);
}

struct vg_str
s3_after_prefix(struct vg_arena *arena, struct vg_str prefix)
{
    size_t n = prefix.len;
    while (n > 0 && (unsigned char)prefix.ptr[n - 1] == 0xff)
        n--;
    if (n == 0)
        return VG_STR_NONE;
    char last = (char)((unsigned char)prefix.ptr[n - 1] + 1);
    return vg_str_cat(arena, vg_str_slice(prefix, 0, n - 1), vg_str_n(&last, 1));
}

struct vg_str
s3_after_key(struct vg_arena *arena, struct vg_str key)
{
    return vg_str_cat(arena, key, vg_str_n("", 1));
}

struct vg_str
s3_list_from(struct vg_arena *arena, struct vg_str marker, struct vg_str prefix,
             struct vg_str delimiter)
{
    if (marker.len == 0)
        return prefix;
    struct vg_str common = s3_common_prefix(marker, prefix, delimiter);
    struct vg_str from = common.ptr ? s3_after_prefix(arena, common) : s3_after_key(arena, marker);
    return from.ptr && vg_str_cmp(from, prefix) < 0 ? prefix : from;
}

/* Java's URLEncoder, as was measured: 'a b' is 'a+b', 'a+b' is 'a%2Bb', 'run books/' keeps its '/'
 * (https://github.com/brekkylab/backlot/issues/178). */
struct vg_str
s3_url_encode(struct vg_arena *arena, struct vg_str text)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 3 * text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (c == ' ')
            vg_buf_addc(&b, '+');
        else if (is_word || (c != 0 && strchr("/-_.*", c)))
            vg_buf_addc(&b, c);
        else
            vg_buf_addf(&b, "%%%02X", (unsigned)(unsigned char)c);
    }
    return text.ptr ? vg_str_n(b.ptr ? b.ptr : "", b.len) : VG_STR_NONE;
}

/* --- ids of versions ----------------------------------------------------------------------------
 */

#define RANDOM_CHARS 24
#define ORDER_CHARS  8 /* of six bits */

static const struct vg_str alphabet =
    VG_STR_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._");

struct vg_str
s3_version_id(struct vg_random *rnd, struct vg_arena *arena, int64_t order)
{
    struct vg_str random = vg_random_text(rnd, arena, VG_STR(""), alphabet, RANDOM_CHARS);
    uint64_t bits = (uint64_t)order ^ vg_str_hash(random);
    char tail[ORDER_CHARS];
    for (size_t i = 0; i < ORDER_CHARS; i++, bits >>= 6)
        tail[i] = alphabet.ptr[bits & 63];
    return vg_str_cat(arena, random, vg_str_n(tail, ORDER_CHARS));
}

bool
s3_version_id_order(struct vg_str id, int64_t *ret)
{
    uint64_t bits = 0;
    if (id.len != RANDOM_CHARS + ORDER_CHARS)
        return false;
    for (size_t i = id.len; i-- > 0;) {
        size_t at = vg_str_find_char(alphabet, id.ptr[i]);
        if (at == VG_NPOS)
            return false;
        if (i >= RANDOM_CHARS)
            bits = bits << 6 | at;
    }
    bits ^= vg_str_hash(vg_str_slice(id, 0, RANDOM_CHARS));
    *ret = (int64_t)(bits & (((uint64_t)1 << 48) - 1));
    return true;
}

bool
s3_is_version_id(struct vg_str id)
{
    int64_t order;
    return vg_str_eq(id, VG_STR("null")) || s3_version_id_order(id, &order);
}
