/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as requests one after the other, and as replies.  Besides crashes: how the bytes come
 * must not matter, and what is accepted, written out plainly, must be read as the same again.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "http/chunks.h"
#include "http/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static long
scan_whole(struct vg_head_scan *scan, struct vg_str bytes, bool is_reply)
{
    *scan = (struct vg_head_scan) { .is_reply = is_reply };
    return vg_head_scan(scan, bytes);
}

/* In steps that the input itself chooses. */
static long
scan_pieces(struct vg_str bytes, bool is_reply)
{
    struct vg_head_scan scan = { .is_reply = is_reply };
    long n = 0;
    for (size_t len = 1; n == 0 && len <= bytes.len;
         len += 1 + ((unsigned char)bytes.ptr[len - 1] & 7))
        n = vg_head_scan(&scan, vg_str_slice(bytes, 0, len));
    return n ? n : vg_head_scan(&scan, bytes);
}

static void
check_headers(const struct vg_http_header *headers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        VG_ASSERT(vg_head_is_token(headers[i].name));
        VG_ASSERT(vg_head_is_value(headers[i].value));
    }
}

static void
write_out(struct vg_buf *b, const struct vg_head *h)
{
    vg_buf_addf(b, "%" VG_FMT " ", VG_ARG(h->method));
    vg_buf_adds(b, h->target);
    vg_buf_addf(b, " HTTP/1.%d\r\n", h->minor);
    for (size_t i = 0; i < h->n_headers; i++) {
        vg_buf_adds(b, h->headers[i].name);
        vg_buf_addc(b, ':');
        vg_buf_adds(b, h->headers[i].value);
        vg_buf_adds(b, VG_STR("\r\n"));
    }
    vg_buf_adds(b, VG_STR("\r\n"));
}

static void
check_same_again(struct vg_arena *arena, const struct vg_head *h)
{
    struct vg_buf b;
    struct vg_head_scan scan;
    struct vg_head again;
    vg_buf_init(&b, arena, 1 << 20);
    write_out(&b, h);
    long n = scan_whole(&scan, vg_buf_str(&b), false);
    VG_ASSERT(n == (long)b.len);
    VG_ASSERT(vg_head_parse(arena, &scan, vg_buf_str(&b), &again) == 0);
    VG_ASSERT(vg_str_eq(h->method, again.method) && vg_str_eq(h->target, again.target));
    VG_ASSERT(vg_str_eq(h->path, again.path) && vg_str_eq(h->query, again.query));
    VG_ASSERT(vg_str_eq(h->host, again.host) && h->n_headers == again.n_headers);
    VG_ASSERT(h->content_length == again.content_length);
    VG_ASSERT(h->is_kept_alive == again.is_kept_alive);
}

/* How many bytes the chunks take, or 0; decoded in pieces of `step`. */
static size_t
decode(struct vg_str in, size_t step, uint64_t *ret_hash)
{
    struct vg_chunks c = { 0 };
    uint64_t hash = 0;
    size_t at = 0, used;
    for (;;) {
        struct vg_str data;
        enum vg_chunks_result got =
            vg_chunks_next(&c, vg_str_slice(in, at, at + step), &used, &data);
        at += used;
        if (got == VG_CHUNKS_DATA)
            for (size_t i = 0; i < data.len; i++)
                hash = hash * 31 + (unsigned char)data.ptr[i] + 1;
        *ret_hash = hash;
        if (got == VG_CHUNKS_END)
            return at;
        if (got == VG_CHUNKS_BAD || (got == VG_CHUNKS_MORE && at == in.len))
            return 0;
    }
}

static size_t
check_chunks(struct vg_str in)
{
    uint64_t whole, pieces;
    size_t n = decode(in, in.len, &whole);
    VG_ASSERT(decode(in, 1, &pieces) == n && whole == pieces);
    return n;
}

static void
check_requests(struct vg_str in)
{
    while (in.len) {
        vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
        struct vg_head_scan scan;
        struct vg_head h;
        long n = scan_whole(&scan, in, false);
        VG_ASSERT(scan_pieces(in, false) == n);
        if (n <= 0)
            return;
        VG_ASSERT((size_t)n <= in.len);
        struct vg_str own = vg_str_n(vg_arena_copy(arena, in.ptr, (size_t)n), (size_t)n);
        if (vg_head_parse(arena, &scan, own, &h) != 0)
            return;
        VG_ASSERT(h.path.len > 0 && (h.path.ptr[0] == '/' || vg_str_eq(h.path, VG_STR("*"))));
        check_headers(h.headers, h.n_headers);
        check_same_again(arena, &h);
        in = vg_str_slice(in, (size_t)n, in.len);
        size_t body =
            h.content_length < 0 ? check_chunks(in) : VG_MIN(in.len, (size_t)h.content_length);
        if (body == 0 && h.content_length != 0)
            return;
        in = vg_str_slice(in, body, in.len);
    }
}

static void
check_reply(struct vg_str in)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_head_scan scan;
    struct vg_reply_head h;
    long n = scan_whole(&scan, in, true);
    VG_ASSERT(scan_pieces(in, true) == n);
    if (n <= 0)
        return;
    struct vg_str own = vg_str_n(vg_arena_copy(arena, in.ptr, (size_t)n), (size_t)n);
    if (!vg_head_parse_reply(arena, &scan, own, &h))
        return;
    check_headers(h.headers, h.n_headers);
    VG_ASSERT(!h.is_chunked || h.content_length < 0);
    VG_ASSERT(h.status >= 0 && h.status <= 999);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vg_str in = vg_str_n(data, size);
    check_requests(in);
    check_reply(in);
    return 0;
}
