/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whether lifecycle rules are ones.  Where AWS's pages do not give a text, it is the one that S3
 * was seen to answer: LocalStack's snapshots of its own tests against S3 (tests/aws/services/s3),
 * and threads of hashicorp/terraform-provider-aws (23228, 23299, 23882, 35328, 41521), noobaa-core
 * (8341, 8628, 8664, 8861) and others.
 */

#include "services/s3/s3_lifecycle.h"

#include "codec/base64.h"
#include "codec/time.h"
#include "core/env.h"
#include "crypto/random.h"

#define RULES_MAX      1000
#define ID_MAX         255
#define PREFIX_MAX     1024
#define SIZE_MAX_BYTES INT64_C(1099511627776000)
#define IA_DAYS_MIN    30

/* --- what they share ----------------------------------------------------------------------------
 */

struct check {
    struct vg_req *rq;
    const struct s3_lifecycle_rule *rule;
    struct s3_lifecycle_filter filter;
    bool is_v2; /* rules have filters, not prefixes of their own */
};

static vg_rc VG_PRINTF(3, 5)
    bad_number(struct check *c, const char *name, const char *fmt, int64_t n, ...)
{
    va_list ap;
    va_start(ap, n);
    struct vg_str text = vg_str_vfmt(c->rq->arena, 4096, fmt, ap);
    va_end(ap);
    return s3_bad_argument(c->rq, vg_str_cstr(c->rq->arena, text), name,
                           vg_str_fmt(c->rq->arena, "%lld", (long long)n));
}

/* A number of days, which must be there. */
static vg_rc
check_days(struct check *c, struct vg_opt_i64 n, const char *name, const char *action)
{
    if (!n.set)
        return s3_malformed_xml(c->rq);
    return n.v > 0 ? VG_OK
                   : bad_number(c, name, "'%s' for %s action must be a positive integer", n.v, name,
                                action);
}

static vg_rc
check_date(struct check *c, int64_t ms)
{
    return ms % S3_LIFECYCLE_DAY_MS == 0 ? VG_OK
                                         : s3_bad_argument(c->rq, "'Date' must be at midnight GMT",
                                                           "Date", vg_time_iso(c->rq->arena, ms));
}

/* --- filters ------------------------------------------------------------------------------------
 */

/* One of them, or several in an And. */
static vg_rc
check_filter_form(struct check *c, const struct s3_lifecycle_rule_filter *f)
{
    int n = (f->prefix.ptr != NULL) + (f->tag != NULL) + f->object_size_greater_than.set
            + f->object_size_less_than.set + (f->and != NULL);
    if (n > 1)
        return s3_malformed_xml(c->rq);
    if (!f->and)
        return VG_OK;
    const struct s3_lifecycle_rule_and_operator *and = f->and;
    int others = (and->prefix.ptr != NULL) + and->object_size_greater_than.set
                 + and->object_size_less_than.set;
    return (size_t)others + and->tags.len < 2 ? s3_malformed_xml(c->rq) : VG_OK;
}

static vg_rc
check_tags(struct check *c)
{
    const struct s3_lifecycle_filter *f = &c->filter;
    const struct s3_tag_set tags = { .items = (struct s3_tag *)f->tags, .len = f->n_tags };
    for (size_t i = 0; i < f->n_tags; i++)
        for (size_t k = 0; k < i; k++)
            if (vg_str_eq(f->tags[i].key, f->tags[k].key))
                return s3_fail_invalid_request(c->rq, "Duplicate Tag Keys are not allowed.");
    return s3_check_tags(c->rq, &tags, S3_LIMIT_OBJECT_TAGS,
                         "Object tags cannot be greater than 10");
}

static vg_rc
check_sizes(struct check *c)
{
    struct vg_opt_i64 more = c->filter.greater_than, less = c->filter.less_than;
    if (more.set && (more.v < 0 || more.v > SIZE_MAX_BYTES))
        return s3_fail_invalid_request(
            c->rq, "'ObjectSizeGreaterThan' should be between 0 and 1099511627776000.");
    if (less.set && (less.v < 1 || less.v > SIZE_MAX_BYTES))
        return s3_fail_invalid_request(
            c->rq, "'ObjectSizeLessThan' should be between 1 and 1099511627776000.");
    if (more.set && less.set && less.v <= more.v)
        return s3_fail_invalid_request(
            c->rq, "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.");
    return VG_OK;
}

static vg_rc
check_scope(struct check *c)
{
    const struct s3_lifecycle_rule *r = c->rule;
    if (!r->filter && !r->prefix.ptr)
        return s3_malformed_xml(c->rq);
    if (c->is_v2 && r->prefix.ptr)
        return s3_fail_invalid_request(c->rq, "Base level prefix cannot be used in Lifecycle V2, "
                                              "prefixes are only supported in the Filter.");
    if (!c->is_v2 && r->filter)
        return s3_fail_invalid_request(c->rq, "Filter element can only be used in Lifecycle V2.");
    vg_rc rc = r->filter ? check_filter_form(c, r->filter) : VG_OK;
    if (rc == VG_OK && c->filter.prefix.len > PREFIX_MAX)
        return s3_bad_argument(c->rq,
                               "Rule prefix cannot be longer than maximum allowed key length of "
                               "1024",
                               "Prefix", c->filter.prefix);
    if (rc == VG_OK)
        rc = check_tags(c);
    return rc == VG_OK ? check_sizes(c) : rc;
}

/* Some actions are for all objects of a prefix only. */
static vg_rc
check_plain(struct check *c, const char *action)
{
    const char *with = c->filter.n_tags                     ? "Tags"
                       : s3_lifecycle_has_sizes(&c->filter) ? "Object Size"
                                                            : NULL;
    return with ? s3_fail_invalid_request(c->rq, "%s cannot be specified with %s.", action, with)
                : VG_OK;
}

/* --- expiration ---------------------------------------------------------------------------------
 */

static vg_rc
check_expiration(struct check *c)
{
    const struct s3_lifecycle_expiration *x = c->rule->expiration;
    if (!x)
        return VG_OK;
    if (x->date_ms.set + x->days.set + x->expired_object_delete_marker.set != 1)
        return s3_malformed_xml(c->rq);
    if (x->days.set)
        return check_days(c, x->days, "Days", "Expiration");
    return x->date_ms.set ? check_date(c, x->date_ms.v)
                          : check_plain(c, "ExpiredObjectDeleteMarker");
}

/* Documented as 1 to 100, but larger ones are taken. */
static vg_rc
check_newer(struct check *c, struct vg_opt_i64 newer)
{
    if (!newer.set)
        return VG_OK;
    if (!c->is_v2)
        return s3_fail_invalid_request(
            c->rq, "NewerNoncurrentVersions element can only be used in Lifecycle V2.");
    return newer.v > 0
               ? VG_OK
               : bad_number(c, "NewerNoncurrentVersions",
                            "'NewerNoncurrentVersions' must be a positive integer", newer.v);
}

static vg_rc
check_noncurrent_expiration(struct check *c)
{
    const struct s3_noncurrent_version_expiration *x = c->rule->noncurrent_version_expiration;
    if (!x)
        return VG_OK;
    vg_rc rc = check_days(c, x->noncurrent_days, "NoncurrentDays", "NoncurrentVersionExpiration");
    return rc == VG_OK ? check_newer(c, x->newer_noncurrent_versions) : rc;
}

static vg_rc
check_abort(struct check *c)
{
    const char *action = "AbortIncompleteMultipartUpload";
    const struct s3_abort_incomplete_multipart_upload *x =
        c->rule->abort_incomplete_multipart_upload;
    if (!x)
        return VG_OK;
    vg_rc rc = check_days(c, x->days_after_initiation, "DaysAfterInitiation", action);
    return rc == VG_OK ? check_plain(c, action) : rc;
}

/* --- transitions --------------------------------------------------------------------------------
 */

/* Of current or noncurrent versions, in the order in which they are told. */
struct move {
    struct vg_str class;
    int64_t at; /* days, or a date */
};
struct moves {
    const char *action, *unit; /* "Transition", "Days" */
    struct move *items;
    size_t len;
};

static struct vg_str
filter_text(struct check *c)
{
    return vg_str_fmt(c->rq->arena, "(prefix=%" VG_FMT ")", VG_ARG(c->filter.prefix));
}

static vg_rc
check_wait(struct check *c, const struct moves *m, struct vg_str class, int64_t days)
{
    bool is_ia = vg_str_eq(class, VG_STR("STANDARD_IA")) || vg_str_eq(class, VG_STR("ONEZONE_IA"));
    if (is_ia && days < IA_DAYS_MIN)
        return bad_number(c, m->unit,
                          "'%s' in %s action must be greater than or equal to %d for storageClass "
                          "'%" VG_FMT "'",
                          days, m->unit, m->action, IA_DAYS_MIN, VG_ARG(class));
    return days >= 0 ? VG_OK
                     : bad_number(c, m->unit, "'%s' in %s action must be nonnegative", days,
                                  m->unit, m->action);
}

static vg_rc
add_move(struct check *c, struct moves *m, const struct vg_enum *class, int64_t at, bool is_date)
{
    if (class->v <= 0)
        return s3_malformed_xml(c->rq);
    vg_rc rc = is_date ? check_date(c, at) : check_wait(c, m, class->text, at);
    for (size_t i = 0; rc == VG_OK && i < m->len; i++)
        if (vg_str_eq(m->items[i].class, class->text))
            return s3_fail_invalid_request(c->rq,
                                           "'StorageClass' must be different for '%s' actions in "
                                           "same 'Rule' with filter '%" VG_FMT "'",
                                           m->action, VG_ARG(filter_text(c)));
    m->items[m->len++] = (struct move) { class->text, at };
    return rc;
}

/* A colder class comes later, and what expires does so after it has moved. */
static vg_rc
check_order(struct check *c, const struct moves *m, struct vg_opt_i64 end, const char *end_action)
{
    struct vg_str filter = filter_text(c);
    for (size_t i = 0; i < m->len; i++)
        for (size_t k = 0; k < m->len; k++) {
            const struct move *a = &m->items[i], *b = &m->items[k];
            if (s3_lifecycle_coldness(b->class) <= s3_lifecycle_coldness(a->class) || b->at > a->at)
                continue;
            return bad_number(c, m->unit,
                              "'%s' in the %s action for StorageClass '%" VG_FMT
                              "' for filter '%" VG_FMT "' must be greater than '%s' in the %s "
                              "action for StorageClass '%" VG_FMT "' for filter '%" VG_FMT "'",
                              b->at, m->unit, m->action, VG_ARG(b->class), VG_ARG(filter), m->unit,
                              m->action, VG_ARG(a->class), VG_ARG(filter));
        }
    for (size_t i = 0; end.set && i < m->len; i++)
        if (m->items[i].at >= end.v)
            return bad_number(c, m->unit,
                              "'%s' in the %s action for filter '%" VG_FMT
                              "' must be %s than '%s' in the %s action",
                              end.v, m->unit, end_action, VG_ARG(filter),
                              strcmp(m->unit, "Date") == 0 ? "later" : "greater", m->unit,
                              m->action);
    return VG_OK;
}

static vg_rc
check_transitions(struct check *c)
{
    const struct s3_transition_list *list = &c->rule->transitions;
    const struct s3_lifecycle_expiration none = { .days = { .set = false } };
    const struct s3_lifecycle_expiration *x = c->rule->expiration ? c->rule->expiration : &none;
    struct moves m = { .action = "Transition",
                       .items = VG_NEW_ARRAY(c->rq->arena, struct move, list->len + 1) };
    bool has_days = x->days.set, has_dates = x->date_ms.set;
    vg_rc rc = VG_OK;
    for (size_t i = 0; rc == VG_OK && i < list->len; i++) {
        const struct s3_transition *t = &list->items[i];
        if (t->date_ms.set == t->days.set)
            return s3_malformed_xml(c->rq);
        has_days |= t->days.set;
        has_dates |= t->date_ms.set;
        m.unit = t->date_ms.set ? "Date" : "Days";
        rc = add_move(c, &m, &t->storage_class, t->date_ms.set ? t->date_ms.v : t->days.v,
                      t->date_ms.set);
    }
    if (rc == VG_OK && list->len && has_days && has_dates)
        return s3_fail_invalid_request(c->rq,
                                       "Found mixed 'Date' and 'Days' based Expiration and "
                                       "Transition actions in lifecycle rule for filter '%" VG_FMT
                                       "'",
                                       VG_ARG(filter_text(c)));
    return rc == VG_OK ? check_order(c, &m, has_dates ? x->date_ms : x->days, "Expiration") : rc;
}

static vg_rc
check_noncurrent_transitions(struct check *c)
{
    const struct s3_noncurrent_version_transition_list *list =
        &c->rule->noncurrent_version_transitions;
    const struct s3_noncurrent_version_expiration *x = c->rule->noncurrent_version_expiration;
    const struct vg_opt_i64 never = { .set = false };
    struct moves m = { .action = "NoncurrentVersionTransition",
                       .unit = "NoncurrentDays",
                       .items = VG_NEW_ARRAY(c->rq->arena, struct move, list->len + 1) };
    vg_rc rc = VG_OK;
    for (size_t i = 0; rc == VG_OK && i < list->len; i++) {
        const struct s3_noncurrent_version_transition *t = &list->items[i];
        if (!t->noncurrent_days.set)
            return s3_malformed_xml(c->rq);
        rc = check_newer(c, t->newer_noncurrent_versions);
        if (rc == VG_OK)
            rc = add_move(c, &m, &t->storage_class, t->noncurrent_days.v, false);
    }
    return rc == VG_OK
               ? check_order(c, &m, x ? x->noncurrent_days : never, "NoncurrentVersionExpiration")
               : rc;
}

/* --- a rule -------------------------------------------------------------------------------------
 */

enum { N_ACTIONS = 5 };
static const char *const action_names[N_ACTIONS] = { "Expiration", "Transition",
                                                     "NoncurrentVersionExpiration",
                                                     "NoncurrentVersionTransition",
                                                     "AbortIncompleteMultipartUpload" };

static bool
has_action(const struct s3_lifecycle_rule *r, int which)
{
    const bool has[N_ACTIONS] = { r->expiration != NULL, r->transitions.len > 0,
                                  r->noncurrent_version_expiration != NULL,
                                  r->noncurrent_version_transitions.len > 0,
                                  r->abort_incomplete_multipart_upload != NULL };
    return has[which];
}

static vg_rc
check_rule(struct check *c)
{
    static vg_rc (*const checks[])(struct check * c) = {
        check_expiration,  check_noncurrent_expiration,  check_abort,
        check_transitions, check_noncurrent_transitions,
    };
    bool has_any = false;
    if (c->rule->status.v <= 0)
        return s3_malformed_xml(c->rq);
    vg_rc rc = check_scope(c);
    for (int i = 0; i < N_ACTIONS; i++)
        has_any |= has_action(c->rule, i);
    if (rc == VG_OK && !has_any)
        return s3_fail_invalid_request(c->rq,
                                       "At least one action needs to be specified in a rule");
    for (size_t i = 0; rc == VG_OK && i < VG_COUNT(checks); i++)
        rc = checks[i](c);
    return rc;
}

/* --- all of them --------------------------------------------------------------------------------
 */

/* Prefixes of rules' own must not overlap for one action; filters may. */
static vg_rc
check_overlap(struct vg_req *rq, const struct s3_lifecycle_rule *a,
              const struct s3_lifecycle_rule *b)
{
    bool is_a_wider = vg_str_starts(b->prefix, a->prefix);
    const struct s3_lifecycle_rule *wide = is_a_wider ? a : b, *narrow = is_a_wider ? b : a;
    if (!vg_str_starts(narrow->prefix, wide->prefix))
        return VG_OK;
    for (int i = 0; i < N_ACTIONS; i++)
        if (has_action(a, i) && has_action(b, i))
            return s3_fail_invalid_request(rq,
                                           "Found overlapping prefixes '%" VG_FMT "' and '%" VG_FMT
                                           "' for same action type '%s'",
                                           VG_ARG(wide->prefix), VG_ARG(narrow->prefix),
                                           action_names[i]);
    return VG_OK;
}

static vg_rc
check_ids(struct vg_req *rq, const struct s3_lifecycle_rules *rules)
{
    for (size_t i = 0; i < rules->len; i++) {
        struct vg_str id = rules->items[i].id;
        if (vg_str_utf16_len(id) > ID_MAX)
            return s3_bad_argument(rq, "ID length should not exceed allowed limit of 255", "ID",
                                   id);
        for (size_t k = 0; id.len && k < i; k++)
            if (vg_str_eq(rules->items[k].id, id))
                return s3_bad_argument(
                    rq, "Rule ID must be unique. Found same ID for more than one rule", "ID", id);
    }
    return VG_OK;
}

static vg_rc
check_all(struct vg_req *rq, const struct s3_lifecycle_rules *rules)
{
    bool is_v2 = rules->items[0].filter != NULL;
    vg_rc rc = check_ids(rq, rules);
    for (size_t i = 0; rc == VG_OK && i < rules->len; i++) {
        struct check c = { .rq = rq,
                           .rule = &rules->items[i],
                           .filter = s3_lifecycle_filter_of(&rules->items[i]),
                           .is_v2 = is_v2 };
        rc = check_rule(&c);
        for (size_t k = 0; rc == VG_OK && !is_v2 && k < i; k++)
            rc = check_overlap(rq, &rules->items[k], &rules->items[i]);
    }
    return rc;
}

/* As S3's own look: base64 of a UUID. */
static void
name_rules(struct vg_req *rq, struct s3_lifecycle_rules *rules)
{
    for (size_t i = 0; i < rules->len; i++)
        if (!rules->items[i].id.len)
            rules->items[i].id =
                vg_base64_encode(rq->arena, vg_random_uuid(rq->env->random, rq->arena));
}

vg_rc
s3_lifecycle_check(struct vg_req *rq, struct s3_lifecycle_rules *rules)
{
    if (rules->len > RULES_MAX)
        return s3_fail_invalid_request(
            rq, "The number of lifecycle rules must not exceed the allowed limit of 1000 rules.");
    vg_rc rc = check_all(rq, rules);
    if (rc == VG_OK)
        name_rules(rq, rules);
    return rc;
}
