/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CLOCK_CLOCK_H
#define VG_CLOCK_CLOCK_H

/*
 * Virtual time: that of all service state (TTL, expiry, visibility, schedules, timestamps).
 *
 * Normally the wall clock; it can be advanced, set forward, frozen and resumed.  Each such move is
 * a durable record, so that a restart goes on in the same time, and so that a wall time of the past
 * (a signature's date) maps to the virtual time it was made in.  It never goes back: what expired
 * stays expired.  Every function may be called on any thread; the moves on a fiber.
 */

#include "base/err.h"

struct vg_clock;
struct vg_sess;

/* Reads the moves made before. `wall_ms` is the wall clock to build on: vg_wall_ms, or a test's. */
vg_rc vg_clock_open(struct vg_sess *s, int64_t (*wall_ms)(void), struct vg_clock **ret,
                    struct vg_err *err) VG_MUST_USE;
void vg_clock_close(struct vg_clock *clock); /* accepts NULL */

/* Milliseconds since 1970; no lock. */
int64_t vg_clock_now_ms(const struct vg_clock *clock);
/* The virtual time at a wall time of the past or present. */
int64_t vg_clock_virtual_of(const struct vg_clock *clock, int64_t wall_ms);
/*
 * Wall milliseconds until the virtual clock shows `virtual_ms`: 0 when it is past, INT64_MAX while
 * the clock stands still.
 */
int64_t vg_clock_until(const struct vg_clock *clock, int64_t virtual_ms);
bool vg_clock_is_frozen(const struct vg_clock *clock);

/*
 * The moves.  Each is in the store when it returns (durable once the session's gate has passed),
 * and then the listeners run.  A time before the present one fails: the clock never goes back.
 */
vg_rc vg_clock_set(struct vg_clock *clock, struct vg_sess *s, int64_t virtual_ms,
                   struct vg_err *err) VG_WAITS VG_MUST_USE;
vg_rc vg_clock_advance(struct vg_clock *clock, struct vg_sess *s, int64_t by_ms, struct vg_err *err)
    VG_WAITS VG_MUST_USE;
vg_rc vg_clock_freeze(struct vg_clock *clock, struct vg_sess *s, bool is_frozen, struct vg_err *err)
    VG_WAITS VG_MUST_USE;

/* fn(arg) after every move, on the mover's fiber: timers look again. At start only; at most 8. */
void vg_clock_on_move(struct vg_clock *clock, void (*fn)(void *arg), void *arg);

#endif
