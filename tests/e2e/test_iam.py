# SPDX-License-Identifier: Apache-2.0
"""IAM: records, errors, and that what they say is enforced (issue 2, section 4)."""

import json

import pytest
from harness.policies import document
from harness.refused import refused

LAMBDA_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
READ_ONLY = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
NONE = "arn:aws:iam::000000000000:user/none"


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@pytest.fixture
def iam(aws):
    return aws("iam")


@pytest.fixture
def user(aws, iam, name):
    """A new user's name and an IAM client that signs with its key."""
    who = name("user")
    iam.create_user(UserName=who, Path="/team/")
    key = iam.create_access_key(UserName=who)["AccessKey"]
    return who, aws("iam", creds=(key["AccessKeyId"], key["SecretAccessKey"]))


def test_a_role_round_trips(iam, name):
    role = name("role")
    made = iam.create_role(
        RoleName=role, Path="/svc/", AssumeRolePolicyDocument=LAMBDA_TRUST, Description="d",
        MaxSessionDuration=7200, Tags=[{"Key": "team", "Value": "blue"}],
    )["Role"]  # fmt: skip
    got = iam.get_role(RoleName=role)["Role"]
    assert got == made | {"Description": "d"}
    assert got["Arn"] == f"arn:aws:iam::000000000000:role/svc/{role}"
    assert got["RoleId"].startswith("AROA") and len(got["RoleId"]) == 21
    assert got["AssumeRolePolicyDocument"] == json.loads(LAMBDA_TRUST)
    assert got["MaxSessionDuration"] == 7200 and got["Tags"] == [
        {"Key": "team", "Value": "blue"}
    ]
    text = refused(
        "EntityAlreadyExists",
        iam.create_role,
        RoleName=role.upper(),
        AssumeRolePolicyDocument=LAMBDA_TRUST,
    ).message
    assert text == f"Role with name {role.upper()} already exists."
    iam.delete_role(RoleName=role)
    text = refused("NoSuchEntity", iam.get_role, RoleName=role).message
    assert text == f"The role with name {role} cannot be found."


def test_a_role_in_use_is_not_deleted(iam, name):
    role, profile = name("role"), name("profile")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=LAMBDA_TRUST)
    iam.create_instance_profile(InstanceProfileName=profile)
    iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    assert "remove roles from instance profile" in refused(
        "DeleteConflict", iam.delete_role, RoleName=role
    ).message
    assert (
        iam.list_instance_profiles_for_role(RoleName=role)["InstanceProfiles"][0][
            "Roles"
        ][0]["RoleName"]
        == role
    )
    iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=role)
    iam.put_role_policy(
        RoleName=role, PolicyName="p", PolicyDocument=document(allow("sqs:*"))
    )
    assert "must delete policies first" in refused(
        "DeleteConflict", iam.delete_role, RoleName=role
    ).message
    iam.delete_role_policy(RoleName=role, PolicyName="p")
    iam.attach_role_policy(RoleName=role, PolicyArn=READ_ONLY)
    assert "must detach all policies first" in refused(
        "DeleteConflict", iam.delete_role, RoleName=role
    ).message
    iam.detach_role_policy(RoleName=role, PolicyArn=READ_ONLY)
    iam.delete_role(RoleName=role)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "Syntax errors in policy."),
        ("[]", "Syntax errors in policy."),
        (
            document({"Effect": "Allow", "Action": "sts:AssumeRole"}),
            "Missing required field Principal",
        ),
        (
            document(allow("sts:AssumeRole", Principal="*")),
            "Has prohibited field Resource",
        ),
        (
            document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": NONE}}),
            f'Invalid principal in policy: "AWS":"{NONE}"',
        ),
    ],
)
def test_a_malformed_trust_policy_is_refused(iam, name, text, why):
    got = refused(
        "MalformedPolicyDocument",
        iam.create_role,
        RoleName=name("r"),
        AssumeRolePolicyDocument=text,
    ).message
    assert got == why


def test_a_policy_has_versions(iam, name):
    arn = iam.create_policy(
        PolicyName=name("p"), Path="/x/", PolicyDocument=document(allow("sqs:*"))
    )["Policy"]["Arn"]
    assert arn.startswith("arn:aws:iam::000000000000:policy/x/")
    for i in range(2, 6):
        made = iam.create_policy_version(
            PolicyArn=arn,
            PolicyDocument=document(allow(f"s3:Get{i}")),
            SetAsDefault=i == 3,
        )
        assert made["PolicyVersion"]["VersionId"] == f"v{i}"
    refused(
        "LimitExceeded",
        iam.create_policy_version,
        PolicyArn=arn,
        PolicyDocument=document(allow("*")),
    )
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v3"
    doc = iam.get_policy_version(PolicyArn=arn, VersionId="v4")["PolicyVersion"][
        "Document"
    ]
    assert doc["Statement"][0]["Action"] == "s3:Get4"
    assert "default version" in refused(
        "DeleteConflict", iam.delete_policy_version, PolicyArn=arn, VersionId="v3"
    ).message
    assert "more than one version" in refused(
        "DeleteConflict", iam.delete_policy, PolicyArn=arn
    ).message
    for v in ("v1", "v2", "v4", "v5"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=v)
    assert [
        v["VersionId"] for v in iam.list_policy_versions(PolicyArn=arn)["Versions"]
    ] == ["v3"]
    role = name("role")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=LAMBDA_TRUST)
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    assert (
        iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"][0]["RoleName"]
        == role
    )
    assert "attached to entities" in refused(
        "DeleteConflict", iam.delete_policy, PolicyArn=arn
    ).message
    iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    refused("NoSuchEntity", iam.get_policy, PolicyArn=arn)


def test_lists_come_in_pages(iam, name):
    prefix = f"/{name('page')}/"
    users = sorted(name(f"u{i}") for i in range(7))
    for u in users:
        iam.create_user(UserName=u, Path=prefix)
    pages = list(
        iam.get_paginator("list_users").paginate(
            PathPrefix=prefix, PaginationConfig={"PageSize": 3}
        )
    )
    assert [len(p["Users"]) for p in pages] == [3, 3, 1]
    assert [u["UserName"] for p in pages for u in p["Users"]] == users
    refused("ValidationError", iam.list_users, Marker="!!")


def test_groups_and_renames_keep_together(iam, user, name):
    who, mine = user
    group = name("group")
    iam.create_group(GroupName=group)
    iam.put_group_policy(
        GroupName=group, PolicyName="p", PolicyDocument=document(allow("iam:ListUsers"))
    )
    refused("AccessDenied", mine.list_users)
    iam.add_user_to_group(GroupName=group, UserName=who)
    mine.list_users(MaxItems=1)
    iam.update_group(GroupName=group, NewGroupName=group + "x")
    iam.update_user(UserName=who, NewUserName=who + "x")
    mine.list_users(MaxItems=1)
    assert [
        g["GroupName"] for g in iam.list_groups_for_user(UserName=who + "x")["Groups"]
    ] == [group + "x"]
    assert [u["UserName"] for u in iam.get_group(GroupName=group + "x")["Users"]] == [
        who + "x"
    ]
    assert "remove users from group" in refused(
        "DeleteConflict", iam.delete_group, GroupName=group + "x"
    ).message
    iam.remove_user_from_group(GroupName=group + "x", UserName=who + "x")
    refused("AccessDenied", mine.list_users)


def test_a_denial_reads_as_on_aws(iam, user, name):
    who, mine = user
    role = name("role")
    text = refused("AccessDenied", mine.get_role, RoleName=role).message
    assert text == (
        f"User: arn:aws:iam::000000000000:user/team/{who} is not authorized to perform: iam:GetRole on resource: "
        f"arn:aws:iam::000000000000:role/{role} because no identity-based policy allows the iam:GetRole action"
    )
    iam.put_user_policy(
        UserName=who,
        PolicyName="p",
        PolicyDocument=document(
            allow("iam:*"), {"Effect": "Deny", "Action": "iam:GetRole", "Resource": "*"}
        ),
    )
    text = refused("AccessDenied", mine.get_role, RoleName=role).message
    assert text.endswith("with an explicit deny in an identity-based policy")
    refused("NoSuchEntity", mine.get_group, GroupName=name("none"))


def test_a_developer_cannot_raise_himself(iam, user):
    """USERS.md: IAM's own actions are checked too."""
    who, mine = user
    iam.attach_user_policy(UserName=who, PolicyArn=READ_ONLY)
    refused(
        "AccessDenied",
        mine.attach_user_policy,
        UserName=who,
        PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess",
    )


def test_paths_conditions_and_variables_decide(iam, user, name):
    who, mine = user
    iam.put_user_policy(
        UserName=who,
        PolicyName="p",
        PolicyDocument=document(
            allow("iam:*AccessKey*", "arn:aws:iam::*:user/team/${aws:username}"),
            allow(
                "iam:CreateUser",
                "arn:aws:iam::*:user/team/*",
                Condition={"StringEquals": {"aws:RequestTag/env": "dev"}},
            ),
            allow(
                "iam:AttachUserPolicy",
                "*",
                Condition={"ArnEquals": {"iam:PolicyARN": READ_ONLY}},
            ),
        ),
    )
    assert mine.list_access_keys()["AccessKeyMetadata"][0]["UserName"] == who
    other = name("other")
    refused("AccessDenied", mine.create_user, UserName=other, Path="/team/")
    refused(
        "AccessDenied",
        mine.create_user,
        UserName=other,
        Tags=[{"Key": "env", "Value": "dev"}],
    )
    mine.create_user(
        UserName=other, Path="/team/", Tags=[{"Key": "env", "Value": "dev"}]
    )
    refused("AccessDenied", mine.create_access_key, UserName=other)
    mine.attach_user_policy(UserName=other, PolicyArn=READ_ONLY)
    refused(
        "AccessDenied",
        mine.attach_user_policy,
        UserName=other,
        PolicyArn="arn:aws:iam::aws:policy/IAMFullAccess",
    )


def test_a_boundary_limits(iam, user, name):
    who, mine = user
    bound = iam.create_policy(
        PolicyName=name("b"), PolicyDocument=document(allow("iam:List*"))
    )["Policy"]["Arn"]
    iam.attach_user_policy(UserName=who, PolicyArn=READ_ONLY)
    iam.put_user_permissions_boundary(UserName=who, PermissionsBoundary=bound)
    mine.list_users(MaxItems=1)
    text = refused("AccessDenied", mine.get_user).message
    assert text.endswith(
        "because no permissions boundary allows the iam:GetUser action"
    )
    assert (
        iam.get_user(UserName=who)["User"]["PermissionsBoundary"][
            "PermissionsBoundaryArn"
        ]
        == bound
    )
    refused("DeleteConflict", iam.delete_policy, PolicyArn=bound)
    iam.delete_user_permissions_boundary(UserName=who)
    mine.get_user()
    iam.delete_policy(PolicyArn=bound)


def test_keys_work_until_they_do_not(iam, aws, user):
    who, mine = user
    iam.attach_user_policy(UserName=who, PolicyArn=READ_ONLY)
    mine.get_user()
    first = iam.list_access_keys(UserName=who)["AccessKeyMetadata"][0]["AccessKeyId"]
    second = iam.create_access_key(UserName=who)["AccessKey"]
    assert "AccessKeysPerUser: 2" in refused(
        "LimitExceeded", iam.create_access_key, UserName=who
    ).message
    iam.update_access_key(UserName=who, AccessKeyId=first, Status="Inactive")
    assert (
        refused("InvalidClientTokenId", mine.get_user).message
        == "The security token included in the request is invalid."
    )
    iam.update_access_key(UserName=who, AccessKeyId=first, Status="Active")
    mine.get_user()
    iam.delete_access_key(UserName=who, AccessKeyId=first)
    refused("InvalidClientTokenId", mine.get_user)
    aws("iam", creds=(second["AccessKeyId"], second["SecretAccessKey"])).get_user()
    refused(
        "SignatureDoesNotMatch",
        aws("iam", creds=(second["AccessKeyId"], "wrong")).get_user,
    )
    assert "must" in refused("DeleteConflict", iam.delete_user, UserName=who).message


def test_a_keys_last_use_is_known(aws, iam, user):
    """API_AccessKeyLastUsed: no date and "N/A" where there was no use."""
    who, mine = user
    key = iam.list_access_keys(UserName=who)["AccessKeyMetadata"][0]["AccessKeyId"]
    refused("SignatureDoesNotMatch", aws("iam", creds=(key, "wrong")).list_users)
    got = iam.get_access_key_last_used(AccessKeyId=key)
    assert got["UserName"] == who
    assert got["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    refused("AccessDenied", mine.list_users)
    got = iam.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]
    assert (got["ServiceName"], got["Region"]) == ("iam", "us-east-1")
    assert got["LastUsedDate"].second == 0
    creds = mine._request_signer._credentials
    dynamodb = aws("dynamodb", region="eu-west-1", creds=(creds.access_key, creds.secret_key))
    refused("AccessDeniedException", dynamodb.list_tables)
    got = iam.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]
    assert (got["ServiceName"], got["Region"]) == ("dynamodb", "eu-west-1")


def test_a_last_use_outlives_a_kill(make_daemon):
    """README of iam: what is lost is the last quarter of an hour, never that the key was used."""
    from harness.aws import Aws, Virga

    daemon = make_daemon()
    iam = Aws(daemon)("iam")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    creds = (key["AccessKeyId"], key["SecretAccessKey"])
    dates = []
    for _ in range(2):
        Aws(daemon)("sts", creds=creds).get_caller_identity()
        daemon.restart("kill9")
        got = Aws(daemon)("iam").get_access_key_last_used(AccessKeyId=creds[0])["AccessKeyLastUsed"]
        assert (got["ServiceName"], got["Region"]) == ("sts", "us-east-1")
        dates.append(got["LastUsedDate"])
        Virga(daemon)("clock", "advance", "16m")
    assert (dates[1] - dates[0]).total_seconds() >= 16 * 60 - 60


def test_tags_are_one_set_without_case(iam, name):
    who = name("user")
    iam.create_user(UserName=who, Tags=[{"Key": "A", "Value": "1"}])
    iam.tag_user(
        UserName=who, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}]
    )
    assert iam.list_user_tags(UserName=who)["Tags"] == [
        {"Key": "a", "Value": "2"},
        {"Key": "b", "Value": ""},
    ]
    iam.untag_user(UserName=who, TagKeys=["B"])
    assert iam.get_user(UserName=who)["User"]["Tags"] == [{"Key": "a", "Value": "2"}]
    twice = [{"Key": "x", "Value": "1"}, {"Key": "X", "Value": "2"}]
    assert "Duplicate tag keys" in refused(
        "InvalidInput", iam.tag_user, UserName=who, Tags=twice
    ).message


def test_service_linked_roles(iam):
    role = iam.create_service_linked_role(AWSServiceName="lex.amazonaws.com")["Role"]
    assert role["RoleName"] == "AWSServiceRoleForLex"
    assert role["Path"] == "/aws-service-role/lex.amazonaws.com/"
    refused(
        "UnmodifiableEntity",
        iam.attach_role_policy,
        RoleName=role["RoleName"],
        PolicyArn=READ_ONLY,
    )
    refused("UnmodifiableEntity", iam.delete_role, RoleName=role["RoleName"])
    task = iam.delete_service_linked_role(RoleName=role["RoleName"])["DeletionTaskId"]
    assert (
        iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"]
        == "SUCCEEDED"
    )
    # API_CreateServiceLinkedRole: a service is "service-name.amazonaws.com"; a role's name has 64 characters
    refused("InvalidInput", iam.create_service_linked_role, AWSServiceName=".amazonaws.com")
    suffix = {"AWSServiceName": "lex.amazonaws.com", "CustomSuffix": "x" * 44}
    refused("InvalidInput", iam.create_service_linked_role, **suffix)
    suffix["CustomSuffix"] = "x" * 43
    longest = iam.create_service_linked_role(**suffix)["Role"]["RoleName"]
    assert len(longest) == 64
    iam.delete_service_linked_role(RoleName=longest)


def test_the_account_as_a_whole(iam, name):
    role = name("role")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=LAMBDA_TRUST)
    iam.put_role_policy(
        RoleName=role, PolicyName="p", PolicyDocument=document(allow("sqs:*"))
    )
    pages = iam.get_paginator("get_account_authorization_details").paginate(
        Filter=["Role"]
    )
    found = [r for p in pages for r in p["RoleDetailList"] if r["RoleName"] == role]
    assert (
        found[0]["RolePolicyList"][0]["PolicyDocument"]["Statement"][0]["Action"]
        == "sqs:*"
    )
    assert iam.get_account_summary()["SummaryMap"]["Roles"] >= 1
    iam.create_account_alias(AccountAlias="virga-test")
    assert iam.list_account_aliases()["AccountAliases"] == ["virga-test"]
    iam.delete_account_alias(AccountAlias="virga-test")
    assert iam.list_account_aliases()["AccountAliases"] == []


def test_details_name_a_roles_profiles(iam, name):
    """API_RoleDetail: "InstanceProfileList: A list of instance profiles that contain this role"."""
    role, profile = name("role"), name("profile")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=LAMBDA_TRUST)
    iam.create_instance_profile(InstanceProfileName=profile)
    iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    pages = iam.get_paginator("get_account_authorization_details").paginate(Filter=["Role"])
    found = next(r for p in pages for r in p["RoleDetailList"] if r["RoleName"] == role)
    assert [p["InstanceProfileName"] for p in found["InstanceProfileList"]] == [profile]
    assert [r["RoleName"] for r in found["InstanceProfileList"][0]["Roles"]] == [role]


def test_policies_of_aws_count_who_uses_them(iam, name):
    """API_Policy: AttachmentCount and PermissionsBoundaryUsageCount; API_ListPolicies: OnlyAttached,
    PolicyUsageFilter; API_GetAccountAuthorizationDetails: the filter AWSManagedPolicy."""
    arn, role = "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess", name("role")

    def listed(**options):
        pages = iam.get_paginator("list_policies").paginate(**options)
        return {p["Arn"]: p for page in pages for p in page["Policies"]}

    def counts(policy):
        return policy["AttachmentCount"], policy["PermissionsBoundaryUsageCount"]

    iam.create_role(RoleName=role, AssumeRolePolicyDocument=LAMBDA_TRUST)
    assert counts(iam.get_policy(PolicyArn=arn)["Policy"]) == (0, 0)
    assert arn in listed(Scope="AWS") and arn not in listed(OnlyAttached=True)

    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    assert counts(iam.get_policy(PolicyArn=arn)["Policy"]) == (1, 0)
    assert counts(listed(Scope="AWS", OnlyAttached=True)[arn]) == (1, 0)
    assert arn not in listed(PolicyUsageFilter="PermissionsBoundary")

    iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=arn)
    assert counts(listed(PolicyUsageFilter="PermissionsBoundary")[arn]) == (1, 1)
    pages = iam.get_paginator("get_account_authorization_details").paginate(Filter=["AWSManagedPolicy"])
    found = {p["Arn"]: p for page in pages for p in page["Policies"]}
    assert counts(found[arn]) == (1, 1)
    assert found[arn]["PolicyVersionList"][0]["Document"]["Statement"][0]["Effect"] == "Allow"
    assert all(counts(p) != (0, 0) for p in found.values())

    iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    iam.delete_role(RoleName=role)
    assert counts(iam.get_policy(PolicyArn=arn)["Policy"]) == (0, 0)


def test_simulations_decide_as_the_calls_do(iam, user):
    who, _ = user
    table = "arn:aws:dynamodb:us-east-1:000000000000:table/notes"
    condition = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    iam.put_user_policy(
        UserName=who,
        PolicyName="p",
        PolicyDocument=document(
            allow("dynamodb:PutItem", table),
            allow("dynamodb:GetItem", table, Condition={"Bool": {"app:flag": "true"}}),
            {"Effect": "Deny", "Action": "dynamodb:DeleteTable", "Resource": "*"},
            allow("sqs:*", Condition=condition),
        ),
    )
    got = iam.simulate_principal_policy(
        PolicySourceArn=iam.get_user(UserName=who)["User"]["Arn"],
        ActionNames=["dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:DeleteTable", "sns:Publish"],
        ResourceArns=[table],
        ContextEntries=[{"ContextKeyName": "app:flag", "ContextKeyType": "boolean", "ContextKeyValues": ["true"]}],
    )["EvaluationResults"]
    assert [r["EvalDecision"] for r in got] == ["allowed", "allowed", "explicitDeny", "implicitDeny"]
    assert got[0]["MissingContextValues"] == []  # "… instead included under the ResourceSpecificResults"
    assert got[0]["ResourceSpecificResults"][0]["MissingContextValues"] == ["aws:RequestedRegion"]
    custom = iam.simulate_custom_policy(
        PolicyInputList=[document(allow("*"))],
        PermissionsBoundaryPolicyInputList=[document(allow("sqs:*"))],
        ActionNames=["sqs:SendMessage", "sns:Publish"],
    )["EvaluationResults"]
    assert [r["EvalDecision"] for r in custom] == ["allowed", "implicitDeny"]
    assert custom[1]["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    keys = iam.get_context_keys_for_custom_policy(
        PolicyInputList=[document(allow("s3:*", "arn:aws:s3:::b/${aws:username}"))]
    )
    assert keys["ContextKeyNames"] == ["aws:username"]


def at(line, column):
    return {"Line": line, "Column": column}


def matched(result):
    return [s["SourcePolicyId"] for s in result["MatchedStatements"]]


def test_a_simulation_names_the_statements_that_decide(iam):
    """
    API_EvaluationResult; names, types and positions as in measured answers: a document that begins
    with {"Version": "2012-10-17", "Statement": [{ has its first statement at column 41.
    """
    first = allow("s3:GetObject")
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::secret/*"}
    end = 40 + len(json.dumps(first)) + 1
    args = {
        "PolicyInputList": [document(first, deny), document(allow("s3:*"))],
        "ActionNames": ["s3:GetObject"],
    }
    got = iam.simulate_custom_policy(**args)["EvaluationResults"][0]
    assert got["EvalResourceName"] == "*" and "ResourceSpecificResults" not in got
    assert got["MatchedStatements"] == [
        {
            "SourcePolicyId": "PolicyInputList.1",
            "SourcePolicyType": "IAM Policy",
            "StartPosition": at(1, 41),
            "EndPosition": at(1, end),
        },
        {
            "SourcePolicyId": "PolicyInputList.2",
            "SourcePolicyType": "IAM Policy",
            "StartPosition": at(1, 41),
            "EndPosition": at(1, 41 + len(json.dumps(allow("s3:*")))),
        },
    ]
    secret = "arn:aws:s3:::secret/key"
    got = iam.simulate_custom_policy(**args, ResourceArns=[secret])["EvaluationResults"][0]
    # "the deny statement is the only entry included in the result"
    assert got["EvalDecision"] == "explicitDeny" and matched(got) == ["PolicyInputList.1"]
    assert got["MatchedStatements"][0]["StartPosition"] == at(1, end)
    assert got["ResourceSpecificResults"] == [
        {
            "EvalResourceName": secret,
            "EvalResourceDecision": "explicitDeny",
            "MatchedStatements": got["MatchedStatements"],
            "MissingContextValues": [],
            "EvalDecisionDetails": {},
        }
    ]
    lines = json.dumps({"Version": "2012-10-17", "Statement": [allow("*")]}, indent=4)
    got = iam.simulate_custom_policy(PolicyInputList=[lines], ActionNames=["sqs:SendMessage"])
    found = got["EvaluationResults"][0]["MatchedStatements"][0]
    assert (found["StartPosition"], found["EndPosition"]) == (at(3, 19), at(8, 10))
    got = iam.simulate_custom_policy(**args | {"ActionNames": ["sqs:SendMessage"]})
    assert matched(got["EvaluationResults"][0]) == []


def test_a_simulated_boundary_answers_for_itself(iam):
    """ "true means that the permissions boundary … includes an Allow statement that matches"."""
    bound = [document(allow("sqs:*"), {"Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": "*"})]
    args = {
        "PermissionsBoundaryPolicyInputList": bound,
        "ActionNames": ["sqs:SendMessage", "sns:Publish", "sqs:DeleteQueue"],
        "ResourceArns": ["arn:aws:sqs:us-east-1:000000000000:q"],
    }
    allowed = "AllowedByPermissionsBoundary"
    for identity, decisions in (
        (allow("sns:*"), ["implicitDeny", "implicitDeny", "explicitDeny"]),
        (allow("*"), ["allowed", "implicitDeny", "explicitDeny"]),
    ):
        got = iam.simulate_custom_policy(PolicyInputList=[document(identity)], **args)["EvaluationResults"]
        assert [r["EvalDecision"] for r in got] == decisions
        details = [r["PermissionsBoundaryDecisionDetail"][allowed] for r in got]
        assert details == [True, False, False]
        inner = [r["ResourceSpecificResults"][0]["PermissionsBoundaryDecisionDetail"] for r in got]
        assert [d[allowed] for d in inner] == details
        assert matched(got[2]) == ["PermissionsBoundaryPolicyInputList.1"]


def test_a_principals_policies_are_called_by_their_names_and_can_be_left_out(iam, user, name):
    who, _ = user
    mine, group = document(allow("iam:GetUser")), name("group")
    managed = iam.create_policy(PolicyName=name("own"), PolicyDocument=mine)["Policy"]
    iam.put_user_policy(UserName=who, PolicyName="inline", PolicyDocument=mine)
    iam.attach_user_policy(UserName=who, PolicyArn=managed["Arn"])
    iam.create_group(GroupName=group)
    iam.put_group_policy(GroupName=group, PolicyName="g", PolicyDocument=mine)
    iam.add_user_to_group(GroupName=group, UserName=who)
    args = {
        "PolicySourceArn": iam.get_user(UserName=who)["User"]["Arn"],
        "ActionNames": ["iam:GetUser"],
        "PolicyInputList": [mine],
    }

    def sources(*excluded):
        more = {"PolicyExclusionList": list(excluded)} if excluded else {}
        return matched(iam.simulate_principal_policy(**args, **more)["EvaluationResults"][0])

    inline, own, grouped = f"user_{who}_inline", managed["PolicyName"], f"group_{group}_g"
    assert sources() == [inline, own, grouped, "PolicyInputList.1"]
    assert sources({"PolicyArn": managed["Arn"]}) == [inline, grouped, "PolicyInputList.1"]
    assert sources({"PolicyType": "inline"}) == [own, "PolicyInputList.1"]
    assert sources({"PolicyType": "aws-managed"}) == sources()
    one = {"PolicyName": "g", "AttachmentType": "group", "AttachmentName": group}
    assert sources({"InlinePolicyIdentifier": one}, {"PolicyType": "user-managed"}) == [
        inline,
        "PolicyInputList.1",
    ]


def test_simulated_organizations_and_other_accounts(iam):
    """One policy of each level must allow; of two accounts both must ("EvalDecisionDetails")."""
    both = [document(allow("sqs:*")), document(allow("sns:*"))]
    levels = [{"ServiceControlPolicyInputList": both}, {"ServiceControlPolicyInputList": both[1:]}]
    got = iam.simulate_custom_policy(
        PolicyInputList=[document(allow("*"))],
        OrderedOrganizationPolicyInputList=levels,
        ActionNames=["sns:Publish", "sqs:SendMessage"],
    )["EvaluationResults"]
    assert [r["EvalDecision"] for r in got] == ["allowed", "implicitDeny"]
    assert [r["OrganizationsDecisionDetail"]["AllowedByOrganizations"] for r in got] == [True, False]

    queue = "arn:aws:sqs:us-east-1:111122223333:q"
    caller = "arn:aws:iam::000000000000:user/ann"
    policy = document(allow("sqs:SendMessage", queue, Principal={"AWS": caller}))
    got = iam.simulate_custom_policy(
        PolicyInputList=[document(allow("sqs:*"))],
        ResourcePolicy=policy,
        ResourceOwner="arn:aws:iam::111122223333:root",
        CallerArn=caller,
        ResourceArns=[queue],
        ActionNames=["sqs:SendMessage", "sqs:ReceiveMessage"],
    )["EvaluationResults"]
    assert [r["EvalDecision"] for r in got] == ["allowed", "implicitDeny"]
    assert [(s["SourcePolicyId"], s["SourcePolicyType"]) for s in got[0]["MatchedStatements"]] == [
        ("PolicyInputList.1", "IAM Policy"),
        ("ResourcePolicy", "Resource Policy"),
    ]
    assert [sorted(r["EvalDecisionDetails"].values()) for r in got] == [
        ["allowed", "allowed"],
        ["allowed", "implicitDeny"],
    ]


def test_records_outlive_a_kill(make_daemon, name):
    from harness.aws import Aws

    daemon = make_daemon()
    iam = Aws(daemon)("iam")
    iam.create_user(UserName="ann")
    iam.attach_user_policy(UserName="ann", PolicyArn=READ_ONLY)
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    daemon.restart("kill9")
    mine = Aws(daemon)("iam", creds=(key["AccessKeyId"], key["SecretAccessKey"]))
    assert mine.get_user()["User"]["UserName"] == "ann"


def test_what_is_not_built_says_so(iam, name):
    text = refused(
        "NotImplementedException",
        iam.create_virtual_mfa_device,
        VirtualMFADeviceName=name("m"),
    ).message
    assert "CreateVirtualMFADevice" in text
