# SPDX-License-Identifier: Apache-2.0
"""A disk that fills up: writes are refused, reads go on, and writing resumes when there is room."""

import subprocess
import time

import pytest
from test_store_kill9 import PROGRAM

DISK_MB = 320


@pytest.fixture
def small_disk(tmp_path):
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "none", tmp_path], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("may not mount a small file system here")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def fill_rest(path):
    """What another program does to us: takes every byte that is left."""
    with open(path, "wb", buffering=0) as f:
        try:
            while f.write(bytes(1 << 20)):
                pass
        except OSError:
            pass


def test_a_full_disk_refuses_writes_and_is_survived(small_disk):
    data, hog, rest = small_disk / "data", small_disk / "hog", small_disk / "rest"
    hog.write_bytes(bytes(60 << 20))
    with subprocess.Popen([PROGRAM, "--fill", data], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as p:
        try:
            line = p.stdout.readline().split()
            assert line and line[0] == "E", "it ended before it refused a write"
            written = int(line[2])
            assert written > 20
            fill_rest(rest)  # now there is nothing left at all, but for the ballast
            time.sleep(2)
            assert p.poll() is None, "it did not survive a full disk"
            rest.unlink()
            hog.unlink()
            p.stdin.write("go on\n")
            p.stdin.flush()
            line = p.stdout.readline().split()
            assert line and line[0] == "B", "it did not write again"
            assert p.wait(30) == 0
        finally:
            p.kill()
