/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_INT_H
#define S3_INT_H

/* What the files of this service share; included only here. */

#include "core/authz.h"
#include "core/call.h"
#include "services/s3/errors.h"
#include "services/s3/ops.h"
#include "services/s3/records.h"

#define S3_NULL_VERSION VG_STR("null") /* of what was written while versioning was off */

/* --- s3_name.c: pure rules ----------------------------------------------------------------------
 */

bool s3_is_bucket_name(struct vg_str name);
bool s3_is_account(struct vg_str id); /* 12 digits */
enum s3_key_is { S3_KEY_FINE, S3_KEY_EMPTY, S3_KEY_LONG, S3_KEY_NOT_UTF8 };
enum s3_key_is s3_key_check(struct vg_str key);
/* The canonical user id of an account, and the way back (absent: it is none). */
struct vg_str s3_canonical_id(struct vg_arena *arena, struct vg_str account);
struct vg_str s3_canonical_account(struct vg_arena *arena, struct vg_str id);

/* --- s3_bucket.c --------------------------------------------------------------------------------
 */

/* Bits of s3_rec_bucket.blocks. */
enum s3_block {
    S3_BLOCK_PUBLIC_ACLS = 1 << 0,
    S3_IGNORE_PUBLIC_ACLS = 1 << 1,
    S3_BLOCK_PUBLIC_POLICY = 1 << 2,
    S3_RESTRICT_PUBLIC_BUCKETS = 1 << 3,
    S3_BLOCK_IS_SET = 1 << 4, /* there is a configuration, be it one that blocks nothing */
};

/* s3_rec_bucket.policy */
enum s3_policy_is { S3_POLICY_NONE, S3_POLICY_CLOSED, S3_POLICY_PUBLIC };

/* The bucket, or NoSuchBucket; AccessDenied when it is not of the account that was expected. */
vg_rc s3_need_bucket(struct vg_req *rq, struct vg_str name, struct vg_str expected_owner,
                     struct s3_rec_bucket **ret) VG_MUST_USE;
struct s3_bucket_edit;
/* The same for a change. */
vg_rc s3_edit_bucket(struct vg_req *rq, struct vg_str name, struct vg_str expected_owner,
                     struct s3_bucket_edit *ret) VG_WAITS VG_MUST_USE;
/* s3_payer.c: AccessDenied where the requester is to pay and does not say that he will; else says
 * in the answer that he does. */
vg_rc s3_check_payer(struct vg_req *rq, const struct s3_rec_bucket *bucket) VG_MUST_USE;
vg_rc s3_no_bucket(struct vg_req *rq, struct vg_str name);
vg_rc s3_malformed_xml(struct vg_req *rq);
vg_rc s3_bad_argument(struct vg_req *rq, const char *text, const char *name, struct vg_str value);
/* InvalidArgument of a number below 0, as S3 calls it in its texts; absent is well. */
vg_rc s3_check_number(struct vg_req *rq, struct vg_opt_i64 n, const char *name) VG_MUST_USE;
/* NotImplemented: "Event notification is not built in this version of Virga." */
vg_rc s3_not_built(struct vg_req *rq, const char *feature);
#define S3_TOO_MANY_BUCKET_TAGS "Bucket tag count cannot be greater than 50"
/* InvalidTag, or BadRequest above `max`. */
vg_rc s3_check_tags(struct vg_req *rq, const struct s3_tag_set *tags, size_t max,
                    const char *too_many) VG_MUST_USE;

/* --- s3_denial.c --------------------------------------------------------------------------------
 */

/* vg_service.denial */
struct vg_str s3_denial(struct vg_req *rq, const struct vg_access *what,
                        const struct vg_decision *why);
/* AccessDenied by a setting of the bucket's: "because …". `key` absent: the bucket is asked. */
vg_rc s3_denied(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                const char *because);
#define S3_PUBLIC_ACLS                                                                             \
    "because public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access."

/* s3_deliver.c: ours, not that of who takes what is delivered: the same may succeed later. */
bool s3_is_passing(const struct vg_err *err);

/* --- s3_object.c: what operations on objects share ----------------------------------------------
 */

/* As answers in XML show times: whole seconds. */
struct vg_opt_i64 s3_time_shown(int64_t ms);
bool s3_is_anonymous(const struct vg_req *rq);
/* Not by version 2, nor by nobody; what comes by no socket counts as signed. */
bool s3_is_signed_by_version_4(const struct vg_req *rq);
/* Of a bucket without object lock, InvalidArgument where its bypassing is spoken of. */
vg_rc s3_check_bypass(struct vg_req *rq, const struct s3_rec_bucket *bucket,
                      struct vg_opt_bool is_asked) VG_MUST_USE;

/* With its quotes; absent of a delete marker. */
struct vg_str s3_etag(struct vg_req *rq, const struct s3_rec_version *v);
/* As answers show it: absent where versioning was never on. */
struct vg_str s3_version_shown(const struct s3_rec_bucket *bucket, const struct s3_rec_version *v);
/* KeyTooLongError, or InvalidURI of what is not UTF-8. */
vg_rc s3_check_key(struct vg_req *rq, struct vg_str key) VG_MUST_USE;
/* InvalidArgument of what is no id of a version; absent is well. */
vg_rc s3_check_version_id(struct vg_req *rq, struct vg_str id) VG_MUST_USE;
vg_rc s3_no_key(struct vg_req *rq, struct vg_str key);
vg_rc s3_no_version(struct vg_req *rq, struct vg_str key, struct vg_str id);
/* PreconditionFailed, naming the header. */
vg_rc s3_failed_condition(struct vg_req *rq, const char *header);

/* s3_authz_object.c */
/* Whether such a condition of a delete needs s3:GetObject. */
bool s3_tells_etag(struct vg_str if_match);
/* What s3:object-lock-remaining-retention-days is; absent where there is no time. */
struct vg_str s3_remaining_days(struct vg_req *rq, struct vg_opt_i64 until_ms);
struct vg_str s3_bucket_arn(const struct vg_req *rq, struct vg_str bucket);
struct vg_str s3_object_arn(struct vg_req *rq, struct vg_str bucket, struct vg_str key);

/* What a request names. */
struct s3_at {
    struct vg_str bucket, key, version_id, expected_owner;
};
#define S3_AT(in)                                                                                  \
    ((struct s3_at) { (in)->bucket, (in)->key, (in)->version_id, (in)->expected_bucket_owner })
/*
 * The version that a request names, to be read; its bucket.  Fails with NoSuchKey, NoSuchVersion,
 * or MethodNotAllowed of a delete marker that was named, with the headers that tell of markers.
 */
vg_rc s3_need_version(struct vg_req *rq, const struct s3_at *at, struct s3_rec_bucket **ret_bucket,
                      struct s3_rec_version **ret) VG_MUST_USE;
struct s3_object_edit;
/* Opens a change to the key that a request names: the bucket is there, and of that owner. */
vg_rc s3_edit_object(struct vg_req *rq, const struct s3_at *at, struct s3_object_edit *ret)
    VG_WAITS VG_MUST_USE;
/* The same, and the version as s3_need_version() has it, to be changed: MethodNotAllowed of a
 * marker that is current, too. */
vg_rc s3_edit_version(struct vg_req *rq, const struct s3_at *at, struct s3_object_edit *ret,
                      struct s3_rec_version **ret_version) VG_WAITS VG_MUST_USE;

/* s3_lock.c: whether a version must not be deleted: then AccessDenied with this text.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html */
#define S3_LOCKED "Access Denied because object protected by object lock."
bool s3_is_locked(struct vg_req *rq, const struct s3_rec_version *v, bool may_bypass);

/* --- configurations, by their kinds in the store ------------------------------------------------
 */

#define S3_CONFIG_ACL     VG_STR("acl")     /* s3_shape_access_control_policy */
#define S3_CONFIG_TAGS    VG_STR("tags")    /* s3_shape_tagging               */
#define S3_CONFIG_POLICY  VG_STR("policy")  /* s3_shape_get_bucket_policy_output */
#define S3_CONFIG_CORS    VG_STR("cors")    /* s3_shape_cors_configuration */
#define S3_CONFIG_LOCK    VG_STR("lock")    /* s3_shape_object_lock_configuration */
#define S3_CONFIG_WEBSITE VG_STR("website") /* s3_shape_website_configuration */
#define S3_CONFIG_ENCRYPTION                                                                       \
    VG_STR("encryption") /* s3_shape_server_side_encryption_configuration */

/* s3_config_policy.c: absent: the bucket has none. */
vg_rc s3_policy_of(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str *ret)
    VG_MUST_USE;
/* s3_config.c: whether lists of grants count at all. */
bool s3_has_lists(const struct s3_rec_bucket *bucket);
/* Of the bucket of that name, which must be there. *ret NULL: it has none of that kind. */
vg_rc s3_need_config(struct vg_req *rq, struct vg_str name, struct vg_str expected_owner,
                     struct vg_str kind, const struct vg_shape *shape, void **ret) VG_MUST_USE;
vg_rc s3_drop_config(struct vg_req *rq, struct vg_str name, struct vg_str expected_owner,
                     struct vg_str kind) VG_WAITS VG_MUST_USE;

/* --- s3_store.c: the only file that knows keys
 * ----------------------------------------------------
 *
 * A bucket's objects are one partition, whose keys are in the order in which they are listed.  The
 * row of a key holds its current version; it is absent when that is a delete marker, so that lists
 * walk over what they show only.  Where versioning was ever on, each version also has a row below
 * its key, the latest first.
 */

/* *ret is NULL when there is no such bucket. Names are global: any account's, any region's. */
vg_rc s3_store_bucket(struct vg_req *rq, struct vg_str name, struct s3_rec_bucket **ret)
    VG_MUST_USE;

struct s3_bucket_page {
    struct s3_rec_bucket **items;
    size_t len;
    bool has_more;
};
/* An account's, by name, those after `after`. */
vg_rc s3_store_buckets(struct vg_req *rq, struct vg_str account, struct vg_str prefix,
                       struct vg_str after, uint32_t max, struct s3_bucket_page *ret) VG_MUST_USE;

/*
 * A change to one bucket: opens its transaction and reads its record (NULL: there is none).  It has
 * the turn of the bucket's objects too: who changes one of them sees the bucket as it is.
 */
struct s3_bucket_edit {
    struct vg_req *rq;
    struct vg_tx *tx;
    struct vg_str part;
    struct s3_rec_bucket *bucket;
};
vg_rc s3_store_edit(struct vg_req *rq, struct vg_str name, struct s3_bucket_edit *ret)
    VG_WAITS VG_MUST_USE;
/* Creates it, or changes its record. */
void s3_store_put_bucket(struct s3_bucket_edit *e, const struct s3_rec_bucket *bucket);
/* Deletes it with its configurations. *ret_is_empty false: it holds something, nothing is done. */
vg_rc s3_store_del_bucket(struct s3_bucket_edit *e, bool *ret_is_empty) VG_MUST_USE;
vg_rc s3_store_edit_commit(struct s3_bucket_edit *e) VG_WAITS VG_MUST_USE;
void s3_store_edit_end(struct s3_bucket_edit *e); /* drops what was not committed */
#define s3_auto_edit __attribute__((cleanup(s3_store_edit_end)))

/*
 * Configurations of a bucket ("cors", "policy", …) as the model's structure; *ret NULL: none.
 * `shape` is that of the structure.
 */
vg_rc s3_store_config(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str kind,
                      const struct vg_shape *shape, void **ret) VG_MUST_USE;
void s3_store_put_config(struct s3_bucket_edit *e, struct vg_str kind, const struct vg_shape *shape,
                         const void *value);
void s3_store_del_config(struct s3_bucket_edit *e, struct vg_str kind);

/* The current version of a key, NULL: none that can be read (there may be a delete marker). */
vg_rc s3_store_current(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                       struct s3_rec_version **ret) VG_MUST_USE;
/* A certain one, or the latest where `id` is absent; delete markers too. */
vg_rc s3_store_version(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                       struct vg_str id, struct s3_rec_version **ret) VG_MUST_USE;

/* A change to the versions of one key. */
struct s3_object_edit {
    struct vg_req *rq;
    struct vg_tx *tx;
    const struct s3_rec_bucket *bucket; /* as it is under the turn; NULL: it is gone */
    struct vg_str part, key;
    struct s3_rec_version *latest; /* NULL: none; may be a delete marker */
};
/* More keys of one bucket may follow on the same edit by s3_store_edit_key(). */
vg_rc s3_store_edit_object(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                           struct s3_object_edit *ret) VG_WAITS VG_MUST_USE;
vg_rc s3_store_edit_key(struct s3_object_edit *e, struct vg_str key) VG_MUST_USE;
/*
 * Makes `v` the latest version as the bucket's versioning has it: sets its id and order, replaces
 * the null version where there is to be only one, and drops the content of what is replaced.
 * `small`: the (sealed) bytes of content that has no file; else absent.
 */
vg_rc s3_store_add_version(struct s3_object_edit *e, struct s3_rec_version *v, struct vg_str small)
    VG_MUST_USE;
/* The bytes of content that has no file. */
vg_rc s3_store_small(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                     const struct s3_rec_version *v, struct vg_str *ret) VG_MUST_USE;
/* The version of that id of the edit's key, to be looked at before it is changed; NULL: none. */
vg_rc s3_store_edit_version(struct s3_object_edit *e, struct vg_str id, struct s3_rec_version **ret)
    VG_MUST_USE;
/* Removes it with its content; what was before it becomes the latest. */
vg_rc s3_store_del_version(struct s3_object_edit *e, const struct s3_rec_version *v) VG_MUST_USE;
/* Other tags, locks, owner's grants of a version that stays. */
void s3_store_put_version(struct s3_object_edit *e, const struct s3_rec_version *v);
vg_rc s3_store_object_commit(struct s3_object_edit *e) VG_WAITS VG_MUST_USE;
void s3_store_object_end(struct s3_object_edit *e); /* drops what was not committed */
#define s3_auto_object __attribute__((cleanup(s3_store_object_end)))

#define S3_KEY_BYTES 32
/* The key under which an account's contents have theirs sealed; made at its first use. */
vg_rc s3_store_master_key(struct vg_req *rq, struct vg_str account, uint8_t ret[S3_KEY_BYTES])
    VG_WAITS VG_MUST_USE;

/* What a list walks over: current versions, all versions and markers, or uploads. */
struct s3_entry {
    struct vg_str key;
    struct s3_rec_version *version;
    struct s3_rec_upload *upload;
    bool is_latest;
};
struct s3_entries {
    struct s3_entry *items;
    size_t len;
    bool has_more;
};
/* Keys from `from` on (a key itself, or the first that is greater than all that begin with a
 * prefix: s3_after_prefix()), at most `max`. */
vg_rc s3_store_keys(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str from,
                    uint32_t max, struct s3_entries *ret) VG_MUST_USE;
/* The same of versions: those of `from` that are older than `order` first. */
vg_rc s3_store_versions(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str from,
                        int64_t order, uint32_t max, struct s3_entries *ret) VG_MUST_USE;

#endif
