/* SPDX-License-Identifier: Apache-2.0 */
#include "services/kms/kms_name.h"

static bool
is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Whether it is as a form, in which 'x' stands for a hexadecimal digit. */
static bool
is_of_form(struct vg_str text, struct vg_str form)
{
    if (text.len != form.len)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (form.ptr[i] == 'x' ? !is_hex(text.ptr[i]) : text.ptr[i] != form.ptr[i])
            return false;
    return true;
}

/* https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-id */
static bool
is_key_id(struct vg_str id)
{
    return is_of_form(id, VG_STR("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"))
           || is_of_form(id, VG_STR("mrk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
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
