/* SPDX-License-Identifier: Apache-2.0 */

/* What grants allow. https://docs.aws.amazon.com/kms/latest/developerguide/grants.html */

#include "services/kms/kms_grant_rules.h"

#include "base/test.h"

#define USER "arn:aws:iam::000000000000:user/ann"
#define ROLE "arn:aws:iam::000000000000:role/R"

static const struct vg_principal user = { .kind = VG_PRINCIPAL_USER,
                                          .account = VG_STR_INIT("000000000000"),
                                          .arn = VG_STR_INIT(USER) };
static const struct vg_principal session = {
    .kind = VG_PRINCIPAL_ROLE,
    .account = VG_STR_INIT("000000000000"),
    .arn = VG_STR_INIT("arn:aws:sts::000000000000:assumed-role/R/s"),
    .role_arn = VG_STR_INIT(ROLE),
};

/* `operations` and `pairs` ("a=1") are lists; pairs NULL: unconstrained. */
static struct kms_rec_grant
grant(const char *to, const char *operations, const char *pairs, bool is_exact)
{
    static struct vg_str names[8][8];
    static struct kms_rec_pair contexts[8][8];
    static size_t n;
    size_t at = n++ % 8;
    struct kms_rec_grant g = { .grantee = vg_str_of(to), .is_exact = is_exact };
    struct vg_str rest = vg_str_of(operations);
    for (g.operations.items = names[at]; rest.ptr; g.operations.len++)
        names[at][g.operations.len] = vg_str_cut(&rest, ' ');
    g.has_context = pairs != NULL;
    rest = pairs && *pairs ? vg_str_of(pairs) : VG_STR_NONE;
    for (g.context.items = contexts[at]; rest.ptr; g.context.len++) {
        struct vg_str value = vg_str_cut(&rest, ' ');
        struct vg_str key = vg_str_cut(&value, '=');
        contexts[at][g.context.len] = (struct kms_rec_pair) { .key = key, .value = value };
    }
    return g;
}

static bool
allows(struct kms_rec_grant g, const struct vg_principal *who, const char *operation,
       struct vg_str a, struct vg_str b)
{
    struct kms_encryption_context_type__entry pairs[] = { { VG_STR("a"), a }, { VG_STR("b"), b } };
    struct kms_encryption_context_type context = { pairs, a.ptr ? (b.ptr ? 2 : 1) : 0, true };
    return kms_grant_allows(&g, who, vg_str_of(operation), &context);
}

#define ONE  VG_STR("1")
#define TWO  VG_STR("2")
#define NONE VG_STR_NONE

static void
a_grant_is_for_its_grantee_and_operations(void **state)
{
    (void)state;
    assert_true(allows(grant(USER, "Encrypt Decrypt", NULL, false), &user, "Decrypt", NONE, NONE));
    assert_false(allows(grant(USER, "Encrypt", NULL, false), &user, "Decrypt", NONE, NONE));
    assert_false(allows(grant(ROLE, "Encrypt", NULL, false), &user, "Encrypt", NONE, NONE));
    assert_true(allows(grant(ROLE, "Encrypt", NULL, false), &session, "Encrypt", NONE, NONE));
    assert_false(allows(grant(USER, "ScheduleKeyDeletion", NULL, false), &user,
                        "ScheduleKeyDeletion", NONE, NONE));
    assert_false(kms_principal_is(VG_STR(""), &vg_principal_anonymous));
}

static void
constraints_bind_cryptographic_operations(void **state)
{
    (void)state;
    struct kms_rec_grant subset = grant(USER, "Encrypt DescribeKey", "a=1", false);
    struct kms_rec_grant exact = grant(USER, "Encrypt", "a=1", true);
    assert_true(allows(subset, &user, "Encrypt", ONE, NONE));
    assert_true(allows(subset, &user, "Encrypt", ONE, TWO));
    assert_false(allows(subset, &user, "Encrypt", TWO, NONE));
    assert_false(allows(subset, &user, "Encrypt", NONE, NONE));
    assert_true(allows(subset, &user, "DescribeKey", NONE, NONE));
    assert_true(allows(exact, &user, "Encrypt", ONE, NONE));
    assert_false(allows(exact, &user, "Encrypt", ONE, TWO));
    assert_true(allows(grant(USER, "Encrypt", "", true), &user, "Encrypt", NONE, NONE));
    assert_false(allows(grant(USER, "Encrypt", "", true), &user, "Encrypt", ONE, NONE));
    assert_false(kms_grant_allows(&subset, &user, VG_STR("Encrypt"), NULL));
}

static bool
covers(struct kms_rec_grant parent, struct kms_rec_grant child)
{
    return kms_grant_covers(&parent, &child);
}

static void
children_of_a_grant_are_no_wider(void **state)
{
    (void)state;
    assert_true(covers(grant(USER, "Encrypt CreateGrant", NULL, false),
                       grant(ROLE, "Encrypt", NULL, false)));
    assert_false(covers(grant(USER, "Encrypt CreateGrant", NULL, false),
                        grant(ROLE, "Encrypt Decrypt", NULL, false)));
    assert_true(
        covers(grant(USER, "Encrypt", "a=1", false), grant(ROLE, "Encrypt", "a=1 b=2", true)));
    assert_false(covers(grant(USER, "Encrypt", "a=1", false), grant(ROLE, "Encrypt", NULL, false)));
    assert_false(covers(grant(USER, "Encrypt", "a=1", false), grant(ROLE, "Encrypt", "b=2", true)));
    assert_false(covers(grant(USER, "Encrypt", "a=1", true), grant(ROLE, "Encrypt", "a=1", false)));
    assert_true(covers(grant(USER, "Encrypt", "a=1", true), grant(ROLE, "Encrypt", "a=1", true)));
}

static void
grants_are_the_same_whatever_the_order(void **state)
{
    (void)state;
    struct kms_rec_grant a = grant(USER, "Encrypt Decrypt", "a=1 b=2", false);
    struct kms_rec_grant b = grant(USER, "Decrypt Encrypt", "b=2 a=1", false);
    struct kms_rec_grant c = grant(USER, "Decrypt Encrypt", "b=2", false);
    assert_true(kms_grant_is_same(&a, &b));
    assert_false(kms_grant_is_same(&a, &c));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grant_is_for_its_grantee_and_operations),
        cmocka_unit_test(constraints_bind_cryptographic_operations),
        cmocka_unit_test(children_of_a_grant_are_no_wider),
        cmocka_unit_test(grants_are_the_same_whatever_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
