/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges: a request out, a reply in. */
#include "http/client_int.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "os/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* --- the request -------------------------------------------------------------------------------
 */

static bool
is_ours(struct vg_str name)
{
    return vg_str_eq_nocase(name, VG_STR("Content-Length"))
           || vg_str_eq_nocase(name, VG_STR("Transfer-Encoding"))
           || vg_str_eq_nocase(name, VG_STR("Connection"));
}

static vg_rc
check_call(const struct vg_http_call *call, struct vg_err *err)
{
    bool is_good = vg_head_is_token(call->method) && call->target.len > 0;
    for (size_t i = 0; i < call->target.len; i++)
        is_good &= call->target.ptr[i] > ' ' && call->target.ptr[i] < 0x7f;
    is_good &= vg_head_is_value(call->host);
    for (size_t i = 0; i < call->n_headers; i++)
        is_good &= vg_head_is_token(call->headers[i].name)
                   && vg_head_is_value(call->headers[i].value) && !is_ours(call->headers[i].name);
    return is_good ? VG_OK : vg_err_errno(err, EINVAL, "not a request that can be sent");
}

static struct vg_str
head_of(struct vg_arena *arena, const struct vg_http_call *call)
{
    struct vg_buf b;
    bool has_host = false;
    size_t bytes = 200 + call->method.len + call->target.len + call->host.len;
    for (size_t i = 0; i < call->n_headers; i++) {
        bytes += call->headers[i].name.len + call->headers[i].value.len + 4;
        has_host |= vg_str_eq_nocase(call->headers[i].name, VG_STR("Host"));
    }
    vg_buf_init(&b, arena, bytes);
    (void)vg_buf_room(&b, bytes); /* once, and enough */
    vg_buf_addf(&b, "%" VG_FMT " ", VG_ARG(call->method));
    vg_buf_adds(&b, call->target);
    vg_buf_adds(&b, VG_STR(" HTTP/1.1\r\n"));
    if (!has_host) {
        bool is_v6 = vg_str_find_char(call->host, ':') != VG_NPOS;
        vg_buf_addf(&b, is_v6 ? "Host: [%" VG_FMT "]" : "Host: %" VG_FMT, VG_ARG(call->host));
        if (call->port != (call->is_tls ? 443 : 80))
            vg_buf_addf(&b, ":%u", call->port);
        vg_buf_adds(&b, VG_STR("\r\n"));
    }
    for (size_t i = 0; i < call->n_headers; i++) {
        vg_buf_adds(&b, call->headers[i].name);
        vg_buf_adds(&b, VG_STR(": "));
        vg_buf_adds(&b, call->headers[i].value);
        vg_buf_adds(&b, VG_STR("\r\n"));
    }
    int64_t length = call->is_streamed ? call->content_length : (int64_t)call->body.len;
    bool has_body = length != 0 || vg_str_eq(call->method, VG_STR("POST"))
                    || vg_str_eq(call->method, VG_STR("PUT"))
                    || vg_str_eq(call->method, VG_STR("PATCH"));
    if (length < 0)
        vg_buf_adds(&b, VG_STR("Transfer-Encoding: chunked\r\n"));
    else if (has_body)
        vg_buf_addf(&b, "Content-Length: %lld\r\n", (long long)length);
    vg_buf_adds(&b, VG_STR("\r\n"));
    VG_ASSERT(!b.over);
    return vg_buf_str(&b);
}

static uv_buf_t
uv_buf_of(struct vg_str s)
{
    return (uv_buf_t) { .base = (char *)(uintptr_t)s.ptr, .len = s.len };
}

/* May it be sent again over another connection? */
static bool
is_repeatable(const struct vg_http_exchange *x)
{
    static const struct vg_str methods[] = { VG_STR_INIT("GET"),     VG_STR_INIT("HEAD"),
                                             VG_STR_INIT("PUT"),     VG_STR_INIT("DELETE"),
                                             VG_STR_INIT("OPTIONS"), VG_STR_INIT("TRACE") };
    bool is_idempotent = false;
    for (size_t i = 0; i < VG_COUNT(methods); i++)
        is_idempotent |= vg_str_eq(x->call->method, methods[i]);
    return is_idempotent && !x->call->is_streamed && x->conn->is_old && !vg_fiber_is_cancelled()
           && inbuf_size(&x->conn->s.in) == 0;
}

static vg_rc
send_request(struct vg_http_exchange *x)
{
    uv_buf_t bufs[2] = { uv_buf_of(x->head), uv_buf_of(x->call->body) };
    unsigned n = x->call->is_streamed || x->call->body.len == 0 ? 1 : 2;
    return stream_send(&x->conn->s, bufs, n, x->call->deadline_ms);
}

/* Over a new connection, what the old one did not take. */
static vg_rc
repeat(struct vg_http_exchange *x, struct vg_err *err)
{
    cconn_put(x->conn, false);
    x->conn = NULL;
    vg_rc rc = cconn_get(x->client, x->call, true, &x->conn, err);
    if (rc != VG_OK)
        return rc;
    rc = send_request(x);
    return rc == VG_OK ? rc : client_fail(rc, x->call, "send to", err);
}

vg_rc
vg_http_exchange_begin(struct vg_http_client *client, struct vg_arena *arena,
                       const struct vg_http_call *call, struct vg_http_exchange **ret,
                       struct vg_err *err)
{
    vg_rc rc = check_call(call, err);
    if (rc != VG_OK)
        return rc;
    struct vg_http_exchange *x = VG_NEW(arena, struct vg_http_exchange);
    x->client = client;
    x->arena = arena;
    x->call = call;
    x->write_left = call->is_streamed ? call->content_length : 0;
    x->is_write_over = x->write_left == 0;
    x->head = head_of(arena, call);
    rc = cconn_get(client, call, false, &x->conn, err);
    if (rc != VG_OK)
        return rc;
    rc = send_request(x);
    if (rc != VG_OK && is_repeatable(x))
        rc = repeat(x, err);
    else if (rc != VG_OK)
        rc = client_fail(rc, call, "send to", err);
    if (rc != VG_OK) {
        vg_http_exchange_end(x);
        return rc;
    }
    *ret = x;
    return VG_OK;
}

vg_rc
vg_http_exchange_write(struct vg_http_exchange *x, struct vg_str data, struct vg_err *err)
{
    if (data.len == 0)
        return VG_OK;
    VG_ASSERT(x->call->is_streamed && !x->is_write_over);
    uv_buf_t bufs[3] = { uv_buf_of(data) };
    unsigned n = 1;
    char size[24];
    if (x->write_left < 0) {
        int len = snprintf(size, sizeof(size), "%zx\r\n", data.len);
        bufs[0] = uv_buf_init(size, (unsigned)len);
        bufs[1] = uv_buf_of(data);
        bufs[2] = uv_buf_of(VG_STR("\r\n"));
        n = 3;
    } else {
        VG_ASSERT((int64_t)data.len <= x->write_left);
        x->write_left -= (int64_t)data.len;
        x->is_write_over = x->write_left == 0;
    }
    vg_rc rc = stream_send(&x->conn->s, bufs, n, x->call->deadline_ms);
    return rc == VG_OK ? rc : client_fail(rc, x->call, "send to", err);
}

/* The end of a chunked body. */
static void
finish_writing(struct vg_http_exchange *x)
{
    if (!x->is_write_over && x->write_left < 0) {
        uv_buf_t buf = uv_buf_of(VG_STR("0\r\n\r\n"));
        (void)stream_send(&x->conn->s, &buf, 1, x->call->deadline_ms); /* reading will tell */
        x->is_write_over = true;
    }
}

/* --- the reply ---------------------------------------------------------------------------------
 */

/* One head, of a final or an interim reply. */
static vg_rc
read_head(struct vg_http_exchange *x, struct vg_reply_head *ret, struct vg_err *err)
{
    struct vg_head_scan scan = { .is_reply = true };
    for (;;) {
        struct inbuf *in = &x->conn->s.in;
        long n = inbuf_size(in) ? vg_head_scan(&scan, inbuf_str(in)) : 0;
        if (n > 0) {
            struct vg_str own =
                vg_str_n(vg_arena_copy(x->arena, in->ptr + in->off, (size_t)n), (size_t)n);
            in->off += (size_t)n;
            if (vg_head_parse_reply(x->arena, &scan, own, ret))
                return VG_OK;
        }
        if (n != 0)
            return vg_err_errno(err, EBADMSG, "reply of %" VG_FMT ":%u", VG_ARG(x->call->host),
                                x->call->port);
        size_t before = inbuf_size(in);
        if (before == 0) {
            vg_rc rc = stream_wait(&x->conn->s, x->call->deadline_ms);
            if (rc == VG_OK)
                continue;
            if (rc == VG_GONE && is_repeatable(x)) {
                rc = repeat(x, err);
                if (rc != VG_OK)
                    return rc;
                scan = (struct vg_head_scan) { .is_reply = true };
                continue;
            }
            return client_fail(rc, x->call, "reply of", err);
        }
        vg_rc rc = stream_wait_more(&x->conn->s, x->call->deadline_ms);
        if (rc != VG_OK)
            return client_fail(rc, x->call, "reply of", err);
    }
}

static void
decide_body(struct vg_http_exchange *x, const struct vg_reply_head *h)
{
    x->is_replied = true;
    x->is_kept_alive = h->is_kept_alive;
    if (vg_str_eq(x->call->method, VG_STR("HEAD")) || h->status == 204 || h->status == 304) {
        x->kind = BODY_NONE;
    } else if (h->is_chunked) {
        x->kind = BODY_CHUNKED;
    } else if (h->content_length >= 0) {
        x->kind = BODY_LENGTH;
        x->left = h->content_length;
    } else {
        x->kind = BODY_TO_END;
        x->is_kept_alive = false;
    }
    x->is_body_over = x->kind == BODY_NONE || (x->kind == BODY_LENGTH && x->left == 0);
}

vg_rc
vg_http_exchange_reply(struct vg_http_exchange *x, struct vg_http_reply_head *ret,
                       struct vg_err *err)
{
    VG_ASSERT(!x->is_replied);
    finish_writing(x);
    struct vg_reply_head h;
    do {
        vg_rc rc = read_head(x, &h, err);
        if (rc != VG_OK)
            return rc;
        if (h.status == 101)
            return vg_err_errno(err, EBADMSG, "a change of protocol that was not asked for");
    } while (h.status < 200); /* RFC 9110 15.2: interim replies */
    decide_body(x, &h);
    *ret = (struct vg_http_reply_head) {
        .status = h.status,
        .headers = h.headers,
        .n_headers = h.n_headers,
        .content_length = h.is_chunked ? -1 : h.content_length,
    };
    return VG_OK;
}

/* Takes over what the connection has received; waits for it. */
static vg_rc
refill(struct vg_http_exchange *x, struct vg_err *err)
{
    struct stream *s = &x->conn->s;
    vg_rc rc = stream_wait(s, x->call->deadline_ms);
    if (rc == VG_GONE && x->kind == BODY_TO_END && s->is_eof && !s->is_cut) {
        x->is_body_over = true;
        return VG_OK;
    }
    if (rc != VG_OK)
        return client_fail(rc, x->call, "reply of", err);
    struct inbuf was = x->hold;
    x->hold = s->in;
    was.off = was.len = 0;
    s->in = was; /* its memory serves for what comes next */
    stream_read_start(s);
    return VG_OK;
}

static vg_rc
decode(struct vg_http_exchange *x, struct vg_str *ret, struct vg_err *err)
{
    struct vg_str in = inbuf_str(&x->hold);
    size_t used = 0;
    if (x->kind == BODY_CHUNKED) {
        enum vg_chunks_result got = vg_chunks_next(&x->chunks, in, &used, ret);
        if (got == VG_CHUNKS_BAD)
            return vg_err_errno(err, EBADMSG, "chunks of %" VG_FMT ":%u", VG_ARG(x->call->host),
                                x->call->port);
        x->is_body_over = got == VG_CHUNKS_END;
    } else {
        used = x->kind == BODY_TO_END ? in.len : (size_t)VG_MIN(x->left, (int64_t)in.len);
        *ret = vg_str_slice(in, 0, used);
        x->left -= (int64_t)used;
        x->is_body_over = x->kind == BODY_LENGTH && x->left == 0;
    }
    x->hold.off += used;
    return VG_OK;
}

vg_rc
vg_http_exchange_read(struct vg_http_exchange *x, struct vg_str *ret_part, struct vg_err *err)
{
    VG_ASSERT(x->is_replied);
    struct vg_str part = VG_STR("");
    while (!x->is_body_over && part.len == 0) {
        vg_rc rc = inbuf_size(&x->hold) ? VG_OK : refill(x, err);
        if (rc == VG_OK && !x->is_body_over)
            rc = decode(x, &part, err);
        if (rc != VG_OK)
            return rc;
    }
    *ret_part = part;
    return VG_OK;
}

void
vg_http_exchange_end(struct vg_http_exchange *x)
{
    if (x == NULL)
        return;
    bool is_kept = x->is_replied && x->is_body_over && x->is_kept_alive && x->is_write_over
                   && inbuf_size(&x->hold) == 0;
    if (x->conn)
        cconn_put(x->conn, is_kept);
    x->conn = NULL;
    inbuf_fini(&x->hold);
}

/* --- whole exchanges ---------------------------------------------------------------------------
 */

static void
free_deferred(void *p)
{
    free(p);
}

static vg_rc
read_body(struct vg_http_exchange *x, size_t max_bytes, struct vg_str *ret, struct vg_err *err)
{
    struct vg_buf all;
    vg_buf_init(&all, NULL, max_bytes);
    struct vg_str part;
    vg_rc rc;
    do {
        rc = vg_http_exchange_read(x, &part, err);
        if (rc == VG_OK)
            vg_buf_adds(&all, part);
        if (rc == VG_OK && all.over)
            rc = vg_err_errno(err, EFBIG, "reply of %" VG_FMT ":%u", VG_ARG(x->call->host),
                              x->call->port);
    } while (rc == VG_OK && part.len);
    if (rc != VG_OK)
        vg_buf_fini(&all);
    else if (all.ptr)
        vg_arena_defer(x->arena, free_deferred, all.ptr);
    if (rc == VG_OK)
        *ret = vg_buf_str(&all);
    return rc;
}

vg_rc
vg_http_fetch(struct vg_http_client *client, struct vg_arena *arena,
              const struct vg_http_call *call, size_t max_bytes,
              struct vg_http_reply_head *ret_head, struct vg_str *ret_body, struct vg_err *err)
{
    struct vg_http_exchange *x = NULL;
    VG_ASSERT(!call->is_streamed);
    vg_rc rc = vg_http_exchange_begin(client, arena, call, &x, err);
    if (rc == VG_OK)
        rc = vg_http_exchange_reply(x, ret_head, err);
    if (rc == VG_OK)
        rc = read_body(x, max_bytes, ret_body, err);
    vg_http_exchange_end(x);
    return rc;
}

/* --- life --------------------------------------------------------------------------------------
 */

vg_rc
vg_http_client_new(const struct vg_http_client_config *config, struct vg_http_client **ret,
                   struct vg_err *err)
{
    struct vg_http_client *client = vg_xalloc(sizeof(*client));
    vg_rc rc = tls_client_ctx_new(config->ca_file, &client->tls, err);
    if (rc != VG_OK) {
        free(client);
        return rc;
    }
    pthread_mutex_init(&client->lock, NULL);
    pthread_mutex_init(&client->trust_lock, NULL);
    vg_link_init(&client->pools);
    *ret = client;
    return VG_OK;
}

void
vg_http_client_free(struct vg_http_client *client)
{
    if (client == NULL)
        return;
    VG_ASSERT(vg_link_is_alone(&client->pools));
    tls_client_ctx_free(client->tls);
    pthread_mutex_destroy(&client->lock);
    pthread_mutex_destroy(&client->trust_lock);
    free(client);
}
