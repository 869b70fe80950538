# SPDX-License-Identifier: Apache-2.0
"""Who reaches a bucket: policies, lists, public access blocks; anonymous callers.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
"""

import json

import pytest
from harness.refused import refused

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
OPEN = {
    "BlockPublicAcls": False,
    "IgnorePublicAcls": False,
    "BlockPublicPolicy": False,
    "RestrictPublicBuckets": False,
}


@pytest.fixture
def bucket(make_bucket):
    return make_bucket(ObjectOwnership="ObjectWriter")


def policy(bucket, effect="Allow", action="s3:GetBucketLocation", **more):
    statement = {
        "Effect": effect,
        "Principal": "*",
        "Action": action,
        "Resource": f"arn:aws:s3:::{bucket}",
        **more,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=1)


def test_a_public_policy_lets_anybody_in_unless_it_is_blocked(s3, nobody, bucket):
    refused("AccessDenied", nobody.get_bucket_location, Bucket=bucket)
    told = refused("AccessDenied", s3.put_bucket_policy, Bucket=bucket, Policy=policy(bucket))
    assert told.message == (
        f"User: arn:aws:iam::000000000000:root is not authorized to perform: s3:PutBucketPolicy on resource: "
        f'"arn:aws:s3:::{bucket}" because public policies are prevented by the BlockPublicPolicy setting in S3 '
        "Block Public Access."
    )
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket))
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": True}
    kept = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    assert json.loads(kept) == json.loads(policy(bucket)) and "\n" not in kept
    nobody.get_bucket_location(Bucket=bucket)
    refused("AccessDenied", nobody.get_bucket_acl, Bucket=bucket)
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={**OPEN, "RestrictPublicBuckets": True}
    )
    refused("AccessDenied", nobody.get_bucket_location, Bucket=bucket)
    s3.get_bucket_location(Bucket=bucket)
    s3.delete_bucket_policy(Bucket=bucket)
    refused("NoSuchBucketPolicy", s3.get_bucket_policy, Bucket=bucket)


def test_a_user_is_told_why_and_nobody_else_is(aws, s3, nobody, bucket, name):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html"""
    who, iam = name("user"), aws("iam")
    iam.create_user(UserName=who)
    made = iam.create_access_key(UserName=who)["AccessKey"]
    user = aws("s3", creds=(made["AccessKeyId"], made["SecretAccessKey"]))
    arn, why = f"arn:aws:s3:::{bucket}", "because no identity-based policy allows the"
    head = f"User: arn:aws:iam::000000000000:user/{who} is not authorized to perform:"
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    def told(call, **parameters):
        return refused("AccessDenied", call, **parameters).message

    assert told(user.get_object, Bucket=bucket, Key="k") == (
        f'{head} s3:GetObject on resource: "{arn}/k" {why} s3:GetObject action'
    )
    assert told(user.list_buckets) == f"{head} s3:ListAllMyBuckets {why} s3:ListAllMyBuckets action"
    deleted = user.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})
    assert deleted["Errors"][0]["Message"] == (
        f'{head} s3:DeleteObject on resource: "{arn}/k" {why} s3:DeleteObject action'
    )
    iam.put_user_policy(
        UserName=who,
        PolicyName="p",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
        ),
    )
    assert told(user.get_object, Bucket=bucket, Key="none") == (
        f'{head} s3:ListBucket on resource: "{arn}" {why} s3:ListBucket action'
    )
    assert told(nobody.get_object, Bucket=bucket, Key="k") == "Access Denied"


def test_nobody_finds_out_that_a_bucket_is_not_there(nobody, name):
    refused("NoSuchBucket", nobody.get_bucket_location, Bucket=name("nothing"))
    refused("AccessDenied", nobody.list_buckets)


def test_a_denial_holds_for_the_owner_who_can_still_lift_it(s3, bucket):
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, "Deny", "s3:*"))
    refused("AccessDenied", s3.get_bucket_location, Bucket=bucket)
    s3.delete_bucket_policy(Bucket=bucket)
    s3.get_bucket_location(Bucket=bucket)


@pytest.mark.parametrize(
    "document, why",
    [
        ("{}", "Missing required field Statement"),
        ("nothing", "Policies must be valid JSON and the first byte must be '{'"),
        (policy("other"), "Policy has invalid resource"),
    ],
)
def test_a_malformed_policy_is_refused(s3, bucket, document, why):
    assert refused("MalformedPolicy", s3.put_bucket_policy, Bucket=bucket, Policy=document).message == why


def test_principals_of_policies_must_exist(s3, bucket, aws, name):
    """https://repost.aws/knowledge-center/s3-invalid-principal-in-policy-error: "make sure that the IAM user or role
    wasn't deleted"."""
    iam, who = aws("iam"), name("user")

    def put(principal, effect="Allow"):
        of = {"Bucket": bucket, "Policy": policy(bucket, effect=effect, Principal=principal)}
        return s3.put_bucket_policy, of

    arn = iam.create_user(UserName=who, Path="/team/")["User"]["Arn"]
    call, of = put({"AWS": [arn, "arn:aws:iam::999999999999:role/any"], "Service": "logging.s3.amazonaws.com"})
    call(**of)
    iam.delete_user(UserName=who)
    for wrong in (arn, [arn], arn.replace("user/team/", "user/"), "arn:aws:iam::000000000000:group/any", "nobody"):
        for effect in ("Allow", "Deny"):
            call, of = put({"AWS": wrong}, effect)
            assert refused("MalformedPolicy", call, **of).message == "Invalid principal in policy"
    assert arn in s3.get_bucket_policy(Bucket=bucket)["Policy"]


def test_lists_grant_where_ownership_lets_them(s3, nobody, bucket):
    me = s3.list_buckets()["Owner"]["ID"]
    refused("AccessDenied", s3.put_bucket_acl, Bucket=bucket, ACL="public-read")
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_acl(Bucket=bucket, GrantReadACP=f'uri="{ALL_USERS}"', GrantFullControl=f"id={me}")
    grants = nobody.get_bucket_acl(Bucket=bucket)["Grants"]
    assert [(g["Grantee"]["Type"], g["Permission"]) for g in grants] == [
        ("CanonicalUser", "FULL_CONTROL"),
        ("Group", "READ_ACP"),
    ]
    again = s3.get_bucket_acl(Bucket=bucket)
    s3.put_bucket_acl(
        Bucket=bucket, AccessControlPolicy={"Owner": again["Owner"], "Grants": again["Grants"]}
    )
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"] == again["Grants"]
    enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    refused(
        "InvalidBucketAclWithObjectOwnership",
        s3.put_bucket_ownership_controls,
        Bucket=bucket,
        OwnershipControls=enforced,
    )
    s3.put_bucket_acl(Bucket=bucket, ACL="private")
    refused("AccessDenied", nobody.get_bucket_acl, Bucket=bucket)
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=enforced)
    refused("AccessControlListNotSupported", s3.put_bucket_acl, Bucket=bucket, ACL="private")


def test_what_is_set_comes_back(s3, bucket):
    rules = [
        {
            "ID": "one",
            "AllowedHeaders": ["*"],
            "AllowedMethods": ["GET", "PUT"],
            "AllowedOrigins": ["https://*.example.com"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 60,
        }
    ]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules
    encryption = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    assert encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert all(
        s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values()
    )
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    lock = {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}},
    }
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=lock)
    answer = s3.get_object_lock_configuration(Bucket=bucket)
    assert answer["ObjectLockConfiguration"] == lock
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    refused("AccessDenied", s3.get_bucket_cors, Bucket=bucket, ExpectedBucketOwner="111122223333")
