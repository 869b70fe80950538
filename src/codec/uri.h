/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CODEC_URI_H
#define VG_CODEC_URI_H

/* Percent-encoding (RFC 3986, section 2). Pure; results are the arena's or the input itself. */

#include "base/str.h"

struct vg_arena;

/* Everything but A-Z a-z 0-9 - . _ ~ (and '/' with keep_slash) as %XX, upper case. */
struct vg_str vg_uri_encode(struct vg_arena *arena, struct vg_str bytes, bool keep_slash);

/*
 * %XX as its byte, with plus_is_space also '+' as a space (form encoding).  A percent sign that no
 * two hexadecimal digits follow stays as it is: what must refuse it asks vg_uri_is_wellformed().
 */
struct vg_str vg_uri_decode(struct vg_arena *arena, struct vg_str text, bool plus_is_space);
bool vg_uri_is_wellformed(struct vg_str text); /* every percent sign has its two digits */

#endif
