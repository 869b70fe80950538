/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What operations on keys need, with the condition keys of KMS's page in the Service Authorization
 * Reference.  The key is found first, so that policies are asked of what an alias or a ciphertext
 * means.
 * https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
 */

#include "services/kms/kms_crypt.h"

#include "auth/principal.h"

#define ALIASES_PAGE 1000u

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

/* `action` NULL: the row's. `ctx` may be NULL: what the operation adds of its own. */
static vg_rc
on(struct vg_authz *az, const char *action, const struct kms_found *key, ctx_vec *ctx)
{
    struct vg_req *rq = az->rq;
    ctx_vec none = { 0 };
    ctx = ctx ? ctx : &none;
    add_kind(rq, ctx);
    add(rq, ctx, "kms:RequestAlias", key->alias);
    az->late_prefix = VG_STR("kms:ResourceAliases");
    vg_rc rc = az->has_ctx ? add_aliases(rq, ctx, key) : VG_OK;
    if (rc == VG_OK)
        vg_authz_add(az, vg_str_of(action ? action : rq->op->iam_action), key->arn, ctx->items,
                     ctx->len);
    return rc;
}

static vg_rc
on_named(struct vg_authz *az, struct vg_str name, unsigned flags, ctx_vec *ctx) VG_WAITS
{
    struct kms_found found;
    vg_rc rc = kms_find(az->rq, name, flags, &found);
    return rc == VG_OK ? on(az, NULL, &found, ctx) : rc;
}

/* --- keys ---------------------------------------------------------------------------------------
 */

#define ON_KEY(op, flags)                                                                          \
    vg_rc kms_authz_##op(struct vg_req *rq, const struct kms_##op##_request *in,                   \
                         struct vg_authz *az)                                                      \
    {                                                                                              \
        (void)rq;                                                                                  \
        return on_named(az, in->key_id, flags, NULL);                                              \
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
    ctx_vec ctx = { 0 };
    add_number(rq, &ctx, "kms:ScheduleKeyDeletionPendingWindowInDays", in->pending_window_in_days);
    return on_named(az, in->key_id, 0, &ctx);
}

vg_rc
kms_authz_put_key_policy(struct vg_req *rq, const struct kms_put_key_policy_request *in,
                         struct vg_authz *az)
{
    ctx_vec ctx = { 0 };
    add_bool(rq, &ctx, "kms:BypassPolicyLockoutSafetyCheck",
             vg_opt_bool_or(in->bypass_policy_lockout_safety_check, false));
    return on_named(az, in->key_id, 0, &ctx);
}

vg_rc
kms_authz_enable_key_rotation(struct vg_req *rq, const struct kms_enable_key_rotation_request *in,
                              struct vg_authz *az)
{
    ctx_vec ctx = { 0 };
    add_number(rq, &ctx, "kms:RotationPeriodInDays", in->rotation_period_in_days);
    return on_named(az, in->key_id, 0, &ctx);
}

vg_rc
kms_authz_tag_resource(struct vg_req *rq, const struct kms_tag_resource_request *in,
                       struct vg_authz *az)
{
    ctx_vec ctx = { 0 };
    add_tags(rq, &ctx, &in->tags);
    return on_named(az, in->key_id, 0, &ctx);
}

vg_rc
kms_authz_untag_resource(struct vg_req *rq, const struct kms_untag_resource_request *in,
                         struct vg_authz *az)
{
    ctx_vec ctx = { 0 };
    for (size_t i = 0; i < in->tag_keys.len; i++)
        add(rq, &ctx, "aws:TagKeys", in->tag_keys.items[i]);
    return on_named(az, in->key_id, 0, &ctx);
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
    struct kms_rec_alias *alias;
    vg_rc rc = kms_store_alias(rq, &old.at, name, &alias);
    if (rc != VG_OK || alias == NULL)
        return rc;
    old.id = alias->key_id;
    old.arn = kms_arn(rq, &old.at, "key/", old.id);
    return on(az, NULL, &old, NULL);
}

vg_rc
kms_authz_create_alias(struct vg_req *rq, const struct kms_create_alias_request *in,
                       struct vg_authz *az)
{
    (void)rq;
    on_alias(az, in->alias_name);
    return on_named(az, in->target_key_id, 0, NULL);
}

vg_rc
kms_authz_update_alias(struct vg_req *rq, const struct kms_update_alias_request *in,
                       struct vg_authz *az)
{
    (void)rq;
    on_alias(az, in->alias_name);
    vg_rc rc = on_old_target(az, in->alias_name);
    return rc == VG_OK ? on_named(az, in->target_key_id, 0, NULL) : rc;
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

static ctx_vec
crypt_ctx(struct vg_req *rq, const struct kms_encryption_context_type *pairs)
{
    ctx_vec ctx = { 0 };
    add(rq, &ctx, "kms:EncryptionAlgorithm", VG_STR("SYMMETRIC_DEFAULT"));
    add_context(rq, &ctx, pairs);
    return ctx;
}

#define ON_TARGET(op)                                                                              \
    vg_rc kms_authz_##op(struct vg_req *rq, const struct kms_##op##_request *in,                   \
                         struct vg_authz *az)                                                      \
    {                                                                                              \
        ctx_vec ctx = crypt_ctx(rq, &in->encryption_context);                                      \
        return on_named(az, in->key_id, KMS_BY_ALIAS | KMS_OF_ALL | KMS_LAZY, &ctx);               \
    }

ON_TARGET(encrypt)
ON_TARGET(generate_data_key)
ON_TARGET(generate_data_key_without_plaintext)

vg_rc
kms_authz_decrypt(struct vg_req *rq, const struct kms_decrypt_request *in, struct vg_authz *az)
{
    const struct kms_source source = kms_source_of_decrypt(in);
    struct kms_found of;
    ctx_vec ctx = crypt_ctx(rq, source.context);
    vg_rc rc = kms_find_source(rq, &source, &of);
    return rc == VG_OK ? on(az, NULL, &of, &ctx) : rc;
}

vg_rc
kms_authz_re_encrypt(struct vg_req *rq, const struct kms_re_encrypt_request *in,
                     struct vg_authz *az)
{
    const struct kms_source source = kms_source_of_re_encrypt(in);
    struct kms_found of, with;
    ctx_vec from = crypt_ctx(rq, source.context);
    ctx_vec to = crypt_ctx(rq, &in->destination_encryption_context);
    vg_rc rc = kms_find_source(rq, &source, &of);
    if (rc == VG_OK)
        rc = kms_find(rq, in->destination_key_id, KMS_BY_ALIAS | KMS_OF_ALL | KMS_LAZY, &with);
    if (rc != VG_OK)
        return rc;
    add_bool(rq, &from, "kms:ReEncryptOnSameKey", vg_str_eq(of.arn, with.arn));
    add_bool(rq, &to, "kms:ReEncryptOnSameKey", vg_str_eq(of.arn, with.arn));
    rc = on(az, "kms:ReEncryptFrom", &of, &from);
    return rc == VG_OK ? on(az, "kms:ReEncryptTo", &with, &to) : rc;
}
