/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The only file that knows IAM's keys.
 *
 *   partition (iam, account)
 *     (user|role|group, name in lower case)   everything of one identity
 *     (policy, name), (profile, name)
 *     (alias)                                 the account's alias
 *   partition (iam-keys)
 *     (access key id)
 */

#include "auth/store.h"

#include "auth/aws_policies.h"
#include "auth/policy.h"
#include "base/arena.h"
#include "store/key.h"

#define RECORD_MAX_BYTES (1u << 20)

struct vg_str
vg_iam_part(struct vg_arena *arena, struct vg_str account)
{
    return vg_key_of(arena, VG_STR("iam"), account);
}

struct vg_str
vg_iam_keys_part(struct vg_arena *arena)
{
    return vg_key_of(arena, VG_STR("iam-keys"));
}

static struct vg_str
kind_name(enum vg_identity_kind kind)
{
    switch (kind) {
    case VG_IDENTITY_USER:
        return VG_STR("user");
    case VG_IDENTITY_ROLE:
        return VG_STR("role");
    case VG_IDENTITY_GROUP:
        return VG_STR("group");
    }
    VG_BUG("unknown identity");
}

static struct vg_str
key_of(const struct vg_iam *db, struct vg_str kind, struct vg_str name)
{
    return vg_key_of(db->s->arena, kind, vg_str_lower(db->s->arena, name));
}

static vg_rc
get(const struct vg_iam *db, struct vg_str part, struct vg_str key, struct vg_str *ret)
{
    if (db->tx)
        return vg_tx_get(db->tx, part, key, ret, db->err);
    return vg_kv_get(db->s, part, key, ret, db->err);
}

static struct vg_str
part_of(const struct vg_iam *db)
{
    return vg_iam_part(db->s->arena, db->account);
}

vg_rc
vg_iam_identity(const struct vg_iam *db, enum vg_identity_kind kind, struct vg_str name,
                struct auth_rec_identity *ret)
{
    struct vg_str bytes;
    *ret = (struct auth_rec_identity) { .name = VG_STR_NONE };
    vg_rc rc = get(db, part_of(db), key_of(db, kind_name(kind), name), &bytes);
    if (rc != VG_OK || !bytes.ptr)
        return rc;
    return auth_rec_identity_decode(db->s->arena, bytes, ret, db->err);
}

vg_rc
vg_iam_policy(const struct vg_iam *db, struct vg_str name, struct auth_rec_policy *ret)
{
    struct vg_str bytes;
    *ret = (struct auth_rec_policy) { .name = VG_STR_NONE };
    vg_rc rc = get(db, part_of(db), key_of(db, VG_STR("policy"), name), &bytes);
    if (rc != VG_OK || !bytes.ptr)
        return rc;
    return auth_rec_policy_decode(db->s->arena, bytes, ret, db->err);
}

vg_rc
vg_iam_profile(const struct vg_iam *db, struct vg_str name, struct auth_rec_profile *ret)
{
    struct vg_str bytes;
    *ret = (struct auth_rec_profile) { .name = VG_STR_NONE };
    vg_rc rc = get(db, part_of(db), key_of(db, VG_STR("profile"), name), &bytes);
    if (rc != VG_OK || !bytes.ptr)
        return rc;
    return auth_rec_profile_decode(db->s->arena, bytes, ret, db->err);
}

vg_rc
vg_iam_key(const struct vg_iam *db, struct vg_str id, struct auth_rec_key *ret)
{
    struct vg_str bytes;
    *ret = (struct auth_rec_key) { .id = VG_STR_NONE };
    vg_rc rc = get(db, vg_iam_keys_part(db->s->arena), vg_key_of(db->s->arena, id), &bytes);
    if (rc != VG_OK || !bytes.ptr)
        return rc;
    return auth_rec_key_decode(db->s->arena, bytes, ret, db->err);
}

vg_rc
vg_iam_alias(const struct vg_iam *db, struct vg_str *ret)
{
    return get(db, part_of(db), vg_key_of(db->s->arena, VG_STR("alias")), ret);
}

/* --- writes -------------------------------------------------------------------------------------
 */

void
vg_iam_put_identity(const struct vg_iam *db, const struct auth_rec_identity *rec)
{
    struct vg_buf b;
    vg_buf_init(&b, db->s->arena, RECORD_MAX_BYTES);
    auth_rec_identity_encode(rec, &b);
    VG_ASSERT(!b.over);
    struct vg_str kind = kind_name((enum vg_identity_kind)rec->kind);
    vg_tx_put(db->tx, part_of(db), key_of(db, kind, rec->name), vg_buf_str(&b));
}

void
vg_iam_del_identity(const struct vg_iam *db, enum vg_identity_kind kind, struct vg_str name)
{
    vg_tx_del(db->tx, part_of(db), key_of(db, kind_name(kind), name));
}

void
vg_iam_put_policy(const struct vg_iam *db, const struct auth_rec_policy *rec)
{
    struct vg_buf b;
    vg_buf_init(&b, db->s->arena, RECORD_MAX_BYTES);
    auth_rec_policy_encode(rec, &b);
    VG_ASSERT(!b.over);
    vg_tx_put(db->tx, part_of(db), key_of(db, VG_STR("policy"), rec->name), vg_buf_str(&b));
}

void
vg_iam_del_policy(const struct vg_iam *db, struct vg_str name)
{
    vg_tx_del(db->tx, part_of(db), key_of(db, VG_STR("policy"), name));
}

void
vg_iam_put_profile(const struct vg_iam *db, const struct auth_rec_profile *rec)
{
    struct vg_buf b;
    vg_buf_init(&b, db->s->arena, RECORD_MAX_BYTES);
    auth_rec_profile_encode(rec, &b);
    VG_ASSERT(!b.over);
    vg_tx_put(db->tx, part_of(db), key_of(db, VG_STR("profile"), rec->name), vg_buf_str(&b));
}

void
vg_iam_del_profile(const struct vg_iam *db, struct vg_str name)
{
    vg_tx_del(db->tx, part_of(db), key_of(db, VG_STR("profile"), name));
}

void
vg_iam_put_key(const struct vg_iam *db, const struct auth_rec_key *rec)
{
    struct vg_buf b;
    vg_buf_init(&b, db->s->arena, RECORD_MAX_BYTES);
    auth_rec_key_encode(rec, &b);
    vg_tx_put(db->tx, vg_iam_keys_part(db->s->arena), vg_key_of(db->s->arena, rec->id),
              vg_buf_str(&b));
}

void
vg_iam_del_key(const struct vg_iam *db, struct vg_str id)
{
    vg_tx_del(db->tx, vg_iam_keys_part(db->s->arena), vg_key_of(db->s->arena, id));
}

void
vg_iam_put_alias(const struct vg_iam *db, struct vg_str alias)
{
    struct vg_str key = vg_key_of(db->s->arena, VG_STR("alias"));
    if (alias.ptr)
        vg_tx_put(db->tx, part_of(db), key, alias);
    else
        vg_tx_del(db->tx, part_of(db), key);
}

/* --- pages --------------------------------------------------------------------------------------
 */

static vg_rc
scan(const struct vg_iam *db, struct vg_str kind, struct vg_str after, uint32_t max,
     struct vg_page *ret)
{
    struct vg_arena *a = db->s->arena;
    struct vg_range range = vg_key_range(a, vg_key_of(a, kind));
    if (after.ptr) /* the last byte of a key is 0: one above is behind it and all that extend it */
        range.from = vg_key_range(a, key_of(db, kind, after)).to;
    range.max = max;
    range.max_bytes = RECORD_MAX_BYTES * 8;
    if (db->tx)
        return vg_tx_scan(db->tx, part_of(db), &range, ret, db->err);
    return vg_kv_scan(db->s, part_of(db), &range, ret, db->err);
}

vg_rc
vg_iam_identities(const struct vg_iam *db, enum vg_identity_kind kind, struct vg_str after,
                  uint32_t max, struct vg_iam_list *ret)
{
    struct vg_page page;
    vg_rc rc = scan(db, kind_name(kind), after, max, &page);
    if (rc != VG_OK)
        return rc;
    *ret = (struct vg_iam_list) { .len = page.len, .has_more = page.has_more };
    ret->identities = VG_NEW_ARRAY(db->s->arena, struct auth_rec_identity, page.len + 1);
    for (size_t i = 0; i < page.len && rc == VG_OK; i++)
        rc = auth_rec_identity_decode(db->s->arena, page.rows[i].value, &ret->identities[i],
                                      db->err);
    return rc;
}

vg_rc
vg_iam_policies(const struct vg_iam *db, struct vg_str after, uint32_t max, struct vg_iam_list *ret)
{
    struct vg_page page;
    vg_rc rc = scan(db, VG_STR("policy"), after, max, &page);
    if (rc != VG_OK)
        return rc;
    *ret = (struct vg_iam_list) { .len = page.len, .has_more = page.has_more };
    ret->policies = VG_NEW_ARRAY(db->s->arena, struct auth_rec_policy, page.len + 1);
    for (size_t i = 0; i < page.len && rc == VG_OK; i++)
        rc = auth_rec_policy_decode(db->s->arena, page.rows[i].value, &ret->policies[i], db->err);
    return rc;
}

vg_rc
vg_iam_profiles(const struct vg_iam *db, struct vg_str after, uint32_t max, struct vg_iam_list *ret)
{
    struct vg_page page;
    vg_rc rc = scan(db, VG_STR("profile"), after, max, &page);
    if (rc != VG_OK)
        return rc;
    *ret = (struct vg_iam_list) { .len = page.len, .has_more = page.has_more };
    ret->profiles = VG_NEW_ARRAY(db->s->arena, struct auth_rec_profile, page.len + 1);
    for (size_t i = 0; i < page.len && rc == VG_OK; i++)
        rc = auth_rec_profile_decode(db->s->arena, page.rows[i].value, &ret->profiles[i], db->err);
    return rc;
}

/* --- ARNs ---------------------------------------------------------------------------------------
 */

struct vg_str
vg_iam_arn(struct vg_arena *arena, struct vg_str account, struct vg_str type, struct vg_str path,
           struct vg_str name)
{
    return vg_str_fmt(arena, "arn:aws:iam::%" VG_FMT ":%" VG_FMT "%" VG_FMT "%" VG_FMT,
                      VG_ARG(account), VG_ARG(type), VG_ARG(path.len > 0 ? path : VG_STR("/")),
                      VG_ARG(name));
}

bool
vg_iam_arn_split(struct vg_str arn, struct vg_str *ret_account, struct vg_str *ret_type,
                 struct vg_str *ret_name)
{
    struct vg_str rest = arn, part[5];
    for (size_t i = 0; i < VG_COUNT(part); i++)
        part[i] = vg_str_cut(&rest, ':');
    size_t first = vg_str_find_char(rest, '/'), last = vg_str_rfind_char(rest, '/');
    if (!rest.ptr || !vg_str_eq(part[0], VG_STR("arn")) || !vg_str_eq(part[2], VG_STR("iam"))
        || part[3].len > 0 || first == VG_NPOS || last + 1 == rest.len)
        return false;
    *ret_account = part[4];
    *ret_type = vg_str_slice(rest, 0, first);
    *ret_name = vg_str_slice(rest, last + 1, rest.len);
    return true;
}

static vg_rc
is_principal(const struct vg_iam *db, struct vg_str arn, struct vg_str type, struct vg_str name,
             bool *ret)
{
    struct auth_rec_identity rec;
    bool is_user = vg_str_eq(type, VG_STR("user"));
    *ret = false;
    if (!is_user && !vg_str_eq(type, VG_STR("role")))
        return VG_OK;
    vg_rc rc = vg_iam_identity(db, is_user ? VG_IDENTITY_USER : VG_IDENTITY_ROLE, name, &rec);
    if (rc == VG_OK && rec.name.ptr)
        *ret = vg_str_eq(arn, vg_iam_arn(db->s->arena, db->account, type, rec.path, rec.name));
    return rc;
}

/* https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html */
vg_rc
vg_iam_stranger(const struct vg_iam *db, const struct vg_policy *policy, struct vg_str *ret)
{
    size_t n;
    const struct vg_str *arns = vg_policy_principals(db->s->arena, policy, &n);
    *ret = VG_STR_NONE;
    for (size_t i = 0; i < n && !ret->ptr; i++) {
        struct vg_str account, type, name;
        bool is_there = true;
        if (!vg_iam_arn_split(arns[i], &account, &type, &name) || !vg_str_eq(account, db->account))
            continue;
        vg_rc rc = is_principal(db, arns[i], type, name, &is_there);
        if (rc != VG_OK)
            return rc;
        if (!is_there)
            *ret = arns[i];
    }
    return VG_OK;
}

vg_rc
vg_iam_managed_document(const struct vg_iam *db, struct vg_str arn, struct vg_str *ret)
{
    struct vg_str account, type, name;
    *ret = VG_STR_NONE;
    const struct vg_aws_policy *aws = vg_aws_policy_find(arn);
    if (aws) {
        *ret = aws->document;
        return VG_OK;
    }
    if (!vg_iam_arn_split(arn, &account, &type, &name) || !vg_str_eq(type, VG_STR("policy"))
        || !vg_str_eq(account, db->account))
        return VG_OK;
    struct auth_rec_policy p;
    vg_rc rc = vg_iam_policy(db, name, &p);
    if (rc != VG_OK || !p.name.ptr
        || !vg_str_eq(arn, vg_iam_arn(db->s->arena, account, type, p.path, p.name)))
        return rc;
    for (size_t i = 0; i < p.versions.len; i++)
        if (p.versions.items[i].number == p.default_version)
            *ret = p.versions.items[i].document;
    return VG_OK;
}
