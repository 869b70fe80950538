/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzzes filter patterns: the first line is the pattern, the rest the message. */

#include "services/logs/logs_filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_str message = vg_str_n(data, size);
    struct vg_str pattern = vg_str_cut(&message, '\n');
    struct vg_err err = { 0 };
    struct logs_filter *f = NULL;
    if (logs_filter_parse(a, pattern, &f, &err) == VG_OK)
        (void)logs_filter_match(f, a, message);
    else
        VG_ASSERT(err.msg[0] != '\0');
    return 0;
}
