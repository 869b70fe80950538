/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "codec/record.h"

struct point {
    int64_t x;
    struct vg_opt_i64 y;
    struct vg_str unknown__;
};

struct thing {
    struct vg_str name;
    bool is_on;
    uint32_t n;
    double ratio;
    struct point *at;
    VG_VEC(struct vg_str) tags;
    VG_VEC(struct point) path;
    struct vg_opt_bool maybe;
    struct vg_str unknown__;
};

static const struct vg_record_field point_fields[] = {
    { 1, VG_REC_I64, false, offsetof(struct point, x), "x", NULL },
    { 2, VG_REC_OPT_I64, false, offsetof(struct point, y), "y", NULL },
};
static const struct vg_record point_desc = {
    "point", point_fields, 2, sizeof(struct point), offsetof(struct point, unknown__),
};
static const struct vg_record_field thing_fields[] = {
    { 1, VG_REC_STR, false, offsetof(struct thing, name), "name", NULL },
    { 2, VG_REC_BOOL, false, offsetof(struct thing, is_on), "is_on", NULL },
    { 3, VG_REC_U32, false, offsetof(struct thing, n), "n", NULL },
    { 4, VG_REC_F64, false, offsetof(struct thing, ratio), "ratio", NULL },
    { 5, VG_REC_RECORD, false, offsetof(struct thing, at), "at", &point_desc },
    { 6, VG_REC_STR, true, offsetof(struct thing, tags), "tags", NULL },
    { 7, VG_REC_RECORD, true, offsetof(struct thing, path), "path", &point_desc },
    { 8, VG_REC_OPT_BOOL, false, offsetof(struct thing, maybe), "maybe", NULL },
};
static const struct vg_record thing_desc = {
    "thing", thing_fields, 8, sizeof(struct thing), offsetof(struct thing, unknown__),
};
/* An older program that knows of the name only. */
static const struct vg_record old_desc = {
    "old", thing_fields, 1, sizeof(struct thing), offsetof(struct thing, unknown__),
};

static struct vg_str
encoded(struct vg_arena *a, const struct vg_record *desc, const void *rec)
{
    struct vg_buf *b = VG_NEW(a, struct vg_buf);
    vg_buf_init(b, a, 1 << 20);
    vg_record_encode(desc, rec, b);
    assert_false(b->over);
    return vg_buf_str(b);
}

static struct vg_str
sample(struct vg_arena *a)
{
    struct point at = { .x = INT64_MIN, .y = { true, 0 } }, p1 = { .x = -1 }, p2 = { 0 };
    struct thing t = { .name = VG_STR("n"), .is_on = true, .n = UINT32_MAX, .ratio = -0.0 };
    t.at = &at;
    t.maybe = (struct vg_opt_bool) { true, false };
    *VG_VEC_ADD(a, &t.tags) = VG_STR("");
    *VG_VEC_ADD(a, &t.tags) = VG_STR("b");
    *VG_VEC_ADD(a, &t.path) = p1;
    *VG_VEC_ADD(a, &t.path) = p2;
    return encoded(a, &thing_desc, &t);
}

static void
every_type_reads_back(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_err err = { 0 };
    struct thing t;
    assert_ok(vg_record_decode(&thing_desc, a, sample(a), &t, &err));
    assert_str(t.name, "n");
    assert_true(t.is_on && t.n == UINT32_MAX && __builtin_signbit(t.ratio));
    assert_true(t.at->x == INT64_MIN && t.at->y.set && t.at->y.v == 0);
    assert_int_equal(t.tags.len, 2);
    assert_non_null(t.tags.items[0].ptr);
    assert_str(t.tags.items[1], "b");
    assert_int_equal(t.path.len, 2);
    assert_true(t.path.items[0].x == -1 && t.path.items[1].x == 0);
    assert_true(t.maybe.set && !t.maybe.v);
    assert_null(t.unknown__.ptr);
}

static void
empty_takes_no_bytes_and_absent_differs_from_empty(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct thing t = { 0 };
    assert_int_equal(encoded(a, &thing_desc, &t).len, 0);
    t.name = VG_STR("");
    struct vg_err err = { 0 };
    assert_ok(vg_record_decode(&thing_desc, a, encoded(a, &thing_desc, &t), &t, &err));
    assert_non_null(t.name.ptr);
    assert_null(t.at);
}

static void
unknown_fields_survive_an_older_program(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_err err = { 0 };
    struct vg_str was = sample(a);
    struct thing t;
    assert_ok(vg_record_decode(&old_desc, a, was, &t, &err));
    assert_str(t.name, "n");
    assert_true(t.unknown__.len > 0);
    struct vg_str now = encoded(a, &old_desc, &t);
    assert_true(vg_str_eq(now, was));
}

static void
malformed_bytes_are_refused(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_str was = sample(a);
    struct thing t;
    for (size_t n = 0; n < was.len;
         n++) { /* any cut: an error or a shorter record, never a crash */
        struct vg_err err = { 0 };
        vg_rc rc =
            vg_record_decode(&thing_desc, a, vg_str_dup(a, vg_str_slice(was, 0, n)), &t, &err);
        assert_true(rc == VG_OK || err.msg[0]);
    }
    struct vg_err err = { 0 };
    assert_int_equal(vg_record_decode(&thing_desc, a, VG_STR("\x08\x01"), &t, &err), VG_FAIL);
    assert_int_equal(vg_record_decode(&thing_desc, a, VG_STR("\x0A\x05z"), &t, &err), VG_FAIL);
    assert_int_equal(vg_record_decode(&thing_desc, a, VG_STR("\x0F"), &t, &err), VG_FAIL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_reads_back),
        cmocka_unit_test(empty_takes_no_bytes_and_absent_differs_from_empty),
        cmocka_unit_test(unknown_fields_survive_an_older_program),
        cmocka_unit_test(malformed_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
