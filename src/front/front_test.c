/* SPDX-License-Identifier: Apache-2.0 */

/* A table of made-up operations that stream, behind the front door and a real socket. */

#include "auth/sigv4_int.h"
#include "base/limits.h"
#include "base/test.h"
#include "clock/clock.h"
#include "core/body.h"
#include "core/call.h"
#include "core/done.h"
#include "core/env.h"
#include "core/fail.h"
#include "core/hooks.h"
#include "core/registry.h"
#include "core/reply.h"
#include "crypto/random.h"
#include "front/front.h"
#include "http/server.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "wire/wire.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the operations ----------------------------------------------------------------------------
 */

struct put_in {
    struct vg_str key, encoding, body;
};
struct copy_in {
    struct put_in put;
    struct vg_str from;
};
struct put_out {
    struct vg_str etag, trailer, length, body;
};

static const struct vg_shape str_shape = { .type = VG_T_STR, .size = sizeof(struct vg_str) };
static const struct vg_shape blob_shape = { .type = VG_T_BLOB, .size = sizeof(struct vg_str) };

#define MEMBER(T, m, n, sh, l, f)                                                                  \
    {                                                                                              \
        .name = VG_STR_INIT(n), .wire = VG_STR_INIT(n), .shape = &(sh), .offset = offsetof(T, m),  \
        .loc = (l), .flags = (f)                                                                   \
    }
static const struct vg_member in_members[] = {
    MEMBER(struct put_in, key, "Key", str_shape, VG_LOC_URI, VG_MEMBER_REQUIRED),
    MEMBER(struct put_in, encoding, "Content-Encoding", str_shape, VG_LOC_HEADER, 0),
    MEMBER(struct put_in, body, "Body", blob_shape, VG_LOC_PAYLOAD, VG_MEMBER_STREAMING),
};
static const struct vg_member copy_members[] = {
    MEMBER(struct put_in, key, "Key", str_shape, VG_LOC_URI, VG_MEMBER_REQUIRED),
    MEMBER(struct copy_in, from, "x-copy-from", str_shape, VG_LOC_HEADER, VG_MEMBER_REQUIRED),
};
static const struct vg_member out_members[] = {
    MEMBER(struct put_out, etag, "ETag", str_shape, VG_LOC_HEADER, 0),
    MEMBER(struct put_out, trailer, "x-trailer", str_shape, VG_LOC_HEADER, 0),
    MEMBER(struct put_out, length, "Content-Length", str_shape, VG_LOC_HEADER, 0),
    MEMBER(struct put_out, body, "Body", blob_shape, VG_LOC_PAYLOAD, VG_MEMBER_STREAMING),
};
static const struct vg_shape in_shape = { .type = VG_T_STRUCT,
                                          .size = sizeof(struct put_in),
                                          .members = in_members,
                                          .n_members = 3,
                                          .payload = 3 };
static const struct vg_shape copy_shape = {
    .type = VG_T_STRUCT, .size = sizeof(struct copy_in), .members = copy_members, .n_members = 2
};
static const struct vg_shape out_shape = { .type = VG_T_STRUCT,
                                           .size = sizeof(struct put_out),
                                           .members = out_members,
                                           .n_members = 4,
                                           .payload = 4 };

/* Its answer says what it read: length, MD5, trailer, and what is left of Content-Encoding. */
static vg_rc
put_streamed(struct vg_req *rq, const void *input, void *output)
{
    const struct put_in *in = input;
    struct put_out *out = output;
    struct vg_hash md5;
    uint8_t digest[VG_HASH_MAX_BYTES];
    int64_t n = 0;
    if (vg_str_eq(in->key, VG_STR("refused")))
        return vg_fail_access_denied(rq, VG_STR("not here"));
    if (vg_str_eq(in->key, VG_STR("unread")))
        return VG_OK;
    vg_hash_init(&md5, VG_HASH_MD5);
    for (;;) {
        struct vg_str part;
        vg_rc rc = vg_body_read(rq, &part);
        if (rc != VG_OK)
            return rc;
        if (part.len == 0)
            break;
        vg_hash_add(&md5, part);
        n += (int64_t)part.len;
    }
    assert_true(vg_body_length(rq) < 0 || vg_body_length(rq) == n);
    vg_hash_end(&md5, digest);
    out->etag = vg_hex(rq->arena, digest, VG_MD5_BYTES);
    out->trailer = vg_body_trailer(rq, VG_STR("x-amz-checksum-crc32"));
    assert_true(!out->trailer.ptr
                || vg_str_eq(vg_body_announced(rq), VG_STR("x-amz-checksum-crc32")));
    out->body = vg_str_fmt(rq->arena, "%lld [%" VG_FMT "]", (long long)n,
                           VG_ARG(in->encoding.ptr ? in->encoding : VG_STR("-")));
    return VG_OK;
}

/* The same of a body that is there as a whole. */
static vg_rc
put_whole(struct vg_req *rq, const void *input, void *output)
{
    const struct put_in *in = input;
    struct put_out *out = output;
    out->etag = vg_md5_hex(rq->arena, in->body);
    out->body = vg_str_fmt(rq->arena, "%zu", in->body.len);
    return VG_OK;
}

/* At the same place as put_streamed(), told apart by a header. */
static vg_rc
copy(struct vg_req *rq, const void *input, void *output)
{
    (void)rq;
    ((struct put_out *)output)->body = ((const struct copy_in *)input)->from;
    return VG_OK;
}

/* The key says what happens: its parts are sent one by one. */
static vg_rc
get_streamed(struct vg_req *rq, const void *input, void *output)
{
    struct vg_str key = ((const struct put_in *)input)->key, part = vg_str_cut(&key, '/');
    struct put_out *out = output;
    bool is_chunked = vg_str_eq(part, VG_STR("chunked"));
    if (rq->done) {
        rq->done->http->is_timed = true;
        rq->done->is_known = vg_str_eq(key, VG_STR("silent"));
    }
    vg_reply_header(rq, VG_STR("x-more"), VG_STR("1"));
    if (vg_str_eq(part, VG_STR("fail")))
        return vg_fail_access_denied(rq, VG_STR("not here"));
    if (vg_str_eq(part, VG_STR("status")))
        vg_reply_status(rq, 202);
    if (vg_str_eq(part, VG_STR("status")) || vg_str_eq(part, VG_STR("plain"))) {
        out->body = key;
        return VG_OK;
    }
    out->etag = VG_STR("tag");
    out->length = VG_STR("7"); /* what the framing says counts */
    if (vg_str_eq(part, VG_STR("length")))
        return VG_OK;
    vg_rc rc = vg_reply_begin(rq, out, vg_str_eq(part, VG_STR("range")) ? 206 : 0,
                              is_chunked ? -1 : (int64_t)key.len);
    for (size_t i = 0; i < key.len && rc == VG_OK; i++) {
        if (key.ptr[i] == '!')
            return vg_fail_access_denied(rq, VG_STR("too late"));
        rc = vg_reply_write(rq, vg_str_slice(key, i, i + 1));
    }
    return rc;
}

/* Calls the two others as services call each other: the payloads are in memory. */
static vg_rc call_both(struct vg_req *rq, const void *input, void *output);

static const struct vg_service fake_service;
static const struct vg_model fake_model = { .endpoint = VG_STR_INIT("fake"),
                                            .host = VG_STR_INIT("s3"),
                                            .signing_name = VG_STR_INIT("s3"),
                                            .protocol = VG_PROTO_REST_JSON };
static const struct vg_model other_model = { .endpoint = VG_STR_INIT("other"),
                                             .host = VG_STR_INIT("other"),
                                             .signing_name = VG_STR_INIT("other"),
                                             .protocol = VG_PROTO_REST_JSON };
static const struct vg_http_binding
    put_http = { .method = VG_STR_INIT("PUT"), .uri = VG_STR_INIT("/stream/{Key+}") },
    other_http = { .method = VG_STR_INIT("PUT"), .uri = VG_STR_INIT("/other/{Key+}") },
    whole_http = { .method = VG_STR_INIT("PUT"), .uri = VG_STR_INIT("/whole/{Key+}") },
    get_http = { .method = VG_STR_INIT("GET"), .uri = VG_STR_INIT("/stream/{Key+}") },
    head_http = { .method = VG_STR_INIT("HEAD"), .uri = VG_STR_INIT("/stream/{Key+}") },
    both_http = { .method = VG_STR_INIT("GET"), .uri = VG_STR_INIT("/both/{Key+}") };
#define ROW(n, h, b, f) ROW_OF(fake_model, n, h, b, f)
#define ROW_OF(m, n, h, b, f)                                                                      \
    {                                                                                              \
        .endpoint = VG_STR_INIT(#m), .name = VG_STR_INIT(n), .in = &in_shape, .out = &out_shape,   \
        .handler = (h), .flags = (f), .model = &(m), .http = &(b), .service = &fake_service        \
    }
static const struct vg_op put_op = ROW("PutStreamed", put_streamed, put_http,
                                       VG_OP_STREAM_IN | VG_OP_NOIAM | VG_OP_ANONYMOUS),
                          copy_op = { .endpoint = VG_STR_INIT("fake"),
                                      .name = VG_STR_INIT("Copy"),
                                      .in = &copy_shape,
                                      .out = &out_shape,
                                      .handler = copy,
                                      .flags = VG_OP_NOIAM,
                                      .model = &fake_model,
                                      .http = &put_http,
                                      .service = &fake_service },
                          whole_op = ROW("PutWhole", put_whole, whole_http, VG_OP_NOIAM),
                          get_op = ROW("GetStreamed", get_streamed, get_http,
                                       VG_OP_STREAM_OUT | VG_OP_NOIAM),
                          head_op = ROW("HeadStreamed", get_streamed, head_http,
                                        VG_OP_STREAM_OUT | VG_OP_NOIAM),
                          other_op = ROW_OF(other_model, "PutOther", put_streamed, other_http,
                                            VG_OP_STREAM_IN | VG_OP_NOIAM),
                          both_op = ROW("CallBoth", call_both, both_http, VG_OP_NOIAM);
static const struct vg_op *const fake_ops[] = { &put_op,  &whole_op, &get_op,  &head_op,
                                                &both_op, &other_op, &copy_op, NULL };
/* What came to an end since it was looked at last. */
static char told[1000];

static void
note_end(struct vg_req *rq, const struct vg_done *done)
{
    size_t n = strlen(told);
    assert_str(done->remote, "127.0.0.1");
    assert_false(done->tls_version.ptr || done->tls_cipher.ptr);
    assert_ptr_equal(done, rq->done);
    assert_true(!done->http->is_timed || done->http->replied_ms >= done->http->received_ms);
    snprintf(told + n, sizeof(told) - n, "%" VG_FMT " %" VG_FMT " %d %lld\n",
             VG_ARG(done->http->method), VG_ARG(done->path), done->http->status,
             (long long)done->http->sent_bytes);
}

static const struct vg_hooks fake_hooks = { .takes_any_path = true, .done = note_end };
static const struct vg_service fake_service = { .name = "fake",
                                                .ops = fake_ops,
                                                .hooks = &fake_hooks };

static vg_rc
add_piece(void *to, struct vg_str piece, struct vg_err *err)
{
    struct vg_buf *b = to;
    if (vg_str_eq(piece, VG_STR("~")))
        return vg_err_set(err, "no more room");
    vg_buf_adds(b, piece);
    return VG_OK;
}

static vg_rc
call_both(struct vg_req *rq, const void *input, void *output)
{
    const struct put_in *in = input;
    struct put_out *out = output, got = { 0 }, head = { 0 };
    struct vg_buf pieces;
    const struct vg_sink sink = { .write = add_piece, .to = &pieces };
    vg_buf_init(&pieces, rq->arena, 1000);
    vg_rc rc = vg_call_into(rq, NULL, &get_op, in, &head, &sink, rq->err);
    if (rc == VG_OK)
        rc = vg_call(rq, NULL, &get_op, in, &got, rq->err);
    if (rc != VG_OK)
        return rc;
    VG_ASSERT(vg_str_eq(vg_buf_str(&pieces), got.body) && vg_str_eq(head.etag, got.etag));
    const struct put_in put = { .key = VG_STR("a"), .body = got.body };
    struct put_out stored = { 0 };
    rc = vg_call(rq, NULL, &put_op, &put, &stored, rq->err);
    out->etag = stored.etag;
    out->body = vg_str_cat(rq->arena, got.body, stored.body);
    return rc;
}

/* --- the world ---------------------------------------------------------------------------------
 */

struct world {
    struct vg_env env;
    struct vg_config config;
    struct vg_arena *arena;
    struct vg_registry *registry;
    struct vg_front *front;
    struct vg_loop *loop;
    pthread_t thread;
    const struct vg_listener *listener;
};

static int64_t
clock_now(const void *clock)
{
    return vg_clock_now_ms(clock);
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
    static const struct vg_service *const services[] = { &fake_service };
    struct world *w = vg_xalloc(sizeof(*w));
    struct vg_err err = { 0 };
    struct vg_sess sess;
    w->arena = vg_arena_new(0);
    w->config = (struct vg_config) { .region = VG_STR("us-east-1"),
                                     .account = VG_STR("000000000000"),
                                     .partition = VG_STR("aws") };
    w->env.config = &w->config;
    w->loop = vg_loop_new(0);
    w->env.random = vg_random_new(1, NULL);
    w->env.patterns = vg_patterns_new();
    assert_ok(vg_kv_open_mem(&w->env.kv, &err));
    vg_sess_init(&sess, w->env.kv, w->arena);
    assert_ok(vg_clock_open(&sess, vg_wall_ms, &w->env.clock, &err));
    const struct vg_auth_options auth = { .account = w->config.account,
                                          .partition = w->config.partition,
                                          .root_key_id = VG_STR("test"),
                                          .root_secret = VG_STR("test"),
                                          .random = w->env.random,
                                          .now_ms = clock_now,
                                          .clock = w->env.clock };
    assert_ok(vg_auth_open(&auth, &sess, &w->env.auth, &err));
    w->registry = vg_registry_new(services, 1);
    w->env.registry = w->registry;
    assert_ok(vg_registry_init(w->registry, &w->env, &err));
    w->front = vg_front_new(&w->env);
    struct vg_http_config http = {
        .loops = &w->loop, .n_loops = 1, .handler = vg_front_handle, .ctx = w->front
    };
    w->env.http = vg_http_server_new(&http);
    assert_ok(vg_http_listen(w->env.http, VG_STR("127.0.0.1"), 0, NULL, VG_TRUST_LOOPBACK, NULL,
                             &w->listener, &err));
    pthread_create(&w->thread, NULL, loop_thread, w->loop);
    *state = w;
    return 0;
}

static void
stop_fiber(void *arg)
{
    struct world *w = arg;
    vg_http_server_stop(w->env.http, 0);
    vg_loop_stop(w->loop);
}

static int
tear_down(void **state)
{
    struct world *w = *state;
    vg_fiber_start(w->loop, stop_fiber, w);
    pthread_join(w->thread, NULL);
    vg_http_server_free(w->env.http);
    vg_loop_free(w->loop);
    vg_front_free(w->front);
    vg_registry_fini(w->registry);
    vg_registry_free(w->registry);
    vg_auth_close(w->env.auth);
    vg_clock_close(w->env.clock);
    vg_patterns_free(w->env.patterns);
    vg_random_free(w->env.random);
    vg_kv_close(w->env.kv);
    vg_arena_free(w->arena);
    free(w);
    return 0;
}

/* --- a client that signs -----------------------------------------------------------------------
 */

struct call {
    struct world *w;
    const char *method, *target;
    const char *service;        /* signing name; NULL: "s3" */
    const char *content_sha256; /* NULL: no such header; the request's own: HASH */
    const char *headers; /* "A: b\n…": further ones, unsigned unless they begin with x-amz-  */
    struct vg_str body;  /* of a chunked one: its data */
    size_t chunk;        /* bytes a chunk; 0: not chunked */
    const char *trailer; /* lines, of a chunked one */
    size_t break_at;     /* changes this byte of the body on the wire, counted from 1 */
    bool is_unsigned;
};

struct signing {
    struct vg_arena *arena;
    struct vg_sigv4 sig;
    uint8_t key[VG_SHA256_BYTES];
    struct vg_str previous;
};

static struct vg_str
hmac_hex(struct signing *s, struct vg_str text)
{
    uint8_t mac[VG_SHA256_BYTES];
    vg_hmac_sha256(vg_str_n(s->key, sizeof(s->key)), text, mac);
    return vg_hex(s->arena, mac, sizeof(mac));
}

static void
add_header(struct vg_sigv4_header *headers, size_t *n, const char *name, struct vg_str value)
{
    headers[(*n)++] = (struct vg_sigv4_header) { vg_str_of(name), value };
}

/* Signs all headers but `Authorization` and gives its value. */
static struct vg_str
sign_head(struct signing *s, const struct call *c, const struct vg_sigv4_header *headers, size_t n,
          struct vg_str hash)
{
    struct vg_sigv4_request rq = { .method = vg_str_of(c->method),
                                   .target = vg_str_of(c->target),
                                   .headers = headers,
                                   .n_headers = n };
    struct vg_str service = vg_str_of(c->service ? c->service : "s3");
    const struct vg_sigv4_rules rules = { .family = VG_AUTHN_S3, .is_s3_path = c->service == NULL };
    struct vg_buf names;
    vg_buf_init(&names, s->arena, 4096);
    for (size_t i = 0; i < n; i++)
        vg_buf_addf(&names, "%s%" VG_FMT, i ? ";" : "",
                    VG_ARG(vg_str_lower(s->arena, headers[i].name)));
    s->sig = (struct vg_sigv4) { .access_key_id = VG_STR("test"),
                                 .amz_date = vg_sigv4_time_text(s->arena, vg_wall_ms()),
                                 .region = VG_STR("us-east-1"),
                                 .service = service,
                                 .terminator = VG_STR("aws4_request"),
                                 .signed_headers = vg_buf_str(&names) };
    s->sig.date = vg_str_slice(s->sig.amz_date, 0, 8);
    vg_sigv4_signing_key(VG_STR("test"), s->sig.date, s->sig.region, s->sig.service, s->key);
    struct vg_str canonical = vg_sigv4_canonical(s->arena, &rq, &rules, &s->sig, hash);
    s->previous = hmac_hex(s, vg_sigv4_string_to_sign(s->arena, &s->sig, canonical));
    return vg_str_fmt(
        s->arena,
        "AWS4-HMAC-SHA256 Credential=test/%" VG_FMT "/us-east-1/%" VG_FMT "/aws4_request, "
        "SignedHeaders=%" VG_FMT ", Signature=%" VG_FMT,
        VG_ARG(s->sig.date), VG_ARG(service), VG_ARG(s->sig.signed_headers), VG_ARG(s->previous));
}

static struct vg_str
sign_chunk(struct signing *s, struct vg_str data)
{
    struct vg_str empty = vg_sha256_hex(s->arena, VG_STR(""));
    s->previous =
        hmac_hex(s, vg_str_fmt(s->arena,
                               "AWS4-HMAC-SHA256-PAYLOAD\n%" VG_FMT "\n%" VG_FMT
                               "/us-east-1/s3/aws4_request\n%" VG_FMT "\n%" VG_FMT "\n%" VG_FMT,
                               VG_ARG(s->sig.amz_date), VG_ARG(s->sig.date), VG_ARG(s->previous),
                               VG_ARG(empty), VG_ARG(vg_sha256_hex(s->arena, data))));
    return s->previous;
}

static struct vg_str
chunks_of(struct signing *s, const struct call *c)
{
    struct vg_buf b;
    bool is_signed = vg_str_starts(vg_str_of(c->content_sha256), VG_STR("STREAMING-AWS4"));
    size_t at = 0, n;
    vg_buf_init(&b, s->arena, 64u << 20);
    do {
        n = VG_MIN(c->chunk, c->body.len - at);
        struct vg_str part = vg_str_slice(c->body, at, at + n);
        vg_buf_addf(&b, "%zx", n);
        if (is_signed) {
            vg_buf_adds(&b, VG_STR(";chunk-signature="));
            vg_buf_adds(&b, sign_chunk(s, part));
        }
        vg_buf_adds(&b, VG_STR("\r\n"));
        vg_buf_adds(&b, part);
        if (n > 0)
            vg_buf_adds(&b, VG_STR("\r\n"));
        at += n;
    } while (n > 0);
    if (c->trailer)
        vg_buf_adds(&b, vg_str_of(c->trailer));
    vg_buf_adds(&b, VG_STR("\r\n"));
    return vg_buf_str(&b);
}

/* The request as bytes. */
static struct vg_str
write_request(const struct call *c, struct vg_arena *arena)
{
    struct signing s = { .arena = arena };
    struct vg_sigv4_header headers[16];
    struct vg_str hash = VG_STR_NONE, more = vg_str_of(c->headers ? c->headers : "");
    struct vg_str auth = VG_STR_NONE;
    struct vg_buf b;
    size_t n = 0;
    add_header(headers, &n, "host",
               vg_str_fmt(arena, "127.0.0.1:%u", (unsigned)c->w->listener->port));
    if (c->content_sha256)
        hash = vg_str_eq(vg_str_of(c->content_sha256), VG_STR("HASH"))
                   ? vg_sha256_hex(arena, c->body)
                   : vg_str_of(c->content_sha256);
    if (hash.ptr)
        add_header(headers, &n, "x-amz-content-sha256", hash);
    add_header(headers, &n, "x-amz-date", vg_sigv4_time_text(arena, vg_wall_ms()));
    if (c->chunk)
        add_header(headers, &n, "x-amz-decoded-content-length",
                   vg_str_fmt(arena, "%zu", c->body.len));
    if (c->trailer)
        add_header(headers, &n, "x-amz-trailer", VG_STR("x-amz-checksum-crc32"));
    if (!c->is_unsigned)
        auth = sign_head(&s, c, headers, n, hash.ptr ? hash : vg_sha256_hex(arena, c->body));
    struct vg_str body = c->chunk ? chunks_of(&s, c) : c->body;
    if (c->break_at) {
        char *copy = vg_arena_copy(arena, body.ptr, body.len);
        copy[c->break_at - 1] ^= 1;
        body = vg_str_n(copy, body.len);
    }
    vg_buf_init(&b, arena, 64u << 20);
    vg_buf_addf(&b, "%s %s HTTP/1.1\r\nContent-Length: %zu\r\nConnection: close\r\n", c->method,
                c->target, body.len);
    for (size_t i = 0; i < n; i++)
        vg_buf_addf(&b, "%" VG_FMT ": %" VG_FMT "\r\n", VG_ARG(headers[i].name),
                    VG_ARG(headers[i].value));
    if (auth.ptr)
        vg_buf_addf(&b, "Authorization: %" VG_FMT "\r\n", VG_ARG(auth));
    while (more.len > 0) {
        vg_buf_adds(&b, vg_str_cut(&more, '\n'));
        vg_buf_adds(&b, VG_STR("\r\n"));
    }
    vg_buf_adds(&b, VG_STR("\r\n"));
    vg_buf_adds(&b, body);
    return vg_buf_str(&b);
}

/* Sends and reads until the connection ends. */
static struct vg_str
exchange(const struct world *w, struct vg_str request)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(w->listener->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    while (request.len > 0) {
        ssize_t n = send(fd, request.ptr, request.len, MSG_NOSIGNAL);
        if (n <= 0)
            break; /* refused in the midst of it: the answer is there */
        request = vg_str_slice(request, (size_t)n, request.len);
    }
    struct vg_buf got;
    vg_buf_init(&got, w->arena, 64u << 20);
    for (;;) {
        ssize_t n = recv(fd, vg_buf_room(&got, 65536), 65536, 0);
        if (n <= 0)
            break;
        got.len += (size_t)n;
    }
    close(fd);
    return vg_buf_str(&got);
}

static struct vg_str
call(struct call c)
{
    return exchange(c.w, write_request(&c, c.w->arena));
}

static struct vg_str
many_bytes(struct vg_arena *arena, size_t n)
{
    char *p = vg_arena_alloc(arena, n);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 7 + i / 251);
    return vg_str_n(p, n);
}

static void
expect(struct vg_str answer, int status, const char *text)
{
    char want[32];
    snprintf(want, sizeof(want), "HTTP/1.1 %d ", status);
    if (!vg_str_starts(answer, vg_str_of(want)) || vg_str_find(answer, vg_str_of(text)) == VG_NPOS)
        fail_msg("want %d %s, got %" VG_FMT, status, text, VG_ARG(answer));
}

/* --- bodies ------------------------------------------------------------------------------------
 */

#define BODY_BYTES 300000u

static void
every_form_of_a_body_is_read_as_it_was_meant(void **state)
{
    struct world *w = *state;
    struct vg_str body = many_bytes(w->arena, BODY_BYTES);
    const char *etag = vg_str_cstr(w->arena, vg_md5_hex(w->arena, body));
    static const struct {
        const char *sha256, *headers;
        size_t chunk;
        const char *trailer;
        bool is_unsigned;
        const char *text;
    } forms[] = {
        { "HASH", NULL, 0, NULL, false, "300000 [-]" },
        { "UNSIGNED-PAYLOAD", "Content-Encoding: gzip", 0, NULL, false, "300000 [gzip]" },
        { NULL, NULL, 0, NULL, true, "300000 [-]" },
        { "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "Content-Encoding: aws-chunked", 65536, NULL, false,
          "300000 [-]" },
        { "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "Content-Encoding: aws-chunked, gzip", 8192, NULL,
          false, "300000 [gzip]" },
        { "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "Content-Encoding: gzip,aws-chunked", BODY_BYTES,
          "x-amz-checksum-crc32:AAAAAA==\r\n", false, "300000 [gzip]" },
        { "STREAMING-UNSIGNED-PAYLOAD-TRAILER", NULL, 100000, "x-amz-checksum-crc32:AAAAAA==\r\n",
          true, "300000 [-]" },
    };
    for (size_t i = 0; i < VG_COUNT(forms); i++) {
        struct vg_str answer = call((struct call) { .w = w,
                                                    .method = "PUT",
                                                    .target = "/stream/a/../b%20c",
                                                    .content_sha256 = forms[i].sha256,
                                                    .headers = forms[i].headers,
                                                    .body = body,
                                                    .chunk = forms[i].chunk,
                                                    .trailer = forms[i].trailer,
                                                    .is_unsigned = forms[i].is_unsigned });
        expect(answer, 200, forms[i].text);
        expect(answer, 200, etag);
        if (forms[i].trailer)
            expect(answer, 200, "x-trailer: AAAAAA==");
    }
}

static void
a_header_tells_operations_at_one_place_apart(void **state)
{
    struct world *w = *state;
    struct call c = { .w = w, .method = "PUT", .target = "/stream/a", .content_sha256 = "HASH" };
    expect(call(c), 200, "0 [-]");
    c.headers = "x-copy-from: b/k";
    expect(call(c), 200, "\r\n\r\nb/k");
}

static void
an_empty_body_ends_at_once(void **state)
{
    struct world *w = *state;
    struct call c = { .w = w, .method = "PUT", .target = "/stream/a", .content_sha256 = "HASH" };
    expect(call(c), 200, "0 [-]");
    c.content_sha256 = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    c.chunk = 65536;
    expect(call(c), 200, "0 [-]");
}

static void
a_body_that_is_not_what_was_signed_is_refused(void **state)
{
    struct world *w = *state;
    struct call c = { .w = w,
                      .method = "PUT",
                      .target = "/stream/a",
                      .content_sha256 = "HASH",
                      .body = many_bytes(w->arena, BODY_BYTES),
                      .break_at = BODY_BYTES };
    expect(call(c), 400, "XAmzContentSHA256Mismatch");
    c.content_sha256 = NULL;
    expect(call(c), 400, "Missing required header for this request: x-amz-content-sha256");
    c.content_sha256 = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    c.chunk = 65536;
    expect(call(c), 403, "SignatureDoesNotMatch");
    c.chunk = 100;
    c.break_at = 0;
    expect(call(c), 403, "InvalidChunkSizeError");
    c.chunk = 65536;
    c.trailer = "x-amz-checksum-crc32:AAAAAA==\r\n"; /* which this form has not */
    expect(call(c), 400, "IncompleteBody");
    c.trailer = "x-amz-checksum-sha1:AAAAAA==\r\n";
    c.content_sha256 = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    expect(call(c), 400, "MalformedTrailerError");
    c.is_unsigned = true;
    c.chunk = 0;
    c.trailer = NULL;
    c.content_sha256 = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
    expect(call(c), 400, "XAmzContentSHA256Mismatch");
    c.content_sha256 = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    expect(call(c), 403, "AccessDenied");
}

/* Other services sign head and body as one: the body is read before its handler runs. */
static void
a_body_signed_with_its_head_is_streamed_after(void **state)
{
    struct world *w = *state;
    struct call c = { .w = w,
                      .method = "PUT",
                      .target = "/other/a",
                      .service = "other",
                      .body = many_bytes(w->arena, BODY_BYTES) };
    expect(call(c), 200, "300000 [-]");
    c.break_at = 7;
    expect(call(c), 403, "InvalidSignatureException");
    c.break_at = 0;
    c.content_sha256 = "HASH";
    expect(call(c), 200, "300000 [-]");
    c.content_sha256 = "UNSIGNED-PAYLOAD"; /* as S3 alone allows */
    expect(call(c), 403, "InvalidSignatureException");
}

static void
an_operation_that_buffers_takes_chunks_too(void **state)
{
    struct world *w = *state;
    struct vg_str body = many_bytes(w->arena, BODY_BYTES);
    struct call c = { .w = w,
                      .method = "PUT",
                      .target = "/whole/a",
                      .content_sha256 = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
                      .body = body,
                      .chunk = 65536 };
    struct vg_str answer = call(c);
    expect(answer, 200, "300000");
    expect(answer, 200, vg_str_cstr(w->arena, vg_md5_hex(w->arena, body)));
    c.break_at = 200000;
    expect(call(c), 403, "SignatureDoesNotMatch");
}

static void
a_handler_may_refuse_before_it_reads(void **state)
{
    struct world *w = *state;
    struct call c = { .w = w,
                      .method = "PUT",
                      .target = "/stream/refused",
                      .content_sha256 = "UNSIGNED-PAYLOAD",
                      .headers = "Expect: 100-continue",
                      .body = VG_STR("hello") };
    struct vg_str answer = call(c);
    expect(answer, 403, "not here");
    assert_int_equal(vg_str_find(answer, VG_STR("100 Continue")), VG_NPOS);
    c.target = "/stream/a";
    expect(call(c), 200, "5 [-]");
    c.target = "/stream/unread"; /* its bug, and no success */
    expect(call(c), 500, "InternalFailure");
}

/* --- replies -----------------------------------------------------------------------------------
 */

static struct vg_str
get(struct world *w, const char *method, const char *target)
{
    return call(
        (struct call) { .w = w, .method = method, .target = target, .content_sha256 = "HASH" });
}

static bool
ends(struct vg_str answer, const char *text)
{
    return vg_str_ends(answer, vg_str_of(text));
}

static void
a_reply_is_streamed(void **state)
{
    struct world *w = *state;
    struct vg_str answer = get(w, "GET", "/stream/sized/abc");
    expect(answer, 200, "ETag: tag\r\n");
    expect(answer, 200, "x-more: 1\r\n");
    expect(answer, 200, "Content-Length: 3\r\n");
    assert_true(ends(answer, "\r\n\r\nabc"));
    answer = get(w, "GET", "/stream/chunked/ab");
    expect(answer, 200, "Transfer-Encoding: chunked\r\n");
    assert_true(ends(answer, "\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"));
    expect(get(w, "GET", "/stream/range/abc"), 206, "\r\n\r\nabc");
    answer = get(w, "HEAD", "/stream/sized/abc");
    expect(answer, 200, "Content-Length: 3\r\n");
    assert_true(ends(answer, "\r\n\r\n"));
    answer = get(w, "GET", "/stream/plain/abc"); /* not begun: encoded as any other */
    expect(answer, 200, "x-more: 1\r\n");
    assert_true(ends(answer, "\r\n\r\nabc"));
    expect(get(w, "GET", "/stream/status/abc"), 202, "\r\n\r\nabc");
}

/* Nobody makes the body of a HEAD: a member says how long it would be (RFC 9110, 9.3.2). */
static void
a_length_is_said_once(void **state)
{
    struct world *w = *state;
    const struct {
        const char *method, *target, *want;
    } all[] = {
        { "HEAD", "/stream/length/x", "Content-Length: 7\r\n" },
        { "GET", "/stream/length/x", "Content-Length: 0\r\n" },
        { "GET", "/stream/sized/abc", "Content-Length: 3\r\n" },
        { "HEAD", "/stream/sized/abc", "Content-Length: 3\r\n" },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        struct vg_str answer = get(w, all[i].method, all[i].target);
        expect(answer, 200, all[i].want);
        size_t at = vg_str_find(answer, VG_STR("Content-Length"));
        struct vg_str rest = vg_str_slice(answer, at + 1, answer.len);
        assert_int_equal(vg_str_find(rest, VG_STR("Content-Length")), VG_NPOS);
    }
}

/* Before the head an error is an error, after it the client must not take a part for the whole. */
static void
a_reply_that_fails_midway_is_cut(void **state)
{
    struct world *w = *state;
    struct vg_str answer = get(w, "GET", "/stream/fail/x");
    expect(answer, 403, "not here");
    expect(answer, 403, "x-more: 1\r\n");
    answer = get(w, "GET", "/stream/sized/ab!c");
    expect(answer, 200, "Content-Length: 4\r\n");
    assert_true(ends(answer, "\r\n\r\nab"));
    assert_true(ends(get(w, "GET", "/stream/chunked/a!"), "\r\n\r\n1\r\na\r\n"));
}

/* Once, whatever became of it; not of calls that it makes of its own, and not where nobody wants to
 * hear of it. */
static void
a_service_is_told_of_the_end(void **state)
{
    struct world *w = *state;
    told[0] = 0;
    (void)get(w, "GET", "/stream/sized/abc");
    (void)get(w, "GET", "/stream/sized/ab!c");
    (void)get(w, "HEAD", "/stream/sized/abc");
    (void)get(w, "GET", "/stream/plain/silent");
    (void)get(w, "GET", "/stream/fail/x");
    (void)get(w, "GET", "/nowhere?acl");
    (void)get(w, "GET", "/both/plain/x");
    assert_true(vg_str_starts(vg_str_of(told), VG_STR("GET /stream/sized/abc 200 3\n"
                                                      "GET /stream/sized/ab!c 200 2\n"
                                                      "HEAD /stream/sized/abc 200 0\n"
                                                      "GET /stream/fail/x 403 ")));
    assert_true(vg_str_find(vg_str_of(told), VG_STR("\nGET /nowhere 404 ")) != VG_NPOS);
    assert_true(vg_str_ends(vg_str_of(told), VG_STR("\nGET /both/plain/x 200 6\n")));
}

static void
streams_between_services_are_in_memory(void **state)
{
    struct world *w = *state;
    struct vg_str answer = get(w, "GET", "/both/sized/hello");
    expect(answer, 200, "5d41402abc4b2a76b9719d911017c592");
    assert_true(ends(answer, "hello5 [-]"));
    assert_true(ends(get(w, "GET", "/both/chunked/hello"), "hello5 [-]"));
    assert_true(ends(get(w, "GET", "/both/plain/hello"), "hello5 [-]"));
    expect(get(w, "GET", "/both/sized/a!b"), 403, "too late");
    expect(get(w, "GET", "/both/sized/a~b"), 500, "InternalFailure");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_a_body_is_read_as_it_was_meant),
        cmocka_unit_test(a_header_tells_operations_at_one_place_apart),
        cmocka_unit_test(an_empty_body_ends_at_once),
        cmocka_unit_test(a_body_that_is_not_what_was_signed_is_refused),
        cmocka_unit_test(a_body_signed_with_its_head_is_streamed_after),
        cmocka_unit_test(an_operation_that_buffers_takes_chunks_too),
        cmocka_unit_test(a_handler_may_refuse_before_it_reads),
        cmocka_unit_test(a_reply_is_streamed),
        cmocka_unit_test(a_length_is_said_once),
        cmocka_unit_test(a_reply_that_fails_midway_is_cut),
        cmocka_unit_test(a_service_is_told_of_the_end),
        cmocka_unit_test(streams_between_services_are_in_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
