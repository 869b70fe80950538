/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_HTTP_HEAD_H
#define VG_HTTP_HEAD_H

/*
 * From bytes to the head of a request or a reply.  llhttp (strict mode) tells the parts; what it
 * lets pass though two parsers could read it differently is refused here (RFC 9112 sections 2.2, 5,
 * 6, 11.2). Pure: no I/O.
 */

#include "http/server.h"

/* Looks for the end of a head in bytes that grow; all zero at the beginning of a request. */
struct vg_head_scan {
    size_t at;   /* everything before is known             */
    size_t line; /* where the present line begins          */
    size_t skip; /* bytes of an empty line before the head */
    size_t n_lines;
    bool is_reply;
};

/*
 * 0: more bytes are needed; < 0: minus the status to refuse with; else the length of the head with
 * its empty line.  `bytes` begins with what it began with the last time.
 */
long vg_head_scan(struct vg_head_scan *scan, struct vg_str bytes);

struct vg_head {
    struct vg_str method, target, path, query, host;
    const struct vg_http_header *headers;
    size_t n_headers;
    int minor;
    int64_t content_length; /* -1: chunked */
    bool is_kept_alive;
    bool is_continue_expected;
};

/* Takes a complete head; the strings point into `bytes`. 0, or the status to refuse with. */
int vg_head_parse(struct vg_arena *arena, const struct vg_head_scan *scan, struct vg_str bytes,
                  struct vg_head *ret);

struct vg_reply_head {
    const struct vg_http_header *headers;
    size_t n_headers;
    int status, minor;
    int64_t content_length; /* -1: not given */
    bool is_chunked;
    bool is_kept_alive;
};

/* Of a reply: false when it is not one to rely on. */
bool vg_head_parse_reply(struct vg_arena *arena, const struct vg_head_scan *scan,
                         struct vg_str bytes, struct vg_reply_head *ret);

/* What may stand in a header's name and in its value. */
bool vg_head_is_token(struct vg_str s);
bool vg_head_is_value(struct vg_str s);

#endif
