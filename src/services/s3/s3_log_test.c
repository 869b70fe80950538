/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Server access logs: their configuration, their names, their lines.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
 */

#include "services/s3/s3_log.h"

#include "services/s3/s3_object_test.h"

#define PUT(target) "{'Bucket':'bucket','BucketLoggingStatus':{'LoggingEnabled':{" target "}}}"
#define TO(bucket)  "'TargetBucket':'" bucket "','TargetPrefix':'log/'"
#define BAD_XML                                                                                    \
    "MalformedXML: The XML you provided was not well-formed or did not validate against our "      \
    "published schema"
#define LOG_DELIVERY "http://acs.amazonaws.com/groups/s3/LogDelivery"

/* "logs" takes no lists, "old" does. */
static void
make_buckets(struct vg_service_fixture *f)
{
    s3_test_prepare(f);
    s3_test_caller(f, NULL);
    vg_service_fixture_ok(f, "CreateBucket", "{'Bucket':'logs'}");
    vg_service_fixture_ok(f, "CreateBucket", "{'Bucket':'old','ObjectOwnership':'ObjectWriter'}");
}

/* --- the configuration --------------------------------------------------------------------------
 */

static void
a_configuration_is_kept_as_it_was_put(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "GetBucketLogging", "{'Bucket':'bucket'}", "{}" },
        { "PutBucketLogging", PUT(TO("logs")), "ok" },
        { "GetBucketLogging", "{'Bucket':'bucket'}",
          "{'LoggingEnabled':{'TargetBucket':'logs','TargetPrefix':'log/'}}" },
        { "PutBucketLogging", PUT(TO("logs") ",'TargetObjectKeyFormat':{'SimplePrefix':{}}"),
          "ok" },
        { "GetBucketLogging", "{'Bucket':'bucket'}",
          "~'TargetObjectKeyFormat':{'SimplePrefix':{}}" },
        { "PutBucketLogging",
          PUT("'TargetBucket':'bucket','TargetPrefix':'','TargetObjectKeyFormat':"
              "{'PartitionedPrefix':{'PartitionDateSource':'DeliveryTime'}}"),
          "ok" },
        { "GetBucketLogging", "{'Bucket':'bucket'}",
          "{'LoggingEnabled':{'TargetBucket':'bucket','TargetPrefix':'','TargetObjectKeyFormat':"
          "{'PartitionedPrefix':{'PartitionDateSource':'DeliveryTime'}}}}" },
        { "PutBucketLogging", "{'Bucket':'bucket','BucketLoggingStatus':{}}", "ok" },
        { "GetBucketLogging", "{'Bucket':'bucket'}", "{}" },
        { "PutBucketLogging", "{'Bucket':'none','BucketLoggingStatus':{}}", "NoSuchBucket" },
        { "PutBucketLogging",
          "{'Bucket':'bucket','ExpectedBucketOwner':'111122223333','BucketLoggingStatus':{}}",
          "AccessDenied" },
        { "GetBucketLogging", "{'Bucket':'bucket','ExpectedBucketOwner':'111122223333'}",
          "AccessDenied" },
    };
    s3_test_play(make_buckets, steps, VG_COUNT(steps));
}

static void
what_is_no_configuration_is_refused(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "PutBucketLogging", "{'Bucket':'bucket'}", BAD_XML },
        { "PutBucketLogging", PUT("'TargetBucket':'logs'"), BAD_XML },
        { "PutBucketLogging", PUT("'TargetPrefix':''"), BAD_XML },
        { "PutBucketLogging", PUT(TO("logs") ",'TargetObjectKeyFormat':{}"), BAD_XML },
        { "PutBucketLogging",
          PUT(TO("logs") ",'TargetObjectKeyFormat':{'SimplePrefix':{},'PartitionedPrefix':{}}"),
          BAD_XML },
        { "PutBucketLogging",
          PUT(TO("logs") ",'TargetObjectKeyFormat':{'PartitionedPrefix':{'PartitionDateSource':"
                         "'Never'}}"),
          BAD_XML },
        { "PutBucketLogging", PUT(TO("logs") ",'TargetGrants':[{'Permission':'READ'}]"), BAD_XML },
        { "PutBucketLogging",
          PUT(TO("logs") ",'TargetGrants':[{'Permission':'ALL','Grantee':{'Type':'Group','URI':"
                         "'" LOG_DELIVERY "'}}]"),
          BAD_XML },
        { "PutBucketLogging",
          PUT(TO("logs") ",'TargetGrants':[{'Permission':'READ','Grantee':{'Type':'Group','URI':"
                         "'http://example.com'}}]"),
          "InvalidArgument: Invalid group uri" },
    };
    s3_test_play(make_buckets, steps, VG_COUNT(steps));
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and texts as they were seen:
 * https://github.com/scality/cloudserver/pull/6015,
 * https://github.com/hashicorp/terraform-provider-aws/issues/31771 */
static void
not_every_bucket_holds_logs(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "PutBucketLogging", PUT(TO("none")),
          "InvalidTargetBucketForLogging: The target bucket for logging does not exist "
          "{'TargetBucket':'none'}" },
        { "PutBucketLogging", PUT(TO("yours")),
          "InvalidTargetBucketForLogging: The owner for the bucket to be logged and the target "
          "bucket must be the same. {'TargetBucket':'yours'}" },
        { "PutBucketLogging", PUT(TO("far")),
          "CrossLocationLoggingProhibitted: Cross S3 location logging not allowed.  "
          "{'TargetBucketLocation':'eu-west-1'}" },
        { "PutBucketLogging",
          PUT(TO("logs") ",'TargetGrants':[{'Permission':'READ','Grantee':{'Type':'Group','URI':"
                         "'" LOG_DELIVERY "'}}]"),
          "AccessControlListNotSupported: Target grants not allowed for bucket owner enforced "
          "buckets" },
        { "PutBucketLogging", PUT(TO("locked")), "InvalidTargetBucketForLogging" },
        { "PutBucketLogging", PUT(TO("payed")), "InvalidTargetBucketForLogging" },
        { "GetBucketLogging", "{'Bucket':'bucket'}", "{}" },
    };
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, make_buckets);
    vg_service_fixture_ok(&f, "CreateBucket",
                          "{'Bucket':'locked','ObjectLockEnabledForBucket':true}");
    vg_service_fixture_ok(&f, "CreateBucket", "{'Bucket':'payed'}");
    vg_service_fixture_ok(&f, "CreateBucket",
                          "{'Bucket':'far','CreateBucketConfiguration':{'LocationConstraint':"
                          "'eu-west-1'}}");
    vg_service_fixture_ok(&f, "PutBucketRequestPayment",
                          "{'Bucket':'payed','RequestPaymentConfiguration':{'Payer':'Requester'}}");
    f.scope.owner = VG_STR("111122223333");
    vg_service_fixture_ok(&f, "CreateBucket", "{'Bucket':'yours'}");
    f.scope.owner = f.config.account;
    s3_test_steps(&f, steps, VG_COUNT(steps));
    vg_service_fixture_fini(&f);
}

/* Where lists count the service must be let in, by one of them or by a policy. */
static void
the_service_is_let_in_first(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "PutBucketLogging", PUT(TO("old")),
          "InvalidTargetBucketForLogging: You must either provide the necessary permissions" },
        { "PutBucketAcl", "{'Bucket':'old','ACL':'log-delivery-write'}", "ok" },
        { "PutBucketLogging",
          PUT(TO("old") ",'TargetGrants':[{'Permission':'READ_ACP','Grantee':{'Type':'Group',"
                        "'URI':'" LOG_DELIVERY "'}}]"),
          "ok" },
        { "PutBucketAcl", "{'Bucket':'old','ACL':'private'}", "ok" },
        { "PutBucketLogging", PUT(TO("old")), "InvalidTargetBucketForLogging" },
    };
    static const struct {
        const char *prefix, *source;
        bool is_allowed;
    } policies[] = {
        { "log/", "bucket", true },
        { "other/", "bucket", false },
        { "log/", "other", false },
    };
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, make_buckets);
    s3_test_steps(&f, steps, VG_COUNT(steps));
    for (size_t i = 0; i < VG_COUNT(policies); i++) {
        struct vg_str answer = s3_test_call(
            &f, "PutBucketPolicy",
            "{'Bucket':'old','Policy':'{\\'Version\\':\\'2012-10-17\\',\\'Statement\\':[{"
            "\\'Effect\\':\\'Allow\\',\\'Principal\\':{\\'Service\\':"
            "\\'logging.s3.amazonaws.com\\'},\\'Action\\':\\'s3:PutObject\\',\\'Resource\\':"
            "\\'arn:aws:s3:::old/%s*\\',\\'Condition\\':{\\'ArnLike\\':{\\'aws:SourceArn\\':"
            "\\'arn:aws:s3:::%s\\'},\\'StringEquals\\':{\\'aws:SourceAccount\\':"
            "\\'000000000000\\'}}}]}'}",
            policies[i].prefix, policies[i].source);
        assert_true(vg_service_fixture_is_ok(answer));
        answer = vg_service_fixture_call(&f, "PutBucketLogging", PUT(TO("old")));
        assert_int_equal(vg_service_fixture_is_ok(answer), policies[i].is_allowed);
    }
    vg_service_fixture_fini(&f);
}

/* --- names --------------------------------------------------------------------------------------
 */

static void
log_objects_are_called_by_their_time(void **state)
{
    (void)state;
    const int64_t event_ms = INT64_C(1383274936000), delivered_ms = INT64_C(1383341536000);
    const uint64_t unique = UINT64_C(0xE568B2907131C0C0);
    struct vg_arena *arena = vg_arena_new(0);
    struct s3_partitioned_prefix parts = { .partition_date_source = { .v = 0 } };
    struct s3_target_object_key_format format = { .simple_prefix = NULL };
    struct s3_logging_enabled conf = { .target_prefix = VG_STR("logs/") };
    const struct s3_log_source from = { VG_STR("bucket"), VG_STR("111122223333"),
                                        VG_STR("us-west-2") };
    /* the user guide's own example */
    assert_str(s3_log_key(arena, &conf, &from, event_ms, delivered_ms, unique),
               "logs/2013-11-01-21-32-16-E568B2907131C0C0");
    conf.target_object_key_format = &format;
    format.partitioned_prefix = &parts;
    assert_true(s3_log_is_by_event(&conf));
    assert_str(s3_log_key(arena, &conf, &from, event_ms, delivered_ms, 1),
               "logs/111122223333/us-west-2/bucket/2013/11/01/"
               "2013-11-01-00-00-00-0000000000000001");
    parts.partition_date_source = VG_ENUM(S3_PARTITION_DATE_SOURCE_DELIVERY_TIME);
    assert_false(s3_log_is_by_event(&conf));
    assert_str(s3_log_key(arena, &conf, &from, event_ms - 86400000, delivered_ms, unique),
               "logs/111122223333/us-west-2/bucket/2013/11/01/"
               "2013-11-01-21-32-16-E568B2907131C0C0");
    vg_arena_free(arena);
}

/* --- where the disk fails -----------------------------------------------------------------------
 */

static void
prepare(struct vg_service_fixture *f)
{
    vg_service_fixture_ok(f, "CreateBucket", "{'Bucket':'bucket'}");
    vg_service_fixture_ok(f, "CreateBucket", "{'Bucket':'logs'}");
}

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    vg_service_fixture_fail_each(&s3_service, prepare, "PutBucketLogging", PUT(TO("logs")));
    vg_service_fixture_fail_each(&s3_service, prepare, "GetBucketLogging", "{'Bucket':'bucket'}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_configuration_is_kept_as_it_was_put),
        cmocka_unit_test(what_is_no_configuration_is_refused),
        cmocka_unit_test(not_every_bucket_holds_logs),
        cmocka_unit_test(the_service_is_let_in_first),
        cmocka_unit_test(log_objects_are_called_by_their_time),
        cmocka_unit_test(every_operation_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
