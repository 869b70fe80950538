/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_POLICY_H
#define S3_POLICY_H

/* What S3 asks of a bucket's policy beyond the policy language: pure functions. */

#include "base/arena.h"
#include "base/err.h"

#define S3_POLICY_MAX_BYTES       20480u
#define S3_POLICY_WRONG_PRINCIPAL "Invalid principal in policy"

struct vg_policy;

struct s3_policy_text {
    struct vg_str text; /* as it is kept: without white space */
    bool is_public;     /* in the meaning of the public access block */
    const struct vg_policy *compiled;
};

/*
 * Whether a bucket of that name can have this policy.  On failure err holds AWS's sentence for
 * MalformedPolicy, without a definition.
 */
vg_rc s3_policy_check(struct vg_arena *arena, struct vg_str json, struct vg_str bucket,
                      struct s3_policy_text *ret, struct vg_err *err) VG_MUST_USE;

/*
 * The policy with further statements ("{…},{…}") behind its own.  A policy that is absent counts as
 * one without statements.
 */
struct vg_str s3_policy_with(struct vg_arena *arena, struct vg_str json, struct vg_str statements);

#endif
