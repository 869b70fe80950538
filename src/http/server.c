/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's life, its listeners and the acceptor.
 *
 * Listeners are polled on the first loop; what they accept is dealt to the loops in turn, because a
 * libuv handle cannot change loops.  The listener's struct is shared: it is freed by the acceptor
 * when it is closed and its last connection has gone.
 */
#include "http/server_int.h"
#include "http/tls_conn.h"

#include "base/arena.h"
#include "base/limits.h"
#include "os/clock.h"
#include "os/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG         1024
#define ACCEPTS_AT_ONCE 64
#define RETRY_MS        50
#define CUT_OFF_MS      2000
#define STOP_STEP_MS    2

/* --- accepting ---------------------------------------------------------------------------------
 */

struct accepted {
    struct http_loop *loop;
    struct listener *listener;
    int fd;
    struct sockaddr_in6 peer;
};

static void
open_accepted(void *arg)
{
    struct accepted *a = arg;
    conn_open(a->loop, a->listener, a->fd, &a->peer);
    free(a);
}

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void
listener_resume(struct listener *l)
{
    l->is_paused = false;
    uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
}

static void
on_retry(uv_timer_t *timer)
{
    struct vg_http_server *s = timer->data;
    bool is_full = atomic_load(&s->n_conns) >= s->config.conns_max;
    for (struct vg_link *at = s->listeners.next; at != &s->listeners && !is_full; at = at->next) {
        struct listener *l = VG_CONTAINER(at, struct listener, all);
        if (l->is_paused && !l->is_shut)
            listener_resume(l);
    }
    if (is_full)
        uv_timer_start(timer, on_retry, RETRY_MS, 0);
}

/* No descriptor, no memory or no room left: the backlog holds the others for a moment. */
static void
listener_pause(struct listener *l)
{
    l->is_paused = true;
    uv_poll_stop(&l->poll);
    uv_timer_start(&l->server->retry, on_retry, RETRY_MS, 0);
}

/* True when there may be more. */
static bool
accept_one(struct listener *l)
{
    struct vg_http_server *s = l->server;
    struct accepted *a = vg_xalloc(sizeof(*a));
    socklen_t len = sizeof(a->peer);
    a->fd = accept4(l->fd, (struct sockaddr *)&a->peer, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (a->fd < 0) {
        bool is_other = errno == ECONNABORTED || errno == EINTR;
        if (!is_other && errno != EAGAIN)
            listener_pause(l);
        free(a);
        return is_other;
    }
    a->loop = &s->loops[s->next_loop++ % s->config.n_loops];
    a->listener = l;
    atomic_fetch_add(&l->refs, 1);
    atomic_fetch_add(&s->n_conns, 1);
    vg_loop_post(a->loop->loop, open_accepted, a);
    return true;
}

static void
on_acceptable(uv_poll_t *poll, int status, int events)
{
    struct listener *l = poll->data;
    (void)status; /* accept4() tells */
    (void)events;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        if (atomic_load(&l->server->n_conns) >= l->server->config.conns_max) {
            listener_pause(l);
            return;
        }
        if (!accept_one(l))
            return;
    }
}

/* --- listeners ---------------------------------------------------------------------------------
 */

static struct vg_loop *
acceptor_of(const struct vg_http_server *s)
{
    return s->config.loops[0];
}

static void
listener_start(void *arg)
{
    struct listener *l = arg;
    struct vg_http_server *s = l->server;
    vg_link_append(&s->listeners, &l->all);
    if (atomic_load(&l->is_closing))
        return; /* listener_end() is on its way */
    if (!s->is_retry_ready) {
        s->is_retry_ready = true;
        uv_timer_init(vg_loop_uv(acceptor_of(s)), &s->retry);
        s->retry.data = s;
    }
    if (uv_poll_init(vg_loop_uv(acceptor_of(s)), &l->poll, l->fd) != 0)
        VG_BUG("libuv refuses a listener");
    l->poll.data = l;
    l->is_started = true;
    atomic_fetch_add(&l->refs, 1);
    listener_resume(l);
}

static void
listener_free(void *arg)
{
    struct listener *l = arg;
    if (l->on_closed)
        l->on_closed(l->on_closed_arg);
    free(l);
}

void
listener_unref(struct listener *l)
{
    if (atomic_fetch_sub(&l->refs, 1) == 1)
        vg_loop_post(acceptor_of(l->server), listener_free, l);
}

static void
on_poll_closed(uv_handle_t *handle)
{
    listener_unref(handle->data);
}

/* Takes no more connections. */
static void
listener_shut(struct listener *l)
{
    if (l->is_shut)
        return;
    l->is_shut = true;
    if (l->is_started)
        uv_close((uv_handle_t *)&l->poll, on_poll_closed);
    close(l->fd);
}

static void
listener_end(void *arg)
{
    struct listener *l = arg;
    vg_link_remove(&l->all);
    listener_shut(l);
    listener_unref(l);
}

struct sweep {
    struct http_loop *loop;
    struct listener *listener;
};

/* On each loop: the closed listener's connections end when they are idle. */
static void
sweep_conns(void *arg)
{
    struct sweep *s = arg;
    for (struct vg_link *at = s->loop->conns.next; at != &s->loop->conns;) {
        struct conn *c = VG_CONTAINER(at, struct conn, all);
        at = at->next;
        if (c->listener == s->listener)
            conn_stop_when_idle(c);
    }
    listener_unref(s->listener);
    free(s);
}

void
vg_http_listener_close(struct vg_http_server *s, const struct vg_listener *listener,
                       void (*on_closed)(void *arg), void *arg)
{
    struct listener *l = (struct listener *)(uintptr_t)listener;
    VG_ASSERT(l->server == s);
    l->on_closed = on_closed;
    l->on_closed_arg = arg;
    atomic_store(&l->is_closing, true);
    for (size_t i = 0; i < s->config.n_loops; i++) {
        struct sweep *sweep = vg_xalloc(sizeof(*sweep));
        *sweep = (struct sweep) { &s->loops[i], l };
        atomic_fetch_add(&l->refs, 1);
        vg_loop_post(s->config.loops[i], sweep_conns, sweep);
    }
    vg_loop_post(acceptor_of(s), listener_end, l);
}

/* What the socket is bound to. */
static vg_rc
read_name(struct listener *l, struct vg_err *err)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;
    socklen_t len = sizeof(u);
    if (getsockname(l->fd, &u.any, &len) != 0)
        return vg_err_errno(err, errno, "listening socket");
    if (u.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &u.v4.sin_addr, l->pub.addr, sizeof(l->pub.addr));
        l->pub.port = ntohs(u.v4.sin_port);
    } else if (u.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &u.v6.sin6_addr, l->pub.addr, sizeof(l->pub.addr));
        l->pub.port = ntohs(u.v6.sin6_port);
    } else {
        return vg_err_errno(err, EAFNOSUPPORT, "listening socket");
    }
    return VG_OK;
}

/*
 * What never leaves the machine is not to be paced: where the system prefers BBR, which sends by
 * timers, loopback loses a quarter of what it can.  Connections inherit this.  It needs no
 * privilege, and where it is refused the system's choice stays (tcp(7), TCP_CONGESTION).
 */
static void
unpace_loopback(const struct listener *l)
{
    static const char unpaced[] = "cubic";
    if (strncmp(l->pub.addr, "127.", 4) == 0 || strcmp(l->pub.addr, "::1") == 0)
        (void)setsockopt(l->fd, IPPROTO_TCP, TCP_CONGESTION, unpaced, sizeof(unpaced) - 1);
}

vg_rc
vg_http_listen_fd(struct vg_http_server *s, int fd, struct vg_tls *tls, enum vg_trust trust,
                  void *ctx, const struct vg_listener **ret, struct vg_err *err)
{
    struct listener *l = vg_xalloc(sizeof(*l));
    l->server = s;
    l->fd = fd;
    l->tls = tls;
    l->pub = (struct vg_listener) { .trust = trust, .is_tls = tls != NULL, .ctx = ctx };
    vg_link_init(&l->all);
    atomic_init(&l->refs, 1);
    vg_rc rc = read_name(l, err);
    if (rc != VG_OK) {
        close(fd);
        free(l);
        return rc;
    }
    unpace_loopback(l);
    *ret = &l->pub;
    vg_loop_post(acceptor_of(s), listener_start, l);
    return VG_OK;
}

static vg_rc
bind_tcp(struct vg_str addr, uint16_t port, int *ret_fd, struct vg_err *err)
{
    char text[INET6_ADDRSTRLEN] = { 0 };
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    if (addr.len < sizeof(text))
        memcpy(text, addr.ptr, addr.len);
    bool is_v4 = inet_pton(AF_INET, text, &v4.sin_addr) == 1;
    if (!is_v4 && inet_pton(AF_INET6, text, &v6.sin6_addr) != 1)
        return vg_err_errno(err, EINVAL, "not a numeric address: %.64s", text);
    struct sockaddr *sa = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
    socklen_t len = is_v4 ? sizeof(v4) : sizeof(v6);
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1;
    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, sa, len) != 0 || listen(fd, BACKLOG) != 0) {
        vg_rc rc = vg_err_errno(err, errno, "listen on %s port %u", text, port);
        vg_close_p(&fd);
        return rc;
    }
    *ret_fd = fd;
    return VG_OK;
}

vg_rc
vg_http_listen(struct vg_http_server *s, struct vg_str addr, uint16_t port, struct vg_tls *tls,
               enum vg_trust trust, void *ctx, const struct vg_listener **ret, struct vg_err *err)
{
    int fd = -1;
    vg_rc rc = bind_tcp(addr, port, &fd, err);
    return rc == VG_OK ? vg_http_listen_fd(s, fd, tls, trust, ctx, ret, err) : rc;
}

/* --- life --------------------------------------------------------------------------------------
 */

struct vg_http_server *
vg_http_server_new(const struct vg_http_config *config)
{
    VG_ASSERT(config->n_loops > 0 && config->handler != NULL);
    struct vg_http_server *s = vg_xalloc(sizeof(*s));
    s->config = *config;
    if (s->config.conns_max == 0)
        s->config.conns_max = VG_CONNS_MAX;
    vg_link_init(&s->listeners);
    s->loops = vg_xalloc(config->n_loops * sizeof(*s->loops));
    for (size_t i = 0; i < config->n_loops; i++) {
        struct http_loop *h = &s->loops[i];
        h->server = s;
        h->loop = config->loops[i];
        vg_link_init(&h->conns);
        for (int p = 0; p < N_PATIENCE; p++)
            vg_link_init(&h->timed[p]);
    }
    (void)signal(SIGPIPE, SIG_IGN); /* libuv writes without MSG_NOSIGNAL */
    return s;
}

size_t
vg_http_server_conns(const struct vg_http_server *s)
{
    return atomic_load(&s->n_conns);
}

static void
shut_listeners(void *arg)
{
    struct vg_http_server *s = arg;
    for (struct vg_link *at = s->listeners.next; at != &s->listeners; at = at->next) {
        struct listener *l = VG_CONTAINER(at, struct listener, all);
        atomic_store(&l->is_closing, true);
        listener_shut(l);
    }
    if (s->is_retry_ready)
        uv_timer_stop(&s->retry);
    atomic_store(&s->is_shut, true);
}

/* The three steps of stopping, each on every loop. */
static void
stop_idle(void *arg)
{
    struct http_loop *h = arg;
    h->is_stopping = true;
    for (struct vg_link *at = h->conns.next; at != &h->conns;) {
        struct conn *c = VG_CONTAINER(at, struct conn, all);
        at = at->next;
        conn_stop_when_idle(c);
    }
}

static void
cancel_busy(void *arg)
{
    struct http_loop *h = arg;
    for (struct vg_link *at = h->conns.next; at != &h->conns; at = at->next) {
        struct conn *c = VG_CONTAINER(at, struct conn, all);
        if (c->fiber)
            vg_fiber_cancel(c->fiber);
    }
}

static void
cut_off(void *arg)
{
    struct http_loop *h = arg;
    for (struct vg_link *at = h->conns.next; at != &h->conns;) {
        struct conn *c = VG_CONTAINER(at, struct conn, all);
        at = at->next;
        conn_close(c);
    }
}

static void
post_all(struct vg_http_server *s, vg_task_fn *fn)
{
    for (size_t i = 0; i < s->config.n_loops; i++)
        vg_loop_post(s->config.loops[i], fn, &s->loops[i]);
}

static void
wait_uncancelled(int64_t until_ms)
{
    struct vg_waiter w;
    vg_waiter_init(&w);
    (void)vg_waiter_park(&w, until_ms, false);
}

/* Until no connection is left, but for_ms at most. */
static void
wait_for_conns(struct vg_http_server *s, int64_t for_ms)
{
    int64_t end_ms = vg_mono_ms() + for_ms;
    while (atomic_load(&s->n_conns) > 0 && vg_mono_ms() < end_ms)
        wait_uncancelled(vg_mono_ms() + STOP_STEP_MS);
}

static void
on_loop_gone(uv_handle_t *handle)
{
    struct http_loop *h = handle->data;
    atomic_fetch_add(&h->server->n_loops_gone, 1);
}

static void
leave_loop(void *arg)
{
    struct http_loop *h = arg;
    if (h->is_ready)
        uv_close((uv_handle_t *)&h->timer, on_loop_gone);
    else
        atomic_fetch_add(&h->server->n_loops_gone, 1);
}

static void
on_retry_gone(uv_handle_t *handle)
{
    struct vg_http_server *s = handle->data;
    atomic_fetch_add(&s->n_loops_gone, 1);
}

static void
leave_acceptor(void *arg)
{
    struct vg_http_server *s = arg;
    if (s->is_retry_ready)
        uv_close((uv_handle_t *)&s->retry, on_retry_gone);
    else
        atomic_fetch_add(&s->n_loops_gone, 1);
}

void
vg_http_server_stop(struct vg_http_server *s, int64_t finish_ms)
{
    vg_loop_post(acceptor_of(s), shut_listeners, s);
    while (!atomic_load(&s->is_shut))
        wait_uncancelled(vg_mono_ms() + STOP_STEP_MS);
    post_all(s, stop_idle);
    wait_for_conns(s, finish_ms);
    post_all(s, cancel_busy);
    wait_for_conns(s, CUT_OFF_MS);
    post_all(s, cut_off);
    wait_for_conns(s, INT32_MAX);
    post_all(s, leave_loop);
    vg_loop_post(acceptor_of(s), leave_acceptor, s);
    while (atomic_load(&s->n_loops_gone) < s->config.n_loops + 1)
        wait_uncancelled(vg_mono_ms() + STOP_STEP_MS);
}

void
vg_http_server_free(struct vg_http_server *s)
{
    if (s == NULL)
        return;
    while (!vg_link_is_alone(&s->listeners)) {
        struct listener *l = VG_CONTAINER(s->listeners.next, struct listener, all);
        vg_link_remove(&l->all);
        free(l);
    }
    for (size_t i = 0; i < s->config.n_loops; i++) {
        struct http_loop *h = &s->loops[i];
        while (h->spare_conns) {
            struct conn *c = h->spare_conns;
            h->spare_conns = c->s.tcp.data;
            free(c);
        }
        while (h->n_spare_arenas)
            vg_arena_free(h->spare_arenas[--h->n_spare_arenas]);
        free(h->scratch);
    }
    free(s->loops);
    free(s);
}

/* --- what a request tells ----------------------------------------------------------------------
 */

struct vg_str
vg_http_header(const struct vg_http_req *req, struct vg_str name)
{
    for (size_t i = 0; i < req->n_headers; i++)
        if (vg_str_eq_nocase(req->headers[i].name, name))
            return req->headers[i].value;
    return VG_STR_NONE;
}

size_t
vg_http_header_count(const struct vg_http_req *req, struct vg_str name)
{
    size_t n = 0;
    for (size_t i = 0; i < req->n_headers; i++)
        n += vg_str_eq_nocase(req->headers[i].name, name);
    return n;
}

struct vg_str
vg_http_remote(const struct vg_http_req *req, uint16_t *ret_port)
{
    const struct sockaddr_in6 *v6 = &((const struct request *)req)->conn->peer;
    const struct sockaddr_in *v4 = (const void *)v6;
    bool is_v4 = v6->sin6_family == AF_INET;
    char *text = vg_arena_alloc(req->arena, INET6_ADDRSTRLEN);
    if (is_v4)
        inet_ntop(AF_INET, &v4->sin_addr, text, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, &v6->sin6_addr, text, INET6_ADDRSTRLEN);
    if (ret_port)
        *ret_port = ntohs(is_v4 ? v4->sin_port : v6->sin6_port);
    return vg_str_of(text);
}

struct vg_str
vg_http_tls_version(const struct vg_http_req *req)
{
    const struct tls_conn *tls = ((const struct request *)req)->conn->s.tls;
    return tls ? tls_conn_version(tls) : VG_STR_NONE;
}

struct vg_str
vg_http_tls_cipher(const struct vg_http_req *req)
{
    const struct tls_conn *tls = ((const struct request *)req)->conn->s.tls;
    return tls ? tls_conn_cipher(tls) : VG_STR_NONE;
}

bool
vg_http_is_client_there(const struct vg_http_req *req)
{
    const struct conn *c = ((const struct request *)req)->conn;
    return c->state != CONN_CLOSED && !c->s.is_eof;
}

void
vg_http_close_after(struct vg_http_req *req)
{
    ((struct request *)req)->is_kept_alive = false;
}
