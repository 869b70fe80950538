/* SPDX-License-Identifier: Apache-2.0 */
/* Errors with the Type that AWS gives them, and names as requests give them. */
#include "services/lambda/lambda_int.h"

#include "base/limits.h"

vg_rc
lambda_bad(struct vg_req *rq, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct vg_str text = vg_str_vfmt(rq->arena, VG_ERR_TEXT_MAX_BYTES, fmt, ap);
    va_end(ap);
    struct lambda_invalid_parameter_value_exception *d =
        VG_NEW(rq->arena, struct lambda_invalid_parameter_value_exception);
    d->type = VG_STR("User");
    return lambda_fail_invalid_parameter_value_exception_detail(rq, d, "%" VG_FMT, VG_ARG(text));
}

vg_rc
lambda_conflict(struct vg_req *rq, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct vg_str text = vg_str_vfmt(rq->arena, VG_ERR_TEXT_MAX_BYTES, fmt, ap);
    va_end(ap);
    struct lambda_resource_conflict_exception *d =
        VG_NEW(rq->arena, struct lambda_resource_conflict_exception);
    d->type = VG_STR("User");
    return lambda_fail_resource_conflict_exception_detail(rq, d, "%" VG_FMT, VG_ARG(text));
}

vg_rc
lambda_not_found(struct vg_req *rq, struct vg_str arn)
{
    struct lambda_resource_not_found_exception *d =
        VG_NEW(rq->arena, struct lambda_resource_not_found_exception);
    d->type = VG_STR("User");
    return lambda_fail_resource_not_found_exception_detail(rq, d, "Function not found: %" VG_FMT,
                                                           VG_ARG(arn));
}

vg_rc
lambda_check_revision(struct vg_req *rq, struct vg_str given, struct vg_str have)
{
    if (!given.ptr || vg_str_eq(given, have))
        return VG_OK;
    return lambda_fail_precondition_failed_exception(
        rq, "The RevisionId provided does not match the latest RevisionId. Call the "
            "GetFunction/GetAlias API to retrieve the latest RevisionId");
}

vg_rc
lambda_resolve(struct vg_req *rq, struct vg_str function_name, struct vg_str qualifier,
               struct lambda_name *ret)
{
    if (!lambda_name_parse(function_name, ret))
        return lambda_bad(rq, "Invalid function name: %" VG_FMT, VG_ARG(function_name));
    if (ret->qualifier.ptr && qualifier.ptr && !vg_str_eq(ret->qualifier, qualifier))
        return lambda_bad(rq, "The derived qualifier from the function name does not match the "
                              "specified qualifier.");
    if (!ret->qualifier.ptr)
        ret->qualifier = qualifier;
    if (ret->region.ptr && !vg_str_eq(ret->region, rq->scope->region))
        return lambda_not_found(rq, function_name);
    if (ret->account.ptr && !vg_str_eq(ret->account, rq->scope->owner))
        return lambda_not_found(rq, function_name);
    return VG_OK;
}

vg_rc
lambda_resolve_whole(struct vg_req *rq, struct vg_str function_name, struct lambda_name *ret)
{
    vg_rc rc = lambda_resolve(rq, function_name, VG_STR_NONE, ret);
    if (rc == VG_OK && ret->qualifier.ptr && !vg_str_eq(ret->qualifier, LAMBDA_LATEST))
        return lambda_bad(rq, "This operation is permitted on Lambda functions only. Aliases and "
                              "versions do not support this operation. Please specify either a "
                              "function name or an unqualified function ARN.");
    ret->qualifier = VG_STR_NONE;
    return rc;
}

struct vg_str
lambda_metered_as(struct vg_req *rq, struct vg_str name)
{
    return vg_str_cat(rq->arena, VG_STR("function:"), name);
}

struct vg_str
lambda_arn(struct vg_req *rq, struct vg_str name, struct vg_str qualifier)
{
    const struct vg_scope *s = rq->scope;
    return vg_str_fmt(
        rq->arena, "arn:%" VG_FMT ":lambda:%" VG_FMT ":%" VG_FMT ":function:%" VG_FMT "%s%" VG_FMT,
        VG_ARG(s->partition), VG_ARG(s->region), VG_ARG(s->owner), VG_ARG(name),
        qualifier.ptr ? ":" : "", VG_ARG(qualifier));
}
