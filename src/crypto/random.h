/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CRYPTO_RANDOM_H
#define VG_CRYPTO_RANDOM_H

/*
 * The project's generator: every id, key and token comes from here.
 *
 * ChaCha20 with fast key erasure (each refill overwrites the key that made it), one stream a loop
 * and one under a lock for other threads, seeded from the kernel.  A test gives the seed instead,
 * and every stream then repeats.  Any thread; never fails.
 */

#include "base/str.h"

#define VG_RANDOM_SEED_BYTES 32

struct vg_random;

/* `seed` of VG_RANDOM_SEED_BYTES, or NULL: from the kernel. `n_loops` as in the environment. */
struct vg_random *vg_random_new(size_t n_loops, const uint8_t *seed);
void vg_random_free(struct vg_random *rnd); /* accepts NULL */

void vg_random_bytes(struct vg_random *rnd, void *to, size_t bytes);
uint64_t vg_random_u64(struct vg_random *rnd);
uint64_t vg_random_below(struct vg_random *rnd, uint64_t bound); /* uniform; bound > 0 */

/* "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx", RFC 4122 version 4 */
struct vg_str vg_random_uuid(struct vg_random *rnd, struct vg_arena *arena);
/* `prefix` and `n` characters drawn from `alphabet`. */
struct vg_str vg_random_text(struct vg_random *rnd, struct vg_arena *arena, struct vg_str prefix,
                             struct vg_str alphabet, size_t n);

#define VG_ALPHA_BASE32 VG_STR("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")     /* ids of IAM     */
#define VG_ALPHA_LOWER  VG_STR("abcdefghijklmnopqrstuvwxyz0123456789") /* API ids        */
#define VG_ALPHA_UPPER  VG_STR("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
#define VG_ALPHA_BASE64                                                                            \
    VG_STR("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") /* secrets */

#endif
