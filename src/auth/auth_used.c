/* SPDX-License-Identifier: Apache-2.0 */

/*
 * When, where and for what an access key was last used.
 *
 * Each use is noted in memory; the key's record is written at the first use since the start and
 * then at most every quarter of an hour of virtual time, so what a crash loses is that much of the
 * date, and never that a key was used at all.
 */

#include "auth/auth_int.h"

#include "base/arena.h"

#define STORE_EVERY_MS (15 * 60 * 1000)
#define ARENA_BYTES    4096
#define NAME_MAX_BYTES 64

/* Of one key; guarded by auth->used_lock. */
struct use {
    char service[NAME_MAX_BYTES], region[NAME_MAX_BYTES];
    int64_t used_ms, stored_ms;
};

/* What the cache keeps: it gives constants out, and a use is none. */
struct use_ref {
    struct use *use;
};

/* The key's, made when it is not there. */
static struct use *
use_of(struct vg_auth *auth, struct vg_sess *s, struct vg_str id)
{
    const struct use_ref *found = vg_cache_get(auth->used, s, id, VG_CACHE_ALWAYS);
    if (found)
        return found->use;
    struct vg_arena *a = vg_arena_new(ARENA_BYTES);
    struct use_ref *ref = VG_NEW(a, struct use_ref);
    ref->use = VG_NEW(a, struct use);
    struct use *use = ref->use;
    vg_cache_put(auth->used, s, id, VG_CACHE_ALWAYS, a, ref, 0);
    return use;
}

static void
set_text(char to[NAME_MAX_BYTES], struct vg_str from)
{
    size_t n = VG_MIN(from.len, (size_t)NAME_MAX_BYTES - 1);
    memcpy(to, from.ptr, n);
    to[n] = '\0';
}

/* True when this use is to be written. */
static bool
note(struct vg_auth *auth, struct vg_sess *s, const struct vg_sigv4 *sig, int64_t now_ms)
{
    struct use *use = use_of(auth, s, sig->access_key_id);
    pthread_mutex_lock(&auth->used_lock);
    bool is_due = use->used_ms == 0 || now_ms - use->stored_ms >= STORE_EVERY_MS;
    set_text(use->service, sig->service);
    set_text(use->region, sig->region);
    use->used_ms = now_ms;
    if (is_due)
        use->stored_ms = now_ms;
    pthread_mutex_unlock(&auth->used_lock);
    return is_due;
}

/* The key's record is read in the transaction: one that was deleted meanwhile stays deleted. */
static vg_rc
store(struct vg_sess *s, const struct vg_sigv4 *sig, int64_t now_ms, struct vg_err *err)
{
    struct vg_str part = vg_iam_keys_part(s->arena);
    struct auth_rec_key key;
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = vg_kv_begin(s, &part, 1, &tx, err);
    if (rc != VG_OK)
        return rc;
    const struct vg_iam db = { .s = s, .tx = tx, .err = err };
    rc = vg_iam_key(&db, sig->access_key_id, &key);
    if (rc != VG_OK || !key.id.ptr)
        return rc;
    key.used_ms = now_ms;
    key.used_service = sig->service;
    key.used_region = sig->region;
    vg_iam_put_key(&db, &key);
    return vg_tx_commit(&tx, err);
}

vg_rc
vg_auth_used(struct vg_auth *auth, struct vg_sess *s, const struct vg_authn *an, struct vg_err *err)
{
    if (an->principal->kind != VG_PRINCIPAL_USER || an->principal->is_temporary)
        return VG_OK;
    int64_t now_ms = vg_auth_now_ms(auth);
    return note(auth, s, &an->sig, now_ms) ? store(s, &an->sig, now_ms, err) : VG_OK;
}

void
vg_auth_last_use(struct vg_auth *auth, struct vg_sess *s, struct auth_rec_key *key)
{
    const struct use_ref *found = vg_cache_get(auth->used, s, key->id, VG_CACHE_ALWAYS);
    if (!found)
        return;
    pthread_mutex_lock(&auth->used_lock);
    if (found->use->used_ms >= key->used_ms) {
        key->used_ms = found->use->used_ms;
        key->used_service = vg_str_dup(s->arena, vg_str_of(found->use->service));
        key->used_region = vg_str_dup(s->arena, vg_str_of(found->use->region));
    }
    pthread_mutex_unlock(&auth->used_lock);
}
