/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Cross-origin requests:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html; texts and headers are
 * those of snapshots of AWS's answers that LocalStack's tests keep.
 */

#include "core/service_test.h"

#include "services/s3/s3_cors.h"
#include "services/s3/s3_http.h"
#include "services/s3/s3_int.h"

struct asked {
    const char *method, *path, *origin, *asked_method, *asked_headers; /* NULL: not sent */
};

static struct vg_str
header_of(void *of, struct vg_str name)
{
    const struct asked *a = of;
    const char *value = vg_str_eq(name, VG_STR("origin"))                          ? a->origin
                        : vg_str_eq(name, VG_STR("access-control-request-method")) ? a->asked_method
                        : vg_str_eq(name, VG_STR("access-control-request-headers"))
                            ? a->asked_headers
                            : NULL;
    return value ? vg_str_of(value) : VG_STR_NONE;
}

/* "Code Method ResourceType message", or the headers, a line each. */
static struct vg_str
ask(struct vg_service_fixture *f, struct asked a)
{
    struct vg_sess sess;
    struct vg_reply reply = { 0 };
    struct vg_buf b;
    f->err = (struct vg_err) { 0 };
    vg_sess_init(&sess, f->env.kv, f->arena);
    struct vg_req rq = { .arena = f->arena,
                         .env = &f->env,
                         .scope = &f->scope,
                         .svc = f->svc,
                         .sess = &sess,
                         .err = &f->err,
                         .reply = &reply,
                         .deadline_ms = INT64_MAX };
    const struct vg_http_head head = {
        .method = vg_str_of(a.method), .path = vg_str_of(a.path), .header = header_of, .of = &a
    };
    bool is_preflight = vg_str_eq(head.method, VG_STR("OPTIONS"));
    vg_rc rc = is_preflight ? s3_other(&rq, &head) : s3_decorate(&rq, &head);
    vg_buf_init(&b, f->arena, 4096);
    if (rc != VG_OK && f->err.def == &s3_err_access_forbidden) {
        const struct s3_access_forbidden *d = f->err.detail;
        vg_buf_addf(&b, "AccessForbidden %" VG_FMT " %" VG_FMT " ", VG_ARG(d->method),
                    VG_ARG(d->resource_type));
    }
    if (rc != VG_OK)
        vg_buf_addf(&b, "%" VG_FMT, VG_ARG(vg_err_text(&f->err)));
    for (size_t i = 0; i < reply.headers.len; i++)
        vg_buf_addf(&b, "%" VG_FMT ": %" VG_FMT "\n", VG_ARG(reply.headers.items[i].name),
                    VG_ARG(reply.headers.items[i].value));
    return vg_buf_str(&b);
}

#define VARY "Vary: Origin, Access-Control-Request-Headers, Access-Control-Request-Method\n"
#define NOT_ALLOWED                                                                                \
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of "    \
    "Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers "    \
    "are "                                                                                         \
    "not whitelisted by the resource's CORS spec."

static void
prepare(struct vg_service_fixture *f)
{
    vg_service_fixture_ok(f, "CreateBucket", "{'Bucket':'bucket'}");
    vg_service_fixture_ok(f, "CreateBucket", "{'Bucket':'without'}");
    vg_service_fixture_ok(f, "PutBucketCors",
                          "{'Bucket':'bucket','CORSConfiguration':{'CORSRules':["
                          "{'AllowedMethods':['GET','PUT'],'AllowedOrigins':['https://a.example',"
                          "'https://*.b.example'],'AllowedHeaders':['x-amz-*','Content-Type'],"
                          "'ExposeHeaders':['ETag','x-amz-id-2'],'MaxAgeSeconds':3000},"
                          "{'AllowedMethods':['GET'],'AllowedOrigins':['https://first','*']},"
                          "{'AllowedMethods':['DELETE'],'AllowedOrigins':['https://c.example'],"
                          "'AllowedHeaders':['*']}]}}");
}

#define FIRST(origin, headers)                                                                     \
    "Access-Control-Allow-Origin: " origin "\nAccess-Control-Allow-Methods: GET, PUT\n" headers    \
    "Access-Control-Expose-Headers: ETag, x-amz-id-2\nAccess-Control-Max-Age: 3000\n"              \
    "Access-Control-Allow-Credentials: true\n" VARY
#define ANY "Access-Control-Allow-Origin: *\nAccess-Control-Allow-Methods: GET\n" VARY

struct row {
    struct asked asked;
    const char *want;
};

static void
run(const struct row *rows, size_t n)
{
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, prepare);
    for (size_t i = 0; i < n; i++) {
        struct vg_str got = ask(&f, rows[i].asked);
        if (!vg_str_eq(got, vg_str_of(rows[i].want)))
            fail_msg("%zu: got  %" VG_FMT "\nwant %s", i, VG_ARG(got), rows[i].want);
    }
    vg_service_fixture_fini(&f);
}

static void
preflights_are_answered_from_the_first_rule_that_matches(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { { "OPTIONS", "/bucket/k", "https://a.example", "PUT", NULL },
          FIRST("https://a.example", "") },
        { { "OPTIONS", "/bucket/k", "https://x.y.b.example", "GET", "X-AMZ-Date,  content-type" },
          FIRST("https://x.y.b.example",
                "Access-Control-Allow-Headers: x-amz-date, content-type\n") },
        { { "OPTIONS", "/bucket", "https://other", "GET", "" }, ANY },
        { { "OPTIONS", "/bucket", "null", "GET", NULL }, ANY },
        { { "OPTIONS", "/bucket/k", "https://c.example", "DELETE", "a,b" },
          "Access-Control-Allow-Origin: https://c.example\nAccess-Control-Allow-Methods: "
          "DELETE\nAccess-Control-Allow-Headers: a, b\nAccess-Control-Allow-Credentials: "
          "true\n" VARY },
    };
    run(rows, VG_COUNT(rows));
}

static void
other_preflights_are_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { { "OPTIONS", "/bucket/k", NULL, "PUT", NULL },
          "Insufficient information. Origin request header needed." },
        { { "OPTIONS", "/nobody/k", NULL, "PUT", NULL },
          "Insufficient information. Origin request header needed." },
        { { "OPTIONS", "/nobody/k", "https://a.example", NULL, NULL },
          "AccessForbidden OPTIONS BUCKET CORSResponse: Bucket not found" },
        { { "OPTIONS", "/without/k", "https://a.example", "PUT", NULL },
          "AccessForbidden PUT BUCKET CORSResponse: CORS is not enabled for this bucket." },
        { { "OPTIONS", "/bucket/k", "https://a.example", NULL, NULL },
          "Invalid Access-Control-Request-Method: null" },
        { { "OPTIONS", "/bucket/k", "https://a.example", "PATCH", NULL },
          "Invalid Access-Control-Request-Method: PATCH" },
        { { "OPTIONS", "/bucket/k", "https://other", "PUT", NULL },
          "AccessForbidden PUT OBJECT " NOT_ALLOWED },
        { { "OPTIONS", "/bucket/", "https://other", "PUT", NULL },
          "AccessForbidden PUT BUCKET " NOT_ALLOWED },
        { { "OPTIONS", "/bucket/k", "https://a.example", "DELETE", NULL },
          "AccessForbidden DELETE OBJECT " NOT_ALLOWED },
        { { "OPTIONS", "/bucket/k", "https://a.example", "PUT", "x-amz-a, x-other" },
          "AccessForbidden PUT OBJECT " NOT_ALLOWED },
        { { "OPTIONS", "/bucket/k", "https://b.example", "PUT", NULL },
          "AccessForbidden PUT OBJECT " NOT_ALLOWED },
        { { "OPTIONS", "/bucket/k", "https://A.example", "PUT", NULL },
          "AccessForbidden PUT OBJECT " NOT_ALLOWED },
        { { "OPTIONS", "/bucket/k", "x", "GET", "x-amz-a" }, /* the any rule allows no header */
          "AccessForbidden GET OBJECT " NOT_ALLOWED },
    };
    run(rows, VG_COUNT(rows));
}

static void
answers_say_who_may_read_them(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { { "PUT", "/bucket/k", "https://a.example", NULL, NULL }, FIRST("https://a.example", "") },
        { { "GET", "/bucket", "https://a.example", NULL, NULL }, FIRST("https://a.example", "") },
        { { "GET", "/buck%65t/k", "https://other", NULL, NULL }, ANY },
        { { "PUT", "/bucket/k", "https://other", NULL, NULL }, "" },
        { { "HEAD", "/bucket/k", "https://a.example", NULL, NULL }, "" },
        { { "GET", "/bucket/k", NULL, NULL, NULL }, "" },
        { { "GET", "/without/k", "https://a.example", NULL, NULL }, "" },
        { { "GET", "/nobody/k", "https://a.example", NULL, NULL }, "" },
        { { "GET", "/", "https://a.example", NULL, NULL }, "" },
    };
    run(rows, VG_COUNT(rows));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preflights_are_answered_from_the_first_rule_that_matches),
        cmocka_unit_test(other_preflights_are_refused),
        cmocka_unit_test(answers_say_who_may_read_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
