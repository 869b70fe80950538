/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_WIRE_SHAPE_H
#define VG_WIRE_SHAPE_H

/*
 * What the generated tables say of AWS's models, and how their shapes look in C.
 *
 *   model type          member of a structure
 *   ------------------  ---------------------------------------------------------------------
 *   string              struct vg_str            (absent: ptr == NULL)
 *   string with enum    struct vg_enum           (v: generated enum, 0 unset, -1 not in the model)
 *   blob                struct vg_str            (decoded bytes)
 *   boolean             struct vg_opt_bool
 *   integer, long       struct vg_opt_i64
 *   float, double       struct vg_opt_f64
 *   timestamp           struct vg_opt_i64        (milliseconds since 1970; name ends in _ms)
 *   list                struct <p>_<shape> { T *items; size_t len; bool set; }
 *   map                 the same, T being struct <p>_<shape>__entry { struct vg_str key; V value; }
 *   structure, union    struct <p>_<shape> *     (NULL: absent)
 *   document            struct vg_str            (its JSON text)
 *   custom              struct <hook's type> *   (NULL: absent; service.toml, [shape.X] custom)
 *
 * Elements of lists and values of maps (T, V) are plain values: struct vg_str, int64_t, double,
 * bool, struct vg_enum, the structure or custom struct itself, the list or map struct itself.
 * Everything decoded lives in the request's arena.  All tables are constant: any thread.
 */

#include "base/err.h"

struct vg_arena;
struct vg_json;
struct vg_json_out;

enum vg_type {
    VG_T_STR = 1,
    VG_T_ENUM,
    VG_T_BLOB,
    VG_T_BOOL,
    VG_T_INT,
    VG_T_LONG,
    VG_T_FLOAT,
    VG_T_DOUBLE,
    VG_T_TIMESTAMP,
    VG_T_LIST,
    VG_T_MAP,
    VG_T_STRUCT,
    VG_T_DOCUMENT,
    VG_T_CUSTOM,
};

struct vg_enum {
    int32_t v; /* 0: unset, -1: not in the model        */
    struct vg_str text;
};
/* A value of a generated enum, for an output: the encoder knows its text. */
#define VG_ENUM(value) ((struct vg_enum) { .v = (value) })

/* Any generated list or map: the three members in this order. */
struct vg_list {
    void *items;
    size_t len;
    bool set;
};

enum vg_loc {
    VG_LOC_BODY,
    VG_LOC_HEADER,
    VG_LOC_HEADERS, /* a map: all headers with the prefix `wire` */
    VG_LOC_URI,
    VG_LOC_QUERY, /* a map takes all parameters */
    VG_LOC_STATUS,
    VG_LOC_PAYLOAD,
};

enum vg_time_fmt {
    VG_TIME_DEFAULT, /* the protocol's */
    VG_TIME_UNIX,
    VG_TIME_ISO,
    VG_TIME_HTTP,
};

enum vg_member_flags {
    VG_MEMBER_REQUIRED = 1 << 0,
    VG_MEMBER_TOKEN = 1 << 1,     /* idempotency token: clients fill it in  */
    VG_MEMBER_STREAMING = 1 << 2, /* the payload may be streamed            */
    VG_MEMBER_EVENT = 1 << 3,     /* event stream                           */
    VG_MEMBER_JSON = 1 << 4,      /* a JSON value: base64 in a header       */
    VG_MEMBER_XML_ATTR = 1 << 5,
    VG_MEMBER_FLATTENED = 1 << 6,
};

/* xmlns="uri", or xmlns:prefix="uri" */
struct vg_xml_ns {
    struct vg_str prefix, uri;
};

struct vg_member {
    struct vg_str name; /* as the model names it                             */
    struct vg_str wire; /* as the protocol writes it: JSON key, header, element, query label */
    const struct vg_shape *shape;
    uint32_t offset;
    uint16_t flags;
    uint8_t loc;                    /* enum vg_loc                                       */
    uint8_t time_fmt;               /* enum vg_time_fmt                                  */
    const struct vg_xml_ns *xml_ns; /* of the element; NULL: none          */
};

/* Lengths count UTF-16 units, bytes, or entries; ranges are inclusive. */
struct vg_rules {
    bool has_min, has_max;
    int64_t min, max;    /* rounded towards the inside for floats */
    const char *pattern; /* as messages show it         */
    const char *regex;   /* the same, as PCRE2 reads it */
};

enum vg_shape_flags {
    VG_SHAPE_SENSITIVE = 1 << 0, /* never in a log or message */
    VG_SHAPE_FLATTENED = 1 << 1,
    VG_SHAPE_UNION = 1 << 2,
    VG_SHAPE_EVENTSTREAM = 1 << 3,
};

/* Decodes one value; `tok` is its first token, taken already. `to` is zeroed. On failure err->def
 * is the modelled error to answer, or NULL for SerializationException with err's message. */
typedef vg_rc(vg_custom_decode_fn)(struct vg_json *js, int tok, void *to, struct vg_err *err);
typedef void(vg_custom_encode_fn)(struct vg_json_out *w, const void *from);

struct vg_shape {
    struct vg_str name;
    uint8_t type;     /* enum vg_type                     */
    uint8_t time_fmt; /* timestamps: of the shape itself  */
    uint16_t flags;   /* enum vg_shape_flags              */
    uint16_t n_members, n_enums;
    uint32_t size;         /* of one element: the struct itself, the scalar, the list struct */
    uint32_t value_offset; /* maps: of `value` inside an entry                               */
    uint32_t entry_size;   /* lists and maps: of one item                                    */
    uint32_t payload;      /* structures: 1 + index of the payload member, 0: none           */
    const struct vg_member *members;
    const struct vg_str *enums;  /* text of the values 1, 2, …                              */
    const struct vg_shape *item; /* list: element; map: value                               */
    const struct vg_shape *key;  /* map                                                     */
    struct vg_str item_wire;     /* list "member", map "value", or as the model renames it  */
    struct vg_str key_wire;      /* map "key"                                               */
    struct vg_str xml_name;      /* of the root element of a document that is this shape    */
    const struct vg_xml_ns *xml_ns, *item_ns, *key_ns; /* NULL: none */
    const struct vg_rules *rules;                      /* NULL: none */
    const char *enum_text;       /* "A, B" as AWS lists it in messages; NULL: in order      */
    vg_custom_decode_fn *decode; /* custom only */
    vg_custom_encode_fn *encode;
};

enum vg_protocol {
    VG_PROTO_JSON_1_0 = 1,
    VG_PROTO_JSON_1_1,
    VG_PROTO_QUERY,
    VG_PROTO_EC2,
    VG_PROTO_REST_JSON,
    VG_PROTO_REST_XML,
    VG_PROTO_CBOR,
};

enum vg_model_flags {
    VG_MODEL_QUERY_COMPATIBLE = 1 << 0, /* x-amzn-query-error, and query requests too      */
    VG_MODEL_DYNAMODB_TEXT = 1 << 1,    /* validation messages in DynamoDB's own style     */
    VG_MODEL_LIST_NOT_NULL = 1 << 2,    /* "Member must not be null" ends a list's rules   */
    VG_MODEL_MODELED_NAMES = 1 << 3, /* messages name members as the model does, not lower-first */
    VG_MODEL_S3_TEXT = 1 << 4,       /* S3's own errors, request id and times              */
};

/* One API: its protocol and names. */
struct vg_model {
    struct vg_str endpoint;        /* "apigatewayv2": as the CLI names it; prefix of rows       */
    struct vg_str host;            /* "apigateway": endpoint prefix, first label of its host    */
    struct vg_str signing_name;    /* "apigateway": service in the credential scope             */
    struct vg_str iam_prefix;      /* "apigateway": of actions                                  */
    struct vg_str service_id;      /* "ApiGatewayV2"                                            */
    struct vg_str api_version;     /* "2018-11-29": Version= of query                           */
    struct vg_str target_prefix;   /* "DynamoDB_20120810": of X-Amz-Target                      */
    struct vg_str xml_namespace;   /* query, XML                                                */
    struct vg_str error_namespace; /* "com.amazonaws.dynamodb.v20120810": before '#' in __type  */
    struct vg_str source;          /* "botocore 1.44.5"                                         */
    const struct vg_errdef
        *validation; /* what a broken constraint answers; NULL: ValidationException */
    const struct vg_errdef *serialization; /* … an unreadable body; NULL: SerializationException */
    uint8_t protocol; /* enum vg_protocol                                          */
    uint8_t flags;    /* enum vg_model_flags                                       */
};

/* rest-json and rest-xml. `uri` is a template: "/a/{B}/{C+}?x=y". */
struct vg_http_binding {
    struct vg_str method;
    struct vg_str uri;
    struct vg_str wrapper; /* query: name of the result element; else absent */
    int status;            /* of a success */
    uint8_t flags;         /* enum vg_http_flags */
    struct vg_str root; /* rest-xml: the output's root element, where its shape has another name */
    const struct vg_xml_ns *root_ns; /* … its namespace; NULL: the shape's or the model's */
    struct vg_str
        in_root; /* rest-xml: the input's root element, where its shape has another name */
};

enum vg_http_flags {
    VG_HTTP_DEPRECATED = 1 << 0, /* gives way to a newer operation at the same place */
    VG_HTTP_UNWRAPPED = 1 << 1,  /* rest-xml: the output's one body member is the root itself */
    VG_HTTP_STREAM_IN = 1 << 2,  /* the payload is read by the handler, not decoded */
    VG_HTTP_CHECKSUM = 1 << 3,   /* clients send a checksum of the body */
};

#endif
