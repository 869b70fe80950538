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

/* --- conditions ---------------------------------------------------------------------------------
 */

bool
s3_etag_matches(struct vg_str header, struct vg_str etag)
{
    struct vg_str rest = header;
    while (rest.ptr) {
        struct vg_str one = vg_str_trim(vg_str_cut(&rest, ','));
        if (vg_str_starts(one, VG_STR("W/")))
            one = vg_str_slice(one, 2, one.len);
        if (one.len >= 2 && one.ptr[0] == '"' && one.ptr[one.len - 1] == '"')
            one = vg_str_slice(one, 1, one.len - 1);
        if (vg_str_eq(one, VG_STR("*")) || vg_str_eq(one, etag))
            return true;
    }
    return false;
}

static int64_t
second(int64_t ms)
{
    return ms / 1000;
}

enum s3_condition_is
s3_conditions_check(const struct s3_conditions *c, struct vg_str etag, int64_t modified_ms,
                    int64_t now_ms, const char **ret_header)
{
    *ret_header = NULL;
    if (c->if_match.ptr && !s3_etag_matches(c->if_match, etag))
        *ret_header = "If-Match";
    else if (!c->if_match.ptr && c->unmodified_since_ms.set
             && second(modified_ms) > second(c->unmodified_since_ms.v))
        *ret_header = "If-Unmodified-Since";
    if (*ret_header)
        return S3_CONDITION_FAILED;
    if (c->if_none_match.ptr && s3_etag_matches(c->if_none_match, etag))
        *ret_header = "If-None-Match";
    else if (!c->if_none_match.ptr && c->modified_since_ms.set && c->modified_since_ms.v <= now_ms
             && second(modified_ms) <= second(c->modified_since_ms.v))
        *ret_header = "If-Modified-Since";
    return *ret_header ? S3_CONDITION_NOT_MODIFIED : S3_CONDITION_HOLDS;
}

/* --- ranges -------------------------------------------------------------------------------------
 */

/* Digits only; what is too large for the type is its maximum. */
static bool
read_number(struct vg_str text, int64_t *ret)
{
    *ret = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c < '0' || c > '9')
            return false;
        *ret = *ret > (INT64_MAX - 9) / 10 ? INT64_MAX : 10 * *ret + (c - '0');
    }
    return text.len > 0;
}

enum s3_range_is
s3_range(struct vg_str header, int64_t size, int64_t *ret_first, int64_t *ret_last)
{
    struct vg_str to = vg_str_trim(header), from;
    int64_t first = 0, last = INT64_MAX;
    if (!vg_str_starts_nocase(to, VG_STR("bytes=")))
        return S3_RANGE_NONE;
    to = vg_str_trim(vg_str_slice(to, 6, to.len));
    from = vg_str_cut(&to, '-');
    if (!to.ptr || (to.len && !read_number(to, &last)) || (from.len && !read_number(from, &first))
        || (!from.len && !to.len) || (from.len && last < first))
        return S3_RANGE_NONE;
    if (!from.len) { /* the last so many */
        first = last >= size ? 0 : size - last;
        if (last == 0)
            return S3_RANGE_BAD;
        last = size - 1;
    }
    if (first >= size)
        return S3_RANGE_BAD;
    *ret_first = first;
    *ret_last = VG_MIN(last, size - 1);
    return S3_RANGE_ONE;
}
