/* SPDX-License-Identifier: Apache-2.0 */

/* AWS's own example:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html */

#include "auth/sigv4_form.h"

#include "base/test.h"

#define SECRET VG_STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
#define DAY_MS INT64_C(86400000)

/* The example's, whose dates begin and end its life. */
#define SIGNED_MS  INT64_C(1451347200000) /* 2015-12-29T00:00:00Z */
#define EXPIRES_MS INT64_C(1451476800000) /* 2015-12-30T12:00:00Z */

static const char policy[] =
    "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7"
    "ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91"
    "c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3Qi"
    "OiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwi"
    "fSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRh"
    "LXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVT"
    "MjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNy"
    "ZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9"
    "LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAi"
    "MjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9";

static struct vg_sigv4_form
example(void)
{
    return (struct vg_sigv4_form) {
        .policy = vg_str_of(policy),
        .algorithm = VG_STR("AWS4-HMAC-SHA256"),
        .credential = VG_STR("AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"),
        .date = VG_STR("20151229T000000Z"),
        .signature = VG_STR("8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"),
    };
}

static void
aws_example_verifies(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_sigv4_form form = example();
    struct vg_sigv4 sig;
    const char *field;
    struct vg_str why;
    assert_true(vg_sigv4_form_parse(arena, &form, &sig, &field, &why));
    assert_str(sig.access_key_id, "AKIAIOSFODNN7EXAMPLE");
    assert_int_equal(sig.signed_ms, SIGNED_MS);
    assert_true(vg_sigv4_form_is_signed(arena, &form, &sig, SECRET, NULL));
    assert_false(vg_sigv4_form_is_signed(arena, &form, &sig, VG_STR("another"), NULL));
    form.policy.len--;
    assert_false(vg_sigv4_form_is_signed(arena, &form, &sig, SECRET, NULL));
}

/* The value is Python's: base64(hmac.new(secret, policy, sha1)). */
static void
version_2_verifies(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_sigv4_form form = { .is_v2 = true,
                                  .policy = VG_STR("e30="),
                                  .access_key_id = VG_STR("AKIAIOSFODNN7EXAMPLE"),
                                  .signature = VG_STR("4QWH4O9CWtowYUW+X4P2gZ/6fNc=") };
    struct vg_sigv4 sig;
    const char *field;
    struct vg_str why;
    assert_true(vg_sigv4_form_parse(arena, &form, &sig, &field, &why));
    assert_true(vg_sigv4_form_is_signed(arena, &form, &sig, SECRET, NULL));
    form.signature = VG_STR("e30=");
    assert_false(vg_sigv4_form_is_signed(arena, &form, &sig, SECRET, NULL));
    form.signature = VG_STR("?");
    assert_false(vg_sigv4_form_is_signed(arena, &form, &sig, SECRET, NULL));
}

static void
what_is_not_well_formed_is_named(void **state)
{
    (void)state;
#define GOOD "a/20151229/r/s3/aws4_request"
    static const struct {
        const char *algorithm, *credential, *date, *field;
    } all[] = {
        { "AWS4-HMAC-SHA1", GOOD, "20151229T000000Z", "X-Amz-Algorithm" },
        { "AWS4-ECDSA-P256-SHA256", GOOD, "20151229T000000Z", "X-Amz-Algorithm" },
        { "AWS4-HMAC-SHA256", "", "20151229T000000Z", "X-Amz-Credential" },
        { "AWS4-HMAC-SHA256", "a/r/s3/aws4_request", "20151229T000000Z", "X-Amz-Credential" },
        { "AWS4-HMAC-SHA256", "/20151229/r/s3/aws4_request", "20151229T000000Z",
          "X-Amz-Credential" },
        { "AWS4-HMAC-SHA256", "a/2015122/r/s3/aws4_request", "20151229T000000Z",
          "X-Amz-Credential" },
        { "AWS4-HMAC-SHA256", "a/20151229/r/sqs/aws4_request", "20151229T000000Z",
          "X-Amz-Credential" },
        { "AWS4-HMAC-SHA256", "a/20151229/r/s3/x", "20151229T000000Z", "X-Amz-Credential" },
        { "AWS4-HMAC-SHA256", GOOD, "2015-12-29", "X-Amz-Date" },
        { "AWS4-HMAC-SHA256", GOOD, "20151329T000000Z", "X-Amz-Date" },
    };
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        const struct vg_sigv4_form form = { .algorithm = vg_str_of(all[i].algorithm),
                                            .credential = vg_str_of(all[i].credential),
                                            .date = vg_str_of(all[i].date) };
        struct vg_sigv4 sig;
        const char *field = NULL;
        struct vg_str why = VG_STR_NONE;
        assert_false(vg_sigv4_form_parse(arena, &form, &sig, &field, &why));
        assert_string_equal(field, all[i].field);
        assert_true(why.len > 0);
    }
}

static int64_t
a_day_ahead(const void *clock, int64_t wall_ms)
{
    return wall_ms >= *(const int64_t *)clock ? wall_ms + DAY_MS : wall_ms;
}

static void
lifetimes_run_in_virtual_time(void **state)
{
    (void)state;
    int64_t moved_at_ms = SIGNED_MS + 3600000; /* the clock was moved by a day then */
    const struct vg_sigv4 v4 = { .signed_ms = SIGNED_MS }, v2 = { .is_v2 = true },
                          later = { .signed_ms = moved_at_ms };
    struct vg_sigv4_rules rules = { .now_ms = EXPIRES_MS };
    assert_false(vg_sigv4_form_has_ended(&rules, &v4, EXPIRES_MS));
    rules.now_ms = EXPIRES_MS + 1;
    assert_true(vg_sigv4_form_has_ended(&rules, &v4, EXPIRES_MS));
    assert_true(vg_sigv4_form_has_ended(&rules, &v2, EXPIRES_MS));
    rules = (struct vg_sigv4_rules) { .now_ms = EXPIRES_MS - DAY_MS + 1,
                                      .virtual_of = a_day_ahead,
                                      .clock = &moved_at_ms };
    assert_true(vg_sigv4_form_has_ended(&rules, &v4, EXPIRES_MS));
    assert_false(vg_sigv4_form_has_ended(&rules, &later, EXPIRES_MS));
    assert_false(vg_sigv4_form_has_ended(&rules, &v2, EXPIRES_MS));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aws_example_verifies),
        cmocka_unit_test(version_2_verifies),
        cmocka_unit_test(what_is_not_well_formed_is_named),
        cmocka_unit_test(lifetimes_run_in_virtual_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
