/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KMS_INT_H
#define KMS_INT_H

/* What the files of this service share; included only here. */

#include "core/authz.h"
#include "core/call.h"
#include "core/fail.h"
#include "services/kms/errors.h"
#include "services/kms/kms_name.h"
#include "services/kms/ops.h"
#include "services/kms/records.h"

#define KMS_KEY_BYTES 32
#define KMS_DAY_MS    ((int64_t)86400000)

/* kms_rec_key.state */
enum kms_state { KMS_ENABLED = 1, KMS_DISABLED, KMS_PENDING_DELETION };
/* kms_rec_material.origin: what made this version. */
enum kms_origin { KMS_CREATED = 1, KMS_ROTATED, KMS_ROTATED_ON_DEMAND };

/* --- kms_store.c: the only file that knows keys -------------------------------------------------
 */

/* Where a key lives: an account in a region. */
struct kms_place {
    struct vg_str account, region;
};
struct kms_place kms_here(const struct vg_req *rq); /* the request's own */

/* *ret NULL: there is none. */
vg_rc kms_store_key(struct vg_req *rq, const struct kms_place *at, struct vg_str id,
                    struct kms_rec_key **ret) VG_MUST_USE;
vg_rc kms_store_alias(struct vg_req *rq, const struct kms_place *at, struct vg_str name,
                      struct kms_rec_alias **ret) VG_MUST_USE;
vg_rc kms_store_material(struct vg_req *rq, const struct kms_place *at, struct vg_str key_id,
                         uint32_t version, struct kms_rec_material **ret) VG_MUST_USE;

/* Pages of records in the order of their names; `after` absent: from the first. */
struct kms_page {
    void **items; /* records */
    size_t len;
    bool has_more;
};
vg_rc kms_store_keys(struct vg_req *rq, struct vg_str after, uint32_t max, struct kms_page *ret)
    VG_MUST_USE;
vg_rc kms_store_aliases(struct vg_req *rq, const struct kms_place *at, struct vg_str after,
                        uint32_t max, struct kms_page *ret) VG_MUST_USE;
/* All versions of a key's material, the first one first. */
vg_rc kms_store_materials(struct vg_req *rq, const struct kms_place *at, struct vg_str key_id,
                          struct kms_page *ret) VG_MUST_USE;

/* Grants of one key, or of all keys; those behind the grant `after` of the key `after_key`. */
vg_rc kms_store_grants(struct vg_req *rq, const struct kms_place *at, struct vg_str key_id,
                       struct vg_str after_key, struct vg_str after, uint32_t max,
                       struct kms_page *ret) VG_MUST_USE;
/* *ret NULL: there is none. */
vg_rc kms_store_grant(struct vg_req *rq, const struct kms_place *at, struct vg_str key_id,
                      struct vg_str id, struct kms_rec_grant **ret) VG_MUST_USE;

/* A change to what a place holds. */
struct kms_edit {
    struct vg_req *rq;
    struct vg_tx *tx;
    struct kms_place at;
    struct vg_str part;
};
vg_rc kms_edit_begin(struct vg_req *rq, const struct kms_place *at, struct kms_edit *ret)
    VG_WAITS VG_MUST_USE;
vg_rc kms_edit_key(struct kms_edit *e, struct vg_str id, struct kms_rec_key **ret) VG_MUST_USE;
vg_rc kms_edit_alias(struct kms_edit *e, struct vg_str name, struct kms_rec_alias **ret)
    VG_MUST_USE;
/* Aliases of one key. */
vg_rc kms_edit_count_aliases(struct kms_edit *e, struct vg_str key_id, size_t *ret) VG_MUST_USE;
void kms_edit_put_key(struct kms_edit *e, const struct kms_rec_key *key);
void kms_edit_put_alias(struct kms_edit *e, const struct kms_rec_alias *alias);
void kms_edit_del_alias(struct kms_edit *e, struct vg_str name);
vg_rc kms_edit_grant(struct kms_edit *e, struct vg_str key_id, struct vg_str id,
                     struct kms_rec_grant **ret) VG_MUST_USE;
/* The one of that name; *ret NULL: there is none. */
vg_rc kms_edit_grant_named(struct kms_edit *e, struct vg_str key_id, struct vg_str name,
                           struct kms_rec_grant **ret) VG_MUST_USE;
void kms_edit_put_grant(struct kms_edit *e, const struct kms_rec_grant *grant);
void kms_edit_del_grant(struct kms_edit *e, const struct kms_rec_grant *grant);
/* Gives the key new material, which encrypts from now on, and changes its record to say so. */
void kms_edit_add_material(struct kms_edit *e, struct kms_rec_key *key,
                           const uint8_t root[KMS_KEY_BYTES], int64_t since_ms,
                           enum kms_origin origin);
/* The key with its material, aliases, grants and timers. */
vg_rc kms_edit_purge_key(struct kms_edit *e, const struct kms_rec_key *key) VG_MUST_USE;
/* (Re)starts what is due, by the key's record: the end of its waiting period, its rotation. */
vg_rc kms_edit_set_timers(struct kms_edit *e, const struct kms_rec_key *key) VG_MUST_USE;
vg_rc kms_edit_commit(struct kms_edit *e) VG_WAITS VG_MUST_USE;
/* The key's record and timers, committed. */
vg_rc kms_edit_save(struct kms_edit *e, const struct kms_rec_key *key) VG_WAITS VG_MUST_USE;
void kms_edit_end(struct kms_edit *e); /* drops what was not committed */
#define kms_auto_edit __attribute__((cleanup(kms_edit_end)))

/* The key that seals an account's material; made at its first use. Wipe it. */
vg_rc kms_store_root(struct vg_req *rq, struct vg_str account, uint8_t ret[KMS_KEY_BYTES])
    VG_WAITS VG_MUST_USE;
/* Opens a version's material. Wipe it. */
vg_rc kms_open_material(struct vg_req *rq, const struct kms_place *at, struct vg_str key_id,
                        const struct kms_rec_material *m, uint8_t ret[KMS_KEY_BYTES]) VG_MUST_USE;

/* --- kms_find.c: from what a request names to the key -------------------------------------------
 */

struct kms_found {
    struct kms_place at;
    struct vg_str id, arn;
    struct vg_str alias;     /* by which it was named; absent: by none */
    struct kms_rec_key *key; /* NULL: there is no such key */
    uint32_t version;        /* of its material, where a ciphertext named it */
};
enum kms_find_flags {
    KMS_BY_ALIAS = 1 << 0, /* aliases name keys in this operation */
    KMS_OF_ALL = 1 << 1,   /* keys of other accounts too          */
    KMS_LAZY = 1 << 2,     /* AWS's own key is made at this use   */
    KMS_SECOND = 1 << 3,   /* another was authorized before it    */
};
/* Fails with NotFoundException of what names no key at all, as an alias that does not exist. */
vg_rc kms_find(struct vg_req *rq, struct vg_str name, unsigned flags, struct kms_found *ret)
    VG_WAITS VG_MUST_USE;
/* The same, and the key is there: else NotFoundException. */
vg_rc kms_need(struct vg_req *rq, struct vg_str name, unsigned flags, struct kms_found *ret)
    VG_WAITS VG_MUST_USE;
/* The same for a change. */
vg_rc kms_edit_need(struct vg_req *rq, struct vg_str name, unsigned flags, struct kms_edit *e,
                    struct kms_rec_key **ret) VG_WAITS VG_MUST_USE;
/* The same, of this account and not waiting for its deletion. */
vg_rc kms_edit_live(struct vg_req *rq, struct vg_str id, struct kms_edit *e,
                    struct kms_rec_key **ret) VG_WAITS VG_MUST_USE;
vg_rc kms_no_key(struct vg_req *rq, struct vg_str arn);
struct vg_str kms_arn(struct vg_req *rq, const struct kms_place *at, const char *type,
                      struct vg_str name);
struct vg_str kms_alias_arn(struct vg_req *rq, const struct kms_place *at, struct vg_str name);
/* KMSInvalidStateException of a key that waits for its deletion. */
vg_rc kms_check_not_pending(struct vg_req *rq, const struct kms_rec_key *key) VG_MUST_USE;
/* DisabledException too. */
vg_rc kms_check_enabled(struct vg_req *rq, const struct kms_rec_key *key) VG_MUST_USE;
/* At the end of what was asked to be tried only: DryRunOperationException. */
vg_rc kms_check_dry_run(struct vg_req *rq, struct vg_opt_bool dry_run) VG_MUST_USE;
/* ValidationException naming a member that Virga does not carry out, where it is given. */
vg_rc kms_refuse(struct vg_req *rq, bool is_given, const char *member, const char *why) VG_MUST_USE;

/* kms_grant.c: InvalidGrantTokenException of what is none of ours. */
vg_rc kms_check_grant_tokens(struct vg_req *rq, const struct kms_grant_token_list *tokens)
    VG_MUST_USE;

/* Markers of lists: a name. */
struct vg_str kms_marker(struct vg_req *rq, struct vg_str name);
vg_rc kms_read_marker(struct vg_req *rq, struct vg_str marker, struct vg_str *ret) VG_MUST_USE;
vg_rc kms_bad_marker(struct vg_req *rq, struct vg_str marker);

/* --- kms_key.c, kms_policy.c, kms_tag.c, kms_rotation.c -----------------------------------------
 */

/* Makes the key that AWS manages for a service, unless another request just did. */
vg_rc kms_make_managed(struct vg_req *rq, struct vg_str alias, struct kms_rec_alias **ret)
    VG_WAITS VG_MUST_USE;
/* Whether there is such a key. */
bool kms_is_managed_alias(struct vg_str alias);

struct vg_str kms_default_policy(struct vg_req *rq);
struct vg_str kms_managed_policy(struct vg_req *rq);
/* MalformedPolicyDocumentException, or LimitExceededException; `is_bypass`: the caller need not be
 * able to change it again. */
vg_rc kms_check_policy(struct vg_req *rq, struct vg_str policy, struct vg_str key_arn,
                       bool is_bypass) VG_MUST_USE;
vg_rc kms_put_tags(struct vg_req *rq, struct kms_rec_key *key, const struct kms_tag_list *tags)
    VG_MUST_USE;

#endif
