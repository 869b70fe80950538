/* SPDX-License-Identifier: Apache-2.0 */

/* The policy simulator: the evaluator itself, over policies and a context of the caller's. */

#include "services/iam/iam_int.h"

#include "auth/aws_policies.h"

typedef VG_VEC(struct vg_ctx) ctx_vec;

/* Policies of one type, and of each what a matched statement says of it. */
struct sources {
    VG_VEC(const struct vg_policy *) policies;
    VG_VEC(struct vg_str) ids;
    VG_VEC(struct vg_str) documents;
};

struct simulation {
    struct vg_req *rq;
    const struct iam_policy_exclusions_list_type *excluded; /* NULL: none */
    struct vg_principal who;
    struct sources identity, boundary, resource, scp;
    VG_VEC(size_t) scp_level;
    struct vg_str resource_account;
    ctx_vec ctx;
};

static vg_rc
add(struct simulation *s, struct sources *to, struct vg_str id, struct vg_str json,
    enum vg_policy_use use)
{
    struct vg_arena *a = s->rq->arena;
    const struct vg_policy *p;
    struct vg_err why = { 0 };
    if (vg_policy_compile(a, json, use, &p, &why) != VG_OK)
        return iam_fail_invalid_input_exception(s->rq, "%" VG_FMT, VG_ARG(vg_err_text(&why)));
    *VG_VEC_ADD(a, &to->policies) = p;
    *VG_VEC_ADD(a, &to->ids) = id;
    *VG_VEC_ADD(a, &to->documents) = json;
    return VG_OK;
}

/* Documents of the request: they are called by the parameter they came in and their number. */
static vg_rc
add_inputs(struct simulation *s, struct sources *to, const char *parameter,
           const struct iam_simulation_policy_list_type *from)
{
    vg_rc rc = VG_OK;
    for (size_t i = 0; i < from->len && rc == VG_OK; i++)
        rc = add(s, to, vg_str_fmt(s->rq->arena, "%s.%zu", parameter, i + 1), from->items[i],
                 VG_POLICY_FOR_IDENTITY);
    return rc;
}

static vg_rc
add_identity_inputs(struct simulation *s, const struct iam_simulation_policy_list_type *from)
{
    return add_inputs(s, &s->identity, "PolicyInputList", from);
}

/* A boundary in the request stands in for the identity's. */
static vg_rc
add_boundary_and_resource(struct simulation *s,
                          const struct iam_simulation_policy_list_type *boundary,
                          struct vg_str resource)
{
    if (boundary->len > 1)
        return iam_fail_invalid_input_exception(
            s->rq, "Only one permissions boundary policy can be simulated.");
    if (boundary->len == 1)
        s->boundary = (struct sources) { 0 };
    vg_rc rc = add_inputs(s, &s->boundary, "PermissionsBoundaryPolicyInputList", boundary);
    if (rc == VG_OK && resource.len > 0)
        rc = add(s, &s->resource, VG_STR("ResourcePolicy"), resource, VG_POLICY_FOR_RESOURCE);
    return rc;
}

/* From the organization's root down: at each level one policy must allow. */
static vg_rc
add_scps(struct simulation *s, const struct iam_organization_policy_list_type *levels)
{
    vg_rc rc = VG_OK;
    for (size_t i = 0; i < levels->len && rc == VG_OK; i++) {
        rc = add_inputs(s, &s->scp, "ServiceControlPolicyInputList",
                        &levels->items[i].service_control_policy_input_list);
        while (s->scp_level.len < s->scp.policies.len)
            *VG_VEC_ADD(s->rq->arena, &s->scp_level) = i;
    }
    return rc;
}

/* --- the policies of an identity ----------------------------------------------------------------
 */

static bool
is_type_excluded(const struct iam_policy_identifier *e, const char *type)
{
    return vg_str_eq(e->policy_type.text, vg_str_of(type));
}

static bool
is_inline_excluded(const struct simulation *s, const struct auth_rec_identity *id,
                   struct vg_str name)
{
    const char *kind = iam_kind_word((enum vg_identity_kind)id->kind);
    for (size_t i = 0; s->excluded && i < s->excluded->len; i++) {
        const struct iam_policy_identifier *e = &s->excluded->items[i];
        const struct iam_inline_policy_identifier_type *one = e->inline_policy_identifier;
        if (is_type_excluded(e, "inline")
            || (one && vg_str_eq_nocase(one->policy_name, name)
                && vg_str_eq(one->attachment_type.text, vg_str_of(kind))
                && vg_str_eq_nocase(one->attachment_name, id->name)))
            return true;
    }
    return false;
}

static bool
is_managed_excluded(const struct simulation *s, struct vg_str arn, const char *type)
{
    for (size_t i = 0; s->excluded && i < s->excluded->len; i++) {
        const struct iam_policy_identifier *e = &s->excluded->items[i];
        if (is_type_excluded(e, type) || vg_str_eq(e->policy_arn, arn))
            return true;
    }
    return false;
}

static vg_rc
add_managed(struct simulation *s, struct sources *to, struct vg_str arn)
{
    const struct vg_iam db = iam_reader(s->rq);
    struct vg_str account, type, name, json;
    vg_rc rc = vg_iam_managed_document(&db, arn, &json);
    if (rc != VG_OK || !json.ptr || !vg_iam_arn_split(arn, &account, &type, &name))
        return rc;
    return add(s, to, name, json, VG_POLICY_FOR_IDENTITY);
}

/* The identity's own policies. Inline ones are called "role_NAME_POLICY". */
static vg_rc
add_own(struct simulation *s, const struct auth_rec_identity *id)
{
    const char *kind = iam_kind_word((enum vg_identity_kind)id->kind);
    vg_rc rc = VG_OK;
    for (size_t i = 0; i < id->inlines.len && rc == VG_OK; i++) {
        const struct auth_rec_inline *one = &id->inlines.items[i];
        struct vg_str name = vg_str_fmt(s->rq->arena, "%s_%" VG_FMT "_%" VG_FMT, kind,
                                        VG_ARG(id->name), VG_ARG(one->name));
        if (!is_inline_excluded(s, id, one->name))
            rc = add(s, &s->identity, name, one->document, VG_POLICY_FOR_IDENTITY);
    }
    for (size_t i = 0; i < id->attached.len && rc == VG_OK; i++) {
        struct vg_str arn = id->attached.items[i];
        bool is_aws = vg_aws_policy_find(arn) != NULL;
        if (!is_managed_excluded(s, arn, is_aws ? "aws-managed" : "user-managed"))
            rc = add_managed(s, &s->identity, arn);
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
    bool is_bounded = rc == VG_OK && id.boundary.len > 0;
    if (is_bounded && !is_managed_excluded(s, id.boundary, "permission-boundary"))
        rc = add_managed(s, &s->boundary, id.boundary);
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
    const struct sources *all[] = { &s->identity, &s->boundary, &s->resource, &s->scp };
    for (size_t t = 0; t < VG_COUNT(all); t++)
        for (size_t i = 0; i < all[t]->policies.len; i++) {
            size_t n_keys;
            const struct vg_str *keys = vg_policy_keys(a, all[t]->policies.items[i], &n_keys);
            for (size_t k = 0; k < n_keys; k++)
                if (!is_given(s, keys[k])
                    && iam_strs_find(missing.items, missing.len, keys[k]) == VG_NPOS)
                    *VG_VEC_ADD(a, &missing) = keys[k];
        }
    return (struct iam_context_key_names_result_list_type) { .items = missing.items,
                                                             .len = missing.len,
                                                             .set = true };
}

/* --- what it came to ----------------------------------------------------------------------------
 */

/* Lines and columns count from 1. */
static struct iam_position *
position(struct simulation *s, struct vg_str json, size_t offset)
{
    struct iam_position *p = VG_NEW(s->rq->arena, struct iam_position);
    int64_t line = 1, column = 1;
    for (size_t i = 0; i < offset; i++) {
        bool is_end = json.ptr[i] == '\n';
        line += is_end;
        column = is_end ? 1 : column + 1;
    }
    p->line = (struct vg_opt_i64) { .set = true, .v = line };
    p->column = (struct vg_opt_i64) { .set = true, .v = column };
    return p;
}

static const struct sources *
sources_of(const struct simulation *s, enum vg_policy_type type)
{
    return type == VG_POLICY_RESOURCE   ? &s->resource
           : type == VG_POLICY_BOUNDARY ? &s->boundary
           : type == VG_POLICY_SCP      ? &s->scp
                                        : &s->identity;
}

/*
 * "A list of the statements in the input policies that determine the result … the deny statement is
 * the only entry included in the result" (API_EvaluationResult).  Only identity and resource
 * policies grant.
 */
static struct iam_statement_list_type
matched(struct simulation *s, const struct vg_decision *d, const vg_matches *found)
{
    struct iam_statement_list_type out = { .set = true };
    out.items = VG_NEW_ARRAY(s->rq->arena, struct iam_statement, found->len + 1);
    for (size_t i = 0; i < found->len; i++) {
        const struct vg_match *m = &found->items[i];
        bool grants =
            !m->is_deny && (m->type == VG_POLICY_IDENTITY || m->type == VG_POLICY_RESOURCE);
        if (!(d->is_explicit && m->is_deny) && !(d->is_allowed && grants))
            continue;
        const struct sources *from = sources_of(s, m->type);
        out.items[out.len++] = (struct iam_statement) {
            .source_policy_id = from->ids.items[m->at],
            .source_policy_type.text =
                m->type == VG_POLICY_RESOURCE ? VG_STR("Resource Policy") : VG_STR("IAM Policy"),
            .start_position = position(s, from->documents.items[m->at], m->start),
            .end_position = position(s, from->documents.items[m->at], m->end),
        };
    }
    return out;
}

static struct vg_str
word(bool is_allowed, bool is_explicit)
{
    return is_allowed    ? VG_STR("allowed")
           : is_explicit ? VG_STR("explicitDeny")
                         : VG_STR("implicitDeny");
}

/* What the policies of one type say by themselves. */
static struct vg_str
word_of(const vg_matches *found, enum vg_policy_type type)
{
    bool allows = false, denies = false;
    for (size_t i = 0; i < found->len; i++) {
        const struct vg_match *m = &found->items[i];
        allows = allows || (m->type == type && !m->is_deny);
        denies = denies || (m->type == type && m->is_deny);
    }
    return word(allows && !denies, denies);
}

/*
 * "This parameter is populated for only cross-account simulations …  If the simulation evaluates
 * policies within the same account and includes a resource ARN, then the parameter is present but
 * the response is empty" (API_EvaluationResult).
 */
static struct iam_eval_decision_details_type
details(struct simulation *s, const vg_matches *found)
{
    struct iam_eval_decision_details_type out = { .set = true };
    if (vg_str_eq(s->resource_account, s->who.account))
        return out;
    out.items = VG_NEW_ARRAY(s->rq->arena, struct iam_eval_decision_details_type__entry, 2);
    out.items[out.len++] = (struct iam_eval_decision_details_type__entry) {
        .key = VG_STR("IAM Policy"), .value.text = word_of(found, VG_POLICY_IDENTITY)
    };
    out.items[out.len++] = (struct iam_eval_decision_details_type__entry) {
        .key = VG_STR("Resource Policy"), .value.text = word_of(found, VG_POLICY_RESOURCE)
    };
    return out;
}

/* "true means that … the policy includes an Allow statement that matches the request" and no Deny.
 */
static struct iam_permissions_boundary_decision_detail *
boundary_detail(struct simulation *s, const vg_matches *found)
{
    if (s->boundary.policies.len == 0)
        return NULL;
    struct iam_permissions_boundary_decision_detail *d =
        VG_NEW(s->rq->arena, struct iam_permissions_boundary_decision_detail);
    d->allowed_by_permissions_boundary = (struct vg_opt_bool) {
        .set = true, .v = vg_str_eq(word_of(found, VG_POLICY_BOUNDARY), VG_STR("allowed"))
    };
    return d;
}

static void
decide(struct simulation *s, struct vg_str action, struct vg_str resource, struct vg_decision *ret,
       vg_matches *ret_found)
{
    const struct vg_policies all = {
        .identity = s->identity.policies.items,
        .n_identity = s->identity.policies.len,
        .boundary = s->boundary.policies.len > 0 ? s->boundary.policies.items[0] : NULL,
        .resource = s->resource.policies.len > 0 ? s->resource.policies.items[0] : NULL,
        .scp = s->scp.policies.items,
        .n_scp = s->scp.policies.len,
        .scp_level = s->scp_level.items,
    };
    const struct vg_access what = { .action = action,
                                    .resource = resource,
                                    .resource_account = s->resource_account,
                                    .region = s->rq->scope->region,
                                    .ctx = s->ctx.items,
                                    .n_ctx = s->ctx.len };
    vg_policy_explain(s->rq->arena, &all, &s->who, &what, vg_now_ms(s->rq->env), ret, ret_found);
}

/* `resource` absent: of the action as such. */
static void
evaluate(struct simulation *s, struct vg_str action, struct vg_str resource,
         struct iam_evaluation_result *ret)
{
    struct vg_decision d;
    vg_matches found = { 0 };
    struct vg_str name = resource.ptr ? resource : VG_STR("*");
    decide(s, action, name, &d, &found);
    *ret = (struct iam_evaluation_result) {
        .eval_action_name = action,
        .eval_resource_name = name,
        .eval_decision.text = word(d.is_allowed, d.is_explicit),
        .matched_statements = matched(s, &d, &found),
        .permissions_boundary_decision_detail = boundary_detail(s, &found),
        .missing_context_values.set = true,
    };
    if (s->scp.policies.len > 0) {
        ret->organizations_decision_detail =
            VG_NEW(s->rq->arena, struct iam_organizations_decision_detail);
        ret->organizations_decision_detail->allowed_by_organizations =
            (struct vg_opt_bool) { .set = true, .v = d.is_allowed || d.by != VG_POLICY_SCP };
    }
    /* "If you include a list of resources, then any missing context values are instead included
     * under the ResourceSpecificResults section" */
    if (vg_str_eq(name, VG_STR("*"))) {
        ret->missing_context_values = missing_keys(s);
        return;
    }
    ret->eval_decision_details = details(s, &found);
    struct iam_resource_specific_result *one =
        VG_NEW(s->rq->arena, struct iam_resource_specific_result);
    *one = (struct iam_resource_specific_result) {
        .eval_resource_name = name,
        .eval_resource_decision = ret->eval_decision,
        .matched_statements = ret->matched_statements,
        .missing_context_values = missing_keys(s),
        .eval_decision_details = ret->eval_decision_details,
        .permissions_boundary_decision_detail = ret->permissions_boundary_decision_detail,
    };
    ret->resource_specific_results.items = one;
    ret->resource_specific_results.len = 1;
    ret->resource_specific_results.set = true;
}

static vg_rc
run(struct simulation *s, const struct iam_action_name_list_type *actions,
    const struct iam_resource_name_list_type *resources, struct vg_str marker,
    struct vg_opt_i64 max_items, struct iam_simulate_policy_response *out)
{
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
        evaluate(s, action, resources->len > 0 ? resources->items[i % n_res] : VG_STR_NONE,
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
    set_caller(&s, in->caller_arn);
    vg_rc rc = add_identity_inputs(&s, &in->policy_input_list);
    if (rc == VG_OK)
        rc = add_boundary_and_resource(&s, &in->permissions_boundary_policy_input_list,
                                       in->resource_policy);
    if (rc == VG_OK)
        rc = add_scps(&s, &in->ordered_organization_policy_input_list);
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
    struct simulation s = { .rq = rq, .excluded = &in->policy_exclusion_list };
    set_caller(&s, in->caller_arn.ptr ? in->caller_arn : in->policy_source_arn);
    vg_rc rc = add_source(&s, in->policy_source_arn);
    if (rc == VG_OK)
        rc = add_identity_inputs(&s, &in->policy_input_list);
    if (rc == VG_OK)
        rc = add_boundary_and_resource(&s, &in->permissions_boundary_policy_input_list,
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
    vg_rc rc = add_identity_inputs(&s, &in->policy_input_list);
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
    vg_rc rc = add_source(&s, in->policy_source_arn);
    if (rc == VG_OK)
        rc = add_identity_inputs(&s, &in->policy_input_list);
    if (rc != VG_OK)
        return rc;
    struct iam_context_key_names_result_list_type keys = missing_keys(&s);
    out->context_key_names.items = keys.items;
    out->context_key_names.len = keys.len;
    out->context_key_names.set = true;
    return VG_OK;
}
