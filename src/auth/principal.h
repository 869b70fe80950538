/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_AUTH_PRINCIPAL_H
#define VG_AUTH_PRINCIPAL_H

/*
 * Who is calling.  A value, read-only once made; its strings live as long as what made it says
 * (the request's arena, for those that come from vg_auth_*).
 */

#include "base/str.h"

enum vg_principal_kind {
    VG_PRINCIPAL_ANONYMOUS = 1, /* not signed; has no account                                  */
    VG_PRINCIPAL_ROOT,          /* the account itself: everything but explicit denials         */
    VG_PRINCIPAL_USER,          /* IAM user, by a long-term key or a GetSessionToken session   */
    VG_PRINCIPAL_ROLE,          /* a role session                                              */
    VG_PRINCIPAL_FEDERATED,     /* GetFederationToken                                          */
    VG_PRINCIPAL_SERVICE,       /* "lambda.amazonaws.com"                                      */
};

struct vg_tag {
    struct vg_str key, value;
};

struct vg_principal {
    enum vg_principal_kind kind;
    struct vg_str partition; /* "aws" */
    struct vg_str account;   /* 12 digits; of a service: the account it works for; anonymous: "" */
    /*
     * As AWS shows it: arn:aws:iam::…:root, …:user/path/Name,
     * arn:aws:sts::…:assumed-role/R/session, …:federated-user/Name; of a service its host name.
     * This is aws:PrincipalArn except for role sessions, where that key holds role_arn.
     */
    struct vg_str arn;
    struct vg_str user_id; /* aws:userid: AIDA…, AROA…:session, 1234:name, account id (root)  */
    struct vg_str name;    /* user name (aws:username), role name, federated name, host       */
    struct vg_str role_arn; /* role sessions: arn:aws:iam::…:role/path/Name                    */
    struct vg_str session_name; /* role sessions */
    struct vg_str source_identity;
    struct vg_str access_key_id;
    struct vg_str token_issuer; /* aws:FederatedProvider, when a web identity made the session */
    const struct vg_tag *tags; /* aws:PrincipalTag/…: of the user or role, overlaid by session's  */
    size_t n_tags;
    const struct vg_tag *session_tags; /* those given when the session was made */
    size_t n_session_tags;
    const struct vg_str *transitive_keys; /* of session_tags, those a chained session inherits */
    size_t n_transitive_keys;
    /*
     * Session policies: at most one inline document and ten managed ones.  When any is there the
     * session may do only what at least one of them and the identity's own policies allow.
     */
    struct vg_str session_policy; /* JSON; absent: none */
    const struct vg_str *session_policy_arns;
    size_t n_session_policy_arns;
    int64_t issued_ms; /* virtual; temporary credentials only (aws:TokenIssueTime)                */
    int64_t expires_ms; /* virtual; 0: never */
    bool is_temporary; /* signed with a session token                                             */
    bool is_mfa;       /* aws:MultiFactorAuthPresent                                              */
    int64_t mfa_at_ms;
    bool is_chained; /* a role session whose credentials were made by a role session */
};

/* Nobody: an unsigned request. */
extern const struct vg_principal vg_principal_anonymous;

#endif
