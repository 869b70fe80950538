/* SPDX-License-Identifier: Apache-2.0 */

/* What a function's result means to the client; see apigateway_event.h. */

#include "base/buf.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "services/apigateway/apigateway_event.h"

struct parsed {
    bool has_status, is_base64;
    int64_t status;
    struct vg_str body;
    struct apigateway_pairs headers, multi, cookies;
};

bool
apigateway_is_hop_header(struct vg_str name)
{
    static const struct vg_str hops[] = {
        VG_STR_INIT("connection"),
        VG_STR_INIT("content-length"),
        VG_STR_INIT("keep-alive"),
        VG_STR_INIT("te"),
        VG_STR_INIT("proxy-authorization"),
        VG_STR_INIT("trailer"),
        VG_STR_INIT("upgrade"),
        VG_STR_INIT("transfer-encoding"),
        VG_STR_INIT("expect"),
        VG_STR_INIT("proxy-authenticate"),
    };
    for (size_t i = 0; i < VG_COUNT(hops); i++)
        if (vg_str_eq_nocase(name, hops[i]))
            return true;
    return false;
}

/* RFC 9110, 5.1 and 5.5: nothing that could begin another header. */
static bool
is_field_valid(struct vg_str name, struct vg_str value)
{
    static const char extra[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && (c == '\0' || strchr(extra, c) == NULL))
            return false;
    }
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] == '\r' || value.ptr[i] == '\n' || value.ptr[i] == '\0')
            return false;
    return name.len > 0;
}

/* The text of a scalar; false for objects, arrays and null. */
static bool
scalar(const struct vg_json *js, enum vg_json_tok tok, struct vg_str *ret)
{
    switch (tok) {
    case VG_JSON_STRING:
    case VG_JSON_NUMBER:
        *ret = js->text;
        return true;
    case VG_JSON_TRUE:
        *ret = VG_STR("true");
        return true;
    case VG_JSON_FALSE:
        *ret = VG_STR("false");
        return true;
    default:
        return false;
    }
}

static bool
add_field(struct vg_arena *arena, struct apigateway_pairs *to, struct vg_str name,
          const struct vg_json *js, enum vg_json_tok tok)
{
    struct vg_str value;
    if (!scalar(js, tok, &value) || !is_field_valid(name, value))
        return false;
    apigateway_pairs_add(arena, to, vg_str_lower(arena, name), value);
    return true;
}

/* {"name": scalar} or, `is_multi`, {"name": [scalar, …]}. */
static bool
read_headers(struct vg_arena *arena, struct vg_json *js, bool is_multi, struct apigateway_pairs *to)
{
    enum vg_json_tok tok = vg_json_next(js);
    if (tok == VG_JSON_NULL)
        return true;
    if (tok != VG_JSON_OBJECT)
        return false;
    while ((tok = vg_json_next(js)) == VG_JSON_KEY) {
        struct vg_str name = js->text;
        tok = vg_json_next(js);
        if (tok == VG_JSON_NULL)
            continue;
        if (!is_multi) {
            if (!add_field(arena, to, name, js, tok))
                return false;
            continue;
        }
        if (tok != VG_JSON_ARRAY)
            return false;
        while ((tok = vg_json_next(js)) != VG_JSON_ARRAY_END)
            if (!add_field(arena, to, name, js, tok))
                return false;
    }
    return tok == VG_JSON_OBJECT_END;
}

static bool
read_cookies(struct vg_arena *arena, struct vg_json *js, struct apigateway_pairs *to)
{
    enum vg_json_tok tok = vg_json_next(js);
    if (tok == VG_JSON_NULL)
        return true;
    if (tok != VG_JSON_ARRAY)
        return false;
    while ((tok = vg_json_next(js)) != VG_JSON_ARRAY_END)
        if (tok != VG_JSON_STRING || !add_field(arena, to, VG_STR("set-cookie"), js, tok))
            return false;
    return true;
}

/* AWS takes "200" for 200. */
static bool
read_status(struct vg_json *js, struct parsed *p)
{
    enum vg_json_tok tok = vg_json_next(js);
    p->has_status = true;
    return (tok == VG_JSON_NUMBER || tok == VG_JSON_STRING) && vg_str_to_i64(js->text, &p->status)
           && p->status >= 200 && p->status <= 599;
}

static bool
read_member(struct vg_arena *arena, struct vg_json *js, bool is_v2, struct parsed *p)
{
    struct vg_str name = js->text;
    if (vg_str_eq(name, VG_STR("statusCode")))
        return read_status(js, p);
    if (vg_str_eq(name, VG_STR("headers")))
        return read_headers(arena, js, false, &p->headers);
    if (!is_v2 && vg_str_eq(name, VG_STR("multiValueHeaders")))
        return read_headers(arena, js, true, &p->multi);
    if (is_v2 && vg_str_eq(name, VG_STR("cookies")))
        return read_cookies(arena, js, &p->cookies);
    enum vg_json_tok tok = vg_json_next(js);
    if (vg_str_eq(name, VG_STR("body")))
        return tok == VG_JSON_NULL || scalar(js, tok, &p->body);
    if (vg_str_eq(name, VG_STR("isBase64Encoded"))) {
        p->is_base64 = tok == VG_JSON_TRUE;
        return tok == VG_JSON_TRUE || tok == VG_JSON_FALSE || tok == VG_JSON_NULL;
    }
    return vg_json_skip(js, tok);
}

static bool
has_status(struct vg_arena *arena, struct vg_str payload)
{
    struct vg_json js;
    vg_json_init(&js, payload, arena);
    if (vg_json_next(&js) != VG_JSON_OBJECT)
        return false;
    while (vg_json_next(&js) == VG_JSON_KEY) {
        if (vg_str_eq(js.text, VG_STR("statusCode")))
            return true;
        if (!vg_json_skip(&js, vg_json_next(&js)))
            return false;
    }
    return false;
}

static bool
parse(struct vg_arena *arena, struct vg_str payload, bool is_v2, struct parsed *p)
{
    struct vg_json js;
    enum vg_json_tok tok;
    vg_json_init(&js, payload, arena);
    if (vg_json_next(&js) != VG_JSON_OBJECT)
        return false;
    while ((tok = vg_json_next(&js)) == VG_JSON_KEY)
        if (!read_member(arena, &js, is_v2, p))
            return false;
    return tok == VG_JSON_OBJECT_END && vg_json_next(&js) == VG_JSON_END && p->has_status;
}

static void
add_all(struct vg_arena *arena, struct apigateway_pairs *to, const struct apigateway_pairs *from,
        const struct apigateway_pairs *unless_in)
{
    for (size_t i = 0; i < from->len; i++) {
        const struct apigateway_pair *f = &from->items[i];
        bool is_there = false;
        for (size_t k = 0; unless_in != NULL && k < unless_in->len; k++)
            is_there = is_there
                       || (vg_str_eq(unless_in->items[k].name, f->name)
                           && vg_str_eq(unless_in->items[k].value, f->value));
        if (!is_there && !apigateway_is_hop_header(f->name))
            apigateway_pairs_add(arena, to, f->name, f->value);
    }
}

bool
apigateway_reply_from_lambda(struct vg_arena *arena, struct vg_str payload, bool is_v2,
                             struct apigateway_reply *ret)
{
    struct apigateway_reply reply = { .status = 200, .body = payload };
    /* "API Gateway makes the following assumptions if your function returns valid JSON and doesn't
     * return a statusCode": 200, application/json, the body is the result. */
    if (is_v2 && !has_status(arena, payload)) {
        apigateway_pairs_add(arena, &reply.headers, VG_STR("content-type"),
                             VG_STR("application/json"));
        *ret = reply;
        return true;
    }
    struct parsed p = { .body = VG_STR("") };
    if (!parse(arena, payload, is_v2, &p))
        return false;
    reply.status = (int)p.status;
    reply.body = p.body;
    if (p.is_base64 && !vg_base64_decode(arena, p.body, &reply.body))
        return false;
    /* "If the same key-value pair is specified in both, only the values from multiValueHeaders
     * appear." */
    add_all(arena, &reply.headers, &p.headers, &p.multi);
    add_all(arena, &reply.headers, &p.multi, NULL);
    add_all(arena, &reply.headers, &p.cookies, NULL);
    if (apigateway_pairs_get(&reply.headers, VG_STR("content-type")).ptr == NULL)
        apigateway_pairs_add(arena, &reply.headers, VG_STR("content-type"),
                             VG_STR("text/plain;charset=UTF-8"));
    *ret = reply;
    return true;
}

struct apigateway_reply
apigateway_reply_message(struct vg_arena *arena, int status, struct vg_str message)
{
    struct apigateway_reply reply = { .status = status };
    struct vg_buf buf;
    struct vg_json_out w;
    vg_buf_init(&buf, arena, 1024 + 6 * message.len);
    vg_jsonw_init(&w, &buf);
    vg_jsonw_object(&w);
    vg_jsonw_kv(&w, VG_STR("message"), message);
    vg_jsonw_object_end(&w);
    reply.body = vg_buf_str(&buf);
    apigateway_pairs_add(arena, &reply.headers, VG_STR("content-type"), VG_STR("application/json"));
    return reply;
}
