/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query protocol: form input with dotted names, XML output.
 *
 * The pairs are sorted so that all names below one prefix are neighbours ('.' sorts before every
 * other character); structures, lists and maps then walk ranges of pairs, whatever their order was.
 */
#include "codec/xml.h"
#include "wire/wire_int.h"

#include <stdlib.h>

#define DEPTH_MAX 64

struct qin {
    const struct vg_pair *pairs;
    struct vg_arena *arena;
    struct vg_err *err;
    int depth;
};

/* Pairs [lo, hi), all of whose names agree in their first `off` bytes. */
struct range {
    size_t lo, hi, off;
};

static int
compare_names(struct vg_str a, struct vg_str b)
{
    size_t n = VG_MIN(a.len, b.len);
    for (size_t i = 0; i < n; i++) {
        int ca = a.ptr[i] == '.' ? -1 : (unsigned char)a.ptr[i];
        int cb = b.ptr[i] == '.' ? -1 : (unsigned char)b.ptr[i];
        if (ca != cb)
            return ca < cb ? -1 : 1;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

static int
compare_pairs(const void *va, const void *vb)
{
    const struct vg_pair *a = va, *b = vb;
    int c = compare_names(a->name, b->name);
    return c ? c : a->order < b->order ? -1 : 1;
}

/* The next component of pair i's name, from byte `off` to a dot or the end. */
static struct vg_str
component(const struct qin *q, size_t i, size_t off)
{
    struct vg_str rest = vg_str_slice(q->pairs[i].name, off, q->pairs[i].name.len);
    size_t dot = vg_str_find_char(rest, '.');
    return vg_str_slice(rest, 0, dot == VG_NPOS ? rest.len : dot);
}

/*
 * Takes the next group of equal components off the range.  ret: the group, its `off` just behind
 * the component (at the dot, or the name's end).
 */
static bool
next_group(const struct qin *q, struct range *r, struct vg_str *ret_name, struct range *ret)
{
    while (r->lo < r->hi && q->pairs[r->lo].name.len < r->off)
        r->lo++; /* ends where the components would begin: no such parameter */
    if (r->lo == r->hi)
        return false;
    struct vg_str name = component(q, r->lo, r->off);
    size_t end = r->lo + 1;
    while (end < r->hi && vg_str_eq(component(q, end, r->off), name))
        end++;
    *ret_name = name;
    *ret = (struct range) { r->lo, end, r->off + name.len };
    r->lo = end;
    return true;
}

/* The pair whose name ends where the group's component does; NULL: there are only deeper ones. */
static const struct vg_pair *
exact(const struct qin *q, struct range r)
{
    return q->pairs[r.lo].name.len == r.off ? &q->pairs[r.lo] : NULL;
}

/* What lies below the group's component. */
static struct range
below(const struct qin *q, struct range r)
{
    while (r.lo < r.hi && q->pairs[r.lo].name.len == r.off)
        r.lo++;
    r.off++;
    return r;
}

static vg_rc get_value(struct qin *q, const struct vg_member *m, struct vg_slot slot,
                       struct range r);

static const struct vg_member *
find_member(const struct vg_shape *shape, struct vg_str wire)
{
    for (size_t i = 0; i < shape->n_members; i++)
        if (vg_str_eq(shape->members[i].wire, wire))
            return &shape->members[i];
    return NULL;
}

static vg_rc
get_members(struct qin *q, const struct vg_shape *shape, void *st, struct range r)
{
    struct vg_str name;
    struct range group;
    while (next_group(q, &r, &name, &group)) {
        const struct vg_member *m = find_member(shape, name);
        if (m == NULL)
            continue; /* AWS ignores it */
        vg_rc rc = get_value(q, m, vg_slot_member(m, st), group);
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

struct item {
    int64_t index;
    struct range r;
};

static int
compare_items(const void *va, const void *vb)
{
    const struct item *a = va, *b = vb;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* The numbered groups of a list or map, by number; `wrapper` absent: flattened. */
static vg_rc
get_items(struct qin *q, struct range r, struct vg_str wrapper, struct item **ret, size_t *ret_n)
{
    struct vg_str name;
    struct range group;
    if (wrapper.ptr) {
        bool is_found = false;
        while (!is_found && next_group(q, &r, &name, &group))
            is_found = vg_str_eq(name, wrapper);
        *ret_n = 0;
        if (!is_found)
            return VG_OK;
        r = below(q, group);
    }
    struct item *items = VG_NEW_ARRAY(q->arena, struct item, r.hi - r.lo + 1);
    size_t n = 0;
    while (next_group(q, &r, &name, &group)) {
        int64_t index;
        if (!vg_str_to_i64(name, &index) || index < 0)
            return vg_wire_fail(q->err, q->arena, &vg_wire_malformed_input,
                                "Key '%" VG_FMT "' is not a list index", VG_ARG(name));
        items[n++] = (struct item) { index, group };
    }
    qsort(items, n, sizeof(*items), compare_items);
    *ret = items;
    *ret_n = n;
    return VG_OK;
}

static vg_rc
get_list(struct qin *q, const struct vg_member *m, const struct vg_shape *shape,
         struct vg_list *list, struct range r)
{
    struct item *items;
    size_t n, cap = 0;
    vg_rc rc =
        get_items(q, r, vg_xml_is_flattened(m, shape) ? VG_STR_NONE : shape->item_wire, &items, &n);
    list->set = true;
    for (size_t i = 0; rc == VG_OK && i < n; i++)
        rc = get_value(q, NULL, vg_slot_append(q->arena, shape, list, &cap, VG_STR_NONE),
                       items[i].r);
    return rc;
}

static vg_rc
get_map(struct qin *q, const struct vg_member *m, const struct vg_shape *shape, struct vg_list *map,
        struct range r)
{
    struct item *items;
    size_t n, cap = 0;
    vg_rc rc =
        get_items(q, r, vg_xml_is_flattened(m, shape) ? VG_STR_NONE : VG_STR("entry"), &items, &n);
    map->set = true;
    for (size_t i = 0; rc == VG_OK && i < n; i++) {
        struct range entry = below(q, items[i].r), group, value = { 0, 0, 0 };
        struct vg_str name, key = VG_STR_NONE;
        while (next_group(q, &entry, &name, &group)) {
            const struct vg_pair *p = exact(q, group);
            if (vg_str_eq(name, shape->key_wire) && p)
                key = p->value;
            else if (vg_str_eq(name, shape->item_wire))
                value = group;
        }
        if (key.ptr == NULL)
            return vg_wire_fail(q->err, q->arena, &vg_wire_malformed_input,
                                "A map entry has no key");
        struct vg_slot slot = vg_slot_append(q->arena, shape, map, &cap, key);
        if (value.hi > value.lo)
            rc = get_value(q, NULL, slot, value);
    }
    return rc;
}

static vg_rc
get_scalar(struct qin *q, struct vg_slot slot, struct range r)
{
    const struct vg_pair *p = exact(q, r);
    if (p == NULL)
        return vg_wire_fail(q->err, q->arena, &vg_wire_malformed_input,
                            "Unexpected complex element termination");
    if (vg_text_get(q->arena, p->value, VG_TIME_ISO, slot))
        return VG_OK;
    return vg_wire_fail(q->err, q->arena, &vg_wire_malformed_input,
                        "Value '%" VG_FMT "' of %" VG_FMT " is malformed", VG_ARG(p->value),
                        VG_ARG(p->name));
}

static vg_rc
get_value(struct qin *q, const struct vg_member *m, struct vg_slot slot, struct range r)
{
    const struct vg_pair *p = exact(q, r);
    if (vg_is_scalar(slot.shape))
        return get_scalar(q, slot, r);
    if (p && p->value.len > 0)
        return vg_wire_fail(q->err, q->arena, &vg_wire_malformed_input,
                            "Unexpected value of %" VG_FMT, VG_ARG(p->name));
    if (q->depth == DEPTH_MAX || slot.shape->type == VG_T_CUSTOM)
        return vg_wire_fail(q->err, q->arena, &vg_wire_malformed_input, "Nested too deep");
    q->depth++;
    vg_rc rc;
    if (slot.shape->type == VG_T_STRUCT)
        rc = get_members(q, slot.shape, vg_slot_body(q->arena, slot), below(q, r));
    else if (slot.shape->type == VG_T_LIST)
        rc = get_list(q, m, slot.shape, slot.at, below(q, r));
    else
        rc = get_map(q, m, slot.shape, slot.at, below(q, r));
    q->depth--;
    return rc;
}

vg_rc
vg_query_decode(const struct vg_wire_op *op, const struct vg_wire_in *in, struct vg_arena *arena,
                void *to, struct vg_err *err)
{
    struct vg_pairs pairs;
    if (!vg_pairs_parse(arena, in->body.len ? in->body : in->query, &pairs))
        return vg_wire_fail(err, arena, &vg_wire_malformed_query,
                            "The query string is malformed or does not adhere to AWS standards.");
    if (pairs.len)
        qsort(pairs.items, pairs.len, sizeof(*pairs.items), compare_pairs);
    struct qin q = { .pairs = pairs.items, .arena = arena, .err = err };
    return get_members(&q, op->in, to, (struct range) { 0, pairs.len, 0 });
}

/* --- output ------------------------------------------------------------------------------------
 */

void
vg_query_encode(const struct vg_wire_op *op, const void *value, struct vg_str request_id,
                struct vg_arena *arena, struct vg_wire_out *ret)
{
    struct vg_buf *b = &ret->body;
    struct vg_xml_out o = { .b = b, .arena = arena };
    struct vg_str response = vg_str_cat(arena, op->name, VG_STR("Response"));
    vg_xmlw_open_ns(b, response, op->model->xml_namespace);
    if (op->out && value) {
        struct vg_str result = op->http && op->http->wrapper.ptr
                                   ? op->http->wrapper
                                   : vg_str_cat(arena, op->name, VG_STR("Result"));
        vg_xmlw_open(b, result);
        vg_xml_out_members(&o, op->out, value, NULL);
        vg_xmlw_close(b, result);
    }
    vg_xmlw_open(b, VG_STR("ResponseMetadata"));
    vg_xmlw_element(b, VG_STR("RequestId"), request_id);
    vg_xmlw_close(b, VG_STR("ResponseMetadata"));
    vg_xmlw_close(b, response);
    vg_wire_out_header(ret, arena, VG_STR("Content-Type"), VG_STR("text/xml"));
}

void
vg_query_encode_error(const struct vg_model *model, const struct vg_err *err,
                      struct vg_str request_id, struct vg_arena *arena, struct vg_wire_out *ret)
{
    vg_xml_out_error(model, err, request_id, arena, &ret->body);
    vg_wire_out_header(ret, arena, VG_STR("Content-Type"), VG_STR("text/xml"));
}
