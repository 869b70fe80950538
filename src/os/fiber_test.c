/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations are the rules of os/fiber.h. */
#include "base/test.h"
#include "os/clock.h"
#include "os/fiber.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Runs fn(arg) on a fiber of a loop on this thread and returns when all fibers of it ended. */
struct on_loop {
    vg_fiber_fn *fn;
    void *arg;
    struct vg_loop *loop;
};

static void
call_and_stop(void *p)
{
    struct on_loop *o = p;
    o->fn(o->arg);
    vg_loop_stop(o->loop);
}

static void
run_on_fiber(vg_fiber_fn *fn, void *arg)
{
    struct on_loop o = { fn, arg, vg_loop_new(3) };
    vg_fiber_start(o.loop, call_and_stop, &o);
    vg_loop_run(o.loop);
    vg_loop_free(o.loop);
}

static void *
loop_thread(void *loop)
{
    vg_loop_run(loop);
    return NULL;
}

/* --- one loop --- */

static void
wake_before_park_fiber(void *arg)
{
    (void)arg;
    struct vg_waiter w;
    vg_waiter_init(&w);
    assert_true(vg_waiter_wake(&w, VG_OK));
    assert_false(vg_waiter_wake(&w, VG_GONE));
    assert_int_equal(vg_waiter_park(&w, VG_NEVER_MS, true), VG_OK);
    assert_int_equal(vg_loop_index(vg_loop_self()), 3);
}

static void
wake_before_park_is_kept(void **state)
{
    (void)state;
    run_on_fiber(wake_before_park_fiber, NULL);
    assert_null(vg_loop_self());
    assert_null(vg_fiber_self());
}

static void
results_fiber(void *arg)
{
    (void)arg;
    const vg_rc results[] = { VG_OK, VG_FAIL, VG_TIMEOUT, VG_GONE };
    for (size_t i = 0; i < VG_COUNT(results); i++) {
        struct vg_waiter w;
        vg_waiter_init(&w);
        assert_true(vg_waiter_wake(&w, results[i]));
        assert_int_equal(vg_waiter_park(&w, VG_NEVER_MS, false), results[i]);
    }
}

static void
the_wakers_result_is_returned(void **state)
{
    (void)state;
    run_on_fiber(results_fiber, NULL);
}

static void
deadline_fiber(void *arg)
{
    (void)arg;
    for (int ms = 0; ms < 30; ms += 7) {
        int64_t t0 = vg_mono_ms();
        struct vg_waiter w;
        vg_waiter_init(&w);
        assert_int_equal(vg_waiter_park(&w, t0 + ms, true), VG_TIMEOUT);
        assert_true(vg_mono_ms() >= t0 + ms); /* never early */
        assert_false(vg_waiter_wake(&w, VG_OK));
    }
}

static void
deadlines_are_never_early(void **state)
{
    (void)state;
    run_on_fiber(deadline_fiber, NULL);
}

struct sleepers {
    int order[64], n;
};

struct sleeper {
    struct sleepers *all;
    int64_t at_ms;
    int id;
};

static void
sleeper_fiber(void *arg)
{
    struct sleeper *s = arg;
    struct vg_waiter w;
    vg_waiter_init(&w);
    assert_int_equal(vg_waiter_park(&w, s->at_ms, true), VG_TIMEOUT);
    s->all->order[s->all->n++] = s->id;
}

static void
sleep_order_fiber(void *arg)
{
    struct sleepers *all = arg;
    static struct sleeper s[64];
    int64_t at_ms = vg_mono_ms() + 300; /* all have begun by then */
    for (int i = 0; i < 64; i++) {
        s[i] = (struct sleeper) { all, at_ms + (i * 37 % 64) * 2, i };
        vg_fiber_start(vg_loop_self(), sleeper_fiber, &s[i]);
    }
    vg_fiber_sleep(600);
    assert_int_equal(all->n, 64);
    for (int i = 1; i < 64; i++)
        assert_true(s[all->order[i - 1]].at_ms < s[all->order[i]].at_ms);
}

static void
sleepers_wake_in_order(void **state)
{
    (void)state;
    struct sleepers all = { .n = 0 };
    run_on_fiber(sleep_order_fiber, &all);
}

struct wait_for_cancel {
    struct vg_fiber *fiber;
    vg_rc first, second, uncancellable;
    bool is_done;
};

static void
cancelled_fiber(void *arg)
{
    struct wait_for_cancel *c = arg;
    c->fiber = vg_fiber_self();
    struct vg_waiter w;
    vg_waiter_init(&w);
    c->first = vg_waiter_park(&w, VG_NEVER_MS, true);
    vg_waiter_init(&w);
    c->second = vg_waiter_park(&w, VG_NEVER_MS, true);
    vg_waiter_init(&w);
    c->uncancellable = vg_waiter_park(&w, vg_mono_ms() + 5, false);
    assert_true(vg_fiber_is_cancelled());
    c->is_done = true;
}

static void
cancel_fiber(void *arg)
{
    (void)arg;
    struct wait_for_cancel c = { 0 };
    vg_fiber_start(vg_loop_self(), cancelled_fiber, &c);
    vg_fiber_sleep(2);
    assert_false(vg_fiber_is_cancelled());
    vg_fiber_cancel(c.fiber);
    vg_fiber_sleep(20);
    assert_true(c.is_done);
    assert_int_equal(c.first, VG_GONE);
    assert_int_equal(c.second, VG_GONE);
    assert_int_equal(c.uncancellable, VG_TIMEOUT);
}

static void
cancel_ends_present_and_later_waits(void **state)
{
    (void)state;
    run_on_fiber(cancel_fiber, NULL);
}

static void
yielding_fiber(void *arg)
{
    char **at = arg;
    for (int i = 0; i < 3; i++) {
        *(*at)++ = 'b';
        vg_fiber_yield();
    }
}

static void
yield_fiber(void *arg)
{
    (void)arg;
    char out[7] = { 0 }, *at = out;
    vg_fiber_start(vg_loop_self(), yielding_fiber, &at);
    for (int i = 0; i < 3; i++) {
        *at++ = 'a';
        vg_fiber_yield();
    }
    assert_string_equal(out, "ababab");
}

static void
yield_lets_the_others_run_once(void **state)
{
    (void)state;
    run_on_fiber(yield_fiber, NULL);
}

static void
work(void *arg)
{
    assert_null(vg_loop_self());
    usleep(5000);
    *(pthread_t *)arg = pthread_self();
}

static void
offload_fiber(void *arg)
{
    (void)arg;
    pthread_t worker = pthread_self();
    vg_fiber_cancel(vg_fiber_self()); /* work that has begun is waited for all the same */
    vg_offload(work, &worker);
    assert_false(pthread_equal(worker, pthread_self()));
}

static void
offload_runs_elsewhere_and_waits(void **state)
{
    (void)state;
    run_on_fiber(offload_fiber, NULL);
}

static void
local_fiber(void *arg)
{
    assert_null(vg_fiber_local());
    vg_fiber_set_local(arg);
    vg_fiber_sleep(3);
    assert_ptr_equal(vg_fiber_local(), arg);
}

static void
locals_fiber(void *arg)
{
    vg_fiber_set_local(arg);
    static int x[2];
    vg_fiber_start(vg_loop_self(), local_fiber, &x[0]);
    vg_fiber_start(vg_loop_self(), local_fiber, &x[1]);
    vg_fiber_sleep(10);
    assert_ptr_equal(vg_fiber_local(), arg);
}

static void
locals_follow_the_fiber(void **state)
{
    (void)state;
    int mine;
    run_on_fiber(locals_fiber, &mine);
}

/* --- many --- */

#ifdef __SANITIZE_THREAD__
#define MANY 1000 /* each is a thread to it */
#else
#define MANY 20000
#endif

struct many {
    struct vg_waiter *waiters;
    int n_waiting, n_woken;
};

struct one_of_many {
    struct many *all;
    int at;
};

static void
one_of_many(void *arg)
{
    struct one_of_many *o = arg;
    struct vg_waiter *w = &o->all->waiters[o->at];
    vg_waiter_init(w);
    o->all->n_waiting++;
    /* Some have deadlines, far ones, to fill the heap. */
    assert_ok(vg_waiter_park(w, o->at % 2 ? vg_mono_ms() + 600000 - o->at : VG_NEVER_MS, true));
    o->all->n_woken++;
}

static long
resident_kb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%*s %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * 4;
}

static void
many_fiber(void *arg)
{
    (void)arg;
    struct many all = { .waiters = calloc(MANY, sizeof(struct vg_waiter)) };
    struct one_of_many *each = calloc(MANY, sizeof(*each));
    long before_kb = resident_kb();
    for (int i = 0; i < MANY; i++) {
        each[i] = (struct one_of_many) { &all, i };
        vg_fiber_start(vg_loop_self(), one_of_many, &each[i]);
    }
    vg_fiber_sleep(400);
    assert_int_equal(all.n_waiting, MANY);
    long kb = resident_kb() - before_kb;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (kb > 6L * MANY)
        fail_msg("a waiting fiber is %ld bytes resident", kb * 1024 / MANY);
#else
    (void)kb;
#endif
    for (int i = MANY; i-- > 0;)
        assert_true(vg_waiter_wake(&all.waiters[i], VG_OK));
    vg_fiber_sleep(1);
    assert_int_equal(all.n_woken, MANY);
    free(all.waiters);
    free(each);
}

/* 20,000 waiting fibers fit, at 4 KB resident each. */
static void
twenty_thousand_wait(void **state)
{
    (void)state;
    run_on_fiber(many_fiber, NULL);
}

/* --- across threads --- */

#define RACES 3000

struct race {
    pthread_mutex_t lock;
    struct vg_waiter *waiter; /* guarded by lock */
    atomic_int woken, is_over;
    int n_ok, n_timeout;
};

static void
racing_fiber(void *arg)
{
    struct race *r = arg;
    for (int i = 0; i < RACES; i++) {
        struct vg_waiter w;
        vg_waiter_init(&w);
        pthread_mutex_lock(&r->lock);
        r->waiter = &w;
        pthread_mutex_unlock(&r->lock);
        vg_rc rc = vg_waiter_park(&w, vg_mono_ms() + (i % 3 == 0), true);
        pthread_mutex_lock(&r->lock);
        r->waiter = NULL;
        pthread_mutex_unlock(&r->lock);
        r->n_ok += rc == VG_OK;
        r->n_timeout += rc == VG_TIMEOUT;
    }
    atomic_store(&r->is_over, 1);
}

static void *
racing_waker(void *arg)
{
    struct race *r = arg;
    for (unsigned i = 0; !atomic_load(&r->is_over); i++) {
        pthread_mutex_lock(&r->lock);
        if (r->waiter && vg_waiter_wake(r->waiter, VG_OK))
            atomic_fetch_add(&r->woken, 1);
        pthread_mutex_unlock(&r->lock);
        if (i % 4 == 0)
            usleep(i % 900);
    }
    return NULL;
}

static void
wake_and_deadline_race_has_one_winner(void **state)
{
    (void)state;
    struct race r = { .lock = PTHREAD_MUTEX_INITIALIZER };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, racing_waker, &r), 0);
    run_on_fiber(racing_fiber, &r);
    pthread_join(thread, NULL);
    assert_int_equal(r.n_ok + r.n_timeout, RACES);
    assert_int_equal(r.n_ok, atomic_load(&r.woken));
}

struct ordered {
    int next, n_wrong;
    struct vg_loop *loop;
};

struct numbered {
    struct ordered *all;
    int number;
};

static void
note_number(void *arg)
{
    struct numbered *n = arg;
    n->all->n_wrong += n->number != n->all->next++;
    assert_null(vg_fiber_self());
    assert_ptr_equal(vg_loop_self(), n->all->loop);
}

static void
posts_arrive_in_order(void **state)
{
    (void)state;
    struct ordered all = { .loop = vg_loop_new(0) };
    static struct numbered n[10000];
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, loop_thread, all.loop), 0);
    for (int i = 0; i < 10000; i++) {
        n[i] = (struct numbered) { &all, i };
        vg_loop_post(all.loop, note_number, &n[i]);
    }
    vg_loop_stop(all.loop);
    pthread_join(thread, NULL);
    assert_int_equal(all.next, 10000);
    assert_int_equal(all.n_wrong, 0);
    vg_loop_free(all.loop);
}

struct pingpong {
    pthread_mutex_t lock;
    struct vg_waiter *waiting[2];
    int turn, n;
    struct vg_loop *loops[2];
    atomic_int n_done;
};

struct player {
    struct pingpong *game;
    int side;
};

static void
player_fiber(void *arg)
{
    struct player *p = arg;
    struct pingpong *g = p->game;
    for (;;) {
        struct vg_waiter w;
        vg_waiter_init(&w);
        pthread_mutex_lock(&g->lock);
        bool is_mine = g->turn == p->side, is_over = g->n >= 5000;
        if (is_mine && !is_over) {
            g->n++;
            g->turn = !p->side;
        }
        if ((is_mine || is_over) && g->waiting[!p->side])
            vg_waiter_wake(g->waiting[!p->side], VG_OK);
        g->waiting[p->side] = is_over ? NULL : &w;
        pthread_mutex_unlock(&g->lock);
        if (is_over)
            break;
        if (!is_mine)
            assert_ok(vg_waiter_park(&w, vg_mono_ms() + 20000, false));
        pthread_mutex_lock(&g->lock);
        g->waiting[p->side] = NULL;
        pthread_mutex_unlock(&g->lock);
    }
    if (atomic_fetch_add(&g->n_done, 1) == 1)
        for (int i = 0; i < 2; i++)
            vg_loop_stop(g->loops[i]);
}

static void
fibers_of_two_loops_wake_each_other(void **state)
{
    (void)state;
    struct pingpong g = { .lock = PTHREAD_MUTEX_INITIALIZER };
    struct player p[2] = { { &g, 0 }, { &g, 1 } };
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        g.loops[i] = vg_loop_new(i);
    for (int i = 0; i < 2; i++) {
        vg_fiber_start(g.loops[i], player_fiber, &p[i]);
        assert_int_equal(pthread_create(&t[i], NULL, loop_thread, g.loops[i]), 0);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(g.n, 5000);
    for (int i = 0; i < 2; i++)
        vg_loop_free(g.loops[i]);
}

static void
forever_fiber(void *arg)
{
    int *n_ended = arg;
    while (!vg_fiber_is_cancelled())
        vg_fiber_sleep(60000);
    vg_fiber_yield();
    ++*n_ended;
}

static void
stop_cancels_all_and_waits_for_them(void **state)
{
    (void)state;
    int n_ended = 0;
    struct vg_loop *loop = vg_loop_new(0);
    pthread_t thread;
    for (int i = 0; i < 100; i++)
        vg_fiber_start(loop, forever_fiber, &n_ended);
    assert_int_equal(pthread_create(&thread, NULL, loop_thread, loop), 0);
    usleep(10000);
    vg_loop_stop(loop);
    vg_fiber_start(loop, forever_fiber, &n_ended); /* born cancelled */
    pthread_join(thread, NULL);
    assert_true(n_ended >= 100);
    vg_loop_free(loop);
}

static void __attribute__((noinline)) deep_frames(int n)
{
    volatile char page[2048];
    memset((char *)page, n, sizeof(page));
    if (n > 0)
        deep_frames(n - 1); /* bounded: 100 */
    assert_int_equal(page[7], n);
}

static void
deep_fiber(void *arg)
{
    (void)arg;
    deep_frames(100);
    vg_fiber_sleep(120); /* long enough that what lies below is given back */
    deep_frames(100);
}

static void
frames_survive_the_release_of_the_rest(void **state)
{
    (void)state;
    run_on_fiber(deep_fiber, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wake_before_park_is_kept),
        cmocka_unit_test(the_wakers_result_is_returned),
        cmocka_unit_test(deadlines_are_never_early),
        cmocka_unit_test(sleepers_wake_in_order),
        cmocka_unit_test(cancel_ends_present_and_later_waits),
        cmocka_unit_test(yield_lets_the_others_run_once),
        cmocka_unit_test(offload_runs_elsewhere_and_waits),
        cmocka_unit_test(locals_follow_the_fiber),
        cmocka_unit_test(twenty_thousand_wait),
        cmocka_unit_test(wake_and_deadline_race_has_one_winner),
        cmocka_unit_test(posts_arrive_in_order),
        cmocka_unit_test(fibers_of_two_loops_wake_each_other),
        cmocka_unit_test(stop_cancels_all_and_waits_for_them),
        cmocka_unit_test(frames_survive_the_release_of_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
