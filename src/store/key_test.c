/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include "store/key.h"

static struct vg_str
int_key(struct vg_arena *a, int64_t v)
{
    struct vg_key k;
    vg_key_init(&k, a);
    vg_key_i64(&k, v);
    return vg_key_done(&k);
}

/* docs/internals/store.md, "Key bytes". */
static void
bytes_are_as_documented(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_str k = vg_key_of(a, VG_STR("a\0b"), VG_STR(""));
    assert_int_equal(k.len, 10);
    assert_memory_equal(k.ptr,
                        "\x20"
                        "a\x00\xFF"
                        "b\x00\x00"
                        "\x20\x00\x00",
                        10);
    k = int_key(a, 1);
    assert_int_equal(k.len, 9);
    assert_memory_equal(k.ptr, "\x10\x80\0\0\0\0\0\0\x01", 9);
}

static void
strings_order_as_their_bytes(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    const struct vg_str sorted[] = {
        VG_STR(""),     VG_STR("\0"),     VG_STR("\0\0"),     VG_STR("\0\1"), VG_STR("\0\xFF"),
        VG_STR("\1"),   VG_STR("a"),      VG_STR("a\0"),      VG_STR("a\0b"), VG_STR("a\1"),
        VG_STR("ab"),   VG_STR("a\xFF"),  VG_STR("b"),        VG_STR("\x7F"), VG_STR("\x80"),
        VG_STR("\xFF"), VG_STR("\xFF\0"), VG_STR("\xFF\xFF"),
    };
    for (size_t i = 0; i + 1 < VG_COUNT(sorted); i++) {
        struct vg_str one = vg_key_of(a, sorted[i]), two = vg_key_of(a, sorted[i + 1]);
        assert_true(vg_str_cmp(one, two) < 0);
        /* What follows must not turn the order of what stands before. */
        one = vg_key_of(a, sorted[i], VG_STR("\xFF\xFF"));
        two = vg_key_of(a, sorted[i + 1], VG_STR(""));
        assert_true(vg_str_cmp(one, two) < 0);
    }
}

static void
integers_order_by_value_and_before_strings(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    const int64_t sorted[] = { INT64_MIN, INT64_MIN + 1, -256, -255,          -1,       0,
                               1,         255,           256,  INT64_MAX - 1, INT64_MAX };
    for (size_t i = 0; i + 1 < VG_COUNT(sorted); i++)
        assert_true(vg_str_cmp(int_key(a, sorted[i]), int_key(a, sorted[i + 1])) < 0);
    assert_true(vg_str_cmp(int_key(a, INT64_MAX), vg_key_of(a, VG_STR(""))) < 0);
}

static void
parts_come_back(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_key k;
    vg_key_init(&k, a);
    vg_key_str(&k, VG_STR("x\0\0\xFFy"));
    vg_key_i64(&k, -42);
    vg_key_str(&k, VG_STR(""));
    struct vg_str rest = vg_key_done(&k), s;
    int64_t v = 0;
    assert_false(vg_key_take_i64(&rest, &v));
    assert_true(vg_key_take_str(a, &rest, &s));
    assert_str(s, "x\0\0\xFFy");
    assert_false(vg_key_take_str(a, &rest, &s));
    assert_true(vg_key_take_i64(&rest, &v));
    assert_int_equal(v, -42);
    assert_true(vg_key_take_str(a, &rest, &s));
    assert_int_equal(s.len, 0);
    assert_non_null(s.ptr);
    assert_int_equal(rest.len, 0);
    assert_false(vg_key_take_str(a, &rest, &s));
}

static void
malformed_parts_are_refused(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    const struct vg_str bad[] = { VG_STR(""),
                                  VG_STR("\x20"),
                                  VG_STR("\x20\0"),
                                  VG_STR("\x20"
                                         "a\0"),
                                  VG_STR("\x20\0\1\0\0"),
                                  VG_STR("\x20\0\xFF"),
                                  VG_STR("\x10\0\0"),
                                  VG_STR("\x55\0\0") };
    for (size_t i = 0; i < VG_COUNT(bad); i++) {
        struct vg_str rest = bad[i], s;
        int64_t v;
        assert_false(vg_key_take_str(a, &rest, &s));
        assert_false(vg_key_take_i64(&rest, &v));
    }
}

static bool
is_inside(struct vg_range r, struct vg_str k)
{
    return (r.from.ptr == NULL || vg_str_cmp(k, r.from) >= 0)
           && (r.to.ptr == NULL || vg_str_cmp(k, r.to) < 0);
}

static void
range_holds_the_tuple_and_its_extensions_only(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_range r = vg_key_range(a, vg_key_of(a, VG_STR("t"), VG_STR("a")));
    assert_true(is_inside(r, vg_key_of(a, VG_STR("t"), VG_STR("a"))));
    assert_true(is_inside(r, vg_key_of(a, VG_STR("t"), VG_STR("a"), VG_STR("\xFF\xFF"))));
    assert_true(is_inside(
        r, vg_str_cat(a, vg_key_of(a, VG_STR("t"), VG_STR("a")), VG_STR("\xFF\xFF raw"))));
    assert_false(is_inside(r, vg_key_of(a, VG_STR("t"), VG_STR("a\0"))));
    assert_false(is_inside(r, vg_key_of(a, VG_STR("t"), VG_STR("aa"))));
    assert_false(is_inside(r, vg_key_of(a, VG_STR("t"))));
    assert_false(is_inside(r, vg_key_of(a, VG_STR("t"), VG_STR(""))));

    r = vg_key_range(a, int_key(a, -1)); /* ends in FF bytes */
    assert_true(is_inside(r, vg_str_cat(a, int_key(a, -1), VG_STR("\xFF"))));
    assert_false(is_inside(r, int_key(a, 0)));
    r = vg_key_range(a, int_key(a, INT64_MAX));
    assert_true(is_inside(r, vg_str_cat(a, int_key(a, INT64_MAX), VG_STR("\xFF"))));
    assert_false(is_inside(r, vg_key_of(a, VG_STR(""))));

    r = vg_key_range(a, VG_STR(""));
    assert_true(is_inside(r, VG_STR("\xFF\xFF\xFF")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_as_documented),
        cmocka_unit_test(strings_order_as_their_bytes),
        cmocka_unit_test(integers_order_by_value_and_before_strings),
        cmocka_unit_test(parts_come_back),
        cmocka_unit_test(malformed_parts_are_refused),
        cmocka_unit_test(range_holds_the_tuple_and_its_extensions_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
