# SPDX-License-Identifier: Apache-2.0
"""Functions whose packages lie in S3.

https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCode.html
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import base64
import hashlib
import io
import json
import urllib.request
import zipfile

import pytest
from botocore.exceptions import ClientError
from harness.refused import refused
from test_lambda import TRUST, zipped

LARGEST_INLINE = 50 << 20
LARGEST_UNZIPPED = 262144000


def package(text, **files):
    return zipped(app__py=f"def handler(event, context):\n    return {text!r}\n", **files)


def sha256(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


@pytest.fixture(scope="module")
def role(aws):
    yield aws("iam").create_role(RoleName="lambda-s3", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    aws("iam").delete_role(RoleName="lambda-s3")


@pytest.fixture
def create(aws, role, name):
    made = []

    def make(client=None, **code):
        function = name("fn")
        settings = {"Runtime": "python3.11", "Role": role, "Handler": "app.handler"}
        answer = (client or aws("lambda")).create_function(FunctionName=function, Code=code, **settings)
        made.append(function)
        return answer

    yield make
    for function in made:
        aws("lambda").delete_function(FunctionName=function)


def says(aws, function):
    return json.loads(aws("lambda").invoke(FunctionName=function)["Payload"].read())


def download(aws, function):
    code = aws("lambda").get_function(FunctionName=function)["Code"]
    assert code["RepositoryType"] == "S3"
    with urllib.request.urlopen(code["Location"]) as answer:
        return answer.read()


def test_a_package_in_s3_is_copied_once(aws, s3, bucket, create):
    """COPY: "Lambda copies the deployment package"; the object may go, and change, after that."""
    first, second = package("first"), package("second")
    s3.put_object(Bucket=bucket, Key="a b/ü.zip", Body=first)
    where = {"S3Bucket": bucket, "S3Key": "a b/ü.zip"}
    made = create(**where, S3ObjectStorageMode="COPY")
    function = made["FunctionName"]
    assert (made["CodeSha256"], made["CodeSize"]) == (sha256(first), len(first))
    s3.put_object(Bucket=bucket, Key="a b/ü.zip", Body=second)
    assert says(aws, function) == "first" and download(aws, function) == first
    updated = aws("lambda").update_function_code(FunctionName=function, **where, Publish=True)
    assert (updated["CodeSha256"], updated["CodeSize"], updated["Version"]) == (sha256(second), len(second), "1")
    s3.delete_object(Bucket=bucket, Key="a b/ü.zip")
    assert says(aws, function) == "second" and says(aws, f"{function}:1") == "second"


def test_a_version_of_an_object_can_be_named(aws, s3, bucket, create):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=bucket, Key="k", Body=package("old"))["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=package("new"))
    where = {"S3Bucket": bucket, "S3Key": "k"}
    function = create(**where)["FunctionName"]
    assert says(aws, function) == "new"
    client = aws("lambda")
    assert client.update_function_code(FunctionName=function, **where, S3ObjectVersion=old)["CodeSha256"] == sha256(package("old"))
    assert says(aws, function) == "old"
    s3.delete_object(Bucket=bucket, Key="k")
    error = refused("InvalidParameterValueException", client.update_function_code, FunctionName=function, **where)
    assert "S3 Error Code: NoSuchKey." in error.message
    client.update_function_code(FunctionName=function, **where, S3ObjectVersion=old)


def test_a_trial_changes_nothing(aws, s3, bucket, create):
    s3.put_object(Bucket=bucket, Key="k", Body=package("one"))
    where = {"S3Bucket": bucket, "S3Key": "k"}
    function, client = create(**where)["FunctionName"], aws("lambda")
    before = client.get_function_configuration(FunctionName=function)["RevisionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=package("two"))
    tried = client.update_function_code(FunctionName=function, **where, DryRun=True)
    assert tried["CodeSha256"] == sha256(package("two"))
    assert client.get_function_configuration(FunctionName=function)["RevisionId"] == before
    s3.put_object(Bucket=bucket, Key="k", Body=b"no zip")
    error = refused("InvalidParameterValueException", client.update_function_code, FunctionName=function, **where, DryRun=True)
    assert error.message.startswith("Could not unzip uploaded file.")
    assert says(aws, function) == "one"


def test_what_s3_refuses_is_told_as_lambda_does(aws, s3, bucket, create):
    """The texts: https://github.com/aws-solutions/aws-waf-security-automations/issues/135"""
    error = "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}"
    for where, code, text in (
        ({"S3Bucket": bucket, "S3Key": "k"}, "NoSuchKey", "The specified key does not exist."),
        ({"S3Bucket": bucket + "-no", "S3Key": "k"}, "NoSuchBucket", "The specified bucket does not exist"),
    ):
        got = refused("InvalidParameterValueException", create, **where)
        assert got.message == error.format(code, text) and got.status == 400
    s3.put_object(Bucket=bucket, Key="cold", Body=package("x"), StorageClass="GLACIER")
    got = refused("InvalidParameterValueException", create, S3Bucket=bucket, S3Key="cold")
    assert "S3 Error Code: InvalidObjectState." in got.message
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    refused("InvalidParameterValueException", create, S3Bucket=bucket, S3Key="empty")
    for code in (
        {"S3Bucket": bucket},
        {"ZipFile": package("x"), "S3Bucket": bucket, "S3Key": "k"},
        {"S3Bucket": bucket, "S3Key": "k", "S3ObjectStorageMode": "REFERENCE"},
    ):
        refused("InvalidParameterValueException", create, **code)


def test_the_caller_needs_permission_to_read_the_object(aws, s3, bucket, create, role, name):
    """As "execution" of both actions: with a version s3:GetObjectVersion."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="k", Body=package("x"))["VersionId"]
    iam, user = aws("iam"), name("user")
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    mine = aws("lambda", creds=(key["AccessKeyId"], key["SecretAccessKey"]))

    def allow(*actions, **condition):
        statements = [
            {"Effect": "Allow", "Action": ["lambda:*", "iam:PassRole"], "Resource": "*"},
            {"Effect": "Allow", "Action": ["s3:ListBucket", *actions], "Resource": "*", **condition},
        ]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=policy)

    latest, named = {"S3Bucket": bucket, "S3Key": "k"}, {"S3Bucket": bucket, "S3Key": "k", "S3ObjectVersion": version}
    allow()
    got = refused("AccessDeniedException", create, mine, **latest)
    assert got.status == 403
    assert got.message.startswith(
        "Your access has been denied by S3, please make sure your request credentials have permission to "
        f"GetObject for {bucket}/k. S3 Error Code: AccessDenied. S3 Error Message: "
    )
    allow("s3:GetObject")
    create(mine, **latest)
    refused("AccessDeniedException", create, mine, **named)
    allow("s3:GetObjectVersion")
    create(mine, **named)
    refused("AccessDeniedException", create, mine, **latest)
    # The request reaches S3 through a service: aws:ViaAWSService.
    allow("s3:GetObject", Condition={"Bool": {"aws:ViaAWSService": "true"}})
    create(mine, **latest)
    with pytest.raises(ClientError):
        aws("s3", creds=(key["AccessKeyId"], key["SecretAccessKey"])).get_object(Bucket=bucket, Key="k")
    iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=user, PolicyName="p")
    iam.delete_user(UserName=user)


def stored_zip(**sizes):
    """Entries of zeros that are not compressed, beside a handler."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as z:
        for file, size in sizes.items():
            with z.open(zipfile.ZipInfo(file), "w", force_zip64=False) as f:
                for at in range(0, size, 1 << 20):
                    f.write(bytes(min(1 << 20, size - at)))
        z.writestr("app.py", "import os\ndef handler(event, context):\n    return os.path.getsize('data')\n")
    return out.getvalue()


def test_packages_in_s3_may_be_larger_than_those_in_requests(aws, s3, bucket, create):
    """50 MB zipped through the API, "upload larger files with Amazon S3"; 250 MB unzipped."""
    large = stored_zip(data=LARGEST_INLINE + (20 << 20))
    s3.put_object(Bucket=bucket, Key="large", Body=large)
    made = create(S3Bucket=bucket, S3Key="large")
    assert (made["CodeSize"], made["CodeSha256"]) == (len(large), sha256(large))
    assert says(aws, made["FunctionName"]) == LARGEST_INLINE + (20 << 20)
    assert sha256(download(aws, made["FunctionName"])) == sha256(large)
    s3.put_object(Bucket=bucket, Key="too-large", Body=bytes(LARGEST_UNZIPPED + 1))
    error = refused("InvalidParameterValueException", create, S3Bucket=bucket, S3Key="too-large")
    assert error.message == f"Unzipped size must be smaller than {LARGEST_UNZIPPED} bytes"
