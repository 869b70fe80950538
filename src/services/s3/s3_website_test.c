/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Websites, without a network: which hosts they have, where rules lead, each call of the store
 * failing.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html
 */

#include "services/s3/s3_website.h"

#include "services/s3/s3_object_test.h"

static void
hosts_name_buckets(void **state)
{
    (void)state;
    static const struct {
        const char *host, *bucket; /* NULL: none */
    } all[] = {
        { "b.s3-website.us-east-1.localhost", "b" },
        { "b.s3-website-us-east-1.amazonaws.com", "b" },
        { "www.example.com.s3-website.eu-west-1.localhost", "www.example.com" },
        { "s3-website.us-east-1.localhost", NULL },
        { ".s3-website.us-east-1.localhost", NULL },
        { "b.s3-website", NULL },
        { "b.s3-website.", NULL },
        { "b.s3-websites.x", NULL },
        { "b.s3.us-east-1.localhost", NULL },
        { "", NULL },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        struct vg_str got = s3_website_bucket(vg_str_of(all[i].host));
        assert_true(vg_str_eq(got, vg_str_of(all[i].bucket)));
        assert_int_equal(got.ptr != NULL, all[i].bucket != NULL);
    }
}

static void
rules_hold_in_their_order(void **state)
{
    (void)state;
    struct s3_condition docs = { .key_prefix_equals = VG_STR("docs/") },
                        coded = { .key_prefix_equals = VG_STR("c/"),
                                  .http_error_code_returned_equals = VG_STR("404") },
                        wide = { .key_prefix_equals = VG_STR("c") },
                        missing = { .http_error_code_returned_equals = VG_STR("403") };
    struct s3_routing_rule items[] = { { .condition = &docs },
                                       { .condition = &coded },
                                       { .condition = &wide },
                                       { .condition = &missing } };
    const struct s3_website_configuration conf = { .routing_rules = { items, VG_COUNT(items) } };
    static const struct {
        const char *key;
        int status, rule; /* -1: none */
    } all[] = {
        { "docs/a", 0, 0 }, { "c/a", 0, -1 },  { "c/a", 404, 1 }, { "c/a", 200, 2 },
        { "ca", 0, 2 },     { "x", 0, -1 },    { "x", 403, 3 },   { "x", 404, -1 },
        { "x", 200, -1 },   { "docs", 0, -1 }, { "", 403, 3 },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        const struct s3_routing_rule *got =
            s3_website_rule(&conf, vg_str_of(all[i].key), all[i].status);
        assert_ptr_equal(got, all[i].rule < 0 ? NULL : &items[all[i].rule]);
    }
}

static void
redirects_keep_what_they_do_not_replace(void **state)
{
    (void)state;
    const struct s3_website_asked asked = { .scheme = VG_STR("http"),
                                            .host = VG_STR("b.s3-website.r.localhost:1"),
                                            .key = VG_STR("d/x y"),
                                            .query = VG_STR("q=1") };
    struct s3_condition condition = { .key_prefix_equals = VG_STR("d/") };
    struct s3_redirect to[] = {
        { .host_name = VG_STR("h") },
        { .protocol = VG_ENUM(S3_PROTOCOL_HTTPS), .http_redirect_code = VG_STR("302") },
        { .replace_key_with = VG_STR("k?a") },
        { .replace_key_prefix_with = VG_STR("#!/") },
        { .replace_key_prefix_with = VG_STR("") },
    };
    to[1].protocol.text = VG_STR("https");
    static const struct {
        int status;
        const char *location;
    } want[] = {
        { 301, "http://h/d/x%20y?q=1" },
        { 302, "https://b.s3-website.r.localhost:1/d/x%20y?q=1" },
        { 301, "http://b.s3-website.r.localhost:1/k?a" },
        { 301, "http://b.s3-website.r.localhost:1/#!/x%20y?q=1" },
        { 301, "http://b.s3-website.r.localhost:1/x%20y?q=1" },
    };
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    for (size_t i = 0; i < VG_COUNT(to); i++) {
        const struct s3_routing_rule rule = { .condition = &condition, .redirect = &to[i] };
        int status;
        struct vg_str got = s3_website_follow(arena, &rule, &asked, &status);
        assert_true(vg_str_eq(got, vg_str_of(want[i].location)));
        assert_int_equal(status, want[i].status);
    }
}

#define B    "'Bucket':'bucket'"
#define CONF ",'WebsiteConfiguration':{'IndexDocument':{'Suffix':'index.html'}}"

static void
prepare(struct vg_service_fixture *f)
{
    vg_service_fixture_ok(f, "CreateBucket", "{" B "}");
    vg_service_fixture_ok(f, "PutBucketWebsite", "{" B CONF "}");
}

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    vg_service_fixture_fail_each(&s3_service, prepare, "PutBucketWebsite", "{" B CONF "}");
    vg_service_fixture_fail_each(&s3_service, prepare, "GetBucketWebsite", "{" B "}");
    vg_service_fixture_fail_each(&s3_service, prepare, "DeleteBucketWebsite", "{" B "}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_name_buckets),
        cmocka_unit_test(rules_hold_in_their_order),
        cmocka_unit_test(redirects_keep_what_they_do_not_replace),
        cmocka_unit_test(every_operation_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
