/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading contents: while the caller sends one piece, the next ones are read and opened beside it,
 * on the thread pool, into a ring.  A piece is a slot of segments.  Waking a thread costs about as
 * much as filling one, so whoever has waited goes on when there are several to be had.
 */

#include "services/s3/s3_content.h"

#include "core/env.h"
#include "crypto/secret.h"
#include "crypto/segment.h"
#include "services/s3/s3_side.h"
#include "services/s3/s3_slots.h"
#include "services/s3/s3_state.h"
#include "store/blob.h"

#include <stdlib.h>

enum {
    RING = 8,
    OWN = 2,   /* pieces for which there always is a slot */
    BATCH = 2, /* that who waits for one waits for */
    TURN = 16, /* others want the pool's threads too */
};

struct piece {
    uint8_t *slot;
    struct vg_str bytes;
};

struct s3_reader {
    struct vg_blobs *blobs;
    struct s3_slots *slots;
    struct vg_req *rq;
    uint8_t with[S3_KEY_BYTES]; /* seals the contents' keys */

    /* Where the next piece begins; who fills it has it for as long as it runs. */
    const struct s3_source *sources; /* the present one first */
    size_t n;
    uint64_t offset, left;
    struct s3_opened open; /* the present one; nothing yet: source NULL */
    struct vg_err err;

    struct piece ring[RING];
    bool is_lent; /* the oldest piece, to the caller */
    struct s3_sides sides;
    struct s3_side side;
    uint64_t filled, taken; /* pieces; this and the next four are under the lock */
    uint64_t wake_at;       /* so many are there */
    uint64_t resume_at;     /* so few are left, for the side that has ended */
    bool is_over;           /* no more will come: */
    vg_rc rc;               /* since all has, or why not */

    struct vg_blob_hold hold; /* of several sources: who drops them waits for us */
    struct vg_str *held;      /* NULL: none is needed */
};

/* --- pieces -------------------------------------------------------------------------------------
 */

static void
end_source(struct s3_reader *r)
{
    s3_source_close(&r->open);
    r->offset = 0;
    do {
        r->sources++;
        r->n--;
    } while (r->n > 0 && r->sources->content->size == 0);
}

static vg_rc
fill_piece(struct s3_reader *r, struct piece *p) VG_WAITS
{
    vg_rc rc = VG_OK;
    struct vg_str plain;
    if (r->open.source == NULL)
        rc = s3_source_open(r->blobs, r->sources, r->with, &r->open, &r->err);
    if (rc != VG_OK)
        return rc;
    uint64_t size = (uint64_t)r->sources->content->size, first = r->offset / VG_SEGMENT_BYTES;
    uint64_t start = first * VG_SEGMENT_BYTES;
    uint64_t end = VG_MIN(VG_MIN(size, r->offset + r->left), start + S3_SLOT_BYTES);
    for (uint64_t at = start; rc == VG_OK && at < end; at += VG_SEGMENT_BYTES)
        rc = s3_source_segment(&r->open, at / VG_SEGMENT_BYTES, p->slot + (at - start), &plain,
                               &r->err);
    if (rc != VG_OK)
        return rc;
    p->bytes = vg_str_n(p->slot + (r->offset - start), (size_t)(end - r->offset));
    r->left -= p->bytes.len;
    r->offset = end;
    if (end == size)
        end_source(r);
    return VG_OK;
}

static bool
take_slot(struct s3_reader *r, struct piece *p)
{
    pthread_mutex_lock(&r->sides.lock);
    uint64_t ahead = r->filled - r->taken;
    p->slot = ahead < RING ? s3_slot_take(r->slots, ahead >= OWN) : NULL;
    r->resume_at = p->slot ? RING - 1 : ahead / 2;
    pthread_mutex_unlock(&r->sides.lock);
    return p->slot != NULL;
}

static void
add_piece(struct s3_reader *r, const struct piece *p, vg_rc rc)
{
    pthread_mutex_lock(&r->sides.lock);
    if (rc == VG_OK)
        r->ring[r->filled++ % RING] = *p;
    r->is_over = rc != VG_OK || r->left == 0;
    r->rc = rc;
    if (r->is_over || r->filled - r->taken >= r->wake_at)
        s3_sides_tell(&r->sides);
    pthread_mutex_unlock(&r->sides.lock);
}

static void
fill(void *arg)
{
    struct s3_reader *r = arg;
    struct piece p;
    vg_rc rc = VG_OK;
    for (int n = 0; rc == VG_OK && r->left > 0 && n < TURN && take_slot(r, &p); n++) {
        rc = fill_piece(r, &p);
        if (rc != VG_OK)
            s3_slot_give(r->slots, p.slot);
        add_piece(r, &p, rc);
    }
}

static bool
fill_has_more(void *arg)
{
    struct s3_reader *r = arg;
    pthread_mutex_lock(&r->sides.lock);
    bool has = !r->is_over && r->filled - r->taken <= r->resume_at;
    pthread_mutex_unlock(&r->sides.lock);
    return has;
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

/* Until there are `wanted` pieces, fewer at the end, or none because of a failure. */
static vg_rc
await(struct s3_reader *r, uint64_t wanted, bool *ret_has) VG_WAITS
{
    pthread_mutex_lock(&r->sides.lock);
    while (r->filled == r->taken && !r->is_over) {
        r->wake_at = wanted;
        if (r->side.is_running) {
            s3_sides_wait(&r->sides);
            continue;
        }
        pthread_mutex_unlock(&r->sides.lock);
        s3_side_start(&r->side);
        pthread_mutex_lock(&r->sides.lock);
    }
    *ret_has = r->filled > r->taken;
    vg_rc rc = *ret_has ? VG_OK : r->rc;
    pthread_mutex_unlock(&r->sides.lock);
    if (rc != VG_OK) /* and again with each further call */
        *r->rq->err = r->err;
    return rc;
}

/* The first piece: what is missing is known before anything is sent. */
static vg_rc
begin(struct s3_reader *r) VG_WAITS
{
    bool has;
    r->is_over = r->left == 0;
    if (!r->is_over && r->n == 1 && r->sources->content->blob.ptr == NULL)
        fill(r); /* costs less than the way to the pool */
    return await(r, 1, &has);
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
    *r = (struct s3_reader) { .rq = rq,
                              .blobs = rq->env->blobs,
                              .slots = ((struct s3 *)rq->svc)->slots,
                              .sources = sources,
                              .n = n,
                              .left = bytes };
    s3_sides_init(&r->sides);
    hold_sources(r);
    r->side = (struct s3_side) { .of = &r->sides, .fn = fill, .has_more = fill_has_more, .arg = r };
    vg_rc rc = s3_sealer_key(rq, sealer, r->with);
    if (rc == VG_OK)
        rc = seek(r, from);
    if (rc == VG_OK)
        rc = begin(r);
    if (rc == VG_OK)
        *ret = r;
    else
        s3_reader_close(r);
    return rc;
}

static void
give_back(struct s3_reader *r)
{
    const struct piece *p = &r->ring[r->taken % RING];
    s3_slot_give(r->slots, p->slot);
    pthread_mutex_lock(&r->sides.lock);
    r->taken++;
    pthread_mutex_unlock(&r->sides.lock);
    r->is_lent = false;
}

vg_rc
s3_reader_next(struct s3_reader *r, struct vg_str *ret)
{
    *ret = VG_STR("");
    if (r->is_lent)
        give_back(r);
    vg_rc rc = await(r, BATCH, &r->is_lent);
    if (r->is_lent)
        *ret = r->ring[r->taken % RING].bytes;
    if (fill_has_more(r))
        s3_side_start(&r->side);
    return rc;
}

void
s3_reader_close(struct s3_reader *r)
{
    if (r == NULL)
        return;
    s3_side_join(&r->side);
    s3_source_close(&r->open);
    if (r->held)
        vg_blobs_release(r->blobs, &r->hold);
    free(r->held);
    while (r->taken < r->filled)
        give_back(r);
    s3_sides_fini(&r->sides);
    vg_zero(r->with, sizeof(r->with));
    free(r);
}
