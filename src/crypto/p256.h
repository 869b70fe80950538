/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CRYPTO_P256_H
#define VG_CRYPTO_P256_H

/* ECDSA over NIST P-256, thin over OpenSSL. Pure: any thread. */

#include "base/str.h"

#define VG_P256_KEY_BYTES    32 /* a private key, big-endian           */
#define VG_P256_PUBLIC_BYTES 65 /* uncompressed: 0x04, X, Y            */
#define VG_P256_SIG_MAX      72 /* DER: two integers of 33 bytes, tags */

/* False unless 0 < key < n, the order of the group. */
bool vg_p256_public(const uint8_t key[VG_P256_KEY_BYTES], uint8_t ret[VG_P256_PUBLIC_BYTES])
    VG_MUST_USE;

/* Whether `der` signs `data` (hashed by SHA-256 here) with the key of `pub`. */
bool vg_p256_verify(const uint8_t pub[VG_P256_PUBLIC_BYTES], struct vg_str data, struct vg_str der)
    VG_MUST_USE;

#endif
