# SPDX-License-Identifier: Apache-2.0
"""Buckets through boto3. Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""

import urllib.error
import urllib.request

import pytest
from harness.refused import refused


def test_a_bucket_is_made_found_listed_and_deleted(s3, name):
    bucket = name("bucket")
    assert s3.create_bucket(Bucket=bucket)["Location"] == f"/{bucket}"
    s3.create_bucket(Bucket=bucket)  # "in us-east-1 … returns 200 OK" for one's own
    assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    assert [b["Name"] for b in s3.list_buckets(Prefix=bucket)["Buckets"]] == [bucket]
    s3.delete_bucket(Bucket=bucket)
    assert refused("404", s3.head_bucket, Bucket=bucket).status == 404
    assert refused("NoSuchBucket", s3.delete_bucket, Bucket=bucket).status == 404


def test_names_are_held_to_the_rules(s3):
    for wrong in ("My_Bucket", "ab", "192.168.5.4", "a..b"):
        assert refused("InvalidBucketName", s3.create_bucket, Bucket=wrong).status == 400, wrong


def test_a_bucket_lies_in_the_region_it_is_made_in(aws, name):
    west = aws("s3", "eu-west-1")
    bucket = name("bucket")
    west.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert west.get_bucket_location(Bucket=bucket)["LocationConstraint"] == "eu-west-1"
    again = {"Bucket": bucket, "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    assert refused("BucketAlreadyOwnedByYou", west.create_bucket, **again).status == 409
    west.delete_bucket(Bucket=bucket)


def test_configurations_come_back_as_they_went(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert refused("NoSuchTagSet", s3.get_bucket_tagging, Bucket=bucket).status == 404
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "k", "Value": "v"}]


def test_a_setting_that_would_do_nothing_is_refused(s3, bucket):
    fast = {"Bucket": bucket, "AccelerateConfiguration": {"Status": "Enabled"}}
    assert refused("NotImplemented", s3.put_bucket_accelerate_configuration, **fast).status == 501


def fetched(url, method="GET", data=None, headers=None):
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls_of_both_versions(aws, bucket, version):
    """boto3 and the AWS CLI presign by version 2 in us-east-1 unless told otherwise (USERS.md, S3 3)."""
    s3, key = aws("s3", signature_version=version), "a folder/=+ é.txt"
    named = {"Bucket": bucket, "Key": key}
    put = s3.generate_presigned_url("put_object", Params={**named, "ContentType": "text/plain"}, ExpiresIn=60)
    assert ("AWSAccessKeyId=" in put) == (version == "s3")
    assert fetched(put, "PUT", b"hello", {"Content-Type": "text/plain"})[0] == 200
    assert fetched(put, "PUT", b"other", {"Content-Type": "text/html"})[0] == 403
    get = s3.generate_presigned_url("get_object", Params={**named, "ResponseContentType": "text/html"})
    assert fetched(get) == (200, b"hello")
    assert fetched(get.replace("text%2Fhtml", "text%2Fcss"))[0] == 403
    aws("s3").delete_object(**named)
