/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What S3 tells those whom it refuses:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
 */

#include "services/s3/s3_int.h"

#include "auth/policy.h"

#define PLAIN VG_STR("Access Denied")

/* "Enhanced access denied messages are returned only for same-account requests". */
static bool
is_told_why(const struct vg_req *rq, struct vg_str owner)
{
    const struct vg_principal *who = rq->scope->caller;
    return who && !s3_is_anonymous(rq) && (!owner.ptr || vg_str_eq(who->account, owner));
}

static struct vg_str
on_resource(struct vg_req *rq, struct vg_str arn)
{
    return vg_str_fmt(rq->arena, "on resource: \"%" VG_FMT "\"", VG_ARG(arn));
}

struct vg_str
s3_denial(struct vg_req *rq, const struct vg_access *what, const struct vg_decision *why)
{
    struct vg_access named = *what;
    bool is_all = vg_str_eq(what->resource, VG_STR("*"));
    if (!is_told_why(rq, what->resource_account))
        return PLAIN;
    named.resource_words = is_all ? VG_STR("") : on_resource(rq, what->resource);
    return vg_auth_denial(rq->arena, rq->scope->caller, &named, why);
}

/* The action is named as the operation is: "s3:CopyObject". */
vg_rc
s3_denied(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str key,
          const char *because)
{
    struct vg_str arn =
        key.ptr ? s3_object_arn(rq, bucket->name, key) : s3_bucket_arn(rq, bucket->name);
    struct vg_str text = PLAIN;
    if (is_told_why(rq, bucket->account))
        text = vg_str_fmt(rq->arena,
                          "User: %" VG_FMT " is not authorized to perform: s3:%" VG_FMT " %" VG_FMT
                          " %s",
                          VG_ARG(rq->scope->caller->arn), VG_ARG(rq->op->name),
                          VG_ARG(on_resource(rq, arn)), because);
    return s3_fail_access_denied(rq, "%" VG_FMT, VG_ARG(text));
}
