/* SPDX-License-Identifier: Apache-2.0 */
/* Values to JSON by their tables. */
#include "codec/base64.h"
#include "codec/time.h"
#include "wire/wire_int.h"

#include <math.h>

static void
put_f64(struct vg_json_out *w, double v)
{
    if (!isfinite(v)) {
        vg_jsonw_f64(w, v);
        return;
    }
    vg_jsonw_raw(w, VG_STR(""));
    vg_text_add_f64(w->buf, v);
}

static void
put_time(struct vg_json_out *w, int64_t ms, enum vg_time_fmt fmt)
{
    if (fmt == VG_TIME_UNIX || fmt == VG_TIME_DEFAULT) {
        vg_jsonw_raw(w, VG_STR(""));
        vg_time_add_unix(w->buf, ms);
        return;
    }
    vg_jsonw_raw(w, VG_STR("\""));
    vg_text_add_time(w->buf, ms, fmt);
    vg_buf_addc(w->buf, '"');
}

static void
put_blob(struct vg_json_out *w, struct vg_str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    vg_jsonw_raw(w, VG_STR("\""));
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    for (size_t i = 0; i < bytes.len; i += 3) { /* straight into the buffer: no arena here */
        size_t n = VG_MIN(bytes.len - i, (size_t)3);
        uint32_t v =
            (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0u);
        char out[4] = { digits[v >> 18], digits[v >> 12 & 63], n > 1 ? digits[v >> 6 & 63] : '=',
                        n > 2 ? digits[v & 63] : '=' };
        vg_buf_add(w->buf, out, sizeof(out));
    }
    vg_buf_addc(w->buf, '"');
}

static void
put_list(struct vg_json_out *w, const struct vg_shape *shape, const struct vg_list *list,
         bool by_name)
{
    enum vg_time_fmt fmt = vg_time_fmt_of(NULL, shape->item, VG_TIME_UNIX);
    vg_jsonw_array(w);
    for (size_t i = 0; i < list->len; i++)
        vg_json_out_value(w, vg_cslot_item(shape, list, i), fmt, by_name);
    vg_jsonw_array_end(w);
}

static void
put_map(struct vg_json_out *w, const struct vg_shape *shape, const struct vg_list *map,
        bool by_name)
{
    enum vg_time_fmt fmt = vg_time_fmt_of(NULL, shape->item, VG_TIME_UNIX);
    vg_jsonw_object(w);
    for (size_t i = 0; i < map->len; i++) {
        vg_jsonw_key(w, vg_map_key(shape, map, i));
        vg_json_out_value(w, vg_cslot_item(shape, map, i), fmt, by_name);
    }
    vg_jsonw_object_end(w);
}

void
vg_json_out_members(struct vg_json_out *w, const struct vg_shape *shape, const void *st,
                    bool by_name)
{
    for (size_t i = 0; i < shape->n_members; i++) {
        const struct vg_member *m = &shape->members[i];
        struct vg_cslot slot = vg_cslot_member(m, st);
        if ((!by_name && m->loc != VG_LOC_BODY) || !vg_cslot_is_set(slot))
            continue;
        vg_jsonw_key(w, by_name ? m->name : m->wire);
        vg_json_out_value(w, slot, vg_time_fmt_of(m, m->shape, VG_TIME_UNIX), by_name);
    }
}

void
vg_json_out_value(struct vg_json_out *w, struct vg_cslot slot, enum vg_time_fmt time_fmt,
                  bool by_name)
{
    if (!vg_cslot_is_set(slot)) { /* an element that is absent */
        vg_jsonw_null(w);
        return;
    }
    switch ((enum vg_type)slot.shape->type) {
    case VG_T_STR:
    case VG_T_ENUM:
        vg_jsonw_str(w, vg_cslot_str(slot));
        break;
    case VG_T_BLOB:
        put_blob(w, vg_cslot_str(slot));
        break;
    case VG_T_BOOL:
        vg_jsonw_bool(w, vg_cslot_bool(slot));
        break;
    case VG_T_INT:
    case VG_T_LONG:
        vg_jsonw_i64(w, vg_cslot_i64(slot));
        break;
    case VG_T_FLOAT:
    case VG_T_DOUBLE:
        put_f64(w, vg_cslot_f64(slot));
        break;
    case VG_T_TIMESTAMP:
        put_time(w, vg_cslot_i64(slot), time_fmt);
        break;
    case VG_T_DOCUMENT:
        vg_jsonw_raw(w, vg_cslot_str(slot));
        break;
    case VG_T_LIST:
        put_list(w, slot.shape, slot.at, by_name);
        break;
    case VG_T_MAP:
        put_map(w, slot.shape, slot.at, by_name);
        break;
    case VG_T_STRUCT:
        vg_jsonw_object(w);
        vg_json_out_members(w, slot.shape, vg_cslot_body(slot), by_name);
        vg_jsonw_object_end(w);
        break;
    case VG_T_CUSTOM:
        slot.shape->encode(w, vg_cslot_body(slot));
        break;
    }
}

void
vg_wire_to_json(const struct vg_shape *shape, const void *value, struct vg_buf *to)
{
    struct vg_json_out w;
    vg_jsonw_init(&w, to);
    vg_jsonw_object(&w);
    vg_json_out_members(&w, shape, value, true);
    vg_jsonw_object_end(&w);
}
