/* SPDX-License-Identifier: Apache-2.0 */

/* Integrations of HTTP APIs: AWS_PROXY to a function, HTTP_PROXY to a URL. */

#include "services/apigateway/apigateway_int.h"
#include "services/apigateway/apigateway_mapping.h"

/* --- URIs ---------------------------------------------------------------------------------------
 */

struct vg_str
apigateway_lambda_arn(struct vg_str uri)
{
    static const char marker[] = ":lambda:path/2015-03-31/functions/";
    static const char tail[] = "/invocations";
    size_t at = vg_str_find(uri, vg_str_of(marker));
    if (vg_str_starts(uri, VG_STR("arn:")) && at != VG_NPOS && vg_str_ends(uri, vg_str_of(tail)))
        uri = vg_str_slice(uri, at + sizeof(marker) - 1, uri.len - (sizeof(tail) - 1));
    struct vg_str rest = uri, parts[7] = { { 0 } };
    for (size_t i = 0; i < VG_COUNT(parts); i++)
        parts[i] = vg_str_cut(&rest, ':');
    bool is_function = vg_str_eq(parts[0], VG_STR("arn")) && vg_str_eq(parts[2], VG_STR("lambda"))
                       && parts[3].len > 0 && parts[4].len > 0
                       && vg_str_eq(parts[5], VG_STR("function")) && parts[6].len > 0;
    return is_function ? uri : VG_STR_NONE;
}

bool
apigateway_is_lambda_uri(struct vg_str uri)
{
    return apigateway_lambda_arn(uri).ptr != NULL;
}

static bool
is_url(struct vg_str uri)
{
    struct vg_str rest = vg_str_starts(uri, VG_STR("https://"))  ? vg_str_slice(uri, 8, uri.len)
                         : vg_str_starts(uri, VG_STR("http://")) ? vg_str_slice(uri, 7, uri.len)
                                                                 : VG_STR_NONE;
    if (rest.len == 0 || rest.ptr[0] == '/')
        return false;
    for (size_t i = 0; i < rest.len; i++)
        if (rest.ptr[i] <= ' ' || rest.ptr[i] == 0x7f)
            return false;
    return true;
}

vg_rc
apigateway_check_uri(struct vg_req *rq, const struct apigateway_rec_integration *rec)
{
    bool is_lambda = vg_str_eq(rec->type, VG_STR("AWS_PROXY"));
    if (rec->uri.len == 0)
        return apigatewayv2_fail_bad_request_exception(rq, "Integration URI is required");
    if (is_lambda && !apigateway_is_lambda_uri(rec->uri))
        return apigatewayv2_fail_bad_request_exception(
            rq, "Invalid integration URI specified: '%" VG_FMT "' is not the ARN of a function",
            VG_ARG(rec->uri));
    if (!is_lambda && !is_url(rec->uri))
        return apigatewayv2_fail_bad_request_exception(
            rq, "Invalid HTTP endpoint specified for URI: '%" VG_FMT "'", VG_ARG(rec->uri));
    return VG_OK;
}

/* --- what callers see ---------------------------------------------------------------------------
 */

static struct apigatewayv2_integration_parameters
shown_map(struct vg_arena *arena, const struct apigateway_pair_vec *map)
{
    struct apigatewayv2_integration_parameters out = { .len = map->len };
    out.items =
        VG_NEW_ARRAY(arena, struct apigatewayv2_integration_parameters__entry, map->len + 1);
    for (size_t i = 0; i < map->len; i++) {
        out.items[i].key = map->items[i].name;
        out.items[i].value = map->items[i].value;
    }
    return out;
}

static struct apigatewayv2_integration
shown(struct vg_req *rq, struct apigateway_rec_integration *rec)
{
    struct apigatewayv2_integration out = {
        .api_gateway_managed = { rec->is_managed, rec->is_managed },
        .connection_type = VG_ENUM(APIGATEWAYV2_CONNECTION_TYPE_INTERNET),
        .description = rec->description,
        .integration_id = rec->id,
        .integration_method = rec->method,
        .integration_type = { .text = rec->type },
        .integration_uri = rec->uri,
        .payload_format_version = rec->format,
        .timeout_in_millis = { true, rec->timeout_ms },
    };
    out.request_parameters = shown_map(rq->arena, APIGATEWAY_PAIRS(&rec->request_map));
    out.response_parameters.items = VG_NEW_ARRAY(
        rq->arena, struct apigatewayv2_response_parameters__entry, rec->answer_maps.len + 1);
    out.response_parameters.len = rec->answer_maps.len;
    for (size_t i = 0; i < rec->answer_maps.len; i++) {
        out.response_parameters.items[i].key = rec->answer_maps.items[i].status;
        out.response_parameters.items[i].value =
            shown_map(rq->arena, APIGATEWAY_PAIRS(&rec->answer_maps.items[i].mappings));
    }
    return out;
}

/* --- checks -------------------------------------------------------------------------------------
 */

/* The members Create and Update share; Update's are laid over what is stored. */
struct settings {
    struct vg_str connection_id, credentials_arn, subtype, template_selection;
    struct vg_enum connection_type, content_handling, passthrough;
    bool has_templates, has_tls;
    const struct apigatewayv2_integration_parameters *request_map;
    const struct apigatewayv2_response_parameters *answer_maps;
    struct vg_str method, uri, format, description;
    struct vg_enum type;
    struct vg_opt_i64 timeout_ms;
};

#define SETTINGS_OF(in)                                                                            \
    {                                                                                              \
        .connection_id = (in)->connection_id, .credentials_arn = (in)->credentials_arn,            \
        .subtype = (in)->integration_subtype,                                                      \
        .template_selection = (in)->template_selection_expression,                                 \
        .connection_type = (in)->connection_type,                                                  \
        .content_handling = (in)->content_handling_strategy,                                       \
        .passthrough = (in)->passthrough_behavior,                                                 \
        .has_templates = (in)->request_templates.len > 0, .has_tls = (in)->tls_config != NULL,     \
        .request_map = &(in)->request_parameters, .answer_maps = &(in)->response_parameters,       \
        .method = (in)->integration_method, .uri = (in)->integration_uri,                          \
        .format = (in)->payload_format_version, .description = (in)->description,                  \
        .type = (in)->integration_type, .timeout_ms = (in)->timeout_in_millis,                     \
    }

static vg_rc
refuse_unknown(struct vg_req *rq, const struct settings *s)
{
    const struct apigateway_refusal table[] = {
        { s->connection_id.ptr != NULL, "connectionId", "there are no VPC links" },
        { s->connection_type.v == APIGATEWAYV2_CONNECTION_TYPE_VPC_LINK, "connectionType VPC_LINK",
          "there are no VPC links" },
        { s->credentials_arn.ptr != NULL, "credentialsArn",
          "grant apigateway.amazonaws.com the right to invoke the function by AddPermission" },
        { s->subtype.ptr != NULL, "integrationSubtype",
          "integrations with AWS services are not built" },
        { s->content_handling.v != 0, "contentHandlingStrategy", "only WebSocket APIs have it" },
        { s->passthrough.v != 0, "passthroughBehavior", "only WebSocket APIs have it" },
        { s->template_selection.ptr != NULL, "templateSelectionExpression",
          "only WebSocket APIs have it" },
        { s->has_templates, "requestTemplates", "only WebSocket APIs have them" },
        { s->has_tls, "tlsConfig", "there are no VPC links" },
    };
    return apigateway_refuse_any(rq, table, VG_COUNT(table));
}

static vg_rc
check_whole(struct vg_req *rq, const struct apigateway_rec_integration *rec)
{
    bool is_lambda = vg_str_eq(rec->type, VG_STR("AWS_PROXY"));
    if (!is_lambda && !vg_str_eq(rec->type, VG_STR("HTTP_PROXY")))
        return apigatewayv2_fail_bad_request_exception(
            rq, "Invalid integration type specified: HTTP APIs support AWS_PROXY and HTTP_PROXY");
    if (!is_lambda && rec->method.ptr == NULL)
        return apigatewayv2_fail_bad_request_exception(rq, "Integration method is required");
    if (!is_lambda && !apigateway_method_is_valid(rec->method))
        return apigatewayv2_fail_bad_request_exception(rq, "Invalid HTTP method specified");
    if (is_lambda && rec->method.ptr != NULL && !vg_str_eq(rec->method, VG_STR("POST")))
        return apigatewayv2_fail_bad_request_exception(
            rq, "Integration method must be POST for an integration with a function");
    if (is_lambda && rec->format.ptr == NULL)
        return apigatewayv2_fail_bad_request_exception(rq, "PayloadFormatVersion is a required "
                                                           "parameter for integration type "
                                                           "AWS_PROXY");
    bool is_v1 = vg_str_eq(rec->format, VG_STR("1.0"));
    if (!is_v1 && !(is_lambda && vg_str_eq(rec->format, VG_STR("2.0"))))
        return apigatewayv2_fail_bad_request_exception(
            rq, "Invalid payloadFormatVersion specified: '%" VG_FMT "'", VG_ARG(rec->format));
    if (rec->timeout_ms < APIGATEWAY_LIMIT_TIMEOUT_MIN_MS
        || rec->timeout_ms > APIGATEWAY_LIMIT_TIMEOUT_MAX_MS)
        return apigatewayv2_fail_bad_request_exception(
            rq, "Timeout should be between %d ms and %d ms", APIGATEWAY_LIMIT_TIMEOUT_MIN_MS,
            APIGATEWAY_LIMIT_TIMEOUT_MAX_MS);
    return apigateway_check_uri(rq, rec);
}

/* A mapping with an empty value is taken out, as is a status without mappings. */
static vg_rc
lay_map(struct vg_req *rq, const struct apigatewayv2_integration_parameters *in, bool is_answer,
        struct apigateway_pair_vec *to)
{
    for (size_t i = 0; i < in->len; i++) {
        struct vg_str key = in->items[i].key, value = in->items[i].value;
        const char *wrong = value.len > 0 ? apigateway_mapping_check(key, value, is_answer) : NULL;
        if (wrong != NULL)
            return apigatewayv2_fail_bad_request_exception(
                rq, "Invalid mapping expression specified: '%" VG_FMT "': %s", VG_ARG(key), wrong);
        apigateway_pairs_lay(rq->arena, to, key, value);
    }
    return VG_OK;
}

static vg_rc
lay_answer_maps(struct vg_req *rq, const struct apigatewayv2_response_parameters *in,
                struct apigateway_rec_integration *rec)
{
    for (size_t i = 0; i < in->len; i++) {
        struct vg_str status = in->items[i].key;
        struct apigateway_rec_answer_map *map = NULL;
        int64_t code;
        size_t kept = 0;
        if (!vg_str_to_i64(status, &code) || code < 200 || code > 599)
            return apigatewayv2_fail_bad_request_exception(
                rq, "Invalid status code specified in response parameters: '%" VG_FMT "'",
                VG_ARG(status));
        for (size_t k = 0; k < rec->answer_maps.len; k++)
            if (vg_str_eq(rec->answer_maps.items[k].status, status))
                map = &rec->answer_maps.items[k];
        if (map == NULL) {
            map = VG_VEC_ADD(rq->arena, &rec->answer_maps);
            *map = (struct apigateway_rec_answer_map) { .status = status };
        }
        if (in->items[i].value.len == 0)
            map->mappings.len = 0;
        vg_rc rc = lay_map(rq, &in->items[i].value, true, APIGATEWAY_PAIRS(&map->mappings));
        if (rc != VG_OK)
            return rc;
        for (size_t k = 0; k < rec->answer_maps.len; k++)
            if (rec->answer_maps.items[k].mappings.len > 0)
                rec->answer_maps.items[kept++] = rec->answer_maps.items[k];
        rec->answer_maps.len = kept;
    }
    return VG_OK;
}

/* Lays what is given over the record. */
static vg_rc
lay(struct vg_req *rq, const struct settings *s, struct apigateway_rec_integration *rec)
{
    vg_rc rc = refuse_unknown(rq, s);
    if (rc == VG_OK)
        rc = lay_map(rq, s->request_map, false, APIGATEWAY_PAIRS(&rec->request_map));
    if (rc == VG_OK)
        rc = lay_answer_maps(rq, s->answer_maps, rec);
    if (rc != VG_OK)
        return rc;
    if (s->type.v != 0)
        rec->type = s->type.text;
    if (s->method.ptr != NULL)
        rec->method = s->method;
    if (s->uri.ptr != NULL)
        rec->uri = s->uri;
    if (s->format.ptr != NULL)
        rec->format = s->format;
    if (s->description.ptr != NULL)
        rec->description = s->description;
    if (s->timeout_ms.set)
        rec->timeout_ms = s->timeout_ms.v;
    if (vg_str_eq(rec->type, VG_STR("HTTP_PROXY")) && rec->format.ptr == NULL)
        rec->format = VG_STR("1.0");
    if (vg_str_eq(rec->type, VG_STR("AWS_PROXY")) && rec->method.ptr == NULL)
        rec->method = VG_STR("POST");
    return check_whole(rq, rec);
}

/* --- operations ---------------------------------------------------------------------------------
 */

vg_rc
apigatewayv2_create_integration(struct vg_req *rq,
                                const struct apigatewayv2_create_integration_request *in,
                                struct apigatewayv2_create_integration_result *out)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    const struct settings given = SETTINGS_OF(in);
    struct apigateway_rec_integration rec = {
        .id = apigateway_new_id(rq, 7),
        .timeout_ms = APIGATEWAY_LIMIT_TIMEOUT_MAX_MS,
    };
    struct apigateway_rec_api *api;
    struct apigateway_found all;
    vg_rc rc = apigateway_edit(rq, in->api_id, &at, &api);
    if (rc == VG_OK)
        rc = lay(rq, &given, &rec);
    if (rc == VG_OK)
        rc = apigateway_kv_list(&at, APIGATEWAY_INTEGRATION, VG_STR_NONE, 0, &all);
    if (rc != VG_OK)
        return rc;
    if (all.len >= APIGATEWAY_LIMIT_INTEGRATIONS)
        return apigatewayv2_fail_too_many_requests_exception(
            rq, "The number of integrations in this API has reached its limit of %d",
            APIGATEWAY_LIMIT_INTEGRATIONS);
    rc = apigateway_finish(&at, api, APIGATEWAY_INTEGRATION, rec.id, &rec);
    if (rc != VG_OK)
        return rc;
    struct apigatewayv2_integration integration = shown(rq, &rec);
    APIGATEWAY_ANSWER(out, &integration);
    return VG_OK;
}

vg_rc
apigatewayv2_get_integration(struct vg_req *rq,
                             const struct apigatewayv2_get_integration_request *in,
                             struct apigatewayv2_get_integration_result *out)
{
    void *found;
    vg_rc rc = apigateway_read(rq, in->api_id, APIGATEWAY_INTEGRATION, in->integration_id, &found);
    if (rc != VG_OK)
        return rc;
    struct apigatewayv2_integration answer = shown(rq, found);
    APIGATEWAY_ANSWER(out, &answer);
    return VG_OK;
}

vg_rc
apigatewayv2_get_integrations(struct vg_req *rq,
                              const struct apigatewayv2_get_integrations_request *in,
                              struct apigatewayv2_get_integrations_response *out)
{
    struct apigateway_found all;
    vg_rc rc = apigateway_read_page(rq, in->api_id, APIGATEWAY_INTEGRATION, in->max_results,
                                    in->next_token, &all, &out->next_token);
    if (rc == VG_OK)
        APIGATEWAY_ANSWER_PAGE(rq, out, &all, shown);
    return rc;
}

vg_rc
apigatewayv2_update_integration(struct vg_req *rq,
                                const struct apigatewayv2_update_integration_request *in,
                                struct apigatewayv2_update_integration_result *out)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    const struct settings given = SETTINGS_OF(in);
    struct apigateway_rec_api *api;
    void *found;
    vg_rc rc = apigateway_edit_one(rq, in->api_id, APIGATEWAY_INTEGRATION, in->integration_id, &at,
                                   &api, &found);
    if (rc == VG_OK)
        rc = lay(rq, &given, found);
    if (rc != VG_OK)
        return rc;
    rc = apigateway_finish(&at, api, APIGATEWAY_INTEGRATION, in->integration_id, found);
    if (rc != VG_OK)
        return rc;
    struct apigatewayv2_integration integration = shown(rq, found);
    APIGATEWAY_ANSWER(out, &integration);
    return VG_OK;
}

vg_rc
apigatewayv2_delete_integration(struct vg_req *rq,
                                const struct apigatewayv2_delete_integration_request *in)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    struct apigateway_rec_api *api;
    struct apigateway_found routes;
    void *found;
    vg_rc rc = apigateway_edit_one(rq, in->api_id, APIGATEWAY_INTEGRATION, in->integration_id, &at,
                                   &api, &found);
    if (rc == VG_OK)
        rc = apigateway_kv_list(&at, APIGATEWAY_ROUTE, VG_STR_NONE, 0, &routes);
    if (rc != VG_OK)
        return rc;
    struct vg_str target = vg_str_cat(rq->arena, VG_STR("integrations/"), in->integration_id);
    for (size_t i = 0; i < routes.len; i++) {
        const struct apigateway_rec_route *route = routes.items[i];
        if (vg_str_eq(route->target, target))
            return apigatewayv2_fail_conflict_exception(
                rq,
                "Cannot delete Integration '%" VG_FMT "' because it is referenced by Route "
                "'%" VG_FMT "'",
                VG_ARG(in->integration_id), VG_ARG(route->key));
    }
    return apigateway_finish(&at, api, APIGATEWAY_INTEGRATION, in->integration_id, NULL);
}
