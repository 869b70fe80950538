/* SPDX-License-Identifier: Apache-2.0 */

/* One content against all that is recorded of it. */

#include "services/s3/s3_check.h"

#include "core/env.h"
#include "crypto/segment.h"
#include "services/s3/s3_digest.h"

/* What is computed while the segments go by. */
struct sums {
    bool has_md5, has_sum, has_crc64;
    struct vg_hash md5;
    struct vg_checksum sum, crc64;
};

static void
begin(struct vg_check *ck, const struct s3_check_content *c, struct sums *s)
{
    enum vg_checksum_kind kind;
    *s = (struct sums) { .has_md5 = c->md5.ptr != NULL, .has_crc64 = c->crc64nvme.ptr != NULL };
    s->has_sum = c->checksum && s3_checksum_kind(c->checksum->algorithm, &kind);
    if (c->checksum && !s->has_sum)
        vg_check_error(ck, c->where, "a checksum of an unknown kind is recorded");
    vg_hash_init(&s->md5, VG_HASH_MD5);
    vg_checksum_init(&s->crc64, VG_CRC64NVME);
    if (s->has_sum)
        vg_checksum_init(&s->sum, kind);
}

static void
add(struct sums *s, struct vg_str plain)
{
    if (s->has_md5)
        vg_hash_add(&s->md5, plain);
    if (s->has_sum)
        vg_checksum_add(&s->sum, plain);
    if (s->has_crc64)
        vg_checksum_add(&s->crc64, plain);
}

static void
compare(struct vg_check *ck, const struct s3_check_content *c, const char *what,
        struct vg_str recorded, struct vg_str is)
{
    if (!vg_str_eq(recorded, is))
        vg_check_error(ck, c->where, "its %s is %" VG_FMT ", recorded is %" VG_FMT, what,
                       VG_ARG(is), VG_ARG(recorded));
}

static void
end(struct vg_check *ck, struct vg_req *rq, const struct s3_check_content *c, struct sums *s)
{
    uint8_t md5[VG_HASH_MAX_BYTES];
    vg_hash_end(&s->md5, md5);
    if (s->has_md5)
        compare(ck, c, "MD5", c->md5, vg_hex(rq->arena, md5, VG_MD5_BYTES));
    if (s->has_sum)
        compare(ck, c, vg_str_cstr(rq->arena, c->checksum->algorithm), c->checksum->value,
                s3_checksum_end(rq->arena, &s->sum));
    if (s->has_crc64)
        compare(ck, c, "CRC64NVME", c->crc64nvme, s3_checksum_end(rq->arena, &s->crc64));
}

/* All segments, be some of them damaged: one line for a content. */
static uint64_t
read_segments(struct vg_check *ck, const struct s3_check_content *c, const struct s3_opened *o,
              uint8_t *room, struct sums *s) VG_WAITS
{
    uint64_t n = vg_segments_count((uint64_t)c->source.content->size), n_bad = 0;
    struct vg_err first = { 0 };
    for (uint64_t i = 0; i < n; i++) {
        struct vg_str plain = VG_STR("");
        struct vg_err err = { 0 };
        if (s3_source_segment(o, i, room, &plain, &err) == VG_OK)
            add(s, plain);
        else if (n_bad++ == 0)
            first = err;
        vg_check_read(ck, plain.len);
    }
    if (n_bad == 1)
        vg_check_error(ck, c->where, "%" VG_FMT, VG_ARG(vg_err_text(&first)));
    else if (n_bad > 1)
        vg_check_error(ck, c->where, "%" VG_FMT " (and %llu more)", VG_ARG(vg_err_text(&first)),
                       (unsigned long long)(n_bad - 1));
    return n_bad;
}

void
s3_check_content(struct vg_check *ck, struct vg_req *rq, const struct s3_check_content *c,
                 uint8_t *room)
{
    struct s3_opened o;
    struct sums s;
    struct vg_err err = { 0 };
    if (c->source.content->blob.ptr)
        vg_check_refer(ck, c->source.content->blob);
    if (s3_source_open(rq->env->blobs, &c->source, c->with, &o, &err) != VG_OK) {
        vg_check_error(ck, c->where, "%" VG_FMT, VG_ARG(vg_err_text(&err)));
        return;
    }
    if (c->with) {
        begin(ck, c, &s);
        if (read_segments(ck, c, &o, room, &s) == 0)
            end(ck, rq, c, &s);
    }
    s3_source_close(&o);
}
