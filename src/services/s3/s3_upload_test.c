/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Uploads in parts: listed, completed, aborted.  Parts are put by the store, with sizes and digests
 * that the parts of s3_digest_test.c have: 5 MiB of 'a', 5 MiB of 'b' and "tail".  Errors are those
 * of https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */

#include "services/s3/s3_object_test.h"

#include "core/due_test.h"
#include "core/meter_test.h"
#include "os/file.h"
#include "services/s3/s3_store_int.h"
#include "store/blob.h"
#include "store/key.h"

#include <stdlib.h>

#define MIB5 (INT64_C(5) << 20)

#define ETAG_A    "79b281060d337b9b2b84ccf390adcf74"
#define ETAG_B    "74843a3ab193a389bced899402d99d5f"
#define ETAG_TAIL "7aea2552dfe7eb84b9443b6fc9ba6e01"
#define ETAG_ALL  "1af560d38fa58b7629ca9d6c912c720b-3"

#define PART(n, etag) "{'PartNumber':" #n ",'ETag':'" etag "'}"
#define COMPLETE(members, parts)                                                                   \
    "{'Bucket':'bucket','Key':'k','UploadId':'u'," members "'MultipartUpload':{'Parts':[" parts    \
    "]}}"
#define ALL_PARTS PART(1, ETAG_A) "," PART(2, ETAG_B) "," PART(3, ETAG_TAIL)

static char dir[S3_TEST_DIR_BYTES];

static void
begin(struct vg_service_fixture *f)
{
    s3_test_begin_files(f, dir);
}

static void
end(struct vg_service_fixture *f)
{
    s3_test_end_files(f, dir);
}

/* Of texts that have quotes of their own, which look like those of a test's JSON. */
static void
expect(struct vg_service_fixture *f, const char *op, const char *json, const char *want)
{
    struct vg_str answer = vg_service_fixture_call(f, op, json);
    s3_test_expect(f, vg_service_fixture_text(f, vg_str_cstr(f->arena, answer)), want);
}

static struct s3_rec_bucket *
bucket_of(struct vg_service_fixture *f, struct s3_test_req *t)
{
    struct s3_rec_bucket *bucket;
    assert_ok(s3_store_bucket(s3_test_req(f, t), VG_STR("bucket"), &bucket));
    assert_non_null(bucket);
    return bucket;
}

static void
start(struct vg_service_fixture *f, const char *key, const char *id, const char *algorithm,
      const char *type)
{
    struct s3_test_req t;
    struct s3_object_edit e;
    struct s3_rec_upload *none, u = { .id = vg_str_of(id),
                                      .key = vg_str_of(key),
                                      .initiated_ms = 1700000000000,
                                      .owner = f->scope.owner,
                                      .checksum_algorithm = vg_str_of(algorithm),
                                      .checksum_type = vg_str_of(type) };
    struct s3_rec_version v = { .content_type = VG_STR("text/plain") };
    u.version = &v;
    assert_ok(s3_store_edit_upload(s3_test_req(f, &t), bucket_of(f, &t), u.key, u.id, &e, &none));
    assert_null(none);
    s3_store_add_upload(&e, &u);
    assert_ok(s3_store_object_commit(&e));
}

static bool
put_part(struct vg_service_fixture *f, const char *id, uint32_t number, int64_t size,
         const char *etag, struct s3_rec_checksum *sum)
{
    struct s3_test_req t;
    struct s3_rec_content content = { .size = size, .blob = VG_STR("00000000000000000000000000") };
    const struct s3_rec_part part = { .number = number,
                                      .size = size,
                                      .etag = vg_str_of(etag),
                                      .checksum = sum,
                                      .modified_ms = 1700000001000,
                                      .content = &content };
    bool is_there;
    struct s3_rec_bucket *bucket = bucket_of(f, &t);
    assert_ok(s3_store_put_part(&t.rq, bucket, VG_STR("k"), vg_str_of(id), &part, &is_there));
    return is_there;
}

static void
put_three(struct vg_service_fixture *f, const char *algorithm, const char *const sums[3])
{
    static const char *const etags[] = { ETAG_A, ETAG_B, ETAG_TAIL };
    static const int64_t sizes[] = { MIB5, MIB5, 4 };
    for (uint32_t i = 0; i < 3; i++) {
        struct s3_rec_checksum sum = { .algorithm = vg_str_of(algorithm),
                                       .value = vg_str_of(sums ? sums[i] : NULL) };
        assert_true(put_part(f, "u", i + 1, sizes[i], etags[i], sums ? &sum : NULL));
    }
}

/* Of fixtures whose end does not know of them: let go of by the next one. */
static struct vg_blobs *prepared;

static void
prepare(struct vg_service_fixture *f)
{
    struct vg_err err = { 0 };
    s3_test_prepare(f);
    vg_blobs_close(prepared);
    assert_ok(vg_blobs_open(vg_str_of(dir), f->env.kv, f->env.random, &prepared, &err));
    f->env.blobs = prepared;
}

static int64_t
metered(struct vg_service_fixture *f)
{
    return vg_metered(&f->env, f->arena, VG_METER_STORED, VG_STR("bucket"));
}

/* Rows of an upload's partition. */
static size_t
rows(struct vg_service_fixture *f, struct vg_str bucket_id, const char *id)
{
    struct s3_test_req t;
    struct vg_range all = { .max = 20000, .max_bytes = 64u << 20 };
    struct vg_page page;
    s3_test_req(f, &t);
    assert_ok(vg_kv_scan(&t.sess, s3_parts_part(f->arena, bucket_id, vg_str_of(id)), &all, &page,
                         &f->err));
    return page.len;
}

static void
completing_makes_one_version_of_the_parts(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_test_req t;
    struct s3_rec_version *v;
    const char *call =
        COMPLETE("", PART(1, ETAG_A) "," PART(2, "\\'" ETAG_B "\\'") "," PART(3, ETAG_TAIL));
    const char *want = "{'Location':'/bucket/k','Bucket':'bucket','Key':'k','ETag':'\\'" ETAG_ALL
                       "\\'','ServerSideEncryption':'AES256'}";
    begin(&f);
    start(&f, "k", "u", NULL, NULL);
    put_three(&f, NULL, NULL);
    assert_true(put_part(&f, "u", 9, 1000, ETAG_A, NULL)); /* is not listed: goes */
    assert_int_equal(metered(&f), 2 * MIB5 + 1004);
    vg_service_fixture_expect(&f, "CompleteMultipartUpload", call, want);
    assert_int_equal(metered(&f), 2 * MIB5 + 4);
    struct s3_rec_bucket *bucket = bucket_of(&f, &t);
    assert_int_equal(rows(&f, bucket->id, "u"), 0);
    assert_ok(s3_store_current(&t.rq, bucket, VG_STR("k"), &v));
    assert_non_null(v);
    assert_int_equal(v->size, 2 * MIB5 + 4);
    assert_int_equal(v->parts.len, 3);
    assert_int_equal(v->parts.items[2].number, 3);
    assert_true(vg_str_eq(v->content_type, VG_STR("text/plain")));
    assert_false(put_part(&f, "u", 4, 1, ETAG_A, NULL));
    /* The same once more, whose answer may have been lost. */
    vg_service_fixture_expect(&f, "CompleteMultipartUpload", call, want);
    vg_service_fixture_call(&f, "CompleteMultipartUpload", COMPLETE("", PART(1, ETAG_B)));
    assert_true(f.err.def == &s3_err_invalid_part);
    vg_service_fixture_call(&f, "CompleteMultipartUpload", COMPLETE("", PART(1, ETAG_A)));
    assert_true(f.err.def == &s3_err_no_such_upload);
    s3_test_put(&f, "k");
    vg_service_fixture_call(&f, "CompleteMultipartUpload", call);
    assert_true(f.err.def == &s3_err_no_such_upload);
    assert_int_equal(metered(&f), 1);
    end(&f);
}

static void
what_does_not_fit_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *call, *want;
    } cases[] = {
        { "{'Bucket':'bucket','Key':'k','UploadId':'u'}",
          "MalformedXML: The XML you provided was not well-formed or did not validate against our "
          "published schema" },
        { COMPLETE("", ""), "InvalidRequest: You must specify at least one part" },
        { COMPLETE("", "{'PartNumber':1}"),
          "MalformedXML: The XML you provided was not well-formed or did not validate against our "
          "published schema" },
        { COMPLETE("", PART(2, ETAG_B) "," PART(1, ETAG_A)),
          "InvalidPartOrder: The list of parts was not in ascending order. Parts must be ordered "
          "by part number. {'UploadId':'u'}" },
        { COMPLETE("", PART(2, ETAG_B) "," PART(2, ETAG_B)),
          "InvalidPartOrder: The list of parts was not in ascending order. Parts must be ordered "
          "by part number. {'UploadId':'u'}" },
        { COMPLETE("", PART(1, ETAG_B)),
          "InvalidPart: One or more of the specified parts could not be found.  The part may not "
          "have been uploaded, or the specified entity tag may not match the part's entity tag. "
          "{'UploadId':'u','PartNumber':'1','ETag':'" ETAG_B "'}" },
        { COMPLETE("", PART(1, ETAG_A) "," PART(7, ETAG_A)),
          "InvalidPart: One or more of the specified parts could not be found.  The part may not "
          "have been uploaded, or the specified entity tag may not match the part's entity tag. "
          "{'UploadId':'u','PartNumber':'7','ETag':'" ETAG_A "'}" },
        { COMPLETE("", PART(3, ETAG_TAIL) "," PART(4, ETAG_TAIL)),
          "EntityTooSmall: Your proposed upload is smaller than the minimum allowed size "
          "{'ProposedSize':'4','MinSizeAllowed':'5242880','PartNumber':'3','ETag':'" ETAG_TAIL
          "'}" },
        { COMPLETE("'MpuObjectSize':7,", PART(3, ETAG_TAIL)),
          "InvalidRequest: The provided 'x-amz-mp-object-size' header value 7 does not match what "
          "was computed: 4" },
        { COMPLETE("'ChecksumType':'COMPOSITE',", PART(3, ETAG_TAIL)),
          "InvalidRequest: The upload was created using the FULL_OBJECT checksum mode. The "
          "complete request must use the same checksum mode." },
        { COMPLETE("'IfNoneMatch':'x',", PART(3, ETAG_TAIL)),
          "NotImplemented: A header you provided implies functionality that is not implemented "
          "{'Header':'If-None-Match','additionalMessage':'We don't accept the provided value of "
          "If-None-Match header for this API'}" },
        { COMPLETE("'IfMatch':'x',", PART(3, ETAG_TAIL)),
          "NoSuchKey: The specified key does not exist. {'Key':'k'}" },
        { "{'Bucket':'bucket','Key':'other','UploadId':'u','MultipartUpload':{'Parts':[" PART(
              3, ETAG_TAIL) "]}}",
          "NoSuchUpload: The specified upload does not exist. The upload ID may be invalid, or the "
          "upload may have been aborted or completed. {'UploadId':'u'}" },
    };
    struct vg_service_fixture f;
    begin(&f);
    start(&f, "k", "u", NULL, NULL);
    put_three(&f, NULL, NULL);
    assert_true(put_part(&f, "u", 4, 4, ETAG_TAIL, NULL));
    for (size_t i = 0; i < VG_COUNT(cases); i++)
        expect(&f, "CompleteMultipartUpload", cases[i].call, cases[i].want);
    s3_test_put(&f, "k");
    vg_service_fixture_expect(
        &f, "CompleteMultipartUpload", COMPLETE("'IfNoneMatch':'*',", PART(3, ETAG_TAIL)),
        "PreconditionFailed: At least one of the pre-conditions you specified did not hold "
        "{'Condition':'If-None-Match'}");
    vg_service_fixture_expect(
        &f, "CompleteMultipartUpload", COMPLETE("'IfMatch':'x',", PART(3, ETAG_TAIL)),
        "PreconditionFailed: At least one of the pre-conditions you specified did not hold "
        "{'Condition':'If-Match'}");
    assert_int_equal(metered(&f), 2 * MIB5 + 8 + 1);
    vg_service_fixture_ok(&f, "CompleteMultipartUpload",
                          COMPLETE("'IfMatch':'e','MpuObjectSize':4,", PART(3, ETAG_TAIL)));
    end(&f);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html */
static void
checksums_of_the_whole_are_made_from_those_of_the_parts(void **state)
{
    (void)state;
    static const char *const sha256[] = { "oplo+tLngqqfIECjXwWtuX7Yl56x9XLIyOp4Y34nXzw=",
                                          "o3trxFqNvlgt1XUUP6y4OO9aGuJiN6JtOCxQHt23XG8=",
                                          "DGL4du8d6oMN6fMsL0tG3W101Q0ViW4J71ovzUrH4dc=" };
    static const char *const crc64[] = { "PbvLEkWUSgg=", "1yeWnBkAmFQ=", "sAra2CkCEgw=" };
    struct vg_service_fixture f;
    begin(&f);
    start(&f, "k", "u", "SHA256", "COMPOSITE");
    put_three(&f, "SHA256", sha256);
    vg_service_fixture_expect(
        &f, "CompleteMultipartUpload", COMPLETE("", ALL_PARTS),
        "InvalidRequest: The upload was created using a sha256 checksum. The complete request must "
        "include the checksum for each part. It was missing for part 1 in the request.");
    vg_service_fixture_call(&f, "CompleteMultipartUpload",
                            COMPLETE("", "{'PartNumber':3,'ETag':'" ETAG_TAIL "','ChecksumSHA256':"
                                         "'oplo+tLngqqfIECjXwWtuX7Yl56x9XLIyOp4Y34nXzw='}"));
    assert_true(f.err.def == &s3_err_invalid_part);
    /* "consecutive and begin with 1": the page on checking integrity of uploads */
    vg_service_fixture_call(&f, "CompleteMultipartUpload",
                            COMPLETE("", "{'PartNumber':3,'ETag':'" ETAG_TAIL "','ChecksumSHA256':"
                                         "'DGL4du8d6oMN6fMsL0tG3W101Q0ViW4J71ovzUrH4dc='}"));
    assert_true(f.err.def == &s3_err_invalid_part_order);
#define SHA_PARTS                                                                                  \
    "{'PartNumber':1,'ETag':'" ETAG_A                                                              \
    "','ChecksumSHA256':'oplo+tLngqqfIECjXwWtuX7Yl56x9XLIyOp4Y34nXzw='},"                          \
    "{'PartNumber':2,'ETag':'" ETAG_B                                                              \
    "','ChecksumSHA256':'o3trxFqNvlgt1XUUP6y4OO9aGuJiN6JtOCxQHt23XG8='},"                          \
    "{'PartNumber':3,'ETag':'" ETAG_TAIL                                                           \
    "','ChecksumSHA256':'DGL4du8d6oMN6fMsL0tG3W101Q0ViW4J71ovzUrH4dc='}"
    vg_service_fixture_expect(
        &f, "CompleteMultipartUpload", COMPLETE("'ChecksumCRC32':'r/zBbw==',", SHA_PARTS),
        "InvalidRequest: Checksum Type mismatch occurred, expected checksum Type: sha256, actual "
        "checksum Type: crc32");
    vg_service_fixture_expect(
        &f, "CompleteMultipartUpload",
        COMPLETE("'ChecksumSHA256':'oplo+tLngqqfIECjXwWtuX7Yl56x9XLIyOp4Y34nXzw=-3',", SHA_PARTS),
        "BadDigest: The sha256 you specified did not match the calculated checksum.");
    vg_service_fixture_expect(
        &f, "CompleteMultipartUpload",
        COMPLETE("'ChecksumType':'COMPOSITE',"
                 "'ChecksumSHA256':'T0IofAur232vg2f5FnRU1PLh4D7k1BYHEW2bHHQqkn8=',",
                 SHA_PARTS),
        "{'Location':'/bucket/k','Bucket':'bucket','Key':'k','ETag':'\\'" ETAG_ALL
        "\\'','ChecksumSHA256':'T0IofAur232vg2f5FnRU1PLh4D7k1BYHEW2bHHQqkn8=-3',"
        "'ChecksumType':'COMPOSITE','ServerSideEncryption':'AES256'}");
    start(&f, "k", "u", NULL, NULL); /* as clients of old: the whole has one all the same */
    put_three(&f, "CRC64NVME", crc64);
    vg_service_fixture_expect(
        &f, "CompleteMultipartUpload", COMPLETE("'ChecksumCRC64NVME':'PbvLEkWUSgg=',", ALL_PARTS),
        "BadDigest: The crc64nvme you specified did not match the calculated checksum.");
    vg_service_fixture_expect(
        &f, "CompleteMultipartUpload", COMPLETE("", ALL_PARTS),
        "{'Location':'/bucket/k','Bucket':'bucket','Key':'k','ETag':'\\'" ETAG_ALL
        "\\'','ChecksumCRC64NVME':'4pt41PrxiJQ=','ChecksumType':'FULL_OBJECT',"
        "'ServerSideEncryption':'AES256'}");
    end(&f);
}

static void
parts_are_listed_in_pages(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f);
    start(&f, "k", "u", NULL, NULL);
    for (uint32_t i = 10; i > 0; i--)
        assert_true(put_part(&f, "u", i * 1000, i, ETAG_A, NULL));
    struct vg_str owner = s3_canonical_id(f.arena, f.scope.owner);
    struct vg_str want = vg_str_fmt(
        f.arena,
        "{'Bucket':'bucket','Key':'k','UploadId':'u','PartNumberMarker':7000,"
        "'NextPartNumberMarker':9000,'MaxParts':2,'IsTruncated':true,'Parts':["
        "{'PartNumber':8000,'LastModified':1700000001,'ETag':'\\'" ETAG_A "\\'','Size':8},"
        "{'PartNumber':9000,'LastModified':1700000001,'ETag':'\\'" ETAG_A "\\'','Size':9}],"
        "'Initiator':{'ID':'%" VG_FMT "'},'Owner':{'ID':'%" VG_FMT "'},'StorageClass':'STANDARD'}",
        VG_ARG(owner), VG_ARG(owner));
    vg_service_fixture_expect(&f, "ListParts",
                              "{'Bucket':'bucket','Key':'k','UploadId':'u','MaxParts':2,"
                              "'PartNumberMarker':7000}",
                              vg_str_cstr(f.arena, want));
    vg_service_fixture_expect(&f, "ListParts",
                              "{'Bucket':'bucket','Key':'k','UploadId':'u','MaxParts':-1}",
                              "InvalidArgument: Argument max-parts must be an integer between 0 "
                              "and 2147483647 {'ArgumentName':'max-parts','ArgumentValue':'-1'}");
    vg_service_fixture_call(&f, "ListParts", "{'Bucket':'bucket','Key':'k','UploadId':'v'}");
    assert_true(f.err.def == &s3_err_no_such_upload);
    end(&f);
}

/* The most that S3 takes, with the longest checksum. */
static void
ten_thousand_parts_make_an_object(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_test_req t;
    struct s3_rec_version *v;
    struct vg_buf b;
    struct s3_rec_checksum sum = { .algorithm = VG_STR("SHA256"),
                                   .type = VG_STR("FULL_OBJECT"),
                                   .value =
                                       VG_STR("oplo+tLngqqfIECjXwWtuX7Yl56x9XLIyOp4Y34nXzw=") };
    begin(&f);
    start(&f, "k", "u", "SHA256", "COMPOSITE");
    vg_buf_init(&b, f.arena, 8u << 20);
    vg_buf_adds(&b,
                VG_STR("{'Bucket':'bucket','Key':'k','UploadId':'u','MultipartUpload':{'Parts':["));
    for (uint32_t i = 1; i <= 10000; i++) {
        assert_true(put_part(&f, "u", i, MIB5, ETAG_A, &sum));
        vg_buf_addf(&b, "%s{'PartNumber':%u,'ETag':'" ETAG_A "','ChecksumSHA256':'%" VG_FMT "'}",
                    i == 1 ? "" : ",", (unsigned)i, VG_ARG(sum.value));
    }
    vg_buf_adds(&b, VG_STR("]}}"));
    vg_service_fixture_ok(&f, "CompleteMultipartUpload", vg_str_cstr(f.arena, vg_buf_str(&b)));
    struct s3_rec_bucket *bucket = bucket_of(&f, &t);
    assert_ok(s3_store_current(&t.rq, bucket, VG_STR("k"), &v));
    assert_int_equal(v->parts.len, 10000);
    assert_int_equal(v->size, 10000 * MIB5);
    assert_int_equal(rows(&f, bucket->id, "u"), 0);
    end(&f);
}

/* Keys and ids of a page's uploads, its common prefixes, and its markers. */
static void
listed(struct vg_service_fixture *f, const char *members, const char *want)
{
    struct vg_buf b;
    struct vg_err err = { 0 };
    struct vg_str answer =
        s3_test_call(f, "ListMultipartUploads", "{'Bucket':'bucket'%s}", members);
    struct s3_list_multipart_uploads_output *out =
        VG_NEW(f->arena, struct s3_list_multipart_uploads_output);
    if (!vg_service_fixture_is_ok(answer))
        fail_msg("%" VG_FMT, VG_ARG(answer));
    assert_ok(
        vg_wire_from_json(&s3_shape_list_multipart_uploads_output, answer, f->arena, out, &err));
    vg_buf_init(&b, f->arena, 1u << 20);
    for (size_t i = 0; i < out->uploads.len; i++)
        vg_buf_addf(&b, "%" VG_FMT "=%" VG_FMT " ", VG_ARG(out->uploads.items[i].key),
                    VG_ARG(out->uploads.items[i].upload_id));
    for (size_t i = 0; i < out->common_prefixes.len; i++)
        vg_buf_addf(&b, "(%" VG_FMT ") ", VG_ARG(out->common_prefixes.items[i].prefix));
    vg_buf_addf(&b, "%s%" VG_FMT "=%" VG_FMT, out->is_truncated.v ? "+" : "",
                VG_ARG(out->next_key_marker), VG_ARG(out->next_upload_id_marker));
    s3_test_expect(f, vg_buf_str(&b), want);
}

static void
uploads_are_listed_by_key_and_age(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f);
    listed(&f, "", "=");
    start(&f, "b", "2", NULL, NULL);
    start(&f, "b", "1", NULL, NULL);
    start(&f, "a", "9", NULL, NULL);
    start(&f, "d/x", "3", NULL, NULL);
    start(&f, "d/y", "4", NULL, NULL);
    start(&f, "e", "5", NULL, NULL);
    listed(&f, "", "a=9 b=1 b=2 d/x=3 d/y=4 e=5 e=5");
    listed(&f, ",'MaxUploads':2", "a=9 b=1 +b=1");
    listed(&f, ",'MaxUploads':2,'KeyMarker':'b','UploadIdMarker':'1'", "b=2 d/x=3 +d/x=3");
    listed(&f, ",'KeyMarker':'b'", "d/x=3 d/y=4 e=5 e=5");
    listed(&f, ",'UploadIdMarker':'1','Prefix':'b'", "b=1 b=2 b=2");
    listed(&f, ",'Delimiter':'/','MaxUploads':4", "a=9 b=1 b=2 (d/) +d/=");
    listed(&f, ",'Delimiter':'/','KeyMarker':'d/'", "e=5 e=5");
    listed(&f, ",'Prefix':'d/','Delimiter':'/'", "d/x=3 d/y=4 d/y=4");
    listed(&f, ",'MaxUploads':0", "=");
    /* One ends while pages are turned. */
    vg_service_fixture_ok(&f, "AbortMultipartUpload",
                          "{'Bucket':'bucket','Key':'b','UploadId':'1'}");
    listed(&f, ",'MaxUploads':1,'KeyMarker':'b','UploadIdMarker':'1'", "b=2 +b=2");
    vg_service_fixture_expect(&f, "ListMultipartUploads", "{'Bucket':'bucket','MaxUploads':-1}",
                              "InvalidArgument: Argument max-uploads must be an integer between 0 "
                              "and 2147483647 {'ArgumentName':'max-uploads','ArgumentValue':'-1'}");
    end(&f);
}

static void
ids_of_later_uploads_are_greater(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_test_req t;
    begin(&f);
    struct vg_str first = s3_new_upload_id(s3_test_req(&f, &t));
    assert_ok(vg_clock_advance(f.env.clock, &t.sess, 1, &f.err));
    struct vg_str second = s3_new_upload_id(&t.rq);
    assert_true(vg_str_cmp(first, second) < 0);
    end(&f);
}

static void
aborting_drops_all_parts_in_pieces(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_test_req t;
    begin(&f);
    start(&f, "k", "u", NULL, NULL);
    for (uint32_t i = 1; i <= 2500; i++)
        assert_true(put_part(&f, "u", i, 3, ETAG_A, NULL));
    struct vg_str id = bucket_of(&f, &t)->id;
    assert_int_equal(metered(&f), 7500);
    vg_service_fixture_expect(&f, "AbortMultipartUpload",
                              "{'Bucket':'bucket','Key':'k','UploadId':'u'}", "{}");
    assert_int_equal(rows(&f, id, "u"), 1500);
    assert_false(put_part(&f, "u", 1, 1, ETAG_A, NULL));
    vg_service_fixture_call(&f, "AbortMultipartUpload",
                            "{'Bucket':'bucket','Key':'k','UploadId':'u'}");
    assert_true(f.err.def == &s3_err_no_such_upload);
    vg_service_fixture_run_due(&f);
    assert_int_equal(rows(&f, id, "u"), 0);
    assert_int_equal(metered(&f), 0);
    end(&f);
}

/* Objects must be gone before a bucket can be; of directory buckets alone it is said that uploads
 * must: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html */
static void
a_bucket_goes_with_its_uploads(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_test_req t;
    begin(&f);
    start(&f, "k", "u", NULL, NULL);
    start(&f, "l", "v", NULL, NULL);
    put_three(&f, NULL, NULL);
    struct vg_str id = bucket_of(&f, &t)->id;
    vg_service_fixture_ok(&f, "DeleteBucket", "{'Bucket':'bucket'}");
    vg_service_fixture_ok(&f, "CreateBucket", "{'Bucket':'bucket'}");
    vg_service_fixture_call(&f, "ListParts", "{'Bucket':'bucket','Key':'k','UploadId':'u'}");
    assert_true(f.err.def == &s3_err_no_such_upload);
    vg_service_fixture_run_due(&f);
    assert_int_equal(rows(&f, id, "u") + rows(&f, id, "v"), 0);
    assert_int_equal(metered(&f), 0);
    end(&f);
}

static void
prepare_upload(struct vg_service_fixture *f)
{
    prepare(f);
    start(f, "k", "u", NULL, NULL);
    put_three(f, NULL, NULL);
}

static void
prepare_empty(struct vg_service_fixture *f)
{
    prepare(f);
    start(f, "k", "u", NULL, NULL);
}

static void
prepare_source(struct vg_service_fixture *f)
{
    prepare_empty(f);
    vg_service_fixture_ok(f, "PutObject", "{'Bucket':'bucket','Key':'s','Body':'c291cmNl'}");
}

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    static const struct {
        void (*prepare)(struct vg_service_fixture *f);
        const char *op, *json;
    } calls[] = {
        { prepare, "CreateMultipartUpload", "{'Bucket':'bucket','Key':'k'}" },
        { prepare_empty, "UploadPart",
          "{'Bucket':'bucket','Key':'k','UploadId':'u','PartNumber':1,'Body':'dGFpbA=='}" },
        { prepare_upload, "UploadPart",
          "{'Bucket':'bucket','Key':'k','UploadId':'u','PartNumber':1,'Body':'dGFpbA=='}" },
        { prepare_source, "UploadPartCopy",
          "{'Bucket':'bucket','Key':'k','UploadId':'u','PartNumber':1,'CopySource':'bucket/s'}" },
        { prepare_upload, "ListMultipartUploads", "{'Bucket':'bucket'}" },
        { prepare_upload, "ListParts", "{'Bucket':'bucket','Key':'k','UploadId':'u'}" },
        { prepare_upload, "CompleteMultipartUpload", COMPLETE("", ALL_PARTS) },
        { prepare_upload, "CompleteMultipartUpload", COMPLETE("", PART(2, ETAG_B)) },
        { prepare_upload, "AbortMultipartUpload", "{'Bucket':'bucket','Key':'k','UploadId':'u'}" },
    };
    struct vg_err err = { 0 };
    strcpy(dir, "/tmp/vg_s3_upload_XXXXXX");
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < VG_COUNT(calls); i++)
        vg_service_fixture_fail_each(&s3_service, calls[i].prepare, calls[i].op, calls[i].json);
    vg_blobs_close(prepared);
    assert_ok(vg_dir_remove(vg_str_of(dir), &err));
}

/* --- begun, and filled with parts ---------------------------------------------------------------
 */

#define UPLOAD_PART(members)                                                                       \
    "{'Bucket':'bucket','Key':'k','UploadId':'u','PartNumber':1,'Body':'dGFpbA=='" members "}"

/* Texts: test_multipart_checksum… of OpenStack Swift, which holds S3 to them, and
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
static void
parts_are_held_to_what_their_upload_asked_for(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f);
    start(&f, "k", "u", "SHA256", "COMPOSITE");
    expect(
        &f, "UploadPart", UPLOAD_PART(""),
        "InvalidRequest: Checksum Type mismatch occurred, expected checksum Type: sha256, actual "
        "checksum Type: null");
    expect(
        &f, "UploadPart", UPLOAD_PART(",'ChecksumCRC32':'fDe0XQ=='"),
        "InvalidRequest: Checksum Type mismatch occurred, expected checksum Type: sha256, actual "
        "checksum Type: crc32");
    expect(&f, "UploadPart",
           UPLOAD_PART(",'ChecksumSHA256':'oplo+tLngqqfIECjXwWtuX7Yl56x9XLIyOp4Y34nXzw='"),
           "BadDigest: The SHA256 you specified did not match the calculated checksum.");
    expect(&f, "UploadPart",
           UPLOAD_PART(",'ChecksumSHA256':'DGL4du8d6oMN6fMsL0tG3W101Q0ViW4J71ovzUrH4dc='"),
           "{'ServerSideEncryption':'AES256','ETag':'\\'" ETAG_TAIL
           "\\'','ChecksumSHA256':'DGL4du8d6oMN6fMsL0tG3W101Q0ViW4J71ovzUrH4dc='}");
    assert_int_equal(metered(&f), 4);
    expect(&f, "UploadPart", "{'Bucket':'bucket','Key':'k','UploadId':'u','PartNumber':10001}",
           "InvalidArgument: Part number must be an integer between 1 and 10000, inclusive "
           "{'ArgumentName':'partNumber','ArgumentValue':'10001'}");
    vg_service_fixture_call(&f, "UploadPart",
                            UPLOAD_PART(",'ContentMD5':'AAAAAAAAAAAAAAAAAAAAAA=='"
                                        ",'ChecksumSHA256':'DGL4du8d6oMN6fMsL0tG3"
                                        "W101Q0ViW4J71ovzUrH4dc='"));
    assert_true(f.err.def == &s3_err_bad_digest);
    end(&f);
}

static void
an_upload_begins_with_what_its_object_is_to_have(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f);
    expect(&f, "CreateMultipartUpload", "{'Bucket':'bucket','Key':'k','ChecksumType':'COMPOSITE'}",
           "InvalidRequest: The x-amz-checksum-type header can only be used with the "
           "x-amz-checksum-algorithm header.");
    expect(&f, "CreateMultipartUpload",
           "{'Bucket':'bucket','Key':'k','ChecksumAlgorithm':'CRC64NVME','ChecksumType':'COMPOSITE'"
           "}",
           "InvalidRequest: The COMPOSITE checksum type cannot be used with the crc64nvme checksum "
           "algorithm.");
    vg_service_fixture_call(&f, "CreateMultipartUpload", "{'Bucket':'none','Key':'k'}");
    assert_true(f.err.def == &s3_err_no_such_bucket);
    vg_service_fixture_call(&f, "CreateMultipartUpload",
                            "{'Bucket':'bucket','Key':'k','StorageClass':'OTHER'}");
    assert_true(f.err.def == &s3_err_invalid_storage_class);
    struct vg_str made = vg_service_fixture_ok(
        &f, "CreateMultipartUpload",
        "{'Bucket':'bucket','Key':'k','ChecksumAlgorithm':'SHA1','StorageClass':'STANDARD_IA'}");
    assert_true(vg_str_find(made, VG_STR("\"ChecksumType\":\"COMPOSITE\"")) != VG_NPOS);
    struct vg_str listed = vg_service_fixture_ok(&f, "ListMultipartUploads", "{'Bucket':'bucket'}");
    assert_true(vg_str_find(listed, VG_STR("\"StorageClass\":\"STANDARD_IA\"")) != VG_NPOS);
    end(&f);
}

#define COPY(range)                                                                                \
    "{'Bucket':'bucket','Key':'k','UploadId':'u','PartNumber':1,'CopySource':'bucket/s',"          \
    "'CopySourceRange':'" range "'}"

static void
a_part_is_copied_from_a_range(void **state)
{
    (void)state;
    static const char *const malformed[] = { "bytes=1-", "bytes=-1",      "bytes=2-1", "1-2",
                                             "",         "bytes=1-2,4-5", "bytes=a-b" };
    struct vg_service_fixture f;
    begin(&f);
    start(&f, "k", "u", NULL, NULL);
    vg_service_fixture_ok(&f, "PutObject", "{'Bucket':'bucket','Key':'s','Body':'c291cmNl'}");
    for (size_t i = 0; i < VG_COUNT(malformed); i++) {
        struct vg_str answer = s3_test_call(&f, "UploadPartCopy", COPY("%s"), malformed[i]);
        if (f.err.def != &s3_err_invalid_argument)
            fail_msg("%s: %" VG_FMT, malformed[i], VG_ARG(answer));
    }
    expect(&f, "UploadPartCopy", COPY("bytes=0-6"),
           "InvalidArgument: Range specified is not valid for source object of size: 6 "
           "{'ArgumentName':'x-amz-copy-source-range','ArgumentValue':'bytes=0-6'}");
    expect(&f, "UploadPartCopy", COPY("bytes=6-6"),
           "InvalidRequest: The specified copy range is invalid for the source object size");
    vg_service_fixture_ok(&f, "UploadPartCopy", COPY("bytes=1-3"));
    /* MD5 of "our" */
    vg_service_fixture_ok(
        &f, "CompleteMultipartUpload",
        COMPLETE("'MpuObjectSize':3,", PART(1, "162e31afc5ade88a04d3f428e97e8f46")));
    end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(completing_makes_one_version_of_the_parts),
        cmocka_unit_test(what_does_not_fit_is_refused_and_changes_nothing),
        cmocka_unit_test(checksums_of_the_whole_are_made_from_those_of_the_parts),
        cmocka_unit_test(ten_thousand_parts_make_an_object),
        cmocka_unit_test(parts_are_listed_in_pages),
        cmocka_unit_test(uploads_are_listed_by_key_and_age),
        cmocka_unit_test(ids_of_later_uploads_are_greater),
        cmocka_unit_test(aborting_drops_all_parts_in_pieces),
        cmocka_unit_test(a_bucket_goes_with_its_uploads),
        cmocka_unit_test(parts_are_held_to_what_their_upload_asked_for),
        cmocka_unit_test(an_upload_begins_with_what_its_object_is_to_have),
        cmocka_unit_test(a_part_is_copied_from_a_range),
        cmocka_unit_test(every_operation_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
