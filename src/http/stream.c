/* SPDX-License-Identifier: Apache-2.0 */
#include "http/stream.h"

#include "base/arena.h"
#include "base/limits.h"
#include "http/tls_conn.h"
#include "os/clock.h"

#include <stdlib.h>

#define TLS_STEP_BYTES (64u << 10) /* encrypted at once, so that little is held */

/* --- bytes kept --------------------------------------------------------------------------------
 */

void
inbuf_add(struct inbuf *b, struct vg_str bytes)
{
    if (bytes.len == 0)
        return;
    bool has_room = b->cap - b->len >= bytes.len;
    if (has_room && bytes.ptr == b->ptr + b->len) { /* where on_alloc() let them come */
        b->len += bytes.len;
        return;
    }
    if (!has_room) {
        size_t size = inbuf_size(b);
        if (size && b->off)
            memmove(b->ptr, b->ptr + b->off, size);
        b->off = 0;
        b->len = size;
        if (b->cap - size < bytes.len) {
            b->cap = VG_MAX(size + bytes.len, VG_MIN(b->cap * 2, (size_t)SCRATCH_RAW_BYTES));
            b->ptr = vg_xrealloc(b->ptr, b->cap);
        }
    }
    memcpy(b->ptr + b->len, bytes.ptr, bytes.len);
    b->len += bytes.len;
}

void
inbuf_fini(struct inbuf *b)
{
    free(b->ptr);
    *b = (struct inbuf) { 0 };
}

/* --- reading -----------------------------------------------------------------------------------
 */

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct stream *s = handle->data;
    (void)suggested;
    size_t room = VG_MIN(s->events->room(s), (size_t)SCRATCH_RAW_BYTES);
#ifdef VG_RARE_PATHS
    room = 1; /* nothing comes in one piece */
#endif
    bool is_direct = s->reader && !s->tls && s->in.cap - s->in.len >= room;
    *buf = uv_buf_init(is_direct ? s->in.ptr + s->in.len : s->scratch, (unsigned)room);
}

static void
end_of_input(struct stream *s)
{
    if (s->is_eof || s->is_closed)
        return;
    s->is_eof = true;
    stream_read_stop(s);
    s->events->on_eof(s);
    if (s->reader)
        vg_waiter_wake(s->reader, VG_GONE);
}

static void flush(struct stream *s);

static void
on_cipher(struct stream *s, struct vg_str bytes)
{
    bool was_handshaking = tls_conn_is_handshaking(s->tls);
    tls_conn_put(s->tls, bytes);
    char *plain = s->scratch + SCRATCH_RAW_BYTES;
    long n = 0;
    while (!s->is_closed && (n = tls_conn_read(s->tls, plain, SCRATCH_PLAIN_BYTES)) > 0)
        s->events->on_bytes(s, vg_str_n(plain, (size_t)n));
    if (s->is_closed)
        return;
    if (n == TLS_CONN_BAD && tls_conn_is_plain_http(s->tls)) {
        s->events->on_broken(s); /* no alert first: the other side would not understand it */
        return;
    }
    flush(s);
    if (s->is_closed)
        return;
    if (n == TLS_CONN_EOF)
        end_of_input(s);
    else if (n == TLS_CONN_BAD)
        s->events->on_broken(s);
    else if (s->reader && was_handshaking)
        vg_waiter_wake(s->reader, VG_OK);
}

static void
on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
    struct stream *s = tcp->data;
    if (n == UV_EOF) {
        s->is_cut = s->tls != NULL;
        end_of_input(s);
    } else if (n < 0)
        s->events->on_broken(s);
    else if (n > 0 && s->tls)
        on_cipher(s, vg_str_n(buf->base, (size_t)n));
    else if (n > 0)
        s->events->on_bytes(s, vg_str_n(buf->base, (size_t)n));
}

void
stream_read_start(struct stream *s)
{
    if (s->is_reading || s->is_eof || s->is_closed)
        return;
    if (uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read) == 0)
        s->is_reading = true;
    else
        s->events->on_broken(s);
}

void
stream_read_stop(struct stream *s)
{
    if (s->is_reading)
        uv_read_stop((uv_stream_t *)&s->tcp);
    s->is_reading = false;
}

vg_rc
stream_wait(struct stream *s, int64_t deadline_ms)
{
    return inbuf_size(&s->in) > 0 ? VG_OK : stream_wait_more(s, deadline_ms);
}

vg_rc
stream_wait_more(struct stream *s, int64_t deadline_ms)
{
    if (s->is_eof || s->is_closed)
        return VG_GONE;
    struct vg_waiter w;
    vg_waiter_init(&w);
    s->reader = &w;
    vg_rc rc = vg_waiter_park(&w, deadline_ms, true);
    s->reader = NULL;
    return rc;
}

/* --- sending -----------------------------------------------------------------------------------
 */

struct queued {
    uv_write_t write;
    char bytes[];
};

static void
on_queued_written(uv_write_t *write, int status)
{
    struct stream *s = write->handle->data;
    free(write->data);
    if (status != 0 && !s->is_closed)
        s->events->on_broken(s);
}

static void
raw_send_now(struct stream *s, struct vg_str bytes)
{
    uv_buf_t buf = { .base = (char *)(uintptr_t)bytes.ptr, .len = bytes.len };
    int sent = uv_try_write((uv_stream_t *)&s->tcp, &buf, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        s->events->on_broken(s);
        return;
    }
    bytes = vg_str_slice(bytes, (size_t)VG_MAX(sent, 0), bytes.len);
    if (bytes.len == 0)
        return;
    struct queued *q = vg_xalloc(sizeof(*q) + bytes.len);
    memcpy(q->bytes, bytes.ptr, bytes.len);
    q->write.data = q;
    buf = (uv_buf_t) { .base = q->bytes, .len = bytes.len };
    if (uv_write(&q->write, (uv_stream_t *)&s->tcp, &buf, 1, on_queued_written) != 0) {
        free(q);
        s->events->on_broken(s);
    }
}

/* Sends what TLS has to say. */
static void
flush(struct stream *s)
{
    struct vg_str bytes = tls_conn_pending(s->tls);
    if (bytes.len && !s->is_closed)
        raw_send_now(s, bytes);
    tls_conn_forget_pending(s->tls);
}

void
stream_send_now(struct stream *s, struct vg_str bytes)
{
    if (s->is_closed)
        return;
    if (s->tls == NULL) {
        raw_send_now(s, bytes);
        return;
    }
    if (tls_conn_write(s->tls, bytes))
        flush(s);
}

struct sending {
    uv_write_t write;
    struct vg_waiter waiter;
};

static void
on_written(uv_write_t *write, int status)
{
    struct sending *w = write->data;
    vg_waiter_wake(&w->waiter, status == 0 ? VG_OK : VG_GONE);
}

/* Waits until libuv is done with our bytes; who takes none for a while is cut off. */
static vg_rc
send_slowly(struct stream *s, uv_buf_t *bufs, unsigned n, int64_t deadline_ms)
{
    struct sending w;
    uv_stream_t *tcp = (uv_stream_t *)&s->tcp;
    vg_waiter_init(&w.waiter);
    w.write.data = &w;
    if (uv_write(&w.write, tcp, bufs, n, on_written) != 0) {
        s->events->on_broken(s);
        return VG_GONE;
    }
    for (;;) {
        size_t before = uv_stream_get_write_queue_size(tcp);
        int64_t stall_ms = vg_mono_ms() + VG_HTTP_BODY_STALL_MS;
        vg_rc rc = vg_waiter_park(&w.waiter, VG_MIN(stall_ms, deadline_ms), false);
        if (rc != VG_TIMEOUT)
            return rc == VG_OK && !s->is_closed ? VG_OK : VG_GONE;
        vg_waiter_init(&w.waiter);
        if (vg_mono_ms() >= deadline_ms || uv_stream_get_write_queue_size(tcp) >= before) {
            deadline_ms = VG_NEVER_MS;
            if (!s->is_closed)
                s->events->on_broken(s); /* closing it calls on_written() in due course */
        }
    }
}

static vg_rc
raw_send(struct stream *s, uv_buf_t *bufs, unsigned n, int64_t deadline_ms)
{
    int sent = uv_try_write((uv_stream_t *)&s->tcp, bufs, n);
    if (sent < 0 && sent != UV_EAGAIN) {
        s->events->on_broken(s);
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
    return send_slowly(s, bufs, n, deadline_ms);
}

/* What is encrypted is moved out first: while we wait, reading may add to it. */
static vg_rc
tls_send(struct stream *s, struct vg_str plain, int64_t deadline_ms)
{
    if (!tls_conn_write(s->tls, plain)) {
        s->events->on_broken(s);
        return VG_GONE;
    }
    struct vg_str bytes = tls_conn_pending(s->tls);
    char *copy = vg_xalloc(bytes.len);
    memcpy(copy, bytes.ptr, bytes.len);
    tls_conn_forget_pending(s->tls);
    uv_buf_t buf = { .base = copy, .len = bytes.len };
    vg_rc rc = raw_send(s, &buf, 1, deadline_ms);
    free(copy);
    return rc;
}

static vg_rc
tls_send_all(struct stream *s, const uv_buf_t *bufs, unsigned n, int64_t deadline_ms)
{
    size_t total = 0;
    for (unsigned i = 0; i < n; i++)
        total += bufs[i].len;
    if (n > 1 && total <= SCRATCH_PLAIN_BYTES) { /* one record */
        char *at = s->scratch + SCRATCH_RAW_BYTES;
        for (unsigned i = 0; i < n; i++) {
            memcpy(at, bufs[i].base, bufs[i].len);
            at += bufs[i].len;
        }
        return tls_send(s, vg_str_n(at - total, total), deadline_ms);
    }
    vg_rc rc = VG_OK;
    for (unsigned i = 0; i < n; i++)
        for (size_t off = 0; off < bufs[i].len && rc == VG_OK; off += TLS_STEP_BYTES) {
            struct vg_str all = vg_str_n(bufs[i].base, bufs[i].len);
            if (s->is_closed)
                return VG_GONE;
            rc = tls_send(s, vg_str_slice(all, off, off + TLS_STEP_BYTES), deadline_ms);
        }
    return rc;
}

vg_rc
stream_send(struct stream *s, uv_buf_t *bufs, unsigned n, int64_t deadline_ms)
{
    if (s->is_closed)
        return VG_GONE;
    return s->tls ? tls_send_all(s, bufs, n, deadline_ms) : raw_send(s, bufs, n, deadline_ms);
}

vg_rc
stream_handshake(struct stream *s, int64_t deadline_ms)
{
    for (;;) {
        bool is_good = tls_conn_handshake(s->tls);
        flush(s);
        if (!is_good)
            return VG_FAIL;
        if (s->is_closed || s->is_eof)
            return VG_GONE;
        if (!tls_conn_is_handshaking(s->tls))
            return VG_OK;
        struct vg_waiter w;
        vg_waiter_init(&w);
        s->reader = &w;
        vg_rc rc = vg_waiter_park(&w, deadline_ms, true);
        s->reader = NULL;
        if (rc == VG_GONE && tls_conn_error(s->tls).len)
            return VG_FAIL; /* on_cipher() met it first */
        if (rc != VG_OK)
            return rc;
    }
}

/* --- life --------------------------------------------------------------------------------------
 */

void
stream_init(struct stream *s, uv_loop_t *loop)
{
    if (uv_tcp_init(loop, &s->tcp) != 0)
        VG_BUG("libuv refuses a socket");
    s->tcp.data = s;
}

static void
on_shutdown(uv_shutdown_t *req, int status)
{
    struct stream *s = req->data;
    if (status != 0 && !s->is_closed)
        s->events->on_broken(s);
}

bool
stream_end(struct stream *s)
{
    if (s->is_closed)
        return false;
    if (s->tls) {
        tls_conn_end(s->tls);
        flush(s);
    }
    s->shutdown.data = s;
    return !s->is_closed && uv_shutdown(&s->shutdown, (uv_stream_t *)&s->tcp, on_shutdown) == 0;
}

static void
on_closed(uv_handle_t *handle)
{
    struct stream *s = handle->data;
    s->events->on_closed(s);
}

void
stream_fini(struct stream *s)
{
    tls_conn_free(s->tls);
    s->tls = NULL;
    inbuf_fini(&s->in);
}

void
stream_close(struct stream *s)
{
    if (s->is_closed)
        return;
    s->is_closed = true;
    s->is_reading = false;
    if (s->reader)
        vg_waiter_wake(s->reader, VG_GONE);
    uv_close((uv_handle_t *)&s->tcp, on_closed);
}
