/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "os/fiber.h"
#include "store/turn.h"

#include <pthread.h>
#include <stdatomic.h>

#define TURNS 1000

static const uint16_t id[] = { 7 };

struct contest {
    struct vg_turns *turns;
    atomic_bool is_over;
    atomic_int n_inside; /* holders of the turn at this moment */
    int order[8], n_order;
    struct vg_loop *loop;
    int n_left;
};

static void
hold(struct contest *c)
{
    vg_turns_take(c->turns, id, 1);
    assert_int_equal(atomic_fetch_add(&c->n_inside, 1), 0);
    atomic_fetch_sub(&c->n_inside, 1);
    vg_turns_release(c->turns, id, 1);
}

static void *
greedy(void *arg)
{
    struct contest *c = arg;
    while (!atomic_load(&c->is_over))
        hold(c);
    return NULL;
}

/* One that asks again at once, for ever, must not keep the turn from one that waits. */
static void
who_waits_gets_the_turn_beside_one_who_never_stops_asking(void **state)
{
    (void)state;
    struct contest c = { .turns = vg_turns_new() };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, greedy, &c), 0);
    for (int i = 0; i < TURNS; i++)
        hold(&c);
    atomic_store(&c.is_over, true);
    pthread_join(thread, NULL);
    vg_turns_free(c.turns);
}

struct one {
    struct contest *contest;
    int number;
};

static void
wait_in_line(void *arg)
{
    struct one *o = arg;
    struct contest *c = o->contest;
    vg_turns_take(c->turns, id, 1);
    c->order[c->n_order++] = o->number;
    vg_turns_release(c->turns, id, 1);
    if (--c->n_left == 0)
        vg_loop_stop(c->loop);
}

static void
line_up(void *arg)
{
    struct one *line = arg;
    struct contest *c = line[0].contest;
    vg_turns_take(c->turns, id, 1);
    for (size_t i = 0; i < VG_COUNT(c->order); i++)
        vg_fiber_start(c->loop, wait_in_line, &line[i]);
    vg_fiber_sleep(20); /* all of them stand in line */
    vg_turns_release(c->turns, id, 1);
}

static void
those_who_wait_get_it_in_their_order(void **state)
{
    (void)state;
    struct contest c = { .turns = vg_turns_new(), .loop = vg_loop_new(0) };
    struct one line[VG_COUNT(c.order)];
    c.n_left = VG_COUNT(c.order);
    for (int i = 0; i < c.n_left; i++)
        line[i] = (struct one) { &c, i };
    vg_fiber_start(c.loop, line_up, line);
    vg_loop_run(c.loop);
    for (int i = 0; i < c.n_order; i++)
        assert_int_equal(c.order[i], i);
    assert_int_equal(c.n_order, VG_COUNT(c.order));
    vg_loop_free(c.loop);
    vg_turns_free(c.turns);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_gets_the_turn_beside_one_who_never_stops_asking),
        cmocka_unit_test(those_who_wait_get_it_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
