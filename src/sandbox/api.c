/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Runtime API, on the listener of each sandbox.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
#include "codec/json.h"
#include "http/server.h"
#include "os/clock.h"
#include "sandbox/sandbox_int.h"

#include <stdio.h>
#include <stdlib.h>

#define PREFIX      "/2018-06-01/runtime/"
#define DISCARD_MAX (64u << 20)

static const struct vg_http_header json_type = { VG_STR_INIT("Content-Type"),
                                                 VG_STR_INIT("application/json") };

static void VG_WAITS
answer(struct vg_http_req *req, int status, struct vg_str body)
{
    vg_http_reply(req, status, &json_type, 1, body);
}

static void VG_WAITS
refuse(struct vg_http_req *req, int status, const char *type, const char *message)
{
    answer(req, status,
           vg_str_fmt(req->arena, "{\"errorMessage\":\"%s\",\"errorType\":\"%s\"}", message, type));
}

/* --- /invocation/next --------------------------------------------------------------------------
 */

/* The runtime is ready for an event: initialisation, or the one before, is over. Lock held. */
static void
become_idle(struct sb_box *box)
{
    if (box->state == SB_INIT)
        box->init_us = vg_mono_us() - box->init_began_us;
    if (box->inv)
        return;
    if (!box->is_replaced) { /* in the pool, now that its first answer has left */
        box->is_replaced = true;
        sb_pool_fill(box->sb, box->pool);
    }
    box->state = SB_IDLE;
    box->idle_since_ms = vg_mono_ms();
    sb_turn_next(box->sb);
    if (box->is_retired)
        sb_box_kill(box);
}

/* Waits until the box has an event; lock held before and after. False: the runtime left. */
static bool VG_WAITS
await_event(struct sb_box *box)
{
    struct vg_sandboxes *sb = box->sb;
    while (!box->inv) {
        struct vg_waiter w;
        vg_waiter_init(&w);
        box->in_next = &w;
        pthread_mutex_unlock(&sb->lock);
        vg_rc rc = vg_waiter_park(&w, VG_NEVER_MS, true);
        pthread_mutex_lock(&sb->lock);
        box->in_next = NULL;
        if (rc == VG_GONE || box->state == SB_DYING)
            return false;
    }
    return !box->is_gone;
}

static void
add_header(struct vg_http_req *req, struct vg_http_header *h, size_t *n, const char *name,
           const char *value)
{
    if (value)
        h[(*n)++] =
            (struct vg_http_header) { vg_str_of(name), vg_str_dup(req->arena, vg_str_of(value)) };
}

/* From here on the invocation's time runs. Lock held. */
static void
begin(struct sb_box *box, struct sb_invocation *inv)
{
    int64_t now_ms = vg_mono_ms();
    box->state = SB_BUSY;
    sb_turn_next(box->sb);
    inv->is_handed = true;
    inv->begun_us = vg_mono_us();
    inv->deadline_ms = now_ms + inv->timeout_ms;
    inv->wall_deadline_ms = vg_wall_ms() + inv->timeout_ms;
    sb_box_begin_logs(box, inv);
    if (inv->waiter)
        vg_waiter_wake(inv->waiter, VG_OK); /* its deadline is another now */
}

static void VG_WAITS
serve_next(struct vg_http_req *req, struct sb_box *box)
{
    struct vg_sandboxes *sb = box->sb;
    pthread_mutex_lock(&sb->lock);
    if (box->in_next || (box->inv && box->inv->is_handed)) {
        pthread_mutex_unlock(&sb->lock);
        refuse(req, 403, "InvalidStateTransition", "State transition is not allowed");
        return;
    }
    become_idle(box);
    if (!await_event(box)) {
        box->is_lost = box->inv && !box->inv->is_handed && box->state != SB_INIT;
        sb_box_kill(box);
        pthread_mutex_unlock(&sb->lock);
        return;
    }
    struct sb_invocation *inv = box->inv;
    inv->refs++;
    begin(box, inv);
    pthread_mutex_unlock(&sb->lock);

    struct vg_http_header h[8] = { json_type };
    size_t n = 1;
    char deadline[24];
    snprintf(deadline, sizeof(deadline), "%lld", (long long)inv->wall_deadline_ms);
    add_header(req, h, &n, "Lambda-Runtime-Aws-Request-Id", inv->request_id);
    add_header(req, h, &n, "Lambda-Runtime-Deadline-Ms", deadline);
    add_header(req, h, &n, "Lambda-Runtime-Invoked-Function-Arn", inv->invoked_arn);
    add_header(req, h, &n, "Lambda-Runtime-Trace-Id", inv->trace_id);
    add_header(req, h, &n, "Lambda-Runtime-Client-Context", inv->client_context);
    add_header(req, h, &n, "Lambda-Runtime-Cognito-Identity", inv->identity);
    vg_http_reply(req, 200, h, n, vg_str_n(inv->payload, inv->payload_len));
    pthread_mutex_lock(&sb->lock);
    sb_inv_unref(inv);
    pthread_mutex_unlock(&sb->lock);
}

/* --- answers ------------------------------------------------------------------------------------
 */

/* Reads the body up to the quota; what is beyond is read and thrown away, so that the runtime can
 * take our answer. */
static vg_rc VG_WAITS
read_body(struct vg_http_req *req, struct vg_buf *to, bool *ret_large)
{
    struct vg_err err = { 0 };
    size_t all = 0;
    vg_buf_init(to, req->arena, SB_RESPONSE_MAX);
    *ret_large = false;
    if (!req->has_body)
        return VG_OK;
    for (;;) {
        struct vg_str part;
        vg_rc rc = vg_http_body_read(req, &part, &err);
        if (rc != VG_OK || part.len == 0)
            return rc;
        all += part.len;
        *ret_large = all > SB_RESPONSE_MAX;
        if (!*ret_large)
            vg_buf_adds(to, part);
        if (all > DISCARD_MAX)
            return VG_FAIL;
    }
}

static struct sb_invocation *
current(struct sb_box *box, struct vg_str request_id)
{
    struct sb_invocation *inv = box->inv;
    if (!inv || !inv->is_handed || !vg_str_eq(vg_str_of(inv->request_id), request_id))
        return NULL;
    return inv;
}

static void VG_WAITS
serve_answer(struct vg_http_req *req, struct sb_box *box, struct vg_str request_id, bool is_error)
{
    struct vg_sandboxes *sb = box->sb;
    struct vg_buf body;
    bool is_large = false;
    if (read_body(req, &body, &is_large) != VG_OK)
        return;
    pthread_mutex_lock(&sb->lock);
    bool is_known = current(box, request_id) != NULL;
    if (is_known) {
        /* A function that reports a streaming error in trailers is not served: buffered only. */
        enum sb_end end = is_large ? SB_TOO_LARGE : is_error ? SB_FAILED : SB_ANSWERED;
        sb_box_end(box, end, body.ptr ? body.ptr : "", body.len);
    }
    pthread_mutex_unlock(&sb->lock);
    if (!is_known)
        refuse(req, 400, "InvalidRequestID", "Invalid request ID");
    else if (is_large)
        refuse(req, 413, "RequestEntityTooLarge",
               "Exceeded maximum allowed payload size (6291556 bytes).");
    else
        answer(req, 202, VG_STR("{\"status\":\"OK\"}\n"));
}

static void VG_WAITS
serve_init_error(struct vg_http_req *req, struct sb_box *box)
{
    struct vg_sandboxes *sb = box->sb;
    struct vg_buf body;
    bool is_large = false;
    if (read_body(req, &body, &is_large) != VG_OK || is_large)
        return;
    pthread_mutex_lock(&sb->lock);
    bool is_init = box->state == SB_INIT;
    if (is_init) {
        box->init_us = vg_mono_us() - box->init_began_us;
        if (box->inv)
            sb_box_end(box, SB_INIT_FAILED, body.ptr ? body.ptr : "", body.len);
        box->is_retired = true;
    }
    pthread_mutex_unlock(&sb->lock);
    if (!is_init) {
        refuse(req, 403, "InvalidStateTransition", "State transition is not allowed");
        return;
    }
    answer(req, 202, VG_STR("{\"status\":\"OK\"}\n"));
    pthread_mutex_lock(&sb->lock);
    sb_box_kill(box);
    pthread_mutex_unlock(&sb->lock);
}

void
sb_api_serve(struct vg_http_req *req)
{
    struct vg_sandboxes *sb = req->ctx;
    struct sb_box *box = req->listener->ctx;
    if (!vg_str_starts(req->path, VG_STR(PREFIX))) {
        if (!sb->aws) {
            refuse(req, 404, "NotFound", "Not found");
            return;
        }
        req->ctx = sb->aws_ctx;
        sb->aws(req);
        return;
    }
    struct vg_str rest = vg_str_slice(req->path, sizeof(PREFIX) - 1, req->path.len);
    bool is_post = vg_str_eq(req->method, VG_STR("POST"));
    if (vg_str_eq(rest, VG_STR("invocation/next")) && !is_post) {
        serve_next(req, box);
        return;
    }
    if (vg_str_eq(rest, VG_STR("init/error")) && is_post) {
        serve_init_error(req, box);
        return;
    }
    struct vg_str what = vg_str_cut(&rest, '/'), id = vg_str_cut(&rest, '/');
    bool is_error = vg_str_eq(rest, VG_STR("error"));
    if (is_post && vg_str_eq(what, VG_STR("invocation"))
        && (is_error || vg_str_eq(rest, VG_STR("response"))))
        serve_answer(req, box, id, is_error);
    else
        refuse(req, 404, "NotFound", "Not found");
}
