/* SPDX-License-Identifier: Apache-2.0 */

/* PutObject: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */

#include "services/s3/s3_headers.h"
#include "services/s3/s3_lifecycle.h"

#include "core/body.h"
#include "core/env.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "services/s3/s3_kms.h"
#include "services/s3/s3_log_note.h"

/* --- what CopyObject shares ---------------------------------------------------------------------
 */

struct vg_str
s3_version_made(const struct s3_rec_bucket *bucket, const struct s3_rec_version *v)
{
    return vg_str_eq(bucket->versioning, VG_STR("Enabled")) ? v->id : VG_STR_NONE;
}

/* "Objects … encrypted by SSE-C or SSE-KMS, have ETags that are not an MD5 digest of their object
 * data": https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html */
static struct vg_str
etag_of(struct vg_req *rq, const struct s3_new_object *o)
{
    uint8_t random[VG_MD5_BYTES];
    if (!o->version->customer_key_md5.ptr && !o->version->kms_key.ptr)
        return o->written->etag;
    vg_random_bytes(rq->env->random, random, sizeof(random));
    return vg_hex(rq->arena, random, sizeof(random));
}

vg_rc
s3_add_object(struct s3_object_edit *e, const struct s3_new_object *o)
{
    struct vg_req *rq = e->rq;
    struct s3_rec_version *v = o->version;
    if (!e->bucket)
        return s3_no_bucket(rq, o->bucket->name);
    vg_rc rc = s3_write_condition_holds(e, o->if_match, o->if_none_match);
    if (rc != VG_OK)
        return rc;
    v->modified_ms = vg_now_ms(rq->env);
    v->size = o->written->content->size;
    v->content = o->written->content;
    v->etag = etag_of(rq, o);
    v->checksum = o->written->checksum;
    rc = s3_lock_by_default(e, v);
    if (rc == VG_OK)
        rc = s3_store_add_version(e, v, o->written->small);
    s3_log_size(rq, v->size);
    return rc == VG_OK ? s3_notify(e, o->how, v) : rc;
}

vg_rc
s3_keep_object(struct vg_req *rq, const struct s3_new_object *o)
{
    struct s3_object_edit e = { 0 };
    vg_rc rc = s3_store_edit_object(rq, o->bucket, o->key, &e);
    if (rc == VG_OK)
        rc = s3_add_object(&e, o);
    if (rc == VG_OK)
        rc = s3_store_object_commit(&e);
    s3_store_object_end(&e);
    if (rc != VG_OK)
        s3_content_drop(rq, o->written->content);
    return rc;
}

/* --- the body -----------------------------------------------------------------------------------
 */

vg_rc
s3_receive(struct vg_req *rq, const struct s3_sealer *sealer, struct s3_declared *d,
           struct vg_str trailer, struct s3_written *ret)
{
    s3_auto_writer struct s3_writer *w = NULL;
    struct vg_str part = VG_STR("-");
    d->size = vg_body_length(rq);
    if (d->size < 0 && !vg_body_is_open(rq))
        return s3_fail_missing_content_length(rq,
                                              "You must provide the Content-Length HTTP header.");
    vg_rc rc = s3_writer_open(rq, sealer, d, &w);
    while (rc == VG_OK && part.len > 0) {
        rc = vg_body_read(rq, &part);
        if (rc == VG_OK)
            rc = s3_writer_add(w, part);
    }
    if (rc != VG_OK)
        return rc;
    s3_log_taken(rq);
    struct vg_str came = trailer.ptr ? vg_body_trailer(rq, trailer) : VG_STR_NONE;
    return s3_writer_finish(w, came, ret);
}

/* --- PutObject ----------------------------------------------------------------------------------
 */

/* What the request says, before its body is read. */
struct put {
    struct s3_rec_bucket *bucket;
    struct s3_rec_version *version;
    struct s3_declared declared;
    struct vg_str trailer;
};

/*
 * "Content-MD5 … or x-amz-sdk-checksum-algorithm is required for any request to upload an object
 * with a retention period": PutObject's page, above.  A period by the bucket's default counts, of
 * which forms know nothing.
 */
static vg_rc
check_lock(struct vg_req *rq, const struct put *p)
{
    bool is_locked = p->version->lock_mode.ptr || p->version->has_legal_hold;
    vg_rc rc = VG_OK;
    if (!is_locked && !vg_body_is_open(rq))
        rc = s3_lock_has_default(rq, p->bucket, &is_locked);
    if (rc != VG_OK || !is_locked)
        return rc;
    if (!s3_is_signed_by_version_4(rq))
        return s3_bad_argument(rq,
                               "Put Object requests with Object Lock parameters require AWS "
                               "Signature Version 4",
                               "Authorization", VG_STR_NONE);
    if (p->declared.md5.ptr || p->declared.algorithm.ptr)
        return VG_OK;
    return s3_fail_invalid_request(rq, "Content-MD5 OR x-amz-checksum- HTTP header is required for "
                                       "Put Object requests with Object Lock parameters");
}

static vg_rc
check_put(struct vg_req *rq, const struct s3_put_object_request *in, struct s3_customer_key *key,
          struct put *p) VG_WAITS
{
    const struct s3_object_headers h = S3_OBJECT_HEADERS(in);
    const struct s3_checksums sums = S3_CHECKSUMS_OF(in);
    p->version = VG_NEW(rq->arena, struct s3_rec_version);
    p->declared = (struct s3_declared) { .md5 = in->content_md5 };
    if (in->write_offset_bytes.set)
        return s3_unwanted_header(rq, "x-amz-write-offset-bytes",
                                  "Only directory buckets take appended bytes");
    vg_rc rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &p->bucket);
    if (rc == VG_OK)
        rc = s3_check_key(rq, in->key);
    if (rc == VG_OK)
        rc = s3_write_condition_check(rq, in->if_match, in->if_none_match);
    if (rc == VG_OK)
        rc = s3_headers_read(rq, p->bucket, in->key, &h, key, p->version);
    if (rc == VG_OK)
        rc = s3_headers_read_metadata(rq, &h, p->version);
    if (rc == VG_OK)
        rc = s3_headers_read_tags(rq, in->tagging, p->version);
    if (rc == VG_OK)
        rc = s3_checksum_declared_in(rq, in->checksum_algorithm.text, &sums, &p->declared,
                                     &p->trailer);
    return rc == VG_OK ? check_lock(rq, p) : rc;
}

vg_rc
s3_put_object(struct vg_req *rq, const struct s3_put_object_request *in,
              struct s3_put_object_output *out)
{
    s3_auto_key struct s3_customer_key key = { .is_given = false };
    const struct s3_key_asked asked = S3_KEY_ASKED(in);
    struct put p = { .bucket = NULL };
    struct s3_written written;
    vg_rc rc = s3_customer_key_read(rq, &asked, &key);
    if (rc == VG_OK)
        rc = check_put(rq, in, &key, &p);
    if (rc != VG_OK)
        return rc;
    const struct s3_sealer sealer = s3_sealer_of(p.bucket->account, &key);
    rc = s3_receive(rq, &sealer, &p.declared, p.trailer, &written);
    if (rc != VG_OK)
        return rc;
    const struct s3_new_object object = { .bucket = p.bucket,
                                          .key = in->key,
                                          .if_match = in->if_match,
                                          .if_none_match = in->if_none_match,
                                          .version = p.version,
                                          .written = &written,
                                          .how = vg_body_is_open(rq) ? S3_CREATED_POST
                                                                     : S3_CREATED_PUT };
    rc = s3_keep_object(rq, &object);
    if (rc != VG_OK)
        return rc;
    out->e_tag = s3_etag(rq, p.version);
    out->version_id = s3_version_made(p.bucket, p.version);
    S3_SET_CHECKSUM(out, p.version->checksum);
    S3_SET_ENCRYPTION(out, p.version);
    out->ssekms_encryption_context =
        s3_kms_context_shown(rq, in->ssekms_encryption_context, p.version);
    return s3_lifecycle_expiration(rq, p.bucket, in->key, p.version, &out->expiration);
}
