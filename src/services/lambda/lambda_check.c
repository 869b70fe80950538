/* SPDX-License-Identifier: Apache-2.0 */

/* Packages held to what is recorded of them (core/check.h). */

#include "services/lambda/lambda_check.h"

#include "codec/base64.h"
#include "core/env.h"
#include "crypto/hash.h"
#include "store/blob.h"

#include <stdlib.h>

#define PIECE_BYTES (256u << 10)

struct checking {
    struct vg_check *ck;
    char *piece;
};

/* --- packages -----------------------------------------------------------------------------------
 */

static vg_rc
read_package(struct checking *c, struct vg_blob *zip, struct vg_hash *hash, struct vg_err *err)
    VG_WAITS
{
    uint64_t size = vg_blob_size(zip);
    size_t n = 1;
    vg_rc rc = VG_OK;
    for (uint64_t at = 0; rc == VG_OK && n > 0 && at < size; at += n) {
        rc = vg_blob_read(zip, at, c->piece, PIECE_BYTES, &n, err);
        if (rc != VG_OK)
            break;
        vg_hash_add(hash, vg_str_n(c->piece, n));
        vg_check_read(c->ck, n);
    }
    return rc;
}

static void
check_package(struct checking *c, struct vg_req *rq, struct vg_str where,
              const struct lambda_rec_function *fn) VG_WAITS
{
    vg_auto_blob struct vg_blob *zip = NULL;
    struct vg_hash hash;
    struct vg_err err = { 0 };
    uint8_t digest[VG_HASH_MAX_BYTES];
    vg_check_count(c->ck, "packages", 1);
    if (!fn->code_id.ptr) {
        vg_check_error(c->ck, where, "it has no package");
        return;
    }
    vg_check_refer(c->ck, fn->code_id);
    vg_hash_init(&hash, VG_HASH_SHA256);
    vg_rc rc = vg_blob_open(rq->env->blobs, fn->code_id, &zip, &err);
    if (rc == VG_OK)
        rc = read_package(c, zip, &hash, &err);
    if (rc != VG_OK) {
        vg_check_error(c->ck, where, "content file %" VG_FMT ": %" VG_FMT, VG_ARG(fn->code_id),
                       VG_ARG(vg_err_text(&err)));
        return;
    }
    size_t n = vg_hash_end(&hash, digest);
    struct vg_str sum = vg_base64_encode(rq->arena, vg_str_n(digest, n));
    if ((int64_t)vg_blob_size(zip) != fn->code_bytes)
        vg_check_error(
            c->ck, where, "content file %" VG_FMT ": it has %llu bytes, recorded are %lld",
            VG_ARG(fn->code_id), (unsigned long long)vg_blob_size(zip), (long long)fn->code_bytes);
    else if (!vg_str_eq(sum, fn->code_sha256))
        vg_check_error(c->ck, where,
                       "content file %" VG_FMT ": its SHA-256 is %" VG_FMT ", recorded is %" VG_FMT,
                       VG_ARG(fn->code_id), VG_ARG(sum), VG_ARG(fn->code_sha256));
}

/* --- rows ---------------------------------------------------------------------------------------
 */

static struct vg_str
place(struct vg_req *rq, struct vg_str name, struct vg_str version)
{
    return lambda_arn(rq, name, vg_str_eq(version, LAMBDA_LATEST) ? VG_STR_NONE : version);
}

/*
 * A version's package is that of the version before it, unless its own record says another; that of
 * $LATEST may be that of the last version.  Each is read, and referred to, once.
 */
static void
on_function(struct checking *c, struct vg_req *rq, const struct lambda_row *r) VG_WAITS
{
    struct lambda_rec_function fn, before = { .code_id = VG_STR_NONE };
    struct vg_str where = place(rq, r->name, r->version);
    vg_rc rc = lambda_rec_function_decode(rq->arena, r->value, &fn, rq->err);
    if (!vg_check_decoded(c->ck, rq, where, rc))
        return;
    rc = lambda_store_version_before(rq, r->name, r->number, &before);
    if (rc != VG_OK)
        vg_check_lost(c->ck, where, "the version before it cannot be read: %" VG_FMT,
                      VG_ARG(vg_err_text(rq->err)));
    else if (!before.code_id.ptr || !vg_str_eq(before.code_id, fn.code_id))
        check_package(c, rq, where, &fn);
}

static void
on_row(struct vg_req *rq, const struct vg_walk_row *row, void *arg) VG_WAITS
{
    struct checking *c = arg;
    struct lambda_row r;
    struct vg_scope scope = *rq->scope;
    struct vg_req of_owner = *rq;
    struct lambda_rec_event event;
    struct lambda_rec_tries tries;
    lambda_row_read(rq->arena, row, &r);
    scope.owner = r.account;
    scope.region = r.region;
    of_owner.scope = &scope;
    switch (r.kind) {
    case LAMBDA_ROW_OTHER:
        break;
    case LAMBDA_ROW_BAD:
        vg_check_lost(c->ck, row->key, "a row has a key that is none of Lambda's");
        break;
    case LAMBDA_ROW_FUNCTION:
        on_function(c, &of_owner, &r);
        break;
    case LAMBDA_ROW_EVENT:
        (void)vg_check_decoded(c->ck, &of_owner, place(&of_owner, r.name, LAMBDA_LATEST),
                               lambda_rec_event_decode(rq->arena, r.value, &event, rq->err));
        break;
    case LAMBDA_ROW_TRIES:
        (void)vg_check_decoded(c->ck, &of_owner, place(&of_owner, r.name, LAMBDA_LATEST),
                               lambda_rec_tries_decode(rq->arena, r.value, &tries, rq->err));
        break;
    }
}

void
lambda_check(struct vg_check *ck)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct checking c = { .ck = ck, .piece = vg_xalloc(PIECE_BYTES) };
    vg_check_rows(ck, lambda_check_prefix(arena), on_row, &c);
    free(c.piece);
}
