/* SPDX-License-Identifier: Apache-2.0 */
#include "core/call.h"

#include "auth/principal.h"
#include "clock/clock.h"
#include "core/authz.h"
#include "core/fail.h"
#include "core/meter.h"
#include "core/registry.h"
#include "core/reply.h"
#include "crypto/random.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "wire/wire.h"

#define CALL_DEPTH_MAX 8 /* of vg_call() inside vg_call(): a loop of services would never end */

int64_t
vg_now_ms(const struct vg_env *env)
{
    return vg_clock_now_ms(env->clock);
}

void
vg_root_init(struct vg_root *root, const struct vg_env *env, struct vg_arena *arena,
             const struct vg_principal *caller, struct vg_str account, struct vg_str region)
{
    *root = (struct vg_root) {
        .scope = { .caller = caller,
                   .owner = account,
                   .partition = env->config->partition,
                   .region = region },
        .rq = { .arena = arena,
                .env = env,
                .id = vg_random_uuid(env->random, arena),
                .deadline_ms = VG_NEVER_MS },
    };
    vg_sess_init(&root->sess, env->kv, arena);
    root->rq.scope = &root->scope;
    root->rq.sess = &root->sess;
    root->rq.err = &root->err;
}

const struct vg_principal *
vg_service_principal(struct vg_arena *arena, struct vg_str host, struct vg_str account)
{
    struct vg_principal *p = VG_NEW(arena, struct vg_principal);
    *p = (struct vg_principal) { .kind = VG_PRINCIPAL_SERVICE,
                                 .partition = VG_STR("aws"),
                                 .account = account,
                                 .arn = host,
                                 .name = host };
    return p;
}

vg_rc
vg_gate(struct vg_req *rq)
{
    struct vg_err cause = { 0 };
    vg_rc rc = vg_kv_gate(rq->sess, &cause);
    if (rc == VG_FAIL)
        return vg_fail_internal(rq, &cause);
    return rc;
}

static void
meter_request(struct vg_req *rq)
{
    if (!(rq->op->flags & VG_OP_INTERNAL))
        vg_meter_use(rq, rq->op->name, rq->about, 1);
}

vg_rc
vg_run(struct vg_req *rq, const struct vg_ctx *ctx, size_t n_ctx, const void *in, void *out)
{
    rq->ctx = ctx;
    rq->n_ctx = n_ctx;
    rq->in = in;
    vg_rc rc = vg_authorize(rq, ctx, n_ctx, in);
    if (rc != VG_OK)
        return rc;
    if (rq->op->handler == NULL)
        return vg_fail_not_implemented(rq);
    meter_request(rq);
    rc = rq->op->handler(rq, in, out);
    VG_ASSERT(rq->sess->open == NULL);
    if (rc == VG_FAIL && rq->err->def == NULL)
        return vg_fail_internal(rq, NULL);
    if (rc == VG_OK && vg_arena_is_over(rq->arena))
        return vg_fail(rq, &vg_err_internal_failure,
                       "The request needs more memory than one request may use.");
    return rc;
}

static size_t
depth_of(const struct vg_req *rq)
{
    size_t depth = 0;
    for (; rq; rq = rq->parent)
        depth++;
    return depth;
}

/* The request of a nested call; `scope` is the caller's storage. */
static struct vg_req
nested(struct vg_req *rq, const struct vg_as *as, const struct vg_op *op, struct vg_scope *scope,
       struct vg_err *err)
{
    *scope = *rq->scope;
    if (as && as->caller)
        scope->caller = as->caller;
    if (as && as->account.ptr)
        scope->owner = as->account;
    if (as && as->region.ptr)
        scope->region = as->region;
    return (struct vg_req) {
        .arena = rq->arena,
        .env = rq->env,
        .scope = scope,
        .op = op,
        .svc = vg_registry_state(rq->env->registry, op->service),
        .sess = rq->sess,
        .err = err,
        .parent = rq,
        .id = rq->id,
        .deadline_ms = as && as->deadline_ms ? as->deadline_ms : rq->deadline_ms,
    };
}

vg_rc
vg_call(struct vg_req *rq, const struct vg_as *as, const struct vg_op *op, const void *in,
        void *out, struct vg_err *err)
{
    return vg_call_into(rq, as, op, in, out, NULL, err);
}

vg_rc
vg_call_into(struct vg_req *rq, const struct vg_as *as, const struct vg_op *op, const void *in,
             void *out, const struct vg_sink *sink, struct vg_err *err)
{
    struct vg_scope scope;
    struct vg_req sub = nested(rq, as, op, &scope, err);
    if (depth_of(rq) >= CALL_DEPTH_MAX)
        return vg_fail(&sub, &vg_err_internal_failure, "Services call each other in a loop.");
    struct vg_streams *st = NULL;
    if (op->flags & (VG_OP_STREAM_IN | VG_OP_STREAM_OUT)) {
        st = VG_NEW(rq->arena, struct vg_streams);
        vg_streams_open(st, &sub, in, out);
        st->sink = sink;
    }
    vg_rc rc = vg_run(&sub, as ? as->ctx : NULL, as ? as->n_ctx : 0, in, out);
    return rc == VG_OK && st ? vg_streams_close(st) : rc;
}

vg_rc
vg_call_named(struct vg_req *rq, const struct vg_as *as, struct vg_str endpoint,
              struct vg_str operation, struct vg_str json, struct vg_str *ret_json,
              struct vg_err *err)
{
    const struct vg_op *op = vg_registry_find(rq->env->registry, endpoint, operation);
    struct vg_req unknown = { .arena = rq->arena, .env = rq->env, .err = err, .id = rq->id };
    if (op == NULL || (op->flags & VG_OP_INTERNAL)) /* which ask no policy */
        return vg_fail(&unknown, &vg_err_unknown_operation,
                       "There is no operation %" VG_FMT ":%" VG_FMT ".", VG_ARG(endpoint),
                       VG_ARG(operation));
    void *in = vg_arena_alloc(rq->arena, op->in ? op->in->size : 0);
    void *out = vg_arena_alloc(rq->arena, op->out ? op->out->size : 0);
    vg_rc rc = op->in ? vg_wire_from_json(op->in, json, rq->arena, in, err) : VG_OK;
    if (rc == VG_OK && op->in && !(op->flags & VG_OP_OWN_VALIDATION))
        rc = vg_wire_validate(rq->env->patterns, op->model, op->in, in, rq->arena, err);
    if (rc == VG_OK)
        rc = vg_call(rq, as, op, in, out, err);
    if (rc != VG_OK)
        return rc;
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, VG_WIRE_OUT_MAX_BYTES);
    if (op->out)
        vg_wire_to_json(op->out, out, &b);
    else
        vg_buf_adds(&b, VG_STR("{}"));
    if (b.over)
        return vg_fail(&unknown, &vg_err_internal_failure, "The answer is too large.");
    *ret_json = vg_buf_str(&b);
    return VG_OK;
}
