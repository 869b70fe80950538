/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lists of objects and versions.  Expectations without another source are those of AWS as recorded
 * by LocalStack (tests/aws/services/s3/test_s3_list_operations.snapshot.json).
 */

#include "services/s3/s3_object_test.h"

/* --- what a list shows, in short ----------------------------------------------------------------
 */

/* "key key prefix/ >next marker", page by page as a client walks: " | " between pages. */
static const char *
listed(struct vg_service_fixture *f, const char *more)
{
    struct vg_buf b;
    struct vg_str marker = VG_STR("");
    struct vg_err err = { 0 };
    vg_buf_init(&b, f->arena, 1u << 20);
    for (;;) {
        struct s3_list_objects_output page = { 0 };
        struct vg_str answer = s3_test_call(
            f, "ListObjects", "{'Bucket':'bucket','Marker':'%" VG_FMT "'%s}", VG_ARG(marker), more);
        if (!vg_service_fixture_is_ok(answer))
            fail_msg("%" VG_FMT, VG_ARG(answer));
        assert_ok(vg_wire_from_json(&s3_shape_list_objects_output, answer, f->arena, &page, &err));
        for (size_t i = 0; i < page.contents.len; i++)
            vg_buf_addf(&b, "%" VG_FMT " ", VG_ARG(page.contents.items[i].key));
        for (size_t i = 0; i < page.common_prefixes.len; i++)
            vg_buf_addf(&b, "%" VG_FMT " ", VG_ARG(page.common_prefixes.items[i].prefix));
        if (!page.is_truncated.v)
            return vg_str_cstr(f->arena, vg_str_trim(vg_buf_str(&b)));
        marker = page.next_marker;
        if (!marker.ptr) /* without a delimiter: the last key */
            marker = page.contents.items[page.contents.len - 1].key;
        vg_buf_addf(&b, "| ");
    }
}

static void
put_all(struct vg_service_fixture *f, const char *keys)
{
    struct vg_str rest = vg_str_of(keys);
    while (rest.ptr)
        s3_test_put(f, vg_str_cstr(f->arena, vg_str_cut(&rest, ' ')));
}

/* --- ListObjects --------------------------------------------------------------------------------
 */

static void
keys_come_in_order_grouped_by_a_delimiter_of_any_length(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    put_all(&f, "a a/1 a/2 a0 b/x/1 b/y c<>1 c<>2 z");
    assert_string_equal(listed(&f, ""), "a a/1 a/2 a0 b/x/1 b/y c<>1 c<>2 z");
    assert_string_equal(listed(&f, ",'Delimiter':''"), "a a/1 a/2 a0 b/x/1 b/y c<>1 c<>2 z");
    assert_string_equal(listed(&f, ",'Delimiter':'/'"), "a a0 c<>1 c<>2 z a/ b/");
    assert_string_equal(listed(&f, ",'Delimiter':'<>'"), "a a/1 a/2 a0 b/x/1 b/y z c<>");
    assert_string_equal(listed(&f, ",'Prefix':'b/','Delimiter':'/'"), "b/y b/x/");
    assert_string_equal(listed(&f, ",'Prefix':'b','Delimiter':'/'"), "b/");
    assert_string_equal(listed(&f, ",'Prefix':'c<'"), "c<>1 c<>2");
    assert_string_equal(listed(&f, ",'Prefix':'zz'"), "");
    vg_service_fixture_fini(&f);
}

static void
pages_follow_each_other_without_gap_or_repetition(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    put_all(&f, "a a/1 a/2 a0 b/x/1 b/y z");
    assert_string_equal(listed(&f, ",'MaxKeys':3"), "a a/1 a/2 | a0 b/x/1 b/y | z");
    assert_string_equal(listed(&f, ",'MaxKeys':1,'Delimiter':'/'"), "a | a/ | a0 | b/ | z");
    assert_string_equal(listed(&f, ",'MaxKeys':2,'Delimiter':'/'"), "a a/ | a0 b/ | z");
    assert_string_equal(listed(&f, ",'MaxKeys':5,'Delimiter':'/'"), "a a0 z a/ b/");
    vg_service_fixture_fini(&f);
}

/* A marker inside a common prefix has shown it. */
static void
a_marker_inside_a_common_prefix_skips_all_of_it(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    put_all(&f, "folder/aSubfolder/subFile1 folder/aSubfolder/subFile2 folder/file1 folder/file2");
    vg_service_fixture_expect(
        &f, "ListObjectsV2",
        "{'Bucket':'bucket','Prefix':'folder/','Delimiter':'/','MaxKeys':0,"
        "'StartAfter':'folder/aSubfolder/subFile1'}",
        "{'IsTruncated':false,'Name':'bucket','Prefix':'folder/','Delimiter':'/','MaxKeys':0,"
        "'KeyCount':0,'StartAfter':'folder/aSubfolder/subFile1'}");
    vg_service_fixture_expect(
        &f, "ListObjectsV2",
        "{'Bucket':'bucket','Prefix':'folder/a','Delimiter':'/',"
        "'StartAfter':'folder/aSubfolder/subFile1'}",
        "{'IsTruncated':false,'Name':'bucket','Prefix':'folder/a','Delimiter':'/','MaxKeys':1000,"
        "'KeyCount':0,'StartAfter':'folder/aSubfolder/subFile1'}");
    assert_string_equal(listed(&f, ",'Prefix':'folder/','Delimiter':'/','MaxKeys':1"),
                        "folder/aSubfolder/ | folder/file1 | folder/file2");
    vg_service_fixture_fini(&f);
}

static void
a_list_says_again_what_it_was_asked(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    vg_service_fixture_expect(
        &f, "ListObjects", "{'Bucket':'bucket','Delimiter':''}",
        "{'IsTruncated':false,'Marker':'','Name':'bucket','Prefix':'','MaxKeys':1000}");
    vg_service_fixture_expect(&f, "ListObjects",
                              "{'Bucket':'bucket','Prefix':'a b','Marker':'a (','Delimiter':'%2F',"
                              "'EncodingType':'url','MaxKeys':5000}",
                              "{'IsTruncated':false,'Marker':'a+%28','Name':'bucket','Prefix':"
                              "'a+b','Delimiter':'%252F','MaxKeys':1000,'EncodingType':'url'}");
    vg_service_fixture_expect(&f, "ListObjectVersions", "{'Bucket':'bucket'}",
                              "{'IsTruncated':false,'KeyMarker':'','VersionIdMarker':'','Name':"
                              "'bucket','Prefix':'','MaxKeys':1000}");
    vg_service_fixture_fini(&f);
}

static void
an_object_is_shown_with_its_record(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_rec_checksum sum = { .algorithm = VG_STR("CRC32"), .type = VG_STR("FULL_OBJECT") };
    struct s3_list_objects_output v1 = { 0 };
    struct s3_list_objects_v2_output v2 = { 0 };
    s3_test_begin(&f);
    s3_test_put_version(
        &f, VG_STR("dir/a b"),
        (struct s3_rec_version) { .size = 11,
                                  .etag = VG_STR("0d9fa06a66933b40f615f530e59edd6b"),
                                  .storage_class = VG_STR("STANDARD_IA"),
                                  .checksum = &sum });
    assert_ok(vg_wire_from_json(
        &s3_shape_list_objects_output,
        vg_service_fixture_ok(&f, "ListObjects", "{'Bucket':'bucket','EncodingType':'url'}"),
        f.arena, &v1, &f.err));
    const struct s3_object *o = &v1.contents.items[0];
    assert_str(o->key, "dir/a+b");
    assert_str(o->e_tag, "\"0d9fa06a66933b40f615f530e59edd6b\"");
    assert_int_equal(o->size.v, 11);
    assert_str(o->storage_class.text, "STANDARD_IA");
    assert_int_equal(o->checksum_algorithm.len, 1);
    assert_str(o->checksum_algorithm.items[0].text, "CRC32");
    assert_str(o->checksum_type.text, "FULL_OBJECT");
    assert_int_equal(o->owner->id.len, 64);
    assert_ok(vg_wire_from_json(&s3_shape_list_objects_v2_output,
                                vg_service_fixture_ok(&f, "ListObjectsV2", "{'Bucket':'bucket'}"),
                                f.arena, &v2, &f.err));
    assert_str(v2.contents.items[0].key, "dir/a b");
    assert_null(v2.contents.items[0].owner);
    assert_ok(vg_wire_from_json(
        &s3_shape_list_objects_v2_output,
        vg_service_fixture_ok(&f, "ListObjectsV2", "{'Bucket':'bucket','FetchOwner':true}"),
        f.arena, &v2, &f.err));
    assert_non_null(v2.contents.items[0].owner);
    vg_service_fixture_fini(&f);
}

/* --- ListObjectsV2 ------------------------------------------------------------------------------
 */

static struct s3_list_objects_v2_output
page_v2(struct vg_service_fixture *f, const char *more, struct vg_str token)
{
    struct s3_list_objects_v2_output page = { 0 };
    struct vg_str answer =
        token.ptr ? s3_test_call(f, "ListObjectsV2",
                                 "{'Bucket':'bucket','ContinuationToken':'%" VG_FMT "'%s}",
                                 VG_ARG(token), more)
                  : s3_test_call(f, "ListObjectsV2", "{'Bucket':'bucket'%s}", more);
    if (!vg_service_fixture_is_ok(answer))
        fail_msg("%" VG_FMT, VG_ARG(answer));
    assert_ok(
        vg_wire_from_json(&s3_shape_list_objects_v2_output, answer, f->arena, &page, &f->err));
    return page;
}

static void
a_token_goes_on_and_comes_before_start_after(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    put_all(&f, "folder/aSub/1 folder/aSub/2 folder/file1 folder/file2");
    const char *more = ",'Prefix':'folder/','Delimiter':'/','MaxKeys':1,'StartAfter':'a'";
    struct s3_list_objects_v2_output p = page_v2(&f, more, VG_STR_NONE);
    assert_true(p.is_truncated.v);
    assert_int_equal(p.key_count.v, 1);
    assert_str(p.common_prefixes.items[0].prefix, "folder/aSub/");
    assert_str(p.start_after, "a");
    struct vg_str first = p.next_continuation_token;
    p = page_v2(&f, ",'Prefix':'folder/','Delimiter':'/','MaxKeys':1,'StartAfter':'z'", first);
    assert_str(p.contents.items[0].key, "folder/file1");
    assert_null(p.start_after.ptr);
    assert_true(vg_str_eq(p.continuation_token, first));
    p = page_v2(&f, more, p.next_continuation_token);
    assert_str(p.contents.items[0].key, "folder/file2");
    assert_false(p.is_truncated.v);
    assert_null(p.next_continuation_token.ptr);
    vg_service_fixture_fini(&f);
}

static void
a_token_of_another_making_is_refused(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    s3_test_begin(&f);
    put_all(&f, "a b");
    vg_service_fixture_ok(&f, "CreateBucket", "{'Bucket':'other'}");
    struct vg_str token = page_v2(&f, ",'MaxKeys':1", VG_STR_NONE).next_continuation_token;
    assert_non_null(token.ptr);
    vg_service_fixture_expect(&f, "ListObjectsV2", "{'Bucket':'bucket','ContinuationToken':''}",
                              "InvalidArgument: The continuation token provided is incorrect "
                              "{'ArgumentName':'continuation-token'}");
    vg_service_fixture_expect(&f, "ListObjectsV2", "{'Bucket':'bucket','ContinuationToken':'AAAA'}",
                              "InvalidArgument: The continuation token provided is incorrect "
                              "{'ArgumentName':'continuation-token','ArgumentValue':'AAAA'}");
    assert_true(vg_str_starts(s3_test_call(&f, "ListObjectsV2",
                                           "{'Bucket':'other','ContinuationToken':'%" VG_FMT "'}",
                                           VG_ARG(token)),
                              VG_STR("InvalidArgument: The continuation token provided")));
    vg_service_fixture_fini(&f);
}

/* Measured on AWS (ListObjectVersions; a recorded run of 2026-03-25): the number is looked at
 * first, then the markers, then the encoding, then the form of the id. */
static void
bad_arguments_are_named_in_the_order_of_aws(void **state)
{
    (void)state;
    static const struct {
        const char *op, *json, *want;
    } all[] = {
        { "ListObjects", "'MaxKeys':-1",
          "InvalidArgument: Argument maxKeys must be an integer between 0 and 2147483647 "
          "{'ArgumentName':'maxKeys','ArgumentValue':'-1'}" },
        { "ListObjectVersions", "'MaxKeys':-2,'VersionIdMarker':'x','EncodingType':'invalid'",
          "InvalidArgument: Argument maxKeys must be an integer between 0 and 2147483647 "
          "{'ArgumentName':'maxKeys','ArgumentValue':'-2'}" },
        { "ListObjectsV2", "'EncodingType':'invalid'",
          "InvalidArgument: Invalid Encoding Method specified in Request "
          "{'ArgumentName':'encoding-type','ArgumentValue':'invalid'}" },
        { "ListObjectVersions", "'VersionIdMarker':'bad-vid','EncodingType':'invalid'",
          "InvalidArgument: A version-id marker cannot be specified without a key marker. "
          "{'ArgumentName':'version-id-marker','ArgumentValue':'bad-vid'}" },
        { "ListObjectVersions", "'VersionIdMarker':''",
          "InvalidArgument: A version-id marker cannot be specified without a key marker. "
          "{'ArgumentName':'version-id-marker','ArgumentValue':''}" },
        { "ListObjectVersions", "'KeyMarker':'k','VersionIdMarker':'','EncodingType':'invalid'",
          "InvalidArgument: A version-id marker cannot be empty. "
          "{'ArgumentName':'version-id-marker','ArgumentValue':''}" },
        { "ListObjectVersions", "'KeyMarker':'k','VersionIdMarker':'bad-vid'",
          "InvalidArgument: Invalid version id specified "
          "{'ArgumentName':'version-id-marker','ArgumentValue':'bad-vid'}" },
    };
    struct vg_service_fixture f;
    s3_test_begin(&f);
    for (size_t i = 0; i < VG_COUNT(all); i++)
        s3_test_expect(&f, s3_test_call(&f, all[i].op, "{'Bucket':'bucket',%s}", all[i].json),
                       all[i].want);
    vg_service_fixture_expect(
        &f, "ListObjects", "{'Bucket':'nobody'}",
        "NoSuchBucket: The specified bucket does not exist {'BucketName':'nobody'}");
    vg_service_fixture_expect(&f, "ListObjectsV2",
                              "{'Bucket':'bucket','ExpectedBucketOwner':'111122223333'}",
                              "AccessDenied: Access Denied");
    vg_service_fixture_fini(&f);
}

/* --- ListObjectVersions -------------------------------------------------------------------------
 */

/* A page as "*key:n" (n: 1 for the first version that was written, "-n" a marker), its prefixes,
 * and ">" when there is more; *ret_next are the markers for the next. */
struct markers {
    struct vg_str key, id;
};

static const char *
versions(struct vg_service_fixture *f, const char *more, struct markers *at)
{
    struct s3_list_object_versions_output p = { 0 };
    struct vg_buf b;
    struct vg_str id =
        at->id.ptr ? vg_str_fmt(f->arena, ",'VersionIdMarker':'%" VG_FMT "'", VG_ARG(at->id))
                   : VG_STR("");
    struct vg_str answer = s3_test_call(
        f, "ListObjectVersions", "{'Bucket':'bucket','KeyMarker':'%" VG_FMT "'%" VG_FMT "%s}",
        VG_ARG(at->key), VG_ARG(id), more);
    if (!vg_service_fixture_is_ok(answer))
        fail_msg("%" VG_FMT, VG_ARG(answer));
    assert_ok(
        vg_wire_from_json(&s3_shape_list_object_versions_output, answer, f->arena, &p, &f->err));
    vg_buf_init(&b, f->arena, 1u << 20);
    for (size_t i = 0; i < p.versions.len; i++)
        vg_buf_addf(&b, "%s%" VG_FMT ":%" VG_FMT " ", p.versions.items[i].is_latest.v ? "*" : "",
                    VG_ARG(p.versions.items[i].key), VG_ARG(p.versions.items[i].e_tag));
    for (size_t i = 0; i < p.delete_markers.len; i++)
        vg_buf_addf(&b, "%s%" VG_FMT ":- ", p.delete_markers.items[i].is_latest.v ? "*" : "",
                    VG_ARG(p.delete_markers.items[i].key));
    for (size_t i = 0; i < p.common_prefixes.len; i++)
        vg_buf_addf(&b, "%" VG_FMT " ", VG_ARG(p.common_prefixes.items[i].prefix));
    if (p.is_truncated.v)
        vg_buf_addf(&b, ">");
    *at = (struct markers) { p.next_key_marker, p.next_version_id_marker };
    return vg_str_cstr(f->arena, vg_str_trim(vg_buf_str(&b)));
}

static struct vg_str
put_tagged(struct vg_service_fixture *f, const char *key, const char *etag)
{
    return s3_test_put_version(f, vg_str_of(key),
                               (struct s3_rec_version) { .etag = vg_str_of(etag) });
}

static void
begin_versioned(struct vg_service_fixture *f)
{
    s3_test_begin(f);
    s3_test_bucket(f, VG_STR("Enabled"), false, VG_STR_NONE);
}

static void
versions_come_latest_first_and_markers_apart(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct markers at = { VG_STR(""), VG_STR_NONE };
    begin_versioned(&f);
    put_tagged(&f, "a", "1");
    put_tagged(&f, "a", "2");
    s3_test_put_version(&f, VG_STR("a"), (struct s3_rec_version) { .is_marker = true });
    put_tagged(&f, "b/x", "3");
    put_tagged(&f, "b/y", "4");
    put_tagged(&f, "c", "5");
    assert_string_equal(versions(&f, "", &at),
                        "a:\"2\" a:\"1\" *b/x:\"3\" *b/y:\"4\" *c:\"5\" *a:-");
    at = (struct markers) { VG_STR(""), VG_STR_NONE };
    assert_string_equal(versions(&f, ",'MaxKeys':2,'Delimiter':'/'", &at), "a:\"2\" *a:- >");
    assert_string_equal(versions(&f, ",'MaxKeys':2,'Delimiter':'/'", &at), "a:\"1\" b/ >");
    assert_str(at.key, "b/");
    assert_null(at.id.ptr);
    assert_string_equal(versions(&f, ",'MaxKeys':2,'Delimiter':'/'", &at), "*c:\"5\"");
    /* without an id a key's versions are left behind */
    at = (struct markers) { VG_STR("a"), VG_STR_NONE };
    assert_string_equal(versions(&f, ",'Prefix':'b/','MaxKeys':1", &at), "*b/x:\"3\" >");
    at = (struct markers) { VG_STR("b/x"), VG_STR_NONE };
    assert_string_equal(versions(&f, ",'Delimiter':'/'", &at), "*c:\"5\"");
    vg_service_fixture_fini(&f);
}

static void
remove_version(struct vg_service_fixture *f, const char *key, struct vg_str id)
{
    struct s3_test_req t;
    struct s3_object_edit e;
    struct s3_rec_bucket *bucket;
    struct s3_rec_version *v;
    assert_ok(s3_store_bucket(s3_test_req(f, &t), VG_STR("bucket"), &bucket));
    assert_ok(s3_store_edit_object(&t.rq, bucket, vg_str_of(key), &e));
    assert_ok(s3_store_edit_version(&e, id, &v));
    assert_non_null(v);
    assert_ok(s3_store_del_version(&e, v));
    assert_ok(s3_store_object_commit(&e));
}

/* As who empties a bucket does, page by page. */
static void
a_list_goes_on_although_its_marker_was_deleted(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct markers at = { VG_STR(""), VG_STR_NONE };
    begin_versioned(&f);
    put_tagged(&f, "prefixed_key", "1");
    put_tagged(&f, "prefixed_key", "2");
    struct vg_str third = put_tagged(&f, "prefixed_key", "3");
    struct vg_str fourth = put_tagged(&f, "prefixed_key", "4");
    assert_string_equal(versions(&f, ",'Prefix':'prefix','MaxKeys':2", &at),
                        "*prefixed_key:\"4\" prefixed_key:\"3\" >");
    assert_true(vg_str_eq(at.id, third));
    remove_version(&f, "prefixed_key", fourth);
    remove_version(&f, "prefixed_key", third);
    assert_string_equal(versions(&f, ",'Prefix':'prefix','MaxKeys':5", &at),
                        "*prefixed_key:\"2\" prefixed_key:\"1\"");
    vg_service_fixture_fini(&f);
}

/* --- what it costs ------------------------------------------------------------------------------
 */

/* One transaction of many keys under a prefix: "prefix/000000" … */
static void
put_many(struct vg_service_fixture *f, const char *prefix, int n)
{
    struct s3_test_req t;
    struct s3_object_edit e;
    struct s3_rec_bucket *bucket;
    assert_ok(s3_store_bucket(s3_test_req(f, &t), VG_STR("bucket"), &bucket));
    for (int i = 0; i < n; i++) {
        struct vg_str key = vg_str_fmt(f->arena, "%s/%06d", prefix, i);
        struct s3_rec_version v = { .etag = VG_STR("e") };
        if (i == 0)
            assert_ok(s3_store_edit_object(&t.rq, bucket, key, &e));
        else
            assert_ok(s3_store_edit_key(&e, key));
        assert_ok(s3_store_add_version(&e, &v, VG_STR_NONE));
    }
    assert_ok(s3_store_object_commit(&e));
}

/* Issue 3: "A bucket of ten million keys lists a page as fast as one of a thousand." */
static void
a_page_costs_the_same_whatever_lies_below_a_prefix(void **state)
{
    (void)state;
    static const char *const calls[] = {
        "{'Bucket':'bucket','Delimiter':'/'}",
        "{'Bucket':'bucket','Delimiter':'/','MaxKeys':2}",
        "{'Bucket':'bucket','MaxKeys':10}",
        "{'Bucket':'bucket','Prefix':'b/','MaxKeys':10}",
    };
    static const int sizes[] = { 100, 4000 };
    static const char *const ops[] = { "ListObjects", "ListObjectsV2", "ListObjectVersions" };
    for (size_t o = 0; o < VG_COUNT(ops); o++) {
        uint32_t reads[VG_COUNT(sizes)][VG_COUNT(calls)];
        size_t bytes[VG_COUNT(sizes)][VG_COUNT(calls)];
        for (size_t s = 0; s < VG_COUNT(sizes); s++) {
            struct vg_service_fixture f;
            s3_test_begin(&f);
            put_many(&f, "a", sizes[s]);
            put_many(&f, "b", sizes[s]);
            put_many(&f, "c", sizes[s]);
            for (size_t i = 0; i < VG_COUNT(calls); i++) {
                vg_service_fixture_ok(&f, ops[o], calls[i]);
                reads[s][i] = f.n_reads;
                bytes[s][i] = f.arena_bytes;
            }
            vg_service_fixture_fini(&f);
        }
        for (size_t i = 0; i < VG_COUNT(calls); i++) {
            assert_int_equal(reads[0][i], reads[1][i]);
            assert_int_equal(bytes[0][i], bytes[1][i]);
            assert_true(reads[0][i] <= (o == 2 ? 9 : 5));
        }
    }
}

static void
prepare(struct vg_service_fixture *f)
{
    s3_test_prepare(f);
    s3_test_bucket(f, VG_STR("Enabled"), false, VG_STR_NONE);
    put_all(f, "a a a/1 a/2 b");
}

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    static const char *const ops[] = { "ListObjects", "ListObjectsV2", "ListObjectVersions" };
    for (size_t i = 0; i < VG_COUNT(ops); i++)
        vg_service_fixture_fail_each(&s3_service, prepare, ops[i],
                                     "{'Bucket':'bucket','Delimiter':'/','MaxKeys':1}");
    vg_service_fixture_fail_each(&s3_service, prepare, "ListObjectVersions",
                                 "{'Bucket':'bucket','KeyMarker':'a','VersionIdMarker':'null'}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_in_order_grouped_by_a_delimiter_of_any_length),
        cmocka_unit_test(pages_follow_each_other_without_gap_or_repetition),
        cmocka_unit_test(a_marker_inside_a_common_prefix_skips_all_of_it),
        cmocka_unit_test(a_list_says_again_what_it_was_asked),
        cmocka_unit_test(an_object_is_shown_with_its_record),
        cmocka_unit_test(a_token_goes_on_and_comes_before_start_after),
        cmocka_unit_test(a_token_of_another_making_is_refused),
        cmocka_unit_test(bad_arguments_are_named_in_the_order_of_aws),
        cmocka_unit_test(versions_come_latest_first_and_markers_apart),
        cmocka_unit_test(a_list_goes_on_although_its_marker_was_deleted),
        cmocka_unit_test(a_page_costs_the_same_whatever_lies_below_a_prefix),
        cmocka_unit_test(every_operation_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
