/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include "apps/virga/cli.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_add_their_parts),
        cmocka_unit_test(durations_refuse_what_has_no_unit),
        cmocka_unit_test(times_are_read_as_rfc_3339),
        cmocka_unit_test(times_refuse_what_is_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
