/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_FRONT_FRONT_H
#define VG_FRONT_FRONT_H

/*
 * The front door: from a request's head to a data plane, one of our own pages, or an operation that
 * is decoded, verified, run, gated and answered.
 *
 * One struct vg_front a daemon, read-only; the handler runs on any loop, a fiber a request.
 */

#include "http/server.h"

struct vg_env;
struct vg_front;

struct vg_front *vg_front_new(const struct vg_env *env);
void vg_front_free(struct vg_front *front); /* accepts NULL */

/* For struct vg_http_config, with ctx = the struct vg_front. */
void vg_front_handle(struct vg_http_req *http) VG_WAITS;

#endif
