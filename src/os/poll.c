/* SPDX-License-Identifier: Apache-2.0 */
#include "os/poll.h"

#include "base/arena.h"
#include "os/fiber.h"

#include <stdlib.h>
#include <uv.h>

struct fd_wait {
    uv_poll_t poll; /* lives until its close callback, longer than the fiber's wait */
    struct vg_waiter *waiter;
};

static void
on_ready(uv_poll_t *poll, int status, int events)
{
    struct fd_wait *w = poll->data;
    (void)status; /* the caller's read or write will tell */
    (void)events;
    uv_poll_stop(poll);
    if (w->waiter)
        vg_waiter_wake(w->waiter, VG_OK);
}

static void
on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

vg_rc
vg_fd_wait(int fd, int events, int64_t deadline_ms, bool may_cancel)
{
    struct vg_waiter waiter;
    vg_waiter_init(&waiter);
    struct fd_wait *w = vg_xalloc(sizeof(*w));
    int uv_events = (events & VG_FD_READ ? UV_READABLE | UV_DISCONNECT : 0)
                    | (events & VG_FD_WRITE ? UV_WRITABLE : 0);
    if (uv_poll_init(vg_loop_uv(vg_loop_self()), &w->poll, fd) != 0) {
        free(w); /* not one to wait for (a plain file): always ready */
        return VG_OK;
    }
    w->waiter = &waiter;
    w->poll.data = w;
    uv_poll_start(&w->poll, uv_events, on_ready);
    vg_rc rc = vg_waiter_park(&waiter, deadline_ms, may_cancel);
    w->waiter = NULL;
    uv_close((uv_handle_t *)&w->poll, on_closed);
    return rc;
}
