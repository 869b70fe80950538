/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What chooses an operation by the query, and what is refused rather than taken for another one:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */

#include "core/service_test.h"

#include "services/s3/s3_http.h"
#include "services/s3/s3_int.h"

/* One that were missing would be stored or deleted as an object. */
static void
every_selector_of_the_model_is_known(void **state)
{
    (void)state;
    size_t n = 0;
    for (const struct vg_op *const *op = s3_ops; *op; op++) {
        if (!(*op)->http)
            continue;
        struct vg_str rest = (*op)->http->uri;
        vg_str_cut(&rest, '?');
        struct vg_str name = rest.ptr ? vg_str_cut(&rest, '&') : VG_STR_NONE;
        if (!name.ptr || vg_str_find_char(name, '=') != VG_NPOS) /* list-type=2 */
            continue;
        n++;
        if (!s3_is_selector(name))
            fail_msg("%" VG_FMT " chooses an operation", VG_ARG(name));
    }
    assert_true(n > 50);
    assert_false(s3_is_selector(VG_STR("Acl")));
    assert_false(s3_is_selector(VG_STR("list-type")));
    assert_false(s3_is_selector(VG_STR("")));
}

static void
places_are_decoded(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    static const struct {
        const char *path, *bucket, *key;
    } all[] = {
        { "/", "", "" },
        { "", "", "" },
        { "/bucket", "bucket", "" },
        { "/bucket/", "bucket", "" },
        { "/bucket/a/b", "bucket", "a/b" },
        { "/bucket//a", "bucket", "/a" },
        { "/buck%65t/%2Fa+b%20c", "bucket", "/a+b c" },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        const struct s3_place at = s3_place_of(arena, vg_str_of(all[i].path));
        assert_true(vg_str_eq(at.bucket, vg_str_of(all[i].bucket)));
        assert_true(vg_str_eq(at.key, vg_str_of(all[i].key)));
    }
}

static struct vg_str
no_header(void *of, struct vg_str name)
{
    (void)of;
    (void)name;
    return VG_STR_NONE;
}

static void
queries_that_mean_something_else_are_refused(void **state)
{
    (void)state;
    static const struct {
        const struct vg_op *op;
        const char *method, *path, *query;
        const char *want;  /* "" or what the error begins with */
        const char *allow; /* NULL: none */
    } all[] = {
        { &s3_op_put_object, "PUT", "/b/k", "", "", NULL },
        { &s3_op_put_object, "PUT", "/b/k", "foo&x-id=PutObject&Acl", "", NULL },
        { &s3_op_put_object_acl, "PUT", "/b/k", "acl", "", NULL },
        { &s3_op_put_object_acl, "PUT", "/b/k", "acl=x&versionId=1", "", NULL },
        { &s3_op_list_objects_v2, "GET", "/b", "list-type=2&prefix=acl", "", NULL },
        { &s3_op_list_objects, "GET", "/b", "list-type=3&marker=a", "", NULL },
        { &s3_op_list_objects, "GET", "/b", "list-type=3&start-after=&continuation-token=a",
          "InvalidArgument continuation-token only supported in REST.GET.BUCKET with list-type=2",
          NULL },
        { &s3_op_list_objects, "GET", "/b", "start-after=",
          "InvalidArgument startAfter only supported in REST.GET.BUCKET with list-type=2", NULL },
        { &s3_op_list_objects_v2, "GET", "/b", "list-type=2&marker=a",
          "InvalidArgument Marker unsupported with REST.GET.BUCKET in list-type=2", NULL },
        { &s3_op_put_object, "PUT", "/b/k", "uploads", "MethodNotAllowed PUT UPLOADS", "POST" },
        { &s3_op_put_object, "PUT", "/b/k", "a&torrent=1", "MethodNotAllowed PUT TORRENT", "GET" },
        { &s3_op_put_object, "PUT", "/b/k", "metrics", "MethodNotAllowed PUT METRICS", NULL },
        { &s3_op_delete_object, "DELETE", "/b/k", "acl", "MethodNotAllowed DELETE ACL",
          "GET, PUT" },
        { &s3_op_delete_bucket, "DELETE", "/b", "versioning", "MethodNotAllowed DELETE VERSIONING",
          "GET, PUT" },
        { &s3_op_head_bucket, "HEAD", "/b", "acl", "MethodNotAllowed HEAD ACL", "GET, PUT" },
        { &s3_op_get_object, "GET", "/b/k", "metrics", "", NULL }, /* of a bucket only */
        { &s3_op_get_object, "GET", "/b/k", "versions",
          "InvalidRequest There is no such thing as the ?versions sub-resource for a key", NULL },
        { &s3_op_get_bucket_acl, "GET", "/b", "versioning&acl",
          "InvalidArgument Conflicting query string parameters: acl, versioning", NULL },
        { &s3_op_complete_multipart_upload, "POST", "/b/k", "uploadId=1", "", NULL },
        { &s3_op_complete_multipart_upload, "POST", "/b/k", "foo", "MethodNotAllowed POST OBJECT",
          "HEAD, DELETE, POST, GET, PUT" },
        { &s3_op_get_object_torrent, "GET", "/b/k", "torrent",
          "NotImplemented The operation s3:GetObjectTorrent is not built", NULL },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
        struct vg_err err = { 0 };
        struct vg_reply reply = { 0 };
        struct vg_req rq = { .arena = arena, .op = all[i].op, .err = &err, .reply = &reply };
        const struct vg_http_head head = { .method = vg_str_of(all[i].method),
                                           .path = vg_str_of(all[i].path),
                                           .query = vg_str_of(all[i].query),
                                           .header = no_header };
        struct vg_str got = VG_STR("");
        if (s3_check_head(&rq, &head) != VG_OK && err.def == &s3_err_method_not_allowed) {
            const struct s3_method_not_allowed *d = err.detail;
            got = vg_str_fmt(arena, "MethodNotAllowed %" VG_FMT " %" VG_FMT, VG_ARG(d->method),
                             VG_ARG(d->resource_type));
        } else if (err.def) {
            got = vg_str_fmt(arena, "%" VG_FMT " %" VG_FMT, VG_ARG(err.def->code),
                             VG_ARG(vg_err_text(&err)));
        }
        bool is_it = all[i].want[0] ? vg_str_starts(got, vg_str_of(all[i].want)) : got.len == 0;
        if (!is_it)
            fail_msg("%s ?%s: got %" VG_FMT, all[i].method, all[i].query, VG_ARG(got));
        assert_int_equal(reply.headers.len, all[i].allow ? 1 : 0);
        if (all[i].allow)
            assert_true(vg_str_eq(reply.headers.items[0].value, vg_str_of(all[i].allow)));
    }
}

static struct vg_str
encryption_header(void *of, struct vg_str name)
{
    (void)of;
    return vg_str_eq(name, VG_STR("x-amz-server-side-encryption")) ? VG_STR("AES256") : VG_STR_NONE;
}

/* "Encryption request headers … should not be sent for the GetObject requests":
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
static void
reads_ask_for_no_encryption(void **state)
{
    (void)state;
    static const struct {
        const struct vg_op *op;
        bool is_refused;
    } all[] = { { &s3_op_get_object, true },
                { &s3_op_head_object, true },
                { &s3_op_put_object, false },
                { &s3_op_get_object_acl, false } };
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
        struct vg_err err = { 0 };
        struct vg_reply reply = { 0 };
        struct vg_req rq = { .arena = arena, .op = all[i].op, .err = &err, .reply = &reply };
        const struct vg_http_head head = { .method = VG_STR("GET"),
                                           .path = VG_STR("/bucket/k"),
                                           .query = VG_STR(""),
                                           .header = encryption_header };
        vg_rc rc = s3_check_head(&rq, &head);
        assert_int_equal(rc, all[i].is_refused ? VG_FAIL : VG_OK);
        if (rc == VG_FAIL)
            assert_ptr_equal(err.def, &s3_err_invalid_argument);
    }
}

static void
signed_urls_carry_some_headers(void **state)
{
    (void)state;
    static const struct vg_http_header sent[] = {
        { VG_STR_INIT("X-Amz-Meta-Sent"), VG_STR_INIT("header") },
    };
    static const struct {
        const char *query, *want; /* headers, or the error's code */
    } all[] = {
        { "", "X-Amz-Meta-Sent=header" },
        { "x-amz-tagging=a%3Db&x-amz-checksum-crc32=AAAAAA==&list-type=2",
          "X-Amz-Meta-Sent=header" },
        { "X-Amz-Request-Payer=requester", "x-amz-request-payer=requester X-Amz-Meta-Sent=header" },
        { "x-amz-request-payer", "x-amz-request-payer= X-Amz-Meta-Sent=header" },
        { "x-amz-meta-sent=query&x-amz-meta-A=b%2Bc+d",
          "x-amz-meta-a=b+c d X-Amz-Meta-Sent=header" },
        { "x-amz-meta-a=%C3%BC", "x-amz-meta-a==?UTF-8?B?w7w=?= X-Amz-Meta-Sent=header" },
        { "x-amz-request-payer=a%0D%0Ab", "InvalidArgument" },
        { "x-amz-meta-a%0Ab=c", "InvalidArgument" },
    };
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
        struct vg_err err = { 0 };
        struct vg_req rq = { .arena = arena, .err = &err };
        struct vg_wire_in in = { .query = vg_str_of(all[i].query),
                                 .headers = sent,
                                 .n_headers = VG_COUNT(sent) };
        struct vg_buf b;
        vg_buf_init(&b, arena, 1000);
        if (s3_add_headers(&rq, &in) != VG_OK)
            vg_buf_adds(&b, err.def->code);
        for (size_t k = 0; !err.def && k < in.n_headers; k++)
            vg_buf_addf(&b, "%s%" VG_FMT "=%" VG_FMT, k ? " " : "", VG_ARG(in.headers[k].name),
                        VG_ARG(in.headers[k].value));
        if (!vg_str_eq(vg_buf_str(&b), vg_str_of(all[i].want)))
            fail_msg("%s: got %" VG_FMT, all[i].query, VG_ARG(vg_buf_str(&b)));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_selector_of_the_model_is_known),
        cmocka_unit_test(places_are_decoded),
        cmocka_unit_test(queries_that_mean_something_else_are_refused),
        cmocka_unit_test(reads_ask_for_no_encryption),
        cmocka_unit_test(signed_urls_carry_some_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
