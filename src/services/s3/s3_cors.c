/* SPDX-License-Identifier: Apache-2.0 */

/* What pages of other origins may send: preflights, and the headers of answers to them. */

#include "services/s3/s3_cors.h"

#include "base/buf.h"
#include "codec/uri.h"
#include "core/reply.h"
#include "services/s3/s3_http.h"
#include "services/s3/s3_int.h"

#define NOT_ALLOWED                                                                                \
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of "    \
    "Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers "    \
    "are "                                                                                         \
    "not whitelisted by the resource's CORS spec."

static struct vg_str
header(const struct vg_http_head *head, const char *name)
{
    return head->header(head->of, vg_str_of(name));
}

static vg_rc
rules_of(struct vg_req *rq, const struct s3_place *at, struct s3_rec_bucket **ret_bucket,
         struct s3_cors_configuration **ret)
{
    void *found = NULL;
    vg_rc rc = s3_store_bucket(rq, at->bucket, ret_bucket);
    if (rc == VG_OK && *ret_bucket)
        rc = s3_store_config(rq, *ret_bucket, S3_CONFIG_CORS, &s3_shape_cors_configuration, &found);
    *ret = found;
    return rc;
}

static struct vg_str
list_of(struct vg_arena *arena, const struct vg_str *items, size_t n)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 64u << 10);
    for (size_t i = 0; i < n; i++)
        vg_buf_addf(&b, "%s%" VG_FMT, i ? ", " : "", VG_ARG(items[i]));
    return vg_buf_str(&b);
}

static void
add(struct vg_req *rq, const char *name, struct vg_str value)
{
    vg_reply_header(rq, vg_str_of(name), value);
}

/* All of them on answers to any request, as S3 has it. */
static void
add_headers(struct vg_req *rq, const struct s3_cors_rule *rule, const struct s3_cors_asked *asked)
{
    bool is_any = s3_cors_is_any_origin(rule);
    add(rq, "Access-Control-Allow-Origin", is_any ? VG_STR("*") : asked->origin);
    add(rq, "Access-Control-Allow-Methods",
        list_of(rq->arena, rule->allowed_methods.items, rule->allowed_methods.len));
    if (asked->headers.len > 0)
        add(rq, "Access-Control-Allow-Headers", s3_cors_headers_text(rq->arena, asked->headers));
    if (rule->expose_headers.len > 0)
        add(rq, "Access-Control-Expose-Headers",
            list_of(rq->arena, rule->expose_headers.items, rule->expose_headers.len));
    if (rule->max_age_seconds.set)
        add(rq, "Access-Control-Max-Age",
            vg_str_fmt(rq->arena, "%lld", (long long)rule->max_age_seconds.v));
    if (!is_any)
        add(rq, "Access-Control-Allow-Credentials", VG_STR("true"));
    add(rq, "Vary",
        VG_STR("Origin, Access-Control-Request-Headers, Access-Control-Request-Method"));
}

/* A request that names the method of another is judged by that one, whatever its own is. */
static struct s3_cors_asked
asked_of(const struct vg_http_head *head)
{
    struct s3_cors_asked asked = { .origin = header(head, "origin"),
                                   .method = header(head, "access-control-request-method"),
                                   .headers = header(head, "access-control-request-headers") };
    if (!asked.method.len)
        asked.method = head->method;
    return asked;
}

vg_rc
s3_decorate(struct vg_req *rq, const struct vg_http_head *head)
{
    struct s3_rec_bucket *bucket = NULL;
    struct s3_cors_configuration *conf = NULL;
    const struct s3_cors_asked asked = asked_of(head);
    const struct s3_place at = s3_place_of(rq->arena, head->path);
    if (!asked.origin.len || !at.bucket.len)
        return VG_OK;
    vg_rc rc = rules_of(rq, &at, &bucket, &conf);
    const struct s3_cors_rule *rule =
        rc == VG_OK && conf ? s3_cors_match(rq->arena, conf, &asked) : NULL;
    if (rule)
        add_headers(rq, rule, &asked);
    return rc;
}

static vg_rc
forbid(struct vg_req *rq, const struct s3_cors_asked *asked, struct vg_str type, const char *text)
{
    struct s3_access_forbidden *d = VG_NEW(rq->arena, struct s3_access_forbidden);
    d->method = asked->method;
    d->resource_type = type;
    return s3_fail_access_forbidden_detail(rq, d, "%s", text);
}

vg_rc
s3_preflight(struct vg_req *rq, const struct vg_http_head *head)
{
    struct s3_rec_bucket *bucket = NULL;
    struct s3_cors_configuration *conf = NULL;
    const struct s3_cors_asked asked = asked_of(head);
    const struct s3_place at = s3_place_of(rq->arena, head->path);
    if (!asked.origin.len)
        return s3_fail_bad_request(rq, "Insufficient information. Origin request header needed.");
    vg_rc rc = rules_of(rq, &at, &bucket, &conf);
    if (rc != VG_OK)
        return rc;
    if (!bucket)
        return forbid(rq, &asked, S3_TYPE_BUCKET, "CORSResponse: Bucket not found");
    if (!conf)
        return forbid(rq, &asked, S3_TYPE_BUCKET,
                      "CORSResponse: CORS is not enabled for this bucket.");
    struct vg_str method = header(head, "access-control-request-method");
    if (!s3_cors_is_method(method))
        return s3_fail_bad_request(rq, "Invalid Access-Control-Request-Method: %" VG_FMT,
                                   VG_ARG(method.len ? method : VG_STR("null")));
    const struct s3_cors_rule *rule = s3_cors_match(rq->arena, conf, &asked);
    if (!rule)
        return forbid(rq, &asked, at.key.len ? S3_TYPE_OBJECT : S3_TYPE_BUCKET, NOT_ALLOWED);
    add_headers(rq, rule, &asked);
    return VG_OK;
}
