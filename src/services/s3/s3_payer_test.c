/* SPDX-License-Identifier: Apache-2.0 */

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html */

#include "services/s3/s3_object_test.h"

#define B                "'Bucket':'bucket'"
#define PAY(who)         "{" B ",'RequestPaymentConfiguration':{'Payer':'" who "'}}"
#define TAGS(more)       "{" B ",'Key':'k'" more "}"
#define LIST(more)       "{" B more "}"
#define BY_REQUESTER     ",'RequestPayer':'requester'"
#define DELETE_ALL(more) "{" B ",'Delete':{'Objects':[{'Key':'k'}]}" more "}"

static struct vg_principal owner;

static void
prepare(struct vg_service_fixture *f)
{
    s3_test_prepare(f);
    s3_test_put(f, "k");
    s3_test_caller(f, NULL);
    owner = *f->scope.caller;
    vg_service_fixture_ok(f, "PutBucketRequestPayment", PAY("Requester"));
}

static void
the_owner_says_who_pays(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "GetBucketRequestPayment", "{" B "}", "{'Payer':'Requester'}" },
        { "PutBucketRequestPayment", "{" B "}", "MalformedXML" },
        { "PutBucketRequestPayment", PAY("Nobody"), "MalformedXML" },
        /* He need not say that he pays for his own requests. */
        { "GetObjectTagging", TAGS(""), "{'TagSet':[]}" },
        { "ListObjectsV2", LIST(BY_REQUESTER), "ok" },
        { "PutBucketRequestPayment", PAY("BucketOwner"), "ok" },
        { "GetBucketRequestPayment", "{" B "}", "{'Payer':'BucketOwner'}" },
    };
    s3_test_play(prepare, steps, VG_COUNT(steps));
}

static void
others_pay_or_are_refused(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "GetObjectTagging", TAGS(""), "AccessDenied: Access Denied" },
        { "GetObjectTagging", TAGS(",'RequestPayer':'somebody'"), "AccessDenied" },
        { "GetObjectTagging", TAGS(BY_REQUESTER), "{'TagSet':[]}" },
        { "ListObjectsV2", LIST(""), "AccessDenied" },
        { "ListObjectsV2", LIST(BY_REQUESTER), "ok" },
        { "CreateMultipartUpload", TAGS(""), "AccessDenied" },
        { "CreateMultipartUpload", TAGS(BY_REQUESTER), "ok" },
        { "DeleteObjects", DELETE_ALL(""), "AccessDenied" },
        /* What has no such header is not asked for it. */
        { "GetBucketLocation", "{" B "}", "ok" },
    };
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, prepare);
    struct vg_principal other = owner;
    other.account = VG_STR("111111111111");
    f.scope.caller = &other;
    s3_test_steps(&f, steps, VG_COUNT(steps));
    f.scope.caller = &vg_principal_anonymous;
    const struct s3_step nobody[] = { { "GetObjectTagging", TAGS(BY_REQUESTER), "AccessDenied" } };
    s3_test_steps(&f, nobody, VG_COUNT(nobody));
    f.scope.caller = &owner;
    vg_service_fixture_ok(&f, "PutBucketRequestPayment", PAY("BucketOwner"));
    f.scope.caller = &other;
    vg_service_fixture_ok(&f, "GetObjectTagging", TAGS(""));
    vg_service_fixture_fini(&f);
}

/* Both buckets of a copy. */
static void
answers_say_once_who_is_charged(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_test_req t;
    struct s3_rec_bucket *bucket;
    struct vg_reply reply = { .status = 0 };
    const struct s3_get_object_tagging_request in = { .request_payer = {
                                                          .v = S3_REQUEST_PAYER_REQUESTER } };
    vg_service_fixture_begin(&f, &s3_service, prepare);
    struct vg_req *rq = s3_test_req(&f, &t);
    rq->op = &s3_op_get_object_tagging;
    rq->in = &in;
    rq->reply = &reply;
    assert_ok(s3_need_bucket(rq, VG_STR("bucket"), VG_STR_NONE, &bucket));
    assert_int_equal(reply.headers.len, 0);
    struct vg_principal other = owner;
    other.account = VG_STR("111111111111");
    f.scope.caller = &other;
    for (int i = 0; i < 2; i++)
        assert_ok(s3_need_bucket(rq, VG_STR("bucket"), VG_STR_NONE, &bucket));
    assert_int_equal(reply.headers.len, 1);
    assert_str(reply.headers.items[0].name, "x-amz-request-charged");
    assert_str(reply.headers.items[0].value, "requester");
    vg_service_fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owner_says_who_pays),
        cmocka_unit_test(others_pay_or_are_refused),
        cmocka_unit_test(answers_say_once_who_is_charged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
