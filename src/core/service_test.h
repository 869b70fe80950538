/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_SERVICE_TEST_H
#define VG_CORE_SERVICE_TEST_H

/* A service's operations called as the front door calls them, JSON in and out, over the store in
 * memory, without authorization: for unit tests, on a plain thread. */

#include "base/fault.h"
#include "base/test.h"
#include "clock/clock.h"
#include "core/call.h"
#include "core/registry.h"
#include "core/reply.h"
#include "crypto/random.h"
#include "events/events.h"
#include "os/clock.h"
#include "wire/wire.h"

struct vg_service_fixture {
    const struct vg_service *service; /* all there is in env.registry */
    struct vg_registry *registry;
    void *svc;
    struct vg_env env;
    struct vg_config config;
    struct vg_patterns *patterns;
    struct vg_scope scope;
    struct vg_arena *arena; /* of the answers */
    struct vg_err err;      /* of the last call */
    /* of the last call's handler */
    uint32_t n_reads, n_writes;
    size_t arena_bytes;
    size_t n_faults; /* failing calls that met their fault point at all */
    /* What stands for something else in the texts of requests, as ids do; NULL: nothing. */
    const char *(*spell)(struct vg_arena *arena, const char *json);
};

static inline vg_rc vg_service_fixture_due(void *arg, const struct vg_timer *t, struct vg_err *err);

static inline void
vg_service_fixture_init(struct vg_service_fixture *f, const struct vg_service *service)
{
    struct vg_err err = { 0 };
    struct vg_sess sess;
    *f = (struct vg_service_fixture) { .service = service, .arena = vg_arena_new(0) };
    f->config = (struct vg_config) { .region = VG_STR("us-east-1"),
                                     .account = VG_STR("000000000000"),
                                     .partition = VG_STR("aws"),
                                     .port = 4566 };
    f->env.config = &f->config;
    f->env.random = vg_random_new(1, NULL);
    assert_ok(vg_fault_setup(VG_STR("none=fail"), &err)); /* so that the engine is wrapped */
    assert_ok(vg_kv_open_mem(&f->env.kv, &err));
    vg_sess_init(&sess, f->env.kv, f->arena);
    assert_ok(vg_clock_open(&sess, vg_wall_ms, &f->env.clock, &err));
    const struct vg_events_setup setup = {
        .kv = f->env.kv, .clock = f->env.clock, .run = vg_service_fixture_due, .arg = f
    };
    f->env.events = vg_events_new(&setup);
    f->patterns = vg_patterns_new();
    f->scope = (struct vg_scope) { .owner = f->config.account,
                                   .partition = f->config.partition,
                                   .region = f->config.region };
    f->registry = vg_registry_new(&f->service, 1);
    f->env.registry = f->registry;
    assert_ok(vg_registry_init(f->registry, &f->env, &err));
    f->svc = vg_registry_state(f->registry, service);
}

/* … and what the tests of a file begin with. */
static inline void
vg_service_fixture_begin(struct vg_service_fixture *f, const struct vg_service *service,
                         void (*prepare)(struct vg_service_fixture *f))
{
    vg_service_fixture_init(f, service);
    prepare(f);
}

static inline void
vg_service_fixture_fini(struct vg_service_fixture *f)
{
    struct vg_err err = { 0 };
    assert_ok(vg_fault_setup(VG_STR(""), &err));
    vg_arena_free(f->arena);
    vg_registry_fini(f->registry);
    vg_registry_free(f->registry);
    vg_patterns_free(f->patterns);
    vg_events_free(f->env.events);
    vg_clock_close(f->env.clock);
    vg_random_free(f->env.random);
    vg_kv_close(f->env.kv);
}

/* In tests ' stands for ". */
static inline struct vg_str
vg_service_fixture_text(struct vg_service_fixture *f, const char *json)
{
    if (f->spell != NULL)
        json = f->spell(f->arena, json);
    char *text = vg_arena_copy(f->arena, json, strlen(json) + 1);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return vg_str_of(text);
}

static inline void
vg_service_fixture_put_error(struct vg_service_fixture *f, struct vg_buf *b)
{
    const struct vg_errdef *def = f->err.def;
    vg_buf_addf(b, "%" VG_FMT ": %" VG_FMT, VG_ARG(def ? def->code : VG_STR("Internal")),
                VG_ARG(vg_err_text(&f->err)));
    if (def != NULL && def->shape != NULL && f->err.detail != NULL) {
        vg_buf_addc(b, ' ');
        vg_wire_to_json(def->shape, f->err.detail, b);
    }
}

static inline vg_rc
vg_service_fixture_run(struct vg_req *rq, const void *in, void *out)
{
    struct vg_streams st = { 0 };
    vg_streams_open(&st, rq, in, out);
    vg_rc rc = rq->op->handler(rq, in, out);
    return rc == VG_OK ? vg_streams_close(&st) : rc;
}

/*
 * The answer's JSON ("{}" without one), or "Code: message" with the JSON of the error's other
 * members; f->err is then set.
 */
static inline struct vg_str
vg_service_fixture_call(struct vg_service_fixture *f, const char *name, const char *json)
{
    const struct vg_op *op = NULL;
    struct vg_sess sess;
    for (const struct vg_op *const *o = f->service->ops; *o; o++)
        if (vg_str_eq((*o)->name, vg_str_of(name)))
            op = *o;
    if (op == NULL || op->handler == NULL)
        return VG_STR("UnknownOperation");
    f->err = (struct vg_err) { 0 };
    vg_sess_init(&sess, f->env.kv, f->arena);
    struct vg_req rq = { .arena = f->arena,
                         .env = &f->env,
                         .scope = &f->scope,
                         .op = op,
                         .svc = f->svc,
                         .sess = &sess,
                         .err = &f->err,
                         .id = VG_STR("test"),
                         .deadline_ms = INT64_MAX };
    void *in = vg_arena_alloc(f->arena, op->in ? op->in->size : 1);
    rq.in = in;
    void *out = vg_arena_alloc(f->arena, op->out ? op->out->size : 1);
    vg_rc rc = VG_OK;
    if (op->in)
        rc = vg_wire_from_json(op->in, vg_service_fixture_text(f, json), f->arena, in, &f->err);
    if (rc == VG_OK && op->in && !(op->flags & VG_OP_OWN_VALIDATION))
        rc = vg_wire_validate(f->patterns, op->model, op->in, in, f->arena, &f->err);
    size_t before = vg_arena_bytes(f->arena);
    if (rc == VG_OK)
        rc = vg_service_fixture_run(&rq, in, out);
    f->n_reads = sess.n_reads;
    f->n_writes = sess.n_writes;
    f->arena_bytes = vg_arena_bytes(f->arena) - before;
    assert_null(sess.open);
    struct vg_buf b;
    vg_buf_init(&b, f->arena, 64u << 20);
    if (rc != VG_OK)
        vg_service_fixture_put_error(f, &b);
    else if (op->out != NULL)
        vg_wire_to_json(op->out, out, &b);
    else
        vg_buf_adds(&b, VG_STR("{}"));
    return vg_buf_str(&b);
}

static inline bool
vg_service_fixture_is_ok(struct vg_str answer)
{
    return answer.len > 0 && answer.ptr[0] == '{';
}

/* A call that must succeed. */
static inline struct vg_str
vg_service_fixture_ok(struct vg_service_fixture *f, const char *name, const char *json)
{
    struct vg_str answer = vg_service_fixture_call(f, name, json);
    if (!vg_service_fixture_is_ok(answer))
        fail_msg("%s %s: %" VG_FMT, name, json, VG_ARG(answer));
    return answer;
}

/* A call whose answer, or error, must be `want`. */
static inline void
vg_service_fixture_expect(struct vg_service_fixture *f, const char *name, const char *json,
                          const char *want)
{
    struct vg_str answer = vg_service_fixture_call(f, name, json);
    if (!vg_str_eq(answer, vg_service_fixture_text(f, want)))
        fail_msg("%s %s\n  got  %" VG_FMT "\n  want %s", name, json, VG_ARG(answer), want);
}

/* A timer of the service's that is due: core/due_test.h. */
static inline vg_rc
vg_service_fixture_due(void *arg, const struct vg_timer *t, struct vg_err *err)
{
    struct vg_service_fixture *f = arg;
    struct vg_str op = t->op;
    vg_str_cut(&op, '/');
    struct vg_str answer =
        vg_service_fixture_call(f, vg_str_cstr(f->arena, op), vg_str_cstr(f->arena, t->payload));
    if (!vg_service_fixture_is_ok(answer))
        fail_msg("%" VG_FMT ": %" VG_FMT, VG_ARG(t->op), VG_ARG(answer));
    (void)err;
    return VG_OK;
}

/* As at a start: nothing is cached. */
static inline void
vg_service_fixture_forget(struct vg_service_fixture *f)
{
    struct vg_err err = { 0 };
    vg_registry_fini(f->registry);
    assert_ok(vg_registry_init(f->registry, &f->env, &err));
    f->svc = vg_registry_state(f->registry, f->service);
}

/*
 * One call whose nth call of the store at `point` fails.  That must be an internal failure and,
 * where only a read failed, leave everything as it was: the same call then succeeds.  True when
 * there were fewer calls, so that nothing failed.
 */
static inline bool
vg_service_fixture_fails(struct vg_service_fixture *f, const char *point, int nth, const char *name,
                         const char *json)
{
    struct vg_err err = { 0 };
    struct vg_str spec = vg_str_fmt(f->arena, "%s=fail@%d", point, nth);
    assert_true(nth < 1000);
    vg_service_fixture_forget(f);
    assert_ok(vg_fault_setup(spec, &err));
    struct vg_str answer = vg_service_fixture_call(f, name, json);
    bool is_over = vg_fault_count(point) < (uint64_t)nth;
    f->n_faults += vg_fault_count(point) > 0;
    assert_ok(vg_fault_setup(VG_STR("none=fail"), &err));
    if (is_over != vg_service_fixture_is_ok(answer) || (!is_over && f->err.def != NULL))
        fail_msg("%s with %" VG_FMT ": %" VG_FMT, name, VG_ARG(spec), VG_ARG(answer));
    if (is_over || vg_str_eq(vg_str_of(point), VG_STR("store.engine.write")))
        return is_over;
    answer = vg_service_fixture_call(f, name, json);
    if (!vg_service_fixture_is_ok(answer))
        fail_msg("%s after %" VG_FMT ": %" VG_FMT, name, VG_ARG(spec), VG_ARG(answer));
    return false;
}

/* The same for every call of the store, each on a fresh one made by `prepare`. */
static inline void
vg_service_fixture_fail_each(const struct vg_service *service,
                             void (*prepare)(struct vg_service_fixture *f), const char *name,
                             const char *json)
{
    static const char *const points[] = { "store.engine.get", "store.engine.iter",
                                          "store.engine.write" };
    size_t n_faults = 0;
    for (size_t p = 0; p < VG_COUNT(points); p++) {
        bool is_over = false;
        for (int nth = 1; !is_over; nth++) {
            struct vg_service_fixture f;
            vg_service_fixture_begin(&f, service, prepare);
            is_over = vg_service_fixture_fails(&f, points[p], nth, name, json);
            n_faults += f.n_faults;
            vg_service_fixture_fini(&f);
        }
    }
    assert_true(n_faults > 0);
}

struct vg_service_call {
    const char *name, *json;
};

/* The same for each of several. */
static inline void
vg_service_fixture_fail_all(const struct vg_service *service,
                            void (*prepare)(struct vg_service_fixture *f),
                            const struct vg_service_call *calls, size_t n)
{
    for (size_t i = 0; i < n; i++)
        vg_service_fixture_fail_each(service, prepare, calls[i].name, calls[i].json);
}

#endif
