# SPDX-License-Identifier: Apache-2.0
"""Calls that must end with an error of AWS's."""

import pytest
from botocore.exceptions import ClientError


class Refusal:
    """What a client was told: the answer, of which the error, its message, the HTTP status and headers."""

    def __init__(self, answer):
        self.answer = answer
        self.error = answer["Error"]
        self.message = self.error.get("Message", "")
        self.status = answer["ResponseMetadata"]["HTTPStatusCode"]
        self.headers = answer["ResponseMetadata"]["HTTPHeaders"]


def refused(code, call, /, *args, **parameters):
    """refused("NoSuchKey", s3.get_object, Bucket=…): makes the call, which fails with that code. Gives the Refusal."""
    with pytest.raises(ClientError) as e:
        call(*args, **parameters)
    assert e.value.response["Error"]["Code"] == code, e.value
    return Refusal(e.value.response)
