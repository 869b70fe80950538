# SPDX-License-Identifier: Apache-2.0
"""wrk with requests signed beforehand: the same bytes for every peer, signatures good for five minutes."""

import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

LUA = """
local requests = {
%s
}
local i = 0
request = function()
    i = i + 1
    if i > #requests then i = 1 end
    return requests[i]
end
done = function(summary, latency, _)
    local bad = summary.errors
    io.stderr:write(string.format(
        '{"requests":%%d,"seconds":%%f,"bad":%%d,"p50_ms":%%f,"p99_ms":%%f}',
        summary.requests, summary.duration / 1e6,
        bad.connect + bad.read + bad.write + bad.status + bad.timeout,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


def lua_string(data):
    return '"' + "".join(chr(b) if 32 <= b < 127 and b not in (34, 92) else f"\\{b:03d}" for b in data) + '"'


def http_bytes(raw, service, method, path, body, extra, query="", length=None):
    """A whole request, or the head of one whose body of `length` bytes follows."""
    fields = raw.headers(service, method, path, body, extra, query)
    target = f"{path}?{query}" if query else path
    fields["content-length"] = len(body) if length is None else length
    lines = [f"{method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def dynamodb_bytes(raw, operation, value):
    extra = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"DynamoDB_20120810.{operation}"}
    return http_bytes(raw, "dynamodb", "POST", "/", json.dumps(value).encode(), extra)


def s3_bytes(raw, method, path, query="", body=b"", payload=None, length=None):
    """`payload`: what is signed of the body, where that is not its hash."""
    extra = {"x-amz-content-sha256": payload or hashlib.sha256(body).hexdigest()}
    return http_bytes(raw, "s3", method, path, body, extra, query, length)


def wrk(port, requests, connections, seconds, threads=1):
    """{"rps", "p50_ms", "p99_ms", "bad"} of `seconds` of load with `requests` in turn."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "load.lua"
        script.write_text(LUA % ",\n".join(map(lua_string, requests)), encoding="ascii")
        done = subprocess.run(
            ["wrk", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s", "--timeout", "30s",
             "-s", str(script), f"http://127.0.0.1:{port}/"],
            capture_output=True, text=True, timeout=seconds + 60,
        )  # fmt: skip
    if done.returncode != 0 or not done.stderr.strip():
        raise RuntimeError(f"wrk ended with {done.returncode}: {done.stdout} {done.stderr}")
    answer = json.loads(done.stderr.strip().split("\n")[-1])
    answer["rps"] = answer["requests"] / answer["seconds"]
    return answer
