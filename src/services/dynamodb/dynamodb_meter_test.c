/* SPDX-License-Identifier: Apache-2.0 */

/* Stored bytes, as the meter has them. */

#include "core/service_test.h"

#include "core/meter_test.h"
#include "services/dynamodb/ops.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_bytes_follow_the_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
