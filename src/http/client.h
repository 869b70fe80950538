/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_HTTP_CLIENT_H
#define VG_HTTP_CLIENT_H

/*
 * An HTTP/1.1 client for fibers.
 *
 * Connections are kept per loop and used again.  One that the other side has closed meanwhile is
 * replaced; a request is sent a second time only when its method is idempotent (RFC 9110 9.2.2),
 * its body is at hand, and nothing of a reply has come.  Waits end with VG_FAIL and ETIMEDOUT at
 * the call's deadline, and with VG_GONE when the fiber is cancelled.  Redirects are not followed.
 */

#include "base/err.h"
#include "http/server.h" /* struct vg_http_header */

struct vg_arena;
struct vg_http_client;
struct vg_http_exchange;

struct vg_http_client_config {
    struct vg_str ca_file; /* PEM to trust besides the system's; absent: none */
};

/* Any thread. */
vg_rc vg_http_client_new(const struct vg_http_client_config *config, struct vg_http_client **ret,
                         struct vg_err *err) VG_MUST_USE;
/* Closes what is kept, on every loop; after the last exchange, before the loops stop. */
void vg_http_client_stop(struct vg_http_client *client) VG_WAITS;
void vg_http_client_free(struct vg_http_client *client); /* after that; accepts NULL */

struct vg_http_call {
    struct vg_str method;
    bool is_tls;        /* https: the certificate is verified for `host` */
    struct vg_str host; /* a name or a numeric address, without brackets */
    uint16_t port;
    struct vg_str target; /* as it shall stand in the request line         */
    /*
     * Host, Content-Length, Transfer-Encoding and Connection are added here and are refused among
     * them, except Host, which then replaces ours.
     */
    const struct vg_http_header *headers;
    size_t n_headers;
    struct vg_str body;     /* the whole body …                              */
    bool is_streamed;       /* … or it follows by vg_http_exchange_write():  */
    int64_t content_length; /* of a streamed body; -1: chunked             */
    int64_t deadline_ms;    /* monotonic, for all of the exchange            */
};

struct vg_http_reply_head {
    int status;
    const struct vg_http_header *headers;
    size_t n_headers;
    int64_t content_length; /* -1: not known */
};

/*
 * One whole exchange: the reply and all strings are in the arena.  EFBIG when the reply's body is
 * longer than max_bytes.
 */
vg_rc vg_http_fetch(struct vg_http_client *client, struct vg_arena *arena,
                    const struct vg_http_call *call, size_t max_bytes,
                    struct vg_http_reply_head *ret_head, struct vg_str *ret_body,
                    struct vg_err *err) VG_WAITS VG_MUST_USE;

/*
 * The same in parts: begin sends the head (and body); then all of a streamed body; then the reply's
 * head; then its body until an empty part.  vg_http_exchange_end() must be called in any case once
 * begin has succeeded, before the arena ends; it keeps the connection if the reply was read whole.
 * `call` must live until then.
 */
vg_rc vg_http_exchange_begin(struct vg_http_client *client, struct vg_arena *arena,
                             const struct vg_http_call *call, struct vg_http_exchange **ret,
                             struct vg_err *err) VG_WAITS VG_MUST_USE;
/* An empty string changes nothing. A server that has already replied may refuse: read its reply. */
vg_rc vg_http_exchange_write(struct vg_http_exchange *x, struct vg_str data, struct vg_err *err)
    VG_WAITS VG_MUST_USE;
vg_rc vg_http_exchange_reply(struct vg_http_exchange *x, struct vg_http_reply_head *ret,
                             struct vg_err *err) VG_WAITS VG_MUST_USE;
/* Valid until the next call; empty at the end. */
vg_rc vg_http_exchange_read(struct vg_http_exchange *x, struct vg_str *ret_part, struct vg_err *err)
    VG_WAITS VG_MUST_USE;
void vg_http_exchange_end(struct vg_http_exchange *x); /* accepts NULL */

#endif
