# SPDX-License-Identifier: Apache-2.0
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html"""

import json

import botocore
import pytest
from botocore.exceptions import ClientError


def test_anonymous_requests_are_refused_where_the_requester_pays(aws, name):
    s3, bucket = aws("s3"), name("bucket")
    nobody = aws("s3", signature_version=botocore.UNSIGNED)
    s3.create_bucket(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert nobody.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"
    for more in ({}, {"RequestPayer": "requester"}):
        with pytest.raises(ClientError) as e:
            nobody.get_object(Bucket=bucket, Key="k", **more)
        assert e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    own = s3.get_object(Bucket=bucket, Key="k", RequestPayer="requester")
    assert own["Body"].read() == b"x"
    assert "RequestCharged" not in own  # its owner pays as for any other bucket
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
