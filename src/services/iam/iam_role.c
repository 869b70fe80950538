/* SPDX-License-Identifier: Apache-2.0 */
#include "services/iam/iam_int.h"

#include "crypto/random.h"

#define SESSION_DEFAULT_S 3600
#define TRUST_MAX         2048
#define NAME_MAX_CHARS    64

static vg_rc
check_trust(struct vg_req *rq, struct vg_str json)
{
    if (iam_document_size(json) > TRUST_MAX)
        return iam_fail_limit_exceeded_exception(rq, "Cannot exceed quota for ACLSizePerRole: %d",
                                                 TRUST_MAX);
    return iam_check_document(rq, json, VG_POLICY_FOR_TRUST);
}

/* Puts a new role and fills in the answer; used for service-linked ones too. */
static vg_rc
put_new_role(struct vg_req *rq, struct vg_iam *db, const struct auth_rec_identity *id,
             struct iam_role **ret)
{
    vg_rc rc = iam_need_free(rq, db, VG_IDENTITY_ROLE, id->name);
    if (rc != VG_OK)
        return rc;
    vg_iam_put_identity(db, id);
    *ret = VG_NEW(rq->arena, struct iam_role);
    iam_role_out(rq, id, *ret);
    return iam_commit(rq, db);
}

vg_rc
iam_create_role(struct vg_req *rq, const struct iam_create_role_request *in,
                struct iam_create_role_response *out)
{
    struct auth_rec_identity id = {
        .kind = VG_IDENTITY_ROLE,
        .name = in->role_name,
        .path = iam_path_or_root(in->path),
        .id = iam_new_id(rq, VG_STR("AROA")),
        .created_ms = vg_now_ms(rq->env),
        .trust = in->assume_role_policy_document,
        .description = in->description,
        .max_session_s = (uint32_t)vg_opt_or(in->max_session_duration, SESSION_DEFAULT_S),
    };
    if (vg_str_starts(id.path, VG_STR("/aws-service-role/")))
        return iam_fail_invalid_input_exception(
            rq, "Service-linked roles are made by CreateServiceLinkedRole only.");
    vg_rc rc = check_trust(rq, in->assume_role_policy_document);
    if (rc == VG_OK)
        rc = iam_tags_add(rq, &in->tags, &id.tags.items, &id.tags.len);
    if (rc != VG_OK)
        return rc;
    iam_auto_db db = { 0 };
    rc = iam_begin(rq, &db, false);
    if (rc == VG_OK && in->permissions_boundary.len > 0)
        rc = iam_set_boundary(rq, &db, &id, in->permissions_boundary);
    return rc == VG_OK ? put_new_role(rq, &db, &id, &out->role) : rc;
}

vg_rc
iam_get_role(struct vg_req *rq, const struct iam_get_role_request *in,
             struct iam_get_role_response *out)
{
    struct auth_rec_identity id;
    const struct vg_iam db = iam_reader(rq);
    vg_rc rc = iam_need(rq, &db, VG_IDENTITY_ROLE, in->role_name, &id);
    if (rc != VG_OK)
        return rc;
    out->role = VG_NEW(rq->arena, struct iam_role);
    iam_role_out(rq, &id, out->role);
    return VG_OK;
}

vg_rc
iam_update_role(struct vg_req *rq, const struct iam_update_role_request *in,
                struct iam_update_role_response *out)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_change(rq, &db, VG_IDENTITY_ROLE, in->role_name, &id);
    if (rc != VG_OK)
        return rc;
    (void)out;
    if (in->description.ptr)
        id.description = in->description;
    id.max_session_s = (uint32_t)vg_opt_or(in->max_session_duration, id.max_session_s);
    return iam_save(rq, &db, &id);
}

vg_rc
iam_update_role_description(struct vg_req *rq, const struct iam_update_role_description_request *in,
                            struct iam_update_role_description_response *out)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_change(rq, &db, VG_IDENTITY_ROLE, in->role_name, &id);
    if (rc != VG_OK)
        return rc;
    id.description = in->description;
    vg_iam_put_identity(&db, &id);
    out->role = VG_NEW(rq->arena, struct iam_role);
    iam_role_out(rq, &id, out->role);
    return iam_commit(rq, &db);
}

vg_rc
iam_update_assume_role_policy(struct vg_req *rq,
                              const struct iam_update_assume_role_policy_request *in)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = check_trust(rq, in->policy_document);
    if (rc != VG_OK)
        return rc;
    rc = iam_change(rq, &db, VG_IDENTITY_ROLE, in->role_name, &id);
    if (rc != VG_OK)
        return rc;
    id.trust = in->policy_document;
    return iam_save(rq, &db, &id);
}

static vg_rc
is_in_profile(struct vg_req *rq, const struct vg_iam *db, struct vg_str role, bool *ret)
{
    struct iam_profiles all;
    vg_rc rc = iam_all_profiles(rq, db, &all);
    *ret = false;
    for (size_t i = 0; rc == VG_OK && i < all.len; i++)
        *ret = *ret || vg_str_eq_nocase(all.items[i].role, role);
    return rc;
}

vg_rc
iam_delete_role(struct vg_req *rq, const struct iam_delete_role_request *in)
{
    struct auth_rec_identity id;
    bool has_profile = false;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_change(rq, &db, VG_IDENTITY_ROLE, in->role_name, &id);
    if (rc == VG_OK)
        rc = is_in_profile(rq, &db, id.name, &has_profile);
    if (rc != VG_OK)
        return rc;
    if (has_profile)
        return iam_fail_must_first(rq, "remove roles from instance profile");
    return iam_drop(rq, &db, &id);
}

/* ListRoles leaves tags and boundary out. */
static void
role_row(struct vg_req *rq, const struct auth_rec_identity *id, void *row)
{
    struct iam_role *role = row;
    iam_role_out(rq, id, role);
    role->tags.len = 0;
    role->permissions_boundary = NULL;
}

vg_rc
iam_list_roles(struct vg_req *rq, const struct iam_list_roles_request *in,
               struct iam_list_roles_response *out)
{
    static const struct iam_row_type roles = { VG_IDENTITY_ROLE, sizeof(struct iam_role),
                                               role_row };
    struct iam_rows page;
    vg_rc rc = iam_rows_found(rq, &roles, in->path_prefix, in->marker, in->max_items, &page);
    if (rc != VG_OK)
        return rc;
    out->roles = (struct iam_role_list_type) { page.items, page.len, true };
    out->is_truncated = page.is_truncated;
    out->marker = page.marker;
    return VG_OK;
}

/* --- service-linked roles -----------------------------------------------------------------------
 */

/* "lambda.amazonaws.com" -> "AWSServiceRoleForLambda", with the suffix behind a '_'. */
static struct vg_str
linked_name(struct vg_req *rq, struct vg_str service, struct vg_str suffix)
{
    struct vg_str rest = service;
    struct vg_str word = vg_str_cut(&rest, '.');
    char first = word.ptr[0];
    if (first >= 'a' && first <= 'z')
        first = (char)(first - 'a' + 'A');
    return vg_str_fmt(rq->arena, "AWSServiceRoleFor%c%" VG_FMT "%s%" VG_FMT, first,
                      VG_ARG(vg_str_slice(word, 1, word.len)), suffix.len > 0 ? "_" : "",
                      VG_ARG(suffix));
}

vg_rc
iam_create_service_linked_role(struct vg_req *rq,
                               const struct iam_create_service_linked_role_request *in,
                               struct iam_create_service_linked_role_response *out)
{
    struct vg_str service = in->aws_service_name;
    if (vg_str_find_char(service, '.') == 0 || !vg_str_ends(service, VG_STR(".amazonaws.com")))
        return iam_fail_invalid_input_exception(rq, "Invalid service name: %" VG_FMT,
                                                VG_ARG(service));
    struct auth_rec_identity id = {
        .kind = VG_IDENTITY_ROLE,
        .name = linked_name(rq, service, in->custom_suffix),
        .path = vg_str_fmt(rq->arena, "/aws-service-role/%" VG_FMT "/", VG_ARG(service)),
        .id = iam_new_id(rq, VG_STR("AROA")),
        .created_ms = vg_now_ms(rq->env),
        .description = in->description,
        .max_session_s = SESSION_DEFAULT_S,
        .service = service,
        .trust = vg_str_fmt(rq->arena,
                            "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                            "\"Principal\":{\"Service\":\"%" VG_FMT
                            "\"},\"Action\":\"sts:AssumeRole\"}]}",
                            VG_ARG(service)),
    };
    if (id.name.len > NAME_MAX_CHARS)
        return iam_fail_invalid_input_exception(rq, "Role name %" VG_FMT " is longer than %d.",
                                                VG_ARG(id.name), NAME_MAX_CHARS);
    struct auth_rec_identity other;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = vg_iam_identity(&db, VG_IDENTITY_ROLE, id.name, &other);
    if (rc == VG_OK && other.name.ptr)
        return iam_fail_invalid_input_exception(
            rq,
            "Service role name %" VG_FMT
            " has been taken in this account, please try a different suffix.",
            VG_ARG(id.name));
    return rc == VG_OK ? put_new_role(rq, &db, &id, &out->role) : rc;
}

vg_rc
iam_delete_service_linked_role(struct vg_req *rq,
                               const struct iam_delete_service_linked_role_request *in,
                               struct iam_delete_service_linked_role_response *out)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = iam_need(rq, &db, VG_IDENTITY_ROLE, in->role_name, &id);
    if (rc != VG_OK)
        return rc;
    if (id.service.len == 0)
        return iam_fail_invalid_input_exception(
            rq, "Role %" VG_FMT " is not a service-linked role.", VG_ARG(in->role_name));
    vg_iam_del_identity(&db, VG_IDENTITY_ROLE, id.name);
    out->deletion_task_id =
        vg_str_fmt(rq->arena, "task%" VG_FMT "%" VG_FMT "/%" VG_FMT, VG_ARG(id.path),
                   VG_ARG(id.name), VG_ARG(vg_random_uuid(rq->env->random, rq->arena)));
    return iam_commit(rq, &db);
}

/* Deletion is done at once: a task's id is well-formed or unknown, and if known it has succeeded.
 */
vg_rc
iam_get_service_linked_role_deletion_status(
    struct vg_req *rq, const struct iam_get_service_linked_role_deletion_status_request *in,
    struct iam_get_service_linked_role_deletion_status_response *out)
{
    struct auth_rec_identity id;
    const struct vg_iam db = iam_reader(rq);
    struct vg_str rest = in->deletion_task_id, part[5];
    for (size_t i = 0; i < VG_COUNT(part); i++)
        part[i] = vg_str_cut(&rest, '/');
    if (!vg_str_eq(part[0], VG_STR("task")) || !vg_str_eq(part[1], VG_STR("aws-service-role"))
        || part[4].len == 0 || rest.ptr)
        return iam_fail_no_such_entity_exception(rq, "Deletion task %" VG_FMT " cannot be found.",
                                                 VG_ARG(in->deletion_task_id));
    vg_rc rc = vg_iam_identity(&db, VG_IDENTITY_ROLE, part[3], &id);
    out->status.text = VG_STR("SUCCEEDED");
    return rc;
}
