# SPDX-License-Identifier: Apache-2.0
"""--auth strict: the well-known key is no key, and the data folder holds the random one."""

import json
import stat

import boto3
import pytest
from botocore.exceptions import ClientError
from harness.aws import Aws


def sts(daemon, key_id, secret):
    return boto3.client(
        "sts",
        endpoint_url=daemon.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
    )


def test_the_key_is_random_kept_and_private(make_daemon):
    daemon = make_daemon("--auth", "strict")
    with pytest.raises(ClientError) as e:
        sts(daemon, "test", "test").get_caller_identity()
    assert e.value.response["Error"]["Code"] == "InvalidClientTokenId"  # IAM's guide, common errors

    path = daemon.data / "root-key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = json.loads(path.read_text())
    identity = sts(daemon, key["AccessKeyId"], key["SecretAccessKey"]).get_caller_identity()
    assert identity["Arn"] == "arn:aws:iam::000000000000:root"
    assert key["SecretAccessKey"] not in daemon.log_tail()

    daemon.kill9()
    daemon.restart()
    assert json.loads(path.read_text()) == key
    sts(daemon, key["AccessKeyId"], key["SecretAccessKey"]).get_caller_identity()


def test_the_root_assumes_no_role(make_daemon):
    """STS, API_AssumeRole: "You cannot use AWS account root user credentials to call AssumeRole"."""
    daemon = make_daemon("--auth", "strict")
    key = json.loads((daemon.data / "root-key").read_text())
    creds = (key["AccessKeyId"], key["SecretAccessKey"])
    aws = Aws(daemon)
    iam = aws("iam", creds=creds)
    statement = {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    session = aws("sts", creds=creds).get_session_token()["Credentials"]
    for root in (creds, tuple(session[k] for k in ("AccessKeyId", "SecretAccessKey", "SessionToken"))):
        with pytest.raises(ClientError) as e:
            aws("sts", creds=root).assume_role(RoleArn=role, RoleSessionName="s1")
        assert e.value.response["Error"]["Code"] == "AccessDenied"
        assert e.value.response["Error"]["Message"] == "Roles may not be assumed by root accounts."

    iam.create_user(UserName="u")
    may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy)
    made = iam.create_access_key(UserName="u")["AccessKey"]
    user = aws("sts", creds=(made["AccessKeyId"], made["SecretAccessKey"]))
    user.assume_role(RoleArn=role, RoleSessionName="s1")
