/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The engine that keeps everything in memory (--ephemeral, tests).
 *
 * A tree of keys, each with its versions, newest first; a version is numbered by its write. A
 * snapshot is a number.  Versions that no snapshot can see go at the next write of their key, and
 * all of them when the last snapshot closes.  One read-write lock: an iterator holds it for reading
 * from open to close, which is short, because scans are pages and never wait.
 */

#include "store/engine.h"

#include "base/arena.h"

#include <pthread.h>
#include <stdlib.h>

struct version {
    struct version *older;
    uint64_t seq;
    bool is_gone; /* a deletion */
    size_t len;
    char bytes[];
};

struct entry {
    struct vg_node node;
    struct version *newest;
    struct entry *next_stale; /* in mem->stale, when it has versions for snapshots only */
    bool is_stale;
    char key[];
};

struct vg_engine_snap {
    struct vg_engine_snap *next, **link;
    uint64_t seq;
};

struct mem {
    struct vg_engine base;
    pthread_rwlock_t lock; /* guards all below */
    struct vg_tree tree;
    struct vg_engine_snap *snaps;
    struct entry *stale;
    _Atomic uint64_t seq;
};

struct vg_engine_iter {
    struct mem *mem;
    struct vg_span span;
    uint64_t seq;
    struct vg_node *at;
};

static struct mem *
mem_of(struct vg_engine *e)
{
    return VG_CONTAINER(e, struct mem, base);
}

static struct entry *
entry_of(struct vg_node *n)
{
    return n ? VG_CONTAINER(n, struct entry, node) : NULL;
}

static const struct version *
version_at(const struct entry *en, uint64_t seq)
{
    const struct version *v = en->newest;
    while (v && v->seq > seq)
        v = v->older;
    return v && !v->is_gone ? v : NULL;
}

static void
versions_free(struct version *v)
{
    while (v) {
        struct version *older = v->older;
        free(v);
        v = older;
    }
}

static uint64_t
oldest_snap(const struct mem *m)
{
    uint64_t seq = UINT64_MAX;
    for (const struct vg_engine_snap *s = m->snaps; s; s = s->next)
        seq = VG_MIN(seq, s->seq);
    return seq;
}

/* Drops what nobody can see any more; the entry itself when nothing is left of it. */
static void
entry_trim(struct mem *m, struct entry *en, uint64_t oldest)
{
    struct version *v = en->newest;
    while (v->seq > oldest && v->older)
        v = v->older;
    versions_free(v->older);
    v->older = NULL;
    if (v == en->newest && v->is_gone && !en->is_stale && v->seq <= oldest) {
        vg_tree_remove(&m->tree, &en->node);
        free(v);
        free(en);
    }
}

/* After the last snapshot's end. */
static void
trim_stale(struct mem *m)
{
    struct entry *en = m->stale;
    m->stale = NULL;
    while (en) {
        struct entry *next = en->next_stale;
        en->is_stale = false;
        entry_trim(m, en, UINT64_MAX);
        en = next;
    }
}

static void
mem_close(struct vg_engine *e, bool is_clean)
{
    (void)is_clean;
    struct mem *m = mem_of(e);
    while (m->tree.root) {
        struct entry *en = entry_of(m->tree.root);
        vg_tree_remove(&m->tree, &en->node);
        versions_free(en->newest);
        free(en);
    }
    pthread_rwlock_destroy(&m->lock);
    free(m);
}

static uint64_t
mem_latest(struct vg_engine *e)
{
    return mem_of(e)->seq;
}

static vg_rc
mem_get(struct vg_engine *e, struct vg_engine_snap *snap, struct vg_str key, struct vg_arena *arena,
        struct vg_str *ret, struct vg_err *err)
{
    (void)err;
    struct mem *m = mem_of(e);
    *ret = VG_STR_NONE;
    pthread_rwlock_rdlock(&m->lock);
    struct entry *en = entry_of(vg_tree_find(&m->tree, key));
    const struct version *v = en ? version_at(en, snap ? snap->seq : UINT64_MAX) : NULL;
    if (v)
        *ret = vg_str_dup(arena, vg_str_n(v->bytes, v->len));
    pthread_rwlock_unlock(&m->lock);
    return VG_OK;
}

static struct vg_engine_iter *
mem_iter_open(struct vg_engine *e, struct vg_engine_snap *snap, const struct vg_span *span)
{
    struct mem *m = mem_of(e);
    struct vg_engine_iter *it = vg_xalloc(sizeof(*it));
    *it = (struct vg_engine_iter) { .mem = m, .span = *span };
    it->seq = snap ? snap->seq : UINT64_MAX;
    pthread_rwlock_rdlock(&m->lock);
    it->at = span->is_reverse ? vg_tree_before(&m->tree, span->to)
                              : vg_tree_at_or_after(&m->tree, span->from);
    return it;
}

static vg_rc
mem_iter_next(struct vg_engine_iter *it, struct vg_str *ret_key, struct vg_str *ret_value,
              struct vg_err *err)
{
    (void)err;
    *ret_key = VG_STR_NONE;
    while (it->at) {
        struct entry *en = entry_of(it->at);
        if (it->span.is_reverse ? vg_str_cmp(en->node.key, it->span.from) < 0
                                : vg_str_cmp(en->node.key, it->span.to) >= 0)
            break;
        it->at = it->span.is_reverse ? vg_tree_prev(it->at) : vg_tree_next(it->at);
        const struct version *v = version_at(en, it->seq);
        if (v) {
            *ret_key = en->node.key;
            *ret_value = vg_str_n(v->bytes, v->len);
            return VG_OK;
        }
    }
    it->at = NULL;
    return VG_OK;
}

static void
mem_iter_close(struct vg_engine_iter *it)
{
    pthread_rwlock_unlock(&it->mem->lock);
    free(it);
}

static struct vg_engine_snap *
mem_snap_open(struct vg_engine *e)
{
    struct mem *m = mem_of(e);
    struct vg_engine_snap *s = vg_xalloc(sizeof(*s));
    pthread_rwlock_wrlock(&m->lock);
    s->seq = m->seq;
    s->next = m->snaps;
    s->link = &m->snaps;
    if (s->next)
        s->next->link = &s->next;
    m->snaps = s;
    pthread_rwlock_unlock(&m->lock);
    return s;
}

static void
mem_snap_close(struct vg_engine *e, struct vg_engine_snap *snap)
{
    struct mem *m = mem_of(e);
    pthread_rwlock_wrlock(&m->lock);
    *snap->link = snap->next;
    if (snap->next)
        snap->next->link = snap->link;
    if (m->snaps == NULL)
        trim_stale(m);
    pthread_rwlock_unlock(&m->lock);
    free(snap);
}

static void
apply(struct mem *m, const struct vg_write *w, uint64_t seq, uint64_t oldest)
{
    struct entry *en = entry_of(vg_tree_find(&m->tree, w->node.key));
    if (en == NULL) {
        if (w->kind == VG_WRITE_DEL)
            return;
        en = vg_xalloc(sizeof(*en) + w->node.key.len);
        memcpy(en->key, w->node.key.ptr, w->node.key.len);
        en->node.key = vg_str_n(en->key, w->node.key.len);
        vg_tree_insert(&m->tree, &en->node);
    }
    char counter[8];
    struct vg_str value = w->value;
    if (w->kind == VG_WRITE_ADD) {
        const struct version *v = en->newest ? version_at(en, UINT64_MAX) : NULL;
        int64_t was = v ? vg_counter_read(vg_str_n(v->bytes, v->len)) : 0;
        vg_counter_write((int64_t)((uint64_t)was + (uint64_t)w->delta), counter);
        value = vg_str_n(counter, sizeof(counter));
    }
    struct version *v = vg_xalloc(sizeof(*v) + value.len);
    *v = (struct version) { .older = en->newest, .seq = seq, .len = value.len };
    v->is_gone = w->kind == VG_WRITE_DEL;
    if (value.len)
        memcpy(v->bytes, value.ptr, value.len);
    en->newest = v;
    if (m->snaps && !en->is_stale) {
        en->is_stale = true;
        en->next_stale = m->stale;
        m->stale = en;
    }
    entry_trim(m, en, oldest);
}

static vg_rc
mem_write(struct vg_engine *e, const struct vg_tree *writes, bool may_block, struct vg_err *err)
{
    (void)may_block;
    (void)err;
    struct mem *m = mem_of(e);
    pthread_rwlock_wrlock(&m->lock);
    uint64_t seq = m->seq + 1, oldest = oldest_snap(m);
    for (struct vg_node *n = vg_tree_at_or_after(writes, VG_STR("")); n; n = vg_tree_next(n))
        apply(m, VG_CONTAINER(n, struct vg_write, node), seq, oldest);
    m->seq = seq;
    pthread_rwlock_unlock(&m->lock);
    return VG_OK;
}

static vg_rc
mem_sync(struct vg_engine *e, struct vg_err *err)
{
    (void)e;
    (void)err;
    return VG_OK;
}

static uint64_t
mem_log_bytes(struct vg_engine *e)
{
    (void)e;
    return 0;
}

static const struct vg_engine_ops mem_ops = {
    .name = "mem",
    .close = mem_close,
    .latest = mem_latest,
    .get = mem_get,
    .iter_open = mem_iter_open,
    .iter_next = mem_iter_next,
    .iter_close = mem_iter_close,
    .snap_open = mem_snap_open,
    .snap_close = mem_snap_close,
    .write = mem_write,
    .sync = mem_sync,
    .log_bytes = mem_log_bytes,
    .flush = mem_sync,
};

vg_rc
vg_mem_open(struct vg_engine **ret, struct vg_err *err)
{
    (void)err;
    struct mem *m = vg_xalloc(sizeof(*m));
    m->base.ops = &mem_ops;
    pthread_rwlock_init(&m->lock, NULL);
    *ret = &m->base;
    return VG_OK;
}
