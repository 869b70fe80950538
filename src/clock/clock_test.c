/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "clock/clock.h"
#include "os/fiber.h"
#include "store/kv.h"

#include <pthread.h>
#include <stdatomic.h>

static _Atomic int64_t wall = 1000000;

static int64_t
fake_wall_ms(void)
{
    return atomic_load(&wall);
}

static void
pass(int64_t ms)
{
    atomic_fetch_add(&wall, ms);
}

struct run {
    void (*body)(struct vg_sess *s);
    struct vg_loop *loop;
};

static void
fiber(void *arg)
{
    struct run *r = arg;
    struct vg_kv *kv;
    struct vg_err err = { 0 };
    assert_ok(vg_kv_open_mem(&kv, &err));
    struct vg_arena *arena = vg_arena_new(0);
    struct vg_sess sess;
    vg_sess_init(&sess, kv, arena);
    r->body(&sess);
    vg_arena_free(arena);
    vg_kv_close(kv);
    vg_loop_stop(r->loop);
}

static void
on_fiber(void (*body)(struct vg_sess *s))
{
    struct run r = { .body = body, .loop = vg_loop_new(0) };
    vg_fiber_start(r.loop, fiber, &r);
    vg_loop_run(r.loop);
    vg_loop_free(r.loop);
}

static void
advance_body(struct vg_sess *s)
{
    struct vg_err err = { 0 };
    struct vg_clock *c;
    assert_ok(vg_clock_open(s, fake_wall_ms, &c, &err));
    assert_int_equal(vg_clock_now_ms(c), fake_wall_ms());
    int64_t before = fake_wall_ms();
    pass(10);
    assert_ok(vg_clock_advance(c, s, 86400000, &err));
    assert_int_equal(vg_clock_now_ms(c), fake_wall_ms() + 86400000);
    /* A signature made before the move keeps its own time: presigned URLs still expire. */
    assert_int_equal(vg_clock_virtual_of(c, before), before);
    pass(5);
    assert_int_equal(vg_clock_now_ms(c), fake_wall_ms() + 86400000);
    vg_clock_close(c);

    assert_ok(vg_clock_open(s, fake_wall_ms, &c, &err)); /* a restart goes on in the same time */
    assert_int_equal(vg_clock_now_ms(c), fake_wall_ms() + 86400000);
    vg_clock_close(c);
}

static void
advance_lasts_over_a_restart(void **state)
{
    (void)state;
    on_fiber(advance_body);
}

static int n_moves;

static void
count(void *arg)
{
    (void)arg;
    n_moves++;
}

static void
freeze_body(struct vg_sess *s)
{
    struct vg_err err = { 0 };
    struct vg_clock *c;
    assert_ok(vg_clock_open(s, fake_wall_ms, &c, &err));
    vg_clock_on_move(c, count, NULL);
    assert_ok(vg_clock_freeze(c, s, true, &err));
    int64_t at = vg_clock_now_ms(c);
    pass(500);
    assert_int_equal(vg_clock_now_ms(c), at);
    assert_true(vg_clock_until(c, at + 1) == INT64_MAX);
    assert_ok(vg_clock_advance(c, s, 1000, &err));
    assert_int_equal(vg_clock_now_ms(c), at + 1000);
    assert_true(vg_clock_is_frozen(c));
    assert_ok(vg_clock_freeze(c, s, false, &err));
    pass(7);
    assert_int_equal(vg_clock_now_ms(c), at + 1007);
    assert_int_equal(vg_clock_until(c, at + 1107), 100);
    assert_int_equal(n_moves, 3);
    vg_clock_close(c);
}

static void
frozen_time_stands_until_moved(void **state)
{
    (void)state;
    on_fiber(freeze_body);
}

static void
back_body(struct vg_sess *s)
{
    struct vg_err err = { 0 };
    struct vg_clock *c;
    assert_ok(vg_clock_open(s, fake_wall_ms, &c, &err));
    int64_t at = vg_clock_now_ms(c);
    assert_int_equal(vg_clock_set(c, s, at - 1, &err), VG_FAIL);
    assert_int_equal(vg_clock_advance(c, s, -1, &err), VG_FAIL);
    assert_int_equal(vg_clock_now_ms(c), at);
    assert_ok(vg_clock_set(c, s, at + 3000, &err));
    assert_int_equal(vg_clock_now_ms(c), at + 3000);
    vg_clock_close(c);
}

static void
time_never_goes_back(void **state)
{
    (void)state;
    on_fiber(back_body);
}

#define MOVERS     4
#define MOVES_EACH 500

struct mover {
    struct vg_clock *clock;
    struct vg_kv *kv;
    pthread_t thread;
};

static void *
advance_often(void *arg)
{
    struct mover *m = arg;
    struct vg_err err = { 0 };
    for (int i = 0; i < MOVES_EACH; i++) {
        vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
        struct vg_sess s;
        vg_sess_init(&s, m->kv, arena);
        assert_ok(vg_clock_advance(m->clock, &s, 1, &err));
    }
    return NULL;
}

/* Moves of several threads at once: none is lost, and a restart knows them all. */
static void
moves_at_the_same_time_all_count(void **state)
{
    (void)state;
    struct mover movers[MOVERS];
    struct vg_err err = { 0 };
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_kv *kv;
    struct vg_clock *c;
    struct vg_sess s;
    assert_ok(vg_kv_open_mem(&kv, &err));
    vg_sess_init(&s, kv, arena);
    assert_ok(vg_clock_open(&s, fake_wall_ms, &c, &err));
    int64_t at = vg_clock_now_ms(c);
    for (size_t i = 0; i < MOVERS; i++) {
        movers[i] = (struct mover) { .clock = c, .kv = kv };
        assert_int_equal(pthread_create(&movers[i].thread, NULL, advance_often, &movers[i]), 0);
    }
    for (size_t i = 0; i < MOVERS; i++)
        pthread_join(movers[i].thread, NULL);
    assert_int_equal(vg_clock_now_ms(c), at + MOVERS * MOVES_EACH);
    vg_clock_close(c);
    assert_ok(vg_clock_open(&s, fake_wall_ms, &c, &err));
    assert_int_equal(vg_clock_now_ms(c), at + MOVERS * MOVES_EACH);
    vg_clock_close(c);
    vg_kv_close(kv);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advance_lasts_over_a_restart),
        cmocka_unit_test(frozen_time_stands_until_moved),
        cmocka_unit_test(time_never_goes_back),
        cmocka_unit_test(moves_at_the_same_time_all_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
