/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CRYPTO_CHECKSUM_H
#define VG_CRYPTO_CHECKSUM_H

/*
 * The checksums by which clients of object storage guard bytes: three CRCs and two digests under
 * one interface.  Pure; any thread; nothing here fails.
 */

#include "crypto/hash.h"

enum vg_checksum_kind {
    VG_CRC32 = 1, /* ISO-HDLC, as zip has it */
    VG_CRC32C,    /* Castagnoli              */
    VG_CRC64NVME,
    VG_SHA1,
    VG_SHA256,
};

/* A checksum under way; holds no memory of its own. */
struct vg_checksum {
    enum vg_checksum_kind kind;
    uint64_t crc;
    struct vg_hash hash;
};

void vg_checksum_init(struct vg_checksum *c, enum vg_checksum_kind kind);
void vg_checksum_add(struct vg_checksum *c, struct vg_str data);
/* Writes it, the most significant byte first, and returns its length; init before another use. */
size_t vg_checksum_end(struct vg_checksum *c, uint8_t ret[VG_HASH_MAX_BYTES]);
size_t vg_checksum_bytes(enum vg_checksum_kind kind);

static inline bool
vg_checksum_is_crc(enum vg_checksum_kind kind)
{
    return kind <= VG_CRC64NVME;
}

/* --- CRCs as numbers: 0 at first, then the last result. ----------------------------------------
 */

uint64_t vg_crc(enum vg_checksum_kind kind, uint64_t crc, struct vg_str data);
/* The same without the processor's help, as it is where there is none. */
uint64_t vg_crc_portable(enum vg_checksum_kind kind, uint64_t crc, struct vg_str data);
/* That of A followed by B, from that of each and the length of B. */
uint64_t vg_crc_join(enum vg_checksum_kind kind, uint64_t a, uint64_t b, uint64_t b_bytes);

#endif
