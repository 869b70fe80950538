/* SPDX-License-Identifier: Apache-2.0 */

/* AWS_PROXY: hands the request to a function, as API Gateway, and reads its answer. */

#include "services/apigateway/apigateway_int.h"

#include "base/log.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "services/lambda/model.h"
#include "services/lambda/ops.h"

#define URI_MAX_BYTES 4096u

/* Puts stage variables in for ${stageVariables.name}; what is not set becomes nothing. */
struct vg_str
apigateway_expand_uri(struct vg_arena *arena, struct vg_str uri,
                      const struct apigateway_pairs *variables)
{
    static const char marker[] = "${stageVariables.";
    struct vg_buf buf;
    if (vg_str_find(uri, vg_str_of(marker)) == VG_NPOS)
        return uri;
    vg_buf_init(&buf, arena, URI_MAX_BYTES);
    while (uri.len > 0) {
        size_t at = vg_str_find(uri, vg_str_of(marker));
        vg_buf_adds(&buf, vg_str_slice(uri, 0, at));
        if (at == VG_NPOS)
            break;
        uri = vg_str_slice(uri, at + sizeof(marker) - 1, uri.len);
        size_t end = vg_str_find_char(uri, '}');
        vg_buf_adds(&buf, apigateway_pairs_get(variables, vg_str_slice(uri, 0, end)));
        uri = vg_str_slice(uri, end == VG_NPOS ? uri.len : end + 1, uri.len);
    }
    return vg_buf_str(&buf);
}

/*
 * What the function's policy may name as aws:SourceArn:
 * arn:aws:execute-api:region:account:api/stage/METHOD/path-of-the-route, or …/stage/$default.
 */
static struct vg_str
source_arn(struct vg_arena *arena, const struct apigateway_at *at,
           const struct apigateway_call *call)
{
    const struct vg_scope *scope = at->rq->scope;
    struct vg_str resource = call->route_key;
    size_t space = vg_str_find_char(resource, ' ');
    if (space != VG_NPOS)
        resource = vg_str_cat(arena, call->method, vg_str_slice(resource, space + 1, resource.len));
    return vg_str_fmt(arena,
                      "arn:%" VG_FMT ":execute-api:%" VG_FMT ":%" VG_FMT ":%" VG_FMT "/%" VG_FMT
                      "/%" VG_FMT,
                      VG_ARG(scope->partition), VG_ARG(at->region), VG_ARG(at->account),
                      VG_ARG(at->api_id), VG_ARG(call->stage), VG_ARG(resource));
}

static void
log_failure(const struct apigateway_at *at, const char *why, struct vg_str text)
{
    vg_log(VG_LOG_DEBUG, "execute-api: integration failed", { "api", at->api_id },
           { "why", vg_str_of(why) }, { "cause", text });
}

/* --- the call -----------------------------------------------------------------------------------
 *
 * A function that outlasts the integration's timeout goes on to its end, as on AWS, but nobody
 * waits for it: so it is called on a fiber of its own, with memory of its own.  Both fibers are of
 * one loop and never run at the same time.
 */

struct flight {
    struct vg_arena *arena;
    struct vg_root root;
    struct vg_as as;
    struct vg_ctx ctx[2];
    struct lambda_invocation_request in;
    struct lambda_invocation_response out;
    struct vg_err err;
    vg_rc rc;
    bool is_done, is_left; /* left: who waited has gone */
    struct vg_waiter *waiter;
};

static void
free_arena(void *arg)
{
    vg_arena_free(arg);
}

static void
fly(void *arg)
{
    struct flight *f = arg;
    f->rc = vg_call(&f->root.rq, &f->as, &lambda_op_invoke, &f->in, &f->out, &f->err);
    f->is_done = true;
    if (f->is_left)
        vg_arena_free(f->arena);
    else if (f->waiter != NULL)
        (void)vg_waiter_wake(f->waiter, VG_OK);
}

static struct flight *
prepare(struct vg_req *rq, const struct apigateway_at *at, struct vg_str arn,
        const struct apigateway_call *call, bool is_v2)
{
    struct vg_arena *arena = vg_arena_new(0);
    struct flight *f = VG_NEW(arena, struct flight);
    struct vg_str rest = f->in.function_name = vg_str_dup(arena, arn);
    struct vg_str owner = vg_str_dup(arena, at->account);
    const struct vg_principal *gateway =
        vg_service_principal(arena, VG_STR("apigateway.amazonaws.com"), owner);
    f->arena = arena;
    vg_root_init(&f->root, rq->env, arena, gateway, owner, vg_str_dup(arena, at->region));
    f->root.rq.id = vg_str_dup(arena, rq->id);
    f->ctx[0] = (struct vg_ctx) { VG_STR("aws:SourceArn"), source_arn(arena, at, call) };
    f->ctx[1] = (struct vg_ctx) { VG_STR("aws:SourceAccount"), owner };
    for (int i = 0; i < 3; i++)
        (void)vg_str_cut(&rest, ':');
    f->as = (struct vg_as) { .caller = gateway, .ctx = f->ctx, .n_ctx = VG_COUNT(f->ctx) };
    f->as.region = vg_str_cut(&rest, ':');
    f->as.account = vg_str_cut(&rest, ':');
    f->in.invocation_type = VG_ENUM(LAMBDA_INVOCATION_TYPE_REQUEST_RESPONSE);
    f->in.payload = is_v2 ? apigateway_event_v2(arena, call) : apigateway_event_v1(arena, call);
    return f;
}

/* VG_OK: *f has the outcome and lives as long as rq. Else it must not be touched any more. */
static vg_rc
await(struct vg_req *rq, struct flight *f, int64_t deadline_ms)
{
    vg_fiber_start(vg_loop_self(), fly, f);
    while (!f->is_done) {
        struct vg_waiter w;
        vg_waiter_init(&w);
        f->waiter = &w;
        vg_rc rc = vg_waiter_park(&w, deadline_ms, true);
        f->waiter = NULL;
        if (rc != VG_OK && !f->is_done) {
            f->is_left = true;
            return rc;
        }
    }
    vg_arena_defer(rq->arena, free_arena, f->arena);
    rq->sess->seen_seq = VG_MAX(rq->sess->seen_seq, f->root.sess.seen_seq);
    rq->sess->n_reads += f->root.sess.n_reads;
    rq->sess->n_writes += f->root.sess.n_writes;
    return VG_OK;
}

vg_rc
apigateway_invoke_lambda(struct vg_req *rq, const struct apigateway_at *at,
                         const struct apigateway_rec_integration *integration,
                         const struct apigateway_call *call, struct apigateway_reply *ret)
{
    bool is_v2 = vg_str_eq(integration->format, VG_STR("2.0"));
    struct vg_str arn = apigateway_lambda_arn(
        apigateway_expand_uri(rq->arena, integration->uri, &call->stage_vars));
    *ret = apigateway_reply_message(rq->arena, 500, VG_STR("Internal Server Error"));
    if (arn.ptr == NULL) {
        log_failure(at, "the URI names no function", integration->uri);
        return VG_OK;
    }
    struct flight *f = prepare(rq, at, arn, call, is_v2);
    vg_rc rc = await(rq, f, vg_mono_ms() + integration->timeout_ms);
    if (rc == VG_TIMEOUT) {
        *ret = apigateway_reply_message(rq->arena, 503, VG_STR("Service Unavailable"));
        return VG_OK;
    }
    if (rc != VG_OK)
        return rc;
    if (f->rc != VG_OK) {
        log_failure(at, "Invoke failed", vg_err_text(&f->err));
        if (f->err.def != NULL && f->err.def->http_status == 413)
            *ret = apigateway_reply_message(rq->arena, 413, VG_STR("Request Entity Too Large"));
        return VG_OK;
    }
    if (f->out.function_error.ptr != NULL) {
        log_failure(at, "the function failed", f->out.function_error);
        return VG_OK;
    }
    if (!apigateway_reply_from_lambda(rq->arena, f->out.payload, is_v2, ret))
        log_failure(at, "the function's answer is malformed", VG_STR_NONE);
    return VG_OK;
}
