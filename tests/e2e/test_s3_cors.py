# SPDX-License-Identifier: Apache-2.0
"""Pages of other origins: preflights and the headers of answers.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html; the headers and texts are those of
snapshots of AWS's answers that LocalStack's tests keep (tests/aws/services/s3/test_s3_cors.snapshot.json).
"""

import json
import urllib.parse

import pytest
from harness.raw import bare
from harness.s3 import error_of

VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
HOME = "http://localhost:3000"  # a page of this machine: it may use the default key


@pytest.fixture
def s3(aws):
    return aws("s3", signature_version="s3v4")


def allow(s3, bucket, **rule):
    rule = {"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": [HOME], **rule}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})


def both(daemon, bucket, method, path, headers):
    """The same in both styles of addressing, which must not differ."""
    answers = [
        bare(daemon, method, f"/{bucket}{path}", headers=headers),
        bare(daemon, method, path, f"{bucket}.s3.us-east-1.localhost", headers=headers),
    ]
    assert answers[0][0] == answers[1][0]
    assert cors_of(answers[0][1]) == cors_of(answers[1][1])
    return answers[0]


def cors_of(headers):
    return {k.lower(): v for k, v in headers.items() if k.lower().startswith("access-control-") or k.lower() == "vary"}


def test_a_preflight_is_answered_without_a_signature_or_a_permission(daemon, s3, bucket):
    allow(s3, bucket, AllowedHeaders=["x-amz-*"], ExposeHeaders=["ETag", "x-amz-request-id"], MaxAgeSeconds=3000)
    asked = {"Origin": HOME, "Access-Control-Request-Method": "PUT"}
    asked["Access-Control-Request-Headers"] = "X-Amz-Date,x-amz-meta-a"
    for path in ("/k", "/a//..%2F b".replace(" ", "%20"), "/", "/k?uploadId=1&partNumber=2"):
        status, headers, text = both(daemon, bucket, "OPTIONS", path, asked)
        assert (status, text) == (200, b"")
        assert cors_of(headers) == {
            "access-control-allow-origin": HOME,
            "access-control-allow-methods": "GET, PUT",
            "access-control-allow-headers": "x-amz-date, x-amz-meta-a",
            "access-control-expose-headers": "ETag, x-amz-request-id",
            "access-control-max-age": "3000",
            "access-control-allow-credentials": "true",
            "vary": VARY,
        }
        assert headers["x-amz-request-id"]
        assert headers["Content-Length"] == "0"
        assert "Content-Type" not in headers


def test_preflights_that_are_refused(daemon, s3, bucket, name):
    asked = {"Origin": HOME, "Access-Control-Request-Method": "PUT"}
    status, _, text = both(daemon, bucket, "OPTIONS", "/k", {})
    assert (status, error_of(text)["Code"]) == (400, "BadRequest")
    assert error_of(text)["Message"] == "Insufficient information. Origin request header needed."
    status, headers, text = both(daemon, bucket, "OPTIONS", "/k", asked)
    error = error_of(text)
    assert (status, error["Code"], error["Method"], error["ResourceType"]) == (403, "AccessForbidden", "PUT", "BUCKET")
    assert error["Message"] == "CORSResponse: CORS is not enabled for this bucket."
    assert cors_of(headers) == {}
    status, _, text = both(daemon, name("nowhere"), "OPTIONS", "/k", asked)
    assert (status, error_of(text)["Message"]) == (403, "CORSResponse: Bucket not found")
    allow(s3, bucket)
    for changed in (
        {"Origin": "http://evil.example"},
        {"Access-Control-Request-Method": "DELETE"},
        {"Access-Control-Request-Headers": "x-amz-date"},
    ):
        status, headers, text = both(daemon, bucket, "OPTIONS", "/k", {**asked, **changed})
        error = error_of(text)
        assert (status, error["Code"], error["ResourceType"]) == (403, "AccessForbidden", "OBJECT")
        assert error["Message"].startswith("CORSResponse: This CORS request is not allowed. This is usually because")
        assert cors_of(headers) == {}
    status, _, text = both(daemon, bucket, "OPTIONS", "/k", {"Origin": HOME})
    assert (status, error_of(text)["Message"]) == (400, "Invalid Access-Control-Request-Method: null")


def test_answers_and_errors_are_decorated(daemon, s3, bucket):
    allow(s3, bucket, AllowedMethods=["GET", "PUT", "HEAD"], MaxAgeSeconds=30)
    want = {
        "access-control-allow-origin": HOME,
        "access-control-allow-methods": "GET, PUT, HEAD",
        "access-control-max-age": "30",
        "access-control-allow-credentials": "true",
        "vary": VARY,
    }

    def ask(operation, method, key="k", body=None, **headers):
        url = s3.generate_presigned_url(operation, Params={"Bucket": bucket, "Key": key})
        where = urllib.parse.urlsplit(url)
        return bare(daemon, method, url.split(where.netloc, 1)[1], where.netloc, {"Origin": HOME, **headers}, body)

    # A browser of today: from localhost to 127.0.0.1 is "cross-site"
    status, headers, text = ask("put_object", "PUT", body=b"hello", **{"Sec-Fetch-Site": "cross-site"})
    assert (status, text) == (200, b"")
    assert cors_of(headers) == want
    for method, operation, more, expected in (
        ("GET", "get_object", {}, 200),
        ("HEAD", "head_object", {}, 200),
        ("GET", "get_object", {"Range": "bytes=1-2"}, 206),
        ("GET", "get_object", {"Range": "bytes=9-"}, 416),
        ("GET", "get_object", {"If-None-Match": headers["ETag"]}, 304),
        ("GET", "get_object", {"If-Match": '"no"'}, 412),
        ("PUT", "get_object", {}, 403),  # the signature is another method's
    ):
        status, answer, _ = ask(operation, method, **more)
        assert (status, cors_of(answer)) == (expected, want), (method, more)
    status, answer, _ = ask("get_object", "GET", key="none")
    assert (status, cors_of(answer)) == (404, want)
    # … and nothing where no rule matches, or no page is meant
    status, answer, text = ask("get_object", "GET", Origin="http://127.0.0.1:3000")
    assert (status, text, cors_of(answer)) == (200, b"hello", {})
    status, answer, _ = ask("delete_object", "DELETE")
    assert (status, cors_of(answer)) == (204, {})
    assert cors_of(s3.list_objects_v2(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]) == {}


def test_pages_of_any_origin_read_public_objects(daemon, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.delete_public_access_block(Bucket=bucket)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statement}))
    allow(s3, bucket, AllowedMethods=["GET"], AllowedOrigins=["*"])
    want = {"access-control-allow-origin": "*", "access-control-allow-methods": "GET", "vary": VARY}
    page = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}
    status, headers, text = both(daemon, bucket, "GET", "/k", page)
    assert (status, text, cors_of(headers)) == (200, b"x", want)
    status, headers, _ = both(daemon, bucket, "GET", "/none", page)
    assert (status, cors_of(headers)) == (403, want)
    s3.delete_bucket_cors(Bucket=bucket)
    status, headers, text = both(daemon, bucket, "GET", "/k", page)
    assert (status, text, cors_of(headers)) == (200, b"x", {})


def test_preflights_at_places_of_other_apis_are_not_s3s(daemon):
    asked = {"Origin": HOME, "Access-Control-Request-Method": "GET"}
    status, headers, _ = bare(daemon, "OPTIONS", "/2015-03-31/functions", headers=asked)
    assert (status, headers["Content-Type"]) == (403, "application/json")
