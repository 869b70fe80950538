# SPDX-License-Identifier: Apache-2.0
"""KMS: keys and their states, aliases, encryption, rotation, who may.

https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html
https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

import json

import pytest
from harness.aws import Aws, Virga
from harness.daemon import wait_until
from harness.policies import document
from harness.refused import refused

ACCOUNT = "000000000000"
CONTEXT = {"department": "IT", "purpose": "test"}


def allow(*actions, **more):
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}


def root_of(account=ACCOUNT):
    return {"AWS": f"arn:aws:iam::{account}:root"}


# A policy that keeps its key manageable, and says nothing of its use.
ADMIN = allow(
    "kms:Put*", "kms:Get*", "kms:Describe*", "kms:Create*", "kms:List*", Principal=root_of()
)


@pytest.fixture
def kms(aws):
    return aws("kms")


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]


@pytest.fixture
def make_user(aws, name):
    def make(*statements):
        who = name("user")
        iam = aws("iam")
        arn = iam.create_user(UserName=who)["User"]["Arn"]
        if statements:
            iam.put_user_policy(UserName=who, PolicyName="p", PolicyDocument=document(*statements))
        made = iam.create_access_key(UserName=who)["AccessKey"]
        return arn, aws("kms", creds=(made["AccessKeyId"], made["SecretAccessKey"]))

    return make


def encrypt(kms, key, text=b"hello", **more):
    return kms.encrypt(KeyId=key, Plaintext=text, **more)["CiphertextBlob"]


# --- keys ------------------------------------------------------------------------------------------


def test_a_key_is_described_as_aws_does(kms, name):
    text = name("text")
    made = kms.create_key(Description=text, Tags=[{"TagKey": "a", "TagValue": "1"}])["KeyMetadata"]
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{made['KeyId']}"
    assert made["Arn"] == arn and made["AWSAccountId"] == ACCOUNT
    assert (made["Enabled"], made["KeyState"], made["KeyManager"]) == (True, "Enabled", "CUSTOMER")
    assert (made["KeyUsage"], made["KeySpec"], made["Origin"]) == (
        "ENCRYPT_DECRYPT",
        "SYMMETRIC_DEFAULT",
        "AWS_KMS",
    )
    assert made["EncryptionAlgorithms"] == ["SYMMETRIC_DEFAULT"] and made["MultiRegion"] is False
    assert made["Description"] == text
    for by in (made["KeyId"], arn):
        assert kms.describe_key(KeyId=by)["KeyMetadata"] == made
    kms.update_key_description(KeyId=arn, Description="other")
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["Description"] == "other"
    assert made["KeyId"] in [
        k["KeyId"]
        for page in kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2})
        for k in page["Keys"]
    ]


def test_what_names_no_key_is_not_found(kms, aws, key):
    gone = "1234abcd-12ab-34cd-56ef-1234567890ab"
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{gone}"
    assert refused("NotFoundException", kms.describe_key, KeyId=gone).message == f"Key '{arn}' does not exist"
    assert refused("NotFoundException", kms.describe_key, KeyId=arn).message == f"Key '{arn}' does not exist"
    assert (
        refused("NotFoundException", kms.describe_key, KeyId="alias/none").message
        == f"Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/none is not found."
    )
    refused("NotFoundException", kms.describe_key, KeyId="not a key")
    refused("NotFoundException", aws("kms", region="eu-west-1").describe_key, KeyId=key["Arn"])
    refused("NotFoundException", aws("kms", region="eu-west-1").describe_key, KeyId=key["KeyId"])
    refused("InvalidMarkerException", kms.list_keys, Marker="!")


def test_kinds_of_keys_that_are_not_built_are_refused(kms):
    for other in (
        {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"},
        {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
        {"Origin": "EXTERNAL"},
        {"MultiRegion": True},
    ):
        refused("UnsupportedOperationException", kms.create_key, **other)
    refused("ValidationException", kms.create_key, KeyUsage="SIGN_VERIFY")


def test_a_disabled_key_is_of_no_use_until_it_is_enabled(kms, key):
    blob = encrypt(kms, key["KeyId"])
    kms.disable_key(KeyId=key["KeyId"])
    shown = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    assert (shown["KeyState"], shown["Enabled"]) == ("Disabled", False)
    text = f"{key['Arn']} is disabled."
    assert refused("DisabledException", kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x").message == text
    assert refused("DisabledException", kms.decrypt, CiphertextBlob=blob).message == text
    refused("DisabledException", kms.generate_data_key, KeyId=key["KeyId"], KeySpec="AES_256")
    refused("DisabledException", kms.enable_key_rotation, KeyId=key["KeyId"])
    kms.enable_key(KeyId=key["KeyId"])
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"hello"


def test_a_key_pending_deletion_can_be_saved(kms, key, name):
    one = key["KeyId"]
    blob = encrypt(kms, one)
    refused("ValidationException", kms.schedule_key_deletion, KeyId=one, PendingWindowInDays=6)
    refused("ValidationException", kms.schedule_key_deletion, KeyId=one, PendingWindowInDays=31)
    done = kms.schedule_key_deletion(KeyId=one, PendingWindowInDays=7)
    assert (done["KeyId"], done["KeyState"], done["PendingWindowInDays"]) == (
        key["Arn"],
        "PendingDeletion",
        7,
    )
    assert kms.describe_key(KeyId=one)["KeyMetadata"]["DeletionDate"] == done["DeletionDate"]
    text = f"{key['Arn']} is pending deletion."
    for call, more in (
        (kms.encrypt, {"Plaintext": b"x"}),
        (kms.enable_key, {}),
        (kms.disable_key, {}),
        (kms.schedule_key_deletion, {}),
        (kms.update_key_description, {"Description": "x"}),
        (kms.tag_resource, {"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
        (kms.enable_key_rotation, {}),
    ):
        assert refused("KMSInvalidStateException", call, KeyId=one, **more).message == text
    alias = "alias/" + name("late")
    assert refused("KMSInvalidStateException", kms.create_alias, AliasName=alias, TargetKeyId=one).message == text
    refused("KMSInvalidStateException", kms.decrypt, CiphertextBlob=blob)
    assert kms.cancel_key_deletion(KeyId=one)["KeyId"] == key["Arn"]
    assert kms.describe_key(KeyId=one)["KeyMetadata"]["KeyState"] == "Disabled"
    refused("KMSInvalidStateException", kms.cancel_key_deletion, KeyId=one)
    kms.enable_key(KeyId=one)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"hello"


def test_tags(kms, key):
    one = key["KeyId"]
    tags = [{"TagKey": k, "TagValue": v} for k, v in (("a", "1"), ("b", "2"), ("c", ""))]
    kms.tag_resource(KeyId=one, Tags=tags)
    kms.tag_resource(KeyId=one, Tags=[{"TagKey": "b", "TagValue": "3"}])
    kms.untag_resource(KeyId=one, TagKeys=["a", "none"])
    assert kms.list_resource_tags(KeyId=one)["Tags"] == [
        {"TagKey": "b", "TagValue": "3"},
        {"TagKey": "c", "TagValue": ""},
    ]
    page = kms.list_resource_tags(KeyId=one, Limit=1)
    assert page["Truncated"]
    rest = kms.list_resource_tags(KeyId=one, Limit=1, Marker=page["NextMarker"])
    assert [t["TagKey"] for t in rest["Tags"]] == ["c"] and not rest["Truncated"]
    refused("TagException", kms.tag_resource, KeyId=one, Tags=[{"TagKey": "aws:x", "TagValue": ""}])
    many = [{"TagKey": f"t{i}", "TagValue": ""} for i in range(50)]
    refused("TagException", kms.tag_resource, KeyId=one, Tags=many)


# --- aliases ---------------------------------------------------------------------------------------


def test_an_alias_is_a_name_that_can_move(kms, key, name):
    alias, two = "alias/" + name("a"), kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName=alias, TargetKeyId=key["Arn"])
    assert kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"] == key["KeyId"]
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:{alias}"
    first = encrypt(kms, arn)
    text = refused("AlreadyExistsException", kms.create_alias, AliasName=alias, TargetKeyId=two["KeyId"]).message
    assert text == f"An alias with the name {arn} already exists"
    kms.update_alias(AliasName=alias, TargetKeyId=two["KeyId"])
    assert kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"] == two["KeyId"]
    assert kms.decrypt(CiphertextBlob=first)["KeyId"] == key["Arn"]
    assert kms.list_aliases(KeyId=key["KeyId"])["Aliases"] == []
    (shown,) = kms.list_aliases(KeyId=two["KeyId"])["Aliases"]
    assert (shown["AliasName"], shown["AliasArn"], shown["TargetKeyId"]) == (alias, arn, two["KeyId"])
    kms.delete_alias(AliasName=alias)
    refused("NotFoundException", kms.delete_alias, AliasName=alias)
    refused("NotFoundException", kms.update_alias, AliasName=alias, TargetKeyId=two["KeyId"])
    refused("NotFoundException", kms.describe_key, KeyId=alias)


def test_names_of_aliases(kms, key):
    refused("InvalidAliasNameException", kms.create_alias, AliasName="a", TargetKeyId=key["KeyId"])
    # "The alias name cannot begin with alias/aws/" (API_CreateAlias)
    for call in (kms.create_alias, kms.update_alias):
        refused("NotAuthorizedException", call, AliasName="alias/aws/mine", TargetKeyId=key["KeyId"])
    refused("NotAuthorizedException", kms.delete_alias, AliasName="alias/aws/mine")
    refused("NotFoundException", kms.enable_key, KeyId="alias/any")


def test_aliases_are_listed_by_page(kms, key, name):
    made = {"alias/" + name("p") for _ in range(5)}
    for alias in made:
        kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    pages = kms.get_paginator("list_aliases").paginate(KeyId=key["KeyId"], PaginationConfig={"PageSize": 2})
    pages = [[a["AliasName"] for a in page["Aliases"]] for page in pages]
    assert [len(p) for p in pages] == [2, 2, 1] and {a for p in pages for a in p} == made


def test_the_key_of_s3_is_there_once_it_is_asked_for(kms):
    """https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk"""
    made = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert made["KeyManager"] == "AWS"
    assert kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"] == made
    assert kms.get_key_rotation_status(KeyId=made["KeyId"])["KeyRotationEnabled"] is True
    # "you cannot manage these KMS keys, rotate them, or change their key policies … cannot use … in
    # cryptographic operations directly"
    refused("AccessDeniedException", kms.encrypt, KeyId="alias/aws/s3", Plaintext=b"x")
    refused("AccessDeniedException", kms.schedule_key_deletion, KeyId=made["KeyId"])
    refused("AccessDeniedException", kms.disable_key, KeyId=made["KeyId"])
    refused("AccessDeniedException", kms.put_key_policy, KeyId=made["KeyId"], Policy=document(ADMIN))


# --- encryption ------------------------------------------------------------------------------------


def test_what_was_encrypted_is_decrypted_by_context(kms, key):
    done = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"hello", EncryptionContext=CONTEXT)
    assert (done["KeyId"], done["EncryptionAlgorithm"]) == (key["Arn"], "SYMMETRIC_DEFAULT")
    blob = done["CiphertextBlob"]
    assert b"hello" not in blob
    other_order = dict(reversed(CONTEXT.items()))
    plain = kms.decrypt(CiphertextBlob=blob, EncryptionContext=other_order)
    assert (plain["Plaintext"], plain["KeyId"]) == (b"hello", key["Arn"])
    assert plain["KeyMaterialId"] == key["CurrentKeyMaterialId"]
    # "an exact, case-sensitive match"
    for context in ({}, {"department": "IT"}, {**CONTEXT, "x": ""}, {"Department": "IT", "purpose": "test"}):
        refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=blob, EncryptionContext=context)
    changed = blob[:-1] + bytes([blob[-1] ^ 1])
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=changed, EncryptionContext=CONTEXT)
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=b"no ciphertext")


def test_a_ciphertext_belongs_to_its_key(kms, aws, key):
    two = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = encrypt(kms, key["KeyId"])
    assert kms.decrypt(CiphertextBlob=blob, KeyId=key["Arn"])["Plaintext"] == b"hello"
    text = refused("IncorrectKeyException", kms.decrypt, CiphertextBlob=blob, KeyId=two).message
    assert text == "The key ID in the request does not identify a CMK that can perform this operation."
    text = refused("AccessDeniedException", aws("kms", region="eu-west-1").decrypt, CiphertextBlob=blob).message
    assert "the resource does not exist in this Region" in text


def test_plaintexts_have_at_most_4096_bytes(kms, key):
    most = bytes(4096)
    assert kms.decrypt(CiphertextBlob=encrypt(kms, key["KeyId"], most))["Plaintext"] == most
    refused("ValidationException", kms.encrypt, KeyId=key["KeyId"], Plaintext=bytes(4097))


def test_re_encryption_changes_key_and_context(kms, key):
    two = kms.create_key()["KeyMetadata"]
    blob = encrypt(kms, key["KeyId"], EncryptionContext=CONTEXT)
    done = kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext=CONTEXT,
        DestinationKeyId=two["KeyId"],
        DestinationEncryptionContext={"a": "b"},
    )
    assert (done["SourceKeyId"], done["KeyId"]) == (key["Arn"], two["Arn"])
    plain = kms.decrypt(CiphertextBlob=done["CiphertextBlob"], EncryptionContext={"a": "b"})
    assert (plain["Plaintext"], plain["KeyId"]) == (b"hello", two["Arn"])
    refused("InvalidCiphertextException", kms.re_encrypt, CiphertextBlob=blob, DestinationKeyId=two["KeyId"])


def test_data_keys(kms, key, name):
    alias = "alias/" + name("data")
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    for asked, n in (({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 64}, 64)):
        made = kms.generate_data_key(KeyId=alias, EncryptionContext=CONTEXT, **asked)
        assert len(made["Plaintext"]) == n and made["KeyId"] == key["Arn"]
        back = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)
        assert back["Plaintext"] == made["Plaintext"]
    made = kms.generate_data_key_without_plaintext(KeyId=alias, KeySpec="AES_256")
    assert "Plaintext" not in made
    assert len(kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"]) == 32
    text = refused("ValidationException", kms.generate_data_key, KeyId=alias).message
    assert text == "Please specify either number of bytes or key spec."
    refused("ValidationException", kms.generate_data_key, KeyId=alias, KeySpec="AES_256", NumberOfBytes=32)
    refused("ValidationException", kms.generate_data_key, KeyId=alias, NumberOfBytes=1025)
    one, two = (kms.generate_random(NumberOfBytes=32)["Plaintext"] for _ in range(2))
    assert len(one) == 32 and one != two


def test_a_dry_run_only_says_whether_it_would_work(kms, make_user, key):
    """https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html"""
    blob = encrypt(kms, key["KeyId"])
    would = "The request would have succeeded, but the DryRun option is set."
    for call, more in (
        (kms.encrypt, {"KeyId": key["KeyId"], "Plaintext": b"x"}),
        (kms.decrypt, {"CiphertextBlob": blob}),
        (kms.generate_data_key, {"KeyId": key["KeyId"], "KeySpec": "AES_256"}),
        (kms.re_encrypt, {"CiphertextBlob": blob, "DestinationKeyId": key["KeyId"]}),
        (kms.decrypt, {"KeyId": key["KeyId"], "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}),
    ):
        assert refused("DryRunOperationException", call, DryRun=True, **more).message == would
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=b"x" * 100, DryRun=True)
    _, nobody = make_user()
    refused("AccessDeniedException", nobody.encrypt, KeyId=key["KeyId"], Plaintext=b"x", DryRun=True)


# --- rotation --------------------------------------------------------------------------------------


def test_rotated_keys_decrypt_what_their_old_material_encrypted(kms, key):
    one = key["KeyId"]
    old = encrypt(kms, one)
    assert kms.rotate_key_on_demand(KeyId=one)["KeyId"] == key["Arn"]
    now = kms.describe_key(KeyId=one)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert now != key["CurrentKeyMaterialId"]
    first, second = kms.decrypt(CiphertextBlob=old), kms.decrypt(CiphertextBlob=encrypt(kms, one))
    assert first["Plaintext"] == second["Plaintext"] == b"hello"
    assert (first["KeyMaterialId"], second["KeyMaterialId"]) == (key["CurrentKeyMaterialId"], now)
    (rotation,) = kms.list_key_rotations(KeyId=one)["Rotations"]
    assert (rotation["RotationType"], rotation["KeyId"]) == ("ON_DEMAND", key["Arn"])
    every = kms.list_key_rotations(KeyId=one, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [r["KeyMaterialState"] for r in every] == ["CURRENT", "NON_CURRENT"]
    assert kms.get_key_rotation_status(KeyId=one)["KeyRotationEnabled"] is False


def test_rotation_is_switched_on_and_off(kms, key):
    one = key["KeyId"]
    kms.enable_key_rotation(KeyId=one)
    status = kms.get_key_rotation_status(KeyId=one)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 365)
    kms.enable_key_rotation(KeyId=one, RotationPeriodInDays=90)
    assert kms.get_key_rotation_status(KeyId=one)["RotationPeriodInDays"] == 90
    kms.enable_key_rotation(KeyId=one)
    assert kms.get_key_rotation_status(KeyId=one)["RotationPeriodInDays"] == 90
    kms.disable_key_rotation(KeyId=one)
    assert kms.get_key_rotation_status(KeyId=one)["KeyRotationEnabled"] is False


def test_keys_rotate_and_go_when_their_time_has_come(make_daemon):
    daemon = make_daemon("--ephemeral")
    kms, virga = Aws(daemon)("kms"), Virga(daemon)
    turning, resting, doomed = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(3))
    old = encrypt(kms, turning)
    for one in (turning, resting):
        kms.enable_key_rotation(KeyId=one, RotationPeriodInDays=90)
    kms.disable_key(KeyId=resting)
    kms.create_alias(AliasName="alias/doomed", TargetKeyId=doomed)
    kms.schedule_key_deletion(KeyId=doomed, PendingWindowInDays=7)

    def rotations(key):
        return [r["RotationType"] for r in kms.list_key_rotations(KeyId=key)["Rotations"]]

    virga("clock", "advance", "167h")
    assert kms.describe_key(KeyId=doomed)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    virga("clock", "advance", "2h")
    assert wait_until(lambda: kms.list_aliases()["Aliases"] == [], 20)
    refused("NotFoundException", kms.describe_key, KeyId=doomed)
    virga("clock", "advance", "4400h")  # two periods of ninety days, with the hours before
    assert wait_until(lambda: rotations(turning) == ["AUTOMATIC"] * 2, 20)
    assert kms.decrypt(CiphertextBlob=old)["Plaintext"] == b"hello"
    # "While the KMS key is disabled, KMS does not rotate the key material … When you re-enable the
    # KMS key … KMS rotates it immediately" (API_GetKeyRotationStatus)
    assert rotations(resting) == []
    kms.enable_key(KeyId=resting)
    assert wait_until(lambda: rotations(resting) == ["AUTOMATIC"], 20)


# --- who may ---------------------------------------------------------------------------------------


def test_the_default_key_policy_leaves_it_to_iam(kms, make_user, key):
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"""
    one = key["KeyId"]
    policy = kms.get_key_policy(KeyId=one)
    assert policy["PolicyName"] == "default"
    assert json.loads(policy["Policy"]) == {
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [
            {
                "Sid": "Enable IAM User Permissions",
                "Effect": "Allow",
                "Principal": root_of(),
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    }
    assert kms.list_key_policies(KeyId=one)["PolicyNames"] == ["default"]
    refused("NotFoundException", kms.get_key_policy, KeyId=one, PolicyName="other")
    _, nobody = make_user()
    _, user = make_user(allow("kms:Encrypt"))
    blob = encrypt(user, one)
    text = refused("AccessDeniedException", user.decrypt, CiphertextBlob=blob).message
    assert text.endswith(
        "is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext "
        "because no identity-based policy allows the kms:Decrypt action"
    )
    text = refused("AccessDeniedException", user.decrypt, CiphertextBlob=blob, KeyId=one).message
    assert f"kms:Decrypt on resource: {key['Arn']} because" in text
    refused("AccessDeniedException", nobody.encrypt, KeyId=one, Plaintext=b"x")


def test_a_key_policy_that_does_not_mention_the_account_shuts_iam_out(kms, make_user, key):
    """ "IAM policies by themselves are not sufficient to allow access to a KMS key"."""
    one = key["KeyId"]
    everybody, user = make_user(allow("kms:*"))
    named, other = make_user()
    kms.put_key_policy(
        KeyId=one, Policy=document(ADMIN, allow("kms:Encrypt", Principal={"AWS": named}))
    )
    encrypt(other, one)
    text = refused("AccessDeniedException", user.encrypt, KeyId=one, Plaintext=b"x").message
    assert everybody in text and text.endswith(
        "because no resource-based policy allows the kms:Encrypt action"
    )
    # the account itself has no more than its policy says either
    refused("AccessDeniedException", kms.encrypt, KeyId=one, Plaintext=b"x")
    assert user.describe_key(KeyId=one)["KeyMetadata"]["KeyId"] == one


def test_nobody_shuts_himself_out_of_a_key_by_mistake(kms, key, make_user):
    one, (other, _) = key["KeyId"], make_user()
    policy = document(allow("kms:*", Principal={"AWS": other}))
    text = refused("MalformedPolicyDocumentException", kms.put_key_policy, KeyId=one, Policy=policy).message
    assert text == "The new key policy will not allow you to update the key policy in the future."
    refused("MalformedPolicyDocumentException", kms.create_key, Policy=policy)
    refused("MalformedPolicyDocumentException", kms.create_key, Policy="{}")
    # "Resource – (Required)" (developerguide/key-policy-overview.html)
    without = {k: v for k, v in allow("kms:*", Principal=root_of()).items() if k != "Resource"}
    refused("MalformedPolicyDocumentException", kms.create_key, Policy=document(without))
    wrong = document(allow("kms:*", Principal={"AWS": "nobody"}))
    text = refused("MalformedPolicyDocumentException", kms.create_key, Policy=wrong).message
    assert text == "Policy contains a statement with one or more invalid principals."
    kms.put_key_policy(KeyId=one, Policy=policy, BypassPolicyLockoutSafetyCheck=True)
    refused("AccessDeniedException", kms.get_key_policy, KeyId=one)


@pytest.mark.parametrize("who", ["user/none", "role/none", "user/wrong/path/{user}", "role/{user}", "group/any"])
def test_principals_of_key_policies_must_exist(kms, key, make_user, who):
    """"The principals in the key policy must exist and be visible to AWS KMS":
    https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html; the text: re:Post, kms-policy-error-invalid-principals"""
    arn, _ = make_user()
    account, name = arn.rsplit(":", 1)
    for principal in ({"AWS": f"{account}:{who.format(user=name.split('/')[-1])}"}, {"AWS": [arn, f"{account}:{who}"]}):
        policy = document(allow("kms:*", Principal=root_of()), allow("kms:Encrypt", Principal=principal))
        for call, more in ((kms.put_key_policy, {"KeyId": key["KeyId"]}), (kms.create_key, {})):
            text = refused("MalformedPolicyDocumentException", call, Policy=policy, **more).message
            assert text == "Policy contains a statement with one or more invalid principals."
    # of other accounts nothing is known
    far = {"AWS": ["arn:aws:iam::999999999999:user/any", "999999999999", arn]}
    policy = document(allow("kms:*", Principal=root_of()), allow("kms:Encrypt", Principal=far))
    kms.put_key_policy(KeyId=key["KeyId"], Policy=policy)


def test_denials_win(kms, key, make_user):
    one, (arn, user) = key["KeyId"], make_user(allow("kms:*"))
    deny = {**allow("kms:Encrypt", Principal={"AWS": arn}), "Effect": "Deny"}
    kms.put_key_policy(KeyId=one, Policy=document(allow("kms:*", Principal=root_of()), deny))
    text = refused("AccessDeniedException", user.encrypt, KeyId=one, Plaintext=b"x").message
    assert text.endswith("with an explicit deny in a resource-based policy")
    user.generate_data_key(KeyId=one, KeySpec="AES_256")


@pytest.mark.parametrize(
    "condition, fine, wrong",
    [
        (
            {"StringEquals": {"kms:EncryptionContext:department": "IT"}},
            {"EncryptionContext": {"department": "IT", "more": "x"}},
            {"EncryptionContext": {"department": "HR"}},
        ),
        (
            {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "department"}},
            {"EncryptionContext": CONTEXT},
            {},
        ),
        ({"StringEquals": {"kms:CallerAccount": ACCOUNT}}, {}, None),
        ({"StringEquals": {"kms:CallerAccount": "111111111111"}}, None, {}),
        ({"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}, None, {}),
        ({"StringLike": {"kms:RequestAlias": "alias/cond-*"}}, {"KeyId": "alias"}, {}),
        ({"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/cond-*"}}, {}, None),
        ({"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/other-*"}}, None, {}),
        ({"StringEquals": {"aws:ResourceTag/team": "blue"}}, {}, None),
        ({"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT"}}, {}, None),
    ],
)
def test_condition_keys(kms, make_user, name, condition, fine, wrong):
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html"""
    one = kms.create_key(Tags=[{"TagKey": "team", "TagValue": "blue"}])["KeyMetadata"]["KeyId"]
    alias = "alias/" + name("cond")
    kms.create_alias(AliasName=alias, TargetKeyId=one)
    _, user = make_user(allow("kms:Encrypt", Condition=condition))

    def asked(more):
        return {"Plaintext": b"x", **more, "KeyId": alias if "KeyId" in more else one}

    if fine is not None:
        user.encrypt(**asked(fine))
    if wrong is not None:
        refused("AccessDeniedException", user.encrypt, **asked(wrong))


def test_re_encryption_needs_both_keys(kms, key, make_user):
    two = kms.create_key()["KeyMetadata"]
    blob = encrypt(kms, key["KeyId"])
    call = {"CiphertextBlob": blob, "DestinationKeyId": two["KeyId"]}
    _, source = make_user({**allow("kms:ReEncryptFrom"), "Resource": key["Arn"]})
    text = refused("AccessDeniedException", source.re_encrypt, **call).message
    assert "kms:ReEncryptTo" in text and two["Arn"] in text
    _, both = make_user(
        {**allow("kms:ReEncryptFrom"), "Resource": key["Arn"]},
        {**allow("kms:ReEncryptTo"), "Resource": two["Arn"]},
    )
    both.re_encrypt(**call)


def test_an_alias_needs_the_alias_and_its_keys(kms, key, make_user, name):
    """https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html"""
    alias = "alias/" + name("both")
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:{alias}"
    _, half = make_user({**allow("kms:CreateAlias"), "Resource": arn})
    text = refused("AccessDeniedException", half.create_alias, AliasName=alias, TargetKeyId=key["KeyId"]).message
    assert key["Arn"] in text
    _, whole = make_user({**allow("kms:CreateAlias"), "Resource": [arn, key["Arn"]]})
    whole.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    refused("AccessDeniedException", whole.delete_alias, AliasName=alias)


def test_keys_of_another_account(make_daemon):
    """Both accounts must allow; where they do not, nobody learns whether there is such a key.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
    """
    ours, theirs = "111111111111", "222222222222"
    daemon = make_daemon("--account", theirs)
    aws = Aws(daemon)

    def user(who, *statements):
        iam = aws("iam")
        iam.create_user(UserName=who)
        if statements:
            iam.put_user_policy(UserName=who, PolicyName="p", PolicyDocument=document(*statements))
        made = iam.create_access_key(UserName=who)["AccessKey"]
        return made["AccessKeyId"], made["SecretAccessKey"]

    allowed, bare = user("allowed", allow("kms:*")), user("bare")
    daemon.args = ["--account", ours]
    daemon.restart()
    kms = aws("kms")
    one = kms.create_key()["KeyMetadata"]
    allowed, bare = aws("kms", creds=allowed), aws("kms", creds=bare)
    blob = encrypt(kms, one["Arn"])
    gone = one["Arn"][:-4] + "0000"
    for arn in (one["Arn"], gone):
        text = refused("AccessDeniedException", allowed.encrypt, KeyId=arn, Plaintext=b"x").message
        assert text.endswith("because no resource-based policy allows the kms:Encrypt action")
    refused("NotFoundException", allowed.encrypt, KeyId=one["KeyId"], Plaintext=b"x")
    use = allow("kms:Encrypt", "kms:Decrypt", "kms:Disable*", Principal=root_of(theirs))
    kms.put_key_policy(KeyId=one["KeyId"], Policy=document(allow("kms:*", Principal=root_of(ours)), use))
    encrypt(allowed, one["Arn"])
    assert allowed.decrypt(CiphertextBlob=blob)["Plaintext"] == b"hello"
    refused("AccessDeniedException", bare.encrypt, KeyId=one["Arn"], Plaintext=b"x")
    # "Cross-account use: No"
    refused("AccessDeniedException", allowed.disable_key, KeyId=one["Arn"])
    # a grant is enough for a principal of another account
    grantee = f"arn:aws:iam::{theirs}:user/bare"
    kms.create_grant(KeyId=one["KeyId"], GranteePrincipal=grantee, Operations=["Encrypt"])
    encrypt(bare, one["Arn"])


# --- grants ----------------------------------------------------------------------------------------


def test_a_grant_lets_its_grantee_use_the_key(kms, key, make_user):
    """https://docs.aws.amazon.com/kms/latest/developerguide/grants.html"""
    one, (arn, user) = key["KeyId"], make_user()
    made = kms.create_grant(KeyId=one, GranteePrincipal=arn, Operations=["Encrypt", "DescribeKey"], Name="n")
    user.encrypt(KeyId=one, Plaintext=b"x", GrantTokens=[made["GrantToken"]])
    blob = encrypt(user, one)
    user.describe_key(KeyId=one)
    refused("AccessDeniedException", user.decrypt, CiphertextBlob=blob)
    refused("AccessDeniedException", user.create_grant, KeyId=one, GranteePrincipal=arn, Operations=["Decrypt"])
    refused("InvalidGrantTokenException", kms.encrypt, KeyId=one, Plaintext=b"x", GrantTokens=["x"])
    # the same parameters and name: the same grant
    again = kms.create_grant(KeyId=one, GranteePrincipal=arn, Operations=["DescribeKey", "Encrypt"], Name="n")
    assert again["GrantId"] == made["GrantId"]
    (shown,) = kms.list_grants(KeyId=one)["Grants"]
    assert (shown["GrantId"], shown["KeyId"], shown["Name"]) == (made["GrantId"], key["Arn"], "n")
    assert (shown["GranteePrincipal"], shown["Operations"]) == (arn, ["Encrypt", "DescribeKey"])
    assert shown["IssuingAccount"] == root_of()["AWS"] and "Constraints" not in shown
    refused("AccessDeniedException", user.revoke_grant, KeyId=one, GrantId=made["GrantId"])
    kms.revoke_grant(KeyId=one, GrantId=made["GrantId"])
    refused("AccessDeniedException", user.encrypt, KeyId=one, Plaintext=b"x")
    refused("NotFoundException", kms.revoke_grant, KeyId=one, GrantId=made["GrantId"])
    assert kms.list_grants(KeyId=one)["Grants"] == []


def test_a_grant_does_not_override_a_denial(kms, key, make_user):
    one = key["KeyId"]
    arn, user = make_user({**allow("kms:Encrypt"), "Effect": "Deny"})
    kms.create_grant(KeyId=one, GranteePrincipal=arn, Operations=["Encrypt"])
    text = refused("AccessDeniedException", user.encrypt, KeyId=one, Plaintext=b"x").message
    assert text.endswith("with an explicit deny in an identity-based policy")


def test_a_grant_can_be_bound_to_an_encryption_context(kms, key, make_user):
    one, (arn, user) = key["KeyId"], make_user()
    subset = {"EncryptionContextSubset": {"department": "IT"}}
    kms.create_grant(KeyId=one, GranteePrincipal=arn, Operations=["Encrypt"], Constraints=subset)
    exact = {"EncryptionContextEquals": {"department": "HR"}}
    kms.create_grant(KeyId=one, GranteePrincipal=arn, Operations=["Encrypt", "Decrypt"], Constraints=exact)
    assert sorted(map(str, (g["Constraints"] for g in kms.list_grants(KeyId=one)["Grants"]))) == sorted(
        map(str, (subset, exact))
    )
    encrypt(user, one, EncryptionContext=CONTEXT)
    hr = encrypt(user, one, EncryptionContext={"department": "HR"})
    user.decrypt(CiphertextBlob=hr, EncryptionContext={"department": "HR"})
    for context in ({}, {"Department": "IT"}, {"department": "HR", "more": "x"}):
        refused("AccessDeniedException", user.encrypt, KeyId=one, Plaintext=b"x", EncryptionContext=context)
    refused(
        "ValidationException",
        kms.create_grant,
        KeyId=one,
        GranteePrincipal=arn,
        Operations=["Encrypt"],
        Constraints={**subset, **exact},
    )


def test_grants_made_by_a_grant_are_no_wider(kms, key, make_user):
    one, (arn, user), (child, grandchild) = key["KeyId"], make_user(), make_user()
    kms.create_grant(KeyId=one, GranteePrincipal=arn, Operations=["CreateGrant", "Encrypt"])
    user.create_grant(KeyId=one, GranteePrincipal=child, Operations=["Encrypt"])
    encrypt(grandchild, one)
    refused("AccessDeniedException", user.create_grant, KeyId=one, GranteePrincipal=child, Operations=["Decrypt"])


def test_who_retires_a_grant(kms, key, make_user):
    """https://docs.aws.amazon.com/kms/latest/developerguide/grant-delete.html"""
    one, (grantee, user), (retiring, other) = key["KeyId"], make_user(), make_user()
    _, stranger = make_user()

    def make(*operations, **more):
        return kms.create_grant(KeyId=one, GranteePrincipal=grantee, Operations=list(operations), **more)

    first = make("Encrypt", RetiringPrincipal=retiring)
    shown = kms.list_retirable_grants(RetiringPrincipal=retiring)["Grants"]
    assert [g["GrantId"] for g in shown] == [first["GrantId"]]
    refused("AccessDeniedException", user.retire_grant, GrantToken=first["GrantToken"])
    refused("AccessDeniedException", stranger.retire_grant, GrantToken=first["GrantToken"])
    refused("DryRunOperationException", other.retire_grant, GrantToken=first["GrantToken"], DryRun=True)
    other.retire_grant(GrantToken=first["GrantToken"])
    second = make("RetireGrant")
    user.retire_grant(KeyId=key["Arn"], GrantId=second["GrantId"])
    third = make("Encrypt")
    kms.retire_grant(KeyId=key["Arn"], GrantId=third["GrantId"])
    refused("InvalidGrantTokenException", kms.retire_grant, GrantToken="x")
    assert kms.list_grants(KeyId=one)["Grants"] == []


def test_what_grants_are_not_for(kms, key):
    one, who = key["KeyId"], root_of()["AWS"]
    refused("ValidationException", kms.create_grant, KeyId=one, GranteePrincipal=who, Operations=["Sign"])
    refused("InvalidArnException", kms.create_grant, KeyId=one, GranteePrincipal="nobody", Operations=["Encrypt"])
    kms.disable_key(KeyId=one)
    refused("DisabledException", kms.create_grant, KeyId=one, GranteePrincipal=who, Operations=["Encrypt"])


def test_grants_are_listed_by_page(kms, key, make_user):
    one, (arn, _) = key["KeyId"], make_user()
    made = {
        kms.create_grant(KeyId=one, GranteePrincipal=arn, RetiringPrincipal=arn, Operations=["Encrypt"])["GrantId"]
        for _ in range(5)
    }
    for call, more in (("list_grants", {"KeyId": one}), ("list_retirable_grants", {"RetiringPrincipal": arn})):
        pages, marker = [], {}
        while not pages or marker:
            page = getattr(kms, call)(Limit=2, **more, **marker)
            pages.append([g["GrantId"] for g in page["Grants"]])
            marker = {"Marker": page["NextMarker"]} if page["Truncated"] else {}
        assert [len(p) for p in pages] == [2, 2, 1] and {g for p in pages for g in p} == made


# --- what lasts ------------------------------------------------------------------------------------


def test_keys_and_what_they_encrypted_outlive_the_daemon(make_daemon):
    daemon = make_daemon()
    kms = Aws(daemon)("kms")
    one = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/lasting", TargetKeyId=one["KeyId"])
    old = encrypt(kms, "alias/lasting", EncryptionContext=CONTEXT)
    kms.rotate_key_on_demand(KeyId=one["KeyId"])
    new = encrypt(kms, "alias/lasting")
    for how in ("kill9", "stop"):
        daemon.restart(how)
        assert kms.describe_key(KeyId="alias/lasting")["KeyMetadata"]["Arn"] == one["Arn"]
        assert kms.decrypt(CiphertextBlob=old, EncryptionContext=CONTEXT)["Plaintext"] == b"hello"
        assert kms.decrypt(CiphertextBlob=new)["Plaintext"] == b"hello"
