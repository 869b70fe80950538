# SPDX-License-Identifier: Apache-2.0
"""What makes sandboxes: under an ordinary user, at the end of the daemon, under a crowd."""

import json
import os
import subprocess

import pytest
from harness.aws import Aws
from test_lambda import TRUST, zipped

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
