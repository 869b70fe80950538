/* SPDX-License-Identifier: Apache-2.0 */
#include "core/meter_test.h"
#include "core/meter.c"

#include "base/fault.h"
#include "clock/clock.h"
#include "os/clock.h"
#include "os/fiber.h"

struct fixture {
    struct vg_env env;
    struct vg_loop *loop;
    struct vg_arena *arena;
};

static void
count_two(struct fixture *f)
{
    const struct vg_use use = { .account = VG_STR("000000000000"),
                                .region = VG_STR("us-east-1"),
                                .service = VG_STR("dynamodb"),
                                .metric = VG_STR("PutItem"),
                                .resource = VG_STR("table/notes"),
                                .amount = 1 };
    struct vg_use other = use;
    other.resource = VG_STR_NONE;
    vg_meter_add(f->env.meter, &use);
    vg_meter_add(f->env.meter, &use);
    vg_meter_add(f->env.meter, &other);
}

static int64_t
requests(struct fixture *f)
{
    return vg_metered(&f->env, f->arena, VG_STR("PutItem"), VG_STR("table/notes"));
}

static void
flushes(void *arg)
{
    struct fixture *f = arg;
    vg_meter_start(f->env.meter);
    count_two(f);
    while (requests(f) == 0)
        vg_fiber_sleep(10);
    count_two(f);
    while (requests(f) == 2)
        vg_fiber_sleep(10);
    assert_int_equal(requests(f), 4);
    assert_int_equal(vg_metered(&f->env, f->arena, VG_STR("PutItem"), VG_STR("")), 2);
    vg_loop_stop(f->loop);
}

/* What was used while the disk was full is not forgotten: it is counted again. */
static void
fails_to_flush(void *arg)
{
    struct fixture *f = arg;
    struct vg_err err = { 0 };
    struct table *t = &f->env.meter->tables[0];
    int64_t sum = 0;
    count_two(f);
    assert_ok(vg_fault_setup(VG_STR("store.engine.write=fail"), &err));
    flush(f->env.meter, t);
    assert_int_equal(vg_fault_count("store.engine.write"), 1);
    assert_int_equal(t->len, 2);
    for (size_t i = 0; i < t->cap; i++)
        sum += t->rows[i].amount;
    assert_int_equal(sum, 3);
    vg_loop_stop(f->loop);
}

static void
on_a_loop(vg_fiber_fn *fn)
{
    struct vg_err err = { 0 };
    struct vg_sess sess;
    struct fixture f = { .arena = vg_arena_new(0), .loop = vg_loop_new(0) };
    assert_ok(vg_fault_setup(VG_STR("none=fail"), &err)); /* so that the engine is wrapped */
    assert_ok(vg_kv_open_mem(&f.env.kv, &err));
    vg_sess_init(&sess, f.env.kv, f.arena);
    assert_ok(vg_clock_open(&sess, vg_wall_ms, &f.env.clock, &err));
    f.env.loops = &f.loop;
    f.env.n_loops = 1;
    f.env.meter = vg_meter_new(&f.env);
    vg_fiber_start(f.loop, fn, &f);
    vg_loop_run(f.loop);
    vg_meter_free(f.env.meter);
    vg_loop_free(f.loop);
    vg_clock_close(f.env.clock);
    vg_kv_close(f.env.kv);
    vg_arena_free(f.arena);
    assert_ok(vg_fault_setup(VG_STR(""), &err));
}

static void
what_is_counted_is_written_once(void **state)
{
    (void)state;
    on_a_loop(flushes);
}

static void
a_failed_flush_forgets_nothing(void **state)
{
    (void)state;
    on_a_loop(fails_to_flush);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_counted_is_written_once),
        cmocka_unit_test(a_failed_flush_forgets_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
