/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena_test.h"
#include "front/origin.h"

static void
hosts_are_taken_apart(void **state)
{
    (void)state;
    struct vg_host h;
    assert_true(vg_host_parse(arena, VG_STR("LocalHost:4566"), &h));
    assert_str(h.name, "localhost");
    assert_int_equal(h.port, 4566);
    assert_true(vg_host_parse(arena, VG_STR("[::1]:80"), &h));
    assert_str(h.name, "::1");
    assert_true(vg_host_parse(arena, VG_STR("a.b."), &h));
    assert_str(h.name, "a.b");
    assert_int_equal(h.port, 0);
}

static void
what_is_no_host_is_refused(void **state)
{
    (void)state;
    struct vg_host h;
    assert_false(vg_host_parse(arena, VG_STR(""), &h));
    assert_false(vg_host_parse(arena, VG_STR(":80"), &h));
    assert_false(vg_host_parse(arena, VG_STR("a b"), &h));
    assert_false(vg_host_parse(arena, VG_STR("a:70000"), &h));
    assert_false(vg_host_parse(arena, VG_STR("a/b"), &h));
    assert_false(vg_host_parse(arena, VG_STR("user@a"), &h));
    assert_false(vg_host_parse(arena, VG_STR("[::1"), &h));
    assert_false(vg_host_parse(arena, VG_STR("[::1]x"), &h));
}

/* DNS rebinding: a name that an attacker owns may resolve to 127.0.0.1. */
static void
only_our_names_are_ours(void **state)
{
    (void)state;
    assert_true(vg_host_is_ours(VG_STR("127.0.0.1")));
    assert_true(vg_host_is_ours(VG_STR("abc.execute-api.us-east-1.localhost")));
    assert_true(vg_host_is_ours(VG_STR("dynamodb.us-east-1.amazonaws.com")));
    assert_false(vg_host_is_ours(VG_STR("127.evil.example")));
    assert_false(vg_host_is_ours(VG_STR("evil.example")));
    assert_false(vg_host_is_ours(VG_STR("localhost.evil.example")));
    assert_false(vg_host_is_ours(VG_STR("evilamazonaws.com")));
}

/* Fetch metadata (W3C) and RFC 6454: what a browser says of the page that sent a request. */
static void
foreign_pages_are_told_apart(void **state)
{
    (void)state;
    assert_false(vg_origin_is_foreign(arena, VG_STR_NONE, VG_STR_NONE));
    assert_false(vg_origin_is_foreign(arena, VG_STR("http://localhost:3000"), VG_STR("same-site")));
    assert_false(
        vg_origin_is_foreign(arena, VG_STR("http://localhost:3000"), VG_STR("cross-site")));
    assert_true(vg_origin_is_foreign(arena, VG_STR("https://evil.example"), VG_STR_NONE));
    assert_true(vg_origin_is_foreign(arena, VG_STR("null"), VG_STR_NONE));
    assert_true(vg_origin_is_foreign(arena, VG_STR_NONE, VG_STR("cross-site")));
    assert_true(vg_origin_is_foreign(arena, VG_STR("http://127.evil.example"), VG_STR_NONE));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(hosts_are_taken_apart),
        ARENA_TEST(what_is_no_host_is_refused),
        ARENA_TEST(only_our_names_are_ours),
        ARENA_TEST(foreign_pages_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
