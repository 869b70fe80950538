/* SPDX-License-Identifier: Apache-2.0 */

/*
 * execute-api, the data plane of HTTP APIs.
 *
 * By host: {api}.execute-api.{region}.anything, the first path segment being a stage when there is
 * one of that name, else $default.  By path, on any of our hosts:
 * /_virga/execute-api/{api}/{stage}/… and /restapis/{api}/{stage}/_user_request_/….
 */

#include "services/apigateway/apigateway_int.h"
#include "services/apigateway/apigateway_mapping.h"

#include "codec/uri.h"
#include "core/env.h"
#include "crypto/random.h"
#include "http/server.h"
#include "os/clock.h"

#include <errno.h>

#define OWN_PREFIX   "/_virga/execute-api/"
#define OTHER_PREFIX "/restapis/"
#define OTHER_MARKER "/_user_request_"
#define HOST_MARKER  ".execute-api."

/* Which API, by what was asked for. */
struct place {
    struct vg_str api_id;
    struct vg_str region; /* host form; else absent */
    struct vg_str stage;  /* path forms; absent: to be found in `path` */
    struct vg_str path;   /* what remains; begins with '/' or is empty */
};

static bool
place_of_host(struct vg_str host, struct vg_str path, struct place *ret)
{
    size_t dot = vg_str_find_char(host, '.');
    struct vg_str rest = vg_str_slice(host, dot, host.len);
    if (dot == VG_NPOS || dot == 0 || !vg_str_starts_nocase(rest, VG_STR(HOST_MARKER)))
        return false;
    rest = vg_str_slice(rest, sizeof(HOST_MARKER) - 1, rest.len);
    *ret = (struct place) { .api_id = vg_str_slice(host, 0, dot), .path = path };
    ret->region = vg_str_cut(&rest, '.');
    return true;
}

static bool
place_of_path(struct vg_str path, struct place *ret)
{
    bool is_own = vg_str_starts(path, VG_STR(OWN_PREFIX));
    if (!is_own && !vg_str_starts(path, VG_STR(OTHER_PREFIX)))
        return false;
    struct vg_str rest =
        vg_str_slice(path, is_own ? sizeof(OWN_PREFIX) - 1 : sizeof(OTHER_PREFIX) - 1, path.len);
    struct vg_str api = vg_str_cut(&rest, '/');
    size_t end = vg_str_find_char(rest, '/');
    struct vg_str stage = vg_str_slice(rest, 0, end);
    rest = vg_str_slice(rest, end, rest.len);
    if (api.len == 0 || stage.len == 0)
        return false;
    if (!is_own) {
        if (!vg_str_starts(rest, VG_STR(OTHER_MARKER)))
            return false;
        rest = vg_str_slice(rest, sizeof(OTHER_MARKER) - 1, rest.len);
        if (rest.len > 0 && rest.ptr[0] != '/')
            return false;
    }
    *ret = (struct place) { .api_id = api, .stage = stage, .path = rest };
    return true;
}

bool
apigateway_plane_match(const struct vg_env *env, struct vg_str host, struct vg_str path)
{
    struct place place;
    (void)env;
    return place_of_host(host, path, &place) || place_of_path(path, &place);
}

/* --- the request --------------------------------------------------------------------------------
 */

static void
put_header(struct vg_arena *arena, struct apigateway_call *call, struct vg_str name,
           struct vg_str value)
{
    apigateway_pairs_add(arena, &call->headers, name, value);
}

/* What the client sent, without what concerns only its connection, and what AWS adds. */
static void
read_headers(struct vg_req *rq, const struct vg_http_req *http, struct apigateway_call *call)
{
    static const struct vg_str replaced[] = {
        VG_STR_INIT("x-forwarded-for"),
        VG_STR_INIT("x-forwarded-port"),
        VG_STR_INIT("x-forwarded-proto"),
    };
    for (size_t i = 0; i < http->n_headers; i++) {
        const struct vg_http_header *h = &http->headers[i];
        bool is_ours = apigateway_is_hop_header(h->name);
        for (size_t k = 0; k < VG_COUNT(replaced); k++)
            is_ours = is_ours || vg_str_eq_nocase(h->name, replaced[k]);
        if (!is_ours)
            put_header(rq->arena, call, h->name, h->value);
    }
    struct vg_str before = vg_http_header(http, VG_STR("x-forwarded-for"));
    put_header(rq->arena, call, VG_STR("x-forwarded-for"),
               before.len ? vg_str_fmt(rq->arena, "%" VG_FMT ", %" VG_FMT, VG_ARG(before),
                                       VG_ARG(call->source_ip))
                          : call->source_ip);
    put_header(rq->arena, call, VG_STR("x-forwarded-port"),
               vg_str_fmt(rq->arena, "%u", http->listener->port));
    put_header(rq->arena, call, VG_STR("x-forwarded-proto"), http->scheme);
    if (!vg_http_header(http, VG_STR("x-amzn-trace-id")).ptr)
        put_header(rq->arena, call, VG_STR("x-amzn-trace-id"),
                   vg_str_fmt(rq->arena, "Root=1-%08llx-%" VG_FMT,
                              (unsigned long long)(call->time_ms / 1000) & 0xffffffffu,
                              VG_ARG(vg_random_text(rq->env->random, rq->arena, VG_STR(""),
                                                    VG_STR("0123456789abcdef"), 24))));
}

static void
init_call(struct vg_req *rq, const struct vg_http_req *http, struct apigateway_call *call)
{
    call->method = http->method;
    call->protocol = http->minor == 0 ? VG_STR("HTTP/1.0") : VG_STR("HTTP/1.1");
    call->query = http->query.ptr ? http->query : VG_STR("");
    call->source_ip = vg_http_remote(http, NULL);
    call->request_id = vg_random_text(rq->env->random, rq->arena, VG_STR(""), VG_ALPHA_BASE64, 15);
    call->request_id = vg_str_cat(rq->arena, call->request_id, VG_STR("="));
    call->time_ms = vg_now_ms(rq->env);
    call->body = VG_STR("");
    read_headers(rq, http, call);
}

/* --- which stage and route ----------------------------------------------------------------------
 */

struct target {
    struct apigateway_at at;
    struct apigateway_rec_api *api;
    struct apigateway_rec_stage *stage;
    const struct apigateway_served *served;
    const struct apigateway_rec_route *route;
    int64_t integration_ms; /* how long it took; -1: none was run */
};

/* By host: a stage named like the first segment, else $default. */
static vg_rc
find_stage(const struct apigateway_at *at, struct place *place, struct apigateway_rec_stage **ret)
{
    void *found = NULL;
    struct vg_str name = place->stage;
    if (name.ptr == NULL && place->path.len > 1) {
        struct vg_str rest = vg_str_slice(place->path, 1, place->path.len);
        size_t end = vg_str_find_char(rest, '/');
        name = vg_uri_decode(at->rq->arena, vg_str_slice(rest, 0, end), false);
        vg_rc rc = apigateway_kv_get(at, APIGATEWAY_STAGE, name, &found);
        if (rc != VG_OK)
            return rc;
        if (found != NULL)
            place->path = vg_str_slice(rest, end, rest.len);
    }
    if (found == NULL) {
        name = place->stage.ptr ? vg_uri_decode(at->rq->arena, place->stage, false)
                                : VG_STR("$default");
        vg_rc rc = apigateway_kv_get(at, APIGATEWAY_STAGE, name, &found);
        if (rc != VG_OK)
            return rc;
    }
    if (place->path.len == 0)
        place->path = VG_STR("/");
    *ret = found;
    return VG_OK;
}

/*
 * The stage and what it serves.  An update between the two reads may have replaced the stage's
 * deployment and deleted it: then the stage is read again.
 */
static vg_rc
find_served(struct place *place, struct target *target)
{
    const struct place as_sent = *place;
    struct vg_str missing = VG_STR_NONE;
    for (;;) {
        *place = as_sent;
        vg_rc rc = find_stage(&target->at, place, &target->stage);
        if (rc != VG_OK || target->stage == NULL || target->stage->deployment_id.ptr == NULL)
            return rc;
        struct vg_str id = target->stage->deployment_id;
        if (vg_str_eq(id, missing))
            return VG_OK;
        rc = apigateway_served_find(&target->at, id, &target->served);
        if (rc != VG_OK || target->served != NULL)
            return rc;
        missing = id;
    }
}

/* Leaves target->served NULL when nothing is served there. */
static vg_rc
find_target(struct vg_req *rq, struct place *place, struct target *target)
{
    void *api = NULL;
    bool is_found = false;
    struct vg_str id = vg_str_lower(rq->arena, place->api_id);
    vg_rc rc = apigateway_at_find(rq, id, &target->at, &is_found);
    if (rc != VG_OK || !is_found)
        return rc;
    if (place->region.ptr != NULL && !vg_str_eq_nocase(place->region, target->at.region))
        return VG_OK;
    rc = apigateway_kv_get(&target->at, APIGATEWAY_API, id, &api);
    target->api = api;
    if (rc != VG_OK || api == NULL || target->api->is_endpoint_disabled)
        return rc;
    return find_served(place, target);
}

static void
find_route(struct vg_req *rq, struct target *target, struct apigateway_call *call)
{
    const struct apigateway_served *served = target->served;
    size_t at = apigateway_route_find(rq->arena, served->routes, call->method, call->path,
                                      &call->sent_vars);
    if (at == VG_NPOS)
        return;
    target->route = &served->snap.routes.items[at];
    call->route_key = target->route->key;
    call->path_vars = apigateway_pairs_decode(rq->arena, &call->sent_vars);
}

static const struct apigateway_rec_integration *
integration_of(const struct target *target)
{
    struct vg_str id = target->route->target;
    if (!vg_str_starts(id, VG_STR("integrations/")))
        return NULL;
    id = vg_str_slice(id, sizeof("integrations/") - 1, id.len);
    const struct apigateway_rec_snapshot *snap = &target->served->snap;
    for (size_t i = 0; i < snap->integrations.len; i++)
        if (vg_str_eq(snap->integrations.items[i].id, id))
            return &snap->integrations.items[i];
    return NULL;
}

/* --- the answer ---------------------------------------------------------------------------------
 */

static struct apigateway_cors
cors_of(const struct apigateway_rec_cors *rec)
{
    return (struct apigateway_cors) {
        .origins = { rec->origins.items, rec->origins.len },
        .methods = { rec->methods.items, rec->methods.len },
        .headers = { rec->headers.items, rec->headers.len },
        .expose = { rec->expose.items, rec->expose.len },
        .max_age_s = rec->max_age_s,
        .allows_credentials = vg_opt_bool_or(rec->credentials, false),
    };
}

static struct apigateway_reply
message(const struct vg_req *rq, int status, const char *text)
{
    return apigateway_reply_message(rq->arena, status, vg_str_of(text));
}

static struct apigateway_pairs
pairs_of(struct vg_arena *arena, const struct apigateway_pair_vec *from)
{
    struct apigateway_pairs pairs = { 0 };
    for (size_t i = 0; i < from->len; i++)
        apigateway_pairs_add(arena, &pairs, from->items[i].name, from->items[i].value);
    return pairs;
}

static void
map_answer(struct vg_req *rq, const struct apigateway_rec_integration *integration,
           const struct apigateway_call *call, struct apigateway_reply *reply)
{
    for (size_t i = 0; i < integration->answer_maps.len; i++) {
        int64_t status;
        if (!vg_str_to_i64(integration->answer_maps.items[i].status, &status)
            || status != reply->status)
            continue;
        const struct apigateway_pairs maps =
            pairs_of(rq->arena, APIGATEWAY_PAIRS(&integration->answer_maps.items[i].mappings));
        apigateway_map_answer(rq->arena, &maps, call, reply);
        return;
    }
}

/* The integration, between its mappings. */
static vg_rc
run(struct vg_req *rq, struct target *target, const struct apigateway_rec_integration *integration,
    const struct apigateway_call *call, struct apigateway_reply *ret)
{
    struct apigateway_call *mapped = VG_NEW(rq->arena, struct apigateway_call);
    const struct apigateway_pairs maps =
        pairs_of(rq->arena, APIGATEWAY_PAIRS(&integration->request_map));
    bool is_lambda = vg_str_eq(integration->type, VG_STR("AWS_PROXY"));
    int64_t began_ms = vg_mono_ms();
    *mapped = *call;
    if (maps.len > 0)
        apigateway_map_request(rq->arena, &maps, mapped);
    vg_rc rc = is_lambda ? apigateway_invoke_lambda(rq, &target->at, integration, mapped, ret)
                         : apigateway_invoke_url(rq, &target->at, integration, mapped, ret);
    target->integration_ms = vg_mono_ms() - began_ms;
    if (rc == VG_OK)
        map_answer(rq, integration, call, ret);
    return rc;
}

/* Reads the body and checks who sent it; *ret_status is 0, or what the client gets instead. */
static vg_rc
admit(struct vg_req *rq, struct vg_http_req *http, const struct target *target,
      struct apigateway_call *call, int *ret_status)
{
    struct vg_err err = { 0 };
    *ret_status = 0;
    if (target->route->authorization.ptr != NULL) /* whatever it says: never open by mistake */
        return apigateway_iam_admit(rq, &target->at, call, ret_status);
    vg_rc rc = vg_http_body_read_all(http, APIGATEWAY_LIMIT_PAYLOAD_BYTES, &call->body, &err);
    if (rc != VG_FAIL)
        return rc;
    *ret_status = err.os_errno == EFBIG ? 413 : 400;
    vg_http_close_after(http);
    return VG_OK;
}

/* Runs the integration for a request that is let in. */
static vg_rc
integrate(struct vg_req *rq, struct vg_http_req *http, struct target *target,
          struct apigateway_call *call, struct apigateway_reply *ret)
{
    int status;
    const struct apigateway_rec_integration *integration = integration_of(target);
    vg_rc rc = admit(rq, http, target, call, &status);
    if (rc != VG_OK)
        return rc;
    if (status != 0 || integration == NULL) {
        *ret = message(rq, status ? status : 500,
                       status == 403   ? "Forbidden"
                       : status == 413 ? "Request Entity Too Large"
                       : status == 400 ? "Bad Request"
                                       : "Internal Server Error");
        return VG_OK;
    }
    put_header(rq->arena, call, VG_STR("content-length"),
               vg_str_fmt(rq->arena, "%zu", call->body.len));
    return run(rq, target, integration, call, ret);
}

static vg_rc
answer(struct vg_req *rq, struct vg_http_req *http, struct target *target,
       struct apigateway_call *call, struct apigateway_reply *ret)
{
    const struct apigateway_rec_stage *stage = target->stage;
    struct apigateway_cors cors = { 0 };
    call->account = target->at.account;
    call->api_id = target->at.api_id;
    call->stage = stage->name;
    for (size_t i = 0; i < stage->variables.len; i++)
        apigateway_pairs_add(rq->arena, &call->stage_vars, stage->variables.items[i].name,
                             stage->variables.items[i].value);
    if (target->served->snap.cors != NULL) {
        cors = cors_of(target->served->snap.cors);
        if (apigateway_cors_is_preflight(call)) {
            *ret = apigateway_cors_preflight(rq->arena, &cors, call);
            return VG_OK;
        }
    }
    find_route(rq, target, call);
    vg_rc rc = VG_OK;
    if (target->route == NULL)
        *ret = message(rq, 404, "Not Found");
    else if (!apigateway_throttle_take(rq->svc, &target->at, stage, call->route_key))
        *ret = message(rq, 429, "Too Many Requests");
    else
        rc = integrate(rq, http, target, call, ret);
    if (rc == VG_OK && target->served->snap.cors != NULL)
        apigateway_cors_decorate(rq->arena, &cors, call, ret);
    return rc;
}

static void
send(struct vg_req *rq, struct vg_http_req *http, const struct apigateway_call *call,
     const struct apigateway_reply *reply)
{
    size_t n = reply->headers.len;
    struct vg_http_header *headers = VG_NEW_ARRAY(rq->arena, struct vg_http_header, n + 1);
    for (size_t i = 0; i < n; i++)
        headers[i] =
            (struct vg_http_header) { reply->headers.items[i].name, reply->headers.items[i].value };
    headers[n] = (struct vg_http_header) { VG_STR("apigw-requestid"), call->request_id };
    if (!http->is_head || !reply->length.set) {
        (void)vg_http_reply(http, reply->status, headers, n + 1, reply->body);
        return;
    }
    if (vg_http_reply_begin(http, reply->status, headers, n + 1, reply->length.v) == VG_OK)
        (void)vg_http_reply_end(http);
}

static void
log_access(struct vg_req *rq, const struct vg_http_req *http, const struct target *target,
           const struct apigateway_call *call, const struct apigateway_reply *reply)
{
    const struct apigateway_outcome outcome = {
        .reply = reply,
        .latency_ms = vg_mono_ms() - http->received_ms,
        .integration_ms = target->integration_ms,
    };
    apigateway_log_access(
        rq, &target->at, target->stage,
        apigateway_log_line(rq->arena, target->stage->log_format, call, &outcome));
}

void
apigateway_plane_serve(struct vg_req *rq, struct vg_http_req *http)
{
    struct place place = { 0 };
    struct target *target = VG_NEW(rq->arena, struct target);
    struct apigateway_call *call = VG_NEW(rq->arena, struct apigateway_call);
    struct apigateway_reply reply = message(rq, 404, "Not Found");
    struct vg_str host = http->host;
    host = vg_str_lower(rq->arena, vg_str_cut(&host, ':'));
    bool is_host = place_of_host(host, http->path, &place);
    if (!is_host && !place_of_path(http->path, &place))
        return;
    init_call(rq, http, call);
    target->integration_ms = -1;
    vg_rc rc = find_target(rq, &place, target);
    call->path = place.path;
    if (rc == VG_OK && target->served != NULL) {
        call->domain_name =
            is_host ? host
                    : vg_str_fmt(rq->arena, "%" VG_FMT ".execute-api.%" VG_FMT ".localhost",
                                 VG_ARG(target->at.api_id), VG_ARG(target->at.region));
        rc = answer(rq, http, target, call, &reply);
    }
    if (rc == VG_OK)
        rc = vg_gate(rq);
    if (rc == VG_GONE)
        return;
    if (rc != VG_OK) {
        (void)vg_fail_internal(rq, NULL);
        reply = message(rq, 500, "Internal Server Error");
    }
    send(rq, http, call, &reply);
    if (target->served != NULL && target->stage->log_arn.ptr != NULL)
        log_access(rq, http, target, call, &reply);
}
