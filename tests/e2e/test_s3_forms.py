# SPDX-License-Identifier: Apache-2.0
"""Forms that browsers post to a bucket, as boto3's generate_presigned_post makes them.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html

Texts of refusals are those of S3's answers in LocalStack's snapshots of them
(tests/aws/services/s3/test_s3.snapshot.json, TestS3PresignedPost) and in issues of upload libraries.
"""

import base64
import hashlib
import json
import os
import time
import xml.etree.ElementTree as ET

import pytest
import urllib3
from botocore.exceptions import ClientError
from harness.aws import Aws, Virga
from harness.daemon import wait_until
from harness.s3 import body, error_of

MIB = 1 << 20
OPEN = {
    "BlockPublicAcls": False,
    "IgnorePublicAcls": False,
    "BlockPublicPolicy": False,
    "RestrictPublicBuckets": False,
}


@pytest.fixture
def s3(aws):
    return aws("s3", signature_version="s3v4")


@pytest.fixture(scope="module")
def http():
    with urllib3.PoolManager(retries=False) as pool:
        yield pool


class Poster:
    """post(fields, file): the form as browsers send it, which is not followed where it redirects."""

    def __init__(self, http, url):
        self.http, self.url = http, url

    def __call__(self, fields, file=b"hello", filename="a.txt", behind=(), **headers):
        parts = list(fields.items()) if isinstance(fields, dict) else list(fields)
        file = file if filename is None else (filename, file, "image/x-ignored")
        parts = [*parts, ("file", file), *behind]
        body, content_type = urllib3.encode_multipart_formdata(parts)
        return self.send(body, **{"Content-Type": content_type, **headers})

    def send(self, body, **headers):
        return self.http.request("POST", self.url, body=body, headers=headers, redirect=False)


@pytest.fixture
def post(http, daemon, bucket):
    return Poster(http, f"{daemon.endpoint}/{bucket}")


def signed(s3, bucket, key="k", fields=None, conditions=(), **more):
    """Every field with its condition, and further ones."""
    fields = fields or {}
    conditions = [{n: v} for n, v in fields.items()] + list(conditions)
    made = s3.generate_presigned_post(bucket, key, Fields=dict(fields), Conditions=conditions, **more)
    return made["fields"]


def refused(answer, status, code, message=None, **members):
    got = error_of(answer.data)
    assert (answer.status, got["Code"]) == (status, code), answer.data
    if message is not None:
        assert got["Message"] == message
    assert {n: got.get(n) for n in members} == members


# --- what is uploaded


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_form_uploads_its_file(aws, s3, bucket, post, version):
    made = aws("s3", signature_version=version).generate_presigned_post(bucket, "up/${filename}")
    assert made["url"].rstrip("/") == post.url
    answer = post(made["fields"], filename="dir\\a b/c.txt")
    assert (answer.status, answer.data) == (204, b"")
    assert answer.headers["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    assert answer.headers["Location"] == f"{post.url}/up%2Fc.txt"
    assert answer.headers["x-amz-checksum-type"] == "FULL_OBJECT"
    assert answer.headers["x-amz-server-side-encryption"] == "AES256"
    assert "x-amz-checksum-crc64nvme" in answer.headers and "x-amz-version-id" not in answer.headers
    got = s3.get_object(Bucket=bucket, Key="up/c.txt")
    assert (got["Body"].read(), got["ContentType"]) == (b"hello", "binary/octet-stream")


def test_files_of_any_size(s3, bucket, post):
    for size in (0, 1, 8192, 8193, 131072, 5 * MIB + 7):
        data = os.urandom(size // 2) + b"\r\n--" + b"\r" * (size - size // 2) if size > 8 else b"x" * size
        assert post(signed(s3, bucket), data).status == 204
        assert body(s3, bucket, "k") == data


def test_fields_are_the_objects_headers(s3, bucket, post):
    fields = {
        "Content-Type": "text/x-test",
        "Cache-Control": "max-age=60",
        "Content-Disposition": "attachment",
        "Content-Encoding": "identity",
        "Expires": "Wed, 21 Oct 2037 07:28:00 GMT",
        "x-amz-meta-COLOR": "grün",
        "x-amz-storage-class": "STANDARD_IA",
        "x-amz-website-redirect-location": "/other",
        "x-amz-server-side-encryption": "AES256",
        "tagging": "<Tagging><TagSet><Tag><Key>a b</Key><Value>1+2</Value></Tag></TagSet></Tagging>",
    }
    answer = post(signed(s3, bucket, fields=fields))
    assert answer.status == 204, answer.data
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (got["ContentType"], got["CacheControl"]) == ("text/x-test", "max-age=60")
    assert (got["ContentDisposition"], got["ContentEncoding"]) == ("attachment", "identity")
    assert got["ResponseMetadata"]["HTTPHeaders"]["expires"] == fields["Expires"]
    assert got["ResponseMetadata"]["HTTPHeaders"]["x-amz-meta-color"] == "=?UTF-8?Q?gr=C3=BCn?="
    assert (got["StorageClass"], got["WebsiteRedirectLocation"]) == ("STANDARD_IA", "/other")
    tags = s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert tags == [{"Key": "a b", "Value": "1+2"}]


def test_what_fields_say_is_held_as_that_of_headers(s3, bucket, post):
    refused(
        post(signed(s3, bucket, fields={"x-amz-storage-class": "FakeClass"})),
        400,
        "InvalidStorageClass",
        "The storage class you specified is not valid",
        StorageClassRequested="FakeClass",
    )
    refused(post(signed(s3, bucket, fields={"tagging": "not-xml"})), 400, "MalformedXML")
    assert post(signed(s3, bucket, fields={"tagging": "<Other/>"})).status == 204
    refused(post(signed(s3, bucket, fields={"acl": "public-read"})), 400, "AccessControlListNotSupported")
    # no field becomes a header of its own in answers
    for field in ({"Content-Type": "a\r\nX: y"}, {"x-amz-meta-a": "b", "x-amz-meta-a b": "c"}):
        refused(post(signed(s3, bucket, fields=field)), 400, "InvalidArgument")


def test_checksums_are_held(s3, bucket, post):
    digest = base64.b64encode(hashlib.sha256(b"hello").digest()).decode()
    answer = post(signed(s3, bucket, fields={"x-amz-checksum-sha256": digest}))
    assert (answer.status, answer.headers["x-amz-checksum-sha256"]) == (204, digest)
    refused(post(signed(s3, bucket, fields={"x-amz-checksum-sha256": digest}), b"other"), 400, "BadDigest")
    assert body(s3, bucket, "k") == b"hello"
    for fields in (
        {"x-amz-checksum-algorithm": "SHA256"},
        {"x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-sha256": digest},
        {"x-amz-checksum-algorithm": "BOGUS", "x-amz-checksum-sha256": digest},
    ):  # "you must include the matching checksum header. Otherwise …": the operation's page
        assert post(signed(s3, bucket, fields=fields)).status == 400


def test_metadata_may_come_in_pieces(s3, bucket, post):
    """The page on forms: "If you have two fields with the same name, the values must be separated by commas"."""
    fields = list(signed(s3, bucket, conditions=[{"x-amz-meta-tag": "Ninja,Stallman"}]).items())
    answer = post([*fields, ("x-amz-meta-tag", "Ninja"), ("x-amz-meta-tag", "Stallman")])
    assert answer.status == 204
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"tag": "Ninja,Stallman"}


def test_policies_know_the_age_of_signatures(s3, aws, bucket, post):
    """s3:signatureAge, "for … presigned POST": bucket-policy-s3-sigv4-conditions; of version 2 it is 0."""
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}

    def put_policy(**condition):
        document = {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))

    v2 = aws("s3", signature_version="s3")
    put_policy(NumericLessThan={"s3:signatureAge": "600000"})
    refused(post(signed(s3, bucket)), 403, "AccessDenied")
    refused(post(v2.generate_presigned_post(bucket, "k")["fields"]), 403, "AccessDenied")
    put_policy(NumericGreaterThan={"s3:signatureAge": "600000"})
    assert post(signed(s3, bucket)).status == 204
    assert post(v2.generate_presigned_post(bucket, "k")["fields"]).status == 204


def test_versioned_buckets_tell_the_version(s3, bucket, post):
    """USERS.md, S3 8: "presigned POST returns x-amz-version-id on versioned buckets"."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    answer = post(signed(s3, bucket))
    assert answer.headers["x-amz-version-id"] == s3.head_object(Bucket=bucket, Key="k")["VersionId"]


def test_names_count_in_any_case(s3, bucket, post):
    fields = {n.upper(): v for n, v in signed(s3, bucket).items()}
    assert post(fields).status == 204


def test_a_file_may_come_without_a_name(s3, bucket, post):
    """Then ${filename} stays as it is, as S3 was seen to do; AWS's page says that it becomes empty."""
    assert post(signed(s3, bucket, "in/${filename}"), filename=None).status == 204
    assert body(s3, bucket, "in/${filename}") == b"hello"
    assert post(signed(s3, bucket, "in/${filename}"), b"", filename="").status == 204
    assert body(s3, bucket, "in/") == b""


# --- answers


def test_success_action_status(s3, bucket, post):
    for status, want in (("200", 200), ("201", 201), ("204", 204), ("404", 204)):
        answer = post(signed(s3, bucket, "a/ü", fields={"success_action_status": status}))
        assert answer.status == want
        if want != 201:
            assert answer.data == b""
            continue
        assert answer.headers["Content-Type"] == "application/xml"
        assert f"<ETag>{answer.headers['ETag']}</ETag>".encode() in answer.data  # as users of S3 have posted it
        root = ET.fromstring(answer.data)
        assert root.tag == "PostResponse"
        assert {e.tag: e.text for e in root} == {
            "Location": f"{post.url}/a%2F%C3%BC",
            "Bucket": bucket,
            "Key": "a/ü",
            "ETag": answer.headers["ETag"],
        }


def test_success_action_redirect(s3, bucket, post):
    etag = hashlib.md5(b"hello").hexdigest()
    added = f"bucket={bucket}&key=a%2F+b&etag=%22{etag}%22"
    for field in ("success_action_redirect", "redirect"):
        for url, joint in (("http://example.com/ok", "?"), ("https://example.com/?a=b", "&")):
            answer = post(signed(s3, bucket, "a/ b", fields={field: url, "success_action_status": "201"}))
            assert (answer.status, answer.data) == (303, b"")
            assert answer.headers["Location"] == url + joint + added
    for url in ("/relative", "http://", "http:///path", "https://?a"):  # "as if the field is not present"
        assert post(signed(s3, bucket, fields={"success_action_redirect": url})).status == 204


# --- what the policy allows


def condition_failed(answer, text):
    refused(answer, 403, "AccessDenied", f"Invalid according to Policy: Policy Condition failed: {text}")


def test_forms_are_held_to_their_policy(s3, bucket, post):
    fields = signed(s3, bucket, "user/${filename}", conditions=[["starts-with", "$Content-Type", "image/"]])
    condition_failed(post(fields), '["starts-with", "$Content-Type", "image/"]')
    condition_failed(post({**fields, "Content-Type": "text/x"}), '["starts-with", "$Content-Type", "image/"]')
    assert post({**fields, "Content-Type": "image/png"}).status == 204
    assert post({**fields, "Content-Type": "image/png", "x-ignore-me": "1"}).status == 204
    condition_failed(post({**fields, "key": "other", "Content-Type": "image/x"}), '["starts-with", "$key", "user/"]')
    refused(
        post({**fields, "Content-Type": "image/png", "x-amz-meta-a": "b", "StorageClass": "c"}),
        403,
        "AccessDenied",
        "Invalid according to Policy: Extra input fields: x-amz-meta-a, StorageClass",
    )


def test_a_policy_is_for_its_bucket(s3, bucket, http, daemon, name):
    other = name("bucket")
    s3.create_bucket(Bucket=other)
    answer = Poster(http, f"{daemon.endpoint}/{other}")({**signed(s3, bucket), "bucket": bucket})
    condition_failed(answer, f'["eq", "$bucket", "{bucket}"]')
    s3.delete_bucket(Bucket=other)


def test_sizes_are_held_to_their_range(s3, bucket, post):
    fields = signed(s3, bucket, conditions=[["content-length-range", 5, 10]])
    for size in (5, 10):
        assert post(fields, b"x" * size).status == 204
    too_large, too_small = (
        f"Your proposed upload {what} allowed size" for what in ("exceeds the maximum", "is smaller than the minimum")
    )
    sizes = {"ProposedSize": "12", "MaxSizeAllowed": "10"}
    refused(post(fields, b"x" * 12), 400, "EntityTooLarge", too_large, **sizes)
    sizes["ProposedSize"] = str(3 * MIB)
    refused(post(fields, b"x" * 3 * MIB), 400, "EntityTooLarge", too_large, **sizes)
    sizes = {"ProposedSize": "1", "MinSizeAllowed": "5"}
    refused(post(fields, b"x"), 400, "EntityTooSmall", too_small, **sizes)
    assert body(s3, bucket, "k") == b"x" * 10


def test_policies_end_in_virtual_time(make_daemon, http):
    daemon = make_daemon("--ephemeral")
    s3 = Aws(daemon)("s3", signature_version="s3v4")
    s3.create_bucket(Bucket="bucket")
    post = Poster(http, f"{daemon.endpoint}/bucket")
    fields = signed(s3, "bucket", ExpiresIn=60)
    assert post(fields).status == 204
    # dates have whole seconds: what was signed in the second of a move counts as after it
    signed_at = time.time()
    assert wait_until(lambda: int(time.time()) > int(signed_at), 5)
    Virga(daemon)("clock", "advance", "2m")
    refused(post(fields), 403, "AccessDenied", "Invalid according to Policy: Policy expired.")
    assert post(signed(s3, "bucket", ExpiresIn=60)).status == 204


def test_policies_that_are_none(s3, bucket, post):
    for conditions, why in (
        ([{}], "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified."),
        ([{"a": 1}], "Invalid Simple-Condition: value must be a string."),
        ([["eq", "$a"]], "Invalid eq: wrong number of arguments."),
    ):
        fields = s3.generate_presigned_post(bucket, "k", Conditions=conditions)["fields"]
        refused(post(fields), 400, "InvalidPolicyDocument", f"Invalid Policy: {why}")


# --- who signs it


def test_signatures_are_verified(aws, bucket, post):
    message = (
        "The request signature we calculated does not match the signature you provided. Check your key and "
        "signing method."
    )
    for version, field in (("s3v4", "x-amz-signature"), ("s3", "signature")):
        s3 = aws("s3", signature_version=version)
        fields = signed(s3, bucket)
        refused(post({**fields, "policy": fields["policy"][:-4]}), 403, "SignatureDoesNotMatch", message)
        told = {"StringToSign": fields["policy"], "SignatureProvided": "0" * 64, "AWSAccessKeyId": "test"}
        refused(post({**fields, field: "0" * 64}), 403, "SignatureDoesNotMatch", message, **told)
    fields = signed(s3, bucket)
    refused(post({**fields, "AWSAccessKeyId": "AKIA0000000000000000"}), 403, "InvalidAccessKeyId")


def test_fields_of_signatures_come_together(aws, bucket, post):
    def without(fields, *names):
        return {n: v for n, v in fields.items() if n.lower() not in names}

    for version, dropped, named in (
        ("s3v4", ("x-amz-signature",), "X-Amz-Signature"),
        ("s3v4", ("x-amz-algorithm", "x-amz-credential"), "X-Amz-Algorithm"),
        ("s3v4", ("x-amz-date",), "X-Amz-Date"),
        ("s3", ("signature",), "Signature"),
        ("s3", ("awsaccesskeyid",), "AWSAccessKeyId"),
        ("s3", ("key",), "key"),
    ):
        answer = post(without(signed(aws("s3", signature_version=version), bucket), *dropped))
        message = (
            f"Bucket POST must contain a field named '{named}'.  If it is specified, please check the order of the "
            "fields."
        )
        refused(answer, 400, "InvalidArgument", message, ArgumentName=named, ArgumentValue="")
    fields = signed(aws("s3"), bucket)
    # nobody says that he signed it
    refused(post({"key": "k", "policy": fields["policy"]}), 403, "AccessDenied")
    answer = post({**signed(aws("s3", signature_version="s3v4"), bucket), "x-amz-date": "2017-01-01"})
    message = "X-Amz-Date must be formated via ISO8601 Long format"
    refused(answer, 400, "InvalidArgument", message, ArgumentName="X-Amz-Date", ArgumentValue="2017-01-01")


def test_the_signer_needs_the_permissions(aws, bucket, post, name):
    iam, user = aws("iam"), name("user")
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    s3 = aws("s3", creds=(key["AccessKeyId"], key["SecretAccessKey"]), signature_version="s3v4")
    tagging = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"

    def allow(*actions):
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": f"arn:aws:s3:::{bucket}/up/*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=document)

    refused(post(signed(s3, bucket, "up/k")), 403, "AccessDenied")
    allow("s3:PutObject")
    assert post(signed(s3, bucket, "up/k")).status == 204
    refused(post(signed(s3, bucket, "k")), 403, "AccessDenied")
    refused(post(signed(s3, bucket, "up/k", fields={"tagging": tagging})), 403, "AccessDenied")
    allow("s3:PutObject", "s3:PutObjectTagging")
    assert post(signed(s3, bucket, "up/k", fields={"tagging": tagging})).status == 204
    allow("s3:GetObject")
    session = aws("sts", creds=(key["AccessKeyId"], key["SecretAccessKey"])).get_session_token()["Credentials"]
    creds = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    of_session = aws("s3", creds=creds, signature_version="s3v4")
    refused(post(signed(of_session, bucket, "up/s")), 403, "AccessDenied")
    allow("s3:PutObject")
    fields = signed(of_session, bucket, "up/s")
    assert post(fields).status == 204
    without = {n: v for n, v in fields.items() if n != "x-amz-security-token"}
    refused(post(without), 403, "InvalidAccessKeyId")
    iam.delete_user_policy(UserName=user, PolicyName="p")
    iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=user)


def test_anybody_may_post_where_the_bucket_allows_it(s3, bucket, post):
    refused(post({"key": "pub/k"}), 403, "AccessDenied")
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=OPEN)
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/pub/*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket=bucket, Policy=document)
    assert post({"key": "pub/k", "Content-Type": "a/b"}).status == 204
    assert s3.head_object(Bucket=bucket, Key="pub/k")["ContentType"] == "a/b"
    refused(post({"key": "k"}), 403, "AccessDenied")
    refused(post({"key": "pub/k", "acl": "bucket-owner-full-control"}), 403, "AccessDenied")


def test_the_default_key_signs_for_no_foreign_page(s3, bucket, post):
    assert post(signed(s3, bucket), Origin="http://localhost:3000").status == 204
    refused(post(signed(s3, bucket), Origin="https://evil.example"), 403, "InvalidAccessKeyId")


# --- forms that are none


def test_bodies_must_be_forms(s3, bucket, post, http, daemon):
    fields = signed(s3, bucket)
    malformed = (400, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")
    kind = {"Content-Type": "multipart/form-data; boundary=B"}
    for text in (b"", b"key=k", b"--B\r\n\r\n\r\n--B--"):
        refused(post.send(text, **kind), *malformed)
    part = b'--B\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    cut = b"".join(part % (n.encode(), v.encode()) for n, v in [*fields.items(), ("file", "hello")])
    refused(post.send(cut, **kind), *malformed)
    refused(post.send(cut + b"--B--", **{"Content-Type": "multipart/form-data"}), *malformed)
    refused(post.send(part % (b"key", b"k") * 2 + part % (b"file", b"") + b"--B--", **kind), *malformed)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert post.send(cut + b"--B--", **kind).status == 204
    no_file = "POST requires exactly one file upload per request."
    answer = post.send(part % (b"key", b"k") + b"--B--", **kind)
    refused(answer, 400, "InvalidArgument", no_file, ArgumentName="file", ArgumentValue="0")
    refused(Poster(http, f"{daemon.endpoint}/no-such-bucket-at-all")({"key": "k"}), 404, "NoSuchBucket")
    refused(post({"key": "x" * 1025}), 400, "KeyTooLongError")
    answer = post({"key": ""})
    refused(answer, 400, "InvalidArgument", "User key must have a length greater than 0.", ArgumentName="key")


def test_other_bodies_are_refused_as_such(s3, bucket, daemon):
    for where in ({"host": "s3.us-east-1.localhost"}, {}):
        status, _, text = daemon.request("POST", f"/{bucket}", b"key=k", {"Content-Type": "text/html"}, **where)
        assert status == 412
        assert b"<Condition>Bucket POST must be of the enclosure-type multipart/form-data</Condition>" in text


def test_fields_before_the_file_have_a_ceiling(s3, bucket, post):
    message = "Your POST request fields preceeding the upload file was too large."
    fields = signed(s3, bucket)
    size = {"MaxPostPreDataLengthBytes": "20480"}
    answer = post({**fields, "x-ignore-a": "x" * 20480})
    refused(answer, 400, "MaxPostPreDataLengthExceeded", message, **size)
    assert post({**fields, "x-ignore-a": "x" * 16000}).status == 204
    # what comes behind the file is ignored, whatever it is
    behind = [("key", "other"), ("x-amz-meta-a", "b"), ("file", ("b.txt", b"x" * MIB))]
    assert post(fields, behind=behind).status == 204
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]


def test_clients_that_leave_in_the_middle_leave_nothing(s3, bucket, post):
    fields = signed(s3, bucket)
    body, kind = urllib3.encode_multipart_formdata([*fields.items(), ("file", ("a", b"x" * 300000))])
    with pytest.raises((ConnectionError, urllib3.exceptions.HTTPError, OSError)):
        post.http.request(
            "POST",
            post.url,
            body=iter([body[:200000]]),
            headers={"Content-Type": kind, "Content-Length": str(len(body))},
            timeout=1,
        )
    with pytest.raises(ClientError):
        s3.head_object(Bucket=bucket, Key="k")
