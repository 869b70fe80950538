/* SPDX-License-Identifier: Apache-2.0 */

/*
 * New material for old keys; what was encrypted with the old is decrypted with it.
 * https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
 */

#include "services/kms/kms_int.h"

#include "core/env.h"
#include "crypto/secret.h"

#define PERIOD_DEFAULT 365
#define PAGE_DEFAULT   100

static vg_rc
not_of_managed(struct vg_req *rq, const struct kms_rec_key *key)
{
    if (!key->is_managed)
        return VG_OK;
    return kms_fail_unsupported_operation_exception(
        rq, "%" VG_FMT " is managed by AWS, which rotates it every year", VG_ARG(key->arn));
}

static vg_rc
edit(struct vg_req *rq, struct vg_str id, struct kms_edit *e, struct kms_rec_key **ret) VG_WAITS
{
    vg_rc rc = kms_edit_need(rq, id, 0, e, ret);
    if (rc == VG_OK)
        rc = kms_check_enabled(rq, *ret);
    return rc == VG_OK ? not_of_managed(rq, *ret) : rc;
}

/* Without a period, a key that rotates already keeps its own. */
vg_rc
kms_enable_key_rotation(struct vg_req *rq, const struct kms_enable_key_rotation_request *in)
{
    kms_auto_edit struct kms_edit e = { 0 };
    struct kms_rec_key *key;
    vg_rc rc = edit(rq, in->key_id, &e, &key);
    if (rc != VG_OK)
        return rc;
    bool is_same = key->rotation_days > 0
                   && (!in->rotation_period_in_days.set
                       || in->rotation_period_in_days.v == (int64_t)key->rotation_days);
    if (!is_same) {
        int64_t days = vg_opt_or(in->rotation_period_in_days, PERIOD_DEFAULT);
        key->rotation_days = (uint32_t)days;
        key->next_rotation_ms = vg_now_ms(rq->env) + days * KMS_DAY_MS;
    }
    return kms_edit_save(&e, key);
}

vg_rc
kms_disable_key_rotation(struct vg_req *rq, const struct kms_disable_key_rotation_request *in)
{
    kms_auto_edit struct kms_edit e = { 0 };
    struct kms_rec_key *key;
    vg_rc rc = edit(rq, in->key_id, &e, &key);
    if (rc != VG_OK)
        return rc;
    key->rotation_days = 0;
    key->next_rotation_ms = 0;
    return kms_edit_save(&e, key);
}

/* "While a KMS key is pending deletion, its key rotation status is false". */
vg_rc
kms_get_key_rotation_status(struct vg_req *rq, const struct kms_get_key_rotation_status_request *in,
                            struct kms_get_key_rotation_status_response *out)
{
    struct kms_found found;
    vg_rc rc = kms_need(rq, in->key_id, KMS_OF_ALL, &found);
    if (rc != VG_OK)
        return rc;
    const struct kms_rec_key *key = found.key;
    bool is_on = key->rotation_days > 0 && key->state != KMS_PENDING_DELETION;
    *out = (struct kms_get_key_rotation_status_response) {
        .key_rotation_enabled = { true, is_on },
        .key_id = key->arn,
        .rotation_period_in_days = { is_on, key->rotation_days },
        .next_rotation_date_ms = { is_on, key->next_rotation_ms },
    };
    return VG_OK;
}

/* "On-demand rotations do not change existing automatic rotation schedules." */
vg_rc
kms_rotate_key_on_demand(struct vg_req *rq, const struct kms_rotate_key_on_demand_request *in,
                         struct kms_rotate_key_on_demand_response *out)
{
    kms_auto_edit struct kms_edit e = { 0 };
    uint8_t root[KMS_KEY_BYTES];
    struct kms_rec_key *key;
    vg_rc rc = kms_store_root(rq, rq->scope->owner, root);
    if (rc == VG_OK)
        rc = edit(rq, in->key_id, &e, &key);
    if (rc != VG_OK)
        return rc;
    if (key->n_on_demand >= KMS_LIMIT_ROTATIONS_ON_DEMAND)
        return kms_fail_limit_exceeded_exception(
            rq, "The key %" VG_FMT " was rotated on demand %d times, which is the limit",
            VG_ARG(key->arn), KMS_LIMIT_ROTATIONS_ON_DEMAND);
    kms_edit_add_material(&e, key, root, vg_now_ms(rq->env), KMS_ROTATED_ON_DEMAND);
    vg_zero(root, sizeof(root));
    key->n_on_demand++;
    out->key_id = key->arn;
    return kms_edit_save(&e, key);
}

/* A rotation that is due. A key that is not enabled is left alone until it is again. */
vg_rc
kms_rotate_key(struct vg_req *rq, const struct kms_rotate_key_input *in)
{
    kms_auto_edit struct kms_edit e = { 0 };
    uint8_t root[KMS_KEY_BYTES];
    const struct kms_place at = { in->account, in->region };
    struct kms_rec_key *key;
    vg_rc rc = kms_store_root(rq, at.account, root);
    if (rc == VG_OK)
        rc = kms_edit_begin(rq, &at, &e);
    if (rc == VG_OK)
        rc = kms_edit_key(&e, in->key_id, &key);
    if (rc != VG_OK || key == NULL)
        return rc;
    bool is_due = key->state == KMS_ENABLED && key->rotation_days > 0
                  && key->next_rotation_ms <= vg_now_ms(rq->env);
    if (!is_due)
        return VG_OK;
    kms_edit_add_material(&e, key, root, key->next_rotation_ms, KMS_ROTATED);
    vg_zero(root, sizeof(root));
    key->next_rotation_ms += (int64_t)key->rotation_days * KMS_DAY_MS;
    return kms_edit_save(&e, key);
}

static void
show(const struct kms_rec_key *key, const struct kms_rec_material *m, bool is_all,
     struct kms_rotations_list_entry *out)
{
    bool is_rotation = m->origin != KMS_CREATED;
    *out = (struct kms_rotations_list_entry) {
        .key_id = key->arn,
        .key_material_id = m->id,
        .rotation_date_ms = { is_rotation, m->since_ms },
    };
    if (is_rotation)
        out->rotation_type = m->origin == KMS_ROTATED ? VG_ENUM(KMS_ROTATION_TYPE_AUTOMATIC)
                                                      : VG_ENUM(KMS_ROTATION_TYPE_ON_DEMAND);
    if (is_all)
        out->key_material_state = m->version == key->version
                                      ? VG_ENUM(KMS_KEY_MATERIAL_STATE_CURRENT)
                                      : VG_ENUM(KMS_KEY_MATERIAL_STATE_NON_CURRENT);
}

/* Rotations, the latest first; ALL_KEY_MATERIAL: the first material too. */
vg_rc
kms_list_key_rotations(struct vg_req *rq, const struct kms_list_key_rotations_request *in,
                       struct kms_list_key_rotations_response *out)
{
    struct kms_found found;
    struct kms_page page;
    struct vg_str after;
    size_t max = (size_t)vg_opt_or(in->limit, PAGE_DEFAULT);
    bool is_all = in->include_key_material.v == KMS_INCLUDE_KEY_MATERIAL_ALL_KEY_MATERIAL;
    vg_rc rc = kms_need(rq, in->key_id, 0, &found);
    if (rc == VG_OK)
        rc = kms_read_marker(rq, in->marker, &after);
    if (rc == VG_OK)
        rc = kms_store_materials(rq, &found.at, found.id, &page);
    if (rc != VG_OK)
        return rc;
    out->rotations =
        (struct kms_rotations_list) { VG_NEW_ARRAY(rq->arena, struct kms_rotations_list_entry, max),
                                      0, true };
    bool is_behind = after.ptr == NULL, has_more = false;
    for (size_t i = page.len; i-- > 0 && !has_more;) {
        const struct kms_rec_material *m = page.items[i];
        bool is_wanted = is_behind && (is_all || m->origin != KMS_CREATED);
        is_behind = is_behind || vg_str_eq(m->id, after);
        has_more = is_wanted && out->rotations.len == max;
        if (is_wanted && !has_more)
            show(found.key, m, is_all, &out->rotations.items[out->rotations.len++]);
    }
    out->truncated = (struct vg_opt_bool) { true, has_more };
    if (has_more)
        out->next_marker = kms_marker(rq, out->rotations.items[max - 1].key_material_id);
    return VG_OK;
}
