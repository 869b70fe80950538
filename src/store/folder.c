/* SPDX-License-Identifier: Apache-2.0 */
#include "store/folder.h"

#include "base/arena.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define VERSION_TEXT     VG_STR("virga data 1\n")
#define VERSION_PREFIX   VG_STR("virga data ")
#define SMALL_FILE_BYTES 4096

struct vg_folder {
    struct vg_arena *arena;
    struct vg_str path;
    int lock_fd;
};

struct vg_str
vg_folder_path(struct vg_folder *f, struct vg_str name)
{
    return vg_str_fmt(f->arena, "%" VG_FMT "/%" VG_FMT, VG_ARG(f->path), VG_ARG(name));
}

/* Who looks at a folder leaves the id there of who had it before. */
static bool
is_running(struct vg_str pid)
{
    uint64_t n;
    return vg_str_to_u64(pid, &n) && n > 0 && n <= INT32_MAX
           && (kill((pid_t)n, 0) == 0 || errno != ESRCH);
}

/* `err` as locking has set it. */
static vg_rc
not_locked(struct vg_folder *f, struct vg_str path, struct vg_err *err)
{
    struct vg_err ignored;
    struct vg_str text = VG_STR_NONE;
    if (err->os_errno != EWOULDBLOCK)
        return VG_FAIL;
    if (vg_file_read(f->arena, path, SMALL_FILE_BYTES, &text, &ignored) != VG_OK)
        text = VG_STR_NONE;
    struct vg_str pid = vg_str_cut(&text, '\n');
    if (is_running(pid))
        vg_err_set(err,
                   "the data folder %" VG_FMT " is in use by another virga (process %" VG_FMT ")",
                   VG_ARG(f->path), VG_ARG(pid));
    else
        vg_err_set(err, "the data folder %" VG_FMT " is in use by another virga, or being checked",
                   VG_ARG(f->path));
    err->os_errno = EWOULDBLOCK;
    return VG_FAIL;
}

static vg_rc
lock(struct vg_folder *f, struct vg_err *err)
{
    struct vg_str path = vg_folder_path(f, VG_STR("LOCK"));
    if (vg_file_lock(path, &f->lock_fd, err) != VG_OK)
        return not_locked(f, path, err);
    if (ftruncate(f->lock_fd, 0) != 0)
        return vg_err_errno(err, errno, "writing %" VG_FMT, VG_ARG(path));
    return vg_fd_write_all(f->lock_fd, vg_str_fmt(f->arena, "%d\n", (int)getpid()), err);
}

/* Whether anything but our lock lies in it. */
static bool
is_empty(struct vg_folder *f)
{
    DIR *d = opendir(vg_str_cstr(f->arena, f->path));
    if (d == NULL)
        return false;
    bool is = true;
    struct dirent *e;
    while (is && (e = readdir(d)))
        is = e->d_name[0] == '.' || strcmp(e->d_name, "LOCK") == 0
             || strcmp(e->d_name, "lost+found") == 0;
    closedir(d);
    return is;
}

static vg_rc
read_version(struct vg_folder *f, struct vg_str path, struct vg_err *err)
{
    struct vg_str text;
    vg_rc rc = vg_file_read(f->arena, path, SMALL_FILE_BYTES, &text, err);
    if (rc != VG_OK)
        return rc;
    if (vg_str_eq(text, VERSION_TEXT))
        return VG_OK;
    if (!vg_str_starts(text, VERSION_PREFIX))
        return vg_err_set(err, "%" VG_FMT " is damaged or not Virga's", VG_ARG(path));
    struct vg_str rest = text, line = vg_str_cut(&rest, '\n');
    return vg_err_set(err,
                      "the data folder %" VG_FMT
                      " was written by another version of Virga (it says "
                      "\"%" VG_FMT "\"; this one reads \"virga data 1\")",
                      VG_ARG(f->path), VG_ARG(line));
}

static vg_rc
check_version(struct vg_folder *f, struct vg_err *err)
{
    struct vg_str path = vg_folder_path(f, VG_STR("VERSION"));
    if (vg_file_exists(path))
        return read_version(f, path, err);
    if (is_empty(f))
        return vg_file_write(path, VERSION_TEXT, 0600, err);
    return vg_err_set(err,
                      "%" VG_FMT " holds files that are not Virga's (there is no VERSION in "
                      "it): give an empty folder",
                      VG_ARG(f->path));
}

static struct vg_folder *
folder_new(struct vg_str path)
{
    struct vg_folder *f = vg_xalloc(sizeof(*f));
    f->arena = vg_arena_new(0);
    f->path = vg_str_dup(f->arena, path);
    f->lock_fd = -1;
    return f;
}

static vg_rc
give(struct vg_folder *f, vg_rc rc, struct vg_folder **ret)
{
    if (rc == VG_OK)
        *ret = f;
    else
        vg_folder_close(f);
    return rc;
}

vg_rc
vg_folder_open(struct vg_str path, struct vg_folder **ret, struct vg_err *err)
{
    vg_rc rc = vg_dir_make(path, 0700, err);
    if (rc != VG_OK)
        return rc;
    struct vg_folder *f = folder_new(path);
    rc = lock(f, err);
    if (rc == VG_OK)
        rc = check_version(f, err);
    return give(f, rc, ret);
}

/* A copy without LOCK is nobody's. */
static vg_rc
lock_shared(struct vg_folder *f, struct vg_err *err)
{
    struct vg_err why;
    struct vg_str path = vg_folder_path(f, VG_STR("LOCK"));
    if (vg_file_lock_shared(path, &f->lock_fd, &why) == VG_OK || why.os_errno == ENOENT)
        return VG_OK;
    *err = why;
    return not_locked(f, path, err);
}

vg_rc
vg_folder_look(struct vg_str path, struct vg_folder **ret, struct vg_err *err)
{
    struct vg_folder *f = folder_new(path);
    vg_rc rc = read_version(f, vg_folder_path(f, VG_STR("VERSION")), err);
    if (rc != VG_OK && (err->os_errno == ENOENT || err->os_errno == ENOTDIR))
        vg_err_set(err, "%" VG_FMT " is no data folder of Virga's: there is no VERSION in it",
                   VG_ARG(path));
    if (rc == VG_OK)
        rc = lock_shared(f, err);
    return give(f, rc, ret);
}

void
vg_folder_close(struct vg_folder *f)
{
    if (f == NULL)
        return;
    if (f->lock_fd >= 0)
        close(f->lock_fd);
    vg_arena_free(f->arena);
    free(f);
}
