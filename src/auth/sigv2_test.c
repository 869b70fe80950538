/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/sigv2.h"
#include "base/test.h"

/* The request of "REST Authentication", "Query String Request Authentication Alternative". */
static void
aws_example_verifies(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    const struct vg_sigv4_header headers[] = { { VG_STR("Host"),
                                                 VG_STR("awsexamplebucket1.s3.amazonaws.com") } };
    struct vg_sigv4_request rq = {
        .method = VG_STR("GET"),
        .target = VG_STR("/awsexamplebucket1/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE"
                         "&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620"),
        .headers = headers,
        .n_headers = 1,
    };
    assert_true(vg_sigv2_is_presigned(&rq));
    assert_str(vg_sigv2_string_to_sign(arena, &rq),
               "GET\n\n\n1175139620\n/awsexamplebucket1/photos/puppy.jpg");
    struct vg_sigv4_request hosted = rq; /* the same for a bucket that the host names */
    hosted.target = VG_STR("/photos/puppy.jpg?Expires=1175139620");
    hosted.bucket = VG_STR("awsexamplebucket1");
    assert_str(vg_sigv2_string_to_sign(arena, &hosted),
               "GET\n\n\n1175139620\n/awsexamplebucket1/photos/puppy.jpg");
    struct vg_sigv4 sig;
    struct vg_err err;
    assert_ok(vg_sigv2_parse(arena, &rq, &sig, &err));
    assert_str(sig.access_key_id, "AKIAIOSFODNN7EXAMPLE");
    assert_int_equal(sig.expires_s, 1175139620);
    struct vg_sigv4_rules rules = { .family = VG_AUTHN_S3, .now_ms = INT64_C(1175139620000) };
    assert_ok(vg_sigv2_check(&sig, &rules, &err));
    rules.now_ms++;
    assert_int_equal(vg_sigv2_check(&sig, &rules, &err), VG_FAIL);
}

/* "Constructing the CanonicalizedResource element", "… CanonicalizedAmzHeaders element". */
static void
subresources_and_amz_headers_are_signed(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    const struct vg_sigv4_header headers[] = {
        { VG_STR("X-Amz-Meta-Username"), VG_STR(" fred ") },
        { VG_STR("x-amz-meta-username"), VG_STR("barney") },
        { VG_STR("Content-Type"), VG_STR("text/plain") },
    };
    const struct vg_sigv4_request rq = {
        .method = VG_STR("PUT"),
        .target =
            VG_STR("/b/a%20key?versionId=3&uploads&other=1&Expires=7&AWSAccessKeyId=x&"
                   "Signature=y&response-content-type=text%2Fhtml&x-amz-security-token=a%2Bb"),
        .headers = headers,
        .n_headers = 3,
    };
    assert_str(vg_sigv2_string_to_sign(arena, &rq),
               "PUT\n\ntext/plain\n7\nx-amz-meta-username:barney,fred\nx-amz-security-token:a+b\n"
               "/b/a%20key?response-content-type=text/html&uploads&versionId=3");
}

static void
what_is_no_signature_is_refused(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    static const char *const wrong[] = {
        "/b/k?AWSAccessKeyId=x&Signature=&Expires=1",
        "/b/k?AWSAccessKeyId=x&Signature=AAAA&Expires=1",
        "/b/k?AWSAccessKeyId=x&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=soon",
        "/b/k?AWSAccessKeyId=x&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=-1",
    };
    for (size_t i = 0; i < VG_COUNT(wrong); i++) {
        const struct vg_sigv4_request rq = { .method = VG_STR("GET"),
                                             .target = vg_str_of(wrong[i]) };
        struct vg_sigv4 sig;
        struct vg_err err;
        assert_int_equal(vg_sigv2_parse(arena, &rq, &sig, &err), VG_FAIL);
    }
    const struct vg_sigv4_request plain = { .method = VG_STR("GET"),
                                            .target = VG_STR("/b/k?Expires=1&Signature=x") };
    assert_false(vg_sigv2_is_presigned(&plain));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aws_example_verifies),
        cmocka_unit_test(subresources_and_amz_headers_are_signed),
        cmocka_unit_test(what_is_no_signature_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
