/* SPDX-License-Identifier: Apache-2.0 */
/* Replies: a head is put together in the arena and leaves with the first bytes of the body. */
#include "http/server_int.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "os/clock.h"

#include <stdio.h>
#include <time.h>

struct vg_str
vg_http_reason(int status)
{
    /* RFC 9110 section 15, RFC 6585 */
    static const struct {
        int status;
        struct vg_str reason;
    } reasons[] = {
        { 100, VG_STR_INIT("Continue") },
        { 101, VG_STR_INIT("Switching Protocols") },
        { 200, VG_STR_INIT("OK") },
        { 201, VG_STR_INIT("Created") },
        { 202, VG_STR_INIT("Accepted") },
        { 203, VG_STR_INIT("Non-Authoritative Information") },
        { 204, VG_STR_INIT("No Content") },
        { 205, VG_STR_INIT("Reset Content") },
        { 206, VG_STR_INIT("Partial Content") },
        { 300, VG_STR_INIT("Multiple Choices") },
        { 301, VG_STR_INIT("Moved Permanently") },
        { 302, VG_STR_INIT("Found") },
        { 303, VG_STR_INIT("See Other") },
        { 304, VG_STR_INIT("Not Modified") },
        { 307, VG_STR_INIT("Temporary Redirect") },
        { 308, VG_STR_INIT("Permanent Redirect") },
        { 400, VG_STR_INIT("Bad Request") },
        { 401, VG_STR_INIT("Unauthorized") },
        { 402, VG_STR_INIT("Payment Required") },
        { 403, VG_STR_INIT("Forbidden") },
        { 404, VG_STR_INIT("Not Found") },
        { 405, VG_STR_INIT("Method Not Allowed") },
        { 406, VG_STR_INIT("Not Acceptable") },
        { 408, VG_STR_INIT("Request Timeout") },
        { 409, VG_STR_INIT("Conflict") },
        { 410, VG_STR_INIT("Gone") },
        { 411, VG_STR_INIT("Length Required") },
        { 412, VG_STR_INIT("Precondition Failed") },
        { 413, VG_STR_INIT("Content Too Large") },
        { 414, VG_STR_INIT("URI Too Long") },
        { 415, VG_STR_INIT("Unsupported Media Type") },
        { 416, VG_STR_INIT("Range Not Satisfiable") },
        { 417, VG_STR_INIT("Expectation Failed") },
        { 421, VG_STR_INIT("Misdirected Request") },
        { 422, VG_STR_INIT("Unprocessable Content") },
        { 424, VG_STR_INIT("Failed Dependency") },
        { 426, VG_STR_INIT("Upgrade Required") },
        { 429, VG_STR_INIT("Too Many Requests") },
        { 431, VG_STR_INIT("Request Header Fields Too Large") },
        { 500, VG_STR_INIT("Internal Server Error") },
        { 501, VG_STR_INIT("Not Implemented") },
        { 502, VG_STR_INIT("Bad Gateway") },
        { 503, VG_STR_INIT("Service Unavailable") },
        { 504, VG_STR_INIT("Gateway Timeout") },
        { 505, VG_STR_INIT("HTTP Version Not Supported") },
    };
    for (size_t i = 0; i < VG_COUNT(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return VG_STR("Unknown");
}

/* RFC 9110 5.6.7: names are English whatever the locale. */
struct vg_str
reply_date(struct http_loop *h)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t now_s = vg_wall_ms() / 1000;
    if (now_s != h->date_s) {
        time_t t = (time_t)now_s;
        struct tm tm;
        gmtime_r(&t, &tm);
        int n =
            snprintf(h->date, sizeof(h->date), "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n",
                     days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900,
                     tm.tm_hour, tm.tm_min, tm.tm_sec);
        h->date_len = (size_t)n;
        h->date_s = now_s;
    }
    return vg_str_n(h->date, h->date_len);
}

static bool
are_valid(const struct vg_http_header *headers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!vg_head_is_token(headers[i].name) || !vg_head_is_value(headers[i].value))
            return false;
    return true;
}

/* How the reply's body is framed, and what becomes of the connection. */
static void
decide(struct request *r, int status, int64_t content_length)
{
    struct conn *c = r->conn;
    r->pub.is_replied = true;
    r->pub.status = status;
    if (r->pub.is_timed)
        r->pub.replied_ms = vg_mono_ms();
    r->has_no_body = r->pub.is_head || status == 204 || status == 304;
    r->is_reply_chunked = content_length < 0 && r->pub.minor > 0;
    r->reply_left = content_length;
    if (content_length < 0 && r->pub.minor == 0 && !r->has_no_body)
        r->is_kept_alive = false; /* only the end of the connection ends it */
    if (r->is_kept_alive
        && (c->must_close || c->s.is_eof || (r->must_continue && !r->is_body_over)
            || !body_is_received(r)))
        r->is_kept_alive = false;
}

static struct vg_str
head_of(struct request *r, int status, const struct vg_http_header *headers, size_t n,
        int64_t content_length)
{
    struct vg_buf b;
    struct vg_str reason = vg_http_reason(status), date = reply_date(r->conn->loop);
    size_t bytes = 160 + reason.len + date.len;
    for (size_t i = 0; i < n; i++)
        bytes += headers[i].name.len + headers[i].value.len + 4;
    vg_buf_init(&b, r->pub.arena, bytes);
    (void)vg_buf_room(&b, bytes); /* once, and enough */
    vg_buf_adds(&b, VG_STR("HTTP/1.1 "));
    vg_buf_add_i64(&b, status);
    vg_buf_addc(&b, ' ');
    vg_buf_adds(&b, reason);
    vg_buf_adds(&b, VG_STR("\r\n"));
    vg_buf_adds(&b, date);
    for (size_t i = 0; i < n; i++) {
        vg_buf_adds(&b, headers[i].name);
        vg_buf_adds(&b, VG_STR(": "));
        vg_buf_adds(&b, headers[i].value);
        vg_buf_adds(&b, VG_STR("\r\n"));
    }
    if (status != 204 && content_length >= 0) {
        vg_buf_adds(&b, VG_STR("Content-Length: "));
        vg_buf_add_i64(&b, content_length);
        vg_buf_adds(&b, VG_STR("\r\n"));
    } else if (status != 204 && status != 304 && r->is_reply_chunked) {
        vg_buf_adds(&b, VG_STR("Transfer-Encoding: chunked\r\n"));
    }
    if (!r->is_kept_alive)
        vg_buf_adds(&b, VG_STR("Connection: close\r\n"));
    else if (r->pub.minor == 0)
        vg_buf_adds(&b, VG_STR("Connection: keep-alive\r\n"));
    vg_buf_adds(&b, VG_STR("\r\n"));
    VG_ASSERT(!b.over);
    return vg_buf_str(&b);
}

static uv_buf_t
uv_buf_of(struct vg_str s)
{
    /* libuv only reads it; its type serves both ways */
    return (uv_buf_t) { .base = (char *)(uintptr_t)s.ptr, .len = s.len };
}

/* At most three bufs, behind the head if that is still there. */
static vg_rc
send_out(struct request *r, const uv_buf_t *bufs, unsigned n)
{
    uv_buf_t all[4];
    unsigned n_all = 0;
    if (r->reply_head.len > 0)
        all[n_all++] = uv_buf_of(r->reply_head);
    r->reply_head = VG_STR("");
    for (unsigned i = 0; i < n; i++)
        all[n_all++] = bufs[i];
    if (r->reply_rc == VG_OK)
        r->reply_rc = stream_send(&r->conn->s, all, n_all, VG_NEVER_MS);
    return r->reply_rc;
}

/* The same with so many bytes of the body among them. */
static vg_rc
send_body(struct request *r, uv_buf_t *bufs, unsigned n, size_t bytes)
{
    vg_rc rc = send_out(r, bufs, n);
    if (rc == VG_OK)
        r->pub.sent_bytes += (int64_t)bytes;
    return rc;
}

vg_rc
vg_http_reply(struct vg_http_req *req, int status, const struct vg_http_header *headers,
              size_t n_headers, struct vg_str body)
{
    struct request *r = (struct request *)req;
    VG_ASSERT(!req->is_replied);
    bool is_valid = are_valid(headers, n_headers);
    if (!is_valid) {
        status = 500;
        n_headers = 0;
        body = VG_STR("");
    }
    decide(r, status, (int64_t)body.len);
    struct vg_str head = head_of(r, status, headers, n_headers, (int64_t)body.len);
    uv_buf_t bufs[2] = { uv_buf_of(head), uv_buf_of(body) };
    bool has_body = !r->has_no_body && body.len > 0;
    vg_rc rc = send_body(r, bufs, has_body ? 2 : 1, has_body ? body.len : 0);
    r->is_ended = true;
    return is_valid ? rc : VG_FAIL;
}

vg_rc
vg_http_reply_begin(struct vg_http_req *req, int status, const struct vg_http_header *headers,
                    size_t n_headers, int64_t content_length)
{
    struct request *r = (struct request *)req;
    VG_ASSERT(!req->is_replied);
    if (!are_valid(headers, n_headers)) {
        (void)vg_http_reply(req, 500, NULL, 0, VG_STR(""));
        r->reply_rc = VG_FAIL;
        return VG_FAIL;
    }
    decide(r, status, content_length);
    r->reply_head = head_of(r, status, headers, n_headers, content_length);
    if (content_length > 0 && !r->has_no_body)
        return VG_OK; /* its first bytes are at hand */
    return send_out(r, NULL, 0);
}

void
reply_flush(struct request *r)
{
    if (r->reply_head.len > 0)
        (void)!send_out(r, NULL, 0);
}

vg_rc
vg_http_reply_write(struct vg_http_req *req, struct vg_str data)
{
    struct request *r = (struct request *)req;
    if (r->reply_rc != VG_OK || data.len == 0)
        return r->reply_rc;
    VG_ASSERT(req->is_replied && !r->is_ended);
    if (r->reply_left >= 0) {
        VG_ASSERT((int64_t)data.len <= r->reply_left);
        r->reply_left -= (int64_t)data.len;
    }
    if (r->has_no_body)
        return VG_OK;
    uv_buf_t bufs[3];
    if (!r->is_reply_chunked) {
        bufs[0] = uv_buf_of(data);
        return send_body(r, bufs, 1, data.len);
    }
    char size[24];
    int n = snprintf(size, sizeof(size), "%zx\r\n", data.len);
    bufs[0] = uv_buf_init(size, (unsigned)n);
    bufs[1] = uv_buf_of(data);
    bufs[2] = uv_buf_of(VG_STR("\r\n"));
    return send_body(r, bufs, 3, data.len);
}

vg_rc
vg_http_reply_end(struct vg_http_req *req)
{
    struct request *r = (struct request *)req;
    if (r->reply_rc != VG_OK || r->is_ended)
        return r->reply_rc;
    VG_ASSERT(req->is_replied);
    r->is_ended = true;
    if (r->has_no_body)
        return VG_OK;
    if (r->reply_left > 0) {
        r->is_kept_alive = false; /* cut short: the client sees it by the connection's end */
        reply_flush(r);
        return r->reply_rc;
    }
    if (!r->is_reply_chunked)
        return VG_OK;
    uv_buf_t buf = uv_buf_of(VG_STR("0\r\n\r\n"));
    return send_out(r, &buf, 1);
}
