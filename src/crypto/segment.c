/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/segment.h"

#include "base/arena.h"
#include "crypto/gcm.h"

#include <endian.h>
#include <stdlib.h>

_Static_assert(VG_SEGMENT_KEY_BYTES == VG_GCM_KEY_BYTES, "");
_Static_assert(VG_SEGMENT_TAG_BYTES == VG_GCM_TAG_BYTES, "");

struct vg_segments {
    struct vg_gcm *gcm;
};

struct vg_segments *
vg_segments_new(const uint8_t key[VG_SEGMENT_KEY_BYTES])
{
    struct vg_segments *s = vg_xalloc(sizeof(*s));
    s->gcm = vg_gcm_new(key);
    return s;
}

void
vg_segments_free(struct vg_segments *s)
{
    if (s == NULL)
        return;
    vg_gcm_free(s->gcm);
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

static void
make_nonce(uint64_t number, uint8_t ret[VG_GCM_NONCE_BYTES])
{
    uint64_t le = htole64(number);
    memset(ret, 0, VG_GCM_NONCE_BYTES);
    memcpy(ret, &le, sizeof(le));
}

void
vg_segment_seal(struct vg_segments *s, uint64_t number, bool is_last, struct vg_str plain, void *to)
{
    uint8_t nonce[VG_GCM_NONCE_BYTES], mark = is_last;
    VG_ASSERT(plain.len <= VG_SEGMENT_BYTES && (is_last || plain.len == VG_SEGMENT_BYTES));
    make_nonce(number, nonce);
    vg_gcm_seal(s->gcm, nonce, vg_str_n(&mark, 1), plain, to);
}

bool
vg_segment_open(struct vg_segments *s, uint64_t number, bool is_last, struct vg_str stored,
                void *to)
{
    uint8_t nonce[VG_GCM_NONCE_BYTES], mark = is_last;
    if (stored.len > VG_SEGMENT_STORED_BYTES || (!is_last && stored.len < VG_SEGMENT_STORED_BYTES))
        return false;
    make_nonce(number, nonce);
    return vg_gcm_open(s->gcm, nonce, vg_str_n(&mark, 1), stored, to);
}
