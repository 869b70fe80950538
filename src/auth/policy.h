/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_AUTH_POLICY_H
#define VG_AUTH_POLICY_H

/*
 * The policy language: compiled once from JSON, evaluated as pure functions.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies.html
 *
 * A compiled policy lives in the arena it was made in and is read-only after: any thread.
 * Evaluation allocates only where a policy variable must be expanded or a list of values gathered.
 */

#include "auth/context.h"
#include "auth/principal.h"
#include "base/arena.h"
#include "base/err.h"

struct vg_policy;

enum vg_policy_use {
    VG_POLICY_FOR_IDENTITY = 1, /* inline; also sessions and SCPs                     */
    VG_POLICY_FOR_MANAGED,      /* must say version 2012-10-17                        */
    VG_POLICY_FOR_TRUST,        /* a role's trust policy: a principal and no resource       */
    VG_POLICY_FOR_RESOURCE,     /* queues, functions, buckets …                             */
    VG_POLICY_FOR_KEY,          /* a key of KMS: as a resource's, but must say Resource     */
};

/*
 * Parses and compiles.  On failure err->msg is the sentence that AWS answers ("Syntax errors in
 * policy."), err->def stays NULL: the caller knows the code (MalformedPolicyDocument for IAM).
 */
vg_rc vg_policy_compile(struct vg_arena *arena, struct vg_str json, enum vg_policy_use use,
                        const struct vg_policy **ret, struct vg_err *err) VG_MUST_USE;

/* Whether a text matches a pattern of the language, whose wildcards are '*' and '?'. */
bool vg_policy_glob(struct vg_arena *arena, struct vg_str pattern, struct vg_str text,
                    bool is_nocase);

/* One thing that must be allowed. */
struct vg_access {
    struct vg_str action;   /* "dynamodb:PutItem"                                          */
    struct vg_str resource; /* an ARN, or "*"                                              */
    /* For the text of a denial, where that is not "on resource: " and the ARN; "": none. */
    struct vg_str resource_words;
    struct vg_str
        resource_account;          /* its owner; absent: the one in the ARN, else the principal's */
    struct vg_str resource_policy; /* JSON; absent: none                                          */
    /*
     * The resource's policy must allow or delegate to the account even inside one account (roles'
     * trust policies, KMS keys).
     */
    bool is_resource_policy_required;
    bool is_trust_policy; /* it is a role's: its grammar differs, and STS words a denial so */
    /*
     * The owner of the resource has allowed exactly this to the caller outside of any policy (a
     * grant of KMS): that is enough, in another account too, but for what denies or bounds.
     */
    bool is_granted;
    const struct vg_tag *resource_tags;
    size_t n_resource_tags;
    struct vg_str region; /* aws:RequestedRegion; absent: unknown                              */
    const struct vg_ctx *ctx; /* the operation's own keys: dynamodb:LeadingKeys … */
    size_t n_ctx;
    struct vg_ctx_source *source; /* … and those of them that are gathered late; NULL: none */
    const struct vg_ctx
        *common; /* of the request as a whole: aws:SourceIp, aws:SecureTransport … */
    size_t n_common;
};

enum vg_policy_type {
    VG_POLICY_NONE = 0,
    VG_POLICY_IDENTITY,
    VG_POLICY_RESOURCE,
    VG_POLICY_BOUNDARY,
    VG_POLICY_SESSION,
    VG_POLICY_SCP,
};

struct vg_decision {
    bool is_allowed;
    bool is_explicit;       /* an explicit deny                                          */
    enum vg_policy_type by; /* whose statement denied, or which type lacked an allow     */
};

/* Everything that has a say, compiled. */
struct vg_policies {
    const struct vg_policy *const *identity;
    size_t n_identity;
    const struct vg_policy *boundary; /* NULL: none */
    bool has_session;                 /* then at least one of `session` must allow */
    const struct vg_policy *const *session;
    size_t n_session;
    const struct vg_policy *resource; /* NULL: none */
    const struct vg_policy *const *scp;
    size_t n_scp; /* 0: no organization */
    const size_t
        *scp_level; /* ascending, one each: at every level one must allow; NULL: each must */
};

/* `now_ms`: virtual time. */
void vg_policy_decide(struct vg_arena *arena, const struct vg_policies *all,
                      const struct vg_principal *who, const struct vg_access *what, int64_t now_ms,
                      struct vg_decision *ret);

/* A statement that applies to an access, be it an allow or a deny. */
struct vg_match {
    enum vg_policy_type type;
    size_t at; /* of its policy among those of the type */
    bool is_deny;
    size_t start, end; /* in the document: from the end of what precedes it to its own */
};

typedef VG_VEC(struct vg_match) vg_matches;

/* As vg_policy_decide(), and every statement that applies. For the simulator: it stops nowhere. */
void vg_policy_explain(struct vg_arena *arena, const struct vg_policies *all,
                       const struct vg_principal *who, const struct vg_access *what, int64_t now_ms,
                       struct vg_decision *ret, vg_matches *ret_matches);

/* The condition keys and policy variables that a policy tests, each once; arena. */
const struct vg_str *vg_policy_keys(struct vg_arena *arena, const struct vg_policy *policy,
                                    size_t *ret_n);

/* The ARNs that a policy has as principals, but those of accounts' roots; arena. */
const struct vg_str *vg_policy_principals(struct vg_arena *arena, const struct vg_policy *policy,
                                          size_t *ret_n);

/*
 * "User: ARN is not authorized to perform: ACTION on resource: ARN because no identity-based policy
 * allows the ACTION action", or "… with an explicit deny in a resource-based policy".
 */
struct vg_str vg_auth_denial(struct vg_arena *arena, const struct vg_principal *who,
                             const struct vg_access *what, const struct vg_decision *why);

#endif
