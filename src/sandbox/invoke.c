/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One invocation: find or make an environment, hand the event over, wait for the end.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 */
#include "codec/json.h"
#include "os/clock.h"
#include "sandbox/sandbox_int.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void
sb_inv_unref(struct sb_invocation *inv)
{
    if (--inv->refs > 0)
        return;
    char *const texts[] = { inv->request_id,     inv->invoked_arn, inv->trace_id,
                            inv->client_context, inv->identity,    inv->payload,
                            inv->body,           inv->tail,        inv->stream };
    for (size_t i = 0; i < VG_COUNT(texts); i++)
        free(texts[i]);
    free(inv);
}

static struct sb_invocation *
new_invocation(const struct vg_function *fn, const struct vg_event *event)
{
    struct sb_invocation *inv = vg_xalloc(sizeof(*inv));
    inv->refs = 1;
    inv->timeout_ms = fn->timeout_ms;
    inv->request_id = sb_dup(event->request_id);
    inv->invoked_arn = sb_dup(event->invoked_arn);
    inv->trace_id = sb_dup(event->trace_id);
    inv->client_context = sb_dup(event->client_context);
    inv->identity = sb_dup(event->identity);
    inv->payload =
        sb_dup(vg_str_n(event->payload.ptr ? event->payload.ptr : "", event->payload.len));
    inv->payload_len = event->payload.len;
    inv->want_tail = event->want_tail;
    return inv;
}

/* --- the end of one -----------------------------------------------------------------------------
 */

static void
log_line(struct sb_box *box, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n > 0)
        sb_logs_add(&box->logs, vg_str_n(text, VG_MIN((size_t)n, sizeof(text) - 1)), vg_wall_ms());
}

void
sb_box_begin_logs(struct sb_box *box, const struct sb_invocation *inv)
{
    sb_logs_drain(box); /* what initialisation wrote comes first */
    sb_logs_finish(&box->logs, vg_wall_ms());
    log_line(box, "START RequestId: %s Version: %s", inv->request_id, box->version);
}

static void
iso_now(char *to, size_t cap)
{
    int64_t ms = vg_wall_ms();
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&s, &tm);
    size_t n = strftime(to, cap, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(to + n, cap - n, ".%03dZ", (int)(ms % 1000));
}

/* "signal: killed", "exit status 1", as the platform writes them. */
static void
describe_exit(int status, char *to, size_t cap)
{
    if (WIFSIGNALED(status)) {
        const char *name = WTERMSIG(status) == SIGKILL   ? "killed"
                           : WTERMSIG(status) == SIGSEGV ? "segmentation fault"
                           : WTERMSIG(status) == SIGABRT ? "aborted"
                           : WTERMSIG(status) == SIGTERM ? "terminated"
                                                         : "signal";
        snprintf(to, cap, "Runtime exited with error: signal: %s", name);
    } else if (WEXITSTATUS(status) != 0) {
        snprintf(to, cap, "Runtime exited with error: exit status %d", WEXITSTATUS(status));
    } else {
        snprintf(to, cap, "Runtime exited without providing a reason");
    }
}

/* The error document of an end that the function itself could not report. */
static void
make_error(struct sb_box *box, struct sb_invocation *inv, const char *type, const char *message)
{
    (void)box;
    vg_auto_buf struct vg_buf b;
    vg_buf_init(&b, NULL, 4096);
    struct vg_json_out w;
    vg_jsonw_init(&w, &b);
    vg_jsonw_object(&w);
    vg_jsonw_kv(&w, VG_STR("errorType"), vg_str_of(type));
    vg_jsonw_kv(&w, VG_STR("errorMessage"), vg_str_of(message));
    vg_jsonw_object_end(&w);
    inv->body = sb_dup(vg_buf_str(&b));
    inv->body_len = b.len;
}

static const char *
describe_end(struct sb_box *box, struct sb_invocation *inv)
{
    char what[128], text[320];
    if (inv->end == SB_TIMED_OUT) {
        snprintf(what, sizeof(what), "Task timed out after %.2f seconds",
                 (double)inv->timeout_ms / 1000.0);
        char now[40];
        iso_now(now, sizeof(now));
        log_line(box, "%s %s %s\n", now, inv->request_id, what);
        snprintf(text, sizeof(text), "RequestId: %s Error: %s", inv->request_id, what);
        make_error(box, inv, "Sandbox.Timedout", text);
        return "timeout";
    }
    if (inv->end == SB_TOO_LARGE) {
        make_error(box, inv, "Function.ResponseSizeTooLarge",
                   "Response payload size exceeded maximum allowed payload size (6291556 bytes).");
        return "Function.ResponseSizeTooLarge";
    }
    describe_exit(box->exit_status, what, sizeof(what));
    snprintf(text, sizeof(text), "RequestId: %s Error: %s", inv->request_id, what);
    log_line(box, "%s", text);
    make_error(box, inv, box->was_oom ? "Runtime.OutOfMemory" : "Runtime.ExitError", text);
    return box->was_oom ? "Runtime.OutOfMemory" : "Runtime.ExitError";
}

static void
report(struct sb_box *box, struct sb_invocation *inv, const char *error_type)
{
    int64_t init_us = box->is_init_reported ? 0 : box->init_us;
    box->is_init_reported = true;
    inv->duration_us = vg_mono_us() - inv->begun_us;
    if (inv->end == SB_TIMED_OUT)
        inv->duration_us = VG_MAX(inv->duration_us, inv->timeout_ms * 1000);
    inv->init_us = init_us;
    /* Initialisation is billed with the first invocation. */
    inv->billed_ms = (inv->duration_us + 999) / 1000 + (init_us + 999) / 1000;
    uint64_t peak = (sb_box_peak(box) + (1u << 20) - 1) >> 20;
    inv->max_memory_mb = (uint32_t)VG_MIN(peak, box->memory_mb);
    char tail[160] = "";
    if (init_us > 0)
        snprintf(tail, sizeof(tail), "Init Duration: %.2f ms\t", (double)init_us / 1000.0);
    size_t n = strlen(tail);
    if (error_type && strcmp(error_type, "timeout") == 0)
        snprintf(tail + n, sizeof(tail) - n, "Status: timeout");
    else if (error_type)
        snprintf(tail + n, sizeof(tail) - n, "Status: error\tError Type: %s", error_type);
    log_line(box, "END RequestId: %s", inv->request_id);
    log_line(box,
             "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %lld ms\tMemory Size: %u MB"
             "\tMax Memory Used: %u MB\t%s",
             inv->request_id, (double)inv->duration_us / 1000.0, (long long)inv->billed_ms,
             box->memory_mb, inv->max_memory_mb, tail);
}

void
sb_box_end(struct sb_box *box, enum sb_end end, const void *body, size_t len)
{
    struct sb_invocation *inv = box->inv;
    VG_ASSERT(inv && inv->end == SB_RUNNING);
    inv->end = end;
    box->inv = NULL;
    box->idle_since_ms = vg_mono_ms();
    if (end != SB_LOST) {
        if (!inv->is_handed) { /* it never left initialisation */
            inv->begun_us = box->init_began_us;
            box->is_init_reported = true;
            sb_box_begin_logs(box, inv);
        }
        sb_logs_drain(box);
        sb_logs_finish(&box->logs, vg_wall_ms());
        const char *type = NULL;
        if (end == SB_ANSWERED || end == SB_FAILED || end == SB_INIT_FAILED) {
            inv->body = vg_xalloc(len + 1);
            memcpy(inv->body, body, len);
            inv->body_len = len;
        } else {
            type = describe_end(box, inv);
        }
        report(box, inv, type);
        if (box->logs.tail) {
            inv->tail = vg_xalloc(box->logs.tail_len + 1);
            memcpy(inv->tail, box->logs.tail, box->logs.tail_len);
            inv->tail_len = box->logs.tail_len;
        }
        sb_logs_tail_begin(&box->logs, false);
        inv->stream = sb_dup(vg_str_of(box->stream));
        sb_logs_flush(box);
    }
    if (inv->waiter)
        vg_waiter_wake(inv->waiter, VG_OK);
    sb_inv_unref(inv);
}

/* --- an environment for it ----------------------------------------------------------------------
 */

/* Gives the event to the fiber that waits in /next, or will when it is back; lock held. */
static void
assign(struct sb_box *box, struct sb_invocation *inv)
{
    sb_box_freeze(box, false);
    box->state = SB_BUSY;
    box->inv = inv;
    box->refs++;
    inv->refs++;
    sb_logs_tail_begin(&box->logs, inv->want_tail);
    if (box->in_next)
        vg_waiter_wake(box->in_next, VG_OK);
}

/* Whether the box may serve another event of `fn`. */
static bool
is_good(const struct sb_box *box, const struct vg_function *fn, int64_t now_ms)
{
    return !box->is_retired && now_ms < box->good_until_ms && fn->now_ms < box->credentials_until_ms
           && vg_str_eq(vg_str_of(box->key), fn->key);
}

static struct sb_box *
find_idle(struct vg_sandboxes *sb, const struct vg_function *fn, int64_t now_ms)
{
    struct sb_box *best = NULL; /* the one used last is the warmest */
    for (struct sb_box *box = sb->boxes; box; box = box->next) {
        if (box->state == SB_IDLE && box->in_next && is_good(box, fn, now_ms)
            && (!best || box->idle_since_ms >= best->idle_since_ms))
            best = box;
    }
    return best;
}

/* One that has answered a moment ago and is on its way back to /next. */
static struct sb_box *
find_returning(struct vg_sandboxes *sb, const struct vg_function *fn, int64_t now_ms)
{
    for (struct sb_box *box = sb->boxes; box; box = box->next) {
        if (box->state == SB_BUSY && !box->inv && now_ms - box->idle_since_ms < SB_RETURN_MS
            && is_good(box, fn, now_ms))
            return box;
    }
    return NULL;
}

/* Environment variables that act only when a process starts. */
static bool
needs_own_start(const struct vg_function *fn)
{
    static const char *const prefixes[] = { "PYTHON",   "NODE_",
                                            "LD_",      "MALLOC_",
                                            "GLIBC_",   "LC_",
                                            "LANG=",    "AWS_LAMBDA_EXEC_WRAPPER=",
                                            "OPENSSL_", "SSL_CERT_" };
    for (size_t i = 0; i < fn->n_env; i++) {
        for (size_t k = 0; k < VG_COUNT(prefixes); k++) {
            if (vg_str_starts(fn->env[i], vg_str_of(prefixes[k])))
                return true;
        }
    }
    return false;
}

struct env {
    struct vg_arena *arena;
    struct vg_str items[SB_ENV_MAX];
    size_t n;
};

static void
add_env(struct env *e, const char *key, struct vg_str value)
{
    VG_ASSERT(e->n < SB_ENV_MAX);
    e->items[e->n++] = vg_str_fmt(e->arena, "%s=%" VG_FMT, key, VG_ARG(value));
}

static bool
has_env(const struct vg_function *fn, const char *prefix)
{
    for (size_t i = 0; i < fn->n_env; i++) {
        if (vg_str_starts(fn->env[i], vg_str_of(prefix)))
            return true;
    }
    return false;
}

/* https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
static void
fixed_env(struct env *e, const struct vg_function *fn, struct vg_str stream)
{
    bool is_provided = fn->runtime.kind == VG_RUNTIME_PROVIDED;
    bool is_node = fn->runtime.kind == VG_RUNTIME_NODE;
    add_env(e, "_HANDLER", fn->handler);
    add_env(e, "AWS_REGION", fn->region);
    add_env(e, "AWS_DEFAULT_REGION", fn->region);
    if (!is_provided)
        e->items[e->n++] =
            vg_str_fmt(e->arena, "AWS_EXECUTION_ENV=AWS_Lambda_%" VG_FMT, VG_ARG(fn->runtime.id));
    add_env(e, "AWS_LAMBDA_FUNCTION_NAME", fn->name);
    add_env(e, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", vg_str_fmt(e->arena, "%u", fn->memory_mb));
    add_env(e, "AWS_LAMBDA_FUNCTION_VERSION", fn->version);
    add_env(e, "AWS_LAMBDA_INITIALIZATION_TYPE", VG_STR("on-demand"));
    add_env(e, "AWS_LAMBDA_LOG_GROUP_NAME", fn->log_group);
    add_env(e, "AWS_LAMBDA_LOG_STREAM_NAME", stream);
    add_env(e, "AWS_LAMBDA_RUNTIME_API", VG_STR("127.0.0.1:9001"));
    add_env(e, "LAMBDA_TASK_ROOT", VG_STR("/var/task"));
    add_env(e, "LAMBDA_RUNTIME_DIR", VG_STR("/var/runtime"));
    add_env(e, "TZ", VG_STR(":UTC"));
    if (!has_env(fn, "LANG="))
        add_env(e, "LANG", VG_STR("en_US.UTF-8"));
    if (!has_env(fn, "PATH="))
        add_env(e, "PATH", VG_STR("/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin"));
    if (!has_env(fn, "LD_LIBRARY_PATH="))
        add_env(e, "LD_LIBRARY_PATH",
                VG_STR("/var/lang/lib:/lib64:/usr/lib64:/var/runtime:"
                       "/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"));
    if (is_node && !has_env(fn, "NODE_PATH="))
        add_env(e, "NODE_PATH",
                VG_STR("/opt/nodejs/node_modules:/var/runtime/node_modules:"
                       "/var/node_modules"));
    if (!has_env(fn, "AWS_ENDPOINT_URL="))
        add_env(e, "AWS_ENDPOINT_URL", VG_STR("http://127.0.0.1:9001"));
}

static vg_rc VG_WAITS
make_env(struct env *e, const struct vg_function *fn, struct vg_str stream, bool is_plain,
         int64_t *ret_until_ms, struct vg_err *err)
{
    fixed_env(e, fn, stream);
    struct vg_str secrets[4];
    size_t n = 0;
    *ret_until_ms = INT64_MAX;
    vg_rc rc = VG_OK;
    if (fn->credentials)
        rc = fn->credentials(fn->credentials_ctx, e->arena, secrets, &n, ret_until_ms, err);
    if (rc != VG_OK)
        return rc;
    for (size_t i = 0; i < n; i++)
        e->items[e->n++] = secrets[i];
    if (is_plain)
        add_env(e, "VIRGA_BOOT", VG_STR("now"));
    if (fn->n_env > SB_ENV_MAX - e->n)
        return vg_err_set(err, "the function has too many environment variables");
    for (size_t i = 0; i < fn->n_env; i++)
        e->items[e->n++] = fn->env[i];
    return VG_OK;
}

/* "2026/11/23/[$LATEST]0123…": the date, the version, 16 random bytes. */
static struct vg_str
new_stream(struct vg_arena *arena, struct vg_str version)
{
    time_t s = (time_t)(vg_wall_ms() / 1000);
    struct tm tm;
    gmtime_r(&s, &tm);
    unsigned char r[16];
    vg_os_random(r, sizeof(r));
    struct vg_buf b;
    vg_buf_init(&b, arena, 256);
    vg_buf_addf(&b, "%04d/%02d/%02d/[%" VG_FMT "]", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                VG_ARG(version));
    for (size_t i = 0; i < sizeof(r); i++)
        vg_buf_addf(&b, "%02x", r[i]);
    return vg_buf_str(&b);
}

static void
give_to_function(struct sb_box *box, const struct vg_function *fn, struct vg_str stream,
                 int64_t until_ms)
{
    box->key = sb_dup(fn->key);
    box->account = sb_dup(fn->account);
    box->region = sb_dup(fn->region);
    box->group = sb_dup(fn->log_group);
    box->stream = sb_dup(stream);
    box->role = sb_dup(fn->role);
    box->version = sb_dup(fn->version);
    box->memory_mb = fn->memory_mb;
    box->good_until_ms = vg_mono_ms() + SB_AGE_MS;
    box->credentials_until_ms = until_ms;
    log_line(box,
             fn->runtime.is_exact ? "INIT_START Runtime Version: %.*s"
                                  : "INIT_START Runtime Version: %.*s (nearest to %.*s, which "
                                    "is not installed)",
             VG_ARG(fn->runtime.actual), VG_ARG(fn->runtime.id));
}

/* Waits until the claimed box is prepared; lock held before and after. */
static vg_rc VG_WAITS
await_prepared(struct vg_sandboxes *sb, struct sb_box *box, struct vg_err *err)
{
    /* Those before it count for nothing: late is a jail that reports nothing for so long. */
    int64_t asked_ms = vg_mono_ms();
    while (box->state == SB_PREPARING && !box->is_gone) {
        struct vg_waiter w;
        vg_waiter_init(&w);
        box->claimant = &w;
        int64_t until_ms = VG_MAX(asked_ms, sb->report_ms) + SB_INIT_MS;
        pthread_mutex_unlock(&sb->lock);
        vg_rc rc = vg_waiter_park(&w, until_ms, false);
        pthread_mutex_lock(&sb->lock);
        box->claimant = NULL;
        if (rc == VG_TIMEOUT && box->state == SB_PREPARING
            && vg_mono_ms() >= VG_MAX(asked_ms, sb->report_ms) + SB_INIT_MS) {
            sb_box_kill(box);
            return vg_err_set(err, "a sandbox was not ready within %d s, nor any other",
                              SB_INIT_MS / 1000);
        }
    }
    if (box->is_gone || box->state == SB_DYING)
        return vg_err_set(err, "a sandbox could not be made: %s", box->why);
    return VG_OK;
}

static const char *
wrapper_of(const struct vg_function *fn, struct vg_arena *arena)
{
    static const char name[] = "AWS_LAMBDA_EXEC_WRAPPER=";
    for (size_t i = 0; i < fn->n_env; i++) {
        if (vg_str_starts(fn->env[i], vg_str_of(name)))
            return vg_str_cstr(arena, vg_str_slice(fn->env[i], sizeof(name) - 1, fn->env[i].len));
    }
    return NULL;
}

/* A cold start: a prepared sandbox becomes this function's. *ret_box is a reference. */
static vg_rc VG_WAITS
make_environment(struct vg_sandboxes *sb, const struct vg_function *fn, struct vg_arena *arena,
                 struct sb_invocation *inv, struct sb_box **ret_box, struct vg_err *err)
{
    bool is_plain = fn->runtime.kind != VG_RUNTIME_PROVIDED && needs_own_start(fn);
    struct vg_str stream = new_stream(arena, fn->version);
    struct env *env = VG_NEW(arena, struct env);
    env->arena = arena;
    int64_t until_ms;
    vg_rc rc = make_env(env, fn, stream, is_plain, &until_ms, err);
    if (rc != VG_OK)
        return rc;
    pthread_mutex_lock(&sb->lock);
    sb_turn_wait(sb);
    if (sb->sock < 0) {
        pthread_mutex_unlock(&sb->lock);
        return vg_err_set(err, "the sandbox supervisor ended");
    }
    struct sb_pool *pool = sb_pool_of(sb, &fn->runtime);
    struct sb_box *box = sb_pool_claim(sb, pool, is_plain);
    box->refs++;
    rc = await_prepared(sb, box, err);
    if (rc == VG_OK) {
        const char *argv[10];
        size_t argc = 0;
        const char *wrapper = wrapper_of(fn, arena);
        if (wrapper)
            argv[argc++] = wrapper;
        if (box->is_plain)
            argc += sb_runtime_argv(pool, argv + argc);
        give_to_function(box, fn, stream, until_ms);
        box->state = SB_INIT;
        box->init_began_us = vg_mono_us();
        sb_logs_tail_begin(&box->logs, inv->want_tail);
        box->inv = inv;
        inv->refs++;
        rc = sb_box_start(box, fn, argv, argc, env->items, env->n, err);
        if (rc != VG_OK) {
            box->inv = NULL;
            sb_inv_unref(inv);
            sb_box_kill(box);
        }
    }
    if (rc == VG_OK)
        *ret_box = box;
    else
        sb_box_unref(box);
    pthread_mutex_unlock(&sb->lock);
    return rc;
}

enum sb_late {
    IN_TIME,
    LATE_INIT,   /* initialisation took too long: the environment is ended */
    LATE_RETURN, /* it did not come back for the event: try another        */
};

/* How an environment was come by. */
enum sb_how { WARM, RETURNING, COLD, COLD_AGAIN };

/* The event was not taken in time; lock held. */
static enum sb_late
give_up(struct sb_box *box, struct sb_invocation *inv, enum sb_how how)
{
    if (how != RETURNING && how != COLD) { /* it had the function's own time */
        sb_box_end(box, SB_TIMED_OUT, NULL, 0);
        sb_box_kill(box);
        return IN_TIME;
    }
    box->inv = NULL;
    sb_inv_unref(inv);
    if (how == RETURNING)
        return LATE_RETURN;
    sb_box_kill(box);
    return LATE_INIT;
}

/* Waits for the end of `inv` in `box`. */
static enum sb_late VG_WAITS
await_end(struct vg_sandboxes *sb, struct sb_box *box, struct sb_invocation *inv, enum sb_how how)
{
    enum sb_late late = IN_TIME;
    int64_t take_ms = how == COLD ? SB_INIT_MS : how == RETURNING ? SB_RETURN_MS : inv->timeout_ms;
    int64_t take_until_ms = vg_mono_ms() + take_ms;
    pthread_mutex_lock(&sb->lock);
    while (inv->end == SB_RUNNING && late == IN_TIME) {
        int64_t until_ms = inv->is_handed ? inv->deadline_ms : take_until_ms;
        struct vg_waiter w;
        vg_waiter_init(&w);
        inv->waiter = &w;
        pthread_mutex_unlock(&sb->lock);
        vg_rc rc = vg_waiter_park(&w, until_ms, false);
        pthread_mutex_lock(&sb->lock);
        inv->waiter = NULL;
        if (rc != VG_TIMEOUT || inv->end != SB_RUNNING)
            continue;
        if (inv->is_handed) {
            sb_box_end(box, SB_TIMED_OUT, NULL, 0);
            sb_box_kill(box);
        } else {
            late = give_up(box, inv, how);
        }
    }
    sb_box_unref(box);
    pthread_mutex_unlock(&sb->lock);
    return late;
}

static void
fill_outcome(const struct sb_invocation *inv, struct vg_arena *arena, struct vg_outcome *ret)
{
    ret->is_error = inv->end != SB_ANSWERED;
    ret->payload = vg_str_n(vg_arena_copy(arena, inv->body, inv->body_len + 1), inv->body_len);
    if (inv->tail)
        ret->tail = vg_str_n(vg_arena_copy(arena, inv->tail, inv->tail_len + 1), inv->tail_len);
    ret->stream = vg_str_dup(arena, vg_str_of(inv->stream));
    ret->duration_us = inv->duration_us;
    ret->billed_ms = inv->billed_ms;
    ret->init_us = inv->init_us;
    ret->max_memory_mb = inv->max_memory_mb;
}

/* A warm environment that is free, or about to be; *ret_box is a reference. */
static enum sb_how
take_warm(struct vg_sandboxes *sb, const struct vg_function *fn, struct sb_invocation *inv,
          bool may_return, struct sb_box **ret_box)
{
    pthread_mutex_lock(&sb->lock);
    int64_t now_ms = vg_mono_ms();
    enum sb_how how = WARM;
    struct sb_box *box = find_idle(sb, fn, now_ms);
    if (!box && may_return) {
        box = find_returning(sb, fn, now_ms);
        how = RETURNING;
    }
    if (box)
        assign(box, inv);
    pthread_mutex_unlock(&sb->lock);
    *ret_box = box;
    return box ? how : COLD;
}

/* Runs `inv` in one environment after the other until one has taken it. */
static vg_rc VG_WAITS
run(struct vg_sandboxes *sb, const struct vg_function *fn, struct vg_arena *arena,
    struct sb_invocation *inv, bool *ret_cold, struct vg_err *err)
{
    enum sb_late late = IN_TIME;
    for (int i = 0; i < 6; i++) {
        struct sb_box *box;
        enum sb_how how = take_warm(sb, fn, inv, late != LATE_RETURN, &box);
        *ret_cold = how == COLD;
        if (how == COLD) {
            vg_rc rc = make_environment(sb, fn, arena, inv, &box, err);
            if (rc != VG_OK)
                return rc;
            /* Initialisation may take 10 s; then it is tried again as a part of the invocation. */
            how = late == LATE_INIT ? COLD_AGAIN : COLD;
        }
        late = await_end(sb, box, inv, how);
        if (late == IN_TIME && inv->end != SB_LOST)
            return VG_OK;
        inv->end = SB_RUNNING;
    }
    return vg_err_set(err, "environments of the function keep vanishing");
}

vg_rc
vg_sandbox_invoke(struct vg_sandboxes *sb, const struct vg_function *fn,
                  const struct vg_event *event, struct vg_arena *arena, struct vg_outcome *ret,
                  struct vg_err *err)
{
    vg_rc rc = sb_jail_ensure(sb, err);
    if (rc != VG_OK)
        return rc;
    struct sb_invocation *inv = new_invocation(fn, event);
    bool is_cold = false;
    rc = run(sb, fn, arena, inv, &is_cold, err);
    if (rc == VG_OK) {
        *ret = (struct vg_outcome) { .was_cold = is_cold };
        fill_outcome(inv, arena, ret);
    }
    pthread_mutex_lock(&sb->lock);
    sb_inv_unref(inv);
    pthread_mutex_unlock(&sb->lock);
    return rc;
}
