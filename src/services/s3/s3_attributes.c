/* SPDX-License-Identifier: Apache-2.0 */

/* GetObjectAttributes: what the records say of an object, without its bytes.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html */

#include "services/s3/s3_headers.h"

struct sums {
    struct vg_str *crc32, *crc32c, *crc64nvme, *sha1, *sha256;
};
#define SUMS_OF(x)                                                                                 \
    ((struct sums) { &(x)->checksum_crc32, &(x)->checksum_crc32_c, &(x)->checksum_crc64_nvme,      \
                     &(x)->checksum_sha1, &(x)->checksum_sha256 })

/* A composite one is shown without its "-N". */
static void
put_sum(const struct s3_rec_checksum *sum, struct sums to)
{
    const struct {
        struct vg_str algorithm;
        struct vg_str *to;
    } all[] = { { VG_STR("CRC32"), to.crc32 },
                { VG_STR("CRC32C"), to.crc32c },
                { VG_STR("CRC64NVME"), to.crc64nvme },
                { VG_STR("SHA1"), to.sha1 },
                { VG_STR("SHA256"), to.sha256 } };
    struct vg_str rest = sum->value, value = vg_str_cut(&rest, '-');
    for (size_t i = 0; i < VG_COUNT(all); i++)
        if (vg_str_eq(all[i].algorithm, sum->algorithm))
            *all[i].to = value;
}

/* Parts are listed where each has a checksum of its own, else only counted. */
static struct s3_get_object_attributes_parts *
parts_of(struct vg_req *rq, const struct s3_get_object_attributes_request *in,
         const struct s3_rec_version *v)
{
    struct s3_get_object_attributes_parts *all =
        VG_NEW(rq->arena, struct s3_get_object_attributes_parts);
    all->total_parts_count = (struct vg_opt_i64) { true, (int64_t)v->parts.len };
    if (!v->checksum || !vg_str_eq(v->checksum->type, VG_STR("COMPOSITE")))
        return all;
    int64_t marker = vg_opt_or(in->part_number_marker, 0), last = marker;
    int64_t max = VG_MIN(vg_opt_or(in->max_parts, S3_LIMIT_PAGE_KEYS), S3_LIMIT_PAGE_KEYS);
    all->parts.items = VG_NEW_ARRAY(rq->arena, struct s3_object_part, v->parts.len);
    bool is_truncated = false;
    for (size_t i = 0; i < v->parts.len && !is_truncated; i++) {
        const struct s3_rec_part *p = &v->parts.items[i];
        if ((int64_t)p->number <= marker)
            continue;
        is_truncated = (int64_t)all->parts.len == max;
        if (is_truncated)
            break;
        struct s3_object_part *to = &all->parts.items[all->parts.len++];
        to->part_number = (struct vg_opt_i64) { true, p->number };
        to->size = (struct vg_opt_i64) { true, p->size };
        if (p->checksum)
            put_sum(p->checksum, SUMS_OF(to));
        last = p->number;
    }
    all->is_truncated = (struct vg_opt_bool) { true, is_truncated };
    all->max_parts = (struct vg_opt_i64) { true, max };
    all->part_number_marker = (struct vg_opt_i64) { true, marker };
    all->next_part_number_marker = (struct vg_opt_i64) { true, last };
    return all;
}

static vg_rc
check(struct vg_req *rq, const struct s3_get_object_attributes_request *in)
{
    if (in->object_attributes.len == 0)
        return s3_fail_invalid_request(rq, "The x-amz-object-attributes header specifying the "
                                           "attributes to be retrieved is either missing or empty");
    for (size_t i = 0; i < in->object_attributes.len; i++)
        if (in->object_attributes.items[i].v <= 0)
            return s3_bad_argument(rq, "Invalid attribute name specified.",
                                   "x-amz-object-attributes", in->object_attributes.items[i].text);
    if (in->max_parts.set && in->max_parts.v < 0)
        return s3_bad_argument(rq, "Argument max-parts must be an integer between 0 and 2147483647",
                               "max-parts",
                               vg_str_fmt(rq->arena, "%lld", (long long)in->max_parts.v));
    if (in->part_number_marker.set && in->part_number_marker.v < 0)
        return s3_bad_argument(
            rq, "Argument part-number-marker must be an integer between 0 and 2147483647",
            "part-number-marker",
            vg_str_fmt(rq->arena, "%lld", (long long)in->part_number_marker.v));
    return VG_OK;
}

static void
put(struct vg_req *rq, const struct s3_get_object_attributes_request *in, int which,
    const struct s3_rec_version *v, struct s3_get_object_attributes_output *out)
{
    switch (which) {
    case S3_OBJECT_ATTRIBUTES_E_TAG:
        out->e_tag = v->etag; /* without quotes here */
        break;
    case S3_OBJECT_ATTRIBUTES_CHECKSUM:
        if (!v->checksum)
            break;
        out->checksum = VG_NEW(rq->arena, struct s3_checksum);
        put_sum(v->checksum, SUMS_OF(out->checksum));
        out->checksum->checksum_type.text = v->checksum->type;
        break;
    case S3_OBJECT_ATTRIBUTES_OBJECT_PARTS:
        if (v->parts.len > 0)
            out->object_parts = parts_of(rq, in, v);
        break;
    case S3_OBJECT_ATTRIBUTES_STORAGE_CLASS:
        out->storage_class.text = v->storage_class.ptr ? v->storage_class : VG_STR("STANDARD");
        break;
    case S3_OBJECT_ATTRIBUTES_OBJECT_SIZE:
        out->object_size = (struct vg_opt_i64) { true, v->size };
        break;
    default:
        break;
    }
}

vg_rc
s3_get_object_attributes(struct vg_req *rq, const struct s3_get_object_attributes_request *in,
                         struct s3_get_object_attributes_output *out)
{
    const struct s3_at at = S3_AT(in);
    const struct s3_key_asked asked = S3_KEY_ASKED(in);
    s3_auto_key struct s3_customer_key key = { .is_given = false };
    struct s3_rec_bucket *bucket;
    struct s3_rec_version *v;
    vg_rc rc = check(rq, in);
    if (rc == VG_OK)
        rc = s3_customer_key_read(rq, &asked, &key);
    if (rc == VG_OK)
        rc = s3_need_version(rq, &at, &bucket, &v);
    if (rc == VG_OK)
        rc = s3_customer_key_check(rq, v, &key);
    if (rc != VG_OK)
        return rc;
    out->last_modified_ms = s3_time_shown(v->modified_ms);
    out->version_id = s3_version_shown(bucket, v);
    for (size_t i = 0; i < in->object_attributes.len; i++)
        put(rq, in, in->object_attributes.items[i].v, v, out);
    return VG_OK;
}
