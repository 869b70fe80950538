/* SPDX-License-Identifier: Apache-2.0 */
#include "front/exchange.h"

#include "auth/sigv2.h"
#include "base/buf.h"
#include "base/log.h"
#include "clock/clock.h"
#include "core/fail.h"
#include "front/s3_host.h"
#include "os/clock.h"

#include <errno.h>
#include <zlib.h>

#define ANSWER_WITHIN_MS (15 * 60 * 1000 + 60000) /* the longest call: a 15 minute invocation */

static const struct vg_principal anonymous = {
    .kind = VG_PRINCIPAL_ANONYMOUS,
    .partition = VG_STR_INIT("aws"),
    .account = VG_STR_INIT(""),
    .arn = VG_STR_INIT("anonymous"),
    .user_id = VG_STR_INIT("anonymous"),
    .name = VG_STR_INIT("anonymous"),
};

static void
add_common(struct vg_exchange *x, struct vg_str key, struct vg_str value)
{
    if (!value.ptr)
        return;
    VG_ASSERT(x->n_common < VG_COUNT(x->common));
    x->common[x->n_common++] = (struct vg_ctx) { .key = key, .value = value };
}

/* What S3 makes of host and path. */
static void
find_bucket(struct vg_exchange *x)
{
    struct vg_str bucket, path = x->http->path;
    x->s3_path = path;
    x->is_s3_host = vg_s3_host(x->host.name, &bucket);
    if (!x->is_s3_host)
        bucket = vg_s3_host_of_localhost(x->host.name);
    if (!bucket.ptr || !vg_str_starts(path, VG_STR("/")))
        return;
    x->signed_part.bucket = bucket;
    x->s3_path = vg_str_fmt(x->http->arena, "/%" VG_FMT "%" VG_FMT, VG_ARG(bucket), VG_ARG(path));
}

bool
vg_exchange_init(struct vg_exchange *x, const struct vg_env *env, struct vg_http_req *http)
{
    *x = (struct vg_exchange) { .http = http };
    vg_root_init(&x->root, env, http->arena, &anonymous, env->config->account, env->config->region);
    x->root.rq.deadline_ms = vg_mono_ms() + ANSWER_WITHIN_MS;
    if (!vg_host_parse(http->arena, http->host, &x->host))
        return false;
    struct vg_sigv4_header *headers =
        VG_NEW_ARRAY(http->arena, struct vg_sigv4_header, http->n_headers);
    for (size_t i = 0; i < http->n_headers; i++)
        headers[i] = (struct vg_sigv4_header) { http->headers[i].name, http->headers[i].value };
    x->signed_part = (struct vg_sigv4_request) { .method = http->method,
                                                 .target = http->target,
                                                 .headers = headers,
                                                 .n_headers = http->n_headers };
    x->is_signed = vg_sigv4_is_signed(&x->signed_part);
    find_bucket(x);
    x->done = (struct vg_done) { .http = http, .path = x->s3_path };
    x->root.rq.done = &x->done;
    add_common(x, VG_STR("aws:SourceIp"), vg_http_remote(http, NULL));
    add_common(x, VG_STR("aws:UserAgent"), vg_http_header(http, VG_STR("user-agent")));
    add_common(x, VG_STR("aws:Referer"), vg_http_header(http, VG_STR("referer")));
    add_common(x, VG_STR("aws:SecureTransport"),
               http->listener->is_tls ? VG_STR("true") : VG_STR("false"));
    return true;
}

struct vg_exchange *
vg_exchange_of(struct vg_req *rq)
{
    return VG_CONTAINER(rq, struct vg_exchange, root.rq);
}

struct vg_str
vg_exchange_scope_service(const struct vg_exchange *x)
{
    struct vg_str text = vg_http_header(x->http, VG_STR("authorization"));
    if (text.ptr ? vg_sigv2_is_header(text) : vg_sigv2_is_presigned(&x->signed_part))
        return VG_STR("s3"); /* has no scope; nobody else has such signatures any more */
    size_t at = vg_str_find(text, VG_STR("Credential="));
    size_t skip = 11;
    char slash = '/';
    if (at == VG_NPOS) {
        text = x->http->query;
        at = vg_str_find(text, VG_STR("X-Amz-Credential="));
        skip = 17;
    }
    if (at == VG_NPOS)
        return VG_STR_NONE;
    struct vg_str scope = vg_str_slice(text, at + skip, text.len);
    size_t end = 0;
    while (end < scope.len && scope.ptr[end] != ',' && scope.ptr[end] != '&'
           && scope.ptr[end] != ' ')
        end++;
    scope = vg_str_slice(scope, 0, end);
    if (vg_str_find_char(scope, slash) == VG_NPOS) { /* presigned: slashes are %2F */
        for (int i = 0; i < 3; i++) {
            size_t cut = vg_str_find(scope, VG_STR("%2F"));
            scope = cut == VG_NPOS ? VG_STR_NONE : vg_str_slice(scope, cut + 3, scope.len);
        }
        return vg_str_slice(scope, 0, vg_str_find_char(scope, '%'));
    }
    for (int i = 0; i < 3; i++)
        vg_str_cut(&scope, slash);
    return vg_str_cut(&scope, slash);
}

/* Whether the configured root key may be used by what sent this. */
static struct vg_authn_door
door_of(struct vg_exchange *x)
{
    const struct vg_http_req *http = x->http;
    struct vg_str origin = vg_http_header(http, VG_STR("origin"));
    struct vg_str site = vg_http_header(http, VG_STR("sec-fetch-site"));
    if (http->listener->trust == VG_TRUST_SANDBOX)
        return (struct vg_authn_door) {
            true, VG_STR("The root key cannot be used from inside a function.")
        };
    if (http->listener->trust != VG_TRUST_LOOPBACK)
        return (struct vg_authn_door) { 0 }; /* a random root key: as on AWS, from anywhere */
    if (!vg_host_is_ours(x->host.name))
        return (struct vg_authn_door) {
            true, VG_STR("The default key cannot be used under this host name.")
        };
    if (vg_origin_is_foreign(http->arena, origin, site))
        return (struct vg_authn_door) {
            true, VG_STR("The default key cannot be used from another site's page.")
        };
    return (struct vg_authn_door) { 0 };
}

static int64_t
virtual_of(const void *clock, int64_t wall_ms)
{
    return vg_clock_virtual_of(clock, wall_ms);
}

static void
set_caller(struct vg_exchange *x)
{
    x->root.scope.caller = x->authn.principal;
    x->root.scope.owner = x->authn.principal->account;
    x->root.scope.region = x->authn.sig.region;
}

vg_rc
vg_exchange_authenticate(struct vg_exchange *x, enum vg_authn_family family,
                         struct vg_str signing_name)
{
    struct vg_req *rq = &x->root.rq;
    x->rules = (struct vg_sigv4_rules) {
        .family = family,
        .region = rq->env->config->region,
        .service = signing_name,
        .is_s3_path = family == VG_AUTHN_S3,
        .is_unsigned_body_ok = family == VG_AUTHN_S3,
        .is_chunked_body_ok = family == VG_AUTHN_S3,
        .now_ms = vg_wall_ms(),
        .virtual_of = virtual_of,
        .clock = rq->env->clock,
    };
    if (!x->is_signed && family != VG_AUTHN_S3)
        x->authn.sig.payload = VG_PAYLOAD_UNSIGNED;
    else if (!x->is_signed)
        return vg_sigv4_parse_anonymous(rq->arena, &x->signed_part, &x->rules, &x->authn.sig,
                                        rq->err);
    if (!x->is_signed)
        return VG_OK;
    const struct vg_authn_door door = door_of(x);
    vg_rc rc = vg_authn_begin(rq->env->auth, rq->sess, &x->signed_part, &x->rules, &door, &x->authn,
                              rq->err);
    if (rc == VG_FAIL && rq->err->def == NULL)
        return vg_fail_internal(rq, NULL);
    if (rc == VG_OK)
        set_caller(x);
    return rc;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/developerguide/bucket-policy-s3-sigv4-conditions.html:
 * the age is of presigned requests and forms only, "in Signature Version 2 this value is always set
 * to 0". */
void
vg_exchange_add_s3(struct vg_exchange *x)
{
    const struct vg_sigv4 *sig = &x->authn.sig;
    const struct vg_sigv4_rules *r = &x->rules;
    add_common(x, VG_STR("s3:TlsVersion"), vg_http_tls_version(x->http));
    add_common(x, VG_STR("s3:x-amz-content-sha256"),
               vg_http_header(x->http, VG_STR("x-amz-content-sha256")));
    if (!x->is_signed)
        return;
    add_common(x, VG_STR("s3:authType"),
               x->is_form      ? VG_STR("POST")
               : sig->is_query ? VG_STR("REST-QUERY-STRING")
                               : VG_STR("REST-HEADER"));
    add_common(x, VG_STR("s3:signatureversion"),
               sig->is_v2           ? VG_STR("AWS")
               : sig->is_asymmetric ? VG_STR("AWS4-ECDSA-P256-SHA256")
                                    : VG_STR("AWS4-HMAC-SHA256"));
    if (!sig->is_query && !x->is_form)
        return;
    int64_t age_ms =
        sig->is_v2 ? 0
                   : r->virtual_of(r->clock, r->now_ms) - r->virtual_of(r->clock, sig->signed_ms);
    add_common(x, VG_STR("s3:signatureAge"), vg_str_fmt(x->http->arena, "%lld", (long long)age_ms));
}

/* RFC 1952; AWS SDKs compress large request bodies of some operations. */
static vg_rc
gunzip(struct vg_req *rq, size_t max_bytes, struct vg_str *body)
{
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, max_bytes);
    z_stream z = { .next_in = (Bytef *)(uintptr_t)body->ptr, .avail_in = (uInt)body->len };
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        VG_BUG("zlib has no memory");
    int rc = Z_OK;
    while (rc == Z_OK && !b.over) {
        char *to = vg_buf_room(&b, VG_MIN((size_t)65536, max_bytes - b.len));
        if (to == NULL || max_bytes == b.len)
            break;
        z.next_out = (Bytef *)to;
        z.avail_out = (uInt)VG_MIN((size_t)65536, max_bytes - b.len);
        uInt room = z.avail_out;
        rc = inflate(&z, Z_NO_FLUSH);
        b.len += room - z.avail_out;
    }
    inflateEnd(&z);
    if (rc == Z_OK || b.over)
        return vg_fail(rq, &vg_err_request_too_large, "Request size exceeded %zu bytes", max_bytes);
    if (rc != Z_STREAM_END)
        return vg_fail_validation(rq, "The request body is no valid gzip stream.");
    *body = vg_buf_str(&b);
    return VG_OK;
}

static vg_rc
read_body(struct vg_exchange *x, size_t max_bytes)
{
    struct vg_req *rq = &x->root.rq;
    x->body = VG_STR("");
    if (!x->http->has_body)
        return VG_OK;
    struct vg_err cause = { 0 };
    vg_rc rc = vg_http_body_read_all(x->http, max_bytes, &x->body, &cause);
    if (rc != VG_FAIL)
        return rc;
    vg_http_close_after(x->http);
    if (cause.os_errno == EFBIG)
        return vg_fail(rq, &vg_err_request_too_large, "Request size exceeded %zu bytes", max_bytes);
    return vg_fail_validation(rq, "The request body could not be read: %" VG_FMT ".",
                              VG_ARG(vg_err_text(&cause)));
}

/* That a last use could not be written fails no request: the disk's trouble has its own log lines.
 */
static vg_rc
note_use(struct vg_exchange *x)
{
    struct vg_req *rq = &x->root.rq;
    struct vg_err cause = { 0 };
    vg_rc rc = vg_auth_used(rq->env->auth, rq->sess, &x->authn, &cause);
    if (rc == VG_FAIL)
        vg_log(VG_LOG_DEBUG, "key_use_not_stored", { "request", rq->id },
               { "error", vg_err_text(&cause) });
    return rc == VG_FAIL ? VG_OK : rc;
}

vg_rc
vg_exchange_authenticate_form(struct vg_exchange *x, const struct vg_sigv4_form *form,
                              const struct vg_sigv4 *sig)
{
    struct vg_req *rq = &x->root.rq;
    const struct vg_authn_door door = door_of(x);
    x->authn = (struct vg_authn) { .sig = *sig };
    vg_rc rc = vg_authn_form(rq->env->auth, rq->sess, form, &x->rules, &door, &x->authn, rq->err);
    if (rc == VG_FAIL && rq->err->def == NULL)
        return vg_fail_internal(rq, NULL);
    if (rc != VG_OK)
        return rc;
    x->is_signed = true;
    x->is_form = true;
    set_caller(x);
    return note_use(x);
}

static vg_rc
read_raw(void *from, struct vg_str *ret, struct vg_err *err)
{
    struct vg_http_req *http = from;
    *ret = VG_STR("");
    return http->has_body ? vg_http_body_read(http, ret, err) : VG_OK;
}

static vg_rc
open_stream(struct vg_exchange *x)
{
    x->stream = (struct vg_body) { .read = read_raw, .from = x->http };
    return vg_body_open(&x->root.rq, &x->stream, &x->signed_part, &x->rules, &x->authn,
                        x->http->content_length);
}

vg_rc
vg_exchange_stream(struct vg_exchange *x, size_t max_bytes)
{
    vg_rc rc;
    if (x->authn.sig.payload != VG_PAYLOAD_BODY) {
        rc = open_stream(x);
        return rc == VG_OK && x->is_signed ? note_use(x) : rc;
    }
    rc = vg_exchange_body_as_sent(x, max_bytes);
    if (rc == VG_OK)
        vg_body_open_bytes(&x->root.rq, &x->stream, x->body);
    return rc;
}

/* A body in chunks for an operation that has it whole. */
static vg_rc
read_chunked(struct vg_exchange *x, size_t max_bytes)
{
    struct vg_req *rq = &x->root.rq;
    vg_rc rc = open_stream(x);
    if (rc == VG_OK)
        rc = vg_body_read_all(rq, max_bytes, &x->body);
    rq->body = NULL;
    if (rc != VG_OK)
        vg_http_close_after(x->http);
    return rc == VG_OK && x->is_signed ? note_use(x) : rc;
}

const struct vg_http_header *
vg_exchange_headers(struct vg_exchange *x, size_t *ret_n)
{
    const struct vg_http_req *http = x->http;
    struct vg_http_header *out = NULL;
    size_t n = 0;
    *ret_n = http->n_headers;
    if (x->rules.family != VG_AUTHN_S3)
        return http->headers;
    out = VG_NEW_ARRAY(http->arena, struct vg_http_header, http->n_headers + 1);
    for (size_t i = 0; i < http->n_headers; i++) {
        struct vg_http_header h = http->headers[i];
        if (vg_str_eq_nocase(h.name, VG_STR("content-encoding"))) {
            struct vg_buf b;
            vg_buf_init(&b, http->arena, h.value.len + 16);
            for (struct vg_str rest = h.value; rest.ptr;) {
                struct vg_str coding = vg_str_trim(vg_str_cut(&rest, ','));
                if (!vg_str_eq_nocase(coding, VG_STR("aws-chunked")))
                    vg_buf_addf(&b, "%s%" VG_FMT, b.len ? "," : "", VG_ARG(coding));
            }
            h.value = vg_buf_str(&b);
            if (h.value.len == 0)
                continue;
        }
        out[n++] = h;
    }
    *ret_n = n;
    return out;
}

vg_rc
vg_exchange_body_as_sent(struct vg_exchange *x, size_t max_bytes)
{
    struct vg_req *rq = &x->root.rq;
    uint8_t digest[VG_SHA256_BYTES];
    if (x->authn.sig.payload == VG_PAYLOAD_CHUNKED)
        return read_chunked(x, max_bytes);
    vg_rc rc = read_body(x, max_bytes);
    if (rc != VG_OK || (!x->is_signed && x->authn.sig.payload != VG_PAYLOAD_DECLARED))
        return rc;
    vg_sha256(x->body, digest);
    if (x->authn.needs_body)
        rc = vg_authn_finish(rq->env->auth, rq->arena, &x->signed_part, &x->rules, &x->authn,
                             digest, rq->err);
    else
        rc = vg_sigv4_body(rq->arena, &x->authn.sig, &x->rules, digest, rq->err);
    return rc == VG_OK && x->is_signed ? note_use(x) : rc;
}

vg_rc
vg_exchange_body(struct vg_exchange *x, size_t max_bytes)
{
    struct vg_req *rq = &x->root.rq;
    vg_rc rc = vg_exchange_body_as_sent(x, max_bytes);
    if (rc != VG_OK)
        return rc;
    struct vg_str coding = vg_http_header(x->http, VG_STR("content-encoding"));
    /* S3 keeps objects as they are sent */
    if (vg_str_eq_nocase(coding, VG_STR("gzip")) && x->rules.family != VG_AUTHN_S3)
        return gunzip(rq, max_bytes, &x->body);
    return VG_OK;
}
