/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_CALL_H
#define VG_CORE_CALL_H

/*
 * Every operation runs through here, whoever asks: a socket, another service, a timer.
 *
 * vg_call() authorizes, meters and runs one row of the operation table on the calling fiber.  The
 * caller's session is shared, so what a nested call has seen is waited for when the outermost reply
 * leaves.
 */

#include "auth/context.h"
#include "core/env.h"
#include "core/service.h"
#include "store/kv.h"

/* In whose name a service calls another. */
struct vg_as {
    const struct vg_principal *caller; /* NULL: the caller of rq                           */
    struct vg_str account;             /* owner of what is asked for; absent: as rq        */
    struct vg_str region;              /* absent: as rq                                    */
    const struct vg_ctx *ctx;          /* further context (aws:SourceArn, aws:SourceAccount) */
    size_t n_ctx;
    int64_t deadline_ms; /* monotonic; 0: as rq */
};

/*
 * Runs `op` with typed `in` into `out` (both of the generated structs; NULL for an empty shape).
 * Errors are modelled errors of the callee in `err`, AccessDenied included; `rq->err` is untouched.
 */
vg_rc vg_call(struct vg_req *rq, const struct vg_as *as, const struct vg_op *op, const void *in,
              void *out, struct vg_err *err) VG_WAITS VG_MUST_USE;

struct vg_sink; /* core/reply.h */
/* The same of a row with VG_OP_STREAM_OUT, whose payload goes to `sink` instead of into memory. */
vg_rc vg_call_into(struct vg_req *rq, const struct vg_as *as, const struct vg_op *op,
                   const void *in, void *out, const struct vg_sink *sink, struct vg_err *err)
    VG_WAITS VG_MUST_USE;

/*
 * The same with JSON both ways; unknown names, and those of internal operations, give the engine's
 * own error. `ret_json`: arena.
 */
vg_rc vg_call_named(struct vg_req *rq, const struct vg_as *as, struct vg_str endpoint,
                    struct vg_str operation, struct vg_str json, struct vg_str *ret_json,
                    struct vg_err *err) VG_WAITS VG_MUST_USE;

/*
 * Authorizes and runs rq->op for a request already decoded into `in`: what the front door and
 * vg_call() share.  Does not gate.
 */
vg_rc vg_run(struct vg_req *rq, const struct vg_ctx *ctx, size_t n_ctx, const void *in, void *out)
    VG_WAITS VG_MUST_USE;

/*
 * The start of work that has no caller's request: a timer, a delivery, a data plane.  All members
 * are set up so that &root->rq can be handed to services; `arena` stays the caller's.
 */
struct vg_root {
    struct vg_req rq;
    struct vg_scope scope;
    struct vg_sess sess;
    struct vg_err err;
};
void vg_root_init(struct vg_root *root, const struct vg_env *env, struct vg_arena *arena,
                  const struct vg_principal *caller, struct vg_str account, struct vg_str region);

/* The principal of an AWS service: "lambda.amazonaws.com". `account` is the one it works for. */
const struct vg_principal *vg_service_principal(struct vg_arena *arena, struct vg_str host,
                                                struct vg_str account);

/* Waits until everything this request has seen and written is durable; on failure rq->err is set.
 */
vg_rc vg_gate(struct vg_req *rq) VG_WAITS VG_MUST_USE;

/* --- the store, for handlers: the same as kv.h with the request's session ------------------------
 */

static inline vg_rc VG_MUST_USE
vg_tx_open_n(struct vg_req *rq, const struct vg_str *parts, size_t n, struct vg_tx **ret) VG_WAITS
{
    return vg_kv_begin(rq->sess, parts, n, ret, rq->err);
}

static inline vg_rc VG_MUST_USE
vg_tx_open(struct vg_req *rq, struct vg_str part, struct vg_tx **ret) VG_WAITS
{
    return vg_kv_begin(rq->sess, &part, 1, ret, rq->err);
}

#endif
