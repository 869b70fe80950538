/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/cache.h"

#include "base/arena.h"
#include "crypto/secret.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define BUCKETS 512

struct entry {
    struct entry *next;
    uint64_t hash, epoch, seq;
    struct vg_str key;
    struct vg_arena *arena; /* owns key and value */
    const void *value;
    _Atomic uint32_t refs;
};

struct vg_cache {
    pthread_mutex_t lock; /* guards the rest */
    size_t n, max;
    struct entry *buckets[BUCKETS];
};

struct vg_cache *
vg_cache_new(size_t max_entries)
{
    struct vg_cache *c = vg_xalloc(sizeof(*c));
    VG_ASSERT(pthread_mutex_init(&c->lock, NULL) == 0);
    c->max = max_entries;
    return c;
}

static void
unref(void *arg)
{
    struct entry *e = arg;
    if (atomic_fetch_sub(&e->refs, 1) != 1)
        return;
    vg_arena_free(e->arena);
    free(e);
}

/* Under the lock, or when nobody else is left. */
static void
drop_all(struct vg_cache *c)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        while (c->buckets[i]) {
            struct entry *e = c->buckets[i];
            c->buckets[i] = e->next;
            unref(e);
        }
    }
    c->n = 0;
}

void
vg_cache_free(struct vg_cache *cache)
{
    if (!cache)
        return;
    drop_all(cache);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static struct entry **
find(struct vg_cache *c, struct vg_str key, uint64_t hash)
{
    struct entry **at = &c->buckets[hash % BUCKETS];
    while (*at && ((*at)->hash != hash || !vg_str_eq((*at)->key, key)))
        at = &(*at)->next;
    return at;
}

/* Under the lock. */
static void
lend(struct entry *e)
{
    atomic_fetch_add(&e->refs, 1);
}

static const void *
lent(struct vg_sess *s, struct entry *e)
{
    vg_arena_defer(s->arena, unref, e);
    vg_sess_see(s, e->seq);
    return e->value;
}

const void *
vg_cache_get(struct vg_cache *cache, struct vg_sess *s, struct vg_str key, uint64_t epoch)
{
    uint64_t hash = vg_str_hash(key);
    struct entry *found = NULL;
    pthread_mutex_lock(&cache->lock);
    struct entry **at = find(cache, key, hash);
    if (*at && ((*at)->epoch == epoch || (*at)->epoch == VG_CACHE_ALWAYS)) {
        found = *at;
        lend(found);
    } else if (*at) {
        struct entry *old = *at;
        *at = old->next;
        cache->n--;
        unref(old);
    }
    pthread_mutex_unlock(&cache->lock);
    return found ? lent(s, found) : NULL;
}

void
vg_cache_put(struct vg_cache *cache, struct vg_sess *s, struct vg_str key, uint64_t epoch,
             struct vg_arena *arena, const void *value, uint64_t seq)
{
    struct entry *e = vg_xalloc(sizeof(*e));
    e->hash = vg_str_hash(key);
    e->epoch = epoch;
    e->seq = seq;
    e->arena = arena;
    e->key = vg_str_dup(arena, key);
    e->value = value;
    atomic_init(&e->refs, 2); /* the table's and this session's */
    pthread_mutex_lock(&cache->lock);
    if (cache->n >= cache->max)
        drop_all(cache);
    struct entry **at = find(cache, key, e->hash);
    if (*at) {
        struct entry *old = *at;
        *at = old->next;
        cache->n--;
        unref(old);
    }
    at = &cache->buckets[e->hash % BUCKETS];
    e->next = *at;
    *at = e;
    cache->n++;
    pthread_mutex_unlock(&cache->lock);
    lent(s, e);
}
