# SPDX-License-Identifier: Apache-2.0
"""What makes sandboxes: under an ordinary user, at the end of the daemon, under a crowd."""

import concurrent.futures
import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from harness.aws import Aws
from harness.daemon import alive, descendants, stat_fields, wait_until
from harness.leaks import orphaned_cgroups
from test_lambda import TRUST, zipped, zipped_as

NOBODY = 65534


def lambda_of(daemon):
    """(client, ARN of a role) of a daemon of our own."""
    aws = Aws(daemon)
    return aws("lambda"), aws("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]


def create(client, role, name, code, handler="app.handler", runtime="python3.11", **settings):
    client.create_function(
        FunctionName=name, Runtime=runtime, Role=role, Handler=handler, Code={"ZipFile": zipped(app__py=code)}, **settings
    )


def answer_of(response):
    return json.loads(response["Payload"].read()), response.get("FunctionError")


@pytest.fixture
def ordinary_user():
    if os.geteuid() != 0:
        pytest.skip("only root can run the daemon as somebody else")
    probe = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--net", "--fork", "true"]
    made = subprocess.run(probe, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"an ordinary user cannot make namespaces here: {made.stderr.strip()}")
    return NOBODY


def test_an_ordinary_user_runs_functions(make_daemon, ordinary_user):
    """Without root there is one user for all sandboxes, and (mostly) no control group: hence weak."""
    daemon = make_daemon("--sandbox", "weak", uid=ordinary_user)
    client, role = lambda_of(daemon)
    code = "import os\ndef handler(e, c):\n    return [e, os.getuid(), os.statvfs('/tmp').f_blocks * os.statvfs('/tmp').f_frsize]\n"
    create(client, role, "f", code, EphemeralStorage={"Size": 600})
    for event in (1, 2):
        answer = answer_of(client.invoke(FunctionName="f", Payload=json.dumps(event)))
        assert answer == ([event, 993, 600 << 20], None)


# --- the end -----------------------------------------------------------------------------------


def freezers(daemon):
    """[(path, what freezes)] of the sandboxes of this daemon's jail: skipped where nothing can be frozen."""
    jails = {f"virga-jail.{pid}" for pid in descendants(daemon.process.pid)}
    found = []
    for folder, _, files in os.walk("/sys/fs/cgroup"):
        if os.path.basename(os.path.dirname(folder)) in jails:
            found += [(f"{folder}/{f}", w) for f, w in (("freezer.state", "FROZEN"), ("cgroup.freeze", "1")) if f in files]
    if not found:
        pytest.skip("this machine has no control groups that freeze")
    return found


def freeze_all(paths):
    for path, word in paths:
        try:
            Path(path).write_text(word, encoding="ascii")
        except OSError:
            pass  # it has ended


@contextlib.contextmanager
def somebody_freezes(paths, seconds):
    """Again and again, as a thread of the daemon may that is in the midst of it while the jail ends them."""
    is_over = threading.Event()

    def freeze():
        until = time.monotonic() + seconds
        while time.monotonic() < until and not is_over.wait(0.001):
            freeze_all(paths)

    thread = threading.Thread(target=freeze)
    freeze_all(paths)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


BUSY = """
import os, time
def handler(e, c):
    for _ in range(e["processes"]):
        if os.fork() == 0:
            while True:
                pass
    return os.getpid()
"""


@pytest.fixture
def busy_daemon(make_daemon):
    """With sandboxes that idle and sandboxes that use every core."""
    daemon = make_daemon()
    client, role = lambda_of(daemon)
    for i in range(6):
        create(client, role, f"busy-{i}", BUSY)
        answer, error = answer_of(client.invoke(FunctionName=f"busy-{i}", Payload=json.dumps({"processes": i})))
        assert error is None and answer > 0
    return daemon


@pytest.mark.parametrize("how", ["stop", "kill9"])
def test_the_end_of_the_daemon_ends_frozen_and_busy_sandboxes(busy_daemon, how):
    """Both wait until every process below the daemon is gone; orphaned control groups are looked for after it."""
    paths = freezers(busy_daemon)
    with somebody_freezes(paths, 0.5):
        getattr(busy_daemon, how)()


def test_a_sandbox_that_is_frozen_while_it_is_killed_ends(busy_daemon):
    """With control groups v1 what is frozen does not die of a SIGKILL."""
    size = lambda path: len(Path(path).with_name("cgroup.procs").read_text().split())  # noqa: E731
    # Two are a pid 1 and its main process, which may be of the pool.
    busy = [(path, word) for path, word in freezers(busy_daemon) if os.path.exists(path) and size(path) > 2]
    assert len(busy) == 5
    client = Aws(busy_daemon)("lambda")
    with somebody_freezes(busy, 10):
        for i in range(6):
            client.delete_function(FunctionName=f"busy-{i}")
        time.sleep(0.5)
    assert wait_until(lambda: not [path for path, _ in busy if os.path.exists(path)], 10)


# A runtime of one's own, which answers one event and never asks for another.
AWAY = """#!/usr/bin/python3
import os, time, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
event = urllib.request.urlopen(api + "next")
id = event.headers["Lambda-Runtime-Aws-Request-Id"]
urllib.request.urlopen(api + id + "/response", data=event.read()).read()
time.sleep(3600)
"""


def test_a_deleted_function_that_never_came_back_for_more_ends(make_daemon):
    """What has answered is between two invocations, where nothing of it waits in /next."""
    daemon = make_daemon()
    client, role = lambda_of(daemon)
    package = zipped_as({"bootstrap": AWAY}, mode=0o755)
    client.create_function(FunctionName="away", Runtime="provided.al2023", Role=role, Handler="x", Code={"ZipFile": package})
    assert answer_of(client.invoke(FunctionName="away", Payload=b'"here"')) == ("here", None)
    script = [p for p in descendants(daemon.process.pid) if b"bootstrap" in Path(f"/proc/{p}/cmdline").read_bytes()]
    assert len(script) == 1
    client.delete_function(FunctionName="away")
    assert wait_until(lambda: not alive(script[0]), 10)


def test_what_a_killed_jail_left_frozen_ends_with_the_next_one(busy_daemon):
    daemon, paths = busy_daemon, freezers(busy_daemon)
    family = descendants(daemon.process.pid)
    [jail] = [p for p in family if stat_fields(p)[1] == str(daemon.process.pid)]
    freeze_all(paths)
    os.kill(jail, signal.SIGSTOP)  # so that it cannot clean up
    daemon.process.kill()
    daemon.process.wait()
    os.kill(jail, signal.SIGKILL)
    daemon.restart("kill9")
    client = Aws(daemon)("lambda")
    assert answer_of(client.invoke(FunctionName="busy-0", Payload=b'{"processes": 0}'))[1] is None
    assert wait_until(lambda: not [p for p in family if alive(p)], 10)


# --- a crowd -----------------------------------------------------------------------------------


@pytest.fixture
def crowd(make_daemon):
    """crowd(n) is a daemon with n new functions, and what invokes the i-th once n callers have come."""
    return lambda n: crowd_of(make_daemon(), n)


def crowd_of(daemon, n):
    _, role = lambda_of(daemon)
    client = Aws(daemon)("lambda", max_pool_connections=n)
    for i in range(n):
        create(client, role, f"f{i}", f"def handler(e, c):\n    return [{i}, e]\n", Timeout=30)
    gate = threading.Barrier(n)

    def one(i):
        gate.wait()
        return answer_of(client.invoke(FunctionName=f"f{i}", Payload=b'"x"'))

    return daemon, one


def test_a_hundred_functions_invoked_at_once_all_answer(crowd):
    """Each start waits for the others' at most: the queue is no reason to refuse one, or to let its init time pass."""
    _, one = crowd(100)
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        assert list(pool.map(one, range(100))) == [([i, "x"], None) for i in range(100)]


def test_the_daemon_stops_while_starts_wait_for_their_turn(crowd):
    daemon, one = crowd(50)
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        calls = [pool.submit(one, i) for i in range(50)]
        concurrent.futures.wait(calls, return_when=concurrent.futures.FIRST_COMPLETED)
        daemon.stop()
        for call in calls:
            if call.exception() is None:
                assert call.result()[1] is None


# --- what these tests look for -----------------------------------------------------------------


def test_left_control_groups_are_looked_for_by_the_jails_of_a_daemon(make_daemon, tmp_path):
    """Those of another daemon on this machine are none of a test's business."""
    daemon = make_daemon()
    client, role = lambda_of(daemon)
    create(client, role, "f", "def handler(e, c):\n    return e\n")
    assert answer_of(client.invoke(FunctionName="f", Payload=b"1")) == (1, None)
    [jail] = {Path(path).parts[-3] for path, _ in freezers(daemon)}
    (tmp_path / "freezer" / jail).mkdir(parents=True)
    (tmp_path / "freezer" / "virga-jail.4194304").mkdir()  # a pid that cannot be
    assert orphaned_cgroups([daemon], tmp_path) == []
    daemon.stop()
    assert orphaned_cgroups([daemon], tmp_path) == [f"{tmp_path}/freezer/{jail}"]
