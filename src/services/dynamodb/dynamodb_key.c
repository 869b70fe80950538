/* SPDX-License-Identifier: Apache-2.0 */

/* Keys of items and of index entries: what they must be, and what of an item they are. */

#include "services/dynamodb/dynamodb_keycond.h"

#define INVALID   "One or more parameter values were invalid: "
#define NOT_VALID "One or more parameter values are not valid. "

struct vg_str
dynamodb_item_fault(const struct dynamodb_item *item)
{
    return item->fault;
}

static bool
has_type(struct vg_str item, struct vg_str name, enum dynamodb_type type)
{
    struct vg_str v = dynamodb_item_get(item, name);
    return v.ptr && dynamodb_value_type(v) == type;
}

struct vg_str
dynamodb_batch_put_mismatch(const struct dynamodb_table *t, struct vg_str item)
{
    if (!has_type(item, t->key.hash, t->key.hash_type)
        || (t->key.range.ptr && !has_type(item, t->key.range, t->key.range_type)))
        return VG_STR("The provided key element does not match the schema");
    return VG_STR_NONE;
}

struct vg_str
dynamodb_key_mismatch(const struct dynamodb_table *t, struct vg_str key)
{
    if (dynamodb_item_count(key) != (t->key.range.ptr ? 2 : 1))
        return VG_STR("The provided key element does not match the schema");
    return dynamodb_batch_put_mismatch(t, key);
}

static struct vg_str
empty_text(struct vg_arena *arena, enum dynamodb_type type, struct vg_str name)
{
    return vg_str_fmt(arena,
                      NOT_VALID "The AttributeValue for a key attribute cannot contain an empty %s "
                                "value. Key: %" VG_FMT,
                      type == DYNAMODB_B ? "binary" : "string", VG_ARG(name));
}

struct vg_str
dynamodb_key_empty(struct vg_arena *arena, const struct dynamodb_table *t, struct vg_str item)
{
    if (dynamodb_value_body(dynamodb_item_get(item, t->key.hash)).len == 0)
        return empty_text(arena, t->key.hash_type, t->key.hash);
    if (t->key.range.ptr && dynamodb_value_body(dynamodb_item_get(item, t->key.range)).len == 0)
        return empty_text(arena, t->key.range_type, t->key.range);
    return VG_STR_NONE;
}

static struct vg_str
too_long_text(size_t len, bool is_range)
{
    if (!is_range && len > DYNAMODB_HASH_KEY_MAX)
        return VG_STR(INVALID "Size of hashkey has exceeded the maximum size limit of2048 bytes");
    if (is_range && len > DYNAMODB_RANGE_KEY_MAX)
        return VG_STR(INVALID "Aggregated size of all range keys has exceeded the size limit of "
                              "1024 bytes");
    return VG_STR_NONE;
}

struct vg_str
dynamodb_key_too_long(const struct dynamodb_table *t, struct vg_str item)
{
    struct vg_str hash = dynamodb_value_body(dynamodb_item_get(item, t->key.hash));
    struct vg_str text = too_long_text(hash.len, false);
    if (text.ptr || !t->key.range.ptr)
        return text;
    return too_long_text(dynamodb_value_body(dynamodb_item_get(item, t->key.range)).len, true);
}

struct vg_str
dynamodb_key_fault(struct vg_arena *arena, const struct dynamodb_table *t, struct vg_str item)
{
    struct vg_str text = dynamodb_key_empty(arena, t, item);
    return text.ptr ? text : dynamodb_key_too_long(t, item);
}

static struct vg_str
put_key_mismatch(struct vg_arena *arena, struct vg_str item, struct vg_str name,
                 enum dynamodb_type type)
{
    struct vg_str v = dynamodb_item_get(item, name);
    if (v.ptr == NULL)
        return vg_str_fmt(arena, INVALID "Missing the key %" VG_FMT " in the item", VG_ARG(name));
    if (dynamodb_value_type(v) != type)
        return vg_str_fmt(arena,
                          INVALID "Type mismatch for key %" VG_FMT " expected: %" VG_FMT
                                  " actual: %" VG_FMT,
                          VG_ARG(name), VG_ARG(dynamodb_type_name(type)),
                          VG_ARG(dynamodb_type_name(dynamodb_value_type(v))));
    return VG_STR_NONE;
}

struct vg_str
dynamodb_put_mismatch(struct vg_arena *arena, const struct dynamodb_table *t, struct vg_str item)
{
    struct vg_str text = put_key_mismatch(arena, item, t->key.hash, t->key.hash_type);
    if (text.ptr == NULL && t->key.range.ptr)
        text = put_key_mismatch(arena, item, t->key.range, t->key.range_type);
    return text;
}

static struct vg_str
index_key_mismatch(struct vg_arena *arena, const struct dynamodb_index *ix, struct vg_str item,
                   bool is_range, bool is_update)
{
    struct vg_str name = is_range ? ix->key.range : ix->key.hash;
    enum dynamodb_type type = is_range ? ix->key.range_type : ix->key.hash_type;
    struct vg_str v = dynamodb_item_get(item, name);
    if (v.ptr == NULL)
        return VG_STR_NONE;
    if (dynamodb_value_type(v) != type)
        return is_update
                   ? VG_STR("The update expression attempted to update the secondary index key to "
                            "unsupported type")
                   : vg_str_fmt(arena,
                                INVALID "Type mismatch for Index Key %" VG_FMT " Expected: %" VG_FMT
                                        " Actual: %" VG_FMT " IndexName: %" VG_FMT,
                                VG_ARG(name), VG_ARG(dynamodb_type_name(type)),
                                VG_ARG(dynamodb_type_name(dynamodb_value_type(v))),
                                VG_ARG(ix->rec->name));
    size_t len = dynamodb_value_body(v).len;
    if (len == 0)
        return vg_str_fmt(arena,
                          NOT_VALID "A value specified for a secondary index key is not supported. "
                                    "The AttributeValue for a key attribute cannot contain an "
                                    "empty %s value. IndexName: %" VG_FMT ", IndexKey: %" VG_FMT,
                          type == DYNAMODB_B ? "binary" : "string", VG_ARG(ix->rec->name),
                          VG_ARG(name));
    return too_long_text(len, is_range);
}

struct vg_str
dynamodb_index_mismatch(struct vg_arena *arena, const struct dynamodb_table *t, struct vg_str item,
                        bool is_update)
{
    for (size_t i = 0; i < t->n_indexes; i++) {
        const struct dynamodb_index *ix = &t->indexes[i];
        struct vg_str text = index_key_mismatch(arena, ix, item, false, is_update);
        if (text.ptr == NULL && ix->key.range.ptr)
            text = index_key_mismatch(arena, ix, item, true, is_update);
        if (text.ptr)
            return text;
    }
    return VG_STR_NONE;
}

struct vg_str
dynamodb_update_of_key(struct vg_arena *arena, const struct dynamodb_table *t,
                       const struct dynamodb_update_plan *update)
{
    for (size_t i = 0; i < update->n; i++) {
        struct vg_str name = update->actions[i].path.steps[0].name;
        if (vg_str_eq(name, t->key.hash) || (t->key.range.ptr && vg_str_eq(name, t->key.range)))
            return vg_str_fmt(arena,
                              INVALID "Cannot update attribute %" VG_FMT
                                      ". This attribute is part of the key",
                              VG_ARG(name));
    }
    return VG_STR_NONE;
}

struct vg_str
dynamodb_key_of(struct vg_arena *arena, const struct dynamodb_key_def *def, struct vg_str item)
{
    struct dynamodb_attr attrs[2] = { { def->hash, dynamodb_item_get(item, def->hash), 0 } };
    size_t n = 1;
    if (def->range.ptr)
        attrs[n++] = (struct dynamodb_attr) { def->range, dynamodb_item_get(item, def->range), 0 };
    struct vg_buf b;
    vg_buf_init(&b, arena, item.len + 16);
    dynamodb_put_attrs(&b, attrs, n);
    return vg_buf_str(&b);
}

struct vg_str
dynamodb_index_entry(struct vg_arena *arena, const struct dynamodb_table *t,
                     const struct dynamodb_index *ix, struct vg_str item)
{
    if (item.ptr == NULL || !has_type(item, ix->key.hash, ix->key.hash_type)
        || (ix->key.range.ptr && !has_type(item, ix->key.range, ix->key.range_type)))
        return VG_STR_NONE;
    if (ix->projection == DYNAMODB_PROJECT_ALL)
        return item;
    struct vg_buf b;
    vg_buf_init(&b, arena, item.len);
    struct dynamodb_attr attr;
    while (dynamodb_next_attr(&item, &attr)) {
        if (dynamodb_index_projects(t, ix, attr.name))
            dynamodb_put_attr(&b, attr.name, attr.v);
    }
    return vg_buf_str(&b);
}
