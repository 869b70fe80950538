/* SPDX-License-Identifier: Apache-2.0 */

/* The service: who may read a group that is named by ARN, tags for policies, and internal rows. */

#include "services/logs/logs_int.h"

#include "core/env.h"

/* --- authorization ------------------------------------------------------------------------------
 */

static void
authorize(struct vg_authz *az, struct vg_str action, struct vg_str name, struct vg_str identifier,
          struct vg_str stream)
{
    struct vg_req *rq = az->rq;
    struct vg_str group = name.ptr ? name : logs_name_of(rq, identifier);
    vg_authz_add(az, action,
                 vg_str_fmt(rq->arena, "%" VG_FMT ":log-stream:%" VG_FMT,
                            VG_ARG(logs_group_arn(rq, group)), VG_ARG(stream)),
                 NULL, 0);
}

vg_rc
logs_authz_describe_log_streams(struct vg_req *rq,
                                const struct logs_describe_log_streams_request *in,
                                struct vg_authz *az)
{
    (void)rq;
    authorize(az, VG_STR("logs:DescribeLogStreams"), in->log_group_name, in->log_group_identifier,
              VG_STR(""));
    return VG_OK;
}

vg_rc
logs_authz_get_log_events(struct vg_req *rq, const struct logs_get_log_events_request *in,
                          struct vg_authz *az)
{
    (void)rq;
    authorize(az, VG_STR("logs:GetLogEvents"), in->log_group_name, in->log_group_identifier,
              in->log_stream_name);
    return VG_OK;
}

vg_rc
logs_authz_filter_log_events(struct vg_req *rq, const struct logs_filter_log_events_request *in,
                             struct vg_authz *az)
{
    (void)rq;
    authorize(az, VG_STR("logs:FilterLogEvents"), in->log_group_name, in->log_group_identifier,
              VG_STR(""));
    return VG_OK;
}

/* Tags of a group, for aws:ResourceTag. */
static vg_rc
resource(struct vg_req *rq, struct vg_str arn, struct vg_resource *ret)
{
    struct vg_str rest = arn, parts[7] = { { 0 } };
    struct logs_rec_group *group = NULL;
    for (size_t i = 0; i < VG_COUNT(parts); i++)
        parts[i] = vg_str_cut(&rest, ':');
    if (!vg_str_eq(parts[5], VG_STR("log-group")) || parts[6].len == 0)
        return VG_OK;
    vg_rc rc = logs_kv_group(rq, parts[4], parts[3], parts[6], &group);
    if (rc != VG_OK || group == NULL)
        return rc;
    struct vg_tag *tags = VG_NEW_ARRAY(rq->arena, struct vg_tag, group->tags.len + 1);
    for (size_t i = 0; i < group->tags.len; i++)
        tags[i] = (struct vg_tag) { group->tags.items[i].name, group->tags.items[i].value };
    ret->tags = tags;
    ret->n_tags = group->tags.len;
    return VG_OK;
}

/* --- internal rows ------------------------------------------------------------------------------
 */

/* How long after an event expires its bytes may stay. Readers do not see it from the moment on. */
#define EXPIRE_EVERY_MS ((int64_t)3600 * 1000)
#define STREAMS_PAGE    1000u

static vg_rc
trim_all(struct vg_req *rq, const struct logs_rec_group *group, struct vg_str stream_id,
         int64_t before_ms)
{
    bool has_more = true;
    vg_rc rc = VG_OK;
    while (rc == VG_OK && has_more) {
        rc = logs_kv_trim(rq, group, stream_id, before_ms, &has_more);
        logs_yield();
    }
    return rc;
}

vg_rc
logs_purge_stream(struct vg_req *rq, const struct logs_purge_stream_input *in)
{
    const struct logs_rec_group group = { .name = in->name, .id = in->group };
    return trim_all(rq, &group, in->stream, INT64_MAX);
}

vg_rc
logs_purge_group(struct vg_req *rq, const struct logs_purge_group_input *in)
{
    const struct logs_rec_group group = { .name = in->name, .id = in->group };
    struct logs_streams page = { .has_more = true };
    while (page.has_more) {
        vg_rc rc =
            logs_kv_streams(rq, in->group, VG_STR(""), VG_STR_NONE, false, STREAMS_PAGE, &page);
        for (size_t i = 0; rc == VG_OK && i < page.len; i++) {
            rc = trim_all(rq, &group, page.items[i]->id, INT64_MAX);
            if (rc == VG_OK)
                rc = logs_kv_forget_stream(rq, in->group, page.items[i]);
        }
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

/* Deletes what has expired; *ret_next_ms is when the first of what is left does. */
static vg_rc
expire_streams(struct vg_req *rq, const struct logs_rec_group *group, int64_t horizon_ms,
               int64_t *ret_next_ms)
{
    struct logs_streams page = { .has_more = true };
    struct vg_str after = VG_STR_NONE;
    int64_t first_ms = INT64_MAX;
    while (page.has_more) {
        vg_rc rc = logs_kv_streams(rq, group->id, VG_STR(""), after, false, STREAMS_PAGE, &page);
        for (size_t i = 0; rc == VG_OK && i < page.len; i++) {
            struct logs_rec_head *head;
            rc = trim_all(rq, group, page.items[i]->id, horizon_ms);
            if (rc == VG_OK)
                rc = logs_kv_head(rq, page.items[i]->id, &head);
            if (rc == VG_OK && head != NULL && head->first_ms.set)
                first_ms = VG_MIN(first_ms, head->first_ms.v);
        }
        if (rc != VG_OK)
            return rc;
        if (page.len == 0)
            break;
        after = page.items[page.len - 1]->name;
    }
    int64_t keep_ms = (int64_t)group->retention_days * LOGS_DAY_MS;
    int64_t now_ms = vg_now_ms(rq->env);
    *ret_next_ms = first_ms == INT64_MAX ? now_ms + LOGS_DAY_MS : first_ms + keep_ms;
    *ret_next_ms = VG_MAX(*ret_next_ms, now_ms + EXPIRE_EVERY_MS);
    return VG_OK;
}

static vg_rc
expire_group(struct vg_req *rq, const struct logs_expire_events_input *in)
{
    logs_auto_edit struct logs_edit edit = { 0 };
    struct logs_rec_group *group;
    int64_t next_ms;
    vg_rc rc = logs_kv_group(rq, in->account, in->region, in->name, &group);
    if (rc != VG_OK || group == NULL || !vg_str_eq(group->id, in->group)
        || group->retention_days == 0)
        return rc;
    rc = expire_streams(rq, group, logs_horizon_ms(rq, group), &next_ms);
    if (rc == VG_OK)
        rc = logs_kv_edit(rq, in->name, &edit);
    if (rc != VG_OK || edit.group == NULL || !vg_str_eq(edit.group->id, in->group)
        || edit.group->retention_days == 0)
        return rc;
    rc = logs_kv_edit_expire_at(&edit, edit.group, next_ms);
    return rc == VG_OK ? logs_kv_edit_commit(&edit) : rc;
}

/* Retention of one group: runs again by the timer it sets, until the policy or the group is gone.
 */
vg_rc
logs_expire_events(struct vg_req *rq, const struct logs_expire_events_input *in)
{
    const struct vg_scope *before = rq->scope;
    struct vg_scope scope = *before;
    scope.owner = in->account;
    scope.region = in->region;
    rq->scope = &scope;
    vg_rc rc = expire_group(rq, in);
    rq->scope = before;
    return rc;
}

const struct vg_service logs_service = {
    .name = "logs",
    .ops = logs_ops,
    .resource = resource,
};
