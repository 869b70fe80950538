/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/gcm.h"

#include "base/base.h"

#include <limits.h>

const struct vg_gcm_engine *const vg_gcm_engines[] = {
#ifdef VG_HAVE_IPSEC_MB
    &vg_gcm_ipsec_mb,
#endif
    &vg_gcm_openssl,
    NULL,
};

struct vg_gcm *
vg_gcm_new(const uint8_t key[VG_GCM_KEY_BYTES])
{
    const struct vg_gcm_engine *const *e = vg_gcm_engines;
    while (!(*e)->is_usable())
        e++;
    return (*e)->new (key);
}

void
vg_gcm_free(struct vg_gcm *g)
{
    if (g)
        g->engine->free(g);
}

void
vg_gcm_seal(struct vg_gcm *g, const uint8_t nonce[VG_GCM_NONCE_BYTES], struct vg_str aad,
            struct vg_str plain, void *to)
{
    uint8_t *out = to;
    VG_ASSERT(plain.len < INT_MAX - VG_GCM_TAG_BYTES && aad.len < INT_MAX);
    g->engine->seal(g, nonce, aad, plain, out, out + plain.len);
}

bool
vg_gcm_open(struct vg_gcm *g, const uint8_t nonce[VG_GCM_NONCE_BYTES], struct vg_str aad,
            struct vg_str sealed, void *to)
{
    uint8_t tag[VG_GCM_TAG_BYTES]; /* `to` may lie over it */
    if (sealed.len < VG_GCM_TAG_BYTES || sealed.len > INT_MAX || aad.len > INT_MAX)
        return false;
    struct vg_str text = vg_str_slice(sealed, 0, sealed.len - VG_GCM_TAG_BYTES);
    memcpy(tag, sealed.ptr + text.len, sizeof(tag));
    return g->engine->open(g, nonce, aad, text, tag, to);
}
