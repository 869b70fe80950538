/* SPDX-License-Identifier: Apache-2.0 */

/* CopyObject: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */

#include "services/s3/s3_headers.h"

#include "codec/uri.h"
#include "core/env.h"
#include "services/s3/s3_kms.h"
#include "services/s3/s3_lifecycle.h"
#include "services/s3/s3_log_note.h"
#include "services/s3/s3_object_rules.h"
#include "services/s3/s3_restore.h"

#define TRIES_MAX 100

/* --- the source ---------------------------------------------------------------------------------
 */

static vg_rc
bad_source(struct vg_req *rq, struct vg_str header)
{
    return s3_bad_argument(
        rq, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
        "x-amz-copy-source", header);
}

vg_rc
s3_copy_source(struct vg_req *rq, struct vg_str header, struct vg_str expected_owner,
               struct s3_at *ret)
{
    struct vg_str path = header, query;
    size_t mark = vg_str_find(path, VG_STR("?versionId="));
    *ret = (struct s3_at) { .expected_owner = expected_owner };
    if (mark != VG_NPOS) {
        query = vg_str_slice(path, mark + 11, path.len);
        ret->version_id = vg_uri_decode(rq->arena, query, false);
        path = vg_str_slice(path, 0, mark);
    }
    if (!vg_uri_is_wellformed(path))
        return bad_source(rq, header);
    path = vg_uri_decode(rq->arena, path, false);
    if (vg_str_starts(path, VG_STR("/")))
        path = vg_str_slice(path, 1, path.len);
    if (vg_str_starts(path, VG_STR("arn:")))
        return s3_not_built(rq, "A copy's source behind an access point");
    ret->bucket = vg_str_cut(&path, '/');
    ret->key = path;
    return ret->bucket.len && ret->key.len && vg_str_is_utf8(ret->key) ? VG_OK
                                                                       : bad_source(rq, header);
}

/* The version that is read. */
static vg_rc
find_source(struct vg_req *rq, struct s3_copying *c) VG_WAITS
{
    const char *header;
    vg_rc rc = s3_need_version(rq, &c->from, &c->bucket, &c->source);
    if (rc == VG_FAIL && rq->err->def == &s3_err_method_not_allowed)
        return s3_fail_invalid_request(rq, "The source of a copy request may not specifically "
                                           "refer to a delete marker by version id.");
    rc = s3_hide_absence(rq, &c->from, rc);
    if (rc != VG_OK)
        return rc;
    rc = s3_customer_key_check(rq, c->source, &c->from_key);
    if (rc != VG_OK)
        return rc;
    if (s3_conditions_check(&c->conditions, c->source->etag, c->source->modified_ms,
                            vg_now_ms(rq->env), &header)
        != S3_CONDITION_HOLDS)
        return s3_failed_condition(
            rq, vg_str_cstr(rq->arena, vg_str_fmt(rq->arena, "x-amz-copy-source-%s", header)));
    if (s3_is_archived(rq, c->source))
        return s3_fail_object_not_in_active_tier_error(
            rq, "The source object of the COPY operation is not in the active tier and is only "
                "stored in Amazon Glacier.");
    return VG_OK;
}

/* Opened with the one key, sealed anew with the other. */
static vg_rc
copy_from(struct vg_req *rq, struct s3_copying *c, struct s3_reader *reader) VG_WAITS
{
    s3_auto_writer struct s3_writer *writer = NULL;
    struct vg_str piece = VG_STR("-");
    vg_rc rc = s3_writer_open(rq, &c->sealer, &c->declared, &writer);
    while (rc == VG_OK && piece.len > 0) {
        rc = s3_reader_next(reader, &piece);
        if (rc == VG_OK)
            rc = s3_writer_add(writer, piece);
    }
    return rc == VG_OK ? s3_writer_finish(writer, VG_STR_NONE, &c->written) : rc;
}

vg_rc
s3_copy_bytes(struct vg_req *rq, struct s3_copying *c)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        s3_auto_reader struct s3_reader *reader = NULL;
        bool is_gone = false;
        vg_rc rc = find_source(rq, c);
        s3_log_copied(rq, &c->from, c->bucket, c->source ? c->source->size : -1,
                      rc == VG_OK ? NULL : rq->err);
        if (rc == VG_OK)
            rc = c->look(rq, c, c->arg);
        if (rc == VG_OK)
            rc = s3_version_reader(rq, &c->from, c->bucket, c->source, &c->from_key, c->span,
                                   &reader, &is_gone);
        if (rc != VG_OK)
            return rc;
        if (!is_gone)
            return copy_from(rq, c, reader);
    }
    return vg_err_set(rq->err, "an object is replaced faster than it can be copied");
}

/* --- what the copy is to be ---------------------------------------------------------------------
 */

struct copy {
    const struct s3_copy_object_request *in;
    struct s3_copying bytes;
    struct s3_customer_key key;
    struct s3_rec_bucket *bucket;
    struct s3_rec_version *version;
};

static vg_rc
check_directives(struct vg_req *rq, const struct s3_copy_object_request *in)
{
    if (in->metadata_directive.v < 0)
        return s3_bad_argument(rq, "Unknown metadata directive.", "x-amz-metadata-directive",
                               in->metadata_directive.text);
    if (in->tagging_directive.v < 0)
        return s3_bad_argument(rq, "Unknown tagging directive.", "x-amz-tagging-directive",
                               in->tagging_directive.text);
    /* No object has annotations, so that both directives come to the same. */
    if (in->annotation_directive.v < 0)
        return s3_bad_argument(rq, "Unknown annotation directive.",
                               "x-amz-object-annotation-directive", in->annotation_directive.text);
    return VG_OK;
}

static bool
is_to_itself(const struct copy *c)
{
    return vg_str_eq(c->bytes.from.bucket, c->in->bucket)
           && vg_str_eq(c->bytes.from.key, c->in->key) && !c->bytes.from.version_id.ptr;
}

/* Where the bucket has an encryption configured, that counts as a change: measured, see
 * test_s3_copy_in_place_… of LocalStack's snapshots. */
static vg_rc
check_change(struct vg_req *rq, const struct copy *c)
{
    const struct s3_copy_object_request *in = c->in;
    void *encryption = NULL;
    bool is_changed = in->metadata_directive.v == S3_METADATA_DIRECTIVE_REPLACE
                      || in->storage_class.text.ptr || in->website_redirect_location.ptr
                      || in->server_side_encryption.text.ptr || c->key.is_given
                      || c->bytes.from_key.is_given;
    if (is_changed || !is_to_itself(c))
        return VG_OK;
    vg_rc rc = s3_store_config(rq, c->bucket, S3_CONFIG_ENCRYPTION,
                               &s3_shape_server_side_encryption_configuration, &encryption);
    if (rc != VG_OK || encryption)
        return rc;
    return s3_fail_invalid_request(
        rq, "This copy request is illegal because it is trying to copy an object to itself without "
            "changing the object's metadata, storage class, website redirect location or "
            "encryption attributes.");
}

static void
copy_metadata(const struct s3_rec_version *from, struct s3_rec_version *to)
{
    to->cache_control = from->cache_control;
    to->content_disposition = from->content_disposition;
    to->content_encoding = from->content_encoding;
    to->content_language = from->content_language;
    to->content_type = from->content_type;
    to->expires = from->expires;
    to->metadata.items = from->metadata.items;
    to->metadata.len = from->metadata.len;
}

static vg_rc
make_version(struct vg_req *rq, struct copy *c) VG_WAITS
{
    const struct s3_copy_object_request *in = c->in;
    const struct s3_object_headers h = S3_OBJECT_HEADERS(in);
    struct s3_rec_version *v = c->version = VG_NEW(rq->arena, struct s3_rec_version);
    vg_rc rc = s3_headers_read(rq, c->bucket, in->key, &h, &c->key, v);
    if (rc != VG_OK)
        return rc;
    if (in->metadata_directive.v == S3_METADATA_DIRECTIVE_REPLACE)
        rc = s3_headers_read_metadata(rq, &h, v);
    else
        copy_metadata(c->bytes.source, v);
    if (rc == VG_OK && in->tagging_directive.v == S3_TAGGING_DIRECTIVE_REPLACE)
        return s3_headers_read_tags(rq, in->tagging, v);
    v->tags.items = c->bytes.source->tags.items;
    v->tags.len = c->bytes.source->tags.len;
    return rc;
}

static vg_rc
check_copy(struct vg_req *rq, struct copy *c)
{
    const struct s3_copy_object_request *in = c->in;
    const struct s3_key_asked from_key = S3_SOURCE_KEY_ASKED(in), key = S3_KEY_ASKED(in);
    vg_rc rc =
        s3_copy_source(rq, in->copy_source, in->expected_source_bucket_owner, &c->bytes.from);
    if (rc == VG_OK)
        rc = check_directives(rq, in);
    if (rc == VG_OK)
        rc = s3_write_condition_check(rq, in->if_match, in->if_none_match);
    if (rc == VG_OK)
        rc = s3_customer_key_read(rq, &from_key, &c->bytes.from_key);
    if (rc == VG_OK)
        rc = s3_customer_key_read(rq, &key, &c->key);
    if (rc == VG_OK)
        rc = s3_need_bucket(rq, in->bucket, in->expected_bucket_owner, &c->bucket);
    if (rc == VG_OK)
        rc = s3_check_key(rq, in->key);
    return rc == VG_OK ? check_change(rq, c) : rc;
}

/* --- the bytes ----------------------------------------------------------------------------------
 */

static vg_rc
check_size(struct vg_req *rq, const struct s3_rec_version *v)
{
    return v->size <= S3_LIMIT_PUT_BYTES
               ? VG_OK
               : s3_fail_invalid_request(rq,
                                         "The specified copy source is larger than the maximum "
                                         "allowable size for a copy source: %lld",
                                         (long long)S3_LIMIT_PUT_BYTES);
}

/* All of it, with the checksum that is asked for, or that it had. */
static vg_rc
look(struct vg_req *rq, struct s3_copying *bytes, void *arg) VG_WAITS
{
    struct copy *c = arg;
    const struct s3_rec_checksum *was = bytes->source->checksum;
    struct vg_str asked = c->in->checksum_algorithm.text;
    bytes->span = (struct s3_span) { 0, bytes->source->size };
    bytes->declared = (struct s3_declared) { .size = bytes->source->size,
                                             .algorithm = asked.ptr ? asked
                                                          : was     ? was->algorithm
                                                                    : VG_STR_NONE };
    vg_rc rc = check_size(rq, bytes->source);
    if (rc == VG_OK)
        rc = make_version(rq, c);
    bytes->sealer = s3_sealer_of(c->bucket->account, &c->key);
    return rc;
}

static vg_rc
set_answer(struct vg_req *rq, const struct copy *c, struct s3_copy_object_output *out)
{
    const struct s3_rec_version *v = c->version;
    struct s3_copy_object_result *result = VG_NEW(rq->arena, struct s3_copy_object_result);
    out->copy_object_result = result;
    result->e_tag = s3_etag(rq, v);
    result->last_modified_ms = s3_time_shown(v->modified_ms);
    S3_SET_CHECKSUM(result, v->checksum);
    out->copy_source_version_id = s3_version_shown(c->bytes.bucket, c->bytes.source);
    out->version_id = s3_version_made(c->bucket, v);
    S3_SET_ENCRYPTION(out, v);
    out->ssekms_encryption_context = s3_kms_context_shown(rq, c->in->ssekms_encryption_context, v);
    return s3_lifecycle_expiration(rq, c->bucket, c->in->key, v, &out->expiration);
}

static vg_rc
copy(struct vg_req *rq, struct copy *c) VG_WAITS
{
    vg_rc rc = check_copy(rq, c);
    if (rc == VG_OK)
        rc = s3_copy_bytes(rq, &c->bytes);
    if (rc != VG_OK)
        return rc;
    const struct s3_new_object object = { .bucket = c->bucket,
                                          .key = c->in->key,
                                          .if_match = c->in->if_match,
                                          .if_none_match = c->in->if_none_match,
                                          .version = c->version,
                                          .written = &c->bytes.written,
                                          .how = S3_CREATED_COPY };
    return s3_keep_object(rq, &object);
}

vg_rc
s3_copy_object(struct vg_req *rq, const struct s3_copy_object_request *in,
               struct s3_copy_object_output *out)
{
    struct copy c = {
        .in = in,
        .bytes = { .conditions = S3_SOURCE_CONDITIONS(in), .look = look, .arg = &c },
    };
    vg_rc rc = copy(rq, &c);
    if (rc == VG_OK)
        rc = set_answer(rq, &c, out);
    s3_customer_key_wipe(&c.key);
    s3_customer_key_wipe(&c.bytes.from_key);
    return rc;
}
