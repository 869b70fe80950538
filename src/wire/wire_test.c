/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreters over the models of real services. The protocols' own cases: tests/conformance.
 */
#include "base/test.h"
#include "services/apigateway/errors.h"
#include "services/iam/errors.h"
#include "services/lambda/errors.h"
#include "services/logs/errors.h"
#include "services/sts/model.h"
#include "wire/wire.h"

static struct vg_arena *arena;
static struct vg_patterns *patterns;
static struct vg_err err;

static int
set_up(void **state)
{
    (void)state;
    arena = vg_arena_new(0);
    patterns = vg_patterns_new();
    err = (struct vg_err) { 0 };
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    vg_arena_free(arena);
    vg_patterns_free(patterns);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define assert_fails(rc, def_, text)                                                               \
    do {                                                                                           \
        assert_int_equal(rc, VG_FAIL);                                                             \
        assert_ptr_equal(err.def, def_);                                                           \
        assert_str(vg_err_text(&err), text);                                                       \
    } while (0)

/* --- aws-json ------------------------------------------------------------------------------------
 */

static const struct vg_wire_op put_events = {
    .name = VG_STR_INIT("PutLogEvents"),
    .model = &logs_model,
    .in = &logs_shape_put_log_events_request,
    .out = &logs_shape_put_log_events_response,
};

static vg_rc
put_events_of(struct vg_str body, struct logs_put_log_events_request *ret)
{
    struct vg_wire_in in = { .body = body };
    return vg_wire_decode(&put_events, &in, arena, ret, &err);
}

static void
json_becomes_a_typed_input(void **state)
{
    (void)state;
    struct logs_put_log_events_request in;
    assert_ok(
        put_events_of(VG_STR("{\"logGroupName\":\"g\",\"unknown\":[{}],\"logStreamName\":null,"
                             "\"logEvents\":[{\"timestamp\":1.0,\"message\":\"a\\nb\"},"
                             "{\"timestamp\":-2,\"message\":\"\"}]}"),
                      &in));
    assert_str(in.log_group_name, "g");
    assert_null(in.log_stream_name.ptr);
    assert_true(in.log_events.set);
    assert_int_equal(in.log_events.len, 2);
    assert_true(in.log_events.items[0].timestamp.set && in.log_events.items[0].timestamp.v == 1);
    assert_str(in.log_events.items[0].message, "a\nb");
    assert_non_null(in.log_events.items[1].message.ptr);
    assert_ok(put_events_of(VG_STR(""), &in));
    assert_false(in.log_events.set);
}

/* As with Jackson, which AWS's services read JSON with: the last one counts, whole. */
static void
of_duplicate_members_the_last_counts(void **state)
{
    (void)state;
    struct logs_put_log_events_request in;
    assert_ok(put_events_of(VG_STR("{\"logEvents\":[{\"message\":\"a\"}],\"logGroupName\":\"g\","
                                   "\"logEvents\":[],\"logGroupName\":\"h\"}"),
                            &in));
    assert_true(in.log_events.set && in.log_events.len == 0);
    assert_str(in.log_group_name, "h");
}

static void
what_is_malformed_is_a_serialization_exception(void **state)
{
    (void)state;
    struct logs_put_log_events_request in;
    const struct vg_errdef *def = &vg_wire_serialization;
    assert_fails(put_events_of(VG_STR("{"), &in), def, "");
    assert_fails(put_events_of(VG_STR("{} x"), &in), def, "");
    assert_fails(put_events_of(VG_STR("{\"x\":\"\xFF\"}"), &in), def, "");
    assert_fails(put_events_of(VG_STR("[]"), &in), def, "Start of list found where not expected");
    assert_fails(put_events_of(VG_STR("{\"logGroupName\":1}"), &in), def,
                 "NUMBER_VALUE cannot be converted to String");
    assert_fails(put_events_of(VG_STR("{\"logGroupName\":true}"), &in), def,
                 "TRUE_VALUE cannot be converted to String");
    assert_fails(put_events_of(VG_STR("{\"logGroupName\":{}}"), &in), def,
                 "Start of structure or map found where not expected.");
    assert_fails(put_events_of(VG_STR("{\"logEvents\":\"x\"}"), &in), def, "Unexpected field type");
    assert_fails(put_events_of(VG_STR("{\"logEvents\":[{\"timestamp\":\"1\"}]}"), &in), def,
                 "STRING_VALUE cannot be converted to Long");
    assert_fails(put_events_of(VG_STR("{\"logEvents\":[{\"timestamp\":1.5}]}"), &in), def,
                 "NUMBER_VALUE cannot be converted to Long");
    char deep[300] = "{\"x\":";
    memset(deep + 5, '[', 200);
    assert_fails(put_events_of(vg_str_of(deep), &in), def, "");
}

static void
errors_carry_their_type(void **state)
{
    (void)state;
    struct vg_wire_out out;
    struct logs_resource_not_found_exception detail = { 0 };
    (void)vg_wire_fail(&err, arena, &logs_err_resource_not_found_exception, "no \"%s\"", "g");
    err.detail = &detail;
    vg_wire_encode_error(&logs_model, 0, &err, VG_STR("id-1"), arena, &out);
    assert_int_equal(out.status, 400);
    assert_str(vg_buf_str(&out.body),
               "{\"__type\":\"ResourceNotFoundException\",\"message\":\"no \\\"g\\\"\"}");
    assert_str(out.headers.items[0].name, "x-amzn-RequestId");
    assert_str(out.headers.items[0].value, "id-1");
    (void)vg_err_set(&err, "disk gone");
    vg_wire_encode_error(&logs_model, 0, &err, VG_STR("id-1"), arena, &out);
    assert_int_equal(out.status, 500);
    assert_str(vg_buf_str(&out.body), "{\"__type\":\"InternalFailure\"}");
}

/* --- query ---------------------------------------------------------------------------------------
 */

static const struct vg_http_binding create_role_http = {
    .method = VG_STR_INIT("POST"),
    .uri = VG_STR_INIT("/"),
    .wrapper = VG_STR_INIT("CreateRoleResult"),
    .status = 200,
};
static const struct vg_wire_op create_role = {
    .name = VG_STR_INIT("CreateRole"),
    .model = &iam_model,
    .http = &create_role_http,
    .in = &iam_shape_create_role_request,
    .out = &iam_shape_create_role_response,
};

static void
a_form_becomes_a_typed_input_in_any_order(void **state)
{
    (void)state;
    struct iam_create_role_request in;
    struct vg_wire_in req = {
        .body =
            VG_STR("Tags.member.10.Key=j&Action=CreateRole&RoleName=a%2Bb+c&Tags.member.2.Value="
                   "&Tags.member.2.Key=b&Version=2010-05-08&MaxSessionDuration=3600"
                   "&Tags.member.10.Value=10&Unknown.1.x=1&Tags.member.1.Key=a"),
    };
    assert_ok(vg_wire_decode(&create_role, &req, arena, &in, &err));
    assert_str(in.role_name, "a+b c");
    assert_true(in.max_session_duration.v == 3600);
    assert_int_equal(in.tags.len, 3);
    assert_str(in.tags.items[0].key, "a");
    assert_null(in.tags.items[0].value.ptr);
    assert_str(in.tags.items[1].key, "b");
    assert_str(in.tags.items[1].value, "");
    assert_str(in.tags.items[2].value, "10");
    req.body = VG_STR("MaxSessionDuration=1h");
    assert_fails(vg_wire_decode(&create_role, &req, arena, &in, &err), &vg_wire_malformed_input,
                 "Value '1h' of MaxSessionDuration is malformed");
    req.body = VG_STR("RoleName=%FF");
    assert_int_equal(vg_wire_decode(&create_role, &req, arena, &in, &err), VG_FAIL);
    assert_ptr_equal(err.def, &vg_wire_malformed_query);
}

static void
query_answers_in_xml(void **state)
{
    (void)state;
    struct vg_wire_out out;
    struct iam_tag tags[] = { { .key = VG_STR("a<b"), .value = VG_STR("") } };
    struct iam_role role = {
        .role_name = VG_STR("r"),
        .create_date_ms = { true, 1422172800000 },
        .tags = { .items = tags, .len = 1, .set = true },
    };
    struct iam_create_role_response res = { .role = &role };
    vg_wire_encode(&create_role, &res, VG_STR("id-1"), arena, &out);
    assert_str(vg_buf_str(&out.body),
               "<CreateRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"
               "<CreateRoleResult><Role><RoleName>r</RoleName>"
               "<CreateDate>2015-01-25T08:00:00Z</CreateDate>"
               "<Tags><member><Key>a&lt;b</Key><Value></Value></member></Tags>"
               "</Role></CreateRoleResult><ResponseMetadata><RequestId>id-1</RequestId>"
               "</ResponseMetadata></CreateRoleResponse>");
    (void)vg_wire_fail(&err, arena, &iam_err_no_such_entity_exception, "no role");
    vg_wire_encode_error(&iam_model, 0, &err, VG_STR("id-1"), arena, &out);
    assert_int_equal(out.status, 404);
    assert_str(vg_buf_str(&out.body),
               "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"
               "<Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>no role</Message>"
               "</Error><RequestId>id-1</RequestId></ErrorResponse>");
}

/* --- rest-json and routes ------------------------------------------------------------------------
 */

#define HTTP(verb, path, code)                                                                     \
    (const struct vg_http_binding)                                                                 \
    {                                                                                              \
        .method = VG_STR_INIT(verb), .uri = VG_STR_INIT(path), .status = code                      \
    }
#define REST(n, m, verb, uri, i, o)                                                                \
    {                                                                                              \
        .name = VG_STR_INIT(n), .model = &m, .http = &HTTP(verb, uri, 200), .in = i, .out = o,     \
    }

static void
the_most_specific_template_wins(void **state)
{
    (void)state;
    const struct vg_wire_op ops[] = {
        REST("Greedy", lambda_model, "GET", "/a/{Key+}", NULL, NULL),
        REST("Label", lambda_model, "GET", "/a/{Name}", NULL, NULL),
        REST("Literal", lambda_model, "GET", "/a/b", NULL, NULL),
        REST("Sub", lambda_model, "GET", "/a/{Name}/b/", NULL, NULL),
        REST("Query", lambda_model, "GET", "/a/{Name}?acl&list-type=2", NULL, NULL),
        REST("Behind", lambda_model, "GET", "/g/{Key+}/end", NULL, NULL),
        REST("Other", apigatewayv2_model, "GET", "/a/b", NULL, NULL),
        { .name = VG_STR_INIT("PutLogEvents"), .model = &logs_model },
        { .name = VG_STR_INIT("CreateRole"), .model = &iam_model },
    };
    struct vg_routes *r = vg_routes_new(ops, VG_COUNT(ops));
    static const struct {
        const char *path, *query, *name, *label;
    } cases[] = {
        { "/a/b", NULL, "Literal", NULL },
        { "/a/b/", NULL, "Literal", NULL },
        { "/a/c", NULL, "Label", "c" },
        { "/a/c%2Fd", "", "Label", "c%2Fd" },
        { "/a/c/b", NULL, "Sub", "c" },
        { "/a/c/d/", NULL, "Greedy", "c/d/" },
        { "/a/c/b/e", NULL, "Greedy", "c/b/e" },
        { "/a/c", "x=1&list-type=2&acl=", "Query", "c" },
        { "/a/c", "list-type=1&acl", "Label", "c" },
        { "/g/x/y/end", NULL, "Behind", "x/y" },
        { "/g/end", NULL, NULL, NULL },
        { "/a", NULL, NULL, NULL },
        { "/a//b", NULL, "Greedy", "/b" },
        { "/", NULL, NULL, NULL },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        struct vg_wire_in in = { .method = VG_STR("GET"), .path = vg_str_of(cases[i].path) };
        in.query = vg_str_of(cases[i].query);
        const struct vg_wire_op *op = vg_routes_by_uri(r, VG_STR("lambda"), &in);
        if (cases[i].name == NULL) {
            assert_null(op);
            continue;
        }
        assert_non_null(op);
        assert_true(vg_str_eq(op->name, vg_str_of(cases[i].name)));
        assert_int_equal(in.n_labels, cases[i].label ? 1 : 0);
        if (cases[i].label)
            assert_true(vg_str_eq(in.labels[0].value, vg_str_of(cases[i].label)));
    }
    assert_ptr_equal(vg_routes_by_target(r, VG_STR("Logs_20140328.PutLogEvents"))->model,
                     &logs_model);
    assert_null(vg_routes_by_target(r, VG_STR("Logs_20140328.PutLogEvent")));
    assert_null(vg_routes_by_target(r, VG_STR("Logs.PutLogEvents")));
    assert_non_null(
        vg_routes_by_action(r, VG_STR_NONE, VG_STR("2010-05-08"), VG_STR("CreateRole")));
    assert_null(vg_routes_by_action(r, VG_STR_NONE, VG_STR("2011-06-15"), VG_STR("CreateRole")));
    assert_null(vg_routes_by_action(r, VG_STR_NONE, VG_STR_NONE, VG_STR("PutLogEvents")));
    assert_ptr_equal(vg_routes_model(r, VG_STR("apigateway")), &apigatewayv2_model);
    vg_routes_free(r);
}

static void
rest_input_comes_from_everywhere(void **state)
{
    (void)state;
    static const struct vg_http_binding http = { .method = VG_STR_INIT("POST"),
                                                 .uri = VG_STR_INIT("/f/{FunctionName}"),
                                                 .status = 200 };
    const struct vg_wire_op op = {
        .name = VG_STR("Invoke"),
        .model = &lambda_model,
        .http = &http,
        .in = &lambda_shape_invocation_request,
        .out = &lambda_shape_invocation_response,
    };
    const struct vg_http_header headers[] = { { VG_STR("x-amz-invocation-type"),
                                                VG_STR("Event") } };
    struct vg_wire_in in = {
        .query = VG_STR("Qualifier=a%20b+c"),
        .body = VG_STR("{\"x\":1}"),
        .headers = headers,
        .n_headers = 1,
        .labels = { { VG_STR("FunctionName"), VG_STR("arn%3Aaws%3Ax") } },
        .n_labels = 1,
    };
    struct lambda_invocation_request req;
    assert_ok(vg_wire_decode(&op, &in, arena, &req, &err));
    assert_str(req.function_name, "arn:aws:x");
    assert_str(req.qualifier, "a b c");
    assert_int_equal(req.invocation_type.v, LAMBDA_INVOCATION_TYPE_EVENT);
    assert_str(req.payload, "{\"x\":1}");

    struct lambda_invocation_response res = {
        .status_code = { true, 202 },
        .function_error = VG_STR("Unhandled"),
        .payload = VG_STR("[]"),
    };
    struct vg_wire_out out;
    vg_wire_encode(&op, &res, VG_STR_NONE, arena, &out);
    assert_int_equal(out.status, 202);
    assert_str(vg_buf_str(&out.body), "[]");
    assert_str(out.headers.items[0].name, "X-Amz-Function-Error");

    struct lambda_resource_not_found_exception detail = { .type = VG_STR("User") };
    (void)vg_wire_fail(&err, arena, &lambda_err_resource_not_found_exception, "gone");
    err.detail = &detail;
    vg_wire_encode_error(&lambda_model, 0, &err, VG_STR_NONE, arena, &out);
    assert_int_equal(out.status, 404);
    assert_str(out.headers.items[0].value, "ResourceNotFoundException");
    assert_str(vg_buf_str(&out.body), "{\"Message\":\"gone\",\"Type\":\"User\"}");
}

/* --- validation ----------------------------------------------------------------------------------
 */

static void
validation_speaks_as_aws(void **state)
{
    (void)state;
    struct iam_create_role_request in = { .role_name = VG_STR("a b"),
                                          .assume_role_policy_document = VG_STR("{}"),
                                          .max_session_duration = { true, 60 } };
    /* the form that AWS's services answer; patterns before lengths, as DynamoDB and Cognito do */
    assert_fails(
        vg_wire_validate(patterns, &iam_model, &iam_shape_create_role_request, &in, arena, &err),
        &vg_wire_validation_query,
        "2 validation errors detected: Value 'a b' at 'roleName' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]+; Value "
        "'60' at 'maxSessionDuration' failed to satisfy constraint: Member must have value "
        "greater than or equal to 3600");
    in = (struct iam_create_role_request) { .role_name = VG_STR("a") };
    assert_fails(
        vg_wire_validate(patterns, &iam_model, &iam_shape_create_role_request, &in, arena, &err),
        &vg_wire_validation_query,
        "1 validation error detected: Value null at 'assumeRolePolicyDocument' failed to "
        "satisfy constraint: Member must not be null");
    struct iam_tag tags[] = { { .key = VG_STR(""), .value = VG_STR("v") } };
    in.assume_role_policy_document = VG_STR("{}");
    in.tags.items = tags;
    in.tags.len = 1;
    (void)!vg_wire_validate(patterns, &iam_model, &iam_shape_create_role_request, &in, arena, &err);
    assert_true(vg_str_find(vg_err_text(&err), VG_STR("at 'tags.1.member.key'")) != VG_NPOS);
}

/* Lambda's answer, as reported by its users: all of an element's rules, in this order. */
static void
a_list_answers_for_its_scalars(void **state)
{
    (void)state;
    struct lambda_function_code code = { 0 };
    struct vg_enum arch[] = { { -1, VG_STR("foo") } };
    struct lambda_create_function_request in = {
        .function_name = VG_STR("f"),
        .role = VG_STR("arn:aws:iam::000000000000:role/r"),
        .code = &code,
        .architectures = { .items = arch, .len = 1, .set = true },
    };
    assert_fails(vg_wire_validate(patterns, &lambda_model, &lambda_shape_create_function_request,
                                  &in, arena, &err),
                 &vg_wire_validation,
                 "1 validation error detected: Value '[foo]' at 'architectures' failed to satisfy "
                 "constraint: Member must satisfy constraint: [Member must satisfy enum value set: "
                 "[x86_64, arm64], Member must not be null]");
}

static void
secrets_are_not_repeated(void **state)
{
    (void)state;
    struct iam_change_password_request in = { .old_password = VG_STR("o"),
                                              .new_password = VG_STR("") };
    assert_int_equal(vg_wire_validate(patterns, &iam_model, &iam_shape_change_password_request, &in,
                                      arena, &err),
                     VG_FAIL);
    assert_true(vg_str_starts(
        vg_err_text(&err), VG_STR("2 validation errors detected: Value at 'newPassword' failed")));
}

/* A text that would take for ever to refuse is let through: the service looks at it anyway. */
static void
patterns_match_whole_texts_within_limits(void **state)
{
    (void)state;
    assert_true(vg_patterns_match(patterns, "[a-z]+", VG_STR("abc")));
    assert_false(vg_patterns_match(patterns, "[a-z]+", VG_STR("abc1")));
    assert_false(vg_patterns_match(patterns, "[a-z]+$", VG_STR("abc\n")));
    assert_true(vg_patterns_match(patterns, "a|ab", VG_STR("ab")));
    assert_true(vg_patterns_match(patterns, "[\\x{9}\\x{20}-\\x{FF}]+", VG_STR("a\xC3\xA9")));
    assert_false(vg_patterns_match(patterns, "[\\x{9}\\x{20}-\\x{FF}]+", VG_STR("\xE2\x82\xAC")));
    assert_true(vg_patterns_match(patterns, "(a|a)*[x-z]",
                                  VG_STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac")));
}

/* --- JSON by the model's names
 * -------------------------------------------------------------------- */

static void
plain_json_goes_both_ways(void **state)
{
    (void)state;
    struct lambda_invocation_request req;
    assert_ok(vg_wire_from_json(&lambda_shape_invocation_request,
                                VG_STR("{\"FunctionName\":\"f\",\"InvocationType\":\"Event\","
                                       "\"Payload\":\"e30=\"}"),
                                arena, &req, &err));
    assert_str(req.function_name, "f");
    assert_str(req.payload, "{}");
    struct vg_buf b;
    vg_buf_init(&b, arena, 1000);
    vg_wire_to_json(&lambda_shape_invocation_request, &req, &b);
    assert_str(vg_buf_str(&b),
               "{\"FunctionName\":\"f\",\"InvocationType\":\"Event\",\"Payload\":\"e30=\"}");
    assert_fails(vg_wire_from_json(&lambda_shape_invocation_request, VG_STR("{\"functionName\":1}"),
                                   arena, &req, &err),
                 &vg_wire_validation, "InvocationRequest has no member \"functionName\"");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(json_becomes_a_typed_input),
        TEST(of_duplicate_members_the_last_counts),
        TEST(what_is_malformed_is_a_serialization_exception),
        TEST(errors_carry_their_type),
        TEST(a_form_becomes_a_typed_input_in_any_order),
        TEST(query_answers_in_xml),
        TEST(the_most_specific_template_wins),
        TEST(rest_input_comes_from_everywhere),
        TEST(validation_speaks_as_aws),
        TEST(a_list_answers_for_its_scalars),
        TEST(secrets_are_not_repeated),
        TEST(patterns_match_whole_texts_within_limits),
        TEST(plain_json_goes_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
