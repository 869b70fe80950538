/* SPDX-License-Identifier: Apache-2.0 */

/* The service: what policies must know of its keys. */

#include "services/kms/kms_int.h"

/*
 * "No AWS principal … has any permissions to a KMS key unless they are explicitly allowed, and
 * never denied, in a key policy, IAM policy, or grant": an IAM policy counts only as far as the key
 * policy lets the account decide.
 * https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
 */
static vg_rc
resource(struct vg_req *rq, struct vg_str arn, struct vg_resource *ret)
{
    struct kms_name name;
    struct kms_rec_key *key;
    if (!kms_name_parse(arn, &name) || !name.account.ptr || name.is_alias)
        return VG_OK;
    const struct kms_place at = { name.account, name.region };
    vg_rc rc = kms_store_key(rq, &at, name.name, &key);
    if (rc != VG_OK || key == NULL)
        return rc;
    ret->owner = name.account;
    ret->policy = key->policy;
    ret->is_policy_required = true;
    struct vg_tag *tags = VG_NEW_ARRAY(rq->arena, struct vg_tag, key->tags.len + 1);
    for (size_t i = 0; i < key->tags.len; i++)
        tags[i] = (struct vg_tag) { key->tags.items[i].key, key->tags.items[i].value };
    ret->tags = tags;
    ret->n_tags = key->tags.len;
    return VG_OK;
}

const struct vg_service kms_service = {
    .name = "kms",
    .ops = kms_ops,
    .resource = resource,
};
