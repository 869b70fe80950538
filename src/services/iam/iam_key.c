/* SPDX-License-Identifier: Apache-2.0 */
#include "services/iam/iam_int.h"

#define KEYS_PER_USER 2
#define MINUTE_MS     60000 /* AWS tells the last use to the minute */

static struct vg_enum
status_of(const struct auth_rec_key *key)
{
    return (struct vg_enum) { .text = key->is_inactive ? VG_STR("Inactive") : VG_STR("Active") };
}

vg_rc
iam_create_access_key(struct vg_req *rq, const struct iam_create_access_key_request *in,
                      struct iam_create_access_key_response *out)
{
    struct auth_rec_identity id;
    struct vg_str name;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_user_or_caller(rq, in->user_name, &name);
    if (rc == VG_OK)
        rc = iam_begin(rq, &db, true);
    if (rc == VG_OK)
        rc = iam_need(rq, &db, VG_IDENTITY_USER, name, &id);
    if (rc != VG_OK)
        return rc;
    if (id.keys.len >= KEYS_PER_USER)
        return iam_fail_limit_exceeded_exception(
            rq, "Cannot exceed quota for AccessKeysPerUser: %d", KEYS_PER_USER);
    const struct auth_rec_key key = {
        .id = vg_auth_new_key_id(rq->env->auth, rq->arena, VG_STR("AKIA"), rq->scope->owner),
        .secret = vg_auth_new_secret(rq->env->auth, rq->arena),
        .account = rq->scope->owner,
        .user = id.name,
        .created_ms = vg_now_ms(rq->env),
    };
    *VG_VEC_ADD(rq->arena, &id.keys) = key.id;
    vg_iam_put_identity(&db, &id);
    vg_iam_put_key(&db, &key);
    out->access_key = VG_NEW(rq->arena, struct iam_access_key);
    *out->access_key = (struct iam_access_key) {
        .user_name = id.name,
        .access_key_id = key.id,
        .status = status_of(&key),
        .secret_access_key = key.secret,
        .create_date_ms = iam_ms(key.created_ms),
    };
    return iam_commit(rq, &db);
}

/* The user and where the key is in its list; NoSuchEntity when it is not the user's. */
static vg_rc
need_key(struct vg_req *rq, const struct vg_iam *db, struct vg_str given, struct vg_str key_id,
         struct auth_rec_identity *ret, size_t *ret_at)
{
    struct vg_str name;
    vg_rc rc = iam_user_or_caller(rq, given, &name);
    if (rc == VG_OK)
        rc = iam_need(rq, db, VG_IDENTITY_USER, name, ret);
    if (rc != VG_OK)
        return rc;
    *ret_at = iam_strs_find(ret->keys.items, ret->keys.len, key_id);
    if (*ret_at == VG_NPOS)
        return iam_fail_no_such_entity_exception(
            rq, "The Access Key with id %" VG_FMT " cannot be found.", VG_ARG(key_id));
    return VG_OK;
}

vg_rc
iam_delete_access_key(struct vg_req *rq, const struct iam_delete_access_key_request *in)
{
    struct auth_rec_identity id;
    size_t at;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, true);
    if (rc == VG_OK)
        rc = need_key(rq, &db, in->user_name, in->access_key_id, &id, &at);
    if (rc != VG_OK)
        return rc;
    vg_iam_del_key(&db, id.keys.items[at]);
    id.keys.items[at] = id.keys.items[id.keys.len - 1];
    id.keys.len--;
    return iam_save(rq, &db, &id);
}

vg_rc
iam_update_access_key(struct vg_req *rq, const struct iam_update_access_key_request *in)
{
    struct auth_rec_identity id;
    struct auth_rec_key key;
    size_t at;
    if (in->status.v == IAM_STATUS_TYPE_EXPIRED)
        return vg_fail_validation(rq, "Access keys can be set to Active or Inactive only.");
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, true);
    if (rc == VG_OK)
        rc = need_key(rq, &db, in->user_name, in->access_key_id, &id, &at);
    if (rc == VG_OK)
        rc = vg_iam_key(&db, id.keys.items[at], &key);
    if (rc != VG_OK)
        return rc;
    key.is_inactive = in->status.v == IAM_STATUS_TYPE_INACTIVE;
    vg_iam_put_key(&db, &key);
    return iam_commit(rq, &db);
}

vg_rc
iam_list_access_keys(struct vg_req *rq, const struct iam_list_access_keys_request *in,
                     struct iam_list_access_keys_response *out)
{
    struct auth_rec_identity id;
    struct auth_rec_key key;
    struct vg_str name;
    const struct vg_iam db = iam_reader(rq);
    size_t from, to;
    vg_rc rc = iam_user_or_caller(rq, in->user_name, &name);
    if (rc == VG_OK)
        rc = iam_need(rq, &db, VG_IDENTITY_USER, name, &id);
    if (rc == VG_OK)
        rc = iam_slice(rq, in->marker, in->max_items, id.keys.len, &from, &to, &out->is_truncated,
                       &out->marker);
    if (rc != VG_OK)
        return rc;
    out->access_key_metadata.items =
        VG_NEW_ARRAY(rq->arena, struct iam_access_key_metadata, to - from + 1);
    out->access_key_metadata.set = true;
    for (size_t i = from; i < to && rc == VG_OK; i++) {
        rc = vg_iam_key(&db, id.keys.items[i], &key);
        if (rc == VG_OK && key.id.ptr)
            out->access_key_metadata.items[out->access_key_metadata.len++] =
                (struct iam_access_key_metadata) {
                    .user_name = id.name,
                    .access_key_id = key.id,
                    .status = status_of(&key),
                    .create_date_ms = iam_ms(key.created_ms),
                };
    }
    return rc;
}

vg_rc
iam_get_access_key_last_used(struct vg_req *rq,
                             const struct iam_get_access_key_last_used_request *in,
                             struct iam_get_access_key_last_used_response *out)
{
    struct auth_rec_key key;
    const struct vg_iam db = iam_reader(rq);
    vg_rc rc = vg_iam_key(&db, in->access_key_id, &key);
    if (rc != VG_OK)
        return rc;
    if (!key.id.ptr || !vg_str_eq(key.account, rq->scope->owner))
        return vg_fail_access_denied(
            rq, vg_str_fmt(rq->arena,
                           "User: %" VG_FMT
                           " is not authorized to perform: iam:GetAccessKeyLastUsed on resource: "
                           "access key %" VG_FMT,
                           VG_ARG(rq->scope->caller->arn), VG_ARG(in->access_key_id)));
    out->user_name = key.user;
    out->access_key_last_used = VG_NEW(rq->arena, struct iam_access_key_last_used);
    vg_auth_last_use(rq->env->auth, rq->sess, &key);
    bool is_used = key.used_ms > 0; /* else no date: "null … N/A" (API_AccessKeyLastUsed) */
    *out->access_key_last_used = (struct iam_access_key_last_used) {
        .last_used_date_ms = { .set = is_used, .v = key.used_ms / MINUTE_MS * MINUTE_MS },
        .service_name = is_used ? key.used_service : VG_STR("N/A"),
        .region = is_used ? key.used_region : VG_STR("N/A"),
    };
    return VG_OK;
}
