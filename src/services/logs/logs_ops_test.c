/* SPDX-License-Identifier: Apache-2.0 */

/* Operations over the store in memory, and each of them with each call of the store failing. */

#include "core/due_test.h"

#include "core/meter_test.h"

#include "services/logs/ops.h"

static const char *
events_at(struct vg_service_fixture *f, const char *stream, int64_t ms, const char *text)
{
    return vg_str_cstr(
        f->arena, vg_str_fmt(f->arena,
                             "{'logGroupName':'/g','logStreamName':'%s','logEvents':[{'timestamp':"
                             "%lld,'message':'%s'}]}",
                             stream, (long long)ms, text));
}

/* A group with two streams of one event each. */
static void
prepare(struct vg_service_fixture *f)
{
    int64_t now_ms = vg_wall_ms();
    vg_service_fixture_ok(f, "CreateLogGroup", "{'logGroupName':'/g','tags':{'k':'v'}}");
    vg_service_fixture_ok(f, "CreateLogStream", "{'logGroupName':'/g','logStreamName':'a'}");
    vg_service_fixture_ok(f, "CreateLogStream", "{'logGroupName':'/g','logStreamName':'b'}");
    vg_service_fixture_ok(f, "PutLogEvents", events_at(f, "a", now_ms, "one"));
    vg_service_fixture_ok(f, "PutLogEvents", events_at(f, "b", now_ms + 1, "two"));
}

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    static const struct vg_service_call calls[] = {
        { "CreateLogGroup", "{'logGroupName':'/h'}" },
        { "DescribeLogGroups", "{'logGroupNamePrefix':'/g'}" },
        { "CreateLogStream", "{'logGroupName':'/g','logStreamName':'c'}" },
        { "DescribeLogStreams", "{'logGroupName':'/g'}" },
        { "DescribeLogStreams", "{'logGroupName':'/g','orderBy':'LastEventTime'}" },
        { "GetLogEvents", "{'logGroupName':'/g','logStreamName':'a'}" },
        { "FilterLogEvents", "{'logGroupName':'/g','filterPattern':'?one ?two'}" },
        { "PutRetentionPolicy", "{'logGroupName':'/g','retentionInDays':1}" },
        { "DeleteRetentionPolicy", "{'logGroupName':'/g'}" },
        { "TagLogGroup", "{'logGroupName':'/g','tags':{'x':'y'}}" },
        { "UntagLogGroup", "{'logGroupName':'/g','tags':['k']}" },
        { "ListTagsLogGroup", "{'logGroupName':'/g'}" },
        { "DeleteLogStream", "{'logGroupName':'/g','logStreamName':'a'}" },
        { "DeleteLogGroup", "{'logGroupName':'/g'}" },
    };
    vg_service_fixture_fail_all(&logs_service, prepare, calls, VG_COUNT(calls));
}

/* What a function's lines cost: group, stream, turn's read of the head; one commit. */
static void
put_log_events_reads_the_store_three_times(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &logs_service, prepare);
    vg_service_fixture_ok(&f, "PutLogEvents", events_at(&f, "a", vg_wall_ms(), "three"));
    assert_true(f.n_reads <= 3);
    vg_service_fixture_fini(&f);
}

/* PutLogEvents counts 26 bytes beside each message, as AWS's "storedBytes" does. */
static void
stored_bytes_are_metered_until_they_are_gone(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct vg_str group = VG_STR("log-group:/g");
    vg_service_fixture_init(&f, &logs_service);
    f.env.meter = vg_meter_new(&f.env);
    prepare(&f);
    assert_int_equal(vg_metered(&f.env, f.arena, VG_METER_STORED, group), 3 + 26 + 3 + 26);
    vg_service_fixture_ok(&f, "DeleteLogStream", "{'logGroupName':'/g','logStreamName':'a'}");
    vg_service_fixture_run_due(&f);
    assert_int_equal(vg_metered(&f.env, f.arena, VG_METER_STORED, group), 3 + 26);
    vg_service_fixture_ok(&f, "DeleteLogGroup", "{'logGroupName':'/g'}");
    vg_service_fixture_run_due(&f);
    assert_int_equal(vg_metered(&f.env, f.arena, VG_METER_STORED, group), 0);
    vg_meter_free(f.env.meter);
    vg_service_fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_fails_cleanly),
        cmocka_unit_test(stored_bytes_are_metered_until_they_are_gone),
        cmocka_unit_test(put_log_events_reads_the_store_three_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
