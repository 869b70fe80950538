/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only file that knows Lambda's keys.
 *
 *   partition (lambda, account, region)
 *     (fn, name)            the function: record of $LATEST
 *     (ver, name, number)   a published version
 *   partition (lambda, queue)
 *     (due_ms, id)          an asynchronous invocation
 */
#include "services/lambda/lambda_int.h"
#include "store/key.h"

struct vg_str
lambda_store_part(struct vg_arena *arena, struct vg_str account, struct vg_str region)
{
    return vg_key_of(arena, VG_STR("lambda"), account, region);
}

static struct vg_str
part_of(struct vg_req *rq)
{
    return lambda_store_part(rq->arena, rq->scope->owner, rq->scope->region);
}

static struct vg_str
version_key(struct vg_arena *arena, struct vg_str name, int64_t number)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_str(&k, VG_STR("ver"));
    vg_key_str(&k, name);
    vg_key_i64(&k, number);
    return vg_key_done(&k);
}

static struct vg_str
key_of(struct vg_arena *arena, struct vg_str name, struct vg_str version)
{
    int64_t number = 0;
    if (!version.ptr || vg_str_eq(version, LAMBDA_LATEST) || !vg_str_to_i64(version, &number))
        return vg_key_of(arena, VG_STR("fn"), name);
    return version_key(arena, name, number);
}

static vg_rc
decode(struct vg_req *rq, struct vg_str bytes, struct lambda_rec_function *ret)
{
    *ret = (struct lambda_rec_function) { .name = VG_STR_NONE };
    return bytes.ptr ? lambda_rec_function_decode(rq->arena, bytes, ret, rq->err) : VG_OK;
}

vg_rc
lambda_store_get(struct vg_req *rq, struct vg_str name, struct vg_str version,
                 struct lambda_rec_function *ret)
{
    struct vg_str bytes;
    vg_rc rc = vg_kv_get(rq->sess, part_of(rq), key_of(rq->arena, name, version), &bytes, rq->err);
    return rc == VG_OK ? decode(rq, bytes, ret) : rc;
}

vg_rc
lambda_store_tx_get(struct vg_req *rq, struct vg_tx *tx, struct vg_str name, struct vg_str version,
                    struct lambda_rec_function *ret)
{
    struct vg_str bytes;
    vg_rc rc = vg_tx_get(tx, part_of(rq), key_of(rq->arena, name, version), &bytes, rq->err);
    return rc == VG_OK ? decode(rq, bytes, ret) : rc;
}

void
lambda_store_put(struct vg_req *rq, struct vg_tx *tx, const struct lambda_rec_function *fn)
{
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, 1u << 20);
    lambda_rec_function_encode(fn, &b);
    vg_tx_put(tx, part_of(rq), key_of(rq->arena, fn->name, fn->version), vg_buf_str(&b));
}

void
lambda_store_del(struct vg_req *rq, struct vg_tx *tx, struct vg_str name, struct vg_str version)
{
    vg_tx_del(tx, part_of(rq), key_of(rq->arena, name, version));
}

static vg_rc
scan(struct vg_req *rq, struct vg_range range, uint32_t max, struct lambda_rec_function **ret,
     size_t *ret_n, bool *ret_more)
{
    struct vg_page page;
    range.max = max;
    vg_rc rc = vg_kv_scan(rq->sess, part_of(rq), &range, &page, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret = VG_NEW_ARRAY(rq->arena, struct lambda_rec_function, page.len + 1);
    for (size_t i = 0; rc == VG_OK && i < page.len; i++)
        rc = decode(rq, page.rows[i].value, &(*ret)[i]);
    *ret_n = page.len;
    *ret_more = page.has_more;
    return rc;
}

/* The first key that is after `key` and is not below it. */
static struct vg_str
just_after(struct vg_arena *arena, struct vg_str key)
{
    return vg_key_range(arena, key).to;
}

vg_rc
lambda_store_list(struct vg_req *rq, struct vg_str after, uint32_t max,
                  struct lambda_rec_function **ret, size_t *ret_n, bool *ret_more)
{
    struct vg_range range = vg_key_range(rq->arena, vg_key_of(rq->arena, VG_STR("fn")));
    if (after.ptr)
        range.from = just_after(rq->arena, vg_key_of(rq->arena, VG_STR("fn"), after));
    return scan(rq, range, max, ret, ret_n, ret_more);
}

vg_rc
lambda_store_versions(struct vg_req *rq, struct vg_str name, int64_t after, uint32_t max,
                      struct lambda_rec_function **ret, size_t *ret_n, bool *ret_more)
{
    struct vg_range range = vg_key_range(rq->arena, vg_key_of(rq->arena, VG_STR("ver"), name));
    if (after > 0)
        range.from = version_key(rq->arena, name, after + 1);
    return scan(rq, range, max, ret, ret_n, ret_more);
}

vg_rc
lambda_store_tx_all(struct vg_req *rq, struct vg_tx *tx, struct vg_str name,
                    struct lambda_rec_function **ret, size_t *ret_n)
{
    VG_VEC(struct lambda_rec_function) all = { 0 };
    struct vg_range range = vg_key_range(rq->arena, vg_key_of(rq->arena, VG_STR("ver"), name));
    struct vg_page page = { .has_more = true };
    vg_rc rc = VG_OK;
    while (rc == VG_OK && page.has_more) {
        rc = vg_tx_scan(tx, part_of(rq), &range, &page, rq->err);
        for (size_t i = 0; rc == VG_OK && i < page.len; i++)
            rc = decode(rq, page.rows[i].value, VG_VEC_ADD(rq->arena, &all));
        if (rc == VG_OK && page.has_more)
            range.from = just_after(rq->arena, page.rows[page.len - 1].key);
    }
    if (rc == VG_OK)
        rc = lambda_store_tx_get(rq, tx, name, LAMBDA_LATEST, VG_VEC_ADD(rq->arena, &all));
    if (rc == VG_OK && !all.items[all.len - 1].name.ptr)
        all.len--;
    *ret = all.items;
    *ret_n = all.len;
    return rc;
}

/* --- the asynchronous queue ---------------------------------------------------------------------
 */

static struct vg_str
queue_part(struct vg_arena *arena)
{
    return vg_key_of(arena, VG_STR("lambda"), VG_STR("queue"));
}

static struct vg_str
queue_key(struct vg_arena *arena, int64_t due_ms, struct vg_str id)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_i64(&k, due_ms);
    vg_key_str(&k, id);
    return vg_key_done(&k);
}

static void
put_event(struct vg_req *rq, struct vg_tx *tx, const struct lambda_rec_event *ev, int64_t due_ms)
{
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, 8u << 20);
    lambda_rec_event_encode(ev, &b);
    vg_tx_put(tx, queue_part(rq->arena), queue_key(rq->arena, due_ms, ev->id), vg_buf_str(&b));
}

vg_rc
lambda_store_enqueue(struct vg_req *rq, const struct lambda_rec_event *ev, int64_t due_ms)
{
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = vg_tx_open(rq, queue_part(rq->arena), &tx);
    if (rc != VG_OK)
        return rc;
    put_event(rq, tx, ev, due_ms);
    return vg_tx_commit(&tx, rq->err);
}

vg_rc
lambda_store_due(struct vg_req *rq, uint32_t max, struct lambda_due **ret, size_t *ret_n)
{
    struct vg_range range = { .max = max };
    struct vg_page page;
    vg_rc rc = vg_kv_scan(rq->sess, queue_part(rq->arena), &range, &page, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret = VG_NEW_ARRAY(rq->arena, struct lambda_due, page.len + 1);
    *ret_n = page.len;
    for (size_t i = 0; rc == VG_OK && i < page.len; i++) {
        struct vg_str key = page.rows[i].key;
        if (!vg_key_take_i64(&key, &(*ret)[i].due_ms))
            return vg_err_set(rq->err, "a key of Lambda's queue is malformed");
        rc = lambda_rec_event_decode(rq->arena, page.rows[i].value, &(*ret)[i].event, rq->err);
    }
    return rc;
}

vg_rc
lambda_store_requeue(struct vg_req *rq, const struct lambda_due *old, int64_t due_ms,
                     bool *ret_found)
{
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = vg_tx_open(rq, queue_part(rq->arena), &tx);
    struct vg_str key = queue_key(rq->arena, old->due_ms, old->event.id), bytes = VG_STR_NONE;
    if (rc == VG_OK)
        rc = vg_tx_get(tx, queue_part(rq->arena), key, &bytes, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret_found = bytes.ptr != NULL;
    if (!bytes.ptr)
        return VG_OK;
    vg_tx_del(tx, queue_part(rq->arena), key);
    if (due_ms >= 0)
        put_event(rq, tx, &old->event, due_ms);
    return vg_tx_commit(&tx, rq->err);
}
