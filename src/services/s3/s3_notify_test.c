/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications to a queue: of a service that stands for SQS, so that what is told of it and what
 * is done when it does not answer can be looked at.
 *
 * Rules of filters: the examples of
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
 */
#include "services/s3/s3_notify.h"

#include "core/due_test.h"
#include "core/fail.h"
#include "core/registry.h"
#include "services/s3/s3_object_test.h"
#include "wire/shape.h"

#define B        "'Bucket':'bucket'"
#define QUEUE    "arn:aws:sqs:us-east-1:000000000000:queue"
#define TEXT_MAX 4096u

/* --- a service with queues ----------------------------------------------------------------------
 */

struct message {
    struct vg_str url, body;
};

/* What it was told last, how often, and how it answers. */
static struct {
    char url[TEXT_MAX], body[TEXT_MAX], sequencer[TEXT_MAX];
    unsigned n;
    const struct vg_errdef *fails;
} queue;

static const struct vg_shape str_shape = { .type = VG_T_STR, .size = sizeof(struct vg_str) };
static const struct vg_member members[] = {
    { .name = VG_STR_INIT("QueueUrl"),
      .wire = VG_STR_INIT("QueueUrl"),
      .shape = &str_shape,
      .offset = offsetof(struct message, url) },
    { .name = VG_STR_INIT("MessageBody"),
      .wire = VG_STR_INIT("MessageBody"),
      .shape = &str_shape,
      .offset = offsetof(struct message, body) },
};
static const struct vg_shape message_shape = {
    .type = VG_T_STRUCT, .size = sizeof(struct message), .members = members, .n_members = 2
};

static void
keep(char to[TEXT_MAX], struct vg_str text)
{
    assert_true(text.len < TEXT_MAX);
    memcpy(to, text.ptr, text.len);
    to[text.len] = 0;
}

static vg_rc
take(struct vg_req *rq, const void *input, void *output)
{
    const struct message *in = input;
    (void)output;
    if (queue.fails)
        return vg_fail(rq, queue.fails, "not now");
    assert_str(rq->scope->caller->name, "s3.amazonaws.com");
    assert_str(rq->ctx[0].value, "arn:aws:s3:::bucket");
    assert_str(rq->ctx[1].value, "000000000000");
    keep(queue.url, in->url);
    keep(queue.body, in->body);
    const char *sequencer = strstr(queue.body, "\"sequencer\":\"");
    if (sequencer) { /* of one length: the greater one is the later one */
        assert_true(strcmp(sequencer, queue.sequencer) > 0);
        strcpy(queue.sequencer, sequencer);
    }
    queue.n++;
    return VG_OK;
}

static const struct vg_service sqs;
static const struct vg_op send_op = { .endpoint = VG_STR_INIT("sqs"),
                                      .name = VG_STR_INIT("SendMessage"),
                                      .in = &message_shape,
                                      .handler = take,
                                      .flags = VG_OP_NOIAM | VG_OP_OWN_VALIDATION,
                                      .service = &sqs };
static const struct vg_op *const sqs_ops[] = { &send_op, NULL };
static const struct vg_service sqs = { .name = "sqs", .ops = sqs_ops };
static const struct vg_service *const services[] = { &s3_service, &sqs };

static struct vg_registry *registry;

/* A bucket, and the queue's service beside it. */
static void
prepare(struct vg_service_fixture *f)
{
    if (!registry)
        registry = vg_registry_new(services, VG_COUNT(services));
    vg_service_fixture_ok(f, "CreateBucket", "{" B "}");
    f->config.endpoint = VG_STR("http://here");
    f->env.registry = registry;
    memset(&queue, 0, sizeof(queue));
}

#define PUT_CONFIG                                                                                 \
    "{" B ",'SkipDestinationValidation':true,'NotificationConfiguration':"                         \
    "{'QueueConfigurations':[{'Id':'one','QueueArn':'" QUEUE                                       \
    "','Events':['s3:ObjectCreated:*','s3:ObjectRemoved:Delete','s3:ObjectRestore:*'],"            \
    "'Filter':{'Key':{'FilterRules':[{'Name':'prefix','Value':'in/'}]}}}]}}"

static void
prepare_to_listen(struct vg_service_fixture *f)
{
    prepare(f);
    vg_service_fixture_ok(f, "PutBucketNotificationConfiguration", PUT_CONFIG);
    s3_test_put(f, "in/a");
}

static void
begin_to_listen(struct vg_service_fixture *f)
{
    vg_service_fixture_init(f, &s3_service);
    prepare_to_listen(f);
}

static bool
told(const char *what)
{
    return vg_str_find(vg_str_of(queue.body), vg_str_of(what)) != VG_NPOS;
}

/* --- rules --------------------------------------------------------------------------------------
 */

static void
events_meet_by_kind(void **state)
{
    (void)state;
    struct vg_str put = VG_STR("s3:ObjectCreated:Put"), all = VG_STR("s3:ObjectCreated:*");
    assert_true(s3_events_meet(put, put) && s3_events_meet(put, all) && s3_events_meet(all, put));
    assert_true(s3_events_meet(all, all));
    assert_false(s3_events_meet(put, VG_STR("s3:ObjectCreated:Post")));
    assert_false(s3_events_meet(all, VG_STR("s3:ObjectRemoved:*")));
    for (enum s3_happening what = 0; what < S3_HAPPENINGS; what++)
        assert_non_null(s3_happening_name(what).ptr);
}

static void
filters_meet_where_a_key_may_pass_both(void **state)
{
    (void)state;
    static const struct {
        struct s3_key_filter a, b;
        bool do_meet;
    } cases[] = {
#define F(p, s) { VG_STR_INIT(p), VG_STR_INIT(s) }
        { F("", ""), F("", ""), true },
        { F("images/", ""), F("logs/", ""), false },
        { F("images", ""), F("images/a", ""), true },
        { F("", ".jpg"), F("", ".png"), false },
        { F("", "jpg"), F("", "pg"), true },
        { F("images", ".jpg"), F("images", ".png"), false },
        { F("images", ""), F("", ".jpg"), true },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        assert_int_equal(s3_filters_meet(&cases[i].a, &cases[i].b), cases[i].do_meet);
        assert_int_equal(s3_filters_meet(&cases[i].b, &cases[i].a), cases[i].do_meet);
    }
    const struct s3_key_filter f = F("in/", ".txt");
    assert_true(s3_filter_takes(&f, VG_STR("in/.txt")));
    assert_false(s3_filter_takes(&f, VG_STR("in/a")) || s3_filter_takes(&f, VG_STR("a.txt")));
}

/* "red flower.jpg" becomes "red+flower.jpg":
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
static void
keys_are_encoded_as_in_forms(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    assert_str(s3_event_key(arena, VG_STR("red flower.jpg")), "red+flower.jpg");
    assert_str(s3_event_key(arena, VG_STR("a/b+%20\xc3\xbc")), "a/b%2B%2520%C3%BC");
    assert_str(s3_event_key(arena, VG_STR("")), "");
}

/* --- delivery -----------------------------------------------------------------------------------
 */

static void
a_queue_is_tried_and_told(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, prepare);
    vg_service_fixture_ok(&f, "PutBucketNotificationConfiguration",
                          "{" B
                          ",'NotificationConfiguration':{'QueueConfigurations':[{'QueueArn':'" QUEUE
                          "','Events':['s3:ObjectRemoved:*']}]}}");
    assert_int_equal(queue.n, 1);
    assert_true(told("\"Event\":\"s3:TestEvent\"") && told("\"Bucket\":\"bucket\""));
    s3_test_put(&f, "k 1");
    vg_service_fixture_ok(&f, "DeleteObject", "{" B ",'Key':'k 1'}");
    assert_int_equal(queue.n, 1);
    vg_service_fixture_run_due(&f);
    assert_int_equal(queue.n, 2);
    assert_string_equal(queue.url, "http://here/000000000000/queue");
    assert_true(told("\"eventName\":\"ObjectRemoved:Delete\"") && told("\"key\":\"k+1\""));
    vg_service_fixture_run_due(&f);
    assert_int_equal(queue.n, 2);

    queue.fails = &vg_err_access_denied;
    vg_service_fixture_expect(
        &f, "PutBucketNotificationConfiguration",
        "{" B ",'NotificationConfiguration':{'QueueConfigurations':[{'QueueArn':'" QUEUE
        "','Events':['s3:ObjectRemoved:*']}]}}",
        "InvalidArgument: Unable to validate the following destination configurations "
        "{'ArgumentName':'" QUEUE "','ArgumentValue':'not now'}");
    vg_service_fixture_fini(&f);
}

static struct vg_str
deliver_input(struct vg_service_fixture *f)
{
    struct s3_test_req t;
    struct s3_rec_bucket *bucket;
    assert_ok(s3_store_bucket(s3_test_req(f, &t), VG_STR("bucket"), &bucket));
    return vg_str_fmt(
        f->arena, "{'Account':'000000000000','Region':'us-east-1'," B ",'BucketId':'%" VG_FMT "'}",
        VG_ARG(bucket->id));
}

static struct vg_str
deliver(struct vg_service_fixture *f)
{
    return vg_service_fixture_call(f, "_DeliverEvents", vg_str_cstr(f->arena, deliver_input(f)));
}

static void
what_can_not_be_told_now_waits_and_what_is_refused_goes(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin_to_listen(&f);
    vg_service_fixture_ok(&f, "DeleteObject", "{" B ",'Key':'in/a'}");
    queue.fails = &vg_err_internal_failure;
    assert_false(vg_service_fixture_is_ok(deliver(&f)));
    assert_int_equal(queue.n, 0);
    queue.fails = NULL;
    assert_true(vg_service_fixture_is_ok(deliver(&f)));
    assert_int_equal(queue.n, 1);
    s3_test_put(&f, "in/b");
    vg_service_fixture_ok(&f, "DeleteObject", "{" B ",'Key':'in/b'}");
    queue.fails = &vg_err_access_denied;
    vg_service_fixture_run_due(&f);
    queue.fails = NULL;
    vg_service_fixture_run_due(&f);
    assert_int_equal(queue.n, 1);
    vg_service_fixture_fini(&f);
}

/* More than one transaction's worth, some for nobody. */
static void
many_events_are_told_in_their_order(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin_to_listen(&f);
    for (int i = 0; i < 250; i++) {
        s3_test_put_version(&f, VG_STR("in/a"), (struct s3_rec_version) { .etag = VG_STR("e") });
        vg_service_fixture_ok(&f, "DeleteObject", "{" B ",'Key':'in/a'}");
        vg_service_fixture_ok(&f, "DeleteObject", "{" B ",'Key':'out/a'}");
    }
    vg_service_fixture_run_due(&f);
    assert_int_equal(queue.n, 250);
    vg_service_fixture_fini(&f);
}

/* Deleting a bucket does not take back what was to be told. */
static void
events_outlive_their_bucket(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin_to_listen(&f);
    vg_service_fixture_ok(&f, "DeleteObject", "{" B ",'Key':'in/a'}");
    vg_service_fixture_ok(&f, "DeleteBucket", "{" B "}");
    vg_service_fixture_run_due(&f);
    assert_int_equal(queue.n, 1);
    vg_service_fixture_fini(&f);
}

static void
a_restore_tells_until_when(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_test_req t;
    struct s3_object_edit e;
    struct s3_rec_bucket *bucket;
    begin_to_listen(&f);
    struct vg_req *rq = s3_test_req(&f, &t);
    rq->svc = f.svc;
    rq->id = VG_STR("id");
    assert_ok(s3_store_bucket(rq, VG_STR("bucket"), &bucket));
    assert_ok(s3_store_edit_object(rq, bucket, VG_STR("in/a"), &e));
    struct s3_rec_version v = *e.latest;
    v.storage_class = VG_STR("GLACIER");
    assert_ok(s3_notify_of_restore(&e, S3_RESTORED, &v, 1000));
    assert_ok(s3_store_object_commit(&e));
    vg_service_fixture_run_due(&f);
    assert_true(told("\"eventName\":\"ObjectRestore:Completed\""));
    assert_true(told("\"glacierEventData\":{\"restoreEventData\":{"
                     "\"lifecycleRestorationExpiryTime\":\"1970-01-01T00:00:01.000Z\","
                     "\"lifecycleRestoreStorageClass\":\"GLACIER\"}}"));
    assert_true(told("\"principalId\":\"s3.amazonaws.com\""));
    vg_service_fixture_fini(&f);
}

/* --- failures -----------------------------------------------------------------------------------
 */

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    vg_service_fixture_fail_each(&s3_service, prepare, "PutBucketNotificationConfiguration",
                                 PUT_CONFIG);
    vg_service_fixture_fail_each(&s3_service, prepare_to_listen,
                                 "GetBucketNotificationConfiguration", "{" B "}");
    vg_service_fixture_fail_each(&s3_service, prepare_to_listen, "DeleteObject",
                                 "{" B ",'Key':'in/a'}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_meet_by_kind),
        cmocka_unit_test(filters_meet_where_a_key_may_pass_both),
        cmocka_unit_test(keys_are_encoded_as_in_forms),
        cmocka_unit_test(a_queue_is_tried_and_told),
        cmocka_unit_test(what_can_not_be_told_now_waits_and_what_is_refused_goes),
        cmocka_unit_test(many_events_are_told_in_their_order),
        cmocka_unit_test(events_outlive_their_bucket),
        cmocka_unit_test(a_restore_tells_until_when),
        cmocka_unit_test(every_operation_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
