/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What requests that make an object say of it.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
 */

#include "services/s3/s3_headers.h"

#include "codec/time.h"
#include "codec/uri.h"
#include "core/body.h"
#include "core/env.h"
#include "services/s3/s3_digest.h"
#include "services/s3/s3_header_text.h"
#include "services/s3/s3_kms.h"
#include "services/s3/s3_object_rules.h"

#define REDIRECT_MAX 2048
#define DAY_MS       INT64_C(86400000)

vg_rc
s3_unwanted_header(struct vg_req *rq, const char *header, const char *why)
{
    struct s3_not_implemented *d = VG_NEW(rq->arena, struct s3_not_implemented);
    d->header = vg_str_of(header);
    d->additional_message = vg_str_of(why);
    return s3_fail_not_implemented_detail(
        rq, d, "A header you provided implies functionality that is not implemented");
}

/* --- metadata -----------------------------------------------------------------------------------
 */

static vg_rc
set_metadata(struct vg_req *rq, const struct s3_metadata *metadata, struct s3_rec_version *v)
{
    size_t bytes = 0;
    for (size_t i = 0; i < metadata->len; i++) {
        struct s3_rec_pair *p = VG_VEC_ADD(rq->arena, &v->metadata);
        *p = (struct s3_rec_pair) {
            .name = vg_str_lower(rq->arena, metadata->items[i].key),
            .value = s3_header_text_decode(rq->arena, metadata->items[i].value),
        };
        bytes += p->name.len + p->value.len;
    }
    if (bytes <= S3_LIMIT_METADATA_BYTES)
        return VG_OK;
    struct s3_metadata_too_large *d = VG_NEW(rq->arena, struct s3_metadata_too_large);
    d->size = vg_str_fmt(rq->arena, "%zu", bytes);
    d->max_size_allowed = vg_str_fmt(rq->arena, "%d", S3_LIMIT_METADATA_BYTES);
    return s3_fail_metadata_too_large_detail(
        rq, d, "Your metadata headers exceed the maximum allowed metadata size");
}

vg_rc
s3_headers_read_metadata(struct vg_req *rq, const struct s3_object_headers *h,
                         struct s3_rec_version *v)
{
    v->cache_control = h->cache_control;
    v->content_disposition = h->content_disposition;
    v->content_encoding = h->content_encoding;
    v->content_language = h->content_language;
    v->content_type = h->content_type;
    v->expires = h->expires;
    return set_metadata(rq, &h->metadata, v);
}

static vg_rc
set_redirect(struct vg_req *rq, struct vg_str to, struct s3_rec_version *v)
{
    v->redirect = to;
    if (!to.ptr)
        return VG_OK;
    if (!vg_str_starts(to, VG_STR("/")) && !vg_str_starts_nocase(to, VG_STR("http://"))
        && !vg_str_starts_nocase(to, VG_STR("https://")))
        return s3_fail_invalid_redirect_location(
            rq,
            "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.");
    return to.len <= REDIRECT_MAX
               ? VG_OK
               : s3_fail_invalid_redirect_location(
                   rq, "The length of website redirect location cannot exceed 2,048 characters.");
}

/* Absent in the record stands for STANDARD. */
static vg_rc
set_storage_class(struct vg_req *rq, const struct vg_enum *class, struct s3_rec_version *v)
{
    switch (class->v) {
    case S3_STORAGE_CLASS__UNSET:
    case S3_STORAGE_CLASS_STANDARD:
        return VG_OK;
    case S3_STORAGE_CLASS_REDUCED_REDUNDANCY:
    case S3_STORAGE_CLASS_STANDARD_IA:
    case S3_STORAGE_CLASS_ONEZONE_IA:
    case S3_STORAGE_CLASS_INTELLIGENT_TIERING:
    case S3_STORAGE_CLASS_GLACIER:
    case S3_STORAGE_CLASS_DEEP_ARCHIVE:
    case S3_STORAGE_CLASS_GLACIER_IR:
        v->storage_class = class->text;
        return VG_OK;
    default: {
        struct s3_invalid_storage_class *d = VG_NEW(rq->arena, struct s3_invalid_storage_class);
        d->storage_class_requested = class->text;
        return s3_fail_invalid_storage_class_detail(rq, d,
                                                    "The storage class you specified is not valid");
    }
    }
}

/* --- tags ---------------------------------------------------------------------------------------
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
 */

static vg_rc
bad_tagging(struct vg_req *rq, struct vg_str header)
{
    return s3_bad_argument(rq,
                           "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded "
                           "URL query parameters without tag name duplicates.",
                           "x-amz-tagging", header);
}

/* "a=1&b=2"; false: it is not well-formed. */
static bool
parse_tags(struct vg_arena *arena, struct vg_str header, struct s3_tag_set *ret)
{
    VG_VEC(struct s3_tag) tags = { 0 };
    for (struct vg_str rest = header; rest.ptr;) {
        struct vg_str value = vg_str_cut(&rest, '&');
        if (value.len == 0)
            continue;
        struct vg_str key = vg_str_cut(&value, '=');
        if (!vg_uri_is_wellformed(key) || !vg_uri_is_wellformed(value)
            || vg_str_find_char(value, '=') != VG_NPOS)
            return false;
        key = vg_uri_decode(arena, key, true);
        value = value.ptr ? vg_uri_decode(arena, value, true) : VG_STR("");
        if (!vg_str_is_utf8(key) || !vg_str_is_utf8(value))
            return false;
        for (size_t i = 0; i < tags.len; i++)
            if (vg_str_eq(tags.items[i].key, key))
                return false;
        *VG_VEC_ADD(arena, &tags) = (struct s3_tag) { .key = key, .value = value };
    }
    *ret = (struct s3_tag_set) { .items = tags.items, .len = tags.len, .set = true };
    return true;
}

vg_rc
s3_headers_read_tags(struct vg_req *rq, struct vg_str header, struct s3_rec_version *v)
{
    struct s3_tag_set tags;
    if (!parse_tags(rq->arena, header, &tags))
        return bad_tagging(rq, header);
    vg_rc rc =
        s3_check_tags(rq, &tags, S3_LIMIT_OBJECT_TAGS, "Object tags cannot be greater than 10");
    for (size_t i = 0; rc == VG_OK && i < tags.len; i++)
        *VG_VEC_ADD(rq->arena, &v->tags) =
            (struct s3_rec_pair) { .name = tags.items[i].key, .value = tags.items[i].value };
    return rc;
}

/* --- owner and list of grants -------------------------------------------------------------------
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
 */

/* Who writes; what nobody has signed belongs to the bucket's owner. */
static struct vg_str
writer_of(struct vg_req *rq, const struct s3_rec_bucket *bucket)
{
    const struct vg_principal *who = rq->scope->caller;
    struct vg_str account = who ? who->account : rq->scope->owner;
    return account.len ? account : bucket->account;
}

static vg_rc
set_acl(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str name,
        const struct s3_object_headers *h, struct s3_rec_version *v)
{
    const struct s3_acl_asked *a = &h->acl;
    bool is_to_owner = vg_str_eq(a->canned, VG_STR("bucket-owner-full-control")), is_said;
    bool has_grants = a->full_control.ptr || a->read.ptr || a->read_acp.ptr || a->write_acp.ptr;
    bool is_given_up = is_to_owner && vg_str_eq(bucket->ownership, VG_STR("BucketOwnerPreferred"));
    v->owner = is_given_up || !s3_has_lists(bucket) ? bucket->account : writer_of(rq, bucket);
    if (is_to_owner && !has_grants && !s3_has_lists(bucket))
        return VG_OK; /* as it is anyway */
    const struct s3_acl_of of = { bucket, name, v->owner };
    return s3_object_acl_asked(rq, &of, a, &v->acl, &is_said);
}

/* --- object lock --------------------------------------------------------------------------------
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
 */

static vg_rc
set_lock(struct vg_req *rq, const struct s3_rec_bucket *bucket, const struct s3_object_headers *h,
         struct s3_rec_version *v)
{
    bool has_mode = h->lock_mode.text.ptr != NULL, has_hold = h->legal_hold.text.ptr != NULL;
    if (h->event_hold.text.ptr || h->event_hold_days.set || h->event_hold_years.set)
        return s3_not_built(rq, "An event hold");
    if (!has_mode && !h->lock_until_ms.set && !has_hold)
        return VG_OK;
    if (has_mode && h->lock_mode.v < 0)
        return s3_bad_argument(rq, "Unknown wormMode directive.", "x-amz-object-lock-mode",
                               h->lock_mode.text);
    if (h->lock_until_ms.set && h->lock_until_ms.v <= vg_now_ms(rq->env))
        return s3_bad_argument(rq, "The retain until date must be in the future!",
                               "x-amz-object-lock-retain-until-date",
                               vg_time_iso(rq->arena, h->lock_until_ms.v));
    if (has_hold && h->legal_hold.v < 0)
        return s3_bad_argument(rq, "Legal Hold must be either of 'ON' or 'OFF'",
                               "x-amz-object-lock-legal-hold", h->legal_hold.text);
    if (!bucket->has_object_lock)
        return s3_fail_invalid_request(rq, "Bucket is missing Object Lock Configuration");
    if (has_mode != h->lock_until_ms.set)
        return s3_bad_argument(rq,
                               "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode "
                               "must both be supplied",
                               has_mode ? "x-amz-object-lock-retain-until-date"
                                        : "x-amz-object-lock-mode",
                               VG_STR_NONE);
    v->lock_mode = h->lock_mode.text;
    v->lock_until_ms = h->lock_until_ms;
    v->was_hold_set = has_hold;
    v->has_legal_hold = h->legal_hold.v == S3_OBJECT_LOCK_LEGAL_HOLD_STATUS_ON;
    return VG_OK;
}

/* *ret NULL: there is none. */
static vg_rc
default_retention(struct vg_req *rq, const struct s3_rec_bucket *bucket,
                  const struct s3_default_retention **ret)
{
    void *found = NULL;
    *ret = NULL;
    if (!bucket->has_object_lock)
        return VG_OK;
    vg_rc rc =
        s3_store_config(rq, bucket, S3_CONFIG_LOCK, &s3_shape_object_lock_configuration, &found);
    const struct s3_object_lock_configuration *conf = found;
    if (rc == VG_OK && conf && conf->rule)
        *ret = conf->rule->default_retention;
    return rc;
}

vg_rc
s3_lock_has_default(struct vg_req *rq, const struct s3_rec_bucket *bucket, bool *ret)
{
    const struct s3_default_retention *r;
    vg_rc rc = default_retention(rq, bucket, &r);
    *ret = r != NULL;
    return rc;
}

vg_rc
s3_lock_by_default(struct s3_object_edit *e, struct s3_rec_version *v)
{
    const struct s3_default_retention *r = NULL;
    vg_rc rc = v->lock_mode.ptr ? VG_OK : default_retention(e->rq, e->bucket, &r);
    if (!r)
        return rc;
    int64_t days = r->days.set ? r->days.v : 365 * r->years.v;
    v->lock_mode = r->mode.text;
    v->lock_until_ms = (struct vg_opt_i64) { .set = true, .v = v->modified_ms + days * DAY_MS };
    return VG_OK;
}

/* --- all of them --------------------------------------------------------------------------------
 */

vg_rc
s3_headers_read(struct vg_req *rq, const struct s3_rec_bucket *bucket, struct vg_str name,
                const struct s3_object_headers *h, struct s3_customer_key *key,
                struct s3_rec_version *v)
{
    vg_rc rc = set_storage_class(rq, &h->storage_class, v);
    if (rc == VG_OK)
        rc = set_redirect(rq, h->redirect, v);
    if (rc == VG_OK)
        rc = s3_kms_asked(rq, bucket, name, h, key, v);
    if (rc == VG_OK)
        rc = s3_customer_key_taken(rq, bucket, name, key);
    if (rc == VG_OK)
        rc = set_acl(rq, bucket, name, h, v);
    if (rc == VG_OK)
        rc = set_lock(rq, bucket, h, v);
    v->customer_key_md5 = key->md5;
    return rc == VG_OK ? s3_kms_make(rq, bucket, v, key) : rc;
}

/* --- conditions of writes -----------------------------------------------------------------------
 */

vg_rc
s3_write_condition_check(struct vg_req *rq, struct vg_str if_match, struct vg_str if_none_match)
{
    if (if_match.ptr && if_none_match.ptr)
        return s3_unwanted_header(rq, "If-Match,If-None-Match",
                                  "Multiple conditional request headers present in the request");
    if (if_none_match.ptr && !vg_str_eq(if_none_match, VG_STR("*")))
        return s3_unwanted_header(
            rq, "If-None-Match",
            "We don't accept the provided value of If-None-Match header for this API");
    if (vg_str_eq(if_match, VG_STR("*")))
        return s3_unwanted_header(
            rq, "If-Match", "We don't accept the provided value of If-Match header for this API");
    return VG_OK;
}

vg_rc
s3_write_condition_holds(struct s3_object_edit *e, struct vg_str if_match,
                         struct vg_str if_none_match)
{
    const struct s3_rec_version *now = e->latest && !e->latest->is_marker ? e->latest : NULL;
    if (if_none_match.ptr && now)
        return s3_failed_condition(e->rq, "If-None-Match");
    if (!if_match.ptr)
        return VG_OK;
    if (!now)
        return s3_no_key(e->rq, e->key);
    return s3_etag_matches(if_match, now->etag) ? VG_OK : s3_failed_condition(e->rq, "If-Match");
}

/* --- checksums ----------------------------------------------------------------------------------
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */

#define CHECKSUM_HEADER VG_STR("x-amz-checksum-")

/* The one trailer that is a checksum; absent: none is. */
static struct vg_str
announced_trailer(struct vg_req *rq)
{
    for (struct vg_str rest = vg_body_announced(rq); rest.ptr;) {
        struct vg_str name = vg_str_trim(vg_str_cut(&rest, ','));
        if (vg_str_starts_nocase(name, CHECKSUM_HEADER))
            return name;
    }
    return VG_STR_NONE;
}

vg_rc
s3_checksum_declared_in(struct vg_req *rq, struct vg_str asked, const struct s3_checksums *in,
                        struct s3_declared *d, struct vg_str *ret_trailer)
{
    size_t n = 0;
    for (size_t i = 0; i < S3_N_SUMS; i++) {
        if (!in->values[i].ptr)
            continue;
        n++;
        d->algorithm = s3_sum_names[i];
        d->checksum = in->values[i];
    }
    *ret_trailer = announced_trailer(rq);
    if (ret_trailer->ptr) {
        n++;
        d->algorithm = vg_str_slice(*ret_trailer, CHECKSUM_HEADER.len, ret_trailer->len);
    }
    if (n > 1)
        return s3_fail_invalid_request(rq, "Expecting a single x-amz-checksum- header. Multiple "
                                           "checksum Types are not allowed.");
    if (!asked.ptr)
        return VG_OK;
    if (n == 0)
        return s3_fail_invalid_request(
            rq, "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
                "x-amz-trailer headers were found.");
    return vg_str_eq_nocase(asked, d->algorithm)
               ? VG_OK
               : s3_fail_invalid_request(
                   rq, "Value for x-amz-sdk-checksum-algorithm header is invalid.");
}
