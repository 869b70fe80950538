/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_WIRE_SHAPE_H
#define VG_WIRE_SHAPE_H

/*
 * What the generated tables say of AWS's models, and how their shapes look in C.
 *
 *   model type            C member
 *   string                struct vg_str            (absent: ptr == NULL)
 *   string with enum      struct vg_enum           (v: generated enum, 0 unset, -1 unknown; text
 * kept) blob                  struct vg_str            (decoded) boolean               struct
 * vg_opt_bool integer, long         struct vg_opt_i64 float, double         struct vg_opt_f64
 *   timestamp             struct vg_opt_i64        (milliseconds since 1970, member name ends in
 * _ms) list                  struct { T *items; size_t len; bool set; }   (named <svc>_<shape>) map
 * the same, T being <svc>_<shape>__entry { struct vg_str key; V value; } structure, union struct
 * <svc>_<shape> *   (NULL: absent) document              struct vg_str            (its JSON text)
 *   custom (service.toml) the struct its hooks declare, e.g. DynamoDB's AttributeValue
 *
 * Elements of lists and values of maps are plain values: struct vg_str, int64_t, double, bool,
 * struct vg_enum, the structure itself.  Everything decoded lives in the request's arena.
 */

#include "base/err.h"

struct vg_arena;
struct vg_json;
struct vg_shape;

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
    int32_t v; /* 0: unset, -1: not in the model */
    struct vg_str text;
};

/* Any generated list or map: the three members in this order. */
struct vg_list {
    void *items;
    size_t len;
    bool set;
};

#endif
