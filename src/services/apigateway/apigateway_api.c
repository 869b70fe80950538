/* SPDX-License-Identifier: Apache-2.0 */

/* HTTP APIs: CreateApi (with quick create), Get, Update, Delete, their CORS and tags. */

#include "services/apigateway/apigateway_int.h"

#include "core/env.h"

#define SELECTION     "${request.method} ${request.path}"
#define KEY_SELECTION "$request.header.x-api-key"

/* --- CORS ---------------------------------------------------------------------------------------
 */

/* The generated lists and the stored ones have other types but the same elements. */
#define COPY_STRS(arena, to, from)                                                                 \
    for (size_t i_ = 0; i_ < (from)->len; i_++)                                                    \
        *VG_VEC_ADD((arena), (to)) = (from)->items[i_];

static vg_rc
read_cors(struct vg_req *rq, const struct apigatewayv2_cors *in, struct apigateway_rec_cors **ret)
{
    struct apigateway_rec_cors *rec = VG_NEW(rq->arena, struct apigateway_rec_cors);
    rec->credentials = in->allow_credentials;
    rec->max_age_s = in->max_age;
    COPY_STRS(rq->arena, &rec->headers, &in->allow_headers);
    COPY_STRS(rq->arena, &rec->methods, &in->allow_methods);
    COPY_STRS(rq->arena, &rec->origins, &in->allow_origins);
    COPY_STRS(rq->arena, &rec->expose, &in->expose_headers);
    const struct apigateway_cors cors = {
        .origins = { rec->origins.items, rec->origins.len },
        .methods = { rec->methods.items, rec->methods.len },
        .max_age_s = rec->max_age_s,
        .allows_credentials = vg_opt_bool_or(rec->credentials, false),
    };
    const char *wrong = apigateway_cors_check(&cors);
    if (wrong != NULL)
        return apigatewayv2_fail_bad_request_exception(rq, "%s", wrong);
    *ret = rec;
    return VG_OK;
}

static struct apigatewayv2_cors *
shown_cors(struct vg_arena *arena, const struct apigateway_rec_cors *rec)
{
    if (rec == NULL)
        return NULL;
    struct apigatewayv2_cors *cors = VG_NEW(arena, struct apigatewayv2_cors);
    cors->allow_credentials = rec->credentials;
    cors->max_age = rec->max_age_s;
    cors->allow_headers.items = rec->headers.items;
    cors->allow_headers.len = rec->headers.len;
    cors->allow_methods.items = rec->methods.items;
    cors->allow_methods.len = rec->methods.len;
    cors->allow_origins.items = rec->origins.items;
    cors->allow_origins.len = rec->origins.len;
    cors->expose_headers.items = rec->expose.items;
    cors->expose_headers.len = rec->expose.len;
    return cors;
}

/* --- what callers see ---------------------------------------------------------------------------
 */

static struct apigatewayv2_tags
shown_tags(struct vg_arena *arena, const struct apigateway_pair_vec *tags)
{
    struct apigatewayv2_tags out = { .len = tags->len, .set = true };
    out.items = VG_NEW_ARRAY(arena, struct apigatewayv2_tags__entry, tags->len + 1);
    for (size_t i = 0; i < tags->len; i++) {
        out.items[i].key = tags->items[i].name;
        out.items[i].value = tags->items[i].value;
    }
    return out;
}

/* On AWS https://{api}.execute-api.{region}.amazonaws.com; here the host form of our listener. */
static struct vg_str
endpoint_of(const struct vg_req *rq, struct vg_str api_id)
{
    return vg_str_fmt(rq->arena, "http://%" VG_FMT ".execute-api.%" VG_FMT ".localhost:%u",
                      VG_ARG(api_id), VG_ARG(rq->scope->region), rq->env->config->port);
}

static struct apigatewayv2_api
shown(const struct vg_req *rq, struct apigateway_rec_api *rec)
{
    return (struct apigatewayv2_api) {
        .api_endpoint = endpoint_of(rq, rec->id),
        .api_id = rec->id,
        .api_key_selection_expression = VG_STR(KEY_SELECTION),
        .cors_configuration = shown_cors(rq->arena, rec->cors),
        .created_date_ms = { true, rec->created_ms },
        .description = rec->description,
        .disable_execute_api_endpoint = { true, rec->is_endpoint_disabled },
        .ip_address_type = VG_ENUM(APIGATEWAYV2_IP_ADDRESS_TYPE_IPV4),
        .name = rec->name,
        .protocol_type = VG_ENUM(APIGATEWAYV2_PROTOCOL_TYPE_HTTP),
        .route_selection_expression = VG_STR(SELECTION),
        .tags = shown_tags(rq->arena, APIGATEWAY_PAIRS(&rec->tags)),
        .version = rec->version,
    };
}

/* --- create -------------------------------------------------------------------------------------
 */

static vg_rc
check_expressions(struct vg_req *rq, struct vg_str route, struct vg_str key,
                  struct vg_opt_bool disable_validation, struct vg_enum ip)
{
    if (route.ptr != NULL && !vg_str_eq(route, VG_STR(SELECTION)))
        return apigatewayv2_fail_bad_request_exception(
            rq, "Route selection expression must be '" SELECTION "' for HTTP APIs");
    vg_rc rc = apigateway_refuse(rq, key.ptr != NULL && !vg_str_eq(key, VG_STR(KEY_SELECTION)),
                                 "apiKeySelectionExpression", "only WebSocket APIs have it");
    if (rc == VG_OK)
        rc = apigateway_refuse(rq, vg_opt_bool_or(disable_validation, false),
                               "disableSchemaValidation", "only WebSocket APIs have it");
    if (rc == VG_OK)
        rc = apigateway_refuse(rq, ip.v == APIGATEWAYV2_IP_ADDRESS_TYPE_DUALSTACK,
                               "ipAddressType dualstack", "the endpoint listens on IPv4");
    return rc;
}

/* "Quick create produces an API with an integration, a default catch-all route, and a default stage
 * which is configured to automatically deploy changes." */
static vg_rc
quick_create(const struct apigateway_at *at, const struct apigatewayv2_create_api_request *in,
             struct apigateway_rec_api *api)
{
    struct vg_req *rq = at->rq;
    struct apigateway_route_key parsed;
    struct vg_str key = in->route_key.ptr ? in->route_key : VG_STR("$default");
    if (!apigateway_route_key_parse(key, &parsed))
        return apigatewayv2_fail_bad_request_exception(
            rq, "The provided route key is not formatted properly for HTTP protocol. Format should "
                "be \"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\"");
    bool is_lambda = apigateway_is_lambda_uri(in->target);
    struct apigateway_rec_integration integration = {
        .id = apigateway_new_id(rq, 7),
        .type = is_lambda ? VG_STR("AWS_PROXY") : VG_STR("HTTP_PROXY"),
        .uri = in->target,
        .method = is_lambda ? VG_STR("POST") : VG_STR("ANY"),
        .format = is_lambda ? VG_STR("2.0") : VG_STR("1.0"),
        .timeout_ms = APIGATEWAY_LIMIT_TIMEOUT_MAX_MS,
        .is_managed = true,
    };
    vg_rc rc = apigateway_check_uri(rq, &integration);
    if (rc != VG_OK)
        return rc;
    struct apigateway_rec_route route = {
        .id = apigateway_new_id(rq, 7),
        .key = key,
        .target = vg_str_cat(rq->arena, VG_STR("integrations/"), integration.id),
        .is_managed = true,
    };
    struct apigateway_rec_stage stage = {
        .name = VG_STR("$default"),
        .created_ms = api->created_ms,
        .updated_ms = api->created_ms,
        .is_auto = true,
        .is_managed = true,
    };
    api->quick_integration = integration.id;
    api->quick_route = route.id;
    apigateway_kv_put(at, APIGATEWAY_INTEGRATION, integration.id, &integration);
    apigateway_kv_put(at, APIGATEWAY_ROUTE, route.id, &route);
    apigateway_kv_put(at, APIGATEWAY_STAGE, stage.name, &stage);
    return apigateway_auto_deploy(at, api);
}

static vg_rc
check_create(struct vg_req *rq, const struct apigatewayv2_create_api_request *in)
{
    if (in->protocol_type.v == APIGATEWAYV2_PROTOCOL_TYPE_WEBSOCKET)
        return apigatewayv2_fail_bad_request_exception(
            rq, "WebSocket APIs are not supported yet: protocolType must be HTTP");
    vg_rc rc =
        check_expressions(rq, in->route_selection_expression, in->api_key_selection_expression,
                          in->disable_schema_validation, in->ip_address_type);
    if (rc == VG_OK)
        rc = apigateway_refuse(rq, in->credentials_arn.ptr != NULL, "credentialsArn",
                               "grant apigateway.amazonaws.com the right to invoke the function "
                               "by AddPermission");
    if (rc == VG_OK && in->target.ptr == NULL && in->route_key.ptr != NULL)
        return apigatewayv2_fail_bad_request_exception(rq, "A target is required for a route key");
    return rc;
}

vg_rc
apigatewayv2_create_api(struct vg_req *rq, const struct apigatewayv2_create_api_request *in,
                        struct apigatewayv2_create_api_response *out)
{
    apigateway_auto_at struct apigateway_at at = apigateway_at_of(rq, apigateway_new_id(rq, 10));
    struct apigateway_rec_api rec = {
        .id = at.api_id,
        .name = in->name,
        .description = in->description,
        .version = in->version,
        .created_ms = vg_now_ms(rq->env),
        .is_endpoint_disabled = vg_opt_bool_or(in->disable_execute_api_endpoint, false),
    };
    struct apigateway_found all;
    vg_rc rc = check_create(rq, in);
    if (rc == VG_OK && in->cors_configuration != NULL)
        rc = read_cors(rq, in->cors_configuration, &rec.cors);
    if (rc == VG_OK)
        rc = apigateway_put_tags(rq, APIGATEWAY_PAIRS(&rec.tags), &in->tags);
    if (rc == VG_OK)
        rc = apigateway_kv_begin(&at);
    if (rc == VG_OK)
        rc = apigateway_kv_list(&at, APIGATEWAY_API, VG_STR_NONE, APIGATEWAY_LIMIT_APIS, &all);
    if (rc == VG_OK && all.len >= APIGATEWAY_LIMIT_APIS)
        return apigatewayv2_fail_too_many_requests_exception(
            rq, "The number of APIs in this account and region has reached its limit of %d",
            APIGATEWAY_LIMIT_APIS);
    if (rc == VG_OK && in->target.ptr != NULL)
        rc = quick_create(&at, in, &rec);
    if (rc != VG_OK)
        return rc;
    apigateway_kv_put(&at, APIGATEWAY_API, rec.id, &rec);
    apigateway_kv_put_place(&at);
    rc = apigateway_kv_commit(&at);
    if (rc != VG_OK)
        return rc;
    struct apigatewayv2_api api = shown(rq, &rec);
    APIGATEWAY_ANSWER(out, &api);
    return VG_OK;
}

/* --- get, update, delete ------------------------------------------------------------------------
 */

vg_rc
apigatewayv2_get_api(struct vg_req *rq, const struct apigatewayv2_get_api_request *in,
                     struct apigatewayv2_get_api_response *out)
{
    struct apigateway_at at = apigateway_at_of(rq, in->api_id);
    struct apigateway_rec_api *rec;
    vg_rc rc = apigateway_need_api(&at, &rec);
    if (rc != VG_OK)
        return rc;
    struct apigatewayv2_api api = shown(rq, rec);
    APIGATEWAY_ANSWER(out, &api);
    return VG_OK;
}

vg_rc
apigatewayv2_get_apis(struct vg_req *rq, const struct apigatewayv2_get_apis_request *in,
                      struct apigatewayv2_get_apis_response *out)
{
    struct apigateway_found all;
    vg_rc rc = apigateway_read_page(rq, VG_STR_NONE, APIGATEWAY_API, in->max_results,
                                    in->next_token, &all, &out->next_token);
    if (rc == VG_OK)
        APIGATEWAY_ANSWER_PAGE(rq, out, &all, shown);
    return rc;
}

/* Target and RouteKey of an update concern what quick create made. */
static vg_rc
update_quick(const struct apigateway_at *at, const struct apigatewayv2_update_api_request *in,
             const struct apigateway_rec_api *api)
{
    struct vg_req *rq = at->rq;
    void *found;
    if (in->target.ptr == NULL && in->route_key.ptr == NULL)
        return VG_OK;
    if (api->quick_integration.ptr == NULL)
        return apigatewayv2_fail_bad_request_exception(
            rq, "Target and route key can be updated only on an API made by quick create");
    if (in->route_key.ptr != NULL)
        return apigatewayv2_fail_bad_request_exception(
            rq, "The route key of an API made by quick create is updated by UpdateRoute");
    vg_rc rc = apigateway_need(at, APIGATEWAY_INTEGRATION, api->quick_integration, &found);
    if (rc != VG_OK)
        return rc;
    struct apigateway_rec_integration *rec = found;
    if (apigateway_is_lambda_uri(in->target) != vg_str_eq(rec->type, VG_STR("AWS_PROXY")))
        return apigatewayv2_fail_bad_request_exception(
            rq, "The kind of target cannot be changed between a function and a URL");
    rec->uri = in->target;
    rc = apigateway_check_uri(rq, rec);
    if (rc == VG_OK)
        apigateway_kv_put(at, APIGATEWAY_INTEGRATION, rec->id, rec);
    return rc;
}

vg_rc
apigatewayv2_update_api(struct vg_req *rq, const struct apigatewayv2_update_api_request *in,
                        struct apigatewayv2_update_api_response *out)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    struct apigateway_rec_api *rec;
    vg_rc rc =
        check_expressions(rq, in->route_selection_expression, in->api_key_selection_expression,
                          in->disable_schema_validation, in->ip_address_type);
    if (rc == VG_OK)
        rc = apigateway_refuse(rq, in->credentials_arn.ptr != NULL, "credentialsArn",
                               "grant apigateway.amazonaws.com the right to invoke the function "
                               "by AddPermission");
    if (rc == VG_OK)
        rc = apigateway_edit(rq, in->api_id, &at, &rec);
    if (rc == VG_OK && in->cors_configuration != NULL)
        rc = read_cors(rq, in->cors_configuration, &rec->cors);
    if (rc == VG_OK)
        rc = update_quick(&at, in, rec);
    if (rc != VG_OK)
        return rc;
    if (in->name.ptr != NULL)
        rec->name = in->name;
    if (in->description.ptr != NULL)
        rec->description = in->description;
    if (in->version.ptr != NULL)
        rec->version = in->version;
    if (in->disable_execute_api_endpoint.set)
        rec->is_endpoint_disabled = in->disable_execute_api_endpoint.v;
    apigateway_kv_put(&at, APIGATEWAY_API, rec->id, rec);
    rc = apigateway_auto_deploy(&at, rec);
    if (rc == VG_OK)
        rc = apigateway_kv_commit(&at);
    if (rc != VG_OK)
        return rc;
    struct apigatewayv2_api api = shown(rq, rec);
    APIGATEWAY_ANSWER(out, &api);
    return VG_OK;
}

vg_rc
apigatewayv2_delete_api(struct vg_req *rq, const struct apigatewayv2_delete_api_request *in)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    struct apigateway_rec_api *rec;
    vg_rc rc = apigateway_edit(rq, in->api_id, &at, &rec);
    if (rc == VG_OK)
        rc = apigateway_kv_del_api(&at);
    return rc == VG_OK ? apigateway_kv_commit(&at) : rc;
}

vg_rc
apigatewayv2_delete_cors_configuration(
    struct vg_req *rq, const struct apigatewayv2_delete_cors_configuration_request *in)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    struct apigateway_rec_api *rec;
    vg_rc rc = apigateway_edit(rq, in->api_id, &at, &rec);
    if (rc != VG_OK)
        return rc;
    rec->cors = NULL;
    apigateway_kv_put(&at, APIGATEWAY_API, rec->id, rec);
    rc = apigateway_auto_deploy(&at, rec);
    return rc == VG_OK ? apigateway_kv_commit(&at) : rc;
}

/* --- tags ---------------------------------------------------------------------------------------
 */

/* What a tag operation's ARN names: arn:aws:apigateway:region::/apis/ID[/stages/NAME]. */
struct tagged {
    struct apigateway_rec_api *api;
    struct apigateway_rec_stage *stage; /* NULL: the API itself */
};

static vg_rc
find_tagged(struct apigateway_at *at, struct vg_str arn, bool is_write, struct tagged *ret)
{
    struct vg_req *rq = at->rq;
    struct vg_str rest = arn, parts[6], path[4] = { { 0 } };
    for (size_t i = 0; i < 5; i++)
        parts[i] = vg_str_cut(&rest, ':');
    bool is_ours = vg_str_eq(parts[0], VG_STR("arn")) && vg_str_eq(parts[2], VG_STR("apigateway"))
                   && vg_str_eq(parts[3], rq->scope->region)
                   && vg_str_starts(rest, VG_STR("/apis/"));
    rest = vg_str_slice(rest, 1, rest.len);
    for (size_t i = 0; i < VG_COUNT(path) && rest.ptr != NULL; i++)
        path[i] = vg_str_cut(&rest, '/');
    bool is_stage = vg_str_eq(path[2], VG_STR("stages")) && path[3].len > 0;
    if (!is_ours || path[1].len == 0 || rest.ptr != NULL || (path[2].ptr != NULL && !is_stage))
        return apigatewayv2_fail_bad_request_exception(
            rq, "Invalid ARN specified in the request: '%" VG_FMT "'", VG_ARG(arn));
    *at = apigateway_at_of(rq, path[1]);
    vg_rc rc = is_write ? apigateway_kv_begin(at) : VG_OK;
    if (rc == VG_OK)
        rc = apigateway_need_api(at, &ret->api);
    void *stage = NULL;
    if (rc == VG_OK && is_stage)
        rc = apigateway_need(at, APIGATEWAY_STAGE, path[3], &stage);
    ret->stage = stage;
    return rc;
}

static struct apigateway_pair_vec *
tags_of(const struct tagged *what)
{
    return what->stage ? APIGATEWAY_PAIRS(&what->stage->tags) : APIGATEWAY_PAIRS(&what->api->tags);
}

static vg_rc
save_tagged(struct apigateway_at *at, const struct tagged *what)
{
    if (what->stage != NULL)
        apigateway_kv_put(at, APIGATEWAY_STAGE, what->stage->name, what->stage);
    else
        apigateway_kv_put(at, APIGATEWAY_API, what->api->id, what->api);
    return apigateway_kv_commit(at);
}

vg_rc
apigatewayv2_get_tags(struct vg_req *rq, const struct apigatewayv2_get_tags_request *in,
                      struct apigatewayv2_get_tags_response *out)
{
    struct apigateway_at at = { .rq = rq };
    struct tagged what;
    vg_rc rc = find_tagged(&at, in->resource_arn, false, &what);
    if (rc == VG_OK)
        out->tags = shown_tags(rq->arena, tags_of(&what));
    return rc;
}

vg_rc
apigatewayv2_tag_resource(struct vg_req *rq, const struct apigatewayv2_tag_resource_request *in,
                          struct apigatewayv2_tag_resource_response *out)
{
    apigateway_auto_at struct apigateway_at at = { .rq = rq };
    struct tagged what;
    (void)out;
    vg_rc rc = find_tagged(&at, in->resource_arn, true, &what);
    if (rc == VG_OK)
        rc = apigateway_put_tags(rq, tags_of(&what), &in->tags);
    return rc == VG_OK ? save_tagged(&at, &what) : rc;
}

vg_rc
apigatewayv2_untag_resource(struct vg_req *rq, const struct apigatewayv2_untag_resource_request *in)
{
    apigateway_auto_at struct apigateway_at at = { .rq = rq };
    struct tagged what;
    vg_rc rc = find_tagged(&at, in->resource_arn, true, &what);
    if (rc != VG_OK)
        return rc;
    for (size_t i = 0; i < in->tag_keys.len; i++)
        apigateway_pairs_lay(rq->arena, tags_of(&what), in->tag_keys.items[i], VG_STR_NONE);
    return save_tagged(&at, &what);
}
