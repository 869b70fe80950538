# SPDX-License-Identifier: Apache-2.0
"""Objects by boto3, as it comes: checksums in trailers, presigned URLs, ranges, streams."""

import base64
import email.utils
import hashlib
import io
import os
import threading

import pytest
import urllib3
from botocore.exceptions import ClientError
from harness.aws import Aws
from harness.daemon import wait_until
from harness.refused import refused
from harness.s3 import body, crc32, take_customer_keys

MIB = 1 << 20
ODD_KEYS = [
    "a",
    "a b",
    "a+b=c&d?e#f%20g",
    "/lead//twice/",
    "../..",
    ".",
    "ä/日本/🙂",
    "k\x01\x7f",
    "'\"<&>",
    "x" * 1024,
]


def test_objects_come_back_as_they_went(s3, bucket):
    for size in (0, 1, 8192, 8193, 131072, 131073, 3 * MIB + 7):
        data = os.urandom(size)
        put = s3.put_object(Bucket=bucket, Key="k", Body=data)
        assert put["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
        got = s3.get_object(Bucket=bucket, Key="k")
        assert got["Body"].read() == data
        assert got["ContentLength"] == size
        assert got["ServerSideEncryption"] == "AES256"
        head = s3.head_object(Bucket=bucket, Key="k")
        assert (head["ContentLength"], head["ETag"]) == (size, put["ETag"])


def test_keys_may_be_anything(s3, bucket):
    for i, key in enumerate(ODD_KEYS):
        s3.put_object(Bucket=bucket, Key=key, Body=str(i))
    for i, key in enumerate(ODD_KEYS):
        assert body(s3, bucket, key) == str(i).encode()
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert {o["Key"] for o in listed} == set(ODD_KEYS)
    refused("KeyTooLongError", s3.put_object, Bucket=bucket, Key="x" * 1025)


# --- checksums: aws-chunked bodies with trailers are the default of today's SDKs


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums_of_trailers_and_headers_are_held(s3, bucket, algorithm):
    data = os.urandom(200000)
    member = f"Checksum{algorithm}"
    of = {
        "CRC32": crc32,
        "SHA1": lambda d: base64.b64encode(hashlib.sha1(d).digest()).decode(),
        "SHA256": lambda d: base64.b64encode(hashlib.sha256(d).digest()).decode(),
    }[algorithm]
    trailing = io.BytesIO(data)  # a stream: its checksum comes behind it
    put = s3.put_object(Bucket=bucket, Key="k", Body=trailing, ChecksumAlgorithm=algorithm)
    assert (put[member], put["ChecksumType"]) == (of(data), "FULL_OBJECT")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got[member] == of(data)
    assert got["Body"].read() == data  # which boto3 verifies
    refused("BadDigest", s3.put_object, Bucket=bucket, Key="k", Body=b"x", **{member: of(b"y")})
    assert body(s3, bucket, "k") == data
    part = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED", Range="bytes=0-9")
    assert member not in part


def test_no_checksum_asked_is_crc64nvme(aws, bucket):
    plain = aws("s3", request_checksum_calculation="when_required", response_checksum_validation="when_required")
    assert plain.put_object(Bucket=bucket, Key="k", Body=b"hello")["ChecksumType"] == "FULL_OBJECT"
    got = plain.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert [m for m in got if m.startswith("Checksum")] == ["ChecksumCRC64NVME", "ChecksumType"]
    assert "ChecksumCRC64NVME" not in plain.get_object(Bucket=bucket, Key="k")
    md5 = base64.b64encode(hashlib.md5(b"hello").digest()).decode()
    plain.put_object(Bucket=bucket, Key="k", Body=b"hello", ContentMD5=md5)
    refused("BadDigest", plain.put_object, Bucket=bucket, Key="k", Body=b"hullo", ContentMD5=md5)
    refused("InvalidDigest", plain.put_object, Bucket=bucket, Key="k", Body=b"hello", ContentMD5="x")


# --- headers


def test_headers_and_metadata_come_back(s3, bucket):
    headers = {
        "CacheControl": "no-cache",
        "ContentDisposition": 'attachment; filename="a b"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "ContentType": "text/plain; charset=utf-8",
        "Metadata": {"Mixed-Case": "v", "empty": "", "word": "=?UTF-8?B?w6Q=?="},
        "StorageClass": "STANDARD_IA",
        "WebsiteRedirectLocation": "/elsewhere",
    }
    s3.put_object(Bucket=bucket, Key="k", Body=io.BytesIO(b"x"), Tagging="a=1&b=x%20y", **headers)
    headers["Metadata"] = {"mixed-case": "v", "empty": "", "word": "=?UTF-8?B?w6Q=?="}
    for answer in (s3.get_object(Bucket=bucket, Key="k"), s3.head_object(Bucket=bucket, Key="k")):
        assert {m: answer[m] for m in headers} == headers
        assert answer["TagCount"] == 2
    tags = s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "x y"}]
    refused("MetadataTooLarge", s3.put_object, Bucket=bucket, Key="k", Metadata={"k": "v" * 2048})


def test_metadata_of_any_language(s3, bucket):
    """An example of https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html."""
    word = "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?="
    s3.put_object(Bucket=bucket, Key="k", Metadata={"nonascii": word})
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"nonascii": word}


# --- ranges, conditions, what is not there


def test_ranges(s3, bucket):
    data = os.urandom(400000)
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    for spec, first, last in (
        ("0-0", 0, 0),
        ("131071-131072", 131071, 131072),
        ("-5", 399995, 399999),
        ("399990-999999", 399990, 399999),
        ("1000-", 1000, 399999),
    ):
        got = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={spec}")
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert got["ContentRange"] == f"bytes {first}-{last}/400000"
        assert got["Body"].read() == data[first : last + 1]
    answer = refused("InvalidRange", s3.get_object, Bucket=bucket, Key="k", Range="bytes=400000-")
    assert answer.status == 416
    assert answer.error["ActualObjectSize"] == "400000"
    assert body(s3, bucket, "k", Range="bytes=0-1,5-6") == data


def test_conditional_reads(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    assert body(s3, bucket, "k", IfMatch=etag, IfUnmodifiedSince=modified) == b"x"
    refused("PreconditionFailed", s3.get_object, Bucket=bucket, Key="k", IfMatch='"no"')
    for condition in ({"IfNoneMatch": etag}, {"IfModifiedSince": modified}):
        for call in (s3.get_object, s3.head_object):
            answer = refused("304", call, Bucket=bucket, Key="k", **condition)
            assert answer.headers["etag"] == etag
    refused("412", s3.head_object, Bucket=bucket, Key="k", IfMatch='"no"')
    assert body(s3, bucket, "k") == b"x"  # on the same connection


def test_conditional_writes(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")
    answer = refused("PreconditionFailed", s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert answer.status == 412
    refused("PreconditionFailed", s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfMatch='"stale"')
    refused("NoSuchKey", s3.put_object, Bucket=bucket, Key="none", Body=b"2", IfMatch='"stale"')
    assert body(s3, bucket, "k") == b"1"
    etag = s3.head_object(Bucket=bucket, Key="k")["ETag"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)


def test_one_of_many_creates(s3, bucket):
    won = []

    def create(i):
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=str(i) * 20000, IfNoneMatch="*")
            won.append(i)
        except ClientError as e:
            assert e.response["Error"]["Code"] == "PreconditionFailed"

    threads = [threading.Thread(target=create, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(won) == 1
    assert body(s3, bucket, "k") == (str(won[0]) * 20000).encode()


def test_delete_markers(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    answer = refused("NoSuchKey", s3.get_object, Bucket=bucket, Key="k")
    assert answer.headers["x-amz-delete-marker"] == "true"
    assert answer.headers["x-amz-version-id"] == marker
    answer = refused("MethodNotAllowed", s3.get_object, Bucket=bucket, Key="k", VersionId=marker)
    # "returns a 405 Method Not Allowed error and the Last-Modified: timestamp response header" (API_GetObject)
    listed = s3.list_object_versions(Bucket=bucket)["DeleteMarkers"][0]["LastModified"]
    assert email.utils.parsedate_to_datetime(answer.headers["last-modified"]) == listed
    assert answer.headers["x-amz-delete-marker"] == "true"
    refused("405", s3.head_object, Bucket=bucket, Key="k", VersionId=marker)
    answer = refused("404", s3.head_object, Bucket=bucket, Key="k")
    assert answer.headers["x-amz-delete-marker"] == "true"
    got = s3.get_object(Bucket=bucket, Key="k", VersionId=first)
    assert (got["Body"].read(), got["VersionId"]) == (b"1", first)


# --- URLs


def test_presigned_urls(aws, bucket):
    s3 = aws("s3", signature_version="s3v4")
    http = urllib3.PoolManager()
    for key in ODD_KEYS[:3] + ODD_KEYS[6:7]:
        at = {"Bucket": bucket, "Key": key}
        put = s3.generate_presigned_url("put_object", Params={**at, "ContentType": "a/b"})
        answer = http.request("PUT", put, body=b"hello", headers={"Content-Type": "a/b"})
        assert answer.status == 200, answer.data
        get = s3.generate_presigned_url("get_object", Params={**at, "ResponseContentType": "c/d"})
        answer = http.request("GET", get)
        assert (answer.data, answer.headers["Content-Type"]) == (b"hello", "c/d")
        answer = http.request("GET", get.replace("X-Amz-Signature=", "X-Amz-Signature=0"))
        assert answer.status == 403
        answer = http.request("PUT", put, body=b"", headers={"Content-Type": "a/b", "x-amz-meta-a": "b"})
        assert answer.status == 403 and b"which were not signed" in answer.data


def test_anonymous_reads_by_policy(s3, nobody, bucket):
    s3.put_object(Bucket=bucket, Key="pub/k", Body=b"x")
    refused("AccessDenied", nobody.get_object, Bucket=bucket, Key="pub/k")
    s3.delete_public_access_block(Bucket=bucket)
    allow = f"""{{"Statement": {{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                                "Resource": "arn:aws:s3:::{bucket}/pub/*"}}}}"""
    s3.put_bucket_policy(Bucket=bucket, Policy=allow.replace("{", '{"Version": "2012-10-17", ', 1))
    assert body(nobody, bucket, "pub/k") == b"x"
    refused("InvalidRequest", nobody.get_object, Bucket=bucket, Key="pub/k", ResponseContentType="a/b")
    refused("AccessDenied", nobody.get_object, Bucket=bucket, Key="pub/none")
    refused("AccessDenied", nobody.put_object, Bucket=bucket, Key="pub/k", Body=b"y")


# --- copies


def test_copies(s3, bucket, name):
    data = os.urandom(300000)
    s3.put_object(Bucket=bucket, Key="a+ b/ä", Body=data, Metadata={"m": "v"}, Tagging="t=1")
    source = {"Bucket": bucket, "Key": "a+ b/ä"}
    copied = s3.copy_object(Bucket=bucket, Key="c", CopySource=source)["CopyObjectResult"]
    assert copied["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="c")
    assert (got["Body"].read(), got["Metadata"], got["TagCount"]) == (data, {"m": "v"}, 1)
    answer = refused("InvalidRequest", s3.copy_object, Bucket=bucket, Key="a+ b/ä", CopySource=source)
    assert "trying to copy an object to itself" in answer.message
    s3.copy_object(Bucket=bucket, CopySource=source, MetadataDirective="REPLACE", Key="a+ b/ä", Metadata={"n": "w"})
    assert s3.head_object(Bucket=bucket, Key="a+ b/ä")["Metadata"] == {"n": "w"}
    refused("PreconditionFailed", s3.copy_object, Bucket=bucket, Key="d", CopySource=source, CopySourceIfMatch="x")
    refused("NoSuchKey", s3.copy_object, Bucket=bucket, Key="d", CopySource={"Bucket": bucket, "Key": "no"})


def test_customers_keys(s3, bucket):
    key, other = os.urandom(32), os.urandom(32)
    data = os.urandom(300000)
    sse = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
    told = refused("AccessDenied", s3.put_object, Bucket=bucket, Key="k", Body=data, **sse)
    assert told.message == (
        f"User: arn:aws:iam::000000000000:root is not authorized to perform: s3:PutObject on resource: "
        f'"arn:aws:s3:::{bucket}/k" because this bucket has blocked upload requests that specify Server Side '
        "Encryption with Customer provided keys (SSE-C). Please specify a different server-side encryption type"
    )
    take_customer_keys(s3, bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=data, **sse)
    assert body(s3, bucket, "k", **sse) == data
    refused("InvalidRequest", s3.get_object, Bucket=bucket, Key="k")
    refused("AccessDenied", s3.get_object, Bucket=bucket, Key="k", SSECustomerAlgorithm="AES256", SSECustomerKey=other)
    source = {"CopySource": {"Bucket": bucket, "Key": "k"}}
    refused("InvalidRequest", s3.copy_object, Bucket=bucket, Key="l", **source)
    s3.copy_object(
        Bucket=bucket, Key="l", CopySourceSSECustomerAlgorithm="AES256", CopySourceSSECustomerKey=key, **source
    )
    assert body(s3, bucket, "l") == data


# --- streams


def test_a_reader_sees_what_it_opened_to_its_end(s3, bucket):
    old = os.urandom(20 * MIB)
    s3.put_object(Bucket=bucket, Key="k", Body=old)
    reader = s3.get_object(Bucket=bucket, Key="k")["Body"]
    start = reader.read(1000)
    s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    assert body(s3, bucket, "k") == b"new"
    s3.delete_object(Bucket=bucket, Key="k")
    assert start + reader.read() == old
    refused("NoSuchKey", s3.get_object, Bucket=bucket, Key="k")


def peak_kib(daemon):
    with open(f"/proc/{daemon.process.pid}/status", encoding="utf-8") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM:"))


class Zeros(io.RawIOBase):
    """So many of them, without the memory."""

    def __init__(self, size):
        self.size, self.at = size, 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self.at

    def seek(self, offset, whence=0):
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def readinto(self, to):
        n = min(len(to), self.size - self.at)
        to[:n] = bytes(n)
        self.at += n
        return n


def test_large_objects_take_little_memory(make_daemon):
    one = make_daemon()
    s3 = Aws(one)("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="warm", Body=Zeros(MIB))
    body(s3, "bucket", "warm")
    before = peak_kib(one)
    s3.put_object(Bucket="bucket", Key="k", Body=Zeros(100 * MIB))
    reader = s3.get_object(Bucket="bucket", Key="k")["Body"]
    n = sum(len(piece) for piece in reader.iter_chunks(MIB))
    assert n == 100 * MIB
    s3.copy_object(Bucket="bucket", Key="l", CopySource="bucket/k")
    assert peak_kib(one) - before < 32 * 1024


def test_objects_survive_kill_9(make_daemon):
    one = make_daemon()
    s3 = Aws(one)("s3")
    data = os.urandom(MIB)
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="small", Body=b"x")
    s3.put_object(Bucket="bucket", Key="large", Body=data)
    one.restart("kill9")
    s3 = Aws(one)("s3")
    wait_until(lambda: s3.head_bucket(Bucket="bucket"), 10)
    assert body(s3, "bucket", "small") == b"x"
    assert body(s3, "bucket", "large") == data
