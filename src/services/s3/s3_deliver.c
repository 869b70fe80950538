/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Hands notices over to who wants them, as the service S3 for the bucket: what the policy of a
 * function, queue or topic allows it is decided there.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
 */

#include "services/s3/s3_notify.h"

#include "base/log.h"
#include "codec/json.h"
#include "codec/time.h"
#include "core/env.h"
#include "core/registry.h"
#include "services/lambda/ops.h"

#define BATCH             100 /* one transaction takes them away */
#define MESSAGE_MAX_BYTES (256u << 10)

static const struct {
    struct vg_str service, operation; /* which tells it */
} kinds[S3_TARGETS] = {
    [S3_TARGET_FUNCTION] = { VG_STR_INIT("lambda"), VG_STR_INIT("Invoke") },
    [S3_TARGET_QUEUE] = { VG_STR_INIT("sqs"), VG_STR_INIT("SendMessage") },
    [S3_TARGET_TOPIC] = { VG_STR_INIT("sns"), VG_STR_INIT("Publish") },
};

bool
s3_target_is_built(struct vg_req *rq, enum s3_target_kind kind)
{
    const struct vg_op *op =
        vg_registry_find(rq->env->registry, kinds[kind].service, kinds[kind].operation);
    return op && op->handler;
}

/* --- one message --------------------------------------------------------------------------------
 */

/* In whose name, and to whom. */
struct parcel {
    struct vg_str account, bucket; /* the bucket's */
    struct vg_str target;          /* ARN */
    struct vg_str message;
    bool is_trial;
};

/* arn:partition:service:region:account:name */
struct address {
    enum s3_target_kind kind;
    struct vg_str region, account, name;
};

static bool
address_of(struct vg_str arn, struct address *ret)
{
    (void)vg_str_cut(&arn, ':');
    (void)vg_str_cut(&arn, ':');
    struct vg_str service = vg_str_cut(&arn, ':');
    *ret = (struct address) { .kind = S3_TARGETS };
    for (size_t i = 0; i < VG_COUNT(kinds); i++)
        if (vg_str_eq(service, kinds[i].service))
            ret->kind = (enum s3_target_kind)i;
    ret->region = vg_str_cut(&arn, ':');
    ret->account = vg_str_cut(&arn, ':');
    ret->name = arn;
    return ret->kind != S3_TARGETS;
}

static vg_rc VG_WAITS
invoke(struct vg_req *rq, const struct vg_as *as, const struct parcel *p, struct vg_err *err)
{
    const struct lambda_invocation_request in = {
        .function_name = p->target,
        .invocation_type = p->is_trial ? VG_ENUM(LAMBDA_INVOCATION_TYPE_DRY_RUN)
                                       : VG_ENUM(LAMBDA_INVOCATION_TYPE_EVENT),
        .payload = p->message,
    };
    struct lambda_invocation_response out = { .payload = VG_STR_NONE };
    return vg_call(rq, as, &lambda_op_invoke, &in, &out, err);
}

/* Services that are not known here by their types. */
static vg_rc VG_WAITS
post(struct vg_req *rq, const struct vg_as *as, const struct parcel *p, const struct address *to,
     struct vg_err *err)
{
    struct vg_buf b;
    struct vg_json_out w;
    struct vg_str answer;
    vg_buf_init(&b, rq->arena, MESSAGE_MAX_BYTES);
    vg_jsonw_init(&w, &b);
    vg_jsonw_object(&w);
    if (to->kind == S3_TARGET_QUEUE) {
        vg_jsonw_kv(&w, VG_STR("QueueUrl"),
                    vg_str_fmt(rq->arena, "%" VG_FMT "/%" VG_FMT "/%" VG_FMT,
                               VG_ARG(rq->env->config->endpoint), VG_ARG(to->account),
                               VG_ARG(to->name)));
        vg_jsonw_kv(&w, VG_STR("MessageBody"), p->message);
    } else {
        vg_jsonw_kv(&w, VG_STR("TopicArn"), p->target);
        vg_jsonw_kv(&w, VG_STR("Subject"), VG_STR("Amazon S3 Notification"));
        vg_jsonw_kv(&w, VG_STR("Message"), p->message);
    }
    vg_jsonw_object_end(&w);
    return vg_call_named(rq, as, kinds[to->kind].service, kinds[to->kind].operation, vg_buf_str(&b),
                         &answer, err);
}

static vg_rc VG_WAITS
send(struct vg_req *rq, const struct parcel *p, struct vg_err *err)
{
    struct address to;
    const struct vg_ctx ctx[] = {
        { VG_STR("aws:SourceArn"), s3_bucket_arn(rq, p->bucket) },
        { VG_STR("aws:SourceAccount"), p->account },
    };
    if (!address_of(p->target, &to))
        return vg_err_set(err, "there is no way to %" VG_FMT, VG_ARG(p->target));
    const struct vg_as as = {
        .caller = vg_service_principal(rq->arena, VG_STR("s3.amazonaws.com"), p->account),
        .account = to.account,
        .region = to.region,
        .ctx = ctx,
        .n_ctx = VG_COUNT(ctx),
    };
    return to.kind == S3_TARGET_FUNCTION ? invoke(rq, &as, p, err) : post(rq, &as, p, &to, err);
}

bool
s3_is_passing(const struct vg_err *err)
{
    return err->def == NULL || err->def->is_retryable || err->def->http_status >= 500;
}

/* --- trying a target ----------------------------------------------------------------------------
 */

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
static struct vg_str
test_event(struct vg_req *rq, const struct s3_rec_bucket *bucket)
{
    struct vg_buf b;
    struct vg_json_out w;
    vg_buf_init(&b, rq->arena, 4096);
    vg_jsonw_init(&w, &b);
    vg_jsonw_object(&w);
    vg_jsonw_kv(&w, VG_STR("Service"), VG_STR("Amazon S3"));
    vg_jsonw_kv(&w, VG_STR("Event"), VG_STR("s3:TestEvent"));
    vg_jsonw_kv(&w, VG_STR("Time"), vg_time_iso_ms(rq->arena, vg_now_ms(rq->env)));
    vg_jsonw_kv(&w, VG_STR("Bucket"), bucket->name);
    vg_jsonw_kv(&w, VG_STR("RequestId"), rq->id);
    vg_jsonw_kv(&w, VG_STR("HostId"), rq->id);
    vg_jsonw_object_end(&w);
    return vg_buf_str(&b);
}

vg_rc
s3_target_try(struct vg_req *rq, const struct s3_rec_bucket *bucket, const struct s3_target *t,
              struct vg_str *ret_why)
{
    const struct parcel p = { .account = bucket->account,
                              .bucket = bucket->name,
                              .target = t->arn,
                              .message = test_event(rq, bucket),
                              .is_trial = true };
    struct vg_err err = { 0 };
    vg_rc rc = send(rq, &p, &err);
    *ret_why = VG_STR_NONE;
    if (rc != VG_FAIL)
        return rc;
    if (s3_is_passing(&err)) {
        *rq->err = err;
        return VG_FAIL;
    }
    *ret_why = vg_str_dup(rq->arena, vg_err_text(&err));
    return VG_OK;
}

/* --- the timer ----------------------------------------------------------------------------------
 */

/* Hands some of a bucket's notices over, in their order. May run twice. */
vg_rc
s3_deliver_events(struct vg_req *rq, const struct s3_deliver_events_input *in)
{
    struct s3_notices all;
    struct vg_err err = { 0 };
    bool is_held = false;
    size_t n = 0;
    vg_rc rc = s3_store_notices(rq, in->bucket_id, BATCH, &all);
    for (; rc == VG_OK && !is_held && n < all.len; n += !is_held) {
        const struct parcel p = { .account = in->account,
                                  .bucket = in->bucket,
                                  .target = all.items[n].target,
                                  .message = all.items[n].message };
        err = (struct vg_err) { 0 };
        vg_rc sent = send(rq, &p, &err);
        is_held = sent == VG_GONE || (sent == VG_FAIL && s3_is_passing(&err));
        if (sent == VG_FAIL && !is_held)
            vg_log(VG_LOG_WARN, "s3.event_refused", { "bucket", in->bucket },
                   { "target", p.target }, { "why", vg_err_text(&err) });
    }
    if (rc == VG_OK)
        rc = s3_store_end_notices(rq, in, &all, n, !is_held);
    if (rc == VG_OK && is_held)
        return vg_err_set(rq->err, "an event waits: %" VG_FMT, VG_ARG(vg_err_text(&err)));
    return rc;
}
