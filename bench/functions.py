# SPDX-License-Identifier: Apache-2.0
"""Functions to measure with: made by raw requests, so that Virga and its peers get the same bytes."""

import base64
import io
import json
import os
import subprocess
import time
import zipfile
from pathlib import Path

from harness.raw import Raw
from peer import CACHE, ROOT

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
LANGUAGES = {
    "python": ("python3.12", "handler.handler"),
    "nodejs": ("nodejs22.x", "index.handler"),
    "native": ("provided.al2023", "bootstrap"),
}
PUT = """
import os, time, boto3
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
def handler(event, context):
    started = time.perf_counter()
    table.put_item(Item={"pk": context.aws_request_id, "text": "x" * 100})
    return {"statusCode": 201, "body": str((time.perf_counter() - started) * 1000)}
"""


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o755 << 16
            z.writestr(info, data)
    return out.getvalue()


def native():
    """A function of plain C that answers at once; the notes example's does, when it is given no note."""
    binary = CACHE / "bootstrap"
    if not binary.exists():
        sources = sorted(map(str, Path(ROOT, "examples", "notes", "native").glob("*.c")))
        subprocess.run(["gcc", "-std=gnu11", "-O2", "-static", "-s", "-o", str(binary), *sources], check=True)
    return binary


def code(language):
    if language == "python":
        return zipped({"handler.py": "def handler(event, context):\n    return {}\n"})
    if language == "nodejs":
        return zipped({"index.mjs": "export const handler = async () => ({});\n"})
    return zipped({"bootstrap": native().read_bytes()})


class Lambda:
    def __init__(self, port):
        self.raw = Raw(port, timeout=120)

    def call(self, method, path, value=None):
        body = b"" if value is None else json.dumps(value).encode()
        status, answer = self.raw.send("lambda", method, path, body, {"content-type": "application/json"})
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {answer[:300]}")
        return json.loads(answer or b"null")

    def role(self, name="bench"):
        status, answer = self.raw.query(
            "iam", "2010-05-08", "CreateRole", RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST)
        )
        assert status == 200, answer
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        status, answer = self.raw.query(
            "iam", "2010-05-08", "PutRolePolicy", RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy)
        )
        assert status == 200, answer
        return f"arn:aws:iam::000000000000:role/{name}"

    def create(self, name, language, role, package=None, environment=None):
        runtime, handler = LANGUAGES[language]
        self.call(
            "POST",
            "/2015-03-31/functions",
            {
                "FunctionName": name,
                "Runtime": runtime,
                "Handler": handler,
                "Role": role,
                "Timeout": 30,
                "MemorySize": 256,
                "Environment": {"Variables": environment or {}},
                "Code": {"ZipFile": base64.b64encode(package or code(language)).decode()},
            },
        )
        while self.call("GET", f"/2015-03-31/functions/{name}/configuration").get("State", "Active") != "Active":
            time.sleep(0.01)

    def invoke(self, name):
        """Milliseconds of one Invoke."""
        started = time.perf_counter()
        self.call("POST", f"/2015-03-31/functions/{name}/invocations", {})
        return (time.perf_counter() - started) * 1000

    def close(self):
        self.raw.close()


def exec_ms(command):
    """Milliseconds of starting a program and waiting for its end."""
    started = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    os.waitpid(pid, 0)
    return (time.perf_counter() - started) * 1000
