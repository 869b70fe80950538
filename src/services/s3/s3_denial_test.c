/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What S3 tells those whom it refuses, by the examples of
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
 */

#include "services/s3/s3_object_test.h"

#include "auth/policy.h"

#define MARY "arn:aws:iam::123456789012:user/MaryMajor"
#define WHO  "User: " MARY " is not authorized to perform: "

static const struct vg_principal mary = { .kind = VG_PRINCIPAL_USER,
                                          .account = VG_STR_INIT("123456789012"),
                                          .arn = VG_STR_INIT(MARY) };
static const struct vg_decision none = { .by = VG_POLICY_IDENTITY };
static const struct vg_decision deny = { .by = VG_POLICY_RESOURCE, .is_explicit = true };

struct told {
    struct vg_access what;
    const struct vg_principal *who;
    const struct vg_decision *why;
    const char *want;
};

#define GET(owner)                                                                                 \
    {                                                                                              \
        .action = VG_STR_INIT("s3:GetObject"),                                                     \
        .resource = VG_STR_INIT("arn:aws:s3:::amzn-s3-demo-bucket1/object-name"),                  \
        .resource_account = VG_STR_INIT(owner)                                                     \
    }

static void
who_may_know_is_told_why(void **state)
{
    (void)state;
    static const struct told all[] = {
        { GET("123456789012"), &mary, &none,
          WHO "s3:GetObject on resource: \"arn:aws:s3:::amzn-s3-demo-bucket1/object-name\" because "
              "no identity-based policy allows the s3:GetObject action" },
        { GET("123456789012"), &mary, &deny,
          WHO "s3:GetObject on resource: \"arn:aws:s3:::amzn-s3-demo-bucket1/object-name\" with an "
              "explicit deny in a resource-based policy" },
        { { .action = VG_STR_INIT("s3:ListAllMyBuckets"), .resource = VG_STR_INIT("*") },
          &mary,
          &none,
          WHO "s3:ListAllMyBuckets because no identity-based policy allows the "
              "s3:ListAllMyBuckets action" },
        { GET("777788889999"), &mary, &none, "Access Denied" },
        { GET("123456789012"), &vg_principal_anonymous, &none, "Access Denied" },
    };
    struct vg_service_fixture f;
    struct s3_test_req t;
    s3_test_begin(&f);
    struct vg_req *rq = s3_test_req(&f, &t);
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        f.scope.caller = all[i].who;
        struct vg_str told = s3_denial(rq, &all[i].what, all[i].why);
        assert_string_equal(vg_str_cstr(f.arena, told), all[i].want);
    }
    vg_service_fixture_fini(&f);
}

/* The action is the operation's name there. */
static void
settings_of_the_bucket_are_named(void **state)
{
    (void)state;
    const struct s3_rec_bucket bucket = { .name = VG_STR("b"), .account = VG_STR("123456789012") };
    struct vg_service_fixture f;
    struct s3_test_req t;
    s3_test_begin(&f);
    struct vg_req *rq = s3_test_req(&f, &t);
    f.scope.caller = &mary;
    assert_int_equal(s3_denied(rq, &bucket, VG_STR("k"), S3_PUBLIC_ACLS), VG_FAIL);
    assert_str(vg_err_text(&f.err),
               WHO "s3:PutObject on resource: \"arn:aws:s3:::b/k\" because public ACLs are "
                   "prevented by the BlockPublicAcls setting in S3 Block Public Access.");
    rq = s3_test_req(&f, &t);
    rq->op = &s3_op_put_bucket_acl;
    assert_int_equal(s3_denied(rq, &bucket, VG_STR_NONE, S3_PUBLIC_ACLS), VG_FAIL);
    assert_str(vg_err_text(&f.err),
               WHO "s3:PutBucketAcl on resource: \"arn:aws:s3:::b\" because public ACLs are "
                   "prevented by the BlockPublicAcls setting in S3 Block Public Access.");
    f.scope.caller = &vg_principal_anonymous;
    assert_int_equal(s3_denied(s3_test_req(&f, &t), &bucket, VG_STR("k"), S3_PUBLIC_ACLS), VG_FAIL);
    assert_str(vg_err_text(&f.err), "Access Denied");
    vg_service_fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_know_is_told_why),
        cmocka_unit_test(settings_of_the_bucket_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
