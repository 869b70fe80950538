/* SPDX-License-Identifier: Apache-2.0 */

/* CopyObject, without a network. */

#include "services/s3/s3_object_test.h"

#define FROM "'CopySource':'bucket/k'"
#define TO   "'Bucket':'bucket','Key':'l'"
#define SELF "'Bucket':'bucket','Key':'k'"
#define ETAG "5d41402abc4b2a76b9719d911017c592"

/* What a fixture has before a call of it fails. */
static void
prepare(struct vg_service_fixture *f)
{
    s3_test_prepare(f);
    s3_test_caller(f, NULL);
    vg_service_fixture_ok(f, "CreateBucket", "{'Bucket':'other'}");
    vg_service_fixture_ok(f, "PutObject",
                          "{'Bucket':'bucket','Key':'k','Body':'aGVsbG8=','Metadata':{'m':'v'},"
                          "'ContentType':'a/b','Tagging':'t=1','StorageClass':'STANDARD_IA',"
                          "'ChecksumCRC32':'NhCmhg=='}");
}

static void
bytes_and_what_belongs_to_them_are_copied(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "CopyObject", "{" TO "," FROM "}", "~'ETag':'\\'" ETAG "\\''" },
        { "GetObject", "{" TO "}", "~'Body':'aGVsbG8='" },
        { "GetObject", "{" TO ",'ChecksumMode':'ENABLED'}", "~'ChecksumCRC32':'NhCmhg=='" },
        { "GetObject", "{" TO "}", "~'Metadata':{'m':'v'}" },
        { "GetObject", "{" TO "}", "~'ContentType':'a/b'" },
        { "GetObject", "{" TO "}", "~'TagCount':1" },
        { "CopyObject",
          "{'Bucket':'other','Key':'x',"
          "'CopySource':'/bucket/%6b','MetadataDirective':'REPLACE','Metadata':"
          "{'n':'w'},'TaggingDirective':'REPLACE','Tagging':'a=1&b=2',"
          "'ChecksumAlgorithm':'SHA256'}",
          "~'ChecksumSHA256':" },
        { "GetObject", "{'Bucket':'other','Key':'x'}", "~'Metadata':{'n':'w'}" },
        { "GetObject", "{'Bucket':'other','Key':'x'}", "~'ContentType':'binary/octet-stream'" },
        { "GetObject", "{'Bucket':'other','Key':'x'}", "~'TagCount':2" },
    };
    s3_test_play(prepare, steps, VG_COUNT(steps));
}

#define ILLEGAL                                                                                    \
    "InvalidRequest: This copy request is illegal because it is trying to copy an object to "      \
    "itself without changing the object's metadata, storage class, website redirect location or "  \
    "encryption attributes."

static void
a_copy_to_itself_must_change_something(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "CopyObject", "{" SELF "," FROM "}", "Nothing" },
        { "CopyObject", "{" SELF "," FROM ",'MetadataDirective':'REPLACE'}", "ok" },
        { "CopyObject", "{" SELF "," FROM ",'StorageClass':'STANDARD'}", "ok" },
        { "CopyObject", "{" SELF "," FROM ",'WebsiteRedirectLocation':'/x'}", "ok" },
        { "CopyObject", "{" SELF "," FROM ",'ServerSideEncryption':'AES256'}", "ok" },
        { "CopyObject", "{" SELF ",'CopySource':'bucket/k?versionId=null'}", "ok" },
        { "GetObject", "{" SELF "}", "~'Body':'aGVsbG8='" },
    };
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, prepare);
    /* In one text: an apostrophe is a quote in these tests. */
    struct vg_str answer = vg_service_fixture_call(&f, steps[0].op, steps[0].json);
    assert_str(answer, ILLEGAL);
    s3_test_steps(&f, steps + 1, VG_COUNT(steps) - 1);
    vg_service_fixture_fini(&f);
}

static void
conditions_are_of_the_source_and_of_the_target(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "CopyObject", "{" TO "," FROM ",'CopySourceIfMatch':'x'}",
          "PreconditionFailed: At least one of the pre-conditions you specified did not hold "
          "{'Condition':'x-amz-copy-source-If-Match'}" },
        { "CopyObject", "{" TO "," FROM ",'CopySourceIfNoneMatch':'" ETAG "'}",
          "PreconditionFailed: At least one of the pre-conditions you specified did not hold "
          "{'Condition':'x-amz-copy-source-If-None-Match'}" },
        { "CopyObject", "{" TO "," FROM ",'CopySourceIfUnmodifiedSince':1}",
          "PreconditionFailed: " },
        { "CopyObject",
          "{" SELF ",'CopySource':'bucket/k','MetadataDirective':'REPLACE',"
          "'IfNoneMatch':'*'}",
          "PreconditionFailed: " },
        { "CopyObject", "{" TO "," FROM ",'IfMatch':'x'}", "NoSuchKey: " },
        { "HeadObject", "{" TO "}", "NoSuchKey: " },
        { "CopyObject", "{" TO "," FROM ",'CopySourceIfMatch':'" ETAG "','IfNoneMatch':'*'}",
          "ok" },
    };
    s3_test_play(prepare, steps, VG_COUNT(steps));
}

static void
a_source_that_is_none_is_refused(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "CopyObject", "{" TO ",'CopySource':'bucket'}",
          "InvalidArgument: Copy Source must mention the source bucket and key: "
          "sourcebucket/sourcekey" },
        { "CopyObject", "{" TO ",'CopySource':'bucket/'}", "InvalidArgument: " },
        { "CopyObject", "{" TO ",'CopySource':'bucket/%f'}", "InvalidArgument: " },
        { "CopyObject", "{" TO ",'CopySource':'nope/k'}", "NoSuchBucket: " },
        { "CopyObject", "{" TO ",'CopySource':'bucket/nope'}",
          "NoSuchKey: The specified key does not exist. {'Key':'nope'}" },
        { "CopyObject", "{" TO ",'CopySource':'bucket/k?versionId=x'}", "InvalidArgument: " },
        { "CopyObject", "{" TO "," FROM ",'ExpectedSourceBucketOwner':'111122223333'}",
          "AccessDenied: " },
        { "CopyObject", "{" TO "," FROM ",'MetadataDirective':'KEEP'}",
          "InvalidArgument: Unknown metadata directive." },
        { "CopyObject", "{" TO "," FROM ",'TaggingDirective':'KEEP'}",
          "InvalidArgument: Unknown tagging directive." },
        { "HeadObject", "{" TO "}", "NoSuchKey: " },
    };
    s3_test_play(prepare, steps, VG_COUNT(steps));
}

static void
a_marker_is_no_source(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, prepare);
    s3_test_bucket(&f, VG_STR("Enabled"), false, VG_STR_NONE);
    struct vg_str id =
        s3_test_put_version(&f, VG_STR("m"), (struct s3_rec_version) { .is_marker = true });
    struct vg_str answer = s3_test_call(
        &f, "CopyObject", "{" TO ",'CopySource':'bucket/m?versionId=%" VG_FMT "'}", VG_ARG(id));
    s3_test_expect(&f, answer,
                   "InvalidRequest: The source of a copy request may not specifically "
                   "refer to a delete marker by version id.");
    answer = s3_test_call(&f, "CopyObject", "{" TO ",'CopySource':'bucket/m'}");
    s3_test_expect(&f, answer, "NoSuchKey: The specified key does not exist. {'Key':'m'}");
    answer = vg_service_fixture_ok(&f, "CopyObject", "{" TO "," FROM "}");
    assert_int_not_equal(vg_str_find(answer, VG_STR("\"CopySourceVersionId\":\"null\"")), VG_NPOS);
    assert_int_not_equal(vg_str_find(answer, VG_STR("\"VersionId\":")), VG_NPOS);
    vg_service_fixture_fini(&f);
}

/* "Without a leading slash": as Ceph's suite, which passes on S3, writes such policies. */
static void
policies_know_the_source_however_it_is_written(void **state)
{
    (void)state;
    static const char *const sources[] = { "bucket/k", "/bucket/k", "bucket%2Fk", "bucket/%6b" };
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, prepare);
    s3_test_caller(&f, "{'Statement':[{'Effect':'Allow','Action':'s3:*','Resource':'*'},"
                       "{'Effect':'Deny','Action':'s3:PutObject','Resource':'*','Condition':"
                       "{'StringLike':{'s3:x-amz-copy-source':'bucket/k*'}}}]}");
    for (size_t i = 0; i < VG_COUNT(sources); i++)
        assert_false(s3_test_is_allowed(
            &f, "CopyObject", "{'Bucket':'other','Key':'x','CopySource':'%s'}", sources[i]));
    assert_true(s3_test_is_allowed(&f, "CopyObject",
                                   "{'Bucket':'other','Key':'x','CopySource':'other/k'}"));
    vg_service_fixture_fini(&f);
}

#define KEY(p)                                                                                     \
    "'" p "SSECustomerAlgorithm':'AES256',"                                                        \
    "'" p "SSECustomerKey':'a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=',"                        \
    "'" p "SSECustomerKeyMD5':'mT2HRsMGJ5IX5C+0rreZ8Q=='"

static void
prepare_customer_keys(struct vg_service_fixture *f)
{
    prepare(f);
    s3_test_take_customer_keys(f);
}

static void
bytes_are_sealed_anew(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "CopyObject", "{" TO "," FROM "," KEY("") "}", "~'SSECustomerAlgorithm':'AES256'" },
        { "GetObject", "{" TO "}", "InvalidRequest: " },
        { "GetObject", "{" TO "," KEY("") "}", "~'Body':'aGVsbG8='" },
        { "CopyObject", "{'Bucket':'other','Key':'x','CopySource':'bucket/l'}",
          "InvalidRequest: " },
        { "CopyObject",
          "{'Bucket':'other','Key':'x','CopySource':'bucket/l'," KEY("CopySource") "}",
          "~'ServerSideEncryption':'AES256'" },
        { "GetObject", "{'Bucket':'other','Key':'x'}", "~'Body':'aGVsbG8='" },
    };
    s3_test_play(prepare_customer_keys, steps, VG_COUNT(steps));
}

static void
it_fails_cleanly(void **state)
{
    (void)state;
    vg_service_fixture_fail_each(&s3_service, prepare, "CopyObject", "{" TO "," FROM "}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_and_what_belongs_to_them_are_copied),
        cmocka_unit_test(a_copy_to_itself_must_change_something),
        cmocka_unit_test(conditions_are_of_the_source_and_of_the_target),
        cmocka_unit_test(a_source_that_is_none_is_refused),
        cmocka_unit_test(a_marker_is_no_source),
        cmocka_unit_test(policies_know_the_source_however_it_is_written),
        cmocka_unit_test(bytes_are_sealed_anew),
        cmocka_unit_test(it_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
