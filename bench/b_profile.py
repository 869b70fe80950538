# SPDX-License-Identifier: Apache-2.0
"""Where a request's instructions go, by part of the program: the daemon under callgrind, one loop, one connection."""

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from b_start import fill, put
from harness.daemon import wait_until
from harness.raw import Cut, Raw
from peer import ROOT, free_port

ROWS = 12


def get(raw, i):
    status, answer = raw.json("dynamodb", "GetItem", {"TableName": "bench", "Key": {"pk": {"S": f"key-{i % 1000}"}}})
    assert status == 200, answer


def identity(raw, _):
    status, answer = raw.query("sts", "2011-06-15", "GetCallerIdentity")
    assert status == 200, answer


REQUESTS = {"GetCallerIdentity": identity, "GetItem": get, "PutItem": lambda raw, i: put(raw, i % 1000)}


def part_of(file, binary):
    """The folder of ours that a function is in, or the library."""
    ours = re.search(r"(?:^|/)src/(services/[a-z]+|[a-z]+)/", file)
    if ours and "valgrind" not in file and "glibc" not in file:
        return f"src/{ours.group(1)}"
    name = Path(binary).name.split(".so")[0]
    return "llhttp and generated code" if name == "virga" else name


def read(path):
    """{part: instructions} of a callgrind file: its own cost of each function, what it calls not counted."""
    names, cost = {}, Counter()
    file = binary = ""
    is_call = False
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            named = re.match(r"(ob|cob|fl|fi|fe|cfi|cfl)=(\(\d+\))(?: (.*))?$", line)
            if named:
                kind, key, text = named.groups()
                space = "ob" if kind.endswith("ob") else "fl"
                if text:  # a name is given once, where it comes first
                    names[space, key] = text
                if kind == "ob":
                    binary = names[space, key]
                elif not kind.startswith("c"):
                    file = names[space, key]
            elif line.startswith("calls="):
                is_call = True
            elif line[:1] in "0123456789+-*":
                if not is_call:
                    cost[part_of(file, binary)] += int(line.split()[1])
                is_call = False
    return cost


def profile(operation, n):
    home = Path(tempfile.mkdtemp(prefix="virga-bench-profile-"))
    port = free_port()
    out = home / "callgrind"
    daemon = [str(ROOT / "build" / "virga"), "serve", "--loops", "1", "--listen", f"127.0.0.1:{port}", "--data", str(home / "data")]
    log = open(home / "log", "wb")  # noqa: SIM115 - the process's
    process = subprocess.Popen(
        ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}", *daemon],
        stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    try:

        def is_up():
            try:
                Raw(port).json("dynamodb", "ListTables", {})
                return True
            except Cut:
                return False

        assert wait_until(is_up, 60)
        fill(port, 1000)
        raw = Raw(port)
        for i in range(100):
            operation(raw, i)
        control = ["callgrind_control", "-i"]
        subprocess.run([*control, "on", str(process.pid)], check=True, capture_output=True)
        for i in range(n):
            operation(raw, i)
        subprocess.run([*control, "off", str(process.pid)], check=True, capture_output=True)
        raw.close()
        process.terminate()
        process.wait(60)
        return {part: count / n for part, count in read(out).items()}
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        log.close()
        shutil.rmtree(home, ignore_errors=True)


def run(quick):
    n = 200 if quick else 2000
    return {"n": n, "instructions": {name: profile(operation, n) for name, operation in REQUESTS.items()}}


def render(r):
    by = r["instructions"]
    total = {name: sum(parts.values()) for name, parts in by.items()}
    sums = Counter()
    for parts in by.values():
        sums.update(parts)
    lines = ["## Where the instructions of a request go", ""]
    lines += [f"By callgrind, {r['n']:,} requests over one connection; thousands of instructions a request."]
    lines[-1] += " Callgrind has no SHA instructions, so libcrypto weighs more here than on the processor."
    lines.append("")
    lines += ["| | " + " | ".join(by) + " |", "| --- |" + " ---: |" * len(by)]
    for part, _ in sums.most_common(ROWS):
        lines.append(f"| {part} | " + " | ".join(f"{parts.get(part, 0) / 1000:.1f}" for parts in by.values()) + " |")
    shown = {part for part, _ in sums.most_common(ROWS)}
    rest = [sum(v for k, v in parts.items() if k not in shown) for parts in by.values()]
    lines.append("| the rest | " + " | ".join(f"{v / 1000:.1f}" for v in rest) + " |")
    lines.append("| all | " + " | ".join(f"**{total[name] / 1000:.1f}**" for name in by) + " |")
    return lines
