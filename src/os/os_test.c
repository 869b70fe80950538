/* SPDX-License-Identifier: Apache-2.0 */
/* Files and processes: expectations are the rules of os/file.h, os/process.h and os/poll.h. */
#include "base/test.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "os/file.h"
#include "os/poll.h"
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct vg_arena *arena;
    struct vg_str dir;
    struct vg_err err;
    struct vg_loop *loop;
};

static int
set_up(void **state)
{
    struct fixture *f = vg_xalloc(sizeof(*f));
    f->arena = vg_arena_new(0);
    char dir[] = "/tmp/vg-os-test-XXXXXX";
    if (mkdtemp(dir) == NULL)
        return -1;
    f->dir = vg_str_dup(f->arena, vg_str_of(dir));
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    vg_rc rc = vg_dir_remove(f->dir, &f->err);
    vg_arena_free(f->arena);
    free(f);
    return rc == VG_OK ? 0 : -1;
}

static struct vg_str
in_dir(struct fixture *f, const char *name)
{
    return vg_str_fmt(f->arena, "%" VG_FMT "/%s", VG_ARG(f->dir), name);
}

static void
a_file_is_replaced_whole(void **state)
{
    struct fixture *f = *state;
    struct vg_str path = in_dir(f, "a"), data;
    assert_ok(vg_file_write(path, VG_STR("first, longer"), 0600, &f->err));
    assert_ok(vg_file_write(path, VG_STR("second"), 0600, &f->err));
    assert_ok(vg_file_read(f->arena, path, 6, &data, &f->err));
    assert_str(data, "second");
    assert_int_equal(vg_file_read(f->arena, path, 5, &data, &f->err), VG_FAIL);
    assert_int_equal(f->err.os_errno, EFBIG);
    assert_int_equal(vg_file_read(f->arena, in_dir(f, "none"), 5, &data, &f->err), VG_FAIL);
    assert_int_equal(f->err.os_errno, ENOENT);
}

static void
files_without_a_size_are_read_to_their_end(void **state)
{
    struct fixture *f = *state;
    struct vg_str data;
    assert_ok(vg_file_read(f->arena, VG_STR("/proc/self/status"), 1 << 20, &data, &f->err));
    assert_true(data.len > 500);
}

static void
folders_are_made_with_their_parents(void **state)
{
    struct fixture *f = *state;
    assert_ok(vg_dir_make(in_dir(f, "x/y//z/"), 0700, &f->err));
    assert_ok(vg_dir_make(in_dir(f, "x/y/z"), 0700, &f->err));
    assert_ok(vg_file_write(in_dir(f, "x/y/z/file"), VG_STR("1"), 0600, &f->err));
    assert_int_equal(vg_dir_make(in_dir(f, "x/y/z/file"), 0700, &f->err), VG_FAIL);
    assert_ok(vg_dir_remove(in_dir(f, "x"), &f->err));
    assert_false(vg_file_exists(in_dir(f, "x")));
    assert_ok(vg_dir_remove(in_dir(f, "x"), &f->err));
    assert_ok(vg_file_remove(in_dir(f, "x"), &f->err));
}

static void
removal_does_not_follow_links(void **state)
{
    struct fixture *f = *state;
    assert_ok(vg_dir_make(in_dir(f, "keep"), 0700, &f->err));
    assert_ok(vg_dir_make(in_dir(f, "gone"), 0700, &f->err));
    assert_ok(vg_file_write(in_dir(f, "keep/file"), VG_STR("1"), 0600, &f->err));
    const char *link = vg_str_cstr(f->arena, in_dir(f, "gone/link"));
    assert_int_equal(symlink(vg_str_cstr(f->arena, in_dir(f, "keep")), link), 0);
    assert_ok(vg_dir_remove(in_dir(f, "gone"), &f->err));
    assert_true(vg_file_exists(in_dir(f, "keep/file")));
}

static void
a_lock_has_one_holder(void **state)
{
    struct fixture *f = *state;
    int fd = -1, other = -1;
    assert_ok(vg_file_lock(in_dir(f, "lock"), &fd, &f->err));
    assert_int_equal(vg_file_lock(in_dir(f, "lock"), &other, &f->err), VG_FAIL);
    assert_int_equal(f->err.os_errno, EWOULDBLOCK);
    close(fd);
    assert_ok(vg_file_lock(in_dir(f, "lock"), &other, &f->err));
    close(other);
}

static void
a_child_gets_the_mapped_descriptors_and_no_other(void **state)
{
    struct fixture *f = *state;
    int a[2], b[2];
    assert_int_equal(pipe(a), 0); /* not close-on-exec: the child must not have them anyway */
    assert_int_equal(pipe(b), 0);
    /* Crossed numbers: a's writer becomes b's writer's number and the other way round. */
    struct vg_fd_map map[] = { { a[1], b[1] }, { b[1], a[1] }, { b[1], 1 } };
    char script[200];
    snprintf(script, sizeof(script),
             "echo one >&%d; echo two >&%d; test -e /proc/self/fd/%d && echo leaked", a[1], b[1],
             a[0]);
    const char *argv[] = { "sh", "-c", script, NULL };
    struct vg_spawn spec = { .path = "/bin/sh", .argv = argv, .fds = map, .n_fds = 3 };
    pid_t pid;
    assert_ok(vg_process_spawn(&spec, &pid, &f->err));
    close(a[1]);
    close(b[1]);
    char got[200] = { 0 };
    struct vg_exit ended;
    assert_ok(vg_process_wait_blocking(pid, &ended, &f->err));
    assert_int_equal(ended.code, 1);
    assert_true(read(a[0], got, sizeof(got) - 1) > 0);
    assert_string_equal(got, "two\n");
    memset(got, 0, sizeof(got));
    assert_true(read(b[0], got, sizeof(got) - 1) > 0);
    assert_string_equal(got, "one\n");
    close(a[0]);
    close(b[0]);
}

static void
wait_fiber(void *arg)
{
    struct fixture *f = arg;
    const char *argv[] = { "sh", "-c", "sleep 30", NULL };
    struct vg_spawn spec = { .path = "/bin/sh", .argv = argv, .is_own_group = true };
    pid_t pid;
    struct vg_exit ended;
    assert_ok(vg_process_spawn(&spec, &pid, &f->err));
    assert_int_equal(vg_process_wait(pid, vg_mono_ms() + 20, &ended, &f->err), VG_TIMEOUT);
    kill(-pid, SIGKILL);
    assert_ok(vg_process_wait(pid, VG_NEVER_MS, &ended, &f->err));
    assert_int_equal(ended.signal, SIGKILL);
    spec.path = "/does/not/exist";
    assert_int_equal(vg_process_spawn(&spec, &pid, &f->err), VG_FAIL);
    assert_int_equal(f->err.os_errno, ENOENT);
    vg_loop_stop(f->loop);
}

static void
run(struct fixture *f, vg_fiber_fn *fn)
{
    f->loop = vg_loop_new(0);
    vg_fiber_start(f->loop, fn, f);
    vg_loop_run(f->loop);
    vg_loop_free(f->loop);
}

static void
a_fiber_waits_for_a_child(void **state)
{
    run(*state, wait_fiber);
}

static void
poll_fiber(void *arg)
{
    struct fixture *f = arg;
    int p[2];
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    assert_int_equal(vg_fd_wait(p[0], VG_FD_READ, vg_mono_ms() + 10, true), VG_TIMEOUT);
    assert_ok(vg_fd_wait(p[1], VG_FD_WRITE, VG_NEVER_MS, true));
    assert_int_equal(write(p[1], "x", 1), 1);
    assert_ok(vg_fd_wait(p[0], VG_FD_READ, VG_NEVER_MS, true));
    close(p[1]);
    close(p[0]);
    vg_fiber_cancel(vg_fiber_self());
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    assert_int_equal(vg_fd_wait(p[0], VG_FD_READ, VG_NEVER_MS, true), VG_GONE);
    close(p[1]);
    close(p[0]);
    vg_loop_stop(f->loop);
}

static void
a_fiber_waits_for_a_descriptor(void **state)
{
    run(*state, poll_fiber);
}

static void
random_bytes_differ(void **state)
{
    (void)state;
    char a[32] = { 0 }, b[32] = { 0 };
    vg_os_random(a, sizeof(a));
    vg_os_random(b, sizeof(b));
    assert_true(memcmp(a, b, sizeof(a)) != 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_replaced_whole),
        cmocka_unit_test(files_without_a_size_are_read_to_their_end),
        cmocka_unit_test(folders_are_made_with_their_parents),
        cmocka_unit_test(removal_does_not_follow_links),
        cmocka_unit_test(a_lock_has_one_holder),
        cmocka_unit_test(a_child_gets_the_mapped_descriptors_and_no_other),
        cmocka_unit_test(a_fiber_waits_for_a_child),
        cmocka_unit_test(a_fiber_waits_for_a_descriptor),
        cmocka_unit_test(random_bytes_differ),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
