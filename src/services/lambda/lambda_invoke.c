/* SPDX-License-Identifier: Apache-2.0 */
/* Invoke: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
#include "auth/auth.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "core/authz.h"
#include "core/env.h"
#include "core/meter.h"
#include "crypto/random.h"
#include "os/clock.h"
#include "sandbox/sandbox.h"
#include "services/lambda/lambda_int.h"

#include <errno.h>
#include <stdlib.h>

#define CREDENTIALS_S (6 * 60 * 60)

vg_rc
lambda_authz_invoke(struct vg_req *rq, const struct lambda_invocation_request *in,
                    struct vg_authz *az)
{
    struct lambda_name name;
    struct vg_str arn = in->function_name;
    if (lambda_name_parse(in->function_name, &name)) {
        struct vg_str q = name.qualifier.ptr ? name.qualifier : in->qualifier;
        bool is_plain = !q.ptr || vg_str_eq(q, LAMBDA_LATEST);
        arn = lambda_arn(rq, name.name, is_plain ? VG_STR_NONE : q);
    }
    vg_authz_add(az, VG_STR("lambda:InvokeFunction"), arn, NULL, 0);
    return VG_OK;
}

/* --- concurrency --------------------------------------------------------------------------------
 */

static struct lambda_running *
running_of(struct lambda_svc *svc, struct vg_str arn)
{
    struct lambda_running *r = svc->running;
    while (r && !vg_str_eq(vg_str_of(r->arn), arn))
        r = r->next;
    if (!r) {
        r = vg_xalloc(sizeof(*r));
        r->arn = vg_xalloc(arn.len + 1);
        memcpy(r->arn, arn.ptr, arn.len);
        r->next = svc->running;
        svc->running = r;
    }
    return r;
}

static vg_rc
throttled(struct vg_req *rq, const char *reason)
{
    struct lambda_too_many_requests_exception *d =
        VG_NEW(rq->arena, struct lambda_too_many_requests_exception);
    d->type = VG_STR("User");
    d->reason.text = vg_str_of(reason);
    return lambda_fail_too_many_requests_exception_detail(rq, d, "Rate Exceeded.");
}

static vg_rc
take_place(struct vg_req *rq, const struct lambda_rec_function *fn, struct vg_str arn)
{
    struct lambda_svc *svc = rq->svc;
    const char *why = NULL;
    struct lambda_rec_function latest = *fn;
    if (!vg_str_eq(fn->version,
                   LAMBDA_LATEST)) { /* the reservation is of the function as a whole */
        vg_rc rc = lambda_store_get(rq, fn->name, LAMBDA_LATEST, &latest);
        if (rc != VG_OK)
            return rc;
    }
    pthread_mutex_lock(&svc->lock);
    struct lambda_running *r = running_of(svc, arn);
    if (latest.reserved.set && (int64_t)r->n >= latest.reserved.v)
        why = "ReservedFunctionConcurrentInvocationLimitExceeded";
    else if (svc->n_running >= LAMBDA_LIMIT_CONCURRENCY)
        why = "ConcurrentInvocationLimitExceeded";
    if (!why) {
        r->n++;
        svc->n_running++;
    }
    pthread_mutex_unlock(&svc->lock);
    return why ? throttled(rq, why) : VG_OK;
}

static void
leave_place(struct vg_req *rq, struct vg_str arn)
{
    struct lambda_svc *svc = rq->svc;
    pthread_mutex_lock(&svc->lock);
    struct lambda_running **at = &svc->running;
    while (*at && !vg_str_eq(vg_str_of((*at)->arn), arn))
        at = &(*at)->next;
    struct lambda_running *r = *at;
    svc->n_running--;
    if (r && --r->n == 0) {
        *at = r->next;
        free(r->arn);
        free(r);
    }
    pthread_mutex_unlock(&svc->lock);
}

/* --- running ------------------------------------------------------------------------------------
 */

struct issue {
    struct vg_req *rq;
    const struct lambda_rec_function *fn;
};

/* Credentials of the execution role for a new environment. */
static vg_rc VG_WAITS
credentials(void *ctx, struct vg_arena *arena, struct vg_str ret_env[4], size_t *ret_n,
            int64_t *ret_until_ms, struct vg_err *err)
{
    struct issue *i = ctx;
    struct vg_credentials c;
    vg_rc rc = vg_auth_issue_role_session(i->rq->env->auth, i->rq->sess, i->fn->role, i->fn->name,
                                          VG_STR("lambda.amazonaws.com"), CREDENTIALS_S, &c, err);
    if (rc != VG_OK)
        return rc;
    ret_env[0] = vg_str_fmt(arena, "AWS_ACCESS_KEY_ID=%" VG_FMT, VG_ARG(c.access_key_id));
    ret_env[1] = vg_str_fmt(arena, "AWS_SECRET_ACCESS_KEY=%" VG_FMT, VG_ARG(c.secret_access_key));
    ret_env[2] = vg_str_fmt(arena, "AWS_SESSION_TOKEN=%" VG_FMT, VG_ARG(c.session_token));
    *ret_n = 3;
    /* An event may take 15 minutes. */
    *ret_until_ms = vg_now_ms(i->rq->env) + (CREDENTIALS_S - 15 * 60) * 1000LL;
    return VG_OK;
}

static void
fill_function(struct vg_req *rq, const struct lambda_rec_function *fn, struct vg_str arn,
              struct vg_function *ret)
{
    struct vg_str *env = VG_NEW_ARRAY(rq->arena, struct vg_str, fn->env.len + 1);
    for (size_t i = 0; i < fn->env.len; i++)
        env[i] = vg_str_fmt(rq->arena, "%" VG_FMT "=%" VG_FMT, VG_ARG(fn->env.items[i].key),
                            VG_ARG(fn->env.items[i].value));
    ret->now_ms = vg_now_ms(rq->env);
    ret->key = vg_str_fmt(rq->arena, "%" VG_FMT ":%" VG_FMT ":%" VG_FMT, VG_ARG(arn),
                          VG_ARG(fn->version), VG_ARG(fn->revision));
    ret->account = rq->scope->owner;
    ret->region = rq->scope->region;
    ret->name = fn->name;
    ret->version = fn->version;
    ret->arn = arn;
    ret->role = fn->role;
    ret->handler = fn->handler;
    ret->log_group = fn->log_group;
    ret->memory_mb = fn->memory_mb;
    ret->tmp_mb = fn->tmp_mb;
    ret->timeout_ms = fn->timeout_s * 1000;
    ret->env = env;
    ret->n_env = fn->env.len;
}

static void
count_use(struct vg_req *rq, const struct lambda_rec_function *fn, const struct vg_outcome *o)
{
    struct vg_str function = lambda_metered_as(rq, fn->name);
    vg_meter_use(rq, VG_STR("billed_mb_ms"), function, o->billed_ms * fn->memory_mb);
    vg_meter_use(rq, VG_STR("invocations"), function, 1);
    if (o->is_error)
        vg_meter_use(rq, VG_STR("errors"), function, 1);
}

/* "Root=1-<time>-<96 bits>;Parent=<64 bits>;Sampled=0" */
static struct vg_str
new_trace(struct vg_req *rq)
{
    struct vg_random *rnd = rq->env->random;
    return vg_str_fmt(rq->arena, "Root=1-%08llx-%08llx%016llx;Parent=%016llx;Sampled=0",
                      (unsigned long long)(vg_wall_ms() / 1000),
                      (unsigned long long)vg_random_u64(rnd) & 0xffffffffULL,
                      (unsigned long long)vg_random_u64(rnd),
                      (unsigned long long)vg_random_u64(rnd));
}

/* `f` says what to run; the caller holds its package. */
static vg_rc VG_WAITS
run_in_place(struct vg_req *rq, const struct lambda_rec_function *fn, struct vg_function *f,
             const struct lambda_call *call, struct vg_outcome *ret)
{
    struct vg_err err = { 0 };
    vg_rc rc = take_place(rq, fn, f->arn);
    if (rc != VG_OK)
        return rc;
    rc = vg_gate(rq); /* what the caller wrote is durable before the function can see it */
    struct vg_event event = { .request_id = call->request_id,
                              .payload = call->payload,
                              .invoked_arn = call->invoked_arn,
                              .trace_id = new_trace(rq),
                              .client_context = call->client_context,
                              .want_tail = call->want_tail };
    if (rc == VG_OK
        && vg_sandbox_invoke(rq->env->sandboxes, f, &event, rq->arena, ret, &err) != VG_OK)
        rc = lambda_fail_service_exception(rq, "%" VG_FMT, VG_ARG(vg_err_text(&err)));
    leave_place(rq, f->arn);
    return rc;
}

/* Takes hold of the package; the record may have got another one since `fn` was read. */
static vg_rc VG_WAITS
enter_code(struct vg_req *rq, struct lambda_rec_function *fn, struct vg_str *ret_dir)
{
    struct lambda_name name = { .name = fn->name, .qualifier = fn->version };
    vg_rc rc = lambda_code_enter(rq, fn->code_id, ret_dir);
    for (struct vg_str old = fn->code_id; rc != VG_OK && rq->err->os_errno == ENOENT;
         old = fn->code_id) {
        vg_err_clear(rq->err);
        rc = lambda_load(rq, &name, fn);
        if (rc != VG_OK)
            return rc;
        if (vg_str_eq(old, fn->code_id))
            return vg_err_set(rq->err, "the package of a function is lost");
        rc = lambda_code_enter(rq, fn->code_id, ret_dir);
    }
    return rc;
}

vg_rc
lambda_run(struct vg_req *rq, const struct lambda_rec_function *asked,
           const struct lambda_call *call, struct vg_outcome *ret)
{
    struct lambda_rec_function fn = *asked;
    struct issue issue = { rq, &fn };
    struct vg_function f = { .credentials = credentials, .credentials_ctx = &issue };
    struct vg_err err = { 0 };
    vg_rc rc = enter_code(rq, &fn, &f.code_dir);
    if (rc != VG_OK)
        return rc;
    fill_function(rq, &fn, lambda_arn(rq, fn.name, VG_STR_NONE), &f);
    if (vg_runtime_find(rq->env->sandboxes, rq->arena, fn.runtime, &f.runtime, &err) != VG_OK)
        rc = lambda_fail_invalid_runtime_exception(rq, "%" VG_FMT, VG_ARG(vg_err_text(&err)));
    if (rc == VG_OK)
        rc = run_in_place(rq, &fn, &f, call, ret);
    lambda_code_leave(rq, fn.code_id);
    if (rc == VG_OK)
        count_use(rq, &fn, ret);
    return rc;
}

/* --- the operation ------------------------------------------------------------------------------
 */

/* The event must be one JSON value. */
static vg_rc
check_payload(struct vg_req *rq, struct vg_str payload, size_t max)
{
    if (payload.len > max)
        return lambda_fail_request_too_large_exception(
            rq, "Request must be smaller than %zu bytes for the InvokeFunction operation", max);
    struct vg_json js;
    vg_json_init(&js, payload, rq->arena);
    enum vg_json_tok tok = vg_json_next(&js);
    if (tok == VG_JSON_ERROR || !vg_json_skip(&js, tok) || vg_json_next(&js) != VG_JSON_END)
        return lambda_fail_invalid_request_content_exception(
            rq, "Could not parse request body into json: Could not parse payload into json: %s",
            js.why ? js.why : "malformed");
    return VG_OK;
}

/* The client context is for synchronous invocations only. */
static vg_rc VG_WAITS
enqueue(struct vg_req *rq, const struct lambda_name *name, const struct lambda_call *call)
{
    struct lambda_rec_event ev = { .id = call->request_id,
                                   .name = name->name,
                                   .qualifier = name->qualifier,
                                   .payload = call->payload,
                                   .queued_ms = vg_now_ms(rq->env),
                                   .invoked_arn = call->invoked_arn,
                                   .account = rq->scope->owner,
                                   .region = rq->scope->region };
    vg_rc rc = lambda_store_enqueue(rq, &ev, ev.queued_ms);
    if (rc == VG_OK)
        lambda_queue_note(rq->svc, lambda_store_line(rq->arena, ev.account, ev.region, ev.name),
                          ev.queued_ms);
    return rc;
}

static bool
is_json_object(struct vg_arena *arena, struct vg_str text)
{
    struct vg_json js;
    vg_json_init(&js, text, arena);
    enum vg_json_tok tok = vg_json_next(&js);
    return tok == VG_JSON_OBJECT && vg_json_skip(&js, tok) && vg_json_next(&js) == VG_JSON_END;
}

static vg_rc
decode_context(struct vg_req *rq, struct vg_str base64, struct vg_str *ret)
{
    *ret = VG_STR_NONE;
    if (base64.len == 0)
        return VG_OK;
    if (base64.len > LAMBDA_LIMIT_CLIENT_CONTEXT_BYTES)
        return lambda_fail_request_too_large_exception(
            rq, "The client context must be at most %d bytes of Base64-encoded data",
            LAMBDA_LIMIT_CLIENT_CONTEXT_BYTES);
    if (!vg_base64_decode(rq->arena, base64, ret) || !vg_str_is_utf8(*ret)
        || !is_json_object(rq->arena, *ret))
        return lambda_fail_invalid_request_content_exception(
            rq, "Client context must be a valid Base64-encoded JSON object.");
    char *line = vg_arena_copy(rq->arena, ret->ptr, ret->len); /* it becomes a header */
    for (size_t i = 0; i < ret->len; i++) {
        if (line[i] == '\n' || line[i] == '\r')
            line[i] = ' '; /* in JSON they stand between tokens only */
    }
    *ret = vg_str_n(line, ret->len);
    return VG_OK;
}

static vg_rc VG_WAITS
invoke_now(struct vg_req *rq, const struct lambda_rec_function *fn, const struct lambda_call *call,
           struct lambda_invocation_response *out)
{
    struct vg_outcome o;
    vg_rc rc = lambda_run(rq, fn, call, &o);
    if (rc != VG_OK)
        return rc;
    out->status_code = (struct vg_opt_i64) { true, 200 };
    out->payload = o.payload;
    out->executed_version = fn->version;
    if (o.is_error)
        out->function_error = VG_STR("Unhandled");
    if (call->want_tail)
        out->log_result = vg_base64_encode(rq->arena, o.tail.ptr ? o.tail : VG_STR(""));
    return VG_OK;
}

vg_rc
lambda_invoke(struct vg_req *rq, const struct lambda_invocation_request *in,
              struct lambda_invocation_response *out)
{
    struct lambda_name name;
    struct lambda_rec_function fn;
    vg_rc rc = lambda_resolve(rq, in->function_name, in->qualifier, &name);
    if (rc == VG_OK)
        rc = lambda_load(rq, &name, &fn);
    if (rc != VG_OK)
        return rc;
    if (in->durable_execution_name.len > 0 || in->tenant_id.len > 0)
        return lambda_bad(rq, "Durable executions and tenants are not supported by this version of "
                              "Virga.");
    bool is_event = vg_str_eq(in->invocation_type.text, VG_STR("Event"));
    struct lambda_call call = { .payload = in->payload.len > 0 ? in->payload : VG_STR("{}"),
                                .want_tail = vg_str_eq(in->log_type.text, VG_STR("Tail")) };
    call.request_id =
        rq->parent || !rq->id.ptr ? vg_random_uuid(rq->env->random, rq->arena) : rq->id;
    call.invoked_arn = lambda_arn(rq, fn.name, name.qualifier);
    rc = check_payload(rq, call.payload,
                       is_event ? LAMBDA_LIMIT_ASYNC_PAYLOAD_BYTES
                                : LAMBDA_LIMIT_SYNC_PAYLOAD_BYTES);
    if (rc == VG_OK)
        rc = decode_context(rq, in->client_context, &call.client_context);
    if (rc != VG_OK)
        return rc;
    if (vg_str_eq(in->invocation_type.text, VG_STR("DryRun"))) {
        out->status_code = (struct vg_opt_i64) { true, 204 };
        return VG_OK;
    }
    if (!is_event)
        return invoke_now(rq, &fn, &call, out);
    out->status_code = (struct vg_opt_i64) { true, 202 };
    return enqueue(rq, &name, &call);
}
