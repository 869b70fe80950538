/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations are the rules of events/events.h. */
#include "base/fault.h"
#include "base/test.h"
#include "clock/clock.h"
#include "events/events_int.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/process.h"
#include "store/key.h"
#include "store/walked_test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOOPS = 2, LOG_MAX = 4096 };
#define HOUR_MS INT64_C(3600000)

struct ran {
    char op[32], id[32], payload[32];
    int64_t due_ms, at_ms;
    uint32_t attempt;
};

struct world {
    struct vg_loop *loops[LOOPS];
    size_t n_loops;
    struct vg_kv *kv;
    struct vg_clock *clock;
    struct vg_events *ev;
    struct vg_arena *arena;
    struct vg_sess s;
    int64_t start_ms;
    void (*body)(struct world *w);
    _Atomic bool is_held; /* "hold" works on */
    pthread_mutex_t lock; /* guards the rest */
    struct ran log[LOG_MAX];
    size_t n_log, n_dead, n_now, most_now;
    char dead_error[64], dead_id[32];
};

static void order_body(struct world *w);
static void moved_body(struct world *w);

static void
copy(char to[32], struct vg_str s)
{
    snprintf(to, 32, "%" VG_FMT, VG_ARG(s));
}

static struct vg_str
part_of(struct vg_arena *a, int64_t n)
{
    struct vg_key k;
    vg_key_init(&k, a);
    vg_key_str(&k, VG_STR("svc"));
    vg_key_i64(&k, n);
    return vg_key_done(&k);
}

static void
put_timer(struct world *w, const struct vg_timer *t)
{
    struct vg_tx *tx;
    struct vg_err err;
    assert_ok(vg_kv_begin(&w->s, &t->part, 1, &tx, &err));
    assert_ok(vg_timer_put(w->ev, tx, t, &err));
    assert_ok(vg_tx_commit(&tx, &err));
}

/* What the timers of these tests do, by their op. */
static vg_rc
work(void *arg, const struct vg_timer *t, struct vg_err *err)
{
    struct world *w = arg;
    pthread_mutex_lock(&w->lock);
    VG_ASSERT(w->n_log < LOG_MAX);
    struct ran *r = &w->log[w->n_log++];
    *r = (struct ran) { .due_ms = t->due_ms, .attempt = t->attempt };
    r->at_ms = vg_clock_now_ms(w->clock);
    copy(r->op, t->op);
    copy(r->id, t->id);
    copy(r->payload, t->payload);
    w->n_now++;
    w->most_now = VG_MAX(w->most_now, w->n_now);
    pthread_mutex_unlock(&w->lock);
    if (vg_str_eq(t->op, VG_STR("slow")))
        vg_fiber_sleep(1200);
    if (vg_str_eq(t->op, VG_STR("poison"))) {
        vg_fiber_sleep(5);
        VG_ASSERT(!VG_FAULT("test.poison")); /* it crashes */
    }
    if (vg_str_eq(t->op, VG_STR("nap")))
        vg_fiber_sleep(20);
    while (vg_str_eq(t->op, VG_STR("hold")) && w->is_held)
        vg_fiber_sleep(5);
    vg_rc rc = VG_OK;
    if (vg_str_eq(t->op, VG_STR("until stopped"))) {
        while (!vg_fiber_is_cancelled())
            vg_fiber_sleep(5);
        rc = vg_err_set(err, "stopped");
    }
    if (vg_str_eq(t->op, VG_STR("again"))) { /* sets itself anew, as a schedule does */
        vg_auto_arena struct vg_arena *a = vg_arena_new(0);
        struct vg_sess s;
        struct vg_tx *tx;
        vg_sess_init(&s, w->kv, a);
        struct vg_timer next = *t;
        next.due_ms += HOUR_MS;
        rc = vg_kv_begin(&s, &t->part, 1, &tx, err);
        if (rc == VG_OK)
            rc = vg_timer_put(w->ev, tx, &next, err);
        if (rc == VG_OK)
            rc = vg_tx_commit(&tx, err);
    }
    if (vg_str_eq(t->op, VG_STR("fail")))
        rc = vg_err_set(err, "it failed");
    pthread_mutex_lock(&w->lock);
    w->n_now--;
    pthread_mutex_unlock(&w->lock);
    return rc;
}

static void
dead(void *arg, const struct vg_timer *t, const struct vg_err *last)
{
    struct world *w = arg;
    pthread_mutex_lock(&w->lock);
    w->n_dead++;
    copy(w->dead_id, t->id);
    snprintf(w->dead_error, sizeof(w->dead_error), "%s", last->msg);
    pthread_mutex_unlock(&w->lock);
}

static size_t
n_ran(struct world *w)
{
    pthread_mutex_lock(&w->lock);
    size_t n = w->n_log;
    pthread_mutex_unlock(&w->lock);
    return n;
}

/* Until so many have run and nothing is due or at work; at most five seconds. */
static void
settle(struct world *w, size_t want)
{
    int64_t until_ms = vg_mono_ms() + 5000;
    while (vg_mono_ms() < until_ms) {
        struct vg_events_state st = vg_events_state(w->ev);
        if (n_ran(w) >= want && st.n_running == 0 && !st.has_due)
            break;
        vg_fiber_sleep(5);
    }
    assert_int_equal(n_ran(w), want);
}

static void
advance(struct world *w, int64_t ms)
{
    struct vg_err err;
    assert_ok(vg_clock_advance(w->clock, &w->s, ms, &err));
}

static void
world_fiber(void *arg)
{
    struct world *w = arg;
    struct vg_err err;
    assert_ok(vg_clock_open(&w->s, vg_wall_ms, &w->clock, &err));
    assert_ok(vg_clock_freeze(w->clock, &w->s, true, &err));
    w->start_ms = vg_clock_now_ms(w->clock);
    /* Strict order is only promised while earlier work is quick: a busy machine's is not. */
    bool is_strict = w->body == order_body || w->body == moved_body;
    int64_t order_wait_ms = is_strict ? 60000 : 0;
    w->ev = vg_events_new(&(struct vg_events_setup) { .kv = w->kv,
                                                      .clock = w->clock,
                                                      .run = work,
                                                      .dead = dead,
                                                      .arg = w,
                                                      .order_wait_ms = order_wait_ms });
    vg_events_start(w->ev, w->loops, w->n_loops);
    w->body(w);
    for (size_t i = 0; i < w->n_loops; i++)
        vg_loop_stop(w->loops[i]);
}

static void *
loop_thread(void *loop)
{
    vg_loop_run(loop);
    return NULL;
}

/* On the store, which it closes. */
static void
in_world_on(struct vg_kv *kv, size_t n_loops, void (*body)(struct world *w))
{
    struct world *w = vg_xalloc(sizeof(*w));
    pthread_t threads[LOOPS];
    w->kv = kv;
    w->arena = vg_arena_new(0);
    vg_sess_init(&w->s, w->kv, w->arena);
    pthread_mutex_init(&w->lock, NULL);
    w->body = body;
    w->n_loops = n_loops;
    for (size_t i = 0; i < n_loops; i++)
        w->loops[i] = vg_loop_new((int)i);
    vg_fiber_start(w->loops[0], world_fiber, w);
    for (size_t i = 1; i < n_loops; i++)
        pthread_create(&threads[i], NULL, loop_thread, w->loops[i]);
    vg_loop_run(w->loops[0]);
    for (size_t i = 1; i < n_loops; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < n_loops; i++)
        vg_loop_free(w->loops[i]);
    vg_events_free(w->ev);
    vg_clock_close(w->clock);
    vg_arena_free(w->arena);
    vg_kv_close(w->kv);
    free(w);
}

static void
in_world(void (*body)(struct world *w))
{
    struct vg_kv *kv;
    struct vg_err err;
    assert_ok(vg_kv_open_mem(&kv, &err));
    in_world_on(kv, LOOPS, body);
}

static void
in_world_on_disk(const char *dir, enum vg_durability durability, size_t n_loops,
                 void (*body)(struct world *w))
{
    struct vg_kv *kv;
    struct vg_err err;
    const struct vg_kv_options opt = { .path = vg_str_of(dir), .durability = durability };
    assert_ok(vg_kv_open_rocks(&opt, &kv, &err));
    in_world_on(kv, n_loops, body);
}

static void
arm(const char *spec)
{
    struct vg_err err;
    assert_ok(vg_fault_setup(vg_str_of(spec), &err));
}

static int
make_dir(void **state)
{
    char dir[] = "/tmp/vg_events_XXXXXX";
    assert_non_null(mkdtemp(dir));
    *state = strdup(dir);
    return 0;
}

static int
remove_dir(void **state)
{
    struct vg_err err;
    assert_ok(vg_dir_remove(vg_str_of(*state), &err));
    free(*state);
    return 0;
}

/* --- the rules ----------------------------------------------------------------------------------
 */

static void
index_is_empty(struct world *w)
{
    struct vg_err err;
    struct vg_page page;
    for (unsigned g = 0; g < EV_GROUPS; g++) {
        assert_ok(
            vg_kv_scan(&w->s, ev_group_part(w->arena, g), &(struct vg_range) { 0 }, &page, &err));
        assert_int_equal(page.len, 0);
    }
}

static void
runs_when_due_body(struct world *w)
{
    struct vg_timer t = { .part = part_of(w->arena, 8),
                          .id = VG_STR("one"),
                          .op = VG_STR("svc/_Do"),
                          .payload = VG_STR("{\"a\":1}"),
                          .due_ms = w->start_ms + HOUR_MS };
    put_timer(w, &t);
    advance(w, HOUR_MS - 1);
    vg_fiber_sleep(50);
    assert_int_equal(n_ran(w), 0);
    advance(w, 1);
    settle(w, 1);
    assert_string_equal(w->log[0].op, "svc/_Do");
    assert_string_equal(w->log[0].id, "one");
    assert_string_equal(w->log[0].payload, "{\"a\":1}");
    assert_int_equal(w->log[0].attempt, 1);
    advance(w, 24 * HOUR_MS);
    vg_fiber_sleep(20);
    settle(w, 1); /* and not again */
    index_is_empty(w);

    t.due_ms = 0; /* the outbox: due at once */
    put_timer(w, &t);
    settle(w, 2);
    index_is_empty(w);
}

static void
a_timer_runs_once_it_is_due_and_then_is_gone(void **state)
{
    (void)state;
    in_world(runs_when_due_body);
}

static void
real_time_body(struct world *w)
{
    struct vg_err err;
    assert_ok(vg_clock_freeze(w->clock, &w->s, false, &err));
    int64_t due_ms = vg_clock_now_ms(w->clock) + 60;
    put_timer(w, &(struct vg_timer) { .part = part_of(w->arena, 1),
                                      .id = VG_STR("x"),
                                      .op = VG_STR("op"),
                                      .due_ms = due_ms });
    settle(w, 1);
    assert_true(w->log[0].at_ms >= due_ms && w->log[0].at_ms < due_ms + 500);
}

static void
time_passes_by_itself_too(void **state)
{
    (void)state;
    in_world(real_time_body);
}

static void
order_body(struct world *w)
{
    enum { N = 300 };
    unsigned dice = 99;
    for (int i = 0; i < N; i++) {
        dice = dice * 1103515245u + 12345u;
        put_timer(w, &(struct vg_timer) {
                         .part = part_of(w->arena, (dice >> 16) % 20),
                         .id = vg_str_fmt(w->arena, "t%d", i),
                         .op = VG_STR("op"),
                         .due_ms = w->start_ms + 2000 * (1 + (int64_t)((dice >> 8) % 43200)) });
    }
    advance(w, 24 * HOUR_MS);
    settle(w, N);
    for (int i = 1; i < N; i++)
        assert_true(w->log[i - 1].due_ms <= w->log[i].due_ms);
    index_is_empty(w);
}

static void
an_advance_runs_all_that_fell_due_in_order(void **state)
{
    (void)state;
    in_world(order_body);
}

static void
moved_body(struct world *w)
{
    struct vg_timer moved = { .part = part_of(w->arena, 1),
                              .id = VG_STR("moved"),
                              .op = VG_STR("op"),
                              .due_ms = w->start_ms + HOUR_MS };
    put_timer(w, &moved);
    moved.due_ms = w->start_ms + 3 * HOUR_MS; /* the index entry of the first hour stays */
    put_timer(w, &moved);
    put_timer(w, &(struct vg_timer) { .part = part_of(w->arena, 2),
                                      .id = VG_STR("between"),
                                      .op = VG_STR("op"),
                                      .due_ms = w->start_ms + 2 * HOUR_MS });
    advance(w, 4 * HOUR_MS);
    settle(w, 2);
    assert_string_equal(w->log[0].id, "between");
    assert_string_equal(w->log[1].id, "moved");
    index_is_empty(w);
}

static void
an_index_entry_that_is_stale_lets_nothing_run_early(void **state)
{
    (void)state;
    in_world(moved_body);
}

static void
retry_body(struct world *w)
{
    put_timer(w, &(struct vg_timer) { .part = part_of(w->arena, 1),
                                      .id = VG_STR("x"),
                                      .op = VG_STR("fail"),
                                      .due_ms = w->start_ms,
                                      .max_attempts = 4 });
    settle(w, 1);
    const int64_t waits[] = { 1000, 2000, 4000 };
    for (size_t i = 0; i < VG_COUNT(waits); i++) {
        advance(w, waits[i] - 1);
        vg_fiber_sleep(20);
        settle(w, i + 1);
        assert_int_equal(w->n_dead, 0);
        advance(w, 1);
        settle(w, i + 2);
        assert_int_equal(w->log[i + 1].attempt, i + 2);
    }
    assert_int_equal(w->n_dead, 1);
    assert_string_equal(w->dead_error, "it failed");
    advance(w, HOUR_MS);
    vg_fiber_sleep(20);
    settle(w, 4);
    index_is_empty(w);
}

static void
failures_are_tried_again_with_growing_waits_and_end_in_the_dead_letter(void **state)
{
    (void)state;
    in_world(retry_body);
}

/* Two attempts of four have failed: the second at the clock's time now. */
static void
before_restart_body(struct world *w)
{
    put_timer(w, &(struct vg_timer) { .part = part_of(w->arena, 1),
                                      .id = VG_STR("x"),
                                      .op = VG_STR("fail"),
                                      .payload = VG_STR("kept"),
                                      .due_ms = w->start_ms,
                                      .max_attempts = 4 });
    settle(w, 1);
    advance(w, 1000);
    settle(w, 2);
    assert_int_equal(w->n_dead, 0);
}

static void
after_restart_body(struct world *w)
{
    advance(w, 1999);
    vg_fiber_sleep(20);
    settle(w, 0);
    advance(w, 1);
    settle(w, 1);
    assert_int_equal(w->log[0].attempt, 3);
    assert_string_equal(w->log[0].payload, "kept");
    assert_int_equal(w->n_dead, 0);
    advance(w, 3999);
    vg_fiber_sleep(20);
    settle(w, 1);
    advance(w, 1);
    settle(w, 2);
    assert_int_equal(w->log[1].attempt, 4);
    assert_int_equal(w->n_dead, 1);
    index_is_empty(w);
}

static void
nothing_left_body(struct world *w)
{
    advance(w, 24 * HOUR_MS);
    vg_fiber_sleep(20);
    settle(w, 0);
    assert_int_equal(w->n_dead, 0);
}

static void
attempts_and_waits_go_on_after_a_restart(void **state)
{
    in_world_on_disk(*state, VG_DURABLE_DISK, LOOPS, before_restart_body);
    in_world_on_disk(*state, VG_DURABLE_DISK, LOOPS, after_restart_body);
    in_world_on_disk(*state, VG_DURABLE_DISK, LOOPS, nothing_left_body);
}

/* max_attempts 0: no end, but a bound to the waits. */
static void
endless_body(struct world *w)
{
    const int64_t waits[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300 };
    put_timer(w, &(struct vg_timer) { .part = part_of(w->arena, 1),
                                      .id = VG_STR("x"),
                                      .op = VG_STR("fail"),
                                      .due_ms = w->start_ms });
    settle(w, 1);
    for (size_t i = 0; i < VG_COUNT(waits); i++) {
        advance(w, 1000 * waits[i] - 1);
        vg_fiber_sleep(20);
        settle(w, i + 1);
        advance(w, 1);
        settle(w, i + 2);
        assert_int_equal(w->log[i + 1].attempt, i + 2);
    }
    assert_int_equal(w->n_dead, 0);
}

static void
without_a_limit_the_waits_grow_to_five_minutes_and_stay(void **state)
{
    (void)state;
    in_world(endless_body);
}

static void
lost_mark_body(struct world *w)
{
    arm("events.run.after=fail@1");
    put_timer(
        w, &(struct vg_timer) {
               .part = part_of(w->arena, 1), .id = VG_STR("x"), .op = VG_STR("op"), .due_ms = 0 });
    settle(w, 1);
    advance(w, 1000);
    settle(w, 2);
    assert_int_equal(w->log[1].attempt, 2);
}

static void
work_whose_mark_is_lost_runs_again(void **state)
{
    (void)state;
    in_world(lost_mark_body);
    arm("");
}

static void
again_body(struct world *w)
{
    put_timer(w, &(struct vg_timer) { .part = part_of(w->arena, 1),
                                      .id = VG_STR("x"),
                                      .op = VG_STR("again"),
                                      .due_ms = w->start_ms + HOUR_MS });
    advance(w, 5 * HOUR_MS);
    settle(w, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(w->log[i].due_ms, w->start_ms + (i + 1) * HOUR_MS);
    advance(w, HOUR_MS);
    settle(w, 6);
}

static void
work_may_put_its_timer_again(void **state)
{
    (void)state;
    in_world(again_body);
}

static void
replace_body(struct world *w)
{
    struct vg_timer t = { .part = part_of(w->arena, 1),
                          .id = VG_STR("x"),
                          .op = VG_STR("first"),
                          .due_ms = w->start_ms + 2 * HOUR_MS };
    struct vg_timer other = t;
    struct vg_err err;
    struct vg_tx *tx;
    int64_t due_ms;
    other.id = VG_STR("y");
    put_timer(w, &other);
    put_timer(w, &t);
    t.op = VG_STR("second");
    t.due_ms = w->start_ms + HOUR_MS;
    put_timer(w, &t);
    t.op = VG_STR("third");
    t.due_ms = w->start_ms + 3 * HOUR_MS;
    put_timer(w, &t);
    assert_ok(vg_kv_begin(&w->s, &t.part, 1, &tx, &err));
    assert_ok(vg_timer_due(w->ev, tx, t.part, t.id, &due_ms, &err));
    assert_int_equal(due_ms, t.due_ms);
    assert_ok(vg_timer_del(w->ev, tx, t.part, other.id, &err));
    assert_ok(vg_timer_del(w->ev, tx, t.part, VG_STR("none"), &err));
    assert_ok(vg_timer_due(w->ev, tx, t.part, other.id, &due_ms, &err));
    assert_int_equal(due_ms, INT64_MAX);
    assert_ok(vg_tx_commit(&tx, &err));
    advance(w, 2 * HOUR_MS);
    vg_fiber_sleep(30);
    settle(w, 0);
    advance(w, HOUR_MS);
    settle(w, 1);
    assert_string_equal(w->log[0].op, "third");
    index_is_empty(w);
}

static void
a_timer_can_be_replaced_and_deleted(void **state)
{
    (void)state;
    in_world(replace_body);
}

static void
slow_body(struct world *w)
{
    put_timer(w, &(struct vg_timer) { .part = part_of(w->arena, 1),
                                      .id = VG_STR("a"),
                                      .op = VG_STR("slow"),
                                      .due_ms = w->start_ms + 1 });
    put_timer(w, &(struct vg_timer) { .part = part_of(w->arena, 1),
                                      .id = VG_STR("b"),
                                      .op = VG_STR("after"),
                                      .due_ms = w->start_ms + 2 });
    put_timer(w, &(struct vg_timer) { .part = part_of(w->arena, 2),
                                      .id = VG_STR("c"),
                                      .op = VG_STR("other"),
                                      .due_ms = w->start_ms + 5000 });
    int64_t from_ms = vg_mono_ms();
    advance(w, 5000);
    settle(w, 3);
    assert_true(vg_mono_ms() - from_ms >= 1200);
    /* "c" waits for "b", which is due before it, but not for as long as "a" takes. */
    assert_string_equal(w->log[0].id, "a");
    assert_string_equal(w->log[1].id, "c");
    assert_string_equal(w->log[2].id, "b");
}

static void
a_slow_one_holds_up_its_partition_only(void **state)
{
    (void)state;
    in_world(slow_body);
}

static void
many_body(struct world *w)
{
    for (int i = 0; i < 300; i++)
        put_timer(w, &(struct vg_timer) { .part = part_of(w->arena, i),
                                          .id = VG_STR("x"),
                                          .op = VG_STR("nap"),
                                          .due_ms = w->start_ms + 5 });
    advance(w, 10);
    settle(w, 300);
    assert_true(w->most_now <= EV_RUNNING_MAX);
    assert_true(w->most_now > 10);
    index_is_empty(w);
}

static void
so_many_at_a_time(void **state)
{
    (void)state;
    in_world(many_body);
}

/* Until so many have begun, whatever is at work still; at most five seconds. */
static void
wait_ran(struct world *w, size_t want)
{
    int64_t until_ms = vg_mono_ms() + 5000;
    while (n_ran(w) < want && vg_mono_ms() < until_ms)
        vg_fiber_sleep(1);
    assert_int_equal(n_ran(w), want);
}

static void
consume_body(struct world *w)
{
    enum { N = 800, MORE = 100 };
    struct vg_timer held = { .part = part_of(w->arena, 0),
                             .id = VG_STR("held"),
                             .op = VG_STR("hold"),
                             .due_ms = w->start_ms };
    struct vg_timer t = { .op = VG_STR("op") };
    int64_t n = 1;
    do /* its entries come after that of `held` in the same group */
        t.part = part_of(w->arena, n++);
    while (ev_group_of(t.part) != ev_group_of(held.part));
    w->is_held = true;
    put_timer(w, &held);
    wait_ran(w, 1);
    for (int i = 0; i < N + MORE; i++) {
        t.id = vg_str_fmt(w->arena, "t%d", i);
        t.due_ms = w->start_ms + 1 + i;
        put_timer(w, &t);
        if (i < N - 1)
            continue;
        advance(w, i == N - 1 ? N : 1);
        wait_ran(w, (size_t)i + 2);
    }
    w->is_held = false;
    settle(w, N + MORE + 1);
    assert_in_range(vg_walked(), 0, 20 * (N + MORE)); /* from the front it would be a million */
    index_is_empty(w);
}

static void
what_has_been_consumed_is_not_walked_over_again(void **state)
{
    vg_walked_count(); /* of this thread, which does it all */
    in_world_on_disk(*state, VG_DURABLE_OS, 1, consume_body);
    vg_walked_end();
}

/* A timer that this sweeper is not told of. */
static void
put_elsewhere(struct world *w, const struct vg_timer *t)
{
    struct vg_clock *clock;
    struct vg_err err;
    assert_ok(vg_clock_open(&w->s, vg_wall_ms, &clock, &err));
    struct vg_events *mine = w->ev;
    w->ev = vg_events_new(
        &(struct vg_events_setup) { .kv = w->kv, .clock = clock, .run = work, .arg = w });
    put_timer(w, t);
    vg_events_free(w->ev);
    vg_clock_close(clock);
    w->ev = mine;
}

static void
disk_error_body(struct world *w)
{
    struct vg_timer t = { .part = part_of(w->arena, 1),
                          .id = VG_STR("first"),
                          .op = VG_STR("op"),
                          .due_ms = w->start_ms + HOUR_MS };
    struct vg_err err;
    put_timer(w, &t);
    advance(w, HOUR_MS);
    settle(w, 1);
    /* As if a commit that had consumed it were lost with the log's end. */
    t.id = VG_STR("back again");
    t.due_ms = w->start_ms;
    put_elsewhere(w, &t);
    assert_ok(vg_kv_gate(&w->s, &err));
    arm("store.engine.sync=fail@1");
    t.due_ms = w->start_ms + 9 * HOUR_MS;
    t.id = VG_STR("late");
    put_timer(w, &t);
    assert_int_equal(vg_kv_gate(&w->s, &err), VG_FAIL);
    for (int i = 0; i < 500 && vg_kv_epoch(w->kv) == 0; i++)
        vg_fiber_sleep(10);
    vg_sess_init(&w->s, w->kv, w->arena);
    advance(w, 1);
    settle(w, 2);
    assert_string_equal(w->log[1].id, "back again");
}

static void
nothing_is_taken_for_consumed_after_a_disk_error(void **state)
{
    arm("none=fail"); /* so that the engine is wrapped */
    in_world_on_disk(*state, VG_DURABLE_DISK, LOOPS, disk_error_body);
    arm("");
}

/* Entries that are no (due, partition), in front of one that is and behind it. */
static void
malformed_body(struct world *w)
{
    enum { N = 300 }; /* more than a page of a sweep */
    struct vg_timer t = { .part = part_of(w->arena, 1),
                          .id = VG_STR("x"),
                          .op = VG_STR("op"),
                          .due_ms = w->start_ms + HOUR_MS };
    struct vg_str index = ev_group_part(w->arena, ev_group_of(t.part));
    struct vg_err err;
    struct vg_tx *tx;
    put_timer(w, &t);
    assert_ok(vg_kv_begin(&w->s, &index, 1, &tx, &err));
    for (int i = 0; i < N; i++) {
        struct vg_key k;
        vg_key_init(&k, w->arena);
        vg_key_i64(&k, w->start_ms + i);
        vg_tx_put(tx, index, vg_key_done(&k), VG_STR(""));
    }
    vg_tx_put(tx, index, VG_STR("\x10"), VG_STR(""));
    vg_tx_put(tx, index, VG_STR("junk"), VG_STR(""));
    assert_ok(vg_tx_commit(&tx, &err));
    ev_notify(w->ev, ev_group_of(t.part), INT64_MIN);
    advance(w, HOUR_MS);
    settle(w, 1);
    t.id = VG_STR("y");
    t.due_ms += 1;
    put_timer(w, &t);
    advance(w, 1);
    settle(w, 2);
    assert_true(w->ev->n_malformed >= N);
}

static void
malformed_entries_of_the_index_hold_up_nothing(void **state)
{
    (void)state;
    in_world(malformed_body);
}

static void
restart_body(struct world *w)
{
    for (int i = 0; i < 10; i++)
        put_elsewhere(w, &(struct vg_timer) { .part = part_of(w->arena, i),
                                              .id = VG_STR("x"),
                                              .op = VG_STR("op"),
                                              .due_ms = w->start_ms + i });
    for (unsigned g = 0; g < EV_GROUPS; g++)
        ev_notify(w->ev, g, INT64_MIN); /* as vg_events_new() sets it */
    advance(w, 100);
    settle(w, 10);
}

static void
timers_of_an_earlier_process_run(void **state)
{
    (void)state;
    in_world(restart_body);
}

enum { POISON_ATTEMPTS = 3, INNOCENT = 8 };

static void
poison_put_body(struct world *w)
{
    struct vg_timer t = { .op = VG_STR("nap"),
                          .due_ms = w->start_ms + HOUR_MS,
                          .max_attempts = POISON_ATTEMPTS };
    for (int i = 0; i < INNOCENT; i++) {
        t.part = part_of(w->arena, i);
        t.id = VG_STR("innocent");
        put_timer(w, &t);
    }
    t.part = part_of(w->arena, INNOCENT);
    t.id = VG_STR("poison");
    t.op = VG_STR("poison");
    put_timer(w, &t);
    advance(w, HOUR_MS - 1);
}

/* In a process of its own, which the poison ends. */
static void
poisoned_body(struct world *w)
{
    advance(w, 1);
    for (int i = 0; i < 1000 && w->n_dead == 0; i++)
        vg_fiber_sleep(5);
}

static int
poisoned_main(const char *dir)
{
    arm("test.poison=crash");
    in_world_on_disk(dir, VG_DURABLE_OS, LOOPS, poisoned_body);
    return 0;
}

static void
survived_body(struct world *w)
{
    for (int i = 0; i < 1000 && (w->n_dead == 0 || vg_events_state(w->ev).n_running > 0); i++)
        vg_fiber_sleep(5);
    assert_int_equal(w->n_dead, 1);
    assert_string_equal(w->dead_id, "poison");
    for (size_t i = 0; i < n_ran(w); i++)
        assert_string_equal(w->log[i].op, "nap");
    index_is_empty(w);
}

static void
work_that_crashes_the_process_ends_in_the_dead_letter(void **state)
{
    const char *argv[] = { "events_test", *state, NULL };
    const struct vg_spawn spec = { .path = "/proc/self/exe", .argv = argv };
    struct vg_err err;
    in_world_on_disk(*state, VG_DURABLE_OS, LOOPS, poison_put_body);
    for (int i = 0; i < POISON_ATTEMPTS + 1; i++) {
        struct vg_exit end;
        pid_t pid;
        assert_ok(vg_process_spawn(&spec, &pid, &err));
        assert_ok(vg_process_wait_blocking(pid, &end, &err));
        assert_int_equal(end.signal, SIGKILL);
    }
    in_world_on_disk(*state, VG_DURABLE_OS, LOOPS, survived_body);
}

static void
stopped_body(struct world *w)
{
    wait_ran(w, 1);
    assert_int_equal(w->log[0].attempt, 1);
    assert_int_equal(w->n_dead, 0);
}

static void
stops_put_body(struct world *w)
{
    put_timer(w, &(struct vg_timer) { .part = part_of(w->arena, 1),
                                      .id = VG_STR("x"),
                                      .op = VG_STR("until stopped"),
                                      .due_ms = w->start_ms,
                                      .max_attempts = 2 });
    stopped_body(w);
}

static void
a_stop_is_no_attempt_however_often(void **state)
{
    in_world_on_disk(*state, VG_DURABLE_OS, LOOPS, stops_put_body);
    for (int i = 0; i < 4; i++)
        in_world_on_disk(*state, VG_DURABLE_OS, LOOPS, stopped_body);
}

int
main(int argc, char **argv)
{
    if (argc == 2)
        return poisoned_main(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_runs_once_it_is_due_and_then_is_gone),
        cmocka_unit_test(time_passes_by_itself_too),
        cmocka_unit_test(an_advance_runs_all_that_fell_due_in_order),
        cmocka_unit_test(an_index_entry_that_is_stale_lets_nothing_run_early),
        cmocka_unit_test(failures_are_tried_again_with_growing_waits_and_end_in_the_dead_letter),
        cmocka_unit_test_setup_teardown(attempts_and_waits_go_on_after_a_restart, make_dir,
                                        remove_dir),
        cmocka_unit_test(without_a_limit_the_waits_grow_to_five_minutes_and_stay),
        cmocka_unit_test(work_whose_mark_is_lost_runs_again),
        cmocka_unit_test(work_may_put_its_timer_again),
        cmocka_unit_test(a_timer_can_be_replaced_and_deleted),
        cmocka_unit_test(a_slow_one_holds_up_its_partition_only),
        cmocka_unit_test(so_many_at_a_time),
        cmocka_unit_test_setup_teardown(what_has_been_consumed_is_not_walked_over_again, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(nothing_is_taken_for_consumed_after_a_disk_error, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(work_that_crashes_the_process_ends_in_the_dead_letter,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_stop_is_no_attempt_however_often, make_dir, remove_dir),
        cmocka_unit_test(malformed_entries_of_the_index_hold_up_nothing),
        cmocka_unit_test(timers_of_an_earlier_process_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
