/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Object lock: retention on the virtual clock, and legal holds.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
 */

#include "services/s3/s3_int.h"

#include "core/env.h"

bool
s3_is_locked(struct vg_req *rq, const struct s3_rec_version *v, bool may_bypass)
{
    bool is_retained = v->lock_mode.ptr && v->lock_until_ms.v > vg_now_ms(rq->env);
    bool is_bypassed = may_bypass && vg_str_eq(v->lock_mode, VG_STR("GOVERNANCE"));
    return v->has_legal_hold || (is_retained && !is_bypassed);
}
