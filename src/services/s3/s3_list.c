/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lists of objects, versions and uploads: one walk over the keys, grouped by a delimiter.
 *
 * A common prefix is stepped over as a whole: when its keys fill what was read, the walk seeks the
 * first key behind it.  So a page costs what it shows, never what lies below it.
 */

#include "services/s3/s3_int.h"

#include "codec/base64.h"
#include "crypto/hash.h"
#include "services/s3/s3_acl.h"
#include "services/s3/s3_object_rules.h"
#include "services/s3/s3_restore.h"
#include "services/s3/s3_upload.h"

#define BATCH_MIN                                                                                  \
    8 /* rows that are read at once, where a delimiter may make most of them useless */

struct walk {
    struct vg_req *rq;
    struct s3_rec_bucket *bucket;
    struct vg_str prefix, delimiter;
    uint32_t max;
    bool is_url;      /* keys are to be encoded */
    bool has_restore; /* objects are to show their restores */
    enum { KEYS, VERSIONS, UPLOADS } of;
    /* Where to read on: what is on the page was read before it. */
    struct vg_str from;
    int64_t order;    /* of versions: those of `from` that are older */
    struct vg_str id; /* of uploads: those of `from` that began later */
    bool has_more;
    uint32_t batch;
    struct s3_entries page;
    size_t i;
    /* What was found. */
    VG_VEC(struct s3_entry *) entries;
    VG_VEC(struct s3_common_prefix) prefixes;
    bool is_truncated;
    struct vg_str last;                /* a key or a common prefix */
    const struct s3_entry *last_entry; /* NULL: a common prefix    */
};

static vg_rc
read_page(struct walk *w)
{
    switch (w->of) {
    case KEYS:
        break;
    case VERSIONS:
        return s3_store_versions(w->rq, w->bucket, w->from, w->order, w->batch, &w->page);
    case UPLOADS:
        return s3_store_uploads(w->rq, w->bucket, w->from, w->id, w->batch, &w->page);
    }
    return s3_store_keys(w->rq, w->bucket, w->from, w->batch, &w->page);
}

static vg_rc
read_on(struct walk *w)
{
    vg_rc rc = read_page(w);
    w->i = 0;
    w->has_more = rc == VG_OK && w->page.has_more;
    w->batch = VG_MIN(2 * w->batch, w->max + 1);
    if (rc != VG_OK || w->page.len == 0)
        return rc;
    const struct s3_entry *e = &w->page.items[w->page.len - 1];
    w->from = w->of == KEYS ? s3_after_key(w->rq->arena, e->key) : e->key;
    w->order = w->of == VERSIONS ? e->version->order : 0;
    w->id = w->of == UPLOADS ? e->upload->id : VG_STR_NONE;
    return rc;
}

/* *ret NULL: there is nothing more of that prefix. */
static vg_rc
next(struct walk *w, struct s3_entry **ret)
{
    *ret = NULL;
    while (w->i == w->page.len && w->has_more) {
        vg_rc rc = read_on(w);
        if (rc != VG_OK)
            return rc;
    }
    if (w->i == w->page.len || !vg_str_starts(w->page.items[w->i].key, w->prefix))
        return VG_OK;
    *ret = &w->page.items[w->i++];
    return VG_OK;
}

/* Steps over the rest of a common prefix. */
static void
step_over(struct walk *w, struct vg_str common)
{
    while (w->i < w->page.len && vg_str_starts(w->page.items[w->i].key, common))
        w->i++;
    if (w->i < w->page.len || !w->has_more)
        return;
    w->from = s3_after_prefix(w->rq->arena, common);
    w->order = 0;
    w->id = VG_STR_NONE;
    w->has_more = w->from.ptr != NULL;
    w->batch = VG_MAX(w->batch / 4, VG_MIN(BATCH_MIN, w->max + 1));
}

static struct vg_str
shown(const struct walk *w, struct vg_str text)
{
    return w->is_url ? s3_url_encode(w->rq->arena, text) : text;
}

static vg_rc
walk(struct walk *w)
{
    struct vg_arena *arena = w->rq->arena;
    struct s3_entry *e;
    w->has_more = w->from.ptr != NULL && w->max > 0;
    w->batch = w->delimiter.len ? VG_MIN(4 * BATCH_MIN, w->max + 1) : w->max + 1;
    for (;;) {
        vg_rc rc = next(w, &e);
        if (rc != VG_OK || !e)
            return rc;
        w->is_truncated = w->entries.len + w->prefixes.len == w->max;
        if (w->is_truncated)
            return VG_OK;
        struct vg_str common = s3_common_prefix(e->key, w->prefix, w->delimiter);
        w->last = common.ptr ? common : e->key;
        w->last_entry = common.ptr ? NULL : e;
        if (!common.ptr) {
            *VG_VEC_ADD(arena, &w->entries) = e;
            continue;
        }
        VG_VEC_ADD(arena, &w->prefixes)->prefix = shown(w, common);
        step_over(w, common);
    }
}

/* --- what the three lists share -----------------------------------------------------------------
 */

/* What all of them are asked. */
struct asked {
    struct vg_str bucket, owner, prefix, delimiter;
    struct vg_enum encoding;
    const struct s3_optional_object_attributes_list *attributes;
    struct vg_opt_i64 max;
};
#define ASKED(in)                                                                                  \
    {                                                                                              \
        .bucket = (in)->bucket, .owner = (in)->expected_bucket_owner, .prefix = (in)->prefix,      \
        .delimiter = (in)->delimiter, .encoding = (in)->encoding_type,                             \
        .attributes = &(in)->optional_object_attributes, .max = (in)->max_keys                     \
    }

static vg_rc
check_max(struct vg_req *rq, struct vg_opt_i64 max)
{
    return s3_check_number(rq, max, "maxKeys");
}

/* S3 looks at the number first. */
static vg_rc
check(struct vg_req *rq, const struct asked *a)
{
    vg_rc rc = check_max(rq, a->max);
    if (rc != VG_OK)
        return rc;
    if (a->encoding.text.ptr && a->encoding.v != S3_ENCODING_TYPE_URL)
        return s3_bad_argument(rq, "Invalid Encoding Method specified in Request", "encoding-type",
                               a->encoding.text);
    for (size_t i = 0; a->attributes && i < a->attributes->len; i++)
        if (a->attributes->items[i].v <= 0)
            return s3_bad_argument(rq, "Invalid attribute name specified.",
                                   "x-amz-optional-object-attributes",
                                   a->attributes->items[i].text);
    return VG_OK;
}

static vg_rc
begin(struct walk *w, struct vg_req *rq, const struct asked *a)
{
    *w = (struct walk) {
        .rq = rq,
        .prefix = a->prefix.ptr ? a->prefix : VG_STR(""),
        .delimiter = a->delimiter,
        .is_url = a->encoding.text.ptr != NULL,
        .has_restore = a->attributes && a->attributes->len > 0, /* the one attribute there is */
        .max = (uint32_t)VG_MIN(vg_opt_or(a->max, S3_LIMIT_PAGE_KEYS), S3_LIMIT_PAGE_KEYS),
    };
    vg_rc rc = check(rq, a);
    return rc == VG_OK ? s3_need_bucket(rq, a->bucket, a->owner, &w->bucket) : rc;
}

static struct vg_str
text_or_empty(struct vg_str s)
{
    return s.ptr ? s : VG_STR("");
}

/* An empty delimiter is none, and is not said again. */
static struct vg_str
delimiter_shown(const struct walk *w)
{
    return w->delimiter.len ? shown(w, w->delimiter) : VG_STR_NONE;
}

static struct s3_checksum_algorithm_list
checksum_of(struct vg_req *rq, const struct s3_rec_version *v)
{
    struct s3_checksum_algorithm_list list = { 0 };
    if (!v->checksum)
        return list;
    list.items = VG_NEW(rq->arena, struct vg_enum);
    list.items[0].text = v->checksum->algorithm;
    list.len = 1;
    return list;
}

static struct vg_enum
class_of(const struct s3_rec_version *v)
{
    return (struct vg_enum) { .text =
                                  v->storage_class.ptr ? v->storage_class : VG_STR("STANDARD") };
}

static struct s3_object_list
objects_of(const struct walk *w, bool has_owner)
{
    struct vg_req *rq = w->rq;
    struct s3_object_list list = { .items = VG_NEW_ARRAY(rq->arena, struct s3_object,
                                                         w->entries.len + 1) };
    for (; list.len < w->entries.len; list.len++) {
        const struct s3_rec_version *v = w->entries.items[list.len]->version;
        list.items[list.len] = (struct s3_object) {
            .key = shown(w, w->entries.items[list.len]->key),
            .last_modified_ms = s3_time_shown(v->modified_ms),
            .e_tag = s3_etag(rq, v),
            .checksum_algorithm = checksum_of(rq, v),
            .checksum_type = { .text = v->checksum ? v->checksum->type : VG_STR_NONE },
            .size = { true, v->size },
            .storage_class = class_of(v),
            .restore_status = w->has_restore ? s3_restore_status_of(rq, v) : NULL,
            .owner = has_owner ? s3_owner_of(rq, v->owner) : NULL,
        };
    }
    return list;
}

static struct s3_common_prefix_list
prefixes_of(const struct walk *w)
{
    return (struct s3_common_prefix_list) { .items = w->prefixes.items, .len = w->prefixes.len };
}

/* --- ListObjects --------------------------------------------------------------------------------
 */

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html */
vg_rc
s3_list_objects(struct vg_req *rq, const struct s3_list_objects_request *in,
                struct s3_list_objects_output *out)
{
    const struct asked asked = ASKED(in);
    struct walk w;
    vg_rc rc = begin(&w, rq, &asked);
    if (rc != VG_OK)
        return rc;
    w.from = s3_list_from(rq->arena, in->marker, w.prefix, w.delimiter);
    rc = walk(&w);
    *out = (struct s3_list_objects_output) {
        .is_truncated = { true, w.is_truncated },
        .marker = shown(&w, text_or_empty(in->marker)),
        .next_marker = w.is_truncated && w.delimiter.len ? shown(&w, w.last) : VG_STR_NONE,
        .contents = objects_of(&w, true),
        .name = in->bucket,
        .prefix = shown(&w, w.prefix),
        .delimiter = delimiter_shown(&w),
        .max_keys = { true, w.max },
        .common_prefixes = prefixes_of(&w),
        .encoding_type = in->encoding_type,
    };
    return rc;
}

/* --- ListObjectsV2 ------------------------------------------------------------------------------
 */

#define MAC_BYTES 12

/* A token holds where its list goes on, and is good for that bucket only. */
static struct vg_str
token_of(const struct walk *w, struct vg_str from)
{
    struct vg_arena *arena = w->rq->arena;
    uint8_t mac[VG_SHA256_BYTES];
    vg_hmac_sha256(w->bucket->id, from, mac);
    return vg_base64_encode(arena, vg_str_cat(arena, vg_str_n(mac, MAC_BYTES), from));
}

static vg_rc
read_token(struct walk *w, struct vg_str token)
{
    struct vg_str bytes;
    if (vg_base64_decode(w->rq->arena, token, &bytes) && bytes.len > MAC_BYTES) {
        w->from = vg_str_slice(bytes, MAC_BYTES, bytes.len);
        if (vg_str_eq_secret(token_of(w, w->from), token))
            return VG_OK;
    }
    return s3_bad_argument(w->rq, "The continuation token provided is incorrect",
                           "continuation-token", token.len ? token : VG_STR_NONE);
}

static vg_rc
begin_v2(struct walk *w, const struct s3_list_objects_v2_request *in)
{
    w->from = s3_list_from(w->rq->arena, in->start_after, w->prefix, w->delimiter);
    if (!in->continuation_token.ptr)
        return VG_OK;
    vg_rc rc = read_token(w, in->continuation_token);
    if (rc == VG_OK && vg_str_cmp(w->from, w->prefix) < 0)
        w->from = w->prefix;
    return rc;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
vg_rc
s3_list_objects_v2(struct vg_req *rq, const struct s3_list_objects_v2_request *in,
                   struct s3_list_objects_v2_output *out)
{
    const struct asked asked = ASKED(in);
    struct walk w;
    vg_rc rc = begin(&w, rq, &asked);
    if (rc == VG_OK)
        rc = begin_v2(&w, in);
    if (rc == VG_OK)
        rc = walk(&w);
    if (rc != VG_OK)
        return rc;
    *out = (struct s3_list_objects_v2_output) {
        .is_truncated = { true, w.is_truncated },
        .contents = objects_of(&w, vg_opt_bool_or(in->fetch_owner, false)),
        .name = in->bucket,
        .prefix = shown(&w, w.prefix),
        .delimiter = delimiter_shown(&w),
        .max_keys = { true, w.max },
        .common_prefixes = prefixes_of(&w),
        .encoding_type = in->encoding_type,
        .key_count = { true, (int64_t)(w.entries.len + w.prefixes.len) },
        .continuation_token = in->continuation_token,
        .start_after = in->continuation_token.ptr ? VG_STR_NONE : shown(&w, in->start_after),
    };
    if (w.is_truncated)
        out->next_continuation_token =
            token_of(&w, s3_list_from(rq->arena, w.last, w.prefix, w.delimiter));
    return VG_OK;
}

/* --- ListObjectVersions -------------------------------------------------------------------------
 */

/* The place of the version that was shown last, which may have been deleted meanwhile. */
static vg_rc
order_of_marker(struct vg_req *rq, const struct s3_rec_bucket *bucket,
                const struct s3_list_object_versions_request *in, int64_t *ret)
{
    struct s3_rec_version *v;
    *ret = 0;
    vg_rc rc = s3_store_version(rq, bucket, in->key_marker, in->version_id_marker, &v);
    if (rc == VG_OK && v)
        *ret = v->order;
    else if (rc == VG_OK && !s3_version_id_order(in->version_id_marker, ret))
        *ret = INT64_MAX; /* a null version that is gone: all that are there may come after it */
    return rc;
}

static vg_rc
begin_versions(struct walk *w, const struct s3_list_object_versions_request *in)
{
    w->of = VERSIONS;
    if (in->version_id_marker.ptr && !s3_is_version_id(in->version_id_marker))
        return s3_bad_argument(w->rq, "Invalid version id specified", "version-id-marker",
                               in->version_id_marker);
    w->from = s3_list_from(w->rq->arena, in->key_marker, w->prefix, w->delimiter);
    bool is_inside = in->version_id_marker.ptr && vg_str_cmp(in->key_marker, w->prefix) >= 0
                     && !s3_common_prefix(in->key_marker, w->prefix, w->delimiter).ptr;
    if (!is_inside)
        return VG_OK;
    w->from = in->key_marker;
    return order_of_marker(w->rq, w->bucket, in, &w->order);
}

/* What follows the marker in its key is the latest where all that was shown of it is gone. */
static vg_rc
mark_latest(struct walk *w, const struct s3_list_object_versions_request *in)
{
    struct s3_rec_version *v;
    if (!in->version_id_marker.ptr || w->entries.len == 0
        || !vg_str_eq(w->entries.items[0]->key, in->key_marker))
        return VG_OK;
    vg_rc rc = s3_store_version(w->rq, w->bucket, in->key_marker, VG_STR_NONE, &v);
    if (rc == VG_OK && v)
        w->entries.items[0]->is_latest = vg_str_eq(v->id, w->entries.items[0]->version->id);
    return rc;
}

static void
put_versions(const struct walk *w, struct s3_list_object_versions_output *out)
{
    struct vg_req *rq = w->rq;
    size_t n = w->entries.len + 1;
    out->versions.items = VG_NEW_ARRAY(rq->arena, struct s3_object_version, n);
    out->delete_markers.items = VG_NEW_ARRAY(rq->arena, struct s3_delete_marker_entry, n);
    for (size_t i = 0; i < w->entries.len; i++) {
        const struct s3_entry *e = w->entries.items[i];
        const struct s3_rec_version *v = e->version;
        if (v->is_marker)
            out->delete_markers.items[out->delete_markers.len++] = (struct s3_delete_marker_entry) {
                .owner = s3_owner_of(rq, v->owner),
                .key = shown(w, e->key),
                .version_id = v->id,
                .is_latest = { true, e->is_latest },
                .last_modified_ms = s3_time_shown(v->modified_ms),
            };
        else
            out->versions.items[out->versions.len++] = (struct s3_object_version) {
                .e_tag = s3_etag(rq, v),
                .checksum_algorithm = checksum_of(rq, v),
                .checksum_type = { .text = v->checksum ? v->checksum->type : VG_STR_NONE },
                .size = { true, v->size },
                .storage_class = class_of(v),
                .key = shown(w, e->key),
                .version_id = v->id,
                .is_latest = { true, e->is_latest },
                .last_modified_ms = s3_time_shown(v->modified_ms),
                .owner = s3_owner_of(rq, v->owner),
                .restore_status = w->has_restore ? s3_restore_status_of(rq, v) : NULL,
            };
    }
}

/* Between the number and the encoding. */
static vg_rc
check_markers(struct vg_req *rq, const struct s3_list_object_versions_request *in)
{
    struct vg_str id = in->version_id_marker;
    const char *wrong = NULL;
    if (id.ptr && in->key_marker.len == 0)
        wrong = "A version-id marker cannot be specified without a key marker.";
    else if (id.ptr && id.len == 0)
        wrong = "A version-id marker cannot be empty.";
    vg_rc rc = check_max(rq, in->max_keys);
    return rc == VG_OK && wrong ? s3_bad_argument(rq, wrong, "version-id-marker", id) : rc;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html */
vg_rc
s3_list_object_versions(struct vg_req *rq, const struct s3_list_object_versions_request *in,
                        struct s3_list_object_versions_output *out)
{
    const struct asked asked = ASKED(in);
    struct walk w;
    vg_rc rc = check_markers(rq, in);
    if (rc == VG_OK)
        rc = begin(&w, rq, &asked);
    if (rc == VG_OK)
        rc = begin_versions(&w, in);
    if (rc == VG_OK)
        rc = walk(&w);
    if (rc == VG_OK)
        rc = mark_latest(&w, in);
    if (rc != VG_OK)
        return rc;
    *out = (struct s3_list_object_versions_output) {
        .is_truncated = { true, w.is_truncated },
        .key_marker = shown(&w, text_or_empty(in->key_marker)),
        .version_id_marker = text_or_empty(in->version_id_marker),
        .next_key_marker = w.is_truncated ? shown(&w, w.last) : VG_STR_NONE,
        .next_version_id_marker =
            w.is_truncated && w.last_entry ? w.last_entry->version->id : VG_STR_NONE,
        .name = in->bucket,
        .prefix = shown(&w, w.prefix),
        .delimiter = delimiter_shown(&w),
        .max_keys = { true, w.max },
        .common_prefixes = prefixes_of(&w),
        .encoding_type = in->encoding_type,
    };
    put_versions(&w, out);
    return VG_OK;
}

/* --- ListMultipartUploads -----------------------------------------------------------------------
 */

static struct s3_multipart_upload_list
uploads_of(const struct walk *w)
{
    struct vg_req *rq = w->rq;
    struct s3_multipart_upload_list list = {
        .items = VG_NEW_ARRAY(rq->arena, struct s3_multipart_upload, w->entries.len + 1)
    };
    for (; list.len < w->entries.len; list.len++) {
        const struct s3_rec_upload *u = w->entries.items[list.len]->upload;
        list.items[list.len] = (struct s3_multipart_upload) {
            .upload_id = u->id,
            .key = shown(w, u->key),
            .initiated_ms = s3_time_shown(u->initiated_ms),
            .storage_class = class_of(u->version),
            .owner = s3_owner_of(rq, u->owner),
            .initiator = s3_initiator_of(rq, u),
            .checksum_algorithm = { .text = u->checksum_algorithm },
            .checksum_type = { .text = u->checksum_type },
        };
    }
    return list;
}

static void
begin_uploads(struct walk *w, const struct s3_list_multipart_uploads_request *in)
{
    w->of = UPLOADS;
    w->from = s3_list_from(w->rq->arena, in->key_marker, w->prefix, w->delimiter);
    bool is_inside = in->key_marker.len && in->upload_id_marker.len
                     && vg_str_cmp(in->key_marker, w->prefix) >= 0
                     && !s3_common_prefix(in->key_marker, w->prefix, w->delimiter).ptr;
    if (!is_inside)
        return;
    w->from = in->key_marker;
    w->id = in->upload_id_marker;
}

/*
 * The markers of the next page are those of what is shown last, whether or not there is more.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
 */
vg_rc
s3_list_multipart_uploads(struct vg_req *rq, const struct s3_list_multipart_uploads_request *in,
                          struct s3_list_multipart_uploads_output *out)
{
    const struct asked asked = { .bucket = in->bucket,
                                 .owner = in->expected_bucket_owner,
                                 .prefix = in->prefix,
                                 .delimiter = in->delimiter,
                                 .encoding = in->encoding_type,
                                 .max = in->max_uploads };
    struct walk w;
    vg_rc rc = s3_check_number(rq, in->max_uploads, "max-uploads");
    if (rc == VG_OK)
        rc = begin(&w, rq, &asked);
    if (rc != VG_OK)
        return rc;
    begin_uploads(&w, in);
    rc = walk(&w);
    *out = (struct s3_list_multipart_uploads_output) {
        .bucket = in->bucket,
        .key_marker = shown(&w, text_or_empty(in->key_marker)),
        .upload_id_marker = in->key_marker.len ? text_or_empty(in->upload_id_marker) : VG_STR(""),
        .next_key_marker = shown(&w, text_or_empty(w.last)),
        .next_upload_id_marker = w.last_entry ? w.last_entry->upload->id : VG_STR(""),
        .prefix = w.prefix.len ? shown(&w, w.prefix) : VG_STR_NONE,
        .delimiter = delimiter_shown(&w),
        .max_uploads = { true, w.max },
        .is_truncated = { true, w.is_truncated },
        .uploads = uploads_of(&w),
        .common_prefixes = prefixes_of(&w),
        .encoding_type = in->encoding_type,
    };
    return rc;
}
