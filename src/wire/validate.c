/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model's constraints, with the texts of AWS's services:
 *
 *   2 validation errors detected: Value '' at 'tableName' failed to satisfy constraint: Member must
 *   satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value '' at 'tableName' failed to …
 *
 * Paths are lowerCamelCase: 'tags.1.member.key', 'requestItems.Table.member'.  What a list's or
 * map's scalars break is said of the list: "Member must satisfy constraint: [all its rules]".
 */
#include "codec/base64.h"
#include "wire/wire_int.h"

#define TEXT_MAX_BYTES  (60u << 10)
#define DYNAMODB_ERRORS 10u /* it says no more at a time */
#define VALUE_DEPTH_MAX 16u

/* Where we are: a chain on the stack. */
struct at {
    const struct at *up;
    struct vg_str name; /* a member, or a map's key */
    size_t index;       /* of a list, from 1; 0: a name */
    bool is_member;     /* a member of a structure (lower-cased), else ".member" follows */
};

struct checks {
    struct vg_patterns *patterns;
    const struct vg_model *model;
    struct vg_arena *arena;
    struct vg_buf text;
    size_t n;
};

static void
add_name(const struct checks *c, struct vg_buf *b, struct vg_str name)
{
    bool is_upper = name.len > 0 && name.ptr[0] >= 'A' && name.ptr[0] <= 'Z';
    if (!is_upper || (c->model->flags & VG_MODEL_MODELED_NAMES)) {
        vg_buf_adds(b, name);
        return;
    }
    vg_buf_addc(b, (char)(name.ptr[0] + ('a' - 'A')));
    vg_buf_adds(b, vg_str_slice(name, 1, name.len));
}

static void
add_path(const struct checks *c, struct vg_buf *b, const struct at *at)
{
    if (at->up) {
        add_path(c, b, at->up);
        vg_buf_addc(b, '.');
    }
    if (at->is_member) {
        add_name(c, b, at->name);
        return;
    }
    if (at->index)
        vg_buf_add_i64(b, (int64_t)at->index);
    else
        vg_buf_adds(b, at->name);
    vg_buf_adds(b, VG_STR(".member"));
}

/* A value as Java prints it: [a, b], {k=v}, Name(member=value). */
static void
add_value(const struct checks *c, struct vg_buf *b, struct vg_cslot slot, unsigned left)
{
    if (left == 0 || !vg_cslot_is_set(slot)) {
        vg_buf_adds(b, VG_STR("null"));
        return;
    }
    const struct vg_list *list = slot.at;
    const struct vg_shape *shape = slot.shape;
    const char *comma = "";
    switch ((enum vg_type)shape->type) {
    case VG_T_LIST:
        vg_buf_addc(b, '[');
        for (size_t i = 0; i < list->len && !b->over; i++, comma = ", ") {
            vg_buf_adds(b, vg_str_of(comma));
            add_value(c, b, vg_cslot_item(shape, list, i), left - 1);
        }
        vg_buf_addc(b, ']');
        break;
    case VG_T_MAP:
        vg_buf_addc(b, '{');
        for (size_t i = 0; i < list->len && !b->over; i++, comma = ", ") {
            vg_buf_adds(b, vg_str_of(comma));
            vg_buf_adds(b, vg_map_key(shape, list, i));
            vg_buf_addc(b, '=');
            add_value(c, b, vg_cslot_item(shape, list, i), left - 1);
        }
        vg_buf_addc(b, '}');
        break;
    case VG_T_STRUCT:
        vg_buf_adds(b, shape->name);
        vg_buf_addc(b, '(');
        for (size_t i = 0; i < shape->n_members; i++, comma = ", ") {
            vg_buf_adds(b, vg_str_of(comma));
            add_name(c, b, shape->members[i].name);
            vg_buf_addc(b, '=');
            add_value(c, b, vg_cslot_member(&shape->members[i], vg_cslot_body(slot)), left - 1);
        }
        vg_buf_addc(b, ')');
        break;
    case VG_T_CUSTOM:
        vg_buf_adds(b, shape->name);
        break;
    default:
        vg_text_add(b, slot, VG_TIME_ISO, c->arena);
        break;
    }
}

/* "…Value 'x' at 'y' failed to satisfy constraint: "; what it must be follows. */
static void
begin_error(struct checks *c, const struct at *at, struct vg_cslot slot)
{
    struct vg_buf *b = &c->text;
    if (c->n++ > 0)
        vg_buf_adds(b, VG_STR("; "));
    vg_buf_adds(b, VG_STR("Value "));
    if (!vg_cslot_is_set(slot)) {
        vg_buf_adds(b, VG_STR("null "));
    } else if (!(slot.shape->flags & VG_SHAPE_SENSITIVE)) {
        vg_buf_addc(b, '\'');
        add_value(c, b, slot, VALUE_DEPTH_MAX);
        vg_buf_adds(b, VG_STR("' "));
    }
    vg_buf_adds(b, VG_STR("at '"));
    add_path(c, b, at);
    vg_buf_adds(b, VG_STR("' failed to satisfy constraint: "));
}

static bool
is_full(const struct checks *c)
{
    return c->text.over || ((c->model->flags & VG_MODEL_DYNAMODB_TEXT) && c->n >= DYNAMODB_ERRORS);
}

/* --- single rules --------------------------------------------------------------------------------
 */

enum { BREAKS_MIN = 1, BREAKS_MAX = 2, BREAKS_PATTERN = 4, BREAKS_ENUM = 8 };

static bool
is_number(const struct vg_shape *shape)
{
    return shape->type == VG_T_INT || shape->type == VG_T_LONG || shape->type == VG_T_FLOAT
           || shape->type == VG_T_DOUBLE;
}

static unsigned
breaks_range(const struct vg_rules *r, struct vg_cslot slot)
{
    unsigned broken = 0;
    if (slot.shape->type == VG_T_INT || slot.shape->type == VG_T_LONG) {
        int64_t v = vg_cslot_i64(slot);
        broken |= r->has_min && v < r->min ? BREAKS_MIN : 0;
        broken |= r->has_max && v > r->max ? BREAKS_MAX : 0;
    } else {
        double v = vg_cslot_f64(slot);
        broken |= r->has_min && !(v >= (double)r->min) ? BREAKS_MIN : 0;
        broken |= r->has_max && !(v <= (double)r->max) ? BREAKS_MAX : 0;
    }
    return broken;
}

static int64_t
length_of(struct vg_cslot slot)
{
    switch ((enum vg_type)slot.shape->type) {
    case VG_T_LIST:
    case VG_T_MAP:
        return (int64_t)((const struct vg_list *)slot.at)->len;
    case VG_T_BLOB:
        return (int64_t)vg_cslot_str(slot).len;
    default:
        return (int64_t)vg_str_utf16_len(vg_cslot_str(slot));
    }
}

/* What a value that is set breaks of its own shape's rules; map keys come as shape and text. */
static unsigned
breaks(struct checks *c, struct vg_cslot slot)
{
    const struct vg_shape *shape = slot.shape;
    const struct vg_rules *r = shape->rules;
    unsigned broken = 0;
    if (shape->type == VG_T_ENUM && ((const struct vg_enum *)slot.at)->v < 0)
        broken |= BREAKS_ENUM;
    bool is_plain = shape->type == VG_T_BOOL || shape->type == VG_T_TIMESTAMP
                    || shape->type == VG_T_STRUCT || shape->type == VG_T_CUSTOM
                    || shape->type == VG_T_DOCUMENT;
    if (r == NULL || is_plain)
        return broken;
    if (is_number(shape))
        return broken | breaks_range(r, slot);
    int64_t len = r->has_min || r->has_max ? length_of(slot) : 0;
    broken |= r->has_min && len < r->min ? BREAKS_MIN : 0;
    broken |= r->has_max && len > r->max ? BREAKS_MAX : 0;
    bool is_text = shape->type == VG_T_STR || shape->type == VG_T_ENUM;
    if (is_text && r->pattern && !vg_patterns_match(c->patterns, r->regex, vg_cslot_str(slot)))
        broken |= BREAKS_PATTERN;
    return broken;
}

static void
add_rule(struct checks *c, const struct vg_shape *shape, unsigned rule)
{
    struct vg_buf *b = &c->text;
    const char *what = is_number(shape) ? "value" : "length";
    if (rule == BREAKS_MIN)
        vg_buf_addf(b, "Member must have %s greater than or equal to %lld", what,
                    (long long)shape->rules->min);
    if (rule == BREAKS_MAX)
        vg_buf_addf(b, "Member must have %s less than or equal to %lld", what,
                    (long long)shape->rules->max);
    if (rule == BREAKS_PATTERN)
        vg_buf_addf(b, "Member must satisfy regular expression pattern: %s", shape->rules->pattern);
    if (rule != BREAKS_ENUM)
        return;
    vg_buf_adds(b, VG_STR("Member must satisfy enum value set: ["));
    if (shape->enum_text)
        vg_buf_adds(b, vg_str_of(shape->enum_text));
    for (size_t i = 0; shape->enum_text == NULL && i < shape->n_enums; i++) {
        vg_buf_adds(b, i ? VG_STR(", ") : VG_STR(""));
        vg_buf_adds(b, shape->enums[i]);
    }
    vg_buf_addc(b, ']');
}

static void
report(struct checks *c, const struct at *at, struct vg_cslot slot, unsigned broken)
{
    static const unsigned order[] = { BREAKS_ENUM, BREAKS_PATTERN, BREAKS_MIN, BREAKS_MAX };
    for (size_t i = 0; i < VG_COUNT(order); i++) {
        if (!(broken & order[i]) || is_full(c))
            continue;
        begin_error(c, at, slot);
        add_rule(c, slot.shape, order[i]);
    }
}

/* All rules of a scalar, as said of the list it is in. */
static void
add_all_rules(struct checks *c, const struct vg_shape *shape)
{
    const struct vg_rules *r = shape->rules;
    unsigned has = (r && r->has_max ? BREAKS_MAX : 0) | (r && r->has_min ? BREAKS_MIN : 0)
                   | (r && r->pattern ? BREAKS_PATTERN : 0)
                   | (shape->type == VG_T_ENUM ? BREAKS_ENUM : 0);
    static const unsigned order[] = { BREAKS_MAX, BREAKS_MIN, BREAKS_PATTERN, BREAKS_ENUM };
    struct vg_str comma = VG_STR("");
    vg_buf_addc(&c->text, '[');
    for (size_t i = 0; i < VG_COUNT(order); i++) {
        if (!(has & order[i]))
            continue;
        vg_buf_adds(&c->text, comma);
        add_rule(c, shape, order[i]);
        comma = VG_STR(", ");
    }
    if (!has || (c->model->flags & VG_MODEL_LIST_NOT_NULL)) {
        vg_buf_adds(&c->text, comma);
        vg_buf_adds(&c->text, VG_STR("Member must not be null"));
    }
    vg_buf_addc(&c->text, ']');
}

/* --- the walk ------------------------------------------------------------------------------------
 */

static void check_value(struct checks *c, const struct at *at, struct vg_cslot slot);

static void
check_members(struct checks *c, const struct at *up, const struct vg_shape *shape, const void *st)
{
    for (size_t i = 0; i < shape->n_members && !is_full(c); i++) {
        const struct vg_member *m = &shape->members[i];
        struct vg_cslot slot = vg_cslot_member(m, st);
        struct at at = { .up = up, .name = m->name, .is_member = true };
        if (vg_cslot_is_set(slot)) {
            check_value(c, &at, slot);
        } else if ((m->flags & VG_MEMBER_REQUIRED) && !(m->flags & VG_MEMBER_STREAMING)) {
            begin_error(c, &at, slot);
            vg_buf_adds(&c->text, VG_STR("Member must not be null"));
        }
    }
}

static void
check_keys(struct checks *c, const struct at *at, struct vg_cslot slot)
{
    const struct vg_list *map = slot.at;
    const struct vg_shape *key = slot.shape->key;
    for (size_t i = 0; i < map->len; i++) {
        struct vg_str text = vg_map_key(slot.shape, map, i);
        struct vg_enum e = { .v = 1, .text = text };
        if (key->type == VG_T_ENUM) {
            struct vg_slot to = { key, &e, false };
            vg_slot_set_str(to, text);
        }
        struct vg_cslot at_key = { key, key->type == VG_T_ENUM ? (void *)&e : (void *)&text,
                                   false };
        if (breaks(c, at_key) == 0)
            continue;
        begin_error(c, at, slot);
        vg_buf_adds(&c->text, VG_STR("Map keys must satisfy constraint: "));
        add_all_rules(c, key);
        return;
    }
}

/* Elements and map values: scalars are answered for by the whole, others at their own place. */
static void
check_items(struct checks *c, const struct at *at, struct vg_cslot slot)
{
    const struct vg_list *list = slot.at;
    bool is_map = slot.shape->type == VG_T_MAP;
    bool is_scalar = vg_is_scalar(slot.shape->item);
    for (size_t i = 0; i < list->len && !is_full(c); i++) {
        struct vg_cslot item = vg_cslot_item(slot.shape, list, i);
        if (!is_scalar) {
            struct at below = { .up = at, .index = is_map ? 0 : i + 1 };
            if (is_map)
                below.name = vg_map_key(slot.shape, list, i);
            check_value(c, &below, item);
            continue;
        }
        if (vg_cslot_is_set(item) && breaks(c, item) == 0)
            continue;
        begin_error(c, at, slot);
        vg_buf_adds(&c->text, is_map ? VG_STR("Map value must satisfy constraint: ")
                                     : VG_STR("Member must satisfy constraint: "));
        add_all_rules(c, slot.shape->item);
        return;
    }
}

static void
check_value(struct checks *c, const struct at *at, struct vg_cslot slot)
{
    report(c, at, slot, breaks(c, slot));
    if (slot.shape->type == VG_T_STRUCT) {
        check_members(c, at, slot.shape, vg_cslot_body(slot));
    } else if (slot.shape->type == VG_T_MAP) {
        check_keys(c, at, slot);
        check_items(c, at, slot);
    } else if (slot.shape->type == VG_T_LIST) {
        check_items(c, at, slot);
    }
}

vg_rc
vg_wire_validate(struct vg_patterns *p, const struct vg_model *model, const struct vg_shape *shape,
                 const void *value, struct vg_arena *arena, struct vg_err *err)
{
    struct checks c = { .patterns = p, .model = model, .arena = arena };
    vg_buf_init(&c.text, arena, TEXT_MAX_BYTES);
    check_members(&c, NULL, shape, value);
    if (c.n == 0)
        return VG_OK;
    const struct vg_errdef *def = model->validation;
    if (def == NULL)
        def = model->protocol == VG_PROTO_QUERY || model->protocol == VG_PROTO_EC2
                  ? &vg_wire_validation_query
                  : &vg_wire_validation;
    return vg_wire_fail(err, arena, def, "%zu validation error%s detected: %" VG_FMT, c.n,
                        c.n == 1 ? "" : "s", VG_ARG(vg_buf_str(&c.text)));
}
