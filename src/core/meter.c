/* SPDX-License-Identifier: Apache-2.0 */
#include "core/meter.h"

#include "base/arena.h"
#include "base/log.h"
#include "core/env.h"
#include "core/service.h"
#include "os/fiber.h"
#include "store/key.h"
#include "store/kv.h"

#include <stdlib.h>

#define FLUSH_MS     1000
#define RESOURCE_MAX 512  /* bytes of a name */
#define KEY_MAX      1024 /* bytes of a partition and a key together */
#define ROWS_MAX     16384 /* distinct counters between two flushes; more are folded into "(other)" */
#define HOUR_MS      (3600 * INT64_C(1000))
#define PAGE_ROWS    1000

/*
 * Partition: ("meter", account, region).  Key: (hour, service, metric, resource).  Blind adds only,
 * so no loop ever waits for another.
 */
struct row {
    uint64_t hash;
    char *part, *key; /* encoded tuples */
    size_t part_len, key_len;
    int64_t amount;
};

struct table {
    struct row *rows; /* open addressing */
    size_t len, cap;
};

struct vg_meter {
    const struct vg_env *env;
    struct table *tables; /* one a loop, touched by its thread only */
};

struct flusher {
    struct vg_meter *meter;
    struct table *table;
};

struct vg_meter *
vg_meter_new(const struct vg_env *env)
{
    struct vg_meter *m = vg_xalloc(sizeof(*m));
    m->env = env;
    m->tables = vg_xalloc(env->n_loops * sizeof(*m->tables));
    return m;
}

static void
table_clear(struct table *t)
{
    for (size_t i = 0; i < t->cap; i++) {
        free(t->rows[i].part);
        free(t->rows[i].key);
    }
    free(t->rows);
    *t = (struct table) { 0 };
}

void
vg_meter_free(struct vg_meter *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->env->n_loops; i++)
        table_clear(&m->tables[i]);
    free(m->tables);
    free(m);
}

static struct row *
find(struct table *t, uint64_t hash, struct vg_str part, struct vg_str key)
{
    size_t mask = t->cap - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct row *r = &t->rows[i];
        if (r->key == NULL)
            return r;
        if (r->hash == hash && vg_str_eq(vg_str_n(r->key, r->key_len), key)
            && vg_str_eq(vg_str_n(r->part, r->part_len), part))
            return r;
    }
}

static void
grow(struct table *t)
{
    struct table bigger = { .cap = t->cap ? t->cap * 2 : 64, .len = t->len };
    bigger.rows = vg_xalloc(bigger.cap * sizeof(*bigger.rows));
    for (size_t i = 0; i < t->cap; i++) {
        struct row *r = &t->rows[i];
        if (r->key)
            *find(&bigger, r->hash, vg_str_n(r->part, r->part_len), vg_str_n(r->key, r->key_len)) =
                *r;
    }
    free(t->rows);
    *t = bigger;
}

static char *
heap_copy(struct vg_str s)
{
    char *p = vg_xalloc(s.len);
    memcpy(p, s.ptr, s.len);
    return p;
}

/* Where a use is counted in this hour, in the caller's space; false: its names are too long. */
static bool
place_of(const struct vg_env *env, const struct vg_use *use, char *space, size_t n,
         struct vg_str *ret_part, struct vg_str *ret_key)
{
    struct vg_key k;
    k.buf = (struct vg_buf) { .ptr = space, .cap = n, .max = n };
    vg_key_str(&k, VG_STR("meter"));
    vg_key_str(&k, use->account);
    vg_key_str(&k, use->region);
    *ret_part = vg_key_done(&k);
    k.buf.ptr += ret_part->len;
    k.buf.cap = k.buf.max = n - ret_part->len;
    k.buf.len = 0;
    vg_key_i64(&k, vg_now_ms(env) / HOUR_MS * HOUR_MS);
    vg_key_str(&k, use->service);
    vg_key_str(&k, use->metric);
    vg_key_str(&k, use->resource.len <= RESOURCE_MAX ? use->resource : VG_STR("(long)"));
    *ret_key = vg_key_done(&k);
    return !k.buf.over;
}

static void
count(struct table *t, struct vg_str part, struct vg_str key, int64_t amount)
{
    if (t->len * 2 >= t->cap)
        grow(t);
    uint64_t hash = vg_str_hash(part) ^ vg_str_hash(key);
    struct row *r = find(t, hash, part, key);
    if (r->key == NULL) {
        *r = (struct row) { .hash = hash,
                            .part = heap_copy(part),
                            .part_len = part.len,
                            .key = heap_copy(key),
                            .key_len = key.len };
        t->len++;
    }
    r->amount += amount;
}

void
vg_meter_add(struct vg_meter *m, const struct vg_use *use)
{
    struct vg_loop *loop = vg_loop_self();
    VG_ASSERT(loop != NULL);
    struct table *t = &m->tables[vg_loop_index(loop)];
    char space[KEY_MAX];
    struct vg_str part, key;
    struct vg_use u = *use;
    if (t->len >= ROWS_MAX)
        u.resource = VG_STR("(other)");
    if (place_of(m->env, &u, space, sizeof(space), &part, &key))
        count(t, part, key, use->amount);
}

static struct vg_use
use_of(struct vg_req *rq, struct vg_str metric, struct vg_str resource, int64_t amount)
{
    return (struct vg_use) { .account = rq->scope->owner,
                             .region = rq->scope->region,
                             .service = rq->op->endpoint,
                             .metric = metric,
                             .resource = resource,
                             .amount = amount };
}

void
vg_meter_use(struct vg_req *rq, struct vg_str metric, struct vg_str resource, int64_t amount)
{
    const struct vg_use use = use_of(rq, metric, resource, amount);
    if (rq->env->meter)
        vg_meter_add(rq->env->meter, &use);
}

void
vg_meter_stored(struct vg_req *rq, struct vg_tx *tx, struct vg_str resource, int64_t bytes)
{
    char space[KEY_MAX];
    struct vg_str part, key;
    const struct vg_use use = use_of(rq, VG_METER_STORED, resource, bytes);
    if (rq->env->meter && bytes != 0 && place_of(rq->env, &use, space, sizeof(space), &part, &key))
        vg_tx_add(tx, part, key, bytes);
}

static void
flush(struct vg_meter *m, struct table *live)
{
    if (live->len == 0)
        return;
    struct table t = *live; /* counting goes on in an empty table while this one is written */
    *live = (struct table) { 0 };
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_sess sess;
    vg_sess_init(&sess, m->env->kv, arena);
    struct vg_err err = { 0 };
    struct vg_tx *tx = NULL;
    vg_rc rc = vg_kv_begin(&sess, NULL, 0, &tx, &err);
    for (size_t i = 0; rc == VG_OK && i < t.cap; i++) {
        struct row *r = &t.rows[i];
        if (r->key)
            vg_tx_add(tx, vg_str_n(r->part, r->part_len), vg_str_n(r->key, r->key_len), r->amount);
    }
    if (rc == VG_OK)
        rc = vg_tx_commit(&tx, &err);
    if (rc != VG_OK) {
        vg_log(VG_LOG_WARN, "meter.flush", { "error", vg_err_text(&err) });
        for (size_t i = 0; i < t.cap; i++) { /* counted again: a full disk loses nothing */
            struct row *r = &t.rows[i];
            if (r->key)
                count(live, vg_str_n(r->part, r->part_len), vg_str_n(r->key, r->key_len),
                      r->amount);
        }
    }
    table_clear(&t);
}

static void
flush_fiber(void *arg)
{
    struct flusher *f = arg;
    while (!vg_fiber_is_cancelled()) {
        vg_fiber_sleep(FLUSH_MS);
        flush(f->meter, f->table);
    }
    free(f);
}

void
vg_meter_start(struct vg_meter *m)
{
    for (size_t i = 0; i < m->env->n_loops; i++) {
        struct flusher *f = vg_xalloc(sizeof(*f));
        *f = (struct flusher) { .meter = m, .table = &m->tables[i] };
        vg_fiber_start(m->env->loops[i], flush_fiber, f);
    }
}

/* Takes one row apart; false: not a row of ours. */
static bool
row_of(struct vg_arena *arena, const struct vg_row *from, struct vg_meter_row *to)
{
    struct vg_str key = from->key;
    to->use.amount = vg_kv_counter(from->value);
    return vg_key_take_i64(&key, &to->hour_ms) && vg_key_take_str(arena, &key, &to->use.service)
           && vg_key_take_str(arena, &key, &to->use.metric)
           && vg_key_take_str(arena, &key, &to->use.resource);
}

vg_rc
vg_meter_read(struct vg_sess *sess, struct vg_str account, struct vg_str region, int64_t from_ms,
              int64_t to_ms, struct vg_str *cursor, struct vg_meter_row **ret_rows, size_t *ret_n,
              struct vg_err *err)
{
    struct vg_key from, to;
    vg_key_init(&from, sess->arena);
    vg_key_i64(&from, from_ms);
    vg_key_init(&to, sess->arena);
    vg_key_i64(&to, to_ms);
    struct vg_range range = { .from = cursor->ptr ? *cursor : vg_key_done(&from),
                              .to = vg_key_done(&to),
                              .max = PAGE_ROWS };
    struct vg_page page;
    struct vg_str part = vg_key_of(sess->arena, VG_STR("meter"), account, region);
    vg_rc rc = vg_kv_scan(sess, part, &range, &page, err);
    if (rc != VG_OK)
        return rc;
    struct vg_meter_row *rows = VG_NEW_ARRAY(sess->arena, struct vg_meter_row, page.len);
    size_t n = 0;
    for (size_t i = 0; i < page.len; i++) {
        rows[n].use.account = account;
        rows[n].use.region = region;
        if (row_of(sess->arena, &page.rows[i], &rows[n]))
            n++;
    }
    /* The smallest key after the last one given: itself with a zero byte behind it. */
    *cursor = page.has_more ? vg_str_cat(sess->arena, page.rows[page.len - 1].key, vg_str_n("", 1))
                            : VG_STR_NONE;
    *ret_rows = rows;
    *ret_n = n;
    return VG_OK;
}
