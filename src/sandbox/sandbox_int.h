/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_SANDBOX_SANDBOX_INT_H
#define VG_SANDBOX_SANDBOX_INT_H

/*
 * Private to src/sandbox.  One lock (sb->lock) guards every list and every field that is not said
 * to belong to one fiber; nothing waits under it.  A sandbox and an invocation are counted
 * references: lists, the jail, the listener and fibers hold one each.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "os/fiber.h"
#include "sandbox/jail_proto.h"
#include "sandbox/logs.h"
#include "sandbox/sandbox.h"

#include <pthread.h>
#include <sys/types.h>

#define SB_RESPONSE_MAX    (6u * 1024 * 1024 + 100) /* AWS's quota for a synchronous answer */
#define SB_INIT_MS         10000
#define SB_FREEZE_AFTER_MS 300
#define SB_IDLE_MS         (10 * 60 * 1000) /* then an idle environment is retired */
#define SB_POOL_IDLE_MS    (5 * 60 * 1000)  /* then a runtime's pool shrinks to one */
#define SB_AGE_MS          (6 * 60 * 60 * 1000LL)
#define SB_IDLE_MAX_MB     2048u /* of all idle environments together */
#define SB_RETURN_MS       20    /* from an answer to the next /next, before another is made */
#define SB_STUCK_MS        60000 /* after an answer the runtime must ask for more */
#define SB_RETIRED_MS      500   /* or, of a function that is no more, may say its last words */
#define SB_TURN_MS         300   /* a start that takes longer lets the next one begin */
#define SB_TURNS_MIN       4u    /* starts at the same time */
#define SB_POOL_MIN        2u
#define SB_POOL_MAX        12u
#define SB_ENV_MAX         192u

enum sb_state {
    SB_PREPARING, /* asked of the jail, or in the pool with its runtime starting */
    SB_POOLED,    /* prepared: may be claimed                                    */
    SB_INIT,      /* claimed: the function's code is being loaded                */
    SB_IDLE,      /* waits in /next                                              */
    SB_BUSY,
    SB_DYING,
};

struct sb_order;
struct sb_pool;
struct sb_turn;

struct sb_box {
    struct sb_box *next; /* in sb->boxes */
    struct vg_sandboxes *sb;
    unsigned refs;
    enum sb_state state;
    uint32_t id;
    struct sb_pool *pool;
    bool is_plain; /* prepared without its interpreter */
    bool is_frozen, is_retired, is_replaced;
    bool is_lost; /* left /next with an event that it had not been given yet */
    int log_fd, memory_fd, freeze_fd;
    const struct vg_listener *listener;
    int64_t born_ms, idle_since_ms, good_until_ms;
    int64_t claimed_ms; /* 0: not yet */

    /* of its function, after the claim */
    int64_t credentials_until_ms; /* virtual clock */
    char *key, *account, *region, *group, *stream, *role, *version;
    uint32_t memory_mb;
    struct sb_invocation *inv;  /* being served, or waiting for /next */
    struct vg_waiter *in_next;  /* the fiber that waits in /next      */
    struct sb_logs logs;        /* guarded by the lock; read from log_fd */
    bool is_flushing;           /* a fiber hands its logs over        */
    struct vg_waiter *claimant; /* waits for PREPARED                */
    bool is_gone;               /* the jail said so                   */
    char why[256];
    int exit_status;
    bool was_oom;
    uint64_t peak_bytes;
    int64_t init_began_us, init_us;
    bool is_init_reported;
};

enum sb_end {
    SB_RUNNING,
    SB_ANSWERED, /* body is the answer          */
    SB_FAILED,   /* body is the function's error */
    SB_INIT_FAILED,
    SB_TOO_LARGE,
    SB_EXITED,
    SB_TIMED_OUT,
    SB_LOST, /* the environment vanished before it had the event: try another */
};

struct sb_invocation {
    unsigned refs;
    enum sb_end end;
    struct vg_waiter *waiter; /* the invoker */
    bool is_handed;           /* given to the runtime by /next */
    int64_t timeout_ms, deadline_ms, wall_deadline_ms, begun_us;
    char *request_id, *invoked_arn, *trace_id, *client_context, *identity;
    char *payload;
    size_t payload_len;
    char *body, *tail, *stream;
    size_t body_len, tail_len;
    bool want_tail;
    int64_t duration_us, billed_ms, init_us;
    uint32_t max_memory_mb;
};

/* The prepared sandboxes of one interpreter. */
struct sb_pool {
    struct sb_pool *next;
    enum vg_runtime_kind kind;
    char *path;   /* of the interpreter */
    char *actual; /* "python3.11"       */
    unsigned want;
    int64_t used_ms;
    int64_t burst_ms; /* when `burst` began to be counted */
    unsigned burst;   /* claims since                     */
};

struct vg_sandboxes {
    struct vg_sandboxes_options opt;
    /* Set before the first invocation. */
    void (*aws)(struct vg_http_req *req);
    void *aws_ctx;
    void (*on_logs)(void *ctx, const struct vg_log_batch *batch);
    void *logs_ctx;
    pthread_mutex_t lock;
    struct sb_box *boxes;
    struct sb_pool *pools;
    struct sb_turn *turns; /* who waits to start an environment, in order */
    unsigned turns_max;
    int64_t report_ms; /* when the jail last reported */
    struct vg_http_server *http;
    int sock; /* to the jail; -1: not started */
    pid_t jail_pid;
    bool is_usable, is_stopping, is_starting, has_janitor, has_writer;
    struct sb_order *orders; /* that the socket has not taken yet, oldest first */
    uint32_t next_id;
    unsigned n_fibers; /* the reader, the writer, the janitor, flushers */
    char cgroup[8], users[8], missing[256];
    char out[VG_JAIL_MSG_MAX]; /* under the lock */
    char *in;                  /* of the reader's fiber */
    int node_version[2];       /* of the interpreters that the system has; 0: not asked */
};

/* jail.c */
vg_rc sb_jail_ensure(struct vg_sandboxes *sb, struct vg_err *err) VG_WAITS VG_MUST_USE;
/* Under the lock. `is_plain`: without the interpreter. */
struct sb_box *sb_box_prepare(struct vg_sandboxes *sb, struct sb_pool *pool, bool is_plain);
vg_rc sb_box_start(struct sb_box *box, const struct vg_function *fn, const char *const *argv,
                   size_t argc, const struct vg_str *env, size_t n_env, struct vg_err *err)
    VG_MUST_USE;
/* How its interpreter is started. */
size_t sb_runtime_argv(const struct sb_pool *pool, const char *ret_argv[8]);
void sb_box_kill(struct sb_box *box); /* under the lock */
/* Under the lock. Only one that is idle and waits in /next may be frozen; what ends that thaws. */
void sb_box_freeze(struct sb_box *box, bool is_frozen);
void sb_box_unref(struct sb_box *box); /* under the lock */
uint64_t sb_box_peak(const struct sb_box *box);

/* orders.c: to the jail, in order, never waiting; lock held */
void sb_order_send(struct vg_sandboxes *sb, const struct vg_jail_msg *m);
void sb_orders_drop(struct vg_sandboxes *sb); /* those not sent yet */

/* pool.c */
struct sb_pool *sb_pool_of(struct vg_sandboxes *sb, const struct vg_runtime *rt); /* lock held */
struct sb_box *sb_pool_claim(struct vg_sandboxes *sb, struct sb_pool *pool,
                             bool is_plain);                      /* lock held */
void sb_pool_fill(struct vg_sandboxes *sb, struct sb_pool *pool); /* lock held */
/* Waits until an environment may be started; lock held before and after. */
void sb_turn_wait(struct vg_sandboxes *sb) VG_WAITS;
void sb_turn_next(struct vg_sandboxes *sb);     /* lock held: a start ended */
void sb_janitor_start(struct vg_sandboxes *sb); /* lock held */
void sb_box_gone(struct sb_box *box);           /* lock held: the jail said that it ended */

/* invoke.c */
void sb_inv_unref(struct sb_invocation *inv); /* lock held */
/* Lock held: ends the box's invocation, writes END and REPORT, wakes the invoker. */
void sb_box_end(struct sb_box *box, enum sb_end end, const void *body, size_t len);
/* Lock held: writes START. */
void sb_box_begin_logs(struct sb_box *box, const struct sb_invocation *inv);

/* api.c: the handler of the sandboxes' HTTP server */
void sb_api_serve(struct vg_http_req *req) VG_WAITS;

/* flush.c: hands collected log lines over on a fiber */
void sb_logs_drain(struct sb_box *box);      /* lock held: reads what is there, without waiting */
void sb_logs_finish_box(struct sb_box *box); /* lock held: all there is, at the end */
void sb_logs_flush(struct sb_box *box);      /* lock held: starts a fiber when there is something */
void sb_logs_watch(struct sb_box *box);      /* lock held: starts the reading fiber */

char *sb_dup(struct vg_str s); /* heap, NUL-terminated; NULL when absent */

#endif
