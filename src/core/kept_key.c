/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kept_key.h"

#include "core/call.h"
#include "core/env.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "store/kv.h"

/* Under the turn: two first uses at once must not make two. */
static vg_rc
make_key(struct vg_req *rq, struct vg_str part, struct vg_str row, struct vg_str *ret) VG_WAITS
{
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = vg_tx_open(rq, part, &tx);
    if (rc == VG_OK)
        rc = vg_tx_get(tx, part, row, ret, rq->err);
    if (rc != VG_OK || ret->ptr)
        return rc;
    char *key = vg_arena_alloc(rq->arena, VG_KEPT_KEY_BYTES);
    vg_random_bytes(rq->env->random, key, VG_KEPT_KEY_BYTES);
    *ret = vg_str_n(key, VG_KEPT_KEY_BYTES);
    vg_tx_put(tx, part, row, *ret);
    return vg_tx_commit(&tx, rq->err);
}

/* `key` is wiped. */
static vg_rc
take(struct vg_req *rq, struct vg_str account, struct vg_str key, uint8_t ret[VG_KEPT_KEY_BYTES])
{
    if (key.len != VG_KEPT_KEY_BYTES)
        return vg_err_set(rq->err, "the key of account %" VG_FMT " is malformed", VG_ARG(account));
    memcpy(ret, key.ptr, VG_KEPT_KEY_BYTES);
    vg_zero((void *)(uintptr_t)key.ptr, key.len);
    return VG_OK;
}

vg_rc
vg_kept_key(struct vg_req *rq, struct vg_str part, struct vg_str row, struct vg_str account,
            uint8_t ret[VG_KEPT_KEY_BYTES])
{
    struct vg_str key;
    vg_rc rc = vg_kv_get(rq->sess, part, row, &key, rq->err);
    if (rc == VG_OK && key.ptr == NULL)
        rc = make_key(rq, part, row, &key);
    return rc == VG_OK ? take(rq, account, key, ret) : rc;
}

vg_rc
vg_kept_key_find(struct vg_req *rq, struct vg_str part, struct vg_str row, struct vg_str account,
                 uint8_t ret[VG_KEPT_KEY_BYTES], bool *ret_is_there)
{
    struct vg_str key;
    vg_rc rc = vg_kv_get(rq->sess, part, row, &key, rq->err);
    *ret_is_there = rc == VG_OK && key.ptr != NULL;
    return *ret_is_there ? take(rq, account, key, ret) : rc;
}
