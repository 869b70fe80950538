/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DYNAMODB_INT_H
#define DYNAMODB_INT_H

/* What the files of this service share: the table as it is cached, and how it is looked up. */

#include "core/call.h"
#include "core/fail.h"
#include "services/dynamodb/dynamodb_value_json.h"
#include "services/dynamodb/errors.h"
#include "services/dynamodb/model.h"
#include "services/dynamodb/ops.h"
#include "services/dynamodb/records.h"

#include <stdatomic.h>

/* A table's items are spread over this many partitions by the hash of their partition key. */
#define DYNAMODB_SLOTS          16u
#define DYNAMODB_HASH_KEY_MAX   2048u
#define DYNAMODB_RANGE_KEY_MAX  1024u
#define DYNAMODB_COLLECTION_MAX (10ull << 30)

struct dynamodb_key_def {
    struct vg_str hash, range; /* names; range absent: none */
    enum dynamodb_type hash_type, range_type;
};

enum dynamodb_projection_kind {
    DYNAMODB_PROJECT_ALL,
    DYNAMODB_PROJECT_KEYS,
    DYNAMODB_PROJECT_INCLUDE,
};

struct dynamodb_index {
    const struct dynamodb_rec_index *rec;
    struct dynamodb_key_def key;
    enum dynamodb_projection_kind projection;
    struct vg_str parts[DYNAMODB_SLOTS]; /* partitions */
};

/* A table as of one commit: never changed once made, shared by reference. */
struct dynamodb_table {
    _Atomic uint32_t refs;
    _Atomic bool is_stale; /* a newer version was committed: see dynamodb_table_begin() */
    uint64_t seq;          /* of the commit that made it, for the gate */
    struct vg_arena *arena;
    struct vg_str account, region;
    struct vg_str arn;
    struct dynamodb_rec_table rec;
    struct dynamodb_key_def key;
    struct dynamodb_index *indexes;
    size_t n_indexes;
    bool has_lsi;
    struct vg_str parts[DYNAMODB_SLOTS];
    struct vg_str stat_part;
};

/* --- dynamodb_cache.c ---------------------------------------------------------------------------
 */

struct dynamodb_cache;
struct dynamodb_cache *dynamodb_cache_new(void);
void dynamodb_cache_free(struct dynamodb_cache *cache); /* accepts NULL */

/* An account's table of that name or ARN. */
struct dynamodb_table_name {
    struct vg_str account, region, name;
};
/* ValidationException for what can be neither name nor ARN. */
vg_rc dynamodb_table_name(struct vg_req *rq, struct vg_str name_or_arn,
                          struct dynamodb_table_name *ret) VG_MUST_USE;
/*
 * The table, held until the request's arena ends. One store read at most, none when it is cached.
 * ResourceNotFoundException with `text` (NULL: "Requested resource not found") when there is none.
 */
vg_rc dynamodb_table_find(struct vg_req *rq, const struct dynamodb_table_name *name,
                          const char *text, const struct dynamodb_table **ret) VG_MUST_USE;
/* The table, or "Requested resource not found: Table: NAME not found". */
vg_rc dynamodb_table_named(struct vg_req *rq, struct vg_str name_or_arn,
                           struct dynamodb_table_name *ret_name, const struct dynamodb_table **ret)
    VG_MUST_USE;
vg_rc dynamodb_table_get(struct vg_req *rq, struct vg_str name_or_arn,
                         const struct dynamodb_table **ret) VG_MUST_USE;
/* Its record as it is in the store: for who has the turn of the account's tables, to change it. */
vg_rc dynamodb_table_now(struct vg_req *rq, const struct dynamodb_table_name *name,
                         struct dynamodb_rec_table *ret) VG_MUST_USE;
/* After the commit that wrote `rec` (NULL: deleted the table): every later look-up sees it. */
void dynamodb_table_changed(struct vg_req *rq, const struct dynamodb_table_name *name);

/* NULL: no such index. */
const struct dynamodb_index *dynamodb_table_index(const struct dynamodb_table *t,
                                                  struct vg_str name);

/* --- dynamodb_store.c: the only file that knows keys -------------------------------------------
 */

/* The partition of an account's table records; the table's own partitions. */
struct vg_str dynamodb_store_tables_part(struct vg_arena *arena, struct vg_str account,
                                         struct vg_str region);
void dynamodb_store_parts(struct dynamodb_table *t);
vg_rc dynamodb_store_read_table(struct vg_req *rq, const struct dynamodb_table_name *name,
                                struct vg_str *ret, struct vg_err *err) VG_MUST_USE;
void dynamodb_store_put_table(struct vg_tx *tx, struct vg_arena *arena, struct vg_str part,
                              const struct dynamodb_rec_table *rec);
void dynamodb_store_del_table(struct vg_tx *tx, struct vg_arena *arena, struct vg_str part,
                              struct vg_str name);
/* Names after `from` (absent: from the first), at most `max`. */
vg_rc dynamodb_store_list_tables(struct vg_req *rq, struct vg_str part, struct vg_str from,
                                 uint32_t max, struct vg_page *ret, struct vg_str **ret_names)
    VG_MUST_USE;
/* Removes the rows of an index (0: the table's own), some at a time, then their count. */
vg_rc dynamodb_store_drop(struct vg_req *rq, struct vg_str name, struct vg_str table_id,
                          uint32_t index_id) VG_WAITS VG_MUST_USE;

/* Where one item (or one entry of an index) lies. */
struct dynamodb_place {
    struct vg_str part, key;
    uint32_t hash; /* of its partition key: tables are scanned in this order */
};

/* Of an item that has the key attributes of `t`. */
struct dynamodb_place dynamodb_store_place(struct vg_arena *arena, const struct dynamodb_table *t,
                                           struct vg_str item);
/* Of an entry of an index, which has the attributes of both keys. */
struct dynamodb_place dynamodb_store_entry_place(struct vg_arena *arena,
                                                 const struct dynamodb_table *t,
                                                 const struct dynamodb_index *ix,
                                                 struct vg_str item);
/* Rows to items and back: one byte of format before the stored form. */
struct vg_str dynamodb_store_item_of(struct vg_str value); /* absent stays absent */
void dynamodb_store_put_item(struct vg_tx *tx, struct vg_arena *arena,
                             const struct dynamodb_place *at, struct vg_str item);

/* A sort key's condition as bounds. */
struct dynamodb_bounds {
    struct vg_str from, to; /* scalars in stored form (whole values); absent: open */
    bool is_from_exclusive, is_to_exclusive;
    struct vg_str prefix; /* begins_with: bytes; absent: none */
};

/* Rows of one partition key, in order of the sort key. */
struct vg_str dynamodb_store_query_range(struct vg_arena *arena, const struct dynamodb_table *t,
                                         const struct dynamodb_index *ix, struct vg_str hash_value,
                                         const struct dynamodb_bounds *bounds,
                                         struct vg_range *ret);
/* Rows of a slot whose hash lies in [from, to]. */
void dynamodb_store_scan_range(struct vg_arena *arena, uint32_t from, uint32_t to,
                               struct vg_range *ret);
uint32_t dynamodb_store_hash(struct vg_str key_value);
static inline uint32_t
dynamodb_slot(uint32_t hash)
{
    return hash / (UINT32_MAX / DYNAMODB_SLOTS + 1u);
}

/* Counters: items and bytes of the table (ix NULL) or an index. */
void dynamodb_store_count(struct vg_req *rq, struct vg_tx *tx, const struct dynamodb_table *t,
                          const struct dynamodb_index *ix, int64_t items, int64_t bytes);
vg_rc dynamodb_store_counted(struct vg_req *rq, const struct dynamodb_table *t,
                             const struct dynamodb_index *ix, int64_t *ret_items,
                             int64_t *ret_bytes) VG_MUST_USE;

/* A client request token: remembered for ten minutes with the digest of its request. */
struct dynamodb_token {
    struct vg_str token;
    uint8_t digest[32];
    struct vg_str part;
    enum { DYNAMODB_TOKEN_NEW, DYNAMODB_TOKEN_SAME, DYNAMODB_TOKEN_OTHER } found;
};
#define DYNAMODB_TOKEN_MS 600000

void dynamodb_store_token_part(struct vg_req *rq, struct dynamodb_token *token);
/* In a transaction that named token->part: sets `found`. */
vg_rc dynamodb_store_find_token(struct vg_req *rq, struct vg_tx *tx, struct dynamodb_token *token)
    VG_MUST_USE;
/* Keeps it, and forgets a few that are past their time. */
vg_rc dynamodb_store_keep_token(struct vg_req *rq, struct vg_tx *tx,
                                const struct dynamodb_token *token) VG_MUST_USE;

/* Bytes of an item collection (tables with local indexes only): kept with each write. */
void dynamodb_store_grow_collection(struct vg_tx *tx, struct vg_arena *arena,
                                    const struct dynamodb_table *t, struct vg_str item,
                                    int64_t bytes);
vg_rc dynamodb_store_collection(struct vg_req *rq, const struct dynamodb_table *t,
                                struct vg_str item, uint64_t *ret) VG_MUST_USE;

/* --- dynamodb_maintain.c: what goes on after the answer -----------------------------------------
 */

/* Set in the transaction that changes the table's record, of which `part` is the partition. */
vg_rc dynamodb_plan_drop(struct vg_req *rq, struct vg_tx *tx, struct vg_str part,
                         const struct dynamodb_rec_table *rec, const uint32_t *index_ids, size_t n)
    VG_MUST_USE;
vg_rc dynamodb_plan_backfill(struct vg_req *rq, struct vg_tx *tx, struct vg_str part,
                             const struct dynamodb_rec_table *rec, struct vg_str index_name)
    VG_MUST_USE;

/* --- dynamodb_describe.c ------------------------------------------------------------------------
 */

vg_rc dynamodb_describe(struct vg_req *rq, const struct dynamodb_table *t,
                        enum dynamodb_table_status status, struct dynamodb_table_description **ret)
    VG_MUST_USE;

#endif
