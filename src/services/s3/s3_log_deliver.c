/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Delivers the lines that wait for a bucket, as one object, in the name of the logging service.
 * The object comes and the lines go in one transaction, so that a repeated delivery finds nothing
 * left.  What may not be delivered is lost, as on AWS: "best effort".
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html#LogDeliveryBestEffort
 */

#include "services/s3/s3_log.h"

#include "base/log.h"
#include "core/env.h"
#include "crypto/random.h"
#include "services/s3/s3_headers.h"
#include "services/s3/s3_kms.h"
#include "services/s3/s3_log_note.h"
#include "services/s3/s3_store_int.h"
#include "wire/wire.h"

#define DAY_MS INT64_C(86400000)

struct delivery {
    const struct s3_deliver_logs_input *in;
    struct s3_log_source from;
    struct s3_log_batch batch;
    bool is_more; /* lines that are due wait behind the batch */
    const struct s3_logging_enabled *conf;
    struct s3_rec_bucket *target;
    struct vg_str key;
    struct s3_log_service *as; /* who writes the object */
    struct s3_rec_version *version;
    struct s3_written written;
};

/* --- where to -----------------------------------------------------------------------------------
 */

/* As it is now, or was when the first line came, where logging is over since; NULL: there was none.
 */
static vg_rc
find_conf(struct vg_req *rq, struct delivery *d)
{
    struct s3_rec_bucket *bucket;
    void *conf = NULL;
    vg_rc rc = s3_store_bucket(rq, d->in->bucket, &bucket);
    if (rc == VG_OK && bucket && bucket->is_logged && vg_str_eq(bucket->id, d->in->bucket_id))
        rc = s3_store_config(rq, bucket, S3_CONFIG_LOGGING, &s3_shape_logging_enabled, &conf);
    if (rc == VG_OK && !conf && d->in->config.ptr) {
        conf = VG_NEW(rq->arena, struct s3_logging_enabled);
        rc = vg_wire_from_json(&s3_shape_logging_enabled, d->in->config, rq->arena, conf, rq->err);
    }
    d->conf = conf;
    return rc;
}

/* An object whose name has the day of its lines has those of one day. */
static void
cut_at_midnight(struct delivery *d)
{
    struct s3_log_batch *b = &d->batch;
    size_t n = 1;
    d->is_more = b->has_more;
    if (b->len == 0 || !d->conf || !s3_log_is_by_event(d->conf))
        return;
    while (n < b->len && b->items[n].at_ms / DAY_MS == b->items[0].at_ms / DAY_MS)
        n++;
    d->is_more |= n < b->len;
    b->len = n;
}

static vg_rc VG_WAITS
find_target(struct vg_req *rq, struct delivery *d)
{
    d->key = s3_log_key(rq->arena, d->conf, &d->from, d->batch.items[0].at_ms, vg_now_ms(rq->env),
                        vg_random_u64(rq->env->random));
    vg_rc rc = s3_log_find_target(rq, &d->from, d->conf, &d->target);
    return rc == VG_OK ? s3_log_check_permission(rq, &d->from, d->target, d->key) : rc;
}

/* --- the object ---------------------------------------------------------------------------------
 */

/* "permissions for grantees to view the logs", beside the owner's:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_TargetGrant.html */
static vg_rc
set_grants(struct vg_req *rq, const struct delivery *d)
{
    const struct s3_target_grants *asked = &d->conf->target_grants;
    struct s3_owner *owner = s3_owner_of(rq, d->target->account);
    struct s3_access_control_policy acl = { .owner = owner };
    struct s3_grantee *self = VG_NEW(rq->arena, struct s3_grantee);
    const struct s3_acl_asked list = { .body = &acl };
    bool is_said;
    if (asked->len == 0)
        return VG_OK;
    self->type = VG_ENUM(S3_TYPE_CANONICAL_USER);
    self->id = owner->id;
    acl.grants.items = VG_NEW_ARRAY(rq->arena, struct s3_grant, asked->len + 1);
    acl.grants.set = true;
    acl.grants.items[acl.grants.len++] =
        (struct s3_grant) { .grantee = self, .permission = VG_ENUM(S3_PERMISSION_FULL_CONTROL) };
    for (size_t i = 0; i < asked->len; i++) {
        const struct s3_target_grant *g = &asked->items[i];
        acl.grants.items[acl.grants.len++] =
            (struct s3_grant) { .grantee = g->grantee,
                                .permission = { .v = s3_log_permission(g->permission.text),
                                                .text = g->permission.text } };
    }
    const struct s3_acl_of of = { d->target, d->key, d->version->owner };
    return s3_object_acl_asked(rq, &of, &list, &d->version->acl, &is_said);
}

static vg_rc VG_WAITS
write_lines(struct vg_req *rq, struct delivery *d, const struct s3_sealer *sealer)
{
    s3_auto_writer struct s3_writer *w = NULL;
    struct s3_declared declared = { .size = 0 };
    for (size_t i = 0; i < d->batch.len; i++)
        declared.size += (int64_t)d->batch.items[i].text.len;
    vg_rc rc = s3_writer_open(rq, sealer, &declared, &w);
    for (size_t i = 0; rc == VG_OK && i < d->batch.len; i++)
        rc = s3_writer_add(w, d->batch.items[i].text);
    return rc == VG_OK ? s3_writer_finish(w, VG_STR_NONE, &d->written) : rc;
}

/* Encrypted as the target has it: with a key of KMS, if the key's policy lets the service. */
static vg_rc VG_WAITS
make_object(struct delivery *d)
{
    s3_auto_key struct s3_customer_key key = { .is_given = false };
    const struct s3_object_headers h = { .content_type = VG_STR("text/plain") };
    struct vg_req *rq = &d->as->rq;
    d->version = VG_NEW(rq->arena, struct s3_rec_version);
    vg_rc rc = s3_headers_read(rq, d->target, d->key, &h, &key, d->version);
    if (rc == VG_OK)
        rc = s3_headers_read_metadata(rq, &h, d->version);
    if (rc == VG_OK)
        rc = set_grants(rq, d);
    const struct s3_sealer sealer = s3_sealer_of(d->target->account, &key);
    return rc == VG_OK ? write_lines(rq, d, &sealer) : rc;
}

static vg_rc VG_WAITS
keep_object(struct delivery *d)
{
    s3_auto_object struct s3_object_edit e = { 0 };
    struct vg_req *rq = &d->as->rq;
    const struct s3_new_object object = { .bucket = d->target,
                                          .key = d->key,
                                          .version = d->version,
                                          .written = &d->written,
                                          .how = S3_CREATED_PUT };
    vg_rc rc = s3_store_edit_object_with(rq, d->target, d->key,
                                         s3_logs_part(rq->arena, d->in->bucket_id), &e);
    if (rc == VG_OK)
        rc = s3_add_object(&e, &object);
    if (rc == VG_OK)
        rc = s3_store_end_logs(rq, e.tx, d->in, &d->batch, d->is_more);
    if (rc == VG_OK)
        rc = s3_store_object_commit(&e);
    return rc;
}

/* Where the target is logged too, as where it is the source: "an infinite loop of logs",
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html */
static void
log_object(struct delivery *d) VG_WAITS
{
    const struct s3_log_act put = { .operation = VG_STR("REST.PUT.OBJECT"),
                                    .requester = vg_str_cat(d->as->rq.arena, VG_STR("svc:"),
                                                            S3_LOGGING_SERVICE),
                                    .key = d->key,
                                    .status = 200,
                                    .bytes = d->version->size };
    if (d->target->is_logged)
        s3_log_acts(&d->as->rq, d->target, &put, 1);
}

static vg_rc VG_WAITS
deliver(struct vg_req *rq, struct delivery *d)
{
    vg_rc rc = find_target(rq, d);
    if (rc != VG_OK)
        return rc;
    d->as = VG_NEW(rq->arena, struct s3_log_service);
    s3_log_as_service(d->as, rq, &d->from);
    rc = make_object(d);
    if (rc != VG_OK)
        return rc;
    rc = keep_object(d);
    if (rc == VG_OK)
        log_object(d);
    else
        s3_content_drop(rq, d->written.content);
    return rc;
}

/* --- the end ------------------------------------------------------------------------------------
 */

static vg_rc VG_WAITS
drop_lines(struct vg_req *rq, struct delivery *d)
{
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = vg_tx_open(rq, s3_logs_part(rq->arena, d->in->bucket_id), &tx);
    if (rc == VG_OK)
        rc = s3_store_end_logs(rq, tx, d->in, &d->batch, d->is_more);
    return rc == VG_OK ? vg_tx_commit(&tx, rq->err) : rc;
}

vg_rc
s3_deliver_logs(struct vg_req *rq, const struct s3_deliver_logs_input *in)
{
    struct delivery d = { .in = in, .from = { in->bucket, in->account, in->region } };
    vg_rc rc = s3_store_logs(rq, in->bucket_id, &d.batch);
    if (rc == VG_OK)
        rc = find_conf(rq, &d);
    if (rc != VG_OK)
        return rc;
    cut_at_midnight(&d);
    if (d.batch.len == 0 || !d.conf)
        return drop_lines(rq, &d);
    rc = deliver(rq, &d);
    if (rc != VG_FAIL || s3_is_passing(rq->err))
        return rc;
    vg_log(VG_LOG_WARN, "s3.logs_lost", { "bucket", in->bucket },
           { "target", d.conf->target_bucket },
           { "lines", vg_str_fmt(rq->arena, "%zu", d.batch.len) }, { "why", vg_err_text(rq->err) });
    vg_err_clear(rq->err);
    return drop_lines(rq, &d);
}
