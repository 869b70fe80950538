/* SPDX-License-Identifier: Apache-2.0 */

/* Log groups, their retention and tags. */

#include "services/logs/logs_int.h"

#include "core/env.h"

#define PAGE_DEFAULT 50

static vg_rc
put_tags(struct vg_req *rq, struct logs_rec_group *group, const struct logs_tags *tags)
{
    for (size_t i = 0; i < tags->len; i++) {
        struct logs_rec_tag *to = NULL;
        if (vg_str_starts_nocase(tags->items[i].key, VG_STR("aws:")))
            return logs_fail_invalid_parameter_exception(
                rq, "Tag keys must not begin with the reserved prefix aws:");
        for (size_t k = 0; k < group->tags.len; k++)
            if (vg_str_eq(group->tags.items[k].name, tags->items[i].key))
                to = &group->tags.items[k];
        if (to == NULL)
            to = VG_VEC_ADD(rq->arena, &group->tags);
        *to = (struct logs_rec_tag) { .name = tags->items[i].key, .value = tags->items[i].value };
    }
    if (group->tags.len > LOGS_LIMIT_TAGS)
        return logs_fail_too_many_tags_exception(rq, "A resource has at most %d tags",
                                                 LOGS_LIMIT_TAGS);
    return VG_OK;
}

static void
drop_tags(struct logs_rec_group *group, const struct vg_str *keys, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < group->tags.len; i++) {
        bool is_dropped = false;
        for (size_t k = 0; k < n; k++)
            is_dropped = is_dropped || vg_str_eq(group->tags.items[i].name, keys[k]);
        if (!is_dropped)
            group->tags.items[kept++] = group->tags.items[i];
    }
    group->tags.len = kept;
}

static void
show_tags(struct vg_req *rq, const struct logs_rec_group *group, struct logs_tags *out)
{
    out->items = VG_NEW_ARRAY(rq->arena, struct logs_tags__entry, group->tags.len + 1);
    out->len = group->tags.len;
    out->set = true;
    for (size_t i = 0; i < group->tags.len; i++) {
        out->items[i].key = group->tags.items[i].name;
        out->items[i].value = group->tags.items[i].value;
    }
}

/* --- create, delete -----------------------------------------------------------------------------
 */

static vg_rc
check_create(struct vg_req *rq, const struct logs_create_log_group_request *in)
{
    vg_rc rc = logs_refuse(rq, in->kms_key_id.ptr != NULL, "kmsKeyId",
                           "log groups are not encrypted by keys of KMS");
    if (rc == VG_OK)
        rc = logs_refuse(rq,
                         in->log_group_class.v != 0
                             && in->log_group_class.v != LOGS_LOG_GROUP_CLASS_STANDARD,
                         "logGroupClass", "only STANDARD is built");
    if (rc == VG_OK)
        rc = logs_refuse(rq, vg_opt_bool_or(in->deletion_protection_enabled, false),
                         "deletionProtectionEnabled", "it is not built");
    if (rc == VG_OK && vg_str_starts(in->log_group_name, VG_STR("aws/")))
        return logs_fail_invalid_parameter_exception(
            rq, "Log groups starting with AWS/ are reserved for AWS.");
    return rc;
}

vg_rc
logs_create_log_group(struct vg_req *rq, const struct logs_create_log_group_request *in)
{
    logs_auto_edit struct logs_edit edit = { 0 };
    struct logs_rec_group group = {
        .id = logs_new_id(rq),
        .name = in->log_group_name,
        .created_ms = vg_now_ms(rq->env),
    };
    vg_rc rc = check_create(rq, in);
    if (rc == VG_OK)
        rc = put_tags(rq, &group, &in->tags);
    if (rc == VG_OK)
        rc = logs_kv_edit(rq, in->log_group_name, &edit);
    if (rc != VG_OK)
        return rc;
    if (edit.group != NULL)
        return logs_fail_resource_already_exists_exception(
            rq, "The specified log group already exists");
    logs_kv_edit_put(&edit, &group);
    return logs_kv_edit_commit(&edit);
}

/* Begins a change of a group that must exist. */
static vg_rc
edit_existing(struct vg_req *rq, struct vg_str name, struct logs_edit *edit)
{
    vg_rc rc = logs_kv_edit(rq, name, edit);
    if (rc == VG_OK && edit->group == NULL)
        return logs_fail_resource_not_found_exception(rq,
                                                      "The specified log group does not exist.");
    return rc;
}

vg_rc
logs_delete_log_group(struct vg_req *rq, const struct logs_delete_log_group_request *in)
{
    logs_auto_edit struct logs_edit edit = { 0 };
    vg_rc rc = edit_existing(rq, in->log_group_name, &edit);
    if (rc == VG_OK)
        rc = logs_kv_edit_delete(&edit);
    return rc == VG_OK ? logs_kv_edit_commit(&edit) : rc;
}

/* --- describe -----------------------------------------------------------------------------------
 */

static vg_rc
show(struct vg_req *rq, const struct logs_rec_group *group, struct logs_log_group *out)
{
    struct vg_str arn = logs_group_arn(rq, group->name);
    int64_t bytes = 0;
    vg_rc rc = logs_kv_group_bytes(rq, group->id, &bytes);
    if (rc != VG_OK)
        return rc;
    *out = (struct logs_log_group) {
        .log_group_name = group->name,
        .creation_time = { true, group->created_ms },
        .retention_in_days = { group->retention_days > 0, group->retention_days },
        .metric_filter_count = { true, 0 },
        .arn = vg_str_cat(rq->arena, arn, VG_STR(":*")),
        .stored_bytes = { true, bytes },
        .log_group_class = VG_ENUM(LOGS_LOG_GROUP_CLASS_STANDARD),
        .log_group_arn = arn,
    };
    return VG_OK;
}

static vg_rc
check_describe(struct vg_req *rq, const struct logs_describe_log_groups_request *in)
{
    vg_rc rc = logs_refuse(rq, in->account_identifiers.len > 0, "accountIdentifiers",
                           "there are no linked accounts");
    if (rc == VG_OK)
        rc = logs_refuse(rq, vg_opt_bool_or(in->include_linked_accounts, false),
                         "includeLinkedAccounts", "there are no linked accounts");
    if (rc == VG_OK)
        rc = logs_refuse(rq, in->log_group_identifiers.len > 0, "logGroupIdentifiers",
                         "use logGroupNamePrefix or logGroupNamePattern");
    if (rc == VG_OK && in->log_group_name_prefix.ptr != NULL
        && in->log_group_name_pattern.ptr != NULL)
        return logs_fail_invalid_parameter_exception(
            rq, "logGroupNamePrefix and logGroupNamePattern are mutually exclusive");
    return rc;
}

static bool
is_wanted(const struct logs_describe_log_groups_request *in, const struct logs_rec_group *group)
{
    if (in->log_group_class.v != 0 && in->log_group_class.v != LOGS_LOG_GROUP_CLASS_STANDARD)
        return false;
    return in->log_group_name_pattern.len == 0
           || vg_str_find(group->name, in->log_group_name_pattern) != VG_NPOS;
}

vg_rc
logs_describe_log_groups(struct vg_req *rq, const struct logs_describe_log_groups_request *in,
                         struct logs_describe_log_groups_response *out)
{
    struct logs_groups page = { .has_more = true };
    struct vg_str after = VG_STR_NONE;
    size_t limit = (size_t)vg_opt_or(in->limit, PAGE_DEFAULT);
    vg_rc rc = check_describe(rq, in);
    if (rc == VG_OK && in->next_token.ptr != NULL && !logs_token_read(rq, in->next_token, &after))
        return logs_fail_invalid_parameter_exception(rq, "The specified nextToken is invalid.");
    out->log_groups.items = VG_NEW_ARRAY(rq->arena, struct logs_log_group, limit + 1);
    out->log_groups.set = true;
    while (rc == VG_OK && page.has_more && out->log_groups.len < limit) {
        rc = logs_kv_groups(rq, in->log_group_name_prefix, after, (uint32_t)limit, &page);
        for (size_t i = 0; rc == VG_OK && i < page.len; i++) {
            after = page.items[i]->name;
            if (!is_wanted(in, page.items[i]))
                continue;
            rc = show(rq, page.items[i], &out->log_groups.items[out->log_groups.len++]);
            if (out->log_groups.len == limit && i + 1 < page.len)
                page.has_more = true;
            if (out->log_groups.len == limit)
                break;
        }
    }
    if (rc == VG_OK && page.has_more)
        out->next_token = logs_token_make(rq, after);
    return rc;
}

/* --- retention ----------------------------------------------------------------------------------
 */

/* https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
 */
static bool
is_retention(int64_t days)
{
    static const int64_t allowed[] = {
        1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
        365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
    };
    for (size_t i = 0; i < VG_COUNT(allowed); i++)
        if (allowed[i] == days)
            return true;
    return false;
}

vg_rc
logs_put_retention_policy(struct vg_req *rq, const struct logs_put_retention_policy_request *in)
{
    logs_auto_edit struct logs_edit edit = { 0 };
    if (!is_retention(in->retention_in_days.v))
        return logs_fail_invalid_parameter_exception(
            rq,
            "1 validation error detected: Value '%lld' at 'retentionInDays' failed to satisfy "
            "constraint: Member must satisfy enum value set: [1, 3, 5, 7, 14, 30, 60, 90, 120, "
            "150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]",
            (long long)in->retention_in_days.v);
    vg_rc rc = edit_existing(rq, in->log_group_name, &edit);
    if (rc != VG_OK)
        return rc;
    edit.group->retention_days = (uint32_t)in->retention_in_days.v;
    logs_kv_edit_put(&edit, edit.group);
    rc = logs_kv_edit_expire_at(&edit, edit.group, vg_now_ms(rq->env));
    return rc == VG_OK ? logs_kv_edit_commit(&edit) : rc;
}

vg_rc
logs_delete_retention_policy(struct vg_req *rq,
                             const struct logs_delete_retention_policy_request *in)
{
    logs_auto_edit struct logs_edit edit = { 0 };
    vg_rc rc = edit_existing(rq, in->log_group_name, &edit);
    if (rc != VG_OK)
        return rc;
    edit.group->retention_days = 0;
    logs_kv_edit_put(&edit, edit.group);
    rc = logs_kv_edit_expire_at(&edit, edit.group, INT64_MAX);
    return rc == VG_OK ? logs_kv_edit_commit(&edit) : rc;
}

/* --- tags ---------------------------------------------------------------------------------------
 */

static vg_rc
edit_by_arn(struct vg_req *rq, struct vg_str arn, struct logs_edit *edit)
{
    struct vg_str name = vg_str_starts(arn, VG_STR("arn:")) ? logs_name_of(rq, arn) : VG_STR_NONE;
    if (name.len == 0)
        return logs_fail_invalid_parameter_exception(rq, "Invalid ARN: '%" VG_FMT "'", VG_ARG(arn));
    return edit_existing(rq, name, edit);
}

static vg_rc
save(struct logs_edit *edit)
{
    logs_kv_edit_put(edit, edit->group);
    return logs_kv_edit_commit(edit);
}

vg_rc
logs_tag_resource(struct vg_req *rq, const struct logs_tag_resource_request *in)
{
    logs_auto_edit struct logs_edit edit = { 0 };
    vg_rc rc = edit_by_arn(rq, in->resource_arn, &edit);
    if (rc == VG_OK)
        rc = put_tags(rq, edit.group, &in->tags);
    return rc == VG_OK ? save(&edit) : rc;
}

vg_rc
logs_untag_resource(struct vg_req *rq, const struct logs_untag_resource_request *in)
{
    logs_auto_edit struct logs_edit edit = { 0 };
    vg_rc rc = edit_by_arn(rq, in->resource_arn, &edit);
    if (rc != VG_OK)
        return rc;
    drop_tags(edit.group, in->tag_keys.items, in->tag_keys.len);
    return save(&edit);
}

vg_rc
logs_list_tags_for_resource(struct vg_req *rq, const struct logs_list_tags_for_resource_request *in,
                            struct logs_list_tags_for_resource_response *out)
{
    struct logs_rec_group *group;
    vg_rc rc = logs_need_group(rq, VG_STR_NONE, in->resource_arn, &group);
    if (rc == VG_OK)
        show_tags(rq, group, &out->tags);
    return rc;
}

vg_rc
logs_tag_log_group(struct vg_req *rq, const struct logs_tag_log_group_request *in)
{
    logs_auto_edit struct logs_edit edit = { 0 };
    vg_rc rc = edit_existing(rq, in->log_group_name, &edit);
    if (rc == VG_OK)
        rc = put_tags(rq, edit.group, &in->tags);
    return rc == VG_OK ? save(&edit) : rc;
}

vg_rc
logs_untag_log_group(struct vg_req *rq, const struct logs_untag_log_group_request *in)
{
    logs_auto_edit struct logs_edit edit = { 0 };
    vg_rc rc = edit_existing(rq, in->log_group_name, &edit);
    if (rc != VG_OK)
        return rc;
    drop_tags(edit.group, in->tags.items, in->tags.len);
    return save(&edit);
}

vg_rc
logs_list_tags_log_group(struct vg_req *rq, const struct logs_list_tags_log_group_request *in,
                         struct logs_list_tags_log_group_response *out)
{
    struct logs_rec_group *group;
    vg_rc rc = logs_need_group(rq, in->log_group_name, VG_STR_NONE, &group);
    if (rc == VG_OK)
        show_tags(rq, group, &out->tags);
    return rc;
}
