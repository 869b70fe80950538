# SPDX-License-Identifier: Apache-2.0
"""Writers that know what they were promised.

Each owns its keys, so what may be there after a crash is exact: what was last acknowledged, or, where the
connection broke before the answer, what was being written as well.
"""

import random
import threading
import time

from harness.raw import Cut, Raw

TABLE = "crash"


def s(text):
    return {"S": text}


def n(number):
    return {"N": str(number)}


class Worker(threading.Thread):
    """Runs `step()` until `halt`; a broken connection ends the round, any other trouble is a finding."""

    def __init__(self, name, seed, port):
        super().__init__(name=name, daemon=True)
        self.random = random.Random(f"{seed}/{name}")
        self.raw = Raw(port)
        self.halt = threading.Event()
        self.acknowledged = 0
        self.trouble = None

    def run(self):
        try:
            while not self.halt.is_set():
                self.step()
        except Cut:
            pass
        except Exception as e:  # noqa: BLE001 - shown by the test
            self.trouble = f"{self.name}: {e!r}"
        finally:
            self.raw.close()


class Keys:
    """What may be found under each key: a set of values, None being no item."""

    def __init__(self):
        self.may_be = {}

    def now(self, key):
        return self.may_be.get(key, {None})

    def tried(self, key, value):
        self.may_be[key] = self.now(key) | {value}

    def done(self, key, value):
        self.may_be[key] = {value}


class Items(Worker):
    """Puts, counts up, deletes and transacts; a fifth of it on pairs that must move together."""

    def __init__(self, name, seed, port, keys):
        super().__init__(name, seed, port)
        self.keys = keys

    def write(self, operation, request, wanted):
        """`wanted` is {key: value}; acknowledged: exactly that, cut off: perhaps that."""
        for key, value in wanted.items():
            self.keys.tried(key, value)
        status, answer = self.raw.json("dynamodb", operation, request)
        if status != 200:
            raise AssertionError(f"{operation}: {status} {answer}")
        for key, value in wanted.items():
            self.keys.done(key, value)
        self.acknowledged += 1

    def settled(self, key):
        """The value of a key that is certain; reads it where a crash left two possible ones."""
        may_be = self.keys.now(key)
        if len(may_be) == 1:
            return next(iter(may_be))
        found = read(self.raw, key)
        if found not in may_be:
            raise AssertionError(f"{key} is {found}, not one of {may_be}")
        self.keys.done(key, found)
        return found

    def step(self):
        number = self.random.randrange(40)
        key = f"{self.name}-{number}"
        value = self.settled(key)
        following = (value or 0) + 1
        kind = self.random.random()
        padding = "x" * self.random.choice((10, 100, 4000))
        item = {"pk": s(key), "v": n(following), "pad": s(padding)}
        if kind < 0.4:
            self.write("PutItem", {"TableName": TABLE, "Item": item}, {key: following})
        elif kind < 0.6:
            update = {
                "TableName": TABLE,
                "Key": {"pk": s(key)},
                "UpdateExpression": "ADD v :one",
                "ExpressionAttributeValues": {":one": n(1)},
            }
            self.write("UpdateItem", update, {key: following})
        elif kind < 0.7:
            self.write("DeleteItem", {"TableName": TABLE, "Key": {"pk": s(key)}}, {key: None})
        elif kind < 0.8:
            batch = [{"PutRequest": {"Item": {**item, "pk": s(f"{key}-b{i}")}}} for i in range(5)]
            # A batch is not atomic: each of its items may be there by itself.
            wanted = {f"{key}-b{i}": following for i in range(5)}
            self.write("BatchWriteItem", {"RequestItems": {TABLE: batch}}, wanted)
        else:
            self.pair(number)

    def pair(self, number):
        """Two items, one transaction, always of one value: `check` compares them."""
        left, right = f"{self.name}-{number}-left", f"{self.name}-{number}-right"
        following = (self.settled(left) or 0) + 1
        self.settled(right)
        puts = [{"Put": {"TableName": TABLE, "Item": {"pk": s(k), "v": n(following)}}} for k in (left, right)]
        self.write("TransactWriteItems", {"TransactItems": puts}, {left: following, right: following})


class Reader(Worker):
    """What anybody has seen must still be so after the crash: values of a key never go back, but by a delete."""

    def __init__(self, name, seed, port, writers, seen):
        super().__init__(name, seed, port)
        self.writers, self.seen = writers, seen

    def step(self):
        writer = self.random.choice(self.writers)
        key = f"{writer}-{self.random.randrange(40)}-left"  # pairs are never deleted
        value = read(self.raw, key)
        if value is not None:
            self.seen[key] = max(self.seen.get(key, 0), value)
        self.acknowledged += 1


class Names(Worker):
    """IAM users: made, tagged, removed."""

    VERSION = "2010-05-08"

    def __init__(self, name, seed, port, keys):
        super().__init__(name, seed, port)
        self.keys = keys

    def step(self):
        user = f"{self.name}-{self.random.randrange(10)}"
        may_be = self.keys.now(user)
        if len(may_be) > 1:
            self.keys.done(user, self.there(user))
        there = self.keys.now(user) == {True}
        operation, wanted = ("DeleteUser", None) if there else ("CreateUser", True)
        self.keys.tried(user, wanted)
        status, answer = self.raw.query("iam", self.VERSION, operation, UserName=user)
        if status != 200:
            raise AssertionError(f"{operation}: {status} {answer}")
        self.keys.done(user, wanted)
        self.acknowledged += 1

    def there(self, user):
        status, _ = self.raw.query("iam", self.VERSION, "GetUser", UserName=user)
        assert status in (200, 404), status
        return True if status == 200 else None


def read(raw, key):
    status, answer = raw.json(
        "dynamodb", "GetItem", {"TableName": TABLE, "Key": {"pk": s(key)}, "ConsistentRead": True}
    )
    if status != 200:
        raise AssertionError(f"GetItem: {status} {answer}")
    return int(answer["Item"]["v"]["N"]) if "Item" in answer else None


def scan(raw):
    """The whole table: {key: value}."""
    found, start = {}, None
    while True:
        request = {"TableName": TABLE, "ConsistentRead": True}
        if start:
            request["ExclusiveStartKey"] = start
        status, answer = raw.json("dynamodb", "Scan", request)
        assert status == 200, answer
        for item in answer["Items"]:
            key = item["pk"]["S"]
            assert key not in found, f"{key} came twice in one scan"
            found[key] = int(item["v"]["N"])
        start = answer.get("LastEvaluatedKey")
        if not start:
            return found


def pause(seconds, workers):
    """Sleeps while the load runs, and ends early when a worker has found something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if any(w.trouble for w in workers):
            return
        time.sleep(0.005)
