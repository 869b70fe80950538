# SPDX-License-Identifier: Apache-2.0
"""The program itself: start, stop, lock, health, what the log holds (issue 2, section 2)."""

import json
import os
import re
import signal
import subprocess
import threading
import time

from harness.aws import Aws
from harness.daemon import BINARY, Daemon, wait_until


def test_health_needs_no_signature(daemon):
    status, headers, body = daemon.request("GET", "/_virga/health")
    assert status == 200 and headers["Content-Type"].startswith("application/json")
    assert json.loads(body)["status"] == "ok"
    # The form that tools which wait for LocalStack look at.
    _, _, body = daemon.request("GET", "/_localstack/health")
    assert json.loads(body)["services"]["dynamodb"] in ("running", "available")


def test_status_needs_one(daemon):
    status, _, body = daemon.request("GET", "/_virga/status")
    assert status in (400, 403), body


def test_a_second_daemon_is_told_who_has_the_folder(daemon):
    done = subprocess.run(
        [BINARY, "serve", "--listen", "127.0.0.1:0", "--data", str(daemon.data)],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode != 0
    assert str(daemon.data) in done.stderr or str(daemon.process.pid) in done.stderr, done.stderr
    assert daemon.process.poll() is None


def test_options_that_are_wrong_are_refused_before_anything_is_opened(tmp_path):
    for words in (["--listen", "nowhere"], ["--durability", "none"], ["--nothing"], ["--account", "12"]):
        done = subprocess.run(
            [BINARY, "serve", "--data", str(tmp_path / "d"), *words], capture_output=True, text=True, timeout=10
        )
        assert done.returncode == 2 and done.stderr.startswith("virga serve: "), (words, done)
        assert not (tmp_path / "d").exists()


def test_another_address_than_loopback_needs_strict_auth(tmp_path):
    done = subprocess.run(
        [BINARY, "serve", "--data", str(tmp_path / "d"), "--listen", "0.0.0.0:0"],
        capture_output=True, text=True, timeout=10,
    )  # fmt: skip
    assert done.returncode != 0 and "strict" in done.stderr, done


def test_what_was_written_is_there_after_a_clean_stop(make_daemon, name):
    one = make_daemon()
    aws = Aws(one)
    table = name("table")
    aws("dynamodb").create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    aws("dynamodb").put_item(TableName=table, Item={"pk": {"S": "a"}, "n": {"N": "1"}})
    aws.close()
    one.restart()
    assert aws("dynamodb").get_item(TableName=table, Key={"pk": {"S": "a"}})["Item"]["n"] == {"N": "1"}
    one.restart("kill9")
    assert aws("dynamodb").get_item(TableName=table, Key={"pk": {"S": "a"}})["Item"]["n"] == {"N": "1"}
    aws.close()


def test_ephemeral_leaves_nothing(make_daemon):
    one = make_daemon("--ephemeral")
    assert Aws(one)("dynamodb").list_tables()["TableNames"] == []
    before = {p for p in os.listdir("/tmp") if p.startswith("virga-ephemeral")}
    one.stop()
    after = {p for p in os.listdir("/tmp") if p.startswith("virga-ephemeral")}
    assert not after - before
    assert len(after) < len(before) or not before


def test_sigterm_answers_what_is_in_flight(make_daemon):
    one = make_daemon()
    aws = Aws(one)
    stop = threading.Event()
    failures = []

    def work():
        client = aws("dynamodb", region="eu-west-1")
        while not stop.is_set():
            try:
                client.list_tables()
            except Exception as e:  # noqa: BLE001 - judged below
                failures.append(e)
                return

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    process = one.process
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    stop.set()
    for thread in threads:
        thread.join()
    # What fails finds nobody listening, or a connection that was closed between two requests.
    for e in failures:
        assert re.search(r"EndpointConnectionError|ConnectionClosedError|ConnectionError", type(e).__name__), repr(e)
    one.process = None
    aws.close()


def test_the_log_is_json_and_holds_no_secret(make_daemon):
    one = make_daemon("--log-level", "debug")
    aws = Aws(one)
    aws("dynamodb").list_tables()
    aws.close()
    one.stop()
    assert {"time", "level", "event"} <= set(one.logged("ready")[0])
    text = json.dumps(one.events)
    assert "AWS4-HMAC" not in text and "Signature=" not in text


def test_starting_takes_milliseconds(make_daemon):
    from harness.daemon import SLOW

    times = []
    for _ in range(3):
        one = Daemon().start()
        times.append(one.ready_ms)
        one.close()
    assert SLOW or min(times) < 500, times


def test_a_client_that_leaves_is_noticed(make_daemon):
    one = make_daemon()
    for _ in range(10):
        one.request("GET", "/_virga/health")
    before = one.fds()
    for _ in range(50):
        one.request("GET", "/_virga/health")
    assert wait_until(lambda: one.fds() <= before + 1, 5), (before, one.fds())
