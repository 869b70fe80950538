/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What operations on keys need, with the condition keys of KMS's page in the Service Authorization
 * Reference.  The key is found first, so that policies are asked of what an alias or a ciphertext
 * means.
 * https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
 */

#include "services/kms/kms_crypt.h"

#include "auth/principal.h"
#include "services/kms/kms_grant.h"
#include "services/kms/kms_grant_rules.h"

#define ALIASES_PAGE 1000u
#define GRANTS_PAGE  1000u

typedef VG_VEC(struct vg_ctx) ctx_vec;

static void
add(struct vg_req *rq, ctx_vec *ctx, const char *key, struct vg_str value)
{
    if (value.ptr)
        *VG_VEC_ADD(rq->arena, ctx) = (struct vg_ctx) { .key = vg_str_of(key), .value = value };
}

static void
add_number(struct vg_req *rq, ctx_vec *ctx, const char *key, struct vg_opt_i64 n)
{
    if (n.set)
        add(rq, ctx, key, vg_str_fmt(rq->arena, "%lld", (long long)n.v));
}

static void
add_bool(struct vg_req *rq, ctx_vec *ctx, const char *key, bool is)
{
    add(rq, ctx, key, is ? VG_STR("true") : VG_STR("false"));
}

static void
add_context(struct vg_req *rq, ctx_vec *ctx, const struct kms_encryption_context_type *pairs)
{
    for (size_t i = 0; pairs && i < pairs->len; i++) {
        struct vg_str key = pairs->items[i].key;
        *VG_VEC_ADD(rq->arena, ctx) = (struct vg_ctx) {
            .key = vg_str_cat(rq->arena, VG_STR("kms:EncryptionContext:"), key),
            .value = pairs->items[i].value,
        };
        add(rq, ctx, "kms:EncryptionContextKeys", key);
    }
}

static void
add_tag(struct vg_req *rq, ctx_vec *ctx, struct vg_str key, struct vg_str value)
{
    *VG_VEC_ADD(rq->arena, ctx) =
        (struct vg_ctx) { .key = vg_str_cat(rq->arena, VG_STR("aws:RequestTag/"), key),
                          .value = value };
    add(rq, ctx, "aws:TagKeys", key);
}

static void
add_tags(struct vg_req *rq, ctx_vec *ctx, const struct kms_tag_list *tags)
{
    for (size_t i = 0; i < tags->len; i++)
        add_tag(rq, ctx, tags->items[i].tag_key, tags->items[i].tag_value);
}

/* kms:ResourceAliases costs a walk over all aliases: only for policies that test it. */
static vg_rc
add_aliases(struct vg_req *rq, ctx_vec *ctx, const struct kms_found *of)
{
    struct kms_page page = { .has_more = true };
    struct vg_str after = VG_STR_NONE;
    while (page.has_more) {
        vg_rc rc = kms_store_aliases(rq, &of->at, after, ALIASES_PAGE, &page);
        if (rc != VG_OK)
            return rc;
        for (size_t i = 0; i < page.len; i++) {
            const struct kms_rec_alias *alias = page.items[i];
            after = alias->name;
            if (vg_str_eq(alias->key_id, of->id))
                add(rq, ctx, "kms:ResourceAliases", alias->name);
        }
    }
    return VG_OK;
}

/* Every key is such a one so far. */
static void
add_kind(struct vg_req *rq, ctx_vec *ctx)
{
    add(rq, ctx, "kms:CallerAccount", rq->scope->caller->account);
    add(rq, ctx, "kms:KeySpec", VG_STR("SYMMETRIC_DEFAULT"));
    add(rq, ctx, "kms:KeyUsage", VG_STR("ENCRYPT_DECRYPT"));
    add(rq, ctx, "kms:KeyOrigin", VG_STR("AWS_KMS"));
    add_bool(rq, ctx, "kms:MultiRegion", false);
}

/* What one operation on one key is asked with. */
struct asked {
    const char *action;                                /* NULL: the row's */
    ctx_vec ctx;                                       /* what the operation adds of its own */
    const struct kms_encryption_context_type *context; /* NULL: it has none */
    bool is_by_ciphertext;                             /* which alone said what key it is */
    const struct kms_rec_grant *child;                 /* that is to be made; NULL: none */
};

static bool
is_granted_by(const struct vg_req *rq, const struct kms_rec_grant *grant, const struct asked *a,
              struct vg_str operation)
{
    return kms_grant_allows(grant, rq->scope->caller, operation, a->context)
           && (!a->child || kms_grant_covers(grant, a->child));
}

/* Whether a grant of the key is enough. */
static vg_rc
find_grant(struct vg_req *rq, const struct kms_found *of, const struct asked *a,
           struct vg_str action, bool *ret)
{
    struct vg_str operation = vg_str_slice(action, sizeof("kms:") - 1, action.len);
    struct kms_page page = { .has_more = of->key && of->key->n_grants > 0 };
    struct vg_str after = VG_STR_NONE;
    *ret = false;
    while (page.has_more && !*ret) {
        vg_rc rc = kms_store_grants(rq, &of->at, of->id, of->id, after, GRANTS_PAGE, &page);
        if (rc != VG_OK)
            return rc;
        for (size_t i = 0; i < page.len && !*ret; i++) {
            const struct kms_rec_grant *grant = page.items[i];
            after = grant->id;
            *ret = is_granted_by(rq, grant, a, operation);
        }
    }
    return VG_OK;
}

static vg_rc
on(struct vg_authz *az, const struct kms_found *key, struct asked *a)
{
    struct vg_req *rq = az->rq;
    struct vg_str action = vg_str_of(a->action ? a->action : rq->op->iam_action);
    struct vg_authz_item *item = NULL;
    bool is_granted;
    add_kind(rq, &a->ctx);
    add(rq, &a->ctx, "kms:RequestAlias", key->alias);
    az->late_prefix = VG_STR("kms:ResourceAliases");
    vg_rc rc = find_grant(rq, key, a, action, &is_granted);
    if (rc == VG_OK && az->has_ctx)
        rc = add_aliases(rq, &a->ctx, key);
    if (rc == VG_OK)
        item = vg_authz_add(az, action, key->arn, a->ctx.items, a->ctx.len);
    if (item == NULL)
        return rc;
    item->is_granted = is_granted;
    if (a->is_by_ciphertext)
        item->resource_words = VG_STR("on the resource associated with this ciphertext");
    return VG_OK;
}

static vg_rc
on_named(struct vg_authz *az, struct vg_str name, unsigned flags, struct asked *a) VG_WAITS
{
    struct kms_found found;
    vg_rc rc = kms_find(az->rq, name, flags, &found);
    return rc == VG_OK ? on(az, &found, a) : rc;
}

/* --- keys ---------------------------------------------------------------------------------------
 */

#define ON_KEY(op, flags)                                                                          \
    vg_rc kms_authz_##op(struct vg_req *rq, const struct kms_##op##_request *in,                   \
                         struct vg_authz *az)                                                      \
    {                                                                                              \
        struct asked a = { 0 };                                                                    \
        (void)rq;                                                                                  \
        return on_named(az, in->key_id, flags, &a);                                                \
    }

ON_KEY(describe_key, KMS_BY_ALIAS | KMS_OF_ALL | KMS_LAZY)
ON_KEY(enable_key, 0)
ON_KEY(disable_key, 0)
ON_KEY(cancel_key_deletion, 0)
ON_KEY(update_key_description, 0)
ON_KEY(get_key_policy, 0)
ON_KEY(list_key_policies, 0)
ON_KEY(list_resource_tags, 0)
ON_KEY(disable_key_rotation, 0)
ON_KEY(get_key_rotation_status, KMS_OF_ALL)
ON_KEY(rotate_key_on_demand, 0)
ON_KEY(list_key_rotations, 0)

vg_rc
kms_authz_create_key(struct vg_req *rq, const struct kms_create_key_request *in,
                     struct vg_authz *az)
{
    ctx_vec ctx = { 0 };
    add_kind(rq, &ctx);
    add_bool(rq, &ctx, "kms:BypassPolicyLockoutSafetyCheck",
             vg_opt_bool_or(in->bypass_policy_lockout_safety_check, false));
    add_tags(rq, &ctx, &in->tags);
    vg_authz_add(az, VG_STR("kms:CreateKey"), VG_STR("*"), ctx.items, ctx.len);
    if (in->tags.len > 0)
        vg_authz_add(az, VG_STR("kms:TagResource"), VG_STR("*"), ctx.items, ctx.len);
    return VG_OK;
}

vg_rc
kms_authz_schedule_key_deletion(struct vg_req *rq,
                                const struct kms_schedule_key_deletion_request *in,
                                struct vg_authz *az)
{
    struct asked a = { 0 };
    add_number(rq, &a.ctx, "kms:ScheduleKeyDeletionPendingWindowInDays",
               in->pending_window_in_days);
    return on_named(az, in->key_id, 0, &a);
}

vg_rc
kms_authz_put_key_policy(struct vg_req *rq, const struct kms_put_key_policy_request *in,
                         struct vg_authz *az)
{
    struct asked a = { 0 };
    add_bool(rq, &a.ctx, "kms:BypassPolicyLockoutSafetyCheck",
             vg_opt_bool_or(in->bypass_policy_lockout_safety_check, false));
    return on_named(az, in->key_id, 0, &a);
}

vg_rc
kms_authz_enable_key_rotation(struct vg_req *rq, const struct kms_enable_key_rotation_request *in,
                              struct vg_authz *az)
{
    struct asked a = { 0 };
    add_number(rq, &a.ctx, "kms:RotationPeriodInDays", in->rotation_period_in_days);
    return on_named(az, in->key_id, 0, &a);
}

vg_rc
kms_authz_tag_resource(struct vg_req *rq, const struct kms_tag_resource_request *in,
                       struct vg_authz *az)
{
    struct asked a = { 0 };
    add_tags(rq, &a.ctx, &in->tags);
    return on_named(az, in->key_id, 0, &a);
}

vg_rc
kms_authz_untag_resource(struct vg_req *rq, const struct kms_untag_resource_request *in,
                         struct vg_authz *az)
{
    struct asked a = { 0 };
    for (size_t i = 0; i < in->tag_keys.len; i++)
        add(rq, &a.ctx, "aws:TagKeys", in->tag_keys.items[i]);
    return on_named(az, in->key_id, 0, &a);
}

/* --- aliases: the alias by IAM policies, its keys by theirs -------------------------------------
 * https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html
 */

static void
on_alias(struct vg_authz *az, struct vg_str name)
{
    struct kms_place here = kms_here(az->rq);
    vg_authz_add(az, vg_str_of(az->rq->op->iam_action), kms_alias_arn(az->rq, &here, name), NULL,
                 0);
}

/* What the alias means now; nothing where there is none: the handler says so. */
static vg_rc
on_old_target(struct vg_authz *az, struct vg_str name)
{
    struct vg_req *rq = az->rq;
    struct kms_found old = { .at = kms_here(rq) };
    struct asked a = { 0 };
    struct kms_rec_alias *alias;
    vg_rc rc = kms_store_alias(rq, &old.at, name, &alias);
    if (rc != VG_OK || alias == NULL)
        return rc;
    old.id = alias->key_id;
    old.arn = kms_arn(rq, &old.at, "key/", old.id);
    return on(az, &old, &a);
}

vg_rc
kms_authz_create_alias(struct vg_req *rq, const struct kms_create_alias_request *in,
                       struct vg_authz *az)
{
    struct asked a = { 0 };
    (void)rq;
    on_alias(az, in->alias_name);
    return on_named(az, in->target_key_id, 0, &a);
}

vg_rc
kms_authz_update_alias(struct vg_req *rq, const struct kms_update_alias_request *in,
                       struct vg_authz *az)
{
    struct asked a = { 0 };
    (void)rq;
    on_alias(az, in->alias_name);
    vg_rc rc = on_old_target(az, in->alias_name);
    return rc == VG_OK ? on_named(az, in->target_key_id, 0, &a) : rc;
}

vg_rc
kms_authz_delete_alias(struct vg_req *rq, const struct kms_delete_alias_request *in,
                       struct vg_authz *az)
{
    (void)rq;
    on_alias(az, in->alias_name);
    return on_old_target(az, in->alias_name);
}

/* --- cryptography -------------------------------------------------------------------------------
 */

static struct asked
crypt(struct vg_req *rq, const char *action, const struct kms_encryption_context_type *pairs)
{
    struct asked a = { .action = action, .context = pairs };
    add(rq, &a.ctx, "kms:EncryptionAlgorithm", VG_STR("SYMMETRIC_DEFAULT"));
    add_context(rq, &a.ctx, pairs);
    return a;
}

#define ON_TARGET(op)                                                                              \
    vg_rc kms_authz_##op(struct vg_req *rq, const struct kms_##op##_request *in,                   \
                         struct vg_authz *az)                                                      \
    {                                                                                              \
        struct asked a = crypt(rq, NULL, &in->encryption_context);                                 \
        return on_named(az, in->key_id, KMS_BY_ALIAS | KMS_OF_ALL | KMS_LAZY, &a);                 \
    }

ON_TARGET(encrypt)
ON_TARGET(generate_data_key)
ON_TARGET(generate_data_key_without_plaintext)

vg_rc
kms_authz_decrypt(struct vg_req *rq, const struct kms_decrypt_request *in, struct vg_authz *az)
{
    const struct kms_source source = kms_source_of_decrypt(in);
    struct kms_found of;
    struct asked a = crypt(rq, NULL, source.context);
    a.is_by_ciphertext = source.key_id.ptr == NULL;
    vg_rc rc = kms_find_source(rq, &source, &of);
    return rc == VG_OK ? on(az, &of, &a) : rc;
}

vg_rc
kms_authz_re_encrypt(struct vg_req *rq, const struct kms_re_encrypt_request *in,
                     struct vg_authz *az)
{
    const struct kms_source source = kms_source_of_re_encrypt(in);
    struct kms_found of, with;
    struct asked from = crypt(rq, "kms:ReEncryptFrom", source.context);
    struct asked to = crypt(rq, "kms:ReEncryptTo", &in->destination_encryption_context);
    vg_rc rc = kms_find_source(rq, &source, &of);
    if (rc == VG_OK)
        rc = kms_find(rq, in->destination_key_id, KMS_BY_ALIAS | KMS_OF_ALL | KMS_LAZY, &with);
    if (rc != VG_OK)
        return rc;
    from.is_by_ciphertext = source.key_id.ptr == NULL;
    add_bool(rq, &from.ctx, "kms:ReEncryptOnSameKey", vg_str_eq(of.arn, with.arn));
    add_bool(rq, &to.ctx, "kms:ReEncryptOnSameKey", vg_str_eq(of.arn, with.arn));
    rc = on(az, &of, &from);
    return rc == VG_OK ? on(az, &with, &to) : rc;
}

/* --- grants -------------------------------------------------------------------------------------
 */

ON_KEY(list_grants, KMS_OF_ALL)
ON_KEY(revoke_grant, KMS_OF_ALL)

vg_rc
kms_authz_create_grant(struct vg_req *rq, const struct kms_create_grant_request *in,
                       struct vg_authz *az)
{
    struct kms_rec_grant child;
    struct asked a = { .child = &child };
    kms_grant_of_request(rq, in, &child);
    for (size_t i = 0; i < child.operations.len; i++)
        add(rq, &a.ctx, "kms:GrantOperations", child.operations.items[i]);
    add(rq, &a.ctx, "kms:GranteePrincipal", child.grantee);
    add(rq, &a.ctx, "kms:RetiringPrincipal", child.retiring);
    add_bool(rq, &a.ctx, "kms:GrantIsForAWSResource", false);
    if (child.has_context)
        add(rq, &a.ctx, "kms:GrantConstraintType",
            child.is_exact ? VG_STR("EncryptionContextEquals") : VG_STR("EncryptionContextSubset"));
    return on_named(az, in->key_id, KMS_OF_ALL, &a);
}

/*
 * "the retiring principal …, the grantee principal if the grant allows the RetireGrant operation,
 * and … the AWS account in which the grant is created", or whom a policy lets.
 */
static bool
may_retire(const struct vg_principal *who, const struct kms_rec_grant *grant)
{
    return kms_principal_is(grant->retiring, who)
           || kms_grant_allows(grant, who, VG_STR("RetireGrant"), NULL)
           || (who->kind == VG_PRINCIPAL_ROOT && vg_str_eq(who->account, grant->issuer));
}

vg_rc
kms_authz_retire_grant(struct vg_req *rq, const struct kms_retire_grant_request *in,
                       struct vg_authz *az)
{
    struct kms_found of;
    struct kms_rec_grant *grant = NULL;
    struct vg_str key, id;
    ctx_vec ctx = { 0 };
    vg_rc rc = kms_grant_to_retire(rq, in, &key, &id);
    if (rc == VG_OK)
        rc = kms_find(rq, key, KMS_OF_ALL, &of);
    if (rc == VG_OK)
        rc = kms_store_grant(rq, &of.at, of.id, id, &grant);
    if (rc != VG_OK)
        return rc;
    add_kind(rq, &ctx);
    vg_authz_add(az, VG_STR("kms:RetireGrant"), of.arn, ctx.items, ctx.len)->is_granted =
        grant && may_retire(rq->scope->caller, grant);
    return VG_OK;
}
