/* SPDX-License-Identifier: Apache-2.0 */
/* rest-xml over S3's own model; its routes are tested by tests/conformance/protocols/s3_routes.py.
 */

#include "base/test.h"
#include "wire/s3/errors.h"
#include "wire/s3/model.h"
#include "wire/s3/ops.h"

static const struct vg_wire_op *
find_op(const char *name)
{
    for (size_t i = 0; i < s3_n_wire_ops; i++)
        if (vg_str_eq(s3_wire_ops[i].name, vg_str_of(name)))
            return &s3_wire_ops[i];
    fail_msg("no operation %s", name);
    return NULL;
}

static void *
decode(struct vg_arena *a, const char *name, struct vg_wire_in *in)
{
    const struct vg_wire_op *op = find_op(name);
    struct vg_err err = { 0 };
    void *to = vg_arena_alloc(a, op->in->size);
    if (vg_wire_decode(op, in, a, to, &err) != VG_OK)
        fail_msg("%" VG_FMT, VG_ARG(vg_err_text(&err)));
    return to;
}

static struct vg_wire_out
encode(struct vg_arena *a, const char *name, const void *value)
{
    struct vg_wire_out out;
    vg_wire_encode(find_op(name), value, VG_STR("id-1"), a, &out);
    return out;
}

static struct vg_str
header(const struct vg_wire_out *out, const char *name)
{
    for (size_t i = 0; i < out->headers.len; i++)
        if (vg_str_eq_nocase(out->headers.items[i].name, vg_str_of(name)))
            return out->headers.items[i].value;
    return VG_STR_NONE;
}

#define HOST_ID     "62bGI1cviipRZ84Bfe4FQcyOkBsPM0vq8mZb3poO1xFpZC0x" /* of "id-1" */
#define IDS         "<RequestId>id-1</RequestId><HostId>" HOST_ID "</HostId>"
#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define S3_NS       " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
static void
flattened_lists_of_a_payload_are_read(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_wire_in in = {
        .body = VG_STR("<Delete xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>"
                       "<Object><Key>a &lt; b </Key></Object><Quiet> true </Quiet>"
                       "<Object><Key/><VersionId>3</VersionId></Object><Unknown/></Delete>"),
    };
    const struct wires3_delete_objects_request *rq = decode(a, "DeleteObjects", &in);
    assert_int_equal(rq->delete->objects.len, 2);
    assert_str(rq->delete->objects.items[0].key, "a < b ");
    assert_str(rq->delete->objects.items[1].key, "");
    assert_str(rq->delete->objects.items[1].version_id, "3");
    assert_true(rq->delete->quiet.set && rq->delete->quiet.v);
}

static void
grantees_have_their_type_in_an_attribute(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_wire_in in = {
        .body = VG_STR("<AccessControlPolicy><AccessControlList><Grant><Grantee "
                       "xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:type='Group'>"
                       "<URI>u</URI></Grantee><Permission>READ</Permission></Grant>"
                       "</AccessControlList><Owner><ID>o</ID></Owner></AccessControlPolicy>"),
    };
    const struct wires3_put_bucket_acl_request *rq = decode(a, "PutBucketAcl", &in);
    const struct wires3_grant *grant = &rq->access_control_policy->grants.items[0];
    assert_int_equal(grant->grantee->type.v, WIRES3_TYPE_GROUP);
    assert_str(grant->grantee->uri, "u");

    struct wires3_get_bucket_acl_output value = {
        .owner = rq->access_control_policy->owner,
        .grants = rq->access_control_policy->grants,
    };
    struct vg_wire_out out = encode(a, "GetBucketAcl", &value);
    assert_str(vg_buf_str(&out.body),
               DECLARATION "<AccessControlPolicy" S3_NS "><Owner><ID>o</ID></Owner>"
                           "<AccessControlList><Grant><Grantee xmlns:xsi=\""
                           "http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\">"
                           "<URI>u</URI></Grantee><Permission>READ</Permission></Grant>"
                           "</AccessControlList></AccessControlPolicy>");
    assert_str(header(&out, "content-type"), "application/xml");
    assert_str(header(&out, "x-amz-request-id"), "id-1");
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
static void
times_have_three_decimals(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct wires3_object object = {
        .key = VG_STR("k\r"),
        .last_modified_ms = { true, 1255369830000 },
        .e_tag = VG_STR("\"5d\""),
        .size = { true, 3 },
    };
    struct wires3_list_objects_v2_output value = { .contents = { &object, 1, true },
                                                   .is_truncated = { true, false } };
    struct vg_wire_out out = encode(a, "ListObjectsV2", &value);
    assert_str(vg_buf_str(&out.body),
               DECLARATION "<ListBucketResult" S3_NS "><IsTruncated>false</IsTruncated><Contents>"
                           "<Key>k&#xD;</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified>"
                           "<ETag>&quot;5d&quot;</ETag><Size>3</Size></Contents>"
                           "</ListBucketResult>");
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html */
static void
a_location_is_its_own_root(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct wires3_get_bucket_location_output value = { 0 };
    struct vg_wire_out out = encode(a, "GetBucketLocation", &value);
    assert_str(vg_buf_str(&out.body),
               DECLARATION "<LocationConstraint" S3_NS "></LocationConstraint>");
    value.location_constraint.text = VG_STR("eu-west-1");
    out = encode(a, "GetBucketLocation", &value);
    assert_str(vg_buf_str(&out.body),
               DECLARATION "<LocationConstraint" S3_NS ">eu-west-1</LocationConstraint>");
}

static void
payloads_are_roots_of_their_own_name(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct wires3_object_lock_legal_hold hold = { .status.text = VG_STR("ON") };
    struct wires3_get_object_legal_hold_output value = { .legal_hold = &hold };
    struct vg_wire_out out = encode(a, "GetObjectLegalHold", &value);
    assert_str(vg_buf_str(&out.body),
               DECLARATION "<LegalHold" S3_NS "><Status>ON</Status></LegalHold>");
    struct wires3_copy_object_result copied = { .e_tag = VG_STR("\"e\"") };
    struct wires3_copy_object_output copy = { .copy_object_result = &copied,
                                              .version_id = VG_STR("v") };
    out = encode(a, "CopyObject", &copy);
    assert_str(vg_buf_str(&out.body), DECLARATION "<CopyObjectResult" S3_NS
                                                  "><ETag>&quot;e&quot;</ETag></CopyObjectResult>");
    assert_str(header(&out, "x-amz-version-id"), "v");
    struct wires3_get_bucket_policy_output policy = { .policy = VG_STR("{}") };
    out = encode(a, "GetBucketPolicy", &policy);
    assert_str(vg_buf_str(&out.body), "{}");
}

static void
what_has_no_members_in_the_body_has_none(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct wires3_put_object_output put = { .e_tag = VG_STR("\"e\"") };
    struct vg_wire_out out = encode(a, "PutObject", &put);
    assert_int_equal(vg_buf_str(&out.body).len, 0);
    assert_str(header(&out, "etag"), "\"e\"");
    assert_null(header(&out, "content-type").ptr);
    struct wires3_head_object_output head = { .content_length = { true, 5 },
                                              .last_modified_ms = { true, 1255369830000 } };
    out = encode(a, "HeadObject", &head);
    assert_int_equal(vg_buf_str(&out.body).len, 0);
    assert_str(header(&out, "last-modified"), "Mon, 12 Oct 2009 17:50:30 GMT");
    out = encode(a, "DeleteBucket", NULL);
    assert_int_equal(out.status, 204);
    assert_int_equal(vg_buf_str(&out.body).len, 0);
}

static void
streamed_payloads_are_left_to_the_handler(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    const struct vg_http_header headers[] = {
        { VG_STR("X-Amz-Meta-Color"), VG_STR("red") },
        { VG_STR("x-amz-meta-color"), VG_STR("blue") }, /* of one name: a list (RFC 9110, 5.3) */
    };
    struct vg_wire_in in = { .body = VG_STR("bytes"), .headers = headers, .n_headers = 2 };
    const struct wires3_put_object_request *put = decode(a, "PutObject", &in);
    assert_null(put->body.ptr);
    assert_int_equal(put->metadata.len, 1);
    assert_str(put->metadata.items[0].key, "Color");
    assert_str(put->metadata.items[0].value, "red,blue");
    const struct wires3_put_object_annotation_request *note =
        decode(a, "PutObjectAnnotation", &in); /* not marked as streamed in s3.toml */
    assert_str(note->annotation_payload, "bytes");
}

static void
expect_refused(const char *op, struct vg_wire_in in, const char *body)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_err err = { 0 };
    void *to = vg_arena_alloc(a, find_op(op)->in->size);
    assert_int_equal(vg_wire_decode(find_op(op), &in, a, to, &err), VG_FAIL);
    struct vg_wire_out out;
    vg_wire_encode_error(&wires3_model, 0, &err, VG_STR("id-1"), a, &out);
    assert_int_equal(out.status, 400);
    assert_str(header(&out, "content-type"), "application/xml");
    struct vg_str want = vg_str_fmt(a, DECLARATION "<Error>%s" IDS "</Error>", body);
    if (!vg_str_eq(vg_buf_str(&out.body), want))
        fail_msg("got %" VG_FMT ", want %" VG_FMT, VG_ARG(vg_buf_str(&out.body)), VG_ARG(want));
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, MalformedXML */
static void
malformed_xml_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "<Delete>",
        "<Remove/>",
        "{}",
        "<!DOCTYPE Delete [<!ENTITY a 'b'>]><Delete/>",
        "<Delete><Quiet>maybe</Quiet></Delete>",
        "<Delete><Quiet>true</Quiet><Quiet>true</Quiet></Delete>",
        "<Delete><Object><Key><b/></Key></Object></Delete>",
        "<Delete><Object><LastModifiedTime>yesterday</LastModifiedTime></Object></Delete>",
    };
    for (size_t i = 0; i < VG_COUNT(bad); i++)
        expect_refused("DeleteObjects", (struct vg_wire_in) { .body = vg_str_of(bad[i]) },
                       "<Code>MalformedXML</Code><Message>The XML you provided was not well-formed "
                       "or did not validate against our published schema</Message>");
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_Error.html, InvalidArgument */
static void
malformed_arguments_are_named(void **state)
{
    (void)state;
    expect_refused("ListObjectsV2", (struct vg_wire_in) { .query = VG_STR("max-keys=a%3C") },
                   "<Code>InvalidArgument</Code><Message>Provided max-keys not an integer or "
                   "within integer range</Message><ArgumentName>max-keys</ArgumentName>"
                   "<ArgumentValue>a&lt;</ArgumentValue>");
    expect_refused("ListObjectsV2", (struct vg_wire_in) { .query = VG_STR("prefix=%FF") },
                   "<Code>InvalidURI</Code><Message>Couldn't parse the specified URI."
                   "</Message>");
}

static void
errors_are_s3s_own(void **state)
{
    (void)state;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_err err = { 0 };
    struct vg_wire_out out;
    (void)vg_wire_fail(&err, a, &wires3_err_no_such_key, "The specified key does not exist.");
    vg_wire_encode_error(&wires3_model, 0, &err, VG_STR("id-1"), a, &out);
    assert_int_equal(out.status, 404);
    assert_str(vg_buf_str(&out.body),
               DECLARATION "<Error><Code>NoSuchKey</Code><Message>The specified key does not "
                           "exist.</Message>" IDS "</Error>");
    assert_str(header(&out, "x-amz-request-id"), "id-1");
    assert_str(header(&out, "x-amz-id-2"), HOST_ID);
    assert_str(header(&out, "server"), "AmazonS3");
    assert_null(header(&out, "x-amzn-requestid").ptr);
    struct wires3_invalid_object_state detail = { .storage_class.text = VG_STR("GLACIER") };
    (void)vg_wire_fail(&err, a, &wires3_err_invalid_object_state, "no");
    err.detail = &detail;
    vg_wire_encode_error(&wires3_model, 0, &err, VG_STR("id-1"), a, &out);
    assert_str(vg_buf_str(&out.body),
               DECLARATION "<Error><Code>InvalidObjectState</Code><Message>no</Message>"
                           "<StorageClass>GLACIER</StorageClass>" IDS "</Error>");
    vg_err_clear(&err);
    (void)vg_err_set(&err, "the disk is gone");
    vg_wire_encode_error(&wires3_model, 0, &err, VG_STR("id-1"), a, &out);
    assert_int_equal(out.status, 500);
    assert_str(vg_buf_str(&out.body),
               DECLARATION "<Error><Code>InternalError</Code><Message>We encountered an internal "
                           "error. Please try again.</Message>" IDS "</Error>");
    (void)vg_wire_fail(&err, a, &vg_wire_internal, "no");
    vg_wire_encode_error(&wires3_model, 0, &err, VG_STR("id-1"), a, &out);
    assert_str(vg_buf_str(&out.body),
               DECLARATION "<Error><Code>InternalError</Code><Message>no</Message>" IDS "</Error>");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flattened_lists_of_a_payload_are_read),
        cmocka_unit_test(grantees_have_their_type_in_an_attribute),
        cmocka_unit_test(times_have_three_decimals),
        cmocka_unit_test(a_location_is_its_own_root),
        cmocka_unit_test(payloads_are_roots_of_their_own_name),
        cmocka_unit_test(what_has_no_members_in_the_body_has_none),
        cmocka_unit_test(streamed_payloads_are_left_to_the_handler),
        cmocka_unit_test(malformed_xml_is_refused),
        cmocka_unit_test(malformed_arguments_are_named),
        cmocka_unit_test(errors_are_s3s_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
