/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_AUTH_SIGV2_H
#define VG_AUTH_SIGV2_H

/*
 * S3's presigned URLs of Signature Version 2, which boto3 and the AWS CLI still make for us-east-1:
 * AWSAccessKeyId, Expires (seconds since 1970) and Signature in the query.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
 *
 * A URL says when it ends, not when it was made, so its end is of the wall clock: moves of the
 * virtual clock neither shorten nor prolong it.  Pure functions; any thread.
 */

#include "auth/sigv4.h"

/* Whether the query has the three parameters. */
bool vg_sigv2_is_presigned(const struct vg_sigv4_request *rq);

/* Whether an Authorization header is of that version, which S3 takes in URLs only, as it does of
 * buckets made since June 2020. */
bool vg_sigv2_is_header(struct vg_str authorization);

/* Fills key id, token, signature (bytes), end; the payload is unsigned. */
vg_rc vg_sigv2_parse(struct vg_arena *arena, const struct vg_sigv4_request *rq,
                     struct vg_sigv4 *ret, struct vg_err *err) VG_MUST_USE;
vg_rc vg_sigv2_check(const struct vg_sigv4 *sig, const struct vg_sigv4_rules *rules,
                     struct vg_err *err) VG_MUST_USE;

struct vg_str vg_sigv2_string_to_sign(struct vg_arena *arena, const struct vg_sigv4_request *rq);
bool vg_sigv2_is_signature(struct vg_str secret, struct vg_str to_sign, struct vg_str signature)
    VG_MUST_USE;

#endif
