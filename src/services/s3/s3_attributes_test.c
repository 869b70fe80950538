/* SPDX-License-Identifier: Apache-2.0 */

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html */

#include "services/s3/s3_object_test.h"

#define ALL "'ObjectAttributes':['ETag','Checksum','ObjectParts','StorageClass','ObjectSize']"

static struct s3_get_object_attributes_output
attributes(struct vg_service_fixture *f, const char *more)
{
    struct s3_get_object_attributes_output out = { 0 };
    struct vg_str answer =
        s3_test_call(f, "GetObjectAttributes", "{'Bucket':'bucket','Key':'a',%s}", more);
    if (!vg_service_fixture_is_ok(answer))
        fail_msg("%" VG_FMT, VG_ARG(answer));
    assert_ok(
        vg_wire_from_json(&s3_shape_get_object_attributes_output, answer, f->arena, &out, &f->err));
    return out;
}

static void
what_is_asked_for_is_shown(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_rec_checksum sum = { .algorithm = VG_STR("CRC64NVME"),
                                   .value = VG_STR("AAAAAAAAAAA="),
                                   .type = VG_STR("FULL_OBJECT") };
    s3_test_begin(&f);
    s3_test_put_version(
        &f, VG_STR("a"),
        (struct s3_rec_version) { .size = 11, .etag = VG_STR("abc"), .checksum = &sum });
    struct s3_get_object_attributes_output out = attributes(&f, ALL);
    assert_str(out.e_tag, "abc");
    assert_str(out.checksum->checksum_crc64_nvme, "AAAAAAAAAAA=");
    assert_str(out.checksum->checksum_type.text, "FULL_OBJECT");
    assert_null(out.checksum->checksum_crc32.ptr);
    assert_null(out.object_parts);
    assert_str(out.storage_class.text, "STANDARD");
    assert_int_equal(out.object_size.v, 11);
    assert_true(out.last_modified_ms.set);
    assert_null(out.version_id.ptr);
    out = attributes(&f, "'ObjectAttributes':['ObjectSize']");
    assert_int_equal(out.object_size.v, 11);
    assert_null(out.e_tag.ptr);
    assert_null(out.checksum);
    assert_null(out.storage_class.text.ptr);
    vg_service_fixture_fini(&f);
}

static void
put_parts(struct vg_service_fixture *f, const char *type)
{
    struct s3_rec_checksum sum = { .algorithm = VG_STR("SHA256"),
                                   .value = VG_STR("d2hvbGU=-3"),
                                   .type = vg_str_of(type) };
    struct s3_rec_checksum of_part = { .algorithm = VG_STR("SHA256"), .value = VG_STR("cGFydA==") };
    struct s3_rec_version v = { .size = 30, .etag = VG_STR("abc-3"), .checksum = &sum };
    for (uint32_t i = 1; i <= 3; i++)
        *VG_VEC_ADD(f->arena, &v.parts) =
            (struct s3_rec_part) { .number = 2 * i, .size = 10, .checksum = &of_part };
    s3_test_put_version(f, VG_STR("a"), v);
}

static void
parts_are_listed_where_they_have_checksums(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    put_parts(&f, "COMPOSITE");
    struct s3_get_object_attributes_output out = attributes(&f, ALL);
    assert_str(out.checksum->checksum_sha256, "d2hvbGU=");
    assert_int_equal(out.object_parts->total_parts_count.v, 3);
    assert_int_equal(out.object_parts->parts.len, 3);
    assert_false(out.object_parts->is_truncated.v);
    assert_int_equal(out.object_parts->next_part_number_marker.v, 6);
    out = attributes(&f, ALL ",'MaxParts':1,'PartNumberMarker':2");
    assert_int_equal(out.object_parts->parts.len, 1);
    assert_int_equal(out.object_parts->parts.items[0].part_number.v, 4);
    assert_str(out.object_parts->parts.items[0].checksum_sha256, "cGFydA==");
    assert_true(out.object_parts->is_truncated.v);
    assert_int_equal(out.object_parts->next_part_number_marker.v, 4);
    out = attributes(&f, ALL ",'PartNumberMarker':4");
    assert_int_equal(out.object_parts->parts.len, 1);
    assert_false(out.object_parts->is_truncated.v);
    put_parts(&f, "FULL_OBJECT");
    out = attributes(&f, ALL);
    assert_int_equal(out.object_parts->total_parts_count.v, 3);
    assert_false(out.object_parts->is_truncated.set);
    assert_int_equal(out.object_parts->parts.len, 0);
    vg_service_fixture_fini(&f);
}

static void
bad_requests_are_refused(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_put(&f, "a");
    vg_service_fixture_expect(&f, "GetObjectAttributes", "{'Bucket':'bucket','Key':'a'}",
                              "InvalidRequest: The x-amz-object-attributes header specifying the "
                              "attributes to be retrieved is either missing or empty");
    vg_service_fixture_expect(&f, "GetObjectAttributes",
                              "{'Bucket':'bucket','Key':'a','ObjectAttributes':['Size']}",
                              "InvalidArgument: Invalid attribute name specified. "
                              "{'ArgumentName':'x-amz-object-attributes','ArgumentValue':'Size'}");
    vg_service_fixture_expect(
        &f, "GetObjectAttributes", "{'Bucket':'bucket','Key':'a'," ALL ",'MaxParts':-1}",
        "InvalidArgument: Argument max-parts must be an integer between 0 and 2147483647 "
        "{'ArgumentName':'max-parts','ArgumentValue':'-1'}");
    vg_service_fixture_expect(&f, "GetObjectAttributes", "{'Bucket':'bucket','Key':'none'," ALL "}",
                              "NoSuchKey: The specified key does not exist. {'Key':'none'}");
    vg_service_fixture_fini(&f);
}

static void
prepare(struct vg_service_fixture *f)
{
    s3_test_prepare(f);
    s3_test_put(f, "a");
}

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    vg_service_fixture_fail_each(&s3_service, prepare, "GetObjectAttributes",
                                 "{'Bucket':'bucket','Key':'a'," ALL "}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_for_is_shown),
        cmocka_unit_test(parts_are_listed_where_they_have_checksums),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(every_operation_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
