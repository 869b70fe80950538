/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/logs.h"

#include "base/test.h"

#include <stdlib.h>

static void
expect(struct sb_logs *l, const char *const *texts, size_t n)
{
    struct sb_event *e = sb_logs_take(l), *next;
    for (size_t i = 0; i < n; i++, e = next) {
        assert_non_null(e);
        assert_int_equal(e->len, strlen(texts[i]));
        assert_memory_equal(e->text, texts[i], e->len);
        next = e->next;
        free(e);
    }
    assert_null(e);
}

static const char mixed[] = "one\ntwo\r\n\x1eVL1\x07\0\0\0[E] a\nbhalf\x1eVL1\x01\0\0\0xlast";

/* Whatever way the bytes arrive, the events are the same. */
static void
lines_and_records_become_events(void **state)
{
    (void)state;
    static const char *const want[] = { "one", "two", "[E] a\nb", "half", "x", "last" };
    for (size_t step = 1; step <= sizeof(mixed) - 1; step++) {
        struct sb_logs l;
        sb_logs_init(&l);
        for (size_t at = 0; at < sizeof(mixed) - 1; at += step)
            sb_logs_feed(&l, mixed + at, VG_MIN(step, sizeof(mixed) - 1 - at), 5);
        sb_logs_finish(&l, 6);
        expect(&l, want, VG_COUNT(want));
        sb_logs_fini(&l);
    }
}

static void
a_byte_that_only_looks_like_a_record_stays_text(void **state)
{
    (void)state;
    static const char *const want[] = { "a\x1e"
                                        "b",
                                        "c" };
    struct sb_logs l;
    sb_logs_init(&l);
    sb_logs_feed(&l,
                 "a\x1e"
                 "b\nc\n",
                 6, 0);
    expect(&l, want, 2);
    sb_logs_fini(&l);
}

/* AWS: "the last 4 KB of the execution log" (Invoke, LogResult). */
static void
the_tail_keeps_the_last_four_kilobytes(void **state)
{
    (void)state;
    struct sb_logs l;
    sb_logs_init(&l);
    sb_logs_tail_begin(&l, true);
    char line[101];
    memset(line, 'x', 100);
    line[100] = '\n';
    for (int i = 0; i < 60; i++)
        sb_logs_feed(&l, line, sizeof(line), 0);
    sb_logs_add(&l, VG_STR("END"), 0);
    assert_int_equal(l.tail_len, SB_TAIL_BYTES);
    assert_memory_equal(l.tail + SB_TAIL_BYTES - 6, "x\nEND\n", 6);
    sb_logs_fini(&l);
}

static void
a_flood_is_bounded(void **state)
{
    (void)state;
    struct sb_logs l;
    sb_logs_init(&l);
    char *big = calloc(1, 1 << 20);
    for (int i = 0; i < 20; i++)
        sb_logs_feed(&l, big, 1 << 20, 0);
    assert_true(l.pending_bytes <= SB_PENDING_MAX);
    assert_true(l.dropped > 0);
    free(big);
    sb_logs_fini(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_records_become_events),
        cmocka_unit_test(a_byte_that_only_looks_like_a_record_stays_text),
        cmocka_unit_test(the_tail_keeps_the_last_four_kilobytes),
        cmocka_unit_test(a_flood_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
