/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Timers as they are stored (docs/internals/store.md, "Timers"): beside their partition a record by
 * id and a key by due time, and in one of 64 index partitions a pointer to the partition's
 * earliest.
 */

#include "base/arena.h"
#include "base/limits.h"
#include "events/events_int.h"
#include "store/key.h"

#define RECORD_MAX_BYTES (16u << 20)

static struct vg_str
timer_key(struct vg_arena *arena, struct vg_str id)
{
    return vg_key_of(arena, VG_STR("timer"), id);
}

struct vg_str
ev_due_key(struct vg_arena *arena, int64_t due_ms, struct vg_str id)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_str(&k, VG_STR("due"));
    vg_key_i64(&k, due_ms);
    vg_key_str(&k, id);
    return vg_key_done(&k);
}

unsigned
ev_group_of(struct vg_str part)
{
    return (unsigned)(vg_str_hash(part) >> 40) % EV_GROUPS;
}

struct vg_str
ev_group_part(struct vg_arena *arena, unsigned group)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_str(&k, VG_STR("events"));
    vg_key_i64(&k, (int64_t)group);
    return vg_key_done(&k);
}

struct vg_str
ev_pointer_key(struct vg_arena *arena, int64_t due_ms, struct vg_str part)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_i64(&k, due_ms);
    vg_key_str(&k, part);
    return vg_key_done(&k);
}

bool
ev_pointer_read(struct vg_arena *arena, struct vg_str key, struct ev_pointer *ret)
{
    return vg_key_take_i64(&key, &ret->due_ms) && vg_key_take_str(arena, &key, &ret->part)
           && key.len == 0;
}

vg_rc
ev_head_read(struct vg_events *ev, struct vg_sess *s, struct vg_tx *tx, struct vg_str part,
             struct ev_head *ret, struct vg_err *err)
{
    struct vg_str beside = vg_key_beside(s->arena, part);
    struct vg_range r = vg_key_range(s->arena, vg_key_of(s->arena, VG_STR("due")));
    struct vg_str bound = vg_bound_get(ev->bounds, s->arena, part);
    if (bound.ptr)
        r.from = bound;
    r.max = 1;
    struct vg_page page;
    vg_rc rc = tx ? vg_tx_scan(tx, beside, &r, &page, err) : vg_kv_scan(s, beside, &r, &page, err);
    if (rc != VG_OK)
        return rc;
    *ret = (struct ev_head) { .due_ms = EV_NEVER };
    if (page.len == 0)
        return VG_OK;
    struct vg_str key = page.rows[0].key, kind;
    if (!vg_key_take_str(s->arena, &key, &kind) || !vg_key_take_i64(&key, &ret->due_ms)
        || !vg_key_take_str(s->arena, &key, &ret->id))
        return vg_err_set(err, "a timer's key is malformed");
    return VG_OK;
}

vg_rc
ev_timer_read(struct vg_sess *s, struct vg_tx *tx, struct vg_str part, struct vg_str id,
              struct events_rec_timer *ret, bool *ret_is_there, struct vg_err *err)
{
    struct vg_str beside = vg_key_beside(s->arena, part), key = timer_key(s->arena, id), value;
    vg_rc rc =
        tx ? vg_tx_get(tx, beside, key, &value, err) : vg_kv_get(s, beside, key, &value, err);
    if (rc != VG_OK)
        return rc;
    *ret_is_there = value.ptr != NULL;
    if (value.ptr == NULL)
        return VG_OK;
    return vg_record_decode(&events_rec_timer__desc, s->arena, value, ret, err);
}

void
ev_timer_write(struct vg_events *ev, struct vg_tx *tx, struct vg_str part, struct vg_str id,
               const struct events_rec_timer *old, const struct events_rec_timer *rec)
{
    struct vg_arena *a = vg_tx_sess(tx)->arena;
    struct vg_str beside = vg_key_beside(a, part);
    if (old)
        vg_tx_del(tx, beside, ev_due_key(a, old->due_ms, id));
    if (rec == NULL) {
        vg_tx_del(tx, beside, timer_key(a, id));
        return;
    }
    struct vg_buf b;
    vg_buf_init(&b, a, RECORD_MAX_BYTES);
    vg_record_encode(&events_rec_timer__desc, rec, &b);
    vg_tx_put(tx, beside, timer_key(a, id), vg_buf_str(&b));
    struct vg_str due = ev_due_key(a, rec->due_ms, id);
    vg_bound_lower(ev->bounds, part, due);
    vg_tx_put(tx, beside, due, VG_STR(""));
}

vg_rc
ev_pointer_fix(struct vg_events *ev, struct vg_tx *tx, struct vg_str part, int64_t pointer_ms,
               struct ev_head *ret, struct vg_err *err)
{
    struct vg_sess *s = vg_tx_sess(tx);
    vg_rc rc = ev_head_read(ev, s, tx, part, ret, err);
    if (rc != VG_OK || ret->due_ms == pointer_ms)
        return rc;
    struct vg_str index = ev_group_part(s->arena, ev_group_of(part));
    vg_tx_del(tx, index, ev_pointer_key(s->arena, pointer_ms, part));
    if (ret->due_ms != EV_NEVER)
        vg_tx_put(tx, index, ev_pointer_key(s->arena, ret->due_ms, part), VG_STR(""));
    return VG_OK;
}

/* --- for services -------------------------------------------------------------------------------
 */

struct committed {
    struct vg_events *ev;
    unsigned group;
    int64_t due_ms;
};

static void
notify_committed(void *arg)
{
    const struct committed *c = arg;
    ev_notify(c->ev, c->group, c->due_ms);
}

vg_rc
vg_timer_put(struct vg_events *ev, struct vg_tx *tx, const struct vg_timer *t, struct vg_err *err)
{
    struct vg_sess *s = vg_tx_sess(tx);
    struct ev_head head;
    struct events_rec_timer old, rec = {
        .due_ms = t->due_ms,
        .op = t->op,
        .payload = t->payload,
        .max_attempts = t->max_attempts,
        .generation = atomic_fetch_add(&ev->generation, 1),
    };
    if (t->payload.len > RECORD_MAX_BYTES / 2)
        return vg_err_set(err, "a timer's payload of %zu bytes is too large", t->payload.len);
    bool is_there;
    vg_rc rc = ev_timer_read(s, tx, t->part, t->id, &old, &is_there, err);
    if (rc == VG_OK)
        rc = ev_head_read(ev, s, tx, t->part, &head, err);
    if (rc != VG_OK)
        return rc;
    ev_timer_write(ev, tx, t->part, t->id, is_there ? &old : NULL, &rec);
    /* An entry at or before the earliest exists: only an earlier one is missing. */
    if (head.due_ms <= t->due_ms)
        return VG_OK;
    unsigned group = ev_group_of(t->part);
    vg_tx_put(tx, ev_group_part(s->arena, group), ev_pointer_key(s->arena, t->due_ms, t->part),
              VG_STR(""));
    struct committed *c = VG_NEW(s->arena, struct committed);
    *c = (struct committed) { ev, group, t->due_ms };
    vg_tx_on_commit(tx, notify_committed, c);
    return VG_OK;
}

vg_rc
vg_timer_del(struct vg_events *ev, struct vg_tx *tx, struct vg_str part, struct vg_str id,
             struct vg_err *err)
{
    struct events_rec_timer old;
    bool is_there;
    vg_rc rc = ev_timer_read(vg_tx_sess(tx), tx, part, id, &old, &is_there, err);
    if (rc == VG_OK && is_there)
        ev_timer_write(ev, tx, part, id, &old, NULL); /* the sweeper finds the pointer stale */
    return rc;
}

vg_rc
vg_timer_due(struct vg_events *ev, struct vg_tx *tx, struct vg_str part, struct vg_str id,
             int64_t *ret_due_ms, struct vg_err *err)
{
    (void)ev;
    struct events_rec_timer rec;
    bool is_there;
    vg_rc rc = ev_timer_read(vg_tx_sess(tx), tx, part, id, &rec, &is_there, err);
    if (rc == VG_OK)
        *ret_due_ms = is_there ? rec.due_ms : EV_NEVER;
    return rc;
}
