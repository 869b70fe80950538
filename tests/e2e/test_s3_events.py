# SPDX-License-Identifier: Apache-2.0
"""Notifications of buckets: what a configuration may say, and what functions are told.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
"""

import json
import re

import pytest
from harness.aws import Aws, Virga
from harness.daemon import wait_until
from harness.refused import refused
from test_lambda import BASIC, TRUST, zipped

ACCOUNT = "000000000000"
UNABLE = "Unable to validate the following destination configurations"
# Keeps what it is told in a bucket of its own, one object a record.
LISTENER = """
import boto3, json, os
s3 = boto3.client("s3")
def handler(event, context):
    for record in event["Records"]:
        key = record["s3"]["object"].get("sequencer", context.aws_request_id)
        s3.put_object(Bucket=os.environ["TO"], Key=key, Body=json.dumps(record))
"""
COPIER = """
import boto3, os
from urllib.parse import unquote_plus
s3 = boto3.client("s3")
def handler(event, context):
    for record in event["Records"]:
        source = {"Bucket": record["s3"]["bucket"]["name"], "Key": unquote_plus(record["s3"]["object"]["key"])}
        s3.copy_object(Bucket=os.environ["TO"], Key=source["Key"], CopySource=source)
"""


class World:
    """Buckets and functions of a daemon, removed with `clear`."""

    def __init__(self, aws, name):
        self.aws, self.name = aws, name
        self.s3, self.functions = aws("s3"), aws("lambda")
        self.buckets, self.made = [], []
        self.role = name("events-role")
        iam = aws("iam")
        self.role_arn = iam.create_role(RoleName=self.role, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        iam.attach_role_policy(RoleName=self.role, PolicyArn=BASIC)
        allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        iam.put_role_policy(RoleName=self.role, PolicyName="s3", PolicyDocument=policy)

    def bucket(self, versioning=None, **settings):
        bucket = self.name("events")
        self.s3.create_bucket(Bucket=bucket, **settings)
        if versioning:
            self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": versioning})
        self.buckets.append(bucket)
        return bucket

    def function(self, code, to, source=None):
        """A function's ARN; `source` is the bucket that S3 may invoke it for."""
        function = self.name("fn")
        arn = self.functions.create_function(
            FunctionName=function,
            Runtime="python3.11",
            Role=self.role_arn,
            Handler="app.handler",
            Timeout=60,
            Code={"ZipFile": zipped(app__py=code)},
            Environment={"Variables": {"TO": to}},
        )["FunctionArn"]
        self.made.append(function)
        if source:
            self.permit(function, source)
        return arn

    def permit(self, function, source, account=ACCOUNT):
        self.functions.add_permission(
            FunctionName=function,
            StatementId="s3",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn=f"arn:aws:s3:::{source}",
            SourceAccount=account,
        )

    def listen(self, bucket, function, *events, **rule):
        configuration = {"LambdaFunctionConfigurations": [one(function, *events, **rule)]}
        self.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)

    def keys(self, bucket):
        return [o["Key"] for o in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def told(self, bucket, n):
        """The `n` records that a listener has kept."""
        assert wait_until(lambda: len(self.keys(bucket)) >= n, 60), f"{len(self.keys(bucket))} of {n} events came"
        records = [json.loads(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in self.keys(bucket)]
        assert len(records) == n, [r["eventName"] for r in records]
        return records

    def clear(self):
        for function in self.made:
            self.functions.delete_function(FunctionName=function)
        for bucket in self.buckets:
            self.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
            listed = self.s3.list_object_versions(Bucket=bucket)
            for version in listed.get("Versions", []) + listed.get("DeleteMarkers", []):
                self.s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
            self.s3.delete_bucket(Bucket=bucket)
        iam = self.aws("iam")
        iam.detach_role_policy(RoleName=self.role, PolicyArn=BASIC)
        iam.delete_role_policy(RoleName=self.role, PolicyName="s3")
        iam.delete_role(RoleName=self.role)


def one(function, *events, **rule):
    configuration = {"LambdaFunctionArn": function, "Events": list(events) or ["s3:ObjectCreated:*"]}
    if rule:
        rules = [{"Name": key, "Value": value} for key, value in rule.items()]
        configuration["Filter"] = {"Key": {"FilterRules": rules}}
    return configuration


@pytest.fixture
def world(aws, name):
    made = World(aws, name)
    yield made
    made.clear()


# --- configurations --------------------------------------------------------------------------------


def test_a_configuration_is_kept_as_it_is_said(world):
    bucket = world.bucket()
    function = world.function(LISTENER, bucket, source=bucket)
    assert "LambdaFunctionConfigurations" not in world.s3.get_bucket_notification_configuration(Bucket=bucket)
    rules = [{"Name": "PREFIX", "Value": "Ä b/"}, {"Name": "suffix", "Value": ".JPG"}]
    said = {
        "LambdaFunctionConfigurations": [
            {
                "Id": "mine",
                "LambdaFunctionArn": function,
                "Events": ["s3:ObjectCreated:Put", "s3:ObjectRemoved:*"],
                "Filter": {"Key": {"FilterRules": rules}},
            },
            {"LambdaFunctionArn": function, "Events": ["s3:ObjectTagging:*"]},
        ]
    }
    world.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=said)
    got = world.s3.get_bucket_notification_configuration(Bucket=bucket)["LambdaFunctionConfigurations"]
    rules[0]["Name"], rules[1]["Name"] = "Prefix", "Suffix"
    assert got[0] == said["LambdaFunctionConfigurations"][0]
    assert got[1].pop("Id") and got[1] == said["LambdaFunctionConfigurations"][1]
    world.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert "LambdaFunctionConfigurations" not in world.s3.get_bucket_notification_configuration(Bucket=bucket)


def test_what_a_configuration_must_not_say(world, aws):
    bucket = world.bucket()
    function = world.function(LISTENER, bucket, source=bucket)
    s3 = aws("s3", parameter_validation=False)

    def bad(*configurations, code="InvalidArgument", **others):
        said = {"LambdaFunctionConfigurations": list(configurations), **others}
        return refused(code, s3.put_bucket_notification_configuration, Bucket=bucket, NotificationConfiguration=said).error

    assert bad(one(function, "s3:ObjectEaten:*"))["Message"] == "The event is not supported for notifications"
    assert bad(one(function, middle="x"))["Message"] == "filter rule name must be either prefix or suffix"
    error = bad(one(function, prefix="a", Prefix="b"))
    assert error["Message"] == "Cannot specify more than one prefix rule in a filter."
    error = bad(one("arn:aws:sqs:us-east-1:000000000000:queue"))
    assert error["Message"] == "The ARN could not be parsed"
    error = bad(one(function.replace("us-east-1", "eu-west-1")))
    assert error["Message"].startswith("The notification destination service region is not valid")
    bad({"Id": "x", **one(function)}, {"Id": "x", **one(function, "s3:ObjectRemoved:*")})
    bad({"LambdaFunctionArn": function, "Events": []}, code="MalformedXML")
    bad(EventBridgeConfiguration={}, code="NotImplemented")


@pytest.mark.parametrize(
    ("one_rule", "other_rule", "overlap"),
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
    [
        ({}, {}, True),
        ({"prefix": "images"}, {"prefix": "images/a"}, True),
        ({"prefix": "images"}, {"prefix": "logs"}, False),
        ({"suffix": "jpg"}, {"suffix": "pg"}, True),
        ({"suffix": ".jpg"}, {"suffix": ".png"}, False),
        ({"prefix": "images", "suffix": ".jpg"}, {"prefix": "images", "suffix": ".png"}, False),
        ({"prefix": "images"}, {"suffix": ".jpg"}, True),
    ],
)
def test_no_event_may_be_for_two(world, one_rule, other_rule, overlap):
    bucket = world.bucket()
    function = world.function(LISTENER, bucket, source=bucket)

    def put(*configurations):
        said = {"LambdaFunctionConfigurations": list(configurations)}
        world.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=said)

    put(one(function, "s3:ObjectCreated:*", **one_rule), one(function, "s3:ObjectRemoved:*", **other_rule))
    both = (one(function, "s3:ObjectCreated:*", **one_rule), one(function, "s3:ObjectCreated:Put", **other_rule))
    if not overlap:
        put(*both)
        return
    assert refused("InvalidArgument", put, *both).message.startswith("Configurations overlap.")


def test_the_function_must_let_s3_invoke_it(world):
    """ "Amazon S3 verifies that the Lambda function permissions grant Amazon S3 permission"."""
    bucket, other = world.bucket(), world.bucket()
    function = world.function(LISTENER, bucket)

    def put(arn=function, **settings):
        said = {"LambdaFunctionConfigurations": [one(arn)]}
        return world.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=said, **settings)

    def bad(**settings):
        assert refused("InvalidArgument", put, **settings).message == UNABLE

    bad()
    bad(arn=function + "-no")
    world.permit(function, other)
    bad()
    world.functions.remove_permission(FunctionName=function, StatementId="s3")
    world.permit(function, bucket, account="111111111111")
    bad()
    put(SkipDestinationValidation=True)
    world.functions.remove_permission(FunctionName=function, StatementId="s3")
    world.permit(function, bucket)
    put()


@pytest.mark.parametrize("skip", [False, True])
def test_services_that_there_are_not_are_refused(world, skip):
    bucket = world.bucket()
    for said in (
        {"QueueConfigurations": [{"QueueArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:q", "Events": ["s3:ObjectCreated:*"]}]},
        {"TopicConfigurations": [{"TopicArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:t", "Events": ["s3:ObjectCreated:*"]}]},
    ):
        put = {"Bucket": bucket, "NotificationConfiguration": said, "SkipDestinationValidation": skip}
        assert refused("InvalidArgument", world.s3.put_bucket_notification_configuration, **put).message == UNABLE


# --- what is told ----------------------------------------------------------------------------------


def test_a_record_says_what_aws_documents(world, aws):
    bucket, kept = world.bucket("Enabled"), world.bucket()
    function = world.function(LISTENER, kept, source=bucket)
    said = {"LambdaFunctionConfigurations": [{"Id": "the id", **one(function)}]}
    world.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=said)
    put = world.s3.put_object(Bucket=bucket, Key="a b/ü+%.txt", Body=b"hello")
    (record,) = world.told(kept, 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("eventTime"))
    assert re.fullmatch(r"[0-9A-F]{16}", record["s3"]["object"].pop("sequencer"))
    owner = world.s3.list_buckets()["Owner"]["ID"]
    request = put["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"]
    assert record == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": f"AWS:{aws('sts').get_caller_identity()['UserId']}"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": request, "x-amz-id-2": request},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "the id",
            "bucket": {"name": bucket, "ownerIdentity": {"principalId": owner}, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {
                "key": "a+b/%C3%BC%2B%25.txt",
                "size": 5,
                "eTag": put["ETag"].strip('"'),
                "versionId": put["VersionId"],
            },
        },
    }


def test_each_kind_of_event_is_told_in_its_name(world):
    bucket = world.bucket(ObjectOwnership="ObjectWriter")
    kept = world.bucket()
    function = world.function(LISTENER, kept, source=bucket)
    kinds = ("ObjectCreated:*", "ObjectRemoved:*", "ObjectTagging:*", "ObjectAcl:Put")
    world.listen(bucket, function, *(f"s3:{kind}" for kind in kinds))
    s3, at = world.s3, {"Bucket": bucket, "Key": "k"}
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_object(**at, Body=b"1")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=at)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"part")["ETag"]
    s3.complete_multipart_upload(
        Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]}
    )
    s3.put_object_tagging(**at, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.delete_object_tagging(**at)
    s3.put_object_acl(**at, ACL="authenticated-read")
    s3.put_object_acl(**at, ACL="authenticated-read")  # changes nothing
    s3.delete_object(**at)
    s3.delete_object(**at)  # there is nothing
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    marker = s3.delete_object(Bucket=bucket, Key="copy")["VersionId"]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "parts"}, {"Key": "copy", "VersionId": marker}]})
    records = world.told(kept, 10)
    told = sorted((r["eventName"], r["s3"]["object"]["key"]) for r in records)
    assert told == [
        ("ObjectAcl:Put", "k"),
        ("ObjectCreated:CompleteMultipartUpload", "parts"),
        ("ObjectCreated:Copy", "copy"),
        ("ObjectCreated:Put", "k"),
        ("ObjectRemoved:Delete", "copy"),
        ("ObjectRemoved:Delete", "k"),
        ("ObjectRemoved:DeleteMarkerCreated", "copy"),
        ("ObjectRemoved:DeleteMarkerCreated", "parts"),
        ("ObjectTagging:Delete", "k"),
        ("ObjectTagging:Put", "k"),
    ]
    by_name = {(r["eventName"], r["s3"]["object"]["key"]): r for r in records}
    assert by_name["ObjectTagging:Put", "k"]["eventVersion"] == "2.3"
    removed = by_name["ObjectRemoved:Delete", "k"]["s3"]["object"]
    assert set(removed) == {"key", "sequencer"}
    assert removed["sequencer"] > by_name["ObjectCreated:Put", "k"]["s3"]["object"]["sequencer"]
    assert by_name["ObjectRemoved:DeleteMarkerCreated", "copy"]["s3"]["object"]["versionId"] == marker


def test_only_keys_that_pass_the_filter_are_told(world):
    bucket, kept = world.bucket(), world.bucket()
    function = world.function(LISTENER, kept, source=bucket)
    world.listen(bucket, function, "s3:ObjectCreated:Put", prefix="in/", suffix=".txt")
    for key in ("in/a.txt", "in/a.TXT", "out/a.txt", "in/a.txt.gz", "in/.txt", "in.txt"):
        world.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    world.s3.copy_object(Bucket=bucket, Key="in/copy.txt", CopySource={"Bucket": bucket, "Key": "in/a.txt"})
    world.s3.put_object(Bucket=bucket, Key="in/last.txt", Body=b"x")
    keys = [r["s3"]["object"]["key"] for r in world.told(kept, 3)]
    assert sorted(keys) == ["in/.txt", "in/a.txt", "in/last.txt"]


def test_a_function_copies_what_comes_into_another_bucket(world):
    """https://docs.aws.amazon.com/lambda/latest/dg/with-s3-tutorial.html"""
    bucket, copies = world.bucket(), world.bucket()
    world.listen(bucket, world.function(COPIER, copies, source=bucket))
    for i in range(20):
        world.s3.put_object(Bucket=bucket, Key=f"a folder/{i} + ü", Body=str(i).encode())
    wanted = sorted(f"a folder/{i} + ü" for i in range(20))
    assert wait_until(lambda: sorted(world.keys(copies)) == wanted, 60)
    assert world.s3.get_object(Bucket=copies, Key="a folder/7 + ü")["Body"].read() == b"7"


def test_an_event_that_the_function_refuses_does_not_hold_up_others(world):
    bucket, kept = world.bucket(), world.bucket()
    gone, function = world.function(LISTENER, kept, source=bucket), world.function(LISTENER, kept, source=bucket)
    said = {"LambdaFunctionConfigurations": [one(gone, prefix="gone/"), one(function, prefix="here/")]}
    world.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=said)
    world.functions.remove_permission(FunctionName=gone, StatementId="s3")
    world.s3.put_object(Bucket=bucket, Key="gone/a", Body=b"x")
    world.s3.put_object(Bucket=bucket, Key="here/a", Body=b"x")
    assert [r["s3"]["object"]["key"] for r in world.told(kept, 1)] == ["here/a"]


def test_events_survive_the_end_of_the_daemon(make_daemon, name):
    """ "Amazon S3 event notifications are designed to be delivered at least once"."""
    daemon = make_daemon(env={"VIRGA_FAULTS": "events.run.before=fail"})
    aws = Aws(daemon)
    world = World(aws, name)
    bucket, kept = world.bucket(), world.bucket()
    world.listen(bucket, world.function(LISTENER, kept, source=bucket))
    for i in range(5):
        world.s3.put_object(Bucket=bucket, Key=f"k{i}", Body=b"x")
    assert world.keys(kept) == []
    daemon.kill9()
    daemon.env.clear()
    daemon.start()

    def keys():
        found = [json.loads(world.s3.get_object(Bucket=kept, Key=k)["Body"].read()) for k in world.keys(kept)]
        return {record["s3"]["object"]["key"] for record in found}

    assert wait_until(lambda: keys() == {f"k{i}" for i in range(5)}, 60)
    aws.close()


def test_what_the_clock_brings_about_is_told(make_daemon, name):
    """ObjectRestore:Post, :Completed and :Delete, and the three events of a lifecycle, at their times."""
    daemon = make_daemon()
    aws = Aws(daemon)
    virga = Virga(daemon)
    world = World(aws, name)
    bucket, kept = world.bucket(), world.bucket()
    world.listen(bucket, world.function(LISTENER, kept, source=bucket), "s3:ObjectRestore:*", "s3:LifecycleTransition",
                 "s3:LifecycleExpiration:*")  # fmt: skip
    world.s3.put_object(Bucket=bucket, Key="ice", Body=b"x" * 200_000, StorageClass="GLACIER")
    world.s3.put_object(Bucket=bucket, Key="moves", Body=b"x" * 200_000)
    world.s3.put_object(Bucket=bucket, Key="goes", Body=b"x")
    world.s3.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={
            "Rules": [
                {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "goes"}, "Expiration": {"Days": 2}},
                {
                    "ID": "b",
                    "Status": "Enabled",
                    "Filter": {"Prefix": "moves"},
                    "Transitions": [{"Days": 2, "StorageClass": "GLACIER_IR"}],
                },
            ]
        },
    )
    world.s3.restore_object(Bucket=bucket, Key="ice", RestoreRequest={"Days": 1})

    def names():
        found = [json.loads(world.s3.get_object(Bucket=kept, Key=k)["Body"].read()) for k in world.keys(kept)]
        return sorted({(record["s3"]["object"]["key"], record["eventName"]) for record in found})

    begun = [("ice", "ObjectRestore:Post")]
    assert wait_until(lambda: names() == begun, 60), names()
    virga("clock", "advance", "5h")
    completed = [("ice", "ObjectRestore:Completed"), *begun]
    assert wait_until(lambda: names() == completed, 60), names()
    virga("clock", "advance", "96h")
    everything = [
        ("goes", "LifecycleExpiration:Delete"),
        ("ice", "ObjectRestore:Completed"),
        ("ice", "ObjectRestore:Delete"),
        ("ice", "ObjectRestore:Post"),
        ("moves", "LifecycleTransition"),
    ]
    assert wait_until(lambda: names() == everything, 60), names()
    aws.close()
