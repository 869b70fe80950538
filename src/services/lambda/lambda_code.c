/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where packages are kept: DATA/lambda/<id>/package.zip is the durable truth, task/ its unpacked
 * form, which is trusted only in the boot of the system that wrote it (the file "boot" says which).
 */
#include "codec/base64.h"
#include "core/env.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "os/fiber.h"
#include "os/file.h"
#include "services/lambda/lambda_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DROP_AFTER_MS 60000

struct keep {
    const struct lambda_svc *svc;
    struct vg_str dir; /* of this package */
    struct vg_str zip;
    bool is_new; /* the zip is not on disk yet */
    uint64_t bytes;
    enum lambda_zip_rc zip_rc;
    vg_rc rc;
    struct vg_err *err;
    char why[256];
};

/* Makes task/ anew; on the thread pool. */
static void
unpack(void *arg)
{
    struct keep *k = arg;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_str task = vg_str_cat(arena, k->dir, VG_STR("/task"));
    const char *path = vg_str_cstr(arena, task);
    k->rc = vg_dir_make(k->dir, 0755, k->err);
    if (k->rc == VG_OK)
        k->rc = vg_dir_remove(task, k->err);
    if (k->rc == VG_OK && mkdir(path, 0755) != 0)
        k->rc = vg_err_set(k->err, "cannot make the package's folder");
    if (k->rc != VG_OK)
        return;
    k->zip_rc = lambda_zip_unpack(k->zip, path, LAMBDA_LIMIT_CODE_UNZIPPED_BYTES, &k->bytes, k->why,
                                  sizeof(k->why));
    struct vg_err ignored = { 0 };
    if (k->zip_rc != LAMBDA_ZIP_OK) {
        k->rc = vg_dir_remove(k->dir, &ignored);
        return;
    }
    if (k->is_new)
        k->rc =
            vg_file_write(vg_str_cat(arena, k->dir, VG_STR("/package.zip")), k->zip, 0644, k->err);
    if (k->rc == VG_OK)
        k->rc = vg_file_write(vg_str_cat(arena, k->dir, VG_STR("/boot")),
                              vg_str_of(k->svc->boot_id), 0644, k->err);
}

static struct vg_str
dir_of(struct vg_arena *arena, const struct lambda_svc *svc, struct vg_str code_id)
{
    return vg_str_fmt(arena, "%s/%" VG_FMT, svc->code_dir, VG_ARG(code_id));
}

vg_rc
lambda_code_keep(struct vg_req *rq, struct vg_str zip, struct lambda_rec_function *fn)
{
    struct lambda_svc *svc = rq->svc;
    if (zip.len == 0)
        return lambda_bad(rq, "Uploaded file must be a non-empty zip");
    if (zip.len > LAMBDA_LIMIT_CODE_ZIPPED_BYTES)
        return lambda_fail_request_too_large_exception(
            rq, "Request must be smaller than %d bytes for the %" VG_FMT " operation", 69905067,
            VG_ARG(rq->op->name));
    struct vg_str id = vg_random_text(rq->env->random, rq->arena, VG_STR("c"), VG_ALPHA_LOWER, 26);
    struct keep k = {
        .svc = svc, .dir = dir_of(rq->arena, svc, id), .zip = zip, .is_new = true, .err = rq->err
    };
    vg_offload(unpack, &k);
    if (k.rc != VG_OK)
        return vg_fail_internal(rq, NULL);
    if (k.zip_rc == LAMBDA_ZIP_EMPTY)
        return lambda_bad(rq, "Uploaded file must be a non-empty zip");
    if (k.zip_rc == LAMBDA_ZIP_LARGE)
        return lambda_bad(rq, "Unzipped size must be smaller than %d bytes",
                          LAMBDA_LIMIT_CODE_UNZIPPED_BYTES);
    if (k.zip_rc == LAMBDA_ZIP_BAD)
        return lambda_bad(rq, "Could not unzip uploaded file. Please check your file, then try to "
                              "upload again.");
    if (k.zip_rc == LAMBDA_ZIP_IO)
        return vg_err_set(rq->err, "unpacking a package: %s", k.why);
    uint8_t digest[VG_SHA256_BYTES];
    vg_sha256(zip, digest);
    fn->code_id = id;
    fn->code_sha256 = vg_base64_encode(rq->arena, vg_str_n(digest, sizeof(digest)));
    fn->code_bytes = (int64_t)zip.len;
    fn->unzipped_bytes = (int64_t)k.bytes;
    return VG_OK;
}

struct again {
    struct keep keep;
    struct vg_arena *arena;
    bool is_good;
};

static void
look(void *arg)
{
    struct again *a = arg;
    struct keep *k = &a->keep;
    struct vg_str boot, zip;
    struct vg_err err = { 0 };
    if (vg_file_read(a->arena, vg_str_cat(a->arena, k->dir, VG_STR("/boot")), 256, &boot, &err)
            == VG_OK
        && vg_str_eq(boot, vg_str_of(k->svc->boot_id))) {
        a->is_good = true;
        return;
    }
    k->rc = vg_file_read(a->arena, vg_str_cat(a->arena, k->dir, VG_STR("/package.zip")),
                         LAMBDA_LIMIT_CODE_ZIPPED_BYTES + 1u, &zip, k->err);
    if (k->rc != VG_OK)
        return;
    k->zip = zip;
    unpack(k);
    a->is_good = k->rc == VG_OK && k->zip_rc == LAMBDA_ZIP_OK;
}

vg_rc
lambda_code_dir(struct vg_req *rq, struct vg_str code_id, struct vg_str *ret)
{
    struct lambda_svc *svc = rq->svc;
    struct vg_str dir = dir_of(rq->arena, svc, code_id);
    *ret = vg_str_cat(rq->arena, dir, VG_STR("/task"));
    struct vg_str seen = vg_str_cat(rq->arena, dir, VG_STR("/boot"));
    struct stat st;
    if (stat(vg_str_cstr(rq->arena, seen), &st) == 0 && st.st_mtime >= svc->boot_s)
        return VG_OK; /* written since the system started */
    struct again a = { .keep = { .svc = svc, .dir = dir, .err = rq->err }, .arena = rq->arena };
    vg_offload(look, &a);
    if (a.is_good)
        return VG_OK;
    return a.keep.rc != VG_OK ? a.keep.rc
                              : vg_err_set(rq->err, "a package is damaged: %s", a.keep.why);
}

struct drop {
    char *dir;
};

static void
drop_now(void *arg)
{
    struct drop *d = arg;
    struct vg_err err = { 0 };
    if (vg_dir_remove(vg_str_of(d->dir), &err) != VG_OK)
        return; /* swept at the next start */
}

static void VG_WAITS
drop_later(void *arg)
{
    struct drop *d = arg;
    vg_fiber_sleep(DROP_AFTER_MS);
    vg_offload(drop_now, d);
    free(d->dir);
    free(d);
}

void
lambda_code_drop(const struct vg_env *env, struct lambda_svc *svc, struct vg_str code_id)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct drop *d = vg_xalloc(sizeof(*d));
    struct vg_str dir = dir_of(arena, svc, code_id);
    d->dir = vg_xalloc(dir.len + 1);
    memcpy(d->dir, dir.ptr, dir.len);
    struct vg_loop *self = vg_loop_self();
    vg_fiber_start(self ? self : env->loops[0], drop_later, d);
}
