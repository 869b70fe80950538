# SPDX-License-Identifier: Apache-2.0
"""What a signature and an access decision cost the dispatcher."""

import json
import subprocess

from peer import program


def run(quick):
    runs = 1 if quick else 5
    command = [program("auth")]
    figures = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(runs)]
    return {key: sorted(f[key] for f in figures)[runs // 2] for key in figures[0]}


def render(r):
    return [
        "## Who and may they",
        "",
        "One thread, caches warm, a user with five policies (three of AWS's, two of its own with conditions):"
        f" a signature from head to principal {r['authenticate_ns'] / 1000:.2f} µs,"
        f" an access decision {r['decide_ns'] / 1000:.2f} µs.",
    ]
