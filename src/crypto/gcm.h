/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CRYPTO_GCM_H
#define VG_CRYPTO_GCM_H

/*
 * AES-256-GCM (NIST SP 800-38D), nonces of 12 bytes, whole tags behind the text.  Inside crypto/
 * only: others seal with seal.h or segment.h, which look after the nonces.
 *
 * Two libraries can do it.  Intel's ipsec-mb is two to three times as fast where the processor has
 * wide AES instructions, and makes a key ready in a third of the time; OpenSSL is everywhere.
 */

#include "base/str.h"

#define VG_GCM_KEY_BYTES   32u
#define VG_GCM_NONCE_BYTES 12u
#define VG_GCM_TAG_BYTES   16u

/* A key made ready; one thread at a time. */
struct vg_gcm;

struct vg_gcm *vg_gcm_new(const uint8_t key[VG_GCM_KEY_BYTES]);
void vg_gcm_free(struct vg_gcm *g); /* accepts NULL; the key is wiped */

/* `to` has room for the tag behind the text, and may be where `plain` is. Under INT_MAX bytes. */
void vg_gcm_seal(struct vg_gcm *g, const uint8_t nonce[VG_GCM_NONCE_BYTES], struct vg_str aad,
                 struct vg_str plain, void *to);
/*
 * `sealed` is text and tag; `to` may be where it is and gets the text.  False: this is not what was
 * sealed, and what is in `to` must not be used.
 */
bool vg_gcm_open(struct vg_gcm *g, const uint8_t nonce[VG_GCM_NONCE_BYTES], struct vg_str aad,
                 struct vg_str sealed, void *to) VG_MUST_USE;

static inline void
vg_gcm_free_p(struct vg_gcm **g)
{
    vg_gcm_free(*g);
}
#define vg_auto_gcm __attribute__((cleanup(vg_gcm_free_p)))

/* --- the libraries ------------------------------------------------------------------------------
 */

struct vg_gcm_engine {
    bool (*is_usable)(void); /* on this processor */
    struct vg_gcm *(*new)(const uint8_t key[VG_GCM_KEY_BYTES]);
    void (*free)(struct vg_gcm *g);
    /* The tag apart from the text, which may be empty; all as above. */
    void (*seal)(struct vg_gcm *g, const uint8_t *nonce, struct vg_str aad, struct vg_str plain,
                 uint8_t *to, uint8_t *tag);
    bool (*open)(struct vg_gcm *g, const uint8_t *nonce, struct vg_str aad, struct vg_str text,
                 const uint8_t *tag, uint8_t *to);
};

/* The first part of what an engine's new() gives. */
struct vg_gcm {
    const struct vg_gcm_engine *engine;
};

/* Those this program was built with, the best one first, NULL at the end; for tests and benchmarks.
 */
extern const struct vg_gcm_engine *const vg_gcm_engines[];
extern const struct vg_gcm_engine vg_gcm_openssl, vg_gcm_ipsec_mb;

#endif
