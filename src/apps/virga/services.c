/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/virga/services.h"

#include "services/apigateway/ops.h"
#include "services/dynamodb/ops.h"
#include "services/iam/ops.h"
#include "services/kms/ops.h"
#include "services/lambda/ops.h"
#include "services/logs/ops.h"
#include "services/s3/ops.h"
#include "services/sts/ops.h"

const struct vg_service *const virga_services[] = {
    &logs_service, &dynamodb_service, &lambda_service, &apigateway_service,
    &iam_service,  &sts_service,      &s3_service,     &kms_service,
};
const size_t n_virga_services = VG_COUNT(virga_services);
