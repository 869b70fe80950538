/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_STORE_INT_H
#define S3_STORE_INT_H

/* What the files that know keys share; included only there. */

#include "services/s3/s3_upload.h"
#include "store/kv.h"

struct vg_str s3_objects_part(struct vg_arena *arena, struct vg_str bucket_id);
struct vg_str s3_parts_part(struct vg_arena *arena, struct vg_str bucket_id,
                            struct vg_str upload_id);

/* The row of one among a key's versions; *ret NULL: there is none. */
vg_rc s3_store_version_row(struct vg_req *rq, struct vg_str bucket_id, struct vg_str key,
                           int64_t order, struct s3_rec_version **ret) VG_MUST_USE;
/* The upload that a partition of parts belongs to; *ret NULL: it has ended. */
vg_rc s3_store_upload_row(struct vg_req *rq, struct vg_str bucket_id, struct vg_str upload_id,
                          struct s3_rec_upload **ret) VG_MUST_USE;

/* s3_store_master_key() without making one, nor the service's caches. */
vg_rc s3_store_find_master_key(struct vg_req *rq, struct vg_str account, uint8_t ret[S3_KEY_BYTES],
                               bool *ret_is_there) VG_MUST_USE;

/* Bytes that a bucket stores from now on: its owner's, whoever writes or deletes them. */
void s3_store_meter(struct vg_req *rq, struct vg_tx *tx, const struct s3_rec_bucket *bucket,
                    int64_t bytes);

/* s3_store_edit_object() that has the turn of one more partition. */
vg_rc s3_store_edit_object_with(struct vg_req *rq, const struct s3_rec_bucket *bucket,
                                struct vg_str key, struct vg_str with, struct s3_object_edit *ret)
    VG_WAITS VG_MUST_USE;

/* Of the rows of uploads among those of a bucket's objects. */
struct vg_range s3_uploads_range(struct vg_arena *arena);
/* An operation of ours that runs at its time, or as soon as the transaction is durable, by a timer
 * beside the partition, which takes the place of one with its id; absent members are left out of
 * its input. */
struct s3_plan {
    struct vg_str partition, id, op;
    int64_t due_ms; /* 0: at once */
    struct vg_str account, region, bucket, bucket_id, upload_id, key, version_id;
};
vg_rc s3_plan(struct vg_req *rq, struct vg_tx *tx, const struct s3_plan *plan) VG_MUST_USE;

/* The bucket goes: its uploads are dropped by and by. */
vg_rc s3_store_drop_uploads(struct s3_bucket_edit *e) VG_MUST_USE;

#endif
