/* SPDX-License-Identifier: Apache-2.0 */

/* Until the client's exchanges are built (next to land), every fetch fails with a clear error. */

#include "http/client.h"

vg_rc
vg_http_fetch(struct vg_http_client *client, struct vg_arena *arena,
              const struct vg_http_call *call, size_t max_bytes,
              struct vg_http_reply_head *ret_head, struct vg_str *ret_body, struct vg_err *err)
{
    (void)client;
    (void)arena;
    (void)max_bytes;
    (void)ret_head;
    (void)ret_body;
    return vg_err_set(err, "outgoing HTTP is not built yet: %" VG_FMT, VG_ARG(call->host));
}
