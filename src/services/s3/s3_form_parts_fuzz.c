/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a form's body: whole and one byte at a time they give the same. */

#include "services/s3/s3_form_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
run(struct vg_arena *a, struct vg_str body, size_t piece, struct vg_buf *got)
{
    struct s3_form_parts p;
    enum s3_part_event event = S3_PART_MORE;
    s3_form_parts_init(&p, a, VG_STR("B"));
    vg_buf_init(got, a, 1u << 24);
    while (body.len > 0 && event != S3_PART_CLOSED && event != S3_PART_BAD) {
        struct vg_str rest = vg_str_slice(body, 0, piece), bytes;
        body = vg_str_slice(body, rest.len, body.len);
        do {
            event = s3_form_parts_next(&p, &rest, &bytes);
            if (event == S3_PART_HEAD)
                vg_buf_addf(got, "[%" VG_FMT "|%" VG_FMT "]", VG_ARG(p.name), VG_ARG(p.filename));
            if (event == S3_PART_DATA)
                vg_buf_adds(got, bytes);
            if (event == S3_PART_DATA)
                VG_ASSERT(bytes.len > 0);
            if (event == S3_PART_END)
                vg_buf_addc(got, '.');
        } while (event != S3_PART_MORE && event != S3_PART_CLOSED && event != S3_PART_BAD);
    }
    vg_buf_add_i64(got, event);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_str boundary = s3_form_boundary(a, vg_str_n(data, size));
    struct vg_buf whole, bytes;
    VG_ASSERT(boundary.len <= 70);
    run(a, vg_str_n(data, size), SIZE_MAX, &whole);
    run(a, vg_str_n(data, size), 1, &bytes);
    VG_ASSERT(vg_str_eq(vg_buf_str(&whole), vg_buf_str(&bytes)));
    return 0;
}
