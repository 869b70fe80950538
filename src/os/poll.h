/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_OS_POLL_H
#define VG_OS_POLL_H

/* Waiting for a file descriptor, on a fiber. */

#include "base/base.h"

enum vg_fd_events { VG_FD_READ = 1, VG_FD_WRITE = 2 };

/*
 * Waits until `fd` (made non-blocking) can be read or written, as `events` says, or has failed or
 * ended.  VG_OK, VG_TIMEOUT at deadline_ms (monotonic; VG_NEVER_MS), VG_GONE when the fiber was
 * cancelled and `may_cancel`.  One fiber a loop may wait for a descriptor at a time, and it must
 * stay open meanwhile.
 */
vg_rc vg_fd_wait(int fd, int events, int64_t deadline_ms, bool may_cancel) VG_WAITS;

#endif
