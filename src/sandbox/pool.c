/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps prepared sandboxes at hand, freezes idle environments, retires old ones. */
#include "http/server.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/process.h"
#include "sandbox/sandbox_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define JANITOR_MS 200

struct sb_pool *
sb_pool_of(struct vg_sandboxes *sb, const struct vg_runtime *rt)
{
    struct sb_pool *p = sb->pools;
    while (p && (p->kind != rt->kind || !vg_str_eq(vg_str_of(p->path), rt->path)))
        p = p->next;
    if (!p) {
        p = vg_xalloc(sizeof(*p));
        p->kind = rt->kind;
        p->path = sb_dup(rt->path);
        p->actual = sb_dup(rt->actual);
        p->want = SB_POOL_MIN;
        p->next = sb->pools;
        sb->pools = p;
    }
    return p;
}

static bool
is_pooled(const struct sb_box *box, const struct sb_pool *pool)
{
    bool is_standard = !box->is_plain || pool->kind == VG_RUNTIME_PROVIDED;
    return box->pool == pool && is_standard && !box->claimant && !box->key
           && (box->state == SB_POOLED || box->state == SB_PREPARING);
}

void
sb_pool_fill(struct vg_sandboxes *sb, struct sb_pool *pool)
{
    if (sb->is_stopping || sb->sock < 0)
        return;
    unsigned have = 0;
    for (struct sb_box *box = sb->boxes; box; box = box->next) {
        have += is_pooled(box, pool);
        if (sb->turns || box->claimant || box->state == SB_INIT)
            return; /* somebody waits for this machine: first things first */
    }
    for (; have < pool->want; have++)
        sb_box_prepare(sb, pool, false);
}

/* A claim was made: many in a short time ask for a larger pool. */
static void
note_claim(struct sb_pool *pool)
{
    int64_t now_ms = vg_mono_ms();
    if (now_ms - pool->burst_ms > 2000) {
        pool->burst_ms = now_ms;
        pool->burst = 0;
    }
    pool->burst++;
    pool->used_ms = now_ms;
    pool->want = VG_MAX(pool->want, VG_MIN(SB_POOL_MAX, pool->burst));
}

struct sb_box *
sb_pool_claim(struct vg_sandboxes *sb, struct sb_pool *pool, bool is_plain)
{
    struct sb_box *best = NULL;
    bool is_standard = !is_plain || pool->kind == VG_RUNTIME_PROVIDED;
    for (struct sb_box *box = sb->boxes; is_standard && box; box = box->next) {
        if (!is_pooled(box, pool))
            continue;
        if (!best || (best->state == SB_PREPARING && box->state == SB_POOLED))
            best = box;
    }
    if (!best)
        best = sb_box_prepare(sb, pool, is_plain);
    best->claimed_ms = vg_mono_ms();
    note_claim(pool);
    return best;
}

void
vg_sandboxes_expect(struct vg_sandboxes *sb, const struct vg_runtime *runtime)
{
    struct vg_err err = { 0 };
    if (sb_jail_ensure(sb, &err) != VG_OK)
        return; /* the first invocation will say why */
    pthread_mutex_lock(&sb->lock);
    struct sb_pool *pool = sb_pool_of(sb, runtime);
    pool->used_ms = vg_mono_ms();
    sb_pool_fill(sb, pool);
    pthread_mutex_unlock(&sb->lock);
}

void
sb_box_gone(struct sb_box *box)
{
    struct sb_invocation *inv = box->inv;
    sb_turn_next(box->sb);
    if (box->claimant)
        vg_waiter_wake(box->claimant, VG_GONE);
    if (box->in_next)
        vg_waiter_wake(box->in_next, VG_GONE);
    bool is_lost = box->is_lost || (inv && !inv->is_handed && box->state == SB_BUSY);
    if (inv)
        sb_box_end(box, is_lost ? SB_LOST : SB_EXITED, NULL, 0);
    else if (box->key)
        sb_logs_finish_box(box);
}

/* --- turns --------------------------------------------------------------------------------------
 *
 * A hundred interpreters that start at once are each a hundred times slower, so that even the
 * first is late and all may miss the ten seconds that initialisation has. So few start at a time,
 * in order. A start that takes long most likely waits for something: it holds up nobody.
 */

struct sb_turn {
    struct sb_turn *next;
    struct vg_waiter *waiter;
};

/* Claimed a moment ago, and not yet back for its event. */
static bool
is_starting(const struct sb_box *box, int64_t now_ms)
{
    bool is_early = box->state == SB_PREPARING || box->state == SB_POOLED || box->state == SB_INIT;
    return is_early && box->claimed_ms != 0 && now_ms - box->claimed_ms < SB_TURN_MS;
}

static bool
may_start(const struct vg_sandboxes *sb)
{
    unsigned n = 0;
    int64_t now_ms = vg_mono_ms();
    for (const struct sb_box *box = sb->boxes; box; box = box->next)
        n += is_starting(box, now_ms);
    return n < sb->turns_max;
}

void
sb_turn_next(struct vg_sandboxes *sb)
{
    if (sb->turns && sb->turns->waiter)
        vg_waiter_wake(sb->turns->waiter, VG_OK);
}

void
sb_turn_wait(struct vg_sandboxes *sb)
{
    struct sb_turn me = { 0 }, **last = &sb->turns;
    while (*last)
        last = &(*last)->next;
    *last = &me;
    while (sb->turns != &me || !may_start(sb)) {
        struct vg_waiter w;
        vg_waiter_init(&w);
        me.waiter = &w;
        /* The first looks again by itself: nobody tells that a start has become a long one. */
        int64_t until_ms = sb->turns == &me ? vg_mono_ms() + 10 : VG_NEVER_MS;
        pthread_mutex_unlock(&sb->lock);
        vg_waiter_park(&w, until_ms, false);
        pthread_mutex_lock(&sb->lock);
        me.waiter = NULL;
    }
    sb->turns = me.next;
    sb_turn_next(sb);
}

/* --- the janitor --------------------------------------------------------------------------------
 */

static void
tidy_idle(struct vg_sandboxes *sb, int64_t now_ms)
{
    uint64_t idle_mb = 0;
    for (struct sb_box *box = sb->boxes; box; box = box->next) {
        bool is_away = box->state == SB_BUSY && !box->inv; /* answered, and did not come back */
        if (is_away
            && now_ms - box->idle_since_ms > (box->is_retired ? SB_RETIRED_MS : SB_STUCK_MS))
            sb_box_kill(box);
        if (box->state != SB_IDLE)
            continue;
        idle_mb += sb_box_peak(box) >> 20;
        if (box->is_retired || now_ms - box->idle_since_ms > SB_IDLE_MS
            || now_ms > box->good_until_ms || idle_mb > SB_IDLE_MAX_MB)
            sb_box_kill(box);
        else if (box->in_next && now_ms - box->idle_since_ms >= SB_FREEZE_AFTER_MS)
            sb_box_freeze(box, true);
    }
}

static void
tidy_pools(struct vg_sandboxes *sb, int64_t now_ms)
{
    for (struct sb_pool *pool = sb->pools; pool; pool = pool->next) {
        if (now_ms - pool->used_ms > SB_POOL_IDLE_MS)
            pool->want = 1;
        else if (now_ms - pool->used_ms > 10000)
            pool->want = VG_MIN(pool->want, SB_POOL_MIN);
        unsigned have = 0;
        for (struct sb_box *box = sb->boxes; box; box = box->next) {
            if (is_pooled(box, pool) && ++have > pool->want && box->state == SB_POOLED)
                sb_box_kill(box);
        }
        if (pool->used_ms != 0)
            sb_pool_fill(sb, pool);
    }
}

static void VG_WAITS
janitor(void *arg)
{
    struct vg_sandboxes *sb = arg;
    for (;;) {
        vg_fiber_sleep(JANITOR_MS);
        pthread_mutex_lock(&sb->lock);
        if (sb->sock < 0 || sb->is_stopping) {
            sb->has_janitor = false;
            sb->n_fibers--;
            pthread_mutex_unlock(&sb->lock);
            return;
        }
        int64_t now_ms = vg_mono_ms();
        tidy_idle(sb, now_ms);
        tidy_pools(sb, now_ms);
        for (struct sb_box *box = sb->boxes; box; box = box->next)
            sb_logs_flush(box);
        pthread_mutex_unlock(&sb->lock);
    }
}

void
sb_janitor_start(struct vg_sandboxes *sb)
{
    if (sb->has_janitor)
        return;
    sb->has_janitor = true;
    sb->n_fibers++;
    vg_fiber_start(sb->opt.loops[0], janitor, sb);
}

/* --- life ---------------------------------------------------------------------------------------
 */

struct vg_sandboxes *
vg_sandboxes_new(const struct vg_sandboxes_options *opt)
{
    struct vg_sandboxes *sb = vg_xalloc(sizeof(*sb));
    sb->opt = *opt;
    sb->in = vg_xalloc(VG_JAIL_MSG_MAX);
    sb->sock = -1;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    sb->turns_max = VG_MAX(SB_TURNS_MIN, 2u * (unsigned)VG_MAX(cores, 1L));
    pthread_mutex_init(&sb->lock, NULL);
    struct vg_http_config http = {
        .loops = opt->loops, .n_loops = opt->n_loops, .handler = sb_api_serve, .ctx = sb
    };
    sb->http = vg_http_server_new(&http);
    return sb;
}

void
vg_sandboxes_stop(struct vg_sandboxes *sb)
{
    pthread_mutex_lock(&sb->lock);
    sb->is_stopping = true;
    if (sb->sock >= 0)
        shutdown(sb->sock, SHUT_RDWR);
    unsigned left = sb->n_fibers;
    pthread_mutex_unlock(&sb->lock);
    for (int i = 0; left > 0 && i < 5000; i++) {
        vg_fiber_sleep(2);
        pthread_mutex_lock(&sb->lock);
        left = sb->n_fibers;
        pthread_mutex_unlock(&sb->lock);
    }
    vg_http_server_stop(sb->http, 0);
}

void
vg_sandboxes_free(struct vg_sandboxes *sb)
{
    if (!sb)
        return;
    for (struct sb_pool *p = sb->pools, *next; p; p = next) {
        next = p->next;
        free(p->path);
        free(p->actual);
        free(p);
    }
    vg_http_server_free(sb->http);
    pthread_mutex_destroy(&sb->lock);
    free(sb->in);
    free(sb);
}

void
vg_sandboxes_on_aws(struct vg_sandboxes *sb, void (*aws)(struct vg_http_req *req), void *ctx)
{
    sb->aws = aws;
    sb->aws_ctx = ctx;
}

void
vg_sandboxes_on_logs(struct vg_sandboxes *sb,
                     void (*logs)(void *ctx, const struct vg_log_batch *batch), void *ctx)
{
    sb->on_logs = logs;
    sb->logs_ctx = ctx;
}

/* The first of `dir`/candidates that has `probe` below it, as a path; absent: none. */
static struct vg_str
first_with(struct vg_arena *arena, const char *dir, const char *const *candidates, size_t n,
           const char *probe)
{
    for (size_t i = 0; i < n; i++) {
        struct vg_str path = vg_str_fmt(arena, "%s/%s", dir, candidates[i]);
        if (vg_file_exists(vg_str_fmt(arena, "%" VG_FMT "%s", VG_ARG(path), probe))) {
            char *real = realpath(vg_str_cstr(arena, path), NULL);
            path = vg_str_dup(arena, real ? vg_str_of(real) : path);
            free(real);
            return path;
        }
    }
    return VG_STR_NONE;
}

void
vg_sandboxes_find_paths(struct vg_arena *arena, struct vg_sandboxes_options *opt)
{
    static const char *const jails[] = { "virga-jail", "../jail/virga-jail", "apps/jail/virga-jail",
                                         "src/apps/jail/virga-jail",
                                         "../libexec/virga/virga-jail" };
    static const char *const clients[] = { "runtimes",          "../share/virga/runtimes",
                                           "../runtimes",       "../../runtimes",
                                           "../../../runtimes", "../../../../runtimes" };
    char exe[1024];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    exe[n > 0 ? n : 0] = 0;
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = 0;
    opt->jail_path = first_with(arena, exe, jails, VG_COUNT(jails), "");
    opt->client_dir = first_with(arena, exe, clients, VG_COUNT(clients), "/python/bootstrap.py");
    opt->library_dir = vg_str_fmt(arena, "%" VG_FMT "/../.cache/runtimes", VG_ARG(opt->client_dir));
}

void
vg_sandboxes_retire(struct vg_sandboxes *sb, struct vg_str key)
{
    pthread_mutex_lock(&sb->lock);
    for (struct sb_box *box = sb->boxes; box; box = box->next) {
        if (!box->key || !vg_str_starts(vg_str_of(box->key), key))
            continue;
        box->is_retired = true;
        if (box->state == SB_IDLE)
            sb_box_kill(box);
    }
    pthread_mutex_unlock(&sb->lock);
}

void
vg_sandboxes_status(struct vg_sandboxes *sb, struct vg_sandbox_status *ret)
{
    pthread_mutex_lock(&sb->lock);
    *ret = (struct vg_sandbox_status) { .is_started = sb->sock >= 0,
                                        .is_usable = sb->is_usable,
                                        .is_weak = sb->opt.is_weak };
    snprintf(ret->cgroup, sizeof(ret->cgroup), "%s", sb->cgroup);
    snprintf(ret->missing, sizeof(ret->missing), "%s", sb->missing);
    for (struct sb_box *box = sb->boxes; box; box = box->next) {
        ret->n_pooled += box->state == SB_POOLED;
        ret->n_idle += box->state == SB_IDLE;
        ret->n_busy += box->state == SB_BUSY || box->state == SB_INIT;
    }
    pthread_mutex_unlock(&sb->lock);
}
