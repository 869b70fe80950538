/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writing contents.
 *
 * The fiber copies what comes into a ring of slots, a few segments each.  Full slots are worked on
 * beside it, on the thread pool, by lanes that go at their own pace: one hashes (MD5 is by far the
 * slowest of all), one checks, seals and writes, and a digest as checksum has one for itself.  A
 * slot is free again when all lanes are done with it.  Waking a thread costs about as much as the
 * work on a segment, so a lane that has caught up, and the fiber when the ring was full, go on when
 * there is some more to do.
 */

#include "services/s3/s3_content.h"

#include "core/env.h"
#include "crypto/random.h"
#include "crypto/seal.h"
#include "crypto/secret.h"
#include "crypto/segment.h"
#include "services/s3/s3_digest.h"
#include "services/s3/s3_side.h"
#include "services/s3/s3_slots.h"
#include "services/s3/s3_state.h"
#include "store/blob.h"

#include <stdlib.h>

enum {
    RING = 16,
    OWN = 1,   /* slots that there always are */
    BATCH = 8, /* full slots that wake a lane */
    TURN = 32, /* others want the pool's threads too */
    LANES_MAX = 3,
};

_Static_assert(S3_KEY_BYTES == VG_SEAL_KEY_BYTES && S3_KEY_BYTES == VG_SEGMENT_KEY_BYTES, "");

/* A full slot, as the lanes see it. */
struct full {
    uint64_t number;
    bool is_last;
    struct vg_str bytes;
};

struct lane {
    struct s3_side side;
    struct s3_writer *w;
    void (*step)(struct s3_writer *w, const struct full *full);
    uint64_t done; /* slots; under the lock */
};

struct s3_writer {
    struct vg_req *rq;
    struct s3_slots *pool;
    enum vg_checksum_kind kind;
    struct vg_str declared; /* checksum, or absent */
    bool has_md5, is_part, has_crc64;
    uint8_t md5[VG_MD5_BYTES]; /* declared */
    struct vg_hash hash;
    struct vg_checksum sum, crc64;
    uint8_t key[S3_KEY_BYTES];
    struct vg_str sealed_key;

    uint64_t size;
    uint8_t *small; /* where the bytes go as long as they are few as declared, in the arena */
    size_t small_max;
    uint8_t *ring[RING];
    uint64_t taken, given; /* slots taken from the pool and given back to it, ever */
    size_t len;            /* in the slot that is being filled, or in `small` */

    /* Once there is a file. */
    struct vg_blob_writer *blob;
    struct vg_segments *cipher;
    struct lane lanes[LANES_MAX];
    size_t n_lanes;
    struct s3_sides sides;
    uint64_t filled;  /* slots handed to the lanes; under the lock */
    uint64_t wake_at; /* when all lanes are done with so many; under the lock */
    bool is_over;     /* the last of them is the content's last, of `len` bytes */
    bool has_failed;  /* the lane's that writes, until it has ended */
    struct vg_err err;
};

/* --- keys ---------------------------------------------------------------------------------------
 */

vg_rc
s3_sealer_key(struct vg_req *rq, const struct s3_sealer *sealer, uint8_t ret[S3_KEY_BYTES])
{
    if (sealer->own == NULL)
        return s3_store_master_key(rq, sealer->account, ret);
    memcpy(ret, sealer->own, S3_KEY_BYTES);
    return VG_OK;
}

static vg_rc
make_key(struct s3_writer *w, const struct s3_sealer *sealer) VG_WAITS
{
    struct vg_req *rq = w->rq;
    uint8_t with[S3_KEY_BYTES];
    vg_rc rc = s3_sealer_key(rq, sealer, with);
    if (rc != VG_OK)
        return rc;
    vg_random_bytes(rq->env->random, w->key, sizeof(w->key));
    w->sealed_key =
        vg_seal(rq->env->random, rq->arena, with, S3_KEY_LABEL, vg_str_n(w->key, sizeof(w->key)));
    vg_zero(with, sizeof(with));
    return VG_OK;
}

/* --- the lanes ----------------------------------------------------------------------------------
 */

static void
step_hash(struct s3_writer *w, const struct full *full)
{
    vg_hash_add(&w->hash, full->bytes);
}

static void
step_sum(struct s3_writer *w, const struct full *full)
{
    vg_checksum_add(&w->sum, full->bytes);
}

static bool
has_failed(struct s3_writer *w)
{
    pthread_mutex_lock(&w->sides.lock);
    bool has = w->has_failed;
    pthread_mutex_unlock(&w->sides.lock);
    return has;
}

static struct vg_str
seal(struct s3_writer *w, const struct full *full, uint8_t *to)
{
    struct vg_str left = full->bytes;
    uint64_t number = full->number * S3_SLOT_SEGMENTS;
    size_t len = 0;
    do {
        struct vg_str plain = vg_str_slice(left, 0, VG_SEGMENT_BYTES);
        left = vg_str_slice(left, plain.len, left.len);
        bool is_last = full->is_last && left.len == 0;
        vg_segment_seal(w->cipher, number++, is_last, plain, to + len);
        len += plain.len + VG_SEGMENT_TAG_BYTES;
    } while (left.len > 0);
    return vg_str_n(to, len);
}

static void
step_file(struct s3_writer *w, const struct full *full) VG_WAITS
{
    if (vg_checksum_is_crc(w->kind))
        step_sum(w, full);
    if (w->has_crc64)
        vg_checksum_add(&w->crc64, full->bytes);
    if (has_failed(w))
        return;
    uint8_t *room = s3_slot_take(w->pool, false);
    vg_rc rc = vg_blob_write(w->blob, seal(w, full, room), &w->err);
    s3_slot_give(w->pool, room);
    if (rc == VG_OK && full->is_last) /* the slower hashes have still something to do */
        rc = vg_blob_sync(w->blob, &w->err);
    if (rc == VG_OK)
        return;
    pthread_mutex_lock(&w->sides.lock);
    w->has_failed = true;
    pthread_mutex_unlock(&w->sides.lock);
}

/* The slot that is the lane's next; false: it has caught up. */
static bool
lane_next(struct lane *l, struct full *ret)
{
    struct s3_writer *w = l->w;
    pthread_mutex_lock(&w->sides.lock);
    bool has = l->done < w->filled;
    *ret = (struct full) { .number = l->done, .is_last = w->is_over && l->done + 1 == w->filled };
    pthread_mutex_unlock(&w->sides.lock);
    if (has)
        ret->bytes = vg_str_n(w->ring[ret->number % RING], ret->is_last ? w->len : S3_SLOT_BYTES);
    return has;
}

static bool
lane_has_more(void *arg)
{
    struct full full;
    return lane_next(arg, &full);
}

/* Under the lock: how many slots all are done with. */
static uint64_t
slowest(const struct s3_writer *w)
{
    uint64_t done = w->lanes[0].done;
    for (size_t i = 1; i < w->n_lanes; i++)
        done = VG_MIN(done, w->lanes[i].done);
    return done;
}

/* Ends when it has caught up, or after a while. */
static void
lane_run(void *arg)
{
    struct lane *l = arg;
    struct s3_writer *w = l->w;
    struct full full;
    for (int n = 0; n < TURN && lane_next(l, &full); n++) {
        l->step(w, &full);
        pthread_mutex_lock(&w->sides.lock);
        l->done++;
        if (slowest(w) >= w->wake_at)
            s3_sides_tell(&w->sides);
        pthread_mutex_unlock(&w->sides.lock);
    }
}

static void
add_lane(struct s3_writer *w, void (*step)(struct s3_writer *w, const struct full *full))
{
    struct lane *l = &w->lanes[w->n_lanes++];
    l->w = w;
    l->step = step;
    l->side =
        (struct s3_side) { .of = &w->sides, .fn = lane_run, .has_more = lane_has_more, .arg = l };
}

/* --- the writer ---------------------------------------------------------------------------------
 */

static vg_rc
too_large(struct vg_req *rq, uint64_t size)
{
    struct s3_entity_too_large *detail = VG_NEW(rq->arena, struct s3_entity_too_large);
    detail->proposed_size = vg_str_fmt(rq->arena, "%llu", (unsigned long long)size);
    detail->max_size_allowed = vg_str_fmt(rq->arena, "%lld", (long long)S3_LIMIT_PUT_BYTES);
    return s3_fail_entity_too_large_detail(rq, detail,
                                           "Your proposed upload exceeds the maximum allowed size");
}

static vg_rc
check_declared(struct vg_req *rq, const struct s3_declared *d, struct s3_writer *w)
{
    vg_rc rc = VG_OK;
    if (d->size > S3_LIMIT_PUT_BYTES)
        return too_large(rq, (uint64_t)d->size);
    w->kind = VG_CRC64NVME;
    if (d->algorithm.ptr)
        rc = s3_checksum_asked(rq, d->algorithm, &w->kind);
    if (rc == VG_OK && d->checksum.ptr)
        rc = s3_checksum_declared(rq, w->kind, d->checksum, false);
    w->declared = d->checksum;
    w->has_md5 = d->md5.ptr != NULL;
    w->has_crc64 = d->is_part && d->has_crc64nvme && w->kind != VG_CRC64NVME;
    if (rc == VG_OK && w->has_md5)
        rc = s3_md5_declared(rq, d->md5, w->md5);
    return rc;
}

vg_rc
s3_writer_open(struct vg_req *rq, const struct s3_sealer *sealer,
               const struct s3_declared *declared, struct s3_writer **ret)
{
    struct s3_writer *w = vg_xalloc(sizeof(*w));
    w->rq = rq;
    w->pool = ((struct s3 *)rq->svc)->slots;
    w->is_part = declared->is_part;
    if (declared->size > 0 && declared->size <= S3_SMALL_MAX) {
        w->small_max = (size_t)declared->size;
        w->small = vg_arena_alloc(rq->arena, w->small_max);
    }
    s3_sides_init(&w->sides);
    vg_rc rc = check_declared(rq, declared, w);
    if (rc == VG_OK)
        rc = make_key(w, sealer);
    if (rc != VG_OK) {
        s3_writer_close(w);
        return rc;
    }
    vg_hash_init(&w->hash, VG_HASH_MD5);
    vg_checksum_init(&w->sum, w->kind);
    vg_checksum_init(&w->crc64, VG_CRC64NVME);
    *ret = w;
    return VG_OK;
}

static vg_rc
begin_file(struct s3_writer *w) VG_WAITS
{
    vg_rc rc = vg_blob_create(w->rq->env->blobs, &w->blob, w->rq->err);
    if (rc != VG_OK)
        return rc;
    w->cipher = vg_segments_new(w->key);
    add_lane(w, step_hash);
    add_lane(w, step_file);
    if (!vg_checksum_is_crc(w->kind))
        add_lane(w, step_sum);
    return VG_OK;
}

/* Those that have enough to do. */
static void
start_lanes(struct s3_writer *w, uint64_t enough)
{
    for (size_t i = 0; i < w->n_lanes; i++) {
        struct lane *l = &w->lanes[i];
        pthread_mutex_lock(&w->sides.lock);
        bool has = w->filled - l->done >= enough;
        pthread_mutex_unlock(&w->sides.lock);
        if (has)
            s3_side_start(&l->side);
    }
}

/* Until all lanes are done with `n` slots. */
static void
await(struct s3_writer *w, uint64_t n) VG_WAITS
{
    start_lanes(w, 1);
    pthread_mutex_lock(&w->sides.lock);
    w->wake_at = n;
    while (slowest(w) < n)
        s3_sides_wait(&w->sides);
    w->wake_at = UINT64_MAX;
    pthread_mutex_unlock(&w->sides.lock);
}

static void
give_slot(struct s3_writer *w)
{
    s3_slot_give(w->pool, w->ring[w->given++ % RING]);
}

/* The next slot to be filled; waits for the lanes when there can be no more. */
static void
take_slot(struct s3_writer *w) VG_WAITS
{
    uint8_t *slot = NULL;
    while (slot == NULL) {
        pthread_mutex_lock(&w->sides.lock);
        uint64_t done = w->n_lanes > 0 ? slowest(w) : 0;
        pthread_mutex_unlock(&w->sides.lock);
        while (w->given < done)
            give_slot(w);
        uint64_t busy = w->taken - done;
        if (busy < RING)
            slot = s3_slot_take(w->pool, busy >= OWN);
        if (slot == NULL)
            await(w, done + (busy + 1) / 2);
    }
    w->ring[w->taken++ % RING] = slot;
    w->len = 0;
}

static vg_rc
failure(struct s3_writer *w)
{
    *w->rq->err = w->err;
    return VG_FAIL;
}

/* Hands the slot that is being filled to the lanes. */
static vg_rc
hand_over(struct s3_writer *w, bool is_last) VG_WAITS
{
    if (w->blob == NULL) {
        vg_rc rc = begin_file(w);
        if (rc != VG_OK)
            return rc;
    }
    pthread_mutex_lock(&w->sides.lock);
    w->is_over = is_last;
    w->filled++;
    bool is_bad = w->has_failed;
    pthread_mutex_unlock(&w->sides.lock);
    if (is_bad)
        return failure(w);
    if (is_last && w->filled == 1) /* costs less than the way to the pool */
        for (size_t i = 0; i < w->n_lanes; i++)
            lane_run(&w->lanes[i]);
    else
        start_lanes(w, VG_MIN(w->filled, (uint64_t)BATCH));
    if (!is_last)
        return VG_OK;
    vg_rc rc = vg_blob_name(w->blob, w->rq->sess, w->rq->err); /* beside the lanes */
    await(w, w->filled);
    return has_failed(w) ? failure(w) : rc;
}

/* Where the next bytes go; they are more than were declared when `small` is left. */
static uint8_t *
place(struct s3_writer *w, size_t *ret_room) VG_WAITS
{
    if (w->small && w->size < w->small_max) {
        *ret_room = w->small_max - w->len;
        return w->small + w->len;
    }
    if (w->taken == w->filled) {
        size_t len = w->small ? w->len : 0;
        take_slot(w);
        if (len > 0)
            memcpy(w->ring[0], w->small, len);
        w->small = NULL;
        w->len = len;
    }
    *ret_room = S3_SLOT_BYTES - w->len;
    return w->ring[w->filled % RING] + w->len;
}

vg_rc
s3_writer_add(struct s3_writer *w, struct vg_str bytes)
{
    while (bytes.len > 0) {
        vg_rc rc = w->len == S3_SLOT_BYTES ? hand_over(w, false) : VG_OK;
        if (rc != VG_OK)
            return rc;
        size_t room;
        uint8_t *to = place(w, &room);
        size_t n = VG_MIN(bytes.len, room);
        if (w->size + n > S3_LIMIT_PUT_BYTES)
            return too_large(w->rq, w->size + bytes.len);
        memcpy(to, bytes.ptr, n);
        w->len += n;
        w->size += n;
        bytes = vg_str_slice(bytes, n, bytes.len);
    }
    return VG_OK;
}

/* One small segment, in the arena. */
static struct vg_str
seal_small(struct s3_writer *w)
{
    struct vg_str plain = vg_str_n(w->small ? w->small : w->ring[0], w->len);
    char *sealed = vg_arena_alloc(w->rq->arena, w->len + VG_SEGMENT_TAG_BYTES);
    vg_auto_segments struct vg_segments *cipher = vg_segments_new(w->key);
    vg_hash_add(&w->hash, plain);
    vg_checksum_add(&w->sum, plain);
    vg_segment_seal(cipher, 0, true, plain, sealed);
    return vg_str_n(sealed, w->len + VG_SEGMENT_TAG_BYTES);
}

/* As a part of a few bytes, or of none, needs it. */
static void
leave_small(struct s3_writer *w) VG_WAITS
{
    size_t room;
    w->small_max = 0;
    if (w->taken == w->filled)
        (void)place(w, &room);
}

static vg_rc
check_digests(struct s3_writer *w, struct vg_str trailer, struct s3_written *ret)
{
    struct vg_req *rq = w->rq;
    uint8_t md5[VG_HASH_MAX_BYTES];
    struct vg_str sum = s3_checksum_end(rq->arena, &w->sum);
    vg_rc rc = trailer.ptr ? s3_checksum_declared(rq, w->kind, trailer, true) : VG_OK;
    if (rc == VG_OK)
        rc = s3_checksum_check(rq, w->kind, trailer, sum);
    if (rc == VG_OK)
        rc = s3_checksum_check(rq, w->kind, w->declared, sum);
    vg_hash_end(&w->hash, md5);
    if (rc == VG_OK && w->has_md5)
        rc = s3_md5_check(rq, w->md5, md5);
    ret->etag = vg_hex(rq->arena, md5, VG_MD5_BYTES);
    ret->checksum = s3_checksum_record(rq->arena, w->kind, sum, false);
    if (w->has_crc64)
        ret->crc64nvme = s3_checksum_end(rq->arena, &w->crc64);
    return rc;
}

vg_rc
s3_writer_finish(struct s3_writer *w, struct vg_str trailer, struct s3_written *ret)
{
    struct s3_rec_content *content = VG_NEW(w->rq->arena, struct s3_rec_content);
    *ret = (struct s3_written) { .content = content };
    *content = (struct s3_rec_content) { .size = (int64_t)w->size, .key = w->sealed_key };
    vg_rc rc = VG_OK;
    if (w->size <= S3_SMALL_MAX && !w->is_part) {
        ret->small = seal_small(w);
    } else {
        leave_small(w);
        rc = hand_over(w, true);
    }
    if (rc == VG_OK)
        rc = check_digests(w, trailer, ret);
    if (rc == VG_OK && w->blob)
        rc = vg_blob_finish(&w->blob, w->rq->sess, &content->blob, w->rq->err);
    return rc;
}

void
s3_writer_close(struct s3_writer *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->n_lanes; i++)
        s3_side_join(&w->lanes[i].side);
    vg_blob_discard(w->blob);
    vg_segments_free(w->cipher);
    while (w->given < w->taken)
        give_slot(w);
    s3_sides_fini(&w->sides);
    vg_zero(w->key, sizeof(w->key));
    free(w);
}

void
s3_content_drop(struct vg_req *rq, const struct s3_rec_content *content)
{
    struct vg_err err; /* the next start finds it then */
    struct vg_tx *tx;
    if (content->blob.ptr == NULL || vg_kv_begin(rq->sess, NULL, 0, &tx, &err) != VG_OK)
        return;
    vg_blob_keep(tx, content->blob);
    vg_blob_drop(rq->env->blobs, tx, content->blob);
    vg_tx_use_reserve(tx);
    (void)!vg_tx_commit(&tx, &err);
}
