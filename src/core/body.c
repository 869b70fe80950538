/* SPDX-License-Identifier: Apache-2.0 */
#include "core/body.h"

#include "auth/sigv4_chunks.h"
#include "core/env.h"
#include "core/fail.h"

#include <errno.h>

vg_rc
vg_body_open(struct vg_req *rq, struct vg_body *body, const struct vg_sigv4_request *head,
             const struct vg_sigv4_rules *rules, const struct vg_authn *an, int64_t content_length)
{
    const struct vg_sigv4 *sig = &an->sig;
    VG_ASSERT(sig->payload != VG_PAYLOAD_BODY);
    body->length = content_length;
    body->family = rules->family;
    rq->body = body;
    if (sig->payload == VG_PAYLOAD_CHUNKED) {
        body->chunks = VG_NEW(rq->arena, struct vg_sigv4_chunks);
        if (!vg_sigv4_chunks_length(head, &body->length))
            body->length = -1;
        return vg_authn_chunks(rq->env->auth, rq->arena, head, rules, an, body->chunks, rq->err);
    }
    body->is_hashed = sig->payload == VG_PAYLOAD_DECLARED;
    if (body->is_hashed && !vg_hex_get(sig->payload_hash, body->declared, VG_SHA256_BYTES))
        VG_BUG("a declared hash that is none");
    vg_hash_init(&body->hash, VG_HASH_SHA256);
    return VG_OK;
}

static vg_rc
read_nothing(void *from, struct vg_str *ret, struct vg_err *err)
{
    (void)from, (void)err;
    *ret = VG_STR("");
    return VG_OK;
}

void
vg_body_open_bytes(struct vg_req *rq, struct vg_body *body, struct vg_str bytes)
{
    *body = (struct vg_body) { .read = read_nothing, .raw = bytes, .length = (int64_t)bytes.len };
    rq->body = body;
}

/* More raw bytes, or none at the end. */
static vg_rc
fill(struct vg_body *b, struct vg_err *err)
{
    struct vg_err cause = { 0 };
    if (b->raw.len > 0)
        return VG_OK;
    vg_rc rc = b->read(b->from, &b->raw, &cause);
    if (rc != VG_FAIL)
        return rc;
    if (cause.def) {
        *err = cause;
        return rc;
    }
    return vg_authn_fail(err, b->family,
                         cause.os_errno == ETIMEDOUT ? VG_AUTHN_BODY_SLOW : VG_AUTHN_BODY_CUT,
                         VG_STR_NONE);
}

static vg_rc
next_plain(struct vg_body *b, struct vg_str *ret, struct vg_err *err)
{
    uint8_t digest[VG_HASH_MAX_BYTES];
    vg_rc rc = fill(b, err);
    if (rc != VG_OK)
        return rc;
    *ret = b->raw;
    b->raw = VG_STR("");
    b->is_over = ret->len == 0;
    if (!b->is_hashed)
        return VG_OK;
    vg_hash_add(&b->hash, *ret);
    if (!b->is_over)
        return VG_OK;
    vg_hash_end(&b->hash, digest);
    if (memcmp(digest, b->declared, VG_SHA256_BYTES) == 0)
        return VG_OK;
    return vg_authn_fail(err, b->family, VG_AUTHN_BODY_MISMATCH, VG_STR_NONE);
}

static vg_rc
next_chunked(struct vg_body *b, struct vg_str *ret, struct vg_err *err)
{
    *ret = VG_STR("");
    while (ret->len == 0) {
        size_t used;
        vg_rc rc = fill(b, err);
        if (rc == VG_OK && b->raw.len == 0) {
            rc = vg_sigv4_chunks_end(b->chunks, err);
            b->is_over = rc == VG_OK;
            return rc;
        }
        if (rc == VG_OK)
            rc = vg_sigv4_chunks_next(b->chunks, b->raw, &used, ret, err);
        if (rc != VG_OK)
            return rc;
        b->raw = vg_str_slice(b->raw, used, b->raw.len);
    }
    return VG_OK;
}

vg_rc
vg_body_read(struct vg_req *rq, struct vg_str *ret)
{
    struct vg_body *b = rq->body;
    VG_ASSERT(b);
    if (b->is_over && b->rc == VG_OK) {
        *ret = VG_STR("");
        return VG_OK;
    }
    struct vg_str got = VG_STR("");
    if (b->rc == VG_OK)
        b->rc = b->chunks ? next_chunked(b, &got, &b->err) : next_plain(b, &got, &b->err);
    if (b->rc == VG_FAIL)
        *rq->err = b->err;
    if (b->rc == VG_OK)
        *ret = got;
    return b->rc;
}

vg_rc
vg_body_read_all(struct vg_req *rq, size_t max_bytes, struct vg_str *ret)
{
    struct vg_buf all;
    struct vg_str part = VG_STR("");
    bool is_too_long = vg_body_length(rq) > 0 && (uint64_t)vg_body_length(rq) > max_bytes;
    vg_rc rc = VG_OK;
    vg_buf_init(&all, rq->arena, max_bytes);
    do {
        if (!is_too_long)
            rc = vg_body_read(rq, &part);
        if (rc == VG_OK)
            vg_buf_adds(&all, part);
        is_too_long = is_too_long || all.over;
    } while (rc == VG_OK && part.len > 0 && !is_too_long);
    if (rc == VG_OK && is_too_long)
        return vg_fail(rq, &vg_err_request_too_large, "Request size exceeded %zu bytes", max_bytes);
    if (rc == VG_OK)
        *ret = vg_buf_str(&all);
    return rc;
}

int64_t
vg_body_length(const struct vg_req *rq)
{
    return rq->body->length;
}

struct vg_str
vg_body_trailer(const struct vg_req *rq, struct vg_str name)
{
    const struct vg_body *b = rq->body;
    return b->chunks && b->is_over ? vg_sigv4_chunks_trailer(b->chunks, name) : VG_STR_NONE;
}

struct vg_str
vg_body_announced(const struct vg_req *rq)
{
    const struct vg_body *b = rq->body;
    return b->chunks ? b->chunks->announced : VG_STR_NONE;
}

bool
vg_body_is_open(const struct vg_req *rq)
{
    return rq->body->is_open;
}

bool
vg_body_is_over(const struct vg_req *rq)
{
    return rq->body->is_over && rq->body->rc == VG_OK;
}
