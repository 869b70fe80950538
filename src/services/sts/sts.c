/* SPDX-License-Identifier: Apache-2.0 */

/* Who am I, and credentials for a while. */

#include "auth/auth.h"
#include "auth/store.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "core/authz.h"
#include "core/env.h"
#include "core/fail.h"
#include "services/sts/errors.h"
#include "services/sts/model.h"
#include "services/sts/ops.h"

#define HOUR_S         3600
#define TOKEN_S        43200 /* GetSessionToken */
#define POLICY_ARN_MAX 10
#define TAGS_MAX       50

const struct vg_service sts_service = { .name = "sts", .ops = sts_ops };

vg_rc
sts_get_caller_identity(struct vg_req *rq, const struct sts_get_caller_identity_request *in,
                        struct sts_get_caller_identity_response *out)
{
    (void)in;
    out->user_id = rq->scope->caller->user_id;
    out->account = rq->scope->caller->account;
    out->arn = rq->scope->caller->arn;
    return VG_OK;
}

static vg_rc
credentials_out(struct vg_req *rq, struct auth_rec_session *t, struct sts_credentials **ret)
{
    struct vg_credentials c;
    struct vg_err why = { 0 };
    if (vg_auth_issue(rq->env->auth, rq->arena, t, &c, &why) != VG_OK)
        return sts_fail_packed_policy_too_large_exception(
            rq, "The total packed size of the session policies and session tags combined was too "
                "large.");
    *ret = VG_NEW(rq->arena, struct sts_credentials);
    **ret = (struct sts_credentials) {
        .access_key_id = c.access_key_id,
        .secret_access_key = c.secret_access_key,
        .session_token = c.session_token,
        .expiration_ms = { .set = true, .v = c.expires_ms / 1000 * 1000 },
    };
    return VG_OK;
}

/* --- AssumeRole ---------------------------------------------------------------------------------
 */

typedef VG_VEC(struct vg_ctx) ctx_vec;

static void
add_ctx(struct vg_req *rq, ctx_vec *to, struct vg_str key, struct vg_str value)
{
    if (value.ptr)
        *VG_VEC_ADD(rq->arena, to) = (struct vg_ctx) { .key = key, .value = value };
}

/*
 * "You cannot use AWS account root user credentials to call AssumeRole" (STS, API_AssumeRole).  The
 * well-known key, which exists on a loopback daemon only, is let through: the README says why.
 */
static bool
is_forbidden_root(const struct vg_req *rq)
{
    return rq->scope->caller->kind == VG_PRINCIPAL_ROOT && rq->env->config->is_auth_strict;
}

/* The trust policy is the role's resource policy (iam's resource()), and it must allow. */
vg_rc
sts_authz_assume_role(struct vg_req *rq, const struct sts_assume_role_request *in,
                      struct vg_authz *az)
{
    if (is_forbidden_root(rq))
        return vg_fail_access_denied(rq, VG_STR("Roles may not be assumed by root accounts."));
    ctx_vec ctx = { 0 };
    add_ctx(rq, &ctx, VG_STR("sts:ExternalId"), in->external_id);
    add_ctx(rq, &ctx, VG_STR("sts:RoleSessionName"), in->role_session_name);
    add_ctx(rq, &ctx, VG_STR("sts:SourceIdentity"), in->source_identity);
    for (size_t i = 0; i < in->tags.len; i++) {
        add_ctx(rq, &ctx, vg_str_cat(rq->arena, VG_STR("aws:RequestTag/"), in->tags.items[i].key),
                in->tags.items[i].value);
        add_ctx(rq, &ctx, VG_STR("aws:TagKeys"), in->tags.items[i].key);
    }
    for (size_t i = 0; i < in->transitive_tag_keys.len; i++)
        add_ctx(rq, &ctx, VG_STR("sts:TransitiveTagKeys"), in->transitive_tag_keys.items[i]);
    vg_authz_add(az, VG_STR("sts:AssumeRole"), in->role_arn, ctx.items, ctx.len);
    if (in->tags.len > 0)
        vg_authz_add(az, VG_STR("sts:TagSession"), in->role_arn, ctx.items, ctx.len);
    if (in->source_identity.ptr)
        vg_authz_add(az, VG_STR("sts:SetSourceIdentity"), in->role_arn, ctx.items, ctx.len);
    return VG_OK;
}

static vg_rc
check_duration(struct vg_req *rq, const struct auth_rec_identity *role, int64_t duration_s)
{
    bool is_chained = rq->scope->caller->kind == VG_PRINCIPAL_ROLE;
    if (is_chained && duration_s > HOUR_S)
        return vg_fail_validation(rq, "The requested DurationSeconds exceeds the 1 hour session "
                                      "limit for roles assumed by role chaining.");
    if (duration_s > (int64_t)role->max_session_s)
        return vg_fail_validation(rq, "The requested DurationSeconds exceeds the "
                                      "MaxSessionDuration set for this role.");
    return VG_OK;
}

static vg_rc
take_policies(struct vg_req *rq, const struct sts_assume_role_request *in, struct vg_str account,
              struct auth_rec_session *t)
{
    const struct vg_iam db = { .s = rq->sess, .account = account, .err = rq->err };
    const struct vg_policy *p;
    struct vg_err why = { 0 };
    if (in->policy.len > 0
        && vg_policy_compile(rq->arena, in->policy, VG_POLICY_FOR_IDENTITY, &p, &why) != VG_OK)
        return sts_fail_malformed_policy_document_exception(rq, "%" VG_FMT,
                                                            VG_ARG(vg_err_text(&why)));
    t->policy = in->policy;
    if (in->policy_arns.len > POLICY_ARN_MAX)
        return vg_fail_validation(rq, "The policyArns list may hold at most %d policies.",
                                  POLICY_ARN_MAX);
    for (size_t i = 0; i < in->policy_arns.len; i++) {
        struct vg_str json, arn = in->policy_arns.items[i].arn;
        vg_rc rc = vg_iam_managed_document(&db, arn, &json);
        if (rc != VG_OK)
            return rc;
        if (!json.ptr)
            return vg_fail_validation(rq, "Policy %" VG_FMT " does not exist or is not attachable.",
                                      VG_ARG(arn));
        *VG_VEC_ADD(rq->arena, &t->policy_arns) = arn;
    }
    return VG_OK;
}

static bool
has_key(const struct sts_assume_role_request *in, struct vg_str key)
{
    for (size_t i = 0; i < in->tags.len; i++)
        if (vg_str_eq_nocase(in->tags.items[i].key, key))
            return true;
    return false;
}

/* Tags given, and those that the caller's own session passes on. */
static vg_rc
take_tags(struct vg_req *rq, const struct sts_assume_role_request *in, struct auth_rec_session *t)
{
    const struct vg_principal *who = rq->scope->caller;
    for (size_t i = 0; i < in->tags.len; i++)
        *VG_VEC_ADD(rq->arena, &t->tags) =
            (struct auth_rec_tag) { .key = in->tags.items[i].key,
                                    .value = in->tags.items[i].value };
    for (size_t i = 0; i < in->transitive_tag_keys.len; i++) {
        struct vg_str key = in->transitive_tag_keys.items[i];
        if (!has_key(in, key))
            return vg_fail_validation(
                rq, "The specified transitive tag key must be included in the requested tags.");
        *VG_VEC_ADD(rq->arena, &t->transitive_keys) = key;
    }
    for (size_t i = 0; i < who->n_transitive_keys; i++) {
        struct vg_str key = who->transitive_keys[i];
        if (has_key(in, key))
            return vg_fail_validation(
                rq, "One of the specified transitive tag keys can't be set because it conflicts "
                    "with a transitive tag key from the calling session.");
        *VG_VEC_ADD(rq->arena, &t->transitive_keys) = key;
        for (size_t k = 0; k < who->n_session_tags; k++)
            if (vg_str_eq_nocase(who->session_tags[k].key, key))
                *VG_VEC_ADD(rq->arena, &t->tags) =
                    (struct auth_rec_tag) { .key = key, .value = who->session_tags[k].value };
    }
    if (t->tags.len > TAGS_MAX)
        return vg_fail_validation(rq, "A session may have at most %d tags.", TAGS_MAX);
    return VG_OK;
}

/* What is accepted must act: these do not yet. */
static vg_rc
refuse_unbuilt(struct vg_req *rq, const struct sts_assume_role_request *in)
{
    if (in->serial_number.ptr || in->token_code.ptr)
        return vg_fail_access_denied(rq, VG_STR("MultiFactorAuthentication failed: no MFA devices "
                                                "exist in this version of Virga."));
    if (in->provided_contexts.len > 0)
        return vg_fail_validation(rq, "ProvidedContexts is not supported.");
    if (in->minimum_session_token_size.set)
        return vg_fail_validation(rq, "MinimumSessionTokenSize is not supported.");
    return VG_OK;
}

static vg_rc
need_role(struct vg_req *rq, struct vg_str arn, struct vg_str *ret_account,
          struct auth_rec_identity *ret)
{
    struct vg_str type, name;
    if (!vg_iam_arn_split(arn, ret_account, &type, &name) || !vg_str_eq(type, VG_STR("role")))
        return vg_fail_validation(rq, "%" VG_FMT " is invalid", VG_ARG(arn));
    const struct vg_iam db = { .s = rq->sess, .account = *ret_account, .err = rq->err };
    vg_rc rc = vg_iam_identity(&db, VG_IDENTITY_ROLE, name, ret);
    if (rc != VG_OK)
        return rc;
    bool is_it = ret->name.ptr
                 && vg_str_eq(arn, vg_iam_arn(rq->arena, *ret_account, type, ret->path, ret->name));
    if (is_it)
        return VG_OK;
    return vg_fail_access_denied(
        rq, vg_str_fmt(rq->arena,
                       "User: %" VG_FMT
                       " is not authorized to perform: sts:AssumeRole on resource: %" VG_FMT,
                       VG_ARG(rq->scope->caller->arn), VG_ARG(arn)));
}

vg_rc
sts_assume_role(struct vg_req *rq, const struct sts_assume_role_request *in,
                struct sts_assume_role_response *out)
{
    struct auth_rec_identity role;
    struct vg_str account;
    int64_t duration_s = vg_opt_or(in->duration_seconds, HOUR_S);
    vg_rc rc = refuse_unbuilt(rq, in);
    if (rc == VG_OK)
        rc = need_role(rq, in->role_arn, &account, &role);
    if (rc == VG_OK)
        rc = check_duration(rq, &role, duration_s);
    if (rc != VG_OK)
        return rc;
    const struct vg_principal *who = rq->scope->caller;
    int64_t now_ms = vg_now_ms(rq->env);
    struct auth_rec_session t = {
        .kind = VG_PRINCIPAL_ROLE,
        .account = account,
        .name = role.name,
        .id = role.id,
        .session_name = in->role_session_name,
        .issued_ms = now_ms,
        .expires_ms = now_ms + duration_s * 1000,
        .source_identity = in->source_identity.ptr ? in->source_identity : who->source_identity,
        .is_chained = who->kind == VG_PRINCIPAL_ROLE,
    };
    rc = take_policies(rq, in, account, &t);
    if (rc == VG_OK)
        rc = take_tags(rq, in, &t);
    if (rc == VG_OK)
        rc = credentials_out(rq, &t, &out->credentials);
    if (rc != VG_OK)
        return rc;
    out->source_identity = t.source_identity;
    out->assumed_role_user = VG_NEW(rq->arena, struct sts_assumed_role_user);
    out->assumed_role_user->assumed_role_id = vg_str_fmt(
        rq->arena, "%" VG_FMT ":%" VG_FMT, VG_ARG(role.id), VG_ARG(in->role_session_name));
    out->assumed_role_user->arn =
        vg_str_fmt(rq->arena, "arn:aws:sts::%" VG_FMT ":assumed-role/%" VG_FMT "/%" VG_FMT,
                   VG_ARG(account), VG_ARG(role.name), VG_ARG(in->role_session_name));
    return VG_OK;
}

/* --- the others ---------------------------------------------------------------------------------
 */

vg_rc
sts_get_session_token(struct vg_req *rq, const struct sts_get_session_token_request *in,
                      struct sts_get_session_token_response *out)
{
    const struct vg_principal *who = rq->scope->caller;
    bool is_root = who->kind == VG_PRINCIPAL_ROOT;
    if (who->is_temporary || (!is_root && who->kind != VG_PRINCIPAL_USER))
        return vg_fail_access_denied(
            rq, VG_STR("Cannot call GetSessionToken with session credentials"));
    if (in->serial_number.ptr || in->token_code.ptr)
        return vg_fail_access_denied(rq, VG_STR("MultiFactorAuthentication failed: no MFA devices "
                                                "exist in this version of Virga."));
    if (in->minimum_session_token_size.set)
        return vg_fail_validation(rq, "MinimumSessionTokenSize is not supported.");
    int64_t duration_s = vg_opt_or(in->duration_seconds, is_root ? HOUR_S : TOKEN_S);
    if (is_root && duration_s > HOUR_S)
        duration_s = HOUR_S; /* "…for the account owner … the session defaults to one hour" */
    struct auth_rec_session t = {
        .kind = (uint32_t)who->kind,
        .account = who->account,
        .name = who->name,
        .id = who->user_id,
        .issued_ms = vg_now_ms(rq->env),
        .expires_ms = vg_now_ms(rq->env) + duration_s * 1000,
    };
    return credentials_out(rq, &t, &out->credentials);
}

vg_rc
sts_get_access_key_info(struct vg_req *rq, const struct sts_get_access_key_info_request *in,
                        struct sts_get_access_key_info_response *out)
{
    if (vg_str_eq(in->access_key_id, vg_auth_root(rq->env->auth)->access_key_id)) {
        out->account = vg_auth_root(rq->env->auth)->account;
        return VG_OK;
    }
    if (vg_auth_key_account(rq->arena, in->access_key_id, &out->account))
        return VG_OK;
    return vg_fail_validation(rq, "The specified value for accessKeyId is invalid.");
}

vg_rc
sts_decode_authorization_message(struct vg_req *rq,
                                 const struct sts_decode_authorization_message_request *in,
                                 struct sts_decode_authorization_message_response *out)
{
    if (vg_auth_open_message(rq->env->auth, rq->arena, in->encoded_message, &out->decoded_message))
        return VG_OK;
    return sts_fail_invalid_authorization_message_exception(rq, "Message is not valid");
}

/* The issuer of a JWT; absent when it is none. */
static struct vg_str
jwt_issuer(struct vg_req *rq, struct vg_str token)
{
    struct vg_str rest = token, json, padded;
    (void)vg_str_cut(&rest, '.');
    struct vg_str body = vg_str_cut(&rest, '.');
    if (!rest.ptr || body.len == 0)
        return VG_STR_NONE;
    char *p = vg_arena_alloc(rq->arena, body.len + 4);
    for (size_t i = 0; i < body.len; i++)
        p[i] = body.ptr[i] == '-' ? '+' : body.ptr[i] == '_' ? '/' : body.ptr[i];
    size_t n = body.len;
    while (n % 4 != 0)
        p[n++] = '=';
    padded = vg_str_n(p, n);
    if (!vg_base64_decode(rq->arena, padded, &json))
        return VG_STR_NONE;
    struct vg_json js;
    vg_json_init(&js, json, rq->arena);
    if (vg_json_next(&js) != VG_JSON_OBJECT)
        return VG_STR_NONE;
    while (vg_json_next(&js) == VG_JSON_KEY) {
        bool is_issuer = vg_str_eq(js.text, VG_STR("iss"));
        enum vg_json_tok tok = vg_json_next(&js);
        if (is_issuer)
            return tok == VG_JSON_STRING ? js.text : VG_STR_NONE;
        if (!vg_json_skip(&js, tok))
            return VG_STR_NONE;
    }
    return VG_STR_NONE;
}

/* The hook for identity providers: until one can be registered, none is known. */
vg_rc
sts_assume_role_with_web_identity(struct vg_req *rq,
                                  const struct sts_assume_role_with_web_identity_request *in,
                                  struct sts_assume_role_with_web_identity_response *out)
{
    (void)out;
    struct vg_str issuer = jwt_issuer(rq, in->web_identity_token);
    if (!issuer.ptr)
        return sts_fail_invalid_identity_token_exception(
            rq, "The ID Token provided is not a valid JWT. (You may see this error if you sent an "
                "Access Token)");
    return sts_fail_invalid_identity_token_exception(
        rq, "No OpenIDConnect provider found in your account for %" VG_FMT, VG_ARG(issuer));
}
