# SPDX-License-Identifier: Apache-2.0
"""The store alone: durable puts beside bare write + fdatasync in one thread, point reads, opening."""

import json
import shutil
import subprocess
import tempfile

from peer import ROOT, program


def run(quick):
    home = tempfile.mkdtemp(prefix="virga-bench-store-", dir=ROOT / "build")  # /tmp may be memory
    try:
        command = [program("store"), f"{home}/data", "1" if quick else "5"]
        figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    finally:
        shutil.rmtree(home)
    figures["puts"].pop()  # the null at the end
    figures["reads"].pop()
    return figures


def render(r):
    bare = (r["bare_per_s"] + r["bare_again_per_s"]) / 2
    lines = ["## Store", "", "Durable puts of 400 bytes from fibers on two loops;"]
    lines[-1] += " bare is one thread's write + fdatasync into preallocated room:"
    lines[-1] += f" {r['bare_per_s']:,.0f}/s before, {r['bare_again_per_s']:,.0f}/s after."
    lines += ["", "| fibers | puts/s | of bare | median, ms | p99, ms |", "| ---: | ---: | ---: | ---: | ---: |"]
    for p in r["puts"]:
        row = f"| {p['clients']} | {p['per_s']:,.0f} | {p['per_s'] / bare:.1f} "
        lines.append(row + f"| {p['p50_us'] / 1000:.2f} | {p['p99_us'] / 1000:.2f} |")
    lines += ["", "| point reads, at random | reads/s, one thread | median, µs | p99, µs |"]
    lines += ["| --- | ---: | ---: | ---: |"]
    for p in r["reads"]:
        lines.append(f"| {p['what']} | {p['per_s']:,.0f} | {p['p50_us']} | {p['p99_us']} |")
    lines += ["", f"Opening: {r['open_new_ms']} ms a new folder, {r['open_clean_ms']} ms after a clean stop;"]
    lines[-1] += f" after kill -9 {r['open_killed_1mb_ms']} ms with 1 MB in the log,"
    lines[-1] += f" {r['open_killed_8mb_ms']} ms with 8 MB, {r['open_killed_30mb_ms']} ms with 30 MB."
    return lines
