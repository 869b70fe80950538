/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_OS_LOOP_INT_H
#define VG_OS_LOOP_INT_H

/* What loop.c and fiber.c share; nobody else includes it. */

#include "base/link.h"
#include "os/fiber.h"
#include "os/stack.h"

#include <uv.h>

enum item_kind { ITEM_FIBER, ITEM_TASK, ITEM_START };

/* Something to run on a loop: in its run queue (its thread only) or its inbox (any thread). */
struct item {
    struct item *next;
    enum item_kind kind;
};

struct task {
    struct item item;
    vg_task_fn *fn;
    void *arg;
};

struct vg_fiber {
    struct vg_stack stack; /* first: stack.h */
    struct item item;      /* the fiber is in at most one queue at a time */
    struct vg_loop *loop;
    void *ctx;
    vg_fiber_fn *fn;
    void *arg, *local;
    struct vg_link all;
    struct vg_link parked;    /* in loop->parked while it waits and has not been trimmed */
    struct vg_waiter *waiter; /* of the present wait */
    int64_t deadline_ms, parked_ms;
    size_t heap_at; /* 1-based index in loop->heap; 0: no deadline */
    bool is_cancelled, may_cancel, is_done;
    void *fake_stack, *tsan; /* the sanitizers' */
};

struct vg_loop {
    uv_loop_t uv;
    uv_async_t async;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    int index;
    _Atomic(struct item *) inbox; /* newest first */
    struct item *run_head, **run_tail;
    struct task *spare; /* task nodes kept for reuse */
    size_t n_spare, n_run;
    struct vg_fiber *current;
    void *ctx; /* of the loop itself while a fiber runs */
    struct vg_link all, parked;
    struct vg_fiber **heap; /* of deadlines, earliest first; heap[0] unused */
    size_t n_heap, heap_cap;
    int64_t armed_ms; /* what the timer is set to; VG_NEVER_MS: not */
    int64_t trim_ms;  /* when the pool of stacks is next looked at; VG_NEVER_MS: not */
    int64_t now_ms;   /* as of the present batch */
    struct vg_stacks stacks;
    bool is_stopping, is_idling;
    bool is_release_due;      /* free heap memory is worth giving back to the system */
    const void *thread_stack; /* for ASan: the loop's own stack */
    size_t thread_stack_bytes;
    void *fake_stack, *tsan;
};

/* The fiber's wait has ended: runs it soon. Any thread. */
void vg_loop_ready(struct vg_fiber *fiber);

/* Deadlines; loop thread. */
void vg_loop_deadline_add(struct vg_fiber *fiber);
void vg_loop_deadline_remove(struct vg_fiber *fiber);

/* fiber.c: runs the fiber until it waits or ends; from the loop, not from a fiber. */
void vg_fiber_enter(struct vg_fiber *fiber);
struct vg_fiber *vg_fiber_make(struct vg_loop *loop, vg_fiber_fn *fn, void *arg);
void vg_fiber_end(struct vg_fiber *fiber);
/* fiber.c: ends the wait of a parked fiber if nobody else has; true when it did. */
bool vg_waiter_end(struct vg_waiter *w, vg_rc result);

/* loop.c: also the only thread-local. */
void vg_loop_run_later(struct vg_loop *loop, struct item *item);

#endif
