/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_HTTP_CLIENT_INT_H
#define VG_HTTP_CLIENT_INT_H

/* What the client's files share; nobody else includes it. */

#include "base/link.h"
#include "http/chunks.h"
#include "http/client.h"
#include "http/head.h"
#include "http/stream.h"
#include "http/tls_conn.h"

#include <pthread.h>
#include <stdatomic.h>

/* The client's connections on one loop. */
struct pool {
    struct vg_link all; /* client->pools */
    struct vg_loop *loop;
    struct vg_link idle; /* oldest first */
    size_t n_idle, n_open;
    char *scratch;
    uv_timer_t timer; /* closes what was idle for long */
    bool is_timer_gone;
};

struct vg_http_client {
    SSL_CTX *tls;
    pthread_mutex_t trust_lock; /* held while the system's authorities are read */
    _Atomic bool is_trusting;   /* they are in tls */
    pthread_mutex_t lock;       /* guards pools */
    struct vg_link pools;
};

struct cconn {
    struct stream s; /* first */
    struct pool *pool;
    struct vg_link idle;
    int64_t idle_ms;    /* since when */
    struct vg_str host; /* owned */
    uint16_t port;
    bool is_tls;
    bool is_used;     /* by an exchange */
    bool is_freeable; /* the close callback ran */
    bool is_old;      /* it has served before */
    uv_connect_t connect;
    struct vg_waiter *connecting;
    int connect_status;
};

enum body_kind { BODY_NONE, BODY_LENGTH, BODY_CHUNKED, BODY_TO_END };

struct vg_http_exchange {
    struct vg_http_client *client;
    struct vg_arena *arena;
    const struct vg_http_call *call;
    struct cconn *conn;
    struct vg_str head; /* of the request */
    bool is_replied, is_kept_alive, is_body_over;
    enum body_kind kind;
    int64_t left;
    struct vg_chunks chunks;
    struct inbuf hold; /* taken from the connection; what was handed out is in it */
    int64_t write_left;
    bool is_write_over;
};

/* client_conn.c */
/* A connection to the call's server: one that is idle, or a new one. */
vg_rc cconn_get(struct vg_http_client *client, const struct vg_http_call *call, bool is_fresh,
                struct cconn **ret, struct vg_err *err) VG_WAITS VG_MUST_USE;
void cconn_put(struct cconn *c, bool is_kept); /* the exchange is over */
void cconn_close(struct cconn *c);

/* What a wait's result means to the caller. */
vg_rc client_fail(vg_rc rc, const struct vg_http_call *call, const char *what, struct vg_err *err);

#endif
