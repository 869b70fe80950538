# SPDX-License-Identifier: Apache-2.0
"""GetItem, PutItem and Query of 100 items at 1, 16 and 256 connections."""

from harness.raw import Raw
from load import dynamodb_bytes, wrk
from peer import Dynalite, DynamoDbLocal, FakeCloud, MiniStack, Virga, there

KEYS = 1000
CONNECTIONS = (1, 16, 256)
OPERATIONS = ("GetItem", "PutItem", "Query")


def item(pk, sk):
    return {"pk": {"S": pk}, "sk": {"N": str(sk)}, "data": {"S": "x" * 300}, "n": {"N": "12345.678"}}


def prepare(port):
    raw = Raw(port)
    status, answer = raw.json(
        "dynamodb",
        "CreateTable",
        {
            "TableName": "bench",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "N"},
            ],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        },
    )
    assert status == 200, answer
    while raw.json("dynamodb", "DescribeTable", {"TableName": "bench"})[1]["Table"]["TableStatus"] != "ACTIVE":
        pass
    items = [item(f"key-{i}", 0) for i in range(KEYS)] + [item(f"many-{p}", n) for p in range(10) for n in range(100)]
    for at in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": one}} for one in items[at : at + 25]]
        status, answer = raw.json("dynamodb", "BatchWriteItem", {"RequestItems": {"bench": puts}})
        assert status == 200 and not answer.get("UnprocessedItems"), answer
    raw.close()


def requests(raw, operation):
    if operation == "GetItem":
        keys = [{"pk": {"S": f"key-{i}"}, "sk": {"N": "0"}} for i in range(KEYS)]
        return [dynamodb_bytes(raw, operation, {"TableName": "bench", "Key": k}) for k in keys]
    if operation == "PutItem":
        items = [item(f"key-{i}", 0) for i in range(KEYS)]
        return [dynamodb_bytes(raw, operation, {"TableName": "bench", "Item": i}) for i in items]
    names = [f"many-{p}" for p in range(10)]
    query = {"TableName": "bench", "KeyConditionExpression": "pk = :p"}
    return [dynamodb_bytes(raw, operation, {**query, "ExpressionAttributeValues": {":p": {"S": n}}}) for n in names]


def run(quick):
    result = {"durable": {}, "rows": []}
    for kind in there(Virga, DynamoDbLocal, Dynalite, MiniStack, FakeCloud):
        result["durable"][kind.name] = kind.durable
        with kind() as peer:
            prepare(peer.port)
            wrk(peer.port, requests(Raw(peer.port), "GetItem"), 16, 1 if quick else 3)  # warm
            for operation in OPERATIONS:
                for connections in CONNECTIONS:
                    signed = requests(Raw(peer.port), operation)
                    row = wrk(peer.port, signed, connections, 1 if quick else 4)
                    result["rows"].append({"who": kind.name, "operation": operation, "connections": connections, **row})
    return result


def render(r):
    who = list(r["durable"])
    lines = ["## DynamoDB", "", "Requests per second (p99 in ms); items of about 400 bytes. A PutItem is durable: "]
    lines[-1] += "; ".join(f"{w}: {d}" for w, d in r["durable"].items()) + ". `!` marks runs with failed requests."
    lines += ["", f"| operation | connections | {' | '.join(who)} | ratio to the fastest peer |"]
    lines.append("| --- | ---: |" + " ---: |" * (len(who) + 1))
    for operation in OPERATIONS:
        for connections in CONNECTIONS:
            rows = {x["who"]: x for x in r["rows"] if (x["operation"], x["connections"]) == (operation, connections)}
            cells = [f"{rows[w]['rps']:,.0f}{'!' if rows[w]['bad'] else ''} ({rows[w]['p99_ms']:.1f})" for w in who]
            peers = {w: rows[w]["rps"] for w in who if w != "Virga"}
            ratio = f"{rows['Virga']['rps'] / max(peers.values()):.1f}" if peers else ""
            lines.append(f"| {operation} | {connections} | {' | '.join(cells)} | {ratio} |")
    return lines
