/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which interpreter runs an identifier like "python3.12".
 *
 * Configured ones (--runtime NAME=PATH) come first, then those that the system has; an identifier
 * without its exact version gets the nearest one, the newer of two equally near.
 */
#include "os/file.h"
#include "os/process.h"
#include "sandbox/sandbox_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PYTHON_FIRST 8
#define PYTHON_LAST  14
#define NODE_FIRST   12
#define NODE_LAST    24

struct found {
    char path[256];
    int version; /* 311 is not needed: the minor of Python 3, the major of Node */
};

static bool
is_there(const char *path)
{
    return access(path, X_OK) == 0;
}

/* "python3.12" -> 12, "nodejs20.x" -> 20; 0: another kind. */
static int
version_of(struct vg_str id, enum vg_runtime_kind *ret_kind)
{
    int64_t v = 0;
    if (vg_str_starts(id, VG_STR("python3.")) && vg_str_to_i64(vg_str_slice(id, 8, id.len), &v)
        && v >= PYTHON_FIRST && v <= PYTHON_LAST) {
        *ret_kind = VG_RUNTIME_PYTHON;
        return (int)v;
    }
    if (vg_str_starts(id, VG_STR("nodejs")) && vg_str_ends(id, VG_STR(".x"))
        && vg_str_to_i64(vg_str_slice(id, 6, id.len - 2), &v) && v >= NODE_FIRST
        && v <= NODE_LAST) {
        *ret_kind = VG_RUNTIME_NODE;
        return (int)v;
    }
    return 0;
}

static const char *
configured(const struct vg_sandboxes *sb, struct vg_arena *arena, struct vg_str id)
{
    for (size_t i = 0; i < sb->opt.n_runtimes; i++) {
        struct vg_str rest = sb->opt.runtimes[i];
        struct vg_str name = vg_str_cut(&rest, '=');
        if (vg_str_eq(name, id) && rest.len > 0)
            return vg_str_cstr(arena, rest);
    }
    return NULL;
}

static int
distance(int a, int b)
{
    return a > b ? 2 * (a - b) - 1 : 2 * (b - a); /* newer before older */
}

static bool
nearest_python(int want, struct found *ret)
{
    static const char *const dirs[] = { "/usr/bin", "/usr/local/bin" };
    int best = 0;
    for (int v = PYTHON_FIRST; v <= PYTHON_LAST; v++) {
        for (size_t i = 0; i < VG_COUNT(dirs); i++) {
            char path[64];
            snprintf(path, sizeof(path), "%s/python3.%d", dirs[i], v);
            if (!is_there(path) || (best && distance(v, want) >= distance(best, want)))
                continue;
            best = v;
            memcpy(ret->path, path, sizeof(path));
            ret->version = v;
        }
    }
    return best != 0;
}

struct ask {
    const char *path;
    char text[64];
};

/* `node --version`, off the loop: it takes tens of milliseconds. */
static void
ask_version(void *arg)
{
    struct ask *ask = arg;
    int fds[2];
    if (pipe(fds) != 0)
        return;
    const char *argv[] = { ask->path, "--version", NULL };
    struct vg_fd_map map = { fds[1], 1 };
    struct vg_spawn spawn = { .path = ask->path, .argv = argv, .fds = &map, .n_fds = 1 };
    struct vg_err err = { 0 };
    pid_t pid = -1;
    struct vg_exit exit_info;
    vg_rc rc = vg_process_spawn(&spawn, &pid, &err);
    close(fds[1]);
    if (rc == VG_OK) {
        ssize_t n = read(fds[0], ask->text, sizeof(ask->text) - 1);
        ask->text[n > 0 ? n : 0] = 0;
        if (vg_process_wait_blocking(pid, &exit_info, &err) != VG_OK)
            ask->text[0] = 0;
    }
    close(fds[0]);
}

static bool VG_WAITS
nearest_node(struct vg_sandboxes *sb, struct found *ret)
{
    static const char *const paths[] = { "/usr/bin/node", "/usr/local/bin/node" };
    for (size_t i = 0; i < VG_COUNT(paths); i++) {
        if (!is_there(paths[i]))
            continue;
        pthread_mutex_lock(&sb->lock);
        int known = sb->node_version[i];
        pthread_mutex_unlock(&sb->lock);
        if (known == 0) {
            struct ask ask = { .path = paths[i] };
            vg_offload(ask_version, &ask);
            known = ask.text[0] == 'v' ? (int)strtol(ask.text + 1, NULL, 10) : -1;
            pthread_mutex_lock(&sb->lock);
            sb->node_version[i] = known;
            pthread_mutex_unlock(&sb->lock);
        }
        if (known <= 0)
            continue;
        snprintf(ret->path, sizeof(ret->path), "%s", paths[i]);
        ret->version = known;
        return true;
    }
    return false;
}

vg_rc
vg_runtime_find(struct vg_sandboxes *sb, struct vg_arena *arena, struct vg_str id,
                struct vg_runtime *ret, struct vg_err *err)
{
    struct vg_runtime rt = { .id = id, .actual = id, .is_exact = true };
    if (vg_str_eq(id, VG_STR("provided.al2")) || vg_str_eq(id, VG_STR("provided.al2023"))) {
        rt.kind = VG_RUNTIME_PROVIDED;
        rt.path = VG_STR("/var/task/bootstrap");
        *ret = rt;
        return VG_OK;
    }
    int want = version_of(id, &rt.kind);
    if (want == 0)
        return vg_err_set(err, "The runtime %" VG_FMT " is not available here.", VG_ARG(id));
    const char *path = configured(sb, arena, id);
    struct found f = { .version = want };
    if (path) {
        if (!is_there(path))
            return vg_err_set(err, "The interpreter of %" VG_FMT ", %s, is missing.", VG_ARG(id),
                              path);
        rt.path = vg_str_of(path);
    } else if (rt.kind == VG_RUNTIME_PYTHON ? nearest_python(want, &f) : nearest_node(sb, &f)) {
        rt.path = vg_str_dup(arena, vg_str_of(f.path));
        rt.is_exact = f.version == want;
        rt.actual = rt.kind == VG_RUNTIME_PYTHON ? vg_str_fmt(arena, "python3.%d", f.version)
                                                 : vg_str_fmt(arena, "nodejs%d.x", f.version);
    } else {
        return vg_err_set(err, "No interpreter for %" VG_FMT " was found; give one by --runtime.",
                          VG_ARG(id));
    }
    if (!rt.is_exact && sb->opt.is_match_exact)
        return vg_err_set(err,
                          "The runtime %" VG_FMT " is not installed (the nearest is %" VG_FMT ").",
                          VG_ARG(id), VG_ARG(rt.actual));
    *ret = rt;
    return VG_OK;
}
