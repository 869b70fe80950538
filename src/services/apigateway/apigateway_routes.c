/* SPDX-License-Identifier: Apache-2.0 */

/* Routes of HTTP APIs. */

#include "services/apigateway/apigateway_int.h"

static bool
is_iam(struct vg_enum authorization)
{
    return authorization.v == APIGATEWAYV2_AUTHORIZATION_TYPE_AWS_IAM;
}

static struct apigatewayv2_route
shown(struct vg_req *rq, const struct apigateway_rec_route *rec)
{
    (void)rq;
    return (struct apigatewayv2_route) {
        .api_gateway_managed = { rec->is_managed, rec->is_managed },
        .api_key_required = { true, false },
        .authorization_type = rec->authorization.ptr
                                  ? VG_ENUM(APIGATEWAYV2_AUTHORIZATION_TYPE_AWS_IAM)
                                  : VG_ENUM(APIGATEWAYV2_AUTHORIZATION_TYPE_NONE),
        .operation_name = rec->operation_name,
        .route_id = rec->id,
        .route_key = rec->key,
        .target = rec->target,
    };
}

/* The members Create and Update share. */
struct settings {
    bool is_key_required, has_scopes, has_models, has_parameters;
    struct vg_enum authorization;
    struct vg_str authorizer_id, model_selection, answer_selection;
    struct vg_str key, target, operation_name;
};

#define SETTINGS_OF(in)                                                                            \
    {                                                                                              \
        .is_key_required = vg_opt_bool_or((in)->api_key_required, false),                          \
        .has_scopes = (in)->authorization_scopes.len > 0,                                          \
        .has_models = (in)->request_models.len > 0,                                                \
        .has_parameters = (in)->request_parameters.len > 0,                                        \
        .authorization = (in)->authorization_type, .authorizer_id = (in)->authorizer_id,           \
        .model_selection = (in)->model_selection_expression,                                       \
        .answer_selection = (in)->route_response_selection_expression, .key = (in)->route_key,     \
        .target = (in)->target, .operation_name = (in)->operation_name,                            \
    }

/* A route whose authorization we cannot carry out must not exist: it would be open. */
static vg_rc
refuse_unknown(struct vg_req *rq, const struct settings *s)
{
    const struct apigateway_refusal table[] = {
        { s->authorization.v != 0 && s->authorization.v != APIGATEWAYV2_AUTHORIZATION_TYPE_NONE
              && !is_iam(s->authorization),
          "authorizationType other than NONE and AWS_IAM",
          "JWT and Lambda authorizers are not built" },
        { s->authorizer_id.len > 0, "authorizerId", "JWT and Lambda authorizers are not built" },
        { s->has_scopes, "authorizationScopes", "JWT authorizers are not built" },
        { s->is_key_required, "apiKeyRequired", "only WebSocket APIs have it" },
        { s->has_models, "requestModels", "only WebSocket APIs have them" },
        { s->has_parameters, "requestParameters", "only WebSocket APIs have them" },
        { s->model_selection.ptr != NULL, "modelSelectionExpression",
          "only WebSocket APIs have it" },
        { s->answer_selection.ptr != NULL, "routeResponseSelectionExpression",
          "only WebSocket APIs have it" },
    };
    return apigateway_refuse_any(rq, table, VG_COUNT(table));
}

static vg_rc
check_key(const struct apigateway_at *at, const struct apigateway_rec_route *rec)
{
    struct apigateway_route_key parsed;
    struct apigateway_found all;
    if (!apigateway_route_key_parse(rec->key, &parsed))
        return apigatewayv2_fail_bad_request_exception(
            at->rq,
            "The provided route key is not formatted properly for HTTP protocol. Format should be "
            "\"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\"");
    vg_rc rc = apigateway_kv_list(at, APIGATEWAY_ROUTE, VG_STR_NONE, 0, &all);
    if (rc != VG_OK)
        return rc;
    size_t n = 0;
    for (size_t i = 0; i < all.len; i++) {
        const struct apigateway_rec_route *other = all.items[i];
        if (vg_str_eq(other->id, rec->id))
            continue;
        n++;
        if (vg_str_eq(other->key, rec->key))
            return apigatewayv2_fail_conflict_exception(
                at->rq, "Route with key %" VG_FMT " already exists for this API", VG_ARG(rec->key));
    }
    if (n >= APIGATEWAY_LIMIT_ROUTES)
        return apigatewayv2_fail_too_many_requests_exception(
            at->rq, "The number of routes in this API has reached its limit of %d",
            APIGATEWAY_LIMIT_ROUTES);
    return VG_OK;
}

static vg_rc
check_target(const struct apigateway_at *at, struct vg_str target)
{
    static const char prefix[] = "integrations/";
    void *found = NULL;
    if (target.ptr == NULL)
        return VG_OK;
    if (vg_str_starts(target, vg_str_of(prefix))) {
        struct vg_str id = vg_str_slice(target, sizeof(prefix) - 1, target.len);
        vg_rc rc = apigateway_kv_get(at, APIGATEWAY_INTEGRATION, id, &found);
        if (rc != VG_OK)
            return rc;
    }
    if (found == NULL)
        return apigatewayv2_fail_bad_request_exception(
            at->rq, "Invalid route target specified: '%" VG_FMT "'", VG_ARG(target));
    return VG_OK;
}

/* Lays what is given over the record. */
static vg_rc
lay(const struct apigateway_at *at, const struct settings *s, struct apigateway_rec_route *rec)
{
    vg_rc rc = refuse_unknown(at->rq, s);
    if (rc != VG_OK)
        return rc;
    if (s->key.ptr != NULL)
        rec->key = s->key;
    if (s->target.ptr != NULL)
        rec->target = s->target;
    if (s->operation_name.ptr != NULL)
        rec->operation_name = s->operation_name;
    if (s->authorization.v != 0)
        rec->authorization = is_iam(s->authorization) ? APIGATEWAY_IAM : VG_STR_NONE;
    rc = check_key(at, rec);
    return rc == VG_OK ? check_target(at, rec->target) : rc;
}

vg_rc
apigatewayv2_create_route(struct vg_req *rq, const struct apigatewayv2_create_route_request *in,
                          struct apigatewayv2_create_route_result *out)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    const struct settings given = SETTINGS_OF(in);
    struct apigateway_rec_route rec = { .id = apigateway_new_id(rq, 7) };
    struct apigateway_rec_api *api;
    vg_rc rc = apigateway_edit(rq, in->api_id, &at, &api);
    if (rc == VG_OK)
        rc = lay(&at, &given, &rec);
    if (rc != VG_OK)
        return rc;
    rc = apigateway_finish(&at, api, APIGATEWAY_ROUTE, rec.id, &rec);
    if (rc != VG_OK)
        return rc;
    struct apigatewayv2_route route = shown(rq, &rec);
    APIGATEWAY_ANSWER(out, &route);
    return VG_OK;
}

vg_rc
apigatewayv2_get_route(struct vg_req *rq, const struct apigatewayv2_get_route_request *in,
                       struct apigatewayv2_get_route_result *out)
{
    void *found;
    vg_rc rc = apigateway_read(rq, in->api_id, APIGATEWAY_ROUTE, in->route_id, &found);
    if (rc != VG_OK)
        return rc;
    struct apigatewayv2_route answer = shown(rq, found);
    APIGATEWAY_ANSWER(out, &answer);
    return VG_OK;
}

vg_rc
apigatewayv2_get_routes(struct vg_req *rq, const struct apigatewayv2_get_routes_request *in,
                        struct apigatewayv2_get_routes_response *out)
{
    struct apigateway_found all;
    vg_rc rc = apigateway_read_page(rq, in->api_id, APIGATEWAY_ROUTE, in->max_results,
                                    in->next_token, &all, &out->next_token);
    if (rc == VG_OK)
        APIGATEWAY_ANSWER_PAGE(rq, out, &all, shown);
    return rc;
}

vg_rc
apigatewayv2_update_route(struct vg_req *rq, const struct apigatewayv2_update_route_request *in,
                          struct apigatewayv2_update_route_result *out)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    const struct settings given = SETTINGS_OF(in);
    struct apigateway_rec_api *api;
    void *found;
    vg_rc rc =
        apigateway_edit_one(rq, in->api_id, APIGATEWAY_ROUTE, in->route_id, &at, &api, &found);
    if (rc == VG_OK)
        rc = lay(&at, &given, found);
    if (rc != VG_OK)
        return rc;
    rc = apigateway_finish(&at, api, APIGATEWAY_ROUTE, in->route_id, found);
    if (rc != VG_OK)
        return rc;
    struct apigatewayv2_route route = shown(rq, found);
    APIGATEWAY_ANSWER(out, &route);
    return VG_OK;
}

vg_rc
apigatewayv2_delete_route(struct vg_req *rq, const struct apigatewayv2_delete_route_request *in)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    struct apigateway_rec_api *api;
    void *found;
    vg_rc rc =
        apigateway_edit_one(rq, in->api_id, APIGATEWAY_ROUTE, in->route_id, &at, &api, &found);
    if (rc != VG_OK)
        return rc;
    return apigateway_finish(&at, api, APIGATEWAY_ROUTE, in->route_id, NULL);
}
