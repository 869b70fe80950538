/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Inline policies, attached policies, boundaries and tags: the same for users, roles and groups, so
 * each operation is one line over a helper.
 */

#include "services/iam/iam_int.h"

#define ATTACHED_MAX 10

static size_t
inline_limit(enum vg_identity_kind kind)
{
    /* https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
    return kind == VG_IDENTITY_USER ? 2048 : kind == VG_IDENTITY_ROLE ? 10240 : 5120;
}

static size_t
find_inline(const struct auth_rec_identity *id, struct vg_str name)
{
    for (size_t i = 0; i < id->inlines.len; i++)
        if (vg_str_eq_nocase(id->inlines.items[i].name, name))
            return i;
    return VG_NPOS;
}

static vg_rc
put_inline(struct vg_req *rq, enum vg_identity_kind kind, struct vg_str name, struct vg_str policy,
           struct vg_str document)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_check_document(rq, document, VG_POLICY_FOR_IDENTITY);
    if (rc != VG_OK)
        return rc;
    rc = iam_change(rq, &db, kind, name, &id);
    if (rc != VG_OK)
        return rc;
    size_t at = find_inline(&id, policy);
    if (at == VG_NPOS) {
        *VG_VEC_ADD(rq->arena, &id.inlines) = (struct auth_rec_inline) { .name = policy };
        at = id.inlines.len - 1;
    }
    id.inlines.items[at].document = document;
    size_t bytes = 0;
    for (size_t i = 0; i < id.inlines.len; i++)
        bytes += iam_document_size(id.inlines.items[i].document);
    if (bytes > inline_limit(kind))
        return iam_fail_limit_exceeded_exception(
            rq, "Maximum policy size of %zu bytes exceeded for %s %" VG_FMT, inline_limit(kind),
            iam_kind_word(kind), VG_ARG(id.name));
    return iam_save(rq, &db, &id);
}

static vg_rc
no_inline(struct vg_req *rq, enum vg_identity_kind kind, struct vg_str policy)
{
    return iam_fail_no_such_entity_exception(rq,
                                             "The %s policy with name %" VG_FMT " cannot be found.",
                                             iam_kind_word(kind), VG_ARG(policy));
}

static vg_rc
get_inline(struct vg_req *rq, enum vg_identity_kind kind, struct vg_str *name,
           struct vg_str *policy, struct vg_str *ret)
{
    struct auth_rec_identity id;
    const struct vg_iam db = iam_reader(rq);
    vg_rc rc = iam_need(rq, &db, kind, *name, &id);
    if (rc != VG_OK)
        return rc;
    size_t at = find_inline(&id, *policy);
    if (at == VG_NPOS)
        return no_inline(rq, kind, *policy);
    *name = id.name;
    *policy = id.inlines.items[at].name;
    *ret = iam_encode_document(rq, id.inlines.items[at].document);
    return VG_OK;
}

static vg_rc
delete_inline(struct vg_req *rq, enum vg_identity_kind kind, struct vg_str name,
              struct vg_str policy)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_change(rq, &db, kind, name, &id);
    if (rc != VG_OK)
        return rc;
    size_t at = find_inline(&id, policy);
    if (at == VG_NPOS)
        return no_inline(rq, kind, policy);
    memmove(&id.inlines.items[at], &id.inlines.items[at + 1],
            (id.inlines.len - at - 1) * sizeof(id.inlines.items[0]));
    id.inlines.len--;
    return iam_save(rq, &db, &id);
}

static vg_rc
list_inline(struct vg_req *rq, enum vg_identity_kind kind, struct vg_str name, struct vg_str marker,
            struct vg_opt_i64 max_items, struct iam_policy_name_list_type *ret,
            struct vg_opt_bool *ret_truncated, struct vg_str *ret_marker)
{
    struct auth_rec_identity id;
    const struct vg_iam db = iam_reader(rq);
    size_t from, to;
    vg_rc rc = iam_need(rq, &db, kind, name, &id);
    if (rc == VG_OK)
        rc =
            iam_slice(rq, marker, max_items, id.inlines.len, &from, &to, ret_truncated, ret_marker);
    if (rc != VG_OK)
        return rc;
    ret->items = VG_NEW_ARRAY(rq->arena, struct vg_str, to - from + 1);
    ret->set = true;
    for (size_t i = from; i < to; i++)
        ret->items[ret->len++] = id.inlines.items[i].name;
    return VG_OK;
}

static vg_rc
attach(struct vg_req *rq, enum vg_identity_kind kind, struct vg_str name, struct vg_str arn)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_change(rq, &db, kind, name, &id);
    if (rc == VG_OK)
        rc = iam_need_managed(rq, &db, arn);
    if (rc != VG_OK || iam_strs_find(id.attached.items, id.attached.len, arn) != VG_NPOS)
        return rc;
    if (id.attached.len >= ATTACHED_MAX) {
        const char *quota = kind == VG_IDENTITY_USER   ? "User"
                            : kind == VG_IDENTITY_ROLE ? "Role"
                                                       : "Group";
        return iam_fail_limit_exceeded_exception(rq, "Cannot exceed quota for PoliciesPer%s: %d",
                                                 quota, ATTACHED_MAX);
    }
    *VG_VEC_ADD(rq->arena, &id.attached) = arn;
    vg_iam_put_identity(&db, &id);
    rc = iam_count(rq, &db, arn, 1, 0);
    return rc == VG_OK ? iam_commit(rq, &db) : rc;
}

static vg_rc
detach(struct vg_req *rq, enum vg_identity_kind kind, struct vg_str name, struct vg_str arn)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_change(rq, &db, kind, name, &id);
    if (rc != VG_OK)
        return rc;
    size_t at = iam_strs_find(id.attached.items, id.attached.len, arn);
    if (at == VG_NPOS)
        return iam_fail_no_such_entity_exception(rq, "Policy %" VG_FMT " was not found.",
                                                 VG_ARG(arn));
    memmove(&id.attached.items[at], &id.attached.items[at + 1],
            (id.attached.len - at - 1) * sizeof(id.attached.items[0]));
    id.attached.len--;
    vg_iam_put_identity(&db, &id);
    rc = iam_count(rq, &db, arn, -1, 0);
    return rc == VG_OK ? iam_commit(rq, &db) : rc;
}

/* The path between "policy" and the name. */
static struct vg_str
path_of(struct vg_str arn)
{
    size_t from = vg_str_find(arn, VG_STR(":policy/")), to = vg_str_rfind_char(arn, '/');
    return from == VG_NPOS ? VG_STR("/") : vg_str_slice(arn, from + 7, to + 1);
}

static vg_rc
list_attached(struct vg_req *rq, enum vg_identity_kind kind, struct vg_str name,
              struct vg_str prefix, struct vg_str marker, struct vg_opt_i64 max_items,
              struct iam_attached_policies_list_type *ret, struct vg_opt_bool *ret_truncated,
              struct vg_str *ret_marker)
{
    struct auth_rec_identity id;
    const struct vg_iam db = iam_reader(rq);
    size_t from, to, n = 0;
    vg_rc rc = iam_need(rq, &db, kind, name, &id);
    for (size_t i = 0; rc == VG_OK && i < id.attached.len; i++)
        if (prefix.len == 0 || vg_str_starts(path_of(id.attached.items[i]), prefix))
            id.attached.items[n++] = id.attached.items[i];
    if (rc == VG_OK)
        rc = iam_slice(rq, marker, max_items, n, &from, &to, ret_truncated, ret_marker);
    if (rc != VG_OK)
        return rc;
    ret->items = VG_NEW_ARRAY(rq->arena, struct iam_attached_policy, to - from + 1);
    ret->set = true;
    for (size_t i = from; i < to; i++) {
        struct vg_str account, type, policy = VG_STR_NONE;
        if (!vg_iam_arn_split(id.attached.items[i], &account, &type, &policy))
            continue;
        ret->items[ret->len++] = (struct iam_attached_policy) {
            .policy_name = policy,
            .policy_arn = id.attached.items[i],
        };
    }
    return VG_OK;
}

static vg_rc
bound(struct vg_req *rq, enum vg_identity_kind kind, struct vg_str name, struct vg_str arn)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_change(rq, &db, kind, name, &id);
    if (rc == VG_OK && !arn.ptr && id.boundary.len == 0)
        return iam_fail_no_such_entity_exception(
            rq, "%s with name %" VG_FMT " does not have a permissions boundary.",
            kind == VG_IDENTITY_USER ? "User" : "Role", VG_ARG(name));
    if (rc == VG_OK)
        rc = iam_set_boundary(rq, &db, &id, arn);
    if (rc != VG_OK)
        return rc;
    return iam_save(rq, &db, &id);
}

/* One of `add` and `remove` is given. */
static vg_rc
tag(struct vg_req *rq, enum vg_identity_kind kind, struct vg_str name,
    const struct iam_tag_list_type *add, const struct iam_tag_key_list_type *remove)
{
    struct auth_rec_identity id;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_begin(rq, &db, false);
    if (rc == VG_OK)
        rc = iam_need(rq, &db, kind, name, &id);
    if (rc == VG_OK)
        rc = iam_tags_change(rq, add, remove, &id.tags.items, &id.tags.len);
    if (rc != VG_OK)
        return rc;
    return iam_save(rq, &db, &id);
}

static vg_rc
list_tags(struct vg_req *rq, enum vg_identity_kind kind, struct vg_str name, struct vg_str marker,
          struct vg_opt_i64 max_items, struct iam_tag_list_type *ret,
          struct vg_opt_bool *ret_truncated, struct vg_str *ret_marker)
{
    struct auth_rec_identity id;
    const struct vg_iam db = iam_reader(rq);
    vg_rc rc = iam_need(rq, &db, kind, name, &id);
    if (rc != VG_OK)
        return rc;
    return iam_tags_page(rq, id.tags.items, id.tags.len, marker, max_items, ret, ret_truncated,
                         ret_marker);
}

/* --- the operations -----------------------------------------------------------------------------
 */
#define OPS(kind, member, user)                                                                    \
    vg_rc iam_put_##user##_policy(struct vg_req *rq,                                               \
                                  const struct iam_put_##user##_policy_request *in)                \
    {                                                                                              \
        return put_inline(rq, kind, in->member, in->policy_name, in->policy_document);             \
    }                                                                                              \
    vg_rc iam_get_##user##_policy(struct vg_req *rq,                                               \
                                  const struct iam_get_##user##_policy_request *in,                \
                                  struct iam_get_##user##_policy_response *out)                    \
    {                                                                                              \
        out->member = in->member;                                                                  \
        out->policy_name = in->policy_name;                                                        \
        return get_inline(rq, kind, &out->member, &out->policy_name, &out->policy_document);       \
    }                                                                                              \
    vg_rc iam_delete_##user##_policy(struct vg_req *rq,                                            \
                                     const struct iam_delete_##user##_policy_request *in)          \
    {                                                                                              \
        return delete_inline(rq, kind, in->member, in->policy_name);                               \
    }                                                                                              \
    vg_rc iam_list_##user##_policies(struct vg_req *rq,                                            \
                                     const struct iam_list_##user##_policies_request *in,          \
                                     struct iam_list_##user##_policies_response *out)              \
    {                                                                                              \
        return list_inline(rq, kind, in->member, in->marker, in->max_items, &out->policy_names,    \
                           &out->is_truncated, &out->marker);                                      \
    }                                                                                              \
    vg_rc iam_attach_##user##_policy(struct vg_req *rq,                                            \
                                     const struct iam_attach_##user##_policy_request *in)          \
    {                                                                                              \
        return attach(rq, kind, in->member, in->policy_arn);                                       \
    }                                                                                              \
    vg_rc iam_detach_##user##_policy(struct vg_req *rq,                                            \
                                     const struct iam_detach_##user##_policy_request *in)          \
    {                                                                                              \
        return detach(rq, kind, in->member, in->policy_arn);                                       \
    }                                                                                              \
    vg_rc iam_list_attached_##user##_policies(                                                     \
        struct vg_req *rq, const struct iam_list_attached_##user##_policies_request *in,           \
        struct iam_list_attached_##user##_policies_response *out)                                  \
    {                                                                                              \
        return list_attached(rq, kind, in->member, in->path_prefix, in->marker, in->max_items,     \
                             &out->attached_policies, &out->is_truncated, &out->marker);           \
    }

OPS(VG_IDENTITY_USER, user_name, user)
OPS(VG_IDENTITY_ROLE, role_name, role)
OPS(VG_IDENTITY_GROUP, group_name, group)

#define MORE(kind, member, user)                                                                   \
    vg_rc iam_put_##user##_permissions_boundary(                                                   \
        struct vg_req *rq, const struct iam_put_##user##_permissions_boundary_request *in)         \
    {                                                                                              \
        return bound(rq, kind, in->member, in->permissions_boundary);                              \
    }                                                                                              \
    vg_rc iam_delete_##user##_permissions_boundary(                                                \
        struct vg_req *rq, const struct iam_delete_##user##_permissions_boundary_request *in)      \
    {                                                                                              \
        return bound(rq, kind, in->member, VG_STR_NONE);                                           \
    }                                                                                              \
    vg_rc iam_tag_##user(struct vg_req *rq, const struct iam_tag_##user##_request *in)             \
    {                                                                                              \
        return tag(rq, kind, in->member, &in->tags, NULL);                                         \
    }                                                                                              \
    vg_rc iam_untag_##user(struct vg_req *rq, const struct iam_untag_##user##_request *in)         \
    {                                                                                              \
        return tag(rq, kind, in->member, NULL, &in->tag_keys);                                     \
    }                                                                                              \
    vg_rc iam_list_##user##_tags(struct vg_req *rq,                                                \
                                 const struct iam_list_##user##_tags_request *in,                  \
                                 struct iam_list_##user##_tags_response *out)                      \
    {                                                                                              \
        return list_tags(rq, kind, in->member, in->marker, in->max_items, &out->tags,              \
                         &out->is_truncated, &out->marker);                                        \
    }

MORE(VG_IDENTITY_USER, user_name, user)
MORE(VG_IDENTITY_ROLE, role_name, role)
