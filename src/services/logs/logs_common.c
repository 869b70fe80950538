/* SPDX-License-Identifier: Apache-2.0 */

/* What several operations need: names and ARNs, finding groups and streams, tokens, refusals. */

#include "services/logs/logs_int.h"

#include "codec/base64.h"
#include "core/env.h"
#include "crypto/random.h"
#include "os/fiber.h"

struct vg_str
logs_group_arn(const struct vg_req *rq, struct vg_str name)
{
    const struct vg_scope *scope = rq->scope;
    return vg_str_fmt(rq->arena, "arn:%" VG_FMT ":logs:%" VG_FMT ":%" VG_FMT ":log-group:%" VG_FMT,
                      VG_ARG(scope->partition), VG_ARG(scope->region), VG_ARG(scope->owner),
                      VG_ARG(name));
}

struct vg_str
logs_name_of(const struct vg_req *rq, struct vg_str name_or_arn)
{
    if (!vg_str_starts(name_or_arn, VG_STR("arn:")))
        return name_or_arn;
    struct vg_str prefix = logs_group_arn(rq, VG_STR(""));
    if (!vg_str_starts(name_or_arn, prefix))
        return VG_STR_NONE;
    struct vg_str name = vg_str_slice(name_or_arn, prefix.len, name_or_arn.len);
    if (vg_str_ends(name, VG_STR(":*")))
        name.len -= 2;
    return name;
}

vg_rc
logs_need_group(struct vg_req *rq, struct vg_str name, struct vg_str identifier,
                struct logs_rec_group **ret)
{
    if ((name.ptr != NULL) == (identifier.ptr != NULL))
        return logs_fail_invalid_parameter_exception(
            rq, "Exactly one of logGroupName and logGroupIdentifier must be given");
    if (name.ptr == NULL)
        name = logs_name_of(rq, identifier);
    *ret = NULL;
    vg_rc rc = name.ptr ? logs_kv_group(rq, rq->scope->owner, rq->scope->region, name, ret) : VG_OK;
    if (rc == VG_OK && *ret == NULL)
        return logs_fail_resource_not_found_exception(rq,
                                                      "The specified log group does not exist.");
    return rc;
}

vg_rc
logs_need_stream(struct vg_req *rq, struct vg_str group_id, struct vg_str name,
                 struct logs_rec_stream **ret)
{
    vg_rc rc = logs_kv_stream(rq, group_id, name, ret);
    if (rc == VG_OK && *ret == NULL)
        return logs_fail_resource_not_found_exception(rq,
                                                      "The specified log stream does not exist.");
    return rc;
}

int64_t
logs_horizon_ms(const struct vg_req *rq, const struct logs_rec_group *group)
{
    if (group->retention_days == 0)
        return INT64_MIN;
    return vg_now_ms(rq->env) - (int64_t)group->retention_days * LOGS_DAY_MS;
}

struct vg_str
logs_new_id(struct vg_req *rq)
{
    return vg_random_text(rq->env->random, rq->arena, VG_STR(""), VG_ALPHA_LOWER, 20);
}

vg_rc
logs_refuse(struct vg_req *rq, bool is_given, const char *member, const char *why)
{
    if (!is_given)
        return VG_OK;
    return logs_fail_invalid_parameter_exception(rq, "%s is not supported: %s", member, why);
}

void
logs_yield(void)
{
    if (vg_fiber_self() != NULL)
        vg_fiber_yield();
}

struct vg_str
logs_token_make(struct vg_req *rq, struct vg_str bytes)
{
    return vg_base64_encode(rq->arena, bytes);
}

bool
logs_token_read(struct vg_req *rq, struct vg_str token, struct vg_str *ret)
{
    return vg_base64_decode(rq->arena, token, ret);
}
