/* SPDX-License-Identifier: Apache-2.0 */
/* rest-json: what of a request or reply is written as JSON; the rest is rest.c's. */
#include "wire/wire_int.h"

static vg_rc
get_members(const struct vg_rest_in *r, void *to)
{
    return vg_json_decode_body(r->op->model, r->in->body, r->op->in, to, r->arena, r->err);
}

static vg_rc
get_payload(const struct vg_rest_in *r, const struct vg_member *m, struct vg_slot slot)
{
    if (m->shape->type == VG_T_STRUCT)
        return vg_json_decode_body(r->op->model, r->in->body, m->shape,
                                   vg_slot_body(r->arena, slot), r->arena, r->err);
    struct vg_json_in in = { .err = r->err };
    vg_json_init(&in.js, r->in->body, r->arena);
    vg_rc rc = vg_json_in_value(&in, vg_json_next(&in.js),
                                vg_time_fmt_of(m, m->shape, VG_TIME_UNIX), slot);
    if (rc == VG_OK && vg_json_next(&in.js) != VG_JSON_END)
        return vg_json_in_fail(&in, in.js.why ? in.js.why : "");
    return rc;
}

static void
put_payload(const struct vg_wire_op *op, const struct vg_member *m, struct vg_cslot slot,
            struct vg_arena *arena, struct vg_buf *b)
{
    (void)op;
    (void)arena;
    struct vg_json_out w;
    vg_jsonw_init(&w, b);
    vg_json_out_value(&w, slot, vg_time_fmt_of(m, m->shape, VG_TIME_UNIX), false);
}

static bool
put_members(const struct vg_wire_op *op, const void *value, struct vg_arena *arena,
            struct vg_buf *b)
{
    (void)arena;
    struct vg_json_out w;
    vg_jsonw_init(&w, b);
    vg_jsonw_object(&w);
    vg_json_out_members(&w, op->out, value, false);
    vg_jsonw_object_end(&w);
    return true;
}

const struct vg_rest_body vg_restjson = {
    .type = VG_STR_INIT("application/json"),
    .get_members = get_members,
    .get_payload = get_payload,
    .put_members = put_members,
    .put_payload = put_payload,
};
