/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The keys of notices that wait to be handed over.
 *
 *   partition               key
 *   (s3, "e", bucket id)    (order)     record.notice
 *
 * They change only in the turn of the bucket's objects, beside which their timer lies: who adds one
 * sees whether there is a timer, and who has handed the last one over takes it away in that turn.
 */

#include "services/s3/s3_notify.h"

#include "codec/json.h"
#include "core/env.h"
#include "events/events.h"
#include "services/s3/s3_state.h"
#include "services/s3/s3_store_int.h"
#include "store/bound.h"
#include "store/key.h"

#define TIMER VG_STR("notify")

static struct vg_str
notices_part(struct vg_arena *arena, struct vg_str bucket_id)
{
    return vg_key_of(arena, VG_STR("s3"), VG_STR("e"), bucket_id);
}

static struct vg_str
notice_key(struct vg_arena *arena, int64_t order)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_i64(&k, order);
    return vg_key_done(&k);
}

static vg_rc
plan(struct vg_req *rq, struct vg_tx *tx, const struct s3_plan *of)
{
    struct s3_plan p = *of;
    p.partition = s3_objects_part(rq->arena, of->bucket_id);
    p.id = TIMER;
    p.op = VG_STR("s3/_DeliverEvents");
    return s3_plan(rq, tx, &p);
}

vg_rc
s3_store_add_notice(struct s3_object_edit *e, int64_t order, const struct s3_rec_notice *n)
{
    struct vg_req *rq = e->rq;
    struct s3 *s3 = rq->svc;
    struct vg_str part = notices_part(rq->arena, e->bucket->id);
    struct vg_str key = notice_key(rq->arena, order);
    struct vg_buf b;
    int64_t due_ms;
    vg_buf_init(&b, rq->arena, 1u << 20);
    s3_rec_notice_encode(n, &b);
    vg_bound_lower(s3->notices, part, key);
    vg_tx_put(e->tx, part, key, vg_buf_str(&b));
    vg_rc rc = vg_timer_due(rq->env->events, e->tx, e->part, TIMER, &due_ms, rq->err);
    if (rc != VG_OK || due_ms != INT64_MAX)
        return rc;
    const struct s3_plan p = { .account = e->bucket->account,
                               .region = e->bucket->region,
                               .bucket = e->bucket->name,
                               .bucket_id = e->bucket->id };
    return plan(rq, e->tx, &p);
}

vg_rc
s3_store_notices(struct vg_req *rq, struct vg_str bucket_id, uint32_t max, struct s3_notices *ret)
{
    struct s3 *s3 = rq->svc;
    struct vg_str part = notices_part(rq->arena, bucket_id);
    struct vg_range range = { .from = vg_bound_get(s3->notices, rq->arena, part), .max = max };
    struct vg_page page;
    vg_rc rc = vg_kv_scan(rq->sess, part, &range, &page, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret =
        (struct s3_notices) { .items = VG_NEW_ARRAY(rq->arena, struct s3_rec_notice, page.len + 1),
                              .orders = VG_NEW_ARRAY(rq->arena, int64_t, page.len + 1),
                              .len = page.len };
    for (size_t i = 0; rc == VG_OK && i < page.len; i++) {
        struct vg_str key = page.rows[i].key;
        if (!vg_key_take_i64(&key, &ret->orders[i]))
            return vg_err_set(rq->err, "a key of a notice is malformed");
        rc = s3_rec_notice_decode(rq->arena, page.rows[i].value, &ret->items[i], rq->err);
    }
    return rc;
}

/* The timer goes with the last notice; else it runs again. */
static vg_rc
plan_rest(struct vg_req *rq, struct vg_tx *tx, const struct s3_deliver_events_input *in,
          bool is_left)
{
    const struct s3_plan p = { .account = in->account,
                               .region = in->region,
                               .bucket = in->bucket,
                               .bucket_id = in->bucket_id };
    return is_left ? plan(rq, tx, &p)
                   : vg_timer_del(rq->env->events, tx, s3_objects_part(rq->arena, in->bucket_id),
                                  TIMER, rq->err);
}

vg_rc
s3_store_end_notices(struct vg_req *rq, const struct s3_deliver_events_input *in,
                     const struct s3_notices *all, size_t n, bool is_over)
{
    struct s3 *s3 = rq->svc;
    const struct vg_str parts[] = { s3_objects_part(rq->arena, in->bucket_id),
                                    notices_part(rq->arena, in->bucket_id) };
    struct vg_range range = { .from = vg_bound_get(s3->notices, rq->arena, parts[1]), .max = 1 };
    struct vg_page left = { .len = 0 };
    uint32_t epoch = vg_kv_epoch(rq->env->kv);
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = vg_tx_open_n(rq, parts, VG_COUNT(parts), &tx);
    for (size_t i = 0; rc == VG_OK && i < n; i++)
        vg_tx_del(tx, parts[1], notice_key(rq->arena, all->orders[i]));
    if (rc == VG_OK)
        rc = vg_tx_scan(tx, parts[1], &range, &left, rq->err);
    if (rc == VG_OK && is_over)
        rc = plan_rest(rq, tx, in, left.len > 0);
    if (rc != VG_OK)
        return rc;
    vg_bound_raise(s3->notices, parts[1], left.len ? left.rows[0].key : VG_STR_NONE,
                   n ? notice_key(rq->arena, all->orders[0]) : VG_STR_NONE, epoch);
    return vg_tx_commit(&tx, rq->err);
}
