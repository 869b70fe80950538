/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What IAM's operations need: the action on the ARN of the user, role or group, with its path,
 * which only the record knows, and the condition keys of IAM's own page in the Service
 * Authorization Reference (iam:PolicyARN, iam:PermissionsBoundary, aws:RequestTag/…, aws:TagKeys).
 */

#include "services/iam/iam_int.h"

typedef VG_VEC(struct vg_ctx) ctx_vec;

static void
add_ctx(struct vg_req *rq, ctx_vec *ctx, struct vg_str key, struct vg_str value)
{
    if (value.ptr)
        *VG_VEC_ADD(rq->arena, ctx) = (struct vg_ctx) { .key = key, .value = value };
}

static void
add_tags(struct vg_req *rq, ctx_vec *ctx, const struct iam_tag_list_type *tags)
{
    for (size_t i = 0; tags && i < tags->len; i++) {
        add_ctx(rq, ctx, vg_str_cat(rq->arena, VG_STR("aws:RequestTag/"), tags->items[i].key),
                tags->items[i].value);
        add_ctx(rq, ctx, VG_STR("aws:TagKeys"), tags->items[i].key);
    }
}

static vg_rc
add(struct vg_req *rq, struct vg_authz *az, struct vg_str arn, const ctx_vec *ctx)
{
    vg_authz_add(az, vg_str_of(rq->op->iam_action), arn, ctx->items, ctx->len);
    return VG_OK;
}

/* Something that is to be made: its path is in the request. */
static vg_rc
on_new(struct vg_req *rq, struct vg_authz *az, const char *type, struct vg_str path,
       struct vg_str name, const struct iam_tag_list_type *tags, struct vg_str boundary)
{
    ctx_vec ctx = { 0 };
    add_tags(rq, &ctx, tags);
    add_ctx(rq, &ctx, VG_STR("iam:PermissionsBoundary"), boundary);
    struct vg_str arn = vg_iam_arn(rq->arena, rq->scope->owner, vg_str_of(type), path, name);
    return add(rq, az, arn, &ctx);
}

/* Something that is there, or is not: then the path is '/', and the handler says NoSuchEntity. */
static vg_rc
on(struct vg_req *rq, struct vg_authz *az, enum vg_identity_kind kind, struct vg_str name,
   struct vg_str policy_arn, const struct iam_tag_list_type *tags)
{
    struct auth_rec_identity id;
    ctx_vec ctx = { 0 };
    const struct vg_iam db = iam_reader(rq);
    if (name.len == 0) /* GetUser and the key operations: the caller itself */
        name = rq->scope->caller->name;
    vg_rc rc = vg_iam_identity(&db, kind, name, &id);
    if (rc != VG_OK)
        return rc;
    add_tags(rq, &ctx, tags);
    add_ctx(rq, &ctx, VG_STR("iam:PolicyARN"), policy_arn);
    add_ctx(rq, &ctx, VG_STR("iam:PermissionsBoundary"),
            id.boundary.len > 0 ? id.boundary : VG_STR_NONE);
    struct vg_str arn =
        vg_iam_arn(rq->arena, rq->scope->owner, vg_str_of(iam_kind_word(kind)),
                   id.name.ptr ? id.path : VG_STR("/"), id.name.ptr ? id.name : name);
    return add(rq, az, arn, &ctx);
}

vg_rc
iam_authz_create_user(struct vg_req *rq, const struct iam_create_user_request *in,
                      struct vg_authz *az)
{
    return on_new(rq, az, "user", in->path, in->user_name, &in->tags, in->permissions_boundary);
}

vg_rc
iam_authz_create_role(struct vg_req *rq, const struct iam_create_role_request *in,
                      struct vg_authz *az)
{
    return on_new(rq, az, "role", in->path, in->role_name, &in->tags, in->permissions_boundary);
}

vg_rc
iam_authz_create_group(struct vg_req *rq, const struct iam_create_group_request *in,
                       struct vg_authz *az)
{
    return on_new(rq, az, "group", in->path, in->group_name, NULL, VG_STR_NONE);
}

vg_rc
iam_authz_create_policy(struct vg_req *rq, const struct iam_create_policy_request *in,
                        struct vg_authz *az)
{
    return on_new(rq, az, "policy", in->path, in->policy_name, &in->tags, VG_STR_NONE);
}

vg_rc
iam_authz_create_instance_profile(struct vg_req *rq,
                                  const struct iam_create_instance_profile_request *in,
                                  struct vg_authz *az)
{
    return on_new(rq, az, "instance-profile", in->path, in->instance_profile_name, &in->tags,
                  VG_STR_NONE);
}

#define USER  VG_IDENTITY_USER, in->user_name
#define ROLE  VG_IDENTITY_ROLE, in->role_name
#define GROUP VG_IDENTITY_GROUP, in->group_name

#define DEFINE(op, kind, name, policy_arn, tags)                                                   \
    vg_rc iam_authz_##op(struct vg_req *rq, const struct iam_##op##_request *in,                   \
                         struct vg_authz *az)                                                      \
    {                                                                                              \
        return on(rq, az, kind, name, policy_arn, tags);                                           \
    }
#define ON(op, target, policy_arn, tags) DEFINE(op, target, policy_arn, tags)
#define PLAIN(op, target)                DEFINE(op, target, VG_STR_NONE, NULL)

PLAIN(get_user, USER)
PLAIN(update_user, USER)
PLAIN(delete_user, USER)
ON(tag_user, USER, VG_STR_NONE, &in->tags)
PLAIN(untag_user, USER)
PLAIN(list_user_tags, USER)
PLAIN(list_groups_for_user, USER)
PLAIN(create_access_key, USER)
PLAIN(delete_access_key, USER)
PLAIN(update_access_key, USER)
PLAIN(list_access_keys, USER)
ON(attach_user_policy, USER, in->policy_arn, NULL)
ON(detach_user_policy, USER, in->policy_arn, NULL)
PLAIN(list_attached_user_policies, USER)
PLAIN(put_user_policy, USER)
PLAIN(get_user_policy, USER)
PLAIN(delete_user_policy, USER)
PLAIN(list_user_policies, USER)
PLAIN(delete_user_permissions_boundary, USER)

PLAIN(get_role, ROLE)
PLAIN(update_role, ROLE)
PLAIN(update_role_description, ROLE)
PLAIN(update_assume_role_policy, ROLE)
PLAIN(delete_role, ROLE)
PLAIN(delete_service_linked_role, ROLE)
ON(tag_role, ROLE, VG_STR_NONE, &in->tags)
PLAIN(untag_role, ROLE)
PLAIN(list_role_tags, ROLE)
PLAIN(list_instance_profiles_for_role, ROLE)
ON(attach_role_policy, ROLE, in->policy_arn, NULL)
ON(detach_role_policy, ROLE, in->policy_arn, NULL)
PLAIN(list_attached_role_policies, ROLE)
PLAIN(put_role_policy, ROLE)
PLAIN(get_role_policy, ROLE)
PLAIN(delete_role_policy, ROLE)
PLAIN(list_role_policies, ROLE)
PLAIN(delete_role_permissions_boundary, ROLE)

PLAIN(get_group, GROUP)
PLAIN(update_group, GROUP)
PLAIN(delete_group, GROUP)
PLAIN(add_user_to_group, GROUP)
PLAIN(remove_user_from_group, GROUP)
ON(attach_group_policy, GROUP, in->policy_arn, NULL)
ON(detach_group_policy, GROUP, in->policy_arn, NULL)
PLAIN(list_attached_group_policies, GROUP)
PLAIN(put_group_policy, GROUP)
PLAIN(get_group_policy, GROUP)
PLAIN(delete_group_policy, GROUP)
PLAIN(list_group_policies, GROUP)

/* Here iam:PermissionsBoundary is the one to be set. */
static vg_rc
on_bound(struct vg_req *rq, struct vg_authz *az, enum vg_identity_kind kind, struct vg_str name,
         struct vg_str boundary)
{
    struct auth_rec_identity id;
    const struct vg_iam db = iam_reader(rq);
    vg_rc rc = vg_iam_identity(&db, kind, name, &id);
    if (rc != VG_OK)
        return rc;
    return on_new(rq, az, iam_kind_word(kind), id.name.ptr ? id.path : VG_STR("/"), name, NULL,
                  boundary);
}

vg_rc
iam_authz_put_user_permissions_boundary(struct vg_req *rq,
                                        const struct iam_put_user_permissions_boundary_request *in,
                                        struct vg_authz *az)
{
    return on_bound(rq, az, VG_IDENTITY_USER, in->user_name, in->permissions_boundary);
}

vg_rc
iam_authz_put_role_permissions_boundary(struct vg_req *rq,
                                        const struct iam_put_role_permissions_boundary_request *in,
                                        struct vg_authz *az)
{
    return on_bound(rq, az, VG_IDENTITY_ROLE, in->role_name, in->permissions_boundary);
}
