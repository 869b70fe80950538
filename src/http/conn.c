/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection: from its bytes to requests on fibers, one after the other.
 *
 * It holds no buffer while it is idle: reads go into the loop's scratch buffer, and only what
 * cannot be used at once is kept.  Whoever finds it broken calls conn_close(); it is freed when
 * both its close callback has run and its fiber has ended.
 */
#include "http/server_int.h"

#include "base/arena.h"
#include "base/limits.h"
#include "http/tls_conn.h"
#include "os/clock.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define LINGER_MS        2000
#define LINGER_MAX_BYTES (32u << 20) /* a little over a service's ceiling is what clients send */
#define SPARE_CONNS_MAX  64u
#define BURST_CONNS      256u

static const uint64_t patience_ms[N_PATIENCE] = {
    [PATIENCE_IDLE] = VG_HTTP_IDLE_TIMEOUT_MS,
    [PATIENCE_HEAD] = VG_HTTP_HEAD_TIMEOUT_MS,
    [PATIENCE_LINGER] = LINGER_MS,
};

/* --- patience ----------------------------------------------------------------------------------
 */

static void on_timer(uv_timer_t *timer);

/* Makes sure that the timer fires at at_ms or before. */
static void
timer_arm(struct http_loop *h, uint64_t at_ms)
{
    if (at_ms >= h->timer_ms)
        return;
    h->timer_ms = at_ms;
    uint64_t now_ms = uv_now(vg_loop_uv(h->loop));
    uv_timer_start(&h->timer, on_timer, at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

static void
conn_be_patient(struct conn *c, enum patience p)
{
    vg_link_remove(&c->timed);
    c->since_ms = uv_now(vg_loop_uv(c->loop->loop));
    vg_link_append(&c->loop->timed[p], &c->timed);
    timer_arm(c->loop, c->since_ms + patience_ms[p]);
}

static void conn_refuse(struct conn *c, int status);

static void
on_timer(uv_timer_t *timer)
{
    struct http_loop *h = timer->data;
    uint64_t now_ms = uv_now(vg_loop_uv(h->loop));
    h->timer_ms = UINT64_MAX;
    for (int p = 0; p < N_PATIENCE; p++) {
        while (!vg_link_is_alone(&h->timed[p])) {
            struct conn *c = VG_CONTAINER(h->timed[p].next, struct conn, timed);
            if (c->since_ms + patience_ms[p] > now_ms) {
                timer_arm(h, c->since_ms + patience_ms[p]);
                break;
            }
            if (p == PATIENCE_HEAD)
                conn_refuse(c, 408);
            else
                conn_close(c);
        }
    }
}

/* --- the end -----------------------------------------------------------------------------------
 */

static void
conn_free(struct conn *c)
{
    struct http_loop *h = c->loop;
    vg_link_remove(&c->all);
    stream_fini(&c->s);
    listener_unref(c->listener);
    atomic_fetch_sub(&h->server->n_conns, 1);
    if (h->n_spare_conns >= SPARE_CONNS_MAX || h->is_stopping) {
        free(c);
        if (++h->n_freed_conns % BURST_CONNS == 0)
            vg_loop_release_memory();
        return;
    }
    c->s.tcp.data = h->spare_conns;
    h->spare_conns = c;
    h->n_spare_conns++;
}

static void
on_closed(struct stream *s)
{
    struct conn *c = (struct conn *)s;
    c->is_freeable = true;
    if (c->req == NULL)
        conn_free(c);
}

void
conn_close(struct conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    c->state = CONN_CLOSED;
    vg_link_remove(&c->timed);
    if (c->req == NULL)
        inbuf_fini(&c->s.in);
    if (c->fiber)
        vg_fiber_cancel(c->fiber);
    stream_close(&c->s);
}

/* Everything is said; a client that is still sending shall read it before it meets a reset. */
static void
conn_linger(struct conn *c)
{
    inbuf_fini(&c->s.in);
    if (c->s.is_eof || !stream_end(&c->s)) {
        conn_close(c);
        return;
    }
    c->state = CONN_LINGER;
    conn_be_patient(c, PATIENCE_LINGER);
    conn_read_more(c);
}

/* A reply without a request: what was received is none. */
static void
conn_refuse_saying(struct conn *c, int status, struct vg_str why)
{
    char text[512];
    int n = snprintf(text, sizeof(text),
                     "HTTP/1.1 %d %" VG_FMT "\r\n%" VG_FMT "%s"
                     "Content-Length: %zu\r\nConnection: close\r\n\r\n%" VG_FMT,
                     status, VG_ARG(vg_http_reason(status)), VG_ARG(reply_date(c->loop)),
                     why.len ? "Content-Type: text/plain\r\n" : "", why.len, VG_ARG(why));
    stream_send_now(&c->s, vg_str_n(text, (size_t)n));
    conn_linger(c);
}

static void
conn_refuse(struct conn *c, int status)
{
    conn_refuse_saying(c, status, VG_STR(""));
}

/* Plain HTTP where TLS is spoken: told in the language that the client understands. */
static void
conn_refuse_plain(struct conn *c)
{
    tls_conn_free(c->s.tls);
    c->s.tls = NULL;
    conn_refuse_saying(
        c, 400, VG_STR("This port speaks HTTPS: the endpoint's URL begins with https://.\n"));
}

/* --- requests ----------------------------------------------------------------------------------
 */

static struct vg_arena *
arena_take(struct http_loop *h)
{
    return h->n_spare_arenas ? h->spare_arenas[--h->n_spare_arenas] : vg_arena_new(0);
}

static void
arena_give(struct http_loop *h, struct vg_arena *arena)
{
    if (h->n_spare_arenas == VG_COUNT(h->spare_arenas)) {
        vg_arena_free(arena);
        return;
    }
    vg_arena_recycle(arena);
    h->spare_arenas[h->n_spare_arenas++] = arena;
}

static void conn_next(struct conn *c);

/* The fiber of one request. */
static void
run_request(void *arg)
{
    struct conn *c = arg;
    struct request *r = c->req;
    c->fiber = vg_fiber_self();
    if (c->state == CONN_CLOSED || c->s.is_eof)
        vg_fiber_cancel(c->fiber);
    c->loop->server->config.handler(&r->pub);
    if (!r->pub.is_replied && c->state != CONN_CLOSED && !c->s.is_eof)
        (void)vg_http_reply(&r->pub, 500, NULL, 0, VG_STR(""));
    reply_flush(r);
    bool is_over = body_end(r);
    bool is_kept = is_over && r->is_ended && r->reply_rc == VG_OK && r->is_kept_alive;
    c->fiber = NULL;
    c->req = NULL;
    arena_give(c->loop, c->arena);
    c->arena = NULL;
    if (c->state == CONN_CLOSED) {
        inbuf_fini(&c->s.in);
        if (c->is_freeable)
            conn_free(c);
        return;
    }
    c->state = CONN_IDLE;
    if (is_kept && !c->must_close)
        conn_next(c);
    else
        conn_linger(c);
}

static struct request *
request_new(struct conn *c, const struct vg_head *head)
{
    struct request *r = VG_NEW(c->arena, struct request);
    r->pub = (struct vg_http_req) {
        .arena = c->arena,
        .listener = &c->listener->pub,
        .ctx = c->loop->server->config.ctx,
        .method = head->method,
        .target = head->target,
        .path = head->path,
        .query = head->query,
        .host = head->host,
        .scheme = c->listener->pub.is_tls ? VG_STR("https") : VG_STR("http"),
        .minor = head->minor,
        .headers = head->headers,
        .n_headers = head->n_headers,
        .content_length = head->content_length,
        .has_body = head->content_length != 0 || head->is_continue_expected,
        .is_head = vg_str_eq(head->method, VG_STR("HEAD")),
        .received_ms = vg_mono_ms(),
    };
    r->conn = c;
    r->is_chunked = head->content_length < 0;
    r->left = VG_MAX(head->content_length, 0);
    r->is_body_over = head->content_length == 0;
    r->must_continue = head->is_continue_expected;
    r->is_kept_alive = head->is_kept_alive;
    return r;
}

/*
 * Begins the request whose head is the first head_len bytes; returns how many were used.  The head
 * moves to the request's arena, and with it a body that came whole.
 */
static size_t
conn_begin(struct conn *c, struct vg_str bytes, size_t head_len)
{
    c->arena = arena_take(c->loop);
    struct vg_head head;
    struct vg_str own = vg_str_n(vg_arena_copy(c->arena, bytes.ptr, head_len), head_len);
    int status = vg_head_parse(c->arena, &c->scan, own, &head);
    if (status) {
        arena_give(c->loop, c->arena);
        c->arena = NULL;
        conn_refuse(c, status);
        return bytes.len;
    }
    struct request *r = request_new(c, &head);
    bool is_whole = r->left <= (int64_t)(bytes.len - head_len);
    size_t n = is_whole ? (size_t)r->left : 0;
    if (n)
        r->ahead = vg_str_n(vg_arena_copy(c->arena, bytes.ptr + head_len, n), n);
    c->req = r;
    c->state = CONN_BUSY;
    c->scan = (struct vg_head_scan) { 0 };
    vg_link_remove(&c->timed);
    vg_fiber_start(c->loop->loop, run_request, c);
    return head_len + n;
}

/* Looks for a request in what was kept. */
static void
conn_next(struct conn *c)
{
    struct vg_str bytes = inbuf_str(&c->s.in);
    long head_len = bytes.len ? vg_head_scan(&c->scan, bytes) : 0;
    if (head_len < 0) {
        conn_refuse(c, (int)-head_len);
        return;
    }
    if (head_len > 0) {
        size_t used = conn_begin(c, bytes, (size_t)head_len);
        c->s.in.off += VG_MIN(used, inbuf_size(&c->s.in)); /* a refusal has emptied it */
    } else if (c->s.is_eof || (bytes.len == 0 && c->loop->is_stopping)) {
        conn_close(c);
        return;
    } else {
        conn_be_patient(c, bytes.len ? PATIENCE_HEAD : PATIENCE_IDLE);
    }
    if (inbuf_size(&c->s.in) == 0)
        inbuf_fini(&c->s.in);
    conn_read_more(c);
}

/* Bytes for an idle connection: used where they lie if they are a whole head, else kept. */
static void
conn_feed_idle(struct conn *c, struct vg_str bytes)
{
    if (inbuf_size(&c->s.in) == 0) {
        long head_len = vg_head_scan(&c->scan, bytes);
        if (head_len > 0) {
            size_t used = conn_begin(c, bytes, (size_t)head_len);
            if (c->state == CONN_BUSY)
                inbuf_add(&c->s.in, vg_str_slice(bytes, used, bytes.len));
            return;
        }
        if (head_len < 0) {
            conn_refuse(c, (int)-head_len);
            return;
        }
        inbuf_add(&c->s.in, bytes);
        conn_be_patient(c, PATIENCE_HEAD);
        return;
    }
    inbuf_add(&c->s.in, bytes);
    struct vg_str all = inbuf_str(&c->s.in);
    long head_len = vg_head_scan(&c->scan, all);
    if (head_len < 0) {
        conn_refuse(c, (int)-head_len);
    } else if (head_len > 0) {
        size_t used = conn_begin(c, all, (size_t)head_len);
        if (c->state == CONN_BUSY)
            c->s.in.off += used;
        if (inbuf_size(&c->s.in) == 0)
            inbuf_fini(&c->s.in);
    }
}

/* --- reading -----------------------------------------------------------------------------------
 */

static void
conn_feed(struct conn *c, struct vg_str bytes)
{
    switch (c->state) {
    case CONN_IDLE:
        conn_feed_idle(c, bytes);
        break;
    case CONN_BUSY:
        inbuf_add(&c->s.in, bytes);
        if (c->s.reader)
            vg_waiter_wake(c->s.reader, VG_OK);
        break;
    case CONN_LINGER:
        c->lingered_bytes += bytes.len;
        if (c->lingered_bytes > LINGER_MAX_BYTES)
            conn_close(c);
        break;
    case CONN_CLOSED:
        break;
    }
}

static void
on_eof(struct stream *s)
{
    struct conn *c = (struct conn *)s;
    if (c->state != CONN_BUSY)
        conn_close(c);
    else if (c->fiber)
        vg_fiber_cancel(c->fiber);
}

static void
on_broken(struct stream *s)
{
    struct conn *c = (struct conn *)s;
    if (c->state == CONN_IDLE && s->tls && tls_conn_is_plain_http(s->tls))
        conn_refuse_plain(c);
    else
        conn_close(c);
}

/* How much of a body may be there that its fiber has not taken. */
static size_t
ahead_max(const struct stream *s)
{
    return s->reader ? VG_HTTP_PIECE_BYTES : VG_HTTP_AHEAD_BYTES;
}

static size_t
room(const struct stream *s)
{
    const struct conn *c = (const struct conn *)s;
    return c->state == CONN_BUSY ? inbuf_room(&s->in, ahead_max(s)) : SCRATCH_RAW_BYTES;
}

static void
on_bytes(struct stream *s, struct vg_str bytes)
{
    struct conn *c = (struct conn *)s;
    conn_feed(c, bytes);
    if (c->state == CONN_BUSY && inbuf_size(&s->in) >= ahead_max(s))
        stream_read_stop(s);
}

void
conn_read_more(struct conn *c)
{
    if (inbuf_size(&c->s.in) < ahead_max(&c->s))
        stream_read_start(&c->s);
}

/* --- the beginning -----------------------------------------------------------------------------
 */

static const struct stream_events conn_events = {
    .room = room,
    .on_bytes = on_bytes,
    .on_eof = on_eof,
    .on_broken = on_broken,
    .on_closed = on_closed,
};

static void
loop_get_ready(struct http_loop *h)
{
    if (h->is_ready)
        return;
    h->is_ready = true;
    h->scratch = vg_xalloc(SCRATCH_BYTES);
    uv_timer_init(vg_loop_uv(h->loop), &h->timer);
    h->timer.data = h;
    h->timer_ms = UINT64_MAX;
}

static struct conn *
conn_new(struct http_loop *h)
{
    struct conn *c = h->spare_conns;
    if (c) {
        h->spare_conns = c->s.tcp.data;
        h->n_spare_conns--;
        memset(c, 0, sizeof(*c));
    } else {
        c = vg_xalloc(sizeof(*c));
    }
    c->loop = h;
    vg_link_init(&c->timed);
    vg_link_append(&h->conns, &c->all);
    return c;
}

/* Names the certificate by the address when the client names no host. */
static struct tls_conn *
tls_of(struct vg_tls *tls, int fd)
{
    struct sockaddr_in6 sa = { .sin6_family = AF_UNSPEC };
    socklen_t len = sizeof(sa);
    char text[INET6_ADDRSTRLEN] = "127.0.0.1";
    if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0) {
        if (sa.sin6_family == AF_INET6)
            inet_ntop(AF_INET6, &sa.sin6_addr, text, sizeof(text));
        else if (sa.sin6_family == AF_INET)
            inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)&sa)->sin_addr, text, sizeof(text));
    }
    return tls_conn_new_server(tls, vg_str_of(text));
}

void
conn_open(struct http_loop *h, struct listener *l, int fd, const struct sockaddr_in6 *peer)
{
    loop_get_ready(h);
    struct conn *c = conn_new(h);
    c->listener = l;
    c->peer = *peer;
    c->s.events = &conn_events;
    c->s.scratch = h->scratch;
    stream_init(&c->s, vg_loop_uv(h->loop));
    if (uv_tcp_open(&c->s.tcp, fd) != 0)
        VG_BUG("libuv refuses a socket");
    uv_tcp_nodelay(&c->s.tcp, 1);
    if (l->tls)
        c->s.tls = tls_of(l->tls, fd);
    if (h->is_stopping || atomic_load(&l->is_closing)) {
        conn_close(c);
        return;
    }
    conn_be_patient(c, l->tls ? PATIENCE_HEAD : PATIENCE_IDLE); /* a handshake is awaited */
    conn_read_more(c);
}

void
conn_stop_when_idle(struct conn *c)
{
    c->must_close = true;
    if (c->state == CONN_IDLE && inbuf_size(&c->s.in) == 0)
        conn_close(c);
}
