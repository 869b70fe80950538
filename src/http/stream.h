/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_HTTP_STREAM_H
#define VG_HTTP_STREAM_H

/*
 * A TCP connection on a loop, with TLS or without, inside http/ only: what the server's and the
 * client's connections have in common.  All on the loop's thread.
 *
 * Reads go into the loop's scratch buffer, or right into `in` when a fiber waits for them there,
 * and are handed to on_bytes(), decrypted.  Whoever finds a stream broken calls stream_close();
 * on_closed() is the last that is heard of it, and the owner frees it then or, while a fiber still
 * uses it, later.
 */

#include "base/str.h"
#include "os/fiber.h"

#include <uv.h>

#define SCRATCH_RAW_BYTES   (64u << 10)
#define SCRATCH_PLAIN_BYTES (16u << 10) /* a TLS record */
#define SCRATCH_BYTES       (SCRATCH_RAW_BYTES + SCRATCH_PLAIN_BYTES)

struct stream;
struct tls_conn;

/* Bytes received and not yet used: [off, len) of ptr. */
struct inbuf {
    char *ptr;
    size_t off, len, cap;
};

struct stream_events {
    size_t (*room)(const struct stream *s); /* how many bytes may be read at once; > 0       */
    void (*on_bytes)(struct stream *s, struct vg_str bytes); /* valid during the call         */
    void (*on_eof)(struct stream *s);                        /* nothing more is to come       */
    void (*on_broken)(struct stream *s);                     /* the owner closes it now       */
    void (*on_closed)(struct stream *s);
};

struct stream {
    uv_tcp_t tcp; /* first */
    const struct stream_events *events;
    char *scratch;        /* the loop's, SCRATCH_BYTES                       */
    struct tls_conn *tls; /* owned; NULL: plain                              */
    struct inbuf in;
    struct vg_waiter *reader; /* a fiber waits for more in `in`, or for the end */
    uv_shutdown_t shutdown;
    bool is_reading, is_eof, is_closed;
    bool is_cut; /* TLS ended without a goodbye: what came may be a part only */
};

static inline size_t
inbuf_size(const struct inbuf *b)
{
    return b->len - b->off;
}

static inline struct vg_str
inbuf_str(const struct inbuf *b)
{
    return b->ptr ? vg_str_n(b->ptr + b->off, inbuf_size(b)) : VG_STR("");
}

/* How many bytes may be read at once so that there are `max`; > 0. */
static inline size_t
inbuf_room(const struct inbuf *b, size_t max)
{
    return max - VG_MIN(inbuf_size(b), max - 1);
}

void inbuf_add(struct inbuf *b, struct vg_str bytes);
void inbuf_fini(struct inbuf *b);

/* `s` is zeroed but for what the owner has set of events, scratch and tls. */
void stream_init(struct stream *s, uv_loop_t *loop);
void stream_read_start(struct stream *s);
void stream_read_stop(struct stream *s);

/*
 * Sends all; waits while the other side is slow, up to deadline_ms, and VG_HTTP_BODY_STALL_MS at
 * most without a byte taken.  VG_GONE: broken (and closed now).  Changes the bufs.
 */
vg_rc stream_send(struct stream *s, uv_buf_t *bufs, unsigned n, int64_t deadline_ms) VG_WAITS;
/* Sends without waiting, from any place; what does not fit is queued, with a copy. */
void stream_send_now(struct stream *s, struct vg_str bytes);

/* Ends our side, after what was sent; false when it cannot be. Closes the stream if it fails. */
bool stream_end(struct stream *s);
void stream_close(struct stream *s);
void stream_fini(struct stream *s); /* after on_closed(): frees what it holds */

/* Waits until `in` is not empty: VG_GONE at the end or when cancelled, VG_TIMEOUT. */
vg_rc stream_wait(struct stream *s, int64_t deadline_ms) VG_WAITS;

/* The same, until there is more in `in` than now. */
vg_rc stream_wait_more(struct stream *s, int64_t deadline_ms) VG_WAITS;

/* Of the client: the TLS handshake, with the certificate checked. */
vg_rc stream_handshake(struct stream *s, int64_t deadline_ms) VG_WAITS;

#endif
