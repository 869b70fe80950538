/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_RESTORE_H
#define S3_RESTORE_H

/*
 * Archived objects, and the copies of them that can be read for a time.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
 */

#include "services/s3/s3_int.h"

enum s3_restore_is {
    S3_RESTORE_NONE, /* nothing was asked for, or the copy is gone again */
    S3_RESTORE_ONGOING,
    S3_RESTORE_DONE, /* it can be read */
};
enum s3_restore_is s3_restore_state(const struct s3_rec_version *v, int64_t now_ms);
/* Only a copy of it could be read, and there is none now. */
bool s3_is_archived(struct vg_req *rq, const struct s3_rec_version *v);
/* x-amz-restore; absent: nothing to say. */
struct vg_str s3_restore_header(struct vg_req *rq, const struct s3_rec_version *v);
/* The same in lists; NULL. */
struct s3_restore_status *s3_restore_status_of(struct vg_req *rq, const struct s3_rec_version *v);

#endif
