# SPDX-License-Identifier: Apache-2.0
"""What a daemon that has ended must not leave on the machine: mounts and control groups."""

import os
import re
from pathlib import Path

from .daemon import alive, wait_until


def mounts():
    """Mounts of ours that are visible out here (those of sandboxes live in their own namespaces)."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").split("\n")
    return sorted(line.split(" ")[4] for line in lines if " - " in line and "virga" in line.split(" - ")[1])


def orphaned_cgroups():
    """Control groups of a virga-jail that is no more: their names hold its pid."""
    found = []
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        if folder.count("/") > 6:
            names[:] = []
        for name in names:
            m = re.fullmatch(r"virga-jail\.(\d+)", name)
            if m and not alive(int(m.group(1))):
                found.append(f"{folder}/{name}")
    return sorted(found)


class Watch:
    """Taken before a daemon starts; `check()` after it has ended."""

    def __init__(self):
        self.before = set(mounts()), set(orphaned_cgroups())

    def left(self):
        return sorted(set(mounts()) - self.before[0]) + sorted(set(orphaned_cgroups()) - self.before[1])

    def check(self):
        assert wait_until(lambda: not self.left(), 5, 0.2), f"left behind: {self.left()}"
