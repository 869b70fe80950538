/* SPDX-License-Identifier: Apache-2.0 */

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html; what keeps deletes off is
 * in s3_delete_test.c. */

#include "services/s3/s3_object_test.h"

#include "codec/time.h"

#define DAY_MS 86400000

static const char *
date(struct vg_service_fixture *f, int64_t days)
{
    int64_t ms = (vg_now_ms(&f->env) / 1000 * 1000) + days * DAY_MS;
    return vg_str_cstr(f->arena, vg_time_iso(f->arena, ms));
}

static struct vg_str
retain(struct vg_service_fixture *f, const char *mode, const char *until, const char *more)
{
    return s3_test_call(f, "PutObjectRetention",
                        "{'Bucket':'bucket','Key':'a','Retention':{'Mode':'%s',"
                        "'RetainUntilDate':'%s'}%s}",
                        mode, until, more);
}

#define BYPASS ",'BypassGovernanceRetention':true"

static void
begin(struct vg_service_fixture *f)
{
    s3_test_begin(f);
    s3_test_bucket(f, VG_STR("Enabled"), true, VG_STR_NONE);
    s3_test_put(f, "a");
}

static void
expect_mode(struct vg_service_fixture *f, const char *mode)
{
    struct s3_get_object_retention_output out = { 0 };
    assert_ok(vg_wire_from_json(
        &s3_shape_get_object_retention_output,
        vg_service_fixture_ok(f, "GetObjectRetention", "{'Bucket':'bucket','Key':'a'}"), f->arena,
        &out, &f->err));
    assert_true(vg_str_eq(out.retention->mode.text, vg_str_of(mode)));
    assert_true(out.retention->retain_until_date_ms.v > vg_now_ms(&f->env));
}

static const char denied[] = "AccessDenied: Access Denied because object protected by object lock.";

static void
governance_is_weakened_only_by_who_bypasses_it(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f);
    s3_test_expect(&f, retain(&f, "GOVERNANCE", date(&f, 10), ""), "{}");
    expect_mode(&f, "GOVERNANCE");
    s3_test_expect(&f, retain(&f, "GOVERNANCE", date(&f, 5), ""), denied);
    s3_test_expect(&f, retain(&f, "GOVERNANCE", date(&f, 20), ""), "{}");
    s3_test_expect(&f, retain(&f, "GOVERNANCE", date(&f, 5), BYPASS), "{}");
    vg_service_fixture_expect(&f, "PutObjectRetention",
                              "{'Bucket':'bucket','Key':'a','Retention':{}}", denied);
    vg_service_fixture_expect(&f, "PutObjectRetention",
                              "{'Bucket':'bucket','Key':'a','Retention':{}" BYPASS "}", "{}");
    vg_service_fixture_expect(
        &f, "GetObjectRetention", "{'Bucket':'bucket','Key':'a'}",
        "NoSuchObjectLockConfiguration: The specified object does not have a ObjectLock "
        "configuration {'Key':'a'}");
    vg_service_fixture_fini(&f);
}

static void
compliance_is_weakened_by_nobody(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f);
    s3_test_expect(&f, retain(&f, "COMPLIANCE", date(&f, 10), ""), "{}");
    s3_test_expect(&f, retain(&f, "COMPLIANCE", date(&f, 5), BYPASS), denied);
    s3_test_expect(&f, retain(&f, "GOVERNANCE", date(&f, 20), BYPASS), denied);
    vg_service_fixture_expect(&f, "PutObjectRetention",
                              "{'Bucket':'bucket','Key':'a','Retention':{}" BYPASS "}", denied);
    s3_test_expect(&f, retain(&f, "COMPLIANCE", date(&f, 20), ""), "{}");
    expect_mode(&f, "COMPLIANCE");
    vg_service_fixture_fini(&f);
}

static void
retentions_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char malformed[] =
        "MalformedXML: The XML you provided was not well-formed or did not validate against our "
        "published schema";
    struct vg_service_fixture f;
    begin(&f);
    s3_test_expect(&f, retain(&f, "GOVERNANCE", "2001-02-03T04:05:06Z", ""),
                   "InvalidArgument: The retain until date must be in the future! "
                   "{'ArgumentName':'RetainUntilDate','ArgumentValue':'2001-02-03T04:05:06Z'}");
    s3_test_expect(&f, retain(&f, "OTHER", date(&f, 1), ""), malformed);
    vg_service_fixture_expect(&f, "PutObjectRetention", "{'Bucket':'bucket','Key':'a'}", malformed);
    vg_service_fixture_expect(&f, "PutObjectRetention",
                              "{'Bucket':'bucket','Key':'a','Retention':{'Mode':'GOVERNANCE'}}",
                              malformed);
    vg_service_fixture_fini(&f);
}

static void
a_hold_is_on_off_or_was_never_said(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f);
    vg_service_fixture_expect(
        &f, "GetObjectLegalHold", "{'Bucket':'bucket','Key':'a'}",
        "NoSuchObjectLockConfiguration: The specified object does not have a ObjectLock "
        "configuration {'Key':'a'}");
    static const char *const states[] = { "ON", "OFF" };
    for (size_t i = 0; i < VG_COUNT(states); i++) {
        s3_test_expect(&f,
                       s3_test_call(&f, "PutObjectLegalHold",
                                    "{'Bucket':'bucket','Key':'a','LegalHold':{'Status':'%s'}}",
                                    states[i]),
                       "{}");
        struct vg_str want = vg_str_fmt(f.arena, "{'LegalHold':{'Status':'%s'}}", states[i]);
        vg_service_fixture_expect(&f, "GetObjectLegalHold", "{'Bucket':'bucket','Key':'a'}",
                                  vg_str_cstr(f.arena, want));
    }
    vg_service_fixture_expect(
        &f, "PutObjectLegalHold", "{'Bucket':'bucket','Key':'a','LegalHold':{'Status':'maybe'}}",
        "MalformedXML: The XML you provided was not well-formed or did not validate against our "
        "published schema");
    vg_service_fixture_fini(&f);
}

static const struct vg_service_call calls[] = {
    { "PutObjectLegalHold", "{'Bucket':'bucket','Key':'a','LegalHold':{'Status':'ON'}}" },
    { "GetObjectLegalHold", "{'Bucket':'bucket','Key':'a'}" },
    { "PutObjectRetention", "{'Bucket':'bucket','Key':'a','Retention':{'Mode':'GOVERNANCE',"
                            "'RetainUntilDate':'2999-01-01T00:00:00Z'}}" },
    { "GetObjectRetention", "{'Bucket':'bucket','Key':'a'}" },
};

static void
a_bucket_without_object_lock_has_neither(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_put(&f, "a");
    for (size_t i = 0; i < VG_COUNT(calls); i++)
        vg_service_fixture_expect(&f, calls[i].name, calls[i].json,
                                  "InvalidRequest: Bucket is missing Object Lock Configuration");
    vg_service_fixture_fini(&f);
}

static void
prepare(struct vg_service_fixture *f)
{
    s3_test_prepare(f);
    s3_test_bucket(f, VG_STR("Enabled"), true, VG_STR_NONE);
    s3_test_put_version(f, VG_STR("a"),
                        (struct s3_rec_version) { .lock_mode = VG_STR("GOVERNANCE"),
                                                  .lock_until_ms = { true, 1 },
                                                  .has_legal_hold = true });
}

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    vg_service_fixture_fail_all(&s3_service, prepare, calls, VG_COUNT(calls));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(governance_is_weakened_only_by_who_bypasses_it),
        cmocka_unit_test(compliance_is_weakened_by_nobody),
        cmocka_unit_test(retentions_that_are_none_are_refused),
        cmocka_unit_test(a_hold_is_on_off_or_was_never_said),
        cmocka_unit_test(a_bucket_without_object_lock_has_neither),
        cmocka_unit_test(every_operation_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
