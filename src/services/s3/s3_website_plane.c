/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The endpoints of websites: {bucket}.s3-website.{region}.anything and
 * {bucket}.s3-website-{region}.anything.  Whoever signs a request: it is nobody's.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html
 */

#include "services/s3/s3_website.h"

#include "codec/uri.h"
#include "codec/xml.h"
#include "core/authz.h"
#include "core/fail.h"
#include "core/reply.h"
#include "front/exchange.h"
#include "services/s3/s3_http.h"
#include "services/s3/s3_log_note.h"
#include "wire/wire.h"

#define PAGE_MAX_BYTES (64u << 10)

struct site {
    struct vg_req *rq;
    struct vg_http_req *http;
    const struct vg_exchange *exchange;
    struct vg_str bucket, key;
    const struct s3_website_configuration *conf; /* NULL: not known yet */
    struct vg_wire_op op;                        /* that is under way */
    struct vg_reply reply;
    int error_status; /* what is sent is the document of this error; 0: no error */
    const struct vg_err *error;
    bool is_redirected;
    struct vg_reply cors; /* its headers: what pages of other origins may know of the answer */
};

/* --- pages --------------------------------------------------------------------------------------
 */

typedef VG_VEC(struct vg_http_header) headers_vec;

static void
add_header(struct site *s, headers_vec *to, struct vg_str name, struct vg_str value)
{
    *VG_VEC_ADD(s->rq->arena, to) = (struct vg_http_header) { name, value };
}

static void
add_cors(struct site *s, headers_vec *to)
{
    for (size_t i = 0; i < s->cors.headers.len; i++)
        add_header(s, to, s->cors.headers.items[i].name, s->cors.headers.items[i].value);
}

/* `location` absent: it leads nowhere. */
static void
send_bare(struct site *s, int status, struct vg_str location)
{
    headers_vec headers = { 0 };
    if (location.ptr)
        add_header(s, &headers, VG_STR("Location"), location);
    add_header(s, &headers, VG_STR("x-amz-request-id"), s->rq->id);
    add_cors(s, &headers);
    if (vg_gate(s->rq) == VG_OK)
        (void)vg_http_reply(s->http, status, headers.items, headers.len, VG_STR(""));
}

static void
redirect(struct site *s, int status, struct vg_str location)
{
    send_bare(s, status, location);
    s->is_redirected = true;
}

static void
add_item(struct vg_buf *b, struct vg_str name, struct vg_str value)
{
    vg_buf_addf(b, "<li>%" VG_FMT ": ", VG_ARG(name));
    vg_xmlw_text(b, value);
    vg_buf_adds(b, VG_STR("</li>\n"));
}

static struct vg_str
code_of(const struct vg_err *err)
{
    return err->def ? err->def->code : VG_STR("InternalError");
}

/* Nobody learns which policy it is. */
static struct vg_str
message_of(const struct vg_err *err)
{
    if (!err->def)
        return VG_STR("We encountered an internal error. Please try again.");
    return vg_str_eq(err->def->code, VG_STR("AccessDenied")) ? VG_STR("Access Denied")
                                                             : vg_err_text(err);
}

/* Code, message and further members of an error. */
static void
add_error(struct vg_buf *b, const struct vg_err *err)
{
    const struct vg_shape *shape = err->def ? err->def->shape : NULL;
    add_item(b, VG_STR("Code"), code_of(err));
    add_item(b, VG_STR("Message"), message_of(err));
    for (size_t i = 0; shape && err->detail && i < shape->n_members; i++) {
        const struct vg_member *m = &shape->members[i];
        struct vg_str value = vg_member_str(shape, err->detail, m->name);
        if (value.ptr)
            add_item(b, m->wire, value);
    }
}

static void
add_error_headers(struct site *s, headers_vec *to, const struct vg_err *err)
{
    struct vg_str key = err->def && err->def->shape && err->detail
                            ? vg_member_str(err->def->shape, err->detail, VG_STR("Key"))
                            : VG_STR_NONE;
    add_header(s, to, VG_STR("x-amz-error-code"), code_of(err));
    add_header(s, to, VG_STR("x-amz-error-message"), message_of(err));
    if (key.ptr)
        add_header(s, to, VG_STR("x-amz-error-detail-Key"), vg_uri_encode(s->rq->arena, key, true));
}

/* In S3's form. `again` of its custom document, NULL: there is none. */
static void
send_page(struct site *s, int status, const struct vg_err *err, const struct vg_err *again,
          struct vg_str location)
{
    struct vg_buf b;
    struct vg_str reason = vg_http_reason(status);
    headers_vec headers = { 0 };
    vg_buf_init(&b, s->rq->arena, PAGE_MAX_BYTES);
    vg_buf_addf(&b,
                "<html>\n<head><title>%d %" VG_FMT "</title></head>\n<body>\n<h1>%d %" VG_FMT
                "</h1>\n<ul>\n",
                status, VG_ARG(reason), status, VG_ARG(reason));
    add_error(&b, err);
    add_item(&b, VG_STR("RequestId"), s->rq->id);
    vg_buf_adds(&b, VG_STR("</ul>\n"));
    if (again) {
        vg_buf_adds(&b, VG_STR("<h3>An Error Occurred While Attempting to Retrieve a Custom Error "
                               "Document</h3>\n<ul>\n"));
        add_error(&b, again);
        vg_buf_adds(&b, VG_STR("</ul>\n"));
    }
    vg_buf_adds(&b, VG_STR("<hr/>\n</body>\n</html>\n"));
    add_header(s, &headers, VG_STR("Content-Type"), VG_STR("text/html; charset=utf-8"));
    add_header(s, &headers, VG_STR("x-amz-request-id"), s->rq->id);
    if (location.ptr)
        add_header(s, &headers, VG_STR("Location"), location);
    if (status == 405)
        add_header(s, &headers, VG_STR("Allow"), VG_STR("GET, HEAD"));
    add_error_headers(s, &headers, err);
    add_cors(s, &headers);
    if (vg_gate(s->rq) == VG_OK)
        (void)vg_http_reply(s->http, status, headers.items, headers.len, vg_buf_str(&b));
}

/* --- objects ------------------------------------------------------------------------------------
 */

static struct s3_website_asked
asked_of(const struct site *s)
{
    return (struct s3_website_asked) {
        .scheme = s->http->scheme, .host = s->http->host, .key = s->key, .query = s->http->query
    };
}

/* Whether a rule of the site redirects a request with that outcome. */
static bool
follow_rule(struct site *s, int status) VG_WAITS
{
    const struct s3_website_asked asked = asked_of(s);
    const struct s3_routing_rule *rule = s3_website_rule(s->conf, s->key, status);
    int code;
    if (!rule)
        return false;
    struct vg_str to = s3_website_follow(s->rq->arena, rule, &asked, &code);
    redirect(s, code, to);
    return true;
}

/* The headers of an object's answer; *ret_redirect: where the object itself leads, or absent. */
static void
object_headers(struct site *s, const void *out, headers_vec *ret, int *ret_status,
               struct vg_str *ret_redirect)
{
    struct vg_wire_out encoded = { 0 };
    vg_wire_encode(&s->op, out, s->rq->id, s->rq->arena, &encoded);
    *ret_status = encoded.status;
    *ret_redirect = VG_STR_NONE;
    for (size_t i = 0; i < encoded.headers.len; i++) {
        const struct vg_http_header *h = &encoded.headers.items[i];
        if (vg_str_eq_nocase(h->name, VG_STR("x-amz-website-redirect-location")))
            *ret_redirect = h->value;
        else if (!vg_str_eq_nocase(h->name, VG_STR("Content-Length")))
            add_header(s, ret, h->name, h->value);
    }
    if (s->error)
        add_error_headers(s, ret, s->error);
    add_cors(s, ret);
}

/* The head of an object's answer, or a redirection in its stead. */
static vg_rc
begin(void *to, struct vg_req *rq, const void *out, int status, int64_t length) VG_WAITS
{
    struct site *s = to;
    headers_vec headers = { 0 };
    struct vg_str location;
    int usual;
    (void)rq;
    object_headers(s, out, &headers, &usual, &location);
    if (!s->error && follow_rule(s, 200))
        return VG_OK;
    if (location.ptr) {
        redirect(s, 301, location);
        return VG_OK;
    }
    if (s->error_status || !status)
        status = s->error_status ? s->error_status : usual;
    return vg_http_reply_begin(s->http, status, headers.items, headers.len, length);
}

static vg_rc
write(void *to, struct vg_str data) VG_WAITS
{
    struct site *s = to;
    return s->is_redirected ? VG_GONE : vg_http_reply_write(s->http, data); /* no need of more */
}

/* HEAD, and 304. */
static void
send_head(struct site *s, const void *out) VG_WAITS
{
    const struct s3_head_object_output *head = s->http->is_head ? out : NULL;
    bool has_length = head && head->content_length.set;
    if (vg_gate(s->rq) != VG_OK)
        return;
    if (begin(s, s->rq, out, s->reply.status, has_length ? head->content_length.v : 0) == VG_OK
        && !s->is_redirected)
        (void)vg_http_reply_end(s->http);
}

static bool
is_condition(struct vg_str name)
{
    static const struct vg_str all[] = { VG_STR_INIT("range"), VG_STR_INIT("if-match"),
                                         VG_STR_INIT("if-none-match"),
                                         VG_STR_INIT("if-modified-since"),
                                         VG_STR_INIT("if-unmodified-since") };
    for (size_t i = 0; i < VG_COUNT(all); i++)
        if (vg_str_eq_nocase(name, all[i]))
            return true;
    return false;
}

/* The request of an object: of all headers only those count that make it conditional or partial. */
static struct vg_wire_in
request_of(struct site *s, struct vg_str key)
{
    const struct vg_http_req *http = s->http;
    struct vg_arena *arena = s->rq->arena;
    struct vg_http_header *headers =
        VG_NEW_ARRAY(arena, struct vg_http_header, http->n_headers + 1);
    size_t n = 0;
    for (size_t i = 0; i < http->n_headers && !s->error; i++)
        if (is_condition(http->headers[i].name))
            headers[n++] = http->headers[i];
    return (struct vg_wire_in) {
        .method = http->method,
        .headers = headers,
        .n_headers = n,
        .labels = { { VG_STR("Bucket"), vg_uri_encode(arena, s->bucket, false) },
                    { VG_STR("Key"), vg_uri_encode(arena, key, false) } },
        .n_labels = 2,
    };
}

/* Sends the object of that key, or fails before it has sent anything. */
static vg_rc
send_object(struct site *s, struct vg_str key) VG_WAITS
{
    struct vg_req *rq = s->rq;
    const struct vg_op *op = s->http->is_head ? &s3_op_head_object : &s3_op_get_object;
    const struct vg_wire_in in = request_of(s, key);
    s3_log_page(rq, key);
    s->op = (struct vg_wire_op) { .name = op->name,
                                  .model = op->model,
                                  .http = op->http,
                                  .in = op->in,
                                  .out = op->out,
                                  .row = op };
    s->reply = (struct vg_reply) { .begin = begin, .write = write, .to = s };
    rq->op = op;
    rq->reply = &s->reply;
    void *typed_in = vg_arena_alloc(rq->arena, op->in->size);
    void *typed_out = vg_arena_alloc(rq->arena, op->out->size);
    vg_rc rc = vg_wire_decode(&s->op, &in, rq->arena, typed_in, rq->err);
    if (rc == VG_OK)
        rc = vg_run(rq, s->exchange->common, s->exchange->n_common, typed_in, typed_out);
    if (s->is_redirected)
        return VG_OK;
    if (s->reply.is_begun) { /* a reply that was cut has no end */
        if (rc == VG_OK)
            (void)vg_http_reply_end(s->http);
        return VG_OK;
    }
    if (rc == VG_OK)
        send_head(s, typed_out);
    return rc;
}

/* --- errors -------------------------------------------------------------------------------------
 */

/*
 * "If the object is not found, Amazon S3 determines that the request is for subfolder x and
 * redirects the request by adding a slash at the end", when that has an index document:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/IndexDocumentSupport.html
 */
static vg_rc
has_index(struct site *s, bool *ret) VG_WAITS
{
    struct vg_req *rq = s->rq;
    struct s3_rec_bucket *bucket;
    struct s3_rec_version *itself = NULL, *index = NULL;
    *ret = false;
    if (s->key.len == 0 || vg_str_ends(s->key, VG_STR("/")))
        return VG_OK;
    struct vg_str key = vg_str_fmt(rq->arena, "%" VG_FMT "/%" VG_FMT, VG_ARG(s->key),
                                   VG_ARG(s->conf->index_document->suffix));
    vg_rc rc = s3_store_bucket(rq, s->bucket, &bucket);
    if (rc == VG_OK && bucket)
        rc = s3_store_current(rq, bucket, s->key, &itself);
    if (rc == VG_OK && bucket && !itself)
        rc = s3_store_current(rq, bucket, key, &index);
    if (rc != VG_OK || !index)
        return rc;
    return vg_allowed(rq, VG_STR("s3:GetObject"), s3_object_arn(rq, s->bucket, key), NULL, 0, ret);
}

static void
send_found(struct site *s) VG_WAITS
{
    static const struct vg_errdef found = { .code = VG_STR_INIT("Found"), .http_status = 302 };
    struct vg_err err = { .def = &found, .text = VG_STR("Resource Found") };
    send_page(s, 302, &err, NULL,
              vg_str_fmt(s->rq->arena, "/%" VG_FMT "/",
                         VG_ARG(vg_uri_encode(s->rq->arena, s->key, true))));
}

/* rq->err is why: a rule, the custom document of errors of clients, or a page of our own. */
static void
send_error(struct site *s) VG_WAITS
{
    struct vg_req *rq = s->rq;
    struct vg_err *why = vg_arena_copy(rq->arena, rq->err, sizeof(*rq->err));
    int status = why->def ? why->def->http_status : 500;
    bool is_found = false;
    s3_log_error(rq, code_of(why));
    if (s->conf && (status == 403 || status == 404) && has_index(s, &is_found) != VG_OK)
        is_found = false;
    if (s->conf && follow_rule(s, is_found ? 302 : status))
        return;
    if (is_found) {
        send_found(s);
        return;
    }
    bool has_document =
        s->conf && s->conf->error_document && status >= 400 && status < 500 && !s->http->is_head;
    if (!has_document) {
        send_page(s, status, why, NULL, VG_STR_NONE);
        return;
    }
    s->error = why;
    s->error_status = status;
    *rq->err = (struct vg_err) { 0 };
    vg_rc rc = send_object(s, s->conf->error_document->key);
    if (rc == VG_FAIL)
        send_page(s, status, why, rq->err, VG_STR_NONE);
}

/* --- the request --------------------------------------------------------------------------------
 */

static vg_rc
find_site(struct site *s)
{
    struct vg_req *rq = s->rq;
    void *found = NULL;
    if (!vg_str_eq(s->http->method, VG_STR("GET")) && !vg_str_eq(s->http->method, VG_STR("HEAD"))) {
        struct s3_method_not_allowed *d = VG_NEW(rq->arena, struct s3_method_not_allowed);
        d->method = s->http->method;
        d->resource_type = VG_STR("OBJECT");
        return s3_fail_method_not_allowed_detail(
            rq, d, "The specified method is not allowed against this resource.");
    }
    vg_rc rc = s3_need_config(rq, s->bucket, VG_STR_NONE, S3_CONFIG_WEBSITE,
                              &s3_shape_website_configuration, &found);
    if (rc == VG_OK && !found)
        rc = s3_no_website(rq, s->bucket);
    s->conf = rc == VG_OK ? found : NULL;
    return rc;
}

static struct vg_str
header(void *http, struct vg_str name)
{
    return vg_http_header(http, name);
}

/*
 * The bucket's rules for pages of other origins hold here too.  Preflights are answered by them;
 * that they cannot be read leaves another answer as it is, which meets the trouble itself.
 */
static vg_rc
heed_origin(struct site *s, bool is_preflight)
{
    struct vg_req *rq = s->rq;
    struct vg_str path = vg_str_slice(s->http->path, 1, VG_NPOS);
    const struct vg_http_head head = { .method = s->http->method,
                                       .path = vg_str_fmt(rq->arena, "/%" VG_FMT "/%" VG_FMT,
                                                          VG_ARG(s->bucket), VG_ARG(path)),
                                       .query = s->http->query,
                                       .header = header,
                                       .of = s->http };
    rq->reply = &s->cors;
    if (is_preflight)
        return s3_preflight(rq, &head);
    if (s3_decorate(rq, &head) != VG_OK)
        *rq->err = (struct vg_err) { 0 };
    return VG_OK;
}

static vg_rc
serve(struct site *s) VG_WAITS
{
    const struct s3_website_asked asked = asked_of(s);
    bool is_preflight = vg_str_eq(s->http->method, VG_STR("OPTIONS"));
    vg_rc rc = heed_origin(s, is_preflight);
    if (rc == VG_OK && is_preflight) {
        send_bare(s, 200, VG_STR_NONE);
        return VG_OK;
    }
    if (rc == VG_OK)
        rc = find_site(s);
    if (rc != VG_OK)
        return rc;
    if (s->conf->redirect_all_requests_to) {
        redirect(s, 301,
                 s3_website_follow_all(s->rq->arena, s->conf->redirect_all_requests_to, &asked));
        return VG_OK;
    }
    if (follow_rule(s, 0))
        return VG_OK;
    bool is_folder = s->key.len == 0 || vg_str_ends(s->key, VG_STR("/"));
    return send_object(
        s, is_folder ? vg_str_cat(s->rq->arena, s->key, s->conf->index_document->suffix) : s->key);
}

bool
s3_website_match(const struct vg_env *env, struct vg_str host, struct vg_str path)
{
    (void)env, (void)path;
    return s3_website_bucket(host).ptr != NULL;
}

void
s3_website_serve(struct vg_req *rq, struct vg_http_req *http)
{
    struct site *s = VG_NEW(rq->arena, struct site);
    const struct vg_exchange *x = vg_exchange_of(rq);
    struct vg_str path = vg_str_slice(http->path, 1, http->path.len);
    *s = (struct site) { .rq = rq,
                         .http = http,
                         .exchange = x,
                         .bucket = s3_website_bucket(x->host.name),
                         .key = vg_uri_decode(rq->arena, path, false) };
    if (!s->key.ptr)
        s->key = VG_STR("");
    s3_log_site(rq, s->bucket);
    if (serve(s) == VG_FAIL)
        send_error(s);
}
