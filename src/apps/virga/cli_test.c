/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include "apps/virga/cli.h"
#include "wire/shape.h"

static int64_t
duration(const char *text)
{
    int64_t ms = -7;
    return cli_duration(vg_str_of(text), &ms) ? ms : -1;
}

static void
durations_add_their_parts(void **state)
{
    (void)state;
    assert_true(duration("3h") == 3 * 3600000);
    assert_true(duration("1d2h30m") == 86400000 + 2 * 3600000 + 30 * 60000);
    assert_true(duration("1500ms") == 1500);
    assert_true(duration("0s") == 0);
}

static void
durations_refuse_what_has_no_unit(void **state)
{
    (void)state;
    const char *bad[] = { "", "3", "h", "3y", "3h4", "-3h", "3 h", "99999999999999999w", "1.5h" };
    for (size_t i = 0; i < VG_COUNT(bad); i++)
        assert_true(duration(bad[i]) == -1);
}

static int64_t
time_of(const char *text)
{
    int64_t ms = -7;
    return cli_time(vg_str_of(text), &ms) ? ms : -1;
}

/* RFC 3339, section 5.8, and date(1) for the seconds. */
static void
times_are_read_as_rfc_3339(void **state)
{
    (void)state;
    assert_true(time_of("1970-01-01T00:00:00Z") == 0);
    assert_true(time_of("2000-02-29T12:34:56.789Z") == 951827696789);
    assert_true(time_of("1985-04-12T23:20:50+00:00") == 482196050000);
    assert_true(time_of("1996-12-19T16:39:57-08:00") == 851042397000);
    assert_true(time_of("@1700000000") == 1700000000000);
}

static void
times_refuse_what_is_no_time(void **state)
{
    (void)state;
    const char *bad[] = { "",
                          "@",
                          "tomorrow",
                          "2026-12-24",
                          "2026-13-01T00:00:00Z",
                          "2026-12-24T18:00:00",
                          "2026-12-24T18:00:00Zx" };
    for (size_t i = 0; i < VG_COUNT(bad); i++)
        assert_true(time_of(bad[i]) == -1);
}

/* --- NAME=VALUE words --- */

static const struct vg_shape text_shape = { .type = VG_T_STR },
                             number_shape = { .type = VG_T_LONG },
                             bool_shape = { .type = VG_T_BOOL }, blob_shape = { .type = VG_T_BLOB },
                             custom_shape = { .type = VG_T_CUSTOM },
                             list_shape = { .type = VG_T_LIST, .item = &text_shape },
                             map_shape = { .type = VG_T_MAP, .item = &custom_shape };
static const struct vg_member members[] = {
    { .name = VG_STR_INIT("TableName"), .shape = &text_shape },
    { .name = VG_STR_INIT("Limit"), .shape = &number_shape },
    { .name = VG_STR_INIT("ConsistentRead"), .shape = &bool_shape },
    { .name = VG_STR_INIT("Bytes"), .shape = &blob_shape },
    { .name = VG_STR_INIT("Names"), .shape = &list_shape },
    { .name = VG_STR_INIT("Key"), .shape = &map_shape },
};
static const struct vg_shape input_shape = { .type = VG_T_STRUCT,
                                             .members = members,
                                             .n_members = VG_COUNT(members) };

/* The JSON of the words, or "! reason". */
static struct vg_str
input(struct cli *cli, const char **words)
{
    int n = 0;
    while (words[n])
        n++;
    struct vg_err err = { 0 };
    struct vg_str json;
    if (cli_input(cli, &input_shape, n, (char **)(uintptr_t)words, &json, &err) == VG_OK)
        return json;
    return vg_str_cat(cli->arena, VG_STR("! "), vg_err_text(&err));
}
#define WORDS(...) ((const char *[]) { __VA_ARGS__, NULL })

static void
words_take_the_type_of_their_member(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct cli cli = { .arena = arena };
    assert_str(input(&cli, WORDS("TableName=12", "Limit=12", "ConsistentRead=true")),
               "{\"TableName\":\"12\",\"Limit\":12,\"ConsistentRead\":true}");
    assert_str(input(&cli, WORDS("Bytes=hello", "Names=a,b")),
               "{\"Bytes\":\"aGVsbG8=\",\"Names\":[\"a\",\"b\"]}");
    assert_str(input(&cli, WORDS("Names=[\"a,b\"]", "Key={\"id\":{\"S\":\"1\"}}")),
               "{\"Names\":[\"a,b\"],\"Key\":{\"id\":{\"S\":\"1\"}}}");
}

static void
words_with_dots_share_their_object(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct cli cli = { .arena = arena };
    assert_str(input(&cli, WORDS("Key.a.S=1", "TableName=t", "Key.b.N=2=3")),
               "{\"Key\":{\"a\":{\"S\":\"1\"},\"b\":{\"N\":\"2=3\"}},\"TableName\":\"t\"}");
}

static void
words_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct cli cli = { .arena = arena };
    assert_str(input(&cli, WORDS("Table=t")), "! there is no member 'Table' (--help lists them)");
    assert_str(input(&cli, WORDS("Limit=many")), "! 'many' is not a number");
    assert_str(input(&cli, WORDS("ConsistentRead=yes")), "! 'yes' is neither true nor false");
    assert_str(input(&cli, WORDS("TableName")), "! 'TableName' is not NAME=VALUE");
    assert_str(input(&cli, WORDS("TableName=a", "TableName=b")), "! TableName is given twice");
    assert_str(input(&cli, WORDS("TableName.x=a")), "! 'x': a text has no parts by name");
    assert_str(input(&cli, WORDS("Key={\"id\"")), "! '{\"id\"' is not JSON, and this is a map");
    /* The same member whole and in parts. */
    assert_str(input(&cli, WORDS("Key.a.S=1", "Key={}")), "! Key is given both whole and in parts");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_add_their_parts),
        cmocka_unit_test(durations_refuse_what_has_no_unit),
        cmocka_unit_test(times_are_read_as_rfc_3339),
        cmocka_unit_test(times_refuse_what_is_no_time),
        cmocka_unit_test(words_take_the_type_of_their_member),
        cmocka_unit_test(words_with_dots_share_their_object),
        cmocka_unit_test(words_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
