# SPDX-License-Identifier: Apache-2.0
"""What a daemon that has ended must not leave on the machine: mounts and control groups."""

import os
from pathlib import Path

from .daemon import alive, wait_until


def mounts():
    """Mounts of ours that are visible out here (those of sandboxes live in their own namespaces)."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").split("\n")
    return sorted(line.split(" ")[4] for line in lines if " - " in line and "virga" in line.split(" - ")[1])


def orphaned_cgroups(daemons, root="/sys/fs/cgroup"):
    """Control groups of the jails that these daemons started and that are no more: named by the jail's pid."""
    pids = {int(event["pid"]) for daemon in daemons for event in daemon.logged("sandboxes")}
    ours = {f"virga-jail.{pid}" for pid in pids if not alive(pid)}
    found = []
    for folder, names, _ in os.walk(root):
        if folder.count("/") - str(root).count("/") > 3:
            names[:] = []
        found += [f"{folder}/{name}" for name in names if name in ours]
    return sorted(found)


class Watch:
    """Taken before a daemon starts; `check(daemons)` after those have ended."""

    def __init__(self):
        self.before = set(mounts())

    def left(self, daemons):
        return sorted(set(mounts()) - self.before) + orphaned_cgroups(daemons)

    def check(self, daemons):
        assert wait_until(lambda: not self.left(daemons), 5, 0.2), f"left behind: {self.left(daemons)}"
