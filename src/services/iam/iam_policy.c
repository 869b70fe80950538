/* SPDX-License-Identifier: Apache-2.0 */

/* Managed policies: the account's own, and AWS's, which only read. */

#include "services/iam/iam_int.h"

#include "auth/aws_policies.h"

#define SIZE_MAX_ 6144

static struct vg_str
arn_of(struct vg_req *rq, const struct auth_rec_policy *p)
{
    return vg_iam_arn(rq->arena, rq->scope->owner, VG_STR("policy"), p->path, p->name);
}

static vg_rc
not_found(struct vg_req *rq, struct vg_str arn)
{
    return iam_fail_no_such_entity_exception(rq, "Policy %" VG_FMT " was not found.", VG_ARG(arn));
}

vg_rc
iam_need_policy(struct vg_req *rq, const struct vg_iam *db, struct vg_str arn,
                struct auth_rec_policy *ret)
{
    struct vg_str account, type, name;
    if (!vg_iam_arn_split(arn, &account, &type, &name) || !vg_str_eq(type, VG_STR("policy")))
        return iam_fail_invalid_input_exception(rq, "ARN %" VG_FMT " is not valid.", VG_ARG(arn));
    if (vg_str_eq(account, VG_STR("aws")))
        return vg_fail_access_denied(rq, VG_STR("Cannot perform the operation on an AWS managed "
                                                "policy."));
    vg_rc rc = vg_iam_policy(db, name, ret);
    if (rc != VG_OK)
        return rc;
    bool is_it = ret->name.ptr && vg_str_eq(arn_of(rq, ret), arn);
    return is_it ? VG_OK : not_found(rq, arn);
}

vg_rc
iam_change_policy(struct vg_req *rq, struct vg_iam *db, struct vg_str arn,
                  struct auth_rec_policy *ret)
{
    vg_rc rc = iam_begin(rq, db, false);
    return rc == VG_OK ? iam_need_policy(rq, db, arn, ret) : rc;
}

vg_rc
iam_check_managed(struct vg_req *rq, struct vg_str json)
{
    if (iam_document_size(json) > SIZE_MAX_)
        return iam_fail_limit_exceeded_exception(rq, "Cannot exceed quota for PolicySize: %d",
                                                 SIZE_MAX_);
    return iam_check_document(rq, json, VG_POLICY_FOR_MANAGED);
}

static void
policy_out(struct vg_req *rq, const struct auth_rec_policy *p, struct iam_policy *ret)
{
    *ret = (struct iam_policy) {
        .policy_name = p->name,
        .policy_id = p->id,
        .arn = arn_of(rq, p),
        .path = p->path,
        .default_version_id = iam_version_id(rq, p->default_version),
        .attachment_count = { .set = true, .v = p->attachments },
        .permissions_boundary_usage_count = { .set = true, .v = p->boundaries },
        .is_attachable = { .set = true, .v = true },
        .description = p->description,
        .create_date_ms = iam_ms(p->created_ms),
        .update_date_ms = iam_ms(p->updated_ms),
        .tags = iam_tags_out(rq, p->tags.items, p->tags.len),
    };
}

static void
aws_policy_out(struct vg_req *rq, const struct vg_aws_policy *p, const struct iam_use *use,
               struct iam_policy *ret)
{
    *ret = (struct iam_policy) {
        .policy_name = p->name,
        .policy_id = p->id,
        .arn = vg_iam_arn(rq->arena, VG_STR("aws"), VG_STR("policy"), p->path, p->name),
        .path = p->path,
        .default_version_id = p->version,
        .attachment_count = { .set = true, .v = use->attachments },
        .permissions_boundary_usage_count = { .set = true, .v = use->boundaries },
        .is_attachable = { .set = true, .v = true },
        .description = p->description,
        .create_date_ms = iam_ms(IAM_AWS_POLICY_MS),
        .update_date_ms = iam_ms(IAM_AWS_POLICY_MS),
    };
}

vg_rc
iam_create_policy(struct vg_req *rq, const struct iam_create_policy_request *in,
                  struct iam_create_policy_response *out)
{
    struct auth_rec_policy p;
    iam_auto_db db = { 0 };
    int64_t now_ms = vg_now_ms(rq->env);
    vg_rc rc = iam_check_managed(rq, in->policy_document);
    if (rc == VG_OK)
        rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = vg_iam_policy(&db, in->policy_name, &p);
    if (rc != VG_OK)
        return rc;
    if (p.name.ptr)
        return iam_fail_entity_already_exists_exception(
            rq, "A policy called %" VG_FMT " already exists. Duplicate names are not allowed.",
            VG_ARG(in->policy_name));
    p = (struct auth_rec_policy) {
        .name = in->policy_name,
        .path = iam_path_or_root(in->path),
        .id = iam_new_id(rq, VG_STR("ANPA")),
        .created_ms = now_ms,
        .updated_ms = now_ms,
        .description = in->description,
        .default_version = 1,
        .last_version = 1,
    };
    *VG_VEC_ADD(rq->arena, &p.versions) = (struct auth_rec_version) {
        .number = 1, .document = in->policy_document, .created_ms = now_ms
    };
    rc = iam_tags_add(rq, &in->tags, &p.tags.items, &p.tags.len);
    if (rc != VG_OK)
        return rc;
    vg_iam_put_policy(&db, &p);
    out->policy = VG_NEW(rq->arena, struct iam_policy);
    policy_out(rq, &p, out->policy);
    out->policy->description = VG_STR_NONE; /* CreatePolicy leaves it out */
    return iam_commit(rq, &db);
}

vg_rc
iam_get_policy(struct vg_req *rq, const struct iam_get_policy_request *in,
               struct iam_get_policy_response *out)
{
    struct auth_rec_policy p;
    const struct vg_iam db = iam_reader(rq);
    const struct vg_aws_policy *aws = vg_aws_policy_find(in->policy_arn);
    out->policy = VG_NEW(rq->arena, struct iam_policy);
    vg_rc rc;
    if (aws) {
        size_t n;
        struct iam_use *used;
        rc = iam_aws_uses(rq, &db, &used);
        if (rc == VG_OK)
            aws_policy_out(rq, aws, &used[aws - vg_aws_policies(&n)], out->policy);
        return rc;
    }
    if (vg_str_starts(in->policy_arn, VG_STR("arn:aws:iam::aws:")))
        return not_found(rq, in->policy_arn);
    rc = iam_need_policy(rq, &db, in->policy_arn, &p);
    if (rc == VG_OK)
        policy_out(rq, &p, out->policy);
    return rc;
}

vg_rc
iam_delete_policy(struct vg_req *rq, const struct iam_delete_policy_request *in)
{
    struct auth_rec_policy p;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_change_policy(rq, &db, in->policy_arn, &p);
    if (rc != VG_OK)
        return rc;
    if (p.attachments > 0 || p.boundaries > 0)
        return iam_fail_delete_conflict_exception(rq, "Cannot delete a policy attached to "
                                                      "entities.");
    if (p.versions.len > 1)
        return iam_fail_delete_conflict_exception(
            rq, "This policy has more than one version. Before you delete a policy, you must "
                "delete the policy's versions. The default version is deleted with the policy.");
    vg_iam_del_policy(&db, p.name);
    return iam_commit(rq, &db);
}

static bool
only_used(const struct iam_list_policies_request *in)
{
    return vg_opt_bool_or(in->only_attached, false);
}

static bool
only_boundaries(const struct iam_list_policies_request *in)
{
    return vg_str_eq(in->policy_usage_filter.text, VG_STR("PermissionsBoundary"));
}

static bool
is_below(struct vg_str path, struct vg_str prefix)
{
    return prefix.len == 0 || vg_str_starts(path, prefix);
}

static bool
is_listed(const struct iam_list_policies_request *in, struct vg_str path, int64_t attachments,
          int64_t boundaries)
{
    if (only_used(in) && attachments == 0 && boundaries == 0)
        return false;
    if (only_boundaries(in) && boundaries == 0)
        return false;
    return is_below(path, in->path_prefix);
}

struct listed {
    struct iam_policy *items;
    size_t len, cap;
};

static vg_rc
add_aws(struct vg_req *rq, const struct vg_iam *db, const struct iam_list_policies_request *in,
        struct listed *all)
{
    size_t n;
    const struct vg_aws_policy *aws = vg_aws_policies(&n);
    struct iam_use *used;
    vg_rc rc = iam_aws_uses(rq, db, &used);
    for (size_t i = 0; rc == VG_OK && i < n; i++)
        if (is_listed(in, aws[i].path, used[i].attachments, used[i].boundaries))
            aws_policy_out(rq, &aws[i], &used[i], VG_VEC_ADD(rq->arena, all));
    return rc;
}

/* AWS's first, then the account's; the marker is the index in that order. */
vg_rc
iam_list_policies(struct vg_req *rq, const struct iam_list_policies_request *in,
                  struct iam_list_policies_response *out)
{
    struct listed all = { 0 };
    const struct vg_iam db = iam_reader(rq);
    size_t from, to;
    vg_rc rc = VG_OK;
    if (in->scope.v != IAM_POLICY_SCOPE_TYPE_LOCAL)
        rc = add_aws(rq, &db, in, &all);
    struct iam_policies own = { 0 };
    if (rc == VG_OK && in->scope.v != IAM_POLICY_SCOPE_TYPE_AWS)
        rc = iam_all_policies(rq, &db, &own);
    for (size_t i = 0; rc == VG_OK && i < own.len; i++)
        if (is_listed(in, own.items[i].path, own.items[i].attachments, own.items[i].boundaries))
            policy_out(rq, &own.items[i], VG_VEC_ADD(rq->arena, &all));
    if (rc == VG_OK)
        rc = iam_slice(rq, in->marker, in->max_items, all.len, &from, &to, &out->is_truncated,
                       &out->marker);
    if (rc != VG_OK)
        return rc;
    out->policies.items = all.items + from;
    out->policies.len = to - from;
    out->policies.set = true;
    for (size_t i = from; i < to; i++) {
        all.items[i].description = VG_STR_NONE; /* ListPolicies leaves both out */
        all.items[i].tags.len = 0;
    }
    return VG_OK;
}

/* --- who has it, tags ---------------------------------------------------------------------------
 */

static bool
wants(const struct iam_list_entities_for_policy_request *in, const char *kind)
{
    return in->entity_filter.v == 0 || vg_str_eq(in->entity_filter.text, vg_str_of(kind));
}

static bool
uses(const struct iam_list_entities_for_policy_request *in, const struct auth_rec_identity *id)
{
    if (in->path_prefix.len > 0 && !vg_str_starts(id->path, in->path_prefix))
        return false;
    if (vg_str_eq(in->policy_usage_filter.text, VG_STR("PermissionsBoundary")))
        return vg_str_eq(id->boundary, in->policy_arn);
    return iam_strs_find(id->attached.items, id->attached.len, in->policy_arn) != VG_NPOS
           || (in->policy_usage_filter.v == 0 && vg_str_eq(id->boundary, in->policy_arn));
}

vg_rc
iam_list_entities_for_policy(struct vg_req *rq,
                             const struct iam_list_entities_for_policy_request *in,
                             struct iam_list_entities_for_policy_response *out)
{
    struct auth_rec_policy p;
    struct iam_found all;
    VG_VEC(struct auth_rec_identity) hits = { 0 };
    const struct vg_iam db = iam_reader(rq);
    static const char *const filters[] = { "User", "Role", "Group" };
    size_t from, to;
    vg_rc rc =
        vg_aws_policy_find(in->policy_arn) ? VG_OK : iam_need_policy(rq, &db, in->policy_arn, &p);
    for (int kind = VG_IDENTITY_USER; rc == VG_OK && kind <= VG_IDENTITY_GROUP; kind++) {
        if (!wants(in, filters[kind - 1]))
            continue;
        rc = iam_all(rq, &db, (enum vg_identity_kind)kind, &all);
        for (size_t i = 0; rc == VG_OK && i < all.items.len; i++)
            if (uses(in, &all.items.items[i]))
                *VG_VEC_ADD(rq->arena, &hits) = all.items.items[i];
    }
    if (rc == VG_OK)
        rc = iam_slice(rq, in->marker, in->max_items, hits.len, &from, &to, &out->is_truncated,
                       &out->marker);
    if (rc != VG_OK)
        return rc;
    size_t n = to - from + 1;
    out->policy_users.items = VG_NEW_ARRAY(rq->arena, struct iam_policy_user, n);
    out->policy_roles.items = VG_NEW_ARRAY(rq->arena, struct iam_policy_role, n);
    out->policy_groups.items = VG_NEW_ARRAY(rq->arena, struct iam_policy_group, n);
    out->policy_users.set = out->policy_roles.set = out->policy_groups.set = true;
    for (size_t i = from; i < to; i++) {
        const struct auth_rec_identity *id = &hits.items[i];
        if (id->kind == VG_IDENTITY_USER)
            out->policy_users.items[out->policy_users.len++] =
                (struct iam_policy_user) { .user_name = id->name, .user_id = id->id };
        else if (id->kind == VG_IDENTITY_ROLE)
            out->policy_roles.items[out->policy_roles.len++] =
                (struct iam_policy_role) { .role_name = id->name, .role_id = id->id };
        else
            out->policy_groups.items[out->policy_groups.len++] =
                (struct iam_policy_group) { .group_name = id->name, .group_id = id->id };
    }
    return VG_OK;
}

static vg_rc
tag(struct vg_req *rq, struct vg_str arn, const struct iam_tag_list_type *add,
    const struct iam_tag_key_list_type *remove)
{
    struct auth_rec_policy p;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_change_policy(rq, &db, arn, &p);
    if (rc == VG_OK)
        rc = iam_tags_change(rq, add, remove, &p.tags.items, &p.tags.len);
    if (rc != VG_OK)
        return rc;
    vg_iam_put_policy(&db, &p);
    return iam_commit(rq, &db);
}

vg_rc
iam_tag_policy(struct vg_req *rq, const struct iam_tag_policy_request *in)
{
    return tag(rq, in->policy_arn, &in->tags, NULL);
}

vg_rc
iam_untag_policy(struct vg_req *rq, const struct iam_untag_policy_request *in)
{
    return tag(rq, in->policy_arn, NULL, &in->tag_keys);
}

vg_rc
iam_list_policy_tags(struct vg_req *rq, const struct iam_list_policy_tags_request *in,
                     struct iam_list_policy_tags_response *out)
{
    struct auth_rec_policy p;
    const struct vg_iam db = iam_reader(rq);
    vg_rc rc = iam_need_policy(rq, &db, in->policy_arn, &p);
    if (rc != VG_OK)
        return rc;
    return iam_tags_page(rq, p.tags.items, p.tags.len, in->marker, in->max_items, &out->tags,
                         &out->is_truncated, &out->marker);
}
