/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_NOTIFY_H
#define S3_NOTIFY_H

/*
 * Notifications of what happens to objects.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
 *
 * s3_notify() writes what a bucket's configuration wants to be told of into the transaction that
 * makes it happen: a notice is there exactly if the change is.  A timer of the bucket hands notices
 * over in their order, at least once (s3_deliver.c).
 */

#include "services/s3/s3_int.h"

enum s3_happening {
    S3_CREATED_PUT, /* the first: what says nothing puts */
    S3_CREATED_POST,
    S3_CREATED_COPY,
    S3_CREATED_IN_PARTS,
    S3_REMOVED, /* for good: a version, a marker too */
    S3_REMOVED_BY_MARKER,
    S3_EXPIRED, /* the same two by a rule of a lifecycle */
    S3_EXPIRED_BY_MARKER,
    S3_TRANSITIONED,
    S3_RESTORE_BEGUN,
    S3_RESTORED,
    S3_RESTORE_ENDED,
    S3_TAGS_PUT,
    S3_TAGS_DELETED,
    S3_ACL_PUT,
    S3_RETENTION_PUT,
    S3_HAPPENINGS
};

/*
 * `what` happens to a version (or marker) of the edit's key, of the bucket as the edit has it.  To
 * be called after the change and before the commit; does nothing for a bucket that nobody listens
 * to.  The rest is of the request (e->rq): who, from where, its id.
 */
vg_rc s3_notify(struct s3_object_edit *e, enum s3_happening what, const struct s3_rec_version *v)
    VG_MUST_USE;
/* The same of S3_RESTORED and S3_RESTORE_ENDED: until when the copy is (or was) there. */
vg_rc s3_notify_of_restore(struct s3_object_edit *e, enum s3_happening what,
                           const struct s3_rec_version *v, int64_t until_ms) VG_MUST_USE;

/* --- s3_notify_rules.c: pure rules --------------------------------------------------------------
 */

/* "ObjectCreated:Put": as records have it, and configurations behind "s3:". */
struct vg_str s3_happening_name(enum s3_happening what);
/* Whether one event, or all of a configured kind ("s3:ObjectCreated:*"), may be the other. */
bool s3_events_meet(struct vg_str a, struct vg_str b);

/* What keys must begin and end with; empty: with anything. */
struct s3_key_filter {
    struct vg_str prefix, suffix;
};
bool s3_filter_takes(const struct s3_key_filter *f, struct vg_str key);
/* Whether a key may pass both, as S3 judges it: prefix against prefix, suffix against suffix. */
bool s3_filters_meet(const struct s3_key_filter *a, const struct s3_key_filter *b);

/* As in a form, but for the slash: "a b/ü" is "a+b/%C3%BC". */
struct vg_str s3_event_key(struct vg_arena *arena, struct vg_str key);

/* --- s3_config_notification.c -------------------------------------------------------------------
 */

#define S3_CONFIG_NOTIFICATION VG_STR("notification") /* s3_shape_notification_configuration */

enum s3_target_kind { S3_TARGET_FUNCTION, S3_TARGET_QUEUE, S3_TARGET_TOPIC, S3_TARGETS };

/* One rule of a configuration, of whatever list. */
struct s3_target {
    enum s3_target_kind kind;
    struct vg_str *id;
    struct vg_str arn;
    const struct s3_event_list *events;
    struct s3_notification_configuration_filter *filter;
};
struct s3_targets {
    struct s3_target *items;
    size_t len;
};
struct s3_targets s3_targets_of(struct vg_arena *arena,
                                const struct s3_notification_configuration *conf);
struct s3_key_filter s3_target_filter(const struct s3_target *t);

/* --- s3_deliver.c -------------------------------------------------------------------------------
 */

/* Whether this program has the operation by which such a target is told. */
bool s3_target_is_built(struct vg_req *rq, enum s3_target_kind kind);
/* Whether S3 may tell it for this bucket: functions are asked, the others get an s3:TestEvent.
 * *ret_why absent: yes. */
vg_rc s3_target_try(struct vg_req *rq, const struct s3_rec_bucket *bucket,
                    const struct s3_target *t, struct vg_str *ret_why) VG_WAITS VG_MUST_USE;

/* --- s3_notice_store.c --------------------------------------------------------------------------
 */

/* In the edit's transaction: a notice of the bucket, of a higher `order` than all before it. */
vg_rc s3_store_add_notice(struct s3_object_edit *e, int64_t order, const struct s3_rec_notice *n)
    VG_MUST_USE;

struct s3_notices {
    struct s3_rec_notice *items;
    int64_t *orders;
    size_t len;
};
/* The first of a bucket that may be gone, at most `max`. */
vg_rc s3_store_notices(struct vg_req *rq, struct vg_str bucket_id, uint32_t max,
                       struct s3_notices *ret) VG_MUST_USE;
/* Removes the first `n`.  `is_over`: what is left is for another run of the timer, which is planned
 * where there is something. */
vg_rc s3_store_end_notices(struct vg_req *rq, const struct s3_deliver_events_input *in,
                           const struct s3_notices *all, size_t n, bool is_over)
    VG_WAITS VG_MUST_USE;

#endif
