/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_EVENTS_EVENTS_H
#define VG_EVENTS_EVENTS_H

/*
 * What must happen later or elsewhere: durable timers, and the outbox, which is a timer due now.
 *
 * A timer is written by vg_timer_put() in the service's own transaction, into a partition that the
 * transaction has named, under an id of the service's choice there.  When its time has come on the
 * virtual clock it is run through the callback given at the start (core makes an internal
 * operation's call of it), on a fiber of its own.
 *
 * - At least once: a crash between the work and its mark runs it again.  The work finds out in its
 *   own transaction whether there is something to do.
 * - One at a time in a partition, there strictly by due time.  Over all partitions timers start by
 *   due time too; after a move of the clock, one waits up to half a second for those at work that
 *   were due more than a second before it, so that short work is done in its order.
 * - VG_OK from the callback: the timer is gone, unless the work itself put it again.  VG_FAIL: it
 *   is tried again after 1 s, 2 s, 4 s … to 5 min of virtual time, and after `max_attempts` (0:
 *   without end) handed to the dead-letter callback and removed; a crash between these two hands it
 *   over again.  Attempts and waits are stored: they go on after a restart.  An attempt that a stop
 *   cuts off does not count; one that a crash cuts off does where `max_attempts` is set, but for
 * the first in a row: work that crashes the process can do so once more often than that.
 *
 * docs/internals/store.md, "Timers", says what is stored.
 */

#include "base/err.h"

struct vg_clock;
struct vg_events;
struct vg_kv;
struct vg_loop;
struct vg_sess;
struct vg_tx;

struct vg_timer {
    struct vg_str part;    /* the partition it is in; a key tuple                           */
    struct vg_str id;      /* unique in the partition among timers; any bytes               */
    struct vg_str op;      /* what to run: "lambda/_InvokeAsync"                            */
    struct vg_str payload; /* the operation's input, as its owner likes; mostly JSON        */
    int64_t due_ms;        /* virtual                                                       */
    uint32_t max_attempts; /* 0: until it succeeds                                          */
    uint32_t attempt;      /* when run: 1 for the first time; ignored by vg_timer_put()     */
};

/*
 * Does the work of a timer that is due; on a fiber, `t` lives until it returns.  It has a session
 * of its own kind: events/ reads and writes with others.
 */
typedef vg_rc(vg_timer_fn)(void *arg, const struct vg_timer *t, struct vg_err *err);
/* After the last attempt has failed with `last`. */
typedef void(vg_timer_dead_fn)(void *arg, const struct vg_timer *t, const struct vg_err *last);

struct vg_events_setup {
    struct vg_kv *kv;
    struct vg_clock *clock;
    vg_timer_fn *run;
    vg_timer_dead_fn *dead; /* may be NULL: logged */
    void *arg;
    uint32_t running_max; /* timers at work at a time; 0: 64 */
    /* How long, in real time, a timer waits for earlier ones at most; 0: half a second. */
    int64_t order_wait_ms;
};

struct vg_events *vg_events_new(const struct vg_events_setup *setup);
void vg_events_free(struct vg_events *ev); /* after the loops have ended; accepts NULL */
/* Starts the sweeper on loops[0]; timers run on all of `loops`. It ends with its loop. */
void vg_events_start(struct vg_events *ev, struct vg_loop *const *loops, size_t n_loops);

/*
 * Sets or replaces a timer, in the transaction; t->part is one that it has named.  What is due
 * already runs as soon as the commit is durable.
 */
vg_rc vg_timer_put(struct vg_events *ev, struct vg_tx *tx, const struct vg_timer *t,
                   struct vg_err *err) VG_MUST_USE;
/* Absence is no failure. One that runs at this moment is not stopped. */
vg_rc vg_timer_del(struct vg_events *ev, struct vg_tx *tx, struct vg_str part, struct vg_str id,
                   struct vg_err *err) VG_MUST_USE;
/* When it is due; *ret_due_ms is INT64_MAX when there is none. */
vg_rc vg_timer_due(struct vg_events *ev, struct vg_tx *tx, struct vg_str part, struct vg_str id,
                   int64_t *ret_due_ms, struct vg_err *err) VG_MUST_USE;

/* For status and tests: timers at work, and whether one is due that is not. */
struct vg_events_state {
    size_t n_running;
    bool has_due;
};
struct vg_events_state vg_events_state(struct vg_events *ev);

#endif
