/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_WIRE_WIRE_H
#define VG_WIRE_WIRE_H

/*
 * From a request to a typed input, and from a typed output to a reply: one interpreter of the
 * generated tables (wire/shape.h) per AWS protocol.
 *
 * The way of a request: vg_routes_*() finds the operation, vg_wire_decode() makes its input,
 * vg_wire_validate() holds it to the model's constraints, the handler runs, vg_wire_encode() or
 * vg_wire_encode_error() makes the reply.  What is wrong with a request is set in `err` with a
 * definition, ready for vg_wire_encode_error().  Nothing waits; everything is the arena's; any
 * thread.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "http/server.h"
#include "wire/shape.h"

/* --- an operation as the wire sees it -----------------------------------------------------------
 */

struct vg_wire_op {
    struct vg_str name; /* "PutItem" */
    const struct vg_model *model;
    const struct vg_http_binding *http; /* method, URI, status, result wrapper; may be NULL */
    const struct vg_shape *in, *out; /* may be NULL                                             */
    const void *row;                 /* the caller's: its struct vg_op                          */
    uint8_t protocol;                /* enum vg_protocol; 0: the model's (query-compatible APIs) */
};

struct vg_wire_label {
    struct vg_str name, value; /* value: raw, percent-encoded */
};
#define VG_WIRE_LABELS_MAX 8u

struct vg_wire_in {
    struct vg_str method;
    struct vg_str path;  /* raw */
    struct vg_str query; /* raw, without '?'; absent or empty: none */
    struct vg_str body;
    const struct vg_http_header *headers;
    size_t n_headers;
    struct vg_wire_label labels[VG_WIRE_LABELS_MAX]; /* by vg_routes_by_uri() */
    size_t n_labels;
};

struct vg_wire_out {
    int status;
    VG_VEC(struct vg_http_header) headers;
    struct vg_buf body; /* the arena's; body.over: it outgrew VG_WIRE_OUT_MAX_BYTES */
};
#define VG_WIRE_OUT_MAX_BYTES ((size_t)256 << 20)
bool vg_wire_in_has_header(const struct vg_wire_in *in, struct vg_str name);
bool vg_wire_out_has_header(const struct vg_wire_out *out, struct vg_str name);

/* --- finding the operation ----------------------------------------------------------------------
 */

struct vg_routes;

/* Copies the rows (not what they point to). Two rows of one API and name are a bug. */
struct vg_routes *vg_routes_new(const struct vg_wire_op *ops, size_t n);
void vg_routes_free(struct vg_routes *routes); /* accepts NULL */

/* X-Amz-Target: "DynamoDB_20120810.PutItem". NULL: none. */
const struct vg_wire_op *vg_routes_by_target(const struct vg_routes *routes, struct vg_str target);
/*
 * Action= and Version= of a query request.  `service` (signing name or host label) and `version`
 * may be absent: then any.
 */
const struct vg_wire_op *vg_routes_by_action(const struct vg_routes *routes, struct vg_str service,
                                             struct vg_str version, struct vg_str action);
/*
 * Method and path (and query, where a template asks for it) of a REST request; the most specific
 * template wins; among operations of one template the one whose required headers and parameters are
 * there, the last of them whatever is.  `service` is the signing name or host label, absent: any.
 * Fills in->labels.
 */
const struct vg_wire_op *vg_routes_by_uri(const struct vg_routes *routes, struct vg_str service,
                                          struct vg_wire_in *in);
/* The API whose target prefix, signing name, host label or endpoint this is; NULL: none. */
const struct vg_model *vg_routes_model(const struct vg_routes *routes, struct vg_str name);

/*
 * One parameter of an application/x-www-form-urlencoded text (a body, a query string), decoded; the
 * first of that name. Absent when there is none.
 */
struct vg_str vg_form_get(struct vg_arena *arena, struct vg_str form, struct vg_str name);

/* --- input ---------------------------------------------------------------------------------------
 */

/* `to`: the input struct, zeroed here. An op without an input shape takes anything. */
vg_rc vg_wire_decode(const struct vg_wire_op *op, const struct vg_wire_in *in,
                     struct vg_arena *arena, void *to, struct vg_err *err) VG_MUST_USE;

/* Compiled patterns, shared by all loops; grows to one entry per pattern of the models. */
struct vg_patterns;
struct vg_patterns *vg_patterns_new(void);
void vg_patterns_free(struct vg_patterns *p); /* accepts NULL */
/* Whether the whole text matches. Over the match limit, or with a pattern PCRE2 cannot read: true.
 */
bool vg_patterns_match(struct vg_patterns *p, const char *pattern, struct vg_str text);

/*
 * The model's constraints, all of them, with AWS's text: "N validation errors detected: …".  The
 * error is the model's (vg_model.validation) or ValidationException (ValidationError for query).
 */
vg_rc vg_wire_validate(struct vg_patterns *p, const struct vg_model *model,
                       const struct vg_shape *shape, const void *value, struct vg_arena *arena,
                       struct vg_err *err) VG_MUST_USE;

/* --- output --------------------------------------------------------------------------------------
 */

/* `value`: the output struct; may be NULL for an op without an output shape. */
void vg_wire_encode(const struct vg_wire_op *op, const void *value, struct vg_str request_id,
                    struct vg_arena *arena, struct vg_wire_out *ret);
/* An answer without a body that is no operation's. */
void vg_wire_encode_none(const struct vg_model *model, struct vg_str request_id,
                         struct vg_arena *arena, struct vg_wire_out *ret);
/* S3's second id of a request, which its support asks for: the same for one request id. */
struct vg_str vg_wire_host_id(struct vg_arena *arena, struct vg_str request_id);
/*
 * err->def NULL is InternalFailure without the cause.  `protocol` 0: the model's; `model` NULL (no
 * API was found): JSON.
 */
void vg_wire_encode_error(const struct vg_model *model, uint8_t protocol, const struct vg_err *err,
                          struct vg_str request_id, struct vg_arena *arena,
                          struct vg_wire_out *ret);

/* --- JSON without a protocol: vg_call_named(), the command line, internal operations
 * ---------------
 */

/*
 * Members by the model's names whatever their place in HTTP; timestamps as seconds or ISO 8601,
 * blobs in base64.  Unknown members are an error here, for nobody else would tell their author.
 */
vg_rc vg_wire_from_json(const struct vg_shape *shape, struct vg_str json, struct vg_arena *arena,
                        void *to, struct vg_err *err) VG_MUST_USE;
void vg_wire_to_json(const struct vg_shape *shape, const void *value, struct vg_buf *to);

/* --- errors no model lists -----------------------------------------------------------------------
 */

extern const struct vg_errdef vg_wire_serialization;    /* SerializationException         */
extern const struct vg_errdef vg_wire_malformed_query;  /* MalformedQueryString           */
extern const struct vg_errdef vg_wire_malformed_input;  /* MalformedInput (query, XML)    */
extern const struct vg_errdef vg_wire_malformed_xml;    /* MalformedXML (S3)              */
extern const struct vg_errdef vg_wire_validation;       /* ValidationException            */
extern const struct vg_errdef vg_wire_validation_query; /* ValidationError                */
extern const struct vg_errdef vg_wire_internal;         /* InternalFailure                */

/* Sets a modelled or common error with a formatted text; returns VG_FAIL. */
vg_rc vg_wire_fail(struct vg_err *err, struct vg_arena *arena, const struct vg_errdef *def,
                   const char *fmt, ...) VG_PRINTF(4, 5);

#endif
