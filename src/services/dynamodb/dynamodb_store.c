/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The keys of this service.
 *
 * Partitions begin with (dynamodb, account, region):
 *
 *   …                        key (table)                 record.table
 *   …, id, "t", slot         key (hash, pk[, sk])        an item
 *                            key ("c", pk)               bytes of a collection
 *   …, id, "x", index, slot  key (hash, ipk[, isk], pk[, sk])
 *   …, id, "stat"            key (index or 0, "n" or "b")
 *   …, "token", slot         key ("t", client request token), ("e", time, token)
 *
 * `id` is unique for ever, so what is left of a deleted table is out of reach at once.  `hash` is
 * 32 bits of the partition key's hash, of which the highest are the slot: scans go in its order,
 * and a segment of a parallel scan is a range of it.  Entries of an index hold the projected
 * attributes; only the holder of the item's slot writes them, for their keys end with the item's
 * own.
 */

#include "core/meter.h"
#include "services/dynamodb/dynamodb_int.h"
#include "store/key.h"

#define ITEM_FORMAT 1

static const struct vg_str root = VG_STR_INIT("dynamodb");

struct vg_str
dynamodb_store_tables_part(struct vg_arena *arena, struct vg_str account, struct vg_str region)
{
    return vg_key_of(arena, root, account, region);
}

/* A slot of a table, or of one of its indexes (0: the table itself). */
static struct vg_str
slot_part(struct vg_arena *arena, struct vg_str account, struct vg_str region, struct vg_str id,
          uint32_t index_id, uint32_t slot)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_str(&k, root);
    vg_key_str(&k, account);
    vg_key_str(&k, region);
    vg_key_str(&k, id);
    vg_key_str(&k, index_id ? VG_STR("x") : VG_STR("t"));
    if (index_id)
        vg_key_i64(&k, index_id);
    vg_key_i64(&k, slot);
    return vg_key_done(&k);
}

static struct vg_str
stat_part(struct vg_arena *arena, struct vg_str account, struct vg_str region, struct vg_str id)
{
    return vg_key_of(arena, root, account, region, id, VG_STR("stat"));
}

void
dynamodb_store_parts(struct dynamodb_table *t)
{
    for (uint32_t slot = 0; slot < DYNAMODB_SLOTS; slot++) {
        t->parts[slot] = slot_part(t->arena, t->account, t->region, t->rec.id, 0, slot);
        for (size_t i = 0; i < t->n_indexes; i++)
            t->indexes[i].parts[slot] =
                slot_part(t->arena, t->account, t->region, t->rec.id, t->indexes[i].rec->id, slot);
    }
    t->stat_part = stat_part(t->arena, t->account, t->region, t->rec.id);
}

vg_rc
dynamodb_store_read_table(struct vg_req *rq, const struct dynamodb_table_name *name,
                          struct vg_str *ret, struct vg_err *err)
{
    struct vg_str part = dynamodb_store_tables_part(rq->arena, name->account, name->region);
    return vg_kv_get(rq->sess, part, vg_key_of(rq->arena, name->name), ret, err);
}

void
dynamodb_store_put_table(struct vg_tx *tx, struct vg_arena *arena, struct vg_str part,
                         const struct dynamodb_rec_table *rec)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 1u << 20);
    dynamodb_rec_table_encode(rec, &b);
    vg_tx_put(tx, part, vg_key_of(arena, rec->name), vg_buf_str(&b));
}

void
dynamodb_store_del_table(struct vg_tx *tx, struct vg_arena *arena, struct vg_str part,
                         struct vg_str name)
{
    vg_tx_del(tx, part, vg_key_of(arena, name));
}

vg_rc
dynamodb_store_list_tables(struct vg_req *rq, struct vg_str part, struct vg_str from, uint32_t max,
                           struct vg_page *ret, struct vg_str **ret_names)
{
    struct vg_range range = { .max = max };
    if (from.ptr)
        range.from = vg_key_range(rq->arena, vg_key_of(rq->arena, from)).to;
    vg_rc rc = vg_kv_scan(rq->sess, part, &range, ret, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret_names = VG_NEW_ARRAY(rq->arena, struct vg_str, ret->len + 1);
    for (size_t i = 0; i < ret->len; i++) {
        struct vg_str key = ret->rows[i].key;
        if (!vg_key_take_str(rq->arena, &key, &(*ret_names)[i]))
            return vg_err_set(rq->err, "malformed key of a table");
    }
    return VG_OK;
}

/* Deletes all rows of a partition, some at a time. */
static vg_rc
drop_part(struct vg_req *rq, struct vg_str part)
{
    vg_auto_arena struct vg_arena *scratch = vg_arena_new(0);
    for (bool has_more = true; has_more;) {
        struct vg_sess sess;
        vg_arena_clear(scratch);
        vg_sess_init(&sess, rq->sess->kv, scratch);
        struct vg_range all = { .max = 500 };
        struct vg_page page;
        vg_rc rc = vg_kv_scan(&sess, part, &all, &page, rq->err);
        if (rc != VG_OK || page.len == 0)
            return rc;
        vg_auto_tx struct vg_tx *tx = NULL;
        rc = vg_kv_begin(&sess, &part, 1, &tx, rq->err);
        if (rc != VG_OK)
            return rc;
        for (size_t i = 0; i < page.len; i++)
            vg_tx_del(tx, part, page.rows[i].key);
        rc = vg_tx_commit(&tx, rq->err);
        if (rc != VG_OK)
            return rc;
        rq->sess->seen_seq = VG_MAX(rq->sess->seen_seq, sess.seen_seq);
        has_more = page.has_more;
    }
    return VG_OK;
}

static struct vg_str
counter_key(struct vg_arena *arena, int64_t index_id, struct vg_str what)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_i64(&k, index_id);
    vg_key_str(&k, what);
    return vg_key_done(&k);
}

/* The meter's name of a table, its indexes included. */
static struct vg_str
metered_as(struct vg_arena *arena, struct vg_str table_name)
{
    return vg_str_cat(arena, VG_STR("table/"), table_name);
}

/* Once the rows are gone: their count goes, and the meter counts them no longer. */
static vg_rc
drop_count(struct vg_req *rq, struct vg_str name, struct vg_str table_id, uint32_t index_id)
{
    struct vg_str part = stat_part(rq->arena, rq->scope->owner, rq->scope->region, table_id);
    struct vg_str bytes_key = counter_key(rq->arena, index_id, VG_STR("b")), v;
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = vg_tx_open(rq, part, &tx);
    if (rc == VG_OK)
        rc = vg_tx_get(tx, part, bytes_key, &v, rq->err);
    if (rc != VG_OK)
        return rc;
    vg_meter_stored(rq, tx, metered_as(rq->arena, name), -vg_kv_counter(v));
    vg_tx_del(tx, part, bytes_key);
    vg_tx_del(tx, part, counter_key(rq->arena, index_id, VG_STR("n")));
    return vg_tx_commit(&tx, rq->err);
}

vg_rc
dynamodb_store_drop(struct vg_req *rq, struct vg_str name, struct vg_str table_id,
                    uint32_t index_id)
{
    struct vg_str account = rq->scope->owner, region = rq->scope->region;
    for (uint32_t slot = 0; slot < DYNAMODB_SLOTS; slot++) {
        vg_rc rc = drop_part(rq, slot_part(rq->arena, account, region, table_id, index_id, slot));
        if (rc != VG_OK)
            return rc;
    }
    return drop_count(rq, name, table_id, index_id);
}

/* --- items --------------------------------------------------------------------------------------
 */

uint32_t
dynamodb_store_hash(struct vg_str key_value)
{
    return (uint32_t)(vg_str_hash(dynamodb_value_body(key_value)) >> 32);
}

/* Appends an item's key attributes. */
static void
add_key(struct vg_key *k, const struct dynamodb_key_def *def, struct vg_str item)
{
    vg_key_str(k, dynamodb_value_body(dynamodb_item_get(item, def->hash)));
    if (def->range.ptr)
        vg_key_str(k, dynamodb_value_body(dynamodb_item_get(item, def->range)));
}

struct dynamodb_place
dynamodb_store_place(struct vg_arena *arena, const struct dynamodb_table *t, struct vg_str item)
{
    uint32_t hash = dynamodb_store_hash(dynamodb_item_get(item, t->key.hash));
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_i64(&k, hash);
    add_key(&k, &t->key, item);
    return (struct dynamodb_place) { t->parts[dynamodb_slot(hash)], vg_key_done(&k), hash };
}

struct dynamodb_place
dynamodb_store_entry_place(struct vg_arena *arena, const struct dynamodb_table *t,
                           const struct dynamodb_index *ix, struct vg_str item)
{
    uint32_t hash = dynamodb_store_hash(dynamodb_item_get(item, ix->key.hash));
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_i64(&k, hash);
    add_key(&k, &ix->key, item);
    add_key(&k, &t->key, item);
    return (struct dynamodb_place) { ix->parts[dynamodb_slot(hash)], vg_key_done(&k), hash };
}

struct vg_str
dynamodb_store_item_of(struct vg_str value)
{
    if (value.ptr == NULL)
        return value;
    VG_ASSERT(value.len > 0 && value.ptr[0] == ITEM_FORMAT);
    return vg_str_n(value.ptr + 1, value.len - 1);
}

void
dynamodb_store_put_item(struct vg_tx *tx, struct vg_arena *arena, const struct dynamodb_place *at,
                        struct vg_str item)
{
    char *row = vg_arena_alloc(arena, item.len + 1);
    row[0] = ITEM_FORMAT;
    if (item.len > 0)
        memcpy(row + 1, item.ptr, item.len);
    vg_tx_put(tx, at->part, at->key, vg_str_n(row, item.len + 1));
}

/* --- ranges -------------------------------------------------------------------------------------
 */

/* The first key after all that begin with these bytes. */
static struct vg_str
after_bytes(struct vg_arena *arena, struct vg_str prefix)
{
    char *p = vg_arena_copy(arena, prefix.ptr, prefix.len);
    size_t n = prefix.len;
    while (n > 0 && (unsigned char)p[n - 1] == 0xFF)
        n--;
    VG_ASSERT(n > 0);
    p[n - 1]++;
    return vg_str_n(p, n);
}

static struct vg_str
with_part(struct vg_arena *arena, struct vg_str base, struct vg_str part)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_str(&k, part);
    return vg_str_cat(arena, base, vg_key_done(&k));
}

struct vg_str
dynamodb_store_query_range(struct vg_arena *arena, const struct dynamodb_table *t,
                           const struct dynamodb_index *ix, struct vg_str hash_value,
                           const struct dynamodb_bounds *bounds, struct vg_range *ret)
{
    uint32_t hash = dynamodb_store_hash(hash_value);
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_i64(&k, hash);
    vg_key_str(&k, dynamodb_value_body(hash_value));
    struct vg_str base = vg_key_done(&k);
    *ret = vg_key_range(arena, base);
    if (bounds->prefix.ptr) {
        struct vg_str prefix = with_part(arena, base, bounds->prefix);
        prefix.len -= 2; /* a string part's end */
        ret->from = prefix;
        ret->to = after_bytes(arena, prefix);
    }
    if (bounds->from.ptr) {
        ret->from = with_part(arena, base, dynamodb_value_body(bounds->from));
        if (bounds->is_from_exclusive)
            ret->from = after_bytes(arena, ret->from);
    }
    if (bounds->to.ptr) {
        ret->to = with_part(arena, base, dynamodb_value_body(bounds->to));
        if (!bounds->is_to_exclusive)
            ret->to = after_bytes(arena, ret->to);
    }
    return ix ? ix->parts[dynamodb_slot(hash)] : t->parts[dynamodb_slot(hash)];
}

void
dynamodb_store_scan_range(struct vg_arena *arena, uint32_t from, uint32_t to, struct vg_range *ret)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_i64(&k, from);
    *ret = (struct vg_range) { .from = vg_key_done(&k) };
    vg_key_init(&k, arena);
    vg_key_i64(&k, (int64_t)to + 1);
    ret->to = vg_key_done(&k);
}

/* --- counters -----------------------------------------------------------------------------------
 */

void
dynamodb_store_count(struct vg_req *rq, struct vg_tx *tx, const struct dynamodb_table *t,
                     const struct dynamodb_index *ix, int64_t items, int64_t bytes)
{
    int64_t id = ix ? ix->rec->id : 0;
    if (items != 0)
        vg_tx_add(tx, t->stat_part, counter_key(rq->arena, id, VG_STR("n")), items);
    if (bytes != 0) {
        vg_tx_add(tx, t->stat_part, counter_key(rq->arena, id, VG_STR("b")), bytes);
        vg_meter_stored(rq, tx, metered_as(rq->arena, t->rec.name), bytes);
    }
}

vg_rc
dynamodb_store_counted(struct vg_req *rq, const struct dynamodb_table *t,
                       const struct dynamodb_index *ix, int64_t *ret_items, int64_t *ret_bytes)
{
    struct vg_str v;
    int64_t id = ix ? ix->rec->id : 0;
    vg_rc rc =
        vg_kv_get(rq->sess, t->stat_part, counter_key(rq->arena, id, VG_STR("n")), &v, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret_items = vg_kv_counter(v);
    rc = vg_kv_get(rq->sess, t->stat_part, counter_key(rq->arena, id, VG_STR("b")), &v, rq->err);
    if (rc != VG_OK)
        return rc;
    *ret_bytes = vg_kv_counter(v);
    return VG_OK;
}

/* Sorts behind all items: a string part after their integers. */
static struct dynamodb_place
collection_place(struct vg_arena *arena, const struct dynamodb_table *t, struct vg_str item)
{
    struct vg_str v = dynamodb_item_get(item, t->key.hash);
    uint32_t hash = dynamodb_store_hash(v);
    return (struct dynamodb_place) { t->parts[dynamodb_slot(hash)],
                                     vg_key_of(arena, VG_STR("c"), dynamodb_value_body(v)), hash };
}

void
dynamodb_store_grow_collection(struct vg_tx *tx, struct vg_arena *arena,
                               const struct dynamodb_table *t, struct vg_str item, int64_t bytes)
{
    struct dynamodb_place at = collection_place(arena, t, item);
    vg_tx_add(tx, at.part, at.key, bytes);
}

vg_rc
dynamodb_store_collection(struct vg_req *rq, const struct dynamodb_table *t, struct vg_str item,
                          uint64_t *ret)
{
    struct dynamodb_place at = collection_place(rq->arena, t, item);
    struct vg_str v;
    vg_rc rc = vg_kv_get(rq->sess, at.part, at.key, &v, rq->err);
    if (rc == VG_OK)
        *ret = (uint64_t)VG_MAX(vg_kv_counter(v), (int64_t)0);
    return rc;
}

/* --- client request tokens ----------------------------------------------------------------------
 */

void
dynamodb_store_token_part(struct vg_req *rq, struct dynamodb_token *token)
{
    struct vg_key k;
    vg_key_init(&k, rq->arena);
    vg_key_str(&k, root);
    vg_key_str(&k, rq->scope->owner);
    vg_key_str(&k, rq->scope->region);
    vg_key_str(&k, VG_STR("token"));
    vg_key_i64(&k, (int64_t)(vg_str_hash(token->token) % DYNAMODB_SLOTS));
    token->part = vg_key_done(&k);
}

vg_rc
dynamodb_store_find_token(struct vg_req *rq, struct vg_tx *tx, struct dynamodb_token *token)
{
    struct vg_str v;
    vg_rc rc =
        vg_tx_get(tx, token->part, vg_key_of(rq->arena, VG_STR("t"), token->token), &v, rq->err);
    if (rc != VG_OK)
        return rc;
    int64_t at_ms;
    token->found = DYNAMODB_TOKEN_NEW;
    if (v.ptr && vg_key_take_i64(&v, &at_ms) && at_ms + DYNAMODB_TOKEN_MS > vg_now_ms(rq->env))
        token->found = vg_str_eq(v, vg_str_n(token->digest, sizeof(token->digest)))
                           ? DYNAMODB_TOKEN_SAME
                           : DYNAMODB_TOKEN_OTHER;
    return VG_OK;
}

static struct vg_str
expiry_key(struct vg_arena *arena, int64_t at_ms, struct vg_str token)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_str(&k, VG_STR("e"));
    vg_key_i64(&k, at_ms);
    if (token.ptr)
        vg_key_str(&k, token);
    return vg_key_done(&k);
}

vg_rc
dynamodb_store_keep_token(struct vg_req *rq, struct vg_tx *tx, const struct dynamodb_token *token)
{
    int64_t now_ms = vg_now_ms(rq->env);
    struct vg_range old = vg_key_range(rq->arena, vg_key_of(rq->arena, VG_STR("e")));
    old.to = expiry_key(rq->arena, now_ms - DYNAMODB_TOKEN_MS, VG_STR_NONE);
    old.max = 4;
    struct vg_page page;
    vg_rc rc = vg_tx_scan(tx, token->part, &old, &page, rq->err);
    if (rc != VG_OK)
        return rc;
    for (size_t i = 0; i < page.len; i++) {
        struct vg_str key = page.rows[i].key, tag, name;
        int64_t at_ms;
        if (vg_key_take_str(rq->arena, &key, &tag) && vg_key_take_i64(&key, &at_ms)
            && vg_key_take_str(rq->arena, &key, &name))
            vg_tx_del(tx, token->part, vg_key_of(rq->arena, VG_STR("t"), name));
        vg_tx_del(tx, token->part, page.rows[i].key);
    }
    struct vg_key v;
    vg_key_init(&v, rq->arena);
    vg_key_i64(&v, now_ms);
    vg_buf_add(&v.buf, token->digest, sizeof(token->digest));
    vg_tx_put(tx, token->part, vg_key_of(rq->arena, VG_STR("t"), token->token), vg_key_done(&v));
    vg_tx_put(tx, token->part, expiry_key(rq->arena, now_ms, token->token), VG_STR(""));
    return VG_OK;
}
