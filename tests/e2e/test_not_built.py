# SPDX-License-Identifier: Apache-2.0
"""What is not built says so in its own service's words, which each SDK can read (USERS.md: "Unimplemented call")."""

import pytest
from botocore.exceptions import ClientError
from harness.raw import Raw

# One of each protocol that boto3 speaks: query, EC2's, REST with XML and with JSON, JSON 1.0 and 1.1.
FOREIGN = [
    ("sns", "list_topics", {}),
    ("ec2", "describe_instances", {}),
    ("cloudfront", "list_distributions", {}),
    ("efs", "describe_file_systems", {}),
    ("stepfunctions", "list_state_machines", {}),
    ("kinesis", "list_streams", {}),
]


@pytest.mark.parametrize(("service", "operation", "parameters"), FOREIGN, ids=[f[0] for f in FOREIGN])
def test_a_service_that_is_not_built_names_itself(aws, service, operation, parameters):
    c = aws(service)
    with pytest.raises(ClientError) as e:
        getattr(c, operation)(**parameters)
    answer = e.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert answer["Error"]["Code"].startswith("NotImplemented"), answer
    assert f"The service {c.meta.service_model.signing_name} is not built" in answer["Error"]["Message"]


def test_an_operation_that_is_not_built_names_itself(aws):
    with pytest.raises(ClientError) as e:
        aws("dynamodb").list_backups()
    assert "dynamodb:ListBackups" in e.value.response["Error"]["Message"]


def test_another_services_request_is_never_taken_for_one_of_ours(daemon):
    """GET /2015-03-31/functions is also the object "functions" of a bucket of S3's."""
    raw = Raw(daemon.port)
    status, answer = raw.send("s3", "GET", "/2015-03-31/functions/", b"", {})
    assert b"<Error><Code>" in answer, answer
    status, answer = raw.query("sns", "2010-05-08", "ListUsers")
    assert status == 501 and b"The service sns is not built" in answer, answer
    raw.close()
