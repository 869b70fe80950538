# SPDX-License-Identifier: Apache-2.0
"""What S3's answers bear, and requests that must not be taken for others.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonResponseHeaders.html and ErrorResponses.html
"""

import datetime
import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request
from email.header import decode_header

import pytest
from harness.raw import bare
from harness.refused import refused
from harness.s3 import error_of


@pytest.fixture
def s3(aws):
    return aws("s3", signature_version="s3v4")


@pytest.fixture
def bucket(s3, make_bucket):
    """Everybody may do everything, so that requests can be written by hand."""
    made = make_bucket()
    s3.delete_public_access_block(Bucket=made)
    where = [f"arn:aws:s3:::{made}", f"arn:aws:s3:::{made}/*"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": where}
    s3.put_bucket_policy(Bucket=made, Policy=json.dumps({"Version": "2012-10-17", "Statement": statement}))
    return made


def test_every_answer_has_its_ids(daemon, s3, bucket):
    bare(daemon, "PUT", f"/{bucket}/k", body=b"x")
    for method, path, status in (
        ("GET", "/k", 200),
        ("HEAD", "/k", 200),
        ("GET", "", 200),
        ("GET", "/none", 404),
        ("HEAD", "/none", 404),
        ("PATCH", "/k", 405),
        ("OPTIONS", "/k", 400),
        ("GET", "/k?AWSAccessKeyId=x&Expires=1&Signature=x", 403),
        ("DELETE", "/k", 204),
    ):
        got, headers, text = bare(daemon, method, f"/{bucket}{path}")
        assert got == status, (method, path, text)
        assert headers["Server"] == "AmazonS3"
        assert headers["Date"].endswith(" GMT")
        assert headers["x-amz-request-id"] and headers["x-amz-id-2"]
        if method == "HEAD":
            assert text == b""
        elif status >= 400:
            error = error_of(text)
            assert (error["RequestId"], error["HostId"]) == (headers["x-amz-request-id"], headers["x-amz-id-2"])
            assert list(error)[-2:] == ["RequestId", "HostId"]


def test_version_2_of_signatures_is_for_urls_only(daemon, bucket):
    """What S3 answers where it does not take them: s3cmd looks for this very text, and signs anew."""
    headers = {"Authorization": "AWS test:frJIUN8DYpKDtOLCwo//yllqDzg=", "Date": "Tue, 27 Mar 2026 19:36:42 +0000"}
    for path in (f"/{bucket}/k", f"/{bucket}", "/"):
        status, _, text = bare(daemon, "GET", path, headers=headers)
        error = error_of(text)
        assert (status, error["Code"]) == (400, "InvalidRequest")
        assert error["Message"] == (
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
        )


def test_reads_bear_no_header_of_encryption(daemon, bucket):
    """"If you include the header …, you'll get an HTTP 400 Bad Request error": GetObject's page, HeadObject's."""
    bare(daemon, "PUT", f"/{bucket}/k", body=b"x", headers={"x-amz-server-side-encryption": "AES256"})
    for value in ("AES256", "aws:kms"):
        headers = {"x-amz-server-side-encryption": value}
        status, _, text = bare(daemon, "GET", f"/{bucket}/k", headers=headers)
        error = error_of(text)
        assert (status, error["Code"]) == (400, "InvalidArgument")
        assert (error["ArgumentName"], error["ArgumentValue"]) == ("x-amz-server-side-encryption", value)
        assert bare(daemon, "HEAD", f"/{bucket}/k", headers=headers)[0] == 400


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_wrong_signature_is_told_what_it_was_held_to(aws, bucket, version):
    """As LocalStack recorded S3's answers: so users see which of both sides signed something else."""
    s3 = aws("s3", creds=("test", "wrong"), signature_version=version)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b/ä"})
    sent = {n.lower(): v[0] for n, v in urllib.parse.parse_qs(urllib.parse.urlsplit(url).query).items()}
    error = error_of(fetched(url))
    assert (error["Code"], error["AWSAccessKeyId"]) == ("SignatureDoesNotMatch", "test")
    assert error["StringToSignBytes"] == error["StringToSign"].encode().hex(" ")
    if version == "s3":
        assert error["SignatureProvided"] == sent["signature"]
        assert error["StringToSign"] == f"GET\n\n\n{sent['expires']}\n/{bucket}/a%20b/%C3%A4"
        return
    assert error["SignatureProvided"] == sent["x-amz-signature"]
    request = error["CanonicalRequest"]
    assert request.startswith(f"GET\n/{bucket}/a%20b/%C3%A4\nX-Amz-Algorithm=AWS4-HMAC-SHA256&")
    assert request.endswith("\nhost\nUNSIGNED-PAYLOAD") and error["CanonicalRequestBytes"] == request.encode().hex(" ")
    scope = f"{sent['x-amz-date'][:8]}/us-east-1/s3/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    assert error["StringToSign"] == f"AWS4-HMAC-SHA256\n{sent['x-amz-date']}\n{scope}\n{digest}"
    error = error_of(fetched(url.replace("Credential=test", "Credential=nobody")))
    assert (error["Code"], error["AWSAccessKeyId"]) == ("InvalidAccessKeyId", "nobody")


def fetched(url):
    with pytest.raises(urllib.error.HTTPError) as e:
        urllib.request.urlopen(url)
    with e.value as answer:
        return answer.read()


def test_times_in_documents_are_whole_seconds(s3, bucket):
    """2009-10-12T17:50:30.000Z in every example of the API reference; so lists say what Last-Modified says."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    head = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="u")
    at = {"Bucket": bucket, "Key": "u", "UploadId": upload["UploadId"]}
    s3.upload_part(**at, PartNumber=1, Body=b"x")
    times = [
        s3.list_objects(Bucket=bucket)["Contents"][0]["LastModified"],
        s3.list_objects_v2(Bucket=bucket)["Contents"][0]["LastModified"],
        s3.list_object_versions(Bucket=bucket)["Versions"][0]["LastModified"],
    ]
    assert times == [head] * 3
    others = [
        s3.list_parts(**at)["Parts"][0]["LastModified"],
        s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["Initiated"],
        s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "k"})["CopyObjectResult"][
            "LastModified"
        ],
        s3.list_buckets(Prefix=bucket)["Buckets"][0]["CreationDate"],
    ]
    assert [t.microsecond for t in others] == [0] * 4


def test_two_configurations_are_put_without_content(s3, bucket):
    """204, as their pages' examples and LocalStack's snapshots of S3 have it, whatever the model says."""
    tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
    put = s3.put_bucket_tagging(Bucket=bucket, Tagging=tags)
    assert put["ResponseMetadata"]["HTTPStatusCode"] == 204
    got = s3.get_bucket_policy(Bucket=bucket)
    assert got["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/json"
    policy = got["Policy"]
    put = s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert put["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_documents_of_locks_have_their_own_roots(daemon, s3, make_bucket):
    """<Retention> and <LegalHold>: GetObjectRetention's page, GetObjectLegalHold's."""
    bucket = make_bucket(ObjectLockEnabledForBucket=True)
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2)
    s3.put_object(
        Bucket=bucket,
        Key="k",
        Body=b"x",
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=until,
        ObjectLockLegalHoldStatus="ON",
    )
    for query, root in (("retention", "Retention"), ("legal-hold", "LegalHold")):
        url = s3.generate_presigned_url(f"get_object_{query.replace('-', '_')}", Params={"Bucket": bucket, "Key": "k"})
        with urllib.request.urlopen(url) as answer:
            assert f"<{root} xmlns=" in answer.read().decode()
    s3.put_object_legal_hold(Bucket=bucket, Key="k", LegalHold={"Status": "OFF"})
    version = s3.head_object(Bucket=bucket, Key="k")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=version, BypassGovernanceRetention=True)


def test_the_region_of_a_bucket_is_told_to_who_may_not_see_it(daemon, aws, name):
    paris, made = aws("s3", region="eu-west-3"), name("bucket")
    paris.create_bucket(Bucket=made, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    status, headers, _ = bare(daemon, "HEAD", f"/{made}")
    assert (status, headers.get_all("x-amz-bucket-region")) == (403, ["eu-west-3"])
    answer = paris.head_bucket(Bucket=made)
    assert answer["BucketRegion"] == "eu-west-3"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "eu-west-3"
    paris.delete_bucket(Bucket=made)


@pytest.mark.parametrize(
    ("method", "query", "kind", "allow"),
    [
        ("PUT", "torrent", "TORRENT", "GET"),
        ("PUT", "select&select-type=2", "SELECT", "POST"),
        ("PUT", "uploads", "UPLOADS", "POST"),
        ("PUT", "restore=x", "RESTORE", "POST"),
        ("PUT", "intelligent-tiering&id=1", "INTELLIGENT-TIERING", None),
        ("PUT", "inventory", "INVENTORY", None),
        ("PUT", "analytics", "ANALYTICS", None),
        ("PUT", "metrics", "METRICS", None),
        ("PUT", "policy", "POLICY", None),
        ("DELETE", "acl", "ACL", "GET, PUT"),
        ("DELETE", "retention", "RETENTION", "GET, PUT"),
        ("DELETE", "uploads", "UPLOADS", "POST"),
        ("POST", "", "OBJECT", "HEAD, DELETE, POST, GET, PUT"),
        ("PATCH", "", "OBJECT", "HEAD, DELETE, POST, GET, PUT"),
    ],
)
def test_no_object_is_stored_or_deleted_by_mistake(daemon, s3, bucket, method, query, kind, allow):
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    status, headers, text = bare(daemon, method, f"/{bucket}/k?{query}", body=b"other")
    error = error_of(text)
    assert (status, error["Code"]) == (405, "MethodNotAllowed")
    assert (error["Method"], error["ResourceType"], headers["Allow"]) == (method, kind, allow)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"


def test_an_empty_bucket_is_not_deleted_by_mistake(daemon, s3, bucket):
    for query in ("versioning", "acl=", "location", "uploads", "object-lock"):
        status, _, text = bare(daemon, "DELETE", f"/{bucket}?{query}")
        assert (status, error_of(text)["Code"]) == (405, "MethodNotAllowed"), query
    s3.head_bucket(Bucket=bucket)


def test_selectors_are_told_by_their_names(daemon, s3, bucket):
    """As measured by others: values are ignored, two conflict, and a key has no versions to list."""
    status, _, text = bare(daemon, "GET", f"/{bucket}?versioning=1")
    assert status == 200 and b"<VersioningConfiguration" in text
    status, _, text = bare(daemon, "GET", f"/{bucket}?versioning&acl")
    error = error_of(text)
    assert (status, error["Message"]) == (400, "Conflicting query string parameters: acl, versioning")
    assert (error["ArgumentName"], error["ArgumentValue"]) == ("ResourceType", "acl")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    status, _, text = bare(daemon, "GET", f"/{bucket}/k?versions")
    assert (status, error_of(text)["Code"]) == (400, "InvalidRequest")
    for ignored in ("foo=bar", "Acl", "metrics", "x-id=GetObject"):
        assert bare(daemon, "GET", f"/{bucket}/k?{ignored}")[2] == b"x"


def test_what_is_not_built_says_so_in_s3s_words(s3, bucket):
    for call, parameters in (
        (s3.get_object_torrent, {"Key": "k"}),
        (s3.list_bucket_metrics_configurations, {}),
        (s3.list_bucket_inventory_configurations, {}),
    ):
        assert refused("NotImplemented", call, Bucket=bucket, **parameters).status == 501


@pytest.mark.parametrize(
    ("query", "argument", "value", "text"),
    [
        ("list-type=3&start-after=a", "start-after", None, "startAfter only supported in REST.GET.BUCKET with list"),
        ("max-keys=abc", "max-keys", "abc", "Provided max-keys not an integer or within integer range"),
        ("list-type=2&max-keys=99999999999", "max-keys", "99999999999", "Provided max-keys not an integer"),
        ("max-keys=-1", "maxKeys", "-1", "Argument maxKeys must be an integer between 0 and 2147483647"),
        ("versions&max-keys=x", "max-keys", "x", "Provided max-keys not an integer"),
        ("uploads&max-uploads=x", "max-uploads", "x", "Provided max-uploads not an integer"),
        ("uploads&max-uploads=-1", "max-uploads", "-1", "Argument max-uploads must be an integer between 0"),
        ("/k?uploadId=1&max-parts=x", "max-parts", "x", "Provided max-parts not an integer"),
        ("/k?partNumber=x", "partNumber", "x", "Provided partNumber not an integer"),
        ("/k?partNumber=0", "partNumber", "0", "Part number must be an integer between 1 and 10000, inclusive"),
    ],
)
def test_arguments_in_queries(daemon, bucket, query, argument, value, text):
    target = query if query.startswith("/") else f"?{query}"
    status, _, answer = bare(daemon, "GET", f"/{bucket}{target}")
    error = error_of(answer)
    assert (status, error["Code"]) == (400, "InvalidArgument")
    assert (error["ArgumentName"], error.get("ArgumentValue")) == (argument, value)
    assert error["Message"].startswith(text)


def test_bytes_that_are_no_text(daemon, s3, bucket):
    """Metadata are ISO 8859-1 (UsingMetadata.html); elsewhere what is no UTF-8 is refused, and nothing breaks."""
    for sent in (b"caf\xe9", b"\xff\xfe", b"\xc3\xa9"):
        status, _, text = bare(daemon, "PUT", f"/{bucket}/k", headers={"x-amz-meta-a": sent}, body=b"x")
        assert status == 200, text
        ((word, charset),) = decode_header(s3.head_object(Bucket=bucket, Key="k")["Metadata"]["a"])
        assert word.decode(charset) == sent.decode("iso-8859-1")
    for header in ("Cache-Control", "Content-Type", "x-amz-tagging", "x-amz-acl", "If-Match", "x-amz-copy-source"):
        status, _, text = bare(daemon, "PUT", f"/{bucket}/k", headers={header: b"\xff"}, body=b"x")
        assert (status, error_of(text)["Code"]) == (400, "InvalidArgument"), header
    for header in ("User-Agent", "Referer", "Origin", "Access-Control-Request-Headers", "Date"):
        assert bare(daemon, "GET", f"/{bucket}/k", headers={"Origin": "http://x", header: b"\xff"})[0] == 200
    for target in ("/%ff", "/a%fe?acl", "?prefix=%ff"):
        status, _, text = bare(daemon, "GET", f"/{bucket}{target}")
        assert (status, error_of(text)["Code"]) == (400, "InvalidURI"), target


def test_headers_that_would_change_what_is_stored(daemon, s3, bucket):
    for headers, status, code in (
        ({"x-amz-write-offset-bytes": "0"}, 501, "NotImplemented"),
        ({"x-amz-object-lock-mode": "GOVERNANCE"}, 400, "InvalidRequest"),
        ({"x-amz-object-lock-legal-hold": "ON"}, 400, "InvalidRequest"),
        ({"x-amz-website-redirect-location": "elsewhere"}, 400, "InvalidRedirectLocation"),
        ({"x-amz-server-side-encryption": "aws:kms:dsse"}, 501, "NotImplemented"),
    ):
        got, _, text = bare(daemon, "PUT", f"/{bucket}/k", headers=headers, body=b"x")
        assert (got, error_of(text)["Code"]) == (status, code), headers
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    bare(daemon, "PUT", f"/{bucket}/k", headers={"x-amz-website-redirect-location": "/other"}, body=b"x")
    assert s3.get_object(Bucket=bucket, Key="k")["WebsiteRedirectLocation"] == "/other"


def test_unsigned_requests_choose_no_headers_of_answers(daemon, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    status, headers, text = bare(daemon, "GET", f"/{bucket}/k")
    assert (status, headers["Accept-Ranges"]) == (200, "bytes")
    for name in ("content-type", "cache-control", "expires", "content-disposition", "content-encoding"):
        status, _, text = bare(daemon, "GET", f"/{bucket}/k?response-{name}=Thu,%2001%20Dec%202033%2016:00:00%20GMT")
        assert (status, error_of(text)["Code"]) == (400, "InvalidRequest"), name
        message = "Request specific response headers cannot be used for anonymous GET requests."
        assert error_of(text)["Message"] == message
    url = s3.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "k", "ResponseContentDisposition": "inline"}
    )
    where = urllib.parse.urlsplit(url)
    status, headers, _ = bare(daemon, "GET", url.split(where.netloc, 1)[1], where.netloc)
    assert (status, headers["Content-Disposition"]) == (200, "inline")
