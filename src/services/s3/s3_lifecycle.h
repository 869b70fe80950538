/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_LIFECYCLE_H
#define S3_LIFECYCLE_H

/*
 * Lifecycle: rules by which objects expire, are archived, and uploads are given up.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html
 */

#include "services/s3/s3_int.h"

/* A bucket's configuration, as it is stored and read. */
#define S3_CONFIG_LIFECYCLE VG_STR("lifecycle")
#define S3_LIFECYCLE_SHAPE  s3_shape_get_bucket_lifecycle_configuration_output
#define S3_LIFECYCLE_DAY_MS INT64_C(86400000)

/* --- s3_lifecycle_rules.c: pure -----------------------------------------------------------------
 */

/* What a rule acts on, whichever way it says so. */
struct s3_lifecycle_filter {
    struct vg_str prefix; /* "": all */
    const struct s3_tag *tags;
    size_t n_tags;
    struct vg_opt_i64 greater_than, less_than;
};
struct s3_lifecycle_filter s3_lifecycle_filter_of(const struct s3_lifecycle_rule *rule);
bool s3_lifecycle_has_sizes(const struct s3_lifecycle_filter *filter);

/* Days later, rounded up to the next midnight UTC. */
int64_t s3_lifecycle_after(int64_t from_ms, int64_t days);
/* The first midnight UTC behind a time. */
int64_t s3_lifecycle_midnight(int64_t ms);

/* How cold a class is: those of later transitions are colder; absent is STANDARD. */
int s3_lifecycle_coldness(struct vg_str class);

/* One version or delete marker, as a run meets it. */
struct s3_lifecycle_subject {
    struct vg_str key;
    const struct s3_rec_version *version;
    bool is_latest;
    bool is_only;          /* of its key, known where it is the latest */
    int64_t noncurrent_ms; /* when it ceased to be the latest */
    int64_t n_newer;       /* versions between it and the latest */
};

/* What is to become of it. */
struct s3_lifecycle_fate {
    bool is_expired;     /* the current version: a delete, as versioning has it */
    bool is_gone;        /* this version, or marker, for ever */
    struct vg_str class; /* it moves there; absent: it stays */
    int64_t next_ms;     /* when more is due, should all stay as it is; INT64_MAX: never */
};
struct s3_lifecycle_fate s3_lifecycle_fate_of(
    const struct s3_get_bucket_lifecycle_configuration_output *conf,
    const struct s3_lifecycle_subject *subject, int64_t now_ms);

/* When, and by which rule: the earliest, of two at once the first in the list.  False: never. */
struct s3_lifecycle_date {
    int64_t ms;
    struct vg_str rule;
};
/* A current version's expiry. */
bool s3_lifecycle_expiry(const struct s3_get_bucket_lifecycle_configuration_output *conf,
                         struct vg_str key, const struct s3_rec_version *v,
                         struct s3_lifecycle_date *ret);
/* An upload's end, unless it is completed. */
bool s3_lifecycle_abort(const struct s3_get_bucket_lifecycle_configuration_output *conf,
                        struct vg_str key, int64_t initiated_ms, struct s3_lifecycle_date *ret);

/* --- s3_lifecycle_check.c -----------------------------------------------------------------------
 */

/* Whether they are rules as AWS takes them.  Those without an ID get one. */
vg_rc s3_lifecycle_check(struct vg_req *rq, struct s3_lifecycle_rules *rules) VG_MUST_USE;

/* --- s3_lifecycle.c -----------------------------------------------------------------------------
 */

/* *ret NULL: the bucket has no rules. */
vg_rc s3_lifecycle_of(struct vg_req *rq, const struct s3_rec_bucket *bucket,
                      struct s3_get_bucket_lifecycle_configuration_output **ret) VG_MUST_USE;
/* x-amz-expiration of a version that is current; absent: it does not expire. */
vg_rc s3_lifecycle_expiration(struct vg_req *rq, const struct s3_rec_bucket *bucket,
                              struct vg_str key, const struct s3_rec_version *v, struct vg_str *ret)
    VG_MUST_USE;
/* x-amz-abort-date and x-amz-abort-rule-id of an upload; unset where it may go on for ever. */
vg_rc s3_lifecycle_abortion(struct vg_req *rq, const struct s3_rec_bucket *bucket,
                            const struct s3_rec_upload *upload, struct vg_opt_i64 *ret_ms,
                            struct vg_str *ret_rule) VG_MUST_USE;

/* --- s3_lifecycle_store.c: where a bucket's run is, in the timer that carries it on -------------
 */

struct s3_lifecycle_cursor {
    struct vg_str key; /* of the last entry that was looked at; absent: from the beginning */
    int64_t order;     /* its version's */
    int64_t since_ms; /* and when that was made: then the next one of the key ceased to be latest */
    int64_t n_newer;  /* of its key, that one too unless it is the latest */
    bool is_at_uploads;
    struct vg_str upload_id; /* of `key`, the last that was looked at */
    int64_t night_ms;        /* the midnight whose run it is: it may be long past */
    int64_t soonest_ms;      /* the next at which something is due, as far as was looked; or
                              * INT64_MAX */
};
/* Both in a transaction that has the turn of the bucket's objects. */
vg_rc s3_store_plan_lifecycle(struct vg_req *rq, struct vg_tx *tx,
                              const struct s3_rec_bucket *bucket,
                              const struct s3_lifecycle_cursor *cursor, int64_t due_ms) VG_MUST_USE;
/* The first run, unless one is planned or under way; and no further one. */
vg_rc s3_store_start_lifecycle(struct s3_bucket_edit *e) VG_MUST_USE;
vg_rc s3_store_stop_lifecycle(struct s3_bucket_edit *e) VG_MUST_USE;

#endif
