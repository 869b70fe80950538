/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_AUTH_CACHE_H
#define VG_AUTH_CACHE_H

/*
 * What was read and compiled, by key.
 *
 * Invalidation: an entry is valid in the epoch it was filled in.  The filler takes the epoch before
 * it reads the store; a writer raises the epoch after its commit and before its reply (or an entry
 * says that it can never be stale: it was made of its key alone).  So whoever has seen a write's
 * reply never meets what was read before it.  Each entry carries the commit sequence its reads met,
 * which is added to the reader's session: a cache hides no commit from the gate.  Any thread.
 */

#include "store/kv.h"

struct vg_cache;

#define VG_CACHE_ALWAYS UINT64_MAX /* epoch of an entry made of its key alone */

struct vg_cache *vg_cache_new(size_t max_entries);
void vg_cache_free(struct vg_cache *cache); /* accepts NULL; no entry may be in use */

/* The value, kept alive until the end of s->arena; NULL: not there, or of another epoch. */
const void *vg_cache_get(struct vg_cache *cache, struct vg_sess *s, struct vg_str key,
                         uint64_t epoch);
/* Takes `arena`, in which `value` lies, over; the value lives at least as long as s->arena. */
void vg_cache_put(struct vg_cache *cache, struct vg_sess *s, struct vg_str key, uint64_t epoch,
                  struct vg_arena *arena, const void *value, uint64_t seq);

#endif
