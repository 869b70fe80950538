/* SPDX-License-Identifier: Apache-2.0 */

/* GetObject and HeadObject, without a network. */

#include "services/s3/s3_object_test.h"

#define O     "'Bucket':'bucket','Key':'k'"
#define HELLO O ",'Body':'aGVsbG8='"
#define ETAG  "5d41402abc4b2a76b9719d911017c592"

/* What a fixture has before a call of it fails. */
static void
prepare(struct vg_service_fixture *f)
{
    s3_test_prepare(f);
    s3_test_caller(f, NULL);
    vg_service_fixture_ok(f, "PutObject", "{" HELLO "}");
}

/* https://datatracker.ietf.org/doc/html/rfc9110#section-14.2 */
static void
parts_are_read(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "GetObject", "{" O ",'Range':'bytes=1-2'}", "~'Body':'ZWw='" },
        { "GetObject", "{" O ",'Range':'bytes=1-2'}", "~'ContentRange':'bytes 1-2/5'" },
        { "GetObject", "{" O ",'Range':'bytes=-2'}", "~'ContentRange':'bytes 3-4/5'" },
        { "GetObject", "{" O ",'Range':'bytes=4-'}", "~'ContentLength':1" },
        { "HeadObject", "{" O ",'Range':'bytes=4-'}", "~'ContentLength':1" },
        { "GetObject", "{" O ",'Range':'bytes=5-'}",
          "InvalidRange: The requested range is not satisfiable "
          "{'RangeRequested':'bytes=5-','ActualObjectSize':'5'}" },
        { "GetObject", "{" O ",'Range':'bytes=0-1,3-4'}", "~'Body':'aGVsbG8='" },
        { "GetObject", "{" O ",'PartNumber':1}", "~'ContentRange':'bytes 0-4/5'" },
        { "GetObject", "{" O ",'PartNumber':2}",
          "InvalidPartNumber: The requested partnumber is not satisfiable "
          "{'PartNumberRequested':'2','ActualPartCount':'1'}" },
        { "GetObject", "{" O ",'PartNumber':0}",
          "InvalidArgument: Part number must be an integer between 1 and 10000, inclusive" },
        { "GetObject", "{" O ",'PartNumber':1,'Range':'bytes=0-'}",
          "InvalidRequest: Cannot specify both Range header and partNumber query parameter" },
    };
    s3_test_play(prepare, steps, VG_COUNT(steps));
}

static void
conditions_decide(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "GetObject", "{" O ",'IfMatch':'" ETAG "'}", "~'Body':" },
        { "GetObject", "{" O ",'IfMatch':'x'}",
          "PreconditionFailed: At least one of the pre-conditions you specified did not hold "
          "{'Condition':'If-Match'}" },
        { "GetObject", "{" O ",'IfUnmodifiedSince':1}",
          "PreconditionFailed: At least one of the pre-conditions you specified did not hold "
          "{'Condition':'If-Unmodified-Since'}" },
        { "GetObject", "{" O ",'IfMatch':'" ETAG "','IfUnmodifiedSince':1}", "~'Body':" },
        { "GetObject", "{" O ",'IfNoneMatch':'x','IfModifiedSince':4102444800}", "~'Body':" },
        { "HeadObject", "{" O ",'IfMatch':'x'}", "PreconditionFailed: " },
    };
    s3_test_play(prepare, steps, VG_COUNT(steps));
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, prepare);
    struct vg_str answer =
        vg_service_fixture_ok(&f, "GetObject", "{" O ",'IfNoneMatch':'" ETAG "'}");
    assert_true(vg_str_starts(answer, VG_STR("{\"LastModified\":")));
    assert_int_equal(vg_str_find(answer, VG_STR("Body")), VG_NPOS);
    vg_service_fixture_fini(&f);
}

static void
answers_are_overridden(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "GetObject", "{" O ",'ResponseContentType':'a/b'}", "~'ContentType':'a/b'" },
        { "GetObject", "{" O ",'ResponseExpires':0}",
          "~'Expires':'Thu, 01 Jan 1970 00:00:00 GMT'" },
        { "HeadObject", "{" O ",'ResponseCacheControl':'x'}", "~'CacheControl':'x'" },
    };
    s3_test_play(prepare, steps, VG_COUNT(steps));
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, prepare);
    f.scope.caller = &vg_principal_anonymous;
    static const struct s3_step anonymous[] = {
        { "GetObject", "{" O ",'ResponseContentType':'a/b'}",
          "InvalidRequest: Request specific response headers cannot be used for anonymous GET "
          "requests." },
        { "GetObject", "{" O "}", "~'Body':" },
    };
    s3_test_steps(&f, anonymous, VG_COUNT(anonymous));
    vg_service_fixture_fini(&f);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html */
static void
what_is_not_there_is_told_to_who_may_list(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, prepare);
    static const struct s3_step steps[] = {
        { "GetObject", "{'Bucket':'bucket','Key':'x'}",
          "NoSuchKey: The specified key does not exist. {'Key':'x'}" },
        { "GetObject", "{" O ",'VersionId':'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef'}",
          "NoSuchVersion: The specified version does not exist." },
    };
    s3_test_steps(&f, steps, VG_COUNT(steps));
    s3_test_bucket(&f, VG_STR("Enabled"), false, VG_STR_NONE);
    vg_service_fixture_ok(&f, "DeleteObject", "{" O "}");
    static const struct s3_step marked[] = {
        { "GetObject", "{" O "}", "NoSuchKey: " },
        { "GetObject", "{" O ",'VersionId':'null'}", "~'Body':" },
    };
    s3_test_steps(&f, marked, VG_COUNT(marked));
    s3_test_caller(&f, "{'Statement':{'Effect':'Allow','Action':'s3:GetObject','Resource':'*'}}");
    static const char denied[] =
        "AccessDenied: User: arn:aws:iam::000000000000:root is not authorized to perform: "
        "s3:ListBucket on resource: \"arn:aws:s3:::bucket\" because no session policy allows the "
        "s3:ListBucket action";
    static const struct s3_step unseen[] = {
        { "GetObject", "{'Bucket':'bucket','Key':'x'}", denied },
        { "HeadObject", "{'Bucket':'bucket','Key':'x'}", denied },
    };
    s3_test_steps(&f, unseen, VG_COUNT(unseen));
    s3_test_caller(&f, "{'Statement':[{'Effect':'Allow','Action':'s3:GetObject','Resource':'*'},"
                       "{'Effect':'Allow','Action':'s3:ListBucket','Resource':'*','Condition':"
                       "{'StringLike':{'s3:prefix':'public/*'}}}]}");
    static const struct s3_step by_prefix[] = {
        { "HeadObject", "{'Bucket':'bucket','Key':'public/x'}", "NoSuchKey: " },
        { "HeadObject", "{'Bucket':'bucket','Key':'private/x'}", "AccessDenied: " },
    };
    s3_test_steps(&f, by_prefix, VG_COUNT(by_prefix));
    vg_service_fixture_fini(&f);
}

static void
an_archive_is_not_read(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "PutObject", "{" HELLO ",'StorageClass':'GLACIER'}", "ok" },
        { "GetObject", "{" O "}", "InvalidObjectState: The operation is not valid for the object" },
        { "GetObject", "{" O "}", "~ {'StorageClass':'GLACIER'}" },
        { "HeadObject", "{" O "}", "~'StorageClass':'GLACIER'" },
        { "CopyObject", "{'Bucket':'bucket','Key':'l','CopySource':'bucket/k'}",
          "ObjectNotInActiveTierError: " },
    };
    s3_test_play(prepare, steps, VG_COUNT(steps));
}

static void
tags_and_locks_are_told_to_who_may_read_them(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, prepare);
    vg_service_fixture_ok(&f, "PutObject", "{" HELLO ",'Tagging':'a=b'}");
    s3_test_caller(&f, "{'Statement':{'Effect':'Allow','Action':'s3:GetObject','Resource':'*'}}");
    struct vg_str answer = vg_service_fixture_ok(&f, "GetObject", "{" O "}");
    assert_int_equal(vg_str_find(answer, VG_STR("TagCount")), VG_NPOS);
    vg_service_fixture_fini(&f);
}

static void
they_fail_cleanly(void **state)
{
    (void)state;
    vg_service_fixture_fail_each(&s3_service, prepare, "GetObject", "{" O "}");
    vg_service_fixture_fail_each(&s3_service, prepare, "HeadObject", "{" O "}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_read),
        cmocka_unit_test(conditions_decide),
        cmocka_unit_test(answers_are_overridden),
        cmocka_unit_test(what_is_not_there_is_told_to_who_may_list),
        cmocka_unit_test(an_archive_is_not_read),
        cmocka_unit_test(tags_and_locks_are_told_to_who_may_read_them),
        cmocka_unit_test(they_fail_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
