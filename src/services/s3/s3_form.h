/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_FORM_H
#define S3_FORM_H

#include "services/s3/s3_int.h"

/* What browsers post to a bucket. */
extern const struct vg_forms s3_forms;
/* PreconditionFailed: a POST to a bucket that is no form. */
vg_rc s3_form_missing(struct vg_req *rq);

#endif
