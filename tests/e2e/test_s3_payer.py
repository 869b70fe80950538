# SPDX-License-Identifier: Apache-2.0
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html"""

import json

from harness.refused import refused


def test_anonymous_requests_are_refused_where_the_requester_pays(s3, nobody, bucket):
    s3.delete_public_access_block(Bucket=bucket)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert nobody.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"
    for more in ({}, {"RequestPayer": "requester"}):
        assert refused("AccessDenied", nobody.get_object, Bucket=bucket, Key="k", **more).status == 403
    own = s3.get_object(Bucket=bucket, Key="k", RequestPayer="requester")
    assert own["Body"].read() == b"x"
    assert "RequestCharged" not in own  # its owner pays as for any other bucket
