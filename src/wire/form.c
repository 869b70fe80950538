/* SPDX-License-Identifier: Apache-2.0 */
/* Names and values of forms and query strings. */
#include "codec/uri.h"
#include "wire/wire_int.h"

static size_t
count_char(struct vg_str s, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += s.ptr[i] == c;
    return n;
}

bool
vg_pairs_parse(struct vg_arena *arena, struct vg_str text, struct vg_pairs *ret)
{
    *ret = (struct vg_pairs) { 0 };
    if (text.len == 0)
        return true;
    size_t n = count_char(text, '&') + 1;
    if (n > VG_PAIRS_MAX)
        return false;
    ret->items = VG_NEW_ARRAY(arena, struct vg_pair, n);
    for (struct vg_str rest = text; rest.ptr;) {
        struct vg_str value = vg_str_cut(&rest, '&');
        if (value.len == 0)
            continue;
        struct vg_str name = vg_str_cut(&value, '=');
        struct vg_pair p = { vg_uri_decode(arena, name, true), VG_STR(""), (uint32_t)ret->len };
        if (value.len)
            p.value = vg_uri_decode(arena, value, true);
        if (!vg_str_is_utf8(p.name) || !vg_str_is_utf8(p.value))
            return false;
        ret->items[ret->len++] = p;
    }
    return true;
}

struct vg_str
vg_form_get(struct vg_arena *arena, struct vg_str form, struct vg_str name)
{
    for (struct vg_str rest = form; rest.ptr;) {
        struct vg_str value = vg_str_cut(&rest, '&');
        struct vg_str key = vg_str_cut(&value, '=');
        if (vg_str_eq(vg_uri_decode(arena, key, true), name))
            return value.len ? vg_uri_decode(arena, value, true) : VG_STR("");
    }
    return VG_STR_NONE;
}
