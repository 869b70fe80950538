/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzzes aws-json input: the first byte chooses an operation, the rest is the body. */

#include "services/dynamodb/model.h"
#include "services/logs/model.h"
#include "wire/wire_fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct vg_wire_op ops[] = {
        { .model = &logs_model, .in = &logs_shape_put_log_events_request },
        { .model = &logs_model, .in = &logs_shape_filter_log_events_request },
        { .model = &logs_model, .in = &logs_shape_put_metric_filter_request },
        { .model = &dynamodb_model, .in = &dynamodb_shape_create_table_input },
        { .model = &dynamodb_model, .in = &dynamodb_shape_put_item_input },
        { .model = &dynamodb_model, .in = &dynamodb_shape_transact_write_items_input },
    };
    if (size == 0)
        return 0;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_wire_in in = { .body = vg_str_n(data + 1, size - 1) };
    fuzz_check_input(&ops[data[0] % VG_COUNT(ops)], &in, arena);
    return 0;
}
