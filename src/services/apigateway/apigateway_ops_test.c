/* SPDX-License-Identifier: Apache-2.0 */

/* Operations over the store in memory, and each of them with each call of the store failing. */

#include "core/service_test.h"

#include "services/apigateway/apigateway_int.h"

#include "codec/json.h"
#include "store/key.h"

#include <stdio.h>

static char api_id[32], integration_id[32], route_id[32];

/* The member of an answer; its text is copied. */
static void
take(struct vg_service_fixture *f, struct vg_str answer, const char *member, char to[32])
{
    struct vg_json js;
    vg_json_init(&js, answer, f->arena);
    assert_int_equal(vg_json_next(&js), VG_JSON_OBJECT);
    while (vg_json_next(&js) == VG_JSON_KEY) {
        bool is_it = vg_str_eq(js.text, vg_str_of(member));
        enum vg_json_tok tok = vg_json_next(&js);
        if (is_it) {
            assert_true(js.text.len < 32);
            snprintf(to, 32, "%" VG_FMT, VG_ARG(js.text));
            return;
        }
        assert_true(vg_json_skip(&js, tok));
    }
    fail_msg("no %s in %" VG_FMT, member, VG_ARG(answer));
}

/* %A, %I and %R stand for the ids of the API, its integration and its route. */
static const char *
with_ids(struct vg_arena *arena, const char *json)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 4096);
    for (const char *p = json; *p; p++) {
        if (*p != '%') {
            vg_buf_addc(&b, *p);
            continue;
        }
        p++;
        vg_buf_adds(&b, vg_str_of(*p == 'A' ? api_id : *p == 'I' ? integration_id : route_id));
    }
    return vg_str_cstr(arena, vg_buf_str(&b));
}

/* An API with an integration, a route, and a stage that deploys by itself.  The generator of a
 * fixture is seeded anew, so ids are taken each time. */
static void
prepare(struct vg_service_fixture *f)
{
    f->spell = with_ids;
    take(f,
         vg_service_fixture_ok(f, "CreateApi",
                               "{'Name':'a','ProtocolType':'HTTP','Tags':{'k':'v'}}"),
         "ApiId", api_id);
    take(f,
         vg_service_fixture_ok(f, "CreateIntegration",
                               "{'ApiId':'%A','IntegrationType':'AWS_PROXY','IntegrationUri':"
                               "'arn:aws:lambda:us-east-1:000000000000:function:f',"
                               "'PayloadFormatVersion':'2.0'}"),
         "IntegrationId", integration_id);
    take(f,
         vg_service_fixture_ok(f, "CreateRoute",
                               "{'ApiId':'%A','RouteKey':'GET /a','Target':'integrations/%I'}"),
         "RouteId", route_id);
    vg_service_fixture_ok(f, "CreateStage",
                          "{'ApiId':'%A','StageName':'$default','AutoDeploy':true}");
}

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    static const struct vg_service_call calls[] = {
        { "CreateApi", "{'Name':'b','ProtocolType':'HTTP','Target':'http://a.example/'}" },
        { "GetApi", "{'ApiId':'%A'}" },
        { "GetApis", "{}" },
        { "UpdateApi", "{'ApiId':'%A','CorsConfiguration':{'AllowOrigins':['*']}}" },
        { "DeleteCorsConfiguration", "{'ApiId':'%A'}" },
        { "CreateRoute", "{'ApiId':'%A','RouteKey':'GET /b','Target':'integrations/%I'}" },
        { "GetRoutes", "{'ApiId':'%A'}" },
        { "UpdateRoute", "{'ApiId':'%A','RouteId':'%R','OperationName':'o'}" },
        { "DeleteRoute", "{'ApiId':'%A','RouteId':'%R'}" },
        { "GetIntegration", "{'ApiId':'%A','IntegrationId':'%I'}" },
        { "UpdateIntegration", "{'ApiId':'%A','IntegrationId':'%I','TimeoutInMillis':100}" },
        { "CreateDeployment", "{'ApiId':'%A'}" },
        { "GetDeployments", "{'ApiId':'%A'}" },
        { "UpdateStage", "{'ApiId':'%A','StageName':'$default','StageVariables':{'a':'b'}}" },
        { "GetStages", "{'ApiId':'%A'}" },
        { "GetTags", "{'ResourceArn':'arn:aws:apigateway:us-east-1::/apis/%A'}" },
        { "TagResource",
          "{'ResourceArn':'arn:aws:apigateway:us-east-1::/apis/%A','Tags':{'x':'y'}}" },
        { "DeleteStage", "{'ApiId':'%A','StageName':'$default'}" },
        { "DeleteApi", "{'ApiId':'%A'}" },
    };
    vg_service_fixture_fail_all(&apigateway_service, prepare, calls, VG_COUNT(calls));
}

/* A failed change leaves no half of itself: the route is there with its deployment or not at all.
 */
static void
a_deleted_api_leaves_nothing(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct vg_sess sess;
    struct vg_page page;
    struct vg_err err = { 0 };
    vg_service_fixture_begin(&f, &apigateway_service, prepare);
    vg_service_fixture_ok(&f, "DeleteApi", "{'ApiId':'%A'}");
    vg_sess_init(&sess, f.env.kv, f.arena);
    const struct vg_range all = { .max = 10 };
    struct vg_str part =
        vg_key_of(f.arena, VG_STR("apigateway"), f.config.account, f.config.region);
    assert_ok(vg_kv_scan(&sess, part, &all, &page, &err));
    assert_int_equal(page.len, 0);
    assert_ok(
        vg_kv_scan(&sess, vg_key_of(f.arena, VG_STR("apigateway-places")), &all, &page, &err));
    assert_int_equal(page.len, 0);
    vg_service_fixture_fini(&f);
}

/* "Custom timeout between 50 and 30,000 milliseconds for HTTP APIs" */
static void
timeouts_have_bounds(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    static const struct {
        int ms;
        bool is_ok;
    } rows[] = { { 0, false }, { 49, false }, { 50, true }, { 30000, true }, { 30001, false } };
    vg_service_fixture_begin(&f, &apigateway_service, prepare);
    for (size_t i = 0; i < VG_COUNT(rows); i++) {
        struct vg_str json =
            vg_str_fmt(f.arena, "{'ApiId':'%s','IntegrationId':'%s','TimeoutInMillis':%d}", api_id,
                       integration_id, rows[i].ms);
        struct vg_str answer =
            vg_service_fixture_call(&f, "UpdateIntegration", vg_str_cstr(f.arena, json));
        if (vg_service_fixture_is_ok(answer) != rows[i].is_ok)
            fail_msg("%d ms: %" VG_FMT, rows[i].ms, VG_ARG(answer));
        if (!rows[i].is_ok)
            assert_true(vg_str_starts(answer, VG_STR("BadRequestException: ")));
    }
    vg_service_fixture_fini(&f);
}

/* --- the data plane's cache ---------------------------------------------------------------------
 */

/* A request to the data plane, with memory of its own. */
struct visit {
    struct vg_arena *arena;
    struct vg_sess sess;
    struct vg_err err;
    struct vg_req rq;
    struct apigateway_at at;
};

static void
visit_begin(struct visit *v, struct vg_service_fixture *f)
{
    *v = (struct visit) { .arena = vg_arena_new(0) };
    vg_sess_init(&v->sess, f->env.kv, v->arena);
    v->rq = (struct vg_req) { .arena = v->arena,
                              .env = &f->env,
                              .scope = &f->scope,
                              .svc = f->svc,
                              .sess = &v->sess,
                              .err = &v->err };
    v->at = apigateway_at_of(&v->rq, vg_str_of(api_id));
}

/* What stage `name` serves now. */
static const struct apigateway_served *
served(struct visit *v, const char *name)
{
    void *stage = NULL;
    const struct apigateway_served *ret = NULL;
    assert_ok(apigateway_kv_get(&v->at, APIGATEWAY_STAGE, vg_str_of(name), &stage));
    struct vg_str id = ((const struct apigateway_rec_stage *)stage)->deployment_id;
    v->sess.n_reads = 0;
    assert_ok(apigateway_served_find(&v->at, id, &ret));
    assert_non_null(ret);
    return ret;
}

static void
a_deployment_is_decoded_once(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct visit first, second;
    vg_service_fixture_begin(&f, &apigateway_service, prepare);
    visit_begin(&first, &f);
    const struct apigateway_served *a = served(&first, "$default");
    assert_int_equal(first.sess.n_reads, 1);
    visit_begin(&second, &f);
    assert_ptr_equal(served(&second, "$default"), a);
    assert_int_equal(second.sess.n_reads, 0);
    vg_arena_free(first.arena);
    assert_str(a->snap.routes.items[0].key, "GET /a"); /* the second still holds it */
    vg_arena_free(second.arena);
    vg_service_fixture_fini(&f);
}

/* Who began before an update ends with what it began with; who begins after it sees the update. */
static void
an_update_is_served_at_once(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct visit before, after;
    struct apigateway_pairs vars = { 0 };
    vg_service_fixture_begin(&f, &apigateway_service, prepare);
    visit_begin(&before, &f);
    const struct apigateway_served *old = served(&before, "$default");
    vg_service_fixture_ok(&f, "UpdateRoute", "{'ApiId':'%A','RouteId':'%R','RouteKey':'GET /b'}");
    visit_begin(&after, &f);
    const struct apigateway_served *new = served(&after, "$default");
    assert_str(old->snap.routes.items[0].key, "GET /a");
    assert_str(new->snap.routes.items[0].key, "GET /b");
    assert_int_equal(
        apigateway_route_find(after.arena, new->routes, VG_STR("GET"), VG_STR("/b"), &vars), 0);
    assert_int_equal(
        apigateway_route_find(after.arena, new->routes, VG_STR("GET"), VG_STR("/a"), &vars),
        VG_NPOS);
    vg_arena_free(before.arena);
    vg_arena_free(after.arena);
    vg_service_fixture_fini(&f);
}

/* More deployments than the cache holds, while the first is in use. */
static void
the_cache_is_bounded(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct visit holder;
    vg_service_fixture_begin(&f, &apigateway_service, prepare);
    vg_service_fixture_ok(&f, "CreateStage", "{'ApiId':'%A','StageName':'s'}");
    visit_begin(&holder, &f);
    const struct apigateway_served *held = served(&holder, "$default");
    for (size_t i = 0; i < APIGATEWAY_CACHE_ENTRIES + 3; i++) {
        struct visit v;
        vg_service_fixture_ok(&f, "CreateDeployment", "{'ApiId':'%A','StageName':'s'}");
        visit_begin(&v, &f);
        assert_str(served(&v, "s")->snap.routes.items[0].key, "GET /a");
        assert_int_equal(v.sess.n_reads, 1);
        vg_arena_free(v.arena);
    }
    assert_str(held->snap.routes.items[0].key, "GET /a");
    vg_arena_free(holder.arena);
    visit_begin(&holder, &f);
    (void)served(&holder, "$default"); /* made room for the others */
    assert_int_equal(holder.sess.n_reads, 1);
    vg_arena_free(holder.arena);
    vg_service_fixture_fini(&f);
}

/* 300 integrations with URIs of 2,000 characters are served, but not kept. */
static void
a_huge_deployment_is_not_kept(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    char uri[2001];
    memset(uri, 'a', sizeof(uri));
    memcpy(uri, "http://a.example/", 17);
    uri[sizeof(uri) - 1] = '\0';
    vg_service_fixture_begin(&f, &apigateway_service, prepare);
    struct vg_str json =
        vg_str_fmt(f.arena,
                   "{'ApiId':'%s','IntegrationType':'HTTP_PROXY','IntegrationMethod':'GET',"
                   "'PayloadFormatVersion':'1.0','IntegrationUri':'%s'}",
                   api_id, uri);
    vg_service_fixture_ok(&f, "DeleteStage", "{'ApiId':'%A','StageName':'$default'}");
    for (size_t i = 0; i < APIGATEWAY_LIMIT_INTEGRATIONS - 1; i++)
        vg_service_fixture_ok(&f, "CreateIntegration", vg_str_cstr(f.arena, json));
    vg_service_fixture_ok(&f, "CreateStage", "{'ApiId':'%A','StageName':'s'}");
    vg_service_fixture_ok(&f, "CreateDeployment", "{'ApiId':'%A','StageName':'s'}");
    for (int i = 0; i < 2; i++) {
        struct visit v;
        visit_begin(&v, &f);
        assert_int_equal(served(&v, "s")->snap.integrations.len, APIGATEWAY_LIMIT_INTEGRATIONS);
        assert_int_equal(v.sess.n_reads, 1);
        vg_arena_free(v.arena);
    }
    vg_service_fixture_fini(&f);
}

/* A failed read is the request's failure, and nothing of it stays. */
static void
a_failed_read_is_not_kept(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct visit v;
    void *stage = NULL;
    const struct apigateway_served *ret = NULL;
    struct vg_err err = { 0 };
    vg_service_fixture_begin(&f, &apigateway_service, prepare);
    visit_begin(&v, &f);
    assert_ok(apigateway_kv_get(&v.at, APIGATEWAY_STAGE, VG_STR("$default"), &stage));
    struct vg_str id = ((const struct apigateway_rec_stage *)stage)->deployment_id;
    assert_ok(vg_fault_setup(VG_STR("store.engine.get=fail@1"), &err));
    assert_int_equal(apigateway_served_find(&v.at, id, &ret), VG_FAIL);
    assert_null(ret);
    assert_ok(vg_fault_setup(VG_STR("none=fail"), &err));
    assert_ok(apigateway_served_find(&v.at, VG_STR("none"), &ret));
    assert_null(ret);
    assert_ok(apigateway_served_find(&v.at, id, &ret));
    assert_non_null(ret);
    vg_arena_free(v.arena);
    vg_service_fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_fails_cleanly),
        cmocka_unit_test(a_deleted_api_leaves_nothing),
        cmocka_unit_test(timeouts_have_bounds),
        cmocka_unit_test(a_deployment_is_decoded_once),
        cmocka_unit_test(an_update_is_served_at_once),
        cmocka_unit_test(the_cache_is_bounded),
        cmocka_unit_test(a_huge_deployment_is_not_kept),
        cmocka_unit_test(a_failed_read_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
