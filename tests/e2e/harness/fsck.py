# SPDX-License-Identifier: Apache-2.0
"""`virga fsck` on a folder that no daemon has."""

import re
import subprocess

from .daemon import BINARY


def fsck(data):
    """What it says, with `findings` (a line each) and `counts` (by name, as text)."""
    done = subprocess.run(
        [BINARY, "fsck", "--data", str(data)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
    )
    assert done.returncode in (0, 1, 2), done
    done.findings = [line for line in done.stdout.split("\n") if re.match(r"(orphan: )?(s3|lambda|store)\b", line)]
    done.counts = dict(re.findall(r"^([a-zA-Z][^:\n]*): (.*)$", done.stdout, re.MULTILINE))
    return done


def check_clean(data, where=""):
    """Neither errors nor orphans."""
    done = fsck(data)
    assert (done.returncode, done.findings, done.stderr) == (0, [], ""), f"{where}\n{done.stdout}\n{done.stderr}"
