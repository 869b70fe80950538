/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/logs.h"

#include "base/arena.h"

#include <stdlib.h>

static const char frame[4] = { 0x1e, 'V', 'L', '1' };
#define FRAME_HEAD 8u

void
sb_logs_init(struct sb_logs *l)
{
    *l = (struct sb_logs) { 0 };
    l->last = &l->first;
}

void
sb_logs_fini(struct sb_logs *l)
{
    for (struct sb_event *e = sb_logs_take(l), *next; e; e = next) {
        next = e->next;
        free(e);
    }
    free(l->part);
    free(l->tail);
    sb_logs_init(l);
}

static void
keep_tail(struct sb_logs *l, const char *text, size_t len)
{
    if (!l->tail)
        return;
    if (len >= SB_TAIL_BYTES) {
        memcpy(l->tail, text + len - SB_TAIL_BYTES, SB_TAIL_BYTES);
        l->tail_len = SB_TAIL_BYTES;
        return;
    }
    size_t keep = VG_MIN(l->tail_len, SB_TAIL_BYTES - len);
    memmove(l->tail, l->tail + l->tail_len - keep, keep);
    memcpy(l->tail + keep, text, len);
    l->tail_len = keep + len;
}

void
sb_logs_add(struct sb_logs *l, struct vg_str text, int64_t wall_ms)
{
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    keep_tail(l, text.ptr, text.len);
    keep_tail(l, "\n", 1);
    do { /* a longer text becomes several events */
        size_t n = VG_MIN(text.len, SB_EVENT_MAX_BYTES);
        if (l->pending_bytes + n > SB_PENDING_MAX) {
            l->dropped++;
            return;
        }
        struct sb_event *e = vg_xalloc(sizeof(*e) + n);
        e->wall_ms = wall_ms;
        e->len = n;
        if (n > 0)
            memcpy(e->text, text.ptr, n);
        *l->last = e;
        l->last = &e->next;
        l->pending_bytes += n;
        text = vg_str_slice(text, n, text.len);
    } while (text.len > 0);
}

static uint32_t
frame_len(const char *p)
{
    const unsigned char *u = (const unsigned char *)p + sizeof(frame);
    return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

/* How many bytes at `p` make one event; 0: not all there yet. `*ret` is its text. */
static size_t
next_event(const char *p, size_t len, struct vg_str *ret)
{
    if (*p == frame[0] && (len < FRAME_HEAD || memcmp(p, frame, sizeof(frame)) == 0)) {
        if (len < FRAME_HEAD)
            return memcmp(p, frame, VG_MIN(len, sizeof(frame))) == 0 ? 0 : 1;
        size_t size = frame_len(p);
        if (size <= SB_PENDING_MAX) {
            *ret = vg_str_n(p + FRAME_HEAD, VG_MIN(size, len - FRAME_HEAD));
            return size <= len - FRAME_HEAD ? FRAME_HEAD + size : 0;
        }
    }
    const char *nl = memchr(p, '\n', len);
    const char *record = memchr(p + 1, frame[0], len - 1);
    while (record && (size_t)(p + len - record) >= sizeof(frame)
           && memcmp(record, frame, sizeof(frame)) != 0)
        record = memchr(record + 1, frame[0], (size_t)(p + len - record - 1));
    if (record && (!nl || record < nl)) { /* a line cut short by a record */
        *ret = vg_str_n(p, (size_t)(record - p));
        return (size_t)(record - p);
    }
    if (!nl && len < SB_EVENT_MAX_BYTES)
        return 0;
    *ret = vg_str_n(p, nl ? (size_t)(nl - p) : len);
    return nl ? (size_t)(nl - p) + 1 : len;
}

void
sb_logs_feed(struct sb_logs *l, const char *data, size_t len, int64_t wall_ms)
{
    if (l->part_len + len > l->part_cap) {
        l->part_cap = VG_MAX(l->part_len + len, l->part_cap * 2);
        l->part = vg_xrealloc(l->part, l->part_cap);
    }
    memcpy(l->part + l->part_len, data, len);
    l->part_len += len;
    size_t at = 0;
    while (at < l->part_len) {
        struct vg_str text = { l->part + at, 0 };
        size_t n = next_event(l->part + at, l->part_len - at, &text);
        if (n == 0)
            break;
        if (n == 1 && text.len == 0 && l->part[at] == frame[0])
            text.len = 1;
        sb_logs_add(l, text, wall_ms);
        at += n;
    }
    memmove(l->part, l->part + at, l->part_len - at);
    l->part_len -= at;
}

void
sb_logs_finish(struct sb_logs *l, int64_t wall_ms)
{
    if (l->part_len == 0)
        return;
    struct vg_str rest = vg_str_n(l->part, l->part_len);
    if (rest.len >= FRAME_HEAD && memcmp(rest.ptr, frame, sizeof(frame)) == 0)
        rest = vg_str_slice(rest, FRAME_HEAD, rest.len);
    sb_logs_add(l, rest, wall_ms);
    l->part_len = 0;
}

struct sb_event *
sb_logs_take(struct sb_logs *l)
{
    struct sb_event *first = l->first;
    l->first = NULL;
    l->last = &l->first;
    l->pending_bytes = 0;
    return first;
}

void
sb_logs_tail_begin(struct sb_logs *l, bool is_wanted)
{
    l->tail_len = 0;
    if (is_wanted && !l->tail)
        l->tail = vg_xalloc(SB_TAIL_BYTES);
    if (!is_wanted) {
        free(l->tail);
        l->tail = NULL;
    }
}
