/* SPDX-License-Identifier: Apache-2.0 */
#include "services/dynamodb/dynamodb_value.h"

#include "base/arena.h"
#include "services/dynamodb/dynamodb_number.h"

#include <stdlib.h>

static const struct vg_str type_names[] = {
    [DYNAMODB_S] = VG_STR_INIT("S"),       [DYNAMODB_N] = VG_STR_INIT("N"),
    [DYNAMODB_B] = VG_STR_INIT("B"),       [DYNAMODB_BOOL] = VG_STR_INIT("BOOL"),
    [DYNAMODB_NULL] = VG_STR_INIT("NULL"), [DYNAMODB_L] = VG_STR_INIT("L"),
    [DYNAMODB_M] = VG_STR_INIT("M"),       [DYNAMODB_SS] = VG_STR_INIT("SS"),
    [DYNAMODB_NS] = VG_STR_INIT("NS"),     [DYNAMODB_BS] = VG_STR_INIT("BS"),
};

struct vg_str
dynamodb_type_name(enum dynamodb_type type)
{
    return type_names[type];
}

bool
dynamodb_type_of_name(struct vg_str name, enum dynamodb_type *ret)
{
    for (size_t i = DYNAMODB_S; i < VG_COUNT(type_names); i++) {
        if (vg_str_eq(type_names[i], name)) {
            *ret = (enum dynamodb_type)i;
            return true;
        }
    }
    return false;
}

/* --- reading ------------------------------------------------------------------------------------
 */

static bool
take_len(struct vg_str *rest, size_t *ret)
{
    size_t v = 0;
    for (unsigned shift = 0; shift < 35 && rest->len > 0; shift += 7) {
        unsigned char c = (unsigned char)rest->ptr[0];
        rest->ptr++;
        rest->len--;
        v |= (size_t)(c & 0x7F) << shift;
        if ((c & 0x80) == 0) {
            *ret = v;
            return true;
        }
    }
    return false;
}

static bool
take_bytes(struct vg_str *rest, size_t n, struct vg_str *ret)
{
    if (n > rest->len)
        return false;
    *ret = vg_str_n(rest->ptr, n);
    rest->ptr += n;
    rest->len -= n;
    return true;
}

static bool
take_u32(struct vg_str *rest, size_t *ret)
{
    struct vg_str b;
    if (!take_bytes(rest, 4, &b))
        return false;
    const unsigned char *p = (const unsigned char *)b.ptr;
    *ret = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
    return true;
}

/* Takes type and body of the value at the front. */
static bool
take_value(struct vg_str *rest, enum dynamodb_type *ret_type, struct vg_str *ret_body)
{
    if (rest->len == 0)
        return false;
    unsigned char type = (unsigned char)rest->ptr[0];
    rest->ptr++;
    rest->len--;
    *ret_type = (enum dynamodb_type)type;
    size_t n = 0;
    switch (type) {
    case DYNAMODB_S:
    case DYNAMODB_N:
    case DYNAMODB_B:
        return take_len(rest, &n) && take_bytes(rest, n, ret_body);
    case DYNAMODB_BOOL:
        return take_bytes(rest, 1, ret_body);
    case DYNAMODB_NULL:
        return take_bytes(rest, 0, ret_body);
    case DYNAMODB_L:
    case DYNAMODB_M:
    case DYNAMODB_SS:
    case DYNAMODB_NS:
    case DYNAMODB_BS:
        return take_u32(rest, &n) && take_bytes(rest, n, ret_body);
    default:
        return false;
    }
}

bool
dynamodb_next_value(struct vg_str *rest, struct vg_str *ret)
{
    const char *from = rest->ptr;
    enum dynamodb_type type;
    struct vg_str body;
    if (!take_value(rest, &type, &body))
        return false;
    *ret = vg_str_n(from, (size_t)(rest->ptr - from));
    return true;
}

bool
dynamodb_next_member(struct vg_str *rest, struct vg_str *ret)
{
    size_t n;
    return take_len(rest, &n) && take_bytes(rest, n, ret);
}

bool
dynamodb_next_attr(struct vg_str *rest, struct dynamodb_attr *ret)
{
    return dynamodb_next_member(rest, &ret->name) && dynamodb_next_value(rest, &ret->v);
}

struct vg_str
dynamodb_value_body(struct vg_str v)
{
    enum dynamodb_type type;
    struct vg_str body = VG_STR_NONE;
    bool is_sound = take_value(&v, &type, &body);
    VG_ASSERT(is_sound);
    return body;
}

bool
dynamodb_value_bool(struct vg_str v)
{
    return v.ptr[1] != 0;
}

size_t
dynamodb_value_count(struct vg_str v)
{
    enum dynamodb_type type = dynamodb_value_type(v);
    struct vg_str rest = dynamodb_value_body(v), one;
    struct dynamodb_attr attr;
    size_t n = 0;
    if (type == DYNAMODB_L)
        while (dynamodb_next_value(&rest, &one))
            n++;
    else if (type == DYNAMODB_M)
        while (dynamodb_next_attr(&rest, &attr))
            n++;
    else if (dynamodb_type_is_set(type))
        while (dynamodb_next_member(&rest, &one))
            n++;
    return n;
}

struct vg_str
dynamodb_item_get(struct vg_str item, struct vg_str name)
{
    struct dynamodb_attr attr;
    while (dynamodb_next_attr(&item, &attr)) {
        if (vg_str_eq(attr.name, name))
            return attr.v;
    }
    return VG_STR_NONE;
}

struct vg_str
dynamodb_list_at(struct vg_str list_body, uint64_t index)
{
    struct vg_str v;
    while (dynamodb_next_value(&list_body, &v)) {
        if (index-- == 0)
            return v;
    }
    return VG_STR_NONE;
}

bool
dynamodb_set_has(struct vg_str set_body, struct vg_str member)
{
    struct vg_str one;
    while (dynamodb_next_member(&set_body, &one)) {
        if (vg_str_eq(one, member))
            return true;
    }
    return false;
}

size_t
dynamodb_item_count(struct vg_str item)
{
    struct dynamodb_attr attr;
    size_t n = 0;
    while (dynamodb_next_attr(&item, &attr))
        n++;
    return n;
}

/* AWS, "Item sizes and formats": L and M take 3 bytes, and 1 for each element. */
size_t
dynamodb_value_size(struct vg_str v)
{
    enum dynamodb_type type = dynamodb_value_type(v);
    struct vg_str rest = dynamodb_value_body(v), one;
    struct dynamodb_attr attr;
    size_t size = 0;
    switch (type) {
    case DYNAMODB_S:
    case DYNAMODB_B:
        return rest.len;
    case DYNAMODB_N:
        return dynamodb_number_size(rest);
    case DYNAMODB_BOOL:
    case DYNAMODB_NULL:
        return 1;
    case DYNAMODB_L:
        for (size = 3; dynamodb_next_value(&rest, &one);)
            size += 1 + dynamodb_value_size(one);
        return size;
    case DYNAMODB_M:
        for (size = 3; dynamodb_next_attr(&rest, &attr);)
            size += 1 + attr.name.len + dynamodb_value_size(attr.v);
        return size;
    case DYNAMODB_SS:
    case DYNAMODB_NS:
    case DYNAMODB_BS:
        while (dynamodb_next_member(&rest, &one))
            size += type == DYNAMODB_NS ? dynamodb_number_size(one) : one.len;
        return size;
    }
    VG_BUG("a type that is not stored");
}

size_t
dynamodb_item_size(struct vg_str item)
{
    struct dynamodb_attr attr;
    size_t size = 0;
    while (dynamodb_next_attr(&item, &attr))
        size += attr.name.len + dynamodb_value_size(attr.v);
    return size;
}

unsigned
dynamodb_value_depth(struct vg_str v)
{
    enum dynamodb_type type = dynamodb_value_type(v);
    struct vg_str rest = dynamodb_value_body(v), one;
    struct dynamodb_attr attr;
    unsigned deepest = 0;
    if (type == DYNAMODB_L) {
        while (dynamodb_next_value(&rest, &one)) {
            unsigned d = dynamodb_value_depth(one);
            deepest = VG_MAX(deepest, d);
        }
    } else if (type == DYNAMODB_M) {
        while (dynamodb_next_attr(&rest, &attr)) {
            unsigned d = dynamodb_value_depth(attr.v);
            deepest = VG_MAX(deepest, d);
        }
    }
    return deepest + 1;
}

static bool
is_sound_value(struct vg_str v, unsigned depth)
{
    enum dynamodb_type type;
    struct vg_str rest, one;
    if (depth > DYNAMODB_DEPTH_MAX + 1 || !take_value(&v, &type, &rest) || v.len != 0)
        return false;
    struct dynamodb_number number;
    struct dynamodb_attr attr;
    if (type == DYNAMODB_N)
        return dynamodb_number_unpack(rest, &number);
    while (rest.len > 0 && type >= DYNAMODB_L) {
        if (type == DYNAMODB_L) {
            if (!dynamodb_next_value(&rest, &one) || !is_sound_value(one, depth + 1))
                return false;
        } else if (type == DYNAMODB_M) {
            if (!dynamodb_next_attr(&rest, &attr) || !is_sound_value(attr.v, depth + 1))
                return false;
        } else if (!dynamodb_next_member(&rest, &one)
                   || (type == DYNAMODB_NS && !dynamodb_number_unpack(one, &number))) {
            return false;
        }
    }
    return true;
}

bool
dynamodb_item_is_sound(struct vg_str item)
{
    struct dynamodb_attr attr;
    while (item.len > 0) {
        if (!dynamodb_next_attr(&item, &attr) || !is_sound_value(attr.v, 1))
            return false;
    }
    return true;
}

/* --- writing ------------------------------------------------------------------------------------
 */

void
dynamodb_put_len(struct vg_buf *b, size_t len)
{
    while (len >= 0x80) {
        vg_buf_addc(b, (char)(len | 0x80));
        len >>= 7;
    }
    vg_buf_addc(b, (char)len);
}

void
dynamodb_put_scalar(struct vg_buf *b, enum dynamodb_type type, struct vg_str bytes)
{
    vg_buf_addc(b, (char)type);
    dynamodb_put_len(b, bytes.len);
    vg_buf_adds(b, bytes);
}

void
dynamodb_put_bool(struct vg_buf *b, bool v)
{
    vg_buf_addc(b, DYNAMODB_BOOL);
    vg_buf_addc(b, v ? 1 : 0);
}

void
dynamodb_put_null(struct vg_buf *b)
{
    vg_buf_addc(b, DYNAMODB_NULL);
}

void
dynamodb_put_attr(struct vg_buf *b, struct vg_str name, struct vg_str v)
{
    dynamodb_put_len(b, name.len);
    vg_buf_adds(b, name);
    vg_buf_adds(b, v);
}

size_t
dynamodb_put_begin(struct vg_buf *b, enum dynamodb_type type)
{
    vg_buf_addc(b, (char)type);
    vg_buf_add(b, "\0\0\0\0", 4);
    return b->len;
}

void
dynamodb_put_end(struct vg_buf *b, size_t mark)
{
    if (b->over)
        return;
    size_t n = b->len - mark;
    for (size_t i = 0; i < 4; i++)
        b->ptr[mark - 4 + i] = (char)(n >> (8 * i));
}

static int
cmp_str(const void *a, const void *b)
{
    return vg_str_cmp(*(const struct vg_str *)a, *(const struct vg_str *)b);
}

void
dynamodb_put_set(struct vg_buf *b, enum dynamodb_type type, struct vg_str *members, size_t n)
{
    if (n > 1)
        qsort(members, n, sizeof(*members), cmp_str);
    size_t mark = dynamodb_put_begin(b, type);
    for (size_t i = 0; i < n; i++) {
        dynamodb_put_len(b, members[i].len);
        vg_buf_adds(b, members[i]);
    }
    dynamodb_put_end(b, mark);
}

/* By name; the later of two equal ones after the earlier. */
static int
cmp_attr(const void *a, const void *b)
{
    const struct dynamodb_attr *x = a, *y = b;
    int c = vg_str_cmp(x->name, y->name);
    return c != 0 ? c : (x->order > y->order) - (x->order < y->order);
}

void
dynamodb_put_attrs(struct vg_buf *b, struct dynamodb_attr *attrs, size_t n)
{
    bool is_sorted = true;
    for (size_t i = 0; i < n; i++) {
        attrs[i].order = i;
        is_sorted = is_sorted && (i == 0 || vg_str_cmp(attrs[i - 1].name, attrs[i].name) < 0);
    }
    if (!is_sorted)
        qsort(attrs, n, sizeof(*attrs), cmp_attr);
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && vg_str_eq(attrs[i].name, attrs[i + 1].name))
            continue;
        dynamodb_put_attr(b, attrs[i].name, attrs[i].v);
    }
}

struct vg_str
dynamodb_value_number_u64(struct vg_arena *arena, uint64_t v)
{
    struct dynamodb_number number;
    uint8_t packed[DYNAMODB_NUMBER_MAX_BYTES];
    dynamodb_number_from_u64(v, &number);
    struct vg_buf b;
    vg_buf_init(&b, arena, sizeof(packed) + 2);
    dynamodb_put_scalar(&b, DYNAMODB_N, vg_str_n(packed, dynamodb_number_pack(&number, packed)));
    return vg_buf_str(&b);
}

/* --- comparing ----------------------------------------------------------------------------------
 */

bool
dynamodb_value_cmp(struct vg_str a, struct vg_str b, int *ret)
{
    enum dynamodb_type type = dynamodb_value_type(a);
    if (type != dynamodb_value_type(b) || type > DYNAMODB_B)
        return false;
    *ret = vg_str_cmp(dynamodb_value_body(a), dynamodb_value_body(b));
    return true;
}
