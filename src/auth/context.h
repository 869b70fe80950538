/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_AUTH_CONTEXT_H
#define VG_AUTH_CONTEXT_H

/* The keys of a request that policies may test. */

#include "base/err.h"

/*
 * One value of one key: { "aws:SourceArn", "arn:…" }.  A key given several times has several values
 * (aws:TagKeys).  Keys are compared without case.  What follows from the principal, the resource
 * and the time (aws:PrincipalArn, aws:ResourceTag/…, aws:CurrentTime …) is filled in by the
 * evaluator.
 */
struct vg_ctx {
    struct vg_str key;
    struct vg_str value;
};

/*
 * Values that cost something to gather: the evaluator asks for them once, when a policy first tests
 * a key of that prefix.  After a failure the decision counts for nothing.
 */
struct vg_ctx_source {
    struct vg_str prefix; /* "dynamodb:"; absent: there are none */
    vg_rc (*gather)(struct vg_ctx_source *src);
    void *arg;
    bool is_gathered;
    vg_rc rc; /* of gather */
    const struct vg_ctx *ctx;
    size_t n_ctx;
};

#endif
