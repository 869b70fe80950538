/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_LOG_NOTE_H
#define S3_LOG_NOTE_H

/*
 * What is noted down of a request while it is served, for the access log of its bucket, which gets
 * its line when the request is answered (s3_log_done()).  Where the bucket is not logged, and in
 * requests that came by no socket, nothing is noted: each of these does nothing then.
 */

#include "services/s3/s3_int.h"

struct vg_done;

/* Of s3_store_bucket(); NULL: there is none of that name. */
void s3_log_saw(struct vg_req *rq, struct vg_str name, const struct s3_rec_bucket *bucket);
/* How large the object is that is asked for, made or deleted; below 0: there is none. */
void s3_log_size(struct vg_req *rq, int64_t bytes);
/* All of the body has come. */
void s3_log_taken(struct vg_req *rq);

/* What became of one key of many; it failed with `why`, NULL: it did not. */
void s3_log_batched(struct vg_req *rq, struct vg_str key, struct vg_str version_id, int64_t bytes,
                    const struct vg_err *why);
/* The same of the source of a copy, once a request; `bucket` NULL: it was not found. */
void s3_log_copied(struct vg_req *rq, const struct s3_at *from, const struct s3_rec_bucket *bucket,
                   int64_t bytes, const struct vg_err *why);

/* Of a website: whose, of which page, and with which error it ended, whatever was sent then. */
void s3_log_site(struct vg_req *rq, struct vg_str bucket);
void s3_log_page(struct vg_req *rq, struct vg_str key);
void s3_log_error(struct vg_req *rq, struct vg_str code);

/* Whether a request is judged once more as if there were no lists of grants. */
bool s3_log_is_without_lists(const struct vg_req *rq);

/* struct vg_service.done */
void s3_log_done(struct vg_req *rq, const struct vg_done *done) VG_WAITS;

/* --- what S3 does by itself ---------------------------------------------------------------------
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-and-other-bucket-config.html
 */

struct s3_log_act {
    struct vg_str operation, requester, key, version_id;
    int status;    /* of what is a request to itself; else 0 */
    int64_t bytes; /* below 0: of nothing that has any */
};
/* Of a bucket that is logged, after the commit; what fails is lost. */
void s3_log_acts(struct vg_req *rq, const struct s3_rec_bucket *bucket,
                 const struct s3_log_act *acts, size_t n) VG_WAITS;

#endif
