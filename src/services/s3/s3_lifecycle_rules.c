/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which rules meet what, and when.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
 */

#include "services/s3/s3_lifecycle.h"

#define DEFAULT_MIN_BYTES (INT64_C(128) << 10)

typedef struct s3_get_bucket_lifecycle_configuration_output conf_type;

/* --- filters ------------------------------------------------------------------------------------
 */

struct s3_lifecycle_filter
s3_lifecycle_filter_of(const struct s3_lifecycle_rule *rule)
{
    const struct s3_lifecycle_rule_filter *f = rule->filter;
    if (!f)
        return (struct s3_lifecycle_filter) { .prefix = rule->prefix };
    if (f->and)
        return (struct s3_lifecycle_filter) { .prefix = f->and->prefix,
                                              .tags = f->and->tags.items,
                                              .n_tags = f->and->tags.len,
                                              .greater_than = f->and->object_size_greater_than,
                                              .less_than = f->and->object_size_less_than };
    return (struct s3_lifecycle_filter) { .prefix = f->prefix,
                                          .tags = f->tag,
                                          .n_tags = f->tag ? 1 : 0,
                                          .greater_than = f->object_size_greater_than,
                                          .less_than = f->object_size_less_than };
}

bool
s3_lifecycle_has_sizes(const struct s3_lifecycle_filter *filter)
{
    return filter->greater_than.set || filter->less_than.set;
}

static bool
has_tag(const struct s3_rec_version *v, const struct s3_tag *tag)
{
    for (size_t i = 0; i < v->tags.len; i++)
        if (vg_str_eq(v->tags.items[i].name, tag->key)
            && vg_str_eq(v->tags.items[i].value, tag->value))
            return true;
    return false;
}

static bool
meets(const struct s3_lifecycle_rule *rule, struct vg_str key, const struct s3_rec_version *v)
{
    const struct s3_lifecycle_filter f = s3_lifecycle_filter_of(rule);
    if (rule->status.v != S3_EXPIRATION_STATUS_ENABLED || !vg_str_starts(key, f.prefix)
        || (f.greater_than.set && v->size <= f.greater_than.v)
        || (f.less_than.set && v->size >= f.less_than.v))
        return false;
    for (size_t i = 0; i < f.n_tags; i++)
        if (!has_tag(v, &f.tags[i]))
            return false;
    return true;
}

/* --- times --------------------------------------------------------------------------------------
 */

/* "adding the number of days … and rounding the resulting time up to the next day at midnight UTC":
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html */
int64_t
s3_lifecycle_after(int64_t from_ms, int64_t days)
{
    int64_t ms = from_ms + days * S3_LIFECYCLE_DAY_MS;
    return (ms + S3_LIFECYCLE_DAY_MS - 1) / S3_LIFECYCLE_DAY_MS * S3_LIFECYCLE_DAY_MS;
}

int64_t
s3_lifecycle_midnight(int64_t ms)
{
    return (ms / S3_LIFECYCLE_DAY_MS + 1) * S3_LIFECYCLE_DAY_MS;
}

/* False: no such date. */
static bool
date_of(struct vg_opt_i64 date_ms, struct vg_opt_i64 days, int64_t from_ms, int64_t *ret)
{
    *ret = date_ms.set ? date_ms.v : days.set ? s3_lifecycle_after(from_ms, days.v) : INT64_MAX;
    return date_ms.set || days.set;
}

/* --- classes ------------------------------------------------------------------------------------
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
 */

int s3_lifecycle_coldness(struct vg_str class)
{
    static const struct vg_str colder[] = {
        VG_STR_INIT("STANDARD_IA"), VG_STR_INIT("INTELLIGENT_TIERING"),
        VG_STR_INIT("ONEZONE_IA"),  VG_STR_INIT("GLACIER_IR"),
        VG_STR_INIT("GLACIER"),     VG_STR_INIT("DEEP_ARCHIVE")
    };
    for (size_t i = 0; i < VG_COUNT(colder); i++)
        if (vg_str_eq(class, colder[i]))
            return (int)i + 1;
    return 0;
}

static bool
may_move(struct vg_str from, struct vg_str to)
{
    bool is_between_one_zone_and_instant =
        vg_str_eq(from, VG_STR("ONEZONE_IA")) && vg_str_eq(to, VG_STR("GLACIER_IR"));
    return s3_lifecycle_coldness(to) > s3_lifecycle_coldness(from)
           && !is_between_one_zone_and_instant;
}

/* "custom filters always take precedence over the default transition behavior" */
static bool
is_large_enough(const conf_type *conf, const struct s3_lifecycle_rule *rule, int64_t size,
                struct vg_str class)
{
    const struct s3_lifecycle_filter f = s3_lifecycle_filter_of(rule);
    bool is_by_class = conf->transition_default_minimum_object_size.v
                       == S3_TRANSITION_DEFAULT_MINIMUM_OBJECT_SIZE_VARIES_BY_STORAGE_CLASS;
    bool is_archive =
        vg_str_eq(class, VG_STR("GLACIER")) || vg_str_eq(class, VG_STR("DEEP_ARCHIVE"));
    return size >= DEFAULT_MIN_BYTES || s3_lifecycle_has_sizes(&f) || (is_by_class && is_archive);
}

/* Of several that are due, the coldest. */
static void
offer_class(const conf_type *conf, const struct s3_lifecycle_rule *rule,
            const struct s3_rec_version *v, struct vg_str class, struct s3_lifecycle_fate *fate)
{
    bool is_colder = s3_lifecycle_coldness(class) > s3_lifecycle_coldness(fate->class);
    if (is_colder && !v->is_marker && may_move(v->storage_class, class)
        && is_large_enough(conf, rule, v->size, class))
        fate->class = class;
}

/* --- what is due --------------------------------------------------------------------------------
 */

static bool
is_due(int64_t ms, int64_t now_ms, struct s3_lifecycle_fate *fate)
{
    if (ms > now_ms && ms < fate->next_ms)
        fate->next_ms = ms;
    return ms <= now_ms;
}

/* A delete marker behind which nothing is left: "when you specify the Days tag … the delete markers
 * are old enough to satisfy the age criteria" it goes too. */
static bool
is_marker_done(const struct s3_lifecycle_expiration *x, const struct s3_lifecycle_subject *s,
               int64_t now_ms, struct s3_lifecycle_fate *fate)
{
    if (!s->is_only)
        return false;
    return vg_opt_bool_or(x->expired_object_delete_marker, false)
           || (x->days.set
               && is_due(s3_lifecycle_after(s->version->modified_ms, x->days.v), now_ms, fate));
}

static void
judge_latest(const conf_type *conf, const struct s3_lifecycle_rule *rule,
             const struct s3_lifecycle_subject *s, int64_t now_ms, struct s3_lifecycle_fate *fate)
{
    const struct s3_lifecycle_expiration *x = rule->expiration;
    const struct s3_rec_version *v = s->version;
    int64_t due_ms;
    if (x && v->is_marker)
        fate->is_gone |= is_marker_done(x, s, now_ms, fate);
    else if (x && date_of(x->date_ms, x->days, v->modified_ms, &due_ms))
        fate->is_expired |= is_due(due_ms, now_ms, fate);
    for (size_t i = 0; i < rule->transitions.len; i++) {
        const struct s3_transition *t = &rule->transitions.items[i];
        if (date_of(t->date_ms, t->days, v->modified_ms, &due_ms) && is_due(due_ms, now_ms, fate))
            offer_class(conf, rule, v, t->storage_class.text, fate);
    }
}

/* "the number of noncurrent versions Amazon S3 will retain" */
static bool
is_noncurrent_due(const struct s3_lifecycle_subject *s, struct vg_opt_i64 days,
                  struct vg_opt_i64 newer, int64_t now_ms, struct s3_lifecycle_fate *fate)
{
    return days.set && s->n_newer >= vg_opt_or(newer, 0)
           && is_due(s3_lifecycle_after(s->noncurrent_ms, days.v), now_ms, fate);
}

static void
judge_noncurrent(const conf_type *conf, const struct s3_lifecycle_rule *rule,
                 const struct s3_lifecycle_subject *s, int64_t now_ms,
                 struct s3_lifecycle_fate *fate)
{
    const struct s3_noncurrent_version_expiration *x = rule->noncurrent_version_expiration;
    if (x)
        fate->is_gone |=
            is_noncurrent_due(s, x->noncurrent_days, x->newer_noncurrent_versions, now_ms, fate);
    for (size_t i = 0; i < rule->noncurrent_version_transitions.len; i++) {
        const struct s3_noncurrent_version_transition *t =
            &rule->noncurrent_version_transitions.items[i];
        if (is_noncurrent_due(s, t->noncurrent_days, t->newer_noncurrent_versions, now_ms, fate))
            offer_class(conf, rule, s->version, t->storage_class.text, fate);
    }
}

struct s3_lifecycle_fate
s3_lifecycle_fate_of(const conf_type *conf, const struct s3_lifecycle_subject *subject,
                     int64_t now_ms)
{
    struct s3_lifecycle_fate fate = { .next_ms = INT64_MAX };
    for (size_t i = 0; i < conf->rules.len; i++) {
        const struct s3_lifecycle_rule *rule = &conf->rules.items[i];
        if (!meets(rule, subject->key, subject->version))
            continue;
        if (subject->is_latest)
            judge_latest(conf, rule, subject, now_ms, &fate);
        else
            judge_noncurrent(conf, rule, subject, now_ms, &fate);
    }
    return fate;
}

/* --- what is to come ----------------------------------------------------------------------------
 */

static void
offer_date(const struct s3_lifecycle_rule *rule, int64_t ms, struct s3_lifecycle_date *ret)
{
    if (ms < ret->ms)
        *ret = (struct s3_lifecycle_date) { .ms = ms, .rule = rule->id };
}

bool
s3_lifecycle_expiry(const conf_type *conf, struct vg_str key, const struct s3_rec_version *v,
                    struct s3_lifecycle_date *ret)
{
    int64_t ms;
    *ret = (struct s3_lifecycle_date) { .ms = INT64_MAX };
    for (size_t i = 0; i < conf->rules.len; i++) {
        const struct s3_lifecycle_rule *rule = &conf->rules.items[i];
        const struct s3_lifecycle_expiration *x = rule->expiration;
        if (x && meets(rule, key, v) && date_of(x->date_ms, x->days, v->modified_ms, &ms))
            offer_date(rule, ms, ret);
    }
    return ret->ms != INT64_MAX;
}

bool
s3_lifecycle_abort(const conf_type *conf, struct vg_str key, int64_t initiated_ms,
                   struct s3_lifecycle_date *ret)
{
    const struct s3_rec_version none = { .size = 0 };
    *ret = (struct s3_lifecycle_date) { .ms = INT64_MAX };
    for (size_t i = 0; i < conf->rules.len; i++) {
        const struct s3_lifecycle_rule *rule = &conf->rules.items[i];
        const struct s3_abort_incomplete_multipart_upload *x =
            rule->abort_incomplete_multipart_upload;
        if (x && meets(rule, key, &none))
            offer_date(rule, s3_lifecycle_after(initiated_ms, x->days_after_initiation.v), ret);
    }
    return ret->ms != INT64_MAX;
}
