/* SPDX-License-Identifier: Apache-2.0 */

/* Sessions and reads; transactions are in tx.c, durability in gate.c. */

#include "store/kv.h"

#include "base/arena.h"
#include "base/fault.h"
#include "store/folder.h"
#include "store/kv_int.h"

#include <errno.h>
#include <stdlib.h>

#define ROWS_DEFAULT  1000u
#define BYTES_DEFAULT (1u << 20)

/* --- the engine under it ------------------------------------------------------------------------
 */

static pthread_rwlock_t *
guard(struct vg_kv *kv)
{
    uint64_t id = (uint64_t)(uintptr_t)pthread_self();
    return &kv->guards[(id * UINT64_C(0x9E3779B97F4A7C15)) >> 60].lock;
}

vg_rc
vg_kv_enter(struct vg_kv *kv, struct vg_err *err)
{
    pthread_rwlock_rdlock(guard(kv));
    if (kv->engine)
        return VG_OK;
    pthread_rwlock_unlock(guard(kv));
    vg_err_set(err, "the store is closed after a disk error and could not be opened again yet");
    err->os_errno = EIO;
    return VG_FAIL;
}

void
vg_kv_leave(struct vg_kv *kv)
{
    pthread_rwlock_unlock(guard(kv));
}

uint64_t
vg_kv_latest(struct vg_kv *kv)
{
    return kv->base + kv->ops->latest(kv->engine);
}

vg_rc
vg_kv_new(const struct vg_kv_setup *setup, struct vg_kv **ret, struct vg_err *err)
{
    struct vg_kv *kv = aligned_alloc(64, (sizeof(*kv) + 63) & ~(size_t)63);
    if (kv == NULL)
        VG_BUG("out of memory");
    memset(kv, 0, sizeof(*kv));
    kv->setup = *setup;
    vg_room_before_open(kv);
    vg_rc rc = setup->open(setup->open_arg, &kv->engine, err);
    if (rc != VG_OK) {
        pthread_mutex_destroy(&kv->room_lock);
        free(kv);
        return rc;
    }
    kv->ops = vg_engine_ops_of(kv->engine);
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    for (size_t i = 0; i < VG_KV_GUARDS; i++)
        pthread_rwlock_init(&kv->guards[i].lock, &attr);
    pthread_rwlockattr_destroy(&attr);
    pthread_mutex_init(&kv->snaps_lock, NULL);
    kv->turns = vg_turns_new();
    rc = vg_gate_init(kv, err);
    if (rc != VG_OK) {
        kv->setup.fini = NULL;
        vg_kv_close(kv);
        return rc;
    }
    *ret = kv;
    return VG_OK;
}

void
vg_kv_close(struct vg_kv *kv)
{
    if (kv == NULL)
        return;
    vg_gate_fini(kv);
    VG_ASSERT(kv->snaps == NULL);
    if (kv->engine)
        kv->ops->close(kv->engine, !kv->is_broken);
    vg_turns_free(kv->turns);
    for (size_t i = 0; i < VG_KV_GUARDS; i++)
        pthread_rwlock_destroy(&kv->guards[i].lock);
    pthread_mutex_destroy(&kv->snaps_lock);
    pthread_mutex_destroy(&kv->room_lock);
    if (kv->setup.fini)
        kv->setup.fini(kv->setup.open_arg);
    free(kv);
}

static vg_rc
open_mem(void *arg, struct vg_engine **ret, struct vg_err *err)
{
    (void)arg;
    vg_rc rc = vg_mem_open(ret, err);
    if (rc == VG_OK && vg_fault_is_armed())
        *ret = vg_fault_wrap(*ret);
    return rc;
}

vg_rc
vg_kv_open_mem(struct vg_kv **ret, struct vg_err *err)
{
    return vg_kv_new(&(struct vg_kv_setup) { .open = open_mem }, ret, err);
}

static vg_rc
open_rocks(void *arg, struct vg_engine **ret, struct vg_err *err)
{
    struct vg_folder *f = arg;
    if (VG_FAULT("store.open"))
        return vg_err_set(err, "store.open was armed to fail");
    vg_rc rc = vg_rocks_open(vg_folder_path(f, VG_STR("kv")), vg_folder_path(f, VG_STR("synced")),
                             ret, err);
    if (rc == VG_OK && vg_fault_is_armed())
        *ret = vg_fault_wrap(*ret);
    return rc;
}

static void
close_folder(void *arg)
{
    vg_folder_close(arg);
}

vg_rc
vg_kv_open_rocks(const struct vg_kv_options *opt, struct vg_kv **ret, struct vg_err *err)
{
    struct vg_folder *f;
    vg_rc rc = vg_folder_open(opt->path, &f, err);
    if (rc != VG_OK)
        return rc;
    const struct vg_kv_setup setup = {
        .open = open_rocks,
        .open_arg = f,
        .fini = close_folder,
        .is_gated = opt->durability == VG_DURABLE_DISK,
        .has_syncer = true,
        .room_path = vg_folder_path(f, VG_STR(".")),
    };
    rc = vg_kv_new(&setup, ret, err);
    if (rc != VG_OK)
        vg_folder_close(f);
    return rc;
}

static vg_rc
open_rocks_readonly(void *arg, struct vg_engine **ret, struct vg_err *err)
{
    struct vg_folder *f = arg;
    return vg_rocks_open_readonly(vg_folder_path(f, VG_STR("kv")),
                                  vg_folder_path(f, VG_STR("synced")), ret, err);
}

/* Without a syncer: nothing is ever to be made durable. */
vg_rc
vg_kv_open_readonly(struct vg_folder *folder, struct vg_kv **ret, struct vg_err *err)
{
    const struct vg_kv_setup setup = { .open = open_rocks_readonly,
                                       .open_arg = folder,
                                       .fini = close_folder };
    vg_rc rc = vg_kv_new(&setup, ret, err);
    if (rc != VG_OK)
        vg_folder_close(folder);
    return rc;
}

vg_rc
vg_kv_check_end(struct vg_kv *kv, struct vg_err *err)
{
    struct vg_folder *f = kv->setup.open_arg;
    vg_rc rc = vg_kv_enter(kv, err);
    if (rc != VG_OK)
        return rc;
    rc = vg_rocks_check_end(kv->engine, vg_folder_path(f, VG_STR("kv")),
                            vg_folder_path(f, VG_STR("synced")), err);
    vg_kv_leave(kv);
    return rc;
}

/* --- sessions -----------------------------------------------------------------------------------
 */

void
vg_sess_init(struct vg_sess *s, struct vg_kv *kv, struct vg_arena *arena)
{
    *s = (struct vg_sess) { .kv = kv, .arena = arena };
}

void
vg_sess_see(struct vg_sess *s, uint64_t seq)
{
    struct vg_kv *kv = s->kv;
    if (!kv->setup.is_gated || seq <= kv->durable)
        return;
    if (s->seen_seq == 0)
        s->epoch = kv->epoch; /* later ones do not change it: an older one may be lost */
    s->seen_seq = VG_MAX(s->seen_seq, seq);
}

uint32_t
vg_kv_epoch(const struct vg_kv *kv)
{
    return kv->epoch;
}

int64_t
vg_kv_counter(struct vg_str value)
{
    return vg_counter_read(value);
}

/* --- reads --------------------------------------------------------------------------------------
 */

struct vg_str
vg_kv_whole_key(struct vg_arena *arena, struct vg_str part, struct vg_str key)
{
    VG_ASSERT(part.len > 0);
    size_t len = part.len + 1 + key.len;
    char *p = vg_arena_alloc(arena, len);
    memcpy(p, part.ptr, part.len);
    p[part.len] = '\0'; /* no part of a tuple begins so: the ids of partitions cannot overlap */
    if (key.len)
        memcpy(p + part.len + 1, key.ptr, key.len);
    return vg_str_n(p, len);
}

/* After a read: what it may have met. `limit`: the snapshot's, else UINT64_MAX. */
static void
see_mark(struct vg_sess *s, struct vg_str of, uint64_t limit)
{
    if (s->kv->setup.is_gated)
        vg_sess_see(s, VG_MIN(vg_mark_seen(s->kv, vg_mark_of(of)), limit));
}

vg_rc
vg_kv_get(struct vg_sess *s, struct vg_str part, struct vg_str key, struct vg_str *ret,
          struct vg_err *err)
{
    struct vg_kv *kv = s->kv;
    struct vg_str whole = vg_kv_whole_key(s->arena, part, key);
    vg_rc rc = vg_kv_enter(kv, err);
    if (rc != VG_OK)
        return rc;
    rc = kv->ops->get(kv->engine, NULL, whole, s->arena, ret, err);
    see_mark(s, whole, UINT64_MAX);
    vg_kv_leave(kv);
    s->n_reads++;
    return rc;
}

/* Both ends as whole keys; false when nothing can lie between. */
static bool
span_of(struct vg_arena *arena, struct vg_str part, const struct vg_range *range,
        struct vg_span *ret)
{
    ret->is_reverse = range->is_reverse;
    ret->from = vg_kv_whole_key(arena, part, range->from);
    ret->to = vg_kv_whole_key(arena, part, range->to);
    if (range->to.ptr == NULL) {
        char *end = vg_arena_copy(arena, ret->to.ptr, ret->to.len);
        end[part.len] = '\1';
        ret->to.ptr = end;
    }
    return vg_str_cmp(ret->from, ret->to) < 0;
}

/* Rows of the engine with a transaction's own writes laid over them, in one order. */
struct merge {
    const struct vg_engine_ops *ops;
    struct vg_engine_iter *it;
    const struct vg_span *span;
    struct vg_str key, value;         /* the engine's next row; key.ptr == NULL: no more */
    struct vg_node *own;              /* the next own write */
    bool is_engine_next, is_own_next; /* which of them is (or are) the row last peeked at */
    char counter[8];
};

static struct vg_node *
own_inside(const struct vg_span *span, struct vg_node *n)
{
    if (n == NULL)
        return NULL;
    bool is_in =
        span->is_reverse ? vg_str_cmp(n->key, span->from) >= 0 : vg_str_cmp(n->key, span->to) < 0;
    return is_in ? n : NULL;
}

static vg_rc
merge_begin(struct merge *m, const struct vg_tree *own, struct vg_err *err)
{
    if (own)
        m->own = own_inside(m->span, m->span->is_reverse ? vg_tree_before(own, m->span->to)
                                                         : vg_tree_at_or_after(own, m->span->from));
    return m->ops->iter_next(m->it, &m->key, &m->value, err);
}

/* The row that comes next, good until merge_advance(); false at the end. */
static bool
merge_peek(struct merge *m, struct vg_row *ret, bool *ret_is_deleted)
{
    *ret_is_deleted = false;
    if (m->key.ptr == NULL && m->own == NULL)
        return false;
    int c = m->own == NULL ? -1 : m->key.ptr == NULL ? 1 : vg_str_cmp(m->key, m->own->key);
    if (m->own && m->key.ptr && m->span->is_reverse)
        c = -c;
    m->is_engine_next = c <= 0;
    m->is_own_next = c >= 0;
    if (c < 0) {
        *ret = (struct vg_row) { m->key, m->value };
        return true;
    }
    const struct vg_write *w = VG_CONTAINER(m->own, struct vg_write, node);
    *ret = (struct vg_row) { w->node.key, w->value };
    *ret_is_deleted = w->kind == VG_WRITE_DEL;
    if (w->kind == VG_WRITE_ADD) {
        int64_t was = c == 0 ? vg_counter_read(m->value) : 0;
        vg_counter_write((int64_t)((uint64_t)was + (uint64_t)w->delta), m->counter);
        ret->value = vg_str_n(m->counter, sizeof(m->counter));
    }
    return true;
}

static vg_rc
merge_advance(struct merge *m, struct vg_err *err)
{
    if (m->is_own_next)
        m->own =
            own_inside(m->span, m->span->is_reverse ? vg_tree_prev(m->own) : vg_tree_next(m->own));
    return m->is_engine_next ? m->ops->iter_next(m->it, &m->key, &m->value, err) : VG_OK;
}

static vg_rc
fill_page(struct merge *m, struct vg_arena *arena, const struct vg_scan *scan, struct vg_page *ret,
          struct vg_err *err)
{
    uint32_t max = scan->range->max ? scan->range->max : ROWS_DEFAULT;
    size_t max_bytes = scan->range->max_bytes ? scan->range->max_bytes : BYTES_DEFAULT, bytes = 0;
    size_t skip = scan->part.len + 1;
    VG_VEC(struct vg_row) rows = { 0 };
    struct vg_row row;
    bool is_deleted, has_more = false;
    while (merge_peek(m, &row, &is_deleted)) {
        if (!is_deleted) {
            has_more = rows.len == max || bytes > max_bytes;
            if (has_more)
                break;
            struct vg_row *to = VG_VEC_ADD(arena, &rows);
            to->key = vg_str_dup(arena, vg_str_slice(row.key, skip, row.key.len));
            to->value = vg_str_dup(arena, row.value);
            bytes += to->key.len + to->value.len;
        }
        vg_rc rc = merge_advance(m, err);
        if (rc != VG_OK)
            return rc;
    }
    *ret = (struct vg_page) { .rows = rows.items, .len = rows.len, .has_more = has_more };
    return VG_OK;
}

vg_rc
vg_kv_scan_page(struct vg_sess *s, const struct vg_scan *scan, struct vg_page *ret,
                struct vg_err *err)
{
    struct vg_kv *kv = s->kv;
    struct vg_span span;
    s->n_reads++;
    if (!span_of(s->arena, scan->part, scan->range, &span)) {
        *ret = (struct vg_page) { 0 };
        return VG_OK;
    }
    struct merge m = { .ops = kv->ops, .span = &span };
    m.it = kv->ops->iter_open(kv->engine, scan->snap, &span);
    vg_rc rc = merge_begin(&m, scan->own, err);
    if (rc == VG_OK)
        rc = fill_page(&m, s->arena, scan, ret, err);
    kv->ops->iter_close(m.it);
    return rc;
}

vg_rc
vg_kv_scan(struct vg_sess *s, struct vg_str part, const struct vg_range *range, struct vg_page *ret,
           struct vg_err *err)
{
    vg_rc rc = vg_kv_enter(s->kv, err);
    if (rc != VG_OK)
        return rc;
    rc = vg_kv_scan_page(s, &(struct vg_scan) { .part = part, .range = range }, ret, err);
    see_mark(s, part, UINT64_MAX);
    vg_kv_leave(s->kv);
    return rc;
}

/* --- snapshots ----------------------------------------------------------------------------------
 */

vg_rc
vg_snap_open(struct vg_sess *s, struct vg_snap **ret, struct vg_err *err)
{
    struct vg_kv *kv = s->kv;
    vg_rc rc = vg_kv_enter(kv, err);
    if (rc != VG_OK)
        return rc;
    struct vg_snap *snap = VG_NEW(s->arena, struct vg_snap);
    snap->sess = s;
    snap->snap = kv->ops->snap_open(kv->engine);
    snap->seq = vg_kv_latest(kv);
    pthread_mutex_lock(&kv->snaps_lock);
    snap->next = kv->snaps;
    snap->link = &kv->snaps;
    if (snap->next)
        snap->next->link = &snap->next;
    kv->snaps = snap;
    pthread_mutex_unlock(&kv->snaps_lock);
    vg_kv_leave(kv);
    *ret = snap;
    return VG_OK;
}

static vg_rc
enter_snap(struct vg_snap *snap, struct vg_err *err)
{
    vg_rc rc = vg_kv_enter(snap->sess->kv, err);
    if (rc != VG_OK || snap->snap)
        return rc;
    vg_kv_leave(snap->sess->kv);
    return vg_err_set(err, "the store was opened again after a disk error; the view is gone");
}

vg_rc
vg_snap_get(struct vg_snap *snap, struct vg_str part, struct vg_str key, struct vg_str *ret,
            struct vg_err *err)
{
    struct vg_sess *s = snap->sess;
    struct vg_str whole = vg_kv_whole_key(s->arena, part, key);
    vg_rc rc = enter_snap(snap, err);
    if (rc != VG_OK)
        return rc;
    rc = s->kv->ops->get(s->kv->engine, snap->snap, whole, s->arena, ret, err);
    see_mark(s, whole, snap->seq);
    vg_kv_leave(s->kv);
    s->n_reads++;
    return rc;
}

vg_rc
vg_snap_scan(struct vg_snap *snap, struct vg_str part, const struct vg_range *range,
             struct vg_page *ret, struct vg_err *err)
{
    vg_rc rc = enter_snap(snap, err);
    if (rc != VG_OK)
        return rc;
    rc = vg_kv_scan_page(snap->sess,
                         &(struct vg_scan) { .part = part, .range = range, .snap = snap->snap },
                         ret, err);
    see_mark(snap->sess, part, snap->seq);
    vg_kv_leave(snap->sess->kv);
    return rc;
}

void
vg_snap_close(struct vg_snap *snap)
{
    if (snap == NULL)
        return;
    struct vg_kv *kv = snap->sess->kv;
    struct vg_err err;
    bool is_open = vg_kv_enter(kv, &err) == VG_OK; /* else its part of it is gone already */
    pthread_mutex_lock(&kv->snaps_lock);
    *snap->link = snap->next;
    if (snap->next)
        snap->next->link = snap->link;
    pthread_mutex_unlock(&kv->snaps_lock);
    if (!is_open)
        return;
    if (snap->snap)
        kv->ops->snap_close(kv->engine, snap->snap);
    vg_kv_leave(kv);
}
