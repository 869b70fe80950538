/* SPDX-License-Identifier: Apache-2.0 */

/* Dates in policies: https://www.w3.org/TR/NOTE-datetime, or seconds since 1970. */

#include "auth/policy_int.h"

#define MINUTE_MS 60000

static bool
number(struct vg_str *s, size_t n, int64_t *ret)
{
    if (s->len < n)
        return false;
    int64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        if (s->ptr[i] < '0' || s->ptr[i] > '9')
            return false;
        v = v * 10 + (s->ptr[i] - '0');
    }
    *s = vg_str_slice(*s, n, s->len);
    *ret = v;
    return true;
}

static bool
skip(struct vg_str *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    *s = vg_str_slice(*s, 1, s->len);
    return true;
}

static int64_t
days_of(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = y / 400, yoe = y % 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* "hh:mm[:ss[.s]]" and a zone: 'Z', "+hh:mm", or none (taken as UTC). */
static bool
time_of_day(struct vg_str *s, int64_t *ret_ms)
{
    int64_t h, m, sec = 0, ms = 0, zh, zm;
    if (!number(s, 2, &h) || !skip(s, ':') || !number(s, 2, &m) || h > 24 || m > 59)
        return false;
    if (skip(s, ':')) {
        if (!number(s, 2, &sec) || sec > 60)
            return false;
        if (skip(s, '.')) {
            int64_t digit, scale = 100;
            while (number(s, 1, &digit)) {
                ms += digit * scale;
                scale /= 10;
            }
        }
    }
    *ret_ms = (h * 60 + m) * MINUTE_MS + sec * 1000 + ms;
    if (skip(s, 'Z') || s->len == 0)
        return s->len == 0;
    bool is_east = skip(s, '+');
    if ((!is_east && !skip(s, '-')) || !number(s, 2, &zh) || !skip(s, ':') || !number(s, 2, &zm)
        || s->len > 0)
        return false;
    *ret_ms += (is_east ? -1 : 1) * (zh * 60 + zm) * MINUTE_MS;
    return true;
}

bool
policy_date(struct vg_str text, int64_t *ret_ms)
{
    int64_t v;
    if (vg_str_to_i64(text, &v)) {
        if (v > INT64_MAX / 1000 || v < INT64_MIN / 1000)
            return false;
        *ret_ms = v * 1000;
        return true;
    }
    int64_t y, m = 1, d = 1, of_day = 0;
    if (!number(&text, 4, &y) || !skip(&text, '-') || !number(&text, 2, &m))
        return false;
    if (skip(&text, '-') && !number(&text, 2, &d))
        return false;
    if (m < 1 || m > 12 || d < 1 || d > 31)
        return false;
    if (text.len > 0 && (!skip(&text, 'T') || !time_of_day(&text, &of_day)))
        return false;
    *ret_ms = days_of(y, m, d) * 24 * 60 * MINUTE_MS + of_day;
    return true;
}
