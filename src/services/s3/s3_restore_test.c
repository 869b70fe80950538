/* SPDX-License-Identifier: Apache-2.0 */

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html */

#include "services/s3/s3_object_test.h"
#include "services/s3/s3_restore.h"

#define RESTORE(key, members) "{'Bucket':'bucket','Key':'" key "','RestoreRequest':{" members "}}"
#define TIER(t)               "'GlacierJobParameters':{'Tier':'" t "'}"
#define HEAD(key)             "{'Bucket':'bucket','Key':'" key "'}"

static void
prepare(struct vg_service_fixture *f)
{
    s3_test_prepare(f);
    s3_test_put(f, "standard");
    s3_test_put_version(f, VG_STR("g"),
                        (struct s3_rec_version) { .storage_class = VG_STR("GLACIER") });
    s3_test_put_version(f, VG_STR("d"),
                        (struct s3_rec_version) { .storage_class = VG_STR("DEEP_ARCHIVE") });
    s3_test_put_version(f, VG_STR("i"),
                        (struct s3_rec_version) { .storage_class = VG_STR("GLACIER_IR") });
}

static void
requests_are_checked(void **state)
{
    (void)state;
    static const char not_archived[] = "InvalidObjectState: Restore is not allowed for the object";
    static const struct s3_step steps[] = {
        { "RestoreObject", HEAD("g"), "MalformedXML" },
        { "RestoreObject", RESTORE("g", TIER("Bulk")), "MalformedXML" },
        { "RestoreObject", RESTORE("g", "'Days':1," TIER("Slow")), "MalformedXML" },
        { "RestoreObject", RESTORE("g", "'Days':0"), "InvalidArgument" },
        { "RestoreObject", RESTORE("g", "'Type':'SELECT'"), "MethodNotAllowed" },
        { "RestoreObject", RESTORE("none", "'Days':1"), "NoSuchKey" },
        { "RestoreObject", RESTORE("standard", "'Days':1"), not_archived },
        { "RestoreObject", RESTORE("i", "'Days':1"), not_archived },
        { "RestoreObject", RESTORE("d", "'Days':1," TIER("Expedited")),
          "InvalidArgument: Retrieval option is not supported by this storage class" },
        { "HeadObject", HEAD("d"), "~'StorageClass':'DEEP_ARCHIVE'" },
    };
    s3_test_play(prepare, steps, VG_COUNT(steps));
}

static void
only_a_faster_tier_hurries_a_restore(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "RestoreObject", RESTORE("g", "'Days':1," TIER("Bulk")), "ok" },
        { "HeadObject", HEAD("g"), "~'Restore':'ongoing-request=\\\"true\\\"'" },
        { "GetObject", HEAD("g"), "InvalidObjectState" },
        { "RestoreObject", RESTORE("g", "'Days':1," TIER("Bulk")),
          "RestoreAlreadyInProgress: Object restore is already in progress" },
        { "RestoreObject", RESTORE("g", "'Days':1"), "ok" },
        { "RestoreObject", RESTORE("g", "'Days':1"), "RestoreAlreadyInProgress" },
        { "RestoreObject", RESTORE("g", "'Days':1,'Tier':'Expedited'"), "ok" },
        { "RestoreObject", RESTORE("g", "'Days':1,'Tier':'Expedited'"),
          "RestoreAlreadyInProgress" },
        { "ListObjectsV2", "{'Bucket':'bucket','Prefix':'g'}",
          "~'Size':1,'StorageClass':'GLACIER'}" },
        { "ListObjectsV2",
          "{'Bucket':'bucket','Prefix':'g','OptionalObjectAttributes':['RestoreStatus']}",
          "~'RestoreStatus':{'IsRestoreInProgress':true}" },
    };
    s3_test_play(prepare, steps, VG_COUNT(steps));
}

static void
a_copy_is_there_between_two_times(void **state)
{
    (void)state;
    const struct s3_rec_version none = { .size = 1 };
    const struct s3_rec_version v = { .restore_ready_ms = { true, 100 },
                                      .restore_until_ms = { true, 200 } };
    assert_int_equal(s3_restore_state(&none, 150), S3_RESTORE_NONE);
    assert_int_equal(s3_restore_state(&v, 99), S3_RESTORE_ONGOING);
    assert_int_equal(s3_restore_state(&v, 100), S3_RESTORE_DONE);
    assert_int_equal(s3_restore_state(&v, 199), S3_RESTORE_DONE);
    assert_int_equal(s3_restore_state(&v, 200), S3_RESTORE_NONE);
}

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    vg_service_fixture_fail_each(&s3_service, prepare, "RestoreObject", RESTORE("g", "'Days':1"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_checked),
        cmocka_unit_test(only_a_faster_tier_hurries_a_restore),
        cmocka_unit_test(a_copy_is_there_between_two_times),
        cmocka_unit_test(every_operation_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
