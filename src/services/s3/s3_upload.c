/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Uploads in parts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 *
 * Completing one copies nothing: the version's parts refer to the contents that were uploaded.
 */

#include "services/s3/s3_upload.h"

#include "core/env.h"
#include "services/s3/s3_digest.h"
#include "services/s3/s3_headers.h"
#include "services/s3/s3_kms.h"
#include "services/s3/s3_lifecycle.h"
#include "services/s3/s3_log_note.h"
#include "services/s3/s3_notify.h"
#include "services/s3/s3_object_rules.h"
#include "wire/shape.h"

#define DEFAULT_SUM VG_STR("CRC64NVME")

/* --- what all of them share ---------------------------------------------------------------------
 */

vg_rc
s3_no_upload(struct vg_req *rq, struct vg_str id)
{
    struct s3_no_such_upload *d = VG_NEW(rq->arena, struct s3_no_such_upload);
    d->upload_id = id;
    return s3_fail_no_such_upload_detail(
        rq, d,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
        "been aborted or completed.");
}

vg_rc
s3_need_upload(struct vg_req *rq, const struct s3_upload_at *at, struct s3_rec_bucket **ret_bucket,
               struct s3_rec_upload **ret)
{
    vg_rc rc = s3_need_bucket(rq, at->bucket, at->owner, ret_bucket);
    if (rc == VG_OK)
        rc = s3_store_upload(rq, *ret_bucket, at->key, at->id, ret);
    return rc == VG_OK && !*ret ? s3_no_upload(rq, at->id) : rc;
}

/* To begin or end it. *ret NULL: there is none. */
static vg_rc
edit_upload(struct vg_req *rq, const struct s3_upload_at *at, struct s3_object_edit *e,
            struct s3_rec_upload **ret) VG_WAITS
{
    struct s3_rec_bucket *bucket;
    vg_rc rc = s3_need_bucket(rq, at->bucket, at->owner, &bucket);
    if (rc == VG_OK)
        rc = s3_store_edit_upload(rq, bucket, at->key, at->id, e, ret);
    return rc == VG_OK && !e->bucket ? s3_no_bucket(rq, at->bucket) : rc;
}

struct s3_initiator *
s3_initiator_of(struct vg_req *rq, const struct s3_rec_upload *upload)
{
    struct s3_initiator *who = VG_NEW(rq->arena, struct s3_initiator);
    who->id = upload->initiator.ptr ? upload->initiator : s3_canonical_id(rq->arena, upload->owner);
    return who;
}

struct vg_str
s3_quoted(struct vg_req *rq, struct vg_str etag)
{
    return vg_str_fmt(rq->arena, "\"%" VG_FMT "\"", VG_ARG(etag));
}

vg_rc
s3_other_checksum(struct vg_req *rq, struct vg_str expected, struct vg_str actual)
{
    return s3_fail_invalid_request(
        rq,
        "Checksum Type mismatch occurred, expected checksum Type: %" VG_FMT
        ", actual checksum Type: %" VG_FMT,
        VG_ARG(vg_str_lower(rq->arena, expected)),
        VG_ARG(actual.ptr ? vg_str_lower(rq->arena, actual) : VG_STR("null")));
}

bool
s3_is_composite(const struct s3_rec_upload *u)
{
    return u->checksum_type.ptr && vg_str_eq(u->checksum_type, S3_COMPOSITE);
}

/* --- CreateMultipartUpload ----------------------------------------------------------------------
 */

static vg_rc
read_checksum(struct vg_req *rq, const struct s3_create_multipart_upload_request *in,
              struct s3_rec_upload *u)
{
    struct vg_str algorithm = in->checksum_algorithm.text, type = in->checksum_type.text;
    enum vg_checksum_kind kind;
    bool is_comp;
    if (!algorithm.ptr)
        return type.ptr ? s3_fail_invalid_request(
                   rq, "The x-amz-checksum-type header can only be used with the "
                       "x-amz-checksum-algorithm header.")
                        : VG_OK;
    vg_rc rc = s3_checksum_asked(rq, algorithm, &kind);
    if (rc == VG_OK)
        rc = s3_checksum_type(rq, kind, type, &is_comp);
    if (rc != VG_OK)
        return rc;
    u->checksum_algorithm = s3_checksum_name(kind);
    u->checksum_type = is_comp ? S3_COMPOSITE : S3_FULL_OBJECT;
    return VG_OK;
}

static vg_rc
read_headers(struct vg_req *rq, const struct s3_create_multipart_upload_request *in,
             const struct s3_rec_bucket *bucket, struct s3_rec_version *v) VG_WAITS
{
    s3_auto_key struct s3_customer_key key = { .is_given = false };
    const struct s3_key_asked asked = S3_KEY_ASKED(in);
    const struct s3_object_headers h = S3_OBJECT_HEADERS(in);
    vg_rc rc = s3_customer_key_read(rq, &asked, &key);
    if (rc == VG_OK)
        rc = s3_headers_read(rq, bucket, in->key, &h, &key, v);
    if (rc == VG_OK)
        rc = s3_headers_read_metadata(rq, &h, v);
    return rc == VG_OK ? s3_headers_read_tags(rq, in->tagging, v) : rc;
}

static vg_rc
new_upload(struct vg_req *rq, const struct s3_create_multipart_upload_request *in,
           const struct s3_rec_bucket *bucket, struct s3_rec_upload *u) VG_WAITS
{
    const struct vg_principal *who = rq->scope->caller;
    struct s3_rec_version *v = VG_NEW(rq->arena, struct s3_rec_version);
    *u = (struct s3_rec_upload) {
        .id = s3_new_upload_id(rq),
        .key = in->key,
        .initiated_ms = vg_now_ms(rq->env),
        .version = v,
    };
    vg_rc rc = s3_check_key(rq, in->key);
    if (rc == VG_OK)
        rc = read_headers(rq, in, bucket, v);
    if (rc == VG_OK)
        rc = read_checksum(rq, in, u);
    u->owner = v->owner;
    if (who && who->kind != VG_PRINCIPAL_ROOT && who->kind != VG_PRINCIPAL_ANONYMOUS)
        u->initiator = who->arn;
    return rc;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
vg_rc
s3_create_multipart_upload(struct vg_req *rq, const struct s3_create_multipart_upload_request *in,
                           struct s3_create_multipart_upload_output *out)
{
    s3_auto_object struct s3_object_edit e = { 0 };
    struct s3_rec_upload u, *none;
    struct s3_rec_bucket *bucket;
    vg_rc rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &bucket);
    if (rc == VG_OK)
        rc = new_upload(rq, in, bucket, &u);
    if (rc != VG_OK)
        return rc;
    const struct s3_upload_at at = { in->bucket, in->key, u.id, in->expected_bucket_owner };
    rc = edit_upload(rq, &at, &e, &none);
    if (rc != VG_OK)
        return rc;
    s3_store_add_upload(&e, &u);
    out->bucket = in->bucket;
    out->key = in->key;
    out->upload_id = u.id;
    out->checksum_algorithm.text = u.checksum_algorithm;
    out->checksum_type.text = u.checksum_type;
    S3_SET_ENCRYPTION(out, u.version);
    out->ssekms_encryption_context =
        s3_kms_context_shown(rq, in->ssekms_encryption_context, u.version);
    rc = s3_lifecycle_abortion(rq, e.bucket, &u, &out->abort_date_ms, &out->abort_rule_id);
    return rc == VG_OK ? s3_store_object_commit(&e) : rc;
}

/* --- AbortMultipartUpload -----------------------------------------------------------------------
 */

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
vg_rc
s3_abort_multipart_upload(struct vg_req *rq, const struct s3_abort_multipart_upload_request *in,
                          struct s3_abort_multipart_upload_output *out)
{
    s3_auto_object struct s3_object_edit e = { 0 };
    const struct s3_upload_at at = S3_UPLOAD_AT(in);
    struct s3_rec_upload *upload;
    (void)out;
    if (in->if_match_initiated_time_ms.set)
        return s3_not_built(rq, "x-amz-if-match-initiated-time, which is for directory buckets,");
    vg_rc rc = edit_upload(rq, &at, &e, &upload);
    if (rc == VG_OK && !upload)
        return s3_no_upload(rq, at.id);
    if (rc == VG_OK)
        rc = s3_store_abort_upload(&e, upload);
    return rc == VG_OK ? s3_store_object_commit(&e) : rc;
}

/* --- ListParts ----------------------------------------------------------------------------------
 */

static void
put_parts(struct vg_req *rq, const struct s3_rec_upload *upload,
          const struct s3_upload_parts *parts, struct s3_list_parts_output *out)
{
    out->parts.items = VG_NEW_ARRAY(rq->arena, struct s3_part, parts->len + 1);
    out->parts.len = parts->len;
    for (size_t i = 0; i < parts->len; i++) {
        const struct s3_rec_part *p = &parts->items[i];
        struct s3_part *to = &out->parts.items[i];
        struct vg_str *const sums[] = S3_SUMS(to);
        to->part_number = (struct vg_opt_i64) { true, p->number };
        to->last_modified_ms = s3_time_shown(p->modified_ms);
        to->e_tag = s3_quoted(rq, p->etag);
        to->size = (struct vg_opt_i64) { true, p->size };
        if (upload->checksum_algorithm.ptr)
            s3_sums_put(sums, p->checksum);
    }
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html */
vg_rc
s3_list_parts(struct vg_req *rq, const struct s3_list_parts_request *in,
              struct s3_list_parts_output *out)
{
    const struct s3_upload_at at = S3_UPLOAD_AT(in);
    struct s3_rec_bucket *bucket;
    struct s3_rec_upload *upload;
    struct s3_upload_parts parts = { .len = 0 };
    vg_rc rc = s3_check_number(rq, in->max_parts, "max-parts");
    if (rc == VG_OK)
        rc = s3_check_number(rq, in->part_number_marker, "part-number-marker");
    if (rc == VG_OK)
        rc = s3_need_upload(rq, &at, &bucket, &upload);
    if (rc != VG_OK)
        return rc;
    int64_t max = VG_MIN(vg_opt_or(in->max_parts, S3_LIMIT_PAGE_KEYS), S3_LIMIT_PAGE_KEYS);
    int64_t after = vg_opt_or(in->part_number_marker, 0);
    if (max > 0)
        rc = s3_store_parts(rq, bucket, at.id, (uint32_t)after, (uint32_t)max, &parts);
    int64_t last = parts.len ? parts.items[parts.len - 1].number : 0;
    *out = (struct s3_list_parts_output) {
        .bucket = in->bucket,
        .key = in->key,
        .upload_id = in->upload_id,
        .part_number_marker = { true, after },
        .next_part_number_marker = { true, last },
        .max_parts = { true, max },
        .is_truncated = { true, parts.has_more },
        .initiator = s3_initiator_of(rq, upload),
        .owner = s3_owner_of(rq, upload->owner),
        .storage_class.text = upload->version->storage_class.ptr ? upload->version->storage_class
                                                                 : VG_STR("STANDARD"),
        .checksum_algorithm.text = upload->checksum_algorithm,
        .checksum_type.text = upload->checksum_type,
    };
    put_parts(rq, upload, &parts, out);
    if (rc == VG_OK)
        rc = s3_lifecycle_abortion(rq, bucket, upload, &out->abort_date_ms, &out->abort_rule_id);
    return rc;
}

/* --- CompleteMultipartUpload: what is asked against what is there -------------------------------
 */

/* ETags come with or without quotes. */
static struct vg_str
bare(struct vg_str etag)
{
    bool is_quoted = etag.len >= 2 && etag.ptr[0] == '"' && etag.ptr[etag.len - 1] == '"';
    return is_quoted ? vg_str_slice(etag, 1, etag.len - 1) : etag;
}

static vg_rc
bad_part(struct vg_req *rq, struct vg_str id, const struct s3_completed_part *part)
{
    struct s3_invalid_part *d = VG_NEW(rq->arena, struct s3_invalid_part);
    d->upload_id = id;
    d->part_number = vg_str_fmt(rq->arena, "%lld", (long long)part->part_number.v);
    d->e_tag = bare(part->e_tag);
    return s3_fail_invalid_part_detail(
        rq, d,
        "One or more of the specified parts could not be found.  The part may not have been "
        "uploaded, or the specified entity tag may not match the part's entity tag.");
}

static vg_rc
bad_order(struct vg_req *rq, struct vg_str upload_id, const char *text)
{
    struct s3_invalid_part_order *d = VG_NEW(rq->arena, struct s3_invalid_part_order);
    d->upload_id = upload_id;
    return s3_fail_invalid_part_order_detail(rq, d, "%s", text);
}

/* Before anything is looked up. */
static vg_rc
check_list(struct vg_req *rq, const struct s3_complete_multipart_upload_request *in)
{
    if (!in->multipart_upload)
        return s3_malformed_xml(rq);
    const struct s3_completed_part_list *list = &in->multipart_upload->parts;
    if (list->len == 0)
        return s3_fail_invalid_request(rq, "You must specify at least one part");
    for (size_t i = 0; i < list->len; i++) {
        if (!list->items[i].e_tag.ptr || !list->items[i].part_number.set)
            return s3_malformed_xml(rq);
        if (i == 0 || list->items[i].part_number.v > list->items[i - 1].part_number.v)
            continue;
        return bad_order(rq, in->upload_id,
                         "The list of parts was not in ascending order. Parts must be ordered by "
                         "part number.");
    }
    return VG_OK;
}

/*
 * The client's checksum of a part, which composite ones need.  An upload without an algorithm takes
 * none: so measured by LocalStack's tests against S3 (tests/aws/services/s3, checksums of parts).
 */
static vg_rc
check_part_sum(struct vg_req *rq, const struct s3_rec_upload *u,
               const struct s3_completed_part *asked, const struct s3_rec_part *part)
{
    const struct vg_str *const sums[] = S3_SUMS(asked);
    struct vg_str algorithm, value, wanted = u->checksum_algorithm;
    size_t n = s3_sums_get(sums, &algorithm, &value);
    if (n == 0 && s3_is_composite(u))
        return s3_fail_invalid_request(
            rq,
            "The upload was created using a %" VG_FMT " checksum. The complete request must "
            "include the checksum for each part. It was missing for part %u in the request.",
            VG_ARG(vg_str_lower(rq->arena, wanted)), (unsigned)part->number);
    if (n == 0)
        return VG_OK;
    if (wanted.ptr && !vg_str_eq(algorithm, wanted))
        return s3_fail_bad_digest(
            rq, "The %" VG_FMT " you specified for part %u did not match what we received.",
            VG_ARG(vg_str_lower(rq->arena, algorithm)), (unsigned)part->number);
    bool is_it = n == 1 && wanted.ptr && part->checksum && vg_str_eq(value, part->checksum->value);
    return is_it ? VG_OK : bad_part(rq, u->id, asked);
}

static vg_rc
too_small(struct vg_req *rq, const struct s3_rec_part *part)
{
    struct s3_entity_too_small *d = VG_NEW(rq->arena, struct s3_entity_too_small);
    d->proposed_size = vg_str_fmt(rq->arena, "%lld", (long long)part->size);
    d->min_size_allowed = vg_str_fmt(rq->arena, "%d", S3_LIMIT_PART_MIN_BYTES);
    d->part_number = vg_str_fmt(rq->arena, "%u", (unsigned)part->number);
    d->e_tag = part->etag;
    return s3_fail_entity_too_small_detail(
        rq, d, "Your proposed upload is smaller than the minimum allowed size");
}

/* Both are in order: marks those of `all` that are asked for, and gives them to the version. */
static vg_rc
take_parts(struct vg_req *rq, const struct s3_rec_upload *u,
           const struct s3_completed_part_list *asked, const struct s3_upload_parts *all,
           bool *is_used, struct s3_rec_version *v)
{
    size_t k = 0;
    v->parts.items = VG_NEW_ARRAY(rq->arena, struct s3_rec_part, asked->len);
    for (size_t i = 0; i < asked->len; i++) {
        const struct s3_completed_part *a = &asked->items[i];
        while (k < all->len && all->items[k].number < a->part_number.v)
            k++;
        if (k == all->len || all->items[k].number != a->part_number.v
            || !vg_str_eq(all->items[k].etag, bare(a->e_tag)))
            return bad_part(rq, u->id, a);
        vg_rc rc = check_part_sum(rq, u, a, &all->items[k]);
        if (rc == VG_OK && s3_is_composite(u) && a->part_number.v != (int64_t)i + 1)
            rc = bad_order(rq, u->id, "Composite checksums need consecutive parts from 1 on.");
        if (rc != VG_OK)
            return rc;
        is_used[k] = true;
        v->size += all->items[k].size;
        v->parts.items[v->parts.len++] = all->items[k];
    }
    for (size_t i = 0; i + 1 < v->parts.len; i++)
        if (v->parts.items[i].size < S3_LIMIT_PART_MIN_BYTES)
            return too_small(rq, &v->parts.items[i]);
    return VG_OK;
}

/* An object may be as large as its parts make it: 10,000 of 5 GiB, "48.8 TiB". */
static vg_rc
check_size(struct vg_req *rq, const struct s3_complete_multipart_upload_request *in, int64_t size)
{
    int64_t said = vg_opt_or(in->mpu_object_size, size);
    if (said < 0)
        return s3_fail_invalid_request(
            rq, "Value for x-amz-mp-object-size header is less than zero: '%lld'", (long long)said);
    return said == size
               ? VG_OK
               : s3_fail_invalid_request(
                   rq,
                   "The provided 'x-amz-mp-object-size' header value %lld does not match what was "
                   "computed: %lld",
                   (long long)said, (long long)size);
}

/* --- CompleteMultipartUpload: checksums ---------------------------------------------------------
 */

static vg_rc
check_type(struct vg_req *rq, const struct s3_rec_upload *u, struct vg_str said)
{
    struct vg_str type = u->checksum_type.ptr ? u->checksum_type : S3_FULL_OBJECT;
    if (!said.ptr || vg_str_eq_nocase(said, type))
        return VG_OK;
    if (!vg_str_eq_nocase(said, S3_COMPOSITE) && !vg_str_eq_nocase(said, S3_FULL_OBJECT))
        return s3_fail_invalid_request(rq, "Value for x-amz-checksum-type header is invalid.");
    return s3_fail_invalid_request(rq,
                                   "The upload was created using the %" VG_FMT
                                   " checksum mode. The complete request must use the same "
                                   "checksum mode.",
                                   VG_ARG(type));
}

/* Of a composite one, clients may leave the number of parts out. */
static struct vg_str
without_count(struct vg_str value)
{
    return vg_str_cut(&value, '-');
}

/* What the client says of the whole against what the parts make.  S3 names the algorithm in lower
 * case here: https://github.com/apache/arrow-rs-object-store/issues/709 */
static vg_rc
check_whole(struct vg_req *rq, enum vg_checksum_kind kind, struct vg_str said,
            const struct s3_rec_checksum *whole)
{
    bool is_comp = vg_str_eq(whole->type, S3_COMPOSITE);
    struct vg_str plain = is_comp ? without_count(said) : said, calculated = whole->value;
    vg_rc rc = s3_checksum_declared(rq, kind, plain, false);
    if (rc == VG_OK && is_comp && vg_str_eq(plain, said))
        calculated = without_count(calculated);
    if (rc != VG_OK || vg_str_eq(said, calculated))
        return rc;
    return s3_fail_bad_digest(
        rq, "The %" VG_FMT " you specified did not match the calculated checksum.",
        VG_ARG(vg_str_lower(rq->arena, whole->algorithm)));
}

/* One of another kind than the upload's can be held to the parts where that asked for none, and
 * they have it. */
static vg_rc
check_said(struct vg_req *rq, const struct s3_rec_upload *u, const struct s3_rec_version *v,
           struct vg_str algorithm, struct vg_str said)
{
    enum vg_checksum_kind kind;
    struct vg_str has = u->checksum_algorithm.ptr ? u->checksum_algorithm : DEFAULT_SUM;
    const struct s3_rec_checksum *whole = NULL;
    if (!s3_checksum_kind(algorithm, &kind))
        return s3_other_checksum(rq, has, algorithm);
    if (vg_str_eq(algorithm, has))
        whole = v->checksum;
    else if (!u->checksum_algorithm.ptr && vg_checksum_is_crc(kind))
        whole = s3_parts_checksum(rq->arena, kind, false, v);
    return whole ? check_whole(rq, kind, said, whole) : s3_other_checksum(rq, has, algorithm);
}

/*
 * The version's checksum, held against what the client says of the whole.  Without an algorithm of
 * the upload's it is CRC64NVME:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
static vg_rc
set_checksum(struct vg_req *rq, const struct s3_complete_multipart_upload_request *in,
             const struct s3_rec_upload *u, struct s3_rec_version *v)
{
    const struct vg_str *const sums[] = S3_SUMS(in);
    struct vg_str algorithm, value;
    enum vg_checksum_kind kind = VG_CRC64NVME;
    size_t n = s3_sums_get(sums, &algorithm, &value);
    if (n > 1)
        return s3_fail_invalid_request(rq, "Expecting a single x-amz-checksum- header. Multiple "
                                           "checksum Types are not allowed.");
    if (u->checksum_algorithm.ptr && !s3_checksum_kind(u->checksum_algorithm, &kind))
        return vg_err_set(rq->err, "an upload has a checksum of an unknown kind");
    vg_rc rc = check_type(rq, u, in->checksum_type.text);
    if (rc != VG_OK)
        return rc;
    v->checksum = s3_parts_checksum(rq->arena, kind, s3_is_composite(u), v);
    return n ? check_said(rq, u, v, algorithm, value) : VG_OK;
}

/* --- CompleteMultipartUpload --------------------------------------------------------------------
 */

static vg_rc
make_version(struct vg_req *rq, const struct s3_complete_multipart_upload_request *in,
             const struct s3_rec_upload *u, const struct s3_upload_parts *all, bool *is_used,
             struct s3_rec_version *v)
{
    const struct s3_completed_part_list *asked = &in->multipart_upload->parts;
    struct vg_str *etags = VG_NEW_ARRAY(rq->arena, struct vg_str, asked->len);
    *v = *u->version;
    v->owner = u->owner;
    v->upload = u->id;
    /* "For multipart uploads, the object creation date is the date of initiation":
     * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html */
    v->modified_ms = u->initiated_ms;
    vg_rc rc = take_parts(rq, u, asked, all, is_used, v);
    if (rc == VG_OK)
        rc = check_size(rq, in, v->size);
    if (rc == VG_OK)
        rc = set_checksum(rq, in, u, v);
    if (rc != VG_OK)
        return rc;
    for (size_t i = 0; i < v->parts.len; i++)
        etags[i] = v->parts.items[i].etag;
    return s3_parts_etag(rq->arena, etags, v->parts.len, &v->etag)
               ? VG_OK
               : vg_err_set(rq->err, "a part has an ETag that is none");
}

static vg_rc
answer(struct vg_req *rq, const struct s3_complete_multipart_upload_request *in,
       const struct s3_rec_bucket *bucket, const struct s3_rec_version *v,
       struct s3_complete_multipart_upload_output *out)
{
    struct vg_str *const sums[] = S3_SUMS(out);
    *out = (struct s3_complete_multipart_upload_output) {
        .location = vg_str_fmt(rq->arena, "%" VG_FMT "/%" VG_FMT "/%" VG_FMT,
                               VG_ARG(rq->env->config->endpoint), VG_ARG(in->bucket),
                               VG_ARG(s3_url_encode(rq->arena, in->key))),
        .bucket = in->bucket,
        .key = in->key,
        .e_tag = s3_etag(rq, v),
        .checksum_type.text = v->checksum ? v->checksum->type : VG_STR_NONE,
        .version_id = s3_version_made(bucket, v),
    };
    if (v->kms_key.ptr) {
        out->server_side_encryption = VG_ENUM(S3_SERVER_SIDE_ENCRYPTION_AWS_KMS);
        out->ssekms_key_id = v->kms_key;
        out->bucket_key_enabled = (struct vg_opt_bool) { v->has_bucket_key, true };
    } else if (!v->customer_key_md5.ptr) {
        out->server_side_encryption = VG_ENUM(S3_SERVER_SIDE_ENCRYPTION_AES256);
    }
    s3_sums_put(sums, v->checksum);
    return s3_lifecycle_expiration(rq, bucket, in->key, v, &out->expiration);
}

/*
 * It may have been completed by the same request before, whose answer was lost: then it is given
 * once more for as long as that version is the latest.
 */
static vg_rc
complete_again(struct vg_req *rq, const struct s3_complete_multipart_upload_request *in,
               const struct s3_object_edit *e, struct s3_complete_multipart_upload_output *out)
{
    const struct s3_completed_part_list *asked = &in->multipart_upload->parts;
    const struct s3_rec_version *v = e->latest;
    if (!v || !v->upload.ptr || !vg_str_eq(v->upload, in->upload_id))
        return s3_no_upload(rq, in->upload_id);
    for (size_t i = 0; i < asked->len; i++)
        if (i >= v->parts.len || asked->items[i].part_number.v != v->parts.items[i].number
            || !vg_str_eq(bare(asked->items[i].e_tag), v->parts.items[i].etag))
            return bad_part(rq, in->upload_id, &asked->items[i]);
    if (asked->len != v->parts.len)
        return s3_no_upload(rq, in->upload_id);
    return answer(rq, in, e->bucket, v, out);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
vg_rc
s3_complete_multipart_upload(struct vg_req *rq,
                             const struct s3_complete_multipart_upload_request *in,
                             struct s3_complete_multipart_upload_output *out)
{
    s3_auto_object struct s3_object_edit e = { 0 };
    const struct s3_upload_at at = S3_UPLOAD_AT(in);
    struct s3_rec_upload *upload;
    struct s3_rec_version *v = VG_NEW(rq->arena, struct s3_rec_version);
    struct s3_upload_parts all;
    vg_rc rc = check_list(rq, in);
    if (rc == VG_OK)
        rc = s3_write_condition_check(rq, in->if_match, in->if_none_match);
    if (rc == VG_OK)
        rc = edit_upload(rq, &at, &e, &upload);
    if (rc == VG_OK && !upload)
        return complete_again(rq, in, &e, out);
    if (rc == VG_OK)
        rc = s3_write_condition_holds(&e, in->if_match, in->if_none_match);
    if (rc == VG_OK)
        rc = s3_store_edit_parts(&e, at.id, &all);
    if (rc != VG_OK)
        return rc;
    bool *is_used = VG_NEW_ARRAY(rq->arena, bool, all.len + 1);
    rc = make_version(rq, in, upload, &all, is_used, v);
    s3_log_size(rq, v->size);
    if (rc == VG_OK)
        rc = s3_lock_by_default(&e, v);
    if (rc == VG_OK)
        rc = s3_store_add_version(&e, v, VG_STR_NONE);
    if (rc == VG_OK)
        rc = s3_notify(&e, S3_CREATED_IN_PARTS, v);
    if (rc != VG_OK)
        return rc;
    s3_store_end_upload(&e, upload, &all, is_used);
    rc = answer(rq, in, e.bucket, v, out);
    return rc == VG_OK ? s3_store_object_commit(&e) : rc;
}
