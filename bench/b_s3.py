# SPDX-License-Identifier: Apache-2.0
"""Objects of 4 KiB, 1 MiB and 64 MiB, an upload of 1 GiB in parts, pages of a million keys, deletes of a thousand."""

import base64
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

from load import s3_bytes, wrk
from peer import CACHE, ROOT, MiniStack, Peer, Virga, program, there
from stream import stream

KIB, MIB = 1 << 10, 1 << 20
CONNECTIONS = (1, 16, 64)
SIZES = {"4 KiB": 4 * KIB, "1 MiB": MIB, "64 MiB": 64 * MIB}
KEYS = {"4 KiB": 1000, "1 MiB": 100, "64 MiB": 8}
UNSIGNED = "UNSIGNED-PAYLOAD"
WHATS = ("put", "put, payload unsigned", "get")
ROUNDS = 5
LARGE_OF_ROUNDS = (("put", 1), ("put, payload unsigned", 1), ("put, payload unsigned", 16), ("get", 1), ("get", 64))
PER_FOLDER = 1000
FILL_LIMIT_S = 300  # a peer that has not taken all keys by then is listed with what it has


class OfS3:
    """Homes beside the build, for what lies in /tmp may lie in memory."""

    folder = ROOT / "build"

    def is_answering(self, raw):
        return raw.s3("GET", "/")[0] == 200


class OurS3(OfS3, Virga):
    pass


class VersityGw(OfS3, Peer):
    name = "versitygw"
    durable = "no (files, never flushed)"

    def command(self):
        (self.home / "data").mkdir(exist_ok=True)
        listen = f"127.0.0.1:{self.port}"
        return [str(CACHE / "go" / "bin" / "versitygw"), "--port", listen, "--access", "test", "--secret", self.secret,
                "--keep-alive", "--quiet", "posix", str(self.home / "data")]  # fmt: skip

    @classmethod
    def is_there(cls):
        return (CACHE / "go" / "bin" / "versitygw").exists()


class MinIo(OfS3, Peer):
    name = "MinIO"
    durable = "yes (O_DSYNC, fdatasync)"
    secret = "test-secret"

    def command(self):
        listen = f"127.0.0.1:{self.port}"
        return [str(CACHE / "go" / "bin" / "minio"), "server", "--quiet", "--address", listen, str(self.home / "data")]

    def env(self):
        return {"MINIO_ROOT_USER": "test", "MINIO_ROOT_PASSWORD": self.secret, "MINIO_BROWSER": "off",
                "MINIO_UPDATE": "off"}  # fmt: skip

    @classmethod
    def is_there(cls):
        return (CACHE / "go" / "bin" / "minio").exists()


class S3sFs(OfS3, Peer):
    name = "s3s-fs"
    durable = "no (files, never flushed)"

    def command(self):
        (self.home / "data").mkdir(exist_ok=True)
        return [str(CACHE / "cargo" / "bin" / "s3s-fs"), "--access-key", "test", "--secret-key", self.secret,
                "--host", "127.0.0.1", "--port", str(self.port), str(self.home / "data")]  # fmt: skip

    def env(self):
        return {"RUST_LOG": "error"}

    @classmethod
    def is_there(cls):
        return (CACHE / "cargo" / "bin" / "s3s-fs").exists()


class MiniStackS3(OfS3, MiniStack):
    pass


class Bodies:
    """One file of each size; what each peer is sent."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="virga-bench-bodies-", dir=ROOT / "build")
        self.files, self.hashes = {}, {}
        for size, n in SIZES.items():
            data = random.Random(n).randbytes(n)
            path = f"{self.folder}/{n}"
            with open(path, "wb") as f:
                f.write(data)
            self.files[size] = os.open(path, os.O_RDONLY)
            self.hashes[size] = hashlib.sha256(data).hexdigest()
        self.md5 = hashlib.md5(data).hexdigest()  # of the largest

    def close(self):
        for fd in self.files.values():
            os.close(fd)
        shutil.rmtree(self.folder)


def key(size, i):
    return f"/bench/{SIZES[size]}-{i}"


def heads(raw, what, size, bodies):
    """Endless; each is signed when it is due."""
    i = 0
    while True:
        path = key(size, i % KEYS[size])
        if what == "get":
            yield s3_bytes(raw, "GET", path), None, 0
        else:
            payload = UNSIGNED if "unsigned" in what else bodies.hashes[size]
            head = s3_bytes(raw, "PUT", path, payload=payload, length=SIZES[size])
            yield head, bodies.files[size], SIZES[size]
        i += 1


def small(raw, what):
    """Requests of wrk's, with bodies that are text."""
    text = random.Random(4).randbytes(2 * KIB).hex().encode()
    paths = [key("4 KiB", i) for i in range(KEYS["4 KiB"])]
    if what == "get":
        return [s3_bytes(raw, "GET", path) for path in paths]
    payload = UNSIGNED if "unsigned" in what else None
    return [s3_bytes(raw, "PUT", path, body=text, payload=payload) for path in paths]


class Weigher(threading.Thread):
    """The most that a peer weighed while this ran."""

    def __init__(self, peer):
        super().__init__(daemon=True)
        self.peer, self.most_mb, self.halt = peer, 0, threading.Event()

    def run(self):
        while not self.halt.wait(0.2):
            self.most_mb = max(self.most_mb, self.peer.pss_mb())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.halt.set()
        self.join()


def objects(peer, bodies, seconds):
    rows = []
    for size in SIZES:
        for what in WHATS:
            for connections in CONNECTIONS:
                with Weigher(peer) if connections == 64 else contextlib.nullcontext() as weigher:
                    if size == "4 KiB":
                        row = wrk(peer.port, small(peer.raw(), what), connections, seconds)
                        row["mbps"] = row["rps"] * SIZES[size] / 1e6
                    else:
                        row = stream(peer.port, heads(peer.raw(), what, size, bodies), connections, seconds)
                if weigher:
                    row["most_mb"] = weigher.most_mb
                rows.append({"size": size, "what": what, "connections": connections, **row})
    return rows


def found(pattern, text):
    return re.search(pattern, text.decode()).group(1)


def in_parts(peer, bodies, n_parts):
    """MB/s of an upload in parts of 64 MiB, four at once, from its creation to its completion."""
    raw = peer.raw(timeout=300)
    start = time.perf_counter()
    status, _, answer = raw.s3("POST", "/bench/in-parts", "uploads=")
    assert status == 200, answer
    upload = found("<UploadId>(.*)</UploadId>", answer)
    queries = [f"partNumber={i + 1}&uploadId={upload}" for i in range(n_parts)]
    n, sha256 = SIZES["64 MiB"], bodies.hashes["64 MiB"]
    puts = [s3_bytes(raw, "PUT", "/bench/in-parts", query, payload=sha256, length=n) for query in queries]
    row = stream(peer.port, [(head, bodies.files["64 MiB"], n) for head in puts], 4)
    assert row["bad"] == 0, row
    etag = f"&quot;{bodies.md5}&quot;"  # of each
    parts = [f"<Part><PartNumber>{i + 1}</PartNumber><ETag>{etag}</ETag></Part>" for i in range(n_parts)]
    body = f"<CompleteMultipartUpload>{''.join(parts)}</CompleteMultipartUpload>".encode()
    completing = time.perf_counter()
    status, _, answer = raw.s3("POST", "/bench/in-parts", f"uploadId={upload}", body)
    end = time.perf_counter()
    assert status == 200 and b"<Error>" not in answer, answer
    return {"mbps": n_parts * n / (end - start) / 1e6, "complete_ms": (end - completing) * 1000}


def path_of(i):
    return f"d{i // PER_FOLDER:04}/k{i % PER_FOLDER:04}"


def fill(peer, keys):
    """How many keys were written within the limit."""
    raw, written, start = peer.raw(), 0, time.perf_counter()

    def puts():
        nonlocal written
        for written in range(1, keys + 1):
            if time.perf_counter() - start > FILL_LIMIT_S:
                return
            yield s3_bytes(raw, "PUT", f"/many/{path_of(written - 1)}", body=b"sixteen bytes...", payload=UNSIGNED), None, 0

    row = stream(peer.port, puts(), 16)
    assert row["bad"] == 0, row
    return written


def lists(peer, keys, seconds):
    raw, dice = peer.raw(), random.Random(1)
    result = {"keys": fill(peer, keys), "rows": []}
    after = [path_of(dice.randrange(result["keys"] - 1000)).replace("/", "%2F") for _ in range(200)]
    pages = [s3_bytes(raw, "GET", "/many", f"list-type=2&max-keys=1000&start-after={a}") for a in after]
    for connections in CONNECTIONS:
        row = wrk(peer.port, pages, connections, seconds)
        result["rows"].append({"connections": connections, **row})
    return result


def deletes(peer, times):
    """Milliseconds of a DeleteObjects of 1,000 keys, the median."""
    raw, took = peer.raw(timeout=120), []
    for n in range(times):
        keys = "".join(f"<Object><Key>{path_of(n * 1000 + i)}</Key></Object>" for i in range(1000))
        body = f"<Delete><Quiet>true</Quiet>{keys}</Delete>".encode()
        digest = base64.b64encode(hashlib.md5(body).digest()).decode()
        start = time.perf_counter()
        status, _, answer = raw.s3("POST", "/many", "delete=", body, content_md5=digest)
        took.append((time.perf_counter() - start) * 1000)
        assert status == 200 and b"<Error>" not in answer, answer
    return sorted(took)[len(took) // 2]


def bounds(quick):
    """MB/s of what bounds large objects: MD5, write and fsync, and read, AES-GCM and write."""
    home = tempfile.mkdtemp(prefix="virga-bench-s3-", dir=ROOT / "build")
    try:
        command = [program("s3"), f"{home}/data", "64" if quick else "512"]
        result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        dd = ["dd", "if=/dev/zero", f"of={home}/dd", "bs=1M", "count=64", "conv=fsync"]
        took = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run(dd, check=True, capture_output=True)
            took.append(time.perf_counter() - start)
        return {**result, "dd_mbps": 64 * MIB / min(took) / 1e6}
    finally:
        shutil.rmtree(home)


def measured(peer, bodies, quick):
    """Each part by itself: what a peer cannot do is told and ends no run."""
    seconds, result = 1 if quick else 4, {}
    for bucket in ("/bench", "/many"):
        status, _, answer = peer.raw().s3("PUT", bucket)
        assert status == 200, answer
    parts = {
        "objects": lambda: objects(peer, bodies, seconds),
        "in_parts": lambda: in_parts(peer, bodies, 2 if quick else 16),
        "lists": lambda: lists(peer, 100_000 if quick else 1_000_000, seconds),
        "delete_ms": lambda: deletes(peer, 3 if quick else 10),
    }
    for name, part in parts.items():
        try:
            result[name] = part()
        except (AssertionError, RuntimeError, OSError, AttributeError) as e:
            result.setdefault("failed", {})[name] = str(e)[:300]
            print(f"    {peer.name}: {name}: {str(e)[:300]}", flush=True)
    return result


def in_round(kind, bodies, seconds):
    """One server on a fresh folder: small objects over 16 connections, ours also large ones."""
    with kind() as peer:
        status, _, answer = peer.raw().s3("PUT", "/bench")
        assert status == 200, answer
        rows = {what: wrk(peer.port, small(peer.raw(), what), 16, seconds) for what in ("put", "get")}
        rates = {what: 0 if row["bad"] else row["rps"] for what, row in rows.items()}
        if kind is OurS3:
            for what, connections in LARGE_OF_ROUNDS:
                large = stream(peer.port, heads(peer.raw(), what, "64 MiB", bodies), connections, seconds)
                assert large["bad"] == 0, large
                rates[f"{what} {connections}"] = large["mbps"]
        return rates


def rounds(kinds, bodies, quick):
    """What the goals compare, within two minutes each time: the machine's speed changes over the hour of a whole run."""
    seconds, result = 1 if quick else 4, []
    for _ in range(ROUNDS):
        rates = {kind.name: in_round(kind, bodies, seconds) for kind in kinds}
        result.append({"bounds": bounds(quick), "rates": rates})
    return result


def run(quick):
    result = {"durable": {}, "who": {}, "bounds": bounds(quick)}
    kinds = there(OurS3, VersityGw, MinIo, S3sFs, MiniStackS3)
    bodies = Bodies()
    try:
        result["rounds"] = rounds(kinds, bodies, quick)
        for kind in kinds:
            result["durable"][kind.name] = kind.durable
            with kind() as peer:
                result["who"][kind.name] = measured(peer, bodies, quick)
    finally:
        bodies.close()
    return result


# -- what the figures say --------------------------------------------------------------------------


def row_of(r, who, size, what, connections):
    rows = r["who"][who].get("objects", ())
    return next((x for x in rows if (x["size"], x["what"], x["connections"]) == (size, what, connections)), None)


def of_fastest(r, what):
    """Ours of the fastest peer's rate in the same round, the median."""
    ratios = []
    for rates in (x["rates"] for x in r["rounds"]):
        ratios.append(rates["Virga"][what] / max(x[what] for who, x in rates.items() if who != "Virga"))
    return statistics.median(ratios)


def get_of_bare(r, connections, bound="bare_mbps"):
    return statistics.median(x["rates"]["Virga"][f"get {connections}"] / x["bounds"][bound] for x in r["rounds"])


def put_of_bound(r, what, connections):
    def ratio(x):
        return x["rates"]["Virga"][f"{what} {connections}"] / min(x["bounds"]["md5_mbps"], x["bounds"]["dd_mbps"])

    return statistics.median(ratio(x) for x in r["rounds"])


def listing_rps(r, who, connections=1):
    rows = r["who"][who].get("lists", {}).get("rows", ())
    return next((x["rps"] for x in rows if x["connections"] == connections and not x["bad"]), 0)


def listing_of_fastest(r):
    return listing_rps(r, "Virga") / max(listing_rps(r, who) for who in r["who"] if who != "Virga")


def most_mb(r, who="Virga"):
    return max(x.get("most_mb", 0) for x in r["who"][who]["objects"])


def cell(row, size):
    if row is None:
        return ""
    rate = f"{row['rps']:,.0f}" if size == "4 KiB" else f"{row['mbps']:,.0f}"
    return f"{rate}{'!' if row['bad'] else ''} ({row['p99_ms']:,.1f})"


def render_objects(r, who):
    lines = ["", f"| | connections | {' | '.join(who)} |", "| --- | ---: |" + " ---: |" * len(who)]
    for size in SIZES:
        unit = "a second" if size == "4 KiB" else "MB/s"
        for what in WHATS:
            for connections in CONNECTIONS:
                cells = [cell(row_of(r, w, size, what, connections), size) for w in who]
                lines.append(f"| {what} of {size}, {unit} | {connections} | {' | '.join(cells)} |")
    return lines


def render_rounds(r):
    """What the goals are judged by."""
    lines = [f"The goals are judged by {len(r['rounds'])} rounds, in each of which all run one after the other on fresh"]
    lines[-1] += " folders, and by the medians of their ratios:"
    who = list(r["rounds"][0]["rates"])
    lines += ["", f"| round | {' | '.join(f'{w}: put, get of 4 KiB' for w in who)} | Virga: 64 MiB, MB/s | MD5, dd, bare loop |"]
    lines.append("| ---: |" + " ---: |" * (len(who) + 2))
    for i, x in enumerate(r["rounds"]):
        rates, b = x["rates"], x["bounds"]
        cells = [f"{rates[w]['put']:,.0f}, {rates[w]['get']:,.0f}" for w in who]
        cells.append(", ".join(f"{what} {c}: {rates['Virga'][f'{what} {c}']:,.0f}" for what, c in LARGE_OF_ROUNDS))
        cells.append(f"{b['md5_mbps']:,.0f}, {b['dd_mbps']:,.0f}, {b['bare_mbps']:,.0f}")
        lines.append(f"| {i + 1} | {' | '.join(cells)} |")
    return lines


def render_rest(r, who):
    def row(what, form, figure):
        cells = []
        for w in who:
            try:
                cells.append(form.format(figure(w)))
            except (KeyError, ValueError):
                cells.append("")
        return f"| {what} | {' | '.join(cells)} |"

    lines = ["", f"| | {' | '.join(who)} |", "| --- |" + " ---: |" * len(who)]
    lines.append(row("upload in parts of 64 MiB, 4 at once, MB/s", "{:,.0f}", lambda w: r["who"][w]["in_parts"]["mbps"]))
    lines.append(row("its completion, ms", "{:,.1f}", lambda w: r["who"][w]["in_parts"]["complete_ms"]))
    lines.append(row("keys in the listed bucket", "{:,}", lambda w: r["who"][w]["lists"]["keys"]))
    for c in CONNECTIONS:
        lines.append(row(f"pages of 1,000 keys a second, {c} connections", "{:,.1f}", lambda w, c=c: listing_rps(r, w, c)))
    lines.append(row("DeleteObjects of 1,000, ms", "{:,.0f}", lambda w: r["who"][w]["delete_ms"]))
    lines.append(row("most memory at 64 connections, MB (PSS)", "{:,.1f}", lambda w: most_mb(r, w)))
    return lines


def render(r):
    who, b = list(r["who"]), r["bounds"]
    lines = ["## S3", "", "Objects of 4 KiB: requests a second; larger ones: MB/s (p99 in ms). A put is durable: "]
    lines[-1] += "; ".join(f"{w}: {d}" for w, d in r["durable"].items())
    lines[-1] += ". `!` marks runs with failed requests."
    lines += ["", f"What bounds large objects, MB/s: MD5 alone {b['md5_mbps']:,.0f}; write + fsync {b['fsync_mbps']:,.0f};"]
    lines[-1] += f" `dd conv=fsync` {b['dd_mbps']:,.0f}; read, AES-GCM and write in one loop {b['bare_mbps']:,.0f} with"
    lines[-1] += f" OpenSSL's cipher, {b['bare_best_mbps']:,.0f} with the one that Virga takes."
    lines[-1] += f" Without HTTP Virga's writer makes {b['put_mbps']:,.0f}, its reader {b['get_mbps']:,.0f}."
    lines += ["", *render_rounds(r), *render_objects(r, who), *render_rest(r, who)]
    for w in who:
        for what, why in r["who"][w].get("failed", {}).items():
            lines += ["", f"{w} could not be measured in {what}: `{why.splitlines()[0][:200]}`."]
    return lines
