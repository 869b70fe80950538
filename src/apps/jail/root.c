/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root that every sandbox sees, built once.
 *
 * The jail has two mount namespaces and moves between them: its private copy of the host's (where
 * packages are found) and the tree built here, whose root is already what a sandbox's root is to
 * be. A sandbox is cloned while the jail stands in the second, so that there is no old root to
 * leave and only a dozen mounts to copy.
 */
#include "apps/jail/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc 2.36 declares these in <sys/mount.h>; the flags that it lacks: */
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

#define RO_ATTRS (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

static const char passwd[] = "root:x:0:0:root:/root:/sbin/nologin\n"
                             "sbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin\n"
                             "nobody:x:65534:65534:nobody:/:/sbin/nologin\n";
static const char group[] = "root:x:0:\nsbx_user1051:x:990:\nnogroup:x:65534:\n";
static const char hosts[] = "127.0.0.1 localhost\n";
static const char nsswitch[] = "passwd: files\ngroup: files\nhosts: files dns\n";
static const char resolv[] = "# a sandbox has no network but its own loopback\n";

static const struct {
    const char *path;
    const char *text;
} files[] = {
    { "etc/passwd", passwd },      { "etc/group", group },
    { "etc/hosts", hosts },        { "etc/nsswitch.conf", nsswitch },
    { "etc/resolv.conf", resolv }, { "etc/hostname", "localhost\n" },
};

static const char *const points[] = { "proc",         "dev",      "tmp",         "opt", "var",
                                      "var/task",     "var/lang", "var/runtime", "etc", "sys",
                                      "var/lang/lib", "home",     "etc/ssl",     "run" };
static const char *const devices[] = { "null", "zero", "full", "random", "urandom" };

int
root_tree(const char *path)
{
    int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (fd < 0)
        return -1;
    struct mount_attr attr = { .attr_set = RO_ATTRS, .propagation = MS_PRIVATE };
    if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

int
root_attach(int tree_fd, const char *path)
{
    return move_mount(tree_fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
}

static int
put_file(int dir, const char *path, const void *data, size_t len)
{
    int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    ssize_t n = len ? write(fd, data, len) : 0;
    close(fd);
    return n == (ssize_t)len ? 0 : -1;
}

static void
copy_file(int dir, const char *from, const char *to)
{
    static char data[512 << 10];
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n, len = 0;
    while ((n = read(fd, data + len, sizeof(data) - (size_t)len)) > 0)
        len += n;
    close(fd);
    put_file(dir, to, data, (size_t)len);
}

/* Brings the host's folder `path` in, as what it is there: a link or a folder. */
static int
bring(const char *base, const char *path)
{
    char target[256], to[400];
    snprintf(to, sizeof(to), "%s%s", base, path);
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : -1;
    if (S_ISLNK(st.st_mode)) {
        ssize_t n = readlink(path, target, sizeof(target) - 1);
        if (n < 0)
            return -1;
        target[n] = 0;
        return symlink(target, to);
    }
    if (mkdir(to, 0755) != 0 && errno != EEXIST)
        return -1;
    int fd = root_tree(path);
    if (fd < 0)
        return -1;
    int rc = root_attach(fd, to);
    close(fd);
    return rc;
}

static int
make_dev(const char *base, int dir)
{
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        char from[64], to[400];
        snprintf(from, sizeof(from), "dev/%s", devices[i]);
        if (put_file(dir, from, "", 0) != 0)
            return -1;
        snprintf(from, sizeof(from), "/dev/%s", devices[i]);
        snprintf(to, sizeof(to), "%s/dev/%s", base, devices[i]);
        if (mount(from, to, NULL, MS_BIND, NULL) != 0)
            return -1;
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };
        if (mount_setattr(AT_FDCWD, to, 0, &attr, sizeof(attr)) != 0)
            return -1;
    }
    symlinkat("/proc/self/fd", dir, "dev/fd");
    symlinkat("/proc/self/fd/0", dir, "dev/stdin");
    symlinkat("/proc/self/fd/1", dir, "dev/stdout");
    symlinkat("/proc/self/fd/2", dir, "dev/stderr");
    return 0;
}

static int
fill(const char *base, int dir)
{
    static const char *const from_host[] = { "/usr",   "/bin",   "/sbin",  "/lib",
                                             "/lib32", "/lib64", "/libx32" };
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        if (mkdirat(dir, points[i], 0755) != 0)
            return -1;
    }
    for (size_t i = 0; i < sizeof(from_host) / sizeof(from_host[0]); i++) {
        if (bring(base, from_host[i]) != 0)
            return -1;
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (put_file(dir, files[i].path, files[i].text, strlen(files[i].text)) != 0)
            return -1;
    }
    copy_file(dir, "/etc/ld.so.cache", "etc/ld.so.cache");
    copy_file(dir, "/etc/ssl/openssl.cnf", "etc/ssl/openssl.cnf");
    symlinkat("/usr/share/zoneinfo/UTC", dir, "etc/localtime");
    symlinkat("../usr/lib/os-release", dir, "etc/os-release");
    bring(base, "/etc/alternatives"); /* where they are missing nothing needs them */
    bring(base, "/etc/ssl/certs");
    return make_dev(base, dir);
}

/* Makes the tmpfs, fills it and makes it this namespace's root. */
static int
enter_new_root(const char *base, bool need_proc, int *ret_dir)
{
    if (mount("virga-root", base, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=8m") != 0)
        return -1;
    int dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || fill(base, dir) != 0)
        return -1;
    close(dir);
    if (need_proc) { /* a user namespace may mount its own proc only where it already sees one */
        char proc[300];
        snprintf(proc, sizeof(proc), "%s/proc", base);
        if (mount("/proc", proc, NULL, MS_BIND | MS_REC, NULL) != 0)
            return -1;
    }
    /* A second, writable handle on the same tmpfs, for mount points that come later. */
    *ret_dir = open_tree(AT_FDCWD, base, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (*ret_dir < 0)
        return -1;
    if (chdir(base) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0
        || chdir("/") != 0)
        return -1;
    struct mount_attr attr = { .attr_set = RO_ATTRS };
    return mount_setattr(AT_FDCWD, "/", 0, &attr, sizeof(attr));
}

int
root_build(struct root *r, const char *run_dir, bool need_proc, char *why, size_t n)
{
    char base[300];
    snprintf(base, sizeof(base), "%s/root", run_dir);
    if (mkdir(base, 0755) != 0 && errno != EEXIST) {
        snprintf(why, n, "cannot make %s: %s", base, strerror(errno));
        return -1;
    }
    r->host_ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (r->host_ns < 0 || unshare(CLONE_NEWNS) != 0)
        goto fail;
    r->tree_ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (r->tree_ns < 0 || enter_new_root(base, need_proc, &r->dir_fd) != 0)
        goto fail;
    if (setns(r->host_ns, CLONE_NEWNS) != 0)
        goto fail;
    return 0;
fail:
    snprintf(why, n, "cannot build the sandboxes' root: %s", strerror(errno));
    return -1;
}

int
root_mkdir(const struct root *r, const char *path)
{
    char part[512];
    size_t len = strlen(path);
    if (path[0] != '/' || len >= sizeof(part) || strstr(path, "/../") || strstr(path, "/./")) {
        errno = EINVAL;
        return -1;
    }
    for (size_t i = 2; i <= len; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path + 1, i - 1);
        part[i - 1] = 0;
        if (mkdirat(r->dir_fd, part, 0755) != 0 && errno != EEXIST && errno != EROFS)
            return -1;
    }
    return 0;
}
