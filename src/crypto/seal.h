/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CRYPTO_SEAL_H
#define VG_CRYPTO_SEAL_H

/*
 * AES-256-GCM over small texts: session tokens, encoded authorization messages, page tokens that a
 * caller must not read or change.  A sealed text is nonce (12), ciphertext, tag (16).  Any thread.
 */

#include "base/str.h"

struct vg_random;

#define VG_SEAL_KEY_BYTES   32
#define VG_SEAL_EXTRA_BYTES 28

/* `label` separates uses of one key: what was sealed under one label opens under no other. */
struct vg_str vg_seal(struct vg_random *rnd, struct vg_arena *arena,
                      const uint8_t key[VG_SEAL_KEY_BYTES], struct vg_str label,
                      struct vg_str plain);
/* False when `sealed` was not made by vg_seal() with this key and label. */
bool vg_unseal(struct vg_arena *arena, const uint8_t key[VG_SEAL_KEY_BYTES], struct vg_str label,
               struct vg_str sealed, struct vg_str *ret) VG_MUST_USE;

#endif
