# SPDX-License-Identifier: Apache-2.0
"""The same random requests to Virga and to DynamoDB Local; every answer equal or explained."""

import argparse
import base64
import json
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from decimal import Context, Decimal
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from explained import WHY, explanation

NUMBERS = Context(prec=38)
NAMES = ["a", "b", "c", "n", "l", "m", "s", "g", "r", "lk"]
TABLE = "Compared"
INDEXES = {"byG": ("g", "r"), "bare": ("g", None), "local": ("pk", "lk")}


def table(name):
    return {
        "TableName": name,
        "AttributeDefinitions": [
            {"AttributeName": n, "AttributeType": t}
            for n, t in {"pk": "S", "sk": "N", "g": "S", "r": "N", "lk": "S"}.items()
        ],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "BillingMode": "PAY_PER_REQUEST",
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "byG",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "n"]},
            },
            {
                "IndexName": "bare",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
        ],
        "LocalSecondaryIndexes": [
            {
                "IndexName": "local",
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "lk", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    }


class Maker:
    """Random keys, values and expressions; mostly right, often enough wrong."""

    def __init__(self, rnd, name):
        self.rnd, self.name = rnd, name

    def number(self):
        r = self.rnd
        return r.choice(
            [
                str(r.randint(-9, 9)),
                str(r.randint(-(10**12), 10**12)),
                f"{r.randint(-99, 99)}.{r.randint(0, 99)}",
                f"{r.randint(1, 9)}e{r.randint(-130, 124)}",
                "123456789012345678901234567890.12345678",
            ]
        )

    def word(self):
        return self.rnd.choice(["", "x", "y", "xy", "xyz", "é", "\U0001f600", "ab" * 20])

    def value(self, depth=0):
        r = self.rnd
        kinds = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS"] + (["L", "M"] * 2 if depth < 3 else [])
        kind = r.choice(kinds)
        some = range(r.randint(1, 3))
        return {
            kind: {
                "S": self.word,
                "N": self.number,
                "BOOL": lambda: r.random() < 0.5,
                "NULL": lambda: True,
                "B": lambda: bytes(r.randrange(256) for _ in range(r.randint(0, 4))),
                "SS": lambda: sorted({r.choice("abcxyz") for _ in some}),
                "NS": lambda: sorted({str(r.randint(0, 9)) for _ in some}),
                "BS": lambda: sorted({bytes([r.randrange(9)]) for _ in some}),
                "L": lambda: [self.value(depth + 1) for _ in range(r.randint(0, 3))],
                "M": lambda: {r.choice("xyz"): self.value(depth + 1) for _ in range(r.randint(0, 3))},
            }[kind]()
        }

    def bad_value(self):
        return self.rnd.choice(
            [
                {},
                {"N": "x"},
                {"SS": []},
                {"NS": ["1", "1.0"]},
                {"N": "1e200"},
                {"S": "a", "N": "1"},
                {"NULL": False},
                {"N": "1" * 39},
                {"SS": ["a", "a"]},
            ]
        )

    def key(self):
        r = self.rnd
        if r.random() < 0.03:
            return r.choice(
                [{"pk": {"S": "p0"}}, {"pk": {"N": "1"}, "sk": {"N": "1"}}, {"pk": {"S": ""}, "sk": {"N": "1"}}]
            )
        return {"pk": {"S": f"p{r.randint(0, 3)}"}, "sk": {"N": str(r.randint(0, 5))}}

    def item(self):
        r = self.rnd
        item = self.key()
        for n in r.sample(NAMES, r.randint(0, 6)):
            item[n] = self.value()
        if r.random() < 0.8:
            item["g"] = {"S": f"g{r.randint(0, 2)}"}
            item["r"] = {"N": str(r.randint(0, 3))}
            item["lk"] = {"S": self.rnd.choice("abc")}
        if r.random() < 0.03:
            item["a"] = self.bad_value()
        return item

    def path(self):
        r = self.rnd
        p = r.choice(NAMES + ["#n", "#w"])
        while r.random() < 0.3:
            p += r.choice([".x", ".y", "[0]", "[1]", "[7]", ".#n"])
        return p

    def operand(self, values):
        r = self.rnd
        if r.random() < 0.5:
            return self.path()
        if r.random() < 0.15:
            return f"size({self.path()})"
        ref = f":v{len(values)}"
        values[ref] = self.value(2) if r.random() < 0.97 else self.bad_value()
        return ref

    def condition(self, values, depth=0):
        r = self.rnd
        if depth < 3 and r.random() < 0.35:
            a, b = self.condition(values, depth + 1), self.condition(values, depth + 1)
            return r.choice(
                [f"{a} AND {b}", f"({a} OR {b})", f"{a} OR {b}", f"NOT {a}", f"NOT ({a}) AND {b}", f"({a})"]
            )
        o = lambda: self.operand(values)  # noqa: E731
        return r.choice(
            [
                lambda: f"{o()} {r.choice(['=', '<>', '<', '<=', '>', '>='])} {o()}",
                lambda: f"attribute_exists({self.path()})",
                lambda: f"attribute_not_exists({self.path()})",
                lambda: f"begins_with({self.path()}, {o()})",
                lambda: f"contains({self.path()}, {o()})",
                lambda: f"{o()} BETWEEN {o()} AND {o()}",
                lambda: f"{o()} IN ({o()}, {o()})",
                lambda: f"size({self.path()}) > {o()}",
            ]
        )()

    def update(self, values):
        r = self.rnd
        v = lambda: self.operand(values)  # noqa: E731

        def ref(value):
            values[f":v{len(values)}"] = value
            return f":v{len(values) - 1}"

        def set_value():
            return r.choice(
                [
                    v,
                    lambda: f"{v()} + {ref({'N': self.number()})}",
                    lambda: f"{self.path()} - {ref({'N': '1'})}",
                    lambda: f"if_not_exists({self.path()}, {v()})",
                    lambda: f"list_append({self.path()}, {ref({'L': [self.value(3)]})})",
                    lambda: f"if_not_exists({self.path()}, {ref({'N': '0'})}) + {ref({'N': '1'})}",
                ]
            )()

        parts = []
        if r.random() < 0.8:
            parts.append("SET " + ", ".join(f"{self.path()} = {set_value()}" for _ in range(r.randint(1, 3))))
        if r.random() < 0.4:
            parts.append("REMOVE " + ", ".join(self.path() for _ in range(r.randint(1, 2))))
        if r.random() < 0.3:
            parts.append(f"ADD {self.path()} {ref(r.choice([{'N': '1'}, {'SS': ['q', 'a']}, {'NS': ['4']}]))}")
        if r.random() < 0.2:
            parts.append(f"DELETE {self.path()} {ref({'SS': ['a']})}")
        return " ".join(parts) or "REMOVE a"

    def spoil(self, text):
        r = self.rnd
        if r.random() < 0.95:
            return text
        i = r.randrange(len(text) + 1)
        return r.choice([text[:i] + r.choice("()[].,=<>#:!x1 ") + text[i:], text[:i] + text[i + 1 :], text[:i]])

    def finish(self, body, values):
        """Only the placeholders that are used, and sometimes one too many."""
        used = " ".join(v for k, v in body.items() if k.endswith("Expression") and isinstance(v, str))
        names = {"#n": "n", "#w": "name"}
        names = {k: v for k, v in names.items() if re.search(re.escape(k) + r"\b", used) or self.rnd.random() < 0.01}
        values = {k: v for k, v in values.items() if re.search(re.escape(k) + r"\b", used) or self.rnd.random() < 0.02}
        if names:
            body["ExpressionAttributeNames"] = names
        if values:
            body["ExpressionAttributeValues"] = values
        return body

    def write(self, op):
        values, r = {}, self.rnd
        body = {"TableName": self.name}
        if op == "put_item":
            body["Item"] = self.item()
        else:
            body["Key"] = self.key()
        if op == "update_item":
            body["UpdateExpression"] = self.spoil(self.update(values))
            body["ReturnValues"] = r.choice(["ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW", "NONE"])
        elif r.random() < 0.5:
            body["ReturnValues"] = "ALL_OLD"
        if r.random() < 0.4:
            body["ConditionExpression"] = self.spoil(self.condition(values))
        body["ReturnValuesOnConditionCheckFailure"] = r.choice(["NONE", "ALL_OLD"])
        return self.finish(body, values)

    def get(self):
        body = {"TableName": self.name, "Key": self.key(), "ConsistentRead": self.rnd.random() < 0.5}
        if self.rnd.random() < 0.5:
            body["ProjectionExpression"] = self.spoil(", ".join(self.path() for _ in range(self.rnd.randint(1, 3))))
        return self.finish(body, {})

    def query(self):
        r, values = self.rnd, {}
        index = r.choice([None, *INDEXES])
        hash_name, range_name = INDEXES[index] if index else ("pk", "sk")
        values[":h"] = {"S": f"{'g' if hash_name == 'g' else 'p'}{r.randint(0, 3)}"}
        cond = f"{hash_name} = :h"
        if range_name and r.random() < 0.5:
            numeric = range_name != "lk"
            low = {"N": str(r.randint(0, 4))} if numeric else {"S": r.choice("abc")}
            high = {"N": str(r.randint(0, 5))} if numeric else {"S": r.choice("abc")}
            values[":l"], values[":u"] = low, high
            cond += " AND " + r.choice(
                [f"{range_name} {o} :l" for o in ("=", "<", "<=", ">", ">=")]
                + [f"{range_name} BETWEEN :l AND :u", f"begins_with({range_name}, :l)"]
            )
        body = {
            "TableName": self.name,
            "KeyConditionExpression": self.spoil(cond),
            "ScanIndexForward": r.random() < 0.5,
        }
        if index:
            body["IndexName"] = index
        if r.random() < 0.3:
            body["FilterExpression"] = self.spoil(self.condition(values))
        if r.random() < 0.3 and index != "bare":
            body["ProjectionExpression"] = ", ".join(r.sample(["a", "n", "pk", "sk"], 2))
        if r.random() < 0.2:
            body["Select"] = r.choice(["COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES"])
        if r.random() < 0.4:
            body["Limit"] = r.randint(1, 4)
        return self.finish(body, values)

    def scan(self):
        r, values = self.rnd, {}
        body = {"TableName": self.name}
        index = r.choice([None, None, *INDEXES])
        if index:
            body["IndexName"] = index
        if r.random() < 0.6:
            body["FilterExpression"] = self.spoil(self.condition(values))
        return self.finish(body, values)

    def transaction(self):
        r, items = self.rnd, []
        for _ in range(r.randint(1, 3)):
            kind = r.choice(["Put", "Delete", "Update", "ConditionCheck"])
            op = {"Put": "put_item", "Update": "update_item"}.get(kind, "delete_item")
            body = self.write(op)
            body.pop("ReturnValues", None)
            if kind == "ConditionCheck" and "ConditionExpression" not in body:
                body["ConditionExpression"] = "attribute_exists(pk)"
            items.append({kind: body})
        return {"TransactItems": items}

    def batch(self):
        writes = []
        for _ in range(self.rnd.randint(1, 4)):
            writes.append(
                {"PutRequest": {"Item": self.item()}}
                if self.rnd.random() < 0.7
                else {"DeleteRequest": {"Key": self.key()}}
            )
        return {"RequestItems": {self.name: writes}}


def plain(value):
    """Comparable: sets and bytes in one order and form."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get("N"), str):
            return {
                "N": format(NUMBERS.normalize(Decimal(value["N"])), "f")
            }  # Local keeps nested numbers as they were written
        return {
            k: sorted(map(plain, v)) if k in ("SS", "NS", "BS") and isinstance(v, list) else plain(v)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def call(client, op, body):
    try:
        answer = getattr(client, op)(**body)
        answer.pop("ResponseMetadata")
        answer.pop("ConsumedCapacity", None)  # Local gives it unasked where nothing was deleted
        return "ok", plain(answer)
    except ClientError as e:
        error = e.response["Error"]
        extra = {k: plain(v) for k, v in e.response.items() if k in ("Item", "CancellationReasons")}
        return error["Code"], error["Message"], extra
    except BotoCoreError as e:
        return "botocore", str(e)


def all_pages(client, op, body):
    """Every page; items as a sorted list, and whether a query's were in the order of its sort key."""
    items, scanned, start, pages = [], 0, {}, 0
    while True:
        answer = call(client, op, {**body, **start})
        if answer[0] != "ok":
            return answer
        page = answer[1]
        items += page.get("Items", [])
        scanned += page["ScannedCount"]
        pages += 1
        if "LastEvaluatedKey" not in page or pages > 100:
            return "ok", {
                "items": sorted(json.dumps(i, sort_keys=True) for i in items),
                "scanned": scanned,
                "last": page["Count"] if op == "query" and "Limit" not in body else None,
            }
        start = {"ExclusiveStartKey": {k: from_plain(v) for k, v in page["LastEvaluatedKey"].items()}}


def from_plain(value):
    return {k: base64.b64decode(v) if k == "B" else v for k, v in value.items()}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def client(port):
    return boto3.client(
        "dynamodb",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )


def wait_for(one, seconds=60):
    for _ in range(seconds * 10):
        try:
            return one.list_tables()
        except BotoCoreError:
            time.sleep(0.1)
    raise SystemExit("a server did not start")


OPERATIONS = {
    "put_item": 25,
    "update_item": 30,
    "delete_item": 5,
    "get_item": 10,
    "query": 15,
    "scan": 5,
    "transact_write_items": 7,
    "batch_write_item": 3,
}


class Comparison:
    def __init__(self, ours, theirs, seed):
        self.ours, self.theirs, self.seed = ours, theirs, seed
        self.random = random.Random(seed)
        self.make = Maker(self.random, TABLE)
        self.equal = self.failed = self.carried_out = 0
        self.why = Counter()
        for c in (ours, theirs):
            c.create_table(**table(TABLE))

    def fail(self, *lines):
        self.failed += 1
        print(f"seed {self.seed}:", *lines, sep="\n  ")

    def request(self):
        op = self.random.choices(list(OPERATIONS), list(OPERATIONS.values()))[0]
        make = {
            "get_item": self.make.get,
            "query": self.make.query,
            "scan": self.make.scan,
            "transact_write_items": self.make.transaction,
            "batch_write_item": self.make.batch,
        }.get(op, lambda: self.make.write(op))
        return op, make()

    def case(self, number):
        op, body = self.request()
        run = all_pages if op in ("query", "scan") else call
        a, b = run(self.ours, op, body), run(self.theirs, op, body)
        self.carried_out += a[0] == "ok"
        if a == b:
            self.equal += 1
            return
        if op == "scan" and "IndexName" in body and a[0] == b[0] == "ok" and a[1]["scanned"] == b[1]["scanned"]:
            self.why["index-scan-filter"] += 1
            return
        name = explanation(a, b, body)
        if name:
            self.why[name] += 1
        else:
            request = json.dumps(plain(body), ensure_ascii=False)
            self.fail(f"case {number}: {op} {request}", f"ours   {a}", f"theirs {b}")
        if not name or "ok" in (a[0], b[0]):  # it may have left other items behind
            resync(self.ours, self.theirs, TABLE)

    def tables(self):
        """What all that has left behind, in the table and in each index."""
        for index in [None, *INDEXES]:
            where = {"TableName": TABLE, **({"IndexName": index} if index else {})}
            if all_pages(self.ours, "scan", where) == all_pages(self.theirs, "scan", where):
                self.equal += 1
            else:
                self.fail(f"the tables differ at the end: index {index}")


def compare(ours, theirs, cases, seed, most):
    one = Comparison(ours, theirs, seed)
    for number in range(cases):
        one.case(number)
        if one.failed == most:
            break
    one.tables()
    for name, times in sorted(one.why.items()):
        print(f"explained {times} times: {name}: {WHY[name]}")
    print(f"seed {seed}: {cases} requests, {one.carried_out} carried out by both or by Virga alone")
    print(f"{one.equal} passed, {one.failed} failed")
    return 1 if one.failed else 0


def resync(ours, theirs, name):
    for item in theirs.scan(TableName=name)["Items"]:
        theirs.delete_item(TableName=name, Key={"pk": item["pk"], "sk": item["sk"]})
    for page in ours.get_paginator("scan").paginate(TableName=name):
        for item in page["Items"]:
            theirs.put_item(TableName=name, Item=item)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--virga", required=True)
    args.add_argument("--lib", required=True, type=Path)
    args.add_argument("--cases", type=int, default=1000)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--most", type=int, default=10, help="unexplained differences shown before it ends")
    opt = args.parse_args()
    ports = free_port(), free_port()
    started = []
    try:
        started.append(
            subprocess.Popen(
                [opt.virga, "serve", "--ephemeral", "--listen", f"127.0.0.1:{ports[0]}"], stderr=subprocess.DEVNULL
            )
        )
        started.append(
            subprocess.Popen(
                [
                    "java",
                    "-Xmx512m",
                    f"-Djava.library.path={opt.lib}",
                    "-cp",
                    f"{opt.lib}/*",
                    "software.amazon.dynamodb.services.local.main.ServerRunner",
                    "-inMemory",
                    "-disableTelemetry",
                    "-port",
                    str(ports[1]),
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        clients = client(ports[0]), client(ports[1])
        for c in clients:
            wait_for(c)
        return compare(*clients, opt.cases, opt.seed, opt.most)
    finally:
        for p in started:
            p.send_signal(signal.SIGTERM)
            p.wait()


if __name__ == "__main__":
    sys.exit(main())
