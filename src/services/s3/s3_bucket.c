/* SPDX-License-Identifier: Apache-2.0 */

/* Buckets: made, found, listed, deleted. */

#include "services/s3/s3_acl.h"

#include "codec/base64.h"
#include "core/env.h"
#include "crypto/random.h"

#define FIRST_REGION VG_STR("us-east-1") /* which has no location constraint */

/* --- what all operations on a bucket share ------------------------------------------------------
 */

vg_rc
s3_malformed_xml(struct vg_req *rq)
{
    return s3_fail_malformed_xml(rq, "The XML you provided was not well-formed or did not validate "
                                     "against our published schema");
}

vg_rc
s3_bad_argument(struct vg_req *rq, const char *text, const char *name, struct vg_str value)
{
    struct s3_invalid_argument *d = VG_NEW(rq->arena, struct s3_invalid_argument);
    d->argument_name = vg_str_of(name);
    d->argument_value = value;
    return s3_fail_invalid_argument_detail(rq, d, "%s", text);
}

vg_rc
s3_check_number(struct vg_req *rq, struct vg_opt_i64 n, const char *name)
{
    if (!n.set || (n.v >= 0 && n.v <= INT32_MAX))
        return VG_OK;
    return s3_bad_argument(
        rq,
        vg_str_cstr(
            rq->arena,
            vg_str_fmt(rq->arena, "Argument %s must be an integer between 0 and 2147483647", name)),
        name, vg_str_fmt(rq->arena, "%lld", (long long)n.v));
}

vg_rc
s3_not_built(struct vg_req *rq, const char *feature)
{
    return s3_fail_not_implemented(rq, "%s is not built in this version of Virga.", feature);
}

vg_rc
s3_no_bucket(struct vg_req *rq, struct vg_str name)
{
    struct s3_no_such_bucket *d = VG_NEW(rq->arena, struct s3_no_such_bucket);
    d->bucket_name = name;
    return s3_fail_no_such_bucket_detail(rq, d, "The specified bucket does not exist");
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html */
static vg_rc
check_owner(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str expected)
{
    if (!expected.ptr)
        return VG_OK;
    if (!s3_is_account(expected))
        return s3_fail_invalid_bucket_owner_aws_account_id(
            rq,
            "The value of the expected bucket owner parameter must be an AWS Account ID... "
            "[%" VG_FMT "]",
            VG_ARG(expected));
    return vg_str_eq(expected, bucket->account) ? VG_OK
                                                : s3_fail_access_denied(rq, "Access Denied");
}

vg_rc
s3_need_bucket(struct vg_req *rq, struct vg_str name, struct vg_str expected_owner,
               struct s3_rec_bucket **ret)
{
    vg_rc rc = s3_store_bucket(rq, name, ret);
    if (rc == VG_OK && !*ret)
        return s3_no_bucket(rq, name);
    if (rc == VG_OK)
        rc = check_owner(rq, *ret, expected_owner);
    return rc == VG_OK ? s3_check_payer(rq, *ret) : rc;
}

vg_rc
s3_edit_bucket(struct vg_req *rq, struct vg_str name, struct vg_str expected_owner,
               struct s3_bucket_edit *ret)
{
    vg_rc rc = s3_store_edit(rq, name, ret);
    if (rc == VG_OK && !ret->bucket)
        return s3_no_bucket(rq, name);
    return rc == VG_OK ? check_owner(rq, ret->bucket, expected_owner) : rc;
}

/* --- CreateBucket -------------------------------------------------------------------------------
 */

static vg_rc
check_location(struct vg_req *rq, const struct s3_create_bucket_configuration *conf)
{
    struct vg_str asked = conf ? conf->location_constraint.text : VG_STR_NONE;
    struct vg_str here = rq->scope->region;
    bool is_first = vg_str_eq(here, FIRST_REGION);
    if (conf && (conf->location || conf->bucket))
        return s3_not_built(rq, "A directory bucket");
    if (!asked.len)
        return is_first ? VG_OK
                        : s3_fail_illegal_location_constraint_exception(
                            rq, "The unspecified location constraint is incompatible for the "
                                "region specific endpoint this request was sent to.");
    if (vg_str_eq(asked, FIRST_REGION)
        || (conf->location_constraint.v <= 0 && !vg_str_eq(asked, here))) {
        struct s3_invalid_location_constraint *d =
            VG_NEW(rq->arena, struct s3_invalid_location_constraint);
        d->location_constraint = asked;
        return s3_fail_invalid_location_constraint_detail(
            rq, d, "The specified location-constraint is not valid");
    }
    bool is_here = vg_str_eq(asked, here)
                   || (vg_str_eq(asked, VG_STR("EU")) && vg_str_eq(here, VG_STR("eu-west-1")));
    /* A request that is signed for the first region is one to the global endpoint. */
    if (!is_here && !is_first)
        return s3_fail_illegal_location_constraint_exception(
            rq,
            "The %" VG_FMT " location constraint is incompatible for the region specific endpoint "
            "this request was sent to.",
            VG_ARG(asked));
    return VG_OK;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-ownership-new-bucket.html */
static vg_rc
check_acl(struct vg_req *rq, const struct s3_create_bucket_request *in,
          const struct s3_access_control_policy *acl)
{
    if (in->object_ownership.v < 0)
        return s3_bad_argument(
            rq,
            vg_str_cstr(rq->arena,
                        vg_str_cat(rq->arena, VG_STR("Invalid x-amz-object-ownership header: "),
                                   in->object_ownership.text)),
            "x-amz-object-ownership", VG_STR_NONE);
    bool is_enforced = in->object_ownership.v == 0
                       || in->object_ownership.v == S3_OBJECT_OWNERSHIP_BUCKET_OWNER_ENFORCED;
    if (acl && is_enforced && !s3_acl_is_private(acl))
        return s3_fail_invalid_bucket_acl_with_object_ownership(
            rq, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
    if (acl && s3_acl_is_public(acl)) /* every new bucket blocks public access */
        return s3_fail_invalid_bucket_acl_with_block_public_access_error(
            rq, "Bucket cannot have public ACLs set with BlockPublicAccess enabled");
    return VG_OK;
}

static vg_rc
check_create(struct vg_req *rq, const struct s3_create_bucket_request *in,
             struct s3_access_control_policy **ret_acl)
{
    const struct s3_create_bucket_configuration *conf = in->create_bucket_configuration;
    const struct s3_acl_asked asked = s3_acl_asked_of_create(in);
    if (!s3_is_bucket_name(in->bucket)) {
        struct s3_invalid_bucket_name *d = VG_NEW(rq->arena, struct s3_invalid_bucket_name);
        d->bucket_name = in->bucket;
        return s3_fail_invalid_bucket_name_detail(rq, d, "The specified bucket is not valid.");
    }
    if (in->bucket_namespace.text.ptr && in->bucket_namespace.v != S3_BUCKET_NAMESPACE_GLOBAL)
        return s3_not_built(rq, "A bucket namespace other than global");
    vg_rc rc = check_location(rq, conf);
    if (rc == VG_OK)
        rc = s3_acl_read(rq, rq->scope->owner, &asked, ret_acl);
    if (rc == VG_OK)
        rc = check_acl(rq, in, *ret_acl);
    if (rc == VG_OK && conf)
        rc = s3_check_tags(rq, &conf->tags, S3_LIMIT_BUCKET_TAGS, S3_TOO_MANY_BUCKET_TAGS);
    return rc;
}

static struct s3_rec_bucket *
new_bucket(struct vg_req *rq, const struct s3_create_bucket_request *in)
{
    const struct s3_create_bucket_configuration *conf = in->create_bucket_configuration;
    struct s3_rec_bucket *b = VG_NEW(rq->arena, struct s3_rec_bucket);
    struct vg_str at = conf ? conf->location_constraint.text : VG_STR_NONE;
    bool is_locked = vg_opt_bool_or(in->object_lock_enabled_for_bucket, false);
    *b = (struct s3_rec_bucket) {
        .name = in->bucket,
        .id = vg_random_uuid(rq->env->random, rq->arena),
        .account = rq->scope->owner,
        .region = at.len ? at : FIRST_REGION,
        .location = at.len ? at : VG_STR_NONE,
        .created_ms = vg_now_ms(rq->env),
        .versioning = is_locked ? VG_STR("Enabled") : VG_STR_NONE,
        .has_object_lock = is_locked,
        .ownership = in->object_ownership.text.len ? in->object_ownership.text
                                                   : VG_STR("BucketOwnerEnforced"),
        .blocks = S3_BLOCK_IS_SET | S3_BLOCK_PUBLIC_ACLS | S3_IGNORE_PUBLIC_ACLS
                  | S3_BLOCK_PUBLIC_POLICY | S3_RESTRICT_PUBLIC_BUCKETS,
        .has_tags = conf && conf->tags.len > 0,
    };
    if (vg_str_eq(at, VG_STR("EU")))
        b->region = VG_STR("eu-west-1");
    return b;
}

/* There is one already.  In us-east-1 its owner may make it again, which resets its list. */
static vg_rc
create_again(struct s3_bucket_edit *e)
{
    struct vg_req *rq = e->rq;
    if (!vg_str_eq(e->bucket->account, rq->scope->owner)) {
        struct s3_bucket_already_exists *d = VG_NEW(rq->arena, struct s3_bucket_already_exists);
        d->bucket_name = e->bucket->name;
        return s3_fail_bucket_already_exists_detail(
            rq, d,
            "The requested bucket name is not available. The bucket namespace is shared by all "
            "users of the system. Please select a different name and try again.");
    }
    if (!vg_str_eq(rq->scope->region, FIRST_REGION)
        || !vg_str_eq(e->bucket->region, FIRST_REGION)) {
        struct s3_bucket_already_owned_by_you *d =
            VG_NEW(rq->arena, struct s3_bucket_already_owned_by_you);
        d->bucket_name = e->bucket->name;
        return s3_fail_bucket_already_owned_by_you_detail(
            rq, d,
            "Your previous request to create the named bucket succeeded and you already own it.");
    }
    return VG_OK;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html */
vg_rc
s3_create_bucket(struct vg_req *rq, const struct s3_create_bucket_request *in,
                 struct s3_create_bucket_output *out)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    struct s3_access_control_policy *acl = NULL;
    vg_rc rc = check_create(rq, in, &acl);
    if (rc == VG_OK)
        rc = s3_store_edit(rq, in->bucket, &e);
    if (rc != VG_OK)
        return rc;
    struct s3_rec_bucket *b = e.bucket ? e.bucket : new_bucket(rq, in);
    if (e.bucket) {
        rc = create_again(&e);
        if (rc != VG_OK)
            return rc;
    } else if (b->has_tags) {
        const struct s3_tagging tagging = { .tag_set = in->create_bucket_configuration->tags };
        s3_store_put_config(&e, S3_CONFIG_TAGS, &s3_shape_tagging, &tagging);
    }
    if (acl)
        s3_store_put_config(&e, S3_CONFIG_ACL, &s3_shape_access_control_policy, acl);
    else
        s3_store_del_config(&e, S3_CONFIG_ACL);
    b->has_acl = acl && !s3_acl_is_private(acl);
    s3_store_put_bucket(&e, b);
    out->location = vg_str_cat(rq->arena, VG_STR("/"), b->name);
    return s3_store_edit_commit(&e);
}

vg_rc
s3_delete_bucket(struct vg_req *rq, const struct s3_delete_bucket_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    bool is_empty = false;
    vg_rc rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc == VG_OK)
        rc = s3_store_del_bucket(&e, &is_empty);
    if (rc != VG_OK)
        return rc;
    if (!is_empty) {
        struct s3_bucket_not_empty *d = VG_NEW(rq->arena, struct s3_bucket_not_empty);
        d->bucket_name = in->bucket;
        return s3_fail_bucket_not_empty_detail(
            rq, d, "The bucket you tried to delete is not empty%s",
            e.bucket->versioning.ptr ? ". You must delete all versions in the bucket." : "");
    }
    return s3_store_edit_commit(&e);
}

/* --- found and listed ---------------------------------------------------------------------------
 */

vg_rc
s3_head_bucket(struct vg_req *rq, const struct s3_head_bucket_request *in,
               struct s3_head_bucket_output *out)
{
    struct s3_rec_bucket *b;
    vg_rc rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &b);
    if (rc != VG_OK)
        return rc;
    out->bucket_region = b->region;
    out->access_point_alias = (struct vg_opt_bool) { .set = true, .v = false };
    return VG_OK;
}

vg_rc
s3_get_bucket_location(struct vg_req *rq, const struct s3_get_bucket_location_request *in,
                       struct s3_get_bucket_location_output *out)
{
    struct s3_rec_bucket *b;
    vg_rc rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &b);
    if (rc == VG_OK)
        out->location_constraint.text = b->location; /* absent in the first region */
    return rc;
}

static bool
is_wanted(const struct s3_list_buckets_request *in, const struct s3_rec_bucket *b)
{
    return !in->bucket_region.ptr || vg_str_eq(in->bucket_region, b->region);
}

/* Members that a request must have for the regions of buckets to be named. */
static bool
has_parameter(const struct s3_list_buckets_request *in)
{
    return in->max_buckets.set || in->continuation_token.ptr || in->prefix.ptr
           || in->bucket_region.ptr;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html */
vg_rc
s3_list_buckets(struct vg_req *rq, const struct s3_list_buckets_request *in,
                struct s3_list_buckets_output *out)
{
    int64_t max = vg_opt_or(in->max_buckets, S3_LIMIT_BUCKETS);
    struct vg_str prefix = in->prefix.ptr ? in->prefix : VG_STR(""), after = VG_STR_NONE;
    struct s3_bucket_page page = { .has_more = true };
    if (max < 1 || max > S3_LIMIT_BUCKETS)
        return s3_bad_argument(rq, "Argument max-buckets must be an integer between 1 and 10000",
                               "max-buckets", vg_str_fmt(rq->arena, "%lld", (long long)max));
    if (in->continuation_token.ptr
        && (!vg_base64_decode(rq->arena, in->continuation_token, &after)
            || !s3_is_bucket_name(after)))
        return s3_bad_argument(rq, "The continuation token provided is incorrect",
                               "continuation-token", in->continuation_token);
    out->owner = s3_owner_of(rq, rq->scope->owner);
    out->prefix = in->prefix;
    out->buckets.set = true;
    VG_VEC(struct s3_bucket) found = { 0 };
    while (page.has_more && (int64_t)found.len < max) {
        vg_rc rc = s3_store_buckets(rq, rq->scope->owner, prefix, after, S3_LIMIT_PAGE_KEYS, &page);
        if (rc != VG_OK)
            return rc;
        for (size_t i = 0; i < page.len && (int64_t)found.len < max; i++) {
            const struct s3_rec_bucket *b = page.items[i];
            after = b->name;
            if (!is_wanted(in, b))
                continue;
            page.has_more = page.has_more || (i + 1 < page.len && (int64_t)found.len + 1 == max);
            *VG_VEC_ADD(rq->arena, &found) = (struct s3_bucket) {
                .name = b->name,
                .creation_date_ms = s3_time_shown(b->created_ms),
                .bucket_region = has_parameter(in) ? b->region : VG_STR_NONE,
            };
        }
    }
    out->buckets.items = found.items;
    out->buckets.len = found.len;
    if (page.has_more)
        out->continuation_token = vg_base64_encode(rq->arena, after);
    return VG_OK;
}

/* --- tags ---------------------------------------------------------------------------------------
 */

static vg_rc
bad_tag(struct vg_req *rq, const char *text, struct vg_str key, struct vg_str value)
{
    struct s3_invalid_tag *d = VG_NEW(rq->arena, struct s3_invalid_tag);
    d->tag_key = key;
    d->tag_value = value;
    return s3_fail_invalid_tag_detail(rq, d, "%s", text);
}

/* Letters, digits and spaces of any language, and _ . : / = + - @ of what is ASCII. */
static bool
is_tag_text(struct vg_str text, size_t max)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!is_word && (unsigned char)c < 0x80 && (c == 0 || !strchr(" _.:/=+-@", c)))
            return false;
    }
    return vg_str_utf16_len(text) <= max;
}

/* https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions */
vg_rc
s3_check_tags(struct vg_req *rq, const struct s3_tag_set *tags, size_t max, const char *too_many)
{
    bool is_objects = max == S3_LIMIT_OBJECT_TAGS;
    for (size_t i = 0; i < tags->len; i++) {
        struct vg_str key = tags->items[i].key, value = tags->items[i].value;
        if (!key.ptr || !value.ptr)
            return s3_malformed_xml(rq);
        if (vg_str_starts_nocase(key, VG_STR("aws:")))
            return bad_tag(rq,
                           is_objects ? "Your TagKey cannot be prefixed with aws:"
                                      : "System tags cannot be added/updated by requester",
                           key, VG_STR_NONE);
        if (key.len == 0 || !is_tag_text(key, 128))
            return bad_tag(rq, "The TagKey you have provided is invalid", key, VG_STR_NONE);
        if (!is_tag_text(value, 256))
            return bad_tag(rq, "The TagValue you have provided is invalid", key, value);
        for (size_t k = 0; k < i; k++)
            if (vg_str_eq(tags->items[k].key, key))
                return bad_tag(rq, "Cannot provide multiple Tags with the same key", key,
                               VG_STR_NONE);
    }
    return tags->len > max ? s3_fail_bad_request(rq, "%s", too_many) : VG_OK;
}
