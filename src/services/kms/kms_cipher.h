/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KMS_CIPHER_H
#define KMS_CIPHER_H

/*
 * Ciphertexts: what Encrypt gives and Decrypt takes.
 *
 *   1 byte    format: 1
 *   8 bytes   account, big-endian
 *   16 bytes  the key's id, a UUID
 *   4 bytes   version of its material, big-endian
 *   16 bytes  salt: the message's own key is HMAC-SHA256(material, "kms" || salt)
 *   …         nonce, AES-256-GCM ciphertext, tag (crypto/seal.h)
 *
 * What precedes the nonce is authenticated along with the encryption context, so that nothing of it
 * can be exchanged.  The context is brought into one order first: pairs sorted by the bytes of
 * their keys, each text preceded by its length.
 */

#include "base/str.h"

struct vg_arena;
struct vg_random;

#define KMS_SALT_BYTES   16u
#define KMS_HEADER_BYTES (1u + 8u + 16u + 4u + KMS_SALT_BYTES)
#define KMS_CIPHER_KEY   32

struct kms_pair {
    struct vg_str key, value;
};

/* The pairs are put in order where they are. */
struct vg_str kms_context_bytes(struct vg_arena *arena, struct kms_pair *pairs, size_t n);

/* Whose ciphertext it is. */
struct kms_blob {
    struct vg_str account; /* 12 digits */
    struct vg_str key_id;
    uint32_t version;
};
/* False: no ciphertext of ours. Nothing of it is authenticated yet. */
bool kms_blob_parse(struct vg_arena *arena, struct vg_str bytes, struct kms_blob *ret);
/* `of` must have a UUID as key id and an account of digits. */
struct vg_str kms_blob_seal(struct vg_random *rnd, struct vg_arena *arena,
                            const uint8_t material[KMS_CIPHER_KEY], const struct kms_blob *of,
                            struct vg_str context, struct vg_str plain);
/* False: not made with this material and context. */
bool kms_blob_open(struct vg_arena *arena, const uint8_t material[KMS_CIPHER_KEY],
                   struct vg_str bytes, struct vg_str context, struct vg_str *ret) VG_MUST_USE;

#endif
