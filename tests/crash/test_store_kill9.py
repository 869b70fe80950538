# SPDX-License-Identifier: Apache-2.0
"""The store alone, killed at random moments and at armed fault points (store_crash.c says how)."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("VIRGA_BIN", ROOT / "build" / "virga")).parent / "tests" / "crash" / "store_crash"
ROUNDS = os.environ.get("VIRGA_STORE_KILLS", "50")


def test_nothing_acknowledged_is_lost_and_nothing_half_done_is_seen(tmp_path):
    run = subprocess.run(
        [PROGRAM, tmp_path / "data", ROUNDS], capture_output=True, text=True, timeout=600, check=False
    )
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "none lost" in run.stdout
