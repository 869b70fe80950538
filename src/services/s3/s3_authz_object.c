/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What requests on objects and lists of them must be allowed to do, with the keys that policies may
 * test: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
 */

#include "services/s3/s3_int.h"

#include "codec/time.h"
#include "core/env.h"

/* --- lists --------------------------------------------------------------------------------------
 */

static vg_rc
add_list(struct vg_authz *az, const void *in, struct vg_str action, struct vg_str prefix,
         struct vg_str delimiter, struct vg_opt_i64 max)
{
    struct vg_req *rq = az->rq;
    struct vg_str number = max.set ? vg_str_fmt(rq->arena, "%lld", (long long)max.v) : VG_STR_NONE;
    const struct vg_ctx asked[] = { { VG_STR("s3:prefix"), prefix },
                                    { VG_STR("s3:delimiter"), delimiter },
                                    { VG_STR("s3:max-keys"), number } };
    struct vg_ctx *ctx = VG_NEW_ARRAY(rq->arena, struct vg_ctx, VG_COUNT(asked));
    size_t n = 0;
    for (size_t i = 0; i < VG_COUNT(asked); i++)
        if (asked[i].value.ptr)
            ctx[n++] = asked[i];
    vg_authz_add(az, action, vg_arn_expand(rq, "arn:{partition}:s3:::{Bucket}", in), ctx, n);
    return VG_OK;
}

vg_rc
s3_authz_list_objects(struct vg_req *rq, const struct s3_list_objects_request *in,
                      struct vg_authz *az)
{
    (void)rq;
    return add_list(az, in, VG_STR("s3:ListBucket"), in->prefix, in->delimiter, in->max_keys);
}

vg_rc
s3_authz_list_objects_v2(struct vg_req *rq, const struct s3_list_objects_v2_request *in,
                         struct vg_authz *az)
{
    (void)rq;
    return add_list(az, in, VG_STR("s3:ListBucket"), in->prefix, in->delimiter, in->max_keys);
}

vg_rc
s3_authz_list_object_versions(struct vg_req *rq, const struct s3_list_object_versions_request *in,
                              struct vg_authz *az)
{
    (void)rq;
    return add_list(az, in, VG_STR("s3:ListBucketVersions"), in->prefix, in->delimiter,
                    in->max_keys);
}

/* --- one object ---------------------------------------------------------------------------------
 */

struct vg_str
s3_bucket_arn(const struct vg_req *rq, struct vg_str bucket)
{
    return vg_str_fmt(rq->arena, "arn:%" VG_FMT ":s3:::%" VG_FMT, VG_ARG(rq->scope->partition),
                      VG_ARG(bucket));
}

struct vg_str
s3_object_arn(struct vg_req *rq, struct vg_str bucket, struct vg_str key)
{
    return vg_str_fmt(rq->arena, "arn:%" VG_FMT ":s3:::%" VG_FMT "/%" VG_FMT,
                      VG_ARG(rq->scope->partition), VG_ARG(bucket), VG_ARG(key));
}

typedef VG_VEC(struct vg_ctx) ctx_vec;

static void
add_ctx(struct vg_req *rq, ctx_vec *all, const char *key, struct vg_str value)
{
    if (value.ptr)
        *VG_VEC_ADD(rq->arena, all) = (struct vg_ctx) { vg_str_of(key), value };
}

static void
add_tag(struct vg_req *rq, ctx_vec *all, const char *prefix, struct vg_str key, struct vg_str value)
{
    struct vg_ctx *ctx = VG_VEC_ADD(rq->arena, all);
    *ctx = (struct vg_ctx) { vg_str_cat(rq->arena, vg_str_of(prefix), key), value };
}

/* What must be allowed of one object: one action where a version is named, another where not. */
static void
add_object(struct vg_authz *az, const struct s3_at *at, const char *action, const char *of_version,
           ctx_vec ctx)
{
    struct vg_req *rq = az->rq;
    add_ctx(rq, &ctx, "s3:VersionId", at->version_id);
    vg_authz_add(az, vg_str_of(at->version_id.ptr ? of_version : action),
                 s3_object_arn(rq, at->bucket, at->key), ctx.items, ctx.len);
}

static void
add_bypass(struct vg_authz *az, const struct s3_at *at, struct vg_opt_bool is_asked)
{
    const char *action = "s3:BypassGovernanceRetention";
    if (vg_opt_bool_or(is_asked, false))
        add_object(az, at, action, action, (ctx_vec) { 0 });
}

#define EXISTING_TAG "s3:ExistingObjectTag/"

/* Tags of the object that is there: read only when a policy tests one. */
static vg_rc
add_existing_tags(struct vg_authz *az, const struct s3_at *at, ctx_vec *ctx)
{
    struct vg_req *rq = az->rq;
    struct s3_rec_bucket *bucket;
    struct s3_rec_version *v = NULL;
    az->late_prefix = VG_STR(EXISTING_TAG);
    if (!az->has_ctx)
        return VG_OK;
    vg_rc rc = s3_store_bucket(rq, at->bucket, &bucket);
    if (rc == VG_OK && bucket)
        rc = s3_store_version(rq, bucket, at->key, at->version_id, &v);
    for (size_t i = 0; rc == VG_OK && v && i < v->tags.len; i++)
        add_tag(rq, ctx, EXISTING_TAG, v->tags.items[i].name, v->tags.items[i].value);
    return rc;
}

/* The same where policies may test the object's tags. */
static vg_rc
add_tagged(struct vg_authz *az, const struct s3_at *at, const char *action, const char *of_version,
           ctx_vec ctx)
{
    vg_rc rc = add_existing_tags(az, at, &ctx);
    if (rc == VG_OK)
        add_object(az, at, action, of_version, ctx);
    return rc;
}

/*
 * Whether it fails says what the ETag is, which is for those who may read the object.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-delete-enforce.html
 */
bool
s3_tells_etag(struct vg_str if_match)
{
    return if_match.ptr && !vg_str_eq(if_match, VG_STR("*"));
}

vg_rc
s3_authz_delete_object(struct vg_req *rq, const struct s3_delete_object_request *in,
                       struct vg_authz *az)
{
    const struct s3_at at = S3_AT(in);
    ctx_vec ctx = { 0 };
    add_ctx(rq, &ctx, "s3:if-match", in->if_match);
    add_object(az, &at, "s3:DeleteObject", "s3:DeleteObjectVersion", ctx);
    if (s3_tells_etag(in->if_match))
        add_object(az, &at, "s3:GetObject", "s3:GetObjectVersion", (ctx_vec) { 0 });
    add_bypass(az, &at, in->bypass_governance_retention);
    return VG_OK;
}

/* Nothing as a whole: each key is asked for, and answered, by itself. */
vg_rc
s3_authz_delete_objects(struct vg_req *rq, const struct s3_delete_objects_request *in,
                        struct vg_authz *az)
{
    (void)rq, (void)in, (void)az;
    return VG_OK;
}

/* --- tags ---------------------------------------------------------------------------------------
 */

vg_rc
s3_authz_put_object_tagging(struct vg_req *rq, const struct s3_put_object_tagging_request *in,
                            struct vg_authz *az)
{
    const struct s3_at at = S3_AT(in);
    ctx_vec ctx = { 0 };
    for (size_t i = 0; in->tagging && i < in->tagging->tag_set.len; i++) {
        const struct s3_tag *t = &in->tagging->tag_set.items[i];
        add_tag(rq, &ctx, "s3:RequestObjectTag/", t->key, t->value);
        add_ctx(rq, &ctx, "s3:RequestObjectTagKeys", t->key);
    }
    return add_tagged(az, &at, "s3:PutObjectTagging", "s3:PutObjectVersionTagging", ctx);
}

vg_rc
s3_authz_get_object_tagging(struct vg_req *rq, const struct s3_get_object_tagging_request *in,
                            struct vg_authz *az)
{
    const struct s3_at at = S3_AT(in);
    (void)rq;
    return add_tagged(az, &at, "s3:GetObjectTagging", "s3:GetObjectVersionTagging",
                      (ctx_vec) { 0 });
}

vg_rc
s3_authz_delete_object_tagging(struct vg_req *rq, const struct s3_delete_object_tagging_request *in,
                               struct vg_authz *az)
{
    const struct s3_at at = S3_AT(in);
    (void)rq;
    return add_tagged(az, &at, "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging",
                      (ctx_vec) { 0 });
}

/* --- object lock --------------------------------------------------------------------------------
 */

struct vg_str
s3_remaining_days(struct vg_req *rq, struct vg_opt_i64 until_ms)
{
    int64_t days = (until_ms.v - vg_now_ms(rq->env)) / 86400000;
    return until_ms.set ? vg_str_fmt(rq->arena, "%lld", (long long)days) : VG_STR_NONE;
}

vg_rc
s3_authz_put_object_retention(struct vg_req *rq, const struct s3_put_object_retention_request *in,
                              struct vg_authz *az)
{
    const struct s3_at at = S3_AT(in);
    const struct s3_object_lock_retention *to = in->retention;
    ctx_vec ctx = { 0 };
    if (to)
        add_ctx(rq, &ctx, "s3:object-lock-mode", to->mode.text);
    if (to && to->retain_until_date_ms.set) {
        add_ctx(rq, &ctx, "s3:object-lock-retain-until-date",
                vg_time_iso(rq->arena, to->retain_until_date_ms.v));
        add_ctx(rq, &ctx, "s3:object-lock-remaining-retention-days",
                s3_remaining_days(rq, to->retain_until_date_ms));
    }
    add_object(az, &at, "s3:PutObjectRetention", "s3:PutObjectRetention", ctx);
    add_bypass(az, &at, in->bypass_governance_retention);
    return VG_OK;
}

vg_rc
s3_authz_put_object_legal_hold(struct vg_req *rq, const struct s3_put_object_legal_hold_request *in,
                               struct vg_authz *az)
{
    const struct s3_at at = S3_AT(in);
    ctx_vec ctx = { 0 };
    if (in->legal_hold)
        add_ctx(rq, &ctx, "s3:object-lock-legal-hold", in->legal_hold->status.text);
    add_object(az, &at, "s3:PutObjectLegalHold", "s3:PutObjectLegalHold", ctx);
    return VG_OK;
}

vg_rc
s3_authz_get_object_retention(struct vg_req *rq, const struct s3_get_object_retention_request *in,
                              struct vg_authz *az)
{
    const struct s3_at at = S3_AT(in);
    (void)rq;
    add_object(az, &at, "s3:GetObjectRetention", "s3:GetObjectRetention", (ctx_vec) { 0 });
    return VG_OK;
}

vg_rc
s3_authz_get_object_legal_hold(struct vg_req *rq, const struct s3_get_object_legal_hold_request *in,
                               struct vg_authz *az)
{
    const struct s3_at at = S3_AT(in);
    (void)rq;
    add_object(az, &at, "s3:GetObjectLegalHold", "s3:GetObjectLegalHold", (ctx_vec) { 0 });
    return VG_OK;
}

/* --- lists of grants, attributes ----------------------------------------------------------------
 */

vg_rc
s3_authz_put_object_acl(struct vg_req *rq, const struct s3_put_object_acl_request *in,
                        struct vg_authz *az)
{
    const struct s3_at at = S3_AT(in);
    ctx_vec ctx = { 0 };
    add_ctx(rq, &ctx, "s3:x-amz-acl", in->acl.text);
    add_ctx(rq, &ctx, "s3:x-amz-grant-full-control", in->grant_full_control);
    add_ctx(rq, &ctx, "s3:x-amz-grant-read", in->grant_read);
    add_ctx(rq, &ctx, "s3:x-amz-grant-read-acp", in->grant_read_acp);
    add_ctx(rq, &ctx, "s3:x-amz-grant-write", in->grant_write);
    add_ctx(rq, &ctx, "s3:x-amz-grant-write-acp", in->grant_write_acp);
    return add_tagged(az, &at, "s3:PutObjectAcl", "s3:PutObjectVersionAcl", ctx);
}

vg_rc
s3_authz_get_object_acl(struct vg_req *rq, const struct s3_get_object_acl_request *in,
                        struct vg_authz *az)
{
    const struct s3_at at = S3_AT(in);
    (void)rq;
    return add_tagged(az, &at, "s3:GetObjectAcl", "s3:GetObjectVersionAcl", (ctx_vec) { 0 });
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html: "Permissions" */
vg_rc
s3_authz_get_object_attributes(struct vg_req *rq, const struct s3_get_object_attributes_request *in,
                               struct vg_authz *az)
{
    const struct s3_at at = S3_AT(in);
    (void)rq;
    vg_rc rc = add_tagged(az, &at, "s3:GetObject", "s3:GetObjectVersion", (ctx_vec) { 0 });
    if (rc == VG_OK)
        rc = add_tagged(az, &at, "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes",
                        (ctx_vec) { 0 });
    return rc;
}
