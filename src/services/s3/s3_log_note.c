/* SPDX-License-Identifier: Apache-2.0 */

#include "services/s3/s3_log_note.h"

#include "base/log.h"
#include "codec/uri.h"
#include "core/done.h"
#include "core/env.h"
#include "http/server.h"
#include "os/clock.h"
#include "services/s3/s3_http.h"
#include "services/s3/s3_log.h"
#include "services/s3/s3_log_line.h"
#include "wire/wire.h"

/* One key beside that of the request. */
struct aside {
    struct vg_str key, version_id, code;
    int status;
    int64_t bytes;
};

struct notes {
    const struct s3_rec_bucket *bucket; /* the request's; NULL: it is not logged */
    int64_t at_ms;                      /* virtual */
    int64_t taken_ms;                   /* monotonic; 0: with the head */
    int64_t bytes;
    struct vg_str page, code; /* of a website */
    bool is_without_lists;
    VG_VEC(struct aside) batch;
    const struct s3_rec_bucket *source; /* of a copy, if that is logged */
    struct aside copied;
};

static struct notes *
notes_of(const struct vg_req *rq)
{
    return rq->done ? rq->done->notes : NULL;
}

static struct notes *
need_notes(struct vg_req *rq)
{
    struct notes *n = notes_of(rq);
    if (n)
        return n;
    n = VG_NEW(rq->arena, struct notes);
    n->at_ms = vg_now_ms(rq->env);
    n->bytes = -1;
    rq->done->notes = n;
    rq->done->http->is_timed = true;
    return n;
}

/* --- on the way ---------------------------------------------------------------------------------
 */

/* Whether the path begins with the bucket: requests look at others too. */
static bool
is_own(const struct vg_done *done, struct vg_str name)
{
    struct vg_str path = done->path;
    return vg_str_starts(path, VG_STR("/")) && vg_str_starts(vg_str_slice(path, 1, path.len), name)
           && (path.len == name.len + 1 || path.ptr[name.len + 1] == '/');
}

void
s3_log_saw(struct vg_req *rq, struct vg_str name, const struct s3_rec_bucket *bucket)
{
    if (!rq->done || !is_own(rq->done, name))
        return;
    rq->done->is_known = true;
    if (bucket && bucket->is_logged)
        need_notes(rq)->bucket = bucket;
}

void
s3_log_size(struct vg_req *rq, int64_t bytes)
{
    struct notes *n = notes_of(rq);
    if (n && !n->code.ptr)
        n->bytes = bytes;
}

void
s3_log_taken(struct vg_req *rq)
{
    struct notes *n = notes_of(rq);
    if (n)
        n->taken_ms = vg_mono_ms();
}

static struct vg_str
code_of(const struct vg_err *err)
{
    return err->def ? err->def->code : VG_STR("InternalError");
}

static struct aside
aside_of(struct vg_str key, struct vg_str version_id, int64_t bytes, int status,
         const struct vg_err *why)
{
    struct aside a = { .key = key, .version_id = version_id, .status = status, .bytes = bytes };
    if (why) {
        a.status = why->def ? why->def->http_status : 500;
        a.code = code_of(why);
        a.bytes = -1;
    }
    return a;
}

void
s3_log_batched(struct vg_req *rq, struct vg_str key, struct vg_str version_id, int64_t bytes,
               const struct vg_err *why)
{
    struct notes *n = notes_of(rq);
    if (n)
        *VG_VEC_ADD(rq->arena, &n->batch) = aside_of(key, version_id, bytes, 204, why);
}

void
s3_log_copied(struct vg_req *rq, const struct s3_at *from, const struct s3_rec_bucket *bucket,
              int64_t bytes, const struct vg_err *why)
{
    if (!rq->done || !bucket || !bucket->is_logged)
        return;
    struct notes *n = need_notes(rq);
    n->source = bucket;
    n->copied = aside_of(from->key, from->version_id, bytes, 200, why);
}

void
s3_log_site(struct vg_req *rq, struct vg_str bucket)
{
    rq->done->path =
        vg_str_fmt(rq->arena, "/%" VG_FMT "%" VG_FMT, VG_ARG(bucket), VG_ARG(rq->done->http->path));
}

void
s3_log_page(struct vg_req *rq, struct vg_str key)
{
    struct notes *n = notes_of(rq);
    if (n && !n->code.ptr)
        n->page = key;
}

void
s3_log_error(struct vg_req *rq, struct vg_str code)
{
    struct notes *n = notes_of(rq);
    if (n)
        n->code = code;
}

bool
s3_log_is_without_lists(const struct vg_req *rq)
{
    const struct notes *n = notes_of(rq);
    return n && n->is_without_lists;
}

/* --- who, and how it was signed -----------------------------------------------------------------
 */

/* "If the requester is an IAM user, this field returns the requester's IAM user name along with the
 * AWS account that the IAM user belongs to", as an ARN. */
static struct vg_str
requester_of(struct vg_arena *arena, const struct vg_principal *who)
{
    switch (who ? who->kind : VG_PRINCIPAL_ANONYMOUS) {
    case VG_PRINCIPAL_ANONYMOUS:
        return VG_STR_NONE;
    case VG_PRINCIPAL_ROOT:
        return s3_canonical_id(arena, who->account);
    case VG_PRINCIPAL_SERVICE:
        return vg_str_cat(arena, VG_STR("svc:"), who->name);
    default:
        return who->arn;
    }
}

static struct vg_str
header(const struct vg_done *done, const char *name)
{
    return vg_http_header(done->http, vg_str_of(name));
}

static bool
is_form(const struct vg_done *done)
{
    return vg_str_eq(done->http->method, VG_STR("POST"))
           && vg_str_starts_nocase(header(done, "content-type"), VG_STR("multipart/form-data"));
}

/* Of forms the head means nothing, and of websites and preflights nobody asks for it. */
static void
set_signature(const struct vg_req *rq, const struct vg_done *done, struct s3_log_line *l)
{
    struct vg_str query = done->http->query, auth = header(done, "authorization");
    const struct vg_principal *who = rq->scope->caller;
    if (done->plane || vg_str_eq(done->http->method, VG_STR("OPTIONS")))
        return;
    bool is_v2 = s3_has_param(query, VG_STR("AWSAccessKeyId"));
    if (is_form(done)) {
        bool is_signed = who && !s3_is_anonymous(rq);
        l->signature = is_signed ? VG_STR("SigV4") : VG_STR_NONE;
    } else if (auth.len > 0) {
        l->signature = vg_str_starts(auth, VG_STR("AWS ")) ? VG_STR("SigV2") : VG_STR("SigV4");
        l->auth = VG_STR("AuthHeader");
    } else if (is_v2 || s3_has_param(query, VG_STR("X-Amz-Signature"))) {
        l->signature = is_v2 ? VG_STR("SigV2") : VG_STR("SigV4");
        l->auth = VG_STR("QueryString");
    }
}

/* --- lines --------------------------------------------------------------------------------------
 */

/* What all lines of a request have in common. */
static struct s3_log_line
line_of(struct vg_req *rq, const struct vg_done *done, int64_t at_ms,
        const struct s3_rec_bucket *bucket)
{
    struct s3_log_line l = { .owner = s3_canonical_id(rq->arena, bucket->account),
                             .bucket = bucket->name,
                             .at_ms = at_ms,
                             .remote = done->remote,
                             .requester = requester_of(rq->arena, rq->scope->caller),
                             .request_id = rq->id,
                             .object_bytes = -1,
                             .total_ms = -1,
                             .turn_ms = -1,
                             .host_id = vg_wire_host_id(rq->arena, rq->id),
                             .cipher = done->tls_cipher,
                             .host = done->http->host,
                             .tls_version = done->tls_version };
    set_signature(rq, done, &l);
    return l;
}

static struct vg_str
key_of(const struct vg_req *rq, const struct vg_done *done, const struct notes *n,
       const struct s3_place *place)
{
    const struct s3_put_object_request *put = rq->in;
    if (is_form(done) && rq->op == &s3_op_put_object && put)
        return put->key;
    return n->page.ptr ? n->page : place->key;
}

static struct vg_str
error_of(const struct vg_req *rq, const struct notes *n, int status)
{
    if (status < 400)
        return VG_STR_NONE;
    return n->code.ptr ? n->code : code_of(rq->err);
}

static struct vg_str
version_of(struct vg_arena *arena, const struct vg_done *done)
{
    for (struct vg_str rest = done->http->query; rest.ptr && !done->plane;) {
        struct vg_str value = vg_str_cut(&rest, '&');
        if (vg_str_eq(vg_str_cut(&value, '='), VG_STR("versionId")))
            return vg_uri_decode(arena, value, true);
    }
    return VG_STR_NONE;
}

/*
 * "whether the request required an access control list for authorization": the same is asked
 * again without them.
 */
static bool
needs_lists(struct vg_req *rq, const struct vg_done *done, struct notes *n) VG_WAITS
{
    struct vg_err err = { 0 };
    struct vg_req again = *rq;
    bool is_well = done->http->status > 0 && done->http->status < 400;
    if (!is_well || !s3_has_lists(n->bucket) || !rq->op || !rq->in)
        return false;
    again.err = &err;
    n->is_without_lists = true;
    vg_rc rc = vg_authorize(&again, rq->ctx, rq->n_ctx, rq->in);
    n->is_without_lists = false;
    return rc == VG_FAIL && err.def && vg_str_eq(err.def->code, VG_STR("AccessDenied"));
}

static struct vg_str
request_line(struct vg_req *rq, const struct vg_done *done, struct notes *n) VG_WAITS
{
    const struct vg_http_req *http = done->http;
    const struct s3_place place = s3_place_of(rq->arena, done->path);
    struct s3_log_line l = line_of(rq, done, n->at_ms, n->bucket);
    const struct s3_log_asked asked = { .method = http->method,
                                        .query = http->query,
                                        .has_key = place.key.len > 0,
                                        .is_copy = header(done, "x-amz-copy-source").ptr != NULL,
                                        .is_website = done->plane != NULL };
    bool is_turned, is_well = http->status >= 200 && http->status < 300;
    l.operation = s3_log_operation(rq->arena, &asked, &is_turned);
    l.key = key_of(rq, done, n, &place);
    l.is_of_rest = true;
    l.method = http->method;
    l.target = http->target;
    l.minor = http->minor;
    l.referer = header(done, "referer");
    l.agent = header(done, "user-agent");
    l.status = http->status;
    l.code = error_of(rq, n, http->status);
    l.sent_bytes = http->sent_bytes;
    l.object_bytes = n->bytes;
    l.total_ms = vg_mono_ms() - http->received_ms;
    if (is_turned && is_well && http->replied_ms)
        l.turn_ms = http->replied_ms - VG_MAX(n->taken_ms, http->received_ms);
    l.version_id = version_of(rq->arena, done);
    l.is_acl_required = needs_lists(rq, done, n);
    return s3_log_line(rq->arena, &l);
}

static struct vg_str
aside_line(struct vg_req *rq, struct s3_log_line l, const struct aside *a)
{
    l.key = a->key;
    l.status = a->status;
    l.code = a->code;
    l.object_bytes = a->bytes;
    l.version_id = a->version_id;
    return s3_log_line(rq->arena, &l);
}

/* --- the end ------------------------------------------------------------------------------------
 */

/* "Server access log records are delivered on a best-effort basis." */
static void
keep(struct vg_req *rq, const struct s3_rec_bucket *bucket, int64_t at_ms,
     const struct vg_str *lines, size_t n) VG_WAITS
{
    if (s3_store_add_logs(rq, bucket, at_ms, lines, n) != VG_OK)
        vg_log(VG_LOG_DEBUG, "s3.log_not_kept", { "bucket", bucket->name },
               { "error", vg_err_text(rq->err) });
}

static void
keep_request(struct vg_req *rq, const struct vg_done *done, struct notes *n, struct vg_req *own)
    VG_WAITS
{
    VG_VEC(struct vg_str) lines = { 0 };
    struct s3_log_line l = line_of(rq, done, n->at_ms, n->bucket);
    l.operation = VG_STR("BATCH.DELETE.OBJECT");
    *VG_VEC_ADD(rq->arena, &lines) = request_line(rq, done, n);
    for (size_t i = 0; i < n->batch.len && done->http->status < 400; i++)
        *VG_VEC_ADD(rq->arena, &lines) = aside_line(rq, l, &n->batch.items[i]);
    keep(own, n->bucket, n->at_ms, lines.items, lines.len);
}

/* "Copying an object involves a GET and a PUT." */
static void
keep_source(struct vg_req *rq, const struct vg_done *done, const struct notes *n,
            struct vg_req *own) VG_WAITS
{
    struct s3_log_line l = line_of(rq, done, n->at_ms, n->source);
    l.operation = rq->op == &s3_op_upload_part_copy ? VG_STR("REST.COPY.PART_GET")
                                                    : VG_STR("REST.COPY.OBJECT_GET");
    l.is_of_rest = true;
    struct vg_str line = aside_line(rq, l, &n->copied);
    keep(own, n->source, n->at_ms, &line, 1);
}

/* A request that failed before anybody looked at its bucket. */
static struct notes *
late_notes(struct vg_req *rq, const struct vg_done *done, struct vg_req *own)
{
    const struct s3_place place = s3_place_of(rq->arena, done->path);
    struct s3_rec_bucket *bucket = NULL;
    if (place.bucket.len == 0 || s3_store_bucket(own, place.bucket, &bucket) != VG_OK || !bucket
        || !bucket->is_logged)
        return NULL;
    struct notes *n = need_notes(rq);
    n->bucket = bucket;
    return n;
}

void
s3_log_done(struct vg_req *rq, const struct vg_done *done)
{
    struct vg_root own; /* what the request's session had may not be at hand any more */
    vg_root_init(&own, rq->env, rq->arena, rq->scope->caller, rq->scope->owner, rq->scope->region);
    own.rq.svc = rq->svc;
    struct notes *n = done->is_known ? notes_of(rq) : late_notes(rq, done, &own.rq);
    if (n && n->bucket)
        keep_request(rq, done, n, &own.rq);
    if (n && n->source)
        keep_source(rq, done, n, &own.rq);
}

void
s3_log_acts(struct vg_req *rq, const struct s3_rec_bucket *bucket, const struct s3_log_act *acts,
            size_t n)
{
    struct vg_str *lines = VG_NEW_ARRAY(rq->arena, struct vg_str, n + 1);
    int64_t now_ms = vg_now_ms(rq->env);
    const struct vg_err was = *rq->err;
    for (size_t i = 0; i < n; i++) {
        const struct s3_log_line l = { .owner = s3_canonical_id(rq->arena, bucket->account),
                                       .bucket = bucket->name,
                                       .at_ms = now_ms,
                                       .requester = acts[i].requester,
                                       .request_id = rq->id,
                                       .operation = acts[i].operation,
                                       .key = acts[i].key,
                                       .is_of_rest = acts[i].status > 0,
                                       .status = acts[i].status,
                                       .object_bytes = acts[i].bytes,
                                       .total_ms = -1,
                                       .turn_ms = -1,
                                       .version_id = acts[i].version_id,
                                       .host_id = vg_wire_host_id(rq->arena, rq->id) };
        lines[i] = s3_log_line(rq->arena, &l);
    }
    if (n > 0)
        keep(rq, bucket, now_ms, lines, n);
    *rq->err = was;
}
