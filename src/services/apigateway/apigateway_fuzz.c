/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fuzzes what clients and functions write: the first line is a path with its query, the second a
 * mapping's value, the rest a function's answer and a body.
 */

#include "services/apigateway/apigateway_event.h"
#include "services/apigateway/apigateway_mapping.h"

#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must_be_json(struct vg_arena *arena, struct vg_str text)
{
    struct vg_json js;
    vg_json_init(&js, text, arena);
    VG_ASSERT(vg_json_next(&js) == VG_JSON_OBJECT && vg_json_skip(&js, VG_JSON_OBJECT));
    VG_ASSERT(vg_json_next(&js) == VG_JSON_END);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct vg_str keys[] = {
        VG_STR_INIT("$default"),
        VG_STR_INIT("GET /a/{b}"),
        VG_STR_INIT("ANY /a/{b}/{c+}"),
    };
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_str rest = vg_str_n(data, size);
    struct vg_str query = vg_str_cut(&rest, '\n');
    struct vg_str value = vg_str_cut(&rest, '\n');
    struct apigateway_call call = { .method = VG_STR("GET"),
                                    .protocol = VG_STR("HTTP/1.1"),
                                    .path = vg_str_cut(&query, '?'),
                                    .query = query,
                                    .body = rest,
                                    .stage = VG_STR("dev"),
                                    .domain_name = VG_STR("a.b") };
    struct apigateway_route_key routes[VG_COUNT(keys)], own;
    for (size_t i = 0; i < VG_COUNT(keys); i++)
        VG_ASSERT(apigateway_route_key_parse(keys[i], &routes[i]));
    (void)apigateway_route_key_parse(call.path, &own);
    size_t at = apigateway_route_find(a, apigateway_routes_compile(a, routes, VG_COUNT(routes)),
                                      call.method, call.path, &call.sent_vars);
    call.path_vars = apigateway_pairs_decode(a, &call.sent_vars);
    call.route_key = keys[at == VG_NPOS ? 0 : at];
    apigateway_pairs_add(a, &call.headers, VG_STR("cookie"), query);
    apigateway_pairs_add(a, &call.headers, VG_STR("content-type"), value);
    struct apigateway_pairs maps = { 0 };
    apigateway_pairs_add(a, &maps, VG_STR("append:header.x"), value);
    apigateway_pairs_add(a, &maps, VG_STR("overwrite:querystring.q"), value);
    apigateway_map_request(a, &maps, &call);
    must_be_json(a, apigateway_event_v2(a, &call));
    must_be_json(a, apigateway_event_v1(a, &call));
    struct apigateway_reply reply = { 0 };
    for (int is_v2 = 0; is_v2 < 2; is_v2++) {
        if (apigateway_reply_from_lambda(a, rest, is_v2, &reply))
            VG_ASSERT(reply.status >= 200 && reply.status <= 599);
    }
    return 0;
}
