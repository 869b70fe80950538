# SPDX-License-Identifier: Apache-2.0
"""Functions that try to harm: each may harm itself, and nobody else."""

import json
import os
import socket
import time

import pytest
from test_lambda import create, invoke, role  # noqa: F401 fixtures


@pytest.fixture
def unharmed(create, invoke, aws):  # noqa: F811
    """Another function that must go on answering, and the machine beside it."""
    other = create("def handler(e, c):\n    return e\n")
    assert invoke(other, 1) == (1, None)
    yield
    began = time.monotonic()
    assert invoke(other, 2) == (2, None)
    assert time.monotonic() - began < 5
    assert aws("sts").get_caller_identity()["Account"]
    open("/dev/null", "rb").close()


CALLS = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = {"mount": (165, b"none", b"/tmp", b"tmpfs", 0, 0), "umount2": (166, b"/proc", 2), "ptrace": (101, 16, 1, 0, 0),
    "setns": (308, 3, 0), "unshare": (272, 0x10000000), "clone": (56, 0x10000000 | 17, 0, 0, 0, 0), "clone3": (435, 0, 0),
    "keyctl": (250, 0, 0), "add_key": (248, b"user", b"x", b"y", 1, -3), "bpf": (321, 0, 0, 0), "userfaultfd": (323, 0),
    "io_uring_setup": (425, 1, 0), "perf_event_open": (298, 0, 0, 0, 0, 0), "kexec_load": (246, 0, 0, 0, 0),
    "init_module": (175, 0, 0, 0), "pivot_root": (155, b"/tmp", b"/tmp"), "open_by_handle_at": (304, 0, 0, 0),
    "process_vm_readv": (310, 1, 0, 0, 0, 0, 0), "sethostname": (170, b"x", 1), "reboot": (169, 0, 0, 0, 0)}
def handler(e, c):
    out = {}
    for name, call in NUMBERS.items():
        r = libc.syscall(*call)
        out[name] = "done" if r >= 0 else errno.errorcode[ctypes.get_errno()]
    return out
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers of system calls are this machine's")
def test_dangerous_system_calls_are_refused(create, invoke, unharmed):  # noqa: F811
    answer, error = invoke(create(CALLS))
    assert error is None
    assert {k: v for k, v in answer.items() if v not in ("EPERM", "ENOSYS")} == {}


FILES = """
import os, socket
def attempt(f):
    try:
        return repr(f())
    except OSError as e:
        return "refused"
def handler(e, c):
    return {
        "chroot": attempt(lambda: os.chroot("/tmp")),
        "setuid": attempt(lambda: os.setuid(0)),
        "init's root": attempt(lambda: os.listdir("/proc/1/root")),
        "init's environment": attempt(lambda: open("/proc/1/environ").read()),
        "init's descriptors": attempt(lambda: os.listdir("/proc/1/fd")),
        "shadow": attempt(lambda: open("/etc/shadow").read()),
        "root's home": attempt(lambda: os.listdir("/root")),
        "data": attempt(lambda: os.listdir(e["data"])),
        "a host file": attempt(lambda: open(e["secret"]).read()),
        "write task": attempt(lambda: open("/var/task/x", "w")),
        "write root": attempt(lambda: open("/x", "w")),
        "write usr": attempt(lambda: open("/usr/x", "w")),
        "write runtime": attempt(lambda: open("/var/runtime/x", "w")),
        "kcore": attempt(lambda: open("/proc/kcore", "rb").read(4)),
        "kmsg": attempt(lambda: open("/proc/kmsg", "rb").read(4)),
        "sysrq": attempt(lambda: open("/proc/sysrq-trigger", "w")),
        "sysctl": attempt(lambda: open("/proc/sys/kernel/core_pattern", "w")),
        "cgroup": attempt(lambda: os.listdir("/sys/fs/cgroup")),
        "device": attempt(lambda: os.mknod("/tmp/sda", 0o60666, os.makedev(8, 0))),
        "raw socket": attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),
        "packet socket": attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
        "vsock": attempt(lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)),
        "the daemon's port": attempt(lambda: socket.create_connection(("127.0.0.1", e["port"]), 1)),
        "the host": attempt(lambda: socket.create_connection((e["host"], e["port"]), 1)),
        "the world": attempt(lambda: socket.create_connection(("192.0.2.1", 80), 1)),
        "a name": attempt(lambda: socket.getaddrinfo("example.com", 80)),
    }
"""


def test_nothing_of_the_host_can_be_reached(create, invoke, unharmed, daemon, tmp_path):  # noqa: F811
    secret = tmp_path / "secret"
    secret.write_text("secret", encoding="utf-8")
    os.chmod(secret, 0o644)
    function = create(FILES, Timeout=20)
    event = {"port": daemon.port, "host": socket.gethostname(), "secret": str(secret), "data": str(tmp_path)}
    answer, error = invoke(function, event)
    assert error is None
    assert {k: v for k, v in answer.items() if v != "refused"} == {}


def test_killing_everybody_kills_only_itself(create, invoke, unharmed):  # noqa: F811
    function = create("import os\ndef handler(e, c):\n    os.kill(1, 9)\n    os.kill(-1, 9)\n    return [os.getpid(), os.getuid()]\n")
    answer, error = invoke(function)
    assert error in (None, "Unhandled")
    if error is None:  # kill(-1) spares the caller
        assert answer[1] == 993


def test_a_fork_bomb_meets_its_limit(create, invoke, unharmed):  # noqa: F811
    function = create(
        "import os, time\ndef handler(e, c):\n    n = 0\n    try:\n        while True:\n"
        "            if os.fork() == 0:\n                time.sleep(100)\n            n += 1\n"
        "    except OSError as x:\n        return n\n",
        MemorySize=2048,
        Timeout=20,
    )
    answer, error = invoke(function)
    assert error is None
    assert 500 < answer <= 1024


def test_a_full_disk_is_only_its_own(create, invoke, unharmed):  # noqa: F811
    function = create(
        "def handler(e, c):\n    n = 0\n    try:\n        with open('/tmp/f', 'wb') as f:\n"
        "            while True:\n                n += f.write(b'x' * (1 << 20))\n"
        "    except OSError as x:\n        return [n >> 20, x.errno]\n",
        MemorySize=1024,
        EphemeralStorage={"Size": 512},
        Timeout=20,
    )
    assert invoke(function) == ([512, 28], None)


def test_every_descriptor_used_is_only_its_own(create, invoke, unharmed):  # noqa: F811
    function = create(
        "def handler(e, c):\n    kept = []\n    try:\n        while True:\n            kept.append(open('/dev/null'))\n"
        "    except OSError as x:\n        n = len(kept)\n        kept.clear()\n        return [n, x.errno]\n"
    )
    answer, error = invoke(function)
    assert error is None and 900 < answer[0] < 1024 and answer[1] == 24


def test_a_flood_of_output_is_bounded(create, invoke, unharmed, daemon):  # noqa: F811
    function = create(
        "import os\ndef handler(e, c):\n    for _ in range(64):\n        os.write(1, b'x' * 999999 + b'\\n')\n    return 1\n",
        Timeout=30,
    )
    assert invoke(function) == (1, None)


def test_lies_to_the_runtime_api(create, invoke, unharmed):  # noqa: F811
    function = create(
        "import http.client, json, threading\n"
        "def ask(method, path, body=None):\n    c = http.client.HTTPConnection('127.0.0.1:9001', timeout=5)\n"
        "    c.request(method, path, body)\n    r = c.getresponse()\n    r.read()\n    return r.status\n"
        "def handler(e, c):\n    p = '/2018-06-01/runtime/'\n"
        "    return [ask('GET', p + 'invocation/next'), ask('POST', p + 'invocation/other/response', b'1'),\n"
        "            ask('POST', p + 'init/error', b'{}'), ask('POST', p + 'nothing', b'1'),\n"
        "            ask('GET', p + 'invocation/' + '../' * 20)]\n"
    )
    answer, error = invoke(function)
    assert error is None
    assert answer == [403, 400, 403, 404, 404], json.dumps(answer)
