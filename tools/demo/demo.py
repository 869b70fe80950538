#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev demo: a real application through unmodified AWS tools, killed in the middle of its traffic."""

import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from harness.aws import VENV_BIN, Aws, Node  # noqa: E402
from harness.daemon import Daemon, wait_until  # noqa: E402
from harness.notes import LANGUAGES, Notes  # noqa: E402

WARM_REQUESTS = 50
WRITERS = 4


def head(text):
    print(f"\n\033[1m{text}\033[0m", flush=True)


def tell(text):
    print(f"  {text}", flush=True)


def timed(call, *args, **named):
    started = time.perf_counter()
    result = call(*args, **named)
    return result, (time.perf_counter() - started) * 1000


def expect(condition, what):
    if not condition:
        raise SystemExit(f"demo: that should not be: {what}")


class Demo:
    def __init__(self):
        self.daemon = Daemon()
        self.aws = Aws(self.daemon)
        self.app = Notes(self.daemon, verbose=True)
        self.account = []  # (what, text)

    def note(self, what, text):
        self.account.append((what, text))

    # -- the story -------------------------------------------------------------------------------

    def start(self):
        head("1. The cloud starts, with an empty data folder")
        self.daemon.start()
        self.note("start, empty data folder", f"{self.daemon.ready_ms:.0f} ms")
        tell(f"$ build/virga serve --data {self.daemon.data}")
        tell(f"ready at {self.daemon.endpoint} after {self.daemon.ready_ms:.0f} ms")

    def deploy(self):
        head("2. The notes application is deployed by the AWS CLI (examples/notes/deploy.sh)")
        made, ms = timed(self.app.up)
        tell(f"its HTTP API: {made['ApiEndpoint']}")
        self.note("deployment by the AWS CLI", f"{ms / 1000:.1f} s (nearly all of it the CLI's own start)")

    def denied(self):
        head("3. The functions' role may not write to the table: the write is denied")
        (status, _), self.python_cold = timed(self.app.post, "python", "not yet")
        expect(status == 500, f"POST answered {status}")
        tell("$ curl --json '{\"text\": \"not yet\"}' …/python/notes   ->   500")
        wait_until(lambda: self.denial() is not None, 10, 0.1)
        line = self.denial()
        expect(line is not None, "no AccessDeniedException in the function's log")
        tell("$ aws logs filter-log-events --log-group-name /aws/lambda/notes-python")
        tell("  " + line[:300])
        head("4. The policy is attached")
        self.app.script("allow")

    def denial(self):
        group = f"/aws/lambda/{self.app.function('python')}"
        try:
            events = self.aws("logs").filter_log_events(logGroupName=group)["events"]
        except self.aws("logs").exceptions.ResourceNotFoundException:
            return None
        for event in events:
            for line in event["message"].split("\n"):
                if "AccessDeniedException" in line:
                    return line.strip()
        return None

    def traffic(self):
        head("5. Traffic: client -> API Gateway -> Lambda -> DynamoDB")
        for language in LANGUAGES:
            (status, note), first = timed(self.app.post, language, "hello")
            expect(status == 201, f"POST /{language}/notes answered {status}: {note}")
            cold = self.python_cold if language == "python" else first
            reads, writes = [], []
            for i in range(WARM_REQUESTS):
                (status, _), ms = timed(self.app.post, language, f"note {i}")
                expect(status == 201, f"POST answered {status}")
                writes.append(ms)
                (status, found), ms = timed(self.app.get, language, note["id"])
                expect((status, found) == (200, note), f"GET answered {status}: {found}")
                reads.append(ms)
            write, read = statistics.median(writes), statistics.median(reads)
            tell(f"{language:<7} first request {cold:7.1f} ms   write {write:6.2f} ms   read {read:6.2f} ms")
            self.note(f"{language}: first request, cold", f"{cold:.1f} ms")
            self.note(f"{language}: write / read through the chain", f"{write:.2f} / {read:.2f} ms (medians)")

    def warm_invoke(self):
        client = self.aws("lambda")
        for language in LANGUAGES:
            event = b'{"requestContext":{"http":{"method":"GET"}},"pathParameters":{"id":"none"}}'
            times = []
            for _ in range(WARM_REQUESTS):
                answer, ms = timed(client.invoke, FunctionName=self.app.function(language), Payload=event)
                expect("FunctionError" not in answer, answer)
                times.append(ms)
            self.note(f"{language}: warm Invoke by boto3", f"{statistics.median(times):.2f} ms (median)")

    def kill(self):
        head("6. kill -9 in the middle of traffic, and a restart on the same data")
        acknowledged, cut = [], []
        stop = threading.Event()

        def write(number):
            app = Notes(self.daemon, self.app.name)
            app.host = self.app.host
            i = 0
            while not stop.is_set():
                language = LANGUAGES[i % len(LANGUAGES)]
                i += 1
                try:
                    status, note = app.post(language, f"writer {number}, note {i}")
                    if status == 201:
                        acknowledged.append(note)
                    else:
                        cut.append(status)
                except Exception:  # noqa: BLE001 - the daemon was killed: nobody promised anything
                    cut.append(None)
                    break
            app.close()

        threads = [threading.Thread(target=write, args=(n,)) for n in range(WRITERS)]
        for thread in threads:
            thread.start()
        time.sleep(2)
        before = len(acknowledged)
        self.daemon.kill9()
        self.app.close()
        stop.set()
        for thread in threads:
            thread.join()
        tell(f"killed with {WRITERS} writers at work: {before} notes acknowledged until then")
        _, ms = timed(self.daemon.start)
        self.note("restart after kill -9", f"{self.daemon.ready_ms:.0f} ms")
        tell(f"ready again after {self.daemon.ready_ms:.0f} ms")
        self.verify(acknowledged)

    def verify(self, acknowledged):
        pages = self.aws("dynamodb").get_paginator("scan").paginate(TableName=self.app.name, ConsistentRead=True)
        found = {(i["language"]["S"], i["id"]["S"]): i["text"]["S"] for page in pages for i in page["Items"]}
        lost = [n for n in acknowledged if found.get((n["language"], n["id"])) != n["text"]]
        expect(not lost, f"acknowledged and lost: {lost[:3]}")
        sample = acknowledged[-1]
        (status, note), ms = timed(self.app.get, sample["language"], sample["id"])
        expect((status, note) == (200, sample), f"GET answered {status}: {note}")
        tell(f"{len(acknowledged)} acknowledged, {len(acknowledged)} found, 0 lost; {len(found)} notes in the table")
        tell(f"the first request after the restart took {ms:.0f} ms (a cold start)")
        item = Node(self.daemon)(
            "get_item.mjs",
            {"table": self.app.name, "key": {"language": sample["language"], "id": sample["id"]}},
        )
        expect(item == sample, item)
        tell("the JavaScript SDK reads the last of them too")
        count = subprocess.run(
            [str(VENV_BIN / "aws"), "dynamodb", "scan", "--table-name", self.app.name, "--select", "COUNT",
             "--query", "Count", "--output", "text"],
            env=self.daemon.aws_env(), capture_output=True, text=True, check=True,
        ).stdout.split()[0]  # fmt: skip
        tell(f"and so does the AWS CLI: aws dynamodb scan --select COUNT -> {count}")
        self.note("acknowledged writes lost by the kill", f"0 of {len(acknowledged)}")

    def close(self):
        self.app.close()
        self.aws.close()
        self.daemon.close()

    def run(self):
        started = time.monotonic()
        try:
            self.start()
            self.deploy()
            self.denied()
            self.traffic()
            self.warm_invoke()
            self.kill()
        finally:
            self.close()
        head("What happened")
        for what, text in self.account:
            print(f"  {what:<42} {text}")
        print(f"\n  All of it in {time.monotonic() - started:.0f} s; the daemon is stopped, its data folder removed.")
        print("  Run it yourself: ./dev up, then in another shell: eval \"$(build/virga env)\"")


if __name__ == "__main__":
    Demo().run()
