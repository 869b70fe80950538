/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Deployments: a stage serves the snapshot of its deployment, never the API as it is being edited.
 * With autoDeploy every change makes a new one, in the same transaction.
 */

#include "services/apigateway/apigateway_int.h"

static vg_rc
snapshot_of(const struct apigateway_at *at, const struct apigateway_rec_api *api,
            struct apigateway_rec_snapshot *ret)
{
    struct apigateway_found routes, integrations;
    struct apigateway_rec_snapshot snap = { .cors = api->cors };
    vg_rc rc = apigateway_kv_list(at, APIGATEWAY_ROUTE, VG_STR_NONE, 0, &routes);
    if (rc == VG_OK)
        rc = apigateway_kv_list(at, APIGATEWAY_INTEGRATION, VG_STR_NONE, 0, &integrations);
    if (rc != VG_OK)
        return rc;
    for (size_t i = 0; i < routes.len; i++)
        *VG_VEC_ADD(at->rq->arena, &snap.routes) =
            *(const struct apigateway_rec_route *)routes.items[i];
    for (size_t i = 0; i < integrations.len; i++)
        *VG_VEC_ADD(at->rq->arena, &snap.integrations) =
            *(const struct apigateway_rec_integration *)integrations.items[i];
    *ret = snap;
    return VG_OK;
}

vg_rc
apigateway_deploy(const struct apigateway_at *at, const struct apigateway_rec_api *api,
                  struct vg_str description, bool is_auto, struct vg_str *ret_id)
{
    struct apigateway_rec_snapshot snap;
    vg_rc rc = snapshot_of(at, api, &snap);
    if (rc != VG_OK)
        return rc;
    struct apigateway_rec_deployment deployment = {
        .id = apigateway_new_id(at->rq, 6),
        .description = description,
        .created_ms = vg_now_ms(at->rq->env),
        .is_auto = is_auto,
    };
    apigateway_kv_put(at, APIGATEWAY_SNAPSHOT, deployment.id, &snap);
    apigateway_kv_put(at, APIGATEWAY_DEPLOYMENT, deployment.id, &deployment);
    *ret_id = deployment.id;
    return VG_OK;
}

/* Automatic deployments that no stage serves any more. */
static vg_rc
drop_unused(const struct apigateway_at *at, const struct apigateway_found *stages)
{
    struct apigateway_found all;
    vg_rc rc = apigateway_kv_list(at, APIGATEWAY_DEPLOYMENT, VG_STR_NONE, 0, &all);
    for (size_t i = 0; rc == VG_OK && i < all.len; i++) {
        const struct apigateway_rec_deployment *d = all.items[i];
        bool is_used = !d->is_auto;
        for (size_t k = 0; k < stages->len; k++) {
            const struct apigateway_rec_stage *stage = stages->items[k];
            is_used = is_used || vg_str_eq(stage->deployment_id, d->id);
        }
        if (!is_used) {
            apigateway_kv_del(at, APIGATEWAY_SNAPSHOT, d->id);
            apigateway_kv_del(at, APIGATEWAY_DEPLOYMENT, d->id);
        }
    }
    return rc;
}

vg_rc
apigateway_auto_deploy(const struct apigateway_at *at, const struct apigateway_rec_api *api)
{
    struct apigateway_found stages;
    struct vg_str id = VG_STR_NONE;
    vg_rc rc = apigateway_kv_list(at, APIGATEWAY_STAGE, VG_STR_NONE, 0, &stages);
    if (rc != VG_OK)
        return rc;
    for (size_t i = 0; i < stages.len; i++) {
        struct apigateway_rec_stage *stage = stages.items[i];
        if (!stage->is_auto)
            continue;
        if (id.ptr == NULL) {
            rc = apigateway_deploy(at, api,
                                   VG_STR("Automatic deployment triggered by changes to the Api "
                                          "configuration"),
                                   true, &id);
            if (rc != VG_OK)
                return rc;
        }
        stage->deployment_id = id;
        stage->updated_ms = vg_now_ms(at->rq->env);
        stage->deploy_message =
            vg_str_fmt(at->rq->arena,
                       "Successfully deployed stage with deployment ID '%" VG_FMT "'", VG_ARG(id));
        apigateway_kv_put(at, APIGATEWAY_STAGE, stage->name, stage);
    }
    return id.ptr != NULL ? drop_unused(at, &stages) : VG_OK;
}

/* --- operations ---------------------------------------------------------------------------------
 */

static struct apigatewayv2_deployment
shown(struct vg_req *rq, const struct apigateway_rec_deployment *rec)
{
    (void)rq;
    return (struct apigatewayv2_deployment) {
        .auto_deployed = { true, rec->is_auto },
        .created_date_ms = { true, rec->created_ms },
        .deployment_id = rec->id,
        .deployment_status = VG_ENUM(APIGATEWAYV2_DEPLOYMENT_STATUS_DEPLOYED),
        .description = rec->description,
    };
}

/* Puts a stage on a deployment. */
static vg_rc
move_stage(const struct apigateway_at *at, struct vg_str name, struct vg_str deployment_id)
{
    void *found;
    vg_rc rc = apigateway_need(at, APIGATEWAY_STAGE, name, &found);
    if (rc != VG_OK)
        return rc;
    struct apigateway_rec_stage *stage = found;
    if (stage->is_auto)
        return apigatewayv2_fail_bad_request_exception(
            at->rq, "Deployment ID cannot be set on a stage that has autoDeploy enabled");
    stage->deployment_id = deployment_id;
    stage->updated_ms = vg_now_ms(at->rq->env);
    apigateway_kv_put(at, APIGATEWAY_STAGE, name, stage);
    return VG_OK;
}

vg_rc
apigatewayv2_create_deployment(struct vg_req *rq,
                               const struct apigatewayv2_create_deployment_request *in,
                               struct apigatewayv2_create_deployment_response *out)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    struct apigateway_rec_api *api;
    struct apigateway_found routes;
    struct vg_str id;
    void *found;
    vg_rc rc = apigateway_edit(rq, in->api_id, &at, &api);
    if (rc == VG_OK)
        rc = apigateway_kv_list(&at, APIGATEWAY_ROUTE, VG_STR_NONE, 1, &routes);
    if (rc != VG_OK)
        return rc;
    if (routes.len == 0)
        return apigatewayv2_fail_bad_request_exception(
            rq, "Unable to deploy API because no routes exist in this API");
    rc = apigateway_deploy(&at, api, in->description, false, &id);
    if (rc == VG_OK && in->stage_name.ptr != NULL)
        rc = move_stage(&at, in->stage_name, id);
    if (rc == VG_OK)
        rc = apigateway_need(&at, APIGATEWAY_DEPLOYMENT, id, &found);
    if (rc == VG_OK)
        rc = apigateway_kv_commit(&at);
    if (rc != VG_OK)
        return rc;
    struct apigatewayv2_deployment d = shown(rq, found);
    APIGATEWAY_ANSWER(out, &d);
    return VG_OK;
}

vg_rc
apigatewayv2_get_deployment(struct vg_req *rq, const struct apigatewayv2_get_deployment_request *in,
                            struct apigatewayv2_get_deployment_response *out)
{
    void *found;
    vg_rc rc = apigateway_read(rq, in->api_id, APIGATEWAY_DEPLOYMENT, in->deployment_id, &found);
    if (rc != VG_OK)
        return rc;
    struct apigatewayv2_deployment answer = shown(rq, found);
    APIGATEWAY_ANSWER(out, &answer);
    return VG_OK;
}

vg_rc
apigatewayv2_get_deployments(struct vg_req *rq,
                             const struct apigatewayv2_get_deployments_request *in,
                             struct apigatewayv2_get_deployments_response *out)
{
    struct apigateway_found all;
    vg_rc rc = apigateway_read_page(rq, in->api_id, APIGATEWAY_DEPLOYMENT, in->max_results,
                                    in->next_token, &all, &out->next_token);
    if (rc == VG_OK)
        APIGATEWAY_ANSWER_PAGE(rq, out, &all, shown);
    return rc;
}

vg_rc
apigatewayv2_update_deployment(struct vg_req *rq,
                               const struct apigatewayv2_update_deployment_request *in,
                               struct apigatewayv2_update_deployment_response *out)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    struct apigateway_rec_api *api;
    void *found;
    vg_rc rc = apigateway_edit_one(rq, in->api_id, APIGATEWAY_DEPLOYMENT, in->deployment_id, &at,
                                   &api, &found);
    if (rc != VG_OK)
        return rc;
    struct apigateway_rec_deployment *rec = found;
    if (in->description.ptr != NULL)
        rec->description = in->description;
    apigateway_kv_put(&at, APIGATEWAY_DEPLOYMENT, rec->id, rec);
    rc = apigateway_kv_commit(&at);
    if (rc != VG_OK)
        return rc;
    struct apigatewayv2_deployment d = shown(rq, rec);
    APIGATEWAY_ANSWER(out, &d);
    return VG_OK;
}

vg_rc
apigatewayv2_delete_deployment(struct vg_req *rq,
                               const struct apigatewayv2_delete_deployment_request *in)
{
    apigateway_auto_at struct apigateway_at at = { 0 };
    struct apigateway_rec_api *api;
    struct apigateway_found stages;
    void *found;
    vg_rc rc = apigateway_edit_one(rq, in->api_id, APIGATEWAY_DEPLOYMENT, in->deployment_id, &at,
                                   &api, &found);
    if (rc == VG_OK)
        rc = apigateway_kv_list(&at, APIGATEWAY_STAGE, VG_STR_NONE, 0, &stages);
    if (rc != VG_OK)
        return rc;
    for (size_t i = 0; i < stages.len; i++) {
        const struct apigateway_rec_stage *stage = stages.items[i];
        if (vg_str_eq(stage->deployment_id, in->deployment_id))
            return apigatewayv2_fail_bad_request_exception(
                rq, "Active stages pointing to this deployment must be moved or deleted");
    }
    apigateway_kv_del(&at, APIGATEWAY_SNAPSHOT, in->deployment_id);
    apigateway_kv_del(&at, APIGATEWAY_DEPLOYMENT, in->deployment_id);
    return apigateway_kv_commit(&at);
}
