/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rules and examples from "Filter pattern syntax" of the CloudWatch Logs User Guide
 * (FilterAndPatternSyntax.html), the examples that are given there with their outcome.
 */

#include "base/test.h"
#include "services/logs/logs_filter.h"

static bool
matches(const char *pattern, const char *message)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_err err = { 0 };
    struct logs_filter *f = NULL;
    if (logs_filter_parse(a, vg_str_of(pattern), &f, &err) != VG_OK)
        fail_msg("%s: %s", pattern, err.msg);
    return logs_filter_match(f, a, vg_str_of(message));
}

static bool
is_refused(const char *pattern)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_err err = { 0 };
    struct logs_filter *f = NULL;
    return logs_filter_parse(a, vg_str_of(pattern), &f, &err) == VG_FAIL && err.msg[0] != '\0';
}

static void
every_term_must_be_there(void **state)
{
    (void)state;
    assert_true(matches("ERROR", "[ERROR] A fatal exception has occurred"));
    assert_true(matches("ERROR", "Exiting with ERRORCODE: -1"));
    assert_false(matches("ERROR", "error: lower case is another term"));
    assert_true(matches("ERROR Exception", "[ERROR] Caught IllegalArgumentException"));
    assert_false(matches("ERROR Exception", "[ERROR] nothing else"));
    assert_true(matches("\"Failed to process\"", "[WARN] Failed to process the request"));
    assert_false(matches("\"Failed to process\"", "Failed, to process"));
    assert_true(matches("", "anything"));
    assert_true(matches("  ", "anything"));
    assert_true(matches("\"a \\\"quoted\\\" word\"", "here a \"quoted\" word is"));
}

static void
a_minus_excludes(void **state)
{
    (void)state;
    assert_false(matches("\"ERROR\" - \"Exiting\"", "Exiting with ERRORCODE: -1"));
    assert_true(matches("ERROR -WARN", "ERROR message"));
    assert_false(matches("ERROR -WARN", "ERROR WARN message"));
}

static void
question_marks_are_alternatives(void **state)
{
    (void)state;
    assert_true(matches("?ERROR ?WARN", "ERROR WARN message"));
    assert_true(matches("?ERROR ?WARN", "ERROR message"));
    assert_true(matches("?ERROR ?WARN", "WARN message"));
    assert_false(matches("?ERROR ?WARN", "INFO message"));
    assert_false(matches("ERROR WARN", "ERROR message"));
    /* combined with other terms they are ignored */
    assert_true(matches("?ERROR INFO", "INFO message"));
    assert_false(matches("?ERROR INFO", "ERROR message"));
}

static void
other_characters_need_quotes(void **state)
{
    (void)state;
    assert_true(is_refused("a-b"));
    assert_true(is_refused("user@example"));
    assert_true(is_refused("\"open"));
    assert_true(is_refused("-"));
    assert_true(matches("\"a-b\"", "xa-by"));
}

static void
regular_expressions_stand_between_percent_signs(void **state)
{
    (void)state;
    assert_true(matches("%AUTHORIZED%", "UNAUTHORIZED access"));
    assert_true(matches("%[0-9]{3}%", "status 404"));
    assert_false(matches("%^ERR%", "an ERR"));
    assert_true(matches("%10\\.10\\.0\\.1%", "from 10.10.0.1"));
    assert_false(matches("%10\\.10\\.0\\.1%", "from 10.10.001"));
    assert_true(is_refused("%something!%"));
    assert_true(is_refused("%(a)%"));
    assert_true(is_refused("%a b%"));
    assert_true(is_refused("%[a%"));
    assert_true(is_refused("%a% %b% %c%"));
    assert_true(is_refused("%%"));
}

#define EVENT                                                                                      \
    "{\"eventType\":\"UpdateTrail\",\"sourceIPAddress\":\"111.111.111.111\","                      \
    "\"arrayKey\":[\"value\",\"another value\"],\"objectList\":[{\"name\":\"a\",\"id\":1},"        \
    "{\"name\":\"b\",\"id\":2}],\"SomeObject\":null,\"ThisFlag\":true,\"accountId\":\"0123\"}"

static void
json_selects_properties(void **state)
{
    (void)state;
    assert_true(matches("{ $.eventType = \"UpdateTrail\" }", EVENT));
    assert_true(matches("{ $.eventType = UpdateTrail }", EVENT));
    assert_true(matches("{ $.sourceIPAddress != 123.123.* }", EVENT));
    assert_false(matches("{ $.sourceIPAddress = 123.123.* }", EVENT));
    assert_true(matches("{ $.arrayKey[0] = \"value\" }", EVENT));
    assert_false(matches("{ $.arrayKey[2] = \"value\" }", EVENT));
    assert_true(matches("{ $.objectList[1].id = 2 }", EVENT));
    assert_true(matches("{ $.SomeObject IS NULL }", EVENT));
    assert_false(matches("{ $.eventType IS NULL }", EVENT));
    assert_true(matches("{ $.SomeOtherObject NOT EXISTS }", EVENT));
    assert_false(matches("{ $.SomeObject NOT EXISTS }", EVENT));
    assert_true(matches("{ $.ThisFlag IS TRUE }", EVENT));
    assert_false(matches("{ $.ThisFlag IS FALSE }", EVENT));
    assert_true(matches("{ $.accountId = 0123 }", EVENT));
    assert_true(matches("{ $.eventType = %^Update% }", EVENT));
    assert_true(matches("{ $.eventType = * }", EVENT));
}

static void
json_wildcards_stand_at_the_ends(void **state)
{
    (void)state;
    assert_true(matches("{ $.e = \"*Event\" }", "{\"e\":\"PutEvent\"}"));
    assert_true(matches("{ $.e = Event* }", "{\"e\":\"EventId\"}"));
    assert_true(matches("{ $.e = *ven* }", "{\"e\":\"EventId\"}"));
    assert_false(matches("{ $.e = \"Ev*ent\" }", "{\"e\":\"Evxent\"}"));
    assert_true(matches("{ $.e = \"Ev*ent\" }", "{\"e\":\"Ev*ent\"}"));
}

#define USERS                                                                                      \
    "{\"user\":{\"id\":1,\"email\":\"John.Stiles@example.com\"},\"users\":[{\"id\":2,"             \
    "\"email\":\"John.Doe@example.com\"},{\"id\":3,\"email\":\"Jane.Doe@example.com\"}],"          \
    "\"actions\":[\"GET\",\"PUT\",\"DELETE\"],\"coordinates\":[[0,1,2],[4,5,6],[7,8,9]]}"

static void
json_conditions_combine_by_precedence(void **state)
{
    (void)state;
    assert_true(
        matches("{ ($.user.id = 1) && ($.users[0].email = \"John.Doe@example.com\") }", USERS));
    assert_false(matches("{ ($.user.id = 2 && $.users[0].email = \"nonmatch\") || $.actions[2] = "
                         "\"GET\" }",
                         USERS));
    assert_true(matches("{ $.user.email = \"John.Stiles@example.com\" || $.coordinates[0][1] = "
                        "nonmatch && $.actions[2] = nomatch }",
                        USERS));
    assert_false(matches("{ ($.user.email = \"John.Stiles@example.com\" || $.coordinates[0][1] = "
                         "nonmatch) && $.actions[2] = nomatch }",
                         USERS));
    assert_true(matches("{ $.coordinates[1][2] = 6 }", USERS));
}

static void
json_objects_and_missing_values_never_compare(void **state)
{
    (void)state;
    assert_false(matches("{ $.users = 1 }", "{\"users\":[1,2,3]}"));
    assert_false(matches("{ $.users != 1 }", "{\"users\":[1,2,3]}"));
    assert_false(matches("{ $.nothing != 1 }", "{\"users\":1}"));
    assert_false(matches("{ $.a = 1 }", "not json"));
    assert_false(matches("{ $.a = 1 }", "{\"a\":1} trailing"));
    assert_false(matches("{ $.a NOT EXISTS }", "plain text"));
}

static void
json_compares_numbers(void **state)
{
    (void)state;
    assert_true(matches("{ $.latency >= 500 }", "{\"latency\":500}"));
    assert_true(matches("{ $.numbers[0] < 10e3 }", "{\"numbers\":[9999.5]}"));
    assert_false(matches("{ $.numbers[0] < 10e-3 }", "{\"numbers\":[1]}"));
    assert_true(
        matches("{ $.p[1].averageRuntime <= 55.5 }", "{\"p\":[0,{\"averageRuntime\":55.5}]}"));
    assert_true(matches("{ $.errorCode = 400 }", "{\"errorCode\":4.0e2}"));
    assert_true(matches("{ $.errorCode != 500 }", "{\"errorCode\":400}"));
    assert_true(matches("{ $.latency > +1000 }", "{\"latency\":1001}"));
    assert_false(matches("{ $.latency > 1 }", "{\"latency\":\"slow\"}"));
    assert_true(is_refused("{ $.latency > slow }"));
}

#define APACHE                                                                                     \
    "127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] \"GET /apache_pb.gif HTTP/1.0\" 404 1534"

static void
fields_are_split_at_spaces_brackets_and_quotes(void **state)
{
    (void)state;
    const char *all = "[ip, user, username, timestamp, request, status_code, bytes]";
    assert_true(matches(all, APACHE));
    assert_false(matches(all, "127.0.0.1 - frank"));
    assert_true(matches("[ip, user, username, timestamp, request = *apache*, status_code = 4*, "
                        "bytes]",
                        APACHE));
    assert_true(matches("[ip, user, username, timestamp = 10/Oct*, request, status_code, "
                        "bytes > 1000]",
                        APACHE));
    assert_true(matches("[ip, user, username, timestamp, request, status_code = 4* && "
                        "status_code != 403, bytes]",
                        APACHE));
    assert_false(
        matches("[ip, user, username, timestamp, request, status_code = 200, bytes]", APACHE));
}

static void
an_ellipsis_stands_for_any_fields(void **state)
{
    (void)state;
    assert_true(matches("[..., status_code, bytes]", APACHE));
    assert_true(matches("[ip, user, ..., status_code = 404, bytes]", APACHE));
    assert_true(matches("[ip = 127.*, user, ...]", APACHE));
    assert_true(matches("[..., request=*.gif*, status_code=4*,]", APACHE));
    assert_false(matches("[a, b, c, ..., d]", "1 2 3"));
    assert_true(matches("[a, b, c, ...]", "1 2 3"));
    assert_true(is_refused("[..., a, ...]"));
}

static void
fields_take_alternatives(void **state)
{
    (void)state;
    assert_true(matches("[w1=ERROR || w1=WARN, w2]", "WARN message"));
    assert_false(matches("[w1=ERROR, w2]", "WARN message"));
    assert_true(matches("[w1!=ERROR&&w1!=WARN, w2]", "INFO message"));
    assert_true(matches("[w1=%^E[A-Z]+$%, w2]", "ERROR message"));
    assert_true(is_refused("[w1=ERROR && other=1, w2]"));
    assert_true(is_refused("[w1=ERROR"));
}

static void
malformed_expressions_are_refused(void **state)
{
    (void)state;
    const char *bad[] = {
        "{ }",          "{ $ = 1 }",      "{ $.a }",       "{ $.a = }",
        "{ $.a = 1",    "{ a = 1 }",      "{ $.a = 1 } x", "{ $.a[x] = 1 }",
        "{ ($.a = 1 }", "{ $.a = b@c }",  "{ $.a IS 1 }",  "{ $.a NOT NULL }",
        "{ $.a == 1 }", "{ $.a = 1 && }", "{ $[0] = 1 }",  "{ $.a = \"open }",
        "{ $.a =~ x }",
    };
    for (size_t i = 0; i < VG_COUNT(bad); i++)
        if (!is_refused(bad[i]))
            fail_msg("accepted: %s", bad[i]);
}

static void
depth_and_length_are_bounded(void **state)
{
    (void)state;
    char deep[200];
    memset(deep, '(', sizeof(deep) - 1);
    deep[0] = '{';
    deep[sizeof(deep) - 1] = '\0';
    assert_true(is_refused(deep));
    static char wide[LOGS_FILTER_MAX_CHARS + 2];
    memset(wide, 'a', sizeof(wide) - 1);
    assert_true(is_refused(wide));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_term_must_be_there),
        cmocka_unit_test(a_minus_excludes),
        cmocka_unit_test(question_marks_are_alternatives),
        cmocka_unit_test(other_characters_need_quotes),
        cmocka_unit_test(regular_expressions_stand_between_percent_signs),
        cmocka_unit_test(json_selects_properties),
        cmocka_unit_test(json_wildcards_stand_at_the_ends),
        cmocka_unit_test(json_conditions_combine_by_precedence),
        cmocka_unit_test(json_objects_and_missing_values_never_compare),
        cmocka_unit_test(json_compares_numbers),
        cmocka_unit_test(fields_are_split_at_spaces_brackets_and_quotes),
        cmocka_unit_test(an_ellipsis_stands_for_any_fields),
        cmocka_unit_test(fields_take_alternatives),
        cmocka_unit_test(malformed_expressions_are_refused),
        cmocka_unit_test(depth_and_length_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
