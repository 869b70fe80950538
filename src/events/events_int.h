/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_EVENTS_EVENTS_INT_H
#define VG_EVENTS_EVENTS_INT_H

/* What timer.c (the stored form) and events.c (the sweeper) share. */

#include "events/events.h"
#include "events/records.h"
#include "os/fiber.h"
#include "store/bound.h"
#include "store/kv.h"

#include <pthread.h>
#include <stdatomic.h>

#define EV_GROUPS      64u
#define EV_RUNNING_MAX 64u
#define EV_NEVER       INT64_MAX

/* A partition whose earliest timer is at work. */
struct ev_run {
    struct vg_events *ev;
    struct ev_run *next; /* of those at work */
    unsigned group;
    int64_t pointer_ms; /* the index entry that led here */
    int64_t passed_ms;  /* the earliest of its entries that a sweep has passed over, or that one */
    int64_t started_ms; /* monotonic */
    struct vg_str part;
    char part_bytes[];
};

struct vg_events {
    struct vg_events_setup setup;
    _Atomic int64_t generation;
    int64_t first_generation; /* of this process; those of earlier ones are below */
    int64_t started_at_ms;    /* virtual */
    struct vg_loop *const *loops;
    size_t n_loops;
    struct vg_bounds *bounds; /* where the timers of partitions begin */
    pthread_mutex_t lock;     /* guards the rest */
    /*
     * No index entry of the group is due earlier, but for those of partitions at work: a sweep
     * looks from here on, and need not walk over the deletions of all that is done.
     */
    int64_t next_ms[EV_GROUPS];
    uint32_t epoch; /* of the store that next_ms knows */
    struct ev_run *runs;
    size_t n_runs;
    struct vg_waiter *sleeper;  /* the sweeper's wait */
    bool is_changed;            /* since the sweeper last looked */
    bool is_suspect_running;    /* one whose work was cut off before */
    uint64_t n_malformed;       /* index entries passed over; the sweeper's own, as the next */
    int64_t malformed_until_ms; /* monotonic: none is logged before */
};

/* --- timer.c --- */

unsigned ev_group_of(struct vg_str part);
struct vg_str ev_group_part(struct vg_arena *arena, unsigned group);

struct ev_pointer {
    int64_t due_ms;
    unsigned group;
    struct vg_str part;
};
bool ev_pointer_read(struct vg_arena *arena, struct vg_str key, struct ev_pointer *ret);
struct vg_str ev_pointer_key(struct vg_arena *arena, int64_t due_ms, struct vg_str part);
struct vg_str ev_due_key(struct vg_arena *arena, int64_t due_ms, struct vg_str id);

/* The earliest timer of a partition; due_ms is EV_NEVER when there is none. */
struct ev_head {
    int64_t due_ms;
    struct vg_str id;
};
/* With `tx` inside it, else the latest state. */
vg_rc ev_head_read(struct vg_events *ev, struct vg_sess *s, struct vg_tx *tx, struct vg_str part,
                   struct ev_head *ret, struct vg_err *err) VG_MUST_USE;
/* *ret_is_there false: no such timer. */
vg_rc ev_timer_read(struct vg_sess *s, struct vg_tx *tx, struct vg_str part, struct vg_str id,
                    struct events_rec_timer *ret, bool *ret_is_there, struct vg_err *err)
    VG_MUST_USE;
/* `old` or `rec` may be NULL: there was none, there shall be none. */
void ev_timer_write(struct vg_events *ev, struct vg_tx *tx, struct vg_str part, struct vg_str id,
                    const struct events_rec_timer *old, const struct events_rec_timer *rec);

/* The index entry `pointer_ms` of the partition becomes that of its earliest timer, *ret, or goes.
 */
vg_rc ev_pointer_fix(struct vg_events *ev, struct vg_tx *tx, struct vg_str part, int64_t pointer_ms,
                     struct ev_head *ret, struct vg_err *err) VG_MUST_USE;

/* Something of the group is due at due_ms, or has been done. Any thread. */
void ev_notify(struct vg_events *ev, unsigned group, int64_t due_ms);

#endif
