/* SPDX-License-Identifier: Apache-2.0 */
/* Fibers: switching, waiting, cancelling. */
#include "os/loop_int.h"

#include "base/limits.h"
#include "os/clock.h"

#include <sched.h>
#include <stdatomic.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

/* States of a waiter: not yet parked, parked, and beyond that ended with result state - ENDED. */
enum { ARMED = 0, PARKED = 1, ENDED = 16 };

/* --- what the sanitizers are told of a switch --------------------------------------------------
 */

static void
san_leave_loop(struct vg_loop *l, struct vg_fiber *f)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&l->fake_stack, f->stack.low,
                                   (size_t)((char *)f - f->stack.low));
#elif defined(__SANITIZE_THREAD__)
    l->tsan = __tsan_get_current_fiber();
    if (f->tsan == NULL)
        f->tsan = __tsan_create_fiber(0);
    __tsan_switch_to_fiber(f->tsan, 0);
#else
    (void)l;
    (void)f;
#endif
}

static void
san_came_back(struct vg_loop *l)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(l->fake_stack, NULL, NULL);
#else
    (void)l;
#endif
}

static void
san_leave_fiber(struct vg_fiber *f, bool for_ever)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(for_ever ? NULL : &f->fake_stack, f->loop->thread_stack,
                                   f->loop->thread_stack_bytes);
#elif defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(f->loop->tsan, 0);
    (void)for_ever;
#else
    (void)f;
    (void)for_ever;
#endif
}

static void
san_entered_fiber(struct vg_fiber *f)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(f->fake_stack, &f->loop->thread_stack,
                                    &f->loop->thread_stack_bytes);
#else
    (void)f;
#endif
}

/* --- switching ---------------------------------------------------------------------------------
 */

static void
leave(struct vg_fiber *f)
{
    san_leave_fiber(f, f->is_done);
    struct vg_transfer t = jump_fcontext(f->loop->ctx, NULL);
    f->loop->ctx = t.ctx;
    san_entered_fiber(f);
}

static void
entry(struct vg_transfer t)
{
    struct vg_fiber *f = t.data;
    f->loop->ctx = t.ctx;
    san_entered_fiber(f);
    f->fn(f->arg);
    f->is_done = true;
    leave(f);
    VG_BUG("an ended fiber ran on");
}

void
vg_fiber_enter(struct vg_fiber *f)
{
    struct vg_loop *l = f->loop;
    VG_EXPENSIVE(l->current == NULL);
    l->current = f;
    san_leave_loop(l, f);
    struct vg_transfer t = jump_fcontext(f->ctx, f);
    f->ctx = t.ctx;
    san_came_back(l);
    l->current = NULL;
}

struct vg_fiber *
vg_fiber_make(struct vg_loop *l, vg_fiber_fn *fn, void *arg)
{
    struct vg_fiber *f = (void *)vg_stacks_take(&l->stacks, sizeof(*f));
    char *low = f->stack.low;
    *f = (struct vg_fiber) { .stack.low = low, .loop = l, .fn = fn, .arg = arg };
    f->item.kind = ITEM_FIBER;
    f->is_cancelled = l->is_stopping;
    vg_link_append(&l->all, &f->all);
    vg_link_init(&f->parked);
    f->ctx = make_fcontext(f, (size_t)((char *)f - low), entry);
    return f;
}

void
vg_fiber_end(struct vg_fiber *f)
{
#ifdef __SANITIZE_THREAD__
    __tsan_destroy_fiber(f->tsan);
#endif
    vg_link_remove(&f->all);
    vg_stacks_give(&f->loop->stacks, &f->stack);
}

struct vg_fiber *
vg_fiber_self(void)
{
    struct vg_loop *l = vg_loop_self();
    return l ? l->current : NULL;
}

static struct vg_fiber *
self_or_bug(void)
{
    struct vg_fiber *f = vg_fiber_self();
    VG_ASSERT(f != NULL);
    return f;
}

struct vg_loop *
vg_fiber_loop(const struct vg_fiber *f)
{
    return f->loop;
}

void *
vg_fiber_local(void)
{
    struct vg_fiber *f = vg_fiber_self();
    return f ? f->local : NULL;
}

void
vg_fiber_set_local(void *p)
{
    self_or_bug()->local = p;
}

/* --- waiting -----------------------------------------------------------------------------------
 */

void
vg_waiter_init(struct vg_waiter *w)
{
    w->fiber = self_or_bug();
    w->result = VG_OK;
    atomic_init(&w->state, ARMED);
}

/* Moves the waiter from `from` to its end; exactly one of all callers succeeds. */
static bool
try_end(struct vg_waiter *w, int from, vg_rc result)
{
    return atomic_compare_exchange_strong_explicit(&w->state, &from, ENDED + (int)result,
                                                   memory_order_acq_rel, memory_order_acquire);
}

bool
vg_waiter_end(struct vg_waiter *w, vg_rc result)
{
    struct vg_fiber *f = w->fiber; /* before: once it has ended, w may be gone */
    if (!try_end(w, PARKED, result))
        return false;
    vg_loop_ready(f); /* the fiber cannot run before this, so it is still there */
    return true;
}

bool
vg_waiter_wake(struct vg_waiter *w, vg_rc result)
{
    /* It can only go from armed to parked in between, so two tries see it in one of the two. */
    return try_end(w, ARMED, result) || vg_waiter_end(w, result);
}

/* What the fiber finds before it leaves: the wait is over already. */
static bool
is_over_before(struct vg_waiter *w, int64_t deadline_ms, bool may_cancel)
{
    if (atomic_load_explicit(&w->state, memory_order_acquire) > PARKED)
        return true;
    if (may_cancel && w->fiber->is_cancelled)
        (void)try_end(w, ARMED, VG_GONE); /* else a waker was first */
    else if (deadline_ms != VG_NEVER_MS && deadline_ms <= vg_mono_ms())
        (void)try_end(w, ARMED, VG_TIMEOUT);
    int armed = ARMED;
    return !atomic_compare_exchange_strong_explicit(&w->state, &armed, PARKED, memory_order_acq_rel,
                                                    memory_order_acquire);
}

vg_rc
vg_waiter_park(struct vg_waiter *w, int64_t deadline_ms, bool may_cancel)
{
    struct vg_fiber *f = self_or_bug();
    VG_ASSERT(w->fiber == f);
#ifdef VG_RARE_PATHS
    vg_fiber_yield(); /* a switch at every possible wait, also where there is nothing to wait for */
#endif
    if (!is_over_before(w, deadline_ms, may_cancel)) {
        f->waiter = w;
        f->may_cancel = may_cancel;
        f->parked_ms = f->loop->now_ms;
        vg_link_append(&f->loop->parked, &f->parked);
        if (deadline_ms != VG_NEVER_MS) {
            f->deadline_ms = deadline_ms;
            vg_loop_deadline_add(f);
        }
        leave(f);
        vg_loop_deadline_remove(f);
        vg_link_remove(&f->parked);
        f->waiter = NULL;
    }
    w->result = (vg_rc)(atomic_load_explicit(&w->state, memory_order_acquire) - ENDED);
    return w->result;
}

void
vg_fiber_cancel(struct vg_fiber *f)
{
    VG_ASSERT(vg_loop_self() == f->loop);
    f->is_cancelled = true;
    if (f->waiter && f->may_cancel)
        vg_waiter_end(f->waiter, VG_GONE);
}

bool
vg_fiber_is_cancelled(void)
{
    struct vg_fiber *f = vg_fiber_self();
    return f && f->is_cancelled;
}

void
vg_fiber_sleep(int64_t ms)
{
    struct vg_waiter w;
    vg_waiter_init(&w);
    (void)vg_waiter_park(&w, vg_mono_ms() + ms, true);
}

void
vg_fiber_yield(void)
{
    struct vg_fiber *f = self_or_bug();
    vg_loop_run_later(f->loop, &f->item);
    leave(f);
}

/* --- the thread pool ----------------------------------------------------------------------------
 */

struct offload {
    uv_work_t work;
    vg_task_fn *fn;
    void *arg;
    struct vg_waiter waiter;
};

/*
 * sched(7): a SCHED_BATCH thread that wakes up preempts nobody.  The pool's work is long; the
 * loops, which everybody waits for, are to run as soon as they have something to do.
 */
static void
be_patient(void)
{
    static _Thread_local bool is_patient;
    struct sched_param param = { .sched_priority = 0 };
    if (is_patient)
        return;
    is_patient = true;
    (void)sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &param); /* else as others */
}

static void
on_work(uv_work_t *work)
{
    struct offload *o = work->data;
    be_patient();
    o->fn(o->arg);
}

static void
on_work_done(uv_work_t *work, int status)
{
    struct offload *o = work->data;
    (void)status; /* we never cancel */
    vg_waiter_wake(&o->waiter, VG_OK);
}

void
vg_offload(vg_task_fn *fn, void *arg)
{
    struct vg_fiber *f = self_or_bug();
    struct offload o = { .fn = fn, .arg = arg };
    o.work.data = &o;
    vg_waiter_init(&o.waiter);
    if (uv_queue_work(&f->loop->uv, &o.work, on_work, on_work_done) != 0)
        VG_BUG("uv_queue_work");
    (void)vg_waiter_park(&o.waiter, VG_NEVER_MS, false);
}
