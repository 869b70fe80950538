/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_PLANE_H
#define VG_CORE_PLANE_H

/*
 * Data planes: HTTP that is not an AWS API call (execute-api, function URLs, websites, the edge).
 *
 * A service registers planes; the front door asks them before it looks for an operation.  The
 * handler gets a root request (caller: anonymous; a plane that is signed verifies
 * through front/exchange.h) and the raw exchange, and answers with the reply functions of
 * http/server.h after vg_gate().  Both functions are called on any loop, many at a time; serve() is
 * on the request's fiber.
 */

#include "core/call.h"

struct vg_http_req;

struct vg_plane {
    const char *name; /* "execute-api": for logs and the meter */
    /*
     * Whether this request is the plane's, by host or path; must be cheap and touch no store.
     * Called with the Host header's name without its port, lower case, and the raw path.
     */
    bool (*match)(const struct vg_env *env, struct vg_str host, struct vg_str path);
    /* Answers it. What it leaves unanswered the front door answers with 500. */
    void (*serve)(struct vg_req *rq, struct vg_http_req *http);
};

#endif
