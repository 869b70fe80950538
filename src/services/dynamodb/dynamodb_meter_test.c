/* SPDX-License-Identifier: Apache-2.0 */

/* Stored bytes, as the meter has them. */

#include "core/due_test.h"

#include "core/meter_test.h"
#include "services/dynamodb/ops.h"

#include <stdlib.h>

#define TABLE                                                                                      \
    "{'TableName':'tab','BillingMode':'PAY_PER_REQUEST','KeySchema':[{'AttributeName':'a',"        \
    "'KeyType':'HASH'}],'AttributeDefinitions':[{'AttributeName':'a','AttributeType':'S'},{"       \
    "'AttributeName':'g','AttributeType':'S'}],'GlobalSecondaryIndexes':[{'IndexName':'idx',"      \
    "'KeySchema':[{'AttributeName':'g','KeyType':'HASH'}],'Projection':{'ProjectionType':"         \
    "'KEYS_ONLY'}}]}"

/*
 * An item is as large as its names and values: "DynamoDB Item sizes and formats". Indexes count for
 * their table; what is left of a deleted one counts until it is gone.
 */
static void
stored_bytes_follow_the_items(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct vg_str table = VG_STR("table/tab");
    vg_service_fixture_init(&f, &dynamodb_service);
    f.env.meter = vg_meter_new(&f.env);
    vg_service_fixture_ok(&f, "CreateTable", TABLE);
    vg_service_fixture_ok(&f, "PutItem",
                          "{'TableName':'tab','Item':{'a':{'S':'12'},'d':{'S':'12345'}}}");
    assert_int_equal(vg_metered(&f.env, f.arena, VG_METER_STORED, table), 3 + 6);
    vg_service_fixture_ok(&f, "PutItem",
                          "{'TableName':'tab','Item':{'a':{'S':'12'},'g':{'S':'123'}}}");
    assert_int_equal(vg_metered(&f.env, f.arena, VG_METER_STORED, table), 2 * (3 + 4));
    vg_service_fixture_ok(&f, "PutItem", "{'TableName':'tab','Item':{'a':{'S':'34'}}}");
    vg_service_fixture_ok(&f, "DeleteItem", "{'TableName':'tab','Key':{'a':{'S':'34'}}}");
    assert_int_equal(vg_metered(&f.env, f.arena, VG_METER_STORED, table), 2 * (3 + 4));
    vg_service_fixture_ok(
        &f, "UpdateTable",
        "{'TableName':'tab','GlobalSecondaryIndexUpdates':[{'Delete':{'IndexName':'idx'}}]}");
    vg_service_fixture_run_due(&f);
    assert_int_equal(vg_metered(&f.env, f.arena, VG_METER_STORED, table), 3 + 4);
    vg_service_fixture_ok(&f, "DeleteTable", "{'TableName':'tab'}");
    vg_service_fixture_run_due(&f);
    assert_int_equal(vg_metered(&f.env, f.arena, VG_METER_STORED, table), 0);
    vg_meter_free(f.env.meter);
    vg_service_fixture_fini(&f);
}

/* --- an index that is filled while it is written to -------------------------------------------
 */

#define FILLED                                                                                     \
    "{'TableName':'tab','BillingMode':'PAY_PER_REQUEST','KeySchema':[{'AttributeName':'a',"        \
    "'KeyType':'HASH'}],'AttributeDefinitions':[{'AttributeName':'a','AttributeType':'S'},{"       \
    "'AttributeName':'g','AttributeType':'S'}],'GlobalSecondaryIndexes':[{'IndexName':'first',"    \
    "'KeySchema':[{'AttributeName':'g','KeyType':'HASH'}],'Projection':{'ProjectionType':"         \
    "'ALL'}}]}"
#define LATE                                                                                       \
    "{'TableName':'tab','AttributeDefinitions':[{'AttributeName':'a','AttributeType':'S'},{"       \
    "'AttributeName':'g','AttributeType':'S'}],'GlobalSecondaryIndexUpdates':[{'Create':{"         \
    "'IndexName':'late','KeySchema':[{'AttributeName':'g','KeyType':'HASH'}],'Projection':{"       \
    "'ProjectionType':'ALL'}}}]}"

static void
write_item(struct vg_service_fixture *f, const char *op, const char *how, int i)
{
    struct vg_str in = vg_str_fmt(f->arena, how, i);
    vg_service_fixture_ok(f, op, vg_str_cstr(f->arena, in));
}

/* Each kind of change that an entry can meet, of its own items in each phase. */
static void
write_all_kinds(struct vg_service_fixture *f, int phase)
{
    static const char update[] = "{'TableName':'tab','Key':{'a':{'S':'%d'}},'UpdateExpression':";
    for (int i = phase * 16; i < phase * 16 + 16; i++) {
        const char *with = "";
        switch (i % 8) {
        case 0:
            write_item(f, "DeleteItem", "{'TableName':'tab','Key':{'a':{'S':'%d'}}}", i);
            break;
        case 1: /* another entry key */
            write_item(f, "PutItem",
                       "{'TableName':'tab','Item':{'a':{'S':'%d'},'g':{'S':'moved'}}}", i);
            break;
        case 2: /* the same entry key, another size */
            with = "'SET d = :d','ExpressionAttributeValues':{':d':{'S':'longer than it was'}}}";
            break;
        case 3: /* out of the index */
            with = "'REMOVE g'}";
            break;
        case 4: /* nothing changes */
            with = "'SET d = d'}";
            break;
        case 5: /* into the index: see fill_table() */
            with = "'SET g = :g','ExpressionAttributeValues':{':g':{'S':'entered'}}}";
            break;
        case 6: /* new */
            write_item(f, "PutItem", "{'TableName':'tab','Item':{'a':{'S':'%d'},'g':{'S':'n'}}}",
                       i + 1000);
            break;
        default: /* left to the backfill */
            break;
        }
        if (*with)
            write_item(f, "UpdateItem",
                       vg_str_cstr(f->arena, vg_str_fmt(f->arena, "%s%s", update, with)), i);
    }
}

static void
fill_table(struct vg_service_fixture *f)
{
    for (int i = 0; i < 64; i++)
        write_item(f, "PutItem",
                   i % 8 == 5 ? "{'TableName':'tab','Item':{'a':{'S':'%d'},'d':{'S':'x'}}}"
                              : "{'TableName':'tab','Item':{'a':{'S':'%d'},'d':{'S':'x'},"
                                "'g':{'S':'here'}}}",
                   i);
}

/* The number behind the nth occurrence of a member's name. */
static int64_t
number_of(struct vg_str json, const char *member, int nth)
{
    struct vg_str name = vg_str_of(member);
    for (size_t i = 0; i + name.len + 2 < json.len; i++) {
        if (!vg_str_eq(vg_str_n(json.ptr + i, name.len), name) || nth-- > 0)
            continue;
        return strtoll(json.ptr + i + name.len + 2, NULL, 10);
    }
    fail_msg("no %s in %" VG_FMT, member, VG_ARG(json));
    return 0;
}

/* The late index has what the one has that was there from the beginning. */
static void
expect_equal_indexes(struct vg_service_fixture *f)
{
    struct vg_str got = vg_service_fixture_call(f, "DescribeTable", "{'TableName':'tab'}");
    int64_t bytes = number_of(got, "IndexSizeBytes", 0);
    /* The table's own count comes first. */
    assert_int_equal(number_of(got, "ItemCount", 1), number_of(got, "ItemCount", 2));
    assert_int_equal(bytes, number_of(got, "IndexSizeBytes", 1));
    assert_true(bytes > 0);
    assert_int_equal(vg_metered(&f->env, f->arena, VG_METER_STORED, VG_STR("table/tab")),
                     number_of(got, "TableSizeBytes", 0) + 2 * bytes);
    got = vg_service_fixture_call(f, "Scan", "{'TableName':'tab','IndexName':'first'}");
    struct vg_str late =
        vg_service_fixture_call(f, "Scan", "{'TableName':'tab','IndexName':'late'}");
    assert_true(vg_str_eq(got, late));
}

/* Writes before the backfill, after a half of it failed, and after it. */
static void
counts_are_exact_where_writes_meet_an_index_being_filled(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct vg_err err = { 0 };
    vg_service_fixture_init(&f, &dynamodb_service);
    f.env.meter = vg_meter_new(&f.env);
    vg_service_fixture_ok(&f, "CreateTable", FILLED);
    fill_table(&f);
    vg_service_fixture_ok(&f, "UpdateTable", LATE);
    write_all_kinds(&f, 0);
    struct vg_str got = vg_service_fixture_call(&f, "DescribeTable", "{'TableName':'tab'}");
    struct vg_str half =
        vg_str_fmt(f.arena,
                   "{'Account':'000000000000','Region':'us-east-1','Name':'tab','Table':'%.36s',"
                   "'Index':'late'}",
                   strstr(vg_str_cstr(f.arena, got), "\"TableId\":\"") + strlen("\"TableId\":\""));
    assert_ok(vg_fault_setup(VG_STR("store.engine.iter=fail@8"), &err));
    got = vg_service_fixture_call(&f, "_BackfillIndex", vg_str_cstr(f.arena, half));
    assert_false(vg_service_fixture_is_ok(got));
    assert_ok(vg_fault_setup(VG_STR("none=fail"), &err));
    write_all_kinds(&f, 1);
    vg_service_fixture_run_due(&f);
    write_all_kinds(&f, 2);
    expect_equal_indexes(&f);
    vg_meter_free(f.env.meter);
    vg_arena_clear(f.arena); /* lets go of the tables before their cache ends */
    vg_service_fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_bytes_follow_the_items),
        cmocka_unit_test(counts_are_exact_where_writes_meet_an_index_being_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
