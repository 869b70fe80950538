/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "services/lambda/lambda_int.h"

/* https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, FunctionName: "Name formats" */
static void
names_have_three_forms(void **state)
{
    (void)state;
    struct lambda_name n;
    assert_true(lambda_name_parse(VG_STR("my-function"), &n));
    assert_str(n.name, "my-function");
    assert_null(n.qualifier.ptr);
    assert_true(lambda_name_parse(VG_STR("my-function:v1"), &n));
    assert_str(n.name, "my-function");
    assert_str(n.qualifier, "v1");
    assert_true(lambda_name_parse(VG_STR("123456789012:function:my-function"), &n));
    assert_str(n.account, "123456789012");
    assert_str(n.name, "my-function");
    assert_true(lambda_name_parse(VG_STR("function:f:$LATEST"), &n));
    assert_str(n.name, "f");
    assert_str(n.qualifier, "$LATEST");
    assert_true(
        lambda_name_parse(VG_STR("arn:aws:lambda:us-west-2:123456789012:function:f:7"), &n));
    assert_str(n.region, "us-west-2");
    assert_str(n.account, "123456789012");
    assert_str(n.name, "f");
    assert_str(n.qualifier, "7");
}

static void
what_is_no_name_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "a b",
                                       "f:",
                                       "arn:aws:s3:::b",
                                       "f:x:y",
                                       "f/../g",
                                       "arn:aws:lambda:us-east-1:123456789012:layer:l" };
    struct lambda_name n;
    for (size_t i = 0; i < VG_COUNT(bad); i++) {
        if (lambda_name_parse(vg_str_of(bad[i]), &n))
            fail_msg("\"%s\" was taken for a name", bad[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_three_forms),
        cmocka_unit_test(what_is_no_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
