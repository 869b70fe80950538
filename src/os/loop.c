/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: run queue, inbox, deadlines.
 *
 * Fibers and tasks never run inside a libuv callback of somebody else's: they are queued and run in
 * a batch before and after libuv polls, so that code which wakes a fiber need not expect it to have
 * run when the call returns.
 */
#include "os/code.h"
#include "os/loop_int.h"

#include "base/arena.h"
#include "os/clock.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SPARE_MAX     256u
#define LONG_WAIT_MS  50 /* after which a waiting fiber's unused stack goes back */
#define TRIM_EVERY_MS 1000
#define BURST_STACKS  64u

#define MMAP_THRESHOLD_BYTES (128 << 10)

static _Thread_local struct vg_loop *loop_of_thread;

struct vg_loop *
vg_loop_self(void)
{
    return loop_of_thread;
}

int
vg_loop_index(const struct vg_loop *loop)
{
    return loop->index;
}

struct uv_loop_s *
vg_loop_uv(struct vg_loop *loop)
{
    return &loop->uv;
}

/* --- the deadline heap ----------------------------------------------------------------------- */

static void
heap_put(struct vg_loop *l, size_t at, struct vg_fiber *f)
{
    l->heap[at] = f;
    f->heap_at = at;
}

static void
heap_up(struct vg_loop *l, size_t at, struct vg_fiber *f)
{
    while (at > 1 && l->heap[at / 2]->deadline_ms > f->deadline_ms) {
        heap_put(l, at, l->heap[at / 2]);
        at /= 2;
    }
    heap_put(l, at, f);
}

static void
heap_down(struct vg_loop *l, size_t at, struct vg_fiber *f)
{
    for (;;) {
        size_t child = at * 2;
        if (child > l->n_heap)
            break;
        if (child < l->n_heap && l->heap[child + 1]->deadline_ms < l->heap[child]->deadline_ms)
            child++;
        if (l->heap[child]->deadline_ms >= f->deadline_ms)
            break;
        heap_put(l, at, l->heap[child]);
        at = child;
    }
    heap_put(l, at, f);
}

static void on_timer(uv_timer_t *timer);

/* Makes sure that the timer fires at `at_ms` or before. */
static void
timer_arm(struct vg_loop *l, int64_t at_ms)
{
    if (at_ms >= l->armed_ms)
        return;
    l->armed_ms = at_ms;
    uv_update_time(&l->uv); /* libuv counts from its cached time */
    int64_t in_ms = at_ms - vg_mono_ms();
    uv_timer_start(&l->timer, on_timer, (uint64_t)VG_MAX(in_ms, 0), 0);
}

void
vg_loop_deadline_add(struct vg_fiber *f)
{
    struct vg_loop *l = f->loop;
    if (l->n_heap + 1 >= l->heap_cap) {
        l->heap_cap = l->heap_cap ? l->heap_cap * 2 : 64;
        l->heap = vg_xrealloc(l->heap, l->heap_cap * sizeof(struct vg_fiber *));
    }
    heap_up(l, ++l->n_heap, f);
    timer_arm(l, f->deadline_ms);
}

void
vg_loop_deadline_remove(struct vg_fiber *f)
{
    struct vg_loop *l = f->loop;
    size_t at = f->heap_at;
    if (at == 0)
        return;
    f->heap_at = 0;
    struct vg_fiber *last = l->heap[l->n_heap--];
    if (last == f)
        return; /* the timer stays armed: an early look costs less than a new setting */
    if (at > 1 && l->heap[at / 2]->deadline_ms > last->deadline_ms)
        heap_up(l, at, last);
    else
        heap_down(l, at, last);
}

/* Gives back the stacks of those that have waited long; when to look again. */
static int64_t
release_long_waiters(struct vg_loop *l, int64_t now_ms)
{
    while (!vg_link_is_alone(&l->parked)) {
        struct vg_fiber *f = VG_CONTAINER(l->parked.next, struct vg_fiber, parked);
        if (f->parked_ms + LONG_WAIT_MS > now_ms)
            return f->parked_ms + LONG_WAIT_MS;
        vg_link_remove(&f->parked);
        vg_stack_release_below(&f->stack, f->ctx);
    }
    return VG_NEVER_MS;
}

/* By itself glibc takes what was freed once as a sign that blocks of that size are better kept. */
void
vg_memory_setup(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES);
}

static void
release_work(uv_work_t *work)
{
    (void)work;
    malloc_trim(0);
    vg_code_release();
}

static void
release_done(uv_work_t *work, int status)
{
    (void)status;
    free(work);
}

/* About a second after there was something to give back, and again until all is. */
static void
trim(struct vg_loop *l, int64_t now_ms)
{
    l->is_release_due |= l->stacks.n >= BURST_STACKS;
    vg_stacks_trim(&l->stacks, VG_STACKS_KEPT);
    bool is_small = l->stacks.n <= VG_STACKS_KEPT;
    l->trim_ms = is_small ? VG_NEVER_MS : now_ms + TRIM_EVERY_MS;
    if (!is_small || !l->is_release_due)
        return;
    l->is_release_due = false;
    uv_work_t *work = vg_xalloc(sizeof(*work));
    if (uv_queue_work(&l->uv, work, release_work, release_done) != 0)
        VG_BUG("uv_queue_work");
}

void
vg_loop_release_memory(void)
{
    struct vg_loop *l = loop_of_thread;
    l->is_release_due = true;
    if (l->trim_ms == VG_NEVER_MS) {
        l->trim_ms = vg_mono_ms() + TRIM_EVERY_MS;
        timer_arm(l, l->trim_ms);
    }
}

static void
on_timer(uv_timer_t *timer)
{
    struct vg_loop *l = timer->data;
    l->armed_ms = VG_NEVER_MS;
    int64_t now_ms = vg_mono_ms();
    while (l->n_heap && l->heap[1]->deadline_ms <= now_ms) {
        struct vg_fiber *f = l->heap[1];
        vg_loop_deadline_remove(f);
        vg_waiter_end(f->waiter, VG_TIMEOUT); /* when it lost, the winner runs the fiber */
    }
    if (l->n_heap)
        timer_arm(l, l->heap[1]->deadline_ms);
    timer_arm(l, release_long_waiters(l, now_ms));
    if (l->trim_ms <= now_ms)
        trim(l, now_ms);
    timer_arm(l, l->trim_ms);
}

/* --- the run queue --------------------------------------------------------------------------- */

void
vg_loop_run_later(struct vg_loop *l, struct item *item)
{
    item->next = NULL;
    *l->run_tail = item;
    l->run_tail = &item->next;
    l->n_run++;
}

static struct task *
task_new(struct vg_loop *l, enum item_kind kind, vg_task_fn *fn, void *arg)
{
    struct task *t = NULL;
    if (l == loop_of_thread && l->spare) {
        t = l->spare;
        l->spare = (struct task *)(void *)t->item.next;
        l->n_spare--;
    } else {
        t = vg_xalloc(sizeof(*t));
    }
    *t = (struct task) { .item.kind = kind, .fn = fn, .arg = arg };
    return t;
}

static void
task_free(struct vg_loop *l, struct task *t)
{
    if (l->n_spare >= SPARE_MAX) {
        free(t);
        return;
    }
    t->item.next = (struct item *)(void *)l->spare;
    l->spare = t;
    l->n_spare++;
}

static void
run_fiber(struct vg_loop *l, struct vg_fiber *f)
{
    vg_fiber_enter(f);
    if (!f->is_done)
        return;
    vg_fiber_end(f);
    if (l->stacks.n > VG_STACKS_KEPT && l->trim_ms == VG_NEVER_MS) {
        l->trim_ms = l->now_ms + TRIM_EVERY_MS;
        timer_arm(l, l->trim_ms);
    }
}

static void
run_item(struct vg_loop *l, struct item *item)
{
    if (item->kind == ITEM_FIBER) {
        run_fiber(l, VG_CONTAINER(item, struct vg_fiber, item));
        return;
    }
    struct task t = *VG_CONTAINER(item, struct task, item);
    task_free(l, VG_CONTAINER(item, struct task, item));
    if (t.item.kind == ITEM_START)
        run_fiber(l, vg_fiber_make(l, t.fn, t.arg));
    else
        t.fn(t.arg);
}

/* One batch: what is queued now, not what it queues in turn, so that sockets get their share. */
static void
run_batch(struct vg_loop *l)
{
    if (l->n_run == 0)
        return;
    l->now_ms = vg_mono_ms();
    for (size_t n = l->n_run; n > 0; n--) {
        struct item *item = l->run_head;
        l->run_head = item->next;
        if (l->run_head == NULL)
            l->run_tail = &l->run_head;
        l->n_run--;
        run_item(l, item);
    }
    if (!vg_link_is_alone(&l->parked)) {
        struct vg_fiber *f = VG_CONTAINER(l->parked.next, struct vg_fiber, parked);
        timer_arm(l, f->parked_ms + LONG_WAIT_MS);
    }
}

static void
on_check(uv_check_t *check)
{
    run_batch(check->data);
}

static void
on_idle(uv_idle_t *idle)
{
    (void)idle; /* its being active keeps libuv from sleeping */
}

static void
on_prepare(uv_prepare_t *prepare)
{
    struct vg_loop *l = prepare->data;
    run_batch(l);
    bool has_more = l->n_run > 0;
    if (has_more != l->is_idling) {
        l->is_idling = has_more;
        if (has_more)
            uv_idle_start(&l->idle, on_idle);
        else
            uv_idle_stop(&l->idle);
    }
    if (l->is_stopping && !has_more && vg_link_is_alone(&l->all)
        && atomic_load_explicit(&l->inbox, memory_order_acquire) == NULL)
        uv_stop(&l->uv);
}

/* --- the inbox ------------------------------------------------------------------------------- */

static void
inbox_push(struct vg_loop *l, struct item *item)
{
    struct item *first = atomic_load_explicit(&l->inbox, memory_order_relaxed);
    do
        item->next = first;
    while (!atomic_compare_exchange_weak_explicit(&l->inbox, &first, item, memory_order_release,
                                                  memory_order_relaxed));
    if (first == NULL)
        uv_async_send(&l->async); /* else the one before us has sent */
}

static struct item *
inbox_take(struct vg_loop *l)
{
    struct item *newest = atomic_exchange_explicit(&l->inbox, NULL, memory_order_acquire);
    struct item *oldest = NULL;
    while (newest) {
        struct item *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void
on_async(uv_async_t *async)
{
    struct vg_loop *l = async->data;
    struct item *item = inbox_take(l);
    while (item) {
        struct item *next = item->next;
        vg_loop_run_later(l, item);
        item = next;
    }
}

static void
item_send(struct vg_loop *l, struct item *item)
{
    if (l == loop_of_thread)
        vg_loop_run_later(l, item);
    else
        inbox_push(l, item);
}

void
vg_loop_ready(struct vg_fiber *f)
{
    item_send(f->loop, &f->item);
}

void
vg_loop_post(struct vg_loop *l, vg_task_fn *fn, void *arg)
{
    item_send(l, &task_new(l, ITEM_TASK, fn, arg)->item);
}

void
vg_fiber_start(struct vg_loop *l, vg_fiber_fn *fn, void *arg)
{
    item_send(l, &task_new(l, ITEM_START, fn, arg)->item);
}

/* --- life ------------------------------------------------------------------------------------ */

struct vg_loop *
vg_loop_new(int index)
{
    struct vg_loop *l = vg_xalloc(sizeof(*l));
    l->index = index;
    l->run_tail = &l->run_head;
    l->armed_ms = l->trim_ms = VG_NEVER_MS;
    vg_link_init(&l->all);
    vg_link_init(&l->parked);
    if (uv_loop_init(&l->uv) != 0 || uv_async_init(&l->uv, &l->async, on_async) != 0)
        VG_BUG("the system gives no event loop");
    uv_timer_init(&l->uv, &l->timer);
    uv_prepare_init(&l->uv, &l->prepare);
    uv_check_init(&l->uv, &l->check);
    uv_idle_init(&l->uv, &l->idle);
    l->async.data = l->timer.data = l->prepare.data = l->check.data = l->idle.data = l;
    uv_prepare_start(&l->prepare, on_prepare);
    uv_check_start(&l->check, on_check);
    return l;
}

void
vg_loop_run(struct vg_loop *l)
{
    VG_ASSERT(loop_of_thread == NULL);
    loop_of_thread = l;
    uv_run(&l->uv, UV_RUN_DEFAULT);
    loop_of_thread = NULL;
}

static void
stop_task(void *arg)
{
    struct vg_loop *l = arg;
    l->is_stopping = true;
    for (struct vg_link *at = l->all.next; at != &l->all; at = at->next)
        vg_fiber_cancel(VG_CONTAINER(at, struct vg_fiber, all));
}

void
vg_loop_stop(struct vg_loop *l)
{
    vg_loop_post(l, stop_task, l);
}

static void
drop_tasks(struct item *item)
{
    while (item) {
        struct item *next = item->next;
        VG_ASSERT(item->kind != ITEM_FIBER);
        free(VG_CONTAINER(item, struct task, item));
        item = next;
    }
}

void
vg_loop_free(struct vg_loop *l)
{
    if (l == NULL)
        return;
    VG_ASSERT(vg_link_is_alone(&l->all) && loop_of_thread == NULL);
    uv_close((uv_handle_t *)&l->async, NULL);
    uv_close((uv_handle_t *)&l->timer, NULL);
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->check, NULL);
    uv_close((uv_handle_t *)&l->idle, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    if (uv_loop_close(&l->uv) != 0)
        VG_BUG("a loop is freed while somebody has a handle on it");
    drop_tasks(inbox_take(l));
    drop_tasks(l->run_head);
    drop_tasks((struct item *)(void *)l->spare);
    vg_stacks_trim(&l->stacks, 0);
    free(l->heap);
    free(l);
}
