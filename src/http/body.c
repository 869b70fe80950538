/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the body of a request, on its fiber. */
#include "http/server_int.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "os/clock.h"

#include <errno.h>
#include <stdlib.h>

/* Takes over what the connection has received; the memory of what was used serves for what comes
 * next. */
static void
swap_buffers(struct request *r)
{
    struct inbuf was = r->hold;
    r->hold = r->conn->s.in;
    was.off = was.len = 0;
    r->conn->s.in = was;
}

static void
take_received(struct request *r)
{
    swap_buffers(r);
    conn_read_more(r->conn);
}

static vg_rc
body_error(struct request *r, struct vg_err *err)
{
    r->is_kept_alive = false;
    return vg_err_errno(err, r->body_errno, "reading the request's body");
}

static void
send_continue(struct request *r)
{
    static char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uv_buf_t buf = uv_buf_init(text, sizeof(text) - 1);
    r->must_continue = false;
    (void)stream_send(&r->conn->s, &buf, 1, VG_NEVER_MS); /* a failure shows when we read */
}

/* Waits until the connection has received something, in the larger of the two buffers. */
static vg_rc
wait_for_more(struct request *r, struct vg_err *err)
{
    struct conn *c = r->conn;
    if (inbuf_size(&c->s.in) > 0) /* who sends all the same waits for no 100 */
        return VG_OK;
    if (c->s.in.cap < r->hold.cap)
        swap_buffers(r);
    if (r->must_continue)
        send_continue(r);
    vg_rc rc = stream_wait(&c->s, vg_mono_ms() + VG_HTTP_BODY_STALL_MS);
    if (rc != VG_TIMEOUT)
        return rc;
    r->body_errno = ETIMEDOUT;
    return body_error(r, err);
}

static void
read_plain(struct request *r, struct vg_str *ret)
{
    size_t n = (size_t)VG_MIN(r->left, (int64_t)inbuf_size(&r->hold));
    *ret = vg_str_n(r->hold.ptr + r->hold.off, n);
    r->hold.off += n;
    r->left -= (int64_t)n;
    r->is_body_over = r->left == 0;
}

static vg_rc
read_chunked(struct request *r, struct vg_str *ret, struct vg_err *err)
{
    struct vg_str in = inbuf_str(&r->hold);
    size_t used;
    enum vg_chunks_result got = vg_chunks_next(&r->chunks, in, &used, ret);
    r->hold.off += used;
    if (got == VG_CHUNKS_BAD) {
        r->body_errno = EBADMSG;
        return body_error(r, err);
    }
    if (got == VG_CHUNKS_END)
        r->is_body_over = true;
    return VG_OK;
}

vg_rc
vg_http_body_read(struct vg_http_req *req, struct vg_str *ret, struct vg_err *err)
{
    struct request *r = (struct request *)req;
    if (r->body_errno)
        return body_error(r, err);
    if (r->ahead.len) {
        r->must_continue = false;
        *ret = r->ahead;
        r->ahead = VG_STR("");
        r->left = 0;
        r->is_body_over = true;
        return VG_OK;
    }
    struct vg_str got = VG_STR("");
    if (r->must_continue && r->is_body_over) /* empty; botocore waits for it all the same */
        send_continue(r);
    while (!r->is_body_over && got.len == 0) {
        vg_rc rc = VG_OK;
        if (inbuf_size(&r->hold) == 0) {
            rc = wait_for_more(r, err);
            if (rc != VG_OK)
                return rc;
            take_received(r);
        }
        if (r->is_chunked)
            rc = read_chunked(r, &got, err);
        else
            read_plain(r, &got);
        if (rc != VG_OK)
            return rc;
        r->must_continue = false;
    }
    *ret = got;
    return VG_OK;
}

static void
free_deferred(void *p)
{
    free(p);
}

vg_rc
vg_http_body_read_all(struct vg_http_req *req, size_t max_bytes, struct vg_str *ret,
                      struct vg_err *err)
{
    struct request *r = (struct request *)req;
    if (req->content_length > 0 && (uint64_t)req->content_length > max_bytes)
        return vg_err_errno(err, EFBIG, "the request's body is too long");
    struct vg_str part;
    vg_rc rc = vg_http_body_read(req, &part, err);
    if (rc != VG_OK)
        return rc;
    if (r->is_body_over && !r->is_chunked && (int64_t)part.len == req->content_length) {
        /* One piece: already in the arena, or to be copied there. */
        bool is_held = inbuf_size(&r->hold) || r->hold.off;
        *ret = is_held ? vg_str_dup(req->arena, part) : part;
        return VG_OK;
    }
    struct vg_buf all;
    vg_buf_init(&all, NULL, max_bytes);
    while (rc == VG_OK && part.len && !all.over) {
        vg_buf_adds(&all, part);
        rc = vg_http_body_read(req, &part, err);
    }
    if (rc == VG_OK && all.over)
        rc = vg_err_errno(err, EFBIG, "the request's body is too long");
    if (rc != VG_OK) {
        vg_buf_fini(&all);
        return rc;
    }
    if (all.ptr)
        vg_arena_defer(req->arena, free_deferred, all.ptr);
    *ret = vg_buf_str(&all);
    return VG_OK;
}

bool
body_is_received(const struct request *r)
{
    size_t received = r->ahead.len + inbuf_size(&r->hold) + inbuf_size(&r->conn->s.in);
    return r->is_chunked || r->left <= (int64_t)received;
}

static void
skip_plain(struct request *r)
{
    struct inbuf *from[] = { &r->hold, &r->conn->s.in };
    r->left -= (int64_t)r->ahead.len;
    for (size_t i = 0; i < VG_COUNT(from); i++) {
        size_t n = (size_t)VG_MIN(r->left, (int64_t)inbuf_size(from[i]));
        from[i]->off += n;
        r->left -= (int64_t)n;
    }
    r->is_body_over = r->left == 0;
}

static void
skip_chunked(struct request *r)
{
    struct vg_err err;
    struct vg_str part;
    vg_rc rc = r->body_errno ? VG_FAIL : VG_OK;
    while (rc == VG_OK && !r->is_body_over) {
        if (inbuf_size(&r->hold) == 0 && inbuf_size(&r->conn->s.in) == 0)
            break;
        if (inbuf_size(&r->hold) == 0)
            take_received(r);
        rc = read_chunked(r, &part, &err);
    }
}

bool
body_end(struct request *r)
{
    struct conn *c = r->conn;
    if (!r->is_body_over && r->is_chunked)
        skip_chunked(r);
    else if (!r->is_body_over)
        skip_plain(r);
    if (inbuf_size(&r->hold)) {
        struct vg_str after = inbuf_str(&c->s.in);
        inbuf_add(&r->hold, after);
        inbuf_fini(&c->s.in);
        c->s.in = r->hold;
        r->hold = (struct inbuf) { 0 };
    }
    inbuf_fini(&r->hold);
    return r->is_body_over;
}
