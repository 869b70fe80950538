# SPDX-License-Identifier: Apache-2.0
"""The harness itself: that it sees what it is there to see."""

import pytest
from botocore.session import Session
from harness.validate import check_error, check_unknown, check_value


def shape_of(service, operation):
    return Session().get_service_model(service).operation_model(operation)


def test_missing_required_member_and_bad_enum_are_seen():
    model = shape_of("dynamodb", "DescribeTable")
    out = []
    check_value("dynamodb", model.output_shape, {"Table": {"TableStatus": "SLEEPING"}}, "t", out)
    assert out == [
        "t.Table.TableStatus: 'SLEEPING' is not one of "
        + str(model.output_shape.members["Table"].members["TableStatus"].enum)
    ]
    out = []
    model = shape_of("lambda", "GetPolicy")
    check_value("lambda", shape_of("dynamodb", "CreateTable").input_shape, {}, "in", out)
    assert any("required member" in line for line in out)


def test_unknown_member_on_the_wire_is_seen():
    out = []
    check_unknown(shape_of("dynamodb", "ListTables").output_shape, {"TableNames": [], "Extra": 1}, "r", out)
    assert out == ["r: member Extra is not in the model"]


@pytest.mark.parametrize(
    "code, status, good",
    [
        ("ResourceNotFoundException", 400, True),
        ("ValidationException", 400, True),
        ("NoSuchThing", 400, False),
        ("InternalFailure", 500, False),
    ],
)
def test_errors_are_held_to_the_model(code, status, good):
    out = []
    check_error(shape_of("dynamodb", "DescribeTable"), status, {"Error": {"Code": code}}, out)
    assert (out == []) == good, out
