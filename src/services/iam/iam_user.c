/* SPDX-License-Identifier: Apache-2.0 */
#include "services/iam/iam_int.h"

#define GROUPS_PER_USER 10

vg_rc
iam_create_user(struct vg_req *rq, const struct iam_create_user_request *in,
                struct iam_create_user_response *out)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = vg_iam_identity(&db, VG_IDENTITY_USER, in->user_name, &id);
    if (rc != VG_OK)
        return rc;
    if (id.name.ptr)
        return iam_fail_entity_already_exists_exception(
            rq, "User with name %" VG_FMT " already exists.", VG_ARG(in->user_name));
    id = (struct auth_rec_identity) {
        .kind = VG_IDENTITY_USER,
        .name = in->user_name,
        .path = iam_path_or_root(in->path),
        .id = iam_new_id(rq, VG_STR("AIDA")),
        .created_ms = vg_now_ms(rq->env),
    };
    rc = iam_tags_add(rq, &in->tags, &id.tags.items, &id.tags.len);
    if (rc == VG_OK && in->permissions_boundary.len > 0)
        rc = iam_set_boundary(rq, &db, &id, in->permissions_boundary);
    if (rc != VG_OK)
        return rc;
    vg_iam_put_identity(&db, &id);
    out->user = VG_NEW(rq->arena, struct iam_user);
    iam_user_out(rq, &id, out->user);
    return iam_commit(rq, &db);
}

/* Without a name: who is asking. The root user has no record. */
vg_rc
iam_get_user(struct vg_req *rq, const struct iam_get_user_request *in,
             struct iam_get_user_response *out)
{
    const struct vg_principal *who = rq->scope->caller;
    struct auth_rec_identity id;
    struct vg_str name;
    const struct vg_iam db = iam_reader(rq);
    out->user = VG_NEW(rq->arena, struct iam_user);
    if (in->user_name.len == 0 && who->kind == VG_PRINCIPAL_ROOT) {
        *out->user = (struct iam_user) {
            .path = VG_STR("/"),
            .user_name = VG_STR("root"),
            .user_id = who->account,
            .arn = who->arn,
            .create_date_ms = { .set = true },
        };
        return VG_OK;
    }
    vg_rc rc = iam_user_or_caller(rq, in->user_name, &name);
    if (rc == VG_OK)
        rc = iam_need(rq, &db, VG_IDENTITY_USER, name, &id);
    if (rc == VG_OK)
        iam_user_out(rq, &id, out->user);
    return rc;
}

/* Every group and key that knows the user by name follows. */
static vg_rc
rename_user(struct vg_req *rq, const struct vg_iam *db, struct auth_rec_identity *id,
            struct vg_str to)
{
    struct auth_rec_identity other, group;
    struct auth_rec_key key;
    vg_rc rc = vg_iam_identity(db, VG_IDENTITY_USER, to, &other);
    if (rc == VG_OK && other.name.ptr && !vg_str_eq_nocase(to, id->name))
        return iam_fail_entity_already_exists_exception(
            rq, "User with name %" VG_FMT " already exists.", VG_ARG(to));
    for (size_t i = 0; rc == VG_OK && i < id->groups.len; i++) {
        rc = iam_need(rq, db, VG_IDENTITY_GROUP, id->groups.items[i], &group);
        if (rc != VG_OK)
            return rc;
        size_t at = iam_strs_find(group.members.items, group.members.len, id->name);
        if (at != VG_NPOS)
            group.members.items[at] = to;
        vg_iam_put_identity(db, &group);
    }
    for (size_t i = 0; rc == VG_OK && i < id->keys.len; i++) {
        rc = vg_iam_key(db, id->keys.items[i], &key);
        key.user = to;
        if (rc == VG_OK && key.id.ptr)
            vg_iam_put_key(db, &key);
    }
    if (rc == VG_OK)
        vg_iam_del_identity(db, VG_IDENTITY_USER, id->name);
    id->name = to;
    return rc;
}

vg_rc
iam_update_user(struct vg_req *rq, const struct iam_update_user_request *in)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, true);
    if (rc == VG_OK)
        rc = iam_need(rq, &db, VG_IDENTITY_USER, in->user_name, &id);
    if (rc == VG_OK && in->new_user_name.ptr)
        rc = rename_user(rq, &db, &id, in->new_user_name);
    if (rc != VG_OK)
        return rc;
    if (in->new_path.ptr)
        id.path = in->new_path;
    vg_iam_put_identity(&db, &id);
    return iam_commit(rq, &db);
}

vg_rc
iam_delete_user(struct vg_req *rq, const struct iam_delete_user_request *in)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = iam_need(rq, &db, VG_IDENTITY_USER, in->user_name, &id);
    if (rc != VG_OK)
        return rc;
    const char *first = NULL;
    if (id.inlines.len > 0)
        first = "delete policies";
    else if (id.attached.len > 0)
        first = "detach all policies";
    else if (id.keys.len > 0)
        first = "delete access keys";
    else if (id.groups.len > 0)
        first = "remove users from group";
    if (first)
        return iam_fail_delete_conflict_exception(rq, "Cannot delete entity, must %s first.",
                                                  first);
    rc = iam_set_boundary(rq, &db, &id, VG_STR_NONE);
    if (rc != VG_OK)
        return rc;
    vg_iam_del_identity(&db, VG_IDENTITY_USER, id.name);
    return iam_commit(rq, &db);
}

vg_rc
iam_list_users(struct vg_req *rq, const struct iam_list_users_request *in,
               struct iam_list_users_response *out)
{
    struct iam_found found;
    vg_rc rc = iam_find(rq, VG_IDENTITY_USER, in->path_prefix, in->marker, in->max_items, &found);
    if (rc != VG_OK)
        return rc;
    out->users.items = VG_NEW_ARRAY(rq->arena, struct iam_user, found.items.len + 1);
    out->users.len = found.items.len;
    out->users.set = true;
    for (size_t i = 0; i < found.items.len; i++) {
        iam_user_out(rq, &found.items.items[i], &out->users.items[i]);
        out->users.items[i].tags.len = 0; /* lists leave tags and boundary out */
        out->users.items[i].permissions_boundary = NULL;
    }
    out->is_truncated = found.is_truncated;
    out->marker = found.marker;
    return VG_OK;
}

/* --- groups -------------------------------------------------------------------------------------
 */

vg_rc
iam_create_group(struct vg_req *rq, const struct iam_create_group_request *in,
                 struct iam_create_group_response *out)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = vg_iam_identity(&db, VG_IDENTITY_GROUP, in->group_name, &id);
    if (rc != VG_OK)
        return rc;
    if (id.name.ptr)
        return iam_fail_entity_already_exists_exception(
            rq, "Group with name %" VG_FMT " already exists.", VG_ARG(in->group_name));
    id = (struct auth_rec_identity) {
        .kind = VG_IDENTITY_GROUP,
        .name = in->group_name,
        .path = iam_path_or_root(in->path),
        .id = iam_new_id(rq, VG_STR("AGPA")),
        .created_ms = vg_now_ms(rq->env),
    };
    vg_iam_put_identity(&db, &id);
    out->group = VG_NEW(rq->arena, struct iam_group);
    iam_group_out(rq, &id, out->group);
    return iam_commit(rq, &db);
}

vg_rc
iam_get_group(struct vg_req *rq, const struct iam_get_group_request *in,
              struct iam_get_group_response *out)
{
    struct auth_rec_identity id, user;
    const struct vg_iam db = iam_reader(rq);
    size_t from, to;
    vg_rc rc = iam_need(rq, &db, VG_IDENTITY_GROUP, in->group_name, &id);
    if (rc == VG_OK)
        rc = iam_slice(rq, in->marker, in->max_items, id.members.len, &from, &to,
                       &out->is_truncated, &out->marker);
    if (rc != VG_OK)
        return rc;
    out->group = VG_NEW(rq->arena, struct iam_group);
    iam_group_out(rq, &id, out->group);
    out->users.items = VG_NEW_ARRAY(rq->arena, struct iam_user, to - from + 1);
    out->users.set = true;
    for (size_t i = from; i < to && rc == VG_OK; i++) {
        rc = vg_iam_identity(&db, VG_IDENTITY_USER, id.members.items[i], &user);
        if (rc == VG_OK && user.name.ptr)
            iam_user_out(rq, &user, &out->users.items[out->users.len++]);
    }
    return rc;
}

static vg_rc
rename_group(struct vg_req *rq, const struct vg_iam *db, struct auth_rec_identity *id,
             struct vg_str to)
{
    struct auth_rec_identity other, user;
    vg_rc rc = vg_iam_identity(db, VG_IDENTITY_GROUP, to, &other);
    if (rc == VG_OK && other.name.ptr && !vg_str_eq_nocase(to, id->name))
        return iam_fail_entity_already_exists_exception(
            rq, "Group with name %" VG_FMT " already exists.", VG_ARG(to));
    for (size_t i = 0; rc == VG_OK && i < id->members.len; i++) {
        rc = iam_need(rq, db, VG_IDENTITY_USER, id->members.items[i], &user);
        if (rc != VG_OK)
            return rc;
        size_t at = iam_strs_find(user.groups.items, user.groups.len, id->name);
        if (at != VG_NPOS)
            user.groups.items[at] = to;
        vg_iam_put_identity(db, &user);
    }
    if (rc == VG_OK)
        vg_iam_del_identity(db, VG_IDENTITY_GROUP, id->name);
    id->name = to;
    return rc;
}

vg_rc
iam_update_group(struct vg_req *rq, const struct iam_update_group_request *in)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = iam_need(rq, &db, VG_IDENTITY_GROUP, in->group_name, &id);
    if (rc == VG_OK && in->new_group_name.ptr)
        rc = rename_group(rq, &db, &id, in->new_group_name);
    if (rc != VG_OK)
        return rc;
    if (in->new_path.ptr)
        id.path = in->new_path;
    vg_iam_put_identity(&db, &id);
    return iam_commit(rq, &db);
}

vg_rc
iam_delete_group(struct vg_req *rq, const struct iam_delete_group_request *in)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = iam_need(rq, &db, VG_IDENTITY_GROUP, in->group_name, &id);
    if (rc != VG_OK)
        return rc;
    const char *first = NULL;
    if (id.members.len > 0)
        first = "remove users from group";
    else if (id.inlines.len > 0)
        first = "delete policies";
    else if (id.attached.len > 0)
        first = "detach all policies";
    if (first)
        return iam_fail_delete_conflict_exception(rq, "Cannot delete entity, must %s first.",
                                                  first);
    vg_iam_del_identity(&db, VG_IDENTITY_GROUP, id.name);
    return iam_commit(rq, &db);
}

vg_rc
iam_list_groups(struct vg_req *rq, const struct iam_list_groups_request *in,
                struct iam_list_groups_response *out)
{
    struct iam_found found;
    vg_rc rc = iam_find(rq, VG_IDENTITY_GROUP, in->path_prefix, in->marker, in->max_items, &found);
    if (rc != VG_OK)
        return rc;
    out->groups.items = VG_NEW_ARRAY(rq->arena, struct iam_group, found.items.len + 1);
    out->groups.len = found.items.len;
    out->groups.set = true;
    for (size_t i = 0; i < found.items.len; i++)
        iam_group_out(rq, &found.items.items[i], &out->groups.items[i]);
    out->is_truncated = found.is_truncated;
    out->marker = found.marker;
    return VG_OK;
}

vg_rc
iam_add_user_to_group(struct vg_req *rq, const struct iam_add_user_to_group_request *in)
{
    struct auth_rec_identity group, user;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = iam_need(rq, &db, VG_IDENTITY_GROUP, in->group_name, &group);
    if (rc == VG_OK)
        rc = iam_need(rq, &db, VG_IDENTITY_USER, in->user_name, &user);
    if (rc != VG_OK)
        return rc;
    if (iam_strs_find(user.groups.items, user.groups.len, group.name) != VG_NPOS)
        return VG_OK;
    if (user.groups.len >= GROUPS_PER_USER)
        return iam_fail_limit_exceeded_exception(rq, "Cannot exceed quota for GroupsPerUser: %d",
                                                 GROUPS_PER_USER);
    *VG_VEC_ADD(rq->arena, &user.groups) = group.name;
    *VG_VEC_ADD(rq->arena, &group.members) = user.name;
    vg_iam_put_identity(&db, &user);
    vg_iam_put_identity(&db, &group);
    return iam_commit(rq, &db);
}

static void
drop_str(struct vg_str *items, size_t *len, size_t at)
{
    if (at == VG_NPOS)
        return;
    memmove(&items[at], &items[at + 1], (*len - at - 1) * sizeof(*items));
    --*len;
}

vg_rc
iam_remove_user_from_group(struct vg_req *rq, const struct iam_remove_user_from_group_request *in)
{
    struct auth_rec_identity group, user;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = iam_need(rq, &db, VG_IDENTITY_GROUP, in->group_name, &group);
    if (rc == VG_OK)
        rc = iam_need(rq, &db, VG_IDENTITY_USER, in->user_name, &user);
    if (rc != VG_OK)
        return rc;
    drop_str(user.groups.items, &user.groups.len,
             iam_strs_find(user.groups.items, user.groups.len, group.name));
    drop_str(group.members.items, &group.members.len,
             iam_strs_find(group.members.items, group.members.len, user.name));
    vg_iam_put_identity(&db, &user);
    vg_iam_put_identity(&db, &group);
    return iam_commit(rq, &db);
}

vg_rc
iam_list_groups_for_user(struct vg_req *rq, const struct iam_list_groups_for_user_request *in,
                         struct iam_list_groups_for_user_response *out)
{
    struct auth_rec_identity user, group;
    const struct vg_iam db = iam_reader(rq);
    size_t from, to;
    vg_rc rc = iam_need(rq, &db, VG_IDENTITY_USER, in->user_name, &user);
    if (rc == VG_OK)
        rc = iam_slice(rq, in->marker, in->max_items, user.groups.len, &from, &to,
                       &out->is_truncated, &out->marker);
    if (rc != VG_OK)
        return rc;
    out->groups.items = VG_NEW_ARRAY(rq->arena, struct iam_group, to - from + 1);
    out->groups.set = true;
    for (size_t i = from; i < to && rc == VG_OK; i++) {
        rc = vg_iam_identity(&db, VG_IDENTITY_GROUP, user.groups.items[i], &group);
        if (rc == VG_OK && group.name.ptr)
            iam_group_out(rq, &group, &out->groups.items[out->groups.len++]);
    }
    return rc;
}
