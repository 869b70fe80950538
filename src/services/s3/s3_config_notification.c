/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who is told of what happens in a bucket.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
 */

#include "services/s3/s3_notify.h"

#include "core/env.h"
#include "crypto/random.h"

#define ID_MAX_BYTES     255u
#define FILTER_MAX_BYTES 1024u

/* As the errors call them. */
static const char *const names[S3_TARGETS] = { "CloudFunction", "Queue", "Topic" };

/* --- reading ------------------------------------------------------------------------------------
 */

#define ADD(all, of, kind_, arn_)                                                                  \
    for (size_t i = 0; i < (of).len; i++)                                                          \
        (all).items[(all).len++] = (struct s3_target)                                              \
        {                                                                                          \
            .kind = (kind_), .id = &(of).items[i].id, .arn = (of).items[i].arn_,                   \
            .events = &(of).items[i].events, .filter = (of).items[i].filter                        \
        }

struct s3_targets
s3_targets_of(struct vg_arena *arena, const struct s3_notification_configuration *conf)
{
    size_t n = conf->lambda_function_configurations.len + conf->queue_configurations.len
               + conf->topic_configurations.len;
    struct s3_targets all = { .items = VG_NEW_ARRAY(arena, struct s3_target, n + 1) };
    ADD(all, conf->lambda_function_configurations, S3_TARGET_FUNCTION, lambda_function_arn);
    ADD(all, conf->queue_configurations, S3_TARGET_QUEUE, queue_arn);
    ADD(all, conf->topic_configurations, S3_TARGET_TOPIC, topic_arn);
    return all;
}

static bool
is_prefix(const struct s3_filter_rule *rule)
{
    return vg_str_eq_nocase(rule->name.text, VG_STR("prefix"));
}

struct s3_key_filter
s3_target_filter(const struct s3_target *t)
{
    struct s3_key_filter f = { VG_STR(""), VG_STR("") };
    const struct s3_s3_key_filter *key = t->filter ? t->filter->key : NULL;
    for (size_t i = 0; key && i < key->filter_rules.len; i++) {
        const struct s3_filter_rule *rule = &key->filter_rules.items[i];
        *(is_prefix(rule) ? &f.prefix : &f.suffix) = rule->value;
    }
    return f;
}

/* --- checking -----------------------------------------------------------------------------------
 */

/* Names are told as S3 does, whatever their case was. */
static vg_rc
check_rules(struct vg_req *rq, const struct s3_target *t)
{
    struct s3_s3_key_filter *key = t->filter ? t->filter->key : NULL;
    unsigned n_prefixes = 0, n_suffixes = 0;
    for (size_t i = 0; key && i < key->filter_rules.len; i++) {
        struct s3_filter_rule *rule = &key->filter_rules.items[i];
        if (!is_prefix(rule) && !vg_str_eq_nocase(rule->name.text, VG_STR("suffix")))
            return s3_bad_argument(rq, "filter rule name must be either prefix or suffix",
                                   "FilterRule.Name", rule->name.text);
        if (rule->value.len > FILTER_MAX_BYTES)
            return s3_bad_argument(rq, "Filter rule value cannot be longer than 1024 bytes",
                                   "FilterRule.Value", rule->value);
        *(is_prefix(rule) ? &n_prefixes : &n_suffixes) += 1;
        rule->name.text = is_prefix(rule) ? VG_STR("Prefix") : VG_STR("Suffix");
        rule->name.v = S3_FILTER_RULE_NAME__UNKNOWN; /* the model has them in lower case */
        if (!rule->value.ptr)
            rule->value = VG_STR("");
    }
    if (n_prefixes > 1)
        return s3_bad_argument(rq, "Cannot specify more than one prefix rule in a filter.",
                               "FilterRule.Name", VG_STR("prefix"));
    if (n_suffixes > 1)
        return s3_bad_argument(rq, "Cannot specify more than one suffix rule in a filter.",
                               "FilterRule.Name", VG_STR("suffix"));
    return VG_OK;
}

static vg_rc
check_id(struct vg_req *rq, const struct s3_targets *all, size_t i)
{
    struct vg_str *id = all->items[i].id;
    if (id->len == 0)
        *id = vg_random_uuid(rq->env->random, rq->arena);
    if (id->len > ID_MAX_BYTES)
        return s3_bad_argument(rq, "ID length should not exceed allowed limit of 255", "Id", *id);
    for (size_t k = 0; k < i; k++)
        if (vg_str_eq(*all->items[k].id, *id))
            return s3_bad_argument(
                rq, "Same ID used for multiple configurations. IDs must be unique", "Id", *id);
    return VG_OK;
}

/* arn:partition:service:region:account:resource, of the service that such a target is of. */
static vg_rc
check_arn(struct vg_req *rq, const struct s3_rec_bucket *bucket, const struct s3_target *t)
{
    static const struct vg_str services[S3_TARGETS] = { VG_STR_INIT("lambda"), VG_STR_INIT("sqs"),
                                                        VG_STR_INIT("sns") };
    struct vg_str rest = t->arn, part[5];
    for (size_t i = 0; i < VG_COUNT(part); i++)
        part[i] = vg_str_cut(&rest, ':');
    if (!vg_str_eq(part[0], VG_STR("arn")) || !vg_str_eq(part[1], rq->scope->partition)
        || !vg_str_eq(part[2], services[t->kind]) || part[3].len == 0 || !s3_is_account(part[4])
        || rest.len == 0)
        return s3_bad_argument(rq, "The ARN could not be parsed", names[t->kind], t->arn);
    if (!vg_str_eq(part[3], bucket->region))
        return s3_bad_argument(rq,
                               "The notification destination service region is not valid for the "
                               "bucket location constraint",
                               names[t->kind], t->arn);
    return VG_OK;
}

static vg_rc
check_target(struct vg_req *rq, const struct s3_rec_bucket *bucket, const struct s3_targets *all,
             size_t i)
{
    const struct s3_target *t = &all->items[i];
    if (t->events->len == 0 || !t->arn.ptr)
        return s3_malformed_xml(rq);
    for (size_t k = 0; k < t->events->len; k++)
        if (t->events->items[k].v <= 0)
            return s3_bad_argument(rq, "The event is not supported for notifications", "Event",
                                   t->events->items[k].text);
    vg_rc rc = check_id(rq, all, i);
    if (rc == VG_OK)
        rc = check_rules(rq, t);
    return rc == VG_OK ? check_arn(rq, bucket, t) : rc;
}

static bool
do_meet(const struct s3_target *a, const struct s3_target *b)
{
    const struct s3_key_filter fa = s3_target_filter(a), fb = s3_target_filter(b);
    bool is_same = false;
    for (size_t i = 0; i < a->events->len; i++)
        for (size_t k = 0; k < b->events->len; k++)
            is_same |= s3_events_meet(a->events->items[i].text, b->events->items[k].text);
    return is_same && s3_filters_meet(&fa, &fb);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html: no
 * event may be for two. */
static vg_rc
check_overlap(struct vg_req *rq, const struct s3_targets *all)
{
    for (size_t i = 0; i < all->len; i++)
        for (size_t k = 0; k < i; k++)
            if (do_meet(&all->items[i], &all->items[k]))
                return s3_fail_invalid_argument(
                    rq, "Configurations overlap. Configurations on the same bucket cannot share a "
                        "common event type.");
    return VG_OK;
}

static vg_rc
bad_target(struct vg_req *rq, const struct s3_target *t, struct vg_str why)
{
    return s3_bad_argument(rq, "Unable to validate the following destination configurations",
                           vg_str_cstr(rq->arena, t->arn), why);
}

/* Whether all can be told, now: without validation too, a target that nothing tells is refused. */
static vg_rc VG_WAITS
try_targets(struct vg_req *rq, const struct s3_rec_bucket *bucket, const struct s3_targets *all,
            bool is_trusted)
{
    for (size_t i = 0; i < all->len; i++) {
        const struct s3_target *t = &all->items[i];
        struct vg_str why = VG_STR_NONE;
        if (!s3_target_is_built(rq, t->kind))
            why = VG_STR("Virga does not have this service");
        vg_rc rc = why.ptr || is_trusted ? VG_OK : s3_target_try(rq, bucket, t, &why);
        if (rc != VG_OK)
            return rc;
        if (why.ptr)
            return bad_target(rq, t, why);
    }
    return VG_OK;
}

/* --- the operations -----------------------------------------------------------------------------
 */

static vg_rc VG_WAITS
check(struct vg_req *rq, const struct s3_put_bucket_notification_configuration_request *in,
      struct s3_targets *ret)
{
    struct s3_rec_bucket *bucket;
    vg_rc rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &bucket);
    if (rc != VG_OK)
        return rc;
    if (in->notification_configuration->event_bridge_configuration)
        return s3_not_built(rq, "Event notification to Amazon EventBridge");
    *ret = s3_targets_of(rq->arena, in->notification_configuration);
    for (size_t i = 0; rc == VG_OK && i < ret->len; i++)
        rc = check_target(rq, bucket, ret, i);
    if (rc == VG_OK)
        rc = check_overlap(rq, ret);
    bool is_trusted = vg_opt_bool_or(in->skip_destination_validation, false);
    return rc == VG_OK ? try_targets(rq, bucket, ret, is_trusted) : rc;
}

vg_rc
s3_put_bucket_notification_configuration(
    struct vg_req *rq, const struct s3_put_bucket_notification_configuration_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    struct s3_targets all;
    if (!in->notification_configuration)
        return s3_malformed_xml(rq);
    vg_rc rc = check(rq, in, &all);
    if (rc == VG_OK)
        rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc != VG_OK)
        return rc;
    e.bucket->has_notification = all.len > 0;
    if (e.bucket->has_notification)
        s3_store_put_config(&e, S3_CONFIG_NOTIFICATION, &s3_shape_notification_configuration,
                            in->notification_configuration);
    else
        s3_store_del_config(&e, S3_CONFIG_NOTIFICATION);
    s3_store_put_bucket(&e, e.bucket);
    return s3_store_edit_commit(&e);
}

vg_rc
s3_get_bucket_notification_configuration(
    struct vg_req *rq, const struct s3_get_bucket_notification_configuration_request *in,
    struct s3_notification_configuration *out)
{
    void *found;
    vg_rc rc = s3_need_config(rq, in->bucket, in->expected_bucket_owner, S3_CONFIG_NOTIFICATION,
                              &s3_shape_notification_configuration, &found);
    if (rc == VG_OK && found)
        *out = *(const struct s3_notification_configuration *)found;
    return rc;
}
