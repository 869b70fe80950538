/* SPDX-License-Identifier: Apache-2.0 */

/* Parameter mapping and $context variables; see apigateway_mapping.h. */

#include "services/apigateway/apigateway_mapping.h"

#include "base/buf.h"
#include "codec/json.h"
#include "codec/uri.h"

#define TEXT_MAX_BYTES (64u << 10)

/* --- keys ---------------------------------------------------------------------------------------
 */

enum action { ACTION_APPEND = 1, ACTION_OVERWRITE, ACTION_REMOVE };
enum place { PLACE_HEADER = 1, PLACE_QUERY, PLACE_PATH, PLACE_STATUS };

struct key {
    enum action action;
    enum place place;
    struct vg_str name;
};

static bool
take(struct vg_str *rest, struct vg_str prefix)
{
    if (!vg_str_starts(*rest, prefix))
        return false;
    *rest = vg_str_slice(*rest, prefix.len, rest->len);
    return true;
}

static bool
parse_key(struct vg_str text, struct key *ret)
{
    struct key key = { 0 };
    key.action = take(&text, VG_STR("append:"))      ? ACTION_APPEND
                 : take(&text, VG_STR("overwrite:")) ? ACTION_OVERWRITE
                 : take(&text, VG_STR("remove:"))    ? ACTION_REMOVE
                                                     : 0;
    if (take(&text, VG_STR("header.")))
        key.place = PLACE_HEADER;
    else if (take(&text, VG_STR("querystring.")))
        key.place = PLACE_QUERY;
    else if (vg_str_eq(text, VG_STR("path")))
        key.place = PLACE_PATH;
    else if (vg_str_eq(text, VG_STR("statuscode")))
        key.place = PLACE_STATUS;
    bool has_name = key.place == PLACE_HEADER || key.place == PLACE_QUERY;
    key.name = has_name ? text : VG_STR("");
    *ret = key;
    return key.action != 0 && key.place != 0 && (!has_name || text.len > 0)
           && (has_name || key.action == ACTION_OVERWRITE);
}

/* "The following headers are reserved. You can't configure request or response mappings." */
static bool
is_reserved(struct vg_str name)
{
    static const struct vg_str prefixes[] = {
        VG_STR_INIT("access-control-"),
        VG_STR_INIT("apigw-"),
        VG_STR_INIT("x-amz-"),
        VG_STR_INIT("x-amzn-"),
    };
    static const struct vg_str names[] = {
        VG_STR_INIT("authorization"),
        VG_STR_INIT("connection"),
        VG_STR_INIT("content-encoding"),
        VG_STR_INIT("content-length"),
        VG_STR_INIT("content-location"),
        VG_STR_INIT("forwarded"),
        VG_STR_INIT("keep-alive"),
        VG_STR_INIT("origin"),
        VG_STR_INIT("proxy-authenticate"),
        VG_STR_INIT("proxy-authorization"),
        VG_STR_INIT("te"),
        VG_STR_INIT("trailers"),
        VG_STR_INIT("transfer-encoding"),
        VG_STR_INIT("upgrade"),
        VG_STR_INIT("x-forwarded-for"),
        VG_STR_INIT("x-forwarded-host"),
        VG_STR_INIT("x-forwarded-proto"),
        VG_STR_INIT("via"),
    };
    for (size_t i = 0; i < VG_COUNT(prefixes); i++)
        if (vg_str_starts_nocase(name, prefixes[i]))
            return true;
    for (size_t i = 0; i < VG_COUNT(names); i++)
        if (vg_str_eq_nocase(name, names[i]))
            return true;
    return false;
}

static bool
is_variable_known(struct vg_str v, bool is_answer)
{
    static const struct vg_str both[] = { VG_STR_INIT("context."), VG_STR_INIT("stageVariables.") };
    static const struct vg_str request[] = {
        VG_STR_INIT("request.header."),
        VG_STR_INIT("request.querystring."),
        VG_STR_INIT("request.path."),
        VG_STR_INIT("request.body."),
    };
    static const struct vg_str answer[] = { VG_STR_INIT("response.header."),
                                            VG_STR_INIT("response.body.") };
    const struct vg_str *list = is_answer ? answer : request;
    size_t n = is_answer ? VG_COUNT(answer) : VG_COUNT(request);
    for (size_t i = 0; i < VG_COUNT(both); i++)
        if (vg_str_starts(v, both[i]) && v.len > both[i].len)
            return true;
    for (size_t i = 0; i < n; i++)
        if (vg_str_starts(v, list[i]) && v.len > list[i].len)
            return vg_str_find(v, VG_STR("..")) == VG_NPOS && vg_str_find_char(v, '?') == VG_NPOS;
    return !is_answer && vg_str_eq(v, VG_STR("request.path"));
}

/* The next variable in a value: what is before it, and its name; false: none left. */
static bool
next_variable(struct vg_str *rest, struct vg_str *ret_before, struct vg_str *ret_name)
{
    size_t at = vg_str_find(*rest, VG_STR("${"));
    if (at == VG_NPOS)
        return false;
    struct vg_str tail = vg_str_slice(*rest, at + 2, rest->len);
    size_t end = vg_str_find_char(tail, '}');
    if (end == VG_NPOS)
        return false;
    *ret_before = vg_str_slice(*rest, 0, at);
    *ret_name = vg_str_slice(tail, 0, end);
    *rest = vg_str_slice(tail, end + 1, tail.len);
    return true;
}

static bool
is_one_variable(struct vg_str value)
{
    return value.len > 1 && value.ptr[0] == '$' && value.ptr[1] != '{';
}

const char *
apigateway_mapping_check(struct vg_str text, struct vg_str value, bool is_answer)
{
    struct key key;
    struct vg_str before, name, rest = value;
    if (!parse_key(text, &key))
        return "the key must be append|overwrite|remove:header.name, "
               "append|overwrite|remove:querystring.name, overwrite:path or overwrite:statuscode";
    if ((key.place == PLACE_STATUS) != is_answer && key.place != PLACE_HEADER)
        return is_answer ? "only headers and the status code of an answer can be mapped"
                         : "the status code is the answer's";
    if (key.place == PLACE_HEADER && is_reserved(key.name))
        return "the header is reserved";
    if (key.action == ACTION_REMOVE)
        return NULL;
    if (is_one_variable(value))
        return is_variable_known(vg_str_slice(value, 1, value.len), is_answer)
                   ? NULL
                   : "the value names no variable that can be mapped";
    while (next_variable(&rest, &before, &name))
        if (!is_variable_known(name, is_answer))
            return "the value names no variable that can be mapped";
    int64_t status;
    if (key.place == PLACE_STATUS
        && (!vg_str_to_i64(value, &status) || status < 100 || status > 599))
        return "the status code must be a number from 100 to 599";
    return NULL;
}

/* --- variables ----------------------------------------------------------------------------------
 */

struct subject {
    struct vg_arena *arena;
    const struct apigateway_call *call;
    const struct apigateway_reply *reply;     /* answers and logs */
    const struct apigateway_outcome *outcome; /* logs */
};

/* One step of a path: a name, or [n] or ['name']. False at its end or where it is malformed. */
static bool
next_step(struct vg_str *rest, struct vg_str *ret)
{
    if (rest->len == 0)
        return false;
    if (rest->ptr[0] == '[') {
        size_t end = vg_str_find_char(*rest, ']');
        if (end == VG_NPOS)
            return false;
        *ret = vg_str_slice(*rest, 1, end);
        *rest = vg_str_slice(*rest, end + 1, rest->len);
        if (ret->len >= 2 && ret->ptr[0] == '\'')
            *ret = vg_str_slice(*ret, 1, ret->len - 1);
        return true;
    }
    if (rest->ptr[0] == '.')
        *rest = vg_str_slice(*rest, 1, rest->len);
    size_t end = 0;
    while (end < rest->len && rest->ptr[end] != '.' && rest->ptr[end] != '[')
        end++;
    *ret = vg_str_slice(*rest, 0, end);
    *rest = vg_str_slice(*rest, end, rest->len);
    return end > 0;
}

static bool
enter(struct vg_json *js, enum vg_json_tok *tok, struct vg_str step)
{
    uint64_t index = 0, nth = 0;
    bool is_array = *tok == VG_JSON_ARRAY && vg_str_to_u64(step, &index);
    if (*tok != VG_JSON_OBJECT && !is_array)
        return false;
    for (;; nth++) {
        bool is_found;
        *tok = vg_json_next(js);
        if (is_array) {
            is_found = nth == index;
        } else {
            is_found = *tok == VG_JSON_KEY && vg_str_eq(js->text, step);
            if (*tok == VG_JSON_KEY)
                *tok = vg_json_next(js);
        }
        if (*tok == VG_JSON_OBJECT_END || *tok == VG_JSON_ARRAY_END || *tok == VG_JSON_ERROR)
            return false;
        if (is_found)
            return true;
        if (!vg_json_skip(js, *tok))
            return false;
    }
}

/* A scalar is given as text, an object or array as its JSON. */
static struct vg_str
body_value(struct vg_arena *arena, struct vg_str body, struct vg_str path)
{
    struct vg_json js;
    struct vg_str step, raw;
    vg_json_init(&js, body, arena);
    enum vg_json_tok tok = vg_json_next(&js);
    while (path.len > 0)
        if (!next_step(&path, &step) || !enter(&js, &tok, step))
            return VG_STR_NONE;
    if (tok == VG_JSON_STRING)
        return js.text;
    return tok != VG_JSON_ERROR && tok != VG_JSON_END && vg_json_raw(&js, tok, &raw) ? raw
                                                                                     : VG_STR_NONE;
}

static struct vg_str
number(struct vg_arena *arena, int64_t v)
{
    return vg_str_fmt(arena, "%lld", (long long)v);
}

/* What only an access log may name. */
static struct vg_str
outcome_value(const struct subject *s, struct vg_str name)
{
    const struct apigateway_outcome *o = s->outcome;
    if (o == NULL)
        return VG_STR_NONE;
    if (vg_str_eq(name, VG_STR("status")))
        return number(s->arena, o->reply->status);
    if (vg_str_eq(name, VG_STR("responseLength")))
        return number(s->arena, (int64_t)o->reply->body.len);
    if (vg_str_eq(name, VG_STR("responseLatency")))
        return number(s->arena, o->latency_ms);
    if (vg_str_eq(name, VG_STR("integrationLatency"))
        || vg_str_eq(name, VG_STR("integration.latency")))
        return o->integration_ms >= 0 ? number(s->arena, o->integration_ms) : VG_STR_NONE;
    if (vg_str_eq(name, VG_STR("error.message"))
        || vg_str_eq(name, VG_STR("integrationErrorMessage"))
        || vg_str_eq(name, VG_STR("integration.error")))
        return o->error;
    return VG_STR_NONE;
}

static struct vg_str
context_value(const struct subject *s, struct vg_str name)
{
    static const struct apigateway_caller nobody;
    const struct apigateway_call *c = s->call;
    const struct apigateway_caller *caller = c->caller ? c->caller : &nobody;
    struct vg_str prefix = c->domain_name;
    prefix = vg_str_cut(&prefix, '.');
    const struct {
        struct vg_str name, value;
    } table[] = {
        { VG_STR("accountId"), c->account },
        { VG_STR("apiId"), c->api_id },
        { VG_STR("domainName"), c->domain_name },
        { VG_STR("domainPrefix"), prefix },
        { VG_STR("extendedRequestId"), c->request_id },
        { VG_STR("httpMethod"), c->method },
        { VG_STR("identity.accountId"), caller->account },
        { VG_STR("identity.caller"), caller->user_id },
        { VG_STR("identity.sourceIp"), c->source_ip },
        { VG_STR("identity.user"), caller->user_id },
        { VG_STR("identity.userAgent"),
          apigateway_pairs_get_nocase(&c->headers, VG_STR("user-agent")) },
        { VG_STR("identity.userArn"), caller->arn },
        { VG_STR("path"), c->path },
        { VG_STR("protocol"), c->protocol },
        { VG_STR("requestId"), c->request_id },
        { VG_STR("requestTime"), apigateway_request_time(s->arena, c->time_ms) },
        { VG_STR("requestTimeEpoch"), number(s->arena, c->time_ms / 1000) },
        { VG_STR("routeKey"), c->route_key },
        { VG_STR("stage"), c->stage },
    };
    for (size_t i = 0; i < VG_COUNT(table); i++)
        if (vg_str_eq(name, table[i].name))
            return table[i].value;
    return outcome_value(s, name);
}

static struct vg_str
query_value(const struct subject *s, struct vg_str name)
{
    struct apigateway_pairs query = { 0 };
    struct vg_str all = VG_STR_NONE;
    apigateway_query_split(s->arena, s->call->query, &query);
    for (size_t i = 0; i < query.len; i++) {
        struct vg_str value = query.items[i].value;
        if (vg_str_eq(query.items[i].name, name))
            all = all.ptr ? vg_str_fmt(s->arena, "%" VG_FMT ",%" VG_FMT, VG_ARG(all), VG_ARG(value))
                          : value;
    }
    return all;
}

static struct vg_str
variable(const struct subject *s, struct vg_str v)
{
    if (take(&v, VG_STR("context.")))
        return context_value(s, v);
    if (take(&v, VG_STR("stageVariables.")))
        return apigateway_pairs_get(&s->call->stage_vars, v);
    if (s->reply != NULL && take(&v, VG_STR("response.header.")))
        return apigateway_header_joined(s->arena, &s->reply->headers, v);
    if (s->reply != NULL && take(&v, VG_STR("response.body.")))
        return body_value(s->arena, s->reply->body, v);
    if (take(&v, VG_STR("request.header.")))
        return apigateway_header_joined(s->arena, &s->call->headers, v);
    if (take(&v, VG_STR("request.querystring.")))
        return query_value(s, v);
    if (take(&v, VG_STR("request.body.")))
        return body_value(s->arena, s->call->body, v);
    if (take(&v, VG_STR("request.path.")))
        return apigateway_pairs_get(&s->call->path_vars, v);
    if (vg_str_eq(v, VG_STR("request.path")))
        return s->call->path;
    return VG_STR_NONE;
}

/* Absent when a value that is one variable has none. */
static struct vg_str
expand(const struct subject *s, struct vg_str value)
{
    struct vg_buf buf;
    struct vg_str before, name, rest = value;
    if (is_one_variable(value))
        return variable(s, vg_str_slice(value, 1, value.len));
    vg_buf_init(&buf, s->arena, TEXT_MAX_BYTES);
    while (next_variable(&rest, &before, &name)) {
        vg_buf_adds(&buf, before);
        vg_buf_adds(&buf, variable(s, name));
    }
    vg_buf_adds(&buf, rest);
    return vg_buf_str(&buf);
}

/* --- changes ------------------------------------------------------------------------------------
 */

/* No value that could begin another header may come in by a mapping. */
static bool
is_header_safe(struct vg_str value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] < ' ' && value.ptr[i] != '\t')
            return false;
    return true;
}

static void
change_pairs(struct vg_arena *arena, struct apigateway_pairs *pairs, const struct key *key,
             struct vg_str value, bool is_nocase)
{
    size_t kept = 0;
    if (key->action != ACTION_APPEND) {
        for (size_t i = 0; i < pairs->len; i++) {
            struct vg_str name = pairs->items[i].name;
            if (!(is_nocase ? vg_str_eq_nocase(name, key->name) : vg_str_eq(name, key->name)))
                pairs->items[kept++] = pairs->items[i];
        }
        pairs->len = kept;
    }
    if (key->action != ACTION_REMOVE && value.ptr != NULL)
        apigateway_pairs_add(arena, pairs, key->name, value);
}

static void
change_query(struct vg_arena *arena, struct apigateway_call *call, const struct key *key,
             struct vg_str value)
{
    struct apigateway_pairs query = { 0 };
    struct vg_buf buf;
    apigateway_query_split(arena, call->query, &query);
    change_pairs(arena, &query, key, value, false);
    vg_buf_init(&buf, arena, TEXT_MAX_BYTES);
    for (size_t i = 0; i < query.len; i++) {
        if (i > 0)
            vg_buf_addc(&buf, '&');
        vg_buf_adds(&buf, vg_uri_encode(arena, query.items[i].name, false));
        vg_buf_addc(&buf, '=');
        vg_buf_adds(&buf, vg_uri_encode(arena, query.items[i].value, false));
    }
    call->query = vg_buf_str(&buf);
}

void
apigateway_map_request(struct vg_arena *arena, const struct apigateway_pairs *mappings,
                       struct apigateway_call *call)
{
    const struct apigateway_call before = *call;
    const struct subject s = { .arena = arena, .call = &before };
    struct apigateway_pairs headers = { 0 };
    for (size_t i = 0; i < call->headers.len; i++)
        apigateway_pairs_add(arena, &headers, call->headers.items[i].name,
                             call->headers.items[i].value);
    call->headers = headers;
    for (size_t i = 0; i < mappings->len; i++) {
        struct key key;
        struct vg_str value = expand(&s, mappings->items[i].value);
        if (!parse_key(mappings->items[i].name, &key))
            continue;
        if (key.place == PLACE_HEADER && is_header_safe(value)) {
            change_pairs(arena, &call->headers, &key, value, true);
        } else if (key.place == PLACE_QUERY) {
            change_query(arena, call, &key, value);
        } else if (key.place == PLACE_PATH && value.len > 0) {
            call->is_path_mapped = true;
            call->path =
                vg_str_starts(value, VG_STR("/")) ? value : vg_str_cat(arena, VG_STR("/"), value);
        }
    }
}

void
apigateway_map_answer(struct vg_arena *arena, const struct apigateway_pairs *mappings,
                      const struct apigateway_call *call, struct apigateway_reply *reply)
{
    const struct apigateway_reply before = *reply;
    const struct subject s = { .arena = arena, .call = call, .reply = &before };
    struct apigateway_pairs headers = { 0 };
    for (size_t i = 0; i < reply->headers.len; i++)
        apigateway_pairs_add(arena, &headers, reply->headers.items[i].name,
                             reply->headers.items[i].value);
    reply->headers = headers;
    for (size_t i = 0; i < mappings->len; i++) {
        struct key key;
        int64_t status;
        struct vg_str value = expand(&s, mappings->items[i].value);
        if (!parse_key(mappings->items[i].name, &key))
            continue;
        if (key.place == PLACE_HEADER && is_header_safe(value)) {
            key.name = vg_str_lower(arena, key.name);
            change_pairs(arena, &reply->headers, &key, value, true);
        } else if (key.place == PLACE_STATUS && vg_str_to_i64(value, &status) && status >= 200
                   && status <= 599) {
            reply->status = (int)status;
        }
    }
}

/* --- access logs --------------------------------------------------------------------------------
 */

static bool
is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.'
           || c == '_';
}

struct vg_str
apigateway_log_line(struct vg_arena *arena, struct vg_str format,
                    const struct apigateway_call *call, const struct apigateway_outcome *outcome)
{
    static const char marker[] = "$context.";
    const struct subject s = { .arena = arena, .call = call, .outcome = outcome };
    struct vg_buf buf;
    vg_buf_init(&buf, arena, TEXT_MAX_BYTES);
    while (format.len > 0) {
        size_t at = vg_str_find(format, vg_str_of(marker));
        vg_buf_adds(&buf, vg_str_slice(format, 0, at));
        if (at == VG_NPOS)
            break;
        format = vg_str_slice(format, at + sizeof(marker) - 1, format.len);
        size_t end = 0;
        while (end < format.len && is_name_char(format.ptr[end]))
            end++;
        while (end > 0 && format.ptr[end - 1] == '.')
            end--;
        struct vg_str value = context_value(&s, vg_str_slice(format, 0, end));
        vg_buf_adds(&buf, value.len > 0 ? value : VG_STR("-"));
        format = vg_str_slice(format, end, format.len);
    }
    return vg_buf_str(&buf);
}
