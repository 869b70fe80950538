/* SPDX-License-Identifier: Apache-2.0 */

/* CORS of HTTP APIs; see apigateway_cors.h. */

#include "services/apigateway/apigateway_cors.h"

#include "base/buf.h"

static bool
has(const struct apigateway_strs *list, struct vg_str what)
{
    for (size_t i = 0; i < list->len; i++)
        if (vg_str_eq(list->items[i], what))
            return true;
    return false;
}

/* A star, a scheme with a star for its host, or one origin. */
static bool
is_origin_form(struct vg_str origin)
{
    if (vg_str_eq(origin, VG_STR("*")) || vg_str_eq(origin, VG_STR("null")))
        return true;
    size_t at = vg_str_find(origin, VG_STR("://"));
    if (at == VG_NPOS || at == 0 || at + 3 == origin.len)
        return false;
    struct vg_str host = vg_str_slice(origin, at + 3, origin.len);
    return vg_str_find_char(host, '/') == VG_NPOS
           && (vg_str_find_char(host, '*') == VG_NPOS || vg_str_eq(host, VG_STR("*")));
}

const char *
apigateway_cors_check(const struct apigateway_cors *cors)
{
    if (cors->allows_credentials && has(&cors->origins, VG_STR("*")))
        return "Invalid CORS configuration: allowCredentials cannot be true when allowOrigins "
               "contains *";
    for (size_t i = 0; i < cors->origins.len; i++)
        if (!is_origin_form(cors->origins.items[i]))
            return "Invalid format for origin in allowOrigins: the scheme must be given, as in "
                   "https://www.example.com";
    for (size_t i = 0; i < cors->methods.len; i++)
        if (!vg_str_eq(cors->methods.items[i], VG_STR("*"))
            && !apigateway_method_is_valid(cors->methods.items[i]))
            return "Invalid method in allowMethods";
    if (cors->max_age_s.set && (cors->max_age_s.v < -1 || cors->max_age_s.v > 86400))
        return "Invalid maxAge: must be from -1 to 86400 seconds";
    return NULL;
}

bool
apigateway_cors_is_preflight(const struct apigateway_call *call)
{
    return vg_str_eq(call->method, VG_STR("OPTIONS"))
           && apigateway_pairs_get_nocase(&call->headers, VG_STR("origin")).ptr != NULL
           && apigateway_pairs_get_nocase(&call->headers, VG_STR("access-control-request-method"))
                      .ptr
                  != NULL;
}

/* What Access-Control-Allow-Origin says to this caller; absent: not allowed. */
static struct vg_str
allowed_origin(const struct apigateway_cors *cors, const struct apigateway_call *call)
{
    struct vg_str origin = apigateway_pairs_get_nocase(&call->headers, VG_STR("origin"));
    if (origin.ptr == NULL)
        return VG_STR_NONE;
    if (has(&cors->origins, VG_STR("*")))
        return VG_STR("*");
    for (size_t i = 0; i < cors->origins.len; i++) {
        struct vg_str allowed = cors->origins.items[i];
        if (vg_str_eq_nocase(allowed, origin))
            return origin;
        if (vg_str_ends(allowed, VG_STR("://*"))
            && vg_str_starts_nocase(origin, vg_str_slice(allowed, 0, allowed.len - 1)))
            return origin;
    }
    return VG_STR_NONE;
}

static void
put_list(struct vg_arena *arena, struct apigateway_reply *reply, struct vg_str name,
         const struct apigateway_strs *list)
{
    struct vg_buf buf;
    if (list->len == 0)
        return;
    vg_buf_init(&buf, arena, 64u << 10);
    for (size_t i = 0; i < list->len; i++) {
        if (i > 0)
            vg_buf_addc(&buf, ',');
        vg_buf_adds(&buf, list->items[i]);
    }
    apigateway_pairs_add(arena, &reply->headers, name, vg_buf_str(&buf));
}

static void
put_common(struct vg_arena *arena, const struct apigateway_cors *cors, struct vg_str origin,
           struct apigateway_reply *reply)
{
    apigateway_pairs_add(arena, &reply->headers, VG_STR("access-control-allow-origin"), origin);
    if (!vg_str_eq(origin, VG_STR("*")))
        apigateway_pairs_add(arena, &reply->headers, VG_STR("vary"), VG_STR("Origin"));
    if (cors->allows_credentials)
        apigateway_pairs_add(arena, &reply->headers, VG_STR("access-control-allow-credentials"),
                             VG_STR("true"));
    put_list(arena, reply, VG_STR("access-control-expose-headers"), &cors->expose);
}

struct apigateway_reply
apigateway_cors_preflight(struct vg_arena *arena, const struct apigateway_cors *cors,
                          const struct apigateway_call *call)
{
    struct apigateway_reply reply = { .status = 204, .body = VG_STR("") };
    struct vg_str origin = allowed_origin(cors, call);
    if (origin.ptr == NULL)
        return reply;
    put_common(arena, cors, origin, &reply);
    put_list(arena, &reply, VG_STR("access-control-allow-methods"), &cors->methods);
    put_list(arena, &reply, VG_STR("access-control-allow-headers"), &cors->headers);
    if (cors->max_age_s.set)
        apigateway_pairs_add(arena, &reply.headers, VG_STR("access-control-max-age"),
                             vg_str_fmt(arena, "%lld", (long long)cors->max_age_s.v));
    return reply;
}

void
apigateway_cors_decorate(struct vg_arena *arena, const struct apigateway_cors *cors,
                         const struct apigateway_call *call, struct apigateway_reply *reply)
{
    size_t kept = 0;
    for (size_t i = 0; i < reply->headers.len; i++)
        if (!vg_str_starts_nocase(reply->headers.items[i].name, VG_STR("access-control-")))
            reply->headers.items[kept++] = reply->headers.items[i];
    reply->headers.len = kept;
    struct vg_str origin = allowed_origin(cors, call);
    if (origin.ptr != NULL)
        put_common(arena, cors, origin, reply);
}
