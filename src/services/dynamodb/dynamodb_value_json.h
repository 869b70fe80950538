/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DYNAMODB_VALUE_JSON_H
#define DYNAMODB_VALUE_JSON_H

/*
 * AttributeValue and maps of it, from JSON into the stored form and back: the custom types of
 * service.toml.
 *
 * Wrong JSON types fail (SerializationException: its text is in err).  A value that is well-typed
 * but invalid (no type, two types, not a number, duplicates, too deep) is kept as `fault` with
 * AWS's text, because AWS answers it only after what it checks first.  Results live in js->arena.
 */

#include "base/err.h"
#include "codec/json.h"
#include "services/dynamodb/dynamodb_number.h"
#include "services/dynamodb/dynamodb_value.h"

vg_rc dynamodb_value_decode(struct vg_json *js, enum vg_json_tok tok, struct dynamodb_value *ret,
                            struct vg_err *err) VG_MUST_USE;
void dynamodb_value_encode(struct vg_json_out *w, const struct dynamodb_value *from);
vg_rc dynamodb_item_decode(struct vg_json *js, enum vg_json_tok tok, struct dynamodb_item *ret,
                           struct vg_err *err) VG_MUST_USE;
void dynamodb_item_encode(struct vg_json_out *w, const struct dynamodb_item *from);

/* The same for bare stored forms. */
void dynamodb_value_write(struct vg_json_out *w, struct vg_str v);

/* AWS's text for a number that is not one of its. */
struct vg_str dynamodb_number_fault_text(struct vg_arena *arena, enum dynamodb_number_fault fault,
                                         struct vg_str number);

#endif
