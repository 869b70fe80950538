/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_BODY_H
#define VG_CORE_BODY_H

/*
 * A request's body, read by the handler of a row with VG_OP_STREAM_IN: such a handler runs when the
 * head is in and verified.  It may look, authorize and refuse before it takes a byte, and must read
 * to the end before it makes visible what it read: only then is the body known to be what was
 * signed.
 */

#include "auth/auth.h"
#include "core/service.h"

struct vg_sigv4_chunks;

/*
 * The next bytes as the caller meant them (no chunks, no signatures); valid until the next call.
 * VG_OK with an empty string: the end, everything verified.  VG_FAIL: rq->err has AWS's error,
 * again with every further call; VG_GONE: the client left.
 */
vg_rc vg_body_read(struct vg_req *rq, struct vg_str *ret) VG_WAITS VG_MUST_USE;
/* All that is left, in the arena; fails when it is more than max_bytes. */
vg_rc vg_body_read_all(struct vg_req *rq, size_t max_bytes, struct vg_str *ret)
    VG_WAITS VG_MUST_USE;
/* How much there is in all, as the client says: held to it at the end. -1: unknown. */
int64_t vg_body_length(const struct vg_req *rq);
/* After the end: what came behind the body (x-amz-checksum-…); absent: it did not come. */
struct vg_str vg_body_trailer(const struct vg_req *rq, struct vg_str name);
/* Names of what will come behind it, by commas, as the head announces them; absent: none. */
struct vg_str vg_body_announced(const struct vg_req *rq);
/* Whether its length is known at its end only, as of a part of a form. */
bool vg_body_is_open(const struct vg_req *rq);
/* Whether the end was read. */
bool vg_body_is_over(const struct vg_req *rq);

/* --- for who hands a request to its handler ------------------------------------------------------
 */

/*
 * Raw bytes, valid until the next call; empty at the end.  err->os_errno tells ETIMEDOUT apart; a
 * modelled error is the handler's.
 */
typedef vg_rc(vg_body_source_fn)(void *from, struct vg_str *ret, struct vg_err *err);

struct vg_body {
    vg_body_source_fn *read;
    void *from;
    int64_t length;
    enum vg_authn_family family;
    bool is_open;   /* length is -1, and that is well */
    bool is_hashed; /* held to `declared` at the end */
    uint8_t declared[VG_SHA256_BYTES];
    struct vg_hash hash;
    struct vg_sigv4_chunks *chunks; /* arena; NULL: plain bytes */
    struct vg_str raw;              /* read and not taken apart yet */
    bool is_over;
    vg_rc rc; /* of the call that failed, with its error */
    struct vg_err err;
};

/*
 * Opens rq->body over a source.  `an` is of the verified head (an unsigned request's: only its
 * sig.payload is looked at), `content_length` as HTTP says it (-1: unknown).  A body that is signed
 * as a whole (VG_PAYLOAD_BODY) must be read and verified before: vg_body_open_bytes().
 */
vg_rc vg_body_open(struct vg_req *rq, struct vg_body *body, const struct vg_sigv4_request *head,
                   const struct vg_sigv4_rules *rules, const struct vg_authn *an,
                   int64_t content_length) VG_MUST_USE;
/* The same over bytes at hand, which must stay. */
void vg_body_open_bytes(struct vg_req *rq, struct vg_body *body, struct vg_str bytes);

#endif
