/* SPDX-License-Identifier: Apache-2.0 */
#include "front/front.h"

#include "base/limits.h"
#include "base/log.h"
#include "core/done.h"
#include "core/fail.h"
#include "core/form.h"
#include "core/hooks.h"
#include "core/plane.h"
#include "core/registry.h"
#include "crypto/checksum.h"
#include "front/exchange.h"
#include "front/internal.h"
#include "wire/wire.h"

#include <stdlib.h>

#define FORM_MAX_BYTES     (4u << 20)
#define INTERNAL_MAX_BYTES (8u << 20)

struct vg_front {
    const struct vg_env *env;
    struct vg_routes *routes;
    const struct vg_service *open;     /* takes_any_path; NULL: it is not built */
    const struct vg_model *open_model; /* … and its API */
};

static struct vg_wire_op
wire_op(const struct vg_op *op)
{
    return (struct vg_wire_op) { .name = op->name,
                                 .model = op->model,
                                 .http = op->http,
                                 .in = op->in,
                                 .out = op->out,
                                 .row = op };
}

static const struct vg_hooks *
hooks_of(const struct vg_service *service)
{
    static const struct vg_hooks none = { 0 };
    return service && service->hooks ? service->hooks : &none;
}

/* The API that a service with hooks has them for: its first. */
static const struct vg_model *
model_of_service(const struct vg_service *service)
{
    return service->ops[0]->model;
}

struct vg_front *
vg_front_new(const struct vg_env *env)
{
    struct vg_front *front = vg_xalloc(sizeof(*front));
    front->env = env;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    VG_VEC(struct vg_wire_op) rows = { 0 };
    size_t n;
    const struct vg_service *const *services = vg_registry_services(env->registry, &n);
    for (size_t i = 0; i < n; i++) {
        if (hooks_of(services[i])->takes_any_path) {
            VG_ASSERT(front->open == NULL);
            front->open = services[i];
            front->open_model = model_of_service(services[i]);
        }
        for (const struct vg_op *const *op = services[i]->ops; *op; op++) {
            if ((*op)->flags & VG_OP_INTERNAL)
                continue;
            *VG_VEC_ADD(arena, &rows) = wire_op(*op);
        }
    }
    front->routes = vg_routes_new(rows.items, rows.len);
    return front;
}

void
vg_front_free(struct vg_front *front)
{
    if (front == NULL)
        return;
    vg_routes_free(front->routes);
    free(front);
}

/* --- answers
 * -------------------------------------------------------------------------------------- */

/*
 * A member that is the body's length (S3's objects have one).  The framing says it, but that of a
 * HEAD, whose body nobody makes: -1 where there is none.
 */
static int64_t
take_length(struct vg_wire_out *out)
{
    int64_t length = -1;
    size_t n = 0;
    for (size_t i = 0; i < out->headers.len; i++) {
        const struct vg_http_header *h = &out->headers.items[i];
        if (!vg_str_eq_nocase(h->name, VG_STR("Content-Length")))
            out->headers.items[n++] = *h;
        else if (!vg_str_to_i64(h->value, &length))
            VG_BUG("a length that is no number");
    }
    out->headers.len = n;
    return length;
}

/* DynamoDB's clients check the checksum. */
static void
reply(struct vg_exchange *x, const struct vg_model *model, struct vg_wire_out *out)
{
    struct vg_arena *arena = x->http->arena;
    if (out->body.over) {
        vg_log(VG_LOG_ERROR, "answer_too_large", { "request", x->root.rq.id });
        out->status = 500;
        vg_buf_clear(&out->body);
    }
    struct vg_str body = vg_buf_str(&out->body);
    if (model && (model->flags & VG_MODEL_DYNAMODB_TEXT))
        *VG_VEC_ADD(arena, &out->headers) = (struct vg_http_header) {
            VG_STR("x-amz-crc32"), vg_str_fmt(arena, "%u", (unsigned)vg_crc(VG_CRC32, 0, body))
        };
    int64_t length = take_length(out);
    if (!x->http->is_head || length < 0) {
        (void)vg_http_reply(x->http, out->status, out->headers.items, out->headers.len, body);
        return;
    }
    if (vg_http_reply_begin(x->http, out->status, out->headers.items, out->headers.len, length)
        == VG_OK)
        (void)vg_http_reply_end(x->http);
}

/* What was said beside the model, which goes before it. */
static void
add_headers(const struct vg_exchange *x, struct vg_wire_out *out)
{
    for (size_t i = 0; i < x->reply.headers.len; i++) {
        const struct vg_reply_header *h = &x->reply.headers.items[i];
        if (vg_wire_out_has_header(out, h->name))
            continue;
        *VG_VEC_ADD(x->http->arena, &out->headers) = (struct vg_http_header) { h->name, h->value };
    }
}

static vg_rc
begin_reply(void *to, struct vg_req *rq, const void *typed_out, int status, int64_t length)
{
    struct vg_exchange *x = to;
    struct vg_wire_out out = { 0 };
    vg_wire_encode(x->wop, typed_out, rq->id, rq->arena, &out);
    add_headers(x, &out);
    (void)take_length(&out);
    return vg_http_reply_begin(x->http, status ? status : out.status, out.headers.items,
                               out.headers.len, length);
}

static vg_rc
write_reply(void *to, struct vg_str data)
{
    struct vg_exchange *x = to;
    return vg_http_reply_write(x->http, data);
}

/* The handler sent its reply itself. An end that is missing closes the connection. */
static void
end_reply(struct vg_exchange *x, vg_rc rc)
{
    if (rc == VG_OK)
        (void)vg_http_reply_end(x->http);
    else if (rc == VG_FAIL)
        vg_log(VG_LOG_WARN, "reply_cut", { "request", x->root.rq.id },
               { "operation", x->wop->name }, { "cause", vg_err_text(&x->root.err) });
}

/* An error has seen the store too: it waits for the gate like any answer. */
static void
reply_error(struct vg_exchange *x, const struct vg_wire_op *op, const struct vg_model *model)
{
    struct vg_err err = x->root.err;
    if (vg_gate(&x->root.rq) == VG_FAIL)
        err = x->root.err;
    struct vg_wire_out out = { 0 };
    vg_wire_encode_error(op ? op->model : model, op ? op->protocol : 0, &err, x->root.rq.id,
                         x->http->arena, &out);
    add_headers(x, &out);
    reply(x, model, &out);
}

static void
reply_text(struct vg_exchange *x, int status, struct vg_str json)
{
    const struct vg_http_header headers[] = {
        { VG_STR("Content-Type"), VG_STR("application/json") },
        { VG_STR("x-amzn-RequestId"), x->root.rq.id },
    };
    (void)vg_http_reply(x->http, status, headers, VG_COUNT(headers), json);
}

/* --- operations
 * ------------------------------------------------------------------------------------ */

/* S3 and its kin sign and answer in a way of their own. */
static enum vg_authn_family
family_of(const struct vg_model *model)
{
    static const struct vg_str s3s[] = { VG_STR_INIT("s3"), VG_STR_INIT("s3express"),
                                         VG_STR_INIT("s3-object-lambda"),
                                         VG_STR_INIT("s3-outposts") };
    for (size_t i = 0; i < VG_COUNT(s3s); i++)
        if (vg_str_eq(model->signing_name, s3s[i]))
            return VG_AUTHN_S3;
    switch (model->protocol) {
    case VG_PROTO_JSON_1_0:
    case VG_PROTO_JSON_1_1:
    case VG_PROTO_CBOR:
        return VG_AUTHN_JSON;
    case VG_PROTO_REST_JSON:
        return VG_AUTHN_REST_JSON;
    default:
        return VG_AUTHN_QUERY;
    }
}

static bool
is_form(const struct vg_http_req *http)
{
    return vg_str_starts_nocase(vg_http_header(http, VG_STR("content-type")),
                                VG_STR("application/x-www-form-urlencoded"));
}

/* The API a request means, as far as its head tells; NULL: unknown. */
static const struct vg_model *
model_of(const struct vg_front *front, const struct vg_exchange *x, struct vg_str target)
{
    if (target.ptr)
        return vg_routes_model(front->routes,
                               vg_str_slice(target, 0, vg_str_rfind_char(target, '.')));
    struct vg_str service = vg_exchange_scope_service(x);
    if (service.ptr)
        return vg_routes_model(front->routes, service);
    if (x->is_s3_host)
        return front->open_model;
    struct vg_str host = x->host.name; /* unsigned: "sts.us-east-1.localhost" */
    return vg_routes_model(front->routes, vg_str_cut(&host, '.'));
}

/*
 * How an API that is not in the table would be answered, so that its clients can read why: queries
 * and the APIs that speak XML have XML errors.
 */
static const struct vg_model *
family_model(const struct vg_exchange *x, struct vg_str target)
{
    static const struct vg_model json = { .protocol = VG_PROTO_JSON_1_1 },
                                 rest_json = { .protocol = VG_PROTO_REST_JSON },
                                 xml = { .protocol = VG_PROTO_QUERY };
    static const struct vg_str speak_xml[] = {
        VG_STR_INIT("s3"),          VG_STR_INIT("s3express"),  VG_STR_INIT("s3-object-lambda"),
        VG_STR_INIT("s3-outposts"), VG_STR_INIT("cloudfront"), VG_STR_INIT("route53")
    };
    if (target.ptr)
        return &json;
    struct vg_str service = vg_exchange_scope_service(x);
    for (size_t i = 0; i < VG_COUNT(speak_xml); i++) {
        if (vg_str_eq(service, speak_xml[i]))
            return &xml;
    }
    return is_form(x->http) ? &xml : &rest_json;
}

/*
 * By method and path.  Where neither signature nor host tell the API, a path of any other API's
 * comes before one of the service that takes any.
 */
static const struct vg_wire_op *
find_place(const struct vg_front *front, const struct vg_exchange *x, const struct vg_model *model,
           struct vg_str service, struct vg_wire_in *in)
{
    in->path = model && model == front->open_model ? x->s3_path : x->http->path;
    const struct vg_wire_op *op = vg_routes_by_uri(front->routes, service, in);
    if (service.ptr || !front->open || (op && op->model != front->open_model))
        return op;
    in->path = x->s3_path;
    return vg_routes_by_uri(front->routes, front->open_model->signing_name, in);
}

/*
 * Finds the operation.  A query request names it in its body, which is then read and verified here
 * (*has_body).  VG_OK with *ret NULL: there is none.
 */
static vg_rc
find_op(const struct vg_front *front, struct vg_exchange *x, const struct vg_model *model,
        struct vg_str target, struct vg_wire_in *in, const struct vg_wire_op **ret, bool *has_body)
{
    *ret = NULL;
    if (target.ptr) {
        *ret = vg_routes_by_target(front->routes, target);
        return VG_OK;
    }
    struct vg_str service = model ? model->signing_name : vg_exchange_scope_service(x);
    bool is_query = model ? model->protocol == VG_PROTO_QUERY : is_form(x->http);
    if (!is_query) {
        *ret = find_place(front, x, model, service, in);
        return VG_OK;
    }
    *has_body = true;
    vg_rc rc = vg_exchange_body(x, FORM_MAX_BYTES);
    if (rc != VG_OK)
        return rc;
    struct vg_str form = x->body.len ? x->body : x->http->query;
    struct vg_str action = vg_form_get(x->http->arena, form, VG_STR("Action"));
    struct vg_str version = vg_form_get(x->http->arena, form, VG_STR("Version"));
    if (action.len)
        *ret = vg_routes_by_action(front->routes, service, version, action);
    return VG_OK;
}

/* What AWS's front doors say when no operation has that name. */
static vg_rc
fail_unknown(struct vg_exchange *x, const struct vg_model *model, struct vg_str target)
{
    struct vg_req *rq = &x->root.rq;
    if (model && model->protocol == VG_PROTO_QUERY) {
        static const struct vg_errdef invalid_action = { .code = VG_STR_INIT("InvalidAction"),
                                                         .http_status = 400,
                                                         .is_sender_fault = true };
        struct vg_str form = x->body.len ? x->body : x->http->query;
        struct vg_str action = vg_form_get(rq->arena, form, VG_STR("Action"));
        struct vg_str version = vg_form_get(rq->arena, form, VG_STR("Version"));
        return vg_fail(rq, &invalid_action,
                       "Could not find operation %" VG_FMT " for version %" VG_FMT, VG_ARG(action),
                       VG_ARG(version));
    }
    struct vg_str service = vg_exchange_scope_service(x);
    if (model == NULL && service.ptr)
        return vg_fail(rq, &vg_err_not_implemented,
                       "The service %" VG_FMT " is not built in this version of Virga.",
                       VG_ARG(service));
    if (target.ptr)
        return vg_fail(rq, &vg_err_unknown_operation, "Virga knows no operation %" VG_FMT ".",
                       VG_ARG(target));
    if (model)
        return vg_fail(rq, &vg_err_unknown_operation,
                       "Virga's %" VG_FMT " has no operation at %" VG_FMT " %" VG_FMT ".",
                       VG_ARG(model->endpoint), VG_ARG(x->http->method), VG_ARG(x->http->path));
    return vg_authn_fail(rq->err, VG_AUTHN_REST_JSON, VG_AUTHN_MISSING, VG_STR_NONE);
}

static struct vg_str
header(void *http, struct vg_str name)
{
    return vg_http_header(http, name);
}

static struct vg_http_head
head_of(const struct vg_exchange *x)
{
    return (struct vg_http_head) { .method = x->http->method,
                                   .path = x->s3_path,
                                   .query = x->http->query,
                                   .header = header,
                                   .of = x->http };
}

/* What its service makes of the head; the body is held to the checksums that the headers declare.
 */
static vg_rc
check(struct vg_exchange *x, struct vg_wire_in *in)
{
    const struct vg_op *op = x->root.rq.op;
    const struct vg_hooks *hooks = hooks_of(op->service);
    const struct vg_http_head head = head_of(x);
    vg_rc rc = hooks->check_head ? hooks->check_head(&x->root.rq, &head) : VG_OK;
    if (rc == VG_OK && hooks->add_headers)
        rc = hooks->add_headers(&x->root.rq, in);
    bool is_checked = op->http && (op->http->flags & VG_HTTP_CHECKSUM) && op->handler
                      && !(op->flags & VG_OP_STREAM_IN) && hooks->check_body;
    return rc == VG_OK && is_checked ? hooks->check_body(&x->root.rq, header, x->http, x->body)
                                     : rc;
}

/* Decodes, validates, runs, and encodes into `out`; the gate has passed when it is VG_OK. */
static vg_rc
run_op(struct vg_exchange *x, const struct vg_wire_op *wop, struct vg_wire_in *in,
       struct vg_wire_out *out)
{
    struct vg_req *rq = &x->root.rq;
    const struct vg_op *op = wop->row;
    rq->op = op;
    rq->svc = vg_registry_state(rq->env->registry, op->service);
    x->wop = wop;
    if (!x->is_signed && !(op->flags & (VG_OP_NOAUTH | VG_OP_ANONYMOUS)))
        return vg_authn_fail(rq->err, family_of(op->model), VG_AUTHN_MISSING, VG_STR_NONE);
    void *typed_in = vg_arena_alloc(rq->arena, op->in ? op->in->size : 1);
    void *typed_out = vg_arena_alloc(rq->arena, op->out ? op->out->size : 1);
    vg_rc rc = check(x, in);
    if (rc == VG_OK)
        rc = vg_wire_decode(wop, in, rq->arena, typed_in, rq->err);
    if (rc == VG_OK && op->in && !(op->flags & VG_OP_OWN_VALIDATION))
        rc = vg_wire_validate(rq->env->patterns, op->model, op->in, typed_in, rq->arena, rq->err);
    if (x->rules.family == VG_AUTHN_S3)
        vg_exchange_add_s3(x);
    if (rc == VG_OK)
        rc = vg_run(rq, x->common, x->n_common, typed_in, typed_out);
    if (rc == VG_OK && rq->body && !vg_body_is_over(rq)) {
        (void)vg_err_set(rq->err, "the handler did not read its body to the end");
        rc = vg_fail_internal(rq, NULL);
    }
    if (rc == VG_OK && !x->reply.is_begun)
        rc = vg_gate(rq);
    if (rc != VG_OK || x->reply.is_begun)
        return rc;
    vg_wire_encode(wop, typed_out, rq->id, rq->arena, out);
    out->status = x->reply.status ? x->reply.status : out->status;
    add_headers(x, out);
    return VG_OK;
}

/* Whose a request is, be it no operation's; NULL: of none that has hooks for such. */
static const struct vg_service *
service_of(const struct vg_front *front, const struct vg_wire_op *op, const struct vg_model *model)
{
    if (op)
        return ((const struct vg_op *)op->row)->service;
    return model == front->open_model ? front->open : NULL;
}

/* --- services that answer to more of HTTP than their operations ---------------------------------
 */

/* The exchange is over: its service may want to know how. */
static void
tell(struct vg_exchange *x, const struct vg_service *service)
{
    struct vg_req *rq = &x->root.rq;
    struct vg_done *done = &x->done;
    if (!hooks_of(service)->done || (done->is_known && !done->notes))
        return;
    done->remote = vg_http_remote(x->http, NULL);
    done->tls_version = vg_http_tls_version(x->http);
    done->tls_cipher = vg_http_tls_cipher(x->http);
    rq->svc = vg_registry_state(rq->env->registry, service);
    hooks_of(service)->done(rq, done);
}

/*
 * Whether a request that is no operation's is that service's which takes what nobody else has a
 * place for.  Whose a preflight is, the method tells that is to follow.
 */
static bool
is_left_over(const struct vg_front *front, const struct vg_exchange *x,
             const struct vg_model *model, struct vg_str target)
{
    if (!hooks_of(front->open)->other)
        return false;
    if (model || target.ptr || vg_exchange_scope_service(x).ptr || is_form(x->http))
        return model == front->open_model;
    struct vg_wire_in in = {
        .method = vg_http_header(x->http, VG_STR("access-control-request-method")),
        .query = x->http->query,
    };
    const struct vg_wire_op *op = find_place(front, x, model, VG_STR_NONE, &in);
    return x->s3_path.len > 1 && (!op || op->model == front->open_model);
}

static vg_rc
answer_other(const struct vg_front *front, struct vg_exchange *x, struct vg_wire_out *out)
{
    struct vg_req *rq = &x->root.rq;
    const struct vg_http_head head = head_of(x);
    rq->svc = vg_registry_state(rq->env->registry, front->open);
    vg_rc rc = hooks_of(front->open)->other(rq, &head);
    if (rc == VG_OK)
        rc = vg_gate(rq);
    if (rc != VG_OK)
        return rc;
    vg_wire_encode_none(front->open_model, rq->id, rq->arena, out);
    add_headers(x, out);
    return VG_OK;
}

/*
 * What fails here leaves the answer as it is: the operation meets the trouble itself.  `service`
 * NULL: the request is nobody's.
 */
static void
decorate(struct vg_exchange *x, const struct vg_service *service)
{
    struct vg_req *rq = &x->root.rq;
    const struct vg_http_head head = head_of(x);
    const struct vg_err kept = x->root.err;
    if (!hooks_of(service)->decorate)
        return;
    rq->svc = vg_registry_state(rq->env->registry, service);
    if (hooks_of(service)->decorate(rq, &head) != VG_OK)
        vg_log(VG_LOG_DEBUG, "answer_not_decorated", { "request", rq->id },
               { "error", vg_err_text(&x->root.err) });
    x->root.err = kept;
}

/* --- forms --------------------------------------------------------------------------------------
 */

/* The service whose form this is; NULL: it is none. */
static const struct vg_service *
form_service(const struct vg_exchange *x, const struct vg_model *model)
{
    size_t n;
    struct vg_str type = vg_http_header(x->http, VG_STR("content-type"));
    const struct vg_service *const *services = vg_registry_services(x->root.rq.env->registry, &n);
    bool is_unknown = model == NULL && !vg_exchange_scope_service(x).ptr;
    bool may_be = vg_str_eq(x->http->method, VG_STR("POST")) && x->s3_path.len > 0;
    for (size_t i = 0; may_be && i < n; i++) {
        const struct vg_forms *forms = hooks_of(services[i])->forms;
        bool is_ours = model && model_of_service(services[i]) == model;
        if (forms && (is_ours || is_unknown)
            && forms->match(x->s3_path, x->http->query, type, is_ours))
            return services[i];
    }
    return NULL;
}

/* Authenticated by what is in it: a signature in its head means nothing. */
static void
serve_form(struct vg_exchange *x, const struct vg_service *service)
{
    struct vg_req *rq = &x->root.rq;
    const struct vg_forms *forms = service->hooks->forms;
    const struct vg_model *model = model_of_service(service);
    struct vg_form form = { .op = NULL };
    struct vg_wire_op *wop = NULL;
    struct vg_wire_out out = { 0 };
    x->is_signed = false;
    rq->svc = vg_registry_state(rq->env->registry, service);
    vg_rc rc = vg_exchange_authenticate(x, family_of(model), model->signing_name);
    if (rc == VG_OK)
        rc = vg_exchange_stream(x, 0);
    if (rc == VG_OK)
        rc = forms->open(rq, x->http, x->s3_path, &form);
    if (rc == VG_OK) {
        wop = VG_NEW(rq->arena, struct vg_wire_op);
        *wop = wire_op(form.op);
        rc = run_op(x, wop, &form.in, &out);
    }
    if (rc == VG_OK) {
        forms->answer(rq, &form, &out);
        reply(x, model, &out);
    } else if (rc == VG_FAIL) {
        reply_error(x, wop, model);
    }
}

/* --- a request to an API ------------------------------------------------------------------------
 */

/* Who sent it, what it means, and its body. VG_OK with *ret NULL: it is no operation's. */
static vg_rc
take_request(const struct vg_front *front, struct vg_exchange *x, const struct vg_model *model,
             struct vg_str target, struct vg_wire_in *in, const struct vg_wire_op **ret)
{
    bool has_body = false;
    const struct vg_model *family = model ? model : family_model(x, target);
    vg_rc rc =
        vg_exchange_authenticate(x, family_of(family), model ? model->signing_name : VG_STR_NONE);
    in->headers = vg_exchange_headers(x, &in->n_headers); /* by which operations differ too */
    if (rc == VG_OK)
        rc = find_op(front, x, model, target, in, ret, &has_body);
    if (rc != VG_OK || !*ret)
        return rc;
    const struct vg_op *row = (*ret)->row;
    if (!x->is_signed)
        rc = vg_exchange_authenticate(x, family_of(row->model), row->model->signing_name);
    in->headers = vg_exchange_headers(x, &in->n_headers);
    if (rc == VG_OK && !has_body) {
        size_t max_bytes = row->in_max_bytes ? row->in_max_bytes : VG_BODY_MAX_BYTES;
        rc = row->flags & VG_OP_STREAM_IN ? vg_exchange_stream(x, max_bytes)
                                          : vg_exchange_body(x, max_bytes);
    }
    in->body = x->body;
    return rc;
}

static void
serve_api(const struct vg_front *front, struct vg_exchange *x)
{
    struct vg_http_req *http = x->http;
    struct vg_str target = vg_http_header(http, VG_STR("x-amz-target"));
    const struct vg_model *model = model_of(front, x, target);
    const struct vg_model *family = model ? model : family_model(x, target);
    struct vg_wire_in in = { .method = http->method, .path = http->path, .query = http->query };
    struct vg_wire_out out = { 0 };
    const struct vg_wire_op *op = NULL;
    x->reply = (struct vg_reply) { .begin = begin_reply, .write = write_reply, .to = x };
    x->root.rq.reply = &x->reply;
    const struct vg_service *forms = target.ptr ? NULL : form_service(x, model);
    if (forms) {
        decorate(x, forms);
        serve_form(x, forms);
        tell(x, forms);
        return;
    }
    bool is_left = is_left_over(front, x, model, target);
    bool is_preflight = is_left && vg_str_eq(http->method, VG_STR("OPTIONS"));
    /* nobody signs a preflight, although the address may be a presigned one */
    vg_rc rc = is_preflight ? VG_OK : take_request(front, x, model, target, &in, &op);
    if (op || is_left)
        family = op ? op->model : front->open_model;
    if (!is_preflight)
        decorate(x, service_of(front, op, family));
    if (rc == VG_OK && op)
        rc = run_op(x, op, &in, &out);
    else if (rc == VG_OK && is_left)
        rc = answer_other(front, x, &out);
    else if (rc == VG_OK)
        rc = fail_unknown(x, model, target);
    if (x->reply.is_begun)
        end_reply(x, rc);
    else if (rc == VG_OK)
        reply(x, family, &out);
    else if (rc == VG_FAIL)
        reply_error(x, op, family);
    /* else: the client has left, or we are to stop; nobody waits for an answer */
    tell(x, service_of(front, op, family));
}

/* --- our own pages, and data planes
 * ----------------------------------------------------------------- */

static void
serve_internal(struct vg_exchange *x, bool is_signed)
{
    struct vg_req *rq = &x->root.rq;
    struct vg_page_reply page = { 0 };
    vg_rc rc = VG_OK;
    if (is_signed) {
        rc = vg_exchange_authenticate(x, VG_AUTHN_REST_JSON, VG_STR("virga"));
        if (rc == VG_OK && !x->is_signed)
            rc = vg_authn_fail(rq->err, VG_AUTHN_REST_JSON, VG_AUTHN_MISSING, VG_STR_NONE);
        if (rc == VG_OK)
            rc = vg_exchange_body(x, INTERNAL_MAX_BYTES);
    }
    if (rc == VG_OK) {
        vg_internal_serve(rq, x->http->method, x->http->path, x->body, &page);
        rc = vg_gate(rq);
    }
    if (rc == VG_OK)
        reply_text(x, page.http_status, vg_buf_str(&page.body));
    else if (rc == VG_FAIL)
        reply_error(x, NULL, NULL);
}

static const struct vg_plane *
find_plane(const struct vg_env *env, const struct vg_exchange *x, const struct vg_service **ret)
{
    size_t n;
    const struct vg_service *const *services = vg_registry_services(env->registry, &n);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < services[i]->n_planes; j++) {
            const struct vg_plane *plane = &services[i]->planes[j];
            if (plane->match(env, x->host.name, x->http->path)) {
                *ret = services[i];
                return plane;
            }
        }
    }
    return NULL;
}

void
vg_front_handle(struct vg_http_req *http)
{
    const struct vg_front *front = http->ctx;
    struct vg_exchange *x = VG_NEW(http->arena, struct vg_exchange);
    if (!vg_exchange_init(x, front->env, http)) {
        vg_http_close_after(http);
        reply_text(x, 400, VG_STR("{\"message\":\"Bad Host header\"}"));
        return;
    }
    bool is_signed;
    if (!x->is_s3_host && vg_internal_match(http->path, &is_signed)) {
        serve_internal(x, is_signed);
        return;
    }
    const struct vg_service *service;
    const struct vg_plane *plane = x->is_s3_host ? NULL : find_plane(front->env, x, &service);
    if (plane) {
        x->root.rq.svc = vg_registry_state(front->env->registry, service);
        x->done.plane = plane;
        plane->serve(&x->root.rq, http);
        tell(x, service);
        return;
    }
    serve_api(front, x);
}
