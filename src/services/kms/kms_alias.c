/* SPDX-License-Identifier: Apache-2.0 */

/* Aliases: names of keys. https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html */

#include "services/kms/kms_int.h"

#include "core/env.h"

#define PAGE_DEFAULT 50
#define PAGE_MAX     100

/* No model of KMS's lists it, but it is what is answered for names that are AWS's. */
static const struct vg_errdef not_authorized = {
    .code = VG_STR_INIT("NotAuthorizedException"),
    .http_status = 400,
    .is_sender_fault = true,
};

static vg_rc
check_name(struct vg_req *rq, struct vg_str name)
{
    if (!vg_str_starts(name, KMS_ALIAS_PREFIX) || name.len == KMS_ALIAS_PREFIX.len)
        return kms_fail_invalid_alias_name_exception(
            rq, "Alias must start with the prefix \"alias/\". Please see "
                "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html");
    if (vg_str_find_char(name, ':') != VG_NPOS)
        return vg_fail_validation(rq, "%" VG_FMT " contains invalid characters for an alias",
                                  VG_ARG(name));
    if (vg_str_starts(name, KMS_ALIAS_RESERVED))
        return vg_fail(rq, &not_authorized,
                       "Alias %" VG_FMT " is reserved: only AWS makes, changes and deletes aliases "
                       "that begin with alias/aws/.",
                       VG_ARG(name));
    return VG_OK;
}

static vg_rc
no_alias(struct vg_req *rq, const struct kms_place *at, struct vg_str name)
{
    return kms_fail_not_found_exception(rq, "Alias %" VG_FMT " is not found.",
                                        VG_ARG(kms_alias_arn(rq, at, name)));
}

/* The key that an alias is to mean, under the turn. */
static vg_rc
edit_target(struct vg_req *rq, struct vg_str target, struct kms_edit *e, struct kms_rec_key **ret)
    VG_WAITS
{
    size_t n = 0;
    vg_rc rc = kms_edit_live(rq, target, e, ret);
    if (rc == VG_OK && (*ret)->is_managed)
        return kms_fail_not_found_exception(rq, "Key '%" VG_FMT "' is not a customer managed key",
                                            VG_ARG((*ret)->arn));
    if (rc == VG_OK)
        rc = kms_edit_count_aliases(e, (*ret)->id, &n);
    if (rc == VG_OK && n >= KMS_LIMIT_ALIASES_PER_KEY)
        return kms_fail_limit_exceeded_exception(
            rq, "Cannot exceed the limit of %d aliases for key '%" VG_FMT "'",
            KMS_LIMIT_ALIASES_PER_KEY, VG_ARG((*ret)->arn));
    return rc;
}

vg_rc
kms_create_alias(struct vg_req *rq, const struct kms_create_alias_request *in)
{
    kms_auto_edit struct kms_edit e = { 0 };
    struct kms_rec_key *key;
    struct kms_rec_alias *before;
    vg_rc rc = check_name(rq, in->alias_name);
    if (rc == VG_OK)
        rc = edit_target(rq, in->target_key_id, &e, &key);
    if (rc == VG_OK)
        rc = kms_edit_alias(&e, in->alias_name, &before);
    if (rc != VG_OK)
        return rc;
    if (before != NULL)
        return kms_fail_already_exists_exception(
            rq, "An alias with the name %" VG_FMT " already exists",
            VG_ARG(kms_alias_arn(rq, &e.at, in->alias_name)));
    int64_t now_ms = vg_now_ms(rq->env);
    const struct kms_rec_alias alias = {
        .name = in->alias_name, .key_id = key->id, .created_ms = now_ms, .updated_ms = now_ms
    };
    kms_edit_put_alias(&e, &alias);
    return kms_edit_commit(&e);
}

vg_rc
kms_update_alias(struct vg_req *rq, const struct kms_update_alias_request *in)
{
    kms_auto_edit struct kms_edit e = { 0 };
    struct kms_rec_key *key;
    struct kms_rec_alias *alias;
    vg_rc rc = check_name(rq, in->alias_name);
    if (rc == VG_OK)
        rc = edit_target(rq, in->target_key_id, &e, &key);
    if (rc == VG_OK)
        rc = kms_edit_alias(&e, in->alias_name, &alias);
    if (rc != VG_OK)
        return rc;
    if (alias == NULL)
        return no_alias(rq, &e.at, in->alias_name);
    alias->key_id = key->id;
    alias->updated_ms = vg_now_ms(rq->env);
    kms_edit_put_alias(&e, alias);
    return kms_edit_commit(&e);
}

vg_rc
kms_delete_alias(struct vg_req *rq, const struct kms_delete_alias_request *in)
{
    kms_auto_edit struct kms_edit e = { 0 };
    struct kms_rec_alias *alias;
    struct kms_place here = kms_here(rq);
    vg_rc rc = check_name(rq, in->alias_name);
    if (rc == VG_OK)
        rc = kms_edit_begin(rq, &here, &e);
    if (rc == VG_OK)
        rc = kms_edit_alias(&e, in->alias_name, &alias);
    if (rc != VG_OK)
        return rc;
    if (alias == NULL)
        return no_alias(rq, &here, in->alias_name);
    kms_edit_del_alias(&e, in->alias_name);
    return kms_edit_commit(&e);
}

static void
show(struct vg_req *rq, const struct kms_place *at, const struct kms_rec_alias *alias,
     struct kms_alias_list *out)
{
    out->items[out->len++] = (struct kms_alias_list_entry) {
        .alias_name = alias->name,
        .alias_arn = kms_alias_arn(rq, at, alias->name),
        .target_key_id = alias->key_id,
        .creation_date_ms = { true, alias->created_ms },
        .last_updated_date_ms = { true, alias->updated_ms },
    };
}

/* Those of one key, or all: fills the page, however many others lie between. */
vg_rc
kms_list_aliases(struct vg_req *rq, const struct kms_list_aliases_request *in,
                 struct kms_list_aliases_response *out)
{
    struct kms_found of = { 0 };
    struct kms_page page = { .has_more = true };
    struct kms_place here = kms_here(rq);
    struct vg_str after;
    size_t max = (size_t)VG_MIN(vg_opt_or(in->limit, PAGE_DEFAULT), PAGE_MAX);
    vg_rc rc = kms_read_marker(rq, in->marker, &after);
    if (rc == VG_OK && in->key_id.ptr)
        rc = kms_need(rq, in->key_id, 0, &of);
    out->aliases =
        (struct kms_alias_list) { VG_NEW_ARRAY(rq->arena, struct kms_alias_list_entry, max), 0,
                                  true };
    bool has_more = false;
    while (rc == VG_OK && page.has_more && !has_more) {
        rc = kms_store_aliases(rq, &here, after, PAGE_MAX, &page);
        for (size_t i = 0; rc == VG_OK && i < page.len; i++) {
            const struct kms_rec_alias *alias = page.items[i];
            bool is_wanted = !of.key || vg_str_eq(alias->key_id, of.id);
            has_more = is_wanted && out->aliases.len == max;
            if (has_more)
                break;
            if (is_wanted)
                show(rq, &here, alias, &out->aliases);
            after = alias->name;
        }
    }
    out->truncated = (struct vg_opt_bool) { true, has_more };
    if (has_more)
        out->next_marker = kms_marker(rq, after);
    return rc;
}
