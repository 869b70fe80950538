/* SPDX-License-Identifier: Apache-2.0 */
#include "core/authz.h"

#include "auth/auth.h"
#include "base/buf.h"
#include "core/fail.h"
#include "core/registry.h"
#include "wire/shape.h"

#define ARN_MAX_BYTES 4096

struct vg_authz_item *
vg_authz_add(struct vg_authz *az, struct vg_str action, struct vg_str resource,
             const struct vg_ctx *ctx, size_t n_ctx)
{
    struct vg_authz_item *item = VG_VEC_ADD(az->rq->arena, &az->items);
    *item = (struct vg_authz_item) {
        .action = action, .resource = resource, .ctx = ctx, .n_ctx = n_ctx
    };
    return item;
}

struct vg_str
vg_member_str(const struct vg_shape *shape, const void *in, struct vg_str name)
{
    for (size_t i = 0; shape && in && i < shape->n_members; i++) {
        const struct vg_member *m = &shape->members[i];
        if (m->shape->type == VG_T_STR && vg_str_eq(m->name, name))
            return *(const struct vg_str *)(const void *)((const char *)in + m->offset);
    }
    return VG_STR_NONE;
}

/* The value of one {name} or {name|arn}; sets *is_whole when it is a whole ARN itself. */
static struct vg_str
expand_one(struct vg_req *rq, struct vg_str name, const void *in, bool *is_whole)
{
    if (vg_str_eq(name, VG_STR("partition")))
        return rq->scope->partition;
    if (vg_str_eq(name, VG_STR("region")))
        return rq->scope->region;
    if (vg_str_eq(name, VG_STR("account")))
        return rq->scope->owner;
    struct vg_str filter = name;
    struct vg_str member = vg_str_cut(&filter, '|');
    struct vg_str value = vg_member_str(rq->op->in, in, member);
    *is_whole = vg_str_eq(filter, VG_STR("arn")) && vg_str_starts(value, VG_STR("arn:"));
    return value;
}

struct vg_str
vg_arn_expand(struct vg_req *rq, const char *template_text, const void *in)
{
    struct vg_str rest = vg_str_of(template_text);
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, ARN_MAX_BYTES);
    while (rest.len) {
        size_t open = vg_str_find_char(rest, '{');
        vg_buf_adds(&b, vg_str_slice(rest, 0, open));
        if (open == VG_NPOS)
            break;
        size_t close = vg_str_find_char(rest, '}');
        VG_ASSERT(close != VG_NPOS && close > open);
        bool is_whole = false;
        struct vg_str value = expand_one(rq, vg_str_slice(rest, open + 1, close), in, &is_whole);
        if (is_whole)
            return value;
        vg_buf_adds(&b, value);
        rest = vg_str_slice(rest, close + 1, rest.len);
    }
    return vg_buf_str(&b);
}

/* What the owning service knows of the resource; all absent for "*" and foreign ARNs. */
static vg_rc
describe(struct vg_req *rq, struct vg_str arn, struct vg_resource *ret)
{
    *ret = (struct vg_resource) { 0 };
    const struct vg_service *s = vg_registry_by_arn(rq->env->registry, arn);
    if (s == NULL || s->resource == NULL)
        return VG_OK;
    struct vg_req sub = *rq;
    sub.svc = vg_registry_state(rq->env->registry, s);
    return s->resource(&sub, arn, ret);
}

/* One access as the evaluator wants it. */
static vg_rc
access_of(struct vg_req *rq, const struct vg_authz_item *item, struct vg_ctx_source *source,
          const struct vg_ctx *common, size_t n_common, struct vg_access *ret)
{
    struct vg_resource about;
    vg_rc rc = describe(rq, item->resource, &about);
    if (rc != VG_OK)
        return rc;
    *ret = (struct vg_access) {
        .action = item->action,
        .resource = item->resource,
        .resource_account = about.owner,
        .resource_policy = about.policy,
        .is_resource_policy_required = about.is_policy_required,
        .is_trust_policy = about.is_trust_policy,
        .is_granted = item->is_granted,
        .resource_words = item->resource_words,
        .resource_tags = about.tags,
        .n_resource_tags = about.n_tags,
        .region = rq->scope->region,
        .ctx = item->ctx,
        .n_ctx = item->n_ctx,
        .source = source,
        .common = common,
        .n_common = n_common,
    };
    return VG_OK;
}

static vg_rc
decide(struct vg_req *rq, const struct vg_access *what, struct vg_decision *ret)
{
    struct vg_err cause = { 0 };
    vg_rc rc = vg_auth_decide(rq->env->auth, rq->sess, rq->scope->caller, what, ret, &cause);
    return rc == VG_FAIL ? vg_fail_internal(rq, &cause) : rc;
}

/* The second run of a request's authz function. */
struct late {
    struct vg_authz az;
    const void *in;
    size_t i; /* the item that is judged */
};

static vg_rc
gather(struct vg_ctx_source *src)
{
    struct late *late = src->arg;
    struct vg_req *rq = late->az.rq;
    if (!late->az.has_ctx) {
        late->az.has_ctx = true;
        vg_rc rc = rq->op->authz(rq, late->in, &late->az);
        if (rc != VG_OK)
            return rc;
    }
    VG_ASSERT(late->i < late->az.items.len);
    src->ctx = late->az.items.items[late->i].ctx;
    src->n_ctx = late->az.items.items[late->i].n_ctx;
    return VG_OK;
}

static struct vg_str
denial(struct vg_req *rq, const struct vg_access *what, const struct vg_decision *why)
{
    const struct vg_service *s = rq->op ? rq->op->service : NULL;
    return s && s->denial ? s->denial(rq, what, why)
                          : vg_auth_denial(rq->arena, rq->scope->caller, what, why);
}

/* *ret_denial absent: it is allowed. `source` may be NULL. */
static vg_rc
judge(struct vg_req *rq, const struct vg_authz_item *item, struct vg_ctx_source *source,
      const struct vg_ctx *common, size_t n_common, struct vg_str *ret_denial)
{
    struct vg_access what;
    struct vg_decision d;
    *ret_denial = VG_STR_NONE;
    vg_rc rc = access_of(rq, item, source, common, n_common, &what);
    if (rc == VG_OK)
        rc = decide(rq, &what, &d);
    if (rc == VG_OK && source)
        rc = source->rc;
    if (rc == VG_OK && !d.is_allowed)
        *ret_denial = denial(rq, &what, &d);
    return rc;
}

/* "table/notes" of "arn:aws:dynamodb:us-east-1:000000000000:table/notes"; absent where none is. */
static struct vg_str
arn_end(struct vg_str arn)
{
    for (int i = 0; i < 5; i++)
        vg_str_cut(&arn, ':');
    return arn.len ? arn : VG_STR_NONE;
}

vg_rc
vg_authorize(struct vg_req *rq, const struct vg_ctx *ctx, size_t n_ctx, const void *in)
{
    const struct vg_op *op = rq->op;
    if (op->flags & (VG_OP_INTERNAL | VG_OP_NOIAM | VG_OP_NOAUTH))
        return VG_OK;
    struct vg_authz az = { .rq = rq };
    if (op->authz) {
        vg_rc rc = op->authz(rq, in, &az);
        if (rc != VG_OK)
            return rc;
    } else {
        struct vg_str resource =
            op->iam_resource ? vg_arn_expand(rq, op->iam_resource, in) : VG_STR("*");
        vg_authz_add(&az, vg_str_of(op->iam_action), resource, NULL, 0);
    }
    if (az.items.len > 0)
        rq->about = arn_end(az.items.items[0].resource);
    struct late late = { .az = { .rq = rq }, .in = in };
    for (size_t i = 0; i < az.items.len; i++) {
        struct vg_ctx_source source = { .prefix = az.late_prefix, .gather = gather, .arg = &late };
        late.i = i;
        struct vg_str why_not;
        vg_rc rc = judge(rq, &az.items.items[i], &source, ctx, n_ctx, &why_not);
        if (rc == VG_OK && why_not.ptr)
            rc = vg_fail_access_denied(rq, why_not);
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

vg_rc
vg_denial(struct vg_req *rq, struct vg_str action, struct vg_str resource, const struct vg_ctx *ctx,
          size_t n_ctx, struct vg_str *ret)
{
    const struct vg_authz_item item = {
        .action = action, .resource = resource, .ctx = ctx, .n_ctx = n_ctx
    };
    return judge(rq, &item, NULL, rq->ctx, rq->n_ctx, ret);
}

vg_rc
vg_allowed(struct vg_req *rq, struct vg_str action, struct vg_str resource,
           const struct vg_ctx *ctx, size_t n_ctx, bool *ret)
{
    struct vg_str why_not;
    vg_rc rc = vg_denial(rq, action, resource, ctx, n_ctx, &why_not);
    if (rc == VG_OK)
        *ret = !why_not.ptr;
    return rc;
}
