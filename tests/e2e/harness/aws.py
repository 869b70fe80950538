# SPDX-License-Identifier: Apache-2.0
"""AWS's own clients, pointed at one daemon: boto3, the AWS CLI, the JavaScript SDK."""

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import botocore.session
from botocore.config import Config

from . import validate

HERE = Path(__file__).resolve().parents[1]
VENV_BIN = Path(sys.executable).parent
NODE = os.environ.get("VG_NODE", "node")


class Aws:
    """aws("dynamodb") is a boto3 client of the account root; every answer is held to its model.

    `daemon` is whatever has an endpoint; `verify` the file of the authorities that an https one is held to.
    """

    def __init__(self, daemon, verify=None):
        self.daemon = daemon
        self.verify = verify
        self.cache = {}

    def __call__(self, service, region="us-east-1", creds=("test", "test"), **config):
        key = (service, region, tuple(creds), repr(sorted(config.items())), self.daemon.endpoint)
        if key not in self.cache:
            access_key, secret_key, *token = creds
            # Loaders of one session share parsed models; credentials are given, never found.
            settings = {
                "retries": {"total_max_attempts": 1},
                "read_timeout": 120,
                "connect_timeout": 5,
                "max_pool_connections": 32,
                **config,
            }
            client = self.session().client(
                service,
                region_name=region,
                endpoint_url=self.daemon.endpoint,
                verify=self.verify,
                aws_access_key_id=access_key,
                aws_secret_access_key=secret_key,
                aws_session_token=token[0] if token else None,
                config=Config(**settings),
            )
            self.cache[key] = validate.attach(client)
        return self.cache[key]

    def session(self):
        if "session" not in self.cache:
            self.cache["session"] = boto3.session.Session(botocore_session=botocore.session.Session())
        return self.cache["session"]

    def resource(self, service, region="us-east-1"):
        resource = boto3.session.Session().resource(
            service,
            region_name=region,
            endpoint_url=self.daemon.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )
        validate.attach(resource.meta.client)
        return resource

    def close(self):
        for client in self.cache.values():
            if hasattr(client, "close"):
                client.close()
        self.cache.clear()


class CliError(AssertionError):
    def __init__(self, command, code, stderr):
        super().__init__(f"aws {' '.join(command)} ended with {code}: {stderr}")
        self.code, self.stderr = code, stderr


class Cli:
    """cli("dynamodb", "list-tables") runs the AWS CLI and gives its parsed JSON (None where it prints nothing)."""

    def __init__(self, daemon):
        self.daemon = daemon

    def __call__(self, *command, env=None, text=False, timeout=120):
        command = [str(c) for c in command]
        done = subprocess.run(
            [str(VENV_BIN / "aws"), *command],
            env={**self.daemon.aws_env(), "AWS_DEFAULT_OUTPUT": "json", **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if done.returncode != 0:
            raise CliError(command, done.returncode, done.stderr.strip())
        if text:
            return done.stdout
        return json.loads(done.stdout) if done.stdout.strip() else None


class Node:
    """node("dynamodb.mjs", {...}) runs a script of tests/e2e/node and gives the JSON it prints last."""

    def __init__(self, daemon):
        self.daemon = daemon

    def __call__(self, script, argument=None, env=None, timeout=120):
        done = subprocess.run(
            [NODE, str(HERE / "node" / script), json.dumps(argument or {})],
            env={**self.daemon.aws_env(), **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert done.returncode == 0, f"{script} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout.strip().split("\n")[-1])


class Virga:
    """virga("status") runs our own command line against the daemon."""

    def __init__(self, daemon):
        self.daemon = daemon

    def __call__(self, *command, env=None, check=True, stdin=None, timeout=60):
        from .daemon import BINARY

        done = subprocess.run(
            [BINARY, *map(str, command)],
            env={**self.daemon.aws_env(), **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check:
            assert done.returncode == 0, f"virga {command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done
