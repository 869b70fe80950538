/* SPDX-License-Identifier: Apache-2.0 */
#include "services/dynamodb/dynamodb_int.h"

static vg_rc
start(const struct vg_env *env, void **ret_svc, struct vg_err *err)
{
    (void)env;
    (void)err;
    *ret_svc = dynamodb_cache_new();
    return VG_OK;
}

static void
stop(void *svc)
{
    dynamodb_cache_free(svc);
}

const struct vg_service dynamodb_service = {
    .name = "dynamodb",
    .ops = dynamodb_ops,
    .init = start,
    .fini = stop,
};
