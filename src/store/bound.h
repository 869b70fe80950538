/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_STORE_BOUND_H
#define VG_STORE_BOUND_H

/*
 * Where the keys of a partition begin that are consumed in their order: timers, queues.
 *
 * A scan from the front walks over the deletions of all that is gone, until RocksDB compacts them.
 * So it begins at a bound, below which the partition has no such key.  Bounds are of memory only,
 * one to a slot by the partition's hash: what is not known (another partition took the slot, the
 * process is new, the store was opened again and commits may be gone) is scanned from the front,
 * which is slower and as right.
 *
 * They hold because they change only under the partition's turn:
 * - a transaction that writes such a key calls vg_bound_lower() before its commit, wherever the key
 *   is; whether the commit succeeds is no matter.
 * - a transaction that removed one looks, among its own writes too, for the first that is left, and
 *   calls vg_bound_raise() with both, also before its commit.  The bound becomes the lower of the
 *   two, so that it holds if the commit fails and the removed one stays.
 * Where keys are written blindly something else must keep them above the bound: that they only
 * grow, and that none is on its way when it is raised (services/s3/s3_log_store.c).
 *
 * Reads with or without a transaction may begin at vg_bound_get().  All functions may be called on
 * any loop and never wait.
 */

#include "base/str.h"

struct vg_arena;
struct vg_bounds;
struct vg_kv;

struct vg_bounds *vg_bounds_new(const struct vg_kv *kv);
void vg_bounds_free(struct vg_bounds *b); /* accepts NULL */

/* In the arena; absent: not known. */
struct vg_str vg_bound_get(struct vg_bounds *b, struct vg_arena *arena, struct vg_str part);
void vg_bound_lower(struct vg_bounds *b, struct vg_str part, struct vg_str key);
/*
 * `head` is the first key left (absent: none), `gone` the one removed (absent: none, and without
 * either nothing changes).  `epoch` is the store's, read before the turn was taken.
 */
void vg_bound_raise(struct vg_bounds *b, struct vg_str part, struct vg_str head, struct vg_str gone,
                    uint32_t epoch);

#endif
