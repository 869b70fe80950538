/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Durability: marks tell a reader what it may have met, the gate waits for it, the syncer thread
 * makes it durable (docs/internals/store.md, "The gate").
 */

#include "base/arena.h"
#include "base/fault.h"
#include "os/clock.h"
#include "store/kv_int.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define WRITER   (UINT64_C(1) << 48)
#define SEQ_BITS (WRITER - 1)

#define TICK_MS         100
#define QUIET_TICKS     10 /* without a commit: quiet */
#define LOG_BIG_BYTES   (8u << 20)
#define LOG_SMALL_BYTES (256u << 10)
#define CALM_COMMITS    50 /* in a tick, below: the load has fallen */
#define REOPEN_EVERY_MS 500

struct vg_gate_waiting {
    struct vg_gate_waiting *next;
    struct vg_wait wait;
    uint64_t seq;
    vg_rc rc;
};

/* --- marks --------------------------------------------------------------------------------------
 */

void
vg_mark_enter(struct vg_kv *kv, uint32_t mark)
{
    atomic_fetch_add(&kv->marks[mark], WRITER);
}

void
vg_mark_leave(struct vg_kv *kv, uint32_t mark, uint64_t seq)
{
    VG_ASSERT(seq <= SEQ_BITS);
    uint64_t was = kv->marks[mark], is;
    do {
        is = ((was & ~SEQ_BITS) - WRITER) | VG_MAX(was & SEQ_BITS, seq);
    } while (!atomic_compare_exchange_weak(&kv->marks[mark], &was, is));
}

uint64_t
vg_mark_seen(struct vg_kv *kv, uint32_t mark)
{
    uint64_t m = kv->marks[mark];
    return m >= WRITER ? vg_kv_latest(kv) : m;
}

/* --- waiting ------------------------------------------------------------------------------------
 */

/* Takes those that are done out of the list: durable, or `rc` other than VG_OK for all. */
static struct vg_gate_waiting *
take_done(struct vg_kv *kv, struct vg_gate_list *list, vg_rc rc)
{
    struct vg_gate_waiting *done = NULL, **at = &list->first; /* turned round: oldest first */
    uint64_t durable = kv->durable;
    while (*at) {
        struct vg_gate_waiting *w = *at;
        if (w->seq > durable && rc == VG_OK) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        w->rc = w->seq > durable ? rc : VG_OK;
        w->next = done;
        done = w;
    }
    return done;
}

/* The storage may be gone as soon as its owner runs. */
static void
wake_all(struct vg_gate_waiting *done)
{
    while (done) {
        struct vg_gate_waiting *next = done->next;
        vg_wait_wake(&done->wait);
        done = next;
    }
}

/* On the loop's own thread: one post a loop and fsync, however many wait there. */
static void
release_list(void *arg)
{
    struct vg_gate_list *list = arg;
    pthread_mutex_lock(&list->lock);
    list->is_posted = false;
    struct vg_gate_waiting *done = list->done;
    list->done = NULL;
    pthread_mutex_unlock(&list->lock);
    wake_all(done);
}

/* On the syncer's thread, after durable has grown or with the failure for all that wait. */
static void
release(struct vg_kv *kv, vg_rc rc)
{
    for (size_t i = 0; i <= VG_KV_LOOPS; i++) {
        struct vg_gate_list *list = &kv->lists[i];
        pthread_mutex_lock(&list->lock);
        struct vg_gate_waiting **end = &list->done;
        while (*end)
            end = &(*end)->next;
        *end = take_done(kv, list, rc);
        bool do_post = list->done && list->loop && !list->is_posted;
        struct vg_gate_waiting *direct = list->loop ? NULL : list->done;
        if (direct)
            list->done = NULL;
        list->is_posted = list->is_posted || do_post;
        struct vg_loop *loop = list->loop;
        pthread_mutex_unlock(&list->lock);
        if (do_post)
            vg_loop_post(loop, release_list, list);
        wake_all(direct);
    }
}

static struct vg_gate_list *
list_of_caller(struct vg_kv *kv, struct vg_loop **ret_loop)
{
    struct vg_fiber *f = vg_fiber_self();
    *ret_loop = f ? vg_fiber_loop(f) : NULL;
    if (f == NULL)
        return &kv->lists[VG_KV_LOOPS];
    int index = vg_loop_index(*ret_loop);
    VG_ASSERT(index >= 0 && (unsigned)index < VG_KV_LOOPS);
    return &kv->lists[index];
}

/* Takes `w` out again; false: it is being woken. */
static bool
leave_list(struct vg_gate_list *list, struct vg_gate_waiting *w)
{
    pthread_mutex_lock(&list->lock);
    struct vg_gate_waiting **at = &list->first;
    while (*at && *at != w)
        at = &(*at)->next;
    bool is_there = *at != NULL;
    if (is_there)
        *at = w->next;
    pthread_mutex_unlock(&list->lock);
    return is_there;
}

static vg_rc
wait_durable(struct vg_kv *kv, uint64_t seq) VG_WAITS
{
    struct vg_gate_waiting w = { .seq = seq };
    vg_wait_init(&w.wait);
    struct vg_loop *loop;
    struct vg_gate_list *list = list_of_caller(kv, &loop);
    pthread_mutex_lock(&list->lock);
    list->loop = loop;
    w.next = list->first;
    list->first = &w;
    pthread_mutex_unlock(&list->lock);

    pthread_mutex_lock(&kv->lock);
    if (seq > kv->wanted) {
        bool is_asleep = kv->wanted <= kv->durable;
        kv->wanted = seq;
        if (is_asleep)
            pthread_cond_signal(&kv->need);
    }
    pthread_mutex_unlock(&kv->lock);
    /* The fsync may have ended before we were in the list: durable grows before the list is read.
     */
    if (seq <= kv->durable && leave_list(list, &w))
        return VG_OK;
    vg_wait_park(&w.wait);
    return w.rc;
}

vg_rc
vg_kv_gate(struct vg_sess *s, struct vg_err *err)
{
    struct vg_kv *kv = s->kv;
    VG_ASSERT(s->open == NULL);
    uint64_t seq = s->seen_seq;
    s->seen_seq = 0;
    if (seq == 0)
        return VG_OK;
    /* In this order: a reopening raises the epoch before durable passes what was lost. */
    vg_rc rc = seq <= kv->durable ? VG_OK : wait_durable(kv, seq);
    if (rc == VG_OK && s->epoch == kv->epoch)
        return VG_OK;
    vg_err_set(err, "the disk failed before this was durable; whether it will last is not known");
    err->os_errno = EIO;
    return VG_FAIL;
}

void
vg_gate_note_commit(struct vg_kv *kv)
{
    atomic_fetch_add_explicit(&kv->n_commits, 1, memory_order_relaxed);
    if (kv->is_dirty || !kv->setup.has_syncer || atomic_exchange(&kv->is_dirty, true))
        return;
    pthread_mutex_lock(&kv->lock);
    pthread_cond_signal(&kv->need);
    pthread_mutex_unlock(&kv->lock);
}

void
vg_gate_break(struct vg_kv *kv)
{
    pthread_mutex_lock(&kv->lock);
    kv->is_broken = true;
    pthread_cond_signal(&kv->need);
    pthread_mutex_unlock(&kv->lock);
}

/* --- the syncer ---------------------------------------------------------------------------------
 */

/* The sequence is read first: the fsync covers at least that. */
static void
sync_once(struct vg_kv *kv)
{
    struct vg_err err = { 0 };
    uint64_t seq = vg_kv_latest(kv); /* only this thread closes the engine: no guard */
    (void)VG_FAULT("store.gate.before_sync");
    if (kv->ops->sync(kv->engine, &err) != VG_OK) {
        kv->is_broken = true;
        return;
    }
    (void)VG_FAULT("store.gate.after_sync");
    kv->durable = seq;
    release(kv, VG_OK);
}

static void
lose_snaps(struct vg_kv *kv)
{
    pthread_mutex_lock(&kv->snaps_lock);
    for (struct vg_snap *s = kv->snaps; s; s = s->next) {
        if (s->snap)
            kv->ops->snap_close(kv->engine, s->snap);
        s->snap = NULL;
    }
    pthread_mutex_unlock(&kv->snaps_lock);
}

/*
 * After a failed write or fsync nothing in memory can be trusted to be on the disk, and a second
 * fsync may lie.  Opening again replays what is there and writes it into new files.  False: not
 * yet.
 */
static bool
reopen(struct vg_kv *kv)
{
    struct vg_err err = { 0 };
    for (size_t i = 0; i < VG_KV_GUARDS; i++)
        pthread_rwlock_wrlock(&kv->guards[i].lock);
    if (kv->engine) {
        kv->base = vg_kv_latest(kv);
        lose_snaps(kv);
        kv->ops->close(kv->engine, false);
        kv->engine = NULL;
        kv->epoch++;
    }
    bool is_open = kv->setup.open(kv->setup.open_arg, &kv->engine, &err) == VG_OK;
    if (is_open) {
        kv->ops = vg_engine_ops_of(kv->engine);
        kv->durable = vg_kv_latest(kv);
        kv->is_broken = false;
    }
    for (size_t i = 0; i < VG_KV_GUARDS; i++)
        pthread_rwlock_unlock(&kv->guards[i].lock);
    return is_open;
}

/* The log is shortened when it is long and the load has fallen, or when nobody writes at all. */
static void
tick(struct vg_kv *kv, int64_t now_ms)
{
    kv->ticked_ms = now_ms;
    vg_room_look(kv);
    uint64_t n = kv->n_commits, commits = n - kv->ticked_commits;
    kv->ticked_commits = n;
    kv->quiet_ticks = commits == 0 ? kv->quiet_ticks + 1 : 0;
    uint64_t bytes = kv->ops->log_bytes(kv->engine);
    bool is_quiet = kv->quiet_ticks >= QUIET_TICKS;
    if ((bytes > LOG_BIG_BYTES && commits < CALM_COMMITS)
        || (bytes > LOG_SMALL_BYTES && is_quiet)) {
        struct vg_err err = { 0 };
        if (kv->ops->flush(kv->engine, &err) != VG_OK)
            kv->is_broken = true;
    }
    if (is_quiet) {
        kv->is_dirty = kv->is_full; /* then the disk is watched until there is room */
        kv->quiet_ticks = 0;
    }
}

static void
wait_until_ms(struct vg_kv *kv, int64_t mono_ms)
{
    struct timespec at = { .tv_sec = mono_ms / 1000, .tv_nsec = mono_ms % 1000 * 1000000 };
    pthread_cond_timedwait(&kv->need, &kv->lock, &at);
}

/* Waits for something to do; false: stop. */
static bool
wait_for_work(struct vg_kv *kv)
{
    pthread_mutex_lock(&kv->lock);
    for (;;) {
        int64_t now_ms = vg_mono_ms();
        if (kv->is_stopping)
            break;
        if (kv->is_broken) {
            if (now_ms >= kv->retry_ms)
                break;
            wait_until_ms(kv, kv->retry_ms);
            continue;
        }
        bool is_due = kv->is_dirty && now_ms >= kv->ticked_ms + TICK_MS;
        if (kv->wanted > kv->durable || is_due)
            break;
        if (kv->is_dirty)
            wait_until_ms(kv, kv->ticked_ms + TICK_MS);
        else
            pthread_cond_wait(&kv->need, &kv->lock);
    }
    bool go_on = !kv->is_stopping;
    pthread_mutex_unlock(&kv->lock);
    return go_on;
}

static void
mend(struct vg_kv *kv)
{
    bool is_open = reopen(kv);
    (void)VG_FAULT("store.gate.opened");
    if (!is_open) {
        pthread_mutex_lock(&kv->lock);
        kv->wanted = VG_MIN(kv->wanted, kv->durable);
        pthread_mutex_unlock(&kv->lock);
    }
    /*
     * An opening raised `durable` above all that was before the error, and the epoch tells those
     * who wait for that that they cannot know.  Who wait for more came after it.
     */
    release(kv, is_open ? VG_OK : VG_FAIL);
    kv->retry_ms = is_open ? 0 : vg_mono_ms() + REOPEN_EVERY_MS;
}

static void *
syncer_main(void *arg)
{
    struct vg_kv *kv = arg;
    while (wait_for_work(kv)) {
        if (kv->is_broken) {
            mend(kv);
            continue;
        }
        if (kv->wanted > kv->durable)
            sync_once(kv);
        int64_t now_ms = vg_mono_ms();
        if (!kv->is_broken && kv->is_dirty && now_ms >= kv->ticked_ms + TICK_MS)
            tick(kv, now_ms);
    }
    return NULL;
}

vg_rc
vg_gate_init(struct vg_kv *kv, struct vg_err *err)
{
    for (size_t i = 0; i <= VG_KV_LOOPS; i++)
        pthread_mutex_init(&kv->lists[i].lock, NULL);
    pthread_mutex_init(&kv->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&kv->need, &attr);
    pthread_condattr_destroy(&attr);
    kv->is_dirty = kv->is_full;
    kv->durable = vg_kv_latest(kv); /* what was replayed has been written out again */
    if (kv->setup.is_gated)
        kv->marks = calloc(VG_KV_MARKS, sizeof(*kv->marks)); /* pages come as they are touched */
    if (kv->setup.is_gated && kv->marks == NULL)
        VG_BUG("out of memory");
    if (!kv->setup.has_syncer)
        return VG_OK;
    int rc = pthread_create(&kv->syncer, NULL, syncer_main, kv);
    if (rc != 0) {
        kv->setup.has_syncer = false;
        return vg_err_errno(err, rc, "starting the store's thread");
    }
    return VG_OK;
}

void
vg_gate_fini(struct vg_kv *kv)
{
    if (kv->setup.has_syncer) {
        pthread_mutex_lock(&kv->lock);
        kv->is_stopping = true;
        pthread_cond_signal(&kv->need);
        pthread_mutex_unlock(&kv->lock);
        pthread_join(kv->syncer, NULL);
    }
    for (size_t i = 0; i <= VG_KV_LOOPS; i++) {
        VG_ASSERT(kv->lists[i].first == NULL && kv->lists[i].done == NULL);
        pthread_mutex_destroy(&kv->lists[i].lock);
    }
    pthread_cond_destroy(&kv->need);
    pthread_mutex_destroy(&kv->lock);
    free(kv->marks);
}
