/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Grants.  What they allow is in kms_grant_rules.c, where it is asked in kms_authz.c.
 * https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
 */

#include "services/kms/kms_grant.h"

#include "auth/principal.h"
#include "codec/base64.h"
#include "core/env.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "services/kms/kms_grant_rules.h"

#define PAGE_DEFAULT 50
#define PAGE_MAX     100
#define ID_BYTES     32

/* --- tokens -------------------------------------------------------------------------------------
 * A grant is in effect as soon as it is answered, so that its token gives nothing more: it only
 * says which grant it is.
 */

#define TOKEN_MARK VG_STR("kms-grant|")

static struct vg_str
token_of(struct vg_req *rq, struct vg_str key_arn, struct vg_str id)
{
    return vg_base64_encode(rq->arena, vg_str_fmt(rq->arena, "kms-grant|%" VG_FMT "|%" VG_FMT,
                                                  VG_ARG(key_arn), VG_ARG(id)));
}

static bool
read_token(struct vg_req *rq, struct vg_str token, struct vg_str *ret_arn, struct vg_str *ret_id)
{
    struct vg_str text;
    struct kms_name name;
    if (!vg_base64_decode(rq->arena, token, &text) || !vg_str_starts(text, TOKEN_MARK))
        return false;
    text = vg_str_slice(text, TOKEN_MARK.len, text.len);
    *ret_arn = vg_str_cut(&text, '|');
    *ret_id = text;
    return text.len == ID_BYTES * 2 && kms_name_parse(*ret_arn, &name) && name.account.ptr
           && !name.is_alias;
}

static vg_rc
bad_token(struct vg_req *rq)
{
    return kms_fail_invalid_grant_token_exception(rq, "The grant token is not valid");
}

vg_rc
kms_check_grant_tokens(struct vg_req *rq, const struct kms_grant_token_list *tokens)
{
    struct vg_str arn, id;
    for (size_t i = 0; i < tokens->len; i++)
        if (!read_token(rq, tokens->items[i], &arn, &id))
            return bad_token(rq);
    return VG_OK;
}

/* --- CreateGrant --------------------------------------------------------------------------------
 */

/* An IAM or STS ARN, or an account. */
static vg_rc
check_principal(struct vg_req *rq, struct vg_str arn)
{
    struct vg_str rest = arn, part[6];
    uint64_t number;
    for (size_t i = 0; i < VG_COUNT(part); i++)
        part[i] = i + 1 < VG_COUNT(part) ? vg_str_cut(&rest, ':') : rest;
    bool is_account = arn.len == 12 && vg_str_to_u64(arn, &number);
    bool is_arn = vg_str_eq(part[0], VG_STR("arn")) && part[4].len == 12 && part[5].len > 0
                  && (vg_str_eq(part[2], VG_STR("iam")) || vg_str_eq(part[2], VG_STR("sts")));
    return is_account || is_arn
               ? VG_OK
               : kms_fail_invalid_arn_exception(
                   rq, "ARN does not refer to a valid principal: %" VG_FMT, VG_ARG(arn));
}

static void
take_context(struct vg_req *rq, const struct kms_encryption_context_type *in, bool is_exact,
             struct kms_rec_grant *to)
{
    if (!in->set && in->len == 0)
        return;
    to->has_context = true;
    to->is_exact = is_exact;
    for (size_t i = 0; i < in->len; i++)
        *VG_VEC_ADD(rq->arena, &to->context) =
            (struct kms_rec_pair) { .key = in->items[i].key, .value = in->items[i].value };
}

void
kms_grant_of_request(struct vg_req *rq, const struct kms_create_grant_request *in,
                     struct kms_rec_grant *ret)
{
    *ret = (struct kms_rec_grant) { .name = in->name,
                                    .grantee = in->grantee_principal,
                                    .retiring = in->retiring_principal };
    for (size_t i = 0; i < in->operations.len; i++)
        *VG_VEC_ADD(rq->arena, &ret->operations) = in->operations.items[i].text;
    if (!in->constraints)
        return;
    take_context(rq, &in->constraints->encryption_context_subset, false, ret);
    if (!ret->has_context)
        take_context(rq, &in->constraints->encryption_context_equals, true, ret);
}

static vg_rc
check_constraints(struct vg_req *rq, const struct kms_grant_constraints *c)
{
    if (c == NULL)
        return VG_OK;
    if (c->encryption_context_subset.len > 0 && c->encryption_context_equals.len > 0)
        return vg_fail_validation(rq, "A grant constraint has either EncryptionContextSubset or "
                                      "EncryptionContextEquals.");
    return kms_refuse(rq, c->source_arn.ptr != NULL, "Constraints.SourceArn",
                      "grants to services are not built");
}

static vg_rc
check_create(struct vg_req *rq, const struct kms_create_grant_request *in)
{
    vg_rc rc = kms_refuse(rq, in->grantee_service_principal.ptr != NULL, "GranteeServicePrincipal",
                          "grants to services are not built");
    if (rc == VG_OK)
        rc = kms_refuse(rq, in->retiring_service_principal.ptr != NULL, "RetiringServicePrincipal",
                        "grants to services are not built");
    if (rc == VG_OK && !in->grantee_principal.ptr)
        return vg_fail_validation(rq, "GranteePrincipal must be given.");
    if (rc == VG_OK)
        rc = check_principal(rq, in->grantee_principal);
    if (rc == VG_OK && in->retiring_principal.ptr)
        rc = check_principal(rq, in->retiring_principal);
    if (rc == VG_OK && in->operations.len == 0)
        return vg_fail_validation(rq, "A grant must allow at least one operation.");
    for (size_t i = 0; rc == VG_OK && i < in->operations.len; i++)
        if (!kms_grant_operation_fits(in->operations.items[i].text))
            return vg_fail_validation(rq,
                                      "Grant operation %" VG_FMT
                                      " is not supported by keys of KeySpec "
                                      "SYMMETRIC_DEFAULT",
                                      VG_ARG(in->operations.items[i].text));
    if (rc == VG_OK)
        rc = check_constraints(rq, in->constraints);
    return rc == VG_OK ? kms_check_grant_tokens(rq, &in->grant_tokens) : rc;
}

static struct vg_str
new_id(struct vg_req *rq)
{
    uint8_t bytes[ID_BYTES];
    vg_random_bytes(rq->env->random, bytes, sizeof(bytes));
    return vg_hex(rq->arena, bytes, sizeof(bytes));
}

/* "If … all other parameters … are identical, the same GrantId is returned": Name makes it so. */
static vg_rc
find_same(struct kms_edit *e, const struct kms_rec_grant *grant, struct vg_str *ret_id)
{
    struct kms_rec_grant *before = NULL;
    *ret_id = VG_STR_NONE;
    if (!grant->name.ptr)
        return VG_OK;
    vg_rc rc = kms_edit_grant_named(e, grant->key_id, grant->name, &before);
    if (rc == VG_OK && before && kms_grant_is_same(before, grant))
        *ret_id = before->id;
    return rc;
}

vg_rc
kms_create_grant(struct vg_req *rq, const struct kms_create_grant_request *in,
                 struct kms_create_grant_response *out)
{
    kms_auto_edit struct kms_edit e = { 0 };
    struct kms_rec_grant grant;
    struct kms_rec_key *key;
    vg_rc rc = check_create(rq, in);
    if (rc == VG_OK)
        rc = kms_edit_need(rq, in->key_id, KMS_OF_ALL, &e, &key);
    if (rc == VG_OK)
        rc = kms_check_enabled(rq, key);
    if (rc == VG_OK)
        rc = kms_check_dry_run(rq, in->dry_run);
    if (rc != VG_OK)
        return rc;
    kms_grant_of_request(rq, in, &grant);
    grant.key_id = key->id;
    rc = find_same(&e, &grant, &out->grant_id);
    if (rc != VG_OK)
        return rc;
    if (out->grant_id.ptr) {
        out->grant_token = token_of(rq, key->arn, out->grant_id);
        return VG_OK;
    }
    if (key->n_grants >= KMS_LIMIT_GRANTS_PER_KEY)
        return kms_fail_limit_exceeded_exception(rq, "The key has %d grants, which is the limit",
                                                 KMS_LIMIT_GRANTS_PER_KEY);
    const struct vg_principal *who = rq->scope->caller;
    grant.id = out->grant_id = new_id(rq);
    grant.created_ms = vg_now_ms(rq->env);
    grant.issuer = who && who->account.len > 0 ? who->account : e.at.account;
    out->grant_token = token_of(rq, key->arn, grant.id);
    key->n_grants++;
    kms_edit_put_grant(&e, &grant);
    return kms_edit_save(&e, key);
}

/* --- lists --------------------------------------------------------------------------------------
 */

static struct kms_grant_constraints *
shown_constraints(struct vg_req *rq, const struct kms_rec_grant *g)
{
    struct kms_grant_constraints *c = VG_NEW(rq->arena, struct kms_grant_constraints);
    struct kms_encryption_context_type *to =
        g->is_exact ? &c->encryption_context_equals : &c->encryption_context_subset;
    to->items =
        VG_NEW_ARRAY(rq->arena, struct kms_encryption_context_type__entry, g->context.len + 1);
    to->set = true;
    for (size_t i = 0; i < g->context.len; i++)
        to->items[to->len++] =
            (struct kms_encryption_context_type__entry) { .key = g->context.items[i].key,
                                                          .value = g->context.items[i].value };
    return c;
}

static void
show(struct vg_req *rq, const struct kms_place *at, const struct kms_rec_grant *g,
     struct kms_grant_list_entry *out)
{
    struct vg_enum *operations = VG_NEW_ARRAY(rq->arena, struct vg_enum, g->operations.len + 1);
    for (size_t i = 0; i < g->operations.len; i++)
        operations[i] = (struct vg_enum) { .text = g->operations.items[i] };
    *out = (struct kms_grant_list_entry) {
        .key_id = kms_arn(rq, at, "key/", g->key_id),
        .grant_id = g->id,
        .name = g->name,
        .creation_date_ms = { true, g->created_ms },
        .grantee_principal = g->grantee,
        .retiring_principal = g->retiring,
        .issuing_account = vg_str_fmt(rq->arena, "arn:%" VG_FMT ":iam::%" VG_FMT ":root",
                                      VG_ARG(rq->scope->partition), VG_ARG(g->issuer)),
        .operations = { operations, g->operations.len, true },
        .constraints = g->has_context ? shown_constraints(rq, g) : NULL,
    };
}

/* What a list is to hold; absent: anything. */
struct wanted {
    struct kms_place at;
    struct vg_str key_id, id, grantee, retiring;
    struct vg_str marker;
    size_t max;
};

static bool
is_wanted(const struct wanted *w, const struct kms_rec_grant *g)
{
    return (!w->id.ptr || vg_str_eq(g->id, w->id))
           && (!w->grantee.ptr || vg_str_eq(g->grantee, w->grantee))
           && (!w->retiring.ptr || vg_str_eq(g->retiring, w->retiring));
}

/* A marker is "key id|grant id" of the last one shown. */
static vg_rc
list(struct vg_req *rq, const struct wanted *w, struct kms_list_grants_response *out)
{
    struct kms_page page = { .has_more = true };
    struct vg_str after, after_key;
    vg_rc rc = kms_read_marker(rq, w->marker, &after);
    if (rc == VG_OK && after.ptr && vg_str_find_char(after, '|') == VG_NPOS)
        return kms_bad_marker(rq, w->marker);
    after_key = after.ptr ? vg_str_cut(&after, '|') : after;
    out->grants =
        (struct kms_grant_list) { VG_NEW_ARRAY(rq->arena, struct kms_grant_list_entry, w->max), 0,
                                  true };
    bool has_more = false;
    while (rc == VG_OK && page.has_more && !has_more) {
        rc = kms_store_grants(rq, &w->at, w->key_id, after_key, after, PAGE_MAX, &page);
        for (size_t i = 0; rc == VG_OK && i < page.len && !has_more; i++) {
            const struct kms_rec_grant *g = page.items[i];
            bool is_in = is_wanted(w, g);
            has_more = is_in && out->grants.len == w->max;
            if (has_more)
                break;
            if (is_in)
                show(rq, &w->at, g, &out->grants.items[out->grants.len++]);
            after = g->id;
            after_key = g->key_id;
        }
    }
    out->truncated = (struct vg_opt_bool) { true, has_more };
    if (has_more)
        out->next_marker = kms_marker(
            rq, vg_str_fmt(rq->arena, "%" VG_FMT "|%" VG_FMT, VG_ARG(after_key), VG_ARG(after)));
    return rc;
}

static size_t
page_size(struct vg_opt_i64 limit)
{
    return (size_t)VG_MIN(vg_opt_or(limit, PAGE_DEFAULT), PAGE_MAX);
}

vg_rc
kms_list_grants(struct vg_req *rq, const struct kms_list_grants_request *in,
                struct kms_list_grants_response *out)
{
    struct kms_found found;
    vg_rc rc = kms_refuse(rq, in->grantee_service_principal.ptr != NULL, "GranteeServicePrincipal",
                          "grants to services are not built");
    if (rc == VG_OK)
        rc = kms_need(rq, in->key_id, KMS_OF_ALL, &found);
    if (rc != VG_OK)
        return rc;
    const struct wanted wanted = { .at = found.at,
                                   .key_id = found.id,
                                   .id = in->grant_id,
                                   .grantee = in->grantee_principal,
                                   .marker = in->marker,
                                   .max = page_size(in->limit) };
    return list(rq, &wanted, out);
}

vg_rc
kms_list_retirable_grants(struct vg_req *rq, const struct kms_list_retirable_grants_request *in,
                          struct kms_list_grants_response *out)
{
    vg_rc rc = kms_refuse(rq, in->retiring_service_principal.ptr != NULL,
                          "RetiringServicePrincipal", "grants to services are not built");
    if (rc != VG_OK)
        return rc;
    if (!in->retiring_principal.ptr)
        return vg_fail_validation(rq, "RetiringPrincipal must be given.");
    const struct wanted wanted = { .at = kms_here(rq),
                                   .retiring = in->retiring_principal,
                                   .marker = in->marker,
                                   .max = page_size(in->limit) };
    return list(rq, &wanted, out);
}

/* --- the end of a grant -------------------------------------------------------------------------
 */

static vg_rc
end(struct vg_req *rq, struct vg_str key_name, struct vg_str id, struct vg_opt_bool dry_run)
    VG_WAITS
{
    kms_auto_edit struct kms_edit e = { 0 };
    struct kms_rec_grant *grant;
    struct kms_rec_key *key;
    vg_rc rc = kms_edit_need(rq, key_name, KMS_OF_ALL, &e, &key);
    if (rc == VG_OK)
        rc = kms_edit_grant(&e, key->id, id, &grant);
    if (rc != VG_OK)
        return rc;
    if (grant == NULL)
        return kms_fail_not_found_exception(rq, "Grant ID %" VG_FMT " not found", VG_ARG(id));
    rc = kms_check_dry_run(rq, dry_run);
    if (rc != VG_OK)
        return rc;
    kms_edit_del_grant(&e, grant);
    key->n_grants -= key->n_grants > 0;
    return kms_edit_save(&e, key);
}

vg_rc
kms_revoke_grant(struct vg_req *rq, const struct kms_revoke_grant_request *in)
{
    return end(rq, in->key_id, in->grant_id, in->dry_run);
}

vg_rc
kms_grant_to_retire(struct vg_req *rq, const struct kms_retire_grant_request *in,
                    struct vg_str *ret_key, struct vg_str *ret_id)
{
    bool is_named = in->key_id.ptr && in->grant_id.ptr;
    if (!in->grant_token.ptr) {
        *ret_key = in->key_id;
        *ret_id = in->grant_id;
        return is_named ? VG_OK
                        : vg_fail_validation(rq, "Either GrantToken, or KeyId and GrantId must be "
                                                 "given.");
    }
    return read_token(rq, in->grant_token, ret_key, ret_id) ? VG_OK : bad_token(rq);
}

vg_rc
kms_retire_grant(struct vg_req *rq, const struct kms_retire_grant_request *in)
{
    struct vg_str key, id;
    vg_rc rc = kms_grant_to_retire(rq, in, &key, &id);
    return rc == VG_OK ? end(rq, key, id, in->dry_run) : rc;
}
