/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzzes the JSON parser: what it takes, written again, must give the same tokens. */

#include "codec/json_test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_str text = vg_str_n(data, size);
    struct vg_buf once, twice;
    vg_buf_init(&once, arena, (size_t)64 << 20);
    vg_buf_init(&twice, arena, (size_t)64 << 20);
    bool is_json = vg_json_copy(arena, text, &once);
    if (is_json) {
        VG_ASSERT(vg_json_copy(arena, vg_buf_str(&once), &twice));
        VG_ASSERT(vg_str_eq(vg_buf_str(&once), vg_buf_str(&twice)));
    }
    struct vg_json js; /* skipping finds the same */
    vg_json_init(&js, text, arena);
    struct vg_str raw = VG_STR_NONE;
    bool is_value = vg_json_raw(&js, vg_json_next(&js), &raw) && vg_json_next(&js) == VG_JSON_END;
    VG_ASSERT(is_value == is_json);
    return 0;
}
