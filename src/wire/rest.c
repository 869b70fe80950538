/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rest-json and rest-xml share: members in the URI, the query string and headers, a bare
 * payload, and which of the two ways the body is used.
 */
#include "codec/base64.h"
#include "codec/uri.h"
#include "wire/wire_int.h"

/* S3's InvalidArgument names what was given. */
struct argument {
    struct vg_str name, value;
};
static const struct vg_shape text_shape = { .type = VG_T_STR, .size = sizeof(struct vg_str) };
static const struct vg_member argument_members[] = {
    { .name = VG_STR_INIT("ArgumentName"),
      .wire = VG_STR_INIT("ArgumentName"),
      .shape = &text_shape,
      .offset = offsetof(struct argument, name) },
    { .name = VG_STR_INIT("ArgumentValue"),
      .wire = VG_STR_INIT("ArgumentValue"),
      .shape = &text_shape,
      .offset = offsetof(struct argument, value) },
};
static const struct vg_shape argument_shape = {
    .type = VG_T_STRUCT,
    .size = sizeof(struct argument),
    .members = argument_members,
    .n_members = VG_COUNT(argument_members),
};
static const struct vg_errdef invalid_argument = {
    .code = VG_STR_INIT("InvalidArgument"),
    .http_status = 400,
    .is_sender_fault = true,
    .shape = &argument_shape,
};
static const struct vg_errdef invalid_uri = {
    .code = VG_STR_INIT("InvalidURI"),
    .http_status = 400,
    .is_sender_fault = true,
};

static vg_rc
bad_argument(struct vg_rest_in *r, const struct vg_member *m, struct vg_str text)
{
    bool is_integer = m->shape->type == VG_T_INT || m->shape->type == VG_T_LONG;
    struct argument *given = VG_NEW(r->arena, struct argument);
    *given = (struct argument) { m->wire, text };
    (void)vg_wire_fail(r->err, r->arena, &invalid_argument, "Provided %" VG_FMT " %s",
                       VG_ARG(m->wire),
                       is_integer ? "not an integer or within integer range" : "is malformed");
    r->err->detail = given;
    return VG_FAIL;
}

static bool
is_s3(const struct vg_rest_in *r)
{
    return (r->op->model->flags & VG_MODEL_S3_TEXT) != 0;
}

static vg_rc
bad_uri(struct vg_rest_in *r)
{
    return vg_wire_fail(r->err, r->arena, &invalid_uri, "Couldn't parse the specified URI.");
}

static vg_rc
bad_text(struct vg_rest_in *r, const struct vg_member *m, struct vg_str text)
{
    if (is_s3(r))
        return bad_argument(r, m, text);
    return vg_wire_fail(r->err, r->arena, &vg_wire_serialization,
                        "Value '%" VG_FMT "' of %" VG_FMT " is malformed", VG_ARG(text),
                        VG_ARG(m->wire));
}

static vg_rc
get_text(struct vg_rest_in *r, const struct vg_member *m, struct vg_str text, enum vg_time_fmt fmt,
         struct vg_slot slot)
{
    if (!vg_str_is_utf8(text)
        || !vg_text_get(r->arena, text, vg_time_fmt_of(m, slot.shape, fmt), slot))
        return bad_text(r, m, text);
    return VG_OK;
}

static vg_rc
get_label(struct vg_rest_in *r, const struct vg_member *m, void *st)
{
    for (size_t i = 0; i < r->in->n_labels; i++) {
        if (!vg_str_eq(r->in->labels[i].name, m->wire))
            continue;
        struct vg_str text = vg_uri_decode(r->arena, r->in->labels[i].value, false);
        if (is_s3(r) && !vg_str_is_utf8(text))
            return bad_uri(r);
        return get_text(r, m, text, VG_TIME_ISO, vg_slot_member(m, st));
    }
    return VG_OK;
}

/* --- the query string --------------------------------------------------------------------------
 */

static vg_rc
get_query_list(struct vg_rest_in *r, const struct vg_member *m, struct vg_str name,
               const struct vg_shape *shape, struct vg_list *list)
{
    size_t cap = 0;
    for (size_t i = 0; i < r->query.len; i++) {
        if (!vg_str_eq(r->query.items[i].name, name))
            continue;
        list->set = true;
        vg_rc rc = get_text(r, m, r->query.items[i].value, VG_TIME_ISO,
                            vg_slot_append(r->arena, shape, list, &cap, VG_STR_NONE));
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

/* All parameters, also those that other members name (Smithy, httpQueryParams, on servers). */
static vg_rc
get_query_map(struct vg_rest_in *r, const struct vg_member *m, struct vg_list *map)
{
    size_t cap = 0;
    struct vg_keyset seen = { 0 };
    const struct vg_shape *shape = m->shape;
    for (size_t i = 0; i < r->query.len; i++) {
        const struct vg_pair *p = &r->query.items[i];
        if (vg_keyset_find(&seen, r->arena, shape, map, p->name) != VG_NPOS)
            continue;
        map->set = true;
        struct vg_slot slot = vg_slot_append(r->arena, shape, map, &cap, p->name);
        vg_rc rc = slot.shape->type == VG_T_LIST
                       ? get_query_list(r, m, p->name, slot.shape, slot.at)
                       : get_text(r, m, p->value, VG_TIME_ISO, slot);
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

static vg_rc
get_query(struct vg_rest_in *r, const struct vg_member *m, void *st)
{
    struct vg_slot slot = vg_slot_member(m, st);
    if (m->shape->type == VG_T_MAP)
        return get_query_map(r, m, slot.at);
    if (m->shape->type == VG_T_LIST)
        return get_query_list(r, m, m->wire, m->shape, slot.at);
    for (size_t i = 0; i < r->query.len; i++)
        if (vg_str_eq(r->query.items[i].name, m->wire))
            return get_text(r, m, r->query.items[i].value, VG_TIME_ISO, slot);
    return VG_OK;
}

/* --- headers -----------------------------------------------------------------------------------
 */

/* The next element of a comma-separated list, unquoted (RFC 9110, 5.6); dates hold one comma. */
static struct vg_str
next_element(struct vg_arena *arena, struct vg_str *rest, bool is_date)
{
    struct vg_str s = vg_str_trim(*rest);
    if (s.len > 1 && s.ptr[0] == '"') {
        char *out = vg_arena_alloc(arena, s.len);
        size_t n = 0, i = 1;
        for (; i < s.len && s.ptr[i] != '"'; i++) {
            if (s.ptr[i] == '\\' && i + 1 < s.len)
                i++;
            out[n++] = s.ptr[i];
        }
        struct vg_str after = vg_str_slice(s, i + 1, s.len);
        size_t comma = vg_str_find_char(after, ',');
        *rest = comma == VG_NPOS ? VG_STR_NONE : vg_str_slice(after, comma + 1, after.len);
        return vg_str_n(out, n);
    }
    size_t comma = vg_str_find_char(s, ',');
    if (is_date && comma != VG_NPOS) {
        size_t next = vg_str_find_char(vg_str_slice(s, comma + 1, s.len), ',');
        comma = next == VG_NPOS ? VG_NPOS : comma + 1 + next;
    }
    struct vg_str element = vg_str_trim(vg_str_slice(s, 0, comma == VG_NPOS ? s.len : comma));
    *rest = comma == VG_NPOS ? VG_STR_NONE : vg_str_slice(s, comma + 1, s.len);
    return element;
}

static vg_rc
get_header_value(struct vg_rest_in *r, const struct vg_member *m, struct vg_str value,
                 struct vg_slot slot)
{
    if (slot.shape->type != VG_T_LIST) {
        struct vg_str json;
        if ((m->flags & VG_MEMBER_JSON) && vg_base64_decode(r->arena, value, &json))
            value = json;
        return get_text(r, m, value, VG_TIME_HTTP, slot);
    }
    struct vg_list *list = slot.at;
    const struct vg_shape *item = slot.shape->item;
    bool is_date =
        item->type == VG_T_TIMESTAMP && vg_time_fmt_of(m, item, VG_TIME_HTTP) == VG_TIME_HTTP;
    size_t cap = list->len;
    list->set = true;
    for (struct vg_str rest = value.len ? value : VG_STR_NONE; rest.ptr;) {
        vg_rc rc = get_text(r, m, next_element(r->arena, &rest, is_date), VG_TIME_HTTP,
                            vg_slot_append(r->arena, slot.shape, list, &cap, VG_STR_NONE));
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

/* All with the prefix; of one name their values make one list (RFC 9110, 5.3). */
static vg_rc
get_prefixed(struct vg_rest_in *r, const struct vg_member *m, struct vg_list *map)
{
    size_t cap = 0;
    for (size_t i = 0; i < r->in->n_headers; i++) {
        const struct vg_http_header *h = &r->in->headers[i];
        if (!vg_str_starts_nocase(h->name, m->wire))
            continue;
        struct vg_str key = vg_str_slice(h->name, m->wire.len, h->name.len), value = h->value;
        if (!vg_str_is_utf8(key))
            return bad_text(r, m, key);
        size_t k = 0;
        while (k < map->len && !vg_str_eq_nocase(vg_map_key(m->shape, map, k), key))
            k++;
        map->set = true;
        struct vg_slot slot;
        if (k == map->len) {
            slot = vg_slot_append(r->arena, m->shape, map, &cap, key);
        } else {
            slot = vg_slot_entry(m->shape, map, k);
            value = vg_str_fmt(r->arena, "%" VG_FMT ",%" VG_FMT,
                               VG_ARG(*(const struct vg_str *)slot.at), VG_ARG(value));
        }
        if (is_s3(r)) { /* metadata: bytes, of which the service makes text */
            vg_slot_set_str(slot, value);
            continue;
        }
        vg_rc rc = get_text(r, m, value, VG_TIME_HTTP, slot);
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

static vg_rc
get_header(struct vg_rest_in *r, const struct vg_member *m, struct vg_slot slot)
{
    for (size_t i = 0; i < r->in->n_headers; i++) {
        const struct vg_http_header *h = &r->in->headers[i];
        if (!vg_str_eq_nocase(h->name, m->wire))
            continue;
        vg_rc rc = get_header_value(r, m, h->value, slot);
        if (rc != VG_OK || m->shape->type != VG_T_LIST)
            return rc;
    }
    return VG_OK;
}

/* --- the body ----------------------------------------------------------------------------------
 */

static vg_rc
get_payload(struct vg_rest_in *r, const struct vg_member *m, void *st)
{
    struct vg_slot slot = vg_slot_member(m, st);
    struct vg_str body = r->in->body;
    if (body.len == 0 || (m->flags & VG_MEMBER_EVENT))
        return VG_OK;
    if ((m->flags & VG_MEMBER_STREAMING) && (r->op->http->flags & VG_HTTP_STREAM_IN))
        return VG_OK; /* the handler's to read */
    switch ((enum vg_type)m->shape->type) {
    case VG_T_BLOB:
        vg_slot_set_str(slot, body);
        return VG_OK;
    case VG_T_STR:
    case VG_T_ENUM:
        if (!vg_str_is_utf8(body))
            return vg_wire_fail(r->err, r->arena, &vg_wire_serialization, "%s", "");
        vg_slot_set_str(slot, body);
        return VG_OK;
    default:
        return r->body->get_payload(r, m, slot);
    }
}

static vg_rc
get_member(struct vg_rest_in *r, const struct vg_member *m, void *st, bool *has_body)
{
    switch ((enum vg_loc)m->loc) {
    case VG_LOC_URI:
        return get_label(r, m, st);
    case VG_LOC_QUERY:
        return get_query(r, m, st);
    case VG_LOC_HEADER:
        return get_header(r, m, vg_slot_member(m, st));
    case VG_LOC_HEADERS:
        return get_prefixed(r, m, vg_slot_member(m, st).at);
    case VG_LOC_PAYLOAD:
        return get_payload(r, m, st);
    case VG_LOC_BODY:
        *has_body = true;
        return VG_OK;
    case VG_LOC_STATUS:
        return VG_OK;
    }
    VG_BUG("no such location");
}

vg_rc
vg_rest_decode(const struct vg_rest_body *body, const struct vg_wire_op *op,
               const struct vg_wire_in *in, struct vg_arena *arena, void *to, struct vg_err *err)
{
    struct vg_rest_in r = { .body = body, .op = op, .in = in, .arena = arena, .err = err };
    bool has_body = false;
    bool is_query = vg_pairs_parse(arena, in->query, &r.query);
    if (!is_query && is_s3(&r))
        return bad_uri(&r);
    if (!is_query)
        return vg_wire_fail(err, arena, &vg_wire_serialization, "The query string is malformed");
    for (size_t i = 0; i < op->in->n_members; i++) {
        vg_rc rc = get_member(&r, &op->in->members[i], to, &has_body);
        if (rc != VG_OK)
            return rc;
    }
    if (!has_body || op->in->payload || in->body.len == 0)
        return VG_OK;
    return body->get_members(&r, to);
}

/* --- output ------------------------------------------------------------------------------------
 */

static void
add_header_text(struct vg_buf *b, const struct vg_member *m, struct vg_cslot slot, bool in_list,
                struct vg_arena *arena)
{
    struct vg_buf text;
    vg_buf_init(&text, arena, VG_WIRE_OUT_MAX_BYTES);
    vg_text_add(&text, slot, vg_time_fmt_of(m, slot.shape, VG_TIME_HTTP), arena);
    struct vg_str s = vg_buf_str(&text);
    bool needs_quotes =
        in_list && (slot.shape->type == VG_T_STR || slot.shape->type == VG_T_ENUM)
        && (vg_str_find_char(s, ',') != VG_NPOS || vg_str_find_char(s, '"') != VG_NPOS);
    if (!needs_quotes) {
        vg_buf_adds(b, s);
        return;
    }
    vg_buf_addc(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"' || s.ptr[i] == '\\')
            vg_buf_addc(b, '\\');
        vg_buf_addc(b, s.ptr[i]);
    }
    vg_buf_addc(b, '"');
}

static void
put_header(const struct vg_member *m, struct vg_cslot slot, struct vg_arena *arena,
           struct vg_wire_out *ret)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, VG_WIRE_OUT_MAX_BYTES);
    if (m->shape->type == VG_T_LIST) {
        const struct vg_list *list = slot.at;
        for (size_t i = 0; i < list->len; i++) {
            if (i)
                vg_buf_adds(&b, VG_STR(", "));
            add_header_text(&b, m, vg_cslot_item(m->shape, list, i), true, arena);
        }
    } else if (m->flags & VG_MEMBER_JSON) {
        vg_buf_adds(&b, vg_base64_encode(arena, vg_cslot_str(slot)));
    } else {
        add_header_text(&b, m, slot, false, arena);
    }
    vg_wire_out_header(ret, arena, m->wire, vg_buf_str(&b));
}

void
vg_rest_encode_headers(const struct vg_shape *shape, const void *st, struct vg_arena *arena,
                       struct vg_wire_out *ret)
{
    for (size_t i = 0; i < shape->n_members; i++) {
        const struct vg_member *m = &shape->members[i];
        struct vg_cslot slot = vg_cslot_member(m, st);
        if (!vg_cslot_is_set(slot))
            continue;
        if (m->loc == VG_LOC_HEADER)
            put_header(m, slot, arena, ret);
        if (m->loc == VG_LOC_STATUS)
            ret->status = (int)vg_cslot_i64(slot);
        if (m->loc != VG_LOC_HEADERS)
            continue;
        const struct vg_list *map = slot.at;
        for (size_t k = 0; k < map->len; k++) {
            struct vg_buf b;
            vg_buf_init(&b, arena, VG_WIRE_OUT_MAX_BYTES);
            vg_text_add(&b, vg_cslot_item(m->shape, map, k), VG_TIME_HTTP, arena);
            vg_wire_out_header(ret, arena, vg_str_cat(arena, m->wire, vg_map_key(m->shape, map, k)),
                               vg_buf_str(&b));
        }
    }
}

void
vg_rest_encode_error_headers(const struct vg_err *err, struct vg_arena *arena,
                             struct vg_wire_out *ret)
{
    if (err->def == NULL || err->def->shape == NULL || err->detail == NULL)
        return;
    int status = ret->status; /* a member may be called the status: the definition's counts */
    vg_rest_encode_headers(err->def->shape, err->detail, arena, ret);
    ret->status = status;
}

static struct vg_str
put_payload(const struct vg_rest_body *body, const struct vg_wire_op *op, const struct vg_member *m,
            struct vg_cslot slot, struct vg_arena *arena, struct vg_buf *b)
{
    switch ((enum vg_type)m->shape->type) {
    case VG_T_BLOB:
        vg_buf_adds(b, vg_cslot_str(slot));
        return VG_STR("application/octet-stream");
    case VG_T_STR:
    case VG_T_ENUM:
        vg_buf_adds(b, vg_cslot_str(slot));
        /* the one text that S3 sends bare is a policy */
        return op->model->flags & VG_MODEL_S3_TEXT ? VG_STR("application/json")
                                                   : VG_STR("text/plain");
    default:
        body->put_payload(op, m, slot, arena, b);
        return body->type;
    }
}

void
vg_rest_encode(const struct vg_rest_body *body, const struct vg_wire_op *op, const void *value,
               struct vg_arena *arena, struct vg_wire_out *ret)
{
    struct vg_str type = VG_STR_NONE;
    if (op->out && value) {
        const struct vg_shape *out = op->out;
        vg_rest_encode_headers(out, value, arena, ret);
        if (out->payload) {
            const struct vg_member *m = &out->members[out->payload - 1];
            struct vg_cslot slot = vg_cslot_member(m, value);
            if (vg_cslot_is_set(slot) && !(m->flags & VG_MEMBER_EVENT))
                type = put_payload(body, op, m, slot, arena, &ret->body);
        } else if (ret->status != 204 && body->put_members(op, value, arena, &ret->body)) {
            type = body->type;
        }
    }
    if (type.ptr && !vg_wire_out_has_header(ret, VG_STR("Content-Type")))
        vg_wire_out_header(ret, arena, VG_STR("Content-Type"), type);
}
