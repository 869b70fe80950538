/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/sigv4_int.h"

#include "base/arena.h"

#define DAY_MS   86400000
#define YEAR_MIN 1970
#define YEAR_MAX 9999

/* Days since 1970-01-01 of a date in the Gregorian calendar. */
static int64_t
days_of(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = y / 400, yoe = y % 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool
digits(struct vg_str s, size_t at, size_t n, int64_t *ret)
{
    if (at + n > s.len)
        return false;
    int64_t v = 0;
    for (size_t i = at; i < at + n; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        v = v * 10 + (s.ptr[i] - '0');
    }
    *ret = v;
    return true;
}

static int64_t
month_days(int64_t y, int64_t m)
{
    static const int8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return days[m - 1] + (m == 2 && is_leap);
}

static bool
compose(const int64_t f[6], int64_t *ret_ms)
{
    if (f[0] < YEAR_MIN || f[0] > YEAR_MAX || f[1] < 1 || f[1] > 12 || f[2] < 1
        || f[2] > month_days(f[0], f[1]) || f[3] > 23 || f[4] > 59 || f[5] > 60)
        return false;
    *ret_ms = days_of(f[0], f[1], f[2]) * DAY_MS + ((f[3] * 60 + f[4]) * 60 + f[5]) * 1000;
    return true;
}

/* YYYYMMDD'T'HHMMSS'Z' */
static bool
time_basic(struct vg_str s, int64_t *ret_ms)
{
    int64_t f[6];
    return s.len == 16 && s.ptr[8] == 'T' && s.ptr[15] == 'Z' && digits(s, 0, 4, &f[0])
           && digits(s, 4, 2, &f[1]) && digits(s, 6, 2, &f[2]) && digits(s, 9, 2, &f[3])
           && digits(s, 11, 2, &f[4]) && digits(s, 13, 2, &f[5]) && compose(f, ret_ms);
}

/* "Mon, 02 Jan 2006 15:04:05 GMT" */
static bool
time_rfc1123(struct vg_str s, int64_t *ret_ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t f[6];
    if (s.len != 29 || s.ptr[3] != ',' || !vg_str_ends(s, VG_STR(" GMT")) || !digits(s, 5, 2, &f[2])
        || !digits(s, 12, 4, &f[0]) || !digits(s, 17, 2, &f[3]) || !digits(s, 20, 2, &f[4])
        || !digits(s, 23, 2, &f[5]))
        return false;
    f[1] = 0;
    for (int i = 0; i < 12; i++)
        if (memcmp(months + 3 * i, s.ptr + 8, 3) == 0)
            f[1] = i + 1;
    return compose(f, ret_ms);
}

bool
vg_sigv4_time(struct vg_arena *arena, struct vg_str text, int64_t *ret_ms, struct vg_str *ret_basic)
{
    text = vg_str_trim(text);
    if (time_basic(text, ret_ms)) {
        *ret_basic = text;
        return true;
    }
    if (!time_rfc1123(text, ret_ms))
        return false;
    *ret_basic = vg_sigv4_time_text(arena, *ret_ms);
    return true;
}

struct vg_str
vg_sigv4_time_text(struct vg_arena *arena, int64_t ms)
{
    int64_t days = ms / DAY_MS, rest = ms % DAY_MS / 1000;
    /* the inverse of days_of() */
    int64_t z = days + 719468, era = z / 146097, doe = z % 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t d = doy - (153 * mp + 2) / 5 + 1, m = mp < 10 ? mp + 3 : mp - 9;
    int64_t y = yoe + era * 400 + (m <= 2);
    return vg_str_fmt(arena, "%04d%02d%02dT%02d%02d%02dZ", (int)y, (int)m, (int)d,
                      (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
}
