/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

#define ALIGN       16u
#define BLOCK_BYTES (8u << 10)

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(ALIGN) char data[];
};

struct defer {
    struct defer *next;
    vg_defer_fn *fn;
    void *arg;
};

struct vg_arena {
    struct block *blocks; /* the first one is the one being filled */
    struct defer *defers;
    size_t bytes, max_bytes;
};

void *
vg_xalloc(size_t bytes)
{
    void *p = calloc(1, bytes ? bytes : 1);
    if (p == NULL)
        VG_BUG("out of memory");
    return p;
}

void *
vg_xrealloc(void *old, size_t bytes)
{
    void *p = realloc(old, bytes ? bytes : 1);
    if (p == NULL)
        VG_BUG("out of memory");
    return p;
}

struct vg_arena *
vg_arena_new(size_t max_bytes)
{
    struct vg_arena *a = vg_xalloc(sizeof(*a));
    a->max_bytes = max_bytes ? max_bytes : VG_ARENA_MAX_BYTES;
    return a;
}

static struct block *
block_new(size_t size)
{
    struct block *b = vg_xalloc(sizeof(*b) + size);
    b->size = size;
    return b;
}

void *
vg_arena_alloc(struct vg_arena *a, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        VG_BUG("absurd allocation");
    a->bytes += bytes;
#ifdef VG_ARENA_MALLOC
    struct block *b = block_new(bytes);
    b->next = a->blocks;
    a->blocks = b;
    return b->data;
#else
    size_t need = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct block *first = a->blocks;
    if (first && first->size - first->used >= need) {
        void *p = first->data + first->used;
        first->used += need;
        return p;
    }
    struct block *b = block_new(VG_MAX(need, (size_t)BLOCK_BYTES));
    b->used = need;
    if (first && b->size - b->used < first->size - first->used) {
        b->next = first->next; /* a large one goes behind: the first keeps its room */
        first->next = b;
    } else {
        b->next = first;
        a->blocks = b;
    }
    return b->data;
#endif
}

void *
vg_arena_array(struct vg_arena *a, size_t n, size_t each)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, each, &bytes))
        VG_BUG("absurd allocation");
    return vg_arena_alloc(a, bytes);
}

void *
vg_arena_copy(struct vg_arena *a, const void *from, size_t bytes)
{
    void *p = vg_arena_alloc(a, bytes);
    if (bytes)
        memcpy(p, from, bytes);
    return p;
}

void *
vg_arena_grow(struct vg_arena *a, void *old, size_t old_bytes, size_t want_bytes)
{
    VG_ASSERT(want_bytes >= old_bytes);
    void *p = vg_arena_alloc(a, want_bytes);
    if (old_bytes)
        memcpy(p, old, old_bytes);
    return p;
}

void
vg_arena_defer(struct vg_arena *a, vg_defer_fn *fn, void *arg)
{
    struct defer *d = vg_arena_alloc(a, sizeof(*d));
    *d = (struct defer) { .next = a->defers, .fn = fn, .arg = arg };
    a->defers = d;
}

void
vg_arena_clear(struct vg_arena *a)
{
    while (a->defers) {
        struct defer *d = a->defers;
        a->defers = d->next; /* first: fn may defer more */
        d->fn(d->arg);
    }
    while (a->blocks) {
        struct block *b = a->blocks;
        a->blocks = b->next;
        free(b);
    }
    a->bytes = 0;
}

void
vg_arena_recycle(struct vg_arena *a)
{
    struct block *kept = a->blocks, **at = &a->blocks;
    while (kept && kept->size != BLOCK_BYTES) {
        at = &kept->next;
        kept = kept->next;
    }
    if (kept)
        *at = kept->next;
    vg_arena_clear(a);
    if (kept == NULL)
        return;
    memset(kept->data, 0, kept->used);
    kept->used = 0;
    kept->next = NULL;
    a->blocks = kept;
}

void
vg_arena_free(struct vg_arena *a)
{
    if (a == NULL)
        return;
    vg_arena_clear(a);
    free(a);
}

bool
vg_arena_is_over(const struct vg_arena *a)
{
    return a->bytes > a->max_bytes;
}

size_t
vg_arena_bytes(const struct vg_arena *a)
{
    return a->bytes;
}
