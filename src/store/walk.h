/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_STORE_WALK_H
#define VG_STORE_WALK_H

/*
 * All rows of many partitions, for who does not know their names: checks.
 *
 * A walk is no snapshot and counts no reads; it goes on behind what cannot be read.
 */

#include "store/kv.h"

struct vg_walk_row {
    struct vg_str part, key, value;
    bool is_beside; /* of the partition that lies beside `part`: vg_key_beside() */
};

struct vg_walk {
    struct vg_kv *kv;
    /* Partitions whose ids begin with this tuple; absent: all. */
    struct vg_str prefix;
    /* The row is good until it returns; the store may be read meanwhile. */
    void (*row)(void *arg, const struct vg_walk_row *row);
    /* Rows are left out here: a block of the store's files cannot be read, or a key is none. */
    void (*gap)(void *arg, const struct vg_err *why);
    void *arg;
};

void vg_walk(const struct vg_walk *w);

#endif
