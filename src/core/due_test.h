/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_DUE_TEST_H
#define VG_CORE_DUE_TEST_H

/* The timers of a service's fixture, run as events/ runs them. */

#include "core/service_test.h"
#include "os/fiber.h"

static inline vg_rc
vg_service_fixture_due(void *arg, const struct vg_timer *t, struct vg_err *err)
{
    struct vg_service_fixture *f = arg;
    struct vg_str op = t->op;
    vg_str_cut(&op, '/');
    struct vg_str answer =
        vg_service_fixture_call(f, vg_str_cstr(f->arena, op), vg_str_cstr(f->arena, t->payload));
    if (!vg_service_fixture_is_ok(answer))
        fail_msg("%" VG_FMT ": %" VG_FMT, VG_ARG(t->op), VG_ARG(answer));
    (void)err;
    return VG_OK;
}

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
    const struct vg_events_setup setup = {
        .kv = f->env.kv, .clock = f->env.clock, .run = vg_service_fixture_due, .arg = f
    };
    struct vg_events *ev = vg_events_new(&setup);
    vg_events_start(ev, &loop, 1);
    vg_fiber_start(loop, vg_service_fixture_until_quiet, ev);
    vg_loop_run(loop);
    vg_events_free(ev);
    vg_loop_free(loop);
}

#endif
