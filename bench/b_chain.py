# SPDX-License-Identifier: Apache-2.0
"""The chain HTTP request -> Python function -> PutItem, beside the sum of its parts measured alone."""

import http.client
import json
import statistics
import time

from functions import PUT, Lambda, zipped
from peer import Virga

TABLE = {
    "TableName": "chain",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}
PERMISSION = {"StatementId": "api", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}


def api_for(raw, function):
    """An HTTP API with one route to a function; its host."""

    def call(path, value):
        status, answer = raw.send(
            "apigateway", "POST", path, json.dumps(value).encode(), {"content-type": "application/json"}
        )
        assert status < 300, (path, status, answer)
        return json.loads(answer)

    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    made = call("/v2/apis", {"name": function, "protocolType": "HTTP", "target": arn})
    status, answer = raw.send(
        "lambda", "POST", f"/2015-03-31/functions/{function}/policy",
        json.dumps(PERMISSION).encode(), {"content-type": "application/json"},
    )  # fmt: skip
    assert status < 300, answer
    return made["apiEndpoint"].split("//")[1]


def times_of(port, host, n):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    times, inside = [], []
    for _ in range(n):
        started = time.perf_counter()
        connection.request("POST", "/", body=b"{}", headers={"Host": host})
        response = connection.getresponse()
        body = response.read()
        times.append((time.perf_counter() - started) * 1000)
        assert response.status in (200, 201), (response.status, body)
        if response.status == 201:
            inside.append(float(body))
    connection.close()
    return times, inside


def run(quick):
    n = 50 if quick else 500
    with Virga() as peer:
        api = Lambda(peer.port)
        role = api.role()
        status, answer = api.raw.json("dynamodb", "CreateTable", TABLE)
        assert status == 200, answer
        api.create("nothing", "python", role)
        api.create("put", "python", role, zipped({"handler.py": PUT}), {"TABLE": "chain"})
        hosts = {name: api_for(api.raw, name) for name in ("nothing", "put")}
        for host in hosts.values():
            times_of(peer.port, host, 20)
        nothing, _ = times_of(peer.port, hosts["nothing"], n)
        whole, inside = times_of(peer.port, hosts["put"], n)
        api.close()
    return {
        "route_ms": statistics.median(nothing),
        "put_ms": statistics.median(inside),
        "whole_ms": statistics.median(whole),
        "whole_p99_ms": sorted(whole)[int(len(whole) * 0.99)],
    }


def render(r):
    total = r["route_ms"] + r["put_ms"]
    lines = ["## The chain", "", "Medians over one connection: HTTP API -> Python function -> PutItem by boto3.", ""]
    lines += ["| part | ms |", "| --- | ---: |"]
    lines += [f"| HTTP API and a function that does nothing | {r['route_ms']:.2f} |"]
    lines += [f"| PutItem by boto3, as the function sees it | {r['put_ms']:.2f} |", f"| sum | {total:.2f} |"]
    lines += [f"| the whole chain (p99 {r['whole_p99_ms']:.2f}) | {r['whole_ms']:.2f} |"]
    lines += ["", f"Ratio: {r['whole_ms'] / total:.2f}."]
    return lines
