/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tables by name, so that an item's request reads the store once.
 *
 * An entry is one committed version of a table, immutable and counted by references.  Whoever
 * commits another version calls dynamodb_table_changed(), which marks the old one stale and forgets
 * it; a look-up that read the store before that and would insert after it is told apart by the
 * cache's generation.  Writers check is_stale once they have their turn (dynamodb_write.c).
 */

#include "services/dynamodb/dynamodb_int.h"

#include <pthread.h>
#include <stdlib.h>

#define CACHE_BUCKETS 1024u

struct entry {
    struct entry *next;
    uint64_t hash;
    struct dynamodb_table *table;
};

struct dynamodb_cache {
    pthread_mutex_t lock; /* guards all below */
    uint64_t generation;  /* counts changes   */
    struct entry *buckets[CACHE_BUCKETS];
};

struct dynamodb_cache *
dynamodb_cache_new(void)
{
    struct dynamodb_cache *cache = vg_xalloc(sizeof(*cache));
    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

static void
table_unref(void *arg)
{
    struct dynamodb_table *t = arg;
    if (atomic_fetch_sub(&t->refs, 1) == 1)
        vg_arena_free(t->arena);
}

void
dynamodb_cache_free(struct dynamodb_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < CACHE_BUCKETS; i++) {
        for (struct entry *e = cache->buckets[i], *next; e; e = next) {
            next = e->next;
            table_unref(e->table);
            free(e);
        }
    }
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static uint64_t
name_hash(const struct dynamodb_table_name *n)
{
    return vg_str_hash(n->name) ^ vg_str_hash(n->account) * 31 ^ vg_str_hash(n->region) * 131;
}

static bool
is_named(const struct dynamodb_table *t, const struct dynamodb_table_name *n)
{
    return vg_str_eq(t->rec.name, n->name) && vg_str_eq(t->account, n->account)
           && vg_str_eq(t->region, n->region);
}

/* Under the lock: the link to the entry, or to the NULL at the end. */
static struct entry **
find(struct dynamodb_cache *cache, const struct dynamodb_table_name *name, uint64_t hash)
{
    struct entry **at = &cache->buckets[hash % CACHE_BUCKETS];
    while (*at && !((*at)->hash == hash && is_named((*at)->table, name)))
        at = &(*at)->next;
    return at;
}

static bool
is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '-' || c == '.';
}

static bool
is_table_name(struct vg_str s)
{
    if (s.len < 3 || s.len > 255)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_name_char(s.ptr[i]))
            return false;
    }
    return true;
}

vg_rc
dynamodb_table_name(struct vg_req *rq, struct vg_str name_or_arn, struct dynamodb_table_name *ret)
{
    *ret = (struct dynamodb_table_name) { rq->scope->owner, rq->scope->region, name_or_arn };
    if (vg_str_starts(name_or_arn, VG_STR("arn:"))) {
        struct vg_str rest = name_or_arn;
        vg_str_cut(&rest, ':');
        vg_str_cut(&rest, ':');
        struct vg_str service = vg_str_cut(&rest, ':');
        struct vg_str region = vg_str_cut(&rest, ':');
        struct vg_str account = vg_str_cut(&rest, ':');
        if (!vg_str_eq(service, VG_STR("dynamodb")) || !vg_str_starts(rest, VG_STR("table/"))
            || !is_table_name(vg_str_slice(rest, 6, rest.len)))
            return vg_fail_validation(rq,
                                      "Invalid TableArn: Invalid ResourceArn provided as input "
                                      "%" VG_FMT,
                                      VG_ARG(name_or_arn));
        if (!vg_str_eq(account, rq->scope->owner) || !vg_str_eq(region, rq->scope->region))
            return dynamodb_fail_resource_not_found_exception(rq, "Requested resource not found");
        ret->name = vg_str_slice(rest, 6, rest.len);
        return VG_OK;
    }
    if (!is_table_name(name_or_arn))
        return vg_fail_validation(rq,
                                  "Invalid table/index name.  Table/index names must be between 3 "
                                  "and 255 characters long, and may contain only the characters "
                                  "a-z, A-Z, 0-9, '_', '-', and '.'");
    return VG_OK;
}

static enum dynamodb_type
attr_type(const struct dynamodb_rec_table *rec, struct vg_str name)
{
    enum dynamodb_type type = DYNAMODB_S;
    for (size_t i = 0; i < rec->attrs.len; i++) {
        if (vg_str_eq(rec->attrs.items[i].name, name))
            (void)dynamodb_type_of_name(rec->attrs.items[i].type, &type);
    }
    return type;
}

static struct dynamodb_key_def
key_def(const struct dynamodb_rec_table *rec, struct vg_str hash, struct vg_str range)
{
    struct dynamodb_key_def key = { .hash = hash, .range = range };
    key.hash_type = attr_type(rec, hash);
    if (range.ptr)
        key.range_type = attr_type(rec, range);
    return key;
}

/* Builds a table of its record's bytes; NULL with err set when they are malformed. */
static struct dynamodb_table *
table_new(const struct dynamodb_table_name *name, struct vg_str bytes, struct vg_str partition,
          struct vg_err *err)
{
    struct vg_arena *arena = vg_arena_new(0);
    struct dynamodb_table *t = VG_NEW(arena, struct dynamodb_table);
    t->arena = arena;
    atomic_store(&t->refs, 1);
    t->account = vg_str_dup(arena, name->account);
    t->region = vg_str_dup(arena, name->region);
    if (dynamodb_rec_table_decode(arena, vg_str_dup(arena, bytes), &t->rec, err) != VG_OK) {
        vg_arena_free(arena);
        return NULL;
    }
    t->arn =
        vg_str_fmt(arena, "arn:%" VG_FMT ":dynamodb:%" VG_FMT ":%" VG_FMT ":table/%" VG_FMT,
                   VG_ARG(partition), VG_ARG(t->region), VG_ARG(t->account), VG_ARG(t->rec.name));
    t->key = key_def(&t->rec, t->rec.hash, t->rec.range);
    t->n_indexes = t->rec.indexes.len;
    t->indexes = VG_NEW_ARRAY(arena, struct dynamodb_index, t->n_indexes + 1);
    for (size_t i = 0; i < t->n_indexes; i++) {
        const struct dynamodb_rec_index *rec = &t->rec.indexes.items[i];
        struct dynamodb_index *ix = &t->indexes[i];
        ix->rec = rec;
        ix->key = key_def(&t->rec, rec->hash, rec->range);
        ix->projection = vg_str_eq(rec->projection, VG_STR("ALL"))       ? DYNAMODB_PROJECT_ALL
                         : vg_str_eq(rec->projection, VG_STR("INCLUDE")) ? DYNAMODB_PROJECT_INCLUDE
                                                                         : DYNAMODB_PROJECT_KEYS;
        t->has_lsi = t->has_lsi || !rec->is_global;
    }
    dynamodb_store_parts(t);
    return t;
}

/* Gives the request a reference, and what the gate must know. */
static void
hold(struct vg_req *rq, struct dynamodb_table *t)
{
    vg_arena_defer(rq->arena, table_unref, t);
    rq->sess->seen_seq = VG_MAX(rq->sess->seen_seq, t->seq);
}

static struct dynamodb_table *
look_up(struct dynamodb_cache *cache, const struct dynamodb_table_name *name, uint64_t hash,
        uint64_t *ret_generation)
{
    pthread_mutex_lock(&cache->lock);
    struct entry *e = *find(cache, name, hash);
    struct dynamodb_table *t = e ? e->table : NULL;
    if (t)
        atomic_fetch_add(&t->refs, 1);
    *ret_generation = cache->generation;
    pthread_mutex_unlock(&cache->lock);
    return t;
}

/* Keeps `t` unless something changed since `generation`. */
static bool
insert(struct dynamodb_cache *cache, const struct dynamodb_table_name *name, uint64_t hash,
       uint64_t generation, struct dynamodb_table *t)
{
    struct entry *fresh = vg_xalloc(sizeof(*fresh));
    pthread_mutex_lock(&cache->lock);
    bool is_current = generation == cache->generation;
    struct entry **at = find(cache, name, hash);
    bool is_new = is_current && *at == NULL;
    if (is_new) {
        *fresh = (struct entry) { .hash = hash, .table = t };
        *at = fresh;
        atomic_fetch_add(&t->refs, 1);
    }
    pthread_mutex_unlock(&cache->lock);
    if (!is_new)
        free(fresh);
    return is_current;
}

vg_rc
dynamodb_table_find(struct vg_req *rq, const struct dynamodb_table_name *name, const char *text,
                    const struct dynamodb_table **ret)
{
    struct dynamodb_cache *cache = rq->svc;
    uint64_t hash = name_hash(name), generation;
    for (;;) {
        struct dynamodb_table *t = look_up(cache, name, hash, &generation);
        if (t == NULL) {
            struct vg_str bytes;
            vg_rc rc = dynamodb_store_read_table(rq, name, &bytes, rq->err);
            if (rc != VG_OK)
                return rc;
            if (bytes.ptr == NULL)
                return dynamodb_fail_resource_not_found_exception(
                    rq, "%s", text ? text : "Requested resource not found");
            t = table_new(name, bytes, rq->scope->partition, rq->err);
            if (t == NULL)
                return VG_FAIL;
            t->seq = rq->sess->seen_seq;
            if (!insert(cache, name, hash, generation, t)) {
                table_unref(t);
                continue;
            }
        }
        hold(rq, t);
        *ret = t;
        return VG_OK;
    }
}

vg_rc
dynamodb_table_named(struct vg_req *rq, struct vg_str name_or_arn,
                     struct dynamodb_table_name *ret_name, const struct dynamodb_table **ret)
{
    vg_rc rc = dynamodb_table_name(rq, name_or_arn, ret_name);
    if (rc != VG_OK)
        return rc;
    struct vg_str text =
        vg_str_fmt(rq->arena, "Requested resource not found: Table: %" VG_FMT " not found",
                   VG_ARG(ret_name->name));
    return dynamodb_table_find(rq, ret_name, vg_str_cstr(rq->arena, text), ret);
}

vg_rc
dynamodb_table_get(struct vg_req *rq, struct vg_str name_or_arn, const struct dynamodb_table **ret)
{
    struct dynamodb_table_name name;
    vg_rc rc = dynamodb_table_name(rq, name_or_arn, &name);
    return rc == VG_OK ? dynamodb_table_find(rq, &name, NULL, ret) : rc;
}

vg_rc
dynamodb_table_now(struct vg_req *rq, const struct dynamodb_table_name *name,
                   struct dynamodb_rec_table *ret)
{
    struct vg_str bytes;
    vg_rc rc = dynamodb_store_read_table(rq, name, &bytes, rq->err);
    if (rc != VG_OK)
        return rc;
    if (bytes.ptr == NULL)
        return dynamodb_fail_resource_not_found_exception(rq, "Requested resource not found");
    return dynamodb_rec_table_decode(rq->arena, bytes, ret, rq->err);
}

void
dynamodb_table_changed(struct vg_req *rq, const struct dynamodb_table_name *name)
{
    struct dynamodb_cache *cache = rq->svc;
    pthread_mutex_lock(&cache->lock);
    cache->generation++;
    struct entry **at = find(cache, name, name_hash(name));
    struct entry *old = *at;
    if (old)
        *at = old->next;
    pthread_mutex_unlock(&cache->lock);
    if (old) {
        atomic_store(&old->table->is_stale, true);
        table_unref(old->table);
        free(old);
    }
}

const struct dynamodb_index *
dynamodb_table_index(const struct dynamodb_table *t, struct vg_str name)
{
    for (size_t i = 0; i < t->n_indexes; i++) {
        if (vg_str_eq(t->indexes[i].rec->name, name))
            return &t->indexes[i];
    }
    return NULL;
}
