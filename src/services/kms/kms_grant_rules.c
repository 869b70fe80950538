/* SPDX-License-Identifier: Apache-2.0 */
#include "services/kms/kms_grant_rules.h"

bool
kms_principal_is(struct vg_str arn, const struct vg_principal *who)
{
    if (arn.len == 0 || who->kind == VG_PRINCIPAL_ANONYMOUS || who->kind == VG_PRINCIPAL_SERVICE)
        return false;
    return vg_str_eq(arn, who->arn)
           || (who->kind == VG_PRINCIPAL_ROLE && vg_str_eq(arn, who->role_arn))
           || (who->kind == VG_PRINCIPAL_ROOT && vg_str_eq(arn, who->account));
}

static bool
has_operation(const struct kms_rec_grant *grant, struct vg_str operation)
{
    for (size_t i = 0; i < grant->operations.len; i++)
        if (vg_str_eq(grant->operations.items[i], operation))
            return true;
    return false;
}

static const struct {
    struct vg_str name;
    bool has_context;
} operations[] = {
    { VG_STR_INIT("Decrypt"), true },
    { VG_STR_INIT("Encrypt"), true },
    { VG_STR_INIT("GenerateDataKey"), true },
    { VG_STR_INIT("GenerateDataKeyWithoutPlaintext"), true },
    { VG_STR_INIT("GenerateDataKeyPair"), true },
    { VG_STR_INIT("GenerateDataKeyPairWithoutPlaintext"), true },
    { VG_STR_INIT("ReEncryptFrom"), true },
    { VG_STR_INIT("ReEncryptTo"), true },
    { VG_STR_INIT("CreateGrant"), false },
    { VG_STR_INIT("DescribeKey"), false },
    { VG_STR_INIT("RetireGrant"), false },
};

static size_t
operation_index(struct vg_str operation)
{
    size_t i = 0;
    while (i < VG_COUNT(operations) && !vg_str_eq(operations[i].name, operation))
        i++;
    return i;
}

bool
kms_grant_operation_fits(struct vg_str operation)
{
    return operation_index(operation) < VG_COUNT(operations);
}

static bool
has_pair(const struct kms_encryption_context_type *context, const struct kms_rec_pair *pair)
{
    for (size_t i = 0; context && i < context->len; i++)
        if (vg_str_eq(context->items[i].key, pair->key)
            && vg_str_eq(context->items[i].value, pair->value))
            return true;
    return false;
}

static bool
context_fits(const struct kms_rec_grant *grant, const struct kms_encryption_context_type *context)
{
    if (!grant->has_context)
        return true;
    for (size_t i = 0; i < grant->context.len; i++)
        if (!has_pair(context, &grant->context.items[i]))
            return false;
    return !grant->is_exact || grant->context.len == (context ? context->len : 0);
}

bool
kms_grant_allows(const struct kms_rec_grant *grant, const struct vg_principal *who,
                 struct vg_str operation, const struct kms_encryption_context_type *context)
{
    size_t i = operation_index(operation);
    if (i == VG_COUNT(operations) || !has_operation(grant, operation)
        || !kms_principal_is(grant->grantee, who))
        return false;
    return !operations[i].has_context || context_fits(grant, context);
}

static bool
is_pair_of(const struct kms_rec_grant *grant, const struct kms_rec_pair *pair)
{
    for (size_t i = 0; i < grant->context.len; i++)
        if (vg_str_eq(grant->context.items[i].key, pair->key)
            && vg_str_eq(grant->context.items[i].value, pair->value))
            return true;
    return false;
}

static bool
has_all_pairs(const struct kms_rec_grant *grant, const struct kms_rec_grant *of)
{
    for (size_t i = 0; i < of->context.len; i++)
        if (!is_pair_of(grant, &of->context.items[i]))
            return false;
    return true;
}

static bool
has_all_operations(const struct kms_rec_grant *grant, const struct kms_rec_grant *of)
{
    for (size_t i = 0; i < of->operations.len; i++)
        if (!has_operation(grant, of->operations.items[i]))
            return false;
    return true;
}

static bool
is_same_context(const struct kms_rec_grant *a, const struct kms_rec_grant *b)
{
    return a->has_context == b->has_context && a->is_exact == b->is_exact
           && a->context.len == b->context.len && has_all_pairs(a, b);
}

bool
kms_grant_covers(const struct kms_rec_grant *grant, const struct kms_rec_grant *child)
{
    if (!has_all_operations(grant, child))
        return false;
    if (grant->has_context && grant->is_exact)
        return is_same_context(grant, child);
    return !grant->has_context || (child->has_context && has_all_pairs(child, grant));
}

bool
kms_grant_is_same(const struct kms_rec_grant *a, const struct kms_rec_grant *b)
{
    return vg_str_eq(a->grantee, b->grantee) && vg_str_eq(a->retiring, b->retiring)
           && has_all_operations(a, b) && has_all_operations(b, a) && is_same_context(a, b);
}
