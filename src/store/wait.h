/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_STORE_WAIT_H
#define VG_STORE_WAIT_H

/*
 * One wait of whoever asks: a fiber parks, a plain thread (start-up, tests, the command line)
 * blocks.  As with struct vg_waiter, a wake before the wait is kept, and the storage must stay
 * until the waker is known to be done, which a lock around list and wake gives.
 */

#include "os/fiber.h"

#include <semaphore.h>
#include <stdatomic.h>

struct vg_wait {
    struct vg_waiter fiber;
    sem_t sem;
    _Atomic bool is_woken; /* a thread's */
    bool is_fiber;
};

static inline void
vg_wait_init(struct vg_wait *w)
{
    w->is_fiber = vg_fiber_self() != NULL;
    if (w->is_fiber) {
        vg_waiter_init(&w->fiber);
    } else {
        w->is_woken = false;
        sem_init(&w->sem, 0, 0);
    }
}

static inline void
vg_wait_wake(struct vg_wait *w)
{
    if (w->is_fiber)
        vg_waiter_wake(&w->fiber, VG_OK);
    else if (!atomic_exchange(&w->is_woken, true))
        sem_post(&w->sem);
}

static inline void
vg_wait_park(struct vg_wait *w) VG_WAITS
{
    if (w->is_fiber) {
        vg_waiter_park(&w->fiber, VG_NEVER_MS, false);
        return;
    }
    while (sem_wait(&w->sem) != 0)
        continue; /* a signal */
}

#endif
