# SPDX-License-Identifier: Apache-2.0
"""DynamoDB's condition keys: the examples of AWS's "Using IAM policy conditions for fine-grained access
control" and "Using IAM with DynamoDB transactions", each allowed and refused."""

import json

import pytest
from botocore.exceptions import ClientError

ACTIONS = [
    f"dynamodb:{a}"
    for a in (
        "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem",
        "ConditionCheckItem", "Scan",
    )
]  # fmt: skip


def s(text):
    return {"S": text}


def key(user, game="chess"):
    return {"UserId": s(user), "GameTitle": s(game)}


@pytest.fixture
def scores(aws, name):
    """GameScores with an index by game, and an item of ann's and of bob's."""
    ddb, table = aws("dynamodb"), name("GameScores")
    attributes = [{"AttributeName": a, "AttributeType": "S"} for a in ("UserId", "GameTitle")]
    ddb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=attributes,
        KeySchema=[
            {"AttributeName": "UserId", "KeyType": "HASH"},
            {"AttributeName": "GameTitle", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "ByGame",
                "KeySchema": [{"AttributeName": "GameTitle", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for user in ("ann", "bob"):
        ddb.put_item(TableName=table, Item=key(user) | {"Wins": {"N": "3"}, "Secret": s("x")})
    yield table
    ddb.delete_table(TableName=table)


@pytest.fixture
def client(aws, name, scores):
    """A user's DynamoDB client under one condition, and what is needed to see it refused."""

    def make(condition, actions=ACTIONS, deny=None):
        iam, who = aws("iam"), name("user")
        arn = f"arn:aws:dynamodb:*:*:table/{scores}"
        statement = {"Effect": "Allow", "Action": actions, "Resource": [arn, arn + "/index/*"]}
        statements = [statement | ({"Condition": condition} if condition else {})]
        if deny:
            statements.append(statement | {"Effect": "Deny", "Condition": deny})
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.create_user(UserName=who)
        iam.put_user_policy(UserName=who, PolicyName="p", PolicyDocument=policy)
        made = iam.create_access_key(UserName=who)["AccessKey"]
        return aws("dynamodb", creds=(made["AccessKeyId"], made["SecretAccessKey"]))

    return make


def refused(call, **args):
    with pytest.raises(ClientError) as e:
        call(**args)
    assert e.value.response["Error"]["Code"] == "AccessDeniedException", e.value


def both(call, mine, others):
    call(**mine)
    refused(call, **others)


def test_leading_keys_of_single_items(client, scores):
    """Example 1: only items with a specific partition key value."""
    ddb = client({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["ann"]}})
    for call, args in (
        (ddb.get_item, lambda u: {"Key": key(u)}),
        (ddb.put_item, lambda u: {"Item": key(u, "go")}),
        (ddb.delete_item, lambda u: {"Key": key(u, "go")}),
        (
            ddb.update_item,
            lambda u: {
                "Key": key(u),
                "UpdateExpression": "SET Wins = :w",
                "ExpressionAttributeValues": {":w": {"N": "4"}},
            },
        ),
    ):
        both(call, {"TableName": scores} | args("ann"), {"TableName": scores} | args("bob"))


def test_leading_keys_of_queries(client, scores):
    ddb = client({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["ann"]}})

    def query(user, **more):
        return {
            "TableName": scores,
            "KeyConditionExpression": "#u = :u",
            "ExpressionAttributeNames": {"#u": "UserId"},
            "ExpressionAttributeValues": {":u": s(user)},
        } | more

    both(ddb.query, query("ann"), query("bob"))
    game = {"#u": "GameTitle"}
    refused(ddb.query, **query("chess", IndexName="ByGame", ExpressionAttributeNames=game))
    ddb.query(**query("ann", IndexName="ByGame", ExpressionAttributeNames=game))
    legacy = [
        {
            "TableName": scores,
            "KeyConditions": {"UserId": {"ComparisonOperator": "EQ", "AttributeValueList": [s(u)]}},
        }
        for u in ("ann", "bob")
    ]
    both(ddb.query, *legacy)


def test_leading_keys_of_batches_and_transactions(client, scores):
    """One item of another's is enough to refuse all."""
    ddb = client({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["ann"]}})

    def get(*users):
        return {"RequestItems": {scores: {"Keys": [key(u) for u in users]}}}

    def write(*users):
        return {"RequestItems": {scores: [{"PutRequest": {"Item": key(u, "go")}} for u in users]}}

    def transact_get(*users):
        return {"TransactItems": [{"Get": {"TableName": scores, "Key": key(u)}} for u in users]}

    def transact_write(*users):
        deletes = [{"Delete": {"TableName": scores, "Key": key(u, "go")}} for u in users]
        check = {
            "TableName": scores,
            "Key": key(users[-1]),
            "ConditionExpression": "attribute_exists(Wins)",
        }
        return {"TransactItems": [*deletes, {"ConditionCheck": check}]}

    both(ddb.batch_get_item, get("ann"), get("ann", "bob"))
    both(ddb.batch_write_item, write("ann"), write("ann", "bob"))
    both(ddb.transact_get_items, transact_get("ann"), transact_get("ann", "bob"))
    both(ddb.transact_write_items, transact_write("ann"), transact_write("ann", "bob"))
    refused(ddb.batch_write_item, RequestItems={scores: [{"DeleteRequest": {"Key": key("bob")}}]})


def test_leading_keys_that_are_numbers(aws, client, name):
    ddb, table = aws("dynamodb"), name("numbers")
    ddb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "n", "AttributeType": "N"}],
        KeySchema=[{"AttributeName": "n", "KeyType": "HASH"}],
    )
    iam, who = aws("iam"), name("user")
    statement = {
        "Effect": "Allow",
        "Action": "dynamodb:GetItem",
        "Resource": f"arn:aws:dynamodb:*:*:table/{table}",
        "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["7"]}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_user(UserName=who)
    iam.put_user_policy(UserName=who, PolicyName="p", PolicyDocument=policy)
    made = iam.create_access_key(UserName=who)["AccessKey"]
    mine = aws("dynamodb", creds=(made["AccessKeyId"], made["SecretAccessKey"]))
    args = [{"TableName": table, "Key": {"n": {"N": n}}} for n in ("7.0", "8")]
    both(mine.get_item, *args)
    ddb.delete_table(TableName=table)


def test_attributes_select_and_return_values(client, scores):
    """Example 2: access to specific attributes, for reading, writing and conditions."""
    ddb = client(
        {
            "ForAllValues:StringEquals": {"dynamodb:Attributes": ["UserId", "GameTitle", "Wins"]},
            "StringEqualsIfExists": {
                "dynamodb:Select": "SPECIFIC_ATTRIBUTES",
                "dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"],
            },
        }
    )
    get = {"TableName": scores, "Key": key("ann")}
    both(ddb.get_item, get | {"ProjectionExpression": "Wins"}, get)
    hidden = {"ProjectionExpression": "#s", "ExpressionAttributeNames": {"#s": "Secret"}}
    refused(ddb.get_item, **get, **hidden)
    both(ddb.get_item, get | {"AttributesToGet": ["Wins"]}, get | {"AttributesToGet": ["Secret"]})
    keys = {"Keys": [key("ann")]}
    both(
        ddb.batch_get_item,
        {"RequestItems": {scores: keys | {"ProjectionExpression": "Wins"}}},
        {"RequestItems": {scores: keys}},
    )
    scan = {"TableName": scores, "ProjectionExpression": "Wins"}
    both(ddb.scan, scan, {"TableName": scores})
    refused(ddb.scan, **scan, FilterExpression="attribute_exists(Secret)")
    refused(ddb.scan, TableName=scores, Select="COUNT")

    update = get | {
        "UpdateExpression": "SET Wins = :w",
        "ExpressionAttributeValues": {":w": {"N": "5"}},
    }
    for good, bad in (
        ({}, {"UpdateExpression": "SET Secret = :w"}),
        ({"ReturnValues": "UPDATED_NEW"}, {"ReturnValues": "ALL_NEW"}),
        ({}, {"UpdateExpression": "SET Wins = Secret, Losses = :w"}),
        ({"ConditionExpression": "Wins < :w OR Wins = :w"}, {"ConditionExpression": "Secret <> :w"}),
        ({}, {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}),
    ):
        both(ddb.update_item, update | good, update | bad)
    refused(ddb.put_item, TableName=scores, Item=key("ann") | {"Secret": s("y")})


def test_select_and_return_values_have_their_defaults(client, scores):
    """The page's variations: with StringEquals, since both keys "always have a value"."""
    projected = client({"StringEquals": {"dynamodb:Select": "ALL_PROJECTED_ATTRIBUTES"}})
    query = {
        "TableName": scores,
        "KeyConditionExpression": "GameTitle = :g",
        "ExpressionAttributeValues": {":g": s("chess")},
        "IndexName": "ByGame",
    }
    both(projected.query, query, query | {"Select": "ALL_ATTRIBUTES"})
    everything = client({"StringEquals": {"dynamodb:Select": "ALL_ATTRIBUTES"}})
    both(everything.scan, {"TableName": scores}, {"TableName": scores, "Select": "COUNT"})
    silent = client({"StringEquals": {"dynamodb:ReturnValues": "NONE"}})
    put = {"TableName": scores, "Item": key("ann")}
    both(silent.put_item, put, put | {"ReturnValues": "ALL_OLD"})
    refused(silent.get_item, TableName=scores, Key=key("ann"))  # reads have no such key


def test_return_consumed_capacity(client, scores):
    ddb = client({"StringEquals": {"dynamodb:ReturnConsumedCapacity": "NONE"}})
    keys = {scores: {"Keys": [key("ann")]}}
    gets = [{"Get": {"TableName": scores, "Key": key("ann")}}]
    for call, args in (
        (ddb.get_item, {"TableName": scores, "Key": key("ann")}),
        (ddb.batch_get_item, {"RequestItems": keys}),
        (ddb.transact_get_items, {"TransactItems": gets}),
        (ddb.scan, {"TableName": scores}),
    ):
        both(call, args, args | {"ReturnConsumedCapacity": "TOTAL"})


def test_enclosing_operations(client, scores):
    """Transactions, examples 2 and 3: only in transactions, and all but in transactions."""
    inside = {
        "ForAnyValue:StringEquals": {
            "dynamodb:EnclosingOperation": ["TransactWriteItems", "TransactGetItems"]
        }
    }
    get = {"TableName": scores, "Key": key("ann")}
    put = {"TableName": scores, "Item": key("ann")}
    reads, writes = {"TransactItems": [{"Get": get}]}, {"TransactItems": [{"Put": put}]}
    only = client(inside)
    only.transact_get_items(**reads)
    only.transact_write_items(**writes)
    refused(only.get_item, **get)
    refused(only.put_item, **put)
    without = client(None, deny=inside)
    without.get_item(**get)
    without.put_item(**put)
    refused(without.transact_get_items, **reads)
    refused(without.transact_write_items, **writes)


def test_nothing_is_returned_on_a_failed_condition_check(client, scores):
    """Transactions, example 4. Each item is judged for itself: one that is silent covers no other."""
    ddb = client({"StringEqualsIfExists": {"dynamodb:ReturnValues": "NONE"}})
    check = {
        "TableName": scores,
        "Key": key("ann"),
        "ConditionExpression": "attribute_exists(Wins)",
    }
    loud = check | {"Key": key("bob"), "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    ddb.transact_write_items(TransactItems=[{"ConditionCheck": check}])
    items = [{"ConditionCheck": check}, {"ConditionCheck": loud}]
    refused(ddb.transact_write_items, TransactItems=items)


def test_a_table_that_is_not_there_tells_only_who_may_ask(client, scores, aws, name):
    ddb = client({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["ann"]}})
    refused(ddb.get_item, TableName=name("none"), Key=key("ann"))
    with pytest.raises(ClientError) as e:
        aws("dynamodb").get_item(TableName=name("none"), Key=key("ann"))
    assert e.value.response["Error"]["Code"] == "ResourceNotFoundException"
