/* SPDX-License-Identifier: Apache-2.0 */

/* Parts of uploads, sent or copied from objects. */

#include "services/s3/s3_upload.h"

#include "core/env.h"
#include "crypto/random.h"
#include "services/s3/s3_digest.h"
#include "services/s3/s3_headers.h"
#include "services/s3/s3_kms.h"
#include "services/s3/s3_log_note.h"
#include "services/s3/s3_object_rules.h"
#include "wire/shape.h"

/* --- what both share ----------------------------------------------------------------------------
 */

/* The upload that a part is for. */
struct target {
    struct s3_upload_at at;
    uint32_t number;
    struct s3_rec_bucket *bucket;
    struct s3_rec_upload *upload;
    struct s3_customer_key key;
};

static vg_rc
bad_number(struct vg_req *rq, int64_t number)
{
    return s3_bad_argument(rq, "Part number must be an integer between 1 and 10000, inclusive",
                           "partNumber", vg_str_fmt(rq->arena, "%lld", (long long)number));
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/specifying-s3-c-encryption.html */
static vg_rc
check_key(struct vg_req *rq, const struct target *t)
{
    struct vg_str wanted = t->upload->version->customer_key_md5;
    if ((wanted.ptr != NULL) != t->key.is_given)
        return s3_fail_invalid_request(
            rq, "The multipart upload initiate requested encryption. Subsequent part requests must "
                "include the appropriate encryption parameters.");
    if (wanted.ptr && !vg_str_eq(wanted, t->key.md5))
        return s3_fail_invalid_request(rq, "The provided encryption parameters did not match the "
                                           "ones used originally.");
    return VG_OK;
}

static vg_rc
find_target(struct vg_req *rq, int64_t number, const struct s3_key_asked *key, struct target *t)
    VG_WAITS
{
    if (number < 1 || number > S3_LIMIT_PARTS)
        return bad_number(rq, number);
    t->number = (uint32_t)number;
    vg_rc rc = s3_customer_key_read(rq, key, &t->key);
    if (rc == VG_OK)
        rc = s3_need_upload(rq, &t->at, &t->bucket, &t->upload);
    if (rc == VG_OK)
        rc = s3_customer_key_taken(rq, t->bucket, t->at.key, &t->key);
    if (rc == VG_OK)
        rc = check_key(rq, t);
    return rc == VG_OK ? s3_kms_open(rq, t->bucket, t->upload->version, &t->key) : rc;
}

/* What is sealed with a key of the customer's or of KMS has an ETag that tells nothing of it. */
static struct vg_str
etag_of(struct vg_req *rq, const struct target *t, const struct s3_written *written)
{
    uint8_t random[VG_MD5_BYTES];
    if (!t->key.is_given && !t->key.is_data_key)
        return written->etag;
    vg_random_bytes(rq->env->random, random, sizeof(random));
    return vg_hex(rq->arena, random, sizeof(random));
}

/* Keeps what was written as a part, or lets go of it. */
static vg_rc
keep_part(struct vg_req *rq, const struct target *t, const struct s3_written *written,
          struct s3_rec_part *part) VG_WAITS
{
    bool is_there = false;
    *part = (struct s3_rec_part) {
        .number = t->number,
        .size = written->content->size,
        .etag = etag_of(rq, t, written),
        .checksum = written->checksum,
        .crc64nvme = written->crc64nvme,
        .modified_ms = vg_now_ms(rq->env),
        .content = written->content,
    };
    s3_log_size(rq, part->size);
    vg_rc rc = s3_store_put_part(rq, t->bucket, t->at.key, t->at.id, part, &is_there);
    if (rc == VG_OK && is_there)
        return VG_OK;
    s3_content_drop(rq, written->content);
    return rc == VG_OK ? s3_no_upload(rq, t->at.id) : rc;
}

/* --- UploadPart ---------------------------------------------------------------------------------
 */

/* The algorithm is the upload's; for composite checksums each part must have one. */
static vg_rc
check_algorithm(struct vg_req *rq, const struct s3_rec_upload *u, struct s3_declared *d)
{
    struct vg_str wanted = u->checksum_algorithm;
    if (!wanted.ptr)
        return VG_OK;
    if (d->algorithm.ptr ? !vg_str_eq_nocase(d->algorithm, wanted) : s3_is_composite(u))
        return s3_other_checksum(rq, wanted, d->algorithm);
    d->algorithm = wanted;
    return VG_OK;
}

static vg_rc
receive(struct vg_req *rq, const struct s3_upload_part_request *in, const struct target *t,
        bool *ret_is_declared, struct s3_written *ret) VG_WAITS
{
    const struct s3_checksums sums = S3_CHECKSUMS_OF(in);
    const struct s3_sealer sealer = s3_sealer_of(t->bucket->account, &t->key);
    struct s3_declared d = { .md5 = in->content_md5,
                             .is_part = true,
                             .has_crc64nvme = !t->upload->checksum_algorithm.ptr };
    struct vg_str trailer;
    vg_rc rc = s3_checksum_declared_in(rq, in->checksum_algorithm.text, &sums, &d, &trailer);
    *ret_is_declared = rc == VG_OK && (d.algorithm.ptr || t->upload->checksum_algorithm.ptr);
    if (rc == VG_OK)
        rc = check_algorithm(rq, t->upload, &d);
    return rc == VG_OK ? s3_receive(rq, &sealer, &d, trailer, ret) : rc;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
vg_rc
s3_upload_part(struct vg_req *rq, const struct s3_upload_part_request *in,
               struct s3_upload_part_output *out)
{
    const struct s3_key_asked key = S3_KEY_ASKED(in);
    struct target t = { .at = S3_UPLOAD_AT(in) };
    struct vg_str *const sums[] = S3_SUMS(out);
    struct s3_written written;
    struct s3_rec_part part;
    bool is_declared = false;
    vg_rc rc = find_target(rq, vg_opt_or(in->part_number, 0), &key, &t);
    if (rc == VG_OK)
        rc = receive(rq, in, &t, &is_declared, &written);
    s3_customer_key_wipe(&t.key);
    if (rc == VG_OK)
        rc = keep_part(rq, &t, &written, &part);
    if (rc != VG_OK)
        return rc;
    out->e_tag = s3_quoted(rq, part.etag);
    s3_sums_put(sums, is_declared ? part.checksum : NULL);
    S3_SET_ENCRYPTION(out, t.upload->version);
    return VG_OK;
}

/* --- UploadPartCopy -----------------------------------------------------------------------------
 */

struct part_copy {
    const struct s3_upload_part_copy_request *in;
    struct target to;
    struct s3_copying bytes;
};

static bool
take_number(struct vg_str *rest, int64_t *ret)
{
    size_t n = 0;
    *ret = 0;
    while (n < rest->len && n < 18 && rest->ptr[n] >= '0' && rest->ptr[n] <= '9')
        *ret = *ret * 10 + (rest->ptr[n++] - '0');
    *rest = vg_str_slice(*rest, n, rest->len);
    return n > 0;
}

/* Both ends must be said, and lie within the source. */
static vg_rc
span_of(struct vg_req *rq, struct vg_str header, int64_t size, struct s3_span *ret)
{
    struct vg_str rest = header;
    int64_t first, last;
    *ret = (struct s3_span) { 0, size };
    if (!header.ptr)
        return VG_OK;
    bool is_it = vg_str_starts(rest, VG_STR("bytes="));
    rest = vg_str_slice(rest, is_it ? 6 : 0, rest.len);
    is_it = is_it && take_number(&rest, &first) && vg_str_starts(rest, VG_STR("-"));
    rest = vg_str_slice(rest, is_it ? 1 : 0, rest.len);
    if (!is_it || !take_number(&rest, &last) || rest.len > 0 || first > last)
        return s3_bad_argument(
            rq,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first "
            "and last are the zero-based offsets of the first and last bytes to copy",
            "x-amz-copy-source-range", header);
    if (first >= size)
        return s3_fail_invalid_request(
            rq, "The specified copy range is invalid for the source object size");
    *ret = (struct s3_span) { first, last - first + 1 };
    struct vg_str text = vg_str_fmt(
        rq->arena, "Range specified is not valid for source object of size: %lld", (long long)size);
    return last < size ? VG_OK
                       : s3_bad_argument(rq, vg_str_cstr(rq->arena, text),
                                         "x-amz-copy-source-range", header);
}

static vg_rc
look(struct vg_req *rq, struct s3_copying *bytes, void *arg)
{
    const struct part_copy *c = arg;
    vg_rc rc = span_of(rq, c->in->copy_source_range, bytes->source->size, &bytes->span);
    bytes->sealer = s3_sealer_of(c->to.bucket->account, &c->to.key);
    bytes->declared = (struct s3_declared) { .size = bytes->span.bytes,
                                             .algorithm = c->to.upload->checksum_algorithm,
                                             .is_part = true };
    return rc;
}

static vg_rc
copy(struct vg_req *rq, struct part_copy *c, struct s3_rec_part *ret) VG_WAITS
{
    const struct s3_upload_part_copy_request *in = c->in;
    const struct s3_key_asked from_key = S3_SOURCE_KEY_ASKED(in), key = S3_KEY_ASKED(in);
    vg_rc rc =
        s3_copy_source(rq, in->copy_source, in->expected_source_bucket_owner, &c->bytes.from);
    if (rc == VG_OK)
        rc = s3_customer_key_read(rq, &from_key, &c->bytes.from_key);
    if (rc == VG_OK)
        rc = find_target(rq, vg_opt_or(in->part_number, 0), &key, &c->to);
    if (rc == VG_OK)
        rc = s3_copy_bytes(rq, &c->bytes);
    return rc == VG_OK ? keep_part(rq, &c->to, &c->bytes.written, ret) : rc;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html */
vg_rc
s3_upload_part_copy(struct vg_req *rq, const struct s3_upload_part_copy_request *in,
                    struct s3_upload_part_copy_output *out)
{
    struct part_copy c = {
        .in = in,
        .to = { .at = S3_UPLOAD_AT(in) },
        .bytes = { .conditions = S3_SOURCE_CONDITIONS(in), .look = look, .arg = &c },
    };
    struct s3_copy_part_result *result = VG_NEW(rq->arena, struct s3_copy_part_result);
    struct vg_str *const sums[] = S3_SUMS(result);
    struct s3_rec_part part;
    vg_rc rc = copy(rq, &c, &part);
    s3_customer_key_wipe(&c.bytes.from_key);
    s3_customer_key_wipe(&c.to.key);
    if (rc != VG_OK)
        return rc;
    out->copy_part_result = result;
    result->e_tag = s3_quoted(rq, part.etag);
    result->last_modified_ms = s3_time_shown(part.modified_ms);
    s3_sums_put(sums, c.to.upload->checksum_algorithm.ptr ? part.checksum : NULL);
    out->copy_source_version_id = s3_version_shown(c.bytes.bucket, c.bytes.source);
    S3_SET_ENCRYPTION(out, c.to.upload->version);
    return VG_OK;
}
