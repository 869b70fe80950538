# SPDX-License-Identifier: Apache-2.0
"""Nothing is left on the disk of what nobody can read: content files against the bytes of live objects."""

import concurrent.futures
import os
import socket
import urllib.parse

import pytest
from harness.aws import Aws, Virga
from harness.daemon import wait_until
from harness.refused import refused

MIB = 1 << 20


@pytest.fixture
def own(make_daemon):
    class Own:
        daemon = make_daemon()
        aws = Aws(daemon)
        s3 = aws("s3")

        def kill(self):
            self.daemon.restart("kill9")
            self.aws.close()
            self.aws = Aws(self.daemon)
            self.s3 = self.aws("s3")

        def on_disk(self):
            files = [os.path.join(d, f) for d, _, names in os.walk(self.daemon.data / "blobs") for f in names]
            return len(files), sum(os.path.getsize(f) for f in files)

        def holds(self, *live):
            """As many files as contents, and no more bytes than sealing adds (16 of each 64 KiB, and a head)."""

            def is_so():
                try:
                    n, size = self.on_disk()
                except FileNotFoundError:  # it went while we looked
                    return False
                return n == len(live) and sum(live) <= size <= sum(live) * 1.001 + 4096 * n

            assert wait_until(is_so, 20), (self.on_disk(), live)

    one = Own()
    one.s3.create_bucket(Bucket="bucket")
    yield one
    one.aws.close()


def half_an_upload(own, key, sent, size):
    """A connection on which so much of a body has come as to be on the disk."""
    url = urllib.parse.urlsplit(own.s3.generate_presigned_url("put_object", {"Bucket": "bucket", "Key": key}))
    line = socket.create_connection(("127.0.0.1", own.daemon.port))
    path = f"{url.path}?{url.query}"
    line.sendall(f"PUT {path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: {size}\r\n\r\n".encode())
    before = own.on_disk()[1]
    line.sendall(os.urandom(sent))
    assert wait_until(lambda: own.on_disk()[1] > before + sent // 2, 20)
    return line


def test_what_is_replaced_or_deleted_goes(own):
    s3 = own.s3
    for size in (MIB, 3 * MIB, 2 * MIB):
        s3.put_object(Bucket="bucket", Key="a", Body=os.urandom(size))
        own.holds(size)
    s3.put_object(Bucket="bucket", Key="a", Body=b"small ones lie in the store")
    own.holds()
    s3.put_object(Bucket="bucket", Key="a", Body=os.urandom(MIB))
    s3.put_object(Bucket="bucket", Key="b", Body=os.urandom(2 * MIB))
    s3.copy_object(Bucket="bucket", Key="b", CopySource={"Bucket": "bucket", "Key": "a"})
    own.holds(MIB, MIB)
    s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "a"}, {"Key": "b"}]})
    own.holds()


def test_versions_stay_until_they_are_deleted(own):
    s3 = own.s3
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    ids = [s3.put_object(Bucket="bucket", Key="a", Body=os.urandom(n * MIB))["VersionId"] for n in (1, 2)]
    s3.delete_object(Bucket="bucket", Key="a")
    own.holds(MIB, 2 * MIB)
    s3.delete_object(Bucket="bucket", Key="a", VersionId=ids[1])
    own.holds(MIB)
    rule = {"Status": "Enabled", "Filter": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket="bucket", LifecycleConfiguration={"Rules": [rule]})
    Virga(own.daemon)("clock", "advance", "48h")
    own.holds()


def test_parts_go_that_are_replaced_left_out_or_aborted(own):
    s3 = own.s3

    def begin(key):
        return {"Bucket": "bucket", "Key": key, "UploadId": s3.create_multipart_upload(Bucket="bucket", Key=key)["UploadId"]}

    def put(upload, number, size):
        etag = s3.upload_part(**upload, PartNumber=number, Body=os.urandom(size))["ETag"]
        return {"PartNumber": number, "ETag": etag}

    upload = begin("a")
    put(upload, 1, 7 * MIB)
    parts = [put(upload, 1, 5 * MIB), put(upload, 2, MIB)]
    put(upload, 3, 2 * MIB)
    own.holds(5 * MIB, MIB, 2 * MIB)
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    own.holds(5 * MIB, MIB)
    other = begin("a")
    put(other, 1, MIB)
    s3.abort_multipart_upload(**other)
    own.holds(5 * MIB, MIB)
    refused("NoSuchUpload", s3.upload_part, **other, PartNumber=1, Body=os.urandom(MIB))
    whole = {"CopySource": {"Bucket": "bucket", "Key": "a"}, "PartNumber": 1}
    refused("NoSuchUpload", s3.upload_part_copy, **other, **whole)
    own.holds(5 * MIB, MIB)
    put(begin("left"), 1, MIB)
    s3.delete_object(Bucket="bucket", Key="a")
    own.holds(MIB)
    s3.delete_bucket(Bucket="bucket")  # with the upload that is under way
    own.holds()


def test_nothing_is_left_of_uploads_that_failed(own):
    s3 = own.s3
    s3.put_object(Bucket="bucket", Key="a", Body=b"x")
    body = os.urandom(2 * MIB)
    put = s3.put_object
    refused("BadDigest", put, Bucket="bucket", Key="a", Body=body, ChecksumCRC32="AAAAAA==")
    refused("BadDigest", put, Bucket="bucket", Key="a", Body=body, ContentMD5="A" * 22 + "==")
    refused("PreconditionFailed", put, Bucket="bucket", Key="a", Body=body, IfNoneMatch="*")
    own.holds()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:  # one of them is the first
        tries = [pool.submit(put, Bucket="bucket", Key="new", Body=body, IfNoneMatch="*") for _ in range(8)]
    assert sum(t.exception() is None for t in tries) == 1
    own.holds(2 * MIB)


def test_nothing_is_left_when_the_client_leaves(own):
    lines = [half_an_upload(own, f"k{n}", 4 * MIB, 64 * MIB) for n in range(3)]
    for line in lines:
        line.close()
    own.holds()
    own.s3.put_object(Bucket="bucket", Key="k0", Body=os.urandom(MIB))
    own.holds(MIB)


def test_nothing_is_left_of_uploads_that_a_kill_cut_off(own):
    own.s3.put_object(Bucket="bucket", Key="kept", Body=os.urandom(3 * MIB))
    upload = {"Bucket": "bucket", "Key": "m"}
    upload["UploadId"] = own.s3.create_multipart_upload(**upload)["UploadId"]
    own.s3.upload_part(**upload, PartNumber=1, Body=os.urandom(MIB))
    lines = [half_an_upload(own, key, 4 * MIB, 64 * MIB) for key in ("kept", "new")]
    own.kill()
    for line in lines:
        line.close()
    own.holds(3 * MIB, MIB)
    assert len(own.s3.get_object(Bucket="bucket", Key="kept")["Body"].read()) == 3 * MIB
    own.s3.abort_multipart_upload(**upload)
    own.s3.delete_object(Bucket="bucket", Key="kept")
    own.kill()
    own.holds()
