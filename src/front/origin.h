/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_FRONT_ORIGIN_H
#define VG_FRONT_ORIGIN_H

/*
 * Where a request comes from and under which name: what decides whether the well-known key may be
 * used.  Pure functions; any thread.
 */

#include "base/str.h"

/* A Host header taken apart. */
struct vg_host {
    struct vg_str name; /* lower case, without port, brackets and a final dot; arena */
    uint16_t port;      /* 0: none given                                              */
};

/* False when it is no host at all: then the request is refused (RFC 9112, 3.2). */
bool vg_host_parse(struct vg_arena *arena, struct vg_str header, struct vg_host *ret);

/* 127/8, ::1, localhost and names under it: what a browser resolves to this machine by itself. */
bool vg_host_is_loopback(struct vg_str name);

/*
 * Whether a name is one that this daemon may be called by with the well-known key: a loopback name,
 * or an AWS endpoint's name (SDKs that are pointed here keep it).  Any other name means that
 * somebody's DNS led a browser here.
 */
bool vg_host_is_ours(struct vg_str name);

/*
 * Whether a browser says that another site's page sent the request: a foreign Origin, or, where it
 * gives none, Sec-Fetch-Site: cross-site (a page of http://localhost:3000 is of another site than
 * http://127.0.0.1:4566 and yet of this machine).  Absent headers (absent vg_str) mean no browser.
 */
bool vg_origin_is_foreign(struct vg_arena *arena, struct vg_str origin,
                          struct vg_str sec_fetch_site);

#endif
