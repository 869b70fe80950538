/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_AUTH_AUTHN_DETAIL_H
#define VG_AUTH_AUTHN_DETAIL_H

/*
 * What S3's errors say of a signature besides their message, in the order in which S3 says it:
 * of a key that is not known its id, of a signature that is not right all that it was held to.
 * Only auth/ includes this.
 */

#include "base/err.h"
#include "base/str.h"

struct vg_arena;
struct vg_shape;

struct authn_detail {
    struct vg_str access_key_id;
    /* Absent: the error is another. */
    struct vg_str string_to_sign, signature_provided, string_to_sign_bytes;
    struct vg_str canonical_request, canonical_request_bytes; /* of version 4 only */
};

extern const struct vg_shape authn_detail_shape;

/* err->detail; `canonical` may be absent.  Copies nothing. */
void authn_explain_key(struct vg_arena *arena, struct vg_str access_key_id, struct vg_err *err);
void authn_explain_signature(struct vg_arena *arena, struct vg_str access_key_id,
                             struct vg_str signature, struct vg_str to_sign,
                             struct vg_str canonical, struct vg_err *err);

#endif
