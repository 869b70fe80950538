/* SPDX-License-Identifier: Apache-2.0 */

/* Bucket policies: which are accepted, which are public, and what they and lists allow. */

#include "core/service_test.h"

#include "auth/policy.h"
#include "core/authz.h"
#include "services/s3/s3_int.h"
#include "services/s3/s3_policy.h"

/* --- pure rules ---------------------------------------------------------------------------------
 */

#define ALLOW(rest) "{'Version':'2012-10-17','Statement':[{'Effect':'Allow'," rest "}]}"
#define ANYBODY     "'Principal':'*','Action':'s3:GetObject','Resource':'arn:aws:s3:::bucket/*'"

/* ' stands for "; what is wrong, or "public" or "closed". */
static const char *
checked(struct vg_arena *arena, const char *text)
{
    char *json = vg_arena_copy(arena, text, strlen(text) + 1);
    struct vg_err err = { 0 };
    struct s3_policy_text policy;
    for (char *p = json; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    if (s3_policy_check(arena, vg_str_of(json), VG_STR("bucket"), &policy, &err) != VG_OK)
        return vg_str_cstr(arena, vg_err_text(&err));
    return policy.is_public ? "public" : "closed";
}

struct row {
    const char *policy, *want;
};

static void
check_rows(const struct row *rows, size_t n)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    for (size_t i = 0; i < n; i++)
        if (strcmp(checked(arena, rows[i].policy), rows[i].want) != 0)
            fail_msg("%s\n  got  %s\n  want %s", rows[i].policy, checked(arena, rows[i].policy),
                     rows[i].want);
}

/* Texts as AWS answers them, by what versitygw and users of S3 report. */
static void
a_policy_must_fit_the_bucket(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "", "Policies must be valid JSON and the first byte must be '{'" },
        { " {}", "Policies must be valid JSON and the first byte must be '{'" },
        { "{", "This policy contains invalid Json" },
        { "{'Statement':[}", "This policy contains invalid Json" },
        { "{} {}", "This policy contains invalid Json" },
        { "{}", "Missing required field Statement" },
        { "{'Version':'2020-01-01','Statement':[]}",
          "The policy must contain a valid version string" },
        { "{'Statement':[]}", "Could not parse the policy: Statement is empty!" },
        { "{'Statement':[{" ANYBODY "}]}", "Missing required field Effect" },
        { "{'Statement':[{'Effect':'allow'," ANYBODY "}]}", "Invalid effect: allow" },
        { ALLOW("'Action':'s3:GetObject','Resource':'arn:aws:s3:::bucket/*'"),
          "Missing required field Principal" },
        { ALLOW("'Principal':'*','Resource':'arn:aws:s3:::bucket/*'"),
          "Missing required field Action" },
        { ALLOW("'Principal':'*','Action':'s3:GetObject'"), "Missing required field Resource" },
        { ALLOW("'Principal':'*','Action':'ec2:Run','Resource':'arn:aws:s3:::*'"),
          "Policy has invalid action" },
        { ALLOW("'Principal':'*','Action':'s3:GetObjects','Resource':'arn:aws:s3:::*'"),
          "Policy has invalid action" },
        { ALLOW("'Principal':'*','Action':'s3:GetObject','Resource':'*'"),
          "Policy has invalid resource" },
        { ALLOW("'Principal':'*','Action':'s3:GetObject','Resource':['arn:aws:s3:::*','*']"),
          "Policy has invalid resource" },
        { ALLOW("'Principal':'*','Action':'s3:GetObject','Resource':'arn:aws:s3:::other/*'"),
          "Policy has invalid resource" },
        { ALLOW("'Principal':'*','Action':'s3:GetObject','Resource':'bucket/*'"),
          "Policy has invalid resource" },
        { ALLOW("'Principal':'*','Action':'s3:GetObject','Resource':'arn:aws:s3:::bucket'"),
          "Action does not apply to any resource(s) in statement" },
        { ALLOW("'Principal':'*','Action':'s3:ListBucket','Resource':'arn:aws:s3:::bucket/*'"),
          "Action does not apply to any resource(s) in statement" },
        { ALLOW("'NotPrincipal':{'AWS':'111122223333'},'Action':'s3:*','Resource':"
                "'arn:aws:s3:::bucket'"),
          "Allow with NotPrincipal is not allowed." },
        { "{'Statement':{'NotPrincipal':{'AWS':'111122223333'},'Effect':'Deny','Action':'s3:*',"
          "'Resource':'arn:aws:s3:::bucket'}}",
          "closed" },
        { ALLOW("'Principal':{'CanonicalUser':'x'},'Action':'s3:GetObject','Resource':"
                "'arn:aws:s3:::*'"),
          "Invalid principal in policy" },
        { ALLOW("'Principal':{'AWS':'me'},'Action':'s3:GetObject','Resource':'arn:aws:s3:::*'"),
          "Invalid principal in policy" },
        { ALLOW("'Principal':{'AWS':'arn:aws:iam::111122223333:user/a?'},'Action':'s3:GetObject',"
                "'Resource':'arn:aws:s3:::*'"),
          "Invalid principal in policy" },
        { ALLOW("'Principal':{'AWS':'arn:aws:iam::12:root'},'Action':'s3:GetObject',"
                "'Resource':'arn:aws:s3:::*'"),
          "Invalid principal in policy" },
        { ALLOW("'Principal':{'AWS':'arn:aws:s3:::bucket'},'Action':'s3:GetObject',"
                "'Resource':'arn:aws:s3:::*'"),
          "Invalid principal in policy" },
        { ALLOW("'Principal':{'Service':'*.amazonaws.com'},'Action':'s3:GetObject',"
                "'Resource':'arn:aws:s3:::*'"),
          "Invalid principal in policy" },
        { ALLOW("'Principal':{'AWS':['arn:aws:iam::111122223333:role/a/b','111122223333',"
                "'arn:aws:sts::111122223333:assumed-role/r/s']},'Action':'s3:GetObject',"
                "'Resource':'arn:aws:s3:::*'"),
          "closed" },
        { ALLOW(ANYBODY ",'Condition':{'StringEquals':{'s3:nothing':'x'}}"),
          "Policy has an invalid condition key" },
        { ALLOW(ANYBODY ",'Condition':{'StringEquals':{'ec2:Region':'x'}}"),
          "Policy has an invalid condition key" },
        { ALLOW(ANYBODY ",'Condition':{'StringEquals':{'s3:ExistingObjectTag/':'x'}}"),
          "Policy has an invalid condition key" },
        { ALLOW(ANYBODY ",'Condition':{'StringEquals':{'S3:existingObjectTag/a':'x'}}"), "public" },
        { ALLOW(ANYBODY), "public" },
        { ALLOW("'Principal':'*','Action':'s3:*','Resource':'arn:aws:s3:::bucket'"), "public" },
        { ALLOW("'Principal':'*','Action':'S3:get*','Resource':'arn:aws:s3:::buck*'"), "public" },
        { "{'Statement':{'Effect':'Deny'," ANYBODY "}}", "closed" },
    };
    check_rows(rows, VG_COUNT(rows));
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
 * #access-control-block-public-access-policy-status */
static void
a_policy_is_public_unless_it_names_fixed_values(void **state)
{
    (void)state;
#define WITH(cond) ALLOW(ANYBODY ",'Condition':{" cond "}")
    static const struct row rows[] = {
        { ALLOW("'Principal':{'AWS':'111122223333'},'Action':'s3:*','Resource':"
                "'arn:aws:s3:::bucket'"),
          "closed" },
        { ALLOW("'Principal':{'AWS':['111122223333','*']},'Action':'s3:*','Resource':"
                "'arn:aws:s3:::bucket'"),
          "public" },
        { ALLOW("'Principal':{'Service':'logging.s3.amazonaws.com'},'Action':'s3:*','Resource':"
                "'arn:aws:s3:::bucket'"),
          "closed" },
        { WITH("'StringLike':{'aws:SourceVpc':'vpc-91237329'}"), "closed" },
        { WITH("'StringLike':{'aws:SourceVpc':'vpc-*'}"), "public" },
        { WITH("'StringEquals':{'aws:SourceVpc':'${aws:PrincipalTag/vpc}'}"), "public" },
        { WITH("'StringNotEquals':{'aws:SourceVpc':'vpc-91237329'}"), "public" },
        { WITH("'StringEqualsIfExists':{'aws:SourceVpc':'vpc-91237329'}"), "public" },
        { WITH("'StringEquals':{'aws:Referer':'http://example.com'}"), "public" },
        { WITH("'StringEquals':{'aws:PrincipalOrgID':['o-1','o-2']}"), "closed" },
        { WITH("'StringEquals':{'aws:PrincipalOrgID':['o-1','*']}"), "public" },
        { WITH("'IpAddress':{'aws:SourceIp':'192.0.2.0/24'}"), "closed" },
        { WITH("'IpAddress':{'aws:SourceIp':['192.0.2.0/24','2001:db8::/32']}"), "closed" },
        { WITH("'IpAddress':{'aws:SourceIp':'0.0.0.0/1'}"), "public" },
        { WITH("'IpAddress':{'aws:SourceIp':'::/1'}"), "public" },
        { WITH("'NotIpAddress':{'aws:SourceIp':'192.0.2.0/24'}"), "public" },
        { WITH("'StringEquals':{'aws:SourceVpc':'v'}},'Condition':{"), "public" },
        { ALLOW("'Principal':{'AWS':'111122223333'},'Action':'s3:*','Resource':"
                "'arn:aws:s3:::bucket'},{'Effect':'Allow'," ANYBODY),
          "public" },
    };
    check_rows(rows, VG_COUNT(rows));
}

static void
a_policy_has_at_most_20_kib_without_white_space(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    for (int extra = 0; extra <= 1; extra++) {
        struct vg_buf b;
        vg_buf_init(&b, arena, 1u << 20);
        vg_buf_addf(&b, "{'Id': \n'");
        size_t tail = strlen("',") + strlen(ALLOW(ANYBODY)) - 1;
        while (b.len < S3_POLICY_MAX_BYTES + (size_t)extra + 2 - tail)
            vg_buf_addc(&b, ' '); /* in a text it counts */
        vg_buf_addf(&b, "',%s", &ALLOW(ANYBODY)[1]);
        assert_string_equal(checked(arena, vg_str_cstr(arena, vg_buf_str(&b))),
                            extra ? "Normalized policy document exceeds the maximum allowed size "
                                    "of 20480 bytes"
                                  : "public");
    }
}

/* --- what they allow ----------------------------------------------------------------------------
 */

#define ME  "000000000000"
#define YOU "111122223333"

static const struct vg_principal root_of_me = { .kind = VG_PRINCIPAL_ROOT,
                                                .account = VG_STR_INIT(ME),
                                                .arn = VG_STR_INIT("arn:aws:iam::" ME ":root") };
static const struct vg_principal root_of_you = { .kind = VG_PRINCIPAL_ROOT,
                                                 .account = VG_STR_INIT(YOU),
                                                 .arn = VG_STR_INIT("arn:aws:iam::" YOU ":root") };

/* What the evaluator says once it has been told of the resource. */
static bool
may(struct vg_service_fixture *f, const struct vg_principal *who, const struct vg_op *op,
    const char *action, const char *arn)
{
    struct vg_sess sess;
    struct vg_scope scope = f->scope;
    struct vg_resource about = { 0 };
    struct vg_decision d;
    const struct vg_policy *compiled = NULL;
    scope.caller = who;
    vg_sess_init(&sess, f->env.kv, f->arena);
    struct vg_req rq = { .arena = f->arena,
                         .env = &f->env,
                         .scope = &scope,
                         .op = op,
                         .svc = f->svc,
                         .sess = &sess,
                         .err = &f->err };
    assert_ok(s3_service.resource(&rq, vg_str_of(arn), &about));
    assert_str(about.owner, ME);
    if (about.policy.ptr)
        assert_ok(
            vg_policy_compile(f->arena, about.policy, VG_POLICY_FOR_RESOURCE, &compiled, &f->err));
    const struct vg_policies all = { .resource = compiled };
    const struct vg_access what = { .action = vg_str_of(action),
                                    .resource = vg_str_of(arn),
                                    .resource_account = about.owner };
    vg_policy_decide(f->arena, &all, who, &what, 0, &d);
    return d.is_allowed;
}

#define MAY(f, who, action, arn) may(f, who, &s3_op_head_bucket, action, arn)
#define BUCKET                   "arn:aws:s3:::bucket"
#define OBJECT                   "arn:aws:s3:::bucket/a/b"

static void
make_bucket(struct vg_service_fixture *f)
{
    vg_service_fixture_ok(f, "CreateBucket",
                          "{'Bucket':'bucket','ObjectOwnership':"
                          "'ObjectWriter'}");
}

/* The text of a policy inside JSON; ~ stands for the quotes in it. */
static const char *
put_policy(struct vg_service_fixture *f, const char *statement)
{
    struct vg_buf b;
    vg_buf_init(&b, f->arena, 1u << 20);
    vg_buf_addf(&b, "{'Bucket':'bucket','Policy':'{~Statement~:[%s]}'}", statement);
    struct vg_buf text;
    vg_buf_init(&text, f->arena, 1u << 20);
    for (size_t i = 0; i < b.len; i++)
        vg_buf_adds(&text, b.ptr[i] == '~' ? VG_STR("\\\"") : vg_str_n(&b.ptr[i], 1));
    return vg_str_cstr(f->arena, vg_buf_str(&text));
}

#define TO_ALL                                                                                     \
    "{~Effect~:~Allow~,~Principal~:~*~,~Action~:~s3:GetObject~,~Resource~:"                        \
    "~arn:aws:s3:::bucket/*~}"
#define TO_YOU                                                                                     \
    "{~Effect~:~Allow~,~Principal~:{~AWS~:~" YOU "~},~Action~:~s3:ListBucket~,~Resource~:"         \
    "~arn:aws:s3:::bucket~}"
#define FROM_ALL                                                                                   \
    "{~Effect~:~Deny~,~Principal~:~*~,~Action~:~s3:*~,~Resource~:~arn:aws:s3:::bucket~}"

static void
public_policies_are_blocked_or_restricted(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, make_bucket);
    vg_service_fixture_expect(&f, "PutBucketPolicy", put_policy(&f, TO_ALL),
                              "AccessDenied: Access Denied");
    vg_service_fixture_expect(&f, "GetBucketPolicy", "{'Bucket':'bucket'}",
                              "NoSuchBucketPolicy: The bucket policy does not exist "
                              "{'BucketName':'bucket'}");
    vg_service_fixture_ok(&f, "DeletePublicAccessBlock", "{'Bucket':'bucket'}");
    assert_false(MAY(&f, &vg_principal_anonymous, "s3:GetObject", OBJECT));
    vg_service_fixture_ok(&f, "PutBucketPolicy", put_policy(&f, TO_ALL "," TO_YOU));
    vg_service_fixture_expect(&f, "GetBucketPolicyStatus", "{'Bucket':'bucket'}",
                              "{'PolicyStatus':{'IsPublic':true}}");
    assert_true(MAY(&f, &vg_principal_anonymous, "s3:GetObject", OBJECT));
    assert_false(MAY(&f, &vg_principal_anonymous, "s3:ListBucket", BUCKET));
    assert_true(MAY(&f, &root_of_you, "s3:ListBucket", BUCKET));
    vg_service_fixture_ok(&f, "PutPublicAccessBlock",
                          "{'Bucket':'bucket','PublicAccessBlockConfiguration':"
                          "{'RestrictPublicBuckets':true}}");
    assert_false(MAY(&f, &vg_principal_anonymous, "s3:GetObject", OBJECT));
    assert_false(MAY(&f, &root_of_you, "s3:ListBucket", BUCKET));
    assert_true(MAY(&f, &root_of_me, "s3:ListBucket", BUCKET));
    vg_service_fixture_ok(&f, "PutBucketPolicy", put_policy(&f, TO_YOU));
    vg_service_fixture_expect(&f, "GetBucketPolicyStatus", "{'Bucket':'bucket'}",
                              "{'PolicyStatus':{'IsPublic':false}}");
    assert_true(MAY(&f, &root_of_you, "s3:ListBucket", BUCKET));
    vg_service_fixture_ok(&f, "DeleteBucketPolicy", "{'Bucket':'bucket'}");
    assert_false(MAY(&f, &root_of_you, "s3:ListBucket", BUCKET));
    vg_service_fixture_fini(&f);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html */
static void
the_owners_root_cannot_lock_itself_out(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, make_bucket);
    vg_service_fixture_ok(&f, "PutBucketPolicy", put_policy(&f, FROM_ALL));
    assert_false(MAY(&f, &root_of_me, "s3:ListBucket", BUCKET));
    assert_true(may(&f, &root_of_me, &s3_op_put_bucket_policy, "s3:PutBucketPolicy", BUCKET));
    assert_true(may(&f, &root_of_me, &s3_op_get_bucket_policy, "s3:GetBucketPolicy", BUCKET));
    assert_true(may(&f, &root_of_me, &s3_op_delete_bucket_policy, "s3:DeleteBucketPolicy", BUCKET));
    assert_false(may(&f, &root_of_you, &s3_op_put_bucket_policy, "s3:PutBucketPolicy", BUCKET));
    vg_service_fixture_fini(&f);
}

static void
policies_are_the_owners_business(void **state)
{
    (void)state;
    static const char *const ops[] = { "GetBucketPolicy", "DeleteBucketPolicy" };
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, make_bucket);
    vg_service_fixture_ok(&f, "PutBucketPolicy", put_policy(&f, TO_YOU));
    f.scope.caller = &root_of_you;
    for (size_t i = 0; i < VG_COUNT(ops); i++)
        assert_true(
            vg_str_starts(vg_service_fixture_call(&f, ops[i], "{'Bucket':'bucket'}"),
                          VG_STR("MethodNotAllowed: The specified method is not allowed against "
                                 "this resource.")));
    assert_true(
        vg_str_starts(vg_service_fixture_call(&f, "PutBucketPolicy", put_policy(&f, TO_YOU)),
                      VG_STR("MethodNotAllowed")));
    vg_service_fixture_fini(&f);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions */
static void
lists_allow_what_they_grant(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, make_bucket);
    vg_service_fixture_ok(&f, "DeletePublicAccessBlock", "{'Bucket':'bucket'}");
    vg_service_fixture_ok(&f, "PutBucketAcl", "{'Bucket':'bucket','ACL':'authenticated-read'}");
    assert_false(MAY(&f, &vg_principal_anonymous, "s3:ListBucket", BUCKET));
    assert_true(MAY(&f, &root_of_you, "s3:ListBucket", BUCKET));
    vg_service_fixture_ok(&f, "PutBucketAcl", "{'Bucket':'bucket','ACL':'public-read-write'}");
    assert_true(MAY(&f, &vg_principal_anonymous, "s3:ListBucket", BUCKET));
    assert_true(MAY(&f, &vg_principal_anonymous, "s3:PutObject", OBJECT));
    assert_false(MAY(&f, &vg_principal_anonymous, "s3:GetObject", OBJECT));
    assert_false(MAY(&f, &vg_principal_anonymous, "s3:GetBucketAcl", BUCKET));
    vg_service_fixture_ok(&f, "PutBucketPolicy", put_policy(&f, TO_ALL));
    assert_true(MAY(&f, &vg_principal_anonymous, "s3:GetObject", OBJECT));
    assert_true(MAY(&f, &vg_principal_anonymous, "s3:ListBucket", BUCKET));
    vg_service_fixture_ok(&f, "DeleteBucketPolicy", "{'Bucket':'bucket'}");
    vg_service_fixture_ok(&f, "PutPublicAccessBlock",
                          "{'Bucket':'bucket','PublicAccessBlockConfiguration':"
                          "{'IgnorePublicAcls':true}}");
    assert_false(MAY(&f, &vg_principal_anonymous, "s3:ListBucket", BUCKET));
    vg_service_fixture_ok(
        &f, "PutBucketAcl",
        vg_str_cstr(f.arena, vg_str_fmt(f.arena,
                                        "{'Bucket':'bucket','GrantFullControl':"
                                        "'id=%" VG_FMT "'}",
                                        VG_ARG(s3_canonical_id(f.arena, VG_STR(YOU))))));
    assert_true(MAY(&f, &root_of_you, "s3:GetBucketAcl", BUCKET));
    assert_true(MAY(&f, &root_of_you, "s3:PutObject", OBJECT));
    assert_false(MAY(&f, &root_of_you, "s3:DeleteBucket", BUCKET));
    assert_false(MAY(&f, &vg_principal_anonymous, "s3:GetBucketAcl", BUCKET));
    vg_service_fixture_fini(&f);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html */
static void
policies_test_what_requests_ask_for(void **state)
{
    (void)state;
    static const struct vg_str want[] = { VG_STR_INIT("s3:x-amz-acl=private"),
                                          VG_STR_INIT("s3:x-amz-object-ownership=ObjectWriter"),
                                          VG_STR_INIT("s3:locationconstraint=eu-west-1") };
    struct vg_service_fixture f;
    vg_service_fixture_init(&f, &s3_service);
    struct s3_create_bucket_configuration conf = { .location_constraint.text =
                                                       VG_STR("eu-west-1") };
    const struct s3_create_bucket_request in = {
        .acl = { .v = S3_BUCKET_CANNED_ACL_PRIVATE, .text = VG_STR("private") },
        .object_ownership.text = VG_STR("ObjectWriter"),
        .bucket = VG_STR("bucket"),
        .create_bucket_configuration = &conf,
    };
    struct vg_req rq = { .arena = f.arena, .scope = &f.scope, .op = &s3_op_create_bucket };
    struct vg_authz az = { .rq = &rq };
    assert_ok(s3_authz_create_bucket(&rq, &in, &az));
    assert_int_equal(az.items.len, 2);
    assert_str(az.items.items[0].action, "s3:CreateBucket");
    assert_str(az.items.items[1].action, "s3:PutBucketOwnershipControls");
    assert_int_equal(az.items.items[0].n_ctx, VG_COUNT(want));
    for (size_t i = 0; i < VG_COUNT(want); i++) {
        const struct vg_ctx *c = &az.items.items[0].ctx[i];
        struct vg_str got =
            vg_str_fmt(f.arena, "%" VG_FMT "=%" VG_FMT, VG_ARG(c->key), VG_ARG(c->value));
        assert_true(vg_str_eq(got, want[i]));
    }
    const struct s3_put_bucket_acl_request acl = { .bucket = VG_STR("bucket"),
                                                   .grant_read = VG_STR("id=1") };
    az = (struct vg_authz) { .rq = &rq };
    rq.op = &s3_op_put_bucket_acl;
    assert_ok(s3_authz_put_bucket_acl(&rq, &acl, &az));
    assert_str(az.items.items[0].resource, BUCKET);
    assert_int_equal(az.items.items[0].n_ctx, 1);
    assert_str(az.items.items[0].ctx[0].key, "s3:x-amz-grant-read");
    assert_str(az.items.items[0].ctx[0].value, "id=1");
    vg_service_fixture_fini(&f);
}

/* S3 says so to everybody. */
static void
a_bucket_that_is_not_there_is_nobodys(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct vg_sess sess;
    struct vg_resource about = { 0 };
    vg_service_fixture_init(&f, &s3_service);
    vg_sess_init(&sess, f.env.kv, f.arena);
    struct vg_req rq = { .arena = f.arena,
                         .env = &f.env,
                         .scope = &f.scope,
                         .op = &s3_op_head_bucket,
                         .svc = f.svc,
                         .sess = &sess,
                         .err = &f.err };
    assert_int_equal(s3_service.resource(&rq, VG_STR(BUCKET), &about), VG_FAIL);
    assert_ptr_equal(f.err.def, &s3_err_no_such_bucket);
    rq.op = &s3_op_create_bucket;
    assert_ok(s3_service.resource(&rq, VG_STR(BUCKET), &about));
    rq.op = NULL; /* another service asks */
    assert_ok(s3_service.resource(&rq, VG_STR(BUCKET), &about));
    assert_null(about.owner.ptr);
    vg_service_fixture_fini(&f);
}

static void
prepare(struct vg_service_fixture *f)
{
    make_bucket(f);
    vg_service_fixture_ok(f, "PutBucketPolicy", put_policy(f, TO_YOU));
}

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    static const char *const ops[] = { "GetBucketPolicy", "GetBucketPolicyStatus",
                                       "DeleteBucketPolicy" };
    struct vg_service_fixture f;
    for (size_t i = 0; i < VG_COUNT(ops); i++)
        vg_service_fixture_fail_each(&s3_service, prepare, ops[i], "{'Bucket':'bucket'}");
    vg_service_fixture_init(&f, &s3_service);
    vg_service_fixture_fail_each(&s3_service, make_bucket, "PutBucketPolicy",
                                 put_policy(&f, TO_YOU));
    vg_service_fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_must_fit_the_bucket),
        cmocka_unit_test(a_policy_is_public_unless_it_names_fixed_values),
        cmocka_unit_test(a_policy_has_at_most_20_kib_without_white_space),
        cmocka_unit_test(public_policies_are_blocked_or_restricted),
        cmocka_unit_test(the_owners_root_cannot_lock_itself_out),
        cmocka_unit_test(policies_are_the_owners_business),
        cmocka_unit_test(lists_allow_what_they_grant),
        cmocka_unit_test(policies_test_what_requests_ask_for),
        cmocka_unit_test(a_bucket_that_is_not_there_is_nobodys),
        cmocka_unit_test(every_operation_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
