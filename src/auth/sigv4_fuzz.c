/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as target, Authorization and date: parsing and verifying end, and nothing verifies. */

#include "auth/sigv4.h"
#include "base/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vg_str rest = vg_str_n(data, size);
    struct vg_sigv4_header headers[] = {
        { VG_STR("Host"), VG_STR("localhost") },
        { VG_STR("X-Amz-Date"), vg_str_cut(&rest, '\n') },
        { VG_STR("Authorization"), vg_str_cut(&rest, '\n') },
    };
    const struct vg_sigv4_request rq = { .method = VG_STR("GET"),
                                         .target = rest.ptr ? rest : VG_STR("/"),
                                         .headers = headers,
                                         .n_headers = headers[2].value.len > 0 ? 3 : 2 };
    for (int family = VG_AUTHN_JSON; family <= VG_AUTHN_S3; family++) {
        vg_auto_arena struct vg_arena *a = vg_arena_new(0);
        const struct vg_sigv4_rules rules = { .family = (enum vg_authn_family)family,
                                              .is_s3_path = family == VG_AUTHN_S3,
                                              .now_ms = 1440938160000 };
        struct vg_sigv4 sig;
        struct vg_err err = { 0 };
        if (vg_sigv4_parse(a, &rq, &rules, &sig, &err) != VG_OK)
            continue;
        if (vg_sigv4_check(a, &sig, &rules, &err) != VG_OK)
            vg_err_clear(&err);
        VG_ASSERT(vg_sigv4_verify(a, &rq, &rules, &sig, VG_STR("secret"), VG_STR("00"), NULL, &err)
                  != VG_OK);
    }
    return 0;
}
