/* SPDX-License-Identifier: Apache-2.0 */

/* AWS_PROXY: hands the request to a function, as API Gateway, and reads its answer. */

#include "services/apigateway/apigateway_int.h"

#include "base/log.h"
#include "os/clock.h"
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
source_arn(const struct apigateway_at *at, const struct apigateway_call *call)
{
    const struct vg_scope *scope = at->rq->scope;
    struct vg_str resource = call->route_key;
    size_t space = vg_str_find_char(resource, ' ');
    if (space != VG_NPOS)
        resource = vg_str_cat(at->rq->arena, call->method,
                              vg_str_slice(resource, space + 1, resource.len));
    return vg_str_fmt(at->rq->arena,
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

static vg_rc
call_function(struct vg_req *rq, const struct apigateway_at *at, struct vg_str arn,
              const struct apigateway_call *call, int64_t deadline_ms, struct vg_str event,
              struct lambda_invocation_response *out, struct vg_err *err)
{
    const struct vg_ctx ctx[] = {
        { VG_STR("aws:SourceArn"), source_arn(at, call) },
        { VG_STR("aws:SourceAccount"), at->account },
    };
    struct vg_str rest = arn, region, account;
    for (int i = 0; i < 3; i++)
        (void)vg_str_cut(&rest, ':');
    region = vg_str_cut(&rest, ':');
    account = vg_str_cut(&rest, ':');
    const struct vg_as as = {
        .caller = vg_service_principal(rq->arena, VG_STR("apigateway.amazonaws.com"), at->account),
        .account = account,
        .region = region,
        .ctx = ctx,
        .n_ctx = VG_COUNT(ctx),
        .deadline_ms = deadline_ms,
    };
    const struct lambda_invocation_request in = {
        .function_name = arn,
        .invocation_type = VG_ENUM(LAMBDA_INVOCATION_TYPE_REQUEST_RESPONSE),
        .payload = event,
    };
    return vg_call(rq, &as, &lambda_op_invoke, &in, out, err);
}

vg_rc
apigateway_invoke_lambda(struct vg_req *rq, const struct apigateway_at *at,
                         const struct apigateway_rec_integration *integration,
                         const struct apigateway_call *call, struct apigateway_reply *ret)
{
    bool is_v2 = vg_str_eq(integration->format, VG_STR("2.0"));
    struct vg_str arn = apigateway_lambda_arn(
        apigateway_expand_uri(rq->arena, integration->uri, &call->stage_vars));
    int64_t deadline_ms = vg_mono_ms() + integration->timeout_ms;
    struct lambda_invocation_response out = { 0 };
    struct vg_err err = { 0 };
    *ret = apigateway_reply_message(rq->arena, 500, VG_STR("Internal Server Error"));
    if (arn.ptr == NULL) {
        log_failure(at, "the URI names no function", integration->uri);
        return VG_OK;
    }
    struct vg_str event =
        is_v2 ? apigateway_event_v2(rq->arena, call) : apigateway_event_v1(rq->arena, call);
    vg_rc rc = call_function(rq, at, arn, call, deadline_ms, event, &out, &err);
    if (rc == VG_GONE)
        return rc;
    if (rc == VG_TIMEOUT || (rc != VG_OK && vg_mono_ms() >= deadline_ms)) {
        *ret = apigateway_reply_message(rq->arena, 503, VG_STR("Service Unavailable"));
        return VG_OK;
    }
    if (rc != VG_OK) {
        log_failure(at, "Invoke failed", vg_err_text(&err));
        if (err.def != NULL && err.def->http_status == 413)
            *ret = apigateway_reply_message(rq->arena, 413, VG_STR("Request Entity Too Large"));
        return VG_OK;
    }
    if (out.function_error.ptr != NULL) {
        log_failure(at, "the function failed", out.function_error);
        return VG_OK;
    }
    if (!apigateway_reply_from_lambda(rq->arena, out.payload, is_v2, ret)) {
        log_failure(at, "the function's answer is malformed", VG_STR_NONE);
        *ret = apigateway_reply_message(rq->arena, 500, VG_STR("Internal Server Error"));
    }
    return VG_OK;
}
