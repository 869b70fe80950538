/* SPDX-License-Identifier: Apache-2.0 */

/* Configurations of a bucket that act on its objects and on who reaches them. */

#include "services/s3/s3_int.h"

#include "core/reply.h"

bool
s3_has_lists(const struct s3_rec_bucket *b)
{
    return !vg_str_eq(b->ownership, VG_STR("BucketOwnerEnforced"));
}

static vg_rc VG_WAITS
save_bucket(struct s3_bucket_edit *e)
{
    s3_store_put_bucket(e, e->bucket);
    return s3_store_edit_commit(e);
}

static vg_rc VG_WAITS
save_config(struct s3_bucket_edit *e, struct vg_str kind, const struct vg_shape *shape,
            const void *value)
{
    s3_store_put_config(e, kind, shape, value);
    return s3_store_edit_commit(e);
}

vg_rc
s3_drop_config(struct vg_req *rq, struct vg_str name, struct vg_str expected_owner,
               struct vg_str kind)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    vg_rc rc = s3_edit_bucket(rq, name, expected_owner, &e);
    if (rc != VG_OK)
        return rc;
    s3_store_del_config(&e, kind);
    return s3_store_edit_commit(&e);
}

vg_rc
s3_need_config(struct vg_req *rq, struct vg_str name, struct vg_str expected_owner,
               struct vg_str kind, const struct vg_shape *shape, void **ret)
{
    struct s3_rec_bucket *b;
    vg_rc rc = s3_need_bucket(rq, name, expected_owner, &b);
    return rc == VG_OK ? s3_store_config(rq, b, kind, shape, ret) : rc;
}

/* --- versioning ---------------------------------------------------------------------------------
 */

static vg_rc
check_versioning(struct vg_req *rq, const struct s3_put_bucket_versioning_request *in)
{
    const struct s3_versioning_configuration *conf = in->versioning_configuration;
    if (!conf || conf->status.v < 0 || conf->mfa_delete.v < 0)
        return s3_malformed_xml(rq);
    if (conf->mfa_delete.v == S3_MFA_DELETE_ENABLED || in->mfa.ptr)
        return s3_not_built(rq, "MFA delete");
    if (conf->status.v == S3_BUCKET_VERSIONING_STATUS__UNSET)
        return s3_fail_illegal_versioning_configuration_exception(
            rq, "The Versioning element must be specified");
    return VG_OK;
}

vg_rc
s3_put_bucket_versioning(struct vg_req *rq, const struct s3_put_bucket_versioning_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    vg_rc rc = check_versioning(rq, in);
    if (rc == VG_OK)
        rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc != VG_OK)
        return rc;
    bool is_off = in->versioning_configuration->status.v == S3_BUCKET_VERSIONING_STATUS_SUSPENDED;
    if (is_off && e.bucket->has_object_lock)
        return s3_fail_invalid_bucket_state(
            rq, "An Object Lock configuration is present on this bucket, so the versioning state "
                "cannot be changed.");
    e.bucket->versioning = is_off ? VG_STR("Suspended") : VG_STR("Enabled");
    return save_bucket(&e);
}

vg_rc
s3_get_bucket_versioning(struct vg_req *rq, const struct s3_get_bucket_versioning_request *in,
                         struct s3_get_bucket_versioning_output *out)
{
    struct s3_rec_bucket *b;
    vg_rc rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &b);
    if (rc == VG_OK)
        out->status.text = b->versioning;
    return rc;
}

/* --- tags ---------------------------------------------------------------------------------------
 */

static vg_rc VG_WAITS
set_tags(struct s3_bucket_edit *e, const struct s3_tagging *tagging)
{
    e->bucket->has_tags = tagging && tagging->tag_set.len > 0;
    if (e->bucket->has_tags)
        s3_store_put_config(e, S3_CONFIG_TAGS, &s3_shape_tagging, tagging);
    else
        s3_store_del_config(e, S3_CONFIG_TAGS);
    return save_bucket(e);
}

vg_rc
s3_put_bucket_tagging(struct vg_req *rq, const struct s3_put_bucket_tagging_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    if (!in->tagging)
        return s3_malformed_xml(rq);
    vg_rc rc =
        s3_check_tags(rq, &in->tagging->tag_set, S3_LIMIT_BUCKET_TAGS, S3_TOO_MANY_BUCKET_TAGS);
    if (rc == VG_OK)
        rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    vg_reply_status(rq, 204); /* as its page's example has it, and S3 does; the model says 200 */
    return rc == VG_OK ? set_tags(&e, in->tagging) : rc;
}

vg_rc
s3_get_bucket_tagging(struct vg_req *rq, const struct s3_get_bucket_tagging_request *in,
                      struct s3_get_bucket_tagging_output *out)
{
    void *found;
    vg_rc rc = s3_need_config(rq, in->bucket, in->expected_bucket_owner, S3_CONFIG_TAGS,
                              &s3_shape_tagging, &found);
    if (rc != VG_OK)
        return rc;
    if (!found) {
        struct s3_no_such_tag_set *d = VG_NEW(rq->arena, struct s3_no_such_tag_set);
        d->bucket_name = in->bucket;
        return s3_fail_no_such_tag_set_detail(rq, d, "The TagSet does not exist");
    }
    out->tag_set = ((const struct s3_tagging *)found)->tag_set;
    return VG_OK;
}

vg_rc
s3_delete_bucket_tagging(struct vg_req *rq, const struct s3_delete_bucket_tagging_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    vg_rc rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    return rc == VG_OK ? set_tags(&e, NULL) : rc;
}

/* --- encryption ---------------------------------------------------------------------------------
 */

static vg_rc
check_algorithm(struct vg_req *rq, const struct s3_server_side_encryption_by_default *by)
{
    if (by->sse_algorithm.v == S3_SERVER_SIDE_ENCRYPTION_AWS_KMS_DSSE)
        return s3_not_built(rq, "Dual-layer encryption with AWS KMS");
    if (by->sse_algorithm.v == S3_SERVER_SIDE_ENCRYPTION_AWS_KMS)
        return VG_OK;
    if (by->sse_algorithm.v != S3_SERVER_SIDE_ENCRYPTION_AES256)
        return s3_malformed_xml(rq);
    if (by->kms_master_key_id.ptr)
        return s3_bad_argument(
            rq,
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or "
            "aws:kms:dsse",
            "ApplyServerSideEncryptionByDefault", VG_STR_NONE);
    return VG_OK;
}

/* One of the two: NONE takes back that SSE-C is blocked. */
static vg_rc
check_blocked(struct vg_req *rq, const struct s3_blocked_encryption_types *blocked)
{
    bool is_one = blocked->encryption_type.len == 1 && blocked->encryption_type.items[0].v >= 0;
    return is_one ? VG_OK : s3_malformed_xml(rq);
}

static vg_rc
check_encryption(struct vg_req *rq, const struct s3_server_side_encryption_configuration *conf)
{
    if (!conf || conf->rules.len != 1)
        return s3_malformed_xml(rq);
    const struct s3_server_side_encryption_rule *rule = &conf->rules.items[0];
    const struct s3_server_side_encryption_by_default *by =
        rule->apply_server_side_encryption_by_default;
    if (!by && !rule->blocked_encryption_types)
        return s3_malformed_xml(rq);
    vg_rc rc =
        rule->blocked_encryption_types ? check_blocked(rq, rule->blocked_encryption_types) : VG_OK;
    return rc == VG_OK && by ? check_algorithm(rq, by) : rc;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html */
static struct s3_server_side_encryption_by_default *
default_encryption(struct vg_req *rq)
{
    struct s3_server_side_encryption_by_default *by =
        VG_NEW(rq->arena, struct s3_server_side_encryption_by_default);
    by->sse_algorithm = VG_ENUM(S3_SERVER_SIDE_ENCRYPTION_AES256);
    return by;
}

/*
 * Everything is encrypted with AES256 anyway; a key of KMS is looked for when it is used.  What
 * writes objects need not read is in the bucket's record; so is whether SSE-C is blocked, which a
 * rule that does not speak of it leaves as it is:
 * https://github.com/hashicorp/terraform-provider-aws/issues/47320
 */
vg_rc
s3_put_bucket_encryption(struct vg_req *rq, const struct s3_put_bucket_encryption_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    struct s3_server_side_encryption_rule rule;
    vg_rc rc = check_encryption(rq, in->server_side_encryption_configuration);
    if (rc == VG_OK)
        rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc != VG_OK)
        return rc;
    rule = in->server_side_encryption_configuration->rules.items[0];
    if (rule.blocked_encryption_types)
        e.bucket->takes_customer_keys =
            rule.blocked_encryption_types->encryption_type.items[0].v == S3_ENCRYPTION_TYPE_NONE;
    rule.blocked_encryption_types = NULL;
    if (!rule.apply_server_side_encryption_by_default)
        rule.apply_server_side_encryption_by_default = default_encryption(rq);
    e.bucket->is_kms_default = rule.apply_server_side_encryption_by_default->sse_algorithm.v
                               == S3_SERVER_SIDE_ENCRYPTION_AWS_KMS;
    s3_store_put_bucket(&e, e.bucket);
    const struct s3_server_side_encryption_configuration kept = {
        .rules = { .items = &rule, .len = 1, .set = true }
    };
    return save_config(&e, S3_CONFIG_ENCRYPTION, &s3_shape_server_side_encryption_configuration,
                       &kept);
}

static struct s3_blocked_encryption_types *
blocked_types(struct vg_req *rq, const struct s3_rec_bucket *bucket)
{
    struct s3_blocked_encryption_types *ret = VG_NEW(rq->arena, struct s3_blocked_encryption_types);
    ret->encryption_type.items = VG_NEW(rq->arena, __typeof__(*ret->encryption_type.items));
    ret->encryption_type.items[0] = bucket->takes_customer_keys ? VG_ENUM(S3_ENCRYPTION_TYPE_NONE)
                                                                : VG_ENUM(S3_ENCRYPTION_TYPE_SSE_C);
    ret->encryption_type.len = 1;
    return ret;
}

vg_rc
s3_get_bucket_encryption(struct vg_req *rq, const struct s3_get_bucket_encryption_request *in,
                         struct s3_get_bucket_encryption_output *out)
{
    struct s3_rec_bucket *bucket;
    void *found = NULL;
    vg_rc rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &bucket);
    if (rc == VG_OK)
        rc = s3_store_config(rq, bucket, S3_CONFIG_ENCRYPTION,
                             &s3_shape_server_side_encryption_configuration, &found);
    if (rc != VG_OK)
        return rc;
    struct s3_server_side_encryption_configuration *conf =
        VG_NEW(rq->arena, struct s3_server_side_encryption_configuration);
    struct s3_server_side_encryption_rule *rule =
        VG_NEW(rq->arena, struct s3_server_side_encryption_rule);
    if (found)
        *rule = ((struct s3_server_side_encryption_configuration *)found)->rules.items[0];
    else
        rule->apply_server_side_encryption_by_default = default_encryption(rq);
    rule->bucket_key_enabled.set = true;
    rule->blocked_encryption_types = blocked_types(rq, bucket);
    conf->rules.items = rule;
    conf->rules.len = 1;
    out->server_side_encryption_configuration = conf;
    return VG_OK;
}

/* Of blocked types AWS does not say what becomes; they stay. */
vg_rc
s3_delete_bucket_encryption(struct vg_req *rq, const struct s3_delete_bucket_encryption_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    vg_rc rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc != VG_OK)
        return rc;
    e.bucket->is_kms_default = false;
    s3_store_put_bucket(&e, e.bucket);
    s3_store_del_config(&e, S3_CONFIG_ENCRYPTION);
    return s3_store_edit_commit(&e);
}

/* --- object lock --------------------------------------------------------------------------------
 */

#define LOCK_DAYS_MAX  36500
#define LOCK_YEARS_MAX 100

static vg_rc
check_retention(struct vg_req *rq, const struct s3_default_retention *r)
{
    if (!r || r->mode.v <= 0 || r->days.set == r->years.set)
        return s3_malformed_xml(rq);
    if (r->default_event_hold)
        return s3_not_built(rq, "A default event hold");
    int64_t n = r->days.set ? r->days.v : r->years.v;
    const char *name = r->days.set ? "Days" : "Years";
    struct vg_str text = vg_str_fmt(rq->arena, "%lld", (long long)n);
    if (n <= 0)
        return s3_bad_argument(rq, "Default retention period must be a positive integer value.",
                               name, text);
    if (n > (r->days.set ? LOCK_DAYS_MAX : LOCK_YEARS_MAX))
        return s3_bad_argument(rq, "Default retention period too large", name, text);
    return VG_OK;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html */
vg_rc
s3_put_object_lock_configuration(struct vg_req *rq,
                                 const struct s3_put_object_lock_configuration_request *in,
                                 struct s3_put_object_lock_configuration_output *out)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    const struct s3_object_lock_configuration *conf = in->object_lock_configuration;
    (void)out;
    if (!conf || conf->object_lock_enabled.v != S3_OBJECT_LOCK_ENABLED_ENABLED)
        return s3_malformed_xml(rq);
    if (in->token.ptr)
        return s3_not_built(rq, "The header x-amz-bucket-object-lock-token");
    vg_rc rc = conf->rule ? check_retention(rq, conf->rule->default_retention) : VG_OK;
    if (rc == VG_OK)
        rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc != VG_OK)
        return rc;
    if (!vg_str_eq(e.bucket->versioning, VG_STR("Enabled")))
        return s3_fail_invalid_bucket_state(
            rq, "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration");
    e.bucket->has_object_lock = true;
    s3_store_put_config(&e, S3_CONFIG_LOCK, &s3_shape_object_lock_configuration, conf);
    return save_bucket(&e);
}

vg_rc
s3_get_object_lock_configuration(struct vg_req *rq,
                                 const struct s3_get_object_lock_configuration_request *in,
                                 struct s3_get_object_lock_configuration_output *out)
{
    struct s3_rec_bucket *b;
    void *found = NULL;
    vg_rc rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &b);
    if (rc == VG_OK && !b->has_object_lock) {
        struct s3_object_lock_configuration_not_found_error *d =
            VG_NEW(rq->arena, struct s3_object_lock_configuration_not_found_error);
        d->bucket_name = in->bucket;
        return s3_fail_object_lock_configuration_not_found_error_detail(
            rq, d, "Object Lock configuration does not exist for this bucket");
    }
    if (rc == VG_OK)
        rc = s3_store_config(rq, b, S3_CONFIG_LOCK, &s3_shape_object_lock_configuration, &found);
    if (rc != VG_OK)
        return rc;
    out->object_lock_configuration =
        found ? found : VG_NEW(rq->arena, struct s3_object_lock_configuration);
    out->object_lock_configuration->object_lock_enabled = VG_ENUM(S3_OBJECT_LOCK_ENABLED_ENABLED);
    return VG_OK;
}
