/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_DUE_TEST_H
#define VG_CORE_DUE_TEST_H

/* The timers of a service's fixture, run as events/ runs them. */

#include "core/service_test.h"
#include "os/fiber.h"

static inline void
vg_service_fixture_until_quiet(void *arg)
{
    struct vg_events *ev = arg;
    struct vg_events_state s;
    do {
        vg_fiber_sleep(5);
        s = vg_events_state(ev);
    } while (s.n_running > 0 || s.has_due);
    vg_loop_stop(vg_loop_self());
}

/* Runs the internal operations that are due, and those that they make due. */
static inline void
vg_service_fixture_run_due(struct vg_service_fixture *f)
{
    struct vg_loop *loop = vg_loop_new(0);
    vg_events_start(f->env.events, &loop, 1);
    vg_fiber_start(loop, vg_service_fixture_until_quiet, f->env.events);
    vg_loop_run(loop);
    vg_loop_free(loop);
}

#endif
