/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Routes whose AuthorizationType is AWS_IAM.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
 * "clients must use Signature Version 4 to sign their requests … API Gateway invokes your API route
 * only if the client has execute-api permission for the route."  Resource policies "aren't
 * supported for HTTP APIs", so a caller of another account is never let in.
 */

#include "services/apigateway/apigateway_int.h"

#include "codec/uri.h"
#include "core/authz.h"
#include "core/fail.h"
#include "front/exchange.h"

/*
 * arn:aws:execute-api:region:account:api/stage/METHOD/path.  The path is decoded, as it is for
 * route selection: else %61dmin would pass by a policy that denies admin.
 */
static struct vg_str
arn_of(struct vg_req *rq, const struct apigateway_at *at, const struct apigateway_call *call)
{
    struct vg_str path = vg_uri_decode(rq->arena, call->path, false);
    return vg_str_fmt(rq->arena,
                      "arn:%" VG_FMT ":execute-api:%" VG_FMT ":%" VG_FMT ":%" VG_FMT "/%" VG_FMT
                      "/%" VG_FMT "%" VG_FMT,
                      VG_ARG(rq->scope->partition), VG_ARG(at->region), VG_ARG(at->account),
                      VG_ARG(at->api_id), VG_ARG(call->stage), VG_ARG(call->method), VG_ARG(path));
}

/* A modelled failure is the client's: VG_OK with its status. Any other stays one. */
static vg_rc
refuse(struct vg_req *rq, vg_rc rc, int *ret_status)
{
    if (rc != VG_FAIL || rq->err->def == NULL || rq->err->def->http_status >= 500)
        return rc;
    *ret_status = rq->err->def == &vg_err_request_too_large ? 413 : 403;
    vg_err_clear(rq->err);
    return VG_OK;
}

vg_rc
apigateway_iam_admit(struct vg_req *rq, const struct apigateway_at *at,
                     struct apigateway_call *call, int *ret_status)
{
    struct vg_exchange *x = vg_exchange_of(rq);
    bool is_allowed = false;
    vg_rc rc = vg_exchange_authenticate(x, VG_AUTHN_REST_JSON, VG_STR("execute-api"));
    if (rc != VG_OK)
        return refuse(rq, rc, ret_status);
    if (!x->is_signed || !vg_str_eq(x->authn.sig.region, at->region)) {
        *ret_status = 403;
        return VG_OK;
    }
    rc = vg_exchange_body_as_sent(x, APIGATEWAY_LIMIT_PAYLOAD_BYTES);
    if (rc != VG_OK)
        return refuse(rq, rc, ret_status);
    rc = vg_allowed(rq, VG_STR("execute-api:Invoke"), arn_of(rq, at, call), x->common, x->n_common,
                    &is_allowed);
    if (rc != VG_OK || !is_allowed) {
        *ret_status = 403;
        return rc;
    }
    const struct vg_principal *who = rq->scope->caller;
    struct apigateway_caller *caller = VG_NEW(rq->arena, struct apigateway_caller);
    *caller = (struct apigateway_caller) { .access_key = x->authn.sig.access_key_id,
                                           .account = who->account,
                                           .user_id = who->user_id,
                                           .arn = who->arn };
    call->caller = caller;
    call->body = x->body;
    return VG_OK;
}
