/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CODEC_RECORD_H
#define VG_CODEC_RECORD_H

/*
 * Stored records: numbered fields, described by a table that tools/modelgen makes of a [record.X]
 * section.  Zero, false and absent fields take no bytes; empty strings do.  Fields whose number the
 * table does not know are kept as they are and written back, so an older program does not lose what
 * a newer one stored.  Optional fields tell absent from zero.
 *
 * Bytes: a field is a varint tag (number << 3 | kind), then by kind: 0 varint (i64 as two's
 * complement would take ten bytes, so zigzag), 1 eight bytes little-endian, 2 varint length and
 * bytes.  A list is its field repeated, one value each.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum vg_record_type {
    VG_REC_STR = 1, /* struct vg_str, absent or bytes; decoded: points into the bytes given */
    VG_REC_BOOL,
    VG_REC_U32,
    VG_REC_I64,
    VG_REC_F64,
    VG_REC_OPT_BOOL,
    VG_REC_OPT_I64,
    VG_REC_OPT_F64,
    VG_REC_RECORD, /* pointer, NULL: absent; inside a list: the struct */
};

struct vg_record;

struct vg_record_field {
    uint32_t number;
    enum vg_record_type type;
    bool is_list; /* VG_VEC of it */
    size_t offset;
    const char *name;
    const struct vg_record *record;
};

struct vg_record {
    const char *name;
    const struct vg_record_field *fields; /* by number */
    size_t n_fields;
    size_t size;
    size_t unknown_offset; /* struct vg_str */
};

void vg_record_encode(const struct vg_record *desc, const void *rec, struct vg_buf *to);
/*
 * `ret` need not be initialised.  Strings of `ret` point into `bytes`, lists are the arena's.
 * Fails on malformed bytes, and on a known field of another kind than stored.
 */
vg_rc vg_record_decode(const struct vg_record *desc, struct vg_arena *arena, struct vg_str bytes,
                       void *ret, struct vg_err *err) VG_MUST_USE;

/* The bytes of a record, at most `max_bytes`: that more are needed is a bug. */
struct vg_str vg_record_bytes(const struct vg_record *desc, struct vg_arena *arena, const void *rec,
                              size_t max_bytes);
/* A record of the arena's, as vg_record_decode() reads it; absent bytes give NULL. */
vg_rc vg_record_new(const struct vg_record *desc, struct vg_arena *arena, struct vg_str bytes,
                    void **ret, struct vg_err *err) VG_MUST_USE;

/* Varints, little-endian base 128: for keys and formats beside records. */
void vg_buf_add_varint(struct vg_buf *b, uint64_t v);
bool vg_str_take_varint(struct vg_str *rest, uint64_t *ret);

#endif
