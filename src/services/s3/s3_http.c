/* SPDX-License-Identifier: Apache-2.0 */
#include "services/s3/s3_http.h"

#include "base/buf.h"
#include "codec/uri.h"
#include "core/reply.h"
#include "services/s3/s3_form.h"
#include "services/s3/s3_header_text.h"
#include "services/s3/s3_int.h"
#include "wire/wire.h"

struct s3_place
s3_place_of(struct vg_arena *arena, struct vg_str path)
{
    struct vg_str rest = vg_str_starts(path, VG_STR("/")) ? vg_str_slice(path, 1, path.len) : path;
    struct vg_str bucket = vg_str_cut(&rest, '/');
    return (struct s3_place) { .bucket = vg_uri_decode(arena, bucket, false),
                               .key = rest.ptr ? vg_uri_decode(arena, rest, false) : VG_STR("") };
}

/* --- what is chosen by the query ----------------------------------------------------------------
 */

/* Also where the bucket's own operations of that name are not meant: a page may be "?metrics". */
enum at_keys { REFUSED, READ_PAST };

static const struct selector {
    struct vg_str name;
    enum at_keys at_keys; /* GET and HEAD of an object; as measured, by others */
} selectors[] = {
    { VG_STR_INIT("abac"), READ_PAST },
    { VG_STR_INIT("accelerate"), REFUSED },
    { VG_STR_INIT("acl"), REFUSED },
    { VG_STR_INIT("analytics"), READ_PAST },
    { VG_STR_INIT("annotation"), REFUSED },
    { VG_STR_INIT("attributes"), REFUSED },
    { VG_STR_INIT("cors"), REFUSED },
    { VG_STR_INIT("delete"), REFUSED },
    { VG_STR_INIT("encryption"), READ_PAST },
    { VG_STR_INIT("intelligent-tiering"), READ_PAST },
    { VG_STR_INIT("inventory"), REFUSED },
    { VG_STR_INIT("legal-hold"), REFUSED },
    { VG_STR_INIT("lifecycle"), REFUSED },
    { VG_STR_INIT("location"), REFUSED },
    { VG_STR_INIT("logging"), REFUSED },
    { VG_STR_INIT("metadataAnnotationTable"), READ_PAST },
    { VG_STR_INIT("metadataConfiguration"), READ_PAST },
    { VG_STR_INIT("metadataInventoryTable"), READ_PAST },
    { VG_STR_INIT("metadataJournalTable"), READ_PAST },
    { VG_STR_INIT("metadataTable"), READ_PAST },
    { VG_STR_INIT("metrics"), READ_PAST },
    { VG_STR_INIT("notification"), REFUSED },
    { VG_STR_INIT("object-lock"), READ_PAST },
    { VG_STR_INIT("ownershipControls"), READ_PAST },
    { VG_STR_INIT("policy"), REFUSED },
    { VG_STR_INIT("policyStatus"), READ_PAST },
    { VG_STR_INIT("publicAccessBlock"), READ_PAST },
    { VG_STR_INIT("renameObject"), REFUSED },
    { VG_STR_INIT("replication"), REFUSED },
    { VG_STR_INIT("requestPayment"), REFUSED },
    { VG_STR_INIT("restore"), REFUSED },
    { VG_STR_INIT("retention"), REFUSED },
    { VG_STR_INIT("select"), REFUSED },
    { VG_STR_INIT("session"), READ_PAST },
    { VG_STR_INIT("tagging"), REFUSED },
    { VG_STR_INIT("torrent"), REFUSED },
    { VG_STR_INIT("uploads"), REFUSED },
    { VG_STR_INIT("versioning"), REFUSED },
    { VG_STR_INIT("versions"), REFUSED },
    { VG_STR_INIT("website"), REFUSED },
};

static const struct selector *
find_selector(struct vg_str name)
{
    for (size_t i = 0; i < VG_COUNT(selectors); i++)
        if (vg_str_eq(selectors[i].name, name))
            return &selectors[i];
    return NULL;
}

bool
s3_is_selector(struct vg_str name)
{
    return find_selector(name) != NULL;
}

/* Of "/{Bucket}/{Key+}?acl": "acl"; absent: none. */
static struct vg_str
selector_of(const struct vg_op *op)
{
    struct vg_str rest = op->http->uri;
    vg_str_cut(&rest, '?');
    struct vg_str name = rest.ptr ? vg_str_cut(&rest, '&') : VG_STR_NONE;
    return s3_is_selector(name) ? name : VG_STR_NONE;
}

static bool
is_of_key(const struct vg_op *op)
{
    return vg_str_find(op->http->uri, VG_STR("{Key+}")) != VG_NPOS;
}

/* --- what is refused ----------------------------------------------------------------------------
 */

/* The methods that a place takes with a selector, absent: without; as RFC 9110, 15.5.6 wants. */
static void
say_allowed(struct vg_req *rq, const struct s3_place *at, struct vg_str selector)
{
    static const struct vg_str all[] = { VG_STR_INIT("HEAD"), VG_STR_INIT("DELETE"),
                                         VG_STR_INIT("POST"), VG_STR_INIT("GET"),
                                         VG_STR_INIT("PUT") };
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, 64);
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        bool is_there = false;
        for (const struct vg_op *const *op = s3_ops; *op && !is_there; op++)
            is_there = (*op)->http && vg_str_eq((*op)->http->method, all[i])
                       && vg_str_eq(selector_of(*op), selector)
                       && is_of_key(*op) == (at->key.len > 0)
                       && ((*op)->http->uri.len > 1) == (at->bucket.len > 0);
        if (is_there)
            vg_buf_addf(&b, "%s%" VG_FMT, b.len ? ", " : "", VG_ARG(all[i]));
    }
    if (b.len)
        vg_reply_header(rq, VG_STR("Allow"), vg_buf_str(&b));
}

static struct vg_str
upper(struct vg_arena *arena, struct vg_str s)
{
    char *out = vg_arena_copy(arena, s.ptr, s.len);
    for (size_t i = 0; i < s.len; i++)
        if (out[i] >= 'a' && out[i] <= 'z')
            out[i] = (char)(out[i] - 'a' + 'A');
    return vg_str_n(out, s.len);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, "MethodNotAllowed" */
static vg_rc
not_allowed(struct vg_req *rq, const struct vg_http_head *head, struct vg_str selector)
{
    const struct s3_place at = s3_place_of(rq->arena, head->path);
    struct s3_method_not_allowed *d = VG_NEW(rq->arena, struct s3_method_not_allowed);
    d->method = head->method;
    d->resource_type = selector.ptr    ? upper(rq->arena, selector)
                       : at.key.len    ? S3_TYPE_OBJECT
                       : at.bucket.len ? S3_TYPE_BUCKET
                                       : S3_TYPE_SERVICE;
    say_allowed(rq, &at, selector);
    return s3_fail_method_not_allowed_detail(
        rq, d, "The specified method is not allowed against this resource.");
}

static bool
is_read(const struct vg_http_head *head)
{
    return vg_str_eq(head->method, VG_STR("GET")) || vg_str_eq(head->method, VG_STR("HEAD"));
}

struct names {
    struct vg_str items[VG_COUNT(selectors)];
    size_t len;
};

/* The names in the query that choose an operation, as S3 lists them: in order, each once. */
static void
selectors_of(const struct vg_http_head *head, bool is_key, struct names *ret)
{
    ret->len = 0;
    for (size_t i = 0; i < VG_COUNT(selectors); i++) {
        bool is_past = is_key && is_read(head) && selectors[i].at_keys == READ_PAST;
        for (struct vg_str rest = head->query; rest.ptr && !is_past;) {
            struct vg_str pair = vg_str_cut(&rest, '&');
            if (!vg_str_eq(vg_str_cut(&pair, '='), selectors[i].name))
                continue;
            ret->items[ret->len++] = selectors[i].name;
            break;
        }
    }
}

static vg_rc
conflict(struct vg_req *rq, const struct names *names)
{
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, 4096);
    for (size_t i = 0; i < names->len; i++)
        vg_buf_addf(&b, "%s%" VG_FMT, i ? ", " : "", VG_ARG(names->items[i]));
    struct vg_str text = vg_str_fmt(rq->arena, "Conflicting query string parameters: %" VG_FMT,
                                    VG_ARG(vg_buf_str(&b)));
    return s3_bad_argument(rq, vg_str_cstr(rq->arena, text), "ResourceType", names->items[0]);
}

/*
 * A request is routed by the operation that fits; one that chooses by its query what there is not,
 * as "PUT /bucket/key?uploads", must not be taken for the plain one, which stores or deletes.
 */
static vg_rc
check_query(struct vg_req *rq, const struct vg_http_head *head)
{
    struct names names;
    if (!head->query.len)
        return VG_OK;
    selectors_of(head, is_of_key(rq->op), &names);
    if (names.len == 0)
        return VG_OK;
    if (names.len > 1)
        return conflict(rq, &names);
    if (vg_str_eq(names.items[0], selector_of(rq->op)))
        return VG_OK;
    if (is_of_key(rq->op) && is_read(head) && vg_str_eq(names.items[0], VG_STR("versions")))
        return s3_fail_invalid_request(
            rq, "There is no such thing as the ?versions sub-resource for a key");
    return not_allowed(rq, head, names.items[0]);
}

bool
s3_has_param(struct vg_str query, struct vg_str name)
{
    for (struct vg_str rest = query; rest.ptr;) {
        struct vg_str pair = vg_str_cut(&rest, '&');
        if (vg_str_eq(vg_str_cut(&pair, '='), name))
            return true;
    }
    return false;
}

/*
 * Every list-type but 2 is the older list; what belongs to the other one is refused.  As S3 was
 * measured (versitygw's tests, which run against it too; amazonka, issue 376).
 */
static vg_rc
check_list(struct vg_req *rq, const struct vg_http_head *head)
{
    static const struct {
        const struct vg_op *op;
        const char *name, *text;
    } all[] = {
        { &s3_op_list_objects, "continuation-token",
          "continuation-token only supported in REST.GET.BUCKET with list-type=2" },
        { &s3_op_list_objects, "start-after",
          "startAfter only supported in REST.GET.BUCKET with list-type=2" },
        { &s3_op_list_objects_v2, "marker",
          "Marker unsupported with REST.GET.BUCKET in list-type=2" },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++)
        if (rq->op == all[i].op && s3_has_param(head->query, vg_str_of(all[i].name)))
            return s3_bad_argument(rq, all[i].text, all[i].name, VG_STR_NONE);
    return VG_OK;
}

/* "If you include the header in your GetObject requests …, you'll get an HTTP 400 Bad Request". */
static vg_rc
check_read(struct vg_req *rq, const struct vg_http_head *head)
{
    static const char name[] = "x-amz-server-side-encryption";
    bool is_read = rq->op == &s3_op_get_object || rq->op == &s3_op_head_object;
    struct vg_str value = is_read ? head->header(head->of, vg_str_of(name)) : VG_STR_NONE;
    return !value.ptr ? VG_OK
                      : s3_bad_argument(rq,
                                        "x-amz-server-side-encryption header is not supported for "
                                        "this operation.",
                                        name, value);
}

vg_rc
s3_check_head(struct vg_req *rq, const struct vg_http_head *head)
{
    vg_rc rc = check_query(rq, head);
    if (rc == VG_OK)
        rc = check_list(rq, head);
    if (rc == VG_OK)
        rc = check_read(rq, head);
    if (rc != VG_OK)
        return rc;
    /* a POST to an object that is neither this nor anything else */
    if (rq->op == &s3_op_complete_multipart_upload
        && !s3_has_param(head->query, VG_STR("uploadId")))
        return not_allowed(rq, head, VG_STR_NONE);
    if (!rq->op->handler)
        return s3_fail_not_implemented(
            rq, "The operation s3:%" VG_FMT " is not built in this version of Virga.",
            VG_ARG(rq->op->name));
    return VG_OK;
}

/*
 * "For signed URLs, include x-amz-request-payer=requester in the request":
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ObjectsinRequesterPaysBuckets.html
 * Signers move other headers there too, of which S3 takes metadata (aws-sdk-js-v3, issue 4694) and
 * ignores tags (aws-sdk-go-v2, issue 1016) and checksums (localstack, issue 12169).
 */
static bool
is_heeded_in_urls(struct vg_str name)
{
    return vg_str_eq(name, VG_STR("x-amz-request-payer"))
           || vg_str_starts(name, VG_STR("x-amz-meta-"));
}

vg_rc
s3_add_headers(struct vg_req *rq, struct vg_wire_in *in)
{
    VG_VEC(struct vg_http_header) headers = { 0 };
    for (struct vg_str rest = in->query; rest.ptr;) {
        struct vg_str value = vg_str_cut(&rest, '&');
        struct vg_str name = vg_str_cut(&value, '=');
        name = vg_str_lower(rq->arena, vg_uri_decode(rq->arena, name, true));
        if (!is_heeded_in_urls(name) || vg_wire_in_has_header(in, name))
            continue;
        value = value.ptr ? vg_uri_decode(rq->arena, value, true) : VG_STR("");
        if (!s3_header_of(rq->arena, name, &value))
            return s3_bad_argument(rq, "The parameter cannot be kept as a header.",
                                   vg_str_cstr(rq->arena, name), value);
        *VG_VEC_ADD(rq->arena, &headers) = (struct vg_http_header) { name, value };
    }
    if (headers.len == 0)
        return VG_OK;
    for (size_t i = 0; i < in->n_headers; i++)
        *VG_VEC_ADD(rq->arena, &headers) = in->headers[i];
    in->headers = headers.items;
    in->n_headers = headers.len;
    return VG_OK;
}

vg_rc
s3_other(struct vg_req *rq, const struct vg_http_head *head)
{
    struct s3_place place = s3_place_of(rq->arena, head->path);
    if (vg_str_eq(head->method, VG_STR("OPTIONS")))
        return s3_preflight(rq, head);
    if (vg_str_eq(head->method, VG_STR("POST")) && place.bucket.len > 0 && place.key.len == 0
        && head->query.len == 0)
        return s3_form_missing(rq);
    return not_allowed(rq, head, VG_STR_NONE);
}
