/* SPDX-License-Identifier: Apache-2.0 */
#include "services/s3/s3_form_policy.h"

#include "codec/base64.h"
#include "codec/json.h"
#include "codec/time.h"

#define TEXT_MAX_BYTES (64u << 10)
#define BAD_JSON       "Invalid JSON."

struct reader {
    struct vg_arena *arena;
    struct vg_json js;
    struct s3_form_policy *policy;
    struct vg_str why;
};

struct vg_str
s3_form_get(const struct s3_form_fields *fields, struct vg_str name)
{
    for (size_t i = 0; i < fields->len; i++)
        if (vg_str_eq(fields->items[i].name, name))
            return fields->items[i].value;
    return VG_STR_NONE;
}

/* --- reading ------------------------------------------------------------------------------------
 */

static bool VG_PRINTF(2, 3) bad(struct reader *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    r->why = vg_str_vfmt(r->arena, TEXT_MAX_BYTES, fmt, ap);
    va_end(ap);
    return false;
}

/* ["eq", "$key", "a"], as S3 writes conditions. */
static struct vg_str
condition_text(struct vg_arena *arena, const char *op, struct vg_str a, struct vg_str b)
{
    struct vg_buf buf;
    struct vg_json_out w;
    vg_buf_init(&buf, arena, TEXT_MAX_BYTES);
    vg_buf_addf(&buf, "[\"%s\", ", op);
    vg_jsonw_init(&w, &buf);
    vg_jsonw_str(&w, a);
    vg_buf_adds(&buf, VG_STR(", "));
    vg_jsonw_init(&w, &buf);
    vg_jsonw_str(&w, b);
    vg_buf_addc(&buf, ']');
    return vg_buf_str(&buf);
}

static void
add_condition(struct reader *r, enum s3_form_match match, struct vg_str field, struct vg_str value)
{
    *VG_VEC_ADD(r->arena, &r->policy->conditions) =
        (struct s3_form_condition) { .match = match, .field = field, .value = value };
}

/* {"acl": "public-read"}: behind the brace. */
static bool
read_simple(struct reader *r)
{
    size_t n = 0;
    for (;;) {
        enum vg_json_tok tok = vg_json_next(&r->js);
        if (tok == VG_JSON_OBJECT_END)
            break;
        if (tok != VG_JSON_KEY)
            return bad(r, BAD_JSON);
        struct vg_str field = vg_str_cat(r->arena, VG_STR("$"), r->js.text);
        tok = vg_json_next(&r->js);
        if (tok == VG_JSON_ERROR || tok == VG_JSON_NULL)
            return bad(r, BAD_JSON);
        if (tok != VG_JSON_STRING)
            return bad(r, "Invalid Simple-Condition: value must be a string.");
        add_condition(r, S3_FORM_EQ, field, r->js.text);
        n++;
    }
    return n == 1 ? true
                  : bad(r, "Invalid Simple-Condition: Simple-Conditions must have exactly one "
                           "property specified.");
}

static bool
read_range(struct reader *r, const struct vg_str args[2])
{
    struct s3_form_policy *p = r->policy;
    uint64_t min, max;
    if (!vg_str_to_u64(args[0], &min) || !vg_str_to_u64(args[1], &max)) {
        if (!p->bad_range.ptr)
            p->bad_range = condition_text(r->arena, "content-length-range", args[0], args[1]);
        return true;
    }
    p->min = VG_MAX(p->min, min);
    p->max = p->has_range ? VG_MIN(p->max, max) : max;
    p->has_range = true;
    return true;
}

/* A bound of a range: digits, or a string whatever it holds. */
static bool
is_argument(struct reader *r, bool is_range, enum vg_json_tok tok)
{
    uint64_t n;
    if (tok == VG_JSON_STRING)
        return true;
    return is_range && tok == VG_JSON_NUMBER && vg_str_to_u64(r->js.text, &n);
}

static bool
read_arguments(struct reader *r, const char *op, bool is_range, struct vg_str args[2])
{
    size_t n = 0;
    for (;;) {
        enum vg_json_tok tok = vg_json_next(&r->js);
        if (tok == VG_JSON_ARRAY_END)
            break;
        if (!is_argument(r, is_range, tok))
            return bad(r, BAD_JSON);
        if (n < 2)
            args[n] = r->js.text;
        n++;
    }
    return n == 2 ? true : bad(r, "Invalid %s: wrong number of arguments.", op);
}

/* ["starts-with", "$key", "user/"]: behind the bracket. */
static bool
read_list(struct reader *r)
{
    static const char *const ops[] = { "eq", "starts-with", "content-length-range" };
    struct vg_str args[2];
    size_t i = 0;
    if (vg_json_next(&r->js) != VG_JSON_STRING)
        return r->js.last == VG_JSON_ERROR
                   ? bad(r, BAD_JSON)
                   : bad(r, "Invalid Condition: missing operation identifier.");
    struct vg_str op = r->js.text;
    while (i < VG_COUNT(ops) && !vg_str_eq_nocase(op, vg_str_of(ops[i])))
        i++;
    if (i == VG_COUNT(ops))
        return bad(r, "Invalid Condition: unknown operation '%" VG_FMT "'.", VG_ARG(op));
    if (!read_arguments(r, ops[i], i == 2, args))
        return false;
    if (i == 2)
        return read_range(r, args);
    add_condition(r, i == 0 ? S3_FORM_EQ : S3_FORM_STARTS_WITH, args[0], args[1]);
    return true;
}

static bool
read_conditions(struct reader *r)
{
    enum vg_json_tok tok = vg_json_next(&r->js);
    bool is_good = tok == VG_JSON_ARRAY;
    if (!is_good)
        return bad(r,
                   tok == VG_JSON_ERROR ? BAD_JSON : "Invalid 'conditions' value: must be a List.");
    while (is_good && (tok = vg_json_next(&r->js)) != VG_JSON_ARRAY_END) {
        if (tok == VG_JSON_OBJECT)
            is_good = read_simple(r);
        else if (tok == VG_JSON_ARRAY)
            is_good = read_list(r);
        else
            is_good = bad(r, tok == VG_JSON_ERROR ? BAD_JSON
                                                  : "Invalid condition: must be a List or Object.");
    }
    return is_good;
}

/* "specifies the expiration date and time … in ISO8601 GMT date format": other zones are refused.
 */
static bool
read_expiration(struct reader *r)
{
    if (vg_json_next(&r->js) != VG_JSON_STRING)
        return bad(r, BAD_JSON);
    struct vg_str text = r->js.text;
    bool is_gmt = text.len > 10 && text.ptr[10] == 'T' && text.ptr[text.len - 1] == 'Z';
    return is_gmt && vg_time_parse_iso(text, &r->policy->expires_ms)
               ? true
               : bad(r, "Invalid 'expiration' value: '%" VG_FMT "'", VG_ARG(text));
}

static bool
read_members(struct reader *r)
{
    bool has_expiration = false, has_conditions = false, is_good = true;
    enum vg_json_tok tok;
    while (is_good && (tok = vg_json_next(&r->js)) != VG_JSON_OBJECT_END) {
        if (tok != VG_JSON_KEY)
            return bad(r, BAD_JSON);
        if (vg_str_eq(r->js.text, VG_STR("expiration")))
            is_good = has_expiration = read_expiration(r);
        else if (vg_str_eq(r->js.text, VG_STR("conditions")))
            is_good = has_conditions = read_conditions(r);
        else
            return bad(r, "Unexpected: '%" VG_FMT "'", VG_ARG(vg_str_lower(r->arena, r->js.text)));
    }
    if (!is_good)
        return false;
    if (!has_expiration)
        return bad(r, "Policy missing expiration.");
    return has_conditions ? true : bad(r, "Policy missing conditions.");
}

bool
s3_form_policy_read(struct vg_arena *arena, struct vg_str text, struct s3_form_policy *ret,
                    struct vg_str *ret_why)
{
    struct reader r = { .arena = arena, .policy = ret };
    struct vg_str json;
    *ret = (struct s3_form_policy) { .expires_ms = 0 };
    bool is_good = vg_base64_decode(arena, text, &json);
    if (!is_good)
        bad(&r, "invalid Base64 encoding.");
    if (is_good) {
        vg_json_init(&r.js, json, arena);
        is_good = vg_json_next(&r.js) == VG_JSON_OBJECT || bad(&r, BAD_JSON);
    }
    is_good = is_good && read_members(&r);
    if (is_good && vg_json_next(&r.js) != VG_JSON_END)
        is_good = bad(&r, BAD_JSON);
    *ret_why = r.why;
    return is_good;
}

/* --- holding forms to it ------------------------------------------------------------------------
 */

/* Fields that need no condition. */
static bool
is_free(struct vg_str name)
{
    static const struct vg_str all[] = { VG_STR_INIT("x-amz-signature"), VG_STR_INIT("signature"),
                                         VG_STR_INIT("awsaccesskeyid"), VG_STR_INIT("policy"),
                                         VG_STR_INIT("file") };
    for (size_t i = 0; i < VG_COUNT(all); i++)
        if (vg_str_eq(name, all[i]))
            return true;
    return vg_str_starts(name, VG_STR("x-ignore-"));
}

/* "Content-Types values for a starts-with condition that include commas are interpreted as lists.
 * Each value in the list must meet the condition for the whole condition to pass." */
static bool
all_start_with(struct vg_str list, struct vg_str prefix)
{
    while (list.ptr)
        if (!vg_str_starts(vg_str_trim(vg_str_cut(&list, ',')), prefix))
            return false;
    return true;
}

static bool
is_met(const struct s3_form_condition *c, struct vg_str name, struct vg_str value)
{
    if (!value.ptr)
        return false;
    if (c->match == S3_FORM_EQ)
        return vg_str_eq(value, c->value);
    if (vg_str_eq(name, VG_STR("content-type")))
        return all_start_with(value, c->value);
    return vg_str_starts(value, c->value);
}

/* The field's name in lower case; absent: it names none. */
static struct vg_str
field_of(struct vg_arena *arena, const struct s3_form_condition *c)
{
    if (!vg_str_starts(c->field, VG_STR("$")))
        return VG_STR_NONE;
    return vg_str_lower(arena, vg_str_slice(c->field, 1, c->field.len));
}

static bool
is_covered(const struct vg_str *names, size_t n, struct vg_str name)
{
    for (size_t i = 0; i < n; i++)
        if (vg_str_eq(names[i], name))
            return true;
    return is_free(name);
}

bool
s3_form_policy_holds(struct vg_arena *arena, const struct s3_form_policy *policy,
                     struct vg_str bucket, const struct s3_form_fields *fields,
                     struct vg_str *ret_why)
{
    static const char *const ops[] = { [S3_FORM_EQ] = "eq", [S3_FORM_STARTS_WITH] = "starts-with" };
    struct vg_str *names = VG_NEW_ARRAY(arena, struct vg_str, policy->conditions.len + 1);
    struct vg_str failed = policy->bad_range;
    for (size_t i = 0; i < policy->conditions.len && !failed.ptr; i++) {
        const struct s3_form_condition *c = &policy->conditions.items[i];
        names[i] = field_of(arena, c);
        bool is_bucket = vg_str_eq(names[i], VG_STR("bucket"));
        if (!is_met(c, names[i], is_bucket ? bucket : s3_form_get(fields, names[i])))
            failed = condition_text(arena, ops[c->match], c->field, c->value);
    }
    if (failed.ptr) {
        *ret_why = vg_str_cat(arena, VG_STR("Policy Condition failed: "), failed);
        return false;
    }
    struct vg_buf extra;
    vg_buf_init(&extra, arena, TEXT_MAX_BYTES);
    for (size_t i = 0; i < fields->len; i++)
        if (!is_covered(names, policy->conditions.len, fields->items[i].name))
            vg_buf_addf(&extra, "%s%" VG_FMT, extra.len ? ", " : "Extra input fields: ",
                        VG_ARG(fields->items[i].as_sent));
    *ret_why = vg_buf_str(&extra);
    return extra.len == 0;
}
