/* SPDX-License-Identifier: Apache-2.0 */

/* Lists of grants of objects.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
 */

#include "services/s3/s3_acl.h"

#include "services/s3/s3_notify.h"
#include "wire/wire.h"

vg_rc
s3_object_acl(struct vg_req *rq, const struct s3_rec_version *v,
              struct s3_access_control_policy **ret)
{
    const struct s3_acl_asked private = { .canned = VG_STR("private") };
    *ret = NULL;
    if (!v->acl.ptr)
        return s3_acl_read(rq, v->owner, &private, ret);
    struct s3_access_control_policy *acl = VG_NEW(rq->arena, struct s3_access_control_policy);
    vg_rc rc = vg_wire_from_json(&s3_shape_access_control_policy, v->acl, rq->arena, acl, rq->err);
    if (rc == VG_OK)
        *ret = acl;
    return rc;
}

/* Those canned lists that speak of the bucket's owner, in grants. */
static struct s3_acl_asked
spelled_out(struct vg_req *rq, struct vg_str bucket_owner, struct vg_str owner,
            const struct s3_acl_asked *asked)
{
    bool is_full = vg_str_eq(asked->canned, VG_STR("bucket-owner-full-control"));
    bool is_read = vg_str_eq(asked->canned, VG_STR("bucket-owner-read"));
    struct s3_acl_asked ret = *asked;
    if (!is_full && !is_read)
        return ret;
    if (vg_str_eq(bucket_owner, owner)) {
        ret.canned = VG_STR("private");
        return ret;
    }
    struct vg_str to_owner =
        vg_str_fmt(rq->arena, "id=%" VG_FMT, VG_ARG(s3_canonical_id(rq->arena, owner)));
    struct vg_str to_bucket =
        vg_str_fmt(rq->arena, "id=%" VG_FMT, VG_ARG(s3_canonical_id(rq->arena, bucket_owner)));
    ret.canned = VG_STR_NONE;
    ret.full_control = is_read ? to_owner
                               : vg_str_fmt(rq->arena, "%" VG_FMT ", %" VG_FMT, VG_ARG(to_owner),
                                            VG_ARG(to_bucket));
    ret.read = is_read ? to_bucket : VG_STR_NONE;
    return ret;
}

vg_rc
s3_object_acl_asked(struct vg_req *rq, const struct s3_acl_of *of, const struct s3_acl_asked *asked,
                    struct vg_str *ret, bool *ret_is_said)
{
    struct s3_access_control_policy *acl;
    bool has_grants = asked->full_control.ptr || asked->read.ptr || asked->read_acp.ptr
                      || asked->write.ptr || asked->write_acp.ptr;
    const struct s3_acl_asked all =
        has_grants ? *asked : spelled_out(rq, of->bucket->account, of->owner, asked);
    *ret = VG_STR_NONE;
    *ret_is_said = false;
    vg_rc rc = s3_acl_read(rq, of->owner, &all, &acl);
    if (rc != VG_OK || !acl)
        return rc;
    if (!s3_has_lists(of->bucket))
        return s3_fail_access_control_list_not_supported(rq, "The bucket does not allow ACLs");
    if ((of->bucket->blocks & S3_BLOCK_PUBLIC_ACLS) && s3_acl_is_public(acl))
        return s3_denied(rq, of->bucket, of->key, S3_PUBLIC_ACLS);
    *ret_is_said = true;
    bool is_whole =
        acl->grants.len == 1 && acl->grants.items[0].permission.v == S3_PERMISSION_FULL_CONTROL;
    if (is_whole && s3_acl_is_private(acl))
        return VG_OK;
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, 1u << 20);
    vg_wire_to_json(&s3_shape_access_control_policy, acl, &b);
    *ret = vg_buf_str(&b);
    return VG_OK;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html */
vg_rc
s3_put_object_acl(struct vg_req *rq, const struct s3_put_object_acl_request *in,
                  struct s3_put_object_acl_output *out)
{
    s3_auto_object struct s3_object_edit e = { 0 };
    const struct s3_at at = S3_AT(in);
    const struct s3_acl_asked asked = { .canned = in->acl.text,
                                        .full_control = in->grant_full_control,
                                        .read = in->grant_read,
                                        .read_acp = in->grant_read_acp,
                                        .write = in->grant_write,
                                        .write_acp = in->grant_write_acp,
                                        .body = in->access_control_policy };
    struct s3_rec_version *v;
    bool is_said;
    (void)out;
    struct vg_str was = VG_STR_NONE;
    vg_rc rc = s3_edit_version(rq, &at, &e, &v);
    if (rc == VG_OK) {
        const struct s3_acl_of of = { e.bucket, in->key, v->owner };
        was = v->acl;
        rc = s3_object_acl_asked(rq, &of, &asked, &v->acl, &is_said);
    }
    if (rc == VG_OK && !is_said)
        return s3_acl_missing(rq);
    if (rc != VG_OK)
        return rc;
    s3_store_put_version(&e, v);
    if (!vg_str_eq(was, v->acl)) /* else "the request results in no change" */
        rc = s3_notify(&e, S3_ACL_PUT, v);
    return rc == VG_OK ? s3_store_object_commit(&e) : rc;
}

/* Where lists do not count all is the bucket's owner's. */
vg_rc
s3_get_object_acl(struct vg_req *rq, const struct s3_get_object_acl_request *in,
                  struct s3_get_object_acl_output *out)
{
    const struct s3_at at = S3_AT(in);
    struct s3_access_control_policy *acl = NULL;
    struct s3_rec_bucket *bucket;
    struct s3_rec_version *v;
    vg_rc rc = s3_need_version(rq, &at, &bucket, &v);
    if (rc != VG_OK)
        return rc;
    const struct s3_rec_version enforced = { .owner = bucket->account };
    rc = s3_object_acl(rq, s3_has_lists(bucket) ? v : &enforced, &acl);
    if (rc != VG_OK)
        return rc;
    out->owner = acl->owner;
    out->grants = acl->grants;
    return VG_OK;
}
