/* SPDX-License-Identifier: Apache-2.0 */

#include "services/apigateway/apigateway_route.h"

#include "base/test.h"

#define MAX_ROUTES 16

struct fixture {
    struct vg_arena *arena;
    struct apigateway_route_key routes[MAX_ROUTES];
    size_t n;
    struct apigateway_pairs sent, vars; /* as sent, and decoded */
};

static const char *
pick(struct fixture *f, const char *const *keys, const char *method, const char *path)
{
    vg_arena_free(f->arena);
    *f = (struct fixture) { .arena = vg_arena_new(0) };
    for (; keys[f->n] != NULL; f->n++)
        assert_true(apigateway_route_key_parse(vg_str_of(keys[f->n]), &f->routes[f->n]));
    size_t i = apigateway_route_find(f->arena, apigateway_routes_compile(f->arena, f->routes, f->n),
                                     vg_str_of(method), vg_str_of(path), &f->sent);
    f->vars = apigateway_pairs_decode(f->arena, &f->sent);
    return i == VG_NPOS ? "none" : keys[i];
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    vg_arena_free(f->arena);
    f->arena = NULL;
    return 0;
}

/* The table under "Working with routes for HTTP APIs", "Route priority". */
static void
the_most_specific_route_wins(void **state)
{
    struct fixture *f = *state;
    const char *keys[] = { "ANY /{proxy+}",      "GET /pets/{proxy+}", "$default",
                           "GET /pets/dog/{id}", "GET /pets/dog/1",    NULL };
    assert_string_equal(pick(f, keys, "GET", "/pets/dog/1"), "GET /pets/dog/1");
    assert_string_equal(pick(f, keys, "GET", "/pets/dog/2"), "GET /pets/dog/{id}");
    assert_str(apigateway_pairs_get(&f->vars, VG_STR("id")), "2");
    assert_string_equal(pick(f, keys, "GET", "/pets/cat/1"), "GET /pets/{proxy+}");
    assert_str(apigateway_pairs_get(&f->vars, VG_STR("proxy")), "cat/1");
    assert_string_equal(pick(f, keys, "POST", "/test/5"), "ANY /{proxy+}");
    assert_string_equal(pick(f, keys, "GET", "/"), "$default");
}

static void
a_full_match_beats_a_greedy_one(void **state)
{
    struct fixture *f = *state;
    const char *keys[] = { "GET /pets/{proxy+}", "GET /{kind}/dog", NULL };
    assert_string_equal(pick(f, keys, "GET", "/pets/dog"), "GET /{kind}/dog");
    assert_str(apigateway_pairs_get(&f->vars, VG_STR("kind")), "pets");
}

/* "The ANY method matches all methods that you haven't defined for a resource." */
static void
any_yields_to_a_named_method(void **state)
{
    struct fixture *f = *state;
    const char *keys[] = { "ANY /pets", "GET /pets", NULL };
    assert_string_equal(pick(f, keys, "GET", "/pets"), "GET /pets");
    assert_string_equal(pick(f, keys, "DELETE", "/pets"), "ANY /pets");
    const char *only_get[] = { "GET /pets", "ANY /{proxy+}", NULL };
    assert_string_equal(pick(f, only_get, "POST", "/pets"), "ANY /{proxy+}");
}

/* The order in which routes were made decides nothing. */
static void
specificity_does_not_depend_on_order(void **state)
{
    struct fixture *f = *state;
    const char *keys[] = { "$default",       "ANY /{a}/{b}", "GET /a/{b}", "GET /{a}/b",
                           "GET /a/{rest+}", "GET /a/b/c/d", "ANY /a/b",   NULL };
    size_t n = VG_COUNT(keys) - 1;
    for (size_t turn = 0; turn < n; turn++) {
        const char *first = keys[0];
        memmove(keys, keys + 1, (n - 1) * sizeof(*keys));
        keys[n - 1] = first;
        assert_string_equal(pick(f, keys, "GET", "/a/b"), "ANY /a/b");
        assert_string_equal(pick(f, keys, "GET", "/a/x"), "GET /a/{b}");
        assert_string_equal(pick(f, keys, "GET", "/x/b"), "GET /{a}/b");
        assert_string_equal(pick(f, keys, "PUT", "/x/b"), "ANY /{a}/{b}");
        assert_string_equal(pick(f, keys, "GET", "/a/b/c"), "GET /a/{rest+}");
        assert_string_equal(pick(f, keys, "GET", "/a/b/c/d"), "GET /a/b/c/d");
        assert_string_equal(pick(f, keys, "PUT", "/x"), "$default");
    }
}

static void
nothing_matches_without_default(void **state)
{
    struct fixture *f = *state;
    const char *keys[] = { "GET /pets", "GET /pets/{proxy+}", "GET /a/{b}/c", NULL };
    assert_string_equal(pick(f, keys, "GET", "/"), "none");
    assert_string_equal(pick(f, keys, "POST", "/pets"), "none");
    assert_string_equal(pick(f, keys, "GET", "/Pets"), "none");
    assert_string_equal(pick(f, keys, "GET", "/a//c"), "none");
    assert_string_equal(pick(f, keys, "GET", "/a/b"), "none");
    assert_string_equal(pick(f, keys, "GET", "/a/b/c/d"), "none");
    const char *root[] = { "GET /", "GET /{proxy+}", NULL };
    assert_string_equal(pick(f, root, "GET", "/"), "GET /");
    assert_string_equal(pick(f, root, "GET", "/x"), "GET /{proxy+}");
}

/* storacha/w3infra#166: "API Gateway does not know trailing slash". */
static void
a_trailing_slash_is_another_path(void **state)
{
    struct fixture *f = *state;
    const char *keys[] = { "GET /pets", "GET /pets/{id}", "GET /dogs/{proxy+}", NULL };
    assert_string_equal(pick(f, keys, "GET", "/pets/"), "none");
    assert_string_equal(pick(f, keys, "GET", "/dogs/a/"), "GET /dogs/{proxy+}");
    assert_str(apigateway_pairs_get(&f->vars, VG_STR("proxy")), "a/");
    assert_string_equal(pick(f, keys, "GET", "/dogs/"), "GET /dogs/{proxy+}");
}

static void
segments_are_compared_decoded(void **state)
{
    struct fixture *f = *state;
    const char *keys[] = { "GET /my-pets/{id}", NULL };
    assert_string_equal(pick(f, keys, "GET", "/my%2Dpets/a%20b%2Fc"), "GET /my-pets/{id}");
    assert_str(apigateway_pairs_get(&f->vars, VG_STR("id")), "a b/c");
    assert_str(apigateway_pairs_get(&f->sent, VG_STR("id")), "a%20b%2Fc");
}

static void
several_variables_are_given(void **state)
{
    struct fixture *f = *state;
    const char *keys[] = { "PUT /u/{user-id}/o/{o.id}/{rest+}", NULL };
    assert_string_equal(pick(f, keys, "PUT", "/u/7/o/8/x/y/z"), keys[0]);
    assert_int_equal(f->vars.len, 3);
    assert_str(apigateway_pairs_get(&f->vars, VG_STR("user-id")), "7");
    assert_str(apigateway_pairs_get(&f->vars, VG_STR("o.id")), "8");
    assert_str(apigateway_pairs_get(&f->vars, VG_STR("rest")), "x/y/z");
}

static void
route_keys_have_one_form(void **state)
{
    (void)state;
    struct apigateway_route_key key;
    const char *good[] = { "$default", "GET /", "ANY /a", "PATCH /a/{b}", "POST /{proxy+}" };
    for (size_t i = 0; i < VG_COUNT(good); i++)
        assert_true(apigateway_route_key_parse(vg_str_of(good[i]), &key));
    const char *bad[] = {
        "",           "GET",          "/a",        "get /a",      "GET a",   "GET  /a",
        "GET /a/",    "FOO /a",       "GET /a//b", "GET /{p+}/b", "GET /{}", "GET /a{b}",
        "GET /{a b}", "GET /{a}/{a}", "$connect",  "GET /a b",    "GET /{a",
    };
    for (size_t i = 0; i < VG_COUNT(bad); i++)
        if (apigateway_route_key_parse(vg_str_of(bad[i]), &key))
            fail_msg("accepted: %s", bad[i]);
}

static void
very_long_paths_match_only_default(void **state)
{
    struct fixture *f = *state;
    char path[2 * APIGATEWAY_PATH_MAX_PARTS + 3];
    for (size_t i = 0; i + 1 < sizeof(path); i++)
        path[i] = i % 2 ? 'a' : '/';
    path[sizeof(path) - 1] = '\0';
    const char *keys[] = { "GET /{proxy+}", "$default", NULL };
    assert_string_equal(pick(f, keys, "GET", path), "$default");
}

int
main(void)
{
    static struct fixture fixture;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(the_most_specific_route_wins, NULL, teardown,
                                                 &fixture),
        cmocka_unit_test_prestate_setup_teardown(a_full_match_beats_a_greedy_one, NULL, teardown,
                                                 &fixture),
        cmocka_unit_test_prestate_setup_teardown(any_yields_to_a_named_method, NULL, teardown,
                                                 &fixture),
        cmocka_unit_test_prestate_setup_teardown(specificity_does_not_depend_on_order, NULL,
                                                 teardown, &fixture),
        cmocka_unit_test_prestate_setup_teardown(nothing_matches_without_default, NULL, teardown,
                                                 &fixture),
        cmocka_unit_test_prestate_setup_teardown(a_trailing_slash_is_another_path, NULL, teardown,
                                                 &fixture),
        cmocka_unit_test_prestate_setup_teardown(segments_are_compared_decoded, NULL, teardown,
                                                 &fixture),
        cmocka_unit_test_prestate_setup_teardown(several_variables_are_given, NULL, teardown,
                                                 &fixture),
        cmocka_unit_test_prestate_setup_teardown(very_long_paths_match_only_default, NULL, teardown,
                                                 &fixture),
        cmocka_unit_test(route_keys_have_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
