/* SPDX-License-Identifier: Apache-2.0 */

/* The service's entry, its transactions, and what the evaluator must know of its resources. */

#include "services/iam/iam_int.h"

struct vg_iam
iam_reader(struct vg_req *rq)
{
    return (struct vg_iam) { .s = rq->sess, .account = rq->scope->owner, .err = rq->err };
}

void
iam_abort(struct vg_iam *db)
{
    vg_tx_abort(db->tx);
    db->tx = NULL;
}

vg_rc
iam_begin(struct vg_req *rq, struct vg_iam *db, bool with_keys)
{
    const struct vg_str parts[] = { vg_iam_part(rq->arena, rq->scope->owner),
                                    vg_iam_keys_part(rq->arena) };
    *db = iam_reader(rq);
    return vg_tx_open_n(rq, parts, with_keys ? 2 : 1, &db->tx);
}

vg_rc
iam_commit(struct vg_req *rq, struct vg_iam *db)
{
    vg_rc rc = vg_tx_commit(&db->tx, rq->err);
    if (rc == VG_OK)
        vg_auth_changed(rq->env->auth);
    return rc;
}

/* A service-linked role is its service's. */
vg_rc
iam_change(struct vg_req *rq, struct vg_iam *db, enum vg_identity_kind kind, struct vg_str name,
           struct auth_rec_identity *ret)
{
    vg_rc rc = iam_begin(rq, db, false);
    if (rc == VG_OK)
        rc = iam_need(rq, db, kind, name, ret);
    if (rc == VG_OK && ret->service.len > 0)
        return iam_fail_unmodifiable_entity_exception(
            rq,
            "Cannot perform the operation on the protected role '%" VG_FMT
            "' - this role is only modifiable by AWS",
            VG_ARG(name));
    return rc;
}

vg_rc
iam_save(struct vg_req *rq, struct vg_iam *db, const struct auth_rec_identity *id)
{
    vg_iam_put_identity(db, id);
    return iam_commit(rq, db);
}

vg_rc
iam_drop(struct vg_req *rq, struct vg_iam *db, struct auth_rec_identity *id)
{
    const char *first = NULL;
    if (id->members.len > 0)
        first = "remove users from group";
    else if (id->inlines.len > 0)
        first = "delete policies";
    else if (id->attached.len > 0)
        first = "detach all policies";
    else if (id->keys.len > 0)
        first = "delete access keys";
    else if (id->groups.len > 0)
        first = "remove users from group";
    if (first)
        return iam_fail_must_first(rq, first);
    vg_rc rc = iam_set_boundary(rq, db, id, VG_STR_NONE);
    if (rc != VG_OK)
        return rc;
    vg_iam_del_identity(db, (enum vg_identity_kind)id->kind, id->name);
    return iam_commit(rq, db);
}

static const struct vg_tag *
tags_of(struct vg_req *rq, const struct auth_rec_tag *tags, size_t n)
{
    struct vg_tag *out = VG_NEW_ARRAY(rq->arena, struct vg_tag, n + 1);
    for (size_t i = 0; i < n; i++)
        out[i] = (struct vg_tag) { .key = tags[i].key, .value = tags[i].value };
    return out;
}

static vg_rc
resource(struct vg_req *rq, struct vg_str arn, struct vg_resource *ret)
{
    struct vg_str account, type, name;
    if (!vg_iam_arn_split(arn, &account, &type, &name))
        return VG_OK;
    const struct vg_iam db = { .s = rq->sess, .account = account, .err = rq->err };
    struct auth_rec_identity id = { 0 };
    struct auth_rec_policy policy;
    vg_rc rc = VG_OK;
    if (vg_str_eq(type, VG_STR("user")))
        rc = vg_iam_identity(&db, VG_IDENTITY_USER, name, &id);
    else if (vg_str_eq(type, VG_STR("role")))
        rc = vg_iam_identity(&db, VG_IDENTITY_ROLE, name, &id);
    bool is_aws = vg_str_eq(account, VG_STR("aws")); /* AWS's own policies are everybody's */
    ret->owner = is_aws ? rq->scope->owner : account;
    ret->tags = tags_of(rq, id.tags.items, id.tags.len);
    ret->n_tags = id.tags.len;
    /* who may assume a role is what its trust policy says, whatever else they may */
    if (vg_str_eq(type, VG_STR("role")) && vg_str_eq(rq->op->endpoint, VG_STR("sts"))) {
        ret->policy = id.trust;
        ret->is_policy_required = true;
        ret->is_trust_policy = true;
    }
    if (vg_str_eq(type, VG_STR("policy")) && !is_aws) {
        rc = vg_iam_policy(&db, name, &policy);
        if (rc == VG_OK) {
            ret->tags = tags_of(rq, policy.tags.items, policy.tags.len);
            ret->n_tags = policy.tags.len;
        }
    }
    return rc;
}

const struct vg_service iam_service = {
    .name = "iam",
    .ops = iam_ops,
    .resource = resource,
};
