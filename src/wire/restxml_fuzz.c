/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzzes rest-xml over S3's model: any of its operations; see wire_fuzz.h for the input's form. */

#include "wire/s3/ops.h"
#include "wire/wire_fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct vg_routes *routes;
    if (routes == NULL)
        routes = vg_routes_new(s3_wire_ops, s3_n_wire_ops);
    fuzz_check_rest(routes, vg_str_n(data, size));
    return 0;
}
