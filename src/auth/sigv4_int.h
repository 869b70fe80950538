/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_AUTH_SIGV4_INT_H
#define VG_AUTH_SIGV4_INT_H

/* Shared by the sigv4_*.c files only. */

#include "auth/sigv4.h"

#define VG_SIGV4A_ID_MAX 256 /* of an access key id; AWS: 16 to 128 */

/* The first header of that name; absent when there is none. */
struct vg_str vg_sigv4_header(const struct vg_sigv4_request *rq, struct vg_str name);
/* What follows the '?' of a target; absent when there is none. */
struct vg_str vg_sigv4_query(struct vg_str target);
/* Percent-decodes; a '%' without two digits stays, '+' becomes a blank. */
struct vg_str vg_sigv4_decode(struct vg_arena *arena, struct vg_str s);
/* "AWS4-HMAC-SHA256" or 4A's, and the scope as it is signed. */
const char *vg_sigv4_algorithm(const struct vg_sigv4 *sig);
struct vg_str vg_sigv4_scope(struct vg_arena *arena, const struct vg_sigv4 *sig);
/* 4A's key as a signer has it; false when there is none. */
bool vg_sigv4a_private_key(struct vg_str access_key_id, struct vg_str secret, uint8_t ret[32]);
/* keyid/date/region/service/aws4_request (4A: no region); the key id itself may hold slashes. */
bool vg_sigv4_split_credential(struct vg_str cred, struct vg_sigv4 *ret);
/* Whether what was signed then has outlived its lifetime, in virtual time. */
bool vg_sigv4_has_ended(const struct vg_sigv4_rules *rules, int64_t signed_ms, int64_t lifetime_ms);
/* "20150830T123600Z", or RFC 1123 as the Date header has it. `ret_basic`: the first form. */
bool vg_sigv4_time(struct vg_arena *arena, struct vg_str text, int64_t *ret_ms,
                   struct vg_str *ret_basic);
struct vg_str vg_sigv4_time_text(struct vg_arena *arena, int64_t ms);

#endif
