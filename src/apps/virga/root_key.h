/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRGA_ROOT_KEY_H
#define VIRGA_ROOT_KEY_H

/*
 * The key of the account itself: the well-known test/test, or with --auth strict a random one that
 * is made at the first start and kept in the data folder's `root-key` (mode 0600, JSON with
 * AccessKeyId and SecretAccessKey).  It is never logged.
 */

#include "base/err.h"

struct vg_arena;
struct vg_random;

struct root_key {
    struct vg_str id, secret; /* the arena's */
};

/* Reads the key, or makes it durably; *ret_path is where it is. Blocks the thread: at start only.
 */
vg_rc root_key_open(struct vg_arena *arena, struct vg_random *random, struct vg_str data_dir,
                    struct root_key *ret, struct vg_str *ret_path, struct vg_err *err) VG_MUST_USE;

#endif
