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
#include "os/clock.h"

#include <errno.h>
#include <stdlib.h>

#define LINGER_MS        2000
#define LINGER_MAX_BYTES (8u << 20)
#define SPARE_CONNS_MAX  64u
#define BURST_CONNS      256u

static const uint64_t patience_ms[N_PATIENCE] = {
    [PATIENCE_IDLE] = VG_HTTP_IDLE_TIMEOUT_MS,
    [PATIENCE_HEAD] = VG_HTTP_HEAD_TIMEOUT_MS,
    [PATIENCE_LINGER] = LINGER_MS,
};

/* --- bytes kept --------------------------------------------------------------------------------
 */

void
inbuf_add(struct inbuf *b, const char *ptr, size_t len)
{
    if (len == 0)
        return;
    if (b->cap - b->len < len) {
        size_t size = inbuf_size(b);
        if (size && b->off)
            memmove(b->ptr, b->ptr + b->off, size);
        b->off = 0;
        b->len = size;
        if (b->cap - size < len) {
            b->cap = VG_MAX(size + len, VG_MIN(b->cap * 2, (size_t)SCRATCH_BYTES));
            b->ptr = vg_xrealloc(b->ptr, b->cap);
        }
    }
    memcpy(b->ptr + b->len, ptr, len);
    b->len += len;
}

void
inbuf_fini(struct inbuf *b)
{
    free(b->ptr);
    *b = (struct inbuf) { 0 };
}

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
    listener_unref(c->listener);
    atomic_fetch_sub(&h->server->n_conns, 1);
    if (h->n_spare_conns >= SPARE_CONNS_MAX || h->is_stopping) {
        free(c);
        if (++h->n_freed_conns % BURST_CONNS == 0)
            vg_loop_release_memory();
        return;
    }
    c->tcp.data = h->spare_conns;
    h->spare_conns = c;
    h->n_spare_conns++;
}

static void
on_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;
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
        inbuf_fini(&c->in);
    if (c->reader)
        vg_waiter_wake(c->reader, VG_GONE);
    if (c->fiber)
        vg_fiber_cancel(c->fiber);
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void
on_shutdown(uv_shutdown_t *req, int status)
{
    struct conn *c = req->data;
    if (status != 0)
        conn_close(c);
}

/* Everything is said; a client that is still sending shall read it before it meets a reset. */
static void
conn_linger(struct conn *c)
{
    inbuf_fini(&c->in);
    c->shutdown.data = c;
    if (c->is_eof || uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) != 0) {
        conn_close(c);
        return;
    }
    c->state = CONN_LINGER;
    conn_be_patient(c, PATIENCE_LINGER);
    conn_read_more(c);
}

/* A reply without a request: what was received is none. */
static void
conn_refuse(struct conn *c, int status)
{
    char text[256];
    int n = snprintf(text, sizeof(text),
                     "HTTP/1.1 %d %" VG_FMT "\r\n%" VG_FMT
                     "Content-Length: 0\r\nConnection: close\r\n\r\n",
                     status, VG_ARG(vg_http_reason(status)), VG_ARG(reply_date(c->loop)));
    uv_buf_t buf = uv_buf_init(text, (unsigned)n);
    if (uv_try_write((uv_stream_t *)&c->tcp, &buf, 1) == n)
        conn_linger(c);
    else
        conn_close(c);
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
    if (c->state == CONN_CLOSED || c->is_eof)
        vg_fiber_cancel(c->fiber);
    c->loop->server->config.handler(&r->pub);
    if (!r->pub.is_replied && c->state != CONN_CLOSED && !c->is_eof)
        (void)vg_http_reply(&r->pub, 500, NULL, 0, VG_STR(""));
    bool is_over = body_end(r);
    bool is_kept = is_over && r->is_ended && r->reply_rc == VG_OK && r->is_kept_alive;
    c->fiber = NULL;
    c->req = NULL;
    arena_give(c->loop, c->arena);
    c->arena = NULL;
    if (c->state == CONN_CLOSED) {
        inbuf_fini(&c->in);
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
        .has_body = head->content_length != 0,
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
 * and what came of a body of known length move to the request's arena.
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
    size_t n = (size_t)VG_MIN(r->left, (int64_t)(bytes.len - head_len));
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
    struct vg_str bytes = inbuf_str(&c->in);
    long head_len = bytes.len ? vg_head_scan(&c->scan, bytes) : 0;
    if (head_len < 0) {
        conn_refuse(c, (int)-head_len);
        return;
    }
    if (head_len > 0) {
        size_t used = conn_begin(c, bytes, (size_t)head_len);
        c->in.off += VG_MIN(used, inbuf_size(&c->in)); /* a refusal has emptied it */
    } else if (c->is_eof || (bytes.len == 0 && c->loop->is_stopping)) {
        conn_close(c);
        return;
    } else {
        conn_be_patient(c, bytes.len ? PATIENCE_HEAD : PATIENCE_IDLE);
    }
    if (inbuf_size(&c->in) == 0)
        inbuf_fini(&c->in);
    conn_read_more(c);
}

/* Bytes for an idle connection: used where they lie if they are a whole head, else kept. */
static void
conn_feed_idle(struct conn *c, struct vg_str bytes)
{
    if (inbuf_size(&c->in) == 0) {
        long head_len = vg_head_scan(&c->scan, bytes);
        if (head_len > 0) {
            size_t used = conn_begin(c, bytes, (size_t)head_len);
            if (c->state == CONN_BUSY)
                inbuf_add(&c->in, bytes.ptr + used, bytes.len - used);
            return;
        }
        if (head_len < 0) {
            conn_refuse(c, (int)-head_len);
            return;
        }
        inbuf_add(&c->in, bytes.ptr, bytes.len);
        conn_be_patient(c, PATIENCE_HEAD);
        return;
    }
    inbuf_add(&c->in, bytes.ptr, bytes.len);
    struct vg_str all = inbuf_str(&c->in);
    long head_len = vg_head_scan(&c->scan, all);
    if (head_len < 0) {
        conn_refuse(c, (int)-head_len);
    } else if (head_len > 0) {
        size_t used = conn_begin(c, all, (size_t)head_len);
        if (c->state == CONN_BUSY)
            c->in.off += used;
        if (inbuf_size(&c->in) == 0)
            inbuf_fini(&c->in);
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
        inbuf_add(&c->in, bytes.ptr, bytes.len);
        if (c->reader)
            vg_waiter_wake(c->reader, VG_OK);
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
conn_on_eof(struct conn *c)
{
    c->is_eof = true;
    c->is_reading = false;
    uv_read_stop((uv_stream_t *)&c->tcp);
    if (c->state != CONN_BUSY) {
        conn_close(c);
        return;
    }
    if (c->reader)
        vg_waiter_wake(c->reader, VG_GONE);
    if (c->fiber)
        vg_fiber_cancel(c->fiber);
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct conn *c = handle->data;
    (void)suggested;
    size_t room = SCRATCH_BYTES;
    if (c->state == CONN_BUSY)
        room = VG_HTTP_AHEAD_BYTES - VG_MIN(inbuf_size(&c->in), VG_HTTP_AHEAD_BYTES - 1);
#ifdef VG_HTTP_ONE_BYTE
    room = 1; /* the test mode in which nothing comes in one piece */
#endif
    *buf = uv_buf_init(c->loop->scratch, (unsigned)room);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct conn *c = stream->data;
    if (n == UV_EOF)
        conn_on_eof(c);
    else if (n < 0)
        conn_close(c);
    else if (n > 0)
        conn_feed(c, vg_str_n(buf->base, (size_t)n));
    if (c->state == CONN_BUSY && c->is_reading && inbuf_size(&c->in) >= VG_HTTP_AHEAD_BYTES) {
        c->is_reading = false;
        uv_read_stop(stream);
    }
}

void
conn_read_more(struct conn *c)
{
    if (c->is_reading || c->is_eof || c->state == CONN_CLOSED
        || inbuf_size(&c->in) >= VG_HTTP_AHEAD_BYTES)
        return;
    if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) == 0)
        c->is_reading = true;
    else
        conn_close(c);
}

/* --- sending -----------------------------------------------------------------------------------
 */

struct sending {
    uv_write_t write;
    struct vg_waiter waiter;
};

static void
on_written(uv_write_t *write, int status)
{
    struct sending *s = write->data;
    vg_waiter_wake(&s->waiter, status == 0 ? VG_OK : VG_GONE);
}

/* Waits until libuv is done with our bytes; a client that takes none for a while is cut off. */
static vg_rc
conn_send_slowly(struct conn *c, uv_buf_t *bufs, unsigned n)
{
    struct sending s;
    vg_waiter_init(&s.waiter);
    s.write.data = &s;
    if (uv_write(&s.write, (uv_stream_t *)&c->tcp, bufs, n, on_written) != 0) {
        conn_close(c);
        return VG_GONE;
    }
    for (;;) {
        size_t before = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp);
        vg_rc rc = vg_waiter_park(&s.waiter, vg_mono_ms() + VG_HTTP_BODY_STALL_MS, false);
        if (rc != VG_TIMEOUT)
            return rc;
        vg_waiter_init(&s.waiter);
        if (uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp) >= before)
            conn_close(c); /* calls on_written in due course */
    }
}

vg_rc
conn_send(struct conn *c, uv_buf_t *bufs, unsigned n)
{
    if (c->state == CONN_CLOSED)
        return VG_GONE;
    int sent = uv_try_write((uv_stream_t *)&c->tcp, bufs, n);
    if (sent < 0 && sent != UV_EAGAIN) {
        conn_close(c);
        return VG_GONE;
    }
    size_t skip = (size_t)VG_MAX(sent, 0);
    while (n && skip >= bufs->len) {
        skip -= bufs->len;
        bufs++;
        n--;
    }
    if (n == 0)
        return VG_OK;
    bufs->base += skip;
    bufs->len -= skip;
    vg_rc rc = conn_send_slowly(c, bufs, n);
    return rc == VG_OK && c->state != CONN_CLOSED ? VG_OK : VG_GONE;
}

/* --- the beginning -----------------------------------------------------------------------------
 */

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
        h->spare_conns = c->tcp.data;
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

void
conn_open(struct http_loop *h, struct listener *l, int fd, const struct sockaddr_in6 *peer)
{
    loop_get_ready(h);
    struct conn *c = conn_new(h);
    c->listener = l;
    c->peer = *peer;
    if (uv_tcp_init(vg_loop_uv(h->loop), &c->tcp) != 0 || uv_tcp_open(&c->tcp, fd) != 0)
        VG_BUG("libuv refuses a socket");
    c->tcp.data = c;
    uv_tcp_nodelay(&c->tcp, 1);
    if (h->is_stopping || atomic_load(&l->is_closing)) {
        conn_close(c);
        return;
    }
    conn_be_patient(c, PATIENCE_IDLE);
    conn_read_more(c);
}

void
conn_stop_when_idle(struct conn *c)
{
    c->must_close = true;
    if (c->state == CONN_IDLE && inbuf_size(&c->in) == 0)
        conn_close(c);
}
