/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_TIMER_H
#define VG_CORE_TIMER_H

/*
 * Runs what falls due as internal operations: a timer's op is "endpoint/_Name", its payload the
 * operation's input as JSON.  Where that input has the members Account and Region, they are the
 * scope the operation runs in.
 */

#include "events/events.h"

struct vg_env;

/* For struct vg_events_setup, with arg = the struct vg_env. */
vg_rc vg_timer_run(void *arg, const struct vg_timer *t, struct vg_err *err) VG_WAITS;

#endif
