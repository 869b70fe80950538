/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_CHECK_H
#define S3_CHECK_H

/* What is kept, held to what is recorded of it: core/check.h. */

#include "core/check.h"
#include "services/s3/s3_content.h"

/* This is struct vg_service.check. */
void s3_check(struct vg_check *ck) VG_WAITS;

/* --- s3_check_content.c -------------------------------------------------------------------------
 */

struct s3_check_content {
    struct vg_str where; /* for people */
    struct s3_source source;
    const uint8_t *with; /* seals its key; NULL: only its length can be told */
    struct vg_str md5;   /* recorded, hexadecimal; absent: nothing that could be told */
    const struct s3_rec_checksum *checksum; /* NULL: none */
    struct vg_str crc64nvme;                /* absent: none */
};
/* `room`: of VG_SEGMENT_STORED_BYTES. */
void s3_check_content(struct vg_check *ck, struct vg_req *rq, const struct s3_check_content *c,
                      uint8_t *room) VG_WAITS;

/* --- s3_check_store.c: what a row is ------------------------------------------------------------
 */

enum s3_row_kind {
    S3_ROW_OTHER = 1, /* holds nothing that could be told by itself */
    S3_ROW_BAD,       /* no key of ours */
    S3_ROW_BUCKET,    /* record.bucket: its own, or in its account's list */
    S3_ROW_CONFIG,    /* JSON */
    S3_ROW_CURRENT,   /* record.version */
    S3_ROW_VERSION,
    S3_ROW_LISTED, /* record.upload, in its bucket's list */
    S3_ROW_UPLOAD, /* record.upload */
    S3_ROW_PART,   /* record.part */
    S3_ROW_NOTICE, /* record.notice */
    S3_ROW_LINE,   /* record.log_line */
};

struct s3_row {
    enum s3_row_kind kind;
    struct vg_str bucket;    /* name: of BUCKET, CONFIG */
    struct vg_str bucket_id; /* of the others */
    struct vg_str key;       /* of CURRENT, VERSION, LISTED; of CONFIG its kind */
    struct vg_str upload_id; /* of LISTED, UPLOAD, PART */
    struct vg_str value;
};
void s3_row_read(struct vg_arena *arena, const struct vg_walk_row *row, struct s3_row *ret);

/* The rows of everything, and of buckets alone. */
struct vg_str s3_check_prefix(struct vg_arena *arena);
struct vg_str s3_check_buckets_prefix(struct vg_arena *arena);

#endif
