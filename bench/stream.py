# SPDX-License-Identifier: Apache-2.0
"""Load with bodies too large for wrk: they go out by sendfile and come in without being copied, so that the
generator takes little of the machine."""

import os
import selectors
import socket
import time

PIECE = bytearray(1 << 20)
LIMIT_S = 120  # for one request


class Connection:
    """One request after the other; `next_request` gives (head, descriptor of a body or None, its bytes) or None."""

    def __init__(self, port, selector, next_request, done):
        self.port, self.selector, self.next_request, self.done = port, selector, next_request, done
        self.socket = None
        self.events = 0
        self.next()

    def wait_for(self, events):
        if events == self.events:
            return
        if not self.events:
            self.selector.register(self.socket, events, self)
        elif not events:
            self.selector.unregister(self.socket)
        else:
            self.selector.modify(self.socket, events, self)
        self.events = events

    def next(self):
        request = self.next_request()
        if request is None:
            self.close()
            return
        self.head, self.file, self.body_bytes = request
        self.sent = 0
        self.answer, self.left = b"", None
        self.started = time.perf_counter()
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), LIMIT_S)
            self.socket.setblocking(False)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.wait_for(selectors.EVENT_WRITE)

    def close(self):
        if self.socket is not None:
            self.wait_for(0)
            self.socket.close()
        self.socket = None

    def ready(self):
        try:
            if self.events == selectors.EVENT_WRITE:
                self.send()
            else:
                self.receive()
        except BlockingIOError:
            pass
        except OSError:
            self.end(False, 0)

    def send(self):
        while self.head:
            self.head = self.head[self.socket.send(self.head) :]
        while self.file is not None and self.sent < self.body_bytes:
            self.sent += os.sendfile(self.socket.fileno(), self.file, self.sent, self.body_bytes - self.sent)
        self.wait_for(selectors.EVENT_READ)

    def receive(self):
        if self.left is None:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionResetError
            self.answer += piece
            head, found, rest = self.answer.partition(b"\r\n\r\n")
            if not found:
                return
            self.answer = head
            self.got = length(head)
            self.left = self.got - len(rest)
        while self.left > 0:
            # Linux throws the bytes away where they are: tcp(7), MSG_TRUNC.
            n = self.socket.recv_into(PIECE, min(self.left, len(PIECE)), socket.MSG_TRUNC)
            if n == 0:
                raise ConnectionResetError
            self.left -= n
        self.end(self.answer.split(b" ", 2)[1][:1] == b"2", self.got)

    def end(self, is_well, got):
        self.done(time.perf_counter() - self.started, is_well, got + self.sent)
        if not is_well or b"\r\nconnection: close" in self.answer.lower():
            self.close()
        self.next()


def length(head):
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def stream(port, requests, connections, seconds=None):
    """The load of an iterator of requests until it ends or `seconds` have passed; what was begun is finished.

    {"rps", "mbps", "p50_ms", "p99_ms", "bad", "requests", "seconds"}
    """
    took, totals = [], {"bad": 0, "bytes": 0}
    requests = iter(requests)
    start = time.perf_counter()

    def next_request():
        is_over = seconds is not None and time.perf_counter() - start > seconds
        return None if is_over or totals["bad"] > 100 else next(requests, None)

    def done(one_s, is_well, n_bytes):
        took.append(one_s)
        totals["bad"] += not is_well
        totals["bytes"] += n_bytes

    with selectors.DefaultSelector() as selector:
        all_of_them = [Connection(port, selector, next_request, done) for _ in range(connections)]
        try:
            while selector.get_map():
                ready = selector.select(LIMIT_S)
                if not ready:
                    raise RuntimeError(f"no connection moved for {LIMIT_S} s")
                for key, _ in ready:
                    key.data.ready()
        finally:
            for one in all_of_them:
                one.close()
    all_s = time.perf_counter() - start
    took.sort()
    return {
        "rps": len(took) / all_s,
        "mbps": totals["bytes"] / all_s / 1e6,
        "p50_ms": took[len(took) // 2] * 1e3,
        "p99_ms": took[len(took) * 99 // 100] * 1e3,
        "bad": totals["bad"],
        "requests": len(took),
        "seconds": all_s,
    }
