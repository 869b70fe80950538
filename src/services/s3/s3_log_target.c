/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which buckets may hold logs, and who lets them be written there: asked when logging is set up and
 * again whenever a log is delivered.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshooting-server-access-logging.html
 */

#include "core/authz.h"
#include "services/s3/s3_log.h"

static vg_rc
invalid_target(struct vg_req *rq, struct vg_str target, const char *text)
{
    struct s3_invalid_target_bucket_for_logging *d =
        VG_NEW(rq->arena, struct s3_invalid_target_bucket_for_logging);
    d->target_bucket = target;
    return s3_fail_invalid_target_bucket_for_logging_detail(rq, d, "%s", text);
}

/* Status, text and members as LocalStack's snapshots of S3's answers have them: of a bucket in
 * us-east-1 the region goes without saying. */
static vg_rc
cross_location(struct vg_req *rq, const struct s3_log_source *from, const struct s3_rec_bucket *to)
{
    struct s3_cross_location_logging_prohibitted *d =
        VG_NEW(rq->arena, struct s3_cross_location_logging_prohibitted);
    if (!vg_str_eq(from->region, VG_STR("us-east-1")))
        d->source_bucket_location = from->region;
    d->target_bucket_location = to->region;
    return s3_fail_cross_location_logging_prohibitted_detail(
        rq, d, "Cross S3 location logging not allowed. ");
}

vg_rc
s3_log_find_target(struct vg_req *rq, const struct s3_log_source *from,
                   const struct s3_logging_enabled *conf, struct s3_rec_bucket **ret)
{
    struct vg_str name = conf->target_bucket;
    vg_rc rc = s3_store_bucket(rq, name, ret);
    const struct s3_rec_bucket *to = *ret;
    if (rc != VG_OK)
        return rc;
    if (!to)
        return invalid_target(rq, name, "The target bucket for logging does not exist");
    if (!vg_str_eq(to->account, from->account))
        return invalid_target(
            rq, name,
            "The owner for the bucket to be logged and the target bucket must be the same.");
    if (!vg_str_eq(to->region, from->region))
        return cross_location(rq, from, to);
    if (conf->target_grants.len > 0 && !s3_has_lists(to))
        return s3_fail_access_control_list_not_supported(
            rq, "Target grants not allowed for bucket owner enforced buckets");
    if (to->has_object_lock)
        return invalid_target(
            rq, name, "Buckets with S3 Object Lock can't be used as target buckets for logging");
    if (to->is_requester_pays)
        return invalid_target(rq, name,
                              "Requester Pays buckets can't be used as target buckets for logging");
    return VG_OK;
}

void
s3_log_as_service(struct s3_log_service *s, const struct vg_req *rq,
                  const struct s3_log_source *from)
{
    *s = (struct s3_log_service) { .rq = *rq, .scope = *rq->scope };
    s->scope.caller = vg_service_principal(rq->arena, S3_LOGGING_SERVICE, from->account);
    s->scope.owner = from->account;
    s->scope.region = from->region;
    s->ctx[0] = (struct vg_ctx) { VG_STR("aws:SourceArn"), s3_bucket_arn(rq, from->bucket) };
    s->ctx[1] = (struct vg_ctx) { VG_STR("aws:SourceAccount"), from->account };
    s->rq.scope = &s->scope;
    s->rq.ctx = s->ctx;
    s->rq.n_ctx = VG_COUNT(s->ctx);
}

vg_rc
s3_log_check_permission(struct vg_req *rq, const struct s3_log_source *from,
                        const struct s3_rec_bucket *target, struct vg_str key)
{
    struct s3_log_service *s = VG_NEW(rq->arena, struct s3_log_service);
    bool is_allowed = false;
    s3_log_as_service(s, rq, from);
    vg_rc rc = vg_allowed(&s->rq, VG_STR("s3:PutObject"), s3_object_arn(rq, target->name, key),
                          NULL, 0, &is_allowed);
    if (rc != VG_OK || is_allowed)
        return rc;
    return invalid_target(
        rq, target->name,
        "You must either provide the necessary permissions to the logging service using a bucket "
        "policy or give the log-delivery group WRITE and READ_ACP permissions to the target "
        "bucket");
}
