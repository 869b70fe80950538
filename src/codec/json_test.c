/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "codec/json.h"

#include <math.h>
#include <stdio.h>

/* The tokens of a text as one letter each; what is wrong ends it as "!why". */
static struct vg_str
tokens(struct vg_arena *arena, struct vg_str text)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 1 << 20);
    struct vg_json js;
    vg_json_init(&js, text, arena);
    for (;;) {
        enum vg_json_tok tok = vg_json_next(&js);
        if (tok == VG_JSON_ERROR) {
            vg_buf_addf(&b, "!%s", js.why);
            assert_int_equal(vg_json_next(&js), VG_JSON_ERROR);
            return vg_buf_str(&b);
        }
        if (tok == VG_JSON_END)
            return vg_buf_str(&b);
        vg_buf_addc(&b, "!.ntf0sk{}[]"[tok]);
        if (tok == VG_JSON_NUMBER || tok == VG_JSON_STRING || tok == VG_JSON_KEY)
            vg_buf_addf(&b, "<%" VG_FMT ">", VG_ARG(js.text));
    }
}

#define assert_tokens(text, want)                                                                  \
    do {                                                                                           \
        vg_auto_arena struct vg_arena *a = vg_arena_new(0);                                        \
        assert_str(tokens(a, VG_STR(text)), want);                                                 \
    } while (0)

/* RFC 8259, section 2 to 7. */
static void
parser_gives_one_token_a_call(void **state)
{
    (void)state;
    assert_tokens(" {\"a\" : [1, -0.5e+3, true,false , null], \"b\":{}} \n",
                  "{k<a>[0<1>0<-0.5e+3>tfn]k<b>{}}");
    assert_tokens("[]", "[]");
    assert_tokens("\"\"", "s<>");
    assert_tokens("0", "0<0>");
    assert_tokens("[[],[[]]]", "[[][[]]]");
}

static void
strings_are_unescaped(void **state)
{
    (void)state;
    assert_tokens("\"a\\n\\\"\\\\\\/\\u00e9\\u20AC\\ud83d\\ude00z\"",
                  "s<a\n\"\\/\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z>");
    assert_tokens("\"0123456789abcdef\xC3\xA9 0123456789\"",
                  "s<0123456789abcdef\xC3\xA9 0123456789>");
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_json js;
    vg_json_init(&js, VG_STR("\"a\\u0000b\""), a);
    assert_int_equal(vg_json_next(&js), VG_JSON_STRING);
    assert_int_equal(js.text.len, 3);
}

/* RFC 8259: each of these is not JSON, or (surrogates, 8.2) has no meaning. */
static void
what_is_not_json_is_refused(void **state)
{
    (void)state;
    static const char *bad[] = {
        "",
        " ",
        "nul",
        "nullx",
        "True",
        "'a'",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1",
        "{\"a\":1",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\"}",
        "{1:2}",
        "]",
        "}",
        "[}",
        "{]",
        "01",
        "-",
        "-01",
        "1.",
        ".5",
        "+1",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "1 2",
        "{}{}",
        "\"a",
        "\"a\\",
        "\"a\\\"",
        "\"\\x\"",
        "\"\t\"",
        "\"\n",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\ud800\\n\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\xFF\"",
        "\"\xC0\x80\"",
        "\"\xED\xA0\x80\"",
        "\xEF\xBB\xBF{}",
        "//x\n1",
        "[1]//",
        "\"\\\xC3\xA9\"",
    };
    for (size_t i = 0; i < VG_COUNT(bad); i++) {
        vg_auto_arena struct vg_arena *a = vg_arena_new(0);
        struct vg_str got = tokens(a, vg_str_of(bad[i]));
        if (vg_str_find_char(got, '!') == VG_NPOS)
            fail_msg("accepted %s as %" VG_FMT, bad[i], VG_ARG(got));
    }
}

static void
depth_is_bounded(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    char text[2 * 129];
    memset(text, '[', 128);
    memset(text + 128, ']', 128);
    assert_int_equal(tokens(a, vg_str_n(text, 256)).len, 256);
    memset(text, '[', 129);
    assert_true(vg_str_ends(tokens(a, vg_str_n(text, 129)), VG_STR("nested too deep")));
}

static void
skip_and_raw_take_whole_values(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_json js;
    struct vg_str raw = VG_STR_NONE;
    vg_json_init(&js, VG_STR("{\"a\":{\"x\":[1,{}]},\"b\": [1, 2] ,\"c\":\"\\u0041\"}"), a);
    assert_int_equal(vg_json_next(&js), VG_JSON_OBJECT);
    assert_int_equal(vg_json_next(&js), VG_JSON_KEY);
    assert_true(vg_json_skip(&js, vg_json_next(&js)));
    assert_int_equal(vg_json_next(&js), VG_JSON_KEY);
    assert_str(js.text, "b");
    assert_true(vg_json_raw(&js, vg_json_next(&js), &raw));
    assert_str(raw, "[1, 2]");
    assert_int_equal(vg_json_next(&js), VG_JSON_KEY);
    assert_true(vg_json_raw(&js, vg_json_next(&js), &raw));
    assert_str(raw, "\"\\u0041\"");
    assert_int_equal(vg_json_next(&js), VG_JSON_OBJECT_END);
    assert_int_equal(vg_json_next(&js), VG_JSON_END);
}

static void
writer_keeps_commas_and_escapes(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_buf b;
    vg_buf_init(&b, a, 1000);
    struct vg_json_out w;
    vg_jsonw_init(&w, &b);
    vg_jsonw_object(&w);
    vg_jsonw_kv(&w, VG_STR("a\"b"), VG_STR("x\n\x01/\xC3\xA9\xFFz"));
    vg_jsonw_key(&w, VG_STR("l"));
    vg_jsonw_array(&w);
    vg_jsonw_i64(&w, -5);
    vg_jsonw_bool(&w, true);
    vg_jsonw_null(&w);
    vg_jsonw_object(&w);
    vg_jsonw_object_end(&w);
    vg_jsonw_raw(&w, VG_STR("[1]"));
    vg_jsonw_array_end(&w);
    vg_jsonw_kv_i64(&w, VG_STR("n"), INT64_MIN);
    vg_jsonw_object_end(&w);
    assert_str(vg_buf_str(&b), "{\"a\\\"b\":\"x\\n\\u0001/\xC3\xA9\xEF\xBF\xBDz\","
                               "\"l\":[-5,true,null,{},[1]],\"n\":-9223372036854775808}");
}

static void
doubles_are_short_and_exact(void **state)
{
    (void)state;
    static const struct {
        double v;
        const char *text;
    } cases[] = {
        { 0.0, "0" },
        { -0.0, "-0" },
        { 1.0, "1" },
        { 0.1, "0.1" },
        { 0.3, "0.3" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1e21, "1e+21" },
        { 5e-324, "5e-324" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 123456789.125, "123456789.125" },
        { 9007199254740993.0, "9007199254740992" },
        { (double)INFINITY, "Infinity" },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        char text[VG_F64_TEXT_MAX];
        size_t n = vg_f64_text(cases[i].v, text);
        assert_string_equal(text, cases[i].text);
        double back;
        if (isfinite(cases[i].v)) {
            assert_true(vg_f64_parse(vg_str_n(text, n), &back));
            assert_memory_equal(&back, &cases[i].v, sizeof(back));
        }
    }
    double v;
    assert_false(vg_f64_parse(VG_STR("0x10"), &v));
    assert_false(vg_f64_parse(VG_STR("inf"), &v));
    assert_false(vg_f64_parse(VG_STR("1e5x"), &v));
    assert_false(vg_f64_parse(VG_STR(""), &v));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parser_gives_one_token_a_call),
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(skip_and_raw_take_whole_values),
        cmocka_unit_test(writer_keeps_commas_and_escapes),
        cmocka_unit_test(doubles_are_short_and_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
