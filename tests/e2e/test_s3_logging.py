# SPDX-License-Identifier: Apache-2.0
"""Server access logs, through boto3, on the virtual clock.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
"""

import datetime
import json
import re
import urllib.parse

import pytest
import urllib3
from botocore import UNSIGNED
from botocore.exceptions import ClientError
from harness.aws import Aws, Virga
from harness.daemon import wait_until
from harness.raw import bare

FIELDS = (
    "owner bucket time remote requester id operation key uri status code sent size total turn referer agent version "
    "host_id signature cipher auth host tls access_point acl region"
).split()
MIB5 = 5 << 20
ACCOUNT = "000000000000"


def policy(prefix="*", source="source", target="logs"):
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "logging.s3.amazonaws.com"},
                    "Action": "s3:PutObject",
                    "Resource": f"arn:aws:s3:::{target}/{prefix}",
                    "Condition": {
                        "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{source}"},
                        "StringEquals": {"aws:SourceAccount": ACCOUNT},
                    },
                }
            ],
        }
    )


class Own:
    """A daemon whose clock is this test's alone, with the buckets "source" and "logs", which may hold logs of it."""

    def __init__(self, daemon, verify=None):
        self.daemon = daemon
        self.aws = Aws(daemon)
        self.virga = Virga(daemon)
        self.s3 = self.aws("s3", signature_version="s3v4", s3={"addressing_style": "path"})
        for bucket in ("source", "logs"):
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_policy(Bucket="logs", Policy=policy())

    def log(self, bucket="source", target="logs", prefix="log/", **more):
        self.s3.put_bucket_logging(
            Bucket=bucket,
            BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": prefix, **more}},
        )

    def advance(self, by="5m"):
        self.virga("clock", "advance", by)

    def objects(self, target="logs", prefix=""):
        return [o["Key"] for o in self.s3.list_objects_v2(Bucket=target, Prefix=prefix).get("Contents", [])]

    def lines(self, target="logs", prefix=""):
        """All lines that were delivered, as dicts."""
        return [
            parse(line)
            for key in self.objects(target, prefix)
            for line in self.s3.get_object(Bucket=target, Key=key)["Body"].read().decode().splitlines()
        ]

    def delivered(self, n, **where):
        """After five minutes: the lines, when there are so many."""
        self.advance()
        assert wait_until(lambda: len(self.lines(**where)) >= n, 30), self.lines(**where)
        return self.lines(**where)


def parse(line):
    values = re.findall(r'\[[^\]]*\]|"[^"]*"|[^ ]+', line)
    assert len(values) == len(FIELDS) and line == " ".join(values), line
    return dict(zip(FIELDS, values, strict=True))


@pytest.fixture
def own(make_daemon):
    one = Own(make_daemon())
    yield one
    one.aws.close()


def refused(call, **parameters):
    with pytest.raises(ClientError) as e:
        call(**parameters)
    return e.value.response["Error"]["Code"]


def request_id(answer):
    return answer["ResponseMetadata"]["RequestId"]


class Requests:
    """Requests, and what their lines are to say: by the id of the request and the operation."""

    def __init__(self, own):
        self.own, self.want = own, {}

    def expect(self, identity, operation, key="-", status="200", code="-", **more):
        assert (identity, operation, key) not in self.want
        self.want[identity, operation, key] = {"status": status, "code": code, **more}

    def call(self, name, operation, key="-", status="200", code="-", client=None, more=None, **parameters):
        """One of boto3's, on "source"."""
        method = getattr(client or self.own.s3, name)
        try:
            answer = method(Bucket="source", **parameters)
            if "Body" in answer:
                answer["Body"].read()
        except ClientError as e:
            answer = e.response
        assert str(answer["ResponseMetadata"]["HTTPStatusCode"]) == status, answer
        host_id = answer["ResponseMetadata"]["HostId"]
        self.expect(request_id(answer), operation, key, status, code, host_id=host_id, **(more or {}))
        return answer

    def raw(self, method, target, operation, key="-", status="200", code="-", more=None, **request):
        got, headers, _ = bare(self.own.daemon, method, target, **request)
        assert str(got) == status
        self.expect(headers["x-amz-request-id"], operation, key, status, code, **(more or {}))

    def check(self, lines):
        got = {(line["id"], line["operation"], line["key"]): line for line in lines}
        assert len(got) == len(lines)
        assert sorted(got) == sorted(self.want)
        for which, want in self.want.items():
            line = got[which]
            assert {field: line[field] for field in want} == want, (which, line)


# --- what is recorded -------------------------------------------------------------------------------------------------


def test_every_kind_of_request_is_recorded(own):
    s3 = own.s3
    anonymous = own.aws("s3", signature_version=UNSIGNED)
    wrong = own.aws("s3", creds=("test", "wrong"))
    s3.create_bucket(Bucket="other")
    s3.put_object(Bucket="other", Key="from", Body=b"12345")
    s3.put_bucket_cors(
        Bucket="source",
        CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["http://localhost:1"]}]},
    )
    s3.delete_public_access_block(Bucket="source")
    s3.put_bucket_website(Bucket="source", WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    own.log()
    r = Requests(own)
    # objects
    signed = {"signature": "SigV4", "auth": "AuthHeader", "requester": own_id(s3), "acl": "-", "tls": "-"}
    r.call("put_object", "REST.PUT.OBJECT", "a%2520b/%25C3%25BC", Key="a b/ü", Body=b"hello", more={"size": "5", **signed})
    r.call("put_object", "REST.PUT.OBJECT", "index.html", Key="index.html", Body=b"<html>")
    r.call("get_object", "REST.GET.OBJECT", "index.html", Key="index.html", more={"size": "6", "sent": "6"})
    ranged = {"size": "6", "sent": "2"}
    r.call("get_object", "REST.GET.OBJECT", "index.html", "206", Key="index.html", Range="bytes=0-1", more=ranged)
    r.call("head_object", "REST.HEAD.OBJECT", "index.html", Key="index.html", more={"size": "6", "sent": "-"})
    r.call("get_object", "REST.GET.OBJECT", "none", "404", "NoSuchKey", Key="none", more={"size": "-", "turn": "-"})
    etag = s3.head_object(Bucket="other", Key="from")["ETag"]
    precondition = {"size": "6"}
    r.call("get_object", "REST.GET.OBJECT", "index.html", "412", "PreconditionFailed", Key="index.html", IfMatch=etag,
           more=precondition)
    # who may not
    denied = {"signature": "-", "auth": "-", "requester": "-"}
    r.call("get_object", "REST.GET.OBJECT", "index.html", "403", "AccessDenied", anonymous, denied, Key="index.html")
    forged = {"signature": "SigV4", "auth": "AuthHeader", "requester": "-"}
    r.call("get_object", "REST.GET.OBJECT", "index.html", "403", "SignatureDoesNotMatch", wrong, forged, Key="index.html")
    r.raw("GET", "/source/?list-type=2", "REST.GET.BUCKET", "-", "403", "AccessDenied", denied)
    # presigned
    url = urllib.parse.urlsplit(s3.generate_presigned_url("get_object", {"Bucket": "source", "Key": "index.html"}))
    presigned = {"signature": "SigV4", "auth": "QueryString", "requester": own_id(s3)}
    r.raw("GET", f"{url.path}?{url.query}", "REST.GET.OBJECT", "index.html", more=presigned, host=url.netloc)
    # copies
    r.call("copy_object", "REST.COPY.OBJECT", "copy", Key="copy", CopySource="other/from", more={"size": "5"})
    copied = r.call("copy_object", "REST.COPY.OBJECT", "copy2", Key="copy2", CopySource="source/copy")
    source = {"size": "5", "uri": "-", "agent": "-", "referer": "-", "total": "-", "turn": "-"}
    r.expect(request_id(copied), "REST.COPY.OBJECT_GET", "copy", **source)
    lost = r.call("copy_object", "REST.COPY.OBJECT", "x", "404", "NoSuchKey", Key="x", CopySource="source/none")
    r.expect(request_id(lost), "REST.COPY.OBJECT_GET", "none", "404", "NoSuchKey", size="-")
    away = s3.copy_object(Bucket="other", Key="to", CopySource="source/copy")
    r.expect(request_id(away), "REST.COPY.OBJECT_GET", "copy", **source)
    # parts
    upload = r.call("create_multipart_upload", "REST.POST.UPLOADS", "parts", Key="parts")["UploadId"]
    at = {"Key": "parts", "UploadId": upload}
    big = {"size": str(MIB5)}
    one = r.call("upload_part", "REST.PUT.PART", "parts", PartNumber=1, Body=b"x" * MIB5, more=big, **at)
    two = r.call("upload_part_copy", "REST.COPY.PART", "parts", PartNumber=2, CopySource="source/copy", **at)
    r.expect(request_id(two), "REST.COPY.PART_GET", "copy", size="5")
    r.call("list_parts", "REST.GET.UPLOAD", "parts", **at)
    etags = [one["ETag"], two["CopyPartResult"]["ETag"]]
    parts = {"Parts": [{"PartNumber": i + 1, "ETag": e} for i, e in enumerate(etags)]}
    whole = {"size": str(MIB5 + 5)}
    r.call("complete_multipart_upload", "REST.POST.UPLOAD", "parts", MultipartUpload=parts, more=whole, **at)
    upload = r.call("create_multipart_upload", "REST.POST.UPLOADS", "gone", Key="gone")["UploadId"]
    r.call("abort_multipart_upload", "REST.DELETE.UPLOAD", "gone", "204", Key="gone", UploadId=upload)
    # the bucket
    r.call("head_bucket", "REST.HEAD.BUCKET")
    r.call("list_objects_v2", "REST.GET.BUCKET")
    r.call("list_object_versions", "REST.GET.BUCKETVERSIONS")
    r.call("get_bucket_logging", "REST.GET.LOGGING_STATUS", more={"turn": "-"})
    r.call("get_bucket_location", "REST.GET.LOCATION")
    r.call("get_bucket_policy", "REST.GET.BUCKETPOLICY", "-", "404", "NoSuchBucketPolicy")
    r.call("put_object_tagging", "REST.PUT.OBJECT_TAGGING", "copy", Key="copy", Tagging={"TagSet": []})
    allow = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::source/*"}
    everybody = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    r.call("put_bucket_policy", "REST.PUT.BUCKETPOLICY", "-", "204", Policy=everybody)
    # what has no signature
    preflight = {"Origin": "http://localhost:1", "Access-Control-Request-Method": "GET"}
    r.raw("OPTIONS", "/source/index.html", "REST.OPTIONS.PREFLIGHT", "index.html", headers=preflight, more=denied)
    site = "source.s3-website.us-east-1.localhost"
    r.raw("GET", "/", "WEBSITE.GET.OBJECT", "index.html", host=site, more={"size": "6", "host": site, **denied})
    r.raw("GET", "/none", "WEBSITE.GET.OBJECT", "none", "403", "AccessDenied", host=site)
    r.raw("POST", "/", "WEBSITE.INVALIDOPERATION", "-", "405", "MethodNotAllowed", host=site, body=b"")
    form = s3.generate_presigned_post("source", "form")["fields"]
    body, content_type = urllib3.encode_multipart_formdata([*form.items(), ("file", ("f", b"1234", "text/plain"))])
    posted = {"size": "4", "signature": "SigV4", "requester": own_id(s3)}
    r.raw("POST", "/source", "REST.POST.BUCKET", "form", "204", body=body, headers={"Content-Type": content_type},
          more=posted)
    r.raw("PATCH", "/source/index.html", "REST.PATCH.OBJECT", "index.html", "405", "MethodNotAllowed")
    # deletes
    r.call("delete_object", "REST.DELETE.OBJECT", "copy2", "204", Key="copy2", more={"size": "5"})
    batch = r.call("delete_objects", "REST.POST.MULTI_OBJECT_DELETE",
                   Delete={"Objects": [{"Key": "a b/ü"}, {"Key": "copy"}, {"Key": "never was"}]})
    for key, size in (("a%20b/%C3%BC", "5"), ("copy", "5"), ("never%20was", "-")):
        r.expect(request_id(batch), "BATCH.DELETE.OBJECT", key, "204", size=size, uri="-", agent="-")
    lines = own.delivered(len(r.want))
    r.check(lines)
    for line in lines:
        assert line["owner"] == own_id(s3)
        assert line["bucket"] == "source"
        assert line["remote"] == "127.0.0.1"
        assert line["access_point"] == line["region"] == "-"
        at = datetime.datetime.strptime(line["time"], "[%d/%b/%Y:%H:%M:%S +0000]").replace(tzinfo=datetime.UTC)
        assert abs(at - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=5)
        if line["operation"] == "REST.GET.OBJECT" and line["status"] == "200":
            assert int(line["total"]) >= int(line["turn"])
            assert line["agent"].startswith('"Boto3/') == (line["auth"] == "AuthHeader")
    uris = [line["uri"] for line in lines if line["auth"] == "QueryString"]
    assert len(uris) == 1 and "X-Amz-Signature=XXXXXXXX" in uris[0]
    assert re.search(r"X-Amz-Signature=(\w+)", url.query).group(1) not in str(lines)
    assert all("ContentType" in s3.head_object(Bucket="logs", Key=key) for key in own.objects())


def own_id(s3):
    return s3.list_buckets()["Owner"]["ID"]


def test_no_header_forges_a_line(own):
    own.log()
    agent = 'a" 200 - 1 1 1 1 "-" "b\\" \t\xfc x'
    forged = {"User-Agent": agent, "Referer": '"\\"', "Authorization": 'AWS4-HMAC-SHA256 "x" y'}
    bare(own.daemon, "GET", "/source/%0A%22%20key?x=%22", headers=forged)
    (line,) = own.delivered(1)  # which has all fields, and no more
    assert line["key"] == "%250A%2522%2520key"
    assert line["uri"] == '"GET /source/%0A%22%20key?x=%22 HTTP/1.1"'
    assert line["agent"] == '"a%22 200 - 1 1 1 1 %22-%22 %22b%5C%22 %09%FC x"'
    assert line["referer"] == '"%22%5C%22"'
    assert line["status"] == "400" or line["status"] == "403"


def test_requesters_and_versions_are_named(own):
    """Root as its canonical id, users and role sessions as ARNs; the version is that of the request."""
    iam, s3 = own.aws("iam"), own.s3
    iam.create_user(UserName="jane")
    keys = iam.create_access_key(UserName="jane")["AccessKey"]
    anything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [anything]})
    iam.put_user_policy(UserName="jane", PolicyName="all", PolicyDocument=document)
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}
    role = iam.create_role(
        RoleName="r", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]
    iam.put_role_policy(RoleName="r", PolicyName="all", PolicyDocument=document)
    sts = own.aws("sts", creds=(keys["AccessKeyId"], keys["SecretAccessKey"]))
    made = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="me")["Credentials"]
    jane = own.aws("s3", creds=(keys["AccessKeyId"], keys["SecretAccessKey"]))
    session = own.aws("s3", creds=(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]))
    s3.put_bucket_versioning(Bucket="source", VersioningConfiguration={"Status": "Enabled"})
    own.log()
    version = s3.put_object(Bucket="source", Key="k", Body=b"12")["VersionId"]
    marker = jane.delete_object(Bucket="source", Key="k")
    session.get_object(Bucket="source", Key="k", VersionId=version)["Body"].read()
    s3.delete_object(Bucket="source", Key="k", VersionId=marker["VersionId"])
    url = urllib.parse.urlsplit(session.generate_presigned_url("get_object", {"Bucket": "source", "Key": "k"}))
    bare(own.daemon, "GET", f"{url.path}?{url.query}", url.netloc)
    lines = own.delivered(5)
    assert made["SessionToken"][:40] not in str(lines)
    (presigned,) = [x for x in lines if x["auth"] == "QueryString"]
    assert presigned["signature"] == "SigV2"  # of boto3 where nothing else is said
    assert "&Signature=XXXXXXXX&x-amz-security-token=XXXXXXXX&" in presigned["uri"]
    me = f"arn:aws:sts::{ACCOUNT}:assumed-role/r/me"
    assert sorted((x["operation"], x["requester"], x["version"], x["size"]) for x in lines) == sorted(
        [
            ("REST.PUT.OBJECT", own_id(s3), "-", "2"),
            ("REST.DELETE.OBJECT", f"arn:aws:iam::{ACCOUNT}:user/jane", "-", "-"),
            ("REST.GET.OBJECT", me, version, "2"),
            ("REST.DELETE.OBJECT", own_id(s3), marker["VersionId"], "-"),
            ("REST.GET.OBJECT", me, "-", "2"),
        ]
    )


def test_what_needs_a_list_of_grants_says_so(own):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-s3-access-logs-to-identify-requests.html, aclRequired"""
    s3, anonymous = own.s3, own.aws("s3", signature_version=UNSIGNED)
    s3.delete_public_access_block(Bucket="source")
    s3.put_bucket_ownership_controls(
        Bucket="source", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    )
    own.log()
    s3.put_object(Bucket="source", Key="k", Body=b"x", ACL="public-read")
    anonymous.get_object(Bucket="source", Key="k")["Body"].read()
    assert refused(anonymous.get_object, Bucket="source", Key="none") == "AccessDenied"
    got = {(x["operation"], x["status"]): x["acl"] for x in own.delivered(3)}
    assert got == {
        ("REST.PUT.OBJECT", "200"): "-",
        ("REST.GET.OBJECT", "200"): "Yes",
        ("REST.GET.OBJECT", "403"): "-",
    }


def test_tls_is_told(make_daemon):
    daemon = make_daemon("--tls-listen", "127.0.0.1:0")
    own = Own(daemon)
    own.log()
    port = daemon.logged("ready")[-1]["tls"].rsplit(":", 1)[1]
    with urllib3.PoolManager(ca_certs=str(daemon.data / "tls" / "ca.pem")) as pool:
        pool.request("GET", f"https://127.0.0.1:{port}/source/k")
    (line,) = own.delivered(1)
    assert line["tls"] == "TLSv1.3" and line["cipher"].startswith("TLS_")
    own.aws.close()


def test_what_a_lifecycle_does_is_recorded(own):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-and-other-bucket-config.html"""
    s3 = own.s3
    s3.put_object(Bucket="source", Key="old key", Body=b"123")
    s3.put_object(Bucket="source", Key="move", Body=b"x" * (130 << 10))
    s3.create_multipart_upload(Bucket="source", Key="up")
    rules = [
        {"Filter": {"Prefix": "old"}, "Expiration": {"Days": 1}},
        {"Filter": {"Prefix": "move"}, "Transitions": [{"Days": 1, "StorageClass": "GLACIER_IR"}]},
        {"Filter": {"Prefix": ""}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
    ]
    s3.put_bucket_lifecycle_configuration(
        Bucket="source", LifecycleConfiguration={"Rules": [{"Status": "Enabled", **rule} for rule in rules]}
    )
    own.log()

    def done(operation):
        return [x for x in own.lines() if x["operation"] == operation]

    own.advance("48h")
    assert wait_until(lambda: own.objects("source") == ["move"], 30)
    assert wait_until(lambda: not s3.list_multipart_uploads(Bucket="source").get("Uploads"), 30)
    own.advance()
    assert wait_until(lambda: done("S3.DELETE.UPLOAD") and done("S3.EXPIRE.OBJECT"), 30)
    (expired,), (moved,), (aborted,) = map(done, ("S3.EXPIRE.OBJECT", "S3.TRANSITION_GIR.OBJECT", "S3.DELETE.UPLOAD"))
    assert (expired["key"], expired["size"], expired["requester"]) == ("old%20key", "3", "AmazonS3")
    assert expired["remote"] == expired["uri"] == expired["status"] == "-"
    assert (moved["key"], moved["size"]) == ("move", str(130 << 10))
    assert aborted["key"] == "up"
    s3.put_bucket_versioning(Bucket="source", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="source", Key="old", Body=b"x")
    own.advance("48h")
    assert wait_until(lambda: own.objects("source") == ["move"], 30)
    own.advance()
    assert wait_until(lambda: [x["key"] for x in done("S3.CREATE.DELETEMARKER")] == ["old"], 30)


# --- delivery ---------------------------------------------------------------------------------------------------------


def test_log_objects_are_called_by_their_time(own):
    for format_, pattern in (
        ({}, r"p/\d{4}(-\d\d){5}-[0-9A-F]{16}"),
        ({"SimplePrefix": {}}, r"p/\d{4}(-\d\d){5}-[0-9A-F]{16}"),
        (
            {"PartitionedPrefix": {"PartitionDateSource": "DeliveryTime"}},
            rf"p/{ACCOUNT}/us-east-1/source/\d{{4}}/\d\d/\d\d/\d{{4}}(-\d\d){{5}}-[0-9A-F]{{16}}",
        ),
        (
            {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}},
            rf"p/{ACCOUNT}/us-east-1/source/\d{{4}}/\d\d/\d\d/\d{{4}}-\d\d-\d\d-00-00-00-[0-9A-F]{{16}}",
        ),
    ):
        own.log(prefix="p/", **({"TargetObjectKeyFormat": format_} if format_ else {}))
        own.s3.head_bucket(Bucket="source")
        own.delivered(1, prefix="p/")
        keys = own.objects()
        assert keys and all(re.fullmatch(pattern, key) for key in keys), keys
        for key in keys:
            own.s3.delete_object(Bucket="logs", Key=key)


def test_without_permission_lines_are_lost(own):
    own.log()
    own.s3.put_bucket_policy(Bucket="logs", Policy=policy(source="another"))
    for _ in range(20):
        own.s3.head_bucket(Bucket="source")
    own.advance()
    assert wait_until(lambda: own.daemon.logged("s3.logs_lost"), 30)
    (lost,) = own.daemon.logged("s3.logs_lost")  # one for all of them
    assert (lost["bucket"], lost["target"], lost["lines"]) == ("source", "logs", "20")
    own.s3.put_bucket_policy(Bucket="logs", Policy=policy(prefix="log/*"))
    own.s3.head_bucket(Bucket="source")
    assert len(own.delivered(1)) == 1
    own.s3.head_bucket(Bucket="source")
    own.s3.delete_object(Bucket="logs", Key=own.objects()[0])
    own.s3.delete_bucket(Bucket="logs")
    own.advance()
    assert wait_until(lambda: len(own.daemon.logged("s3.logs_lost")) == 2, 30)


def test_a_list_of_grants_lets_the_service_in(own):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html, bucket ACL"""
    s3 = own.s3
    s3.create_bucket(Bucket="old", ObjectOwnership="ObjectWriter")
    assert refused(own.log, target="old") == "InvalidTargetBucketForLogging"
    s3.put_bucket_acl(Bucket="old", ACL="log-delivery-write")
    group = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"}
    s3.delete_public_access_block(Bucket="old")
    own.log(target="old", TargetGrants=[{"Permission": "READ", "Grantee": group}])
    s3.head_bucket(Bucket="source")
    own.delivered(1, target="old")
    (key,) = own.objects("old")
    acl = s3.get_object_acl(Bucket="old", Key=key)
    assert {(g["Grantee"].get("URI", g["Grantee"].get("ID")), g["Permission"]) for g in acl["Grants"]} == {
        (own_id(s3), "FULL_CONTROL"),
        (group["URI"], "READ"),
    }
    assert acl["Owner"]["ID"] == own_id(s3)


def test_a_bucket_that_logs_to_itself_logs_the_logs(own):
    own.s3.put_bucket_policy(Bucket="source", Policy=policy(target="source"))
    own.log(target="source")
    own.s3.list_object_versions(Bucket="source")
    own.advance()
    assert wait_until(lambda: own.objects("source"), 30)
    (first,) = own.objects("source")
    own.advance()
    assert wait_until(lambda: len(own.objects("source")) >= 2, 30)
    puts = [x for x in own.lines("source") if x["operation"] == "REST.PUT.OBJECT"]
    assert (puts[0]["key"], puts[0]["requester"]) == (first, "svc:logging.s3.amazonaws.com")


def test_logging_ends(own):
    own.log()
    own.s3.head_bucket(Bucket="source")
    own.s3.put_bucket_logging(Bucket="source", BucketLoggingStatus={})
    own.s3.list_objects_v2(Bucket="source")
    operations = [x["operation"] for x in own.delivered(2)]
    assert operations == ["REST.HEAD.BUCKET", "REST.PUT.LOGGING_STATUS"]
    own.log()
    own.s3.head_bucket(Bucket="source")
    own.s3.delete_bucket(Bucket="source")
    assert [x["operation"] for x in own.delivered(4)][2:] == ["REST.HEAD.BUCKET", "REST.DELETE.BUCKET"]


def test_logs_are_encrypted_as_their_bucket_is(own):
    """By a key of KMS where its policy lets the logging service use it; else they are lost."""
    kms, s3 = own.aws("kms"), own.s3
    use = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": "*",
    }
    mine = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    arns = [
        kms.create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))["KeyMetadata"]["Arn"]
        for statements in ([mine], [mine, use])
    ]
    own.log()
    for arn in arns:
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}}
        s3.put_bucket_encryption(Bucket="logs", ServerSideEncryptionConfiguration={"Rules": [rule]})
        s3.head_bucket(Bucket="source")
        own.advance()
        assert wait_until(lambda: own.daemon.logged("s3.logs_lost") or own.objects(), 30)
    assert len(own.daemon.logged("s3.logs_lost")) == 1
    assert wait_until(own.objects, 30)
    (key,) = own.objects()
    assert s3.head_object(Bucket="logs", Key=key)["SSEKMSKeyId"] == arns[1]
    assert len(own.lines()) == 1


def test_a_kill_loses_no_line(own):
    """But that of a request whose answer has just gone: those before it on the same connection are kept."""
    own.log()
    answers = []
    connection = urllib3.HTTPConnectionPool("127.0.0.1", own.daemon.port, maxsize=1, retries=False)
    for _ in range(50):
        answers.append(connection.request("GET", "/source/k"))
    own.daemon.restart("kill9")
    own.aws.close()
    own.aws = Aws(own.daemon)
    own.s3 = own.aws("s3")
    ids = [x["id"] for x in own.delivered(len(answers) - 1)]
    assert len(set(ids)) == len(ids)
    assert {a.headers["x-amz-request-id"] for a in answers[:-1]} <= set(ids)
