/* SPDX-License-Identifier: Apache-2.0 */

/* The policy simulator: the evaluator itself, over policies and a context of the caller's. */

#include "services/iam/iam_int.h"

typedef VG_VEC(const struct vg_policy *) policy_vec;
typedef VG_VEC(struct vg_ctx) ctx_vec;

struct simulation {
    struct vg_req *rq;
    struct vg_principal who;
    policy_vec identity;
    const struct vg_policy *boundary, *resource;
    struct vg_str resource_account;
    ctx_vec ctx;
};

static vg_rc
compile(struct simulation *s, struct vg_str json, enum vg_policy_use use,
        const struct vg_policy **ret)
{
    struct vg_err why = { 0 };
    if (vg_policy_compile(s->rq->arena, json, use, ret, &why) == VG_OK)
        return VG_OK;
    return iam_fail_invalid_input_exception(s->rq, "%" VG_FMT, VG_ARG(vg_err_text(&why)));
}

static vg_rc
add_identity(struct simulation *s, struct vg_str json)
{
    const struct vg_policy *p = NULL;
    vg_rc rc = compile(s, json, VG_POLICY_FOR_IDENTITY, &p);
    if (rc == VG_OK)
        *VG_VEC_ADD(s->rq->arena, &s->identity) = p;
    return rc;
}

static vg_rc
add_inputs(struct simulation *s, const struct iam_simulation_policy_list_type *policies,
           const struct iam_simulation_policy_list_type *boundary, struct vg_str resource)
{
    vg_rc rc = VG_OK;
    for (size_t i = 0; i < policies->len && rc == VG_OK; i++)
        rc = add_identity(s, policies->items[i]);
    if (boundary->len > 1)
        return iam_fail_invalid_input_exception(
            s->rq, "Only one permissions boundary policy can be simulated.");
    if (rc == VG_OK && boundary->len == 1)
        rc = compile(s, boundary->items[0], VG_POLICY_FOR_IDENTITY, &s->boundary);
    if (rc == VG_OK && resource.len > 0)
        rc = compile(s, resource, VG_POLICY_FOR_RESOURCE, &s->resource);
    return rc;
}

/* The identity's own policies, those of its groups, its boundary. */
static vg_rc
add_own(struct simulation *s, const struct auth_rec_identity *id)
{
    const struct vg_iam db = iam_reader(s->rq);
    vg_rc rc = VG_OK;
    for (size_t i = 0; i < id->inlines.len && rc == VG_OK; i++)
        rc = add_identity(s, id->inlines.items[i].document);
    for (size_t i = 0; i < id->attached.len && rc == VG_OK; i++) {
        struct vg_str json;
        rc = vg_iam_managed_document(&db, id->attached.items[i], &json);
        if (rc == VG_OK && json.ptr)
            rc = add_identity(s, json);
    }
    return rc;
}

static vg_rc
add_source(struct simulation *s, struct vg_str arn)
{
    struct vg_str account, type, name;
    struct auth_rec_identity id, group;
    const struct vg_iam db = iam_reader(s->rq);
    bool ok = vg_iam_arn_split(arn, &account, &type, &name);
    enum vg_identity_kind kind = VG_IDENTITY_USER;
    if (ok && vg_str_eq(type, VG_STR("role")))
        kind = VG_IDENTITY_ROLE;
    else if (ok && vg_str_eq(type, VG_STR("group")))
        kind = VG_IDENTITY_GROUP;
    else if (!ok || !vg_str_eq(type, VG_STR("user")))
        return iam_fail_invalid_input_exception(
            s->rq, "Invalid Entity Arn: %" VG_FMT " does not clearly define entity type and name.",
            VG_ARG(arn));
    vg_rc rc = iam_need(s->rq, &db, kind, name, &id);
    if (rc == VG_OK)
        rc = add_own(s, &id);
    for (size_t i = 0; rc == VG_OK && i < id.groups.len; i++) {
        rc = vg_iam_identity(&db, VG_IDENTITY_GROUP, id.groups.items[i], &group);
        if (rc == VG_OK && group.name.ptr)
            rc = add_own(s, &group);
    }
    if (rc == VG_OK && id.boundary.len > 0) {
        struct vg_str json;
        rc = vg_iam_managed_document(&db, id.boundary, &json);
        if (rc == VG_OK && json.ptr)
            rc = compile(s, json, VG_POLICY_FOR_IDENTITY, &s->boundary);
    }
    return rc;
}

/* Whom the simulation is about; a role's ARN stands for a session of it. */
static void
set_caller(struct simulation *s, struct vg_str arn)
{
    struct vg_str account, type, name;
    s->who = (struct vg_principal) { .kind = VG_PRINCIPAL_USER,
                                     .partition = VG_STR("aws"),
                                     .account = s->rq->scope->owner,
                                     .arn = arn.ptr ? arn : VG_STR("") };
    if (!vg_iam_arn_split(arn, &account, &type, &name))
        return;
    s->who.account = account;
    s->who.name = name;
    if (vg_str_eq(type, VG_STR("role"))) {
        s->who.kind = VG_PRINCIPAL_ROLE;
        s->who.role_arn = arn;
    }
}

static vg_rc
set_context(struct simulation *s, const struct iam_context_entry_list_type *entries)
{
    for (size_t i = 0; i < entries->len; i++) {
        const struct iam_context_entry *e = &entries->items[i];
        if (!e->context_key_name.ptr || e->context_key_type.v == 0)
            return iam_fail_invalid_input_exception(
                s->rq, "A context entry needs ContextKeyName, ContextKeyType and "
                       "ContextKeyValues.");
        for (size_t k = 0; k < e->context_key_values.len; k++)
            *VG_VEC_ADD(s->rq->arena, &s->ctx) =
                (struct vg_ctx) { .key = e->context_key_name,
                                  .value = e->context_key_values.items[k] };
    }
    return VG_OK;
}

static bool
is_given(const struct simulation *s, struct vg_str key)
{
    for (size_t i = 0; i < s->ctx.len; i++)
        if (vg_str_eq_nocase(s->ctx.items[i].key, key))
            return true;
    return false;
}

/* The keys that the policies test and nobody gave. */
static struct iam_context_key_names_result_list_type
missing_keys(struct simulation *s)
{
    struct vg_arena *a = s->rq->arena;
    VG_VEC(struct vg_str) missing = { 0 };
    size_t n = s->identity.len + (s->boundary != NULL) + (s->resource != NULL);
    for (size_t i = 0; i < n; i++) {
        const struct vg_policy *p = i < s->identity.len                   ? s->identity.items[i]
                                    : i == s->identity.len && s->boundary ? s->boundary
                                                                          : s->resource;
        size_t n_keys;
        const struct vg_str *keys = vg_policy_keys(a, p, &n_keys);
        for (size_t k = 0; k < n_keys; k++)
            if (!is_given(s, keys[k])
                && iam_strs_find(missing.items, missing.len, keys[k]) == VG_NPOS)
                *VG_VEC_ADD(a, &missing) = keys[k];
    }
    return (struct iam_context_key_names_result_list_type) { .items = missing.items,
                                                             .len = missing.len,
                                                             .set = true };
}

static void
evaluate(struct simulation *s, struct vg_str action, struct vg_str resource,
         struct iam_evaluation_result *ret)
{
    const struct vg_policies all = { .identity = s->identity.items,
                                     .n_identity = s->identity.len,
                                     .boundary = s->boundary,
                                     .resource = s->resource };
    const struct vg_access what = { .action = action,
                                    .resource = resource,
                                    .resource_account = s->resource_account,
                                    .region = s->rq->scope->region,
                                    .ctx = s->ctx.items,
                                    .n_ctx = s->ctx.len };
    struct vg_decision d;
    vg_policy_decide(s->rq->arena, &all, &s->who, &what, vg_now_ms(s->rq->env), &d);
    *ret = (struct iam_evaluation_result) {
        .eval_action_name = action,
        .eval_resource_name = resource,
        .eval_decision.text = d.is_allowed    ? VG_STR("allowed")
                              : d.is_explicit ? VG_STR("explicitDeny")
                                              : VG_STR("implicitDeny"),
        .matched_statements = { .set = true },
        .missing_context_values = missing_keys(s),
    };
    if (s->boundary) {
        ret->permissions_boundary_decision_detail =
            VG_NEW(s->rq->arena, struct iam_permissions_boundary_decision_detail);
        ret->permissions_boundary_decision_detail->allowed_by_permissions_boundary =
            (struct vg_opt_bool) { .set = true, .v = d.is_allowed || d.by != VG_POLICY_BOUNDARY };
    }
}

static vg_rc
run(struct simulation *s, const struct iam_action_name_list_type *actions,
    const struct iam_resource_name_list_type *resources, struct vg_str marker,
    struct vg_opt_i64 max_items, struct iam_simulate_policy_response *out)
{
    struct vg_str any = VG_STR("*");
    size_t n_res = VG_MAX(resources->len, (size_t)1), from, to;
    vg_rc rc = iam_slice(s->rq, marker, max_items, actions->len * n_res, &from, &to,
                         &out->is_truncated, &out->marker);
    if (rc != VG_OK)
        return rc;
    out->evaluation_results.items =
        VG_NEW_ARRAY(s->rq->arena, struct iam_evaluation_result, to - from + 1);
    out->evaluation_results.set = true;
    for (size_t i = from; i < to; i++) {
        struct vg_str action = actions->items[i / n_res];
        if (vg_str_find_char(action, ':') == VG_NPOS)
            return iam_fail_invalid_input_exception(s->rq, "Invalid Action name: %" VG_FMT,
                                                    VG_ARG(action));
        evaluate(s, action, resources->len > 0 ? resources->items[i % n_res] : any,
                 &out->evaluation_results.items[out->evaluation_results.len++]);
    }
    return VG_OK;
}

/* The resource's owner counts only with a policy; else the simulation stays in one account. */
static vg_rc
set_owner(struct simulation *s, struct vg_str owner_arn, struct vg_str handling)
{
    if (handling.ptr)
        return iam_fail_invalid_input_exception(
            s->rq, "ResourceHandlingOption is for EC2's instances, which cannot be simulated.");
    s->resource_account = s->who.account;
    if (!owner_arn.ptr)
        return VG_OK;
    struct vg_str rest = owner_arn;
    for (int i = 0; i < 5; i++)
        s->resource_account = vg_str_cut(&rest, ':');
    if (s->resource_account.len != 12)
        return iam_fail_invalid_input_exception(s->rq, "Invalid ResourceOwner: %" VG_FMT,
                                                VG_ARG(owner_arn));
    return VG_OK;
}

vg_rc
iam_simulate_custom_policy(struct vg_req *rq, const struct iam_simulate_custom_policy_request *in,
                           struct iam_simulate_policy_response *out)
{
    struct simulation s = { .rq = rq };
    if (in->ordered_organization_policy_input_list.len > 0)
        return iam_fail_invalid_input_exception(
            rq, "OrderedOrganizationPolicyInputList is not supported.");
    set_caller(&s, in->caller_arn);
    vg_rc rc = add_inputs(&s, &in->policy_input_list, &in->permissions_boundary_policy_input_list,
                          in->resource_policy);
    if (rc == VG_OK)
        rc = set_owner(&s, in->resource_owner, in->resource_handling_option);
    if (rc == VG_OK)
        rc = set_context(&s, &in->context_entries);
    if (rc != VG_OK)
        return rc;
    return run(&s, &in->action_names, &in->resource_arns, in->marker, in->max_items, out);
}

vg_rc
iam_simulate_principal_policy(struct vg_req *rq,
                              const struct iam_simulate_principal_policy_request *in,
                              struct iam_simulate_policy_response *out)
{
    struct simulation s = { .rq = rq };
    if (in->policy_exclusion_list.len > 0)
        return iam_fail_invalid_input_exception(rq, "PolicyExclusionList is not supported.");
    set_caller(&s, in->caller_arn.ptr ? in->caller_arn : in->policy_source_arn);
    vg_rc rc = add_source(&s, in->policy_source_arn);
    if (rc == VG_OK) /* a boundary in the request stands in for the identity's */
        rc = add_inputs(&s, &in->policy_input_list, &in->permissions_boundary_policy_input_list,
                        in->resource_policy);
    if (rc == VG_OK)
        rc = set_owner(&s, in->resource_owner, in->resource_handling_option);
    if (rc == VG_OK)
        rc = set_context(&s, &in->context_entries);
    if (rc != VG_OK)
        return rc;
    return run(&s, &in->action_names, &in->resource_arns, in->marker, in->max_items, out);
}

/* --- the keys that policies test ----------------------------------------------------------------
 */

vg_rc
iam_get_context_keys_for_custom_policy(
    struct vg_req *rq, const struct iam_get_context_keys_for_custom_policy_request *in,
    struct iam_get_context_keys_for_policy_response *out)
{
    struct simulation s = { .rq = rq };
    const struct iam_simulation_policy_list_type none = { 0 };
    vg_rc rc = add_inputs(&s, &in->policy_input_list, &none, VG_STR_NONE);
    if (rc != VG_OK)
        return rc;
    struct iam_context_key_names_result_list_type keys = missing_keys(&s);
    out->context_key_names.items = keys.items;
    out->context_key_names.len = keys.len;
    out->context_key_names.set = true;
    return VG_OK;
}

vg_rc
iam_get_context_keys_for_principal_policy(
    struct vg_req *rq, const struct iam_get_context_keys_for_principal_policy_request *in,
    struct iam_get_context_keys_for_policy_response *out)
{
    struct simulation s = { .rq = rq };
    const struct iam_simulation_policy_list_type none = { 0 };
    vg_rc rc = add_source(&s, in->policy_source_arn);
    if (rc == VG_OK)
        rc = add_inputs(&s, &in->policy_input_list, &none, VG_STR_NONE);
    if (rc != VG_OK)
        return rc;
    struct iam_context_key_names_result_list_type keys = missing_keys(&s);
    out->context_key_names.items = keys.items;
    out->context_key_names.len = keys.len;
    out->context_key_names.set = true;
    return VG_OK;
}
