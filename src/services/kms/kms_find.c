/* SPDX-License-Identifier: Apache-2.0 */

/* From what a request names to the key, and the refusals that operations share. */

#include "services/kms/kms_int.h"

#include "auth/principal.h"
#include "codec/base64.h"

struct vg_str
kms_arn(struct vg_req *rq, const struct kms_place *at, const char *type, struct vg_str name)
{
    return vg_str_fmt(rq->arena, "arn:%" VG_FMT ":kms:%" VG_FMT ":%" VG_FMT ":%s%" VG_FMT,
                      VG_ARG(rq->scope->partition), VG_ARG(at->region), VG_ARG(at->account), type,
                      VG_ARG(name));
}

struct vg_str
kms_alias_arn(struct vg_req *rq, const struct kms_place *at, struct vg_str name)
{
    return kms_arn(rq, at, "", name);
}

vg_rc
kms_no_key(struct vg_req *rq, struct vg_str arn)
{
    return kms_fail_not_found_exception(rq, "Key '%" VG_FMT "' does not exist", VG_ARG(arn));
}

/* "Cross-account use: No": keys of others are nobody's business in the operations that say so. */
static vg_rc
foreign(struct vg_req *rq, struct vg_str arn)
{
    struct vg_str who = rq->scope->caller ? rq->scope->caller->arn : VG_STR("");
    struct vg_str action = vg_str_of(rq->op->iam_action);
    return vg_fail_access_denied(
        rq, vg_str_fmt(rq->arena,
                       "User: %" VG_FMT " is not authorized to perform: %" VG_FMT
                       " on resource: %" VG_FMT
                       " because no resource-based policy allows the %" VG_FMT " action",
                       VG_ARG(who), VG_ARG(action), VG_ARG(arn), VG_ARG(action)));
}

/* Only for those whose account it is: what is made belongs to it. */
static bool
may_make(const struct vg_req *rq, const struct kms_name *name, unsigned flags)
{
    const struct vg_principal *who = rq->scope->caller;
    return (flags & KMS_LAZY) && kms_is_managed_alias(name->name)
           && (!name->account.ptr || vg_str_eq(name->account, rq->scope->owner))
           && (who == NULL || vg_str_eq(who->account, rq->scope->owner));
}

static vg_rc
by_alias(struct vg_req *rq, const struct kms_name *name, unsigned flags, struct kms_found *ret)
    VG_WAITS
{
    struct kms_rec_alias *alias;
    vg_rc rc = kms_store_alias(rq, &ret->at, name->name, &alias);
    if (rc == VG_OK && alias == NULL && may_make(rq, name, flags))
        rc = kms_make_managed(rq, name->name, &alias);
    if (rc != VG_OK)
        return rc;
    if (alias == NULL)
        return kms_fail_not_found_exception(rq, "Alias %" VG_FMT " is not found.",
                                            VG_ARG(kms_alias_arn(rq, &ret->at, name->name)));
    ret->alias = name->name;
    ret->id = alias->key_id;
    return VG_OK;
}

vg_rc
kms_find(struct vg_req *rq, struct vg_str text, unsigned flags, struct kms_found *ret)
{
    struct kms_name name;
    *ret = (struct kms_found) { .at = kms_here(rq) };
    if (!kms_name_parse(text, &name) || (name.is_alias && !(flags & KMS_BY_ALIAS)))
        return kms_fail_not_found_exception(rq, "Invalid keyId '%" VG_FMT "'", VG_ARG(text));
    if (name.region.ptr && !vg_str_eq(name.region, rq->scope->region))
        return kms_fail_not_found_exception(rq, "Invalid arn %" VG_FMT, VG_ARG(name.region));
    if (name.account.ptr)
        ret->at.account = name.account;
    if (!(flags & KMS_OF_ALL) && !vg_str_eq(ret->at.account, rq->scope->owner))
        return foreign(rq, text);
    ret->id = name.name;
    vg_rc rc = name.is_alias ? by_alias(rq, &name, flags, ret) : VG_OK;
    if (rc != VG_OK)
        return rc;
    ret->arn = kms_arn(rq, &ret->at, "key/", ret->id);
    return kms_store_key(rq, &ret->at, ret->id, &ret->key);
}

/*
 * What was authorized is what is used: an alias may have come to mean another key since.  `about`
 * holds the end of the first resource that was asked for.
 */
static bool
has_moved(struct vg_req *rq, const struct kms_found *found)
{
    return found->alias.ptr && vg_str_starts(rq->about, VG_STR("key/"))
           && !vg_str_eq(vg_str_slice(rq->about, sizeof("key/") - 1, rq->about.len), found->id);
}

vg_rc
kms_need(struct vg_req *rq, struct vg_str name, unsigned flags, struct kms_found *ret)
{
    vg_rc rc = kms_find(rq, name, flags, ret);
    if (rc != VG_OK)
        return rc;
    if (!(flags & KMS_SECOND) && has_moved(rq, ret))
        return kms_fail_kms_internal_exception(
            rq, "The alias was changed while it was used. Try again.");
    return ret->key ? VG_OK : kms_no_key(rq, ret->arn);
}

vg_rc
kms_edit_need(struct vg_req *rq, struct vg_str name, unsigned flags, struct kms_edit *e,
              struct kms_rec_key **ret)
{
    struct kms_found found;
    vg_rc rc = kms_need(rq, name, flags, &found);
    if (rc == VG_OK)
        rc = kms_edit_begin(rq, &found.at, e);
    if (rc == VG_OK)
        rc = kms_edit_key(e, found.id, ret);
    if (rc == VG_OK && *ret == NULL)
        return kms_no_key(rq, found.arn);
    return rc;
}

vg_rc
kms_check_not_pending(struct vg_req *rq, const struct kms_rec_key *key)
{
    if (key->state != KMS_PENDING_DELETION)
        return VG_OK;
    return kms_fail_kms_invalid_state_exception(rq, "%" VG_FMT " is pending deletion.",
                                                VG_ARG(key->arn));
}

vg_rc
kms_edit_live(struct vg_req *rq, struct vg_str id, struct kms_edit *e, struct kms_rec_key **ret)
{
    vg_rc rc = kms_edit_need(rq, id, 0, e, ret);
    return rc == VG_OK ? kms_check_not_pending(rq, *ret) : rc;
}

vg_rc
kms_check_enabled(struct vg_req *rq, const struct kms_rec_key *key)
{
    if (key->state == KMS_DISABLED)
        return kms_fail_disabled_exception(rq, "%" VG_FMT " is disabled.", VG_ARG(key->arn));
    return kms_check_not_pending(rq, key);
}

vg_rc
kms_check_dry_run(struct vg_req *rq, struct vg_opt_bool dry_run)
{
    if (!vg_opt_bool_or(dry_run, false))
        return VG_OK;
    return kms_fail_dry_run_operation_exception(
        rq, "The request would have succeeded, but the DryRun option is set.");
}

vg_rc
kms_refuse(struct vg_req *rq, bool is_given, const char *member, const char *why)
{
    return is_given ? vg_fail_validation(rq, "%s is not supported: %s", member, why) : VG_OK;
}

struct vg_str
kms_marker(struct vg_req *rq, struct vg_str name)
{
    return vg_base64_encode(rq->arena, name);
}

vg_rc
kms_bad_marker(struct vg_req *rq, struct vg_str marker)
{
    return kms_fail_invalid_marker_exception(rq, "Could not deserialize marker '%" VG_FMT "'",
                                             VG_ARG(marker));
}

vg_rc
kms_read_marker(struct vg_req *rq, struct vg_str marker, struct vg_str *ret)
{
    *ret = VG_STR_NONE;
    if (!marker.ptr || vg_base64_decode(rq->arena, marker, ret))
        return VG_OK;
    return kms_bad_marker(rq, marker);
}
