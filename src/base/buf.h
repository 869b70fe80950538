/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_BASE_BUF_H
#define VG_BASE_BUF_H

/*
 * A growing byte buffer, born with a ceiling.
 *
 * Adding past the ceiling adds nothing and sets `over`, which the user checks once at the end. With
 * an arena the memory is the arena's and vg_buf_fini() is not needed; without one it is the heap's.
 */

#include "base/str.h"

#include <stdarg.h>

struct vg_arena;

struct vg_buf {
    char *ptr;
    size_t len, cap, max;
    struct vg_arena *arena; /* NULL: heap */
    bool over;
};

/* `arena` may be NULL. */
void vg_buf_init(struct vg_buf *b, struct vg_arena *arena, size_t max_bytes);
void vg_buf_fini(struct vg_buf *b);  /* frees heap memory; the buffer is empty and usable after */
void vg_buf_clear(struct vg_buf *b); /* len = 0, keeps the memory */

void vg_buf_add_grow(struct vg_buf *b, const void *ptr, size_t len); /* use vg_buf_add() */
void vg_buf_addf(struct vg_buf *b, const char *fmt, ...) VG_PRINTF(2, 3);
void vg_buf_vaddf(struct vg_buf *b, const char *fmt, va_list ap);
void vg_buf_add_i64(struct vg_buf *b, int64_t v); /* decimal */
void vg_buf_add_u16be(struct vg_buf *b, uint16_t v);
void vg_buf_add_u32be(struct vg_buf *b, uint32_t v);
void vg_buf_add_u64be(struct vg_buf *b, uint64_t v);
/* Room for `len` more bytes: where to write them, or NULL over the ceiling. Then add to b->len. */
char *vg_buf_room(struct vg_buf *b, size_t len);

/* Inline: most of what replies are made of is short and fits. */
static inline void
vg_buf_add(struct vg_buf *b, const void *ptr, size_t len)
{
    if (b->over || len == 0 || b->cap - b->len < len) {
        vg_buf_add_grow(b, ptr, len);
        return;
    }
    memcpy(b->ptr + b->len, ptr, len);
    b->len += len;
}

static inline void
vg_buf_adds(struct vg_buf *b, struct vg_str s)
{
    vg_buf_add(b, s.ptr, s.len);
}

static inline void
vg_buf_addc(struct vg_buf *b, char c)
{
    vg_buf_add(b, &c, 1);
}

static inline struct vg_str
vg_buf_str(const struct vg_buf *b)
{
    return (struct vg_str) { b->ptr ? b->ptr : "", b->len };
}

#define vg_auto_buf __attribute__((cleanup(vg_buf_fini)))

#endif
