/* SPDX-License-Identifier: Apache-2.0 */
/* The asynchronous queue in the store, and its dispatcher over functions that do not exist: their
 * events are dropped when their turn comes. */
#include "base/test.h"
#include "clock/clock.h"
#include "core/env.h"
#include "crypto/random.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "os/file.h"
#include "services/lambda/lambda_int.h"
#include "store/bound.h"
#include "store/key.h"
#include "store/kv_int.h"
#include "store/walked_test.h"

#include <stdio.h>
#include <stdlib.h>

struct world {
    struct vg_env env;
    struct vg_config config;
    struct lambda_svc svc;
    struct vg_arena *arena;
    struct vg_root root;
    struct vg_loop *loop;
    char dir[32];
};

static int
setup(void **state)
{
    struct world *w = vg_xalloc(sizeof(*w));
    struct vg_err err;
    strcpy(w->dir, "/tmp/vg_queue_XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    const struct vg_kv_options opt = { .path = vg_str_of(w->dir), .durability = VG_DURABLE_OS };
    assert_ok(vg_kv_open_rocks(&opt, &w->env.kv, &err));
    w->arena = vg_arena_new(0);
    w->config = (struct vg_config) { .region = VG_STR("us-east-1"), .account = VG_STR("1") };
    w->env.config = &w->config;
    w->env.random = vg_random_new(1, NULL);
    vg_root_init(&w->root, &w->env, w->arena, NULL, w->config.account, w->config.region);
    w->root.rq.svc = &w->svc;
    assert_ok(vg_clock_open(&w->root.sess, vg_wall_ms, &w->env.clock, &err));
    assert_ok(vg_clock_freeze(w->env.clock, &w->root.sess, true, &err));
    w->svc.env = &w->env;
    w->svc.bounds = vg_bounds_new(w->env.kv);
    pthread_mutex_init(&w->svc.lock, NULL);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;
    struct vg_err err;
    lambda_line_sweep(&w->svc.lines, true);
    vg_bounds_free(w->svc.bounds);
    pthread_mutex_destroy(&w->svc.lock);
    vg_clock_close(w->env.clock);
    vg_random_free(w->env.random);
    vg_kv_close(w->env.kv);
    vg_arena_free(w->arena);
    assert_ok(vg_dir_remove(vg_str_of(w->dir), &err));
    free(w);
    return 0;
}

static struct lambda_rec_event
event_of(struct world *w, const char *name, int i)
{
    return (struct lambda_rec_event) { .id = vg_str_fmt(w->arena, "%s-%d", name, i),
                                       .name = vg_str_of(name),
                                       .payload = VG_STR("{}"),
                                       .queued_ms = vg_now_ms(&w->env),
                                       .account = w->config.account,
                                       .region = w->config.region };
}

static void
enqueue(struct world *w, const char *name, int i, int64_t due_ms)
{
    struct lambda_rec_event ev = event_of(w, name, i);
    assert_ok(lambda_store_enqueue(&w->root.rq, &ev, due_ms));
}

static struct vg_str
line_of(struct world *w, const char *name)
{
    return lambda_store_line(w->arena, w->config.account, w->config.region, vg_str_of(name));
}

static size_t
n_waiting(struct world *w, const char *name)
{
    struct lambda_due *due;
    size_t n;
    assert_ok(lambda_store_due(&w->root.rq, line_of(w, name), 5000, &due, &n));
    return n;
}

static size_t
n_lines(struct world *w)
{
    struct vg_str *lines;
    size_t n;
    assert_ok(lambda_store_lines(&w->root.rq, VG_STR_NONE, &lines, &n));
    return n;
}

/* --- the store ----------------------------------------------------------------------------------
 */

static void
an_event_moves_and_goes_and_its_line_with_the_last(void **state)
{
    struct world *w = *state;
    struct lambda_due *due, next;
    struct lambda_rec_event ev;
    size_t n;
    bool was_there;
    enqueue(w, "f", 1, 10);
    enqueue(w, "f", 2, 20);
    enqueue(w, "g", 3, 5);
    assert_int_equal(n_lines(w), 2);
    assert_ok(lambda_store_due(&w->root.rq, line_of(w, "f"), 9, &due, &n));
    assert_int_equal(n, 2);
    assert_int_equal(due[0].due_ms, 10);
    next = due[0];
    next.due_ms = 30;
    next.tries.failed = 1;
    assert_ok(lambda_store_requeue(&w->root.rq, &due[0], &next, &was_there));
    assert_true(was_there);
    assert_ok(lambda_store_requeue(&w->root.rq, &due[0], NULL, &was_there));
    assert_false(was_there); /* it is elsewhere */
    assert_ok(lambda_store_requeue(&w->root.rq, &due[1], NULL, &was_there));
    assert_true(was_there);
    assert_ok(lambda_store_due(&w->root.rq, line_of(w, "f"), 9, &due, &n));
    assert_int_equal(n, 1);
    assert_int_equal(due[0].due_ms, 30);
    assert_int_equal(due[0].tries.failed, 1);
    assert_ok(lambda_store_event(&w->root.rq, &due[0], &ev));
    assert_true(vg_str_eq(ev.id, VG_STR("f-1")));
    assert_ok(lambda_store_requeue(&w->root.rq, &due[0], NULL, &was_there));
    assert_ok(lambda_store_event(&w->root.rq, &due[0], &ev));
    assert_null(ev.id.ptr);
    assert_int_equal(n_lines(w), 1);
}

static void
what_has_been_consumed_is_not_walked_over_again(void **state)
{
    enum { N = 1000 };
    struct world *w = *state;
    struct lambda_due *due, leased;
    size_t n;
    bool was_there;
    int64_t now_ms = vg_now_ms(&w->env);
    for (int i = 0; i < N; i++)
        enqueue(w, "f", i, now_ms + i);
    vg_walked_count();
    uint64_t before = vg_walked();
    for (int i = 0; i < N; i++) {
        assert_ok(lambda_store_due(&w->root.rq, line_of(w, "f"), 1, &due, &n));
        assert_int_equal(n, 1);
        assert_int_equal(due[0].due_ms, now_ms + i);
        leased = due[0];
        leased.due_ms = now_ms + 60000 + i;
        assert_ok(lambda_store_requeue(&w->root.rq, &due[0], &leased, &was_there));
        assert_ok(lambda_store_requeue(&w->root.rq, &leased, NULL, &was_there));
        assert_true(was_there);
    }
    assert_in_range(vg_walked() - before, 0, 10 * N); /* from the front it would be millions */
    vg_walked_end();
    enqueue(w, "f", N, now_ms - 1); /* below all that went */
    assert_int_equal(n_waiting(w, "f"), 1);
}

/* --- the dispatcher -----------------------------------------------------------------------------
 */

static void
in_world(struct world *w, vg_fiber_fn *body)
{
    w->loop = vg_loop_new(0);
    w->env.loops = &w->loop;
    w->env.n_loops = 1;
    lambda_queue_start(&w->svc);
    vg_fiber_start(w->loop, body, w);
    vg_loop_run(w->loop);
    vg_loop_free(w->loop);
}

static void
wait_for(struct world *w, const char *name, size_t want)
{
    int64_t until_ms = vg_mono_ms() + 10000;
    while (n_waiting(w, name) != want && vg_mono_ms() < until_ms)
        vg_fiber_sleep(1);
    assert_int_equal(n_waiting(w, name), want);
}

static void
wait_empty(struct world *w, const char *name)
{
    wait_for(w, name, 0);
}

enum { BACKLOG = 3000 };

static void
fair_body(void *arg)
{
    struct world *w = arg;
    wait_empty(w, "quick");
    assert_in_range(n_waiting(w, "busy"), BACKLOG / 3, BACKLOG);
    wait_empty(w, "busy");
    assert_int_equal(n_lines(w), 0);
    vg_loop_stop(w->loop);
}

static void
one_functions_backlog_does_not_delay_anothers_event(void **state)
{
    struct world *w = *state;
    int64_t now_ms = vg_now_ms(&w->env);
    for (int i = 0; i < BACKLOG; i++)
        enqueue(w, "busy", i, now_ms - BACKLOG + i);
    enqueue(w, "quick", 0, now_ms);
    in_world(w, fair_body);
}

static void
later_body(void *arg)
{
    struct world *w = arg;
    struct vg_err err;
    wait_empty(w, "now");
    vg_fiber_sleep(50);
    assert_int_equal(n_waiting(w, "later"), 1);
    assert_ok(vg_clock_advance(w->env.clock, &w->root.sess, 3600000, &err));
    wait_empty(w, "later");
    enqueue(w, "later", 1, 0); /* of which the dispatcher is told */
    lambda_queue_note(&w->svc, line_of(w, "later"), 0);
    wait_empty(w, "later");
    assert_int_equal(n_lines(w), 0);
    vg_loop_stop(w->loop);
}

static void
events_of_an_earlier_process_wait_for_their_time(void **state)
{
    struct world *w = *state;
    enqueue(w, "later", 0, vg_now_ms(&w->env) + 3600000);
    enqueue(w, "now", 0, vg_now_ms(&w->env));
    in_world(w, later_body);
}

static void
reopened_body(void *arg)
{
    struct world *w = arg;
    wait_empty(w, "known");
    enqueue(w, "back", 0, 0); /* of which it is not told: a commit that consumed it was lost */
    enqueue(w, "known", 1, 0);
    atomic_fetch_add(&w->env.kv->epoch, 1);
    lambda_queue_note(&w->svc, line_of(w, "known"), 0);
    wait_empty(w, "back");
    wait_empty(w, "known");
    vg_loop_stop(w->loop);
}

static void
lines_are_looked_for_again_when_the_store_was_opened_again(void **state)
{
    struct world *w = *state;
    enqueue(w, "known", 0, 0);
    in_world(w, reopened_body);
}

/* --- data of before there were lines ------------------------------------------------------------
 */

static void
old_body(void *arg)
{
    struct world *w = arg;
    wait_for(w, "old", 1);
    wait_empty(w, "first");
    struct lambda_due *due;
    struct lambda_rec_event ev;
    size_t n;
    assert_ok(lambda_store_due(&w->root.rq, line_of(w, "old"), 9, &due, &n));
    assert_int_equal(n, 1);
    assert_int_equal(due[0].due_ms, vg_now_ms(&w->env) + 60000);
    assert_ok(lambda_store_event(&w->root.rq, &due[0], &ev));
    assert_true(vg_str_eq(ev.payload, VG_STR("{}")));
    assert_int_equal(n_lines(w), 1);
    vg_loop_stop(w->loop);
}

static void
an_event_stored_without_a_line_gets_into_its_own(void **state)
{
    struct world *w = *state;
    struct lambda_rec_event ev = event_of(w, "old", 0);
    struct vg_str part = vg_key_of(w->arena, VG_STR("lambda"), VG_STR("queue"));
    struct vg_tx *tx;
    struct vg_err err;
    struct vg_key k;
    struct vg_buf b;
    vg_key_init(&k, w->arena);
    vg_key_i64(&k, vg_now_ms(&w->env) + 60000);
    vg_key_str(&k, ev.id);
    vg_buf_init(&b, w->arena, 4096);
    lambda_rec_event_encode(&ev, &b);
    assert_ok(vg_kv_begin(&w->root.sess, &part, 1, &tx, &err));
    vg_tx_put(tx, part, vg_key_done(&k), vg_buf_str(&b));
    assert_ok(vg_tx_commit(&tx, &err));
    enqueue(w, "first", 0, 0);
    in_world(w, old_body);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(an_event_moves_and_goes_and_its_line_with_the_last),
        T(what_has_been_consumed_is_not_walked_over_again),
        T(one_functions_backlog_does_not_delay_anothers_event),
        T(events_of_an_earlier_process_wait_for_their_time),
        T(lines_are_looked_for_again_when_the_store_was_opened_again),
        T(an_event_stored_without_a_line_gets_into_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
