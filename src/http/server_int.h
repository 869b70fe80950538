/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_HTTP_SERVER_INT_H
#define VG_HTTP_SERVER_INT_H

/* What the server's files share; nobody else includes it. */

#include "base/link.h"
#include "http/chunks.h"
#include "http/head.h"
#include "http/server.h"
#include "http/stream.h"
#include "os/fiber.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <uv.h>

#define SPARE_ARENAS 32u

/* How long a connection may stay as it is; each has a list per loop, oldest first. */
enum patience {
    PATIENCE_IDLE,   /* kept alive, nothing received */
    PATIENCE_HEAD,   /* part of a head received      */
    PATIENCE_LINGER, /* refused; lets the client read why before the connection is reset */
    N_PATIENCE,
};

enum conn_state {
    CONN_IDLE,   /* or with part of a head   */
    CONN_BUSY,   /* a request has its fiber  */
    CONN_LINGER, /* reads and forgets        */
    CONN_CLOSED, /* uv_close() was called    */
};

struct request {
    struct vg_http_req pub; /* first: the handler's pointer is ours */
    struct conn *conn;
    struct vg_str ahead; /* the body, when all of it came with the head           */
    int64_t left;        /* of a body with a length: not yet handed out           */
    struct inbuf hold;   /* taken from the connection; what was handed out is in it */
    struct vg_chunks chunks;
    bool is_chunked, is_body_over;
    int body_errno;     /* why the body cannot be read any more */
    bool must_continue; /* 100 Continue is asked for and not sent                */
    bool is_kept_alive; /* the connection, after this request                    */
    bool is_ended;      /* the reply                                             */
    bool is_reply_chunked, has_no_body;
    int64_t reply_left;       /* of a reply with a length                              */
    struct vg_str reply_head; /* leaves with the first bytes of the body       */
    vg_rc reply_rc;
};

struct conn {
    struct stream s; /* first */
    struct http_loop *loop;
    struct listener *listener;
    struct vg_link all, timed;
    uint64_t since_ms; /* when it came to its list of patience, in uv_now() */
    enum conn_state state;
    struct vg_head_scan scan;
    struct vg_fiber *fiber;
    struct vg_arena *arena; /* of the present request                      */
    struct request *req;
    bool is_freeable; /* the close callback ran: freed when the fiber is gone */
    bool must_close;  /* after the present request                            */
    size_t lingered_bytes;
    struct sockaddr_in6 peer; /* or a sockaddr_in */
};

/* The server's part on one loop, used on its thread only. */
struct http_loop {
    struct vg_http_server *server;
    struct vg_loop *loop;
    bool is_ready, is_stopping, is_gone;
    char *scratch; /* what a read is read into */
    struct vg_link conns, timed[N_PATIENCE];
    uv_timer_t timer;
    uint64_t timer_ms; /* what the timer is set to, in uv_now(); UINT64_MAX: not */
    struct conn *spare_conns;
    struct vg_arena *spare_arenas[SPARE_ARENAS];
    size_t n_spare_conns, n_spare_arenas, n_freed_conns;
    int64_t date_s;
    char date[64]; /* "Date: …\r\n" */
    size_t date_len;
};

struct listener {
    struct vg_listener pub; /* first */
    struct vg_http_server *server;
    struct vg_tls *tls;
    struct vg_link all; /* server->listeners; this and the next four are the acceptor's */
    uv_poll_t poll;
    int fd;
    bool is_started, is_shut, is_paused;
    atomic_bool is_closing;
    atomic_int refs; /* the owner, the poll handle, one a connection */
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

struct vg_http_server {
    struct vg_http_config config;
    struct http_loop *loops;
    size_t next_loop; /* acceptor's */
    struct vg_link listeners;
    uv_timer_t retry; /* acceptor's: looks at paused listeners again */
    bool is_retry_ready;
    atomic_size_t n_conns;
    atomic_bool is_shut; /* no connection will be accepted any more */
    atomic_size_t n_loops_gone;
};

/* server.c */
void listener_unref(struct listener *l);

/* conn.c: all on the connection's loop */
void conn_open(struct http_loop *h, struct listener *l, int fd, const struct sockaddr_in6 *peer);
void conn_close(struct conn *c);
void conn_read_more(struct conn *c); /* reads again if there is room */
void conn_stop_when_idle(struct conn *c);

/* body.c: all of a body of known length was received (of others that is not known). */
bool body_is_received(const struct request *r);
/*
 * body.c: skips what was received of the body and not read, and gives back what belongs to the next
 * request.  False when more of the body is to come, so that the connection cannot go on.
 */
bool body_end(struct request *r);

/* reply.c */
struct vg_str reply_date(struct http_loop *h);
void reply_flush(struct request *r) VG_WAITS; /* the head, of a reply that was not ended */

#endif
