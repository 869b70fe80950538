/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_ACTIONS_H
#define S3_ACTIONS_H

/* What policies of buckets may name, without "s3:":
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html */

#include "base/str.h"

extern const struct vg_str s3_bucket_actions[];
extern const size_t s3_n_bucket_actions;
extern const struct vg_str s3_object_actions[];
extern const size_t s3_n_object_actions;
/* Those that end in a slash are followed by the key of a tag. */
extern const struct vg_str s3_condition_keys[];
extern const size_t s3_n_condition_keys;

#endif
