/* SPDX-License-Identifier: Apache-2.0 */

#include "store/bound.h"

#include "base/arena.h"
#include "store/kv.h"

#include <pthread.h>
#include <stdlib.h>

#define SLOTS 1024u

struct bound {
    uint32_t epoch; /* of the store when it was found */
    size_t part_len, key_len;
    char bytes[]; /* partition, key */
};

struct vg_bounds {
    const struct vg_kv *kv;
    pthread_mutex_t lock;       /* guards slots */
    struct bound *slots[SLOTS]; /* by the partition's hash; NULL: none known */
};

static struct bound **
slot_of(struct vg_bounds *b, struct vg_str part)
{
    return &b->slots[vg_str_hash(part) % SLOTS];
}

static struct vg_str
key_of(const struct bound *at)
{
    return vg_str_n(at->bytes + at->part_len, at->key_len);
}

/* NULL: none that holds. */
static const struct bound *
find_locked(struct vg_bounds *b, struct vg_str part)
{
    const struct bound *at = *slot_of(b, part);
    bool is_its =
        at && at->epoch == vg_kv_epoch(b->kv) && vg_str_eq(vg_str_n(at->bytes, at->part_len), part);
    return is_its ? at : NULL;
}

static void
set_locked(struct vg_bounds *b, struct vg_str part, struct vg_str key, uint32_t epoch)
{
    struct bound **slot = slot_of(b, part);
    struct bound *fresh = vg_xalloc(sizeof(*fresh) + part.len + key.len);
    fresh->epoch = epoch;
    fresh->part_len = part.len;
    fresh->key_len = key.len;
    memcpy(fresh->bytes, part.ptr, part.len);
    memcpy(fresh->bytes + part.len, key.ptr, key.len);
    free(*slot);
    *slot = fresh;
}

struct vg_str
vg_bound_get(struct vg_bounds *b, struct vg_arena *arena, struct vg_str part)
{
    pthread_mutex_lock(&b->lock);
    const struct bound *at = find_locked(b, part);
    struct vg_str key = at ? vg_str_dup(arena, key_of(at)) : VG_STR_NONE;
    pthread_mutex_unlock(&b->lock);
    return key;
}

void
vg_bound_lower(struct vg_bounds *b, struct vg_str part, struct vg_str key)
{
    pthread_mutex_lock(&b->lock);
    const struct bound *at = find_locked(b, part);
    if (at && vg_str_cmp(key, key_of(at)) < 0)
        set_locked(b, part, key, at->epoch);
    pthread_mutex_unlock(&b->lock);
}

void
vg_bound_raise(struct vg_bounds *b, struct vg_str part, struct vg_str head, struct vg_str gone,
               uint32_t epoch)
{
    bool is_head_lower = gone.ptr == NULL || (head.ptr && vg_str_cmp(head, gone) < 0);
    struct vg_str low = is_head_lower ? head : gone;
    if (low.ptr == NULL)
        return;
    pthread_mutex_lock(&b->lock);
    set_locked(b, part, low, epoch);
    pthread_mutex_unlock(&b->lock);
}

struct vg_bounds *
vg_bounds_new(const struct vg_kv *kv)
{
    struct vg_bounds *b = vg_xalloc(sizeof(*b));
    b->kv = kv;
    pthread_mutex_init(&b->lock, NULL);
    return b;
}

void
vg_bounds_free(struct vg_bounds *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        free(b->slots[i]);
    pthread_mutex_destroy(&b->lock);
    free(b);
}
