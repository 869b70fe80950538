/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_STORE_KEY_H
#define VG_STORE_KEY_H

/*
 * Tuples whose bytewise order is their tuple order: the ids of partitions and the keys inside.
 *
 * A string part is its bytes with 0x00 written as 00 FF, ended by 00 00 … (see
 * docs/internals/store.md for the exact bytes); an integer part is tagged and big-endian with its
 * sign bit turned.  A tuple is always a proper prefix of its extensions, so "all keys below (a, b)"
 * is vg_key_range().
 */

#include "base/buf.h"
#include "store/kv.h"

struct vg_key {
    struct vg_buf buf;
};

void vg_key_init(struct vg_key *k, struct vg_arena *arena);
void vg_key_str(struct vg_key *k, struct vg_str s);
void vg_key_i64(struct vg_key *k, int64_t v);
struct vg_str vg_key_done(const struct vg_key *k);

/* The common case, string parts only: vg_key_of(arena, s1, s2, s3). */
#define vg_key_of(arena, ...)                                                                      \
    vg_key_of_n((arena), (const struct vg_str[]) { __VA_ARGS__ },                                  \
                sizeof((const struct vg_str[]) { __VA_ARGS__ }) / sizeof(struct vg_str))
struct vg_str vg_key_of_n(struct vg_arena *arena, const struct vg_str *parts, size_t n);

/* Takes one part off the front; false when the next part is not of that kind or malformed. */
bool vg_key_take_str(struct vg_arena *arena, struct vg_str *rest, struct vg_str *ret);
bool vg_key_take_i64(struct vg_str *rest, int64_t *ret);

/* The range of every key that begins with the tuple `prefix`. */
struct vg_range vg_key_range(struct vg_arena *arena, struct vg_str prefix);

/*
 * The partition that lies beside `part` and shares its turn: a transaction that has named `part`
 * may read and write both.  For what the engine keeps along with a service's keys (timers).
 */
struct vg_str vg_key_beside(struct vg_arena *arena, struct vg_str part);
#define VG_KEY_BESIDE '\x08' /* the byte after its id: no part of a tuple begins so */

#endif
