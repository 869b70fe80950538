/* SPDX-License-Identifier: Apache-2.0 */

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */

#include "base/test.h"

#include "services/s3/s3_int.h"

static void
bucket_names_follow_the_general_purpose_rules(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_fine;
    } all[] = {
        { "abc", true },
        { "ab", false },
        { "a23456789-123456789-123456789-123456789-123456789-123456789-123", true },
        { "a23456789-123456789-123456789-123456789-123456789-123456789-1234", false },
        { "my-example-bucket", true },
        { "www.example.com", true },
        { "1log", true },
        { "amzn_s3_bucket", false },
        { "Bucket", false },
        { "bucket-", false },
        { "-bucket", false },
        { ".bucket", false },
        { "bucket.", false },
        { "my..bucket", false },
        { "my bucket", false },
        { "my/bucket", false },
        { "b\xc3\xbc"
          "cher",
          false },
        { "192.168.5.4", false },
        { "192.168.5.4a", true },
        { "192.168.5", true },
        { "xn--bucket", false },
        { "sthree-bucket", false },
        { "my-bucket-111122223333-us-east-1-an", false },
        { "amzn-s3-demo-bucket", false },
        { "bucket-s3alias", false },
        { "bucket--ol-s3", false },
        { "bucket.mrap", false },
        { "bucket--use1-az4--x-s3", false },
        { "bucket--table-s3", false },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++)
        if (s3_is_bucket_name(vg_str_of(all[i].name)) != all[i].is_fine)
            fail_msg("%s must%s be a bucket's name", all[i].name, all[i].is_fine ? "" : " not");
}

static void
keys_are_any_text_of_1024_bytes(void **state)
{
    (void)state;
    char text[1025];
    memset(text, 'k', sizeof(text));
    assert_int_equal(s3_key_check(VG_STR("")), S3_KEY_EMPTY);
    assert_int_equal(s3_key_check(vg_str_n(text, 1024)), S3_KEY_FINE);
    assert_int_equal(s3_key_check(vg_str_n(text, 1025)), S3_KEY_LONG);
    assert_int_equal(s3_key_check(VG_STR("../..//\x01/\x7f")), S3_KEY_FINE);
    assert_int_equal(s3_key_check(VG_STR("\xff")), S3_KEY_NOT_UTF8);
}

static void
canonical_ids_name_their_account(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_str id = s3_canonical_id(arena, VG_STR("123456789012"));
    assert_int_equal(id.len, 64);
    assert_str(s3_canonical_account(arena, id), "123456789012");
    assert_null(s3_canonical_account(arena, vg_str_slice(id, 1, 64)).ptr);
    assert_null(s3_canonical_account(arena, VG_STR("000000000000")).ptr);
    char other[64];
    memcpy(other, id.ptr, sizeof(other));
    other[63] = '9';
    assert_null(s3_canonical_account(arena, vg_str_n(other, sizeof(other))).ptr);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bucket_names_follow_the_general_purpose_rules),
        cmocka_unit_test(keys_are_any_text_of_1024_bytes),
        cmocka_unit_test(canonical_ids_name_their_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
