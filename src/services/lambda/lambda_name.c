/* SPDX-License-Identifier: Apache-2.0 */
/* "MyFunction", "123456789012:function:MyFunction", "arn:aws:lambda:…:function:MyFunction:prod". */
#include "services/lambda/lambda_int.h"

bool
lambda_is_version(struct vg_str q)
{
    for (size_t i = 0; i < q.len; i++) {
        if (q.ptr[i] < '0' || q.ptr[i] > '9')
            return false;
    }
    return q.len > 0;
}

static bool
is_name(struct vg_str s, bool is_qualifier)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                  || c == '-' || c == '_' || (is_qualifier && c == '$');
        if (!ok)
            return false;
    }
    return s.len > 0 && s.len <= (is_qualifier ? 128u : 64u);
}

bool
lambda_name_parse(struct vg_str text, struct lambda_name *ret)
{
    *ret = (struct lambda_name) { .name = VG_STR_NONE };
    struct vg_str rest = text;
    if (vg_str_starts(rest, VG_STR("arn:"))) {
        vg_str_cut(&rest, ':');
        vg_str_cut(&rest, ':'); /* partition */
        if (!vg_str_eq(vg_str_cut(&rest, ':'), VG_STR("lambda")))
            return false;
        ret->region = vg_str_cut(&rest, ':');
        ret->account = vg_str_cut(&rest, ':');
        if (!vg_str_eq(vg_str_cut(&rest, ':'), VG_STR("function")))
            return false;
    } else {
        struct vg_str probe = rest, first = vg_str_cut(&probe, ':');
        if (first.len == 12 && lambda_is_version(first) && probe.ptr) {
            ret->account = first;
            rest = probe;
            probe = rest;
            first = vg_str_cut(&probe, ':');
        }
        if (vg_str_eq(first, VG_STR("function")) && probe.ptr)
            rest = probe;
    }
    ret->name = vg_str_cut(&rest, ':');
    ret->qualifier = rest;
    if (rest.ptr && !is_name(rest, true))
        return false;
    return is_name(ret->name, false);
}
