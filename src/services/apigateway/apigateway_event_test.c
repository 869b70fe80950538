/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The examples of "Create AWS Lambda proxy integrations for HTTP APIs"
 * (http-api-develop-integrations-lambda.html), and what was measured on AWS where it says nothing.
 */

#include "services/apigateway/apigateway_event.h"

#include "base/arena_test.h"
#include "services/apigateway/apigateway_cors.h"

static void
header(struct apigateway_call *c, const char *name, const char *value)
{
    apigateway_pairs_add(arena, &c->headers, vg_str_of(name), vg_str_of(value));
}

/* The documentation's own request. */
static struct apigateway_call
example(void)
{
    struct apigateway_call c = {
        .method = VG_STR("POST"),
        .protocol = VG_STR("HTTP/1.1"),
        .path = VG_STR("/my/path"),
        .query = VG_STR("parameter1=value1&parameter1=value2&parameter2=value"),
        .source_ip = VG_STR("192.0.2.1"),
        .body = VG_STR("Hello from Lambda!"),
        .account = VG_STR("123456789012"),
        .api_id = VG_STR("api-id"),
        .domain_name = VG_STR("id.execute-api.us-east-1.amazonaws.com"),
        .stage = VG_STR("$default"),
        .route_key = VG_STR("$default"),
        .request_id = VG_STR("id"),
        .time_ms = 1583348638390,
    };
    header(&c, "Header1", "value1");
    header(&c, "Header2", "value1");
    header(&c, "header2", "value2");
    header(&c, "User-Agent", "agent");
    header(&c, "Content-Type", "text/plain");
    header(&c, "Cookie", "cookie1; cookie2");
    apigateway_pairs_add(arena, &c.path_vars, VG_STR("parameter1"), VG_STR("value1"));
    apigateway_pairs_add(arena, &c.stage_vars, VG_STR("stageVariable1"), VG_STR("value1"));
    return c;
}

static void
format_2_is_as_documented(void **state)
{
    (void)state;
    struct apigateway_call c = example();
    assert_str(
        apigateway_event_v2(arena, &c),
        "{\"version\":\"2.0\",\"routeKey\":\"$default\",\"rawPath\":\"/my/path\","
        "\"rawQueryString\":\"parameter1=value1&parameter1=value2&parameter2=value\","
        "\"cookies\":[\"cookie1\",\"cookie2\"],"
        "\"headers\":{\"header1\":\"value1\",\"header2\":\"value1,value2\","
        "\"user-agent\":\"agent\",\"content-type\":\"text/plain\"},"
        "\"queryStringParameters\":{\"parameter1\":\"value1,value2\",\"parameter2\":\"value\"},"
        "\"requestContext\":{\"accountId\":\"123456789012\",\"apiId\":\"api-id\","
        "\"domainName\":\"id.execute-api.us-east-1.amazonaws.com\",\"domainPrefix\":\"id\","
        "\"http\":{\"method\":\"POST\",\"path\":\"/my/path\",\"protocol\":\"HTTP/1.1\","
        "\"sourceIp\":\"192.0.2.1\",\"userAgent\":\"agent\"},"
        "\"requestId\":\"id\",\"routeKey\":\"$default\",\"stage\":\"$default\","
        "\"time\":\"04/Mar/2020:19:03:58 +0000\",\"timeEpoch\":1583348638390},"
        "\"pathParameters\":{\"parameter1\":\"value1\"},"
        "\"stageVariables\":{\"stageVariable1\":\"value1\"},"
        "\"body\":\"Hello from Lambda!\",\"isBase64Encoded\":false}");
}

static bool
contains(struct vg_str text, const char *what)
{
    return vg_str_find(text, vg_str_of(what)) != VG_NPOS;
}

/* The names of aws-lambda-go's events/testdata/apigw-v2-request-iam.json. */
static void
who_signed_is_in_both_formats(void **state)
{
    (void)state;
    static const struct apigateway_caller caller = {
        .access_key = VG_STR_INIT("ASIAEXAMPLE"),
        .account = VG_STR_INIT("123456789012"),
        .user_id = VG_STR_INIT("AROAEXAMPLE:me"),
        .arn = VG_STR_INIT("arn:aws:sts::123456789012:assumed-role/r/me"),
    };
    struct apigateway_call c = example();
    assert_false(contains(apigateway_event_v2(arena, &c), "authorizer"));
    assert_true(contains(apigateway_event_v1(arena, &c),
                         "\"identity\":{\"accessKey\":null,\"accountId\":null,\"caller\":null,"));
    c.caller = &caller;
    assert_true(contains(
        apigateway_event_v2(arena, &c),
        "\"authorizer\":{\"iam\":{\"accessKey\":\"ASIAEXAMPLE\",\"accountId\":\"123456789012\","
        "\"callerId\":\"AROAEXAMPLE:me\",\"cognitoIdentity\":null,\"principalOrgId\":null,"
        "\"userArn\":\"arn:aws:sts::123456789012:assumed-role/r/me\","
        "\"userId\":\"AROAEXAMPLE:me\"}}"));
    struct vg_str v1 = apigateway_event_v1(arena, &c);
    assert_true(contains(v1, "\"identity\":{\"accessKey\":\"ASIAEXAMPLE\","
                             "\"accountId\":\"123456789012\",\"caller\":\"AROAEXAMPLE:me\","
                             "\"cognitoAmr\":null,"));
    assert_true(contains(v1, "\"user\":\"AROAEXAMPLE:me\",\"userAgent\":\"agent\","
                             "\"userArn\":\"arn:aws:sts::123456789012:assumed-role/r/me\"}"));
}

static void
format_2_leaves_out_what_is_not_there(void **state)
{
    (void)state;
    struct apigateway_call c = example();
    c.query = VG_STR("");
    c.body = VG_STR("");
    c.headers.len = 1;
    c.path_vars.len = c.stage_vars.len = 0;
    struct vg_str event = apigateway_event_v2(arena, &c);
    const char *const gone[] = { "\"cookies\"", "\"queryStringParameters\"", "\"body\"",
                                 "\"pathParameters\"", "\"stageVariables\"" };
    for (size_t i = 0; i < VG_COUNT(gone); i++)
        assert_false(contains(event, gone[i]));
    assert_true(contains(event, "\"rawQueryString\":\"\""));
    assert_true(contains(event, "\"isBase64Encoded\":false"));
}

static void
the_path_is_decoded_and_has_the_stage(void **state)
{
    (void)state;
    struct apigateway_call c = example();
    c.stage = VG_STR("dev");
    c.path = VG_STR("/a%20b/%C3%A9");
    c.query = VG_STR("x=%20+1&y&z=%3D");
    struct vg_str event = apigateway_event_v2(arena, &c);
    assert_true(contains(event, "\"rawPath\":\"/dev/a b/\xC3\xA9\""));
    assert_true(contains(event, "\"path\":\"/dev/a b/\xC3\xA9\""));
    assert_true(contains(event, "\"rawQueryString\":\"x=%20+1&y&z=%3D\""));
    assert_true(
        contains(event, "\"queryStringParameters\":{\"x\":\"  1\",\"y\":\"\",\"z\":\"=\"}"));
}

/* The table of ministackorg/ministack#766, measured on AWS. */
static void
bodies_are_text_only_for_some_types(void **state)
{
    (void)state;
    assert_true(apigateway_is_text(VG_STR("text/csv; charset=utf-8")));
    assert_true(apigateway_is_text(VG_STR("application/json")));
    assert_true(apigateway_is_text(VG_STR("Application/XML;x=y")));
    assert_true(apigateway_is_text(VG_STR("application/javascript")));
    assert_false(apigateway_is_text(VG_STR("application/x-www-form-urlencoded")));
    assert_false(apigateway_is_text(VG_STR("application/octet-stream")));
    assert_false(apigateway_is_text(VG_STR_NONE));
    struct apigateway_call c = example();
    c.headers.len = 1;
    assert_true(contains(apigateway_event_v2(arena, &c),
                         "\"body\":\"SGVsbG8gZnJvbSBMYW1iZGEh\",\"isBase64Encoded\":true"));
    c = example();
    c.body = VG_STR("\xff\xfe");
    assert_true(
        contains(apigateway_event_v2(arena, &c), "\"body\":\"//4=\",\"isBase64Encoded\":true"));
}

static void
format_1_is_as_documented(void **state)
{
    (void)state;
    struct apigateway_call c = example();
    struct vg_str event = apigateway_event_v1(arena, &c);
    const char *const parts[] = {
        "{\"version\":\"1.0\",\"resource\":\"$default\",\"path\":\"/my/path\","
        "\"httpMethod\":\"POST\",\"headers\":{\"header1\":\"value1\",\"header2\":\"value2\","
        "\"User-Agent\":\"agent\",",
        "\"cookie\":\"cookie1; cookie2\"",
        "\"multiValueHeaders\":{\"header1\":[\"value1\"],\"header2\":[\"value1\",\"value2\"],",
        "\"queryStringParameters\":{\"parameter1\":\"value2\",\"parameter2\":\"value\"},"
        "\"multiValueQueryStringParameters\":{\"parameter1\":[\"value1\",\"value2\"],"
        "\"parameter2\":[\"value\"]},",
        "\"identity\":{\"accessKey\":null,",
        "\"sourceIp\":\"192.0.2.1\",\"user\":null,\"userAgent\":\"agent\",\"userArn\":null}",
        "\"requestTime\":\"04/Mar/2020:19:03:58 +0000\",\"requestTimeEpoch\":1583348638390,"
        "\"resourceId\":null,\"resourcePath\":\"$default\",\"stage\":\"$default\"}",
        "\"body\":\"Hello from Lambda!\",\"isBase64Encoded\":false}",
    };
    for (size_t i = 0; i < VG_COUNT(parts); i++)
        if (!contains(event, parts[i]))
            fail_msg("missing %s in %" VG_FMT, parts[i], VG_ARG(event));
}

static void
format_1_says_null_for_what_is_not_there(void **state)
{
    (void)state;
    struct apigateway_call c = example();
    c.query = VG_STR("");
    c.body = VG_STR("");
    c.route_key = VG_STR("GET /pets/{id}");
    c.path_vars.len = c.stage_vars.len = 0;
    struct vg_str event = apigateway_event_v1(arena, &c);
    const char *const parts[] = {
        "\"resource\":\"/pets/{id}\"", "\"queryStringParameters\":null",
        "\"stageVariables\":null",     "\"multiValueQueryStringParameters\":null",
        "\"pathParameters\":null",     "\"body\":null,\"isBase64Encoded\":false",
    };
    for (size_t i = 0; i < VG_COUNT(parts); i++)
        assert_true(contains(event, parts[i]));
}

/* --- answers ------------------------------------------------------------------------------------
 */

static struct apigateway_reply
reply_of(const char *payload, bool is_v2)
{
    struct apigateway_reply r = { 0 };
    if (!apigateway_reply_from_lambda(arena, vg_str_of(payload), is_v2, &r))
        fail_msg("refused: %s", payload);
    return r;
}

static struct vg_str
header_of(const struct apigateway_reply *r, const char *name)
{
    return apigateway_header_joined(arena, &r->headers, vg_str_of(name));
}

static void
a_result_without_status_is_the_body(void **state)
{
    (void)state;
    struct apigateway_reply r = reply_of("{\"message\":\"Hello from Lambda!\"}", true);
    assert_int_equal(r.status, 200);
    assert_str(r.body, "{\"message\":\"Hello from Lambda!\"}");
    assert_str(header_of(&r, "content-type"), "application/json");
    r = reply_of("null", true);
    assert_int_equal(r.status, 200);
    r = reply_of("{\"body\":\"x\",\"headers\":{}}", true);
    assert_str(r.body, "{\"body\":\"x\",\"headers\":{}}");
}

static void
a_result_with_status_is_taken_apart(void **state)
{
    (void)state;
    struct apigateway_reply r = reply_of(
        "{\"cookies\":[\"cookie1=1\",\"cookie2=2\"],\"isBase64Encoded\":true,\"statusCode\":201,"
        "\"headers\":{\"X-Name\":\"v\",\"n\":1,\"b\":true,\"Content-Length\":\"999\"},"
        "\"body\":\"SGVsbG8=\",\"more\":{\"a\":[1]}}",
        true);
    assert_int_equal(r.status, 201);
    assert_str(r.body, "Hello");
    assert_str(header_of(&r, "x-name"), "v");
    assert_str(header_of(&r, "n"), "1");
    assert_str(header_of(&r, "b"), "true");
    assert_str(header_of(&r, "set-cookie"), "cookie1=1,cookie2=2");
    assert_null(header_of(&r, "content-length").ptr);
    assert_str(header_of(&r, "content-type"), "text/plain;charset=UTF-8");
    r = reply_of("{\"statusCode\":\"204\"}", true);
    assert_int_equal(r.status, 204);
    assert_int_equal(r.body.len, 0);
}

static void
multi_value_headers_win_over_equal_single_ones(void **state)
{
    (void)state;
    struct apigateway_reply r =
        reply_of("{\"statusCode\":200,\"headers\":{\"a\":\"1\",\"b\":\"2\"},"
                 "\"multiValueHeaders\":{\"A\":[\"1\",\"3\"]},\"body\":null}",
                 false);
    assert_str(header_of(&r, "a"), "1,3");
    assert_str(header_of(&r, "b"), "2");
}

static void
malformed_results_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        bool is_v2;
    } bad[] = {
        { "{\"message\":1}", false },
        { "\"text\"", false },
        { "null", false },
        { "{\"statusCode\":\"abc\"}", true },
        { "{\"statusCode\":199}", true },
        { "{\"statusCode\":200,\"body\":{\"a\":1}}", true },
        { "{\"statusCode\":200,\"headers\":[]}", true },
        { "{\"statusCode\":200,\"headers\":{\"a\":[\"b\"]}}", true },
        { "{\"statusCode\":200,\"headers\":{\"a\":\"b\\r\\nc: d\"}}", true },
        { "{\"statusCode\":200,\"headers\":{\"a b\":\"c\"}}", true },
        { "{\"statusCode\":200,\"body\":\"***\",\"isBase64Encoded\":true}", true },
        { "{\"statusCode\":200,\"cookies\":[1]}", true },
        { "{\"statusCode\":200,\"multiValueHeaders\":{\"a\":\"b\"}}", false },
    };
    for (size_t i = 0; i < VG_COUNT(bad); i++) {
        struct apigateway_reply r;
        if (apigateway_reply_from_lambda(arena, vg_str_of(bad[i].payload), bad[i].is_v2, &r))
            fail_msg("accepted: %s", bad[i].payload);
    }
}

/* --- CORS ---------------------------------------------------------------------------------------
 */

static struct apigateway_call
preflight(const char *origin)
{
    struct apigateway_call c = { .method = VG_STR("OPTIONS") };
    header(&c, "Origin", origin);
    header(&c, "Access-Control-Request-Method", "POST");
    return c;
}

static const struct vg_str origins[] = { VG_STR_INIT("https://www.example.com"),
                                         VG_STR_INIT("http://*") };
static const struct vg_str methods[] = { VG_STR_INIT("GET"), VG_STR_INIT("POST") };
static const struct vg_str names[] = { VG_STR_INIT("authorization"), VG_STR_INIT("*") };
static const struct vg_str star[] = { VG_STR_INIT("*") };

static struct apigateway_cors
some_cors(void)
{
    return (struct apigateway_cors) {
        .origins = { origins, 2 },
        .methods = { methods, 2 },
        .headers = { names, 2 },
        .expose = { names, 1 },
        .max_age_s = { true, 300 },
        .allows_credentials = true,
    };
}

static void
preflight_answers_what_is_configured(void **state)
{
    (void)state;
    struct apigateway_cors cors = some_cors();
    struct apigateway_call c = preflight("https://www.example.com");
    assert_true(apigateway_cors_is_preflight(&c));
    struct apigateway_reply r = apigateway_cors_preflight(arena, &cors, &c);
    assert_int_equal(r.status, 204);
    assert_str(header_of(&r, "access-control-allow-origin"), "https://www.example.com");
    assert_str(header_of(&r, "access-control-allow-methods"), "GET,POST");
    assert_str(header_of(&r, "access-control-allow-headers"), "authorization,*");
    assert_str(header_of(&r, "access-control-max-age"), "300");
    assert_str(header_of(&r, "access-control-allow-credentials"), "true");
    c = preflight("http://any.where:8080");
    r = apigateway_cors_preflight(arena, &cors, &c);
    assert_str(header_of(&r, "access-control-allow-origin"), "http://any.where:8080");
    c = preflight("https://evil.example.com");
    r = apigateway_cors_preflight(arena, &cors, &c);
    assert_int_equal(r.status, 204);
    assert_int_equal(r.headers.len, 0);
}

static void
the_integrations_cors_headers_are_replaced(void **state)
{
    (void)state;
    struct apigateway_cors cors = some_cors();
    struct apigateway_call c = preflight("https://www.example.com");
    struct apigateway_reply r =
        reply_of("{\"statusCode\":200,\"headers\":{\"Access-Control-Allow-Origin\":\"*\"}}", true);
    apigateway_cors_decorate(arena, &cors, &c, &r);
    assert_str(header_of(&r, "access-control-allow-origin"), "https://www.example.com");
    assert_str(header_of(&r, "access-control-expose-headers"), "authorization");
    cors.origins = (struct apigateway_strs) { star, 1 };
    cors.allows_credentials = false;
    apigateway_cors_decorate(arena, &cors, &c, &r);
    assert_str(header_of(&r, "access-control-allow-origin"), "*");
}

static void
cors_configuration_is_checked(void **state)
{
    (void)state;
    static const struct vg_str bare[] = { VG_STR_INIT("www.example.com") };
    static const struct vg_str verb[] = { VG_STR_INIT("FETCH") };
    struct apigateway_cors cors = some_cors();
    assert_null(apigateway_cors_check(&cors));
    cors.origins = (struct apigateway_strs) { star, 1 };
    assert_non_null(apigateway_cors_check(&cors));
    cors = some_cors();
    cors.origins = (struct apigateway_strs) { bare, 1 };
    assert_non_null(apigateway_cors_check(&cors));
    cors = some_cors();
    cors.methods = (struct apigateway_strs) { verb, 1 };
    assert_non_null(apigateway_cors_check(&cors));
    cors = some_cors();
    cors.max_age_s.v = 86401;
    assert_non_null(apigateway_cors_check(&cors));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(format_2_is_as_documented),
        ARENA_TEST(who_signed_is_in_both_formats),
        ARENA_TEST(format_2_leaves_out_what_is_not_there),
        ARENA_TEST(the_path_is_decoded_and_has_the_stage),
        ARENA_TEST(bodies_are_text_only_for_some_types),
        ARENA_TEST(format_1_is_as_documented),
        ARENA_TEST(format_1_says_null_for_what_is_not_there),
        ARENA_TEST(a_result_without_status_is_the_body),
        ARENA_TEST(a_result_with_status_is_taken_apart),
        ARENA_TEST(multi_value_headers_win_over_equal_single_ones),
        ARENA_TEST(malformed_results_are_refused),
        ARENA_TEST(preflight_answers_what_is_configured),
        ARENA_TEST(the_integrations_cors_headers_are_replaced),
        ARENA_TEST(cors_configuration_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
