/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_AUTH_AUTH_INT_H
#define VG_AUTH_AUTH_INT_H

/* Shared by auth_*.c only. */

#include "auth/auth.h"
#include "auth/cache.h"
#include "auth/store.h"
#include "crypto/seal.h"

#include <pthread.h>
#include <stdatomic.h>

struct vg_auth {
    struct vg_arena *arena; /* of the options' strings */
    struct vg_auth_options opt;
    struct vg_principal root;
    struct vg_secret root_secret;
    uint8_t seal_key[VG_SEAL_KEY_BYTES];
    struct vg_sigv4_keys *keys;
    struct vg_cache *cache;
    struct vg_cache *used;     /* last uses of access keys by id (auth_used.c) */
    pthread_mutex_t used_lock; /* guards what its entries hold */
    _Atomic uint64_t epoch;    /* raised after every change of IAM's records */
};

/* A key that may sign: what the lookup of a key id gives. */
struct auth_credential {
    struct vg_secret secret;
    struct vg_principal who;
};

/* Opens a session token; false when it is not ours. `ret`: s->arena. */
bool auth_token_open(struct vg_auth *auth, struct vg_arena *arena, struct vg_str token,
                     struct auth_rec_session *ret);

#endif
