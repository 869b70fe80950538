/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_REPLY_H
#define VG_CORE_REPLY_H

/*
 * What a handler says of its reply besides `out`.  A row with VG_OP_STREAM_OUT may send the payload
 * itself, piece by piece:
 *
 *   out->content_type = …;                          the members that travel in headers
 *   rc = vg_reply_begin(rq, out, 0, length);        gates, sends the head
 *   while (rc == VG_OK && …)
 *       rc = vg_reply_write(rq, bytes);             waits while the client is slow
 *   return rc;
 *
 * A handler that fails before vg_reply_begin() gets the usual error reply, after it the connection
 * is closed, so that the client cannot take a part for the whole.  One that returns VG_OK without
 * having begun is encoded as any other.
 */

#include "base/buf.h"
#include "core/body.h"
#include "core/service.h"

/*
 * `status` 0: the row's, or what vg_reply_status() said; `length` -1: not known, sent in chunks.
 * Exactly `length` bytes must be written (a HEAD's are thrown away).  Once only.
 */
vg_rc vg_reply_begin(struct vg_req *rq, const void *out, int status, int64_t length)
    VG_WAITS VG_MUST_USE;
/* VG_GONE: the client left. Gates too: what was read since is let out here. */
vg_rc vg_reply_write(struct vg_req *rq, struct vg_str data) VG_WAITS VG_MUST_USE;

/* Beside the model: 206 for a range, 304.  Not for errors, whose status is their own. */
void vg_reply_status(struct vg_req *rq, int status);
/* A header that no member holds, of errors too (x-amz-delete-marker of NoSuchKey). Arena. */
void vg_reply_header(struct vg_req *rq, struct vg_str name, struct vg_str value);

/* --- for who hands a request to its handler ------------------------------------------------------
 */

struct vg_reply_header {
    struct vg_str name, value;
};

struct vg_reply {
    /* Sends the head with the members of `out` that travel there. */
    vg_rc (*begin)(void *to, struct vg_req *rq, const void *out, int status, int64_t length);
    vg_rc (*write)(void *to, struct vg_str data);
    void *to;
    int status; /* 0: the row's */
    VG_VEC(struct vg_reply_header) headers;
    bool is_begun;
    int64_t left_bytes; /* -1: not known */
};

/* Takes a payload piece by piece; a failure is that of the call. */
struct vg_sink {
    vg_rc (*write)(void *to, struct vg_str piece, struct vg_err *err) VG_WAITS;
    void *to;
};

/* Streams of a call whose payloads are in memory, or go to a sink: vg_call(), and tests. */
struct vg_streams {
    struct vg_body body;
    struct vg_reply reply;
    struct vg_req *rq;
    void *out;
    const struct vg_sink *sink; /* NULL: what is written is collected in `bytes` */
    struct vg_buf bytes;
};
/* rq->op is the row; `in` and `out` its structs. Does nothing for a row without streams. */
void vg_streams_open(struct vg_streams *st, struct vg_req *rq, const void *in, void *out);
/* After the handler succeeded: what it wrote is the payload of `out`, if it had no sink. */
vg_rc vg_streams_close(struct vg_streams *st) VG_MUST_USE;

#endif
