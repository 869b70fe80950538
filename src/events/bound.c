/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where the timers of a partition begin.
 *
 * Timers are consumed in the order of their keys, and a scan from the front walks over the
 * deletions of all that are gone, until RocksDB compacts them.  So it begins at a bound, below
 * which the partition has no due key: kept in memory for the partitions that run timers, moved only
 * under the partition's turn, forgotten for another partition with the same slot, at a start and
 * when the store was opened again (commits may then be gone).  Without one a scan begins in front.
 */

#include "base/arena.h"
#include "events/events_int.h"

#include <stdlib.h>

struct ev_bound {
    uint32_t epoch; /* of the store when it was found */
    size_t part_len, key_len;
    char bytes[]; /* partition, key */
};

static struct ev_bound **
slot_of(struct vg_events *ev, struct vg_str part)
{
    return &ev->bounds[vg_str_hash(part) % EV_BOUNDS];
}

static struct vg_str
key_of(const struct ev_bound *b)
{
    return vg_str_n(b->bytes + b->part_len, b->key_len);
}

/* NULL: none that holds. */
static const struct ev_bound *
find_locked(struct vg_events *ev, struct vg_str part)
{
    const struct ev_bound *b = *slot_of(ev, part);
    bool is_its = b && b->epoch == vg_kv_epoch(ev->setup.kv)
                  && vg_str_eq(vg_str_n(b->bytes, b->part_len), part);
    return is_its ? b : NULL;
}

static void
set_locked(struct vg_events *ev, struct vg_str part, struct vg_str key, uint32_t epoch)
{
    struct ev_bound **slot = slot_of(ev, part);
    free(*slot);
    struct ev_bound *b = *slot = vg_xalloc(sizeof(*b) + part.len + key.len);
    b->epoch = epoch;
    b->part_len = part.len;
    b->key_len = key.len;
    memcpy(b->bytes, part.ptr, part.len);
    memcpy(b->bytes + part.len, key.ptr, key.len);
}

struct vg_str
ev_bound_get(struct vg_events *ev, struct vg_arena *arena, struct vg_str part)
{
    pthread_mutex_lock(&ev->bounds_lock);
    const struct ev_bound *b = find_locked(ev, part);
    struct vg_str key = b ? vg_str_dup(arena, key_of(b)) : VG_STR_NONE;
    pthread_mutex_unlock(&ev->bounds_lock);
    return key;
}

void
ev_bound_lower(struct vg_events *ev, struct vg_str part, struct vg_str key)
{
    pthread_mutex_lock(&ev->bounds_lock);
    const struct ev_bound *b = find_locked(ev, part);
    if (b && vg_str_cmp(key, key_of(b)) < 0)
        set_locked(ev, part, key, b->epoch);
    pthread_mutex_unlock(&ev->bounds_lock);
}

void
ev_bound_set(struct vg_events *ev, struct vg_str part, struct vg_str key, uint32_t epoch)
{
    pthread_mutex_lock(&ev->bounds_lock);
    set_locked(ev, part, key, epoch);
    pthread_mutex_unlock(&ev->bounds_lock);
}

void
ev_bounds_free(struct vg_events *ev)
{
    for (size_t i = 0; i < EV_BOUNDS; i++)
        free(ev->bounds[i]);
    pthread_mutex_destroy(&ev->bounds_lock);
}
