/* SPDX-License-Identifier: Apache-2.0 */
/* Which protocol's interpreter it is, aws-json, and errors. */
#include "wire/wire_int.h"

#include "base/limits.h"
#include "codec/base64.h"
#include "crypto/hash.h"

#include <string.h>

const struct vg_errdef vg_wire_serialization = {
    .code = VG_STR_INIT("SerializationException"),
    .http_status = 400,
    .is_sender_fault = true,
};
const struct vg_errdef vg_wire_malformed_query = {
    .code = VG_STR_INIT("MalformedQueryString"),
    .http_status = 400,
    .is_sender_fault = true,
};
const struct vg_errdef vg_wire_malformed_input = {
    .code = VG_STR_INIT("MalformedInput"),
    .http_status = 400,
    .is_sender_fault = true,
};
const struct vg_errdef vg_wire_malformed_xml = {
    .code = VG_STR_INIT("MalformedXML"),
    .http_status = 400,
    .is_sender_fault = true,
};
const struct vg_errdef vg_wire_validation = {
    .code = VG_STR_INIT("ValidationException"),
    .http_status = 400,
    .is_sender_fault = true,
};
const struct vg_errdef vg_wire_validation_query = {
    .code = VG_STR_INIT("ValidationError"),
    .http_status = 400,
    .is_sender_fault = true,
};
const struct vg_errdef vg_wire_internal = {
    .code = VG_STR_INIT("InternalFailure"),
    .http_status = 500,
    .is_retryable = true,
};

vg_rc
vg_wire_fail(struct vg_err *err, struct vg_arena *arena, const struct vg_errdef *def,
             const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct vg_str text = vg_str_vfmt(arena, VG_ERR_TEXT_MAX_BYTES, fmt, ap);
    va_end(ap);
    *err = (struct vg_err) { .def = def, .text = text, .file = __FILE__ };
    return VG_FAIL;
}

void
vg_wire_out_init(struct vg_wire_out *out, struct vg_arena *arena, int status)
{
    *out = (struct vg_wire_out) { .status = status };
    vg_buf_init(&out->body, arena, VG_WIRE_OUT_MAX_BYTES);
    (void)vg_buf_room(&out->body, 1000); /* most replies: no growing */
}

void
vg_wire_out_header(struct vg_wire_out *out, struct vg_arena *arena, struct vg_str name,
                   struct vg_str value)
{
    *VG_VEC_ADD(arena, &out->headers) = (struct vg_http_header) { name, value };
}

bool
vg_wire_in_has_header(const struct vg_wire_in *in, struct vg_str name)
{
    for (size_t i = 0; i < in->n_headers; i++)
        if (vg_str_eq_nocase(in->headers[i].name, name))
            return true;
    return false;
}

bool
vg_wire_out_has_header(const struct vg_wire_out *out, struct vg_str name)
{
    for (size_t i = 0; i < out->headers.len; i++)
        if (vg_str_eq_nocase(out->headers.items[i].name, name))
            return true;
    return false;
}

static enum vg_protocol
protocol_of(const struct vg_wire_op *op)
{
    return (enum vg_protocol)(op->protocol ? op->protocol : op->model->protocol);
}

vg_rc
vg_wire_decode(const struct vg_wire_op *op, const struct vg_wire_in *in, struct vg_arena *arena,
               void *to, struct vg_err *err)
{
    if (op->in == NULL)
        return VG_OK;
    memset(to, 0, op->in->size);
    switch (protocol_of(op)) {
    case VG_PROTO_JSON_1_0:
    case VG_PROTO_JSON_1_1: /* without a body the input is empty, as of SDKs that send none */
        return in->body.len ? vg_json_decode_body(op->model, in->body, op->in, to, arena, err)
                            : VG_OK;
    case VG_PROTO_QUERY:
        return vg_query_decode(op, in, arena, to, err);
    case VG_PROTO_REST_JSON:
        return vg_rest_decode(&vg_restjson, op, in, arena, to, err);
    case VG_PROTO_REST_XML:
        return vg_rest_decode(&vg_restxml, op, in, arena, to, err);
    case VG_PROTO_EC2:
    case VG_PROTO_CBOR:
        break;
    }
    return vg_err_set(err, "the protocol of %" VG_FMT " is not built", VG_ARG(op->model->endpoint));
}

static struct vg_str
json_type(enum vg_protocol protocol)
{
    return protocol == VG_PROTO_JSON_1_0   ? VG_STR("application/x-amz-json-1.0")
           : protocol == VG_PROTO_JSON_1_1 ? VG_STR("application/x-amz-json-1.1")
                                           : VG_STR("application/json");
}

static void
encode_json(const struct vg_wire_op *op, const void *value, struct vg_arena *arena,
            struct vg_wire_out *ret)
{
    struct vg_json_out w;
    vg_jsonw_init(&w, &ret->body);
    vg_jsonw_object(&w);
    if (op->out && value)
        vg_json_out_members(&w, op->out, value, false);
    vg_jsonw_object_end(&w);
    vg_wire_out_header(ret, arena, VG_STR("Content-Type"), json_type(protocol_of(op)));
}

/* As long and as meaningless as AWS's. */
struct vg_str
vg_wire_host_id(struct vg_arena *arena, struct vg_str request_id)
{
    uint8_t digest[VG_SHA256_BYTES];
    vg_sha256(request_id, digest);
    struct vg_str hash = vg_str_n((const char *)digest, sizeof(digest));
    return vg_base64_encode(arena, vg_str_cat(arena, hash, vg_str_slice(request_id, 0, 24)));
}

static void
put_request_id(const struct vg_model *model, struct vg_str request_id, struct vg_arena *arena,
               struct vg_wire_out *ret)
{
    bool is_s3 = model && (model->flags & VG_MODEL_S3_TEXT);
    if (request_id.len)
        vg_wire_out_header(ret, arena,
                           is_s3 ? VG_STR("x-amz-request-id") : VG_STR("x-amzn-RequestId"),
                           request_id);
    if (!is_s3)
        return;
    vg_wire_out_header(ret, arena, VG_STR("x-amz-id-2"), vg_wire_host_id(arena, request_id));
    vg_wire_out_header(ret, arena, VG_STR("Server"), VG_STR("AmazonS3"));
}

void
vg_wire_encode_none(const struct vg_model *model, struct vg_str request_id, struct vg_arena *arena,
                    struct vg_wire_out *ret)
{
    vg_wire_out_init(ret, arena, 200);
    put_request_id(model, request_id, arena, ret);
}

void
vg_wire_encode(const struct vg_wire_op *op, const void *value, struct vg_str request_id,
               struct vg_arena *arena, struct vg_wire_out *ret)
{
    vg_wire_out_init(ret, arena, op->http && op->http->status ? op->http->status : 200);
    put_request_id(op->model, request_id, arena, ret);
    switch (protocol_of(op)) {
    case VG_PROTO_QUERY:
        vg_query_encode(op, value, request_id, arena, ret);
        break;
    case VG_PROTO_REST_JSON:
        vg_rest_encode(&vg_restjson, op, value, arena, ret);
        break;
    case VG_PROTO_REST_XML:
        vg_rest_encode(&vg_restxml, op, value, arena, ret);
        break;
    default:
        encode_json(op, value, arena, ret);
        break;
    }
    if (op->http && vg_str_eq(op->http->method, VG_STR("HEAD")))
        vg_buf_clear(&ret->body);
}

/* --- errors ------------------------------------------------------------------------------------
 */

const struct vg_errdef *
vg_error_def(const struct vg_err *err)
{
    return err->def ? err->def : &vg_wire_internal;
}

struct vg_str
vg_error_text(const struct vg_err *err)
{
    return err->def ? vg_err_text(err) : VG_STR_NONE; /* a cause is not for the caller */
}

const struct vg_member *
vg_error_message_member(const struct vg_errdef *def)
{
    for (size_t i = 0; def->shape && i < def->shape->n_members; i++) {
        const struct vg_member *m = &def->shape->members[i];
        if (vg_str_eq_nocase(m->name, VG_STR("message")) && m->shape->type == VG_T_STR)
            return m;
    }
    return NULL;
}

/* The engine's own errors bear the names of the framework that answers them at AWS. */
static struct vg_str
type_name(const struct vg_model *model, const struct vg_errdef *def, struct vg_arena *arena)
{
    if (model == NULL || model->error_namespace.ptr == NULL)
        return def->code;
    struct vg_str ns = model->error_namespace;
    if (vg_str_eq(def->code, VG_STR("ValidationException")))
        ns = VG_STR("com.amazon.coral.validate");
    else if (def->shape == NULL)
        ns = VG_STR("com.amazon.coral.service");
    return vg_str_fmt(arena, "%" VG_FMT "#%" VG_FMT, VG_ARG(ns), VG_ARG(def->code));
}

static struct vg_str
message_key(const struct vg_errdef *def)
{
    const struct vg_member *m = vg_error_message_member(def);
    if (m)
        return m->wire;
    bool is_upper = vg_str_eq(def->code, VG_STR("SerializationException"))
                    || vg_str_eq(def->code, VG_STR("AccessDeniedException"));
    return is_upper ? VG_STR("Message") : VG_STR("message");
}

static void
put_error_members(struct vg_json_out *w, const struct vg_errdef *def, const void *detail)
{
    const struct vg_member *message = vg_error_message_member(def);
    for (size_t i = 0; i < def->shape->n_members; i++) {
        const struct vg_member *m = &def->shape->members[i];
        struct vg_cslot slot = vg_cslot_member(m, detail);
        if (m == message || m->loc != VG_LOC_BODY || !vg_cslot_is_set(slot))
            continue;
        vg_jsonw_key(w, m->wire);
        vg_json_out_value(w, slot, vg_time_fmt_of(m, m->shape, VG_TIME_UNIX), false);
    }
}

static void
encode_error_json(const struct vg_model *model, enum vg_protocol protocol, const struct vg_err *err,
                  struct vg_arena *arena, struct vg_wire_out *ret)
{
    const struct vg_errdef *def = vg_error_def(err);
    struct vg_str text = vg_error_text(err);
    struct vg_json_out w;
    vg_jsonw_init(&w, &ret->body);
    vg_jsonw_object(&w);
    if (protocol == VG_PROTO_REST_JSON)
        vg_wire_out_header(ret, arena, VG_STR("x-amzn-ErrorType"), def->code);
    else
        vg_jsonw_kv(&w, VG_STR("__type"), type_name(model, def, arena));
    if (text.len)
        vg_jsonw_kv(&w, message_key(def), text);
    if (def->shape && err->detail) {
        put_error_members(&w, def, err->detail);
        if (protocol == VG_PROTO_REST_JSON)
            vg_rest_encode_error_headers(err, arena, ret);
    }
    vg_jsonw_object_end(&w);
    vg_wire_out_header(ret, arena, VG_STR("Content-Type"), json_type(protocol));
    if (model && (model->flags & VG_MODEL_QUERY_COMPATIBLE) && def->query_code.ptr)
        vg_wire_out_header(ret, arena, VG_STR("x-amzn-query-error"),
                           vg_str_fmt(arena, "%" VG_FMT ";%s", VG_ARG(def->query_code),
                                      def->is_sender_fault ? "Sender" : "Receiver"));
}

void
vg_wire_encode_error(const struct vg_model *model, uint8_t protocol, const struct vg_err *err,
                     struct vg_str request_id, struct vg_arena *arena, struct vg_wire_out *ret)
{
    enum vg_protocol p = (enum vg_protocol)(protocol ? protocol
                                            : model  ? model->protocol
                                                     : VG_PROTO_JSON_1_0);
    vg_wire_out_init(ret, arena, vg_error_def(err)->http_status);
    put_request_id(model, request_id, arena, ret);
    if (p == VG_PROTO_REST_XML)
        vg_restxml_encode_error(model, err, request_id, arena, ret);
    else if (p == VG_PROTO_QUERY || p == VG_PROTO_EC2)
        vg_query_encode_error(model, err, request_id, arena, ret);
    else
        encode_error_json(model, p, err, arena, ret);
}
