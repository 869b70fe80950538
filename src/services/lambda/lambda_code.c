/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packages.  The zip is a content file (store/blob.h) that the function's records refer to; it goes
 * with the last of them.  What is unpacked from it, DATA/lambda/<run>/<code id>, is a cache of this
 * process: made when it is needed, removed when nothing runs from it any more, and what an earlier
 * process left is swept at the start.
 */
#include "core/env.h"
#include "core/meter.h"
#include "crypto/random.h"
#include "os/fiber.h"
#include "os/file.h"
#include "services/lambda/lambda_int.h"
#include "store/blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct vg_str
dir_of(struct vg_arena *arena, const struct lambda_svc *svc, struct vg_str name)
{
    return vg_str_fmt(arena, "%s/%" VG_FMT, svc->code_dir, VG_ARG(name));
}

/* --- removing folders ---------------------------------------------------------------------------
 */

struct removal {
    struct vg_arena *arena;
    struct vg_str dir;
    struct vg_str but; /* absent: the folder; else all that is in it but this */
};

static void
remove_now(void *arg)
{
    struct removal *r = arg;
    struct vg_err err = { 0 };
    vg_rc rc = VG_OK;
    if (!r->but.ptr) {
        rc = vg_dir_remove(r->dir, &err);
        vg_err_clear(&err);
        return; /* what could not be removed is swept at the next start */
    }
    DIR *d = opendir(vg_str_cstr(r->arena, r->dir));
    if (!d)
        return;
    for (struct dirent *e; rc == VG_OK && (e = readdir(d));) {
        struct vg_str name = vg_str_of(e->d_name);
        if (vg_str_eq(name, r->but) || vg_str_eq(name, VG_STR("."))
            || vg_str_eq(name, VG_STR("..")))
            continue;
        struct vg_str path = vg_str_cat(r->arena, r->dir, VG_STR("/"));
        rc = vg_dir_remove(vg_str_cat(r->arena, path, name), &err);
    }
    vg_err_clear(&err);
    closedir(d);
}

static void VG_WAITS
removal_main(void *arg)
{
    struct removal *r = arg;
    struct vg_arena *arena = r->arena;
    vg_offload(remove_now, r);
    vg_arena_free(arena);
}

/* Nobody waits for it: a package may hold very many files. */
static void
remove_later(const struct lambda_svc *svc, struct vg_str dir, struct vg_str but)
{
    struct vg_arena *arena = vg_arena_new(0);
    struct removal *r = VG_NEW(arena, struct removal);
    r->arena = arena;
    r->dir = vg_str_dup(arena, dir);
    r->but = vg_str_dup(arena, but);
    struct vg_loop *self = vg_loop_self();
    vg_fiber_start(self ? self : svc->env->loops[0], removal_main, r);
}

vg_rc
lambda_code_open(struct lambda_svc *svc, struct vg_err *err)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_str all = vg_str_cat(arena, svc->env->config->data_dir, VG_STR("/lambda"));
    struct vg_str run = vg_random_text(svc->env->random, arena, VG_STR(""), VG_ALPHA_LOWER, 16);
    struct vg_str dir = vg_str_fmt(arena, "%" VG_FMT "/%" VG_FMT, VG_ARG(all), VG_ARG(run));
    vg_rc rc = vg_dir_make(dir, 0755, err);
    if (rc != VG_OK)
        return rc;
    svc->code_dir = vg_xalloc(dir.len + 1);
    memcpy(svc->code_dir, dir.ptr, dir.len);
    if (svc->env->n_loops > 0)
        remove_later(svc, all, run);
    return VG_OK;
}

/* --- unpacking ----------------------------------------------------------------------------------
 */

struct unpacking {
    struct vg_str zip; /* its path */
    struct vg_str dir; /* the new folder */
    uint64_t bytes;
    enum lambda_zip_rc zip_rc;
    vg_rc rc;
    struct vg_err *err;
    char why[256];
};

static void
unpack(void *arg)
{
    struct unpacking *u = arg;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    const char *path = vg_str_cstr(arena, u->dir);
    if (mkdir(path, 0755) != 0) {
        u->rc = vg_err_errno(u->err, errno, "making the folder of a package");
        return;
    }
    int fd = open(vg_str_cstr(arena, u->zip), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        u->rc = vg_err_errno(u->err, errno, "opening a package");
    else
        u->zip_rc = lambda_zip_unpack(fd, path, LAMBDA_LIMIT_CODE_UNZIPPED_BYTES, &u->bytes, u->why,
                                      sizeof(u->why));
    struct vg_err ignored = { 0 };
    if ((u->rc != VG_OK || u->zip_rc != LAMBDA_ZIP_OK) && vg_dir_remove(u->dir, &ignored) != VG_OK)
        vg_err_clear(&ignored);
}

/* Unpacks into a folder that has no name yet. */
static void VG_WAITS
unpack_aside(struct vg_req *rq, struct vg_str zip, struct unpacking *ret)
{
    struct vg_str name =
        vg_random_text(rq->env->random, rq->arena, VG_STR("new-"), VG_ALPHA_LOWER, 16);
    *ret = (struct unpacking) { .zip = zip, .dir = dir_of(rq->arena, rq->svc, name) };
    ret->err = rq->err;
    vg_offload(unpack, ret);
}

/* Gives it its name; another fiber may have been faster, whose work is as good. */
static vg_rc
settle(struct vg_req *rq, const struct unpacking *u, struct vg_str code_id)
{
    const char *to = vg_str_cstr(rq->arena, dir_of(rq->arena, rq->svc, code_id));
    if (rename(vg_str_cstr(rq->arena, u->dir), to) == 0)
        return VG_OK;
    int errnum = errno;
    remove_later(rq->svc, u->dir, VG_STR_NONE);
    return errnum == EEXIST || errnum == ENOTEMPTY
               ? VG_OK
               : vg_err_errno(rq->err, errnum, "naming the folder of a package");
}

/* --- a new package ------------------------------------------------------------------------------
 */

static vg_rc
zip_failure(struct vg_req *rq, const struct unpacking *u)
{
    switch (u->zip_rc) {
    case LAMBDA_ZIP_OK:
        return VG_OK;
    case LAMBDA_ZIP_EMPTY:
        return lambda_bad(rq, "Uploaded file must be a non-empty zip");
    case LAMBDA_ZIP_LARGE:
        return lambda_bad(rq, "Unzipped size must be smaller than %d bytes",
                          LAMBDA_LIMIT_CODE_UNZIPPED_BYTES);
    case LAMBDA_ZIP_BAD:
        return lambda_bad(rq, "Could not unzip uploaded file. Please check your file, then try to "
                              "upload again.");
    case LAMBDA_ZIP_IO:
        break;
    }
    return vg_err_set(rq->err, "unpacking a package: %s", u->why);
}

vg_rc
lambda_code_store(struct vg_req *rq, const struct lambda_function_code *code, bool is_trial,
                  struct lambda_rec_function *fn)
{
    vg_auto_blob_writer struct vg_blob_writer *blob = NULL;
    struct unpacking u;
    vg_rc rc = lambda_fetch(rq, code, fn, &blob);
    if (rc != VG_OK)
        return rc;
    unpack_aside(rq, vg_blob_writer_path(blob, rq->arena), &u);
    rc = u.rc == VG_OK ? zip_failure(rq, &u) : u.rc;
    if (rc != VG_OK)
        return rc;
    if (!is_trial)
        rc = vg_blob_finish(&blob, rq->sess, &fn->code_id, rq->err);
    if (rc != VG_OK || is_trial)
        remove_later(rq->svc, u.dir, VG_STR_NONE);
    else
        rc = settle(rq, &u, fn->code_id);
    fn->unzipped_bytes = (int64_t)u.bytes;
    return rc;
}

/* --- running from a package ---------------------------------------------------------------------
 */

/* Lock held. */
static struct lambda_use **
use_of(struct lambda_svc *svc, struct vg_str code_id)
{
    struct lambda_use **at = &svc->uses;
    while (*at && !vg_str_eq(vg_str_of((*at)->code_id), code_id))
        at = &(*at)->next;
    return at;
}

static void
count_in(struct lambda_svc *svc, struct vg_str code_id)
{
    pthread_mutex_lock(&svc->lock);
    struct lambda_use **at = use_of(svc, code_id);
    if (!*at) {
        *at = vg_xalloc(sizeof(**at));
        (*at)->code_id = vg_xalloc(code_id.len + 1);
        memcpy((*at)->code_id, code_id.ptr, code_id.len);
    }
    (*at)->n++;
    pthread_mutex_unlock(&svc->lock);
}

/* Takes the folder's name away, so that nobody enters it any more; lock held. */
static struct vg_str
unname(struct vg_req *rq, struct vg_str code_id)
{
    struct vg_str dir = dir_of(rq->arena, rq->svc, code_id);
    struct vg_str gone = vg_str_cat(rq->arena, dir, VG_STR("-gone"));
    bool is_there = rename(vg_str_cstr(rq->arena, dir), vg_str_cstr(rq->arena, gone)) == 0;
    return is_there ? gone : VG_STR_NONE;
}

void
lambda_code_leave(struct vg_req *rq, struct vg_str code_id)
{
    struct lambda_svc *svc = rq->svc;
    pthread_mutex_lock(&svc->lock);
    struct lambda_use **at = use_of(svc, code_id);
    struct lambda_use *use = *at;
    struct vg_str gone = VG_STR_NONE;
    if (--use->n == 0) {
        if (use->is_dropped)
            gone = unname(rq, code_id);
        *at = use->next;
        free(use->code_id);
        free(use);
    }
    pthread_mutex_unlock(&svc->lock);
    if (gone.ptr)
        remove_later(svc, gone, VG_STR_NONE);
}

/* The folder is not there: from the zip. */
static vg_rc VG_WAITS
rebuild(struct vg_req *rq, struct vg_str code_id)
{
    struct unpacking u;
    unpack_aside(rq, vg_blob_path(rq->env->blobs, rq->arena, code_id), &u);
    if (u.rc != VG_OK)
        return u.rc;
    if (u.zip_rc != LAMBDA_ZIP_OK)
        return vg_err_set(rq->err, "a stored package is damaged: %s", u.why);
    return settle(rq, &u, code_id);
}

vg_rc
lambda_code_enter(struct vg_req *rq, struct vg_str code_id, struct vg_str *ret_dir)
{
    struct lambda_svc *svc = rq->svc;
    *ret_dir = dir_of(rq->arena, svc, code_id);
    count_in(svc, code_id);
    if (access(vg_str_cstr(rq->arena, *ret_dir), F_OK) == 0)
        return VG_OK;
    vg_rc rc = rebuild(rq, code_id);
    if (rc != VG_OK)
        lambda_code_leave(rq, code_id);
    return rc;
}

/* --- a package goes -----------------------------------------------------------------------------
 */

void
lambda_code_forget(struct vg_req *rq, struct vg_str code_id)
{
    struct lambda_svc *svc = rq->svc;
    pthread_mutex_lock(&svc->lock);
    struct lambda_use *use = *use_of(svc, code_id);
    struct vg_str gone = VG_STR_NONE;
    if (use)
        use->is_dropped = true;
    else
        gone = unname(rq, code_id);
    pthread_mutex_unlock(&svc->lock);
    if (gone.ptr)
        remove_later(svc, gone, VG_STR_NONE);
}

struct dropped {
    struct vg_req *rq;
    struct vg_str code_id;
};

static void
on_dropped(void *arg)
{
    const struct dropped *d = arg;
    lambda_code_forget(d->rq, d->code_id);
}

/* The quota on the storage of a region:
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
static vg_rc
check_storage(struct vg_req *rq, struct vg_tx *tx, int64_t more_bytes)
{
    int64_t stored;
    vg_rc rc = lambda_store_code_bytes(rq, tx, &stored);
    if (rc != VG_OK || stored + more_bytes <= (int64_t)LAMBDA_LIMIT_CODE_STORAGE_BYTES)
        return rc;
    struct lambda_code_storage_exceeded_exception *d =
        VG_NEW(rq->arena, struct lambda_code_storage_exceeded_exception);
    d->type = VG_STR("User");
    return lambda_fail_code_storage_exceeded_exception_detail(rq, d,
                                                              "Code storage limit exceeded.");
}

vg_rc
lambda_code_keep(struct vg_req *rq, struct vg_tx *tx, const struct lambda_rec_function *fn)
{
    vg_rc rc = check_storage(rq, tx, fn->code_bytes);
    if (rc != VG_OK)
        return rc;
    lambda_store_code_add(rq, tx, fn->code_bytes);
    vg_blob_keep(tx, fn->code_id);
    vg_meter_stored(rq, tx, lambda_metered_as(rq, fn->name), fn->code_bytes);
    return VG_OK;
}

void
lambda_code_drop(struct vg_req *rq, struct vg_tx *tx, const struct lambda_rec_function *fn)
{
    struct dropped *d = VG_NEW(rq->arena, struct dropped);
    *d = (struct dropped) { rq, fn->code_id };
    lambda_store_code_add(rq, tx, -fn->code_bytes);
    vg_blob_drop(rq->env->blobs, tx, fn->code_id);
    vg_meter_stored(rq, tx, lambda_metered_as(rq, fn->name), -fn->code_bytes);
    vg_tx_on_commit(tx, on_dropped, d);
}

vg_rc
lambda_code_drop_unless_used(struct vg_req *rq, struct vg_tx *tx,
                             const struct lambda_rec_function *fn)
{
    struct lambda_rec_function *all;
    size_t n;
    bool is_used = false;
    vg_rc rc = lambda_store_tx_all(rq, tx, fn->name, &all, &n);
    for (size_t i = 0; rc == VG_OK && i < n; i++)
        is_used |=
            vg_str_eq(all[i].code_id, fn->code_id) && !vg_str_eq(all[i].version, fn->version);
    if (rc == VG_OK && !is_used)
        lambda_code_drop(rq, tx, fn);
    return rc;
}
