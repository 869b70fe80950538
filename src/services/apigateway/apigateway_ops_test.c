/* SPDX-License-Identifier: Apache-2.0 */

/* Operations over the store in memory, and each of them with each call of the store failing. */

#include "core/service_test.h"

#include "services/apigateway/ops.h"

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

static struct vg_str
call(struct vg_service_fixture *f, const char *op, const char *json)
{
    struct vg_str answer = vg_service_fixture_call(f, op, json);
    if (!vg_service_fixture_is_ok(answer))
        fail_msg("%s %s: %" VG_FMT, op, json, VG_ARG(answer));
    return answer;
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
    take(f, call(f, "CreateApi", "{'Name':'a','ProtocolType':'HTTP','Tags':{'k':'v'}}"), "ApiId",
         api_id);
    take(f,
         call(f, "CreateIntegration",
              with_ids(f->arena, "{'ApiId':'%A','IntegrationType':'AWS_PROXY','IntegrationUri':"
                                 "'arn:aws:lambda:us-east-1:000000000000:function:f',"
                                 "'PayloadFormatVersion':'2.0'}")),
         "IntegrationId", integration_id);
    take(f,
         call(f, "CreateRoute",
              with_ids(f->arena, "{'ApiId':'%A','RouteKey':'GET /a','Target':'integrations/%I'}")),
         "RouteId", route_id);
    call(f, "CreateStage",
         with_ids(f->arena, "{'ApiId':'%A','StageName':'$default','AutoDeploy':true}"));
}

static void
fails_cleanly(const char *op, const char *json)
{
    static const char *const points[] = { "store.engine.get", "store.engine.iter",
                                          "store.engine.write" };
    size_t n_faults = 0;
    for (size_t p = 0; p < VG_COUNT(points); p++) {
        bool is_over = false;
        for (int nth = 1; !is_over; nth++) {
            struct vg_service_fixture f;
            vg_service_fixture_init(&f, &apigateway_service);
            prepare(&f);
            is_over = vg_service_fixture_fails(&f, points[p], nth, op, with_ids(f.arena, json));
            n_faults += f.n_faults;
            vg_service_fixture_fini(&f);
        }
    }
    assert_true(n_faults > 0);
}

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    static const struct {
        const char *op, *json;
    } calls[] = {
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
    for (size_t i = 0; i < VG_COUNT(calls); i++)
        fails_cleanly(calls[i].op, calls[i].json);
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
    vg_service_fixture_init(&f, &apigateway_service);
    prepare(&f);
    call(&f, "DeleteApi", with_ids(f.arena, "{'ApiId':'%A'}"));
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_fails_cleanly),
        cmocka_unit_test(a_deleted_api_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
