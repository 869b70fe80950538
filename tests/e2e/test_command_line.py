# SPDX-License-Identifier: Apache-2.0
"""virga status, env, call, clock, completion."""

import json
import subprocess

from harness.aws import Virga


def test_status(virga, daemon):
    text = virga("status").stdout
    assert "version:" in text and daemon.address in text
    status = json.loads(virga("status", "--json").stdout)
    assert status["account"] == "000000000000" and status["region"] == "us-east-1"


def test_no_daemon_is_said_plainly(virga):
    done = virga("status", "--endpoint", "http://127.0.0.1:1", check=False)
    assert done.returncode == 1 and "virga serve" in done.stderr


def test_env_is_all_that_a_tool_needs(daemon, virga):
    lines = virga("env", env={"AWS_ENDPOINT_URL": daemon.endpoint}).stdout
    script = f"{lines}\necho $AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_REGION"
    done = subprocess.run(["bash", "-c", script], env={"AWS_PROFILE": "x"}, capture_output=True, text=True)
    assert done.stdout.split() == [daemon.endpoint, "test", "test", "us-east-1"]


def test_call_takes_types_from_the_model(virga, name):
    table = name("table")
    virga(
        "call", "dynamodb", "CreateTable", f"TableName={table}", "BillingMode=PAY_PER_REQUEST",
        'AttributeDefinitions=[{"AttributeName":"pk","AttributeType":"S"}]',
        'KeySchema=[{"AttributeName":"pk","KeyType":"HASH"}]',
    )  # fmt: skip
    virga("call", "dynamodb", "put-item", f"TableName={table}", "Item.pk.S=a", "Item.n.N=12")
    got = virga("call", "dynamodb", "GetItem", f"TableName={table}", "Key.pk.S=a", "ConsistentRead=true", "--json")
    assert json.loads(got.stdout)["Item"] == {"pk": {"S": "a"}, "n": {"N": "12"}}
    again = virga("call", "dynamodb", "Scan", "--json", "--input", json.dumps({"TableName": table, "Limit": 1}))
    assert json.loads(again.stdout)["Count"] == 1
    piped = virga("call", "dynamodb", "DescribeTable", "--input", "-", stdin=json.dumps({"TableName": table}))
    assert f"TableName: {table}" in piped.stdout
    virga("call", "dynamodb", "DeleteTable", f"TableName={table}")


def test_call_shows_the_services_errors(virga):
    done = virga("call", "dynamodb", "DescribeTable", "TableName=absent-table", check=False)
    assert done.returncode == 1
    assert "ResourceNotFoundException" in done.stderr and "absent-table" in done.stderr
    done = virga("call", "dynamodb", "DescribeTable", "Table=x", check=False)
    assert done.returncode == 1 and "there is no member 'Table'" in done.stderr
    done = virga("call", "nothing", "Else", check=False)
    assert done.returncode == 1 and "there is no nothing Else" in done.stderr


def test_call_lists_and_explains(virga):
    assert "dynamodb" in virga("call").stdout.split()
    assert "PutItem" in virga("call", "dynamodb").stdout.split()
    text = virga("call", "dynamodb", "GetItem", "--help").stdout
    assert "TableName" in text and "(required)" in text


def test_clock(make_daemon):
    one = make_daemon()
    virga = Virga(one)

    def show():
        return json.loads(virga("clock", "show", "--json").stdout)

    start = show()
    virga("clock", "advance", "3h")
    assert 3 * 3600_000 <= show()["now_ms"] - start["now_ms"] < 3 * 3600_000 + 60_000
    virga("clock", "freeze")
    frozen = show()["now_ms"]
    assert show()["now_ms"] == frozen and show()["is_frozen"] is True
    virga("clock", "resume")
    assert show()["is_frozen"] is False
    virga("clock", "set", "2090-01-01T00:00:00Z")
    assert show()["now_ms"] >= 3786912000000
    one.restart("kill9")
    virga = Virga(one)
    assert show()["now_ms"] >= 3786912000000  # the move is durable
    done = virga("clock", "set", "2000-01-01T00:00:00Z", check=False)
    assert done.returncode == 1, done  # never backwards


def test_completion_scripts_are_whole(virga):
    for shell in ("bash", "zsh"):
        text = virga("completion", shell).stdout
        assert "_virga" in text
    script = virga("completion", "bash").stdout
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0


def test_help_everywhere(virga):
    for words in ([], ["serve"], ["status"], ["env"], ["call"], ["clock"], ["fsck"], ["completion"]):
        done = virga(*words, "--help")
        assert "usage: " in done.stdout, words
    assert virga("--version").stdout.startswith("virga ")
    assert virga("nothing", check=False).returncode == 2
