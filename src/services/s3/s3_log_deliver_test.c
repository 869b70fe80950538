/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The delivery of access logs.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
 */

#include "services/s3/s3_log.h"

#include "codec/base64.h"
#include "core/due_test.h"
#include "os/file.h"
#include "services/s3/s3_object_test.h"
#include "store/blob.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#define WAIT_MS    (5 * 60 * 1000)
#define DAY_MS     INT64_C(86400000)
#define MUCH_BYTES 400000u /* three of them are more than waits */

#define PUT(target) "{'Bucket':'bucket','BucketLoggingStatus':{'LoggingEnabled':{" target "}}}"
#define TO_LOGS     PUT("'TargetBucket':'logs','TargetPrefix':'log/'")
#define LET_IN                                                                                     \
    "{'Bucket':'logs','Policy':'{\\'Version\\':\\'2012-10-17\\',\\'Statement\\':[{\\'Effect\\':"   \
    "\\'Allow\\',\\'Principal\\':{\\'Service\\':\\'logging.s3.amazonaws.com\\'},\\'Action\\':"     \
    "\\'s3:PutObject\\',\\'Resource\\':\\'arn:aws:s3:::logs/*\\',\\'Condition\\':{\\'ArnLike\\':"  \
    "{\\'aws:SourceArn\\':\\'arn:aws:s3:::bucket\\'},\\'StringEquals\\':{"                         \
    "\\'aws:SourceAccount\\':\\'000000000000\\'}}}]}'}"

static char dir[S3_TEST_DIR_BYTES];

static void
begin(struct vg_service_fixture *f)
{
    s3_test_begin_files(f, dir);
    s3_test_caller(f, NULL);
    vg_service_fixture_ok(f, "CreateBucket", "{'Bucket':'logs'}");
    vg_service_fixture_ok(f, "PutBucketPolicy", LET_IN);
    vg_service_fixture_ok(f, "PutBucketLogging", TO_LOGS);
}

static void
end(struct vg_service_fixture *f)
{
    s3_test_end_files(f, dir);
}

/* Lines of "bucket", or of one that was it. */
static void
add(struct vg_service_fixture *f, const struct s3_rec_bucket *bucket, int64_t at_ms,
    struct vg_str line)
{
    struct s3_test_req t;
    s3_test_req(f, &t)->svc = f->svc;
    assert_ok(s3_store_add_logs(&t.rq, bucket, at_ms, &line, 1));
    f->n_reads = t.sess.n_reads;
}

static struct s3_rec_bucket *
bucket_of(struct vg_service_fixture *f)
{
    struct s3_test_req t;
    struct s3_rec_bucket *bucket;
    assert_ok(s3_store_bucket(s3_test_req(f, &t), VG_STR("bucket"), &bucket));
    assert_non_null(bucket);
    return bucket;
}

static void
add_line(struct vg_service_fixture *f, const char *line)
{
    add(f, bucket_of(f), vg_now_ms(&f->env), vg_str_of(line));
}

static void
wait_ms(struct vg_service_fixture *f, int64_t ms)
{
    struct s3_test_req t;
    s3_test_req(f, &t);
    assert_ok(vg_clock_advance(f->env.clock, &t.sess, ms, &f->err));
    vg_service_fixture_run_due(f);
}

static size_t
lines_left(struct vg_service_fixture *f, struct vg_str bucket_id)
{
    struct s3_test_req t;
    struct s3_log_batch batch;
    s3_test_req(f, &t)->svc = f->svc;
    assert_ok(s3_store_logs(&t.rq, bucket_id, &batch));
    return batch.len;
}

/* The n-th object of "logs": its key, absent where there is none, and its text. */
static struct vg_str
log_object(struct vg_service_fixture *f, size_t n, struct vg_str *ret_text)
{
    struct s3_test_req t;
    struct s3_rec_bucket *logs;
    struct s3_entries all;
    assert_ok(s3_store_bucket(s3_test_req(f, &t), VG_STR("logs"), &logs));
    assert_ok(s3_store_keys(&t.rq, logs, VG_STR(""), 10000, &all));
    if (n >= all.len)
        return VG_STR_NONE;
    struct vg_str answer = s3_test_call(f, "GetObject", "{'Bucket':'logs','Key':'%" VG_FMT "'}",
                                        VG_ARG(all.items[n].key));
    size_t at = vg_str_find(answer, VG_STR("\"Body\":\""));
    assert_int_not_equal(at, VG_NPOS);
    struct vg_str rest = vg_str_slice(answer, at + 8, answer.len);
    assert_true(vg_base64_decode(f->arena, vg_str_cut(&rest, '"'), ret_text));
    return all.items[n].key;
}

/* --- when, and how many -------------------------------------------------------------------------
 */

static void
lines_that_waited_are_one_object(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct vg_str text, key;
    begin(&f);
    add_line(&f, "one\n");
    add_line(&f, "two\n");
    wait_ms(&f, WAIT_MS - 1000);
    assert_null(log_object(&f, 0, &text).ptr);
    wait_ms(&f, 1000);
    key = log_object(&f, 0, &text);
    assert_true(vg_str_starts(key, VG_STR("log/2")));
    assert_int_equal(key.len, strlen("log/2013-11-01-21-32-16-E568B2907131C0C0"));
    assert_str(text, "one\ntwo\n");
    assert_null(log_object(&f, 1, &text).ptr);
    assert_int_equal(lines_left(&f, bucket_of(&f)->id), 0);
    wait_ms(&f, DAY_MS); /* and no more without further lines */
    assert_null(log_object(&f, 1, &text).ptr);
    add_line(&f, "three\n");
    wait_ms(&f, WAIT_MS);
    assert_non_null(log_object(&f, 1, &text).ptr);
    assert_str(text, "three\n");
    struct vg_str head =
        s3_test_call(&f, "HeadObject", "{'Bucket':'logs','Key':'%" VG_FMT "'}", VG_ARG(key));
    assert_true(vg_str_find(head, VG_STR("\"ContentType\":\"text/plain\"")) != VG_NPOS);
    end(&f);
}

/* Who writes a line waits for nobody and reads nothing, but the first one. */
static void
a_line_is_written_blindly(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct vg_str text;
    begin(&f);
    struct s3_rec_bucket *bucket = bucket_of(&f);
    add(&f, bucket, 1, VG_STR("one\n"));
    assert_true(f.n_reads > 0);
    add(&f, bucket, 1, VG_STR("two\n"));
    assert_int_equal(f.n_reads, 0);
    /* after a restart, which takes its time, there is a timer that nobody knows of */
    wait_ms(&f, 1);
    vg_service_fixture_forget(&f);
    add(&f, bucket, 1, VG_STR("three\n"));
    assert_true(f.n_reads > 0);
    add(&f, bucket, 1, VG_STR("four\n"));
    assert_int_equal(f.n_reads, 0);
    wait_ms(&f, WAIT_MS);
    assert_non_null(log_object(&f, 0, &text).ptr);
    assert_str(text, "one\ntwo\nthree\nfour\n");
    end(&f);
}

static void
much_is_delivered_at_once(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct vg_str text, line;
    begin(&f);
    char *much = vg_arena_alloc(f.arena, MUCH_BYTES);
    memset(much, 'x', MUCH_BYTES);
    much[MUCH_BYTES - 1] = '\n';
    line = vg_str_n(much, MUCH_BYTES);
    for (int i = 0; i < 2; i++)
        add(&f, bucket_of(&f), 1, line);
    wait_ms(&f, 0);
    assert_null(log_object(&f, 0, &text).ptr);
    for (int i = 0; i < 2; i++)
        add(&f, bucket_of(&f), 1, line);
    wait_ms(&f, 0);
    assert_non_null(log_object(&f, 0, &text).ptr);
    size_t bytes = text.len;
    assert_non_null(log_object(&f, 1, &text).ptr);
    assert_int_equal(bytes + text.len, 4 * MUCH_BYTES);
    assert_int_equal(lines_left(&f, bucket_of(&f)->id), 0);
    end(&f);
}

/* "Log files delivered on a specific day … for the events of that day":
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PartitionedPrefix.html */
static void
an_object_by_event_has_one_day(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct vg_str text, key;
    begin(&f);
    vg_service_fixture_ok(&f, "PutBucketLogging",
                          PUT("'TargetBucket':'logs','TargetPrefix':'p/','TargetObjectKeyFormat':{"
                              "'PartitionedPrefix':{'PartitionDateSource':'EventTime'}}"));
    add(&f, bucket_of(&f), 3 * DAY_MS - 2, VG_STR("one\n"));
    add(&f, bucket_of(&f), 3 * DAY_MS - 1, VG_STR("two\n"));
    add(&f, bucket_of(&f), 3 * DAY_MS, VG_STR("three\n"));
    wait_ms(&f, WAIT_MS);
    key = log_object(&f, 0, &text);
    assert_true(vg_str_starts(key, VG_STR("p/000000000000/us-east-1/bucket/1970/01/03/"
                                          "1970-01-03-00-00-00-")));
    assert_str(text, "one\ntwo\n");
    key = log_object(&f, 1, &text);
    assert_true(vg_str_starts(key, VG_STR("p/000000000000/us-east-1/bucket/1970/01/04/"
                                          "1970-01-04-00-00-00-")));
    assert_str(text, "three\n");
    end(&f);
}

/* --- at the same time ---------------------------------------------------------------------------
 */

enum { WRITERS = 4, LINES_EACH = 2000 };

struct writer {
    struct vg_service_fixture *f;
    const struct s3_rec_bucket *bucket;
    _Atomic int *n_running;
    pthread_t thread;
    bool has_failed;
};

static void *
write_many(void *arg)
{
    struct writer *w = arg;
    const struct vg_str line = VG_STR("x\n");
    struct vg_arena *arena = vg_arena_new(0);
    for (int i = 0; i < LINES_EACH && !w->has_failed; i++) {
        struct vg_sess sess;
        struct vg_err err = { 0 };
        vg_sess_init(&sess, w->f->env.kv, arena);
        struct vg_req rq = { .arena = arena,
                             .env = &w->f->env,
                             .scope = &w->f->scope,
                             .svc = w->f->svc,
                             .sess = &sess,
                             .err = &err };
        w->has_failed = s3_store_add_logs(&rq, w->bucket, 1, &line, 1) != VG_OK;
        vg_arena_clear(arena);
        sched_yield();
    }
    vg_arena_free(arena);
    atomic_fetch_sub(w->n_running, 1);
    return NULL;
}

/* While lines are written they are delivered again and again: each exactly once, and the last ones
 * have a timer. */
static void
no_line_is_passed_over(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct writer writers[WRITERS];
    _Atomic int n_running = WRITERS;
    struct vg_str text;
    size_t n_lines = 0;
    begin(&f);
    struct s3_rec_bucket *bucket = bucket_of(&f);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer) { .f = &f, .bucket = bucket, .n_running = &n_running };
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_many, &writers[i]), 0);
    }
    while (atomic_load(&n_running) > 0) {
        struct vg_str answer = s3_test_call(&f, "_DeliverLogs",
                                            "{'Account':'000000000000','Region':'us-east-1',"
                                            "'Bucket':'bucket','BucketId':'%" VG_FMT "'}",
                                            VG_ARG(bucket->id));
        assert_true(vg_service_fixture_is_ok(answer));
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
        assert_false(writers[i].has_failed);
    }
    wait_ms(&f, WAIT_MS);
    for (size_t i = 0; log_object(&f, i, &text).ptr; i++)
        n_lines += text.len / 2;
    assert_int_equal(n_lines, WRITERS * LINES_EACH);
    end(&f);
}

/* --- whether, and for whom ----------------------------------------------------------------------
 */

static void
what_may_not_be_delivered_is_lost(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "DeleteBucketPolicy", "{'Bucket':'logs'}", "ok" },
        { "PutBucketRequestPayment",
          "{'Bucket':'logs','RequestPaymentConfiguration':{'Payer':'Requester'}}", "ok" },
        { "DeleteBucket", "{'Bucket':'logs'}", "ok" },
    };
    for (size_t i = 0; i < VG_COUNT(steps); i++) {
        struct vg_service_fixture f;
        struct vg_str text;
        begin(&f);
        add_line(&f, "one\n");
        s3_test_steps(&f, &steps[i], 1);
        wait_ms(&f, WAIT_MS);
        assert_int_equal(lines_left(&f, bucket_of(&f)->id), 0);
        if (i + 1 < VG_COUNT(steps))
            assert_null(log_object(&f, 0, &text).ptr);
        end(&f);
    }
}

/* The lines are delivered where they were to go to when they were written. */
static void
logging_that_ended_is_delivered(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "PutBucketLogging", "{'Bucket':'bucket','BucketLoggingStatus':{}}", "ok" },
        { "DeleteBucket", "{'Bucket':'bucket'}", "ok" },
    };
    for (size_t i = 0; i < VG_COUNT(steps); i++) {
        struct vg_service_fixture f;
        struct vg_str text;
        begin(&f);
        struct s3_rec_bucket *bucket = bucket_of(&f);
        add(&f, bucket, 1, VG_STR("one\n"));
        s3_test_steps(&f, &steps[i], 1);
        add(&f, bucket, 1, VG_STR("two\n"));
        wait_ms(&f, WAIT_MS);
        assert_non_null(log_object(&f, 0, &text).ptr);
        assert_str(text, "one\ntwo\n");
        add(&f, bucket, 1, VG_STR("late\n")); /* nobody knows any more where to */
        wait_ms(&f, WAIT_MS);
        assert_null(log_object(&f, 1, &text).ptr);
        assert_int_equal(lines_left(&f, bucket->id), 0);
        end(&f);
    }
}

static void
a_later_configuration_counts(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct vg_str text;
    begin(&f);
    add_line(&f, "one\n");
    vg_service_fixture_ok(&f, "PutBucketLogging",
                          PUT("'TargetBucket':'logs','TargetPrefix':'new/'"));
    wait_ms(&f, WAIT_MS);
    assert_true(vg_str_starts(log_object(&f, 0, &text), VG_STR("new/")));
    end(&f);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_TargetGrant.html */
static void
logs_are_granted_to_others(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "PutBucketOwnershipControls",
          "{'Bucket':'logs','OwnershipControls':{'Rules':[{'ObjectOwnership':'ObjectWriter'}]}}",
          "ok" },
        { "PutBucketLogging",
          PUT("'TargetBucket':'logs','TargetPrefix':'','TargetGrants':[{'Permission':'READ',"
              "'Grantee':{'Type':'Group','URI':"
              "'http://acs.amazonaws.com/groups/s3/LogDelivery'}}]"),
          "ok" },
    };
    struct vg_service_fixture f;
    struct vg_str text;
    begin(&f);
    s3_test_steps(&f, steps, VG_COUNT(steps));
    add_line(&f, "one\n");
    wait_ms(&f, WAIT_MS);
    struct vg_str acl = s3_test_call(&f, "GetObjectAcl", "{'Bucket':'logs','Key':'%" VG_FMT "'}",
                                     VG_ARG(log_object(&f, 0, &text)));
    assert_true(vg_str_find(acl, VG_STR("groups/s3/LogDelivery\"},\"Permission\":\"READ\""))
                != VG_NPOS);
    assert_true(vg_str_find(acl, VG_STR("\"Permission\":\"FULL_CONTROL\"")) != VG_NPOS);
    end(&f);
}

/* --- where the disk fails -----------------------------------------------------------------------
 */

static char bucket_id[64];

static const char *
with_id(struct vg_arena *arena, const char *json)
{
    struct vg_str rest = vg_str_of(json);
    size_t at = vg_str_find(rest, VG_STR("<id>"));
    if (at == VG_NPOS)
        return json;
    return vg_str_cstr(arena,
                       vg_str_fmt(arena, "%.*s%s%s", (int)at, json, bucket_id, json + at + 4));
}

static void
prepare(struct vg_service_fixture *f)
{
    vg_service_fixture_ok(f, "CreateBucket", "{'Bucket':'bucket'}");
    s3_test_caller(f, NULL);
    vg_service_fixture_ok(f, "CreateBucket", "{'Bucket':'logs'}");
    vg_service_fixture_ok(f, "PutBucketPolicy", LET_IN);
    vg_service_fixture_ok(f, "PutBucketLogging", TO_LOGS);
    struct s3_rec_bucket *bucket = bucket_of(f);
    add(f, bucket, 1, VG_STR("one\n"));
    assert_true(bucket->id.len < sizeof(bucket_id));
    memcpy(bucket_id, vg_str_cstr(f->arena, bucket->id), bucket->id.len + 1);
    f->spell = with_id;
}

static void
a_delivery_fails_cleanly(void **state)
{
    (void)state;
    vg_service_fixture_fail_each(&s3_service, prepare, "_DeliverLogs",
                                 "{'Account':'000000000000','Region':'us-east-1',"
                                 "'Bucket':'bucket','BucketId':'<id>'}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_waited_are_one_object),
        cmocka_unit_test(a_line_is_written_blindly),
        cmocka_unit_test(much_is_delivered_at_once),
        cmocka_unit_test(an_object_by_event_has_one_day),
        cmocka_unit_test(no_line_is_passed_over),
        cmocka_unit_test(what_may_not_be_delivered_is_lost),
        cmocka_unit_test(logging_that_ended_is_delivered),
        cmocka_unit_test(a_later_configuration_counts),
        cmocka_unit_test(logs_are_granted_to_others),
        cmocka_unit_test(a_delivery_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
