/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_FAIL_H
#define VG_CORE_FAIL_H

/*
 * Errors every AWS service may answer and no model lists ("Common Errors" of each API reference),
 * and the way a cause becomes InternalFailure.  Each returns VG_FAIL; the text lives in the arena.
 */

#include "core/service.h"

extern const struct vg_errdef vg_err_access_denied;       /* JSON protocols */
extern const struct vg_errdef vg_err_access_denied_rest;  /* rest-json: 403 */
extern const struct vg_errdef vg_err_access_denied_query; /* query, XML     */
extern const struct vg_errdef vg_err_internal_failure;
extern const struct vg_errdef vg_err_throttling;
extern const struct vg_errdef vg_err_validation;       /* ValidationException */
extern const struct vg_errdef vg_err_validation_query; /* ValidationError     */
extern const struct vg_errdef vg_err_unknown_operation;
extern const struct vg_errdef vg_err_not_implemented;
extern const struct vg_errdef vg_err_request_too_large;

/* Sets rq->err to `def` with a formatted message. */
vg_rc vg_fail(struct vg_req *rq, const struct vg_errdef *def, const char *fmt, ...) VG_PRINTF(3, 4);
/* ValidationException or ValidationError, as the protocol of rq->op says. */
vg_rc vg_fail_validation(struct vg_req *rq, const char *fmt, ...) VG_PRINTF(2, 3);
vg_rc vg_fail_access_denied(struct vg_req *rq, struct vg_str text);
/* An operation of the model that this build does not carry out: names itself, HTTP 501. */
vg_rc vg_fail_not_implemented(struct vg_req *rq);
/*
 * A library failed (rq->err has its cause, or `cause` does): logged once with the request id; the
 * caller learns InternalFailure only.
 */
vg_rc vg_fail_internal(struct vg_req *rq, const struct vg_err *cause);

#endif
