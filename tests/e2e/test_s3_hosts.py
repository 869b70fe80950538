# SPDX-License-Identifier: Apache-2.0
"""Buckets that the host names, and how an unsigned request finds S3.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
"""

import json
import socket
import urllib.parse

import botocore
import pytest
import urllib3
from harness.aws import Aws
from harness.raw import bare
from harness.refused import refused
from harness.s3 import empty

ODD_KEYS = [
    "a",
    "a b",
    "a+b=c&d?e#f%20g",
    "%2F",
    "/lead//twice/",
    "//",
    "/",
    "../..",
    "a/../b/./c",
    ".",
    "ä/日本/🙂",
    "k\x01\x7f",
    "'\"<&>",
    "restapis/x",
    "2015-03-31/functions/f/invocations",
]
HOSTS = ["s3.us-east-1.localhost", "s3.localhost", "localhost", "s3.us-east-1.amazonaws.com"]


class Under:
    """The daemon by another name."""

    def __init__(self, daemon, host):
        self.endpoint = f"http://{host}:{daemon.address.rsplit(':', 1)[1]}"


@pytest.fixture(autouse=True)
def names(monkeypatch):
    """glibc resolves no *.localhost by itself; all names lead to the daemon here."""
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real("127.0.0.1", *rest, **more))


@pytest.fixture(params=["plain", "with.dots.s3"])
def bucket(make_bucket, request):
    return make_bucket(request.param)


def publish(s3, bucket):
    s3.delete_public_access_block(Bucket=bucket)
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statement}))


@pytest.mark.parametrize("host", HOSTS)
def test_keys_may_be_anything_in_both_styles(daemon, s3, bucket, host):
    clients = Aws(Under(daemon, host))
    style = clients("s3", s3={"addressing_style": "virtual"})
    try:
        for i, key in enumerate(ODD_KEYS):
            style.put_object(Bucket=bucket, Key=key, Body=str(i))
        listed = style.list_objects_v2(Bucket=bucket)["Contents"]
        assert {o["Key"] for o in listed} == set(ODD_KEYS)
        for i, key in enumerate(ODD_KEYS):
            assert style.get_object(Bucket=bucket, Key=key)["Body"].read() == str(i).encode()
            assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == str(i).encode()
        assert style.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200
    finally:
        clients.close()


@pytest.mark.parametrize("version", ["s3", "s3v4"])  # boto3's names of SigV2 and SigV4
@pytest.mark.parametrize("host", HOSTS)
def test_presigned_urls(daemon, bucket, host, version):
    clients = Aws(Under(daemon, host))
    s3 = clients("s3", signature_version=version, s3={"addressing_style": "virtual"})
    pool = urllib3.PoolManager()
    try:
        for key in ODD_KEYS:
            at = {"Bucket": bucket, "Key": key}
            put = s3.generate_presigned_url("put_object", Params=at)
            assert f"//{bucket}.{host}:" in put
            # By http.client: urllib3 would resolve "..".
            where = urllib.parse.urlsplit(put)
            status, _, text = bare(daemon, "PUT", put.split(where.netloc, 1)[1], where.netloc, body=b"hello")
            assert status == 200, (key, text)
            get = s3.generate_presigned_url("get_object", Params={**at, "ResponseContentType": "c/d"})
            target = get.split(where.netloc, 1)[1]
            status, headers, text = bare(daemon, "GET", target, where.netloc)
            assert (status, headers["Content-Type"], text) == (200, "c/d", b"hello"), key
            # The host is signed, by version 2 the bucket
            assert bare(daemon, "GET", target, where.netloc.replace(bucket, "other"))[0] == 403
        assert pool.request("GET", get).data == b"hello"
    finally:
        pool.clear()
        clients.close()


def test_public_objects_without_a_signature(daemon, s3, bucket):
    publish(s3, bucket)
    for key in ("k", "restapis/x", "_virga/health", "2015-03-31/functions", "restapis/a/prod/_user_request_/b"):
        s3.put_object(Bucket=bucket, Key=key, Body=key)
        for target, host in (
            (f"/{key}", f"{bucket}.s3.us-east-1.localhost:1"),
            (f"/{key}", f"{bucket}.s3.localhost"),
            (f"/{bucket}/{key}", "s3.localhost"),
            (f"/{bucket}/{key}", "localhost"),
            (f"/{bucket}/{key}", "127.0.0.1"),
        ):
            status, headers, text = bare(daemon, "GET", target, host)
            assert (status, text.decode()) == (200, key), (target, host)
    assert bare(daemon, "GET", "/k", f"{bucket}.localhost")[2] == b"k"
    status, _, text = bare(daemon, "GET", "/?list-type=2", f"{bucket}.s3.localhost")
    assert status == 200 and b"<Key>restapis/x</Key>" in text


def test_paths_of_other_apis_come_before_buckets(daemon, s3, nameless_bucket):
    """Without signature and under a host of no API; under S3's host they are buckets."""
    publish(s3, nameless_bucket)
    s3.put_object(Bucket=nameless_bucket, Key="x", Body=b"mine")
    for path in ("/2015-03-31/functions", "/2015-03-31/functions/f", "/v2/apis"):
        status, headers, text = bare(daemon, "GET", path, "localhost")
        assert (status, headers["Content-Type"]) == (403, "application/json"), path
        assert b"Missing Authentication Token" in text
        status, headers, text = bare(daemon, "GET", path, "s3.localhost")
        assert (status, headers["Content-Type"]) == (404, "application/xml"), path
        assert b"<Code>NoSuchBucket</Code>" in text
    # No API of this daemon lies at such a path
    assert bare(daemon, "GET", f"/{nameless_bucket}/x", "localhost")[2] == b"mine"
    # Signed requests say which API they mean
    assert s3.get_object(Bucket=nameless_bucket, Key="x")["Body"].read() == b"mine"


@pytest.fixture
def nameless_bucket(s3):
    made = "functions"
    s3.create_bucket(Bucket=made)
    yield made
    empty(s3, made)
    s3.delete_bucket(Bucket=made)


def test_the_default_key_is_refused_under_foreign_hosts(daemon, bucket):
    """DNS rebinding: `bucket.s3.evil.example` may lead here, and then has nothing but what is public."""
    clients = Aws(Under(daemon, "s3.evil.example"))
    s3 = clients("s3", signature_version="s3v4", s3={"addressing_style": "virtual"})
    try:
        url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
        where = urllib.parse.urlsplit(url)
        status, _, text = bare(daemon, "GET", url.split(where.netloc, 1)[1], where.netloc)
        assert (status, b"<Code>InvalidAccessKeyId</Code>" in text) == (403, True)
    finally:
        clients.close()


def test_unsigned_clients_in_virtual_style(daemon, s3, bucket):
    publish(s3, bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    clients = Aws(Under(daemon, "s3.localhost"))
    nobody = clients("s3", signature_version=botocore.UNSIGNED, s3={"addressing_style": "virtual"})
    try:
        assert nobody.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
        refused("AccessDenied", nobody.put_object, Bucket=bucket, Key="k", Body=b"y")
    finally:
        clients.close()
