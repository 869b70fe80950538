/* SPDX-License-Identifier: Apache-2.0 */
/* Scalars as the text of headers, URIs, forms and XML. */
#include "codec/base64.h"
#include "codec/time.h"
#include "wire/wire_int.h"

#include <math.h>

bool
vg_is_scalar(const struct vg_shape *shape)
{
    return shape->type != VG_T_LIST && shape->type != VG_T_MAP && shape->type != VG_T_STRUCT
           && shape->type != VG_T_CUSTOM;
}

enum vg_time_fmt
vg_time_fmt_of(const struct vg_member *m, const struct vg_shape *shape, enum vg_time_fmt otherwise)
{
    if (m && m->time_fmt != VG_TIME_DEFAULT)
        return (enum vg_time_fmt)m->time_fmt;
    return shape->time_fmt != VG_TIME_DEFAULT ? (enum vg_time_fmt)shape->time_fmt : otherwise;
}

bool
vg_text_parse_f64(struct vg_str text, double *ret)
{
    if (vg_str_eq(text, VG_STR("NaN")))
        *ret = (double)NAN;
    else if (vg_str_eq(text, VG_STR("Infinity")))
        *ret = (double)INFINITY;
    else if (vg_str_eq(text, VG_STR("-Infinity")))
        *ret = -(double)INFINITY;
    else
        return vg_f64_parse(text, ret);
    return true;
}

static bool
get_time(struct vg_str text, int64_t *ret)
{
    return vg_time_parse_iso(text, ret) || vg_time_parse_http(text, ret)
           || vg_time_parse_unix(text, ret);
}

bool
vg_text_get(struct vg_arena *arena, struct vg_str text, enum vg_time_fmt time_fmt,
            struct vg_slot slot)
{
    (void)time_fmt; /* the three forms cannot be confused: any is taken */
    int64_t i;
    double f;
    struct vg_str bytes;
    switch ((enum vg_type)slot.shape->type) {
    case VG_T_STR:
    case VG_T_ENUM:
    case VG_T_DOCUMENT:
        vg_slot_set_str(slot, text);
        return true;
    case VG_T_BLOB:
        if (!vg_base64_decode(arena, text, &bytes))
            return false;
        vg_slot_set_str(slot, bytes);
        return true;
    case VG_T_BOOL:
        if (!vg_str_eq_nocase(text, VG_STR("true")) && !vg_str_eq_nocase(text, VG_STR("false")))
            return false;
        vg_slot_set_bool(slot, vg_str_eq_nocase(text, VG_STR("true")));
        return true;
    case VG_T_INT:
    case VG_T_LONG:
        if (!vg_str_to_i64(text, &i)
            || (slot.shape->type == VG_T_INT && (i < INT32_MIN || i > INT32_MAX)))
            return false;
        vg_slot_set_i64(slot, i);
        return true;
    case VG_T_FLOAT:
    case VG_T_DOUBLE:
        if (!vg_text_parse_f64(text, &f))
            return false;
        vg_slot_set_f64(slot, f);
        return true;
    case VG_T_TIMESTAMP:
        if (!get_time(text, &i))
            return false;
        vg_slot_set_i64(slot, i);
        return true;
    case VG_T_LIST:
    case VG_T_MAP:
    case VG_T_STRUCT:
    case VG_T_CUSTOM:
        break;
    }
    return false;
}

void
vg_text_add_f64(struct vg_buf *b, double v)
{
    char text[VG_F64_TEXT_MAX];
    size_t n = vg_f64_text(v, text);
    vg_buf_add(b, text, n);
    if (isfinite(v) && memchr(text, '.', n) == NULL && memchr(text, 'e', n) == NULL)
        vg_buf_adds(b, VG_STR(".0")); /* as AWS's services write whole ones */
}

void
vg_text_add_time(struct vg_buf *b, int64_t ms, enum vg_time_fmt fmt)
{
    switch (fmt) {
    case VG_TIME_ISO:
        vg_time_add_iso(b, ms);
        break;
    case VG_TIME_HTTP:
        vg_time_add_http(b, ms);
        break;
    case VG_TIME_DEFAULT:
    case VG_TIME_UNIX:
        vg_time_add_unix(b, ms);
        break;
    }
}

void
vg_text_add(struct vg_buf *b, struct vg_cslot slot, enum vg_time_fmt time_fmt,
            struct vg_arena *arena)
{
    switch ((enum vg_type)slot.shape->type) {
    case VG_T_STR:
    case VG_T_ENUM:
    case VG_T_DOCUMENT:
        vg_buf_adds(b, vg_cslot_str(slot));
        break;
    case VG_T_BLOB:
        vg_buf_adds(b, vg_base64_encode(arena, vg_cslot_str(slot)));
        break;
    case VG_T_BOOL:
        vg_buf_adds(b, vg_cslot_bool(slot) ? VG_STR("true") : VG_STR("false"));
        break;
    case VG_T_INT:
    case VG_T_LONG:
        vg_buf_add_i64(b, vg_cslot_i64(slot));
        break;
    case VG_T_FLOAT:
    case VG_T_DOUBLE:
        vg_text_add_f64(b, vg_cslot_f64(slot));
        break;
    case VG_T_TIMESTAMP:
        vg_text_add_time(b, vg_cslot_i64(slot), time_fmt);
        break;
    case VG_T_LIST:
    case VG_T_MAP:
    case VG_T_STRUCT:
    case VG_T_CUSTOM:
        break;
    }
}
