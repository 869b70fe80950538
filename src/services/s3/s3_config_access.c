/* SPDX-License-Identifier: Apache-2.0 */

/* Who may reach a bucket, but for its policy: public access block, ownership, lists, CORS. */

#include "services/s3/s3_acl.h"
#include "services/s3/s3_cors.h"

/* --- public access block ------------------------------------------------------------------------
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
 */

static uint32_t
bit(struct vg_opt_bool is_on, enum s3_block which)
{
    return vg_opt_bool_or(is_on, false) ? (uint32_t)which : 0;
}

static vg_rc VG_WAITS
set_blocks(struct s3_bucket_edit *e, uint32_t blocks)
{
    e->bucket->blocks = blocks;
    s3_store_put_bucket(e, e->bucket);
    return s3_store_edit_commit(e);
}

vg_rc
s3_put_public_access_block(struct vg_req *rq, const struct s3_put_public_access_block_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    const struct s3_public_access_block_configuration *conf = in->public_access_block_configuration;
    if (!conf)
        return s3_malformed_xml(rq);
    vg_rc rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc != VG_OK)
        return rc;
    return set_blocks(&e, S3_BLOCK_IS_SET | bit(conf->block_public_acls, S3_BLOCK_PUBLIC_ACLS)
                              | bit(conf->ignore_public_acls, S3_IGNORE_PUBLIC_ACLS)
                              | bit(conf->block_public_policy, S3_BLOCK_PUBLIC_POLICY)
                              | bit(conf->restrict_public_buckets, S3_RESTRICT_PUBLIC_BUCKETS));
}

static struct vg_opt_bool
is_on(const struct s3_rec_bucket *b, enum s3_block which)
{
    return (struct vg_opt_bool) { .set = true, .v = (b->blocks & (uint32_t)which) != 0 };
}

vg_rc
s3_get_public_access_block(struct vg_req *rq, const struct s3_get_public_access_block_request *in,
                           struct s3_get_public_access_block_output *out)
{
    struct s3_rec_bucket *b;
    vg_rc rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &b);
    if (rc != VG_OK)
        return rc;
    if (!(b->blocks & S3_BLOCK_IS_SET)) {
        struct s3_no_such_public_access_block_configuration *d =
            VG_NEW(rq->arena, struct s3_no_such_public_access_block_configuration);
        d->bucket_name = in->bucket;
        return s3_fail_no_such_public_access_block_configuration_detail(
            rq, d, "The public access block configuration was not found");
    }
    out->public_access_block_configuration =
        VG_NEW(rq->arena, struct s3_public_access_block_configuration);
    *out->public_access_block_configuration = (struct s3_public_access_block_configuration) {
        .block_public_acls = is_on(b, S3_BLOCK_PUBLIC_ACLS),
        .ignore_public_acls = is_on(b, S3_IGNORE_PUBLIC_ACLS),
        .block_public_policy = is_on(b, S3_BLOCK_PUBLIC_POLICY),
        .restrict_public_buckets = is_on(b, S3_RESTRICT_PUBLIC_BUCKETS),
    };
    return VG_OK;
}

vg_rc
s3_delete_public_access_block(struct vg_req *rq,
                              const struct s3_delete_public_access_block_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    vg_rc rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    return rc == VG_OK ? set_blocks(&e, 0) : rc;
}

/* --- ownership ----------------------------------------------------------------------------------
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
 */

static vg_rc VG_WAITS
set_ownership(struct s3_bucket_edit *e, struct vg_str ownership)
{
    e->bucket->ownership = ownership;
    s3_store_put_bucket(e, e->bucket);
    return s3_store_edit_commit(e);
}

vg_rc
s3_put_bucket_ownership_controls(struct vg_req *rq,
                                 const struct s3_put_bucket_ownership_controls_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    const struct s3_ownership_controls *conf = in->ownership_controls;
    if (!conf || conf->rules.len != 1 || conf->rules.items[0].object_ownership.v <= 0)
        return s3_malformed_xml(rq);
    vg_rc rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc != VG_OK)
        return rc;
    const struct vg_enum *to = &conf->rules.items[0].object_ownership;
    if (to->v == S3_OBJECT_OWNERSHIP_BUCKET_OWNER_ENFORCED && s3_has_lists(e.bucket)
        && e.bucket->has_acl)
        return s3_fail_invalid_bucket_acl_with_object_ownership(
            rq, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
    return set_ownership(&e, to->text);
}

vg_rc
s3_get_bucket_ownership_controls(struct vg_req *rq,
                                 const struct s3_get_bucket_ownership_controls_request *in,
                                 struct s3_get_bucket_ownership_controls_output *out)
{
    struct s3_rec_bucket *b;
    vg_rc rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &b);
    if (rc != VG_OK)
        return rc;
    if (!b->ownership.ptr) {
        struct s3_ownership_controls_not_found_error *d =
            VG_NEW(rq->arena, struct s3_ownership_controls_not_found_error);
        d->bucket_name = in->bucket;
        return s3_fail_ownership_controls_not_found_error_detail(
            rq, d, "The bucket ownership controls were not found");
    }
    struct s3_ownership_controls *conf = VG_NEW(rq->arena, struct s3_ownership_controls);
    conf->rules.items = VG_NEW(rq->arena, struct s3_ownership_controls_rule);
    conf->rules.items[0].object_ownership.text = b->ownership;
    conf->rules.len = 1;
    out->ownership_controls = conf;
    return VG_OK;
}

vg_rc
s3_delete_bucket_ownership_controls(struct vg_req *rq,
                                    const struct s3_delete_bucket_ownership_controls_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    vg_rc rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    return rc == VG_OK ? set_ownership(&e, VG_STR_NONE) : rc;
}

/* --- the bucket's list --------------------------------------------------------------------------
 */

vg_rc
s3_put_bucket_acl(struct vg_req *rq, const struct s3_put_bucket_acl_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    const struct s3_acl_asked asked = s3_acl_asked_of_put(in);
    struct s3_access_control_policy *acl = NULL;
    vg_rc rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc == VG_OK)
        rc = s3_acl_read(rq, e.bucket->account, &asked, &acl);
    if (rc == VG_OK && !acl)
        return s3_acl_missing(rq);
    if (rc != VG_OK)
        return rc;
    if (!s3_has_lists(e.bucket))
        return s3_fail_access_control_list_not_supported(rq, "The bucket does not allow ACLs");
    if ((e.bucket->blocks & S3_BLOCK_PUBLIC_ACLS) && s3_acl_is_public(acl))
        return s3_denied(rq, e.bucket, VG_STR_NONE, S3_PUBLIC_ACLS);
    e.bucket->has_acl = !s3_acl_is_private(acl);
    s3_store_put_config(&e, S3_CONFIG_ACL, &s3_shape_access_control_policy, acl);
    s3_store_put_bucket(&e, e.bucket);
    return s3_store_edit_commit(&e);
}

vg_rc
s3_get_bucket_acl(struct vg_req *rq, const struct s3_get_bucket_acl_request *in,
                  struct s3_get_bucket_acl_output *out)
{
    struct s3_rec_bucket *b;
    struct s3_access_control_policy *acl = NULL;
    void *found = NULL;
    vg_rc rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &b);
    if (rc == VG_OK && s3_has_lists(b))
        rc = s3_store_config(rq, b, S3_CONFIG_ACL, &s3_shape_access_control_policy, &found);
    if (rc == VG_OK && !found) {
        const struct s3_acl_asked asked = { .canned = VG_STR("private") };
        rc = s3_acl_read(rq, b->account, &asked, &acl);
    }
    if (rc != VG_OK)
        return rc;
    acl = found ? found : acl;
    out->owner = acl->owner;
    out->grants = acl->grants;
    return VG_OK;
}

/* --- CORS ---------------------------------------------------------------------------------------
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
 */

#define CORS_RULES_MAX 100
#define CORS_ID_MAX    255

static size_t
count(struct vg_str text, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == c;
    return n;
}

static vg_rc
check_cors_texts(struct vg_req *rq, const struct s3_cors_rule *rule)
{
    for (size_t i = 0; i < rule->allowed_origins.len; i++)
        if (count(rule->allowed_origins.items[i], '*') > 1)
            return s3_fail_invalid_request(
                rq, "AllowedOrigin \"%" VG_FMT "\" can not have more than one wildcard.",
                VG_ARG(rule->allowed_origins.items[i]));
    for (size_t i = 0; i < rule->allowed_headers.len; i++)
        if (count(rule->allowed_headers.items[i], '*') > 1)
            return s3_fail_invalid_request(
                rq, "AllowedHeader \"%" VG_FMT "\" can not have more than one wildcard.",
                VG_ARG(rule->allowed_headers.items[i]));
    for (size_t i = 0; i < rule->expose_headers.len; i++)
        if (count(rule->expose_headers.items[i], '*') > 0)
            return s3_fail_invalid_request(rq,
                                           "ExposeHeader \"%" VG_FMT "\" contains wildcard. We "
                                           "currently do not support wildcard for ExposeHeader.",
                                           VG_ARG(rule->expose_headers.items[i]));
    return VG_OK;
}

static vg_rc
check_cors_rule(struct vg_req *rq, const struct s3_cors_rule *rule)
{
    if (rule->allowed_methods.len == 0 || rule->allowed_origins.len == 0
        || (rule->max_age_seconds.set && rule->max_age_seconds.v < 0))
        return s3_malformed_xml(rq);
    if (vg_str_utf16_len(rule->id) > CORS_ID_MAX)
        return s3_fail_invalid_request(rq, "The ID of a CORS rule has at most %d characters.",
                                       CORS_ID_MAX);
    for (size_t i = 0; i < rule->allowed_methods.len; i++)
        if (!s3_cors_is_method(rule->allowed_methods.items[i]))
            return s3_fail_invalid_request(
                rq, "Found unsupported HTTP method in CORS config. Unsupported method is %" VG_FMT,
                VG_ARG(rule->allowed_methods.items[i]));
    return check_cors_texts(rq, rule);
}

vg_rc
s3_put_bucket_cors(struct vg_req *rq, const struct s3_put_bucket_cors_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    const struct s3_cors_configuration *conf = in->cors_configuration;
    if (!conf || conf->cors_rules.len == 0)
        return s3_malformed_xml(rq);
    if (conf->cors_rules.len > CORS_RULES_MAX)
        return s3_fail_invalid_request(
            rq, "The number of CORS rules should not exceed allowed limit of %d rules.",
            CORS_RULES_MAX);
    for (size_t i = 0; i < conf->cors_rules.len; i++) {
        vg_rc rc = check_cors_rule(rq, &conf->cors_rules.items[i]);
        if (rc != VG_OK)
            return rc;
    }
    vg_rc rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc != VG_OK)
        return rc;
    s3_store_put_config(&e, S3_CONFIG_CORS, &s3_shape_cors_configuration, conf);
    return s3_store_edit_commit(&e);
}

vg_rc
s3_get_bucket_cors(struct vg_req *rq, const struct s3_get_bucket_cors_request *in,
                   struct s3_get_bucket_cors_output *out)
{
    void *found;
    vg_rc rc = s3_need_config(rq, in->bucket, in->expected_bucket_owner, S3_CONFIG_CORS,
                              &s3_shape_cors_configuration, &found);
    if (rc != VG_OK)
        return rc;
    if (!found) {
        struct s3_no_such_cors_configuration *d =
            VG_NEW(rq->arena, struct s3_no_such_cors_configuration);
        d->bucket_name = in->bucket;
        return s3_fail_no_such_cors_configuration_detail(rq, d,
                                                         "The CORS configuration does not exist");
    }
    out->cors_rules = ((const struct s3_cors_configuration *)found)->cors_rules;
    return VG_OK;
}

vg_rc
s3_delete_bucket_cors(struct vg_req *rq, const struct s3_delete_bucket_cors_request *in)
{
    return s3_drop_config(rq, in->bucket, in->expected_bucket_owner, S3_CONFIG_CORS);
}
