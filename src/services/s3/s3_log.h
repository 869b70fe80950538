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

#endif
