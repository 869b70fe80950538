# SPDX-License-Identifier: Apache-2.0
"""DynamoDB by boto3: the items of USERS.md's list, and what only a real daemon can show."""

import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError
from harness.aws import Aws
from harness.daemon import wait_until


def attrs(**types):
    return [{"AttributeName": n, "AttributeType": t} for n, t in types.items()]


def keys(hash_key, range_key=None):
    schema = [{"AttributeName": hash_key, "KeyType": "HASH"}]
    return schema + (
        [{"AttributeName": range_key, "KeyType": "RANGE"}] if range_key else []
    )


def make(client, table, **more):
    settings = {
        "AttributeDefinitions": attrs(pk="S", sk="N"),
        "KeySchema": keys("pk", "sk"),
        "BillingMode": "PAY_PER_REQUEST",
        **more,
    }
    client.create_table(TableName=table, **settings)
    client.get_waiter("table_exists").wait(TableName=table)
    return table


@pytest.fixture
def ddb(aws):
    return aws("dynamodb")


@pytest.fixture
def table(ddb, name):
    one = make(ddb, name("table"))
    yield one
    ddb.delete_table(TableName=one)


def fails(code, text, call, **kw):
    with pytest.raises(ClientError) as caught:
        call(**kw)
    error = caught.value.response["Error"]
    assert error["Code"] == code
    assert text in error["Message"], error["Message"]
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return caught.value.response


def test_tables_are_created_described_listed_and_deleted(ddb, name):
    t = name("table")
    made = ddb.create_table(
        TableName=t,
        AttributeDefinitions=attrs(a="S"),
        KeySchema=keys("a"),
        ProvisionedThroughput={"ReadCapacityUnits": 3, "WriteCapacityUnits": 2},
        Tags=[{"Key": "team", "Value": "x"}],
    )["TableDescription"]
    assert made["TableStatus"] == "CREATING"
    arn = made["TableArn"]
    assert arn.endswith(f":000000000000:table/{t}")
    assert ddb.describe_table(TableName=arn)["Table"]["TableStatus"] == "ACTIVE"
    assert t in [
        n
        for page in ddb.get_paginator("list_tables").paginate()
        for n in page["TableNames"]
    ]
    assert ddb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [
        {"Key": "team", "Value": "x"}
    ]
    fails(
        "ResourceInUseException",
        "Table already exists",
        ddb.create_table,
        TableName=t,
        AttributeDefinitions=attrs(a="S"),
        KeySchema=keys("a"),
        BillingMode="PAY_PER_REQUEST",
    )
    ddb.update_table(TableName=t, DeletionProtectionEnabled=True)
    fails(
        "ValidationException",
        "protected against deletion",
        ddb.delete_table,
        TableName=t,
    )
    ddb.update_table(
        TableName=t, DeletionProtectionEnabled=False, BillingMode="PAY_PER_REQUEST"
    )
    assert (
        ddb.delete_table(TableName=t)["TableDescription"]["TableStatus"] == "DELETING"
    )
    fails(
        "ResourceNotFoundException",
        f"Table: {t} not found",
        ddb.describe_table,
        TableName=t,
    )


def test_every_type_comes_back_as_it_went(aws, table):
    one = aws.resource("dynamodb").Table(table)
    item = {
        "pk": "types",
        "sk": Decimal(1),
        "number": Decimal("123456789012345678901234567890.12345678"),
        "tiny": Decimal("1E-130"),
        "text": 'grüße \U0001f600 \x00\x01 "\\',
        "none": None,
        "yes": True,
        "list": [Decimal(1), "a", [], {}],
        "map": {"x": {"y": [None, False]}},
        "strings": {"a", "b"},
        "numbers": {Decimal("1.5"), Decimal(-2)},
        "empty": "",
    }
    one.put_item(Item=item)
    assert (
        one.get_item(Key={"pk": "types", "sk": 1}, ConsistentRead=True)["Item"] == item
    )


def test_conditions_guard_writes(ddb, table):
    key = {"pk": {"S": "c"}, "sk": {"N": "1"}}
    ddb.put_item(
        TableName=table,
        Item={**key, "v": {"N": "1"}},
        ConditionExpression="attribute_not_exists(pk)",
    )
    answer = fails(
        "ConditionalCheckFailedException",
        "The conditional request failed",
        ddb.put_item,
        TableName=table,
        Item=key,
        ConditionExpression="attribute_not_exists(pk)",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    assert answer["Item"]["v"] == {"N": "1"}
    fails(
        "ValidationException",
        "redundant parentheses",
        ddb.delete_item,
        TableName=table,
        Key=key,
        ConditionExpression="((attribute_exists(pk)))",
    )
    old = ddb.delete_item(
        TableName=table,
        Key=key,
        ReturnValues="ALL_OLD",
        ConditionExpression="v = :v",
        ExpressionAttributeValues={":v": {"N": "1.0"}},
    )
    assert old["Attributes"]["v"] == {"N": "1"}


def test_updates_and_what_they_return(aws, table):
    one = aws.resource("dynamodb").Table(table)
    key = {"pk": "u", "sk": 1}
    new = one.update_item(
        Key=key,
        UpdateExpression="SET #n = :o, l = :l ADD s :s",
        ExpressionAttributeNames={"#n": "name"},
        ExpressionAttributeValues={":o": "x", ":l": [1, 2, 3], ":s": {"p"}},
        ReturnValues="ALL_NEW",
    )["Attributes"]
    assert new == {"pk": "u", "sk": 1, "name": "x", "l": [1, 2, 3], "s": {"p"}}
    got = one.update_item(
        Key=key,
        UpdateExpression="SET l[1] = :v REMOVE l[0] DELETE s :s",
        ExpressionAttributeValues={":v": "two", ":s": {"p"}},
        ReturnValues="UPDATED_OLD",
    )
    assert got["Attributes"] == {"l": [1, 2], "s": {"p"}}
    assert one.get_item(Key=key)["Item"] == {
        "pk": "u",
        "sk": 1,
        "name": "x",
        "l": ["two", 3],
    }


def test_a_query_over_pages_meets_each_item_once(aws, table):
    one = aws.resource("dynamodb").Table(table)
    with one.batch_writer() as batch:
        for i in range(60):
            batch.put_item(Item={"pk": "q", "sk": i, "odd": i % 2})
    found, start = [], {}
    while True:
        page = one.query(
            KeyConditionExpression=Key("pk").eq("q") & Key("sk").between(5, 54),
            FilterExpression=Attr("odd").eq(1),
            Limit=7,
            ScanIndexForward=False,
            **start,
        )
        assert page["ScannedCount"] <= 7
        found += [int(i["sk"]) for i in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert found == list(range(53, 4, -2))
    assert (
        one.query(KeyConditionExpression=Key("pk").eq("q"), Select="COUNT")["Count"]
        == 60
    )


def test_pages_end_at_one_megabyte(ddb, table):
    big = "x" * 300_000
    for i in range(7):
        ddb.put_item(
            TableName=table,
            Item={"pk": {"S": "m"}, "sk": {"N": str(i)}, "b": {"S": big}},
        )
    page = ddb.query(
        TableName=table,
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": {"S": "m"}},
        ReturnConsumedCapacity="TOTAL",
    )
    assert page["Count"] == 3 and "LastEvaluatedKey" in page
    assert (
        page["ConsumedCapacity"]["CapacityUnits"] == 110.0
    )  # 900,0xx bytes / 4 KB, eventually consistent
    fails(
        "ValidationException",
        "Item size has exceeded the maximum allowed size",
        ddb.put_item,
        TableName=table,
        Item={"pk": {"S": "m"}, "sk": {"N": "9"}, "b": {"S": "x" * 409_600}},
    )


def test_equal_index_keys_are_paged_exactly_once(ddb, name):
    """floci#587: LastEvaluatedKey of an index has the index's keys and the table's."""
    t = make(
        ddb,
        name("gsi"),
        AttributeDefinitions=attrs(pk="S", sk="N", g="S", r="N"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": "byG",
                "KeySchema": keys("g", "r"),
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for i in range(5):
        ddb.put_item(
            TableName=t,
            Item={
                "pk": {"S": f"p{i}"},
                "sk": {"N": "1"},
                "g": {"S": "g"},
                "r": {"N": "7"},
            },
        )
    found, start = [], {}
    while True:
        page = ddb.query(
            TableName=t,
            IndexName="byG",
            KeyConditionExpression="g = :g",
            Limit=2,
            ExpressionAttributeValues={":g": {"S": "g"}},
            **start,
        )
        found += [i["pk"]["S"] for i in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        assert set(page["LastEvaluatedKey"]) == {"pk", "sk", "g", "r"}
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert sorted(found) == [f"p{i}" for i in range(5)]
    ddb.delete_table(TableName=t)


def test_an_index_added_later_holds_what_was_there(ddb, table):
    for i in range(300):
        ddb.put_item(
            TableName=table,
            Item={"pk": {"S": f"p{i}"}, "sk": {"N": "1"}, "g": {"S": str(i % 3)}},
        )
    ddb.update_table(
        TableName=table,
        AttributeDefinitions=attrs(pk="S", sk="N", g="S"),
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "late",
                    "KeySchema": keys("g"),
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            }
        ],
    )

    def index():
        return ddb.describe_table(TableName=table)["Table"]["GlobalSecondaryIndexes"][0]

    assert wait_until(lambda: index()["IndexStatus"] == "ACTIVE", 20)
    count = ddb.query(
        TableName=table,
        IndexName="late",
        KeyConditionExpression="g = :g",
        Select="COUNT",
        ExpressionAttributeValues={":g": {"S": "1"}},
    )["Count"]
    assert count == 100
    assert index()["ItemCount"] == 300


def test_an_index_counts_exactly_what_is_written_while_it_is_filled(ddb, name):
    """Eight clients put, move, take out and delete, while UpdateTable adds an index like the first."""
    first = {"KeySchema": keys("g"), "Projection": {"ProjectionType": "ALL"}}
    definitions = attrs(pk="S", sk="N", g="S")
    t = make(
        ddb,
        name("filled"),
        AttributeDefinitions=definitions,
        GlobalSecondaryIndexes=[{"IndexName": "first", **first}],
    )

    def item(i, g):
        return {"pk": {"S": f"p{i}"}, "sk": {"N": "1"}, "g": {"S": g}}

    for start in range(0, 1500, 25):
        puts = [{"PutRequest": {"Item": item(i, "here")}} for i in range(start, start + 25)]
        ddb.batch_write_item(RequestItems={t: puts})

    def work(worker):
        rnd = random.Random(worker)
        for _ in range(150):
            one = item(rnd.randrange(1800), rnd.choice(["here", "moved"]))
            key = {"pk": one["pk"], "sk": one["sk"]}
            match rnd.randrange(4):
                case 0:
                    ddb.put_item(TableName=t, Item={**one, "size": {"S": "x" * rnd.randrange(50)}})
                case 1:
                    ddb.delete_item(TableName=t, Key=key)
                case 2:
                    ddb.update_item(TableName=t, Key=key, UpdateExpression="REMOVE g")
                case 3:
                    ddb.transact_write_items(TransactItems=[{"Put": {"TableName": t, "Item": one}}])

    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(work, worker) for worker in range(8)]
        create = {"Create": {"IndexName": "late", **first}}
        ddb.update_table(TableName=t, AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=[create])
        for one in done:
            one.result()

    def indexes():
        return sorted(
            ddb.describe_table(TableName=t)["Table"]["GlobalSecondaryIndexes"], key=lambda ix: ix["IndexName"]
        )

    assert wait_until(lambda: indexes()[1]["IndexStatus"] == "ACTIVE", 20)
    one, late = indexes()
    assert (one["ItemCount"], one["IndexSizeBytes"]) == (late["ItemCount"], late["IndexSizeBytes"])
    count = sum(page["Count"] for page in ddb.get_paginator("scan").paginate(TableName=t, IndexName="late"))
    assert late["ItemCount"] == count > 0
    ddb.delete_table(TableName=t)


def test_parallel_segments_share_the_table_out(aws, table):
    one = aws.resource("dynamodb").Table(table)
    with one.batch_writer() as batch:
        for i in range(120):
            batch.put_item(Item={"pk": f"s{i}", "sk": i})
    seen = []
    for segment in range(5):
        seen += [i["sk"] for i in one.scan(Segment=segment, TotalSegments=5)["Items"]]
    assert sorted(seen) == list(range(120))


def test_batches(ddb, table):
    puts = [
        {"PutRequest": {"Item": {"pk": {"S": "b"}, "sk": {"N": str(i)}}}}
        for i in range(25)
    ]
    answer = ddb.batch_write_item(
        RequestItems={table: puts}, ReturnConsumedCapacity="TOTAL"
    )
    assert (
        answer["UnprocessedItems"] == {}
        and answer["ConsumedCapacity"][0]["CapacityUnits"] == 25.0
    )
    got = ddb.batch_get_item(
        RequestItems={
            table: {
                "Keys": [p["PutRequest"]["Item"] for p in puts],
                "ProjectionExpression": "sk",
            }
        }
    )
    assert len(got["Responses"][table]) == 25 and got["Responses"][table][0].keys() == {
        "sk"
    }
    bad = [puts[0], {"PutRequest": {"Item": {"pk": {"S": ""}, "sk": {"N": "99"}}}}]
    fails(
        "ValidationException",
        "empty string value. Key: pk",
        ddb.batch_write_item,
        RequestItems={table: bad},
    )


def test_transactions(ddb, table):
    key = {"pk": {"S": "t"}, "sk": {"N": "1"}}
    other = {"pk": {"S": "t"}, "sk": {"N": "2"}}
    ddb.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": table, "Item": {**key, "n": {"N": "10"}}}},
            {"Put": {"TableName": table, "Item": {**other, "n": {"N": "0"}}}},
        ]
    )
    move = [
        {
            "Update": {
                "TableName": table,
                "Key": key,
                "UpdateExpression": "SET n = n - :m",
                "ConditionExpression": "n >= :m",
                "ExpressionAttributeValues": {":m": {"N": "8"}},
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        },
        {
            "Update": {
                "TableName": table,
                "Key": other,
                "UpdateExpression": "SET n = n + :m",
                "ExpressionAttributeValues": {":m": {"N": "8"}},
            }
        },
    ]
    ddb.transact_write_items(TransactItems=move)
    answer = fails(
        "TransactionCanceledException",
        "[ConditionalCheckFailed, None]",
        ddb.transact_write_items,
        TransactItems=move,
    )
    assert answer["CancellationReasons"][0]["Item"]["n"] == {"N": "2"}
    got = ddb.transact_get_items(
        TransactItems=[{"Get": {"TableName": table, "Key": k}} for k in (key, other)]
    )
    assert [r["Item"]["n"]["N"] for r in got["Responses"]] == ["2", "8"]


def test_what_was_acknowledged_survives_a_kill(make_daemon, name):
    one = make_daemon()
    ddb = Aws(one)("dynamodb")
    t = make(
        ddb,
        name("kept"),
        AttributeDefinitions=attrs(pk="S", sk="N", g="S"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": "byG",
                "KeySchema": keys("g"),
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for i in range(50):
        ddb.put_item(
            TableName=t, Item={"pk": {"S": "k"}, "sk": {"N": str(i)}, "g": {"S": "g"}}
        )
    ddb.delete_item(TableName=t, Key={"pk": {"S": "k"}, "sk": {"N": "49"}})
    one.restart("kill9")
    ddb = Aws(one)("dynamodb")
    for index in ({}, {"IndexName": "byG"}):
        cond = "g = :v" if index else "pk = :v"
        value = {"S": "g" if index else "k"}
        page = ddb.query(
            TableName=t,
            KeyConditionExpression=cond,
            ExpressionAttributeValues={":v": value},
            **index,
        )
        assert sorted(int(i["sk"]["N"]) for i in page["Items"]) == list(range(49))
    assert ddb.describe_table(TableName=t)["Table"]["ItemCount"] == 49


def test_transfers_under_load_keep_the_sum_and_the_index(ddb, name):
    """Transactions over several slots and plain updates at once: nothing lost, made, or left in the index."""
    t = make(
        ddb,
        name("bank"),
        AttributeDefinitions=attrs(pk="S", sk="N", parity="S"),
        GlobalSecondaryIndexes=[
            {"IndexName": "parity", "KeySchema": keys("parity"), "Projection": {"ProjectionType": "ALL"}}
        ],
    )
    accounts = [{"pk": {"S": f"acc{i}"}, "sk": {"N": "0"}} for i in range(6)]
    for key in accounts:
        ddb.put_item(TableName=t, Item={**key, "n": {"N": "100"}, "parity": {"S": "even"}})

    def work(worker):
        rnd = random.Random(worker)
        done = 0
        for _ in range(40):
            a, b = rnd.sample(accounts, 2)
            moves = [
                {
                    "Update": {
                        "TableName": t,
                        "Key": key,
                        "UpdateExpression": "SET n = n + :d, parity = :p ADD moves :one",
                        "ConditionExpression": "n >= :low",
                        "ExpressionAttributeValues": {
                            ":d": {"N": str(d)},
                            ":low": {"N": "0" if d > 0 else str(-d)},
                            ":one": {"N": "1"},
                            ":p": {"S": rnd.choice(["even", "odd"])},
                        },
                    }
                }
                for key, d in ((a, -7), (b, 7))
            ]
            try:
                ddb.transact_write_items(TransactItems=moves)
                done += 1
            except ddb.exceptions.TransactionCanceledException:
                pass
        return done

    with ThreadPoolExecutor(8) as pool:
        done = sum(pool.map(work, range(8)))
    items = ddb.scan(TableName=t, ConsistentRead=True)["Items"]
    assert sum(int(i["n"]["N"]) for i in items) == 600
    assert sum(int(i["moves"]["N"]) for i in items) == 2 * done
    indexed = []
    for parity in ("even", "odd"):
        page = ddb.query(
            TableName=t,
            IndexName="parity",
            KeyConditionExpression="parity = :p",
            ExpressionAttributeValues={":p": {"S": parity}},
        )
        indexed += page["Items"]
    by_key = lambda i: i["pk"]["S"]  # noqa: E731
    assert sorted(indexed, key=by_key) == sorted(items, key=by_key)
    ddb.delete_table(TableName=t)


def test_legacy_parameters(aws, table):
    ddb = aws("dynamodb")
    key = {"pk": {"S": "old"}, "sk": {"N": "1"}}
    ddb.update_item(
        TableName=table,
        Key=key,
        AttributeUpdates={"n": {"Action": "ADD", "Value": {"N": "5"}}},
        Expected={"pk": {"Exists": False}},
    )
    page = ddb.query(
        TableName=table,
        KeyConditions={"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [key["pk"]]}},
        QueryFilter={"n": {"ComparisonOperator": "GE", "AttributeValueList": [{"N": "5"}]}},
        AttributesToGet=["n"],
    )
    assert page["Items"] == [{"n": {"N": "5"}}]
    assert ddb.get_item(TableName=table, Key=key, AttributesToGet=["sk"])["Item"] == {"sk": {"N": "1"}}
