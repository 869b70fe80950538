/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function's output goes to CloudWatch Logs in the name of its execution role, group and stream
 * being made on the first write; a role without the permission loses its logs, as on AWS.
 */
#include "auth/principal.h"
#include "core/env.h"
#include "os/clock.h"
#include "sandbox/sandbox.h"
#include "services/lambda/lambda_int.h"
#include "services/logs/errors.h"
#include "services/logs/model.h"
#include "services/logs/ops.h"

#define BATCH_BYTES (1024u * 1024)
#define EVENT_EXTRA 26u

/* The session that runs the function: arn:aws:sts::…:assumed-role/ROLE/session. */
static const struct vg_principal *
session_of(struct vg_arena *arena, const struct vg_env *env, const struct vg_log_batch *batch)
{
    struct vg_principal *p = VG_NEW(arena, struct vg_principal);
    size_t slash = vg_str_rfind_char(batch->role, '/');
    struct vg_str role =
        vg_str_slice(batch->role, slash == VG_NPOS ? 0 : slash + 1, batch->role.len);
    p->kind = VG_PRINCIPAL_ROLE;
    p->partition = env->config->partition;
    p->account = batch->account;
    p->name = role;
    p->role_arn = batch->role;
    p->session_name = VG_STR("lambda");
    p->arn = vg_str_fmt(arena, "arn:%" VG_FMT ":sts::%" VG_FMT ":assumed-role/%" VG_FMT "/lambda",
                        VG_ARG(p->partition), VG_ARG(p->account), VG_ARG(role));
    p->user_id = vg_str_cat(arena, role, VG_STR(":lambda"));
    p->is_temporary = true;
    return p;
}

static vg_rc VG_WAITS
make_stream(struct vg_req *rq, const struct vg_log_batch *batch, struct vg_err *err)
{
    const struct logs_create_log_group_request group = { .log_group_name = batch->group };
    const struct logs_create_log_stream_request stream = { .log_group_name = batch->group,
                                                           .log_stream_name = batch->stream };
    struct vg_as as = { 0 };
    vg_rc rc = vg_call(rq, &as, &logs_op_create_log_stream, &stream, NULL, err);
    if (rc == VG_OK || err->def == &logs_err_resource_already_exists_exception)
        return VG_OK;
    vg_err_clear(err);
    rc = vg_call(rq, &as, &logs_op_create_log_group, &group, NULL, err);
    if (rc != VG_OK && err->def != &logs_err_resource_already_exists_exception)
        return rc;
    vg_err_clear(err);
    rc = vg_call(rq, &as, &logs_op_create_log_stream, &stream, NULL, err);
    return rc == VG_OK || err->def == &logs_err_resource_already_exists_exception ? VG_OK : rc;
}

static vg_rc VG_WAITS
put(struct vg_req *rq, const struct logs_put_log_events_request *in,
    const struct vg_log_batch *batch)
{
    struct logs_put_log_events_response out = { 0 };
    struct vg_as as = { 0 };
    struct vg_err err = { 0 };
    vg_rc rc = vg_call(rq, &as, &logs_op_put_log_events, in, &out, &err);
    if (rc == VG_OK || err.def != &logs_err_resource_not_found_exception)
        return rc;
    vg_err_clear(&err);
    rc = make_stream(rq, batch, &err);
    if (rc == VG_OK)
        rc = vg_call(rq, &as, &logs_op_put_log_events, in, &out, &err);
    return rc;
}

void
lambda_on_logs(void *ctx, const struct vg_log_batch *batch)
{
    struct lambda_svc *svc = ctx;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_root *root = VG_NEW(arena, struct vg_root);
    vg_root_init(root, svc->env, arena, session_of(arena, svc->env, batch), batch->account,
                 batch->region);
    struct logs_put_log_events_request in = { .log_group_name = batch->group,
                                              .log_stream_name = batch->stream };
    in.log_events.items = VG_NEW_ARRAY(arena, struct logs_input_log_event, batch->n + 1);
    /* Functions see wall time; what Logs keeps is of the virtual clock, as its limits are. */
    int64_t shift_ms = vg_now_ms(svc->env) - vg_wall_ms();
    size_t bytes = 0;
    for (size_t i = 0; i < batch->n; i++) {
        struct vg_str text = batch->events[i].text;
        if (text.len == 0) /* an event has at least one character */
            text = VG_STR(" ");
        if (bytes + text.len + EVENT_EXTRA > BATCH_BYTES && put(&root->rq, &in, batch) == VG_OK) {
            in.log_events.items += in.log_events.len;
            in.log_events.len = bytes = 0;
        }
        in.log_events.items[in.log_events.len++] = (struct logs_input_log_event) {
            .timestamp = { true, batch->events[i].wall_ms + shift_ms }, .message = text
        };
        bytes += text.len + EVENT_EXTRA;
    }
    in.log_events.set = true;
    if (in.log_events.len > 0 && put(&root->rq, &in, batch) != VG_OK)
        return; /* as on AWS: a role that may not write has no logs */
}
