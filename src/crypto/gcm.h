/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CRYPTO_GCM_H
#define VG_CRYPTO_GCM_H

/* Inside crypto/ only. */

#include <openssl/evp.h>

/*
 * AES-256-GCM for EVP_CipherInit_ex().  EVP_aes_256_gcm() would be looked up among the providers by
 * each call, which costs more than to seal a few bytes.  Any thread; the program's to its end.
 */
const EVP_CIPHER *vg_gcm(void);

#endif
