/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_SANDBOX_SANDBOX_H
#define VG_SANDBOX_SANDBOX_H

/*
 * Functions run in sandboxes that virga-jail makes (DESIGN 8, docs/internals/sandbox.md).
 *
 * A sandbox is prepared ahead of need with its runtime waiting inside, given to one version of one
 * function, and from then on serves that function's invocations one at a time.  More are made under
 * load; idle ones are frozen, and retired after a while.  All functions may be called on any loop.
 */

#include "base/err.h"

struct vg_arena;
struct vg_http_req;
struct vg_loop;
struct vg_sandboxes;

struct vg_log_event {
    int64_t wall_ms;
    struct vg_str text; /* without its newline */
};

/* What an environment wrote; valid during the call. */
struct vg_log_batch {
    struct vg_str account, region;
    struct vg_str group, stream;
    struct vg_str role; /* ARN of the execution role */
    const struct vg_log_event *events;
    size_t n;
};

struct vg_sandboxes_options {
    struct vg_str jail_path;   /* the virga-jail executable                              */
    struct vg_str run_dir;     /* a folder of our own, made if missing                   */
    struct vg_str client_dir;  /* runtimes/: python/bootstrap.py, nodejs/index.mjs       */
    struct vg_str library_dir; /* the SDKs: python/, nodejs/node_modules/; may lack      */
    bool is_weak;
    bool is_match_exact;           /* --runtime-match exact */
    const struct vg_str *runtimes; /* --runtime NAME=PATH   */
    size_t n_runtimes;
    struct vg_loop *const *loops;
    size_t n_loops;
};

/*
 * Fills jail_path, client_dir and library_dir with what belongs to the running executable: beside
 * it in a build folder, or where it is installed.
 */
void vg_sandboxes_find_paths(struct vg_arena *arena, struct vg_sandboxes_options *opt);

/* Starts nothing yet: the jail is started for the first function. */
struct vg_sandboxes *vg_sandboxes_new(const struct vg_sandboxes_options *opt);
/* Ends every sandbox and the jail, and waits for what ran in them to be gone. On a fiber. */
void vg_sandboxes_stop(struct vg_sandboxes *sb) VG_WAITS;
void vg_sandboxes_free(struct vg_sandboxes *sb); /* after stop, or unused; accepts NULL */

/* The AWS API on the sandbox's listener: what is not the Runtime API. req->ctx is `ctx`. */
void vg_sandboxes_on_aws(struct vg_sandboxes *sb, void (*aws)(struct vg_http_req *req), void *ctx);
/* Takes log lines over, on a fiber that may wait; the order of a stream is kept. */
void vg_sandboxes_on_logs(struct vg_sandboxes *sb,
                          void (*logs)(void *ctx, const struct vg_log_batch *batch), void *ctx);

/* --- runtimes ----------------------------------------------------------------------------------
 */

enum vg_runtime_kind { VG_RUNTIME_PYTHON = 1, VG_RUNTIME_NODE, VG_RUNTIME_PROVIDED };

struct vg_runtime {
    enum vg_runtime_kind kind;
    struct vg_str id;     /* as asked for: "python3.12"                                    */
    struct vg_str actual; /* what runs: "python3.11"                                       */
    struct vg_str path;   /* the interpreter                                               */
    bool is_exact;        /* else say so: in GetFunction, the log's first line, the status */
};

/* VG_FAIL: not a runtime we know, or no interpreter for it; err's text says which. */
vg_rc vg_runtime_find(struct vg_sandboxes *sb, struct vg_arena *arena, struct vg_str id,
                      struct vg_runtime *ret, struct vg_err *err) VG_WAITS VG_MUST_USE;

/* Makes sandboxes of the runtime ahead of need from now on (a function of it exists). */
void vg_sandboxes_expect(struct vg_sandboxes *sb, const struct vg_runtime *runtime) VG_WAITS;

/* --- invocations -------------------------------------------------------------------------------
 */

/* One version of one function; borrowed during the call. */
struct vg_function {
    struct vg_str key; /* environments are shared by equal keys: ARN, version and revision */
    struct vg_str account, region, name, version, arn, role, handler;
    struct vg_str log_group;
    struct vg_runtime runtime;
    struct vg_str code_dir; /* the unpacked package, readable by others */
    uint32_t memory_mb, tmp_mb, timeout_ms;
    const struct vg_str *env; /* the function's own, "KEY=value" */
    size_t n_env;
    /*
     * Called for each new environment: adds credentials as "KEY=value", and until when they may be
     * given to an event. They age on the virtual clock, which stands at `now_ms`.
     */
    vg_rc (*credentials)(void *ctx, struct vg_arena *arena, struct vg_str ret_env[4], size_t *ret_n,
                         int64_t *ret_until_ms, struct vg_err *err) VG_WAITS;
    int64_t now_ms;
    void *credentials_ctx;
};

struct vg_event {
    struct vg_str request_id;
    struct vg_str payload; /* JSON */
    struct vg_str invoked_arn;
    struct vg_str trace_id, client_context, identity; /* absent: no header */
    bool want_tail;
};

struct vg_outcome {
    bool is_error;         /* X-Amz-Function-Error: Unhandled   */
    struct vg_str payload; /* arena: the answer or the error    */
    struct vg_str tail;    /* arena: the log's last 4 KB        */
    struct vg_str stream;  /* arena: its log stream             */
    bool was_cold;
    int64_t duration_us, billed_ms, init_us;
    uint32_t max_memory_mb;
};

/*
 * Runs one event and waits for its end.  An error of the function is VG_OK with is_error; VG_FAIL:
 * no sandbox could be had (err's text says why).  The client's leaving does not end it.
 */
vg_rc vg_sandbox_invoke(struct vg_sandboxes *sb, const struct vg_function *fn,
                        const struct vg_event *event, struct vg_arena *arena,
                        struct vg_outcome *ret, struct vg_err *err) VG_WAITS VG_MUST_USE;

/* The environments of this key are not used again: changed code or configuration, deletion. */
void vg_sandboxes_retire(struct vg_sandboxes *sb, struct vg_str key);

struct vg_sandbox_status {
    bool is_started, is_usable, is_weak;
    char cgroup[8];
    char missing[256];
    uint32_t n_pooled, n_idle, n_busy;
};
void vg_sandboxes_status(struct vg_sandboxes *sb, struct vg_sandbox_status *ret);

#endif
