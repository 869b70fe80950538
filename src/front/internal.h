/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_FRONT_INTERNAL_H
#define VG_FRONT_INTERNAL_H

/*
 * Virga's own pages under /_virga/, and those of the tool that the ecosystem waits on.
 *
 *   GET  /_virga/health       unsigned: {"status":"ok","version":…,"services":{…}}
 *   GET  /_localstack/health  unsigned: in that tool's form
 *   GET  /_virga/status       signed: start-up, memory, loops, operations by service
 *   GET  /_virga/clock        signed: the virtual clock
 *   POST /_virga/clock        signed, root: {"advance_ms":…} | {"set_ms":…} | {"freeze":true|false}
 *   POST /_virga/call         signed: {"service":…,"operation":…,"input":{…}} runs any operation of
 *                             the table as the caller; the answer is its output
 *
 * On the request's fiber; what is given out is its arena's.
 */

#include "base/buf.h"
#include "core/call.h"

struct vg_page_reply {
    int http_status;
    struct vg_buf body; /* JSON */
};

/* Whether the path is one of these, and whether it wants a signature. */
bool vg_internal_match(struct vg_str path, bool *ret_is_signed);

/* `body` is whole and verified; rq->scope->caller is who signed. Always fills `ret`. */
void vg_internal_serve(struct vg_req *rq, struct vg_str method, struct vg_str path,
                       struct vg_str body, struct vg_page_reply *ret) VG_WAITS;

#endif
