/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Access control lists: what a request asks for, and what they grant.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
 */

#include "services/s3/s3_acl.h"

#include "codec/json.h"
#include "services/s3/s3_log.h"

#define GRANTS_MAX            100
#define ALL_USERS_URI         "http://acs.amazonaws.com/groups/global/AllUsers"
#define ALL_USERS             VG_STR(ALL_USERS_URI)
#define ALL_AUTHENTICATED_URI "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
#define ALL_AUTHENTICATED     VG_STR(ALL_AUTHENTICATED_URI)
#define LOG_DELIVERY_URI      "http://acs.amazonaws.com/groups/s3/LogDelivery"
#define LOG_DELIVERY          VG_STR(LOG_DELIVERY_URI)

struct s3_owner *
s3_owner_of(struct vg_req *rq, struct vg_str account)
{
    struct s3_owner *owner = VG_NEW(rq->arena, struct s3_owner);
    owner->id = s3_canonical_id(rq->arena, account);
    return owner;
}

/* --- what a request asks for --------------------------------------------------------------------
 */

static struct s3_access_control_policy *
new_acl(struct vg_req *rq, struct vg_str account)
{
    struct s3_access_control_policy *acl = VG_NEW(rq->arena, struct s3_access_control_policy);
    acl->owner = s3_owner_of(rq, account);
    acl->grants.items = VG_NEW_ARRAY(rq->arena, struct s3_grant, GRANTS_MAX + 1);
    acl->grants.set = true;
    return acl;
}

/* False: there are too many. */
static bool
add(struct vg_req *rq, struct s3_access_control_policy *acl, int permission, struct vg_str id,
    struct vg_str uri)
{
    if (acl->grants.len == GRANTS_MAX)
        return false;
    struct s3_grantee *to = VG_NEW(rq->arena, struct s3_grantee);
    to->id = id;
    to->uri = uri;
    to->type = id.ptr ? VG_ENUM(S3_TYPE_CANONICAL_USER) : VG_ENUM(S3_TYPE_GROUP);
    acl->grants.items[acl->grants.len++] =
        (struct s3_grant) { .grantee = to, .permission = VG_ENUM(permission) };
    return true;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl */
static vg_rc
from_canned(struct vg_req *rq, struct vg_str account, const struct s3_acl_asked *asked,
            struct s3_access_control_policy **ret)
{
    static const struct {
        struct vg_str name;
        const char *group;
        int permissions[2]; /* 0: none */
        bool is_of_buckets;
    } all[] = {
        { .name = VG_STR_INIT("private") },
        { VG_STR_INIT("public-read"), ALL_USERS_URI, { S3_PERMISSION_READ }, false },
        { VG_STR_INIT("public-read-write"),
          ALL_USERS_URI,
          { S3_PERMISSION_READ, S3_PERMISSION_WRITE },
          false },
        { VG_STR_INIT("authenticated-read"), ALL_AUTHENTICATED_URI, { S3_PERMISSION_READ }, false },
        { VG_STR_INIT("log-delivery-write"),
          LOG_DELIVERY_URI,
          { S3_PERMISSION_WRITE, S3_PERMISSION_READ_ACP },
          true },
    };
    struct s3_access_control_policy *acl = new_acl(rq, account);
    add(rq, acl, S3_PERMISSION_FULL_CONTROL, acl->owner->id, VG_STR_NONE);
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        if (!vg_str_eq(all[i].name, asked->canned) || (all[i].is_of_buckets && !asked->is_buckets))
            continue;
        for (size_t k = 0; k < VG_COUNT(all[i].permissions); k++)
            if (all[i].permissions[k])
                add(rq, acl, all[i].permissions[k], VG_STR_NONE, vg_str_of(all[i].group));
        *ret = acl;
        return VG_OK;
    }
    if (vg_str_eq(asked->canned, VG_STR("aws-exec-read")))
        return s3_not_built(rq, "The canned ACL aws-exec-read");
    return s3_bad_argument(rq, "", "x-amz-acl", asked->canned);
}

static bool
is_group(struct vg_str uri)
{
    return vg_str_eq(uri, ALL_USERS) || vg_str_eq(uri, ALL_AUTHENTICATED)
           || vg_str_eq(uri, LOG_DELIVERY);
}

vg_rc
s3_acl_missing(struct vg_req *rq)
{
    struct s3_missing_security_header *d = VG_NEW(rq->arena, struct s3_missing_security_header);
    d->missing_header_name = VG_STR("x-amz-acl");
    return s3_fail_missing_security_header_detail(rq, d,
                                                  "Your request was missing a required header");
}

/* What the parts of a grantee are called: in headers, and in bodies. */
struct names {
    const char *id, *uri;
};

static vg_rc
check_grantee(struct vg_req *rq, const struct names *names, struct vg_str id, struct vg_str uri,
              struct vg_str email)
{
    if (email.ptr)
        return s3_fail_unresolvable_grant_by_email_address(
            rq, "The e-mail address you provided does not match any account on record.");
    if (uri.ptr)
        return is_group(uri) ? VG_OK : s3_bad_argument(rq, "Invalid group uri", names->uri, uri);
    return s3_canonical_account(rq->arena, id).ptr
               ? VG_OK
               : s3_bad_argument(rq, "Invalid id", names->id, id);
}

vg_rc
s3_acl_check_grantee(struct vg_req *rq, struct vg_str id, struct vg_str uri, struct vg_str email)
{
    static const struct names in_bodies = { "CanonicalUser/ID", "Group/URI" };
    return check_grantee(rq, &in_bodies, id, uri, email);
}

/* id="…", uri="…", emailAddress="…" */
static vg_rc
from_header(struct vg_req *rq, struct s3_access_control_policy *acl, const char *header,
            struct vg_str text, int permission)
{
    struct vg_str rest = text;
    while (rest.len) {
        struct vg_str value = vg_str_trim(vg_str_cut(&rest, ','));
        struct vg_str kind = vg_str_trim(vg_str_cut(&value, '='));
        value = vg_str_trim(value);
        if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
            value = vg_str_slice(value, 1, value.len - 1);
        bool is_id = vg_str_eq_nocase(kind, VG_STR("id"));
        bool is_uri = vg_str_eq_nocase(kind, VG_STR("uri"));
        bool is_email = vg_str_eq_nocase(kind, VG_STR("emailAddress"));
        if (!value.ptr || (!is_id && !is_uri && !is_email))
            return s3_bad_argument(rq, "Argument format not recognized", header, text);
        static const struct names in_headers = { "id", "uri" };
        vg_rc rc = check_grantee(rq, &in_headers, value, is_uri ? value : VG_STR_NONE,
                                 is_email ? value : VG_STR_NONE);
        if (rc != VG_OK)
            return rc;
        if (!add(rq, acl, permission, is_id ? value : VG_STR_NONE, is_uri ? value : VG_STR_NONE))
            return s3_fail_malformed_acl_error(rq, "An ACL can have up to %d grants.", GRANTS_MAX);
    }
    return VG_OK;
}

static vg_rc
from_headers(struct vg_req *rq, struct vg_str account, const struct s3_acl_asked *asked,
             struct s3_access_control_policy **ret)
{
    const struct {
        const char *header;
        struct vg_str text;
        int permission;
    } all[] = {
        { "x-amz-grant-full-control", asked->full_control, S3_PERMISSION_FULL_CONTROL },
        { "x-amz-grant-read", asked->read, S3_PERMISSION_READ },
        { "x-amz-grant-write", asked->write, S3_PERMISSION_WRITE },
        { "x-amz-grant-read-acp", asked->read_acp, S3_PERMISSION_READ_ACP },
        { "x-amz-grant-write-acp", asked->write_acp, S3_PERMISSION_WRITE_ACP },
    };
    struct s3_access_control_policy *acl = new_acl(rq, account);
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        vg_rc rc = from_header(rq, acl, all[i].header, all[i].text, all[i].permission);
        if (rc != VG_OK)
            return rc;
    }
    *ret = acl;
    return VG_OK;
}

static vg_rc
malformed(struct vg_req *rq)
{
    return s3_fail_malformed_acl_error(rq, "The XML you provided was not well-formed or did not "
                                           "validate against our published schema");
}

/* The list in the body: its owner must be the bucket's. */
static vg_rc
from_body(struct vg_req *rq, struct vg_str account, const struct s3_access_control_policy *body,
          struct s3_access_control_policy **ret)
{
    struct s3_access_control_policy *acl = new_acl(rq, account);
    if (!body->owner || !body->owner->id.ptr || body->grants.len > GRANTS_MAX)
        return malformed(rq);
    if (!vg_str_eq(body->owner->id, acl->owner->id))
        return s3_bad_argument(rq, "Invalid id", "CanonicalUser/ID", body->owner->id);
    for (size_t i = 0; i < body->grants.len; i++) {
        const struct s3_grant *g = &body->grants.items[i];
        const struct s3_grantee *to = g->grantee;
        if (!to || to->type.v < 0 || g->permission.v <= 0
            || (!to->id.ptr && !to->uri.ptr && !to->email_address.ptr))
            return malformed(rq);
        vg_rc rc = s3_acl_check_grantee(rq, to->id, to->uri, to->email_address);
        if (rc != VG_OK)
            return rc;
        add(rq, acl, g->permission.v, to->uri.ptr ? VG_STR_NONE : to->id, to->uri);
    }
    *ret = acl;
    return VG_OK;
}

struct s3_acl_asked
s3_acl_asked_of_create(const struct s3_create_bucket_request *in)
{
    /* "If you specify this canned ACL when creating a bucket, Amazon S3 ignores it." */
    bool is_of_objects = vg_str_eq(in->acl.text, VG_STR("bucket-owner-read"))
                         || vg_str_eq(in->acl.text, VG_STR("bucket-owner-full-control"));
    return (struct s3_acl_asked) { .is_buckets = true,
                                   .canned = is_of_objects ? VG_STR_NONE : in->acl.text,
                                   .full_control = in->grant_full_control,
                                   .read = in->grant_read,
                                   .read_acp = in->grant_read_acp,
                                   .write = in->grant_write,
                                   .write_acp = in->grant_write_acp };
}

struct s3_acl_asked
s3_acl_asked_of_put(const struct s3_put_bucket_acl_request *in)
{
    return (struct s3_acl_asked) { .is_buckets = true,
                                   .canned = in->acl.text,
                                   .full_control = in->grant_full_control,
                                   .read = in->grant_read,
                                   .read_acp = in->grant_read_acp,
                                   .write = in->grant_write,
                                   .write_acp = in->grant_write_acp,
                                   .body = in->access_control_policy };
}

bool
s3_acl_has_grants(const struct s3_acl_asked *asked)
{
    return asked->full_control.ptr || asked->read.ptr || asked->read_acp.ptr || asked->write.ptr
           || asked->write_acp.ptr;
}

vg_rc
s3_acl_read(struct vg_req *rq, struct vg_str account, const struct s3_acl_asked *asked,
            struct s3_access_control_policy **ret)
{
    bool has_grants = s3_acl_has_grants(asked);
    *ret = NULL;
    if (asked->canned.ptr && has_grants)
        return s3_fail_invalid_request(
            rq, "Specifying both Canned ACLs and Header Grants is not allowed");
    if (asked->body && (asked->canned.ptr || has_grants))
        return s3_fail_unexpected_content(rq, "This request does not support content");
    if (asked->body)
        return from_body(rq, account, asked->body, ret);
    if (asked->canned.ptr)
        return from_canned(rq, account, asked, ret);
    return has_grants ? from_headers(rq, account, asked, ret) : VG_OK;
}

/* --- what it grants -----------------------------------------------------------------------------
 */

static bool
is_public_group(struct vg_str uri)
{
    return vg_str_eq(uri, ALL_USERS) || vg_str_eq(uri, ALL_AUTHENTICATED);
}

bool
s3_acl_is_public(const struct s3_access_control_policy *acl)
{
    for (size_t i = 0; i < acl->grants.len; i++)
        if (is_public_group(acl->grants.items[i].grantee->uri))
            return true;
    return false;
}

bool
s3_acl_is_private(const struct s3_access_control_policy *acl)
{
    for (size_t i = 0; i < acl->grants.len; i++)
        if (!vg_str_eq(acl->grants.items[i].grantee->id, acl->owner->id))
            return false;
    return true;
}

/* --- what it allows, as statements of a policy --------------------------------------------------
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions
 */

static void
add_principal(struct vg_json_out *w, struct vg_arena *arena, const struct s3_grantee *to)
{
    bool is_logging = vg_str_eq(to->uri, LOG_DELIVERY);
    if (!to->uri.ptr || is_logging) {
        vg_jsonw_key(w, VG_STR("Principal"));
        vg_jsonw_object(w);
        if (is_logging)
            vg_jsonw_kv(w, VG_STR("Service"), S3_LOGGING_SERVICE);
        else
            vg_jsonw_kv(w, VG_STR("AWS"), s3_canonical_account(arena, to->id));
        vg_jsonw_object_end(w);
        return;
    }
    vg_jsonw_kv(w, VG_STR("Principal"), VG_STR("*"));
    if (vg_str_eq(to->uri, ALL_AUTHENTICATED)) {
        vg_jsonw_key(w, VG_STR("Condition"));
        vg_jsonw_raw(w, VG_STR("{\"Null\":{\"aws:PrincipalAccount\":\"false\"}}"));
    }
}

/* What one permission allows. */
struct permit {
    int permission;
    struct vg_str actions;
    const char *resource; /* behind the bucket's ARN; NULL: whatever is asked for */
};

static void
add_statement(struct vg_json_out *w, struct vg_req *rq, struct vg_str bucket,
              const struct s3_grantee *to, const struct permit *p)
{
    struct vg_str arn =
        vg_str_fmt(rq->arena, "arn:%" VG_FMT ":s3:::%" VG_FMT "%s", VG_ARG(rq->scope->partition),
                   VG_ARG(bucket), p->resource ? p->resource : "");
    vg_jsonw_object(w);
    vg_jsonw_kv(w, VG_STR("Effect"), VG_STR("Allow"));
    add_principal(w, rq->arena, to);
    vg_jsonw_key(w, VG_STR("Action"));
    vg_jsonw_raw(w, p->actions);
    vg_jsonw_kv(w, VG_STR("Resource"), p->resource ? arn : VG_STR("*"));
    vg_jsonw_object_end(w);
}

static bool
has_grant(const struct s3_access_control_policy *acl, struct vg_str uri, int permission)
{
    for (size_t i = 0; i < acl->grants.len; i++) {
        const struct s3_grant *g = &acl->grants.items[i];
        bool is_it = g->permission.v == permission || g->permission.v == S3_PERMISSION_FULL_CONTROL;
        if (is_it && vg_str_eq(g->grantee->uri, uri))
            return true;
    }
    return false;
}

/* "You add a grant entry to the bucket ACL that grants WRITE and READ_ACP permissions to the S3 log
 * delivery group", which looks at the list before it writes:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html */
static bool
may_deliver(const struct s3_access_control_policy *acl)
{
    return has_grant(acl, LOG_DELIVERY, S3_PERMISSION_WRITE)
           && has_grant(acl, LOG_DELIVERY, S3_PERMISSION_READ_ACP);
}

static struct vg_str
statements(struct vg_req *rq, const struct s3_rec_bucket *b,
           const struct s3_access_control_policy *acl, bool is_public_ignored,
           const struct permit *all, size_t n)
{
    struct vg_str owner = s3_canonical_id(rq->arena, b->account); /* may all by himself */
    struct vg_json_out w;
    struct vg_buf buf;
    vg_buf_init(&buf, rq->arena, 1u << 20);
    vg_jsonw_init(&w, &buf);
    for (size_t i = 0; i < acl->grants.len; i++) {
        const struct s3_grant *g = &acl->grants.items[i];
        bool is_public = is_public_group(g->grantee->uri);
        bool is_useless = vg_str_eq(g->grantee->id, owner)
                          || (vg_str_eq(g->grantee->uri, LOG_DELIVERY) && !may_deliver(acl));
        if (is_useless || (is_public && is_public_ignored))
            continue;
        for (size_t k = 0; k < n; k++)
            if (g->permission.v == all[k].permission
                || g->permission.v == S3_PERMISSION_FULL_CONTROL)
                add_statement(&w, rq, b->name, g->grantee, &all[k]);
    }
    return vg_buf_str(&buf);
}

struct vg_str
s3_acl_statements(struct vg_req *rq, const struct s3_rec_bucket *b,
                  const struct s3_access_control_policy *acl, bool is_public_ignored)
{
    static const struct permit all[] = {
        { S3_PERMISSION_READ,
          VG_STR_INIT("[\"s3:ListBucket\",\"s3:ListBucketVersions\","
                      "\"s3:ListBucketMultipartUploads\"]"),
          "" },
        { S3_PERMISSION_WRITE, VG_STR_INIT("[\"s3:PutObject\"]"), "/*" },
        { S3_PERMISSION_READ_ACP, VG_STR_INIT("[\"s3:GetBucketAcl\"]"), "" },
        { S3_PERMISSION_WRITE_ACP, VG_STR_INIT("[\"s3:PutBucketAcl\"]"), "" },
    };
    return statements(rq, b, acl, is_public_ignored, all, VG_COUNT(all));
}

struct vg_str
s3_acl_object_statements(struct vg_req *rq, const struct s3_rec_bucket *b,
                         const struct s3_access_control_policy *acl, bool is_public_ignored)
{
    static const struct permit all[] = {
        { S3_PERMISSION_READ, VG_STR_INIT("[\"s3:GetObject\"]"), NULL },
        { S3_PERMISSION_READ_ACP, VG_STR_INIT("[\"s3:GetObjectAcl\"]"), NULL },
        { S3_PERMISSION_WRITE_ACP, VG_STR_INIT("[\"s3:PutObjectAcl\"]"), NULL },
    };
    return statements(rq, b, acl, is_public_ignored, all, VG_COUNT(all));
}
