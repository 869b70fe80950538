/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From JSON to the compiled form, with the sentences AWS answers for what it does not accept.
 * Grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */

#include "auth/policy_int.h"

#include "codec/json.h"

#define SYNTAX         "Syntax errors in policy."
#define STATEMENTS_MAX 1024

typedef VG_VEC(struct vg_str) str_vec;
typedef VG_VEC(struct principal_entry) principal_vec;
typedef VG_VEC(struct condition) condition_vec;

struct parse {
    struct vg_json js;
    struct vg_arena *arena;
    enum vg_policy_use use;
    bool has_variables;
    struct vg_err *err;
    principal_vec principals; /* of the statement being read */
    condition_vec conds;
};

static vg_rc
syntax(struct parse *p)
{
    return vg_err_set(p->err, SYNTAX);
}

/* A scalar as text: conditions may hold numbers and booleans. */
static bool
scalar_text(enum vg_json_tok tok, const struct vg_json *js, bool any_scalar, struct vg_str *ret)
{
    if (tok == VG_JSON_STRING || (any_scalar && tok == VG_JSON_NUMBER))
        *ret = js->text;
    else if (any_scalar && tok == VG_JSON_TRUE)
        *ret = VG_STR("true");
    else if (any_scalar && tok == VG_JSON_FALSE)
        *ret = VG_STR("false");
    else
        return false;
    return true;
}

/* One string or a list of them. */
static vg_rc
read_strings(struct parse *p, bool any_scalar, str_vec *ret)
{
    struct vg_str text;
    enum vg_json_tok tok = vg_json_next(&p->js);
    if (scalar_text(tok, &p->js, any_scalar, &text)) {
        *VG_VEC_ADD(p->arena, ret) = text;
        return VG_OK;
    }
    if (tok != VG_JSON_ARRAY)
        return syntax(p);
    while ((tok = vg_json_next(&p->js)) != VG_JSON_ARRAY_END) {
        if (!scalar_text(tok, &p->js, any_scalar, &text))
            return syntax(p);
        *VG_VEC_ADD(p->arena, ret) = text;
    }
    return VG_OK;
}

static vg_rc
read_string(struct parse *p, struct vg_str *ret)
{
    if (vg_json_next(&p->js) != VG_JSON_STRING)
        return syntax(p);
    *ret = p->js.text;
    return VG_OK;
}

/* --- principals ---------------------------------------------------------------------------------
 */

static bool
is_account_id(struct vg_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len == 12;
}

/* What arn:PARTITION:SERVICE:REGION:ACCOUNT:NAME says; false: it is no such ARN. */
struct arn {
    struct vg_str partition, service, region, account, name;
};

static bool
split_arn(struct vg_str text, struct arn *ret)
{
    bool is_arn = vg_str_eq(vg_str_cut(&text, ':'), VG_STR("arn"));
    ret->partition = vg_str_cut(&text, ':');
    ret->service = vg_str_cut(&text, ':');
    ret->region = vg_str_cut(&text, ':');
    ret->account = vg_str_cut(&text, ':');
    ret->name = text;
    return is_arn && is_account_id(ret->account);
}

/* arn:PARTITION:iam::ACCOUNT:root is the account. */
static bool
root_account(struct vg_str text, struct vg_str *ret)
{
    struct arn arn;
    bool is_arn = split_arn(text, &arn);
    *ret = arn.account;
    return is_arn && vg_str_eq(arn.service, VG_STR("iam")) && vg_str_eq(arn.name, VG_STR("root"));
}

/* A user, a role, or a session: no wildcards, https://docs.aws.amazon.com/IAM/latest/UserGuide/
 * reference_policies_elements_principal.html: "to match part of a principal name or ARN". */
static bool
is_principal_arn(struct vg_str text)
{
    static const struct {
        struct vg_str service, head;
    } kinds[] = {
        { VG_STR_INIT("iam"), VG_STR_INIT("user/") },
        { VG_STR_INIT("iam"), VG_STR_INIT("role/") },
        { VG_STR_INIT("sts"), VG_STR_INIT("assumed-role/") },
        { VG_STR_INIT("sts"), VG_STR_INIT("federated-user/") },
    };
    struct arn arn;
    if (!split_arn(text, &arn) || arn.partition.len == 0 || arn.region.len > 0
        || vg_str_find_char(arn.name, '*') != VG_NPOS || vg_str_find_char(arn.name, '?') != VG_NPOS)
        return false;
    for (size_t i = 0; i < VG_COUNT(kinds); i++)
        if (vg_str_eq(arn.service, kinds[i].service) && vg_str_starts(arn.name, kinds[i].head)
            && arn.name.len > kinds[i].head.len)
            return true;
    return false;
}

static vg_rc
add_principal(struct parse *p, struct vg_str type, struct vg_str value)
{
    struct principal_entry e = { .text = value };
    if (vg_str_eq(type, VG_STR("AWS"))) {
        if (vg_str_eq(value, VG_STR("*")))
            e.kind = PR_ANY;
        else if (is_account_id(value))
            e.kind = PR_ACCOUNT;
        else if (root_account(value, &e.text))
            e.kind = PR_ACCOUNT;
        else if (is_principal_arn(value)) {
            e.kind = PR_ARN;
            e.text = value;
        } else {
            return vg_err_set(p->err, "Invalid principal in policy: \"AWS\":\"%" VG_FMT "\"",
                              VG_ARG(value));
        }
    } else if (vg_str_eq(type, VG_STR("Service"))) {
        if (vg_str_find_char(value, '.') == VG_NPOS || vg_str_find_char(value, '*') != VG_NPOS)
            return vg_err_set(p->err, "Invalid principal in policy: \"SERVICE\":\"%" VG_FMT "\"",
                              VG_ARG(value));
        e.kind = PR_SERVICE;
    } else if (vg_str_eq(type, VG_STR("Federated"))) {
        e.kind = PR_FEDERATED;
    } else if (vg_str_eq(type, VG_STR("CanonicalUser"))) {
        e.kind = PR_CANONICAL;
    } else {
        return syntax(p);
    }
    *VG_VEC_ADD(p->arena, &p->principals) = e;
    return VG_OK;
}

static vg_rc
read_principals(struct parse *p)
{
    enum vg_json_tok tok = vg_json_next(&p->js);
    p->principals = (principal_vec) { 0 };
    if (tok == VG_JSON_STRING && vg_str_eq(p->js.text, VG_STR("*"))) {
        *VG_VEC_ADD(p->arena, &p->principals) = (struct principal_entry) { .kind = PR_ANY };
        return VG_OK;
    }
    if (tok == VG_JSON_STRING)
        return vg_err_set(p->err, "Invalid principal in policy: \"AWS\":\"%" VG_FMT "\"",
                          VG_ARG(p->js.text));
    if (tok != VG_JSON_OBJECT)
        return syntax(p);
    while ((tok = vg_json_next(&p->js)) == VG_JSON_KEY) {
        struct vg_str type = p->js.text;
        str_vec values = { 0 };
        vg_rc rc = read_strings(p, false, &values);
        for (size_t i = 0; i < values.len && rc == VG_OK; i++)
            rc = add_principal(p, type, values.items[i]);
        if (rc != VG_OK)
            return rc;
    }
    if (tok != VG_JSON_OBJECT_END)
        return syntax(p);
    if (p->principals.len == 0)
        return vg_err_set(p->err, "Missing required field Principal");
    return VG_OK;
}

/* --- conditions ---------------------------------------------------------------------------------
 */

static vg_rc
read_operator(struct parse *p, struct vg_str name)
{
    struct condition op = { 0 };
    if (!cond_op_find(name, &op))
        return syntax(p);
    enum vg_json_tok tok = vg_json_next(&p->js);
    if (tok != VG_JSON_OBJECT)
        return syntax(p);
    while ((tok = vg_json_next(&p->js)) == VG_JSON_KEY) {
        struct condition c = op;
        c.key = ctx_key_of(p->js.text);
        if (vg_str_find_char(p->js.text, ':') == VG_NPOS)
            return vg_err_set(p->err, "Actions/Conditions must be prefaced by a vendor, e.g., "
                                      "iam, sdb, ec2, etc.");
        str_vec values = { 0 };
        vg_rc rc = read_strings(p, true, &values);
        if (rc != VG_OK)
            return rc;
        c.values = VG_NEW_ARRAY(p->arena, struct cond_value, values.len + 1);
        c.n_values = values.len;
        for (size_t i = 0; i < values.len; i++)
            cond_value_compile(p->arena, &c, values.items[i], p->has_variables, &c.values[i]);
        *VG_VEC_ADD(p->arena, &p->conds) = c;
    }
    return tok == VG_JSON_OBJECT_END ? VG_OK : syntax(p);
}

static vg_rc
read_conditions(struct parse *p)
{
    p->conds = (condition_vec) { 0 };
    if (vg_json_next(&p->js) != VG_JSON_OBJECT)
        return syntax(p);
    enum vg_json_tok tok;
    while ((tok = vg_json_next(&p->js)) == VG_JSON_KEY) {
        vg_rc rc = read_operator(p, p->js.text);
        if (rc != VG_OK)
            return rc;
    }
    return tok == VG_JSON_OBJECT_END ? VG_OK : syntax(p);
}

/* --- actions and resources
 * ------------------------------------------------------------------------
 */

static vg_rc
check_action(struct parse *p, struct vg_str a)
{
    if (vg_str_eq(a, VG_STR("*")))
        return VG_OK;
    struct vg_str rest = a;
    struct vg_str vendor = vg_str_cut(&rest, ':');
    if (!rest.ptr)
        return vg_err_set(p->err, "Actions/Conditions must be prefaced by a vendor, e.g., iam, "
                                  "sdb, ec2, etc.");
    if (vg_str_find_char(rest, ':') != VG_NPOS)
        return vg_err_set(p->err, "Actions/Condition can contain only one colon.");
    for (size_t i = 0; i < vendor.len; i++) {
        char c = vendor.ptr[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                       || c == '-' || c == '_' || c == '.' || (c == '*' && vendor.len == 1);
        if (!is_word)
            return vg_err_set(p->err, "Vendor %" VG_FMT " is not valid", VG_ARG(vendor));
    }
    if (vendor.len == 0)
        return vg_err_set(p->err, "Vendor %" VG_FMT " is not valid", VG_ARG(vendor));
    if (p->use == VG_POLICY_FOR_TRUST && !vg_str_starts_nocase(a, VG_STR("sts:")))
        return vg_err_set(p->err, "AssumeRole policy may only specify STS AssumeRole actions.");
    return VG_OK;
}

static bool
is_of_resource(const struct parse *p)
{
    return p->use == VG_POLICY_FOR_RESOURCE || p->use == VG_POLICY_FOR_KEY;
}

static vg_rc
check_resource(struct parse *p, struct vg_str r)
{
    if (vg_str_eq(r, VG_STR("*")) || is_of_resource(p))
        return VG_OK;
    struct vg_str rest = r;
    struct vg_str head = vg_str_cut(&rest, ':');
    struct vg_str partition = vg_str_cut(&rest, ':');
    if (!vg_str_eq(head, VG_STR("arn")) || !rest.ptr)
        return vg_err_set(p->err, "Resource %" VG_FMT " must be in ARN format or \"*\".",
                          VG_ARG(r));
    if (!vg_str_eq(partition, VG_STR("*")) && !vg_str_starts(partition, VG_STR("aws")))
        return vg_err_set(p->err,
                          "Partition \"%" VG_FMT "\" is not valid for resource \"%" VG_FMT "\".",
                          VG_ARG(partition), VG_ARG(r));
    if (vg_str_eq(vg_str_cut(&rest, ':'), VG_STR("iam")) && vg_str_cut(&rest, ':').len > 0)
        return vg_err_set(p->err, "IAM resource path must either be \"*\" or start with user/, "
                                  "federated-user/, role/, group/, instance-profile/, mfa/, "
                                  "server-certificate/, policy/, sms-mfa/, saml-provider/, "
                                  "oidc-provider/, report/, access-report/.");
    return VG_OK;
}

static vg_rc
compile_list(struct parse *p, const str_vec *from, bool is_action, struct pattern_list *ret)
{
    ret->items = VG_NEW_ARRAY(p->arena, struct pattern, from->len + 1);
    ret->len = from->len;
    ret->is_there = true;
    for (size_t i = 0; i < from->len; i++) {
        unsigned flags = PAT_WILD;
        if (is_action)
            flags |= PAT_LOWER;
        else if (p->has_variables)
            flags |= PAT_VARIABLES;
        vg_rc rc = is_action ? check_action(p, from->items[i]) : check_resource(p, from->items[i]);
        if (rc != VG_OK)
            return rc;
        if (!pattern_compile(p->arena, from->items[i], flags, &ret->items[i]))
            return syntax(p);
    }
    return VG_OK;
}

static vg_rc
read_list(struct parse *p, bool is_action, bool is_not, struct pattern_list *ret)
{
    str_vec values = { 0 };
    if (ret->is_there) /* Action and NotAction, or one of them twice */
        return syntax(p);
    vg_rc rc = read_strings(p, false, &values);
    if (rc == VG_OK)
        rc = compile_list(p, &values, is_action, ret);
    ret->is_not = is_not;
    return rc;
}

/* --- statements ---------------------------------------------------------------------------------
 */

static vg_rc
check_sid(struct parse *p, struct vg_str sid)
{
    if (is_of_resource(p))
        return VG_OK;
    for (size_t i = 0; i < sid.len; i++) {
        char c = sid.ptr[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_word)
            return vg_err_set(p->err, "Statement IDs (SID) must be alpha-numeric. Check that your "
                                      "input satisfies the regular expression [0-9A-Za-z]*");
    }
    return VG_OK;
}

static vg_rc
read_member(struct parse *p, struct vg_str key, struct statement *st)
{
    struct vg_str text = VG_STR("");
    vg_rc rc;
    if (vg_str_eq(key, VG_STR("Sid"))) {
        rc = read_string(p, &st->sid);
        return rc == VG_OK ? check_sid(p, st->sid) : rc;
    }
    if (vg_str_eq(key, VG_STR("Effect"))) {
        rc = read_string(p, &text);
        if (rc == VG_OK && !vg_str_eq(text, VG_STR("Allow")) && !vg_str_eq(text, VG_STR("Deny")))
            return syntax(p);
        st->is_deny = rc == VG_OK && vg_str_eq(text, VG_STR("Deny"));
        return rc;
    }
    if (vg_str_eq(key, VG_STR("Action")))
        return read_list(p, true, false, &st->actions);
    if (vg_str_eq(key, VG_STR("NotAction")))
        return read_list(p, true, true, &st->actions);
    if (vg_str_eq(key, VG_STR("Resource")))
        return read_list(p, false, false, &st->resources);
    if (vg_str_eq(key, VG_STR("NotResource")))
        return read_list(p, false, true, &st->resources);
    if (vg_str_eq(key, VG_STR("Principal")) || vg_str_eq(key, VG_STR("NotPrincipal"))) {
        if (p->use == VG_POLICY_FOR_IDENTITY || p->use == VG_POLICY_FOR_MANAGED)
            return vg_err_set(p->err, "Policy document should not specify a principal.");
        if (st->has_principal)
            return syntax(p);
        st->has_principal = true;
        st->is_not_principal = vg_str_starts(key, VG_STR("Not"));
        return read_principals(p);
    }
    if (vg_str_eq(key, VG_STR("Condition")))
        return read_conditions(p);
    return syntax(p);
}

static vg_rc
check_statement(struct parse *p, const struct statement *st, bool has_effect)
{
    if (!has_effect)
        return syntax(p);
    if (!st->actions.is_there || st->actions.len == 0)
        return vg_err_set(p->err, "Policy statement must contain actions.");
    switch (p->use) {
    case VG_POLICY_FOR_IDENTITY:
    case VG_POLICY_FOR_MANAGED:
        if (!st->resources.is_there || st->resources.len == 0)
            return vg_err_set(p->err, "Policy statement must contain resources.");
        return VG_OK;
    case VG_POLICY_FOR_TRUST:
        if (st->resources.is_there)
            return vg_err_set(p->err, "Has prohibited field Resource");
        if (!st->has_principal)
            return vg_err_set(p->err, "Missing required field Principal");
        return VG_OK;
    case VG_POLICY_FOR_KEY:
    case VG_POLICY_FOR_RESOURCE:
        if (!st->has_principal)
            return vg_err_set(p->err, "Missing required field Principal");
        if (p->use == VG_POLICY_FOR_KEY && (!st->resources.is_there || st->resources.len == 0))
            return vg_err_set(p->err, "Policy statement must contain resources.");
        return VG_OK;
    }
    return VG_OK;
}

/* The opening brace has been taken. */
static vg_rc
read_statement(struct parse *p, struct statement *st)
{
    *st = (struct statement) { 0 };
    p->principals = (principal_vec) { 0 };
    p->conds = (condition_vec) { 0 };
    bool has_effect = false;
    enum vg_json_tok tok;
    while ((tok = vg_json_next(&p->js)) == VG_JSON_KEY) {
        has_effect = has_effect || vg_str_eq(p->js.text, VG_STR("Effect"));
        vg_rc rc = read_member(p, p->js.text, st);
        if (rc != VG_OK)
            return rc;
    }
    if (tok != VG_JSON_OBJECT_END)
        return syntax(p);
    st->principals = p->principals.items;
    st->n_principals = p->principals.len;
    st->conds = p->conds.items;
    st->n_conds = p->conds.len;
    return check_statement(p, st, has_effect);
}

static vg_rc
read_statements(struct parse *p, struct vg_policy *policy)
{
    VG_VEC(struct statement) all = { 0 };
    size_t start = vg_json_offset(&p->js);
    enum vg_json_tok tok = vg_json_next(&p->js);
    bool is_list = tok == VG_JSON_ARRAY;
    if (!is_list && tok != VG_JSON_OBJECT)
        return syntax(p);
    if (is_list) {
        start = vg_json_offset(&p->js);
        tok = vg_json_next(&p->js);
    }
    while (tok == VG_JSON_OBJECT) {
        if (all.len == STATEMENTS_MAX)
            return syntax(p);
        struct statement *st = VG_VEC_ADD(p->arena, &all);
        vg_rc rc = read_statement(p, st);
        if (rc != VG_OK)
            return rc;
        st->start = start;
        st->end = start = vg_json_offset(&p->js);
        for (size_t i = 0; i + 1 < all.len; i++)
            if (st->sid.len > 0 && vg_str_eq(all.items[i].sid, st->sid))
                return vg_err_set(p->err, "Statement IDs (SID) in a single policy must be unique.");
        if (!is_list)
            break;
        tok = vg_json_next(&p->js);
    }
    if (is_list && tok != VG_JSON_ARRAY_END)
        return syntax(p);
    policy->statements = all.items;
    policy->n_statements = all.len;
    return VG_OK;
}

/* The version decides whether "${…}" is a variable, wherever in the document it stands. */
static vg_rc
read_version(struct parse *p, struct vg_str json, bool *ret_has)
{
    enum vg_json_tok tok;
    vg_json_init(&p->js, json, p->arena);
    *ret_has = false;
    if (vg_json_next(&p->js) != VG_JSON_OBJECT)
        return syntax(p);
    while ((tok = vg_json_next(&p->js)) == VG_JSON_KEY) {
        bool is_version = vg_str_eq(p->js.text, VG_STR("Version"));
        tok = vg_json_next(&p->js);
        if (is_version) {
            if (tok != VG_JSON_STRING || *ret_has)
                return syntax(p);
            *ret_has = true;
            p->has_variables = vg_str_eq(p->js.text, VG_STR("2012-10-17"));
            if (!p->has_variables && !vg_str_eq(p->js.text, VG_STR("2008-10-17")))
                return syntax(p);
        } else if (!vg_json_skip(&p->js, tok)) {
            return syntax(p);
        }
    }
    return tok == VG_JSON_OBJECT_END && vg_json_next(&p->js) == VG_JSON_END ? VG_OK : syntax(p);
}

static vg_rc
read_document(struct parse *p, struct vg_str json, struct vg_policy *policy)
{
    bool has_statement = false;
    enum vg_json_tok tok;
    vg_json_init(&p->js, json, p->arena);
    if (vg_json_next(&p->js) != VG_JSON_OBJECT)
        return syntax(p);
    while ((tok = vg_json_next(&p->js)) == VG_JSON_KEY) {
        struct vg_str key = p->js.text;
        vg_rc rc;
        if (vg_str_eq(key, VG_STR("Version"))) {
            struct vg_str version;
            rc = read_string(p, &version);
        } else if (vg_str_eq(key, VG_STR("Id"))) {
            rc = read_string(p, &policy->id);
        } else if (vg_str_eq(key, VG_STR("Statement")) && !has_statement) {
            has_statement = true;
            rc = read_statements(p, policy);
        } else {
            rc = syntax(p);
        }
        if (rc != VG_OK)
            return rc;
    }
    return has_statement && tok == VG_JSON_OBJECT_END ? VG_OK : syntax(p);
}

vg_rc
vg_policy_compile(struct vg_arena *arena, struct vg_str json, enum vg_policy_use use,
                  const struct vg_policy **ret, struct vg_err *err)
{
    struct parse p = { .arena = arena, .use = use, .err = err };
    struct vg_policy *policy = VG_NEW(arena, struct vg_policy);
    bool has_version;
    vg_rc rc = read_version(&p, json, &has_version);
    if (rc == VG_OK)
        rc = read_document(&p, json, policy);
    if (rc != VG_OK)
        return rc;
    if (use == VG_POLICY_FOR_MANAGED && !p.has_variables)
        return vg_err_set(err, "Policy document must be version 2012-10-17 or greater.");
    policy->has_variables = p.has_variables;
    *ret = policy;
    return VG_OK;
}
