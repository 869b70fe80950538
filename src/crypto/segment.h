/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CRYPTO_SEGMENT_H
#define VG_CRYPTO_SEGMENT_H

/*
 * AES-256-GCM over contents of any size, in segments: a range of them can be read without the rest.
 *
 * A content is its bytes in segments of VG_SEGMENT_BYTES, the last one shorter, an empty content
 * being one empty segment; what is stored is each segment's ciphertext followed by its tag.  The
 * nonce is the segment's number, so every content must have a random key of its own that nothing
 * else is ever sealed with.  The number in the nonce and a mark on the last segment, which is
 * authenticated, betray what was changed, cut off, left out, exchanged or taken from elsewhere.
 */

#include "base/str.h"

#define VG_SEGMENT_BYTES     65536u
#define VG_SEGMENT_TAG_BYTES 16u
#define VG_SEGMENT_KEY_BYTES 32u

/* What is stored of a whole segment. */
#define VG_SEGMENT_STORED_BYTES (VG_SEGMENT_BYTES + VG_SEGMENT_TAG_BYTES)

/* The cipher of one content; one thread at a time. */
struct vg_segments;

struct vg_segments *vg_segments_new(const uint8_t key[VG_SEGMENT_KEY_BYTES]);
void vg_segments_free(struct vg_segments *s); /* accepts NULL; the key is wiped */

/* At least 1. */
uint64_t vg_segments_count(uint64_t plain_bytes);
uint64_t vg_segments_stored(uint64_t plain_bytes);
/* The other way; false when no content is stored in so many bytes. */
bool vg_segments_plain(uint64_t stored_bytes, uint64_t *ret) VG_MUST_USE;
/* Where a segment begins in what is stored. */
static inline uint64_t
vg_segment_offset(uint64_t number)
{
    return number * VG_SEGMENT_STORED_BYTES;
}

/*
 * Seals segment `number` into `to`, which has room for the tag behind the text; `to` may be where
 * `plain` is.  All but the last are whole.  No number is sealed twice.
 */
void vg_segment_seal(struct vg_segments *s, uint64_t number, bool is_last, struct vg_str plain,
                     void *to);
/*
 * Opens it into `to`, which may be where `stored` is; gets stored.len less the tag.  False: this is
 * not what was sealed, and what is in `to` must not be used.
 */
bool vg_segment_open(struct vg_segments *s, uint64_t number, bool is_last, struct vg_str stored,
                     void *to) VG_MUST_USE;

static inline void
vg_segments_free_p(struct vg_segments **s)
{
    vg_segments_free(*s);
}
#define vg_auto_segments __attribute__((cleanup(vg_segments_free_p)))

#endif
