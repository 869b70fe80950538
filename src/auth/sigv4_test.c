/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/sigv4.h"
#include "base/test.h"
#include "wire/shape.h"

#define MAX_HEADERS 16

struct vector {
    const char *name, *secret, *token, *public_key;
    bool normalize, omit_token;
    const char *header_canonical_request, *header_string_to_sign, *header_signature,
        *header_signed_request;
    const char *query_canonical_request, *query_string_to_sign, *query_signature,
        *query_signed_request;
};
static const struct vector vectors[] = {
#include "../../tests/conformance/sigv4/v4.inc"
};
static const struct vector vectors_4a[] = {
#include "../../tests/conformance/sigv4/v4a.inc"
};

/* 2015-08-30T12:36:00Z */
#define THEN_MS 1440938160000

struct message {
    struct vg_sigv4_header headers[MAX_HEADERS];
    struct vg_sigv4_request rq;
    struct vg_str body;
};

/* A request as the vectors write it; a line that begins with a blank continues the one before. */
static void
read_message(struct vg_arena *a, const char *text, struct message *m)
{
    struct vg_str rest = vg_str_of(text);
    struct vg_str line = vg_str_cut(&rest, '\n');
    *m = (struct message) { .rq.headers = m->headers };
    size_t first = vg_str_find_char(line, ' '), last = vg_str_rfind_char(line, ' ');
    m->rq.method = vg_str_slice(line, 0, first);
    m->rq.target = vg_str_slice(line, first + 1, last);
    while (rest.ptr) {
        line = vg_str_cut(&rest, '\n');
        if (line.len == 0)
            break;
        if (line.ptr[0] == ' ') {
            struct vg_str *v = &m->headers[m->rq.n_headers - 1].value;
            *v = vg_str_cat(a, *v, line);
            continue;
        }
        assert_true(m->rq.n_headers < MAX_HEADERS);
        struct vg_sigv4_header *h = &m->headers[m->rq.n_headers++];
        h->value = line;
        h->name = vg_str_cut(&h->value, ':');
    }
    m->body = rest.ptr ? rest : VG_STR("");
}

static void
same(const char *name, const char *what, struct vg_str got, const char *want)
{
    struct vg_str w = vg_str_of(want);
    if (!vg_str_eq(got, w))
        fail_msg("%s: %s: got\n%" VG_FMT "\nwant\n%s", name, what, VG_ARG(got), want);
}

static void
run_vector(const struct vector *v, bool is_query)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct message m;
    read_message(a, is_query ? v->query_signed_request : v->header_signed_request, &m);
    const struct vg_sigv4_rules rules = {
        .family = VG_AUTHN_JSON,
        .service = VG_STR("service"),
        .is_s3_path = !v->normalize,
        .is_unsigned_token = v->omit_token,
        .now_ms = THEN_MS,
    };
    struct vg_sigv4 sig;
    struct vg_err err = { 0 };
    if (vg_sigv4_parse(a, &m.rq, &rules, &sig, &err) != VG_OK)
        fail_msg("%s: %" VG_FMT, v->name, VG_ARG(vg_err_text(&err)));
    assert_str(sig.access_key_id, "AKIDEXAMPLE");
    assert_ok(vg_sigv4_check(a, &sig, &rules, &err));
    if (v->token && !v->omit_token)
        same(v->name, "token", sig.token, v->token);

    struct vg_str hash = vg_sha256_hex(a, m.body);
    struct vg_str canonical = vg_sigv4_canonical(a, &m.rq, &rules, &sig, hash);
    struct vg_str to_sign = vg_sigv4_string_to_sign(a, &sig, canonical);
    same(v->name, "canonical request", canonical,
         is_query ? v->query_canonical_request : v->header_canonical_request);
    same(v->name, "string to sign", to_sign,
         is_query ? v->query_string_to_sign : v->header_string_to_sign);
    struct vg_str secret = vg_str_of(v->secret);
    const char *signature = is_query ? v->query_signature : v->header_signature;
    if (v->public_key) { /* ECDSA's signatures differ each time: the other one verifies too */
        uint8_t pub[65];
        vg_sigv4a_public_key(sig.access_key_id, secret, pub);
        same(v->name, "public key", vg_hex(a, pub + 1, 64), v->public_key);
        struct vg_sigv4_key key;
        vg_sigv4_key(&sig, secret, NULL, &key);
        assert_true(vg_sigv4_is_signature(&key, to_sign, vg_str_of(signature)));
        assert_str(sig.region, "us-east-1");
    } else {
        same(v->name, "signature", sig.signature, signature);
    }
    if (vg_sigv4_verify(a, &m.rq, &rules, &sig, secret, hash, NULL, &err) != VG_OK)
        fail_msg("%s: %" VG_FMT, v->name, VG_ARG(vg_err_text(&err)));
    assert_int_equal(vg_sigv4_verify(a, &m.rq, &rules, &sig, VG_STR("no"), hash, NULL, &err),
                     VG_FAIL);
    assert_str(err.def->code, "InvalidSignatureException");
}

static void
aws_vectors_verify_by_header(void **state)
{
    (void)state;
    assert_int_equal(VG_COUNT(vectors), 38);
    for (size_t i = 0; i < VG_COUNT(vectors); i++)
        run_vector(&vectors[i], false);
}

static void
aws_vectors_verify_by_query(void **state)
{
    (void)state;
    for (size_t i = 0; i < VG_COUNT(vectors); i++)
        run_vector(&vectors[i], true);
}

static void
aws_vectors_of_4a_verify(void **state)
{
    (void)state;
    size_t n_header = 0, n_query = 0;
    for (size_t i = 0; i < VG_COUNT(vectors_4a); i++) {
        if (vectors_4a[i].header_signed_request) {
            run_vector(&vectors_4a[i], false);
            n_header++;
        }
        if (vectors_4a[i].query_signed_request) {
            run_vector(&vectors_4a[i], true);
            n_query++;
        }
    }
    assert_int_equal(n_header, 38);
    assert_int_equal(n_query, 38);
}

/* --- what is refused, and how ------------------------------------------------------------------
 */

#define SIGNED(headers) "GET / HTTP/1.1\nHost:example.amazonaws.com\n" headers "\n"
#define AUTH(cred, names)                                                                          \
    "Authorization:AWS4-HMAC-SHA256 Credential=" cred ", SignedHeaders=" names                     \
    ", Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31\n"
#define CRED "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
#define DATE "X-Amz-Date:20150830T123600Z\n"

/* The endpoint's region where the set has it, else the first one named. */
static void
a_region_set_names_a_region(void **state)
{
    (void)state;
    static const struct {
        const char *set, *want;
    } cases[] = {
        { "*", "eu-west-1" },
        { "us-east-1,eu-*", "eu-west-1" },
        { "us-east-1", "us-east-1" },
        { "ap-*, us-east-1,us-west-2", "us-east-1" },
        { "ap-*", "" },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        vg_auto_arena struct vg_arena *a = vg_arena_new(0);
        struct message m;
        read_message(a,
                     SIGNED("Authorization:AWS4-ECDSA-P256-SHA256 Credential=A/20150830/service/"
                            "aws4_request, SignedHeaders=host;x-amz-date;x-amz-region-set, "
                            "Signature=00\n" DATE),
                     &m);
        m.headers[m.rq.n_headers++] =
            (struct vg_sigv4_header) { VG_STR("X-Amz-Region-Set"), vg_str_of(cases[i].set) };
        const struct vg_sigv4_rules rules = { .family = VG_AUTHN_JSON,
                                              .region = VG_STR("eu-west-1"),
                                              .now_ms = THEN_MS };
        struct vg_sigv4 sig;
        struct vg_err err = { 0 };
        assert_ok(vg_sigv4_parse(a, &m.rq, &rules, &sig, &err));
        same("region", cases[i].set, sig.region, cases[i].want);
        assert_int_equal(vg_sigv4_check(a, &sig, &rules, &err),
                         sig.region.len > 0 ? VG_OK : VG_FAIL);
        assert_int_equal(
            vg_sigv4_verify(a, &m.rq, &rules, &sig, VG_STR("no"), VG_STR(""), NULL, &err), VG_FAIL);
    }
}

#define PRESIGNED(algorithm, service, expires)                                                     \
    "GET /?X-Amz-Algorithm=" algorithm "&X-Amz-Credential=A%2F20150830%2Fr%2F" service             \
    "%2Faws4_request&X-Amz-Signature=00&X-Amz-SignedHeaders=host&X-Amz-Date=20150830T123600Z"      \
    "&X-Amz-Expires=" expires " HTTP/1.1\nHost:x\n\n"

static const struct refusal {
    const char *request, *code, *text;
    enum vg_authn_family family;
    int64_t late_ms;
} refusals[] = {
    { SIGNED(""), "MissingAuthenticationTokenException", "Missing Authentication Token",
      VG_AUTHN_JSON, 0 },
    { SIGNED(""), "MissingAuthenticationToken", "Request is missing Authentication Token",
      VG_AUTHN_QUERY, 0 },
    { SIGNED(""), "AccessDenied", "Access Denied", VG_AUTHN_S3, 0 },
    { SIGNED("Authorization:AWS AKID:frJIUN8DYpKDtOLCwo//yllqDzg=\n"), "InvalidRequest",
      "The authorization mechanism you have provided is not supported. Please use "
      "AWS4-HMAC-SHA256.",
      VG_AUTHN_S3, 0 },
    { SIGNED("Authorization:Bearer abc\n"), "IncompleteSignatureException",
      "'Bearer abc' not a valid key=value pair (missing equal-sign) in Authorization header: "
      "'Bearer abc'.",
      VG_AUTHN_REST_JSON, 0 },
    { SIGNED("Authorization:AWS4-HMAC-SHA256 Credential=" CRED "\n"), "IncompleteSignature",
      "Authorization header requires 'Signature' parameter. Authorization header requires "
      "'SignedHeaders' parameter. Authorization header requires existence of either a "
      "'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256 Credential=" CRED,
      VG_AUTHN_QUERY, 0 },
    { SIGNED(AUTH("AKID/20150830/x", "host") DATE), "IncompleteSignature",
      "Credential must have exactly 5 slash-delimited elements, e.g. "
      "keyid/date/region/service/term, got 'AKID/20150830/x'",
      VG_AUTHN_QUERY, 0 },
    { SIGNED(AUTH(CRED, "host;x-amz-date") "X-Amz-Date:2015-08-30\n"), "IncompleteSignature",
      "Date must be in ISO-8601 'basic format'. Got '2015-08-30'. See "
      "http://en.wikipedia.org/wiki/ISO_8601",
      VG_AUTHN_QUERY, 0 },
    { SIGNED(AUTH(CRED, "x-amz-date") DATE), "SignatureDoesNotMatch",
      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.", VG_AUTHN_QUERY,
      0 },
    { SIGNED(AUTH("A/20150831/r/s3/aws5", "host;x-amz-date") DATE), "SignatureDoesNotMatch",
      "Credential should be scoped to correct service: 'service'. Credential should be scoped with "
      "a valid terminator: 'aws4_request', not 'aws5'. Date in Credential scope does not match "
      "YYYYMMDD from ISO-8601 version of date from HTTP: '20150831' != '20150830', from "
      "'20150830T123600Z'. ",
      VG_AUTHN_QUERY, 0 },
    { SIGNED(AUTH(CRED, "host;x-amz-date") DATE), "InvalidSignatureException",
      "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z "
      "(20150830T124101Z - 5 min.)",
      VG_AUTHN_JSON, 301000 },
    { SIGNED(AUTH(CRED, "host;x-amz-date") DATE), "SignatureDoesNotMatch",
      "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z "
      "(20150830T123059Z + 5 min.)",
      VG_AUTHN_QUERY, -301000 },
    { SIGNED(AUTH(CRED, "host;x-amz-date") DATE), "RequestTimeTooSkewed",
      "The difference between the request time and the current time is too large.", VG_AUTHN_S3,
      901000 },
    { SIGNED(AUTH(CRED, "host;x-amz-date") DATE "x-amz-acl:private\n"), "AccessDenied",
      "There were headers present in the request which were not signed", VG_AUTHN_S3, 0 },
    { SIGNED(AUTH(CRED, "host;x-amz-date") DATE), "InvalidRequest",
      "Missing required header for this request: x-amz-content-sha256", VG_AUTHN_S3, 0 },
    { SIGNED(AUTH(CRED, "host;x-amz-date") DATE "x-amz-content-sha256:UNSIGNED-PAYLOAD\n"),
      "InvalidSignatureException",
      "This operation requires a signed body: x-amz-content-sha256 must not be UNSIGNED-PAYLOAD.",
      VG_AUTHN_JSON, 0 },
    { SIGNED(AUTH(CRED, "host;x-amz-content-sha256;x-amz-date") DATE
             "x-amz-content-sha256:STREAMING-UNSIGNED-PAYLOAD-TRAILER\n"),
      "NotImplemented",
      "A body signed in chunks (x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER) is not "
      "supported by this operation.",
      VG_AUTHN_S3, 0 },
    { SIGNED("Authorization:AWS4-ECDSA-P256-SHA256 Credential=A/20150830/service/aws4_request, "
             "SignedHeaders=host;x-amz-date, Signature=00\n" DATE "X-Amz-Region-Set:*\n"),
      "InvalidSignatureException",
      "'X-Amz-Region-Set' must be a 'SignedHeader' in the AWS Authorization.", VG_AUTHN_JSON, 0 },
    { SIGNED("Authorization:AWS4-ECDSA-P256-SHA256 Credential=A/20150830/service/aws4_request, "
             "SignedHeaders=host;x-amz-date, Signature=00\n" DATE),
      "IncompleteSignatureException",
      "Authorization header requires existence of a 'X-Amz-Region-Set' header.", VG_AUTHN_JSON, 0 },
    { "GET /?X-Amz-Algorithm=AWS4-HMAC-SHA256 HTTP/1.1\nHost:x\n\n", "IncompleteSignature",
      "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters "
      "must include 'X-Amz-Signature'. AWS query-string parameters must include "
      "'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine "
      "the query-string parameters.",
      VG_AUTHN_QUERY, 0 },
    { SIGNED(AUTH(CRED, "host;x-amz-content-sha256;x-amz-date") DATE "x-amz-content-sha256:00\n"),
      "InvalidArgument",
      "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, or a "
      "valid sha256 value.",
      VG_AUTHN_S3, 0 },
    { PRESIGNED("AWS4-HMAC-SHA256", "s3", "604801"), "AuthorizationQueryParametersError",
      "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must "
      "be less than 604800 seconds",
      VG_AUTHN_S3, 0 },
    { PRESIGNED("AWS4-HMAC-SHA256", "s3", "-1"), "AuthorizationQueryParametersError",
      "X-Amz-Expires must be non-negative", VG_AUTHN_S3, 0 },
    { PRESIGNED("AWS5-HMAC", "s3", "60"), "AuthorizationQueryParametersError",
      "Unsupported AWS 'algorithm': 'AWS5-HMAC'. Supported: 'AWS4-HMAC-SHA256'.", VG_AUTHN_S3, 0 },
    { PRESIGNED("AWS4-HMAC-SHA256", "sqs", "60"), "AuthorizationQueryParametersError",
      "Credential should be scoped to correct service: 'service'. ", VG_AUTHN_S3, 0 },
};

static void
refusals_read_as_aws_words_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < VG_COUNT(refusals); i++) {
        const struct refusal *r = &refusals[i];
        vg_auto_arena struct vg_arena *a = vg_arena_new(0);
        struct message m;
        read_message(a, r->request, &m);
        const struct vg_sigv4_rules rules = { .family = r->family,
                                              .service = VG_STR("service"),
                                              .is_unsigned_body_ok = r->family == VG_AUTHN_S3,
                                              .now_ms = THEN_MS + r->late_ms };
        struct vg_sigv4 sig;
        struct vg_err err = { 0 };
        vg_rc rc = vg_sigv4_parse(a, &m.rq, &rules, &sig, &err);
        if (rc == VG_OK)
            rc = vg_sigv4_check(a, &sig, &rules, &err);
        if (rc == VG_OK)
            fail_msg("case %zu was accepted", i);
        same("refusal", "code", err.def->code, r->code);
        same("refusal", "text", vg_err_text(&err), r->text);
    }
}

/* S3 names them in <HeadersNotSigned>. */
static void
headers_that_were_not_signed_are_named(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct message m;
    read_message(a, SIGNED(AUTH(CRED, "host;x-amz-date") DATE "X-Amz-Acl:a\nx-amz-tagging:b\n"),
                 &m);
    const struct vg_sigv4_rules rules = { .family = VG_AUTHN_S3, .now_ms = THEN_MS };
    struct vg_sigv4 sig;
    struct vg_err err = { 0 };
    assert_int_equal(vg_sigv4_parse(a, &m.rq, &rules, &sig, &err), VG_FAIL);
    assert_int_equal(err.def->http_status, 403);
    assert_str(err.def->shape->members[0].wire, "HeadersNotSigned");
    assert_str(*(const struct vg_str *)err.detail, "x-amz-acl, x-amz-tagging");
}

/* The path as sent, the payload unsigned, response-* parameters part of what is signed:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
static void
awss_presigned_example_verifies(void **state)
{
    (void)state;
    static const char query[] =
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
        "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
        "&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    static const struct {
        const char *before;
        vg_rc rc;
    } cases[] = {
        { "/test.txt?", VG_OK },       { "/test.txt?response-content-type=text%2Fhtml&", VG_FAIL },
        { "/./test.txt?", VG_FAIL },   { "//test.txt?", VG_FAIL },
        { "/%74est.txt?", VG_OK }, /* the same key, encoded once */
        { "/%2574est.txt?", VG_FAIL },
    };
    const struct vg_sigv4_header host = { VG_STR("Host"),
                                          VG_STR("examplebucket.s3.amazonaws.com") };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        vg_auto_arena struct vg_arena *a = vg_arena_new(0);
        const struct vg_sigv4_request rq = { .method = VG_STR("GET"),
                                             .target =
                                                 vg_str_fmt(a, "%s%s", cases[i].before, query),
                                             .headers = &host,
                                             .n_headers = 1 };
        const struct vg_sigv4_rules rules = { .family = VG_AUTHN_S3,
                                              .service = VG_STR("s3"),
                                              .is_s3_path = true,
                                              .is_unsigned_body_ok = true,
                                              .now_ms = 1369353600000 };
        struct vg_sigv4 sig;
        struct vg_err err = { 0 };
        assert_ok(vg_sigv4_parse(a, &rq, &rules, &sig, &err));
        assert_ok(vg_sigv4_check(a, &sig, &rules, &err));
        assert_int_equal(vg_sigv4_verify(a, &rq, &rules, &sig,
                                         VG_STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                                         VG_STR_NONE, NULL, &err),
                         cases[i].rc);
    }
}

static void
a_presigned_request_expires_by_virtual_time(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct message m;
    read_message(a, vectors[10].query_signed_request, &m);
    struct vg_sigv4_rules rules = { .family = VG_AUTHN_S3,
                                    .now_ms = THEN_MS + 3600 * 1000,
                                    .is_unsigned_body_ok = true };
    struct vg_sigv4 sig;
    struct vg_err err = { 0 };
    assert_ok(vg_sigv4_parse(a, &m.rq, &rules, &sig, &err));
    assert_int_equal(sig.payload, VG_PAYLOAD_UNSIGNED);
    assert_ok(vg_sigv4_check(a, &sig, &rules, &err));
    rules.now_ms += 1;
    assert_int_equal(vg_sigv4_check(a, &sig, &rules, &err), VG_FAIL);
    assert_str(err.def->code, "AccessDenied");
    assert_str(vg_err_text(&err), "Request has expired");
}

/* "Thu, 01 Jan 1970" and a leap day, each way */
static void
a_date_header_stands_in_for_x_amz_date(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct message m;
    read_message(a,
                 SIGNED("Authorization:AWS4-HMAC-SHA256 Credential=A/20240229/r/service/"
                        "aws4_request,SignedHeaders=host,Signature=00\n"
                        "Date:Thu, 29 Feb 2024 23:59:59 GMT\n"),
                 &m);
    struct vg_sigv4_rules rules = { .family = VG_AUTHN_JSON, .now_ms = 1709251199000 };
    struct vg_sigv4 sig;
    struct vg_err err = { 0 };
    assert_ok(vg_sigv4_parse(a, &m.rq, &rules, &sig, &err));
    assert_str(sig.amz_date, "20240229T235959Z");
    assert_true(sig.signed_ms == 1709251199000);
    assert_ok(vg_sigv4_check(a, &sig, &rules, &err));
}

static void
a_declared_body_hash_is_held_against_the_body(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct message m;
    read_message(a,
                 SIGNED(AUTH(CRED, "host;x-amz-content-sha256;x-amz-date") DATE
                        "x-amz-content-sha256:"
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"),
                 &m);
    struct vg_sigv4_rules rules = { .family = VG_AUTHN_S3, .now_ms = THEN_MS };
    struct vg_sigv4 sig;
    struct vg_err err = { 0 };
    assert_ok(vg_sigv4_parse(a, &m.rq, &rules, &sig, &err));
    assert_int_equal(sig.payload, VG_PAYLOAD_DECLARED);
    uint8_t digest[VG_SHA256_BYTES];
    vg_sha256(VG_STR("abc"), digest);
    assert_ok(vg_sigv4_body(a, &sig, &rules, digest, &err));
    vg_sha256(VG_STR("abd"), digest);
    assert_int_equal(vg_sigv4_body(a, &sig, &rules, digest, &err), VG_FAIL);
    assert_str(err.def->code, "XAmzContentSHA256Mismatch");
}

static void
cached_keys_are_the_derived_ones(void **state)
{
    (void)state;
    struct vg_sigv4_keys *keys = vg_sigv4_keys_new();
    char secret[] = "secret-0";
    for (int round = 0; round < 2; round++) {
        for (char c = '0'; c <= '~'; c++) {
            uint8_t k1[VG_SHA256_BYTES], k2[VG_SHA256_BYTES];
            secret[7] = c;
            vg_sigv4_keys_get(keys, vg_str_of(secret), VG_STR("20150830"), VG_STR("us-east-1"),
                              VG_STR("iam"), k1);
            vg_sigv4_signing_key(vg_str_of(secret), VG_STR("20150830"), VG_STR("us-east-1"),
                                 VG_STR("iam"), k2);
            assert_memory_equal(k1, k2, sizeof(k1));
        }
    }
    vg_sigv4_keys_free(keys);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aws_vectors_verify_by_header),
        cmocka_unit_test(aws_vectors_verify_by_query),
        cmocka_unit_test(aws_vectors_of_4a_verify),
        cmocka_unit_test(a_region_set_names_a_region),
        cmocka_unit_test(refusals_read_as_aws_words_them),
        cmocka_unit_test(headers_that_were_not_signed_are_named),
        cmocka_unit_test(awss_presigned_example_verifies),
        cmocka_unit_test(a_presigned_request_expires_by_virtual_time),
        cmocka_unit_test(a_date_header_stands_in_for_x_amz_date),
        cmocka_unit_test(a_declared_body_hash_is_held_against_the_body),
        cmocka_unit_test(cached_keys_are_the_derived_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
