/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_HOOKS_H
#define VG_CORE_HOOKS_H

/*
 * What a service does with HTTP beside its operations: struct vg_service.hooks.
 *
 * The front door calls them on the request's fiber, with rq->svc set, whatever the service is
 * called.  Each may be NULL, and what does nothing needs none.
 */

#include "core/service.h"

struct vg_forms;   /* what browsers post as forms: core/form.h */
struct vg_wire_in; /* a request, to be decoded: wire/wire.h */

/* A request's header by its name in lower case; absent: there is none. */
typedef struct vg_str(vg_header_fn)(void *of, struct vg_str name);

struct vg_http_head {
    struct vg_str method, path, query; /* raw; the path is that by which operations are found */
    vg_header_fn *header;
    void *of;
};

struct vg_hooks {
    /*
     * Its paths are its users' to choose.  So it gets what no other API has a place for, and all
     * that comes under the hosts of front/s3_host.h; `path` is what these make of the URL's.  At
     * most one service's.
     */
    bool takes_any_path;

    /* Forms that browsers post, each an operation in another dress. */
    const struct vg_forms *forms;
    /*
     * Of any request for it, before its answer is made, be it an error: adds headers to that by
     * vg_reply_header().  Fails only where the store does.
     */
    vg_rc (*decorate)(struct vg_req *rq, const struct vg_http_head *head);
    /* Before the input of rq->op is decoded: refuses what its head asks beside that. */
    vg_rc (*check_head)(struct vg_req *rq, const struct vg_http_head *head);
    /* Then: adds the headers for which parameters of the URL stand. */
    vg_rc (*add_headers)(struct vg_req *rq, struct vg_wire_in *in);
    /*
     * Then, where clients send a checksum of the body (VG_HTTP_CHECKSUM) and it is not streamed:
     * holds it to what the headers declare.
     */
    vg_rc (*check_body)(struct vg_req *rq, vg_header_fn *header, void *of, struct vg_str body);
    /*
     * Answers what is none of its operations, if it takes any path; preflights come here
     * unverified.  VG_OK: nothing but the headers that were added.  NULL: the front door says that
     * there is no such operation.
     */
    vg_rc (*other)(struct vg_req *rq, const struct vg_http_head *head);
    /*
     * Of any request for it and for its planes, when it is answered or its client has left; may
     * wait, and holds up no other request but the connection's next.
     */
    void (*done)(struct vg_req *rq, const struct vg_done *done);
};

#endif
