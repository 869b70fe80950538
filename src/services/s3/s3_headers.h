/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_HEADERS_H
#define S3_HEADERS_H

/*
 * What requests say of an object in their headers, and answers of one.  Requests that make an
 * object (PutObject, CopyObject, CreateMultipartUpload) name the same members, and so do answers:
 * the macros take them from either.
 */

#include "services/s3/s3_acl.h"
#include "services/s3/s3_content.h"
#include "services/s3/s3_digest.h"
#include "services/s3/s3_notify.h"
#include "services/s3/s3_object_rules.h"

/* --- keys of customers (SSE-C) ------------------------------------------------------------------
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
 */

struct s3_key_asked {
    struct vg_str algorithm, key, md5;
};
#define S3_KEY_ASKED(in)                                                                           \
    ((struct s3_key_asked) { (in)->sse_customer_algorithm, (in)->sse_customer_key,                 \
                             (in)->sse_customer_key_md5 })
/* Of the source of a copy. */
#define S3_SOURCE_KEY_ASKED(in)                                                                    \
    ((struct s3_key_asked) { (in)->copy_source_sse_customer_algorithm,                             \
                             (in)->copy_source_sse_customer_key,                                   \
                             (in)->copy_source_sse_customer_key_md5 })

struct s3_customer_key {
    bool is_given;
    bool is_long_enough; /* a wrong one is none of the key's, whatever its length */
    bool is_data_key;    /* no customer's, but KMS's: s3_kms.h */
    struct vg_str md5;   /* base64: what is kept of it */
    uint8_t key[S3_KEY_BYTES];
};
/* Fails with InvalidArgument, InvalidEncryptionAlgorithmError. */
vg_rc s3_customer_key_read(struct vg_req *rq, const struct s3_key_asked *asked,
                           struct s3_customer_key *ret) VG_MUST_USE;
/* Whether it is the one that the version was written with. Fails with InvalidRequest, AccessDenied.
 */
vg_rc s3_customer_key_check(struct vg_req *rq, const struct s3_rec_version *v,
                            const struct s3_customer_key *key) VG_MUST_USE;
/* AccessDenied where one is given for a new object and the bucket takes none. */
vg_rc s3_customer_key_taken(struct vg_req *rq, const struct s3_rec_bucket *bucket,
                            struct vg_str name, const struct s3_customer_key *key) VG_MUST_USE;
void s3_customer_key_wipe(struct s3_customer_key *key);
#define s3_auto_key __attribute__((cleanup(s3_customer_key_wipe)))
/* `key` must stay. */
struct s3_sealer s3_sealer_of(struct vg_str account, const struct s3_customer_key *key);

/* --- requests that make an object ---------------------------------------------------------------
 */

struct s3_object_headers {
    struct vg_str cache_control, content_disposition, content_encoding, content_language,
        content_type, expires, redirect;
    struct s3_metadata metadata;
    struct vg_enum storage_class;
    struct vg_str tagging;
    struct s3_acl_asked acl;
    struct vg_enum lock_mode, legal_hold, event_hold;
    struct vg_opt_i64 lock_until_ms, event_hold_days, event_hold_years;
    struct vg_enum encryption;
    struct vg_str kms_key, kms_context;
    struct vg_opt_bool bucket_key;
};
#define S3_OBJECT_HEADERS(in)                                                                      \
    ((struct s3_object_headers) {                                                                  \
        .cache_control = (in)->cache_control,                                                      \
        .content_disposition = (in)->content_disposition,                                          \
        .content_encoding = (in)->content_encoding,                                                \
        .content_language = (in)->content_language,                                                \
        .content_type = (in)->content_type,                                                        \
        .expires = (in)->expires,                                                                  \
        .redirect = (in)->website_redirect_location,                                               \
        .metadata = (in)->metadata,                                                                \
        .storage_class = (in)->storage_class,                                                      \
        .tagging = (in)->tagging,                                                                  \
        .acl = { .canned = (in)->acl.text,                                                         \
                 .full_control = (in)->grant_full_control,                                         \
                 .read = (in)->grant_read,                                                         \
                 .read_acp = (in)->grant_read_acp,                                                 \
                 .write_acp = (in)->grant_write_acp },                                             \
        .lock_mode = (in)->object_lock_mode,                                                       \
        .legal_hold = (in)->object_lock_legal_hold_status,                                         \
        .event_hold = (in)->object_lock_event_hold,                                                \
        .lock_until_ms = (in)->object_lock_retain_until_date_ms,                                   \
        .event_hold_days = (in)->object_lock_event_hold_duration_days,                             \
        .event_hold_years = (in)->object_lock_event_hold_duration_years,                           \
        .encryption = (in)->server_side_encryption,                                                \
        .kms_key = (in)->ssekms_key_id,                                                            \
        .kms_context = (in)->ssekms_encryption_context,                                            \
        .bucket_key = (in)->bucket_key_enabled,                                                    \
    })

/*
 * Checks them all against the bucket and sets what they say in `v`, with its owner; the customer's
 * key, too, when one was given.  Where the object `name` is to be encrypted with a key of KMS, a
 * data key is put into `key`: only then is it known what seals the content.
 */
vg_rc s3_headers_read(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str name,
                      const struct s3_object_headers *h, struct s3_customer_key *key,
                      struct s3_rec_version *v) VG_WAITS VG_MUST_USE;
/* One part of that: content type … metadata, but not the redirection. */
vg_rc s3_headers_read_metadata(struct vg_req *rq, const struct s3_object_headers *h,
                               struct s3_rec_version *v) VG_MUST_USE;
/* Tags of x-amz-tagging, as a query string has them; absent: none. */
vg_rc s3_headers_read_tags(struct vg_req *rq, struct vg_str header, struct s3_rec_version *v)
    VG_MUST_USE;
/* Whether what is put in a bucket is retained by its default. */
vg_rc s3_lock_has_default(struct vg_req *rq, const struct s3_rec_bucket *bucket, bool *ret)
    VG_MUST_USE;
/* In the turn of the key: the bucket's default retention, unless the version has one. */
vg_rc s3_lock_by_default(struct s3_object_edit *e, struct s3_rec_version *v) VG_MUST_USE;

/* NotImplemented: a header, or a value of it, that S3 itself does not take here. */
vg_rc s3_unwanted_header(struct vg_req *rq, const char *header, const char *why);

/*
 * Conditions of a write; their texts before the body is read, themselves in the turn of the key.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
vg_rc s3_write_condition_check(struct vg_req *rq, struct vg_str if_match,
                               struct vg_str if_none_match) VG_MUST_USE;
vg_rc s3_write_condition_holds(struct s3_object_edit *e, struct vg_str if_match,
                               struct vg_str if_none_match) VG_MUST_USE;

/* The checksum that a request declares in headers, or that a trailer will have. */
#define S3_CHECKSUMS_OF(in)                                                                        \
    ((struct s3_checksums) { .values = { (in)->checksum_crc32, (in)->checksum_crc32_c,             \
                                         (in)->checksum_crc64_nvme, (in)->checksum_sha1,           \
                                         (in)->checksum_sha256, (in)->checksum_sha512,             \
                                         (in)->checksum_md5, (in)->checksum_xxhash64,              \
                                         (in)->checksum_xxhash3, (in)->checksum_xxhash128 } })
struct s3_checksums {
    struct vg_str values[S3_N_SUMS];
};
/*
 * Sets algorithm and checksum in `d`; *ret_trailer is the name of the trailer, absent where none
 * was announced.  `asked` is x-amz-sdk-checksum-algorithm.
 */
vg_rc s3_checksum_declared_in(struct vg_req *rq, struct vg_str asked, const struct s3_checksums *in,
                              struct s3_declared *d, struct vg_str *ret_trailer) VG_MUST_USE;

/* --- s3_put.c: what makes an object
 * ---------------------------------------------------------------
 */

/* The body, written. Fails as the body, the writer, or with MissingContentLength. */
vg_rc s3_receive(struct vg_req *rq, const struct s3_sealer *sealer, struct s3_declared *d,
                 struct vg_str trailer, struct s3_written *ret) VG_WAITS VG_MUST_USE;

struct s3_new_object {
    const struct s3_rec_bucket *bucket;
    struct vg_str key, if_match, if_none_match;
    struct s3_rec_version *version; /* id, order, time and content are set here */
    const struct s3_written *written;
    enum s3_happening how;
};
/* If its conditions hold, in the edit of its key. */
vg_rc s3_add_object(struct s3_object_edit *e, const struct s3_new_object *o) VG_MUST_USE;
/* The same in an edit of its own; lets go of the content of what is not kept. */
vg_rc s3_keep_object(struct vg_req *rq, const struct s3_new_object *o) VG_WAITS VG_MUST_USE;
/* The id that answers of writes show: absent but where versioning is on. */
struct vg_str s3_version_made(const struct s3_rec_bucket *bucket, const struct s3_rec_version *v);

/* --- s3_get.c: what reads one
 * ---------------------------------------------------------------------
 */

struct s3_span {
    int64_t from, bytes;
};
/*
 * A reader of a version, which must stay; *ret_is_gone: it was replaced since it was looked up, and
 * *ret is NULL.
 */
vg_rc s3_version_reader(struct vg_req *rq, const struct s3_at *at,
                        const struct s3_rec_bucket *bucket, const struct s3_rec_version *v,
                        const struct s3_customer_key *key, struct s3_span span,
                        struct s3_reader **ret, bool *ret_is_gone) VG_WAITS VG_MUST_USE;
/* What became of a look-up: NoSuchKey is for those only who may list. */
vg_rc s3_hide_absence(struct vg_req *rq, const struct s3_at *at, vg_rc was) VG_WAITS VG_MUST_USE;

/* --- s3_copy.c -----------------------------------------------------------------------------------
 */

/* x-amz-copy-source, taken apart; fails with InvalidArgument. */
vg_rc s3_copy_source(struct vg_req *rq, struct vg_str header, struct vg_str expected_owner,
                     struct s3_at *ret) VG_MUST_USE;
/* The bytes of a copy: the source as it is when its first ones are at hand. */
struct s3_copying {
    struct s3_at from;
    struct s3_conditions conditions;
    struct s3_customer_key from_key;
    /*
     * Looks at what was found (`bucket`, `source`), which may be more than once, and says what of
     * it is read and how that is written: the next three.
     */
    vg_rc (*look)(struct vg_req *rq, struct s3_copying *c, void *arg);
    void *arg;
    struct s3_span span;
    struct s3_sealer sealer;
    struct s3_declared declared;
    /* Given out. */
    struct s3_rec_bucket *bucket;
    struct s3_rec_version *source;
    struct s3_written written;
};
/* What a request says of a copy's source, but for `from` and `from_key`. */
#define S3_SOURCE_CONDITIONS(in)                                                                   \
    {                                                                                              \
        .if_match = (in)->copy_source_if_match, .if_none_match = (in)->copy_source_if_none_match,  \
        .modified_since_ms = (in)->copy_source_if_modified_since_ms,                               \
        .unmodified_since_ms = (in)->copy_source_if_unmodified_since_ms,                           \
    }
/* Fails as `look` does, too; where its conditions do not hold, or it is archived. */
vg_rc s3_copy_bytes(struct vg_req *rq, struct s3_copying *c) VG_WAITS VG_MUST_USE;

/* --- answers ------------------------------------------------------------------------------------
 */

/* Of a record's checksum (may be NULL), as members of an output. */
#define S3_SET_CHECKSUM(out, sum)                                                                  \
    do {                                                                                           \
        const struct s3_rec_checksum *sum_ = (sum);                                                \
        if (!sum_)                                                                                 \
            break;                                                                                 \
        struct vg_str name_ = sum_->algorithm;                                                     \
        struct vg_str *to_ = vg_str_eq(name_, VG_STR("CRC32"))    ? &(out)->checksum_crc32         \
                             : vg_str_eq(name_, VG_STR("CRC32C")) ? &(out)->checksum_crc32_c       \
                             : vg_str_eq(name_, VG_STR("SHA1"))   ? &(out)->checksum_sha1          \
                             : vg_str_eq(name_, VG_STR("SHA256")) ? &(out)->checksum_sha256        \
                                                                  : &(out)->checksum_crc64_nvme;   \
        *to_ = sum_->value;                                                                        \
        (out)->checksum_type.text = sum_->type;                                                    \
    } while (0)

/* How it is encrypted. */
#define S3_SET_ENCRYPTION(out, v)                                                                  \
    do {                                                                                           \
        if ((v)->customer_key_md5.ptr) {                                                           \
            (out)->sse_customer_algorithm = VG_STR("AES256");                                      \
            (out)->sse_customer_key_md5 = (v)->customer_key_md5;                                   \
        } else if ((v)->kms_key.ptr) {                                                             \
            (out)->server_side_encryption = VG_ENUM(S3_SERVER_SIDE_ENCRYPTION_AWS_KMS);            \
            (out)->ssekms_key_id = (v)->kms_key;                                                   \
            (out)->bucket_key_enabled = (struct vg_opt_bool) { (v)->has_bucket_key, true };        \
        } else {                                                                                   \
            (out)->server_side_encryption = VG_ENUM(S3_SERVER_SIDE_ENCRYPTION_AES256);             \
        }                                                                                          \
    } while (0)

#endif
