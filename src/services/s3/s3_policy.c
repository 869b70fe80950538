/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bucket policies: the elements that must be there, actions and resources that fit the bucket, and
 * "the meaning of public":
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
 */

#include "services/s3/s3_policy.h"

#include "auth/policy.h"
#include "base/buf.h"
#include "codec/json.h"
#include "services/s3/s3_actions.h"

#include <arpa/inet.h>

typedef VG_VEC(struct vg_str) texts;

struct statement {
    bool has_effect, is_deny, has_principal, has_action, has_resource;
    bool is_not_principal, is_not_action, is_not_resource;
    bool is_anybody;  /* names everybody */
    bool is_narrowed; /* by a condition with fixed values */
    texts actions, resources;
};

struct parse {
    struct vg_json js;
    struct vg_arena *arena;
    struct vg_str bucket;
    struct vg_err *err;
    bool has_statement, is_public;
};

static vg_rc
bad_json(struct parse *p)
{
    return vg_err_set(p->err, "This policy contains invalid Json");
}

/* One string or a list of them; what else the language allows there is not S3's business. */
static vg_rc
read_texts(struct parse *p, texts *ret)
{
    enum vg_json_tok tok = vg_json_next(&p->js);
    bool is_list = tok == VG_JSON_ARRAY;
    if (is_list)
        tok = vg_json_next(&p->js);
    while (tok != VG_JSON_ARRAY_END) {
        if (tok == VG_JSON_STRING)
            *VG_VEC_ADD(p->arena, ret) = p->js.text;
        else if (!vg_json_skip(&p->js, tok))
            return bad_json(p);
        if (!is_list)
            break;
        tok = vg_json_next(&p->js);
    }
    return VG_OK;
}

/* --- principals ---------------------------------------------------------------------------------
 */

static vg_rc
read_principal(struct parse *p, struct statement *st)
{
    enum vg_json_tok tok = vg_json_next(&p->js);
    if (tok == VG_JSON_STRING) {
        st->is_anybody = st->is_anybody || vg_str_eq(p->js.text, VG_STR("*"));
        return VG_OK;
    }
    if (tok != VG_JSON_OBJECT)
        return vg_err_set(p->err, S3_POLICY_WRONG_PRINCIPAL);
    while ((tok = vg_json_next(&p->js)) == VG_JSON_KEY) {
        bool is_aws = vg_str_eq(p->js.text, VG_STR("AWS"));
        texts values = { 0 };
        /* which would have to be told from its id by the evaluator */
        if (vg_str_eq(p->js.text, VG_STR("CanonicalUser")))
            return vg_err_set(p->err, S3_POLICY_WRONG_PRINCIPAL);
        vg_rc rc = read_texts(p, &values);
        if (rc != VG_OK)
            return rc;
        for (size_t i = 0; is_aws && i < values.len; i++)
            st->is_anybody = st->is_anybody || vg_str_eq(values.items[i], VG_STR("*"));
    }
    return tok == VG_JSON_OBJECT_END ? VG_OK : bad_json(p);
}

/* --- conditions ---------------------------------------------------------------------------------
 */

static bool
is_one_of(struct vg_str text, const struct vg_str *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (vg_str_eq_nocase(text, all[i]))
            return true;
    return false;
}

/* Keys whose fixed values keep a policy from being public. */
static bool
is_narrowing_key(struct vg_str key)
{
    static const struct vg_str keys[] = {
        VG_STR_INIT("aws:SourceArn"),
        VG_STR_INIT("aws:SourceVpc"),
        VG_STR_INIT("aws:SourceVpce"),
        VG_STR_INIT("aws:SourceOwner"),
        VG_STR_INIT("aws:SourceAccount"),
        VG_STR_INIT("aws:userid"),
        VG_STR_INIT("aws:PrincipalArn"),
        VG_STR_INIT("aws:PrincipalAccount"),
        VG_STR_INIT("aws:PrincipalOrgID"),
        VG_STR_INIT("aws:PrincipalOrgPaths"),
        VG_STR_INIT("s3:DataAccessPointAccount"),
        VG_STR_INIT("s3:DataAccessPointArn"),
        VG_STR_INIT("s3:x-amz-server-side-encryption-aws-kms-key-id"),
    };
    return is_one_of(key, keys, VG_COUNT(keys));
}

static bool
is_narrowing_operator(struct vg_str op)
{
    static const struct vg_str ops[] = {
        VG_STR_INIT("StringEquals"), VG_STR_INIT("StringEqualsIgnoreCase"),
        VG_STR_INIT("StringLike"),   VG_STR_INIT("ArnEquals"),
        VG_STR_INIT("ArnLike"),
    };
    struct vg_str rest = op;
    if (vg_str_starts_nocase(op, VG_STR("ForAnyValue:")))
        rest = vg_str_slice(op, strlen("ForAnyValue:"), op.len);
    return is_one_of(rest, ops, VG_COUNT(ops));
}

/* "A fixed value … doesn't contain a wildcard or a policy variable." */
static bool
is_fixed(struct vg_str value)
{
    return value.len > 0 && vg_str_find_char(value, '*') == VG_NPOS
           && vg_str_find_char(value, '?') == VG_NPOS
           && vg_str_find(value, VG_STR("${")) == VG_NPOS;
}

/* An address, or a network that is not "very broad": at least /8, or /32 of IPv6. */
static bool
is_narrow_network(struct vg_str value)
{
    char text[64];
    uint8_t bytes[16];
    struct vg_str rest = value, address = vg_str_cut(&rest, '/');
    int64_t bits = -1;
    if (address.len >= sizeof(text) || (rest.ptr && !vg_str_to_i64(rest, &bits)))
        return false;
    memcpy(text, address.ptr, address.len);
    text[address.len] = '\0';
    if (inet_pton(AF_INET, text, bytes) == 1)
        return bits == -1 || bits >= 8;
    return inet_pton(AF_INET6, text, bytes) == 1 && (bits == -1 || bits >= 32);
}

/* A key of S3's or of all services'. */
static bool
is_known_key(struct vg_str key)
{
    if (vg_str_starts_nocase(key, VG_STR("aws:")))
        return true;
    if (!vg_str_starts_nocase(key, VG_STR("s3:")))
        return false;
    struct vg_str rest = vg_str_slice(key, strlen("s3:"), key.len);
    for (size_t i = 0; i < s3_n_condition_keys; i++) {
        struct vg_str known = s3_condition_keys[i];
        bool has_tag = vg_str_ends(known, VG_STR("/"));
        if (has_tag ? rest.len > known.len && vg_str_starts_nocase(rest, known)
                    : vg_str_eq_nocase(rest, known))
            return true;
    }
    return false;
}

static vg_rc
read_condition_key(struct parse *p, struct vg_str op, struct statement *st)
{
    struct vg_str key = p->js.text;
    texts values = { 0 };
    if (!is_known_key(key))
        return vg_err_set(p->err, "Policy has an invalid condition key");
    vg_rc rc = read_texts(p, &values);
    bool is_address =
        vg_str_eq_nocase(op, VG_STR("IpAddress")) && vg_str_eq_nocase(key, VG_STR("aws:SourceIp"));
    bool is_narrow = is_address || (is_narrowing_operator(op) && is_narrowing_key(key));
    if (values.len == 0)
        is_narrow = false;
    for (size_t i = 0; i < values.len; i++)
        is_narrow =
            is_narrow
            && (is_address ? is_narrow_network(values.items[i]) : is_fixed(values.items[i]));
    st->is_narrowed = st->is_narrowed || is_narrow;
    return rc;
}

static vg_rc
read_conditions(struct parse *p, struct statement *st)
{
    enum vg_json_tok tok = vg_json_next(&p->js);
    st->is_narrowed = false; /* of two, the evaluator takes the last */
    if (tok != VG_JSON_OBJECT)
        return vg_json_skip(&p->js, tok) ? VG_OK : bad_json(p);
    while ((tok = vg_json_next(&p->js)) == VG_JSON_KEY) {
        struct vg_str op = p->js.text;
        tok = vg_json_next(&p->js);
        if (tok != VG_JSON_OBJECT) {
            if (!vg_json_skip(&p->js, tok))
                return bad_json(p);
            continue;
        }
        while ((tok = vg_json_next(&p->js)) == VG_JSON_KEY) {
            vg_rc rc = read_condition_key(p, op, st);
            if (rc != VG_OK)
                return rc;
        }
        if (tok != VG_JSON_OBJECT_END)
            return bad_json(p);
    }
    return tok == VG_JSON_OBJECT_END ? VG_OK : bad_json(p);
}

/* --- actions and resources ----------------------------------------------------------------------
 */

/* Whether an action is one, or several, of those on buckets and of those on objects. */
static void
kinds_of_action(struct vg_arena *arena, struct vg_str action, bool *is_bucket, bool *is_object)
{
    *is_bucket = *is_object = false;
    for (size_t i = 0; i < s3_n_bucket_actions && !*is_bucket; i++)
        *is_bucket = vg_policy_glob(arena, action, s3_bucket_actions[i], true);
    for (size_t i = 0; i < s3_n_object_actions && !*is_object; i++)
        *is_object = vg_policy_glob(arena, action, s3_object_actions[i], true);
}

/* Whether a resource is, or may be, the bucket, and objects in it. False: neither. */
static bool
kinds_of_resource(const struct parse *p, struct vg_str resource, bool *is_bucket, bool *is_object)
{
    struct vg_str rest = resource;
    *is_bucket = *is_object = false;
    if (!vg_str_eq(vg_str_cut(&rest, ':'), VG_STR("arn")))
        return false;
    vg_str_cut(&rest, ':');
    if (!vg_str_starts(rest, VG_STR("s3:::")))
        return false;
    rest = vg_str_slice(rest, strlen("s3:::"), rest.len);
    size_t slash = vg_str_find_char(rest, '/');
    *is_bucket = slash == VG_NPOS && vg_policy_glob(p->arena, rest, p->bucket, false);
    *is_object = slash != VG_NPOS
                     ? vg_policy_glob(p->arena, vg_str_slice(rest, 0, slash), p->bucket, false)
                     : *is_bucket && vg_str_ends(rest, VG_STR("*"));
    return *is_bucket || *is_object;
}

static vg_rc
check_resources(struct parse *p, const struct statement *st, bool *has_bucket, bool *has_object)
{
    *has_bucket = *has_object = st->is_not_resource;
    for (size_t i = 0; i < st->resources.len; i++) {
        bool is_bucket, is_object;
        if (!kinds_of_resource(p, st->resources.items[i], &is_bucket, &is_object))
            return vg_err_set(p->err, "Policy has invalid resource");
        *has_bucket = *has_bucket || is_bucket;
        *has_object = *has_object || is_object;
    }
    return VG_OK;
}

static vg_rc
check_actions(struct parse *p, const struct statement *st, bool has_bucket, bool has_object)
{
    for (size_t i = 0; i < st->actions.len; i++) {
        struct vg_str action = st->actions.items[i];
        bool is_bucket, is_object;
        if (vg_str_eq(action, VG_STR("*")))
            continue;
        if (!vg_str_starts_nocase(action, VG_STR("s3:")))
            return vg_err_set(p->err, "Policy has invalid action");
        kinds_of_action(p->arena, vg_str_slice(action, strlen("s3:"), action.len), &is_bucket,
                        &is_object);
        if (!is_bucket && !is_object)
            return vg_err_set(p->err, "Policy has invalid action");
        if (!st->is_not_action && !(is_bucket && has_bucket) && !(is_object && has_object))
            return vg_err_set(p->err, "Action does not apply to any resource(s) in statement");
    }
    return VG_OK;
}

/* --- statements ---------------------------------------------------------------------------------
 */

static vg_rc
check_statement(struct parse *p, const struct statement *st)
{
    const struct {
        bool is_there;
        const char *name;
    } needed[] = {
        { st->has_effect, "Effect" },
        { st->has_principal, "Principal" },
        { st->has_action, "Action" },
        { st->has_resource, "Resource" },
    };
    bool has_bucket, has_object;
    for (size_t i = 0; i < VG_COUNT(needed); i++)
        if (!needed[i].is_there)
            return vg_err_set(p->err, "Missing required field %s", needed[i].name);
    /* "You must use NotPrincipal with "Effect":"Deny"": IAM's page on the element */
    if (st->is_not_principal && !st->is_deny)
        return vg_err_set(p->err, "Allow with NotPrincipal is not allowed.");
    vg_rc rc = check_resources(p, st, &has_bucket, &has_object);
    if (rc == VG_OK)
        rc = check_actions(p, st, has_bucket, has_object);
    p->is_public = p->is_public || (!st->is_deny && st->is_anybody && !st->is_narrowed);
    return rc;
}

static vg_rc
read_member(struct parse *p, struct vg_str key, struct statement *st)
{
    bool is_not = vg_str_starts(key, VG_STR("Not"));
    struct vg_str name = is_not ? vg_str_slice(key, 3, key.len) : key;
    if (vg_str_eq(key, VG_STR("Effect"))) {
        if (vg_json_next(&p->js) != VG_JSON_STRING)
            return vg_err_set(p->err, "Invalid effect");
        st->has_effect = true;
        st->is_deny = vg_str_eq(p->js.text, VG_STR("Deny"));
        if (!st->is_deny && !vg_str_eq(p->js.text, VG_STR("Allow")))
            return vg_err_set(p->err, "Invalid effect: %" VG_FMT, VG_ARG(p->js.text));
        return VG_OK;
    }
    if (vg_str_eq(name, VG_STR("Principal"))) {
        st->has_principal = true;
        st->is_not_principal = is_not;
        return read_principal(p, st);
    }
    if (vg_str_eq(name, VG_STR("Action"))) {
        st->has_action = true;
        st->is_not_action = is_not;
        return read_texts(p, &st->actions);
    }
    if (vg_str_eq(name, VG_STR("Resource"))) {
        st->has_resource = true;
        st->is_not_resource = is_not;
        return read_texts(p, &st->resources);
    }
    if (vg_str_eq(key, VG_STR("Condition")))
        return read_conditions(p, st);
    return vg_json_skip(&p->js, vg_json_next(&p->js)) ? VG_OK : bad_json(p);
}

static vg_rc
read_statement(struct parse *p)
{
    struct statement st = { 0 };
    enum vg_json_tok tok;
    while ((tok = vg_json_next(&p->js)) == VG_JSON_KEY) {
        vg_rc rc = read_member(p, p->js.text, &st);
        if (rc != VG_OK)
            return rc;
    }
    return tok == VG_JSON_OBJECT_END ? check_statement(p, &st) : bad_json(p);
}

static vg_rc
read_statements(struct parse *p)
{
    enum vg_json_tok tok = vg_json_next(&p->js);
    bool is_list = tok == VG_JSON_ARRAY;
    if (is_list)
        tok = vg_json_next(&p->js);
    if (is_list && tok == VG_JSON_ARRAY_END)
        return vg_err_set(p->err, "Could not parse the policy: Statement is empty!");
    p->has_statement = true;
    while (tok == VG_JSON_OBJECT) {
        vg_rc rc = read_statement(p);
        if (rc != VG_OK || !is_list)
            return rc;
        tok = vg_json_next(&p->js);
    }
    return is_list && tok == VG_JSON_ARRAY_END ? VG_OK : bad_json(p);
}

static vg_rc
read_document(struct parse *p)
{
    enum vg_json_tok tok = vg_json_next(&p->js);
    while ((tok = vg_json_next(&p->js)) == VG_JSON_KEY) {
        struct vg_str key = p->js.text;
        if (vg_str_eq(key, VG_STR("Statement"))) {
            vg_rc rc = read_statements(p);
            if (rc != VG_OK)
                return rc;
            continue;
        }
        tok = vg_json_next(&p->js);
        if (vg_str_eq(key, VG_STR("Version"))
            && (tok != VG_JSON_STRING
                || (!vg_str_eq(p->js.text, VG_STR("2012-10-17"))
                    && !vg_str_eq(p->js.text, VG_STR("2008-10-17")))))
            return vg_err_set(p->err, "The policy must contain a valid version string");
        if (!vg_json_skip(&p->js, tok))
            return bad_json(p);
    }
    if (tok != VG_JSON_OBJECT_END || vg_json_next(&p->js) != VG_JSON_END)
        return bad_json(p);
    return p->has_statement ? VG_OK : vg_err_set(p->err, "Missing required field Statement");
}

/* Without white space between its tokens. */
static struct vg_str
compact(struct vg_arena *arena, struct vg_str json)
{
    char *out = vg_arena_alloc(arena, json.len);
    size_t n = 0;
    bool is_text = false;
    for (size_t i = 0; i < json.len; i++) {
        char c = json.ptr[i];
        if (!is_text && (c == ' ' || c == '\t' || c == '\r' || c == '\n'))
            continue;
        out[n++] = c;
        if (is_text && c == '\\' && i + 1 < json.len)
            out[n++] = json.ptr[++i];
        else if (c == '"')
            is_text = !is_text;
    }
    return vg_str_n(out, n);
}

static bool
is_json(struct vg_arena *arena, struct vg_str text)
{
    struct vg_json js;
    vg_json_init(&js, text, arena);
    return vg_json_skip(&js, vg_json_next(&js)) && vg_json_next(&js) == VG_JSON_END;
}

vg_rc
s3_policy_check(struct vg_arena *arena, struct vg_str json, struct vg_str bucket,
                struct s3_policy_text *ret, struct vg_err *err)
{
    struct parse p = { .arena = arena, .bucket = bucket, .err = err };
    if (json.len == 0 || json.ptr[0] != '{')
        return vg_err_set(err, "Policies must be valid JSON and the first byte must be '{'");
    if (!is_json(arena, json))
        return bad_json(&p);
    ret->text = compact(arena, json);
    if (ret->text.len > S3_POLICY_MAX_BYTES)
        return vg_err_set(
            err, "Normalized policy document exceeds the maximum allowed size of 20480 bytes");
    vg_json_init(&p.js, ret->text, arena);
    vg_rc rc = read_document(&p);
    if (rc == VG_OK) /* the grammar, conditions and principals */
        rc = vg_policy_compile(arena, ret->text, VG_POLICY_FOR_RESOURCE, &ret->compiled, err);
    if (rc != VG_OK && vg_str_starts(vg_err_text(err), VG_STR(S3_POLICY_WRONG_PRINCIPAL)))
        return vg_err_set(err, S3_POLICY_WRONG_PRINCIPAL); /* S3 does not say which */
    ret->is_public = p.is_public;
    return rc;
}

/* --- statements of lists ------------------------------------------------------------------------
 */

struct vg_str
s3_policy_with(struct vg_arena *arena, struct vg_str json, struct vg_str statements)
{
    struct vg_str version = VG_STR("2012-10-17"), own = VG_STR("");
    enum vg_json_tok tok = VG_JSON_ERROR;
    struct vg_json js;
    if (json.ptr) {
        version = VG_STR("2008-10-17");
        vg_json_init(&js, json, arena);
        tok = vg_json_next(&js);
    }
    while (tok != VG_JSON_ERROR && (tok = vg_json_next(&js)) == VG_JSON_KEY) {
        struct vg_str key = js.text, raw;
        tok = vg_json_next(&js);
        if (vg_str_eq(key, VG_STR("Version")))
            version = js.text;
        if (!vg_json_raw(&js, tok, &raw))
            break;
        if (vg_str_eq(key, VG_STR("Statement")))
            own = tok == VG_JSON_ARRAY ? vg_str_slice(raw, 1, raw.len - 1) : raw;
    }
    bool has_both = own.len > 0 && statements.len > 0;
    return vg_str_fmt(arena,
                      "{\"Version\":\"%" VG_FMT "\",\"Statement\":[%" VG_FMT "%s%" VG_FMT "]}",
                      VG_ARG(version), VG_ARG(own), has_both ? "," : "", VG_ARG(statements));
}
