/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_DIGEST_H
#define S3_DIGEST_H

/*
 * Checksums and ETags as clients see them: names, base64, what was declared against what came, and
 * those of objects that were uploaded in parts. Pure but for the errors, which are AWS's.
 */

#include "core/hooks.h"
#include "crypto/checksum.h"
#include "services/s3/s3_int.h"

/* "CRC32", as requests and records have it; false: no algorithm of ours. */
bool s3_checksum_kind(struct vg_str name, enum vg_checksum_kind *ret) VG_MUST_USE;
struct vg_str s3_checksum_name(enum vg_checksum_kind kind);
/* The same of a header's value, in any case; fails with InvalidRequest, naming what there is. */
vg_rc s3_checksum_asked(struct vg_req *rq, struct vg_str name, enum vg_checksum_kind *ret)
    VG_MUST_USE;

/* Base64 of a checksum's length; fails with InvalidRequest: the header's, or the trailer's. */
vg_rc s3_checksum_declared(struct vg_req *rq, enum vg_checksum_kind kind, struct vg_str value,
                           bool is_trailer) VG_MUST_USE;
/* Content-MD5; fails with InvalidDigest. */
vg_rc s3_md5_declared(struct vg_req *rq, struct vg_str value, uint8_t ret[VG_MD5_BYTES])
    VG_MUST_USE;

/* BadDigest, when what was declared (base64, absent: nothing) is not what was calculated. */
vg_rc s3_checksum_check(struct vg_req *rq, enum vg_checksum_kind kind, struct vg_str declared,
                        struct vg_str calculated) VG_MUST_USE;
vg_rc s3_md5_check(struct vg_req *rq, const uint8_t declared[VG_MD5_BYTES],
                   const uint8_t calculated[VG_MD5_BYTES]) VG_MUST_USE;

/*
 * Holds a body to each checksum that a header declares; DeleteObjects must have one.  This is
 * struct vg_hooks.check_body.
 */
vg_rc s3_check_body(struct vg_req *rq, vg_header_fn *header, void *of, struct vg_str body)
    VG_MUST_USE;

/* Ends `c`; base64. */
struct vg_str s3_checksum_end(struct vg_arena *arena, struct vg_checksum *c);
struct s3_rec_checksum *s3_checksum_record(struct vg_arena *arena, enum vg_checksum_kind kind,
                                           struct vg_str value, bool is_composite);

/* --- members of requests and answers ------------------------------------------------------------
 */

/* Those of a struct of the model that has one member for each algorithm it knows. */
enum { S3_N_SUMS = 10 };
extern const struct vg_str s3_sum_names[S3_N_SUMS]; /* in the order of S3_SUMS() */
#define S3_SUMS(s)                                                                                 \
    {                                                                                              \
        &(s)->checksum_crc32, &(s)->checksum_crc32_c, &(s)->checksum_crc64_nvme,                   \
            &(s)->checksum_sha1, &(s)->checksum_sha256, &(s)->checksum_sha512, &(s)->checksum_md5, \
            &(s)->checksum_xxhash64, &(s)->checksum_xxhash3, &(s)->checksum_xxhash128              \
    }
/* How many are there, and one of them; absent: none is. */
size_t s3_sums_get(const struct vg_str *const slots[S3_N_SUMS], struct vg_str *ret_algorithm,
                   struct vg_str *ret_value);
void s3_sums_put(struct vg_str *const slots[S3_N_SUMS], const struct s3_rec_checksum *sum);

/* --- objects uploaded in parts
 * --------------------------------------------------------------------
 */

#define S3_COMPOSITE   VG_STR("COMPOSITE")
#define S3_FULL_OBJECT VG_STR("FULL_OBJECT")

/*
 * Whether an upload's checksum is composite: as it asked (`type` absent: it did not), where its
 * algorithm can be so; else fails with InvalidRequest.
 */
vg_rc s3_checksum_type(struct vg_req *rq, enum vg_checksum_kind kind, struct vg_str type,
                       bool *ret_is_composite) VG_MUST_USE;

/* Of the whole, from the parts in their order. */
struct s3_parts_sum {
    enum vg_checksum_kind kind;
    bool is_composite;
    uint64_t n;
    struct vg_checksum of_sums; /* composite   */
    uint64_t crc;               /* full object */
};
void s3_parts_sum_init(struct s3_parts_sum *s, enum vg_checksum_kind kind, bool is_composite);
/* False when `value` is no checksum of this kind: then the sum is of no use. */
bool s3_parts_sum_add(struct s3_parts_sum *s, struct vg_arena *arena, struct vg_str value,
                      uint64_t part_bytes) VG_MUST_USE;
/* As clients see it: base64, of composite ones with "-N". */
struct vg_str s3_parts_sum_end(struct s3_parts_sum *s, struct vg_arena *arena);

/* That of a version, by what is recorded of its parts; NULL where one has none of that kind. */
struct s3_rec_checksum *s3_parts_checksum(struct vg_arena *arena, enum vg_checksum_kind kind,
                                          bool is_composite, const struct s3_rec_version *v);

/* MD5 of the parts' MD5s, "-N"; false when an ETag is not one of a part. */
bool s3_parts_etag(struct vg_arena *arena, const struct vg_str *etags, size_t n, struct vg_str *ret)
    VG_MUST_USE;

#endif
