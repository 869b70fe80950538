/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a policy: compiling ends, and what compiles can be evaluated. */

#include "auth/policy.h"
#include "base/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct vg_principal who = { .kind = VG_PRINCIPAL_USER,
                                             .account = VG_STR_INIT("111111111111"),
                                             .arn = VG_STR_INIT("arn:aws:iam::111111111111:user/a"),
                                             .name = VG_STR_INIT("a") };
    static const struct vg_access what = { .action = VG_STR_INIT("s3:GetObject"),
                                           .resource = VG_STR_INIT("arn:aws:s3:::b/a/k") };
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    for (int use = VG_POLICY_FOR_IDENTITY; use <= VG_POLICY_FOR_KEY; use++) {
        const struct vg_policy *p;
        struct vg_err err = { 0 };
        if (vg_policy_compile(a, vg_str_n(data, size), (enum vg_policy_use)use, &p, &err) != VG_OK)
            continue;
        const struct vg_policies all = { .identity = &p, .n_identity = 1, .resource = p };
        struct vg_decision d;
        vg_policy_decide(a, &all, &who, &what, 0, &d);
    }
    return 0;
}
