/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/random.h"

#include "base/arena.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "os/clock.h"
#include "os/fiber.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#define POOL_BYTES 1024

struct stream {
    uint8_t key[VG_RANDOM_SEED_BYTES];
    uint8_t pool[POOL_BYTES];
    size_t left; /* unused bytes at the pool's end */
};

struct vg_random {
    size_t n_loops;
    pthread_mutex_t lock;   /* guards streams[n_loops], used off the loops */
    struct stream *streams; /* n_loops + 1 */
};

struct vg_random *
vg_random_new(size_t n_loops, const uint8_t *seed)
{
    struct vg_random *rnd = vg_xalloc(sizeof(*rnd));
    rnd->n_loops = n_loops;
    VG_ASSERT(pthread_mutex_init(&rnd->lock, NULL) == 0);
    rnd->streams = vg_xalloc((n_loops + 1) * sizeof(struct stream));
    for (size_t i = 0; i <= n_loops; i++) {
        struct stream *s = &rnd->streams[i];
        if (seed) {
            uint8_t index = (uint8_t)i;
            vg_hmac_sha256(vg_str_n(seed, VG_RANDOM_SEED_BYTES), vg_str_n(&index, 1), s->key);
        } else {
            vg_os_random(s->key, sizeof(s->key));
        }
    }
    return rnd;
}

void
vg_random_free(struct vg_random *rnd)
{
    if (!rnd)
        return;
    vg_zero(rnd->streams, (rnd->n_loops + 1) * sizeof(struct stream));
    free(rnd->streams);
    pthread_mutex_destroy(&rnd->lock);
    free(rnd);
}

static void
refill(struct stream *s)
{
    static const uint8_t zero[VG_RANDOM_SEED_BYTES + POOL_BYTES] = { 0 };
    static const uint8_t iv[16] = { 0 };
    uint8_t out[VG_RANDOM_SEED_BYTES + POOL_BYTES];
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    VG_ASSERT(ctx && EVP_EncryptInit_ex(ctx, EVP_chacha20(), NULL, s->key, iv) == 1
              && EVP_EncryptUpdate(ctx, out, &n, zero, (int)sizeof(zero)) == 1
              && n == (int)sizeof(zero));
    EVP_CIPHER_CTX_free(ctx);
    memcpy(s->key, out, sizeof(s->key));
    memcpy(s->pool, out + sizeof(s->key), POOL_BYTES);
    s->left = POOL_BYTES;
    vg_zero(out, sizeof(out));
}

static void
take(struct stream *s, uint8_t *to, size_t bytes)
{
    while (bytes > 0) {
        if (s->left == 0)
            refill(s);
        size_t n = VG_MIN(bytes, s->left);
        uint8_t *from = s->pool + POOL_BYTES - s->left;
        memcpy(to, from, n);
        vg_zero(from, n);
        s->left -= n;
        to += n;
        bytes -= n;
    }
}

void
vg_random_bytes(struct vg_random *rnd, void *to, size_t bytes)
{
    struct vg_loop *loop = vg_loop_self();
    if (loop && (size_t)vg_loop_index(loop) < rnd->n_loops) {
        take(&rnd->streams[vg_loop_index(loop)], to, bytes);
        return;
    }
    pthread_mutex_lock(&rnd->lock);
    take(&rnd->streams[rnd->n_loops], to, bytes);
    pthread_mutex_unlock(&rnd->lock);
}

uint64_t
vg_random_u64(struct vg_random *rnd)
{
    uint64_t v;
    vg_random_bytes(rnd, &v, sizeof(v));
    return v;
}

uint64_t
vg_random_below(struct vg_random *rnd, uint64_t bound)
{
    VG_ASSERT(bound > 0);
    uint64_t unfair = UINT64_MAX - UINT64_MAX % bound; /* values from here on would be too many */
    uint64_t v = vg_random_u64(rnd);
    while (v >= unfair)
        v = vg_random_u64(rnd);
    return v % bound;
}

struct vg_str
vg_random_uuid(struct vg_random *rnd, struct vg_arena *arena)
{
    uint8_t b[16];
    vg_random_bytes(rnd, b, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    char *p = vg_arena_alloc(arena, 37), *at = p;
    static const uint8_t runs[] = { 4, 2, 2, 2, 6 };
    const uint8_t *from = b;
    for (size_t i = 0; i < VG_COUNT(runs); i++) {
        if (i > 0)
            *at++ = '-';
        vg_hex_put(at, from, runs[i]);
        at += 2 * runs[i];
        from += runs[i];
    }
    return vg_str_n(p, 36);
}

struct vg_str
vg_random_text(struct vg_random *rnd, struct vg_arena *arena, struct vg_str prefix,
               struct vg_str alphabet, size_t n)
{
    char *p = vg_arena_alloc(arena, prefix.len + n + 1);
    if (prefix.len > 0)
        memcpy(p, prefix.ptr, prefix.len);
    for (size_t i = 0; i < n; i++)
        p[prefix.len + i] = alphabet.ptr[vg_random_below(rnd, alphabet.len)];
    return vg_str_n(p, prefix.len + n);
}
