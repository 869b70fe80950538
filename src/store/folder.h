/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_STORE_FOLDER_H
#define VG_STORE_FOLDER_H

/*
 * The data folder: locked by one process, of a known version.  Opened and closed where the program
 * starts and ends; its calls block.
 *
 *   LOCK      flock()ed while in use; holds the process id of who has it
 *   VERSION   "virga data 1"
 *   kv/       RocksDB
 *   synced    the highest sequence known to be durable (rocks.c)
 *   blobs/    content files (blob.h)
 *
 * Who only looks changes nothing in it and shares the lock with others who do.
 */

#include "base/err.h"

struct vg_folder;

/*
 * Makes the folder when it is missing, takes its lock and checks the version.  Fails with
 * EWOULDBLOCK when another process has it; a folder that holds other files and no VERSION, or a
 * later version, is refused.
 */
vg_rc vg_folder_open(struct vg_str path, struct vg_folder **ret, struct vg_err *err) VG_MUST_USE;
/*
 * Opens one that is there, to look at it: nothing is made, nothing is changed.  Fails with
 * EWOULDBLOCK when another process has it.
 */
vg_rc vg_folder_look(struct vg_str path, struct vg_folder **ret, struct vg_err *err) VG_MUST_USE;
void vg_folder_close(struct vg_folder *f); /* accepts NULL */

/* "PATH/name"; lives as long as the folder. */
struct vg_str vg_folder_path(struct vg_folder *f, struct vg_str name);

#endif
