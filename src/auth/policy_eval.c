/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which statements apply, and what all policies together say.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */

#include "auth/policy_int.h"

/* How closely a resource policy names the caller. */
enum match {
    MATCH_NO,
    MATCH_ACCOUNT, /* its account: delegates to identity policies           */
    MATCH_ROLE,    /* the role or user behind the session                   */
    MATCH_DIRECT,  /* the user, the session itself, a service, or everybody */
};

static enum match
match_entry(const struct eval *ev, const struct principal_entry *e)
{
    const struct vg_principal *who = ev->who;
    switch (e->kind) {
    case PR_ANY:
        return MATCH_DIRECT;
    case PR_ACCOUNT:
        return who->kind != VG_PRINCIPAL_SERVICE && who->account.len > 0
                       && vg_str_eq(e->text, who->account)
                   ? MATCH_ACCOUNT
                   : MATCH_NO;
    case PR_ARN:
        if (who->kind == VG_PRINCIPAL_SERVICE)
            return MATCH_NO;
        if (vg_str_eq(e->text, who->arn))
            return MATCH_DIRECT;
        return who->role_arn.len > 0 && vg_str_eq(e->text, who->role_arn) ? MATCH_ROLE : MATCH_NO;
    case PR_SERVICE:
        return who->kind == VG_PRINCIPAL_SERVICE && vg_str_eq(e->text, who->name) ? MATCH_DIRECT
                                                                                  : MATCH_NO;
    case PR_FEDERATED:
        return who->token_issuer.len > 0 && vg_str_eq(e->text, who->token_issuer) ? MATCH_DIRECT
                                                                                  : MATCH_NO;
    case PR_CANONICAL:
        return vg_str_eq(e->text, who->user_id) ? MATCH_DIRECT : MATCH_NO;
    }
    return MATCH_NO;
}

static enum match
match_principal(const struct eval *ev, const struct statement *st)
{
    enum match best = MATCH_NO;
    if (!st->has_principal)
        return MATCH_NO;
    for (size_t i = 0; i < st->n_principals; i++) {
        enum match m = match_entry(ev, &st->principals[i]);
        best = VG_MAX(best, m);
    }
    /* "Deny with NotPrincipal … always denies any IAM principal that has a permissions boundary
     * policy attached, regardless of the values" (reference_policies_elements_notprincipal) */
    if (st->is_not_principal && st->is_deny && ev->has_boundary)
        return MATCH_DIRECT;
    if (st->is_not_principal)
        return best == MATCH_NO ? MATCH_DIRECT : MATCH_NO;
    return best;
}

static bool
match_actions(struct eval *ev, const struct pattern_list *l)
{
    bool is_in = false;
    for (size_t i = 0; i < l->len && !is_in; i++)
        is_in = pattern_match(ev, &l->items[i], ev->action_lower, false);
    return is_in != l->is_not;
}

static bool
match_resources(struct eval *ev, const struct pattern_list *l)
{
    if (!l->is_there)
        return true;
    bool is_in = false;
    ev->is_unresolved = false;
    for (size_t i = 0; i < l->len && !is_in; i++)
        is_in = pattern_match_arn(ev, &l->items[i], ev->what->resource);
    return is_in != l->is_not && !(l->is_not && ev->is_unresolved);
}

static bool
match_statement(struct eval *ev, const struct statement *st)
{
    if (!match_actions(ev, &st->actions) || !match_resources(ev, &st->resources))
        return false;
    for (size_t i = 0; i < st->n_conds; i++)
        if (!cond_match(ev, &st->conds[i]))
            return false;
    return true;
}

struct verdict {
    bool is_denied;
    enum match allow; /* of policies without principals: NO or DIRECT */
};

static void
note(struct eval *ev, enum vg_policy_type type, size_t at, const struct statement *st)
{
    *VG_VEC_ADD(ev->arena, ev->matches) = (struct vg_match) {
        .type = type, .at = at, .is_deny = st->is_deny, .start = st->start, .end = st->end
    };
}

/* `at`: of the policy among those of its type. */
static void
judge(struct eval *ev, const struct vg_policy *policy, enum vg_policy_type type, size_t at,
      struct verdict *v)
{
    bool is_all = ev->matches != NULL; /* also those that change nothing any more */
    for (size_t i = 0; policy && i < policy->n_statements && (is_all || !v->is_denied); i++) {
        const struct statement *st = &policy->statements[i];
        enum match m = type == VG_POLICY_RESOURCE ? match_principal(ev, st) : MATCH_DIRECT;
        if (m == MATCH_NO || (!is_all && !st->is_deny && m <= v->allow) || !match_statement(ev, st))
            continue;
        if (st->is_deny)
            v->is_denied = true;
        else
            v->allow = VG_MAX(v->allow, m);
        if (is_all)
            note(ev, type, at, st);
    }
}

static void
judge_all(struct eval *ev, const struct vg_policy *const *policies, size_t n,
          enum vg_policy_type type, struct verdict *v)
{
    for (size_t i = 0; i < n && (ev->matches || !v->is_denied); i++)
        judge(ev, policies[i], type, i, v);
}

static struct vg_str
arn_account(struct vg_str arn)
{
    struct vg_str rest = arn, part = VG_STR_NONE;
    for (int i = 0; i < 5; i++)
        part = vg_str_cut(&rest, ':');
    return part;
}

static struct vg_str
owner_of(const struct vg_principal *who, const struct vg_access *what)
{
    if (what->resource_account.len > 0)
        return what->resource_account;
    struct vg_str account = arn_account(what->resource);
    return account.len > 0 ? account : who->account;
}

struct verdicts {
    struct verdict identity, resource, boundary, session, scp;
    bool scp_lacks;
};

static void
decide(struct vg_decision *ret, bool is_allowed, bool is_explicit, enum vg_policy_type by)
{
    *ret = (struct vg_decision) { .is_allowed = is_allowed, .is_explicit = is_explicit, .by = by };
}

static bool
denied_explicitly(const struct verdicts *v, struct vg_decision *ret)
{
    const struct {
        bool is_denied;
        enum vg_policy_type type;
    } order[] = {
        { v->scp.is_denied, VG_POLICY_SCP },
        { v->resource.is_denied, VG_POLICY_RESOURCE },
        { v->identity.is_denied, VG_POLICY_IDENTITY },
        { v->boundary.is_denied, VG_POLICY_BOUNDARY },
        { v->session.is_denied, VG_POLICY_SESSION },
    };
    for (size_t i = 0; i < VG_COUNT(order); i++) {
        if (order[i].is_denied) {
            decide(ret, false, true, order[i].type);
            return true;
        }
    }
    return false;
}

/* What is granted, within what bounds it. */
static void
decide_bounded(const struct vg_policies *all, const struct verdicts *v, struct vg_decision *ret)
{
    if (all->boundary && v->boundary.allow == MATCH_NO)
        decide(ret, false, false, VG_POLICY_BOUNDARY);
    else if (all->has_session && v->session.allow == MATCH_NO)
        decide(ret, false, false, VG_POLICY_SESSION);
    else
        decide(ret, true, false, VG_POLICY_NONE);
}

/* No statement denies: who must allow? */
static void
decide_allow(const struct eval *ev, const struct vg_policies *all, const struct verdicts *v,
             struct vg_decision *ret)
{
    const struct vg_principal *who = ev->who;
    enum match res = v->resource.allow;
    bool is_identity = v->identity.allow != MATCH_NO;
    bool is_same = who->account.len > 0 && vg_str_eq(who->account, ev->resource_account);

    if (who->kind == VG_PRINCIPAL_ANONYMOUS || who->kind == VG_PRINCIPAL_SERVICE) {
        decide(ret, res == MATCH_DIRECT || ev->what->is_granted, false, VG_POLICY_RESOURCE);
        return;
    }
    if (v->scp_lacks) {
        decide(ret, false, false, VG_POLICY_SCP);
        return;
    }
    /* by the resource's policy alone, or its owner's grant */
    bool is_granted = (is_same && res >= MATCH_ROLE) || ev->what->is_granted;
    bool is_delegated = (is_same && !ev->what->is_resource_policy_required) || res != MATCH_NO;
    if (!is_granted && !(is_delegated && is_identity)) {
        bool lacks_resource = !is_delegated && (is_identity || is_same);
        decide(ret, false, false, lacks_resource ? VG_POLICY_RESOURCE : VG_POLICY_IDENTITY);
        return;
    }
    /* A grant to the user or the session itself is not bounded: "Resource-based policies that grant
     * permissions to an IAM role session ARN … are not limited by an implicit deny". */
    if (is_same && res == MATCH_DIRECT)
        decide(ret, true, false, VG_POLICY_NONE);
    else
        decide_bounded(all, v, ret);
}

/* At every level of the organization one policy must allow. */
static void
judge_scps(struct eval *ev, const struct vg_policies *all, struct verdicts *v)
{
    bool is_allowed = false;
    for (size_t i = 0; i < all->n_scp; i++) {
        struct verdict one = { 0 };
        judge(ev, all->scp[i], VG_POLICY_SCP, i, &one);
        v->scp.is_denied = v->scp.is_denied || one.is_denied;
        is_allowed = is_allowed || one.allow != MATCH_NO;
        bool is_last =
            i + 1 == all->n_scp || !all->scp_level || all->scp_level[i + 1] != all->scp_level[i];
        if (is_last) {
            v->scp_lacks = v->scp_lacks || !is_allowed;
            is_allowed = false;
        }
    }
}

void
vg_policy_decide(struct vg_arena *arena, const struct vg_policies *all,
                 const struct vg_principal *who, const struct vg_access *what, int64_t now_ms,
                 struct vg_decision *ret)
{
    vg_policy_explain(arena, all, who, what, now_ms, ret, NULL);
}

void
vg_policy_explain(struct vg_arena *arena, const struct vg_policies *all,
                  const struct vg_principal *who, const struct vg_access *what, int64_t now_ms,
                  struct vg_decision *ret, vg_matches *ret_matches)
{
    char action[128];
    struct eval ev = {
        .arena = arena,
        .who = who,
        .what = what,
        .resource_account = owner_of(who, what),
        .now_ms = now_ms,
        .has_boundary = all->boundary != NULL,
        .matches = ret_matches,
    };
    size_t n = VG_MIN(what->action.len, sizeof(action));
    for (size_t i = 0; i < n; i++) {
        char c = what->action.ptr[i];
        action[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    ev.action_lower = vg_str_n(action, n);

    struct verdicts v = { 0 };
    if (who->kind == VG_PRINCIPAL_ROOT)
        v.identity.allow = MATCH_DIRECT;
    judge_all(&ev, all->identity, all->n_identity, VG_POLICY_IDENTITY, &v.identity);
    judge(&ev, all->resource, VG_POLICY_RESOURCE, 0, &v.resource);
    judge(&ev, all->boundary, VG_POLICY_BOUNDARY, 0, &v.boundary);
    if (all->has_session)
        judge_all(&ev, all->session, all->n_session, VG_POLICY_SESSION, &v.session);
    judge_scps(&ev, all, &v);
    if (!denied_explicitly(&v, ret))
        decide_allow(&ev, all, &v, ret);
}

static struct vg_str
type_name(enum vg_policy_type type)
{
    switch (type) {
    case VG_POLICY_RESOURCE:
        return VG_STR("resource-based policy");
    case VG_POLICY_BOUNDARY:
        return VG_STR("permissions boundary");
    case VG_POLICY_SESSION:
        return VG_STR("session policy");
    case VG_POLICY_SCP:
        return VG_STR("service control policy");
    case VG_POLICY_IDENTITY:
    case VG_POLICY_NONE:
        break;
    }
    return VG_STR("identity-based policy");
}

struct vg_str
vg_auth_denial(struct vg_arena *arena, const struct vg_principal *who, const struct vg_access *what,
               const struct vg_decision *why)
{
    struct vg_str name = type_name(why->by);
    struct vg_str on = what->resource_words;
    if (!on.ptr)
        on = vg_str_cat(arena, VG_STR("on resource: "), what->resource);
    struct vg_str head =
        vg_str_fmt(arena, "User: %" VG_FMT " is not authorized to perform: %" VG_FMT "%s%" VG_FMT,
                   VG_ARG(who->arn), VG_ARG(what->action), on.len ? " " : "", VG_ARG(on));
    if (why->is_explicit)
        return vg_str_fmt(arena, "%" VG_FMT " with an explicit deny in %s %" VG_FMT, VG_ARG(head),
                          why->by == VG_POLICY_IDENTITY ? "an" : "a", VG_ARG(name));
    if (what->is_trust_policy) /* STS does not say whose allow is lacking */
        return head;
    return vg_str_fmt(arena, "%" VG_FMT " because no %" VG_FMT " allows the %" VG_FMT " action",
                      VG_ARG(head), VG_ARG(name), VG_ARG(what->action));
}
