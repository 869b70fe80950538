/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/policy.h"
#include "base/test.h"

#include <stdio.h>
#include <time.h>

#define ACCT  "111111111111"
#define OTHER "222222222222"
#define TABLE "arn:aws:dynamodb:us-east-1:" ACCT ":table/notes"
#define S(effect, action, resource, more)                                                          \
    "{\"Effect\":\"" effect "\",\"Action\":\"" action "\",\"Resource\":\"" resource "\"" more "}"
#define P(statements)  "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"
#define BY(principal)  ",\"Principal\":{\"AWS\":\"" principal "\"}"
#define COND(op, k, v) ",\"Condition\":{\"" op "\":{\"" k "\":" v "}}"

static const struct vg_principal user = {
    .kind = VG_PRINCIPAL_USER,
    .account = VG_STR_INIT(ACCT),
    .arn = VG_STR_INIT("arn:aws:iam::" ACCT ":user/dev/ann"),
    .user_id = VG_STR_INIT("AIDAEXAMPLE"),
    .name = VG_STR_INIT("ann"),
};
static const struct vg_principal role = {
    .kind = VG_PRINCIPAL_ROLE,
    .account = VG_STR_INIT(ACCT),
    .arn = VG_STR_INIT("arn:aws:sts::" ACCT ":assumed-role/Fn/s1"),
    .role_arn = VG_STR_INIT("arn:aws:iam::" ACCT ":role/Fn"),
    .name = VG_STR_INIT("Fn"),
};
static const struct vg_principal stranger = {
    .kind = VG_PRINCIPAL_USER,
    .account = VG_STR_INIT(OTHER),
    .arn = VG_STR_INIT("arn:aws:iam::" OTHER ":user/eve"),
    .name = VG_STR_INIT("eve"),
};
static const struct vg_principal root = { .kind = VG_PRINCIPAL_ROOT,
                                          .account = VG_STR_INIT(ACCT),
                                          .arn = VG_STR_INIT("arn:aws:iam::" ACCT ":root") };
static const struct vg_principal service = { .kind = VG_PRINCIPAL_SERVICE,
                                             .account = VG_STR_INIT(ACCT),
                                             .arn = VG_STR_INIT("lambda.amazonaws.com"),
                                             .name = VG_STR_INIT("lambda.amazonaws.com") };
static const struct vg_principal nobody = { .kind = VG_PRINCIPAL_ANONYMOUS };

#define ALLOW_ALL     P(S("Allow", "*", "*", ""))
#define ALLOW_PUT     P(S("Allow", "dynamodb:PutItem", "*", ""))
#define ALLOW_GET     P(S("Allow", "dynamodb:GetItem", "*", ""))
#define ALLOW_PUT_ONE S("Allow", "dynamodb:PutItem", "*", "")
#define DENY_PUT      P(S("Deny", "dynamodb:PutItem", "*", ""))

/* https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html */
static const struct rule {
    const char *rule;
    const struct vg_principal *who;
    const char *identity, *resource, *boundary, *session, *scp;
    const char *want; /* "allow", or "deny"/"none" and the type */
} rules[] = {
    { "by default all is denied", &user, 0, 0, 0, 0, 0, "none identity" },
    { "an allow overrides the default", &user, ALLOW_PUT, 0, 0, 0, 0, "allow" },
    { "an allow of something else does not", &user, ALLOW_GET, 0, 0, 0, 0, "none identity" },
    { "an explicit deny overrides any allow", &user,
      P(S("Allow", "*", "*", "") "," S("Deny", "dynamodb:Put*", "*", "")), 0, 0, 0, 0,
      "deny identity" },
    { "root may do all in its account", &root, 0, 0, 0, 0, 0, "allow" },
    { "a resource policy may deny root", &root, 0, P(S("Deny", "*", "*", BY("*"))), 0, 0, 0,
      "deny resource" },
    { "a resource policy alone allows a user of its account", &user, 0,
      P(S("Allow", "*", "*", BY("arn:aws:iam::" ACCT ":user/dev/ann"))), 0, 0, 0, "allow" },
    { "a resource policy for the account delegates only", &user, 0,
      P(S("Allow", "*", "*", BY(ACCT))), 0, 0, 0, "none identity" },
    { "another account needs both: identity missing", &stranger, 0,
      P(S("Allow", "*", "*", BY(OTHER))), 0, 0, 0, "none identity" },
    { "another account needs both: resource missing", &stranger, ALLOW_ALL, 0, 0, 0, 0,
      "none resource" },
    { "another account with both", &stranger, ALLOW_PUT,
      P(S("Allow", "*", "*", BY("arn:aws:iam::" OTHER ":root"))), 0, 0, 0, "allow" },
    { "a boundary limits identity policies", &user, ALLOW_ALL, 0, ALLOW_GET, 0, 0,
      "none boundary" },
    { "a boundary grants nothing", &user, 0, 0, ALLOW_ALL, 0, 0, "none identity" },
    { "a boundary does not limit a grant to the user itself", &user, 0,
      P(S("Allow", "*", "*", BY("arn:aws:iam::" ACCT ":user/dev/ann"))), ALLOW_GET, 0, 0, "allow" },
    { "a boundary limits a grant to the role", &role, 0,
      P(S("Allow", "*", "*", BY("arn:aws:iam::" ACCT ":role/Fn"))), ALLOW_GET, 0, 0,
      "none boundary" },
    { "a boundary does not limit a grant to the session", &role, 0,
      P(S("Allow", "*", "*", BY("arn:aws:sts::" ACCT ":assumed-role/Fn/s1"))), ALLOW_GET, 0, 0,
      "allow" },
    { "a boundary's deny counts always", &user, ALLOW_ALL, 0, DENY_PUT, 0, 0, "deny boundary" },
    { "a session policy limits the role", &role, ALLOW_ALL, 0, 0, ALLOW_GET, 0, "none session" },
    { "a session policy grants nothing", &role, 0, 0, 0, ALLOW_ALL, 0, "none identity" },
    { "both role and session allow", &role, ALLOW_ALL, 0, 0, ALLOW_PUT, 0, "allow" },
    { "a session policy limits a grant to the role", &role, 0,
      P(S("Allow", "*", "*", BY("arn:aws:iam::" ACCT ":role/Fn"))), 0, ALLOW_GET, 0,
      "none session" },
    { "a session policy does not limit a grant to the session", &role, 0,
      P(S("Allow", "*", "*", BY("arn:aws:sts::" ACCT ":assumed-role/Fn/s1"))), 0, ALLOW_GET, 0,
      "allow" },
    { "an SCP must allow", &user, ALLOW_ALL, 0, 0, 0, ALLOW_GET, "none scp" },
    { "an SCP's deny reaches root", &root, 0, 0, 0, 0, DENY_PUT, "deny scp" },
    { "a service needs the resource's policy", &service, ALLOW_ALL, 0, 0, 0, 0, "none resource" },
    { "a service that is named", &service, 0,
      P(S("Allow", "*", "*", ",\"Principal\":{\"Service\":\"lambda.amazonaws.com\"}")), 0, 0, 0,
      "allow" },
    { "a service does not match the account it works for", &service, 0,
      P(S("Allow", "*", "*", BY(ACCT))), 0, 0, 0, "none resource" },
    { "nobody needs a star", &nobody, 0, P(S("Allow", "*", "*", BY(ACCT))), 0, 0, 0,
      "none resource" },
    { "nobody with a star", &nobody, 0, P(S("Allow", "*", "*", ",\"Principal\":\"*\"")), 0, 0, 0,
      "allow" },
    { "NotAction leaves out", &user,
      P("{\"Effect\":\"Allow\",\"NotAction\":\"dynamodb:Put*\",\"Resource\":\"*\"}"), 0, 0, 0, 0,
      "none identity" },
    { "NotResource leaves out", &user,
      P("{\"Effect\":\"Allow\",\"Action\":\"*\",\"NotResource\":\"" TABLE "\"}"), 0, 0, 0, 0,
      "none identity" },
    { "NotPrincipal denies the others", &user, ALLOW_ALL,
      P("{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"NotPrincipal\":{\"AWS\":\"arn:"
        "aws:iam::" ACCT ":user/bob\"}}"),
      0, 0, 0, "deny resource" },
    { "actions match without case", &user, P(S("Allow", "DYNAMODB:putITEM", "*", "")), 0, 0, 0, 0,
      "allow" },
    { "resources match with case", &user,
      P(S("Allow", "*", "arn:aws:dynamodb:us-east-1:" ACCT ":table/Notes", "")), 0, 0, 0, 0,
      "none identity" },
    { "a wildcard stays inside its field of the ARN", &user,
      P(S("Allow", "*", "arn:aws:dynamodb:us-east-1*table/notes", "")), 0, 0, 0, 0,
      "none identity" },
    { "a question mark is one character", &user,
      P(S("Allow", "*", "arn:aws:dynamodb:*:*:table/n?tes", "")), 0, 0, 0, 0, "allow" },
    { "a variable is replaced", &user,
      P(S("Allow", "*", "arn:aws:dynamodb:*:*:table/${d:none, 'notes'}", "")), 0, 0, 0, 0,
      "allow" },
    { "a variable without a value matches nothing", &user,
      P(S("Allow", "*", "arn:aws:dynamodb:*:*:table/${d:none}*", "")), 0, 0, 0, 0,
      "none identity" },
    { "a variable without a value equals nothing", &user,
      P(S("Allow", "*", "*", COND("StringEquals", "aws:username", "\"${d:none}\""))), 0, 0, 0, 0,
      "none identity" },
    { "… and a negated operator matches it", &user,
      P(S("Allow", "*", "*", COND("StringNotEquals", "aws:username", "\"${d:none}\""))), 0, 0, 0, 0,
      "allow" },
    { "… of several too", &user,
      P(S("Allow", "*", "*", COND("StringNotLike", "aws:username", "[\"${d:none}\",\"bob\"]"))), 0,
      0, 0, 0, "allow" },
    { "StringEquals", &user,
      P(S("Allow", "*", "*", COND("StringEquals", "aws:username", "[\"bob\",\"ann\"]"))), 0, 0, 0,
      0, "allow" },
    { "StringNotEquals is true of none", &user,
      P(S("Allow", "*", "*", COND("StringNotEquals", "aws:username", "[\"bob\",\"ann\"]"))), 0, 0,
      0, 0, "none identity" },
    { "a missing key fails", &user, P(S("Allow", "*", "*", COND("StringEquals", "x:y", "\"a\""))),
      0, 0, 0, 0, "none identity" },
    { "a missing key passes IfExists", &user,
      P(S("Allow", "*", "*", COND("StringEqualsIfExists", "x:y", "\"a\""))), 0, 0, 0, 0, "allow" },
    { "a missing key passes a negated operator", &user,
      P(S("Allow", "*", "*", COND("StringNotEquals", "x:y", "\"a\""))), 0, 0, 0, 0, "allow" },
    { "a missing key passes ForAllValues", &user,
      P(S("Allow", "*", "*", COND("ForAllValues:StringEquals", "x:y", "\"a\""))), 0, 0, 0, 0,
      "allow" },
    { "a missing key fails ForAnyValue", &user,
      P(S("Allow", "*", "*", COND("ForAnyValue:StringEquals", "x:y", "\"a\""))), 0, 0, 0, 0,
      "none identity" },
    { "Null true wants it missing", &user,
      P(S("Allow", "*", "*", COND("Null", "aws:username", "\"true\""))), 0, 0, 0, 0,
      "none identity" },
    { "ForAllValues needs each", &user,
      P(S("Allow", "*", "*", COND("ForAllValues:StringLike", "aws:TagKeys", "[\"e*\"]"))), 0, 0, 0,
      0, "none identity" },
    { "ForAnyValue needs one", &user,
      P(S("Allow", "*", "*", COND("ForAnyValue:StringLike", "aws:TagKeys", "[\"e*\"]"))), 0, 0, 0,
      0, "allow" },
    { "numbers compare as numbers", &user,
      P(S("Allow", "*", "*", COND("NumericLessThan", "s3:max-keys", "100"))), 0, 0, 0, 0, "allow" },
    { "dates compare as instants", &user,
      P(S("Allow", "*", "*",
          COND("DateGreaterThan", "aws:CurrentTime", "\"2023-11-14T23:13:19+01:00\""))),
      0, 0, 0, 0, "allow" },
    { "epoch seconds are dates", &user,
      P(S("Allow", "*", "*", COND("DateLessThan", "aws:CurrentTime", "\"1700000000\""))), 0, 0, 0,
      0, "none identity" },
    { "an address lies in a network", &user,
      P(S("Allow", "*", "*", COND("IpAddress", "aws:SourceIp", "\"10.0.0.0/8\""))), 0, 0, 0, 0,
      "allow" },
    { "NotIpAddress", &user,
      P(S("Allow", "*", "*", COND("NotIpAddress", "aws:SourceIp", "[\"0.0.0.0/0\"]"))), 0, 0, 0, 0,
      "none identity" },
    { "ArnLike goes field by field", &user,
      P(S("Allow", "*", "*", COND("ArnLike", "aws:PrincipalArn", "\"arn:aws:iam::*:user/*/ann\""))),
      0, 0, 0, 0, "allow" },
    { "a role's ARN is the principal's ARN", &role,
      P(S("Allow", "*", "*",
          COND("ArnEquals", "aws:PrincipalArn", "\"arn:aws:iam::" ACCT ":role/Fn\""))),
      0, 0, 0, 0, "allow" },
    { "Bool", &user, P(S("Allow", "*", "*", COND("Bool", "aws:SecureTransport", "false"))), 0, 0, 0,
      0, "allow" },
    { "BinaryEquals", &user, P(S("Allow", "*", "*", COND("BinaryEquals", "x:bin", "\"QUI=\""))), 0,
      0, 0, 0, "allow" },
    { "tags of the resource", &user,
      P(S("Allow", "*", "*", COND("StringEquals", "aws:ResourceTag/team", "\"blue\""))), 0, 0, 0, 0,
      "allow" },
    { "the owner of the resource", &user,
      P(S("Allow", "*", "*", COND("StringEquals", "aws:ResourceAccount", "\"" ACCT "\""))), 0, 0, 0,
      0, "allow" },
    { "the owner of the resource as S3 calls it", &user,
      P(S("Allow", "*", "*", COND("StringEquals", "s3:ResourceAccount", "\"" ACCT "\""))), 0, 0, 0,
      0, "allow" },
    { "all conditions must hold", &user,
      P("{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":"
        "{\"aws:username\":\"ann\",\"x:bin\":\"no\"}}}"),
      0, 0, 0, 0, "none identity" },
};

static const struct vg_policy *
compiled(struct vg_arena *a, const char *json, enum vg_policy_use use)
{
    const struct vg_policy *p = NULL;
    struct vg_err err = { 0 };
    if (json && vg_policy_compile(a, vg_str_of(json), use, &p, &err) != VG_OK)
        fail_msg("%s: %" VG_FMT, json, VG_ARG(vg_err_text(&err)));
    return p;
}

static const struct vg_ctx ctx[] = {
    { VG_STR_INIT("aws:TagKeys"), VG_STR_INIT("env") },
    { VG_STR_INIT("aws:TagKeys"), VG_STR_INIT("team") },
    { VG_STR_INIT("s3:max-keys"), VG_STR_INIT("20") },
    { VG_STR_INIT("aws:SourceIp"), VG_STR_INIT("10.1.2.3") },
    { VG_STR_INIT("aws:SecureTransport"), VG_STR_INIT("false") },
    { VG_STR_INIT("x:bin"), VG_STR_INIT("QUI=") },
};
static const struct vg_tag tags[] = { { VG_STR_INIT("team"), VG_STR_INIT("blue") } };
static const struct vg_access put_item = {
    .action = VG_STR_INIT("dynamodb:PutItem"),
    .resource = VG_STR_INIT(TABLE),
    .ctx = ctx,
    .n_ctx = VG_COUNT(ctx),
    .resource_tags = tags,
    .n_resource_tags = 1,
};

static void
aws_evaluation_rules_hold(void **state)
{
    (void)state;
    static const char *const types[] = { "", "identity", "resource", "boundary", "session", "scp" };
    for (size_t i = 0; i < VG_COUNT(rules); i++) {
        const struct rule *r = &rules[i];
        vg_auto_arena struct vg_arena *a = vg_arena_new(0);
        const struct vg_policy *id = compiled(a, r->identity, VG_POLICY_FOR_IDENTITY);
        const struct vg_policy *se = compiled(a, r->session, VG_POLICY_FOR_IDENTITY);
        const struct vg_policy *scp = compiled(a, r->scp, VG_POLICY_FOR_IDENTITY);
        const struct vg_policies all = {
            .identity = &id,
            .n_identity = id != NULL,
            .boundary = compiled(a, r->boundary, VG_POLICY_FOR_IDENTITY),
            .has_session = se != NULL,
            .session = &se,
            .n_session = se != NULL,
            .resource = compiled(a, r->resource, VG_POLICY_FOR_RESOURCE),
            .scp = &scp,
            .n_scp = scp != NULL,
        };
        struct vg_decision d;
        vg_policy_decide(a, &all, r->who, &put_item, 1700000000000, &d);
        struct vg_str got =
            d.is_allowed ? VG_STR("allow")
                         : vg_str_fmt(a, "%s %s", d.is_explicit ? "deny" : "none", types[d.by]);
        if (!vg_str_eq(got, vg_str_of(r->want)))
            fail_msg("%s: got %" VG_FMT ", want %s", r->rule, VG_ARG(got), r->want);
    }
}

/* What the simulator shows: all that applies, with places as AWS counts (the README of iam). */
static void
an_explanation_names_every_statement_that_applies(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    const char *json = "{\"Statement\":[" ALLOW_PUT_ONE
                       ", " S("Deny", "dynamodb:*", "*", "") "," ALLOW_PUT_ONE "]}";
    const size_t one = sizeof(ALLOW_PUT_ONE) - 1;
    const struct vg_policy *id = compiled(a, json, VG_POLICY_FOR_IDENTITY);
    const struct vg_policies all = { .identity = &id, .n_identity = 1, .boundary = id };
    struct vg_decision d;
    vg_matches found = { 0 };
    vg_policy_explain(a, &all, &user, &put_item, 0, &d, &found);
    assert_true(!d.is_allowed && d.is_explicit);
    assert_int_equal(found.len, 6);
    assert_int_equal(found.items[0].start, 14);
    assert_int_equal(found.items[0].end, 14 + one);
    assert_int_equal(found.items[1].start, 14 + one);
    assert_true(found.items[1].is_deny && json[found.items[1].end - 1] == '}');
    assert_int_equal(found.items[2].end, strlen(json) - 2);
    assert_int_equal(found.items[5].type, VG_POLICY_BOUNDARY);
}

static const struct vg_ctx late_ctx[] = {
    { VG_STR_INIT("dynamodb:Select"), VG_STR_INIT("COUNT") },
};

static vg_rc
gather_late(struct vg_ctx_source *src)
{
    int *n = src->arg;
    ++*n;
    src->ctx = late_ctx;
    src->n_ctx = 1;
    return VG_OK;
}

static vg_rc
fail_to_gather(struct vg_ctx_source *src)
{
    (void)src;
    return VG_FAIL;
}

/* What costs something to gather is gathered once, and only where a policy tests a key of it. */
static void
late_keys_are_gathered_when_a_policy_tests_one(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    const struct vg_policy *id = compiled(a, ALLOW_ALL, VG_POLICY_FOR_IDENTITY);
    const struct vg_policies all = { .identity = &id, .n_identity = 1 };
    struct vg_decision d;
    int n = 0;
    struct vg_ctx_source src = { .prefix = VG_STR("dynamodb:"), .gather = gather_late, .arg = &n };
    struct vg_access what = put_item;
    what.source = &src;
    vg_policy_decide(a, &all, &user, &what, 0, &d);
    assert_true(d.is_allowed);
    assert_int_equal(n, 0);
    id = compiled(
        a,
        P(S("Allow", "dynamodb:*", "*",
            ",\"Condition\":{\"StringEquals\":{\"DynamoDB:select\":\"COUNT\","
            "\"aws:SourceIp\":\"10.1.2.3\"},\"Null\":{\"dynamodb:Attributes\":\"true\"}}")),
        VG_POLICY_FOR_IDENTITY);
    vg_policy_decide(a, &all, &user, &what, 0, &d);
    assert_true(d.is_allowed);
    assert_int_equal(n, 1);
    struct vg_ctx_source failing = { .prefix = VG_STR("dynamodb:"), .gather = fail_to_gather };
    what.source = &failing;
    vg_policy_decide(a, &all, &user, &what, 0, &d);
    assert_int_equal(failing.rc, VG_FAIL);
}

/* "an allow at every level from the root": one of the level's policies does. */
static void
one_scp_of_each_level_must_allow(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    const struct vg_policy *id = compiled(a, ALLOW_ALL, VG_POLICY_FOR_IDENTITY);
    const struct vg_policy *get = compiled(a, ALLOW_GET, VG_POLICY_FOR_IDENTITY);
    const struct vg_policy *scp[] = { id, get, id };
    const size_t together[] = { 1, 2, 2 }, apart[] = { 1, 2, 3 };
    struct vg_policies all = { .identity = &id, .n_identity = 1, .scp = scp, .n_scp = 3 };
    struct vg_decision d;
    all.scp_level = together;
    vg_policy_decide(a, &all, &user, &put_item, 0, &d);
    assert_true(d.is_allowed);
    all.scp_level = apart;
    vg_policy_decide(a, &all, &user, &put_item, 0, &d);
    assert_true(!d.is_allowed && d.by == VG_POLICY_SCP);
}

/* A trust policy must allow even inside the account (sts:AssumeRole). */
static void
a_required_policy_must_allow_or_delegate(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_access what = put_item;
    what.action = VG_STR("sts:AssumeRole");
    what.resource = VG_STR("arn:aws:iam::" ACCT ":role/R");
    what.is_resource_policy_required = true;
    const struct vg_policy *id = compiled(a, ALLOW_ALL, VG_POLICY_FOR_IDENTITY);
    struct vg_policies all = { .identity = &id, .n_identity = 1 };
    struct vg_decision d;
    static const char by_service[] =
        "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"lambda.amazonaws.com\"}"
        ",\"Action\":\"sts:AssumeRole\"}}";
    static const char by_account[] =
        "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"" ACCT "\"}"
        ",\"Action\":\"sts:AssumeRole\"}}";
    all.resource = compiled(a, by_service, VG_POLICY_FOR_TRUST);
    vg_policy_decide(a, &all, &user, &what, 0, &d);
    assert_false(d.is_allowed);
    assert_int_equal(d.by, VG_POLICY_RESOURCE);
    all.resource = compiled(a, by_account, VG_POLICY_FOR_TRUST);
    vg_policy_decide(a, &all, &user, &what, 0, &d);
    assert_true(d.is_allowed);
    all.n_identity = 0;
    vg_policy_decide(a, &all, &user, &what, 0, &d);
    assert_int_equal(d.by, VG_POLICY_IDENTITY);
}

/* "Grants … allow AWS principals to use KMS keys", also those of another account and without an
 * IAM policy; an explicit deny overrides them:
 * https://docs.aws.amazon.com/kms/latest/developerguide/grants.html */
static void
a_grant_is_enough_but_for_denials_and_bounds(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_access what = put_item;
    struct vg_policies all = { 0 };
    struct vg_decision d;
    what.is_resource_policy_required = true;
    what.is_granted = true;
    vg_policy_decide(a, &all, &user, &what, 0, &d);
    assert_true(d.is_allowed);
    vg_policy_decide(a, &all, &stranger, &what, 0, &d);
    assert_true(d.is_allowed);
    vg_policy_decide(a, &all, &service, &what, 0, &d);
    assert_true(d.is_allowed);
    all.boundary = compiled(a, ALLOW_GET, VG_POLICY_FOR_IDENTITY);
    vg_policy_decide(a, &all, &user, &what, 0, &d);
    assert_int_equal(d.by, VG_POLICY_BOUNDARY);
    const struct vg_policy *deny = compiled(a, DENY_PUT, VG_POLICY_FOR_IDENTITY);
    all = (struct vg_policies) { .identity = &deny, .n_identity = 1 };
    vg_policy_decide(a, &all, &user, &what, 0, &d);
    assert_true(d.is_explicit);
}

/* https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html */
static void
denials_read_as_aws_words_them(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    const struct vg_decision none = { .by = VG_POLICY_IDENTITY };
    assert_str(vg_auth_denial(a, &user, &put_item, &none),
               "User: arn:aws:iam::" ACCT ":user/dev/ann is not authorized to perform: "
               "dynamodb:PutItem on resource: " TABLE
               " because no identity-based policy allows the dynamodb:PutItem action");
    const struct vg_decision deny = { .is_explicit = true, .by = VG_POLICY_IDENTITY };
    assert_str(vg_auth_denial(a, &user, &put_item, &deny),
               "User: arn:aws:iam::" ACCT ":user/dev/ann is not authorized to perform: "
               "dynamodb:PutItem on resource: " TABLE
               " with an explicit deny in an identity-based policy");
    const struct vg_decision bound = { .is_explicit = true, .by = VG_POLICY_BOUNDARY };
    assert_str(vg_auth_denial(a, &role, &put_item, &bound),
               "User: arn:aws:sts::" ACCT ":assumed-role/Fn/s1 is not authorized to perform: "
               "dynamodb:PutItem on resource: " TABLE
               " with an explicit deny in a permissions boundary");
}

static const struct malformed {
    const char *json, *text;
    enum vg_policy_use use;
} malformed[] = {
    { "not json", "Syntax errors in policy.", VG_POLICY_FOR_IDENTITY },
    { "{}", "Syntax errors in policy.", VG_POLICY_FOR_IDENTITY },
    { "{\"Version\":\"2012-10-17\"}", "Syntax errors in policy.", VG_POLICY_FOR_IDENTITY },
    { "{\"Version\":\"2013-10-17\",\"Statement\":[]}", "Syntax errors in policy.",
      VG_POLICY_FOR_IDENTITY },
    { P(S("Permit", "*", "*", "")), "Syntax errors in policy.", VG_POLICY_FOR_IDENTITY },
    { P(S("Allow", "*", "*", ",\"Extra\":1")), "Syntax errors in policy.", VG_POLICY_FOR_IDENTITY },
    { P("{\"Effect\":\"Allow\",\"Resource\":\"*\"}"), "Policy statement must contain actions.",
      VG_POLICY_FOR_IDENTITY },
    { P("{\"Effect\":\"Allow\",\"Action\":\"*\"}"), "Policy statement must contain resources.",
      VG_POLICY_FOR_IDENTITY },
    { P(S("Allow", "PutItem", "*", "")),
      "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
      VG_POLICY_FOR_IDENTITY },
    { P(S("Allow", "s3:a:b", "*", "")), "Actions/Condition can contain only one colon.",
      VG_POLICY_FOR_IDENTITY },
    { P(S("Allow", "s 3:a", "*", "")), "Vendor s 3 is not valid", VG_POLICY_FOR_IDENTITY },
    { P(S("Allow", "*", "notes", "")), "Resource notes must be in ARN format or \"*\".",
      VG_POLICY_FOR_IDENTITY },
    { P(S("Allow", "*", "arn:other:s3:::b", "")),
      "Partition \"other\" is not valid for resource \"arn:other:s3:::b\".",
      VG_POLICY_FOR_IDENTITY },
    { P(S("Allow", "*", "*", BY("*"))), "Policy document should not specify a principal.",
      VG_POLICY_FOR_IDENTITY },
    { P(S("Allow", "*", "*", ",\"Sid\":\"a\"") "," S("Deny", "*", "*", ",\"Sid\":\"a\"")),
      "Statement IDs (SID) in a single policy must be unique.", VG_POLICY_FOR_IDENTITY },
    { P(S("Allow", "*", "*", COND("StringEqual", "aws:username", "\"a\""))),
      "Syntax errors in policy.", VG_POLICY_FOR_IDENTITY },
    { "{\"Version\":\"2008-10-17\",\"Statement\":" S("Allow", "*", "*", "") "}",
      "Policy document must be version 2012-10-17 or greater.", VG_POLICY_FOR_MANAGED },
    { P(S("Allow", "sts:AssumeRole", "*", BY("*"))), "Has prohibited field Resource",
      VG_POLICY_FOR_TRUST },
    { P("{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\"}"), "Missing required field Principal",
      VG_POLICY_FOR_TRUST },
    { P("{\"Effect\":\"Allow\",\"Action\":\"s3:Get*\",\"Principal\":\"*\"}"),
      "AssumeRole policy may only specify STS AssumeRole actions.", VG_POLICY_FOR_TRUST },
    { P("{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Principal\":{\"AWS\":\"bob\"}}"),
      "Invalid principal in policy: \"AWS\":\"bob\"", VG_POLICY_FOR_TRUST },
    { P("{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Principal\":{\"Service\":\"x\"}}"),
      "Invalid principal in policy: \"SERVICE\":\"x\"", VG_POLICY_FOR_TRUST },
};

static void
malformed_policies_are_refused_in_aws_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < VG_COUNT(malformed); i++) {
        vg_auto_arena struct vg_arena *a = vg_arena_new(0);
        const struct vg_policy *p;
        struct vg_err err = { 0 };
        if (vg_policy_compile(a, vg_str_of(malformed[i].json), malformed[i].use, &p, &err) == VG_OK)
            fail_msg("accepted: %s", malformed[i].json);
        if (!vg_str_eq(vg_err_text(&err), vg_str_of(malformed[i].text)))
            fail_msg("%s: got %" VG_FMT, malformed[i].json, VG_ARG(vg_err_text(&err)));
    }
}

/* Issue 2, section 4: an access decision costs under 2 µs for a principal with five policies. */
static void
a_decision_is_cheap(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    static const char *const texts[] = {
        P(S("Allow", "logs:*", "arn:aws:logs:*:*:*", "")),
        P(S("Allow", "s3:GetObject", "arn:aws:s3:::bucket/*", "") "," S("Allow", "s3:ListBucket",
                                                                        "arn:aws:s3:::bucket", "")),
        P(S("Allow", "sqs:*", "arn:aws:sqs:*:" ACCT ":*",
            COND("Bool", "aws:SecureTransport", "true"))),
        P(S("Deny", "dynamodb:DeleteTable", "*",
            "") "," S("Deny", "iam:*", "*",
                      COND("StringNotLike", "aws:PrincipalArn", "\"arn:aws:iam::*:role/admin\""))),
        P(S("Allow", "dynamodb:*Item", "arn:aws:dynamodb:*:*:table/notes",
            COND("StringEquals", "aws:ResourceTag/team", "\"blue\""))),
    };
    const struct vg_policy *id[VG_COUNT(texts)];
    for (size_t i = 0; i < VG_COUNT(texts); i++)
        id[i] = compiled(a, texts[i], VG_POLICY_FOR_IDENTITY);
    const struct vg_policies all = { .identity = id, .n_identity = VG_COUNT(texts) };
    struct timespec t0, t1;
    struct vg_decision d = { 0 };
    enum { ROUNDS = 20000 };
    clock_gettime(CLOCK_MONOTONIC, &t0);
    for (int i = 0; i < ROUNDS; i++)
        vg_policy_decide(a, &all, &user, &put_item, 0, &d);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    assert_true(d.is_allowed);
    double ns =
        ((double)(t1.tv_sec - t0.tv_sec) * 1e9 + (double)(t1.tv_nsec - t0.tv_nsec)) / ROUNDS;
    print_message("[   INFO   ] %.0f ns a decision over five policies\n", ns);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aws_evaluation_rules_hold),
        cmocka_unit_test(an_explanation_names_every_statement_that_applies),
        cmocka_unit_test(late_keys_are_gathered_when_a_policy_tests_one),
        cmocka_unit_test(one_scp_of_each_level_must_allow),
        cmocka_unit_test(a_required_policy_must_allow_or_delegate),
        cmocka_unit_test(a_grant_is_enough_but_for_denials_and_bounds),
        cmocka_unit_test(denials_read_as_aws_words_them),
        cmocka_unit_test(malformed_policies_are_refused_in_aws_words),
        cmocka_unit_test(a_decision_is_cheap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
