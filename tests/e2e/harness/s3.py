# SPDX-License-Identifier: Apache-2.0
"""What the tests of S3 share beside the fixtures `s3`, `bucket` and `make_bucket`."""

import base64
import zlib
from xml.etree import ElementTree as ET


def empty(s3, bucket):
    """Removes the bucket's policy, its uploads under way and all versions of its objects."""
    s3.delete_bucket_policy(Bucket=bucket)
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


def take_customer_keys(s3, bucket):
    """Buckets refuse SSE-C unless they are told: AWS's "Default SSE-C setting for new buckets FAQ"."""
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
    }
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


def body(s3, bucket, key, **more):
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def crc32(data):
    """As S3's headers have it."""
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def error_of(text):
    """The members of an error as XML."""
    root = ET.fromstring(text)
    assert root.tag == "Error", text
    return {e.tag: e.text or "" for e in root}
