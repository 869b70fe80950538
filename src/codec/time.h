/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CODEC_TIME_H
#define VG_CODEC_TIME_H

/*
 * Timestamps as text: milliseconds since 1970 (UTC) in C, ISO 8601 (RFC 3339), HTTP dates
 * (RFC 9110, 5.6.7) and seconds since 1970 on the wire.  Years 0 to 9999; a leap second reads as
 * the one after it.  Pure.
 */

#include "base/buf.h"

/* "2015-01-25T08:00:00Z", with ".123" when it is no whole second. */
void vg_time_add_iso(struct vg_buf *b, int64_t ms);
/* "2015-01-25T08:00:00.000Z": always with milliseconds. */
void vg_time_add_iso_ms(struct vg_buf *b, int64_t ms);
/* "Sun, 25 Jan 2015 08:00:00 GMT", with ".123" before the space when it is no whole second. */
void vg_time_add_http(struct vg_buf *b, int64_t ms);
/* "1422172800", or "1422172800.123". */
void vg_time_add_unix(struct vg_buf *b, int64_t ms);

/* The same in an arena. */
struct vg_str vg_time_iso(struct vg_arena *arena, int64_t ms);
struct vg_str vg_time_iso_ms(struct vg_arena *arena, int64_t ms);
struct vg_str vg_time_http(struct vg_arena *arena, int64_t ms);

/* Date and time with an offset or Z; 't', 'z' and a space instead of 'T' are taken. */
bool vg_time_parse_iso(struct vg_str s, int64_t *ret_ms);
/* IMF-fixdate ("Sun, 25 Jan 2015 08:00:00 GMT"), fractions of a second allowed. */
bool vg_time_parse_http(struct vg_str s, int64_t *ret_ms);
/* Seconds, maybe with a fraction or an exponent; rounded to milliseconds. */
bool vg_time_parse_unix(struct vg_str s, int64_t *ret_ms);

/* A day of the proleptic Gregorian calendar and the days from 1970-01-01 to it, both ways. */
struct vg_date {
    int year, month, day; /* month 1..12, day 1..31 */
};
int64_t vg_date_to_days(struct vg_date d);
struct vg_date vg_date_of_days(int64_t days);

#endif
