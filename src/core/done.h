/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_DONE_H
#define VG_CORE_DONE_H

/*
 * The end of an HTTP exchange, for a service that keeps logs of its requests: struct
 * vg_hooks.done.
 *
 * rq->done is there from the beginning, for what the service notes down while it serves the
 * request; what other services call of it, and timers, have none.  A service that knows early that
 * nobody keeps a log says so by `is_known` and is not called at all.
 */

#include "base/str.h"

struct vg_http_req;
struct vg_plane;

struct vg_done {
    struct vg_http_req *http;     /* how it was answered is told there */
    struct vg_str path;           /* that by which operations are found, raw; of a plane: its own */
    const struct vg_plane *plane; /* which served it; NULL: it is a request to an API */

    bool is_known; /* the service's: nothing is to be told unless there are notes */
    void *notes;   /* … in the request's arena */

    /* Of the connection; when the service is told. */
    struct vg_str remote;
    struct vg_str tls_version, tls_cipher; /* absent: it is a plain one */
};

#endif
