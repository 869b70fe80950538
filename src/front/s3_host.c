/* SPDX-License-Identifier: Apache-2.0 */
#include "front/s3_host.h"

bool
vg_s3_host(struct vg_str name, struct vg_str *ret_bucket)
{
    size_t end = name.len;
    *ret_bucket = VG_STR_NONE;
    for (;;) {
        size_t dot = vg_str_rfind_char(vg_str_slice(name, 0, end), '.');
        size_t at = dot == VG_NPOS ? 0 : dot + 1;
        struct vg_str label = vg_str_slice(name, at, end);
        if (vg_str_eq(label, VG_STR("s3")) || vg_str_eq(label, VG_STR("s3-fips"))) {
            if (at > 1)
                *ret_bucket = vg_str_slice(name, 0, dot);
            return true;
        }
        if (at == 0)
            return false;
        end = dot;
    }
}

struct vg_str
vg_s3_host_of_localhost(struct vg_str name)
{
    const struct vg_str end = VG_STR(".localhost");
    if (!vg_str_ends(name, end) || name.len == end.len)
        return VG_STR_NONE;
    return vg_str_slice(name, 0, name.len - end.len);
}
