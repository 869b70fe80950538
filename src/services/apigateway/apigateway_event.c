/* SPDX-License-Identifier: Apache-2.0 */

/* Proxy events of payload formats 2.0 and 1.0; see apigateway_event.h. */

#include "services/apigateway/apigateway_event.h"

#include "base/buf.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/uri.h"

#include <time.h>

/* The request may be 10 MB, in base64 a third more, in JSON escapes up to six times that. */
#define EVENT_MAX_BYTES (96u << 20)

bool
apigateway_is_text(struct vg_str content_type)
{
    static const struct vg_str texts[] = {
        VG_STR_INIT("application/json"),
        VG_STR_INIT("application/xml"),
        VG_STR_INIT("application/javascript"),
    };
    struct vg_str rest = content_type;
    struct vg_str type = vg_str_trim(vg_str_cut(&rest, ';'));
    if (vg_str_starts_nocase(type, VG_STR("text/")))
        return true;
    for (size_t i = 0; i < VG_COUNT(texts); i++)
        if (vg_str_eq_nocase(type, texts[i]))
            return true;
    return false;
}

void
apigateway_query_split(struct vg_arena *arena, struct vg_str query, struct apigateway_pairs *ret)
{
    struct vg_str rest = query;
    while (rest.len > 0) {
        struct vg_str value = vg_str_cut(&rest, '&');
        if (value.len == 0)
            continue;
        struct vg_str name = vg_uri_decode(arena, vg_str_cut(&value, '='), true);
        value = value.ptr ? vg_uri_decode(arena, value, true) : VG_STR("");
        apigateway_pairs_add(arena, ret, name, value);
    }
}

struct vg_str
apigateway_request_time(struct vg_arena *arena, int64_t time_ms)
{
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t s = (time_t)(time_ms / 1000);
    struct tm tm;
    (void)gmtime_r(&s, &tm);
    return vg_str_fmt(arena, "%02d/%s/%04d:%02d:%02d:%02d +0000", tm.tm_mday, months[tm.tm_mon],
                      tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

struct vg_str
apigateway_header_joined(struct vg_arena *arena, const struct apigateway_pairs *headers,
                         struct vg_str name)
{
    struct vg_str all = VG_STR_NONE;
    for (size_t i = 0; i < headers->len; i++) {
        if (!vg_str_eq_nocase(headers->items[i].name, name))
            continue;
        struct vg_str value = headers->items[i].value;
        all =
            all.ptr ? vg_str_fmt(arena, "%" VG_FMT ",%" VG_FMT, VG_ARG(all), VG_ARG(value)) : value;
    }
    return all;
}

/* --- maps of pairs ------------------------------------------------------------------------------
 */

typedef bool(same_name_fn)(struct vg_str a, struct vg_str b);

static bool
is_first(const struct apigateway_pairs *pairs, size_t i, same_name_fn *same)
{
    for (size_t k = 0; k < i; k++)
        if (same(pairs->items[k].name, pairs->items[i].name))
            return false;
    return true;
}

static bool
same_exactly(struct vg_str a, struct vg_str b)
{
    return vg_str_eq(a, b);
}

/* How several values of one name become one. */
enum joining { JOIN_COMMAS, JOIN_LAST, JOIN_ARRAY };

static void
put_values(struct vg_json_out *w, struct vg_arena *arena, const struct apigateway_pairs *pairs,
           size_t first, same_name_fn *same, enum joining how)
{
    struct vg_str joined = VG_STR_NONE;
    if (how == JOIN_ARRAY)
        vg_jsonw_array(w);
    for (size_t i = first; i < pairs->len; i++) {
        if (!same(pairs->items[i].name, pairs->items[first].name))
            continue;
        struct vg_str value = pairs->items[i].value;
        if (how == JOIN_ARRAY)
            vg_jsonw_str(w, value);
        else if (how == JOIN_LAST || joined.ptr == NULL)
            joined = value;
        else
            joined = vg_str_fmt(arena, "%" VG_FMT ",%" VG_FMT, VG_ARG(joined), VG_ARG(value));
    }
    if (how == JOIN_ARRAY)
        vg_jsonw_array_end(w);
    else
        vg_jsonw_str(w, joined);
}

static void
put_map(struct vg_json_out *w, struct vg_arena *arena, struct vg_str key,
        const struct apigateway_pairs *pairs, enum joining how)
{
    vg_jsonw_key(w, key);
    if (pairs->len == 0) {
        vg_jsonw_null(w);
        return;
    }
    vg_jsonw_object(w);
    for (size_t i = 0; i < pairs->len; i++) {
        if (!is_first(pairs, i, same_exactly))
            continue;
        vg_jsonw_key(w, pairs->items[i].name);
        put_values(w, arena, pairs, i, same_exactly, how);
    }
    vg_jsonw_object_end(w);
}

/* In format 1.0 the gateway writes the names it sets itself with capitals, the others small. */
static struct vg_str
name_v1(struct vg_arena *arena, struct vg_str name)
{
    static const struct vg_str own[] = {
        VG_STR_INIT("Content-Length"),    VG_STR_INIT("Host"),
        VG_STR_INIT("User-Agent"),        VG_STR_INIT("X-Amzn-Trace-Id"),
        VG_STR_INIT("X-Forwarded-For"),   VG_STR_INIT("X-Forwarded-Port"),
        VG_STR_INIT("X-Forwarded-Proto"),
    };
    for (size_t i = 0; i < VG_COUNT(own); i++)
        if (vg_str_eq_nocase(name, own[i]))
            return own[i];
    return vg_str_lower(arena, name);
}

static void
put_headers(struct vg_json_out *w, struct vg_arena *arena, struct vg_str key,
            const struct apigateway_pairs *headers, bool is_v2, enum joining how)
{
    vg_jsonw_key(w, key);
    vg_jsonw_object(w);
    for (size_t i = 0; i < headers->len; i++) {
        struct vg_str name = headers->items[i].name;
        if (!is_first(headers, i, vg_str_eq_nocase))
            continue;
        if (is_v2 && vg_str_eq_nocase(name, VG_STR("cookie")))
            continue;
        vg_jsonw_key(w, is_v2 ? vg_str_lower(arena, name) : name_v1(arena, name));
        put_values(w, arena, headers, i, vg_str_eq_nocase, how);
    }
    vg_jsonw_object_end(w);
}

/* Text that is not UTF-8 could not be carried in JSON, whatever its content type says. */
static bool
is_body_text(const struct apigateway_call *call)
{
    return apigateway_is_text(apigateway_pairs_get_nocase(&call->headers, VG_STR("content-type")))
           && vg_str_is_utf8(call->body);
}

/* Writes `body` (left out or null when there is none) and isBase64Encoded. */
static void
put_body(struct vg_json_out *w, struct vg_arena *arena, const struct apigateway_call *call,
         bool is_v2)
{
    bool is_base64 = call->body.len > 0 && !is_body_text(call);
    if (call->body.len > 0)
        vg_jsonw_kv(w, VG_STR("body"),
                    is_base64 ? vg_base64_encode(arena, call->body) : call->body);
    else if (!is_v2) {
        vg_jsonw_key(w, VG_STR("body"));
        vg_jsonw_null(w);
    }
    vg_jsonw_key(w, VG_STR("isBase64Encoded"));
    vg_jsonw_bool(w, is_base64);
}

/* HTTP APIs hand the path over decoded, a named stage in front of it (middleapi/standard-server#93,
 * powertools-lambda-python#621). */
static struct vg_str
path_with_stage(struct vg_arena *arena, const struct apigateway_call *call)
{
    struct vg_str path = vg_uri_decode(arena, call->path, false);
    if (vg_str_eq(call->stage, VG_STR("$default")))
        return path;
    return vg_str_fmt(arena, "/%" VG_FMT "%" VG_FMT, VG_ARG(call->stage), VG_ARG(path));
}

static struct vg_str
user_agent(const struct apigateway_call *call)
{
    struct vg_str agent = apigateway_pairs_get_nocase(&call->headers, VG_STR("user-agent"));
    return agent.ptr ? agent : VG_STR("");
}

static struct vg_str
domain_prefix(const struct apigateway_call *call)
{
    struct vg_str rest = call->domain_name;
    return vg_str_cut(&rest, '.');
}

struct member {
    struct vg_str key, value; /* absent: null */
};

/* An object of texts. */
static void
put_members(struct vg_json_out *w, struct vg_str key, const struct member *members, size_t n)
{
    vg_jsonw_key(w, key);
    vg_jsonw_object(w);
    for (size_t i = 0; i < n; i++) {
        vg_jsonw_key(w, members[i].key);
        if (members[i].value.ptr != NULL)
            vg_jsonw_str(w, members[i].value);
        else
            vg_jsonw_null(w);
    }
    vg_jsonw_object_end(w);
}

/* --- format 2.0 ---------------------------------------------------------------------------------
 */

/*
 * As aws-lambda-go's APIGatewayV2HTTPRequestContextAuthorizerIAMDescription reads it. There are no
 * identity pools and no organizations.
 */
static void
put_iam(struct vg_json_out *w, const struct apigateway_caller *caller)
{
    const struct member members[] = {
        { VG_STR("accessKey"), caller->access_key }, { VG_STR("accountId"), caller->account },
        { VG_STR("callerId"), caller->user_id },     { VG_STR("cognitoIdentity"), VG_STR_NONE },
        { VG_STR("principalOrgId"), VG_STR_NONE },   { VG_STR("userArn"), caller->arn },
        { VG_STR("userId"), caller->user_id },
    };
    vg_jsonw_key(w, VG_STR("authorizer"));
    vg_jsonw_object(w);
    put_members(w, VG_STR("iam"), members, VG_COUNT(members));
    vg_jsonw_object_end(w);
}

static void
put_context_v2(struct vg_json_out *w, struct vg_arena *arena, const struct apigateway_call *call,
               struct vg_str path)
{
    vg_jsonw_key(w, VG_STR("requestContext"));
    vg_jsonw_object(w);
    vg_jsonw_kv(w, VG_STR("accountId"), call->account);
    vg_jsonw_kv(w, VG_STR("apiId"), call->api_id);
    if (call->caller != NULL)
        put_iam(w, call->caller);
    vg_jsonw_kv(w, VG_STR("domainName"), call->domain_name);
    vg_jsonw_kv(w, VG_STR("domainPrefix"), domain_prefix(call));
    vg_jsonw_key(w, VG_STR("http"));
    vg_jsonw_object(w);
    vg_jsonw_kv(w, VG_STR("method"), call->method);
    vg_jsonw_kv(w, VG_STR("path"), path);
    vg_jsonw_kv(w, VG_STR("protocol"), call->protocol);
    vg_jsonw_kv(w, VG_STR("sourceIp"), call->source_ip);
    vg_jsonw_kv(w, VG_STR("userAgent"), user_agent(call));
    vg_jsonw_object_end(w);
    vg_jsonw_kv(w, VG_STR("requestId"), call->request_id);
    vg_jsonw_kv(w, VG_STR("routeKey"), call->route_key);
    vg_jsonw_kv(w, VG_STR("stage"), call->stage);
    vg_jsonw_kv(w, VG_STR("time"), apigateway_request_time(arena, call->time_ms));
    vg_jsonw_kv_i64(w, VG_STR("timeEpoch"), call->time_ms);
    vg_jsonw_object_end(w);
}

/* "All cookie headers in the request are combined with commas and added to the cookies field." */
static void
put_cookies(struct vg_json_out *w, const struct apigateway_call *call)
{
    bool is_open = false;
    for (size_t i = 0; i < call->headers.len; i++) {
        struct vg_str rest = call->headers.items[i].value;
        if (!vg_str_eq_nocase(call->headers.items[i].name, VG_STR("cookie")))
            continue;
        while (rest.len > 0) {
            struct vg_str cookie = vg_str_trim(vg_str_cut(&rest, ';'));
            if (cookie.len == 0)
                continue;
            if (!is_open) {
                vg_jsonw_key(w, VG_STR("cookies"));
                vg_jsonw_array(w);
                is_open = true;
            }
            vg_jsonw_str(w, cookie);
        }
    }
    if (is_open)
        vg_jsonw_array_end(w);
}

struct vg_str
apigateway_event_v2(struct vg_arena *arena, const struct apigateway_call *call)
{
    struct vg_buf buf;
    struct vg_json_out w;
    struct apigateway_pairs query = { 0 };
    struct vg_str path = path_with_stage(arena, call);
    vg_buf_init(&buf, arena, EVENT_MAX_BYTES);
    vg_jsonw_init(&w, &buf);
    vg_jsonw_object(&w);
    vg_jsonw_kv(&w, VG_STR("version"), VG_STR("2.0"));
    vg_jsonw_kv(&w, VG_STR("routeKey"), call->route_key);
    vg_jsonw_kv(&w, VG_STR("rawPath"), path);
    vg_jsonw_kv(&w, VG_STR("rawQueryString"), call->query.ptr ? call->query : VG_STR(""));
    put_cookies(&w, call);
    put_headers(&w, arena, VG_STR("headers"), &call->headers, true, JOIN_COMMAS);
    apigateway_query_split(arena, call->query, &query);
    if (query.len > 0)
        put_map(&w, arena, VG_STR("queryStringParameters"), &query, JOIN_COMMAS);
    put_context_v2(&w, arena, call, path);
    if (call->path_vars.len > 0)
        put_map(&w, arena, VG_STR("pathParameters"), &call->path_vars, JOIN_LAST);
    if (call->stage_vars.len > 0)
        put_map(&w, arena, VG_STR("stageVariables"), &call->stage_vars, JOIN_LAST);
    put_body(&w, arena, call, true);
    vg_jsonw_object_end(&w);
    return vg_buf_str(&buf);
}

/* --- format 1.0 ---------------------------------------------------------------------------------
 */

static void
put_identity_v1(struct vg_json_out *w, const struct apigateway_call *call)
{
    static const struct apigateway_caller nobody;
    const struct apigateway_caller *caller = call->caller ? call->caller : &nobody;
    const struct member members[] = {
        { VG_STR("accessKey"), caller->access_key },
        { VG_STR("accountId"), caller->account },
        { VG_STR("caller"), caller->user_id },
        { VG_STR("cognitoAmr"), VG_STR_NONE },
        { VG_STR("cognitoAuthenticationProvider"), VG_STR_NONE },
        { VG_STR("cognitoAuthenticationType"), VG_STR_NONE },
        { VG_STR("cognitoIdentityId"), VG_STR_NONE },
        { VG_STR("cognitoIdentityPoolId"), VG_STR_NONE },
        { VG_STR("principalOrgId"), VG_STR_NONE },
        { VG_STR("sourceIp"), call->source_ip },
        { VG_STR("user"), caller->user_id },
        { VG_STR("userAgent"), user_agent(call) },
        { VG_STR("userArn"), caller->arn },
    };
    put_members(w, VG_STR("identity"), members, VG_COUNT(members));
}

/* "/pets/{id}" of "GET /pets/{id}"; "$default" is itself. */
static struct vg_str
resource_of(const struct apigateway_call *call)
{
    size_t at = vg_str_find_char(call->route_key, ' ');
    return at == VG_NPOS ? call->route_key
                         : vg_str_slice(call->route_key, at + 1, call->route_key.len);
}

static void
put_context_v1(struct vg_json_out *w, struct vg_arena *arena, const struct apigateway_call *call,
               struct vg_str path)
{
    vg_jsonw_key(w, VG_STR("requestContext"));
    vg_jsonw_object(w);
    vg_jsonw_kv(w, VG_STR("accountId"), call->account);
    vg_jsonw_kv(w, VG_STR("apiId"), call->api_id);
    vg_jsonw_kv(w, VG_STR("domainName"), call->domain_name);
    vg_jsonw_kv(w, VG_STR("domainPrefix"), domain_prefix(call));
    vg_jsonw_kv(w, VG_STR("extendedRequestId"), call->request_id);
    vg_jsonw_kv(w, VG_STR("httpMethod"), call->method);
    put_identity_v1(w, call);
    vg_jsonw_kv(w, VG_STR("path"), path);
    vg_jsonw_kv(w, VG_STR("protocol"), call->protocol);
    vg_jsonw_kv(w, VG_STR("requestId"), call->request_id);
    vg_jsonw_kv(w, VG_STR("requestTime"), apigateway_request_time(arena, call->time_ms));
    vg_jsonw_kv_i64(w, VG_STR("requestTimeEpoch"), call->time_ms);
    vg_jsonw_key(w, VG_STR("resourceId"));
    vg_jsonw_null(w);
    vg_jsonw_kv(w, VG_STR("resourcePath"), resource_of(call));
    vg_jsonw_kv(w, VG_STR("stage"), call->stage);
    vg_jsonw_object_end(w);
}

struct vg_str
apigateway_event_v1(struct vg_arena *arena, const struct apigateway_call *call)
{
    struct vg_buf buf;
    struct vg_json_out w;
    struct apigateway_pairs query = { 0 };
    struct vg_str path = path_with_stage(arena, call);
    vg_buf_init(&buf, arena, EVENT_MAX_BYTES);
    vg_jsonw_init(&w, &buf);
    apigateway_query_split(arena, call->query, &query);
    vg_jsonw_object(&w);
    vg_jsonw_kv(&w, VG_STR("version"), VG_STR("1.0"));
    vg_jsonw_kv(&w, VG_STR("resource"), resource_of(call));
    vg_jsonw_kv(&w, VG_STR("path"), path);
    vg_jsonw_kv(&w, VG_STR("httpMethod"), call->method);
    put_headers(&w, arena, VG_STR("headers"), &call->headers, false, JOIN_LAST);
    put_headers(&w, arena, VG_STR("multiValueHeaders"), &call->headers, false, JOIN_ARRAY);
    put_map(&w, arena, VG_STR("queryStringParameters"), &query, JOIN_LAST);
    put_map(&w, arena, VG_STR("multiValueQueryStringParameters"), &query, JOIN_ARRAY);
    put_context_v1(&w, arena, call, path);
    put_map(&w, arena, VG_STR("pathParameters"), &call->path_vars, JOIN_LAST);
    put_map(&w, arena, VG_STR("stageVariables"), &call->stage_vars, JOIN_LAST);
    put_body(&w, arena, call, false);
    vg_jsonw_object_end(&w);
    return vg_buf_str(&buf);
}
