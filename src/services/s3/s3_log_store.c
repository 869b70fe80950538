/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The keys of lines that wait to be delivered.
 *
 *   partition               key
 *   (s3, "l", bucket id)    (order)     record.log_line
 *
 * Their timer lies beside them.  Lines are written blindly, so that requests to one bucket do not
 * wait for each other.  In exchange there must be a timer whenever there is a line, which `armed`
 * answers from memory:
 *
 * - It is set in the turn of the partition only, when there is a timer, and so it is unset.
 * - Who writes blindly looks at it before, and again after his commit.  If it is unset by then, the
 *   delivery may have looked for lines before his came: he takes the turn and sees to the timer.
 * - The delivery unsets it first and looks for lines then.
 *
 * A kill between the commit and the second look leaves a line to the bucket's next one.
 */

#include "services/s3/s3_log.h"

#include "codec/json.h"
#include "core/env.h"
#include "events/events.h"
#include "services/s3/s3_state.h"
#include "store/bound.h"
#include "store/key.h"
#include "wire/wire.h"

#include <pthread.h>
#include <stdlib.h>

#define TIMER         VG_STR("logs")
#define WAIT_MS       (5 * 60 * 1000) /* virtual, from the first line on */
#define BATCH_LINES   5000u
#define BATCH_BYTES   (1u << 20) /* so much is delivered at once, whatever the time */
#define SLOTS         256u
#define ID_MAX_BYTES  40u /* a UUID has 36 */
#define PAYLOAD_BYTES (1u << 20)

/* One bucket whose timer is known to be there; another one may take its place at any time. */
struct slot {
    bool is_armed;
    uint32_t epoch; /* of the store */
    size_t id_len;
    char id[ID_MAX_BYTES];
    size_t bytes; /* written since it is armed */
};

struct s3_logs {
    const struct vg_kv *kv;
    struct vg_bounds *bounds;
    _Atomic int n_writing; /* blind writers between their order and their commit */
    pthread_mutex_t lock;  /* guards slots */
    struct slot slots[SLOTS];
};

struct s3_logs *
s3_logs_new(const struct vg_kv *kv)
{
    struct s3_logs *logs = vg_xalloc(sizeof(*logs));
    logs->kv = kv;
    logs->bounds = vg_bounds_new(kv);
    pthread_mutex_init(&logs->lock, NULL);
    return logs;
}

void
s3_logs_free(struct s3_logs *logs)
{
    if (logs == NULL)
        return;
    vg_bounds_free(logs->bounds);
    pthread_mutex_destroy(&logs->lock);
    free(logs);
}

struct vg_str
s3_logs_part(struct vg_arena *arena, struct vg_str bucket_id)
{
    return vg_key_of(arena, VG_STR("s3"), VG_STR("l"), bucket_id);
}

static struct s3_logs *
logs_of(const struct vg_req *rq)
{
    const struct s3 *s3 = rq->svc;
    return s3->logs;
}

/* --- what is armed ------------------------------------------------------------------------------
 */

enum look { UNARMED, ARMED, FULL };

static struct slot *
slot_of(struct s3_logs *logs, struct vg_str id)
{
    return &logs->slots[vg_str_hash(id) % SLOTS];
}

/* `bytes` more are to be written. FULL: so many wait that they are to be delivered now; once. */
static enum look
look(struct s3_logs *logs, struct vg_str id, size_t bytes)
{
    struct slot *s = slot_of(logs, id);
    enum look is = UNARMED;
    pthread_mutex_lock(&logs->lock);
    if (s->is_armed && s->epoch == vg_kv_epoch(logs->kv)
        && vg_str_eq(vg_str_n(s->id, s->id_len), id)) {
        s->bytes += bytes;
        is = s->bytes < BATCH_BYTES ? ARMED : FULL;
        if (is == FULL)
            s->bytes = 0;
    }
    pthread_mutex_unlock(&logs->lock);
    return is;
}

/* In the turn of the bucket's lines; `epoch` was the store's before it was taken. */
static void
set_armed(struct s3_logs *logs, struct vg_str id, uint32_t epoch, size_t bytes)
{
    struct slot *s = slot_of(logs, id);
    if (id.len > ID_MAX_BYTES)
        return;
    pthread_mutex_lock(&logs->lock);
    *s = (struct slot) { .is_armed = true, .epoch = epoch, .id_len = id.len, .bytes = bytes };
    memcpy(s->id, id.ptr, id.len);
    pthread_mutex_unlock(&logs->lock);
}

static void
unset_armed(struct s3_logs *logs, struct vg_str id)
{
    struct slot *s = slot_of(logs, id);
    pthread_mutex_lock(&logs->lock);
    s->is_armed = false; /* another's too: it is looked up again */
    pthread_mutex_unlock(&logs->lock);
}

/* --- the timer ----------------------------------------------------------------------------------
 */

static struct vg_str
payload_of(struct vg_req *rq, const struct s3_deliver_logs_input *in)
{
    struct vg_buf b;
    struct vg_json_out w;
    vg_buf_init(&b, rq->arena, PAYLOAD_BYTES);
    vg_jsonw_init(&w, &b);
    vg_jsonw_object(&w);
    vg_jsonw_kv(&w, VG_STR("Account"), in->account);
    vg_jsonw_kv(&w, VG_STR("Region"), in->region);
    vg_jsonw_kv(&w, VG_STR("Bucket"), in->bucket);
    vg_jsonw_kv(&w, VG_STR("BucketId"), in->bucket_id);
    if (in->config.ptr)
        vg_jsonw_kv(&w, VG_STR("Config"), in->config);
    vg_jsonw_object_end(&w);
    return vg_buf_str(&b);
}

static vg_rc
put_timer(struct vg_req *rq, struct vg_tx *tx, const struct s3_deliver_logs_input *in,
          int64_t due_ms)
{
    const struct vg_timer timer = { .part = s3_logs_part(rq->arena, in->bucket_id),
                                    .id = TIMER,
                                    .op = VG_STR("s3/_DeliverLogs"),
                                    .payload = payload_of(rq, in),
                                    .due_ms = due_ms };
    return vg_timer_put(rq->env->events, tx, &timer, rq->err);
}

/* The timer keeps the configuration: who turns logging off or deletes the bucket gets what was
 * logged until then. */
static vg_rc
arm(struct vg_req *rq, struct vg_tx *tx, const struct s3_rec_bucket *bucket, int64_t due_ms)
{
    void *conf;
    int64_t was_ms;
    struct s3_deliver_logs_input in = { .account = bucket->account,
                                        .region = bucket->region,
                                        .bucket = bucket->name,
                                        .bucket_id = bucket->id };
    vg_rc rc = vg_timer_due(rq->env->events, tx, s3_logs_part(rq->arena, bucket->id), TIMER,
                            &was_ms, rq->err);
    if (rc != VG_OK || was_ms <= due_ms)
        return rc;
    rc = s3_store_config(rq, bucket, S3_CONFIG_LOGGING, &s3_shape_logging_enabled, &conf);
    if (rc == VG_OK && conf) {
        struct vg_buf b;
        vg_buf_init(&b, rq->arena, PAYLOAD_BYTES / 4);
        vg_wire_to_json(&s3_shape_logging_enabled, conf, &b);
        in.config = vg_buf_str(&b);
    }
    return rc == VG_OK ? put_timer(rq, tx, &in, due_ms) : rc;
}

/* --- lines --------------------------------------------------------------------------------------
 */

/* What is to be written. */
struct lines {
    const struct s3_rec_bucket *bucket;
    int64_t at_ms;
    const struct vg_str *items;
    size_t len, bytes;
};

static void
put_lines(struct vg_req *rq, struct vg_tx *tx, const struct lines *l)
{
    struct vg_str part = s3_logs_part(rq->arena, l->bucket->id);
    for (size_t i = 0; i < l->len; i++) {
        const struct s3_rec_log_line rec = { .at_ms = l->at_ms, .text = l->items[i] };
        struct vg_key k;
        struct vg_buf b;
        vg_key_init(&k, rq->arena);
        vg_key_i64(&k, s3_next_order(rq));
        vg_buf_init(&b, rq->arena, l->items[i].len + 64);
        s3_rec_log_line_encode(&rec, &b);
        vg_tx_put(tx, part, vg_key_done(&k), vg_buf_str(&b));
    }
}

static vg_rc VG_WAITS
add_blindly(struct vg_req *rq, const struct lines *l)
{
    struct s3_logs *logs = logs_of(rq);
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = vg_tx_open_n(rq, NULL, 0, &tx);
    if (rc != VG_OK)
        return rc;
    atomic_fetch_add(&logs->n_writing, 1);
    put_lines(rq, tx, l);
    rc = vg_tx_commit(&tx, rq->err);
    atomic_fetch_sub(&logs->n_writing, 1);
    return rc;
}

/* With a timer that is due then, or was due before. */
static vg_rc VG_WAITS
add_in_turn(struct vg_req *rq, const struct lines *l, int64_t due_ms)
{
    struct s3_logs *logs = logs_of(rq);
    vg_auto_tx struct vg_tx *tx = NULL;
    uint32_t epoch = vg_kv_epoch(rq->env->kv);
    vg_rc rc = vg_tx_open(rq, s3_logs_part(rq->arena, l->bucket->id), &tx);
    if (rc == VG_OK)
        rc = arm(rq, tx, l->bucket, due_ms);
    if (rc != VG_OK)
        return rc;
    put_lines(rq, tx, l);
    set_armed(logs, l->bucket->id, epoch, l->bytes);
    rc = vg_tx_commit(&tx, rq->err);
    if (rc != VG_OK)
        unset_armed(logs, l->bucket->id);
    return rc;
}

vg_rc
s3_store_add_logs(struct vg_req *rq, const struct s3_rec_bucket *bucket, int64_t at_ms,
                  const struct vg_str *lines, size_t n)
{
    struct s3_logs *logs = logs_of(rq);
    struct lines l = { .bucket = bucket, .at_ms = at_ms, .items = lines, .len = n };
    int64_t now_ms = vg_now_ms(rq->env);
    for (size_t i = 0; i < n; i++)
        l.bytes += lines[i].len;
    switch (look(logs, bucket->id, l.bytes)) {
    case UNARMED:
        return add_in_turn(rq, &l, now_ms + WAIT_MS);
    case FULL:
        return add_in_turn(rq, &l, now_ms);
    case ARMED:
        break;
    }
    vg_rc rc = add_blindly(rq, &l);
    if (rc != VG_OK || look(logs, bucket->id, 0) != UNARMED)
        return rc;
    l.len = l.bytes = 0;
    return add_in_turn(rq, &l, now_ms + WAIT_MS);
}

/* --- delivery -----------------------------------------------------------------------------------
 */

vg_rc
s3_store_logs(struct vg_req *rq, struct vg_str bucket_id, struct s3_log_batch *ret)
{
    struct s3_logs *logs = logs_of(rq);
    struct vg_str part = s3_logs_part(rq->arena, bucket_id);
    const struct vg_range range = { .from = vg_bound_get(logs->bounds, rq->arena, part),
                                    .max = BATCH_LINES,
                                    .max_bytes = BATCH_BYTES };
    struct vg_page page;
    *ret = (struct s3_log_batch) { .epoch = vg_kv_epoch(rq->env->kv) };
    vg_rc rc = vg_kv_scan(rq->sess, part, &range, &page, rq->err);
    if (rc != VG_OK)
        return rc;
    ret->items = VG_NEW_ARRAY(rq->arena, struct s3_rec_log_line, page.len + 1);
    ret->keys = VG_NEW_ARRAY(rq->arena, struct vg_str, page.len + 1);
    ret->has_more = page.has_more;
    for (; rc == VG_OK && ret->len < page.len; ret->len++) {
        const struct vg_row *row = &page.rows[ret->len];
        ret->keys[ret->len] = row->key;
        rc = s3_rec_log_line_decode(rq->arena, row->value, &ret->items[ret->len], rq->err);
    }
    return rc;
}

/*
 * The bound is raised to the first key that goes.  What is written blindly after the timer was
 * unarmed has a higher one, because orders only grow; what was being written then may have a lower
 * one, so the bound stays where it is.
 */
vg_rc
s3_store_end_logs(struct vg_req *rq, struct vg_tx *tx, const struct s3_deliver_logs_input *in,
                  const struct s3_log_batch *batch, bool is_more)
{
    struct s3_logs *logs = logs_of(rq);
    struct vg_str part = s3_logs_part(rq->arena, in->bucket_id);
    const struct vg_range range = { .from = vg_bound_get(logs->bounds, rq->arena, part), .max = 1 };
    struct vg_page left;
    int64_t now_ms = vg_now_ms(rq->env);
    unset_armed(logs, in->bucket_id);
    bool is_quiet = atomic_load(&logs->n_writing) == 0;
    for (size_t i = 0; i < batch->len; i++)
        vg_tx_del(tx, part, batch->keys[i]);
    vg_rc rc = vg_tx_scan(tx, part, &range, &left, rq->err);
    if (rc == VG_OK && left.len > 0)
        rc = put_timer(rq, tx, in, is_more ? now_ms : now_ms + WAIT_MS);
    else if (rc == VG_OK)
        rc = vg_timer_del(rq->env->events, tx, part, TIMER, rq->err);
    if (rc == VG_OK && is_quiet && batch->len > 0)
        vg_bound_raise(logs->bounds, part, left.len > 0 ? left.rows[0].key : VG_STR_NONE,
                       batch->keys[0], batch->epoch);
    return rc;
}
