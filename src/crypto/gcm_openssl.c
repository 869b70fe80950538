/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "crypto/gcm.h"

#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>

struct openssl {
    struct vg_gcm base;
    EVP_CIPHER_CTX *ctx;
};

static bool
openssl_is_usable(void)
{
    return true;
}

/* EVP_aes_256_gcm() would be looked up among the providers by each call, which costs more than to
 * seal a few bytes. The program's to its end. */
static const EVP_CIPHER *
cipher(void)
{
    static _Atomic(EVP_CIPHER *) kept;
    EVP_CIPHER *had = atomic_load(&kept);
    if (had)
        return had;
    EVP_CIPHER *made = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    VG_ASSERT(made);
    if (atomic_compare_exchange_strong(&kept, &had, made))
        return made;
    EVP_CIPHER_free(made); /* another thread was first */
    return had;
}

static struct vg_gcm *
openssl_new(const uint8_t key[VG_GCM_KEY_BYTES])
{
    struct openssl *o = vg_xalloc(sizeof(*o));
    o->base.engine = &vg_gcm_openssl;
    o->ctx = EVP_CIPHER_CTX_new();
    VG_ASSERT(o->ctx && EVP_EncryptInit_ex(o->ctx, cipher(), NULL, key, NULL) == 1);
    return &o->base;
}

static void
openssl_free(struct vg_gcm *g)
{
    struct openssl *o = VG_CONTAINER(g, struct openssl, base);
    EVP_CIPHER_CTX_free(o->ctx); /* wipes */
    free(o);
}

/* The key stays; `is_sealing` as EVP_CipherInit_ex() has it.  OpenSSL takes no pointer to nothing
 * for an empty text. */
static bool
run(EVP_CIPHER_CTX *ctx, const uint8_t *nonce, struct vg_str aad, struct vg_str text, uint8_t *to,
    int is_sealing)
{
    int n = 0;
    return EVP_CipherInit_ex(ctx, NULL, NULL, NULL, nonce, is_sealing) == 1
           && (aad.len == 0
               || EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)aad.ptr, (int)aad.len) == 1)
           && (text.len == 0
               || EVP_CipherUpdate(ctx, to, &n, (const uint8_t *)text.ptr, (int)text.len) == 1);
}

static void
openssl_seal(struct vg_gcm *g, const uint8_t *nonce, struct vg_str aad, struct vg_str plain,
             uint8_t *to, uint8_t *tag)
{
    EVP_CIPHER_CTX *ctx = VG_CONTAINER(g, struct openssl, base)->ctx;
    uint8_t none[16];
    int n = 0;
    VG_ASSERT(run(ctx, nonce, aad, plain, to, 1));
    VG_ASSERT(EVP_CipherFinal_ex(ctx, none, &n) == 1);
    VG_ASSERT(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, (int)VG_GCM_TAG_BYTES, tag) == 1);
}

static bool
openssl_open(struct vg_gcm *g, const uint8_t *nonce, struct vg_str aad, struct vg_str text,
             const uint8_t *tag, uint8_t *to)
{
    EVP_CIPHER_CTX *ctx = VG_CONTAINER(g, struct openssl, base)->ctx;
    uint8_t none[16];
    int n = 0;
    void *wanted = (void *)(uintptr_t)tag; /* only read */
    return run(ctx, nonce, aad, text, to, 0)
           && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, (int)VG_GCM_TAG_BYTES, wanted) == 1
           && EVP_CipherFinal_ex(ctx, none, &n) == 1;
}

const struct vg_gcm_engine vg_gcm_openssl = { .is_usable = openssl_is_usable,
                                              .new = openssl_new,
                                              .free = openssl_free,
                                              .seal = openssl_seal,
                                              .open = openssl_open };
