# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at random moments under mixed load: nothing acknowledged is lost, nothing else is there."""

import os
import random
import time

import objects
import pytest
from harness.daemon import Daemon
from harness.fsck import check_clean
from harness.raw import Raw
from workers import TABLE, Items, Keys, Names, Reader, pause, scan

KILLS = int(os.environ.get("VIRGA_KILLS", "100"))  # in all
DAEMONS = 4  # each with a data folder of its own, and so early kills as well as late ones
SEED = int(os.environ.get("VIRGA_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
WRITERS = [f"w{i}" for i in range(6)]
OBJECT_WRITERS = ["o0", "o1"]


def make_table_and_bucket(daemon):
    raw = Raw(daemon.port)
    status, answer = raw.json(
        "dynamodb",
        "CreateTable",
        {
            "TableName": TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        },
    )
    assert status == 200, answer
    while raw.json("dynamodb", "DescribeTable", {"TableName": TABLE})[1]["Table"]["TableStatus"] != "ACTIVE":
        time.sleep(0.05)
    status, _, answer = raw.s3("PUT", f"/{objects.BUCKET}")
    assert status == 200, answer
    raw.close()


def check_items(daemon, keys, seen, killed):
    """The whole table against what may be there. What is found becomes what is certain."""
    raw = Raw(daemon.port)
    found = scan(raw)
    raw.close()
    lost = {k: (found.get(k), v) for k, v in keys.may_be.items() if found.get(k) not in v}
    assert not lost, f"seed {SEED}, kill {killed}: found and expected: {dict(list(lost.items())[:10])}"
    phantoms = sorted(set(found) - set(keys.may_be))
    assert not phantoms, f"seed {SEED}, kill {killed}: never written: {phantoms[:10]}"
    for key in [k for k in found if k.endswith("-left")]:
        other = key.removesuffix("left") + "right"
        assert found[key] == found.get(other), f"seed {SEED}, kill {killed}: half a transaction: {key}"
    unseen = {k: (found.get(k), v) for k, v in seen.items() if (found.get(k) or 0) < v}
    assert not unseen, f"seed {SEED}, kill {killed}: a reader had seen more: {unseen}"
    for key in keys.may_be:
        keys.done(key, found.get(key))


def check_users(daemon, users):
    worker = Names("check", SEED, daemon.port, users)
    for user, may_be in list(users.may_be.items()):
        found = worker.there(user)
        assert found in may_be, f"seed {SEED}: user {user} is {found}, expected {may_be}"
        users.done(user, found)
    worker.raw.close()


def check_objects(daemon, things, under_way, killed):
    raw = Raw(daemon.port)
    wrong = objects.check(raw, things, under_way)
    raw.close()
    assert not wrong, f"seed {SEED}, kill {killed}: {wrong[:10]}"


@pytest.mark.timeout(60 + 15 * KILLS)
@pytest.mark.parametrize("number", range(DAEMONS))
def test_nothing_acknowledged_is_lost_and_nothing_half_done_is_seen(capsys, number):
    kills = (KILLS + number) // DAEMONS
    seed = f"{SEED}/{number}"
    dice = random.Random(seed)
    daemon = Daemon()
    acknowledged, restarts = 0, []
    items, users, things, under_way, seen = Keys(), Keys(), Keys(), {}, {}
    try:
        daemon.start()
        make_table_and_bucket(daemon)
        for killed in range(1, kills + 1):
            port = daemon.port
            crew = [Items(w, f"{seed}/{killed}", port, items) for w in WRITERS]
            crew += [objects.Objects(w, f"{seed}/{killed}", port, things, under_way) for w in OBJECT_WRITERS]
            crew.append(Names("user", f"{seed}/{killed}", port, users))
            crew.append(Reader("reader", f"{seed}/{killed}", port, WRITERS, seen))
            # Keys are a worker's own, the dict is shared: adding keys to it is atomic.
            for worker in crew:
                worker.start()
            pause(dice.choice((0.02, 0.1, 0.3, 1.0)) * dice.random() + 0.05, crew)
            daemon.kill9()
            for worker in crew:
                worker.halt.set()
                worker.join(30)
            troubles = [w.trouble for w in crew if w.trouble]
            assert not troubles, f"seed {SEED}, kill {killed}: {troubles}"
            check_clean(daemon.data, f"seed {SEED}, kill {killed}")
            acknowledged += sum(w.acknowledged for w in crew)
            daemon.start()
            restarts.append(daemon.ready_ms)
            check_items(daemon, items, seen, killed)
            check_users(daemon, users)
            check_objects(daemon, things, under_way, killed)
        daemon.check_log()
    finally:
        daemon.close()
    if not restarts:
        pytest.skip("fewer kills than daemons")
    with capsys.disabled():
        print(
            f"\n{kills} kills, {acknowledged} acknowledged, 0 lost, 0 phantom; ready after a kill: "
            f"median {sorted(restarts)[len(restarts) // 2]:.0f} ms, slowest {max(restarts):.0f} ms; seed {SEED}"
        )
    assert acknowledged > kills, "the load did hardly anything"
