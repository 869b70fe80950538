/* SPDX-License-Identifier: Apache-2.0 */

#include "base/test.h"
#include "codec/base64.h"
#include "codec/uri.h"

/* RFC 4648, section 10. */
static void
base64_has_the_test_vectors(void **state)
{
    (void)state;
    static const char *const plain[] = { "", "f", "fo", "foo", "foob", "fooba", "foobar" };
    static const char *const coded[] = { "",         "Zg==",     "Zm8=",    "Zm9v",
                                         "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    for (size_t i = 0; i < VG_COUNT(plain); i++) {
        struct vg_str back;
        struct vg_str out = vg_base64_encode(a, vg_str_of(plain[i]));
        assert_true(vg_str_eq(out, vg_str_of(coded[i])));
        assert_true(vg_base64_decode(a, out, &back));
        assert_true(vg_str_eq(back, vg_str_of(plain[i])));
    }
}

static void
base64_refuses_noise(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_str back;
    const char *bad[] = { "Zg", "Zg=", "Z===", "====", "Zm9v\n", "Zm-v", "Z=9v", "Zg==Zg==" };
    for (size_t i = 0; i < VG_COUNT(bad); i++)
        assert_false(vg_base64_decode(a, vg_str_of(bad[i]), &back));
}

static void
percent_encoding_goes_both_ways(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    assert_str(vg_uri_encode(a, VG_STR("a b/\xC3\xA9~"), true), "a%20b/%C3%A9~");
    assert_str(vg_uri_encode(a, VG_STR("a/b"), false), "a%2Fb");
    assert_str(vg_uri_decode(a, VG_STR("a%20b%2fc+d"), false), "a b/c+d");
    assert_str(vg_uri_decode(a, VG_STR("a+b%2B"), true), "a b+");
    assert_str(vg_uri_decode(a, VG_STR("100%"), true), "100%");
    assert_str(vg_uri_decode(a, VG_STR("%zz%4"), true), "%zz%4");
    assert_false(vg_uri_is_wellformed(VG_STR("a%2")));
    assert_true(vg_uri_is_wellformed(VG_STR("a%2F")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_has_the_test_vectors),
        cmocka_unit_test(base64_refuses_noise),
        cmocka_unit_test(percent_encoding_goes_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
