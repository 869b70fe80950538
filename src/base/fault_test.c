/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations are the rules of base/fault.h. */
#include "base/fault.h"
#include "base/test.h"

static void
arm(struct vg_str spec)
{
    struct vg_err err;
    assert_ok(vg_fault_setup(spec, &err));
}

static void
points_fail_when_they_are_armed_and_counted_down(void **state)
{
    (void)state;
    assert_false(VG_FAULT("a.b"));
    arm(VG_STR("a.b=fail@2, a.c=fail, x.*=fail@2+, slow=delay:1"));
    assert_false(VG_FAULT("a.b"));
    assert_true(VG_FAULT("a.b"));
    assert_false(VG_FAULT("a.b"));
    assert_int_equal(vg_fault_count("a.b"), 3);
    assert_true(VG_FAULT("a.c"));
    assert_true(VG_FAULT("a.c"));
    assert_false(VG_FAULT("x.one"));
    assert_true(VG_FAULT("x.two"));
    assert_true(VG_FAULT("x.three"));
    assert_false(VG_FAULT("slow"));
    assert_false(VG_FAULT("other"));
    assert_int_equal(vg_fault_count("other"), 0);
    arm(VG_STR(""));
    assert_false(VG_FAULT("a.c"));
}

static void
nonsense_is_refused(void **state)
{
    (void)state;
    const struct vg_str bad[] = { VG_STR("a"),        VG_STR("a="),       VG_STR("a=explode"),
                                  VG_STR("=fail"),    VG_STR("a=fail@"),  VG_STR("a=fail@0"),
                                  VG_STR("a=delay:"), VG_STR("a=fail@x"), VG_STR("a=fail@+") };
    for (size_t i = 0; i < VG_COUNT(bad); i++) {
        struct vg_err err = { 0 };
        assert_int_equal(vg_fault_setup(bad[i], &err), VG_FAIL);
        assert_non_null(strstr(err.msg, "not a fault point"));
    }
    arm(VG_STR(""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_fail_when_they_are_armed_and_counted_down),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
