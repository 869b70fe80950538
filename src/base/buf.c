/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

void
vg_buf_init(struct vg_buf *b, struct vg_arena *arena, size_t max_bytes)
{
    *b = (struct vg_buf) { .arena = arena, .max = max_bytes };
}

void
vg_buf_fini(struct vg_buf *b)
{
    if (b->arena == NULL)
        free(b->ptr);
    vg_buf_init(b, b->arena, b->max);
}

void
vg_buf_clear(struct vg_buf *b)
{
    b->len = 0;
    b->over = false;
}

char *
vg_buf_room(struct vg_buf *b, size_t len)
{
    if (b->over || len > b->max - b->len) {
        b->over = true;
        return NULL;
    }
    if (b->cap - b->len < len || b->ptr == NULL) {
        size_t cap = VG_MAX(b->len + len, VG_MIN(b->cap * 2, b->max));
        cap = VG_MAX(cap, VG_MIN((size_t)64, b->max));
        b->ptr = b->arena ? vg_arena_grow(b->arena, b->ptr, b->len, cap) : vg_xrealloc(b->ptr, cap);
        b->cap = cap;
    }
    return b->ptr + b->len;
}

void
vg_buf_add_grow(struct vg_buf *b, const void *ptr, size_t len)
{
    char *to = len ? vg_buf_room(b, len) : NULL;
    if (to == NULL)
        return;
    memcpy(to, ptr, len);
    b->len += len;
}

void
vg_buf_vaddf(struct vg_buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    char small[256];
    int n = vsnprintf(small, sizeof(small), fmt, ap);
    if (n < 0)
        VG_BUG("bad format");
    if ((size_t)n < sizeof(small)) {
        vg_buf_add(b, small, (size_t)n);
    } else {
        char *to = vg_buf_room(b, (size_t)n + 1); /* vsnprintf writes its NUL too */
        if (to) {
            vsnprintf(to, (size_t)n + 1, fmt, again);
            b->len += (size_t)n;
        }
    }
    va_end(again);
}

void
vg_buf_addf(struct vg_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vg_buf_vaddf(b, fmt, ap);
    va_end(ap);
}

void
vg_buf_add_i64(struct vg_buf *b, int64_t v)
{
    char tmp[20], *p = tmp + sizeof(tmp);
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do {
        *--p = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    if (v < 0)
        vg_buf_addc(b, '-');
    vg_buf_add(b, p, (size_t)(tmp + sizeof(tmp) - p));
}

static void
add_be(struct vg_buf *b, uint64_t v, size_t bytes)
{
    unsigned char tmp[8];
    for (size_t i = 0; i < bytes; i++)
        tmp[i] = (unsigned char)(v >> (8 * (bytes - 1 - i)));
    vg_buf_add(b, tmp, bytes);
}

void
vg_buf_add_u16be(struct vg_buf *b, uint16_t v)
{
    add_be(b, v, 2);
}

void
vg_buf_add_u32be(struct vg_buf *b, uint32_t v)
{
    add_be(b, v, 4);
}

void
vg_buf_add_u64be(struct vg_buf *b, uint64_t v)
{
    add_be(b, v, 8);
}
