/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_HTTP_TLS_H
#define VG_HTTP_TLS_H

/*
 * TLS for listeners (TLS 1.2 and 1.3, OpenSSL).
 *
 * A certificate for every name that clients ask for is made offline, signed by a certification
 * authority of this data folder (ca.pem: what users tell their tools to trust).  A certificate of
 * the user's own is used for the names it is good for.  Once made, a struct vg_tls may be used on
 * any loop.
 */

#include "base/err.h"

struct vg_tls;

struct vg_tls_config {
    struct vg_str dir;       /* where ca.pem and ca.key are or will be made (0600)           */
    struct vg_str cert_file; /* PEM: the user's own certificate with its chain; absent: none */
    struct vg_str key_file;
};

/* Blocks: reads and writes files. The listeners that use it must end before it. */
vg_rc vg_tls_new(const struct vg_tls_config *config, struct vg_tls **ret, struct vg_err *err)
    VG_MUST_USE;
void vg_tls_free(struct vg_tls *tls); /* accepts NULL */

/* The path of the authority's certificate; lives as long as `tls`. */
struct vg_str vg_tls_ca_file(const struct vg_tls *tls);

#endif
