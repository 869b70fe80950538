# SPDX-License-Identifier: Apache-2.0
"""The HTTP layer: a signed no-op beside nginx's bare `return 200`; 10,000 connections that idle or wait."""

import contextlib
import os
import resource
import socket
import subprocess
import time
from pathlib import Path

from harness.daemon import wait_until
from harness.raw import Raw
from load import http_bytes, wrk
from peer import Peer, Virga, cpu_s, program

NGINX = """
worker_processes 2;
daemon off;
pid %(home)s/nginx.pid;
error_log %(home)s/error.log;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path %(home)s/a; proxy_temp_path %(home)s/b; fastcgi_temp_path %(home)s/c;
    uwsgi_temp_path %(home)s/d; scgi_temp_path %(home)s/e;
    keepalive_requests 1000000000;
    server { listen 127.0.0.1:%(port)d; location / { return 200 "ok"; } }
}
"""


class Nginx(Peer):
    name = "nginx return 200"

    def start(self):
        Path(self.home, "nginx.conf").write_text(NGINX % {"home": self.home, "port": self.port}, encoding="ascii")
        self.process = subprocess.Popen(
            ["nginx", "-c", str(self.home / "nginx.conf"), "-p", str(self.home), "-e", str(self.home / "error.log")],
            start_new_session=True,
        )
        assert wait_until(lambda: not socket.socket().connect_ex(("127.0.0.1", self.port)), 5)


class HttpAlone(Peer):
    """Our HTTP layer with a handler that waits for an hour on /wait, as a long poll does."""

    name = "HTTP layer"

    def command(self):
        return [program("http"), str(self.port), str(os.cpu_count())]

    def start(self):
        self.process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, start_new_session=True)
        assert wait_until(lambda: not socket.socket().connect_ex(("127.0.0.1", self.port)), 5)


def no_op(port):
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    extra = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    return http_bytes(Raw(port), "sts", "POST", "/", body, extra)


def measured(peer, seconds):
    wrk(peer.port, [no_op(peer.port)], 64, 1)
    before = cpu_s(peer.process.pid)
    row = wrk(peer.port, [no_op(peer.port)], 64, seconds)
    row["cpu_us"] = (cpu_s(peer.process.pid) - before) / row["requests"] * 1e6
    return row


def connect(port, n):
    held = []
    for i in range(n):
        s = socket.socket()
        # One source address has 28,000 ports; the loopback has many addresses.
        s.bind((f"127.0.0.{2 + i % 8}", 0))
        s.connect(("127.0.0.1", port))
        held.append(s)
    return held


@contextlib.contextmanager
def descriptors(n):
    """Room for n connections, here and in what is started within."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, n + 1000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def held_memory(kind, n, request=None):
    """Memory without, with and some time after n connections, each with a request that waits if there is one."""
    with descriptors(n), kind() as peer:
        time.sleep(1)
        before = peer.pss_mb()
        held = connect(peer.port, n)
        for s in held if request else ():
            s.sendall(request)
        time.sleep(2)
        during = peer.pss_mb()
        for s in held:
            s.close()
        time.sleep(20)
        after = peer.pss_mb()
    return {"connections": n, "before_mb": before, "during_mb": during, "after_mb": after}


def burst(n, wait_s):
    """Memory some time after a burst of connections that each did a signed request."""
    with descriptors(n), Virga() as peer:
        time.sleep(1)
        before = peer.pss_mb()
        request = no_op(peer.port)
        held = connect(peer.port, n)
        for s in held:
            s.sendall(request)
        answered = sum(s.recv(12).startswith(b"HTTP/1.1 200") for s in held)
        peak = peer.pss_mb()
        for s in held:
            s.close()
        time.sleep(wait_s)
        after = peer.pss_mb()
    memory = {"before_mb": before, "peak_mb": peak, "after_mb": after}
    return {"connections": n, "answered": answered, "wait_s": wait_s, **memory}


def run(quick):
    seconds = 1 if quick else 5
    result = {}
    for kind in (Nginx, Virga):
        peer = kind()
        try:
            peer.start()
            result[kind.name] = measured(peer, seconds)
        finally:
            peer.close()
    n = 1000 if quick else 10_000
    result["idle"] = held_memory(Virga, n)
    # As long as the head of a signed call is.
    result["waiting"] = held_memory(HttpAlone, n, b"GET /wait HTTP/1.1\r\nhost: x\r\na: %s\r\n\r\n" % (b"b" * 500))
    result["burst"] = burst(500 if quick else 5000, 5 if quick else 60)
    return result


def kb_each(m):
    return (m["during_mb"] - m["before_mb"]) * 1024 / m["connections"]


def render(r):
    mine, nginx = r["Virga"], r["nginx return 200"]
    i, b = r["idle"], r["burst"]
    lines = ["## HTTP", "", "GetCallerIdentity, signed, 64 connections, beside nginx's bare `return 200`.", ""]
    lines += ["| | requests/s | p99, ms | CPU a request, µs |", "| --- | ---: | ---: | ---: |"]
    for name in ("Virga", "nginx return 200"):
        lines.append(f"| {name} | {r[name]['rps']:,.0f} | {r[name]['p99_ms']:.2f} | {r[name]['cpu_us']:.1f} |")
    lines += ["", f"Ratio of requests/s: {mine['rps'] / nginx['rps']:.2f};"]
    lines[-1] += f" of CPU: {mine['cpu_us'] / nginx['cpu_us']:.2f}."
    what = "with a request that waits (the HTTP layer alone)"
    for kind, m in (("idle connections", i), (f"connections {what}", r["waiting"])):
        lines += ["", f"{m['connections']:,} {kind}: {kb_each(m):.1f} KB each"]
        lines[-1] += f" (PSS {m['before_mb']:.1f} → {m['during_mb']:.1f} MB;"
        lines[-1] += f" {m['after_mb']:.1f} MB twenty seconds after they closed)."
    lines += ["", f"A burst of {b['connections']:,} connections with a signed request each"]
    lines[-1] += f" ({b['answered']:,} answered): "
    lines[-1] += f"{b['before_mb']:.1f} → {b['peak_mb']:.1f} MB, {b['after_mb']:.1f} MB {b['wait_s']} s later."
    return lines
