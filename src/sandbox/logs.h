/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_SANDBOX_LOGS_H
#define VG_SANDBOX_LOGS_H

/*
 * The bytes of a function's output become log events: a line each, or a whole record where the
 * runtime client framed one (FRAME + length, so that a stack trace stays one event).  Pure; the
 * caller locks.
 */

#include "base/buf.h"

#define SB_EVENT_MAX_BYTES (256u * 1024 - 26) /* CloudWatch's ceiling of one event */
#define SB_PENDING_MAX     (8u << 20)         /* of what no one has taken yet      */
#define SB_TAIL_BYTES      4096u

struct sb_event {
    struct sb_event *next;
    int64_t wall_ms;
    size_t len;
    char text[];
};

struct sb_logs {
    struct sb_event *first, **last;
    size_t pending_bytes;
    uint64_t dropped; /* events beyond SB_PENDING_MAX */
    char *part;       /* an unfinished line or record */
    size_t part_len, part_cap;
    char *tail; /* the invocation's last SB_TAIL_BYTES; NULL: not wanted */
    size_t tail_len;
};

void sb_logs_init(struct sb_logs *l);
void sb_logs_fini(struct sb_logs *l);
/* Bytes as they were read. */
void sb_logs_feed(struct sb_logs *l, const char *data, size_t len, int64_t wall_ms);
/* What is left without a newline becomes an event: at the end of an invocation. */
void sb_logs_finish(struct sb_logs *l, int64_t wall_ms);
/* One event of our own: START, END, REPORT. */
void sb_logs_add(struct sb_logs *l, struct vg_str text, int64_t wall_ms);
/* Takes all events off; free each with free(). */
struct sb_event *sb_logs_take(struct sb_logs *l);
void sb_logs_tail_begin(struct sb_logs *l, bool is_wanted);

#endif
