/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_OS_STACK_H
#define VG_OS_STACK_H

/*
 * The memory that fibers run on, inside os/ only: VG_FIBER_STACK_BYTES of address space above a
 * guard page, and what the sanitizers want to know of a switch.
 *
 * A pool belongs to one loop and is used on its thread.  It keeps what was in use lately, and
 * vg_stacks_trim(), called about once a second, gives half of what lay unused since the last call
 * back to the system, down to a few: so a burst costs one mmap a stack and is forgotten soon after.
 */

#include "base/base.h"

struct vg_stack {
    struct vg_stack *next; /* in the pool; lies at the top of its own memory */
    char *low;             /* lowest usable byte, above the guard page       */
};

struct vg_stacks {
    struct vg_stack *first;
    size_t n, n_unused; /* pooled now; the fewest that were pooled since the last trim */
};

#define VG_STACKS_KEPT 8u /* that a trim leaves in any case */

/* The returned struct is the first `top_bytes` of room that the caller may use at the stack's top:
 * it must begin with a struct vg_stack. Aborts when the system has no memory left. */
struct vg_stack *vg_stacks_take(struct vg_stacks *pool, size_t top_bytes);
void vg_stacks_give(struct vg_stacks *pool, struct vg_stack *stack);
void vg_stacks_trim(struct vg_stacks *pool, size_t keep);

/* Gives the pages below `sp` of a waiting fiber back to the system. */
void vg_stack_release_below(const struct vg_stack *stack, const void *sp);

/* Boost.Context's C linkage. */
struct vg_transfer {
    void *ctx;
    void *data;
};
struct vg_transfer jump_fcontext(void *to, void *data);
void *make_fcontext(void *stack_top, size_t bytes, void (*fn)(struct vg_transfer));

#endif
