/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_OS_FILE_H
#define VG_OS_FILE_H

/*
 * Files, whole.  All block the calling thread: on a loop call them through vg_offload(), except at
 * start-up.  Paths are borrowed, shorter than 1 KB, without NUL.  Failures set `err` with the
 * errno. Everything that is opened is close-on-exec. Any thread.
 */

#include "base/err.h"

struct vg_arena;

/* The content, in the arena. Fails with EFBIG when there are more than max_bytes. */
vg_rc vg_file_read(struct vg_arena *arena, struct vg_str path, size_t max_bytes,
                   struct vg_str *ret_data, struct vg_err *err) VG_MUST_USE;

/*
 * Replaces `path` by `data` so that a reader, also after a power cut, finds the old or the new
 * content and nothing else: a temporary file beside it, fsync, rename, fsync of the folder.
 */
vg_rc vg_file_write(struct vg_str path, struct vg_str data, unsigned mode, struct vg_err *err)
    VG_MUST_USE;

/* Writes all of it to a blocking descriptor. */
vg_rc vg_fd_write_all(int fd, struct vg_str data, struct vg_err *err) VG_MUST_USE;

bool vg_file_exists(struct vg_str path);
/* Absence is no failure. */
vg_rc vg_file_remove(struct vg_str path, struct vg_err *err) VG_MUST_USE;

/* Makes the folder and those above it that are missing, durably. */
vg_rc vg_dir_make(struct vg_str path, unsigned mode, struct vg_err *err) VG_MUST_USE;
vg_rc vg_dir_sync(struct vg_str path, struct vg_err *err) VG_MUST_USE;
/* Removes a folder with all it holds, without following symbolic links. Absence is no failure. */
vg_rc vg_dir_remove(struct vg_str path, struct vg_err *err) VG_MUST_USE;
/* Free bytes for an unprivileged user on the file system of `path`. */
vg_rc vg_dir_free_bytes(struct vg_str path, uint64_t *ret_bytes, struct vg_err *err) VG_MUST_USE;

/*
 * Creates `path` and takes its exclusive lock (flock), which lasts until *ret_fd is closed or the
 * process ends.  Fails with EWOULDBLOCK when another has it.
 */
vg_rc vg_file_lock(struct vg_str path, int *ret_fd, struct vg_err *err) VG_MUST_USE;
/* The same of a file that is there, beside others who share it; ENOENT when it is not. */
vg_rc vg_file_lock_shared(struct vg_str path, int *ret_fd, struct vg_err *err) VG_MUST_USE;

/* `vg_auto_close int fd = -1;` closes at the end of the scope. */
void vg_close_p(int *fd);
#define vg_auto_close __attribute__((cleanup(vg_close_p)))

#endif
