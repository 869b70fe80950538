/* SPDX-License-Identifier: Apache-2.0 */

/*
 * All that S3 keeps, held to what is recorded of it: each version's and each part's bytes are
 * decrypted, and their length, ETag and checksums computed anew.
 */

#include "services/s3/s3_check.h"

#include "codec/json.h"
#include "core/env.h"
#include "crypto/secret.h"
#include "crypto/segment.h"
#include "services/s3/s3_digest.h"
#include "services/s3/s3_kms.h"
#include "services/s3/s3_store_int.h"

#include <stdlib.h>

struct checking {
    struct vg_check *ck;
    struct vg_arena *arena;               /* of the buckets */
    VG_VEC(struct s3_rec_bucket) buckets; /* by id */
    /* The master key that was looked up last. */
    struct vg_str account;
    uint8_t master[S3_KEY_BYTES];
    bool has_master;
    uint8_t *room; /* of a segment */
};

/* One version's or upload's contents. */
struct subject {
    struct checking *c;
    struct vg_req *rq;
    const struct s3_rec_bucket *bucket;
    struct vg_str where;
    bool is_plain;       /* ETags are MD5s */
    const uint8_t *with; /* NULL: only lengths can be told */
    struct s3_customer_key key;
};

/* --- where --------------------------------------------------------------------------------------
 */

/* "bucket/key?name=value": as a client would name it. A key may hold anything. */
static struct vg_str
place(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key, const char *name,
      struct vg_str value)
{
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, 64u << 10);
    vg_buf_adds(&b, bucket->name);
    vg_buf_addc(&b, '/');
    vg_buf_adds(&b, key);
    if (value.ptr)
        vg_buf_addf(&b, "?%s=%" VG_FMT, name, VG_ARG(value));
    return vg_buf_str(&b);
}

static struct vg_str
place_of_part(struct vg_req *rq, struct vg_str of, uint32_t number)
{
    const char *sep = vg_str_find_char(of, '?') == VG_NPOS ? "?" : "&";
    struct vg_str text = vg_str_fmt(rq->arena, "%spartNumber=%u", sep, (unsigned)number);
    return vg_str_cat(rq->arena, of, text);
}

/* --- buckets ------------------------------------------------------------------------------------
 */

/* What cannot be read is said with all other rows. */
static void
collect_bucket(struct vg_req *rq, const struct vg_walk_row *row, void *arg)
{
    struct checking *c = arg;
    struct s3_row r;
    struct s3_rec_bucket b;
    struct vg_err ignored;
    s3_row_read(rq->arena, row, &r);
    if (r.kind != S3_ROW_BUCKET)
        return;
    struct vg_str bytes = vg_str_dup(c->arena, row->value);
    if (s3_rec_bucket_decode(c->arena, bytes, &b, &ignored) == VG_OK && b.id.ptr)
        *VG_VEC_ADD(c->arena, &c->buckets) = b;
}

static int
by_id(const void *a, const void *b)
{
    return vg_str_cmp(((const struct s3_rec_bucket *)a)->id, ((const struct s3_rec_bucket *)b)->id);
}

static const struct s3_rec_bucket *
bucket_of(const struct checking *c, struct vg_str id)
{
    const struct s3_rec_bucket wanted = { .id = id };
    return c->buckets.len ? bsearch(&wanted, c->buckets.items, c->buckets.len,
                                    sizeof(*c->buckets.items), by_id)
                          : NULL;
}

/* --- keys ---------------------------------------------------------------------------------------
 */

/* The account's, which is not made where it is missing: that is one error, however many need it. */
static void
look_up_master(struct checking *c, struct vg_req *rq, struct vg_str account)
{
    c->account = account;
    if (s3_store_find_master_key(rq, account, c->master, &c->has_master) != VG_OK)
        vg_check_error(c->ck, VG_STR_NONE,
                       "the key of account %" VG_FMT " cannot be read: %" VG_FMT, VG_ARG(account),
                       VG_ARG(vg_err_text(rq->err)));
    else if (!c->has_master)
        vg_check_error(c->ck, VG_STR_NONE, "the key of account %" VG_FMT " is missing",
                       VG_ARG(account));
}

static void
find_master(struct subject *s)
{
    struct checking *c = s->c;
    if (!c->account.ptr || !vg_str_eq(c->account, s->bucket->account))
        look_up_master(c, s->rq, s->bucket->account);
    if (c->has_master)
        s->with = c->master;
    else
        vg_check_count(c->ck, "not decrypted (no key of the account)", 1);
}

static void
find_data_key(struct subject *s, const struct s3_rec_version *v) VG_WAITS
{
    bool is_gone = false;
    vg_rc rc = s3_kms_unseal(s->rq, s->bucket, v, &s->key, &is_gone);
    if (rc == VG_OK && !is_gone)
        s->with = s->key.key;
    else if (is_gone)
        vg_check_count(s->c->ck, "not decrypted (deleted KMS keys)", 1);
    else
        vg_check_error(s->c->ck, s->where, "its data key does not open: %" VG_FMT,
                       VG_ARG(vg_err_text(s->rq->err)));
}

static void
find_key(struct subject *s, const struct s3_rec_version *v) VG_WAITS
{
    s->is_plain = !v->customer_key_md5.ptr && !v->kms_key.ptr;
    if (v->customer_key_md5.ptr)
        vg_check_count(s->c->ck, "not decrypted (customers' keys)", 1);
    else if (v->kms_key.ptr)
        find_data_key(s, v);
    else
        find_master(s);
}

/* --- contents -----------------------------------------------------------------------------------
 */

static void
check_part(struct subject *s, const struct s3_rec_part *p) VG_WAITS
{
    struct s3_check_content content = {
        .where = place_of_part(s->rq, s->where, p->number),
        .source.content = p->content,
        .with = s->with,
        .md5 = s->is_plain ? p->etag : VG_STR_NONE,
        .checksum = p->checksum,
        .crc64nvme = p->crc64nvme,
    };
    vg_check_count(s->c->ck, "parts", 1);
    if (!p->content || !p->content->blob.ptr)
        vg_check_error(s->c->ck, content.where, "it has no content");
    else
        s3_check_content(s->c->ck, s->rq, &content, s->c->room);
    if (p->content && p->content->size != p->size)
        vg_check_error(s->c->ck, content.where, "it has %lld bytes, recorded are %lld",
                       (long long)p->content->size, (long long)p->size);
}

static void
check_single(struct subject *s, struct vg_str key, const struct s3_rec_version *v) VG_WAITS
{
    struct s3_check_content content = {
        .where = s->where,
        .source.content = v->content,
        .with = s->with,
        .md5 = s->is_plain ? v->etag : VG_STR_NONE,
        .checksum = v->checksum,
    };
    if (v->content->size != v->size)
        vg_check_error(s->c->ck, s->where, "it has %lld bytes, recorded are %lld",
                       (long long)v->content->size, (long long)v->size);
    if (!v->content->blob.ptr) {
        if (s3_store_small(s->rq, s->bucket, key, v, &content.source.small) != VG_OK) {
            vg_check_error(s->c->ck, s->where, "%" VG_FMT, VG_ARG(vg_err_text(s->rq->err)));
            return;
        }
        if (!content.source.small.ptr) {
            vg_check_error(s->c->ck, s->where, "its bytes are not in the store");
            return;
        }
    }
    s3_check_content(s->c->ck, s->rq, &content, s->c->room);
}

/* The checksum of the whole, by those of its parts, which are checked by themselves. */
static void
check_whole_sum(struct subject *s, const struct s3_rec_version *v)
{
    const struct s3_rec_checksum *is = NULL;
    enum vg_checksum_kind kind;
    bool is_composite = false;
    if (!v->checksum)
        return;
    if (!s3_checksum_kind(v->checksum->algorithm, &kind)
        || s3_checksum_type(s->rq, kind, v->checksum->type, &is_composite) != VG_OK) {
        vg_check_error(s->c->ck, s->where, "a checksum of an unknown kind is recorded");
        return;
    }
    is = s3_parts_checksum(s->rq->arena, kind, is_composite, v);
    if (!is || !vg_str_eq(is->value, v->checksum->value))
        vg_check_error(s->c->ck, s->where,
                       "its parts make the %" VG_FMT " %" VG_FMT ", recorded is %" VG_FMT,
                       VG_ARG(v->checksum->algorithm), VG_ARG(is ? is->value : VG_STR("(none)")),
                       VG_ARG(v->checksum->value));
}

static void
check_whole(struct subject *s, const struct s3_rec_version *v)
{
    struct vg_str *etags = VG_NEW_ARRAY(s->rq->arena, struct vg_str, v->parts.len), etag;
    int64_t size = 0;
    for (size_t i = 0; i < v->parts.len; i++) {
        etags[i] = v->parts.items[i].etag;
        size += v->parts.items[i].size;
    }
    if (size != v->size)
        vg_check_error(s->c->ck, s->where, "its parts have %lld bytes, recorded are %lld",
                       (long long)size, (long long)v->size);
    if (!s3_parts_etag(s->rq->arena, etags, v->parts.len, &etag))
        vg_check_error(s->c->ck, s->where, "a part has an ETag that is none");
    else if (!vg_str_eq(etag, v->etag))
        vg_check_error(s->c->ck, s->where,
                       "its parts make the ETag %" VG_FMT ", recorded is %" VG_FMT, VG_ARG(etag),
                       VG_ARG(v->etag));
    check_whole_sum(s, v);
}

/* Of something whose bucket is gone: what it refers to is known still. */
static void
refer(struct checking *c, const struct s3_rec_content *content)
{
    if (content && content->blob.ptr)
        vg_check_refer(c->ck, content->blob);
}

/* --- rows ---------------------------------------------------------------------------------------
 */

static void
check_version(struct checking *c, struct vg_req *rq, const struct s3_rec_bucket *bucket,
              struct vg_str where, const struct s3_row *r, const struct s3_rec_version *v) VG_WAITS
{
    struct subject s = { .c = c, .rq = rq, .bucket = bucket, .where = where };
    if (v->is_marker)
        return;
    vg_check_count(c->ck, "objects", 1);
    if (!v->content && v->parts.len == 0) {
        vg_check_error(c->ck, where, "it has no content");
        return;
    }
    find_key(&s, v);
    if (v->content)
        check_single(&s, r->key, v);
    for (size_t i = 0; !v->content && i < v->parts.len; i++)
        check_part(&s, &v->parts.items[i]);
    if (!v->content)
        check_whole(&s, v);
    s3_customer_key_wipe(&s.key);
}

/* The row of a key is a copy of its latest version's, where that has one. */
static void
check_copy(struct checking *c, struct vg_req *rq, const struct s3_row *r, struct vg_str where,
           const struct s3_rec_version *v)
{
    struct s3_rec_version *own;
    if (s3_store_version_row(rq, r->bucket_id, r->key, v->order, &own) != VG_OK)
        vg_check_error(c->ck, where, "its row among the versions cannot be read: %" VG_FMT,
                       VG_ARG(vg_err_text(rq->err)));
    else if (!own)
        vg_check_error(c->ck, where, "its row among the versions is missing");
    else if (!vg_str_eq(own->id, v->id) || !vg_str_eq(own->etag, v->etag) || own->size != v->size)
        vg_check_error(c->ck, where, "its row among the versions tells of another one");
}

/* A bucket goes only when it is empty but for uploads. */
static void
on_lost_version(struct checking *c, struct vg_str where, const struct s3_rec_version *v)
{
    vg_check_error(c->ck, where, "its bucket is not there");
    refer(c, v->content);
    for (size_t i = 0; i < v->parts.len; i++)
        refer(c, v->parts.items[i].content);
}

static void
on_version(struct checking *c, struct vg_req *rq, const struct s3_row *r) VG_WAITS
{
    const struct s3_rec_bucket *bucket = bucket_of(c, r->bucket_id);
    const struct s3_rec_bucket lost = { .name = vg_str_fmt(rq->arena, "(bucket %" VG_FMT ")",
                                                           VG_ARG(r->bucket_id)) };
    struct s3_rec_version v;
    struct vg_str where = place(rq, bucket ? bucket : &lost, r->key, NULL, VG_STR_NONE);
    if (!vg_check_decoded(c->ck, rq, where,
                          s3_rec_version_decode(rq->arena, r->value, &v, rq->err)))
        return;
    if (v.has_row)
        where = place(rq, bucket ? bucket : &lost, r->key, "versionId", v.id);
    if (r->kind == S3_ROW_CURRENT && v.has_row)
        check_copy(c, rq, r, where, &v);
    else if (bucket)
        check_version(c, rq, bucket, where, r, &v);
    else
        on_lost_version(c, where, &v);
}

/* Of an upload that has ended, or whose bucket is gone, a timer drops the parts by and by. */
static void
on_part(struct checking *c, struct vg_req *rq, const struct s3_row *r) VG_WAITS
{
    struct subject s = { .c = c, .rq = rq, .bucket = bucket_of(c, r->bucket_id) };
    struct s3_rec_upload *upload = NULL;
    struct s3_rec_part part;
    s.where = vg_str_fmt(rq->arena, "?uploadId=%" VG_FMT, VG_ARG(r->upload_id));
    vg_rc rc = s3_store_upload_row(rq, r->bucket_id, r->upload_id, &upload);
    if (rc == VG_OK && s.bucket && upload)
        s.where = place(rq, s.bucket, upload->key, "uploadId", r->upload_id);
    if (rc == VG_OK)
        rc = s3_rec_part_decode(rq->arena, r->value, &part, rq->err);
    if (!vg_check_decoded(c->ck, rq, s.where, rc))
        return;
    if (!s.bucket || !upload || !upload->version) {
        refer(c, part.content);
        return;
    }
    find_key(&s, upload->version);
    check_part(&s, &part);
    s3_customer_key_wipe(&s.key);
}

/* Records that refer to no content. */
static void
on_record(struct checking *c, struct vg_req *rq, const struct s3_row *r)
{
    struct s3_rec_bucket bucket;
    struct s3_rec_upload upload;
    struct s3_rec_notice notice;
    struct s3_rec_log_line line;
    const struct s3_rec_bucket *of = r->bucket_id.ptr ? bucket_of(c, r->bucket_id) : NULL;
    struct vg_str where = of ? of->name : r->bucket;
    vg_rc rc = VG_OK;
    if (r->kind == S3_ROW_BUCKET)
        rc = s3_rec_bucket_decode(rq->arena, r->value, &bucket, rq->err);
    else if (r->kind == S3_ROW_NOTICE)
        rc = s3_rec_notice_decode(rq->arena, r->value, &notice, rq->err);
    else if (r->kind == S3_ROW_LINE)
        rc = s3_rec_log_line_decode(rq->arena, r->value, &line, rq->err);
    else
        rc = s3_rec_upload_decode(rq->arena, r->value, &upload, rq->err);
    (void)vg_check_decoded(c->ck, rq, where, rc);
}

static void
on_config(struct checking *c, struct vg_req *rq, const struct s3_row *r)
{
    struct vg_json js;
    vg_json_init(&js, r->value, rq->arena);
    if (!vg_json_skip(&js, vg_json_next(&js)) || vg_json_next(&js) != VG_JSON_END)
        vg_check_error(c->ck, r->bucket, "its configuration '%" VG_FMT "' does not decode",
                       VG_ARG(r->key));
}

static void
on_row(struct vg_req *rq, const struct vg_walk_row *row, void *arg) VG_WAITS
{
    struct checking *c = arg;
    struct s3_row r;
    s3_row_read(rq->arena, row, &r);
    switch (r.kind) {
    case S3_ROW_OTHER:
        break;
    case S3_ROW_BAD:
        vg_check_lost(c->ck, row->key, "a row has a key that is none of S3's");
        break;
    case S3_ROW_BUCKET:
    case S3_ROW_LISTED:
    case S3_ROW_UPLOAD:
    case S3_ROW_NOTICE:
    case S3_ROW_LINE:
        on_record(c, rq, &r);
        break;
    case S3_ROW_CONFIG:
        on_config(c, rq, &r);
        break;
    case S3_ROW_CURRENT:
    case S3_ROW_VERSION:
        on_version(c, rq, &r);
        break;
    case S3_ROW_PART:
        on_part(c, rq, &r);
        break;
    }
}

void
s3_check(struct vg_check *ck)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct checking c = { .ck = ck, .arena = arena };
    c.room = vg_xalloc(VG_SEGMENT_STORED_BYTES);
    vg_check_rows(ck, s3_check_buckets_prefix(arena), collect_bucket, &c);
    if (c.buckets.len)
        qsort(c.buckets.items, c.buckets.len, sizeof(*c.buckets.items), by_id);
    vg_check_rows(ck, s3_check_prefix(arena), on_row, &c);
    vg_zero(c.master, sizeof(c.master));
    vg_zero(c.room, VG_SEGMENT_STORED_BYTES);
    free(c.room);
}
