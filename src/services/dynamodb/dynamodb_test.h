/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DYNAMODB_TEST_H
#define DYNAMODB_TEST_H

/* Operations called as the front door calls them, JSON in and out, over the store in memory. */

#include "base/test.h"
#include "clock/clock.h"
#include "core/call.h"
#include "crypto/random.h"
#include "os/clock.h"
#include "services/dynamodb/ops.h"
#include "wire/wire.h"

struct dynamodb_fixture {
    struct vg_kv *kv;
    struct vg_env env;
    struct vg_config config;
    struct vg_patterns *patterns;
    struct vg_scope scope;
    struct vg_arena *arena; /* of the answers */
    uint32_t n_reads;       /* of the last call */
};

static inline void
dynamodb_fixture_init(struct dynamodb_fixture *f)
{
    struct vg_err err = { 0 };
    *f = (struct dynamodb_fixture) { .arena = vg_arena_new(0) };
    assert_ok(vg_kv_open_mem(&f->kv, &err));
    f->env.kv = f->kv;
    f->env.config = &f->config;
    f->env.random = vg_random_new(1, NULL);
    struct vg_sess sess;
    vg_sess_init(&sess, f->kv, f->arena);
    assert_ok(vg_clock_open(&sess, vg_wall_ms, &f->env.clock, &err));
    f->patterns = vg_patterns_new();
    f->scope = (struct vg_scope) { .owner = VG_STR("000000000000"),
                                   .partition = VG_STR("aws"),
                                   .region = VG_STR("us-east-1") };
}

static inline const struct vg_op *
dynamodb_fixture_op(const char *name)
{
    for (const struct vg_op *const *op = dynamodb_ops; *op; op++) {
        if (vg_str_eq((*op)->name, vg_str_of(name)))
            return *op;
    }
    return NULL;
}

/* The answer's JSON, or "Error: message". */
static inline struct vg_str
dynamodb_fixture_call(struct dynamodb_fixture *f, void *svc, const char *name, const char *json)
{
    const struct vg_op *op = dynamodb_fixture_op(name);
    struct vg_err err = { 0 };
    struct vg_sess sess;
    vg_sess_init(&sess, f->kv, f->arena);
    struct vg_req rq = { .arena = f->arena,
                         .env = &f->env,
                         .scope = &f->scope,
                         .op = op,
                         .svc = svc,
                         .sess = &sess,
                         .err = &err,
                         .id = VG_STR("test") };
    if (op == NULL || op->handler == NULL)
        return VG_STR("UnknownOperation");
    void *in = vg_arena_alloc(f->arena, op->in ? op->in->size : 1);
    void *out = vg_arena_alloc(f->arena, op->out ? op->out->size : 1);
    vg_rc rc = VG_OK;
    if (op->in)
        rc = vg_wire_from_json(op->in, vg_str_of(json), f->arena, in, &err);
    if (rc == VG_OK && op->in)
        rc = vg_wire_validate(f->patterns, op->model, op->in, in, f->arena, &err);
    if (rc == VG_OK)
        rc = op->handler(&rq, in, out);
    f->n_reads = sess.n_reads;
    assert_null(sess.open);
    if (rc != VG_OK) {
        struct vg_str code = err.def ? err.def->code : VG_STR("SerializationException");
        struct vg_buf b;
        vg_buf_init(&b, f->arena, 1 << 20);
        vg_buf_addf(&b, "%" VG_FMT ": %" VG_FMT, VG_ARG(code), VG_ARG(vg_err_text(&err)));
        if (err.def && err.def->shape && err.detail) {
            vg_buf_addc(&b, ' ');
            vg_wire_to_json(err.def->shape, err.detail, &b);
        }
        return vg_buf_str(&b);
    }
    struct vg_buf b;
    vg_buf_init(&b, f->arena, 64u << 20);
    if (op->out == NULL)
        return VG_STR("{}");
    vg_wire_to_json(op->out, out, &b);
    return vg_buf_str(&b);
}

static inline void
dynamodb_fixture_fini(struct dynamodb_fixture *f)
{
    vg_arena_free(f->arena);
    vg_patterns_free(f->patterns);
    vg_clock_close(f->env.clock);
    vg_random_free(f->env.random);
    vg_kv_close(f->kv);
}

#endif
