/* SPDX-License-Identifier: Apache-2.0 */
#include "services/s3/s3_object_rules.h"

#include "base/test.h"
#include "crypto/random.h"

#include "base/arena.h"

#define NONE VG_STR_NONE

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-prefixes.html */
static void
keys_are_grouped_by_the_first_delimiter_behind_the_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *key, *prefix, *delimiter, *want;
    } all[] = {
        { "photos/2006/January/sample.jpg", "photos/2006/", "/", "photos/2006/January/" },
        { "photos/2006/January/sample.jpg", "", "/", "photos/" },
        { "sample.jpg", "", "/", NULL },
        { "photos/2006/", "photos/2006/", "/", NULL },
        { "photos/2006/x", "photos/2006", "/", "photos/2006/" },
        { "other/x", "photos/", "/", NULL },
        { "aXYbXYc", "a", "XY", "aXY" },
        { "a//b", "a/", "/", "a//" },
        { "a/b", "", "", NULL },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        struct vg_str got = s3_common_prefix(vg_str_of(all[i].key), vg_str_of(all[i].prefix),
                                             vg_str_of(all[i].delimiter));
        assert_true(vg_str_eq(got, vg_str_of(all[i].want)));
        assert_int_equal(got.ptr == NULL, all[i].want == NULL);
    }
}

static void
a_prefix_is_left_behind_by_its_next_sibling(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    assert_str(s3_after_prefix(arena, VG_STR("a/")), "a0");
    assert_str(s3_after_prefix(arena, VG_STR("a\xff\xff")), "b");
    assert_null(s3_after_prefix(arena, VG_STR("\xff")).ptr);
    assert_null(s3_after_prefix(arena, VG_STR("")).ptr);
    assert_true(vg_str_cmp(s3_after_key(arena, VG_STR("a")), VG_STR("a")) > 0);
    assert_true(vg_str_cmp(s3_after_key(arena, VG_STR("a")), VG_STR("a\x01")) < 0);
}

static void
a_list_goes_on_behind_its_marker(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_str slash = VG_STR("/");
    assert_str(s3_list_from(arena, NONE, VG_STR("p"), slash), "p");
    assert_str(s3_list_from(arena, VG_STR("a"), VG_STR("p"), slash), "p");
    assert_str(s3_list_from(arena, VG_STR("p/"), VG_STR("p"), slash), "p0");
    assert_str(s3_list_from(arena, VG_STR("p/x/y"), VG_STR("p/"), slash), "p/x0");
    assert_true(
        vg_str_eq(s3_list_from(arena, VG_STR("p/x"), VG_STR("p/"), slash), vg_str_n("p/x\0", 4)));
    assert_true(
        vg_str_eq(s3_list_from(arena, VG_STR("q"), VG_STR("p"), slash), vg_str_n("q\0", 2)));
}

/* Measured on AWS: https://github.com/brekkylab/backlot/issues/178 and, of '(' and ')',
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
static void
keys_are_encoded_as_aws_does(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    assert_str(s3_url_encode(arena, VG_STR("a b.txt")), "a+b.txt");
    assert_str(s3_url_encode(arena, VG_STR("a+b.txt")), "a%2Bb.txt");
    assert_str(s3_url_encode(arena, VG_STR("100%.csv")), "100%25.csv");
    assert_str(s3_url_encode(arena, VG_STR("한글/x.txt")), "%ED%95%9C%EA%B8%80/x.txt");
    assert_str(s3_url_encode(arena, VG_STR("test_file(3).png")), "test_file%283%29.png");
    assert_str(s3_url_encode(arena, VG_STR("\x01")), "%01");
    assert_str(s3_url_encode(arena, VG_STR("")), "");
    assert_null(s3_url_encode(arena, NONE).ptr);
}

static void
an_id_tells_the_place_of_its_version(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    static const int64_t orders[] = { 1, 2, 63, 64, 1000000, ((int64_t)1 << 48) - 1 };
    struct vg_random *rnd = vg_random_new(1, NULL);
    int64_t order;
    for (size_t i = 0; i < VG_COUNT(orders); i++) {
        struct vg_str id = s3_version_id(rnd, arena, orders[i]);
        assert_int_equal(id.len, 32);
        assert_true(s3_version_id_order(id, &order));
        assert_int_equal(order, orders[i]);
        assert_true(s3_is_version_id(id));
    }
    assert_false(vg_str_eq(s3_version_id(rnd, arena, 1), s3_version_id(rnd, arena, 1)));
    assert_true(s3_is_version_id(VG_STR("null")));
    assert_false(s3_version_id_order(VG_STR("null"), &order));
    assert_false(s3_is_version_id(VG_STR("bad-vid")));
    assert_false(s3_is_version_id(VG_STR("")));
    assert_false(s3_is_version_id(VG_STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-")));
    vg_random_free(rnd);
}

/* https://datatracker.ietf.org/doc/html/rfc9110#section-13.2.2 and
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_RequestSyntax */
static void
conditions_have_the_precedence_of_rfc_9110(void **state)
{
    (void)state;
    enum { HOLDS = S3_CONDITION_HOLDS, SAME = S3_CONDITION_NOT_MODIFIED, NO = S3_CONDITION_FAILED };
    static const struct {
        const char *if_match, *if_none_match;
        int64_t modified_since_s, unmodified_since_s; /* 0: absent; the object is of second 100 */
        int want;
        const char *header;
    } all[] = {
        { NULL, NULL, 0, 0, HOLDS, NULL },
        { "\"e\"", NULL, 0, 0, HOLDS, NULL },
        { "e", NULL, 0, 0, HOLDS, NULL },
        { "*", NULL, 0, 0, HOLDS, NULL },
        { "\"a\", \"e\"", NULL, 0, 0, HOLDS, NULL },
        { "\"a\"", NULL, 0, 0, NO, "If-Match" },
        { "", NULL, 0, 0, NO, "If-Match" },
        { "\"e\"", NULL, 0, 50, HOLDS, NULL },
        { "\"a\"", NULL, 0, 150, NO, "If-Match" },
        { NULL, NULL, 0, 99, NO, "If-Unmodified-Since" },
        { NULL, NULL, 0, 100, HOLDS, NULL },
        { NULL, "\"e\"", 0, 0, SAME, "If-None-Match" },
        { NULL, "W/\"e\"", 0, 0, SAME, "If-None-Match" },
        { NULL, "*", 0, 0, SAME, "If-None-Match" },
        { NULL, "\"a\"", 0, 0, HOLDS, NULL },
        { NULL, "\"e\"", 50, 0, SAME, "If-None-Match" },
        { NULL, "\"a\"", 150, 0, HOLDS, NULL },
        { NULL, NULL, 99, 0, HOLDS, NULL },
        { NULL, NULL, 100, 0, SAME, "If-Modified-Since" },
        { NULL, NULL, 999, 0, HOLDS, NULL }, /* the future */
        { "\"e\"", "\"e\"", 0, 0, SAME, "If-None-Match" },
        { "\"a\"", "\"e\"", 0, 0, NO, "If-Match" },
        { NULL, "\"e\"", 0, 50, NO, "If-Unmodified-Since" },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        const struct s3_conditions c = {
            .if_match = vg_str_of(all[i].if_match),
            .if_none_match = vg_str_of(all[i].if_none_match),
            .modified_since_ms = { all[i].modified_since_s > 0, 1000 * all[i].modified_since_s },
            .unmodified_since_ms = { all[i].unmodified_since_s > 0,
                                     1000 * all[i].unmodified_since_s },
        };
        const char *header;
        int got = (int)s3_conditions_check(&c, VG_STR("e"), 100500, 500000, &header);
        if (got != all[i].want || !vg_str_eq(vg_str_of(header), vg_str_of(all[i].header)))
            fail_msg("row %zu: %d %s", i, got, header ? header : "none");
    }
}

/* https://datatracker.ietf.org/doc/html/rfc9110#section-14.1.2 has the first five, of 10,000 bytes.
 */
static void
one_range_is_read_and_nonsense_ignored(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int64_t size;
        enum s3_range_is want;
        int64_t first, last;
    } all[] = {
        { "bytes=0-499", 10000, S3_RANGE_ONE, 0, 499 },
        { "bytes=500-999", 10000, S3_RANGE_ONE, 500, 999 },
        { "bytes=-500", 10000, S3_RANGE_ONE, 9500, 9999 },
        { "bytes=9500-", 10000, S3_RANGE_ONE, 9500, 9999 },
        { "bytes=0-0", 10000, S3_RANGE_ONE, 0, 0 },
        { "bytes=9999-20000", 10000, S3_RANGE_ONE, 9999, 9999 },
        { "bytes=-20000", 10000, S3_RANGE_ONE, 0, 9999 },
        { "Bytes=1-1", 10000, S3_RANGE_ONE, 1, 1 },
        { "bytes=0-99999999999999999999", 10, S3_RANGE_ONE, 0, 9 },
        { "bytes=10000-", 10000, S3_RANGE_BAD, 0, 0 },
        { "bytes=99999999999999999999-", 10, S3_RANGE_BAD, 0, 0 },
        { "bytes=-0", 10000, S3_RANGE_BAD, 0, 0 },
        { "bytes=0-0", 0, S3_RANGE_BAD, 0, 0 },
        { "bytes=-1", 0, S3_RANGE_BAD, 0, 0 },
        { NULL, 10, S3_RANGE_NONE, 0, 0 },
        { "", 10, S3_RANGE_NONE, 0, 0 },
        { "bytes=", 10, S3_RANGE_NONE, 0, 0 },
        { "bytes=-", 10, S3_RANGE_NONE, 0, 0 },
        { "bytes=5", 10, S3_RANGE_NONE, 0, 0 },
        { "bytes=5-2", 10, S3_RANGE_NONE, 0, 0 },
        { "bytes=0-1,3-4", 10, S3_RANGE_NONE, 0, 0 },
        { "bytes=a-b", 10, S3_RANGE_NONE, 0, 0 },
        { "bytes=--1", 10, S3_RANGE_NONE, 0, 0 },
        { "items=0-1", 10, S3_RANGE_NONE, 0, 0 },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        int64_t first = 0, last = 0;
        enum s3_range_is got = s3_range(vg_str_of(all[i].header), all[i].size, &first, &last);
        if (got != all[i].want || first != all[i].first || last != all[i].last)
            fail_msg("%s: %d %lld-%lld", all[i].header, (int)got, (long long)first,
                     (long long)last);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_grouped_by_the_first_delimiter_behind_the_prefix),
        cmocka_unit_test(a_prefix_is_left_behind_by_its_next_sibling),
        cmocka_unit_test(a_list_goes_on_behind_its_marker),
        cmocka_unit_test(keys_are_encoded_as_aws_does),
        cmocka_unit_test(an_id_tells_the_place_of_its_version),
        cmocka_unit_test(conditions_have_the_precedence_of_rfc_9110),
        cmocka_unit_test(one_range_is_read_and_nonsense_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
