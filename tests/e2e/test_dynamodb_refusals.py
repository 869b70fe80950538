# SPDX-License-Identifier: Apache-2.0
"""What DynamoDB refuses, and how: USERS.md's list.

Texts and shapes were measured on AWS by ministackorg/ministack#1067, floci-io/floci#3674, ExtendDB/extenddb#194 and #211
and paritysuite/dynamodb-conformance (tier 3, error messages and validation order).
"""

import pytest
from botocore.exceptions import ClientError
from harness.raw import Raw

EMPTY = (
    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string "
    "value. Key: pk"
)
EMPTY_BINARY = EMPTY.replace("string", "binary")
MISMATCH = "The provided key element does not match the schema"
TOO_LONG = "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"
TOO_LONG_RANGE = (
    "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
)
CANCELLED = "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]"
NO_ATTRIBUTE = "The provided expression refers to an attribute that does not exist in the item"
BAD_PATH = "The document path provided in the update expression is invalid for update"
BAD_OPERAND = "An operand in the update expression has an incorrect data type"
FULL = {"S": "x" * 2049}
LIST = {"L": [{"S": "x"}]}


def s(text):
    return {"S": text}


def definitions(**types):
    return [{"AttributeName": n, "AttributeType": t} for n, t in types.items()]


def schema(*names):
    return [{"AttributeName": n, "KeyType": k} for n, k in zip(names, ("HASH", "RANGE"), strict=False)]


@pytest.fixture(scope="module")
def ddb(aws):
    return aws("dynamodb", parameter_validation=False)


@pytest.fixture(scope="module")
def tables(ddb):
    """By name: a hash key, a binary one, a hash and a range key with two indexes; each holds one item or none."""
    made = {
        "hash": {"AttributeDefinitions": definitions(pk="S"), "KeySchema": schema("pk")},
        "binary": {"AttributeDefinitions": definitions(pk="B"), "KeySchema": schema("pk")},
        "both": {
            "AttributeDefinitions": definitions(pk="S", sk="S", g="S", r="N"),
            "KeySchema": schema("pk", "sk"),
            "GlobalSecondaryIndexes": [
                {"IndexName": "byG", "KeySchema": schema("g", "r"), "Projection": {"ProjectionType": "KEYS_ONLY"}}
            ],
        },
    }
    names = {}
    for name, settings in made.items():
        names[name] = f"refusals-{name}"
        ddb.create_table(TableName=names[name], BillingMode="PAY_PER_REQUEST", **settings)
    ddb.put_item(TableName=names["hash"], Item={"pk": s("there"), "word": s("x"), "n": {"N": "1"}})
    yield names
    for name in names.values():
        ddb.delete_table(TableName=name)


def refused(call, **kw):
    """(code, message) and the reasons, of a call that must fail with 400: a 500 makes SDKs try again."""
    with pytest.raises(ClientError) as caught:
        call(**kw)
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    return (answer["Error"]["Code"], answer["Error"]["Message"]), answer.get("CancellationReasons")


def invalid(text):
    return ("ValidationException", text), None


def cancelled(*texts):
    """None where that action is not the one to blame."""
    codes = ["ValidationError" if t else "None" for t in texts]
    reasons = [{"Code": c, **({"Message": t} if t else {})} for c, t in zip(codes, texts, strict=True)]
    return ("TransactionCanceledException", CANCELLED.format(", ".join(codes))), reasons


def put(table, key, **more):
    return {"Put": {"TableName": table, "Item": {"pk": key, **more}}}


def update(table, key, expression="SET a = :v", value=None):
    values = {":v": value or s("x")}
    body = {"TableName": table, "Key": {"pk": key}}
    return {"Update": {**body, "UpdateExpression": expression, "ExpressionAttributeValues": values}}


def delete(table, key):
    return {"Delete": {"TableName": table, "Key": {"pk": key}}}


def check(table, key):
    condition = "attribute_not_exists(pk)"
    return {"ConditionCheck": {"TableName": table, "Key": {"pk": key}, "ConditionExpression": condition}}


ACTIONS = [put, update, delete, check]


# --- keys ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ACTIONS)
def test_empty_keys_refuse_a_whole_transaction(ddb, tables, action):
    for table, key, text in (("hash", s(""), EMPTY), ("binary", {"B": b""}, EMPTY_BINARY)):
        items = [put(tables["hash"], s("fresh")), action(tables[table], key)]
        assert refused(ddb.transact_write_items, TransactItems=items) == invalid(text)
    assert "Item" not in ddb.get_item(TableName=tables["hash"], Key={"pk": s("fresh")})


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("key", [{"N": "5"}, LIST])
def test_keys_of_wrong_type_cancel_a_transaction_at_their_position(ddb, tables, action, key):
    kind = next(iter(key))
    text = MISMATCH
    if action is put:
        text = f"One or more parameter values were invalid: Type mismatch for key pk expected: S actual: {kind}"
    items = [put(tables["hash"], s("fresh")), action(tables["hash"], key)]
    assert refused(ddb.transact_write_items, TransactItems=items) == cancelled(None, text)
    assert "Item" not in ddb.get_item(TableName=tables["hash"], Key={"pk": s("fresh")})


@pytest.mark.parametrize("action", ACTIONS)
def test_keys_too_long_cancel_a_transaction_at_their_position(ddb, tables, action):
    items = [put(tables["hash"], s("fresh")), action(tables["hash"], FULL)]
    assert refused(ddb.transact_write_items, TransactItems=items) == cancelled(None, TOO_LONG)


def test_a_missing_key_cancels_a_transaction_at_its_position(ddb, tables):
    both = tables["both"]
    for item, text in (
        ({"Delete": {"TableName": both, "Key": {"pk": s("a")}}}, MISMATCH),
        (put(both, s("a")), "One or more parameter values were invalid: Missing the key sk in the item"),
        (put(both, s("a"), sk=s("x" * 1025)), TOO_LONG_RANGE),
    ):
        items = [put(tables["hash"], s("fresh")), item]
        assert refused(ddb.transact_write_items, TransactItems=items) == cancelled(None, text)


def test_only_the_first_key_that_is_wrong_has_a_reason(ddb, tables):
    """Before duplicates and conditions are looked at."""
    one = tables["hash"]
    items = [check(one, s("there")), delete(one, {"N": "1"}), put(one, s("a")), delete(one, FULL), put(one, s("a"))]
    want = cancelled(None, MISMATCH, None, None, None)
    assert refused(ddb.transact_write_items, TransactItems=items) == want
    gets = [{"Get": {"TableName": one, "Key": k}} for k in ({"pk": s("a")}, {}, {"pk": FULL}, {"pk": {"N": "1"}})]
    assert refused(ddb.transact_get_items, TransactItems=gets) == cancelled(None, MISMATCH, None, None)
    assert refused(ddb.transact_get_items, TransactItems=gets[2:]) == cancelled(TOO_LONG, None)


def test_empty_and_long_keys_are_refused_where_items_are_read_or_deleted(ddb, tables):
    for key, text in (({"pk": s("")}, EMPTY), ({"pk": FULL}, TOO_LONG), ({"pk": {"N": "1"}}, MISMATCH)):
        one = {"TableName": tables["hash"], "Key": key}
        assert refused(ddb.get_item, **one) == invalid(text)
        assert refused(ddb.delete_item, **one) == invalid(text)
        keys = {"Keys": [{"pk": s("there")}, key]}
        assert refused(ddb.batch_get_item, RequestItems={tables["hash"]: keys}) == invalid(text)
        where = {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": key["pk"]}}
        if key["pk"] == s(""):
            assert refused(ddb.query, TableName=tables["hash"], **where) == invalid(text)


@pytest.mark.parametrize(
    "bad, text",
    [
        ({"PutRequest": {"Item": {"pk": {"N": "5"}}}}, MISMATCH),
        ({"PutRequest": {"Item": {"pk": LIST}}}, MISMATCH),
        ({"PutRequest": {"Item": {"other": s("x")}}}, MISMATCH),
        ({"DeleteRequest": {"Key": {"other": s("x")}}}, MISMATCH),
        ({"PutRequest": {"Item": {"pk": s("")}}}, EMPTY),
        ({"DeleteRequest": {"Key": {"pk": s("")}}}, EMPTY),
        ({"PutRequest": {"Item": {"pk": FULL}}}, TOO_LONG),
        ({"DeleteRequest": {"Key": {"pk": s("good")}}}, "Provided list of item keys contains duplicates"),
    ],
)
def test_one_bad_member_of_a_batch_keeps_all_from_being_written(ddb, tables, bad, text):
    batch = [{"PutRequest": {"Item": {"pk": s("good")}}}, bad]
    assert refused(ddb.batch_write_item, RequestItems={tables["hash"]: batch}) == invalid(text)
    assert "Item" not in ddb.get_item(TableName=tables["hash"], Key={"pk": s("good")})


def test_index_keys_of_wrong_type_are_told_beside_what_other_actions_find(ddb, tables):
    """DynamoDB Local agrees: duplicates first; then each action for itself."""
    wrong = {"pk": s("a"), "sk": s("b"), "g": {"N": "1"}}
    text = (
        "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: byG"
    )
    items = [
        {"Put": {"TableName": tables["both"], "Item": wrong}},
        update(tables["hash"], s("there"), "SET word.x = :v"),
    ]
    assert refused(ddb.transact_write_items, TransactItems=items) == cancelled(text, BAD_PATH)
    batch = [{"PutRequest": {"Item": wrong}}, {"DeleteRequest": {"Key": {"pk": s("a"), "sk": s("b")}}}]
    duplicates = invalid("Provided list of item keys contains duplicates")
    assert refused(ddb.batch_write_item, RequestItems={tables["both"]: batch}) == duplicates
    assert refused(ddb.batch_write_item, RequestItems={tables["both"]: batch[:1]}) == invalid(text)


# --- expressions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key, expression, value, text",
    [
        ("new", "SET l = list_append(l, :v)", {"L": []}, NO_ATTRIBUTE),
        ("new", "SET m.x = :v", s("x"), BAD_PATH),
        ("there", "SET word.x = :v", s("x"), BAD_PATH),
        ("there", "SET b = word + :v", {"N": "1"}, BAD_OPERAND),
        ("there", "ADD word :v", {"N": "1"}, BAD_OPERAND),
        ("there", "ADD n :v", {"SS": ["x"]}, BAD_OPERAND),
        ("there", "DELETE n :v", {"SS": ["x"]}, BAD_OPERAND),
    ],
)
def test_updates_that_their_item_does_not_bear(ddb, tables, key, expression, value, text):
    action = update(tables["hash"], s(key), expression, value)
    assert refused(ddb.update_item, **action["Update"]) == invalid(text)
    items = [put(tables["hash"], s("fresh")), action]
    assert refused(ddb.transact_write_items, TransactItems=items) == cancelled(None, text)
    assert "Item" not in ddb.get_item(TableName=tables["hash"], Key={"pk": s("fresh")})


WRONG_TYPE = "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: {}, operand type: {}"
PARENTHESES = "Invalid ConditionExpression: The expression has redundant parentheses;"
BETWEEN = (
    "{}The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: "
    "AttributeValue: {{N:5}}, upper bound operand: AttributeValue: {{N:4}}"
)
BOUNDS = {":l": {"N": "5"}, ":u": {"N": "4"}}


@pytest.mark.parametrize(
    "expressions, text",
    [
        (
            {"UpdateExpression": "ADD a :v", "ExpressionAttributeValues": {":v": s("x")}},
            WRONG_TYPE.format("ADD", "STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"),
        ),
        (
            {"UpdateExpression": "DELETE a :v", "ExpressionAttributeValues": {":v": {"N": "1"}}},
            WRONG_TYPE.format("DELETE", "NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND"),
        ),
        ({"UpdateExpression": "INVALID SYNTAX HERE"}, 'Invalid UpdateExpression: Syntax error; token: "INVALID", near: "INVALID SYNTAX"'),
        ({"UpdateExpression": ""}, "Invalid UpdateExpression: The expression can not be empty;"),
        (
            {"UpdateExpression": "SET a = :v"},
            "Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: "
            ":v",
        ),
        ({"UpdateExpression": "REMOVE a", "ConditionExpression": "((a = b))"}, PARENTHESES),
        (
            {"UpdateExpression": "REMOVE a", "ConditionExpression": "a BETWEEN :l AND :u", "ExpressionAttributeValues": BOUNDS},
            BETWEEN.format("Invalid ConditionExpression: "),
        ),
        (
            {"UpdateExpression": "REMOVE a", "ConditionExpression": "attribute_not_exists("},
            'Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "("',
        ),
    ],
)  # fmt: skip
def test_bad_expressions_are_refused_before_any_table_is_looked_up(ddb, tables, expressions, text):
    body = {"TableName": tables["hash"], "Key": {"pk": s("there")}, **expressions}
    assert refused(ddb.update_item, **body) == invalid(text)
    items = [put("no-such-table", s("a")), {"Update": body}]
    assert refused(ddb.transact_write_items, TransactItems=items) == invalid(text)


def test_values_that_no_expression_uses(ddb, tables):
    action = check(tables["hash"], s("there"))
    action["ConditionCheck"]["ExpressionAttributeValues"] = {":v": s("x")}
    text = "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"
    for items in ([action, put("no-such-table", s("a"))], [put(tables["hash"], s("there")), action]):
        assert refused(ddb.transact_write_items, TransactItems=items) == invalid(text)


# --- queries and scans, of tables that hold nothing ----------------------------------------------------


VALUES = {":p": s("a")}
NO_PROJECTION = (
    "One or more parameter values were invalid: Global secondary index byG does not project [extra]"
)
OUTSIDE = "The provided starting key is outside query boundaries based on provided conditions"


@pytest.mark.parametrize(
    "more, text",
    [
        ({"IndexName": "none"}, "The table does not have the specified index: none"),
        (
            {"FilterExpression": "sk = :p"},
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk",
        ),
        (
            {"IndexName": "byG", "KeyConditionExpression": "g = :p", "FilterExpression": "r = :p"},
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: r",
        ),
        (
            {"IndexName": "byG", "KeyConditionExpression": "g = :p", "ProjectionExpression": "extra"},
            NO_PROJECTION,
        ),
        (
            {"IndexName": "byG", "KeyConditionExpression": "g = :p", "ConsistentRead": True},
            "Consistent reads are not supported on global secondary indexes",
        ),
        ({"KeyConditionExpression": "pk = :p AND other_key = :p"}, "Query condition missed key schema element: sk"),
        ({"ExclusiveStartKey": {"pk": s("b"), "sk": s("c")}}, OUTSIDE),
        (
            {"KeyConditionExpression": "pk = :p AND sk > :p", "ExclusiveStartKey": {"pk": s("a"), "sk": s("a")}},
            "The provided starting key does not match the range key predicate",
        ),
    ],
)
def test_queries_of_an_empty_table_are_checked(ddb, tables, more, text):
    body = {
        "TableName": tables["both"],
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": VALUES,
        **more,
    }
    assert refused(ddb.query, **body) == invalid(text)


def test_queries_between_bounds_the_wrong_way_round(ddb, tables):
    got = refused(
        ddb.query,
        TableName=tables["both"],
        IndexName="byG",
        KeyConditionExpression="g = :p AND r BETWEEN :l AND :u",
        ExpressionAttributeValues={**VALUES, **BOUNDS},
    )
    assert got == invalid(BETWEEN.format("Invalid KeyConditionExpression: "))


@pytest.mark.parametrize(
    "more, text",
    [
        ({"IndexName": "none", "ConsistentRead": True}, "The table does not have the specified index: none"),
        ({"IndexName": "byG", "ConsistentRead": True}, "Consistent reads are not supported on global secondary indexes"),
        ({"IndexName": "byG", "ProjectionExpression": "extra"}, NO_PROJECTION),
    ],
)
def test_scans_of_an_empty_table_are_checked(ddb, tables, more, text):
    assert refused(ddb.scan, TableName=tables["both"], **more) == invalid(text)


def test_the_first_fault_of_a_key_condition_is_the_one_told(ddb):
    """Clause by clause, before the table is looked for."""
    operand = (
        "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: "
        "begins_with, operand type: N"
    )
    undefined = (
        "Invalid KeyConditionExpression: An expression attribute value used in expression is not defined; attribute value: "
        ":missing"
    )
    for condition, values, text in (
        ("pk = :missing AND begins_with(sk, :n)", {":n": {"N": "1"}}, undefined),
        ("pk = :p AND begins_with(sk, :n)", {":p": s("q"), ":n": {"N": "1"}}, operand),
        ("pk = :p AND begins_with(sk, :n) AND sk > :p", {":p": s("q"), ":n": {"N": "1"}}, operand),
    ):
        got = refused(
            ddb.query,
            TableName="no-such-table",
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
        )
        assert got == invalid(text)


# --- numbers and nulls ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", ["123456789012345678901234567890", "0.000123456789012345678901234567891", "-1" + "0" * 30 + "1"]
)
def test_numbers_keep_their_digits(ddb, tables, number):
    """stackshy/cloudemu#509"""
    key = {"pk": s("digits")}
    ddb.put_item(TableName=tables["hash"], Item={**key, "n": {"N": number}})
    got = ddb.update_item(
        TableName=tables["hash"],
        Key=key,
        UpdateExpression="SET m = n + :z",
        ExpressionAttributeValues={":z": {"N": "0"}},
        ReturnValues="ALL_NEW",
    )
    assert got["Attributes"]["n"] == got["Attributes"]["m"] == {"N": number}


def test_nulls_are_as_good_as_absent(daemon, tables):
    """scylladb/scylladb#5796: some clients send null for every member they were not given."""
    raw, one = Raw(daemon.port), tables["hash"]
    item = {"pk": s("null"), "a": s("x")}
    key = {"pk": s("null")}
    for operation, body, answer in (
        (
            "PutItem",
            {
                "Item": {"pk": {"S": "null", "N": None}, "a": s("x")},
                "Expected": None,
                "ConditionExpression": None,
                "ConditionalOperator": None,
                "ExpressionAttributeNames": None,
                "ExpressionAttributeValues": None,
                "ReturnValues": None,
                "ReturnConsumedCapacity": None,
            },
            {},
        ),
        ("GetItem", {"Key": key, "AttributesToGet": None, "ProjectionExpression": None, "ConsistentRead": None}, {"Item": item}),
        (
            "UpdateItem",
            {
                "Key": key,
                "AttributeUpdates": None,
                "UpdateExpression": "SET a = :v",
                "ExpressionAttributeValues": {":v": {"S": "x", "M": None, "BOOL": None}},
            },
            {},
        ),
        (
            "Query",
            {
                "IndexName": None,
                "Select": None,
                "Limit": None,
                "KeyConditions": None,
                "QueryFilter": None,
                "ExclusiveStartKey": None,
                "FilterExpression": None,
                "KeyConditionExpression": "pk = :p",
                "ExpressionAttributeValues": {":p": s("null")},
            },
            {"Items": [item], "Count": 1, "ScannedCount": 1},
        ),
    ):  # fmt: skip
        assert raw.json("dynamodb", operation, {"TableName": one, **body}) == (200, answer)
    items = [{"Put": None, "Delete": {"TableName": one, "Key": key, "ConditionExpression": None}, "Update": None}]
    assert raw.json("dynamodb", "TransactWriteItems", {"TransactItems": items, "ClientRequestToken": None}) == (200, {})
    made = {
        "TableName": "made-with-nulls",
        "AttributeDefinitions": definitions(a="S"),
        "KeySchema": schema("a"),
        "BillingMode": "PAY_PER_REQUEST",
        "ProvisionedThroughput": None,
        "StreamSpecification": None,
        "SSESpecification": None,
        "LocalSecondaryIndexes": None,
        "GlobalSecondaryIndexes": None,
        "Tags": None,
    }
    assert raw.json("dynamodb", "CreateTable", made)[0] == 200
    assert raw.json("dynamodb", "DeleteTable", {"TableName": "made-with-nulls"})[0] == 200
    raw.close()
