/* SPDX-License-Identifier: Apache-2.0 */

/* The tables and examples of http-api-parameter-mapping.html and http-api-logging-variables.html.
 */

#include "services/apigateway/apigateway_mapping.h"

#include "base/arena_test.h"

static bool
is_taken(const char *key, const char *value, bool is_answer)
{
    return apigateway_mapping_check(vg_str_of(key), vg_str_of(value), is_answer) == NULL;
}

static void
only_documented_mappings_are_taken(void **state)
{
    (void)state;
    assert_true(is_taken("append:header.header1", "$context.requestId", false));
    assert_true(is_taken("overwrite:querystring.q", "$request.header.x", false));
    assert_true(is_taken("remove:header.header1", "''", false));
    assert_true(is_taken("overwrite:path", "/pets/${request.path.id}", false));
    assert_true(is_taken("append:header.a", "$request.body.a.b[0]", false));
    assert_true(is_taken("append:header.a", "$request.path", false));
    assert_true(is_taken("overwrite:statuscode", "403", true));
    assert_true(is_taken("append:header.error", "$stageVariables.environmentId", true));
    assert_true(is_taken("overwrite:header.a", "$response.body.x", true));
    assert_false(is_taken("append:path", "x", false));
    assert_false(is_taken("overwrite:header.", "x", false));
    assert_false(is_taken("change:header.a", "x", false));
    assert_false(is_taken("overwrite:statuscode", "200", false));
    assert_false(is_taken("overwrite:statuscode", "abc", true));
    assert_false(is_taken("overwrite:querystring.a", "x", true));
    assert_false(is_taken("overwrite:header.Authorization", "x", false));
    assert_false(is_taken("overwrite:header.x-amz-date", "x", false));
    assert_false(is_taken("append:header.a", "$request.body..a", false));
    assert_false(is_taken("append:header.a", "$nothing.a", false));
    assert_false(is_taken("append:header.a", "$response.header.a", false));
}

static struct apigateway_call
some_call(void)
{
    struct apigateway_call c = {
        .method = VG_STR("POST"),
        .path = VG_STR("/pets/7"),
        .query = VG_STR("a=1&a=2&b=x"),
        .body = VG_STR("{\"name\":\"rex\",\"tags\":[\"x\",{\"y\":5}]}"),
        .request_id = VG_STR("id="),
        .route_key = VG_STR("POST /pets/{id}"),
        .domain_name = VG_STR("api.execute-api.us-east-1.localhost"),
        .stage = VG_STR("dev"),
        .source_ip = VG_STR("192.0.2.1"),
        .time_ms = 1583348638390,
    };
    apigateway_pairs_add(arena, &c.headers, VG_STR("header1"), VG_STR("v1"));
    apigateway_pairs_add(arena, &c.headers, VG_STR("Header1"), VG_STR("v2"));
    apigateway_pairs_add(arena, &c.path_vars, VG_STR("id"), VG_STR("7"));
    apigateway_pairs_add(arena, &c.stage_vars, VG_STR("env"), VG_STR("prod"));
    return c;
}

static void
map(struct apigateway_call *c, const char *key, const char *value)
{
    struct apigateway_pairs one = { 0 };
    apigateway_pairs_add(arena, &one, vg_str_of(key), vg_str_of(value));
    apigateway_map_request(arena, &one, c);
}

static struct vg_str
header_of(const struct apigateway_call *c, const char *name)
{
    return apigateway_header_joined(arena, &c->headers, vg_str_of(name));
}

static void
requests_are_changed(void **state)
{
    (void)state;
    struct apigateway_call c = some_call();
    struct apigateway_pairs two = { 0 };
    /* "The following example renames a request header from header1 to header2." */
    apigateway_pairs_add(arena, &two, VG_STR("append:header.header2"),
                         VG_STR("$request.header.header1"));
    apigateway_pairs_add(arena, &two, VG_STR("remove:header.header1"), VG_STR("''"));
    apigateway_map_request(arena, &two, &c);
    assert_str(header_of(&c, "header2"), "v1,v2");
    assert_null(header_of(&c, "header1").ptr);
    map(&c, "append:header.id", "$context.requestId");
    assert_str(header_of(&c, "id"), "id=");
    map(&c, "overwrite:querystring.a", "$request.path.id");
    assert_str(c.query, "b=x&a=7");
    map(&c, "append:querystring.c", "$request.body.tags[1].y");
    assert_str(c.query, "b=x&a=7&c=5");
    map(&c, "remove:querystring.b", "");
    assert_str(c.query, "a=7&c=5");
    map(&c, "overwrite:path", "/${stageVariables.env}/of/${request.body.name}");
    assert_str(c.path, "/prod/of/rex");
    map(&c, "append:header.none", "$request.header.nothing");
    assert_null(header_of(&c, "none").ptr);
}

static void
values_cannot_begin_another_header(void **state)
{
    (void)state;
    struct apigateway_call c = some_call();
    c.body = VG_STR("{\"name\":\"a\\r\\nx-evil: 1\"}");
    map(&c, "append:header.n", "$request.body.name");
    assert_null(header_of(&c, "n").ptr);
}

static void
answers_are_changed(void **state)
{
    (void)state;
    struct apigateway_call c = some_call();
    struct apigateway_pairs two = { 0 };
    struct apigateway_reply r = { .status = 500, .body = VG_STR("{\"m\":\"no\"}") };
    apigateway_pairs_add(arena, &two, VG_STR("append:header.header1"),
                         VG_STR("$context.requestId"));
    apigateway_pairs_add(arena, &two, VG_STR("overwrite:statuscode"), VG_STR("403"));
    apigateway_pairs_add(arena, &two, VG_STR("append:header.Why"), VG_STR("$response.body.m"));
    apigateway_map_answer(arena, &two, &c, &r);
    assert_int_equal(r.status, 403);
    assert_str(apigateway_pairs_get(&r.headers, VG_STR("header1")), "id=");
    assert_str(apigateway_pairs_get(&r.headers, VG_STR("why")), "no");
}

static void
log_lines_hold_the_context(void **state)
{
    (void)state;
    struct apigateway_call c = some_call();
    struct apigateway_reply r = { .status = 200, .body = VG_STR("12345") };
    struct apigateway_outcome o = { .reply = &r, .latency_ms = 12, .integration_ms = 9 };
    assert_str(
        apigateway_log_line(arena,
                            VG_STR("{\"id\":\"$context.requestId\",\"s\":$context.status,"
                                   "\"n\":$context.responseLength,\"t\":\"$context.requestTime\","
                                   "\"r\":\"$context.routeKey\",\"x\":\"$context.nothing.here\","
                                   "\"l\":$context.integrationLatency}"),
                            &c, &o),
        "{\"id\":\"id=\",\"s\":200,\"n\":5,\"t\":\"04/Mar/2020:19:03:58 +0000\","
        "\"r\":\"POST /pets/{id}\",\"x\":\"-\",\"l\":9}");
    assert_str(apigateway_log_line(arena, VG_STR("$context.identity.sourceIp."), &c, &o),
               "192.0.2.1.");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(only_documented_mappings_are_taken), ARENA_TEST(requests_are_changed),
        ARENA_TEST(values_cannot_begin_another_header), ARENA_TEST(answers_are_changed),
        ARENA_TEST(log_lines_hold_the_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
