# SPDX-License-Identifier: Apache-2.0
"""Functions: cold start beside the bare interpreter's, warm invoke, 100 at once, memory of ten warm ones."""

import os
import statistics
import subprocess
import threading
import time

from functions import LANGUAGES, Lambda, exec_ms, native
from harness.raw import Raw
from peer import CACHE, MiniStack, Virga, free_port, there

BARE = {
    "python": ["/usr/bin/python3", "-c", "pass"],
    "nodejs": [os.environ.get("VG_NODE", "node"), "-e", "0"],
    "native": ["/bin/true"],
}


# Between two starts, as between deployments: pools fill again, and the processor falls asleep, which
# makes the next start of anything slower.  So the bare interpreters get the same pause.
PAUSE_S = 0.3


def median(values):
    return statistics.median(values)


def bare(command, n):
    times = []
    for _ in range(n):
        time.sleep(PAUSE_S)
        times.append(exec_ms(command))
    return median(times)


def languages_of(peer, api, role, quick):
    """{language: {"cold_ms", "warm_ms"}}; a cold start is the first Invoke of a new function."""
    result = {}
    for language in LANGUAGES:
        try:
            colds = []
            for i in range(3 if quick else 12):
                name = f"cold-{language}-{i}"
                api.create(name, language, role)
                time.sleep(PAUSE_S)
                colds.append(api.invoke(name))
            warms = [api.invoke(f"cold-{language}-0") for _ in range(50 if quick else 500)]
            # The first function of a runtime finds nothing prepared; it is told apart.
            result[language] = {"first_ms": colds[0], "cold_ms": median(colds[1:]), "warm_ms": median(warms)}
        except RuntimeError as e:
            result[language] = {"error": str(e)[:200]}
    return result


def at_once(peer, api, role, n):
    """n functions, one Invoke each, all at the same moment."""
    for i in range(n):
        api.create(f"crowd-{i}", "python", role)
    times, failures = [], []
    gate = threading.Barrier(n + 1)

    def one(i):
        own = Lambda(peer.port)
        gate.wait()
        try:
            times.append(own.invoke(f"crowd-{i}"))
        except Exception as e:  # noqa: BLE001 - counted
            failures.append(repr(e)[:200])
        own.close()

    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    started = time.perf_counter()
    gate.wait()
    for thread in threads:
        thread.join()
    took = (time.perf_counter() - started) * 1000
    times = times or [0]
    return {"n": n, "all_ms": took, "median_ms": median(times), "failed": failures[:3], "pss_mb": peer.pss_mb()}


def ten_warm():
    with Virga() as peer:
        api = Lambda(peer.port)
        role = api.role()
        for i in range(10):
            api.create(f"warm-{i}", "python", role)
            api.invoke(f"warm-{i}")
        time.sleep(2)
        mb = peer.pss_mb()
        api.close()
    return mb


def emulator(quick):
    """Warm invoke of the native function under AWS's runtime interface emulator, if it could be built."""
    binary = CACHE / "go" / "bin" / "aws-lambda-rie"
    if not binary.exists():
        return None
    port, inner = free_port(), free_port()
    process = subprocess.Popen(
        [str(binary), "--runtime-interface-emulator-address", f"127.0.0.1:{port}", "--runtime-api-address",
         f"127.0.0.1:{inner}", str(native())],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        raw = Raw(port)
        path = "/2015-03-31/functions/function/invocations"
        times = []
        time.sleep(0.5)
        for _ in range(50 if quick else 500):
            started = time.perf_counter()
            status, _ = raw.send("lambda", "POST", path, b"{}", {})
            assert status == 200, status
            times.append((time.perf_counter() - started) * 1000)
        raw.close()
        return {"first_ms": times[0], "warm_ms": median(times)}
    finally:
        process.kill()
        process.wait()


def run(quick):
    result = {"bare_ms": {}, "who": {}}
    for language, command in BARE.items():
        result["bare_ms"][language] = bare(command, 5 if quick else 12)
    for kind in there(Virga, MiniStack):
        with kind() as peer:
            api = Lambda(peer.port)
            role = api.role()
            result["who"][kind.name] = languages_of(peer, api, role, quick)
            if kind is Virga:
                result["at_once"] = at_once(peer, api, role, 10 if quick else 100)
            api.close()
    result["ten_warm_mb"] = ten_warm()
    result["emulator"] = emulator(quick)
    return result


def render(r):
    lines = ["## Lambda", "", "A function that does nothing, 256 MB."]
    lines[-1] += " Bare: starting the interpreter (native: `/bin/true`) and waiting for its end, in the same rhythm."
    lines[-1] += " First: the first function of that runtime since the daemon's start."
    lines += ["", "| | runtime | first, ms | cold, ms | bare, ms | cold / bare | warm, ms |"]
    lines += ["| --- | --- | ---: | ---: | ---: | ---: | ---: |"]
    for who, rows in r["who"].items():
        for language, x in rows.items():
            bare = r["bare_ms"][language]
            if "error" in x:
                lines.append(f"| {who} | {language} | | {x['error']} | | | |")
            else:
                lines.append(
                    f"| {who} | {language} | {x['first_ms']:.1f} | {x['cold_ms']:.1f} | {bare:.1f} | "
                    f"{x['cold_ms'] / bare:.2f} | {x['warm_ms']:.2f} |"
                )
    if r.get("emulator"):
        e = r["emulator"]
        lines.append(f"| AWS's emulator (no isolation) | native | | {e['first_ms']:.1f} | | | {e['warm_ms']:.2f} |")
    a = r["at_once"]
    lines += ["", f"{a['n']} Python functions invoked at the same moment: all answered after {a['all_ms']:.0f} ms"]
    lines[-1] += f" (median {a['median_ms']:.0f} ms, {len(a['failed'])} failed), PSS then {a['pss_mb']:.0f} MB."
    lines += ["", f"Ten Python functions warm: {r['ten_warm_mb']:.0f} MB (PSS of daemon, supervisor and sandboxes)."]
    return lines
