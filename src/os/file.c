/* SPDX-License-Identifier: Apache-2.0 */
#include "os/file.h"

#include "base/arena.h"
#include "os/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define READ_STEP_BYTES (64u << 10)
#define REMOVE_FDS      16
#define PATH_BYTES      1024u /* these lie on fibers' stacks */

/* A path as the system wants it. */
struct path {
    char s[PATH_BYTES];
};

static vg_rc
path_of(struct vg_str from, struct path *ret, struct vg_err *err)
{
    if (from.len == 0 || from.len >= sizeof(ret->s) || memchr(from.ptr, 0, from.len))
        return vg_err_errno(err, from.len ? ENAMETOOLONG : ENOENT, "not a path");
    memcpy(ret->s, from.ptr, from.len);
    ret->s[from.len] = 0;
    return VG_OK;
}

static struct vg_str
parent_of(struct vg_str path)
{
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    size_t at = vg_str_rfind_char(path, '/');
    if (at == VG_NPOS)
        return VG_STR(".");
    return at == 0 ? VG_STR("/") : vg_str_slice(path, 0, at);
}

void
vg_close_p(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static vg_rc
read_all(struct vg_arena *arena, int fd, size_t want, size_t max_bytes, struct vg_str *ret,
         struct vg_err *err)
{
    size_t len = 0, cap = VG_MIN(want, max_bytes) + 1; /* one more, to see the end */
    char *p = vg_arena_alloc(arena, cap);
    for (;;) {
        ssize_t n = read(fd, p + len, cap - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return vg_err_errno(err, errno, "read");
        if (n == 0)
            break;
        len += (size_t)n;
        if (len > max_bytes)
            return vg_err_errno(err, EFBIG, "read");
        if (len == cap) {
            p = vg_arena_grow(arena, p, cap, cap + VG_MAX(cap, READ_STEP_BYTES));
            cap += VG_MAX(cap, READ_STEP_BYTES);
        }
    }
    *ret = vg_str_n(p, len);
    return VG_OK;
}

vg_rc
vg_file_read(struct vg_arena *arena, struct vg_str path, size_t max_bytes, struct vg_str *ret_data,
             struct vg_err *err)
{
    struct path p;
    vg_rc rc = path_of(path, &p, err);
    if (rc != VG_OK)
        return rc;
    vg_auto_close int fd = open(p.s, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return vg_err_errno(err, errno, "open %s", p.s);
    struct stat st;
    if (fstat(fd, &st) != 0)
        return vg_err_errno(err, errno, "stat %s", p.s);
    rc = read_all(arena, fd, (size_t)st.st_size, max_bytes, ret_data, err);
    return rc == VG_OK ? rc : vg_err_wrap(err, "%s", p.s);
}

vg_rc
vg_fd_write_all(int fd, struct vg_str data, struct vg_err *err)
{
    while (data.len) {
        ssize_t n = write(fd, data.ptr, data.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return vg_err_errno(err, errno, "write");
        data = vg_str_slice(data, (size_t)n, data.len);
    }
    return VG_OK;
}

static vg_rc
write_temporary(const char *tmp, const char *to, struct vg_str data, unsigned mode,
                struct vg_err *err)
{
    vg_auto_close int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return vg_err_errno(err, errno, "create %s", tmp);
    vg_rc rc = vg_fd_write_all(fd, data, err);
    if (rc == VG_OK && fsync(fd) != 0)
        rc = vg_err_errno(err, errno, "fsync");
    if (rc == VG_OK && rename(tmp, to) != 0)
        rc = vg_err_errno(err, errno, "rename");
    if (rc == VG_OK)
        return VG_OK;
    unlink(tmp);
    return vg_err_wrap(err, "%s", to);
}

vg_rc
vg_file_write(struct vg_str path, struct vg_str data, unsigned mode, struct vg_err *err)
{
    struct path p, tmp;
    vg_rc rc = path_of(path, &p, err);
    if (rc != VG_OK)
        return rc;
    uint64_t salt;
    vg_os_random(&salt, sizeof(salt));
    int n = snprintf(tmp.s, sizeof(tmp.s), "%s.%016llx.tmp", p.s, (unsigned long long)salt);
    if (n < 0 || (size_t)n >= sizeof(tmp.s))
        return vg_err_errno(err, ENAMETOOLONG, "%s", p.s);
    rc = write_temporary(tmp.s, p.s, data, mode, err);
    return rc == VG_OK ? vg_dir_sync(parent_of(path), err) : rc;
}

bool
vg_file_exists(struct vg_str path)
{
    struct path p;
    struct vg_err err;
    return path_of(path, &p, &err) == VG_OK && access(p.s, F_OK) == 0;
}

vg_rc
vg_file_remove(struct vg_str path, struct vg_err *err)
{
    struct path p;
    vg_rc rc = path_of(path, &p, err);
    if (rc == VG_OK && unlink(p.s) != 0 && errno != ENOENT)
        rc = vg_err_errno(err, errno, "remove %s", p.s);
    return rc;
}

vg_rc
vg_dir_sync(struct vg_str path, struct vg_err *err)
{
    struct path p;
    vg_rc rc = path_of(path, &p, err);
    if (rc != VG_OK)
        return rc;
    vg_auto_close int fd = open(p.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return vg_err_errno(err, errno, "fsync of folder %s", p.s);
    return VG_OK;
}

vg_rc
vg_dir_make(struct vg_str path, unsigned mode, struct vg_err *err)
{
    struct path p;
    vg_rc rc = path_of(path, &p, err);
    if (rc != VG_OK)
        return rc;
    for (size_t i = 1; i <= path.len; i++) {
        if (i < path.len && p.s[i] != '/')
            continue;
        char was = p.s[i];
        p.s[i] = 0;
        if (mkdir(p.s, mode) == 0)
            rc = vg_dir_sync(parent_of(vg_str_n(p.s, i)), err);
        else if (errno != EEXIST)
            rc = vg_err_errno(err, errno, "make folder %s", p.s);
        if (rc != VG_OK)
            return rc;
        p.s[i] = was;
    }
    struct stat st;
    if (stat(p.s, &st) != 0 || !S_ISDIR(st.st_mode))
        return vg_err_errno(err, ENOTDIR, "make folder %s", p.s);
    return VG_OK;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

vg_rc
vg_dir_remove(struct vg_str path, struct vg_err *err)
{
    struct path p;
    vg_rc rc = path_of(path, &p, err);
    if (rc == VG_OK && nftw(p.s, remove_one, REMOVE_FDS, FTW_DEPTH | FTW_PHYS) != 0
        && errno != ENOENT)
        rc = vg_err_errno(err, errno, "remove folder %s", p.s);
    return rc;
}

vg_rc
vg_dir_free_bytes(struct vg_str path, uint64_t *ret_bytes, struct vg_err *err)
{
    struct path p;
    struct statvfs st;
    vg_rc rc = path_of(path, &p, err);
    if (rc != VG_OK)
        return rc;
    if (statvfs(p.s, &st) != 0)
        return vg_err_errno(err, errno, "statvfs %s", p.s);
    *ret_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    return VG_OK;
}

static vg_rc
lock(struct vg_str path, int flags, int how, int *ret_fd, struct vg_err *err)
{
    struct path p;
    vg_rc rc = path_of(path, &p, err);
    if (rc != VG_OK)
        return rc;
    int fd = open(p.s, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        return vg_err_errno(err, errno, "open %s", p.s);
    if (flock(fd, how | LOCK_NB) != 0) {
        rc = vg_err_errno(err, errno, "lock %s", p.s);
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return VG_OK;
}

vg_rc
vg_file_lock(struct vg_str path, int *ret_fd, struct vg_err *err)
{
    return lock(path, O_RDWR | O_CREAT, LOCK_EX, ret_fd, err);
}

vg_rc
vg_file_lock_shared(struct vg_str path, int *ret_fd, struct vg_err *err)
{
    return lock(path, O_RDONLY, LOCK_SH, ret_fd, err);
}
