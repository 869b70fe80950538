/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fuzzes what browsers say of cross-origin requests, and the patterns of rules, a line each:
 * origin, headers, allowed origin, allowed header.
 */

#include "services/s3/s3_cors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_str rest = vg_str_n(data, size), method = VG_STR("GET"), any = VG_STR("*");
    struct s3_cors_asked asked = { .method = method };
    asked.origin = vg_str_cut(&rest, '\n');
    asked.headers = vg_str_cut(&rest, '\n');
    struct vg_str origin = vg_str_cut(&rest, '\n'), header = vg_str_cut(&rest, '\n');
    struct s3_cors_rule rules[2] = { 0 };
    for (size_t i = 0; i < VG_COUNT(rules); i++) {
        rules[i].allowed_methods = (struct s3_allowed_methods) { &method, 1, true };
        rules[i].allowed_origins = (struct s3_allowed_origins) { i ? &any : &origin, 1, true };
        rules[i].allowed_headers = (struct s3_allowed_headers) { i ? &any : &header, 1, true };
    }
    const struct s3_cors_configuration conf = { .cors_rules = { rules, VG_COUNT(rules), true } };
    VG_ASSERT(s3_cors_match(a, &conf, &asked) != NULL); /* the second takes all */
    struct vg_str text = s3_cors_headers_text(a, asked.headers);
    VG_ASSERT(vg_str_eq(s3_cors_headers_text(a, text), text));
    return 0;
}
