/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_AUTH_AUTH_H
#define VG_AUTH_AUTH_H

/*
 * What the dispatcher asks of this folder: who sent a request, and may they do it.
 *
 * One struct vg_auth a daemon; every function may be called on any loop.  Records (users, roles,
 * keys, policies) are in the store (auth/store.h); what is read and compiled is cached by the rule
 * in auth/cache.h.
 */

#include "auth/policy.h"
#include "auth/principal.h"
#include "auth/sigv4.h"
#include "crypto/secret.h"
#include "store/kv.h"

struct vg_auth;
struct vg_random;

struct vg_auth_options {
    struct vg_str account;     /* of the root key: "000000000000"                                 */
    struct vg_str partition;   /* "aws"                                                           */
    struct vg_str root_key_id; /* from the configuration, not from the store: "test" / "test"     */
    struct vg_str root_secret;
    struct vg_random *random;
    int64_t (*now_ms)(const void *clock); /* virtual */
    const void *clock;
};

/* Reads, or makes at the first start, the key that seals session tokens. Strings are copied. */
vg_rc vg_auth_open(const struct vg_auth_options *opt, struct vg_sess *s, struct vg_auth **ret,
                   struct vg_err *err) VG_WAITS VG_MUST_USE;
void vg_auth_close(struct vg_auth *auth); /* accepts NULL */

/* After a commit that changed IAM's records, before the reply: cached entries are read again. */
void vg_auth_changed(struct vg_auth *auth);
const struct vg_principal *vg_auth_root(const struct vg_auth *auth); /* of the configured account */
int64_t vg_auth_now_ms(const struct vg_auth *auth);                  /* virtual                   */

/* --- who ----------------------------------------------------------------------------------------
 */

struct vg_authn {
    struct vg_sigv4 sig;
    const struct vg_principal *principal; /* arena */
    struct vg_secret secret;              /* arena; of the key that signed */
    bool needs_body;                      /* vg_authn_finish() must have the body's digest */
};

/*
 * Whether this request may use the root key: never from a sandbox's listener, and the well-known
 * one never from a foreign page or under a foreign Host (front/origin.h decides).
 */
struct vg_authn_door {
    bool is_root_refused;
    struct vg_str why; /* a sentence for the answer */
};

/*
 * From the head alone: parses, finds the key, checks scope, skew and, when the payload's hash is
 * declared or unsigned, the signature.  Fails with the family's authentication error.
 */
vg_rc vg_authn_begin(struct vg_auth *auth, struct vg_sess *s, const struct vg_sigv4_request *rq,
                     const struct vg_sigv4_rules *rules, const struct vg_authn_door *door,
                     struct vg_authn *ret, struct vg_err *err) VG_MUST_USE;

/* Once the body is in, with its SHA-256, if an->needs_body. */
vg_rc vg_authn_finish(struct vg_auth *auth, struct vg_arena *arena,
                      const struct vg_sigv4_request *rq, const struct vg_sigv4_rules *rules,
                      struct vg_authn *an, const uint8_t digest[VG_SHA256_BYTES],
                      struct vg_err *err) VG_MUST_USE;

struct vg_sigv4_form;

/*
 * The same for a form whose policy is signed (auth/sigv4_form.h): `ret->sig` is what was parsed of
 * it.  Fails as the others do.
 */
vg_rc vg_authn_form(struct vg_auth *auth, struct vg_sess *s, const struct vg_sigv4_form *form,
                    const struct vg_sigv4_rules *rules, const struct vg_authn_door *door,
                    struct vg_authn *ret, struct vg_err *err) VG_MUST_USE;

struct vg_sigv4_chunks;

/* For a body in chunks (VG_PAYLOAD_CHUNKED): sets up `c` with the key that signed the head. */
vg_rc vg_authn_chunks(struct vg_auth *auth, struct vg_arena *arena,
                      const struct vg_sigv4_request *rq, const struct vg_sigv4_rules *rules,
                      const struct vg_authn *an, struct vg_sigv4_chunks *c, struct vg_err *err)
    VG_MUST_USE;

struct auth_rec_key; /* auth/records.h */

/*
 * Once the signature is verified: notes that a user's access key was used, in the store now and
 * then only (auth_used.c).
 */
vg_rc vg_auth_used(struct vg_auth *auth, struct vg_sess *s, const struct vg_authn *an,
                   struct vg_err *err) VG_WAITS VG_MUST_USE;
/* Brings the record's last use up to what memory knows. */
void vg_auth_last_use(struct vg_auth *auth, struct vg_sess *s, struct auth_rec_key *key);

/* --- may they -----------------------------------------------------------------------------------
 */

/*
 * Decides by the principal's policies in the store, its session's, its boundary and the resource's
 * policy.  VG_FAIL: the store failed, or a stored policy cannot be read.
 */
vg_rc vg_auth_decide(struct vg_auth *auth, struct vg_sess *s, const struct vg_principal *who,
                     const struct vg_access *what, struct vg_decision *ret, struct vg_err *err)
    VG_MUST_USE;

/* --- temporary credentials ---------------------------------------------------------------------
 */

struct auth_rec_session; /* auth/records.h */

struct vg_credentials {
    struct vg_str access_key_id; /* ASIA… */
    struct vg_str secret_access_key;
    struct vg_str session_token;
    int64_t expires_ms; /* virtual */
};

/*
 * Credentials of a role for an AWS service that acts as it (Lambda's execution role).  The role
 * must exist and its trust policy must let `service` ("lambda.amazonaws.com") assume it, else
 * VG_FAIL with STS's AccessDenied.  `account`: where the service works for the role's owner
 * (aws:SourceAccount).
 */
vg_rc vg_auth_issue_role_session(struct vg_auth *auth, struct vg_sess *s, struct vg_str role_arn,
                                 struct vg_str session_name, struct vg_str service,
                                 int64_t duration_s, struct vg_credentials *ret, struct vg_err *err)
    VG_MUST_USE;

/*
 * Credentials for any session: fills in key id and secret of `t` and seals it into the token.
 * Fails (without a modelled error) when the token would be too long.
 */
vg_rc vg_auth_issue(struct vg_auth *auth, struct vg_arena *arena, struct auth_rec_session *t,
                    struct vg_credentials *ret, struct vg_err *err) VG_MUST_USE;

/* "AKIA" or "ASIA" and 16 characters that hold the account, and the way back. */
struct vg_str vg_auth_new_key_id(struct vg_auth *auth, struct vg_arena *arena, struct vg_str prefix,
                                 struct vg_str account);
bool vg_auth_key_account(struct vg_arena *arena, struct vg_str key_id, struct vg_str *ret)
    VG_MUST_USE;
struct vg_str vg_auth_new_secret(struct vg_auth *auth, struct vg_arena *arena);

/* The text of DecodeAuthorizationMessage, sealed for the caller, and opened again. */
struct vg_str vg_auth_seal_message(struct vg_auth *auth, struct vg_arena *arena,
                                   struct vg_str json);
bool vg_auth_open_message(struct vg_auth *auth, struct vg_arena *arena, struct vg_str encoded,
                          struct vg_str *ret) VG_MUST_USE;

#endif
