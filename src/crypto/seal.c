/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/seal.h"

#include "base/arena.h"
#include "crypto/gcm.h"
#include "crypto/random.h"

#include <limits.h>

_Static_assert(VG_GCM_NONCE_BYTES + VG_GCM_TAG_BYTES == VG_SEAL_EXTRA_BYTES, "as the header says");
_Static_assert(VG_GCM_KEY_BYTES == VG_SEAL_KEY_BYTES, "as the header says");

struct vg_str
vg_seal(struct vg_random *rnd, struct vg_arena *arena, const uint8_t key[VG_SEAL_KEY_BYTES],
        struct vg_str label, struct vg_str plain)
{
    vg_auto_gcm struct vg_gcm *gcm = vg_gcm_new(key);
    VG_ASSERT(plain.len < INT_MAX - VG_SEAL_EXTRA_BYTES);
    uint8_t *out = vg_arena_alloc(arena, plain.len + VG_SEAL_EXTRA_BYTES);
    vg_random_bytes(rnd, out, VG_GCM_NONCE_BYTES);
    vg_gcm_seal(gcm, out, label, plain, out + VG_GCM_NONCE_BYTES);
    return vg_str_n(out, plain.len + VG_SEAL_EXTRA_BYTES);
}

bool
vg_unseal(struct vg_arena *arena, const uint8_t key[VG_SEAL_KEY_BYTES], struct vg_str label,
          struct vg_str sealed, struct vg_str *ret)
{
    if (sealed.len < VG_SEAL_EXTRA_BYTES || sealed.len > INT_MAX)
        return false;
    vg_auto_gcm struct vg_gcm *gcm = vg_gcm_new(key);
    size_t len = sealed.len - VG_SEAL_EXTRA_BYTES;
    uint8_t *out = vg_arena_alloc(arena, len + 1);
    struct vg_str text = vg_str_slice(sealed, VG_GCM_NONCE_BYTES, sealed.len);
    bool ok = vg_gcm_open(gcm, (const uint8_t *)sealed.ptr, label, text, out);
    if (ok)
        *ret = vg_str_n(out, len);
    return ok;
}
