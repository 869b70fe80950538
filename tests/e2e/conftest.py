# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests.

    daemon        the session's `virga serve`, shared: use names of your own (`name`)
    make_daemon   make_daemon("--ephemeral") starts one for this test alone, removed after it
    aws, cli, node, virga   clients of `daemon`; Aws(other), Cli(other) … of another one
    name          name("table") is a name no other test uses
    s3, nobody    a client of S3; one that signs nothing
    make_bucket   make_bucket("logs", …) makes a bucket of `s3`'s that is emptied and deleted after the test: its name
    bucket        such a bucket

VIRGA_BIN picks the binary, so that the same tests run on a sanitized build.
"""

import itertools
import os

import botocore
import pytest
from harness.aws import Aws, Cli, Node, Virga
from harness.daemon import Daemon, wait_until
from harness.leaks import Watch
from harness.policies import document
from harness.s3 import empty


@pytest.fixture(scope="session")
def daemon():
    watch = Watch()
    one = Daemon().start()
    try:
        yield one
    finally:
        one.close()
    watch.check([one])


@pytest.fixture
def make_daemon():
    watch = Watch()
    made = []

    def make(*args, start=True, **options):
        one = Daemon(args, **options)
        made.append(one)
        return one.start() if start else one

    yield make
    problems = []
    for one in made:
        try:
            one.close()
        except AssertionError as e:
            problems.append(str(e))
    assert not problems, "\n".join(problems)
    if made:
        watch.check(made)


@pytest.fixture(scope="session")
def aws(daemon):
    clients = Aws(daemon)
    yield clients
    clients.close()


@pytest.fixture(scope="session")
def cli(daemon):
    return Cli(daemon)


@pytest.fixture(scope="session")
def node(daemon):
    return Node(daemon)


@pytest.fixture(scope="session")
def virga(daemon):
    return Virga(daemon)


NUMBERS = itertools.count(1)


@pytest.fixture
def name():
    return lambda what="thing": f"{what}-{os.getpid()}-{next(NUMBERS)}"


@pytest.fixture
def s3(aws):
    return aws("s3")


@pytest.fixture
def nobody(aws):
    return aws("s3", signature_version=botocore.UNSIGNED)


@pytest.fixture
def make_s3_user(aws, name):
    """An S3 client of a new user who may do what the statements say."""

    def make(*statements):
        who, iam = name("user"), aws("iam")
        iam.create_user(UserName=who)
        iam.put_user_policy(UserName=who, PolicyName="p", PolicyDocument=document(*statements))
        made = iam.create_access_key(UserName=who)["AccessKey"]
        return aws("s3", creds=(made["AccessKeyId"], made["SecretAccessKey"]))

    return make


@pytest.fixture
def make_bucket(s3, name):
    made = []

    def make(what="bucket", **settings):
        made.append(name(what))
        s3.create_bucket(Bucket=made[-1], **settings)
        return made[-1]

    yield make
    for one in made:
        empty(s3, one)
        s3.delete_bucket(Bucket=one)


@pytest.fixture
def bucket(make_bucket):
    return make_bucket()


@pytest.fixture(autouse=True)
def judged(request):
    """After each test: the shared daemon lives, said nothing alarming, and holds no descriptors of ours."""
    uses = [n for n in ("daemon", "aws", "cli", "node", "virga") if n in request.fixturenames]
    if not uses:
        yield
        return
    one = request.getfixturevalue("daemon")
    for mark in request.node.iter_markers("logs"):
        one.expected.update(mark.args)
    before = one.fds()
    yield
    assert one.process.poll() is None, f"the daemon ended with {one.process.returncode}:\n{one.log_tail()}"
    one.check_log()
    # Clients keep up to their pool's size open; what grows past that, test by test, is a leak.
    assert wait_until(lambda: one.fds() <= before + 64, 5), f"descriptors: {before} before, {one.fds()} after"
