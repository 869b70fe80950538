/* SPDX-License-Identifier: Apache-2.0 */

/* Key policies. https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html */

#include "services/kms/kms_int.h"

#include "auth/auth.h"
#include "auth/store.h"
#include "core/env.h"

/* As AWS shows it. https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html */
struct vg_str
kms_default_policy(struct vg_req *rq)
{
    return vg_str_fmt(rq->arena,
                      "{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"key-default-1\",\n"
                      "  \"Statement\" : [ {\n    \"Sid\" : \"Enable IAM User Permissions\",\n"
                      "    \"Effect\" : \"Allow\",\n    \"Principal\" : {\n"
                      "      \"AWS\" : \"arn:%" VG_FMT ":iam::%" VG_FMT ":root\"\n    },\n"
                      "    \"Action\" : \"kms:*\",\n    \"Resource\" : \"*\"\n  } ]\n}",
                      VG_ARG(rq->scope->partition), VG_ARG(rq->scope->owner));
}

/* That of alias/aws/s3: everybody in the account, but through S3 only. */
struct vg_str
kms_managed_policy(struct vg_req *rq)
{
    struct vg_str account = rq->scope->owner;
    return vg_str_fmt(
        rq->arena,
        "{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"auto-s3-2\",\n  \"Statement\" : [ {\n"
        "    \"Sid\" : \"Allow access through S3 for all principals in the account that are "
        "authorized to use S3\",\n    \"Effect\" : \"Allow\",\n    \"Principal\" : {\n"
        "      \"AWS\" : \"*\"\n    },\n    \"Action\" : [ \"kms:Encrypt\", \"kms:Decrypt\", "
        "\"kms:ReEncrypt*\", \"kms:GenerateDataKey*\", \"kms:DescribeKey\" ],\n"
        "    \"Resource\" : \"*\",\n    \"Condition\" : {\n      \"StringEquals\" : {\n"
        "        \"kms:CallerAccount\" : \"%" VG_FMT "\",\n"
        "        \"kms:ViaService\" : \"s3.%" VG_FMT ".amazonaws.com\"\n      }\n    }\n  }, {\n"
        "    \"Sid\" : \"Allow direct access to key metadata to the account\",\n"
        "    \"Effect\" : \"Allow\",\n    \"Principal\" : {\n"
        "      \"AWS\" : \"arn:%" VG_FMT ":iam::%" VG_FMT ":root\"\n    },\n"
        "    \"Action\" : [ \"kms:Describe*\", \"kms:Get*\", \"kms:List*\" ],\n"
        "    \"Resource\" : \"*\"\n  } ]\n}",
        VG_ARG(account), VG_ARG(rq->scope->region), VG_ARG(rq->scope->partition), VG_ARG(account));
}

static vg_rc
invalid_principal(struct vg_req *rq)
{
    return kms_fail_malformed_policy_document_exception(
        rq, "Policy contains a statement with one or more invalid principals.");
}

/*
 * "The key policy must allow the calling principal to make a subsequent PutKeyPolicy request":
 * it itself, or by leaving it to the account's IAM policies.
 */
static vg_rc
check_lockout(struct vg_req *rq, struct vg_str policy, struct vg_str key_arn)
{
    const struct vg_principal *who = rq->scope->caller;
    struct vg_err cause = { 0 };
    struct vg_decision d;
    const struct vg_ctx ctx[] = { { VG_STR("kms:CallerAccount"), who->account } };
    const struct vg_access what = {
        .action = VG_STR("kms:PutKeyPolicy"),
        .resource = key_arn,
        .resource_account = rq->scope->owner,
        .resource_policy = policy,
        .is_resource_policy_required = true,
        .region = rq->scope->region,
        .ctx = ctx,
        .n_ctx = VG_COUNT(ctx),
        .common = rq->ctx,
        .n_common = rq->n_ctx,
    };
    if (vg_auth_decide(rq->env->auth, rq->sess, who, &what, &d, &cause) != VG_OK)
        return vg_fail_internal(rq, &cause);
    if (d.is_allowed || d.by != VG_POLICY_RESOURCE)
        return VG_OK;
    return kms_fail_malformed_policy_document_exception(
        rq, "The new key policy will not allow you to update the key policy in the future.");
}

/* "The principals in the key policy must exist and be visible to AWS KMS". */
static vg_rc
check_principals(struct vg_req *rq, const struct vg_policy *policy)
{
    const struct vg_iam db = { .s = rq->sess, .account = rq->scope->owner, .err = rq->err };
    struct vg_str stranger;
    vg_rc rc = vg_iam_stranger(&db, policy, &stranger);
    return rc == VG_OK && stranger.ptr ? invalid_principal(rq) : rc;
}

vg_rc
kms_check_policy(struct vg_req *rq, struct vg_str policy, struct vg_str key_arn, bool is_bypass)
{
    const struct vg_policy *compiled;
    struct vg_err why = { 0 };
    if (policy.len > KMS_LIMIT_POLICY_BYTES)
        return kms_fail_limit_exceeded_exception(
            rq, "The key policy is longer than the limit of %d bytes", KMS_LIMIT_POLICY_BYTES);
    if (vg_policy_compile(rq->arena, policy, VG_POLICY_FOR_KEY, &compiled, &why) != VG_OK) {
        if (vg_str_starts(vg_err_text(&why), VG_STR("Invalid principal")))
            return invalid_principal(rq);
        return kms_fail_malformed_policy_document_exception(rq, "%" VG_FMT,
                                                            VG_ARG(vg_err_text(&why)));
    }
    bool is_asked = rq->scope->caller != NULL && rq->env->auth != NULL;
    vg_rc rc = check_principals(rq, compiled);
    return rc != VG_OK || is_bypass || !is_asked ? rc : check_lockout(rq, policy, key_arn);
}

/* There is one, and it is called so. */
static vg_rc
check_name(struct vg_req *rq, struct vg_str name)
{
    if (!name.ptr || vg_str_eq(name, VG_STR("default")))
        return VG_OK;
    return kms_fail_not_found_exception(rq, "No such policy exists");
}

vg_rc
kms_get_key_policy(struct vg_req *rq, const struct kms_get_key_policy_request *in,
                   struct kms_get_key_policy_response *out)
{
    struct kms_found found;
    vg_rc rc = kms_need(rq, in->key_id, 0, &found);
    if (rc == VG_OK)
        rc = check_name(rq, in->policy_name);
    if (rc != VG_OK)
        return rc;
    out->policy = found.key->policy;
    out->policy_name = VG_STR("default");
    return VG_OK;
}

vg_rc
kms_put_key_policy(struct vg_req *rq, const struct kms_put_key_policy_request *in)
{
    kms_auto_edit struct kms_edit e = { 0 };
    struct kms_found found;
    struct kms_rec_key *key;
    bool is_bypass = vg_opt_bool_or(in->bypass_policy_lockout_safety_check, false);
    vg_rc rc = kms_need(rq, in->key_id, 0, &found);
    if (rc == VG_OK)
        rc = check_name(rq, in->policy_name);
    if (rc == VG_OK)
        rc = kms_check_policy(rq, in->policy, found.arn, is_bypass);
    if (rc == VG_OK)
        rc = kms_edit_need(rq, in->key_id, 0, &e, &key);
    if (rc != VG_OK)
        return rc;
    key->policy = in->policy;
    return kms_edit_save(&e, key);
}

vg_rc
kms_list_key_policies(struct vg_req *rq, const struct kms_list_key_policies_request *in,
                      struct kms_list_key_policies_response *out)
{
    struct kms_found found;
    struct vg_str after;
    vg_rc rc = kms_need(rq, in->key_id, 0, &found);
    if (rc == VG_OK)
        rc = kms_read_marker(rq, in->marker, &after);
    if (rc != VG_OK)
        return rc;
    struct vg_str *name = VG_NEW(rq->arena, struct vg_str);
    *name = VG_STR("default");
    out->policy_names = (struct kms_policy_name_list) { name, 1, true };
    out->truncated = (struct vg_opt_bool) { true, false };
    return VG_OK;
}
