/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_OS_FIBER_H
#define VG_OS_FIBER_H

/*
 * Event loops and the fibers pinned to them.
 *
 * A loop is one thread around libuv; a fiber is a stackful coroutine (Boost.Context's fcontext)
 * that lives and dies on one loop.  Where a fiber waits, its loop serves others.  A fiber owns no
 * libuv handle.  Functions marked VG_WAITS may park the calling fiber and must be called on one;
 * all others here may be called from any thread unless they say otherwise.
 */

#include "base/base.h"

struct uv_loop_s;
struct vg_loop;
struct vg_fiber;

typedef void(vg_fiber_fn)(void *arg);
typedef void(vg_task_fn)(void *arg);

/* --- loops -------------------------------------------------------------------------------------
 */

/* Makes a loop that is not yet running; vg_loop_run() runs it on the calling thread until stopped.
 */
struct vg_loop *vg_loop_new(int index);
void vg_loop_run(struct vg_loop *loop);
void vg_loop_stop(
    struct vg_loop *loop); /* any thread; vg_loop_run() returns when its fibers ended */
void vg_loop_free(struct vg_loop *loop);
struct vg_loop *vg_loop_self(void); /* of the calling thread; NULL off a loop */
int vg_loop_index(const struct vg_loop *loop);
struct uv_loop_s *vg_loop_uv(struct vg_loop *loop); /* loop thread only */

/* Runs fn(arg) soon on the loop's thread, not on a fiber; in order per calling thread. */
void vg_loop_post(struct vg_loop *loop, vg_task_fn *fn, void *arg);

/* At the start: large blocks of memory go back to the system when they are freed. */
void vg_memory_setup(void);
/* Much memory was freed: gives it back to the system within seconds, off the loop. Loop thread. */
void vg_loop_release_memory(void);

/* --- fibers ------------------------------------------------------------------------------------
 */

/* Starts fn(arg) on a fiber of `loop`; never runs it before returning. */
void vg_fiber_start(struct vg_loop *loop, vg_fiber_fn *fn, void *arg);
struct vg_fiber *vg_fiber_self(void); /* NULL off a fiber */
struct vg_loop *vg_fiber_loop(const struct vg_fiber *fiber);
/* A pointer of the engine's that follows the fiber (its request); NULL at first. */
void *vg_fiber_local(void);
void vg_fiber_set_local(void *p);

/*
 * One wait.  The fiber initialises it, makes it findable by wakers (a list under a lock), parks,
 * and after waking unlinks it under that same lock: so a waker that finds it under the lock may
 * always touch it.  The first of vg_waiter_wake(), the deadline and vg_fiber_cancel() ends the
 * wait; the others have no effect.  A wake before the park is kept.
 */
struct vg_waiter {
    struct vg_fiber *fiber;
    _Atomic int state;
    vg_rc result;
};

void vg_waiter_init(struct vg_waiter *w); /* on the waiting fiber */
/* True when this call ended the wait; `result` is what vg_waiter_park() returns. Any thread. */
bool vg_waiter_wake(struct vg_waiter *w, vg_rc result);
/*
 * Waits until woken or until the monotonic clock reaches deadline_ms (VG_NEVER_MS: no deadline).
 * Returns the waker's result, VG_TIMEOUT, or, when `may_cancel`, VG_GONE after vg_fiber_cancel().
 */
vg_rc vg_waiter_park(struct vg_waiter *w, int64_t deadline_ms, bool may_cancel) VG_WAITS;

#define VG_NEVER_MS INT64_MAX

/* The client left or we are to stop: ends the fiber's present and later cancellable waits. Loop
 * thread. */
void vg_fiber_cancel(struct vg_fiber *fiber);
bool vg_fiber_is_cancelled(void);

void vg_fiber_sleep(int64_t ms) VG_WAITS; /* monotonic */
void vg_fiber_yield(void) VG_WAITS;       /* lets every other runnable fiber of the loop run once */

/* Runs fn(arg) on the thread pool and waits for it: work over a millisecond, blocking calls. */
void vg_offload(vg_task_fn *fn, void *arg) VG_WAITS;

#endif
