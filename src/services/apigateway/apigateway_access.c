/* SPDX-License-Identifier: Apache-2.0 */

/* Access logs: lines into CloudWatch Logs, as the account that owns the API. */

#include "services/apigateway/apigateway_int.h"

#include "auth/principal.h"
#include "base/log.h"
#include "core/env.h"
#include "services/logs/errors.h"
#include "services/logs/ops.h"

struct vg_str
apigateway_log_group(const struct apigateway_at *at, struct vg_str arn)
{
    struct vg_str prefix =
        vg_str_fmt(at->rq->arena, "arn:%" VG_FMT ":logs:%" VG_FMT ":%" VG_FMT ":log-group:",
                   VG_ARG(at->rq->scope->partition), VG_ARG(at->region), VG_ARG(at->account));
    if (!vg_str_starts(arn, prefix))
        return VG_STR_NONE;
    struct vg_str name = vg_str_slice(arn, prefix.len, arn.len);
    if (vg_str_ends(name, VG_STR(":*")))
        name.len -= 2;
    return name.len > 0 ? name : VG_STR_NONE;
}

static const struct vg_principal *
owner_of(const struct apigateway_at *at)
{
    struct vg_principal *p = VG_NEW(at->rq->arena, struct vg_principal);
    p->kind = VG_PRINCIPAL_ROOT;
    p->partition = at->rq->scope->partition;
    p->account = at->account;
    p->arn = vg_str_fmt(at->rq->arena, "arn:%" VG_FMT ":iam::%" VG_FMT ":root",
                        VG_ARG(p->partition), VG_ARG(p->account));
    p->user_id = p->account;
    return p;
}

static vg_rc
put(struct vg_req *rq, const struct vg_as *as, const struct logs_put_log_events_request *in,
    struct vg_err *err)
{
    struct logs_put_log_events_response out = { 0 };
    const struct logs_create_log_stream_request stream = { .log_group_name = in->log_group_name,
                                                           .log_stream_name = in->log_stream_name };
    vg_rc rc = vg_call(rq, as, &logs_op_put_log_events, in, &out, err);
    if (rc == VG_OK || err->def != &logs_err_resource_not_found_exception)
        return rc;
    vg_err_clear(err);
    rc = vg_call(rq, as, &logs_op_create_log_stream, &stream, NULL, err);
    if (rc != VG_OK && err->def != &logs_err_resource_already_exists_exception)
        return rc;
    vg_err_clear(err);
    return vg_call(rq, as, &logs_op_put_log_events, in, &out, err);
}

void
apigateway_log_access(struct vg_req *rq, const struct apigateway_at *at,
                      const struct apigateway_rec_stage *stage, struct vg_str line)
{
    struct vg_err err = { 0 };
    const struct vg_as as = { .caller = owner_of(at),
                              .account = at->account,
                              .region = at->region };
    struct logs_input_log_event event = {
        .timestamp = { true, vg_now_ms(rq->env) },
        .message = line,
    };
    const struct logs_put_log_events_request in = {
        .log_group_name = apigateway_log_group(at, stage->log_arn),
        .log_stream_name =
            vg_str_fmt(rq->arena, "%" VG_FMT "/%" VG_FMT, VG_ARG(at->api_id), VG_ARG(stage->name)),
        .log_events = { .items = &event, .len = 1, .set = true },
    };
    if (line.len > 0 && put(rq, &as, &in, &err) != VG_OK)
        vg_log(VG_LOG_WARN, "execute-api: access log not written", { "api", at->api_id },
               { "group", in.log_group_name }, { "cause", vg_err_text(&err) });
}
