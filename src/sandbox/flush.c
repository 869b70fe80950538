/* SPDX-License-Identifier: Apache-2.0 */
/* From a sandbox's log pipe to whoever keeps logs. */
#include "os/clock.h"
#include "os/poll.h"
#include "sandbox/sandbox_int.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define DRAIN_BYTES 2048u
#define BATCH_MAX   1000u

void
sb_logs_drain(struct sb_box *box)
{
    char data[DRAIN_BYTES];
    ssize_t n;
    while (box->log_fd >= 0 && (n = read(box->log_fd, data, sizeof(data))) > 0)
        sb_logs_feed(&box->logs, data, (size_t)n, vg_wall_ms());
}

void
sb_logs_finish_box(struct sb_box *box)
{
    sb_logs_drain(box);
    sb_logs_finish(&box->logs, vg_wall_ms());
    sb_logs_flush(box);
}

/* Waits for output; ends with the last process of the sandbox. */
static void VG_WAITS
watch(void *arg)
{
    struct sb_box *box = arg;
    struct vg_sandboxes *sb = box->sb;
    int fd = box->log_fd;
    for (bool is_open = true; is_open;) {
        vg_fd_wait(fd, VG_FD_READ, VG_NEVER_MS, false);
        char data[DRAIN_BYTES];
        pthread_mutex_lock(&sb->lock);
        ssize_t n = read(fd, data, sizeof(data));
        if (n > 0)
            sb_logs_feed(&box->logs, data, (size_t)n, vg_wall_ms());
        is_open = n > 0 || (n < 0 && errno == EAGAIN);
        pthread_mutex_unlock(&sb->lock);
    }
    pthread_mutex_lock(&sb->lock);
    sb_box_unref(box);
    sb->n_fibers--;
    pthread_mutex_unlock(&sb->lock);
}

void
sb_logs_watch(struct sb_box *box)
{
    if (box->log_fd < 0)
        return;
    struct vg_sandboxes *sb = box->sb;
    box->refs++;
    sb->n_fibers++;
    vg_fiber_start(sb->opt.loops[box->id % sb->opt.n_loops], watch, box);
}

static struct sb_event *
hand_over(struct vg_sandboxes *sb, const struct sb_box *box, struct sb_event *e)
{
    struct vg_log_event *events = vg_xalloc(BATCH_MAX * sizeof(*events));
    struct vg_log_batch batch = { .account = vg_str_of(box->account),
                                  .region = vg_str_of(box->region),
                                  .group = vg_str_of(box->group),
                                  .stream = vg_str_of(box->stream),
                                  .role = vg_str_of(box->role),
                                  .events = events };
    struct sb_event *first = e;
    for (; e && batch.n < BATCH_MAX; e = e->next)
        events[batch.n++] = (struct vg_log_event) { e->wall_ms, vg_str_n(e->text, e->len) };
    if (sb->on_logs)
        sb->on_logs(sb->logs_ctx, &batch);
    while (first != e) {
        struct sb_event *next = first->next;
        free(first);
        first = next;
    }
    free(events);
    return e;
}

/* One at a time for a sandbox, so that a stream's order is kept. */
static void VG_WAITS
flush(void *arg)
{
    struct sb_box *box = arg;
    struct vg_sandboxes *sb = box->sb;
    for (;;) {
        pthread_mutex_lock(&sb->lock);
        struct sb_event *e = sb_logs_take(&box->logs);
        if (!e) {
            box->is_flushing = false;
            sb_box_unref(box);
            sb->n_fibers--;
            pthread_mutex_unlock(&sb->lock);
            return;
        }
        pthread_mutex_unlock(&sb->lock);
        while (e)
            e = hand_over(sb, box, e);
    }
}

void
sb_logs_flush(struct sb_box *box)
{
    if (!box->logs.first || box->is_flushing || !box->key)
        return;
    struct vg_sandboxes *sb = box->sb;
    box->is_flushing = true;
    box->refs++;
    sb->n_fibers++;
    struct vg_loop *self = vg_loop_self();
    vg_fiber_start(self ? self : sb->opt.loops[0], flush, box);
}
