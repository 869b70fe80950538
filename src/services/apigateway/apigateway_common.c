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

vg_rc
apigateway_edit_one(struct vg_req *rq, struct vg_str api_id, enum apigateway_kind kind,
                    struct vg_str id, struct apigateway_at *at, struct apigateway_rec_api **ret_api,
                    void **ret)
{
    vg_rc rc = apigateway_edit(rq, api_id, at, ret_api);
    return rc == VG_OK ? apigateway_need(at, kind, id, ret) : rc;
}

vg_rc
apigateway_finish(struct apigateway_at *at, const struct apigateway_rec_api *api,
                  enum apigateway_kind kind, struct vg_str id, const void *rec)
{
    if (rec != NULL)
        apigateway_kv_put(at, kind, id, rec);
    else
        apigateway_kv_del(at, kind, id);
    vg_rc rc = apigateway_auto_deploy(at, api);
    return rc == VG_OK ? apigateway_kv_commit(at) : rc;
}

vg_rc
apigateway_read(struct vg_req *rq, struct vg_str api_id, enum apigateway_kind kind,
                struct vg_str id, void **ret)
{
    struct apigateway_at at = apigateway_at_of(rq, api_id);
    struct apigateway_rec_api *api;
    vg_rc rc = apigateway_need_api(&at, &api);
    return rc == VG_OK ? apigateway_need(&at, kind, id, ret) : rc;
}

struct vg_str
apigateway_new_id(struct vg_req *rq, size_t chars)
{
    return vg_random_text(rq->env->random, rq->arena, VG_STR(""), VG_ALPHA_LOWER, chars);
}

struct page {
    uint32_t max;
    struct vg_str after;
};

static vg_rc
page_of(struct vg_req *rq, struct vg_str max_results, struct vg_str next_token, struct page *ret)
{
    struct page page = { .max = PAGE_DEFAULT };
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

vg_rc
apigateway_read_page(struct vg_req *rq, struct vg_str api_id, enum apigateway_kind kind,
                     struct vg_str max_results, struct vg_str next_token,
                     struct apigateway_found *ret, struct vg_str *ret_next)
{
    struct apigateway_at at = apigateway_at_of(rq, api_id);
    struct apigateway_rec_api *api;
    struct page page = { 0 };
    vg_rc rc = kind == APIGATEWAY_API ? VG_OK : apigateway_need_api(&at, &api);
    if (rc == VG_OK)
        rc = page_of(rq, max_results, next_token, &page);
    if (rc == VG_OK)
        rc = apigateway_kv_list(&at, kind, page.after, page.max, ret);
    if (rc == VG_OK && ret->has_more)
        *ret_next = vg_base64_encode(rq->arena, apigateway_rec_id(ret->items[ret->len - 1]));
    return rc;
}

vg_rc
apigateway_refuse(struct vg_req *rq, bool is_given, const char *member, const char *why)
{
    if (!is_given)
        return VG_OK;
    return apigatewayv2_fail_bad_request_exception(rq, "%s is not supported: %s", member, why);
}

vg_rc
apigateway_refuse_any(struct vg_req *rq, const struct apigateway_refusal *table, size_t n)
{
    vg_rc rc = VG_OK;
    for (size_t i = 0; rc == VG_OK && i < n; i++)
        rc = apigateway_refuse(rq, table[i].is_given, table[i].member, table[i].why);
    return rc;
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

vg_rc
apigateway_put_tags(struct vg_req *rq, struct apigateway_pair_vec *to,
                    const struct apigatewayv2_tags *tags)
{
    for (size_t i = 0; i < tags->len; i++) {
        if (vg_str_starts_nocase(tags->items[i].key, VG_STR("aws:")))
            return apigatewayv2_fail_bad_request_exception(
                rq, "Tag keys must not begin with the reserved prefix aws:");
        apigateway_pairs_lay(rq->arena, to, tags->items[i].key, VG_STR_NONE);
        *VG_VEC_ADD(rq->arena, to) = (struct apigateway_rec_pair) {
            .name = tags->items[i].key,
            .value = tags->items[i].value,
        };
        if (to->len > APIGATEWAY_LIMIT_TAGS)
            return apigatewayv2_fail_bad_request_exception(rq, "A resource has at most %d tags",
                                                           APIGATEWAY_LIMIT_TAGS);
    }
    return VG_OK;
}
