/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What requests that read and make objects must be allowed to do, with the keys that policies may
 * test: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
 */

#include "services/s3/s3_headers.h"

#include "codec/time.h"

#define TAG_KEYS VG_STR("s3:ExistingObjectTag/")

typedef VG_VEC(struct vg_ctx) ctx_vec;

/* A key with its value; absent: it is not there. */
static void
add(struct vg_authz *az, ctx_vec *ctx, struct vg_str key, struct vg_str value)
{
    if (value.ptr)
        *VG_VEC_ADD(az->rq->arena, ctx) = (struct vg_ctx) { key, value };
}

static void
add_tags(struct vg_authz *az, ctx_vec *ctx, struct vg_str prefix, const struct s3_rec_version *v)
{
    for (size_t i = 0; i < v->tags.len; i++)
        add(az, ctx, vg_str_cat(az->rq->arena, prefix, v->tags.items[i].name),
            v->tags.items[i].value);
}

/* --- reads --------------------------------------------------------------------------------------
 */

/* Tags cost a look at the object: only when a policy tests one. */
static vg_rc
add_existing_tags(struct vg_authz *az, ctx_vec *ctx, const struct s3_at *at)
{
    struct s3_rec_bucket *bucket = NULL;
    struct s3_rec_version *v = NULL;
    az->late_prefix = TAG_KEYS;
    if (!az->has_ctx)
        return VG_OK;
    vg_rc rc = s3_store_bucket(az->rq, at->bucket, &bucket);
    if (rc == VG_OK && bucket)
        rc = s3_store_version(az->rq, bucket, at->key, at->version_id, &v);
    if (rc == VG_OK && v)
        add_tags(az, ctx, TAG_KEYS, v);
    return rc;
}

static vg_rc
add_read(struct vg_authz *az, const struct s3_at *at)
{
    ctx_vec ctx = { 0 };
    add(az, &ctx, VG_STR("s3:VersionId"), at->version_id);
    vg_rc rc = add_existing_tags(az, &ctx, at);
    if (rc == VG_OK)
        vg_authz_add(az,
                     at->version_id.ptr ? VG_STR("s3:GetObjectVersion") : VG_STR("s3:GetObject"),
                     s3_object_arn(az->rq, at->bucket, at->key), ctx.items, ctx.len);
    return rc;
}

vg_rc
s3_authz_get_object(struct vg_req *rq, const struct s3_get_object_request *in, struct vg_authz *az)
{
    const struct s3_at at = S3_AT(in);
    (void)rq;
    return add_read(az, &at);
}

vg_rc
s3_authz_head_object(struct vg_req *rq, const struct s3_head_object_request *in,
                     struct vg_authz *az)
{
    const struct s3_at at = S3_AT(in);
    (void)rq;
    return add_read(az, &at);
}

/* --- writes -------------------------------------------------------------------------------------
 */

static struct vg_str
time_of(struct vg_req *rq, struct vg_opt_i64 ms)
{
    return ms.set ? vg_time_iso(rq->arena, ms.v) : VG_STR_NONE;
}

/* What a request says of the object to be. */
static void
add_headers(struct vg_authz *az, ctx_vec *ctx, const struct s3_object_headers *h,
            const struct s3_key_asked *key)
{
    add(az, ctx, VG_STR("s3:x-amz-acl"), h->acl.canned);
    add(az, ctx, VG_STR("s3:x-amz-grant-full-control"), h->acl.full_control);
    add(az, ctx, VG_STR("s3:x-amz-grant-read"), h->acl.read);
    add(az, ctx, VG_STR("s3:x-amz-grant-read-acp"), h->acl.read_acp);
    add(az, ctx, VG_STR("s3:x-amz-grant-write-acp"), h->acl.write_acp);
    add(az, ctx, VG_STR("s3:x-amz-storage-class"), h->storage_class.text);
    add(az, ctx, VG_STR("s3:x-amz-website-redirect-location"), h->redirect);
    add(az, ctx, VG_STR("s3:x-amz-server-side-encryption"), h->encryption.text);
    add(az, ctx, VG_STR("s3:x-amz-server-side-encryption-aws-kms-key-id"), h->kms_key);
    add(az, ctx, VG_STR("s3:x-amz-server-side-encryption-customer-algorithm"), key->algorithm);
    add(az, ctx, VG_STR("s3:object-lock-mode"), h->lock_mode.text);
    add(az, ctx, VG_STR("s3:object-lock-retain-until-date"), time_of(az->rq, h->lock_until_ms));
    add(az, ctx, VG_STR("s3:object-lock-remaining-retention-days"),
        s3_remaining_days(az->rq, h->lock_until_ms));
    add(az, ctx, VG_STR("s3:object-lock-legal-hold"), h->legal_hold.text);
}

static void
add_request_tags(struct vg_authz *az, ctx_vec *ctx, const struct s3_rec_version *v)
{
    add_tags(az, ctx, VG_STR("s3:RequestObjectTag/"), v);
    for (size_t i = 0; i < v->tags.len; i++)
        add(az, ctx, VG_STR("s3:RequestObjectTagKeys"), v->tags.items[i].name);
}

/* `ctx` is complete; `tags` may be NULL. */
static void
add_write(struct vg_authz *az, const ctx_vec *ctx, struct vg_str arn,
          const struct s3_object_headers *h, bool has_tags, bool has_match)
{
    bool has_acl = h->acl.canned.ptr || h->acl.full_control.ptr || h->acl.read.ptr
                   || h->acl.read_acp.ptr || h->acl.write_acp.ptr;
    const struct {
        struct vg_str action;
        bool is_needed;
    } all[] = {
        { VG_STR("s3:PutObject"), true },
        { VG_STR("s3:PutObjectAcl"), has_acl },
        { VG_STR("s3:PutObjectTagging"), has_tags },
        { VG_STR("s3:PutObjectRetention"), h->lock_mode.text.ptr || h->lock_until_ms.set },
        { VG_STR("s3:PutObjectLegalHold"), h->legal_hold.text.ptr != NULL },
        /* https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
        { VG_STR("s3:GetObject"), has_match },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++)
        if (all[i].is_needed)
            vg_authz_add(az, all[i].action, arn, ctx->items, ctx->len);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html: what makes
 * an object can have conditions; what begins or goes on with an upload can not. */
static void
add_creation(struct vg_authz *az, ctx_vec *ctx, bool is_creation)
{
    add(az, ctx, VG_STR("s3:ObjectCreationOperation"),
        is_creation ? VG_STR("true") : VG_STR("false"));
}

static void
add_conditions(struct vg_authz *az, ctx_vec *ctx, struct vg_str if_match,
               struct vg_str if_none_match)
{
    add_creation(az, ctx, true);
    add(az, ctx, VG_STR("s3:if-match"), if_match);
    add(az, ctx, VG_STR("s3:if-none-match"), if_none_match);
}

/* What a request says of an object that it brings. */
static vg_rc
add_new(struct vg_authz *az, ctx_vec *ctx, const struct s3_object_headers *h,
        const struct s3_key_asked *key, bool *ret_has_tags)
{
    struct s3_rec_version *tags = VG_NEW(az->rq->arena, struct s3_rec_version);
    vg_rc rc = s3_headers_read_tags(az->rq, h->tagging, tags);
    *ret_has_tags = tags->tags.len > 0;
    add_headers(az, ctx, h, key);
    add_request_tags(az, ctx, tags);
    return rc;
}

vg_rc
s3_authz_put_object(struct vg_req *rq, const struct s3_put_object_request *in, struct vg_authz *az)
{
    const struct s3_object_headers h = S3_OBJECT_HEADERS(in);
    const struct s3_key_asked key = S3_KEY_ASKED(in);
    ctx_vec ctx = { 0 };
    bool has_tags;
    vg_rc rc = add_new(az, &ctx, &h, &key, &has_tags);
    if (rc != VG_OK)
        return rc;
    add_conditions(az, &ctx, in->if_match, in->if_none_match);
    add_write(az, &ctx, s3_object_arn(rq, in->bucket, in->key), &h, has_tags,
              in->if_match.ptr != NULL);
    return VG_OK;
}

/* As policies name it, whichever way the header does: "bucket/key". */
static struct vg_str
source_of(struct vg_req *rq, const struct s3_at *from)
{
    return vg_str_fmt(rq->arena, "%" VG_FMT "/%" VG_FMT, VG_ARG(from->bucket), VG_ARG(from->key));
}

/* The tags that a copy will have: those of its source unless it is told others. */
static vg_rc
tags_of_copy(struct vg_req *rq, const struct s3_copy_object_request *in, const struct s3_at *from,
             const struct s3_rec_version **ret, bool *ret_is_copied)
{
    struct s3_rec_version *told = VG_NEW(rq->arena, struct s3_rec_version), *source = NULL;
    struct s3_rec_bucket *bucket = NULL;
    *ret = told;
    *ret_is_copied = false;
    if (in->tagging_directive.v == S3_TAGGING_DIRECTIVE_REPLACE)
        return s3_headers_read_tags(rq, in->tagging, told);
    vg_rc rc = s3_store_bucket(rq, from->bucket, &bucket);
    if (rc == VG_OK && bucket)
        rc = s3_store_version(rq, bucket, from->key, from->version_id, &source);
    *ret_is_copied = source && source->tags.len > 0;
    if (source)
        *ret = source;
    return rc;
}

vg_rc
s3_authz_copy_object(struct vg_req *rq, const struct s3_copy_object_request *in,
                     struct vg_authz *az)
{
    const struct s3_object_headers h = S3_OBJECT_HEADERS(in);
    const struct s3_key_asked key = S3_KEY_ASKED(in);
    const struct s3_rec_version *tags;
    bool is_copied;
    struct s3_at from;
    ctx_vec ctx = { 0 };
    vg_rc rc = s3_copy_source(rq, in->copy_source, in->expected_source_bucket_owner, &from);
    if (rc == VG_OK)
        rc = tags_of_copy(rq, in, &from, &tags, &is_copied);
    if (rc != VG_OK)
        return rc;
    add_headers(az, &ctx, &h, &key);
    add_request_tags(az, &ctx, tags);
    add(az, &ctx, VG_STR("s3:x-amz-copy-source"), source_of(rq, &from));
    add(az, &ctx, VG_STR("s3:x-amz-metadata-directive"), in->metadata_directive.text);
    add_conditions(az, &ctx, in->if_match, in->if_none_match);
    add_write(az, &ctx, s3_object_arn(rq, in->bucket, in->key), &h, tags->tags.len > 0,
              in->if_match.ptr != NULL);
    rc = add_read(az, &from);
    if (rc == VG_OK && is_copied)
        vg_authz_add(az,
                     from.version_id.ptr ? VG_STR("s3:GetObjectVersionTagging")
                                         : VG_STR("s3:GetObjectTagging"),
                     s3_object_arn(rq, from.bucket, from.key), NULL, 0);
    return rc;
}

/* --- uploads in parts ---------------------------------------------------------------------------
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuAndPermissions.html
 */

vg_rc
s3_authz_create_multipart_upload(struct vg_req *rq,
                                 const struct s3_create_multipart_upload_request *in,
                                 struct vg_authz *az)
{
    const struct s3_object_headers h = S3_OBJECT_HEADERS(in);
    const struct s3_key_asked key = S3_KEY_ASKED(in);
    ctx_vec ctx = { 0 };
    bool has_tags;
    if (s3_is_anonymous(rq))
        return s3_fail_access_denied(rq, "Anonymous users cannot initiate multipart uploads.  "
                                         "Please authenticate.");
    vg_rc rc = add_new(az, &ctx, &h, &key, &has_tags);
    add_creation(az, &ctx, false);
    if (rc == VG_OK)
        add_write(az, &ctx, s3_object_arn(rq, in->bucket, in->key), &h, has_tags, false);
    return rc;
}

vg_rc
s3_authz_upload_part_copy(struct vg_req *rq, const struct s3_upload_part_copy_request *in,
                          struct vg_authz *az)
{
    struct s3_at from;
    ctx_vec ctx = { 0 };
    vg_rc rc = s3_copy_source(rq, in->copy_source, in->expected_source_bucket_owner, &from);
    if (rc != VG_OK)
        return rc;
    add(az, &ctx, VG_STR("s3:x-amz-copy-source"), source_of(rq, &from));
    add_creation(az, &ctx, false);
    vg_authz_add(az, VG_STR("s3:PutObject"), s3_object_arn(rq, in->bucket, in->key), ctx.items,
                 ctx.len);
    return add_read(az, &from);
}

vg_rc
s3_authz_upload_part(struct vg_req *rq, const struct s3_upload_part_request *in,
                     struct vg_authz *az)
{
    ctx_vec ctx = { 0 };
    add_creation(az, &ctx, false);
    vg_authz_add(az, VG_STR("s3:PutObject"), s3_object_arn(rq, in->bucket, in->key), ctx.items,
                 ctx.len);
    return VG_OK;
}

vg_rc
s3_authz_complete_multipart_upload(struct vg_req *rq,
                                   const struct s3_complete_multipart_upload_request *in,
                                   struct vg_authz *az)
{
    const struct s3_object_headers none = { .acl = { .canned = VG_STR_NONE } };
    ctx_vec ctx = { 0 };
    add_conditions(az, &ctx, in->if_match, in->if_none_match);
    add_write(az, &ctx, s3_object_arn(rq, in->bucket, in->key), &none, false,
              in->if_match.ptr != NULL);
    return VG_OK;
}
