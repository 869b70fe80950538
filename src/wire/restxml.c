/* SPDX-License-Identifier: Apache-2.0 */
/* rest-xml: what of a request or reply is written as XML; the rest is rest.c's. */
#include "codec/xml.h"
#include "codec/xml_read.h"
#include "wire/wire_int.h"

/* --- input -------------------------------------------------------------------------------------
 */

/* A document that is not XML, or not of the model: S3 tells the two in one sentence. */
static vg_rc
malformed(const struct vg_rest_in *r, struct vg_str what)
{
    const struct vg_model *model = r->op->model;
    const struct vg_errdef *def =
        model->serialization ? model->serialization : &vg_wire_malformed_input;
    if (model->flags & VG_MODEL_S3_TEXT)
        return vg_wire_fail(r->err, r->arena, &vg_wire_malformed_xml,
                            "The XML you provided was not well-formed or did not validate against "
                            "our published schema");
    return vg_wire_fail(r->err, r->arena, def, "%" VG_FMT, VG_ARG(what));
}

static vg_rc
bad_element(const struct vg_rest_in *r, const struct vg_xml *e, const char *what)
{
    return malformed(r, vg_str_fmt(r->arena, "Element '%" VG_FMT "' %s", VG_ARG(e->name), what));
}

static vg_rc get_value(const struct vg_rest_in *r, const struct vg_member *m,
                       const struct vg_xml *e, struct vg_slot slot);

static const struct vg_xml *
find_element(const struct vg_xml *first, struct vg_str name)
{
    while (first && !vg_str_eq(first->name, name))
        first = first->next;
    return first;
}

static vg_rc
get_scalar(const struct vg_rest_in *r, const struct vg_member *m, struct vg_str text,
           struct vg_slot slot)
{
    bool is_text = slot.shape->type == VG_T_STR || slot.shape->type == VG_T_ENUM;
    if (vg_text_get(r->arena, is_text ? text : vg_str_trim(text),
                    vg_time_fmt_of(m, slot.shape, VG_TIME_ISO), slot))
        return VG_OK;
    return malformed(r, vg_str_fmt(r->arena, "Value '%" VG_FMT "' of type %" VG_FMT " is malformed",
                                   VG_ARG(text), VG_ARG(slot.shape->name)));
}

/* The items of a list: those named so of `first` and its neighbours. */
static vg_rc
get_list(const struct vg_rest_in *r, const struct vg_xml *first, struct vg_str name,
         struct vg_slot slot)
{
    struct vg_list *list = slot.at;
    size_t cap = 0;
    list->set = true;
    for (const struct vg_xml *e = find_element(first, name); e; e = find_element(e->next, name)) {
        vg_rc rc =
            get_value(r, NULL, e, vg_slot_append(r->arena, slot.shape, list, &cap, VG_STR_NONE));
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

static vg_rc
get_map(const struct vg_rest_in *r, const struct vg_xml *first, struct vg_str name,
        struct vg_slot slot)
{
    const struct vg_shape *shape = slot.shape;
    struct vg_list *map = slot.at;
    struct vg_keyset seen = { 0 };
    size_t cap = 0;
    map->set = true;
    for (const struct vg_xml *e = find_element(first, name); e; e = find_element(e->next, name)) {
        const struct vg_xml *key = find_element(e->first, shape->key_wire);
        const struct vg_xml *value = find_element(e->first, shape->item_wire);
        if (key == NULL || value == NULL)
            return bad_element(r, e, "is no entry of a map");
        if (vg_keyset_find(&seen, r->arena, shape, map, key->text) != VG_NPOS)
            return bad_element(r, e, "repeats a key");
        vg_rc rc = get_value(r, NULL, value, vg_slot_append(r->arena, shape, map, &cap, key->text));
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

static vg_rc
get_attr(const struct vg_rest_in *r, const struct vg_member *m, const struct vg_xml *e, void *st)
{
    for (size_t i = 0; i < e->n_attrs; i++)
        if (vg_str_eq(e->attrs[i].name, m->wire))
            return get_scalar(r, m, e->attrs[i].value, vg_slot_member(m, st));
    return VG_OK;
}

static vg_rc
get_member(const struct vg_rest_in *r, const struct vg_member *m, const struct vg_xml *e, void *st)
{
    if (m->flags & VG_MEMBER_XML_ATTR)
        return get_attr(r, m, e, st);
    const struct vg_xml *first = find_element(e->first, m->wire);
    struct vg_slot slot = vg_slot_member(m, st);
    if (first == NULL)
        return VG_OK;
    bool is_list = m->shape->type == VG_T_LIST, is_map = m->shape->type == VG_T_MAP;
    if ((is_list || is_map) && vg_xml_is_flattened(m, m->shape))
        return is_list ? get_list(r, first, m->wire, slot) : get_map(r, first, m->wire, slot);
    if (find_element(first->next, m->wire))
        return bad_element(r, first, "is there twice");
    return get_value(r, m, first, slot);
}

static vg_rc
get_struct(const struct vg_rest_in *r, const struct vg_xml *e, const struct vg_shape *shape,
           void *st)
{
    for (size_t i = 0; i < shape->n_members; i++) {
        if (shape->members[i].loc != VG_LOC_BODY)
            continue;
        vg_rc rc = get_member(r, &shape->members[i], e, st);
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

/* No deeper than the document, whose depth the reader has bounded. */
static vg_rc
get_value(const struct vg_rest_in *r, const struct vg_member *m, const struct vg_xml *e,
          struct vg_slot slot)
{
    switch ((enum vg_type)slot.shape->type) {
    case VG_T_STRUCT:
        return get_struct(r, e, slot.shape, vg_slot_body(r->arena, slot));
    case VG_T_LIST:
        return get_list(r, e->first, slot.shape->item_wire, slot);
    case VG_T_MAP:
        return get_map(r, e->first, VG_STR("entry"), slot);
    case VG_T_CUSTOM:
        return bad_element(r, e, "cannot be XML"); /* its hooks know JSON */
    default:
        return e->first ? bad_element(r, e, "must be text") : get_scalar(r, m, e->text, slot);
    }
}

/* The root of the body, which must have one of two names (absent: none). */
static vg_rc
get_root(const struct vg_rest_in *r, struct vg_str name, struct vg_str other,
         const struct vg_xml **ret)
{
    struct vg_err why = { 0 };
    if (vg_xml_read(r->arena, r->in->body, ret, &why) != VG_OK)
        return malformed(r, vg_str_dup(r->arena, vg_err_text(&why)));
    struct vg_str is = (*ret)->name;
    if (vg_str_eq(is, name) || (other.ptr && vg_str_eq(is, other)))
        return VG_OK;
    return bad_element(r, *ret, "is not the root element of this operation");
}

static vg_rc
get_members(const struct vg_rest_in *r, void *to)
{
    const struct vg_xml *root;
    vg_rc rc = get_root(r, r->op->in->xml_name, r->op->http->in_root, &root);
    return rc == VG_OK ? get_struct(r, root, r->op->in, to) : rc;
}

static vg_rc
get_payload(const struct vg_rest_in *r, const struct vg_member *m, struct vg_slot slot)
{
    const struct vg_xml *root;
    vg_rc rc = get_root(r, m->wire, m->shape->xml_name, &root);
    return rc == VG_OK ? get_value(r, m, root, slot) : rc;
}

/* --- output ------------------------------------------------------------------------------------
 */

static struct vg_xml_out
begin_document(const struct vg_model *model, struct vg_arena *arena, struct vg_buf *b)
{
    vg_buf_adds(b, VG_STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    return (struct vg_xml_out) { .b = b,
                                 .arena = arena,
                                 .has_millis = model && (model->flags & VG_MODEL_S3_TEXT) };
}

/* The one member of an unwrapped output is its root, empty where it is not set. */
static bool
put_unwrapped(struct vg_xml_out *o, const struct vg_wire_op *op, const void *value,
              const struct vg_xml_ns *ns)
{
    for (size_t i = 0; i < op->out->n_members; i++) {
        const struct vg_member *m = &op->out->members[i];
        if (!vg_xml_is_element(m))
            continue;
        struct vg_str name = op->http->root.ptr ? op->http->root : m->wire;
        static const struct vg_str none = VG_STR_INIT("");
        static const struct vg_shape empty = { .type = VG_T_STR, .size = sizeof(none) };
        struct vg_cslot slot = vg_cslot_member(m, value);
        if (!vg_cslot_is_set(slot))
            slot = (struct vg_cslot) { &empty, &none, false };
        vg_xml_out_value(o, m, name, ns, slot);
        return true;
    }
    return false;
}

static bool
put_members(const struct vg_wire_op *op, const void *value, struct vg_arena *arena,
            struct vg_buf *b)
{
    const struct vg_shape *out = op->out;
    bool has_body = false;
    for (size_t i = 0; i < out->n_members; i++)
        has_body |= vg_xml_is_element(&out->members[i]);
    if (!has_body)
        return false;
    struct vg_xml_out o = begin_document(op->model, arena, b);
    struct vg_xml_ns models = { VG_STR_NONE, op->model->xml_namespace };
    const struct vg_xml_ns *ns = op->http->root_ns;
    if (ns == NULL && out->xml_ns == NULL && models.uri.len)
        ns = &models;
    if (op->http->flags & VG_HTTP_UNWRAPPED)
        return put_unwrapped(&o, op, value, ns);
    struct vg_str root = op->http->root.ptr ? op->http->root : out->xml_name;
    vg_xml_out_struct(&o, root, ns, out, value);
    return true;
}

static void
put_payload(const struct vg_wire_op *op, const struct vg_member *m, struct vg_cslot slot,
            struct vg_arena *arena, struct vg_buf *b)
{
    struct vg_xml_out o = begin_document(op->model, arena, b);
    struct vg_xml_ns models = { VG_STR_NONE, op->model->xml_namespace };
    const struct vg_xml_ns *ns = m->xml_ns;
    if (ns == NULL && m->shape->xml_ns == NULL && models.uri.len)
        ns = &models;
    struct vg_str root = op->http->root;
    if (root.ptr == NULL) /* a member's own name is that of its structure */
        root = m->shape->xml_name.ptr && vg_str_eq(m->wire, m->name) ? m->shape->xml_name : m->wire;
    vg_xml_out_value(&o, m, root, ns, slot);
}

const struct vg_rest_body vg_restxml = {
    .type = VG_STR_INIT("application/xml"),
    .get_members = get_members,
    .get_payload = get_payload,
    .put_members = put_members,
    .put_payload = put_payload,
};

/* --- errors ------------------------------------------------------------------------------------
 */

/* What all services say in words of its own. */
static struct vg_str
s3_code(const struct vg_err *err)
{
    struct vg_str code = err->def ? err->def->code : vg_wire_internal.code;
    if (vg_str_eq(code, vg_wire_internal.code))
        return VG_STR("InternalError");
    return vg_str_eq(code, VG_STR("NotImplementedException")) ? VG_STR("NotImplemented") : code;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
static void
put_s3_error(const struct vg_model *model, const struct vg_err *err, struct vg_str request_id,
             struct vg_arena *arena, struct vg_buf *b)
{
    struct vg_xml_out o = begin_document(model, arena, b);
    vg_xmlw_open(b, VG_STR("Error"));
    vg_xmlw_element(b, VG_STR("Code"), s3_code(err));
    vg_xmlw_element(b, VG_STR("Message"),
                    err->def ? vg_error_text(err)
                             : VG_STR("We encountered an internal error. Please try again."));
    if (err->def && err->def->shape && err->detail)
        vg_xml_out_members(&o, err->def->shape, err->detail, vg_error_message_member(err->def));
    vg_xmlw_element(b, VG_STR("RequestId"), request_id);
    vg_xmlw_element(b, VG_STR("HostId"), vg_wire_host_id(arena, request_id));
    vg_xmlw_close(b, VG_STR("Error"));
}

void
vg_restxml_encode_error(const struct vg_model *model, const struct vg_err *err,
                        struct vg_str request_id, struct vg_arena *arena, struct vg_wire_out *ret)
{
    if (model && (model->flags & VG_MODEL_S3_TEXT)) {
        put_s3_error(model, err, request_id, arena, &ret->body);
    } else {
        (void)begin_document(model, arena, &ret->body);
        vg_xml_out_error(model, err, request_id, arena, &ret->body);
    }
    vg_rest_encode_error_headers(err, arena, ret);
    vg_wire_out_header(ret, arena, VG_STR("Content-Type"), vg_restxml.type);
}
