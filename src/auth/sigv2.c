/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/sigv2.h"

#include "auth/sigv4_int.h"
#include "base/arena.h"
#include "base/buf.h"
#include "codec/base64.h"
#include "crypto/hash.h"

#include <stdlib.h>

#define PARAMS_MAX 128u

/* Parameters of the query that are part of what is signed: "CanonicalizedResource". */
static const struct vg_str subresources[] = {
    VG_STR_INIT("acl"),
    VG_STR_INIT("cors"),
    VG_STR_INIT("delete"),
    VG_STR_INIT("lifecycle"),
    VG_STR_INIT("location"),
    VG_STR_INIT("logging"),
    VG_STR_INIT("notification"),
    VG_STR_INIT("partNumber"),
    VG_STR_INIT("policy"),
    VG_STR_INIT("requestPayment"),
    VG_STR_INIT("response-cache-control"),
    VG_STR_INIT("response-content-disposition"),
    VG_STR_INIT("response-content-encoding"),
    VG_STR_INIT("response-content-language"),
    VG_STR_INIT("response-content-type"),
    VG_STR_INIT("response-expires"),
    VG_STR_INIT("restore"),
    VG_STR_INIT("tagging"),
    VG_STR_INIT("torrent"),
    VG_STR_INIT("uploadId"),
    VG_STR_INIT("uploads"),
    VG_STR_INIT("versionId"),
    VG_STR_INIT("versioning"),
    VG_STR_INIT("versions"),
    VG_STR_INIT("website"),
};

struct pair {
    struct vg_str name, value; /* value absent: no '=' */
};

struct pairs {
    struct pair items[PARAMS_MAX];
    size_t len;
};

static bool
next_param(struct vg_str *rest, struct pair *ret)
{
    while (rest->len > 0) {
        struct vg_str value = vg_str_cut(rest, '&');
        struct vg_str name = vg_str_cut(&value, '=');
        *ret = (struct pair) { name, value };
        if (name.len > 0)
            return true;
    }
    return false;
}

/* As it was sent; absent when there is none. */
static struct vg_str
raw_param(const struct vg_sigv4_request *rq, struct vg_str name)
{
    struct vg_str rest = vg_sigv4_query(rq->target);
    struct pair p;
    while (next_param(&rest, &p))
        if (vg_str_eq(p.name, name))
            return p.value.ptr ? p.value : VG_STR("");
    return VG_STR_NONE;
}

bool
vg_sigv2_is_header(struct vg_str authorization)
{
    return vg_str_starts(authorization, VG_STR("AWS "));
}

bool
vg_sigv2_is_presigned(const struct vg_sigv4_request *rq)
{
    return raw_param(rq, VG_STR("AWSAccessKeyId")).ptr && raw_param(rq, VG_STR("Signature")).ptr
           && raw_param(rq, VG_STR("Expires")).ptr;
}

/* Percent-decoded; a '+' stays one, for signers write a blank as %20. */
static struct vg_str
decoded(struct vg_arena *arena, struct vg_str s)
{
    struct vg_buf b;
    if (!s.ptr || vg_str_find_char(s, '+') == VG_NPOS)
        return s.ptr ? vg_sigv4_decode(arena, s) : s;
    vg_buf_init(&b, arena, 3 * s.len);
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '+')
            vg_buf_adds(&b, VG_STR("%2B"));
        else
            vg_buf_addc(&b, s.ptr[i]);
    return vg_sigv4_decode(arena, vg_buf_str(&b));
}

vg_rc
vg_sigv2_parse(struct vg_arena *arena, const struct vg_sigv4_request *rq, struct vg_sigv4 *ret,
               struct vg_err *err)
{
    struct vg_str text = decoded(arena, raw_param(rq, VG_STR("Signature")));
    *ret = (struct vg_sigv4) {
        .is_query = true,
        .is_v2 = true,
        .access_key_id = decoded(arena, raw_param(rq, VG_STR("AWSAccessKeyId"))),
        .region = VG_STR("us-east-1"),
        .service = VG_STR("s3"),
        .token = decoded(arena, raw_param(rq, VG_STR("x-amz-security-token"))),
        .payload = VG_PAYLOAD_UNSIGNED,
    };
    if (!vg_base64_decode(arena, text, &ret->signature) || ret->signature.len != VG_SHA1_BYTES)
        return vg_authn_fail(err, VG_AUTHN_S3, VG_AUTHN_MISMATCH, VG_STR_NONE);
    if (!vg_str_to_i64(raw_param(rq, VG_STR("Expires")), &ret->expires_s) || ret->expires_s < 0
        || ret->expires_s > INT32_MAX * INT64_C(1000))
        return vg_authn_fail(err, VG_AUTHN_S3, VG_AUTHN_EXPIRED_REQUEST,
                             VG_STR("Invalid date (should be seconds since epoch)"));
    return VG_OK;
}

vg_rc
vg_sigv2_check(const struct vg_sigv4 *sig, const struct vg_sigv4_rules *rules, struct vg_err *err)
{
    if (rules->now_ms <= sig->expires_s * 1000)
        return VG_OK;
    return vg_authn_fail(err, VG_AUTHN_S3, VG_AUTHN_EXPIRED_REQUEST, VG_STR_NONE);
}

/* --- the string to sign -------------------------------------------------------------------------
 */

static int
by_name(const void *va, const void *vb)
{
    const struct pair *a = va, *b = vb;
    int c = vg_str_cmp(a->name, b->name);
    return c ? c : vg_str_cmp(a->value, b->value);
}

/* A header, or what a signer has moved from there into the query. */
static struct vg_str
header_or_param(struct vg_arena *arena, const struct vg_sigv4_request *rq, struct vg_str name)
{
    struct vg_str value = vg_sigv4_header(rq, name);
    return value.ptr ? value : decoded(arena, raw_param(rq, name));
}

static void
add_pair(struct pairs *to, struct vg_str name, struct vg_str value)
{
    if (to->len < PARAMS_MAX)
        to->items[to->len++] = (struct pair) { name, value };
}

/* x-amz-… of headers and query, lower-case, sorted. */
static void
add_amz(struct vg_buf *b, struct vg_arena *arena, const struct vg_sigv4_request *rq)
{
    struct pairs *all = VG_NEW(arena, struct pairs);
    struct vg_str rest = vg_sigv4_query(rq->target);
    struct pair p;
    for (size_t i = 0; i < rq->n_headers; i++)
        if (vg_str_starts_nocase(rq->headers[i].name, VG_STR("x-amz-")))
            add_pair(all, vg_str_lower(arena, rq->headers[i].name),
                     vg_str_trim(rq->headers[i].value));
    while (next_param(&rest, &p))
        if (vg_str_starts_nocase(p.name, VG_STR("x-amz-")))
            add_pair(all, vg_str_lower(arena, p.name), decoded(arena, p.value));
    qsort(all->items, all->len, sizeof(all->items[0]), by_name);
    for (size_t i = 0; i < all->len; i++) {
        bool is_more = i > 0 && vg_str_eq(all->items[i].name, all->items[i - 1].name);
        if (is_more) {
            b->len--; /* the line feed: further values of one header follow by commas */
            vg_buf_addc(b, ',');
        } else {
            vg_buf_addf(b, "%" VG_FMT ":", VG_ARG(all->items[i].name));
        }
        vg_buf_adds(b, all->items[i].value);
        vg_buf_addc(b, '\n');
    }
}

static bool
is_subresource(struct vg_str name)
{
    for (size_t i = 0; i < VG_COUNT(subresources); i++)
        if (vg_str_eq(name, subresources[i]))
            return true;
    return false;
}

static void
add_resource(struct vg_buf *b, struct vg_arena *arena, const struct vg_sigv4_request *rq)
{
    struct pairs *all = VG_NEW(arena, struct pairs);
    struct vg_str rest = rq->target, path = vg_str_cut(&rest, '?');
    struct pair p;
    while (next_param(&rest, &p))
        if (is_subresource(p.name))
            add_pair(all, p.name, decoded(arena, p.value));
    qsort(all->items, all->len, sizeof(all->items[0]), by_name);
    if (rq->bucket.ptr)
        vg_buf_addf(b, "/%" VG_FMT, VG_ARG(rq->bucket));
    vg_buf_adds(b, path);
    for (size_t i = 0; i < all->len; i++) {
        vg_buf_addc(b, i ? '&' : '?');
        vg_buf_adds(b, all->items[i].name);
        if (all->items[i].value.ptr)
            vg_buf_addf(b, "=%" VG_FMT, VG_ARG(all->items[i].value));
    }
}

struct vg_str
vg_sigv2_string_to_sign(struct vg_arena *arena, const struct vg_sigv4_request *rq)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 64u << 10);
    vg_buf_addf(&b, "%" VG_FMT "\n%" VG_FMT "\n%" VG_FMT "\n%" VG_FMT "\n", VG_ARG(rq->method),
                VG_ARG(header_or_param(arena, rq, VG_STR("content-md5"))),
                VG_ARG(header_or_param(arena, rq, VG_STR("content-type"))),
                VG_ARG(raw_param(rq, VG_STR("Expires"))));
    add_amz(&b, arena, rq);
    add_resource(&b, arena, rq);
    return vg_buf_str(&b);
}

bool
vg_sigv2_is_signature(struct vg_str secret, struct vg_str to_sign, struct vg_str signature)
{
    uint8_t mac[VG_SHA1_BYTES];
    vg_hmac_sha1(secret, to_sign, mac);
    return vg_str_eq_secret(vg_str_n((const char *)mac, sizeof(mac)), signature);
}
