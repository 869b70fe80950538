/* SPDX-License-Identifier: Apache-2.0 */
/* Orders to a jail that reads later, on the very loop that gives them. */
#include "base/test.h"
#include "os/poll.h"
#include "sandbox/sandbox_int.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_ORDERS   2000u
#define TEXT_BYTES 4000u

static struct {
    struct vg_loop *loop;
    struct vg_sandboxes sb;
    int jail; /* its end of the socket */
    bool has_jail_gone;
    unsigned n_taken;
} t;

static void
give_orders(void)
{
    static char text[TEXT_BYTES];
    memset(text, 'x', sizeof(text));
    pthread_mutex_lock(&t.sb.lock);
    for (uint32_t id = 1; id <= N_ORDERS; id++) {
        struct vg_jail_msg m;
        vg_jail_msg_init(&m, t.sb.out, sizeof(t.sb.out), VG_JAIL_START, id);
        vg_jail_msg_add(&m, "env", text, sizeof(text));
        sb_order_send(&t.sb, &m);
    }
    assert_non_null(t.sb.orders); /* else the test shows nothing */
    pthread_mutex_unlock(&t.sb.lock);
}

static void
take_orders(void)
{
    static char in[VG_JAIL_MSG_MAX];
    while (t.n_taken < N_ORDERS) {
        struct vg_jail_msg m;
        int rc = vg_jail_msg_recv(t.jail, &m, in, sizeof(in));
        if (rc < 0 && errno == EAGAIN) {
            vg_fd_wait(t.jail, VG_FD_READ, VG_NEVER_MS, false);
            continue;
        }
        assert_int_equal(rc, 1);
        assert_int_equal(m.head.id, ++t.n_taken);
        assert_int_equal(strlen(vg_jail_msg_get(&m, "env")), TEXT_BYTES);
    }
}

static void
run(void *arg)
{
    (void)arg;
    give_orders();
    if (t.has_jail_gone)
        close(t.jail);
    else
        take_orders();
    while (t.sb.n_fibers > 0)
        vg_fiber_sleep(1);
    vg_loop_stop(t.loop);
}

static void
on_a_loop(bool has_jail_gone)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
                     0);
    t.loop = vg_loop_new(0);
    t.has_jail_gone = has_jail_gone;
    t.n_taken = 0;
    t.jail = pair[1];
    t.sb.sock = pair[0];
    t.sb.opt.loops = &t.loop;
    t.sb.opt.n_loops = 1;
    pthread_mutex_init(&t.sb.lock, NULL);
    vg_fiber_start(t.loop, run, NULL);
    vg_loop_run(t.loop);
    vg_loop_free(t.loop);
    assert_null(t.sb.orders);
    assert_false(t.sb.has_writer);
    pthread_mutex_destroy(&t.sb.lock);
    close(pair[0]);
    if (!has_jail_gone)
        close(pair[1]);
}

static void
orders_that_do_not_fit_are_sent_on_in_order_and_hold_no_loop(void **state)
{
    (void)state;
    on_a_loop(false);
    assert_int_equal(t.n_taken, N_ORDERS);
}

static void
orders_to_a_jail_that_is_gone_are_dropped(void **state)
{
    (void)state;
    on_a_loop(true);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_that_do_not_fit_are_sent_on_in_order_and_hold_no_loop),
        cmocka_unit_test(orders_to_a_jail_that_is_gone_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
