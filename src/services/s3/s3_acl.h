/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_ACL_H
#define S3_ACL_H

/* Lists of grants, of buckets and of objects.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
 */

#include "services/s3/s3_int.h"

/* --- s3_acl.c -----------------------------------------------------------------------------------
 */

/* What the headers and the body of a request say; absent: nothing. */
struct s3_acl_asked {
    bool is_buckets; /* and not an object's, which knows fewer canned lists */
    struct vg_str canned, full_control, read, read_acp, write, write_acp;
    const struct s3_access_control_policy *body;
};
struct s3_acl_asked s3_acl_asked_of_create(const struct s3_create_bucket_request *in);
struct s3_acl_asked s3_acl_asked_of_put(const struct s3_put_bucket_acl_request *in);
bool s3_acl_has_grants(const struct s3_acl_asked *asked); /* in headers */
/* InvalidArgument, UnresolvableGrantByEmailAddress: of the one of the three that is there. */
vg_rc s3_acl_check_grantee(struct vg_req *rq, struct vg_str id, struct vg_str uri,
                           struct vg_str email) VG_MUST_USE;
/* The list that is asked for by `account`, as it is stored; *ret NULL: nothing was said. */
vg_rc s3_acl_read(struct vg_req *rq, struct vg_str account, const struct s3_acl_asked *asked,
                  struct s3_access_control_policy **ret) VG_MUST_USE;
struct s3_owner *s3_owner_of(struct vg_req *rq, struct vg_str account);
bool s3_acl_is_public(const struct s3_access_control_policy *acl);
bool s3_acl_is_private(const struct s3_access_control_policy *acl); /* grants the owner only */
/* What a bucket's list allows to others, as statements of a policy: "{…},{…}"; "": nothing. */
struct vg_str s3_acl_statements(struct vg_req *rq, const struct s3_rec_bucket *bucket,
                                const struct s3_access_control_policy *acl, bool is_public_ignored);
/* The same of an object's, whatever its key: for the policy that decides of it alone. Its list is
 * that of its current version, so that it says nothing of versions that are named. */
struct vg_str s3_acl_object_statements(struct vg_req *rq, const struct s3_rec_bucket *bucket,
                                       const struct s3_access_control_policy *acl,
                                       bool is_public_ignored);

/* --- s3_object_acl.c ----------------------------------------------------------------------------
 */

/* The list of a version: as it is stored, or private. */
vg_rc s3_object_acl(struct vg_req *rq, const struct s3_rec_version *v,
                    struct s3_access_control_policy **ret) VG_MUST_USE;
/* MissingSecurityHeader: a request that puts a list, and brings none. */
vg_rc s3_acl_missing(struct vg_req *rq);
struct s3_acl_of {
    const struct s3_rec_bucket *bucket;
    struct vg_str key, owner; /* the object's */
};
/*
 * What a request asks an object's list to be, for records: absent where it is private or nothing
 * was said (*ret_is_said).  Fails where the bucket has no lists, or blocks public ones.
 */
vg_rc s3_object_acl_asked(struct vg_req *rq, const struct s3_acl_of *of,
                          const struct s3_acl_asked *asked, struct vg_str *ret, bool *ret_is_said)
    VG_MUST_USE;

#endif
