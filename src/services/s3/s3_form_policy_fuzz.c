/* SPDX-License-Identifier: Apache-2.0 */

/* Any JSON as a form's policy: what is refused is explained, what is read can be held to. */

#include "services/s3/s3_form_policy.h"

#include "codec/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct s3_form_field field = { VG_STR("key"), VG_STR("Key"), VG_STR("user/eric/a") };
    const struct s3_form_fields fields = { &field, 1, 1 };
    struct s3_form_policy policy;
    struct vg_str why = VG_STR_NONE;
    struct vg_str text = vg_base64_encode(a, vg_str_n(data, size));
    if (!s3_form_policy_read(a, text, &policy, &why)) {
        VG_ASSERT(why.len > 0);
        return 0;
    }
    VG_ASSERT(s3_form_policy_holds(a, &policy, VG_STR("b"), &fields, &why) == (why.len == 0));
    return 0;
}
