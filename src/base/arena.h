/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_BASE_ARENA_H
#define VG_BASE_ARENA_H

/*
 * Memory of one request (or one other bounded piece of work), freed as a whole.
 *
 * vg_arena_alloc() never returns NULL and returns zeroed memory.  Past the ceiling it goes on
 * serving but sets a sticky overflow flag, which the dispatcher turns into an error; the system
 * being out of memory aborts.  An arena belongs to one fiber at a time and is not thread-safe. With
 * -Darena=malloc every allocation is its own malloc, so that sanitizers see its bounds.
 */

#include "base/base.h"

struct vg_arena;

typedef void(vg_defer_fn)(void *arg);

/* `max_bytes` is the ceiling; 0 means VG_ARENA_MAX_BYTES of limits.h. */
struct vg_arena *vg_arena_new(size_t max_bytes);
/* Runs the deferred functions in reverse order, then frees everything. Accepts NULL. */
void vg_arena_free(struct vg_arena *arena);
/* Frees all but the arena itself, deferred functions included; for loops that reuse one. */
void vg_arena_clear(struct vg_arena *arena);
/* The same, but keeps one small block, so that the next use of the arena needs no new memory. */
void vg_arena_recycle(struct vg_arena *arena);

void *vg_arena_alloc(struct vg_arena *arena, size_t bytes) __attribute__((malloc, returns_nonnull));
void *vg_arena_copy(struct vg_arena *arena, const void *from, size_t bytes);
/* Grows an array of the arena: returns a block of at least `want` bytes that begins with `old`. */
void *vg_arena_grow(struct vg_arena *arena, void *old, size_t old_bytes, size_t want_bytes);
/* `fn(arg)` runs when the arena ends: file descriptors, references. */
void vg_arena_defer(struct vg_arena *arena, vg_defer_fn *fn, void *arg);

bool vg_arena_is_over(const struct vg_arena *arena);
size_t vg_arena_bytes(const struct vg_arena *arena); /* handed out so far */

#define VG_NEW(arena, T)          ((T *)vg_arena_alloc((arena), sizeof(T)))
#define VG_NEW_ARRAY(arena, T, n) ((T *)vg_arena_array((arena), (n), sizeof(T)))
void *vg_arena_array(struct vg_arena *arena, size_t n, size_t each); /* overflow-checked */

static inline void
vg_arena_free_p(struct vg_arena **arena)
{
    vg_arena_free(*arena);
}
#define vg_auto_arena __attribute__((cleanup(vg_arena_free_p)))

/* Heap memory that must exist: aborts when the system has none left. Free with free(). */
void *vg_xalloc(size_t bytes) __attribute__((malloc, returns_nonnull)); /* zeroed */
void *vg_xrealloc(void *old, size_t bytes) __attribute__((returns_nonnull));

/*
 * A growing array inside an arena: struct { T *items; size_t len, cap; } v = { 0 };
 * *VG_VEC_ADD(arena, &v) = x;
 */
#define VG_VEC(T)                                                                                  \
    struct {                                                                                       \
        T *items;                                                                                  \
        size_t len, cap;                                                                           \
    }
#define VG_VEC_ADD(arena, v)                                                                       \
    ((v)->len == (v)->cap                                                                          \
         ? ((v)->items = vg_arena_grow((arena), (v)->items, (v)->cap * sizeof(*(v)->items),        \
                                       ((v)->cap ? (v)->cap * 2 : 8) * sizeof(*(v)->items)),       \
            (v)->cap = (v)->cap ? (v)->cap * 2 : 8)                                                \
         : 0,                                                                                      \
     &(v)->items[(v)->len++])

#endif
