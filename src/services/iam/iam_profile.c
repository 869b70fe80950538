/* SPDX-License-Identifier: Apache-2.0 */

/* Instance profiles: a role's wrapping for EC2. */

#include "services/iam/iam_int.h"

static vg_rc
need(struct vg_req *rq, const struct vg_iam *db, struct vg_str name, struct auth_rec_profile *ret)
{
    vg_rc rc = vg_iam_profile(db, name, ret);
    if (rc != VG_OK || ret->name.ptr)
        return rc;
    return iam_fail_no_such_entity_exception(rq, "Instance Profile %" VG_FMT " cannot be found.",
                                             VG_ARG(name));
}

vg_rc
iam_profile_out(struct vg_req *rq, const struct vg_iam *db, const struct auth_rec_profile *p,
                struct iam_instance_profile *ret)
{
    struct auth_rec_identity role;
    *ret = (struct iam_instance_profile) {
        .path = p->path,
        .instance_profile_name = p->name,
        .instance_profile_id = p->id,
        .arn =
            vg_iam_arn(rq->arena, rq->scope->owner, VG_STR("instance-profile"), p->path, p->name),
        .create_date_ms = iam_ms(p->created_ms),
        .roles = { .items = VG_NEW(rq->arena, struct iam_role), .set = true },
        .tags = iam_tags_out(rq, p->tags.items, p->tags.len),
    };
    if (p->role.len == 0)
        return VG_OK;
    vg_rc rc = vg_iam_identity(db, VG_IDENTITY_ROLE, p->role, &role);
    if (rc == VG_OK && role.name.ptr)
        iam_role_out(rq, &role, &ret->roles.items[ret->roles.len++]);
    return rc;
}

vg_rc
iam_create_instance_profile(struct vg_req *rq, const struct iam_create_instance_profile_request *in,
                            struct iam_create_instance_profile_response *out)
{
    struct auth_rec_profile p;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = vg_iam_profile(&db, in->instance_profile_name, &p);
    if (rc != VG_OK)
        return rc;
    if (p.name.ptr)
        return iam_fail_entity_already_exists_exception(
            rq, "Instance Profile %" VG_FMT " already exists.", VG_ARG(in->instance_profile_name));
    p = (struct auth_rec_profile) {
        .name = in->instance_profile_name,
        .path = iam_path_or_root(in->path),
        .id = iam_new_id(rq, VG_STR("AIPA")),
        .created_ms = vg_now_ms(rq->env),
    };
    rc = iam_tags_add(rq, &in->tags, &p.tags.items, &p.tags.len);
    if (rc != VG_OK)
        return rc;
    vg_iam_put_profile(&db, &p);
    out->instance_profile = VG_NEW(rq->arena, struct iam_instance_profile);
    rc = iam_profile_out(rq, &db, &p, out->instance_profile);
    return rc == VG_OK ? iam_commit(rq, &db) : rc;
}

vg_rc
iam_get_instance_profile(struct vg_req *rq, const struct iam_get_instance_profile_request *in,
                         struct iam_get_instance_profile_response *out)
{
    struct auth_rec_profile p;
    const struct vg_iam db = iam_reader(rq);
    vg_rc rc = need(rq, &db, in->instance_profile_name, &p);
    if (rc != VG_OK)
        return rc;
    out->instance_profile = VG_NEW(rq->arena, struct iam_instance_profile);
    return iam_profile_out(rq, &db, &p, out->instance_profile);
}

vg_rc
iam_delete_instance_profile(struct vg_req *rq, const struct iam_delete_instance_profile_request *in)
{
    struct auth_rec_profile p;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = need(rq, &db, in->instance_profile_name, &p);
    if (rc != VG_OK)
        return rc;
    if (p.role.len > 0)
        return iam_fail_must_first(rq, "remove roles from instance profile");
    vg_iam_del_profile(&db, p.name);
    return iam_commit(rq, &db);
}

static vg_rc
list(struct vg_req *rq, struct vg_str prefix, struct vg_str role, struct vg_str marker,
     struct vg_opt_i64 max_items, struct iam_instance_profile_list_type *ret,
     struct vg_opt_bool *ret_truncated, struct vg_str *ret_marker)
{
    const struct vg_iam db = iam_reader(rq);
    struct iam_profiles all;
    size_t from, to, n = 0;
    vg_rc rc = iam_all_profiles(rq, &db, &all);
    for (size_t i = 0; rc == VG_OK && i < all.len; i++)
        if ((prefix.len == 0 || vg_str_starts(all.items[i].path, prefix))
            && (!role.ptr || vg_str_eq_nocase(all.items[i].role, role)))
            all.items[n++] = all.items[i];
    if (rc == VG_OK)
        rc = iam_slice(rq, marker, max_items, n, &from, &to, ret_truncated, ret_marker);
    if (rc != VG_OK)
        return rc;
    ret->items = VG_NEW_ARRAY(rq->arena, struct iam_instance_profile, to - from + 1);
    ret->set = true;
    for (size_t i = from; i < to && rc == VG_OK; i++)
        rc = iam_profile_out(rq, &db, &all.items[i], &ret->items[ret->len++]);
    return rc;
}

vg_rc
iam_list_instance_profiles(struct vg_req *rq, const struct iam_list_instance_profiles_request *in,
                           struct iam_list_instance_profiles_response *out)
{
    return list(rq, in->path_prefix, VG_STR_NONE, in->marker, in->max_items,
                &out->instance_profiles, &out->is_truncated, &out->marker);
}

vg_rc
iam_list_instance_profiles_for_role(struct vg_req *rq,
                                    const struct iam_list_instance_profiles_for_role_request *in,
                                    struct iam_list_instance_profiles_for_role_response *out)
{
    struct auth_rec_identity role;
    const struct vg_iam db = iam_reader(rq);
    vg_rc rc = iam_need(rq, &db, VG_IDENTITY_ROLE, in->role_name, &role);
    if (rc != VG_OK)
        return rc;
    return list(rq, VG_STR_NONE, role.name, in->marker, in->max_items, &out->instance_profiles,
                &out->is_truncated, &out->marker);
}

vg_rc
iam_add_role_to_instance_profile(struct vg_req *rq,
                                 const struct iam_add_role_to_instance_profile_request *in)
{
    struct auth_rec_profile p;
    struct auth_rec_identity role;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = need(rq, &db, in->instance_profile_name, &p);
    if (rc == VG_OK)
        rc = iam_need(rq, &db, VG_IDENTITY_ROLE, in->role_name, &role);
    if (rc != VG_OK)
        return rc;
    if (p.role.len > 0)
        return iam_fail_limit_exceeded_exception(
            rq, "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
    p.role = role.name;
    vg_iam_put_profile(&db, &p);
    return iam_commit(rq, &db);
}

vg_rc
iam_remove_role_from_instance_profile(
    struct vg_req *rq, const struct iam_remove_role_from_instance_profile_request *in)
{
    struct auth_rec_profile p;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = need(rq, &db, in->instance_profile_name, &p);
    if (rc != VG_OK)
        return rc;
    if (!vg_str_eq_nocase(p.role, in->role_name))
        return iam_fail_no_such_entity_exception(
            rq, "The role with name %" VG_FMT " cannot be found.", VG_ARG(in->role_name));
    p.role = VG_STR_NONE;
    vg_iam_put_profile(&db, &p);
    return iam_commit(rq, &db);
}

static vg_rc
tag(struct vg_req *rq, struct vg_str name, const struct iam_tag_list_type *add,
    const struct iam_tag_key_list_type *remove)
{
    struct auth_rec_profile p;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = need(rq, &db, name, &p);
    if (rc == VG_OK)
        rc = iam_tags_change(rq, add, remove, &p.tags.items, &p.tags.len);
    if (rc != VG_OK)
        return rc;
    vg_iam_put_profile(&db, &p);
    return iam_commit(rq, &db);
}

vg_rc
iam_tag_instance_profile(struct vg_req *rq, const struct iam_tag_instance_profile_request *in)
{
    return tag(rq, in->instance_profile_name, &in->tags, NULL);
}

vg_rc
iam_untag_instance_profile(struct vg_req *rq, const struct iam_untag_instance_profile_request *in)
{
    return tag(rq, in->instance_profile_name, NULL, &in->tag_keys);
}

vg_rc
iam_list_instance_profile_tags(struct vg_req *rq,
                               const struct iam_list_instance_profile_tags_request *in,
                               struct iam_list_instance_profile_tags_response *out)
{
    struct auth_rec_profile p;
    const struct vg_iam db = iam_reader(rq);
    vg_rc rc = need(rq, &db, in->instance_profile_name, &p);
    if (rc != VG_OK)
        return rc;
    return iam_tags_page(rq, p.tags.items, p.tags.len, in->marker, in->max_items, &out->tags,
                         &out->is_truncated, &out->marker);
}
