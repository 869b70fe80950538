/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/record.h"

#define DEPTH_MAX 16u /* records within records */

enum kind { K_VARINT, K_FIXED64, K_BYTES };

/* Any VG_VEC. */
struct vec {
    void *items;
    size_t len, cap;
};

void
vg_buf_add_varint(struct vg_buf *b, uint64_t v)
{
    unsigned char tmp[10];
    size_t n = 0;
    while (v >= 0x80) {
        tmp[n++] = (unsigned char)(v | 0x80);
        v >>= 7;
    }
    tmp[n++] = (unsigned char)v;
    vg_buf_add(b, tmp, n);
}

bool
vg_str_take_varint(struct vg_str *rest, uint64_t *ret)
{
    uint64_t v = 0;
    for (size_t i = 0; i < rest->len && i < 10; i++) {
        unsigned char c = (unsigned char)rest->ptr[i];
        if (i == 9 && c > 1)
            return false; /* beyond 64 bits */
        v |= (uint64_t)(c & 0x7F) << (7 * i);
        if (c < 0x80) {
            *ret = v;
            *rest = vg_str_slice(*rest, i + 1, rest->len);
            return true;
        }
    }
    return false;
}

static uint64_t
zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t
unzigzag(uint64_t v)
{
    uint64_t u = v >> 1 ^ (v & 1 ? UINT64_MAX : 0);
    int64_t s;
    memcpy(&s, &u, sizeof(s));
    return s;
}

static size_t
element_size(const struct vg_record_field *f)
{
    switch (f->type) {
    case VG_REC_STR:
        return sizeof(struct vg_str);
    case VG_REC_BOOL:
        return sizeof(bool);
    case VG_REC_U32:
        return sizeof(uint32_t);
    case VG_REC_I64:
        return sizeof(int64_t);
    case VG_REC_F64:
        return sizeof(double);
    case VG_REC_RECORD:
        return f->record->size;
    case VG_REC_OPT_BOOL:
    case VG_REC_OPT_I64:
    case VG_REC_OPT_F64:
        break;
    }
    VG_BUG("no such element");
}

static enum kind
kind_of(enum vg_record_type type)
{
    if (type == VG_REC_F64 || type == VG_REC_OPT_F64)
        return K_FIXED64;
    return type == VG_REC_STR || type == VG_REC_RECORD ? K_BYTES : K_VARINT;
}

static void
add_tag(struct vg_buf *to, const struct vg_record_field *f)
{
    vg_buf_add_varint(to, (uint64_t)f->number << 3 | kind_of(f->type));
}

static void
add_fixed64(struct vg_buf *to, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    unsigned char le[8];
    for (size_t i = 0; i < 8; i++)
        le[i] = (unsigned char)(bits >> (8 * i));
    vg_buf_add(to, le, sizeof(le));
}

static void
add_varint_field(struct vg_buf *to, const struct vg_record_field *f, uint64_t v)
{
    add_tag(to, f);
    vg_buf_add_varint(to, v);
}

static void
add_bytes_field(struct vg_buf *to, const struct vg_record_field *f, struct vg_str s)
{
    add_tag(to, f);
    vg_buf_add_varint(to, s.len);
    vg_buf_adds(to, s);
}

static void encode(const struct vg_record *desc, const void *rec, struct vg_buf *to, unsigned left);

/* A record's bytes behind their length: encoded apart first, for its length comes before it. */
static void
add_record_field(struct vg_buf *to, const struct vg_record_field *f, const void *rec, unsigned left)
{
    vg_auto_buf struct vg_buf inner;
    vg_buf_init(&inner, NULL, to->max);
    encode(f->record, rec, &inner, left);
    to->over = to->over || inner.over;
    add_bytes_field(to, f, vg_buf_str(&inner));
}

/* One value, zero or not. */
static void
add_value(struct vg_buf *to, const struct vg_record_field *f, const void *at, unsigned left)
{
    switch (f->type) {
    case VG_REC_STR:
        add_bytes_field(to, f, *(const struct vg_str *)at);
        break;
    case VG_REC_BOOL:
        add_varint_field(to, f, *(const bool *)at);
        break;
    case VG_REC_U32:
        add_varint_field(to, f, *(const uint32_t *)at);
        break;
    case VG_REC_I64:
        add_varint_field(to, f, zigzag(*(const int64_t *)at));
        break;
    case VG_REC_F64:
        add_tag(to, f);
        add_fixed64(to, *(const double *)at);
        break;
    case VG_REC_OPT_BOOL:
        add_varint_field(to, f, ((const struct vg_opt_bool *)at)->v);
        break;
    case VG_REC_OPT_I64:
        add_varint_field(to, f, zigzag(((const struct vg_opt_i64 *)at)->v));
        break;
    case VG_REC_OPT_F64:
        add_tag(to, f);
        add_fixed64(to, ((const struct vg_opt_f64 *)at)->v);
        break;
    case VG_REC_RECORD:
        add_record_field(to, f, at, left);
        break;
    }
}

static bool
has_value(const struct vg_record_field *f, const void *at)
{
    switch (f->type) {
    case VG_REC_STR:
        return ((const struct vg_str *)at)->ptr != NULL;
    case VG_REC_BOOL:
        return *(const bool *)at;
    case VG_REC_U32:
        return *(const uint32_t *)at != 0;
    case VG_REC_I64:
        return *(const int64_t *)at != 0;
    case VG_REC_F64: {
        uint64_t bits; /* -0.0 is a value */
        memcpy(&bits, at, sizeof(bits));
        return bits != 0;
    }
    case VG_REC_OPT_BOOL:
        return ((const struct vg_opt_bool *)at)->set;
    case VG_REC_OPT_I64:
        return ((const struct vg_opt_i64 *)at)->set;
    case VG_REC_OPT_F64:
        return ((const struct vg_opt_f64 *)at)->set;
    case VG_REC_RECORD:
        return *(void *const *)at != NULL;
    }
    VG_BUG("no such type");
}

static void
encode(const struct vg_record *desc, const void *rec, struct vg_buf *to, unsigned left)
{
    VG_ASSERT(left > 0);
    for (size_t i = 0; i < desc->n_fields; i++) {
        const struct vg_record_field *f = &desc->fields[i];
        const char *at = (const char *)rec + f->offset;
        if (f->is_list) {
            const struct vec *v = (const void *)at;
            for (size_t k = 0; k < v->len; k++)
                add_value(to, f, (const char *)v->items + k * element_size(f), left - 1);
        } else if (has_value(f, at)) {
            add_value(to, f, f->type == VG_REC_RECORD ? *(void *const *)(const void *)at : at,
                      left - 1);
        }
    }
    vg_buf_adds(to,
                *(const struct vg_str *)(const void *)((const char *)rec + desc->unknown_offset));
}

void
vg_record_encode(const struct vg_record *desc, const void *rec, struct vg_buf *to)
{
    encode(desc, rec, to, DEPTH_MAX);
}

/* --- decoding ----------------------------------------------------------------------------------
 */

struct raw {
    uint64_t number;
    enum kind kind;
    uint64_t n;          /* K_VARINT; K_FIXED64: its bits */
    struct vg_str bytes; /* K_BYTES */
};

static bool
take_raw(struct vg_str *rest, struct raw *ret)
{
    uint64_t tag, n;
    if (!vg_str_take_varint(rest, &tag) || (tag & 7) > K_BYTES)
        return false;
    *ret = (struct raw) { .number = tag >> 3, .kind = (enum kind)(tag & 7) };
    if (ret->kind == K_VARINT)
        return vg_str_take_varint(rest, &ret->n);
    if (ret->kind == K_FIXED64) {
        if (rest->len < 8)
            return false;
        for (size_t i = 0; i < 8; i++)
            ret->n |= (uint64_t)(unsigned char)rest->ptr[i] << (8 * i);
        *rest = vg_str_slice(*rest, 8, rest->len);
        return true;
    }
    if (!vg_str_take_varint(rest, &n) || n > rest->len)
        return false;
    ret->bytes = vg_str_slice(*rest, 0, (size_t)n);
    *rest = vg_str_slice(*rest, (size_t)n, rest->len);
    return true;
}

static const struct vg_record_field *
find_field(const struct vg_record *desc, uint64_t number)
{
    for (size_t i = 0; i < desc->n_fields; i++)
        if (desc->fields[i].number == number)
            return &desc->fields[i];
    return NULL;
}

static void *
append(struct vg_arena *arena, struct vec *v, size_t each)
{
    if (v->len == v->cap) {
        size_t cap = v->cap ? v->cap * 2 : 4;
        v->items = vg_arena_grow(arena, v->items, v->len * each, cap * each);
        v->cap = cap;
    }
    return (char *)v->items + v->len++ * each;
}

static double
double_of(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

static vg_rc decode(const struct vg_record *desc, struct vg_arena *arena, struct vg_str bytes,
                    void *ret, unsigned left, struct vg_err *err);

static vg_rc
set_value(const struct vg_record_field *f, struct vg_arena *arena, const struct raw *raw, void *at,
          unsigned left, struct vg_err *err)
{
    switch (f->type) {
    case VG_REC_STR:
        *(struct vg_str *)at = raw->bytes;
        break;
    case VG_REC_BOOL:
        *(bool *)at = raw->n != 0;
        break;
    case VG_REC_U32:
        if (raw->n > UINT32_MAX)
            return vg_err_set(err, "field %s is over 32 bits", f->name);
        *(uint32_t *)at = (uint32_t)raw->n;
        break;
    case VG_REC_I64:
        *(int64_t *)at = unzigzag(raw->n);
        break;
    case VG_REC_F64:
        *(double *)at = double_of(raw->n);
        break;
    case VG_REC_OPT_BOOL:
        *(struct vg_opt_bool *)at = (struct vg_opt_bool) { true, raw->n != 0 };
        break;
    case VG_REC_OPT_I64:
        *(struct vg_opt_i64 *)at = (struct vg_opt_i64) { true, unzigzag(raw->n) };
        break;
    case VG_REC_OPT_F64:
        *(struct vg_opt_f64 *)at = (struct vg_opt_f64) { true, double_of(raw->n) };
        break;
    case VG_REC_RECORD:
        return decode(f->record, arena, raw->bytes, at, left, err);
    }
    return VG_OK;
}

static vg_rc
decode_field(const struct vg_record_field *f, struct vg_arena *arena, const struct raw *raw,
             char *rec, unsigned left, struct vg_err *err)
{
    if (raw->kind != kind_of(f->type))
        return vg_err_set(err, "field %s is stored as another kind", f->name);
    void *at = rec + f->offset;
    if (f->is_list) {
        at = append(arena, at, element_size(f));
    } else if (f->type == VG_REC_RECORD) {
        void *inner = vg_arena_alloc(arena, f->record->size);
        *(void **)at = inner;
        at = inner;
    }
    return set_value(f, arena, raw, at, left, err);
}

static vg_rc
decode(const struct vg_record *desc, struct vg_arena *arena, struct vg_str bytes, void *ret,
       unsigned left, struct vg_err *err)
{
    if (left == 0)
        return vg_err_set(err, "record %s is nested too deep", desc->name);
    memset(ret, 0, desc->size);
    struct vg_buf unknown;
    vg_buf_init(&unknown, arena, bytes.len);
    for (struct vg_str rest = bytes; rest.len > 0;) {
        const char *from = rest.ptr;
        struct raw raw;
        if (!take_raw(&rest, &raw))
            return vg_err_set(err, "record %s is malformed", desc->name);
        const struct vg_record_field *f = find_field(desc, raw.number);
        if (f == NULL) {
            vg_buf_add(&unknown, from, (size_t)(rest.ptr - from));
            continue;
        }
        vg_rc rc = decode_field(f, arena, &raw, ret, left - 1, err);
        if (rc != VG_OK)
            return rc;
    }
    if (unknown.len)
        *(struct vg_str *)(void *)((char *)ret + desc->unknown_offset) = vg_buf_str(&unknown);
    return VG_OK;
}

vg_rc
vg_record_decode(const struct vg_record *desc, struct vg_arena *arena, struct vg_str bytes,
                 void *ret, struct vg_err *err)
{
    return decode(desc, arena, bytes, ret, DEPTH_MAX, err);
}

struct vg_str
vg_record_bytes(const struct vg_record *desc, struct vg_arena *arena, const void *rec,
                size_t max_bytes)
{
    struct vg_buf buf;
    vg_buf_init(&buf, arena, max_bytes);
    vg_record_encode(desc, rec, &buf);
    VG_ASSERT(!buf.over);
    return vg_buf_str(&buf);
}

vg_rc
vg_record_new(const struct vg_record *desc, struct vg_arena *arena, struct vg_str bytes, void **ret,
              struct vg_err *err)
{
    *ret = NULL;
    if (bytes.ptr == NULL)
        return VG_OK;
    void *rec = vg_arena_alloc(arena, desc->size);
    vg_rc rc = vg_record_decode(desc, arena, bytes, rec, err);
    if (rc == VG_OK)
        *ret = rec;
    return rc;
}
