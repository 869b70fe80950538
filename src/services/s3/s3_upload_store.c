/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The keys of uploads in parts.
 *
 *   partition                       key
 *   (s3, "o", bucket id)            ("u", key, id)    record.upload, for lists
 *   (s3, "p", bucket id, id)        ("upload")        record.upload, while it is under way
 *                                   ("part", number)  record.part
 *
 * A partition without ("upload") whose parts are still there is one that is being dropped.
 */

#include "services/s3/s3_store_int.h"

#include "codec/json.h"
#include "core/env.h"
#include "crypto/random.h"
#include "events/events.h"
#include "store/blob.h"
#include "store/key.h"

enum { PURGE_ROWS = 1000 }; /* a transaction */

/*
 * Digits that sort as they count, so that ids are in the order in which uploads began, and lists
 * with them: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
 */
struct vg_str
s3_new_upload_id(struct vg_req *rq)
{
    static const struct vg_str digits =
        VG_STR_INIT(".0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz");
    char time[8];
    uint64_t ms = (uint64_t)vg_now_ms(rq->env) + (UINT64_C(1) << 46);
    for (size_t i = sizeof(time); i-- > 0; ms /= 64)
        time[i] = digits.ptr[ms % 64];
    return vg_random_text(rq->env->random, rq->arena, vg_str_n(time, sizeof(time)), digits, 64);
}

static struct vg_str
listed_key(struct vg_arena *arena, const struct s3_rec_upload *u)
{
    return vg_key_of(arena, VG_STR("u"), u->key, u->id);
}

struct vg_range
s3_uploads_range(struct vg_arena *arena)
{
    return vg_key_range(arena, vg_key_of(arena, VG_STR("u")));
}

static struct vg_str
upload_key(struct vg_arena *arena)
{
    return vg_key_of(arena, VG_STR("upload"));
}

static struct vg_str
part_key(struct vg_arena *arena, uint32_t number)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_str(&k, VG_STR("part"));
    vg_key_i64(&k, number);
    return vg_key_done(&k);
}

/* Those with numbers above `after`. */
static struct vg_range
parts_range(struct vg_arena *arena, uint32_t after)
{
    struct vg_range range = vg_key_range(arena, vg_key_of(arena, VG_STR("part")));
    range.from = part_key(arena, after + 1);
    return range;
}

/* NULL where there are no bytes, or those of another key's upload. */
static vg_rc
decode_upload(struct vg_req *rq, struct vg_str bytes, struct vg_str key, struct s3_rec_upload **ret)
{
    void *upload = NULL;
    vg_rc rc = vg_record_new(&s3_rec_upload__desc, rq->arena, bytes, &upload, rq->err);
    *ret = upload;
    if (rc == VG_OK && *ret && !vg_str_eq((*ret)->key, key))
        *ret = NULL;
    return rc;
}

/* Behind what `ret` has already. */
static vg_rc
decode_parts(struct vg_req *rq, const struct vg_page *page, struct s3_upload_parts *ret)
{
    struct s3_rec_part *items =
        VG_NEW_ARRAY(rq->arena, struct s3_rec_part, ret->len + page->len + 1);
    vg_rc rc = VG_OK;
    if (ret->len)
        memcpy(items, ret->items, ret->len * sizeof(*items));
    ret->items = items;
    for (size_t i = 0; rc == VG_OK && i < page->len; i++)
        rc = s3_rec_part_decode(rq->arena, page->rows[i].value, &items[ret->len++], rq->err);
    ret->has_more = page->has_more;
    return rc;
}

/* --- read ---------------------------------------------------------------------------------------
 */

vg_rc
s3_store_upload(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                struct vg_str id, struct s3_rec_upload **ret)
{
    struct vg_str bytes, part = s3_parts_part(rq->arena, bucket->id, id);
    vg_rc rc = vg_kv_get(rq->sess, part, upload_key(rq->arena), &bytes, rq->err);
    return rc == VG_OK ? decode_upload(rq, bytes, key, ret) : rc;
}

vg_rc
s3_store_upload_row(struct vg_req *rq, struct vg_str bucket_id, struct vg_str upload_id,
                    struct s3_rec_upload **ret)
{
    struct vg_str bytes, part = s3_parts_part(rq->arena, bucket_id, upload_id);
    void *upload = NULL;
    vg_rc rc = vg_kv_get(rq->sess, part, upload_key(rq->arena), &bytes, rq->err);
    if (rc == VG_OK)
        rc = vg_record_new(&s3_rec_upload__desc, rq->arena, bytes, &upload, rq->err);
    *ret = upload;
    return rc;
}

vg_rc
s3_store_parts(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str id,
               uint32_t after, uint32_t max, struct s3_upload_parts *ret)
{
    struct vg_page page = { .len = 0 };
    struct vg_range range = parts_range(rq->arena, after);
    range.max = max;
    *ret = (struct s3_upload_parts) { .len = 0 };
    vg_rc rc =
        vg_kv_scan(rq->sess, s3_parts_part(rq->arena, bucket->id, id), &range, &page, rq->err);
    return rc == VG_OK ? decode_parts(rq, &page, ret) : rc;
}

vg_rc
s3_store_uploads(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str from,
                 struct vg_str after, uint32_t max, struct s3_entries *ret)
{
    struct vg_range range = s3_uploads_range(rq->arena);
    struct vg_page page = { .len = 0 };
    if (after.ptr)
        range.from = vg_key_range(rq->arena, vg_key_of(rq->arena, VG_STR("u"), from, after)).to;
    else if (from.len)
        range.from = vg_key_of(rq->arena, VG_STR("u"), from);
    range.max = max;
    vg_rc rc = vg_kv_scan(rq->sess, s3_objects_part(rq->arena, bucket->id), &range, &page, rq->err);
    *ret = (struct s3_entries) { .items = VG_NEW_ARRAY(rq->arena, struct s3_entry, page.len + 1),
                                 .len = page.len,
                                 .has_more = page.has_more };
    for (size_t i = 0; rc == VG_OK && i < page.len; i++) {
        struct s3_rec_upload *u = VG_NEW(rq->arena, struct s3_rec_upload);
        rc = s3_rec_upload_decode(rq->arena, page.rows[i].value, u, rq->err);
        ret->items[i] = (struct s3_entry) { .key = u->key, .upload = u };
    }
    return rc;
}

/* --- parts, changed -----------------------------------------------------------------------------
 */

static void
drop_part(struct vg_req *rq, struct vg_tx *tx, const struct s3_rec_part *part)
{
    if (part->content && part->content->blob.ptr)
        vg_blob_drop(rq->env->blobs, tx, part->content->blob);
}

static void
put_part(struct vg_req *rq, struct vg_tx *tx, struct vg_str partition,
         const struct s3_rec_part *part)
{
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, 64u << 10);
    s3_rec_part_encode(part, &b);
    vg_tx_put(tx, partition, part_key(rq->arena, part->number), vg_buf_str(&b));
    vg_blob_keep(tx, part->content->blob);
}

vg_rc
s3_store_put_part(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                  struct vg_str id, const struct s3_rec_part *part, bool *ret_is_there)
{
    struct vg_str partition = s3_parts_part(rq->arena, bucket->id, id), bytes, old_bytes;
    struct s3_rec_upload *upload = NULL;
    struct s3_rec_part old = { .size = 0 };
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = vg_tx_open(rq, partition, &tx);
    if (rc == VG_OK)
        rc = vg_tx_get(tx, partition, upload_key(rq->arena), &bytes, rq->err);
    if (rc == VG_OK)
        rc = decode_upload(rq, bytes, key, &upload);
    *ret_is_there = rc == VG_OK && upload != NULL;
    if (!*ret_is_there)
        return rc;
    rc = vg_tx_get(tx, partition, part_key(rq->arena, part->number), &old_bytes, rq->err);
    if (rc == VG_OK && old_bytes.ptr)
        rc = s3_rec_part_decode(rq->arena, old_bytes, &old, rq->err);
    if (rc != VG_OK)
        return rc;
    drop_part(rq, tx, &old);
    put_part(rq, tx, partition, part);
    s3_store_meter(rq, tx, bucket, part->size - old.size);
    return vg_tx_commit(&tx, rq->err);
}

/* --- uploads, changed ---------------------------------------------------------------------------
 */

static vg_rc
get_upload(struct s3_object_edit *e, struct vg_str partition, struct s3_rec_upload **ret)
{
    struct vg_str bytes;
    vg_rc rc = vg_tx_get(e->tx, partition, upload_key(e->rq->arena), &bytes, e->rq->err);
    return rc == VG_OK ? decode_upload(e->rq, bytes, e->key, ret) : rc;
}

vg_rc
s3_store_edit_upload(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                     struct vg_str id, struct s3_object_edit *e, struct s3_rec_upload **ret)
{
    struct vg_str partition = s3_parts_part(rq->arena, bucket->id, id);
    *ret = NULL;
    vg_rc rc = s3_store_edit_object_with(rq, bucket, key, partition, e);
    return rc == VG_OK && e->bucket ? get_upload(e, partition, ret) : rc;
}

void
s3_store_add_upload(struct s3_object_edit *e, const struct s3_rec_upload *upload)
{
    struct vg_arena *arena = e->rq->arena;
    struct vg_buf b;
    vg_buf_init(&b, arena, 1u << 20);
    s3_rec_upload_encode(upload, &b);
    vg_tx_put(e->tx, e->part, listed_key(arena, upload), vg_buf_str(&b));
    vg_tx_put(e->tx, s3_parts_part(arena, e->bucket->id, upload->id), upload_key(arena),
              vg_buf_str(&b));
}

vg_rc
s3_store_edit_parts(struct s3_object_edit *e, struct vg_str id, struct s3_upload_parts *ret)
{
    struct vg_req *rq = e->rq;
    struct vg_str partition = s3_parts_part(rq->arena, e->bucket->id, id);
    vg_rc rc = VG_OK;
    *ret = (struct s3_upload_parts) { .has_more = true };
    while (rc == VG_OK && ret->has_more) {
        struct vg_range range =
            parts_range(rq->arena, ret->len ? ret->items[ret->len - 1].number : 0);
        struct vg_page page;
        rc = vg_tx_scan(e->tx, partition, &range, &page, rq->err);
        if (rc == VG_OK)
            rc = decode_parts(rq, &page, ret);
    }
    return rc;
}

static void
del_upload(struct s3_object_edit *e, const struct s3_rec_upload *upload, struct vg_str partition)
{
    vg_tx_del(e->tx, e->part, listed_key(e->rq->arena, upload));
    vg_tx_del(e->tx, partition, upload_key(e->rq->arena));
}

void
s3_store_end_upload(struct s3_object_edit *e, const struct s3_rec_upload *upload,
                    const struct s3_upload_parts *parts, const bool *is_used)
{
    struct vg_req *rq = e->rq;
    struct vg_str partition = s3_parts_part(rq->arena, e->bucket->id, upload->id);
    int64_t bytes = 0;
    del_upload(e, upload, partition);
    for (size_t i = 0; i < parts->len; i++) {
        const struct s3_rec_part *part = &parts->items[i];
        vg_tx_del(e->tx, partition, part_key(rq->arena, part->number));
        if (!is_used[i])
            drop_part(rq, e->tx, part);
        bytes += part->size;
    }
    s3_store_meter(rq, e->tx, e->bucket, -bytes);
}

/* --- parts that are not needed any more ---------------------------------------------------------
 */

vg_rc
s3_plan(struct vg_req *rq, struct vg_tx *tx, const struct s3_plan *plan)
{
    struct vg_buf b;
    struct vg_json_out w;
    vg_buf_init(&b, rq->arena, 64u << 10);
    vg_jsonw_init(&w, &b);
    vg_jsonw_object(&w);
    vg_jsonw_kv(&w, VG_STR("Account"), plan->account);
    vg_jsonw_kv(&w, VG_STR("Region"), plan->region);
    vg_jsonw_kv(&w, VG_STR("Bucket"), plan->bucket);
    vg_jsonw_kv(&w, VG_STR("BucketId"), plan->bucket_id);
    if (plan->upload_id.ptr)
        vg_jsonw_kv(&w, VG_STR("UploadId"), plan->upload_id);
    if (plan->key.ptr)
        vg_jsonw_kv(&w, VG_STR("Key"), plan->key);
    if (plan->version_id.ptr)
        vg_jsonw_kv(&w, VG_STR("VersionId"), plan->version_id);
    vg_jsonw_object_end(&w);
    const struct vg_timer timer = { .part = plan->partition,
                                    .id = plan->id,
                                    .op = plan->op,
                                    .payload = vg_buf_str(&b),
                                    .due_ms = plan->due_ms ? plan->due_ms : vg_now_ms(rq->env) };
    return vg_timer_put(rq->env->events, tx, &timer, rq->err);
}

static vg_rc
plan(struct vg_req *rq, struct vg_tx *tx, struct vg_str partition, struct vg_str op,
     const struct s3_rec_bucket *bucket, struct vg_str upload_id)
{
    const struct s3_plan p = { .partition = partition,
                               .id = VG_STR("purge"),
                               .op = op,
                               .account = bucket->account,
                               .region = bucket->region,
                               .bucket = bucket->name,
                               .bucket_id = bucket->id,
                               .upload_id = upload_id };
    return s3_plan(rq, tx, &p);
}

/* Drops the first of the parts that are left, and plans the rest. */
static vg_rc
purge(struct vg_req *rq, struct vg_tx *tx, const struct s3_rec_bucket *bucket,
      struct vg_str upload_id)
{
    struct vg_str partition = s3_parts_part(rq->arena, bucket->id, upload_id);
    struct vg_range range = parts_range(rq->arena, 0);
    struct s3_upload_parts parts = { .len = 0 };
    struct vg_page page;
    int64_t bytes = 0;
    range.max = PURGE_ROWS;
    vg_rc rc = vg_tx_scan(tx, partition, &range, &page, rq->err);
    if (rc == VG_OK)
        rc = decode_parts(rq, &page, &parts);
    if (rc != VG_OK)
        return rc;
    for (size_t i = 0; i < parts.len; i++) {
        vg_tx_del(tx, partition, page.rows[i].key);
        drop_part(rq, tx, &parts.items[i]);
        bytes += parts.items[i].size;
    }
    if (bytes)
        s3_store_meter(rq, tx, bucket, -bytes);
    vg_tx_use_reserve(tx);
    return page.has_more ? plan(rq, tx, partition, VG_STR("s3/_PurgeUpload"), bucket, upload_id)
                         : VG_OK;
}

vg_rc
s3_store_abort_upload(struct s3_object_edit *e, const struct s3_rec_upload *upload)
{
    del_upload(e, upload, s3_parts_part(e->rq->arena, e->bucket->id, upload->id));
    return purge(e->rq, e->tx, e->bucket, upload->id);
}

/* As far as it is needed of one that may be gone. */
#define BUCKET_OF(in)                                                                              \
    {                                                                                              \
        .name = (in)->bucket, .id = (in)->bucket_id, .account = (in)->account,                     \
        .region = (in)->region                                                                     \
    }

/* What an end of an upload left over. May run twice. */
vg_rc
s3_purge_upload(struct vg_req *rq, const struct s3_purge_upload_input *in)
{
    const struct s3_rec_bucket bucket = BUCKET_OF(in);
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = vg_tx_open(rq, s3_parts_part(rq->arena, in->bucket_id, in->upload_id), &tx);
    if (rc == VG_OK)
        rc = purge(rq, tx, &bucket, in->upload_id);
    return rc == VG_OK ? vg_tx_commit(&tx, rq->err) : rc;
}

vg_rc
s3_store_drop_uploads(struct s3_bucket_edit *e)
{
    struct vg_req *rq = e->rq;
    struct vg_str partition = s3_objects_part(rq->arena, e->bucket->id);
    struct vg_range range = s3_uploads_range(rq->arena);
    struct vg_page page;
    range.max = 1;
    vg_rc rc = vg_tx_scan(e->tx, partition, &range, &page, rq->err);
    return rc == VG_OK && page.len
               ? plan(rq, e->tx, partition, VG_STR("s3/_PurgeUploads"), e->bucket, VG_STR_NONE)
               : rc;
}

/* One upload of a bucket that is gone. */
static vg_rc
drop_upload(struct vg_req *rq, const struct s3_purge_uploads_input *in, const struct vg_row *row)
    VG_WAITS
{
    const struct s3_rec_bucket bucket = BUCKET_OF(in);
    struct s3_rec_upload u = { .id = VG_STR_NONE };
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = s3_rec_upload_decode(rq->arena, row->value, &u, rq->err);
    if (rc != VG_OK)
        return rc;
    const struct vg_str parts[] = { s3_objects_part(rq->arena, in->bucket_id),
                                    s3_parts_part(rq->arena, in->bucket_id, u.id) };
    rc = vg_tx_open_n(rq, parts, VG_COUNT(parts), &tx);
    if (rc != VG_OK)
        return rc;
    vg_tx_del(tx, parts[0], row->key);
    vg_tx_del(tx, parts[1], upload_key(rq->arena));
    rc = purge(rq, tx, &bucket, u.id);
    return rc == VG_OK ? vg_tx_commit(&tx, rq->err) : rc;
}

/* The uploads of a bucket that is gone. May run twice. */
vg_rc
s3_purge_uploads(struct vg_req *rq, const struct s3_purge_uploads_input *in)
{
    struct vg_range range = s3_uploads_range(rq->arena);
    struct vg_page page = { .has_more = true };
    vg_rc rc = VG_OK;
    while (rc == VG_OK && page.has_more) {
        rc =
            vg_kv_scan(rq->sess, s3_objects_part(rq->arena, in->bucket_id), &range, &page, rq->err);
        for (size_t i = 0; rc == VG_OK && i < page.len; i++)
            rc = drop_upload(rq, in, &page.rows[i]);
    }
    return rc;
}
