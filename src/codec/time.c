/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/time.h"

#include "codec/json.h"

#include <math.h>

#define DAY_MS   INT64_C(86400000)
#define MIN_MS   (INT64_C(-719528) * DAY_MS)     /* 0000-01-01 */
#define MAX_MS   (INT64_C(2932897) * DAY_MS - 1) /* 9999-12-31 */
#define IS_OK(v) ((v) >= MIN_MS && (v) <= MAX_MS)

static const char *const month_names[] = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};
static const char *const day_names[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };

/* Days are counted in years that begin in March, so that the leap day is a year's last. */
int64_t
vg_date_to_days(struct vg_date d)
{
    int64_t y = d.month <= 2 ? d.year - 1 : d.year;
    int64_t m = d.month <= 2 ? d.month + 9 : d.month - 3;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t in_era = (y - era * 400) * 365 + (y - era * 400) / 4 - (y - era * 400) / 100
                     + (153 * m + 2) / 5 + d.day - 1;
    return era * 146097 + in_era - 719468;
}

struct vg_date
vg_date_of_days(int64_t days)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t in_era = z - era * 146097;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t m = (5 * in_year + 2) / 153;
    struct vg_date d = { .day = (int)(in_year - (153 * m + 2) / 5 + 1) };
    d.month = (int)(m < 10 ? m + 3 : m - 9);
    d.year = (int)(year + era * 400 + (d.month <= 2));
    return d;
}

struct parts {
    struct vg_date date;
    int64_t days;
    int hour, minute, second, milli;
};

static struct parts
split(int64_t ms)
{
    ms = ms < MIN_MS ? MIN_MS : ms > MAX_MS ? MAX_MS : ms;
    int64_t days = (ms >= 0 ? ms : ms - (DAY_MS - 1)) / DAY_MS;
    int64_t rest = ms - days * DAY_MS;
    return (struct parts) {
        .date = vg_date_of_days(days),
        .days = days,
        .hour = (int)(rest / 3600000),
        .minute = (int)(rest / 60000 % 60),
        .second = (int)(rest / 1000 % 60),
        .milli = (int)(rest % 1000),
    };
}

static void
add_iso(struct vg_buf *b, int64_t ms, bool always_ms)
{
    struct parts p = split(ms);
    vg_buf_addf(b, "%04d-%02d-%02dT%02d:%02d:%02d", p.date.year, p.date.month, p.date.day, p.hour,
                p.minute, p.second);
    if (p.milli || always_ms)
        vg_buf_addf(b, ".%03d", p.milli);
    vg_buf_addc(b, 'Z');
}

void
vg_time_add_iso(struct vg_buf *b, int64_t ms)
{
    add_iso(b, ms, false);
}

void
vg_time_add_iso_ms(struct vg_buf *b, int64_t ms)
{
    add_iso(b, ms, true);
}

struct vg_str
vg_time_iso(struct vg_arena *arena, int64_t ms)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 64);
    add_iso(&b, ms, false);
    return vg_buf_str(&b);
}

struct vg_str
vg_time_iso_ms(struct vg_arena *arena, int64_t ms)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 64);
    add_iso(&b, ms, true);
    return vg_buf_str(&b);
}

void
vg_time_add_http(struct vg_buf *b, int64_t ms)
{
    struct parts p = split(ms);
    vg_buf_addf(b, "%s, %02d %s %04d %02d:%02d:%02d", day_names[((p.days % 7) + 7) % 7], p.date.day,
                month_names[p.date.month - 1], p.date.year, p.hour, p.minute, p.second);
    if (p.milli)
        vg_buf_addf(b, ".%03d", p.milli);
    vg_buf_adds(b, VG_STR(" GMT"));
}

struct vg_str
vg_time_http(struct vg_arena *arena, int64_t ms)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 64);
    vg_time_add_http(&b, ms);
    return vg_buf_str(&b);
}

void
vg_time_add_unix(struct vg_buf *b, int64_t ms)
{
    if (ms < 0 && ms > -1000)
        vg_buf_addc(b, '-');
    vg_buf_add_i64(b, ms / 1000);
    int64_t milli = ms % 1000 < 0 ? -(ms % 1000) : ms % 1000;
    if (milli == 0)
        return;
    char frac[] = { '.', (char)('0' + milli / 100), (char)('0' + milli / 10 % 10),
                    (char)('0' + milli % 10) };
    size_t n = sizeof(frac);
    while (frac[n - 1] == '0')
        n--;
    vg_buf_add(b, frac, n);
}

/* --- reading -----------------------------------------------------------------------------------
 */

static bool
take_char(struct vg_str *s, const char *any)
{
    if (s->len == 0 || s->ptr[0] == '\0' || strchr(any, s->ptr[0]) == NULL)
        return false;
    *s = vg_str_slice(*s, 1, s->len);
    return true;
}

static bool
take_number(struct vg_str *s, size_t digits, int *ret)
{
    if (s->len < digits)
        return false;
    int v = 0;
    for (size_t i = 0; i < digits; i++) {
        if (s->ptr[i] < '0' || s->ptr[i] > '9')
            return false;
        v = v * 10 + (s->ptr[i] - '0');
    }
    *s = vg_str_slice(*s, digits, s->len);
    *ret = v;
    return true;
}

static bool
take_clock(struct vg_str *s, struct parts *p)
{
    if (!take_number(s, 2, &p->hour) || !take_char(s, ":") || !take_number(s, 2, &p->minute)
        || !take_char(s, ":") || !take_number(s, 2, &p->second))
        return false;
    if (p->hour > 23 || p->minute > 59 || p->second > 60)
        return false;
    if (!take_char(s, "."))
        return true;
    int scale = 100, digit, n = 0;
    while (take_number(s, 1, &digit)) { /* beyond milliseconds: cut off */
        p->milli += digit * scale;
        scale /= 10;
        n++;
    }
    return n > 0;
}

static bool
join(const struct parts *p, int64_t offset_minutes, int64_t *ret_ms)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int y = p->date.year, m = p->date.month;
    if (m < 1 || m > 12 || p->date.day < 1)
        return false;
    bool is_leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (p->date.day > lengths[m - 1] + (m == 2 && is_leap))
        return false;
    int64_t ms = vg_date_to_days(p->date) * DAY_MS + p->hour * INT64_C(3600000)
                 + (p->minute - offset_minutes) * INT64_C(60000) + p->second * INT64_C(1000)
                 + p->milli;
    if (!IS_OK(ms))
        return false;
    *ret_ms = ms;
    return true;
}

bool
vg_time_parse_iso(struct vg_str s, int64_t *ret_ms)
{
    struct parts p = { 0 };
    if (!take_number(&s, 4, &p.date.year) || !take_char(&s, "-")
        || !take_number(&s, 2, &p.date.month) || !take_char(&s, "-")
        || !take_number(&s, 2, &p.date.day) || !take_char(&s, "Tt ") || !take_clock(&s, &p))
        return false;
    if (take_char(&s, "Zz"))
        return s.len == 0 && join(&p, 0, ret_ms);
    bool is_west = s.len > 0 && s.ptr[0] == '-';
    int hour, minute;
    if (!take_char(&s, "+-") || !take_number(&s, 2, &hour))
        return false;
    (void)take_char(&s, ":");
    if (!take_number(&s, 2, &minute) || s.len > 0 || hour > 23 || minute > 59)
        return false;
    int64_t offset = hour * 60 + minute;
    return join(&p, is_west ? -offset : offset, ret_ms);
}

static bool
take_name(struct vg_str *s, const char *const *names, size_t n, int *ret)
{
    for (size_t i = 0; i < n; i++) {
        if (vg_str_starts_nocase(*s, vg_str_of(names[i]))) {
            *s = vg_str_slice(*s, 3, s->len);
            *ret = (int)i;
            return true;
        }
    }
    return false;
}

bool
vg_time_parse_http(struct vg_str s, int64_t *ret_ms)
{
    struct parts p = { 0 };
    int weekday;
    if (!take_name(&s, day_names, VG_COUNT(day_names), &weekday) || !take_char(&s, ",")
        || !take_char(&s, " ") || !take_number(&s, 2, &p.date.day) || !take_char(&s, " -")
        || !take_name(&s, month_names, VG_COUNT(month_names), &p.date.month) || !take_char(&s, " -")
        || !take_number(&s, 4, &p.date.year) || !take_char(&s, " ") || !take_clock(&s, &p))
        return false;
    p.date.month++;
    if (!vg_str_eq(s, VG_STR(" GMT")) && !vg_str_eq(s, VG_STR(" UTC"))
        && !vg_str_eq(s, VG_STR(" +0000")))
        return false;
    return join(&p, 0, ret_ms);
}

bool
vg_time_parse_unix(struct vg_str s, int64_t *ret_ms)
{
    double v;
    if (!vg_f64_parse(s, &v))
        return false;
    double ms = round(v * 1000);
    if (!(ms >= (double)MIN_MS && ms <= (double)MAX_MS))
        return false;
    *ret_ms = (int64_t)ms;
    return true;
}
