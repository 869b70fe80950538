# SPDX-License-Identifier: Apache-2.0
"""Virga and its peers as processes: started on a free port, timed to the first signed answer, weighed."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from harness.daemon import descendants  # noqa: E402
from harness.raw import Cut, Raw  # noqa: E402

CACHE = ROOT / ".cache" / "bench"
START_LIMIT_S = 60


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def program(name):
    """The path of bench/NAME/bench_NAME, compiled when that is due."""
    path = f"bench/{name}/bench_{name}"
    subprocess.run(["ninja", "-C", str(ROOT / "build"), path], check=True, capture_output=True)
    return str(ROOT / "build" / path)


def pss_kb(pid):
    """Proportional set size of a process and all below it."""
    total = 0
    for one in [pid, *descendants(pid)]:
        with contextlib.suppress(OSError), open(f"/proc/{one}/smaps_rollup", encoding="ascii") as f:
            total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
    return total


def cpu_s(pid):
    """CPU time used so far by a process and all below it."""
    ticks = 0
    for one in [pid, *descendants(pid)]:
        with contextlib.suppress(OSError), open(f"/proc/{one}/stat", encoding="utf-8") as f:
            fields = f.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Peer:
    """One program under measurement. `home` keeps its data over restarts."""

    name = "?"
    durable = "no"
    folder = None  # where homes are made; absent: where temporary files are
    secret = "test"

    def __init__(self):
        self.home = Path(tempfile.mkdtemp(prefix="virga-bench-", dir=self.folder))
        self.port = free_port()
        self.process = None

    def command(self):
        raise NotImplementedError

    def env(self):
        return {}

    @classmethod
    def is_there(cls):
        return True

    def raw(self, timeout=30):
        return Raw(self.port, secret_key=self.secret, timeout=timeout)

    def is_answering(self, raw):
        return raw.json("dynamodb", "ListTables", {})[0] == 200

    def start(self):
        """Milliseconds from exec to the first signed answer."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        log = open(self.home / "log", "ab")
        started = time.perf_counter()
        self.process = subprocess.Popen(
            self.command(), cwd=self.home, env={**env, **self.env()}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        log.close()
        raw = self.raw(timeout=10)
        while True:
            try:
                if self.is_answering(raw):
                    break
            except Cut:
                pass
            if self.process.poll() is not None or time.perf_counter() - started > START_LIMIT_S:
                self.close()
                raise RuntimeError(f"{self.name} does not answer")
            time.sleep(0.0005)
        took = (time.perf_counter() - started) * 1000
        raw.close()
        return took

    def signal(self, number):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, number)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.process = None

    def stop(self):
        self.signal(signal.SIGTERM)

    def kill9(self):
        self.signal(signal.SIGKILL)

    def pss_mb(self):
        return pss_kb(self.process.pid) / 1024

    def cpu_s(self):
        return cpu_s(self.process.pid)

    def close(self):
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()


class Virga(Peer):
    name = "Virga"
    durable = "yes (fsync)"
    extra = ()

    def command(self):
        binary = os.environ.get("VIRGA_BIN", str(ROOT / "build" / "virga"))
        listen = f"127.0.0.1:{self.port}"
        return [binary, "serve", "--listen", listen, "--data", str(self.home / "data"), *self.extra]


class MiniStack(Peer):
    name = "MiniStack"

    def command(self):
        return [str(CACHE / "venv" / "bin" / "ministack")]

    def env(self):
        return {"GATEWAY_PORT": str(self.port), "LAMBDA_EXECUTOR": "local"}

    @classmethod
    def is_there(cls):
        return (CACHE / "venv" / "bin" / "ministack").exists()


class Moto(Peer):
    name = "moto server"

    def command(self):
        return [str(CACHE / "venv" / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(self.port)]

    @classmethod
    def is_there(cls):
        return (CACHE / "venv" / "bin" / "moto_server").exists()


class Dynalite(Peer):
    name = "dynalite"
    durable = "LevelDB without fsync"

    def command(self):
        script = CACHE / "npm" / "node_modules" / "dynalite" / "cli.js"
        node = os.environ.get("VG_NODE", "node")
        path = str(self.home / "db")
        return [node, str(script), "--port", str(self.port), "--path", path, "--createTableMs", "0"]

    @classmethod
    def is_there(cls):
        return (CACHE / "npm" / "node_modules" / "dynalite").exists()


class DynamoDbLocal(Peer):
    name = "DynamoDB Local"
    durable = "SQLite's defaults"

    def command(self):
        lib = CACHE / "maven" / "lib"
        main = "software.amazon.dynamodb.services.local.main.ServerRunner"
        (self.home / "db").mkdir(exist_ok=True)
        return ["java", f"-Djava.library.path={lib}", "-cp", f"{lib}/*", main, "-port", str(self.port),
                "-dbPath", str(self.home / "db"), "-sharedDb", "-disableTelemetry"]  # fmt: skip

    @classmethod
    def is_there(cls):
        return (CACHE / "maven" / "lib").exists()


class FakeCloud(Peer):
    name = "fakecloud"
    durable = "yes (a whole snapshot and fsync a write)"

    def command(self):
        kept = ["--storage-mode", "persistent", "--data-path", str(self.home / "data")]
        return [str(CACHE / "cargo" / "bin" / "fakecloud"), "--addr", f"127.0.0.1:{self.port}", *kept]

    @classmethod
    def is_there(cls):
        return (CACHE / "cargo" / "bin" / "fakecloud").exists()


def there(*kinds):
    return [kind for kind in kinds if kind.is_there()]
