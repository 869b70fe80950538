# SPDX-License-Identifier: Apache-2.0
"""Lifecycle on the virtual clock, through boto3.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html: days count from an object's
creation and are rounded up to the next midnight UTC.
"""

import concurrent.futures
import datetime
import re

import pytest
from harness.aws import Aws, Virga
from harness.daemon import wait_until
from harness.refused import refused

KIB128 = 128 << 10


@pytest.fixture
def own(make_daemon):
    """A daemon whose clock is this test's alone."""

    class Own:
        daemon = make_daemon()
        aws = Aws(daemon)
        s3 = aws("s3")
        virga = Virga(daemon)

        def advance(self, by):
            self.virga("clock", "advance", by)

        def after_kill(self):
            self.daemon.restart("kill9")
            self.aws.close()
            self.aws = Aws(self.daemon)
            self.s3 = self.aws("s3")

    one = Own()
    one.s3.create_bucket(Bucket="bucket")
    yield one
    one.aws.close()


def rules(s3, *all_rules, **more):
    s3.put_bucket_lifecycle_configuration(
        Bucket="bucket",
        LifecycleConfiguration={"Rules": [{"Status": "Enabled", "Filter": {}, **r} for r in all_rules]},
        **more,
    )


def keys(s3):
    return [o["Key"] for o in s3.list_objects_v2(Bucket="bucket").get("Contents", [])]


def versions(s3):
    page = s3.list_object_versions(Bucket="bucket")
    both = [(v["Key"], "v") for v in page.get("Versions", [])]
    return sorted(both + [(m["Key"], "m") for m in page.get("DeleteMarkers", [])])


def soon(condition):
    assert wait_until(condition, 30)


def test_objects_expire_by_prefix_tag_and_size(own):
    s3 = own.s3
    for key in ("log/a", "log/b", "other"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"x")
    s3.put_object(Bucket="bucket", Key="tagged", Body=b"x", Tagging="keep=no&a=b")
    s3.put_object(Bucket="bucket", Key="tagged-not", Body=b"x", Tagging="keep=yes")
    s3.put_object(Bucket="bucket", Key="big", Body=b"x" * 1001)
    s3.put_object(Bucket="bucket", Key="limit", Body=b"x" * 1000)
    rules(
        s3,
        {"ID": "one", "Filter": {"Prefix": "log/"}, "Expiration": {"Days": 2}},
        {"Filter": {"And": {"Prefix": "t", "Tags": [{"Key": "keep", "Value": "no"}]}}, "Expiration": {"Days": 1}},
        {"Filter": {"ObjectSizeGreaterThan": 1000}, "Expiration": {"Days": 1}},
        {"Status": "Disabled", "Expiration": {"Days": 1}},
    )
    own.advance("48h")
    soon(lambda: keys(s3) == ["limit", "log/a", "log/b", "other", "tagged-not"])
    own.advance("24h")
    soon(lambda: keys(s3) == ["limit", "other", "tagged-not"])
    refused("NoSuchKey", s3.get_object, Bucket="bucket", Key="log/a")


def test_answers_tell_of_the_expiry(own):
    """`expiry-date="Fri, 21 Dec 2012 00:00:00 GMT", rule-id="Rule for testfile.txt"`: HeadObject's page."""
    s3 = own.s3
    rules(
        s3,
        {"ID": "Delete after 3 days", "Filter": {"Prefix": "a"}, "Expiration": {"Days": 3}},
        {"ID": "later", "Expiration": {"Days": 9}},
        {"ID": "up", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}},
    )
    put = s3.put_object(Bucket="bucket", Key="ab", Body=b"x")
    head = s3.head_object(Bucket="bucket", Key="ab")
    date, rule = re.fullmatch(r'expiry-date="(.+)", rule-id="(.+)"', head["Expiration"]).groups()
    assert rule == "Delete after 3 days"
    at = datetime.datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=datetime.UTC)
    assert (at.hour, at.minute, at.second) == (0, 0, 0)
    assert datetime.timedelta(3) <= at - head["LastModified"] < datetime.timedelta(4)
    assert put["Expiration"] == head["Expiration"] == s3.get_object(Bucket="bucket", Key="ab")["Expiration"]
    assert 'rule-id="later"' in s3.put_object(Bucket="bucket", Key="x", Body=b"x")["Expiration"]
    copied = s3.copy_object(Bucket="bucket", Key="c", CopySource={"Bucket": "bucket", "Key": "ab"})
    assert 'rule-id="later"' in copied["Expiration"]
    upload = s3.create_multipart_upload(Bucket="bucket", Key="m")
    assert upload["AbortRuleId"] == "up"
    assert datetime.timedelta(1) < upload["AbortDate"] - head["LastModified"] < datetime.timedelta(4)
    assert s3.list_parts(Bucket="bucket", Key="m", UploadId=upload["UploadId"])["AbortRuleId"] == "up"


def test_versions_expire_behind_markers_which_go_last(own):
    s3 = own.s3
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    for _ in range(3):
        s3.put_object(Bucket="bucket", Key="a", Body=b"x")
    rules(
        s3,
        {"Expiration": {"Days": 1}},
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 2, "NewerNoncurrentVersions": 1}},
    )
    own.advance("48h")
    soon(lambda: versions(s3) == [("a", "m")] + [("a", "v")] * 3)
    own.advance("72h")
    soon(lambda: versions(s3) == [("a", "m"), ("a", "v")])
    rules(
        s3,
        {"Expiration": {"ExpiredObjectDeleteMarker": True}},
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
    )
    own.advance("24h")
    soon(lambda: versions(s3) == [("a", "m")])
    own.advance("24h")
    soon(lambda: versions(s3) == [])


def test_a_year_in_one_step_is_made_up_for_night_by_night(own):
    """What expires is noncurrent from its night on, and its marker goes when nothing is behind it."""
    s3 = own.s3
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    rules(
        s3,
        {"Filter": {"Prefix": "log/"}, "Expiration": {"Days": 30}, "NoncurrentVersionExpiration": {"NoncurrentDays": 60}},
        {"Expiration": {"ExpiredObjectDeleteMarker": True}},
    )
    s3.put_object(Bucket="bucket", Key="log/a", Body=b"x")
    s3.put_object(Bucket="bucket", Key="kept", Body=b"x")
    own.advance("40d")
    soon(lambda: versions(s3) == [("kept", "v"), ("log/a", "m"), ("log/a", "v")])
    own.advance("365d")
    soon(lambda: versions(s3) == [("kept", "v")])


def test_suspended_versioning_expires_into_a_null_marker(own):
    s3 = own.s3
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket="bucket", Key="a", Body=b"x")
    rules(s3, {"Expiration": {"Days": 1}})
    own.advance("48h")
    soon(lambda: versions(s3) == [("a", "m")])
    assert s3.list_object_versions(Bucket="bucket")["DeleteMarkers"][0]["VersionId"] == "null"


def test_locked_versions_stay(own):
    s3 = own.s3
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    put = s3.put_object(Bucket="locked", Key="a", Body=b"x", ChecksumAlgorithm="CRC32")
    s3.put_object_legal_hold(Bucket="locked", Key="a", LegalHold={"Status": "ON"}, VersionId=put["VersionId"])
    other = s3.put_object(Bucket="locked", Key="b", Body=b"x")
    for key in "ab":
        s3.delete_object(Bucket="locked", Key=key)
    rule = {"Status": "Enabled", "Filter": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket="locked", LifecycleConfiguration={"Rules": [rule]})
    own.advance("48h")
    gone = {"Bucket": "locked", "Key": "b", "VersionId": other["VersionId"]}
    soon(lambda: not s3.list_object_versions(Bucket="locked", Prefix="b").get("Versions"))
    refused("NoSuchVersion", s3.get_object, **gone)
    assert s3.get_object(Bucket="locked", Key="a", VersionId=put["VersionId"])["Body"].read() == b"x"


def test_objects_move_to_other_classes(own):
    s3 = own.s3
    s3.put_object(Bucket="bucket", Key="big", Body=b"x" * KIB128)
    s3.put_object(Bucket="bucket", Key="small", Body=b"x" * (KIB128 - 1))
    s3.put_object(Bucket="bucket", Key="said/small", Body=b"x")
    move = [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 60, "StorageClass": "GLACIER"}]
    sized = {"And": {"Prefix": "said/", "ObjectSizeGreaterThan": 0}}
    rules(s3, {"Transitions": move}, {"Filter": sized, "Transitions": [{"Days": 0, "StorageClass": "GLACIER_IR"}]})

    def classes():
        return {o["Key"]: o["StorageClass"] for o in s3.list_objects_v2(Bucket="bucket")["Contents"]}

    own.advance("24h")
    soon(lambda: classes() == {"big": "STANDARD", "small": "STANDARD", "said/small": "GLACIER_IR"})
    own.advance(f"{24 * 30}h")
    soon(lambda: classes() == {"big": "STANDARD_IA", "small": "STANDARD", "said/small": "GLACIER_IR"})
    assert s3.get_object(Bucket="bucket", Key="big")["StorageClass"] == "STANDARD_IA"
    own.advance(f"{24 * 30}h")
    soon(lambda: classes()["big"] == "GLACIER")
    refused("InvalidObjectState", s3.get_object, Bucket="bucket", Key="big")


def test_noncurrent_versions_move_and_dates_come(own):
    s3 = own.s3
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket="bucket", Key="a", Body=b"x" * KIB128)["VersionId"]
    s3.put_object(Bucket="bucket", Key="a", Body=b"x" * KIB128)
    day = datetime.datetime.now(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    at = day + datetime.timedelta(3)
    noncurrent = [{"NoncurrentDays": 30, "StorageClass": "ONEZONE_IA"}]
    rules(
        s3,
        {"NoncurrentVersionTransitions": noncurrent},
        {"Transitions": [{"Date": at, "StorageClass": "INTELLIGENT_TIERING"}]},
    )

    def class_of(**which):
        return s3.head_object(Bucket="bucket", Key="a", **which).get("StorageClass")

    own.advance("96h")
    soon(lambda: class_of() == "INTELLIGENT_TIERING")
    assert class_of(VersionId=old) is None
    own.advance(f"{24 * 30}h")
    soon(lambda: class_of(VersionId=old) == "ONEZONE_IA")


def test_uploads_are_given_up(own):
    s3 = own.s3
    rules(s3, {"Filter": {"Prefix": "a"}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}})
    for key in ("a1", "a2", "b"):
        upload = s3.create_multipart_upload(Bucket="bucket", Key=key)
        s3.upload_part(Bucket="bucket", Key=key, UploadId=upload["UploadId"], PartNumber=1, Body=b"x" * 70000)
    own.advance("48h")
    soon(lambda: [u["Key"] for u in s3.list_multipart_uploads(Bucket="bucket")["Uploads"]] == ["b"])


def test_a_run_goes_on_after_kill_9(own):
    """2,500 objects are three pages, which a run takes in a transaction each."""
    s3 = own.s3
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        put = [pool.submit(s3.put_object, Bucket="bucket", Key=f"{n:04}", Body=b"x") for n in range(2500)]
        assert all(p.result() for p in put)
    rules(s3, {"Filter": {"ObjectSizeLessThan": 2}, "Expiration": {"Days": 1}})
    rules_before = s3.get_bucket_lifecycle_configuration(Bucket="bucket")["Rules"]
    own.advance("48h")
    assert wait_until(lambda: "0000" not in keys(s3), 30, 0.001)
    own.after_kill()
    s3 = own.s3
    soon(lambda: keys(s3) == [])
    assert s3.get_bucket_lifecycle_configuration(Bucket="bucket")["Rules"] == rules_before
    s3.put_object(Bucket="bucket", Key="next", Body=b"x")
    own.advance("48h")
    soon(lambda: keys(s3) == [])  # the next day's run was planned, too


def test_without_rules_nothing_expires(own):
    s3 = own.s3
    s3.put_object(Bucket="bucket", Key="a", Body=b"x")
    s3.put_object(Bucket="bucket", Key="c", Body=b"x")
    rules(s3, {"Filter": {"Prefix": "c"}, "Expiration": {"Days": 1}})
    s3.delete_bucket_lifecycle(Bucket="bucket")
    own.advance("72h")
    assert "Expiration" not in s3.head_object(Bucket="bucket", Key="c")
    refused("NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration, Bucket="bucket")
    rules(s3, {"Filter": {"Prefix": "a"}, "Expiration": {"Days": 1}})
    own.advance("24h")
    soon(lambda: keys(s3) == ["c"])


def test_legacy_rules_have_a_prefix_of_their_own(own):
    s3 = own.s3
    s3.put_object(Bucket="bucket", Key="log/a", Body=b"x")
    rule = {"ID": "r", "Prefix": "log/", "Status": "Enabled", "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket="bucket", LifecycleConfiguration={"Rules": [rule]})
    assert s3.get_bucket_lifecycle_configuration(Bucket="bucket")["Rules"] == [rule]
    own.advance("48h")
    soon(lambda: keys(s3) == [])
