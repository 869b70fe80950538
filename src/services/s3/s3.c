/* SPDX-License-Identifier: Apache-2.0 */

/* The service: what policies must know of buckets and objects. */

#include "services/s3/s3_int.h"

#include "auth/cache.h"
#include "core/env.h"
#include "core/hooks.h"
#include "core/plane.h"
#include "core/reply.h"
#include "services/s3/s3_acl.h"
#include "services/s3/s3_check.h"
#include "services/s3/s3_digest.h"
#include "services/s3/s3_form.h"
#include "services/s3/s3_http.h"
#include "services/s3/s3_log.h"
#include "services/s3/s3_log_note.h"
#include "services/s3/s3_policy.h"
#include "services/s3/s3_slots.h"
#include "services/s3/s3_state.h"
#include "services/s3/s3_website.h"
#include "store/bound.h"

#include <stdlib.h>

#define CACHED_MAX 1000u /* accounts' keys, and buckets */

/* The bucket of "arn:aws:s3:::bucket" and of "arn:aws:s3:::bucket/key"; absent: neither. */
static struct vg_str
bucket_of(struct vg_str arn, struct vg_str *ret_key)
{
    for (int i = 0; i < 5; i++)
        vg_str_cut(&arn, ':');
    struct vg_str bucket = vg_str_cut(&arn, '/');
    *ret_key = arn;
    return bucket.len ? bucket : VG_STR_NONE;
}

/*
 * "the root principal in a bucket owner's AWS account can perform the GetBucketPolicy,
 * PutBucketPolicy, and DeleteBucketPolicy API actions, even if their bucket policy explicitly
 * denies the root principal":
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
 */
static bool
is_root_at_policy(const struct vg_req *rq, const struct s3_rec_bucket *b)
{
    const struct vg_principal *who = rq->scope->caller;
    return who && who->kind == VG_PRINCIPAL_ROOT && vg_str_eq(who->account, b->account)
           && (rq->op == &s3_op_put_bucket_policy || rq->op == &s3_op_get_bucket_policy
               || rq->op == &s3_op_delete_bucket_policy);
}

/*
 * RestrictPublicBuckets: only services and the owner's account use a public policy.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
 */
static bool
is_shut_out(const struct vg_req *rq, const struct s3_rec_bucket *b)
{
    const struct vg_principal *who = rq->scope->caller;
    return (b->blocks & S3_RESTRICT_PUBLIC_BUCKETS) && b->policy == S3_POLICY_PUBLIC && who
           && who->kind != VG_PRINCIPAL_SERVICE && !vg_str_eq(who->account, b->account);
}

/* The bucket's policy, with what its list grants as further statements. */
static vg_rc
policy_of(struct vg_req *rq, const struct s3_rec_bucket *b, struct vg_str *ret)
{
    void *acl = NULL;
    *ret = VG_STR_NONE;
    vg_rc rc = is_root_at_policy(rq, b) || is_shut_out(rq, b) ? VG_OK : s3_policy_of(rq, b, ret);
    if (rc == VG_OK && b->has_acl && s3_has_lists(b) && !s3_log_is_without_lists(rq))
        rc = s3_store_config(rq, b, S3_CONFIG_ACL, &s3_shape_access_control_policy, &acl);
    if (rc != VG_OK || !acl)
        return rc;
    struct vg_str granted = s3_acl_statements(rq, b, acl, (b->blocks & S3_IGNORE_PUBLIC_ACLS) != 0);
    if (granted.len > 0)
        *ret = s3_policy_with(rq->arena, *ret, granted);
    return VG_OK;
}

/* What the list of an object grants, where lists count. */
static vg_rc
add_object_acl(struct vg_req *rq, const struct s3_rec_bucket *b, struct vg_str key,
               struct vg_str *policy)
{
    struct s3_access_control_policy *acl = NULL;
    struct s3_rec_version *v = NULL;
    if (!s3_has_lists(b) || key.len == 0 || s3_log_is_without_lists(rq))
        return VG_OK;
    vg_rc rc = s3_store_current(rq, b, key, &v);
    bool is_needed = rc == VG_OK && v && (v->acl.ptr || !vg_str_eq(v->owner, b->account));
    if (is_needed)
        rc = s3_object_acl(rq, v, &acl);
    if (rc != VG_OK || !acl)
        return rc;
    bool is_public_ignored = (b->blocks & S3_IGNORE_PUBLIC_ACLS) != 0;
    struct vg_str granted = s3_acl_object_statements(rq, b, acl, is_public_ignored);
    if (granted.len > 0)
        *policy = s3_policy_with(rq->arena, *policy, granted);
    return VG_OK;
}

/*
 * Owner and policy of a bucket, or of the bucket an object is in.  Of one that there is not, our
 * own operations say so before they ask anybody's policy, as S3 does.  Tags of buckets count in
 * policies only where that is enabled (PutBucketAbac), which is not built.
 */
static vg_rc
resource(struct vg_req *rq, struct vg_str arn, struct vg_resource *ret)
{
    struct s3_rec_bucket *bucket = NULL;
    struct vg_str key, name = bucket_of(arn, &key);
    if (!name.ptr || rq->op == &s3_op_create_bucket)
        return VG_OK;
    vg_rc rc = s3_store_bucket(rq, name, &bucket);
    if (rc == VG_OK && !bucket && rq->op && rq->op->service == &s3_service)
        return s3_no_bucket(rq, name);
    if (rc != VG_OK || !bucket)
        return rc;
    ret->owner = bucket->account;
    if (rq->op == &s3_op_head_bucket) /* who may not see it is told too where to ask */
        vg_reply_header(rq, VG_STR("x-amz-bucket-region"), bucket->region);
    rc = policy_of(rq, bucket, &ret->policy);
    return rc == VG_OK ? add_object_acl(rq, bucket, key, &ret->policy) : rc;
}

/* --- life
 * -----------------------------------------------------------------------------------------
 */

static vg_rc
init(const struct vg_env *env, void **ret_svc, struct vg_err *err)
{
    (void)err;
    struct s3 *s3 = vg_xalloc(sizeof(*s3));
    s3->master_keys = vg_cache_new(CACHED_MAX);
    s3->buckets = vg_cache_new(CACHED_MAX);
    s3->slots = s3_slots_new();
    s3->notices = vg_bounds_new(env->kv);
    s3->logs = s3_logs_new(env->kv);
    *ret_svc = s3;
    return VG_OK;
}

static void
fini(void *svc)
{
    struct s3 *s3 = svc;
    if (s3 == NULL)
        return;
    s3_logs_free(s3->logs);
    vg_bounds_free(s3->notices);
    s3_slots_free(s3->slots);
    vg_cache_free(s3->buckets);
    vg_cache_free(s3->master_keys);
    free(s3);
}

static const struct vg_plane planes[] = {
    { .name = "s3-website", .match = s3_website_match, .serve = s3_website_serve },
};

static const struct vg_hooks hooks = {
    .takes_any_path = true,
    .forms = &s3_forms,
    .decorate = s3_decorate,
    .check_head = s3_check_head,
    .add_headers = s3_add_headers,
    .check_body = s3_check_body,
    .other = s3_other,
    .done = s3_log_done,
};

const struct vg_service s3_service = {
    .name = "s3",
    .ops = s3_ops,
    .planes = planes,
    .n_planes = VG_COUNT(planes),
    .hooks = &hooks,
    .resource = resource,
    .denial = s3_denial,
    .check = s3_check,
    .init = init,
    .fini = fini,
};
