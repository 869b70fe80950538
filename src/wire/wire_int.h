/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_WIRE_WIRE_INT_H
#define VG_WIRE_WIRE_INT_H

/* What the protocol interpreters share. Private to src/wire. */

#include "codec/json.h"
#include "wire/wire.h"

/*
 * A place for one value of a shape: a member of a structure (optional scalars, pointers to
 * structures) or an element of a list or map (plain values).
 */
struct vg_slot {
    const struct vg_shape *shape;
    void *at;
    bool is_member;
};

struct vg_cslot {
    const struct vg_shape *shape;
    const void *at;
    bool is_member;
};

static inline struct vg_slot
vg_slot_member(const struct vg_member *m, void *st)
{
    return (struct vg_slot) { m->shape, (char *)st + m->offset, true };
}

static inline struct vg_cslot
vg_cslot_member(const struct vg_member *m, const void *st)
{
    return (struct vg_cslot) { m->shape, (const char *)st + m->offset, true };
}

/* The i-th value of a list or map, and the key of a map's. */
static inline struct vg_cslot
vg_cslot_item(const struct vg_shape *shape, const struct vg_list *list, size_t i)
{
    const char *entry = (const char *)list->items + i * shape->entry_size;
    return (struct vg_cslot) { shape->item, entry + shape->value_offset, false };
}

static inline struct vg_str
vg_map_key(const struct vg_shape *shape, const struct vg_list *map, size_t i)
{
    return *(const struct vg_str *)(const void *)((const char *)map->items + i * shape->entry_size);
}

/* slot.c */

/* Adds a zeroed item to a list or map (and names it in `key`); the slot of its value. */
struct vg_slot vg_slot_append(struct vg_arena *arena, const struct vg_shape *shape,
                              struct vg_list *list, size_t *cap, struct vg_str key);
/* The value of one that is there. */
struct vg_slot vg_slot_entry(const struct vg_shape *shape, const struct vg_list *list, size_t i);
/* Which entry of a growing map has a key: linear at first, hashed from 16 entries on. */
struct vg_keyset {
    uint32_t *slots; /* index + 1 */
    size_t cap;
};
/* VG_NPOS: none; the caller appends it then. */
size_t vg_keyset_find(struct vg_keyset *ks, struct vg_arena *arena, const struct vg_shape *shape,
                      const struct vg_list *map, struct vg_str key);
/* Where the structure, custom struct, list or map itself lies; makes a member's structure. */
void *vg_slot_body(struct vg_arena *arena, struct vg_slot slot);
/* The same for reading: the structure of a member, or the value's own place. */
const void *vg_cslot_body(struct vg_cslot slot);
bool vg_cslot_is_set(struct vg_cslot slot);
void vg_slot_set_i64(struct vg_slot slot, int64_t v);
void vg_slot_set_f64(struct vg_slot slot, double v);
void vg_slot_set_bool(struct vg_slot slot, bool v);
void vg_slot_set_str(struct vg_slot slot, struct vg_str s); /* strings, enums, blobs, documents */
int64_t vg_cslot_i64(struct vg_cslot slot);
double vg_cslot_f64(struct vg_cslot slot);
bool vg_cslot_bool(struct vg_cslot slot);
struct vg_str vg_cslot_str(struct vg_cslot slot);

/* text.c: scalars as text of headers, queries, forms and XML. */

/* False when the text is no value of the shape (a scalar). */
bool vg_text_get(struct vg_arena *arena, struct vg_str text, enum vg_time_fmt time_fmt,
                 struct vg_slot slot);
void vg_text_add(struct vg_buf *b, struct vg_cslot slot, enum vg_time_fmt time_fmt,
                 struct vg_arena *arena);
void vg_text_add_f64(struct vg_buf *b, double v); /* "1.0", "NaN", "Infinity" */
void vg_text_add_time(struct vg_buf *b, int64_t ms, enum vg_time_fmt fmt);
bool vg_text_parse_f64(struct vg_str text, double *ret);
bool vg_is_scalar(const struct vg_shape *shape);
/* The member's format, else the shape's, else the protocol's. */
enum vg_time_fmt vg_time_fmt_of(const struct vg_member *m, const struct vg_shape *shape,
                                enum vg_time_fmt otherwise);

/* json_in.c, json_out.c: values in JSON. */

struct vg_json_in {
    struct vg_json js;
    struct vg_err *err;
    bool by_name; /* without a protocol: the model's names, strict, all members are the body's */
};

vg_rc vg_json_in_value(struct vg_json_in *in, enum vg_json_tok tok, enum vg_time_fmt time_fmt,
                       struct vg_slot slot);
/* A whole text that is one structure (its body members only, unless by_name). */
vg_rc vg_json_in_document(struct vg_json_in *in, const struct vg_shape *shape, void *to);
vg_rc vg_json_in_fail(struct vg_json_in *in, const char *what); /* malformed JSON */
/* As document, the name of what failed mapped to the model's error. */
vg_rc vg_json_decode_body(const struct vg_model *model, struct vg_str body,
                          const struct vg_shape *shape, void *to, struct vg_arena *arena,
                          struct vg_err *err);

void vg_json_out_value(struct vg_json_out *w, struct vg_cslot slot, enum vg_time_fmt time_fmt,
                       bool by_name);
/* The members inside the braces; body members only, unless by_name. */
void vg_json_out_members(struct vg_json_out *w, const struct vg_shape *shape, const void *st,
                         bool by_name);

/* xml_out.c: values in XML, for query and rest-xml. */

struct vg_xml_out {
    struct vg_buf *b;
    struct vg_arena *arena;
    bool has_millis; /* times always with three decimals */
};

/* `m`: the member the value is of, for its flags; NULL: none. */
void vg_xml_out_value(struct vg_xml_out *o, const struct vg_member *m, struct vg_str name,
                      const struct vg_xml_ns *ns, struct vg_cslot slot);
/* A structure's element, whose namespace is the shape's if `ns` is NULL; its body members. */
void vg_xml_out_struct(struct vg_xml_out *o, struct vg_str name, const struct vg_xml_ns *ns,
                       const struct vg_shape *shape, const void *st);
/* The members that are elements, without those that lie elsewhere than in the body. */
void vg_xml_out_members(struct vg_xml_out *o, const struct vg_shape *shape, const void *st,
                        const struct vg_member *except);
/* <ErrorResponse>, as query and most rest-xml services answer. */
void vg_xml_out_error(const struct vg_model *model, const struct vg_err *err,
                      struct vg_str request_id, struct vg_arena *arena, struct vg_buf *b);
bool vg_xml_is_element(const struct vg_member *m); /* of the body of an output */
bool vg_xml_is_flattened(const struct vg_member *m, const struct vg_shape *shape);

/* form.c: pairs of a form or query string. */

struct vg_pair {
    struct vg_str name, value; /* decoded */
    uint32_t order;
};

struct vg_pairs {
    struct vg_pair *items;
    size_t len;
};

#define VG_PAIRS_MAX 20000u
/* False: more than VG_PAIRS_MAX, or not UTF-8. */
bool vg_pairs_parse(struct vg_arena *arena, struct vg_str text, struct vg_pairs *ret);

/* One file a protocol. */
vg_rc vg_query_decode(const struct vg_wire_op *op, const struct vg_wire_in *in,
                      struct vg_arena *arena, void *to, struct vg_err *err);
void vg_query_encode(const struct vg_wire_op *op, const void *value, struct vg_str request_id,
                     struct vg_arena *arena, struct vg_wire_out *ret);
void vg_query_encode_error(const struct vg_model *model, const struct vg_err *err,
                           struct vg_str request_id, struct vg_arena *arena,
                           struct vg_wire_out *ret);
/*
 * rest.c: what rest-json and rest-xml share.  A vg_rest_body is how the protocol writes a body,
 * where it is not a bare payload of bytes or text.
 */
struct vg_rest_in {
    const struct vg_rest_body *body;
    const struct vg_wire_op *op;
    const struct vg_wire_in *in;
    struct vg_arena *arena;
    struct vg_err *err;
    struct vg_pairs query;
};

struct vg_rest_body {
    struct vg_str type; /* of content */
    /* The input's members that lie in the body; the one value that is the body. */
    vg_rc (*get_members)(const struct vg_rest_in *r, void *to);
    vg_rc (*get_payload)(const struct vg_rest_in *r, const struct vg_member *m,
                         struct vg_slot slot);
    /* The same of the output; false when an output without such members has no body. */
    bool (*put_members)(const struct vg_wire_op *op, const void *value, struct vg_arena *arena,
                        struct vg_buf *b);
    void (*put_payload)(const struct vg_wire_op *op, const struct vg_member *m,
                        struct vg_cslot slot, struct vg_arena *arena, struct vg_buf *b);
};

extern const struct vg_rest_body vg_restjson, vg_restxml;
vg_rc vg_rest_decode(const struct vg_rest_body *body, const struct vg_wire_op *op,
                     const struct vg_wire_in *in, struct vg_arena *arena, void *to,
                     struct vg_err *err);
void vg_rest_encode(const struct vg_rest_body *body, const struct vg_wire_op *op, const void *value,
                    struct vg_arena *arena, struct vg_wire_out *ret);
void vg_restxml_encode_error(const struct vg_model *model, const struct vg_err *err,
                             struct vg_str request_id, struct vg_arena *arena,
                             struct vg_wire_out *ret);
/* The members of `st` that lie in headers. */
void vg_rest_encode_headers(const struct vg_shape *shape, const void *st, struct vg_arena *arena,
                            struct vg_wire_out *ret);

/* Those of an error's further members that lie in headers. */
void vg_rest_encode_error_headers(const struct vg_err *err, struct vg_arena *arena,
                                  struct vg_wire_out *ret);

void vg_wire_out_init(struct vg_wire_out *out, struct vg_arena *arena, int status);
void vg_wire_out_header(struct vg_wire_out *out, struct vg_arena *arena, struct vg_str name,
                        struct vg_str value);

/* The error's definition, text and members as a protocol writes them (wire.c). */
const struct vg_errdef *vg_error_def(const struct vg_err *err);
struct vg_str vg_error_text(const struct vg_err *err);
/* The member that holds an error's message ("message", "Message"), or NULL. */
const struct vg_member *vg_error_message_member(const struct vg_errdef *def);

#endif
