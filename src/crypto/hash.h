/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CRYPTO_HASH_H
#define VG_CRYPTO_HASH_H

/*
 * Digests and HMAC, thin over OpenSSL; hexadecimal.
 *
 * One-shot functions are pure and thread-safe.  A struct vg_hash belongs to one fiber, holds no
 * memory of its own and needs no freeing.  Nothing here fails.
 */

#include "base/str.h"

enum vg_hash_kind { VG_HASH_SHA256 = 1, VG_HASH_SHA1, VG_HASH_MD5 };

#define VG_SHA256_BYTES   32
#define VG_SHA1_BYTES     20
#define VG_MD5_BYTES      16
#define VG_HASH_MAX_BYTES 32

/* A digest under way: vg_hash_init(), vg_hash_add() any number of times, vg_hash_end() once. */
struct vg_hash {
    enum vg_hash_kind kind;
    uint64_t state[16]; /* OpenSSL's own context; its size is asserted in hash.c */
};

void vg_hash_init(struct vg_hash *h, enum vg_hash_kind kind);
void vg_hash_add(struct vg_hash *h, struct vg_str data);
/* Writes the digest and returns its length; the hash may be used again only after init. */
size_t vg_hash_end(struct vg_hash *h, uint8_t ret[VG_HASH_MAX_BYTES]);

void vg_sha256(struct vg_str data, uint8_t ret[VG_SHA256_BYTES]);
void vg_sha1(struct vg_str data, uint8_t ret[VG_SHA1_BYTES]);
void vg_md5(struct vg_str data, uint8_t ret[VG_MD5_BYTES]);

/* RFC 2104 with SHA-256 and with SHA-1; `key` of any length. */
void vg_hmac_sha256(struct vg_str key, struct vg_str data, uint8_t ret[VG_SHA256_BYTES]);
void vg_hmac_sha1(struct vg_str key, struct vg_str data, uint8_t ret[VG_SHA1_BYTES]);

/* Lower-case hexadecimal: 2 * n bytes to `ret`, no NUL. */
void vg_hex_put(char *ret, const void *bytes, size_t n);
struct vg_str vg_hex(struct vg_arena *arena, const void *bytes, size_t n);
/* Either case; false unless `hex` is exactly 2 * n digits. */
bool vg_hex_get(struct vg_str hex, void *ret, size_t n);

struct vg_str vg_sha256_hex(struct vg_arena *arena, struct vg_str data);
struct vg_str vg_md5_hex(struct vg_arena *arena, struct vg_str data);

#endif
