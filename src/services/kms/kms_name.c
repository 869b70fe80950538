/* SPDX-License-Identifier: Apache-2.0 */
#include "services/kms/kms_name.h"

static bool
is_key_id(struct vg_str id)
{
    if (id.len == 0 || id.len > 64)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        bool is_fine =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
        if (!is_fine)
            return false;
    }
    return true;
}

static bool
is_alias(struct vg_str name)
{
    return vg_str_starts(name, KMS_ALIAS_PREFIX) && name.len > KMS_ALIAS_PREFIX.len;
}

bool
kms_name_parse(struct vg_str text, struct kms_name *ret)
{
    *ret = (struct kms_name) { .name = text };
    if (vg_str_starts(text, VG_STR("arn:"))) {
        struct vg_str rest = text;
        vg_str_cut(&rest, ':');
        ret->partition = vg_str_cut(&rest, ':');
        if (!vg_str_eq(vg_str_cut(&rest, ':'), VG_STR("kms")))
            return false;
        ret->region = vg_str_cut(&rest, ':');
        ret->account = vg_str_cut(&rest, ':');
        if (!ret->account.len || !ret->region.len || !rest.len)
            return false;
        ret->is_alias = is_alias(rest);
        ret->name = rest;
        if (ret->is_alias)
            return true;
        if (!vg_str_starts(rest, VG_STR("key/")))
            return false;
        ret->name = vg_str_slice(rest, sizeof("key/") - 1, rest.len);
        return is_key_id(ret->name);
    }
    ret->is_alias = is_alias(text);
    return ret->is_alias || is_key_id(text);
}
