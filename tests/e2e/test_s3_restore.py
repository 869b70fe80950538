# SPDX-License-Identifier: Apache-2.0
"""Archived objects and their restored copies, on the virtual clock.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
"""

import re

import pytest
from harness.aws import Aws, Virga
from harness.refused import refused


@pytest.fixture
def own(make_daemon):
    one = make_daemon()
    aws = Aws(one)
    s3 = aws("s3")
    s3.create_bucket(Bucket="bucket")
    virga = Virga(one)
    yield s3, lambda by: virga("clock", "advance", by)
    aws.close()


def restore(s3, key, days, tier=None):
    how = {"GlacierJobParameters": {"Tier": tier}} if tier else {}
    answer = s3.restore_object(Bucket="bucket", Key=key, RestoreRequest={"Days": days, **how})
    return answer["ResponseMetadata"]["HTTPStatusCode"]


def state(s3, key):
    return s3.head_object(Bucket="bucket", Key=key).get("Restore")


def test_a_restored_copy_is_read_for_its_days(own):
    s3, advance = own
    s3.put_object(Bucket="bucket", Key="a", Body=b"cold", StorageClass="GLACIER")
    assert refused("InvalidObjectState", s3.get_object, Bucket="bucket", Key="a").status == 403
    assert state(s3, "a") is None
    assert restore(s3, "a", 2) == 202
    assert state(s3, "a") == 'ongoing-request="true"'
    again = {"Bucket": "bucket", "Key": "a", "RestoreRequest": {"Days": 2}}
    assert refused("RestoreAlreadyInProgress", s3.restore_object, **again).status == 409
    advance("4h")
    assert refused("InvalidObjectState", s3.get_object, Bucket="bucket", Key="a").status == 403
    advance("61m")
    got = s3.get_object(Bucket="bucket", Key="a")
    assert got["Body"].read() == b"cold"
    assert got["StorageClass"] == "GLACIER"
    first = re.fullmatch(r'ongoing-request="false", expiry-date="(\w+, .+ 00:00:00 GMT)"', got["Restore"])
    assert first
    listed = s3.list_objects_v2(Bucket="bucket", OptionalObjectAttributes=["RestoreStatus"])["Contents"][0]
    assert listed["RestoreStatus"]["IsRestoreInProgress"] is False
    assert listed["RestoreStatus"]["RestoreExpiryDate"].strftime("%a, %d %b %Y %H:%M:%S GMT") == first[1]
    assert restore(s3, "a", 5) == 200
    assert state(s3, "a") != got["Restore"]
    advance("96h")
    assert s3.get_object(Bucket="bucket", Key="a")["Body"].read() == b"cold"
    advance("48h")
    assert state(s3, "a") is None
    assert refused("InvalidObjectState", s3.get_object, Bucket="bucket", Key="a").status == 403


@pytest.mark.parametrize(
    ("storage", "tier", "early", "late"),
    [
        ("GLACIER", "Expedited", "4m", "2m"),
        ("GLACIER", "Bulk", "11h", "2h"),
        ("DEEP_ARCHIVE", "Standard", "11h", "2h"),
        ("DEEP_ARCHIVE", "Bulk", "47h", "2h"),
    ],
)
def test_tiers_take_their_time(own, storage, tier, early, late):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html"""
    s3, advance = own
    s3.put_object(Bucket="bucket", Key="a", Body=b"cold", StorageClass=storage)
    assert restore(s3, "a", 1, tier) == 202
    advance(early)
    assert state(s3, "a") == 'ongoing-request="true"'
    advance(late)
    assert s3.get_object(Bucket="bucket", Key="a")["Body"].read() == b"cold"


def test_a_faster_tier_hurries_a_restore(own):
    s3, advance = own
    s3.put_object(Bucket="bucket", Key="a", Body=b"cold", StorageClass="GLACIER")
    assert restore(s3, "a", 1, "Bulk") == 202
    assert restore(s3, "a", 1, "Expedited") == 202
    advance("6m")
    assert s3.get_object(Bucket="bucket", Key="a")["Body"].read() == b"cold"


def test_archived_objects_are_copied_when_they_can_be_read(own):
    s3, advance = own
    s3.put_object(Bucket="bucket", Key="a", Body=b"cold", StorageClass="GLACIER")
    s3.put_object(Bucket="bucket", Key="instant", Body=b"cool", StorageClass="GLACIER_IR")
    copy = {"Bucket": "bucket", "Key": "b", "CopySource": {"Bucket": "bucket", "Key": "a"}}
    assert refused("ObjectNotInActiveTierError", s3.copy_object, **copy).status == 403
    restore(s3, "a", 1, "Expedited")
    advance("6m")
    s3.copy_object(**copy)
    head = s3.head_object(Bucket="bucket", Key="b")
    assert "StorageClass" not in head
    assert "Restore" not in head
    # In place, with another class: it is no archived object any more.
    s3.copy_object(**{**copy, "Key": "a"}, StorageClass="STANDARD_IA")
    assert state(s3, "a") is None
    advance("72h")
    assert s3.get_object(Bucket="bucket", Key="a")["Body"].read() == b"cold"
    assert s3.get_object(Bucket="bucket", Key="instant")["Body"].read() == b"cool"
