/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_UPLOAD_H
#define S3_UPLOAD_H

/*
 * Uploads in parts.
 *
 * An upload has a partition of its own: parts come and go there without a turn of their bucket's.
 * It is listed among the bucket's objects too; who begins or ends one has both turns.
 */

#include "services/s3/s3_int.h"

struct s3_upload_parts {
    struct s3_rec_part *items;
    size_t len;
    bool has_more;
};

/* --- s3_upload.c: what operations on them share -------------------------------------------------
 */

/* What a request names. */
struct s3_upload_at {
    struct vg_str bucket, key, id, owner;
};
#define S3_UPLOAD_AT(in)                                                                           \
    {                                                                                              \
        (in)->bucket, (in)->key, (in)->upload_id, (in)->expected_bucket_owner                      \
    }
vg_rc s3_no_upload(struct vg_req *rq, struct vg_str id);
/* The upload, or NoSuchUpload; its bucket. */
vg_rc s3_need_upload(struct vg_req *rq, const struct s3_upload_at *at,
                     struct s3_rec_bucket **ret_bucket, struct s3_rec_upload **ret) VG_MUST_USE;
struct s3_initiator *s3_initiator_of(struct vg_req *rq, const struct s3_rec_upload *upload);
bool s3_is_composite(const struct s3_rec_upload *upload); /* its checksum is to be so */
/* InvalidRequest: a checksum of another algorithm than the upload's (absent: none). */
vg_rc s3_other_checksum(struct vg_req *rq, struct vg_str expected, struct vg_str actual);
struct vg_str s3_quoted(struct vg_req *rq, struct vg_str etag);

/* --- s3_upload_store.c --------------------------------------------------------------------------
 */

/* An id that no upload had; those of later uploads are greater. */
struct vg_str s3_new_upload_id(struct vg_req *rq);

/* *ret NULL: there is none of that id for that key. */
vg_rc s3_store_upload(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                      struct vg_str id, struct s3_rec_upload **ret) VG_MUST_USE;
/* Its parts with numbers above `after`, in their order. */
vg_rc s3_store_parts(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str id,
                     uint32_t after, uint32_t max, struct s3_upload_parts *ret) VG_MUST_USE;

/* A bucket's uploads: of the key `from` those with ids above `after` (absent: all), and on. */
vg_rc s3_store_uploads(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str from,
                       struct vg_str after, uint32_t max, struct s3_entries *ret) VG_MUST_USE;

/*
 * A part, in a transaction of its own: keeps its content, drops that of the part it replaces.
 * *ret_is_there false: the upload has ended, nothing is done.
 */
vg_rc s3_store_put_part(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                        struct vg_str id, const struct s3_rec_part *part, bool *ret_is_there)
    VG_WAITS VG_MUST_USE;

/*
 * Begins or ends one: an edit of its key's versions that has the upload's turn too.  *ret NULL:
 * there is none of that id for that key.
 */
vg_rc s3_store_edit_upload(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
                           struct vg_str id, struct s3_object_edit *e, struct s3_rec_upload **ret)
    VG_WAITS VG_MUST_USE;
void s3_store_add_upload(struct s3_object_edit *e, const struct s3_rec_upload *upload);
/* All of its parts. */
vg_rc s3_store_edit_parts(struct s3_object_edit *e, struct vg_str id, struct s3_upload_parts *ret)
    VG_MUST_USE;
/*
 * Ends it: of `parts`, all that it has, those with is_used[i] are a version's from now on (which
 * s3_store_add_version() counts); the others are dropped.
 */
void s3_store_end_upload(struct s3_object_edit *e, const struct s3_rec_upload *upload,
                         const struct s3_upload_parts *parts, const bool *is_used);
/* Ends it without a version: its parts are dropped, where they are many by and by. */
vg_rc s3_store_abort_upload(struct s3_object_edit *e, const struct s3_rec_upload *upload)
    VG_MUST_USE;

#endif
