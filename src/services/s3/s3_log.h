/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_LOG_H
#define S3_LOG_H

/*
 * Server access logs: who asked what of a bucket.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
 */

#include "services/s3/s3_int.h"

/* Who delivers them, in bucket policies; in lists of grants a group stands for it. */
#define S3_LOGGING_SERVICE VG_STR("logging.s3.amazonaws.com")

#define S3_CONFIG_LOGGING VG_STR("logging") /* s3_shape_logging_enabled */

/* The bucket that is logged; it may be gone. */
struct s3_log_source {
    struct vg_str bucket, account, region;
};
struct s3_log_source s3_log_source_of(const struct s3_rec_bucket *bucket);

/* --- s3_log_rules.c: pure -----------------------------------------------------------------------
 */

/* Where the names of log objects have their days from. */
bool s3_log_is_by_event(const struct s3_logging_enabled *conf);
/* The key of a log object; `event_ms` is any time of its records' day. */
struct vg_str s3_log_key(struct vg_arena *arena, const struct s3_logging_enabled *conf,
                         const struct s3_log_source *from, int64_t event_ms, int64_t delivered_ms,
                         uint64_t unique);

/* S3_PERMISSION_…; 0: it is none. */
int s3_log_permission(struct vg_str name);

/* --- s3_log_target.c ----------------------------------------------------------------------------
 */

/* The logging service at work for a bucket, as a request of its own. */
struct s3_log_service {
    struct vg_req rq;
    struct vg_scope scope;
    struct vg_ctx ctx[2];
};
void s3_log_as_service(struct s3_log_service *s, const struct vg_req *rq,
                       const struct s3_log_source *from);
/* The bucket that the configuration names, where it may hold logs of `from` at all; else fails with
 * InvalidTargetBucketForLogging, CrossLocationLoggingProhibitted. */
vg_rc s3_log_find_target(struct vg_req *rq, const struct s3_log_source *from,
                         const struct s3_logging_enabled *conf, struct s3_rec_bucket **ret)
    VG_MUST_USE;
/* InvalidTargetBucketForLogging where the service may not write such an object. */
vg_rc s3_log_check_permission(struct vg_req *rq, const struct s3_log_source *from,
                              const struct s3_rec_bucket *target, struct vg_str key)
    VG_WAITS VG_MUST_USE;

/* --- s3_log_store.c -----------------------------------------------------------------------------
 */

struct vg_kv;
struct s3_logs *s3_logs_new(const struct vg_kv *kv);
void s3_logs_free(struct s3_logs *logs); /* accepts NULL */

struct vg_str s3_logs_part(struct vg_arena *arena, struct vg_str bucket_id);

/*
 * Keeps lines of a bucket until they are delivered.  In a transaction of its own, which waits for
 * nobody but where there is no timer yet.
 */
vg_rc s3_store_add_logs(struct vg_req *rq, const struct s3_rec_bucket *bucket, int64_t at_ms,
                        const struct vg_str *lines, size_t n) VG_WAITS VG_MUST_USE;

/* The first that wait, in their order. */
struct s3_log_batch {
    struct s3_rec_log_line *items;
    struct vg_str *keys;
    size_t len;
    bool has_more;
    uint32_t epoch; /* of the store */
};
vg_rc s3_store_logs(struct vg_req *rq, struct vg_str bucket_id, struct s3_log_batch *ret)
    VG_MUST_USE;
/*
 * Removes all of the batch, in a transaction that has the turn of s3_logs_part().  The timer goes
 * with the last line; else it runs again, at once where `is_more` is known to wait for it.
 */
vg_rc s3_store_end_logs(struct vg_req *rq, struct vg_tx *tx, const struct s3_deliver_logs_input *in,
                        const struct s3_log_batch *batch, bool is_more) VG_MUST_USE;

#endif
