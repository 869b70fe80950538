/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Keys and records of API Gateway.
 *
 * Partition ("apigateway", account, region) holds ("api", id) and ("of", api id, kind, id): all of
 * an API's parts lie together.  Partition ("apigateway-places") says where the API of an id is.
 */

#include "services/apigateway/apigateway_int.h"
#include "store/key.h"

struct kind_row {
    const char *name;
    const struct vg_record *desc;
};

static const struct kind_row kinds[] = {
    [APIGATEWAY_API] = { "api", &apigateway_rec_api__desc },
    [APIGATEWAY_ROUTE] = { "route", &apigateway_rec_route__desc },
    [APIGATEWAY_INTEGRATION] = { "integration", &apigateway_rec_integration__desc },
    [APIGATEWAY_STAGE] = { "stage", &apigateway_rec_stage__desc },
    [APIGATEWAY_DEPLOYMENT] = { "deployment", &apigateway_rec_deployment__desc },
    [APIGATEWAY_SNAPSHOT] = { "snapshot", &apigateway_rec_snapshot__desc },
};

/* A snapshot of 300 routes and 300 integrations with long URIs and mappings. */
#define RECORD_MAX_BYTES (4u << 20)
#define SCAN_MAX_BYTES   (64u << 20)

static struct vg_str
part_of(struct vg_arena *arena, struct vg_str account, struct vg_str region)
{
    return vg_key_of(arena, VG_STR("apigateway"), account, region);
}

static struct vg_str
places_part(struct vg_arena *arena)
{
    return vg_key_of(arena, VG_STR("apigateway-places"));
}

static struct vg_str
prefix_of(const struct apigateway_at *at, enum apigateway_kind kind)
{
    struct vg_arena *arena = at->rq->arena;
    if (kind == APIGATEWAY_API)
        return vg_key_of(arena, VG_STR("api"));
    return vg_key_of(arena, VG_STR("of"), at->api_id, vg_str_of(kinds[kind].name));
}

static struct vg_str
key_of(const struct apigateway_at *at, enum apigateway_kind kind, struct vg_str id)
{
    struct vg_arena *arena = at->rq->arena;
    if (kind == APIGATEWAY_API)
        return vg_key_of(arena, VG_STR("api"), id);
    return vg_key_of(arena, VG_STR("of"), at->api_id, vg_str_of(kinds[kind].name), id);
}

struct apigateway_at
apigateway_at_of(struct vg_req *rq, struct vg_str api_id)
{
    const struct vg_scope *scope = rq->scope;
    return (struct apigateway_at) {
        .rq = rq,
        .account = scope->owner,
        .region = scope->region,
        .part = part_of(rq->arena, scope->owner, scope->region),
        .api_id = api_id,
    };
}

vg_rc
apigateway_at_find(struct vg_req *rq, struct vg_str api_id, struct apigateway_at *ret,
                   bool *ret_found)
{
    struct vg_str bytes;
    struct apigateway_rec_place place;
    vg_rc rc =
        vg_kv_get(rq->sess, places_part(rq->arena), vg_key_of(rq->arena, api_id), &bytes, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret_found = bytes.ptr != NULL;
    if (bytes.ptr == NULL)
        return VG_OK;
    rc = apigateway_rec_place_decode(rq->arena, bytes, &place, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret = (struct apigateway_at) {
        .rq = rq,
        .account = place.account,
        .region = place.region,
        .part = part_of(rq->arena, place.account, place.region),
        .api_id = api_id,
    };
    return VG_OK;
}

vg_rc
apigateway_kv_begin(struct apigateway_at *at)
{
    return vg_tx_open(at->rq, at->part, &at->tx);
}

vg_rc
apigateway_kv_commit(struct apigateway_at *at)
{
    return vg_tx_commit(&at->tx, at->rq->err);
}

void
apigateway_at_end(struct apigateway_at *at)
{
    vg_tx_abort(at->tx);
    at->tx = NULL;
}

static vg_rc
decode(const struct apigateway_at *at, enum apigateway_kind kind, struct vg_str bytes, void **ret)
{
    void *rec = vg_arena_alloc(at->rq->arena, kinds[kind].desc->size);
    vg_rc rc = vg_record_decode(kinds[kind].desc, at->rq->arena, bytes, rec, at->rq->err);
    if (rc == VG_OK)
        *ret = rec;
    return rc;
}

vg_rc
apigateway_kv_get(const struct apigateway_at *at, enum apigateway_kind kind, struct vg_str id,
                  void **ret)
{
    struct vg_str bytes, key = key_of(at, kind, id);
    vg_rc rc = at->tx ? vg_tx_get(at->tx, at->part, key, &bytes, at->rq->err)
                      : vg_kv_get(at->rq->sess, at->part, key, &bytes, at->rq->err);
    *ret = NULL;
    if (rc != VG_OK || bytes.ptr == NULL)
        return rc;
    return decode(at, kind, bytes, ret);
}

vg_rc
apigateway_kv_get_snapshot(const struct apigateway_at *at, struct vg_str id, struct vg_arena *arena,
                           struct apigateway_rec_snapshot *ret, bool *ret_found)
{
    struct vg_str bytes;
    vg_rc rc =
        vg_kv_get(at->rq->sess, at->part, key_of(at, APIGATEWAY_SNAPSHOT, id), &bytes, at->rq->err);
    if (rc != VG_OK)
        return rc;
    *ret_found = bytes.ptr != NULL;
    return bytes.ptr == NULL
               ? VG_OK
               : apigateway_rec_snapshot_decode(arena, vg_str_dup(arena, bytes), ret, at->rq->err);
}

void
apigateway_kv_put(const struct apigateway_at *at, enum apigateway_kind kind, struct vg_str id,
                  const void *rec)
{
    struct vg_buf buf;
    vg_buf_init(&buf, at->rq->arena, RECORD_MAX_BYTES);
    vg_record_encode(kinds[kind].desc, rec, &buf);
    VG_ASSERT(!buf.over);
    vg_tx_put(at->tx, at->part, key_of(at, kind, id), vg_buf_str(&buf));
}

void
apigateway_kv_del(const struct apigateway_at *at, enum apigateway_kind kind, struct vg_str id)
{
    vg_tx_del(at->tx, at->part, key_of(at, kind, id));
}

void
apigateway_kv_put_place(const struct apigateway_at *at)
{
    struct vg_buf buf;
    struct apigateway_rec_place place = { .account = at->account, .region = at->region };
    vg_buf_init(&buf, at->rq->arena, RECORD_MAX_BYTES);
    apigateway_rec_place_encode(&place, &buf);
    vg_tx_put(at->tx, places_part(at->rq->arena), vg_key_of(at->rq->arena, at->api_id),
              vg_buf_str(&buf));
}

static vg_rc
scan(const struct apigateway_at *at, const struct vg_range *range, struct vg_page *ret)
{
    return at->tx ? vg_tx_scan(at->tx, at->part, range, ret, at->rq->err)
                  : vg_kv_scan(at->rq->sess, at->part, range, ret, at->rq->err);
}

vg_rc
apigateway_kv_del_api(const struct apigateway_at *at)
{
    struct vg_arena *arena = at->rq->arena;
    struct vg_range range = vg_key_range(arena, vg_key_of(arena, VG_STR("of"), at->api_id));
    struct vg_page page = { .has_more = true };
    while (page.has_more) {
        vg_rc rc = scan(at, &range, &page);
        if (rc != VG_OK)
            return rc;
        for (size_t i = 0; i < page.len; i++)
            vg_tx_del(at->tx, at->part, page.rows[i].key);
    }
    apigateway_kv_del(at, APIGATEWAY_API, at->api_id);
    vg_tx_del(at->tx, places_part(arena), vg_key_of(arena, at->api_id));
    return VG_OK;
}

_Static_assert(offsetof(struct apigateway_rec_api, id) == 0, "see apigateway_rec_id()");
_Static_assert(offsetof(struct apigateway_rec_route, id) == 0, "see apigateway_rec_id()");
_Static_assert(offsetof(struct apigateway_rec_integration, id) == 0, "see apigateway_rec_id()");
_Static_assert(offsetof(struct apigateway_rec_stage, name) == 0, "see apigateway_rec_id()");
_Static_assert(offsetof(struct apigateway_rec_deployment, id) == 0, "see apigateway_rec_id()");

struct vg_str
apigateway_rec_id(const void *rec)
{
    return *(const struct vg_str *)rec;
}

vg_rc
apigateway_kv_list(const struct apigateway_at *at, enum apigateway_kind kind, struct vg_str after,
                   uint32_t max, struct apigateway_found *ret)
{
    struct vg_arena *arena = at->rq->arena;
    struct vg_range range = vg_key_range(arena, prefix_of(at, kind));
    struct vg_page page;
    if (after.ptr != NULL)
        range.from = vg_key_range(arena, key_of(at, kind, after)).to;
    range.max = max;
    range.max_bytes = SCAN_MAX_BYTES;
    vg_rc rc = scan(at, &range, &page);
    if (rc != VG_OK)
        return rc;
    ret->items = VG_NEW_ARRAY(arena, void *, page.len + 1);
    ret->len = page.len;
    ret->has_more = page.has_more;
    for (size_t i = 0; i < page.len; i++) {
        rc = decode(at, kind, page.rows[i].value, &ret->items[i]);
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}
