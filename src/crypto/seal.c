/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/seal.h"

#include "base/arena.h"
#include "crypto/gcm.h"
#include "crypto/random.h"

#include <limits.h>

#define NONCE_BYTES 12
#define TAG_BYTES   16

_Static_assert(NONCE_BYTES + TAG_BYTES == VG_SEAL_EXTRA_BYTES, "as the header says");

struct vg_str
vg_seal(struct vg_random *rnd, struct vg_arena *arena, const uint8_t key[VG_SEAL_KEY_BYTES],
        struct vg_str label, struct vg_str plain)
{
    VG_ASSERT(plain.len < INT_MAX - VG_SEAL_EXTRA_BYTES && label.len < INT_MAX);
    uint8_t *out = vg_arena_alloc(arena, plain.len + VG_SEAL_EXTRA_BYTES);
    vg_random_bytes(rnd, out, NONCE_BYTES);
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    VG_ASSERT(ctx && EVP_EncryptInit_ex(ctx, vg_gcm(), NULL, key, out) == 1);
    VG_ASSERT(EVP_EncryptUpdate(ctx, NULL, &n, (const uint8_t *)label.ptr, (int)label.len) == 1);
    if (plain.len > 0)
        VG_ASSERT(EVP_EncryptUpdate(ctx, out + NONCE_BYTES, &n, (const uint8_t *)plain.ptr,
                                    (int)plain.len)
                  == 1);
    uint8_t *tag = out + NONCE_BYTES + plain.len;
    VG_ASSERT(EVP_EncryptFinal_ex(ctx, tag, &n) == 1);
    VG_ASSERT(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, tag) == 1);
    EVP_CIPHER_CTX_free(ctx);
    return vg_str_n(out, plain.len + VG_SEAL_EXTRA_BYTES);
}

bool
vg_unseal(struct vg_arena *arena, const uint8_t key[VG_SEAL_KEY_BYTES], struct vg_str label,
          struct vg_str sealed, struct vg_str *ret)
{
    if (sealed.len < VG_SEAL_EXTRA_BYTES || sealed.len > INT_MAX)
        return false;
    size_t len = sealed.len - VG_SEAL_EXTRA_BYTES;
    const uint8_t *in = (const uint8_t *)sealed.ptr;
    uint8_t *out = vg_arena_alloc(arena, len + 1);
    uint8_t tag[TAG_BYTES], last[16];
    memcpy(tag, in + NONCE_BYTES + len, TAG_BYTES);
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    VG_ASSERT(ctx);
    bool ok = EVP_DecryptInit_ex(ctx, vg_gcm(), NULL, key, in) == 1
              && EVP_DecryptUpdate(ctx, NULL, &n, (const uint8_t *)label.ptr, (int)label.len) == 1
              && (len == 0 || EVP_DecryptUpdate(ctx, out, &n, in + NONCE_BYTES, (int)len) == 1)
              && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1
              && EVP_DecryptFinal_ex(ctx, last, &n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (ok)
        *ret = vg_str_n(out, len);
    return ok;
}
