/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "services/dynamodb/dynamodb_value_json.h"

/* The stored form of a JSON text; the fault, when it has one. */
static struct dynamodb_value
value_of(struct vg_arena *arena, const char *json)
{
    struct vg_json js;
    struct vg_err err = { 0 };
    struct dynamodb_value v = { 0 };
    vg_json_init(&js, vg_str_of(json), arena);
    assert_ok(dynamodb_value_decode(&js, vg_json_next(&js), &v, &err));
    assert_int_equal(vg_json_next(&js), VG_JSON_END);
    return v;
}

static struct vg_str
json_of(struct vg_arena *arena, struct vg_str v)
{
    struct vg_buf b;
    struct vg_json_out w;
    vg_buf_init(&b, arena, 1 << 20);
    vg_jsonw_init(&w, &b);
    dynamodb_value_write(&w, v);
    return vg_buf_str(&b);
}

static struct vg_str
number_text(struct vg_arena *arena, const char *text)
{
    struct dynamodb_number n, again;
    assert_int_equal(dynamodb_number_parse(vg_str_of(text), &n), DYNAMODB_NUMBER_OK);
    uint8_t packed[DYNAMODB_NUMBER_MAX_BYTES];
    size_t len = dynamodb_number_pack(&n, packed);
    assert_true(len <= sizeof(packed));
    assert_true(dynamodb_number_unpack(vg_str_n(packed, len), &again));
    assert_memory_equal(&n, &again, sizeof(n));
    struct vg_buf b;
    vg_buf_init(&b, arena, 1000);
    dynamodb_number_print(&n, &b);
    return vg_buf_str(&b);
}

/* AWS: "leading and trailing zeroes are trimmed"; printed without an exponent. */
static void
numbers_are_printed_in_canonical_form(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    assert_str(number_text(a, "-0"), "0");
    assert_str(number_text(a, "+5"), "5");
    assert_str(number_text(a, "00012.300"), "12.3");
    assert_str(number_text(a, ".5"), "0.5");
    assert_str(number_text(a, "5."), "5");
    assert_str(number_text(a, "1E+2"), "100");
    assert_str(number_text(a, "-1.5e-7"), "-0.00000015");
    assert_str(number_text(a, "12345678901234567890123456789012345678"),
               "12345678901234567890123456789012345678");
    assert_str(number_text(a, "0.00000000000000000000000000000000000001"),
               "0.00000000000000000000000000000000000001");
}

static enum dynamodb_number_fault
fault_of(const char *text)
{
    struct dynamodb_number n;
    return dynamodb_number_parse(vg_str_of(text), &n);
}

/* AWS, "Data types", Number: 38 digits; 1E-130 to 9.99…E+125. */
static void
numbers_keep_to_their_range(void **state)
{
    (void)state;
    assert_int_equal(fault_of("9.9999999999999999999999999999999999999E+125"), DYNAMODB_NUMBER_OK);
    assert_int_equal(fault_of("1e126"), DYNAMODB_NUMBER_OVERFLOW);
    assert_int_equal(fault_of("-1e99999999999999999999"), DYNAMODB_NUMBER_OVERFLOW);
    assert_int_equal(fault_of("1e-130"), DYNAMODB_NUMBER_OK);
    assert_int_equal(fault_of("1e-131"), DYNAMODB_NUMBER_UNDERFLOW);
    assert_int_equal(fault_of("123456789012345678901234567890123456789"),
                     DYNAMODB_NUMBER_PRECISION);
    assert_int_equal(fault_of("1000000000000000000000000000000000000000000000"),
                     DYNAMODB_NUMBER_OK);
    assert_int_equal(fault_of("0e999999"), DYNAMODB_NUMBER_OK);
    static const char *const bad[] = { "",    " 1",  "1 ",  "x",        "1e",    "e5", "-",
                                       "+-1", "0x1", "NaN", "Infinity", "1.2.3", "." };
    for (size_t i = 0; i < VG_COUNT(bad); i++)
        assert_int_equal(fault_of(bad[i]), DYNAMODB_NUMBER_SYNTAX);
}

static void
packed_numbers_sort_as_numbers(void **state)
{
    (void)state;
    static const char *const order[] = { "-9.9e125", "-1000",  "-999.9", "-999",       "-10.01",
                                         "-10",      "-9",     "-0.12",  "-0.1203e-5", "-1e-130",
                                         "0",        "1e-130", "0.1",    "0.1203",     "0.13",
                                         "9",        "10",     "10.01",  "99",         "100",
                                         "101",      "1e20",   "1.1e20", "2e20",       "9.9e125" };
    uint8_t last[DYNAMODB_NUMBER_MAX_BYTES];
    size_t last_len = 0;
    for (size_t i = 0; i < VG_COUNT(order); i++) {
        struct dynamodb_number n;
        uint8_t packed[DYNAMODB_NUMBER_MAX_BYTES];
        assert_int_equal(dynamodb_number_parse(vg_str_of(order[i]), &n), DYNAMODB_NUMBER_OK);
        size_t len = dynamodb_number_pack(&n, packed);
        if (i > 0 && vg_str_cmp(vg_str_n(last, last_len), vg_str_n(packed, len)) >= 0)
            fail_msg("%s does not sort after %s", order[i], order[i - 1]);
        memcpy(last, packed, len);
        last_len = len;
    }
}

static struct vg_str
sum(struct vg_arena *arena, const char *a, const char *b, bool is_minus)
{
    struct dynamodb_number x, y, z;
    assert_int_equal(dynamodb_number_parse(vg_str_of(a), &x), DYNAMODB_NUMBER_OK);
    assert_int_equal(dynamodb_number_parse(vg_str_of(b), &y), DYNAMODB_NUMBER_OK);
    enum dynamodb_number_fault f = dynamodb_number_add(&x, &y, is_minus, &z);
    if (f != DYNAMODB_NUMBER_OK)
        return vg_str_fmt(arena, "fault %d", (int)f);
    struct vg_buf buf;
    vg_buf_init(&buf, arena, 1000);
    dynamodb_number_print(&z, &buf);
    return vg_buf_str(&buf);
}

static void
addition_is_exact(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    assert_str(sum(a, "0.1", "0.2", false), "0.3");
    assert_str(sum(a, "5", "5", true), "0");
    assert_str(sum(a, "5", "7.5", true), "-2.5");
    assert_str(sum(a, "-5", "-7", false), "-12");
    assert_str(sum(a, "-5", "7", false), "2");
    assert_str(sum(a, "0", "7", true), "-7");
    assert_str(sum(a, "999", "1", false), "1000");
    assert_str(sum(a, "1000", "0.001", true), "999.999");
    assert_str(sum(a, "99999999999999999999999999999999999999", "1", false),
               "100000000000000000000000000000000000000");
    assert_str(sum(a, "1e38", "1", false), "fault 2");
    assert_str(sum(a, "9e125", "9e125", false), "fault 3");
    assert_str(sum(a, "1e125", "1e-130", false), "fault 2");
}

static void
values_survive_the_stored_form(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    static const char *const same[] = {
        "{\"S\":\"\"}",
        "{\"S\":\"h\xC3\xA9llo\"}",
        "{\"N\":\"-12.5\"}",
        "{\"B\":\"AAECAw==\"}",
        "{\"BOOL\":true}",
        "{\"BOOL\":false}",
        "{\"NULL\":true}",
        "{\"L\":[]}",
        "{\"L\":[{\"N\":\"1\"},{\"L\":[{\"M\":{}}]}]}",
        "{\"M\":{\"a\":{\"S\":\"x\"},\"b\":{\"M\":{\"c\":{\"NULL\":true}}}}}",
        "{\"SS\":[\"a\",\"b\"]}",
        "{\"NS\":[\"-1\",\"0\",\"2.5\"]}",
        "{\"BS\":[\"AA==\",\"AQ==\"]}",
    };
    for (size_t i = 0; i < VG_COUNT(same); i++) {
        struct dynamodb_value v = value_of(a, same[i]);
        assert_null(v.fault.ptr);
        struct vg_str got = json_of(a, v.v);
        if (!vg_str_eq(got, vg_str_of(same[i])))
            fail_msg("%s came back as %" VG_FMT, same[i], VG_ARG(got));
    }
}

static void
equal_values_are_equal_bytes(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    assert_true(dynamodb_value_eq(value_of(a, "{\"NS\":[\"10\",\"2\"]}").v,
                                  value_of(a, "{\"NS\":[\"2.0\",\"1e1\"]}").v));
    assert_true(dynamodb_value_eq(
        value_of(a, "{\"M\":{\"b\":{\"N\":\"1\"},\"a\":{\"S\":\"x\"},\"c\":{\"L\":[]}}}").v,
        value_of(a, "{\"M\":{\"a\":{\"S\":\"x\"},\"c\":{\"L\":[]},\"b\":{\"N\":\"1.0\"}}}").v));
    assert_false(dynamodb_value_eq(value_of(a, "{\"S\":\"1\"}").v, value_of(a, "{\"N\":\"1\"}").v));
}

#define INVALID "One or more parameter values were invalid: "

/* Texts as AWS answers them. */
static void
invalid_values_say_what_is_wrong(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    static const struct {
        const char *json, *fault;
    } cases[] = {
        { "{}", "Supplied AttributeValue is empty, must contain exactly one of the supported "
                "datatypes" },
        { "{\"S\":null}", "Supplied AttributeValue is empty, must contain exactly one of the "
                          "supported datatypes" },
        { "{\"S\":\"a\",\"N\":\"1\"}", "Supplied AttributeValue has more than one datatypes set, "
                                       "must contain exactly one of the supported datatypes" },
        { "{\"N\":\"x\"}", "The parameter cannot be converted to a numeric value: x" },
        { "{\"N\":\"\"}", "The parameter cannot be converted to a numeric value" },
        { "{\"N\":\"1e126\"}", "Number overflow. Attempting to store a number with magnitude "
                               "larger than supported range" },
        { "{\"SS\":[]}", INVALID "An string set  may not be empty" },
        { "{\"NS\":[]}", INVALID "An number set  may not be empty" },
        { "{\"BS\":[]}", INVALID "Binary sets should not be empty" },
        { "{\"SS\":[\"a\",\"b\",\"a\"]}",
          INVALID "Input collection [a, b, a] contains duplicates." },
        { "{\"NS\":[\"1\",\"1.0\"]}", "Input collection contains duplicates" },
        { "{\"NULL\":false}", INVALID "Null attribute value types must have the value of true" },
        { "{\"L\":[{\"M\":{\"a\":{\"N\":\"y\"}}}]}",
          "The parameter cannot be converted to a numeric value: y" },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        struct vg_str got = value_of(a, cases[i].json).fault;
        if (!vg_str_eq(got, vg_str_of(cases[i].fault)))
            fail_msg("%s: \"%" VG_FMT "\"", cases[i].json, VG_ARG(got));
    }
}

/* Service quotas: "DynamoDB supports nested attributes up to 32 levels deep". */
static void
nesting_ends_at_32_levels(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    for (int lists = 31; lists <= 33; lists++) {
        struct vg_buf b;
        vg_buf_init(&b, a, 10000);
        for (int i = 0; i < lists; i++)
            vg_buf_adds(&b, VG_STR("{\"L\":["));
        vg_buf_adds(&b, VG_STR("{\"S\":\"x\"}"));
        for (int i = 0; i < lists; i++)
            vg_buf_adds(&b, VG_STR("]}"));
        struct dynamodb_value v = value_of(a, vg_str_cstr(a, vg_buf_str(&b)));
        assert_int_equal(v.fault.ptr != NULL, lists > 31);
        if (lists == 31)
            assert_int_equal(dynamodb_value_depth(v.v), 32);
    }
}

/* "Item sizes and formats" in the developer guide. */
static void
sizes_follow_the_guide(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    assert_int_equal(dynamodb_value_size(value_of(a, "{\"S\":\"abc\"}").v), 3);
    assert_int_equal(dynamodb_value_size(value_of(a, "{\"N\":\"1234\"}").v), 3);
    assert_int_equal(dynamodb_value_size(value_of(a, "{\"N\":\"0\"}").v), 1);
    assert_int_equal(dynamodb_value_size(value_of(a, "{\"BOOL\":true}").v), 1);
    assert_int_equal(dynamodb_value_size(value_of(a, "{\"NULL\":true}").v), 1);
    assert_int_equal(dynamodb_value_size(value_of(a, "{\"L\":[]}").v), 3);
    assert_int_equal(dynamodb_value_size(value_of(a, "{\"L\":[{\"S\":\"ab\"}]}").v), 6);
    assert_int_equal(dynamodb_value_size(value_of(a, "{\"M\":{\"k\":{\"S\":\"ab\"}}}").v), 7);
    assert_int_equal(dynamodb_value_size(value_of(a, "{\"SS\":[\"a\",\"bc\"]}").v), 3);
}

static void
wrong_json_types_are_refused(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    static const char *const bad[] = { "{\"S\":5}",      "{\"N\":5}",
                                       "{\"S\":{}}",     "{\"L\":{}}",
                                       "{\"M\":[]}",     "{\"BOOL\":\"t\"}",
                                       "{\"SS\":\"\"}",  "{\"SS\":[1]}",
                                       "{\"B\":\"!!\"}", "5",
                                       "\"s\"",          "[]",
                                       "{\"L\":[5]}",    "{\"M\":{\"a\":1}}",
                                       "{\"L\":[" };
    for (size_t i = 0; i < VG_COUNT(bad); i++) {
        struct vg_json js;
        struct vg_err err = { 0 };
        struct dynamodb_value v = { 0 };
        vg_json_init(&js, vg_str_of(bad[i]), a);
        if (dynamodb_value_decode(&js, vg_json_next(&js), &v, &err) != VG_FAIL)
            fail_msg("%s was taken", bad[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_printed_in_canonical_form),
        cmocka_unit_test(numbers_keep_to_their_range),
        cmocka_unit_test(packed_numbers_sort_as_numbers),
        cmocka_unit_test(addition_is_exact),
        cmocka_unit_test(values_survive_the_stored_form),
        cmocka_unit_test(equal_values_are_equal_bytes),
        cmocka_unit_test(invalid_values_say_what_is_wrong),
        cmocka_unit_test(nesting_ends_at_32_levels),
        cmocka_unit_test(sizes_follow_the_guide),
        cmocka_unit_test(wrong_json_types_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
