# SPDX-License-Identifier: Apache-2.0
"""CloudWatch Logs: groups, streams, events, patterns, retention (API reference and user guide)."""

import os
import subprocess
import time

import pytest
from botocore.exceptions import ClientError
from harness.aws import Aws, Virga
from harness.daemon import wait_until

DAY_MS = 86400_000
# `aws logs tail` exists only in version 2, which PyPI does not have.
CLI_V2 = "/usr/bin/aws"


def now_ms():
    return int(time.time() * 1000)


def code_of(call, **arguments):
    with pytest.raises(ClientError) as e:
        call(**arguments)
    return e.value.response["Error"]["Code"], e.value.response["Error"]["Message"]


@pytest.fixture
def logs(aws):
    return aws("logs")


@pytest.fixture
def group(logs, name):
    group = "/test/" + name("group")
    logs.create_log_group(logGroupName=group)
    yield group
    try:
        logs.delete_log_group(logGroupName=group)
    except logs.exceptions.ResourceNotFoundException:
        pass


def put(logs, group, stream, *messages, at=None, step=1):
    at = at or now_ms()
    logs.put_log_events(
        logGroupName=group,
        logStreamName=stream,
        logEvents=[
            {"timestamp": at + i * step, "message": m} for i, m in enumerate(messages)
        ],
    )
    return at


def messages(page):
    return [e["message"] for e in page["events"]]


def test_groups_and_streams_are_named_once(logs, group):
    code, text = code_of(logs.create_log_group, logGroupName=group)
    assert (code, text) == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    code, text = code_of(logs.create_log_stream, logGroupName=group, logStreamName="s")
    assert (code, text) == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )
    code, text = code_of(
        logs.put_log_events,
        logGroupName=group,
        logStreamName="no",
        logEvents=[event(1)],
    )
    assert (code, text) == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )
    code, text = code_of(
        logs.create_log_stream, logGroupName="/no/such", logStreamName="s"
    )
    assert (code, text) == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    assert (
        code_of(logs.create_log_group, logGroupName="a b")[0]
        == "InvalidParameterException"
    )


def event(offset=0, message="m"):
    return {"timestamp": now_ms() + offset, "message": message}


def test_a_deleted_stream_begins_anew(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    put(logs, group, "s", "old")
    logs.delete_log_stream(logGroupName=group, logStreamName="s")
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    put(logs, group, "s", "new")
    assert messages(logs.get_log_events(logGroupName=group, logStreamName="s")) == [
        "new"
    ]
    assert messages(logs.filter_log_events(logGroupName=group)) == ["new"]


def test_groups_are_described_by_prefix_pattern_and_page(logs, name):
    base = "/d/" + name("g")
    for i in range(5):
        logs.create_log_group(logGroupName=f"{base}/{i}")
    try:
        pages = list(
            logs.get_paginator("describe_log_groups").paginate(
                logGroupNamePrefix=base, PaginationConfig={"PageSize": 2}
            )
        )
        assert [len(p["logGroups"]) for p in pages] == [2, 2, 1]
        found = [g for p in pages for g in p["logGroups"]]
        assert [g["logGroupName"] for g in found] == [f"{base}/{i}" for i in range(5)]
        arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{base}/0"
        assert (found[0]["arn"], found[0]["logGroupArn"]) == (arn + ":*", arn)
        found = logs.describe_log_groups(logGroupNamePattern=base[3:] + "/3")[
            "logGroups"
        ]
        assert [g["logGroupName"] for g in found] == [f"{base}/3"]
    finally:
        for i in range(5):
            logs.delete_log_group(logGroupName=f"{base}/{i}")


def test_streams_are_ordered_by_name_or_last_event(logs, group):
    at = now_ms() - 100_000
    for i, stream in enumerate(["b", "c", "a"]):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        put(logs, group, stream, "m", at=at + i * 1000)
    logs.create_log_stream(logGroupName=group, logStreamName="empty")

    def names(**more):
        pages = logs.get_paginator("describe_log_streams").paginate(
            logGroupName=group, PaginationConfig={"PageSize": 2}, **more
        )
        return [s["logStreamName"] for p in pages for s in p["logStreams"]]

    assert names() == ["a", "b", "c", "empty"]
    assert names(descending=True) == ["empty", "c", "b", "a"]
    assert names(orderBy="LastEventTime") == ["empty", "b", "c", "a"]
    assert names(orderBy="LastEventTime", descending=True) == ["a", "c", "b", "empty"]
    assert names(logStreamNamePrefix="e") == ["empty"]
    code, text = code_of(
        logs.describe_log_streams,
        logGroupName=group,
        orderBy="LastEventTime",
        logStreamNamePrefix="a",
    )
    assert (code, text) == (
        "InvalidParameterException",
        "Cannot order by LastEventTime with a logStreamNamePrefix.",
    )
    one = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="b")[
        "logStreams"
    ][0]
    assert one["firstEventTimestamp"] == one["lastEventTimestamp"] == at


def test_events_are_read_forward_and_backward(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    put(
        logs, group, "s", *[f"m{i}" for i in range(10)], step=0
    )  # one millisecond: the order is that of the call

    def get(**more):
        return logs.get_log_events(logGroupName=group, logStreamName="s", **more)

    last = get(limit=3)
    assert messages(last) == [
        "m7",
        "m8",
        "m9",
    ]  # without startFromHead the latest, in their order
    before = get(limit=3, nextToken=last["nextBackwardToken"])
    assert messages(before) == ["m4", "m5", "m6"]
    assert messages(get(limit=3, nextToken=before["nextForwardToken"])) == [
        "m7",
        "m8",
        "m9",
    ]
    end = get(nextToken=last["nextForwardToken"])
    assert messages(end) == [] and end["nextForwardToken"] == last["nextForwardToken"]
    put(logs, group, "s", "later", at=now_ms() + 1000)
    assert messages(get(nextToken=end["nextForwardToken"])) == ["later"]
    assert messages(get(startFromHead=True, limit=2)) == ["m0", "m1"]
    assert code_of(get, nextToken="nonsense")[0] == "InvalidParameterException"


def test_an_end_time_is_not_included(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    at = put(logs, group, "s", "a", "b", "c")
    page = logs.get_log_events(
        logGroupName=group, logStreamName="s", startTime=at + 1, endTime=at + 2
    )
    assert messages(page) == ["b"]
    assert messages(
        logs.filter_log_events(logGroupName=group, startTime=at + 1, endTime=at + 2)
    ) == ["b"]


def test_batches_have_limits(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="s")

    def refused(*events):
        return code_of(
            logs.put_log_events,
            logGroupName=group,
            logStreamName="s",
            logEvents=list(events),
        )

    assert refused(event(2), event(1)) == (
        "InvalidParameterException",
        "Log events in a single PutLogEvents request must be in chronological order.",
    )
    assert (
        "cannot span more than 24 hours" in refused(event(-DAY_MS - 1000), event())[1]
    )
    assert "exceeds limit of 1048576" in refused(event(message="x" * 1048560))[1]
    put(logs, group, "s", "x" * 1048550)


def test_events_too_old_or_too_new_are_named(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="s")

    def rejected(*offsets):
        answer = logs.put_log_events(
            logGroupName=group,
            logStreamName="s",
            logEvents=[event(o, f"at {o}") for o in offsets],
        )
        return answer.get("rejectedLogEventsInfo")

    assert rejected(0) is None
    assert rejected(-14 * DAY_MS - 60_000, -14 * DAY_MS + 60_000) == {
        "tooOldLogEventEndIndex": 1
    }
    assert rejected(7100_000, 7300_000) == {"tooNewLogEventStartIndex": 1}
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    assert rejected(-DAY_MS - 60_000, -DAY_MS + 60_000) == {
        "expiredLogEventEndIndex": 1
    }


def test_streams_are_filtered_as_one(logs, group):
    at = now_ms() - 1000
    for s in range(3):
        logs.create_log_stream(logGroupName=group, logStreamName=f"s{s}")
        put(logs, group, f"s{s}", *[f"{i} of s{s}" for i in range(20)], at=at, step=3)
    pages = list(
        logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, interleaved=True, PaginationConfig={"PageSize": 7}
        )
    )
    found = [e for p in pages for e in p["events"]]
    assert [e["message"] for e in found] == [
        f"{i} of s{s}" for i in range(20) for s in range(3)
    ]
    assert len({e["eventId"] for e in found}) == 60
    assert all(len(p["events"]) <= 7 for p in pages)
    some = logs.filter_log_events(
        logGroupName=group, logStreamNames=["s0", "s2"], filterPattern='"5 of"'
    )
    assert messages(some) == ["5 of s0", "5 of s2", "15 of s0", "15 of s2"]
    assert (
        len(
            messages(
                logs.filter_log_events(logGroupName=group, logStreamNamePrefix="s1")
            )
        )
        == 20
    )
    code, _ = code_of(
        logs.filter_log_events,
        logGroupName=group,
        logStreamNames=["s0"],
        logStreamNamePrefix="s",
    )
    assert code == "InvalidParameterException"


def test_patterns_select(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    lines = [
        "[ERROR] 404 not found",
        "INFO all well",
        '{"level":"warn","status":500,"user":{"name":"ann"}}',
        '{"level":"info","status":200}',
        '10.0.0.1 - bob [today] "GET /x" 404 12',
    ]
    put(logs, group, "s", *lines)

    def found(pattern):
        return [
            lines.index(m)
            for m in messages(
                logs.filter_log_events(logGroupName=group, filterPattern=pattern)
            )
        ]

    assert found("ERROR") == [0]
    assert found("?ERROR ?INFO") == [0, 1]
    assert found('404 -"GET"') == [0]
    assert found("{ $.status >= 500 }") == [2]
    assert found('{ $.user.name = "a*" || $.status = 200 }') == [2, 3]
    assert found("{ $.user NOT EXISTS }") == [3]
    assert found("[ip, dash, user, time, request, status=4*, size]") == [4]
    assert found("%[45]0[0-9]%") == [0, 2, 4]
    assert code_of(logs.filter_log_events, logGroupName=group, filterPattern="a-b") == (
        "InvalidParameterException",
        "Invalid character(s) in term 'a-b'",
    )


def test_tags(logs, name):
    group = "/t/" + name("g")
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    logs.create_log_group(logGroupName=group, tags={"a": "1"})
    logs.tag_resource(resourceArn=arn, tags={"b": "2"})
    logs.tag_log_group(logGroupName=group, tags={"c": "3"})
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {
        "a": "1",
        "b": "2",
        "c": "3",
    }
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    logs.untag_log_group(logGroupName=group, tags=["c"])
    assert logs.list_tags_log_group(logGroupName=group)["tags"] == {"b": "2"}
    logs.delete_log_group(logGroupName=group)
    assert (
        code_of(logs.list_tags_for_resource, resourceArn=arn)[0]
        == "ResourceNotFoundException"
    )


def test_what_is_not_built_is_refused(logs, name):
    group = "/n/" + name("g")
    for more in (
        {"kmsKeyId": "arn:aws:kms:us-east-1:000000000000:key/x"},
        {"logGroupClass": "INFREQUENT_ACCESS"},
    ):
        assert (
            code_of(logs.create_log_group, logGroupName=group, **more)[0]
            == "InvalidParameterException"
        )
    status = code_of(logs.put_retention_policy, logGroupName="/x", retentionInDays=2)
    assert status[0] == "InvalidParameterException"


def test_retention_deletes_on_the_virtual_clock(make_daemon):
    one = make_daemon()
    aws, virga = Aws(one), Virga(one)
    logs = aws("logs")
    logs.create_log_group(logGroupName="/r")
    for stream in ("a", "b"):
        logs.create_log_stream(logGroupName="/r", logStreamName=stream)
        put(logs, "/r", stream, "old")
    logs.put_retention_policy(logGroupName="/r", retentionInDays=3)
    assert logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 2 * (3 + 26)
    virga("clock", "advance", "71h")
    assert messages(logs.filter_log_events(logGroupName="/r")) == ["old", "old"]
    virga("clock", "advance", "2h")
    assert messages(logs.filter_log_events(logGroupName="/r")) == []
    assert messages(logs.get_log_events(logGroupName="/r", logStreamName="a")) == []
    assert wait_until(
        lambda: logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 0, 10
    )
    one.restart("kill9")
    assert logs_of(one).describe_log_groups()["logGroups"][0]["retentionInDays"] == 3
    aws.close()


def logs_of(one):
    return Aws(one)("logs")


def test_events_survive_a_kill(make_daemon):
    one = make_daemon()
    logs = logs_of(one)
    logs.create_log_group(logGroupName="/k")
    logs.create_log_stream(logGroupName="/k", logStreamName="s")
    put(logs, "/k", "s", "kept")
    one.restart("kill9")
    assert messages(logs_of(one).filter_log_events(logGroupName="/k")) == ["kept"]


@pytest.mark.skipif(
    not os.path.exists(CLI_V2), reason="needs the AWS CLI version 2 of Debian (awscli)"
)
def test_aws_logs_tail_follows(daemon, logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    put(logs, group, "s", "before")
    command = [
        CLI_V2,
        "--endpoint-url",
        daemon.endpoint,
        "logs",
        "tail",
        group,
        "--follow",
        "--format",
        "short",
    ]
    env = {**daemon.aws_env(), "PYTHONUNBUFFERED": "1"}
    tail = subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert tail.stdout.readline().rstrip().endswith("before")
        put(logs, group, "s", "after")
        assert tail.stdout.readline().rstrip().endswith("after")
    finally:
        tail.kill()
        tail.wait()
        tail.stdout.close()
