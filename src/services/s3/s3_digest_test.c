/* SPDX-License-Identifier: Apache-2.0 */
/* Where no other source is named: values from awscrt and Python's hashlib over parts of 5 MiB of
 * 'a', 5 MiB of 'b' and "tail". */
#include "services/s3/s3_digest.h"

#include "base/test.h"

#include <stdlib.h>

struct fixture {
    struct vg_err err;
    struct vg_req rq;
};

static int
begin(void **state)
{
    struct fixture *t = vg_xalloc(sizeof(*t));
    t->rq = (struct vg_req) { .arena = vg_arena_new(0), .err = &t->err };
    *state = t;
    return 0;
}

static int
end(void **state)
{
    struct fixture *t = *state;
    vg_arena_free(t->rq.arena);
    free(t);
    return 0;
}

#define assert_fails(rc, t, what)                                                                  \
    do {                                                                                           \
        assert_int_equal((rc), VG_FAIL);                                                           \
        assert_str(vg_str_fmt((t)->rq.arena, "%" VG_FMT ": %" VG_FMT, VG_ARG((t)->err.def->code),  \
                              VG_ARG(vg_err_text(&(t)->err))),                                     \
                   what);                                                                          \
    } while (0)

static const uint64_t part_bytes[] = { 5242880, 5242880, 4 };

static const struct {
    const char *algorithm, *parts[3], *composite, *full;
} sums[] = {
    { "SHA256",
      { "oplo+tLngqqfIECjXwWtuX7Yl56x9XLIyOp4Y34nXzw=",
        "o3trxFqNvlgt1XUUP6y4OO9aGuJiN6JtOCxQHt23XG8=",
        "DGL4du8d6oMN6fMsL0tG3W101Q0ViW4J71ovzUrH4dc=" },
      "T0IofAur232vg2f5FnRU1PLh4D7k1BYHEW2bHHQqkn8=-3",
      NULL },
    { "SHA1",
      { "YbjWYArJTZEodPVpqTQRIPaAyfg=", "3sH2apgiBiJ3JumbqegQY2iz0p4=",
        "+/XyoodbO7Zbjjsj5swB1YyjBEc=" },
      "gczZuq5mQgcP+uXPYrLvOtWfMx8=-3",
      NULL },
    { "CRC32", { "r/zBbw==", "yG5QvA==", "fDe0XQ==" }, "2AQfWw==-3", "kvhbgw==" },
    { "CRC32C", { "WpuOeg==", "JtMBsw==", "B21LrQ==" }, "uJfNqw==-3", "Xn8c0g==" },
    { "CRC64NVME", { "PbvLEkWUSgg=", "1yeWnBkAmFQ=", "sAra2CkCEgw=" }, NULL, "4pt41PrxiJQ=" },
};

static void
expect_sum(struct vg_arena *arena, size_t i, bool is_composite, const char *want)
{
    enum vg_checksum_kind kind;
    struct s3_parts_sum s;
    if (want == NULL)
        return;
    assert_true(s3_checksum_kind(vg_str_of(sums[i].algorithm), &kind));
    s3_parts_sum_init(&s, kind, is_composite);
    for (size_t p = 0; p < 3; p++)
        assert_true(s3_parts_sum_add(&s, arena, vg_str_of(sums[i].parts[p]), part_bytes[p]));
    assert_string_equal(vg_str_cstr(arena, s3_parts_sum_end(&s, arena)), want);
}

static void
sums_of_parts_are_composite_or_of_the_whole(void **state)
{
    struct fixture *t = *state;
    for (size_t i = 0; i < VG_COUNT(sums); i++) {
        expect_sum(t->rq.arena, i, true, sums[i].composite);
        expect_sum(t->rq.arena, i, false, sums[i].full);
    }
}

/* Measured on AWS (eu-west-1, 2026-09-03): https://github.com/floci-io/floci/issues/3083 */
static void
a_composite_sum_is_the_one_that_aws_gave(void **state)
{
    struct fixture *t = *state;
    struct s3_parts_sum s;
    static const char *const parts[] = { "lcKa6Boe7a167tUCN5C4OaFygGSYD8MBnBARTrdL+1w=",
                                         "gHjhbUT4oo2tSCtSZJdlKi+jeNXJT+VImqdPXsXvkOc=",
                                         "4l9PQ3zOPZ0oGFvknFX+J4zZwE4WMzO+l3r8XrbWOeM=" };
    s3_parts_sum_init(&s, VG_SHA256, true);
    for (size_t i = 0; i < VG_COUNT(parts); i++)
        assert_true(s3_parts_sum_add(&s, t->rq.arena, vg_str_of(parts[i]), 1));
    assert_str(s3_parts_sum_end(&s, t->rq.arena), "rVWtNbadtsaKXJAcgWPWjifHzJaXde/iV4jaJAOdivc=-3");
    assert_false(s3_parts_sum_add(&s, t->rq.arena, VG_STR("r/zBbw=="), 1));
    assert_false(s3_parts_sum_add(&s, t->rq.arena, VG_STR("?"), 1));
}

static void
the_etag_of_parts_is_that_of_their_md5s(void **state)
{
    struct fixture *t = *state;
    struct vg_str etag, parts[] = { VG_STR("79b281060d337b9b2b84ccf390adcf74"),
                                    VG_STR("74843a3ab193a389bced899402d99d5f"),
                                    VG_STR("7aea2552dfe7eb84b9443b6fc9ba6e01") };
    assert_true(s3_parts_etag(t->rq.arena, parts, 3, &etag));
    assert_str(etag, "1af560d38fa58b7629ca9d6c912c720b-3");
    parts[1] = VG_STR("no etag");
    assert_false(s3_parts_etag(t->rq.arena, parts, 3, &etag));
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html,
 * "Full object and composite checksum types"; the defaults as measured in floci PR#3093 */
static void
each_algorithm_has_its_types(void **state)
{
    struct fixture *t = *state;
    static const struct {
        enum vg_checksum_kind kind;
        bool is_default_composite, has_composite, has_full;
    } rows[] = { { VG_CRC32, true, true, true },
                 { VG_CRC32C, true, true, true },
                 { VG_CRC64NVME, false, false, true },
                 { VG_SHA1, true, true, false },
                 { VG_SHA256, true, true, false } };
    bool is;
    for (size_t i = 0; i < VG_COUNT(rows); i++) {
        enum vg_checksum_kind kind = rows[i].kind;
        assert_ok(s3_checksum_type(&t->rq, kind, VG_STR_NONE, &is));
        assert_int_equal(is, rows[i].is_default_composite);
        assert_int_equal(s3_checksum_type(&t->rq, kind, S3_COMPOSITE, &is) == VG_OK,
                         rows[i].has_composite);
        assert_int_equal(s3_checksum_type(&t->rq, kind, S3_FULL_OBJECT, &is) == VG_OK,
                         rows[i].has_full);
    }
    assert_fails(
        s3_checksum_type(&t->rq, VG_SHA1, S3_FULL_OBJECT, &is), t,
        "InvalidRequest: The FULL_OBJECT checksum type cannot be used with the sha1 checksum "
        "algorithm.");
    assert_fails(s3_checksum_type(&t->rq, VG_SHA1, VG_STR("x"), &is), t,
                 "InvalidRequest: Value for x-amz-checksum-type header is invalid.");
}

static void
what_is_declared_must_be_readable(void **state)
{
    struct fixture *t = *state;
    uint8_t md5[VG_MD5_BYTES];
    assert_ok(s3_checksum_declared(&t->rq, VG_CRC32, VG_STR("y/Q5Jg=="), false));
    assert_fails(s3_checksum_declared(&t->rq, VG_CRC32, VG_STR("y/Q5JgA="), false), t,
                 "InvalidRequest: Value for x-amz-checksum-crc32 header is invalid.");
    assert_fails(s3_checksum_declared(&t->rq, VG_CRC64NVME, VG_STR("y/Q5Jg"), true), t,
                 "InvalidRequest: Value for x-amz-checksum-crc64nvme trailing header is invalid.");
    assert_ok(s3_md5_declared(&t->rq, VG_STR("XrY7u+Ae7tCTyyK7j1rNww=="), md5));
    assert_str(vg_hex(t->rq.arena, md5, sizeof(md5)), "5eb63bbbe01eeed093cb22bb8f5acdc3");
    assert_fails(s3_md5_declared(&t->rq, VG_STR("5eb63bbbe01eeed093cb22bb8f5acdc3"), md5), t,
                 "InvalidDigest: The Content-MD5 you specified was invalid.");
    assert_str(((struct s3_invalid_digest *)t->err.detail)->content_md5,
               "5eb63bbbe01eeed093cb22bb8f5acdc3");
    assert_fails(s3_md5_declared(&t->rq, VG_STR(""), md5), t,
                 "InvalidDigest: The Content-MD5 you specified was invalid.");
}

/* The MD5s as measured in https://github.com/versity/versitygw/issues/2034 */
static void
what_is_declared_must_be_what_came(void **state)
{
    struct fixture *t = *state;
    uint8_t hello[VG_MD5_BYTES], nothing[VG_MD5_BYTES];
    vg_md5(VG_STR("hello world"), hello);
    vg_md5(VG_STR(""), nothing);
    assert_ok(s3_md5_check(&t->rq, hello, hello));
    assert_fails(s3_md5_check(&t->rq, hello, nothing), t,
                 "BadDigest: The Content-MD5 you specified did not match what we received.");
    const struct s3_bad_digest *bad = t->err.detail;
    assert_str(bad->calculated_digest, "1B2M2Y8AsgTpgAmY7PhCfg==");
    assert_str(bad->expected_digest, "5eb63bbbe01eeed093cb22bb8f5acdc3");

    assert_ok(s3_checksum_check(&t->rq, VG_CRC32, VG_STR_NONE, VG_STR("y/Q5Jg==")));
    assert_ok(s3_checksum_check(&t->rq, VG_CRC32, VG_STR("y/Q5Jg=="), VG_STR("y/Q5Jg==")));
    assert_fails(s3_checksum_check(&t->rq, VG_CRC32, VG_STR("AAAAAA=="), VG_STR("y/Q5Jg==")), t,
                 "BadDigest: The CRC32 you specified did not match the calculated checksum.");
}

/* "name: value" */
static struct vg_str
one_header(void *of, struct vg_str name)
{
    struct vg_str rest = vg_str_of(of), is = vg_str_cut(&rest, ':');
    return vg_str_eq(is, name) ? vg_str_trim(rest) : VG_STR_NONE;
}

static void
a_body_is_held_to_the_checksums_of_its_headers(void **state)
{
    struct fixture *t = *state;
    static char md5[] = "content-md5: XrY7u+Ae7tCTyyK7j1rNww==",
                sha1[] = "x-amz-checksum-sha1: Kq5sNclPz7QV2+lfQIuc6R7oRu0=", none[] = "x: y";
    struct vg_str body = VG_STR("hello world"), other = VG_STR("hello worlds");
    t->rq.op = &s3_op_delete_objects;
    assert_ok(s3_check_body(&t->rq, one_header, md5, body));
    assert_ok(s3_check_body(&t->rq, one_header, sha1, body));
    assert_fails(s3_check_body(&t->rq, one_header, md5, other), t,
                 "BadDigest: The Content-MD5 you specified did not match what we received.");
    assert_fails(s3_check_body(&t->rq, one_header, sha1, other), t,
                 "BadDigest: The SHA1 you specified did not match the calculated checksum.");
    assert_fails(s3_check_body(&t->rq, one_header, none, body), t,
                 "InvalidRequest: Missing required header for this request: Content-MD5 OR "
                 "x-amz-checksum-*");
    t->rq.op = &s3_op_put_bucket_tagging;
    assert_ok(s3_check_body(&t->rq, one_header, none, body));
    assert_fails(s3_check_body(&t->rq, one_header, sha1, other), t,
                 "BadDigest: The SHA1 you specified did not match the calculated checksum.");
}

static void
names_are_read_in_any_case(void **state)
{
    struct fixture *t = *state;
    enum vg_checksum_kind kind;
    assert_ok(s3_checksum_asked(&t->rq, VG_STR("crc64nvme"), &kind));
    assert_int_equal(kind, VG_CRC64NVME);
    assert_str(s3_checksum_name(kind), "CRC64NVME");
    assert_fails(s3_checksum_asked(&t->rq, VG_STR("CRC16"), &kind), t,
                 "InvalidRequest: Checksum algorithm provided is unsupported. Please try again "
                 "with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sums_of_parts_are_composite_or_of_the_whole, begin, end),
        cmocka_unit_test_setup_teardown(a_composite_sum_is_the_one_that_aws_gave, begin, end),
        cmocka_unit_test_setup_teardown(the_etag_of_parts_is_that_of_their_md5s, begin, end),
        cmocka_unit_test_setup_teardown(each_algorithm_has_its_types, begin, end),
        cmocka_unit_test_setup_teardown(what_is_declared_must_be_readable, begin, end),
        cmocka_unit_test_setup_teardown(what_is_declared_must_be_what_came, begin, end),
        cmocka_unit_test_setup_teardown(names_are_read_in_any_case, begin, end),
        cmocka_unit_test_setup_teardown(a_body_is_held_to_the_checksums_of_its_headers, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
