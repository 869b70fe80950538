# SPDX-License-Identifier: Apache-2.0
"""Lists and deletes of objects through boto3. Delete markers stand for objects: deleting a key that
is not there makes one (https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html)."""

import pytest
from harness.refused import refused

KEYS = ["a", "a b+c", "dir/one", "dir/two%2F", "dir2/ü", "z//"]


def markers(s3, bucket, **more):
    """Keys and prefixes, in the order of the pages, and what names each marker."""
    shown, ids = [], []
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, **more)
    for page in pages:
        found = page.get("DeleteMarkers", [])
        shown += [m["Key"] for m in found] + [p["Prefix"] for p in page.get("CommonPrefixes", [])]
        ids += [{"Key": m["Key"], "VersionId": m["VersionId"]} for m in found]
        assert all(m["IsLatest"] and len(m["Owner"]["ID"]) == 64 for m in found)
    return shown, ids


@pytest.fixture
def bucket(s3, make_bucket):
    made = make_bucket()
    s3.put_bucket_versioning(Bucket=made, VersioningConfiguration={"Status": "Enabled"})
    for key in KEYS:
        made_marker = s3.delete_object(Bucket=made, Key=key)
        assert made_marker["DeleteMarker"] and len(made_marker["VersionId"]) == 32
    return made


def test_keys_of_any_kind_are_listed_page_by_page(s3, bucket):
    assert markers(s3, bucket)[0] == KEYS
    for size in range(1, 7):
        assert markers(s3, bucket, PaginationConfig={"PageSize": size})[0] == KEYS
        grouped = markers(s3, bucket, Delimiter="/", PaginationConfig={"PageSize": size})[0]
        assert sorted(grouped) == ["a", "a b+c", "dir/", "dir2/", "z/"]
    assert markers(s3, bucket, Prefix="dir/")[0] == ["dir/one", "dir/two%2F"]


def test_what_a_marker_hides_is_not_listed(s3, bucket):
    first = s3.list_objects(Bucket=bucket, Delimiter="/")
    assert (first["IsTruncated"], first["Marker"], first["Prefix"]) == (False, "", "")
    second = s3.list_objects_v2(Bucket=bucket, Prefix="dir/")
    assert (second["KeyCount"], second["MaxKeys"], second["Prefix"]) == (0, 1000, "dir/")


def test_many_markers_are_deleted_at_once(s3, bucket):
    _, ids = markers(s3, bucket)
    wrong = {"Key": "a", "VersionId": "wrong"}
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [*ids, wrong]})
    assert [d["Key"] for d in answer["Deleted"]] == KEYS
    assert all(d["DeleteMarkerVersionId"] == d["VersionId"] for d in answer["Deleted"])
    assert [(e["Key"], e["Code"]) for e in answer["Errors"]] == [("a", "InvalidArgument")]
    assert markers(s3, bucket) == ([], [])


def test_what_a_marker_answers_says_that_it_is_one(s3, bucket):
    headers = refused("NoSuchKey", s3.get_object_tagging, Bucket=bucket, Key="a").headers
    assert headers["x-amz-delete-marker"] == "true"
    marker = {"Bucket": bucket, "Key": "a", "VersionId": headers["x-amz-version-id"]}
    assert refused("MethodNotAllowed", s3.get_object_tagging, **marker).headers["allow"] == "DELETE"


def test_many_deletes_must_bear_a_checksum(s3, bucket):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""
    sums = [None, "AAAAAA=="]

    def spoil(request, **_):
        del request.headers["x-amz-checksum-crc32"]
        if sums[0]:
            request.headers["x-amz-checksum-crc32"] = sums[0]

    s3.meta.events.register("before-sign.s3.DeleteObjects", spoil)
    try:
        for code in ("InvalidRequest", "BadDigest"):
            refused(code, s3.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": "a"}]})
            sums.pop(0)
    finally:
        s3.meta.events.unregister("before-sign.s3.DeleteObjects", spoil)
    assert markers(s3, bucket)[0] == KEYS
