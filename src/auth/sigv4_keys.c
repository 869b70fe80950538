/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The signing key of a day, region and service costs four HMACs; requests of one client share it.
 * A small set-associative table keeps them, found by everything they are made of, the secret too,
 * so that a changed secret can never meet an old key.
 */

#include "auth/sigv4.h"

#include "base/arena.h"
#include "crypto/secret.h"

#include <pthread.h>
#include <stdlib.h>

#define SETS       64
#define WAYS       4
#define NAME_BYTES 192

struct entry {
    uint16_t len;          /* of name; 0: free */
    char name[NAME_BYTES]; /* secret, date, region, service, each ended by a NUL */
    uint8_t key[VG_SHA256_BYTES];
};

struct set {
    pthread_mutex_t lock; /* guards the rest */
    unsigned next;        /* the way to be replaced next */
    struct entry ways[WAYS];
};

struct vg_sigv4_keys {
    struct set sets[SETS];
};

struct vg_sigv4_keys *
vg_sigv4_keys_new(void)
{
    struct vg_sigv4_keys *keys = vg_xalloc(sizeof(*keys));
    for (size_t i = 0; i < SETS; i++)
        VG_ASSERT(pthread_mutex_init(&keys->sets[i].lock, NULL) == 0);
    return keys;
}

void
vg_sigv4_keys_free(struct vg_sigv4_keys *keys)
{
    if (!keys)
        return;
    for (size_t i = 0; i < SETS; i++)
        pthread_mutex_destroy(&keys->sets[i].lock);
    vg_zero(keys, sizeof(*keys));
    free(keys);
}

void
vg_sigv4_signing_key(struct vg_str secret, struct vg_str date, struct vg_str region,
                     struct vg_str service, uint8_t ret[VG_SHA256_BYTES])
{
    char first[256];
    uint8_t k[VG_SHA256_BYTES];
    if (secret.len > sizeof(first) - 4) { /* AWS's have 40 characters; longer ones cannot match */
        memset(ret, 0, VG_SHA256_BYTES);
        return;
    }
    memcpy(first, "AWS4", 4);
    if (secret.len > 0)
        memcpy(first + 4, secret.ptr, secret.len);
    vg_hmac_sha256(vg_str_n(first, 4 + secret.len), date, k);
    vg_hmac_sha256(vg_str_n(k, sizeof(k)), region, k);
    vg_hmac_sha256(vg_str_n(k, sizeof(k)), service, k);
    vg_hmac_sha256(vg_str_n(k, sizeof(k)), VG_STR("aws4_request"), ret);
    vg_zero(first, sizeof(first));
    vg_zero(k, sizeof(k));
}

static size_t
name_put(char *name, size_t at, struct vg_str s)
{
    if (s.len > 0)
        memcpy(name + at, s.ptr, s.len);
    name[at + s.len] = '\0';
    return at + s.len + 1;
}

void
vg_sigv4_keys_get(struct vg_sigv4_keys *keys, struct vg_str secret, struct vg_str date,
                  struct vg_str region, struct vg_str service, uint8_t ret[VG_SHA256_BYTES])
{
    char name[NAME_BYTES];
    if (secret.len + date.len + region.len + service.len + 4 > sizeof(name)) {
        vg_sigv4_signing_key(secret, date, region, service, ret);
        return;
    }
    size_t n = name_put(name, 0, secret);
    n = name_put(name, n, date);
    n = name_put(name, n, region);
    n = name_put(name, n, service);
    struct set *set = &keys->sets[vg_str_hash(vg_str_n(name, n)) % SETS];

    bool is_found = false;
    pthread_mutex_lock(&set->lock);
    for (size_t i = 0; i < WAYS && !is_found; i++) {
        is_found = set->ways[i].len == n && memcmp(set->ways[i].name, name, n) == 0;
        if (is_found)
            memcpy(ret, set->ways[i].key, VG_SHA256_BYTES);
    }
    pthread_mutex_unlock(&set->lock);
    if (!is_found) {
        vg_sigv4_signing_key(secret, date, region, service, ret);
        pthread_mutex_lock(&set->lock);
        struct entry *e = &set->ways[set->next++ % WAYS];
        memcpy(e->name, name, n);
        memcpy(e->key, ret, VG_SHA256_BYTES);
        e->len = (uint16_t)n;
        pthread_mutex_unlock(&set->lock);
    }
    vg_zero(name, sizeof(name));
}
