/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KMS_NAME_H
#define KMS_NAME_H

/* How a request names a key: pure rules. */

#include "base/str.h"

#define KMS_ALIAS_PREFIX   VG_STR("alias/")
#define KMS_ALIAS_RESERVED VG_STR("alias/aws/")

struct kms_name {
    struct vg_str partition, region, account; /* absent: it was no ARN */
    bool is_alias;
    struct vg_str name; /* "alias/…", or a key's id */
};

/*
 * "1234abcd-…", "arn:aws:kms:us-west-2:111122223333:key/1234abcd-…", "alias/x" and the alias' ARN.
 * False: it is none of them.
 */
bool kms_name_parse(struct vg_str text, struct kms_name *ret);

#endif
