#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench: runs what is named (or all), keeps the figures, puts them into bench/RESULTS.md."""

import datetime
import importlib
import json
import os
import platform
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from peer import CACHE  # noqa: E402, I001 it leads to the tests' harness
import b_s3  # noqa: E402
import report  # noqa: E402
from b_http import kb_each  # noqa: E402

NAMES = ("start", "dynamodb", "store", "http", "lambda", "chain", "auth", "s3", "profile")
# What issue 2 asks for, and where a run's figures say how far it is: (bench, what, target, figure, is it reached).
TARGETS = [
    ("start", "start after a clean stop", "≤ 30 ms", lambda r: r["start_ms"]["Virga, after a clean stop"],
     lambda v: v <= 30, "{:.0f} ms"),
    ("start", "start after kill -9", "≤ 120 ms", lambda r: r["start_ms"]["Virga, after kill -9"],
     lambda v: v <= 120, "{:.0f} ms"),
    ("start", "idle memory", "≤ 20 MB", lambda r: r["idle_mb"]["Virga"], lambda v: v <= 20, "{:.1f} MB"),
    ("http", "requests/s, signed, of nginx's", "≥ 0.60",
     lambda r: r["Virga"]["rps"] / r["nginx return 200"]["rps"], lambda v: v >= 0.6, "{:.2f}"),
    ("http", "an idle connection", "≤ 8 KB", lambda r: kb_each(r["idle"]), lambda v: v <= 8, "{:.1f} KB"),
    ("http", "a waiting request", "≤ 16 KB", lambda r: kb_each(r["waiting"]), lambda v: v <= 16, "{:.1f} KB"),
    ("http", "memory a minute after a burst of 5,000", "≤ 20 MB", lambda r: r["burst"]["after_mb"],
     lambda v: v <= 20, "{:.1f} MB"),
    ("dynamodb", "GetItem, 16 connections, of the fastest peer but fakecloud", "≥ 5",
     lambda r: ratio(r, "GetItem", without="fakecloud"), lambda v: v >= 5, "{:.1f}"),
    ("dynamodb", "PutItem, 16 connections, of DynamoDB Local, the fastest of the three that keeps what it answers", "≥ 5",
     lambda r: ratio(r, "PutItem", only="DynamoDB Local"), lambda v: v >= 5, "{:.1f}"),
    ("dynamodb", "PutItem, 16 connections, ours on disk, of dynalite's, which are not", "≥ 5",
     lambda r: ratio(r, "PutItem", only="dynalite"), lambda v: v >= 5, "{:.1f}"),
    ("dynamodb", "Query, 16 connections, of the fastest peer but fakecloud", "≥ 5",
     lambda r: ratio(r, "Query", without="fakecloud"), lambda v: v >= 5, "{:.1f}"),
    ("dynamodb", "GetItem, 16 connections, of fakecloud", "≥ 1.5",
     lambda r: ratio(r, "GetItem", only="fakecloud"), lambda v: v >= 1.5, "{:.1f}"),
    ("dynamodb", "PutItem, 16 connections, of fakecloud", "≥ 1.5",
     lambda r: ratio(r, "PutItem", only="fakecloud"), lambda v: v >= 1.5, "{:.1f}"),
    ("store", "durable put from 1 client, of bare write + fdatasync", "≥ 0.6", lambda r: of_bare(r, 1),
     lambda v: v >= 0.6, "{:.2f}"),
    ("store", "durable puts from 16 clients, of the same", "≥ 5", lambda r: of_bare(r, 16),
     lambda v: v >= 5, "{:.1f}"),
    ("lambda", "Python cold start, of the bare interpreter's", "≤ 0.70",
     lambda r: r["who"]["Virga"]["python"]["cold_ms"] / r["bare_ms"]["python"], lambda v: v <= 0.7, "{:.2f}"),
    ("lambda", "Node cold start, of the bare interpreter's", "≤ 0.70",
     lambda r: r["who"]["Virga"]["nodejs"]["cold_ms"] / r["bare_ms"]["nodejs"], lambda v: v <= 0.7, "{:.2f}"),
    ("lambda", "native cold start", "≤ 3 ms", lambda r: r["who"]["Virga"]["native"]["cold_ms"],
     lambda v: v <= 3, "{:.1f} ms"),
    ("lambda", "warm invoke of a Python function, whole", "≤ 0.5 ms over the handler",
     lambda r: r["who"]["Virga"]["python"]["warm_ms"], lambda v: v <= 0.5, "{:.2f} ms"),
    ("auth", "an access decision over five policies", "≤ 2 µs", lambda r: r["decide_ns"] / 1000,
     lambda v: v <= 2, "{:.2f} µs"),
    ("chain", "the chain, of the sum of its parts", "≤ 1.2",
     lambda r: r["whole_ms"] / (r["route_ms"] + r["put_ms"]), lambda v: v <= 1.2, "{:.2f}"),
    ("s3", "put of 4 KiB, 16 connections, of the fastest peer", "≥ 3", lambda r: b_s3.of_fastest(r, "put"),
     lambda v: v >= 3, "{:.1f}"),
    ("s3", "get of 4 KiB, 16 connections, of the fastest peer", "≥ 3", lambda r: b_s3.of_fastest(r, "get"),
     lambda v: v >= 3, "{:.1f}"),
    ("s3", "get of 64 MiB, 1 connection, of a bare loop of read, AES-GCM (OpenSSL's) and write", "≥ 0.80",
     lambda r: b_s3.get_of_bare(r, 1), lambda v: v >= 0.8, "{:.2f}"),
    ("s3", "get of 64 MiB, 64 connections, of the same loop", "≥ 0.80", lambda r: b_s3.get_of_bare(r, 64),
     lambda v: v >= 0.8, "{:.2f}"),
    ("s3", "get of 64 MiB, 1 connection, of such a loop with the AES-GCM that Virga takes", "≥ 0.80",
     lambda r: b_s3.get_of_bare(r, 1, "bare_best_mbps"), lambda v: v >= 0.8, "{:.2f}"),
    ("s3", "get of 64 MiB, 64 connections, of such a loop with the AES-GCM that Virga takes", "≥ 0.80",
     lambda r: b_s3.get_of_bare(r, 64, "bare_best_mbps"), lambda v: v >= 0.8, "{:.2f}"),
    ("s3", "put of 64 MiB, 1 connection, of the slower of MD5 alone and dd with fsync", "≥ 0.80",
     lambda r: b_s3.put_of_bound(r, "put", 1), lambda v: v >= 0.8, "{:.2f}"),
    ("s3", "put of 64 MiB, payload unsigned, 1 connection, of the same", "≥ 0.80",
     lambda r: b_s3.put_of_bound(r, "put, payload unsigned", 1), lambda v: v >= 0.8, "{:.2f}"),
    ("s3", "put of 64 MiB, payload unsigned, 16 connections, of the same", "≥ 0.80",
     lambda r: b_s3.put_of_bound(r, "put, payload unsigned", 16), lambda v: v >= 0.8, "{:.2f}"),
    ("s3", "a page of 1,000 of a million keys, of the fastest peer", "≥ 5", b_s3.listing_of_fastest,
     lambda v: v >= 5, "{:.1f}"),
    ("s3", "memory at 64 connections", "< 64 MiB", b_s3.most_mb, lambda v: v < 64, "{:.1f} MiB"),
]  # fmt: skip


def of_bare(r, clients):
    per_s = next(p["per_s"] for p in r["puts"] if p["clients"] == clients)
    return per_s / ((r["bare_per_s"] + r["bare_again_per_s"]) / 2)


def ratio(r, operation, only=None, without=None):
    rows = {x["who"]: x["rps"] for x in r["rows"] if (x["operation"], x["connections"]) == (operation, 16)}
    peers = [v for k, v in rows.items() if k != "Virga" and (only is None or k == only) and k != without]
    return rows["Virga"] / max(peers)


def machine():
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"model name\s*: (.*)", text)
    return f"{os.cpu_count()} cores of {model.group(1) if model else platform.machine()}, Linux {platform.release()}"


def targets(fresh):
    rows = []
    for bench, what, target, figure, is_reached, form in TARGETS:
        try:
            value = figure(fresh[bench]["figures"])
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            rows.append((what, target, None))
            continue
        rows.append((what, target, (form.format(value), "reached" if is_reached(value) else "**short**")))
    return rows


def render(fresh):
    """What was measured just now goes into the report; the rest of it stays."""
    sections = []
    for name in NAMES:
        if name in fresh:
            quick = "; a quick run" if fresh[name]["quick"] else ""
            sections += importlib.import_module(f"b_{name}").render(fresh[name]["figures"])
            sections += ["", f"<sub>measured {fresh[name]['when']}{quick}</sub>", ""]
    results, notes = HERE / "RESULTS.md", HERE / "NOTES.md"
    old = results.read_text(encoding="utf-8") if results.exists() else ""
    text = report.merge(old, machine(), targets(fresh), sections, notes.read_text(encoding="utf-8"))
    results.write_text(text, encoding="utf-8")


def main():
    quick = "--quick" in sys.argv
    names = [a for a in sys.argv[1:] if not a.startswith("--")] or list(NAMES)
    store = CACHE / "results.json"
    kept = json.loads(store.read_text(encoding="utf-8")) if store.exists() else {}
    fresh = {}
    for name in names:
        print(f"==> bench {name}", file=sys.stderr, flush=True)
        bench = importlib.import_module(f"b_{name}")
        figures = bench.run(quick)
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
        kept[name] = fresh[name] = {"when": now, "quick": quick, "figures": figures}
        store.write_text(json.dumps(kept, indent=1), encoding="utf-8")
        print("\n".join(bench.render(figures)), flush=True)
        render(fresh)


if __name__ == "__main__":
    main()
