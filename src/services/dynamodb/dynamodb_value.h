/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DYNAMODB_VALUE_H
#define DYNAMODB_VALUE_H

/*
 * AttributeValue in its stored form: what the wire is parsed into, what the store holds and what
 * expressions work on.
 *
 *   value   type byte, then
 *           S, N, B       length (varint), bytes; N as dynamodb_number_pack()
 *           BOOL          00 or 01
 *           NULL          nothing
 *           L             body length (u32, little-endian), values
 *           M             body length, entries in order of their names, no name twice
 *           SS, NS, BS    body length, elements (length as varint, bytes) in order, none twice
 *   entry   name length (varint), name, value
 *   item    the entries of its attributes, as in M
 *
 * So equal values are equal bytes.  A value or item is a vg_str over such bytes and borrows them.
 * All functions are pure; those that trust their input say so. Any thread.
 */

#include "base/buf.h"

enum dynamodb_type {
    DYNAMODB_S = 1,
    DYNAMODB_N,
    DYNAMODB_B,
    DYNAMODB_BOOL,
    DYNAMODB_NULL,
    DYNAMODB_L,
    DYNAMODB_M,
    DYNAMODB_SS,
    DYNAMODB_NS,
    DYNAMODB_BS,
};

#define DYNAMODB_DEPTH_MAX      32 /* levels of a value, itself counted */
#define DYNAMODB_ITEM_MAX_BYTES (400u << 10)

/* A value as it came over the wire; custom type of AttributeValue. */
struct dynamodb_value {
    struct vg_str v;
    struct vg_str fault; /* absent: valid; else what AWS answers for it */
};

/* Attributes by name; custom type of every map of AttributeValue. */
struct dynamodb_item {
    struct vg_str v;         /* ptr == NULL: absent, len == 0: no attributes   */
    struct vg_str fault;     /* of the first invalid value                     */
    struct vg_str fault_key; /* the attribute it is in                         */
};

struct dynamodb_attr {
    struct vg_str name;
    struct vg_str v;
    size_t order; /* dynamodb_put_attrs()'s own */
};

/* --- reading; input must be well-formed (it is ours) ------------------------------------------ */

static inline enum dynamodb_type
dynamodb_value_type(struct vg_str v)
{
    return (enum dynamodb_type)(unsigned char)v.ptr[0];
}
/* "S", "SS", "BOOL" … */
struct vg_str dynamodb_type_name(enum dynamodb_type type);
/* False: no such type. */
bool dynamodb_type_of_name(struct vg_str name, enum dynamodb_type *ret);
static inline bool
dynamodb_type_is_set(enum dynamodb_type type)
{
    return type >= DYNAMODB_SS;
}

/* Bytes of S, N (packed) or B; entries of M; elements of L and sets. */
struct vg_str dynamodb_value_body(struct vg_str v);
bool dynamodb_value_bool(struct vg_str v);
/* Elements of L, members of a set, entries of M. */
size_t dynamodb_value_count(struct vg_str v);

/* Take one off the front of a body; false at its end. */
bool dynamodb_next_value(struct vg_str *rest, struct vg_str *ret);       /* of L   */
bool dynamodb_next_member(struct vg_str *rest, struct vg_str *ret);      /* of sets: raw bytes */
bool dynamodb_next_attr(struct vg_str *rest, struct dynamodb_attr *ret); /* of M, items */

/* Absent when there is none. */
struct vg_str dynamodb_item_get(struct vg_str item, struct vg_str name);
struct vg_str dynamodb_list_at(struct vg_str list_body, uint64_t index);
bool dynamodb_set_has(struct vg_str set_body, struct vg_str member);
size_t dynamodb_item_count(struct vg_str item);

/* As AWS counts bytes: of a value without its name, of an item with all names. */
size_t dynamodb_value_size(struct vg_str v);
size_t dynamodb_item_size(struct vg_str item);
/* Levels: 1 for a scalar. */
unsigned dynamodb_value_depth(struct vg_str v);

/* True when all bytes are a well-formed item: for what comes from outside the program's memory. */
bool dynamodb_item_is_sound(struct vg_str item);

/* --- writing ------------------------------------------------------------------------------------
 */

void dynamodb_put_scalar(struct vg_buf *b, enum dynamodb_type type, struct vg_str bytes);
void dynamodb_put_bool(struct vg_buf *b, bool v);
void dynamodb_put_null(struct vg_buf *b);
void dynamodb_put_len(struct vg_buf *b, size_t len); /* a varint */
void dynamodb_put_attr(struct vg_buf *b, struct vg_str name, struct vg_str v);
/* Begins L, M or a set; the mark goes to dynamodb_put_end() after its body. */
size_t dynamodb_put_begin(struct vg_buf *b, enum dynamodb_type type);
void dynamodb_put_end(struct vg_buf *b, size_t mark);
/* A set of `n` members in any order, without duplicates. Sorts `members`. */
void dynamodb_put_set(struct vg_buf *b, enum dynamodb_type type, struct vg_str *members, size_t n);
/* An M or item body of `n` attributes in any order; of two with one name the last. Sorts `attrs`.
 */
void dynamodb_put_attrs(struct vg_buf *b, struct dynamodb_attr *attrs, size_t n);

struct vg_str dynamodb_value_number_u64(struct vg_arena *arena, uint64_t v);

/* --- comparing ----------------------------------------------------------------------------------
 */

static inline bool
dynamodb_value_eq(struct vg_str a, struct vg_str b)
{
    return vg_str_eq(a, b);
}
/* Of two values of one type S, N or B; false for any other pair. */
bool dynamodb_value_cmp(struct vg_str a, struct vg_str b, int *ret);

#endif
