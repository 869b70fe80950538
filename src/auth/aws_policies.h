/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_AUTH_AWS_POLICIES_H
#define VG_AUTH_AWS_POLICIES_H

/*
 * The managed policies of AWS that serverless applications use, as constant data; any thread.
 * https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
 */

#include "base/str.h"

struct vg_aws_policy {
    struct vg_str name, path, id, description, document;
    struct vg_str version; /* "v1" */
};

/* By ARN; NULL: none of these. */
const struct vg_aws_policy *vg_aws_policy_find(struct vg_str arn);
/* All, ordered by name. */
const struct vg_aws_policy *vg_aws_policies(size_t *ret_n);

#endif
