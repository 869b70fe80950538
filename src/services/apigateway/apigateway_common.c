/* SPDX-License-Identifier: Apache-2.0 */

/* What several operations need: finding things, ids, pages, refusals. */

#include "services/apigateway/apigateway_int.h"

#include "codec/base64.h"
#include "crypto/random.h"

#define PAGE_DEFAULT 100
#define PAGE_MAX     500

vg_rc
apigateway_need_api(struct apigateway_at *at, struct apigateway_rec_api **ret)
{
    void *rec = NULL;
    vg_rc rc = apigateway_kv_get(at, APIGATEWAY_API, at->api_id, &rec);
    if (rc != VG_OK)
        return rc;
    if (rec == NULL)
        return apigatewayv2_fail_not_found_exception(
            at->rq, "Invalid API identifier specified %" VG_FMT ":%" VG_FMT, VG_ARG(at->account),
            VG_ARG(at->api_id));
    *ret = rec;
    return VG_OK;
}

vg_rc
apigateway_edit(struct vg_req *rq, struct vg_str api_id, struct apigateway_at *at,
                struct apigateway_rec_api **ret)
{
    *at = apigateway_at_of(rq, api_id);
    vg_rc rc = apigateway_kv_begin(at);
    return rc == VG_OK ? apigateway_need_api(at, ret) : rc;
}

vg_rc
apigateway_need(const struct apigateway_at *at, enum apigateway_kind kind, struct vg_str id,
                void **ret)
{
    static const char *const names[] = {
        [APIGATEWAY_ROUTE] = "Route",
        [APIGATEWAY_INTEGRATION] = "Integration",
        [APIGATEWAY_STAGE] = "Stage",
        [APIGATEWAY_DEPLOYMENT] = "Deployment",
    };
    void *rec = NULL;
    vg_rc rc = apigateway_kv_get(at, kind, id, &rec);
    if (rc != VG_OK)
        return rc;
    if (rec == NULL)
        return apigatewayv2_fail_not_found_exception(
            at->rq, "Invalid %s identifier specified %" VG_FMT, names[kind], VG_ARG(id));
    *ret = rec;
    return VG_OK;
}

struct vg_str
apigateway_new_id(struct vg_req *rq, size_t chars)
{
    return vg_random_text(rq->env->random, rq->arena, VG_STR(""), VG_ALPHA_LOWER, chars);
}

vg_rc
apigateway_page_of(struct vg_req *rq, struct vg_str max_results, struct vg_str next_token,
                   struct apigateway_page *ret)
{
    struct apigateway_page page = { .max = PAGE_DEFAULT };
    if (max_results.ptr != NULL) {
        int64_t max = 0;
        if (!vg_str_to_i64(max_results, &max) || max < 1)
            return apigatewayv2_fail_bad_request_exception(rq, "Invalid maxResults specified");
        page.max = (uint32_t)VG_MIN(max, PAGE_MAX);
    }
    if (next_token.ptr != NULL && !vg_base64_decode(rq->arena, next_token, &page.after))
        return apigatewayv2_fail_bad_request_exception(rq, "Invalid nextToken specified");
    *ret = page;
    return VG_OK;
}

struct vg_str
apigateway_page_next(struct vg_req *rq, struct vg_str last_id)
{
    return vg_base64_encode(rq->arena, last_id);
}

vg_rc
apigateway_refuse(struct vg_req *rq, bool is_given, const char *member, const char *why)
{
    if (!is_given)
        return VG_OK;
    return apigatewayv2_fail_bad_request_exception(rq, "%s is not supported: %s", member, why);
}

void
apigateway_pairs_lay(struct vg_arena *arena, struct apigateway_pair_vec *to, struct vg_str name,
                     struct vg_str value)
{
    size_t kept = 0;
    for (size_t i = 0; i < to->len; i++)
        if (!vg_str_eq(to->items[i].name, name))
            to->items[kept++] = to->items[i];
    to->len = kept;
    if (value.len > 0)
        *VG_VEC_ADD(arena, to) = (struct apigateway_rec_pair) { .name = name, .value = value };
}
