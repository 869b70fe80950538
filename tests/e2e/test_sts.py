# SPDX-License-Identifier: Apache-2.0
"""STS: who is calling, and credentials for a while (issue 2, section 4)."""

import json

import pytest
from harness.aws import Aws, Virga
from harness.refused import refused

ACCOUNT = "000000000000"
FULL = "arn:aws:iam::aws:policy/IAMFullAccess"


def trust(principal, **condition):
    statement = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
    }
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def allow(action, resource="*"):
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}],
        }
    )


def keys(credentials):
    return (
        credentials["AccessKeyId"],
        credentials["SecretAccessKey"],
        credentials["SessionToken"],
    )


@pytest.fixture
def make_user(aws, name):
    def make(*actions):
        who = name("user")
        iam = aws("iam")
        iam.create_user(UserName=who)
        if actions:
            iam.put_user_policy(
                UserName=who, PolicyName="p", PolicyDocument=allow(list(actions))
            )
        key = iam.create_access_key(UserName=who)["AccessKey"]
        return who, (key["AccessKeyId"], key["SecretAccessKey"])

    return make


@pytest.fixture
def make_role(aws, name):
    def make(principal, policy=None, **condition):
        role = name("role")
        made = aws("iam").create_role(
            RoleName=role, AssumeRolePolicyDocument=trust(principal, **condition)
        )
        if policy:
            aws("iam").put_role_policy(
                RoleName=role, PolicyName="p", PolicyDocument=policy
            )
        return made["Role"]["Arn"]

    return make


def test_identity_of_each_kind_of_caller(aws, make_user, make_role):
    root = aws("sts").get_caller_identity()
    assert (root["Account"], root["Arn"], root["UserId"]) == (
        ACCOUNT,
        f"arn:aws:iam::{ACCOUNT}:root",
        ACCOUNT,
    )
    who, key = make_user()
    assert (
        aws("sts", creds=key).get_caller_identity()["Arn"]
        == f"arn:aws:iam::{ACCOUNT}:user/{who}"
    )
    role = make_role({"AWS": ACCOUNT})
    got = aws("sts").assume_role(RoleArn=role, RoleSessionName="s1")
    session = aws("sts", creds=keys(got["Credentials"])).get_caller_identity()
    assert (
        session["Arn"]
        == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.split('/')[-1]}/s1"
    )
    assert session["Arn"] == got["AssumedRoleUser"]["Arn"]
    assert session["UserId"] == got["AssumedRoleUser"]["AssumedRoleId"]


def test_the_trust_policy_decides(aws, make_user, make_role):
    who, key = make_user()
    sts = aws("sts", creds=key)
    closed = make_role({"Service": "lambda.amazonaws.com"})
    delegated = make_role({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    named = make_role({"AWS": f"arn:aws:iam::{ACCOUNT}:user/{who}"})
    text = refused(
        "AccessDenied", sts.assume_role, RoleArn=closed, RoleSessionName="s1"
    ).message
    assert text == (
        f"User: arn:aws:iam::{ACCOUNT}:user/{who} is not authorized to perform: sts:AssumeRole on resource: {closed}"
    )
    refused("AccessDenied", sts.assume_role, RoleArn=delegated, RoleSessionName="s1")
    sts.assume_role(RoleArn=named, RoleSessionName="s1")
    aws("iam").put_user_policy(
        UserName=who, PolicyName="p", PolicyDocument=allow("sts:AssumeRole")
    )
    sts.assume_role(RoleArn=delegated, RoleSessionName="s1")
    refused("AccessDenied", sts.assume_role, RoleArn=closed, RoleSessionName="s1")
    refused("AccessDenied", sts.assume_role, RoleArn=closed + "x", RoleSessionName="s1")


def test_the_well_known_root_key_assumes_roles_that_trust_the_account(aws, make_role):
    """README of sts: the one key of a new data folder; refused under --auth strict (test_strict.py)."""
    role = make_role({"AWS": ACCOUNT})
    aws("sts").assume_role(RoleArn=role, RoleSessionName="s1")
    closed = make_role({"Service": "lambda.amazonaws.com"})
    refused("AccessDenied", aws("sts").assume_role, RoleArn=closed, RoleSessionName="s1")


def test_external_ids(aws, make_user, make_role):
    _, key = make_user("sts:AssumeRole")
    sts = aws("sts", creds=key)
    role = make_role({"AWS": ACCOUNT}, StringEquals={"sts:ExternalId": "e-1"})
    refused("AccessDenied", sts.assume_role, RoleArn=role, RoleSessionName="s1")
    refused(
        "AccessDenied",
        sts.assume_role,
        RoleArn=role,
        RoleSessionName="s1",
        ExternalId="e-2",
    )
    sts.assume_role(RoleArn=role, RoleSessionName="s1", ExternalId="e-1")


def test_a_session_has_the_roles_rights_only(aws, make_user, make_role):
    _who, key = make_user("iam:*", "sts:*")
    role = make_role({"AWS": ACCOUNT}, allow("iam:ListUsers"))
    got = aws("sts", creds=key).assume_role(RoleArn=role, RoleSessionName="s1")[
        "Credentials"
    ]
    session = aws("iam", creds=keys(got))
    session.list_users(MaxItems=1)
    refused("AccessDenied", session.list_roles)


def test_session_policies_only_narrow(aws, make_role):
    role = make_role({"AWS": ACCOUNT}, allow(["iam:ListUsers", "iam:ListRoles"]))
    assume = aws("sts").assume_role
    got = assume(
        RoleArn=role,
        RoleSessionName="s1",
        Policy=allow(["iam:ListUsers", "iam:ListGroups"]),
    )
    session = aws("iam", creds=keys(got["Credentials"]))
    session.list_users(MaxItems=1)
    text = refused("AccessDenied", session.list_roles).message
    assert text.endswith("because no session policy allows the iam:ListRoles action")
    assert "identity-based" in refused("AccessDenied", session.list_groups).message
    got = assume(RoleArn=role, RoleSessionName="s1", PolicyArns=[{"arn": FULL}])
    aws("iam", creds=keys(got["Credentials"])).list_roles(MaxItems=1)
    assert refused(
        "MalformedPolicyDocument",
        assume,
        RoleArn=role,
        RoleSessionName="s1",
        Policy="{}",
    ).message


def test_durations(aws, make_role):
    role = make_role({"AWS": ACCOUNT}, allow("sts:AssumeRole"))
    assume = aws("sts").assume_role
    text = refused(
        "ValidationError",
        assume,
        RoleArn=role,
        RoleSessionName="s1",
        DurationSeconds=3601,
    ).message
    assert (
        text
        == "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    )
    unchecked = aws("sts", parameter_validation=False).assume_role
    text = refused(
        "ValidationError",
        unchecked,
        RoleArn=role,
        RoleSessionName="s1",
        DurationSeconds=899,
    ).message
    assert "durationSeconds" in text and "900" in text
    aws("iam").update_role(RoleName=role.split("/")[-1], MaxSessionDuration=7200)
    got = assume(RoleArn=role, RoleSessionName="s1", DurationSeconds=7200)[
        "Credentials"
    ]
    chained = aws("sts", creds=keys(got)).assume_role
    text = refused(
        "ValidationError",
        chained,
        RoleArn=role,
        RoleSessionName="s2",
        DurationSeconds=7200,
    ).message
    assert "role chaining" in text
    chained(RoleArn=role, RoleSessionName="s2", DurationSeconds=3600)


def test_session_tags(aws, make_role):
    role = make_role(
        {"AWS": ACCOUNT},
        json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "iam:ListUsers",
                        "Resource": "*",
                        "Condition": {
                            "StringEquals": {"aws:PrincipalTag/team": "blue"}
                        },
                    }
                ],
            }
        ),
    )
    for team, ok in (("blue", True), ("red", False)):
        tags = [{"Key": "team", "Value": team}]
        got = aws("sts").assume_role(RoleArn=role, RoleSessionName="s1", Tags=tags)[
            "Credentials"
        ]
        session = aws("iam", creds=keys(got))
        if ok:
            session.list_users(MaxItems=1)
        else:
            refused("AccessDenied", session.list_users)


def test_get_session_token(aws, make_user):
    who, key = make_user("iam:ListUsers")
    got = aws("sts", creds=key).get_session_token(DurationSeconds=900)["Credentials"]
    session = aws("sts", creds=keys(got))
    assert session.get_caller_identity()["Arn"].endswith(f":user/{who}")
    aws("iam", creds=keys(got)).list_users(MaxItems=1)
    refused("AccessDenied", session.get_session_token)
    wrong = (
        got["AccessKeyId"],
        got["SecretAccessKey"],
        got["SessionToken"][:-8] + "AAAAAAA=",
    )
    refused("InvalidClientTokenId", aws("sts", creds=wrong).get_caller_identity)


def test_access_keys_tell_their_account(aws, make_user):
    _, key = make_user()
    assert aws("sts").get_access_key_info(AccessKeyId=key[0])["Account"] == ACCOUNT


def test_web_identities_have_no_provider_yet(aws, make_role):
    # a JWT {"alg":"none"}.{"iss":"https://issuer.example"}
    token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIn0.c2ln"
    text = refused(
        "InvalidIdentityToken", aws("sts").assume_role_with_web_identity,
        RoleArn=make_role({"AWS": ACCOUNT}), RoleSessionName="s1", WebIdentityToken=token,
    ).message  # fmt: skip
    assert (
        text
        == "No OpenIDConnect provider found in your account for https://issuer.example"
    )


def test_only_messages_of_this_program_are_decoded(aws, make_user):
    """
    STS, API_DecodeAuthorizationMessage: "Only certain AWS operations return an encoded authorization
    message"; none of the services built here is among them, so their denials carry none.
    """
    text = refused(
        "InvalidAuthorizationMessageException",
        aws("sts").decode_authorization_message,
        EncodedMessage="abc",
    ).message
    assert text == "Message is not valid"
    who, key = make_user()
    arn = f"arn:aws:iam::{ACCOUNT}:user/{who}"
    for service, call, denied in (
        ("dynamodb", "list_tables", "AccessDeniedException"),
        ("lambda", "list_functions", "AccessDeniedException"),
        ("logs", "describe_log_groups", "AccessDeniedException"),
        ("iam", "list_roles", "AccessDenied"),
        ("sts", "decode_authorization_message", "AccessDenied"),
    ):
        args = {"EncodedMessage": "abc"} if service == "sts" else {}
        text = refused(denied, getattr(aws(service, creds=key), call), **args).message
        assert text.startswith(f"User: {arn} is not authorized to perform: {service}:")
        assert "ncoded" not in text


def test_sessions_outlive_a_restart_and_end_by_virtual_time(make_daemon):
    daemon = make_daemon()
    aws = Aws(daemon)
    aws("iam").create_role(
        RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT})
    )
    got = aws("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/r", RoleSessionName="s1"
    )["Credentials"]
    daemon.restart("kill9")
    again = Aws(daemon)
    again("sts", creds=keys(got)).get_caller_identity()
    Virga(daemon)("clock", "advance", "59m")
    again("sts", creds=keys(got)).get_caller_identity()
    Virga(daemon)("clock", "advance", "2m")
    text = refused("ExpiredToken", again("sts", creds=keys(got)).get_caller_identity).message
    assert text == "The security token included in the request is expired"


def test_a_session_ends_with_its_role(aws, make_role):
    role = make_role({"AWS": ACCOUNT})
    got = aws("sts").assume_role(RoleArn=role, RoleSessionName="s1")["Credentials"]
    name = role.split("/")[-1]
    aws("iam").delete_role(RoleName=name)
    refused("InvalidClientTokenId", aws("sts", creds=keys(got)).get_caller_identity)
    aws("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=trust({"AWS": ACCOUNT})
    )
    text = refused(
        "InvalidClientTokenId", aws("sts", creds=keys(got)).get_caller_identity
    ).message
    assert text == "The security token included in the request is invalid."
