/* SPDX-License-Identifier: Apache-2.0 */
#include "services/dynamodb/dynamodb_value_json.h"

#include "base/arena.h"
#include "base/limits.h"
#include "codec/base64.h"

struct reader {
    struct vg_json *js;
    struct vg_buf buf;
    struct vg_str fault; /* the first */
    struct vg_err *err;
};

static vg_rc read_value(struct reader *rd, enum vg_json_tok tok, unsigned depth);
static vg_rc read_attrs(struct reader *rd, unsigned depth, struct vg_str *ret_fault_key);

static void
fault(struct reader *rd, struct vg_str text)
{
    if (rd->fault.ptr == NULL)
        rd->fault = text;
}

/* What AWS's parser says of a token where `want` ("String") should be. */
static vg_rc
wrong_token(struct reader *rd, enum vg_json_tok tok, const char *want)
{
    switch (tok) {
    case VG_JSON_ERROR:
        return vg_err_set(rd->err, "%s", rd->js->why);
    case VG_JSON_NUMBER:
        return vg_err_set(rd->err, "NUMBER_VALUE cannot be converted to %s", want);
    case VG_JSON_TRUE:
        return vg_err_set(rd->err, "TRUE_VALUE cannot be converted to %s", want);
    case VG_JSON_FALSE:
        return vg_err_set(rd->err, "FALSE_VALUE cannot be converted to %s", want);
    case VG_JSON_STRING:
        return vg_err_set(rd->err, "STRING_VALUE cannot be converted to %s", want);
    case VG_JSON_OBJECT:
        return vg_err_set(rd->err, "Start of structure or map found where not expected.");
    case VG_JSON_ARRAY:
        return vg_err_set(rd->err, "Start of list found where not expected");
    default:
        return vg_err_set(rd->err, "Unexpected token received from parser");
    }
}

struct vg_str
dynamodb_number_fault_text(struct vg_arena *arena, enum dynamodb_number_fault why,
                           struct vg_str number)
{
    switch (why) {
    case DYNAMODB_NUMBER_OK:
        return VG_STR_NONE;
    case DYNAMODB_NUMBER_SYNTAX:
        return number.len == 0
                   ? VG_STR("The parameter cannot be converted to a numeric value")
                   : vg_str_fmt(arena,
                                "The parameter cannot be converted to a numeric value: %" VG_FMT,
                                VG_ARG(number));
    case DYNAMODB_NUMBER_PRECISION:
        return VG_STR("Attempting to store more than 38 significant digits in a Number");
    case DYNAMODB_NUMBER_OVERFLOW:
        return VG_STR("Number overflow. Attempting to store a number with magnitude larger than "
                      "supported range");
    case DYNAMODB_NUMBER_UNDERFLOW:
        return VG_STR("Number underflow. Attempting to store a number with magnitude smaller than "
                      "supported range");
    }
    VG_BUG("a fault that is none");
}

/* The bytes that S, N or B (or a member of their sets) store for a JSON string. */
static vg_rc
scalar_bytes(struct reader *rd, enum dynamodb_type type, struct vg_str text, struct vg_str *ret)
{
    if (type == DYNAMODB_S) {
        *ret = text;
        return VG_OK;
    }
    if (type == DYNAMODB_B) {
        if (!vg_base64_decode(rd->js->arena, text, ret))
            return vg_err_set(rd->err, "Base64 encoded length or content is invalid");
        return VG_OK;
    }
    struct dynamodb_number number = { 0 };
    enum dynamodb_number_fault why = dynamodb_number_parse(text, &number);
    if (why != DYNAMODB_NUMBER_OK) {
        fault(rd, dynamodb_number_fault_text(rd->js->arena, why, text));
        number.n = 0;
    }
    uint8_t packed[DYNAMODB_NUMBER_MAX_BYTES];
    size_t n = dynamodb_number_pack(&number, packed);
    *ret = vg_str_n(vg_arena_copy(rd->js->arena, packed, n), n);
    return VG_OK;
}

static vg_rc
read_scalar(struct reader *rd, enum dynamodb_type type, enum vg_json_tok tok)
{
    if (tok != VG_JSON_STRING)
        return wrong_token(rd, tok, type == DYNAMODB_B ? "Blob" : "String");
    struct vg_str bytes;
    vg_rc rc = scalar_bytes(rd, type, rd->js->text, &bytes);
    if (rc == VG_OK)
        dynamodb_put_scalar(&rd->buf, type, bytes);
    return rc;
}

/* "[a, b]" as AWS lists the members of a set in a message. */
static struct vg_str
listed(struct vg_arena *arena, const struct vg_str *texts, size_t n)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, VG_ERR_TEXT_MAX_BYTES);
    vg_buf_addc(&b, '[');
    for (size_t i = 0; i < n && !b.over; i++) {
        vg_buf_adds(&b, i ? VG_STR(", ") : VG_STR(""));
        vg_buf_adds(&b, texts[i]);
    }
    vg_buf_addc(&b, ']');
    return vg_buf_str(&b);
}

static void
check_set(struct reader *rd, enum dynamodb_type type, struct vg_str set, size_t n,
          struct vg_str texts)
{
    struct vg_arena *arena = rd->js->arena;
    if (n == 0) {
        fault(rd,
              type == DYNAMODB_SS ? VG_STR("One or more parameter values were invalid: An "
                                           "string set  may not be empty")
              : type == DYNAMODB_NS
                  ? VG_STR("One or more parameter values were invalid: An number set  may not be "
                           "empty")
                  : VG_STR("One or more parameter values were invalid: Binary sets should not be "
                           "empty"));
        return;
    }
    struct vg_str rest = dynamodb_value_body(set), one, last = VG_STR_NONE;
    while (dynamodb_next_member(&rest, &one)) {
        if (last.ptr && vg_str_eq(last, one)) {
            fault(rd,
                  type == DYNAMODB_NS ? VG_STR("Input collection contains duplicates")
                  : type == DYNAMODB_SS
                      ? vg_str_fmt(arena,
                                   "One or more parameter values were invalid: Input collection "
                                   "%" VG_FMT " contains duplicates.",
                                   VG_ARG(texts))
                      : vg_str_fmt(arena,
                                   "One or more parameter values were invalid: Input collection "
                                   "%" VG_FMT "of type BS contains duplicates.",
                                   VG_ARG(texts)));
            return;
        }
        last = one;
    }
}

static vg_rc
read_set(struct reader *rd, enum dynamodb_type type, enum vg_json_tok tok)
{
    if (tok != VG_JSON_ARRAY)
        return wrong_token(rd, tok, "List");
    struct vg_arena *arena = rd->js->arena;
    enum dynamodb_type each = (enum dynamodb_type)(type - DYNAMODB_SS + DYNAMODB_S);
    VG_VEC(struct vg_str) members = { 0 }, texts = { 0 };
    while ((tok = vg_json_next(rd->js)) != VG_JSON_ARRAY_END) {
        if (tok == VG_JSON_NULL) {
            fault(rd, vg_str_fmt(arena,
                                 "One or more parameter values were invalid: An %s set may not "
                                 "have a null string as a member",
                                 type == DYNAMODB_SS   ? "string"
                                 : type == DYNAMODB_NS ? "number"
                                                       : "binary"));
            continue;
        }
        if (tok != VG_JSON_STRING)
            return wrong_token(rd, tok, each == DYNAMODB_B ? "Blob" : "String");
        struct vg_str bytes;
        vg_rc rc = scalar_bytes(rd, each, rd->js->text, &bytes);
        if (rc != VG_OK)
            return rc;
        *VG_VEC_ADD(arena, &texts) = rd->js->text;
        *VG_VEC_ADD(arena, &members) = bytes;
    }
    size_t from = rd->buf.len;
    struct vg_str text = listed(arena, texts.items, texts.len > 32 ? 32 : texts.len);
    dynamodb_put_set(&rd->buf, type, members.items, members.len);
    if (!rd->buf.over)
        check_set(rd, type, vg_str_slice(vg_buf_str(&rd->buf), from, rd->buf.len), members.len,
                  text);
    return VG_OK;
}

static vg_rc
read_list(struct reader *rd, enum vg_json_tok tok, unsigned depth)
{
    if (tok != VG_JSON_ARRAY)
        return wrong_token(rd, tok, "List");
    size_t mark = dynamodb_put_begin(&rd->buf, DYNAMODB_L);
    while ((tok = vg_json_next(rd->js)) != VG_JSON_ARRAY_END) {
        vg_rc rc = read_value(rd, tok, depth + 1);
        if (rc != VG_OK)
            return rc;
    }
    dynamodb_put_end(&rd->buf, mark);
    return VG_OK;
}

static vg_rc
read_typed(struct reader *rd, enum dynamodb_type type, enum vg_json_tok tok, unsigned depth)
{
    switch (type) {
    case DYNAMODB_S:
    case DYNAMODB_N:
    case DYNAMODB_B:
        return read_scalar(rd, type, tok);
    case DYNAMODB_BOOL:
    case DYNAMODB_NULL:
        if (tok != VG_JSON_TRUE && tok != VG_JSON_FALSE)
            return wrong_token(rd, tok, "Boolean");
        if (type == DYNAMODB_BOOL)
            dynamodb_put_bool(&rd->buf, tok == VG_JSON_TRUE);
        else
            dynamodb_put_null(&rd->buf);
        if (type == DYNAMODB_NULL && tok == VG_JSON_FALSE)
            fault(rd, VG_STR("One or more parameter values were invalid: Null attribute value "
                             "types must have the value of true"));
        return VG_OK;
    case DYNAMODB_L:
        return read_list(rd, tok, depth);
    case DYNAMODB_M:
        if (tok != VG_JSON_OBJECT)
            return wrong_token(rd, tok, "Map");
        size_t mark = dynamodb_put_begin(&rd->buf, DYNAMODB_M);
        vg_rc rc = read_attrs(rd, depth + 1, NULL);
        dynamodb_put_end(&rd->buf, mark);
        return rc;
    case DYNAMODB_SS:
    case DYNAMODB_NS:
    case DYNAMODB_BS:
        return read_set(rd, type, tok);
    }
    VG_BUG("a type that is none");
}

/* One AttributeValue, appended to the buffer; depth 1 is an attribute of an item. */
static vg_rc
read_value(struct reader *rd, enum vg_json_tok tok, unsigned depth)
{
    static const struct vg_str empty = VG_STR_INIT(
        "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
    static const struct vg_str several =
        VG_STR_INIT("Supplied AttributeValue has more than one datatypes set, must contain "
                    "exactly one of the supported datatypes");
    if (tok == VG_JSON_NULL) {
        fault(rd, empty);
        dynamodb_put_null(&rd->buf);
        return VG_OK;
    }
    if (tok != VG_JSON_OBJECT)
        return tok == VG_JSON_ERROR ? wrong_token(rd, tok, "")
                                    : vg_err_set(rd->err, "Unexpected value type in payload");
    if (depth > DYNAMODB_DEPTH_MAX) {
        fault(rd, VG_STR("Nesting Levels have exceeded supported limits: Attributes in the item "
                         "have nested levels beyond supported limit"));
        dynamodb_put_null(&rd->buf);
        return vg_json_skip(rd->js, tok) ? VG_OK : wrong_token(rd, VG_JSON_ERROR, "");
    }
    size_t from = rd->buf.len;
    bool has_type = false;
    while ((tok = vg_json_next(rd->js)) == VG_JSON_KEY) {
        enum dynamodb_type type;
        bool is_known = dynamodb_type_of_name(rd->js->text, &type);
        tok = vg_json_next(rd->js);
        if (!is_known || tok == VG_JSON_NULL) {
            if (!vg_json_skip(rd->js, tok))
                return wrong_token(rd, VG_JSON_ERROR, "");
            continue;
        }
        if (has_type) {
            fault(rd, several);
            rd->buf.len = from;
        }
        has_type = true;
        vg_rc rc = read_typed(rd, type, tok, depth);
        if (rc != VG_OK)
            return rc;
    }
    if (tok != VG_JSON_OBJECT_END)
        return wrong_token(rd, tok, "");
    if (!has_type) {
        fault(rd, empty);
        dynamodb_put_null(&rd->buf);
    }
    return VG_OK;
}

/* Where an entry lies in the buffer, which may move while it grows. */
struct place {
    struct vg_str name;
    size_t value, end;
};

/* Puts the entries since `from` in order, when they are not. */
static void
sort_attrs(struct reader *rd, size_t from, const struct place *places, size_t n)
{
    bool is_sorted = true;
    for (size_t i = 1; i < n && is_sorted; i++)
        is_sorted = vg_str_cmp(places[i - 1].name, places[i].name) < 0;
    if (is_sorted || rd->buf.over)
        return;
    struct vg_arena *arena = rd->js->arena;
    const char *copy = vg_arena_copy(arena, rd->buf.ptr + from, rd->buf.len - from);
    struct dynamodb_attr *attrs = VG_NEW_ARRAY(arena, struct dynamodb_attr, n);
    for (size_t i = 0; i < n; i++) {
        attrs[i].name = places[i].name;
        attrs[i].v = vg_str_n(copy + (places[i].value - from), places[i].end - places[i].value);
    }
    rd->buf.len = from;
    dynamodb_put_attrs(&rd->buf, attrs, n);
}

/* The entries of an object whose '{' is taken. */
static vg_rc
read_attrs(struct reader *rd, unsigned depth, struct vg_str *ret_fault_key)
{
    size_t from = rd->buf.len;
    VG_VEC(struct place) places = { 0 };
    enum vg_json_tok tok;
    while ((tok = vg_json_next(rd->js)) == VG_JSON_KEY) {
        struct vg_str name = rd->js->text;
        bool was_sound = rd->fault.ptr == NULL;
        if (name.len == 0)
            fault(rd, VG_STR("One or more parameter values were invalid: Empty attribute name"));
        dynamodb_put_len(&rd->buf, name.len);
        vg_buf_adds(&rd->buf, name);
        size_t value = rd->buf.len;
        vg_rc rc = read_value(rd, vg_json_next(rd->js), depth);
        if (rc != VG_OK)
            return rc;
        *VG_VEC_ADD(rd->js->arena, &places) = (struct place) { name, value, rd->buf.len };
        if (was_sound && rd->fault.ptr && ret_fault_key)
            *ret_fault_key = name;
    }
    if (tok != VG_JSON_OBJECT_END)
        return wrong_token(rd, tok, "");
    sort_attrs(rd, from, places.items, places.len);
    return VG_OK;
}

static void
reader_init(struct reader *rd, struct vg_json *js, struct vg_err *err)
{
    *rd = (struct reader) { .js = js, .err = err };
    vg_buf_init(&rd->buf, js->arena, VG_BODY_MAX_BYTES);
    (void)vg_buf_room(&rd->buf, VG_MIN((size_t)(js->end - js->p), 1024u));
}

vg_rc
dynamodb_value_decode(struct vg_json *js, enum vg_json_tok tok, struct dynamodb_value *ret,
                      struct vg_err *err)
{
    struct reader rd;
    reader_init(&rd, js, err);
    vg_rc rc = read_value(&rd, tok, 1);
    if (rc != VG_OK)
        return rc;
    *ret = (struct dynamodb_value) { vg_buf_str(&rd.buf), rd.fault };
    return VG_OK;
}

vg_rc
dynamodb_item_decode(struct vg_json *js, enum vg_json_tok tok, struct dynamodb_item *ret,
                     struct vg_err *err)
{
    struct reader rd;
    reader_init(&rd, js, err);
    if (tok != VG_JSON_OBJECT)
        return tok == VG_JSON_ERROR ? wrong_token(&rd, VG_JSON_ERROR, "")
                                    : vg_err_set(err, "Unexpected field type");
    struct vg_str key = VG_STR_NONE;
    vg_rc rc = read_attrs(&rd, 1, &key);
    if (rc != VG_OK)
        return rc;
    *ret = (struct dynamodb_item) { vg_buf_str(&rd.buf), rd.fault, key };
    return VG_OK;
}

/* --- writing ------------------------------------------------------------------------------------
 */

static void
write_scalar(struct vg_json_out *w, enum dynamodb_type type, struct vg_str bytes)
{
    if (type == DYNAMODB_S) {
        vg_jsonw_str(w, bytes);
    } else if (type == DYNAMODB_N) {
        char room[512];
        struct vg_buf b = { .ptr = room, .cap = sizeof(room), .max = sizeof(room) };
        struct dynamodb_number number;
        bool is_sound = dynamodb_number_unpack(bytes, &number);
        VG_ASSERT(is_sound);
        dynamodb_number_print(&number, &b);
        vg_jsonw_str(w, vg_buf_str(&b));
    } else {
        vg_auto_arena struct vg_arena *own = w->buf->arena ? NULL : vg_arena_new(0);
        vg_jsonw_str(w, vg_base64_encode(own ? own : w->buf->arena, bytes));
    }
}

static void
write_attrs(struct vg_json_out *w, struct vg_str attrs)
{
    struct dynamodb_attr attr;
    vg_jsonw_object(w);
    while (dynamodb_next_attr(&attrs, &attr)) {
        vg_jsonw_key(w, attr.name);
        dynamodb_value_write(w, attr.v);
    }
    vg_jsonw_object_end(w);
}

void
dynamodb_value_write(struct vg_json_out *w, struct vg_str v)
{
    enum dynamodb_type type = dynamodb_value_type(v);
    struct vg_str rest = dynamodb_value_body(v), one;
    vg_jsonw_object(w);
    vg_jsonw_key(w, dynamodb_type_name(type));
    switch (type) {
    case DYNAMODB_S:
    case DYNAMODB_N:
    case DYNAMODB_B:
        write_scalar(w, type, rest);
        break;
    case DYNAMODB_BOOL:
        vg_jsonw_bool(w, dynamodb_value_bool(v));
        break;
    case DYNAMODB_NULL:
        vg_jsonw_bool(w, true);
        break;
    case DYNAMODB_M:
        write_attrs(w, rest);
        break;
    case DYNAMODB_L:
        vg_jsonw_array(w);
        while (dynamodb_next_value(&rest, &one))
            dynamodb_value_write(w, one);
        vg_jsonw_array_end(w);
        break;
    case DYNAMODB_SS:
    case DYNAMODB_NS:
    case DYNAMODB_BS:
        vg_jsonw_array(w);
        while (dynamodb_next_member(&rest, &one))
            write_scalar(w, (enum dynamodb_type)(type - DYNAMODB_SS + DYNAMODB_S), one);
        vg_jsonw_array_end(w);
        break;
    }
    vg_jsonw_object_end(w);
}

void
dynamodb_value_encode(struct vg_json_out *w, const struct dynamodb_value *from)
{
    dynamodb_value_write(w, from->v);
}

void
dynamodb_item_encode(struct vg_json_out *w, const struct dynamodb_item *from)
{
    write_attrs(w, from->v);
}
