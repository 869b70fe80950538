/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous invocations: kept in the store until they succeeded, or failed three times.
 *
 * One fiber looks for what is due and gives each event a fiber of its own.  Before it runs, an
 * event is moved into the future by a lease, so that one which is lost in a crash is tried again,
 * and no other fiber takes it meanwhile.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
#include "auth/principal.h"
#include "core/env.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "sandbox/sandbox.h"
#include "services/lambda/lambda_int.h"

#include <stdlib.h>

#define ASYNC_MAX      200u
#define ATTEMPTS_MAX   3u
#define LEASE_EXTRA_MS 60000
#define AGE_MAX_MS     (6LL * 60 * 60 * 1000)
#define LOOK_MS        1000 /* how often a moved virtual clock is noticed */

struct job {
    struct lambda_svc *svc;
    struct vg_arena *arena;
    struct lambda_due due; /* in the arena */
};

static struct vg_root *
new_root(struct lambda_svc *svc, struct vg_arena *arena, struct vg_str account,
         struct vg_str region)
{
    struct vg_root *root = VG_NEW(arena, struct vg_root);
    const struct vg_principal *who =
        vg_service_principal(arena, VG_STR("lambda.amazonaws.com"), account);
    vg_root_init(root, svc->env, arena, who, account, region);
    root->rq.svc = svc;
    root->rq.op = &lambda_op_invoke;
    return root;
}

static int64_t
backoff_ms(uint32_t attempts)
{
    return attempts == 1 ? 60000 : 120000;
}

static bool
is_too_old(const struct vg_env *env, const struct lambda_rec_event *ev)
{
    return vg_now_ms(env) - ev->queued_ms > AGE_MAX_MS;
}

/* When it shall be tried again; negative: never. */
static int64_t
next_try(const struct vg_env *env, struct lambda_rec_event *ev, vg_rc rc, const struct vg_err *err,
         bool is_function_error)
{
    int64_t now_ms = vg_now_ms(env);
    if (rc == VG_OK && !is_function_error)
        return -1;
    if (rc != VG_OK) { /* throttled, or ours: until the event is too old */
        bool is_gone = err->def == &lambda_err_resource_not_found_exception;
        return is_gone || is_too_old(env, ev) ? -1 : now_ms + 5000;
    }
    ev->attempts++;
    return ev->attempts < ATTEMPTS_MAX ? now_ms + backoff_ms(ev->attempts) : -1;
}

static void VG_WAITS
run_job(void *arg)
{
    struct job *job = arg;
    struct lambda_svc *svc = job->svc;
    struct lambda_rec_event *ev = &job->due.event;
    struct vg_root *root = new_root(svc, job->arena, ev->account, ev->region);
    struct vg_req *rq = &root->rq;
    struct lambda_name name = { .name = ev->name, .qualifier = ev->qualifier };
    struct lambda_rec_function fn;
    struct vg_outcome o = { 0 };
    bool is_run = !is_too_old(svc->env, ev); /* else it goes untried */
    vg_rc rc = is_run ? lambda_load(rq, &name, &fn) : VG_OK;
    if (rc == VG_OK && is_run) {
        struct lambda_call call = { .request_id = ev->id,
                                    .payload = ev->payload,
                                    .invoked_arn = ev->invoked_arn };
        rc = lambda_run(rq, &fn, &call, &o);
    }
    int64_t due_ms = next_try(svc->env, ev, rc, rq->err, o.is_error);
    bool was_there;
    vg_err_clear(rq->err);
    if (lambda_store_requeue(rq, &job->due, due_ms, &was_there) != VG_OK)
        vg_err_clear(rq->err); /* its lease runs out, and it is tried again */
    pthread_mutex_lock(&svc->lock);
    svc->n_async--;
    pthread_mutex_unlock(&svc->lock);
    lambda_queue_wake(svc);
    vg_arena_free(job->arena);
    free(job);
}

/* Takes one due event under a lease and starts it. */
static void VG_WAITS
start_job(struct lambda_svc *svc, struct vg_req *rq, const struct lambda_due *due)
{
    struct lambda_name name = { .name = due->event.name, .qualifier = due->event.qualifier };
    struct lambda_rec_function fn;
    int64_t lease_ms = LEASE_EXTRA_MS;
    struct vg_root *root = new_root(svc, rq->arena, due->event.account, due->event.region);
    if (lambda_load(&root->rq, &name, &fn) == VG_OK)
        lease_ms += fn.timeout_s * 1000LL;
    struct lambda_due leased = *due;
    int64_t until_ms = vg_now_ms(svc->env) + lease_ms;
    bool was_there = false;
    if (lambda_store_requeue(rq, due, until_ms, &was_there) != VG_OK || !was_there)
        return;
    leased.due_ms = until_ms;
    struct job *job = vg_xalloc(sizeof(*job));
    job->svc = svc;
    job->arena = vg_arena_new(0);
    job->due.due_ms = until_ms;
    vg_auto_buf struct vg_buf b;
    vg_buf_init(&b, NULL, 16u << 20);
    lambda_rec_event_encode(&leased.event, &b);
    struct vg_str copy = vg_str_dup(job->arena, vg_buf_str(&b));
    struct vg_err err = { 0 };
    if (lambda_rec_event_decode(job->arena, copy, &job->due.event, &err) != VG_OK) {
        vg_arena_free(job->arena);
        free(job);
        return;
    }
    pthread_mutex_lock(&svc->lock);
    unsigned n = svc->n_async++;
    pthread_mutex_unlock(&svc->lock);
    vg_fiber_start(svc->env->loops[n % svc->env->n_loops], run_job, job);
}

/* Starts what is due; when to look again (virtual clock), INT64_MAX: nothing waits. */
static int64_t VG_WAITS
look(struct lambda_svc *svc)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_root *root =
        new_root(svc, arena, svc->env->config->account, svc->env->config->region);
    struct lambda_due *due;
    size_t n = 0;
    pthread_mutex_lock(&svc->lock);
    unsigned room = ASYNC_MAX - VG_MIN(svc->n_async, ASYNC_MAX);
    pthread_mutex_unlock(&svc->lock);
    if (lambda_store_due(&root->rq, room + 1, &due, &n) != VG_OK)
        return vg_now_ms(svc->env) + LOOK_MS;
    for (size_t i = 0; i < n; i++) {
        if (due[i].due_ms > vg_now_ms(svc->env))
            return due[i].due_ms;
        if (i == room)
            return vg_now_ms(svc->env) + LOOK_MS; /* a job that ends wakes us earlier */
        start_job(svc, &root->rq, &due[i]);
    }
    return INT64_MAX;
}

static void VG_WAITS
serve_queue(void *arg)
{
    struct lambda_svc *svc = arg;
    for (;;) {
        pthread_mutex_lock(&svc->lock);
        svc->is_queue_dirty = false;
        pthread_mutex_unlock(&svc->lock);
        int64_t next_ms = look(svc);
        struct vg_waiter w;
        vg_waiter_init(&w);
        pthread_mutex_lock(&svc->lock);
        bool is_dirty = svc->is_queue_dirty;
        svc->queue_waiter = is_dirty ? NULL : &w;
        pthread_mutex_unlock(&svc->lock);
        if (is_dirty)
            continue;
        int64_t until_ms = VG_NEVER_MS;
        if (next_ms != INT64_MAX) {
            int64_t wait_ms = next_ms - vg_now_ms(svc->env);
            until_ms = vg_mono_ms() + VG_MAX(VG_MIN(wait_ms, LOOK_MS), 1);
        }
        vg_rc rc = vg_waiter_park(&w, until_ms, true);
        pthread_mutex_lock(&svc->lock);
        svc->queue_waiter = NULL;
        pthread_mutex_unlock(&svc->lock);
        if (rc == VG_GONE)
            return;
    }
}

void
lambda_queue_wake(struct lambda_svc *svc)
{
    pthread_mutex_lock(&svc->lock);
    svc->is_queue_dirty = true;
    if (svc->queue_waiter)
        vg_waiter_wake(svc->queue_waiter, VG_OK);
    pthread_mutex_unlock(&svc->lock);
}

void
lambda_queue_start(struct lambda_svc *svc)
{
    vg_fiber_start(svc->env->loops[0], serve_queue, svc);
}
