/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "codec/time.h"

static struct vg_str
text(struct vg_arena *a, void (*add)(struct vg_buf *, int64_t), int64_t ms)
{
    struct vg_buf b;
    vg_buf_init(&b, a, 100);
    add(&b, ms);
    return vg_buf_str(&b);
}

static void
times_are_written_in_three_forms(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    int64_t ms = 1422172800000;
    assert_str(text(a, vg_time_add_iso, ms), "2015-01-25T08:00:00Z");
    assert_str(text(a, vg_time_add_iso, ms + 120), "2015-01-25T08:00:00.120Z");
    assert_str(text(a, vg_time_add_iso_ms, ms), "2015-01-25T08:00:00.000Z");
    assert_str(text(a, vg_time_add_http, ms), "Sun, 25 Jan 2015 08:00:00 GMT");
    assert_str(text(a, vg_time_add_unix, ms), "1422172800");
    assert_str(text(a, vg_time_add_unix, ms + 120), "1422172800.12");
    assert_str(text(a, vg_time_add_unix, -5), "-0.005");
    assert_str(text(a, vg_time_add_unix, -1500), "-1.5");
    assert_str(text(a, vg_time_add_iso, -1), "1969-12-31T23:59:59.999Z");
    assert_str(text(a, vg_time_add_iso, 951782400000), "2000-02-29T00:00:00Z");
    assert_str(text(a, vg_time_add_http, -1), "Wed, 31 Dec 1969 23:59:59.999 GMT");
}

static void
times_read_back(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    int64_t v;
    for (int64_t ms = -62167219200000; ms < 253402300800000; ms += INT64_C(8380703001)) {
        assert_true(vg_time_parse_iso(text(a, vg_time_add_iso, ms), &v) && v == ms);
        assert_true(vg_time_parse_http(text(a, vg_time_add_http, ms), &v) && v == ms);
        assert_true(vg_time_parse_unix(text(a, vg_time_add_unix, ms), &v) && v == ms);
        vg_arena_clear(a);
    }
    assert_true(vg_time_parse_iso(VG_STR("2019-12-16T22:48:18-01:00"), &v));
    assert_true(v == 1576540098000);
    assert_true(vg_time_parse_iso(VG_STR("2019-12-17t00:48:18.1234567+0100"), &v));
    assert_true(v == 1576540098123);
    assert_true(vg_time_parse_unix(VG_STR("1.4221728E9"), &v) && v == 1422172800000);
}

static void
what_is_no_time_is_refused(void **state)
{
    (void)state;
    int64_t v;
    static const char *bad[] = {
        "",
        "2015-01-25",
        "2015-13-25T08:00:00Z",
        "2015-02-29T08:00:00Z",
        "2015-00-01T08:00:00Z",
        "2015-01-25T24:00:00Z",
        "2015-01-25T08:00:00",
        "2015-01-25T08:00:00.Z",
        "2015-01-25T08:00:00Zx",
        "2015-01-25T08:00:00+25:00",
        "15-01-25T08:00:00Z",
    };
    for (size_t i = 0; i < VG_COUNT(bad); i++)
        assert_false(vg_time_parse_iso(vg_str_of(bad[i]), &v));
    assert_false(vg_time_parse_http(VG_STR("Sun, 32 Jan 2015 08:00:00 GMT"), &v));
    assert_false(vg_time_parse_http(VG_STR("Sun, 25 Jan 2015 08:00:00"), &v));
    assert_false(vg_time_parse_unix(VG_STR("1e300"), &v));
    assert_false(vg_time_parse_unix(VG_STR("NaN"), &v));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_in_three_forms),
        cmocka_unit_test(times_read_back),
        cmocka_unit_test(what_is_no_time_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
