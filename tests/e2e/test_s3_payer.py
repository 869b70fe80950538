# SPDX-License-Identifier: Apache-2.0
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html"""

import json
import urllib.error
import urllib.request

import pytest
from harness.aws import Aws
from harness.refused import refused


def test_anonymous_requests_are_refused_where_the_requester_pays(s3, nobody, bucket):
    s3.delete_public_access_block(Bucket=bucket)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert nobody.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"
    for more in ({}, {"RequestPayer": "requester"}):
        assert refused("AccessDenied", nobody.get_object, Bucket=bucket, Key="k", **more).status == 403
    own = s3.get_object(Bucket=bucket, Key="k", RequestPayer="requester")
    assert own["Body"].read() == b"x"
    assert "RequestCharged" not in own  # its owner pays as for any other bucket


def got(url):
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.headers.get("x-amz-request-charged")
    except urllib.error.HTTPError as e:
        with e:
            return e.code, None


@pytest.fixture
def of_others(make_daemon):
    """A client of an account that reads the bucket "paid" of another one, where the requester pays."""
    daemon = make_daemon("--account", "111122223333")
    aws = Aws(daemon)
    s3 = aws("s3")
    s3.create_bucket(Bucket="paid")
    statement = {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "s3:*", "Resource": "arn:aws:s3:::paid/*"}
    s3.put_bucket_policy(Bucket="paid", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    s3.put_object(Bucket="paid", Key="k", Body=b"x")
    s3.put_bucket_request_payment(Bucket="paid", RequestPaymentConfiguration={"Payer": "Requester"})
    daemon.args = ["--account", "444455556666"]
    daemon.restart()
    yield aws
    aws.close()


def test_signed_urls_say_that_the_requester_pays(of_others):
    """"For signed URLs, include x-amz-request-payer=requester in the request":
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ObjectsinRequesterPaysBuckets.html"""
    at = {"Bucket": "paid", "Key": "k"}
    for version in ("s3", "s3v4"):
        s3 = of_others("s3", signature_version=version)
        assert got(s3.generate_presigned_url("get_object", Params=at)) == (403, None)
    refused("AccessDenied", s3.get_object, **at)
    assert s3.get_object(**at, RequestPayer="requester")["RequestCharged"] == "requester"

    def pay(request, **_):
        request.url += "?x-amz-request-payer=requester"

    s3.meta.events.register("before-sign.s3.GetObject", pay)
    assert got(s3.generate_presigned_url("get_object", Params=at)) == (200, "requester")
    # the older signature's signer moves it into the URL itself
    url = of_others("s3", signature_version="s3").generate_presigned_url("get_object", Params={**at, "RequestPayer": "requester"})
    assert "x-amz-request-payer=requester" in url
    assert got(url) == (200, "requester")
