/* SPDX-License-Identifier: Apache-2.0 */
/* A real server on an ephemeral port, and raw sockets against it. RFC 9110, RFC 9112. */
#include "base/limits.h"
#include "base/test.h"
#include "http/server.h"
#include "os/clock.h"
#include "os/fiber.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_LOOPS 2
#ifdef VG_RARE_PATHS
#define LARGE_BYTES 50000 /* they come one at a time */
#else
#define LARGE_BYTES 5000000
#endif

struct fixture {
    struct vg_loop *loops[N_LOOPS];
    pthread_t threads[N_LOOPS];
    struct vg_http_server *server;
    const struct vg_listener *listener;
    int listener_ctx;
    atomic_int n_gone, n_handled, n_waiting, is_listener_closed;
    _Atomic int64_t last_status, last_sent; /* of the last request that was handled */
    int64_t finish_ms;
};

static void *
loop_thread(void *loop)
{
    vg_loop_run(loop);
    return NULL;
}

/* --- the handler: what it does is in the path --- */

static vg_rc
echo_stream(struct vg_http_req *req)
{
    struct vg_err err;
    struct vg_str part;
    vg_rc rc = vg_http_reply_begin(req, 200, NULL, 0, req->content_length);
    for (;;) {
        if (rc == VG_OK)
            rc = vg_http_body_read(req, &part, &err);
        if (rc != VG_OK || part.len == 0)
            break;
        rc = vg_http_reply_write(req, part);
    }
    return rc == VG_OK ? vg_http_reply_end(req) : rc;
}

static vg_rc
echo(struct vg_http_req *req, size_t max_bytes)
{
    struct vg_err err;
    struct vg_str body;
    vg_rc rc = vg_http_body_read_all(req, max_bytes, &body, &err);
    if (rc == VG_FAIL)
        return vg_http_reply(req, err.os_errno == EFBIG ? 413 : 400, NULL, 0, VG_STR("bad"));
    return rc == VG_OK ? vg_http_reply(req, 200, NULL, 0, body) : rc;
}

static vg_rc
wait_long(struct vg_http_req *req, struct fixture *f)
{
    struct vg_waiter w;
    vg_waiter_init(&w);
    atomic_fetch_add(&f->n_waiting, 1);
    vg_rc rc = vg_waiter_park(&w, vg_mono_ms() + 20000, true);
    atomic_fetch_sub(&f->n_waiting, 1);
    if (rc == VG_GONE)
        atomic_fetch_add(&f->n_gone, 1);
    return vg_http_reply(req, 200, NULL, 0, VG_STR("waited"));
}

static vg_rc
describe(struct vg_http_req *req, struct fixture *f)
{
    uint16_t port;
    assert_ptr_equal(req->listener->ctx, &f->listener_ctx);
    assert_int_equal(req->listener->trust, VG_TRUST_LOOPBACK);
    assert_str(vg_http_remote(req, &port), "127.0.0.1");
    assert_true(port > 0);
    struct vg_str body = vg_str_fmt(req->arena, "%" VG_FMT " %" VG_FMT " %zu", VG_ARG(req->method),
                                    VG_ARG(req->target), req->n_headers);
    const struct vg_http_header headers[] = { { VG_STR("X-A"), VG_STR("b") } };
    return vg_http_reply(req, 200, headers, 1, body);
}

static vg_rc
send_much(struct vg_http_req *req, int64_t length)
{
    static char block[100000];
    vg_rc rc = vg_http_reply_begin(req, 200, NULL, 0, length);
    for (int i = 0; i < 100 && rc == VG_OK; i++)
        rc = vg_http_reply_write(req, vg_str_n(block, sizeof(block)));
    return rc == VG_OK ? vg_http_reply_end(req) : rc;
}

static void
handle(struct vg_http_req *req)
{
    struct fixture *f = req->ctx;
    struct vg_str path = req->path;
    vg_rc rc = VG_OK;
    if (vg_str_eq(path, VG_STR("/echo")))
        rc = echo(req, 8 << 20);
    else if (vg_str_eq(path, VG_STR("/small")))
        rc = echo(req, 10);
    else if (vg_str_eq(path, VG_STR("/stream")))
        rc = echo_stream(req);
    else if (vg_str_eq(path, VG_STR("/much")))
        rc = send_much(req, 100 * 100000);
    else if (vg_str_eq(path, VG_STR("/muchchunked")))
        rc = send_much(req, -1);
    else if (vg_str_eq(path, VG_STR("/short")))
        rc = vg_http_reply_begin(req, 200, NULL, 0, 10);
    else if (vg_str_eq(path, VG_STR("/wait")))
        rc = wait_long(req, f);
    else if (vg_str_eq(path, VG_STR("/slow")))
        vg_fiber_sleep(30);
    else if (vg_str_eq(path, VG_STR("/204")))
        rc = vg_http_reply(req, 204, NULL, 0, VG_STR(""));
    else if (vg_str_eq(path, VG_STR("/inject"))) {
        const struct vg_http_header bad[] = { { VG_STR("A"), VG_STR("b\r\nC: d") } };
        rc = vg_http_reply(req, 200, bad, 1, VG_STR("x"));
    } else if (!vg_str_eq(path, VG_STR("/none")))
        rc = describe(req, f);
    if (!req->is_replied && vg_str_eq(path, VG_STR("/slow")))
        rc = vg_http_reply(req, 200, NULL, 0, VG_STR("slow"));
    (void)rc;
    atomic_store(&f->last_status, req->status);
    atomic_store(&f->last_sent, req->sent_bytes);
    atomic_fetch_add(&f->n_handled, 1);
}

/* --- set up --- */

static int
set_up(void **state)
{
    struct fixture *f = vg_xalloc(sizeof(*f));
    struct vg_err err;
    for (int i = 0; i < N_LOOPS; i++)
        f->loops[i] = vg_loop_new(i);
    struct vg_http_config config = {
        .loops = f->loops, .n_loops = N_LOOPS, .handler = handle, .ctx = f
    };
    f->server = vg_http_server_new(&config);
    vg_rc rc = vg_http_listen(f->server, VG_STR("127.0.0.1"), 0, NULL, VG_TRUST_LOOPBACK,
                              &f->listener_ctx, &f->listener, &err);
    for (int i = 0; i < N_LOOPS; i++)
        pthread_create(&f->threads[i], NULL, loop_thread, f->loops[i]);
    *state = f;
    return rc == VG_OK ? 0 : -1;
}

static void
stop_fiber(void *arg)
{
    struct fixture *f = arg;
    vg_http_server_stop(f->server, f->finish_ms);
    for (int i = 0; i < N_LOOPS; i++)
        vg_loop_stop(f->loops[i]);
}

static void
stop(struct fixture *f)
{
    vg_fiber_start(f->loops[0], stop_fiber, f);
    for (int i = 0; i < N_LOOPS; i++)
        pthread_join(f->threads[i], NULL);
    assert_int_equal(vg_http_server_conns(f->server), 0);
    vg_http_server_free(f->server);
    f->server = NULL;
    for (int i = 0; i < N_LOOPS; i++)
        vg_loop_free(f->loops[i]);
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->server)
        stop(f);
    free(f);
    return 0;
}

/* --- a client --- */

struct client {
    int fd;
    struct vg_buf got;
};

static void
client_open(struct client *c, const struct fixture *f)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(f->listener->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&to, sizeof(to)), 0);
    vg_buf_init(&c->got, NULL, 64 << 20);
}

static void
client_close(struct client *c)
{
    close(c->fd);
    vg_buf_fini(&c->got);
}

static void
client_send(struct client *c, struct vg_str bytes)
{
    while (bytes.len) {
        ssize_t n = send(c->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        assert_true(n > 0);
        bytes = vg_str_slice(bytes, (size_t)n, bytes.len);
    }
}

/* Reads until `want` has been seen, or to the end when it is empty; false at the end or after 5 s.
 */
static bool
client_read(struct client *c, struct vg_str want)
{
    for (;;) {
        if (want.len && vg_str_find(vg_buf_str(&c->got), want) != VG_NPOS)
            return true;
        struct pollfd p = { .fd = c->fd, .events = POLLIN };
        if (poll(&p, 1, 5000) != 1)
            return false;
        static char part[65536];
        ssize_t n = recv(c->fd, part, sizeof(part), 0);
        if (n <= 0)
            return want.len == 0 && n == 0;
        vg_buf_add(&c->got, part, (size_t)n);
    }
}

static size_t
count(struct vg_str s, struct vg_str needle)
{
    size_t n = 0, at;
    while ((at = vg_str_find(s, needle)) != VG_NPOS) {
        n++;
        s = vg_str_slice(s, at + needle.len, s.len);
    }
    return n;
}

/* What comes back to the end of the connection; the strings must be in it. */
static void
expect(struct fixture *f, struct vg_str request, const char *first, const char *last)
{
    struct client c;
    client_open(&c, f);
    client_send(&c, request);
    bool is_end = client_read(&c, VG_STR_NONE);
    struct vg_str got = vg_buf_str(&c.got);
    if (!is_end || !vg_str_starts(got, vg_str_of(first)) || !vg_str_ends(got, vg_str_of(last)))
        fail_msg("to \"%.100s\" came (end %d): \"%" VG_FMT "\"", request.ptr, is_end, VG_ARG(got));
    client_close(&c);
}

#define CLOSE "Host: x\r\nConnection: close\r\n"

/* --- the tests --- */

static void
a_request_gets_its_reply(void **state)
{
    struct fixture *f = *state;
    expect(f, VG_STR("GET /a?b HTTP/1.1\r\n" CLOSE "\r\n"), "HTTP/1.1 200 OK\r\nDate: ",
           "\r\nX-A: b\r\nContent-Length: 10\r\nConnection: close\r\n\r\nGET /a?b 2");
    expect(f, VG_STR("GET /none HTTP/1.1\r\n" CLOSE "\r\n"),
           "HTTP/1.1 500 Internal Server Error\r\n",
           "Content-Length: 0\r\nConnection: close\r\n\r\n");
    expect(f, VG_STR("GET /204 HTTP/1.1\r\n" CLOSE "\r\n"),
           "HTTP/1.1 204 No Content\r\nDate: ", "GMT\r\nConnection: close\r\n\r\n");
}

static void
head_gets_no_body(void **state)
{
    struct fixture *f = *state;
    expect(f, VG_STR("HEAD /a HTTP/1.1\r\n" CLOSE "\r\n"), "HTTP/1.1 200 OK\r\n",
           "Content-Length: 9\r\nConnection: close\r\n\r\n");
    expect(f, VG_STR("HEAD /much HTTP/1.1\r\n" CLOSE "\r\n"), "HTTP/1.1 200 OK\r\n",
           "Content-Length: 10000000\r\nConnection: close\r\n\r\n");
}

static void
a_handler_learns_what_was_sent(void **state)
{
    static const struct {
        const char *request;
        int status, sent; /* without head, and what frames the body */
    } cases[] = {
        { "GET /a?b HTTP/1.1\r\n" CLOSE "\r\n", 200, 10 },
        { "HEAD /a HTTP/1.1\r\n" CLOSE "\r\n", 200, 0 },
        { "HEAD /much HTTP/1.1\r\n" CLOSE "\r\n", 200, 0 },
        { "GET /much HTTP/1.1\r\n" CLOSE "\r\n", 200, 10000000 },
        { "GET /muchchunked HTTP/1.1\r\n" CLOSE "\r\n", 200, 10000000 },
        { "GET /204 HTTP/1.1\r\n" CLOSE "\r\n", 204, 0 },
        { "GET /inject HTTP/1.1\r\n" CLOSE "\r\n", 500, 0 },
        { "GET /none HTTP/1.1\r\n" CLOSE "\r\n", 0, 0 },
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        expect(f, vg_str_of(cases[i].request), "HTTP/1.1 ", "");
        assert_int_equal(atomic_load(&f->last_status), cases[i].status);
        assert_int_equal(atomic_load(&f->last_sent), cases[i].sent);
    }
}

static void
http_1_0_closes_unless_asked(void **state)
{
    struct fixture *f = *state;
    expect(f, VG_STR("GET /a HTTP/1.0\r\n\r\n"), "HTTP/1.1 200 OK\r\n",
           "Content-Length: 8\r\nConnection: close\r\n\r\nGET /a 0");
    expect(f, VG_STR("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n"),
           "HTTP/1.1 200 OK\r\n", "Connection: close\r\n\r\nGET /b 0");
    /* Without chunks the end of the connection ends the body. */
    struct client c;
    client_open(&c, f);
    client_send(&c, VG_STR("GET /muchchunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    assert_true(client_read(&c, VG_STR_NONE));
    size_t head = vg_str_find(vg_buf_str(&c.got), VG_STR("Connection: close\r\n\r\n")) + 21;
    assert_int_equal(c.got.len - head, 10000000);
    client_close(&c);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
    struct fixture *f = *state;
    struct client c;
    client_open(&c, f);
    vg_auto_buf struct vg_buf b;
    vg_buf_init(&b, NULL, 1 << 20);
    for (int i = 0; i < 200; i++) {
        vg_buf_addf(&b, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", i % 40 == 0 ? "slow" : "a");
        vg_buf_addf(&b, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n%04d", i);
        vg_buf_adds(&b, VG_STR("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"));
        vg_buf_addf(&b, "\r\n2\r\n-%d\r\n0\r\n\r\n", i % 10);
    }
    vg_buf_adds(&b, VG_STR("GET /last HTTP/1.1\r\n" CLOSE "\r\n"));
    client_send(&c, vg_buf_str(&b));
    assert_true(client_read(&c, VG_STR_NONE));
    struct vg_str got = vg_buf_str(&c.got);
    assert_int_equal(count(got, VG_STR("HTTP/1.1 200 OK\r\n")), 601);
    for (int i = 0; i < 200; i++) {
        char want[20];
        snprintf(want, sizeof(want), "\r\n\r\n%04dHTTP", i);
        size_t at = vg_str_find(got, vg_str_of(want));
        assert_true(at != VG_NPOS);
        got = vg_str_slice(got, at + 1, got.len);
    }
    client_close(&c);
}

static void
bytes_one_by_one_are_a_request_too(void **state)
{
    struct fixture *f = *state;
    static const char request[] =
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3;x=y\r\nabc\r\n00a\r\n0123456789\r\n0\r\nT: u\r\n\r\n"
        "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 3\r\n\r\nend";
    struct client c;
    client_open(&c, f);
    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        client_send(&c, vg_str_n(request + i, 1));
        usleep(300);
    }
    assert_true(client_read(&c, VG_STR_NONE));
    assert_true(vg_str_find(vg_buf_str(&c.got), VG_STR("abc0123456789HTTP/1.1")) != VG_NPOS);
    assert_true(vg_str_ends(vg_buf_str(&c.got), VG_STR("\r\n\r\nend")));
    client_close(&c);
}

/* The connection ends after it, and what follows is not taken for a request. */
static void
smuggling_is_refused_on_the_wire(void **state)
{
    struct fixture *f = *state;
    int before = atomic_load(&f->n_handled);
    static const struct vg_str cases[] = {
        VG_STR_INIT(
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n"),
        VG_STR_INIT("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 36\r\n"
                    "\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n"),
        VG_STR_INIT("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\n\nabc"),
        VG_STR_INIT("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n"),
        VG_STR_INIT("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n"),
        VG_STR_INIT("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n"),
        VG_STR_INIT("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++)
        expect(f, cases[i], "HTTP/1.1 400 Bad Request\r\n",
               "Content-Length: 0\r\nConnection: close\r\n\r\n");
    assert_int_equal(atomic_load(&f->n_handled), before);
}

static void
malformed_chunks_end_the_connection(void **state)
{
    struct fixture *f = *state;
    static const struct vg_str bodies[] = {
        VG_STR_INIT("3\nabc\n0\n\n"),
        VG_STR_INIT("3\r\nabcdef\r\n0\r\n\r\n"),
        VG_STR_INIT("fffffffffffffffffff\r\nabc"),
        VG_STR_INIT("0x3\r\nabc\r\n0\r\n\r\n"),
        VG_STR_INIT("0\r\n\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n"),
    };
    for (size_t i = 0; i < VG_COUNT(bodies); i++) {
        vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
        struct vg_str request = vg_str_cat(
            arena, VG_STR("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"),
            bodies[i]);
        expect(f, request, "HTTP/1.1 400 Bad Request\r\n", "Connection: close\r\n\r\nbad");
    }
}

static void
continue_is_sent_at_the_first_read(void **state)
{
    struct fixture *f = *state;
    struct client c;
    client_open(&c, f);
    client_send(&c, VG_STR("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                           "Content-Length: 3\r\n\r\n"));
    assert_true(client_read(&c, VG_STR("HTTP/1.1 100 Continue\r\n\r\n")));
    client_send(&c, VG_STR("abc"));
    assert_true(client_read(&c, VG_STR("\r\n\r\nabc")));
    assert_int_equal(vg_str_find(vg_buf_str(&c.got), VG_STR("Connection: close")), VG_NPOS);
    client_close(&c);
    /* An empty body is read too: botocore goes astray where no 100 comes. */
    client_open(&c, f);
    client_send(&c, VG_STR("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                           "Content-Length: 0\r\n\r\n"));
    assert_true(client_read(&c, VG_STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")));
    assert_int_equal(vg_str_find(vg_buf_str(&c.got), VG_STR("Connection: close")), VG_NPOS);
    client_close(&c);
    /* RFC 9110, 10.1.1: it may be left out once some of the body has come. */
    client_open(&c, f);
    client_send(&c, VG_STR("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                           "Content-Length: 3\r\n\r\nab"));
    client_send(&c, VG_STR("c"));
    assert_true(client_read(&c, VG_STR("\r\n\r\nabc")));
    assert_int_equal(vg_str_find(vg_buf_str(&c.got), VG_STR("100 Continue")), VG_NPOS);
    client_close(&c);
    /* A handler that does not read: no 100, and the connection ends, for the body may come. */
    expect(f,
           VG_STR("POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                  "Content-Length: 3\r\n\r\n"),
           "HTTP/1.1 200 OK\r\n", "Connection: close\r\n\r\nPOST /a 3");
}

static void
too_long_a_body_is_told_and_drained(void **state)
{
    struct fixture *f = *state;
    expect(f, VG_STR("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n"),
           "HTTP/1.1 413 Content Too Large\r\n", "Connection: close\r\n\r\nbad");
    struct client c;
    client_open(&c, f);
    client_send(&c, VG_STR("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 12000000\r\n\r\n"));
    static char block[12000000];                     /* over the 10 MB of an HTTP API */
    client_send(&c, vg_str_n(block, sizeof(block))); /* no reset while it is being sent */
    assert_true(client_read(&c, VG_STR("bad")));
    client_close(&c);
}

static void
an_unread_body_is_skipped(void **state)
{
    struct fixture *f = *state;
    expect(f,
           VG_STR("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde"
                  "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "5\r\nabcde\r\n0\r\n\r\nGET /c HTTP/1.1\r\n" CLOSE "\r\n"),
           "HTTP/1.1 200 OK\r\n", "GET /c 2");
}

static void
large_bodies_stream_both_ways(void **state)
{
    struct fixture *f = *state;
    const size_t size = LARGE_BYTES;
    char *body = malloc(size);
    for (size_t i = 0; i < size; i++)
        body[i] = (char)(i * 7 % 251);
    static const char *const paths[] = { "/echo", "/stream" };
    for (int chunked = 0; chunked < 2; chunked++)
        for (int p = 0; p < 2; p++) {
            struct client c;
            client_open(&c, f);
            pid_t child = fork(); /* sends while we read */
            if (child == 0) {
                char head[200];
                int n = snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\n" CLOSE, paths[p]);
                client_send(&c, vg_str_n(head, (size_t)n));
                if (chunked)
                    n = snprintf(head, sizeof(head), "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
                                 size);
                else
                    n = snprintf(head, sizeof(head), "Content-Length: %zu\r\n\r\n", size);
                client_send(&c, vg_str_n(head, (size_t)n));
                client_send(&c, vg_str_n(body, size));
                if (chunked)
                    client_send(&c, VG_STR("\r\n0\r\n\r\n"));
                _exit(0);
            }
            assert_true(client_read(&c, VG_STR_NONE));
            struct vg_str got = vg_buf_str(&c.got);
            assert_true(got.len > size);
            if (!chunked || p == 0)
                assert_memory_equal(got.ptr + got.len - size, body, size);
            else
                assert_true(vg_str_ends(got, VG_STR("\r\n0\r\n\r\n")));
            client_close(&c);
        }
    free(body);
}

static void
a_slow_reader_is_waited_for(void **state)
{
    struct fixture *f = *state;
    struct client c;
    client_open(&c, f);
    client_send(&c, VG_STR("GET /much HTTP/1.1\r\n" CLOSE "\r\n"));
    usleep(50000);
    assert_true(client_read(&c, VG_STR_NONE));
    assert_true(c.got.len > 10000000);
    client_close(&c);
}

static bool
becomes(atomic_int *v, int want)
{
    for (int i = 0; i < 1000 && atomic_load(v) != want; i++)
        usleep(2000);
    return atomic_load(v) == want;
}

static void
a_client_that_leaves_ends_the_wait(void **state)
{
    struct fixture *f = *state;
    atomic_store(&f->n_gone, 0);
    for (int how = 0; how < 3; how++) {
        struct client c;
        client_open(&c, f);
        client_send(&c, VG_STR("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_true(becomes(&f->n_waiting, 1));
        struct linger reset = { .l_onoff = 1, .l_linger = 0 };
        if (how == 1)
            setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        if (how == 2) { /* only half: the reply is still sent */
            shutdown(c.fd, SHUT_WR);
            assert_true(client_read(&c, VG_STR_NONE));
            assert_true(vg_str_ends(vg_buf_str(&c.got), VG_STR("\r\n\r\nwaited")));
        }
        client_close(&c);
        assert_true(becomes(&f->n_gone, how + 1));
    }
}

static void
a_half_closed_client_gets_its_reply(void **state)
{
    struct fixture *f = *state;
    struct client c;
    client_open(&c, f);
    client_send(&c, VG_STR("GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n"));
    shutdown(c.fd, SHUT_WR);
    assert_true(client_read(&c, VG_STR_NONE));
    assert_int_equal(count(vg_buf_str(&c.got), VG_STR("HTTP/1.1 200 OK")), 2);
    client_close(&c);
}

static void
headers_cannot_be_injected(void **state)
{
    struct fixture *f = *state;
    expect(f, VG_STR("GET /inject HTTP/1.1\r\n" CLOSE "\r\n"),
           "HTTP/1.1 500 Internal Server Error\r\n",
           "Content-Length: 0\r\nConnection: close\r\n\r\n");
}

static void
a_reply_cut_short_ends_the_connection(void **state)
{
    struct fixture *f = *state;
    expect(f, VG_STR("GET /short HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 200 OK\r\n",
           "Content-Length: 10\r\n\r\n");
}

static void
note_closed(void *arg)
{
    struct fixture *f = arg;
    atomic_store(&f->is_listener_closed, 1);
}

static void
a_listener_can_be_closed(void **state)
{
    struct fixture *f = *state;
    struct vg_err err;
    const struct vg_listener *main_listener = f->listener, *l;
    assert_ok(vg_http_listen(f->server, VG_STR("127.0.0.1"), 0, NULL, VG_TRUST_LOOPBACK,
                             &f->listener_ctx, &l, &err));
    f->listener = l;
    struct client idle, busy;
    client_open(&idle, f);
    client_open(&busy, f);
    client_send(&idle, VG_STR("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(client_read(&idle, VG_STR("GET /a")));
    client_send(&busy, VG_STR("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(becomes(&f->n_waiting, 1));
    vg_http_listener_close(f->server, l, note_closed, f);
    assert_true(client_read(&idle, VG_STR_NONE));
    usleep(10000);
    assert_false(atomic_load(&f->is_listener_closed));
    client_close(&busy);
    assert_true(becomes(&f->is_listener_closed, 1));
    client_close(&idle);
    f->listener = main_listener;
    expect(f, VG_STR("GET /a HTTP/1.1\r\n" CLOSE "\r\n"), "HTTP/1.1 200 OK", "GET /a 2");
}

static void
addresses_in_use_are_an_error(void **state)
{
    struct fixture *f = *state;
    struct vg_err err;
    const struct vg_listener *l;
    assert_int_equal(vg_http_listen(f->server, VG_STR("127.0.0.1"), f->listener->port, NULL,
                                    VG_TRUST_LOOPBACK, NULL, &l, &err),
                     VG_FAIL);
    assert_int_equal(err.os_errno, EADDRINUSE);
    assert_int_equal(
        vg_http_listen(f->server, VG_STR("localhost"), 0, NULL, VG_TRUST_LOOPBACK, NULL, &l, &err),
        VG_FAIL);
    assert_ok(vg_http_listen(f->server, VG_STR("::1"), 0, NULL, VG_TRUST_LOOPBACK, NULL, &l, &err));
}

static void
many_connections_come_and_go(void **state)
{
    struct fixture *f = *state;
    static struct client c[300];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 300; i++) {
            client_open(&c[i], f);
            client_send(&c[i], VG_STR("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"));
        }
        for (int i = 0; i < 300; i++) {
            assert_true(client_read(&c[i], VG_STR("GET /a 1")));
            client_close(&c[i]);
        }
    }
}

static void
a_stop_answers_what_runs(void **state)
{
    struct fixture *f = *state;
    f->finish_ms = 300;
    struct client slow, waiting, idle;
    client_open(&slow, f);
    client_open(&waiting, f);
    client_open(&idle, f);
    client_send(&waiting, VG_STR("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(becomes(&f->n_waiting, 1));
    client_send(&slow, VG_STR("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
    client_send(&idle, VG_STR("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(client_read(&idle, VG_STR("GET /a 1")));
    stop(f);
    assert_true(client_read(&slow, VG_STR("\r\n\r\nslow")));
    assert_true(client_read(&waiting, VG_STR("\r\n\r\nwaited")));
    assert_true(client_read(&idle, VG_STR_NONE));
    client_close(&slow);
    client_close(&waiting);
    client_close(&idle);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_gets_its_reply),
        cmocka_unit_test(head_gets_no_body),
        cmocka_unit_test(a_handler_learns_what_was_sent),
        cmocka_unit_test(http_1_0_closes_unless_asked),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(bytes_one_by_one_are_a_request_too),
        cmocka_unit_test(smuggling_is_refused_on_the_wire),
        cmocka_unit_test(malformed_chunks_end_the_connection),
        cmocka_unit_test(continue_is_sent_at_the_first_read),
        cmocka_unit_test(too_long_a_body_is_told_and_drained),
        cmocka_unit_test(an_unread_body_is_skipped),
        cmocka_unit_test(large_bodies_stream_both_ways),
        cmocka_unit_test(a_slow_reader_is_waited_for),
        cmocka_unit_test(a_client_that_leaves_ends_the_wait),
        cmocka_unit_test(a_half_closed_client_gets_its_reply),
        cmocka_unit_test(headers_cannot_be_injected),
        cmocka_unit_test(a_reply_cut_short_ends_the_connection),
        cmocka_unit_test(a_listener_can_be_closed),
        cmocka_unit_test(addresses_in_use_are_an_error),
        cmocka_unit_test(many_connections_come_and_go),
        cmocka_unit_test(a_stop_answers_what_runs), /* last: it stops the server */
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
