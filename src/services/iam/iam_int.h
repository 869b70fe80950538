/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IAM_INT_H
#define IAM_INT_H

/* Private to this service: what its handlers share. The records are auth/store.h's. */

#include "auth/auth.h"
#include "auth/store.h"
#include "core/authz.h"
#include "core/env.h"
#include "core/fail.h"
#include "services/iam/errors.h"
#include "services/iam/model.h"
#include "services/iam/ops.h"

/* --- iam.c: transactions ------------------------------------------------------------------------
 */

struct vg_iam iam_reader(struct vg_req *rq);
void iam_abort(struct vg_iam *db);
/* Aborts at the end of the scope unless committed. */
#define iam_auto_db __attribute__((cleanup(iam_abort))) struct vg_iam
/* Opens a transaction on the account, and on the table of access keys when asked. */
vg_rc iam_begin(struct vg_req *rq, struct vg_iam *db, bool with_keys) VG_WAITS VG_MUST_USE;
vg_rc iam_commit(struct vg_req *rq, struct vg_iam *db) VG_WAITS VG_MUST_USE;
/*
 * Opens a transaction on the account and reads the identity that is to change, whose kind and name
 * are given: NoSuchEntity without it, UnmodifiableEntity for a service-linked role.
 */
vg_rc iam_change(struct vg_req *rq, struct vg_iam *db, enum vg_identity_kind kind,
                 struct vg_str name, struct auth_rec_identity *ret) VG_WAITS VG_MUST_USE;
/* Puts it and commits. */
vg_rc iam_save(struct vg_req *rq, struct vg_iam *db, const struct auth_rec_identity *id)
    VG_WAITS VG_MUST_USE;
/* Deletes it and commits: DeleteConflict while anything belongs to it. */
vg_rc iam_drop(struct vg_req *rq, struct vg_iam *db, struct auth_rec_identity *id)
    VG_WAITS VG_MUST_USE;

/* --- iam_policy.c -------------------------------------------------------------------------------
 */

/* The account's policy of that ARN, or NoSuchEntity. AWS's own cannot be changed: AccessDenied. */
vg_rc iam_need_policy(struct vg_req *rq, const struct vg_iam *db, struct vg_str arn,
                      struct auth_rec_policy *ret) VG_MUST_USE;
/* The same in a transaction that it opens. */
vg_rc iam_change_policy(struct vg_req *rq, struct vg_iam *db, struct vg_str arn,
                        struct auth_rec_policy *ret) VG_WAITS VG_MUST_USE;
/* The document of a managed policy: its size and what iam_check_document() asks. */
vg_rc iam_check_managed(struct vg_req *rq, struct vg_str json) VG_MUST_USE;

/* --- iam_common.c -------------------------------------------------------------------------------
 */

/* The identity, or NoSuchEntity with AWS's text. */
vg_rc iam_need(struct vg_req *rq, const struct vg_iam *db, enum vg_identity_kind kind,
               struct vg_str name, struct auth_rec_identity *ret) VG_MUST_USE;
/* EntityAlreadyExists with AWS's text unless the name is free. */
vg_rc iam_need_free(struct vg_req *rq, const struct vg_iam *db, enum vg_identity_kind kind,
                    struct vg_str name) VG_MUST_USE;
/* DeleteConflict: what must go before the entity; "delete policies" */
vg_rc iam_fail_must_first(struct vg_req *rq, const char *what);
/* "user", "role", "group" */
const char *iam_kind_word(enum vg_identity_kind kind);
struct vg_str iam_arn_of(struct vg_req *rq, const struct auth_rec_identity *id);
struct vg_str iam_new_id(struct vg_req *rq, struct vg_str prefix);
/* The name given, else the calling user's; ValidationError when the caller is no user. */
vg_rc iam_user_or_caller(struct vg_req *rq, struct vg_str given, struct vg_str *ret) VG_MUST_USE;
struct vg_str iam_path_or_root(struct vg_str path);
/* MalformedPolicyDocument with AWS's sentence unless the document is one. */
vg_rc iam_check_document(struct vg_req *rq, struct vg_str json, enum vg_policy_use use) VG_MUST_USE;
/* Documents go out percent-encoded. */
struct vg_str iam_encode_document(struct vg_req *rq, struct vg_str json);
size_t iam_document_size(struct vg_str json); /* without white space, as AWS counts */
struct iam_attached_permissions_boundary *iam_boundary(struct vg_req *rq, struct vg_str arn);

/* Adds one to (or takes it from) the customer's policy's count; AWS's policies have none. */
vg_rc iam_count(struct vg_req *rq, const struct vg_iam *db, struct vg_str arn, int attachments,
                int boundaries) VG_MUST_USE;
/* NoSuchEntity unless a managed policy has this ARN. */
vg_rc iam_need_managed(struct vg_req *rq, const struct vg_iam *db, struct vg_str arn) VG_MUST_USE;
vg_rc iam_set_boundary(struct vg_req *rq, const struct vg_iam *db, struct auth_rec_identity *id,
                       struct vg_str arn) VG_MUST_USE;

typedef VG_VEC(struct auth_rec_tag) iam_tags;
size_t iam_strs_find(const struct vg_str *items, size_t n, struct vg_str s); /* VG_NPOS: none */

/* Adds, checks (at most 50, no doubles) and removes tags. `tags`: the record's list. */
vg_rc iam_tags_add(struct vg_req *rq, const struct iam_tag_list_type *from,
                   struct auth_rec_tag **items, size_t *len) VG_MUST_USE;
void iam_tags_remove(const struct iam_tag_key_list_type *keys, struct auth_rec_tag *items,
                     size_t *len);
/* One of `add` and `remove` is given; the other is NULL. */
vg_rc iam_tags_change(struct vg_req *rq, const struct iam_tag_list_type *add,
                      const struct iam_tag_key_list_type *remove, struct auth_rec_tag **items,
                      size_t *len) VG_MUST_USE;
struct iam_tag_list_type iam_tags_out(struct vg_req *rq, const struct auth_rec_tag *items,
                                      size_t len);

/* --- iam_page.c: Marker is opaque to the caller -------------------------------------------------
 */

struct iam_page {
    size_t max;
    struct vg_str after; /* the last item of the page before; absent: the first page */
};
vg_rc iam_page(struct vg_req *rq, struct vg_str marker, struct vg_opt_i64 max_items,
               struct iam_page *ret) VG_MUST_USE;
struct vg_str iam_marker(struct vg_req *rq, struct vg_str last);
/* Items [from, to) of a list of n that is in memory; fills in what the answer says of it. */
vg_rc iam_slice(struct vg_req *rq, struct vg_str marker, struct vg_opt_i64 max_items, size_t n,
                size_t *ret_from, size_t *ret_to, struct vg_opt_bool *ret_truncated,
                struct vg_str *ret_marker) VG_MUST_USE;

/* A page of a record's tags. */
vg_rc iam_tags_page(struct vg_req *rq, const struct auth_rec_tag *items, size_t len,
                    struct vg_str marker, struct vg_opt_i64 max_items,
                    struct iam_tag_list_type *ret, struct vg_opt_bool *ret_truncated,
                    struct vg_str *ret_marker) VG_MUST_USE;

struct iam_found {
    VG_VEC(struct auth_rec_identity) items;
    struct vg_opt_bool is_truncated;
    struct vg_str marker;
};
vg_rc iam_find(struct vg_req *rq, enum vg_identity_kind kind, struct vg_str path_prefix,
               struct vg_str marker, struct vg_opt_i64 max_items, struct iam_found *ret)
    VG_MUST_USE;
/* A page of identities as the answer wants them: `items` are rows of the caller's type. */
struct iam_rows {
    void *items;
    size_t len;
    struct vg_opt_bool is_truncated;
    struct vg_str marker;
};
struct iam_row_type {
    enum vg_identity_kind kind;
    size_t bytes;
    void (*put)(struct vg_req *rq, const struct auth_rec_identity *id, void *row);
};
/* All of the kind under a path. */
vg_rc iam_rows_found(struct vg_req *rq, const struct iam_row_type *type, struct vg_str path_prefix,
                     struct vg_str marker, struct vg_opt_i64 max_items, struct iam_rows *ret)
    VG_MUST_USE;
/* Those of a list of names; who is gone is left out. */
vg_rc iam_rows_named(struct vg_req *rq, const struct iam_row_type *type, const struct vg_str *names,
                     size_t n, struct vg_str marker, struct vg_opt_i64 max_items,
                     struct iam_rows *ret) VG_MUST_USE;
/* All of a kind: for summaries. */
vg_rc iam_all(struct vg_req *rq, const struct vg_iam *db, enum vg_identity_kind kind,
              struct iam_found *ret) VG_MUST_USE;

struct iam_policies {
    struct auth_rec_policy *items;
    size_t len, cap;
};
struct iam_profiles {
    struct auth_rec_profile *items;
    size_t len, cap;
};
/* All of the account's own, in order of name. */
vg_rc iam_all_policies(struct vg_req *rq, const struct vg_iam *db, struct iam_policies *ret)
    VG_MUST_USE;
vg_rc iam_all_profiles(struct vg_req *rq, const struct vg_iam *db, struct iam_profiles *ret)
    VG_MUST_USE;

/* Who uses a policy of AWS's in this account: no record counts it, so identities are asked. */
struct iam_use {
    int64_t attachments, boundaries;
};
/* A row for each of vg_aws_policies(), in its order. */
vg_rc iam_aws_uses(struct vg_req *rq, const struct vg_iam *db, struct iam_use **ret) VG_MUST_USE;
/* Adds those of some identities. */
void iam_aws_uses_add(const struct iam_found *ids, struct iam_use *uses);

/* --- answers: iam_common.c ----------------------------------------------------------------------
 */

/* The dates of AWS's policies are not kept; all say the same. */
#define IAM_AWS_POLICY_MS INT64_C(1423181992000)

struct vg_aws_policy; /* auth/aws_policies.h */

struct vg_opt_i64 iam_ms(int64_t ms); /* to the second, as IAM's dates are */
struct vg_str iam_version_id(struct vg_req *rq, uint32_t number); /* "v1" */
void iam_version_out(struct vg_req *rq, const struct auth_rec_policy *p,
                     const struct auth_rec_version *v, bool with_document,
                     struct iam_policy_version *ret);
/* The one version of a policy of AWS's. */
void iam_aws_version_out(struct vg_req *rq, const struct vg_aws_policy *p, bool with_document,
                         struct iam_policy_version *ret);

void iam_user_out(struct vg_req *rq, const struct auth_rec_identity *id, struct iam_user *ret);
void iam_role_out(struct vg_req *rq, const struct auth_rec_identity *id, struct iam_role *ret);
void iam_group_out(struct vg_req *rq, const struct auth_rec_identity *id, struct iam_group *ret);
vg_rc iam_profile_out(struct vg_req *rq, const struct vg_iam *db, const struct auth_rec_profile *p,
                      struct iam_instance_profile *ret) VG_MUST_USE;

#endif
