/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacks a deployment package that nobody vouches for.
 *
 * Names must stay inside, links are made last and only if they point inside, sizes are counted as
 * they are unpacked and not as they are claimed, everything becomes readable and nothing set-uid.
 */
#include "services/lambda/lambda_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#define ENTRIES_MAX 100000
#define PATH_MAX_   1024u
#define LINK_MAX_   512u

struct unpack {
    zip_t *zip;
    int dir;
    uint64_t left;
    size_t n_files;
    char *why;
    size_t n;
    char data[32768];
};

/* Relative, without "." and "..", NUL, backslash or an endless component. */
static bool
is_safe_name(const char *name, size_t len)
{
    if (len == 0 || len > PATH_MAX_ || name[0] == '/' || strchr(name, '\\'))
        return false;
    for (const char *p = name; *p;) {
        size_t n = strcspn(p, "/");
        if (n > 255 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return false;
        if (n == 0 && p[1])
            return false;
        p += n + (p[n] == '/');
    }
    return true;
}

/* Whether a link at `name` to `target` stays inside the package. */
static bool
is_safe_link(const char *name, const char *target)
{
    int depth = 0;
    for (const char *p = name; (p = strchr(p, '/')); p++)
        depth++;
    if (target[0] == '/' || target[0] == 0)
        return false;
    for (const char *p = target; *p;) {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.')
            depth--;
        else if (n > 0 && !(n == 1 && p[0] == '.'))
            depth++;
        if (depth < 0)
            return false;
        p += n + (p[n] == '/');
    }
    return true;
}

static bool
make_parents(struct unpack *u, const char *name)
{
    char part[PATH_MAX_ + 1];
    for (const char *p = name; (p = strchr(p, '/')); p++) {
        size_t n = (size_t)(p - name);
        memcpy(part, name, n);
        part[n] = 0;
        if (mkdirat(u->dir, part, 0755) != 0 && errno != EEXIST)
            return false;
    }
    return true;
}

static enum lambda_zip_rc
bad(struct unpack *u, const char *what, const char *name)
{
    snprintf(u->why, u->n, "%s: %.100s", what, name);
    return LAMBDA_ZIP_BAD;
}

static enum lambda_zip_rc
copy_out(struct unpack *u, zip_file_t *f, int fd, const char *name)
{
    zip_int64_t n;
    while ((n = zip_fread(f, u->data, sizeof(u->data))) > 0) {
        if ((uint64_t)n > u->left)
            return LAMBDA_ZIP_LARGE;
        u->left -= (uint64_t)n;
        for (zip_int64_t at = 0; at < n;) {
            ssize_t w = write(fd, u->data + at, (size_t)(n - at));
            if (w < 0) {
                snprintf(u->why, u->n, "write: %s", strerror(errno));
                return LAMBDA_ZIP_IO;
            }
            at += w;
        }
    }
    return n < 0 ? bad(u, "damaged entry", name) : LAMBDA_ZIP_OK;
}

static unsigned
mode_of(zip_t *zip, zip_uint64_t i)
{
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    if (zip_file_get_external_attributes(zip, i, 0, &system, &attributes) != 0
        || system != ZIP_OPSYS_UNIX || attributes >> 16 == 0)
        return S_IFREG | 0755; /* made on a system without modes: let it be run */
    return attributes >> 16;
}

static enum lambda_zip_rc
unpack_file(struct unpack *u, zip_uint64_t i, const char *name, unsigned mode)
{
    if (!make_parents(u, name))
        return bad(u, "a file where a folder is needed", name);
    zip_file_t *f = zip_fopen_index(u->zip, i, 0);
    if (!f)
        return bad(u, "unreadable entry", name);
    mode_t final = (mode & 0111) ? 0755 : 0644;
    int fd = openat(u->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    enum lambda_zip_rc rc = fd < 0 ? bad(u, "cannot be written", name) : copy_out(u, f, fd, name);
    if (fd >= 0) {
        if (fchmod(fd, final) != 0)
            rc = LAMBDA_ZIP_IO;
        close(fd);
    }
    zip_fclose(f);
    u->n_files++;
    return rc;
}

static enum lambda_zip_rc
make_link(struct unpack *u, zip_uint64_t i, const char *name)
{
    char target[LINK_MAX_ + 1];
    zip_file_t *f = zip_fopen_index(u->zip, i, 0);
    zip_int64_t n = f ? zip_fread(f, target, LINK_MAX_) : -1;
    if (f)
        zip_fclose(f);
    if (n <= 0)
        return bad(u, "unreadable link", name);
    target[n] = 0;
    if (!is_safe_link(name, target))
        return bad(u, "a link that leaves the package", name);
    if (!make_parents(u, name) || (unlinkat(u->dir, name, 0) != 0 && errno != ENOENT)
        || symlinkat(target, u->dir, name) != 0)
        return bad(u, "link cannot be made", name);
    u->n_files++;
    return LAMBDA_ZIP_OK;
}

/* Files and folders first, then links: so nothing is ever written through a link. */
static enum lambda_zip_rc
unpack_entry(struct unpack *u, zip_uint64_t i, bool do_links)
{
    zip_stat_t st;
    if (zip_stat_index(u->zip, i, 0, &st) != 0 || !(st.valid & ZIP_STAT_NAME))
        return bad(u, "unreadable entry", "");
    size_t len = strlen(st.name);
    if (!is_safe_name(st.name, len))
        return bad(u, "a name that leaves the package", st.name);
    if ((st.valid & ZIP_STAT_ENCRYPTION_METHOD) && st.encryption_method != ZIP_EM_NONE)
        return bad(u, "an encrypted entry", st.name);
    unsigned mode = mode_of(u->zip, i);
    bool is_dir = st.name[len - 1] == '/';
    if (!is_dir && S_ISLNK(mode))
        return do_links ? make_link(u, i, st.name) : LAMBDA_ZIP_OK;
    if (do_links)
        return LAMBDA_ZIP_OK;
    if (is_dir)
        return make_parents(u, st.name) ? LAMBDA_ZIP_OK
                                        : bad(u, "a file where a folder is needed", st.name);
    if (S_ISREG(mode) || (mode & S_IFMT) == 0)
        return unpack_file(u, i, st.name, mode);
    return bad(u, "neither a file nor a folder", st.name);
}

enum lambda_zip_rc
lambda_zip_unpack(int fd, const char *dir, uint64_t max_bytes, uint64_t *ret_bytes, char *why,
                  size_t n)
{
    int code = 0;
    zip_t *z = zip_fdopen(fd, 0, &code); /* has the descriptor then */
    if (!z) {
        zip_error_t error;
        close(fd);
        zip_error_init_with_code(&error, code);
        snprintf(why, n, "%s", zip_error_strerror(&error));
        zip_error_fini(&error);
        return LAMBDA_ZIP_BAD;
    }
    struct unpack *u = vg_xalloc(sizeof(*u));
    *u = (struct unpack) { .zip = z, .left = max_bytes, .why = why, .n = n };
    u->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum lambda_zip_rc rc = u->dir < 0 ? LAMBDA_ZIP_IO : LAMBDA_ZIP_OK;
    zip_int64_t entries = zip_get_num_entries(z, 0);
    if (entries > ENTRIES_MAX)
        rc = bad(u, "too many entries", "");
    for (int links = 0; links < 2; links++) {
        for (zip_int64_t i = 0; rc == LAMBDA_ZIP_OK && i < entries; i++)
            rc = unpack_entry(u, (zip_uint64_t)i, links == 1);
    }
    if (rc == LAMBDA_ZIP_OK && u->n_files == 0)
        rc = LAMBDA_ZIP_EMPTY;
    *ret_bytes = max_bytes - u->left;
    if (u->dir >= 0)
        close(u->dir);
    free(u);
    zip_discard(z);
    return rc;
}
