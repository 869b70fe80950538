/* SPDX-License-Identifier: Apache-2.0 */
/* The resource policy of a function, a statement at a time. */
#include "codec/json.h"
#include "core/env.h"
#include "services/lambda/lambda_int.h"

struct condition {
    const char *operator;
    const char *key;
    struct vg_str value;
};

static void
add_principal(struct vg_json_out *w, struct vg_req *rq, struct vg_str p)
{
    vg_jsonw_key(w, VG_STR("Principal"));
    if (vg_str_eq(p, VG_STR("*"))) {
        vg_jsonw_str(w, p);
        return;
    }
    vg_jsonw_object(w);
    if (p.len == 12 && lambda_is_version(p))
        vg_jsonw_kv(w, VG_STR("AWS"),
                    vg_str_fmt(rq->arena, "arn:%" VG_FMT ":iam::%" VG_FMT ":root",
                               VG_ARG(rq->scope->partition), VG_ARG(p)));
    else
        vg_jsonw_kv(w, vg_str_starts(p, VG_STR("arn:")) ? VG_STR("AWS") : VG_STR("Service"), p);
    vg_jsonw_object_end(w);
}

static void
add_conditions(struct vg_json_out *w, const struct lambda_add_permission_request *in)
{
    const struct condition all[] = {
        { "StringEquals", "AWS:SourceAccount", in->source_account },
        { "StringEquals", "aws:PrincipalOrgID", in->principal_org_id },
        { "StringEquals", "lambda:EventSourceToken", in->event_source_token },
        { "StringEquals", "lambda:FunctionUrlAuthType", in->function_url_auth_type.text },
        { "ArnLike", "AWS:SourceArn", in->source_arn },
        { "Bool", "lambda:InvokedViaFunctionUrl",
          in->invoked_via_function_url.set
              ? vg_str_of(in->invoked_via_function_url.v ? "true" : "false")
              : VG_STR_NONE },
    };
    const char *open = NULL;
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        if (!all[i].value.ptr)
            continue;
        if (!open) {
            vg_jsonw_key(w, VG_STR("Condition"));
            vg_jsonw_object(w);
        }
        if (!open || strcmp(open, all[i].operator) != 0) {
            if (open)
                vg_jsonw_object_end(w);
            vg_jsonw_key(w, vg_str_of(all[i].operator));
            vg_jsonw_object(w);
            open = all[i].operator;
        }
        vg_jsonw_kv(w, vg_str_of(all[i].key), all[i].value);
    }
    if (open) {
        vg_jsonw_object_end(w);
        vg_jsonw_object_end(w);
    }
}

static struct vg_str
make_statement(struct vg_req *rq, const struct lambda_add_permission_request *in,
               const struct lambda_name *name)
{
    struct vg_buf b;
    struct vg_json_out w;
    vg_buf_init(&b, rq->arena, 1u << 16);
    vg_jsonw_init(&w, &b);
    vg_jsonw_object(&w);
    vg_jsonw_kv(&w, VG_STR("Sid"), in->statement_id);
    vg_jsonw_kv(&w, VG_STR("Effect"), VG_STR("Allow"));
    add_principal(&w, rq, in->principal);
    vg_jsonw_kv(&w, VG_STR("Action"), in->action);
    vg_jsonw_kv(&w, VG_STR("Resource"), lambda_arn(rq, name->name, name->qualifier));
    add_conditions(&w, in);
    vg_jsonw_object_end(&w);
    return vg_buf_str(&b);
}

static bool
is_of(const struct lambda_rec_statement *s, struct vg_str qualifier)
{
    return vg_str_eq(s->qualifier.ptr ? s->qualifier : VG_STR(""),
                     qualifier.ptr ? qualifier : VG_STR(""));
}

struct vg_str
lambda_policy_text(struct vg_req *rq, const struct lambda_rec_function *fn, struct vg_str qualifier)
{
    struct vg_buf b;
    size_t n = 0;
    vg_buf_init(&b, rq->arena, 1u << 20);
    vg_buf_adds(&b, VG_STR("{\"Version\":\"2012-10-17\",\"Id\":\"default\",\"Statement\":["));
    for (size_t i = 0; i < fn->statements.len; i++) {
        if (!is_of(&fn->statements.items[i], qualifier))
            continue;
        if (n++ > 0)
            vg_buf_addc(&b, ',');
        vg_buf_adds(&b, fn->statements.items[i].json);
    }
    vg_buf_adds(&b, VG_STR("]}"));
    return n > 0 ? vg_buf_str(&b) : VG_STR_NONE;
}

static vg_rc
no_policy(struct vg_req *rq)
{
    struct lambda_resource_not_found_exception *d =
        VG_NEW(rq->arena, struct lambda_resource_not_found_exception);
    d->type = VG_STR("User");
    return lambda_fail_resource_not_found_exception_detail(
        rq, d, "The resource you requested does not exist.");
}

/* Opens the function for a change of its policy. */
static vg_rc VG_WAITS
open_function(struct vg_req *rq, const struct lambda_name *name, struct vg_str revision,
              struct vg_tx **ret_tx, struct lambda_rec_function *ret)
{
    struct lambda_rec_function version;
    vg_rc rc = lambda_load(rq, name, &version);
    if (rc == VG_OK)
        rc = vg_tx_open(rq, lambda_store_part(rq->arena, rq->scope->owner, rq->scope->region),
                        ret_tx);
    if (rc == VG_OK)
        rc = lambda_store_tx_get(rq, *ret_tx, name->name, LAMBDA_LATEST, ret);
    if (rc == VG_OK && !ret->name.ptr)
        return lambda_not_found(rq, lambda_arn(rq, name->name, VG_STR_NONE));
    if (rc == VG_OK)
        rc = lambda_check_revision(rq, revision,
                                   ret->policy_revision.ptr ? ret->policy_revision : ret->revision);
    return rc;
}

vg_rc
lambda_add_permission(struct vg_req *rq, const struct lambda_add_permission_request *in,
                      struct lambda_add_permission_response *out)
{
    struct lambda_name name;
    struct lambda_rec_function fn;
    vg_rc rc = lambda_resolve(rq, in->function_name, in->qualifier, &name);
    if (rc == VG_OK && name.qualifier.ptr && vg_str_eq(name.qualifier, LAMBDA_LATEST))
        return lambda_bad(rq, "We currently do not support adding policies for $LATEST.");
    if (rc == VG_OK && !vg_str_starts(in->action, VG_STR("lambda:")))
        return lambda_bad(rq, "The provided action is invalid: %" VG_FMT, VG_ARG(in->action));
    if (rc != VG_OK)
        return rc;
    vg_auto_tx struct vg_tx *tx = NULL;
    rc = open_function(rq, &name, in->revision_id, &tx, &fn);
    if (rc != VG_OK)
        return rc;
    size_t bytes = 0;
    for (size_t i = 0; i < fn.statements.len; i++) {
        bytes += fn.statements.items[i].json.len;
        if (is_of(&fn.statements.items[i], name.qualifier)
            && vg_str_eq(fn.statements.items[i].sid, in->statement_id))
            return lambda_conflict(rq,
                                   "The statement id (%" VG_FMT ") provided already exists. Please "
                                   "provide a new statement id, or remove the existing statement.",
                                   VG_ARG(in->statement_id));
    }
    struct vg_str json = make_statement(rq, in, &name);
    if (bytes + json.len > LAMBDA_LIMIT_POLICY_BYTES)
        return lambda_fail_policy_length_exceeded_exception(
            rq, "The final policy size (%zu) is bigger than the limit (%d).", bytes + json.len,
            LAMBDA_LIMIT_POLICY_BYTES);
    *VG_VEC_ADD(rq->arena, &fn.statements) = (struct lambda_rec_statement) {
        .sid = in->statement_id, .json = json, .qualifier = name.qualifier
    };
    fn.policy_revision = lambda_new_revision(rq);
    lambda_store_put(rq, tx, &fn);
    out->statement = json;
    return vg_tx_commit(&tx, rq->err);
}

vg_rc
lambda_remove_permission(struct vg_req *rq, const struct lambda_remove_permission_request *in)
{
    struct lambda_name name;
    struct lambda_rec_function fn;
    vg_rc rc = lambda_resolve(rq, in->function_name, in->qualifier, &name);
    if (rc != VG_OK)
        return rc;
    vg_auto_tx struct vg_tx *tx = NULL;
    rc = open_function(rq, &name, in->revision_id, &tx, &fn);
    if (rc != VG_OK)
        return rc;
    if (!lambda_policy_text(rq, &fn, name.qualifier).ptr)
        return lambda_fail_resource_not_found_exception(
            rq, "No policy is associated with the given resource.");
    size_t keep = 0;
    for (size_t i = 0; i < fn.statements.len; i++) {
        if (is_of(&fn.statements.items[i], name.qualifier)
            && vg_str_eq(fn.statements.items[i].sid, in->statement_id))
            continue;
        fn.statements.items[keep++] = fn.statements.items[i];
    }
    if (keep == fn.statements.len)
        return lambda_fail_resource_not_found_exception(
            rq, "Statement %" VG_FMT " is not found in resource policy.", VG_ARG(in->statement_id));
    fn.statements.len = keep;
    fn.policy_revision = lambda_new_revision(rq);
    lambda_store_put(rq, tx, &fn);
    return vg_tx_commit(&tx, rq->err);
}

vg_rc
lambda_get_policy(struct vg_req *rq, const struct lambda_get_policy_request *in,
                  struct lambda_get_policy_response *out)
{
    struct lambda_name name;
    struct lambda_rec_function version, fn;
    vg_rc rc = lambda_resolve(rq, in->function_name, in->qualifier, &name);
    if (rc == VG_OK)
        rc = lambda_load(rq, &name, &version);
    if (rc == VG_OK)
        rc = lambda_store_get(rq, name.name, LAMBDA_LATEST, &fn);
    if (rc != VG_OK)
        return rc;
    out->policy = lambda_policy_text(rq, &fn, name.qualifier);
    out->revision_id = fn.policy_revision.ptr ? fn.policy_revision : fn.revision;
    return out->policy.ptr ? VG_OK : no_policy(rq);
}
