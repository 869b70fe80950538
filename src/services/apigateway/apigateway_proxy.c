/* SPDX-License-Identifier: Apache-2.0 */

/* HTTP_PROXY: hands the request to a URL and its answer back. */

#include "services/apigateway/apigateway_int.h"

#include "base/log.h"
#include "core/env.h"
#include "http/client.h"
#include "os/clock.h"

#include <errno.h>

#define TARGET_MAX_BYTES (64u << 10)

struct url {
    bool is_tls;
    struct vg_str host, authority;
    uint16_t port;
    struct vg_str path, query; /* path begins with '/' or is empty; query may be absent */
};

static bool
parse_url(struct vg_str text, struct url *ret)
{
    struct url u = { .is_tls = vg_str_starts(text, VG_STR("https://")) };
    uint64_t port = u.is_tls ? 443 : 80;
    if (!u.is_tls && !vg_str_starts(text, VG_STR("http://")))
        return false;
    struct vg_str rest = vg_str_slice(text, u.is_tls ? 8 : 7, text.len);
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    u.authority = vg_str_slice(rest, 0, end);
    u.path = vg_str_slice(rest, end, rest.len);
    size_t mark = vg_str_find_char(u.path, '?');
    if (mark != VG_NPOS) {
        u.query = vg_str_slice(u.path, mark + 1, u.path.len);
        u.path.len = mark;
    }
    size_t close = vg_str_find_char(u.authority, ']');
    size_t colon = vg_str_rfind_char(u.authority, ':');
    bool has_port = colon != VG_NPOS && (close == VG_NPOS || colon > close);
    u.host = has_port ? vg_str_slice(u.authority, 0, colon) : u.authority;
    if (has_port && !vg_str_to_u64(vg_str_slice(u.authority, colon + 1, u.authority.len), &port))
        return false;
    if (close != VG_NPOS)
        u.host = vg_str_slice(u.host, 1, close);
    if (u.host.len == 0 || port == 0 || port > 65535)
        return false;
    u.port = (uint16_t)port;
    *ret = u;
    return true;
}

/* {name} and {name+} of the route's variables, as they came: decoded, %3F would begin a query. */
static struct vg_str
fill_variables(struct vg_arena *arena, struct vg_str uri, const struct apigateway_call *call)
{
    struct vg_buf buf;
    vg_buf_init(&buf, arena, TARGET_MAX_BYTES);
    for (;;) {
        size_t at = vg_str_find_char(uri, '{');
        size_t end = at == VG_NPOS ? VG_NPOS : vg_str_find_char(uri, '}');
        if (end == VG_NPOS || end < at)
            break;
        struct vg_str name = vg_str_slice(uri, at + 1, end);
        if (vg_str_ends(name, VG_STR("+")))
            name.len--;
        vg_buf_adds(&buf, vg_str_slice(uri, 0, at));
        vg_buf_adds(&buf, apigateway_pairs_get(&call->sent_vars, name));
        uri = vg_str_slice(uri, end + 1, uri.len);
    }
    vg_buf_adds(&buf, uri);
    return vg_buf_str(&buf);
}

/* What may not stand in a request line goes percent-encoded; what is encoded stays. */
static void
add_target(struct vg_buf *buf, struct vg_str text, const char *also)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= ' ' || c >= 0x7f || strchr(also, c) != NULL)
            vg_buf_addf(buf, "%%%02X", c);
        else
            vg_buf_addc(buf, (char)c);
    }
}

static struct vg_str
target_of(struct vg_arena *arena, const struct url *url, const struct apigateway_call *call)
{
    struct vg_buf buf;
    struct vg_str path = call->is_path_mapped ? call->path : url->path;
    vg_buf_init(&buf, arena, TARGET_MAX_BYTES);
    if (path.len == 0)
        vg_buf_addc(&buf, '/');
    add_target(&buf, path, "?#");
    if (url->query.len > 0) {
        vg_buf_addc(&buf, '?');
        add_target(&buf, url->query, "#");
    }
    if (call->query.len > 0) {
        vg_buf_addc(&buf, url->query.len > 0 ? '&' : '?');
        add_target(&buf, call->query, "#");
    }
    return vg_buf_str(&buf);
}

/* The client's headers, with Forwarded and Via instead of X-Forwarded-…; Host is the target's. */
static void
put_headers(struct vg_arena *arena, const struct url *url, const struct apigateway_call *from,
            struct vg_http_call *to)
{
    struct vg_http_header *h = VG_NEW_ARRAY(arena, struct vg_http_header, from->headers.len + 3);
    size_t n = 0;
    for (size_t i = 0; i < from->headers.len; i++) {
        struct vg_str name = from->headers.items[i].name;
        if (!apigateway_is_hop_header(name) && !vg_str_eq_nocase(name, VG_STR("host"))
            && !vg_str_starts_nocase(name, VG_STR("x-forwarded-")))
            h[n++] = (struct vg_http_header) { name, from->headers.items[i].value };
    }
    h[n++] = (struct vg_http_header) { VG_STR("host"), url->authority };
    h[n++] = (struct vg_http_header) {
        VG_STR("forwarded"),
        vg_str_fmt(
            arena, "for=%" VG_FMT ";host=%" VG_FMT ";proto=%" VG_FMT, VG_ARG(from->source_ip),
            VG_ARG(apigateway_pairs_get_nocase(&from->headers, VG_STR("host"))),
            VG_ARG(apigateway_pairs_get_nocase(&from->headers, VG_STR("x-forwarded-proto")))),
    };
    h[n++] = (struct vg_http_header) { VG_STR("via"), VG_STR("HTTP/1.1 AmazonAPIGateway") };
    to->headers = h;
    to->n_headers = n;
}

vg_rc
apigateway_invoke_url(struct vg_req *rq, const struct apigateway_at *at,
                      const struct apigateway_rec_integration *integration,
                      const struct apigateway_call *call, struct apigateway_reply *ret)
{
    struct url url;
    struct vg_http_reply_head head;
    struct vg_str body;
    struct vg_err err = { 0 };
    struct vg_str uri = apigateway_expand_uri(rq->arena, integration->uri, &call->stage_vars);
    bool is_any = vg_str_eq(integration->method, VG_STR("ANY"));
    *ret = apigateway_reply_message(rq->arena, 500, VG_STR("Internal Server Error"));
    if (rq->env->http_client == NULL || !parse_url(fill_variables(rq->arena, uri, call), &url))
        return VG_OK;
    struct vg_http_call out = {
        .method = is_any ? call->method : integration->method,
        .is_tls = url.is_tls,
        .host = url.host,
        .port = url.port,
        .target = target_of(rq->arena, &url, call),
        .body = call->body,
        .deadline_ms = vg_mono_ms() + integration->timeout_ms,
    };
    put_headers(rq->arena, &url, call, &out);
    vg_rc rc = vg_gate(rq); /* nothing leaves before it is durable */
    if (rc == VG_OK)
        rc = vg_http_fetch(rq->env->http_client, rq->arena, &out, APIGATEWAY_LIMIT_PAYLOAD_BYTES,
                           &head, &body, &err);
    if (rc == VG_GONE)
        return rc;
    if (rc != VG_OK) {
        vg_log(VG_LOG_DEBUG, "execute-api: integration failed", { "api", at->api_id },
               { "cause", vg_err_text(&err) });
        *ret = apigateway_reply_message(rq->arena, 503, VG_STR("Service Unavailable"));
        return VG_OK;
    }
    *ret = (struct apigateway_reply) { .status = head.status, .body = body };
    if (vg_str_eq(out.method, VG_STR("HEAD")))
        ret->length = (struct vg_opt_i64) { true, head.content_length };
    for (size_t i = 0; i < head.n_headers; i++)
        if (!apigateway_is_hop_header(head.headers[i].name)
            && !vg_str_eq_nocase(head.headers[i].name, VG_STR("date")))
            apigateway_pairs_add(rq->arena, &ret->headers,
                                 vg_str_lower(rq->arena, head.headers[i].name),
                                 head.headers[i].value);
    return VG_OK;
}
