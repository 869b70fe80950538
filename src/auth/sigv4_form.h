/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_AUTH_SIGV4_FORM_H
#define VG_AUTH_SIGV4_FORM_H

/*
 * Forms that browsers post to S3: what is signed is not the request but a policy in base64, by
 * Signature Version 4 or 2.  Pure functions; any thread.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html
 */

#include "auth/sigv4.h"

/* The form's fields, as they came. */
struct vg_sigv4_form {
    bool is_v2;
    struct vg_str policy;                      /* what is signed */
    struct vg_str signature;                   /* hexadecimal; version 2's in base64 */
    struct vg_str token;                       /* absent: none */
    struct vg_str access_key_id;               /* version 2 */
    struct vg_str algorithm, credential, date; /* version 4 */
};

/*
 * False: *ret_field ("X-Amz-Credential") is not well-formed; *ret_why is S3's sentence.  `ret` is
 * what the credential is found by.
 */
bool vg_sigv4_form_parse(struct vg_arena *arena, const struct vg_sigv4_form *form,
                         struct vg_sigv4 *ret, const char **ret_field, struct vg_str *ret_why)
    VG_MUST_USE;
/* `secret`: of the key that the form names; `keys` may be NULL. */
bool vg_sigv4_form_is_signed(struct vg_arena *arena, const struct vg_sigv4_form *form,
                             const struct vg_sigv4 *sig, struct vg_str secret,
                             struct vg_sigv4_keys *keys) VG_MUST_USE;
/*
 * Whether the time has come that the policy calls its expiration (wall clock).  As of presigned
 * URLs, version 4's lifetime from its date on runs in virtual time; version 2 has no date.
 */
bool vg_sigv4_form_has_ended(const struct vg_sigv4_rules *rules, const struct vg_sigv4 *sig,
                             int64_t expires_ms);

#endif
