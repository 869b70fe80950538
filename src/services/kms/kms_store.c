/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Keys and records of KMS.
 *
 *   ("kms", account, region)   ("key", id)                  key
 *                              ("alias", name)              alias
 *                              ("material", id, version)    material, sealed
 *                              ("grant", id, grant id)      grant
 *   ("kms-root", account)      ("root")                     the key that seals the material
 *
 * Encryption writes nothing, so that one partition for all keys of a place costs nobody a turn.
 */

#include "services/kms/kms_int.h"

#include "codec/json.h"
#include "core/env.h"
#include "core/kept_key.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/seal.h"
#include "crypto/secret.h"
#include "events/events.h"
#include "store/key.h"

#define RECORD_MAX_BYTES (256u << 10)
#define PAGE_ROWS        1000u

_Static_assert(KMS_KEY_BYTES == VG_SEAL_KEY_BYTES, "");

struct kms_place
kms_here(const struct vg_req *rq)
{
    return (struct kms_place) { rq->scope->owner, rq->scope->region };
}

static struct vg_str
part_of(struct vg_req *rq, const struct kms_place *at)
{
    return vg_key_of(rq->arena, VG_STR("kms"), at->account, at->region);
}

static struct vg_str
versioned(struct vg_req *rq, struct vg_str key_id, uint32_t version)
{
    struct vg_key k;
    vg_key_init(&k, rq->arena);
    vg_key_str(&k, VG_STR("material"));
    vg_key_str(&k, key_id);
    vg_key_i64(&k, version);
    return vg_key_done(&k);
}

/* `tx` NULL: the latest state. */
static vg_rc
get(struct vg_req *rq, struct vg_tx *tx, struct vg_str part, struct vg_str row,
    const struct vg_record *desc, void **ret)
{
    struct vg_str bytes;
    vg_rc rc = tx ? vg_tx_get(tx, part, row, &bytes, rq->err)
                  : vg_kv_get(rq->sess, part, row, &bytes, rq->err);
    return rc == VG_OK ? vg_record_new(desc, rq->arena, bytes, ret, rq->err) : rc;
}

#define KEY_ROW(arena, id)     vg_key_of((arena), VG_STR("key"), (id))
#define ALIAS_ROW(arena, name) vg_key_of((arena), VG_STR("alias"), (name))
#define ROOT_ROW(arena)        vg_key_of((arena), VG_STR("root"))

vg_rc
kms_store_key(struct vg_req *rq, const struct kms_place *at, struct vg_str id,
              struct kms_rec_key **ret)
{
    void *rec = NULL;
    vg_rc rc = get(rq, NULL, part_of(rq, at), KEY_ROW(rq->arena, id), &kms_rec_key__desc, &rec);
    *ret = rec;
    return rc;
}

vg_rc
kms_store_alias(struct vg_req *rq, const struct kms_place *at, struct vg_str name,
                struct kms_rec_alias **ret)
{
    void *rec = NULL;
    vg_rc rc =
        get(rq, NULL, part_of(rq, at), ALIAS_ROW(rq->arena, name), &kms_rec_alias__desc, &rec);
    *ret = rec;
    return rc;
}

vg_rc
kms_store_material(struct vg_req *rq, const struct kms_place *at, struct vg_str key_id,
                   uint32_t version, struct kms_rec_material **ret)
{
    void *rec = NULL;
    vg_rc rc = get(rq, NULL, part_of(rq, at), versioned(rq, key_id, version),
                   &kms_rec_material__desc, &rec);
    *ret = rec;
    return rc;
}

/* --- lists --------------------------------------------------------------------------------------
 */

static vg_rc
decode_page(struct vg_req *rq, const struct vg_page *page, const struct vg_record *desc,
            struct kms_page *ret)
{
    *ret = (struct kms_page) { .items = VG_NEW_ARRAY(rq->arena, void *, page->len + 1),
                               .len = page->len,
                               .has_more = page->has_more };
    for (size_t i = 0; i < page->len; i++) {
        vg_rc rc = vg_record_new(desc, rq->arena, page->rows[i].value, &ret->items[i], rq->err);
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

/* What lies below the key `under`, behind (under, after). */
static vg_rc
scan(struct vg_req *rq, const struct kms_place *at, struct vg_range range, uint32_t max,
     const struct vg_record *desc, struct kms_page *ret)
{
    struct vg_page page;
    range.max = max;
    vg_rc rc = vg_kv_scan(rq->sess, part_of(rq, at), &range, &page, rq->err);
    return rc == VG_OK ? decode_page(rq, &page, desc, ret) : rc;
}

static struct vg_range
named(struct vg_req *rq, struct vg_str kind, struct vg_str after)
{
    struct vg_range range = vg_key_range(rq->arena, vg_key_of(rq->arena, kind));
    if (after.ptr != NULL)
        range.from = vg_key_range(rq->arena, vg_key_of(rq->arena, kind, after)).to;
    return range;
}

vg_rc
kms_store_keys(struct vg_req *rq, struct vg_str after, uint32_t max, struct kms_page *ret)
{
    struct kms_place at = kms_here(rq);
    return scan(rq, &at, named(rq, VG_STR("key"), after), max, &kms_rec_key__desc, ret);
}

vg_rc
kms_store_aliases(struct vg_req *rq, const struct kms_place *at, struct vg_str after, uint32_t max,
                  struct kms_page *ret)
{
    return scan(rq, at, named(rq, VG_STR("alias"), after), max, &kms_rec_alias__desc, ret);
}

vg_rc
kms_store_materials(struct vg_req *rq, const struct kms_place *at, struct vg_str key_id,
                    struct kms_page *ret)
{
    struct vg_str under = vg_key_of(rq->arena, VG_STR("material"), key_id);
    return scan(rq, at, vg_key_range(rq->arena, under), PAGE_ROWS, &kms_rec_material__desc, ret);
}

static struct vg_str
grant_row(struct vg_req *rq, struct vg_str key_id, struct vg_str id)
{
    return vg_key_of(rq->arena, VG_STR("grant"), key_id, id);
}

vg_rc
kms_store_grants(struct vg_req *rq, const struct kms_place *at, struct vg_str key_id,
                 struct vg_str after_key, struct vg_str after, uint32_t max, struct kms_page *ret)
{
    struct vg_str under = key_id.ptr ? vg_key_of(rq->arena, VG_STR("grant"), key_id)
                                     : vg_key_of(rq->arena, VG_STR("grant"));
    struct vg_range range = vg_key_range(rq->arena, under);
    if (after.ptr != NULL)
        range.from = vg_key_range(rq->arena, grant_row(rq, after_key, after)).to;
    return scan(rq, at, range, max, &kms_rec_grant__desc, ret);
}

vg_rc
kms_store_grant(struct vg_req *rq, const struct kms_place *at, struct vg_str key_id,
                struct vg_str id, struct kms_rec_grant **ret)
{
    void *rec = NULL;
    vg_rc rc =
        get(rq, NULL, part_of(rq, at), grant_row(rq, key_id, id), &kms_rec_grant__desc, &rec);
    *ret = rec;
    return rc;
}

/* --- changes ------------------------------------------------------------------------------------
 */

vg_rc
kms_edit_begin(struct vg_req *rq, const struct kms_place *at, struct kms_edit *ret)
{
    *ret = (struct kms_edit) { .rq = rq, .at = *at, .part = part_of(rq, at) };
    return vg_tx_open(rq, ret->part, &ret->tx);
}

vg_rc
kms_edit_key(struct kms_edit *e, struct vg_str id, struct kms_rec_key **ret)
{
    void *rec = NULL;
    vg_rc rc = get(e->rq, e->tx, e->part, KEY_ROW(e->rq->arena, id), &kms_rec_key__desc, &rec);
    *ret = rec;
    return rc;
}

vg_rc
kms_edit_alias(struct kms_edit *e, struct vg_str name, struct kms_rec_alias **ret)
{
    void *rec = NULL;
    vg_rc rc =
        get(e->rq, e->tx, e->part, ALIAS_ROW(e->rq->arena, name), &kms_rec_alias__desc, &rec);
    *ret = rec;
    return rc;
}

void
kms_edit_put_key(struct kms_edit *e, const struct kms_rec_key *key)
{
    vg_tx_put(e->tx, e->part, KEY_ROW(e->rq->arena, key->id),
              vg_record_bytes(&kms_rec_key__desc, e->rq->arena, key, RECORD_MAX_BYTES));
}

void
kms_edit_put_alias(struct kms_edit *e, const struct kms_rec_alias *alias)
{
    vg_tx_put(e->tx, e->part, ALIAS_ROW(e->rq->arena, alias->name),
              vg_record_bytes(&kms_rec_alias__desc, e->rq->arena, alias, RECORD_MAX_BYTES));
}

void
kms_edit_del_alias(struct kms_edit *e, struct vg_str name)
{
    vg_tx_del(e->tx, e->part, ALIAS_ROW(e->rq->arena, name));
}

/* Calls fn for every row of a range of the edit's partition, as the transaction sees it. */
static vg_rc
each_row(struct kms_edit *e, struct vg_range range,
         vg_rc (*fn)(struct kms_edit *e, const struct vg_row *row, void *arg), void *arg)
{
    struct vg_page page = { .has_more = true };
    range.max = PAGE_ROWS;
    while (page.has_more) {
        vg_rc rc = vg_tx_scan(e->tx, e->part, &range, &page, e->rq->err);
        for (size_t i = 0; rc == VG_OK && i < page.len; i++)
            rc = fn(e, &page.rows[i], arg);
        if (rc != VG_OK)
            return rc;
        if (page.len == 0)
            break;
        range.from = vg_key_range(e->rq->arena, page.rows[page.len - 1].key).to;
    }
    return VG_OK;
}

static vg_rc
del_row(struct kms_edit *e, const struct vg_row *row, void *arg)
{
    (void)arg;
    vg_tx_del(e->tx, e->part, row->key);
    return VG_OK;
}

struct aliases {
    struct vg_str key_id;
    bool is_deleting;
    size_t n;
};

static vg_rc
on_alias(struct kms_edit *e, const struct vg_row *row, void *arg)
{
    struct aliases *a = arg;
    struct kms_rec_alias alias;
    vg_rc rc = kms_rec_alias_decode(e->rq->arena, row->value, &alias, e->rq->err);
    if (rc != VG_OK || !vg_str_eq(alias.key_id, a->key_id))
        return rc;
    a->n++;
    return a->is_deleting ? del_row(e, row, NULL) : VG_OK;
}

static vg_rc
aliases_of(struct kms_edit *e, struct aliases *a)
{
    struct vg_arena *arena = e->rq->arena;
    return each_row(e, vg_key_range(arena, vg_key_of(arena, VG_STR("alias"))), on_alias, a);
}

vg_rc
kms_edit_count_aliases(struct kms_edit *e, struct vg_str key_id, size_t *ret)
{
    struct aliases a = { .key_id = key_id };
    vg_rc rc = aliases_of(e, &a);
    *ret = a.n;
    return rc;
}

vg_rc
kms_edit_grant(struct kms_edit *e, struct vg_str key_id, struct vg_str id,
               struct kms_rec_grant **ret)
{
    void *rec = NULL;
    vg_rc rc = get(e->rq, e->tx, e->part, grant_row(e->rq, key_id, id), &kms_rec_grant__desc, &rec);
    *ret = rec;
    return rc;
}

struct named_grant {
    struct vg_str name;
    struct kms_rec_grant *found;
};

static vg_rc
on_grant(struct kms_edit *e, const struct vg_row *row, void *arg)
{
    struct named_grant *n = arg;
    void *rec;
    vg_rc rc = vg_record_new(&kms_rec_grant__desc, e->rq->arena, row->value, &rec, e->rq->err);
    if (rc == VG_OK && vg_str_eq(((struct kms_rec_grant *)rec)->name, n->name))
        n->found = rec;
    return rc;
}

vg_rc
kms_edit_grant_named(struct kms_edit *e, struct vg_str key_id, struct vg_str name,
                     struct kms_rec_grant **ret)
{
    struct named_grant n = { .name = name };
    struct vg_str under = vg_key_of(e->rq->arena, VG_STR("grant"), key_id);
    vg_rc rc = each_row(e, vg_key_range(e->rq->arena, under), on_grant, &n);
    *ret = n.found;
    return rc;
}

void
kms_edit_put_grant(struct kms_edit *e, const struct kms_rec_grant *grant)
{
    vg_tx_put(e->tx, e->part, grant_row(e->rq, grant->key_id, grant->id),
              vg_record_bytes(&kms_rec_grant__desc, e->rq->arena, grant, RECORD_MAX_BYTES));
}

void
kms_edit_del_grant(struct kms_edit *e, const struct kms_rec_grant *grant)
{
    vg_tx_del(e->tx, e->part, grant_row(e->rq, grant->key_id, grant->id));
}

vg_rc
kms_edit_purge_key(struct kms_edit *e, const struct kms_rec_key *key)
{
    struct vg_arena *arena = e->rq->arena;
    struct aliases a = { .key_id = key->id, .is_deleting = true };
    const struct kms_rec_key gone = { .id = key->id, .state = KMS_ENABLED };
    vg_tx_del(e->tx, e->part, KEY_ROW(arena, key->id));
    vg_rc rc = each_row(e, vg_key_range(arena, vg_key_of(arena, VG_STR("material"), key->id)),
                        del_row, NULL);
    if (rc == VG_OK)
        rc = each_row(e, vg_key_range(arena, vg_key_of(arena, VG_STR("grant"), key->id)), del_row,
                      NULL);
    if (rc == VG_OK)
        rc = aliases_of(e, &a);
    return rc == VG_OK ? kms_edit_set_timers(e, &gone) : rc;
}

vg_rc
kms_edit_commit(struct kms_edit *e)
{
    return vg_tx_commit(&e->tx, e->rq->err);
}

void
kms_edit_end(struct kms_edit *e)
{
    vg_tx_abort(e->tx);
    e->tx = NULL;
}

/* --- timers -------------------------------------------------------------------------------------
 */

/* due_ms INT64_MAX: none. */
static vg_rc
set_timer(struct kms_edit *e, const char *id, const char *op, struct vg_str key_id, int64_t due_ms)
{
    struct vg_req *rq = e->rq;
    struct vg_str name = vg_str_cat(rq->arena, vg_str_of(id), key_id);
    struct vg_buf buf;
    struct vg_json_out w;
    if (due_ms == INT64_MAX)
        return vg_timer_del(rq->env->events, e->tx, e->part, name, rq->err);
    vg_buf_init(&buf, rq->arena, 4096);
    vg_jsonw_init(&w, &buf);
    vg_jsonw_object(&w);
    vg_jsonw_kv(&w, VG_STR("Account"), e->at.account);
    vg_jsonw_kv(&w, VG_STR("Region"), e->at.region);
    vg_jsonw_kv(&w, VG_STR("KeyId"), key_id);
    vg_jsonw_object_end(&w);
    const struct vg_timer timer = { .part = e->part,
                                    .id = name,
                                    .op = vg_str_of(op),
                                    .payload = vg_buf_str(&buf),
                                    .due_ms = due_ms };
    return vg_timer_put(rq->env->events, e->tx, &timer, rq->err);
}

vg_rc
kms_edit_set_timers(struct kms_edit *e, const struct kms_rec_key *key)
{
    bool is_pending = key->state == KMS_PENDING_DELETION;
    bool is_rotating = key->state == KMS_ENABLED && key->rotation_days > 0;
    vg_rc rc = set_timer(e, "delete:", "kms/_DeleteKey", key->id,
                         is_pending ? key->deletion_ms : INT64_MAX);
    if (rc != VG_OK)
        return rc;
    return set_timer(e, "rotate:", "kms/_RotateKey", key->id,
                     is_rotating ? key->next_rotation_ms : INT64_MAX);
}

vg_rc
kms_edit_save(struct kms_edit *e, const struct kms_rec_key *key)
{
    kms_edit_put_key(e, key);
    vg_rc rc = kms_edit_set_timers(e, key);
    return rc == VG_OK ? kms_edit_commit(e) : rc;
}

/* --- material -----------------------------------------------------------------------------------
 */

static struct vg_str
material_label(struct vg_req *rq, struct vg_str key_id, uint32_t version)
{
    return vg_str_fmt(rq->arena, "kms material %" VG_FMT " %u", VG_ARG(key_id), version);
}

void
kms_edit_add_material(struct kms_edit *e, struct kms_rec_key *key,
                      const uint8_t root[KMS_KEY_BYTES], int64_t since_ms, enum kms_origin origin)
{
    struct vg_req *rq = e->rq;
    uint8_t bytes[KMS_KEY_BYTES], id[VG_SHA256_BYTES];
    vg_random_bytes(rq->env->random, id, sizeof(id));
    vg_random_bytes(rq->env->random, bytes, sizeof(bytes));
    key->version++;
    key->material_id = vg_hex(rq->arena, id, sizeof(id));
    const struct kms_rec_material m = {
        .version = key->version,
        .id = key->material_id,
        .sealed =
            vg_seal(rq->env->random, rq->arena, root, material_label(rq, key->id, key->version),
                    vg_str_n(bytes, sizeof(bytes))),
        .since_ms = since_ms,
        .origin = origin,
    };
    vg_zero(bytes, sizeof(bytes));
    vg_tx_put(e->tx, e->part, versioned(rq, key->id, key->version),
              vg_record_bytes(&kms_rec_material__desc, rq->arena, &m, RECORD_MAX_BYTES));
}

static struct vg_str
root_part(struct vg_req *rq, struct vg_str account)
{
    return vg_key_of(rq->arena, VG_STR("kms-root"), account);
}

vg_rc
kms_store_root(struct vg_req *rq, struct vg_str account, uint8_t ret[KMS_KEY_BYTES])
{
    return vg_kept_key(rq, root_part(rq, account), ROOT_ROW(rq->arena), account, ret);
}

vg_rc
kms_open_material(struct vg_req *rq, const struct kms_place *at, struct vg_str key_id,
                  const struct kms_rec_material *m, uint8_t ret[KMS_KEY_BYTES])
{
    uint8_t root[KMS_KEY_BYTES];
    struct vg_str plain;
    bool is_there;
    vg_rc rc = vg_kept_key_find(rq, root_part(rq, at->account), ROOT_ROW(rq->arena), at->account,
                                root, &is_there);
    if (rc == VG_OK && !is_there)
        return vg_err_set(rq->err, "the key that seals the material of account %" VG_FMT " is gone",
                          VG_ARG(at->account));
    if (rc != VG_OK)
        return rc;
    bool is_ours =
        vg_unseal(rq->arena, root, material_label(rq, key_id, m->version), m->sealed, &plain)
        && plain.len == KMS_KEY_BYTES;
    vg_zero(root, sizeof(root));
    if (!is_ours)
        return vg_err_set(rq->err, "the material of key %" VG_FMT " cannot be opened",
                          VG_ARG(key_id));
    memcpy(ret, plain.ptr, KMS_KEY_BYTES);
    vg_zero((void *)(uintptr_t)plain.ptr, plain.len);
    return VG_OK;
}
