/* SPDX-License-Identifier: Apache-2.0 */

/*
 * RestoreObject: https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html
 *
 * The bytes of archived objects are where all others are: a restore is two times of the version's,
 * between which it can be read.
 */

#include "services/s3/s3_restore.h"

#include "codec/time.h"
#include "core/env.h"
#include "core/reply.h"
#include "services/s3/s3_lifecycle.h"
#include "services/s3/s3_notify.h"
#include "services/s3/s3_store_int.h"
#include "store/key.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   (60 * MINUTE_MS)

/* --- what becomes of a restore ------------------------------------------------------------------
 */

enum s3_restore_is
s3_restore_state(const struct s3_rec_version *v, int64_t now_ms)
{
    if (!v->restore_ready_ms.set || now_ms >= v->restore_until_ms.v)
        return S3_RESTORE_NONE;
    return now_ms < v->restore_ready_ms.v ? S3_RESTORE_ONGOING : S3_RESTORE_DONE;
}

static bool
has_archive_class(const struct s3_rec_version *v)
{
    return vg_str_eq(v->storage_class, VG_STR("GLACIER"))
           || vg_str_eq(v->storage_class, VG_STR("DEEP_ARCHIVE"));
}

bool
s3_is_archived(struct vg_req *rq, const struct s3_rec_version *v)
{
    return has_archive_class(v) && s3_restore_state(v, vg_now_ms(rq->env)) != S3_RESTORE_DONE;
}

struct vg_str
s3_restore_header(struct vg_req *rq, const struct s3_rec_version *v)
{
    struct vg_buf b;
    enum s3_restore_is state = s3_restore_state(v, vg_now_ms(rq->env));
    if (state == S3_RESTORE_NONE)
        return VG_STR_NONE;
    if (state == S3_RESTORE_ONGOING)
        return VG_STR("ongoing-request=\"true\"");
    vg_buf_init(&b, rq->arena, 256);
    vg_buf_adds(&b, VG_STR("ongoing-request=\"false\", expiry-date=\""));
    vg_time_add_http(&b, v->restore_until_ms.v);
    vg_buf_addc(&b, '"');
    return vg_buf_str(&b);
}

struct s3_restore_status *
s3_restore_status_of(struct vg_req *rq, const struct s3_rec_version *v)
{
    enum s3_restore_is state = s3_restore_state(v, vg_now_ms(rq->env));
    if (state == S3_RESTORE_NONE)
        return NULL;
    struct s3_restore_status *s = VG_NEW(rq->arena, struct s3_restore_status);
    s->is_restore_in_progress = (struct vg_opt_bool) { true, state == S3_RESTORE_ONGOING };
    if (state == S3_RESTORE_DONE)
        s->restore_expiry_date_ms = v->restore_until_ms;
    return s;
}

/* --- RestoreObject ------------------------------------------------------------------------------
 */

static vg_rc
check_request(struct vg_req *rq, const struct s3_restore_request *asked)
{
    if (!asked)
        return s3_malformed_xml(rq);
    if (asked->type.text.ptr || asked->select_parameters || asked->output_location) {
        struct s3_method_not_allowed *d = VG_NEW(rq->arena, struct s3_method_not_allowed);
        d->method = VG_STR("POST");
        d->resource_type = VG_STR("OBJECT");
        return s3_fail_method_not_allowed_detail(
            rq, d,
            "The specific method for Select type jobs is not allowed against this resource.");
    }
    if (!asked->days.set || asked->tier.v < 0
        || (asked->glacier_job_parameters && asked->glacier_job_parameters->tier.v <= 0))
        return s3_malformed_xml(rq);
    return asked->days.v > 0
               ? VG_OK
               : s3_bad_argument(rq, "'Days' for a restore must be a positive integer", "Days",
                                 vg_str_fmt(rq->arena, "%lld", (long long)asked->days.v));
}

static int
tier_of(const struct s3_restore_request *asked)
{
    int tier =
        asked->glacier_job_parameters ? asked->glacier_job_parameters->tier.v : asked->tier.v;
    return tier > 0 ? tier : S3_TIER_STANDARD;
}

/* How long a restore takes at most, by AWS's table; 0: the class has no such tier.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html */
static int64_t
wait_of(const struct s3_rec_version *v, int tier)
{
    bool is_deep = vg_str_eq(v->storage_class, VG_STR("DEEP_ARCHIVE"));
    switch (tier) {
    case S3_TIER_EXPEDITED:
        return is_deep ? 0 : 5 * MINUTE_MS;
    case S3_TIER_BULK:
        return (is_deep ? 48 : 12) * HOUR_MS;
    default:
        return (is_deep ? 12 : 5) * HOUR_MS;
    }
}

/* "adding the number of days … to the current time … rounds the resulting time up to the next day
 * at midnight": of a copy that comes later, to the time when it does. */
static void
set_times(struct s3_rec_version *v, int64_t ready_ms, int64_t days)
{
    v->restore_ready_ms = (struct vg_opt_i64) { true, ready_ms };
    v->restore_until_ms = (struct vg_opt_i64) { true, s3_lifecycle_after(ready_ms, days) };
}

/*
 * A copy that is there stays longer, or shorter (200).  One that is on its way comes sooner by a
 * faster tier, which is all that may be asked of it.
 */
static vg_rc
restore(struct vg_req *rq, struct s3_rec_version *v, const struct s3_restore_request *asked)
{
    int64_t now_ms = vg_now_ms(rq->env), wait_ms = wait_of(v, tier_of(asked));
    enum s3_restore_is state = s3_restore_state(v, now_ms);
    if (wait_ms == 0)
        return s3_bad_argument(rq, "Retrieval option is not supported by this storage class",
                               "Tier", VG_STR("Expedited"));
    if (state == S3_RESTORE_ONGOING && wait_ms >= v->restore_wait_ms)
        return s3_fail_restore_already_in_progress(rq, "Object restore is already in progress");
    if (state == S3_RESTORE_DONE) {
        v->restore_until_ms.v = s3_lifecycle_after(now_ms, asked->days.v);
        return VG_OK;
    }
    int64_t ready_ms = now_ms + wait_ms;
    if (state == S3_RESTORE_ONGOING)
        ready_ms = VG_MIN(ready_ms, v->restore_ready_ms.v);
    set_times(v, ready_ms, asked->days.v);
    v->restore_wait_ms = wait_ms;
    vg_reply_status(rq, 202);
    return VG_OK;
}

/* Tells of the copy's beginning, and later of its end. */
static vg_rc
watch(struct s3_object_edit *e, const struct s3_rec_version *v, bool is_there)
{
    struct vg_req *rq = e->rq;
    const struct s3_plan p = { .partition = s3_objects_part(rq->arena, e->bucket->id),
                               .id = vg_key_of(rq->arena, VG_STR("restore"), e->key, v->id),
                               .op = is_there ? VG_STR("s3/_EndRestore")
                                              : VG_STR("s3/_CompleteRestore"),
                               .due_ms = is_there ? v->restore_until_ms.v : v->restore_ready_ms.v,
                               .account = e->bucket->account,
                               .region = e->bucket->region,
                               .bucket = e->bucket->name,
                               .bucket_id = e->bucket->id,
                               .key = e->key,
                               .version_id = v->id };
    return s3_plan(rq, e->tx, &p);
}

vg_rc
s3_restore_object(struct vg_req *rq, const struct s3_restore_object_request *in,
                  struct s3_restore_object_output *out)
{
    s3_auto_object struct s3_object_edit e = { 0 };
    const struct s3_at at = S3_AT(in);
    struct s3_rec_version *v;
    (void)out;
    vg_rc rc = check_request(rq, in->restore_request);
    if (rc == VG_OK)
        rc = s3_edit_version(rq, &at, &e, &v);
    if (rc != VG_OK)
        return rc;
    if (!has_archive_class(v)) {
        struct s3_invalid_object_state *d = VG_NEW(rq->arena, struct s3_invalid_object_state);
        d->storage_class.text = v->storage_class.ptr ? v->storage_class : VG_STR("STANDARD");
        return s3_fail_invalid_object_state_detail(
            rq, d, "Restore is not allowed for the object's current storage class");
    }
    rc = restore(rq, v, in->restore_request);
    if (rc != VG_OK)
        return rc;
    s3_store_put_version(&e, v);
    bool is_there = s3_restore_state(v, vg_now_ms(rq->env)) == S3_RESTORE_DONE;
    rc = watch(&e, v, is_there);
    if (rc == VG_OK && !is_there)
        rc = s3_notify(&e, S3_RESTORE_BEGUN, v);
    return rc == VG_OK ? s3_store_object_commit(&e) : rc;
}

/* --- the two times ------------------------------------------------------------------------------
 */

/* The version that a timer is about; *ret NULL: it is gone, or archived no longer. */
static vg_rc
find_watched(struct vg_req *rq, struct vg_str bucket_name, struct vg_str bucket_id,
             const struct s3_at *at, struct s3_object_edit *e, struct s3_rec_version **ret) VG_WAITS
{
    struct s3_rec_bucket *bucket;
    *ret = NULL;
    vg_rc rc = s3_store_bucket(rq, bucket_name, &bucket);
    if (rc != VG_OK || !bucket || !vg_str_eq(bucket->id, bucket_id))
        return rc;
    rc = s3_store_edit_object(rq, bucket, at->key, e);
    if (rc != VG_OK || !e->bucket)
        return rc;
    rc = s3_store_edit_version(e, at->version_id, ret);
    if (rc == VG_OK && *ret && (!has_archive_class(*ret) || !(*ret)->restore_ready_ms.set))
        *ret = NULL;
    return rc;
}

vg_rc
s3_complete_restore(struct vg_req *rq, const struct s3_complete_restore_input *in)
{
    s3_auto_object struct s3_object_edit e = { 0 };
    const struct s3_at at = { .key = in->key, .version_id = in->version_id };
    struct s3_rec_version *v;
    vg_rc rc = find_watched(rq, in->bucket, in->bucket_id, &at, &e, &v);
    if (rc != VG_OK || !v)
        return rc;
    rc = s3_notify_of_restore(&e, S3_RESTORED, v, v->restore_until_ms.v);
    if (rc == VG_OK)
        rc = watch(&e, v, true);
    return rc == VG_OK ? s3_store_object_commit(&e) : rc;
}

vg_rc
s3_end_restore(struct vg_req *rq, const struct s3_end_restore_input *in)
{
    s3_auto_object struct s3_object_edit e = { 0 };
    const struct s3_at at = { .key = in->key, .version_id = in->version_id };
    struct s3_rec_version *v;
    vg_rc rc = find_watched(rq, in->bucket, in->bucket_id, &at, &e, &v);
    if (rc == VG_OK && v)
        rc = s3_notify_of_restore(&e, S3_RESTORE_ENDED, v, v->restore_until_ms.v);
    return rc == VG_OK && v ? s3_store_object_commit(&e) : rc;
}
