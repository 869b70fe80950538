/* SPDX-License-Identifier: Apache-2.0 */

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html */

#include "services/s3/s3_object_test.h"

static void
tags_replace_each_other_and_go(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_put(&f, "a");
    vg_service_fixture_expect(&f, "GetObjectTagging", "{'Bucket':'bucket','Key':'a'}",
                              "{'TagSet':[]}");
    vg_service_fixture_expect(&f, "PutObjectTagging",
                              "{'Bucket':'bucket','Key':'a','Tagging':{'TagSet':["
                              "{'Key':'k','Value':'v'},{'Key':'empty','Value':''}]}}",
                              "{}");
    vg_service_fixture_expect(&f, "GetObjectTagging", "{'Bucket':'bucket','Key':'a'}",
                              "{'TagSet':[{'Key':'k','Value':'v'},{'Key':'empty','Value':''}]}");
    vg_service_fixture_expect(
        &f, "PutObjectTagging",
        "{'Bucket':'bucket','Key':'a','Tagging':{'TagSet':[{'Key':'x','Value':'y'}]}}", "{}");
    vg_service_fixture_expect(&f, "GetObjectTagging", "{'Bucket':'bucket','Key':'a'}",
                              "{'TagSet':[{'Key':'x','Value':'y'}]}");
    vg_service_fixture_expect(&f, "DeleteObjectTagging", "{'Bucket':'bucket','Key':'a'}", "{}");
    vg_service_fixture_expect(&f, "GetObjectTagging", "{'Bucket':'bucket','Key':'a'}",
                              "{'TagSet':[]}");
    vg_service_fixture_fini(&f);
}

static void
each_version_has_its_own(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_put(&f, "a");
    s3_test_bucket(&f, VG_STR("Enabled"), false, VG_STR_NONE);
    s3_test_put(&f, "a");
    vg_service_fixture_expect(&f, "PutObjectTagging",
                              "{'Bucket':'bucket','Key':'a','VersionId':'null','Tagging':{'TagSet':"
                              "[{'Key':'k','Value':'old'}]}}",
                              "{'VersionId':'null'}");
    struct s3_get_object_tagging_output out = { 0 };
    assert_ok(vg_wire_from_json(
        &s3_shape_get_object_tagging_output,
        vg_service_fixture_ok(&f, "GetObjectTagging", "{'Bucket':'bucket','Key':'a'}"), f.arena,
        &out, &f.err));
    assert_int_equal(out.tag_set.len, 0);
    assert_int_equal(out.version_id.len, 32);
    vg_service_fixture_expect(&f, "GetObjectTagging",
                              "{'Bucket':'bucket','Key':'a','VersionId':'null'}",
                              "{'VersionId':'null','TagSet':[{'Key':'k','Value':'old'}]}");
    vg_service_fixture_expect(
        &f, "GetObjectTagging",
        "{'Bucket':'bucket','Key':'a','VersionId':'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'}",
        "NoSuchVersion: The specified version does not exist. "
        "{'Key':'a','VersionId':'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'}");
    vg_service_fixture_fini(&f);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html */
static void
a_marker_has_none(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_bucket(&f, VG_STR("Enabled"), false, VG_STR_NONE);
    struct vg_str id =
        s3_test_put_version(&f, VG_STR("a"), (struct s3_rec_version) { .is_marker = true });
    vg_service_fixture_expect(&f, "GetObjectTagging", "{'Bucket':'bucket','Key':'a'}",
                              "NoSuchKey: The specified key does not exist. {'Key':'a'}");
    s3_test_expect(&f,
                   s3_test_call(&f, "GetObjectTagging",
                                "{'Bucket':'bucket','Key':'a','VersionId':'%" VG_FMT "'}",
                                VG_ARG(id)),
                   "MethodNotAllowed: The specified method is not allowed against this resource. "
                   "{'Method':'GET','ResourceType':'DeleteMarker'}");
    vg_service_fixture_expect(
        &f, "PutObjectTagging", "{'Bucket':'bucket','Key':'a','Tagging':{'TagSet':[]}}",
        "MethodNotAllowed: The specified method is not allowed against this resource. "
        "{'Method':'PUT','ResourceType':'DeleteMarker'}");
    vg_service_fixture_fini(&f);
}

static void
bad_tags_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *tags, *want;
    } all[] = {
        { "{'Key':'aws:x','Value':'v'}",
          "InvalidTag: Your TagKey cannot be prefixed with aws: {'TagKey':'aws:x'}" },
        { "{'Key':'','Value':'v'}",
          "InvalidTag: The TagKey you have provided is invalid {'TagKey':''}" },
        { "{'Key':'k','Value':'v'},{'Key':'k','Value':'w'}",
          "InvalidTag: Cannot provide multiple Tags with the same key {'TagKey':'k'}" },
        { "{'Key':'1','Value':''},{'Key':'2','Value':''},{'Key':'3','Value':''},"
          "{'Key':'4','Value':''},{'Key':'5','Value':''},{'Key':'6','Value':''},"
          "{'Key':'7','Value':''},{'Key':'8','Value':''},{'Key':'9','Value':''},"
          "{'Key':'10','Value':''},{'Key':'11','Value':''}",
          "BadRequest: Object tags cannot be greater than 10" },
    };
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_put(&f, "a");
    for (size_t i = 0; i < VG_COUNT(all); i++)
        s3_test_expect(&f,
                       s3_test_call(&f, "PutObjectTagging",
                                    "{'Bucket':'bucket','Key':'a','Tagging':{'TagSet':[%s]}}",
                                    all[i].tags),
                       all[i].want);
    vg_service_fixture_expect(&f, "GetObjectTagging", "{'Bucket':'bucket','Key':'a'}",
                              "{'TagSet':[]}");
    vg_service_fixture_expect(&f, "PutObjectTagging",
                              "{'Bucket':'bucket','Key':'b','Tagging':{'TagSet':[]}}",
                              "NoSuchKey: The specified key does not exist. {'Key':'b'}");
    vg_service_fixture_fini(&f);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/tagging-and-policies.html */
static void
policies_may_test_tags_that_are_there_and_those_that_come(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    struct s3_rec_version v = { .size = 1 };
    *VG_VEC_ADD(f.arena, &v.tags) =
        (struct s3_rec_pair) { .name = VG_STR("team"), .value = VG_STR("blue") };
    s3_test_put_version(&f, VG_STR("blue"), v);
    s3_test_put(&f, "grey");
    s3_test_caller(
        &f, "{'Version':'2012-10-17','Statement':[{'Effect':'Allow','Action':'s3:GetObjectTagging',"
            "'Resource':'*','Condition':{'StringEquals':{'s3:ExistingObjectTag/team':'blue'}}},"
            "{'Effect':'Allow','Action':'s3:PutObjectTagging','Resource':'*','Condition':"
            "{'ForAllValues:StringLike':{'s3:RequestObjectTagKeys':['team']}}}]}");
    const struct {
        const char *op, *key, *tag;
        bool is_allowed;
    } all[] = {
        { "GetObjectTagging", "blue", NULL, true },
        { "GetObjectTagging", "grey", NULL, false },
        { "PutObjectTagging", "grey", "team", true },
        { "PutObjectTagging", "grey", "other", false },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++)
        assert_int_equal(s3_test_is_allowed(&f, all[i].op,
                                            all[i].tag ? "{'Bucket':'bucket','Key':'%s','Tagging':"
                                                         "{'TagSet':[{'Key':'%s','Value':'v'}]}}"
                                                       : "{'Bucket':'bucket','Key':'%s'}",
                                            all[i].key, all[i].tag),
                         all[i].is_allowed);
    vg_service_fixture_fini(&f);
}

static void
prepare(struct vg_service_fixture *f)
{
    s3_test_prepare(f);
    s3_test_put(f, "a");
    s3_test_bucket(f, VG_STR("Enabled"), false, VG_STR_NONE);
    s3_test_put(f, "a");
}

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    vg_service_fixture_fail_each(&s3_service, prepare, "PutObjectTagging",
                                 "{'Bucket':'bucket','Key':'a','VersionId':'null','Tagging':"
                                 "{'TagSet':[{'Key':'k','Value':'v'}]}}");
    vg_service_fixture_fail_each(&s3_service, prepare, "GetObjectTagging",
                                 "{'Bucket':'bucket','Key':'a','VersionId':'null'}");
    vg_service_fixture_fail_each(&s3_service, prepare, "DeleteObjectTagging",
                                 "{'Bucket':'bucket','Key':'a'}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_replace_each_other_and_go),
        cmocka_unit_test(each_version_has_its_own),
        cmocka_unit_test(a_marker_has_none),
        cmocka_unit_test(bad_tags_change_nothing),
        cmocka_unit_test(policies_may_test_tags_that_are_there_and_those_that_come),
        cmocka_unit_test(every_operation_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
