/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is told of an event.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 */

#include "services/s3/s3_notify.h"

#include "codec/json.h"
#include "codec/time.h"
#include "core/env.h"
#include "services/s3/s3_state.h"

#define RECORD_MAX_BYTES (64u << 10)
#define EMPTY_MD5        VG_STR("d41d8cd98f00b204e9800998ecf8427e") /* markers are told with it */

struct telling {
    const struct s3_object_edit *e;
    enum s3_happening what;
    const struct s3_rec_version *version;
    const struct s3_target *target;
    int64_t order;
    int64_t restored_until_ms;
};

/* --- the record ---------------------------------------------------------------------------------
 */

int64_t
s3_next_order(struct vg_req *rq)
{
    struct s3 *s3 = rq->svc;
    int64_t now = vg_now_ms(rq->env) << 12, last = atomic_load(&s3->last_order), next;
    do
        next = VG_MAX(last + 1, now);
    while (!atomic_compare_exchange_weak(&s3->last_order, &last, next));
    return next;
}

/* Where the request came from that this one is part of; a service's own work has no address. */
static struct vg_str
source_ip(const struct vg_req *rq)
{
    for (; rq; rq = rq->parent)
        for (size_t i = 0; i < rq->n_ctx; i++)
            if (vg_str_eq(rq->ctx[i].key, VG_STR("aws:SourceIp")))
                return rq->ctx[i].value;
    return VG_STR("s3.amazonaws.com");
}

static struct vg_str
principal_id(struct vg_req *rq)
{
    const struct vg_principal *who = rq->scope->caller;
    if (!who || who->kind == VG_PRINCIPAL_SERVICE)
        return VG_STR("s3.amazonaws.com");
    if (s3_is_anonymous(rq))
        return VG_STR("Anonymous");
    return vg_str_cat(rq->arena, VG_STR("AWS:"), who->user_id);
}

/* "Version 2.3 for S3 Lifecycle, …, object ACL, object tagging, and object restoration delete". */
static struct vg_str
schema_of(enum s3_happening what)
{
    switch (what) {
    case S3_CREATED_PUT:
    case S3_CREATED_POST:
    case S3_CREATED_COPY:
    case S3_CREATED_IN_PARTS:
    case S3_REMOVED:
    case S3_REMOVED_BY_MARKER:
    case S3_RESTORE_BEGUN:
    case S3_RESTORED:
        return VG_STR("2.1");
    default:
        return VG_STR("2.3");
    }
}

static bool
is_removal(enum s3_happening what)
{
    return what == S3_REMOVED || what == S3_EXPIRED;
}

static bool
is_creation(enum s3_happening what)
{
    return what <= S3_CREATED_IN_PARTS;
}

static bool
is_restore(enum s3_happening what)
{
    return what == S3_RESTORE_BEGUN || what == S3_RESTORED || what == S3_RESTORE_ENDED;
}

static bool
has_sequence(enum s3_happening what)
{
    return what <= S3_EXPIRED_BY_MARKER;
}

static void
open_object(struct vg_json_out *w, struct vg_str key)
{
    vg_jsonw_key(w, key);
    vg_jsonw_object(w);
}

static void
add_one(struct vg_json_out *w, struct vg_str of, struct vg_str key, struct vg_str value)
{
    open_object(w, of);
    vg_jsonw_kv(w, key, value);
    vg_jsonw_object_end(w);
}

static void
add_bucket(struct vg_json_out *w, const struct telling *t)
{
    struct vg_req *rq = t->e->rq;
    const struct s3_rec_bucket *b = t->e->bucket;
    open_object(w, VG_STR("bucket"));
    vg_jsonw_kv(w, VG_STR("name"), b->name);
    add_one(w, VG_STR("ownerIdentity"), VG_STR("principalId"),
            s3_canonical_id(rq->arena, b->account));
    vg_jsonw_kv(w, VG_STR("arn"), s3_bucket_arn(rq, b->name));
    vg_jsonw_object_end(w);
}

static void
add_object(struct vg_json_out *w, const struct telling *t)
{
    struct vg_arena *arena = t->e->rq->arena;
    const struct s3_rec_version *v = t->version;
    struct vg_str version_id = s3_version_shown(t->e->bucket, v);
    open_object(w, VG_STR("object"));
    vg_jsonw_kv(w, VG_STR("key"), s3_event_key(arena, t->e->key));
    if (is_creation(t->what) || is_restore(t->what) || t->what == S3_TRANSITIONED)
        vg_jsonw_kv_i64(w, VG_STR("size"), v->size);
    if (!is_removal(t->what))
        vg_jsonw_kv(w, VG_STR("eTag"), v->is_marker ? EMPTY_MD5 : v->etag);
    if (version_id.ptr)
        vg_jsonw_kv(w, VG_STR("versionId"), version_id);
    if (has_sequence(t->what))
        vg_jsonw_kv(w, VG_STR("sequencer"),
                    vg_str_fmt(arena, "%016llX", (unsigned long long)t->order));
    vg_jsonw_object_end(w);
}

static void
add_restore(struct vg_json_out *w, const struct telling *t)
{
    open_object(w, VG_STR("glacierEventData"));
    open_object(w, VG_STR("restoreEventData"));
    vg_jsonw_kv(w, VG_STR("lifecycleRestorationExpiryTime"),
                vg_time_iso_ms(t->e->rq->arena, t->restored_until_ms));
    vg_jsonw_kv(w, VG_STR("lifecycleRestoreStorageClass"), t->version->storage_class);
    vg_jsonw_object_end(w);
    vg_jsonw_object_end(w);
}

static struct vg_str
record(const struct telling *t)
{
    struct vg_req *rq = t->e->rq;
    struct vg_buf b;
    struct vg_json_out w;
    vg_buf_init(&b, rq->arena, RECORD_MAX_BYTES);
    vg_jsonw_init(&w, &b);
    vg_jsonw_object(&w);
    vg_jsonw_key(&w, VG_STR("Records"));
    vg_jsonw_array(&w);
    vg_jsonw_object(&w);
    vg_jsonw_kv(&w, VG_STR("eventVersion"), schema_of(t->what));
    vg_jsonw_kv(&w, VG_STR("eventSource"), VG_STR("aws:s3"));
    vg_jsonw_kv(&w, VG_STR("awsRegion"), t->e->bucket->region);
    vg_jsonw_kv(&w, VG_STR("eventTime"), vg_time_iso_ms(rq->arena, vg_now_ms(rq->env)));
    vg_jsonw_kv(&w, VG_STR("eventName"), s3_happening_name(t->what));
    add_one(&w, VG_STR("userIdentity"), VG_STR("principalId"), principal_id(rq));
    add_one(&w, VG_STR("requestParameters"), VG_STR("sourceIPAddress"), source_ip(rq));
    open_object(&w, VG_STR("responseElements"));
    vg_jsonw_kv(&w, VG_STR("x-amz-request-id"), rq->id);
    vg_jsonw_kv(&w, VG_STR("x-amz-id-2"), rq->id);
    vg_jsonw_object_end(&w);
    open_object(&w, VG_STR("s3"));
    vg_jsonw_kv(&w, VG_STR("s3SchemaVersion"), VG_STR("1.0"));
    vg_jsonw_kv(&w, VG_STR("configurationId"), *t->target->id);
    add_bucket(&w, t);
    add_object(&w, t);
    vg_jsonw_object_end(&w);
    if (t->restored_until_ms)
        add_restore(&w, t);
    vg_jsonw_object_end(&w);
    vg_jsonw_array_end(&w);
    vg_jsonw_object_end(&w);
    return vg_buf_str(&b);
}

/* --- who is told --------------------------------------------------------------------------------
 */

static bool
wants(const struct s3_target *t, struct vg_str event, struct vg_str key)
{
    const struct s3_key_filter filter = s3_target_filter(t);
    bool is_asked = false;
    for (size_t i = 0; i < t->events->len; i++)
        is_asked |= s3_events_meet(t->events->items[i].text, event);
    return is_asked && s3_filter_takes(&filter, key);
}

vg_rc
s3_notify_of_restore(struct s3_object_edit *e, enum s3_happening what,
                     const struct s3_rec_version *v, int64_t until_ms)
{
    struct vg_req *rq = e->rq;
    void *conf;
    if (!e->bucket->has_notification)
        return VG_OK;
    vg_rc rc = s3_store_config(rq, e->bucket, S3_CONFIG_NOTIFICATION,
                               &s3_shape_notification_configuration, &conf);
    if (rc != VG_OK || !conf)
        return rc;
    const struct s3_targets targets = s3_targets_of(rq->arena, conf);
    struct vg_str event = vg_str_cat(rq->arena, VG_STR("s3:"), s3_happening_name(what));
    for (size_t i = 0; rc == VG_OK && i < targets.len; i++) {
        if (!wants(&targets.items[i], event, e->key))
            continue;
        const struct telling telling = { .e = e,
                                         .what = what,
                                         .version = v,
                                         .target = &targets.items[i],
                                         .order = s3_next_order(rq),
                                         .restored_until_ms = until_ms };
        const struct s3_rec_notice notice = { .target = targets.items[i].arn,
                                              .message = record(&telling) };
        rc = s3_store_add_notice(e, telling.order, &notice);
    }
    return rc;
}

vg_rc
s3_notify(struct s3_object_edit *e, enum s3_happening what, const struct s3_rec_version *v)
{
    return s3_notify_of_restore(e, what, v, 0);
}
