/* SPDX-License-Identifier: Apache-2.0 */

/* Every operation with each call of the store failing: an internal failure, and nothing half-done.
 */

#include "core/service_test.h"

#include "auth/auth.h"
#include "services/iam/ops.h"

#define TRUST                                                                                      \
    "{\\'Statement\\':{\\'Effect\\':\\'Allow\\',\\'Principal\\':{\\'Service\\':"                   \
    "\\'lambda.amazonaws.com\\'},\\'Action\\':\\'sts:AssumeRole\\'}}"
#define POLICY                                                                                     \
    "{\\'Version\\':\\'2012-10-17\\',\\'Statement\\':{\\'Effect\\':\\'Allow\\',"                   \
    "\\'Action\\':\\'sqs:*\\',\\'Resource\\':\\'*\\'}}"
#define OWN "arn:aws:iam::000000000000:policy/p"
#define AWS "arn:aws:iam::aws:policy/AmazonSQSFullAccess"

static int64_t
now_ms(const void *clock)
{
    return vg_clock_now_ms(clock);
}

static void
close_auth(void *auth)
{
    vg_auth_close(auth);
}

/* A user, a role and a group that have some of everything, and the same again bare. */
static void
prepare(struct vg_service_fixture *f)
{
    const struct vg_auth_options opt = { .account = f->config.account,
                                         .partition = f->config.partition,
                                         .root_key_id = VG_STR("test"),
                                         .root_secret = VG_STR("test"),
                                         .random = f->env.random,
                                         .now_ms = now_ms,
                                         .clock = f->env.clock };
    struct vg_sess s;
    struct vg_err err = { 0 };
    vg_sess_init(&s, f->env.kv, f->arena);
    assert_ok(vg_auth_open(&opt, &s, &f->env.auth, &err));
    vg_arena_defer(f->arena, close_auth, f->env.auth);
    f->scope.caller = vg_auth_root(f->env.auth);
    vg_service_fixture_ok(f, "CreatePolicy", "{'PolicyName':'p','PolicyDocument':'" POLICY "'}");
    vg_service_fixture_ok(f, "CreatePolicyVersion",
                          "{'PolicyArn':'" OWN "','PolicyDocument':'" POLICY "'}");
    vg_service_fixture_ok(f, "CreateUser", "{'UserName':'ann','PermissionsBoundary':'" OWN "'}");
    vg_service_fixture_ok(f, "CreateUser", "{'UserName':'bob','Tags':[{'Key':'k','Value':'v'}]}");
    vg_service_fixture_ok(f, "CreateGroup", "{'GroupName':'devs'}");
    vg_service_fixture_ok(f, "CreateGroup", "{'GroupName':'none'}");
    vg_service_fixture_ok(f, "AddUserToGroup", "{'GroupName':'devs','UserName':'ann'}");
    vg_service_fixture_ok(f, "CreateAccessKey", "{'UserName':'ann'}");
    vg_service_fixture_ok(f, "CreateRole",
                          "{'RoleName':'full','AssumeRolePolicyDocument':'" TRUST
                          "','PermissionsBoundary':'" OWN "'}");
    vg_service_fixture_ok(f, "CreateRole",
                          "{'RoleName':'bare','AssumeRolePolicyDocument':'" TRUST "'}");
    vg_service_fixture_ok(f, "PutRolePolicy",
                          "{'RoleName':'full','PolicyName':'i','PolicyDocument':'" POLICY "'}");
    vg_service_fixture_ok(f, "AttachRolePolicy", "{'RoleName':'full','PolicyArn':'" OWN "'}");
    vg_service_fixture_ok(f, "CreateInstanceProfile", "{'InstanceProfileName':'with'}");
    vg_service_fixture_ok(f, "CreateInstanceProfile", "{'InstanceProfileName':'bare'}");
    vg_service_fixture_ok(f, "AddRoleToInstanceProfile",
                          "{'InstanceProfileName':'with','RoleName':'full'}");
}

static const struct vg_service_call calls[] = {
    { "CreateUser", "{'UserName':'eve','PermissionsBoundary':'" OWN "'}" },
    { "GetUser", "{'UserName':'ann'}" },
    { "UpdateUser", "{'UserName':'ann','NewUserName':'anna','NewPath':'/x/'}" },
    { "DeleteUser", "{'UserName':'bob'}" },
    { "ListUsers", "{'MaxItems':1}" },
    { "TagUser", "{'UserName':'ann','Tags':[{'Key':'a','Value':'b'}]}" },
    { "UntagUser", "{'UserName':'bob','TagKeys':['k']}" },
    { "ListUserTags", "{'UserName':'bob'}" },
    { "CreateGroup", "{'GroupName':'new'}" },
    { "GetGroup", "{'GroupName':'devs'}" },
    { "UpdateGroup", "{'GroupName':'devs','NewGroupName':'developers'}" },
    { "DeleteGroup", "{'GroupName':'none'}" },
    { "ListGroups", "{}" },
    { "AddUserToGroup", "{'GroupName':'devs','UserName':'bob'}" },
    { "RemoveUserFromGroup", "{'GroupName':'devs','UserName':'ann'}" },
    { "ListGroupsForUser", "{'UserName':'ann'}" },
    { "CreateAccessKey", "{'UserName':'ann'}" },
    { "ListAccessKeys", "{'UserName':'ann'}" },
    { "CreateRole", "{'RoleName':'r','AssumeRolePolicyDocument':'" TRUST "'}" },
    { "GetRole", "{'RoleName':'full'}" },
    { "UpdateRole", "{'RoleName':'full','MaxSessionDuration':7200}" },
    { "UpdateRoleDescription", "{'RoleName':'full','Description':'d'}" },
    { "UpdateAssumeRolePolicy", "{'RoleName':'full','PolicyDocument':'" TRUST "'}" },
    { "DeleteRole", "{'RoleName':'bare'}" },
    { "ListRoles", "{}" },
    { "PutRolePolicy", "{'RoleName':'bare','PolicyName':'i','PolicyDocument':'" POLICY "'}" },
    { "GetRolePolicy", "{'RoleName':'full','PolicyName':'i'}" },
    { "DeleteRolePolicy", "{'RoleName':'full','PolicyName':'i'}" },
    { "ListRolePolicies", "{'RoleName':'full'}" },
    { "AttachRolePolicy", "{'RoleName':'bare','PolicyArn':'" OWN "'}" },
    { "AttachUserPolicy", "{'UserName':'bob','PolicyArn':'" AWS "'}" },
    { "DetachRolePolicy", "{'RoleName':'full','PolicyArn':'" OWN "'}" },
    { "ListAttachedRolePolicies", "{'RoleName':'full'}" },
    { "PutRolePermissionsBoundary", "{'RoleName':'bare','PermissionsBoundary':'" OWN "'}" },
    { "DeleteUserPermissionsBoundary", "{'UserName':'ann'}" },
    { "CreatePolicy", "{'PolicyName':'q','PolicyDocument':'" POLICY "'}" },
    { "GetPolicy", "{'PolicyArn':'" OWN "'}" },
    { "ListPolicies", "{'Scope':'Local'}" },
    { "CreatePolicyVersion", "{'PolicyArn':'" OWN "','PolicyDocument':'" POLICY "'}" },
    { "GetPolicyVersion", "{'PolicyArn':'" OWN "','VersionId':'v2'}" },
    { "SetDefaultPolicyVersion", "{'PolicyArn':'" OWN "','VersionId':'v2'}" },
    { "DeletePolicyVersion", "{'PolicyArn':'" OWN "','VersionId':'v2'}" },
    { "ListPolicyVersions", "{'PolicyArn':'" OWN "'}" },
    { "ListEntitiesForPolicy", "{'PolicyArn':'" OWN "'}" },
    { "TagPolicy", "{'PolicyArn':'" OWN "','Tags':[{'Key':'a','Value':'b'}]}" },
    { "CreateInstanceProfile", "{'InstanceProfileName':'new'}" },
    { "GetInstanceProfile", "{'InstanceProfileName':'with'}" },
    { "DeleteInstanceProfile", "{'InstanceProfileName':'bare'}" },
    { "ListInstanceProfiles", "{}" },
    { "ListInstanceProfilesForRole", "{'RoleName':'full'}" },
    { "AddRoleToInstanceProfile", "{'InstanceProfileName':'bare','RoleName':'bare'}" },
    { "RemoveRoleFromInstanceProfile", "{'InstanceProfileName':'with','RoleName':'full'}" },
    { "CreateAccountAlias", "{'AccountAlias':'abc'}" },
    { "ListAccountAliases", "{}" },
    { "GetAccountSummary", "{}" },
    { "GetAccountAuthorizationDetails", "{}" },
    { "CreateServiceLinkedRole", "{'AWSServiceName':'lex.amazonaws.com'}" },
    { "SimulatePrincipalPolicy", "{'PolicySourceArn':'arn:aws:iam::000000000000:user/"
                                 "ann','ActionNames':['sqs:SendMessage']}" },
};

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    vg_service_fixture_fail_all(&iam_service, prepare, calls, VG_COUNT(calls));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
