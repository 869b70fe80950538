/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Forms that browsers post to a bucket: PutObject whose headers are fields of the form, signed by
 * its policy.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html
 */

#include "services/s3/s3_form.h"

#include "auth/sigv4_form.h"
#include "codec/uri.h"
#include "codec/xml.h"
#include "codec/xml_read.h"
#include "core/body.h"
#include "core/form.h"
#include "front/exchange.h"
#include "services/s3/s3_form_parts.h"
#include "services/s3/s3_form_policy.h"
#include "services/s3/s3_header_text.h"

#define NO_POLICY_MAX UINT64_MAX

struct form {
    struct vg_req *rq;
    struct vg_str bucket, key;
    struct s3_form_fields fields;
    struct vg_str url; /* of the bucket, as the client wrote it */
    uint64_t min, max; /* bytes of the file */

    struct s3_form_parts parts;
    struct vg_str rest; /* of the body: read and not taken apart yet */
    uint64_t taken;     /* bytes of the body */
    struct vg_body *body;
    struct vg_body file;
    uint64_t size; /* of the file, so far */
    bool is_whole;
};

/* --- the body, taken apart ----------------------------------------------------------------------
 */

static vg_rc
malformed(struct vg_req *rq)
{
    return s3_fail_malformed_post_request(
        rq, "The body of your POST request is not well-formed multipart/form-data.");
}

/* The next event that is not S3_PART_MORE. */
static vg_rc
next_event(struct form *f, enum s3_part_event *ret, struct vg_str *ret_data)
{
    vg_rc rc = VG_OK;
    for (;;) {
        size_t had = f->rest.len;
        *ret = s3_form_parts_next(&f->parts, &f->rest, ret_data);
        f->taken += had - f->rest.len;
        if (*ret == S3_PART_BAD)
            return malformed(f->rq);
        if (*ret != S3_PART_MORE)
            return VG_OK;
        rc = vg_body_read(f->rq, &f->rest);
        if (rc == VG_OK && f->rest.len == 0)
            rc = malformed(f->rq);
        if (rc != VG_OK)
            return rc;
    }
}

/* The code on the wire has no "Error" at its end, unlike AWS's list of codes. */
static vg_rc
check_taken(const struct form *f)
{
    if (f->taken <= S3_LIMIT_FORM_FIELDS_BYTES)
        return VG_OK;
    struct s3_max_post_pre_data_length_exceeded *d =
        VG_NEW(f->rq->arena, struct s3_max_post_pre_data_length_exceeded);
    d->max_post_pre_data_length_bytes =
        vg_str_fmt(f->rq->arena, "%d", (int)S3_LIMIT_FORM_FIELDS_BYTES);
    return s3_fail_max_post_pre_data_length_exceeded_detail(
        f->rq, d, "Your POST request fields preceeding the upload file was too large.");
}

static struct s3_form_field *
find_field(struct form *f, struct vg_str name)
{
    for (size_t i = 0; i < f->fields.len; i++)
        if (vg_str_eq(f->fields.items[i].name, name))
            return &f->fields.items[i];
    return NULL;
}

/* Two of one name cannot both be meant, but of metadata: "the values must be separated by commas"
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/HTTPPOSTForms.html). */
static vg_rc
add_field(struct form *f, struct vg_str as_sent, struct vg_str value)
{
    struct vg_str name = vg_str_lower(f->rq->arena, as_sent);
    struct s3_form_field *same = find_field(f, name);
    if (same && !vg_str_starts(name, VG_STR("x-amz-meta-")))
        return malformed(f->rq);
    if (same) {
        same->value =
            vg_str_fmt(f->rq->arena, "%" VG_FMT ",%" VG_FMT, VG_ARG(same->value), VG_ARG(value));
        return VG_OK;
    }
    *VG_VEC_ADD(f->rq->arena, &f->fields) = (struct s3_form_field) { name, as_sent, value };
    return VG_OK;
}

/* "The file or content … must be the last field in the form. Any fields below it are ignored." */
static vg_rc
read_fields(struct form *f)
{
    struct vg_buf value;
    struct vg_str data;
    enum s3_part_event event;
    vg_buf_init(&value, f->rq->arena, S3_LIMIT_FORM_FIELDS_BYTES);
    for (;;) {
        vg_rc rc = next_event(f, &event, &data);
        if (rc == VG_OK)
            rc = check_taken(f);
        if (rc == VG_OK && event == S3_PART_CLOSED)
            rc = s3_bad_argument(f->rq, "POST requires exactly one file upload per request.",
                                 "file", VG_STR("0"));
        if (rc == VG_OK && event == S3_PART_END)
            rc = add_field(f, f->parts.name, vg_str_dup(f->rq->arena, vg_buf_str(&value)));
        if (rc != VG_OK)
            return rc;
        if (event == S3_PART_DATA)
            vg_buf_adds(&value, data);
        if (event == S3_PART_HEAD) {
            vg_buf_clear(&value);
            if (vg_str_eq_nocase(f->parts.name, VG_STR("file")))
                return VG_OK;
        }
    }
}

/* --- the file, as a request's body --------------------------------------------------------------
 */

static vg_rc
wrong_size(struct form *f)
{
    struct vg_str size = vg_str_fmt(f->rq->arena, "%llu", (unsigned long long)f->size);
    if (f->size > f->max) {
        struct s3_entity_too_large *d = VG_NEW(f->rq->arena, struct s3_entity_too_large);
        d->proposed_size = size;
        d->max_size_allowed = vg_str_fmt(f->rq->arena, "%llu", (unsigned long long)f->max);
        return s3_fail_entity_too_large_detail(
            f->rq, d, "Your proposed upload exceeds the maximum allowed size");
    }
    struct s3_entity_too_small *d = VG_NEW(f->rq->arena, struct s3_entity_too_small);
    d->proposed_size = size;
    d->min_size_allowed = vg_str_fmt(f->rq->arena, "%llu", (unsigned long long)f->min);
    return s3_fail_entity_too_small_detail(
        f->rq, d, "Your proposed upload is smaller than the minimum allowed size");
}

/* What follows the file is well-formed and ignored. */
static vg_rc
read_rest(struct form *f)
{
    enum s3_part_event event = S3_PART_MORE;
    struct vg_str data;
    vg_rc rc = VG_OK;
    while (rc == VG_OK && event != S3_PART_CLOSED)
        rc = next_event(f, &event, &data);
    do {
        if (rc == VG_OK)
            rc = vg_body_read(f->rq, &data);
    } while (rc == VG_OK && data.len > 0);
    return rc;
}

/* Of a file that is too large all is read, so that the client hears how large it was. */
static vg_rc
next_of_file(struct form *f, struct vg_str *ret)
{
    enum s3_part_event event = S3_PART_MORE;
    *ret = VG_STR("");
    while (!f->is_whole && ret->len == 0) {
        vg_rc rc = next_event(f, &event, ret);
        if (rc == VG_OK && event == S3_PART_END) {
            f->is_whole = true;
            rc = read_rest(f);
            *ret = VG_STR("");
        }
        if (rc != VG_OK)
            return rc;
        f->size += ret->len;
        if (f->size > f->max && f->size <= S3_LIMIT_PUT_BYTES)
            *ret = VG_STR("");
    }
    bool is_wrong = f->size > f->max || (f->is_whole && f->size < f->min);
    return is_wrong ? wrong_size(f) : VG_OK;
}

static vg_rc
read_file(void *from, struct vg_str *ret, struct vg_err *err) VG_WAITS
{
    struct form *f = from;
    struct vg_req *rq = f->rq;
    struct vg_err *handlers = rq->err;
    rq->err = err;
    rq->body = f->body;
    vg_rc rc = next_of_file(f, ret);
    rq->body = &f->file;
    rq->err = handlers;
    return rc;
}

/* --- fields -------------------------------------------------------------------------------------
 */

static vg_rc
no_field(struct form *f, const char *name)
{
    struct vg_str text = vg_str_fmt(f->rq->arena,
                                    "Bucket POST must contain a field named '%s'.  If it is "
                                    "specified, please check the order of the fields.",
                                    name);
    return s3_bad_argument(f->rq, vg_str_cstr(f->rq->arena, text), name, VG_STR(""));
}

/* "The string ${filename} is automatically replaced with the name of the file provided by the user
 * and is recognized by all form fields."  Of a path, what follows the last slash. */
static void
put_filename(struct form *f)
{
    static const struct vg_str mark = VG_STR_INIT("${filename}");
    struct vg_str name = f->parts.filename;
    if (!name.ptr)
        return;
    size_t from = name.len;
    while (from > 0 && name.ptr[from - 1] != '/' && name.ptr[from - 1] != '\\')
        from--;
    name = vg_str_slice(name, from, name.len);
    for (size_t i = 0; i < f->fields.len; i++) {
        struct vg_str rest = f->fields.items[i].value;
        size_t at = vg_str_find(rest, mark);
        if (at == VG_NPOS)
            continue;
        struct vg_buf b;
        vg_buf_init(&b, f->rq->arena, S3_LIMIT_FORM_FIELDS_BYTES);
        for (; at != VG_NPOS; at = vg_str_find(rest, mark)) {
            vg_buf_adds(&b, vg_str_slice(rest, 0, at));
            vg_buf_adds(&b, name);
            rest = vg_str_slice(rest, at + mark.len, rest.len);
        }
        vg_buf_adds(&b, rest);
        f->fields.items[i].value = vg_buf_str(&b);
    }
}

static vg_rc
take_key(struct form *f)
{
    f->key = s3_form_get(&f->fields, VG_STR("key"));
    if (!f->key.ptr)
        return no_field(f, "key");
    if (f->key.len == 0)
        return s3_bad_argument(f->rq, "User key must have a length greater than 0.", "key",
                               VG_STR(""));
    return s3_check_key(f->rq, f->key);
}

/* --- who signed it ------------------------------------------------------------------------------
 */

/* *ret_is_signed false: nobody says that he did. */
static vg_rc
take_signature(struct form *f, struct vg_sigv4_form *ret, bool *ret_is_signed)
{
    const struct {
        const char *name;
        bool is_v2;
        struct vg_str *to;
    } all[] = {
        { "X-Amz-Algorithm", false, &ret->algorithm },
        { "X-Amz-Credential", false, &ret->credential },
        { "X-Amz-Date", false, &ret->date },
        { "X-Amz-Signature", false, &ret->signature },
        { "AWSAccessKeyId", true, &ret->access_key_id },
        { "Signature", true, &ret->signature },
    };
    bool has_v4 = false, has_v2 = false;
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        struct vg_str name = vg_str_lower(f->rq->arena, vg_str_of(all[i].name));
        struct vg_str value = s3_form_get(&f->fields, name);
        if (!value.ptr || (has_v4 && all[i].is_v2))
            continue;
        *all[i].to = value;
        has_v4 = has_v4 || !all[i].is_v2;
        has_v2 = has_v2 || all[i].is_v2;
    }
    ret->is_v2 = !has_v4;
    ret->policy = s3_form_get(&f->fields, VG_STR("policy"));
    ret->token = s3_form_get(&f->fields, VG_STR("x-amz-security-token"));
    *ret_is_signed = has_v4 || has_v2;
    for (size_t i = 0; *ret_is_signed && i < VG_COUNT(all); i++)
        if (all[i].is_v2 == ret->is_v2 && !all[i].to->ptr)
            return no_field(f, all[i].name);
    return *ret_is_signed && !ret->policy.ptr ? no_field(f, "Policy") : VG_OK;
}

static vg_rc
denied(struct vg_req *rq, struct vg_str why)
{
    return vg_authn_fail(
        rq->err, VG_AUTHN_S3, VG_AUTHN_MISSING,
        vg_str_fmt(rq->arena, "Invalid according to Policy: %" VG_FMT, VG_ARG(why)));
}

static vg_rc
hold_to_policy(struct form *f, struct vg_str text, const struct vg_sigv4 *sig)
{
    struct vg_req *rq = f->rq;
    struct s3_form_policy policy;
    struct vg_str why;
    if (!s3_form_policy_read(rq->arena, text, &policy, &why))
        return s3_fail_invalid_policy_document(rq, "Invalid Policy: %" VG_FMT, VG_ARG(why));
    if (vg_sigv4_form_has_ended(&vg_exchange_of(rq)->rules, sig, policy.expires_ms))
        return denied(rq, VG_STR("Policy expired."));
    if (!s3_form_policy_holds(rq->arena, &policy, f->bucket, &f->fields, &why))
        return denied(rq, why);
    if (policy.has_range) {
        f->min = policy.min;
        f->max = policy.max;
    }
    return VG_OK;
}

/* The policy of one that nobody signed says nothing: the bucket's decides. */
static vg_rc
authenticate(struct form *f) VG_WAITS
{
    struct vg_req *rq = f->rq;
    struct vg_sigv4_form signs = { .is_v2 = false };
    struct vg_sigv4 sig;
    const char *field;
    struct vg_str why;
    bool is_signed;
    vg_rc rc = take_signature(f, &signs, &is_signed);
    if (rc != VG_OK || !is_signed)
        return rc;
    if (!vg_sigv4_form_parse(rq->arena, &signs, &sig, &field, &why))
        return s3_bad_argument(rq, vg_str_cstr(rq->arena, why), field,
                               s3_form_get(&f->fields, vg_str_lower(rq->arena, vg_str_of(field))));
    rc = vg_exchange_authenticate_form(vg_exchange_of(rq), &signs, &sig);
    return rc == VG_OK ? hold_to_policy(f, signs.policy, &sig) : rc;
}

/* --- what PutObject would be told ---------------------------------------------------------------
 */

/* The header of PutObject that means the same; absent: the field is the form's own. */
static struct vg_str
header_of(struct vg_arena *arena, struct vg_str field)
{
    static const struct vg_str as_they_are[] = {
        VG_STR_INIT("cache-control"),    VG_STR_INIT("content-disposition"),
        VG_STR_INIT("content-encoding"), VG_STR_INIT("content-language"),
        VG_STR_INIT("content-md5"),      VG_STR_INIT("content-type"),
        VG_STR_INIT("expires"),
    };
    static const struct vg_str own[] = {
        VG_STR_INIT("x-amz-algorithm"), VG_STR_INIT("x-amz-credential"),
        VG_STR_INIT("x-amz-date"),      VG_STR_INIT("x-amz-security-token"),
        VG_STR_INIT("x-amz-signature"), VG_STR_INIT("x-amz-tagging"),
    };
    if (vg_str_eq(field, VG_STR("x-amz-checksum-algorithm")))
        return VG_STR("x-amz-sdk-checksum-algorithm");
    if (vg_str_eq(field, VG_STR("acl")) || vg_str_eq(field, VG_STR("tagging")))
        return vg_str_cat(arena, VG_STR("x-amz-"), field);
    for (size_t i = 0; i < VG_COUNT(as_they_are); i++)
        if (vg_str_eq(field, as_they_are[i]))
            return field;
    for (size_t i = 0; i < VG_COUNT(own); i++)
        if (vg_str_eq(field, own[i]))
            return VG_STR_NONE;
    return vg_str_starts(field, VG_STR("x-amz-")) ? field : VG_STR_NONE;
}

static const struct vg_xml *
child(const struct vg_xml *of, struct vg_str name)
{
    for (const struct vg_xml *x = of ? of->first : NULL; x; x = x->next)
        if (vg_str_eq(x->name, name))
            return x;
    return NULL;
}

/* <Tagging><TagSet><Tag>… as x-amz-tagging has it. XML of another kind says nothing. */
static vg_rc
tagging_header(struct vg_req *rq, struct vg_str xml, struct vg_str *ret)
{
    const struct vg_xml *root;
    struct vg_err cause;
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, 4 * S3_LIMIT_FORM_FIELDS_BYTES);
    if (vg_xml_read(rq->arena, xml, &root, &cause) != VG_OK)
        return s3_malformed_xml(rq);
    const struct vg_xml *set = child(root, VG_STR("TagSet"));
    for (const struct vg_xml *tag = set ? set->first : NULL; tag; tag = tag->next) {
        const struct vg_xml *key = child(tag, VG_STR("Key")), *value = child(tag, VG_STR("Value"));
        if (!key || !value)
            return s3_malformed_xml(rq);
        vg_buf_addf(&b, "%s%" VG_FMT "=%" VG_FMT, b.len ? "&" : "",
                    VG_ARG(vg_uri_encode(rq->arena, key->text, false)),
                    VG_ARG(vg_uri_encode(rq->arena, value->text, false)));
    }
    *ret = vg_buf_str(&b);
    return VG_OK;
}

static vg_rc
header_value(struct vg_req *rq, const struct s3_form_field *field, struct vg_str header,
             struct vg_str *ret)
{
    *ret = field->value;
    if (vg_str_eq(field->name, VG_STR("tagging")))
        return tagging_header(rq, field->value, ret);
    return s3_header_of(rq->arena, header, ret)
               ? VG_OK
               : s3_bad_argument(rq, "The form field cannot be kept as a header.",
                                 vg_str_cstr(rq->arena, field->as_sent), field->value);
}

static vg_rc
make_request(struct form *f, struct vg_wire_in *in)
{
    struct vg_req *rq = f->rq;
    struct vg_http_header *headers =
        VG_NEW_ARRAY(rq->arena, struct vg_http_header, f->fields.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < f->fields.len; i++) {
        const struct s3_form_field *field = &f->fields.items[i];
        struct vg_str name = header_of(rq->arena, field->name), value;
        if (!name.ptr)
            continue;
        vg_rc rc = header_value(rq, field, name, &value);
        if (rc != VG_OK)
            return rc;
        headers[n++] = (struct vg_http_header) { name, value };
    }
    *in = (struct vg_wire_in) {
        .method = VG_STR("PUT"),
        .headers = headers,
        .n_headers = n,
        .labels = { { VG_STR("Bucket"), vg_uri_encode(rq->arena, f->bucket, false) },
                    { VG_STR("Key"), vg_uri_encode(rq->arena, f->key, false) } },
        .n_labels = 2,
    };
    return VG_OK;
}

/* --- the whole ----------------------------------------------------------------------------------
 */

/* "/bucket" and "/bucket/": the bucket as it is written; absent: another path. */
static struct vg_str
bucket_of(struct vg_str path)
{
    struct vg_str rest = vg_str_slice(path, 1, path.len), bucket = vg_str_cut(&rest, '/');
    return vg_str_starts(path, VG_STR("/")) && bucket.len > 0 && rest.len == 0 ? bucket
                                                                               : VG_STR_NONE;
}

static bool
match(struct vg_str path, struct vg_str query, struct vg_str content_type, bool is_ours)
{
    return bucket_of(path).ptr && query.len == 0 && (is_ours || s3_form_is(content_type));
}

/* The URL under which the client knows the bucket, whichever way it names it. */
static struct vg_str
url_of(const struct vg_http_req *http)
{
    struct vg_str path = vg_str_starts(http->target, VG_STR("/")) ? http->target : http->path;
    path = vg_str_slice(path, 0, vg_str_find_char(path, '?'));
    while (vg_str_ends(path, VG_STR("/")))
        path.len--;
    return vg_str_fmt(http->arena, "%" VG_FMT "://%" VG_FMT "%" VG_FMT "/", VG_ARG(http->scheme),
                      VG_ARG(http->host), VG_ARG(path));
}

/* Text and condition are those of LocalStack's snapshot of S3's answer. */
vg_rc
s3_form_missing(struct vg_req *rq)
{
    struct s3_precondition_failed *d = VG_NEW(rq->arena, struct s3_precondition_failed);
    d->condition = VG_STR("Bucket POST must be of the enclosure-type multipart/form-data");
    return s3_fail_precondition_failed_detail(
        rq, d, "At least one of the pre-conditions you specified did not hold");
}

static vg_rc
open_form(struct vg_req *rq, struct vg_http_req *http, struct vg_str path, struct vg_form *ret)
{
    struct vg_str type = vg_http_header(http, VG_STR("content-type"));
    struct vg_str boundary = s3_form_boundary(rq->arena, type);
    struct form *f = VG_NEW(rq->arena, struct form);
    *f = (struct form) { .rq = rq, .url = url_of(http), .body = rq->body, .max = NO_POLICY_MAX };
    f->bucket = vg_uri_decode(rq->arena, bucket_of(path), false);
    if (!s3_form_is(type))
        return s3_form_missing(rq);
    if (vg_body_length(rq) < 0)
        return s3_fail_missing_content_length(rq,
                                              "You must provide the Content-Length HTTP header.");
    if (!boundary.ptr)
        return malformed(rq);
    s3_form_parts_init(&f->parts, rq->arena, boundary);
    vg_rc rc = read_fields(f);
    if (rc != VG_OK)
        return rc;
    put_filename(f);
    rc = take_key(f);
    if (rc == VG_OK)
        rc = authenticate(f);
    if (rc == VG_OK)
        rc = make_request(f, &ret->in);
    f->file = (struct vg_body) {
        .read = read_file, .from = f, .length = -1, .is_open = true, .family = VG_AUTHN_S3
    };
    rq->body = &f->file;
    ret->op = &s3_op_put_object;
    ret->own = f;
    return rc;
}

/* --- the answer ---------------------------------------------------------------------------------
 */

static void
add_header(struct vg_req *rq, struct vg_wire_out *out, struct vg_str name, struct vg_str value)
{
    *VG_VEC_ADD(rq->arena, &out->headers) = (struct vg_http_header) { name, value };
}

static struct vg_str
etag_of(const struct vg_wire_out *out)
{
    for (size_t i = 0; i < out->headers.len; i++)
        if (vg_str_eq_nocase(out->headers.items[i].name, VG_STR("etag")))
            return out->headers.items[i].value;
    return VG_STR("");
}

static void
add_form_encoded(struct vg_arena *arena, struct vg_buf *b, const char *name, struct vg_str value)
{
    struct vg_str rest = vg_uri_encode(arena, value, false);
    vg_buf_addf(b, "%s=", name);
    for (size_t at; (at = vg_str_find(rest, VG_STR("%20"))) != VG_NPOS;) {
        vg_buf_adds(b, vg_str_slice(rest, 0, at));
        vg_buf_addc(b, '+');
        rest = vg_str_slice(rest, at + 3, rest.len);
    }
    vg_buf_adds(b, rest);
}

/*
 * The URL the client is sent to, absent: none that can be used.  "If S3 cannot interpret the URL,
 * it acts as if the field is not present."
 */
static struct vg_str
redirect_of(const struct form *f, struct vg_str etag)
{
    struct vg_str to = s3_form_get(&f->fields, VG_STR("success_action_redirect"));
    struct vg_buf b;
    if (!to.ptr)
        to = s3_form_get(&f->fields, VG_STR("redirect"));
    size_t slashes = vg_str_find(to, VG_STR("://"));
    struct vg_str host = vg_str_slice(to, slashes == VG_NPOS ? to.len : slashes + 3, to.len);
    bool is_url =
        vg_str_starts_nocase(to, VG_STR("http://")) || vg_str_starts_nocase(to, VG_STR("https://"));
    bool has_host = host.len > 0 && !strchr("/?# ", host.ptr[0]);
    if (!is_url || !has_host || !s3_is_header_value(to))
        return VG_STR_NONE;
    vg_buf_init(&b, f->rq->arena, 8 * S3_LIMIT_FORM_FIELDS_BYTES);
    vg_buf_adds(&b, to);
    vg_buf_addc(&b, vg_str_find_char(to, '?') == VG_NPOS ? '?' : '&');
    add_form_encoded(f->rq->arena, &b, "bucket", f->bucket);
    add_form_encoded(f->rq->arena, &b, "&key", f->key);
    add_form_encoded(f->rq->arena, &b, "&etag", etag);
    return vg_buf_str(&b);
}

static void
put_document(const struct form *f, struct vg_str location, struct vg_str etag,
             struct vg_wire_out *out)
{
    vg_buf_init(&out->body, f->rq->arena, 8 * S3_LIMIT_FORM_FIELDS_BYTES);
    vg_buf_adds(&out->body, VG_STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse>"));
    vg_xmlw_element(&out->body, VG_STR("Location"), location);
    vg_xmlw_element(&out->body, VG_STR("Bucket"), f->bucket);
    vg_xmlw_element(&out->body, VG_STR("Key"), f->key);
    /* its quotes as they are, as S3 sends them: clients look for them without an XML parser */
    vg_buf_addf(&out->body, "<ETag>%" VG_FMT "</ETag></PostResponse>", VG_ARG(etag));
    add_header(f->rq, out, VG_STR("Content-Type"), VG_STR("application/xml"));
}

static void
answer(struct vg_req *rq, const struct vg_form *form, struct vg_wire_out *out)
{
    const struct form *f = form->own;
    struct vg_str etag = etag_of(out), redirect = redirect_of(f, etag);
    struct vg_str status = s3_form_get(&f->fields, VG_STR("success_action_status"));
    struct vg_str location = vg_str_cat(rq->arena, f->url, vg_uri_encode(rq->arena, f->key, false));
    add_header(rq, out, VG_STR("Location"), redirect.ptr ? redirect : location);
    if (redirect.ptr) {
        out->status = 303;
    } else if (vg_str_eq(status, VG_STR("201"))) {
        out->status = 201;
        put_document(f, location, etag, out);
    } else {
        out->status = vg_str_eq(status, VG_STR("200")) ? 200 : 204;
    }
}

const struct vg_forms s3_forms = { .match = match, .open = open_form, .answer = answer };
