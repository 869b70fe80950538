/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values from JSON by their tables.  The texts are those that AWS's services answer to values of a
 * wrong kind ("NUMBER_VALUE cannot be converted to String").
 */
#include "codec/base64.h"
#include "codec/time.h"
#include "wire/wire_int.h"

#include <math.h>

static vg_rc
type_fail(struct vg_json_in *in, struct vg_str what)
{
    return vg_wire_fail(in->err, in->js.arena, &vg_wire_serialization, "%" VG_FMT, VG_ARG(what));
}

vg_rc
vg_json_in_fail(struct vg_json_in *in, const char *what)
{
    if (!in->by_name) /* AWS's answer to malformed JSON has no text; the error keeps it for the log
                       */
        return vg_wire_fail(in->err, in->js.arena, &vg_wire_serialization, "%s", "");
    return vg_wire_fail(in->err, in->js.arena, &vg_wire_serialization, "JSON, byte %zu: %s",
                        vg_json_offset(&in->js), what);
}

static const char *
type_name(const struct vg_shape *shape)
{
    switch ((enum vg_type)shape->type) {
    case VG_T_BOOL:
        return "Boolean";
    case VG_T_INT:
        return "Integer";
    case VG_T_LONG:
        return "Long";
    case VG_T_FLOAT:
        return "Float";
    case VG_T_DOUBLE:
        return "Double";
    case VG_T_TIMESTAMP:
        return "Timestamp";
    case VG_T_BLOB:
        return "Blob";
    default:
        return "String";
    }
}

static vg_rc
wrong_kind(struct vg_json_in *in, enum vg_json_tok tok, const struct vg_shape *shape)
{
    const char *got = NULL;
    switch (tok) {
    case VG_JSON_ERROR:
    case VG_JSON_END:
        return vg_json_in_fail(in, in->js.why ? in->js.why : "unexpected end");
    case VG_JSON_OBJECT:
        return type_fail(in, VG_STR("Start of structure or map found where not expected."));
    case VG_JSON_ARRAY:
        return type_fail(in, VG_STR("Start of list found where not expected"));
    case VG_JSON_STRING:
        got = "STRING_VALUE";
        break;
    case VG_JSON_NUMBER:
        got = "NUMBER_VALUE";
        break;
    case VG_JSON_TRUE:
        got = "TRUE_VALUE";
        break;
    case VG_JSON_FALSE:
        got = "FALSE_VALUE";
        break;
    default:
        got = "NULL_VALUE";
        break;
    }
    if (!vg_is_scalar(shape))
        return type_fail(in, VG_STR("Unexpected field type"));
    return type_fail(
        in, vg_str_fmt(in->js.arena, "%s cannot be converted to %s", got, type_name(shape)));
}

/* Whole numbers however written: 3, 3.0, 3e0. */
static bool
integer_of(struct vg_str text, bool is_int, int64_t *ret)
{
    double f;
    if (!vg_str_to_i64(text, ret)) {
        if (!vg_f64_parse(text, &f) || f != floor(f) || fabs(f) > 9007199254740992.0)
            return false;
        *ret = (int64_t)f;
    }
    return !is_int || (*ret >= INT32_MIN && *ret <= INT32_MAX);
}

static vg_rc
take_number(struct vg_json_in *in, enum vg_json_tok tok, struct vg_slot slot)
{
    bool is_int = slot.shape->type == VG_T_INT;
    int64_t i;
    double f;
    if (slot.shape->type == VG_T_INT || slot.shape->type == VG_T_LONG) {
        if (tok != VG_JSON_NUMBER || !integer_of(in->js.text, is_int, &i))
            return wrong_kind(in, tok, slot.shape);
        vg_slot_set_i64(slot, i);
        return VG_OK;
    }
    bool is_special = tok == VG_JSON_STRING && in->js.text.len >= 3 && in->js.text.ptr[0] != '0'
                      && strchr("NI-", in->js.text.ptr[0]) && !vg_f64_parse(in->js.text, &f)
                      && vg_text_parse_f64(in->js.text, &f);
    if (!is_special && (tok != VG_JSON_NUMBER || !vg_f64_parse(in->js.text, &f)))
        return wrong_kind(in, tok, slot.shape);
    vg_slot_set_f64(slot, f);
    return VG_OK;
}

static vg_rc
take_time(struct vg_json_in *in, enum vg_json_tok tok, struct vg_slot slot)
{
    int64_t ms;
    bool ok = tok == VG_JSON_NUMBER ? vg_time_parse_unix(in->js.text, &ms)
              : tok == VG_JSON_STRING
                  ? vg_time_parse_iso(in->js.text, &ms) || vg_time_parse_http(in->js.text, &ms)
                  : false;
    if (!ok)
        return wrong_kind(in, tok, slot.shape);
    vg_slot_set_i64(slot, ms);
    return VG_OK;
}

static vg_rc
take_blob(struct vg_json_in *in, enum vg_json_tok tok, struct vg_slot slot)
{
    struct vg_str bytes;
    if (tok != VG_JSON_STRING)
        return tok == VG_JSON_OBJECT || tok == VG_JSON_ARRAY || tok == VG_JSON_ERROR
                   ? wrong_kind(in, tok, slot.shape)
                   : type_fail(in, VG_STR("only base-64-encoded strings are convertible to bytes"));
    if (in->js.text.len % 4 != 0)
        return type_fail(in, vg_str_fmt(in->js.arena,
                                        "Base64 encoded length is expected a multiple of 4 bytes "
                                        "but found: %zu",
                                        in->js.text.len));
    if (!vg_base64_decode(in->js.arena, in->js.text, &bytes))
        return type_fail(in, VG_STR("Invalid Base64 character"));
    vg_slot_set_str(slot, bytes);
    return VG_OK;
}

static const struct vg_member *
find_member(const struct vg_json_in *in, const struct vg_shape *shape, size_t hint,
            struct vg_str key, size_t *ret_index)
{
    for (size_t k = 0; k < shape->n_members; k++) {
        size_t i = hint + k < shape->n_members ? hint + k : hint + k - shape->n_members;
        const struct vg_member *m = &shape->members[i];
        if (vg_str_eq(in->by_name ? m->name : m->wire, key)
            && (in->by_name || m->loc == VG_LOC_BODY)) {
            *ret_index = i;
            return m;
        }
    }
    return NULL;
}

static void
forget(const struct vg_member *m, void *st)
{
    static const size_t sizes[] = {
        [VG_T_STR] = sizeof(struct vg_str),           [VG_T_ENUM] = sizeof(struct vg_enum),
        [VG_T_BLOB] = sizeof(struct vg_str),          [VG_T_BOOL] = sizeof(struct vg_opt_bool),
        [VG_T_INT] = sizeof(struct vg_opt_i64),       [VG_T_LONG] = sizeof(struct vg_opt_i64),
        [VG_T_FLOAT] = sizeof(struct vg_opt_f64),     [VG_T_DOUBLE] = sizeof(struct vg_opt_f64),
        [VG_T_TIMESTAMP] = sizeof(struct vg_opt_i64), [VG_T_LIST] = sizeof(struct vg_list),
        [VG_T_MAP] = sizeof(struct vg_list),          [VG_T_STRUCT] = sizeof(void *),
        [VG_T_DOCUMENT] = sizeof(struct vg_str),      [VG_T_CUSTOM] = sizeof(void *),
    };
    memset((char *)st + m->offset, 0, sizes[m->shape->type]);
}

/* Inside the braces. Of two members of one name the last counts. */
static vg_rc
take_members(struct vg_json_in *in, const struct vg_shape *shape, void *st)
{
    size_t next = 0;
    for (;;) {
        enum vg_json_tok tok = vg_json_next(&in->js);
        if (tok == VG_JSON_OBJECT_END)
            return VG_OK;
        if (tok != VG_JSON_KEY)
            return vg_json_in_fail(in, in->js.why ? in->js.why : "");
        size_t at;
        const struct vg_member *m = find_member(in, shape, next, in->js.text, &at);
        if (m == NULL && in->by_name)
            return vg_wire_fail(in->err, in->js.arena, &vg_wire_validation,
                                "%" VG_FMT " has no member \"%" VG_FMT "\"", VG_ARG(shape->name),
                                VG_ARG(in->js.text));
        tok = vg_json_next(&in->js);
        if (m == NULL) { /* AWS ignores what its model does not have */
            if (!vg_json_skip(&in->js, tok))
                return vg_json_in_fail(in, in->js.why ? in->js.why : "");
            continue;
        }
        next = at + 1;
        forget(m, st);
        if (tok == VG_JSON_NULL)
            continue;
        vg_rc rc = vg_json_in_value(in, tok, vg_time_fmt_of(m, m->shape, VG_TIME_UNIX),
                                    vg_slot_member(m, st));
        if (rc != VG_OK)
            return rc;
    }
}

static vg_rc
take_list(struct vg_json_in *in, const struct vg_shape *shape, struct vg_list *list)
{
    size_t cap = 0;
    list->set = true;
    for (;;) {
        enum vg_json_tok tok = vg_json_next(&in->js);
        if (tok == VG_JSON_ARRAY_END)
            return VG_OK;
        if (tok == VG_JSON_ERROR)
            return wrong_kind(in, tok, shape);
        struct vg_slot item = vg_slot_append(in->js.arena, shape, list, &cap, VG_STR_NONE);
        if (tok == VG_JSON_NULL)
            continue; /* stays absent: validation says so */
        vg_rc rc = vg_json_in_value(in, tok, vg_time_fmt_of(NULL, shape->item, VG_TIME_UNIX), item);
        if (rc != VG_OK)
            return rc;
    }
}

static vg_rc
take_map(struct vg_json_in *in, const struct vg_shape *shape, struct vg_list *map)
{
    size_t cap = 0;
    struct vg_keyset seen = { 0 };
    map->set = true;
    for (;;) {
        enum vg_json_tok tok = vg_json_next(&in->js);
        if (tok == VG_JSON_OBJECT_END)
            return VG_OK;
        if (tok != VG_JSON_KEY)
            return vg_json_in_fail(in, in->js.why ? in->js.why : "");
        size_t at = vg_keyset_find(&seen, in->js.arena, shape, map, in->js.text);
        struct vg_slot item;
        if (at == VG_NPOS) {
            item = vg_slot_append(in->js.arena, shape, map, &cap, in->js.text);
        } else { /* of two equal keys the last counts */
            item = vg_slot_entry(shape, map, at);
            memset(item.at, 0, shape->item->size);
        }
        tok = vg_json_next(&in->js);
        if (tok == VG_JSON_NULL)
            continue;
        vg_rc rc = vg_json_in_value(in, tok, vg_time_fmt_of(NULL, shape->item, VG_TIME_UNIX), item);
        if (rc != VG_OK)
            return rc;
    }
}

static vg_rc
take_custom(struct vg_json_in *in, enum vg_json_tok tok, struct vg_slot slot)
{
    *in->err = (struct vg_err) { 0 };
    vg_rc rc = slot.shape->decode(&in->js, (int)tok, vg_slot_body(in->js.arena, slot), in->err);
    if (rc != VG_OK && in->err->def == NULL)
        in->err->def = &vg_wire_serialization;
    return rc;
}

vg_rc
vg_json_in_value(struct vg_json_in *in, enum vg_json_tok tok, enum vg_time_fmt time_fmt,
                 struct vg_slot slot)
{
    (void)time_fmt; /* a number is seconds, a string names its form */
    struct vg_str raw;
    switch ((enum vg_type)slot.shape->type) {
    case VG_T_STR:
    case VG_T_ENUM:
        if (tok != VG_JSON_STRING)
            return wrong_kind(in, tok, slot.shape);
        vg_slot_set_str(slot, in->js.text);
        return VG_OK;
    case VG_T_BLOB:
        return take_blob(in, tok, slot);
    case VG_T_BOOL:
        if (tok != VG_JSON_TRUE && tok != VG_JSON_FALSE)
            return wrong_kind(in, tok, slot.shape);
        vg_slot_set_bool(slot, tok == VG_JSON_TRUE);
        return VG_OK;
    case VG_T_INT:
    case VG_T_LONG:
    case VG_T_FLOAT:
    case VG_T_DOUBLE:
        return take_number(in, tok, slot);
    case VG_T_TIMESTAMP:
        return take_time(in, tok, slot);
    case VG_T_DOCUMENT:
        if (!vg_json_raw(&in->js, tok, &raw))
            return wrong_kind(in, VG_JSON_ERROR, slot.shape);
        vg_slot_set_str(slot, raw);
        return VG_OK;
    case VG_T_LIST:
        return tok == VG_JSON_ARRAY ? take_list(in, slot.shape, slot.at)
                                    : wrong_kind(in, tok, slot.shape);
    case VG_T_MAP:
        return tok == VG_JSON_OBJECT ? take_map(in, slot.shape, slot.at)
                                     : wrong_kind(in, tok, slot.shape);
    case VG_T_STRUCT:
        return tok == VG_JSON_OBJECT
                   ? take_members(in, slot.shape, vg_slot_body(in->js.arena, slot))
                   : wrong_kind(in, tok, slot.shape);
    case VG_T_CUSTOM:
        return take_custom(in, tok, slot);
    }
    VG_BUG("no such type");
}

vg_rc
vg_json_in_document(struct vg_json_in *in, const struct vg_shape *shape, void *to)
{
    enum vg_json_tok tok = vg_json_next(&in->js);
    if (tok != VG_JSON_OBJECT)
        return wrong_kind(in, tok, shape);
    vg_rc rc = take_members(in, shape, to);
    if (rc == VG_OK && vg_json_next(&in->js) != VG_JSON_END)
        return vg_json_in_fail(in, in->js.why ? in->js.why : "");
    return rc;
}

vg_rc
vg_json_decode_body(const struct vg_model *model, struct vg_str body, const struct vg_shape *shape,
                    void *to, struct vg_arena *arena, struct vg_err *err)
{
    struct vg_json_in in = { .err = err };
    vg_json_init(&in.js, body, arena);
    vg_rc rc = vg_json_in_document(&in, shape, to);
    if (rc != VG_OK && err->def == &vg_wire_serialization && model->serialization) {
        err->def = model->serialization;
        struct vg_str was = vg_err_text(err);
        err->text = vg_str_fmt(arena, "Could not parse request body into json: %" VG_FMT,
                               VG_ARG(was.len ? was : vg_str_of(in.js.why)));
    }
    return rc;
}

vg_rc
vg_wire_from_json(const struct vg_shape *shape, struct vg_str json, struct vg_arena *arena,
                  void *to, struct vg_err *err)
{
    struct vg_json_in in = { .err = err, .by_name = true };
    vg_json_init(&in.js, json, arena);
    memset(to, 0, shape->size);
    return vg_json_in_document(&in, shape, to);
}
