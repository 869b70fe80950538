/* SPDX-License-Identifier: Apache-2.0 */
/* Our client against our server, over TLS too, and against servers that misbehave. RFC 9110, 9112.
 */
#include "base/test.h"
#include "http/client.h"
#include "http/server.h"
#include "http/tls.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "os/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef VG_RARE_PATHS
#define BLOCK_BYTES 300 /* they come one at a time */
#define BIG_BYTES   5000
#else
#define BLOCK_BYTES 30000
#define BIG_BYTES   500000
#endif

struct fixture {
    struct vg_loop *loop, *client_loop;
    pthread_t thread;
    struct vg_http_server *server;
    const struct vg_listener *plain, *secure;
    struct vg_tls *tls;
    struct vg_http_client *client, *trustless;
    struct vg_arena *arena;
    struct vg_err err;
    char dir[40];
    void (*test)(struct fixture *f);
    atomic_int n_handled;
};

/* --- the server --- */

static vg_rc
echo(struct vg_http_req *req)
{
    struct vg_err err;
    struct vg_str body;
    if (vg_http_body_read_all(req, 8 << 20, &body, &err) != VG_OK)
        return VG_FAIL;
    const struct vg_http_header headers[] = {
        { VG_STR("X-Host"), req->host },
        { VG_STR("X-Scheme"), req->scheme },
        { VG_STR("X-Target"), req->target },
        { VG_STR("X-Length"), vg_str_fmt(req->arena, "%lld", (long long)req->content_length) },
        { VG_STR("X-Version"), vg_http_tls_version(req) },
        { VG_STR("X-Cipher"), vg_http_tls_cipher(req) },
    };
    bool is_tls = req->listener->is_tls;
    return vg_http_reply(req, 200, headers, VG_COUNT(headers) - (is_tls ? 0 : 2), body);
}

static vg_rc
chunked(struct vg_http_req *req)
{
    vg_rc rc = vg_http_reply_begin(req, 200, NULL, 0, -1);
    for (int i = 0; i < 100 && rc == VG_OK; i++)
        rc = vg_http_reply_write(req, vg_str_fmt(req->arena, "part %d;", i));
    return rc == VG_OK ? vg_http_reply_end(req) : rc;
}

static void
handle(struct vg_http_req *req)
{
    struct fixture *f = req->ctx;
    atomic_fetch_add(&f->n_handled, 1);
    vg_rc rc = VG_OK;
    if (vg_str_eq(req->path, VG_STR("/chunked")))
        rc = chunked(req);
    else if (vg_str_eq(req->path, VG_STR("/slow")))
        vg_fiber_sleep(5000);
    else if (vg_str_eq(req->path, VG_STR("/close"))) {
        vg_http_close_after(req);
        rc = vg_http_reply(req, 404, NULL, 0, VG_STR("bye"));
    } else if (vg_str_eq(req->path, VG_STR("/port")))
        rc = vg_http_remote(req, &(uint16_t) { 0 }).len ? VG_OK : VG_FAIL;
    else
        rc = echo(req);
    if (vg_str_eq(req->path, VG_STR("/port"))) {
        uint16_t port;
        (void)vg_http_remote(req, &port);
        rc = vg_http_reply(req, 200, NULL, 0, vg_str_fmt(req->arena, "%u", port));
    }
    (void)rc;
}

static void *
loop_thread(void *loop)
{
    vg_loop_run(loop);
    return NULL;
}

static int
set_up(void **state)
{
    struct fixture *f = vg_xalloc(sizeof(*f));
    f->arena = vg_arena_new(0);
    strcpy(f->dir, "/tmp/vg-http-test-XXXXXX");
    if (mkdtemp(f->dir) == NULL)
        return -1;
    f->loop = vg_loop_new(0);
    struct vg_http_config config = { .loops = &f->loop, .n_loops = 1, .handler = handle, .ctx = f };
    f->server = vg_http_server_new(&config);
    struct vg_tls_config tls = { .dir = vg_str_of(f->dir) };
    assert_ok(vg_tls_new(&tls, &f->tls, &f->err));
    assert_ok(vg_http_listen(f->server, VG_STR("127.0.0.1"), 0, NULL, VG_TRUST_LOOPBACK, NULL,
                             &f->plain, &f->err));
    assert_ok(vg_http_listen(f->server, VG_STR("127.0.0.1"), 0, f->tls, VG_TRUST_LOOPBACK, NULL,
                             &f->secure, &f->err));
    struct vg_http_client_config trusting = { .ca_file = vg_tls_ca_file(f->tls) };
    struct vg_http_client_config plain = { .ca_file = VG_STR_NONE };
    assert_ok(vg_http_client_new(&trusting, &f->client, &f->err));
    assert_ok(vg_http_client_new(&plain, &f->trustless, &f->err));
    *state = f;
    return pthread_create(&f->thread, NULL, loop_thread, f->loop);
}

static void
stop_fiber(void *arg)
{
    struct fixture *f = arg;
    vg_http_server_stop(f->server, 100);
    vg_loop_stop(f->loop);
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    vg_fiber_start(f->loop, stop_fiber, f);
    pthread_join(f->thread, NULL);
    vg_http_server_free(f->server);
    vg_loop_free(f->loop);
    vg_http_client_free(f->client);
    vg_http_client_free(f->trustless);
    vg_tls_free(f->tls);
    vg_arena_free(f->arena);
    int rc = vg_dir_remove(vg_str_of(f->dir), &f->err);
    free(f);
    return rc;
}

/* Each test runs on a fiber of a loop of this thread. */
static void
test_fiber(void *arg)
{
    struct fixture *f = arg;
    f->test(f);
    vg_http_client_stop(f->client);
    vg_http_client_stop(f->trustless);
    vg_loop_stop(f->client_loop);
}

static void
run(void **state, void (*test)(struct fixture *f))
{
    struct fixture *f = *state;
    f->test = test;
    f->client_loop = vg_loop_new(1);
    vg_fiber_start(f->client_loop, test_fiber, f);
    vg_loop_run(f->client_loop);
    vg_loop_free(f->client_loop);
}

static struct vg_http_call
call_to(struct fixture *f, const char *method, const char *target)
{
    return (struct vg_http_call) {
        .method = vg_str_of(method),
        .host = VG_STR("127.0.0.1"),
        .port = f->plain->port,
        .target = vg_str_of(target),
        .deadline_ms = vg_mono_ms() + 5000,
    };
}

static struct vg_str
header_of(const struct vg_http_reply_head *h, const char *name)
{
    for (size_t i = 0; i < h->n_headers; i++)
        if (vg_str_eq_nocase(h->headers[i].name, vg_str_of(name)))
            return h->headers[i].value;
    return VG_STR_NONE;
}

/* --- the tests --- */

static void
whole(struct fixture *f)
{
    struct vg_http_reply_head head;
    struct vg_str body;
    struct vg_http_call call = call_to(f, "POST", "/a%20b?c=d");
    const struct vg_http_header headers[] = { { VG_STR("X-A"), VG_STR("b") } };
    call.headers = headers;
    call.n_headers = 1;
    call.body = VG_STR("hello");
    assert_ok(vg_http_fetch(f->client, f->arena, &call, 100, &head, &body, &f->err));
    assert_int_equal(head.status, 200);
    assert_str(body, "hello");
    assert_str(header_of(&head, "x-target"), "/a%20b?c=d");
    assert_true(vg_str_starts(header_of(&head, "X-Host"), VG_STR("127.0.0.1:")));
    assert_int_equal(head.content_length, 5);

    call = call_to(f, "GET", "/chunked");
    assert_ok(vg_http_fetch(f->client, f->arena, &call, 10000, &head, &body, &f->err));
    assert_int_equal(head.content_length, -1);
    assert_true(vg_str_ends(body, VG_STR("part 98;part 99;")));

    call = call_to(f, "HEAD", "/chunked");
    assert_ok(vg_http_fetch(f->client, f->arena, &call, 10000, &head, &body, &f->err));
    assert_int_equal(body.len, 0);

    call = call_to(f, "GET", "/close");
    assert_ok(vg_http_fetch(f->client, f->arena, &call, 3, &head, &body, &f->err));
    assert_int_equal(head.status, 404);
    assert_str(body, "bye");
    assert_int_equal(vg_http_fetch(f->client, f->arena, &call, 2, &head, &body, &f->err), VG_FAIL);
    assert_int_equal(f->err.os_errno, EFBIG);
}

static void
a_whole_exchange(void **state)
{
    run(state, whole);
}

static void
kept(struct fixture *f)
{
    struct vg_http_reply_head head;
    struct vg_str first, body;
    struct vg_http_call call = call_to(f, "GET", "/port");
    assert_ok(vg_http_fetch(f->client, f->arena, &call, 100, &head, &first, &f->err));
    for (int i = 0; i < 10; i++) {
        assert_ok(vg_http_fetch(f->client, f->arena, &call, 100, &head, &body, &f->err));
        assert_true(vg_str_eq(first, body));
    }
}

static void
connections_are_used_again(void **state)
{
    run(state, kept);
}

static void
streamed(struct fixture *f)
{
    struct vg_http_reply_head head;
    struct vg_http_exchange *x;
    for (int chunks = 0; chunks < 2; chunks++) {
        struct vg_http_call call = call_to(f, "PUT", "/up");
        call.is_streamed = true;
        call.content_length = chunks ? -1 : 100 * BLOCK_BYTES;
        assert_ok(vg_http_exchange_begin(f->client, f->arena, &call, &x, &f->err));
        static char block[BLOCK_BYTES];
        for (int i = 0; i < 100; i++) {
            memset(block, i, sizeof(block));
            assert_ok(vg_http_exchange_write(x, vg_str_n(block, sizeof(block)), &f->err));
        }
        assert_ok(vg_http_exchange_reply(x, &head, &f->err));
        if (chunks)
            assert_str(header_of(&head, "x-length"), "-1");
        else
            assert_true(vg_str_eq(header_of(&head, "x-length"),
                                  vg_str_fmt(f->arena, "%d", 100 * BLOCK_BYTES)));
        size_t n = 0;
        struct vg_str part;
        do {
            assert_ok(vg_http_exchange_read(x, &part, &f->err));
            for (size_t i = 0; i < part.len; i++)
                if (part.ptr[i] != (char)((n + i) / sizeof(block)))
                    fail_msg("wrong byte at %zu", n + i);
            n += part.len;
        } while (part.len);
        assert_int_equal(n, 100 * BLOCK_BYTES);
        vg_http_exchange_end(x);
    }
}

static void
bodies_stream_both_ways(void **state)
{
    run(state, streamed);
}

static void
secure(struct fixture *f)
{
    struct vg_http_reply_head head;
    struct vg_str body;
    struct vg_http_call call = call_to(f, "POST", "/");
    call.is_tls = true;
    call.port = f->secure->port;
    char *big = vg_arena_alloc(f->arena, BIG_BYTES);
    memset(big, 'x', BIG_BYTES);
    call.body = vg_str_n(big, BIG_BYTES);
    const char *hosts[] = { "127.0.0.1", "localhost" }; /* by address, and by name (SNI) */
    for (int i = 0; i < 2; i++)
        for (int again = 0; again < 3; again++) {
            call.host = vg_str_of(hosts[i]);
            if (vg_http_fetch(f->client, f->arena, &call, 1 << 20, &head, &body, &f->err) != VG_OK)
                fail_msg("%s: %s", hosts[i], f->err.msg);
            assert_str(header_of(&head, "x-scheme"), "https");
            assert_str(header_of(&head, "x-version"), "1.3");
            assert_true(vg_str_starts(header_of(&head, "x-cipher"), VG_STR("TLS_")));
            assert_true(vg_str_eq(body, call.body));
        }
    /* Without our authority among the trusted, nothing is sent. */
    int before = atomic_load(&f->n_handled);
    assert_int_equal(vg_http_fetch(f->trustless, f->arena, &call, 1 << 20, &head, &body, &f->err),
                     VG_FAIL);
    assert_int_equal(f->err.os_errno, EPROTO);
    assert_true(vg_str_find(vg_err_text(&f->err), VG_STR("certificate")) != VG_NPOS);
    assert_int_equal(atomic_load(&f->n_handled), before);
    /* Plain bytes to a TLS port are no request either; whatever the method, it is said in plain. */
    call.is_tls = false;
    const char *methods[] = { "GET", "POST", "DELETE", "PATCH", "OPTIONS" };
    for (size_t i = 0; i < VG_COUNT(methods); i++) {
        call.method = vg_str_of(methods[i]);
        call.body = VG_STR("");
        assert_ok(vg_http_fetch(f->client, f->arena, &call, 1 << 20, &head, &body, &f->err));
        assert_int_equal(head.status, 400);
        assert_true(vg_str_find(body, VG_STR("https://")) != VG_NPOS);
    }
    assert_int_equal(atomic_load(&f->n_handled), before);
}

static void
tls_is_verified(void **state)
{
    run(state, secure);
}

static void
deadline(struct fixture *f)
{
    struct vg_http_reply_head head;
    struct vg_str body;
    struct vg_http_call call = call_to(f, "GET", "/slow");
    int64_t t0 = vg_mono_ms();
    call.deadline_ms = t0 + 50;
    assert_int_equal(vg_http_fetch(f->client, f->arena, &call, 100, &head, &body, &f->err),
                     VG_FAIL);
    assert_int_equal(f->err.os_errno, ETIMEDOUT);
    assert_in_range(vg_mono_ms() - t0, 50, 1000);
    vg_fiber_cancel(vg_fiber_self());
    call.deadline_ms = t0 + 5000;
    assert_int_equal(vg_http_fetch(f->client, f->arena, &call, 100, &head, &body, &f->err),
                     VG_GONE);
}

static void
deadlines_and_cancels_end_it(void **state)
{
    run(state, deadline);
}

static void
refused(struct fixture *f)
{
    struct vg_http_reply_head head;
    struct vg_str body;
    struct vg_http_call call = call_to(f, "GET", "/");
    call.port = 1;
    assert_int_equal(vg_http_fetch(f->client, f->arena, &call, 100, &head, &body, &f->err),
                     VG_FAIL);
    assert_int_equal(f->err.os_errno, ECONNREFUSED);
    call.host = VG_STR("no-such-host.invalid"); /* RFC 6761 */
    assert_int_equal(vg_http_fetch(f->client, f->arena, &call, 100, &head, &body, &f->err),
                     VG_FAIL);
    const struct vg_http_header bad[] = { { VG_STR("A"), VG_STR("b\r\nC: d") },
                                          { VG_STR("Content-Length"), VG_STR("3") } };
    for (int i = 0; i < 2; i++) {
        call = call_to(f, "GET", "/");
        call.headers = &bad[i];
        call.n_headers = 1;
        assert_int_equal(vg_http_fetch(f->client, f->arena, &call, 100, &head, &body, &f->err),
                         VG_FAIL);
        assert_int_equal(f->err.os_errno, EINVAL);
    }
    call = call_to(f, "GET", "/a b");
    assert_int_equal(vg_http_fetch(f->client, f->arena, &call, 100, &head, &body, &f->err),
                     VG_FAIL);
    assert_int_equal(f->err.os_errno, EINVAL);
}

static void
what_cannot_be_sent_fails(void **state)
{
    run(state, refused);
}

/* --- a server that says what we tell it, once a connection --- */

struct canned {
    int fd;
    uint16_t port;
    const struct vg_str *replies;
    size_t n;
};

static void *
canned_thread(void *arg)
{
    struct canned *c = arg;
    for (size_t i = 0; i < c->n; i++) {
        int fd = accept(c->fd, NULL, NULL);
        char in[2048];
        if (fd < 0 || recv(fd, in, sizeof(in), 0) <= 0)
            return NULL;
        for (size_t at = 0; at < c->replies[i].len; at++) { /* one byte at a time */
            if (send(fd, c->replies[i].ptr + at, 1, MSG_NOSIGNAL) != 1)
                break;
            if (at % 8 == 0)
                usleep(200);
        }
        close(fd);
    }
    return NULL;
}

static const struct {
    struct vg_str reply;
    int status; /* 0: refused */
    const char *body;
} canned_cases[] = {
    { VG_STR_INIT("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"), 200,
      "abc" },
    { VG_STR_INIT("HTTP/1.1 200\r\n\r\nto the end"), 200, "to the end" },
    { VG_STR_INIT("HTTP/1.0 404 Not\r\n\r\n"), 404, "" },
    { VG_STR_INIT("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\n"
                  "HTTP/1.1 201 X\r\nConnection: close\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
      201, "a" },
    { VG_STR_INIT("HTTP/1.1 204 X\r\nConnection: close\r\nContent-Length: 3\r\n\r\n"), 204, "" },
    { VG_STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc"), 0, "" },
    { VG_STR_INIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), 0, "" },
    { VG_STR_INIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nabc\r\n"), 0, "" },
    { VG_STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), 0, "" },
    { VG_STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc"),
      0, "" },
    { VG_STR_INIT("HTTP/1.1 200 OK\nContent-Length: 3\n\nabc"), 0, "" },
    { VG_STR_INIT("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), 0, "" },
    { VG_STR_INIT("HTTP/1.1 2000 OK\r\n\r\n"), 0, "" },
    { VG_STR_INIT("HTTP/2.0 200 OK\r\n\r\n"), 0, "" },
    { VG_STR_INIT("SSH-2.0-x\r\n"), 0, "" },
    { VG_STR_INIT("\r\nHTTP/1.1 200 OK\r\n\r\n"), 0, "" },
    { VG_STR_INIT(""), 0, "" },
};

static void
misbehaving(struct fixture *f)
{
    struct vg_str replies[VG_COUNT(canned_cases)];
    for (size_t i = 0; i < VG_COUNT(canned_cases); i++)
        replies[i] = canned_cases[i].reply;
    struct canned c = { .replies = replies, .n = VG_COUNT(canned_cases) };
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    c.fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(c.fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(c.fd, 5), 0);
    getsockname(c.fd, (struct sockaddr *)&at, &len);
    pthread_t thread;
    pthread_create(&thread, NULL, canned_thread, &c);
    for (size_t i = 0; i < VG_COUNT(canned_cases); i++) {
        struct vg_http_reply_head head;
        struct vg_str body;
        struct vg_http_call call = call_to(f, "POST", "/"); /* never sent twice */
        call.port = ntohs(at.sin_port);
        vg_rc rc = vg_http_fetch(f->client, f->arena, &call, 100, &head, &body, &f->err);
        if ((rc == VG_OK) != (canned_cases[i].status != 0))
            fail_msg("case %zu: rc %d (%s)", i, rc, f->err.msg);
        if (rc != VG_OK)
            continue;
        assert_int_equal(head.status, canned_cases[i].status);
        assert_true(vg_str_eq(body, vg_str_of(canned_cases[i].body)));
    }
    pthread_join(thread, NULL);
    close(c.fd);
}

static void
replies_to_rely_on_or_none(void **state)
{
    run(state, misbehaving);
}

/* --- TLS files --- */

static void
the_authority_outlives_a_restart(void **state)
{
    struct fixture *f = *state;
    struct vg_tls_config config = { .dir = vg_str_of(f->dir) };
    struct vg_str before, after, key = vg_str_fmt(f->arena, "%s/ca.key", f->dir);
    struct vg_tls *tls;
    assert_ok(vg_file_read(f->arena, vg_tls_ca_file(f->tls), 9999, &before, &f->err));
    assert_ok(vg_tls_new(&config, &tls, &f->err));
    assert_ok(vg_file_read(f->arena, vg_tls_ca_file(tls), 9999, &after, &f->err));
    vg_tls_free(tls);
    assert_true(vg_str_eq(before, after));
    /* As one's own certificate the authority's serves as well as another. */
    config.cert_file = vg_tls_ca_file(f->tls);
    config.key_file = key;
    assert_ok(vg_tls_new(&config, &tls, &f->err));
    vg_tls_free(tls);
    config.key_file = VG_STR("/dev/null");
    assert_int_equal(vg_tls_new(&config, &tls, &f->err), VG_FAIL);
    config.cert_file = VG_STR("/does/not/exist");
    assert_int_equal(vg_tls_new(&config, &tls, &f->err), VG_FAIL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_exchange),
        cmocka_unit_test(connections_are_used_again),
        cmocka_unit_test(bodies_stream_both_ways),
        cmocka_unit_test(tls_is_verified),
        cmocka_unit_test(deadlines_and_cancels_end_it),
        cmocka_unit_test(what_cannot_be_sent_fails),
        cmocka_unit_test(replies_to_rely_on_or_none),
        cmocka_unit_test(the_authority_outlives_a_restart),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
