/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A lifecycle's daily run: at midnight UTC of the virtual clock it walks over a bucket's versions
 * and then its uploads, a page in each transaction, which says how far it has come.  So others'
 * requests come in between, and a crash repeats a page at most, of which what was done is found
 * done.
 *
 * Nights that passed unseen, since the clock was moved or no daemon ran, are made up for one after
 * the other, as if each run were of its night: what comes of a rule's deed (an expired version is
 * a noncurrent one) is due days after the deed.  Those at which nothing is due are left out.
 */

#include "services/s3/s3_lifecycle.h"
#include "services/s3/s3_log_note.h"
#include "services/s3/s3_notify.h"
#include "services/s3/s3_upload.h"

#include "core/env.h"

enum { PAGE_VERSIONS = 1000, PAGE_UPLOADS = 100 };

typedef struct s3_get_bucket_lifecycle_configuration_output conf_type;

struct run {
    struct vg_req *rq;
    const struct s3_rec_bucket *bucket;
    const conf_type *conf;
    struct s3_lifecycle_cursor from, to; /* of this page, and of the next */
    int64_t soonest_ms;                  /* as the cursor's, with this page */
    bool has_more;
    VG_VEC(struct s3_log_act) acts; /* for the access log */
};

/* --- what is logged -----------------------------------------------------------------------------
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-and-other-bucket-config.html
 */

static struct vg_str transition_name(struct vg_str class)
{
    static const struct {
        struct vg_str class, name;
    } all[] = {
        { VG_STR_INIT("STANDARD_IA"), VG_STR_INIT("S3.TRANSITION_SIA.OBJECT") },
        { VG_STR_INIT("ONEZONE_IA"), VG_STR_INIT("S3.TRANSITION_ZIA.OBJECT") },
        { VG_STR_INIT("INTELLIGENT_TIERING"), VG_STR_INIT("S3.TRANSITION_INT.OBJECT") },
        { VG_STR_INIT("GLACIER_IR"), VG_STR_INIT("S3.TRANSITION_GIR.OBJECT") },
        { VG_STR_INIT("DEEP_ARCHIVE"), VG_STR_INIT("S3.TRANSITION_GDA.OBJECT") },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++)
        if (vg_str_eq(all[i].class, class))
            return all[i].name;
    return VG_STR("S3.TRANSITION.OBJECT");
}

/* The version is that which is gone, moved or made; absent where versioning was never on. */
static void
note_act(struct run *r, struct vg_str operation, struct vg_str key, const struct s3_rec_version *v)
{
    if (!r->bucket->is_logged)
        return;
    *VG_VEC_ADD(r->rq->arena, &r->acts) = (struct s3_log_act) {
        .operation = operation,
        .requester = VG_STR("AmazonS3"),
        .key = key,
        .version_id = v && r->bucket->versioning.ptr ? v->id : VG_STR_NONE,
        .bytes = v && !v->is_marker ? v->size : -1,
    };
}

/* After the commit. */
static void
log_acts(struct run *r) VG_WAITS
{
    s3_log_acts(r->rq, r->bucket, r->acts.items, r->acts.len);
    r->acts.len = 0;
}

/* --- one version --------------------------------------------------------------------------------
 */

static vg_rc
remove_version(struct run *r, struct s3_object_edit *e, const struct s3_rec_version *v)
{
    vg_rc rc = s3_store_del_version(e, v);
    note_act(r, VG_STR("S3.EXPIRE.OBJECT"), e->key, v);
    return rc == VG_OK ? s3_notify(e, S3_EXPIRED, v) : rc;
}

/* "a delete marker with a unique version ID", "with version ID null", or nothing is left:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-configuration-examples.html */
static vg_rc
expire(struct run *r, struct s3_object_edit *e)
{
    struct s3_rec_version *marker = VG_NEW(e->rq->arena, struct s3_rec_version);
    if (!e->bucket->versioning.ptr)
        return remove_version(r, e, e->latest);
    marker->is_marker = true;
    marker->modified_ms = r->from.night_ms;
    marker->owner = e->bucket->account;
    vg_rc rc = s3_store_add_version(e, marker, VG_STR_NONE);
    note_act(r, VG_STR("S3.CREATE.DELETEMARKER"), e->key, marker);
    return rc == VG_OK ? s3_notify(e, S3_EXPIRED_BY_MARKER, marker) : rc;
}

/* "Permanent deletion takes precedence over transition." Locks outlive all rules. */
static vg_rc
carry_out(struct run *r, struct s3_object_edit *e, const struct s3_entry *entry,
          const struct s3_lifecycle_fate *fate)
{
    struct s3_rec_version *v = entry->version;
    vg_rc rc = s3_store_edit_key(e, entry->key);
    if (rc != VG_OK)
        return rc;
    if (entry->is_latest && e->latest)
        v = e->latest;
    if (fate->is_gone && !s3_is_locked(e->rq, v, false))
        return remove_version(r, e, v);
    if (fate->class.ptr) {
        v->storage_class = fate->class;
        s3_store_put_version(e, v);
        note_act(r, transition_name(v->storage_class), e->key, v);
        rc = s3_notify(e, S3_TRANSITIONED, v);
    }
    return rc == VG_OK && fate->is_expired ? expire(r, e) : rc;
}

/* --- a page of versions -------------------------------------------------------------------------
 */

struct page {
    struct s3_entries entries;
    struct s3_lifecycle_fate *fates;
    size_t len;
    bool has_any; /* something is to be done */
};

static bool
is_something(const struct s3_lifecycle_fate *f)
{
    return f->is_gone || f->is_expired || f->class.ptr;
}

static void
expect(struct run *r, int64_t ms)
{
    if (ms < r->soonest_ms)
        r->soonest_ms = ms;
}

/* Carries what the next version of the same key must know of those before it. */
static struct s3_lifecycle_cursor
behind(const struct s3_lifecycle_cursor *c, const struct s3_entry *entry, bool is_gone)
{
    const struct s3_rec_version *v = entry->version;
    bool is_same = !entry->is_latest && vg_str_eq(c->key, entry->key);
    return (struct s3_lifecycle_cursor) {
        .key = entry->key,
        .order = v->order,
        .since_ms = v->modified_ms,
        .n_newer = (is_same ? c->n_newer : 0) + (!entry->is_latest && !is_gone),
    };
}

/* Of what follows the last entry of a page nothing is known: it comes again on the next one, but
 * where it is alone, being large: a marker, of which one must know it, is not. */
static vg_rc
look(struct run *r, struct page *p)
{
    struct vg_req *rq = r->rq;
    *p = (struct page) { .len = 0 };
    vg_rc rc =
        s3_store_versions(rq, r->bucket, r->from.key, r->from.order, PAGE_VERSIONS, &p->entries);
    if (rc != VG_OK)
        return rc;
    const struct s3_entry *all = p->entries.items;
    r->to = r->from;
    r->soonest_ms = r->from.soonest_ms;
    r->has_more = p->entries.has_more;
    p->len = p->entries.len - (p->entries.has_more && p->entries.len > 1);
    p->fates = VG_NEW_ARRAY(rq->arena, struct s3_lifecycle_fate, p->len + 1);
    for (size_t i = 0; i < p->len; i++) {
        bool has_next = i + 1 < p->entries.len;
        const struct s3_lifecycle_subject s = {
            .key = all[i].key,
            .version = all[i].version,
            .is_latest = all[i].is_latest,
            .is_only = all[i].is_latest && !(has_next && vg_str_eq(all[i + 1].key, all[i].key)),
            .noncurrent_ms = r->to.since_ms,
            .n_newer = r->to.n_newer,
        };
        p->fates[i] = s3_lifecycle_fate_of(r->conf, &s, r->from.night_ms);
        bool is_due = is_something(&p->fates[i]);
        p->has_any |= is_due;
        expect(r, is_due ? r->from.night_ms + S3_LIFECYCLE_DAY_MS : p->fates[i].next_ms);
        r->to = behind(&r->to, &all[i], p->fates[i].is_gone);
    }
    return VG_OK;
}

static bool
has_uploads_rule(const conf_type *conf)
{
    for (size_t i = 0; i < conf->rules.len; i++)
        if (conf->rules.items[i].abort_incomplete_multipart_upload)
            return true;
    return false;
}

/* The next page at once, then the uploads, then the next night at which something is due, or may
 * be: of what is put meanwhile nothing is known. */
static vg_rc
plan_next(struct run *r, struct vg_tx *tx)
{
    int64_t now_ms = vg_now_ms(r->rq->env), tonight_ms = s3_lifecycle_midnight(now_ms);
    bool is_on = r->has_more || (!r->from.is_at_uploads && has_uploads_rule(r->conf));
    vg_tx_use_reserve(tx); /* of a page with nothing to remove, too: the next may have something */
    if (!r->has_more)
        r->to = (struct s3_lifecycle_cursor) { .is_at_uploads = is_on };
    r->to.night_ms = r->from.night_ms;
    r->to.soonest_ms = r->soonest_ms;
    if (is_on)
        return s3_store_plan_lifecycle(r->rq, tx, r->bucket, &r->to, now_ms);
    r->to.night_ms = r->soonest_ms < tonight_ms ? r->soonest_ms : tonight_ms;
    r->to.soonest_ms = INT64_MAX;
    return s3_store_plan_lifecycle(r->rq, tx, r->bucket, &r->to, r->to.night_ms);
}

/* Only what is due needs the turn; under it the page is looked at once more. */
static vg_rc VG_WAITS
run_versions(struct run *r)
{
    s3_auto_object struct s3_object_edit e = { 0 };
    struct page p;
    vg_rc rc = look(r, &p);
    if (rc == VG_OK)
        rc = s3_store_edit_object(r->rq, r->bucket, VG_STR(""), &e);
    if (rc != VG_OK || !e.bucket || !e.bucket->has_lifecycle)
        return rc;
    r->bucket = e.bucket;
    if (p.has_any)
        rc = look(r, &p);
    for (size_t i = 0; rc == VG_OK && p.has_any && i < p.len; i++)
        if (is_something(&p.fates[i]))
            rc = carry_out(r, &e, &p.entries.items[i], &p.fates[i]);
    if (rc == VG_OK)
        rc = plan_next(r, e.tx);
    if (rc == VG_OK)
        rc = s3_store_object_commit(&e);
    if (rc == VG_OK)
        log_acts(r);
    return rc;
}

/* --- a page of uploads --------------------------------------------------------------------------
 */

static vg_rc VG_WAITS
abort_upload(struct run *r, const struct s3_rec_upload *u)
{
    s3_auto_object struct s3_object_edit e = { 0 };
    struct s3_rec_upload *found;
    vg_rc rc = s3_store_edit_upload(r->rq, r->bucket, u->key, u->id, &e, &found);
    if (rc != VG_OK || !found)
        return rc;
    rc = s3_store_abort_upload(&e, found);
    if (rc == VG_OK)
        rc = s3_store_object_commit(&e);
    if (rc == VG_OK)
        note_act(r, VG_STR("S3.DELETE.UPLOAD"), u->key, NULL);
    return rc;
}

static vg_rc VG_WAITS
run_uploads(struct run *r)
{
    s3_auto_object struct s3_object_edit e = { 0 };
    struct s3_lifecycle_date date;
    struct s3_entries all;
    vg_rc rc =
        s3_store_uploads(r->rq, r->bucket, r->from.key, r->from.upload_id, PAGE_UPLOADS, &all);
    r->soonest_ms = r->from.soonest_ms;
    for (size_t i = 0; rc == VG_OK && i < all.len; i++) {
        const struct s3_rec_upload *u = all.items[i].upload;
        r->to = (struct s3_lifecycle_cursor) { .key = u->key,
                                               .is_at_uploads = true,
                                               .upload_id = u->id };
        bool is_due = s3_lifecycle_abort(r->conf, u->key, u->initiated_ms, &date)
                      && date.ms <= r->from.night_ms;
        if (is_due)
            rc = abort_upload(r, u);
        else
            expect(r, date.ms);
    }
    log_acts(r);
    if (rc == VG_OK)
        rc = s3_store_edit_object(r->rq, r->bucket, VG_STR(""), &e);
    if (rc != VG_OK || !e.bucket || !e.bucket->has_lifecycle)
        return rc;
    r->has_more = all.has_more;
    rc = plan_next(r, e.tx);
    return rc == VG_OK ? s3_store_object_commit(&e) : rc;
}

/* --- the operation ------------------------------------------------------------------------------
 */

static int64_t
last_midnight(const struct vg_req *rq)
{
    return s3_lifecycle_midnight(vg_now_ms(rq->env)) - S3_LIFECYCLE_DAY_MS;
}

/* The first page of a day, or the next one. A bucket that is gone, or has no rules, has no run. */
vg_rc
s3_run_lifecycle(struct vg_req *rq, const struct s3_run_lifecycle_input *in)
{
    struct run r = { .rq = rq,
                     .from = { .key = in->key,
                               .order = vg_opt_or(in->order, 0),
                               .since_ms = vg_opt_or(in->since_ms, 0),
                               .n_newer = vg_opt_or(in->newer, 0),
                               .is_at_uploads = vg_opt_or(in->at_uploads, 0) != 0,
                               .upload_id = in->upload_id,
                               .night_ms = vg_opt_or(in->night_ms, last_midnight(rq)),
                               .soonest_ms = vg_opt_or(in->soonest_ms, INT64_MAX) } };
    struct s3_rec_bucket *bucket;
    conf_type *conf = NULL;
    vg_rc rc = s3_store_bucket(rq, in->bucket, &bucket);
    if (rc != VG_OK || !bucket || !vg_str_eq(bucket->id, in->bucket_id))
        return rc;
    rc = s3_lifecycle_of(rq, bucket, &conf);
    if (rc != VG_OK || !conf)
        return rc;
    r.bucket = bucket;
    r.conf = conf;
    return r.from.is_at_uploads ? run_uploads(&r) : run_versions(&r);
}
