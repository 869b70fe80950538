/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena_test.h"
#include "front/s3_host.h"

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html */
static void
a_host_names_a_bucket(void **state)
{
    (void)state;
    static const struct {
        const char *host, *bucket; /* NULL: the path does */
    } all[] = {
        { "s3.localhost", NULL },
        { "s3", NULL },
        { ".s3.localhost", NULL },
        { "s3.us-east-1.localhost", NULL },
        { "s3.amazonaws.com", NULL },
        { "s3.dualstack.eu-west-1.amazonaws.com", NULL },
        { "s3-fips.us-west-2.amazonaws.com", NULL },
        { "bucket.s3.localhost", "bucket" },
        { "bucket.s3.us-east-1.localhost", "bucket" },
        { "my.dotted.bucket.s3.eu-west-1.localhost", "my.dotted.bucket" },
        { "bucket.s3.amazonaws.com", "bucket" },
        { "bucket.s3.dualstack.us-west-2.amazonaws.com", "bucket" },
        { "bucket.s3-fips.us-west-2.amazonaws.com", "bucket" },
        { "bucket.s3.eu-central-1.virga.example.com", "bucket" },
        { "s3.s3.localhost", "s3" },
        { "a.s3.b.s3.localhost", "a.s3.b" },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        struct vg_str bucket;
        assert_true(vg_s3_host(vg_str_of(all[i].host), &bucket));
        if (all[i].bucket)
            assert_true(vg_str_eq(bucket, vg_str_of(all[i].bucket)));
        else
            assert_null(bucket.ptr);
    }
}

static void
other_hosts_are_not_s3s(void **state)
{
    (void)state;
    static const char *const all[] = {
        "localhost",
        "127.0.0.1",
        "::1",
        "",
        ".",
        "bucket.localhost",
        "as3.localhost",
        "s3a.localhost",
        "123456789012.s3-control.us-east-1.localhost",
        "site.s3-website.us-east-1.localhost",
        "site.s3-website-us-east-1.localhost",
        "abc.execute-api.us-east-1.localhost",
    };
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        struct vg_str bucket;
        assert_false(vg_s3_host(vg_str_of(all[i]), &bucket));
        assert_null(bucket.ptr);
    }
}

static void
a_bucket_may_stand_before_localhost(void **state)
{
    (void)state;
    assert_str(vg_s3_host_of_localhost(VG_STR("bucket.localhost")), "bucket");
    assert_str(vg_s3_host_of_localhost(VG_STR("a.b.localhost")), "a.b");
    assert_null(vg_s3_host_of_localhost(VG_STR("localhost")).ptr);
    assert_null(vg_s3_host_of_localhost(VG_STR(".localhost")).ptr);
    assert_null(vg_s3_host_of_localhost(VG_STR("localhost.example.com")).ptr);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_host_names_a_bucket),
        ARENA_TEST(other_hosts_are_not_s3s),
        ARENA_TEST(a_bucket_may_stand_before_localhost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
