/* SPDX-License-Identifier: Apache-2.0 */
#include "os/stack.h"

#include "base/limits.h"

#include <sys/mman.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

#define GUARD_BYTES 4096u

static struct vg_stack *
stack_map(size_t top_bytes)
{
    size_t whole = VG_FIBER_STACK_BYTES + GUARD_BYTES;
    char *at = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        VG_BUG("no memory for a fiber's stack");
    char *low = at + GUARD_BYTES;
    if (mprotect(low, VG_FIBER_STACK_BYTES, PROT_READ | PROT_WRITE) != 0)
        VG_BUG("no memory for a fiber's stack");
#ifdef __SANITIZE_ADDRESS__
    __lsan_register_root_region(low, VG_FIBER_STACK_BYTES);
#endif
    size_t top = (top_bytes + 63) & ~(size_t)63;
    struct vg_stack *s = (void *)(low + VG_FIBER_STACK_BYTES - top);
    s->low = low;
    return s;
}

static void
stack_unmap(struct vg_stack *s)
{
    char *low = s->low;
#ifdef __SANITIZE_ADDRESS__
    __lsan_unregister_root_region(low, VG_FIBER_STACK_BYTES);
#endif
    if (munmap(low - GUARD_BYTES, VG_FIBER_STACK_BYTES + GUARD_BYTES) != 0)
        VG_BUG("munmap of a fiber's stack");
}

struct vg_stack *
vg_stacks_take(struct vg_stacks *pool, size_t top_bytes)
{
    struct vg_stack *s = pool->first;
    if (s == NULL)
        return stack_map(top_bytes);
    pool->first = s->next;
    pool->n--;
    pool->n_unused = VG_MIN(pool->n_unused, pool->n);
    return s;
}

void
vg_stacks_give(struct vg_stacks *pool, struct vg_stack *s)
{
#ifdef __SANITIZE_ADDRESS__
    /* The last frames never returned, so their red zones are still marked. */
    __asan_unpoison_memory_region(s->low, VG_FIBER_STACK_BYTES);
#endif
    s->next = pool->first;
    pool->first = s;
    pool->n++;
}

void
vg_stacks_trim(struct vg_stacks *pool, size_t keep)
{
    size_t n = keep ? (pool->n_unused + 1) / 2 : pool->n;
    while (n-- > 0 && pool->n > keep) {
        struct vg_stack *s = pool->first;
        pool->first = s->next;
        pool->n--;
        stack_unmap(s);
    }
    pool->n_unused = pool->n;
}

void
vg_stack_release_below(const struct vg_stack *s, const void *sp)
{
    uintptr_t end = (uintptr_t)sp & ~(uintptr_t)(GUARD_BYTES - 1);
    uintptr_t low = (uintptr_t)s->low;
    if (end > low)
        (void)madvise(s->low, end - low, MADV_DONTNEED); /* only a saving: may fail */
}
