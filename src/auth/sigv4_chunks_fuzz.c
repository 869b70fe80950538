/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes as a body in chunks, unsigned and signed: whole and one byte at a time give the same
 * data and the same verdict, and no signed one is ever accepted with data that nobody signed.
 */

#include "auth/sigv4_chunks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static vg_rc
run(struct vg_arena *a, bool is_signed, struct vg_str wire, size_t piece, struct vg_buf *got)
{
    const struct vg_sigv4_header headers[] = {
        { VG_STR("x-amz-decoded-content-length"), VG_STR("5") },
        { VG_STR("x-amz-trailer"), VG_STR("x-amz-checksum-crc32, x-b") },
    };
    const struct vg_sigv4_request rq = { .headers = headers, .n_headers = 2 };
    const struct vg_sigv4_rules rules = { .family = VG_AUTHN_S3 };
    const struct vg_sigv4 sig = { .payload = VG_PAYLOAD_CHUNKED,
                                  .is_chunk_signed = is_signed,
                                  .has_trailer = true,
                                  .amz_date = VG_STR("20130524T000000Z"),
                                  .date = VG_STR("20130524"),
                                  .region = VG_STR("us-east-1"),
                                  .service = VG_STR("s3"),
                                  .terminator = VG_STR("aws4_request"),
                                  .signature = VG_STR("00") };
    struct vg_sigv4_chunks *c = VG_NEW(a, struct vg_sigv4_chunks);
    struct vg_err err = { 0 };
    vg_buf_init(got, a, 1u << 20);
    vg_rc rc =
        vg_sigv4_chunks_init(c, a, &rq, &rules, &sig, VG_STR("a secret nobody has"), NULL, &err);
    VG_ASSERT(rc == VG_OK);
    while (wire.len > 0 && rc == VG_OK) {
        struct vg_str part;
        size_t used;
        rc = vg_sigv4_chunks_next(c, vg_str_slice(wire, 0, piece), &used, &part, &err);
        VG_ASSERT(rc != VG_OK || used > 0);
        if (rc == VG_OK)
            vg_buf_adds(got, part);
        wire = vg_str_slice(wire, used, wire.len);
    }
    return rc == VG_OK ? vg_sigv4_chunks_end(c, &err) : rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        vg_auto_arena struct vg_arena *a = vg_arena_new(0);
        struct vg_buf whole, bytes;
        vg_rc rc = run(a, is_signed, vg_str_n(data, size), SIZE_MAX, &whole);
        VG_ASSERT(run(a, is_signed, vg_str_n(data, size), 1, &bytes) == rc);
        VG_ASSERT(rc != VG_OK || vg_str_eq(vg_buf_str(&whole), vg_buf_str(&bytes)));
        VG_ASSERT(rc != VG_OK || (whole.len == 5 && !is_signed));
    }
    return 0;
}
