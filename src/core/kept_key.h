/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_KEPT_KEY_H
#define VG_CORE_KEPT_KEY_H

/* Keys of a service's own, of an account each, that seal what it keeps: made at their first use. */

#include "core/service.h"

#define VG_KEPT_KEY_BYTES 32

/*
 * The account's key in a row of a partition that holds nothing else that is in the way of a turn.
 * It never changes once it is there.  Fails as the store does, or when the row is no key; `ret` is
 * the caller's to wipe.
 */
vg_rc vg_kept_key(struct vg_req *rq, struct vg_str part, struct vg_str row, struct vg_str account,
                  uint8_t ret[VG_KEPT_KEY_BYTES]) VG_WAITS VG_MUST_USE;
/* The same without making one: *ret_is_there false: there is none. */
vg_rc vg_kept_key_find(struct vg_req *rq, struct vg_str part, struct vg_str row,
                       struct vg_str account, uint8_t ret[VG_KEPT_KEY_BYTES], bool *ret_is_there)
    VG_MUST_USE;

#endif
