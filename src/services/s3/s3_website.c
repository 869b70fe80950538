/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Configurations of websites, and the rules by which they redirect.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html
 */

#include "services/s3/s3_website.h"

#include "codec/uri.h"

/* --- what is taken ------------------------------------------------------------------------------
 */

static vg_rc
check_protocol(struct vg_req *rq, const struct vg_enum *protocol)
{
    return protocol->v >= 0
               ? VG_OK
               : s3_fail_invalid_request(rq,
                                         "Invalid protocol, protocol can be http or https. If not "
                                         "defined the protocol will be selected automatically.");
}

static vg_rc
check_redirect_all(struct vg_req *rq, const struct s3_website_configuration *conf)
{
    const struct s3_redirect_all_requests_to *to = conf->redirect_all_requests_to;
    if (conf->index_document || conf->error_document || conf->routing_rules.set)
        return s3_bad_argument(rq,
                               "RedirectAllRequestsTo cannot be provided in conjunction with other "
                               "Routing Rules.",
                               "RedirectAllRequestsTo", VG_STR("not null"));
    if (!to->host_name.ptr)
        return s3_malformed_xml(rq);
    if (to->host_name.len == 0)
        return s3_fail_invalid_request(
            rq, "A host name must be provided to redirect all requests (e.g. \"example.com\").");
    return check_protocol(rq, &to->protocol);
}

static vg_rc
check_documents(struct vg_req *rq, const struct s3_website_configuration *conf)
{
    if (!conf->index_document)
        return s3_bad_argument(rq,
                               "A value for IndexDocument Suffix must be provided if "
                               "RedirectAllRequestsTo is empty",
                               "IndexDocument", VG_STR("null"));
    struct vg_str suffix = conf->index_document->suffix;
    if (!suffix.ptr)
        return s3_malformed_xml(rq);
    if (suffix.len == 0 || vg_str_find_char(suffix, '/') != VG_NPOS)
        return s3_bad_argument(rq, "The IndexDocument Suffix is not well formed", "IndexDocument",
                               suffix);
    if (!conf->error_document)
        return VG_OK;
    if (!conf->error_document->key.ptr)
        return s3_malformed_xml(rq);
    return conf->error_document->key.len > 0
               ? VG_OK
               : s3_bad_argument(rq, "The ErrorDocument Key is not well formed", "ErrorDocument",
                                 VG_STR(""));
}

static vg_rc
check_status(struct vg_req *rq, struct vg_str text, const char *kind, const char *valid,
             int64_t from, int64_t to)
{
    int64_t n;
    if (!text.ptr)
        return VG_OK;
    if (!vg_str_to_i64(text, &n))
        return s3_malformed_xml(rq);
    return n >= from && n <= to ? VG_OK
                                : s3_fail_invalid_request(rq,
                                                          "The provided HTTP %s code (%" VG_FMT
                                                          ") is not valid. Valid codes are %s.",
                                                          kind, VG_ARG(text), valid);
}

static vg_rc
check_rule(struct vg_req *rq, const struct s3_routing_rule *rule)
{
    const struct s3_condition *c = rule->condition;
    const struct s3_redirect *r = rule->redirect;
    if (!r)
        return s3_malformed_xml(rq);
    if (c && !c->key_prefix_equals.ptr && !c->http_error_code_returned_equals.ptr)
        return s3_fail_invalid_request(
            rq, "Condition cannot be empty. To redirect all requests without a condition, the "
                "condition element shouldn't be present.");
    if (r->replace_key_with.ptr && r->replace_key_prefix_with.ptr)
        return s3_fail_invalid_request(
            rq, "You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
    vg_rc rc = check_protocol(rq, &r->protocol);
    if (rc == VG_OK && c)
        rc = check_status(rq, c->http_error_code_returned_equals, "error", "4XX or 5XX", 400, 599);
    if (rc == VG_OK)
        rc = check_status(rq, r->http_redirect_code, "redirect", "3XX except 300", 301, 399);
    return rc;
}

static vg_rc
check(struct vg_req *rq, const struct s3_website_configuration *conf)
{
    if (!conf)
        return s3_malformed_xml(rq);
    if (conf->redirect_all_requests_to)
        return check_redirect_all(rq, conf);
    vg_rc rc = check_documents(rq, conf);
    if (rc != VG_OK)
        return rc;
    if (conf->routing_rules.set && conf->routing_rules.len == 0)
        return s3_malformed_xml(rq);
    if (conf->routing_rules.len > S3_LIMIT_ROUTING_RULES)
        return s3_fail_invalid_request(rq,
                                       "%zu routing rules provided, the number of routing rules in "
                                       "a website configuration is limited to %d.",
                                       conf->routing_rules.len, S3_LIMIT_ROUTING_RULES);
    for (size_t i = 0; rc == VG_OK && i < conf->routing_rules.len; i++)
        rc = check_rule(rq, &conf->routing_rules.items[i]);
    return rc;
}

vg_rc
s3_put_bucket_website(struct vg_req *rq, const struct s3_put_bucket_website_request *in)
{
    s3_auto_edit struct s3_bucket_edit e = { 0 };
    vg_rc rc = check(rq, in->website_configuration);
    if (rc == VG_OK)
        rc = s3_edit_bucket(rq, in->bucket, in->expected_bucket_owner, &e);
    if (rc != VG_OK)
        return rc;
    s3_store_put_config(&e, S3_CONFIG_WEBSITE, &s3_shape_website_configuration,
                        in->website_configuration);
    return s3_store_edit_commit(&e);
}

vg_rc
s3_get_bucket_website(struct vg_req *rq, const struct s3_get_bucket_website_request *in,
                      struct s3_get_bucket_website_output *out)
{
    void *found;
    vg_rc rc = s3_need_config(rq, in->bucket, in->expected_bucket_owner, S3_CONFIG_WEBSITE,
                              &s3_shape_website_configuration, &found);
    if (rc != VG_OK)
        return rc;
    if (!found)
        return s3_no_website(rq, in->bucket);
    const struct s3_website_configuration *conf = found;
    *out = (struct s3_get_bucket_website_output) {
        .redirect_all_requests_to = conf->redirect_all_requests_to,
        .index_document = conf->index_document,
        .error_document = conf->error_document,
        .routing_rules = conf->routing_rules,
    };
    return VG_OK;
}

vg_rc
s3_no_website(struct vg_req *rq, struct vg_str bucket)
{
    struct s3_no_such_website_configuration *d =
        VG_NEW(rq->arena, struct s3_no_such_website_configuration);
    d->bucket_name = bucket;
    return s3_fail_no_such_website_configuration_detail(
        rq, d, "The specified bucket does not have a website configuration");
}

vg_rc
s3_delete_bucket_website(struct vg_req *rq, const struct s3_delete_bucket_website_request *in)
{
    return s3_drop_config(rq, in->bucket, in->expected_bucket_owner, S3_CONFIG_WEBSITE);
}

/* --- rules --------------------------------------------------------------------------------------
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html
 */

struct vg_str
s3_website_bucket(struct vg_str host)
{
    size_t at = vg_str_find(host, VG_STR(".s3-website"));
    struct vg_str rest = vg_str_slice(host, at, host.len);
    rest = vg_str_slice(rest, sizeof(".s3-website") - 1, rest.len);
    bool has_region = rest.len > 1 && (rest.ptr[0] == '.' || rest.ptr[0] == '-');
    return at != VG_NPOS && at > 0 && has_region ? vg_str_slice(host, 0, at) : VG_STR_NONE;
}

const struct s3_routing_rule *
s3_website_rule(const struct s3_website_configuration *conf, struct vg_str key, int status)
{
    for (size_t i = 0; i < conf->routing_rules.len; i++) {
        const struct s3_routing_rule *rule = &conf->routing_rules.items[i];
        const struct s3_condition *c = rule->condition;
        int64_t code;
        if (c && !vg_str_starts(key, c->key_prefix_equals))
            continue;
        if (!c || !c->http_error_code_returned_equals.ptr)
            return rule;
        if (status == 0)
            return NULL; /* an earlier one may hold yet */
        if (vg_str_to_i64(c->http_error_code_returned_equals, &code) && code == status)
            return rule;
    }
    return NULL;
}

static struct vg_str
or_else(struct vg_str told, struct vg_str usual)
{
    return told.ptr ? told : usual;
}

/* What a rule puts in the place of keys stays as it is written: it may be "#!/" or have a query. */
struct vg_str
s3_website_follow(struct vg_arena *arena, const struct s3_routing_rule *rule,
                  const struct s3_website_asked *asked, int *ret_status)
{
    const struct s3_redirect *r = rule->redirect;
    struct vg_str prefix = rule->condition ? rule->condition->key_prefix_equals : VG_STR("");
    struct vg_str to = vg_uri_encode(arena, asked->key, true);
    int64_t status = 301;
    if (r->replace_key_with.ptr)
        to = r->replace_key_with;
    else if (r->replace_key_prefix_with.ptr)
        to = vg_str_cat(
            arena, r->replace_key_prefix_with,
            vg_uri_encode(arena, vg_str_slice(asked->key, prefix.len, asked->key.len), true));
    bool has_query = asked->query.ptr && !r->replace_key_with.ptr;
    if (r->http_redirect_code.ptr)
        (void)vg_str_to_i64(r->http_redirect_code, &status);
    *ret_status = (int)status;
    return vg_str_fmt(arena, "%" VG_FMT "://%" VG_FMT "/%" VG_FMT "%s%" VG_FMT,
                      VG_ARG(or_else(r->protocol.text, asked->scheme)),
                      VG_ARG(or_else(r->host_name, asked->host)), VG_ARG(to), has_query ? "?" : "",
                      VG_ARG(has_query ? asked->query : VG_STR("")));
}

struct vg_str
s3_website_follow_all(struct vg_arena *arena, const struct s3_redirect_all_requests_to *to,
                      const struct s3_website_asked *asked)
{
    struct s3_redirect redirect = { .host_name = to->host_name, .protocol = to->protocol };
    const struct s3_routing_rule rule = { .redirect = &redirect };
    int status;
    return s3_website_follow(arena, &rule, asked, &status);
}
