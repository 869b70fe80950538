/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/segment.h"

#include "base/arena.h"
#include "crypto/gcm.h"

#include <endian.h>
#include <stdlib.h>

#define NONCE_BYTES 12

struct vg_segments {
    EVP_CIPHER_CTX *ctx;
};

struct vg_segments *
vg_segments_new(const uint8_t key[VG_SEGMENT_KEY_BYTES])
{
    struct vg_segments *s = vg_xalloc(sizeof(*s));
    s->ctx = EVP_CIPHER_CTX_new();
    VG_ASSERT(s->ctx && EVP_EncryptInit_ex(s->ctx, vg_gcm(), NULL, key, NULL) == 1);
    return s;
}

void
vg_segments_free(struct vg_segments *s)
{
    if (s == NULL)
        return;
    EVP_CIPHER_CTX_free(s->ctx);
    free(s);
}

uint64_t
vg_segments_count(uint64_t plain_bytes)
{
    uint64_t n = plain_bytes / VG_SEGMENT_BYTES + (plain_bytes % VG_SEGMENT_BYTES != 0);
    return n ? n : 1;
}

uint64_t
vg_segments_stored(uint64_t plain_bytes)
{
    return plain_bytes + vg_segments_count(plain_bytes) * VG_SEGMENT_TAG_BYTES;
}

bool
vg_segments_plain(uint64_t stored_bytes, uint64_t *ret)
{
    uint64_t n =
        stored_bytes / VG_SEGMENT_STORED_BYTES + (stored_bytes % VG_SEGMENT_STORED_BYTES != 0);
    if (stored_bytes < n * VG_SEGMENT_TAG_BYTES)
        return false;
    uint64_t plain = stored_bytes - n * VG_SEGMENT_TAG_BYTES;
    if (vg_segments_stored(plain) != stored_bytes)
        return false;
    *ret = plain;
    return true;
}

/* The key stays; `is_sealing` as EVP_CipherInit_ex() has it. */
static bool
begin(struct vg_segments *s, uint64_t number, bool is_last, int is_sealing)
{
    uint8_t nonce[NONCE_BYTES] = { 0 }, mark = is_last;
    uint64_t le = htole64(number);
    int n = 0;
    memcpy(nonce, &le, sizeof(le));
    return EVP_CipherInit_ex(s->ctx, NULL, NULL, NULL, nonce, is_sealing) == 1
           && EVP_CipherUpdate(s->ctx, NULL, &n, &mark, 1) == 1;
}

void
vg_segment_seal(struct vg_segments *s, uint64_t number, bool is_last, struct vg_str plain, void *to)
{
    uint8_t *out = to, none[16];
    int n = 0;
    VG_ASSERT(plain.len <= VG_SEGMENT_BYTES && (is_last || plain.len == VG_SEGMENT_BYTES));
    VG_ASSERT(begin(s, number, is_last, 1));
    if (plain.len > 0)
        VG_ASSERT(EVP_CipherUpdate(s->ctx, out, &n, (const uint8_t *)plain.ptr, (int)plain.len)
                  == 1);
    VG_ASSERT(EVP_CipherFinal_ex(s->ctx, none, &n) == 1);
    VG_ASSERT(
        EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_GCM_GET_TAG, VG_SEGMENT_TAG_BYTES, out + plain.len)
        == 1);
}

bool
vg_segment_open(struct vg_segments *s, uint64_t number, bool is_last, struct vg_str stored,
                void *to)
{
    uint8_t tag[VG_SEGMENT_TAG_BYTES], none[16];
    int n = 0;
    if (stored.len < VG_SEGMENT_TAG_BYTES || stored.len > VG_SEGMENT_STORED_BYTES
        || (!is_last && stored.len < VG_SEGMENT_STORED_BYTES))
        return false;
    size_t len = stored.len - VG_SEGMENT_TAG_BYTES;
    memcpy(tag, stored.ptr + len, sizeof(tag));
    return begin(s, number, is_last, 0)
           && (len == 0
               || EVP_CipherUpdate(s->ctx, to, &n, (const uint8_t *)stored.ptr, (int)len) == 1)
           && EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_GCM_SET_TAG, VG_SEGMENT_TAG_BYTES, tag) == 1
           && EVP_CipherFinal_ex(s->ctx, none, &n) == 1;
}
