# SPDX-License-Identifier: Apache-2.0
"""--auth strict: the well-known key is no key, and the data folder holds the random one."""

import json
import stat

import boto3
import pytest
from botocore.exceptions import ClientError


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
