/* SPDX-License-Identifier: Apache-2.0 */

/*
 * GetObject and HeadObject.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */

#include "services/s3/s3_headers.h"

#include "codec/time.h"
#include "core/env.h"
#include "core/reply.h"
#include "services/s3/s3_header_text.h"
#include "services/s3/s3_kms.h"
#include "services/s3/s3_lifecycle.h"
#include "services/s3/s3_log_note.h"
#include "services/s3/s3_object_rules.h"
#include "services/s3/s3_restore.h"

#define TRIES_MAX 100 /* each is one replacement of the object at just the wrong moment */

/* --- what is asked for --------------------------------------------------------------------------
 */

/* The members that both requests have. */
struct asked {
    struct s3_at at;
    struct s3_conditions conditions;
    struct vg_str range;
    struct vg_opt_i64 part_number;
    struct s3_key_asked key;
    struct vg_enum checksum_mode;
    struct vg_str cache_control, content_disposition, content_encoding, content_language,
        content_type;
    struct vg_opt_i64 expires_ms;
    bool is_head;
};
#define ASKED(in)                                                                                  \
    ((struct asked) {                                                                              \
        .at = S3_AT(in),                                                                           \
        .conditions = { .if_match = (in)->if_match,                                                \
                        .if_none_match = (in)->if_none_match,                                      \
                        .modified_since_ms = (in)->if_modified_since_ms,                           \
                        .unmodified_since_ms = (in)->if_unmodified_since_ms },                     \
        .range = (in)->range,                                                                      \
        .part_number = (in)->part_number,                                                          \
        .key = S3_KEY_ASKED(in),                                                                   \
        .checksum_mode = (in)->checksum_mode,                                                      \
        .cache_control = (in)->response_cache_control,                                             \
        .content_disposition = (in)->response_content_disposition,                                 \
        .content_encoding = (in)->response_content_encoding,                                       \
        .content_language = (in)->response_content_language,                                       \
        .content_type = (in)->response_content_type,                                               \
        .expires_ms = (in)->response_expires_ms,                                                   \
    })

/* What is to be sent. */
struct found {
    struct s3_rec_bucket *bucket;
    struct s3_rec_version *version;
    struct s3_span span;
    const struct s3_rec_part *part; /* the one that was asked for; NULL: none was */
    bool is_partial;                /* 206 */
    bool is_not_modified;           /* 304 */
};

static vg_rc
check_asked(struct vg_req *rq, const struct asked *a)
{
    bool has_override = a->cache_control.ptr || a->content_disposition.ptr
                        || a->content_encoding.ptr || a->content_language.ptr || a->content_type.ptr
                        || a->expires_ms.set;
    if (has_override && s3_is_anonymous(rq))
        return s3_fail_invalid_request(
            rq, "Request specific response headers cannot be used for anonymous GET requests.");
    if (a->part_number.set && a->range.ptr)
        return s3_fail_invalid_request(
            rq, "Cannot specify both Range header and partNumber query parameter");
    if (a->part_number.set && (a->part_number.v < 1 || a->part_number.v > S3_LIMIT_PARTS))
        return s3_bad_argument(rq, "Part number must be an integer between 1 and 10000, inclusive",
                               "partNumber",
                               vg_str_fmt(rq->arena, "%lld", (long long)a->part_number.v));
    return VG_OK;
}

/* --- permissions --------------------------------------------------------------------------------
 */

/* "If you don't have the s3:ListBucket permission, Amazon S3 returns … 403 Access Denied". */
vg_rc
s3_hide_absence(struct vg_req *rq, const struct s3_at *at, vg_rc was)
{
    const struct vg_ctx ctx[] = { { VG_STR("s3:prefix"), at->key } };
    struct vg_str denial;
    if (was != VG_FAIL || rq->err->def != &s3_err_no_such_key)
        return was;
    const struct vg_err told = *rq->err;
    vg_rc rc = vg_denial(rq, VG_STR("s3:ListBucket"), s3_bucket_arn(rq, at->bucket), ctx,
                         VG_COUNT(ctx), &denial);
    if (rc != VG_OK)
        return rc;
    if (denial.ptr)
        return s3_fail_access_denied(rq, "%" VG_FMT, VG_ARG(denial));
    *rq->err = told;
    return VG_FAIL;
}

/* --- which bytes --------------------------------------------------------------------------------
 */

static vg_rc
bad_range(struct vg_req *rq, struct vg_str range, int64_t size)
{
    struct s3_invalid_range *d = VG_NEW(rq->arena, struct s3_invalid_range);
    d->range_requested = range;
    d->actual_object_size = vg_str_fmt(rq->arena, "%lld", (long long)size);
    return s3_fail_invalid_range_detail(rq, d, "The requested range is not satisfiable");
}

static vg_rc
bad_part(struct vg_req *rq, int64_t number, size_t count)
{
    struct s3_invalid_part_number *d = VG_NEW(rq->arena, struct s3_invalid_part_number);
    d->part_number_requested = vg_str_fmt(rq->arena, "%lld", (long long)number);
    d->actual_part_count = vg_str_fmt(rq->arena, "%zu", count);
    return s3_fail_invalid_part_number_detail(rq, d, "The requested partnumber is not satisfiable");
}

/* An object that was put at once has one part. */
static vg_rc
find_part(struct vg_req *rq, int64_t number, struct found *f)
{
    const struct s3_rec_version *v = f->version;
    int64_t from = 0;
    f->is_partial = v->size > 0;
    if (v->parts.len == 0)
        return number == 1 ? VG_OK : bad_part(rq, number, 1);
    for (size_t i = 0; i < v->parts.len; i++) {
        const struct s3_rec_part *p = &v->parts.items[i];
        if (p->number == number) {
            f->part = p;
            f->span = (struct s3_span) { from, p->size };
            return VG_OK;
        }
        from += p->size;
    }
    return bad_part(rq, number, v->parts.len);
}

static vg_rc
find_span(struct vg_req *rq, const struct asked *a, struct found *f)
{
    int64_t first, last, size = f->version->size;
    f->span = (struct s3_span) { 0, size };
    if (a->part_number.set)
        return find_part(rq, a->part_number.v, f);
    switch (s3_range(a->range, size, &first, &last)) {
    case S3_RANGE_NONE:
        return VG_OK;
    case S3_RANGE_BAD:
        return bad_range(rq, a->range, size);
    case S3_RANGE_ONE:
        break;
    }
    f->is_partial = true;
    f->span = (struct s3_span) { first, last - first + 1 };
    return VG_OK;
}

/* --- the version --------------------------------------------------------------------------------
 */

static vg_rc
check_class(struct vg_req *rq, const struct s3_rec_version *v)
{
    if (!s3_is_archived(rq, v))
        return VG_OK;
    struct s3_invalid_object_state *d = VG_NEW(rq->arena, struct s3_invalid_object_state);
    d->storage_class.text = v->storage_class;
    return s3_fail_invalid_object_state_detail(
        rq, d, "The operation is not valid for the object's storage class");
}

static vg_rc
find(struct vg_req *rq, const struct asked *a, const struct s3_customer_key *key, struct found *f)
    VG_WAITS
{
    const char *header;
    *f = (struct found) { .bucket = NULL };
    vg_rc rc = s3_need_version(rq, &a->at, &f->bucket, &f->version);
    if (rc != VG_OK)
        return s3_hide_absence(rq, &a->at, rc);
    s3_log_size(rq, f->version->size);
    rc = s3_customer_key_check(rq, f->version, key);
    if (rc != VG_OK)
        return rc;
    switch (s3_conditions_check(&a->conditions, f->version->etag, f->version->modified_ms,
                                vg_now_ms(rq->env), &header)) {
    case S3_CONDITION_FAILED:
        return s3_failed_condition(rq, header);
    case S3_CONDITION_NOT_MODIFIED:
        f->is_not_modified = true;
        return VG_OK;
    case S3_CONDITION_HOLDS:
        break;
    }
    if (!a->is_head)
        rc = check_class(rq, f->version);
    return rc == VG_OK ? find_span(rq, a, f) : rc;
}

static vg_rc
sources_of(struct vg_req *rq, const struct s3_at *at, const struct s3_rec_bucket *bucket,
           const struct s3_rec_version *v, struct s3_source **ret, size_t *ret_n, bool *ret_is_gone)
{
    *ret_n = v->content ? 1 : v->parts.len;
    *ret = VG_NEW_ARRAY(rq->arena, struct s3_source, *ret_n + 1);
    for (size_t i = 0; i < v->parts.len && !v->content; i++)
        (*ret)[i].content = v->parts.items[i].content;
    if (!v->content)
        return VG_OK;
    (*ret)->content = v->content;
    if (v->content->blob.ptr)
        return VG_OK;
    vg_rc rc = s3_store_small(rq, bucket, at->key, v, &(*ret)->small);
    *ret_is_gone = rc == VG_OK && !(*ret)->small.ptr;
    return rc;
}

/* Whether another one has taken the place of a version since it was looked up. */
static vg_rc
is_replaced(struct vg_req *rq, const struct s3_at *at, const struct s3_rec_bucket *bucket,
            const struct s3_rec_version *v, bool *ret)
{
    struct s3_rec_version *now;
    vg_rc rc = s3_store_version(rq, bucket, at->key, v->id, &now);
    *ret = rc == VG_OK
           && (!now || now->order != v->order || now->modified_ms != v->modified_ms
               || !vg_str_eq(now->etag, v->etag));
    return rc;
}

vg_rc
s3_version_reader(struct vg_req *rq, const struct s3_at *at, const struct s3_rec_bucket *bucket,
                  const struct s3_rec_version *v, const struct s3_customer_key *key,
                  struct s3_span span, struct s3_reader **ret, bool *ret_is_gone)
{
    s3_auto_key struct s3_customer_key with = *key;
    struct s3_source *sources;
    size_t n;
    *ret = NULL;
    *ret_is_gone = false;
    vg_rc rc = s3_kms_open(rq, bucket, v, &with);
    if (rc == VG_OK)
        rc = sources_of(rq, at, bucket, v, &sources, &n, ret_is_gone);
    if (rc != VG_OK || *ret_is_gone)
        return rc;
    const struct s3_sealer sealer = s3_sealer_of(bucket->account, &with);
    vg_rc opened =
        s3_reader_open(rq, &sealer, sources, n, (uint64_t)span.from, (uint64_t)span.bytes, ret);
    if (opened == VG_OK && n < 2)
        return VG_OK;
    const struct vg_err cause = *rq->err;
    rc = is_replaced(rq, at, bucket, v, ret_is_gone); /* of several some may be gone already */
    if (rc == VG_OK && !*ret_is_gone) {
        *rq->err = cause;
        return opened;
    }
    s3_reader_close(*ret);
    *ret = NULL;
    return rc;
}

/* --- answers ------------------------------------------------------------------------------------
 */

/* A name that a header can have (RFC 9110, 5.6.2). */
static bool
is_token(struct vg_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!is_word && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return true;
}

static void
set_metadata(struct vg_req *rq, const struct s3_rec_version *v, struct s3_get_object_output *out)
{
    struct s3_metadata *to = &out->metadata;
    to->items = VG_NEW_ARRAY(rq->arena, struct s3_metadata__entry, v->metadata.len + 1);
    to->set = true;
    for (size_t i = 0; i < v->metadata.len; i++) {
        const struct s3_rec_pair *p = &v->metadata.items[i];
        if (!is_token(p->name)) {
            out->missing_meta = (struct vg_opt_i64) { true, out->missing_meta.v + 1 };
            continue;
        }
        to->items[to->len].key = p->name;
        to->items[to->len++].value = s3_header_text_encode(rq->arena, p->value);
    }
}

static struct vg_str
or_else(struct vg_str asked, struct vg_str stored)
{
    return asked.ptr ? asked : stored;
}

static void
set_headers(struct vg_req *rq, const struct asked *a, const struct s3_rec_version *v,
            struct s3_get_object_output *out)
{
    out->cache_control = or_else(a->cache_control, v->cache_control);
    out->content_disposition = or_else(a->content_disposition, v->content_disposition);
    out->content_encoding = or_else(a->content_encoding, v->content_encoding);
    out->content_language = or_else(a->content_language, v->content_language);
    out->content_type =
        or_else(a->content_type, or_else(v->content_type, VG_STR("binary/octet-stream")));
    out->expires = v->expires;
    if (a->expires_ms.set)
        out->expires = vg_time_http(rq->arena, a->expires_ms.v);
}

/* What only those learn who may ask for it. */
static vg_rc
set_guarded(struct vg_req *rq, const struct asked *a, const struct s3_rec_version *v,
            struct s3_get_object_output *out) VG_WAITS
{
    struct vg_str arn = s3_object_arn(rq, a->at.bucket, a->at.key);
    bool may = false;
    vg_rc rc = VG_OK;
    if (v->tags.len > 0)
        rc = vg_allowed(rq,
                        a->at.version_id.ptr ? VG_STR("s3:GetObjectVersionTagging")
                                             : VG_STR("s3:GetObjectTagging"),
                        arn, NULL, 0, &may);
    if (may)
        out->tag_count = (struct vg_opt_i64) { true, (int64_t)v->tags.len };
    may = false;
    if (rc == VG_OK && v->lock_mode.ptr)
        rc = vg_allowed(rq, VG_STR("s3:GetObjectRetention"), arn, NULL, 0, &may);
    if (may) {
        out->object_lock_mode.text = v->lock_mode;
        out->object_lock_retain_until_date_ms = v->lock_until_ms;
    }
    may = false;
    if (rc == VG_OK && v->was_hold_set)
        rc = vg_allowed(rq, VG_STR("s3:GetObjectLegalHold"), arn, NULL, 0, &may);
    if (may)
        out->object_lock_legal_hold_status =
            VG_ENUM(v->has_legal_hold ? S3_OBJECT_LOCK_LEGAL_HOLD_STATUS_ON
                                      : S3_OBJECT_LOCK_LEGAL_HOLD_STATUS_OFF);
    return rc;
}

/* A checksum is of all that is sent, or it is not told: those of parts where they make a composite
 * one, https://github.com/localstack/localstack/pull/12842 */
static void
set_checksum(const struct asked *a, const struct found *f, struct s3_get_object_output *out)
{
    const struct s3_rec_version *v = f->version;
    if (a->checksum_mode.v != S3_CHECKSUM_MODE_ENABLED)
        return;
    bool is_comp = v->checksum && vg_str_eq(v->checksum->type, S3_COMPOSITE);
    if (f->part && is_comp) {
        S3_SET_CHECKSUM(out, f->part->checksum);
        out->checksum_type.text = v->checksum->type;
    } else if (f->span.bytes == v->size) {
        S3_SET_CHECKSUM(out, v->checksum);
    }
}

static vg_rc
set_answer(struct vg_req *rq, const struct asked *a, const struct found *f,
           struct s3_get_object_output *out) VG_WAITS
{
    const struct s3_rec_version *v = f->version;
    out->e_tag = s3_etag(rq, v);
    out->last_modified_ms = s3_time_shown(v->modified_ms);
    out->version_id = s3_version_shown(f->bucket, v);
    if (f->is_not_modified) {
        out->cache_control = v->cache_control;
        out->expires = v->expires;
        return VG_OK;
    }
    set_headers(rq, a, v, out);
    set_metadata(rq, v, out);
    set_checksum(a, f, out);
    S3_SET_ENCRYPTION(out, v);
    out->accept_ranges = VG_STR("bytes");
    out->content_length = (struct vg_opt_i64) { true, f->span.bytes };
    out->website_redirect_location = v->redirect;
    out->storage_class.text = v->storage_class;
    out->restore = s3_restore_header(rq, v);
    if (f->is_partial)
        out->content_range =
            vg_str_fmt(rq->arena, "bytes %lld-%lld/%lld", (long long)f->span.from,
                       (long long)(f->span.from + f->span.bytes - 1), (long long)v->size);
    if (f->part)
        out->parts_count = (struct vg_opt_i64) { true, (int64_t)v->parts.len };
    vg_rc rc = a->at.version_id.ptr
                   ? VG_OK
                   : s3_lifecycle_expiration(rq, f->bucket, a->at.key, v, &out->expiration);
    return rc == VG_OK ? set_guarded(rq, a, v, out) : rc;
}

static int
status_of(const struct found *f)
{
    return f->is_not_modified ? 304 : f->is_partial ? 206 : 200;
}

/* --- GetObject ----------------------------------------------------------------------------------
 */

/* The object as it is when its first bytes are at hand; who replaces it then changes nothing. */
static vg_rc
find_and_open(struct vg_req *rq, const struct asked *a, const struct s3_customer_key *key,
              struct found *f, struct s3_reader **ret) VG_WAITS
{
    for (int i = 0; i < TRIES_MAX; i++) {
        bool is_gone = false;
        vg_rc rc = find(rq, a, key, f);
        if (rc != VG_OK || f->is_not_modified)
            return rc;
        rc = s3_version_reader(rq, &a->at, f->bucket, f->version, key, f->span, ret, &is_gone);
        if (rc != VG_OK || !is_gone)
            return rc;
    }
    return vg_err_set(rq->err, "an object is replaced faster than it can be read");
}

static vg_rc
send(struct vg_req *rq, struct s3_reader *r) VG_WAITS
{
    struct vg_str piece = VG_STR("-");
    vg_rc rc = VG_OK;
    while (rc == VG_OK && piece.len > 0) {
        rc = s3_reader_next(r, &piece);
        if (rc == VG_OK && piece.len > 0)
            rc = vg_reply_write(rq, piece);
    }
    return rc;
}

vg_rc
s3_get_object(struct vg_req *rq, const struct s3_get_object_request *in,
              struct s3_get_object_output *out)
{
    s3_auto_key struct s3_customer_key key = { .is_given = false };
    s3_auto_reader struct s3_reader *reader = NULL;
    const struct asked a = ASKED(in);
    struct found f;
    vg_rc rc = check_asked(rq, &a);
    if (rc == VG_OK)
        rc = s3_customer_key_read(rq, &a.key, &key);
    if (rc == VG_OK)
        rc = find_and_open(rq, &a, &key, &f, &reader);
    if (rc == VG_OK)
        rc = set_answer(rq, &a, &f, out);
    if (rc != VG_OK)
        return rc;
    vg_reply_status(rq, status_of(&f));
    if (f.is_not_modified)
        return VG_OK;
    rc = vg_reply_begin(rq, out, 0, f.span.bytes);
    return rc == VG_OK ? send(rq, reader) : rc;
}

/* --- HeadObject ---------------------------------------------------------------------------------
 */

static void
copy_answer(const struct s3_get_object_output *from, struct s3_head_object_output *to)
{
    *to = (struct s3_head_object_output) {
        .accept_ranges = from->accept_ranges,
        .expiration = from->expiration,
        .restore = from->restore,
        .last_modified_ms = from->last_modified_ms,
        .content_length = from->content_length,
        .checksum_crc32 = from->checksum_crc32,
        .checksum_crc32_c = from->checksum_crc32_c,
        .checksum_crc64_nvme = from->checksum_crc64_nvme,
        .checksum_sha1 = from->checksum_sha1,
        .checksum_sha256 = from->checksum_sha256,
        .checksum_type = from->checksum_type,
        .e_tag = from->e_tag,
        .missing_meta = from->missing_meta,
        .version_id = from->version_id,
        .cache_control = from->cache_control,
        .content_disposition = from->content_disposition,
        .content_encoding = from->content_encoding,
        .content_language = from->content_language,
        .content_type = from->content_type,
        .content_range = from->content_range,
        .expires = from->expires,
        .website_redirect_location = from->website_redirect_location,
        .server_side_encryption = from->server_side_encryption,
        .ssekms_key_id = from->ssekms_key_id,
        .bucket_key_enabled = from->bucket_key_enabled,
        .metadata = from->metadata,
        .sse_customer_algorithm = from->sse_customer_algorithm,
        .sse_customer_key_md5 = from->sse_customer_key_md5,
        .storage_class = from->storage_class,
        .parts_count = from->parts_count,
        .tag_count = from->tag_count,
        .object_lock_mode = from->object_lock_mode,
        .object_lock_retain_until_date_ms = from->object_lock_retain_until_date_ms,
        .object_lock_legal_hold_status = from->object_lock_legal_hold_status,
    };
}

vg_rc
s3_head_object(struct vg_req *rq, const struct s3_head_object_request *in,
               struct s3_head_object_output *out)
{
    s3_auto_key struct s3_customer_key key = { .is_given = false };
    struct s3_get_object_output answer = { .body = VG_STR_NONE };
    struct asked a = ASKED(in);
    struct found f;
    a.is_head = true;
    vg_rc rc = check_asked(rq, &a);
    if (rc == VG_OK)
        rc = s3_customer_key_read(rq, &a.key, &key);
    if (rc == VG_OK)
        rc = find(rq, &a, &key, &f);
    if (rc == VG_OK)
        rc = set_answer(rq, &a, &f, &answer);
    if (rc != VG_OK)
        return rc;
    vg_reply_status(rq, status_of(&f));
    copy_answer(&answer, out);
    return VG_OK;
}
