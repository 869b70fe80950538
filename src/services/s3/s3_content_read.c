/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading contents: while the caller sends one piece, the next one is read and opened beside it, on
 * the thread pool.
 */

#include "services/s3/s3_content.h"

#include "core/env.h"
#include "crypto/seal.h"
#include "crypto/secret.h"
#include "crypto/segment.h"
#include "services/s3/s3_side.h"
#include "store/blob.h"

#include <stdlib.h>

/* Segments a piece. */
enum { PIECE = 2 };

#define PIECE_BYTES ((size_t)PIECE * VG_SEGMENT_BYTES)

struct s3_reader {
    struct vg_blobs *blobs;
    struct vg_req *rq;
    uint8_t with[S3_KEY_BYTES]; /* seals the contents' keys */

    /* Where the next piece begins; who fills it has it for as long as it runs. */
    const struct s3_source *sources; /* the present one first */
    size_t n;
    uint64_t offset, left;
    bool is_open; /* the present one: */
    struct vg_blob *blob;
    struct vg_segments *cipher;
    vg_rc rc;
    struct vg_err err;

    uint8_t *room[2]; /* a piece and a tag each */
    int turn;         /* the one that is filled, or was last */
    struct vg_str piece;
    bool is_ahead; /* `piece` is the next one, or will be when the side has ended */
    struct s3_sides sides;
    struct s3_side side;
    struct vg_blob_hold hold; /* of several sources: who drops them waits for us */
    struct vg_str *held;      /* NULL: none is needed */
};

static vg_rc
damaged(struct s3_reader *r, const char *what)
{
    struct vg_str blob = r->sources->content->blob;
    return vg_err_set(&r->err, "a content of %lld bytes (%" VG_FMT ") is damaged: %s",
                      (long long)r->sources->content->size,
                      VG_ARG(blob.ptr ? blob : VG_STR("in the store")), what);
}

/* --- sources ------------------------------------------------------------------------------------
 */

static void
close_source(struct s3_reader *r)
{
    vg_blob_close(r->blob);
    vg_segments_free(r->cipher);
    r->blob = NULL;
    r->cipher = NULL;
    r->is_open = false;
}

static vg_rc
open_key(struct s3_reader *r)
{
    vg_auto_arena struct vg_arena *tmp = vg_arena_new(0); /* the request's is the fiber's */
    struct vg_str key;
    if (!vg_unseal(tmp, r->with, S3_KEY_LABEL, r->sources->content->key, &key)
        || key.len != VG_SEGMENT_KEY_BYTES)
        return damaged(r, "its key does not open");
    r->cipher = vg_segments_new((const uint8_t *)key.ptr);
    vg_zero((void *)(uintptr_t)key.ptr, key.len);
    return VG_OK;
}

static vg_rc
open_source(struct s3_reader *r) VG_WAITS
{
    const struct s3_source *s = r->sources;
    uint64_t stored = s->small.len;
    vg_rc rc = open_key(r);
    if (rc == VG_OK && s->content->blob.ptr) {
        rc = vg_blob_open(r->blobs, s->content->blob, &r->blob, &r->err);
        stored = rc == VG_OK ? vg_blob_size(r->blob) : 0;
    }
    if (rc == VG_OK && stored != vg_segments_stored((uint64_t)s->content->size))
        rc = damaged(r, "it has another length");
    r->is_open = rc == VG_OK;
    return rc;
}

/* --- pieces -------------------------------------------------------------------------------------
 */

/* Segment `i` of the present source, opened, to `to`, which has room for its tag. */
static vg_rc
get_segment(struct s3_reader *r, uint64_t i, uint8_t *to) VG_WAITS
{
    const struct s3_source *s = r->sources;
    uint64_t at = vg_segment_offset(i), end = vg_segments_stored((uint64_t)s->content->size);
    size_t len = (size_t)VG_MIN(end - at, (uint64_t)VG_SEGMENT_STORED_BYTES), got = len;
    struct vg_str stored = vg_str_n(to, len);
    vg_rc rc = VG_OK;
    if (r->blob)
        rc = vg_blob_read(r->blob, at, to, len, &got, &r->err);
    else
        stored = vg_str_slice(s->small, (size_t)at, (size_t)at + len);
    if (rc != VG_OK)
        return rc;
    bool is_last = i + 1 == vg_segments_count((uint64_t)s->content->size);
    if (got != len || !vg_segment_open(r->cipher, i, is_last, stored, to))
        return damaged(r, "it is not what was written");
    return VG_OK;
}

static vg_rc
fill_piece(struct s3_reader *r) VG_WAITS
{
    uint8_t *to = r->room[r->turn];
    vg_rc rc = r->is_open ? VG_OK : open_source(r);
    uint64_t size = (uint64_t)r->sources->content->size;
    uint64_t end = VG_MIN(size, r->offset + r->left), first = r->offset / VG_SEGMENT_BYTES;
    uint64_t start = first * VG_SEGMENT_BYTES;
    end = VG_MIN(end, start + PIECE_BYTES);
    for (uint64_t at = start; rc == VG_OK && at < end; at += VG_SEGMENT_BYTES)
        rc = get_segment(r, at / VG_SEGMENT_BYTES, to + (at - start));
    if (rc != VG_OK)
        return rc;
    r->piece = vg_str_n(to + (r->offset - start), (size_t)(end - r->offset));
    r->left -= r->piece.len;
    r->offset = end;
    if (end == size) {
        close_source(r);
        r->offset = 0;
        do {
            r->sources++;
            r->n--;
        } while (r->n > 0 && r->sources->content->size == 0);
    }
    return VG_OK;
}

static void
fill(void *arg)
{
    struct s3_reader *r = arg;
    r->rc = fill_piece(r);
}

/* --- the reader ---------------------------------------------------------------------------------
 */

/* To the source in which the range begins; empty ones have nothing to give. */
static vg_rc
seek(struct s3_reader *r, uint64_t from)
{
    while (r->n > 0 && from >= (uint64_t)r->sources->content->size) {
        from -= (uint64_t)r->sources->content->size;
        r->sources++;
        r->n--;
    }
    uint64_t there = 0;
    for (size_t i = 0; i < r->n; i++)
        there += (uint64_t)r->sources[i].content->size;
    r->offset = from;
    if (r->left > 0 && (r->n == 0 || r->left > there - from))
        return vg_err_set(r->rq->err, "a range is beyond its object's end");
    return VG_OK;
}

/* The first piece: what is missing is known before anything is sent. */
static vg_rc
begin(struct s3_reader *r) VG_WAITS
{
    bool is_small = r->n == 1 && r->sources->content->blob.ptr == NULL;
    r->room[0] =
        vg_xalloc(is_small ? r->sources->small.len + 1 : PIECE_BYTES + VG_SEGMENT_TAG_BYTES);
    if (is_small || vg_fiber_self() == NULL)
        fill(r);
    else
        vg_offload(fill, r);
    r->is_ahead = true;
    if (r->rc != VG_OK)
        *r->rq->err = r->err;
    return r->rc;
}

/* They are opened one after the other, and may be dropped before that. */
static void
hold_sources(struct s3_reader *r)
{
    if (r->n < 2)
        return;
    r->held = vg_xalloc(r->n * sizeof(*r->held));
    for (size_t i = 0; i < r->n; i++)
        r->held[i] = r->sources[i].content->blob;
    vg_blobs_hold(r->blobs, &r->hold, r->held, r->n);
}

vg_rc
s3_reader_open(struct vg_req *rq, const struct s3_sealer *sealer, const struct s3_source *sources,
               size_t n, uint64_t from, uint64_t bytes, struct s3_reader **ret)
{
    struct s3_reader *r = vg_xalloc(sizeof(*r));
    *r = (struct s3_reader) {
        .rq = rq, .blobs = rq->env->blobs, .sources = sources, .n = n, .left = bytes
    };
    s3_sides_init(&r->sides);
    hold_sources(r);
    r->side = (struct s3_side) { .of = &r->sides, .fn = fill, .arg = r };
    vg_rc rc = s3_sealer_key(rq, sealer, r->with);
    if (rc == VG_OK)
        rc = seek(r, from);
    if (rc == VG_OK && bytes > 0)
        rc = begin(r);
    if (rc == VG_OK)
        *ret = r;
    else
        s3_reader_close(r);
    return rc;
}

static void
start_next(struct s3_reader *r)
{
    r->is_ahead = r->left > 0;
    if (!r->is_ahead)
        return;
    r->turn = !r->turn;
    if (r->room[r->turn] == NULL)
        r->room[r->turn] = vg_xalloc(PIECE_BYTES + VG_SEGMENT_TAG_BYTES);
    s3_side_start(&r->side);
}

vg_rc
s3_reader_next(struct s3_reader *r, struct vg_str *ret)
{
    *ret = VG_STR("");
    if (!r->is_ahead)
        return VG_OK;
    s3_side_join(&r->side);
    if (r->rc != VG_OK) { /* and again with each further call */
        *r->rq->err = r->err;
        return r->rc;
    }
    *ret = r->piece;
    start_next(r);
    return VG_OK;
}

void
s3_reader_close(struct s3_reader *r)
{
    if (r == NULL)
        return;
    s3_side_join(&r->side);
    close_source(r);
    if (r->held)
        vg_blobs_release(r->blobs, &r->hold);
    free(r->held);
    free(r->room[0]);
    free(r->room[1]);
    s3_sides_fini(&r->sides);
    vg_zero(r->with, sizeof(r->with));
    free(r);
}
