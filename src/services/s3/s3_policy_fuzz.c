/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzzes bucket policies: what passes the check can be compiled, and with further statements too.
 */

#include "services/s3/s3_policy.h"

#include "auth/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    const struct vg_policy *compiled;
    struct vg_err err = { 0 };
    struct s3_policy_text policy;
    if (s3_policy_check(a, vg_str_n(data, size), VG_STR("bucket"), &policy, &err) != VG_OK) {
        VG_ASSERT(err.msg[0] != '\0');
        return 0;
    }
    struct vg_str more = s3_policy_with(
        a, policy.text,
        VG_STR("{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}"));
    VG_ASSERT(vg_policy_compile(a, more, VG_POLICY_FOR_RESOURCE, &compiled, &err) == VG_OK);
    return 0;
}
