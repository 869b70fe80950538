/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Deployments by id, decoded and compiled, so that a request to the data plane does neither.
 *
 * Invalidation: none is needed while the store goes on.  A snapshot is never changed once written,
 * and a request reads the stage, hence the deployment's id, from the store each time; so whoever
 * has seen the reply of an update is served by the new deployment.  What was deleted is not asked
 * for any more and goes when the cache is full.  Entries are of one epoch of the store: when it was
 * opened again after a disk error, what had been read before may never have been written.
 */

#include "services/apigateway/apigateway_int.h"

#include "auth/cache.h"
#include "core/env.h"

static void
free_arena(void *arg)
{
    vg_arena_free(arg);
}

/* NULL: there is none. On failure rq->err is set. */
static vg_rc
load(const struct apigateway_at *at, struct vg_str id, struct vg_arena *arena,
     struct apigateway_served **ret)
{
    struct apigateway_served *s = VG_NEW(arena, struct apigateway_served);
    bool is_found = false;
    *ret = NULL;
    vg_rc rc = apigateway_kv_get_snapshot(at, id, arena, &s->snap, &is_found);
    if (rc != VG_OK || !is_found)
        return rc;
    size_t n = s->snap.routes.len;
    struct apigateway_route_key *keys =
        VG_NEW_ARRAY(at->rq->arena, struct apigateway_route_key, n + 1);
    for (size_t i = 0; i < n; i++)
        VG_ASSERT(apigateway_route_key_parse(s->snap.routes.items[i].key, &keys[i]));
    s->routes = apigateway_routes_compile(arena, keys, n);
    *ret = s;
    return VG_OK;
}

vg_rc
apigateway_served_find(const struct apigateway_at *at, struct vg_str deployment_id,
                       const struct apigateway_served **ret)
{
    struct vg_req *rq = at->rq;
    struct vg_cache *cache = apigateway_svc_cache(rq->svc);
    struct vg_str key =
        vg_str_fmt(rq->arena, "%" VG_FMT "/%" VG_FMT, VG_ARG(at->api_id), VG_ARG(deployment_id));
    uint64_t epoch = vg_kv_epoch(rq->env->kv);
    struct apigateway_served *found;
    *ret = vg_cache_get(cache, rq->sess, key, epoch);
    if (*ret != NULL)
        return VG_OK;
    struct vg_arena *arena = vg_arena_new(0);
    vg_rc rc = load(at, deployment_id, arena, &found);
    if (rc != VG_OK || found == NULL) {
        vg_arena_free(arena);
        return rc;
    }
    if (vg_arena_bytes(arena) > APIGATEWAY_CACHE_MAX_BYTES)
        vg_arena_defer(rq->arena, free_arena, arena);
    else
        vg_cache_put(cache, rq->sess, key, epoch, arena, found, rq->sess->seen_seq);
    *ret = found;
    return VG_OK;
}
