/* SPDX-License-Identifier: Apache-2.0 */
#include "services/iam/iam_int.h"

#define GROUPS_PER_USER 10

vg_rc
iam_create_user(struct vg_req *rq, const struct iam_create_user_request *in,
                struct iam_create_user_response *out)
{
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = iam_need_free(rq, &db, VG_IDENTITY_USER, in->user_name);
    if (rc != VG_OK)
        return rc;
    struct auth_rec_identity id = {
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

/* In an entity's list of names, one that has changed. */
static vg_rc
rename_in(struct vg_req *rq, const struct vg_iam *db, enum vg_identity_kind kind,
          struct vg_str holder, struct vg_str from, struct vg_str to)
{
    struct auth_rec_identity id;
    vg_rc rc = iam_need(rq, db, kind, holder, &id);
    if (rc != VG_OK)
        return rc;
    bool is_group = kind == VG_IDENTITY_GROUP;
    struct vg_str *names = is_group ? id.members.items : id.groups.items;
    size_t at = iam_strs_find(names, is_group ? id.members.len : id.groups.len, from);
    if (at != VG_NPOS)
        names[at] = to;
    vg_iam_put_identity(db, &id);
    return VG_OK;
}

/* A user or group: every group, member and key that knows it by name follows.  The record is the
 * caller's to put. */
static vg_rc
rename_identity(struct vg_req *rq, const struct vg_iam *db, struct auth_rec_identity *id,
                struct vg_str to)
{
    enum vg_identity_kind kind = (enum vg_identity_kind)id->kind;
    struct auth_rec_key key;
    bool is_new = !vg_str_eq_nocase(to, id->name);
    vg_rc rc = is_new ? iam_need_free(rq, db, kind, to) : VG_OK;
    for (size_t i = 0; rc == VG_OK && i < id->groups.len; i++)
        rc = rename_in(rq, db, VG_IDENTITY_GROUP, id->groups.items[i], id->name, to);
    for (size_t i = 0; rc == VG_OK && i < id->members.len; i++)
        rc = rename_in(rq, db, VG_IDENTITY_USER, id->members.items[i], id->name, to);
    for (size_t i = 0; rc == VG_OK && i < id->keys.len; i++) {
        rc = vg_iam_key(db, id->keys.items[i], &key);
        key.user = to;
        if (rc == VG_OK && key.id.ptr)
            vg_iam_put_key(db, &key);
    }
    if (rc == VG_OK)
        vg_iam_del_identity(db, kind, id->name);
    id->name = to;
    return rc;
}

static vg_rc
update(struct vg_req *rq, enum vg_identity_kind kind, struct vg_str name, struct vg_str new_name,
       struct vg_str new_path)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, kind == VG_IDENTITY_USER); /* a user's keys name it */
    if (rc == VG_OK)
        rc = iam_need(rq, &db, kind, name, &id);
    if (rc == VG_OK && new_name.ptr)
        rc = rename_identity(rq, &db, &id, new_name);
    if (rc != VG_OK)
        return rc;
    if (new_path.ptr)
        id.path = new_path;
    return iam_save(rq, &db, &id);
}

static vg_rc
drop(struct vg_req *rq, enum vg_identity_kind kind, struct vg_str name)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_change(rq, &db, kind, name, &id);
    return rc == VG_OK ? iam_drop(rq, &db, &id) : rc;
}

vg_rc
iam_update_user(struct vg_req *rq, const struct iam_update_user_request *in)
{
    return update(rq, VG_IDENTITY_USER, in->user_name, in->new_user_name, in->new_path);
}

vg_rc
iam_delete_user(struct vg_req *rq, const struct iam_delete_user_request *in)
{
    return drop(rq, VG_IDENTITY_USER, in->user_name);
}

static void
member_row(struct vg_req *rq, const struct auth_rec_identity *id, void *row)
{
    iam_user_out(rq, id, row);
}

/* ListUsers leaves tags and boundary out. */
static void
user_row(struct vg_req *rq, const struct auth_rec_identity *id, void *row)
{
    struct iam_user *user = row;
    iam_user_out(rq, id, user);
    user->tags.len = 0;
    user->permissions_boundary = NULL;
}

static void
group_row(struct vg_req *rq, const struct auth_rec_identity *id, void *row)
{
    iam_group_out(rq, id, row);
}

static const struct iam_row_type users = { VG_IDENTITY_USER, sizeof(struct iam_user), user_row },
                                 members = { VG_IDENTITY_USER, sizeof(struct iam_user),
                                             member_row },
                                 groups = { VG_IDENTITY_GROUP, sizeof(struct iam_group),
                                            group_row };

vg_rc
iam_list_users(struct vg_req *rq, const struct iam_list_users_request *in,
               struct iam_list_users_response *out)
{
    struct iam_rows page;
    vg_rc rc = iam_rows_found(rq, &users, in->path_prefix, in->marker, in->max_items, &page);
    if (rc != VG_OK)
        return rc;
    out->users = (struct iam_user_list_type) { page.items, page.len, true };
    out->is_truncated = page.is_truncated;
    out->marker = page.marker;
    return VG_OK;
}

/* --- groups -------------------------------------------------------------------------------------
 */

vg_rc
iam_create_group(struct vg_req *rq, const struct iam_create_group_request *in,
                 struct iam_create_group_response *out)
{
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = iam_need_free(rq, &db, VG_IDENTITY_GROUP, in->group_name);
    if (rc != VG_OK)
        return rc;
    struct auth_rec_identity id = {
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
    struct auth_rec_identity id;
    struct iam_rows page;
    const struct vg_iam db = iam_reader(rq);
    vg_rc rc = iam_need(rq, &db, VG_IDENTITY_GROUP, in->group_name, &id);
    if (rc == VG_OK)
        rc = iam_rows_named(rq, &members, id.members.items, id.members.len, in->marker,
                            in->max_items, &page);
    if (rc != VG_OK)
        return rc;
    out->group = VG_NEW(rq->arena, struct iam_group);
    iam_group_out(rq, &id, out->group);
    out->users = (struct iam_user_list_type) { page.items, page.len, true };
    out->is_truncated = page.is_truncated;
    out->marker = page.marker;
    return VG_OK;
}

vg_rc
iam_update_group(struct vg_req *rq, const struct iam_update_group_request *in)
{
    return update(rq, VG_IDENTITY_GROUP, in->group_name, in->new_group_name, in->new_path);
}

vg_rc
iam_delete_group(struct vg_req *rq, const struct iam_delete_group_request *in)
{
    return drop(rq, VG_IDENTITY_GROUP, in->group_name);
}

vg_rc
iam_list_groups(struct vg_req *rq, const struct iam_list_groups_request *in,
                struct iam_list_groups_response *out)
{
    struct iam_rows page;
    vg_rc rc = iam_rows_found(rq, &groups, in->path_prefix, in->marker, in->max_items, &page);
    if (rc != VG_OK)
        return rc;
    out->groups = (struct iam_group_list_type) { page.items, page.len, true };
    out->is_truncated = page.is_truncated;
    out->marker = page.marker;
    return VG_OK;
}

static void
drop_str(struct vg_str *items, size_t *len, size_t at)
{
    if (at == VG_NPOS)
        return;
    memmove(&items[at], &items[at + 1], (*len - at - 1) * sizeof(*items));
    --*len;
}

/* The two of a membership that is to change. */
static vg_rc
change_membership(struct vg_req *rq, struct vg_iam *db, struct vg_str group_name,
                  struct vg_str user_name, struct auth_rec_identity *group,
                  struct auth_rec_identity *user)
{
    vg_rc rc = iam_change(rq, db, VG_IDENTITY_GROUP, group_name, group);
    return rc == VG_OK ? iam_need(rq, db, VG_IDENTITY_USER, user_name, user) : rc;
}

vg_rc
iam_add_user_to_group(struct vg_req *rq, const struct iam_add_user_to_group_request *in)
{
    struct auth_rec_identity group, user;
    iam_auto_db db = { 0 };
    vg_rc rc = change_membership(rq, &db, in->group_name, in->user_name, &group, &user);
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
    return iam_save(rq, &db, &group);
}

vg_rc
iam_remove_user_from_group(struct vg_req *rq, const struct iam_remove_user_from_group_request *in)
{
    struct auth_rec_identity group, user;
    iam_auto_db db = { 0 };
    vg_rc rc = change_membership(rq, &db, in->group_name, in->user_name, &group, &user);
    if (rc != VG_OK)
        return rc;
    drop_str(user.groups.items, &user.groups.len,
             iam_strs_find(user.groups.items, user.groups.len, group.name));
    drop_str(group.members.items, &group.members.len,
             iam_strs_find(group.members.items, group.members.len, user.name));
    vg_iam_put_identity(&db, &user);
    return iam_save(rq, &db, &group);
}

vg_rc
iam_list_groups_for_user(struct vg_req *rq, const struct iam_list_groups_for_user_request *in,
                         struct iam_list_groups_for_user_response *out)
{
    struct auth_rec_identity id;
    struct iam_rows page;
    const struct vg_iam db = iam_reader(rq);
    vg_rc rc = iam_need(rq, &db, VG_IDENTITY_USER, in->user_name, &id);
    if (rc == VG_OK)
        rc = iam_rows_named(rq, &groups, id.groups.items, id.groups.len, in->marker, in->max_items,
                            &page);
    if (rc != VG_OK)
        return rc;
    out->groups = (struct iam_group_list_type) { page.items, page.len, true };
    out->is_truncated = page.is_truncated;
    out->marker = page.marker;
    return VG_OK;
}
