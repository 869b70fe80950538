/* SPDX-License-Identifier: Apache-2.0 */
/* virga-jail alone, over its socket: skipped, with the reason, where it cannot make sandboxes. */
#include "sandbox/jail_proto.h"

#include "base/test.h"
#include "os/file.h"
#include "os/process.h"
#include "sandbox/sandbox.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define AT_ONCE 16
#define TURNS   1500
#define WAIT_MS 20000 /* for a report that must come */

static struct {
    int sock;
    pid_t pid;
    char dir[64];
    bool is_usable;
    char out[VG_JAIL_MSG_MAX], in[VG_JAIL_MSG_MAX];
} t;

static void
order(enum vg_jail_type type, uint32_t id)
{
    struct vg_jail_msg m;
    vg_jail_msg_init(&m, t.out, sizeof(t.out), type, id);
    assert_int_equal(vg_jail_msg_send(t.sock, &m), 0);
}

/* The next report, without its descriptors; its type. */
static int
report(struct vg_jail_msg *m)
{
    struct pollfd p = { t.sock, POLLIN, 0 };
    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    assert_int_equal(vg_jail_msg_recv(t.sock, m, t.in, sizeof(t.in)), 1);
    for (unsigned i = 0; i < m->n_fds; i++)
        close(m->fds[i]);
    return m->head.type;
}

static int
start_jail(void **state)
{
    (void)state;
    int pair[2];
    snprintf(t.dir, sizeof(t.dir), "/tmp/virga-jail-test-XXXXXX");
    if (!mkdtemp(t.dir) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return -1;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_sandboxes_options opt = { 0 };
    vg_sandboxes_find_paths(arena, &opt);
    const char *path = vg_str_cstr(arena, opt.jail_path);
    const char *argv[] = { path, "--run-dir", t.dir, NULL };
    struct vg_fd_map fds[] = { { 2, 2 }, { pair[1], 3 } };
    struct vg_spawn spawn = { .path = path, .argv = argv, .fds = fds, .n_fds = 2 };
    struct vg_err err = { 0 };
    if (vg_process_spawn(&spawn, &t.pid, &err) != VG_OK)
        return -1;
    close(pair[1]);
    t.sock = pair[0];
    struct vg_jail_msg m;
    assert_int_equal(report(&m), VG_JAIL_HELLO);
    t.is_usable = vg_jail_msg_get(&m, "usable")[0] == '1';
    if (!t.is_usable)
        print_message("skipped: no sandboxes here: %s\n", vg_jail_msg_get(&m, "missing"));
    return 0;
}

static int
end_jail(void **state)
{
    (void)state;
    struct vg_exit how;
    struct vg_err err = { 0 };
    close(t.sock);
    bool is_good = vg_process_wait_blocking(t.pid, &how, &err) == VG_OK && how.code == 0;
    return vg_dir_remove(vg_str_of(t.dir), &err) == VG_OK && is_good ? 0 : -1;
}

/*
 * The one that is made takes the place of the one that ended, and inherits every descriptor until
 * it gets to close them: the end that is told must be the one's that ended.
 */
static void
sandboxes_end_beside_those_being_made(void **state)
{
    (void)state;
    if (!t.is_usable)
        skip();
    uint32_t next = 0;
    while (next < AT_ONCE)
        order(VG_JAIL_PREPARE, ++next);
    for (unsigned ended = 0; ended < TURNS + AT_ONCE;) {
        struct vg_jail_msg m;
        switch (report(&m)) {
        case VG_JAIL_PREPARED:
            order(VG_JAIL_KILL, m.head.id);
            break;
        case VG_JAIL_EXITED:
            ended++;
            if (next < TURNS + AT_ONCE)
                order(VG_JAIL_PREPARE, ++next);
            break;
        default:
            fail_msg("sandbox %u: %s", m.head.id, vg_jail_msg_get(&m, "error"));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sandboxes_end_beside_those_being_made),
    };
    return cmocka_run_group_tests(tests, start_jail, end_jail);
}
