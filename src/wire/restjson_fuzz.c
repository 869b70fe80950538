/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzzes rest-json over a few real operations; see wire_fuzz.h for the input's form. */

#include "services/apigateway/model.h"
#include "services/lambda/model.h"
#include "wire/wire_fuzz.h"

#define HTTP(name, verb, path)                                                                     \
    static const struct vg_http_binding name = { .method = VG_STR_INIT(verb),                      \
                                                 .uri = VG_STR_INIT(path),                         \
                                                 .status = 200 }
HTTP(create_http, "POST", "/2015-03-31/functions");
HTTP(invoke_http, "POST", "/2015-03-31/functions/{FunctionName}/invocations");
HTTP(list_http, "GET", "/2015-03-31/functions/");
HTTP(untag_http, "DELETE", "/2017-03-31/tags/{Resource}");
HTTP(api_http, "POST", "/v2/apis");
HTTP(route_http, "PATCH", "/v2/apis/{apiId}/routes/{routeId}");

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct vg_wire_op ops[] = {
        { .name = VG_STR("CreateFunction"),
          .model = &lambda_model,
          .http = &create_http,
          .in = &lambda_shape_create_function_request },
        { .name = VG_STR("Invoke"),
          .model = &lambda_model,
          .http = &invoke_http,
          .in = &lambda_shape_invocation_request },
        { .name = VG_STR("ListFunctions"),
          .model = &lambda_model,
          .http = &list_http,
          .in = &lambda_shape_list_functions_request },
        { .name = VG_STR("UntagResource"),
          .model = &lambda_model,
          .http = &untag_http,
          .in = &lambda_shape_untag_resource_request },
        { .name = VG_STR("CreateApi"),
          .model = &apigatewayv2_model,
          .http = &api_http,
          .in = &apigatewayv2_shape_create_api_request },
        { .name = VG_STR("UpdateRoute"),
          .model = &apigatewayv2_model,
          .http = &route_http,
          .in = &apigatewayv2_shape_update_route_request },
    };
    struct vg_routes *routes = vg_routes_new(ops, VG_COUNT(ops));
    fuzz_check_rest(routes, vg_str_n(data, size));
    vg_routes_free(routes);
    return 0;
}
