#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what works into the README, between its markers, from models/ and each service.toml.

    coverage.py            writes
    coverage.py --check    exits 1 when the README is not up to date
"""

import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- coverage: ./dev gen writes this -->", "<!-- /coverage -->"


def rows():
    """(service id, done, partial, number modelled) of each API; done and partial are operation names."""
    for toml in sorted(ROOT.glob("src/services/*/service.toml")):
        overlay = tomllib.loads(toml.read_text(encoding="utf-8"))
        status = {name: op.get("status", "absent") for name, op in overlay.get("op", {}).items()}
        for model in overlay["service"]["models"]:
            raw = json.loads((ROOT / "models" / f"{model}.json").read_text(encoding="utf-8"))
            names = sorted(raw["operations"])
            done = [n for n in names if status.get(n) == "done"]
            partial = [n for n in names if status.get(n) == "partial"]
            yield raw["metadata"].get("serviceId", model), done, partial, len(names)


def table():
    lines = ["| service | done | partial | absent |", "| --- | --- | --- | ---: |"]
    total = [0, 0, 0]
    for name, done, partial, modelled in rows():
        absent = modelled - len(done) - len(partial)
        total = [a + b for a, b in zip(total, (len(done), len(partial), absent), strict=True)]
        lines.append(f"| **{name}** | {len(done)}: {', '.join(done) or '–'} | {', '.join(partial) or '–'} | {absent} |")
    lines.append(f"| all | {total[0]} | {total[1]} | {total[2]} |")
    return "\n".join(lines)


def main():
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.S)
    wanted = pattern.sub(lambda _: f"{BEGIN}\n{table()}\n{END}", text)
    if wanted == text:
        return 0
    if "--check" in sys.argv:
        print("README.md: coverage: the table is not up to date: ./dev gen --coverage")
        return 1
    readme.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
