# SPDX-License-Identifier: Apache-2.0
"""examples/notes: deployed by its own script through the AWS CLI, and used over HTTP."""

import http.client
import json
import subprocess
from urllib.parse import urlsplit

from .aws import VENV_BIN
from .daemon import ROOT

LANGUAGES = ("python", "nodejs", "native")
SCRIPT = ROOT / "examples" / "notes" / "deploy.sh"


class Notes:
    def __init__(self, daemon, name="notes", verbose=False):
        self.daemon, self.name, self.verbose = daemon, name, verbose
        self.host = None
        self.connection = None

    def script(self, verb):
        env = {**self.daemon.aws_env(), "NOTES_NAME": self.name, "AWS_CLI": str(VENV_BIN / "aws")}
        if self.verbose:
            env["NOTES_VERBOSE"] = "1"
        stderr = None if self.verbose else subprocess.PIPE
        done = subprocess.run(
            [str(SCRIPT), verb], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True
        )
        assert done.returncode == 0, f"deploy.sh {verb} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def up(self):
        made = json.loads(self.script("up"))
        # *.localhost needs a resolver that knows it; the Host header says the same.
        self.host = urlsplit(made["ApiEndpoint"]).netloc
        return made

    def function(self, language):
        return f"{self.name}-{language}"

    def request(self, method, path, body=None, timeout=60):
        """(status, parsed body) over a kept connection. A request is sent once: whether it was acknowledged matters."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=timeout)
        try:
            data = None if body is None else json.dumps(body)
            headers = {"Host": self.host, "Content-Type": "application/json"}
            self.connection.request(method, path, body=data, headers=headers)
            response = self.connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text else None
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def post(self, language, text):
        return self.request("POST", f"/{language}/notes", {"text": text})

    def get(self, language, note_id):
        return self.request("GET", f"/{language}/notes/{note_id}")

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None
