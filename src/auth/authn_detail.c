/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/authn_detail.h"

#include "base/arena.h"
#include "base/buf.h"
#include "wire/shape.h"

static const struct vg_shape text_shape = { .type = VG_T_STR, .size = sizeof(struct vg_str) };

#define MEMBER(wire_name, field)                                                                   \
    {                                                                                              \
        .name = VG_STR_INIT(wire_name), .wire = VG_STR_INIT(wire_name), .shape = &text_shape,      \
        .offset = offsetof(struct authn_detail, field)                                             \
    }

static const struct vg_member members[] = {
    MEMBER("AWSAccessKeyId", access_key_id),
    MEMBER("StringToSign", string_to_sign),
    MEMBER("SignatureProvided", signature_provided),
    MEMBER("StringToSignBytes", string_to_sign_bytes),
    MEMBER("CanonicalRequest", canonical_request),
    MEMBER("CanonicalRequestBytes", canonical_request_bytes),
};

const struct vg_shape authn_detail_shape = {
    .type = VG_T_STRUCT,
    .size = sizeof(struct authn_detail),
    .members = members,
    .n_members = VG_COUNT(members),
};

/* "41 57 53 34": by which clients find what they cannot see. */
static struct vg_str
bytes_of(struct vg_arena *arena, struct vg_str text)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 3 * text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        vg_buf_addf(&b, "%s%02x", i ? " " : "", (unsigned char)text.ptr[i]);
    return text.ptr ? vg_buf_str(&b) : VG_STR_NONE;
}

void
authn_explain_key(struct vg_arena *arena, struct vg_str access_key_id, struct vg_err *err)
{
    struct authn_detail *d = VG_NEW(arena, struct authn_detail);
    d->access_key_id = access_key_id;
    err->detail = d;
}

void
authn_explain_signature(struct vg_arena *arena, struct vg_str access_key_id,
                        struct vg_str signature, struct vg_str to_sign, struct vg_str canonical,
                        struct vg_err *err)
{
    struct authn_detail *d = VG_NEW(arena, struct authn_detail);
    *d = (struct authn_detail) {
        .access_key_id = access_key_id,
        .string_to_sign = to_sign,
        .signature_provided = signature,
        .string_to_sign_bytes = bytes_of(arena, to_sign),
        .canonical_request = canonical,
        .canonical_request_bytes = bytes_of(arena, canonical),
    };
    err->detail = d;
}
