/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lifecycle rules: what is taken, what they meet, and what a run does.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
 */

#include "services/s3/s3_lifecycle.h"

#include "core/due_test.h"
#include "services/s3/s3_object_test.h"
#include "services/s3/s3_upload.h"

#define DAY S3_LIFECYCLE_DAY_MS

#define PUT(rules)    "{'Bucket':'bucket','LifecycleConfiguration':{'Rules':[" rules "]}}"
#define RULE(members) "{'Status':'Enabled'," members "}"
#define ON(filter)    "'Filter':{" filter "}"
#define DAYS(n)       "'Expiration':{'Days':" #n "}"
#define TAG(k)        "{'Key':'" k "','Value':'v'}"
#define MOVE(n, to)   "{'Days':" #n ",'StorageClass':'" to "'}"
#define MOVES(list)   "'Transitions':[" list "]"
#define OLD(list)     "'NoncurrentVersionTransitions':[" list "]"
#define ABORT(n)      "'AbortIncompleteMultipartUpload':{'DaysAfterInitiation':" #n "}"

static const char malformed[] = "MalformedXML: ";

/* Texts as AWS answers them: see s3_lifecycle_check.c. */
static void
rules_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *json, *want;
    } all[] = {
        { PUT(""), malformed },
        { PUT("{'Status':'enabled'," ON("") "," DAYS(1) "}"), malformed },
        { PUT(RULE(DAYS(1))), malformed },
        { PUT(RULE(ON(""))),
          "InvalidRequest: At least one action needs to be specified in a rule" },
        { PUT(RULE("'ID':'a'," ON("") "," DAYS(1)) "," RULE("'ID':'a'," ON("") "," DAYS(2))),
          "InvalidArgument: Rule ID must be unique. Found same ID for more than one rule" },
        { PUT(RULE(ON("'Prefix':'a','ObjectSizeLessThan':1") "," DAYS(1))), malformed },
        { PUT(RULE(ON("'And':{'Prefix':'a'}") "," DAYS(1))), malformed },
        { PUT(RULE(ON("'And':{'Tags':[" TAG("a") "," TAG("a") "]}") "," DAYS(1))),
          "InvalidRequest: Duplicate Tag Keys are not allowed." },
        { PUT(RULE(ON("'ObjectSizeLessThan':0") "," DAYS(1))),
          "InvalidRequest: 'ObjectSizeLessThan' should be between 1 and 1099511627776000." },
        { PUT(RULE(ON("'ObjectSizeGreaterThan':-1") "," DAYS(1))),
          "InvalidRequest: 'ObjectSizeGreaterThan' should be between 0 and 1099511627776000." },
        { PUT(RULE(ON("'And':{'ObjectSizeLessThan':5,'ObjectSizeGreaterThan':5}") "," DAYS(1))),
          "InvalidRequest: 'ObjectSizeLessThan' has to be a value greater than "
          "'ObjectSizeGreaterThan'." },
        { PUT(RULE(ON("") "," DAYS(0))),
          "InvalidArgument: 'Days' for Expiration action must be a positive integer "
          "{'ArgumentName':'Days','ArgumentValue':'0'}" },
        { PUT(RULE(ON("") ",'Expiration':{}")), malformed },
        { PUT(RULE(ON("") ",'Expiration':{'Days':1,'ExpiredObjectDeleteMarker':true}")),
          malformed },
        { PUT(RULE(ON("") ",'Expiration':{'Date':1700000000}")),
          "InvalidArgument: 'Date' must be at midnight GMT "
          "{'ArgumentName':'Date','ArgumentValue':'2023-11-14T22:13:20Z'}" },
        { PUT(RULE(ON("'Tag':" TAG("a")) ",'Expiration':{'ExpiredObjectDeleteMarker':true}")),
          "InvalidRequest: ExpiredObjectDeleteMarker cannot be specified with Tags." },
        { PUT(RULE(
              ON("'ObjectSizeLessThan':9") ",'Expiration':{'ExpiredObjectDeleteMarker':true}")),
          "InvalidRequest: ExpiredObjectDeleteMarker cannot be specified with Object Size." },
        { PUT(RULE(ON("'Tag':" TAG("a")) "," ABORT(1))),
          "InvalidRequest: AbortIncompleteMultipartUpload cannot be specified with Tags." },
        { PUT(RULE(ON("") "," ABORT(0))),
          "InvalidArgument: 'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must "
          "be a positive integer" },
        { PUT(RULE(ON("") ",'NoncurrentVersionExpiration':{'NewerNoncurrentVersions':2}")),
          malformed },
        { PUT(RULE(ON("") ",'NoncurrentVersionExpiration':{'NoncurrentDays':0}")),
          "InvalidArgument: 'NoncurrentDays' for NoncurrentVersionExpiration action must be a "
          "positive integer" },
        { PUT(RULE("'Prefix':'','NoncurrentVersionExpiration':{'NoncurrentDays':1,"
                   "'NewerNoncurrentVersions':2}")),
          "InvalidRequest: NewerNoncurrentVersions element can only be used in Lifecycle V2." },
        { PUT(RULE(ON("") "," MOVES(MOVE(29, "STANDARD_IA")))),
          "InvalidArgument: 'Days' in Transition action must be greater than or equal to 30 for "
          "storageClass 'STANDARD_IA'" },
        { PUT(RULE(ON("") "," MOVES(MOVE(1, "STANDARD")))), malformed },
        { PUT(RULE(ON("") "," MOVES(MOVE(1, "GLACIER") "," MOVE(2, "GLACIER")))),
          "InvalidRequest: 'StorageClass' must be different for 'Transition' actions in same "
          "'Rule' with filter '(prefix=)'" },
        { PUT(RULE(ON("") "," MOVES(MOVE(60, "STANDARD_IA") "," MOVE(60, "GLACIER")))),
          "InvalidArgument: 'Days' in the Transition action for StorageClass 'GLACIER' for filter "
          "'(prefix=)' must be greater than 'Days' in the Transition action for StorageClass "
          "'STANDARD_IA' for filter '(prefix=)'" },
        { PUT(RULE(ON("'Prefix':'p'") "," MOVES(MOVE(5, "GLACIER")) "," DAYS(5))),
          "InvalidArgument: 'Days' in the Expiration action for filter '(prefix=p)' must be "
          "greater than 'Days' in the Transition action" },
        { PUT(RULE(ON("") "," MOVES(MOVE(5, "GLACIER")) ",'Expiration':{'Date':1700006400}")),
          "InvalidRequest: Found mixed 'Date' and 'Days' based Expiration and Transition actions "
          "in lifecycle rule for filter '(prefix=)'" },
        { PUT(RULE(ON("") "," OLD("{'NoncurrentDays':1,'StorageClass':'ONEZONE_IA'}"))),
          "InvalidArgument: 'NoncurrentDays' in NoncurrentVersionTransition action must be greater "
          "than or equal to 30 for storageClass 'ONEZONE_IA'" },
        { PUT(RULE("'Prefix':''," DAYS(1)) "," RULE("'Prefix':'a'," DAYS(2))),
          "InvalidRequest: Found overlapping prefixes '' and 'a' for same action type "
          "'Expiration'" },
        { PUT(RULE("'Prefix':''," DAYS(1)) "," RULE(ON("") "," DAYS(2))),
          "InvalidRequest: Filter element can only be used in Lifecycle V2." },
        { PUT(RULE(ON("") "," DAYS(1)) "," RULE("'Prefix':''," DAYS(2))),
          "InvalidRequest: Base level prefix cannot be used in Lifecycle V2, prefixes are only "
          "supported in the Filter." },
        { "{'Bucket':'bucket','TransitionDefaultMinimumObjectSize':'value',"
          "'LifecycleConfiguration':{'Rules':[" RULE(ON("") "," DAYS(1)) "]}}",
          "InvalidRequest: Invalid TransitionDefaultMinimumObjectSize found: value" },
    };
    struct vg_service_fixture f;
    s3_test_begin(&f);
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        struct vg_str got =
            vg_service_fixture_call(&f, "PutBucketLifecycleConfiguration", all[i].json);
        got = vg_service_fixture_text(&f, vg_str_cstr(f.arena, got));
        if (!vg_str_starts(got, vg_service_fixture_text(&f, all[i].want)))
            fail_msg("%s\n  got  %" VG_FMT "\n  want %s", all[i].json, VG_ARG(got), all[i].want);
    }
    vg_service_fixture_fini(&f);
}

static void
a_configuration_is_kept_as_it_was_put(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "PutBucketLifecycleConfiguration",
          PUT(RULE("'ID':'all'," ON("") "," DAYS(3)) ",{'ID':'b','Status':'Disabled'," ON(
              "'And':{'Prefix':'x/','Tags':[" TAG(
                  "a") "],'ObjectSizeGreaterThan':7}") "," MOVES("{'Date':1700006400,'StorageClass'"
                                                                 ":'GLACIER'}") "}"),
          "{'TransitionDefaultMinimumObjectSize':'all_storage_classes_128K'}" },
        { "GetBucketLifecycleConfiguration", "{'Bucket':'bucket'}",
          "~'Rules':[{'Expiration':{'Days':3},'ID':'all','Filter':{},'Status':'Enabled'}" },
        { "GetBucketLifecycleConfiguration", "{'Bucket':'bucket'}",
          "~'And':{'Prefix':'x/','Tags':[{'Key':'a','Value':'v'}],'ObjectSizeGreaterThan':7}" },
        { "DeleteBucketLifecycle", "{'Bucket':'bucket'}", "ok" },
        { "GetBucketLifecycleConfiguration", "{'Bucket':'bucket'}",
          "NoSuchLifecycleConfiguration: " },
        /* Those without an ID get one of 48 characters. */
        { "PutBucketLifecycleConfiguration", PUT(RULE("'Prefix':''," DAYS(3))), "ok" },
        { "GetBucketLifecycleConfiguration", "{'Bucket':'bucket'}", "~'ID':'" },
    };
    s3_test_play(s3_test_prepare, steps, VG_COUNT(steps));
}

/* --- pure rules ---------------------------------------------------------------------------------
 */

/* "if an object was created on 1/15/2014 10:30 AM UTC and you specify 3 days in a transition rule …
 * the transition date of the object would be calculated as 1/19/2014 00:00 UTC" */
static void
days_end_at_midnight(void **state)
{
    (void)state;
    const int64_t created = INT64_C(1389781800000), until = INT64_C(1390089600000);
    assert_int_equal(s3_lifecycle_after(created, 3), until);
    assert_int_equal(s3_lifecycle_after(until, 0), until);
    assert_int_equal(s3_lifecycle_midnight(until), until + DAY);
    assert_int_equal(s3_lifecycle_midnight(until - 1), until);
}

static struct s3_get_bucket_lifecycle_configuration_output
conf_of(struct vg_service_fixture *f, const char *json)
{
    struct s3_get_bucket_lifecycle_configuration_output conf = { .rules = { .len = 0 } };
    assert_ok(vg_wire_from_json(&S3_LIFECYCLE_SHAPE, vg_service_fixture_text(f, json), f->arena,
                                &conf, &f->err));
    return conf;
}

/* Classes only become colder, and small objects stay where filters name no size. */
static void
transitions_go_down(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *class;
        int64_t size;
        const char *want;
    } all[] = {
        { MOVES(MOVE(30, "STANDARD_IA")), NULL, 128 << 10, "STANDARD_IA" },
        { MOVES(MOVE(30, "STANDARD_IA")), NULL, (128 << 10) - 1, NULL },
        { MOVES(MOVE(30, "STANDARD_IA")), "GLACIER_IR", 1 << 20, NULL },
        { MOVES(MOVE(30, "STANDARD_IA") "," MOVE(40, "GLACIER")), NULL, 1 << 20, "GLACIER" },
        { MOVES(MOVE(30, "STANDARD_IA") "," MOVE(99, "GLACIER")), NULL, 1 << 20, "STANDARD_IA" },
        { MOVES(MOVE(1, "GLACIER_IR")), "ONEZONE_IA", 1 << 20, NULL },
        { MOVES(MOVE(1, "DEEP_ARCHIVE")), "GLACIER", 1 << 20, "DEEP_ARCHIVE" },
    };
    struct vg_service_fixture f;
    s3_test_begin(&f);
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        struct vg_str json = vg_str_fmt(
            f.arena, "{'Rules':[{'Status':'Enabled','Filter':{'Prefix':'a'},%s}]}", all[i].rules);
        const struct s3_get_bucket_lifecycle_configuration_output conf =
            conf_of(&f, vg_str_cstr(f.arena, json));
        const struct s3_rec_version v = { .size = all[i].size,
                                          .storage_class = vg_str_of(all[i].class) };
        struct s3_lifecycle_subject s = { .key = VG_STR("ab"), .version = &v, .is_latest = true };
        assert_true(
            vg_str_eq(s3_lifecycle_fate_of(&conf, &s, 50 * DAY).class, vg_str_of(all[i].want)));
        s.key = VG_STR("b");
        assert_null(s3_lifecycle_fate_of(&conf, &s, 50 * DAY).class.ptr);
    }
    vg_service_fixture_fini(&f);
}

static void
small_objects_move_where_it_is_said(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    const struct s3_get_bucket_lifecycle_configuration_output by_class =
        conf_of(&f, "{'TransitionDefaultMinimumObjectSize':'varies_by_storage_class','Rules':["
                    "{'Status':'Enabled','Filter':{},'Transitions':[{'Days':1,'StorageClass':"
                    "'GLACIER_IR'},{'Days':2,'StorageClass':'GLACIER'}]}]}");
    const struct s3_get_bucket_lifecycle_configuration_output by_size =
        conf_of(&f, "{'Rules':[{'Status':'Enabled','Filter':{'ObjectSizeGreaterThan':5},"
                    "'Transitions':[{'Days':1,'StorageClass':'GLACIER_IR'}]}]}");
    struct s3_rec_version v = { .size = 6 };
    const struct s3_lifecycle_subject s = { .key = VG_STR("k"), .version = &v, .is_latest = true };
    assert_null(s3_lifecycle_fate_of(&by_class, &s, DAY).class.ptr);
    assert_str(s3_lifecycle_fate_of(&by_class, &s, 2 * DAY).class, "GLACIER");
    assert_str(s3_lifecycle_fate_of(&by_size, &s, DAY).class, "GLACIER_IR");
    v.size = 5;
    assert_null(s3_lifecycle_fate_of(&by_size, &s, DAY).class.ptr);
    vg_service_fixture_fini(&f);
}

/* --- runs ---------------------------------------------------------------------------------------
 */

/* Of an age in days; its id. */
static struct vg_str
put(struct vg_service_fixture *f, struct vg_str key, int64_t age, const struct s3_rec_version *like)
{
    struct s3_test_req t;
    struct s3_object_edit e;
    struct s3_rec_bucket *bucket;
    struct s3_rec_version v = *like;
    struct s3_rec_content content = { .size = v.size };
    assert_ok(s3_store_bucket(s3_test_req(f, &t), VG_STR("bucket"), &bucket));
    v.content = v.is_marker ? NULL : &content;
    v.owner = f->scope.owner;
    v.etag = VG_STR("e");
    v.modified_ms = vg_now_ms(&f->env) - age * DAY;
    assert_ok(s3_store_edit_object(&t.rq, bucket, key, &e));
    assert_ok(s3_store_add_version(&e, &v, v.is_marker ? VG_STR_NONE : VG_STR("x")));
    assert_ok(s3_store_object_commit(&e));
    return v.id;
}

/* An upload without parts, of an age in days. */
static void
begin_upload(struct vg_service_fixture *f, struct vg_str key, int64_t age)
{
    struct s3_test_req t;
    struct s3_object_edit e;
    struct s3_rec_bucket *bucket;
    struct s3_rec_version v = { .size = 0 };
    struct s3_rec_upload *none, u = { .id = key,
                                      .key = key,
                                      .initiated_ms = vg_now_ms(&f->env) - age * DAY,
                                      .owner = f->scope.owner,
                                      .version = &v };
    assert_ok(s3_store_bucket(s3_test_req(f, &t), VG_STR("bucket"), &bucket));
    assert_ok(s3_store_edit_upload(&t.rq, bucket, u.key, u.id, &e, &none));
    s3_store_add_upload(&e, &u);
    assert_ok(s3_store_object_commit(&e));
}

static void
set_rules(struct vg_service_fixture *f, const char *put_json)
{
    vg_service_fixture_ok(f, "PutBucketLifecycleConfiguration", put_json);
}

/* From the beginning to its end. */
static void
run(struct vg_service_fixture *f)
{
    struct s3_test_req t;
    struct s3_rec_bucket *bucket;
    assert_ok(s3_store_bucket(s3_test_req(f, &t), VG_STR("bucket"), &bucket));
    struct vg_str answer = s3_test_call(
        f, "_RunLifecycle", "{'Account':'000000000000','Bucket':'bucket','BucketId':'%" VG_FMT "'}",
        VG_ARG(bucket->id));
    if (!vg_service_fixture_is_ok(answer))
        fail_msg("%" VG_FMT, VG_ARG(answer));
    vg_service_fixture_run_due(f);
}

static void
advance(struct vg_service_fixture *f, int64_t days)
{
    struct vg_sess sess;
    vg_sess_init(&sess, f->env.kv, f->arena);
    assert_ok(vg_clock_advance(f->env.clock, &sess, days * DAY, &f->err));
    vg_service_fixture_run_due(f);
}

/* "key[class]", markers as "key!", of all versions, the latest first. */
static struct vg_str
what_is_left(struct vg_service_fixture *f)
{
    struct s3_test_req t;
    struct s3_rec_bucket *bucket;
    struct s3_entries all;
    struct vg_buf b;
    assert_ok(s3_store_bucket(s3_test_req(f, &t), VG_STR("bucket"), &bucket));
    assert_ok(s3_store_versions(&t.rq, bucket, VG_STR_NONE, 0, 10000, &all));
    vg_buf_init(&b, f->arena, 1u << 20);
    for (size_t i = 0; i < all.len; i++) {
        const struct s3_rec_version *v = all.items[i].version;
        vg_buf_addf(&b, "%s%" VG_FMT "%s%" VG_FMT, i ? " " : "", VG_ARG(all.items[i].key),
                    v->is_marker ? "!" : "", VG_ARG(v->storage_class));
    }
    return vg_buf_str(&b);
}

static void
objects_expire_by_prefix_tag_and_size(void **state)
{
    (void)state;
    struct s3_rec_pair yes = { .name = VG_STR("t"), .value = VG_STR("yes") };
    struct s3_rec_pair no = { .name = VG_STR("t"), .value = VG_STR("no") };
    struct s3_rec_version tagged = { .size = 1, .tags = { .items = &yes, .len = 1 } };
    struct s3_rec_version other = { .size = 1, .tags = { .items = &no, .len = 1 } };
    struct s3_rec_version one = { .size = 1 }, big = { .size = 100 };
    struct vg_service_fixture f;
    s3_test_begin(&f);
    put(&f, VG_STR("log/old"), 9, &one);
    put(&f, VG_STR("log/new"), 1, &one);
    put(&f, VG_STR("old"), 9, &one);
    put(&f, VG_STR("tagged"), 9, &tagged);
    put(&f, VG_STR("tagged-not"), 9, &other);
    put(&f, VG_STR("big"), 9, &big);
    set_rules(&f, PUT(RULE(ON("'Prefix':'log/'") "," DAYS(5)) "," RULE(
                      ON("'Tag':{'Key':'t','Value':'yes'"
                         "}") "," DAYS(5)) "," RULE(ON("'And':{'ObjectSizeGreaterThan':99,'Prefix':"
                                                       "'b'}") ",'Expiration':{'Date':"
                                                               "86400}") ",{'Status':'"
                                                                         "Disabled','Filter'"
                                                                         ":{},'Expiration':{"
                                                                         "'Days':1}}"));
    run(&f);
    assert_str(what_is_left(&f), "log/new old tagged-not");
    vg_service_fixture_fini(&f);
}

static void
versions_expire_behind_markers(void **state)
{
    (void)state;
    struct s3_rec_version one = { .size = 1 }, marker = { .is_marker = true };
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_bucket(&f, VG_STR("Enabled"), false, VG_STR_NONE);
    put(&f, VG_STR("a"), 9, &one);
    put(&f, VG_STR("b"), 1, &one);
    put(&f, VG_STR("m"), 9, &marker); /* alone, and old */
    put(&f, VG_STR("n"), 1, &marker); /* alone, and young */
    put(&f, VG_STR("o"), 9, &one);
    put(&f, VG_STR("o"), 9, &marker); /* it hides something */
    set_rules(&f, PUT(RULE(ON("") "," DAYS(5))));
    run(&f);
    assert_str(what_is_left(&f), "a! a b n! o! o");
    set_rules(&f, PUT(RULE(ON("") ",'Expiration':{'ExpiredObjectDeleteMarker':true}")));
    run(&f);
    assert_str(what_is_left(&f), "a! a b o! o");
    vg_service_fixture_fini(&f);
}

/* "the number of noncurrent versions Amazon S3 will retain"; a version is noncurrent since its
 * successor was made. */
static void
noncurrent_versions_go_but_for_the_newest(void **state)
{
    (void)state;
    struct s3_rec_version one = { .size = 1 }, locked = { .size = 1, .has_legal_hold = true };
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_bucket(&f, VG_STR("Enabled"), true, VG_STR_NONE);
    for (int i = 0; i < 5; i++)
        put(&f, VG_STR("a"), 20 - i, &one);
    put(&f, VG_STR("b"), 50, &one);
    put(&f, VG_STR("b"), 1, &one);
    put(&f, VG_STR("c"), 50, &locked);
    put(&f, VG_STR("c"), 40, &one);
    put(&f, VG_STR("c"), 30, &one);
    set_rules(&f, PUT(RULE(ON("") ",'NoncurrentVersionExpiration':{'NoncurrentDays':5,"
                                  "'NewerNoncurrentVersions':2}")));
    run(&f);
    assert_str(what_is_left(&f), "a a a b b c c c");
    set_rules(&f, PUT(RULE(ON("") ",'NoncurrentVersionExpiration':{'NoncurrentDays':5}")));
    run(&f);
    assert_str(what_is_left(&f), "a b b c c");
    vg_service_fixture_fini(&f);
}

static void
versions_move_to_other_classes(void **state)
{
    (void)state;
    struct s3_rec_version big = { .size = 1 << 20 }, small = { .size = 1 };
    struct vg_service_fixture f;
    s3_test_begin(&f);
    put(&f, VG_STR("a"), 9, &big); /* has no row until the next version comes */
    s3_test_bucket(&f, VG_STR("Enabled"), false, VG_STR_NONE);
    put(&f, VG_STR("b"), 9, &big);
    put(&f, VG_STR("b"), 8, &big);
    put(&f, VG_STR("c"), 8, &small);
    set_rules(&f, PUT(RULE(ON("") "," MOVES(MOVE(3, "GLACIER")) "," OLD(
                      "{'NoncurrentDays':3,'StorageClass':'DEEP_ARCHIVE'}"))));
    run(&f);
    assert_str(what_is_left(&f), "aGLACIER bGLACIER bDEEP_ARCHIVE c");
    set_rules(&f, PUT(RULE(ON("") "," DAYS(5) "," MOVES(MOVE(4, "DEEP_ARCHIVE")))));
    run(&f);
    assert_str(what_is_left(&f), "a! aDEEP_ARCHIVE b! bDEEP_ARCHIVE bDEEP_ARCHIVE c! c");
    vg_service_fixture_fini(&f);
}

/* A year ago everything would have been done long since: each night's deed leads to the next. */
static void
nights_that_passed_unseen_are_made_up_for(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_bucket(&f, VG_STR("Enabled"), false, VG_STR_NONE);
    set_rules(
        &f,
        PUT(RULE(ON("'Prefix':'a'") "," DAYS(
            10) ",'NoncurrentVersionExpiration':{"
                "'NoncurrentDays':3}") "," RULE(ON("") ",'Expiration':{'ExpiredObjectDeleteMarker':"
                                                       "true}") "," RULE(ON("'Prefix':'b'") "," MOVES(MOVE(30,
                                                                                                           "GLACIER")) "," ABORT(2))));
    put(&f, VG_STR("a"), 0, &(struct s3_rec_version) { .size = 1 });
    put(&f, VG_STR("b"), 0, &(struct s3_rec_version) { .size = 1 << 20 });
    begin_upload(&f, VG_STR("bu"), 0);
    advance(&f, 12);
    assert_str(what_is_left(&f), "a! a b");
    advance(&f, 1);
    assert_str(what_is_left(&f), "a! a b");
    advance(&f, 365);
    assert_str(what_is_left(&f), "bGLACIER");
    put(&f, VG_STR("a"), 0, &(struct s3_rec_version) { .size = 1 });
    advance(&f, 365);
    assert_str(what_is_left(&f), "bGLACIER");
    vg_service_fixture_fini(&f);
}

/* A key's versions may lie on two pages. */
static void
a_run_goes_on_behind_a_page(void **state)
{
    (void)state;
    struct s3_rec_version one = { .size = 1 };
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_bucket(&f, VG_STR("Enabled"), false, VG_STR_NONE);
    for (int i = 0; i < 1005; i++)
        put(&f, VG_STR("a"), 9, &one);
    for (int i = 0; i < 3; i++)
        put(&f, VG_STR("b"), 9, &one);
    set_rules(
        &f, PUT(RULE(ON(
                "") ",'NoncurrentVersionExpiration':{'NoncurrentDays':5,"
                    "'NewerNoncurrentVersions':1000}") "," RULE(ON("'Prefix':'b'") ",'"
                                                                                   "NoncurrentVersi"
                                                                                   "onExpiration':{"
                                                                                   "'NoncurrentDays"
                                                                                   "':5}")));
    run(&f);
    struct vg_str left = what_is_left(&f);
    assert_int_equal(left.len, 1001 * 2 + 1);
    assert_true(vg_str_ends(left, VG_STR("a b")));
    vg_service_fixture_fini(&f);
}

static void
uploads_are_given_up(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    for (int i = 0; i < 101; i++) /* more than one page */
        begin_upload(&f, vg_str_fmt(f.arena, "log/%03d", i), 9);
    begin_upload(&f, VG_STR("old"), 9);
    set_rules(&f, PUT(RULE("'ID':'give up'," ON("'Prefix':'log/'") "," ABORT(1))));
    struct vg_str made =
        vg_service_fixture_ok(&f, "CreateMultipartUpload", "{'Bucket':'bucket','Key':'log/b'}");
    assert_true(vg_str_find(made, VG_STR("\"AbortRuleId\":\"give up\"")) != VG_NPOS);
    made = vg_service_fixture_ok(&f, "CreateMultipartUpload", "{'Bucket':'bucket','Key':'c'}");
    assert_true(vg_str_find(made, VG_STR("AbortRuleId")) == VG_NPOS);
    run(&f);
    struct vg_str all = vg_service_fixture_ok(&f, "ListMultipartUploads", "{'Bucket':'bucket'}");
    assert_true(vg_str_find(all, VG_STR("log/0")) == VG_NPOS);
    assert_true(vg_str_find(all, VG_STR("log/100")) == VG_NPOS);
    assert_true(vg_str_find(all, VG_STR("log/b")) != VG_NPOS);
    assert_true(vg_str_find(all, VG_STR("old")) != VG_NPOS);
    vg_service_fixture_fini(&f);
}

/* The rules of a bucket can be more than a page of the store: nothing of them comes back with a
 * bucket of the same name. */
static void
a_bucket_goes_with_many_rules(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct vg_buf b;
    s3_test_begin(&f);
    char *prefix = vg_arena_alloc(f.arena, 1001);
    memset(prefix, 'p', 1000);
    vg_buf_init(&b, f.arena, 4u << 20);
    for (int i = 0; i < 1000; i++)
        vg_buf_addf(&b, "%s" RULE("'Filter':{'Prefix':'%s%d'}," DAYS(1)), i ? "," : "", prefix, i);
    struct vg_str json = vg_str_fmt(f.arena, PUT("%" VG_FMT), VG_ARG(vg_buf_str(&b)));
    set_rules(&f, vg_str_cstr(f.arena, json));
    vg_service_fixture_ok(&f, "PutBucketTagging",
                          "{'Bucket':'bucket','Tagging':{'TagSet':[{'Key':'a','Value':'b'}]}}");
    vg_service_fixture_ok(&f, "DeleteBucket", "{'Bucket':'bucket'}");
    vg_service_fixture_ok(&f, "CreateBucket", "{'Bucket':'bucket'}");
    struct vg_str answer = vg_service_fixture_call(&f, "GetBucketTagging", "{'Bucket':'bucket'}");
    assert_true(vg_str_starts(answer, VG_STR("NoSuchTagSet")));
    vg_service_fixture_fini(&f);
}

static char bucket_id[64];

static const char *
with_id(struct vg_arena *arena, const char *json)
{
    struct vg_str text = vg_str_of(json);
    size_t at = vg_str_find(text, VG_STR("<id>"));
    if (at == VG_NPOS)
        return json;
    text = vg_str_fmt(arena, "%.*s%s%s", (int)at, json, bucket_id, json + at + 4);
    return vg_str_cstr(arena, text);
}

/* Something for each action that a run carries out. */
static void
prepare_run(struct vg_service_fixture *f)
{
    struct s3_test_req t;
    struct s3_rec_bucket *bucket;
    struct s3_rec_version big = { .size = 1 << 20 }, marker = { .is_marker = true };
    s3_test_prepare(f);
    s3_test_bucket(f, VG_STR("Enabled"), false, VG_STR_NONE);
    put(f, VG_STR("a"), 9, &big);
    put(f, VG_STR("a"), 8, &big);
    put(f, VG_STR("m"), 9, &marker);
    begin_upload(f, VG_STR("u"), 9);
    set_rules(f, PUT(RULE(ON("") "," DAYS(5) "," MOVES(
                     MOVE(4, "GLACIER")) ",'NoncurrentVersionExpiration':{'NoncurrentDays':"
                                         "5}") "," RULE(ON("") "," ABORT(1))));
    assert_ok(s3_store_bucket(s3_test_req(f, &t), VG_STR("bucket"), &bucket));
    assert_true(bucket->id.len < sizeof(bucket_id));
    memcpy(bucket_id, vg_str_cstr(f->arena, bucket->id), bucket->id.len + 1);
    f->spell = with_id;
}

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    vg_service_fixture_fail_each(&s3_service, s3_test_prepare, "PutBucketLifecycleConfiguration",
                                 PUT(RULE(ON("") "," DAYS(1))));
    vg_service_fixture_fail_each(&s3_service, s3_test_prepare, "DeleteBucketLifecycle",
                                 "{'Bucket':'bucket'}");
    vg_service_fixture_fail_each(&s3_service, prepare_run, "_RunLifecycle",
                                 "{'Account':'000000000000','Region':'us-east-1',"
                                 "'Bucket':'bucket','BucketId':'<id>'}");
    vg_service_fixture_fail_each(&s3_service, prepare_run, "_RunLifecycle",
                                 "{'Account':'000000000000','Region':'us-east-1',"
                                 "'Bucket':'bucket','BucketId':'<id>','AtUploads':1}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_checked),
        cmocka_unit_test(a_configuration_is_kept_as_it_was_put),
        cmocka_unit_test(days_end_at_midnight),
        cmocka_unit_test(transitions_go_down),
        cmocka_unit_test(small_objects_move_where_it_is_said),
        cmocka_unit_test(objects_expire_by_prefix_tag_and_size),
        cmocka_unit_test(versions_expire_behind_markers),
        cmocka_unit_test(noncurrent_versions_go_but_for_the_newest),
        cmocka_unit_test(versions_move_to_other_classes),
        cmocka_unit_test(nights_that_passed_unseen_are_made_up_for),
        cmocka_unit_test(a_run_goes_on_behind_a_page),
        cmocka_unit_test(uploads_are_given_up),
        cmocka_unit_test(a_bucket_goes_with_many_rules),
        cmocka_unit_test(every_operation_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
