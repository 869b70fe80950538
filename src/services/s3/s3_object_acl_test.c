/* SPDX-License-Identifier: Apache-2.0 */

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html */

#include "services/s3/s3_object_test.h"

#define OTHER "111122223333"

static void
begin(struct vg_service_fixture *f)
{
    s3_test_begin(f);
    vg_service_fixture_ok(f, "DeletePublicAccessBlock", "{'Bucket':'bucket'}");
    s3_test_bucket(f, VG_STR_NONE, false, VG_STR("ObjectWriter"));
    s3_test_put(f, "a");
}

/* "READ@AllUsers FULL_CONTROL@000000000000", in the list's order. */
static const char *
grants(struct vg_service_fixture *f)
{
    struct s3_get_object_acl_output out = { 0 };
    struct vg_buf b;
    vg_buf_init(&b, f->arena, 4096);
    assert_ok(
        vg_wire_from_json(&s3_shape_get_object_acl_output,
                          vg_service_fixture_ok(f, "GetObjectAcl", "{'Bucket':'bucket','Key':'a'}"),
                          f->arena, &out, &f->err));
    for (size_t i = 0; i < out.grants.len; i++) {
        const struct s3_grantee *to = out.grants.items[i].grantee;
        struct vg_str who =
            to->uri.ptr ? vg_str_slice(to->uri, vg_str_rfind_char(to->uri, '/') + 1, to->uri.len)
                        : s3_canonical_account(f->arena, to->id);
        vg_buf_addf(&b, "%s%" VG_FMT "@%" VG_FMT, i ? " " : "",
                    VG_ARG(out.grants.items[i].permission.text), VG_ARG(who));
    }
    return vg_str_cstr(f->arena, vg_buf_str(&b));
}

static void
a_list_is_canned_or_granted(void **state)
{
    (void)state;
    static const struct {
        const char *asked, *want;
    } all[] = {
        { "'ACL':'public-read'", "FULL_CONTROL@000000000000 READ@AllUsers" },
        { "'ACL':'authenticated-read'", "FULL_CONTROL@000000000000 READ@AuthenticatedUsers" },
        { "'ACL':'bucket-owner-full-control'", "FULL_CONTROL@000000000000" },
        { "'ACL':'bucket-owner-read'", "FULL_CONTROL@000000000000" },
        { "'GrantRead':'uri=http://acs.amazonaws.com/groups/global/AllUsers'", "READ@AllUsers" },
        { "'ACL':'private'", "FULL_CONTROL@000000000000" },
    };
    struct vg_service_fixture f;
    begin(&f);
    assert_string_equal(grants(&f), "FULL_CONTROL@000000000000");
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        s3_test_expect(
            &f, s3_test_call(&f, "PutObjectAcl", "{'Bucket':'bucket','Key':'a',%s}", all[i].asked),
            "{}");
        assert_string_equal(grants(&f), all[i].want);
    }
    struct vg_str of_buckets = s3_test_call(
        &f, "PutObjectAcl", "{'Bucket':'bucket','Key':'a','ACL':'log-delivery-write'}");
    assert_true(vg_str_starts(of_buckets, VG_STR("InvalidArgument")));
    vg_service_fixture_fini(&f);
}

static void
the_buckets_owner_is_granted_what_is_anothers(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f);
    f.scope.owner = VG_STR(OTHER);
    s3_test_put(&f, "a");
    vg_service_fixture_expect(&f, "PutObjectAcl",
                              "{'Bucket':'bucket','Key':'a','ACL':'bucket-owner-full-control'}",
                              "{}");
    assert_string_equal(grants(&f), "FULL_CONTROL@" OTHER " FULL_CONTROL@000000000000");
    vg_service_fixture_expect(&f, "PutObjectAcl",
                              "{'Bucket':'bucket','Key':'a','ACL':'bucket-owner-read'}", "{}");
    assert_string_equal(grants(&f), "FULL_CONTROL@" OTHER " READ@000000000000");
    vg_service_fixture_fini(&f);
}

static void
what_does_not_count_is_refused(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f);
    vg_service_fixture_expect(&f, "PutObjectAcl", "{'Bucket':'bucket','Key':'a'}",
                              "MissingSecurityHeader: Your request was missing a required header "
                              "{'MissingHeaderName':'x-amz-acl'}");
    vg_service_fixture_expect(
        &f, "PutObjectAcl", "{'Bucket':'bucket','Key':'a','ACL':'private','GrantRead':'id=1'}",
        "InvalidRequest: Specifying both Canned ACLs and Header Grants is not allowed");
    vg_service_fixture_expect(&f, "PutObjectAcl",
                              "{'Bucket':'bucket','Key':'a','ACL':'aws-exec-read'}",
                              "NotImplemented: The canned ACL aws-exec-read is not built in this "
                              "version of Virga.");
    vg_service_fixture_expect(&f, "PutObjectAcl",
                              "{'Bucket':'bucket','Key':'none','ACL':'private'}",
                              "NoSuchKey: The specified key does not exist. {'Key':'none'}");
    s3_test_bucket(&f, VG_STR_NONE, false, VG_STR("BucketOwnerEnforced"));
    vg_service_fixture_expect(&f, "PutObjectAcl",
                              "{'Bucket':'bucket','Key':'a','ACL':'bucket-owner-full-control'}",
                              "AccessControlListNotSupported: The bucket does not allow ACLs");
    assert_string_equal(grants(&f), "FULL_CONTROL@000000000000");
    vg_service_fixture_ok(&f, "PutPublicAccessBlock",
                          "{'Bucket':'bucket','PublicAccessBlockConfiguration':"
                          "{'BlockPublicAcls':true}}");
    s3_test_bucket(&f, VG_STR_NONE, false, VG_STR("ObjectWriter"));
    vg_service_fixture_expect(&f, "PutObjectAcl",
                              "{'Bucket':'bucket','Key':'a','ACL':'public-read'}",
                              "AccessDenied: Access Denied");
    vg_service_fixture_fini(&f);
}

/* A list that is accepted is honoured: here by an operation that needs READ_ACP. */
static void
a_list_lets_others_in_unless_it_does_not_count(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    const char *call = "{'Bucket':'bucket','Key':'%s'}";
    begin(&f);
    s3_test_put(&f, "b");
    vg_service_fixture_ok(&f, "PutObjectAcl",
                          "{'Bucket':'bucket','Key':'a','GrantReadACP':"
                          "'uri=http://acs.amazonaws.com/groups/global/AllUsers'}");
    s3_test_caller(&f, NULL);
    const struct vg_principal anybody = { .kind = VG_PRINCIPAL_ANONYMOUS,
                                          .partition = VG_STR("aws"),
                                          .account = VG_STR(""),
                                          .arn = VG_STR("*") };
    f.scope.caller = &anybody;
    assert_true(s3_test_is_allowed(&f, "GetObjectAcl", call, "a"));
    assert_false(s3_test_is_allowed(&f, "GetObjectAcl", call, "b"));
    assert_false(s3_test_is_allowed(&f, "GetObjectTagging", call, "a"));
    assert_false(s3_test_is_allowed(&f, "DeleteObject", call, "a"));
    assert_false(s3_test_is_allowed(&f, "GetObjectAcl",
                                    "{'Bucket':'bucket','Key':'%s','VersionId':'null'}", "a"));
    s3_test_bucket(&f, VG_STR_NONE, false, VG_STR("BucketOwnerEnforced"));
    assert_false(s3_test_is_allowed(&f, "GetObjectAcl", call, "a"));
    s3_test_bucket(&f, VG_STR_NONE, false, VG_STR("ObjectWriter"));
    vg_service_fixture_ok(&f, "PutPublicAccessBlock",
                          "{'Bucket':'bucket','PublicAccessBlockConfiguration':"
                          "{'IgnorePublicAcls':true}}");
    assert_false(s3_test_is_allowed(&f, "GetObjectAcl", call, "a"));
    vg_service_fixture_fini(&f);
}

/* "The account that uploads an object owns it": it reads what it wrote into another's bucket. */
static void
who_owns_an_object_reads_its_list(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f);
    f.scope.owner = VG_STR(OTHER);
    s3_test_put(&f, "b");
    f.scope.owner = f.config.account;
    s3_test_caller(&f, NULL);
    struct vg_principal other = *f.scope.caller;
    other.account = VG_STR(OTHER);
    other.arn = VG_STR("arn:aws:iam::" OTHER ":root");
    f.scope.caller = &other;
    assert_true(s3_test_is_allowed(&f, "GetObjectAcl", "{'Bucket':'bucket','Key':'%s'}", "b"));
    assert_false(s3_test_is_allowed(&f, "GetObjectAcl", "{'Bucket':'bucket','Key':'%s'}", "a"));
    vg_service_fixture_fini(&f);
}

static void
prepare(struct vg_service_fixture *f)
{
    vg_service_fixture_ok(f, "CreateBucket",
                          "{'Bucket':'bucket','ObjectOwnership':'ObjectWriter'}");
    s3_test_put(f, "a");
}

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    vg_service_fixture_fail_each(&s3_service, prepare, "PutObjectAcl",
                                 "{'Bucket':'bucket','Key':'a','ACL':'private'}");
    vg_service_fixture_fail_each(&s3_service, prepare, "GetObjectAcl",
                                 "{'Bucket':'bucket','Key':'a'}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_canned_or_granted),
        cmocka_unit_test(the_buckets_owner_is_granted_what_is_anothers),
        cmocka_unit_test(what_does_not_count_is_refused),
        cmocka_unit_test(a_list_lets_others_in_unless_it_does_not_count),
        cmocka_unit_test(who_owns_an_object_reads_its_list),
        cmocka_unit_test(every_operation_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
