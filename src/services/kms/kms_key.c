/* SPDX-License-Identifier: Apache-2.0 */

/* Keys: made, described, switched on and off, deleted after their waiting period. */

#include "services/kms/kms_int.h"

#include "core/env.h"
#include "crypto/random.h"
#include "crypto/secret.h"

#define WINDOW_DEFAULT    30
#define WINDOW_MIN        7
#define ROTATION_MANAGED  365 /* days: AWS's own keys, "every year" */
#define KEYS_PAGE_DEFAULT 100

/* --- what AWS manages ---------------------------------------------------------------------------
 */

static const struct {
    struct vg_str alias;
    const char *description;
} managed[] = {
    { VG_STR_INIT("alias/aws/s3"),
      "Default key that protects my S3 objects when no other key is defined" },
};

static size_t
managed_index(struct vg_str alias)
{
    size_t i = 0;
    while (i < VG_COUNT(managed) && !vg_str_eq(managed[i].alias, alias))
        i++;
    return i;
}

bool
kms_is_managed_alias(struct vg_str alias)
{
    return managed_index(alias) < VG_COUNT(managed);
}

/* --- CreateKey ----------------------------------------------------------------------------------
 */

static struct kms_rec_key
new_key(struct vg_req *rq, const struct kms_place *at)
{
    struct vg_str id = vg_random_uuid(rq->env->random, rq->arena);
    return (struct kms_rec_key) { .id = id,
                                  .arn = kms_arn(rq, at, "key/", id),
                                  .created_ms = vg_now_ms(rq->env),
                                  .description = VG_STR(""),
                                  .state = KMS_ENABLED };
}

/* Its first material, its record, its timers. */
static vg_rc
add_key(struct kms_edit *e, struct kms_rec_key *key, uint8_t root[KMS_KEY_BYTES])
{
    kms_edit_add_material(e, key, root, key->created_ms, KMS_CREATED);
    vg_zero(root, KMS_KEY_BYTES);
    kms_edit_put_key(e, key);
    return kms_edit_set_timers(e, key);
}

vg_rc
kms_make_managed(struct vg_req *rq, struct vg_str alias, struct kms_rec_alias **ret)
{
    kms_auto_edit struct kms_edit e = { 0 };
    uint8_t root[KMS_KEY_BYTES];
    struct kms_place here = kms_here(rq);
    struct kms_rec_key key = new_key(rq, &here);
    vg_rc rc = kms_store_root(rq, here.account, root);
    if (rc == VG_OK)
        rc = kms_edit_begin(rq, &here, &e);
    if (rc == VG_OK)
        rc = kms_edit_alias(&e, alias, ret);
    if (rc != VG_OK || *ret)
        return rc;
    key.description = vg_str_of(managed[managed_index(alias)].description);
    key.is_managed = true;
    key.policy = kms_managed_policy(rq);
    key.rotation_days = ROTATION_MANAGED;
    key.next_rotation_ms = key.created_ms + ROTATION_MANAGED * KMS_DAY_MS;
    *ret = VG_NEW(rq->arena, struct kms_rec_alias);
    **ret = (struct kms_rec_alias) {
        .name = alias, .key_id = key.id, .created_ms = key.created_ms, .updated_ms = key.created_ms
    };
    kms_edit_put_alias(&e, *ret);
    rc = add_key(&e, &key, root);
    return rc == VG_OK ? kms_edit_commit(&e) : rc;
}

static vg_rc
unsupported(struct vg_req *rq, const char *member, struct vg_str value)
{
    return kms_fail_unsupported_operation_exception(
        rq,
        "%s %" VG_FMT " is not built in this version of Virga: only symmetric encryption keys "
        "of one Region, whose material KMS makes.",
        member, VG_ARG(value));
}

static vg_rc
check_kind(struct vg_req *rq, const struct kms_create_key_request *in)
{
    if (in->key_spec.text.ptr && in->customer_master_key_spec.text.ptr)
        return vg_fail_validation(
            rq, "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
                "CustomerMasterKeySpec is deprecated.");
    struct vg_str spec =
        in->key_spec.text.ptr ? in->key_spec.text : in->customer_master_key_spec.text;
    if (spec.ptr && !vg_str_eq(spec, VG_STR("SYMMETRIC_DEFAULT")))
        return unsupported(rq, "KeySpec", spec);
    if (in->key_usage.v != KMS_KEY_USAGE_TYPE__UNSET
        && in->key_usage.v != KMS_KEY_USAGE_TYPE_ENCRYPT_DECRYPT)
        return vg_fail_validation(
            rq, "KeyUsage %" VG_FMT " is not compatible with KeySpec SYMMETRIC_DEFAULT",
            VG_ARG(in->key_usage.text));
    if (in->origin.v != KMS_ORIGIN_TYPE__UNSET && in->origin.v != KMS_ORIGIN_TYPE_AWS_KMS)
        return unsupported(rq, "Origin", in->origin.text);
    if (in->custom_key_store_id.ptr)
        return unsupported(rq, "CustomKeyStoreId", in->custom_key_store_id);
    if (in->xks_key_id.ptr)
        return unsupported(rq, "XksKeyId", in->xks_key_id);
    if (vg_opt_bool_or(in->multi_region, false))
        return unsupported(rq, "MultiRegion", VG_STR("true"));
    return VG_OK;
}

static struct vg_enum
shown_state(const struct kms_rec_key *key)
{
    switch ((enum kms_state)key->state) {
    case KMS_ENABLED:
        return VG_ENUM(KMS_KEY_STATE_ENABLED);
    case KMS_DISABLED:
        return VG_ENUM(KMS_KEY_STATE_DISABLED);
    case KMS_PENDING_DELETION:
        break;
    }
    return VG_ENUM(KMS_KEY_STATE_PENDING_DELETION);
}

static struct kms_key_metadata *
show(struct vg_req *rq, const struct kms_rec_key *key, struct vg_str account)
{
    struct kms_key_metadata *m = VG_NEW(rq->arena, struct kms_key_metadata);
    struct vg_enum *algorithm = VG_NEW(rq->arena, struct vg_enum);
    *algorithm = VG_ENUM(KMS_ENCRYPTION_ALGORITHM_SPEC_SYMMETRIC_DEFAULT);
    bool is_pending = key->state == KMS_PENDING_DELETION;
    *m = (struct kms_key_metadata) {
        .aws_account_id = account,
        .key_id = key->id,
        .arn = key->arn,
        .creation_date_ms = { true, key->created_ms },
        .enabled = { true, key->state == KMS_ENABLED },
        .description = key->description.ptr ? key->description : VG_STR(""),
        .key_usage = VG_ENUM(KMS_KEY_USAGE_TYPE_ENCRYPT_DECRYPT),
        .key_state = shown_state(key),
        .deletion_date_ms = { is_pending, key->deletion_ms },
        .origin = VG_ENUM(KMS_ORIGIN_TYPE_AWS_KMS),
        .key_manager = key->is_managed ? VG_ENUM(KMS_KEY_MANAGER_TYPE_AWS)
                                       : VG_ENUM(KMS_KEY_MANAGER_TYPE_CUSTOMER),
        .customer_master_key_spec = VG_ENUM(KMS_CUSTOMER_MASTER_KEY_SPEC_SYMMETRIC_DEFAULT),
        .key_spec = VG_ENUM(KMS_KEY_SPEC_SYMMETRIC_DEFAULT),
        .encryption_algorithms = { algorithm, 1, true },
        .multi_region = { true, false },
        .current_key_material_id = key->material_id,
    };
    return m;
}

/* https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html */
vg_rc
kms_create_key(struct vg_req *rq, const struct kms_create_key_request *in,
               struct kms_create_key_response *out)
{
    kms_auto_edit struct kms_edit e = { 0 };
    uint8_t root[KMS_KEY_BYTES];
    struct kms_place here = kms_here(rq);
    struct kms_rec_key key = new_key(rq, &here);
    bool is_bypass = vg_opt_bool_or(in->bypass_policy_lockout_safety_check, false);
    vg_rc rc = check_kind(rq, in);
    if (rc == VG_OK && in->policy.ptr)
        rc = kms_check_policy(rq, in->policy, key.arn, is_bypass);
    if (rc == VG_OK)
        rc = kms_put_tags(rq, &key, &in->tags);
    if (rc == VG_OK)
        rc = kms_store_root(rq, here.account, root);
    if (rc == VG_OK)
        rc = kms_edit_begin(rq, &here, &e);
    if (rc != VG_OK)
        return rc;
    key.policy = in->policy.ptr ? in->policy : kms_default_policy(rq);
    if (in->description.ptr)
        key.description = in->description;
    rc = add_key(&e, &key, root);
    out->key_metadata = show(rq, &key, here.account);
    return rc == VG_OK ? kms_edit_commit(&e) : rc;
}

vg_rc
kms_describe_key(struct vg_req *rq, const struct kms_describe_key_request *in,
                 struct kms_describe_key_response *out)
{
    struct kms_found found;
    vg_rc rc = kms_need(rq, in->key_id, KMS_BY_ALIAS | KMS_OF_ALL | KMS_LAZY, &found);
    if (rc == VG_OK)
        out->key_metadata = show(rq, found.key, found.at.account);
    return rc;
}

vg_rc
kms_list_keys(struct vg_req *rq, const struct kms_list_keys_request *in,
              struct kms_list_keys_response *out)
{
    struct kms_page page;
    struct vg_str after;
    vg_rc rc = kms_read_marker(rq, in->marker, &after);
    if (rc == VG_OK)
        rc = kms_store_keys(rq, after, (uint32_t)vg_opt_or(in->limit, KEYS_PAGE_DEFAULT), &page);
    if (rc != VG_OK)
        return rc;
    out->keys =
        (struct kms_key_list) { VG_NEW_ARRAY(rq->arena, struct kms_key_list_entry, page.len + 1),
                                page.len, true };
    for (size_t i = 0; i < page.len; i++) {
        const struct kms_rec_key *key = page.items[i];
        out->keys.items[i] = (struct kms_key_list_entry) { .key_id = key->id, .key_arn = key->arn };
        after = key->id;
    }
    out->truncated = (struct vg_opt_bool) { true, page.has_more };
    if (page.has_more)
        out->next_marker = kms_marker(rq, after);
    return VG_OK;
}

/* --- changes of state ---------------------------------------------------------------------------
 * https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
 */

/*
 * "When you re-enable the KMS key, rotation resumes. If the key material … hasn't been rotated in
 * one year, KMS rotates it immediately, and every year thereafter."
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html
 */
vg_rc
kms_enable_key(struct vg_req *rq, const struct kms_enable_key_request *in)
{
    kms_auto_edit struct kms_edit e = { 0 };
    struct kms_rec_key *key;
    vg_rc rc = kms_edit_live(rq, in->key_id, &e, &key);
    if (rc != VG_OK)
        return rc;
    key->state = KMS_ENABLED;
    if (key->rotation_days > 0)
        key->next_rotation_ms = VG_MAX(key->next_rotation_ms, vg_now_ms(rq->env));
    return kms_edit_save(&e, key);
}

vg_rc
kms_disable_key(struct vg_req *rq, const struct kms_disable_key_request *in)
{
    kms_auto_edit struct kms_edit e = { 0 };
    struct kms_rec_key *key;
    vg_rc rc = kms_edit_live(rq, in->key_id, &e, &key);
    if (rc != VG_OK)
        return rc;
    key->state = KMS_DISABLED;
    return kms_edit_save(&e, key);
}

vg_rc
kms_update_key_description(struct vg_req *rq, const struct kms_update_key_description_request *in)
{
    kms_auto_edit struct kms_edit e = { 0 };
    struct kms_rec_key *key;
    vg_rc rc = kms_edit_live(rq, in->key_id, &e, &key);
    if (rc != VG_OK)
        return rc;
    key->description = in->description;
    return kms_edit_save(&e, key);
}

/* --- deletion -----------------------------------------------------------------------------------
 */

vg_rc
kms_schedule_key_deletion(struct vg_req *rq, const struct kms_schedule_key_deletion_request *in,
                          struct kms_schedule_key_deletion_response *out)
{
    kms_auto_edit struct kms_edit e = { 0 };
    struct kms_rec_key *key;
    int64_t days = vg_opt_or(in->pending_window_in_days, WINDOW_DEFAULT);
    if (days < WINDOW_MIN || days > WINDOW_DEFAULT)
        return vg_fail_validation(rq, "PendingWindowInDays must be between %d and %d, inclusive.",
                                  WINDOW_MIN, WINDOW_DEFAULT);
    vg_rc rc = kms_edit_live(rq, in->key_id, &e, &key);
    if (rc != VG_OK)
        return rc;
    key->state = KMS_PENDING_DELETION;
    key->deletion_ms = vg_now_ms(rq->env) + days * KMS_DAY_MS;
    *out = (struct kms_schedule_key_deletion_response) {
        .key_id = key->arn,
        .deletion_date_ms = { true, key->deletion_ms },
        .key_state = shown_state(key),
        .pending_window_in_days = { true, days },
    };
    return kms_edit_save(&e, key);
}

/* The key is disabled then: "When this operation succeeds, the key state … is Disabled". */
vg_rc
kms_cancel_key_deletion(struct vg_req *rq, const struct kms_cancel_key_deletion_request *in,
                        struct kms_cancel_key_deletion_response *out)
{
    kms_auto_edit struct kms_edit e = { 0 };
    struct kms_rec_key *key;
    vg_rc rc = kms_edit_need(rq, in->key_id, 0, &e, &key);
    if (rc != VG_OK)
        return rc;
    if (key->state != KMS_PENDING_DELETION)
        return kms_fail_kms_invalid_state_exception(rq, "%" VG_FMT " is not pending deletion.",
                                                    VG_ARG(key->arn));
    key->state = KMS_DISABLED;
    key->deletion_ms = 0;
    out->key_id = key->arn;
    return kms_edit_save(&e, key);
}

/* The waiting period is over, unless it was cancelled, or begun anew. */
vg_rc
kms_delete_key(struct vg_req *rq, const struct kms_delete_key_input *in)
{
    kms_auto_edit struct kms_edit e = { 0 };
    const struct kms_place at = { in->account, in->region };
    struct kms_rec_key *key;
    vg_rc rc = kms_edit_begin(rq, &at, &e);
    if (rc == VG_OK)
        rc = kms_edit_key(&e, in->key_id, &key);
    if (rc != VG_OK || key == NULL)
        return rc;
    if (key->state != KMS_PENDING_DELETION || key->deletion_ms > vg_now_ms(rq->env))
        return VG_OK;
    rc = kms_edit_purge_key(&e, key);
    return rc == VG_OK ? kms_edit_commit(&e) : rc;
}
