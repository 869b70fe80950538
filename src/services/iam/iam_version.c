/* SPDX-License-Identifier: Apache-2.0 */

/* The versions of managed policies: up to five of the account's own, the one of AWS's. */

#include "services/iam/iam_int.h"

#include "auth/aws_policies.h"

#define VERSIONS_MAX 5

static struct auth_rec_version *
find_version(const struct auth_rec_policy *p, struct vg_str id)
{
    uint64_t number;
    if (id.len < 2 || id.ptr[0] != 'v' || !vg_str_to_u64(vg_str_slice(id, 1, id.len), &number))
        return NULL;
    for (size_t i = 0; i < p->versions.len; i++)
        if (p->versions.items[i].number == number)
            return &p->versions.items[i];
    return NULL;
}

static vg_rc
no_version(struct vg_req *rq, struct vg_str arn, struct vg_str id)
{
    return iam_fail_no_such_entity_exception(
        rq, "Policy %" VG_FMT " version %" VG_FMT " does not exist or is not attachable.",
        VG_ARG(arn), VG_ARG(id));
}

vg_rc
iam_create_policy_version(struct vg_req *rq, const struct iam_create_policy_version_request *in,
                          struct iam_create_policy_version_response *out)
{
    struct auth_rec_policy p;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_check_managed(rq, in->policy_document);
    if (rc == VG_OK)
        rc = iam_change_policy(rq, &db, in->policy_arn, &p);
    if (rc != VG_OK)
        return rc;
    if (p.versions.len >= VERSIONS_MAX)
        return iam_fail_limit_exceeded_exception(
            rq,
            "A managed policy can have up to %d versions. Before you create a new version, you "
            "must delete an existing version.",
            VERSIONS_MAX);
    struct auth_rec_version *v = VG_VEC_ADD(rq->arena, &p.versions);
    *v = (struct auth_rec_version) { .number = ++p.last_version,
                                     .document = in->policy_document,
                                     .created_ms = vg_now_ms(rq->env) };
    if (vg_opt_bool_or(in->set_as_default, false))
        p.default_version = v->number;
    p.updated_ms = v->created_ms;
    vg_iam_put_policy(&db, &p);
    out->policy_version = VG_NEW(rq->arena, struct iam_policy_version);
    iam_version_out(rq, &p, v, false, out->policy_version);
    return iam_commit(rq, &db);
}

vg_rc
iam_get_policy_version(struct vg_req *rq, const struct iam_get_policy_version_request *in,
                       struct iam_get_policy_version_response *out)
{
    struct auth_rec_policy p;
    const struct vg_iam db = iam_reader(rq);
    const struct vg_aws_policy *aws = vg_aws_policy_find(in->policy_arn);
    out->policy_version = VG_NEW(rq->arena, struct iam_policy_version);
    if (aws && vg_str_eq(aws->version, in->version_id)) {
        iam_aws_version_out(rq, aws, true, out->policy_version);
        return VG_OK;
    }
    if (aws)
        return no_version(rq, in->policy_arn, in->version_id);
    vg_rc rc = iam_need_policy(rq, &db, in->policy_arn, &p);
    if (rc != VG_OK)
        return rc;
    const struct auth_rec_version *v = find_version(&p, in->version_id);
    if (!v)
        return no_version(rq, in->policy_arn, in->version_id);
    iam_version_out(rq, &p, v, true, out->policy_version);
    return VG_OK;
}

vg_rc
iam_delete_policy_version(struct vg_req *rq, const struct iam_delete_policy_version_request *in)
{
    struct auth_rec_policy p;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_change_policy(rq, &db, in->policy_arn, &p);
    if (rc != VG_OK)
        return rc;
    struct auth_rec_version *v = find_version(&p, in->version_id);
    if (!v)
        return no_version(rq, in->policy_arn, in->version_id);
    if (v->number == p.default_version)
        return iam_fail_delete_conflict_exception(rq,
                                                  "Cannot delete the default version of a policy.");
    size_t behind = (size_t)(p.versions.items + p.versions.len - v) - 1;
    memmove(v, v + 1, behind * sizeof(*v));
    p.versions.len--;
    vg_iam_put_policy(&db, &p);
    return iam_commit(rq, &db);
}

vg_rc
iam_set_default_policy_version(struct vg_req *rq,
                               const struct iam_set_default_policy_version_request *in)
{
    struct auth_rec_policy p;
    iam_auto_db db = { 0 };
    vg_rc rc = iam_change_policy(rq, &db, in->policy_arn, &p);
    if (rc != VG_OK)
        return rc;
    const struct auth_rec_version *v = find_version(&p, in->version_id);
    if (!v)
        return no_version(rq, in->policy_arn, in->version_id);
    p.default_version = v->number;
    p.updated_ms = vg_now_ms(rq->env);
    vg_iam_put_policy(&db, &p);
    return iam_commit(rq, &db);
}

vg_rc
iam_list_policy_versions(struct vg_req *rq, const struct iam_list_policy_versions_request *in,
                         struct iam_list_policy_versions_response *out)
{
    struct auth_rec_policy p = { 0 };
    const struct vg_iam db = iam_reader(rq);
    const struct vg_aws_policy *aws = vg_aws_policy_find(in->policy_arn);
    size_t from, to;
    vg_rc rc = aws ? VG_OK : iam_need_policy(rq, &db, in->policy_arn, &p);
    if (rc == VG_OK)
        rc = iam_slice(rq, in->marker, in->max_items, aws ? 1 : p.versions.len, &from, &to,
                       &out->is_truncated, &out->marker);
    if (rc != VG_OK)
        return rc;
    out->versions.items = VG_NEW_ARRAY(rq->arena, struct iam_policy_version, to - from + 1);
    out->versions.set = true;
    for (size_t i = from; i < to; i++) {
        struct iam_policy_version *v = &out->versions.items[out->versions.len++];
        if (aws)
            iam_aws_version_out(rq, aws, false, v);
        else /* newest first */
            iam_version_out(rq, &p, &p.versions.items[p.versions.len - 1 - i], false, v);
    }
    return VG_OK;
}
