/* SPDX-License-Identifier: Apache-2.0 */
#include "services/s3/s3_digest.h"

#include "codec/base64.h"

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html:
 * which algorithm has which type, the first being what is meant when none is asked for */
enum { FULL = 1, COMPOSITE = 2 };
static const struct {
    enum vg_checksum_kind kind;
    struct vg_str name, lower;
    unsigned types;
    bool is_composite;
} algorithms[] = {
    { VG_CRC32, VG_STR_INIT("CRC32"), VG_STR_INIT("crc32"), FULL | COMPOSITE, true },
    { VG_CRC32C, VG_STR_INIT("CRC32C"), VG_STR_INIT("crc32c"), FULL | COMPOSITE, true },
    { VG_CRC64NVME, VG_STR_INIT("CRC64NVME"), VG_STR_INIT("crc64nvme"), FULL, false },
    { VG_SHA1, VG_STR_INIT("SHA1"), VG_STR_INIT("sha1"), COMPOSITE, true },
    { VG_SHA256, VG_STR_INIT("SHA256"), VG_STR_INIT("sha256"), COMPOSITE, true },
};

static size_t
row_of(enum vg_checksum_kind kind)
{
    size_t i = 0;
    while (algorithms[i].kind != kind)
        i++;
    return i;
}

bool
s3_checksum_kind(struct vg_str name, enum vg_checksum_kind *ret)
{
    for (size_t i = 0; i < VG_COUNT(algorithms); i++)
        if (vg_str_eq(algorithms[i].name, name)) {
            *ret = algorithms[i].kind;
            return true;
        }
    return false;
}

struct vg_str
s3_checksum_name(enum vg_checksum_kind kind)
{
    return algorithms[row_of(kind)].name;
}

vg_rc
s3_checksum_asked(struct vg_req *rq, struct vg_str name, enum vg_checksum_kind *ret)
{
    for (size_t i = 0; i < VG_COUNT(algorithms); i++)
        if (vg_str_eq_nocase(algorithms[i].name, name)) {
            *ret = algorithms[i].kind;
            return VG_OK;
        }
    return s3_fail_invalid_request(
        rq, "Checksum algorithm provided is unsupported. Please try again with any of the valid "
            "types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
}

/* The bytes behind `value`; false when they are not of the checksum's length. */
static bool
decoded(struct vg_arena *arena, enum vg_checksum_kind kind, struct vg_str value, struct vg_str *ret)
{
    return vg_base64_decode(arena, value, ret) && ret->len == vg_checksum_bytes(kind);
}

vg_rc
s3_checksum_declared(struct vg_req *rq, enum vg_checksum_kind kind, struct vg_str value,
                     bool is_trailer)
{
    struct vg_str bytes;
    if (decoded(rq->arena, kind, value, &bytes))
        return VG_OK;
    return s3_fail_invalid_request(rq, "Value for x-amz-checksum-%" VG_FMT "%s header is invalid.",
                                   VG_ARG(algorithms[row_of(kind)].lower),
                                   is_trailer ? " trailing" : "");
}

vg_rc
s3_md5_declared(struct vg_req *rq, struct vg_str value, uint8_t ret[VG_MD5_BYTES])
{
    struct vg_str bytes;
    if (vg_base64_decode(rq->arena, value, &bytes) && bytes.len == VG_MD5_BYTES) {
        memcpy(ret, bytes.ptr, VG_MD5_BYTES);
        return VG_OK;
    }
    struct s3_invalid_digest *detail = VG_NEW(rq->arena, struct s3_invalid_digest);
    detail->content_md5 = value;
    return s3_fail_invalid_digest_detail(rq, detail, "The Content-MD5 you specified was invalid.");
}

vg_rc
s3_checksum_check(struct vg_req *rq, enum vg_checksum_kind kind, struct vg_str declared,
                  struct vg_str calculated)
{
    if (declared.ptr == NULL || vg_str_eq(declared, calculated))
        return VG_OK;
    return s3_fail_bad_digest(
        rq, "The %" VG_FMT " you specified did not match the calculated checksum.",
        VG_ARG(s3_checksum_name(kind)));
}

/* What was expected comes in hexadecimal, what was calculated in base64: so measured in
 * https://github.com/versity/versitygw/issues/2034 */
vg_rc
s3_md5_check(struct vg_req *rq, const uint8_t declared[VG_MD5_BYTES],
             const uint8_t calculated[VG_MD5_BYTES])
{
    if (memcmp(declared, calculated, VG_MD5_BYTES) == 0)
        return VG_OK;
    struct s3_bad_digest *detail = VG_NEW(rq->arena, struct s3_bad_digest);
    detail->expected_digest = vg_hex(rq->arena, declared, VG_MD5_BYTES);
    detail->calculated_digest = vg_base64_encode(rq->arena, vg_str_n(calculated, VG_MD5_BYTES));
    return s3_fail_bad_digest_detail(
        rq, detail, "The Content-MD5 you specified did not match what we received.");
}

static vg_rc
check_body_md5(struct vg_req *rq, struct vg_str declared, struct vg_str body)
{
    uint8_t want[VG_MD5_BYTES], got[VG_MD5_BYTES];
    vg_rc rc = s3_md5_declared(rq, declared, want);
    vg_md5(body, got);
    return rc == VG_OK ? s3_md5_check(rq, want, got) : rc;
}

static vg_rc
check_body_sum(struct vg_req *rq, enum vg_checksum_kind kind, struct vg_str declared,
               struct vg_str body)
{
    struct vg_checksum c;
    vg_rc rc = s3_checksum_declared(rq, kind, declared, false);
    if (rc != VG_OK)
        return rc;
    vg_checksum_init(&c, kind);
    vg_checksum_add(&c, body);
    return s3_checksum_check(rq, kind, declared, s3_checksum_end(rq->arena, &c));
}

vg_rc
s3_check_body(struct vg_req *rq, vg_header_fn *header, void *of, struct vg_str body)
{
    struct vg_str md5 = header(of, VG_STR("content-md5"));
    bool has_any = md5.ptr != NULL;
    vg_rc rc = md5.ptr ? check_body_md5(rq, md5, body) : VG_OK;
    for (size_t i = 0; rc == VG_OK && i < VG_COUNT(algorithms); i++) {
        struct vg_str name = vg_str_cat(rq->arena, VG_STR("x-amz-checksum-"), algorithms[i].lower);
        struct vg_str declared = header(of, name);
        if (declared.ptr)
            rc = check_body_sum(rq, algorithms[i].kind, declared, body);
        has_any = has_any || declared.ptr;
    }
    /* https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html: "required" */
    if (rc == VG_OK && !has_any && rq->op == &s3_op_delete_objects)
        return s3_fail_invalid_request(
            rq, "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
    return rc;
}

struct vg_str
s3_checksum_end(struct vg_arena *arena, struct vg_checksum *c)
{
    uint8_t sum[VG_HASH_MAX_BYTES];
    size_t n = vg_checksum_end(c, sum);
    return vg_base64_encode(arena, vg_str_n(sum, n));
}

struct s3_rec_checksum *
s3_checksum_record(struct vg_arena *arena, enum vg_checksum_kind kind, struct vg_str value,
                   bool is_composite)
{
    struct s3_rec_checksum *c = VG_NEW(arena, struct s3_rec_checksum);
    c->algorithm = s3_checksum_name(kind);
    c->value = value;
    c->type = is_composite ? S3_COMPOSITE : S3_FULL_OBJECT;
    return c;
}

/* --- objects uploaded in parts ------------------------------------------------------------------
 */

vg_rc
s3_checksum_type(struct vg_req *rq, enum vg_checksum_kind kind, struct vg_str type,
                 bool *ret_is_composite)
{
    size_t i = row_of(kind);
    if (type.ptr == NULL) {
        *ret_is_composite = algorithms[i].is_composite;
        return VG_OK;
    }
    bool is_composite = vg_str_eq_nocase(type, S3_COMPOSITE);
    if (!is_composite && !vg_str_eq_nocase(type, S3_FULL_OBJECT))
        return s3_fail_invalid_request(rq, "Value for x-amz-checksum-type header is invalid.");
    if (!(algorithms[i].types & (is_composite ? COMPOSITE : FULL)))
        return s3_fail_invalid_request(
            rq, "The %s checksum type cannot be used with the %" VG_FMT " checksum algorithm.",
            is_composite ? "COMPOSITE" : "FULL_OBJECT", VG_ARG(algorithms[i].lower));
    *ret_is_composite = is_composite;
    return VG_OK;
}

void
s3_parts_sum_init(struct s3_parts_sum *s, enum vg_checksum_kind kind, bool is_composite)
{
    VG_ASSERT(algorithms[row_of(kind)].types & (is_composite ? COMPOSITE : FULL));
    *s = (struct s3_parts_sum) { .kind = kind, .is_composite = is_composite };
    vg_checksum_init(&s->of_sums, kind);
}

bool
s3_parts_sum_add(struct s3_parts_sum *s, struct vg_arena *arena, struct vg_str value,
                 uint64_t part_bytes)
{
    struct vg_str bytes;
    uint64_t crc = 0;
    if (!decoded(arena, s->kind, value, &bytes))
        return false;
    s->n++;
    if (s->is_composite) {
        vg_checksum_add(&s->of_sums, bytes);
        return true;
    }
    for (size_t i = 0; i < bytes.len; i++)
        crc = crc << 8 | (uint8_t)bytes.ptr[i];
    s->crc = vg_crc_join(s->kind, s->crc, crc, part_bytes);
    return true;
}

struct vg_str
s3_parts_sum_end(struct s3_parts_sum *s, struct vg_arena *arena)
{
    if (!s->is_composite)
        s->of_sums.crc = s->crc;
    struct vg_str value = s3_checksum_end(arena, &s->of_sums);
    if (!s->is_composite)
        return value;
    return vg_str_fmt(arena, "%" VG_FMT "-%llu", VG_ARG(value), (unsigned long long)s->n);
}

/* Absent: the part has none of that kind. */
static struct vg_str
sum_of_part(const struct s3_rec_part *p, enum vg_checksum_kind kind)
{
    if (p->checksum && vg_str_eq(p->checksum->algorithm, s3_checksum_name(kind)))
        return p->checksum->value;
    return kind == VG_CRC64NVME ? p->crc64nvme : VG_STR_NONE;
}

struct s3_rec_checksum *
s3_parts_checksum(struct vg_arena *arena, enum vg_checksum_kind kind, bool is_composite,
                  const struct s3_rec_version *v)
{
    struct s3_parts_sum sum;
    s3_parts_sum_init(&sum, kind, is_composite);
    for (size_t i = 0; i < v->parts.len; i++) {
        const struct s3_rec_part *p = &v->parts.items[i];
        struct vg_str value = sum_of_part(p, kind);
        if (!value.ptr || !s3_parts_sum_add(&sum, arena, value, (uint64_t)p->size))
            return NULL;
    }
    return s3_checksum_record(arena, kind, s3_parts_sum_end(&sum, arena), is_composite);
}

bool
s3_parts_etag(struct vg_arena *arena, const struct vg_str *etags, size_t n, struct vg_str *ret)
{
    struct vg_hash h;
    uint8_t md5[VG_HASH_MAX_BYTES];
    vg_hash_init(&h, VG_HASH_MD5);
    for (size_t i = 0; i < n; i++) {
        if (!vg_hex_get(etags[i], md5, VG_MD5_BYTES))
            return false;
        vg_hash_add(&h, vg_str_n(md5, VG_MD5_BYTES));
    }
    vg_hash_end(&h, md5);
    *ret = vg_str_fmt(arena, "%" VG_FMT "-%zu", VG_ARG(vg_hex(arena, md5, VG_MD5_BYTES)), n);
    return true;
}

/* --- members of requests and answers
 * --------------------------------------------------------------
 */

const struct vg_str s3_sum_names[S3_N_SUMS] = {
    VG_STR_INIT("CRC32"),     VG_STR_INIT("CRC32C"),   VG_STR_INIT("CRC64NVME"),
    VG_STR_INIT("SHA1"),      VG_STR_INIT("SHA256"),   VG_STR_INIT("SHA512"),
    VG_STR_INIT("MD5"),       VG_STR_INIT("XXHASH64"), VG_STR_INIT("XXHASH3"),
    VG_STR_INIT("XXHASH128"),
};

size_t
s3_sums_get(const struct vg_str *const slots[S3_N_SUMS], struct vg_str *ret_algorithm,
            struct vg_str *ret_value)
{
    size_t n = 0;
    *ret_algorithm = *ret_value = VG_STR_NONE;
    for (size_t i = 0; i < S3_N_SUMS; i++) {
        if (!slots[i]->ptr)
            continue;
        n++;
        *ret_algorithm = s3_sum_names[i];
        *ret_value = *slots[i];
    }
    return n;
}

void
s3_sums_put(struct vg_str *const slots[S3_N_SUMS], const struct s3_rec_checksum *sum)
{
    for (size_t i = 0; sum && i < S3_N_SUMS; i++)
        if (vg_str_eq(s3_sum_names[i], sum->algorithm))
            *slots[i] = sum->value;
}
