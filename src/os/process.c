/* SPDX-License-Identifier: Apache-2.0 */
#include "os/process.h"

#include "os/file.h"
#include "os/poll.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FDS_MAX 16

/*
 * The mapped descriptors are first moved out of the way, above every target, so that their order
 * does not matter.
 */
static vg_rc
plan_fds(const struct vg_spawn *spec, posix_spawn_file_actions_t *actions, int *high,
         struct vg_err *err)
{
    int top = 2;
    for (size_t i = 0; i < spec->n_fds; i++)
        top = VG_MAX(top, spec->fds[i].to);
    for (size_t i = 0; i < spec->n_fds; i++) {
        high[i] = fcntl(spec->fds[i].from, F_DUPFD_CLOEXEC, top + 1);
        if (high[i] < 0)
            return vg_err_errno(err, errno, "dup");
    }
    for (int fd = 0; fd <= 2; fd++)
        posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
    for (int fd = 3; fd <= top; fd++) {
        bool is_mapped = false;
        for (size_t i = 0; i < spec->n_fds; i++)
            is_mapped |= spec->fds[i].to == fd;
        if (!is_mapped)
            posix_spawn_file_actions_addclose(actions, fd);
    }
    for (size_t i = 0; i < spec->n_fds; i++)
        posix_spawn_file_actions_adddup2(actions, high[i], spec->fds[i].to);
    posix_spawn_file_actions_addclosefrom_np(actions, top + 1);
    return VG_OK;
}

vg_rc
vg_process_spawn(const struct vg_spawn *spec, pid_t *ret_pid, struct vg_err *err)
{
    VG_ASSERT(spec->n_fds <= FDS_MAX);
    int high[FDS_MAX];
    for (size_t i = 0; i < FDS_MAX; i++)
        high[i] = -1;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    if (posix_spawn_file_actions_init(&actions) != 0 || posix_spawnattr_init(&attr) != 0)
        VG_BUG("out of memory");
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    posix_spawnattr_setflags(&attr,
                             (short)(flags | (spec->is_own_group ? POSIX_SPAWN_SETPGROUP : 0)));

    static const char *const no_env[] = { NULL };
    vg_rc rc = plan_fds(spec, &actions, high, err);
    if (rc == VG_OK) {
        int e = posix_spawn(ret_pid, spec->path, &actions, &attr, (char *const *)spec->argv,
                            (char *const *)(spec->envp ? spec->envp : no_env));
        if (e != 0)
            rc = vg_err_errno(err, e, "start %s", spec->path);
    }
    for (size_t i = 0; i < FDS_MAX; i++)
        vg_close_p(&high[i]);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return rc;
}

vg_rc
vg_process_wait_blocking(pid_t pid, struct vg_exit *ret, struct vg_err *err)
{
    int status;
    pid_t got;
    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return vg_err_errno(err, errno, "wait for process %d", (int)pid);
    *ret = (struct vg_exit) { 0 };
    if (WIFSIGNALED(status))
        ret->signal = WTERMSIG(status);
    else
        ret->code = WEXITSTATUS(status);
    return VG_OK;
}

vg_rc
vg_process_wait(pid_t pid, int64_t deadline_ms, struct vg_exit *ret, struct vg_err *err)
{
    vg_auto_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return vg_err_errno(err, errno, "wait for process %d", (int)pid);
    vg_rc rc = vg_fd_wait(fd, VG_FD_READ, deadline_ms, true);
    return rc == VG_OK ? vg_process_wait_blocking(pid, ret, err) : rc;
}
