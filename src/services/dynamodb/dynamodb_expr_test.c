/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Expressions by AWS's developer guide ("Condition and filter expressions", "Update expressions",
 * "Projection expressions"); messages as DynamoDB Local and the service give them.
 */

#include "base/test.h"
#include "services/dynamodb/dynamodb_expr.h"
#include "services/dynamodb/dynamodb_lex.h"
#include "services/dynamodb/dynamodb_value_json.h"

static struct vg_str
item_of(struct vg_arena *arena, const char *json)
{
    struct vg_json js;
    struct vg_err err = { 0 };
    struct dynamodb_item item = { 0 };
    vg_json_init(&js, vg_str_of(json), arena);
    assert_ok(dynamodb_item_decode(&js, vg_json_next(&js), &item, &err));
    assert_null(item.fault.ptr);
    assert_true(dynamodb_item_is_sound(item.v));
    return item.v;
}

static struct vg_str
item_json(struct vg_arena *arena, struct vg_str item)
{
    struct vg_buf b;
    struct vg_json_out w;
    vg_buf_init(&b, arena, 1 << 20);
    vg_jsonw_init(&w, &b);
    struct dynamodb_item it = { .v = item };
    assert_true(dynamodb_item_is_sound(item));
    dynamodb_item_encode(&w, &it);
    return vg_buf_str(&b);
}

static const char values_json[] =
    "{\":n\":{\"N\":\"1\"},\":n2\":{\"N\":\"2\"},\":s\":{\"S\":\"x\"},\":s2\":{\"S\":\"y\"},"
    "\":b\":{\"B\":\"eA==\"},\":bo\":{\"BOOL\":true},\":nu\":{\"NULL\":true},\":l\":{\"L\":[{\"N\":"
    "\"9\"}]},\":m\":{\"M\":{}},\":ss\":{\"SS\":[\"a\",\"q\"]},\":ns\":{\"NS\":[\"1\"]},"
    "\":type\":{\"S\":\"N\"},\":str\":{\"S\":\"str\"},\":n5\":{\"N\":\"5\"},\":n3\":{\"N\":\"3\"}}";

static const char item_text[] =
    "{\"a\":{\"S\":\"string\"},\"n\":{\"N\":\"5\"},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"x\"},{"
    "\"M\":{"
    "\"k\":{\"N\":\"7\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"S\":\"z\"}}},\"ss\":{"
    "\"SS\":["
    "\"a\",\"b\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"bo\":{\"BOOL\":true},\"nu\":{\"NULL\":true},"
    "\"bin\":{\"B\":\"eHl6\"}}";

static void
exprs(struct dynamodb_exprs *x, struct vg_arena *a)
{
    dynamodb_exprs_init(x, a);
    struct dynamodb_item values = { .v = item_of(a, values_json) };
    assert_true(dynamodb_exprs_values(x, &values));
    const struct vg_str keys[] = { VG_STR("#n"), VG_STR("#name") };
    const struct vg_str names[] = { VG_STR("n"), VG_STR("name") };
    assert_true(dynamodb_exprs_names(x, keys, names, 2));
}

static void
conditions_hold_as_documented(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool holds;
    } cases[] = {
        { "a = :s", false },
        { "a <> :s", true },
        { "nope <> :s", true },
        { "nope = :s", false },
        { "n = :n5", true },
        { "#n = :n5", true },
        { "n > :n AND n < :n2", false },
        { "n > :n and n >= :n5 OR a = :s", true },
        { "n < :s", false }, /* types differ */
        { "NOT n = :n", true },
        { "NOT (n = :n5 OR a = :s)", false },
        { "n BETWEEN :n AND :n5", true },
        { "n BETWEEN :n AND :n2", false },
        { "n IN (:n, :n2, :n5)", true },
        { "n IN (:s)", false },
        { "nope IN (:s)", false },
        { "attribute_exists(m.x) AND attribute_exists(l[2].k)", true },
        { "attribute_exists(m.q)", false },
        { "attribute_exists(l[3])", false },
        { "attribute_not_exists(a.b)", true },
        { "attribute_type(n, :type)", true },
        { "attribute_type(a, :type)", false },
        { "begins_with(a, :str)", true },
        { "begins_with(a, :b)", false },
        { "begins_with(bin, :b)", true },
        { "contains(a, :str)", true },
        { "contains(ss, :s)", false },
        { "contains(ns, :n)", true },
        { "contains(l, :s)", true },
        { "contains(l, :n2)", false },
        { "size(a) = :n5", false },
        { "size(l) = :n3", true },
        { "size(ss) = :n2", true },
        { "size(m) = :n2", true },
        { "size(bin) = :n3", true },
        { "size(n) = :n", false },
        { "size(nope) = :n", false },
        { "m.x = :n", true },
        { "l[0] = :n", true },
        { "l[1] = :s AND l[2].k > :n", true },
        { ":n = :n", true },
        { ":n BETWEEN :n AND :n2", true },
        { "(a) = :s", false },
        { "a=:s or(n=:n5)and not(bo=:nu)", true },
        { "NOT NOT n = :n5", true },
        { "bo = :bo AND nu = :nu", true },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        vg_auto_arena struct vg_arena *a = vg_arena_new(0);
        struct dynamodb_exprs x;
        exprs(&x, a);
        const struct dynamodb_node *node;
        if (!dynamodb_parse_condition(&x, "ConditionExpression", vg_str_of(cases[i].text), &node))
            fail_msg("%s: %" VG_FMT, cases[i].text, VG_ARG(x.error));
        if (dynamodb_condition_holds(a, node, item_of(a, item_text)) != cases[i].holds)
            fail_msg("%s is not %d", cases[i].text, cases[i].holds);
    }
}

#define SYNTAX(token, near) "Syntax error; token: \"" token "\", near: \"" near "\""
#define IOT                 "Incorrect operand type for operator or function; operator or function: "
#define DISTINCT                                                                                   \
    "The first operand must be distinct from the remaining operands for this operator or "         \
    "function; operator: "

static void
bad_conditions_say_why(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "", "The expression can not be empty;" },
        { "  ", SYNTAX("<EOF>", "  ") },
        { "a", SYNTAX("<EOF>", "a") },
        { "a =", SYNTAX("<EOF>", "=") },
        { "a = :n AND", SYNTAX("<EOF>", "AND") },
        { "(a = :n", SYNTAX("<EOF>", ":n") },
        { "a = :n)", SYNTAX(")", ":n)") },
        { "((a = :n))", "The expression has redundant parentheses;" },
        { "a = ((:n))", "The expression has redundant parentheses;" },
        { "((a)) = :n", "The expression has redundant parentheses;" },
        { "(a = :n) AND ((b = :n))", "The expression has redundant parentheses;" },
        { "a == :n", SYNTAX("=", "== :n") },
        { "a = :n b", SYNTAX("b", ":n b") },
        { "foo(a)", "Invalid function name; function: foo" },
        { "size(a)",
          "The function is not allowed to be used this way in an expression; function: size" },
        { "contains(a, :n) = :n",
          "The function is not allowed to be used this way in an expression; function: contains" },
        { "attribute_exists(:n)", "Operator or function requires a document path; operator or "
                                  "function: attribute_exists" },
        { "attribute_exists(a, b)",
          "Incorrect number of operands for operator or function; operator or function: "
          "attribute_exists, number of operands: 2" },
        { "attribute_exists()", SYNTAX(")", "()") },
        { "begins_with(a, :n)", IOT "begins_with, operand type: N" },
        { "size(size(a)) = :n", IOT "size, operand type: N" },
        { "a < :bo", IOT "<, operand type: BOOL" },
        { "a = :missing", "An expression attribute value used in expression is not defined; "
                          "attribute value: :missing" },
        { "#q = :n", "An expression attribute name used in the document path is not defined; "
                     "attribute name: #q" },
        { "name = :missing", "Attribute name is a reserved keyword; reserved keyword: name" },
        { "a[x] = :n", SYNTAX("x", "[x]") },
        { "a[0 = :n", SYNTAX("=", "0 = :n") },
        { "a[-1] = :n", SYNTAX("-", "[-1") },
        { "a[99999999999] = :n",
          "List index is not within the allowable range; index: [99999999999]" },
        { "1a = :n", SYNTAX("1", "1a") },
        { "a = \"x\"", SYNTAX("\"", "= \"x") },
        { "a = a", DISTINCT "=, first operand: [a]" },
        { "a.b[1] IN (b, a.b[1])", DISTINCT "IN, first operand: [a, b, [1]]" },
        { "a BETWEEN :n", SYNTAX("<EOF>", ":n") },
        { "a BETWEEN :n OR :n2", SYNTAX("OR", ":n OR :n2") },
        { "a BETWEEN :n2 AND :n",
          "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
          "lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: "
          "{N:1}" },
        { "a BETWEEN :s AND :n",
          "The BETWEEN operator requires same data type for lower and upper bounds; lower bound "
          "operand: AttributeValue: {S:x}, upper bound operand: AttributeValue: {N:1}" },
        { "a IN ()", SYNTAX(")", "()") },
        { "a IN :n", SYNTAX(":n", "IN :n") },
        { "a AND b", SYNTAX("AND", "a AND b") },
        { "NOT a", SYNTAX("<EOF>", "a") },
        { "a > :n > :n", SYNTAX(">", ":n > :n") },
        { "(a = :n) = :n", SYNTAX("=", ") = :n") },
        { "a = (b = :n)", SYNTAX("=", "b = :n") },
        { "a & :n", SYNTAX("&", "a & :n") },
        { "a..b = :n", SYNTAX(".", "..b") },
        { "a[0]b = :n", SYNTAX("b", "]b =") },
        { "# a = :n", SYNTAX("#", "# a") },
        { "\xC3\xA9 = :n", SYNTAX("\xC3\xA9", "\xC3\xA9 =") },
        { "SET a = :n", SYNTAX("SET", "SET a") },
        { "if_not_exists(a, :n) = :n",
          "The function is not allowed in a condition expression; function: if_not_exists" },
        { "attribute_type(a, :n)", IOT "attribute_type, operand type: N" },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        vg_auto_arena struct vg_arena *a = vg_arena_new(0);
        struct dynamodb_exprs x;
        exprs(&x, a);
        const struct dynamodb_node *node;
        struct vg_str want = vg_str_fmt(a, "Invalid ConditionExpression: %s", cases[i].why);
        if (dynamodb_parse_condition(&x, "ConditionExpression", vg_str_of(cases[i].text), &node))
            fail_msg("%s was taken", cases[i].text);
        if (!vg_str_eq(x.error, want))
            fail_msg("%s: %" VG_FMT, cases[i].text, VG_ARG(x.error));
    }
}

/* 4 KB, 300 operators, 100 operands of IN, 32 levels: "Constraints" in the developer guide. */
static void
limits_are_kept(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_buf b;
    struct dynamodb_exprs x;
    const struct dynamodb_node *node;
    exprs(&x, a);
    for (int n = 150; n <= 151; n++) {
        vg_buf_init(&b, a, 10000);
        for (int i = 0; i < n; i++)
            vg_buf_adds(&b, i ? VG_STR(" OR a = :n") : VG_STR("a = :n"));
        assert_int_equal(dynamodb_parse_condition(&x, "FilterExpression", vg_buf_str(&b), &node),
                         n == 150);
    }
    assert_str(x.error, "Invalid FilterExpression: The expression contains too many operators; "
                        "operator count: 301");
    vg_buf_init(&b, a, 10000);
    for (int i = 0; i < 4097; i++)
        vg_buf_addc(&b, '(');
    assert_false(dynamodb_parse_condition(&x, "FilterExpression", vg_buf_str(&b), &node));
    assert_str(x.error, "Invalid FilterExpression: Expression size has exceeded the maximum "
                        "allowed size; expression size: 4097");
    b.len = 4096;
    assert_false(dynamodb_parse_condition(&x, "FilterExpression", vg_buf_str(&b), &node));
    vg_buf_init(&b, a, 10000);
    for (int i = 0; i < 33; i++)
        vg_buf_adds(&b, i ? VG_STR(".a") : VG_STR("a"));
    vg_buf_adds(&b, VG_STR(" = :n"));
    assert_false(dynamodb_parse_condition(&x, "FilterExpression", vg_buf_str(&b), &node));
    assert_str(x.error, "Invalid FilterExpression: The document path has too many nesting levels; "
                        "nesting levels: 33");
}

static void
updates_change_items(void **state)
{
    (void)state;
    static const struct {
        const char *item, *text, *after;
    } cases[] = {
        { "{}", "SET a = :n", "{\"a\":{\"N\":\"1\"}}" },
        { "{\"b\":{\"N\":\"3\"}}", "SET a = b, c = :s REMOVE b",
          "{\"a\":{\"N\":\"3\"},\"c\":{\"S\":\"x\"}}" },
        { "{\"b\":{\"N\":\"3\"}}", "SET b = b + :n", "{\"b\":{\"N\":\"4\"}}" },
        { "{\"b\":{\"N\":\"3\"}}", "SET b = :n - b", "{\"b\":{\"N\":\"-2\"}}" },
        { "{\"b\":{\"N\":\"3\"}}", "set b = (b + :n)", "{\"b\":{\"N\":\"4\"}}" },
        { "{}", "SET a = if_not_exists(a, :n) + :n2", "{\"a\":{\"N\":\"3\"}}" },
        { "{\"a\":{\"N\":\"7\"}}", "SET a = if_not_exists(a, :n)", "{\"a\":{\"N\":\"7\"}}" },
        { "{\"l\":{\"L\":[{\"S\":\"e\"}]}}", "SET l = list_append(l, :l)",
          "{\"l\":{\"L\":[{\"S\":\"e\"},{\"N\":\"9\"}]}}" },
        { "{\"l\":{\"L\":[{\"S\":\"e\"}]}}", "SET l = list_append(:l, l)",
          "{\"l\":{\"L\":[{\"N\":\"9\"},{\"S\":\"e\"}]}}" },
        { "{\"l\":{\"L\":[{\"S\":\"e\"}]}}", "SET l[9] = :n2, l[5] = :n, l[0] = :s",
          "{\"l\":{\"L\":[{\"S\":\"x\"},{\"N\":\"1\"},{\"N\":\"2\"}]}}" },
        { "{\"l\":{\"L\":[{\"N\":\"0\"},{\"N\":\"1\"},{\"N\":\"2\"},{\"N\":\"3\"}]}}",
          "REMOVE l[0], l[2], l[7]", "{\"l\":{\"L\":[{\"N\":\"1\"},{\"N\":\"3\"}]}}" },
        { "{\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"z\":{\"N\":\"3\"}}}}", "SET m.y = :n2 REMOVE m.x",
          "{\"m\":{\"M\":{\"y\":{\"N\":\"2\"},\"z\":{\"N\":\"3\"}}}}" },
        { "{\"m\":{\"M\":{\"l\":{\"L\":[{\"M\":{}}]}}}}", "SET m.l[0].#name = :s",
          "{\"m\":{\"M\":{\"l\":{\"L\":[{\"M\":{\"name\":{\"S\":\"x\"}}}]}}}}" },
        { "{}", "ADD c :n2, s :ss", "{\"c\":{\"N\":\"2\"},\"s\":{\"SS\":[\"a\",\"q\"]}}" },
        { "{\"c\":{\"N\":\"1.5\"},\"s\":{\"SS\":[\"b\",\"q\"]}}", "ADD c :n2, s :ss",
          "{\"c\":{\"N\":\"3.5\"},\"s\":{\"SS\":[\"a\",\"b\",\"q\"]}}" },
        { "{\"s\":{\"SS\":[\"b\",\"q\"]},\"t\":{\"SS\":[\"a\"]}}", "DELETE s :ss, t :ss, u :ss",
          "{\"s\":{\"SS\":[\"b\"]}}" },
        { "{\"a\":{\"N\":\"1\"},\"b\":{\"N\":\"2\"}}", "SET a = b, b = a",
          "{\"a\":{\"N\":\"2\"},\"b\":{\"N\":\"1\"}}" },
        { "{\"a\":{\"N\":\"1\"}}", "REMOVE zz", "{\"a\":{\"N\":\"1\"}}" },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        vg_auto_arena struct vg_arena *a = vg_arena_new(0);
        struct dynamodb_exprs x;
        struct dynamodb_update_plan update;
        struct vg_str after = VG_STR_NONE;
        exprs(&x, a);
        if (!dynamodb_parse_update(&x, vg_str_of(cases[i].text), &update)
            || !dynamodb_apply_update(&x, &update, item_of(a, cases[i].item), &after))
            fail_msg("%s: %" VG_FMT, cases[i].text, VG_ARG(x.error));
        struct vg_str got = item_json(a, after);
        if (!vg_str_eq(got, vg_str_of(cases[i].after)))
            fail_msg("%s gave %" VG_FMT, cases[i].text, VG_ARG(got));
    }
}

#define WRONG_TYPE "An operand in the update expression has an incorrect data type"
#define NO_ATTR    "The provided expression refers to an attribute that does not exist in the item"
#define BAD_PATH   "The document path provided in the update expression is invalid for update"
#define INVALID    "Invalid UpdateExpression: "

static void
bad_updates_say_why(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "SET", INVALID SYNTAX("<EOF>", "SET") },
        { "SET a", INVALID SYNTAX("<EOF>", "a") },
        { "SET a = :n, ", INVALID SYNTAX("<EOF>", ", ") },
        { "SET a = :n SET b = :n",
          INVALID "The \"SET\" section can only be used once in an update expression;" },
        { "SET a = :n REMOVE a",
          INVALID "Two document paths overlap with each other; must remove or rewrite one of these "
                  "paths; path one: [a], path two: [a]" },
        { "SET a.b = :n, a[0] = :n", INVALID
          "Two document paths conflict with each other; must remove or rewrite one of these "
          "paths; path one: [a, b], path two: [a, [0]]" },
        { "SET n = n + :n + :n", INVALID SYNTAX("+", ":n + :n") },
        { "SET n = n + :s", INVALID IOT "+, operand type: S" },
        { "SET l = list_append(l, :n)", INVALID IOT "list_append, operand type: N" },
        { "SET n = size(n)",
          INVALID "The function is not allowed in an update expression; function: size" },
        { "SET n = if_not_exists(:n, n)", INVALID "Operator or function requires a document path; "
                                                  "operator or function: if_not_exists" },
        { "REMOVE :n", INVALID SYNTAX(":n", "REMOVE :n") },
        { "ADD n :s", INVALID "Incorrect operand type for operator or function; operator: ADD, "
                              "operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND" },
        { "ADD n n", INVALID SYNTAX("n", "n n") },
        { "DELETE ss :n", INVALID "Incorrect operand type for operator or function; operator: "
                                  "DELETE, operand type: NUMBER, typeSet: "
                                  "ALLOWED_FOR_DELETE_OPERAND" },
        { "FOO a", INVALID SYNTAX("FOO", "FOO a") },
        { "SET a = :n b = :n", INVALID SYNTAX("b", ":n b =") },
        { "SET n = n - a", WRONG_TYPE },
        { "SET n = nope", NO_ATTR },
        { "SET n = list_append(n, :l)", WRONG_TYPE },
        { "SET x.y = :n", BAD_PATH },
        { "SET n[0] = :n", BAD_PATH },
        { "SET l.x = :n", BAD_PATH },
        { "REMOVE x.y", BAD_PATH },
        { "ADD a :n", WRONG_TYPE },
        { "ADD ss :ns", WRONG_TYPE },
        { "DELETE n :ss", WRONG_TYPE },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        vg_auto_arena struct vg_arena *a = vg_arena_new(0);
        struct dynamodb_exprs x;
        struct dynamodb_update_plan update;
        struct vg_str after;
        exprs(&x, a);
        if (dynamodb_parse_update(&x, vg_str_of(cases[i].text), &update)
            && dynamodb_apply_update(&x, &update, item_of(a, item_text), &after))
            fail_msg("%s was taken", cases[i].text);
        if (!vg_str_eq(x.error, vg_str_of(cases[i].why)))
            fail_msg("%s: %" VG_FMT, cases[i].text, VG_ARG(x.error));
    }
}

static void
projections_keep_what_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *after;
    } cases[] = {
        { "a, nope", "{\"a\":{\"S\":\"string\"}}" },
        { "m.x", "{\"m\":{\"M\":{\"x\":{\"N\":\"1\"}}}}" },
        { "m.nope, l[9], a.b", "{}" },
        { "l[2].k, l[0]", "{\"l\":{\"L\":[{\"N\":\"1\"},{\"M\":{\"k\":{\"N\":\"7\"}}}]}}" },
        { "m.y, m.x, #n",
          "{\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"S\":\"z\"}}},\"n\":{\"N\":\"5\"}}" },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        vg_auto_arena struct vg_arena *a = vg_arena_new(0);
        struct dynamodb_exprs x;
        struct dynamodb_projection_paths paths;
        exprs(&x, a);
        assert_true(dynamodb_parse_projection(&x, vg_str_of(cases[i].text), &paths));
        struct vg_str got = item_json(a, dynamodb_project(a, item_of(a, item_text), &paths));
        if (!vg_str_eq(got, vg_str_of(cases[i].after)))
            fail_msg("%s gave %" VG_FMT, cases[i].text, VG_ARG(got));
    }
}

static void
placeholders_are_checked(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct dynamodb_exprs x;
    const struct vg_str key = VG_STR("n"), good = VG_STR("#n"), name = VG_STR("x");
    dynamodb_exprs_init(&x, a);
    assert_false(dynamodb_exprs_names(&x, &key, &name, 1));
    assert_str(x.error, "ExpressionAttributeNames contains invalid key: Syntax error; key: \"n\"");
    assert_false(dynamodb_exprs_names(&x, NULL, NULL, 0));
    assert_str(x.error, "ExpressionAttributeNames must not be empty");
    assert_true(dynamodb_exprs_names(&x, &good, &name, 1));
    assert_false(dynamodb_exprs_all_used(&x));
    assert_str(x.error, "Value provided in ExpressionAttributeNames unused in expressions: keys: "
                        "{#n}");
    struct dynamodb_item none = { .v = VG_STR("") };
    assert_false(dynamodb_exprs_values(&x, &none));
    assert_str(x.error, "ExpressionAttributeValues must not be empty");
}

/* The guide lists 573 words; keywords of expressions are among them. */
static void
reserved_words_are_known(void **state)
{
    (void)state;
    assert_true(dynamodb_is_reserved(VG_STR("abort")));
    assert_true(dynamodb_is_reserved(VG_STR("Zone")));
    assert_true(dynamodb_is_reserved(VG_STR("size")));
    assert_false(dynamodb_is_reserved(VG_STR("pk")));
    assert_false(dynamodb_is_reserved(VG_STR("a_word_longer_than_any")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_hold_as_documented),
        cmocka_unit_test(bad_conditions_say_why),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(updates_change_items),
        cmocka_unit_test(bad_updates_say_why),
        cmocka_unit_test(projections_keep_what_is_named),
        cmocka_unit_test(placeholders_are_checked),
        cmocka_unit_test(reserved_words_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
