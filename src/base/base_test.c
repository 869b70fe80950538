/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <stdlib.h>

static void
cut_walks_the_parts(void **state)
{
    (void)state;
    struct vg_str rest = VG_STR("a,,b");
    assert_str(vg_str_cut(&rest, ','), "a");
    assert_str(vg_str_cut(&rest, ','), "");
    assert_str(vg_str_cut(&rest, ','), "b");
    assert_null(rest.ptr);
    assert_null(vg_str_cut(&rest, ',').ptr);
}

static void
numbers_refuse_overflow_and_noise(void **state)
{
    (void)state;
    int64_t v = 0;
    assert_true(vg_str_to_i64(VG_STR("-9223372036854775808"), &v));
    assert_true(v == INT64_MIN);
    assert_true(vg_str_to_i64(VG_STR("9223372036854775807"), &v));
    assert_false(vg_str_to_i64(VG_STR("9223372036854775808"), &v));
    assert_false(vg_str_to_i64(VG_STR("-9223372036854775809"), &v));
    assert_false(vg_str_to_i64(VG_STR(""), &v));
    assert_false(vg_str_to_i64(VG_STR("-"), &v));
    assert_false(vg_str_to_i64(VG_STR(" 1"), &v));
    assert_false(vg_str_to_i64(VG_STR("1x"), &v));
}

/* Unicode 15, table 3-7 and section 3.9: the ill-formed sequences named there. */
static void
utf8_refuses_ill_formed(void **state)
{
    (void)state;
    assert_true(vg_str_is_utf8(VG_STR("a\xC2\xA9\xE2\x82\xAC\xF0\x9F\x98\x80")));
    assert_int_equal(vg_str_utf8_len(VG_STR("a\xF0\x9F\x98\x80")), 2);
    assert_int_equal(vg_str_utf16_len(VG_STR("a\xF0\x9F\x98\x80")), 3);
    assert_false(vg_str_is_utf8(VG_STR("\xC0\x80")));         /* overlong NUL */
    assert_false(vg_str_is_utf8(VG_STR("\xED\xA0\x80")));     /* surrogate    */
    assert_false(vg_str_is_utf8(VG_STR("\xF4\x90\x80\x80"))); /* > U+10FFFF   */
    assert_false(vg_str_is_utf8(VG_STR("\xE2\x82")));         /* cut short    */
    assert_false(vg_str_is_utf8(VG_STR("\x80")));
    char text[] = "words of eight bytes, and some more";
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char was = text[i];
        text[i] = (char)0xFF;
        assert_false(vg_str_is_utf8(vg_str_of(text)));
        text[i] = was;
        assert_true(vg_str_is_utf8(vg_str_n(text, i)));
    }
}

static int order[3], n_order;

static void
note(void *arg)
{
    order[n_order++] = *(int *)arg;
}

static void
arena_defers_in_reverse_and_counts_over(void **state)
{
    (void)state;
    static int ids[] = { 1, 2, 3 };
    struct vg_arena *a = vg_arena_new(1024);
    for (int i = 0; i < 3; i++)
        vg_arena_defer(a, note, &ids[i]);
    assert_false(vg_arena_is_over(a));
    char *p = vg_arena_alloc(a, 20000);
    assert_int_equal(p[19999], 0);
    assert_true(vg_arena_is_over(a));
    vg_arena_free(a);
    assert_int_equal(order[0], 3);
    assert_int_equal(order[2], 1);
}

static void
arena_blocks_do_not_overlap(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    char *blocks[200];
    for (int i = 0; i < 200; i++) {
        size_t n = (size_t)(i * 97 % 9000) + 1;
        blocks[i] = vg_arena_alloc(a, n);
        memset(blocks[i], i, n);
    }
    for (int i = 0; i < 200; i++)
        assert_int_equal((unsigned char)blocks[i][0], i);
}

static void
a_recycled_arena_is_as_new(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    for (int round = 0; round < 3; round++) {
        n_order = 0;
        static int id = 7;
        vg_arena_defer(a, note, &id);
        for (size_t n = 1; n < 30000; n = n * 3 + 1) {
            char *p = vg_arena_alloc(a, n);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xAA, n);
        }
        vg_arena_recycle(a);
        assert_int_equal(n_order, 1);
        assert_int_equal(vg_arena_bytes(a), 0);
    }
}

static void
buf_stops_at_its_ceiling(void **state)
{
    (void)state;
    vg_auto_buf struct vg_buf b;
    vg_buf_init(&b, NULL, 10);
    vg_buf_addf(&b, "%d-%s", 42, "abcdef");
    assert_str(vg_buf_str(&b), "42-abcdef");
    vg_buf_addc(&b, '!');
    assert_false(b.over);
    vg_buf_addc(&b, '!');
    assert_true(b.over);
    assert_int_equal(b.len, 10);
}

static void
buf_writes_numbers(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_buf b;
    vg_buf_init(&b, a, 100);
    vg_buf_add_i64(&b, INT64_MIN);
    vg_buf_addc(&b, ' ');
    vg_buf_add_i64(&b, 0);
    assert_str(vg_buf_str(&b), "-9223372036854775808 0");
    vg_buf_clear(&b);
    vg_buf_add_u32be(&b, 0x01020304);
    assert_memory_equal(b.ptr, "\1\2\3\4", 4);
}

static void
err_keeps_its_origin_and_wraps(void **state)
{
    (void)state;
    struct vg_err err = { 0 };
    assert_int_equal(vg_err_errno(&err, 2, "open %s", "x"), VG_FAIL);
    assert_int_equal(vg_err_wrap(&err, "loading"), VG_FAIL);
    assert_str(vg_err_text(&err), "loading: open x: No such file or directory");
    assert_int_equal(err.os_errno, 2);
}

static void
secrets_compare_by_content(void **state)
{
    (void)state;
    assert_true(vg_str_eq_secret(VG_STR("abc"), VG_STR("abc")));
    assert_false(vg_str_eq_secret(VG_STR("abc"), VG_STR("abd")));
    assert_false(vg_str_eq_secret(VG_STR("abc"), VG_STR("ab")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_walks_the_parts),
        cmocka_unit_test(numbers_refuse_overflow_and_noise),
        cmocka_unit_test(utf8_refuses_ill_formed),
        cmocka_unit_test(arena_defers_in_reverse_and_counts_over),
        cmocka_unit_test(arena_blocks_do_not_overlap),
        cmocka_unit_test(a_recycled_arena_is_as_new),
        cmocka_unit_test(buf_stops_at_its_ceiling),
        cmocka_unit_test(buf_writes_numbers),
        cmocka_unit_test(err_keeps_its_origin_and_wraps),
        cmocka_unit_test(secrets_compare_by_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
