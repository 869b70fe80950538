# SPDX-License-Identifier: Apache-2.0
"""One running `virga serve`: started, stopped, killed, restarted; its log is read and judged."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BINARY = os.environ.get("VIRGA_BIN", str(ROOT / "build" / "virga"))
NODE = os.environ.get("VG_NODE")  # where it is not the system's, the daemon must be told
SLOW = os.environ.get("VIRGA_SLOW") == "1"  # a sanitized daemon: times are not judged
READY_S = 60 if SLOW else 20
STOP_S = 60 if SLOW else 20
SANITIZER_MARKS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "WARNING: ThreadSanitizer")


class DaemonError(AssertionError):
    pass


class Daemon:
    """Its data and temporary files live below `home`, which `close()` removes."""

    def __init__(self, args=(), env=None, home=None, listen="127.0.0.1:0", uid=None, binary=BINARY):
        self.args = list(args)
        self.uid = uid  # of the ordinary user that runs it; absent: ours
        self.env = dict(env or {})
        self.home = Path(home or tempfile.mkdtemp(prefix="virga-e2e-"))
        self.data = self.home / "data"
        self.tmp = self.home / "tmp"
        self.tmp.mkdir(parents=True, exist_ok=True)
        self.binary = str(binary) if uid is None else self._hand_over(uid)
        self.listen = listen
        self.process = None
        self.address = None
        self.events = []  # log lines as dicts
        self.noise = []  # lines that are no JSON: sanitizer reports, assertions
        self.expected = set()  # events of level warn and error that a test provokes
        self.ready_ms = None
        self._ready = threading.Event()
        self._reader = None

    def _hand_over(self, uid):
        """`home` becomes that user's, with a copy of the program: the tree itself may be out of its reach."""
        build = Path(BINARY).parent
        shutil.copy(BINARY, self.home / "virga")
        shutil.copy(build / "virga-jail", self.home / "virga-jail")
        shutil.copytree(ROOT / "runtimes", self.home / "runtimes", ignore=shutil.ignore_patterns("node_modules"))
        for folder, _, files in os.walk(self.home):
            for path in [folder] + [os.path.join(folder, f) for f in files]:
                os.chown(path, uid, uid)
        return str(self.home / "virga")

    # -- life -----------------------------------------------------------------------------------

    def start(self):
        assert self.process is None
        if not os.access(self.binary, os.X_OK):
            raise DaemonError(f"{self.binary} is not built: ./dev build")
        command = [self.binary, "serve", "--listen", self.listen, "--log", "json"]
        if NODE and os.path.dirname(NODE) not in ("/usr/bin", "/usr/local/bin"):
            command += [word for n in (18, 20, 22, 24) for word in ("--runtime", f"nodejs{n}.x={NODE}")]
        if "--ephemeral" not in self.args and "--data" not in self.args:
            command += ["--data", str(self.data)]
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        env.update(TMPDIR=str(self.tmp), **self.env)
        self._ready.clear()
        started = time.monotonic()
        self.process = subprocess.Popen(
            command + self.args,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **({} if self.uid is None else {"user": self.uid, "group": self.uid, "extra_groups": []}),
        )
        self._reader = threading.Thread(target=self._read_log, args=(self.process, started), daemon=True)
        self._reader.start()
        deadline = started + READY_S
        while not self._ready.wait(0.05):
            if self.process.poll() is not None:
                self._reader.join(2)
                code = self.process.returncode
                self.process = None
                raise DaemonError(f"virga serve ended with {code} before it was ready:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                self.kill9()
                raise DaemonError(f"virga serve is not ready after {READY_S} s:\n{self.log_tail()}")
        self.listen = self.address  # a restart comes back where clients look for it
        return self

    def _read_log(self, process, started):
        for raw in process.stderr:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            try:
                event = json.loads(line)
            except ValueError:
                self.noise.append(line)
                continue
            self.events.append(event)
            if event.get("event") == "ready" and not self._ready.is_set():
                self.ready_ms = (time.monotonic() - started) * 1000
                self.address = event["listen"]
                self._ready.set()
        process.stderr.close()

    def stop(self):
        """A clean stop: SIGTERM, exit code 0, nothing left behind."""
        if self.process is None:
            return
        family = descendants(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise DaemonError(f"virga serve did not stop within {STOP_S} s of SIGTERM:\n{self.log_tail()}") from None
        self._gone()
        if code != 0:
            raise DaemonError(f"virga serve stopped with {code}:\n{self.log_tail()}")
        left = wait_until(lambda: not [p for p in family if alive(p)], 10) or [p for p in family if alive(p)]
        if left is not True:
            names = [command_line(p) for p in left]
            for pid in left:
                kill(pid)
            raise DaemonError(f"left behind after a clean stop: {names}")

    def kill9(self):
        """SIGKILL to the daemon; what it started must end by itself."""
        if self.process is None:
            return
        family = descendants(self.process.pid)
        self.process.kill()
        self.process.wait()
        self._gone()
        if not wait_until(lambda: not [p for p in family if alive(p)], 10):
            left = [p for p in family if alive(p)]
            names = [command_line(p) for p in left]
            for pid in left:
                kill(pid)
            raise DaemonError(f"left behind after kill -9: {names}")

    def _gone(self):
        self._reader.join(5)
        self.process = None

    def restart(self, how="stop"):
        getattr(self, how)()
        return self.start()

    def close(self):
        try:
            self.stop()
            self.check_log()
            left = [p.name for p in self.tmp.iterdir()]
            if left:
                raise DaemonError(f"temporary files left behind: {left}")
        finally:
            if self.process is not None:
                self.process.kill()
                self.process.wait()
            shutil.rmtree(self.home, ignore_errors=True)

    # -- what it says ----------------------------------------------------------------------------

    def check_log(self):
        """No sanitizer report, no line that is not JSON, no warning or error that no test provoked."""
        reports = [line for line in self.noise if any(mark in line for mark in SANITIZER_MARKS)]
        if reports:
            raise DaemonError("sanitizer report:\n" + "\n".join(self.noise[:120]))
        if self.noise:
            raise DaemonError("not a log line:\n" + "\n".join(self.noise[:60]))
        alerts = [e for e in self.events if e.get("level") == "error" and e.get("event") not in self.expected]
        if alerts:
            raise DaemonError("unexpected errors in the log:\n" + "\n".join(map(json.dumps, alerts[:20])))

    def log_tail(self, n=40):
        lines = [json.dumps(e) for e in self.events[-n:]]
        return "\n".join(lines + self.noise[-80:])

    def logged(self, event):
        return [e for e in self.events if e.get("event") == event]

    # -- how to reach it -------------------------------------------------------------------------

    @property
    def endpoint(self):
        return f"http://{self.address}"

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    def request(self, method, path, body=None, headers=None, host=None, timeout=30):
        """One plain HTTP request: (status, headers, body)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            fields = dict(headers or {})
            if host:
                fields["Host"] = host
            connection.request(method, path, body=body, headers=fields)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def aws_env(self, access_key="test", secret_key="test", region="us-east-1", token=None):
        """The environment of a command that talks to this daemon."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        env.update(
            AWS_ENDPOINT_URL=self.endpoint,
            AWS_ACCESS_KEY_ID=access_key,
            AWS_SECRET_ACCESS_KEY=secret_key,
            AWS_DEFAULT_REGION=region,
            AWS_REGION=region,
            AWS_MAX_ATTEMPTS="1",
            AWS_EC2_METADATA_DISABLED="true",
            AWS_CONFIG_FILE="/dev/null",
            AWS_SHARED_CREDENTIALS_FILE="/dev/null",
            AWS_PAGER="",
            PYTHONWARNINGS="ignore",
        )
        if token:
            env["AWS_SESSION_TOKEN"] = token
        return env

    def fds(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


# -- processes ------------------------------------------------------------------------------------


def stat_fields(pid):
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()


def alive(pid):
    fields = stat_fields(pid)
    return fields is not None and fields[0] not in "ZX"


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return "?"


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def descendants(pid):
    """All processes below `pid`, as this pid namespace numbers them."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = stat_fields(int(entry))
            if fields:
                parents.setdefault(int(fields[1]), []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        for child in parents.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def wait_until(condition, seconds, step=0.02):
    """True once the condition holds; False when it never did within the time."""
    deadline = time.monotonic() + seconds
    while True:
        if condition():
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(step)
