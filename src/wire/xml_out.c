/* SPDX-License-Identifier: Apache-2.0 */
/* Values in XML, as query and rest-xml write them. */
#include "codec/xml.h"
#include "wire/wire_int.h"

bool
vg_xml_is_flattened(const struct vg_member *m, const struct vg_shape *shape)
{
    return (shape->flags & VG_SHAPE_FLATTENED) || (m && (m->flags & VG_MEMBER_FLATTENED));
}

/* In an output a place in the URI or the query means nothing. */
bool
vg_xml_is_element(const struct vg_member *m)
{
    return (m->loc == VG_LOC_BODY || m->loc == VG_LOC_QUERY || m->loc == VG_LOC_URI)
           && !(m->flags & VG_MEMBER_XML_ATTR);
}

static void
put_text(struct vg_xml_out *o, const struct vg_member *m, struct vg_cslot slot, struct vg_buf *text)
{
    enum vg_time_fmt fmt = vg_time_fmt_of(m, slot.shape, VG_TIME_ISO);
    vg_buf_init(text, o->arena, o->b->max);
    vg_text_add(text, slot, fmt, o->arena);
    bool is_iso = slot.shape->type == VG_T_TIMESTAMP && fmt == VG_TIME_ISO;
    if (o->has_millis && is_iso && vg_str_find_char(vg_buf_str(text), '.') == VG_NPOS) {
        text->len--;
        vg_buf_adds(text, VG_STR(".000Z"));
    }
}

/* <name xmlns:prefix="uri" */
static void
begin(struct vg_xml_out *o, struct vg_str name, const struct vg_xml_ns *ns)
{
    vg_xmlw_begin(o->b, name);
    if (ns == NULL)
        return;
    vg_xmlw_attr(
        o->b, ns->prefix.len ? vg_str_cat(o->arena, VG_STR("xmlns:"), ns->prefix) : VG_STR("xmlns"),
        ns->uri);
}

static void
open_ns(struct vg_xml_out *o, struct vg_str name, const struct vg_xml_ns *ns)
{
    begin(o, name, ns);
    vg_buf_addc(o->b, '>');
}

void
vg_xml_out_struct(struct vg_xml_out *o, struct vg_str name, const struct vg_xml_ns *ns,
                  const struct vg_shape *shape, const void *st)
{
    begin(o, name, ns ? ns : shape->xml_ns);
    for (size_t i = 0; i < shape->n_members; i++) {
        const struct vg_member *m = &shape->members[i];
        struct vg_cslot slot = vg_cslot_member(m, st);
        if (!(m->flags & VG_MEMBER_XML_ATTR) || !vg_cslot_is_set(slot))
            continue;
        struct vg_buf text;
        put_text(o, m, slot, &text);
        vg_xmlw_attr(o->b, m->wire, vg_buf_str(&text));
    }
    vg_buf_addc(o->b, '>');
    vg_xml_out_members(o, shape, st, NULL);
    vg_xmlw_close(o->b, name);
}

static void
put_list(struct vg_xml_out *o, const struct vg_member *m, struct vg_str name,
         const struct vg_xml_ns *ns, const struct vg_shape *shape, const struct vg_list *list)
{
    bool is_flat = vg_xml_is_flattened(m, shape);
    if (!is_flat)
        open_ns(o, name, ns);
    for (size_t i = 0; i < list->len; i++)
        vg_xml_out_value(o, NULL, is_flat ? name : shape->item_wire, shape->item_ns,
                         vg_cslot_item(shape, list, i));
    if (!is_flat)
        vg_xmlw_close(o->b, name);
}

static void
put_map(struct vg_xml_out *o, const struct vg_member *m, struct vg_str name,
        const struct vg_xml_ns *ns, const struct vg_shape *shape, const struct vg_list *map)
{
    bool is_flat = vg_xml_is_flattened(m, shape);
    struct vg_str entry = is_flat ? name : VG_STR("entry");
    if (!is_flat)
        open_ns(o, name, ns);
    for (size_t i = 0; i < map->len; i++) {
        open_ns(o, entry, is_flat ? ns : NULL);
        open_ns(o, shape->key_wire, shape->key_ns);
        vg_xmlw_text(o->b, vg_map_key(shape, map, i));
        vg_xmlw_close(o->b, shape->key_wire);
        vg_xml_out_value(o, NULL, shape->item_wire, shape->item_ns, vg_cslot_item(shape, map, i));
        vg_xmlw_close(o->b, entry);
    }
    if (!is_flat)
        vg_xmlw_close(o->b, name);
}

void
vg_xml_out_value(struct vg_xml_out *o, const struct vg_member *m, struct vg_str name,
                 const struct vg_xml_ns *ns, struct vg_cslot slot)
{
    if (slot.shape->type == VG_T_LIST) {
        put_list(o, m, name, ns ? ns : slot.shape->xml_ns, slot.shape, slot.at);
    } else if (slot.shape->type == VG_T_MAP) {
        put_map(o, m, name, ns ? ns : slot.shape->xml_ns, slot.shape, slot.at);
    } else if (slot.shape->type == VG_T_STRUCT) {
        vg_xml_out_struct(o, name, ns, slot.shape, vg_cslot_body(slot));
    } else {
        struct vg_buf text;
        put_text(o, m, slot, &text);
        open_ns(o, name, ns);
        vg_xmlw_text(o->b, vg_buf_str(&text));
        vg_xmlw_close(o->b, name);
    }
}

void
vg_xml_out_members(struct vg_xml_out *o, const struct vg_shape *shape, const void *st,
                   const struct vg_member *except)
{
    for (size_t i = 0; i < shape->n_members; i++) {
        const struct vg_member *m = &shape->members[i];
        struct vg_cslot slot = vg_cslot_member(m, st);
        if (m != except && vg_xml_is_element(m) && vg_cslot_is_set(slot))
            vg_xml_out_value(o, m, m->wire, m->xml_ns, slot);
    }
}

void
vg_xml_out_error(const struct vg_model *model, const struct vg_err *err, struct vg_str request_id,
                 struct vg_arena *arena, struct vg_buf *b)
{
    const struct vg_errdef *def = vg_error_def(err);
    struct vg_xml_out o = { .b = b, .arena = arena };
    vg_xmlw_open_ns(b, VG_STR("ErrorResponse"), model ? model->xml_namespace : VG_STR_NONE);
    vg_xmlw_open(b, VG_STR("Error"));
    vg_xmlw_element(b, VG_STR("Type"),
                    def->is_sender_fault ? VG_STR("Sender") : VG_STR("Receiver"));
    vg_xmlw_element(b, VG_STR("Code"), def->query_code.ptr ? def->query_code : def->code);
    vg_xmlw_element(b, VG_STR("Message"), vg_error_text(err));
    if (def->shape && err->detail)
        vg_xml_out_members(&o, def->shape, err->detail, vg_error_message_member(def));
    vg_xmlw_close(b, VG_STR("Error"));
    vg_xmlw_element(b, VG_STR("RequestId"), request_id);
    vg_xmlw_close(b, VG_STR("ErrorResponse"));
}
