/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_WIRE_WIRE_FUZZ_H
#define VG_WIRE_WIRE_FUZZ_H

/* What the fuzzers of the protocols share. */

#include "base/arena.h"
#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * A decoded input is validated, written as JSON by the model's names, read back and written again:
 * both texts must be the same. Whatever fails must say why.
 */
static inline void
fuzz_check_input(const struct vg_wire_op *op, const struct vg_wire_in *in, struct vg_arena *arena)
{
    static struct vg_patterns *patterns;
    if (patterns == NULL)
        patterns = vg_patterns_new();
    struct vg_err err = { 0 };
    void *value = vg_arena_alloc(arena, op->in->size), *again = vg_arena_alloc(arena, op->in->size);
    struct vg_wire_out out;
    if (vg_wire_decode(op, in, arena, value, &err) != VG_OK) {
        VG_ASSERT(err.def != NULL);
        vg_wire_encode_error(op->model, 0, &err, VG_STR("id"), arena, &out);
        VG_ASSERT(out.status == 400 && out.body.len > 0);
        return;
    }
    if (vg_wire_validate(patterns, op->model, op->in, value, arena, &err) != VG_OK)
        VG_ASSERT(err.def != NULL && vg_err_text(&err).len > 0);
    struct vg_buf once, twice;
    vg_buf_init(&once, arena, (size_t)64 << 20);
    vg_buf_init(&twice, arena, (size_t)64 << 20);
    vg_wire_to_json(op->in, value, &once);
    if (vg_wire_from_json(op->in, vg_buf_str(&once), arena, again, &err) != VG_OK)
        VG_BUG("what was decoded cannot be read back");
    vg_wire_to_json(op->in, again, &twice);
    VG_ASSERT(vg_str_eq(vg_buf_str(&once), vg_buf_str(&twice)));
}

/* "METHOD target" and header lines, an empty line, the body, for the operation whose route it is.
 */
static inline void
fuzz_check_rest(const struct vg_routes *routes, struct vg_str rest)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_http_header headers[16];
    struct vg_wire_in in = { .headers = headers };
    struct vg_str line = vg_str_cut(&rest, '\n');
    in.method = vg_str_cut(&line, ' ');
    in.path = vg_str_cut(&line, '?');
    in.query = line;
    while ((line = vg_str_cut(&rest, '\n')).len > 0 && in.n_headers < VG_COUNT(headers)) {
        struct vg_str value = line, name = vg_str_cut(&value, ':');
        headers[in.n_headers++] = (struct vg_http_header) { name, vg_str_trim(value) };
    }
    in.body = rest;
    const struct vg_wire_op *op = vg_routes_by_uri(routes, VG_STR_NONE, &in);
    if (op && op->in)
        fuzz_check_input(op, &in, arena);
}

#endif
