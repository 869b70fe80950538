/* SPDX-License-Identifier: Apache-2.0 */

/* Writing transactions: turns, own writes laid over what is there, one batch at commit. */

#include "base/arena.h"
#include "base/fault.h"
#include "base/limits.h"
#include "store/key.h"
#include "store/kv_int.h"

#include <errno.h>
#include <stdlib.h>

struct vg_tx {
    struct vg_sess *sess;
    struct vg_str *parts; /* as named */
    size_t n_parts;
    uint16_t turns[VG_TX_PARTS_MAX]; /* ascending, each once */
    size_t n_turns;
    uint32_t epoch;
    struct vg_tree writes; /* struct vg_write */
    struct hook *hooks, **last_hook;
    bool uses_reserve;
};

struct hook {
    struct hook *next;
    void (*fn)(void *arg);
    void *arg;
};

static int
cmp_u16(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

static int
cmp_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

vg_rc
vg_kv_begin(struct vg_sess *s, const struct vg_str *parts, size_t n_parts, struct vg_tx **ret,
            struct vg_err *err)
{
    VG_ASSERT(s->open == NULL); /* nothing waits inside a transaction, a second one neither */
    if (n_parts > VG_TX_PARTS_MAX)
        return vg_err_set(err, "a transaction over %zu partitions; %u at most", n_parts,
                          VG_TX_PARTS_MAX);
    struct vg_tx *tx = VG_NEW(s->arena, struct vg_tx);
    tx->sess = s;
    tx->last_hook = &tx->hooks;
    tx->parts = VG_NEW_ARRAY(s->arena, struct vg_str, n_parts);
    tx->n_parts = n_parts;
    for (size_t i = 0; i < n_parts; i++) {
        tx->parts[i] = vg_str_dup(s->arena, parts[i]);
        tx->turns[i] = vg_turn_of(parts[i]);
    }
    qsort(tx->turns, n_parts, sizeof(tx->turns[0]), cmp_u16);
    for (size_t i = 0; i < n_parts; i++)
        if (i == 0 || tx->turns[i] != tx->turns[i - 1])
            tx->turns[tx->n_turns++] = tx->turns[i];
    vg_turns_take(s->kv->turns, tx->turns, tx->n_turns);
    tx->epoch = s->kv->epoch;
    s->open = tx;
    *ret = tx;
    return VG_OK;
}

static void
end(struct vg_tx *tx)
{
    VG_ASSERT(tx->sess->open == tx);
    tx->sess->open = NULL;
    vg_turns_release(tx->sess->kv->turns, tx->turns, tx->n_turns);
}

void
vg_tx_abort(struct vg_tx *tx)
{
    if (tx)
        end(tx);
}

/* --- reads --------------------------------------------------------------------------------------
 */

/* What was read without a turn could change before the commit. */
static bool
is_named(const struct vg_tx *tx, struct vg_str part)
{
    bool may_be_beside = part.len > 0 && part.ptr[part.len - 1] == VG_KEY_BESIDE;
    for (size_t i = 0; i < tx->n_parts; i++) {
        if (vg_str_eq(tx->parts[i], part))
            return true;
        if (may_be_beside && vg_str_eq(tx->parts[i], vg_str_slice(part, 0, part.len - 1)))
            return true;
    }
    return false;
}

static struct vg_write *
own_write(const struct vg_tx *tx, struct vg_str whole)
{
    struct vg_node *n = vg_tree_find(&tx->writes, whole);
    return n ? VG_CONTAINER(n, struct vg_write, node) : NULL;
}

static struct vg_str
counter_plus(struct vg_arena *arena, struct vg_str was, int64_t delta)
{
    char *to = vg_arena_alloc(arena, 8);
    vg_counter_write((int64_t)((uint64_t)vg_counter_read(was) + (uint64_t)delta), to);
    return vg_str_n(to, 8);
}

vg_rc
vg_tx_get(struct vg_tx *tx, struct vg_str part, struct vg_str key, struct vg_str *ret,
          struct vg_err *err)
{
    struct vg_sess *s = tx->sess;
    VG_ASSERT(is_named(tx, part));
    const struct vg_write *w = own_write(tx, vg_kv_whole_key(s->arena, part, key));
    if (w && w->kind != VG_WRITE_ADD) {
        *ret = w->kind == VG_WRITE_DEL ? VG_STR_NONE : w->value;
        return VG_OK;
    }
    struct vg_str value;
    vg_rc rc = vg_kv_get(s, part, key, &value, err);
    if (rc == VG_OK)
        *ret = w ? counter_plus(s->arena, value, w->delta) : value;
    return rc;
}

vg_rc
vg_tx_scan(struct vg_tx *tx, struct vg_str part, const struct vg_range *range, struct vg_page *ret,
           struct vg_err *err)
{
    struct vg_sess *s = tx->sess;
    VG_ASSERT(is_named(tx, part));
    vg_rc rc = vg_kv_enter(s->kv, err);
    if (rc != VG_OK)
        return rc;
    rc = vg_kv_scan_page(s, &(struct vg_scan) { .part = part, .range = range, .own = &tx->writes },
                         ret, err);
    if (s->kv->setup.is_gated)
        vg_sess_see(s, vg_mark_seen(s->kv, vg_mark_of(part)));
    vg_kv_leave(s->kv);
    return rc;
}

/* --- writes -------------------------------------------------------------------------------------
 */

/* The transaction's one write of this key; new ones have kind 0. */
static struct vg_write *
write_of(struct vg_tx *tx, struct vg_str part, struct vg_str key)
{
    struct vg_sess *s = tx->sess;
    s->n_writes++;
    struct vg_str whole = vg_kv_whole_key(s->arena, part, key);
    struct vg_write *w = own_write(tx, whole);
    if (w)
        return w;
    w = VG_NEW(s->arena, struct vg_write);
    w->node.key = whole;
    w->part_len = part.len;
    vg_tree_insert(&tx->writes, &w->node);
    return w;
}

void
vg_tx_put(struct vg_tx *tx, struct vg_str part, struct vg_str key, struct vg_str value)
{
    struct vg_write *w = write_of(tx, part, key);
    w->kind = VG_WRITE_PUT;
    w->value = vg_str_n(vg_arena_copy(tx->sess->arena, value.ptr, value.len), value.len);
}

void
vg_tx_del(struct vg_tx *tx, struct vg_str part, struct vg_str key)
{
    struct vg_write *w = write_of(tx, part, key);
    w->kind = VG_WRITE_DEL;
    w->value = VG_STR_NONE;
}

void
vg_tx_add(struct vg_tx *tx, struct vg_str part, struct vg_str key, int64_t delta)
{
    struct vg_write *w = write_of(tx, part, key);
    if (w->kind == VG_WRITE_PUT || w->kind == VG_WRITE_DEL) {
        w->kind = VG_WRITE_PUT;
        w->value = counter_plus(tx->sess->arena, w->value, delta);
    } else {
        w->kind = VG_WRITE_ADD;
        w->delta = (int64_t)((uint64_t)w->delta + (uint64_t)delta);
    }
}

void
vg_tx_on_commit(struct vg_tx *tx, void (*fn)(void *arg), void *arg)
{
    struct hook *h = VG_NEW(tx->sess->arena, struct hook);
    *h = (struct hook) { .fn = fn, .arg = arg };
    *tx->last_hook = h;
    tx->last_hook = &h->next;
}

void
vg_tx_use_reserve(struct vg_tx *tx)
{
    tx->uses_reserve = true;
}

struct vg_sess *
vg_tx_sess(struct vg_tx *tx)
{
    return tx->sess;
}

/* --- commit -------------------------------------------------------------------------------------
 */

/* The marks of all keys and partitions written, each once. */
struct marks {
    uint32_t *ids;
    size_t len;
};

static struct marks
marks_of(struct vg_tx *tx)
{
    struct marks m = { .ids = VG_NEW_ARRAY(tx->sess->arena, uint32_t, tx->writes.len * 2) };
    size_t n = 0;
    struct vg_str last = VG_STR_NONE;
    for (struct vg_node *i = vg_tree_at_or_after(&tx->writes, VG_STR("")); i; i = vg_tree_next(i)) {
        const struct vg_write *w = VG_CONTAINER(i, struct vg_write, node);
        struct vg_str part = vg_str_slice(i->key, 0, w->part_len);
        m.ids[n++] = vg_mark_of(i->key);
        if (!vg_str_eq(part, last))
            m.ids[n++] = vg_mark_of(part);
        last = part;
    }
    qsort(m.ids, n, sizeof(m.ids[0]), cmp_u32);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || m.ids[i] != m.ids[i - 1])
            m.ids[m.len++] = m.ids[i];
    return m;
}

static uint64_t
bytes_of(const struct vg_tx *tx)
{
    uint64_t bytes = 0;
    for (struct vg_node *i = vg_tree_at_or_after(&tx->writes, VG_STR("")); i; i = vg_tree_next(i))
        bytes += i->key.len + VG_CONTAINER(i, struct vg_write, node)->value.len;
    return bytes;
}

struct write_job {
    struct vg_kv *kv;
    const struct vg_tree *writes;
    bool may_block;
    uint32_t epoch;
    vg_rc rc;
    uint64_t seq;
    struct vg_err err;
};

static void
write_batch(void *arg)
{
    struct write_job *job = arg;
    struct vg_kv *kv = job->kv;
    job->rc = vg_kv_enter(kv, &job->err);
    if (job->rc != VG_OK)
        return;
    if (kv->is_broken || job->epoch != kv->epoch) {
        job->rc = vg_err_errno(&job->err, ESTALE, "the store was closed by a disk error meanwhile");
        vg_kv_leave(kv);
        return;
    }
    (void)VG_FAULT("store.commit.before");
    job->rc = kv->ops->write(kv->engine, job->writes, job->may_block, &job->err);
    job->seq = vg_kv_latest(kv); /* after the write: not below it */
    (void)VG_FAULT("store.commit.after");
    vg_kv_leave(kv);
    if (job->rc == VG_FAIL)
        vg_gate_break(kv);
}

static vg_rc
write_all(struct vg_tx *tx, struct vg_err *err) VG_WAITS
{
    struct vg_sess *s = tx->sess;
    struct vg_kv *kv = s->kv;
    struct marks m = { 0 };
    vg_room_note(kv, bytes_of(tx));
    vg_rc rc = tx->uses_reserve ? vg_room_check_reserve(kv, err) : vg_kv_check_room(kv, err);
    if (rc != VG_OK)
        return rc;
    if (kv->setup.is_gated)
        m = marks_of(tx);
    for (size_t i = 0; i < m.len; i++)
        vg_mark_enter(kv, m.ids[i]);
    struct write_job job = { .kv = kv, .writes = &tx->writes, .epoch = tx->epoch };
    write_batch(&job);
    if (job.rc == VG_TIMEOUT) {
        job.may_block = true; /* the engine is behind: wait for it off the loop, turn in hand */
        if (vg_fiber_self())
            vg_offload(write_batch, &job); /* lint: waits: this is the commit */
        else
            write_batch(&job);
    }
    for (size_t i = 0; i < m.len; i++)
        vg_mark_leave(kv, m.ids[i], job.seq);
    if (job.rc != VG_OK) {
        *err = job.err;
        return job.rc;
    }
    vg_sess_see(s, job.seq);
    s->commit_seq = job.seq;
    vg_gate_note_commit(kv);
    return VG_OK;
}

vg_rc
vg_tx_commit(struct vg_tx **ptx, struct vg_err *err)
{
    struct vg_tx *tx = *ptx;
    *ptx = NULL;
    vg_rc rc = VG_OK;
    if (tx->writes.len > 0)
        rc = write_all(tx, err);
    end(tx);
    for (struct hook *h = tx->hooks; h && rc == VG_OK; h = h->next)
        h->fn(h->arg);
    return rc;
}
