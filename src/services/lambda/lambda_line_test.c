/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is in the asynchronous queue (lambda_line.c); when again is AWS's:
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
#include "base/test.h"
#include "services/lambda/lambda_int.h"

static const struct vg_str a = { "a", 1 }, b = { "b", 1 }, c = { "c", 1 };

/* The next line takes all it may, and has more. */
static void
serve(struct lambda_lines *lines, struct vg_str want)
{
    uint32_t max;
    struct lambda_line *line = lambda_line_next(lines, 1000, &max);
    assert_non_null(line);
    assert_true(vg_str_eq(line->key, want));
    assert_in_range(max, 1, 16);
    lambda_line_note(lines, want, 1000);
}

static void
lines_that_have_something_due_are_served_in_turn(void **state)
{
    (void)state;
    struct lambda_lines lines = { 0 };
    uint32_t max;
    assert_null(lambda_line_next(&lines, 1000, &max));
    assert_true(lambda_line_next_ms(&lines) == INT64_MAX);
    lambda_line_note(&lines, a, 1);
    serve(&lines, a);
    serve(&lines, a);
    lambda_line_note(&lines, b, 999); /* later than all that `a` has */
    lambda_line_note(&lines, c, 1001);
    for (int i = 0; i < 3; i++) {
        serve(&lines, a);
        serve(&lines, b);
    }
    assert_int_equal(lambda_line_next_ms(&lines), 1000);
    assert_true(vg_str_eq(lambda_line_next(&lines, 1000, &max)->key, a));
    assert_true(vg_str_eq(lambda_line_next(&lines, 1000, &max)->key, b));
    assert_null(lambda_line_next(&lines, 1000, &max));
    assert_int_equal(lambda_line_next_ms(&lines), 1001);
    lambda_line_sweep(&lines, false);
    assert_true(vg_str_eq(lines.first->key, c));
    assert_null(lines.first->next);
    lambda_line_sweep(&lines, true);
    assert_null(lines.first);
}

/* As many as it may have at work. */
static unsigned
fill(struct lambda_lines *lines, struct vg_str key)
{
    unsigned n = 0;
    uint32_t max = 0;
    lambda_line_note(lines, key, 1);
    while (lambda_line_next(lines, 1000, &max)) {
        for (uint32_t i = 0; i < max; i++, n++)
            lambda_line_begin(lines, key);
        lambda_line_note(lines, key, 1);
    }
    assert_true(lambda_line_next_ms(lines) == INT64_MAX); /* only an end helps it */
    return n;
}

static void
no_line_takes_all_places(void **state)
{
    (void)state;
    struct lambda_lines lines = { 0 };
    unsigned n_a = fill(&lines, a), n_b = fill(&lines, b), n_c = fill(&lines, c);
    assert_int_equal(n_a, 200);
    assert_int_equal(n_b, 100);
    assert_int_equal(n_c, 50);
    for (unsigned i = 0; i < n_c; i++)
        lambda_line_end(&lines, c);
    assert_int_equal(fill(&lines, c), 50); /* what others left to it, it has again */
    assert_int_equal(lines.n_running, n_a + n_b + 50);
    lambda_line_sweep(&lines, true);
}

static void
function_errors_are_tried_after_one_and_two_minutes_and_no_more(void **state)
{
    (void)state;
    struct lambda_rec_tries t = { 0 };
    assert_int_equal(lambda_retry_ms(&t, LAMBDA_END_FAILED), 60000);
    assert_int_equal(lambda_retry_ms(&t, LAMBDA_END_FAILED), 120000);
    assert_true(lambda_retry_ms(&t, LAMBDA_END_FAILED) < 0);
}

static void
throttles_wait_from_one_second_exponentially_to_five_minutes(void **state)
{
    (void)state;
    static const int64_t waits_s[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300 };
    struct lambda_rec_tries t = { 0 };
    for (size_t i = 0; i < VG_COUNT(waits_s); i++)
        assert_int_equal(lambda_retry_ms(&t, LAMBDA_END_REFUSED), 1000 * waits_s[i]);
    for (int i = 0; i < 100; i++)
        assert_int_equal(lambda_retry_ms(&t, LAMBDA_END_REFUSED), 300000);
    /* They take no attempt away, and begin anew after one. */
    assert_int_equal(lambda_retry_ms(&t, LAMBDA_END_FAILED), 60000);
    assert_int_equal(lambda_retry_ms(&t, LAMBDA_END_REFUSED), 1000);
    assert_int_equal(lambda_retry_ms(&t, LAMBDA_END_FAILED), 120000);
    assert_true(lambda_retry_ms(&t, LAMBDA_END_FAILED) < 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_have_something_due_are_served_in_turn),
        cmocka_unit_test(no_line_takes_all_places),
        cmocka_unit_test(function_errors_are_tried_after_one_and_two_minutes_and_no_more),
        cmocka_unit_test(throttles_wait_from_one_second_exponentially_to_five_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
