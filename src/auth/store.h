/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_AUTH_STORE_H
#define VG_AUTH_STORE_H

/*
 * IAM's records in the store: one partition an account, so that everything of an account changes
 * together, and one for access keys, which are looked up before the account is known.
 *
 * Reads give a record whose `name` (or `id`) is absent when there is none.  Names are unique
 * without case, as AWS has them.  After a commit the writer calls vg_auth_changed() (auth.h).
 */

#include "auth/records.h"
#include "store/kv.h"

enum vg_identity_kind { VG_IDENTITY_USER = 1, VG_IDENTITY_ROLE, VG_IDENTITY_GROUP };

struct vg_str vg_iam_part(struct vg_arena *arena, struct vg_str account);
struct vg_str vg_iam_keys_part(struct vg_arena *arena);

/* A reader: of the latest state (tx NULL), or inside a transaction that named the partition. */
struct vg_iam {
    struct vg_sess *s;
    struct vg_tx *tx;
    struct vg_str account;
    struct vg_err *err;
};

vg_rc vg_iam_identity(const struct vg_iam *db, enum vg_identity_kind kind, struct vg_str name,
                      struct auth_rec_identity *ret) VG_MUST_USE;
vg_rc vg_iam_policy(const struct vg_iam *db, struct vg_str name, struct auth_rec_policy *ret)
    VG_MUST_USE;
vg_rc vg_iam_profile(const struct vg_iam *db, struct vg_str name, struct auth_rec_profile *ret)
    VG_MUST_USE;
vg_rc vg_iam_key(const struct vg_iam *db, struct vg_str id, struct auth_rec_key *ret) VG_MUST_USE;
vg_rc vg_iam_alias(const struct vg_iam *db, struct vg_str *ret) VG_MUST_USE;

/* Inside a transaction (db->tx). */
void vg_iam_put_identity(const struct vg_iam *db, const struct auth_rec_identity *rec);
void vg_iam_del_identity(const struct vg_iam *db, enum vg_identity_kind kind, struct vg_str name);
void vg_iam_put_policy(const struct vg_iam *db, const struct auth_rec_policy *rec);
void vg_iam_del_policy(const struct vg_iam *db, struct vg_str name);
void vg_iam_put_profile(const struct vg_iam *db, const struct auth_rec_profile *rec);
void vg_iam_del_profile(const struct vg_iam *db, struct vg_str name);
void vg_iam_put_key(const struct vg_iam *db, const struct auth_rec_key *rec);
void vg_iam_del_key(const struct vg_iam *db, struct vg_str id);
void vg_iam_put_alias(const struct vg_iam *db, struct vg_str alias); /* absent: none */

/* Pages in order of name (without case), from behind `after` (absent: the start). */
struct vg_iam_list {
    struct auth_rec_identity *identities;
    struct auth_rec_policy *policies;
    struct auth_rec_profile *profiles;
    size_t len;
    bool has_more;
};
vg_rc vg_iam_identities(const struct vg_iam *db, enum vg_identity_kind kind, struct vg_str after,
                        uint32_t max, struct vg_iam_list *ret) VG_MUST_USE;
vg_rc vg_iam_policies(const struct vg_iam *db, struct vg_str after, uint32_t max,
                      struct vg_iam_list *ret) VG_MUST_USE;
vg_rc vg_iam_profiles(const struct vg_iam *db, struct vg_str after, uint32_t max,
                      struct vg_iam_list *ret) VG_MUST_USE;

/* --- ARNs ---------------------------------------------------------------------------------------
 */

/* arn:aws:iam::ACCOUNT:user/path/Name; `type` "user", "role", "group", "policy", … */
struct vg_str vg_iam_arn(struct vg_arena *arena, struct vg_str account, struct vg_str type,
                         struct vg_str path, struct vg_str name);
/* Account, type and last segment of such an ARN; false when it is none. */
bool vg_iam_arn_split(struct vg_str arn, struct vg_str *ret_account, struct vg_str *ret_type,
                      struct vg_str *ret_name);

struct vg_policy;
/*
 * The first principal of a policy that claims to be the account's and is no user or role of it;
 * absent: there is none.  Those of other accounts and sessions are taken as they are.
 */
vg_rc vg_iam_stranger(const struct vg_iam *db, const struct vg_policy *policy, struct vg_str *ret)
    VG_MUST_USE;

/*
 * The document of a managed policy in its default version, AWS's or the account's; absent when
 * there is none.
 */
vg_rc vg_iam_managed_document(const struct vg_iam *db, struct vg_str arn, struct vg_str *ret)
    VG_MUST_USE;

#endif
