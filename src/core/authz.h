/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_AUTHZ_H
#define VG_CORE_AUTHZ_H

/*
 * What a request must be allowed to do: a list of (action, resource, context), all of which the
 * policies must allow.  Mostly made from the row's iam_action and iam_resource; a <svc>_authz_<op>
 * adds them itself where one action on one resource cannot say it.
 */

#include "auth/principal.h"
#include "core/call.h"

struct vg_authz_item {
    struct vg_str action;   /* "dynamodb:PutItem" */
    struct vg_str resource; /* an ARN, or "*"     */
    const struct vg_ctx *ctx;
    size_t n_ctx;
    /* As struct vg_access has them. */
    bool is_granted;
    struct vg_str resource_words;
};

/*
 * Where gathering context costs much (DynamoDB's expressions), an authz function may leave it out
 * while `has_ctx` is false, and say in `late_prefix` how the keys begin that it left out: it runs
 * again, with has_ctx, should a policy test one.  It must then add the same items in the same
 * order.
 */
struct vg_authz {
    struct vg_req *rq;
    bool has_ctx;
    struct vg_str late_prefix;
    VG_VEC(struct vg_authz_item) items;
};

/* `ctx` (may be NULL) must live in the request's arena. The item is good until the next call. */
struct vg_authz_item *vg_authz_add(struct vg_authz *az, struct vg_str action,
                                   struct vg_str resource, const struct vg_ctx *ctx, size_t n_ctx);

/* What the evaluator must know of one resource: filled by the service's resource(). */
struct vg_resource {
    struct vg_str owner;  /* account; absent: the account in the ARN */
    struct vg_str policy; /* resource policy, JSON; absent: none     */
    /* it must allow or delegate even inside one account (trust policies, KMS keys) */
    bool is_policy_required;
    bool is_trust_policy;
    const struct vg_tag *tags;
    size_t n_tags;
};

/*
 * VG_OK: allowed. VG_FAIL: rq->err holds AccessDenied with AWS's text, or an internal failure.
 * `ctx` goes for every item.
 */
vg_rc vg_authorize(struct vg_req *rq, const struct vg_ctx *ctx, size_t n_ctx, const void *in)
    VG_WAITS VG_MUST_USE;

/*
 * For answers given item by item (DeleteObjects) and iam:PassRole found out late.  No error is set.
 * `ctx` comes beside what is known of the request (rq->ctx).
 */
vg_rc vg_allowed(struct vg_req *rq, struct vg_str action, struct vg_str resource,
                 const struct vg_ctx *ctx, size_t n_ctx, bool *ret) VG_WAITS VG_MUST_USE;
/* The same, with what the caller is told; *ret absent: it is allowed. */
vg_rc vg_denial(struct vg_req *rq, struct vg_str action, struct vg_str resource,
                const struct vg_ctx *ctx, size_t n_ctx, struct vg_str *ret) VG_WAITS VG_MUST_USE;

/*
 * Expands a row's template: {partition} {region} {account} and {Member} of `in` (first level,
 * strings).  A member written {Member|arn} that holds an ARN is the whole resource.
 */
struct vg_str vg_arn_expand(struct vg_req *rq, const char *template_text, const void *in);

/* A first-level string of a generated struct by its model name; absent when there is none. */
struct vg_str vg_member_str(const struct vg_shape *shape, const void *in, struct vg_str name);

#endif
