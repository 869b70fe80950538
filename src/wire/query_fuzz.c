/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzzes query input: the first byte chooses an operation, the rest is the form. */

#include "services/iam/model.h"
#include "services/sts/model.h"
#include "wire/wire_fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct vg_wire_op ops[] = {
        { .model = &iam_model, .in = &iam_shape_create_role_request },
        { .model = &iam_model, .in = &iam_shape_simulate_custom_policy_request },
        { .model = &iam_model, .in = &iam_shape_list_users_request },
        { .model = &sts_model, .in = &sts_shape_assume_role_request },
    };
    if (size == 0)
        return 0;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_wire_in in = { .body = vg_str_n(data + 1, size - 1) };
    fuzz_check_input(&ops[data[0] % VG_COUNT(ops)], &in, arena);
    return 0;
}
