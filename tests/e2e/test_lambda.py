# SPDX-License-Identifier: Apache-2.0
"""Lambda through boto3: functions of three kinds, their failures, versions, permissions, the queue."""

import base64
import concurrent.futures
import io
import json
import platform
import subprocess
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from harness.aws import Aws, Virga
from harness.daemon import BINARY, wait_until
from harness.refused import refused

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def zipped_as(files, mode=0o644):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100000 | mode) << 16
            z.writestr(entry, text)
    return out.getvalue()


def zipped(**files):
    return zipped_as({key.replace("__", "."): text for key, text in files.items()})


@pytest.fixture(scope="module")
def role(aws):
    arn = aws("iam").create_role(RoleName="lambda-tests", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    aws("iam").attach_role_policy(RoleName="lambda-tests", PolicyArn=BASIC)
    yield arn
    aws("iam").detach_role_policy(RoleName="lambda-tests", PolicyArn=BASIC)
    aws("iam").delete_role(RoleName="lambda-tests")


@pytest.fixture
def create(aws, role, name):
    made = []

    def make(code, handler="app.handler", runtime="python3.11", **settings):
        function = name("fn")
        if isinstance(code, str):
            code = zipped(app__py=code)
        aws("lambda").create_function(
            FunctionName=function, Runtime=runtime, Role=role, Handler=handler, Code={"ZipFile": code}, **settings
        )
        made.append(function)
        return function

    yield make
    for function in made:
        aws("lambda").delete_function(FunctionName=function)


@pytest.fixture
def invoke(aws):
    def call(function, event=None, **settings):
        answer = aws("lambda").invoke(FunctionName=function, Payload=json.dumps(event), **settings)
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    return call


class Own:
    """A daemon of the test's own, with a role; `own.create(name, code)` makes functions."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.aws = Aws(self.daemon)
        self.virga = Virga(self.daemon)
        self.role = self.aws("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        self.aws("iam").attach_role_policy(RoleName="r", PolicyArn=BASIC)

    def create(self, function, code, **settings):
        code = {"ZipFile": zipped(app__py=code)}
        common = {"Runtime": "python3.11", "Role": self.role, "Handler": "app.handler"}
        return self.aws("lambda").create_function(FunctionName=function, Code=code, **common, **settings)

    def invoke(self, function, event=None, **settings):
        answer = self.aws("lambda").invoke(FunctionName=function, Payload=json.dumps(event), **settings)
        return json.loads(answer["Payload"].read() or b"null"), answer.get("FunctionError")


@pytest.fixture
def own(make_daemon):
    it = Own(make_daemon())
    yield it
    it.aws.close()


def messages(aws, function):
    logs, group = aws("logs"), f"/aws/lambda/{function}"
    try:
        return [e["message"] for e in logs.filter_log_events(logGroupName=group)["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


# --- what a function sees ----------------------------------------------------------------------

LOOK = """
import os, boto3
def handler(event, context):
    return {
        "event": event,
        "env": dict(os.environ),
        "me": boto3.client("sts").get_caller_identity()["Arn"],
        "cwd": os.getcwd(),
        "context": {k: getattr(context, k) for k in ("function_name", "memory_limit_in_mb", "function_version",
            "invoked_function_arn", "log_group_name", "log_stream_name", "aws_request_id")},
        "left": context.get_remaining_time_in_millis(),
    }
"""


def test_a_function_sees_what_it_sees_on_aws(create, invoke, aws, role):
    function = create(LOOK, Timeout=10, MemorySize=256, Environment={"Variables": {"MINE": "ü=1"}})
    answer, error = invoke(function, {"a": [1]})
    assert error is None
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    assert answer["event"] == {"a": [1]}
    assert answer["me"] == f"arn:aws:sts::000000000000:assumed-role/lambda-tests/{function}"
    assert answer["cwd"] == "/var/task"
    assert 5000 < answer["left"] <= 10000
    env, context = answer["env"], answer["context"]
    assert env["MINE"] == "ü=1"
    assert env["AWS_LAMBDA_FUNCTION_NAME"] == context["function_name"] == function
    assert env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == context["memory_limit_in_mb"] == "256"
    assert env["AWS_LAMBDA_LOG_GROUP_NAME"] == context["log_group_name"] == f"/aws/lambda/{function}"
    assert env["AWS_LAMBDA_LOG_STREAM_NAME"] == context["log_stream_name"]
    assert (env["AWS_REGION"], env["_HANDLER"], env["TZ"]) == ("us-east-1", "app.handler", ":UTC")
    assert env["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.11"
    assert context["invoked_function_arn"] == arn
    assert context["function_version"] == "$LATEST"


def test_only_tmp_can_be_written(create, invoke):
    function = create(
        "import os\ndef handler(e, c):\n    open('/tmp/x', 'w').close()\n"
        "    found = [d for top in os.listdir('/') if top != 'proc' for d, _, _ in os.walk('/' + top)]\n"
        "    return [d for d in found + ['/'] if os.access(d, os.W_OK)]\n",
        Timeout=30,
    )
    assert invoke(function) == (["/tmp"], None)


def test_the_remaining_time_counts_down(create, invoke):
    code = zipped(
        app__py="import time\ndef handler(e, c):\n    a = c.get_remaining_time_in_millis()\n    time.sleep(0.2)\n"
        "    return [a, c.get_remaining_time_in_millis()]\n",
        index__js="exports.handler = async (e, c) => { const a = c.getRemainingTimeInMillis();\n"
        "  await new Promise((r) => setTimeout(r, 200)); return [a, c.getRemainingTimeInMillis()]; };\n",
    )
    for handler, runtime in (("app.handler", "python3.11"), ("index.handler", "nodejs20.x")):
        (first, second), error = invoke(create(code, handler, runtime, Timeout=30, MemorySize=512))
        assert error is None
        assert 0 < second <= first - 200 and first <= 30000


def test_the_role_decides_what_a_function_may(create, invoke, aws, name):
    table = name("table")
    aws("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    function = create(
        "import boto3\ndb = boto3.client('dynamodb')\n"
        "def handler(e, c):\n    db.put_item(TableName=e, Item={'pk': {'S': 'from inside'}})\n",
        Timeout=10,
    )
    answer, error = invoke(function, table)
    assert error == "Unhandled"
    assert "AccessDeniedException" in answer["errorMessage"]
    assert "is not authorized to perform: dynamodb:PutItem" in answer["errorMessage"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}]}
    aws("iam").put_role_policy(RoleName="lambda-tests", PolicyName="db", PolicyDocument=json.dumps(policy))
    try:
        assert invoke(function, table) == (None, None)
        assert aws("dynamodb").get_item(TableName=table, Key={"pk": {"S": "from inside"}})["Item"]
    finally:
        aws("iam").delete_role_policy(RoleName="lambda-tests", PolicyName="db")
        aws("dynamodb").delete_table(TableName=table)


def test_credentials_follow_the_virtual_clock(own):
    """A role session lasts six hours of the virtual clock; a warm function outlives it."""
    table = own.aws("dynamodb").create_table(
        TableName="puts",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": table}]}
    own.aws("iam").put_role_policy(RoleName="r", PolicyName="put", PolicyDocument=json.dumps(policy))
    own.create(
        "f",
        "import boto3\ndb = boto3.client('dynamodb')\n"
        "def handler(e, c):\n    db.put_item(TableName='puts', Item={'pk': {'S': e}})\n    return c.log_stream_name\n",
        Timeout=20,
    )
    stream, error = own.invoke("f", "first")
    assert error is None
    assert own.invoke("f", "warm") == (stream, None)
    for by in ("5h", "7h", "24h"):
        own.virga("clock", "advance", by)
        answer, error = own.invoke("f", by)
        assert error is None, answer
    assert own.aws("dynamodb").scan(TableName="puts", Select="COUNT")["Count"] == 5


def test_the_root_key_does_not_work_inside(create, invoke):
    function = create(
        "import boto3\ndef handler(e, c):\n"
        "    s = boto3.Session(aws_access_key_id='test', aws_secret_access_key='test')\n"
        "    return s.client('sts').get_caller_identity()['Arn']\n",
        Timeout=10,
    )
    answer, error = invoke(function)
    assert error == "Unhandled"
    assert answer["errorType"] in ("ClientError", "InvalidClientTokenIdException")


def test_node_commonjs_esm_callback_and_sdk(create, invoke):
    code = zipped(
        index__js="exports.handler = async (e) => ({ e });\n"
        "exports.cb = (e, c, cb) => { setTimeout(() => cb(null, c.functionName), 5); };\n"
        "exports.bad = async () => { throw new TypeError('nope'); };\n"
        "exports.sdk = async () => (await new (require('@aws-sdk/client-sts').STSClient)().send("
        "new (require('@aws-sdk/client-sts').GetCallerIdentityCommand)())).Arn;\n",
        esm__mjs="import { STSClient } from '@aws-sdk/client-sts';\nexport const handler = async () => typeof STSClient;\n",
    )
    function = create(code, "index.handler", "nodejs20.x", Timeout=10, MemorySize=512)
    assert invoke(function, [1]) == ({"e": [1]}, None)
    other = create(code, "index.cb", "nodejs20.x", MemorySize=512)
    assert invoke(other) == (other, None)
    answer, error = invoke(create(code, "index.bad", "nodejs20.x", MemorySize=512))
    assert (answer["errorType"], answer["errorMessage"], error) == ("TypeError", "nope", "Unhandled")
    assert answer["trace"][0] == "TypeError: nope"
    sdk = create(code, "index.sdk", "nodejs20.x", Timeout=10, MemorySize=512)
    assert invoke(sdk)[0].endswith(f"assumed-role/lambda-tests/{sdk}")
    assert invoke(create(code, "esm.handler", "nodejs20.x", Timeout=10, MemorySize=512)) == ("function", None)


def until_warm(create, invoke, code, runtime):
    """Until new functions of the runtime find AWS's SDK loaded; `code` answers whether it was."""
    for _ in range(20):
        if invoke(create(code, runtime=runtime))[0]:
            return
        time.sleep(0.5)
    raise AssertionError("nothing is loaded ahead of need")


def test_a_python_functions_own_modules_win_over_what_is_loaded_already(create, invoke):
    """ "The runtime … first [looks in] the deployment package": lambda/latest/dg/python-package.html"""
    until_warm(create, invoke, "import sys\ndef handler(e, c):\n    return 'boto3' in sys.modules\n", "python3.11")
    code = (
        "import os, {0}, logging\nlogging.warning('started')\n"
        "def handler(e, c):\n    return [{0}.MINE, os.environ['MINE'], c.function_name]\n"
    )
    for module in ("jmespath", "inspect", "boto3"):
        package = zipped(**{"app__py": code.format(module), f"{module}__py": "MINE = 'yes'\n"})
        function = create(package, Environment={"Variables": {"MINE": "x"}})
        assert invoke(function) == (["yes", "x", function], None)
    assert invoke(create("import boto3, jmespath\ndef handler(e, c):\n    return jmespath.search('a', e)\n"), {"a": 1}) == (1, None)


def test_a_node_functions_own_packages_win_over_what_is_loaded_already(create, invoke):
    loaded = "exports.handler = async () => Object.keys(require.cache).some((f) => f.includes('client-dynamodb'));"
    until_warm(create, invoke, zipped(app__js=loaded), "nodejs20.x")
    mine = zipped(
        **{
            "app__js": "exports.handler = async () => require('@aws-sdk/client-dynamodb').mine;",
            "node_modules/@aws-sdk/client-dynamodb/index__js": "exports.mine = 'yes';",
        }
    )
    assert invoke(create(mine, runtime="nodejs20.x")) == ("yes", None)
    theirs = "exports.handler = async () => typeof require('@aws-sdk/lib-dynamodb').DynamoDBDocumentClient.from;"
    assert invoke(create(zipped(app__js=theirs), runtime="nodejs20.x")) == ("function", None)


# --- failures ----------------------------------------------------------------------------------


def test_failures_read_as_on_aws(create, invoke):
    code = zipped(
        app__py="import os\ndef bad(e, c):\n    raise ValueError('oh')\n"
        "def leave(e, c):\n    os._exit(7)\ndef value(e, c):\n    return object()\n",
        broken__py="def x(:\n",
    )
    answer, error = invoke(create(code, "app.bad"))
    assert error == "Unhandled"
    assert (answer["errorType"], answer["errorMessage"]) == ("ValueError", "oh")
    assert answer["stackTrace"] == ["  File \"/var/task/app.py\", line 3, in bad\n    raise ValueError('oh')\n"]
    assert answer["requestId"]
    answer, _ = invoke(create(code, "app.leave"))
    assert answer["errorType"] == "Runtime.ExitError"
    assert answer["errorMessage"].endswith("Error: Runtime exited with error: exit status 7")
    assert invoke(create(code, "app.value"))[0]["errorType"] == "Runtime.MarshalError"
    assert invoke(create(code, "app.none"))[0] == {
        "errorType": "Runtime.HandlerNotFound",
        "errorMessage": "Handler 'none' missing on module 'app'",
        "requestId": "",
        "stackTrace": [],
    }
    answer, _ = invoke(create(code, "none.handler"))
    assert answer["errorType"] == "Runtime.ImportModuleError"
    assert answer["errorMessage"] == "Unable to import module 'none': No module named 'none'"
    assert invoke(create(code, "broken.x"))[0]["errorType"] == "Runtime.UserCodeSyntaxError"


def test_a_timeout_ends_that_environment_alone(create, invoke, aws):
    function = create("import time\ndef handler(e, c):\n    time.sleep(e)\n    return id(c)\n", Timeout=1)
    invoke(function, 0)
    began = time.monotonic()
    answer, error = invoke(function, 30)
    assert 1 <= time.monotonic() - began < 2
    assert (answer["errorType"], error) == ("Sandbox.Timedout", "Unhandled")
    assert answer["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    began = time.monotonic()
    assert invoke(function, 0)[1] is None
    assert time.monotonic() - began < 1
    assert wait_until(lambda: any("Task timed out after 1.00 seconds" in m for m in messages(aws, function)), 5)


def test_the_other_environments_survive_a_timeout(create, invoke):
    function = create("import time\ndef handler(e, c):\n    time.sleep(e)\n    return c.log_stream_name\n", Timeout=4)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        warm = {answer for answer, _ in pool.map(lambda _: invoke(function, 1.5), range(2))}
        assert len(warm) == 2
        late = pool.submit(invoke, function, 30)
        time.sleep(0.5)
        survivor = invoke(function, 0)
        assert late.result()[1] == "Unhandled"
    assert survivor[0] in warm
    assert invoke(function, 0) == survivor  # and goes on serving


@pytest.mark.parametrize("how", ["os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_an_environment_that_died_while_idle_is_not_waited_for(create, invoke, how):
    function = create(
        "import os, threading, time\ndef die():\n    time.sleep(0.1)\n    " + how + "\n"
        "def handler(e, c):\n    if e:\n        threading.Thread(target=die).start()\n    return c.log_stream_name\n",
        Timeout=30,
    )
    for _ in range(3):
        stream, error = invoke(function, 1)
        assert error is None
        time.sleep(0.6)
        answer, error = invoke(function, 0)
        if error:  # it was frozen before it could die: then it dies of this event, at once
            assert answer["errorType"] == "Runtime.ExitError"
            answer, error = invoke(function, 0)
        assert error is None and answer != stream


def test_too_much_memory_is_killed_and_said(create, invoke, aws):
    function = create("def handler(e, c):\n    return len(b'x' * (300 << 20))\n", MemorySize=128, Timeout=10)
    answer, error = invoke(function)
    assert error == "Unhandled"
    assert answer["errorType"] == "Runtime.OutOfMemory"
    assert answer["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    lines = lambda: [m for m in messages(aws, function) if "Error Type: Runtime.OutOfMemory" in m]  # noqa: E731
    assert wait_until(lines, 5)
    assert "Max Memory Used: 128 MB" in lines()[0]


def test_sizes(create, invoke, aws):
    function = create("def handler(e, c):\n    return 'x' * e if isinstance(e, int) else len(e)\n", Timeout=10)
    assert invoke(function, 6_000_000)[1] is None
    answer, error = invoke(function, 7_000_000)
    assert (answer["errorType"], error) == ("Function.ResponseSizeTooLarge", "Unhandled")
    assert invoke(function, "y" * 6_000_000) == (6_000_000, None)
    refused("RequestTooLargeException", invoke, function, "y" * 6_300_000)
    refused("RequestTooLargeException", invoke, function, "y" * 1_100_000, InvocationType="Event")
    refused("InvalidRequestContentException", aws("lambda").invoke, FunctionName=function, Payload=b"{not json")


# --- logs --------------------------------------------------------------------------------------


def test_logs_go_to_cloudwatch_in_order(create, invoke, aws):
    function = create(
        "import logging\ndef handler(e, c):\n    print('one')\n    logging.getLogger().error('two\\nlines')\n    print('three')\n"
    )
    tail = aws("lambda").invoke(FunctionName=function, LogType="Tail")["LogResult"]
    lines = base64.b64decode(tail).decode().split("\n")
    request_id = lines[0].split(" ")[2]
    assert lines[0] == f"START RequestId: {request_id} Version: $LATEST"
    assert lines[1] == "one"
    assert lines[2].startswith("[ERROR]\t20") and lines[2].endswith(f"Z\t{request_id}\ttwo")
    assert lines[3:5] == ["lines", "three"]
    assert lines[5] == f"END RequestId: {request_id}"
    assert lines[6].startswith(f"REPORT RequestId: {request_id}\tDuration: ")
    assert "\tMemory Size: 128 MB\tMax Memory Used: " in lines[6] and "\tInit Duration: " in lines[6]
    assert wait_until(lambda: any(m.startswith("REPORT") for m in messages(aws, function)), 5)
    found = [m.split("\t")[-1].rstrip("\n") for m in messages(aws, function)]
    assert found[2:5] == ["one", "two\nlines", "three"]


# --- many at once ------------------------------------------------------------------------------


def test_parallel_events_run_in_environments_of_their_own(create, invoke):
    function = create("import time\ndef handler(e, c):\n    time.sleep(1)\n    return c.log_stream_name\n", Timeout=10)
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        streams = {answer for answer, _ in pool.map(lambda _: invoke(function), range(8))}
    assert len(streams) == 8
    assert time.monotonic() - began < 7  # one after the other would take 8
    assert invoke(function)[0] in streams  # and are used again


def test_reserved_concurrency_throttles(create, invoke, aws):
    function = create("def handler(e, c):\n    pass\n")
    aws("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    error = refused("TooManyRequestsException", invoke, function)
    assert error.status == 429
    assert error.answer["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert error.message == "Rate Exceeded."
    assert aws("lambda").get_function(FunctionName=function)["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    refused(
        "InvalidParameterValueException",
        aws("lambda").put_function_concurrency,
        FunctionName=function,
        ReservedConcurrentExecutions=950,
    )
    aws("lambda").delete_function_concurrency(FunctionName=function)
    assert invoke(function) == (None, None)


# A function and its test wait for each other by log groups.
MEET = """
import boto3, os, time
logs = boto3.client("logs")
def come(name):
    try:
        logs.create_log_group(logGroupName=name)
    except logs.exceptions.ResourceAlreadyExistsException:
        pass
def await_(prefix, n):
    while len(logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]) < n:
        time.sleep(0.1)
"""


@pytest.fixture
def meeting(own):
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
    own.aws("iam").put_role_policy(RoleName="r", PolicyName="logs", PolicyDocument=json.dumps(policy))
    return own


def test_cold_starts_of_different_functions_do_not_queue(meeting):
    """Each initialisation waits for all the others: were they queued, none would end."""
    code = MEET + "come('at/' + os.environ['AWS_LAMBDA_FUNCTION_NAME'])\nawait_('at/', 4)\ndef handler(e, c):\n    return e\n"
    names = [f"f{i}" for i in range(4)]
    for function in names:
        meeting.create(function, code, Timeout=60)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(meeting.invoke, names, range(4))) == [(i, None) for i in range(4)]


def test_a_reserved_place_is_taken_while_it_is_used(meeting):
    code = MEET + "def handler(e, c):\n    come(e)\n    if e == 'in':\n        await_('go', 1)\n    return e\n"
    meeting.create("f", code, Timeout=60, Publish=True)
    meeting.aws("lambda").put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    has = lambda name: meeting.aws("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]  # noqa: E731
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(meeting.invoke, "f", "in")
        assert wait_until(lambda: has("in"), 30)
        for qualifier in ("$LATEST", "1"):  # the place is the function's as a whole
            error = refused("TooManyRequestsException", meeting.invoke, "f", "out", Qualifier=qualifier)
            assert error.answer["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        meeting.invoke("f", "later", InvocationType="Event")  # waits for a place
        time.sleep(0.5)
        assert not has("later")
        meeting.aws("logs").create_log_group(logGroupName="go")
        assert first.result() == ("in", None)
    assert wait_until(lambda: has("later"), 30)

    def is_free():
        try:
            return meeting.invoke("f", "after") == ("after", None)
        except ClientError:  # the event before it has not ended yet
            return False

    assert wait_until(is_free, 10)


# --- asynchronous ------------------------------------------------------------------------------


def test_events_are_tried_three_times(make_daemon, tmp_path):
    from harness.aws import Aws, Virga

    daemon = make_daemon("--ephemeral")
    aws = Aws(daemon)
    role = aws("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    aws("iam").attach_role_policy(RoleName="r", PolicyArn=BASIC)
    code = zipped(app__py="def handler(e, c):\n    print('try', c.aws_request_id)\n    raise ValueError(e)\n")
    aws("lambda").create_function(FunctionName="f", Runtime="python3.11", Role=role, Handler="app.handler", Code={"ZipFile": code})
    answer = aws("lambda").invoke(FunctionName="f", InvocationType="Event", Payload=b'"x"')
    assert answer["StatusCode"] == 202
    tries = lambda: [m for m in messages(aws, "f") if m.startswith("try")]  # noqa: E731
    assert wait_until(lambda: len(tries()) == 1, 10), tries()
    for n in (2, 3):
        Virga(daemon)("clock", "advance", "130s")
        assert wait_until(lambda: len(tries()) == n, 10), tries()  # noqa: B023
    Virga(daemon)("clock", "advance", "1h")
    time.sleep(1.5)
    assert len(tries()) == 3 and len(set(tries())) == 1  # one request id for all
    aws.close()


EVENT_TRIES = (
    "import time\ndef handler(e, c):\n    print('try', c.aws_request_id, c.client_context)\n"
    "    time.sleep(e)\n    raise ValueError(e)\n"
)


def tries(own):
    return [m for m in messages(own.aws, "f") if m.startswith("try")]


def test_an_event_outlives_the_daemon_between_its_tries(own):
    """Two more attempts, one and then two minutes later, however often the daemon dies."""
    own.create("f", EVENT_TRIES)
    context = base64.b64encode(b'{"custom": {}}').decode()  # for synchronous invocations only
    own.virga("clock", "freeze")
    own.invoke("f", 0, InvocationType="Event", ClientContext=context)
    for n, too_early, due in ((1, None, None), (2, "59s", "1s"), (3, "119s", "1s")):
        if due:
            own.daemon.restart("kill9")
            own.virga("clock", "advance", too_early)
            time.sleep(1.5)
            assert len(tries(own)) == n - 1
            own.virga("clock", "advance", due)
        assert wait_until(lambda: len(tries(own)) == n, 20), tries(own)  # noqa: B023
    own.daemon.restart("kill9")
    own.virga("clock", "advance", "1h")
    time.sleep(1.5)
    assert len(tries(own)) == 3
    assert len(set(tries(own))) == 1 and tries(own)[0].endswith(" None")


def test_an_event_whose_try_was_cut_short_is_tried_again(own):
    own.create(
        "f",
        "import boto3, time\ndef handler(e, c):\n    boto3.client('logs').create_log_group(logGroupName='begun')\n    time.sleep(e)\n",
        Timeout=20,
    )
    own.invoke("f", 15, InvocationType="Event")
    assert wait_until(lambda: own.aws("logs").describe_log_groups(logGroupNamePrefix="begun")["logGroups"], 20)
    own.daemon.restart("kill9")
    own.aws("logs").delete_log_group(logGroupName="begun")
    own.virga("clock", "advance", "5m")  # past what that try may have taken
    assert wait_until(lambda: own.aws("logs").describe_log_groups(logGroupNamePrefix="begun")["logGroups"], 20)


def test_an_event_that_is_too_old_is_not_tried(own):
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html: six hours."""
    own.create("f", EVENT_TRIES)
    own.invoke("f", 0, InvocationType="Event")
    assert wait_until(lambda: len(tries(own)) == 1, 20)
    own.virga("clock", "advance", "7h")
    time.sleep(2)
    assert len(tries(own)) == 1
    own.virga("clock", "advance", "1h")
    own.invoke("f", 0, InvocationType="Event")
    assert wait_until(lambda: len(tries(own)) == 2, 20)


def test_a_throttled_event_is_tried_again_after_growing_waits(own):
    """From one second exponentially to five minutes, and no attempt is lost by it: the same page."""
    own.create("f", EVENT_TRIES)
    own.create("g", EVENT_TRIES)
    own.aws("lambda").put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    own.virga("clock", "freeze")
    for _ in range(50):
        own.invoke("f", 0, InvocationType="Event")
    time.sleep(1.5)
    for due in ("1s", "2s"):  # the second try and the third
        own.virga("clock", "advance", due)
        time.sleep(1.5)
    own.invoke("g", 0, InvocationType="Event")  # another function's goes ahead
    assert wait_until(lambda: len([m for m in messages(own.aws, "g") if m.startswith("try")]) == 1, 20)
    assert tries(own) == []
    own.aws("lambda").put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    own.virga("clock", "advance", "3s")
    time.sleep(1.5)
    assert tries(own) == []
    own.virga("clock", "advance", "1s")
    assert wait_until(lambda: len(tries(own)) > 0, 20)


def test_dry_run_runs_nothing(create, aws):
    function = create("def handler(e, c):\n    print('ran')\n")
    assert aws("lambda").invoke(FunctionName=function, InvocationType="DryRun")["StatusCode"] == 204
    time.sleep(0.5)
    assert messages(aws, function) == []


# --- configuration -----------------------------------------------------------------------------


def test_create_shows_what_was_set(create, aws, role):
    code = zipped(app__py="def handler(e, c):\n    pass\n")
    function = create(code, Description="d", Tags={"k": "v"}, EphemeralStorage={"Size": 600})
    client = aws("lambda")
    client.get_waiter("function_active_v2").wait(FunctionName=function)
    got = client.get_function(FunctionName=function)
    config = got["Configuration"]
    assert config["CodeSize"] == len(code) and config["Description"] == "d" and config["Role"] == role
    assert (config["Timeout"], config["MemorySize"], config["EphemeralStorage"]) == (3, 128, {"Size": 600})
    assert (config["State"], config["LastUpdateStatus"], config["PackageType"]) == ("Active", "Successful", "Zip")
    assert got["Tags"] == {"k": "v"}
    with urllib.request.urlopen(got["Code"]["Location"]) as answer:
        assert answer.read() == code
    for form in (config["FunctionArn"], f"000000000000:function:{function}", f"{function}:$LATEST"):
        assert client.get_function_configuration(FunctionName=form)["FunctionName"] == function
    assert function in [f["FunctionName"] for f in client.list_functions()["Functions"]]
    error = refused("ResourceConflictException", client.create_function, FunctionName=function, Runtime="python3.11",
                  Role=role, Handler="a.b", Code={"ZipFile": code})  # fmt: skip
    assert error.message == f"Function already exist: {function}"


def test_changes_take_effect_at_once(create, invoke, aws):
    client = aws("lambda")
    function = create("import os\ndef handler(e, c):\n    return [1, os.environ.get('KEY'), c.memory_limit_in_mb]\n")
    assert invoke(function)[0] == [1, None, "128"]
    updated = client.update_function_configuration(FunctionName=function, MemorySize=192, Environment={"Variables": {"KEY": "v"}})
    assert updated["LastUpdateStatus"] == "InProgress"
    assert invoke(function)[0] == [1, "v", "192"]
    client.update_function_code(FunctionName=function, ZipFile=zipped(app__py="def handler(e, c):\n    return 2\n"))
    client.get_waiter("function_updated_v2").wait(FunctionName=function)
    assert invoke(function)[0] == 2
    refused(
        "PreconditionFailedException",
        client.update_function_configuration,
        FunctionName=function,
        RevisionId="00000000-0000-4000-8000-000000000000",
        Timeout=4,
    )


def test_the_account_stores_the_packages_of_all_versions(own):
    """AccountUsage: "The amount of storage space, in bytes, that's being used by deployment packages"."""
    usage = lambda: own.aws("lambda").get_account_settings()["AccountUsage"]  # noqa: E731
    assert usage() == {"FunctionCount": 0, "TotalCodeSize": 0}
    first, second, third = (zipped(app__py="#" * n) for n in (10, 1000, 100_000))
    own.create("f", "def handler(e, c):\n    pass\n", Publish=True)
    begun = usage()["TotalCodeSize"]
    own.aws("lambda").update_function_code(FunctionName="f", ZipFile=first, Publish=True)
    own.aws("lambda").update_function_code(FunctionName="f", ZipFile=second)
    own.aws("lambda").update_function_code(FunctionName="f", ZipFile=third)  # nobody has the second any more
    assert usage() == {"FunctionCount": 1, "TotalCodeSize": begun + len(first) + len(third)}
    own.daemon.restart("kill9")
    own.aws("lambda").delete_function(FunctionName="f", Qualifier="1")
    assert usage()["TotalCodeSize"] == len(first) + len(third)
    own.aws("lambda").delete_function(FunctionName="f")
    assert usage() == {"FunctionCount": 0, "TotalCodeSize": 0}


def test_versions_do_not_change(create, invoke, aws):
    client = aws("lambda")
    function = create("def handler(e, c):\n    return [1, c.function_version]\n")
    assert client.publish_version(FunctionName=function)["Version"] == "1"
    assert client.publish_version(FunctionName=function)["Version"] == "1"  # nothing changed
    client.update_function_code(
        FunctionName=function, ZipFile=zipped(app__py="def handler(e, c):\n    return [2, c.function_version]\n"),
        Publish=True,
    )  # fmt: skip
    assert invoke(function, Qualifier="1")[0] == [1, "1"]
    assert invoke(f"{function}:2")[0] == [2, "2"]
    assert invoke(function)[0] == [2, "$LATEST"]
    versions = client.list_versions_by_function(FunctionName=function)["Versions"]
    assert [v["Version"] for v in versions] == ["$LATEST", "1", "2"]
    client.delete_function(FunctionName=function, Qualifier="1")
    refused("ResourceNotFoundException", invoke, function, Qualifier="1")


# Every member of CreateFunction and UpdateFunctionConfiguration that asks for what is not built, or is wrong on AWS too.
ARN = "arn:aws:{}:us-east-1:000000000000:{}"
REFUSED_SETTINGS = [
    {"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}},
    {"VpcConfig": {"Ipv6AllowedForDualStack": True}},
    {"Layers": [ARN.format("lambda", "layer:l:1")]},
    {"FileSystemConfigs": [{"Arn": ARN.format("elasticfilesystem", "access-point/fsap-" + "0" * 17), "LocalMountPath": "/mnt/x"}]},
    {"ImageConfig": {"Command": ["x"]}},
    {"DeadLetterConfig": {"TargetArn": ARN.format("sqs", "q")}},
    {"KMSKeyArn": ARN.format("kms", "key/k")},
    {"TracingConfig": {"Mode": "Active"}},
    {"SnapStart": {"ApplyOn": "PublishedVersions"}},
    {"LoggingConfig": {"LogFormat": "JSON"}},
    {"LoggingConfig": {"LogFormat": "Text", "ApplicationLogLevel": "DEBUG"}},
    {"LoggingConfig": {"SystemLogLevel": "DEBUG"}},
    {"DurableConfig": {"ExecutionTimeout": 60}},
    {"MemorySize": 10241},
    {"Environment": {"Variables": {"AWS_REGION": "x"}}},
    {"Environment": {"Variables": {"BIG": "x" * 5000}}},
    {"Runtime": "java21"},
    {"Role": "arn:aws:iam::000000000000:role/none-such"},
]
INVALID_SETTINGS = [
    {"Timeout": 901},  # the model allows more, for managed instances
    {"EphemeralStorage": {"Size": 10241}},
    {"Timeout": 0},
    {"MemorySize": 127},
    {"EphemeralStorage": {"Size": 511}},
    {"SnapStart": {"ApplyOn": "Sometimes"}},
    {"Environment": {"Variables": {"1BAD": "x"}}},
    {"Description": "x" * 257},
    {"Handler": "a b"},
]


def refuses_settings(call, **common):
    for settings in REFUSED_SETTINGS:
        refused("InvalidParameterValueException", call, **{**common, **settings})
    for settings in INVALID_SETTINGS:
        refused("ValidationException", call, **{**common, **settings})


def test_settings_that_cannot_be_honoured_are_refused(create, aws, role):
    code = {"ZipFile": zipped(app__py="")}
    common = {"FunctionName": "refused", "Runtime": "python3.11", "Role": role, "Handler": "a.b", "Code": code}
    client = aws("lambda", parameter_validation=False)
    refuses_settings(client.create_function, **common)
    for more in (
        {"PackageType": "Image", "Code": {"ImageUri": "1.dkr.ecr.us-east-1.amazonaws.com/x:1"}},
        {"Code": {"S3Bucket": "bucket", "S3Key": "key"}},
        {"Code": {**code, "S3ObjectVersion": "1"}},
        {"Code": {**code, "SourceKMSKeyArn": ARN.format("kms", "key/k")}},
        {"Code": {}},
        {"CodeSigningConfigArn": ARN.format("lambda", "code-signing-config:csc-" + "0" * 17)},
        {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}},
        {"PublishTo": "LATEST_PUBLISHED"},
        {"FunctionName": "refused:1"},
        {"Runtime": "provided.al2023", "Architectures": ["arm64" if platform.machine() == "x86_64" else "x86_64"]},
        {"Tags": {"aws:x": "y"}},
    ):
        refused("InvalidParameterValueException", client.create_function, **{**common, **more})
    for more in ({"Architectures": ["mips"]}, {"Architectures": ["arm64", "x86_64"]}, {"PackageType": "Tar"}, {"Runtime": "cobol1"}):
        with pytest.raises(ClientError) as e:
            client.create_function(**{**common, **more})
        assert e.value.response["Error"]["Code"] in ("ValidationException", "InvalidParameterValueException")
    for bad in (b"no zip", zipped(**{"../x": "y"}), zipped(**{"/etc/x": "y"})):
        error = refused("InvalidParameterValueException", client.create_function, **{**common, "Code": {"ZipFile": bad}})
        assert error.message.startswith("Could not unzip uploaded file.")
    refused("ResourceNotFoundException", client.get_function, FunctionName="refused")


def test_updates_that_cannot_be_honoured_change_nothing(create, aws):
    function = create("def handler(e, c): pass\n")
    client = aws("lambda", parameter_validation=False)
    client.publish_version(FunctionName=function)
    before = client.get_function(FunctionName=function)["Configuration"]
    refuses_settings(client.update_function_configuration, FunctionName=function)
    refused("InvalidParameterValueException", client.update_function_configuration, FunctionName=f"{function}:1", Timeout=5)
    zip_file = zipped(app__py="x = 1\n")
    for settings in (
        {"S3Bucket": "bucket", "S3Key": "key"},
        {"ZipFile": zip_file, "S3ObjectVersion": "1"},
        {"ZipFile": zip_file, "S3ObjectStorageMode": "REFERENCE"},
        {"ImageUri": "1.dkr.ecr.us-east-1.amazonaws.com/x:1"},
        {"ZipFile": zip_file, "SourceKMSKeyArn": ARN.format("kms", "key/k")},
        {"ZipFile": zip_file, "PublishTo": "LATEST_PUBLISHED"},
        {"ZipFile": zip_file, "FunctionName": f"{function}:1"},
        {},
    ):
        refused("InvalidParameterValueException", client.update_function_code, **{"FunctionName": function, **settings})
    other = "00000000-0000-4000-8000-000000000000"
    refused("PreconditionFailedException", client.update_function_code, FunctionName=function, ZipFile=zip_file, RevisionId=other)
    dry = client.update_function_code(FunctionName=function, ZipFile=zip_file, DryRun=True, RevisionId=before["RevisionId"])
    assert dry["CodeSha256"] != before["CodeSha256"]
    after = client.get_function(FunctionName=function)["Configuration"]
    assert after == before


def test_invocations_that_cannot_be_honoured_are_refused(create, invoke, aws):
    function = create("def handler(e, c):\n    return c.client_context and c.client_context.custom\n")
    client = aws("lambda", parameter_validation=False)
    for settings in ({"DurableExecutionName": "x"}, {"TenantId": "x"}):
        refused("InvalidParameterValueException", client.invoke, FunctionName=function, **settings)
    for settings in ({"InvocationType": "Later"}, {"LogType": "Head"}):
        refused("ValidationException", client.invoke, FunctionName=function, **settings)
    refused("ResourceNotFoundException", client.invoke, FunctionName=function, Qualifier="7")
    refused("ResourceNotFoundException", client.invoke, FunctionName=function, Qualifier="live")
    refused("InvalidParameterValueException", client.invoke, FunctionName=f"{function}:1", Qualifier="2")
    encode = lambda text: base64.b64encode(text).decode()  # noqa: E731
    pretty = json.dumps({"custom": {"a": "1"}}, indent=1).encode()
    assert invoke(function, ClientContext=encode(pretty)) == ({"a": "1"}, None)
    for bad in ("%", encode(b"{"), encode(b"[1]"), encode(b"\xff")):
        error = refused("InvalidRequestContentException", client.invoke, FunctionName=function, ClientContext=bad)
        assert error.message == "Client context must be a valid Base64-encoded JSON object."
    large = encode(json.dumps({"custom": {"a": "x" * 3000}}).encode())
    refused("RequestTooLargeException", client.invoke, FunctionName=function, ClientContext=large)


def test_permissions_are_statements_of_a_policy(create, aws):
    client = aws("lambda")
    function = create("def handler(e, c):\n    pass\n")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    grant = {"StatementId": "s1", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}
    refused("ResourceNotFoundException", client.get_policy, FunctionName=function)
    source = "arn:aws:execute-api:us-east-1:000000000000:api/*"
    added = json.loads(client.add_permission(FunctionName=function, SourceArn=source, **grant)["Statement"])
    assert added == {
        "Sid": "s1",
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": arn,
        "Condition": {"ArnLike": {"AWS:SourceArn": source}},
    }
    refused("ResourceConflictException", client.add_permission, FunctionName=function, **grant)
    policy = json.loads(client.get_policy(FunctionName=function)["Policy"])
    assert policy == {"Version": "2012-10-17", "Id": "default", "Statement": [added]}
    client.remove_permission(FunctionName=function, StatementId="s1")
    refused("ResourceNotFoundException", client.remove_permission, FunctionName=function, StatementId="s1")


def test_tags(create, aws):
    client = aws("lambda")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{create('def handler(e, c): pass')}"
    client.tag_resource(Resource=arn, Tags={"a": "1", "b": "2"})
    client.untag_resource(Resource=arn, TagKeys=["a"])
    assert client.list_tags(Resource=arn)["Tags"] == {"b": "2"}


def test_functions_survive_a_kill(own):
    own.create("f", "def handler(e, c):\n    return e\n")
    assert own.invoke("f", 1) == (1, None)
    own.daemon.restart("kill9")
    assert own.invoke("f", 2) == (2, None)


def packages_on_disk(daemon):
    """What is kept of packages: zips, and folders unpacked from them."""
    zips = [f for f in (daemon.data / "blobs").rglob("*") if f.is_file()]
    return len(zips), len(list((daemon.data / "lambda").glob("*/*")))


@pytest.mark.parametrize("how", ["stop", "kill9"])
def test_no_package_outlives_its_function(own, how):
    client = own.aws("lambda")
    code = "def handler(e, c):\n    return {}\n"
    for function in ("gone", "stays", "old"):
        own.create(function, code.format(1))
        assert own.invoke(function) == (1, None)
    for n in (2, 3):
        client.update_function_code(FunctionName="stays", ZipFile=zipped(app__py=code.format(n)), Publish=n == 2)
        assert own.invoke("stays") == (n, None)
    client.publish_version(FunctionName="old")
    client.update_function_code(FunctionName="old", ZipFile=zipped(app__py=code.format(2)))
    client.update_function_code(FunctionName="stays", ZipFile=zipped(app__py=""), DryRun=True)
    client.delete_function(FunctionName="gone")
    live = 4  # stays: $LATEST and 1; old: $LATEST and 1
    assert wait_until(lambda: packages_on_disk(own.daemon) == (live, live), 10), packages_on_disk(own.daemon)
    own.daemon.restart(how)  # the moment after a use, too
    assert wait_until(lambda: packages_on_disk(own.daemon) == (live, 0), 10), packages_on_disk(own.daemon)
    assert own.invoke("stays") == (3, None)
    assert own.invoke("stays", Qualifier="1") == (2, None)
    assert own.invoke("old", Qualifier="1") == (1, None)
    client.delete_function(FunctionName="stays")
    client.delete_function(FunctionName="old", Qualifier="1")
    own.daemon.restart(how)
    assert wait_until(lambda: packages_on_disk(own.daemon) == (1, 0), 10), packages_on_disk(own.daemon)
    assert own.invoke("old") == (2, None)
    client.delete_function(FunctionName="old")
    assert wait_until(lambda: packages_on_disk(own.daemon) == (0, 0), 10), packages_on_disk(own.daemon)


def test_updates_do_not_disturb_invocations(own):
    """Every invocation runs one of the packages, whole, whatever is put in its place meanwhile."""
    code = "import part\ndef handler(e, c):\n    return [{0}, part.x]\n"
    package = lambda n: zipped(app__py=code.format(n), part__py=f"x = {n}\n")  # noqa: E731
    client = own.aws("lambda")
    own.create("f", "def handler(e, c):\n    return [0, 0]\n")
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        stop = []
        callers = [pool.submit(lambda: [own.invoke("f") for _ in iter(lambda: bool(stop), True)]) for _ in range(4)]
        for n in range(1, 25):
            client.update_function_code(FunctionName="f", ZipFile=package(n))
        stop.append(1)
        answers = [answer for caller in callers for answer in caller.result()]
    assert answers and all(error is None and x == y for (x, y), error in answers), answers
    assert own.invoke("f") == ([24, 24], None)
    assert wait_until(lambda: packages_on_disk(own.daemon) == (1, 1), 10), packages_on_disk(own.daemon)


def test_a_package_stays_while_something_runs_from_it(own):
    """An update lets an invocation that has begun load the rest of its code."""
    slow = (
        "import time, boto3\ndef handler(e, c):\n    boto3.client('logs').create_log_group(logGroupName='begun')\n"
        "    time.sleep(3)\n    import late\n    return late.x\n"
    )
    code = zipped(app__py=slow, late__py="x = 1\n")
    own.aws("lambda").create_function(
        FunctionName="f", Runtime="python3.11", Role=own.role, Handler="app.handler", Timeout=20, Code={"ZipFile": code}
    )
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(own.invoke, "f")
        assert wait_until(lambda: own.aws("logs").describe_log_groups(logGroupNamePrefix="begun")["logGroups"], 20)
        own.aws("lambda").update_function_code(FunctionName="f", ZipFile=zipped(app__py="def handler(e, c):\n    return 2\n"))
        assert own.invoke("f") == (2, None)
        assert first.result() == (1, None)
    assert wait_until(lambda: packages_on_disk(own.daemon) == (1, 1), 10), packages_on_disk(own.daemon)


def test_an_installed_program_finds_its_parts(make_daemon, tmp_path):
    """`meson install` puts everything that a function needs below the prefix, and virga finds it from there."""
    build = Path(BINARY).parent
    install = ["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", tmp_path]
    subprocess.run(install, check=True, capture_output=True)
    own = Own(make_daemon(binary=tmp_path / "usr/local/bin/virga"))
    own.create("f", "def handler(event, context):\n    return event\n")
    assert own.invoke("f", {"a": 1}) == ({"a": 1}, None)
    own.aws.close()
