/* SPDX-License-Identifier: Apache-2.0 */
/* Values in the C representation of wire/shape.h. */
#include "wire/wire_int.h"

struct vg_slot
vg_slot_append(struct vg_arena *arena, const struct vg_shape *shape, struct vg_list *list,
               size_t *cap, struct vg_str key)
{
    size_t each = shape->entry_size;
    if (list->len == *cap) {
        size_t want = *cap ? *cap * 2 : 4;
        list->items = vg_arena_grow(arena, list->items, list->len * each, want * each);
        *cap = want;
    }
    char *entry = (char *)list->items + list->len++ * each;
    memset(entry, 0, each);
    if (shape->type == VG_T_MAP)
        *(struct vg_str *)(void *)entry = key;
    return (struct vg_slot) { shape->item, entry + shape->value_offset, false };
}

struct vg_slot
vg_slot_entry(const struct vg_shape *shape, const struct vg_list *list, size_t i)
{
    char *entry = (char *)list->items + i * shape->entry_size;
    return (struct vg_slot) { shape->item, entry + shape->value_offset, false };
}

size_t
vg_keyset_find(struct vg_keyset *ks, struct vg_arena *arena, const struct vg_shape *shape,
               const struct vg_list *map, struct vg_str key)
{
    if (map->len < 16) {
        for (size_t i = 0; i < map->len; i++)
            if (vg_str_eq(vg_map_key(shape, map, i), key))
                return i;
        return VG_NPOS;
    }
    if (map->len * 2 >= ks->cap) {
        ks->cap = ks->cap ? ks->cap * 2 : 64;
        ks->slots = VG_NEW_ARRAY(arena, uint32_t, ks->cap);
        for (size_t i = 0; i < map->len; i++) {
            size_t at = vg_str_hash(vg_map_key(shape, map, i)) & (ks->cap - 1);
            while (ks->slots[at])
                at = (at + 1) & (ks->cap - 1);
            ks->slots[at] = (uint32_t)i + 1;
        }
    }
    size_t at = vg_str_hash(key) & (ks->cap - 1);
    for (; ks->slots[at]; at = (at + 1) & (ks->cap - 1))
        if (vg_str_eq(vg_map_key(shape, map, ks->slots[at] - 1), key))
            return ks->slots[at] - 1;
    ks->slots[at] = (uint32_t)map->len + 1; /* the caller appends it */
    return VG_NPOS;
}

static bool
is_pointer(const struct vg_shape *shape, bool is_member)
{
    return is_member && (shape->type == VG_T_STRUCT || shape->type == VG_T_CUSTOM);
}

void *
vg_slot_body(struct vg_arena *arena, struct vg_slot slot)
{
    if (!is_pointer(slot.shape, slot.is_member))
        return slot.at;
    void *body = vg_arena_alloc(arena, slot.shape->size);
    *(void **)slot.at = body;
    return body;
}

const void *
vg_cslot_body(struct vg_cslot slot)
{
    return is_pointer(slot.shape, slot.is_member) ? *(const void *const *)slot.at : slot.at;
}

bool
vg_cslot_is_set(struct vg_cslot slot)
{
    switch ((enum vg_type)slot.shape->type) {
    case VG_T_STR:
    case VG_T_BLOB:
    case VG_T_DOCUMENT:
        return ((const struct vg_str *)slot.at)->ptr != NULL;
    case VG_T_ENUM:
        return ((const struct vg_enum *)slot.at)->v != 0
               || ((const struct vg_enum *)slot.at)->text.ptr != NULL;
    case VG_T_BOOL:
        return !slot.is_member || ((const struct vg_opt_bool *)slot.at)->set;
    case VG_T_INT:
    case VG_T_LONG:
    case VG_T_TIMESTAMP:
        return !slot.is_member || ((const struct vg_opt_i64 *)slot.at)->set;
    case VG_T_FLOAT:
    case VG_T_DOUBLE:
        return !slot.is_member || ((const struct vg_opt_f64 *)slot.at)->set;
    case VG_T_LIST:
    case VG_T_MAP: {
        const struct vg_list *list = slot.at;
        return !slot.is_member || list->set || list->len > 0;
    }
    case VG_T_STRUCT:
    case VG_T_CUSTOM:
        return vg_cslot_body(slot) != NULL;
    }
    VG_BUG("no such type");
}

void
vg_slot_set_i64(struct vg_slot slot, int64_t v)
{
    if (slot.is_member)
        *(struct vg_opt_i64 *)slot.at = (struct vg_opt_i64) { true, v };
    else
        *(int64_t *)slot.at = v;
}

void
vg_slot_set_f64(struct vg_slot slot, double v)
{
    if (slot.is_member)
        *(struct vg_opt_f64 *)slot.at = (struct vg_opt_f64) { true, v };
    else
        *(double *)slot.at = v;
}

void
vg_slot_set_bool(struct vg_slot slot, bool v)
{
    if (slot.is_member)
        *(struct vg_opt_bool *)slot.at = (struct vg_opt_bool) { true, v };
    else
        *(bool *)slot.at = v;
}

static int32_t
enum_value(const struct vg_shape *shape, struct vg_str text)
{
    for (size_t i = 0; i < shape->n_enums; i++)
        if (vg_str_eq(shape->enums[i], text))
            return (int32_t)i + 1;
    return -1;
}

void
vg_slot_set_str(struct vg_slot slot, struct vg_str s)
{
    if (slot.shape->type == VG_T_ENUM)
        *(struct vg_enum *)slot.at = (struct vg_enum) { enum_value(slot.shape, s), s };
    else
        *(struct vg_str *)slot.at = s;
}

int64_t
vg_cslot_i64(struct vg_cslot slot)
{
    return slot.is_member ? ((const struct vg_opt_i64 *)slot.at)->v : *(const int64_t *)slot.at;
}

double
vg_cslot_f64(struct vg_cslot slot)
{
    return slot.is_member ? ((const struct vg_opt_f64 *)slot.at)->v : *(const double *)slot.at;
}

bool
vg_cslot_bool(struct vg_cslot slot)
{
    return slot.is_member ? ((const struct vg_opt_bool *)slot.at)->v : *(const bool *)slot.at;
}

struct vg_str
vg_cslot_str(struct vg_cslot slot)
{
    if (slot.shape->type != VG_T_ENUM)
        return *(const struct vg_str *)slot.at;
    const struct vg_enum *e = slot.at;
    return e->v > 0 && e->v <= slot.shape->n_enums ? slot.shape->enums[e->v - 1] : e->text;
}
