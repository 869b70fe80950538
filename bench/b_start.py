# SPDX-License-Identifier: Apache-2.0
"""exec to the first signed answer, and the memory of an idle daemon."""

import statistics
import threading
import time

from harness.raw import Cut, Raw
from peer import Dynalite, DynamoDbLocal, FakeCloud, MiniStack, Moto, Virga, there


def fill(port, items):
    raw = Raw(port)
    status, answer = raw.json(
        "dynamodb",
        "CreateTable",
        {
            "TableName": "bench",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        },
    )
    assert status == 200, answer
    for i in range(items):
        put(raw, i)
    raw.close()


def put(raw, i):
    item = {"pk": {"S": f"key-{i}"}, "data": {"S": "x" * 400}}
    status, answer = raw.json("dynamodb", "PutItem", {"TableName": "bench", "Item": item})
    assert status == 200, answer


def under_load(peer, seconds=2.0):
    """Writers at full speed for a while; they go on until the daemon is gone."""

    def write(number):
        raw, i = Raw(peer.port), 0
        try:
            while True:
                put(raw, number * 1_000_000 + i)
                i += 1
        except (Cut, AssertionError):
            pass

    threads = [threading.Thread(target=write, args=(n,), daemon=True) for n in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    peer.kill9()
    for thread in threads:
        thread.join(10)


def run(quick):
    runs = 3 if quick else 11
    result = {"start_ms": {}, "idle_mb": {}}
    peer = Virga()
    try:
        empty = []
        for _ in range(runs):
            other = Virga()
            empty.append(other.start())
            other.close()
        peer.start()
        fill(peer.port, 1000)
        times = {"after a clean stop": [], "after kill -9": [], "after kill -9 under load": []}
        for _ in range(runs):
            peer.stop()
            times["after a clean stop"].append(peer.start())
            peer.kill9()
            times["after kill -9"].append(peer.start())
            under_load(peer, 0.5 if quick else 2.0)
            times["after kill -9 under load"].append(peer.start())
        result["start_ms"]["Virga, empty data folder"] = statistics.median(empty)
        for what, list_ in times.items():
            result["start_ms"][f"Virga, {what}"] = statistics.median(list_)
        peer.stop()
        peer.start()
        time.sleep(2)
        result["idle_mb"]["Virga"] = peer.pss_mb()
    finally:
        peer.close()
    for kind in there(MiniStack, Moto, FakeCloud, Dynalite, DynamoDbLocal):
        times = []
        for i in range(min(runs, 3)):
            other = kind()
            times.append(other.start())
            if i == 0:
                time.sleep(2)
                result["idle_mb"][kind.name] = other.pss_mb()
            other.close()
        result["start_ms"][kind.name] = statistics.median(times)
    return result


def render(r):
    lines = ["## Start and memory", "", "exec to the first signed answer, and PSS of all processes, idle.", ""]
    lines += ["| | start, ms | idle, MB |", "| --- | ---: | ---: |"]
    for name, ms in r["start_ms"].items():
        mb = r["idle_mb"].get("Virga" if name == "Virga, after a clean stop" else name)
        lines.append(f"| {name} | {ms:.0f} | {f'{mb:.1f}' if mb else ''} |")
    peers = [ms for name, ms in r["start_ms"].items() if not name.startswith("Virga")]
    mine = r["start_ms"]["Virga, after a clean stop"]
    if peers:
        lines += ["", f"Against the fastest peer's start: {min(peers) / mine:.1f} times as fast."]
    return lines
