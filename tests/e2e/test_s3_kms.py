# SPDX-License-Identifier: Apache-2.0
"""Objects that are encrypted with keys of KMS.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
"""

import base64
import hashlib
import json
import urllib.error
import urllib.request

import pytest
from harness.aws import Aws
from harness.policies import document
from harness.refused import refused
from harness.s3 import error_of, take_customer_keys

ACCOUNT = "000000000000"
KMS = {"ServerSideEncryption": "aws:kms"}
BIG = bytes(range(256)) * 1024  # four segments, in a file of its own


def allow(*actions, **more):
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}


@pytest.fixture
def kms(aws):
    return aws("kms")


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]["Arn"]


def put(s3, bucket, name, body=b"hello", **more):
    return s3.put_object(Bucket=bucket, Key=name, Body=body, **{**KMS, **more})


def default(s3, bucket, key=None, bucket_key=None):
    by = {"SSEAlgorithm": "aws:kms", **({"KMSMasterKeyID": key} if key else {})}
    rule = {"ApplyServerSideEncryptionByDefault": by}
    if bucket_key is not None:
        rule["BucketKeyEnabled"] = bucket_key
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return rule


@pytest.mark.parametrize("body", [b"", b"hello", BIG], ids=["empty", "small", "big"])
def test_an_object_comes_back_with_the_key_it_was_sealed_with(s3, bucket, key, body):
    done = put(s3, bucket, "a", body, SSEKMSKeyId=key.split("/")[1])
    assert (done["ServerSideEncryption"], done["SSEKMSKeyId"]) == ("aws:kms", key)
    assert "BucketKeyEnabled" not in done or done["BucketKeyEnabled"] is False
    # "Objects … encrypted by SSE-C or SSE-KMS, have ETags that are not an MD5 digest"
    assert done["ETag"].strip('"') != hashlib.md5(body).hexdigest()
    got = s3.get_object(Bucket=bucket, Key="a")
    assert got["Body"].read() == body and got["ETag"] == done["ETag"]
    assert (got["ServerSideEncryption"], got["SSEKMSKeyId"]) == ("aws:kms", key)
    head = s3.head_object(Bucket=bucket, Key="a")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)
    if len(body) > 5:
        part = s3.get_object(Bucket=bucket, Key="a", Range="bytes=70000-70009")
        assert part["Body"].read() == body[70000:70010]


def test_without_a_key_it_is_that_of_s3(s3, kms, bucket):
    done = put(s3, bucket, "a")
    assert done["SSEKMSKeyId"] == kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"]
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"hello"


def test_keys_are_named_by_alias_too(s3, kms, bucket, key, name):
    alias = "alias/" + name("s3")
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    assert put(s3, bucket, "a", SSEKMSKeyId=alias)["SSEKMSKeyId"] == key
    two = kms.create_key()["KeyMetadata"]["Arn"]
    kms.update_alias(AliasName=alias, TargetKeyId=two)
    assert s3.get_object(Bucket=bucket, Key="a")["SSEKMSKeyId"] == key


def test_a_buckets_default_is_for_requests_that_say_nothing(s3, kms, bucket, key):
    rule = default(s3, bucket, key, True)
    got = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    assert got == {"Rules": [{**rule, "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}]}
    done = s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    assert (done["ServerSideEncryption"], done["SSEKMSKeyId"]) == ("aws:kms", key)
    assert done["BucketKeyEnabled"] is True
    assert s3.get_object(Bucket=bucket, Key="a")["BucketKeyEnabled"] is True
    plain = s3.put_object(Bucket=bucket, Key="b", Body=b"x", ServerSideEncryption="AES256")
    assert plain["ServerSideEncryption"] == "AES256" and "SSEKMSKeyId" not in plain
    # "If you specify … aws:kms, but do not provide … key-id, Amazon S3 uses the … managed key"
    other = put(s3, bucket, "c", BucketKeyEnabled=False)
    assert other["SSEKMSKeyId"] != key and not other.get("BucketKeyEnabled")
    s3.delete_bucket_encryption(Bucket=bucket)
    assert s3.put_object(Bucket=bucket, Key="d", Body=b"x")["ServerSideEncryption"] == "AES256"
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"


def test_the_context_names_the_object_or_with_a_bucket_key_the_bucket(s3, kms, bucket, make_s3_user):
    """The encryption context is what key policies test: kms:EncryptionContext:aws:s3:arn."""
    arn = f"arn:aws:s3:::{bucket}"

    def key_for(context):
        root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        condition = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": context}}
        policy = document(
            allow("kms:Put*", Principal=root),
            allow("kms:GenerateDataKey", "kms:Decrypt", Principal=root, Condition=condition),
        )
        return kms.create_key(Policy=policy)["KeyMetadata"]["Arn"]

    object_key, bucket_key = key_for(arn + "/dir/a"), key_for(arn)
    put(s3, bucket, "dir/a", SSEKMSKeyId=object_key)
    refused("AccessDenied", put, s3=s3, bucket=bucket, name="dir/b", SSEKMSKeyId=object_key)
    refused("AccessDenied", put, s3=s3, bucket=bucket, name="dir/a", SSEKMSKeyId=bucket_key)
    put(s3, bucket, "dir/b", SSEKMSKeyId=bucket_key, BucketKeyEnabled=True)
    for name in ("dir/a", "dir/b"):
        assert s3.get_object(Bucket=bucket, Key=name)["Body"].read() == b"hello"


def test_a_context_of_ones_own_is_kept(s3, bucket, key):
    asked = base64.b64encode(b'{"project":"x"}').decode()
    done = put(s3, bucket, "a", SSEKMSKeyId=key, SSEKMSEncryptionContext=asked)
    shown = json.loads(base64.b64decode(done["SSEKMSEncryptionContext"]))
    assert shown == {"project": "x", "aws:s3:arn": f"arn:aws:s3:::{bucket}/a"}
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"hello"
    for wrong in ("e30", base64.b64encode(b'{"a":1}').decode(), base64.b64encode(b"[]").decode()):
        refused("InvalidArgument", put, s3=s3, bucket=bucket, name="b", SSEKMSEncryptionContext=wrong)


def test_who_may_not_use_the_key_has_no_object(s3, bucket, key, make_s3_user):
    put(s3, bucket, "a", SSEKMSKeyId=key)
    neither, writer = make_s3_user(allow("s3:*")), make_s3_user(allow("s3:*"), allow("kms:GenerateDataKey"))
    reader = make_s3_user(allow("s3:*"), allow("kms:Decrypt"))
    text = refused("AccessDenied", neither.get_object, Bucket=bucket, Key="a").message
    assert text.endswith(
        f"is not authorized to perform: kms:Decrypt on resource: {key} because no identity-based "
        "policy allows the kms:Decrypt action"
    )
    neither.head_object(Bucket=bucket, Key="a")
    refused("AccessDenied", put, s3=neither, bucket=bucket, name="b", SSEKMSKeyId=key)
    put(writer, bucket, "b", SSEKMSKeyId=key)
    refused("AccessDenied", writer.get_object, Bucket=bucket, Key="b")
    assert reader.get_object(Bucket=bucket, Key="b")["Body"].read() == b"hello"
    # the key of S3 asks for no permission on it, but through S3 only
    put(neither, bucket, "c")
    assert neither.get_object(Bucket=bucket, Key="c")["Body"].read() == b"hello"


def test_nobody_unsigned_reads_what_kms_encrypted(s3, nobody, bucket, key):
    put(s3, bucket, "a", SSEKMSKeyId=key)
    s3.delete_public_access_block(Bucket=bucket)
    policy = document(
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    refused("AccessDenied", nobody.get_object, Bucket=bucket, Key="a")
    s3.put_object(Bucket=bucket, Key="b", Body=b"x")
    assert nobody.get_object(Bucket=bucket, Key="b")["Body"].read() == b"x"


def test_a_key_that_is_not_there_or_not_enabled(s3, kms, bucket, key):
    put(s3, bucket, "a", SSEKMSKeyId=key)
    gone = "1234abcd-12ab-34cd-56ef-1234567890ab"
    text = refused("KMS.NotFoundException", put, s3=s3, bucket=bucket, name="b", SSEKMSKeyId=gone).message
    assert gone in text
    elsewhere = key.replace("us-east-1", "eu-west-1")
    refused("KMS.NotFoundException", put, s3=s3, bucket=bucket, name="b", SSEKMSKeyId=elsewhere)
    kms.disable_key(KeyId=key)
    assert refused("KMS.DisabledException", s3.get_object, Bucket=bucket, Key="a").message == f"{key} is disabled."
    refused("KMS.DisabledException", put, s3=s3, bucket=bucket, name="a", SSEKMSKeyId=key)
    kms.schedule_key_deletion(KeyId=key)
    refused("KMS.KMSInvalidStateException", s3.get_object, Bucket=bucket, Key="a")
    kms.cancel_key_deletion(KeyId=key)
    kms.enable_key(KeyId=key)
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"hello"


def test_objects_outlive_the_rotation_of_their_key(s3, kms, bucket, key):
    put(s3, bucket, "a", SSEKMSKeyId=key)
    kms.rotate_key_on_demand(KeyId=key)
    put(s3, bucket, "b", SSEKMSKeyId=key)
    for name in "ab":
        assert s3.get_object(Bucket=bucket, Key=name)["Body"].read() == b"hello"


def test_copies_are_sealed_anew(s3, kms, bucket, key, make_s3_user):
    two = kms.create_key()["KeyMetadata"]["Arn"]
    put(s3, bucket, "a", BIG, SSEKMSKeyId=key)
    source = {"Bucket": bucket, "Key": "a"}
    done = s3.copy_object(Bucket=bucket, Key="b", CopySource=source, **KMS, SSEKMSKeyId=two)
    assert (done["ServerSideEncryption"], done["SSEKMSKeyId"]) == ("aws:kms", two)
    plain = s3.copy_object(Bucket=bucket, Key="c", CopySource=source)
    assert plain["ServerSideEncryption"] == "AES256"
    half = make_s3_user(allow("s3:*"), {**allow("kms:GenerateDataKey", "kms:Decrypt"), "Resource": two})
    refused("AccessDenied", half.copy_object, Bucket=bucket, Key="d", CopySource=source, **KMS, SSEKMSKeyId=two)
    kms.disable_key(KeyId=key)
    for name in "bc":
        assert s3.get_object(Bucket=bucket, Key=name)["Body"].read() == BIG
    refused("KMS.DisabledException", s3.copy_object, Bucket=bucket, Key="d", CopySource=source)
    # in place: from the key's to S3's own and back
    s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "c"}, **KMS, SSEKMSKeyId=two)
    assert s3.get_object(Bucket=bucket, Key="c")["SSEKMSKeyId"] == two


def test_uploads_in_parts(s3, bucket, key, make_s3_user):
    """ "you must have permission for the kms:Decrypt and kms:GenerateDataKey actions": of each part."""
    made = s3.create_multipart_upload(Bucket=bucket, Key="a", **KMS, SSEKMSKeyId=key)
    assert (made["ServerSideEncryption"], made["SSEKMSKeyId"]) == ("aws:kms", key)
    at = {"Bucket": bucket, "Key": "a", "UploadId": made["UploadId"]}
    first, last = bytes(5 << 20), b"last"
    without = make_s3_user(allow("s3:*"), allow("kms:GenerateDataKey"))
    refused("AccessDenied", without.upload_part, **at, PartNumber=1, Body=last)
    one = s3.upload_part(**at, PartNumber=1, Body=first)
    assert one["SSEKMSKeyId"] == key and one["ETag"].strip('"') != hashlib.md5(first).hexdigest()
    put(s3, bucket, "source", last, SSEKMSKeyId=key)
    two = s3.upload_part_copy(**at, PartNumber=2, CopySource={"Bucket": bucket, "Key": "source"})
    assert two["SSEKMSKeyId"] == key
    etags = (one["ETag"], two["CopyPartResult"]["ETag"])
    parts = [{"PartNumber": i + 1, "ETag": etag} for i, etag in enumerate(etags)]
    done = s3.complete_multipart_upload(**at, MultipartUpload={"Parts": parts})
    assert (done["ServerSideEncryption"], done["SSEKMSKeyId"]) == ("aws:kms", key)
    got = s3.get_object(Bucket=bucket, Key="a")
    assert got["Body"].read() == first + last and got["SSEKMSKeyId"] == key
    refused("AccessDenied", without.get_object, Bucket=bucket, Key="a")


def test_presigned_urls_are_of_version_4(aws, s3, bucket, key):
    """"All GET and PUT requests for an object protected by AWS KMS will fail if they're not made … using SigV4"."""
    put(s3, bucket, "a", SSEKMSKeyId=key)

    def fetched(version):
        url = aws("s3", signature_version=version).generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": "a"}
        )
        try:
            with urllib.request.urlopen(url) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as e:
            with e:
                return e.code, error_of(e.read())

    assert fetched("s3v4") == (200, b"hello")
    status, error = fetched("s3")
    assert (status, error["Code"], error["ArgumentName"]) == (400, "InvalidArgument", "Authorization")
    assert error["Message"] == (
        "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."
    )


def test_what_is_no_key_is_told_from_a_key_that_is_not_there(s3, bucket):
    def told(name):
        return refused("KMS.NotFoundException", put, s3=s3, bucket=bucket, name="a", SSEKMSKeyId=name).message

    gone = "134f2428-cec1-4b25-a1ae-9048164dba47"
    assert told("fake-key-id") == "Invalid keyId 'fake-key-id'"
    assert told(gone) == f"Key 'arn:aws:kms:us-east-1:{ACCOUNT}:key/{gone}' does not exist"


def test_what_does_not_go_together(s3, bucket, key):
    customers = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": bytes(32)}
    refused("InvalidArgument", put, s3=s3, bucket=bucket, name="a", **customers)
    refused("InvalidArgument", s3.put_object, Bucket=bucket, Key="a", Body=b"", SSEKMSKeyId=key)
    refused("NotImplemented", put, s3=s3, bucket=bucket, name="a", ServerSideEncryption="aws:kms:dsse")
    put(s3, bucket, "a", SSEKMSKeyId=key)
    refused("InvalidRequest", s3.get_object, Bucket=bucket, Key="a", **customers)
    take_customer_keys(s3, bucket)
    default(s3, bucket, key)
    s3.put_object(Bucket=bucket, Key="b", Body=b"x", **customers)
    assert "SSEKMSKeyId" not in s3.head_object(Bucket=bucket, Key="b", **customers)


def test_a_foreign_key_and_a_restart(make_daemon):
    """A bucket of one account, a key of another, by its ARN; then kill -9."""
    ours, theirs = "111111111111", "222222222222"
    daemon = make_daemon("--account", theirs)
    aws = Aws(daemon)
    root = {"AWS": f"arn:aws:iam::{ours}:root"}
    own = {"AWS": f"arn:aws:iam::{theirs}:root"}
    policy = document(
        allow("kms:*", Principal=own), allow("kms:GenerateDataKey", "kms:Decrypt", Principal=root)
    )
    key = aws("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]
    closed = aws("kms").create_key()["KeyMetadata"]["Arn"]
    daemon.args = ["--account", ours]
    daemon.restart()
    s3 = aws("s3")
    s3.create_bucket(Bucket="foreign-key")
    put(s3, "foreign-key", "a", SSEKMSKeyId=key)
    refused("AccessDenied", put, s3=s3, bucket="foreign-key", name="b", SSEKMSKeyId=closed)
    for how in ("kill9", "stop"):
        daemon.restart(how)
        assert s3.get_object(Bucket="foreign-key", Key="a")["Body"].read() == b"hello"
