/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon tells the jail.  Orders are given under the lock and on an event loop, so none
 * may wait: what the socket does not take at once is queued, and a fiber sends it on.
 */
#include "os/poll.h"
#include "sandbox/sandbox_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct sb_order {
    struct sb_order *next;
    struct vg_jail_head head;
    char text[];
};

static void
drop_first(struct vg_sandboxes *sb)
{
    struct sb_order *o = sb->orders;
    sb->orders = o->next;
    explicit_bzero(o->text, o->head.len); /* it may have held credentials */
    free(o);
}

void
sb_orders_drop(struct vg_sandboxes *sb)
{
    while (sb->orders)
        drop_first(sb);
}

/* Sends what the socket takes. A jail that is gone takes nothing: its reader finds out. */
static void
send_queued(struct vg_sandboxes *sb)
{
    while (sb->orders) {
        struct sb_order *o = sb->orders;
        struct vg_jail_msg m = { .head = o->head, .text = o->text, .cap = o->head.len };
        if (vg_jail_msg_send(sb->sock, &m) == 0) {
            drop_first(sb);
        } else {
            if (errno != EAGAIN)
                sb_orders_drop(sb);
            return;
        }
    }
}

static void VG_WAITS
writer(void *arg)
{
    struct vg_sandboxes *sb = arg;
    pthread_mutex_lock(&sb->lock);
    for (;;) {
        if (sb->sock < 0)
            sb_orders_drop(sb);
        send_queued(sb);
        if (!sb->orders)
            break;
        /* Of our own: the reader waits for the same socket on this loop. */
        int fd = fcntl(sb->sock, F_DUPFD_CLOEXEC, 3);
        pthread_mutex_unlock(&sb->lock);
        if (fd >= 0) {
            vg_fd_wait(fd, VG_FD_WRITE, VG_NEVER_MS, false);
            close(fd);
        } else {
            vg_fiber_sleep(1);
        }
        pthread_mutex_lock(&sb->lock);
    }
    sb->has_writer = false;
    sb->n_fibers--;
    pthread_mutex_unlock(&sb->lock);
}

void
sb_order_send(struct vg_sandboxes *sb, const struct vg_jail_msg *m)
{
    if (sb->sock < 0)
        return;
    if (!sb->orders && (vg_jail_msg_send(sb->sock, m) == 0 || errno != EAGAIN))
        return;
    struct sb_order *o = vg_xalloc(sizeof(*o) + m->head.len);
    o->head = m->head;
    memcpy(o->text, m->text, m->head.len);
    struct sb_order **last = &sb->orders;
    while (*last)
        last = &(*last)->next;
    *last = o;
    if (sb->has_writer)
        return;
    sb->has_writer = true;
    sb->n_fibers++;
    vg_fiber_start(sb->opt.loops[0], writer, sb);
}
