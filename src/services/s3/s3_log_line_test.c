/* SPDX-License-Identifier: Apache-2.0 */
#include "services/s3/s3_log_line.h"

#include "base/test.h"

#include <string.h>

#define ID VG_STR("79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be")

/* The second line of https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html */
static struct s3_log_line
sample(void)
{
    return (struct s3_log_line) {
        .owner = ID,
        .bucket = VG_STR("amzn-s3-demo-bucket1"),
        .at_ms = INT64_C(1549411238123),
        .remote = VG_STR("192.0.2.3"),
        .requester = ID,
        .request_id = VG_STR("891CE47D2EXAMPLE"),
        .operation = VG_STR("REST.GET.LOGGING_STATUS"),
        .is_of_rest = true,
        .method = VG_STR("GET"),
        .target = VG_STR("/amzn-s3-demo-bucket1?logging"),
        .minor = 1,
        .agent = VG_STR("S3Console/0.4"),
        .status = 200,
        .sent_bytes = 242,
        .object_bytes = -1,
        .total_ms = 11,
        .turn_ms = -1,
        .host_id = VG_STR("9vKBE6vMhr="),
        .signature = VG_STR("SigV4"),
        .cipher = VG_STR("ECDHE-RSA-AES128-GCM-SHA256"),
        .auth = VG_STR("AuthHeader"),
        .host = VG_STR("amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com"),
        .tls_version = VG_STR("1.2"),
    };
}

static void
a_line_is_as_documented(void **state)
{
    struct vg_arena *arena = *state;
    struct s3_log_line l = sample();
    assert_str(s3_log_line(arena, &l),
               "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be "
               "amzn-s3-demo-bucket1 [06/Feb/2019:00:00:38 +0000] 192.0.2.3 "
               "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be 891CE47D2EXAMPLE "
               "REST.GET.LOGGING_STATUS - \"GET /amzn-s3-demo-bucket1?logging HTTP/1.1\" 200 - 242 "
               "- 11 - \"-\" \"S3Console/0.4\" - 9vKBE6vMhr= SigV4 ECDHE-RSA-AES128-GCM-SHA256 "
               "AuthHeader amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com TLSv1.2 - - -\n");
    l.key = VG_STR("a b/\xc3\xbc");
    l.status = 404;
    l.code = VG_STR("NoSuchKey");
    l.object_bytes = 0;
    l.turn_ms = 0;
    l.version_id = VG_STR("3HL4kqtJvjVBH40Nrjfkd");
    l.is_acl_required = true;
    struct vg_str line = s3_log_line(arena, &l);
    assert_true(vg_str_find(line, VG_STR(" REST.GET.LOGGING_STATUS a%2520b/%25C3%25BC \"GET "))
                != VG_NPOS);
    assert_true(vg_str_find(line, VG_STR("\" 404 NoSuchKey 242 0 11 0 \"-\"")) != VG_NPOS);
    assert_true(vg_str_find(line, VG_STR("\" 3HL4kqtJvjVBH40Nrjfkd 9vK")) != VG_NPOS);
    assert_true(vg_str_ends(line, VG_STR(" TLSv1.2 - Yes -\n")));
}

/* A key of a batch's, and what a lifecycle does, have no request of their own. */
static void
a_line_without_a_request(void **state)
{
    struct vg_arena *arena = *state;
    struct s3_log_line l = { .owner = VG_STR("o"),
                             .bucket = VG_STR("b"),
                             .requester = VG_STR("AmazonS3"),
                             .operation = VG_STR("S3.EXPIRE.OBJECT"),
                             .key = VG_STR("a b"),
                             .sent_bytes = -1,
                             .object_bytes = 7,
                             .total_ms = -1,
                             .turn_ms = -1 };
    assert_str(s3_log_line(arena, &l),
               "o b [01/Jan/1970:00:00:00 +0000] - AmazonS3 - S3.EXPIRE.OBJECT a%20b - - - - 7 - - "
               "- - - - - - - - - - - -\n");
}

/* The fields of a line; a quoted one and the time are one each.  0: it is malformed. */
static size_t
count_fields(struct vg_str line)
{
    size_t n = 0;
    if (!vg_str_ends(line, VG_STR("\n")))
        return 0;
    line.len--;
    for (size_t i = 0; i < line.len; i++) {
        char close = line.ptr[i] == '"' ? '"' : line.ptr[i] == '[' ? ']' : ' ';
        if (close != ' ')
            i++;
        while (i < line.len && line.ptr[i] != close) {
            unsigned char c = (unsigned char)line.ptr[i++];
            if (c < ' ' || c > '~')
                return 0;
        }
        if (close != ' ' && (i == line.len || (i + 1 < line.len && line.ptr[i + 1] != ' ')))
            return 0;
        i += close != ' ';
        n++;
    }
    return n;
}

/* Whatever a client sends stays within its field. */
static void
no_field_can_be_forged(void **state)
{
    struct vg_arena *arena = *state;
    struct s3_log_line l = sample();
    char all[256];
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)i;
    const struct vg_str hostile[] = {
        vg_str_n(all, sizeof(all)),
        VG_STR("\" 200 - - - - - \"x"),
        VG_STR("a\r\nb c [d] \"e\" \\"),
        VG_STR("\\\""),
        VG_STR(" "),
        VG_STR("?X-Amz-Signature=\"\n&\"=\n"),
        VG_STR("\xff\xfe"),
        VG_STR("%22%0A"),
    };
    struct vg_str *const fields[] = { &l.bucket,    &l.remote,     &l.requester, &l.request_id,
                                      &l.operation, &l.key,        &l.method,    &l.target,
                                      &l.referer,   &l.agent,      &l.code,      &l.version_id,
                                      &l.host_id,   &l.cipher,     &l.auth,      &l.host,
                                      &l.signature, &l.tls_version };
    assert_int_equal(count_fields(s3_log_line(arena, &l)), 27);
    for (size_t f = 0; f < VG_COUNT(fields); f++) {
        for (size_t i = 0; i < VG_COUNT(hostile); i++) {
            l = sample();
            *fields[f] = hostile[i];
            struct vg_str line = s3_log_line(arena, &l);
            if (count_fields(line) != 27)
                fail_msg("field %zu, text %zu: %" VG_FMT, f, i, VG_ARG(line));
        }
    }
    l = sample();
    l.agent = VG_STR("a\"b\\c\td");
    assert_true(vg_str_find(s3_log_line(arena, &l), VG_STR(" \"a%22b%5Cc%09d\" ")) != VG_NPOS);
}

static void
a_huge_request_is_one_line(void **state)
{
    struct vg_arena *arena = *state;
    struct s3_log_line l = sample();
    char *much = vg_arena_alloc(arena, 32u << 10);
    memset(much, '"', 32u << 10);
    l.agent = l.referer = vg_str_n(much, 32u << 10);
    assert_int_equal(count_fields(s3_log_line(arena, &l)), 27);
}

/* https://docs.aws.amazon.com/prescriptive-guidance/latest/presigned-url-best-practices/logging-interactions.html
 */
static void
secrets_are_left_out(void **state)
{
    struct vg_arena *arena = *state;
    static const struct {
        const char *url, *shown;
    } cases[] = {
        { "/b/k", "/b/k" },
        { "/b/k?", "/b/k?" },
        { "/b/k?x-user=1&versionId=2", "/b/k?x-user=1&versionId=2" },
        { "/b/k?X-Amz-Credential=AKIA&X-Amz-Signature=abc&x-id=GetObject",
          "/b/k?X-Amz-Credential=AKIA&X-Amz-Signature=XXXXXXXX&x-id=GetObject" },
        { "/k?x-amz-signature=a&X-Amz-Security-Token=b",
          "/k?x-amz-signature=XXXXXXXX&X-Amz-Security-Token=XXXXXXXX" },
        { "/k?X-Amz%2DSignature=a", "/k?X-Amz%2DSignature=XXXXXXXX" },
        { "/k?AWSAccessKeyId=A&Signature=a%2Fb&Expires=1",
          "/k?AWSAccessKeyId=A&Signature=XXXXXXXX&Expires=1" },
        { "/k?x-amz-server-side-encryption-customer-key=a",
          "/k?x-amz-server-side-encryption-customer-key=XXXXXXXX" },
        { "https://h/k?Signature=a?b", "https://h/k?Signature=XXXXXXXX" },
        { "/k?Signature=&Signature", "/k?Signature=&Signature" },
    };
    for (size_t i = 0; i < VG_COUNT(cases); i++)
        assert_true(
            vg_str_eq(s3_log_url(arena, vg_str_of(cases[i].url)), vg_str_of(cases[i].shown)));
    struct s3_log_line l = sample();
    l.target = VG_STR("/k?X-Amz-Signature=0123");
    l.referer = VG_STR("https://h/k?X-Amz-Signature=4567");
    struct vg_str line = s3_log_line(arena, &l);
    assert_true(vg_str_find(line, VG_STR("0123")) == VG_NPOS);
    assert_true(vg_str_find(line, VG_STR("4567")) == VG_NPOS);
}

static void
operations_are_named(void **state)
{
    struct vg_arena *arena = *state;
    enum { KEY = 1, COPY = 2, TURNED = 4 };
    static const struct {
        const char *method, *query, *name;
        int flags;
    } cases[] = {
        { "GET", NULL, "REST.GET.BUCKET", TURNED },
        { "GET", "list-type=2&prefix=a", "REST.GET.BUCKET", TURNED },
        { "PUT", NULL, "REST.PUT.OBJECT", KEY | TURNED },
        { "GET", "versionId=1", "REST.GET.OBJECT", KEY | TURNED },
        { "HEAD", NULL, "REST.HEAD.OBJECT", KEY },
        { "DELETE", NULL, "REST.DELETE.OBJECT", KEY },
        { "PUT", NULL, "REST.COPY.OBJECT", KEY | COPY | TURNED },
        { "GET", NULL, "REST.GET.OBJECT", KEY | COPY | TURNED },
        { "PUT", "partNumber=1&uploadId=x", "REST.PUT.PART", KEY | TURNED },
        { "PUT", "uploadId=x&partNumber=1", "REST.COPY.PART", KEY | COPY | TURNED },
        { "POST", "uploads", "REST.POST.UPLOADS", KEY | TURNED },
        { "POST", "uploadId=x", "REST.POST.UPLOAD", KEY | TURNED },
        { "DELETE", "uploadId=x", "REST.DELETE.UPLOAD", KEY | TURNED },
        { "GET", "uploads=", "REST.GET.UPLOADS", TURNED },
        { "POST", "delete", "REST.POST.MULTI_OBJECT_DELETE", 0 },
        { "POST", NULL, "REST.POST.BUCKET", TURNED },
        { "GET", "tagging", "REST.GET.TAGGING", TURNED },
        { "GET", "tagging", "REST.GET.OBJECT_TAGGING", KEY | TURNED },
        { "GET", "logging", "REST.GET.LOGGING_STATUS", 0 },
        { "PUT", "policy", "REST.PUT.BUCKETPOLICY", 0 },
        { "GET", "versions&prefix=a", "REST.GET.BUCKETVERSIONS", TURNED },
        { "GET", "prefix=versions", "REST.GET.BUCKET", TURNED },
        { "GET", "publicAccessBlock", "REST.GET.PUBLIC_ACCESS_BLOCK", 0 },
        { "OPTIONS", NULL, "REST.OPTIONS.PREFLIGHT", KEY },
    };
    bool is_turned;
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        const struct s3_log_asked asked = { .method = vg_str_of(cases[i].method),
                                            .query = vg_str_of(cases[i].query),
                                            .has_key = cases[i].flags & KEY,
                                            .is_copy = cases[i].flags & COPY };
        struct vg_str name = s3_log_operation(arena, &asked, &is_turned);
        if (!vg_str_eq(name, vg_str_of(cases[i].name))
            || is_turned != ((cases[i].flags & TURNED) != 0))
            fail_msg("%s: %" VG_FMT, cases[i].name, VG_ARG(name));
    }
    struct s3_log_asked site = { .method = VG_STR("GET"), .has_key = true, .is_website = true };
    assert_str(s3_log_operation(arena, &site, &is_turned), "WEBSITE.GET.OBJECT");
    site.method = VG_STR("POST");
    assert_str(s3_log_operation(arena, &site, &is_turned), "WEBSITE.INVALIDOPERATION");
}

static int
set_up(void **state)
{
    *state = vg_arena_new(0);
    return 0;
}

static int
tear_down(void **state)
{
    vg_arena_free(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_as_documented), cmocka_unit_test(a_line_without_a_request),
        cmocka_unit_test(no_field_can_be_forged),  cmocka_unit_test(a_huge_request_is_one_line),
        cmocka_unit_test(secrets_are_left_out),    cmocka_unit_test(operations_are_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
