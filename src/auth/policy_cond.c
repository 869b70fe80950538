/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Condition operators.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */

#include "auth/policy_int.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>

static const struct {
    struct vg_str name;
    enum cond_op op;
    bool is_negated;
} ops[] = {
    { VG_STR_INIT("StringEquals"), OP_STRING_EQ, false },
    { VG_STR_INIT("StringNotEquals"), OP_STRING_EQ, true },
    { VG_STR_INIT("StringEqualsIgnoreCase"), OP_STRING_EQ_NOCASE, false },
    { VG_STR_INIT("StringNotEqualsIgnoreCase"), OP_STRING_EQ_NOCASE, true },
    { VG_STR_INIT("StringLike"), OP_STRING_LIKE, false },
    { VG_STR_INIT("StringNotLike"), OP_STRING_LIKE, true },
    { VG_STR_INIT("NumericEquals"), OP_NUM_EQ, false },
    { VG_STR_INIT("NumericNotEquals"), OP_NUM_EQ, true },
    { VG_STR_INIT("NumericLessThan"), OP_NUM_LT, false },
    { VG_STR_INIT("NumericLessThanEquals"), OP_NUM_LE, false },
    { VG_STR_INIT("NumericGreaterThan"), OP_NUM_GT, false },
    { VG_STR_INIT("NumericGreaterThanEquals"), OP_NUM_GE, false },
    { VG_STR_INIT("DateEquals"), OP_DATE_EQ, false },
    { VG_STR_INIT("DateNotEquals"), OP_DATE_EQ, true },
    { VG_STR_INIT("DateLessThan"), OP_DATE_LT, false },
    { VG_STR_INIT("DateLessThanEquals"), OP_DATE_LE, false },
    { VG_STR_INIT("DateGreaterThan"), OP_DATE_GT, false },
    { VG_STR_INIT("DateGreaterThanEquals"), OP_DATE_GE, false },
    { VG_STR_INIT("Bool"), OP_BOOL, false },
    { VG_STR_INIT("BinaryEquals"), OP_BINARY, false },
    { VG_STR_INIT("IpAddress"), OP_IP, false },
    { VG_STR_INIT("NotIpAddress"), OP_IP, true },
    { VG_STR_INIT("ArnEquals"), OP_ARN, false },
    { VG_STR_INIT("ArnLike"), OP_ARN, false },
    { VG_STR_INIT("ArnNotEquals"), OP_ARN, true },
    { VG_STR_INIT("ArnNotLike"), OP_ARN, true },
    { VG_STR_INIT("Null"), OP_NULL, false },
};

bool
cond_op_find(struct vg_str name, struct condition *ret)
{
    ret->set = SET_NONE;
    ret->if_exists = false;
    if (vg_str_starts_nocase(name, VG_STR("ForAnyValue:"))) {
        ret->set = SET_ANY;
        name = vg_str_slice(name, 12, name.len);
    } else if (vg_str_starts_nocase(name, VG_STR("ForAllValues:"))) {
        ret->set = SET_ALL;
        name = vg_str_slice(name, 13, name.len);
    }
    if (name.len > 8
        && vg_str_eq_nocase(vg_str_slice(name, name.len - 8, name.len), VG_STR("IfExists"))) {
        ret->if_exists = true;
        name.len -= 8;
    }
    for (size_t i = 0; i < VG_COUNT(ops); i++) {
        if (!vg_str_eq_nocase(ops[i].name, name))
            continue;
        ret->op = ops[i].op;
        ret->is_negated = ops[i].is_negated;
        return ret->op != OP_NULL || !ret->if_exists;
    }
    return false;
}

static bool
to_number(struct vg_str s, double *ret)
{
    char text[64], *end;
    if (s.len == 0 || s.len >= sizeof(text))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("0123456789+-.eE", s.ptr[i]))
            return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    *ret = strtod(text, &end);
    return *end == '\0' && isfinite(*ret);
}

static bool
to_address(struct vg_str s, struct cidr *ret)
{
    char text[64];
    struct vg_str rest = s;
    struct vg_str host = vg_str_cut(&rest, '/');
    if (host.len == 0 || host.len >= sizeof(text))
        return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    *ret = (struct cidr) { .is_v6 = strchr(text, ':') != NULL };
    if (inet_pton(ret->is_v6 ? AF_INET6 : AF_INET, text, ret->bytes) != 1)
        return false;
    int64_t bits = ret->is_v6 ? 128 : 32, max = bits;
    if (rest.ptr && (!vg_str_to_i64(rest, &bits) || bits < 0 || bits > max))
        return false;
    ret->bits = (int)bits;
    return true;
}

static bool
in_cidr(const struct cidr *net, const struct cidr *host)
{
    if (net->is_v6 != host->is_v6)
        return false;
    int whole = net->bits / 8, rest = net->bits % 8;
    if (memcmp(net->bytes, host->bytes, (size_t)whole) != 0)
        return false;
    uint8_t mask = (uint8_t)(0xff << (8 - rest));
    return rest == 0 || ((net->bytes[whole] ^ host->bytes[whole]) & mask) == 0;
}

void
cond_value_compile(struct vg_arena *arena, const struct condition *c, struct vg_str text,
                   bool has_variables, struct cond_value *ret)
{
    unsigned flags = has_variables ? PAT_VARIABLES : 0;
    *ret = (struct cond_value) { 0 };
    switch (c->op) {
    case OP_STRING_LIKE:
    case OP_ARN:
        flags |= PAT_WILD;
        break;
    case OP_NUM_EQ:
    case OP_NUM_LT:
    case OP_NUM_LE:
    case OP_NUM_GT:
    case OP_NUM_GE:
        ret->is_valid = to_number(text, &ret->num);
        return;
    case OP_DATE_EQ:
    case OP_DATE_LT:
    case OP_DATE_LE:
    case OP_DATE_GT:
    case OP_DATE_GE:
        ret->is_valid = policy_date(text, &ret->ms);
        return;
    case OP_IP:
        ret->is_valid = to_address(text, &ret->cidr);
        return;
    case OP_BINARY:
        flags = 0;
        break;
    default:
        break;
    }
    ret->is_valid = pattern_compile(arena, text, flags, &ret->pat);
}

static bool
compare(enum cond_op op, int sign)
{
    switch (op) {
    case OP_NUM_LT:
    case OP_DATE_LT:
        return sign < 0;
    case OP_NUM_LE:
    case OP_DATE_LE:
        return sign <= 0;
    case OP_NUM_GT:
    case OP_DATE_GT:
        return sign > 0;
    case OP_NUM_GE:
    case OP_DATE_GE:
        return sign >= 0;
    default:
        return sign == 0;
    }
}

static bool
bool_match(struct eval *ev, const struct cond_value *want, struct vg_str have)
{
    struct vg_str text;
    if (!pattern_resolve(ev, &want->pat, &text))
        return false;
    bool is_bool =
        vg_str_eq_nocase(text, VG_STR("true")) || vg_str_eq_nocase(text, VG_STR("false"));
    return is_bool && vg_str_eq_nocase(text, have);
}

/*
 * One value of the request against one of the policy.  False for `ret_readable` says that the
 * request's value is no number, date or address at all, and then not even a negated operator holds.
 */
static bool
value_match(struct eval *ev, const struct condition *c, const struct cond_value *want,
            struct vg_str have, bool *ret_readable)
{
    double num;
    int64_t ms;
    struct cidr host;
    switch (c->op) {
    case OP_STRING_EQ:
    case OP_STRING_LIKE:
    case OP_BINARY:
        return pattern_match(ev, &want->pat, have, false);
    case OP_STRING_EQ_NOCASE:
        return pattern_match(ev, &want->pat, have, true);
    case OP_ARN:
        *ret_readable = vg_str_starts(have, VG_STR("arn:"));
        return *ret_readable && pattern_match_arn(ev, &want->pat, have);
    case OP_BOOL:
        return bool_match(ev, want, have);
    case OP_IP:
        *ret_readable = want->is_valid && to_address(have, &host);
        return *ret_readable && in_cidr(&want->cidr, &host);
    case OP_NUM_EQ:
    case OP_NUM_LT:
    case OP_NUM_LE:
    case OP_NUM_GT:
    case OP_NUM_GE:
        *ret_readable = want->is_valid && to_number(have, &num);
        return *ret_readable && compare(c->op, (num > want->num) - (num < want->num));
    case OP_DATE_EQ:
    case OP_DATE_LT:
    case OP_DATE_LE:
    case OP_DATE_GT:
    case OP_DATE_GE:
        *ret_readable = want->is_valid && policy_date(have, &ms);
        return *ret_readable && compare(c->op, (ms > want->ms) - (ms < want->ms));
    case OP_NULL:
        break;
    }
    VG_BUG("unknown operator");
}

/*
 * The values of the policy are alternatives; of a negated operator none may match.  One whose
 * variable has no value matches nothing: "inverted condition operators … do match against a null
 * value" (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html).
 */
static bool
any_match(struct eval *ev, const struct condition *c, struct vg_str have)
{
    bool is_readable = true;
    for (size_t i = 0; i < c->n_values; i++) {
        bool ok_here = true;
        bool is_match = value_match(ev, c, &c->values[i], have, &ok_here);
        is_readable = is_readable && ok_here;
        if (is_match)
            return !c->is_negated;
    }
    return c->is_negated && is_readable;
}

static bool
null_match(struct eval *ev, const struct condition *c, const struct ctx_values *v)
{
    struct vg_str want = v->is_there ? VG_STR("false") : VG_STR("true");
    for (size_t i = 0; i < c->n_values; i++)
        if (pattern_match(ev, &c->values[i].pat, want, true))
            return true;
    return false;
}

bool
cond_match(struct eval *ev, const struct condition *c)
{
    struct ctx_values v;
    ctx_get(ev, &c->key, &v);
    if (c->op == OP_NULL)
        return null_match(ev, c, &v);
    if (!v.is_there) {
        if (c->set == SET_ALL)
            return true;
        return c->if_exists || (c->is_negated && c->set == SET_NONE);
    }
    if (c->set == SET_NONE)
        return v.n == 1 && any_match(ev, c, v.one);
    for (size_t i = 0; i < v.n; i++) {
        bool is_match = any_match(ev, c, ctx_value(&v, i));
        if (is_match != (c->set == SET_ALL))
            return is_match;
    }
    return c->set == SET_ALL;
}
