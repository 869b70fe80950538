/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reply.h"

#include "base/limits.h"
#include "core/call.h"
#include "core/fail.h"
#include "wire/shape.h"

vg_rc
vg_reply_begin(struct vg_req *rq, const void *out, int status, int64_t length)
{
    struct vg_reply *r = rq->reply;
    VG_ASSERT(r && !r->is_begun && (rq->op->flags & VG_OP_STREAM_OUT));
    VG_ASSERT(rq->sess->open == NULL);
    vg_rc rc = vg_gate(rq);
    if (rc != VG_OK)
        return rc;
    r->is_begun = true;
    r->left_bytes = length;
    return r->begin(r->to, rq, out, status ? status : r->status, length);
}

vg_rc
vg_reply_write(struct vg_req *rq, struct vg_str data)
{
    struct vg_reply *r = rq->reply;
    VG_ASSERT(r && r->is_begun && rq->sess->open == NULL);
    if (r->left_bytes >= 0) {
        VG_ASSERT((int64_t)data.len <= r->left_bytes);
        r->left_bytes -= (int64_t)data.len;
    }
    vg_rc rc = vg_gate(rq);
    return rc == VG_OK ? r->write(r->to, data) : rc;
}

void
vg_reply_status(struct vg_req *rq, int status)
{
    if (rq->reply)
        rq->reply->status = status;
}

void
vg_reply_header(struct vg_req *rq, struct vg_str name, struct vg_str value)
{
    if (rq->reply)
        *VG_VEC_ADD(rq->arena, &rq->reply->headers) = (struct vg_reply_header) { name, value };
}

/* --- in memory ---------------------------------------------------------------------------------
 */

static vg_rc
keep_head(void *to, struct vg_req *rq, const void *out, int status, int64_t length)
{
    struct vg_streams *st = to;
    (void)rq, (void)status, (void)length;
    VG_ASSERT(out == st->out);
    return VG_OK;
}

static vg_rc
keep(void *to, struct vg_str data)
{
    struct vg_streams *st = to;
    if (st->sink)
        return st->sink->write(st->sink->to, data, st->rq->err);
    vg_buf_adds(&st->bytes, data);
    if (!st->bytes.over)
        return VG_OK;
    return vg_fail(st->rq, &vg_err_request_too_large,
                   "The answer is longer than the %u bytes that fit in memory.", VG_BODY_MAX_BYTES);
}

static uint32_t
payload_at(const struct vg_shape *shape)
{
    VG_ASSERT(shape && shape->payload);
    return shape->members[shape->payload - 1].offset;
}

void
vg_streams_open(struct vg_streams *st, struct vg_req *rq, const void *in, void *out)
{
    *st = (struct vg_streams) { .rq = rq, .out = out };
    if (rq->op->flags & VG_OP_STREAM_IN) {
        struct vg_str bytes;
        memcpy(&bytes, (const char *)in + payload_at(rq->op->in), sizeof(bytes));
        vg_body_open_bytes(rq, &st->body, bytes.ptr ? bytes : VG_STR(""));
    }
    if (rq->op->flags & VG_OP_STREAM_OUT) {
        vg_buf_init(&st->bytes, rq->arena, VG_BODY_MAX_BYTES);
        st->reply = (struct vg_reply) { .begin = keep_head, .write = keep, .to = st };
        rq->reply = &st->reply;
    }
}

vg_rc
vg_streams_close(struct vg_streams *st)
{
    struct vg_str bytes;
    if (!st->reply.is_begun) {
        if (st->sink == NULL)
            return VG_OK;
        memcpy(&bytes, (const char *)st->out + payload_at(st->rq->op->out), sizeof(bytes));
        return bytes.len > 0 ? st->sink->write(st->sink->to, bytes, st->rq->err) : VG_OK;
    }
    if (st->reply.left_bytes > 0) {
        (void)vg_err_set(st->rq->err, "the handler did not write all of its reply");
        return vg_fail_internal(st->rq, NULL);
    }
    if (st->sink)
        return VG_OK;
    bytes = vg_buf_str(&st->bytes);
    memcpy((char *)st->out + payload_at(st->rq->op->out), &bytes, sizeof(bytes));
    return VG_OK;
}
