/* SPDX-License-Identifier: Apache-2.0 */

/* Intel's Multi-Buffer Crypto for IPsec, of which we use the plain calls for one buffer. */

#include "base/arena.h"
#include "crypto/gcm.h"
#include "crypto/secret.h"

#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>

#define KEY_ALIGN 64u /* as its assembly loads it */

struct ipsec_mb {
    struct gcm_key_data key;
    struct gcm_context_data scratch;
    IMB_MGR *mgr; /* the functions that suit this processor */
    struct vg_gcm base;
} __attribute__((aligned(KEY_ALIGN)));

static IMB_MGR *
make_manager(void)
{
    const uint64_t wanted = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;
    IMB_MGR *m = alloc_mb_mgr(0);
    if (m == NULL)
        return NULL;
    init_mb_mgr_auto(m, NULL);
    if ((m->features & wanted) == wanted && imb_get_errno(m) == 0)
        return m;
    free_mb_mgr(m);
    return NULL;
}

/* NULL: there is nothing for this processor.  Its queues are not used, so threads share it, to the
 * program's end. */
static IMB_MGR *
manager(void)
{
    static _Atomic(IMB_MGR *) kept;
    static _Atomic bool is_missing;
    IMB_MGR *had = atomic_load(&kept);
    if (had || atomic_load(&is_missing))
        return had;
    IMB_MGR *made = make_manager();
    if (made == NULL)
        atomic_store(&is_missing, true);
    if (made == NULL || atomic_compare_exchange_strong(&kept, &had, made))
        return made;
    free_mb_mgr(made); /* another thread was first */
    return had;
}

static bool
ipsec_mb_is_usable(void)
{
    return manager() != NULL;
}

static struct vg_gcm *
ipsec_mb_new(const uint8_t key[VG_GCM_KEY_BYTES])
{
    void *room = NULL;
    VG_ASSERT(posix_memalign(&room, KEY_ALIGN, sizeof(struct ipsec_mb)) == 0);
    struct ipsec_mb *i = room;
    memset(i, 0, sizeof(*i));
    i->base.engine = &vg_gcm_ipsec_mb;
    i->mgr = manager();
    IMB_AES256_GCM_PRE(i->mgr, key, &i->key);
    return &i->base;
}

static void
ipsec_mb_free(struct vg_gcm *g)
{
    struct ipsec_mb *i = VG_CONTAINER(g, struct ipsec_mb, base);
    vg_zero(i, sizeof(*i));
    free(i);
}

static void
ipsec_mb_seal(struct vg_gcm *g, const uint8_t *nonce, struct vg_str aad, struct vg_str plain,
              uint8_t *to, uint8_t *tag)
{
    struct ipsec_mb *i = VG_CONTAINER(g, struct ipsec_mb, base);
    IMB_AES256_GCM_ENC(i->mgr, &i->key, &i->scratch, to, (const uint8_t *)plain.ptr, plain.len,
                       nonce, (const uint8_t *)aad.ptr, aad.len, tag, VG_GCM_TAG_BYTES);
}

static bool
ipsec_mb_open(struct vg_gcm *g, const uint8_t *nonce, struct vg_str aad, struct vg_str text,
              const uint8_t *tag, uint8_t *to)
{
    struct ipsec_mb *i = VG_CONTAINER(g, struct ipsec_mb, base);
    uint8_t is[VG_GCM_TAG_BYTES];
    IMB_AES256_GCM_DEC(i->mgr, &i->key, &i->scratch, to, (const uint8_t *)text.ptr, text.len, nonce,
                       (const uint8_t *)aad.ptr, aad.len, is, VG_GCM_TAG_BYTES);
    return CRYPTO_memcmp(is, tag, sizeof(is)) == 0;
}

const struct vg_gcm_engine vg_gcm_ipsec_mb = { .is_usable = ipsec_mb_is_usable,
                                               .new = ipsec_mb_new,
                                               .free = ipsec_mb_free,
                                               .seal = ipsec_mb_seal,
                                               .open = ipsec_mb_open };
