/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_LOG_H
#define S3_LOG_H

/*
 * Server access logs: who asked what of a bucket.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
 */

#include "services/s3/s3_int.h"

/* Who delivers them, in bucket policies; in lists of grants a group stands for it. */
#define S3_LOGGING_SERVICE VG_STR("logging.s3.amazonaws.com")

#endif
