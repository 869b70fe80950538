/* SPDX-License-Identifier: Apache-2.0 */
#include "core/fail.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "wire/shape.h"

const struct vg_errdef vg_err_access_denied = {
    .code = VG_STR_INIT("AccessDeniedException"),
    .http_status = 400,
    .is_sender_fault = true,
};
const struct vg_errdef vg_err_access_denied_query = {
    .code = VG_STR_INIT("AccessDenied"),
    .http_status = 403,
    .is_sender_fault = true,
};
const struct vg_errdef vg_err_access_denied_rest = {
    .code = VG_STR_INIT("AccessDeniedException"),
    .http_status = 403,
    .is_sender_fault = true,
};
const struct vg_errdef vg_err_internal_failure = {
    .code = VG_STR_INIT("InternalFailure"),
    .http_status = 500,
    .is_retryable = true,
};
const struct vg_errdef vg_err_throttling = {
    .code = VG_STR_INIT("ThrottlingException"),
    .http_status = 400,
    .is_sender_fault = true,
    .is_retryable = true,
};
const struct vg_errdef vg_err_validation = {
    .code = VG_STR_INIT("ValidationException"),
    .http_status = 400,
    .is_sender_fault = true,
};
const struct vg_errdef vg_err_validation_query = {
    .code = VG_STR_INIT("ValidationError"),
    .http_status = 400,
    .is_sender_fault = true,
};
const struct vg_errdef vg_err_unknown_operation = {
    .code = VG_STR_INIT("UnknownOperationException"),
    .http_status = 404,
    .is_sender_fault = true,
};
const struct vg_errdef vg_err_not_implemented = {
    .code = VG_STR_INIT("NotImplementedException"),
    .http_status = 501,
};
const struct vg_errdef vg_err_request_too_large = {
    .code = VG_STR_INIT("RequestEntityTooLargeException"),
    .http_status = 413,
    .is_sender_fault = true,
};

static vg_rc
fail_text(struct vg_req *rq, const struct vg_errdef *def, struct vg_str text)
{
    *rq->err = (struct vg_err) { .def = def, .text = text };
    return VG_FAIL;
}

vg_rc
vg_fail(struct vg_req *rq, const struct vg_errdef *def, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct vg_str text = vg_str_vfmt(rq->arena, VG_ERR_TEXT_MAX_BYTES, fmt, ap);
    va_end(ap);
    return fail_text(rq, def, text);
}

/* Which of two names or statuses the protocol of the request uses. */
static enum vg_protocol
protocol_of(const struct vg_req *rq)
{
    return rq->op && rq->op->model ? (enum vg_protocol)rq->op->model->protocol : VG_PROTO_JSON_1_1;
}

static bool
is_xml(enum vg_protocol p)
{
    return p == VG_PROTO_QUERY || p == VG_PROTO_EC2 || p == VG_PROTO_REST_XML;
}

vg_rc
vg_fail_validation(struct vg_req *rq, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct vg_str text = vg_str_vfmt(rq->arena, VG_ERR_TEXT_MAX_BYTES, fmt, ap);
    va_end(ap);
    return fail_text(rq, is_xml(protocol_of(rq)) ? &vg_err_validation_query : &vg_err_validation,
                     text);
}

vg_rc
vg_fail_access_denied(struct vg_req *rq, struct vg_str text)
{
    enum vg_protocol p = protocol_of(rq);
    const struct vg_errdef *def = is_xml(p)                 ? &vg_err_access_denied_query
                                  : p == VG_PROTO_REST_JSON ? &vg_err_access_denied_rest
                                                            : &vg_err_access_denied;
    return fail_text(rq, def, text);
}

vg_rc
vg_fail_not_implemented(struct vg_req *rq)
{
    return vg_fail(rq, &vg_err_not_implemented,
                   "The operation %" VG_FMT ":%" VG_FMT " is not built in this version of Virga.",
                   VG_ARG(rq->op->endpoint), VG_ARG(rq->op->name));
}

vg_rc
vg_fail_internal(struct vg_req *rq, const struct vg_err *cause)
{
    const struct vg_err why = cause ? *cause : *rq->err;
    struct vg_str name = rq->op ? rq->op->name : VG_STR_NONE;
    vg_log(VG_LOG_ERROR, "internal_failure", { "request", rq->id }, { "operation", name },
           { "cause", vg_err_text(&why) },
           { "at", vg_str_fmt(rq->arena, "%s:%d", why.file ? why.file : "?", why.line) });
    return vg_fail(rq, &vg_err_internal_failure,
                   "We encountered an internal error. Please try again.");
}
