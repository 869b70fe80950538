/* SPDX-License-Identifier: Apache-2.0 */

/* Names, documents, tags, answers: what every operation of IAM does alike. */

#include "services/iam/iam_int.h"

#include "auth/aws_policies.h"
#include "codec/uri.h"
#include "crypto/random.h"

#define TAGS_MAX 50

const char *
iam_kind_word(enum vg_identity_kind kind)
{
    return kind == VG_IDENTITY_USER ? "user" : kind == VG_IDENTITY_ROLE ? "role" : "group";
}

vg_rc
iam_need(struct vg_req *rq, const struct vg_iam *db, enum vg_identity_kind kind, struct vg_str name,
         struct auth_rec_identity *ret)
{
    vg_rc rc = vg_iam_identity(db, kind, name, ret);
    if (rc != VG_OK || ret->name.ptr)
        return rc;
    return iam_fail_no_such_entity_exception(rq, "The %s with name %" VG_FMT " cannot be found.",
                                             iam_kind_word(kind), VG_ARG(name));
}

vg_rc
iam_need_free(struct vg_req *rq, const struct vg_iam *db, enum vg_identity_kind kind,
              struct vg_str name)
{
    static const char *const words[] = { "", "User", "Role", "Group" };
    struct auth_rec_identity other;
    vg_rc rc = vg_iam_identity(db, kind, name, &other);
    if (rc != VG_OK || !other.name.ptr)
        return rc;
    return iam_fail_entity_already_exists_exception(rq, "%s with name %" VG_FMT " already exists.",
                                                    words[kind], VG_ARG(name));
}

vg_rc
iam_fail_must_first(struct vg_req *rq, const char *what)
{
    return iam_fail_delete_conflict_exception(rq, "Cannot delete entity, must %s first.", what);
}

struct vg_str
iam_arn_of(struct vg_req *rq, const struct auth_rec_identity *id)
{
    return vg_iam_arn(rq->arena, rq->scope->owner,
                      vg_str_of(iam_kind_word((enum vg_identity_kind)id->kind)), id->path,
                      id->name);
}

struct vg_str
iam_new_id(struct vg_req *rq, struct vg_str prefix)
{
    return vg_random_text(rq->env->random, rq->arena, prefix, VG_ALPHA_BASE32, 17);
}

vg_rc
iam_user_or_caller(struct vg_req *rq, struct vg_str given, struct vg_str *ret)
{
    const struct vg_principal *who = rq->scope->caller;
    *ret = given;
    if (given.len > 0)
        return VG_OK;
    *ret = who->name;
    if (who->kind == VG_PRINCIPAL_USER)
        return VG_OK;
    return vg_fail_validation(rq, "Must specify userName when calling with non-User credentials");
}

struct vg_str
iam_path_or_root(struct vg_str path)
{
    return path.len > 0 ? path : VG_STR("/");
}

vg_rc
iam_check_document(struct vg_req *rq, struct vg_str json, enum vg_policy_use use)
{
    const struct vg_policy *p;
    struct vg_err why = { 0 };
    if (vg_policy_compile(rq->arena, json, use, &p, &why) != VG_OK)
        return iam_fail_malformed_policy_document_exception(rq, "%" VG_FMT,
                                                            VG_ARG(vg_err_text(&why)));
    const struct vg_iam db = iam_reader(rq);
    struct vg_str stranger;
    vg_rc rc = vg_iam_stranger(&db, p, &stranger);
    if (rc == VG_OK && stranger.ptr)
        return iam_fail_malformed_policy_document_exception(
            rq, "Invalid principal in policy: \"AWS\":\"%" VG_FMT "\"", VG_ARG(stranger));
    return rc;
}

struct vg_str
iam_encode_document(struct vg_req *rq, struct vg_str json)
{
    return vg_uri_encode(rq->arena, json, false);
}

size_t
iam_document_size(struct vg_str json)
{
    size_t n = 0;
    for (size_t i = 0; i < json.len; i++)
        n += strchr(" \t\r\n", json.ptr[i]) == NULL;
    return n;
}

struct iam_attached_permissions_boundary *
iam_boundary(struct vg_req *rq, struct vg_str arn)
{
    if (arn.len == 0)
        return NULL;
    struct iam_attached_permissions_boundary *b =
        VG_NEW(rq->arena, struct iam_attached_permissions_boundary);
    b->permissions_boundary_type.text = VG_STR("PermissionsBoundaryPolicy");
    b->permissions_boundary_arn = arn;
    return b;
}

/* --- managed policies that others refer to ------------------------------------------------------
 */

vg_rc
iam_need_managed(struct vg_req *rq, const struct vg_iam *db, struct vg_str arn)
{
    struct vg_str json;
    vg_rc rc = vg_iam_managed_document(db, arn, &json);
    if (rc != VG_OK || json.ptr)
        return rc;
    return iam_fail_no_such_entity_exception(
        rq, "Policy %" VG_FMT " does not exist or is not attachable.", VG_ARG(arn));
}

vg_rc
iam_count(struct vg_req *rq, const struct vg_iam *db, struct vg_str arn, int attachments,
          int boundaries)
{
    struct vg_str account, type, name;
    struct auth_rec_policy p;
    if (vg_aws_policy_find(arn) || !vg_iam_arn_split(arn, &account, &type, &name))
        return VG_OK;
    vg_rc rc = vg_iam_policy(db, name, &p);
    if (rc != VG_OK || !p.name.ptr)
        return rc;
    (void)rq;
    p.attachments = (uint32_t)((int64_t)p.attachments + attachments);
    p.boundaries = (uint32_t)((int64_t)p.boundaries + boundaries);
    vg_iam_put_policy(db, &p);
    return VG_OK;
}

/* `arn` absent: none. The record is the caller's to put. */
vg_rc
iam_set_boundary(struct vg_req *rq, const struct vg_iam *db, struct auth_rec_identity *id,
                 struct vg_str arn)
{
    vg_rc rc = VG_OK;
    struct vg_str json;
    if (arn.len > 0) {
        rc = vg_iam_managed_document(db, arn, &json);
        if (rc == VG_OK && !json.ptr)
            return iam_fail_no_such_entity_exception(
                rq, "Scope ARN: %" VG_FMT " does not exist or is not attachable.", VG_ARG(arn));
    }
    if (rc == VG_OK && id->boundary.len > 0)
        rc = iam_count(rq, db, id->boundary, 0, -1);
    if (rc == VG_OK && arn.len > 0)
        rc = iam_count(rq, db, arn, 0, 1);
    id->boundary = arn;
    return rc;
}

/* --- lists --------------------------------------------------------------------------------------
 */

size_t
iam_strs_find(const struct vg_str *items, size_t n, struct vg_str s)
{
    for (size_t i = 0; i < n; i++)
        if (vg_str_eq_nocase(items[i], s))
            return i;
    return VG_NPOS;
}

static size_t
find_tag(const struct auth_rec_tag *items, size_t n, struct vg_str key)
{
    for (size_t i = 0; i < n; i++)
        if (vg_str_eq_nocase(items[i].key, key))
            return i;
    return VG_NPOS;
}

vg_rc
iam_tags_add(struct vg_req *rq, const struct iam_tag_list_type *from, struct auth_rec_tag **items,
             size_t *len)
{
    struct auth_rec_tag *all = VG_NEW_ARRAY(rq->arena, struct auth_rec_tag, *len + from->len + 1);
    size_t n = *len;
    if (n > 0)
        memcpy(all, *items, n * sizeof(*all));
    for (size_t i = 0; i < from->len; i++) {
        const struct iam_tag *t = &from->items[i];
        for (size_t k = 0; k < i; k++)
            if (vg_str_eq_nocase(from->items[k].key, t->key))
                return iam_fail_invalid_input_exception(
                    rq, "Duplicate tag keys found. Please note that Tag keys are case "
                        "insensitive.");
        if (vg_str_starts_nocase(t->key, VG_STR("aws:")))
            return iam_fail_invalid_input_exception(
                rq, "Tag keys that start with 'aws:' are reserved for system use.");
        size_t at = find_tag(all, n, t->key);
        if (at == VG_NPOS)
            at = n++;
        all[at] = (struct auth_rec_tag) { .key = t->key, .value = t->value };
    }
    if (n > TAGS_MAX)
        return iam_fail_limit_exceeded_exception(
            rq, "The number of tags has reached the maximum limit.");
    *items = all;
    *len = n;
    return VG_OK;
}

void
iam_tags_remove(const struct iam_tag_key_list_type *keys, struct auth_rec_tag *items, size_t *len)
{
    size_t kept = 0;
    for (size_t i = 0; i < *len; i++)
        if (iam_strs_find(keys->items, keys->len, items[i].key) == VG_NPOS)
            items[kept++] = items[i];
    *len = kept;
}

vg_rc
iam_tags_change(struct vg_req *rq, const struct iam_tag_list_type *add,
                const struct iam_tag_key_list_type *remove, struct auth_rec_tag **items,
                size_t *len)
{
    if (remove)
        iam_tags_remove(remove, *items, len);
    return add ? iam_tags_add(rq, add, items, len) : VG_OK;
}

struct iam_tag_list_type
iam_tags_out(struct vg_req *rq, const struct auth_rec_tag *items, size_t len)
{
    struct iam_tag_list_type out = { .items = VG_NEW_ARRAY(rq->arena, struct iam_tag, len + 1),
                                     .len = len };
    for (size_t i = 0; i < len; i++)
        out.items[i] = (struct iam_tag) { .key = items[i].key, .value = items[i].value };
    return out;
}

/* --- answers ------------------------------------------------------------------------------------
 */

struct vg_opt_i64
iam_ms(int64_t ms)
{
    return (struct vg_opt_i64) { .set = true, .v = ms / 1000 * 1000 };
}

struct vg_str
iam_version_id(struct vg_req *rq, uint32_t number)
{
    return vg_str_fmt(rq->arena, "v%u", number);
}

void
iam_version_out(struct vg_req *rq, const struct auth_rec_policy *p,
                const struct auth_rec_version *v, bool with_document,
                struct iam_policy_version *ret)
{
    *ret = (struct iam_policy_version) {
        .document = with_document ? iam_encode_document(rq, v->document) : VG_STR_NONE,
        .version_id = iam_version_id(rq, v->number),
        .is_default_version = { .set = true, .v = v->number == p->default_version },
        .create_date_ms = iam_ms(v->created_ms),
    };
}

void
iam_aws_version_out(struct vg_req *rq, const struct vg_aws_policy *p, bool with_document,
                    struct iam_policy_version *ret)
{
    *ret = (struct iam_policy_version) {
        .document = with_document ? iam_encode_document(rq, p->document) : VG_STR_NONE,
        .version_id = p->version,
        .is_default_version = { .set = true, .v = true },
        .create_date_ms = iam_ms(IAM_AWS_POLICY_MS),
    };
}

void
iam_user_out(struct vg_req *rq, const struct auth_rec_identity *id, struct iam_user *ret)
{
    *ret = (struct iam_user) {
        .path = id->path,
        .user_name = id->name,
        .user_id = id->id,
        .arn = iam_arn_of(rq, id),
        .create_date_ms = iam_ms(id->created_ms),
        .permissions_boundary = iam_boundary(rq, id->boundary),
        .tags = iam_tags_out(rq, id->tags.items, id->tags.len),
    };
}

void
iam_role_out(struct vg_req *rq, const struct auth_rec_identity *id, struct iam_role *ret)
{
    *ret = (struct iam_role) {
        .path = id->path,
        .role_name = id->name,
        .role_id = id->id,
        .arn = iam_arn_of(rq, id),
        .create_date_ms = iam_ms(id->created_ms),
        .assume_role_policy_document = iam_encode_document(rq, id->trust),
        .description = id->description,
        .max_session_duration = { .set = true, .v = id->max_session_s },
        .permissions_boundary = iam_boundary(rq, id->boundary),
        .tags = iam_tags_out(rq, id->tags.items, id->tags.len),
    };
}

void
iam_group_out(struct vg_req *rq, const struct auth_rec_identity *id, struct iam_group *ret)
{
    *ret = (struct iam_group) {
        .path = id->path,
        .group_name = id->name,
        .group_id = id->id,
        .arn = iam_arn_of(rq, id),
        .create_date_ms = iam_ms(id->created_ms),
    };
}
