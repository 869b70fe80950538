/* SPDX-License-Identifier: Apache-2.0 */

/* Operations over the store in memory: what unit tests can say faster than end-to-end ones. */

#include "core/service_test.h"

#include "services/dynamodb/ops.h"

static struct vg_service_fixture fixture;

static int
setup(void **state)
{
    (void)state;
    vg_service_fixture_init(&fixture, &dynamodb_service);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    vg_service_fixture_fini(&fixture);
    return 0;
}

static void
expect(const char *op, const char *json, const char *want)
{
    vg_service_fixture_expect(&fixture, op, json, want);
}

static struct vg_str
expect_ok(const char *op, const char *json)
{
    return vg_service_fixture_ok(&fixture, op, json);
}

static void
make_table(void)
{
    expect_ok("CreateTable",
              "{'TableName':'Music','AttributeDefinitions':[{'AttributeName':'a','AttributeType':"
              "'S'},{'AttributeName':'n','AttributeType':'N'},{'AttributeName':'g','AttributeType':"
              "'S'}],'KeySchema':[{'AttributeName':'a','KeyType':'HASH'},{'AttributeName':'n',"
              "'KeyType':'RANGE'}],'BillingMode':'PAY_PER_REQUEST','GlobalSecondaryIndexes':[{"
              "'IndexName':'byG','KeySchema':[{'AttributeName':'g','KeyType':'HASH'},{"
              "'AttributeName':'n','KeyType':'RANGE'}],'Projection':{'ProjectionType':"
              "'KEYS_ONLY'}}],'LocalSecondaryIndexes':[{'IndexName':'local','KeySchema':[{"
              "'AttributeName':'a','KeyType':'HASH'},{'AttributeName':'g','KeyType':'RANGE'}],"
              "'Projection':{'ProjectionType':'ALL'}}]}");
}

#define KEY1 "{'a':{'S':'x'},'n':{'N':'1'}}"

/* DESIGN 10: "GetItem: one store read". */
static void
get_item_reads_the_store_once(void **state)
{
    (void)state;
    make_table();
    expect("PutItem",
           "{'TableName':'Music','Item':{'a':{'S':'x'},'n':{'N':'1'},'b':{'BOOL':true}}}", "{}");
    expect("GetItem", "{'TableName':'Music','Key':" KEY1 "}",
           "{'Item':{'a':{'S':'x'},'b':{'BOOL':true},'n':{'N':'1'}}}");
    assert_int_equal(fixture.n_reads, 1);
    expect("GetItem", "{'TableName':'Music','Key':{'a':{'S':'y'},'n':{'N':'1'}}}", "{}");
    assert_int_equal(fixture.n_reads, 1);
}

/*
 * Budgets of the hot path, without indexes.  A write reads its item, and writes it and what changes
 * of the table's two counters; the arena's bytes are those of the handler alone.
 */
static void
items_cost_what_they_must(void **state)
{
    (void)state;
    static const struct {
        const char *op, *json;
        uint32_t n_reads, n_writes;
        size_t bytes_max;
    } costs[] = {
        { "PutItem", "'Item':{'a':{'S':'x'},'d':{'S':'12345'}}}", 1, 3, 1536 },
        { "PutItem", "'Item':{'a':{'S':'x'},'d':{'S':'54321'}}}", 1, 1, 1024 },
        { "PutItem", "'Item':{'a':{'S':'x'},'d':{'S':'1'}}}", 1, 2, 1280 },
        { "PutItem", "'Item':{'a':{'S':'x'}},'ConditionExpression':'attribute_not_exists(a)'}", 1,
          0, 1408 },
        { "GetItem", "'Key':{'a':{'S':'x'}}}", 1, 0, 288 },
        { "GetItem", "'Key':{'a':{'S':'x'}},'ProjectionExpression':'d'}", 1, 0, 896 },
        { "Query",
          "'KeyConditionExpression':'a = :a','ExpressionAttributeValues':{':a':{'S':'x'}}}", 1, 0,
          1728 },
        { "UpdateItem",
          "'Key':{'a':{'S':'x'}},'UpdateExpression':'SET d = :d','ExpressionAttributeValues':{"
          "':d':{'S':'2'}}}",
          1, 1, 1920 },
        { "DeleteItem", "'Key':{'a':{'S':'y'}}}", 1, 0, 832 },
        { "DeleteItem", "'Key':{'a':{'S':'x'}}}", 1, 3, 1536 },
    };
    expect_ok("CreateTable",
              "{'TableName':'Plain','BillingMode':'PAY_PER_REQUEST','KeySchema':[{"
              "'AttributeName':'a','KeyType':'HASH'}],'AttributeDefinitions':[{'AttributeName':'a',"
              "'AttributeType':'S'}]}");
    /* Now it is cached. */
    expect_ok("GetItem", "{'TableName':'Plain','Key':{'a':{'S':'x'}}}");
    for (size_t i = 0; i < VG_COUNT(costs); i++) {
        struct vg_str in = vg_str_fmt(fixture.arena, "{'TableName':'Plain',%s", costs[i].json);
        (void)vg_service_fixture_call(&fixture, costs[i].op, vg_str_cstr(fixture.arena, in));
        if (fixture.n_reads != costs[i].n_reads || fixture.n_writes != costs[i].n_writes
            || fixture.arena_bytes > costs[i].bytes_max)
            fail_msg("%s %s: %u reads, %u writes, %zu bytes", costs[i].op, costs[i].json,
                     fixture.n_reads, fixture.n_writes, fixture.arena_bytes);
    }
}

/* ministack#1067: what AWS refuses before it looks at any item. */
static void
keys_are_held_to_the_schema(void **state)
{
    (void)state;
    make_table();
    expect("GetItem", "{'TableName':'Music','Key':{'a':{'S':'x'}}}",
           "ValidationException: The provided key element does not match the schema");
    expect("DeleteItem", "{'TableName':'Music','Key':{'a':{'N':'1'},'n':{'N':'1'}}}",
           "ValidationException: The provided key element does not match the schema");
    expect("GetItem", "{'TableName':'Music','Key':{'a':{'S':''},'n':{'N':'1'}}}",
           "ValidationException: One or more parameter values are not valid. The AttributeValue "
           "for a key attribute cannot contain an empty string value. Key: a");
    expect("PutItem", "{'TableName':'Music','Item':{'a':{'S':'x'}}}",
           "ValidationException: One or more parameter values were invalid: Missing the key n in "
           "the item");
    expect("PutItem", "{'TableName':'Music','Item':{'a':{'S':'x'},'n':{'S':'1'}}}",
           "ValidationException: One or more parameter values were invalid: Type mismatch for key "
           "n expected: N actual: S");
    expect("PutItem", "{'TableName':'Music','Item':{'a':{'S':'x'},'n':{'N':'1'},'g':{'N':'1'}}}",
           "ValidationException: One or more parameter values were invalid: Type mismatch for "
           "Index Key g Expected: S Actual: N IndexName: local");
    expect("UpdateItem",
           "{'TableName':'Music','Key':" KEY1 ",'UpdateExpression':'SET n = :n',"
           "'ExpressionAttributeValues':{':n':{'N':'1'}}}",
           "ValidationException: One or more parameter values were invalid: Cannot update "
           "attribute n. This attribute is part of the key");
    expect("GetItem", "{'TableName':'Nope','Key':" KEY1 "}",
           "ResourceNotFoundException: Requested resource not found");
}

static void
indexes_follow_their_items(void **state)
{
    (void)state;
    make_table();
    expect("PutItem",
           "{'TableName':'Music','Item':{'a':{'S':'x'},'n':{'N':'1'},'g':{'S':'p'},'z':{'N':'5'}},"
           "'ReturnConsumedCapacity':'INDEXES'}",
           "{'ConsumedCapacity':{'TableName':'Music','CapacityUnits':3.0,'Table':{'CapacityUnits':"
           "1.0},'LocalSecondaryIndexes':{'local':{'CapacityUnits':1.0}},"
           "'GlobalSecondaryIndexes':{'byG':{'CapacityUnits':1.0}}}}");
    static const char query[] =
        "{'TableName':'Music','IndexName':'byG','KeyConditionExpression':'g = :g',"
        "'ExpressionAttributeValues':{':g':{'S':'p'}}}";
    expect("Query", query,
           "{'Items':[{'a':{'S':'x'},'g':{'S':'p'},'n':{'N':'1'}}],'Count':1,'ScannedCount':1}");
    expect("UpdateItem",
           "{'TableName':'Music','Key':" KEY1 ",'UpdateExpression':'SET z = z + :o',"
           "'ExpressionAttributeValues':{':o':{'N':'1'}},'ReturnValues':'UPDATED_NEW',"
           "'ReturnConsumedCapacity':'TOTAL'}",
           "{'Attributes':{'z':{'N':'6'}},'ConsumedCapacity':{'TableName':'Music',"
           "'CapacityUnits':2.0}}"); /* the global index does not hold z */
    expect_ok("UpdateItem", "{'TableName':'Music','Key':" KEY1 ",'UpdateExpression':'REMOVE g'}");
    expect("Query", query, "{'Items':[],'Count':0,'ScannedCount':0}");
    expect("Scan", "{'TableName':'Music','IndexName':'local'}",
           "{'Items':[],'Count':0,'ScannedCount':0}");
}

/* ls#2745, moto#5496: all or nothing, and reasons by position. */
static void
transactions_are_all_or_nothing(void **state)
{
    (void)state;
    make_table();
    expect(
        "TransactWriteItems",
        "{'TransactItems':[{'Put':{'TableName':'Music','Item':" KEY1
        "}},{'ConditionCheck':{'TableName':'Music','Key':{'a':{'S':'no'},'n':{'N':'1'}},"
        "'ConditionExpression':'attribute_exists(a)'}}]}",
        "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons "
        "for specific reasons [None, ConditionalCheckFailed] {'CancellationReasons':[{'Code':"
        "'None'},{'Code':'ConditionalCheckFailed','Message':'The conditional request failed'}]}");
    expect("GetItem", "{'TableName':'Music','Key':" KEY1 "}", "{}");
    expect("TransactWriteItems",
           "{'TransactItems':[{'Put':{'TableName':'Music','Item':" KEY1
           "}},{'Delete':{'TableName':'Music','Key':" KEY1 "}}]}",
           "ValidationException: Transaction request cannot include multiple operations on one "
           "item");
}

static void
a_token_makes_a_transaction_happen_once(void **state)
{
    (void)state;
    make_table();
    static const char add[] =
        "{'ClientRequestToken':'t','TransactItems':[{'Update':{'TableName':'Music','Key':" KEY1
        ",'UpdateExpression':'ADD c :o','ExpressionAttributeValues':{':o':{'N':'1'}}}}]}";
    expect("TransactWriteItems", add, "{}");
    expect("TransactWriteItems", add, "{}");
    expect("GetItem", "{'TableName':'Music','Key':" KEY1 ",'ProjectionExpression':'c'}",
           "{'Item':{'c':{'N':'1'}}}");
    struct vg_str got =
        vg_service_fixture_call(&fixture, "TransactWriteItems",
                                "{'ClientRequestToken':'t','TransactItems':[{'Delete':{'TableName':"
                                "'Music','Key':" KEY1 "}}]}");
    assert_true(vg_str_starts(got, VG_STR("IdempotentParameterMismatchException")));
}

/* 100 items, one page after the other, every segment: each comes exactly once. */
static void
scans_meet_every_item_once(void **state)
{
    (void)state;
    make_table();
    for (int i = 0; i < 100; i++)
        expect_ok("PutItem", vg_str_cstr(fixture.arena,
                                         vg_str_fmt(fixture.arena,
                                                    "{'TableName':'Music','Item':{'a':{'S':'k%d'},"
                                                    "'n':{'N':'%d'},'g':{'S':'same'}}}",
                                                    i % 10, i)));
    size_t found = 0;
    for (int segment = 0; segment < 3; segment++) {
        struct vg_str last = VG_STR("");
        for (bool has_more = true; has_more;) {
            struct vg_str in = vg_str_fmt(
                fixture.arena,
                "{\"TableName\":\"Music\",\"TotalSegments\":3,\"Segment\":%d,\"Limit\":7%s%" VG_FMT
                "}",
                segment, last.len ? ",\"ExclusiveStartKey\":" : "", VG_ARG(last));
            struct vg_str got = expect_ok("Scan", vg_str_cstr(fixture.arena, in));
            struct vg_json js;
            vg_json_init(&js, got, fixture.arena);
            assert_int_equal(vg_json_next(&js), VG_JSON_OBJECT);
            has_more = false;
            enum vg_json_tok tok;
            while ((tok = vg_json_next(&js)) == VG_JSON_KEY) {
                struct vg_str key = js.text, raw;
                tok = vg_json_next(&js);
                assert_true(vg_json_raw(&js, tok, &raw));
                int64_t n = 0;
                if (vg_str_eq(key, VG_STR("Count")) && vg_str_to_i64(raw, &n))
                    found += (size_t)n;
                if (vg_str_eq(key, VG_STR("LastEvaluatedKey"))) {
                    last = vg_str_dup(fixture.arena, raw);
                    has_more = true;
                }
            }
        }
    }
    assert_int_equal(found, 100);
}

/* floci#3322 */
static void
starting_keys_stay_inside_the_query(void **state)
{
    (void)state;
    make_table();
    expect("Query",
           "{'TableName':'Music','KeyConditionExpression':'a = :a','ExpressionAttributeValues':{"
           "':a':{'S':'x'}},'ExclusiveStartKey':{'a':{'S':'y'},'n':{'N':'1'}}}",
           "ValidationException: The provided starting key is outside query boundaries based on "
           "provided conditions");
}

static void
collections_are_measured(void **state)
{
    (void)state;
    make_table();
    expect("PutItem", "{'TableName':'Music','Item':" KEY1 ",'ReturnItemCollectionMetrics':'SIZE'}",
           "{'ItemCollectionMetrics':{'ItemCollectionKey':{'a':{'S':'x'}},'SizeEstimateRangeGB':["
           "0.0,1.0]}}");
}

/* "Legacy conditional parameters" in the developer guide; messages as DynamoDB Local gives them. */
static void
legacy_parameters_do_as_expressions_do(void **state)
{
    (void)state;
    make_table();
    expect("PutItem", "{'TableName':'Music','Item':" KEY1 ",'Expected':{'a':{'Exists':false}}}",
           "{}");
    expect("PutItem", "{'TableName':'Music','Item':" KEY1 ",'Expected':{'a':{'Exists':false}}}",
           "ConditionalCheckFailedException: The conditional request failed {}");
    expect("UpdateItem",
           "{'TableName':'Music','Key':" KEY1
           ",'AttributeUpdates':{'c':{'Action':'ADD','Value':{'N':'2'}},'l':{'Action':'PUT',"
           "'Value':{'L':[]}}},'Expected':{'c':{'ComparisonOperator':'NULL'}},"
           "'ReturnValues':'UPDATED_NEW'}",
           "{'Attributes':{'c':{'N':'2'},'l':{'L':[]}}}");
    expect("UpdateItem",
           "{'TableName':'Music','Key':" KEY1
           ",'AttributeUpdates':{'l':{'Action':'ADD','Value':{'L':[{'S':'x'}]}}},'ReturnValues':"
           "'UPDATED_NEW'}",
           "{'Attributes':{'l':{'L':[{'S':'x'}]}}}");
    expect("Query",
           "{'TableName':'Music','KeyConditions':{'a':{'ComparisonOperator':'EQ',"
           "'AttributeValueList':[{'S':'x'}]},'n':{'ComparisonOperator':'BETWEEN',"
           "'AttributeValueList':[{'N':'0'},{'N':'1'}]}},'QueryFilter':{'c':{"
           "'ComparisonOperator':'IN','AttributeValueList':[{'N':'2'},{'N':'3'}]}},"
           "'AttributesToGet':['c','n']}",
           "{'Items':[{'c':{'N':'2'},'n':{'N':'1'}}],'Count':1,'ScannedCount':1}");
    expect("DeleteItem",
           "{'TableName':'Music','Key':" KEY1
           ",'Expected':{'c':{'ComparisonOperator':'GT','AttributeValueList':[{'SS':['a']}]}}}",
           "ValidationException: One or more parameter values were invalid: ComparisonOperator GT "
           "is not valid for SS AttributeValue type");
    expect("UpdateItem",
           "{'TableName':'Music','Key':" KEY1
           ",'AttributeUpdates':{'c':{'Action':'ADD','Value':{'S':'x'}}}}",
           "ValidationException: One or more parameter values were invalid: ADD action is not "
           "supported for the type STRING");
    expect("PutItem",
           "{'TableName':'Music','Item':" KEY1
           ",'ConditionExpression':'c = a','Expected':{'a':{'Exists':false}}}",
           "ValidationException: Can not use both expression and non-expression parameters in the "
           "same request: Non-expression parameters: {Expected} Expression parameters: "
           "{ConditionExpression}");
    expect("Scan", "{'TableName':'Music','ConditionalOperator':'OR'}",
           "ValidationException: ConditionalOperator cannot be used without Filter or Expected");
}

static void
what_is_not_built_is_refused(void **state)
{
    (void)state;
    make_table();
    expect("UpdateTable",
           "{'TableName':'Music','StreamSpecification':{'StreamEnabled':true,'StreamViewType':"
           "'NEW_IMAGE'}}",
           "ValidationException: One or more parameter values were invalid: StreamSpecification is "
           "not supported yet");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(get_item_reads_the_store_once),   TEST(items_cost_what_they_must),
        TEST(keys_are_held_to_the_schema),     TEST(indexes_follow_their_items),
        TEST(transactions_are_all_or_nothing), TEST(a_token_makes_a_transaction_happen_once),
        TEST(scans_meet_every_item_once),      TEST(starting_keys_stay_inside_the_query),
        TEST(collections_are_measured),        TEST(legacy_parameters_do_as_expressions_do),
        TEST(what_is_not_built_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
