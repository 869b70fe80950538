/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_STORE_TURN_H
#define VG_STORE_TURN_H

/*
 * Who may write to a partition now: one at a time, over all loops.
 *
 * Partitions share VG_TURN_STRIPES turns by their hash.  A release frees the turn and wakes the
 * oldest waiter; who runs first takes it, so a busy loop goes on without a switch; but a waiter
 * that has come back to a taken turn four times is handed the next one.  Several turns are always
 * taken in ascending order, so nobody waits in a circle.
 */

#include "base/str.h"

#define VG_TURN_STRIPES 2048u

struct vg_turns;

struct vg_turns *vg_turns_new(void);
void vg_turns_free(struct vg_turns *t); /* nobody holds or waits; accepts NULL */

uint16_t vg_turn_of(struct vg_str part);
/* `ids` ascending without doubles. Waits; what is taken must be released on the same fiber. */
void vg_turns_take(struct vg_turns *t, const uint16_t *ids, size_t n) VG_WAITS;
void vg_turns_release(struct vg_turns *t, const uint16_t *ids, size_t n);

#endif
