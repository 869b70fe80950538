/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The values of condition keys: what the request brings, then what follows from the principal, the
 * resource and the time.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */

#include "auth/policy_int.h"
#include "auth/sigv4_int.h"

enum key_id {
    KEY_OTHER,
    KEY_PRINCIPAL_ARN,
    KEY_PRINCIPAL_ACCOUNT,
    KEY_PRINCIPAL_TYPE,
    KEY_PRINCIPAL_TAG,
    KEY_PRINCIPAL_IS_SERVICE,
    KEY_PRINCIPAL_SERVICE_NAME,
    KEY_USERID,
    KEY_USERNAME,
    KEY_RESOURCE_ACCOUNT,
    KEY_RESOURCE_TAG,
    KEY_REGION,
    KEY_CURRENT_TIME,
    KEY_EPOCH_TIME,
    KEY_TOKEN_ISSUE_TIME,
    KEY_MFA_PRESENT,
    KEY_MFA_AGE,
    KEY_FEDERATED_PROVIDER,
    KEY_SOURCE_IDENTITY,
    KEY_VIA_SERVICE,
};

static const struct {
    struct vg_str name;
    enum key_id id;
} keys[] = {
    { VG_STR_INIT("aws:PrincipalArn"), KEY_PRINCIPAL_ARN },
    { VG_STR_INIT("aws:PrincipalAccount"), KEY_PRINCIPAL_ACCOUNT },
    { VG_STR_INIT("aws:PrincipalType"), KEY_PRINCIPAL_TYPE },
    { VG_STR_INIT("aws:PrincipalTag/"), KEY_PRINCIPAL_TAG },
    { VG_STR_INIT("aws:PrincipalIsAWSService"), KEY_PRINCIPAL_IS_SERVICE },
    { VG_STR_INIT("aws:PrincipalServiceName"), KEY_PRINCIPAL_SERVICE_NAME },
    { VG_STR_INIT("aws:userid"), KEY_USERID },
    { VG_STR_INIT("aws:username"), KEY_USERNAME },
    { VG_STR_INIT("aws:ResourceAccount"), KEY_RESOURCE_ACCOUNT },
    { VG_STR_INIT("s3:ResourceAccount"), KEY_RESOURCE_ACCOUNT },
    { VG_STR_INIT("aws:ResourceTag/"), KEY_RESOURCE_TAG },
    { VG_STR_INIT("iam:ResourceTag/"), KEY_RESOURCE_TAG },
    { VG_STR_INIT("aws:RequestedRegion"), KEY_REGION },
    { VG_STR_INIT("aws:CurrentTime"), KEY_CURRENT_TIME },
    { VG_STR_INIT("aws:EpochTime"), KEY_EPOCH_TIME },
    { VG_STR_INIT("aws:TokenIssueTime"), KEY_TOKEN_ISSUE_TIME },
    { VG_STR_INIT("aws:MultiFactorAuthPresent"), KEY_MFA_PRESENT },
    { VG_STR_INIT("aws:MultiFactorAuthAge"), KEY_MFA_AGE },
    { VG_STR_INIT("aws:FederatedProvider"), KEY_FEDERATED_PROVIDER },
    { VG_STR_INIT("aws:SourceIdentity"), KEY_SOURCE_IDENTITY },
    { VG_STR_INIT("aws:ViaAWSService"), KEY_VIA_SERVICE },
};

struct ctx_key
ctx_key_of(struct vg_str name)
{
    struct ctx_key key = { .name = name, .id = KEY_OTHER, .sub = VG_STR_NONE };
    for (size_t i = 0; i < VG_COUNT(keys); i++) {
        bool has_sub = vg_str_ends(keys[i].name, VG_STR("/"));
        if (has_sub ? vg_str_starts_nocase(name, keys[i].name)
                    : vg_str_eq_nocase(name, keys[i].name)) {
            key.id = (int)keys[i].id;
            if (has_sub)
                key.sub = vg_str_slice(name, keys[i].name.len, name.len);
        }
    }
    return key;
}

/* The request's own keys; several of one name are several values. */
static size_t
given(const struct vg_ctx *ctx, size_t n, struct vg_str name, struct vg_str *ret)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        if (ctx[i].key.len == name.len && vg_str_eq_nocase(ctx[i].key, name))
            ret[found++] = ctx[i].value;
    return found;
}

static size_t
count_given(const struct vg_ctx *ctx, size_t n, struct vg_str name, struct vg_str *ret_one)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        if (ctx[i].key.len == name.len && vg_str_eq_nocase(ctx[i].key, name)) {
            *ret_one = ctx[i].value;
            found++;
        }
    }
    return found;
}

static struct vg_str
tag_value(const struct vg_tag *tags, size_t n, struct vg_str key)
{
    for (size_t i = 0; i < n; i++)
        if (vg_str_eq_nocase(tags[i].key, key))
            return tags[i].value.ptr ? tags[i].value : VG_STR("");
    return VG_STR_NONE;
}

static struct vg_str
flag(bool v)
{
    return v ? VG_STR("true") : VG_STR("false");
}

static struct vg_str
iso_time(struct vg_arena *arena, int64_t ms)
{
    struct vg_str b = vg_sigv4_time_text(arena, ms); /* 20150830T123600Z */
    return vg_str_fmt(arena, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", b.ptr, b.ptr + 4, b.ptr + 6,
                      b.ptr + 9, b.ptr + 11, b.ptr + 13);
}

static struct vg_str
principal_type(const struct vg_principal *who)
{
    switch (who->kind) {
    case VG_PRINCIPAL_ANONYMOUS:
        return VG_STR("Anonymous");
    case VG_PRINCIPAL_ROOT:
        return VG_STR("Account");
    case VG_PRINCIPAL_USER:
        return VG_STR("User");
    case VG_PRINCIPAL_ROLE:
        return VG_STR("AssumedRole");
    case VG_PRINCIPAL_FEDERATED:
        return VG_STR("FederatedUser");
    case VG_PRINCIPAL_SERVICE:
        return VG_STR_NONE;
    }
    return VG_STR_NONE;
}

static struct vg_str
of_principal(const struct vg_principal *who, const struct ctx_key *key)
{
    bool is_service = who->kind == VG_PRINCIPAL_SERVICE;
    bool is_nobody = who->kind == VG_PRINCIPAL_ANONYMOUS;
    switch ((enum key_id)key->id) {
    case KEY_PRINCIPAL_ARN:
        if (is_service || is_nobody)
            return VG_STR_NONE;
        return who->kind == VG_PRINCIPAL_ROLE ? who->role_arn : who->arn;
    case KEY_PRINCIPAL_ACCOUNT:
        return is_service || is_nobody ? VG_STR_NONE : who->account;
    case KEY_PRINCIPAL_TYPE:
        return principal_type(who);
    case KEY_PRINCIPAL_TAG:
        return tag_value(who->tags, who->n_tags, key->sub);
    case KEY_PRINCIPAL_IS_SERVICE:
        return flag(is_service);
    case KEY_PRINCIPAL_SERVICE_NAME:
        return is_service ? who->name : VG_STR_NONE;
    case KEY_USERID:
        return is_service ? VG_STR_NONE : who->user_id;
    case KEY_USERNAME:
        return who->kind == VG_PRINCIPAL_USER ? who->name : VG_STR_NONE;
    case KEY_FEDERATED_PROVIDER:
        return who->token_issuer;
    case KEY_SOURCE_IDENTITY:
        return who->source_identity;
    default:
        return VG_STR_NONE;
    }
}

static struct vg_str
derived(struct eval *ev, const struct ctx_key *key)
{
    const struct vg_principal *who = ev->who;
    switch ((enum key_id)key->id) {
    case KEY_OTHER:
        return VG_STR_NONE;
    case KEY_RESOURCE_ACCOUNT:
        return ev->resource_account;
    case KEY_RESOURCE_TAG:
        return tag_value(ev->what->resource_tags, ev->what->n_resource_tags, key->sub);
    case KEY_REGION:
        return ev->what->region;
    case KEY_CURRENT_TIME:
        return iso_time(ev->arena, ev->now_ms);
    case KEY_EPOCH_TIME:
        return vg_str_fmt(ev->arena, "%lld", (long long)(ev->now_ms / 1000));
    case KEY_TOKEN_ISSUE_TIME:
        return who->is_temporary ? iso_time(ev->arena, who->issued_ms) : VG_STR_NONE;
    case KEY_MFA_PRESENT:
        return who->is_temporary ? flag(who->is_mfa) : VG_STR_NONE;
    case KEY_MFA_AGE:
        if (!who->is_mfa)
            return VG_STR_NONE;
        return vg_str_fmt(ev->arena, "%lld", (long long)((ev->now_ms - who->mfa_at_ms) / 1000));
    case KEY_VIA_SERVICE:
        return VG_STR("false");
    default:
        return of_principal(who, key);
    }
}

/* The source that has this key, gathered; NULL: none has. */
static const struct vg_ctx_source *
source_of(struct vg_ctx_source *src, struct vg_str key)
{
    if (src == NULL || src->prefix.ptr == NULL || !vg_str_starts_nocase(key, src->prefix))
        return NULL;
    if (!src->is_gathered)
        src->rc = src->gather(src);
    src->is_gathered = true;
    return src->rc == VG_OK ? src : NULL;
}

void
ctx_get(struct eval *ev, const struct ctx_key *key, struct ctx_values *ret)
{
    const struct vg_access *w = ev->what;
    const struct vg_ctx_source *late = source_of(w->source, key->name);
    const struct vg_ctx *ctx = late ? late->ctx : w->ctx;
    size_t n_ctx = late ? late->n_ctx : w->n_ctx;
    *ret = (struct ctx_values) { .one = VG_STR_NONE };
    ret->n = count_given(ctx, n_ctx, key->name, &ret->one)
             + count_given(w->common, w->n_common, key->name, &ret->one);
    if (ret->n > 1) {
        struct vg_str *many = VG_NEW_ARRAY(ev->arena, struct vg_str, ret->n);
        size_t n = given(ctx, n_ctx, key->name, many);
        given(w->common, w->n_common, key->name, many + n);
        ret->many = many;
    }
    if (ret->n == 0 && key->id != KEY_OTHER) {
        ret->one = derived(ev, key);
        ret->n = ret->one.ptr != NULL;
    }
    ret->is_there = ret->n > 0;
}

/* --- which keys a policy tests ------------------------------------------------------------------
 */

typedef VG_VEC(struct vg_str) str_vec;

static void
note_key(struct vg_arena *arena, str_vec *all, struct vg_str name)
{
    for (size_t i = 0; i < all->len; i++)
        if (vg_str_eq_nocase(all->items[i], name))
            return;
    *VG_VEC_ADD(arena, all) = name;
}

static void
note_variables(struct vg_arena *arena, str_vec *all, const struct pattern *p)
{
    for (size_t i = 0; i < p->n_pieces; i++)
        if (p->pieces[i].key.name.ptr)
            note_key(arena, all, p->pieces[i].key.name);
}

const struct vg_str *
vg_policy_keys(struct vg_arena *arena, const struct vg_policy *policy, size_t *ret_n)
{
    str_vec all = { 0 };
    for (size_t i = 0; i < policy->n_statements; i++) {
        const struct statement *st = &policy->statements[i];
        for (size_t k = 0; k < st->resources.len; k++)
            note_variables(arena, &all, &st->resources.items[k]);
        for (size_t k = 0; k < st->n_conds; k++) {
            note_key(arena, &all, st->conds[k].key.name);
            for (size_t v = 0; v < st->conds[k].n_values; v++)
                note_variables(arena, &all, &st->conds[k].values[v].pat);
        }
    }
    *ret_n = all.len;
    return all.items;
}

const struct vg_str *
vg_policy_principals(struct vg_arena *arena, const struct vg_policy *policy, size_t *ret_n)
{
    str_vec all = { 0 };
    for (size_t i = 0; i < policy->n_statements; i++) {
        const struct statement *st = &policy->statements[i];
        for (size_t k = 0; k < st->n_principals; k++)
            if (st->principals[k].kind == PR_ARN)
                *VG_VEC_ADD(arena, &all) = st->principals[k].text;
    }
    *ret_n = all.len;
    return all.items;
}
