/* SPDX-License-Identifier: Apache-2.0 */

/* Stages of HTTP APIs: which deployment is served under which name, with what settings. */

#include "services/apigateway/apigateway_int.h"

static struct apigatewayv2_route_settings
shown_throttle(const struct apigateway_rec_throttle *rec)
{
    struct apigatewayv2_route_settings out = { .detailed_metrics_enabled = { true, false } };
    if (rec != NULL) {
        out.throttling_burst_limit = rec->burst;
        out.throttling_rate_limit = rec->rate;
    }
    return out;
}

static struct apigatewayv2_stage
shown(struct vg_req *rq, const struct apigateway_rec_stage *rec)
{
    struct vg_arena *arena = rq->arena;
    struct apigatewayv2_stage out = {
        .api_gateway_managed = { rec->is_managed, rec->is_managed },
        .auto_deploy = { true, rec->is_auto },
        .created_date_ms = { true, rec->created_ms },
        .default_route_settings = VG_NEW(arena, struct apigatewayv2_route_settings),
        .deployment_id = rec->deployment_id,
        .description = rec->description,
        .last_deployment_status_message = rec->deploy_message,
        .last_updated_date_ms = { true, rec->updated_ms },
        .stage_name = rec->name,
    };
    *out.default_route_settings = shown_throttle(rec->throttle);
    out.route_settings.len = rec->route_throttles.len;
    out.route_settings.set = true;
    out.route_settings.items = VG_NEW_ARRAY(arena, struct apigatewayv2_route_settings_map__entry,
                                            rec->route_throttles.len + 1);
    for (size_t i = 0; i < rec->route_throttles.len; i++) {
        out.route_settings.items[i].key = rec->route_throttles.items[i].route_key;
        out.route_settings.items[i].value = shown_throttle(&rec->route_throttles.items[i]);
    }
    out.stage_variables.len = rec->variables.len;
    out.stage_variables.set = true;
    out.stage_variables.items =
        VG_NEW_ARRAY(arena, struct apigatewayv2_stage_variables_map__entry, rec->variables.len + 1);
    for (size_t i = 0; i < rec->variables.len; i++) {
        out.stage_variables.items[i].key = rec->variables.items[i].name;
        out.stage_variables.items[i].value = rec->variables.items[i].value;
    }
    out.tags.len = rec->tags.len;
    out.tags.set = true;
    out.tags.items = VG_NEW_ARRAY(arena, struct apigatewayv2_tags__entry, rec->tags.len + 1);
    for (size_t i = 0; i < rec->tags.len; i++) {
        out.tags.items[i].key = rec->tags.items[i].name;
        out.tags.items[i].value = rec->tags.items[i].value;
    }
    if (rec->log_arn.ptr != NULL) {
        out.access_log_settings = VG_NEW(arena, struct apigatewayv2_access_log_settings);
        out.access_log_settings->destination_arn = rec->log_arn;
        out.access_log_settings->format = rec->log_format;
    }
    return out;
}

/* --- checks -------------------------------------------------------------------------------------
 */

static bool
is_word(struct vg_str text, const char *also)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && (c == '\0' || strchr(also, c) == NULL))
            return false;
    }
    return text.len > 0;
}

/* The members Create and Update share. */
struct settings {
    const struct apigatewayv2_access_log_settings *logs;
    const struct apigatewayv2_route_settings *defaults;
    const struct apigatewayv2_route_settings_map *routes;
    const struct apigatewayv2_stage_variables_map *variables;
    struct vg_opt_bool is_auto;
    struct vg_str client_certificate_id, deployment_id, description;
};

#define SETTINGS_OF(in)                                                                            \
    {                                                                                              \
        .logs = (in)->access_log_settings, .defaults = (in)->default_route_settings,               \
        .routes = &(in)->route_settings, .variables = &(in)->stage_variables,                      \
        .is_auto = (in)->auto_deploy, .client_certificate_id = (in)->client_certificate_id,        \
        .deployment_id = (in)->deployment_id, .description = (in)->description,                    \
    }

static vg_rc
read_throttle(struct vg_req *rq, const struct apigatewayv2_route_settings *in,
              struct apigateway_rec_throttle *ret)
{
    vg_rc rc = apigateway_refuse(rq, vg_opt_bool_or(in->data_trace_enabled, false),
                                 "dataTraceEnabled", "only WebSocket APIs have it");
    if (rc == VG_OK)
        rc = apigateway_refuse(rq, vg_opt_bool_or(in->detailed_metrics_enabled, false),
                               "detailedMetricsEnabled", "metrics by route are not built");
    if (rc == VG_OK)
        rc = apigateway_refuse(
            rq, in->logging_level.v != 0 && in->logging_level.v != APIGATEWAYV2_LOGGING_LEVEL_OFF,
            "loggingLevel", "only WebSocket APIs have it");
    if (rc != VG_OK)
        return rc;
    if (vg_opt_or(in->throttling_burst_limit, 0) < 0
        || (in->throttling_rate_limit.set && !(in->throttling_rate_limit.v >= 0)))
        return apigatewayv2_fail_bad_request_exception(rq, "Invalid throttling limit specified");
    if (in->throttling_burst_limit.set)
        ret->burst = in->throttling_burst_limit;
    if (in->throttling_rate_limit.set)
        ret->rate = in->throttling_rate_limit;
    return VG_OK;
}

static vg_rc
lay_route_throttles(const struct apigateway_at *at,
                    const struct apigatewayv2_route_settings_map *in,
                    struct apigateway_rec_stage *rec)
{
    struct vg_req *rq = at->rq;
    struct apigateway_found routes;
    vg_rc rc = apigateway_kv_list(at, APIGATEWAY_ROUTE, VG_STR_NONE, 0, &routes);
    for (size_t i = 0; rc == VG_OK && i < in->len; i++) {
        struct vg_str key = in->items[i].key;
        struct apigateway_rec_throttle *to = NULL;
        bool is_route = false;
        for (size_t k = 0; k < routes.len; k++)
            is_route =
                is_route
                || vg_str_eq(((const struct apigateway_rec_route *)routes.items[k])->key, key);
        if (!is_route)
            return apigatewayv2_fail_not_found_exception(
                rq, "Unable to find Route by key %" VG_FMT " within the provided RouteSettings",
                VG_ARG(key));
        for (size_t k = 0; k < rec->route_throttles.len; k++)
            if (vg_str_eq(rec->route_throttles.items[k].route_key, key))
                to = &rec->route_throttles.items[k];
        if (to == NULL) {
            to = VG_VEC_ADD(rq->arena, &rec->route_throttles);
            *to = (struct apigateway_rec_throttle) { .route_key = key };
        }
        rc = read_throttle(rq, &in->items[i].value, to);
    }
    return rc;
}

/* https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html: names of
 * letters, digits, underscores; values [A-Za-z0-9-._~:/?#&=,]+. "" takes one out. */
static vg_rc
lay_variables(struct vg_req *rq, const struct apigatewayv2_stage_variables_map *in,
              struct apigateway_rec_stage *rec)
{
    for (size_t i = 0; i < in->len; i++) {
        struct vg_str name = in->items[i].key, value = in->items[i].value;
        if (!is_word(name, "_-"))
            return apigatewayv2_fail_bad_request_exception(
                rq, "Stage variable name '%" VG_FMT "' is invalid: only a-zA-Z0-9_- are allowed",
                VG_ARG(name));
        if (value.len > 0 && !is_word(value, "-._~:/?#&=,"))
            return apigatewayv2_fail_bad_request_exception(rq,
                                                           "Stage variable value '%" VG_FMT
                                                           "' is invalid: it must match "
                                                           "[A-Za-z0-9-._~:/?#&=,]+",
                                                           VG_ARG(value));
        if (name.len > APIGATEWAY_LIMIT_STAGE_VARIABLE_KEY
            || value.len > APIGATEWAY_LIMIT_STAGE_VARIABLE_VALUE)
            return apigatewayv2_fail_bad_request_exception(
                rq,
                "Stage variable '%" VG_FMT "' is too long: names have at most %d characters, "
                "values %d",
                VG_ARG(name), APIGATEWAY_LIMIT_STAGE_VARIABLE_KEY,
                APIGATEWAY_LIMIT_STAGE_VARIABLE_VALUE);
        apigateway_pairs_lay(rq->arena, APIGATEWAY_PAIRS(&rec->variables), name, value);
    }
    if (rec->variables.len > APIGATEWAY_LIMIT_STAGE_VARIABLES)
        return apigatewayv2_fail_bad_request_exception(rq, "A stage has at most %d stage variables",
                                                       APIGATEWAY_LIMIT_STAGE_VARIABLES);
    return VG_OK;
}

static vg_rc
lay_deployment(const struct apigateway_at *at, const struct settings *s,
               struct apigateway_rec_stage *rec)
{
    void *found;
    if (s->is_auto.set)
        rec->is_auto = s->is_auto.v;
    if (s->deployment_id.ptr == NULL)
        return VG_OK;
    if (rec->is_auto)
        return apigatewayv2_fail_bad_request_exception(
            at->rq, "Deployment ID cannot be set on a stage that has autoDeploy enabled");
    rec->deployment_id = s->deployment_id;
    return apigateway_need(at, APIGATEWAY_DEPLOYMENT, s->deployment_id, &found);
}

static vg_rc
lay_logs(const struct apigateway_at *at, const struct apigatewayv2_access_log_settings *in,
         struct apigateway_rec_stage *rec)
{
    if (in->destination_arn.ptr != NULL)
        rec->log_arn = in->destination_arn;
    if (in->format.ptr != NULL)
        rec->log_format = in->format;
    if (rec->log_arn.ptr == NULL || apigateway_log_group(at, rec->log_arn).ptr == NULL)
        return apigatewayv2_fail_bad_request_exception(
            at->rq, "Invalid access log destination: it must be the ARN of a log group in this "
                    "account and region");
    if (vg_str_find(rec->log_format, VG_STR("$context.requestId")) == VG_NPOS
        && vg_str_find(rec->log_format, VG_STR("$context.extendedRequestId")) == VG_NPOS)
        return apigatewayv2_fail_bad_request_exception(
            at->rq, "Access log format must contain $context.requestId or "
                    "$context.extendedRequestId");
    if (rec->log_format.len > APIGATEWAY_LIMIT_LOG_FORMAT_BYTES)
        return apigatewayv2_fail_bad_request_exception(
            at->rq, "Access log format must have at most %d bytes",
            APIGATEWAY_LIMIT_LOG_FORMAT_BYTES);
    if (vg_str_find_char(rec->log_format, '\n') != VG_NPOS)
        return apigatewayv2_fail_bad_request_exception(at->rq,
                                                       "Access log format must be one line");
    return VG_OK;
}

/* Lays what is given over the record. */
static vg_rc
lay(const struct apigateway_at *at, const struct settings *s, struct apigateway_rec_stage *rec)
{
    struct vg_req *rq = at->rq;
    vg_rc rc = apigateway_refuse(rq, s->client_certificate_id.ptr != NULL, "clientCertificateId",
                                 "only WebSocket APIs have it");
    if (rc == VG_OK && s->logs != NULL)
        rc = lay_logs(at, s->logs, rec);
    if (rc == VG_OK && s->defaults != NULL) {
        if (rec->throttle == NULL)
            rec->throttle = VG_NEW(rq->arena, struct apigateway_rec_throttle);
        rc = read_throttle(rq, s->defaults, rec->throttle);
    }
    if (rc == VG_OK)
        rc = lay_route_throttles(at, s->routes, rec);
    if (rc == VG_OK)
        rc = lay_variables(rq, s->variables, rec);
    if (rc == VG_OK)
        rc = lay_deployment(at, s, rec);
    if (rc == VG_OK && s->description.ptr != NULL)
        rec->description = s->description;
    rec->updated_ms = vg_now_ms(rq->env);
    return rc;
}

/* Stores the stage, deploys where it does so by itself, and reads it as it then is. */
static vg_rc
save(struct apigateway_at *at, const struct apigateway_rec_api *api,
     struct apigateway_rec_stage **stage)
{
    void *found = NULL;
    struct vg_str name = (*stage)->name;
    apigateway_kv_put(at, APIGATEWAY_STAGE, name, *stage);
    vg_rc rc = (*stage)->is_auto ? apigateway_auto_deploy(at, api) : VG_OK;
    if (rc == VG_OK)
        rc = apigateway_need(at, APIGATEWAY_STAGE, name, &found);
    if (rc == VG_OK)
        rc = apigateway_kv_commit(at);
    *stage = found;
    return rc;
}

/* --- operations ---------------------------------------------------------------------------------
 */

static vg_rc
check_name(const struct apigateway_at *at, struct vg_str name)
{
    struct apigateway_found all;
    if (!vg_str_eq(name, VG_STR("$default")) && !is_word(name, "_-"))
        return apigatewayv2_fail_bad_request_exception(
            at->rq, "Stage name only allows a-zA-Z0-9_- and $default");
    vg_rc rc = apigateway_kv_list(at, APIGATEWAY_STAGE, VG_STR_NONE, 0, &all);
    if (rc != VG_OK)
        return rc;
    for (size_t i = 0; i < all.len; i++)
        if (vg_str_eq(((const struct apigateway_rec_stage *)all.items[i])->name, name))
            return apigatewayv2_fail_conflict_exception(at->rq, "Stage already exists");
    if (all.len >= APIGATEWAY_LIMIT_STAGES)
        return apigatewayv2_fail_too_many_requests_exception(
            at->rq, "The number of stages in this API has reached its limit of %d",
            APIGATEWAY_LIMIT_STAGES);
    return VG_OK;
}

vg_rc
apigatewayv2_create_stage(struct vg_req *rq, const struct apigatewayv2_create_stage_request *in,
                          struct apigatewayv2_create_stage_response *out)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    const struct settings given = SETTINGS_OF(in);
    struct apigateway_rec_stage rec = { .name = in->stage_name, .created_ms = vg_now_ms(rq->env) };
    struct apigateway_rec_stage *stage = &rec;
    struct apigateway_rec_api *api;
    vg_rc rc = apigateway_edit(rq, in->api_id, &at, &api);
    if (rc == VG_OK)
        rc = check_name(&at, in->stage_name);
    if (rc == VG_OK)
        rc = lay(&at, &given, &rec);
    if (rc == VG_OK)
        rc = apigateway_put_tags(rq, APIGATEWAY_PAIRS(&rec.tags), &in->tags);
    if (rc == VG_OK)
        rc = save(&at, api, &stage);
    if (rc != VG_OK)
        return rc;
    struct apigatewayv2_stage answer = shown(rq, stage);
    APIGATEWAY_ANSWER(out, &answer);
    return VG_OK;
}

vg_rc
apigatewayv2_get_stage(struct vg_req *rq, const struct apigatewayv2_get_stage_request *in,
                       struct apigatewayv2_get_stage_response *out)
{
    void *found;
    vg_rc rc = apigateway_read(rq, in->api_id, APIGATEWAY_STAGE, in->stage_name, &found);
    if (rc != VG_OK)
        return rc;
    struct apigatewayv2_stage answer = shown(rq, found);
    APIGATEWAY_ANSWER(out, &answer);
    return VG_OK;
}

vg_rc
apigatewayv2_get_stages(struct vg_req *rq, const struct apigatewayv2_get_stages_request *in,
                        struct apigatewayv2_get_stages_response *out)
{
    struct apigateway_found all;
    vg_rc rc = apigateway_read_page(rq, in->api_id, APIGATEWAY_STAGE, in->max_results,
                                    in->next_token, &all, &out->next_token);
    if (rc == VG_OK)
        APIGATEWAY_ANSWER_PAGE(rq, out, &all, shown);
    return rc;
}

vg_rc
apigatewayv2_update_stage(struct vg_req *rq, const struct apigatewayv2_update_stage_request *in,
                          struct apigatewayv2_update_stage_response *out)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    const struct settings given = SETTINGS_OF(in);
    struct apigateway_rec_api *api;
    void *found = NULL;
    vg_rc rc =
        apigateway_edit_one(rq, in->api_id, APIGATEWAY_STAGE, in->stage_name, &at, &api, &found);
    struct apigateway_rec_stage *stage = found;
    if (rc == VG_OK)
        rc = lay(&at, &given, stage);
    if (rc == VG_OK)
        rc = save(&at, api, &stage);
    if (rc != VG_OK)
        return rc;
    struct apigatewayv2_stage answer = shown(rq, stage);
    APIGATEWAY_ANSWER(out, &answer);
    return VG_OK;
}

vg_rc
apigatewayv2_delete_stage(struct vg_req *rq, const struct apigatewayv2_delete_stage_request *in)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    struct apigateway_rec_api *api;
    void *found;
    vg_rc rc =
        apigateway_edit_one(rq, in->api_id, APIGATEWAY_STAGE, in->stage_name, &at, &api, &found);
    if (rc != VG_OK)
        return rc;
    apigateway_kv_del(&at, APIGATEWAY_STAGE, in->stage_name);
    return apigateway_kv_commit(&at);
}

vg_rc
apigatewayv2_delete_route_settings(struct vg_req *rq,
                                   const struct apigatewayv2_delete_route_settings_request *in)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    struct apigateway_rec_api *api;
    void *found;
    vg_rc rc =
        apigateway_edit_one(rq, in->api_id, APIGATEWAY_STAGE, in->stage_name, &at, &api, &found);
    if (rc != VG_OK)
        return rc;
    struct apigateway_rec_stage *stage = found;
    size_t kept = 0;
    for (size_t i = 0; i < stage->route_throttles.len; i++)
        if (!vg_str_eq(stage->route_throttles.items[i].route_key, in->route_key))
            stage->route_throttles.items[kept++] = stage->route_throttles.items[i];
    if (kept == stage->route_throttles.len)
        return apigatewayv2_fail_not_found_exception(
            rq, "Unable to find Route by key %" VG_FMT " within the provided RouteSettings",
            VG_ARG(in->route_key));
    stage->route_throttles.len = kept;
    apigateway_kv_put(&at, APIGATEWAY_STAGE, stage->name, stage);
    return apigateway_kv_commit(&at);
}

vg_rc
apigatewayv2_delete_access_log_settings(
    struct vg_req *rq, const struct apigatewayv2_delete_access_log_settings_request *in)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    struct apigateway_rec_api *api;
    void *found;
    vg_rc rc =
        apigateway_edit_one(rq, in->api_id, APIGATEWAY_STAGE, in->stage_name, &at, &api, &found);
    if (rc != VG_OK)
        return rc;
    struct apigateway_rec_stage *stage = found;
    stage->log_arn = stage->log_format = VG_STR_NONE;
    apigateway_kv_put(&at, APIGATEWAY_STAGE, stage->name, stage);
    return apigateway_kv_commit(&at);
}
