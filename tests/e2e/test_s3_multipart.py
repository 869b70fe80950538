# SPDX-License-Identifier: Apache-2.0
"""Uploads in parts through boto3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html"""

import base64
import concurrent.futures
import hashlib
import json
import os

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from harness.aws import Aws
from harness.daemon import wait_until
from harness.refused import refused
from harness.s3 import crc32, empty, take_customer_keys

MIB = 1 << 20


def begin(s3, bucket, key="k", **more):
    made = s3.create_multipart_upload(Bucket=bucket, Key=key, **more)
    return {"Bucket": bucket, "Key": key, "UploadId": made["UploadId"]}


def put(s3, upload, number, body, algorithm=None):
    asked = {"ChecksumAlgorithm": algorithm} if algorithm else {}
    answer = s3.upload_part(**upload, PartNumber=number, Body=body, **asked)
    sums = {k: answer[k] for k in (f"Checksum{algorithm}",) if algorithm}
    return {"PartNumber": number, "ETag": answer["ETag"], **sums}


def content_files(daemon):
    """The bytes of content files; none but those that something refers to must be left."""
    found = {}
    for folder, _, files in os.walk(daemon.data / "blobs"):
        for file in files:
            path = os.path.join(folder, file)
            found[path] = os.path.getsize(path)
    return found


def test_a_file_is_uploaded_in_parts_at_once_and_read_back(s3, bucket, tmp_path):
    body = os.urandom(21 * MIB + 5)
    path = tmp_path / "file"
    path.write_bytes(body)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)
    s3.upload_file(str(path), bucket, "k", Config=config, ExtraArgs={"Metadata": {"a": "b"}})
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ContentLength"] == len(body)
    assert head["Metadata"] == {"a": "b"}
    digests = [hashlib.md5(body[i : i + 5 * MIB]).digest() for i in range(0, len(body), 5 * MIB)]
    assert head["ETag"] == f'"{hashlib.md5(b"".join(digests)).hexdigest()}-5"'
    s3.download_file(bucket, "k", str(tmp_path / "back"), Config=config)
    assert (tmp_path / "back").read_bytes() == body
    part = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert part["Body"].read() == body[5 * MIB : 10 * MIB]
    assert part["PartsCount"] == 5
    over = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={5 * MIB - 3}-{5 * MIB + 2}")
    assert over["Body"].read() == body[5 * MIB - 3 : 5 * MIB + 3]


def test_parts_are_listed_replaced_and_put_together(s3, bucket):
    upload = begin(s3, bucket, ContentType="text/plain", Tagging="a=b", ChecksumAlgorithm="SHA256")
    put(s3, upload, 1, b"other", "SHA256")
    sent = [(n, bytes([n]) * size) for n, size in ((2, 10), (1, 5 * MIB))]
    parts = [put(s3, upload, n, body, "SHA256") for n, body in sent]
    listed = s3.list_parts(**upload)
    assert [(p["PartNumber"], p["Size"]) for p in listed["Parts"]] == [(1, 5 * MIB), (2, 10)]
    assert listed["ChecksumType"] == "COMPOSITE"
    assert listed["Parts"][1]["ChecksumSHA256"] == parts[0]["ChecksumSHA256"]
    page = s3.list_parts(**upload, MaxParts=1)
    assert (page["IsTruncated"], page["NextPartNumberMarker"]) == (True, 1)
    assert s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["UploadId"] == upload["UploadId"]
    complete = {**upload, "MultipartUpload": {"Parts": parts[::-1]}}
    refused("InvalidPartOrder", s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts})
    first, again = s3.complete_multipart_upload(**complete), s3.complete_multipart_upload(**complete)
    whole = hashlib.sha256(b"".join(base64.b64decode(p["ChecksumSHA256"]) for p in parts[::-1])).digest()
    assert first["ChecksumSHA256"] == base64.b64encode(whole).decode() + "-2"
    assert first["ETag"] == again["ETag"]
    refused("NoSuchUpload", s3.list_parts, **upload)
    read = s3.get_object(Bucket=bucket, Key="k")
    assert read["ContentType"] == "text/plain"
    assert read["Body"].read() == b"\1" * (5 * MIB) + b"\2" * 10


def test_the_checksum_of_the_whole_object_needs_none_of_the_parts(s3, bucket):
    body = [os.urandom(5 * MIB), b"tail"]
    upload = begin(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    parts = [put(s3, upload, n + 1, b) for n, b in enumerate(body)]
    bare = [{"PartNumber": p["PartNumber"], "ETag": p["ETag"].strip('"')} for p in parts]
    whole = crc32(b"".join(body))
    complete = {**upload, "MultipartUpload": {"Parts": bare}}
    refused("BadDigest", s3.complete_multipart_upload, **complete, ChecksumCRC32="AAAAAA==")
    made = s3.complete_multipart_upload(**complete, ChecksumCRC32=whole, MpuObjectSize=5 * MIB + 4)
    assert (made["ChecksumCRC32"], made["ChecksumType"]) == (whole, "FULL_OBJECT")


def test_parts_are_copied_from_objects(s3, bucket):
    source = os.urandom(6 * MIB)
    s3.put_object(Bucket=bucket, Key="source", Body=source)
    upload = begin(s3, bucket)
    where = {**upload, "CopySource": {"Bucket": bucket, "Key": "source"}}
    parts = []
    for number, span in ((1, "bytes=1-5242880"), (2, None)):
        ranged = {"CopySourceRange": span} if span else {}
        answer = s3.upload_part_copy(**where, **ranged, PartNumber=number)["CopyPartResult"]
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    copy = s3.upload_part_copy
    refused("InvalidArgument", copy, **where, PartNumber=3, CopySourceRange="bytes=0-99999999")
    refused("InvalidArgument", copy, **where, PartNumber=3, CopySourceRange="bytes=5-")
    refused("InvalidArgument", copy, **where, PartNumber=10001)
    refused("PreconditionFailed", copy, **where, PartNumber=3, CopySourceIfMatch="no")
    missing = {**where, "CopySource": {"Bucket": bucket, "Key": "missing"}}
    refused("NoSuchKey", copy, **missing, PartNumber=3)
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == source[1 : 5 * MIB + 1] + source


def test_wrong_checksums_of_parts_are_refused(s3, bucket):
    upload = begin(s3, bucket, ChecksumAlgorithm="SHA256")
    refused("InvalidRequest", s3.upload_part, **upload, PartNumber=1, Body=b"x", ChecksumCRC32="AAAAAA==")
    wrong = base64.b64encode(bytes(32)).decode()
    refused("BadDigest", s3.upload_part, **upload, PartNumber=1, Body=b"x", ChecksumSHA256=wrong)
    refused("InvalidArgument", s3.upload_part, **upload, PartNumber=0, Body=b"x")
    assert "Parts" not in s3.list_parts(**upload)


def test_a_conditional_completion_does_not_replace(s3, bucket):
    upload = begin(s3, bucket)
    parts = {"Parts": [put(s3, upload, 1, b"new")]}
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    complete = s3.complete_multipart_upload
    refused("PreconditionFailed", complete, **upload, MultipartUpload=parts, IfNoneMatch="*")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"old"
    complete(**upload, MultipartUpload=parts, IfMatch=hashlib.md5(b"old").hexdigest())
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"


def test_an_upload_sealed_by_a_key_of_the_customers(s3, bucket):
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": os.urandom(32)}
    refused("AccessDenied", s3.create_multipart_upload, Bucket=bucket, Key="k", **key)
    take_customer_keys(s3, bucket)
    upload = begin(s3, bucket, **key)
    refused("InvalidRequest", s3.upload_part, **upload, PartNumber=1, Body=b"x")
    etag = s3.upload_part(**upload, PartNumber=1, Body=b"secret", **key)["ETag"]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    assert s3.get_object(Bucket=bucket, Key="k", **key)["Body"].read() == b"secret"
    refused("InvalidRequest", s3.get_object, Bucket=bucket, Key="k")


def test_nobody_begins_an_upload_anonymously(s3, nobody, bucket):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuAndPermissions.html"""
    s3.delete_public_access_block(Bucket=bucket)
    resource = f"arn:aws:s3:::{bucket}/*"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": resource}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    nobody.put_object(Bucket=bucket, Key="k", Body=b"x")
    refused("AccessDenied", nobody.create_multipart_upload, Bucket=bucket, Key="k")


def test_who_may_write_may_not_copy_list_or_abort(s3, make_s3_user, bucket):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuAndPermissions.html"""
    resource = f"arn:aws:s3:::{bucket}/*"
    writer = make_s3_user({"Effect": "Allow", "Action": "s3:PutObject", "Resource": resource})
    s3.put_object(Bucket=bucket, Key="source", Body=b"secret")
    refused("AccessDenied", writer.create_multipart_upload, Bucket=bucket, Key="k", Tagging="a=b")
    upload = begin(writer, bucket)
    parts = {"Parts": [put(writer, upload, 1, b"x")]}
    copy = {**upload, "PartNumber": 2, "CopySource": {"Bucket": bucket, "Key": "source"}}
    refused("AccessDenied", writer.upload_part_copy, **copy)
    refused("AccessDenied", writer.list_parts, **upload)
    refused("AccessDenied", writer.abort_multipart_upload, **upload)
    refused("AccessDenied", writer.list_multipart_uploads, Bucket=bucket)
    writer.complete_multipart_upload(**upload, MultipartUpload=parts)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_nothing_is_left_of_what_is_aborted_while_parts_come(make_daemon, name):
    one = make_daemon()
    with_pool = Aws(one)
    s3 = with_pool("s3")
    bucket = name("bucket")
    s3.create_bucket(Bucket=bucket)
    upload = begin(s3, bucket)

    def send(number):
        try:
            put(s3, upload, number, os.urandom(MIB))
        except ClientError as e:
            assert e.response["Error"]["Code"] == "NoSuchUpload"

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(send, n) for n in range(1, 41)]
        wait_until(lambda: any(f.done() for f in sent), 10)
        s3.abort_multipart_upload(**upload)
        for f in sent:
            f.result()
    assert wait_until(lambda: not content_files(one), 10), content_files(one)
    s3.delete_bucket(Bucket=bucket)
    with_pool.close()


def test_acknowledged_parts_survive_a_kill(make_daemon, name):
    one = make_daemon()
    clients = Aws(one)
    s3 = clients("s3")
    bucket = name("bucket")
    s3.create_bucket(Bucket=bucket)
    upload, other = begin(s3, bucket), begin(s3, bucket, "other")
    body = [os.urandom(5 * MIB), os.urandom(6 * MIB), b"tail"]
    parts = []
    for number, part in enumerate(body, 1):
        parts.append(put(s3, upload, number, part))
        put(s3, other, number, part)
        one.restart("kill9")
        clients.close()
        clients = Aws(one)
        s3 = clients("s3")
    assert [p["ETag"] for p in s3.list_parts(**upload)["Parts"]] == [p["ETag"] for p in parts]
    assert len(content_files(one)) == 6
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    one.restart("kill9")
    clients.close()
    clients = Aws(one)
    s3 = clients("s3")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"".join(body)
    s3.abort_multipart_upload(**other)
    assert wait_until(lambda: len(content_files(one)) == 3, 10), content_files(one)
    empty(s3, bucket)
    assert wait_until(lambda: not content_files(one), 10), content_files(one)
    clients.close()


@pytest.mark.parametrize(
    ("algorithm", "default", "never"),
    [
        ("CRC32", "COMPOSITE", None),
        ("CRC32C", "COMPOSITE", None),
        ("SHA1", "COMPOSITE", "FULL_OBJECT"),
        ("SHA256", "COMPOSITE", "FULL_OBJECT"),
        ("CRC64NVME", "FULL_OBJECT", "COMPOSITE"),
    ],
)
def test_each_algorithm_has_its_types(s3, bucket, algorithm, default, never):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html: the table of
    composite and full object checksums."""
    made = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm)
    assert (made["ChecksumAlgorithm"], made["ChecksumType"]) == (algorithm, default)
    if never:
        asked = {"Bucket": bucket, "Key": "k", "ChecksumAlgorithm": algorithm, "ChecksumType": never}
        refused("InvalidRequest", s3.create_multipart_upload, **asked)


def test_what_asked_for_no_checksum_gets_one_whatever_its_parts_had(s3, bucket):
    """ "If you don't specify a checksum … Amazon S3 calculates CRC64NVME": the clients of today send CRC32 with each
    part all the same."""
    body = [os.urandom(5 * MIB), b"tail"]
    upload = begin(s3, bucket)
    parts = [put(s3, upload, n, b, "CRC32") for n, b in enumerate(body, 1)]
    assert "ChecksumCRC32" not in s3.list_parts(**upload)["Parts"][0]
    bare = [{"PartNumber": p["PartNumber"], "ETag": p["ETag"]} for p in parts]
    complete = {**upload, "MultipartUpload": {"Parts": bare}}
    refused("InvalidPart", s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts})
    full = {"ChecksumType": "FULL_OBJECT"}
    refused("BadDigest", s3.complete_multipart_upload, **complete, **full, ChecksumCRC32="AAAAAA==")
    refused("InvalidRequest", s3.complete_multipart_upload, **complete, ChecksumSHA1="A" * 27 + "=")
    made = s3.complete_multipart_upload(**complete, **full, ChecksumCRC32=crc32(b"".join(body)))
    assert made["ChecksumType"] == "FULL_OBJECT"
    # The same bytes in one piece have the same one.
    s3.put_object(Bucket=bucket, Key="whole", Body=b"".join(body), ChecksumAlgorithm="CRC32")
    copied = s3.copy_object(
        Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "whole"}, ChecksumAlgorithm="CRC64NVME"
    )
    assert made["ChecksumCRC64NVME"] == copied["CopyObjectResult"]["ChecksumCRC64NVME"]
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head["ChecksumCRC64NVME"], head["ChecksumType"]) == (made["ChecksumCRC64NVME"], "FULL_OBJECT")
    about = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ObjectParts"])
    assert about["Checksum"]["ChecksumCRC64NVME"] == made["ChecksumCRC64NVME"]
    assert about["ObjectParts"] == {"TotalPartsCount": 2}
    # https://github.com/localstack/localstack/pull/12842: parts of a full object checksum tell none of theirs
    part = s3.get_object(Bucket=bucket, Key="k", PartNumber=1, ChecksumMode="ENABLED")
    assert part["Body"].read() == body[0]
    assert not [k for k in part if k.startswith("Checksum")]


def test_composite_checksums_name_each_part(s3, bucket):
    """Texts: LocalStack's tests against S3, and https://github.com/apache/arrow-rs-object-store/issues/709"""
    body = [os.urandom(5 * MIB), b"tail"]
    upload = begin(s3, bucket, ChecksumAlgorithm="CRC32")
    refused("InvalidRequest", s3.upload_part, **upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="SHA1")
    parts = [put(s3, upload, n, b, "CRC32") for n, b in enumerate(body, 1)]
    assert [p["ChecksumCRC32"] for p in parts] == [crc32(b) for b in body]

    def text(first, **more):
        with pytest.raises(ClientError) as e:
            s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [first, parts[1]]}, **more)
        error = e.value.response["Error"]
        return f"{error['Code']}: {error['Message']}"

    bare = {k: parts[0][k] for k in ("PartNumber", "ETag")}
    assert text(bare) == (
        "InvalidRequest: The upload was created using a crc32 checksum. The complete request must include the "
        "checksum for each part. It was missing for part 1 in the request."
    )
    assert text({**bare, "ChecksumCRC32": crc32(b"other")}).startswith("InvalidPart: One or more of the specified")
    assert text({**bare, "ChecksumSHA1": "A" * 27 + "="}) == (
        "BadDigest: The sha1 you specified for part 1 did not match what we received."
    )
    assert text(parts[0], ChecksumCRC32="AAAAAA==") == (
        "BadDigest: The crc32 you specified did not match the calculated checksum."
    )
    assert text(parts[0], ChecksumType="FULL_OBJECT").startswith("InvalidRequest: The upload was created using the C")
    assert text(parts[0], MpuObjectSize=7) == (
        "InvalidRequest: The provided 'x-amz-mp-object-size' header value 7 does not match what was computed: "
        f"{5 * MIB + 4}"
    )
    made = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    sums = b"".join(base64.b64decode(p["ChecksumCRC32"]) for p in parts)
    assert made["ChecksumCRC32"] == crc32(sums) + "-2"
    about = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ObjectParts"], MaxParts=1
    )
    assert about["Checksum"] == {"ChecksumCRC32": crc32(sums), "ChecksumType": "COMPOSITE"}
    listed = about["ObjectParts"]
    assert (listed["TotalPartsCount"], listed["IsTruncated"], listed["NextPartNumberMarker"]) == (2, True, 1)
    assert listed["Parts"] == [{"PartNumber": 1, "Size": 5 * MIB, "ChecksumCRC32": crc32(body[0])}]
    part = s3.head_object(Bucket=bucket, Key="k", PartNumber=2, ChecksumMode="ENABLED")
    assert (part["ChecksumCRC32"], part["ChecksumType"]) == (crc32(b"tail"), "COMPOSITE")
