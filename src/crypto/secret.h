/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CRYPTO_SECRET_H
#define VG_CRYPTO_SECRET_H

/*
 * Bytes nobody may find later: zeroed before their memory is given back, and never a struct vg_str
 * by accident, so that they cannot slip into a log line or an arena dump.
 */

#include "base/str.h"

struct vg_secret {
    uint8_t *ptr;
    size_t len;
};

/* A copy on the heap, for long-lived owners; vg_secret_fini() zeroes and frees it. */
void vg_secret_init(struct vg_secret *s, struct vg_str bytes);
void vg_secret_fini(struct vg_secret *s); /* accepts an empty one and NULL */
/* A copy in the arena, zeroed when the arena ends. */
struct vg_secret vg_secret_in(struct vg_arena *arena, struct vg_str bytes);
/* To hand the bytes to a digest or an AWS answer that shows them. */
struct vg_str vg_secret_str(const struct vg_secret *s);
/* memset that no compiler leaves out. */
void vg_zero(void *ptr, size_t len);

#endif
