/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests and chunked bodies, without a socket. RFC 9110, RFC 9112. */
#include "base/test.h"
#include "http/chunks.h"
#include "http/head.h"

#include <stdlib.h>

/* What the bytes are: 0 for a head that is accepted, else the status. */
static int
parse(struct vg_arena *arena, struct vg_str bytes, struct vg_head *ret)
{
    struct vg_head_scan scan = { 0 };
    long n = 0;
    /* One byte more at a time: the scan must not depend on how they come. */
    for (size_t len = 1; len <= bytes.len && n == 0; len++)
        n = vg_head_scan(&scan, vg_str_slice(bytes, 0, len));
    if (n < 0)
        return (int)-n;
    if (n == 0)
        return 1; /* not complete */
    return vg_head_parse(arena, &scan, vg_str_slice(bytes, 0, (size_t)n), ret);
}

static int
status_of(struct vg_str bytes)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_head head;
    return parse(arena, bytes, &head);
}

static void
a_head_is_told_apart(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_head h;
    assert_int_equal(
        parse(arena,
              VG_STR("POST /a%2Fb/../c?x=1&y=?2 HTTP/1.1\r\nHost: a.b:4566\r\n"
                     "X-Amz-Target:  T.op \t\r\nx-empty:\r\ncontent-length: 12\r\n\r\n"),
              &h),
        0);
    assert_str(h.method, "POST");
    assert_str(h.target, "/a%2Fb/../c?x=1&y=?2");
    assert_str(h.path, "/a%2Fb/../c");
    assert_str(h.query, "x=1&y=?2");
    assert_str(h.host, "a.b:4566");
    assert_int_equal(h.n_headers, 4);
    assert_str(h.headers[1].name, "X-Amz-Target");
    assert_str(h.headers[1].value, "T.op");
    assert_str(h.headers[2].name, "x-empty");
    assert_str(h.headers[2].value, "");
    assert_int_equal(h.content_length, 12);
    assert_true(h.is_kept_alive);
}

static void
absolute_targets_give_the_host(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_head h;
    assert_int_equal(
        parse(arena, VG_STR("GET HTTP://b.c:80/p?q HTTP/1.1\r\nHost: other\r\n\r\n"), &h), 0);
    assert_str(h.host, "b.c:80");
    assert_str(h.path, "/p");
    assert_str(h.query, "q");
    assert_str(h.target, "HTTP://b.c:80/p?q");
    assert_int_equal(parse(arena, VG_STR("GET http://b.c?q HTTP/1.1\r\nHost: x\r\n\r\n"), &h), 0);
    assert_str(h.path, "/");
    assert_str(h.query, "q");
    assert_int_equal(parse(arena, VG_STR("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), &h), 0);
    assert_str(h.path, "*");
    assert_null(h.query.ptr);
}

static void
keep_alive_follows_version_and_connection(void **state)
{
    (void)state;
    static const struct {
        struct vg_str head;
        bool is_kept;
    } cases[] = {
        { VG_STR_INIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), true },
        { VG_STR_INIT("GET / HTTP/1.1\r\nHost: x\r\nConnection: a, Close\r\n\r\n"), false },
        { VG_STR_INIT("GET / HTTP/1.0\r\n\r\n"), false },
        { VG_STR_INIT("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), true },
        { VG_STR_INIT("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"),
          true },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
        struct vg_head h;
        assert_int_equal(parse(arena, cases[i].head, &h), 0);
        assert_int_equal(h.is_kept_alive, cases[i].is_kept);
    }
}

#define REQ(lines) VG_STR_INIT("GET / HTTP/1.1\r\nHost: x\r\n" lines "\r\n")

/* RFC 9112 2.2, 3, 5.1, 5.2, 6.1, 6.3, 11.2: whatever two parsers can read in two ways. */
static void
ambiguous_heads_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct vg_str head;
        int status;
    } cases[] = {
        { "length and coding", REQ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400 },
        { "coding and length", REQ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400 },
        { "two lengths", REQ("Content-Length: 3\r\nContent-Length: 3\r\n"), 400 },
        { "two differing lengths", REQ("Content-Length: 3\r\nContent-Length: 4\r\n"), 400 },
        { "a list of lengths", REQ("Content-Length: 3, 3\r\n"), 400 },
        { "a negative length", REQ("Content-Length: -1\r\n"), 400 },
        { "a signed length", REQ("Content-Length: +1\r\n"), 400 },
        { "a hexadecimal length", REQ("Content-Length: 0x1\r\n"), 400 },
        { "an empty length", REQ("Content-Length:\r\n"), 400 },
        { "a split length", REQ("Content-Length: 1 1\r\n"), 400 },
        { "a huge length", REQ("Content-Length: 99999999999999999999\r\n"), 400 },
        { "2^63", REQ("Content-Length: 9223372036854775808\r\n"), 400 },
        { "another coding", REQ("Transfer-Encoding: gzip\r\n"), 400 },
        { "coding list", REQ("Transfer-Encoding: gzip, chunked\r\n"), 400 },
        { "chunked not last", REQ("Transfer-Encoding: chunked, identity\r\n"), 400 },
        { "chunked twice", REQ("Transfer-Encoding: chunked, chunked\r\n"), 400 },
        { "two codings", REQ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400 },
        { "a prefix of it", REQ("Transfer-Encoding: xchunked\r\n"), 400 },
        { "a vertical tab", REQ("Transfer-Encoding: \vchunked\r\n"), 400 },
        { "an empty coding", REQ("Transfer-Encoding:\r\n"), 400 },
        { "coding before 1.1", VG_STR_INIT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
          400 },
        { "space before the colon", REQ("Content-Length : 3\r\n"), 400 },
        { "tab before the colon", REQ("Content-Length\t: 3\r\n"), 400 },
        { "space before the name", REQ("A: b\r\n Content-Length: 3\r\n"), 400 },
        { "obs-fold", REQ("A: b\r\n\tc\r\n"), 400 },
        { "no name", REQ(": b\r\n"), 400 },
        { "no colon", REQ("Content-Length\r\n"), 400 },
        { "a control in a name", REQ("A\001: b\r\n"), 400 },
        { "a NUL in a value", REQ("A: b\0c\r\n"), 400 },
        { "a control in a value", REQ("A: b\001c\r\n"), 400 },
        { "DEL in a value", REQ("A: b\177c\r\n"), 400 },
        { "a high byte in a name", REQ("\xC3\xA4: b\r\n"), 400 },
        { "a bare LF after a header", REQ("A: b\nContent-Length: 3\r\n"), 400 },
        { "a bare LF after the request line", VG_STR_INIT("GET / HTTP/1.1\nHost: x\r\n\r\n"), 400 },
        { "a bare LF at the end", VG_STR_INIT("GET / HTTP/1.1\r\nHost: x\r\n\n"), 400 },
        { "a bare CR in a value", REQ("A: b\rContent-Length: 3\r\n"), 400 },
        { "a bare CR before a CRLF", REQ("A: b\r\r\n"), 400 },
        { "a bare CR alone", VG_STR_INIT("GET / HTTP/1.1\r\nHost: x\r\n\rA: b\r\n\r\n"), 400 },
        { "no host", VG_STR_INIT("GET / HTTP/1.1\r\n\r\n"), 400 },
        { "two hosts", REQ("Host: y\r\n"), 400 },
        { "a host with a path", VG_STR_INIT("GET / HTTP/1.1\r\nHost: x/y\r\n\r\n"), 400 },
        { "a host with user", VG_STR_INIT("GET / HTTP/1.1\r\nHost: a@x\r\n\r\n"), 400 },
        { "a list of hosts", VG_STR_INIT("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400 },
        { "a space in the target", VG_STR_INIT("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
        { "a tab in the target", VG_STR_INIT("GET /a\tb HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
        { "a NUL in the target", VG_STR_INIT("GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
        { "a fragment", VG_STR_INIT("GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
        { "no slash", VG_STR_INIT("GET a HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
        { "an asterisk", VG_STR_INIT("GET * HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
        { "absolute without host", VG_STR_INIT("GET http:///a HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
        { "two spaces", VG_STR_INIT("GET  / HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
        { "space at the end", VG_STR_INIT("GET / HTTP/1.1 \r\nHost: x\r\n\r\n"), 400 },
        { "no version", VG_STR_INIT("GET /\r\nHost: x\r\n\r\n"), 400 },
        { "two empty lines first", VG_STR_INIT("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
        { "another expectation", REQ("Expect: tea\r\n"), 417 },
        { "HTTP/2 by preface", VG_STR_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505 },
        { "HTTP/1.2", VG_STR_INIT("GET / HTTP/1.2\r\nHost: x\r\n\r\n"), 505 },
        { "HTTP/3.0", VG_STR_INIT("GET / HTTP/3.0\r\nHost: x\r\n\r\n"), 505 },
        { "an unknown method", VG_STR_INIT("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), 501 },
        { "a lower-case method", VG_STR_INIT("get / HTTP/1.1\r\nHost: x\r\n\r\n"), 501 },
        { "CONNECT", VG_STR_INIT("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"), 501 },
        { "TLS on a plain port", VG_STR_INIT("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\n"), 400 },
    };
    size_t n_wrong = 0;
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        int status = status_of(cases[i].head);
        if (status != cases[i].status) {
            print_message("%s: %d, want %d\n", cases[i].what, status, cases[i].status);
            n_wrong++;
        }
    }
    assert_int_equal(n_wrong, 0);
}

static void
odd_but_unambiguous_heads_are_accepted(void **state)
{
    (void)state;
    static const struct vg_str heads[] = {
        VG_STR_INIT("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), /* RFC 9112 2.2 */
        VG_STR_INIT("GET / HTTP/1.1\r\nHost:x\r\n\r\n"),
        VG_STR_INIT("GET / HTTP/1.1\r\nhOsT: x\r\n\r\n"),
        VG_STR_INIT("GET / HTTP/1.1\r\nHost:\r\n\r\n"),
        VG_STR_INIT("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
        REQ("Transfer-Encoding: Chunked\r\n"),
        REQ("Content-Length: 0\r\n"),
        REQ("Content-Length: 007\r\n"),
        REQ("A: \xE2\x82\xAC\r\n"), /* obs-text */
        REQ("A: b\tc\r\nA: d\r\n"),
        REQ("Expect: 100-Continue\r\n"),
        VG_STR_INIT("PATCH //a;b=c/%zz?%%[]{}|\\^ HTTP/1.1\r\nHost: x\r\n\r\n"),
    };
    for (size_t i = 0; i < VG_COUNT(heads); i++)
        if (status_of(heads[i]) != 0)
            fail_msg("refused with %d: %s", status_of(heads[i]), heads[i].ptr);
}

static void
ceilings_hold(void **state)
{
    (void)state;
    vg_auto_buf struct vg_buf b;
    vg_buf_init(&b, NULL, 1 << 20);
    vg_buf_adds(&b, VG_STR("GET /"));
    for (int i = 0; i < 16 << 10; i++)
        vg_buf_addc(&b, 'a');
    vg_buf_adds(&b, VG_STR(" HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_int_equal(status_of(vg_buf_str(&b)), 414);
    vg_buf_clear(&b);
    for (int i = 0; i < 20 << 10; i++)
        vg_buf_addc(&b, 'G'); /* no line's end at all */
    assert_int_equal(status_of(vg_buf_str(&b)), 414);

    for (int n = 127; n <= 128; n++) {
        vg_buf_clear(&b);
        vg_buf_adds(&b, VG_STR("GET / HTTP/1.1\r\nHost: x\r\n"));
        for (int i = 0; i < n; i++)
            vg_buf_adds(&b, VG_STR("A: b\r\n"));
        vg_buf_adds(&b, VG_STR("\r\n"));
        assert_int_equal(status_of(vg_buf_str(&b)), n == 127 ? 0 : 431);
    }
    vg_buf_clear(&b);
    vg_buf_adds(&b, VG_STR("GET / HTTP/1.1\r\nHost: x\r\nA: "));
    for (int i = 0; i < 64 << 10; i++)
        vg_buf_addc(&b, 'a');
    assert_int_equal(status_of(vg_buf_str(&b)), 431);
}

/* --- chunks --- */

/* Decodes in pieces of `step` bytes; "!" in front when malformed, "?" when there must be more. */
static struct vg_str
decode(struct vg_arena *arena, struct vg_str in, size_t step)
{
    struct vg_chunks c = { 0 };
    struct vg_buf out;
    vg_buf_init(&out, arena, 1 << 20);
    size_t at = 0;
    for (;;) {
        struct vg_str piece = vg_str_slice(in, at, at + step), data;
        size_t used;
        enum vg_chunks_result got = vg_chunks_next(&c, piece, &used, &data);
        at += used;
        if (got == VG_CHUNKS_DATA)
            vg_buf_adds(&out, data);
        else if (got == VG_CHUNKS_BAD)
            return VG_STR("!");
        else if (got == VG_CHUNKS_MORE && at == in.len)
            return VG_STR("?");
        else if (got == VG_CHUNKS_END)
            return vg_str_fmt(arena, "%" VG_FMT "|%zu", VG_ARG(vg_buf_str(&out)), in.len - at);
    }
}

/* RFC 9112 7.1 */
static void
chunks_are_decoded_or_refused(void **state)
{
    (void)state;
    static const struct {
        struct vg_str in, out;
    } cases[] = {
        { VG_STR_INIT("3\r\nabc\r\n0\r\n\r\nGET"), VG_STR_INIT("abc|3") },
        { VG_STR_INIT("0\r\n\r\n"), VG_STR_INIT("|0") },
        { VG_STR_INIT("0003\r\nabc\r\nA\r\n0123456789\r\n000\r\n\r\n"),
          VG_STR_INIT("abc0123456789|0") },
        { VG_STR_INIT("3;a=b;c=\"d\"\r\nabc\r\n0;x\r\n\r\n"), VG_STR_INIT("abc|0") },
        { VG_STR_INIT("0\r\nTrailer: x\r\nB:\r\n\r\n"), VG_STR_INIT("|0") },
        { VG_STR_INIT("3\r\nabc\r\n0\r\n"), VG_STR_INIT("?") },
        { VG_STR_INIT("3\r\nab"), VG_STR_INIT("?") },
        { VG_STR_INIT("\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("x\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("0x3\r\nabc\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("-3\r\nabc\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("+3\r\nabc\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT(" 3\r\nabc\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("3 \r\nabc\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("3\nabc\n0\n\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("3\r\nabc\n0\r\n\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("3\r\nabcd\r\n0\r\n\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("3\rX\nabc\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("3;a\nb\r\nabc\r\n0\r\n\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("3;a\rb\r\nabc\r\n0\r\n\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("fffffffffffffffff\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("10000000000000003\r\nabc"), VG_STR_INIT("!") },
        { VG_STR_INIT("0\r\n A: b\r\n\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("0\r\nA b\r\n\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("0\r\nA : b\r\n\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("0\r\nA: b\n\r\n"), VG_STR_INIT("!") },
        { VG_STR_INIT("0\r\n\rX"), VG_STR_INIT("!") },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++)
        for (size_t step = 1; step < 40; step += 6) {
            vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
            struct vg_str out = decode(arena, cases[i].in, step);
            if (!vg_str_eq(out, cases[i].out))
                fail_msg("case %zu, step %zu: %" VG_FMT, i, step, VG_ARG(out));
        }
}

static void
extensions_and_trailers_are_bounded(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    vg_auto_buf struct vg_buf b;
    vg_buf_init(&b, NULL, 1 << 20);
    for (int i = 0; i < 3000; i++)
        vg_buf_adds(&b, VG_STR("1;ab\r\nx\r\n"));
    assert_str(decode(arena, vg_buf_str(&b), 4096), "!");
    vg_buf_clear(&b);
    vg_buf_adds(&b, VG_STR("0\r\n"));
    for (int i = 0; i < 3000; i++)
        vg_buf_adds(&b, VG_STR("A: bcd\r\n"));
    assert_str(decode(arena, vg_buf_str(&b), 4096), "!");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_told_apart),
        cmocka_unit_test(absolute_targets_give_the_host),
        cmocka_unit_test(keep_alive_follows_version_and_connection),
        cmocka_unit_test(ambiguous_heads_are_refused),
        cmocka_unit_test(odd_but_unambiguous_heads_are_accepted),
        cmocka_unit_test(ceilings_hold),
        cmocka_unit_test(chunks_are_decoded_or_refused),
        cmocka_unit_test(extensions_and_trailers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
