/* SPDX-License-Identifier: Apache-2.0 */

/* The canonical request, the string to sign, and the comparison. */

#include "auth/sigv4.h"
#include "auth/authn_detail.h"
#include "auth/sigv2.h"
#include "auth/sigv4_int.h"

#include "base/arena.h"
#include "base/buf.h"
#include "codec/base64.h"
#include "crypto/secret.h"

#include <stdlib.h>

#define CANONICAL_MAX_BYTES (256u << 10)

/* RFC 3986 unreserved characters stay; everything else is %XX in upper case. */
static bool
is_plain(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'
           || c == '.' || c == '_' || c == '~';
}

static void
encode(struct vg_buf *b, struct vg_str s, bool keep_slash)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (is_plain(c) || (keep_slash && c == '/')) {
            vg_buf_addc(b, c);
        } else {
            uint8_t u = (uint8_t)c;
            char e[3] = { '%', hex[u >> 4], hex[u & 15] };
            vg_buf_add(b, e, 3);
        }
    }
}

static struct vg_str
decode(struct vg_arena *arena, struct vg_str s, bool is_query)
{
    char *out = vg_arena_alloc(arena, s.len + 1), *at = out;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t byte;
        if (s.ptr[i] == '%' && vg_hex_get(vg_str_slice(s, i + 1, i + 3), &byte, 1)) {
            *at++ = (char)byte;
            i += 2;
        } else {
            *at++ = is_query && s.ptr[i] == '+' ? ' ' : s.ptr[i];
        }
    }
    return vg_str_n(out, (size_t)(at - out));
}

struct vg_str
vg_sigv4_decode(struct vg_arena *arena, struct vg_str s)
{
    return decode(arena, s, true);
}

/* RFC 3986, 5.2.4, and doubled slashes become one: what every service but S3 does first. */
static struct vg_str
normalize(struct vg_arena *arena, struct vg_str path)
{
    char *out = vg_arena_alloc(arena, path.len + 2);
    size_t n = 0;
    struct vg_str rest = path;
    bool is_dir = false;
    while (rest.ptr) {
        struct vg_str part = vg_str_cut(&rest, '/');
        is_dir = part.len == 0 || vg_str_eq(part, VG_STR("."));
        if (is_dir)
            continue;
        if (vg_str_eq(part, VG_STR(".."))) {
            while (n > 0 && out[n - 1] != '/')
                n--;
            n -= n > 0;
            is_dir = true;
            continue;
        }
        out[n++] = '/';
        memcpy(out + n, part.ptr, part.len);
        n += part.len;
    }
    if (is_dir || n == 0)
        out[n++] = '/';
    return vg_str_n(out, n);
}

static void
add_path(struct vg_arena *arena, struct vg_buf *b, struct vg_str target,
         const struct vg_sigv4_rules *rules)
{
    struct vg_str rest = target;
    struct vg_str path = vg_str_cut(&rest, '?');
    if (path.len == 0)
        path = VG_STR("/");
    if (rules->is_s3_path)
        path = decode(arena, path, false);
    else
        path = normalize(arena, path);
    encode(b, path, true);
}

struct param {
    struct vg_str key, value; /* encoded */
};

static int
param_cmp(const void *a, const void *b)
{
    const struct param *x = a, *y = b;
    int c = vg_str_cmp(x->key, y->key);
    return c ? c : vg_str_cmp(x->value, y->value);
}

static struct vg_str
recode(struct vg_arena *arena, struct vg_str s)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 3 * s.len + 1);
    encode(&b, decode(arena, s, true), false);
    return vg_buf_str(&b);
}

static void
add_query(struct vg_arena *arena, struct vg_buf *b, struct vg_str query,
          const struct vg_sigv4_rules *rules, const struct vg_sigv4 *sig)
{
    VG_VEC(struct param) params = { 0 };
    struct vg_str rest = query;
    while (rest.len > 0) {
        struct vg_str pair = vg_str_cut(&rest, '&');
        if (pair.len == 0)
            continue;
        struct vg_str key = vg_str_cut(&pair, '=');
        if (sig->is_query && vg_str_eq(key, VG_STR("X-Amz-Signature")))
            continue;
        if (sig->is_query && rules->is_unsigned_token
            && vg_str_eq(key, VG_STR("X-Amz-Security-Token")))
            continue;
        *VG_VEC_ADD(arena, &params) = (struct param) {
            .key = recode(arena, key),
            .value = recode(arena, pair),
        };
    }
    if (params.len > 1)
        qsort(params.items, params.len, sizeof(struct param), param_cmp);
    for (size_t i = 0; i < params.len; i++) {
        if (i > 0)
            vg_buf_addc(b, '&');
        vg_buf_adds(b, params.items[i].key);
        vg_buf_addc(b, '=');
        vg_buf_adds(b, params.items[i].value);
    }
}

/* Outer white space goes, inner runs of it become one blank. */
static void
add_value(struct vg_buf *b, struct vg_str v)
{
    v = vg_str_trim(v);
    bool was_space = false;
    for (size_t i = 0; i < v.len; i++) {
        char c = v.ptr[i];
        bool is_space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (!is_space)
            vg_buf_addc(b, c);
        else if (!was_space)
            vg_buf_addc(b, ' ');
        was_space = is_space;
    }
}

static void
add_headers(struct vg_buf *b, const struct vg_sigv4_request *rq, struct vg_str names)
{
    while (names.ptr) {
        struct vg_str name = vg_str_cut(&names, ';');
        vg_buf_adds(b, name);
        vg_buf_addc(b, ':');
        bool is_first = true;
        for (size_t i = 0; i < rq->n_headers; i++) {
            if (!vg_str_eq_nocase(rq->headers[i].name, name))
                continue;
            if (!is_first)
                vg_buf_addc(b, ',');
            add_value(b, rq->headers[i].value);
            is_first = false;
        }
        vg_buf_addc(b, '\n');
    }
}

struct vg_str
vg_sigv4_canonical(struct vg_arena *arena, const struct vg_sigv4_request *rq,
                   const struct vg_sigv4_rules *rules, const struct vg_sigv4 *sig,
                   struct vg_str payload_hash)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, CANONICAL_MAX_BYTES);
    vg_buf_adds(&b, rq->method);
    vg_buf_addc(&b, '\n');
    add_path(arena, &b, rq->target, rules);
    vg_buf_addc(&b, '\n');
    add_query(arena, &b, vg_sigv4_query(rq->target), rules, sig);
    vg_buf_addc(&b, '\n');
    add_headers(&b, rq, sig->signed_headers);
    vg_buf_addc(&b, '\n');
    vg_buf_adds(&b, sig->signed_headers);
    vg_buf_addc(&b, '\n');
    vg_buf_adds(&b, payload_hash);
    return vg_buf_str(&b);
}

struct vg_str
vg_sigv4_string_to_sign(struct vg_arena *arena, const struct vg_sigv4 *sig, struct vg_str canonical)
{
    return vg_str_fmt(arena, "%s\n%" VG_FMT "\n%" VG_FMT "\n%" VG_FMT, vg_sigv4_algorithm(sig),
                      VG_ARG(sig->amz_date), VG_ARG(vg_sigv4_scope(arena, sig)),
                      VG_ARG(vg_sha256_hex(arena, canonical)));
}

/* `canonical` absent: version 2 has none. */
static vg_rc
mismatch(struct vg_arena *arena, const struct vg_sigv4_rules *rules, const struct vg_sigv4 *sig,
         struct vg_str canonical, struct vg_str to_sign, struct vg_err *err)
{
    struct vg_str text = VG_STR_NONE;
    if (rules->family == VG_AUTHN_JSON || rules->family == VG_AUTHN_REST_JSON)
        text = vg_str_fmt(
            arena,
            "The request signature we calculated does not match the signature you provided. Check "
            "your AWS Secret Access Key and signing method. Consult the service documentation for "
            "details.\n\nThe Canonical String for this request should have been\n'%" VG_FMT
            "'\n\nThe String-to-Sign should have been\n'%" VG_FMT "'\n",
            VG_ARG(canonical), VG_ARG(to_sign));
    vg_rc rc = vg_authn_fail(err, rules->family, VG_AUTHN_MISMATCH, text);
    if (rules->family == VG_AUTHN_S3)
        authn_explain_signature(arena, sig->access_key_id,
                                sig->is_v2 ? vg_base64_encode(arena, sig->signature)
                                           : sig->signature,
                                to_sign, canonical, err);
    return rc;
}

vg_rc
vg_sigv4_verify(struct vg_arena *arena, const struct vg_sigv4_request *rq,
                const struct vg_sigv4_rules *rules, const struct vg_sigv4 *sig,
                struct vg_str secret, struct vg_str body_sha256, struct vg_sigv4_keys *keys,
                struct vg_err *err)
{
    if (sig->is_v2) {
        struct vg_str text = vg_sigv2_string_to_sign(arena, rq);
        return vg_sigv2_is_signature(secret, text, sig->signature)
                   ? VG_OK
                   : mismatch(arena, rules, sig, VG_STR_NONE, text, err);
    }
    struct vg_str hash = sig->payload == VG_PAYLOAD_BODY ? body_sha256 : sig->payload_hash;
    struct vg_str canonical = vg_sigv4_canonical(arena, rq, rules, sig, hash);
    struct vg_str to_sign = vg_sigv4_string_to_sign(arena, sig, canonical);
    struct vg_sigv4_key key;
    vg_sigv4_key(sig, secret, keys, &key);
    bool is_right = vg_sigv4_is_signature(&key, to_sign, sig->signature);
    vg_zero(&key, sizeof(key));
    if (is_right)
        return VG_OK;
    return mismatch(arena, rules, sig, canonical, to_sign, err);
}

vg_rc
vg_sigv4_body(struct vg_arena *arena, const struct vg_sigv4 *sig,
              const struct vg_sigv4_rules *rules, const uint8_t digest[VG_SHA256_BYTES],
              struct vg_err *err)
{
    (void)arena;
    if (sig->payload != VG_PAYLOAD_DECLARED)
        return VG_OK;
    uint8_t declared[VG_SHA256_BYTES];
    if (vg_hex_get(sig->payload_hash, declared, sizeof(declared))
        && memcmp(declared, digest, sizeof(declared)) == 0)
        return VG_OK;
    return vg_authn_fail(err, rules->family, VG_AUTHN_BODY_MISMATCH, VG_STR_NONE);
}
