# SPDX-License-Identifier: Apache-2.0
"""What policies may test of a request to S3: how it is signed and sent, and what it asks for.

https://docs.aws.amazon.com/AmazonS3/latest/developerguide/bucket-policy-s3-sigv4-conditions.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
"""

import json
import ssl
import urllib.error
import urllib.request

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from harness.aws import Aws, Virga
from test_tls import Secure

ACCOUNT = "000000000000"


@pytest.fixture
def bucket(s3, make_bucket):
    made = make_bucket()
    s3.put_object(Bucket=made, Key="k", Body=b"hello")
    return made


def deny(s3, bucket, operator, key, value, action="s3:*Object"):
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {operator: {key: value}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def is_denied(call, **parameters):
    try:
        call(**parameters)
    except ClientError as e:
        assert e.response["Error"]["Code"] == "AccessDenied", e
        return True
    return False


def status(url, **options):
    try:
        with urllib.request.urlopen(url, **options) as answer:
            return answer.status
    except urllib.error.HTTPError as e:
        with e:
            return e.code


def presigned(client, bucket, **settings):
    return client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, **settings)


@pytest.fixture
def v4(aws):
    return aws("s3", signature_version="s3v4")


@pytest.fixture
def v2(aws):
    return aws("s3", signature_version="s3")


def test_the_way_of_signing(s3, v4, v2, bucket):
    at = {"Bucket": bucket, "Key": "k"}
    deny(s3, bucket, "StringNotEquals", "s3:authType", "REST-HEADER")
    assert not is_denied(s3.get_object, **at)
    assert (status(presigned(v4, bucket)), status(presigned(v2, bucket))) == (403, 403)
    deny(s3, bucket, "StringEquals", "s3:authType", "REST-HEADER")
    assert is_denied(s3.get_object, **at)
    assert (status(presigned(v4, bucket)), status(presigned(v2, bucket))) == (200, 200)
    deny(s3, bucket, "StringEquals", "s3:signatureversion", "AWS")
    assert not is_denied(s3.get_object, **at)
    assert (status(presigned(v4, bucket)), status(presigned(v2, bucket))) == (200, 403)
    deny(s3, bucket, "StringEquals", "s3:signatureversion", "AWS4-HMAC-SHA256")
    assert is_denied(s3.get_object, **at)
    assert (status(presigned(v4, bucket)), status(presigned(v2, bucket))) == (403, 200)


def test_the_age_of_a_presigned_url(make_daemon):
    """The first example of the page: "any Amazon S3 presigned URL request … more than 10 minutes old"."""
    daemon = make_daemon()
    aws = Aws(daemon)
    s3, v4 = aws("s3"), aws("s3", signature_version="s3v4")
    s3.create_bucket(Bucket="aged")
    s3.put_object(Bucket="aged", Key="k", Body=b"x")
    deny(s3, "aged", "NumericGreaterThan", "s3:signatureAge", "600000")
    url, of_v2 = presigned(v4, "aged", ExpiresIn=3600), presigned(aws("s3", signature_version="s3"), "aged")
    assert status(url) == 200
    Virga(daemon)("clock", "advance", "11m")
    assert not is_denied(s3.get_object, Bucket="aged", Key="k")
    assert status(url) == 403 and status(of_v2) == 200
    aws.close()


class Unsigned(S3SigV4Auth):
    """Signs the head alone."""

    def payload(self, _):
        return "UNSIGNED-PAYLOAD"


def put_signed(daemon, bucket, signer):
    request = AWSRequest("PUT", f"{daemon.endpoint}/{bucket}/a", data=b"x")
    signer(Credentials("test", "test"), "s3", "us-east-1").add_auth(request)
    sent = urllib.request.Request(request.url, data=b"x", headers=dict(request.headers), method="PUT")
    return status(sent)


def test_a_payload_that_is_not_signed(daemon, s3, v4, bucket):
    assert put_signed(daemon, bucket, Unsigned) == 200
    deny(s3, bucket, "StringEquals", "s3:x-amz-content-sha256", "UNSIGNED-PAYLOAD")
    assert put_signed(daemon, bucket, Unsigned) == 403
    assert put_signed(daemon, bucket, S3SigV4Auth) == 200
    assert status(presigned(v4, bucket)) == 200  # has no such header


def test_the_version_of_tls(make_daemon):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html: s3:TlsVersion"""
    daemon = make_daemon("--tls-listen", "127.0.0.1:0")
    secure, plain = Secure(daemon), Aws(daemon)
    aws = Aws(secure, verify=str(secure.authority))
    s3 = plain("s3")
    s3.create_bucket(Bucket="secure")
    s3.put_object(Bucket="secure", Key="k", Body=b"x")
    deny(s3, "secure", "NumericLessThan", "s3:TlsVersion", "1.3")
    url = presigned(aws("s3", signature_version="s3v4"), "secure")

    def over(version):
        context = ssl.create_default_context(cafile=str(secure.authority))
        context.minimum_version = context.maximum_version = version
        return status(url, context=context)

    assert over(ssl.TLSVersion.TLSv1_3) == 200 and over(ssl.TLSVersion.TLSv1_2) == 403
    # Without TLS there is no version: aws:SecureTransport is for that.
    assert not is_denied(s3.get_object, Bucket="secure", Key="k")
    deny(s3, "secure", "Bool", "aws:SecureTransport", "false")
    assert is_denied(s3.get_object, Bucket="secure", Key="k") and over(ssl.TLSVersion.TLSv1_2) == 200
    aws.close()
    plain.close()


def test_whose_the_bucket_is(s3, bucket):
    deny(s3, bucket, "StringEquals", "s3:ResourceAccount", "111111111111")
    assert not is_denied(s3.get_object, Bucket=bucket, Key="k")
    deny(s3, bucket, "StringEquals", "s3:ResourceAccount", ACCOUNT)
    assert is_denied(s3.get_object, Bucket=bucket, Key="k")


def test_writes_can_be_made_conditional(s3, bucket):
    """ "exempt the CreateMultipartUpload, UploadPart, and UploadPartCopy operations"."""
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert is_denied(s3.put_object, Bucket=bucket, Key="a", Body=b"x")
    assert not is_denied(s3.put_object, Bucket=bucket, Key="a", Body=b"x", IfNoneMatch="*")
    assert is_denied(s3.copy_object, Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "k"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    at = {"Bucket": bucket, "Key": "parts", "UploadId": upload}
    part = s3.upload_part(**at, PartNumber=1, Body=b"x")["ETag"]
    s3.upload_part_copy(**at, PartNumber=2, CopySource={"Bucket": bucket, "Key": "k"})
    whole = {**at, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part}]}}
    assert is_denied(s3.complete_multipart_upload, **whole)
    assert not is_denied(s3.complete_multipart_upload, **whole, IfNoneMatch="*")


def test_deletes_can_be_made_conditional(s3, bucket):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-delete-enforce.html"""
    deny(s3, bucket, "Null", "s3:if-match", "true", action="s3:DeleteObject")
    etag = s3.head_object(Bucket=bucket, Key="k")["ETag"]
    assert is_denied(s3.delete_object, Bucket=bucket, Key="k")
    refused = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})["Errors"]
    assert [e["Code"] for e in refused] == ["AccessDenied"]
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "ETag": etag}]})
    assert [d["Key"] for d in deleted["Deleted"]] == ["k"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    assert not is_denied(s3.delete_object, Bucket=bucket, Key="k", IfMatch=etag)


def test_who_may_not_read_an_object_cannot_probe_its_etag(s3, make_s3_user, bucket):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-delete-enforce.html: "conditional deletes
    with a specific ETag value require both s3:DeleteObject and s3:GetObject permissions"."""
    resource = f"arn:aws:s3:::{bucket}/*"
    deleter = make_s3_user({"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": resource})
    etag = s3.head_object(Bucket=bucket, Key="k")["ETag"]
    assert is_denied(deleter.delete_object, Bucket=bucket, Key="k", IfMatch=etag)
    refused = deleter.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "ETag": etag}]})["Errors"]
    assert [e["Code"] for e in refused] == ["AccessDenied"]
    assert not is_denied(deleter.delete_object, Bucket=bucket, Key="k", IfMatch="*")
