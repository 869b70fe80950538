/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_OS_PROCESS_H
#define VG_OS_PROCESS_H

/* Child processes, by posix_spawn: safe with any number of threads. */

#include "base/err.h"

#include <sys/types.h>

/* The child's descriptor `to` shall be our `from`. */
struct vg_fd_map {
    int from, to;
};

struct vg_spawn {
    const char *path;        /* the file; no search                                          */
    const char *const *argv; /* NULL-terminated                                              */
    const char *const *envp; /* NULL-terminated; NULL: an empty environment                  */
    const struct vg_fd_map *fds;
    size_t n_fds;      /* every other descriptor is closed in the child; 0 to 2 are /dev/null */
    bool is_own_group; /* a process group of its own                                         */
};

/* Signals are unblocked and at their defaults in the child. Any thread. */
vg_rc vg_process_spawn(const struct vg_spawn *spec, pid_t *ret_pid, struct vg_err *err) VG_MUST_USE;

struct vg_exit {
    int code;   /* when signal == 0 */
    int signal; /* that killed it   */
};

/*
 * Waits for the end of our child and reaps it. VG_TIMEOUT at deadline_ms (monotonic), VG_GONE when
 * the fiber was cancelled: the child then still runs, and must be waited for again.
 */
vg_rc vg_process_wait(pid_t pid, int64_t deadline_ms, struct vg_exit *ret, struct vg_err *err)
    VG_WAITS VG_MUST_USE;
/* The same, blocking the thread, without a deadline. */
vg_rc vg_process_wait_blocking(pid_t pid, struct vg_exit *ret, struct vg_err *err) VG_MUST_USE;

#endif
