/* SPDX-License-Identifier: Apache-2.0 */

/* The service: its data plane, its caches. */

#include "services/apigateway/apigateway_int.h"

#include "auth/cache.h"
#include "core/authz.h"
#include "os/clock.h"

#include <pthread.h>
#include <stdlib.h>

/*
 * Token buckets of stages' throttling settings.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html: the rate
 * fills, the burst is the bucket's size.  In memory, by the monotonic clock: a restart fills them.
 * A fixed table; a slot of the 8 a key may take that was idle longest is given to a new key.
 */
#define BUCKETS 4096u
#define PROBES  8u

struct bucket {
    uint64_t key; /* hash; 0: free */
    double tokens;
    int64_t at_us;
};

struct apigateway_svc {
    struct vg_cache *served;
    pthread_mutex_t lock; /* of buckets */
    struct bucket buckets[BUCKETS];
};

static vg_rc
init(const struct vg_env *env, void **ret_svc, struct vg_err *err)
{
    (void)env, (void)err;
    struct apigateway_svc *svc = vg_xalloc(sizeof(*svc));
    pthread_mutex_init(&svc->lock, NULL);
    svc->served = vg_cache_new(APIGATEWAY_CACHE_ENTRIES);
    *ret_svc = svc;
    return VG_OK;
}

static void
fini(void *arg)
{
    struct apigateway_svc *svc = arg;
    if (svc == NULL)
        return;
    vg_cache_free(svc->served);
    pthread_mutex_destroy(&svc->lock);
    free(svc);
}

struct vg_cache *
apigateway_svc_cache(struct apigateway_svc *svc)
{
    return svc->served;
}

/* --- throttling ---------------------------------------------------------------------------------
 */

static struct bucket *
bucket_of(struct apigateway_svc *svc, uint64_t key, double full, int64_t now_us)
{
    struct bucket *oldest = NULL;
    for (size_t i = 0; i < PROBES; i++) {
        struct bucket *b = &svc->buckets[(key + i) % BUCKETS];
        if (b->key == key)
            return b;
        if (oldest == NULL || b->at_us < oldest->at_us)
            oldest = b;
    }
    *oldest = (struct bucket) { .key = key, .tokens = full, .at_us = now_us };
    return oldest;
}

bool
apigateway_throttle_take(struct apigateway_svc *svc, const struct apigateway_at *at,
                         const struct apigateway_rec_stage *stage, struct vg_str route_key)
{
    struct vg_opt_i64 burst = { 0 };
    struct vg_opt_f64 rate = { 0 };
    if (stage->throttle != NULL) {
        burst = stage->throttle->burst;
        rate = stage->throttle->rate;
    }
    for (size_t i = 0; i < stage->route_throttles.len; i++) {
        const struct apigateway_rec_throttle *t = &stage->route_throttles.items[i];
        if (!vg_str_eq(t->route_key, route_key))
            continue;
        burst = t->burst.set ? t->burst : burst;
        rate = t->rate.set ? t->rate : rate;
    }
    if (!burst.set && !rate.set)
        return true;
    /* One given alone: the bucket holds one second's worth, or is filled in one second. */
    double full = burst.set ? (double)burst.v : VG_MAX(rate.v, 1.0);
    double per_s = rate.set ? rate.v : (double)burst.v;
    struct vg_str name = vg_str_fmt(at->rq->arena, "%" VG_FMT "/%" VG_FMT "/%" VG_FMT,
                                    VG_ARG(at->api_id), VG_ARG(stage->name), VG_ARG(route_key));
    int64_t now_us = vg_mono_us();
    pthread_mutex_lock(&svc->lock);
    struct bucket *b = bucket_of(svc, vg_str_hash(name) | 1, full, now_us);
    b->tokens += (double)(now_us - b->at_us) / 1e6 * per_s;
    b->tokens = VG_MIN(b->tokens, full);
    b->at_us = now_us;
    bool is_allowed = b->tokens >= 1;
    if (is_allowed)
        b->tokens -= 1;
    pthread_mutex_unlock(&svc->lock);
    return is_allowed;
}

/* Tags of an API, for aws:ResourceTag: arn:aws:apigateway:region::/apis/ID[/…]. */
static vg_rc
resource(struct vg_req *rq, struct vg_str arn, struct vg_resource *ret)
{
    struct apigateway_at at;
    struct apigateway_rec_api *api;
    void *found = NULL;
    bool is_there = false;
    size_t slash = vg_str_find(arn, VG_STR("::/apis/"));
    if (slash == VG_NPOS)
        return VG_OK;
    struct vg_str rest = vg_str_slice(arn, slash + sizeof("::/apis/") - 1, arn.len);
    vg_rc rc = apigateway_at_find(rq, vg_str_cut(&rest, '/'), &at, &is_there);
    if (rc == VG_OK && is_there)
        rc = apigateway_kv_get(&at, APIGATEWAY_API, at.api_id, &found);
    if (rc != VG_OK || found == NULL)
        return rc;
    api = found;
    struct vg_tag *tags = VG_NEW_ARRAY(rq->arena, struct vg_tag, api->tags.len + 1);
    for (size_t i = 0; i < api->tags.len; i++)
        tags[i] = (struct vg_tag) { api->tags.items[i].name, api->tags.items[i].value };
    ret->owner = at.account;
    ret->tags = tags;
    ret->n_tags = api->tags.len;
    return VG_OK;
}

/* --- the service --------------------------------------------------------------------------------
 */

static const struct vg_plane planes[] = {
    { .name = "execute-api", .match = apigateway_plane_match, .serve = apigateway_plane_serve },
};

const struct vg_service apigateway_service = {
    .name = "apigateway",
    .ops = apigateway_ops,
    .planes = planes,
    .n_planes = VG_COUNT(planes),
    .init = init,
    .resource = resource,
    .fini = fini,
};
