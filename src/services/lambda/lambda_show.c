/* SPDX-License-Identifier: Apache-2.0 */

/* What shows functions: one, its configuration, all. */

#include "core/env.h"
#include "services/lambda/lambda_int.h"

vg_rc
lambda_load(struct vg_req *rq, const struct lambda_name *name, struct lambda_rec_function *ret)
{
    struct vg_str q = name->qualifier;
    bool is_known = !q.ptr || vg_str_eq(q, LAMBDA_LATEST) || lambda_is_version(q);
    vg_rc rc = is_known ? lambda_store_get(rq, name->name, q, ret) : VG_OK;
    if (rc == VG_OK && (!is_known || !ret->name.ptr))
        return lambda_not_found(rq, lambda_arn(rq, name->name, q));
    return rc;
}

vg_rc
lambda_get_function_configuration(struct vg_req *rq,
                                  const struct lambda_get_function_configuration_request *in,
                                  struct lambda_function_configuration *out)
{
    struct lambda_name name;
    struct lambda_rec_function fn;
    vg_rc rc = lambda_resolve(rq, in->function_name, in->qualifier, &name);
    if (rc == VG_OK)
        rc = lambda_load(rq, &name, &fn);
    if (rc == VG_OK)
        lambda_config_render(rq, &fn, name.qualifier.ptr != NULL, out);
    return rc;
}

vg_rc
lambda_get_function(struct vg_req *rq, const struct lambda_get_function_request *in,
                    struct lambda_get_function_response *out)
{
    struct lambda_name name;
    struct lambda_rec_function fn, latest;
    vg_rc rc = lambda_resolve(rq, in->function_name, in->qualifier, &name);
    if (rc == VG_OK)
        rc = lambda_load(rq, &name, &fn);
    if (rc == VG_OK)
        rc = lambda_store_get(rq, name.name, LAMBDA_LATEST, &latest);
    if (rc != VG_OK)
        return rc;
    out->configuration = VG_NEW(rq->arena, struct lambda_function_configuration);
    lambda_config_render(rq, &fn, name.qualifier.ptr != NULL, out->configuration);
    out->code = VG_NEW(rq->arena, struct lambda_function_code_location);
    out->code->repository_type = VG_STR("S3");
    out->code->location = vg_str_fmt(
        rq->arena,
        "%" VG_FMT "/_virga/lambda/code/%" VG_FMT "/%" VG_FMT "/%" VG_FMT "/%" VG_FMT "/%" VG_FMT,
        VG_ARG(rq->env->config->endpoint), VG_ARG(rq->scope->owner), VG_ARG(rq->scope->region),
        VG_ARG(fn.name), VG_ARG(fn.version), VG_ARG(fn.code_id));
    if (latest.tags.len > 0) {
        out->tags.items = VG_NEW_ARRAY(rq->arena, struct lambda_tags__entry, latest.tags.len);
        for (size_t i = 0; i < latest.tags.len; i++)
            out->tags.items[out->tags.len++] =
                (struct lambda_tags__entry) { .key = latest.tags.items[i].key,
                                              .value = latest.tags.items[i].value };
    }
    if (latest.reserved.set) {
        out->concurrency = VG_NEW(rq->arena, struct lambda_concurrency);
        out->concurrency->reserved_concurrent_executions = latest.reserved;
    }
    return VG_OK;
}

vg_rc
lambda_list_functions(struct vg_req *rq, const struct lambda_list_functions_request *in,
                      struct lambda_list_functions_response *out)
{
    if (in->master_region.len > 0 && !vg_str_eq(in->master_region, VG_STR("ALL"))
        && !vg_str_eq(in->master_region, rq->scope->region))
        return VG_OK; /* Lambda@Edge replicas of another region: there are none */
    uint32_t max = VG_MIN((uint32_t)vg_opt_or(in->max_items, LAMBDA_PAGE), LAMBDA_PAGE);
    bool want_all = in->function_version.text.len > 0;
    struct lambda_rec_function *fns;
    size_t n;
    bool has_more;
    vg_rc rc = lambda_store_list(rq, in->marker.len > 0 ? in->marker : VG_STR_NONE, max, &fns, &n,
                                 &has_more);
    if (rc != VG_OK)
        return rc;
    VG_VEC(struct lambda_function_configuration) list = { 0 };
    for (size_t i = 0; i < n; i++) {
        struct lambda_rec_function *v = NULL;
        size_t n_versions = 0;
        bool more_versions;
        lambda_config_render(rq, &fns[i], want_all, VG_VEC_ADD(rq->arena, &list));
        if (want_all)
            rc = lambda_store_versions(rq, fns[i].name, 0, 1000, &v, &n_versions, &more_versions);
        if (rc != VG_OK)
            return rc;
        for (size_t k = 0; k < n_versions; k++)
            lambda_config_render(rq, &v[k], true, VG_VEC_ADD(rq->arena, &list));
    }
    out->functions.items = list.items;
    out->functions.len = list.len;
    out->functions.set = true;
    if (has_more && n > 0)
        out->next_marker = fns[n - 1].name;
    return VG_OK;
}
