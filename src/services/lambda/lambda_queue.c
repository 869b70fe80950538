/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous invocations: kept in the store until they succeeded, or failed three times.
 *
 * One fiber looks for what is due, line by line (lambda_line.c), and gives each event a fiber of
 * its own.  Before it runs, an event is moved into the future by a lease, so that one which is lost
 * in a crash is tried again, and no other fiber takes it meanwhile.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
#include "auth/principal.h"
#include "base/log.h"
#include "core/env.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "sandbox/sandbox.h"
#include "services/lambda/lambda_int.h"

#include <stdlib.h>

#define LEASE_EXTRA_MS 60000
#define AGE_MAX_MS     (6LL * 60 * 60 * 1000)
#define LOOK_MS        1000  /* how often a moved virtual clock is noticed */
#define LOOK_AGAIN_MS  60000 /* the store may have been opened again, with events that were gone */

struct job {
    struct lambda_svc *svc;
    struct vg_arena *arena; /* of the rest */
    struct vg_str account, region, name;
    struct lambda_due due; /* as leased */
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

/* Runs the event; true when it is to be tried again, next->due_ms then. */
static bool VG_WAITS
try_event(struct vg_req *rq, const struct lambda_rec_event *ev, struct lambda_due *next)
{
    struct lambda_svc *svc = rq->svc;
    struct lambda_name name = { .name = ev->name, .qualifier = ev->qualifier };
    struct lambda_rec_function fn;
    struct vg_outcome o = { 0 };
    if (vg_now_ms(svc->env) - ev->queued_ms > AGE_MAX_MS)
        return false;
    vg_rc rc = lambda_load(rq, &name, &fn);
    if (rc == VG_OK) {
        struct lambda_call call = { .request_id = ev->id,
                                    .payload = ev->payload,
                                    .invoked_arn = ev->invoked_arn };
        rc = lambda_run(rq, &fn, &call, &o);
    }
    bool is_gone = rc != VG_OK && rq->err->def == &lambda_err_resource_not_found_exception;
    if (is_gone || (rc == VG_OK && !o.is_error))
        return false;
    int64_t wait_ms =
        lambda_retry_ms(&next->tries, rc == VG_OK ? LAMBDA_END_FAILED : LAMBDA_END_REFUSED);
    next->due_ms = vg_now_ms(svc->env) + wait_ms;
    return wait_ms >= 0;
}

static void VG_WAITS
run_job(void *arg)
{
    struct job *job = arg;
    struct lambda_svc *svc = job->svc;
    struct vg_req *rq = &new_root(svc, job->arena, job->account, job->region)->rq;
    struct lambda_rec_event ev;
    struct lambda_due next = job->due;
    bool was_there, is_again = false;
    vg_rc rc = lambda_store_event(rq, &job->due, &ev);
    if (rc == VG_OK && ev.id.ptr)
        is_again = try_event(rq, &ev, &next);
    vg_err_clear(rq->err);
    if (rc == VG_OK)
        rc = lambda_store_requeue(rq, &job->due, is_again ? &next : NULL, &was_there);
    if (rc != VG_OK) { /* its lease runs out, and it is tried again */
        vg_err_clear(rq->err);
        next.due_ms = job->due.due_ms;
        is_again = true;
    }
    pthread_mutex_lock(&svc->lock);
    lambda_line_end(&svc->lines, job->due.line);
    pthread_mutex_unlock(&svc->lock);
    lambda_queue_note(svc, job->due.line, is_again ? next.due_ms : INT64_MAX);
    vg_arena_free(job->arena);
}

/* For how long nobody else takes the event. */
static int64_t
lease_ms(struct job *job)
{
    struct lambda_name name = { .name = job->name, .qualifier = job->due.tries.qualifier };
    struct lambda_rec_function fn;
    struct vg_root *root = new_root(job->svc, job->arena, job->account, job->region);
    bool is_there = lambda_load(&root->rq, &name, &fn) == VG_OK;
    return LEASE_EXTRA_MS + (is_there ? fn.timeout_s * 1000LL : 0);
}

/* Takes one due event under a lease and starts it. */
static vg_rc VG_WAITS
start_job(struct lambda_svc *svc, struct vg_req *rq, const struct lambda_due *due)
{
    struct vg_arena *arena = vg_arena_new(0);
    struct job *job = VG_NEW(arena, struct job);
    *job = (struct job) { .svc = svc, .arena = arena, .due = *due };
    job->due.line = vg_str_dup(arena, due->line);
    job->due.id = vg_str_dup(arena, due->id);
    job->due.tries.qualifier = vg_str_dup(arena, due->tries.qualifier);
    bool was_there = false;
    bool is_line =
        lambda_store_line_read(arena, job->due.line, &job->account, &job->region, &job->name);
    VG_ASSERT(is_line); /* as find_lines() and lambda_store_line() made it */
    job->due.due_ms = vg_now_ms(svc->env) + lease_ms(job);
    vg_rc rc = lambda_store_requeue(rq, due, &job->due, &was_there);
    if (rc != VG_OK || !was_there) {
        vg_arena_free(arena);
        return rc;
    }
    pthread_mutex_lock(&svc->lock);
    unsigned n = lambda_line_begin(&svc->lines, due->line);
    pthread_mutex_unlock(&svc->lock);
    vg_fiber_start(svc->env->loops[n % svc->env->n_loops], run_job, job);
    return VG_OK;
}

/* Starts up to `max` due events of a line and notes when the next one is due. */
static vg_rc VG_WAITS
serve_line(struct lambda_svc *svc, struct vg_str line, uint32_t max, struct vg_arena *arena)
{
    struct vg_root *root =
        new_root(svc, arena, svc->env->config->account, svc->env->config->region);
    struct lambda_due *due;
    size_t n = 0, i = 0;
    int64_t now_ms = vg_now_ms(svc->env), next_ms = INT64_MAX;
    vg_rc rc = lambda_store_due(&root->rq, line, max + 1, &due, &n);
    while (rc == VG_OK && i < n && i < max && due[i].due_ms <= now_ms) {
        rc = start_job(svc, &root->rq, &due[i]);
        i += rc == VG_OK;
    }
    if (rc != VG_OK)
        next_ms = now_ms;
    else if (i < n)
        next_ms = due[i].due_ms;
    pthread_mutex_lock(&svc->lock);
    lambda_line_note(&svc->lines, line, next_ms);
    pthread_mutex_unlock(&svc->lock);
    return rc;
}

static void VG_WAITS
find_line(struct lambda_svc *svc, struct vg_req *rq, struct vg_str line)
{
    struct vg_str account, region, name, adopted = VG_STR_NONE;
    if (lambda_store_line_read(rq->arena, line, &account, &region, &name))
        adopted = line;
    else if (lambda_store_adopt(rq, line, &adopted) != VG_OK)
        vg_log(VG_LOG_WARN, "lambda.queue", { "error", vg_err_text(rq->err) });
    vg_err_clear(rq->err);
    if (!adopted.ptr)
        return;
    pthread_mutex_lock(&svc->lock);
    lambda_line_note(&svc->lines, adopted, INT64_MIN);
    pthread_mutex_unlock(&svc->lock);
}

/* All lines, of an earlier process or before the store was opened again, are looked into. */
static vg_rc VG_WAITS
find_lines(struct lambda_svc *svc)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_root *root =
        new_root(svc, arena, svc->env->config->account, svc->env->config->region);
    struct vg_str after = VG_STR_NONE, *lines;
    size_t n;
    do {
        vg_rc rc = lambda_store_lines(&root->rq, after, &lines, &n);
        if (rc != VG_OK)
            return rc;
        for (size_t i = 0; i < n; i++)
            find_line(svc, &root->rq, lines[i]);
        after = n ? lines[n - 1] : VG_STR_NONE;
    } while (n > 0);
    return VG_OK;
}

/* Starts what is due; false: the store is out of order. */
static bool VG_WAITS
look(struct lambda_svc *svc, uint32_t *epoch)
{
    uint32_t now = vg_kv_epoch(svc->env->kv);
    if (now != *epoch && find_lines(svc) != VG_OK)
        return false;
    *epoch = now;
    for (;;) {
        vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
        uint32_t max;
        pthread_mutex_lock(&svc->lock);
        const struct lambda_line *line = lambda_line_next(&svc->lines, vg_now_ms(svc->env), &max);
        struct vg_str key = line ? vg_str_dup(arena, line->key) : VG_STR_NONE;
        if (!line)
            lambda_line_sweep(&svc->lines, false);
        pthread_mutex_unlock(&svc->lock);
        if (!key.ptr)
            return true;
        if (serve_line(svc, key, max, arena) != VG_OK)
            return false;
    }
}

/* When to look again (monotonic); svc->lock held. */
static int64_t
look_until(const struct lambda_svc *svc, bool is_in_order)
{
    int64_t next_ms = lambda_line_next_ms(&svc->lines);
    if (!is_in_order)
        return vg_mono_ms() + LOOK_MS;
    if (next_ms == INT64_MAX)
        return vg_mono_ms() + LOOK_AGAIN_MS;
    int64_t now_ms = vg_now_ms(svc->env);
    return vg_mono_ms() + (next_ms <= now_ms ? 1 : VG_MIN(next_ms - now_ms, LOOK_MS));
}

static void VG_WAITS
serve_queue(void *arg)
{
    struct lambda_svc *svc = arg;
    uint32_t epoch = vg_kv_epoch(svc->env->kv) - 1; /* the lines are not known */
    vg_rc rc = VG_OK;
    while (rc != VG_GONE) {
        pthread_mutex_lock(&svc->lock);
        svc->is_queue_dirty = false;
        pthread_mutex_unlock(&svc->lock);
        bool is_in_order = look(svc, &epoch);
        struct vg_waiter w;
        vg_waiter_init(&w);
        pthread_mutex_lock(&svc->lock);
        bool is_dirty = svc->is_queue_dirty && is_in_order;
        svc->queue_waiter = is_dirty ? NULL : &w;
        int64_t until_ms = look_until(svc, is_in_order);
        pthread_mutex_unlock(&svc->lock);
        if (is_dirty)
            continue;
        rc = vg_waiter_park(&w, until_ms, true);
        pthread_mutex_lock(&svc->lock);
        svc->queue_waiter = NULL;
        pthread_mutex_unlock(&svc->lock);
    }
}

void
lambda_queue_note(struct lambda_svc *svc, struct vg_str line, int64_t due_ms)
{
    pthread_mutex_lock(&svc->lock);
    lambda_line_note(&svc->lines, line, due_ms);
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
