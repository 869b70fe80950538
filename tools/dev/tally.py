#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts single tests out of what the runners leave, and closes with one line."""

import json
import os
import re
import sys
import xml.etree.ElementTree as ET


def add(name, passed, failed, skipped):
    with open(os.environ["VG_TALLY"], "a", encoding="utf-8") as out:
        out.write(f"{name}\t{passed}\t{failed}\t{skipped}\n")


def cmocka(test):
    """(passed, failed, skipped) of one program's output; one that died counts as a failure."""
    text = test.get("stdout", "") + test.get("stderr", "")
    numbers = []
    for word in ("PASSED", "FAILED", "SKIPPED"):
        found = re.findall(rf"\[  ?{word}  ?\] (\d+) test\(s\)", text)
        numbers.append(sum(map(int, found)))
    # Runners that are no cmocka programs close with a line of their own.
    for line in re.findall(r"^\d+ passed, \d+ failed(?:, \d+ skipped)?$", text, re.M):
        counts = [int(n) for n in re.findall(r"\d+", line)] + [0]
        numbers = [a + b for a, b in zip(numbers, counts[:3], strict=True)]
    passed, failed, skipped = numbers
    good = test["result"] == "OK"
    if good and passed + failed + skipped == 0:
        passed = 1
    if not good and failed == 0:
        failed = 1
    return passed, failed, skipped


def from_meson(name, path):
    total = [0, 0, 0]
    try:
        with open(path, encoding="utf-8") as log:
            tests = [json.loads(line) for line in log]
    except FileNotFoundError:
        tests = []
    for test in tests:
        counts = cmocka(test)
        total = [a + b for a, b in zip(total, counts, strict=True)]
        if counts[1]:
            print(f"--- {test['name']}: {test['result']}", file=sys.stderr)
            text = (test.get("stdout", "") + test.get("stderr", "")).split("\n")
            wanted = [line for line in text if not re.match(r"\[( RUN |       OK) ", line)]
            print("\n".join(wanted[-60:]), file=sys.stderr)
    add(name, *total)


def from_oracle(name, path):
    with open(path, encoding="utf-8") as log:
        counts = re.findall(r"^(\d+) passed, (\d+) failed$", log.read(), re.M)
    passed, failed = counts[-1] if counts else (0, 1)  # it did not come to its end
    add(name, passed, failed, 0)


def from_junit(name, path, rc):
    try:
        root = ET.parse(path).getroot()
    except (OSError, ET.ParseError):
        add(name, 0, 1, 0)  # it did not come to its end
        return
    suites = root.iter("testsuite")
    n = bad = skipped = 0
    for suite in suites:
        n += int(suite.get("tests", 0))
        bad += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    if rc != 0 and bad == 0:
        bad += 1
        n += 1
    add(name, n - bad - skipped, bad, skipped)


def close(path):
    passed = failed = skipped = 0
    print()
    with open(path, encoding="utf-8") as tally:
        for line in tally:
            name, p, f, s = line.rstrip("\n").split("\t")
            print(f"  {name:<24}{p:>6} passed {f:>4} failed {s:>4} skipped")
            passed, failed, skipped = passed + int(p), failed + int(f), skipped + int(s)
    print()
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    what, args = sys.argv[1], sys.argv[2:]
    if what == "meson":
        from_meson(*args)
    elif what == "oracle":
        from_oracle(*args)
    elif what == "junit":
        from_junit(args[0], args[1], int(args[2]))
    else:
        sys.exit(close(*args))
