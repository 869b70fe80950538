/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_HTTP_SERVER_H
#define VG_HTTP_SERVER_H

/*
 * The HTTP/1.1 server (RFC 9110, RFC 9112).
 *
 * One acceptor takes connections and deals them to the loops; a connection stays on its loop.  When
 * a request's head is in, `handler` runs on a fiber of that loop; it may read the body, wait, and
 * makes one reply.  Requests of one connection run one after the other, in order.  While a handler
 * runs the connection goes on being read (VG_HTTP_AHEAD_BYTES), so that a client that leaves is
 * noticed: its fiber is cancelled (vg_fiber_cancel).  An end of file alone may be a half-closed
 * client: the fiber is cancelled too, but a reply that is made is still sent.
 *
 * Refused before any handler runs, with the connection closed: everything by which two parsers can
 * disagree (RFC 9112 section 11.2), and what is beyond the ceilings of base/limits.h.
 */

#include "base/err.h"

struct vg_arena;
struct vg_http_server;
struct vg_loop;
struct vg_tls; /* http/tls.h */

/* What a listener's connections may be trusted with. */
enum vg_trust {
    VG_TRUST_NONE,     /* unset                                                         */
    VG_TRUST_LOOPBACK, /* the main listener, bound to a loopback address                */
    VG_TRUST_NETWORK,  /* the main listener on any other address                        */
    VG_TRUST_SANDBOX,  /* inside a function's network namespace: never the default key  */
};

struct vg_listener {
    enum vg_trust trust;
    bool is_tls;
    void *ctx;     /* the owner's: which sandbox, …; outlives the listener's last request */
    char addr[46]; /* as bound; "" for vg_http_listen_fd()                               */
    uint16_t port; /* as bound, so never 0                                               */
};

struct vg_http_header {
    struct vg_str name, value; /* as received; the value without spaces around it */
};

/* One request. All strings live as long as its arena, which ends after the reply. */
struct vg_http_req {
    struct vg_arena *arena;
    const struct vg_listener *listener;
    void *ctx; /* the server's */
    struct vg_str method;
    struct vg_str target; /* raw, as in the request line                                   */
    struct vg_str path;   /* of the target, raw: without query, and without scheme and host */
    struct vg_str query;  /* raw, after the first '?'; absent without one                  */
    struct vg_str host;   /* the Host header, or the authority of an absolute target       */
    struct vg_str scheme; /* "http" or "https"                                             */
    int minor;            /* HTTP/1.minor                                                  */
    const struct vg_http_header *headers; /* in order                                      */
    size_t n_headers;
    int64_t content_length; /* 0 without a body, -1 when chunked                           */
    bool has_body;          /* Content-Length > 0, or chunked                              */
    bool is_head;           /* the reply's body is not sent                                */
    bool is_replied;        /* a reply was begun                                           */
    int status;             /* of that reply; 0: none                                      */
    int64_t sent_bytes;     /* of its body, so far: with the kernel, without chunks' heads  */
    bool is_timed;          /* the handler's to set: it asks for replied_ms                */
    int64_t replied_ms;     /* monotonic: when the reply was begun                         */
    int64_t received_ms;    /* monotonic: when the head was complete                       */
};

/*
 * Makes one reply by vg_http_reply() or vg_http_reply_begin() … vg_http_reply_end().  When it
 * returns without one the client gets 500, or nothing if it has left.
 */
typedef void(vg_http_handler_fn)(struct vg_http_req *req);

struct vg_http_config {
    struct vg_loop *const *loops; /* the acceptor lives on the first */
    size_t n_loops;
    vg_http_handler_fn *handler;
    void *ctx;
    size_t conns_max; /* 0: VG_CONNS_MAX */
};

/* Any thread, before or while the loops run. The server has no listener yet. Ignores SIGPIPE. */
struct vg_http_server *vg_http_server_new(const struct vg_http_config *config);

/*
 * Listens on a numeric address ("127.0.0.1", "::1"); port 0 picks one.  Any thread.  `tls` may be
 * NULL and must outlive the server.  The listener belongs to the server.
 */
vg_rc vg_http_listen(struct vg_http_server *server, struct vg_str addr, uint16_t port,
                     struct vg_tls *tls, enum vg_trust trust, void *ctx,
                     const struct vg_listener **ret, struct vg_err *err) VG_MUST_USE;
/* The same for a socket that already listens; takes the descriptor over in any case. */
vg_rc vg_http_listen_fd(struct vg_http_server *server, int fd, struct vg_tls *tls,
                        enum vg_trust trust, void *ctx, const struct vg_listener **ret,
                        struct vg_err *err) VG_MUST_USE;
/*
 * Takes no more connections; idle ones are closed, the others after their present request.  Any
 * thread.  on_closed(arg), if not NULL, runs on the acceptor's loop when the last connection has
 * gone: from then on the listener and its ctx are not used any more.
 */
void vg_http_listener_close(struct vg_http_server *server, const struct vg_listener *listener,
                            void (*on_closed)(void *arg), void *arg);

/*
 * Stops: closes all listeners, lets running requests finish for finish_ms, then cancels their
 * fibers, and after another 2 s cuts them off. Returns when no connection is left. On a fiber.
 */
void vg_http_server_stop(struct vg_http_server *server, int64_t finish_ms) VG_WAITS;
/* After vg_http_server_stop(), or after the loops ended. Accepts NULL. */
void vg_http_server_free(struct vg_http_server *server);

size_t vg_http_server_conns(const struct vg_http_server *server); /* open now; any thread */

/* --- a request, on its fiber -------------------------------------------------------------------
 */

/* The first header of that name (case-insensitive); absent when there is none. */
struct vg_str vg_http_header(const struct vg_http_req *req, struct vg_str name);
/* How many headers of that name there are. */
size_t vg_http_header_count(const struct vg_http_req *req, struct vg_str name);
/* The client's address, numeric, in the arena; *ret_port may be NULL. */
struct vg_str vg_http_remote(const struct vg_http_req *req, uint16_t *ret_port);
/* Of TLS: "1.2", "1.3"; absent on a plain connection. */
struct vg_str vg_http_tls_version(const struct vg_http_req *req);
/* As OpenSSL calls it: "ECDHE-RSA-AES128-GCM-SHA256"; absent on a plain connection. */
struct vg_str vg_http_tls_cipher(const struct vg_http_req *req);
/* False once the client has closed its side or the connection failed. */
bool vg_http_is_client_there(const struct vg_http_req *req);

/*
 * The next bytes of the body, decoded; valid until the next call.  VG_OK with an empty string is
 * the end, again and again.  VG_FAIL: malformed chunks or a client too slow (err->os_errno is
 * EBADMSG or ETIMEDOUT); VG_GONE: the client left, or the fiber was cancelled.  Sends 100 Continue
 * when the client asked for it and the body is waited for.
 */
vg_rc vg_http_body_read(struct vg_http_req *req, struct vg_str *ret, struct vg_err *err)
    VG_WAITS VG_MUST_USE;
/*
 * All of it, in the arena.  Also VG_FAIL with EFBIG when it is longer than max_bytes (known at once
 * with a Content-Length: nothing is then read).
 */
vg_rc vg_http_body_read_all(struct vg_http_req *req, size_t max_bytes, struct vg_str *ret,
                            struct vg_err *err) VG_WAITS VG_MUST_USE;

/*
 * The whole reply, in one system call where the client takes it.  Date, Content-Length and
 * Connection are added here and must not be among the headers.  Status 204, 304 and replies to HEAD
 * have no body: `body` then only gives the Content-Length (not for 204).  Returns when everything
 * is with the kernel; VG_GONE when the client left or does not read (VG_HTTP_BODY_STALL_MS);
 * VG_FAIL, after a bare 500 was sent, when a header holds bytes that no header can hold.
 * Cancelling the fiber does not end it.
 */
vg_rc vg_http_reply(struct vg_http_req *req, int status, const struct vg_http_header *headers,
                    size_t n_headers, struct vg_str body) VG_WAITS;

/*
 * The same in parts: the head, which leaves with the first bytes when content_length says that some
 * will come; then writes, which wait while the client is slow; then the end.  content_length -1:
 * chunked (HTTP/1.0: until the connection closes).  Writes beyond a given length are a bug; an end
 * before it closes the connection.  After anything but VG_OK the other calls do nothing and return
 * the same.
 */
vg_rc vg_http_reply_begin(struct vg_http_req *req, int status, const struct vg_http_header *headers,
                          size_t n_headers, int64_t content_length) VG_WAITS;
vg_rc vg_http_reply_write(struct vg_http_req *req, struct vg_str data) VG_WAITS;
vg_rc vg_http_reply_end(struct vg_http_req *req) VG_WAITS;

/* Closes the connection after this reply, and says so in it when called before it. */
void vg_http_close_after(struct vg_http_req *req);

/* "OK", "Not Found", …; "Unknown" for what RFC 9110 does not name. */
struct vg_str vg_http_reason(int status);

#endif
