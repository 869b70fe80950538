/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_AUTH_CONTEXT_H
#define VG_AUTH_CONTEXT_H

/* The keys of a request that policies may test. */

#include "base/str.h"

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

#endif
