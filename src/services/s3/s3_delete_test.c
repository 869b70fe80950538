/* SPDX-License-Identifier: Apache-2.0 */

/* What deletes leave, as versioning and object lock have it. */

#include "services/s3/s3_object_test.h"

#include "clock/clock.h"

#define DAY_MS 86400000

/* Keys of the bucket, as ListObjects shows them. */
static const char *
left(struct vg_service_fixture *f)
{
    struct vg_str answer = vg_service_fixture_ok(f, "ListObjectVersions", "{'Bucket':'bucket'}");
    struct s3_list_object_versions_output p = { 0 };
    struct vg_buf b;
    assert_ok(
        vg_wire_from_json(&s3_shape_list_object_versions_output, answer, f->arena, &p, &f->err));
    vg_buf_init(&b, f->arena, 1u << 20);
    for (size_t i = 0; i < p.versions.len; i++)
        vg_buf_addf(&b, "%s%" VG_FMT " ", p.versions.items[i].is_latest.v ? "*" : "",
                    VG_ARG(p.versions.items[i].key));
    for (size_t i = 0; i < p.delete_markers.len; i++)
        vg_buf_addf(&b, "%s%" VG_FMT ":- ", p.delete_markers.items[i].is_latest.v ? "*" : "",
                    VG_ARG(p.delete_markers.items[i].key));
    return vg_str_cstr(f->arena, vg_str_trim(vg_buf_str(&b)));
}

static struct s3_delete_object_output
deleted(struct vg_service_fixture *f, struct vg_str id)
{
    struct s3_delete_object_output out = { 0 };
    struct vg_str answer =
        id.ptr ? s3_test_call(f, "DeleteObject",
                              "{'Bucket':'bucket','Key':'a','VersionId':'%" VG_FMT "'}", VG_ARG(id))
               : s3_test_call(f, "DeleteObject", "{'Bucket':'bucket','Key':'a'}");
    if (!vg_service_fixture_is_ok(answer))
        fail_msg("%" VG_FMT, VG_ARG(answer));
    assert_ok(vg_wire_from_json(&s3_shape_delete_object_output, answer, f->arena, &out, &f->err));
    return out;
}

static void
without_versioning_an_object_is_gone(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_put(&f, "a");
    vg_service_fixture_expect(&f, "DeleteObject", "{'Bucket':'bucket','Key':'a'}", "{}");
    assert_string_equal(left(&f), "");
    vg_service_fixture_expect(&f, "DeleteObject", "{'Bucket':'bucket','Key':'a'}", "{}");
    s3_test_put(&f, "a");
    vg_service_fixture_expect(&f, "DeleteObject",
                              "{'Bucket':'bucket','Key':'a','VersionId':'null'}",
                              "{'VersionId':'null'}");
    assert_string_equal(left(&f), "");
    vg_service_fixture_fini(&f);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html */
static void
with_versioning_a_marker_hides_what_stays(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_bucket(&f, VG_STR("Enabled"), false, VG_STR_NONE);
    struct vg_str id = s3_test_put(&f, "a");
    struct s3_delete_object_output out = deleted(&f, VG_STR_NONE);
    assert_true(out.delete_marker.v);
    assert_int_equal(out.version_id.len, 32);
    struct vg_str marker = out.version_id;
    assert_string_equal(left(&f), "a *a:-");
    deleted(&f, VG_STR_NONE); /* another one */
    assert_string_equal(left(&f), "a *a:- a:-");
    out = deleted(&f, marker);
    assert_true(out.delete_marker.v);
    assert_true(vg_str_eq(out.version_id, marker));
    out = deleted(&f, id);
    assert_false(out.delete_marker.set);
    assert_true(vg_str_eq(out.version_id, id));
    assert_string_equal(left(&f), "*a:-");
    out = deleted(&f, id); /* again: done already */
    assert_true(vg_str_eq(out.version_id, id));
    vg_service_fixture_fini(&f);
}

static void
with_versioning_suspended_the_null_version_becomes_the_marker(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_put(&f, "a");
    s3_test_bucket(&f, VG_STR("Enabled"), false, VG_STR_NONE);
    s3_test_put(&f, "a");
    s3_test_bucket(&f, VG_STR("Suspended"), false, VG_STR_NONE);
    struct s3_delete_object_output out = deleted(&f, VG_STR_NONE);
    assert_true(out.delete_marker.v);
    assert_str(out.version_id, "null");
    assert_string_equal(left(&f), "a *a:-");
    deleted(&f, VG_STR_NONE);
    assert_string_equal(left(&f), "a *a:-");
    vg_service_fixture_fini(&f);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html */
static void
conditions_are_of_what_is_current(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_put_version(&f, VG_STR("a"), (struct s3_rec_version) { .etag = VG_STR("one") });
    vg_service_fixture_expect(
        &f, "DeleteObject", "{'Bucket':'bucket','Key':'a','IfMatch':'two'}",
        "PreconditionFailed: At least one of the pre-conditions you specified did not hold "
        "{'Condition':'If-Match'}");
    vg_service_fixture_expect(
        &f, "DeleteObject", "{'Bucket':'bucket','Key':'a','IfMatchSize':1}",
        "NotImplemented: A header you provided implies functionality that is not implemented "
        "{'Header':'x-amz-if-match-size'}");
    vg_service_fixture_expect(
        &f, "DeleteObject", "{'Bucket':'bucket','Key':'a','VersionId':'null','IfMatch':'one'}",
        "NotImplemented: A header you provided implies functionality that is not implemented "
        "{'Header':'If-Match'}");
    assert_string_equal(left(&f), "*a");
    vg_service_fixture_expect(&f, "DeleteObject", "{'Bucket':'bucket','Key':'a','IfMatch':'one'}",
                              "{}");
    assert_string_equal(left(&f), "");
    vg_service_fixture_expect(&f, "DeleteObject", "{'Bucket':'bucket','Key':'a','IfMatch':'*'}",
                              "NoSuchKey: The specified key does not exist. {'Key':'a'}");
    vg_service_fixture_fini(&f);
}

static void
refused(struct vg_service_fixture *f, struct vg_str id, const char *more)
{
    struct vg_str answer =
        s3_test_call(f, "DeleteObject", "{'Bucket':'bucket','Key':'a','VersionId':'%" VG_FMT "'%s}",
                     VG_ARG(id), more);
    s3_test_expect(f, answer,
                   "AccessDenied: Access Denied because object protected by object lock.");
}

#define BYPASS ",'BypassGovernanceRetention':true"

static struct vg_str
put_locked(struct vg_service_fixture *f, const char *mode, bool has_hold)
{
    return s3_test_put_version(
        f, VG_STR("a"),
        (struct s3_rec_version) { .lock_mode = vg_str_of(mode),
                                  .lock_until_ms = { true, vg_now_ms(&f->env) + DAY_MS },
                                  .has_legal_hold = has_hold });
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html */
static void
a_locked_version_stays_until_its_time(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_test_req t;
    s3_test_begin(&f);
    s3_test_bucket(&f, VG_STR("Enabled"), true, VG_STR_NONE);
    struct vg_str compliant = put_locked(&f, "COMPLIANCE", false);
    struct vg_str governed = put_locked(&f, "GOVERNANCE", false);
    struct vg_str held = put_locked(&f, "GOVERNANCE", true);
    refused(&f, compliant, "");
    refused(&f, compliant, BYPASS);
    refused(&f, governed, "");
    refused(&f, held, BYPASS);
    s3_test_call(&f, "DeleteObject",
                 "{'Bucket':'bucket','Key':'a','VersionId':'%" VG_FMT "'" BYPASS "}",
                 VG_ARG(governed));
    assert_string_equal(left(&f), "*a a");
    deleted(&f, VG_STR_NONE); /* a marker is always let in */
    assert_string_equal(left(&f), "a a *a:-");
    s3_test_req(&f, &t);
    assert_ok(vg_clock_advance(f.env.clock, &t.sess, DAY_MS, &f.err));
    deleted(&f, compliant);
    refused(&f, held, ""); /* a hold has no end */
    assert_string_equal(left(&f), "a *a:-");
    vg_service_fixture_fini(&f);
}

/* LocalStack's snapshots of S3: whichever way it is asked. */
static void
nothing_is_bypassed_where_nothing_is_locked(void **state)
{
    (void)state;
    static const char want[] =
        "InvalidArgument: x-amz-bypass-governance-retention is only applicable to Object Lock "
        "enabled buckets. {'ArgumentName':'x-amz-bypass-governance-retention'}";
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_put(&f, "a");
    vg_service_fixture_expect(
        &f, "DeleteObject", "{'Bucket':'bucket','Key':'a','BypassGovernanceRetention':true}", want);
    vg_service_fixture_expect(&f, "DeleteObject",
                              "{'Bucket':'bucket','Key':'a','BypassGovernanceRetention':false}",
                              want);
    vg_service_fixture_expect(&f, "DeleteObjects",
                              "{'Bucket':'bucket','BypassGovernanceRetention':true,"
                              "'Delete':{'Objects':[{'Key':'a'}]}}",
                              want);
    vg_service_fixture_fini(&f);
}

static void
bad_names_are_refused(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    vg_service_fixture_expect(&f, "DeleteObject", "{'Bucket':'bucket','Key':'a','VersionId':'x'}",
                              "InvalidArgument: Invalid version id specified "
                              "{'ArgumentName':'versionId','ArgumentValue':'x'}");
    vg_service_fixture_expect(
        &f, "DeleteObject", "{'Bucket':'nobody','Key':'a'}",
        "NoSuchBucket: The specified bucket does not exist {'BucketName':'nobody'}");
    vg_service_fixture_expect(&f, "DeleteObject",
                              "{'Bucket':'bucket','Key':'a','ExpectedBucketOwner':'111122223333'}",
                              "AccessDenied: Access Denied");
    char key[1026];
    memset(key, 'k', 1025);
    key[1025] = '\0';
    s3_test_expect(&f, s3_test_call(&f, "DeleteObject", "{'Bucket':'bucket','Key':'%s'}", key),
                   "KeyTooLongError: Your key is too long {'Size':'1025','MaxSizeAllowed':'1024'}");
    vg_service_fixture_fini(&f);
}

/* --- DeleteObjects ------------------------------------------------------------------------------
 */

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html#API_DeleteObjects_Examples
 */
static void
many_are_deleted_and_answered_one_by_one(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_caller(&f, NULL);
    s3_test_put(&f, "a");
    s3_test_put(&f, "b");
    s3_test_put(&f, "c");
    vg_service_fixture_expect(&f, "DeleteObjects",
                              "{'Bucket':'bucket','Delete':{'Objects':[{'Key':'a'},{'Key':'none'},"
                              "{'Key':'b','VersionId':'x'},{'Key':'b','ETag':'y'},{'Key':'a'}]}}",
                              "{'Deleted':[{'Key':'a'},{'Key':'none'},{'Key':'a'}],"
                              "'Errors':[{'Key':'b','VersionId':'x','Code':'InvalidArgument',"
                              "'Message':'Invalid version id specified'},"
                              "{'Key':'b','Code':'PreconditionFailed','Message':'At least one of "
                              "the pre-conditions you specified did not hold'}]}");
    vg_service_fixture_expect(&f, "DeleteObjects",
                              "{'Bucket':'bucket','Delete':{'Quiet':true,'Objects':[{'Key':'b'},"
                              "{'Key':'c','Size':1}]}}",
                              "{'Errors':[{'Key':'c','Code':'NotImplemented','Message':'A header "
                              "you provided implies functionality that is not implemented'}]}");
    assert_string_equal(left(&f), "*c");
    vg_service_fixture_fini(&f);
}

static void
markers_are_named_in_the_answer(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_delete_objects_output out = { 0 };
    s3_test_begin(&f);
    s3_test_caller(&f, NULL);
    s3_test_bucket(&f, VG_STR("Enabled"), false, VG_STR_NONE);
    struct vg_str id = s3_test_put(&f, "a");
    struct vg_str answer = s3_test_call(
        &f, "DeleteObjects",
        "{'Bucket':'bucket','Delete':{'Objects':[{'Key':'a'},{'Key':'a','VersionId':'%" VG_FMT
        "'}]}}",
        VG_ARG(id));
    assert_ok(vg_wire_from_json(&s3_shape_delete_objects_output, answer, f.arena, &out, &f.err));
    assert_int_equal(out.deleted.len, 2);
    struct vg_str marker = out.deleted.items[0].delete_marker_version_id;
    assert_true(out.deleted.items[0].delete_marker.v);
    assert_int_equal(marker.len, 32);
    assert_null(out.deleted.items[0].version_id.ptr);
    assert_true(vg_str_eq(out.deleted.items[1].version_id, id));
    assert_false(out.deleted.items[1].delete_marker.set);
    assert_string_equal(left(&f), "*a:-");
    answer = s3_test_call(&f, "DeleteObjects",
                          "{'Bucket':'bucket','Delete':{'Objects':[{'Key':'a','VersionId':'%" VG_FMT
                          "'}]}}",
                          VG_ARG(marker));
    assert_ok(vg_wire_from_json(&s3_shape_delete_objects_output, answer, f.arena, &out, &f.err));
    assert_true(vg_str_eq(out.deleted.items[0].delete_marker_version_id, marker));
    assert_string_equal(left(&f), "");
    vg_service_fixture_fini(&f);
}

/* "You submit the permissions for each": what one may not delete does not keep others. */
static void
each_key_is_allowed_by_itself(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_bucket(&f, VG_STR("Enabled"), true, VG_STR_NONE);
    struct vg_str governed = put_locked(&f, "GOVERNANCE", false);
    s3_test_put(&f, "b");
    s3_test_caller(&f, "{'Version':'2012-10-17','Statement':[{'Effect':'Allow','Action':["
                       "'s3:DeleteObject','s3:DeleteObjectVersion'],"
                       "'Resource':'arn:aws:s3:::bucket/a*'}]}");
    struct vg_str answer = s3_test_call(
        &f, "DeleteObjects",
        "{'Bucket':'bucket','BypassGovernanceRetention':true,'Delete':{'Quiet':true,'Objects':["
        "{'Key':'a','VersionId':'%" VG_FMT "'},{'Key':'b'}]}}",
        VG_ARG(governed));
    struct vg_str want = vg_str_fmt(
        f.arena,
        "{'Errors':[{'Key':'a','VersionId':'%" VG_FMT "','Code':'AccessDenied','Message':'Access "
        "Denied because object protected by object lock.'},"
        "{'Key':'b','Code':'AccessDenied','Message':'User: "
        "arn:aws:iam::000000000000:root is not authorized to perform: "
        "s3:DeleteObject on resource: \\'arn:aws:s3:::bucket/b\\' because "
        "no session policy allows the s3:DeleteObject action'}]}",
        VG_ARG(governed));
    s3_test_expect(&f, answer, vg_str_cstr(f.arena, want));
    s3_test_caller(&f, NULL);
    answer = s3_test_call(
        &f, "DeleteObjects",
        "{'Bucket':'bucket','BypassGovernanceRetention':true,'Delete':{'Quiet':true,'Objects':["
        "{'Key':'a','VersionId':'%" VG_FMT "'}]}}",
        VG_ARG(governed));
    s3_test_expect(&f, answer, "{}");
    assert_string_equal(left(&f), "*b");
    vg_service_fixture_fini(&f);
}

/* Policies test the request of each key as they would that of one delete. */
static void
what_is_known_of_the_caller_goes_for_each_key(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_test_req t;
    s3_test_begin(&f);
    s3_test_put(&f, "a");
    s3_test_caller(&f, "{'Version':'2012-10-17','Statement':[{'Effect':'Allow','Action':'s3:*',"
                       "'Resource':'*','Condition':{'IpAddress':{'aws:SourceIp':'192.0.2.1'}}}]}");
    struct s3_object_identifier one = { .key = VG_STR("a") };
    struct s3_delete del = { .objects = { .items = &one, .len = 1 } };
    const struct s3_delete_objects_request in = { .bucket = VG_STR("bucket"), .delete = &del };
    static const char *const from[] = { "192.0.2.2", "192.0.2.1" };
    for (size_t i = 0; i < VG_COUNT(from); i++) {
        const struct vg_ctx ctx = { VG_STR("aws:SourceIp"), vg_str_of(from[i]) };
        struct s3_delete_objects_output out = { 0 };
        struct vg_req *rq = s3_test_req(&f, &t);
        rq->op = &s3_op_delete_objects;
        assert_ok(vg_run(rq, &ctx, 1, &in, &out));
        assert_int_equal(out.errors.len, i == 0);
        assert_int_equal(out.deleted.len, i == 1);
    }
    vg_service_fixture_fini(&f);
}

static void
lists_that_are_none_are_malformed(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct vg_buf b;
    s3_test_begin(&f);
    s3_test_caller(&f, NULL);
    vg_buf_init(&b, f.arena, 1u << 20);
    for (int i = 0; i < 1001; i++)
        vg_buf_addf(&b, "%s{'Key':'%d'}", i ? "," : "", i);
    const char *const lists[] = { "", "{'Key':''}", vg_str_cstr(f.arena, vg_buf_str(&b)) };
    for (size_t i = 0; i < VG_COUNT(lists); i++)
        s3_test_expect(&f,
                       s3_test_call(&f, "DeleteObjects",
                                    "{'Bucket':'bucket','Delete':{'Objects':[%s]}}", lists[i]),
                       "MalformedXML: The XML you provided was not well-formed or did not validate "
                       "against our published schema");
    vg_service_fixture_expect(
        &f, "DeleteObjects", "{'Bucket':'nobody','Delete':{'Objects':[{'Key':'a'}]}}",
        "NoSuchBucket: The specified bucket does not exist {'BucketName':'nobody'}");
    vg_service_fixture_fini(&f);
}

static void
prepare(struct vg_service_fixture *f)
{
    s3_test_caller(f, NULL);
    s3_test_prepare(f);
    s3_test_put(f, "a");
    s3_test_bucket(f, VG_STR("Enabled"), false, VG_STR_NONE);
    s3_test_put(f, "a");
}

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    vg_service_fixture_fail_each(&s3_service, prepare, "DeleteObject",
                                 "{'Bucket':'bucket','Key':'a'}");
    vg_service_fixture_fail_each(&s3_service, prepare, "DeleteObject",
                                 "{'Bucket':'bucket','Key':'a','VersionId':'null'}");
    vg_service_fixture_fail_each(&s3_service, prepare, "DeleteObjects",
                                 "{'Bucket':'bucket','Delete':{'Objects':[{'Key':'a','VersionId':"
                                 "'null'},{'Key':'a'},{'Key':'b'}]}}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_versioning_an_object_is_gone),
        cmocka_unit_test(with_versioning_a_marker_hides_what_stays),
        cmocka_unit_test(with_versioning_suspended_the_null_version_becomes_the_marker),
        cmocka_unit_test(conditions_are_of_what_is_current),
        cmocka_unit_test(a_locked_version_stays_until_its_time),
        cmocka_unit_test(nothing_is_bypassed_where_nothing_is_locked),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(many_are_deleted_and_answered_one_by_one),
        cmocka_unit_test(markers_are_named_in_the_answer),
        cmocka_unit_test(each_key_is_allowed_by_itself),
        cmocka_unit_test(what_is_known_of_the_caller_goes_for_each_key),
        cmocka_unit_test(lists_that_are_none_are_malformed),
        cmocka_unit_test(every_operation_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
