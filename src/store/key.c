/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key.h"

#include "base/arena.h"
#include "base/limits.h"

/*
 * One part is a tag and its body.  The integer's tag is below the string's, so integers sort first;
 * 0x00 is no tag: it separates a partition's id from a key inside (store/kv.c), and it ends nothing
 * else but a string, where it comes twice.
 */
#define TAG_I64 0x10
#define TAG_STR 0x20

void
vg_key_init(struct vg_key *k, struct vg_arena *arena)
{
    vg_buf_init(&k->buf, arena, VG_KEY_MAX_BYTES);
}

void
vg_key_str(struct vg_key *k, struct vg_str s)
{
    vg_buf_addc(&k->buf, TAG_STR);
    while (s.len > 0) {
        size_t run = vg_str_find_char(s, '\0');
        run = run == VG_NPOS ? s.len : run;
        vg_buf_add(&k->buf, s.ptr, run);
        s = vg_str_slice(s, run, s.len);
        if (s.len > 0) {
            vg_buf_add(&k->buf, "\x00\xFF", 2);
            s = vg_str_slice(s, 1, s.len);
        }
    }
    vg_buf_add(&k->buf, "\x00\x00", 2);
}

void
vg_key_i64(struct vg_key *k, int64_t v)
{
    vg_buf_addc(&k->buf, TAG_I64);
    vg_buf_add_u64be(&k->buf, (uint64_t)v ^ (UINT64_C(1) << 63));
}

struct vg_str
vg_key_done(const struct vg_key *k)
{
    /* Callers check the lengths of what AWS lets a client choose; this ceiling is far above. */
    VG_ASSERT(!k->buf.over);
    return vg_buf_str(&k->buf);
}

struct vg_str
vg_key_of_n(struct vg_arena *arena, const struct vg_str *parts, size_t n)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    for (size_t i = 0; i < n; i++)
        vg_key_str(&k, parts[i]);
    return vg_key_done(&k);
}

/* Where the string part's two ending zeros begin; VG_NPOS when they are missing. */
static size_t
str_end(struct vg_str body)
{
    for (size_t i = 0; i + 1 < body.len; i++) {
        if (body.ptr[i] != '\0')
            continue;
        if (body.ptr[i + 1] == '\0')
            return i;
        if ((unsigned char)body.ptr[i + 1] != 0xFF)
            return VG_NPOS;
        i++;
    }
    return VG_NPOS;
}

bool
vg_key_take_str(struct vg_arena *arena, struct vg_str *rest, struct vg_str *ret)
{
    if (rest->len < 3 || rest->ptr[0] != TAG_STR)
        return false;
    struct vg_str body = vg_str_slice(*rest, 1, rest->len);
    size_t end = str_end(body);
    if (end == VG_NPOS)
        return false;
    char *to = vg_arena_alloc(arena, end);
    size_t len = 0;
    for (size_t i = 0; i < end; i++) {
        to[len++] = body.ptr[i];
        if (body.ptr[i] == '\0')
            i++;
    }
    *ret = vg_str_n(to, len);
    *rest = vg_str_slice(body, end + 2, body.len);
    return true;
}

bool
vg_key_take_i64(struct vg_str *rest, int64_t *ret)
{
    if (rest->len < 9 || rest->ptr[0] != TAG_I64)
        return false;
    uint64_t u = 0;
    for (size_t i = 1; i < 9; i++)
        u = u << 8 | (unsigned char)rest->ptr[i];
    *ret = (int64_t)(u ^ (UINT64_C(1) << 63));
    *rest = vg_str_slice(*rest, 9, rest->len);
    return true;
}

struct vg_range
vg_key_range(struct vg_arena *arena, struct vg_str prefix)
{
    struct vg_range r = { 0 };
    size_t len = prefix.len;
    while (len > 0 && (unsigned char)prefix.ptr[len - 1] == 0xFF)
        len--;
    if (prefix.len > 0)
        r.from = prefix;
    if (len > 0) {
        char *to = vg_arena_copy(arena, prefix.ptr, len);
        to[len - 1]++;
        r.to = vg_str_n(to, len);
    }
    return r;
}

struct vg_str
vg_key_beside(struct vg_arena *arena, struct vg_str part)
{
    char *p = vg_arena_alloc(arena, part.len + 1);
    memcpy(p, part.ptr, part.len);
    p[part.len] = VG_KEY_BESIDE;
    return vg_str_n(p, part.len + 1);
}
