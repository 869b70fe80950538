/* SPDX-License-Identifier: Apache-2.0 */

/*
 * AWS's documented examples of a body in chunks, byte for byte, and what is refused.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
#include "auth/sigv4_chunks.h"
#include "auth/sigv4_int.h"
#include "base/test.h"

#include <openssl/evp.h>
#include <openssl/param_build.h>

#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define THEN   1369353600000 /* 2013-05-24T00:00:00Z */
#define HOST   "s3.amazonaws.com"

#define SEED_1 "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
#define SIG_1A "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
#define SIG_1B "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"
#define SIG_1C "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"

#define SEED_2 "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
#define SIG_2A "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"
#define SIG_2B "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"
#define SIG_2C "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"
#define SIG_2T "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"

#define AUTH(names, seed)                                                                          \
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"         \
    "SignedHeaders=" names ",Signature=" seed

static const struct vg_sigv4_header signed_headers[] = {
    { VG_STR_INIT("Host"), VG_STR_INIT(HOST) },
    { VG_STR_INIT("x-amz-date"), VG_STR_INIT("20130524T000000Z") },
    { VG_STR_INIT("x-amz-storage-class"), VG_STR_INIT("REDUCED_REDUNDANCY") },
    { VG_STR_INIT("Authorization"),
      VG_STR_INIT(AUTH("content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
                       "x-amz-decoded-content-length;x-amz-storage-class",
                       SEED_1)) },
    { VG_STR_INIT("x-amz-content-sha256"), VG_STR_INIT("STREAMING-AWS4-HMAC-SHA256-PAYLOAD") },
    { VG_STR_INIT("Content-Encoding"), VG_STR_INIT("aws-chunked") },
    { VG_STR_INIT("x-amz-decoded-content-length"), VG_STR_INIT("66560") },
    { VG_STR_INIT("Content-Length"), VG_STR_INIT("66824") },
};

static const struct vg_sigv4_header trailer_headers[] = {
    { VG_STR_INIT("Host"), VG_STR_INIT(HOST) },
    { VG_STR_INIT("x-amz-date"), VG_STR_INIT("20130524T000000Z") },
    { VG_STR_INIT("x-amz-storage-class"), VG_STR_INIT("REDUCED_REDUNDANCY") },
    { VG_STR_INIT("Authorization"),
      VG_STR_INIT(AUTH("content-encoding;host;x-amz-content-sha256;x-amz-date;"
                       "x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
                       SEED_2)) },
    { VG_STR_INIT("x-amz-content-sha256"),
      VG_STR_INIT("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") },
    { VG_STR_INIT("Content-Encoding"), VG_STR_INIT("aws-chunked") },
    { VG_STR_INIT("x-amz-decoded-content-length"), VG_STR_INIT("66560") },
    { VG_STR_INIT("x-amz-trailer"), VG_STR_INIT("x-amz-checksum-crc32c") },
};

static const struct vg_sigv4_header unsigned_headers[] = {
    { VG_STR_INIT("Host"), VG_STR_INIT(HOST) },
    { VG_STR_INIT("x-amz-content-sha256"), VG_STR_INIT("STREAMING-UNSIGNED-PAYLOAD-TRAILER") },
    { VG_STR_INIT("x-amz-decoded-content-length"), VG_STR_INIT("5") },
    { VG_STR_INIT("x-amz-trailer"), VG_STR_INIT("x-amz-checksum-crc32") },
};

static const struct vg_sigv4_rules rules = { .family = VG_AUTHN_S3,
                                             .service = VG_STR_INIT("s3"),
                                             .is_s3_path = true,
                                             .is_unsigned_body_ok = true,
                                             .is_chunked_body_ok = true,
                                             .now_ms = THEN };

/* A body under way, of one of the requests above. */
struct trial {
    struct vg_arena *arena;
    struct vg_sigv4_request rq;
    struct vg_sigv4 sig;
    struct vg_sigv4_chunks *chunks;
    struct vg_buf got;
    struct vg_err err;
};

static vg_rc
begin(struct trial *t, const struct vg_sigv4_header *headers, size_t n)
{
    *t = (struct trial) { .arena = vg_arena_new(0) };
    t->rq = (struct vg_sigv4_request) { .method = VG_STR("PUT"),
                                        .target = VG_STR("/examplebucket/chunkObject.txt"),
                                        .headers = headers,
                                        .n_headers = n };
    vg_buf_init(&t->got, t->arena, 1u << 20);
    t->chunks = VG_NEW(t->arena, struct vg_sigv4_chunks);
    vg_rc rc = VG_OK;
    if (vg_sigv4_is_signed(&t->rq)) {
        rc = vg_sigv4_parse(t->arena, &t->rq, &rules, &t->sig, &t->err);
        if (rc == VG_OK)
            rc = vg_sigv4_check(t->arena, &t->sig, &rules, &t->err);
        if (rc == VG_OK)
            rc = vg_sigv4_verify(t->arena, &t->rq, &rules, &t->sig, VG_STR(SECRET), VG_STR_NONE,
                                 NULL, &t->err);
    } else {
        rc = vg_sigv4_parse_anonymous(t->arena, &t->rq, &rules, &t->sig, &t->err);
    }
    if (rc == VG_OK)
        rc = vg_sigv4_chunks_init(t->chunks, t->arena, &t->rq, &rules, &t->sig, VG_STR(SECRET),
                                  NULL, &t->err);
    return rc;
}

static vg_rc
feed(struct trial *t, struct vg_str wire, size_t piece)
{
    vg_rc rc = VG_OK;
    while (wire.len > 0 && rc == VG_OK) {
        struct vg_str data;
        size_t used;
        rc = vg_sigv4_chunks_next(t->chunks, vg_str_slice(wire, 0, piece), &used, &data, &t->err);
        if (rc == VG_OK) {
            assert_true(used > 0);
            vg_buf_adds(&t->got, data);
            wire = vg_str_slice(wire, used, wire.len);
        }
    }
    return rc == VG_OK ? vg_sigv4_chunks_end(t->chunks, &t->err) : rc;
}

static void
end(struct trial *t)
{
    vg_arena_free(t->arena);
}

static void
add_as(struct vg_buf *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        vg_buf_addc(b, 'a');
}

/* 65,536 and 1,024 times 'a', then the end; each part may be left out or come twice. */
static struct vg_str
example(struct vg_arena *arena, const char *order, struct vg_str trailer, bool is_second)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 1u << 20);
    for (const char *p = order; *p; p++) {
        size_t n = *p == '1' ? 65536 : *p == '2' ? 1024 : 0;
        const char *sig = *p == '1'   ? (is_second ? SIG_2A : SIG_1A)
                          : *p == '2' ? (is_second ? SIG_2B : SIG_1B)
                                      : (is_second ? SIG_2C : SIG_1C);
        vg_buf_addf(&b, "%zx;chunk-signature=%s\r\n", n, sig);
        add_as(&b, n);
        if (n > 0)
            vg_buf_adds(&b, VG_STR("\r\n"));
    }
    vg_buf_adds(&b, trailer);
    return vg_buf_str(&b);
}

#define SIGNED(t)   begin((t), signed_headers, VG_COUNT(signed_headers))
#define TRAILED(t)  begin((t), trailer_headers, VG_COUNT(trailer_headers))
#define UNSIGNED(t) begin((t), unsigned_headers, VG_COUNT(unsigned_headers))

static void
awss_example_verifies_in_any_pieces(void **state)
{
    (void)state;
    static const size_t pieces[] = { 1, 2, 17, 4096, 65536, 1u << 20 };
    for (size_t i = 0; i < VG_COUNT(pieces); i++) {
        struct trial t;
        assert_ok(SIGNED(&t));
        assert_ok(feed(&t, example(t.arena, "120", VG_STR("\r\n"), false), pieces[i]));
        assert_int_equal(t.got.len, 66560);
        assert_true(t.chunks->is_over);
        end(&t);
    }
}

#define TRAILER "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:" SIG_2T "\r\n\r\n"

/* The line feed of a trailer comes in three ways: SDKs', and the two of the documentation. */
static void
awss_example_with_a_trailer_verifies(void **state)
{
    (void)state;
    static const char *const forms[] = {
        TRAILER,
        "\r\n" TRAILER,
        "x-amz-checksum-crc32c:sOO8/Q==\n\r\nx-amz-trailer-signature:" SIG_2T "\r\n\r\n",
    };
    for (size_t i = 0; i < VG_COUNT(forms); i++) {
        for (size_t piece = 1; piece <= 1u << 20; piece *= 32) {
            struct trial t;
            assert_ok(TRAILED(&t));
            struct vg_str wire = example(t.arena, "120", vg_str_of(forms[i]), true);
            assert_ok(feed(&t, wire, piece));
            assert_int_equal(t.got.len, 66560);
            assert_str(vg_sigv4_chunks_trailer(t.chunks, VG_STR("X-Amz-Checksum-Crc32c")),
                       "sOO8/Q==");
            end(&t);
        }
    }
}

static void
unsigned_chunks_have_lengths_and_trailers_only(void **state)
{
    (void)state;
    struct trial t;
    assert_ok(UNSIGNED(&t));
    assert_ok(feed(&t, VG_STR("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"), 3));
    assert_str(vg_buf_str(&t.got), "hello");
    assert_str(vg_sigv4_chunks_trailer(t.chunks, VG_STR("x-amz-checksum-crc32")), "NhCmhg==");
    end(&t);
}

static void
refused(struct trial *t, struct vg_str wire, const char *code)
{
    if (feed(t, wire, 1u << 20) == VG_OK)
        fail_msg("accepted: %" VG_FMT, VG_ARG(vg_str_slice(wire, 0, 200)));
    if (!vg_str_eq(t->err.def->code, vg_str_of(code)))
        fail_msg("got %" VG_FMT ", want %s", VG_ARG(t->err.def->code), code);
    end(t);
}

/* What the chain of signatures is for: replayed, reordered, dropped and truncated chunks. */
static void
a_broken_chain_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *order, *code;
    } cases[] = {
        { "210", "SignatureDoesNotMatch" },
        { "110", "IncompleteBody" },
        { "2220", "SignatureDoesNotMatch" },
        { "10", "IncompleteBody" },
        { "20", "SignatureDoesNotMatch" },
        { "0", "IncompleteBody" },
        { "12", "IncompleteBody" },
        { "1", "IncompleteBody" },
        { "", "IncompleteBody" },
        { "1200", "IncompleteBody" },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        struct trial t;
        assert_ok(SIGNED(&t));
        refused(&t, example(t.arena, cases[i].order, VG_STR("\r\n"), false), cases[i].code);
    }
}

static void
one_changed_byte_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        const char *code;
    } cases[] = {
        { 100, "SignatureDoesNotMatch" },   /* data                        */
        { 30, "SignatureDoesNotMatch" },    /* the first chunk's signature */
        { 8, "IncompleteBody" },            /* "chunk-signature"           */
        { 0, "IncompleteBody" },            /* a size                      */
        { 66700, "SignatureDoesNotMatch" }, /* data of the second          */
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        struct trial t;
        assert_ok(SIGNED(&t));
        struct vg_str wire = example(t.arena, "120", VG_STR("\r\n"), false);
        char *copy = vg_arena_copy(t.arena, wire.ptr, wire.len);
        copy[cases[i].at] = copy[cases[i].at] == 'f' ? 'e' : 'f';
        refused(&t, vg_str_n(copy, wire.len), cases[i].code);
    }
    for (size_t n = 1; n < 100; n++) { /* cut anywhere, or followed by anything */
        struct trial t;
        assert_ok(SIGNED(&t));
        struct vg_str wire = example(t.arena, "120", VG_STR("\r\n"), false);
        refused(&t, vg_str_slice(wire, 0, wire.len - n), "IncompleteBody");
        assert_ok(SIGNED(&t));
        refused(&t, example(t.arena, "120", VG_STR("\r\nx"), false), "IncompleteBody");
    }
}

static void
trailers_are_announced_and_signed(void **state)
{
    (void)state;
    static const struct {
        const char *trailer, *code;
    } cases[] = {
        { "x-amz-checksum-crc32c:sOO8/R==\r\nx-amz-trailer-signature:" SIG_2T "\r\n\r\n",
          "SignatureDoesNotMatch" },
        { "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:" SIG_2A "\r\n\r\n",
          "SignatureDoesNotMatch" },
        { "x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n", "IncompleteBody" },
        { "x-amz-checksum-crc32:sOO8/Q==\r\nx-amz-trailer-signature:" SIG_2T "\r\n\r\n",
          "MalformedTrailerError" },
        { "x-amz-checksum-crc32c\r\n", "MalformedTrailerError" },
        { TRAILER "x", "IncompleteBody" },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        struct trial t;
        assert_ok(TRAILED(&t));
        refused(&t, example(t.arena, "120", vg_str_of(cases[i].trailer), true), cases[i].code);
    }
}

static void
malformed_unsigned_chunks_are_refused(void **state)
{
    (void)state;
#define CRC "x-amz-checksum-crc32:NhCmhg==\r\n"
    static const struct {
        const char *wire, *code;
    } cases[] = {
        { "5\r\nhello\r\n0\r\n\r\n", "MalformedTrailerError" },
        { "5\r\nhello\r\n0\r\n" CRC CRC "\r\n", "MalformedTrailerError" },
        { "5\r\nhello\r\n0\r\n" CRC "x-amz-meta-a:b\r\n\r\n", "MalformedTrailerError" },
        { "5\r\nhello\r\n0\r\n" CRC, "IncompleteBody" },
        { "5\r\nhello0\r\n" CRC "\r\n", "IncompleteBody" },
        { "5\nhello\r\n0\r\n" CRC "\r\n", "IncompleteBody" },
        { "5;chunk-signature=00\r\nhello\r\n0\r\n" CRC "\r\n", "IncompleteBody" },
        { "6\r\nhello!\r\n0\r\n" CRC "\r\n", "IncompleteBody" },
        { "4\r\nhell\r\n0\r\n" CRC "\r\n", "IncompleteBody" },
        { "0x5\r\nhello\r\n0\r\n" CRC "\r\n", "IncompleteBody" },
        { "-5\r\nhello\r\n0\r\n" CRC "\r\n", "IncompleteBody" },
        { "\r\nhello\r\n0\r\n" CRC "\r\n", "IncompleteBody" },
        { "1000000000000005\r\nhello\r\n0\r\n" CRC "\r\n", "IncompleteBody" },
        { "3\r\nhel\r\n2\r\nlo\r\n0\r\n" CRC "\r\n", "InvalidChunkSizeError" },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        struct trial t;
        assert_ok(UNSIGNED(&t));
        refused(&t, vg_str_of(cases[i].wire), cases[i].code);
    }
}

/* Each line and all of them together have a ceiling. */
static void
lines_are_bounded(void **state)
{
    (void)state;
    struct trial t;
    assert_ok(UNSIGNED(&t));
    struct vg_buf b;
    vg_buf_init(&b, t.arena, 1u << 20);
    add_as(&b, VG_AWS_CHUNK_LINE_MAX_BYTES + 1);
    refused(&t, vg_buf_str(&b), "IncompleteBody");
    assert_ok(UNSIGNED(&t));
    vg_buf_init(&b, t.arena, 1u << 20);
    vg_buf_adds(&b, VG_STR("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:"));
    add_as(&b, VG_AWS_TRAILERS_MAX_BYTES);
    refused(&t, vg_buf_str(&b), "MalformedTrailerError");
}

static void
what_the_head_must_say(void **state)
{
    (void)state;
    struct trial t;
    struct vg_sigv4_header headers[VG_COUNT(unsigned_headers)];
    memcpy(headers, unsigned_headers, sizeof(headers));
    headers[2].name = VG_STR("x-other");
    assert_int_equal(begin(&t, headers, VG_COUNT(headers)), VG_FAIL);
    assert_str(t.err.def->code, "MissingContentLength");
    assert_int_equal(t.err.def->http_status, 411);
    end(&t);
    memcpy(headers, unsigned_headers, sizeof(headers));
    headers[2].value = VG_STR("-1");
    assert_int_equal(begin(&t, headers, VG_COUNT(headers)), VG_FAIL);
    end(&t);
    memcpy(headers, unsigned_headers, sizeof(headers)); /* nobody signed those chunks */
    headers[1].value = VG_STR("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    assert_int_equal(begin(&t, headers, VG_COUNT(headers)), VG_FAIL);
    assert_str(t.err.def->code, "AccessDenied");
    end(&t);
}

/* <Chunk>2</Chunk><BadChunkSize>3</BadChunkSize>: versity/versitygw issue 1683 shows S3's. */
static void
a_small_chunk_is_named(void **state)
{
    (void)state;
    struct trial t;
    assert_ok(UNSIGNED(&t));
    assert_int_equal(feed(&t, VG_STR("3\r\nhel\r\n2\r\nlo\r\n0\r\n"), 100), VG_FAIL);
    assert_int_equal(t.err.def->http_status, 403);
    assert_str(vg_err_text(&t.err),
               "Only the last chunk is allowed to have a size less than 8192 bytes");
    const struct vg_opt_i64 *detail = t.err.detail;
    assert_true(detail[0].v == 2 && detail[1].v == 3);
    end(&t);
}

/* --- 4A ----------------------------------------------------------------------------------------
 */

#define SIG_4A_BYTES 144

/* ECDSA as a client does it, padded as in a chunk's head or not. */
static struct vg_str
sign_4a(struct vg_arena *arena, struct vg_str text, bool is_padded)
{
    uint8_t private_key[32], pub[65], der[72];
    size_t n = sizeof(der);
    struct vg_str id = VG_STR("AKIAIOSFODNN7EXAMPLE");
    assert_true(vg_sigv4a_private_key(id, VG_STR(SECRET), private_key));
    vg_sigv4a_public_key(id, VG_STR(SECRET), pub);
    BIGNUM *k = BN_bin2bn(private_key, sizeof(private_key), NULL);
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(b, "group", "prime256v1", 0);
    OSSL_PARAM_BLD_push_BN(b, "priv", k);
    OSSL_PARAM_BLD_push_octet_string(b, "pub", pub, sizeof(pub));
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY *key = NULL;
    assert_int_equal(EVP_PKEY_fromdata_init(make), 1);
    assert_int_equal(EVP_PKEY_fromdata(make, &key, EVP_PKEY_KEYPAIR, params), 1);
    assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(md, der, &n, (const uint8_t *)text.ptr, text.len), 1);
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(make);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    BN_free(k);
    char *out = vg_arena_alloc(arena, SIG_4A_BYTES);
    memset(out, '*', SIG_4A_BYTES);
    vg_hex_put(out, der, n);
    return vg_str_n(out, is_padded ? SIG_4A_BYTES : 2 * n);
}

#define SCOPE_4A "20130524T000000Z\n20130524/s3/aws4_request\n"

/* One link of the chain: the signature goes to *previous without its padding. */
static struct vg_str
sign_part_4a(struct vg_arena *arena, const char *kind, const char *between, struct vg_str *previous,
             struct vg_str data)
{
    struct vg_str hash = vg_sha256_hex(arena, data);
    struct vg_str sig =
        sign_4a(arena,
                vg_str_fmt(arena, "AWS4-ECDSA-P256-SHA256-%s\n" SCOPE_4A "%" VG_FMT "\n%s%" VG_FMT,
                           kind, VG_ARG(*previous), between, VG_ARG(hash)),
                true);
    *previous = vg_str_slice(sig, 0, vg_str_find_char(sig, '*'));
    return sig;
}

/* The previous signature goes without its padding into the next text (aws-c-auth, aws_signing.c).
 */
static void
chunks_signed_by_4a_verify(void **state)
{
    (void)state;
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
    for (int is_broken = 0; is_broken < 3; is_broken++) {
        vg_auto_arena struct vg_arena *a = vg_arena_new(0);
        struct vg_sigv4_header headers[VG_COUNT(unsigned_headers)];
        memcpy(headers, unsigned_headers, sizeof(headers));
        const struct vg_sigv4_request rq = { .headers = headers, .n_headers = VG_COUNT(headers) };
        const struct vg_sigv4 sig = { .is_asymmetric = true,
                                      .access_key_id = VG_STR("AKIAIOSFODNN7EXAMPLE"),
                                      .payload = VG_PAYLOAD_CHUNKED,
                                      .is_chunk_signed = true,
                                      .has_trailer = true,
                                      .amz_date = VG_STR("20130524T000000Z"),
                                      .date = VG_STR("20130524"),
                                      .region = VG_STR("us-east-1"),
                                      .service = VG_STR("s3"),
                                      .terminator = VG_STR("aws4_request"),
                                      .signature = sign_4a(a, VG_STR("the head"), true) };
        struct vg_str previous =
            vg_str_slice(sig.signature, 0, vg_str_find_char(sig.signature, '*'));
        struct vg_str one = sign_part_4a(a, "PAYLOAD", EMPTY, &previous, VG_STR("hello"));
        struct vg_str last = sign_part_4a(a, "PAYLOAD", EMPTY, &previous, VG_STR(""));
        struct vg_str trailer =
            sign_part_4a(a, "TRAILER", "", &previous, VG_STR("x-amz-checksum-crc32:NhCmhg==\n"));
        if (is_broken == 2)
            trailer = last;
        struct trial t = { .arena = a, .rq = rq, .sig = sig };
        t.chunks = VG_NEW(a, struct vg_sigv4_chunks);
        vg_buf_init(&t.got, a, 1u << 20);
        assert_ok(
            vg_sigv4_chunks_init(t.chunks, a, &rq, &rules, &t.sig, VG_STR(SECRET), NULL, &t.err));
        struct vg_str wire = vg_str_fmt(
            a,
            "5;chunk-signature=%" VG_FMT "\r\nhell%c\r\n0;chunk-signature=%" VG_FMT
            "\r\nx-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:%" VG_FMT "\r\n\r\n",
            VG_ARG(one), is_broken == 1 ? 'a' : 'o', VG_ARG(last), VG_ARG(trailer));
        vg_rc rc = feed(&t, wire, 7);
        assert_int_equal(rc, is_broken ? VG_FAIL : VG_OK);
        if (is_broken)
            assert_str(t.err.def->code, "SignatureDoesNotMatch");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(awss_example_verifies_in_any_pieces),
        cmocka_unit_test(awss_example_with_a_trailer_verifies),
        cmocka_unit_test(unsigned_chunks_have_lengths_and_trailers_only),
        cmocka_unit_test(a_broken_chain_is_refused),
        cmocka_unit_test(one_changed_byte_is_refused),
        cmocka_unit_test(trailers_are_announced_and_signed),
        cmocka_unit_test(malformed_unsigned_chunks_are_refused),
        cmocka_unit_test(lines_are_bounded),
        cmocka_unit_test(what_the_head_must_say),
        cmocka_unit_test(a_small_chunk_is_named),
        cmocka_unit_test(chunks_signed_by_4a_verify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
