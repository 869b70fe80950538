/* SPDX-License-Identifier: Apache-2.0 */

/* Tags of objects. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html */

#include "services/s3/s3_notify.h"

/* NULL: none. The id of the version that has them now. */
static vg_rc VG_WAITS
set_tags(struct vg_req *rq, const struct s3_at *at, const struct s3_tag_set *tags,
         struct vg_str *ret_id)
{
    s3_auto_object struct s3_object_edit e = { 0 };
    struct s3_rec_version *v;
    vg_rc rc = s3_edit_version(rq, at, &e, &v);
    if (rc != VG_OK)
        return rc;
    v->tags.len = 0;
    for (size_t i = 0; tags && i < tags->len; i++)
        *VG_VEC_ADD(rq->arena, &v->tags) =
            (struct s3_rec_pair) { .name = tags->items[i].key, .value = tags->items[i].value };
    s3_store_put_version(&e, v);
    *ret_id = s3_version_shown(e.bucket, v);
    rc = s3_notify(&e, tags ? S3_TAGS_PUT : S3_TAGS_DELETED, v);
    return rc == VG_OK ? s3_store_object_commit(&e) : rc;
}

vg_rc
s3_put_object_tagging(struct vg_req *rq, const struct s3_put_object_tagging_request *in,
                      struct s3_put_object_tagging_output *out)
{
    const struct s3_at at = S3_AT(in);
    if (!in->tagging)
        return s3_malformed_xml(rq);
    vg_rc rc = s3_check_tags(rq, &in->tagging->tag_set, S3_LIMIT_OBJECT_TAGS,
                             "Object tags cannot be greater than 10");
    return rc == VG_OK ? set_tags(rq, &at, &in->tagging->tag_set, &out->version_id) : rc;
}

vg_rc
s3_delete_object_tagging(struct vg_req *rq, const struct s3_delete_object_tagging_request *in,
                         struct s3_delete_object_tagging_output *out)
{
    const struct s3_at at = S3_AT(in);
    return set_tags(rq, &at, NULL, &out->version_id);
}

vg_rc
s3_get_object_tagging(struct vg_req *rq, const struct s3_get_object_tagging_request *in,
                      struct s3_get_object_tagging_output *out)
{
    const struct s3_at at = S3_AT(in);
    struct s3_rec_bucket *bucket;
    struct s3_rec_version *v;
    vg_rc rc = s3_need_version(rq, &at, &bucket, &v);
    if (rc != VG_OK)
        return rc;
    out->version_id = s3_version_shown(bucket, v);
    out->tag_set = (struct s3_tag_set) {
        .items = VG_NEW_ARRAY(rq->arena, struct s3_tag, v->tags.len + 1),
        .len = v->tags.len,
        .set = true,
    };
    for (size_t i = 0; i < v->tags.len; i++)
        out->tag_set.items[i] =
            (struct s3_tag) { .key = v->tags.items[i].name, .value = v->tags.items[i].value };
    return VG_OK;
}
