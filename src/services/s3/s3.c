/* SPDX-License-Identifier: Apache-2.0 */
#include "services/s3/ops.h"

const struct vg_service s3_service = {
    .name = "s3",
    .ops = s3_ops,
};
