/* SPDX-License-Identifier: Apache-2.0 */
/* The client's connections: making, keeping, closing them. */
#include "http/client_int.h"

#include "base/arena.h"
#include "base/limits.h"
#include "os/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define IDLE_MS        15000
#define IDLE_MAX       64u
#define STOP_STEP_MS   2
#define ADDRESSES_MAX  8u
#define HOST_MAX_BYTES 254u /* RFC 1035, and a NUL */

vg_rc
client_fail(vg_rc rc, const struct vg_http_call *call, const char *what, struct vg_err *err)
{
    if (rc == VG_GONE && vg_fiber_is_cancelled())
        return VG_GONE;
    return vg_err_errno(err, rc == VG_TIMEOUT ? ETIMEDOUT : ECONNRESET, "%s %" VG_FMT ":%u", what,
                        VG_ARG(call->host), call->port);
}

/* --- pools -------------------------------------------------------------------------------------
 */

static void
on_idle_timer(uv_timer_t *timer)
{
    struct pool *p = timer->data;
    int64_t now_ms = vg_mono_ms();
    while (!vg_link_is_alone(&p->idle)) {
        struct cconn *c = VG_CONTAINER(p->idle.next, struct cconn, idle);
        if (c->idle_ms + IDLE_MS > now_ms) {
            uv_timer_start(timer, on_idle_timer, (uint64_t)(c->idle_ms + IDLE_MS - now_ms) + 1, 0);
            return;
        }
        cconn_close(c);
    }
}

static struct pool *
pool_find(struct vg_http_client *client, struct vg_loop *loop)
{
    struct pool *found = NULL;
    pthread_mutex_lock(&client->lock);
    for (struct vg_link *at = client->pools.next; at != &client->pools; at = at->next) {
        struct pool *p = VG_CONTAINER(at, struct pool, all);
        if (p->loop == loop)
            found = p;
    }
    pthread_mutex_unlock(&client->lock);
    return found;
}

static struct pool *
pool_of(struct vg_http_client *client)
{
    struct vg_loop *loop = vg_loop_self();
    struct pool *p = pool_find(client, loop);
    if (p)
        return p;
    p = vg_xalloc(sizeof(*p));
    p->loop = loop;
    p->scratch = vg_xalloc(SCRATCH_BYTES);
    vg_link_init(&p->idle);
    uv_timer_init(vg_loop_uv(loop), &p->timer);
    p->timer.data = p;
    pthread_mutex_lock(&client->lock);
    vg_link_append(&client->pools, &p->all);
    pthread_mutex_unlock(&client->lock);
    return p;
}

static void
on_timer_gone(uv_handle_t *handle)
{
    struct pool *p = handle->data;
    p->is_timer_gone = true;
}

struct leaving {
    struct vg_http_client *client;
    atomic_int n_left;
};

/* On a fiber of the pool's loop. */
static void
leave_loop(void *arg)
{
    struct leaving *leaving = arg;
    struct pool *p = pool_find(leaving->client, vg_loop_self());
    while (!vg_link_is_alone(&p->idle))
        cconn_close(VG_CONTAINER(p->idle.next, struct cconn, idle));
    uv_close((uv_handle_t *)&p->timer, on_timer_gone);
    while (p->n_open > 0 || !p->is_timer_gone)
        vg_fiber_yield(); /* their close callbacks come in the loop's next turn */
    pthread_mutex_lock(&leaving->client->lock);
    vg_link_remove(&p->all);
    pthread_mutex_unlock(&leaving->client->lock);
    free(p->scratch);
    free(p);
    atomic_fetch_sub(&leaving->n_left, 1);
}

void
vg_http_client_stop(struct vg_http_client *client)
{
    struct leaving leaving = { .client = client };
    pthread_mutex_lock(&client->lock);
    for (struct vg_link *at = client->pools.next; at != &client->pools; at = at->next) {
        atomic_fetch_add(&leaving.n_left, 1);
        vg_fiber_start(VG_CONTAINER(at, struct pool, all)->loop, leave_loop, &leaving);
    }
    pthread_mutex_unlock(&client->lock);
    while (atomic_load(&leaving.n_left) > 0) {
        struct vg_waiter w; /* not vg_fiber_sleep(): we may be cancelled ourselves */
        vg_waiter_init(&w);
        (void)vg_waiter_park(&w, vg_mono_ms() + STOP_STEP_MS, false);
    }
}

/* --- one connection ----------------------------------------------------------------------------
 */

static void
cconn_free(struct cconn *c)
{
    c->pool->n_open--;
    stream_fini(&c->s);
    free((void *)(uintptr_t)c->host.ptr);
    free(c);
}

void
cconn_close(struct cconn *c)
{
    if (!vg_link_is_alone(&c->idle)) {
        vg_link_remove(&c->idle);
        c->pool->n_idle--;
    }
    stream_close(&c->s);
}

static size_t
room(const struct stream *s)
{
    return inbuf_room(&s->in, VG_HTTP_PIECE_BYTES);
}

static void
on_bytes(struct stream *s, struct vg_str bytes)
{
    struct cconn *c = (struct cconn *)s;
    if (!c->is_used) {
        cconn_close(c); /* nobody has asked */
        return;
    }
    inbuf_add(&s->in, bytes);
    if (inbuf_size(&s->in) >= VG_HTTP_PIECE_BYTES)
        stream_read_stop(s);
    if (s->reader)
        vg_waiter_wake(s->reader, VG_OK);
}

static void
on_eof(struct stream *s)
{
    struct cconn *c = (struct cconn *)s;
    if (!c->is_used)
        cconn_close(c);
}

static void
on_broken(struct stream *s)
{
    cconn_close((struct cconn *)s);
}

static void
on_closed(struct stream *s)
{
    struct cconn *c = (struct cconn *)s;
    c->is_freeable = true;
    if (!c->is_used)
        cconn_free(c);
}

static const struct stream_events cconn_events = {
    .room = room,
    .on_bytes = on_bytes,
    .on_eof = on_eof,
    .on_broken = on_broken,
    .on_closed = on_closed,
};

void
cconn_put(struct cconn *c, bool is_kept)
{
    struct pool *p = c->pool;
    c->is_used = false;
    if (c->is_freeable) {
        cconn_free(c);
        return;
    }
    if (!is_kept || c->s.is_closed || c->s.is_eof || inbuf_size(&c->s.in) > 0) {
        cconn_close(c);
        return;
    }
    inbuf_fini(&c->s.in);
    stream_read_start(&c->s); /* to see it when the other side closes it */
    if (c->s.is_closed)
        return;
    c->is_old = true;
    c->idle_ms = vg_mono_ms();
    vg_link_append(&p->idle, &c->idle);
    if (++p->n_idle > IDLE_MAX)
        cconn_close(VG_CONTAINER(p->idle.next, struct cconn, idle));
    if (!uv_is_active((uv_handle_t *)&p->timer))
        uv_timer_start(&p->timer, on_idle_timer, IDLE_MS + 1, 0);
}

/* Also what the loop has not told us yet: that the other side has closed it. */
static bool
is_alive(struct cconn *c)
{
    uv_os_fd_t fd;
    char byte;
    if (uv_fileno((uv_handle_t *)&c->s.tcp, &fd) != 0)
        return false;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static struct cconn *
take_idle(struct pool *p, const struct vg_http_call *call)
{
    for (struct vg_link *at = p->idle.prev; at != &p->idle;) { /* the freshest first */
        struct cconn *c = VG_CONTAINER(at, struct cconn, idle);
        at = at->prev;
        if (c->port != call->port || c->is_tls != call->is_tls
            || !vg_str_eq_nocase(c->host, call->host))
            continue;
        if (!is_alive(c)) {
            cconn_close(c);
            continue;
        }
        vg_link_remove(&c->idle);
        p->n_idle--;
        c->is_used = true;
        return c;
    }
    return NULL;
}

/* --- names -------------------------------------------------------------------------------------
 */

struct addresses {
    struct sockaddr_in6 list[ADDRESSES_MAX]; /* or sockaddr_in */
    size_t n;
};

struct resolving {
    uv_getaddrinfo_t req;
    struct vg_waiter *waiter; /* NULL: nobody waits any more */
    struct addresses *ret;
    int status;
};

static void
on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
    struct resolving *r = req->data;
    if (r->waiter == NULL) {
        free(r);
        uv_freeaddrinfo(found);
        return;
    }
    r->status = status;
    for (struct addrinfo *at = found; at && r->ret->n < ADDRESSES_MAX; at = at->ai_next)
        if (at->ai_addrlen <= sizeof(r->ret->list[0]))
            memcpy(&r->ret->list[r->ret->n++], at->ai_addr, at->ai_addrlen);
    uv_freeaddrinfo(found);
    vg_waiter_wake(r->waiter, VG_OK);
}

static bool
read_numeric(const char *host, uint16_t port, struct addresses *ret)
{
    struct sockaddr_in v4;
    if (uv_ip4_addr(host, port, &v4) == 0) {
        memcpy(&ret->list[0], &v4, sizeof(v4));
        ret->n = 1;
    } else if (uv_ip6_addr(host, port, &ret->list[0]) == 0) {
        ret->n = 1;
    }
    return ret->n == 1;
}

static vg_rc
resolve(const struct vg_http_call *call, struct addresses *ret, struct vg_err *err)
{
    char host[HOST_MAX_BYTES], port[8];
    if (call->host.len == 0 || call->host.len >= sizeof(host))
        return vg_err_errno(err, EINVAL, "not a host: %.100s", call->host.ptr);
    snprintf(host, sizeof(host), "%" VG_FMT, VG_ARG(call->host));
    snprintf(port, sizeof(port), "%u", call->port);
    *ret = (struct addresses) { .n = 0 };
    if (read_numeric(host, call->port, ret))
        return VG_OK;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    struct resolving *r = vg_xalloc(sizeof(*r));
    struct vg_waiter w;
    vg_waiter_init(&w);
    *r = (struct resolving) { .waiter = &w, .ret = ret };
    r->req.data = r;
    uv_loop_t *loop = vg_loop_uv(vg_loop_self());
    if (uv_getaddrinfo(loop, &r->req, on_resolved, host, port, &hints) != 0) {
        free(r);
        return vg_err_errno(err, EINVAL, "not a host: %s", host);
    }
    vg_rc rc = vg_waiter_park(&w, call->deadline_ms, true);
    if (rc != VG_OK) {
        r->waiter = NULL;
        return client_fail(rc, call, "look up", err);
    }
    int status = r->status;
    free(r);
    if (status != 0 || ret->n == 0)
        return vg_err_errno(err, EHOSTUNREACH, "look up %s: %s", host,
                            status ? uv_strerror(status) : "no address");
    return VG_OK;
}

/* --- connecting --------------------------------------------------------------------------------
 */

static void
on_connected(uv_connect_t *req, int status)
{
    struct cconn *c = req->data;
    c->connect_status = status;
    if (c->connecting)
        vg_waiter_wake(c->connecting, VG_OK);
}

static struct cconn *
cconn_new(struct vg_http_client *client, struct pool *p, const struct vg_http_call *call)
{
    struct cconn *c = vg_xalloc(sizeof(*c));
    char *host = vg_xalloc(call->host.len + 1);
    memcpy(host, call->host.ptr, call->host.len);
    c->host = vg_str_n(host, call->host.len);
    c->port = call->port;
    c->is_tls = call->is_tls;
    c->is_used = true;
    c->pool = p;
    p->n_open++;
    vg_link_init(&c->idle);
    c->s.events = &cconn_events;
    c->s.scratch = p->scratch;
    stream_init(&c->s, vg_loop_uv(p->loop));
    c->connect.data = c;
    if (call->is_tls)
        c->s.tls = tls_conn_new_client(client->tls, call->host);
    return c;
}

/* One address; VG_FAIL with the reason, so that the next can be tried. */
static vg_rc
connect_to(struct cconn *c, const struct vg_http_call *call, const struct sockaddr_in6 *to,
           struct vg_err *err)
{
    struct vg_waiter w;
    vg_waiter_init(&w);
    c->connecting = &w;
    int status = uv_tcp_connect(&c->connect, &c->s.tcp, (const struct sockaddr *)to, on_connected);
    vg_rc rc = VG_OK;
    if (status == 0) {
        rc = vg_waiter_park(&w, call->deadline_ms, true);
        status = c->connect_status;
    }
    c->connecting = NULL;
    if (rc != VG_OK)
        return client_fail(rc, call, "connect to", err);
    if (status != 0)
        return vg_err_errno(err, -status, "connect to %" VG_FMT ":%u", VG_ARG(call->host),
                            call->port);
    uv_tcp_nodelay(&c->s.tcp, 1);
    stream_read_start(&c->s);
    if (c->s.tls == NULL)
        return VG_OK;
    rc = stream_handshake(&c->s, call->deadline_ms);
    if (rc == VG_FAIL)
        return vg_err_errno(err, EPROTO, "TLS with %" VG_FMT ":%u: %" VG_FMT, VG_ARG(call->host),
                            call->port, VG_ARG(tls_conn_error(c->s.tls)));
    return rc == VG_OK ? rc : client_fail(rc, call, "TLS with", err);
}

static void
read_authorities(void *arg)
{
    struct vg_http_client *client = arg;
    pthread_mutex_lock(&client->trust_lock);
    if (!client->is_trusting)
        tls_client_ctx_trust_system(client->tls);
    client->is_trusting = true;
    pthread_mutex_unlock(&client->trust_lock);
}

vg_rc
cconn_get(struct vg_http_client *client, const struct vg_http_call *call, bool is_fresh,
          struct cconn **ret, struct vg_err *err)
{
    struct pool *p = pool_of(client);
    struct cconn *c = is_fresh ? NULL : take_idle(p, call);
    if (c) {
        *ret = c;
        return VG_OK;
    }
    struct addresses to;
    vg_rc rc = resolve(call, &to, err);
    if (rc != VG_OK)
        return rc;
    if (call->is_tls && !client->is_trusting)
        vg_offload(read_authorities, client); /* not at the start: most never need them */
    for (size_t i = 0; i < to.n; i++) {
        c = cconn_new(client, p, call);
        rc = connect_to(c, call, &to.list[i], err);
        if (rc == VG_OK) {
            *ret = c;
            return VG_OK;
        }
        cconn_put(c, false);
        if (rc == VG_GONE || vg_mono_ms() >= call->deadline_ms)
            break;
    }
    return rc;
}
