/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_FRONT_EXCHANGE_H
#define VG_FRONT_EXCHANGE_H

/*
 * One HTTP request on its way to an operation or a page: who sent it, with which body.
 *
 * Lives on the request's fiber; memory is the HTTP request's arena.
 */

#include "auth/auth.h"
#include "core/body.h"
#include "core/call.h"
#include "core/done.h"
#include "core/reply.h"
#include "front/origin.h"
#include "http/server.h"

struct vg_wire_op;

struct vg_exchange {
    struct vg_http_req *http;
    struct vg_root root; /* its rq is what handlers get */
    struct vg_host host;
    bool is_s3_host;       /* S3 is meant, whatever the path looks like */
    struct vg_str s3_path; /* "/bucket/key": also where the host names the bucket; raw */
    struct vg_sigv4_request signed_part;
    struct vg_sigv4_rules rules;
    struct vg_authn authn; /* when is_signed and authenticated */
    bool is_form;          /* the caller is who signed the policy of a form */
    bool is_signed;
    struct vg_str body;    /* after vg_exchange_body() */
    struct vg_body stream; /* … or vg_exchange_stream() */
    struct vg_reply reply; /* of an operation */
    struct vg_done done;   /* root.rq.done */
    const struct vg_wire_op *wop;
    struct vg_ctx common[10];
    size_t n_common;
};

/* False: the Host header is none; nothing else may be done but refuse. */
bool vg_exchange_init(struct vg_exchange *x, const struct vg_env *env, struct vg_http_req *http);

/* The exchange of a data plane's request: `rq` is what vg_plane's serve() was given. */
struct vg_exchange *vg_exchange_of(struct vg_req *rq);

/* The service named in the credential's scope, unverified; absent when there is none. */
struct vg_str vg_exchange_scope_service(const struct vg_exchange *x);

/*
 * From the head: sets the caller (anonymous when the request carries no signature), region and
 * account of root.scope.  Fails with the family's error.  Again for an unsigned request whose
 * family is known only by its operation.
 */
vg_rc vg_exchange_authenticate(struct vg_exchange *x, enum vg_authn_family family,
                               struct vg_str signing_name) VG_MUST_USE;

/* What policies may test of how a request to S3 is signed and sent, once it is authenticated. */
void vg_exchange_add_s3(struct vg_exchange *x);
struct vg_sigv4_form;

/*
 * After that, for S3's forms: the caller is who signed the form's policy, whatever the head says.
 * `sig`: of vg_sigv4_form_parse().
 */
vg_rc vg_exchange_authenticate_form(struct vg_exchange *x, const struct vg_sigv4_form *form,
                                    const struct vg_sigv4 *sig) VG_WAITS VG_MUST_USE;

/* The whole body as it was sent, held to its signature; at most max_bytes. */
vg_rc vg_exchange_body_as_sent(struct vg_exchange *x, size_t max_bytes) VG_WAITS VG_MUST_USE;
/*
 * Opens root.rq.body, to be read by the handler; the head is verified.  Where the signature covers
 * the body as a whole, that is read first, at most max_bytes.
 */
vg_rc vg_exchange_stream(struct vg_exchange *x, size_t max_bytes) VG_WAITS VG_MUST_USE;

/*
 * The headers as the operation sees them: of Content-Encoding, aws-chunked is the transport's and
 * not the object's.
 */
const struct vg_http_header *vg_exchange_headers(struct vg_exchange *x, size_t *ret_n);

/* The same as vg_exchange_body_as_sent(), decompressed. */
vg_rc vg_exchange_body(struct vg_exchange *x, size_t max_bytes) VG_WAITS VG_MUST_USE;

#endif
