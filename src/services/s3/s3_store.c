/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The keys of this service.
 *
 *   partition               key
 *   (s3, "b", name)         ("bucket")           record.bucket
 *                           ("cfg", kind)        a configuration, JSON of the model's structure
 *   (s3, "a", account)      (name)               record.bucket, written blindly
 *   (s3, "m", account)      ("master")           the account's master key
 *   (s3, "o", bucket id)    ("k", key)           record.version: the current one, unless a marker
 *                           ("v", key, -order)   record.version: each, once versioning was on
 *                           ("i", key, id)       order of a version that has a row
 *                           ("d", key, order)    content that has no file
 *
 * and those of uploads in parts (s3_upload_store.c), notices (s3_notice_store.c) and lines of
 * access logs (s3_log_store.c).
 *
 * A key that was written before versioning was on has no row among the versions until the next
 * change to it; lists of versions merge both ranges.
 */

#include "services/s3/s3_store_int.h"

#include "auth/cache.h"
#include "codec/json.h"
#include "core/env.h"
#include "core/kept_key.h"
#include "core/meter.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "services/s3/s3_log_note.h"
#include "services/s3/s3_object_rules.h"
#include "services/s3/s3_state.h"
#include "store/blob.h"
#include "store/key.h"
#include "wire/wire.h"

static const struct vg_str root = VG_STR_INIT("s3");

static struct vg_str
bucket_part(struct vg_arena *arena, struct vg_str name)
{
    return vg_key_of(arena, root, VG_STR("b"), name);
}

static struct vg_str
account_part(struct vg_arena *arena, struct vg_str account)
{
    return vg_key_of(arena, root, VG_STR("a"), account);
}

struct vg_str
s3_objects_part(struct vg_arena *arena, struct vg_str bucket_id)
{
    return vg_key_of(arena, root, VG_STR("o"), bucket_id);
}

struct vg_str
s3_parts_part(struct vg_arena *arena, struct vg_str bucket_id, struct vg_str upload_id)
{
    return vg_key_of(arena, root, VG_STR("p"), bucket_id, upload_id);
}

static struct vg_str
objects_part(struct vg_arena *arena, const struct s3_rec_bucket *bucket)
{
    return s3_objects_part(arena, bucket->id);
}

static struct vg_str
ordered_key(struct vg_arena *arena, struct vg_str kind, struct vg_str key, int64_t order)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_str(&k, kind);
    vg_key_str(&k, key);
    vg_key_i64(&k, order);
    return vg_key_done(&k);
}

static struct vg_str
version_key(struct vg_arena *arena, struct vg_str key, int64_t order)
{
    return ordered_key(arena, VG_STR("v"), key, -order);
}

static struct vg_str
small_key(struct vg_arena *arena, struct vg_str key, int64_t order)
{
    return ordered_key(arena, VG_STR("d"), key, order);
}

static vg_rc
decode_bucket(struct vg_req *rq, struct vg_str bytes, struct s3_rec_bucket **ret)
{
    *ret = NULL;
    if (bytes.ptr == NULL)
        return VG_OK;
    struct s3_rec_bucket *b = VG_NEW(rq->arena, struct s3_rec_bucket);
    vg_rc rc = s3_rec_bucket_decode(rq->arena, bytes, b, rq->err);
    if (rc == VG_OK)
        *ret = b;
    return rc;
}

static vg_rc
decode_version(struct vg_req *rq, struct vg_str bytes, struct s3_rec_version **ret)
{
    *ret = NULL;
    if (bytes.ptr == NULL)
        return VG_OK;
    struct s3_rec_version *v = VG_NEW(rq->arena, struct s3_rec_version);
    vg_rc rc = s3_rec_version_decode(rq->arena, bytes, v, rq->err);
    if (rc == VG_OK)
        *ret = v;
    return rc;
}

/* --- buckets ------------------------------------------------------------------------------------
 */

static vg_rc
get_bucket(struct vg_req *rq, struct vg_str name, struct vg_str *ret)
{
    return vg_kv_get(rq->sess, bucket_part(rq->arena, name), vg_key_of(rq->arena, VG_STR("bucket")),
                     ret, rq->err);
}

/* Changes with each change of any bucket, and when the store was opened again: auth/cache.h. */
static uint64_t
bucket_epoch(struct vg_req *rq)
{
    struct s3 *s3 = rq->svc;
    return ((uint64_t)vg_kv_epoch(rq->env->kv) << 40) + s3->bucket_epoch;
}

static void
raise_bucket_epoch(void *arg)
{
    struct s3 *s3 = arg;
    s3->bucket_epoch++;
}

/* Every request asks for its bucket, mostly more than once: its record is kept as it is stored. */
static vg_rc
find_bucket(struct vg_req *rq, struct vg_str name, struct s3_rec_bucket **ret)
{
    struct s3 *s3 = rq->svc;
    uint64_t epoch = bucket_epoch(rq);
    struct vg_str bytes;
    const struct vg_str *cached = vg_cache_get(s3->buckets, rq->sess, name, epoch);
    if (cached)
        return decode_bucket(rq, *cached, ret);
    vg_rc rc = get_bucket(rq, name, &bytes);
    if (rc != VG_OK || bytes.ptr == NULL) {
        *ret = NULL;
        return rc;
    }
    struct vg_arena *own = vg_arena_new(0);
    struct vg_str *kept = VG_NEW(own, struct vg_str);
    *kept = vg_str_dup(own, bytes);
    vg_cache_put(s3->buckets, rq->sess, name, epoch, own, kept, rq->sess->seen_seq);
    return decode_bucket(rq, bytes, ret);
}

vg_rc
s3_store_bucket(struct vg_req *rq, struct vg_str name, struct s3_rec_bucket **ret)
{
    vg_rc rc = find_bucket(rq, name, ret);
    if (rc == VG_OK)
        s3_log_saw(rq, name, *ret);
    return rc;
}

vg_rc
s3_store_buckets(struct vg_req *rq, struct vg_str account, struct vg_str prefix,
                 struct vg_str after, uint32_t max, struct s3_bucket_page *ret)
{
    struct vg_range range = { .max = max };
    struct vg_page page;
    if (after.ptr)
        range.from = vg_key_range(rq->arena, vg_key_of(rq->arena, after)).to;
    if (!after.ptr || vg_str_cmp(after, prefix) < 0)
        range.from = vg_key_of(rq->arena, prefix);
    vg_rc rc = vg_kv_scan(rq->sess, account_part(rq->arena, account), &range, &page, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret = (struct s3_bucket_page) { .items = VG_NEW_ARRAY(rq->arena, struct s3_rec_bucket *,
                                                           page.len + 1),
                                     .has_more = page.has_more };
    for (size_t i = 0; i < page.len; i++) {
        struct s3_rec_bucket *b;
        rc = decode_bucket(rq, page.rows[i].value, &b);
        if (rc != VG_OK)
            return rc;
        if (!vg_str_starts(b->name, prefix)) {
            ret->has_more = false;
            break;
        }
        ret->items[ret->len++] = b;
    }
    return VG_OK;
}

/* *ret_is_sure false: it became another bucket meanwhile. */
static vg_rc VG_WAITS
open_edit(struct vg_req *rq, struct vg_str name, struct s3_bucket_edit *ret, bool *ret_is_sure)
{
    struct s3_rec_bucket *found;
    struct vg_str bytes, parts[2] = { bucket_part(rq->arena, name) };
    *ret = (struct s3_bucket_edit) { .rq = rq, .part = parts[0] };
    vg_rc rc = s3_store_bucket(rq, name, &found);
    if (rc != VG_OK)
        return rc;
    if (found)
        parts[1] = objects_part(rq->arena, found);
    rc = vg_tx_open_n(rq, parts, found ? 2 : 1, &ret->tx);
    if (rc == VG_OK)
        rc = vg_tx_get(ret->tx, ret->part, vg_key_of(rq->arena, VG_STR("bucket")), &bytes, rq->err);
    if (rc == VG_OK)
        rc = decode_bucket(rq, bytes, &ret->bucket);
    *ret_is_sure =
        rc == VG_OK && (!ret->bucket || (found && vg_str_eq(found->id, ret->bucket->id)));
    return rc;
}

vg_rc
s3_store_edit(struct vg_req *rq, struct vg_str name, struct s3_bucket_edit *ret)
{
    bool is_sure = false;
    vg_rc rc = open_edit(rq, name, ret, &is_sure);
    while (rc == VG_OK && !is_sure) {
        s3_store_edit_end(ret);
        rc = open_edit(rq, name, ret, &is_sure);
    }
    return rc;
}

void
s3_store_put_bucket(struct s3_bucket_edit *e, const struct s3_rec_bucket *bucket)
{
    struct vg_arena *arena = e->rq->arena;
    struct vg_buf b;
    vg_buf_init(&b, arena, 64u << 10);
    s3_rec_bucket_encode(bucket, &b);
    vg_tx_put(e->tx, e->part, vg_key_of(arena, VG_STR("bucket")), vg_buf_str(&b));
    vg_tx_put(e->tx, account_part(arena, bucket->account), vg_key_of(arena, bucket->name),
              vg_buf_str(&b));
    vg_tx_on_commit(e->tx, raise_bucket_epoch, e->rq->svc);
}

/* Whether there is any object, version or marker: what is uploaded in parts is none yet. */
static vg_rc
is_empty(struct s3_bucket_edit *e, bool *ret)
{
    struct vg_req *rq = e->rq;
    struct vg_range uploads = s3_uploads_range(rq->arena);
    const struct vg_range beside[] = { { .to = uploads.from, .max = 1 },
                                       { .from = uploads.to, .max = 1 } };
    struct vg_page page = { .len = 0 };
    vg_rc rc = VG_OK;
    for (size_t i = 0; rc == VG_OK && page.len == 0 && i < VG_COUNT(beside); i++)
        rc = vg_tx_scan(e->tx, objects_part(rq->arena, e->bucket), &beside[i], &page, rq->err);
    *ret = rc == VG_OK && page.len == 0;
    return rc;
}

/* All of its rows: several pages where configurations are large. */
static vg_rc
del_rows(struct s3_bucket_edit *e)
{
    struct vg_page page = { .has_more = true };
    vg_rc rc = VG_OK;
    while (rc == VG_OK && page.has_more) {
        const struct vg_range all = { .max = 0 };
        rc = vg_tx_scan(e->tx, e->part, &all, &page, e->rq->err);
        for (size_t i = 0; rc == VG_OK && i < page.len; i++)
            vg_tx_del(e->tx, e->part, page.rows[i].key);
    }
    return rc;
}

vg_rc
s3_store_del_bucket(struct s3_bucket_edit *e, bool *ret_is_empty)
{
    struct vg_req *rq = e->rq;
    vg_rc rc = is_empty(e, ret_is_empty);
    if (*ret_is_empty)
        rc = s3_store_drop_uploads(e);
    if (rc == VG_OK && *ret_is_empty)
        rc = del_rows(e);
    if (rc == VG_OK && *ret_is_empty)
        vg_tx_del(e->tx, account_part(rq->arena, e->bucket->account),
                  vg_key_of(rq->arena, e->bucket->name));
    vg_tx_on_commit(e->tx, raise_bucket_epoch, rq->svc);
    return rc;
}

vg_rc
s3_store_edit_commit(struct s3_bucket_edit *e)
{
    return vg_tx_commit(&e->tx, e->rq->err);
}

void
s3_store_edit_end(struct s3_bucket_edit *e)
{
    vg_tx_abort(e->tx);
    e->tx = NULL;
}

/* --- configurations -----------------------------------------------------------------------------
 */

static struct vg_str
config_key(struct vg_arena *arena, struct vg_str kind)
{
    return vg_key_of(arena, VG_STR("cfg"), kind);
}

vg_rc
s3_store_config(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str kind,
                const struct vg_shape *shape, void **ret)
{
    struct vg_str json;
    *ret = NULL;
    vg_rc rc = vg_kv_get(rq->sess, bucket_part(rq->arena, bucket->name),
                         config_key(rq->arena, kind), &json, rq->err);
    if (rc != VG_OK || json.ptr == NULL)
        return rc;
    void *value = vg_arena_alloc(rq->arena, shape->size);
    rc = vg_wire_from_json(shape, json, rq->arena, value, rq->err);
    if (rc == VG_OK)
        *ret = value;
    return rc;
}

void
s3_store_put_config(struct s3_bucket_edit *e, struct vg_str kind, const struct vg_shape *shape,
                    const void *value)
{
    struct vg_buf b;
    vg_buf_init(&b, e->rq->arena, 4u << 20);
    vg_wire_to_json(shape, value, &b);
    vg_tx_put(e->tx, e->part, config_key(e->rq->arena, kind), vg_buf_str(&b));
}

void
s3_store_del_config(struct s3_bucket_edit *e, struct vg_str kind)
{
    vg_tx_del(e->tx, e->part, config_key(e->rq->arena, kind));
}

/* --- versions, read
 * -------------------------------------------------------------------------------
 */

vg_rc
s3_store_current(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                 struct s3_rec_version **ret)
{
    struct vg_str bytes;
    vg_rc rc = vg_kv_get(rq->sess, objects_part(rq->arena, bucket),
                         vg_key_of(rq->arena, VG_STR("k"), key), &bytes, rq->err);
    return rc == VG_OK ? decode_version(rq, bytes, ret) : rc;
}

/* The latest of the versions that have a row. */
static struct vg_range
latest_range(struct vg_arena *arena, struct vg_str key)
{
    struct vg_range range = vg_key_range(arena, vg_key_of(arena, VG_STR("v"), key));
    range.max = 1;
    return range;
}

static vg_rc
latest(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
       struct s3_rec_version **ret)
{
    struct vg_range range = latest_range(rq->arena, key);
    struct vg_page page;
    vg_rc rc = s3_store_current(rq, bucket, key, ret);
    if (rc != VG_OK || *ret || !bucket->versioning.ptr)
        return rc;
    rc = vg_kv_scan(rq->sess, objects_part(rq->arena, bucket), &range, &page, rq->err);
    return rc == VG_OK && page.len ? decode_version(rq, page.rows[0].value, ret) : rc;
}

vg_rc
s3_store_version(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                 struct vg_str id, struct s3_rec_version **ret)
{
    struct vg_str part = objects_part(rq->arena, bucket), bytes;
    int64_t order;
    vg_rc rc = latest(rq, bucket, key, ret);
    if (rc != VG_OK || !id.ptr || (*ret && vg_str_eq((*ret)->id, id)))
        return rc;
    *ret = NULL;
    rc = vg_kv_get(rq->sess, part, vg_key_of(rq->arena, VG_STR("i"), key, id), &bytes, rq->err);
    if (rc != VG_OK || !bytes.ptr || !vg_key_take_i64(&bytes, &order))
        return rc;
    return s3_store_version_row(rq, bucket->id, key, order, ret);
}

vg_rc
s3_store_small(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
               const struct s3_rec_version *v, struct vg_str *ret)
{
    vg_rc rc = vg_kv_get(rq->sess, objects_part(rq->arena, bucket),
                         small_key(rq->arena, key, v->order), ret, rq->err);
    return rc;
}

vg_rc
s3_store_version_row(struct vg_req *rq, struct vg_str bucket_id, struct vg_str key, int64_t order,
                     struct s3_rec_version **ret)
{
    struct vg_str bytes;
    vg_rc rc = vg_kv_get(rq->sess, s3_objects_part(rq->arena, bucket_id),
                         version_key(rq->arena, key, order), &bytes, rq->err);
    return rc == VG_OK ? decode_version(rq, bytes, ret) : rc;
}

/* --- versions, changed
 * ----------------------------------------------------------------------------
 */

static vg_rc
get_version(struct s3_object_edit *e, struct vg_str row, struct s3_rec_version **ret)
{
    struct vg_str bytes;
    vg_rc rc = vg_tx_get(e->tx, e->part, row, &bytes, e->rq->err);
    return rc == VG_OK ? decode_version(e->rq, bytes, ret) : rc;
}

/* The latest version that has a row; NULL: none. */
static vg_rc
top_row(struct s3_object_edit *e, struct s3_rec_version **ret)
{
    struct vg_range range = latest_range(e->rq->arena, e->key);
    struct vg_page page;
    *ret = NULL;
    vg_rc rc = vg_tx_scan(e->tx, e->part, &range, &page, e->rq->err);
    return rc == VG_OK && page.len ? decode_version(e->rq, page.rows[0].value, ret) : rc;
}

vg_rc
s3_store_edit_key(struct s3_object_edit *e, struct vg_str key)
{
    e->key = key;
    vg_rc rc = get_version(e, vg_key_of(e->rq->arena, VG_STR("k"), key), &e->latest);
    if (rc != VG_OK || e->latest || !e->bucket->versioning.ptr)
        return rc;
    return top_row(e, &e->latest);
}

/* Who changes the bucket has the turn of its objects too: it stands still while we have it. */
vg_rc
s3_store_edit_object_with(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                          struct vg_str with, struct s3_object_edit *ret)
{
    struct s3_rec_bucket *now = NULL;
    struct vg_str bytes, parts[2] = { objects_part(rq->arena, bucket), with };
    *ret = (struct s3_object_edit) { .rq = rq, .part = parts[0] };
    vg_rc rc = vg_tx_open_n(rq, parts, with.ptr ? 2 : 1, &ret->tx);
    if (rc == VG_OK)
        rc = get_bucket(rq, bucket->name, &bytes);
    if (rc == VG_OK)
        rc = decode_bucket(rq, bytes, &now);
    if (rc != VG_OK || now == NULL || !vg_str_eq(now->id, bucket->id))
        return rc;
    ret->bucket = now;
    return s3_store_edit_key(ret, key);
}

vg_rc
s3_store_edit_object(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                     struct s3_object_edit *ret)
{
    return s3_store_edit_object_with(rq, bucket, key, VG_STR_NONE, ret);
}

vg_rc
s3_store_edit_version(struct s3_object_edit *e, struct vg_str id, struct s3_rec_version **ret)
{
    struct vg_arena *arena = e->rq->arena;
    struct vg_str bytes;
    int64_t order;
    *ret = e->latest;
    if (e->latest && vg_str_eq(e->latest->id, id))
        return VG_OK;
    *ret = NULL;
    vg_rc rc =
        vg_tx_get(e->tx, e->part, vg_key_of(arena, VG_STR("i"), e->key, id), &bytes, e->rq->err);
    if (rc != VG_OK || !bytes.ptr || !vg_key_take_i64(&bytes, &order))
        return rc;
    return get_version(e, version_key(arena, e->key, order), ret);
}

static struct vg_str
encoded(struct s3_object_edit *e, const struct s3_rec_version *v)
{
    struct vg_buf b;
    vg_buf_init(&b, e->rq->arena, 4u << 20);
    s3_rec_version_encode(v, &b);
    return vg_buf_str(&b);
}

/* Its row among the versions, and the way to it by its id. */
static void
put_row(struct s3_object_edit *e, struct s3_rec_version *v)
{
    struct vg_arena *arena = e->rq->arena;
    struct vg_key order;
    v->has_row = true;
    vg_key_init(&order, arena);
    vg_key_i64(&order, v->order);
    vg_tx_put(e->tx, e->part, version_key(arena, e->key, v->order), encoded(e, v));
    vg_tx_put(e->tx, e->part, vg_key_of(arena, VG_STR("i"), e->key, v->id), vg_key_done(&order));
}

/* The row of the key itself: the version that is current, or none. */
static void
put_current(struct s3_object_edit *e, const struct s3_rec_version *v)
{
    struct vg_str row = vg_key_of(e->rq->arena, VG_STR("k"), e->key);
    if (v == NULL || v->is_marker)
        vg_tx_del(e->tx, e->part, row);
    else
        vg_tx_put(e->tx, e->part, row, encoded(e, v));
}

void
s3_store_meter(struct vg_req *rq, struct vg_tx *tx, const struct s3_rec_bucket *bucket,
               int64_t bytes)
{
    struct vg_scope scope = *rq->scope;
    struct vg_req as = *rq;
    scope.owner = bucket->account;
    scope.region = bucket->region;
    as.scope = &scope;
    vg_meter_stored(&as, tx, bucket->name, bytes);
}

static void
drop_content(struct s3_object_edit *e, const struct s3_rec_version *v)
{
    struct vg_blobs *blobs = e->rq->env->blobs;
    if (v->content && v->content->blob.ptr)
        vg_blob_drop(blobs, e->tx, v->content->blob);
    else if (v->content)
        vg_tx_del(e->tx, e->part, small_key(e->rq->arena, e->key, v->order));
    for (size_t i = 0; i < v->parts.len; i++)
        if (v->parts.items[i].content && v->parts.items[i].content->blob.ptr)
            vg_blob_drop(blobs, e->tx, v->parts.items[i].content->blob);
    s3_store_meter(e->rq, e->tx, e->bucket, -v->size);
}

static void
drop_version(struct s3_object_edit *e, const struct s3_rec_version *v)
{
    struct vg_arena *arena = e->rq->arena;
    drop_content(e, v);
    if (!v->has_row)
        return;
    vg_tx_del(e->tx, e->part, version_key(arena, e->key, v->order));
    vg_tx_del(e->tx, e->part, vg_key_of(arena, VG_STR("i"), e->key, v->id));
}

/* What is stored of a new version's content is kept from now on. */
static void
keep_content(struct s3_object_edit *e, const struct s3_rec_version *v, struct vg_str small)
{
    if (small.ptr)
        vg_tx_put(e->tx, e->part, small_key(e->rq->arena, e->key, v->order), small);
    else if (v->content && v->content->blob.ptr)
        vg_blob_keep(e->tx, v->content->blob);
    s3_store_meter(e->rq, e->tx, e->bucket, v->size);
}

vg_rc
s3_store_add_version(struct s3_object_edit *e, struct s3_rec_version *v, struct vg_str small)
{
    struct s3_rec_version *was = e->latest, *null_one = NULL;
    bool is_enabled = vg_str_eq(e->bucket->versioning, VG_STR("Enabled"));
    v->order = was ? was->order + 1 : 1;
    v->id =
        is_enabled ? s3_version_id(e->rq->env->random, e->rq->arena, v->order) : S3_NULL_VERSION;
    if (!is_enabled) {
        vg_rc rc = s3_store_edit_version(e, S3_NULL_VERSION, &null_one);
        if (rc != VG_OK)
            return rc;
    }
    if (null_one)
        drop_version(e, null_one);
    if (was && was != null_one && !was->has_row)
        put_row(e, was); /* written before versioning was on */
    if (e->bucket->versioning.ptr)
        put_row(e, v);
    keep_content(e, v, small);
    put_current(e, v);
    e->latest = v;
    return VG_OK;
}

vg_rc
s3_store_del_version(struct s3_object_edit *e, const struct s3_rec_version *v)
{
    bool was_latest = e->latest && vg_str_eq(e->latest->id, v->id);
    vg_tx_use_reserve(e->tx);
    drop_version(e, v);
    if (!was_latest)
        return VG_OK;
    vg_rc rc = top_row(e, &e->latest);
    if (rc == VG_OK)
        put_current(e, e->latest);
    return rc;
}

void
s3_store_put_version(struct s3_object_edit *e, const struct s3_rec_version *v)
{
    if (v->has_row)
        vg_tx_put(e->tx, e->part, version_key(e->rq->arena, e->key, v->order), encoded(e, v));
    if (e->latest && vg_str_eq(e->latest->id, v->id))
        put_current(e, v);
}

vg_rc
s3_store_object_commit(struct s3_object_edit *e)
{
    return vg_tx_commit(&e->tx, e->rq->err);
}

void
s3_store_object_end(struct s3_object_edit *e)
{
    vg_tx_abort(e->tx);
    e->tx = NULL;
}

/* --- master keys --------------------------------------------------------------------------------
 */

static struct vg_str
master_part(struct vg_arena *arena, struct vg_str account)
{
    return vg_key_of(arena, root, VG_STR("m"), account);
}

static struct vg_str
master_key(struct vg_arena *arena)
{
    return vg_key_of(arena, VG_STR("master"));
}

vg_rc
s3_store_find_master_key(struct vg_req *rq, struct vg_str account, uint8_t ret[S3_KEY_BYTES],
                         bool *ret_is_there)
{
    return vg_kept_key_find(rq, master_part(rq->arena, account), master_key(rq->arena), account,
                            ret, ret_is_there);
}

/* A key never changes; only a store that was opened anew may have lost one that was just made. */
vg_rc
s3_store_master_key(struct vg_req *rq, struct vg_str account, uint8_t ret[S3_KEY_BYTES])
{
    struct s3 *s3 = rq->svc;
    uint64_t epoch = vg_kv_epoch(rq->env->kv);
    const void *cached = vg_cache_get(s3->master_keys, rq->sess, account, epoch);
    if (cached) {
        memcpy(ret, cached, S3_KEY_BYTES);
        return VG_OK;
    }
    vg_rc rc =
        vg_kept_key(rq, master_part(rq->arena, account), master_key(rq->arena), account, ret);
    if (rc != VG_OK)
        return rc;
    struct vg_arena *own = vg_arena_new(0);
    vg_cache_put(s3->master_keys, rq->sess, account, epoch, own,
                 vg_secret_in(own, vg_str_n(ret, S3_KEY_BYTES)).ptr,
                 VG_MAX(rq->sess->seen_seq, rq->sess->commit_seq));
    return VG_OK;
}

/* --- lists --------------------------------------------------------------------------------------
 */

static vg_rc
key_of(struct vg_req *rq, const struct vg_row *row, struct vg_str *ret)
{
    struct vg_str rest = row->key, kind;
    return vg_key_take_str(rq->arena, &rest, &kind) && vg_key_take_str(rq->arena, &rest, ret)
               ? VG_OK
               : vg_err_set(rq->err, "a key of S3's is malformed");
}

static vg_rc
entry_of(struct vg_req *rq, const struct vg_row *row, struct s3_entry *ret)
{
    *ret = (struct s3_entry) { .is_latest = true };
    vg_rc rc = key_of(rq, row, &ret->key);
    return rc == VG_OK ? decode_version(rq, row->value, &ret->version) : rc;
}

vg_rc
s3_store_keys(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str from,
              uint32_t max, struct s3_entries *ret)
{
    struct vg_range range = vg_key_range(rq->arena, vg_key_of(rq->arena, VG_STR("k")));
    struct vg_page page;
    if (from.len)
        range.from = vg_key_of(rq->arena, VG_STR("k"), from);
    range.max = max;
    vg_rc rc = vg_kv_scan(rq->sess, objects_part(rq->arena, bucket), &range, &page, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret = (struct s3_entries) { .items = VG_NEW_ARRAY(rq->arena, struct s3_entry, page.len + 1),
                                 .len = page.len,
                                 .has_more = page.has_more };
    for (size_t i = 0; rc == VG_OK && i < page.len; i++)
        rc = entry_of(rq, &page.rows[i], &ret->items[i]);
    return rc;
}

/* --- lists of versions: what has rows, merged with what was written before versioning was on ----
 */

/*
 * A page ends early where its rows are large.  Of what lies behind its last row nothing is known:
 * there the merge stops.
 */
struct merge {
    struct vg_req *rq;
    struct vg_page keys, rows;
    size_t i_key, i_row;
    struct vg_str last;     /* key of the entry given last */
    struct vg_str last_key; /* of `keys` */
    bool is_cut;
};

/* The next row among the versions; false: none on this page. */
static vg_rc
peek(struct vg_req *rq, const struct vg_page *page, size_t i, struct s3_entry *ret)
{
    *ret = (struct s3_entry) { .version = NULL };
    return i < page->len ? entry_of(rq, &page->rows[i], ret) : VG_OK;
}

/*
 * The smaller of both heads.  A current version that has a row is the same as that row; one without
 * is older than nothing and comes alone or, after a change that has not met it, first.
 */
static vg_rc
next_entry(struct merge *m, struct s3_entry *ret)
{
    struct s3_entry key, row;
    vg_rc rc = peek(m->rq, &m->keys, m->i_key, &key);
    while (rc == VG_OK && key.version && key.version->has_row)
        rc = peek(m->rq, &m->keys, ++m->i_key, &key);
    if (rc == VG_OK)
        rc = peek(m->rq, &m->rows, m->i_row, &row);
    if (rc != VG_OK)
        return rc;
    bool takes_key = key.version && (!row.version || vg_str_cmp(key.key, row.key) <= 0);
    bool is_beyond = row.version && !takes_key && vg_str_cmp(row.key, m->last_key) > 0;
    m->is_cut = (!row.version && m->rows.has_more) || (is_beyond && m->keys.has_more);
    *ret = m->is_cut ? (struct s3_entry) { .version = NULL } : takes_key ? key : row;
    m->i_key += takes_key;
    m->i_row += !takes_key && row.version;
    if (ret->version) {
        ret->is_latest = !m->last.ptr || !vg_str_eq(m->last, ret->key);
        m->last = ret->key;
    }
    return VG_OK;
}

vg_rc
s3_store_versions(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str from,
                  int64_t order, uint32_t max, struct s3_entries *ret)
{
    struct vg_arena *arena = rq->arena;
    struct merge m = { .rq = rq };
    struct vg_range keys = vg_key_range(arena, vg_key_of(arena, VG_STR("k")));
    struct vg_range rows = vg_key_range(arena, vg_key_of(arena, VG_STR("v")));
    keys.max = rows.max = max + 1;
    if (from.len) {
        keys.from = vg_key_of(arena, VG_STR("k"), from);
        rows.from = vg_key_of(arena, VG_STR("v"), from);
    }
    if (order > 0) { /* the key itself was given already, and its versions down to `order` */
        keys.from = vg_key_range(arena, keys.from).to;
        rows.from = version_key(arena, from, order - 1);
        m.last = from;
    }
    struct vg_snap *snap = NULL;
    vg_rc rc = vg_snap_open(rq->sess, &snap, rq->err);
    struct vg_str part = objects_part(arena, bucket);
    if (rc == VG_OK)
        rc = vg_snap_scan(snap, part, &keys, &m.keys, rq->err);
    if (rc == VG_OK)
        rc = vg_snap_scan(snap, part, &rows, &m.rows, rq->err);
    vg_snap_close(snap);
    if (rc == VG_OK && m.keys.len > 0)
        rc = key_of(rq, &m.keys.rows[m.keys.len - 1], &m.last_key);
    *ret = (struct s3_entries) { .items = VG_NEW_ARRAY(arena, struct s3_entry, max + 1) };
    while (rc == VG_OK && ret->len <= max) {
        rc = next_entry(&m, &ret->items[ret->len]);
        if (rc != VG_OK || !ret->items[ret->len].version)
            break;
        ret->len++;
    }
    ret->has_more = ret->len > max || m.is_cut;
    ret->len = VG_MIN(ret->len, (size_t)max);
    return rc;
}
