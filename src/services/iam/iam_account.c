/* SPDX-License-Identifier: Apache-2.0 */

/* The account as a whole: its alias, its numbers, all of it at once. */

#include "services/iam/iam_int.h"

#include "auth/aws_policies.h"

vg_rc
iam_create_account_alias(struct vg_req *rq, const struct iam_create_account_alias_request *in)
{
    struct vg_str was;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = vg_iam_alias(&db, &was);
    if (rc != VG_OK)
        return rc;
    if (was.ptr && vg_str_eq(was, in->account_alias))
        return iam_fail_entity_already_exists_exception(
            rq, "The account alias %" VG_FMT " already exists.", VG_ARG(was));
    vg_iam_put_alias(&db, in->account_alias); /* an account has one: a second replaces it */
    return iam_commit(rq, &db);
}

vg_rc
iam_delete_account_alias(struct vg_req *rq, const struct iam_delete_account_alias_request *in)
{
    struct vg_str was;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = vg_iam_alias(&db, &was);
    if (rc != VG_OK)
        return rc;
    if (!was.ptr || !vg_str_eq(was, in->account_alias))
        return iam_fail_no_such_entity_exception(
            rq, "The account alias %" VG_FMT " cannot be found.", VG_ARG(in->account_alias));
    vg_iam_put_alias(&db, VG_STR_NONE);
    return iam_commit(rq, &db);
}

vg_rc
iam_list_account_aliases(struct vg_req *rq, const struct iam_list_account_aliases_request *in,
                         struct iam_list_account_aliases_response *out)
{
    struct vg_str alias;
    const struct vg_iam db = iam_reader(rq);
    size_t from, to;
    vg_rc rc = vg_iam_alias(&db, &alias);
    if (rc == VG_OK)
        rc = iam_slice(rq, in->marker, in->max_items, alias.ptr ? 1 : 0, &from, &to,
                       &out->is_truncated, &out->marker);
    if (rc != VG_OK)
        return rc;
    out->account_aliases.items = VG_NEW(rq->arena, struct vg_str);
    out->account_aliases.set = true;
    if (to > from)
        out->account_aliases.items[out->account_aliases.len++] = alias;
    return VG_OK;
}

/* --- everything, read once ----------------------------------------------------------------------
 */

struct everything {
    struct iam_found ids[VG_IDENTITY_GROUP + 1];
    struct iam_policies policies;
    struct iam_profiles profiles;
    struct vg_str alias;
};

static vg_rc
read_all(struct vg_req *rq, struct everything *e)
{
    const struct vg_iam db = iam_reader(rq);
    vg_rc rc = vg_iam_alias(&db, &e->alias);
    for (int k = VG_IDENTITY_USER; rc == VG_OK && k <= VG_IDENTITY_GROUP; k++)
        rc = iam_all(rq, &db, (enum vg_identity_kind)k, &e->ids[k]);
    if (rc == VG_OK)
        rc = iam_all_policies(rq, &db, &e->policies);
    return rc == VG_OK ? iam_all_profiles(rq, &db, &e->profiles) : rc;
}

vg_rc
iam_get_account_summary(struct vg_req *rq, struct iam_get_account_summary_response *out)
{
    struct everything e = { 0 };
    vg_rc rc = read_all(rq, &e);
    if (rc != VG_OK)
        return rc;
    int64_t versions = 0;
    for (size_t i = 0; i < e.policies.len; i++)
        versions += (int64_t)e.policies.items[i].versions.len;
    const struct iam_summary_map_type__entry map[] = {
        { VG_STR("Users"), (int64_t)e.ids[VG_IDENTITY_USER].items.len },
        { VG_STR("UsersQuota"), 5000 },
        { VG_STR("Groups"), (int64_t)e.ids[VG_IDENTITY_GROUP].items.len },
        { VG_STR("GroupsQuota"), 300 },
        { VG_STR("Roles"), (int64_t)e.ids[VG_IDENTITY_ROLE].items.len },
        { VG_STR("RolesQuota"), 1000 },
        { VG_STR("Policies"), (int64_t)e.policies.len },
        { VG_STR("PoliciesQuota"), 1500 },
        { VG_STR("PolicyVersionsInUse"), versions },
        { VG_STR("PolicyVersionsInUseQuota"), 10000 },
        { VG_STR("InstanceProfiles"), (int64_t)e.profiles.len },
        { VG_STR("InstanceProfilesQuota"), 1000 },
        { VG_STR("AccessKeysPerUserQuota"), 2 },
        { VG_STR("AccountAccessKeysPresent"), 1 },
        { VG_STR("AccountMFAEnabled"), 0 },
        { VG_STR("AccountPasswordPresent"), 0 },
        { VG_STR("AccountSigningCertificatesPresent"), 0 },
        { VG_STR("AssumeRolePolicySizeQuota"), 2048 },
        { VG_STR("AttachedPoliciesPerGroupQuota"), 10 },
        { VG_STR("AttachedPoliciesPerRoleQuota"), 10 },
        { VG_STR("AttachedPoliciesPerUserQuota"), 10 },
        { VG_STR("GlobalEndpointTokenVersion"), 2 },
        { VG_STR("GroupPolicySizeQuota"), 5120 },
        { VG_STR("GroupsPerUserQuota"), 10 },
        { VG_STR("MFADevices"), 0 },
        { VG_STR("MFADevicesInUse"), 0 },
        { VG_STR("PolicySizeQuota"), 6144 },
        { VG_STR("Providers"), 0 },
        { VG_STR("RolePolicySizeQuota"), 10240 },
        { VG_STR("ServerCertificates"), 0 },
        { VG_STR("ServerCertificatesQuota"), 20 },
        { VG_STR("SigningCertificatesPerUserQuota"), 2 },
        { VG_STR("UserPolicySizeQuota"), 2048 },
        { VG_STR("VersionsPerPolicyQuota"), 5 },
    };
    out->summary_map.items = vg_arena_copy(rq->arena, map, sizeof(map));
    out->summary_map.len = VG_COUNT(map);
    out->summary_map.set = true;
    return VG_OK;
}

/* --- GetAccountAuthorizationDetails -------------------------------------------------------------
 */

static struct iam_policy_detail_list_type
inlines_out(struct vg_req *rq, const struct auth_rec_identity *id)
{
    struct iam_policy_detail_list_type out = {
        .items = VG_NEW_ARRAY(rq->arena, struct iam_policy_detail, id->inlines.len + 1),
        .len = id->inlines.len,
        .set = true
    };
    for (size_t i = 0; i < out.len; i++)
        out.items[i] = (struct iam_policy_detail) {
            .policy_name = id->inlines.items[i].name,
            .policy_document = iam_encode_document(rq, id->inlines.items[i].document),
        };
    return out;
}

static struct iam_attached_policies_list_type
attached_out(struct vg_req *rq, const struct auth_rec_identity *id)
{
    struct iam_attached_policies_list_type out = {
        .items = VG_NEW_ARRAY(rq->arena, struct iam_attached_policy, id->attached.len + 1),
        .len = id->attached.len,
        .set = true
    };
    for (size_t i = 0; i < out.len; i++) {
        struct vg_str account, type, name = VG_STR("");
        if (vg_iam_arn_split(id->attached.items[i], &account, &type, &name))
            out.items[i] = (struct iam_attached_policy) { .policy_name = name,
                                                          .policy_arn = id->attached.items[i] };
    }
    return out;
}

static void
add_user(struct vg_req *rq, const struct auth_rec_identity *id,
         struct iam_get_account_authorization_details_response *out)
{
    out->user_detail_list.items[out->user_detail_list.len++] = (struct iam_user_detail) {
        .path = id->path,
        .user_name = id->name,
        .user_id = id->id,
        .arn = iam_arn_of(rq, id),
        .create_date_ms = iam_ms(id->created_ms),
        .user_policy_list = inlines_out(rq, id),
        .group_list = { .items = id->groups.items, .len = id->groups.len, .set = true },
        .attached_managed_policies = attached_out(rq, id),
        .permissions_boundary = iam_boundary(rq, id->boundary),
        .tags = iam_tags_out(rq, id->tags.items, id->tags.len),
    };
}

static vg_rc
profiles_out(struct vg_req *rq, const struct everything *e, struct vg_str role,
             struct iam_instance_profile_list_type *ret)
{
    const struct vg_iam db = iam_reader(rq);
    vg_rc rc = VG_OK;
    ret->items = VG_NEW_ARRAY(rq->arena, struct iam_instance_profile, e->profiles.len + 1);
    ret->set = true;
    for (size_t i = 0; rc == VG_OK && i < e->profiles.len; i++)
        if (vg_str_eq_nocase(e->profiles.items[i].role, role))
            rc = iam_profile_out(rq, &db, &e->profiles.items[i], &ret->items[ret->len++]);
    return rc;
}

static vg_rc
add_role(struct vg_req *rq, const struct everything *e, const struct auth_rec_identity *id,
         struct iam_get_account_authorization_details_response *out)
{
    struct iam_instance_profile_list_type profiles = { 0 };
    vg_rc rc = profiles_out(rq, e, id->name, &profiles);
    out->role_detail_list.items[out->role_detail_list.len++] = (struct iam_role_detail) {
        .path = id->path,
        .role_name = id->name,
        .role_id = id->id,
        .arn = iam_arn_of(rq, id),
        .create_date_ms = iam_ms(id->created_ms),
        .assume_role_policy_document = iam_encode_document(rq, id->trust),
        .instance_profile_list = profiles,
        .role_policy_list = inlines_out(rq, id),
        .attached_managed_policies = attached_out(rq, id),
        .permissions_boundary = iam_boundary(rq, id->boundary),
        .tags = iam_tags_out(rq, id->tags.items, id->tags.len),
    };
    return rc;
}

static void
add_group(struct vg_req *rq, const struct auth_rec_identity *id,
          struct iam_get_account_authorization_details_response *out)
{
    out->group_detail_list.items[out->group_detail_list.len++] = (struct iam_group_detail) {
        .path = id->path,
        .group_name = id->name,
        .group_id = id->id,
        .arn = iam_arn_of(rq, id),
        .create_date_ms = iam_ms(id->created_ms),
        .group_policy_list = inlines_out(rq, id),
        .attached_managed_policies = attached_out(rq, id),
    };
}

static void
add_policy(struct vg_req *rq, const struct auth_rec_policy *p,
           struct iam_get_account_authorization_details_response *out)
{
    struct iam_managed_policy_detail *d = &out->policies.items[out->policies.len++];
    *d = (struct iam_managed_policy_detail) {
        .policy_name = p->name,
        .policy_id = p->id,
        .arn = vg_iam_arn(rq->arena, rq->scope->owner, VG_STR("policy"), p->path, p->name),
        .path = p->path,
        .default_version_id = iam_version_id(rq, p->default_version),
        .attachment_count = { .set = true, .v = p->attachments },
        .permissions_boundary_usage_count = { .set = true, .v = p->boundaries },
        .is_attachable = { .set = true, .v = true },
        .create_date_ms = iam_ms(p->created_ms),
        .update_date_ms = iam_ms(p->updated_ms),
        .policy_version_list = { .set = true },
    };
    d->policy_version_list.items =
        VG_NEW_ARRAY(rq->arena, struct iam_policy_version, p->versions.len + 1);
    d->policy_version_list.len = p->versions.len;
    for (size_t i = 0; i < p->versions.len; i++)
        iam_version_out(rq, p, &p->versions.items[i], true, &d->policy_version_list.items[i]);
}

static void
add_aws_policy(struct vg_req *rq, const struct vg_aws_policy *p, const struct iam_use *use,
               struct iam_get_account_authorization_details_response *out)
{
    struct iam_managed_policy_detail *d = &out->policies.items[out->policies.len++];
    *d = (struct iam_managed_policy_detail) {
        .policy_name = p->name,
        .policy_id = p->id,
        .arn = vg_iam_arn(rq->arena, VG_STR("aws"), VG_STR("policy"), p->path, p->name),
        .path = p->path,
        .default_version_id = p->version,
        .attachment_count = { .set = true, .v = use->attachments },
        .permissions_boundary_usage_count = { .set = true, .v = use->boundaries },
        .is_attachable = { .set = true, .v = true },
        .create_date_ms = iam_ms(IAM_AWS_POLICY_MS),
        .update_date_ms = iam_ms(IAM_AWS_POLICY_MS),
        .policy_version_list = { .items = VG_NEW(rq->arena, struct iam_policy_version),
                                 .len = 1,
                                 .set = true },
    };
    iam_aws_version_out(rq, p, true, &d->policy_version_list.items[0]);
}

static bool
wanted(const struct iam_get_account_authorization_details_request *in, struct vg_str kind)
{
    if (in->filter.len == 0)
        return true;
    for (size_t i = 0; i < in->filter.len; i++)
        if (vg_str_eq(in->filter.items[i].text, kind))
            return true;
    return false;
}

/* One row of the answer: an identity, or a policy of the account's or of AWS's. */
struct detail {
    const struct auth_rec_identity *id;
    const struct auth_rec_policy *policy;
    const struct vg_aws_policy *aws_policy;
    const struct iam_use *use;
};
struct details {
    struct detail *items;
    size_t len, cap;
};

/* What is asked for, in the order of pages. Policies of AWS's: those that the account uses. */
static void
details_of(struct vg_req *rq, const struct iam_get_account_authorization_details_request *in,
           const struct everything *e, struct details *ret)
{
    static const struct vg_str kinds[] = { VG_STR_INIT(""), VG_STR_INIT("User"),
                                           VG_STR_INIT("Role"), VG_STR_INIT("Group") };
    size_t n_aws;
    const struct vg_aws_policy *aws = vg_aws_policies(&n_aws);
    struct iam_use *used = VG_NEW_ARRAY(rq->arena, struct iam_use, n_aws);
    for (int k = VG_IDENTITY_USER; k <= VG_IDENTITY_GROUP; k++) {
        iam_aws_uses_add(&e->ids[k], used);
        for (size_t i = 0; wanted(in, kinds[k]) && i < e->ids[k].items.len; i++)
            *VG_VEC_ADD(rq->arena, ret) = (struct detail) { .id = &e->ids[k].items.items[i] };
    }
    for (size_t i = 0; wanted(in, VG_STR("LocalManagedPolicy")) && i < e->policies.len; i++)
        *VG_VEC_ADD(rq->arena, ret) = (struct detail) { .policy = &e->policies.items[i] };
    for (size_t i = 0; wanted(in, VG_STR("AWSManagedPolicy")) && i < n_aws; i++)
        if (used[i].attachments > 0 || used[i].boundaries > 0)
            *VG_VEC_ADD(rq->arena, ret) =
                (struct detail) { .aws_policy = &aws[i], .use = &used[i] };
}

static vg_rc
add_detail(struct vg_req *rq, const struct everything *e, const struct detail *d,
           struct iam_get_account_authorization_details_response *out)
{
    if (d->policy)
        add_policy(rq, d->policy, out);
    else if (d->aws_policy)
        add_aws_policy(rq, d->aws_policy, d->use, out);
    else if (d->id->kind == VG_IDENTITY_ROLE)
        return add_role(rq, e, d->id, out);
    else if (d->id->kind == VG_IDENTITY_USER)
        add_user(rq, d->id, out);
    else
        add_group(rq, d->id, out);
    return VG_OK;
}

vg_rc
iam_get_account_authorization_details(
    struct vg_req *rq, const struct iam_get_account_authorization_details_request *in,
    struct iam_get_account_authorization_details_response *out)
{
    struct everything e = { 0 };
    struct details all = { 0 };
    size_t from, to;
    vg_rc rc = read_all(rq, &e);
    if (rc != VG_OK)
        return rc;
    details_of(rq, in, &e, &all);
    rc = iam_slice(rq, in->marker, in->max_items, all.len, &from, &to, &out->is_truncated,
                   &out->marker);
    if (rc != VG_OK)
        return rc;
    size_t max = to - from + 1;
    out->user_detail_list.items = VG_NEW_ARRAY(rq->arena, struct iam_user_detail, max);
    out->role_detail_list.items = VG_NEW_ARRAY(rq->arena, struct iam_role_detail, max);
    out->group_detail_list.items = VG_NEW_ARRAY(rq->arena, struct iam_group_detail, max);
    out->policies.items = VG_NEW_ARRAY(rq->arena, struct iam_managed_policy_detail, max);
    out->user_detail_list.set = out->role_detail_list.set = true;
    out->group_detail_list.set = out->policies.set = true;
    for (size_t i = from; i < to && rc == VG_OK; i++)
        rc = add_detail(rq, &e, &all.items[i], out);
    return rc;
}
