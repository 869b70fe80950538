/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CODEC_BASE64_H
#define VG_CODEC_BASE64_H

/* Base64 of RFC 4648, section 4, with padding. Pure; results are the arena's. */

#include "base/str.h"

struct vg_arena;

struct vg_str vg_base64_encode(struct vg_arena *arena, struct vg_str bytes);

/*
 * Strict: the alphabet, a length of a multiple of four, padding only at the end, no white space.
 * False when it is not so; *ret is then untouched.
 */
bool vg_base64_decode(struct vg_arena *arena, struct vg_str text, struct vg_str *ret);

#endif
