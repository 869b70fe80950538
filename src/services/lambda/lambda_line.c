/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous events: whose turn it is, and when a failed one is tried again.
 *
 * Each function has a line of its own and lines are served in turn, a few events at a time, so that
 * one that is throttled, failing or slow delays its own events only.  A slow one may not take all
 * places either: a line starts another event only while it has fewer at work than are free for all,
 * so one function alone comes to half of the places, two to a third each.
 */
#include "services/lambda/lambda_int.h"

#include <stdlib.h>

#define ASYNC_MAX        400u
#define SHARE            16u
#define FAILED_MAX       3u
#define REFUSED_FIRST_MS 1000
#define REFUSED_MAX_MS   300000

static struct lambda_line *
find(struct lambda_lines *lines, struct vg_str key)
{
    struct lambda_line **at = &lines->first;
    while (*at && !vg_str_eq((*at)->key, key))
        at = &(*at)->next;
    if (*at)
        return *at;
    struct lambda_line *fresh = *at = vg_xalloc(sizeof(*fresh) + key.len);
    memcpy(fresh->bytes, key.ptr, key.len);
    fresh->key = vg_str_n(fresh->bytes, key.len);
    fresh->next_ms = INT64_MAX;
    return fresh;
}

void
lambda_line_note(struct lambda_lines *lines, struct vg_str key, int64_t due_ms)
{
    struct lambda_line *line = find(lines, key);
    line->next_ms = VG_MIN(line->next_ms, due_ms);
}

/* How many events it may start now. */
static uint32_t
share_of(const struct lambda_lines *lines, const struct lambda_line *line)
{
    unsigned n_free = ASYNC_MAX - VG_MIN(lines->n_running, ASYNC_MAX);
    return n_free > line->n_running ? VG_MIN(SHARE, (n_free - line->n_running + 1) / 2) : 0;
}

struct lambda_line *
lambda_line_next(struct lambda_lines *lines, int64_t now_ms, uint32_t *ret_max)
{
    struct lambda_line **at = &lines->first;
    while (*at && ((*at)->next_ms > now_ms || share_of(lines, *at) == 0))
        at = &(*at)->next;
    struct lambda_line *line = *at;
    if (!line)
        return NULL;
    *ret_max = share_of(lines, line);
    line->next_ms = INT64_MAX;
    *at = line->next;
    while (*at)
        at = &(*at)->next;
    *at = line;
    line->next = NULL;
    return line;
}

int64_t
lambda_line_next_ms(const struct lambda_lines *lines)
{
    int64_t next_ms = INT64_MAX;
    for (const struct lambda_line *line = lines->first; line; line = line->next)
        if (share_of(lines, line) > 0)
            next_ms = VG_MIN(next_ms, line->next_ms);
    return next_ms;
}

unsigned
lambda_line_begin(struct lambda_lines *lines, struct vg_str key)
{
    find(lines, key)->n_running++;
    return lines->n_running++;
}

void
lambda_line_end(struct lambda_lines *lines, struct vg_str key)
{
    find(lines, key)->n_running--;
    lines->n_running--;
}

void
lambda_line_sweep(struct lambda_lines *lines, bool all)
{
    struct lambda_line **at = &lines->first;
    while (*at) {
        struct lambda_line *line = *at;
        if (all || (line->next_ms == INT64_MAX && line->n_running == 0)) {
            *at = line->next;
            free(line);
        } else {
            at = &line->next;
        }
    }
}

/* https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
int64_t
lambda_retry_ms(struct lambda_rec_tries *tries, enum lambda_end end)
{
    if (end == LAMBDA_END_FAILED) {
        tries->refused = 0;
        if (++tries->failed >= FAILED_MAX)
            return -1;
        return tries->failed == 1 ? 60000 : 120000;
    }
    uint32_t n = VG_MIN(tries->refused, 20u);
    tries->refused = n + 1;
    return VG_MIN((int64_t)REFUSED_FIRST_MS << n, REFUSED_MAX_MS);
}
