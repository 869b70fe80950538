/* SPDX-License-Identifier: Apache-2.0 */

/* What a request says of its signature, in the Authorization header or in the query string. */

#include "auth/sigv2.h"
#include "auth/sigv4.h"
#include "auth/sigv4_int.h"

#include "base/arena.h"
#include "base/buf.h"
#include "wire/shape.h"

#define ALGORITHM      VG_STR("AWS4-HMAC-SHA256")
#define ALGORITHM_4A   VG_STR("AWS4-ECDSA-P256-SHA256")
#define UNSIGNED       VG_STR("UNSIGNED-PAYLOAD")
#define EXPIRES_MAX_S  604800
#define SKEW_S3_MS     (15 * 60 * 1000)
#define SKEW_MS        (5 * 60 * 1000)
#define TEXT_MAX_BYTES 8192

struct vg_str
vg_sigv4_header(const struct vg_sigv4_request *rq, struct vg_str name)
{
    for (size_t i = 0; i < rq->n_headers; i++)
        if (vg_str_eq_nocase(rq->headers[i].name, name))
            return rq->headers[i].value;
    return VG_STR_NONE;
}

struct vg_str
vg_sigv4_query(struct vg_str target)
{
    size_t at = vg_str_find_char(target, '?');
    return at == VG_NPOS ? VG_STR_NONE : vg_str_slice(target, at + 1, target.len);
}

/* A query parameter, decoded; absent when not there. */
static struct vg_str
query_get(struct vg_arena *arena, const struct vg_sigv4_request *rq, struct vg_str name)
{
    struct vg_str rest = vg_sigv4_query(rq->target);
    while (rest.ptr) {
        struct vg_str pair = vg_str_cut(&rest, '&');
        struct vg_str key = vg_str_cut(&pair, '=');
        if (vg_str_eq(key, name))
            return vg_sigv4_decode(arena, pair.ptr ? pair : VG_STR(""));
    }
    return VG_STR_NONE;
}

static bool
has_query_form(const struct vg_sigv4_request *rq)
{
    struct vg_str rest = vg_sigv4_query(rq->target);
    while (rest.ptr) {
        struct vg_str pair = vg_str_cut(&rest, '&');
        struct vg_str key = vg_str_cut(&pair, '=');
        if (vg_str_eq(key, VG_STR("X-Amz-Algorithm")) || vg_str_eq(key, VG_STR("X-Amz-Signature"))
            || vg_str_eq(key, VG_STR("X-Amz-Credential")))
            return true;
    }
    return false;
}

bool
vg_sigv4_is_signed(const struct vg_sigv4_request *rq)
{
    return vg_sigv4_header(rq, VG_STR("authorization")).ptr || has_query_form(rq)
           || vg_sigv2_is_presigned(rq);
}

static vg_rc
incomplete(struct vg_err *err, const struct vg_sigv4_rules *rules, const struct vg_sigv4 *sig,
           struct vg_str text)
{
    return vg_authn_fail(err, rules->family,
                         sig->is_query ? VG_AUTHN_BAD_QUERY : VG_AUTHN_INCOMPLETE, text);
}

bool
vg_sigv4_split_credential(struct vg_str cred, struct vg_sigv4 *ret)
{
    struct vg_str *parts[] = { &ret->terminator, &ret->service, &ret->region, &ret->date };
    for (size_t i = 0; i < VG_COUNT(parts); i++) {
        if (ret->is_asymmetric && parts[i] == &ret->region)
            continue;
        size_t at = vg_str_rfind_char(cred, '/');
        if (at == VG_NPOS)
            return false;
        *parts[i] = vg_str_slice(cred, at + 1, cred.len);
        cred = vg_str_slice(cred, 0, at);
    }
    ret->access_key_id = cred;
    return cred.len > 0;
}

static vg_rc
take_credential(struct vg_arena *arena, const struct vg_sigv4_rules *rules, struct vg_str cred,
                struct vg_sigv4 *ret, struct vg_err *err)
{
    if (vg_sigv4_split_credential(cred, ret))
        return VG_OK;
    return incomplete(err, rules, ret,
                      vg_str_fmt(arena,
                                 "Credential must have exactly %d slash-delimited elements, e.g. "
                                 "keyid/date/%sservice/term, got '%" VG_FMT "'",
                                 ret->is_asymmetric ? 4 : 5, ret->is_asymmetric ? "" : "region/",
                                 VG_ARG(cred)));
}

/* "eu-*" and "*" stand for many regions. */
static bool
is_in_region(struct vg_str pattern, struct vg_str region)
{
    if (!vg_str_ends(pattern, VG_STR("*")))
        return vg_str_eq(pattern, region);
    return vg_str_starts(region, vg_str_slice(pattern, 0, pattern.len - 1));
}

/*
 * Which region of the set is meant: AWS's endpoints are in one, this one serves all.  So the
 * endpoint's own where the set has it, else the first that the set names; a set of other patterns
 * only names none, and the scope is refused.
 */
static void
take_region(const struct vg_sigv4_rules *rules, struct vg_sigv4 *ret)
{
    struct vg_str rest = ret->region_set, first = VG_STR("");
    while (rest.ptr) {
        struct vg_str one = vg_str_trim(vg_str_cut(&rest, ','));
        if (rules->region.len > 0 && is_in_region(one, rules->region)) {
            ret->region = rules->region;
            return;
        }
        if (first.len == 0 && vg_str_find_char(one, '*') == VG_NPOS)
            first = one;
    }
    ret->region = first;
}

static vg_rc
take_date(struct vg_arena *arena, const struct vg_sigv4_rules *rules, struct vg_str text,
          struct vg_sigv4 *ret, struct vg_err *err)
{
    if (vg_sigv4_time(arena, text, &ret->signed_ms, &ret->amz_date))
        return VG_OK;
    return incomplete(err, rules, ret,
                      vg_str_fmt(arena,
                                 "Date must be in ISO-8601 'basic format'. Got '%" VG_FMT
                                 "'. See http://en.wikipedia.org/wiki/ISO_8601",
                                 VG_ARG(text)));
}

/* "Credential=…, SignedHeaders=…, Signature=…" in any order, commas with or without blanks. */
static vg_rc
take_params(struct vg_arena *arena, const struct vg_sigv4_rules *rules, struct vg_str auth,
            struct vg_str rest, struct vg_str *cred, struct vg_sigv4 *ret, struct vg_err *err)
{
    while (rest.ptr) {
        struct vg_str pair = vg_str_trim(vg_str_cut(&rest, ','));
        if (pair.len == 0)
            continue;
        struct vg_str value = pair;
        struct vg_str key = vg_str_cut(&value, '=');
        if (!value.ptr)
            return incomplete(err, rules, ret,
                              vg_str_fmt(arena,
                                         "'%" VG_FMT "' not a valid key=value pair (missing "
                                         "equal-sign) in Authorization header: '%" VG_FMT "'.",
                                         VG_ARG(pair), VG_ARG(auth)));
        if (vg_str_eq(key, VG_STR("Credential")))
            *cred = value;
        else if (vg_str_eq(key, VG_STR("SignedHeaders")))
            ret->signed_headers = value;
        else if (vg_str_eq(key, VG_STR("Signature")))
            ret->signature = value;
    }
    return VG_OK;
}

static vg_rc
parse_header(struct vg_arena *arena, const struct vg_sigv4_request *rq,
             const struct vg_sigv4_rules *rules, struct vg_str auth, struct vg_sigv4 *ret,
             struct vg_err *err)
{
    struct vg_str rest = auth, cred = VG_STR_NONE;
    struct vg_str scheme = vg_str_cut(&rest, ' ');
    ret->is_asymmetric = vg_str_eq(scheme, ALGORITHM_4A);
    if (vg_sigv2_is_header(auth) && rules->family == VG_AUTHN_S3)
        return vg_authn_fail(err, rules->family, VG_AUTHN_VERSION_2, VG_STR_NONE);
    if (!vg_str_eq(scheme, ALGORITHM) && !ret->is_asymmetric)
        rest = auth; /* as AWS does: whatever it is, it is read as key=value pairs */
    vg_rc rc = take_params(arena, rules, auth, rest.ptr ? rest : VG_STR(""), &cred, ret, err);
    if (rc != VG_OK)
        return rc;

    struct vg_str date = vg_sigv4_header(rq, VG_STR("x-amz-date"));
    if (!date.ptr)
        date = vg_sigv4_header(rq, VG_STR("date"));
    if (!cred.ptr || !ret->signature.ptr || !ret->signed_headers.ptr || !date.ptr) {
        struct vg_buf b;
        vg_buf_init(&b, arena, TEXT_MAX_BYTES);
        if (!cred.ptr)
            vg_buf_adds(&b, VG_STR("Authorization header requires 'Credential' parameter. "));
        if (!ret->signature.ptr)
            vg_buf_adds(&b, VG_STR("Authorization header requires 'Signature' parameter. "));
        if (!ret->signed_headers.ptr)
            vg_buf_adds(&b, VG_STR("Authorization header requires 'SignedHeaders' parameter. "));
        if (!date.ptr)
            vg_buf_adds(&b, VG_STR("Authorization header requires existence of either a "
                                   "'X-Amz-Date' or a 'Date' header. "));
        vg_buf_addf(&b, "Authorization=%" VG_FMT, VG_ARG(auth));
        return incomplete(err, rules, ret, vg_buf_str(&b));
    }
    rc = take_credential(arena, rules, cred, ret, err);
    if (rc == VG_OK)
        rc = take_date(arena, rules, date, ret, err);
    if (rc != VG_OK)
        return rc;
    ret->token = vg_sigv4_header(rq, VG_STR("x-amz-security-token"));
    if (!ret->is_asymmetric)
        return VG_OK;
    ret->region_set = vg_sigv4_header(rq, VG_STR("x-amz-region-set"));
    if (!ret->region_set.ptr)
        return incomplete(err, rules, ret,
                          VG_STR("Authorization header requires existence of a "
                                 "'X-Amz-Region-Set' header."));
    take_region(rules, ret);
    return VG_OK;
}

static vg_rc
take_expires(struct vg_arena *arena, const struct vg_sigv4_request *rq,
             const struct vg_sigv4_rules *rules, struct vg_sigv4 *ret, struct vg_err *err)
{
    struct vg_str text = query_get(arena, rq, VG_STR("X-Amz-Expires"));
    ret->expires_s = SKEW_S3_MS / 1000;
    if (!text.ptr) {
        if (rules->family != VG_AUTHN_S3)
            return VG_OK;
        return incomplete(err, rules, ret,
                          VG_STR("Query-string authentication version 4 requires the "
                                 "X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "
                                 "X-Amz-SignedHeaders, and X-Amz-Expires parameters."));
    }
    if (!vg_str_to_i64(text, &ret->expires_s))
        return incomplete(err, rules, ret, VG_STR("X-Amz-Expires should be a number"));
    if (ret->expires_s < 0)
        return incomplete(err, rules, ret, VG_STR("X-Amz-Expires must be non-negative"));
    if (ret->expires_s > EXPIRES_MAX_S)
        return incomplete(err, rules, ret,
                          VG_STR("X-Amz-Expires must be less than a week (in seconds); that is, "
                                 "the given X-Amz-Expires must be less than 604800 seconds"));
    return VG_OK;
}

static vg_rc
parse_query(struct vg_arena *arena, const struct vg_sigv4_request *rq,
            const struct vg_sigv4_rules *rules, struct vg_sigv4 *ret, struct vg_err *err)
{
    static const char *const names[] = { "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature",
                                         "X-Amz-SignedHeaders", "X-Amz-Date" };
    struct vg_str got[VG_COUNT(names)];
    struct vg_buf b;
    vg_buf_init(&b, arena, TEXT_MAX_BYTES);
    for (size_t i = 0; i < VG_COUNT(names); i++) {
        got[i] = query_get(arena, rq, vg_str_of(names[i]));
        if (!got[i].ptr)
            vg_buf_addf(&b, "AWS query-string parameters must include '%s'. ", names[i]);
    }
    if (b.len > 0) {
        vg_buf_adds(&b, VG_STR("Re-examine the query-string parameters."));
        return incomplete(err, rules, ret, vg_buf_str(&b));
    }
    ret->is_asymmetric = vg_str_eq(got[0], ALGORITHM_4A);
    if (!vg_str_eq(got[0], ALGORITHM) && !ret->is_asymmetric)
        return vg_authn_fail(
            err, rules->family,
            rules->family == VG_AUTHN_S3 ? VG_AUTHN_BAD_QUERY : VG_AUTHN_UNSUPPORTED,
            vg_str_fmt(arena,
                       "Unsupported AWS 'algorithm': '%" VG_FMT "'. Supported: 'AWS4-HMAC-SHA256'.",
                       VG_ARG(got[0])));
    if (ret->is_asymmetric) {
        ret->region_set = query_get(arena, rq, VG_STR("X-Amz-Region-Set"));
        if (!ret->region_set.ptr)
            return incomplete(err, rules, ret,
                              VG_STR("AWS query-string parameters must include "
                                     "'X-Amz-Region-Set'. Re-examine the query-string "
                                     "parameters."));
        take_region(rules, ret);
    }
    ret->signature = got[2];
    ret->signed_headers = got[3];
    vg_rc rc = take_credential(arena, rules, got[1], ret, err);
    if (rc == VG_OK)
        rc = take_date(arena, rules, got[4], ret, err);
    if (rc == VG_OK)
        rc = take_expires(arena, rq, rules, ret, err);
    if (rc == VG_OK)
        ret->token = query_get(arena, rq, VG_STR("X-Amz-Security-Token"));
    return rc;
}

/* <HeadersNotSigned>x-amz-acl</HeadersNotSigned> beside the message, as S3 answers. */
static vg_rc
not_signed(struct vg_arena *arena, struct vg_str names, struct vg_err *err)
{
    static const struct vg_shape text = { .type = VG_T_STR, .size = sizeof(struct vg_str) };
    static const struct vg_member member = { .name = VG_STR_INIT("HeadersNotSigned"),
                                             .wire = VG_STR_INIT("HeadersNotSigned"),
                                             .shape = &text };
    static const struct vg_shape shape = {
        .type = VG_T_STRUCT, .size = sizeof(struct vg_str), .members = &member, .n_members = 1
    };
    static const struct vg_errdef def = { .code = VG_STR_INIT("AccessDenied"),
                                          .http_status = 403,
                                          .is_sender_fault = true,
                                          .shape = &shape };
    vg_rc rc =
        vg_authn_fail(err, VG_AUTHN_S3, VG_AUTHN_MISSING,
                      VG_STR("There were headers present in the request which were not signed"));
    err->def = &def;
    err->detail = vg_arena_copy(arena, &names, sizeof(names));
    return rc;
}

static bool
is_listed(const struct vg_sigv4 *sig, struct vg_str name)
{
    struct vg_str rest = sig->signed_headers;
    while (rest.ptr)
        if (vg_str_eq(vg_str_cut(&rest, ';'), name))
            return true;
    return false;
}

/* Every entry must be lower case and in the request; Host must be among them. */
static vg_rc
check_signed_headers(struct vg_arena *arena, const struct vg_sigv4_request *rq,
                     const struct vg_sigv4_rules *rules, const struct vg_sigv4 *sig,
                     struct vg_err *err)
{
    bool has_host = is_listed(sig, VG_STR("host")) || is_listed(sig, VG_STR(":authority"));
    if (sig->is_asymmetric && !sig->is_query && !is_listed(sig, VG_STR("x-amz-region-set")))
        return vg_authn_fail(err, rules->family, VG_AUTHN_MISMATCH,
                             VG_STR("'X-Amz-Region-Set' must be a 'SignedHeader' in the AWS "
                                    "Authorization."));
    if (!has_host)
        return vg_authn_fail(err, rules->family, VG_AUTHN_MISMATCH,
                             VG_STR("'Host' or ':authority' must be a 'SignedHeader' in the AWS "
                                    "Authorization."));
    if (rules->family != VG_AUTHN_S3)
        return VG_OK;
    struct vg_buf b;
    vg_buf_init(&b, arena, TEXT_MAX_BYTES);
    for (size_t i = 0; i < rq->n_headers; i++) {
        struct vg_str name = vg_str_lower(arena, rq->headers[i].name);
        if (vg_str_starts(name, VG_STR("x-amz-")) && !is_listed(sig, name))
            vg_buf_addf(&b, "%s%" VG_FMT, b.len ? ", " : "", VG_ARG(name));
    }
    return b.len == 0 && !b.over ? VG_OK : not_signed(arena, vg_buf_str(&b), err);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
static vg_rc
take_chunked(struct vg_arena *arena, const struct vg_sigv4_rules *rules, struct vg_str text,
             struct vg_sigv4 *ret, struct vg_err *err)
{
    static const struct {
        struct vg_str text;
        bool is_signed, has_trailer;
    } forms[] = {
        { VG_STR_INIT("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), true, false },
        { VG_STR_INIT("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"), true, true },
        { VG_STR_INIT("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"), true, false },
        { VG_STR_INIT("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"), true, true },
        { VG_STR_INIT("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), false, true },
    };
    for (size_t i = 0; i < VG_COUNT(forms) && rules->is_chunked_body_ok; i++) {
        if (!vg_str_eq(text, forms[i].text))
            continue;
        /* The chunks are signed as the head is. */
        if (forms[i].is_signed
            && ret->is_asymmetric != vg_str_starts(text, VG_STR("STREAMING-AWS4-ECDSA")))
            break;
        ret->payload = VG_PAYLOAD_CHUNKED;
        ret->is_chunk_signed = forms[i].is_signed;
        ret->has_trailer = forms[i].has_trailer;
        return VG_OK;
    }
    return vg_authn_fail(err, rules->family, VG_AUTHN_UNSUPPORTED,
                         vg_str_fmt(arena,
                                    "A body signed in chunks (x-amz-content-sha256: %" VG_FMT
                                    ") is not supported by this operation.",
                                    VG_ARG(text)));
}

static vg_rc
take_payload(struct vg_arena *arena, const struct vg_sigv4_request *rq,
             const struct vg_sigv4_rules *rules, struct vg_sigv4 *ret, struct vg_err *err)
{
    struct vg_str text = vg_sigv4_header(rq, VG_STR("x-amz-content-sha256"));
    if (ret->is_query && rules->family == VG_AUTHN_S3 && !text.ptr)
        text = UNSIGNED;
    if (!text.ptr) {
        ret->payload = VG_PAYLOAD_BODY;
        return VG_OK;
    }
    ret->payload_hash = text;
    if (vg_str_eq(text, UNSIGNED)) {
        ret->payload = VG_PAYLOAD_UNSIGNED;
        if (rules->is_unsigned_body_ok)
            return VG_OK;
        return vg_authn_fail(err, rules->family, VG_AUTHN_MISMATCH,
                             VG_STR("This operation requires a signed body: x-amz-content-sha256 "
                                    "must not be UNSIGNED-PAYLOAD."));
    }
    if (vg_str_starts(text, VG_STR("STREAMING-")))
        return take_chunked(arena, rules, text, ret, err);
    uint8_t digest[VG_SHA256_BYTES];
    if (!vg_hex_get(text, digest, sizeof(digest)))
        return vg_authn_fail(err, rules->family, VG_AUTHN_BAD_HASH, VG_STR_NONE);
    ret->payload = VG_PAYLOAD_DECLARED;
    return VG_OK;
}

static vg_rc
parse_v2(struct vg_arena *arena, const struct vg_sigv4_request *rq,
         const struct vg_sigv4_rules *rules, struct vg_sigv4 *ret, struct vg_err *err)
{
    if (rules->family != VG_AUTHN_S3)
        return vg_authn_fail(err, rules->family, VG_AUTHN_UNSUPPORTED, VG_STR_NONE);
    vg_rc rc = vg_sigv2_parse(arena, rq, ret, err);
    if (rc == VG_OK && vg_sigv4_header(rq, VG_STR("x-amz-content-sha256")).ptr)
        rc = take_payload(arena, rq, rules, ret, err);
    if (rc == VG_OK && ret->is_chunk_signed) /* by a signature of version 4, which there is not */
        return vg_authn_fail(err, rules->family, VG_AUTHN_UNSUPPORTED, VG_STR_NONE);
    return rc;
}

vg_rc
vg_sigv4_parse(struct vg_arena *arena, const struct vg_sigv4_request *rq,
               const struct vg_sigv4_rules *rules, struct vg_sigv4 *ret, struct vg_err *err)
{
    struct vg_str auth = vg_sigv4_header(rq, VG_STR("authorization"));
    *ret = (struct vg_sigv4) { .is_query = !auth.ptr };
    if (!auth.ptr && !has_query_form(rq) && vg_sigv2_is_presigned(rq))
        return parse_v2(arena, rq, rules, ret, err);
    if (!auth.ptr && !has_query_form(rq))
        return vg_authn_fail(err, rules->family, VG_AUTHN_MISSING, VG_STR_NONE);
    vg_rc rc = auth.ptr ? parse_header(arena, rq, rules, auth, ret, err)
                        : parse_query(arena, rq, rules, ret, err);
    if (rc == VG_OK)
        rc = check_signed_headers(arena, rq, rules, ret, err);
    if (rc == VG_OK)
        rc = take_payload(arena, rq, rules, ret, err);
    return rc;
}

vg_rc
vg_sigv4_parse_anonymous(struct vg_arena *arena, const struct vg_sigv4_request *rq,
                         const struct vg_sigv4_rules *rules, struct vg_sigv4 *ret,
                         struct vg_err *err)
{
    *ret = (struct vg_sigv4) { .payload = VG_PAYLOAD_UNSIGNED };
    if (!vg_sigv4_header(rq, VG_STR("x-amz-content-sha256")).ptr)
        return VG_OK;
    vg_rc rc = take_payload(arena, rq, rules, ret, err);
    if (rc == VG_OK && ret->is_chunk_signed)
        return vg_authn_fail(err, rules->family, VG_AUTHN_MISSING, VG_STR_NONE);
    return rc;
}

/* --- scope and time ----------------------------------------------------------------------------
 */

static vg_rc
check_scope(struct vg_arena *arena, const struct vg_sigv4 *sig, const struct vg_sigv4_rules *rules,
            struct vg_err *err)
{
    struct vg_str day = vg_str_slice(sig->amz_date, 0, 8);
    struct vg_buf b;
    vg_buf_init(&b, arena, TEXT_MAX_BYTES);
    if (sig->region.len == 0)
        vg_buf_adds(&b, VG_STR("Credential should be scoped to a valid region. "));
    if (rules->service.ptr && !vg_str_eq(rules->service, sig->service))
        vg_buf_addf(&b, "Credential should be scoped to correct service: '%" VG_FMT "'. ",
                    VG_ARG(rules->service));
    if (!vg_str_eq(sig->terminator, VG_STR("aws4_request")))
        vg_buf_addf(&b,
                    "Credential should be scoped with a valid terminator: 'aws4_request', not '"
                    "%" VG_FMT "'. ",
                    VG_ARG(sig->terminator));
    if (!vg_str_eq(day, sig->date))
        vg_buf_addf(&b,
                    "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
                    "date from HTTP: '%" VG_FMT "' != '%" VG_FMT "', from '%" VG_FMT "'. ",
                    VG_ARG(sig->date), VG_ARG(day), VG_ARG(sig->amz_date));
    if (b.len == 0)
        return VG_OK;
    if (rules->family == VG_AUTHN_S3)
        return incomplete(err, rules, sig, vg_buf_str(&b));
    return vg_authn_fail(err, rules->family, VG_AUTHN_MISMATCH, vg_buf_str(&b));
}

/* "Signature expired: A is now earlier than B (C - 5 min.)" and its mirror image. */
static vg_rc
skewed(struct vg_arena *arena, const struct vg_sigv4 *sig, const struct vg_sigv4_rules *rules,
       int64_t skew_ms, bool is_future, struct vg_err *err)
{
    if (rules->family == VG_AUTHN_S3)
        return vg_authn_fail(err, rules->family, VG_AUTHN_SKEWED, VG_STR_NONE);
    struct vg_str now = vg_sigv4_time_text(arena, rules->now_ms);
    struct vg_str edge =
        vg_sigv4_time_text(arena, rules->now_ms + (is_future ? skew_ms : -skew_ms));
    return vg_authn_fail(
        err, rules->family, VG_AUTHN_SKEWED,
        vg_str_fmt(arena,
                   "Signature %s: %" VG_FMT " is %s than %" VG_FMT " (%" VG_FMT " %c %d min.)",
                   is_future ? "not yet current" : "expired", VG_ARG(sig->amz_date),
                   is_future ? "still later" : "now earlier", VG_ARG(edge), VG_ARG(now),
                   is_future ? '+' : '-', (int)(skew_ms / 60000)));
}

static int64_t
to_virtual(const struct vg_sigv4_rules *rules, int64_t wall_ms)
{
    return rules->virtual_of ? rules->virtual_of(rules->clock, wall_ms) : wall_ms;
}

bool
vg_sigv4_has_ended(const struct vg_sigv4_rules *rules, int64_t signed_ms, int64_t lifetime_ms)
{
    /* The date has whole seconds: the clock may have been moved within that second, before. */
    int64_t last_ms = VG_MIN(signed_ms + 999, VG_MAX(signed_ms, rules->now_ms));
    int64_t end_ms = to_virtual(rules, last_ms) - (last_ms - signed_ms) + lifetime_ms;
    return to_virtual(rules, rules->now_ms) > end_ms;
}

vg_rc
vg_sigv4_check(struct vg_arena *arena, const struct vg_sigv4 *sig,
               const struct vg_sigv4_rules *rules, struct vg_err *err)
{
    if (sig->is_v2)
        return vg_sigv2_check(sig, rules, err);
    vg_rc rc = check_scope(arena, sig, rules, err);
    if (rc != VG_OK)
        return rc;
    int64_t skew_ms = rules->skew_ms;
    if (skew_ms == 0)
        skew_ms = rules->family == VG_AUTHN_S3 ? SKEW_S3_MS : SKEW_MS;
    if (sig->signed_ms > rules->now_ms + skew_ms)
        return skewed(arena, sig, rules, skew_ms, true, err);
    if (!sig->is_query) {
        if (sig->signed_ms < rules->now_ms - skew_ms)
            return skewed(arena, sig, rules, skew_ms, false, err);
        if (rules->family == VG_AUTHN_S3 && sig->payload == VG_PAYLOAD_BODY)
            return vg_authn_fail(err, rules->family, VG_AUTHN_NO_HASH, VG_STR_NONE);
        return VG_OK;
    }
    if (!vg_sigv4_has_ended(rules, sig->signed_ms, sig->expires_s * 1000))
        return VG_OK;
    struct vg_str text = VG_STR_NONE;
    if (rules->family != VG_AUTHN_S3) {
        struct vg_str end = vg_sigv4_time_text(arena, sig->signed_ms + sig->expires_s * 1000);
        text = vg_str_fmt(arena, "Signature expired: %" VG_FMT " is now earlier than %" VG_FMT,
                          VG_ARG(end), VG_ARG(vg_sigv4_time_text(arena, rules->now_ms)));
    }
    return vg_authn_fail(err, rules->family, VG_AUTHN_EXPIRED_REQUEST, text);
}
