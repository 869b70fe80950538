/* SPDX-License-Identifier: Apache-2.0 */

/* Buckets and their configurations, and each operation with each call of the store failing. */

#include "services/s3/s3_object_test.h"

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    static const struct vg_service_call calls[] = {
        { "CreateBucket", "{'Bucket':'other','CreateBucketConfiguration':{'Tags':[{'Key':'k',"
                          "'Value':'v'}]}}" },
        { "CreateBucket", "{'Bucket':'bucket'}" },
        { "HeadBucket", "{'Bucket':'bucket'}" },
        { "ListBuckets", "{}" },
        { "GetBucketLocation", "{'Bucket':'bucket'}" },
        { "DeleteBucket", "{'Bucket':'bucket'}" },
    };
    vg_service_fixture_fail_all(&s3_service, s3_test_prepare, calls, VG_COUNT(calls));
}

/* A fixture in a region. */
static void
begin(struct vg_service_fixture *f, const char *region)
{
    vg_service_fixture_init(f, &s3_service);
    f->scope.region = vg_str_of(region);
}

/* What both have answered (measured by LocalStack's snapshots and in the error list):
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
static void
a_name_is_taken_once_for_all_accounts(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    const char *call =
        "{'Bucket':'bucket','CreateBucketConfiguration':{'LocationConstraint':'eu-west-1'}}";
    begin(&f, "eu-west-1");
    vg_service_fixture_expect(&f, "CreateBucket", call, "{'Location':'/bucket'}");
    vg_service_fixture_expect(
        &f, "CreateBucket", call,
        "BucketAlreadyOwnedByYou: Your previous request to create the named bucket succeeded and "
        "you already own it. {'BucketName':'bucket'}");
    f.scope.owner = VG_STR("111122223333");
    vg_service_fixture_expect(
        &f, "CreateBucket", call,
        "BucketAlreadyExists: The requested bucket name is not available. The bucket namespace is "
        "shared by all users of the system. Please select a different name and try again. "
        "{'BucketName':'bucket'}");
    vg_service_fixture_fini(&f);
}

static void
in_us_east_1_its_owner_may_make_it_again(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f, "us-east-1");
    vg_service_fixture_ok(&f, "CreateBucket", "{'Bucket':'bucket'}");
    vg_service_fixture_ok(&f, "CreateBucket", "{'Bucket':'bucket'}");
    f.scope.owner = VG_STR("111122223333");
    assert_true(vg_str_starts(vg_service_fixture_call(&f, "CreateBucket", "{'Bucket':'bucket'}"),
                              VG_STR("BucketAlreadyExists")));
    vg_service_fixture_fini(&f);
}

static void
a_location_must_fit_the_region(void **state)
{
    (void)state;
    static const struct {
        const char *region, *location, *want;
    } all[] = {
        { "us-east-1", NULL, "{'Location':'/bucket'}" },
        { "us-east-1", "us-east-1",
          "InvalidLocationConstraint: The specified location-constraint is not valid "
          "{'LocationConstraint':'us-east-1'}" },
        { "us-east-1", "eu-west-1", "{'Location':'/bucket'}" },
        { "us-east-1", "mars-1",
          "InvalidLocationConstraint: The specified location-constraint is not valid "
          "{'LocationConstraint':'mars-1'}" },
        { "eu-west-1", "eu-west-1", "{'Location':'/bucket'}" },
        { "eu-west-1", "EU", "{'Location':'/bucket'}" },
        { "eu-west-1", NULL,
          "IllegalLocationConstraintException: The unspecified location constraint is incompatible "
          "for the region specific endpoint this request was sent to." },
        { "eu-west-1", "us-west-2",
          "IllegalLocationConstraintException: The us-west-2 location constraint is incompatible "
          "for the region specific endpoint this request was sent to." },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        struct vg_service_fixture f;
        begin(&f, all[i].region);
        struct vg_str call = all[i].location
                                 ? vg_str_fmt(f.arena,
                                              "{'Bucket':'bucket','CreateBucketConfiguration':"
                                              "{'LocationConstraint':'%s'}}",
                                              all[i].location)
                                 : VG_STR("{'Bucket':'bucket'}");
        vg_service_fixture_expect(&f, "CreateBucket", vg_str_cstr(f.arena, call), all[i].want);
        vg_service_fixture_fini(&f);
    }
}

static void
what_was_made_is_found_where_it_is(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f, "us-east-1");
    s3_test_prepare(&f);
    vg_service_fixture_ok(&f, "CreateBucket",
                          "{'Bucket':'europe','CreateBucketConfiguration':"
                          "{'LocationConstraint':'EU'}}");
    vg_service_fixture_expect(&f, "GetBucketLocation", "{'Bucket':'bucket'}", "{}");
    vg_service_fixture_expect(&f, "GetBucketLocation", "{'Bucket':'europe'}",
                              "{'LocationConstraint':'EU'}");
    vg_service_fixture_expect(&f, "HeadBucket", "{'Bucket':'europe'}",
                              "{'BucketRegion':'eu-west-1','AccessPointAlias':false}");
    vg_service_fixture_expect(&f, "HeadBucket", "{'Bucket':'nobody'}",
                              "NoSuchBucket: The specified bucket does not exist "
                              "{'BucketName':'nobody'}");
    vg_service_fixture_ok(&f, "DeleteBucket", "{'Bucket':'europe'}");
    vg_service_fixture_expect(&f, "DeleteBucket", "{'Bucket':'europe'}",
                              "NoSuchBucket: The specified bucket does not exist "
                              "{'BucketName':'europe'}");
    vg_service_fixture_fini(&f);
}

static void
names_are_held_to_the_rules(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f, "us-east-1");
    vg_service_fixture_expect(&f, "CreateBucket", "{'Bucket':'Bad_Name'}",
                              "InvalidBucketName: The specified bucket is not valid. "
                              "{'BucketName':'Bad_Name'}");
    vg_service_fixture_fini(&f);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html */
static void
another_owner_than_expected_is_denied(void **state)
{
    (void)state;
    static const char *const ops[] = { "HeadBucket", "GetBucketLocation", "DeleteBucket" };
    struct vg_service_fixture f;
    begin(&f, "us-east-1");
    s3_test_prepare(&f);
    for (size_t i = 0; i < VG_COUNT(ops); i++) {
        vg_service_fixture_expect(&f, ops[i],
                                  "{'Bucket':'bucket','ExpectedBucketOwner':'111122223333'}",
                                  "AccessDenied: Access Denied");
        vg_service_fixture_expect(
            &f, ops[i], "{'Bucket':'bucket','ExpectedBucketOwner':'me'}",
            "InvalidBucketOwnerAWSAccountID: The value of the expected bucket owner parameter must "
            "be an AWS Account ID... [me]");
    }
    vg_service_fixture_ok(&f, "DeleteBucket",
                          "{'Bucket':'bucket','ExpectedBucketOwner':'000000000000'}");
    vg_service_fixture_fini(&f);
}

/* Names of a page, and whether there is another. */
static const char *
listed(struct vg_service_fixture *f, const char *json)
{
    struct vg_str answer = vg_service_fixture_ok(f, "ListBuckets", json);
    struct s3_list_buckets_output page = { 0 };
    struct vg_err err = { 0 };
    struct vg_buf b;
    vg_buf_init(&b, f->arena, 1u << 20);
    assert_ok(vg_wire_from_json(&s3_shape_list_buckets_output, answer, f->arena, &page, &err));
    for (size_t i = 0; i < page.buckets.len; i++)
        vg_buf_addf(&b, "%s%" VG_FMT, i ? " " : "", VG_ARG(page.buckets.items[i].name));
    if (page.continuation_token.ptr)
        vg_buf_addf(&b, " >%" VG_FMT, VG_ARG(page.continuation_token));
    return vg_str_cstr(f->arena, vg_buf_str(&b));
}

static void
lists_are_paged_and_filtered(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f, "us-east-1");
    vg_service_fixture_ok(&f, "CreateBucket", "{'Bucket':'aaa'}");
    vg_service_fixture_ok(&f, "CreateBucket", "{'Bucket':'bb-1'}");
    vg_service_fixture_ok(&f, "CreateBucket",
                          "{'Bucket':'bb-2','CreateBucketConfiguration':{'LocationConstraint':"
                          "'eu-west-1'}}");
    assert_string_equal(listed(&f, "{}"), "aaa bb-1 bb-2");
    assert_string_equal(listed(&f, "{'MaxBuckets':3}"), "aaa bb-1 bb-2");
    assert_string_equal(listed(&f, "{'MaxBuckets':2}"), "aaa bb-1 >YmItMQ==");
    assert_string_equal(listed(&f, "{'MaxBuckets':2,'ContinuationToken':'YmItMQ=='}"), "bb-2");
    assert_string_equal(listed(&f, "{'Prefix':'bb','MaxBuckets':2}"), "bb-1 bb-2");
    assert_string_equal(listed(&f, "{'Prefix':'bb','ContinuationToken':'YmItMQ=='}"), "bb-2");
    assert_string_equal(listed(&f, "{'BucketRegion':'eu-west-1','MaxBuckets':1}"), "bb-2");
    assert_string_equal(listed(&f, "{'BucketRegion':'us-east-1'}"), "aaa bb-1");
    f.scope.owner = VG_STR("111122223333");
    assert_string_equal(listed(&f, "{}"), "");
    vg_service_fixture_expect(&f, "ListBuckets", "{'MaxBuckets':10001}",
                              "InvalidArgument: Argument max-buckets must be an integer between 1 "
                              "and 10000 {'ArgumentName':'max-buckets','ArgumentValue':'10001'}");
    vg_service_fixture_expect(&f, "ListBuckets", "{'ContinuationToken':'!'}",
                              "InvalidArgument: The continuation token provided is incorrect "
                              "{'ArgumentName':'continuation-token','ArgumentValue':'!'}");
    vg_service_fixture_fini(&f);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html: new buckets block
 * public access and have no lists. */
static void
a_new_bucket_is_nobodys_but_its_owners(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f, "us-east-1");
    const struct s3_step step = { "CreateBucket", "{'Bucket':'bucket','ACL':'public-read'}",
                                  "InvalidBucketAclWithObjectOwnership: Bucket cannot have ACLs "
                                  "set with ObjectOwnership's BucketOwnerEnforced setting" };
    s3_test_steps(&f, &step, 1);
    vg_service_fixture_expect(
        &f, "CreateBucket",
        "{'Bucket':'bucket','ACL':'public-read','ObjectOwnership':'ObjectWriter'}",
        "InvalidBucketAclWithBlockPublicAccessError: Bucket cannot have public ACLs set with "
        "BlockPublicAccess enabled");
    vg_service_fixture_expect(
        &f, "CreateBucket", "{'Bucket':'bucket','ACL':'private','GrantRead':'id=1'}",
        "InvalidRequest: Specifying both Canned ACLs and Header Grants is not allowed");
    vg_service_fixture_expect(&f, "CreateBucket", "{'Bucket':'bucket','GrantRead':'id=1'}",
                              "InvalidArgument: Invalid id {'ArgumentName':'id','ArgumentValue':"
                              "'1'}");
    vg_service_fixture_ok(&f, "CreateBucket", "{'Bucket':'bucket','ACL':'private'}");
    vg_service_fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_fails_cleanly),
        cmocka_unit_test(a_name_is_taken_once_for_all_accounts),
        cmocka_unit_test(in_us_east_1_its_owner_may_make_it_again),
        cmocka_unit_test(a_location_must_fit_the_region),
        cmocka_unit_test(what_was_made_is_found_where_it_is),
        cmocka_unit_test(names_are_held_to_the_rules),
        cmocka_unit_test(another_owner_than_expected_is_denied),
        cmocka_unit_test(lists_are_paged_and_filtered),
        cmocka_unit_test(a_new_bucket_is_nobodys_but_its_owners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
