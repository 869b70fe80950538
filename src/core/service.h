/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_SERVICE_H
#define VG_CORE_SERVICE_H

/*
 * The contract between the engine and one AWS service.
 *
 * A service is a set of typed handlers plus a little lifecycle.  A handler is plain, linear code on
 * a fiber of its own: where it waits, the fiber waits and the loop serves others.  It never sees
 * HTTP, JSON, XML, signatures or files: before it runs the engine has verified the caller, decoded
 * and validated `in` against the AWS model and evaluated IAM; after it the engine waits until what
 * was seen and written is durable, and encodes `out`.
 */

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct vg_access;    /* what must be allowed: auth/policy.h                           */
struct vg_authz;     /* collects (action, resource, context) that must be allowed: core/authz.h */
struct vg_ctx;       /* a key of a request that policies may test: auth/context.h     */
struct vg_check;     /* of a data folder: core/check.h                        */
struct vg_body;      /* a streamed request body: core/body.h                      */
struct vg_decision;  /* whether it is, and why not: auth/policy.h                     */
struct vg_done;      /* the end of an exchange: core/done.h                       */
struct vg_env;       /* clocks, random, store, config: core/env.h                 */
struct vg_hooks;     /* what a service does with HTTP beside its operations: core/hooks.h */
struct vg_plane;     /* a data plane: host or path match, and its handler         */
struct vg_principal; /* who: user, role session, service, anonymous: auth/principal.h */
struct vg_reply;     /* a streamed reply, status, headers: core/reply.h           */
struct vg_resource;  /* owner account, resource policy, tags: core/authz.h        */
struct vg_sess;      /* store/kv.h                                                */
struct vg_shape;     /* generated descriptor of a wire struct: wire/shape.h       */

struct vg_scope {
    const struct vg_principal *caller; /* who asks                                */
    struct vg_str owner;               /* the account that owns what is asked for */
    struct vg_str partition, region;   /* "aws", "us-east-1"                      */
};

struct vg_req {
    struct vg_arena *arena;
    const struct vg_env *env;
    const struct vg_scope *scope;
    const struct vg_op *op;
    void *svc;            /* the service's caches, from init()            */
    struct vg_sess *sess; /* what the fiber has seen of the store         */
    struct vg_err *err;
    struct vg_body *body;     /* streamed input, else NULL                    */
    struct vg_reply *reply;   /* what is said beside `out`; NULL: nobody listens */
    struct vg_done *done;     /* notes for when it is answered; NULL: it came by no socket */
    struct vg_req *parent;    /* the request whose vg_call() this is, or NULL */
    struct vg_str id;         /* x-amzn-RequestId                             */
    struct vg_str about;      /* what was authorized, as its ARN ends; or absent */
    int64_t deadline_ms;      /* monotonic clock                              */
    const struct vg_ctx *ctx; /* what policies may test of the caller's request: of vg_run() */
    size_t n_ctx;
    const void *in; /* of `op`, as its handler has it: for what all of a service heed alike */
};

typedef vg_rc(vg_handler_fn)(struct vg_req *rq, const void *in, void *out);
typedef vg_rc(vg_authz_fn)(struct vg_req *rq, const void *in, struct vg_authz *az);

enum vg_op_flags {
    VG_OP_READONLY = 1 << 0,
    VG_OP_STREAM_IN = 1 << 1,
    VG_OP_STREAM_OUT = 1 << 2,
    VG_OP_NOAUTH = 1 << 3,         /* the model marks it unsigned                            */
    VG_OP_INTERNAL = 1 << 4,       /* a timer or delivery: never reachable from a socket     */
    VG_OP_NOIAM = 1 << 5,          /* needs no permission (sts:GetCallerIdentity)            */
    VG_OP_OWN_VALIDATION = 1 << 6, /* the handler checks the model's constraints itself    */
    VG_OP_ANONYMOUS = 1 << 7,      /* without a signature too: then the policies decide      */
};

/* One row of the generated table ops.c; rows are never written by hand. */
struct vg_op {
    struct vg_str endpoint; /* "sqs"                                         */
    struct vg_str name;     /* "SendMessage"; internal rows begin with '_'   */
    const struct vg_shape *in;
    const struct vg_shape *out;
    const struct vg_errdef *const *errors; /* NULL-terminated                */
    vg_handler_fn *handler;                /* NULL: the engine answers that it is not built */
    vg_authz_fn *authz;                    /* NULL: the row's one action and resource       */
    const char *iam_action;                /* "sqs:SendMessage"; NULL: none                 */
    const char *iam_resource;              /* template from service.toml                  */
    uint32_t flags;                        /* enum vg_op_flags                            */
    uint32_t in_max_bytes;                 /* buffered body; 0: VG_BODY_MAX_BYTES         */
    const struct vg_model *model;          /* protocol, signing name, target prefix: wire/shape.h */
    const struct vg_http_binding *http;    /* rest-json: method, URI template, status; else NULL */
    const struct vg_service *service;
};

struct vg_service {
    const char *name;               /* folder, prefix of the family, and its ARNs' service */
    const struct vg_op *const *ops; /* of all its endpoints; NULL-terminated   */
    const struct vg_plane *planes;
    size_t n_planes;
    const struct vg_hooks *hooks; /* NULL: it has none */

    /* Open caches; the store holds the truth. May be NULL. */
    vg_rc (*init)(const struct vg_env *env, void **ret_svc, struct vg_err *err);
    /* What the policy evaluator must know of an ARN of this service. May be NULL: nothing. */
    vg_rc (*resource)(struct vg_req *rq, struct vg_str arn, struct vg_resource *ret);
    /* Words the denial of one of its operations. May be NULL: as IAM words it, vg_auth_denial(). */
    struct vg_str (*denial)(struct vg_req *rq, const struct vg_access *what,
                            const struct vg_decision *why);
    /*
     * `virga fsck`: holds all that it keeps to what is recorded of it and names the content files
     * that its records refer to (core/check.h).  Writes nothing, has no svc.  NULL: it keeps no
     * content files.
     */
    void (*check)(struct vg_check *ck);
    /* Must accept a half-initialised or NULL svc. May be NULL. */
    void (*fini)(void *svc);
};

#endif
